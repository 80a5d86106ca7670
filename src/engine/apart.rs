//! The rooms between reading and proving, worked on several machines: what each of them is given and gives back, as plain bytes.
//! Who carries them, and how they are kept from others on the way, is for the caller (`run::apart`).
//!
//! ```text
//! read a file ─▶ blocks of rows by person ─▶ all blocks of a part make a batch ─▶ statistics
//!                                                        └─ apply ─▶ blocks of released rows by token ─▶ sorted blocks ─▶ files
//! ```
//!
//! A task that is done twice gives the same; what is told of its work (an account) is counted where its result is.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hashbrown::DefaultHashBuilder;
use serde::{Deserialize, Serialize};

use super::apply::{Surviving, apply as treat};
use super::declared::Declared;
use super::draft::Draft;
use super::emit::{self, OutputFile, Sorted};
use super::exclude::Lists;
use super::freeze::{FrozenPlan, Outcome, blankable};
use super::intake::{
    FilePlace, Gathered, Group, Here, InputFile, Looking, Reading, Store, TableIntake,
    columns_of_group, count_twin, folder_of, judged, read_file, split, take, twins,
};
use super::kept::{FileWritten, TableWritten};
use super::linkage::{Linkage, Linked};
use super::partition::Partition;
use super::parts::{Batch, Parts, judged_by_all};
use super::persons::{self, Seen};
use super::pool::weight;
use super::statistics::Statistics;
use super::unique;
use super::worker::{Kept, Worker};
use super::{Done, Made, Progress, Read, Silent, Sums, grain, made, observe};
use crate::error::{Error, Result};
use crate::formats::spill::{self, Block, SpillDir};
use crate::frame::{Column, Table, join_blocks};
use crate::plan::claims::Witness;
use crate::plan::shape::{self, FilePlan};
use crate::plan::{Plan, TablePlan};
use crate::policy::model::Defect;
use crate::say;
use crate::schema::{ByKind, Kind};
use crate::technique::{KeyToken, Secrets, Tally};

/// Rows wait until they take so many bytes, and are divided then.
const WAITING: u64 = 48 << 20;
/// Bytes before the packed columns of a block.
const HEAD: usize = 16;

fn damaged() -> Error {
    Error::environment("X0633", say!("what came from another machine is not as it was made"))
}

/// Something did not arrive, or arrived twice: whoever carries it is not believed.
fn incomplete() -> Error {
    Error::environment(
        "X0635",
        say!("not all rows came back from the other machines, or some twice"),
    )
    .advice(say!("nothing was published; look at the log of what carried them, and run again"))
}

fn block(head: [u32; 4], columns: &[&Column]) -> Result<Vec<u8>> {
    let mut bytes: Vec<u8> = head.iter().flat_map(|n| n.to_le_bytes()).collect();
    bytes.extend(spill::pack(columns)?);
    Ok(bytes)
}

fn head_of(bytes: &[u8]) -> Result<([u32; 4], &[u8])> {
    let (head, rest) = bytes.split_at_checked(HEAD).ok_or_else(damaged)?;
    let mut numbers = [0; 4];
    for (number, four) in numbers.iter_mut().zip(head.as_chunks().0) {
        *number = u32::from_le_bytes(*four);
    }
    Ok((numbers, rest))
}

/// A file to be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The first table that is read from it (plan index).
    pub table: usize,
    /// Its place among the files of that table, in the order of their names.
    pub file: usize,
    /// How many these are.
    pub files: usize,
    /// Its bytes.
    pub bytes: u64,
}

/// The files to be read: those that are there twice are read once.
///
/// # Errors
/// I/O.
pub fn tasks(plan: &Plan, files: &[Vec<PathBuf>]) -> Result<Vec<Task>> {
    let mut tasks = Vec::new();
    for group in plan.groups() {
        let paths = &files[group.start];
        let twins = twins(&plan.tables[group.start], paths)?;
        for (file, path) in paths.iter().enumerate().filter(|&(at, _)| twins[at].is_none()) {
            let bytes = std::fs::metadata(path).map_or(0, |m| m.len());
            tasks.push(Task { table: group.start, file, files: paths.len(), bytes });
        }
    }
    Ok(tasks)
}

/// What reading a file tells.
#[derive(Serialize, Deserialize)]
struct ReadTold {
    tables: Vec<TableWritten>,
    file: FileWritten,
    task: Task,
}

fn shown(table: &TablePlan) -> &crate::error::Name {
    table.part.as_ref().map_or(&table.name, |p| &p.of)
}

/// Reads files of a table that follow one another: their rows go to `emit` as blocks, each with the number of the part (of `parts`)
/// that its persons are in. `place` gives a number for a person, the same everywhere. What comes back tells of the files.
///
/// # Errors
/// Any defect of the data that the policy does not set aside; I/O; what `emit` says.
pub fn read(
    plan: &Plan,
    files: &[Vec<PathBuf>],
    tasks: &[Task],
    parts: usize,
    place: &dyn Fn(&str) -> u64,
    emit: &mut dyn FnMut(usize, Vec<u8>) -> Result<()>,
) -> Result<Vec<u8>> {
    let begin = tasks.first().ok_or_else(damaged)?;
    let follows = |(a, b): (&Task, &Task)| a.table == b.table && a.file < b.file;
    if !tasks.iter().zip(&tasks[1..]).all(follows) {
        return Err(damaged());
    }
    let group = plan.groups().into_iter().find(|g| g.start == begin.table).ok_or_else(damaged)?;
    let (first, paths) = (&plan.tables[begin.table], &files[begin.table]);
    let (columns, members) = (columns_of_group(first), group.collect::<Vec<_>>());
    let (linkage, salt) = (Linkage::default(), DefaultHashBuilder::default());
    let resources = super::intake::resources(plan, files)?;
    let reading = Reading {
        plan,
        linkage: &linkage,
        pool: None,
        salt: &salt,
        most: None,
        sees: false,
        resources: resources.as_ref(),
        progress: &Silent,
    };
    let mut waiting: Vec<Vec<Table>> = vec![Vec::new(); members.len()];
    let (mut held, mut number) = (0, 0_u32);
    let mut send = |waiting: &mut Vec<Vec<Table>>| -> Result<()> {
        for (&t, rows) in members.iter().zip(waiting.iter_mut()) {
            let rows = std::mem::take(rows);
            for (part, rows) in divided(&plan.tables[t], rows, parts, place) {
                let columns: Vec<&Column> = rows.columns.iter().collect();
                let head = [t as u32, begin.file as u32, number, 0];
                emit(part, block(head, &columns)?)?;
            }
        }
        number += 1;
        Ok(())
    };
    let of = Group { members: &members, columns: &columns };
    let mut told = Vec::with_capacity(tasks.len());
    for &task in tasks {
        let path = paths
            .get(task.file)
            .filter(|_| paths.len() == task.files)
            .ok_or_else(|| other_files(first))?;
        let file = FilePlace::new(shown(first), task.file, paths.len());
        let folder = folder_of(first, path, plan)?;
        let mut intake = vec![TableIntake::default(); members.len()];
        let mut seen = Seen::default();
        let here = Here { file: &file, folder: folder.as_deref(), before: 0 };
        let read = read_file(reading, of, path, here, &mut intake, &mut seen, &mut |m, whole| {
            held += weight(&whole);
            waiting[m].push(whole);
            if held > WAITING {
                held = 0;
                send(&mut waiting)?;
            }
            Ok(())
        })?;
        told.push(ReadTold {
            tables: intake.iter().map(TableWritten::of).collect(),
            // Where it lies is known to who gave the task.
            file: FileWritten::of(task.table, Path::new(""), &read.facts),
            task,
        });
    }
    send(&mut waiting)?;
    serde_json::to_vec(&told).map_err(|_| damaged())
}

fn other_files(table: &TablePlan) -> Error {
    Error::environment(
        "X0634",
        say!(
            "a machine of the run sees other files of table `{}` than the one that began it",
            shown(table)
        ),
    )
    .advice(say!("all machines need the input under the same path (shared storage)"))
}

/// Rows of a table, with what travels behind their cells, by the part of their persons.
fn divided(
    table: &TablePlan,
    rows: Vec<Table>,
    parts: usize,
    place: &dyn Fn(&str) -> u64,
) -> Vec<(usize, Table)> {
    if rows.iter().all(|r| r.rows == 0) {
        return Vec::new();
    }
    let whole = join_blocks(&rows, table.columns.len() + super::intake::beside(table));
    drop(rows);
    let key = &whole.columns[table.columns.len() + table.person_key];
    let parts = parts.max(1);
    let places: Vec<usize> =
        key.dictionary().texts().map(|id| (place(id) % parts as u64) as usize).collect();
    let mut by_part: Vec<Vec<u32>> = vec![Vec::new(); parts];
    for (row, &code) in key.codes().iter().enumerate() {
        by_part[places[code as usize]].push(row as u32);
    }
    let taken = by_part.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty());
    taken.map(|(part, rows)| (part, take(&whole, &rows))).collect()
}

/// All rows of the persons of one part, from its blocks in any order; with how many rows repeated another and went, by table.
/// None if nobody is in it.
///
/// # Errors
/// `X0633` if a block is damaged.
pub fn batch(plan: &Plan, lists: &Lists, blocks: &[Vec<u8>]) -> Result<Option<(Batch, Vec<u64>)>> {
    if blocks.is_empty() {
        return Ok(None);
    }
    // In the order of the files, as one machine reads them.
    let mut pieces: BTreeMap<[u32; 4], Table> = BTreeMap::new();
    for bytes in blocks {
        let (head, packed) = head_of(bytes)?;
        let columns = spill::unpack(packed).ok_or_else(damaged)?;
        let table = plan.tables.get(head[0] as usize).ok_or_else(damaged)?;
        let rows = columns.first().map_or(0, Column::len);
        let width = table.columns.len() + super::intake::beside(table);
        if columns.len() != width || columns.iter().any(|c| c.len() != rows) {
            return Err(damaged());
        }
        pieces.insert(head, Table { rows, columns });
    }
    let mut by_table: Vec<Vec<Table>> = vec![Vec::new(); plan.tables.len()];
    for (head, rows) in pieces {
        by_table[head[0] as usize].push(rows);
    }
    let parts = by_table
        .into_iter()
        .zip(&plan.tables)
        .map(|(rows, table)| {
            let columns = table.columns.len();
            split(join_blocks(&rows, columns + super::intake::beside(table)), columns)
        })
        .collect();
    let mut partition = Partition::assemble(plan, parts, &|kind, id| lists.excludes(kind, id));
    let collapsed = grain::collapse(plan, &mut partition);
    Ok(Some((Batch(partition), collapsed)))
}

/// What one look at every batch tells: the judgements of intake that need all persons.
pub struct Look<'a> {
    plan: &'a Plan,
    lists: &'a Lists,
    looking: Looking<'a>,
    declared: Declared,
    seen: Seen,
    salt: DefaultHashBuilder,
    collapsed: Vec<u64>,
    /// By table: rows that arrived, and did not repeat another.
    rows: Vec<u64>,
}

impl<'a> Look<'a> {
    /// Nothing was looked at yet.
    #[must_use]
    pub fn new(plan: &'a Plan, lists: &'a Lists) -> Self {
        Look {
            plan,
            lists,
            looking: Looking::new(plan, lists),
            declared: Declared::new(plan),
            seen: Seen::default(),
            salt: DefaultHashBuilder::default(),
            collapsed: vec![0; plan.tables.len()],
            rows: vec![0; plan.tables.len()],
        }
    }

    /// Looks at the batch of a part; `witness` sees its source.
    ///
    /// # Errors
    /// `X0633` if a block is damaged.
    pub fn add(
        &mut self,
        part: usize,
        blocks: &[Vec<u8>],
        witness: &mut dyn Witness,
    ) -> Result<()> {
        let plan = self.plan;
        let Some((Batch(partition), collapsed)) = batch(plan, self.lists, blocks)? else {
            return Ok(());
        };
        for (t, part) in partition.tables.iter().enumerate() {
            let place = |_| say!("table `{}`", plan.tables[t].name);
            let good = vec![true; part.table.rows];
            let new = persons::Batch {
                cells: &part.table,
                identities: &part.identities,
                good: &good,
                folder: None,
            };
            self.seen.see(plan, t, new, &self.salt, &place);
            self.rows[t] += part.table.rows as u64;
        }
        self.collapsed.iter_mut().zip(collapsed).for_each(|(sum, gone)| *sum += gone);
        let (looking, declared) = (&mut self.looking, &mut self.declared);
        rayon::join(
            || {
                looking.look(&partition, false);
                let source: Vec<&Table> = partition.tables.iter().map(|t| &t.table).collect();
                witness.source(plan, &source);
            },
            || declared.add(plan, part, &partition),
        );
        Ok(())
    }

    /// All batches were looked at: what was read, judged. `told` is what reading the files told.
    ///
    /// # Errors
    /// As intake on one machine; `C0409` if identifiers of nines alone turn out to be fillers; `X0635` if not every row that was read
    /// was looked at once.
    pub fn end(self, files: &[Vec<PathBuf>], told: &[Vec<u8>], parts: usize) -> Result<Read> {
        let plan = self.plan;
        let (mut tables, input, empty) = gathered(plan, files, told)?;
        for (t, table) in tables.iter().enumerate() {
            let aside: u64 = table.set_aside.values().sum();
            if self.rows[t] + self.collapsed[t] + aside != table.rows_in {
                return Err(incomplete());
            }
        }
        let (told, fillers) = self.seen.judge(plan, &mut |t, rows| {
            *tables[t].set_aside.entry(Defect::Key).or_default() += rows;
        })?;
        if !fillers.is_empty() {
            return Err(judged_by_all(&plan.tables[0].name));
        }
        let gathered = Gathered {
            tables,
            files: input,
            empty,
            collapsed: self.collapsed,
            linked: Linked::default(),
            locals: hashbrown::HashMap::new(),
            told,
        };
        let intake = judged(plan, self.looking, gathered, Store::Elsewhere(parts))?;
        Ok(Read { intake, declared: self.declared.judge(plan)? })
    }
}

/// The batch of a part, with how far it is worked on: what a hand may keep from one task to the next, or forget.
pub struct Rest {
    batch: Batch,
    kept: Kept,
}

impl Rest {
    /// The batch that these blocks make; none if nobody is in it.
    ///
    /// # Errors
    /// As [`batch`].
    pub fn new(plan: &Plan, lists: &Lists, blocks: &[Vec<u8>]) -> Result<Option<Self>> {
        let made = batch(plan, lists, blocks)?;
        Ok(made.map(|(batch, _)| Rest { batch, kept: Kept::new(true) }))
    }

    /// Bytes that it takes at most: cells, and treated ones.
    #[must_use]
    pub fn weight(&self) -> u64 {
        let Batch(partition) = &self.batch;
        let columns = partition.columns().into_iter();
        2 * columns.map(|c| (c.len() * 4 + c.dictionary().bytes()) as u64).sum::<u64>()
    }

    /// What a draft asks of it.
    ///
    /// # Errors
    /// As [`Parts::measure`].
    pub fn measure(
        &mut self,
        plan: &Plan,
        draft: &Draft,
        secrets: ByKind<&dyn Secrets>,
    ) -> Result<Statistics> {
        let mut statistics = Statistics::new(plan, draft);
        let mut worker = Worker::new(plan, &self.batch.0, 0, std::mem::take(&mut self.kept));
        worker.measure(draft, &mut statistics, secrets)?;
        self.kept = worker.rest();
        Ok(statistics)
    }
}

type Told = (Vec<TableIntake>, Vec<InputFile>, Vec<[usize; 2]>);

/// What the files told, as if one machine had read them one after the other.
fn gathered(plan: &Plan, files: &[Vec<PathBuf>], told: &[Vec<u8>]) -> Result<Told> {
    let mut by_file: BTreeMap<(usize, usize), ReadTold> = BTreeMap::new();
    for bytes in told {
        let told: Vec<ReadTold> = serde_json::from_slice(bytes).map_err(|_| damaged())?;
        by_file.extend(told.into_iter().map(|told| ((told.task.table, told.task.file), told)));
    }
    let mut tables = vec![TableIntake::default(); plan.tables.len()];
    let (mut input, mut empty) = (Vec::new(), Vec::new());
    for group in plan.groups() {
        let (first, paths) = (&plan.tables[group.start], &files[group.start]);
        let twins = twins(first, paths)?;
        let mut rows_of: Vec<Vec<u64>> = Vec::new();
        let mut facts: Vec<crate::formats::FileFacts> = Vec::new();
        for (index, path) in paths.iter().enumerate() {
            if let Some(twin) = twins[index] {
                let file = FilePlace::new(shown(first), index, paths.len());
                count_twin(first, &rows_of[twin], (&file, twin), &mut tables[group.clone()])?;
                rows_of.push(vec![0; group.len()]);
                facts.push(facts[twin].clone());
            } else {
                let told = by_file.remove(&(group.start, index)).ok_or_else(damaged)?;
                if told.tables.len() != group.len() {
                    return Err(damaged());
                }
                rows_of.push(told.tables.iter().map(|t| t.rows_in()).collect());
                for (sum, more) in tables[group.clone()].iter_mut().zip(told.tables) {
                    add(sum, more.read());
                }
                facts.push(told.file.read().facts);
            }
            let facts = facts[index].clone();
            input.push(InputFile { table: group.start, path: path.clone(), facts });
        }
        let without = facts.iter().filter(|facts| facts.rows_read == 0).count();
        empty.push([facts.len(), without]);
    }
    Ok((tables, input, empty))
}

fn add(sum: &mut TableIntake, more: TableIntake) {
    sum.rows_in += more.rows_in;
    sum.moments += more.moments;
    for (defect, rows) in more.set_aside {
        *sum.set_aside.entry(defect).or_default() += rows;
    }
    for (column, cells) in more.blanked {
        *sum.blanked.entry(column).or_default() += cells;
    }
}

/// What is counted of the treatment of a batch.
#[derive(Serialize, Deserialize)]
struct Account {
    tallies: ByKind<Vec<Vec<Tally>>>,
    removed: ByKind<Vec<u64>>,
    persons: ByKind<u64>,
    persons_gone: ByKind<u64>,
    observed: observe::Observed,
    /// By kind, by file: rows that were sent to be sorted.
    rows: ByKind<Vec<u64>>,
    /// By kind: how many tokens follow.
    tokens: ByKind<usize>,
}

/// Applies a frozen plan, with the number of the attempt that it came of ([`Outcome::attempt`]), to the batch of a part. The released rows go to `emit` as blocks, each with the number of its range of
/// tokens (of `ranges`); what comes back tells of the work.
///
/// # Errors
/// What `emit` says.
pub fn apply(
    plan: &Plan,
    part: usize,
    rest: Rest,
    (frozen, attempt): (&FrozenPlan, u32),
    secrets: ByKind<&dyn Secrets>,
    ranges: usize,
    emit: &mut dyn FnMut(usize, Vec<u8>) -> Result<()>,
) -> Result<Vec<u8>> {
    let Rest { batch, kept } = rest;
    let mut kept = Some(kept);
    let whole = &batch.0;
    let blankable = blankable(plan);
    let domain = plan.person_key.as_str();
    let mut sums = Sums::new(plan);
    sums.observed.at(part as u32);
    sums.observed.add_source(plan, whole);
    let mut all_tokens: ByKind<Vec<[u8; 16]>> = Default::default();
    let mut sent: ByKind<Vec<u64>> = Default::default();
    for kind in Kind::BOTH {
        let (own, treated, there, mut worker);
        let (partition, applied, surviving) = match kind {
            Kind::Anonymized => {
                worker = Worker::new(plan, whole, 0, kept.take().unwrap_or_default());
                worker.anonymized(frozen.decided(attempt), secrets[kind])
            }
            Kind::Pseudonymized => {
                own = whole.of_kind(kind);
                let mut all = Surviving::all(&own);
                let treatments = &frozen.treatments[kind];
                treated = treat(plan, treatments, &own, kind, secrets[kind], None, &mut all);
                there = all;
                (&*own, &treated, &there)
            }
        };
        sums.add(kind, partition, applied, surviving);
        let made;
        let persons = match applied.tokens.of(domain, &partition.ids) {
            Some(persons) => persons,
            None => {
                made = KeyToken::new(domain, &partition.ids, secrets[kind]);
                &made
            }
        };
        all_tokens[kind].extend(&persons.raw);
        let tokens = &persons.texts;
        let blankable = &blankable;
        let shown = emit::Shown { plan, partition, applied, surviving, blankable, kind, tokens };
        for (f, file) in shape::files(plan, kind).iter().enumerate() {
            let rows = emit::rows_of(shown, file);
            sent[kind].push(rows.rows as u64);
            for (range, rows) in ranged(&rows, ranges) {
                let columns: Vec<&Column> = rows.columns.iter().collect();
                let head = [kind as u32, f as u32, range as u32, part as u32];
                emit(range, block(head, &columns)?)?;
            }
        }
    }
    let Sums { tallies, removed, persons, persons_gone, observed, .. } = sums;
    let tokens = all_tokens.each_ref().map(Vec::len);
    let account = Account { tallies, removed, persons, persons_gone, observed, rows: sent, tokens };
    let json = serde_json::to_vec(&account).map_err(|_| damaged())?;
    let mut bytes = (json.len() as u64).to_le_bytes().to_vec();
    bytes.extend(json);
    all_tokens.iter().flatten().for_each(|token| bytes.extend_from_slice(token));
    Ok(bytes)
}

/// Rows by the range of their tokens.
fn ranged(rows: &Table, ranges: usize) -> Vec<(usize, Table)> {
    let Some(tokens) = rows.columns.last() else { return Vec::new() };
    let range: Vec<usize> =
        tokens.dictionary().texts().map(|token| emit::range_of(token, ranges)).collect();
    let mut by_range: Vec<Vec<u32>> = vec![Vec::new(); ranges];
    for (row, &code) in tokens.codes().iter().enumerate() {
        by_range[range[code as usize]].push(row as u32);
    }
    let taken = by_range.into_iter().enumerate().filter(|(_, rows)| !rows.is_empty());
    taken.map(|(range, own)| (range, take(rows, &own))).collect()
}

/// Sorts the released rows of one range, from its blocks in any order: a block for each file that has some.
///
/// # Errors
/// `X0633` if a block is damaged.
pub fn sort(plan: &Plan, blocks: &[Vec<u8>]) -> Result<Vec<Vec<u8>>> {
    let files = ByKind::of(|kind| shape::files(plan, kind));
    let mut by_file: BTreeMap<[u32; 3], BTreeMap<u32, Table>> = BTreeMap::new();
    for bytes in blocks {
        let ([kind, file, range, part], packed) = head_of(bytes)?;
        let columns = spill::unpack(packed).ok_or_else(damaged)?;
        let rows = columns.first().map_or(0, Column::len);
        let planned = planned(&files, kind, file);
        let fits = planned.is_some_and(|file| file.width(plan) == columns.len());
        if !fits || columns.iter().any(|c| c.len() != rows) {
            return Err(damaged());
        }
        by_file.entry([kind, file, range]).or_default().insert(part, Table { rows, columns });
    }
    by_file
        .into_iter()
        .map(|([kind, file, range], parts)| {
            let planned = planned(&files, kind, file).ok_or_else(damaged)?;
            let parts: Vec<Table> = parts.into_values().collect();
            let rows = join_blocks(&parts, planned.width(plan));
            drop(parts);
            let tables = planned.tables.len();
            let Sorted { rows, of } = emit::sorted(rows, planned.sorting(plan), tables);
            let columns: Vec<&Column> = rows.columns.iter().collect();
            let mut bytes: Vec<u8> =
                [kind, file, range, tables as u32].iter().flat_map(|n| n.to_le_bytes()).collect();
            bytes.extend(of.iter().flatten().flat_map(|n| n.to_le_bytes()));
            bytes.extend(spill::pack(&columns)?);
            Ok(bytes)
        })
        .collect()
}

/// A file by the numbers of its kind and of itself.
fn planned<'f, 'a>(
    files: &'f ByKind<Vec<FilePlan<'a>>>,
    kind: u32,
    file: u32,
) -> Option<&'f FilePlan<'a>> {
    files[*Kind::BOTH.get(kind as usize)?].get(file as usize)
}

/// Sorted rows on their way into the files of the releases.
pub struct Files<'a> {
    plan: &'a Plan,
    files: ByKind<Vec<FilePlan<'a>>>,
    directory: SpillDir,
    /// By kind, file and range.
    ranges: BTreeMap<[u32; 3], (Block, Vec<[u64; 2]>)>,
    /// By kind, by file: rows that arrived.
    rows: ByKind<Vec<u64>>,
}

impl<'a> Files<'a> {
    /// None yet; what waits stands in a private folder in `spill`.
    ///
    /// # Errors
    /// I/O.
    pub fn new(plan: &'a Plan, spill: &Path) -> Result<Self> {
        let files = ByKind::of(|kind| shape::files(plan, kind));
        let rows = files.each_ref().map(|files| vec![0; files.len()]);
        let directory = SpillDir::create(spill)?;
        Ok(Files { plan, files, directory, ranges: BTreeMap::new(), rows })
    }

    /// Takes the sorted rows of a range, in any order.
    ///
    /// # Errors
    /// `X0633` if they are damaged; `X0635` if they came before; I/O.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let ([kind, file, range, tables], rest) = head_of(bytes)?;
        let planned = planned(&self.files, kind, file);
        let planned = planned.filter(|f| f.tables.len() == tables as usize).ok_or_else(damaged)?;
        let (of, packed) = rest.split_at_checked(tables as usize * 16).ok_or_else(damaged)?;
        let numbers: Vec<u64> = of.as_chunks().0.iter().map(|n| u64::from_le_bytes(*n)).collect();
        let columns = spill::unpack(packed).ok_or_else(damaged)?;
        if columns.len() != planned.columns.len() {
            return Err(damaged());
        }
        if self.ranges.contains_key(&[kind, file, range]) {
            return Err(incomplete());
        }
        let kind_of = Kind::BOTH[kind as usize];
        self.rows[kind_of][file as usize] += columns.first().map_or(0, Column::len) as u64;
        let block = self.directory.write(&columns.iter().collect::<Vec<_>>())?;
        self.ranges.insert([kind, file, range], (block, numbers.as_chunks().0.to_vec()));
        Ok(())
    }

    /// Writes the files into the staging folder.
    ///
    /// # Errors
    /// I/O; what an output policy refuses.
    fn write(&self, staging: &Path, progress: &dyn Progress) -> Result<Vec<OutputFile>> {
        let mut written = Vec::new();
        for kind in Kind::BOTH {
            for (f, file) in self.files[kind].iter().enumerate() {
                let from = [kind as u32, f as u32, 0];
                let to = [kind as u32, f as u32, u32::MAX];
                let mut ranges = self.ranges.range(from..=to).peekable();
                let none = ranges.peek().is_none().then(|| {
                    let empty = join_blocks(&[], file.width(self.plan));
                    Ok(emit::sorted(empty, file.sorting(self.plan), file.tables.len()))
                });
                let sorted = ranges.map(|(_, (block, of))| {
                    let rows = self.directory.read_rows(block)?;
                    self.directory.remove(block);
                    Ok(Sorted { rows, of: of.clone() })
                });
                let all = none.into_iter().chain(sorted);
                written.extend(emit::write_sorted(self.plan, kind, file, staging, all, progress)?);
            }
        }
        Ok(written)
    }
}

/// Writes the files of both releases from their sorted rows, when all is there: what was made. `accounts` is what applying told.
///
/// # Errors
/// Two persons with one token; accounts that are damaged; `X0635` if persons or rows are missing or there twice; I/O.
pub fn write(
    parts: &Parts<'_>,
    files: &Files<'_>,
    staging: &Path,
    read: Read,
    outcome: Outcome,
    accounts: &[Vec<u8>],
    progress: &dyn Progress,
) -> Result<Made> {
    let plan = files.plan;
    let mut sums = Sums::new(plan);
    let mut all_tokens: ByKind<Vec<[u8; 16]>> = Default::default();
    let mut rows = files.files.each_ref().map(|files| vec![0_u64; files.len()]);
    for bytes in accounts {
        let (length, rest) = bytes.split_at_checked(8).ok_or_else(damaged)?;
        let length = u64::from_le_bytes(length.try_into().map_err(|_| damaged())?);
        let length = usize::try_from(length).map_err(|_| damaged())?;
        let (json, tokens) = rest.split_at_checked(length).ok_or_else(damaged)?;
        let account: Account = serde_json::from_slice(json).map_err(|_| damaged())?;
        let tokens: &[[u8; 16]] = tokens.as_chunks().0;
        let (first, second) =
            tokens.split_at_checked(account.tokens.pseudonymized).ok_or_else(damaged)?;
        if second.len() != account.tokens.anonymized {
            return Err(damaged());
        }
        all_tokens.pseudonymized.extend_from_slice(first);
        all_tokens.anonymized.extend_from_slice(second);
        for (sums, here) in rows.iter_mut().zip(&account.rows) {
            if sums.len() != here.len() {
                return Err(damaged());
            }
            sums.iter_mut().zip(here).for_each(|(sum, here)| *sum += here);
        }
        sums.take(account)?;
    }
    let whole = Kind::BOTH.into_iter().all(|k| {
        let told = sums.persons[k] + sums.persons_gone[k] + read.intake.excluded_persons[k];
        told == read.intake.persons
    });
    if !whole || rows != files.rows {
        return Err(incomplete());
    }
    for kind in Kind::BOTH {
        emit::distinct_tokens(&mut all_tokens[kind], kind)?;
    }
    drop(all_tokens);
    unique::judge(&outcome.unique)?;
    let frozen = parts.write_frozen(&outcome.frozen)?;
    let partitions = read.partitions();
    let files = files.write(staging, progress)?;
    let done = Done { sums, files, links: Vec::new(), frozen, partitions };
    made(plan, staging, read, outcome, done)
}

impl Sums<'_> {
    /// Adds what another machine counted.
    fn take(&mut self, account: Account) -> Result<()> {
        let like = Kind::BOTH.into_iter().all(|k| {
            account.tallies[k].len() == self.tallies[k].len()
                && account.removed[k].len() == self.removed[k].len()
                && account.tallies[k].iter().zip(&self.tallies[k]).all(|(a, b)| a.len() == b.len())
        });
        if !like {
            return Err(damaged());
        }
        for k in Kind::BOTH {
            let all = self.tallies[k].iter_mut().flatten();
            all.zip(account.tallies[k].iter().flatten()).for_each(|(sum, more)| *sum += *more);
            let all = self.removed[k].iter_mut();
            all.zip(&account.removed[k]).for_each(|(sum, more)| *sum += more);
            self.persons[k] += account.persons[k];
            self.persons_gone[k] += account.persons_gone[k];
        }
        if self.observed.merge(account.observed) { Ok(()) } else { Err(damaged()) }
    }
}
