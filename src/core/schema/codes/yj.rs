//! Drugs by YJ code.

use super::{CodeSystem, Level, plain};

/// YJコード (個別医薬品コード) and 薬価基準収載医薬品コード: twelve characters.
///
/// Four digits of the therapeutic class (薬効分類番号), three of route and ingredient, the letter of the dosage form, four
/// of strength and product.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Yj;

const LEVELS: &[Level] = &[
    Level { name: "ingredient", ja: "薬効・投与経路・成分（7桁）" },
    Level { name: "class", ja: "薬効分類（4桁）" },
];

impl CodeSystem for Yj {
    fn name(&self) -> &'static str {
        "yj"
    }
    fn ja(&self) -> &'static str {
        "YJコード（個別医薬品コード）"
    }
    fn version(&self) -> &'static str {
        "12 characters"
    }
    fn source(&self) -> &'static str {
        "structure of the code; no master is needed"
    }
    fn levels(&self) -> &'static [Level] {
        LEVELS
    }
    fn up(&self, code: &str, level: &str) -> Option<String> {
        let code = plain(code);
        let bytes = code.as_bytes();
        let valid = bytes.len() == 12
            && bytes[..4].iter().all(u8::is_ascii_digit)
            && bytes[7].is_ascii_uppercase()
            && bytes.iter().all(u8::is_ascii_alphanumeric);
        match level {
            _ if !valid => None,
            "ingredient" => Some(code[..7].to_owned()),
            "class" => Some(code[..4].to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_prefixes() {
        assert_eq!(Yj.up("1149019F1560", "ingredient").as_deref(), Some("1149019"));
        assert_eq!(Yj.up(" １１４９０１９ｆ１５６０", "class").as_deref(), Some("1149"));
        for code in
            ["", "1149019F156", "114901901560", "11490F9F1560ア", "620000001", "X149019F1560"]
        {
            assert!(!Yj.validate(code), "{code}");
        }
    }
}
