//! The records of receipt files: which there are in each form, and their fields (`policies/layouts/uke.toml`).

use std::sync::OnceLock;

use indexmap::IndexMap;
use serde::Deserialize;

use crate::error::{Error, Name, Result, Said};
use crate::say;

const TEXT: &str = include_str!("../../../policies/layouts/uke.toml");

/// A form of receipts: 医科, DPC, 調剤, 歯科, 訪問看護.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Its name in Japanese.
    pub title: String,
    /// The record type that begins an institution's receipts.
    pub header: String,
    /// The record type that stands once before the header (歯科: UK).
    #[serde(default)]
    pub opens: Option<String>,
    /// Record types.
    pub records: IndexMap<String, Record>,
}

impl Form {
    /// Whether a record type begins a file or an institution's receipts.
    #[must_use]
    pub fn begins_with(&self, kind: &str) -> bool {
        kind == self.header || self.opens.as_deref() == Some(kind)
    }
}

/// One record type.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Whether it is part of a receipt's head, which is repeated when a receipt is folded into several months.
    #[serde(default)]
    pub head: bool,
    /// Whether 31 fields, one a day of the month, follow `columns`.
    #[serde(default)]
    pub days: bool,
    /// Its fields after the record type.
    pub columns: Vec<String>,
}

impl Record {
    /// The largest number of fields, the record type included.
    #[must_use]
    pub fn width(&self) -> usize {
        1 + self.columns.len() + if self.days { 31 } else { 0 }
    }
    /// The position of a field in a line; 0 is the record type.
    #[must_use]
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|c| c == column).map(|at| at + 1)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Pack {
    pack: Head,
    forms: IndexMap<String, Form>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    name: String,
    year: String,
    #[expect(dead_code, reason = "for readers of the file")]
    title: String,
    #[expect(dead_code, reason = "for readers of the file")]
    source: String,
}

fn pack() -> Result<&'static Pack> {
    static PACK: OnceLock<Option<Pack>> = OnceLock::new();
    PACK.get_or_init(|| toml::from_str(TEXT).ok()).as_ref().ok_or_else(|| {
        Error::environment("X0801", say!("the shipped layout of receipts is damaged"))
    })
}

/// The version of the layout, for messages.
pub(super) fn version() -> Name {
    pack().map_or(Name::fixed("uke"), |p| {
        Name::from_policy(format!("{}@{}", p.pack.name, p.pack.year))
    })
}

/// The form with a name (`ika`, `dpc`, `chozai`).
///
/// # Errors
/// If there is none.
pub fn form(name: &str) -> Result<&'static Form> {
    pack()?.forms.get(name).ok_or_else(|| {
        Error::policy("P0310", say!("`{}` is not a form of receipts", Name::from_policy(name)))
            .advice(say!("forms are {}", supported()))
    })
}

/// The forms that are read, with their names in Japanese.
pub(super) fn supported() -> Said {
    let named = |(name, form): (&String, &Form)| {
        say!("`{}` ({})", Name::from_policy(name.clone()), Name::from_policy(form.title.clone()))
    };
    Said::join(&pack().map_or_else(|_| Vec::new(), |p| p.forms.iter().map(named).collect()), ", ")
}

/// The forms that have a record type, in the words of a policy: nothing but names of the shipped layout.
pub(super) fn forms_with(kind: &str) -> Vec<Said> {
    let has = |form: &Form| form.records.contains_key(kind);
    pack().map_or_else(
        |_| Vec::new(),
        |p| {
            p.forms
                .iter()
                .filter(|(_, form)| has(form))
                .map(|(name, form)| {
                    say!(
                        "{} (record = \"{}/...\")",
                        Name::from_policy(form.title.clone()),
                        Name::from_policy(name.clone())
                    )
                })
                .collect()
        },
    )
}

/// What `source.record` names: `SI`, `dpc/BU`.
///
/// # Errors
/// If there is no such form or record.
pub fn record(
    table: &Name,
    text: Option<&str>,
) -> Result<(&'static Form, &'static str, &'static Record)> {
    let Some(text) = text else {
        return Err(Error::policy(
            "P0311",
            say!("table `{}`: a UKE source needs `record`, the type of its records", table),
        )
        .advice(say!(
            "such as record = \"SI\", \"dpc/BU\", \"chozai/CZ\", \"shika/SS\" or \"homon/KA\""
        )));
    };
    let (form_name, kind) = text.split_once('/').unwrap_or(("ika", text));
    let form = form(form_name)?;
    form.records.get_key_value(kind).map(|(kind, record)| (form, kind.as_str(), record)).ok_or_else(
        || {
            let known: Vec<Said> =
                form.records.keys().map(|k| say!("{}", Name::from_policy(k.clone()))).collect();
            Error::policy(
                "P0312",
                say!(
                    "table `{}`: `{}` is not a record type of {}",
                    table,
                    Name::from_policy(kind),
                    version()
                ),
            )
            .advice(say!("known: {}", Said::join(&known, " ")))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_well_formed() {
        let pack = pack().unwrap();
        assert_eq!(
            pack.forms.keys().collect::<Vec<_>>(),
            ["ika", "dpc", "chozai", "shika", "homon"]
        );
        for form in pack.forms.values() {
            assert!(form.opens.as_ref().is_none_or(|o| form.records.contains_key(o)));
            assert!(form.records.contains_key(&form.header) && form.records.contains_key("GO"));
            for (kind, record) in &form.records {
                assert_eq!(kind.len(), 2);
                let mut names: Vec<&String> = record.columns.iter().collect();
                names.sort();
                names.dedup();
                assert_eq!(names.len(), record.columns.len(), "{kind}");
            }
        }
        // Widths counted in a published sample file.
        let ika = form("ika").unwrap();
        for (kind, width) in [
            ("IR", 10),
            ("RE", 38),
            ("HO", 15),
            ("KO", 12),
            ("SN", 9),
            ("SY", 8),
            ("SI", 44),
            ("IY", 44),
            ("TO", 48),
            ("CO", 5),
            ("GO", 4),
        ] {
            assert_eq!(ika.records[kind].width(), width, "{kind}");
        }
        // Widths of the published tables of fields, 令和8年6月版 (調剤: also counted in the published sample) and 令和6年6月版.
        for (name, widths) in [
            (
                "chozai",
                "YK 9 RE 42 HO 14 KO 10 SN 9 JD 33 MF 33 SH 10 CZ 71 IY 10 TO 7 CO 3 TK 3 KI 114 ST 16 GO 4",
            ),
            (
                "shika",
                "UK 10 IR 9 RE 27 HO 14 KO 10 SN 9 JD 33 MF 33 HS 13 SS 109 SI 38 IY 39 TO 45 CO 11 SJ 3 GO 4",
            ),
            (
                "homon",
                "HM 8 RE 15 HO 12 KO 8 SN 9 JD 33 MF 33 IH 7 HJ 4 JS 6 SY 5 RJ 29 CO 4 KA 9 GO 4",
            ),
        ] {
            let found: Vec<String> = form(name)
                .unwrap()
                .records
                .iter()
                .map(|(kind, r)| format!("{kind} {}", r.width()))
                .collect();
            assert_eq!(found.join(" "), widths, "{name}");
        }
    }
}
