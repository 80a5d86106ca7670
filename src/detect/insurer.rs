//! 保険者番号.

use super::check_digit::modulus_10;
use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// Eight digits (法別番号, prefecture, insurer, check digit) or six (国民健康保険: no 法別番号). Modulus 10, weights 2 and 1
/// from the right, digits of the products added (保険者番号等設定要領).
pub struct Insurer;

const DOC: Doc = Doc {
    name: "insurer",
    ja: "保険者番号",
    summary: "8 or 6 digits with law code, prefecture and check digit (modulus 10)",
    summary_ja: "8桁又は6桁、法別番号・都道府県番号・検証番号（モジュラス10）",
    mark: "【保険者番号】",
    law: "規則4条1号（記号・番号とあわせて）",
    chance: 0.1,
    topics: topic::INSURER,
};

/// Whether law code, prefecture and check digit are right.
#[must_use]
pub fn is_valid(digits: &[u32]) -> bool {
    let (law, rest) = match digits.len() {
        8 => (Some(digits[0] * 10 + digits[1]), &digits[2..]),
        6 => (None, digits),
        _ => return false,
    };
    let known =
        law.is_none_or(|law| matches!(law, 1..=4 | 6 | 7 | 31..=34 | 39 | 63 | 67 | 72..=75));
    let [before @ .., check] = digits else { return false };
    known && (1..=47).contains(&(rest[0] * 10 + rest[1])) && *check == modulus_10(before)
}

impl Detector for Insurer {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.numbers(&[6, 8], |n| {
            if n.groups.len() != 1 || n.is_filler() {
                return;
            }
            let strength = match (view.context(n.start, n.end, DOC.topics), is_valid(&n.values())) {
                (Context::Named, true) => Strength::Strong,
                (Context::Named, false) => Strength::Fair,
                // Six digits are anything; eight that are no date are rarer.
                (Context::Silent, true) if n.groups == [8] => Strength::Fair,
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
        assert!(is_valid(&digits("33120015")));
        assert!(is_valid(&digits("138057")), "世田谷区");
        assert!(!is_valid(&digits("33120016")));
        assert!(!is_valid(&digits("20240401")));
    }
}
