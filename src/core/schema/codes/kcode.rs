//! Procedures by the number of the fee schedule.

use super::{CodeSystem, Level, plain};

/// 診療報酬点数表の区分番号 (Kコード): a letter, three digits, then branch numbers and items (`K552-22`, `K9202ﾛ`, `K664`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kcode;

const LEVELS: &[Level] = &[Level { name: "section", ja: "区分番号（英字＋3桁）" }];

/// The longest code that is read, in characters.
const LONGEST: usize = 12;

impl CodeSystem for Kcode {
    fn name(&self) -> &'static str {
        "kcode"
    }
    fn ja(&self) -> &'static str {
        "点数表コード（Kコード）"
    }
    fn version(&self) -> &'static str {
        "letter and digits"
    }
    fn source(&self) -> &'static str {
        "厚生労働省 医科診療報酬点数表: structure of the code; no master is needed"
    }
    fn levels(&self) -> &'static [Level] {
        LEVELS
    }
    fn up(&self, code: &str, level: &str) -> Option<String> {
        let code = plain(code);
        let (section, rest) = code.split_at_checked(4)?;
        let is_item = |c: char| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | ' ' | ',' | '\u{30a1}'..='\u{30fa}')
        };
        let valid = section.as_bytes()[0].is_ascii_uppercase()
            && section[1..].bytes().all(|b| b.is_ascii_digit())
            && rest.chars().all(is_item)
            && code.chars().count() <= LONGEST;
        (valid && level == "section").then(|| section.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_letter_and_three_digits() {
        for (code, section) in [
            ("K552-22", "K552"),
            ("K55222", "K552"),
            ("K9202ﾛ", "K920"),
            ("ｋ６６４−２", "K664"),
            ("D002", "D002"),
        ] {
            assert_eq!(Kcode.up(code, "section").as_deref(), Some(section), "{code}");
        }
        for code in ["", "K", "K55", "552K", "K55A", "K552手術を行った", "K552-22-22-22-22"] {
            assert!(!Kcode.validate(code), "{code}");
        }
    }
}
