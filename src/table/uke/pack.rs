//! The records of receipt files: which there are in each form, and their fields (`policies/layouts/uke.toml`).

use std::sync::OnceLock;

use indexmap::IndexMap;
use serde::Deserialize;

use crate::error::{Error, Name, Result};
use crate::say;

const TEXT: &str = include_str!("../../../policies/layouts/uke.toml");

/// A form of receipts: 医科, DPC, 調剤.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Form {
    /// Its name in Japanese.
    pub title: String,
    /// The record type that begins a file.
    pub header: String,
    /// Record types.
    pub records: IndexMap<String, Record>,
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
            .advice(say!("forms are `ika` (医科, may be left out), `dpc` and `chozai` (調剤)"))
    })
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
        .advice(say!("such as record = \"SI\", \"dpc/BU\" or \"chozai/CZ\"")));
    };
    let (form_name, kind) = text.split_once('/').unwrap_or(("ika", text));
    let form = form(form_name)?;
    form.records.get_key_value(kind).map(|(kind, record)| (form, kind.as_str(), record)).ok_or_else(
        || {
            let known: Vec<crate::error::Said> =
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
            .advice(say!("known: {}", crate::error::Said::join(&known, " ")))
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_well_formed() {
        let pack = pack().unwrap();
        assert_eq!(pack.forms.keys().collect::<Vec<_>>(), ["ika", "dpc", "chozai"]);
        for form in pack.forms.values() {
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
    }
}
