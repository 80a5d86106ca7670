//! The plan: the policy with every name resolved to an index. Nothing later reads TOML.
//!
//! (The engine is written against these types. What the promises are made of stands in [`crate::promise`].)

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Name, Place, Said};
use crate::lang::Lang;
use crate::policy::model::{Defect, Eligibility, Form, Normalize, Order, Output, Source, Suppress};
use crate::schema::file::NamePart;
use crate::schema::{ByKind, ColumnAt, ColumnFacts, Kind, Role, Type};
use crate::technique::Treatment;

pub use crate::promise::receipts::ReceiptPlan;
pub use crate::promise::sets::SetPlan;
pub use crate::promise::unique::UniquePlan;
pub use crate::promise::views::{ModelPlan, ViewColumn, ViewPlan};

/// A policy with every name resolved, judged against the law.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Policy id.
    pub id: Name,
    /// Policy version.
    pub version: Name,
    /// The legal profile.
    pub profile: crate::law::Profile,
    /// Who receives the anonymized release.
    pub tier: Option<crate::policy::model::Tier>,
    /// Why limits of the anonymized release are right as they are.
    pub because: Option<Name>,
    /// The name of the key that identifies a person.
    pub person_key: Name,
    /// How identifiers are normalized.
    pub normalize: Normalize,
    /// Files of the input folder that may be there unread.
    pub ignore: Vec<glob::Pattern>,
    /// The zone in which days are counted: seconds ahead of UTC.
    pub zone: i32,
    /// Which numbers are those of one person.
    pub linkage: Vec<LinkagePlan>,
    /// Who may be in a release at all.
    pub eligibility: Eligibility,
    /// The releases that are made, in the order of [`Kind::BOTH`].
    pub releases: Vec<Kind>,
    /// Tables in policy order.
    pub tables: Vec<TablePlan>,
    /// Views in policy order.
    pub views: Vec<ViewPlan>,
    /// What is measured beside each view: in the order of `views`.
    pub unique: Vec<super::unique::UniquePlan>,
    /// Sets of items a person, in policy order.
    pub sets: Vec<SetPlan>,
    /// Distinct persons behind every value that the anonymized release shows, where a column says nothing else.
    pub floor: u64,
    /// Suppression of the anonymized release.
    pub suppress: Suppress,
    /// Columns of which no single cell is suppressed.
    pub never_blank: Vec<ColumnAt>,
    /// How levels are chosen where a treatment offers several.
    pub search: SearchPlan,
    /// How files are written.
    pub output: Output,
    /// Part of the derivation of the pseudonymized tokens.
    pub project: Name,
    /// Part of the derivation of the pseudonymized tokens.
    pub recipient: Name,
    /// The receipt file of the pseudonymized release.
    pub receipts: Option<super::ReceiptPlan>,
    /// Legal items (by key, `18-2`) that nothing in the data concerns, with the reason.
    pub not_applicable: std::collections::BTreeMap<String, Name>,
    /// Findings of detectors that do not stop the release.
    pub waivers: Vec<Waiver>,
    /// What a reader should know though it does not stop the run.
    pub warnings: Vec<Warning>,
}

/// A detector's finding in a column that does not stop the release.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Waiver {
    /// The index of the detector in `detect::DETECTORS`.
    #[serde(skip)]
    pub detector: usize,
    /// Table index.
    #[serde(skip)]
    pub table: usize,
    /// Column index.
    #[serde(skip)]
    pub column: usize,
    /// Why.
    pub reason: Name,
    /// Where in the policy.
    #[serde(skip)]
    pub place: Option<Place>,
}

/// Something that a reader should know.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Warning {
    /// A stable code (`W0001`).
    pub code: &'static str,
    /// English.
    pub text: Said,
    /// Japanese.
    pub text_ja: Said,
    /// Where in the policy.
    pub place: Option<Place>,
}

impl Warning {
    /// The text in a language.
    #[must_use]
    pub fn to(&self, lang: Lang) -> &Said {
        lang.pick(&self.text_ja, &self.text)
    }
}

/// One table.
#[derive(Clone, Debug)]
pub struct TablePlan {
    /// Its name: also the name of its output files.
    pub name: Name,
    /// What a row is.
    pub grain: Grain,
    /// Where its files are.
    pub source: Source,
    /// Its keys; the person's key is among them.
    pub keys: Vec<KeyPlan>,
    /// The index of the person's key in `keys`.
    pub person_key: usize,
    /// Defects whose rows are set aside.
    pub set_aside: Vec<Defect>,
    /// Columns that tell apart the rows of one person or stay.
    pub repeats_by: Vec<usize>,
    /// The layout that it was made from (`dpc/ef-inpatient@2026`).
    pub layout: Option<Name>,
    /// Which rows of which long table it is.
    pub part: Option<PartPlan>,
    /// How its files are named, by kind, in the form of their source; after the table if there is nothing.
    pub files: ByKind<Vec<NamePart>>,
    /// What must hold in every row.
    pub checks: Vec<RowCheckPlan>,
    /// Its columns in policy order.
    pub columns: Vec<ColumnPlan>,
}

/// A rule that ties local numbers of one person.
#[derive(Clone, Debug)]
pub struct LinkagePlan {
    /// The table.
    pub table: usize,
    /// Its columns with how they are made equal, in order.
    pub fields: Vec<(usize, crate::text::link::Part)>,
    /// Local numbers of one person at most.
    pub at_most: usize,
}

/// Some rows of a long table. Parts of one long table follow one another in the plan; the first reads the files.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct PartPlan {
    /// The long table.
    pub of: Name,
    /// Column indices with the values that the rows have.
    pub matching: Vec<(usize, Vec<String>)>,
    /// How the releases (in the order of [`Kind::BOTH`]) have it: in one long file, or in a file of its own.
    pub long: ByKind<Option<LongPlan>>,
}

/// A long table as one file of a release.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LongPlan {
    /// What the file looks like.
    pub form: Form,
    /// How the rows of a person stand.
    pub order: Order,
    /// Why the order of the source may be told.
    pub reason: Option<Name>,
}

/// What must hold in every row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RowCheckPlan {
    /// The first date is not after the second.
    NotAfter(usize, usize),
    /// The date is not after a day.
    Until(usize, i32),
}

/// What a row of a table is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Grain {
    /// A person.
    Person,
    /// The row owns this key (index into the table's `keys`): rows of other tables with the same key are its children.
    Key(usize),
    /// Anything else.
    Event,
}

/// A key of a table.
#[derive(Clone, Debug)]
pub struct KeyPlan {
    /// Its name (`patient`, `stay`): the domain of its tokens, and what ties tables.
    pub name: Name,
    /// Indices of its columns.
    pub columns: Vec<usize>,
    /// The column that shows its token: the last of its columns, or one made for it.
    pub token: usize,
}

/// One column.
#[derive(Clone, Debug)]
pub struct ColumnPlan {
    /// What it is.
    pub facts: ColumnFacts,
    /// Texts that mean "missing".
    pub missing: Vec<String>,
    /// Where its values stand in a FHIR resource.
    pub path: Vec<String>,
    /// Whether it is made for the token of its key and stands in no file.
    pub made: bool,
    /// The column of the file in which it stands in the anonymized release in the form of its source, if it is made.
    pub stands_in: Option<usize>,
    /// What stands in it where a release in the form of its source leaves it out.
    pub filler: Option<String>,
    /// Values are digits of one of these lengths; not checked if empty.
    pub digits: Vec<u8>,
    /// Another name in references.
    pub alias: Option<Name>,
    /// Its name in a file of its table alone: the alias, where the policy names columns by their labels.
    pub shown: Name,
    /// The key whose token it shows, as an index into the table's `keys` (for link columns).
    pub key: Option<usize>,
    /// Treatments, in the order of [`Kind::BOTH`].
    pub treatments: ByKind<TreatmentPlan>,
    /// Why its values may coincide with names of persons without being names (searching for short names is then off).
    pub coincides: Option<Name>,
    /// Why it is right as declared although a check would refuse it.
    pub because: Option<Name>,
    /// Why its values have no floor in the anonymized release.
    pub no_floor: Option<Name>,
    /// Why its numbers are measured, whatever they look like: its floor is at both ends only.
    pub ends_only: Option<Name>,
    /// The column whose treatment it repeats (`same_as`), in the order of [`Kind::BOTH`].
    pub tied: ByKind<Option<ColumnAt>>,
    /// What it means, for the recipient.
    pub meaning: Option<Name>,
    /// What its values stand for, for the recipient.
    pub labels: BTreeMap<String, String>,
    /// Its unit, for the recipient.
    pub unit: Option<Name>,
    /// Why it has this role and these treatments.
    pub reason: Option<Name>,
}

impl TablePlan {
    /// The long file that has its rows in a release.
    #[must_use]
    pub fn long(&self, kind: Kind) -> Option<&LongPlan> {
        self.part.as_ref()?.long[kind].as_ref()
    }
    /// Whether the position of its rows in the source must be known.
    #[must_use]
    pub fn keeps_source_position(&self) -> bool {
        Kind::BOTH.iter().any(|&k| self.long(k).is_some_and(|l| l.order == Order::Source))
    }
    /// The parts of the person's key: its columns, and the folder where numbers are unique within one.
    #[must_use]
    pub fn person_parts(&self) -> usize {
        self.keys[self.person_key].columns.len() + usize::from(self.source.per_folder)
    }
    /// The folder that is a part of the keys of a file's rows.
    #[must_use]
    pub fn folder(&self, path: &std::path::Path) -> Option<String> {
        let place = self.source.folder_place().filter(|_| self.source.per_folder)?;
        let part = path.components().rev().nth(place)?;
        Some(part.as_os_str().to_string_lossy().into_owned())
    }
    /// Whether the folder of a row must be known beside its keys.
    #[must_use]
    pub fn foldered(&self) -> bool {
        self.columns.iter().flat_map(|c| &c.treatments).any(|t| t.scope.folder)
    }
    /// Whether a release has anything of it.
    #[must_use]
    pub fn is_released(&self, kind: Kind) -> bool {
        self.columns.iter().any(|c| c.treatment(kind).output.is_some())
    }
    /// Whether a release shows the token of a key.
    #[must_use]
    pub fn shows_key(&self, kind: Kind, key: usize) -> bool {
        self.columns
            .iter()
            .any(|c| c.key == Some(key) && c.treatment(kind).treatment.shows().token())
    }
    /// Whether a key numbers what is of one person (stays, orders): a linking code that is not the person's, nor another number of
    /// persons (one in a table of persons, the common ID of several hospitals). Codes of third parties and of places are of many.
    #[must_use]
    pub fn numbers_events(&self, key: usize) -> bool {
        let (plan, person) = (&self.keys[key], &self.keys[self.person_key]);
        let link = plan.columns.last().is_some_and(|&c| self.columns[c].facts.role == Role::Link);
        // Without the facility that a person's number has, it is common to all of them: it may be one of persons.
        let common = person.columns.len() > 1 && !plan.columns.contains(&person.columns[0]);
        link && !common && plan.name != person.name && self.grain != Grain::Person
    }
    /// The name of a column in the files of a release.
    #[must_use]
    pub fn name_in(&self, kind: Kind, column: usize) -> &Name {
        let column = &self.columns[column];
        if self.long(kind).is_some() { &column.facts.column } else { &column.shown }
    }
    /// The columns that stand in the file, in its order.
    pub fn in_file(&self) -> impl Iterator<Item = &ColumnPlan> {
        self.columns.iter().filter(|c| !c.made)
    }
}

/// [`Plan::deciding`] of tables that are not a plan yet.
#[must_use]
pub fn deciding(tables: &[TablePlan], table: usize, kind: Kind) -> BTreeSet<usize> {
    let of = tables[table].part.as_ref().filter(|p| p.long[kind].is_some()).map(|p| &p.of);
    let parts = tables.iter().filter_map(|t| t.part.as_ref()).filter(|p| Some(&p.of) == of);
    parts.flat_map(|p| p.matching.iter().map(|(column, _)| *column)).collect()
}

impl Plan {
    /// The columns that say what a row of a table is in a long file of a release: a row without such a cell belongs to no table.
    #[must_use]
    pub fn deciding(&self, table: usize, kind: Kind) -> BTreeSet<usize> {
        deciding(&self.tables, table, kind)
    }
    /// The tables by the files that they are read from: a long table with its parts, or one table alone.
    #[must_use]
    pub fn groups(&self) -> Vec<std::ops::Range<usize>> {
        let mut groups: Vec<std::ops::Range<usize>> = Vec::new();
        for (t, table) in self.tables.iter().enumerate() {
            let same = groups.last().is_some_and(|g| {
                let before = self.tables[g.start].part.as_ref().map(|p| &p.of);
                before.is_some() && before == table.part.as_ref().map(|p| &p.of)
            });
            match groups.last_mut() {
                Some(group) if same => group.end = t + 1,
                _ => groups.push(t..t + 1),
            }
        }
        groups
    }
    /// Every column of every table, in their order.
    pub fn columns_at(&self) -> impl Iterator<Item = ColumnAt> + '_ {
        let columns = |(table, plan): (usize, &TablePlan)| {
            (0..plan.columns.len()).map(move |column| ColumnAt { table, column })
        };
        self.tables.iter().enumerate().flat_map(columns)
    }
    /// A column.
    #[must_use]
    pub fn column(&self, at: ColumnAt) -> &ColumnPlan {
        &self.tables[at.table].columns[at.column]
    }
}

impl ColumnPlan {
    /// The treatment for a release.
    #[must_use]
    pub fn treatment(&self, kind: Kind) -> &TreatmentPlan {
        &self.treatments[kind]
    }
}

/// A treatment with what it needs, resolved.
#[derive(Clone, Debug)]
pub struct TreatmentPlan {
    /// The technique with its parameters and ladder.
    pub treatment: Treatment,
    /// The dates that it needs, in the order of `Needs::dates`.
    pub dates: Vec<DateRef>,
    /// The type of the output column; `None` if it disappears.
    pub output: Option<Type>,
    /// For a code that makes no key: within what it means the same.
    pub scope: ScopePlan,
}

/// Within what a code means the same: everywhere, if nothing is named.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct ScopePlan {
    /// Columns of the table.
    pub columns: Vec<usize>,
    /// The folder of `per_folder`, before them.
    pub folder: bool,
}

/// A date column of this or another table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct DateRef {
    /// Table index.
    pub table: usize,
    /// Column index.
    pub column: usize,
    /// How rows find it.
    pub join: Join,
}

/// How a row finds a value in another table.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Join {
    /// The same row.
    SameRow,
    /// The row of the other table with the same key (its own key); indices of the key in this and in the other table.
    Key {
        /// Index into this table's keys.
        here: usize,
        /// Index into the other table's keys.
        there: usize,
    },
    /// Any row of the same person: the earliest date.
    Person,
    /// All rows of the same person, without what the row shows of a quasi-identifier of its view (its index), which has the same
    /// treatment: nothing where the source has one value, and the other values where it contradicts itself or a cell is suppressed.
    Beside(usize),
    /// All rows of the other table with the same key (of this row's stay): their values as a set.
    KeySet {
        /// Index into this table's keys.
        here: usize,
        /// Index into the other table's keys.
        there: usize,
    },
}

/// How levels are searched.
#[derive(Clone, Debug)]
pub struct SearchPlan {
    /// The objective's name.
    pub objective: &'static str,
    /// How columns become one figure.
    pub aggregate: crate::privacy::objective::Aggregate,
    /// Generalization against suppression.
    pub factor: f64,
    /// Share of a view's rows that must stay.
    pub keep_at_least: f64,
    /// Weights of columns.
    pub weights: std::collections::BTreeMap<ColumnAt, f64>,
}

/// What the values of a column must hold in the anonymized release.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct FloorPlan {
    /// Distinct persons behind every value shown.
    pub persons: u64,
    /// Numbers that may be measured: then asked of the lowest and the highest label, of what stands beside a number or is none, and
    /// of missing cells.
    pub tails: bool,
    /// Whether they are is for their values to say ([`super::codes`]); else the policy says so.
    pub if_measured: bool,
}
