//! The receipt file (UKE) of the pseudonymized release: which tables it is put together from, and what they must have.

use crate::TablePlan;
use crate::error::{Name, Said};
use crate::policy::model::{InputFormat, Source};
use crate::say;
use crate::schema::Kind;

/// The receipt file of a plan.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ReceiptPlan {
    /// Its name in the pseudonymized release.
    pub file: Name,
    /// The tables with the records that they hold (`SI`, `dpc/BU`), in policy order.
    pub tables: Vec<(usize, String)>,
}

/// Whether a source is a receipt file.
#[must_use]
pub fn is_uke(source: &Source) -> bool {
    source.form() == Some(InputFormat::Uke)
}

/// Judges `pseudonymized.receipt_file`. Gives what is wrong, with what to do.
pub(crate) fn plan(file: &str, tables: &[TablePlan]) -> Result<ReceiptPlan, Vec<(Said, Said)>> {
    let mut wrong = Vec::new();
    let plain = file.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if !plain
        || file.starts_with('.')
        || file.len() > 64
        || !file.to_ascii_lowercase().ends_with(".uke")
    {
        wrong.push((
            say!("`receipt_file` is a file name with letters, digits, `-`, `_` and `.` that ends with `.UKE`"),
            say!("receipt_file = \"RECEIPTC.UKE\""),
        ));
    }
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut form: Option<&str> = None;
    for (t, table) in tables.iter().enumerate().filter(|(_, t)| is_uke(&t.source)) {
        let record = table.source.record.as_deref().unwrap_or_default();
        let own = record.split_once('/').map_or("ika", |(form, _)| form);
        if form.is_some_and(|f| f != own) {
            wrong.push((
                say!("table `{}`: a receipt file has one form (医科, DPC, 調剤)", table.name),
                say!("make a policy for each form"),
            ));
            continue;
        }
        form = Some(own);
        let released = |name: &str| {
            let column = table.columns.iter().find(|c| c.facts.column.as_str() == name);
            column.is_some_and(|c| c.treatment(Kind::Pseudonymized).output.is_some())
        };
        if !table.columns.iter().any(|c| c.treatment(Kind::Pseudonymized).output.is_some()) {
            continue;
        }
        if let Some((other, _)) = found.iter().find(|f| f.1 == record) {
            wrong.push((
                say!(
                    "tables `{}` and `{}` are of one record type",
                    tables[*other].name,
                    table.name
                ),
                say!("a receipt file is put together from one table a record type"),
            ));
        }
        found.push((t, record.to_owned()));
        let kind = record.rsplit('/').next().unwrap_or_default();
        let needed: &[&str] = match kind {
            "RE" => &["レセプト番号"],
            "IR" | "YK" | "GO" => &[],
            _ => &["RE.レセプト番号", "レセプト内行番号"],
        };
        let days = table.columns.iter().any(|c| c.facts.column.as_str() == "算定日");
        let days: &[&str] = if days { &["算定日", "算定日回数"] } else { &[] };
        for name in needed.iter().chain(days).filter(|n| !released(n)) {
            wrong.push((
                say!(
                    "table `{}`: a receipt file cannot be put together without `{}`",
                    table.name,
                    Name::from_policy(*name)
                ),
                say!(
                    "give the column a treatment for the pseudonymized release that is not \"drop\""
                ),
            ));
        }
        let person = table.keys.get(table.person_key).map(|k| &table.columns[k.token]);
        if kind == "RE" && person.is_some_and(|c| c.made || c.facts.column.as_str().contains('.')) {
            wrong.push((
                say!("table `{}`: the person's token must stand in a field of RE", table.name),
                say!("name a field of RE last in the person's key, such as カルテ番号等"),
            ));
        }
    }
    if !found.iter().any(|(_, r)| r.rsplit('/').next() == Some("RE")) {
        wrong.push((
            say!("a receipt file needs the table of RE records in the pseudonymized release"),
            say!("a table with layout = \"uke/re@2024\", \"uke/dpc-re@2024\" or \"uke/chozai-re@2024\""),
        ));
    }
    if wrong.is_empty() {
        Ok(ReceiptPlan { file: Name::from_policy(file), tables: found })
    } else {
        Err(wrong)
    }
}

impl crate::build::Builder<'_> {
    /// The receipt file that a policy asks for.
    pub(crate) fn receipts(&mut self, tables: &[TablePlan]) -> Option<ReceiptPlan> {
        let file = self.loaded.policy.pseudonymized.receipt_file.as_deref()?;
        match plan(file, tables) {
            Ok(plan) => Some(plan),
            Err(wrong) => {
                for (what, advice) in wrong {
                    self.advise("P0318", &["pseudonymized", "receipt_file"], what, advice);
                }
                None
            }
        }
    }
}
