//! 住民票コード.

use super::check_digit::modulus_11;
use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// Eleven digits, the last a check digit (modulus 11). Sources differ on remainders 0 and 1; both readings are taken.
pub struct ResidentCode;

const DOC: Doc = Doc {
    name: "resident_code",
    ja: "住民票コード",
    summary: "11 digits with check digit (modulus 11)",
    summary_ja: "11桁、検査数字（モジュラス11）",
    mark: "【住民票コード】",
    law: "令1条6号",
    chance: 0.1,
    topics: topic::RESIDENT,
};

/// Whether the check digit is right.
#[must_use]
pub fn is_valid(digits: &[u32]) -> bool {
    let [before @ .., check] = digits else { return false };
    digits.len() == 11
        && match modulus_11(before) {
            0 => *check <= 1,
            1 => *check == 0,
            rest => *check == 11 - rest,
        }
}

impl Detector for ResidentCode {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.numbers(&[11], |n| {
            if n.groups != [11] || n.is_filler() {
                return;
            }
            // Mobile numbers have eleven digits too, and a detector of their own.
            let mobile = matches!(n.digits.as_bytes(), [b'0', b'5'..=b'9', b'0', ..]);
            let strength = match (view.context(n.start, n.end, DOC.topics), is_valid(&n.values())) {
                (Context::Named, true) => Strength::Strong,
                (Context::Named, false) => Strength::Fair,
                (Context::Silent, true) if !mobile => Strength::Good,
                _ => Strength::Weak,
            };
            found.push((n.start..n.end, strength));
        });
    }
}
