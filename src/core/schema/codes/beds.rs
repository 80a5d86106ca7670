//! Numbers of beds.

use super::{CodeSystem, Level, plain};

/// 病床数: a number of beds, whose classes stand for the hospital that has them.
///
/// `class5` has the five classes of published releases (19 and fewer, 20 to 99, 100 to 299, 300 to 499, 500 and more);
/// `class2` tells clinics (19 and fewer beds) from hospitals (医療法1条の5).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beds;

const LEVELS: &[Level] = &[
    Level { name: "class5", ja: "病床数（5区分）" },
    Level { name: "class2", ja: "診療所・病院の別" },
];

impl CodeSystem for Beds {
    fn name(&self) -> &'static str {
        "beds"
    }
    fn ja(&self) -> &'static str {
        "病床数"
    }
    fn version(&self) -> &'static str {
        "5 classes"
    }
    fn source(&self) -> &'static str {
        "HCEI/RWD: classes of beds in place of the hospital (hcei.or.jp/page/anoninfo); 医療法1条の5"
    }
    fn levels(&self) -> &'static [Level] {
        LEVELS
    }
    fn up(&self, code: &str, level: &str) -> Option<String> {
        let code = plain(code);
        if code.is_empty() || code.len() > 5 || !code.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let beds: u32 = code.parse().ok()?;
        let class = match (level, beds) {
            ("class5", 0..=19) => "0-19",
            ("class5", 20..=99) => "20-99",
            ("class5", 100..=299) => "100-299",
            ("class5", 300..=499) => "300-499",
            ("class5", _) => "500+",
            ("class2", 0..=19) => "0-19",
            ("class2", _) => "20+",
            _ => return None,
        };
        Some(class.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_have_the_published_limits() {
        for (beds, class) in [
            ("0", "0-19"),
            ("19", "0-19"),
            ("20", "20-99"),
            ("99", "20-99"),
            ("100", "100-299"),
            ("299", "100-299"),
            ("300", "300-499"),
            ("499", "300-499"),
            ("500", "500+"),
            ("１,", ""),
            ("３００", "300-499"),
        ] {
            assert_eq!(Beds.up(beds, "class5").unwrap_or_default(), class, "{beds}");
        }
        assert_eq!(Beds.up("19", "class2").as_deref(), Some("0-19"));
        assert_eq!(Beds.up("600", "class2").as_deref(), Some("20+"));
        for none in ["", "-1", "many", "100000"] {
            assert!(!Beds.validate(none), "{none}");
        }
    }
}
