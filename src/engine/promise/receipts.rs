//! Receipts of the pseudonymized release as a receipt file (UKE): put together from the staged tables.
//!
//! Receipts come in the order of their persons' tokens, then by month, then by the receipts' own tokens: the order of the
//! source is told to nobody. In memory, as the tables are when they are proved.

use std::io::Write as _;
use std::path::Path;

use crate::error::{Error, Name, Result};
use crate::formats::{self, ColumnSpec, ReadSpec, Written, uke};
use crate::frame::{Column, Table};
use crate::intake::take;
use crate::plan::shape::extension;
use crate::plan::{Plan, is_uke};
use crate::policy::model::{InputFormat, OutputFormat};
use crate::say;
use crate::schema::Kind;
use crate::system::Opening as _;
use crate::text::date;

/// The receipt file as it was written.
#[derive(Clone, Debug)]
pub struct ReceiptFile {
    /// Path relative to the release folder (`pseudonymized/RECEIPTC.UKE`).
    pub relative: String,
    /// What was written; its rows are lines.
    pub written: Written,
}

/// The tables of receipts in a release folder.
///
/// # Errors
/// If there is none, or they are of several forms; if a table cannot be read.
pub fn tables(plan: &Plan, folder: &Path) -> Result<(&'static uke::Form, Vec<uke::Records>)> {
    let mut form: Option<&'static uke::Form> = None;
    let mut tables = Vec::new();
    for planned in plan.tables.iter().filter(|t| is_uke(&t.source)) {
        let (own, kind, _) = uke::record(&planned.name, planned.source.record.as_deref())?;
        if form.is_some_and(|f| f.title != own.title) {
            return Err(Error::policy(
                "P0314",
                say!("table `{}`: the tables are of several forms of receipts", planned.name),
            ));
        }
        form = Some(own);
        let file = format!(
            "{}/{}.{}",
            Kind::Pseudonymized.word(),
            planned.name,
            extension(plan.output.format)
        );
        let path = folder.join(file);
        if path.is_file() {
            let (names, table) = read(plan, &planned.name, &path)?;
            tables.push(uke::Records { kind: kind.to_owned(), names, table });
        }
    }
    let form =
        form.ok_or_else(|| Error::policy("P0314", say!("the policy has no table of receipts")))?;
    Ok((form, tables))
}

/// Writes the receipt file of the staged pseudonymized release, if the policy asks for one.
///
/// # Errors
/// Tables that do not fit together, a character that CP932 lacks where the policy says `fail`, I/O.
pub fn write(plan: &Plan, staging: &Path) -> Result<Option<ReceiptFile>> {
    let Some(receipts) = &plan.receipts else { return Ok(None) };
    let (form, mut tables) = tables(plan, staging)?;
    let person = receipts
        .tables
        .iter()
        .find(|(_, record)| record.rsplit('/').next() == Some("RE"))
        .map(|&(t, _)| &plan.tables[t])
        .map(|t| t.columns[t.keys[t.person_key].token].facts.column.as_str());
    if let (Some(re), Some(person)) = (tables.iter_mut().find(|t| t.kind == "RE"), person) {
        sort(re, person);
    }
    let (bytes, written) = uke::fold(form, &tables, &plan.output)?;
    let relative = format!("{}/{}", Kind::Pseudonymized.word(), receipts.file);
    put(&staging.join(&relative), &bytes)?;
    Ok(Some(ReceiptFile { relative, written }))
}

/// Makes a receipt file; an existing one is never replaced.
///
/// # Errors
/// I/O.
pub fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let fail = |e: &std::io::Error| Error::io("X0815", say!("writing the receipt file"), e);
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .of_group()
        .open(path)
        .map_err(|e| fail(&e))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| fail(&e))
}

/// Orders RE records by person, month and receipt.
fn sort(re: &mut uke::Records, person: &str) {
    let at = |name: &str| re.names.iter().position(|n| n == name);
    let month = uke::MONTHS.into_iter().find_map(at);
    let (person, number) = (at(person), at("レセプト番号"));
    let cell = |column: Option<usize>, row: u32| {
        column.and_then(|c| re.table.columns[c].text(row as usize)).unwrap_or_default()
    };
    let key = |row: u32| {
        let when = date::parse(cell(month, row)).map(|w| (w.year, w.month));
        (cell(person, row), when, cell(number, row))
    };
    let mut order: Vec<u32> = (0..re.table.rows as u32).collect();
    order.sort_by(|&a, &b| key(a).cmp(&key(b)));
    re.table = take(&re.table, &order);
}

/// A released table with the names of its columns.
fn read(plan: &Plan, name: &Name, path: &Path) -> Result<(Vec<String>, Table)> {
    let format = match plan.output.format {
        OutputFormat::Csv => InputFormat::Csv,
        OutputFormat::Parquet => InputFormat::Parquet,
        OutputFormat::Xlsx => InputFormat::Xlsx,
        OutputFormat::Ndjson => InputFormat::Fhir,
    };
    let names = formats::header_names(path, format, plan.output.encoding, b',')?;
    let columns: Vec<ColumnSpec> =
        names.iter().map(|n| ColumnSpec::text(Name::from_policy(n.clone()))).collect();
    let spec = ReadSpec {
        encoding: plan.output.encoding,
        multiline: true,
        ..ReadSpec::new(name, format, &columns)
    };
    let mut reader = formats::open(path, &spec)?;
    let mut parts = Vec::new();
    while let Some(batch) = reader.next(1 << 18)? {
        parts.push(batch.table);
    }
    let rows = parts.iter().map(|p| p.rows).sum();
    let columns = (0..names.len())
        .map(|c| Column::concat(&parts.iter().map(|p| &p.columns[c]).collect::<Vec<_>>()))
        .collect();
    Ok((names, Table { rows, columns }))
}
