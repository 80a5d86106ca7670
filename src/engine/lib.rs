//! The six rooms in order: check, intake, measure, freeze, apply, prove; then seal. Knows no technique by name.

// Other rooms, under the names that they have in the whole.
use kakou_core::{
    digest, error, frame, log, memory, note, progress, say, schema, system, text, timings, token,
};
use kakou_detect as detect;
use kakou_formats as formats;
use kakou_plan as plan;
use kakou_policy as policy;
use kakou_privacy as privacy;
use kakou_technique as technique;

use std::path::PathBuf;

use rayon::prelude::*;

use crate::error::{Result, small};
use crate::frame::Table;
use crate::plan::claims::{ClaimedFile, ClaimedRows, Claims, Witness};
use crate::plan::{Plan, shape};
pub use crate::progress::{Progress, Silent, stop_flag};
use crate::schema::{ByKind, Kind};
use crate::technique::{KeyToken, Marks, Secrets, Tally};

pub mod apart;
pub mod apply;
mod cells;
pub mod declared;
pub mod draft;
pub mod eligibility;
pub mod emit;
pub mod exclude;
pub mod explore;
pub mod files;
pub mod floors;
pub mod foreseen;
mod forms;
pub mod freeze;
pub mod genome;
mod grain;
pub mod identity;
pub mod intake;
pub mod kept;
pub mod linkage;
mod moments;
pub mod observe;
pub mod partition;
pub mod parts;
pub mod persons;
mod pool;
pub mod promise;
mod resources;
pub mod roll;
mod rows;
pub mod search;
pub mod source_position;
pub mod statistics;
pub mod steady;
pub mod survey;
#[cfg(test)]
mod testing;
mod typed;
pub mod unclaimed;
pub mod validate;
mod worker;

pub use promise::{receipts, sets, unique, views};

use apply::{Applied, Surviving, apply};
use emit::OutputFile;
use exclude::Lists;
pub use freeze::{Measured, Outcome};
use intake::{Intake, Limits};
use partition::Partition;
use worker::Worker;

/// What was written and what happened on the way.
pub struct Made {
    /// The files of both releases.
    pub files: Vec<OutputFile>,
    /// The receipt file, if the policy asks for one.
    pub receipts: Option<receipts::ReceiptFile>,
    /// What intake saw.
    pub intake: IntakeFacts,
    /// What freezing found.
    pub views: Vec<freeze::ViewOutcome>,
    /// What freezing found of the sets of items.
    pub sets: Vec<sets::SetOutcome>,
    /// What became of the columns whose values have a floor.
    pub floors: Vec<floors::FloorOutcome>,
    /// Facts outside the views that are the same in all rows of a person.
    pub steady: Vec<steady::Steady>,
    /// Whom facts beside the views single out.
    pub unique: crate::plan::unique::Unique,
    /// How levels were chosen, if the policy offers several.
    pub search: Option<search::Searched>,
    /// Canonical JSON of the frozen plan (for its digest and for replay; protected data).
    pub frozen: Vec<u8>,
    /// By kind, table, column: what the treatment did, counted over the rows of the release's persons.
    pub tallies: ByKind<Vec<Vec<Tally>>>,
    /// By table, column: marks in free text of the pseudonymized release.
    pub marks: Vec<Vec<Marks>>,
    /// By kind, by table: rows removed by techniques or suppression.
    pub removed: ByKind<Vec<u64>>,
    /// By kind: distinct persons with at least one row.
    pub persons: ByKind<u64>,
    /// By kind: distinct persons who may be in the release, but of whom no row is left.
    pub persons_without_rows: ByKind<u64>,
    /// Number of partitions used.
    pub partitions: usize,
    /// What stood in the columns before and after, for the report.
    pub observed: observe::Observed,
    /// What speaks against declarations, and stays with the policy's reason.
    pub declared: Vec<crate::plan::Warning>,
    /// Person tokens of the anonymized release with the keys that a linking body gave back, sorted.
    pub links: Vec<(String, String)>,
}

impl Made {
    /// What the proof holds against the files.
    #[must_use]
    pub fn claims(&self, plan: &Plan) -> Claims {
        Claims {
            files: self
                .files
                .iter()
                .map(|f| ClaimedFile {
                    kind: f.kind,
                    table: f.table,
                    relative: f.relative.clone(),
                    rows: f.written.rows,
                    respelled: (f.written.unencodable, f.written.respelled, f.written.formula)
                        != (0, 0, 0),
                })
                .collect(),
            receipt_lines: self.receipts.as_ref().map(|r| r.written.rows),
            tables: self
                .intake
                .tables
                .iter()
                .enumerate()
                .map(|(t, table)| ClaimedRows {
                    read: table.rows_in,
                    aside: table.set_aside.values().sum(),
                    excluded: table.excluded,
                    removed: self.removed.each_ref().map(|removed| removed[t]),
                })
                .collect(),
            persons: self.persons,
            links: self.links.len() as u64,
            unique: self.unique.clone(),
            steady: self.steady.iter().map(|s| s.claimed(plan)).collect(),
        }
    }
}

/// What intake saw, without the data.
pub struct IntakeFacts {
    /// By table.
    pub tables: Vec<intake::TableIntake>,
    /// Input files.
    pub files: Vec<intake::InputFile>,
    /// Distinct persons read.
    pub persons: u64,
    /// Persons excluded by kind.
    pub excluded_persons: ByKind<u64>,
    /// By kind, by [`exclude::Why`]: persons excluded for that reason.
    pub why: ByKind<[u64; 5]>,
    /// What linkage did.
    pub linked: linkage::Linked,
    /// What is told of the identifiers.
    pub told: persons::Told,
    /// What a reader should know of the data.
    pub warnings: Vec<crate::plan::Warning>,
}

/// What a run needs.
pub struct Job<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The input files by table.
    pub files: &'a [Vec<PathBuf>],
    /// The exclusion lists.
    pub lists: &'a Lists,
    /// Memory and spill.
    pub limits: Limits,
    /// The secrets by kind.
    pub secrets: ByKind<&'a dyn Secrets>,
    /// How long the search for levels may take; without, until the best is proven.
    pub search_limit: Option<std::time::Duration>,
    /// Keys that a linking body gave back, by link id; none but in a linkable profile.
    pub link_keys: Option<&'a hashbrown::HashMap<[u8; 16], String>>,
    /// The digest of the policy: it stands in the frozen plan.
    pub policy: [u8; 32],
    /// Where finished work is kept for a later run, if the user asked for it.
    pub keep: Option<&'a dyn kept::Keep>,
    /// The staging folder: `pseudonymized` and `anonymized` are in it.
    pub staging: PathBuf,
}

/// The rooms one after the other: both releases stand in the staging folder afterwards. Nothing is proved yet; whoever will
/// prove it watches the source on its way.
///
/// # Errors
/// Any defect of the data, any requirement that does not hold, I/O, the user's stop.
pub fn make(job: &Job<'_>, witness: &mut dyn Witness, progress: &dyn Progress) -> Result<Made> {
    let read = read(job, progress)?;
    let measured = measure(job, &read, progress)?;
    let outcome = freeze(job, &read, measured, progress)?;
    write(job, read, outcome, witness, progress)
}

/// The input as partitions of whole persons, held against what the policy declares.
pub struct Read {
    intake: Intake,
    declared: Vec<crate::plan::Warning>,
}

impl Read {
    /// What a reader should know of the data.
    #[must_use]
    pub fn warnings(&self) -> &[crate::plan::Warning] {
        &self.intake.warnings
    }
    /// Distinct persons read, those excluded among them.
    #[must_use]
    pub fn persons(&self) -> u64 {
        self.intake.persons
    }
    /// How many parts the persons are in.
    #[must_use]
    pub fn partitions(&self) -> usize {
        self.intake.store.len()
    }
}

/// Reads the files into partitions of whole persons, and holds them against what the policy declares of its columns.
///
/// # Errors
/// Any defect of the data that the policy does not set aside; a declaration that the data contradict; I/O; the user's stop.
pub fn read(job: &Job<'_>, progress: &dyn Progress) -> Result<Read> {
    pool::estimate(job.files).check(&job.limits, &job.staging)?;
    if job.keep.is_none() {
        progress.room("intake");
    }
    let intake = intake::intake(job.plan, job.files, job.lists, &job.limits, job.keep, progress)?;
    let declared = declared::check(job.plan, &intake.store, job.lists, progress)?;
    Ok(Read { intake, declared })
}

/// Measures what the treatments ask for, over all persons.
///
/// # Errors
/// If a technique cannot be fixed on these data; I/O of spilled partitions; the user's stop.
pub fn measure(job: &Job<'_>, read: &Read, progress: &dyn Progress) -> Result<Measured> {
    let keep = job.keep.map(|keep| (keep, &job.policy));
    freeze::measure(job.plan, &read.intake.store, job.lists, job.secrets, keep, progress)
}

/// Fixes every level, threshold and suppression.
///
/// # Errors
/// If a promise of the policy cannot be kept within the suppression that it allows; the user's stop.
pub fn freeze(
    job: &Job<'_>,
    read: &Read,
    measured: Measured,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let Job { lists, secrets, search_limit, .. } = job;
    let store = &read.intake.store;
    let outcome = freeze::freeze(store, lists, *secrets, measured, *search_limit, progress)?;
    unique::judge(&outcome.unique)?;
    Ok(outcome)
}

/// Applies what was fixed, partition by partition, and writes both releases into the staging folder.
///
/// # Errors
/// I/O, the user's stop.
pub fn write(
    job: &Job<'_>,
    read: Read,
    mut outcome: Outcome,
    witness: &mut dyn Witness,
    progress: &dyn Progress,
) -> Result<Made> {
    let Job { plan, lists, secrets, .. } = job;
    let (plan, lists, secrets) = (*plan, *lists, *secrets);
    let Read { mut intake, declared } = read;
    let store = std::mem::replace(&mut intake.store, intake::Store::Elsewhere(0));
    let frozen = outcome.frozen.to_bytes(&job.policy)?;
    progress.room("apply");
    let everyone = apply::everyone(plan, &store, lists)?;
    let partitions = store.len();
    let mut workers = outcome.take_kept();
    let mut sums = Sums::new(plan);
    let mut emitting =
        Emitting::new(job, matches!(store, intake::Store::Spilled(_)), &intake.tables)?;
    let mut links = Vec::new();
    let mut all_tokens: ByKind<Vec<[u8; 16]>> = ByKind::default();
    store.each(plan, lists, |p, whole| {
        let source: Vec<&Table> = whole.tables.iter().map(|t| &t.table).collect();
        rayon::join(|| witness.source(plan, &source), || sums.observed.add_source(plan, whole));
        for kind in Kind::BOTH {
            progress.check()?;
            // What was written between the two is no part of it.
            timings::room("apply");
            let (own, treated, there, mut worker);
            let (partition, applied, surviving): (&Partition, &Applied, &Surviving) = match kind {
                Kind::Anonymized => {
                    let kept = workers.get_mut(p).map(std::mem::take).unwrap_or_default();
                    worker = Worker::new(plan, whole, p as u32, kept);
                    worker.anonymized(outcome.decided(), secrets[kind])
                }
                Kind::Pseudonymized => {
                    own = whole.of_kind(kind);
                    let mut all = Surviving::all(&own);
                    let treatments = &outcome.frozen.treatments[kind];
                    let everyone = everyone.as_ref();
                    treated =
                        apply(plan, treatments, &own, kind, secrets[kind], everyone, &mut all);
                    there = all;
                    (&own, &treated, &there)
                }
            };
            let present = sums.add(kind, partition, applied, surviving);
            let made;
            let domain = plan.person_key.as_str();
            let persons = match applied.tokens.of(domain, &partition.ids) {
                Some(persons) => persons,
                None => {
                    made = KeyToken::new(domain, &partition.ids, secrets[kind]);
                    &made
                }
            };
            all_tokens[kind].extend(&persons.raw);
            let tokens = &persons.texts;
            if let (Kind::Anonymized, Some(keys)) = (kind, job.link_keys) {
                let project = secrets[Kind::Pseudonymized];
                let token = |person: usize| tokens.text(person).map(str::to_owned);
                let given = promise::links::given(keys, &partition.ids, &present, token, project);
                links.extend(given);
            }
            let blankable = &sums.blankable;
            let shown =
                emit::Shown { plan, partition, applied, surviving, blankable, kind, tokens };
            emitting.add(shown, progress)?;
        }
        Ok(())
    })?;
    for kind in Kind::BOTH {
        emit::distinct_tokens(&mut all_tokens[kind], kind)?;
    }
    drop(store);
    emitting.finish(progress)?;
    let files = std::mem::take(&mut emitting.written);
    let done = Done { sums, files, links, frozen, partitions };
    made(plan, &job.staging, Read { intake, declared }, outcome, done)
}

/// What was done to the rows.
struct Done<'a> {
    sums: Sums<'a>,
    files: Vec<OutputFile>,
    links: Vec<(String, String)>,
    frozen: Vec<u8>,
    partitions: usize,
}

/// All that the record needs, when the files of the releases are written.
fn made(
    plan: &Plan,
    staging: &std::path::Path,
    read: Read,
    outcome: Outcome,
    done: Done<'_>,
) -> Result<Made> {
    let Read { intake, declared } = read;
    let Intake { tables, files, persons, excluded_persons, why, linked, told, warnings, .. } =
        intake;
    let Done { sums, files: out_files, mut links, frozen, partitions } = done;
    let Sums { tallies, marks, removed, persons: persons_out, persons_gone, observed, .. } = sums;
    note_made(plan, &out_files, &tallies);
    let Outcome { views, sets, unique, search, floors, steady, .. } = outcome;
    let mut warnings = warnings;
    warnings.extend(emptied(plan, &tallies));
    links.sort_unstable();
    Ok(Made {
        receipts: receipts::write(plan, staging)?,
        files: out_files,
        intake: IntakeFacts {
            tables,
            files,
            persons,
            excluded_persons,
            why,
            linked,
            told,
            warnings,
        },
        views,
        sets,
        floors,
        steady,
        unique,
        search,
        frozen,
        tallies,
        marks,
        removed,
        persons: persons_out,
        persons_without_rows: persons_gone,
        partitions,
        observed,
        declared,
        links,
    })
}

/// What the partitions add up to.
struct Sums<'a> {
    plan: &'a Plan,
    blankable: Vec<Vec<Option<u8>>>,
    tallies: ByKind<Vec<Vec<Tally>>>,
    marks: Vec<Vec<Marks>>,
    removed: ByKind<Vec<u64>>,
    persons: ByKind<u64>,
    /// Persons who may be in the release, but of whom no row is left.
    persons_gone: ByKind<u64>,
    observed: observe::Observed,
}

impl<'a> Sums<'a> {
    fn new(plan: &'a Plan) -> Self {
        Sums {
            plan,
            blankable: freeze::blankable(plan),
            tallies: ByKind::of(|_| {
                plan.tables.iter().map(|t| vec![Tally::default(); t.columns.len()]).collect()
            }),
            marks: plan.tables.iter().map(|t| vec![Marks::default(); t.columns.len()]).collect(),
            removed: ByKind::of(|_| vec![0_u64; plan.tables.len()]),
            persons: ByKind::default(),
            persons_gone: ByKind::default(),
            observed: observe::Observed::new(plan),
        }
    }

    /// Adds a release of a partition, whose persons who are in it are given back.
    fn add(
        &mut self,
        kind: Kind,
        partition: &Partition,
        applied: &Applied,
        surviving: &Surviving,
    ) -> Vec<bool> {
        let plan = self.plan;
        for (t, applied) in applied.tables.iter().enumerate() {
            for (slot, tally) in self.tallies[kind][t].iter_mut().zip(&applied.tallies) {
                *slot += *tally;
            }
            for (slot, here) in self.marks[t].iter_mut().zip(&applied.marks) {
                slot.merge(here);
            }
            self.removed[kind][t] += surviving.rows[t].iter().filter(|&&a| !a).count() as u64;
        }
        log::trap("apply", || partition.ids.texts().collect::<Vec<_>>().join("|"));
        self.observed.add_release(plan, kind, partition, applied, surviving, &self.blankable);
        let mut present = vec![false; partition.ids.len()];
        for (t, part) in partition.tables.iter().enumerate() {
            if shape::released(plan, t, kind).is_empty() {
                continue;
            }
            for (row, &person) in part.persons.iter().enumerate() {
                present[person as usize] |= surviving.rows[t][row];
            }
        }
        self.persons[kind] += present.iter().filter(|&&p| p).count() as u64;
        let gone = |(here, may): (&bool, &bool)| !here && *may;
        self.persons_gone[kind] +=
            present.iter().zip(&partition.eligible[kind]).filter(|&both| gone(both)).count() as u64;
        present
    }
}

/// The files of both releases: of one partition they are written at once, those of several are shuffled first.
struct Emitting<'a> {
    job: &'a Job<'a>,
    files_of: ByKind<Vec<shape::FilePlan<'a>>>,
    spill: Option<formats::spill::SpillDir>,
    shuffles: ByKind<Vec<emit::Shuffle>>,
    written: Vec<OutputFile>,
}

impl<'a> Emitting<'a> {
    fn new(job: &'a Job<'a>, spilled: bool, tables: &[intake::TableIntake]) -> Result<Self> {
        let plan = job.plan;
        let mut shuffles: ByKind<Vec<emit::Shuffle>> = ByKind::default();
        let files_of = ByKind::of(|kind| shape::files(plan, kind));
        let spill = if spilled {
            for (files, shuffles) in files_of.iter().zip(&mut shuffles) {
                let rows = |file: &shape::FilePlan<'_>| -> u64 {
                    file.tables.iter().map(|&t| tables[t].rows_in).sum()
                };
                let cells = |file: &shape::FilePlan<'_>| rows(file) * file.width(plan) as u64;
                let shuffle = |file| emit::Shuffle::new(cells(file), job.limits.memory);
                shuffles.extend(files.iter().map(shuffle));
            }
            Some(formats::spill::SpillDir::create(&job.limits.spill_root)?)
        } else {
            None
        };
        Ok(Emitting { job, files_of, spill, shuffles, written: Vec::new() })
    }

    /// Adds the rows of a partition.
    fn add(&mut self, shown: emit::Shown<'_>, progress: &dyn Progress) -> Result<()> {
        let emit::Shown { plan, kind, .. } = shown;
        let staging = &self.job.staging;
        let rows_of = |file: &shape::FilePlan<'_>| emit::rows_of(shown, file);
        match &self.spill {
            Some(directory) => {
                for (file, shuffle) in self.files_of[kind].iter().zip(&mut self.shuffles[kind]) {
                    shuffle.add(directory, &rows_of(file))?;
                }
            }
            None => {
                progress.room("write");
                let written: Vec<Vec<OutputFile>> = self.files_of[kind]
                    .par_iter()
                    .map(|file| {
                        let rows = std::iter::once(Ok(rows_of(file)));
                        emit::write(plan, kind, file, staging, rows, progress)
                    })
                    .collect::<Result<_>>()?;
                self.written.extend(written.into_iter().flatten());
            }
        }
        Ok(())
    }

    /// Writes what was shuffled.
    fn finish(&mut self, progress: &dyn Progress) -> Result<()> {
        let (plan, staging) = (self.job.plan, &self.job.staging);
        let Some(directory) = &self.spill else { return Ok(()) };
        progress.room("write");
        for kind in Kind::BOTH {
            let shuffles = std::mem::take(&mut self.shuffles[kind]);
            for (file, shuffle) in self.files_of[kind].iter().zip(shuffles) {
                let ranges = shuffle.ranges(directory, file.width(plan));
                let written = emit::write(plan, kind, file, staging, ranges, progress)?;
                self.written.extend(written);
            }
        }
        Ok(())
    }
}

/// Tells the log what was written and how columns were treated.
fn note_made(plan: &Plan, files: &[OutputFile], tallies: &ByKind<Vec<Vec<Tally>>>) {
    for file in files {
        note!(
            info,
            "file written",
            table = plan.tables[file.table].name,
            kind = file.kind,
            rows = file.written.rows,
            persons = small(file.persons)
        );
    }
    for kind in Kind::BOTH {
        for (table, tallies) in plan.tables.iter().zip(&tallies[kind]) {
            for (column, tally) in table.columns.iter().zip(tallies) {
                note!(
                    trace,
                    "column treated",
                    table = table.name,
                    column = column.facts.column,
                    role = column.facts.role,
                    kind = kind,
                    cells = tally.seen,
                    changed = small(tally.changed),
                    suppressed = small(tally.suppressed)
                );
            }
        }
    }
}

/// Columns with cells that are empty though the source has a value.
fn emptied(plan: &Plan, tallies: &ByKind<Vec<Vec<Tally>>>) -> Vec<crate::plan::Warning> {
    let mut warnings = Vec::new();
    for kind in Kind::BOTH {
        for (t, table) in plan.tables.iter().enumerate() {
            for (c, column) in table.columns.iter().enumerate() {
                let tally = tallies[kind][t][c];
                let why = column.treatment(kind).treatment.unfit();
                let Some([en, ja]) = why.filter(|_| tally.emptied > 0) else { continue };
                let (name, cells) = (&column.facts.column, small(tally.emptied));
                warnings.push(crate::plan::Warning {
                    code: "W0308",
                    text: say!(
                        "table `{}`, column `{}`, {} release: {} of {} cells are empty though the source has a value: {}",
                        table.name, name, kind, cells, tally.seen, en
                    ),
                    text_ja: say!(
                        "表`{}`の列`{}`（{}）: 元の値があるのに空になったセルが{}個（全{}個）: {}",
                        table.name, name, kind, cells, tally.seen, ja
                    ),
                    place: None,
                });
            }
        }
    }
    warnings
}
