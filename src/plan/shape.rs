//! The shape of a release: which files it has, with which columns, of which types. Pure functions of the plan, which the engine
//! writes by, the proof reads by and the record describes.

use super::{LongPlan, Plan, TablePlan};
use crate::policy::model::{Encoding, Form, Order, Output, OutputFormat};
use crate::schema::file::{Dialect, OutType};
use crate::schema::{Kind, Type};

/// How many columns the place of a row in its source has on its way.
pub const PLACE_WIDTH: usize = 2;

/// A column of an output table.
#[derive(Clone, Debug)]
pub struct Released {
    /// Index in the policy's table.
    pub column: usize,
    /// Its type in the file.
    pub out: OutType,
    /// The type of its cells.
    pub ty: Type,
}

/// The columns of a table in a release; empty if the table is left out.
#[must_use]
pub fn released(table: &TablePlan, kind: Kind, output: &Output) -> Vec<Released> {
    table
        .columns
        .iter()
        .enumerate()
        .filter_map(|(column, c)| {
            let ty = c.treatment(kind).output?;
            // Decided by the policy, never by the data: special values make a column text.
            // A column of a long file holds what the rows of all its parts have there.
            let typed = output.format == OutputFormat::Parquet
                && c.facts.specials.is_empty()
                && table.long(kind).is_none();
            let out = match ty {
                Type::Integer if typed => OutType::Integer,
                Type::Decimal if typed => OutType::Decimal,
                Type::Date if typed => OutType::Date,
                Type::Boolean if typed => OutType::Boolean,
                _ => OutType::Text,
            };
            Some(Released { column, out, ty })
        })
        .collect()
}

/// The ending of output files.
#[must_use]
pub const fn extension(format: OutputFormat) -> &'static str {
    match format {
        OutputFormat::Csv => "csv",
        OutputFormat::Parquet => "parquet",
    }
}

/// A file of a release.
pub struct FilePlan<'a> {
    /// The tables in it (plan indices); several are the parts of a long table.
    pub tables: Vec<usize>,
    /// How it is long.
    pub long: Option<&'a LongPlan>,
    /// Its columns: those of its first table (column indices), in the order of the file.
    pub columns: Vec<usize>,
    /// Path relative to the release folder (`pseudonymized/patients.csv`).
    pub relative: String,
}

/// The files of a release, in the order of the policy.
#[must_use]
pub fn files(plan: &Plan, kind: Kind) -> Vec<FilePlan<'_>> {
    let mut files: Vec<FilePlan<'_>> = Vec::new();
    for group in plan.groups() {
        let tables: Vec<usize> = group.filter(|&t| plan.tables[t].is_released(kind)).collect();
        let Some(&first) = tables.first() else { continue };
        let table = &plan.tables[first];
        match (table.long(kind), &table.part) {
            (Some(long), Some(part)) => {
                let shown = |c: usize| match long.form {
                    Form::Layout => !table.columns[c].made,
                    Form::Table => tables
                        .iter()
                        .any(|&t| plan.tables[t].columns[c].treatment(kind).output.is_some()),
                };
                let ending = match long.form {
                    Form::Layout => "txt",
                    Form::Table => extension(plan.output.format),
                };
                files.push(FilePlan {
                    columns: (0..table.columns.len()).filter(|&c| shown(c)).collect(),
                    tables,
                    long: Some(long),
                    relative: format!("{}/{}.{ending}", kind.word(), part.of),
                });
            }
            _ => {
                files.extend(tables.into_iter().map(|t| {
                    FilePlan {
                        columns: released(&plan.tables[t], kind, &plan.output)
                            .iter()
                            .map(|r| r.column)
                            .collect(),
                        tables: vec![t],
                        long: None,
                        relative: format!(
                            "{}/{}.{}",
                            kind.word(),
                            plan.tables[t].name,
                            extension(plan.output.format)
                        ),
                    }
                }))
            }
        }
    }
    files
}

impl FilePlan<'_> {
    /// How its text is written.
    #[must_use]
    pub fn dialect(&self, plan: &Plan) -> Dialect {
        match self.long {
            Some(LongPlan { form: Form::Layout, .. }) => {
                let source = &plan.tables[self.tables[0]].source;
                let delimiter = source.delimiter.as_deref().and_then(|d| d.bytes().next());
                Dialect { delimiter: delimiter.unwrap_or(b','), header: source.header, plain: true }
            }
            _ => Dialect::default(),
        }
    }
    /// Its encoding and the treatment of special characters.
    #[must_use]
    pub fn output(&self, plan: &Plan) -> Output {
        let encoding = self.encoding(plan);
        Output { encoding, ..plan.output.clone() }
    }
    /// Its encoding.
    #[must_use]
    pub fn encoding(&self, plan: &Plan) -> Encoding {
        match self.long {
            Some(LongPlan { form: Form::Layout, .. }) => {
                plan.tables[self.tables[0]].source.encoding
            }
            _ => plan.output.encoding,
        }
    }
    /// Where a column of one of its tables stands in it.
    #[must_use]
    pub fn place(&self, column: usize) -> Option<usize> {
        self.columns.iter().position(|&c| c == column)
    }
    /// The columns by which its rows are sorted within a person and which are not written; the number of its table is the last.
    #[must_use]
    pub fn sorting(&self, plan: &Plan) -> usize {
        match self.long {
            None => 0,
            Some(long) if long.order == Order::Source => PLACE_WIDTH + 1,
            // The keys but the person's, and the table.
            Some(_) => plan.tables[self.tables[0]].keys.len(),
        }
    }
    /// All columns of its rows on their way: what sorts them, the file's own, the token of the person.
    #[must_use]
    pub fn width(&self, plan: &Plan) -> usize {
        self.sorting(plan) + self.columns.len() + 1
    }
}
