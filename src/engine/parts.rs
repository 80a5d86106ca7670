//! Parts that travel: the rooms as calls on batches of whole persons, with values in between that are written, carried and read
//! back. Whatever divides the persons and carries the values (a cluster, several processes, a program of one's own) drives this:
//!
//! ```text
//! let mut freezing = parts.begin()?;
//! while let Some(draft) = freezing.draft() {        // sent to where the rows are
//!     for every batch: parts.measure(batch, draft)  // statistics come back
//!     parts.merge(draft, …)                         // in any order, in any groups
//!     freezing.next(statistics)?;
//! }
//! let frozen = freezing.finish()?.frozen;           // sent to where the rows are
//! for every batch: parts.apply(batch, &frozen, secrets)
//! ```
//!
//! A run on one machine makes the same calls over the partitions of its store. The result is the same for every division into
//! batches, if a batch has all rows of its persons in all tables, and no person is in two.
//!
//! What cannot travel is refused before anything is measured ([`Parts::new`]): docs/adr/0011-parts-that-travel.md.

use super::apply::{Surviving, apply};
use super::draft::{self, DRAFT, Draft, STATISTICS, Written};
use super::exclude::Lists;
use super::freeze::{Freezing, FrozenPlan, blankable, travels};
use super::partition::Partition;
use super::statistics::Statistics;
use super::worker::{Kept, Worker};
use super::{emit, grain, identity, intake};
use crate::error::{Error, Name, Result};
use crate::frame::{Column, Table};
use crate::plan::shape::{self, released};
use crate::plan::{Plan, TablePlan};
use crate::policy::model::Fillers;
use crate::say;
use crate::schema::{ByKind, Kind};
use crate::technique::{KeyToken, Secrets};

/// The error for identifiers that only who has all of their column can judge.
pub(super) fn judged_by_all(table: &Name) -> Error {
    Error::refused(
        "C0409",
        say!("table `{}`: an identifier of nines alone is judged by all of its column, which a batch does not have", table),
    )
    .advice(say!("say what such identifiers are: fillers = \"always\" or \"never\" under [person.normalize]"))
}

/// All rows, of all tables, of some persons: read, held against their types, with their identities.
pub struct Batch(pub(super) Partition);

impl Batch {
    /// Distinct persons.
    #[must_use]
    pub fn persons(&self) -> usize {
        self.0.ids.len()
    }
}

/// The rows of a batch in one release: by table of the plan, its released columns in their order; none for a table that is left out.
/// Rows are sorted by the token of their person, as in a file.
pub struct Released {
    /// By kind, by table.
    pub tables: ByKind<Vec<Option<Table>>>,
}

/// The calls for one policy.
pub struct Parts<'a> {
    plan: &'a Plan,
    policy: [u8; 32],
    lists: &'a Lists,
}

impl<'a> Parts<'a> {
    /// The calls for a plan; `policy` is the digest of its policy, and stands on all that is written.
    ///
    /// # Errors
    /// `C0407` for `unit = "cell"`; `C0408` for what only who reads all of the input can know: linkage of persons (`same`), text
    /// that is searched for everybody's names (`redact`), rows in the order of the source, keys within a folder.
    pub fn new(plan: &'a Plan, policy: [u8; 32], lists: &'a Lists) -> Result<Self> {
        travels(plan)?;
        let refuse = |what| {
            Err(Error::refused("C0408", say!("{}: a batch cannot know that", what))
                .advice(say!("such a policy runs on one machine: `kakou run`")))
        };
        if !plan.linkage.is_empty() {
            return refuse(say!("`same` looks for one person in the rows of all"));
        }
        for table in &plan.tables {
            if table.keeps_source_position() {
                return refuse(say!(
                    "table `{}` is released in the order of the source",
                    table.name
                ));
            }
            if table.foldered() || table.source.per_folder {
                return refuse(say!("table `{}` has keys that hold within a folder", table.name));
            }
            for column in &table.columns {
                let treatment = &column.treatment(Kind::Pseudonymized).treatment;
                if treatment.needs().known && column.treatment(Kind::Pseudonymized).output.is_some()
                {
                    return refuse(say!(
                        "table `{}`, column `{}`: its text is searched for the names of everybody",
                        table.name,
                        column.facts.column
                    ));
                }
            }
        }
        Ok(Parts { plan, policy, lists })
    }

    /// A batch from the rows of some persons: a table for each of the plan, in its order, with the columns that stand in the files
    /// of the table, in their order. Texts are as in a file; a cell that is missing is missing here.
    ///
    /// Rows that repeat another go where the policy says so; any other row or cell that a run would set aside is an error here, as
    /// nobody would count it.
    ///
    /// # Errors
    /// Another number of tables or columns, cells that are not of their type, rows without a person, an identifier of nines alone
    /// where the policy lets the whole column judge it.
    pub fn batch(&self, tables: Vec<Table>) -> Result<Batch> {
        let plan = self.plan;
        if tables.len() != plan.tables.len() {
            return Err(Error::data(
                "D0453",
                say!("a batch has {} tables, and the policy {}", tables.len(), plan.tables.len()),
            ));
        }
        let mut parts = Vec::with_capacity(tables.len());
        for (planned, table) in plan.tables.iter().zip(tables) {
            let columns = planned.in_file().count();
            if table.columns.len() != columns || table.columns.iter().any(|c| c.len() != table.rows)
            {
                return Err(Error::data(
                    "D0454",
                    say!(
                        "table `{}`: a batch has {} columns, and the policy {}, or they differ in length",
                        planned.name,
                        table.columns.len(),
                        columns
                    ),
                ));
            }
            parts.push(self.part(planned, table)?);
        }
        let lists = self.lists;
        let mut partition = Partition::assemble(plan, parts, &|kind, id| lists.excludes(kind, id));
        grain::collapse(plan, &mut partition);
        let mut grains = grain::Grains::new(plan);
        grains.look(plan, &partition, true);
        grains.check(plan)?;
        Ok(Batch(partition))
    }

    /// The rows of one table with their identities.
    fn part(&self, planned: &TablePlan, table: Table) -> Result<(Table, Vec<Column>)> {
        let plan = self.plan;
        let table = intake::typed(plan, planned, &table)?;
        let identities = |normalize| -> Vec<Column> {
            let column = |key: &crate::plan::KeyPlan| {
                identity::column(&table, &key.columns, normalize, None)
            };
            planned.keys.iter().map(column).collect()
        };
        let found = identities(&plan.normalize);
        if plan.normalize.fillers == Fillers::Column {
            let mut always = plan.normalize;
            always.fillers = Fillers::Always;
            let lost = |(a, b): (&Column, &Column)| {
                let missing = |c: &Column| c.cells().filter(Option::is_none).count();
                missing(a) != missing(b)
            };
            let code = |c: usize| {
                let scope = identity::judged_code(planned, c)?;
                let of = |normalize| identity::within(&table, None, c, scope, normalize);
                Some((of(&plan.normalize), of(&always)))
            };
            let codes = (0..planned.columns.len()).filter_map(code);
            let keys = found.iter().cloned().zip(identities(&always));
            if keys.chain(codes).any(|(a, b)| lost((&a, &b))) {
                return Err(judged_by_all(&planned.name));
            }
        }
        let mut whole = table;
        for (c, column) in planned.columns.iter().enumerate() {
            if let (true, Some(key)) = (column.made, column.key) {
                whole.columns[c] = found[key].clone();
            }
        }
        Ok((whole, found))
    }

    /// Begins: the first draft is there.
    ///
    /// # Errors
    /// As [`Freezing::begin`].
    pub fn begin(&self) -> Result<Freezing> {
        // A pass over rows that lie elsewhere is dear.
        Freezing::begin(self.plan, true)
    }

    /// What a draft asks of a batch.
    ///
    /// # Errors
    /// If columns of a view do not fit each other (a bug).
    pub fn measure(
        &self,
        batch: &Batch,
        draft: &Draft,
        secrets: ByKind<&dyn Secrets>,
    ) -> Result<Statistics> {
        let mut statistics = Statistics::new(self.plan, draft);
        let mut worker = Worker::new(self.plan, &batch.0, 0, Kept::default());
        worker.measure(draft, &mut statistics, secrets)?;
        Ok(statistics)
    }

    /// Both as one: associative and commutative.
    ///
    /// # Errors
    /// `D0451` if they do not answer this draft.
    pub fn merge(
        &self,
        draft: &Draft,
        mut left: Statistics,
        right: Statistics,
    ) -> Result<Statistics> {
        left.merge(self.plan, draft, right)?;
        Ok(left)
    }

    /// The rows of a batch in both releases.
    #[must_use]
    pub fn apply(
        &self,
        batch: &Batch,
        frozen: &FrozenPlan,
        secrets: ByKind<&dyn Secrets>,
    ) -> Released {
        let plan = self.plan;
        let blankable = blankable(plan);
        let domain = plan.person_key.as_str();
        let tables = ByKind::of(|kind| {
            let (own, treated, there, mut worker);
            let (partition, applied, surviving) = match kind {
                Kind::Anonymized => {
                    worker = Worker::new(plan, &batch.0, 0, Kept::default());
                    worker.anonymized(frozen.decided(1), secrets[kind])
                }
                Kind::Pseudonymized => {
                    own = batch.0.of_kind(kind);
                    let mut all = Surviving::all(&own);
                    let treatments = &frozen.treatments[kind];
                    treated = apply(plan, treatments, &own, kind, secrets[kind], None, &mut all);
                    there = all;
                    (&*own, &treated, &there)
                }
            };
            let made;
            let tokens = match applied.tokens.of(domain, &partition.ids) {
                Some(tokens) => tokens,
                None => {
                    made = KeyToken::new(domain, &partition.ids, secrets[kind]);
                    &made
                }
            };
            let table = |t: usize| {
                if !plan.releases.contains(&kind) || released(plan, t, kind).is_empty() {
                    return None;
                }
                // As a table of its own, also where the file of the release is a long one.
                let file = shape::FilePlan {
                    own: false,
                    fhir: None,
                    tables: vec![t],
                    long: None,
                    columns: released(plan, t, kind).iter().map(|r| r.column).collect(),
                    relative: String::new(),
                    names: Vec::new(),
                };
                let shown = emit::Shown {
                    plan,
                    partition,
                    applied,
                    surviving,
                    blankable: &blankable,
                    kind,
                    tokens: &tokens.texts,
                };
                let rows = emit::rows_of(shown, &file);
                Some(emit::sorted(rows, 0, 1).rows)
            };
            (0..plan.tables.len()).map(table).collect()
        });
        Released { tables }
    }

    /// Writes a draft.
    ///
    /// # Errors
    /// `X0201` if it cannot be written (a bug).
    pub fn write_draft(&self, draft: &Draft) -> Result<Vec<u8>> {
        draft::write(DRAFT, &self.policy, &draft.written())
    }

    /// Reads a draft.
    ///
    /// # Errors
    /// `C0405` or `C0406` if it is of another version or policy, `D0452` if it is damaged.
    pub fn read_draft(&self, bytes: &[u8]) -> Result<Draft> {
        let written: Written = draft::read(DRAFT, &self.policy, bytes)?;
        Draft::read(self.plan, written).ok_or_else(|| draft::unreadable(DRAFT))
    }

    /// Writes statistics.
    ///
    /// # Errors
    /// `X0201` if they cannot be written (a bug).
    pub fn write_statistics(&self, statistics: &Statistics) -> Result<Vec<u8>> {
        draft::write(STATISTICS, &self.policy, statistics)
    }

    /// Reads statistics that answer a draft.
    ///
    /// # Errors
    /// `C0405` or `C0406` if they are of another version or policy, `D0451` or `D0452` if they answer another draft or are damaged.
    pub fn read_statistics(&self, draft: &Draft, bytes: &[u8]) -> Result<Statistics> {
        let statistics: Statistics = draft::read(STATISTICS, &self.policy, bytes)?;
        statistics.arrived(self.plan, draft)
    }

    /// Writes a frozen plan.
    ///
    /// # Errors
    /// `X0201` if it cannot be written (a bug).
    pub fn write_frozen(&self, frozen: &FrozenPlan) -> Result<Vec<u8>> {
        frozen.to_bytes(&self.policy)
    }

    /// Reads a frozen plan.
    ///
    /// # Errors
    /// As [`FrozenPlan::from_bytes`].
    pub fn read_frozen(&self, bytes: &[u8]) -> Result<FrozenPlan> {
        FrozenPlan::from_bytes(self.plan, &self.policy, bytes)
    }
}
