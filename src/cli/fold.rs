//! `kakou fold`: the released tables of receipts become a receipt file again.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Failure, Outcome, Show, prepare, shown};
use crate::engine::emit::extension;
use crate::error::{Error, Name, Result};
use crate::frame::{Column, Table};
use crate::plan::Plan;
use crate::policy::model::{InputFormat, OutputFormat};
use crate::say;
use crate::schema::{Kind, Type};
use crate::table::{self, ColumnSpec, ReadSpec, uke};

/// Writes the pseudonymized tables of receipts as a receipt file (UKE).
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  kakou fold OUT/<release-id> --policy policies/receipt.toml --out RECEIPTC.UKE\n\n\
Days go back into their 31 fields; a receipt whose days were moved into another month becomes one receipt a month. The tables must hold \
`レセプト番号` and `レセプト内行番号`. Fields that were left out are empty; the header record is empty and the totals are counted. \
The file holds nothing that the tables do not hold, and is not part of the release."
)]
pub struct Fold {
    /// The release folder.
    release: PathBuf,
    /// The policy that it was made with.
    #[arg(long)]
    policy: PathBuf,
    /// The file to make.
    #[arg(long)]
    out: PathBuf,
}

impl Fold {
    /// Runs it.
    ///
    /// # Errors
    /// Tables without what ties them; I/O.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let prepared = prepare(&self.policy)?;
        self.fold(&prepared.plan, show).map_err(|e| Failure::new(e, &prepared.loaded.sources))
    }

    fn fold(&self, plan: &Plan, show: Show) -> Result<()> {
        let mut form: Option<&'static uke::Form> = None;
        let mut tables = Vec::new();
        for planned in &plan.tables {
            let is_uke = planned.source.format == Some(InputFormat::Uke)
                || planned.source.path.to_ascii_lowercase().ends_with(".uke");
            if !is_uke {
                continue;
            }
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
            let path = self.release.join(file);
            if path.is_file() {
                let (names, table) = read(plan, &planned.name, &path)?;
                tables.push(uke::Records { kind: kind.to_owned(), names, table });
            }
        }
        let Some(form) = form else {
            return Err(Error::policy("P0314", say!("the policy has no table of receipts")));
        };
        let (bytes, written) = uke::fold(form, &tables, &plan.output)?;
        let fail = |e: &std::io::Error| Error::io("X0815", say!("writing {}", shown(&self.out)), e);
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o640)
            .open(&self.out)
            .map_err(|e| fail(&e))?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(|e| fail(&e))?;
        show.json(&json!({
            "file": self.out.to_string_lossy(),
            "records": written.rows,
            "bytes": written.bytes,
            "unencodable": written.unencodable,
        }));
        show.line(&format!("{} records: {}", written.rows, self.out.display()));
        Ok(())
    }
}

/// A released table with the names of its columns.
fn read(plan: &Plan, name: &Name, path: &std::path::Path) -> Result<(Vec<String>, Table)> {
    let format = match plan.output.format {
        OutputFormat::Csv => InputFormat::Csv,
        OutputFormat::Parquet => InputFormat::Parquet,
    };
    let names = table::header_names(path, format, plan.output.encoding, b',')?;
    let columns: Vec<ColumnSpec> = names
        .iter()
        .map(|n| ColumnSpec {
            name: Name::from_policy(n.clone()),
            missing: Vec::new(),
            ty: Type::String,
            specials: Vec::new(),
            path: Vec::new(),
        })
        .collect();
    let spec = ReadSpec {
        table: name,
        format,
        encoding: plan.output.encoding,
        delimiter: b',',
        header: true,
        ignore_case: false,
        multiline: true,
        trim: false,
        columns: &columns,
        set_aside: &[],
        record: None,
        ignore: &[],
    };
    let mut reader = table::open(path, &spec)?;
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
