//! Drugs by HOT number.

use super::{CodeSystem, Level, digits, plain};

/// HOTコード (医薬品HOTコード, 基準番号): 13, 11 or 9 digits.
///
/// The first seven digits are the drug as it is prescribed, two more the company, then package and distribution.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hot;

const LEVELS: &[Level] = &[
    Level { name: "hot9", ja: "HOT9（処方用番号＋会社識別）" },
    Level { name: "hot7", ja: "HOT7（処方用番号）" },
];

impl CodeSystem for Hot {
    fn name(&self) -> &'static str {
        "hot"
    }
    fn ja(&self) -> &'static str {
        "医薬品HOTコード"
    }
    fn version(&self) -> &'static str {
        "13, 11 or 9 digits"
    }
    fn source(&self) -> &'static str {
        "structure of the code; no master is needed"
    }
    fn levels(&self) -> &'static [Level] {
        LEVELS
    }
    fn up(&self, code: &str, level: &str) -> Option<String> {
        let code = plain(code);
        match level {
            _ if !digits(&code, &[9, 11, 13]) => None,
            "hot9" => Some(code[..9].to_owned()),
            "hot7" => Some(code[..7].to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_prefixes() {
        assert_eq!(Hot.up("1008060010101", "hot9").as_deref(), Some("100806001"));
        assert_eq!(Hot.up("100806001", "hot7").as_deref(), Some("1008060"));
        for code in ["", "1008060", "10080600101012", "1008060010A01"] {
            assert!(!Hot.validate(code), "{code}");
        }
    }
}
