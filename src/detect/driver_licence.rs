//! 運転免許証の番号.

use super::check_digit::weighted;
use super::my_number::is_moment;
use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// Twelve digits: the code of the prefecture's commission, year, serial number, check digit (the eleventh; weights 5, 4, 3,
/// 2, 7, 6, 5, 4, 3, 2 modulo 11, the last digit of the complement), number of reissues.
pub struct DriverLicence;

const DOC: Doc = Doc {
    name: "driver_licence",
    ja: "運転免許証番号",
    summary: "12 digits with the code of a commission and check digit (modulus 11)",
    summary_ja: "12桁、公安委員会の番号と検査数字（モジュラス11）",
    mark: "【免許証番号】",
    law: "令1条5号",
    chance: 0.1,
    topics: topic::LICENCE,
};

const WEIGHTS: [u32; 10] = [5, 4, 3, 2, 7, 6, 5, 4, 3, 2];

/// The commissions: Hokkaido has five, then the prefectures by region.
fn is_commission(code: u32) -> bool {
    matches!(code, 10..=14 | 20..=25 | 30 | 40..=55 | 60..=65 | 70..=74 | 80..=83 | 90..=97)
}

/// Whether the check digit and the commission are right.
#[must_use]
pub fn is_valid(digits: &[u32]) -> bool {
    digits.len() == 12
        && is_commission(digits[0] * 10 + digits[1])
        && digits[10] == (11 - weighted(&digits[..10], &WEIGHTS) % 11) % 10
}

impl Detector for DriverLicence {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.numbers(&[12], |n| {
            if n.groups != [12] && (n.groups != [4, 4, 4] || !n.alone) || n.is_filler() {
                return;
            }
            let strength = match (view.context(n.start, n.end, DOC.topics), is_valid(&n.values())) {
                (Context::Named, true) => Strength::Strong,
                (Context::Named, false) => Strength::Fair,
                (Context::Silent, true) if n.groups == [12] && !is_moment(n.digits) => {
                    Strength::Good
                }
                (Context::Silent, true) if n.groups == [12] => Strength::Fair,
                _ => Strength::Weak,
            };
            found.push((n.start..n.end, strength));
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example() {
        let digits = |t: &str| t.bytes().map(|b| u32::from(b - b'0')).collect::<Vec<_>>();
        // 30 90 123456 2 0 is the example of a published explanation.
        assert!(is_valid(&digits("309012345620")));
        assert!(!is_valid(&digits("309012345630")));
        assert!(!is_valid(&digits("159012345620")));
    }
}
