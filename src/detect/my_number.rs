//! 個人番号 (マイナンバー).

use super::check_digit::modulus_11;
use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// Twelve digits, the last a check digit: 11 minus the weighted sum modulo 11, 0 for remainders 0 and 1
/// (行政手続における特定の個人を識別するための番号の利用等に関する法律の総務省令 5条).
pub struct MyNumber;

const DOC: Doc = Doc {
    name: "my_number",
    ja: "個人番号",
    summary: "12 digits (4-4-4) with check digit (modulus 11)",
    summary_ja: "12桁、検査用数字（モジュラス11）",
    mark: "【個人番号】",
    law: "令1条9号",
    chance: 1.0 / 11.0,
    topics: topic::MY_NUMBER,
};

/// Whether the check digit is right.
#[must_use]
pub fn is_valid(digits: &[u32]) -> bool {
    let [before @ .., check] = digits else { return false };
    let rest = modulus_11(before);
    digits.len() == 12 && *check == if rest <= 1 { 0 } else { 11 - rest }
}

impl Detector for MyNumber {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.marked_numbers(&[12], |n| {
            if !matches!(n.groups, [12] | [4, 4, 4])
                || n.groups.len() == 3 && !n.alone
                || n.is_filler()
            {
                return;
            }
            let strength = match (view.context(n.start, n.end, DOC.topics), is_valid(&n.values())) {
                (Context::Named, true) => Strength::Strong,
                // A slip of the pen leaves eleven right digits; and a moment of the day has twelve too.
                (Context::Named, false) => Strength::Fair,
                (Context::Silent, true) if is_moment(n.digits) => Strength::Fair,
                (Context::Silent, true) => Strength::Good,
                _ => Strength::Weak,
            };
            found.push((n.start..n.end, strength));
        });
    }
}

/// Year, month, day, hour and minute in twelve digits.
pub(super) fn is_moment(digits: &str) -> bool {
    let part = |from: usize, to: usize| digits.get(from..to).and_then(|d| d.parse::<u32>().ok());
    matches!(
        (part(0, 4), part(4, 6), part(6, 8), part(8, 10), part(10, 12)),
        (Some(1900..=2099), Some(1..=12), Some(1..=31), Some(0..=24), Some(0..=59))
    ) && digits.len() == 12
}
