//! Prefectures by code or name.

use super::{CodeSystem, Level, geography, plain};

/// 都道府県 (JIS X 0401).
///
/// Read: `13`, full-width digits, `東京都`, `東京`. A single digit is not read: `1` may be a lost leading zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Prefecture;

pub(super) const PREFECTURE: Level = Level { name: "prefecture", ja: "都道府県" };
pub(super) const REGION: Level = Level { name: "region", ja: "地方" };

const LEVELS: &[Level] = &[PREFECTURE, REGION];

impl CodeSystem for Prefecture {
    fn name(&self) -> &'static str {
        "prefecture"
    }
    fn ja(&self) -> &'static str {
        "都道府県コード・都道府県名"
    }
    fn version(&self) -> &'static str {
        "JIS X 0401"
    }
    fn source(&self) -> &'static str {
        "JIS X 0401; 八地方区分"
    }
    fn levels(&self) -> &'static [Level] {
        LEVELS
    }
    fn up(&self, code: &str, level: &str) -> Option<String> {
        let code = plain(code);
        let code = match geography::number(&code) {
            Some(_) => code.into_owned(),
            None => geography::code_of_name(&code)?,
        };
        match level {
            "region" => geography::region(&code).map(str::to_owned),
            "prefecture" => Some(code),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names() {
        for (code, prefecture, region) in [
            ("01", "01", "北海道"),
            ("東京", "13", "関東"),
            ("東京都", "13", "関東"),
            ("京都", "26", "近畿"),
            ("三重県", "24", "近畿"),
            ("新潟県", "15", "中部"),
            ("１５", "15", "中部"),
            ("山口", "35", "中国"),
            ("36", "36", "四国"),
            ("47", "47", "九州・沖縄"),
        ] {
            assert_eq!(Prefecture.up(code, "prefecture").as_deref(), Some(prefecture), "{code}");
            assert_eq!(Prefecture.up(code, "region").as_deref(), Some(region), "{code}");
        }
        for code in ["", "0", "00", "1", "48", "北海", "都", "東京都千代田区"] {
            assert!(!Prefecture.validate(code), "{code}");
        }
    }
}
