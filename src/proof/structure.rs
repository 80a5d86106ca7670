//! What a release looks like from outside: enough to read its files again and recount its views without the policy.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::receipts::ReceiptShape;
use crate::formats::OutType;
use crate::plan::shape;
use crate::plan::unique::fact_name;
use crate::plan::{ColumnPlan, Grain, Join, Plan, ViewColumn, ViewPlan};
use crate::policy::model::{Encoding, Formula, InputFormat, OutputFormat};
use crate::schema::file::{NamePart, Parts};
use crate::schema::{ColumnAt, Kind, Role};

/// One release.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Structure {
    /// How its files are encoded.
    pub format: OutputFormatName,
    /// Text encoding of CSV.
    pub encoding: Encoding,
    /// Whether an apostrophe may stand before formula-like cells.
    pub formula_prefix: bool,
    /// Its tables.
    pub tables: Vec<TableShape>,
    /// Its views (none for a pseudonymized release).
    pub views: Vec<ViewShape>,
    /// Its sets of items (none for a pseudonymized release).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<SetShape>,
    /// Columns whose values are shown for enough persons (none for a pseudonymized release).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub floors: Vec<FloorShape>,
    /// Tables of events, of which rows a person are counted (none for a pseudonymized release).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub events: Vec<usize>,
    /// Columns that may be the same in all rows of a person (none for a pseudonymized release).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steady: Vec<SteadyShape>,
    /// Its receipt file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipts: Option<ReceiptShape>,
}

/// A set of items a person over a released table.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetShape {
    /// Its name.
    pub name: String,
    /// The table.
    pub table: usize,
    /// The column of the items.
    pub column: usize,
    /// Items that an attacker may know.
    pub m: usize,
    /// Distinct persons at least.
    pub k: u64,
}

/// A column whose values are shown for enough persons.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FloorShape {
    /// The table.
    pub table: usize,
    /// The column.
    pub column: usize,
    /// Distinct persons behind every value shown.
    pub persons: u64,
    /// Measured numbers: the lowest and the highest label, what stands beside a number or is none, and missing cells.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tails: bool,
    /// Whether they are measured is for their values to say; if not, every value must have enough persons.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub if_measured: bool,
    /// Values that are no numbers though they look like some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub specials: Vec<String>,
}

/// A column that may be the same in all rows of a person.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SteadyShape {
    /// `table.column`.
    pub name: String,
    /// The table.
    pub table: usize,
    /// The column.
    pub column: usize,
    /// A row of the table is a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_row: bool,
    /// Measured numbers: the same in all rows of enough persons, or no fact of theirs.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub measured: bool,
    /// Whether they are measured is for their values to say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub if_measured: bool,
    /// Values that are no numbers though they look like some.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub specials: Vec<String>,
    /// A quasi-identifier.
    pub quasi: bool,
    /// Why nobody knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

/// How files are written.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormatName {
    /// Delimited text.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Office Open XML workbook.
    Xlsx,
    /// HL7 FHIR R4, a resource or a Bundle a line.
    Ndjson,
}

impl OutputFormatName {
    /// Of a plan.
    const fn of(format: OutputFormat) -> Self {
        match format {
            OutputFormat::Csv => OutputFormatName::Csv,
            OutputFormat::Parquet => OutputFormatName::Parquet,
            OutputFormat::Xlsx => OutputFormatName::Xlsx,
            OutputFormat::Ndjson => OutputFormatName::Ndjson,
        }
    }
    /// For the reader.
    #[must_use]
    pub const fn input(self) -> InputFormat {
        match self {
            OutputFormatName::Csv => InputFormat::Csv,
            OutputFormatName::Parquet => InputFormat::Parquet,
            OutputFormatName::Xlsx => InputFormat::Xlsx,
            OutputFormatName::Ndjson => InputFormat::Fhir,
        }
    }
}

impl TableShape {
    /// The format of its file.
    #[must_use]
    pub fn format(&self, structure: &Structure) -> InputFormat {
        self.long.as_ref().and_then(|l| l.format).unwrap_or(structure.format).input()
    }
}

/// One table.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableShape {
    /// Its name.
    pub name: String,
    /// Its file, relative to the release folder.
    pub file: String,
    /// Its columns.
    pub columns: Vec<ColumnShape>,
    /// The column that holds the person's token.
    pub person: usize,
    /// How its file is, where it is not as all others: a long one, of which it is some rows, or one in the form of its source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<LongShape>,
}

/// The rows of a table in a long file, or in one in the form of its source.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LongShape {
    /// All columns of the file.
    pub columns: Vec<String>,
    /// Where each column of the table stands in the file; the rows of the table have nothing in the others.
    pub at: Vec<usize>,
    /// Columns of the file with the values that the rows of the table have there; all rows are the table's if there are none.
    pub matching: Vec<(usize, Vec<String>)>,
    /// Columns of the file with the text that the rows of the table have there instead of nothing.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fillers: Vec<(usize, String)>,
    /// What rows show in the name of their file; there is one file if this is empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<NamePart>,
    /// The format of the file, if it is not that of the release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<OutputFormatName>,
    /// Types of the columns in the file, in their order; all are text if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub types: Vec<String>,
    /// Field separator.
    pub delimiter: char,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Text encoding.
    pub encoding: Encoding,
    /// What its rows are, in a file of resources of FHIR.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceShape>,
}

/// The resources of a table.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ResourceShape {
    /// Their type, with the repeated element whose repetitions are the rows (`Observation/component`).
    pub record: String,
    /// Where the values of each column stand, in the order of the columns.
    pub paths: Vec<Vec<String>>,
    /// What other tables read in the same file: types, and elements of this one's type.
    pub others: Vec<String>,
}

/// One column.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnShape {
    /// Its name.
    pub name: String,
    /// Its type in the file.
    #[serde(rename = "type")]
    pub ty: String,
    /// Whether its cells are tokens.
    pub token: bool,
    /// Which columns stand beside it in the file: what its cells are made of, or the ends of its labels.
    #[serde(default, skip_serializing_if = "Parts::is_whole")]
    pub parts: Parts,
}

impl ColumnShape {
    /// The columns of the file that it is made of.
    pub fn in_file(&self) -> impl Iterator<Item = String> + '_ {
        let endings = self.parts.endings().iter();
        std::iter::once(self.name.clone()).chain(endings.map(|e| format!("{}{e}", self.name)))
    }
}

/// A view over released tables: indices are of [`Structure::tables`] and their columns.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ViewShape {
    /// Its name.
    pub name: String,
    /// The table whose rows are counted; none if it is not released at all.
    pub table: Option<usize>,
    /// Distinct persons a class at least.
    pub k: u64,
    /// Quasi-identifiers (those that are released).
    pub quasi: Vec<ColumnPath>,
    /// Other released forms of the same facts, which count with them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<ColumnPath>,
    /// Whether the engine added it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implied: bool,
    /// Sensitive columns with l.
    pub sensitive: Vec<(ColumnPath, u64)>,
    /// Further models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelShape>,
    /// Of [`Structure::steady`]: quasi-identifiers of other views that this one seems to count, and what it counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seems_counted: Vec<(usize, ColumnPath)>,
    /// Facts beside the quasi-identifiers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique: Option<UniqueShape>,
}

/// What may be known beside a view.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UniqueShape {
    /// The facts with their names.
    pub facts: Vec<(String, ColumnPath)>,
    /// How many of them, the last ones, count only if they are the same in all rows of a stay.
    #[serde(default, skip_serializing_if = "is_none")]
    pub perhaps: usize,
    /// Known facts at most.
    pub m: usize,
    /// At most this share of the rows may fit one person alone.
    pub at_most: Option<f64>,
}

/// A model of a view: its name, its sensitive column (index into [`ViewShape::sensitive`]), its numbers.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ModelShape {
    /// The name.
    pub model: String,
    /// The sensitive column.
    pub sensitive: Option<usize>,
    /// The numbers.
    pub with: std::collections::BTreeMap<String, f64>,
}

/// A column of a view.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ColumnPath {
    /// Table.
    pub table: usize,
    /// Column.
    pub column: usize,
    /// How a row of the view's table finds it.
    pub by: Path,
}

/// How a row finds a cell.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Path {
    /// In the row itself.
    Row,
    /// In the rows of the same person.
    Person,
    /// In the row with the same token: column here, column there.
    Token(usize, usize),
    /// In the rows of the same person, without what the row itself shows of another column (of which it shows one value).
    Beside(Box<ColumnPath>),
}

impl Structure {
    /// What a recipient may know of it: how its files are read, nothing of what was promised about them.
    #[must_use]
    pub fn without_method(&self) -> Structure {
        // Every field is named: a new one does not leave the house by itself.
        let Structure { format, encoding, formula_prefix, tables, receipts, .. } = self.clone();
        Structure {
            format,
            encoding,
            formula_prefix,
            tables,
            receipts,
            views: Vec::new(),
            sets: Vec::new(),
            floors: Vec::new(),
            events: Vec::new(),
            steady: Vec::new(),
        }
    }

    /// Which columns of a table the recounts of persons, views, sets and receipts look at.
    #[must_use]
    pub fn counted(&self, table: usize) -> Vec<bool> {
        let Some(shape) = self.tables.get(table) else { return Vec::new() };
        // The lines of a receipt file are compared with all columns of its tables.
        if self.receipts.is_some() {
            return vec![true; shape.columns.len()];
        }
        let mut counted = vec![false; shape.columns.len()];
        let mut count = |t: usize, column: usize| {
            if let Some(slot) = counted.get_mut(column).filter(|_| t == table) {
                *slot = true;
            }
        };
        let person = |t: usize| self.tables.get(t).map(|shape| shape.person);
        for view in &self.views {
            if let Some((t, column)) = view.table.and_then(|t| Some((t, person(t)?))) {
                count(t, column);
            }
            let facts = view.unique.as_ref().and_then(super::stays::parted);
            let (known, perhaps) = facts.unwrap_or_default();
            // What may be a fact of stays is looked at as its rows pass: they are asked for their stay alone.
            for (_, path) in perhaps {
                if let (Path::Token(here, _), Some(t)) = (&path.by, view.table) {
                    count(t, *here);
                }
            }
            let known = known.iter().map(|(_, path)| path);
            let counted = view.quasi.iter().chain(&view.facts);
            let paths = counted.chain(view.sensitive.iter().map(|(path, _)| path));
            let paths = paths.chain(known);
            for path in paths {
                if path.by != Path::Row
                    && let Some(column) = person(path.table)
                {
                    count(path.table, column);
                }
                count(path.table, path.column);
                if let (Path::Token(here, there), Some(t)) = (&path.by, view.table) {
                    count(t, *here);
                    count(path.table, *there);
                }
            }
        }
        for set in &self.sets {
            count(set.table, set.column);
            if let Some(column) = person(set.table) {
                count(set.table, column);
            }
        }
        counted
    }
    /// The shape of a release of a plan. Views are part of the anonymized release only.
    #[must_use]
    pub fn of(plan: &Plan, kind: Kind) -> Structure {
        let mut places = Places { plan, tables: Vec::new(), columns: Vec::new() };
        let mut tables = Vec::new();
        let files = shape::files(plan, kind);
        for (t, table) in plan.tables.iter().enumerate() {
            let released = shape::released(plan, t, kind);
            let mut at = vec![None; table.columns.len()];
            for (index, r) in released.iter().enumerate() {
                at[r.column] = Some(index);
            }
            let person = table
                .columns
                .iter()
                .position(|c| c.key == Some(table.person_key))
                .and_then(|c| at[c]);
            places.columns.push(at);
            let file = files.iter().find(|f| f.tables.contains(&t));
            let (Some(person), Some(file)) = (person, file) else {
                places.tables.push(None);
                continue;
            };
            places.tables.push(Some(tables.len()));
            tables.push(table_shape(plan, kind, t, file, &released, person));
        }
        let plain = Structure {
            format: OutputFormatName::of(plan.output.format),
            encoding: plan.output.encoding,
            formula_prefix: plan.output.formula == Formula::Prefix,
            receipts: ReceiptShape::of(plan, kind, &places.tables),
            tables,
            steady: Vec::new(),
            views: Vec::new(),
            sets: Vec::new(),
            floors: Vec::new(),
            events: Vec::new(),
        };
        match kind {
            Kind::Pseudonymized => plain,
            Kind::Anonymized => {
                let steady = places.steady();
                Structure {
                    views: places.views(&steady),
                    steady: steady.into_iter().map(|(_, shape)| shape).collect(),
                    sets: places.sets(),
                    floors: places.floors(),
                    events: plan
                        .counted_tables()
                        .into_iter()
                        .filter_map(|t| places.tables[t])
                        .collect(),
                    ..plain
                }
            }
        }
    }
}

fn table_shape(
    plan: &Plan,
    kind: Kind,
    t: usize,
    file: &shape::FilePlan<'_>,
    released: &[shape::Released],
    person: usize,
) -> TableShape {
    let table = &plan.tables[t];
    TableShape {
        name: table.name.as_str().to_owned(),
        file: file.relative.clone(),
        columns: released
            .iter()
            .map(|r| {
                let column = &table.columns[r.column];
                ColumnShape {
                    name: table.name_in(kind, r.column).as_str().to_owned(),
                    ty: type_word(r.out).to_owned(),
                    token: column.treatment(kind).treatment.shows().token(),
                    parts: r.parts,
                }
            })
            .collect(),
        person,
        long: (file.long.is_some() || file.own).then(|| {
            let format = file.format(plan);
            let dialect = file.dialect(plan);
            let matching = table.part.iter().flat_map(|p| &p.matching);
            LongShape {
                columns: match file.fhir {
                    Some(_) => Vec::new(),
                    None => file
                        .columns
                        .iter()
                        .map(|&c| table.columns[c].facts.column.as_str().to_owned())
                        .collect(),
                },
                at: released.iter().filter_map(|r| file.place(table, r.column)).collect(),
                names: file.names.clone(),
                matching: matching
                    .filter_map(|(c, values)| Some((file.place(table, *c)?, values.clone())))
                    .collect(),
                fillers: file.fillers(plan, t, kind),
                format: (format != plan.output.format).then(|| OutputFormatName::of(format)),
                types: types_of(file, released),
                delimiter: char::from(dialect.delimiter),
                header: dialect.header,
                encoding: file.encoding(plan),
                resources: file.fhir.map(|_| resource_shape(plan, t, file, released)),
            }
        }),
    }
}

/// How the resources of a table are found in their file.
fn resource_shape(
    plan: &Plan,
    t: usize,
    file: &shape::FilePlan<'_>,
    released: &[shape::Released],
) -> ResourceShape {
    let table = &plan.tables[t];
    let (kind, element) = shape::record(table);
    let mut others: Vec<String> = Vec::new();
    for &other in file.tables.iter().filter(|&&other| other != t) {
        let (of, inner) = shape::record(&plan.tables[other]);
        match inner {
            // Elements of this resource that are rows of another table.
            Some(inner) if of == kind && element.is_none() => others.push(inner.to_owned()),
            _ if of != kind => others.push(of.to_owned()),
            _ => {}
        }
    }
    others.sort();
    others.dedup();
    ResourceShape {
        record: table.source.record.clone().unwrap_or_default(),
        paths: released.iter().map(|r| table.columns[r.column].path.clone()).collect(),
        others,
    }
}

/// The types of the columns of a typed file in the form of its source.
fn types_of(file: &shape::FilePlan<'_>, released: &[shape::Released]) -> Vec<String> {
    if file.fhir.is_some() || file.long.is_some() || released.iter().all(|r| r.out == OutType::Text)
    {
        return Vec::new();
    }
    let of = |c: &usize| released.iter().find(|r| r.column == *c).map_or(OutType::Text, |r| r.out);
    file.columns.iter().map(|c| type_word(of(c)).to_owned()).collect()
}

/// Where the tables and columns of a plan are in the structure; none if they are not released.
struct Places<'a> {
    plan: &'a Plan,
    tables: Vec<Option<usize>>,
    columns: Vec<Vec<Option<usize>>>,
}

impl Places<'_> {
    fn path(&self, view: &ViewPlan, column: &ViewColumn) -> Option<ColumnPath> {
        let at = self.columns[column.table][column.column]?;
        let key_column = |table: usize, key: usize| {
            self.plan.tables[table]
                .columns
                .iter()
                .position(|c| c.key == Some(key))
                .and_then(|c| self.columns[table][c])
        };
        let by = match column.join {
            Join::SameRow => Path::Row,
            Join::Person => Path::Person,
            Join::Beside(own) => Path::Beside(Box::new(self.path(view, &view.quasi[own])?)),
            Join::Key { here, there } | Join::KeySet { here, there } => {
                Path::Token(key_column(view.table, here)?, key_column(column.table, there)?)
            }
        };
        Some(ColumnPath { table: self.tables[column.table]?, column: at, by })
    }

    /// Columns that may be the same in all rows of a person, each with its place in the plan.
    fn steady(&self) -> Vec<(ColumnAt, SteadyShape)> {
        let may_be = self.plan.may_be_steady().into_iter();
        may_be
            .filter_map(|(at, floor)| {
                let ColumnAt { table: t, column: c } = at;
                let table = &self.plan.tables[t];
                let column = &table.columns[c];
                let shape = SteadyShape {
                    name: format!("{}.{}", table.name, column.facts.column),
                    table: self.tables[t]?,
                    column: self.columns[t][c]?,
                    by_row: table.grain == Grain::Person,
                    measured: floor.tails,
                    if_measured: floor.if_measured,
                    specials: specials(column, floor.if_measured),
                    quasi: column.facts.role == Role::Quasi,
                    because: column.because.as_ref().map(|b| b.as_str().to_owned()),
                };
                Some((at, shape))
            })
            .collect()
    }

    fn views(&self, steady: &[(ColumnAt, SteadyShape)]) -> Vec<ViewShape> {
        let plan = self.plan;
        let path = |view: &ViewPlan, column: &ViewColumn| self.path(view, column);
        plan.views
            .iter()
            .zip(&plan.unique)
            .map(|(view, unique)| ViewShape {
                name: view.name.as_str().to_owned(),
                table: self.tables[view.table],
                k: view.k,
                quasi: view.quasi.iter().filter_map(|c| path(view, c)).collect(),
                facts: view.facts.iter().filter_map(|c| path(view, c)).collect(),
                implied: view.implied,
                sensitive: view
                    .sensitive
                    .iter()
                    .filter_map(|(c, l)| Some((path(view, c)?, *l)))
                    .collect(),
                models: view
                    .models
                    .iter()
                    .map(|m| ModelShape {
                        model: m.key.to_owned(),
                        sensitive: m.sensitive,
                        with: m.numbers.clone(),
                    })
                    .collect(),
                seems_counted: steady
                    .iter()
                    .enumerate()
                    .filter_map(|(number, (at, _))| {
                        Some((number, path(view, plan.seems_counted(view, *at)?)?))
                    })
                    .collect(),
                unique: Some(UniqueShape {
                    perhaps: unique.perhaps,
                    facts: unique
                        .facts
                        .iter()
                        .filter_map(|c| {
                            let name = fact_name(&plan.tables, c.table, c.column);
                            Some((name.to_string(), path(view, c)?))
                        })
                        .collect(),
                    m: unique.m,
                    at_most: unique.at_most,
                }),
            })
            .collect()
    }

    fn sets(&self) -> Vec<SetShape> {
        let sets = self.plan.sets.iter();
        sets.filter_map(|set| {
            Some(SetShape {
                name: set.name.as_str().to_owned(),
                table: self.tables[set.table]?,
                column: self.columns[set.table][set.column]?,
                m: set.m,
                k: set.k,
            })
        })
        .collect()
    }

    fn floors(&self) -> Vec<FloorShape> {
        let plan = self.plan;
        let all = plan.tables.iter().enumerate().flat_map(|(t, table)| {
            (0..table.columns.len()).filter_map(move |c| {
                let floor = plan.floor_of(t, c)?;
                Some((t, c, floor, specials(&table.columns[c], floor.tails)))
            })
        });
        all.filter_map(|(t, c, floor, specials)| {
            Some(FloorShape {
                table: self.tables[t]?,
                column: self.columns[t][c]?,
                persons: floor.persons,
                tails: floor.tails,
                if_measured: floor.if_measured,
                specials,
            })
        })
        .collect()
    }
}

/// For a number that is left out where it is 0.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for it")]
const fn is_none(number: &usize) -> bool {
    *number == 0
}

/// The special values of a column of numbers.
fn specials(column: &ColumnPlan, number: bool) -> Vec<String> {
    if number { column.facts.specials.clone() } else { Vec::new() }
}

/// The word for a type in a file.
#[must_use]
pub const fn type_word(ty: OutType) -> &'static str {
    match ty {
        OutType::Text => "text",
        OutType::Integer => "integer",
        OutType::Decimal => "decimal",
        OutType::Date => "date",
        OutType::Timestamp => "timestamp",
        OutType::Boolean => "boolean",
    }
}
