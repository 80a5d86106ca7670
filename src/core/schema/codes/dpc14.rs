//! DPC codes.

use super::{CodeSystem, Level, plain};

/// 診断群分類番号 (DPCコード): fourteen characters, digits and `x`.
///
/// Two digits of the major diagnostic category (MDC, 01 to 18), four of the diagnosis, eight of age, surgery, treatment,
/// comorbidity and severity. The eight can say what a released diagnosis column hides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dpc14;

const LEVELS: &[Level] = &[
    Level { name: "dpc6", ja: "DPC上6桁（MDC＋傷病細分類）" },
    Level { name: "mdc", ja: "主要診断群（MDC2桁）" },
];

impl CodeSystem for Dpc14 {
    fn name(&self) -> &'static str {
        "dpc14"
    }
    fn ja(&self) -> &'static str {
        "診断群分類番号（DPC14桁）"
    }
    fn version(&self) -> &'static str {
        "14 characters"
    }
    fn source(&self) -> &'static str {
        "厚生労働省: structure of the code; no master is needed"
    }
    fn levels(&self) -> &'static [Level] {
        LEVELS
    }
    fn up(&self, code: &str, level: &str) -> Option<String> {
        let code = plain(code).replace('X', "x");
        let bytes = code.as_bytes();
        let valid = bytes.len() == 14
            && bytes.iter().all(|b| b.is_ascii_digit() || *b == b'x')
            && code[..2].parse::<u8>().is_ok_and(|mdc| (1..=18).contains(&mdc));
        match level {
            _ if !valid => None,
            "dpc6" => Some(code[..6].to_owned()),
            "mdc" => Some(code[..2].to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_prefixes() {
        assert_eq!(Dpc14.up("010060x2990401", "dpc6").as_deref(), Some("010060"));
        assert_eq!(Dpc14.up("14031XX09X0XXX", "dpc6").as_deref(), Some("14031x"));
        assert_eq!(Dpc14.up("050050xx0200xx", "mdc").as_deref(), Some("05"));
        for code in [
            "",
            "010060",
            "190060x2990401",
            "xx0060x2990401",
            "010060y2990401",
            "診断群分類番号です十四字",
        ] {
            assert!(!Dpc14.validate(code), "{code}");
        }
    }
}
