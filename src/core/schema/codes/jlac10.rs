//! Laboratory tests by JLAC10.

use super::{CodeSystem, Level, plain};

/// 臨床検査項目分類コード第10回改訂 (JLAC10): 17 characters, or 15 without the result code. Hyphens between the parts are skipped.
///
/// Analyte (分析物) 5, identification (識別) 4, specimen (材料) 3, method (測定法) 3, result (結果識別) 2.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Jlac10;

const LEVELS: &[Level] = &[
    Level { name: "analyte_material", ja: "分析物・識別・材料（12桁）" },
    Level { name: "analyte", ja: "分析物（5桁）" },
];

impl CodeSystem for Jlac10 {
    fn name(&self) -> &'static str {
        "jlac10"
    }
    fn ja(&self) -> &'static str {
        "臨床検査項目分類コード（JLAC10）"
    }
    fn version(&self) -> &'static str {
        "10th revision"
    }
    fn source(&self) -> &'static str {
        "日本臨床検査医学会: structure of the code; no master is needed"
    }
    fn levels(&self) -> &'static [Level] {
        LEVELS
    }
    fn up(&self, code: &str, level: &str) -> Option<String> {
        let code = plain(code).replace('-', "");
        let bytes = code.as_bytes();
        let valid = [15, 17].contains(&bytes.len())
            && bytes.iter().all(u8::is_ascii_alphanumeric)
            && bytes[0].is_ascii_digit()
            && bytes[1].is_ascii_uppercase()
            && bytes[2..5].iter().all(u8::is_ascii_digit);
        match level {
            _ if !valid => None,
            "analyte_material" => Some(code[..12].to_owned()),
            "analyte" => Some(code[..5].to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_prefixes() {
        for code in
            ["2A990000001930953", "2A990-0000-019-309-53", "２Ａ９９００００００１９３０９５３"]
        {
            assert_eq!(Jlac10.up(code, "analyte").as_deref(), Some("2A990"), "{code}");
        }
        assert_eq!(
            Jlac10.up("2A990000001930953", "analyte_material").as_deref(),
            Some("2A9900000019")
        );
        assert_eq!(Jlac10.up("2A9900000019309", "analyte").as_deref(), Some("2A990"));
        for code in ["", "2A990", "2A99000000193095", "XX990000001930953", "2A99000000193095検"] {
            assert!(!Jlac10.validate(code), "{code}");
        }
    }
}
