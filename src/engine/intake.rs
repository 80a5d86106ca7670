//! Intake: files become partitions of whole persons. Nothing is guessed; a defect stops the run or, where the policy
//! says so, sets its row aside and counts it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hashbrown::HashMap;
use rayon::prelude::*;

use super::exclude::Lists;
use super::kept::{self, Keep};
use super::linkage::{Linkage, Linked};
use super::partition::Partition;
use super::persons::{Batch, Seen, Told};
use super::pool::{self, Pool};
use super::{Progress, grain, identity, moments, rows, source_position, validate};
use crate::error::{Error, Name, Result, small};
use crate::formats::fhir::{BUNDLE, Resources};
use crate::formats::spill::{Block, SpillDir};
use crate::formats::{self, ColumnSpec, FileFacts, ReadSpec};
use crate::frame::{Column, MISSING, Table, join_blocks};
use crate::plan::{Plan, TablePlan, Warning};
use crate::policy::model::{Defect, InputFormat};
use crate::schema::{ByKind, Kind, Type};
use crate::{log, note, say};

/// Rows a batch.
const BATCH: usize = 262_144;

/// One input file.
#[derive(Clone, Debug)]
pub struct InputFile {
    /// The table that it belongs to (plan index).
    pub table: usize,
    /// Where it is.
    pub path: PathBuf,
    /// What was seen.
    pub facts: FileFacts,
}

/// What intake saw of a table.
#[derive(Clone, Debug, Default)]
pub struct TableIntake {
    /// Rows read, set aside or not.
    pub rows_in: u64,
    /// Rows set aside, by reason.
    pub set_aside: BTreeMap<Defect, u64>,
    /// Rows of persons excluded, by release kind.
    pub excluded: ByKind<u64>,
    /// Cells with a moment of another zone, which were written in the policy's.
    pub moments: u64,
    /// By column: cells that were not of its type and are missing now.
    pub blanked: BTreeMap<Name, u64>,
}

/// The result of intake.
pub struct Intake {
    /// The partitions.
    pub store: Store,
    /// By table.
    pub tables: Vec<TableIntake>,
    /// All input files, in table order, then by name.
    pub files: Vec<InputFile>,
    /// Distinct persons read, and by kind those excluded.
    pub persons: u64,
    /// Persons excluded by kind.
    pub excluded_persons: ByKind<u64>,
    /// By kind, by [`super::exclude::Why`]: persons excluded for that reason.
    pub why: ByKind<[u64; 5]>,
    /// What linkage did.
    pub linked: Linked,
    /// What is told of the identifiers.
    pub told: Told,
    /// What a reader should know of the data.
    pub warnings: Vec<Warning>,
}

/// Where partitions are.
pub enum Store {
    /// All in memory: one partition.
    Memory(Box<Partition>),
    /// On disk, in a private directory.
    Spilled(Spilled),
    /// So many, on other machines ([`super::apart`]).
    Elsewhere(usize),
}

/// Partitions on disk.
pub struct Spilled {
    pub(super) directory: Arc<SpillDir>,
    /// A block a partition.
    pub(super) blocks: Vec<Block>,
}

/// What intake saw, before the persons are looked at.
pub(super) struct Gathered {
    pub(super) tables: Vec<TableIntake>,
    pub(super) files: Vec<InputFile>,
    /// By group of tables: files, and those without rows.
    pub(super) empty: Vec<[usize; 2]>,
    /// By table: rows that repeat another one and went.
    pub(super) collapsed: Vec<u64>,
    pub(super) linked: Linked,
    /// Persons with their local identities.
    pub(super) locals: HashMap<String, Vec<String>>,
    pub(super) told: Told,
}

/// What a look at every partition tells.
pub(super) struct Looking<'a> {
    plan: &'a Plan,
    lists: &'a Lists,
    persons: u64,
    excluded_persons: ByKind<u64>,
    why: ByKind<[u64; 5]>,
    excluded: Vec<ByKind<u64>>,
    grains: grain::Grains,
    forms: super::forms::Forms,
}

impl<'a> Looking<'a> {
    pub(super) fn new(plan: &'a Plan, lists: &'a Lists) -> Self {
        Looking {
            plan,
            lists,
            persons: 0,
            excluded_persons: ByKind::default(),
            why: ByKind::default(),
            excluded: vec![ByKind::default(); plan.tables.len()],
            grains: grain::Grains::new(plan),
            forms: super::forms::Forms::new(plan),
        }
    }

    pub(super) fn look(&mut self, partition: &Partition, alone: bool) {
        let Looking { plan, lists, .. } = *self;
        self.persons += partition.ids.len() as u64;
        for id in partition.ids.texts() {
            lists.compare(id);
            for kind in Kind::BOTH {
                if let Some(reason) = lists.why(kind, id) {
                    self.why[kind][reason as usize] += 1;
                }
            }
        }
        self.grains.look(plan, partition, alone);
        self.forms.look(partition);
        for kind in Kind::BOTH {
            let eligible = &partition.eligible[kind];
            self.excluded_persons[kind] += eligible.iter().filter(|&&e| !e).count() as u64;
            for (excluded, part) in self.excluded.iter_mut().zip(&partition.tables) {
                excluded[kind] +=
                    part.persons.iter().filter(|&&p| !eligible[p as usize]).count() as u64;
            }
        }
    }
}

impl Store {
    /// The number of partitions.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Store::Memory(_) => 1,
            Store::Spilled(spilled) => spilled.blocks.len(),
            Store::Elsewhere(partitions) => *partitions,
        }
    }
    /// Whether there is none (never).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Calls `f` with each partition in order.
    ///
    /// # Errors
    /// If a spilled block cannot be read back, or what `f` says.
    pub fn each(
        &self,
        plan: &Plan,
        lists: &Lists,
        mut f: impl FnMut(usize, &Partition) -> Result<()>,
    ) -> Result<()> {
        match self {
            Store::Memory(partition) => f(0, partition),
            Store::Spilled(spilled) => {
                for (index, block) in spilled.blocks.iter().enumerate() {
                    let columns = spilled.directory.read(block)?;
                    let excluded = |kind, id: &str| lists.excludes(kind, id);
                    let partition =
                        Partition::from_columns(plan, columns, &excluded).ok_or_else(damaged)?;
                    f(index, &partition)?;
                }
                Ok(())
            }
            Store::Elsewhere(_) => Err(Error::environment(
                "X0631",
                say!("the rows are on other machines: this one cannot go through them"),
            )),
        }
    }
}

fn damaged() -> Error {
    Error::environment("X0605", say!("a spill block is damaged: is the disk sound?"))
}

/// The columns that travel behind those of a table: the identities of its keys, the source positions of its rows, their folder.
pub(super) fn beside(table: &TablePlan) -> usize {
    let positions = if table.keeps_source_position() { source_position::WIDTH } else { 0 };
    table.keys.len() + positions + usize::from(table.foldered())
}

pub(super) fn split(mut whole: Table, columns: usize) -> (Table, Vec<Column>) {
    let identities = whole.columns.split_off(columns);
    (whole, identities)
}

/// How a table is read.
#[must_use]
pub fn columns_of(table: &TablePlan) -> Vec<ColumnSpec> {
    table
        .in_file()
        .map(|c| ColumnSpec {
            name: c.facts.column.clone(),
            missing: c.missing.clone(),
            ty: c.facts.ty,
            specials: c.facts.specials.clone(),
            path: c.path.clone(),
        })
        .collect()
}

/// The specification for the reader.
///
/// # Errors
/// If the separator is not one ASCII character.
pub fn read_spec<'a>(
    table: &'a TablePlan,
    path: &Path,
    columns: &'a [ColumnSpec],
) -> Result<ReadSpec<'a>> {
    let ending = formats::ending(path);
    let format = table.source.format.unwrap_or_else(|| formats::format_of(&ending));
    let delimiter = match table.source.delimiter.as_deref() {
        Some(text) => match text.as_bytes() {
            [byte] => *byte,
            _ => {
                return Err(Error::policy(
                    "P0301",
                    say!("table `{}`: the delimiter must be one ASCII character", table.name),
                ));
            }
        },
        None => formats::usual_delimiter(&ending),
    };
    Ok(ReadSpec {
        table: &table.name,
        format,
        encoding: table.source.encoding,
        delimiter,
        header: table.source.header,
        ignore_case: table.source.ignore_case,
        skip_lines: table.source.skip_lines,
        number_repeats: table.source.number_repeats,
        quotes_after_blanks: table.source.quotes_after_blanks,
        partitions: match table.source.partitions {
            true => table.source.path.split('/').count() - 1,
            false => 0,
        },
        sheet: table.source.sheet.as_deref(),
        multiline: table.source.multiline,
        trim: table.source.trim,
        columns,
        set_aside: &table.set_aside,
        record: table.source.record.as_deref(),
        ignore: &table.source.ignore,
        resources: None,
        released: false,
    })
}

/// The files of every table, found before any of them is read.
///
/// # Errors
/// If a pattern matches nothing or leaves the folder.
pub fn find_files(plan: &Plan, input: &Path) -> Result<Vec<Vec<PathBuf>>> {
    // One folder that is not there is one error, not one for each table.
    std::fs::read_dir(input).map(drop).map_err(|e| {
        let shown = Name::from_policy(input.to_string_lossy());
        Error::io("X0501", say!("opening the input folder {}", shown), &e)
    })?;
    let mut errors = Vec::new();
    let mut found = Vec::new();
    let groups = plan.groups();
    for (t, table) in plan.tables.iter().enumerate() {
        if !groups.iter().any(|g| g.start == t) {
            // A part of a long table: the first part reads the files.
            found.push(Vec::new());
            continue;
        }
        let expanded = if table.source.is_tree() {
            formats::expand_folders(input, &table.source.path)
        } else {
            formats::expand(input, &table.source.path)
        };
        match expanded {
            Ok(paths) => found.push(paths),
            Err(error) => {
                errors.extend(error.each().cloned());
                found.push(Vec::new());
            }
        }
    }
    Error::all(errors).map_or(Ok(found), Err)
}

/// Checks the headers of all files and reports every problem at once.
///
/// # Errors
/// Unknown, missing, duplicate or unnamed columns.
pub fn check_headers(plan: &Plan, files: &[Vec<PathBuf>]) -> Result<()> {
    // The parts of a long table have no files of their own but those of the first.
    let columns: Vec<Vec<ColumnSpec>> = plan.tables.iter().map(columns_of).collect();
    let all: Vec<(&TablePlan, &Vec<ColumnSpec>, &PathBuf)> = plan
        .tables
        .iter()
        .zip(&columns)
        .zip(files)
        .flat_map(|((table, columns), paths)| paths.iter().map(move |path| (table, columns, path)))
        .collect();
    let checked: Vec<Result<()>> = all
        .par_iter()
        .map(|(table, columns, path)| {
            read_spec(table, path, columns).and_then(|spec| formats::read_header(path, &spec))
        })
        .collect();
    let found = checked.iter().filter_map(|c| c.as_ref().err());
    let errors: Vec<Error> = found.flat_map(|e| e.each().cloned()).collect();
    Error::all(errors).map_or(Ok(()), Err)
}

/// What must be known of all resources of FHIR sources before one of them is read; none where there are none.
///
/// # Errors
/// I/O.
pub(super) fn resources(plan: &Plan, files: &[Vec<PathBuf>]) -> Result<Option<Arc<Resources>>> {
    let mut all: Vec<PathBuf> = Vec::new();
    let (mut first, mut per_bundle) = (None, false);
    for (table, paths) in plan.tables.iter().zip(files) {
        if table.source.form() == Some(InputFormat::Fhir) {
            first.get_or_insert(&table.name);
            all.extend(paths.iter().cloned());
            per_bundle |= table.columns.iter().any(|c| c.path.iter().any(|p| p == BUNDLE));
        }
    }
    let Some(first) = first else { return Ok(None) };
    all.sort();
    all.dedup();
    Resources::read(&all, first, per_bundle).map(|all| Some(Arc::new(all)))
}

/// How much memory the run may use, and where it may spill.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes.
    pub memory: u64,
    /// The folder in which a private spill directory is made when needed.
    pub spill_root: PathBuf,
}

/// Reads all files into partitions.
///
/// # Errors
/// Any defect of the data that the policy does not set aside, with table, file, row and column; I/O.
pub fn intake(
    plan: &Plan,
    files: &[Vec<PathBuf>],
    lists: &Lists,
    limits: &Limits,
    keep: Option<&dyn Keep>,
    progress: &dyn Progress,
) -> Result<Intake> {
    let mut looking = Looking::new(plan, lists);
    if let Some(keep) = keep {
        if let Some((gathered, store)) = kept::load(keep, plan, limits, files, lists)? {
            progress.room("resume");
            let alone = matches!(store, Store::Memory(_));
            store.each(plan, lists, |_, partition| {
                progress.check()?;
                looking.look(partition, alone);
                Ok(())
            })?;
            return judged(plan, looking, gathered, store);
        }
        progress.room("intake");
    }
    let (gathered, store) = gather(plan, files, limits, &mut looking, progress)?;
    if let Some(keep) = keep {
        kept::store(keep, files, &gathered, &store)?;
    }
    judged(plan, looking, gathered, store)
}

/// A partition of what was read, without those who are excluded, a row a grain; adds the rows that collapsed, by table.
fn assembled(
    plan: &Plan,
    parts: Vec<(Table, Vec<Column>)>,
    lists: &Lists,
    collapsed: &mut [u64],
) -> Partition {
    let mut partition = Partition::assemble(plan, parts, &|kind, id| lists.excludes(kind, id));
    let gone = grain::collapse(plan, &mut partition);
    collapsed.iter_mut().zip(gone).for_each(|(sum, gone)| *sum += gone);
    partition
}

/// Reads all files into partitions, each of which is looked at when it is put together.
fn gather(
    plan: &Plan,
    files: &[Vec<PathBuf>],
    limits: &Limits,
    looking: &mut Looking<'_>,
    progress: &dyn Progress,
) -> Result<(Gathered, Store)> {
    let lists = looking.lists;
    let estimate = pool::estimate(files);
    let linkage = Linkage::read(plan, files, progress)?;
    let locals = linkage.locals();
    lists.tell_locals(locals.clone());
    let salt = hashbrown::DefaultHashBuilder::default();
    let pool = Pool::new(limits, estimate, salt.clone())?;
    let resources = resources(plan, files)?;
    let read = |group: std::ops::Range<usize>, seen: Seen| {
        let paths = &files[group.start];
        let reading = Reading {
            plan,
            linkage: &linkage,
            pool: Some(&pool),
            salt: &salt,
            most: None,
            resources: resources.as_ref(),
            sees: true,
            progress,
        };
        read_group(reading, group, paths, seen)
    };
    let mut results: Vec<TableRead> = Vec::new();
    let mut seen = Seen::default();
    // One table after the other when spilling (memory), all at once otherwise (speed).
    if pool.spills() {
        for group in plan.groups() {
            let first = results.len();
            results.extend(read(group, std::mem::take(&mut seen))?);
            seen = results.get_mut(first).map(|r| std::mem::take(&mut r.seen)).unwrap_or_default();
        }
    } else {
        let groups: Vec<Vec<TableRead>> = plan
            .groups()
            .into_par_iter()
            .map(|group| read(group, Seen::default()))
            .collect::<Result<_>>()?;
        results.extend(groups.into_iter().flatten());
        for result in &mut results {
            seen.merge(std::mem::take(&mut result.seen));
        }
    }
    if pool.spills() {
        // What was read before it was known that it is too much.
        for (t, result) in results.iter_mut().enumerate() {
            let rows = std::mem::take(&mut result.rows);
            pool.put(&plan.tables[t], vec![rows], &mut result.blocks)?;
        }
    }
    let (told, fillers) = seen.judge(plan, &mut |t, rows| {
        *results[t].intake.set_aside.entry(Defect::Key).or_default() += rows;
    })?;
    drop(seen);
    let mut tables = Vec::new();
    let mut input_files = Vec::new();
    let mut parts = Vec::new();
    let mut empty = Vec::new();
    let mut blocks: Vec<pool::Buckets> = Vec::new();
    for (t, result) in results.into_iter().enumerate() {
        note!(
            info,
            "table read",
            table = plan.tables[t].name,
            files = files[t].len(),
            rows = result.intake.rows_in
        );
        tables.push(result.intake);
        let without = result.files.iter().filter(|(_, facts)| facts.rows_read == 0).count();
        empty.push([result.files.len(), without]);
        input_files.extend(result.files.into_iter().map(|(path, facts)| InputFile {
            table: t,
            path,
            facts,
        }));
        blocks.push(result.blocks);
        if !pool.spills() {
            let part = split(result.rows, plan.tables[t].columns.len());
            parts.push(fillers.take_out(plan, t, part));
        }
    }
    let empty: Vec<[usize; 2]> = plan.groups().into_iter().map(|g| empty[g.start]).collect();
    let mut collapsed = vec![0; plan.tables.len()];
    let ready = if pool.spills() {
        None
    } else {
        Some(Box::new(assembled(plan, parts, lists, &mut collapsed)))
    };
    let rows = tables.iter().map(|t| t.rows_in).sum();
    let store = match ready {
        Some(partition) => {
            looking.look(&partition, true);
            Store::Memory(partition)
        }
        None => {
            // Each partition is put together once; what comes later reads it as it is used.
            let mut whole = Vec::new();
            for parts in pool.partitions(blocks, plan, rows)? {
                progress.check()?;
                let parts = pool.load(plan, &parts, |t, part| fillers.take_out(plan, t, part))?;
                let partition = assembled(plan, parts, lists, &mut collapsed);
                looking.look(&partition, false);
                whole.push(pool.directory()?.write(&partition.columns())?);
            }
            Store::Spilled(Spilled { directory: pool.directory()?, blocks: whole })
        }
    };
    let linked = Linked { persons: linkage.persons, numbers: linkage.linked };
    Ok((Gathered { tables, files: input_files, empty, collapsed, linked, locals, told }, store))
}

/// Holds what was seen against what must be.
pub(super) fn judged(
    plan: &Plan,
    looking: Looking<'_>,
    gathered: Gathered,
    store: Store,
) -> Result<Intake> {
    let Looking { lists, persons, excluded_persons, why, excluded, grains, forms, .. } = looking;
    let Gathered { mut tables, files, empty, collapsed, linked, told, .. } = gathered;
    for (table, excluded) in tables.iter_mut().zip(excluded) {
        table.excluded = excluded;
    }
    let count = store.len();
    grains.check(plan)?;
    for (t, table) in tables.iter_mut().enumerate() {
        if collapsed[t] > 0 {
            *table.set_aside.entry(Defect::Duplicate).or_default() += collapsed[t];
        }
        for (&defect, &rows) in &table.set_aside {
            note!(
                warn,
                "rows set aside",
                table = plan.tables[t].name,
                defect = defect,
                rows = small(rows)
            );
        }
        for (column, &cells) in &table.blanked {
            note!(
                warn,
                "cells blanked",
                table = plan.tables[t].name,
                column = *column,
                cells = small(cells)
            );
        }
    }
    if persons == 0 {
        return Err(Error::data(
            "D0410",
            say!("no table has a row of anybody: there is nothing to release"),
        )
        .advice(say!("the files have a header only, or all of their rows were set aside")));
    }
    let mut warnings = grains.warnings(plan, &tables, &empty);
    warnings.extend(told.warnings(plan));
    warnings.extend(forms.warnings(plan));
    let intake =
        Intake { store, tables, files, persons, excluded_persons, why, linked, told, warnings };
    for warning in &intake.warnings {
        note!(warn, "data", code = warning.code, text = warning.text.clone());
    }
    note!(
        info,
        "persons",
        read = small(intake.persons),
        excluded_pseudonymized = small(intake.excluded_persons.pseudonymized),
        excluded_anonymized = small(intake.excluded_persons.anonymized),
        partitions = count
    );
    lists.judge()?;
    Ok(intake)
}

/// Reads the first rows of each file, or all, with every check of a run: to recognize a layout, never for a release.
/// Returns how many rows there were and how many passed.
///
/// # Errors
/// As [`intake`].
pub fn first_rows(plan: &Plan, files: &[Vec<PathBuf>], most: Option<usize>) -> Result<[u64; 2]> {
    let salt = hashbrown::DefaultHashBuilder::default();
    let linkage = Linkage::default();
    let mut seen = [0, 0];
    let progress = &super::Silent;
    let all = resources(plan, files)?;
    let reading = Reading {
        plan,
        linkage: &linkage,
        pool: None,
        salt: &salt,
        most,
        sees: most.is_none(),
        resources: all.as_ref(),
        progress,
    };
    for group in plan.groups() {
        let paths = &files[group.start];
        for read in read_group(reading, group, paths, Seen::default())? {
            seen[0] += read.intake.rows_in;
            seen[1] += read.rows.rows as u64;
        }
    }
    Ok(seen)
}

/// For the trap of the logs' test.
fn cells_of(table: &Table) -> String {
    let cells = table.columns.iter().flat_map(|c| c.cells().take(50).flatten());
    cells.collect::<Vec<_>>().join("|")
}

struct TableRead {
    intake: TableIntake,
    files: Vec<(PathBuf, FileFacts)>,
    /// Columns and identities, when in memory.
    rows: Table,
    /// What was spilled.
    blocks: pool::Buckets,
    /// What was seen of the identifiers; of a long table with its first part.
    seen: Seen,
}

/// The folder that is a part of the keys of a file's rows, normalized as the parts of an exclusion list are.
///
/// # Errors
/// If nothing of its name is left that could tell it from another.
pub fn folder_of(table: &TablePlan, path: &Path, plan: &Plan) -> Result<Option<String>> {
    let Some(folder) = table.folder(path) else { return Ok(None) };
    identity::part(&folder, &plan.normalize).map(Some).ok_or_else(|| {
        Error::data(
            "D0211",
            say!(
                "table `{}`: the name of a folder is blank or a filler, and a part of the keys",
                table.name
            ),
        )
        .advice(say!("rename the folder, for example to the facility's code"))
    })
}

/// What all tables are read with.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) plan: &'a Plan,
    pub(super) linkage: &'a Linkage,
    /// Where rows wait by person; none when rows are only looked at.
    pub(super) pool: Option<&'a Pool>,
    pub(super) salt: &'a hashbrown::DefaultHashBuilder,
    /// Rows of a file to look at; none for all.
    pub(super) most: Option<usize>,
    /// Whether the identifiers are looked at here.
    pub(super) sees: bool,
    /// What is known of all resources (FHIR).
    pub(super) resources: Option<&'a Arc<Resources>>,
    pub(super) progress: &'a dyn Progress,
}

/// Reads the files of a table, or of a long table for all its parts at once.
fn read_group(
    reading: Reading<'_>,
    group: std::ops::Range<usize>,
    paths: &[PathBuf],
    mut seen: Seen,
) -> Result<Vec<TableRead>> {
    let Reading { plan, pool, .. } = reading;
    let first = &plan.tables[group.start];
    let columns = columns_of_group(first);
    let shown = first.part.as_ref().map_or(&first.name, |p| &p.of);
    let members: Vec<usize> = group.clone().collect();
    let mut intake = vec![TableIntake::default(); members.len()];
    let mut facts = Vec::new();
    let mut kept: Vec<Vec<Table>> = vec![Vec::new(); members.len()];
    let mut blocks: Vec<pool::Buckets> = vec![pool::Buckets::default(); members.len()];
    let mut waiting = 0;
    let mut folders: BTreeMap<String, String> = BTreeMap::new();
    // Files of the table that are there twice, and the rows that each file gave.
    let twins = twins(first, paths)?;
    let mut rows_of: Vec<Vec<u64>> = Vec::new();
    // Rows of the files before this one: a row's source position is its number in all files of the table.
    let mut before = 0_u64;
    for (index, path) in paths.iter().enumerate() {
        let file = FilePlace { table: shown, index, files: paths.len() };
        let folder = folder_of(first, path, plan)?;
        if let (Some(folder), Some(name)) = (&folder, first.folder(path))
            && folders.entry(folder.clone()).or_insert_with(|| name.clone()) != &name
        {
            return Err(Error::data(
                "D0212",
                say!("table `{}`: two folders have names that differ in width, hyphens or zeros alone", shown),
            )
            .advice(say!("their persons could not be told apart: rename one")));
        }
        if let Some(twin) = twins[index] {
            count_twin(first, &rows_of[twin], (&file, twin), &mut intake)?;
            rows_of.push(vec![0; members.len()]);
            let (_, facts_of_twin): &(PathBuf, FileFacts) = &facts[twin];
            facts.push((path.clone(), facts_of_twin.clone()));
            continue;
        }
        let rows_before: Vec<u64> = intake.iter().map(|i| i.rows_in).collect();
        let here = Here { file: &file, folder: folder.as_deref(), before };
        let of = Group { members: &members, columns: &columns };
        let read = read_file(reading, of, path, here, &mut intake, &mut seen, &mut |m, whole| {
            let weight = pool::weight(&whole);
            kept[m].push(whole);
            if let Some(pool) = pool {
                waiting += weight;
                if pool.is_enough(weight, waiting)? {
                    for ((&t, kept), blocks) in members.iter().zip(&mut kept).zip(&mut blocks) {
                        pool.put(&plan.tables[t], std::mem::take(kept), blocks)?;
                    }
                    waiting = 0;
                }
            }
            Ok(())
        })?;
        before += read.last;
        let read = read.facts;
        rows_of.push(intake.iter().zip(rows_before).map(|(i, b)| i.rows_in - b).collect());
        facts.push((path.clone(), read));
    }
    let mut facts = Some(facts);
    let mut seen = Some(seen);
    let reads = members.iter().zip(intake).zip(kept).zip(blocks);
    Ok(reads
        .map(|(((&t, intake), kept), blocks)| {
            let table = &plan.tables[t];
            let rows = join_blocks(&kept, table.columns.len() + beside(table));
            let files = facts.take().unwrap_or_default();
            TableRead { intake, files, rows, blocks, seen: seen.take().unwrap_or_default() }
        })
        .collect())
}

/// The tables that are read from the same files, and the columns of these.
#[derive(Clone, Copy)]
pub(super) struct Group<'a> {
    pub(super) members: &'a [usize],
    pub(super) columns: &'a [ColumnSpec],
}

/// What was read of a file.
pub(super) struct FileRead {
    pub(super) facts: FileFacts,
    /// The number of its last row.
    pub(super) last: u64,
}

/// Reads a file of a table, or of a long table for all its parts at once: `take` gets the good rows, with the identities of their
/// keys behind their cells, by the place of their table in the group.
pub(super) fn read_file(
    reading: Reading<'_>,
    group: Group<'_>,
    path: &Path,
    here: Here<'_>,
    intake: &mut [TableIntake],
    seen: &mut Seen,
    take: &mut dyn FnMut(usize, Table) -> Result<()>,
) -> Result<FileRead> {
    let Reading { plan, most, progress, .. } = reading;
    let Group { members, columns } = group;
    let (file, first) = (here.file, &plan.tables[members[0]]);
    let long = first.part.is_some();
    let mut spec = read_spec(first, path, columns)?;
    spec.table = file.table;
    spec.resources = reading.resources.cloned();
    let mut reader = formats::open(path, &spec).map_err(|e| file.locate(e))?;
    let (mut batches, mut last) = (0, 0);
    while let Some(batch) = reader.next(most.unwrap_or(BATCH)).map_err(|e| file.locate(e))? {
        progress.check()?;
        last = batch.row_numbers.last().copied().unwrap_or(last);
        batches += 1;
        let parts = if long { rows::split(plan, members, batch, file)? } else { vec![(0, batch)] };
        for (m, batch) in parts {
            if long {
                intake[m].rows_in += batch.table.rows as u64;
            }
            let whole = read_batch(reading, members[m], batch, here, &mut intake[m], seen)?;
            progress.rows(whole.rows as u64);
            take(m, whole)?;
        }
        if most.is_some() && batches == 1 {
            break;
        }
    }
    let facts = reader.facts();
    note!(
        debug,
        "file read",
        table = first.name,
        file = file.index + 1,
        bytes = facts.bytes,
        rows = facts.rows_read
    );
    // Rows that the reader set aside belong to no part: they are counted with the first.
    let aside: u64 = facts.set_aside.values().sum();
    intake[0].rows_in += if long { aside } else { facts.rows_read };
    for (&defect, &rows) in &facts.set_aside {
        *intake[0].set_aside.entry(defect).or_default() += rows;
    }
    Ok(FileRead { facts, last })
}

/// How the files of a group of tables are read.
pub(super) fn columns_of_group(first: &TablePlan) -> Vec<ColumnSpec> {
    let mut columns = columns_of(first);
    if first.part.is_some() {
        // What a cell means is known when its row is: until then it is text.
        for column in &mut columns {
            column.missing.clear();
        }
    }
    columns
}

/// Counts the rows of a file that is there twice, which is not read again: `rows_of` by table as its twin gave them.
pub(super) fn count_twin(
    first: &TablePlan,
    rows_of: &[u64],
    (file, twin): (&FilePlace<'_>, usize),
    intake: &mut [TableIntake],
) -> Result<()> {
    let rows: u64 = rows_of.iter().sum();
    if rows > 0 && !first.set_aside.contains(&Defect::Duplicate) {
        return Err(Error::data(
                    "D0411",
                    say!("{}: the same content as file {} of the table", file.said(), twin + 1),
                )
                .advice(say!("files are counted in the order of their names; take one away, or have it left unread and its rows counted: set_aside = [\"duplicate\"]")));
    }
    for (intake, &rows) in intake.iter_mut().zip(rows_of) {
        intake.rows_in += rows;
        if rows > 0 {
            *intake.set_aside.entry(Defect::Duplicate).or_default() += rows;
        }
    }
    Ok(())
}

/// The file that a batch is from.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) file: &'a FilePlace<'a>,
    pub(super) folder: Option<&'a str>,
    /// Rows of the files before this one.
    pub(super) before: u64,
}

/// Holds a batch of a table against what the policy says of it; gives its good rows with the identities of their keys.
fn read_batch(
    reading: Reading<'_>,
    t: usize,
    mut batch: formats::Batch,
    here: Here<'_>,
    intake: &mut TableIntake,
    seen: &mut Seen,
) -> Result<Table> {
    let Reading { plan, linkage, salt, sees, .. } = reading;
    let Here { file, folder, before } = here;
    let table = &plan.tables[t];
    let tokens: Vec<usize> = (0..table.columns.len()).filter(|&c| table.columns[c].made).collect();
    for &made in &tokens {
        // The place of the column first, so that the indices of the plan hold; its cells follow.
        let rows = batch.table.rows;
        batch.table.columns.insert(made, Column::constant(None, rows));
    }
    intake.moments += moments::settle(table, &mut batch.table.columns, plan.zone);
    note!(trace, "batch", table = table.name, file = file.index + 1, rows = batch.table.rows);
    log::trap("intake", || cells_of(&batch.table));
    let mut good = vec![true; batch.table.rows];
    rows::check_layout(table, &batch, file)?;
    check_types(table, &mut batch, &mut good, intake, file)?;
    rows::check_rows(table, &batch, &mut good, intake, file)?;
    let mut identities: Vec<Column> = table
        .keys
        .par_iter()
        .map(|key| identity::column(&batch.table, &key.columns, &plan.normalize, folder))
        .collect();
    check_keys(plan, table, &batch, &identities, &mut good, intake, file)?;
    if sees {
        let place = |row: usize| say!("{}, {}", file.said(), batch.place(row));
        let new = Batch { cells: &batch.table, identities: &identities, good: &good, folder };
        seen.see(plan, t, new, salt, &place);
    }
    let local = std::mem::replace(&mut identities[table.person_key], Column::constant(None, 0));
    identities[table.person_key] = linkage.map(local);
    let mut whole = batch.table;
    for &made in &tokens {
        if let Some(key) = table.columns[made].key {
            whole.columns[made] = identities[key].clone();
        }
    }
    whole.columns.extend(identities);
    if table.keeps_source_position() {
        whole.columns.extend(source_position::columns(before, &batch.row_numbers));
    }
    if table.foldered() {
        whole.columns.push(Column::constant(folder, whole.rows));
    }
    if good.iter().any(|&g| !g) {
        let rows: Vec<u32> = (0..whole.rows as u32).filter(|&row| good[row as usize]).collect();
        whole = take(&whole, &rows);
    }
    Ok(whole)
}

/// The rows of a table that came as cells, not as a file, held against what the policy says of them. Nothing is set aside.
///
/// # Errors
/// Any defect, with its column and row.
pub(super) fn typed(plan: &Plan, table: &TablePlan, rows: &Table) -> Result<Table> {
    let mut columns: Vec<Column> = Vec::with_capacity(table.columns.len());
    let mut cells = rows.columns.iter();
    for column in &table.columns {
        let cells = if column.made { None } else { cells.next() };
        columns.push(match cells {
            None => Column::constant(None, rows.rows),
            Some(cells) => {
                let texts = cells.dictionary().texts();
                let gone: Vec<bool> =
                    texts.map(|t| t.is_empty() || column.missing.iter().any(|m| m == t)).collect();
                let code = |&code: &u32| match code {
                    MISSING => MISSING,
                    code if gone[code as usize] => MISSING,
                    code => code,
                };
                let codes = cells.codes().iter().map(code).collect();
                Column::new(codes, Arc::clone(cells.dictionary()))
            }
        });
    }
    moments::settle(table, &mut columns, plan.zone);
    let strict = TablePlan { set_aside: Vec::new(), ..table.clone() };
    let file = FilePlace::new(&table.name, 0, 1);
    let mut batch = formats::Batch {
        table: Table { rows: rows.rows, columns },
        row_numbers: (1..=rows.rows as u64).collect(),
        lines: Vec::new(),
    };
    let mut good = vec![true; rows.rows];
    let mut intake = TableIntake::default();
    rows::check_layout(&strict, &batch, &file)?;
    check_types(&strict, &mut batch, &mut good, &mut intake, &file)?;
    rows::check_rows(&strict, &batch, &mut good, &mut intake, &file)?;
    let identities: Vec<Column> = table
        .keys
        .iter()
        .map(|key| identity::column(&batch.table, &key.columns, &plan.normalize, None))
        .collect();
    check_keys(plan, &strict, &batch, &identities, &mut good, &mut intake, &file)?;
    Ok(batch.table)
}

/// For each file of a table: an earlier one with the same content. Only files of the same size are read for it.
pub(super) fn twins(table: &TablePlan, paths: &[PathBuf]) -> Result<Vec<Option<usize>>> {
    let mut sizes: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (index, path) in paths.iter().enumerate() {
        match std::fs::metadata(path) {
            Ok(facts) if facts.is_file() => sizes.entry(facts.len()).or_default().push(index),
            _ => {}
        }
    }
    let mut twins = vec![None; paths.len()];
    for same in sizes.into_values().filter(|same| same.len() > 1) {
        let digests: Vec<[u8; 32]> = same
            .par_iter()
            .map(|&index| {
                formats::digest(&paths[index]).map_err(|e| {
                    Error::io("X0505", say!("reading a file of table `{}`", table.name), &e)
                })
            })
            .collect::<Result<_>>()?;
        for (at, &index) in same.iter().enumerate() {
            let folder = table.folder(&paths[index]);
            let earlier = (0..at)
                .find(|&e| digests[e] == digests[at] && table.folder(&paths[same[e]]) == folder);
            twins[index] = earlier.map(|e| same[e]);
        }
    }
    Ok(twins)
}

/// The rows with the given numbers.
#[must_use]
pub fn take(table: &Table, rows: &[u32]) -> Table {
    Table { rows: rows.len(), columns: table.columns.par_iter().map(|c| c.take(rows)).collect() }
}

/// Which file of a table; its name may hold a patient's number, so it is never shown.
pub(super) struct FilePlace<'a> {
    table: &'a Name,
    index: usize,
    files: usize,
}

impl<'a> FilePlace<'a> {
    pub(super) const fn new(table: &'a Name, index: usize, files: usize) -> Self {
        FilePlace { table, index, files }
    }
    pub(super) fn said(&self) -> crate::error::Said {
        if self.files == 1 {
            say!("table `{}`", self.table)
        } else {
            say!("table `{}`, file {} of {}", self.table, self.index + 1, self.files)
        }
    }
    fn locate(&self, mut error: Error) -> Error {
        if self.files > 1 {
            error.what = say!(
                "{} (file {} of {} in the order of their names)",
                error.what,
                self.index + 1,
                self.files
            );
        }
        error
    }
}

fn check_types(
    table: &TablePlan,
    batch: &mut formats::Batch,
    good: &mut [bool],
    intake: &mut TableIntake,
    file: &FilePlace<'_>,
) -> Result<()> {
    let bad: Vec<Option<Vec<bool>>> = table
        .columns
        .par_iter()
        .zip(&batch.table.columns)
        .map(|(column, cells)| {
            let bad: Vec<bool> = cells
                .dictionary()
                .texts()
                .map(|text| !validate::reads(&column.facts, text))
                .collect();
            bad.contains(&true).then_some(bad)
        })
        .collect();
    for (c, bad) in bad.iter().enumerate() {
        let Some(bad) = bad else { continue };
        let facts = &table.columns[c].facts;
        // A key is never blanked: its row would be somebody else's, or nobody's.
        if table.set_aside.contains(&Defect::Cell)
            && !table.keys.iter().any(|k| k.columns.contains(&c))
        {
            let cells = &batch.table.columns[c];
            let is_bad = |code: u32| code != MISSING && bad[code as usize];
            let count = cells.codes().iter().filter(|&&code| is_bad(code)).count() as u64;
            let codes = cells
                .codes()
                .iter()
                .map(|&code| if is_bad(code) { MISSING } else { code })
                .collect();
            batch.table.columns[c] = Column::new(codes, std::sync::Arc::clone(cells.dictionary()));
            *intake.blanked.entry(facts.column.clone()).or_default() += count;
            continue;
        }
        for (row, &code) in batch.table.columns[c].codes().iter().enumerate() {
            if code == MISSING || !bad[code as usize] {
                continue;
            }
            if !table.set_aside.contains(&Defect::Type) {
                return Err(Error::data(
                    "D0201",
                    say!(
                        "{}, column `{}`, {}: not a value of type {}",
                        file.said(),
                        facts.column,
                        batch.place(row),
                        facts.ty
                    ),
                )
                .advice(if partial(facts, batch.table.columns[c].text(row)) {
                    say!("the day or the month is not there: `type = \"partial_date\"` reads such dates; or blank such cells with set_aside = [\"cell\"], or set their rows aside with set_aside = [\"type\"]")
                } else {
                    say!(
                    "correct the data, name the value under `specials` or `missing` of the column, choose another `type`, blank such cells with set_aside = [\"cell\"], or set their rows aside with set_aside = [\"type\"]"
                )}));
            }
            if std::mem::replace(&mut good[row], false) {
                *intake.set_aside.entry(Defect::Type).or_default() += 1;
            }
        }
    }
    Ok(())
}

/// Whether a cell is a date without its day.
fn partial(facts: &crate::schema::ColumnFacts, text: Option<&str>) -> bool {
    let partial = crate::schema::ColumnFacts { ty: Type::PartialDate, ..facts.clone() };
    facts.ty == Type::Date && text.is_some_and(|text| validate::reads(&partial, text))
}

fn check_keys(
    plan: &Plan,
    table: &TablePlan,
    batch: &formats::Batch,
    identities: &[Column],
    good: &mut [bool],
    intake: &mut TableIntake,
    file: &FilePlace<'_>,
) -> Result<()> {
    let key = &table.keys[table.person_key];
    for (row, &code) in identities[table.person_key].codes().iter().enumerate() {
        if code != MISSING || !good[row] {
            continue;
        }
        if !table.set_aside.contains(&Defect::Key) {
            let why = identity::why(&batch.table, &key.columns, row, &plan.normalize);
            return Err(Error::data(
                "D0202",
                say!(
                    "{}, {}: the key `{}` of the person is {}",
                    file.said(),
                    batch.place(row),
                    key.name,
                    why.told()
                ),
            )
            .advice(if batch.table.columns.iter().all(|cells| cells.codes()[row] == MISSING) {
                say!("no cell of the row holds anything; take it away, or set blank rows aside with set_aside = [\"blank\"]")
            } else {
                say!("such rows would all become one giant person; correct them, or set them aside with set_aside = [\"key\"]")
            }));
        }
        good[row] = false;
        *intake.set_aside.entry(Defect::Key).or_default() += 1;
    }
    Ok(())
}
