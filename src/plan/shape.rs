//! The shape of a release: which files it has, with which columns, of which types. Pure functions of the plan, which the engine
//! writes by, the proof reads by and the record describes.

use super::names::template;
use super::{LongPlan, Plan, TablePlan};
use crate::policy::model::{
    Encoding, Form, InputFormat, Order, Output, OutputFormat, ReleaseForm, Source,
};
use crate::schema::file::{
    CellForm, Dialect, LineEnds, MeasuredForm, NamePart, OutType, Parts, Quotes,
};
use crate::schema::{Kind, Type};

/// The name of the data dictionary of a release.
pub const DICTIONARY: &str = "dictionary.json";

/// The columns that stand before a row's own in a file of resources: the number of its table in the file, and the person.
pub const BEFORE: usize = 2;

/// How many columns the position of a row in its source has on its way.
pub const SOURCE_POSITION_WIDTH: usize = 2;

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
    let text = (OutType::Text, Parts::Whole);
    // A column of a long file holds what the rows of all its parts have there; lines of receipts are made from whole cells.
    if plan.tables[table].long(kind).is_some() || plan.receipts.is_some() {
        return text;
    }
    let output = output_of(plan, table, kind);
    // What stands beside a column has no place in the form of the source.
    match as_in(plan, table, column, kind, ty, &output) {
        (_, parts) if output.form == ReleaseForm::Source && !parts.is_whole() => text,
        form => form,
    }
}

/// How the files of a table are written.
fn output_of(plan: &Plan, table: usize, kind: Kind) -> Output {
    match back(plan, &plan.tables[table].source, kind) {
        None => Output { form: ReleaseForm::Table, ..plan.output.clone() },
        Some(format) => Output {
            format,
            cells: CellForm::Kept,
            measured: Some(MeasuredForm::Text),
            bounds: false,
            ..plan.output.clone()
        },
    }
}

/// The format in which a release has a table of a source in its form; none if it has tables.
fn back(plan: &Plan, source: &Source, kind: Kind) -> Option<OutputFormat> {
    let format = match plan.output.form {
        ReleaseForm::Table => None,
        ReleaseForm::Source => source.form().unwrap_or(InputFormat::Csv).facts().back,
    };
    // Bands, quarters and suppressed cells are no values of FHIR: what is anonymized are tables.
    format.filter(|&f| f != OutputFormat::Ndjson || kind == Kind::Pseudonymized)
}

/// The path that says which Bundle a resource is in.
pub const BUNDLE: &str = "Bundle.id";

/// The resource type of a table's rows, and the repeated element that they are, if they are not the resource itself.
#[must_use]
pub fn record(table: &TablePlan) -> (&str, Option<&str>) {
    let record = table.source.record.as_deref().unwrap_or_default();
    record.split_once('/').map_or((record, None), |(kind, element)| (kind, Some(element)))
}

/// Whether a table's resources are written back in the Bundles that they were in.
fn in_bundles(plan: &Plan, table: usize, kind: Kind) -> bool {
    let columns = &plan.tables[table].columns;
    columns.iter().any(|c| c.path.iter().any(|p| p == BUNDLE) && c.treatment(kind).output.is_some())
}

fn as_in(
    plan: &Plan,
    table: usize,
    column: usize,
    kind: Kind,
    ty: Type,
    output: &Output,
) -> (OutType, Parts) {
    let facts = &plan.tables[table].columns[column].facts;
    let text = (OutType::Text, Parts::Whole);
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
        OutputFormat::Xlsx => "xlsx",
        OutputFormat::Ndjson => "ndjson",
    }
}

/// A file of a release.
pub struct FilePlan<'a> {
    /// The tables in it (plan indices); several are the parts of a long table.
    pub tables: Vec<usize>,
    /// How it is long.
    pub long: Option<&'a LongPlan>,
    /// It has the form of its source.
    pub own: bool,
    /// It is resources of FHIR, of all its tables: whether they are in Bundles.
    pub fhir: Option<bool>,
    /// Its columns: those of its first table (column indices), in the order of the file.
    pub columns: Vec<usize>,
    /// Path relative to the release folder (`pseudonymized/patients.csv`); with `names`, as it is told.
    pub relative: String,
    /// What its rows show in the name of their file, by place in the file; there is one file if this is empty.
    pub names: Vec<NamePart>,
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
                let ending = match (long.form, back(plan, &table.source, kind)) {
                    (Form::Layout, None) => "txt",
                    (Form::Layout, Some(format)) => ending(&table.source, format),
                    (Form::Table, _) => extension(plan.output.format),
                };
                let own = long.form == Form::Layout;
                let columns: Vec<usize> = (0..table.columns.len()).filter(|&c| shown(c)).collect();
                let usual = format!("{}.{ending}", part.of);
                let (name, names) = named(table, kind, usual, own, &columns);
                files.push(FilePlan {
                    columns,
                    tables,
                    long: Some(long),
                    own,
                    fhir: None,
                    relative: format!("{}/{name}", kind.word()),
                    names,
                });
            }
            _ if back(plan, &table.source, kind) == Some(OutputFormat::Ndjson) => {
                for t in tables {
                    resources(plan, kind, t, &mut files);
                }
            }
            _ => files.extend(tables.into_iter().map(|t| {
                let table = &plan.tables[t];
                let back = back(plan, &table.source, kind);
                let ending =
                    back.map_or(extension(plan.output.format), |f| ending(&table.source, f));
                let all = || (0..table.columns.len()).filter(|&c| !table.columns[c].made).collect();
                let columns: Vec<usize> = match back {
                    Some(_) => all(),
                    None => released(plan, t, kind).iter().map(|r| r.column).collect(),
                };
                let usual = format!("{}.{ending}", table.name);
                let (name, names) = named(table, kind, usual, back.is_some(), &columns);
                FilePlan {
                    columns,
                    tables: vec![t],
                    long: None,
                    own: back.is_some(),
                    fhir: None,
                    relative: format!("{}/{name}", kind.word()),
                    names,
                }
            })),
        }
    }
    files
}

/// Puts a table of FHIR into the file of its resources: one a type, or that of the Bundles.
fn resources<'a>(plan: &'a Plan, kind: Kind, t: usize, files: &mut Vec<FilePlan<'a>>) {
    let bundled = in_bundles(plan, t, kind);
    let name = if bundled { "Bundle" } else { record(&plan.tables[t]).0 };
    let relative = format!("{}/{name}.ndjson", kind.word());
    let columns = plan.tables[t].columns.len();
    match files.iter_mut().find(|f| f.fhir.is_some() && f.relative == relative) {
        Some(file) => {
            file.tables.push(t);
            // The cells of a table stand where its columns do, whatever stands there in rows of another.
            file.columns = (0..columns.max(file.columns.len())).collect();
        }
        None => files.push(FilePlan {
            tables: vec![t],
            long: None,
            own: true,
            fhir: Some(bundled),
            columns: (0..columns).collect(),
            relative,
            names: Vec::new(),
        }),
    }
}

/// The name of a file as it is told, and what its rows show in it.
fn named(
    table: &TablePlan,
    kind: Kind,
    usual: String,
    own: bool,
    columns: &[usize],
) -> (String, Vec<NamePart>) {
    let parts = &table.files[kind];
    if !own || parts.is_empty() {
        return (usual, Vec::new());
    }
    let name = template(table, parts);
    if parts.iter().all(|part| matches!(part, NamePart::Text(_))) {
        return (name, Vec::new());
    }
    let place = |part: &NamePart| match part {
        NamePart::Text(text) => Some(NamePart::Text(text.clone())),
        NamePart::Column(c, by) => {
            Some(NamePart::Column(columns.iter().position(|o| o == c)?, *by))
        }
    };
    (name, parts.iter().filter_map(place).collect())
}

/// The ending of files in the form of their source: that of the source, if it is one of its format.
fn ending(source: &Source, format: OutputFormat) -> &'static str {
    let name = source.path.to_lowercase();
    let packed =
        crate::schema::file::PACKED.iter().find_map(|p| name.strip_suffix(&format!(".{p}")));
    let ending = packed.unwrap_or(&name).rsplit_once('.').map_or("", |(_, ending)| ending);
    let known = source.form().unwrap_or(InputFormat::Csv).facts().endings;
    known.iter().find(|e| **e == ending).copied().unwrap_or(extension(format))
}

impl FilePlan<'_> {
    /// How its text is written.
    #[must_use]
    pub fn dialect(&self, plan: &Plan) -> Dialect {
        if !self.own {
            return Dialect::default();
        }
        let source = &plan.tables[self.tables[0]].source;
        // The layouts that are long are text without quotes.
        let (ends, quotes) = match plan.output.form {
            ReleaseForm::Table => (LineEnds::Crlf, Quotes::Never),
            ReleaseForm::Source => Default::default(),
        };
        Dialect {
            delimiter: source.separator(),
            header: source.header,
            ends: source.line_ends.unwrap_or(ends),
            quotes: source.quotes.unwrap_or(quotes),
        }
    }
    /// Its format, its encoding and the treatment of special characters.
    #[must_use]
    pub fn output(&self, plan: &Plan) -> Output {
        let encoding = self.encoding(plan);
        Output { encoding, format: self.format(plan), ..plan.output.clone() }
    }
    /// Its format.
    #[must_use]
    pub fn format(&self, plan: &Plan) -> OutputFormat {
        let back = back(plan, &plan.tables[self.tables[0]].source, Kind::Pseudonymized);
        if self.own { back.unwrap_or(plan.output.format) } else { plan.output.format }
    }
    /// Its encoding.
    #[must_use]
    pub fn encoding(&self, plan: &Plan) -> Encoding {
        if self.own { plan.tables[self.tables[0]].source.encoding } else { plan.output.encoding }
    }
    /// What stands in the columns that one of its tables does not have: place in the file and text.
    #[must_use]
    pub fn fillers(&self, plan: &Plan, table: usize, kind: Kind) -> Vec<(usize, String)> {
        if !self.own || self.fhir.is_some() {
            return Vec::new();
        }
        let columns = &plan.tables[table].columns;
        let taken = |c: usize| {
            columns.iter().any(|o| o.stands_in == Some(c) && o.treatment(kind).output.is_some())
        };
        let left_out = |c: usize| columns[c].treatment(kind).output.is_none() && !taken(c);
        let places = self.columns.iter().enumerate().filter(|(_, c)| left_out(**c));
        places.filter_map(|(place, &c)| Some((place, columns[c].filler.clone()?))).collect()
    }
    /// Where a column of one of its tables stands in it.
    #[must_use]
    pub fn place(&self, table: &TablePlan, column: usize) -> Option<usize> {
        let column = table.columns[column].stands_in.filter(|_| self.own).unwrap_or(column);
        self.columns.iter().position(|&c| c == column)
    }
    /// The columns by which its rows are sorted within a person and which are not written; the number of its table is the last.
    #[must_use]
    pub fn sorting(&self, plan: &Plan) -> usize {
        match self.long {
            None if self.fhir.is_some() => 1,
            None => 0,
            Some(long) if long.order == Order::Source => SOURCE_POSITION_WIDTH + 1,
            // The keys but the person's, and the table.
            Some(_) => plan.tables[self.tables[0]].keys.len(),
        }
    }
    /// All columns of its rows on their way: what sorts them, the file's own, the token of the person.
    #[must_use]
    pub fn width(&self, plan: &Plan) -> usize {
        let before = if self.fhir.is_some() { BEFORE } else { 0 };
        self.sorting(plan) + before + self.columns.len() + 1
    }
}
