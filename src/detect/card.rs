//! Payment cards.

use super::check_digit::modulus_10;
use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// 14 to 16 digits in the ranges of the card companies, with the check digit of ISO/IEC 7812 (Luhn).
pub struct Card;

const DOC: Doc = Doc {
    name: "card",
    ja: "クレジットカード番号",
    summary: "14 to 16 digits in card ranges with check digit (Luhn)",
    summary_ja: "14〜16桁、カード会社の範囲と検査数字（Luhn）",
    mark: "【カード番号】",
    law: "規則33条3号",
    chance: 0.1,
    topics: topic::CARD,
};

/// Whether a number is in the range of a company that issues cards of that length.
fn in_range(digits: &str) -> bool {
    let first = |n: usize| digits.get(..n).and_then(|d| d.parse::<u32>().ok()).unwrap_or(0);
    match digits.len() {
        16 => {
            first(1) == 4
                // All of 35: test numbers are outside of the range 3528 to 3589 that is given out.
                || matches!(first(2), 35 | 51..=55)
                || matches!(first(4), 2221..=2720)
                || first(4) == 6011
                || first(2) == 62
        }
        15 => matches!(first(2), 34 | 37),
        14 => matches!(first(2), 36 | 38 | 39) || matches!(first(3), 300..=305),
        _ => false,
    }
}

/// Whether the check digit is right.
#[must_use]
pub fn is_valid(digits: &[u32]) -> bool {
    let [before @ .., check] = digits else { return false };
    *check == modulus_10(before)
}

impl Detector for Card {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.marked_numbers(&[14, 15, 16], |n| {
            let bare = n.groups.len() == 1;
            if !(bare || matches!(n.groups, [4, 4, 4, 4] | [4, 6, 5] | [4, 6, 4])) || n.is_filler()
            {
                return;
            }
            if !in_range(n.digits) {
                found.push((n.start..n.end, Strength::Faint));
                return;
            }
            let strength = match (view.context(n.start, n.end, DOC.topics), is_valid(&n.values())) {
                (Context::Named, true) => Strength::Strong,
                (Context::Silent, true) if !bare => Strength::Strong,
                (Context::Silent, true) => Strength::Good,
                (Context::Named, false) => Strength::Fair,
                _ => Strength::Weak,
            };
            found.push((n.start..n.end, strength));
        });
    }
}
