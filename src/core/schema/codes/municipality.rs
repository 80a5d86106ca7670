//! Municipalities (JIS X 0402).

use super::prefecture::{PREFECTURE, REGION};
use super::{CodeSystem, Level, digits, geography, plain};

/// 全国地方公共団体コード: five digits (JIS X 0402), or six with the check digit, which must be right.
///
/// Whether a municipality with that code exists is not looked up: municipalities merge, and old data hold old codes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Municipality;

pub(super) const MUNICIPALITY: Level = Level { name: "municipality", ja: "市区町村" };

const LEVELS: &[Level] = &[MUNICIPALITY, PREFECTURE, REGION];

/// The check digit of a municipality code: weights 6 to 2, modulus 11, last digit of the complement.
fn check_digit(code: &str) -> u32 {
    let sum: u32 =
        code.bytes().take(5).zip([6, 5, 4, 3, 2]).map(|(d, w)| u32::from(d - b'0') * w).sum();
    (11 - sum % 11) % 10
}

impl CodeSystem for Municipality {
    fn name(&self) -> &'static str {
        "municipality"
    }
    fn ja(&self) -> &'static str {
        "全国地方公共団体コード（市区町村）"
    }
    fn version(&self) -> &'static str {
        "JIS X 0402"
    }
    fn source(&self) -> &'static str {
        "JIS X 0401, JIS X 0402; 八地方区分"
    }
    fn levels(&self) -> &'static [Level] {
        LEVELS
    }
    fn up(&self, code: &str, level: &str) -> Option<String> {
        let code = plain(code);
        if !digits(&code, &[5, 6]) {
            return None;
        }
        if code.len() == 6 && u32::from(code.as_bytes()[5] - b'0') != check_digit(&code) {
            return None;
        }
        let region = geography::region(&code[..2])?;
        match level {
            "municipality" => Some(code[..5].to_owned()),
            "prefecture" => Some(code[..2].to_owned()),
            "region" => Some(region.to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_and_six_digits() {
        // Published codes: 札幌市 011002, 千代田区 131016, 大阪市 271004.
        for code in ["011002", "131016", "271004"] {
            assert!(Municipality.validate(code), "{code}");
            assert_eq!(
                Municipality.up(code, "municipality"),
                Municipality.up(&code[..5], "municipality")
            );
        }
        assert_eq!(Municipality.up("131016", "prefecture").as_deref(), Some("13"));
        assert_eq!(Municipality.up("13101", "region").as_deref(), Some("関東"));
        for code in ["", "1310", "131017", "48101", "00000", "千代田区"] {
            assert!(!Municipality.validate(code), "{code}");
        }
    }
}
