//! The shape of a release: which files it has, with which columns, of which types. Pure functions of the plan, which the engine
//! writes by, the proof reads by and the record describes.

use super::{LongPlan, Plan};
use crate::policy::model::{Encoding, Form, Order, Output, OutputFormat};
use crate::schema::file::{Dialect, OutType, Parts};
use crate::schema::{Kind, Type};

/// The name of the data dictionary of a release.
pub const DICTIONARY: &str = "dictionary.json";

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
    /// Which columns stand beside it.
    pub parts: Parts,
    /// The type of the ends, where they stand beside it.
    pub ends: OutType,
}

impl Released {
    /// The columns that it becomes in the file, with their types.
    #[must_use]
    pub fn in_file(&self, name: &str) -> Vec<(String, OutType)> {
        let beside = match self.parts {
            Parts::Bounds => self.ends,
            _ => OutType::Text,
        };
        let endings = self.parts.endings().iter();
        std::iter::once((name.to_owned(), self.out))
            .chain(endings.map(|ending| (format!("{name}{ending}"), beside)))
            .collect()
    }
}

/// The columns of a table in a release; empty if the table is left out.
#[must_use]
pub fn released(plan: &Plan, table: usize, kind: Kind) -> Vec<Released> {
    plan.tables[table]
        .columns
        .iter()
        .enumerate()
        .filter_map(|(column, c)| {
            let ty = c.treatment(kind).output?;
            let (out, parts) = form(plan, table, column, kind, ty);
            // Ages, days and intervals are whole; the edges of other bands need not be.
            let whole = c.treatment(kind).treatment.whole_ends();
            let ends = if whole { OutType::Integer } else { OutType::Decimal };
            Some(Released { column, out, ty, parts, ends })
        })
        .collect()
}

/// How a column stands in its file: decided by the policy (its type, its special values, its treatment, the floor of the release),
/// never by the data, so that it is the same in every run.
fn form(plan: &Plan, table: usize, column: usize, kind: Kind, ty: Type) -> (OutType, Parts) {
    let (output, facts) = (&plan.output, &plan.tables[table].columns[column].facts);
    let text = (OutType::Text, Parts::Whole);
    // A column of a long file holds what the rows of all its parts have there; lines of receipts are made from whole cells.
    if plan.tables[table].long(kind).is_some() || plan.receipts.is_some() {
        return text;
    }
    let floor = match kind {
        Kind::Pseudonymized => None,
        Kind::Anonymized => plan.floor_of(table, column),
    };
    if plan.tables[table].columns[column].treatment(kind).treatment.ordered() {
        // Numbers that too few share are joined to intervals: what was a number is a label then.
        let joined = output.typed() && floor.is_some() && ty.is_number();
        if joined || output.bounds {
            return (OutType::Text, Parts::Bounds);
        }
    }
    if !output.typed() {
        return text;
    }
    let special = !facts.specials.is_empty();
    let op = ty == Type::Measured || floor.is_some_and(|f| f.tails);
    // A class stands beside a number only where the source may have one.
    let note = special || ty == Type::Measured && facts.ty == Type::Measured;
    // Before a floor, which may show the highest of them as `>=90`; days are whole with or without an end.
    let made = plan.tables[table].columns[column].treatment(kind).treatment.output(facts);
    let main = match ty {
        _ if ty.is_number() && (made == Some(Type::Integer) || facts.ty.is_date()) => {
            OutType::Integer
        }
        Type::Integer => OutType::Integer,
        Type::Decimal | Type::Measured => OutType::Decimal,
        Type::Date => OutType::Date,
        Type::Datetime => OutType::Timestamp,
        Type::Boolean => OutType::Boolean,
        Type::String | Type::Code | Type::PartialDate => return text,
    };
    let parts = match (ty.is_number() && op, note) {
        (false, false) => Parts::Whole,
        (true, false) => Parts::Op,
        (false, true) => Parts::Note,
        (true, true) => Parts::OpNote,
    };
    if !parts.is_whole() && !output.splits() { text } else { (main, parts) }
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
            _ => files.extend(tables.into_iter().map(|t| FilePlan {
                columns: released(plan, t, kind).iter().map(|r| r.column).collect(),
                tables: vec![t],
                long: None,
                relative: format!(
                    "{}/{}.{}",
                    kind.word(),
                    plan.tables[t].name,
                    extension(plan.output.format)
                ),
            })),
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
