//! Work that a run keeps so that a later one can go on from it: the partitions as intake made them, what intake saw, and what the
//! techniques were told. Whoever drives the run says where it is kept, and that it is of the same policy, key, lists and program;
//! that it is of the same files is seen here.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::draft::{self, Draft, STATISTICS};
use super::exclude::Lists;
use super::intake::{Gathered, InputFile, Limits, Spilled, Store, TableIntake};
use super::linkage::Linked;
use super::partition::Partition;
use super::persons::Told;
use super::statistics::Statistics;
use crate::error::{Error, Name, Result};
use crate::formats::spill::{self, SpillDir};
use crate::formats::{self, FileFacts};
use crate::plan::Plan;
use crate::schema::ByKind;
use crate::schema::file::Defect;
use crate::{note, say};

/// Where work is kept.
pub trait Keep: Sync {
    /// Gives what was kept under a name, if something was that can be used; otherwise what was written is worth nothing.
    ///
    /// # Errors
    /// I/O.
    fn get(&self, name: &str, to: &mut dyn Write) -> Result<bool>;
    /// Keeps something; it is there whole or not at all.
    ///
    /// # Errors
    /// I/O.
    fn put(&self, name: &str, from: &mut dyn Read) -> Result<()>;
    /// Nothing of what is there can be used.
    ///
    /// # Errors
    /// I/O.
    fn clear(&self) -> Result<()>;
}

/// The name of what intake saw. It comes last: with it the partitions are complete.
const INTAKE: &str = "intake";

fn part(number: usize) -> String {
    format!("part-{number:05}")
}

#[derive(Serialize, Deserialize)]
struct Written {
    partitions: usize,
    in_memory: bool,
    tables: Vec<TableWritten>,
    files: Vec<FileWritten>,
    empty: Vec<[usize; 2]>,
    collapsed: Vec<u64>,
    linked: Linked,
    locals: BTreeMap<String, Vec<String>>,
    spelled: u64,
    nines: BTreeMap<String, [u64; 2]>,
}

/// What intake saw of a table, as it is written.
#[derive(Serialize, Deserialize)]
pub(super) struct TableWritten {
    rows_in: u64,
    set_aside: Vec<(Defect, u64)>,
    moments: u64,
    blanked: Vec<(String, u64)>,
}

/// What was seen of a file, as it is written.
#[derive(Serialize, Deserialize)]
pub(super) struct FileWritten {
    table: usize,
    path: PathBuf,
    bytes: u64,
    rows_read: u64,
    set_aside: Vec<(Defect, u64)>,
    first: Vec<(Defect, [u64; 2])>,
    bom: bool,
    sha3_256: [u8; 32],
}

fn pairs(map: &BTreeMap<Defect, u64>) -> Vec<(Defect, u64)> {
    map.iter().map(|(&defect, &count)| (defect, count)).collect()
}

impl TableWritten {
    pub(super) fn rows_in(&self) -> u64 {
        self.rows_in
    }
    pub(super) fn of(t: &TableIntake) -> Self {
        TableWritten {
            rows_in: t.rows_in,
            set_aside: pairs(&t.set_aside),
            moments: t.moments,
            blanked: t.blanked.iter().map(|(c, &n)| (c.as_str().to_owned(), n)).collect(),
        }
    }
    pub(super) fn read(self) -> TableIntake {
        let named = |(column, cells)| (Name::from_policy(column), cells);
        TableIntake {
            rows_in: self.rows_in,
            set_aside: self.set_aside.into_iter().collect(),
            excluded: ByKind::default(),
            moments: self.moments,
            blanked: self.blanked.into_iter().map(named).collect(),
        }
    }
}

impl FileWritten {
    pub(super) fn of(table: usize, path: &Path, facts: &FileFacts) -> Self {
        FileWritten {
            table,
            path: path.to_owned(),
            bytes: facts.bytes,
            rows_read: facts.rows_read,
            set_aside: pairs(&facts.set_aside),
            first: facts.first.iter().map(|(&d, &at)| (d, at)).collect(),
            bom: facts.bom,
            sha3_256: facts.sha3_256,
        }
    }
    pub(super) fn read(self) -> InputFile {
        InputFile {
            table: self.table,
            path: self.path,
            facts: FileFacts {
                bytes: self.bytes,
                rows_read: self.rows_read,
                set_aside: self.set_aside.into_iter().collect(),
                first: self.first.into_iter().collect(),
                bom: self.bom,
                sha3_256: self.sha3_256,
                sha256: None,
            },
        }
    }
}

/// Whether a run on these files can be kept: what stands in a tree of folders is not told by one digest.
fn keeps(files: &[Vec<PathBuf>]) -> bool {
    files.iter().flatten().all(|path| path.is_file())
}

/// Keeps what was gathered.
pub(super) fn store(
    keep: &dyn Keep,
    files: &[Vec<PathBuf>],
    gathered: &Gathered,
    store: &Store,
) -> Result<()> {
    if !keeps(files) {
        return Ok(());
    }
    match store {
        // What was in memory alone is on no disk in the clear now either.
        Store::Memory(partition) => {
            keep.put(&part(0), &mut spill::to_bytes(&partition.columns()).as_slice())?;
        }
        Store::Spilled(spilled) => {
            for (number, block) in spilled.blocks.iter().enumerate() {
                keep.put(&part(number), &mut spilled.directory.open(block)?)?;
            }
        }
        Store::Elsewhere(_) => return Ok(()),
    }
    let written = Written {
        partitions: store.len(),
        in_memory: matches!(store, Store::Memory(_)),
        tables: gathered.tables.iter().map(TableWritten::of).collect(),
        files: gathered.files.iter().map(|f| FileWritten::of(f.table, &f.path, &f.facts)).collect(),
        empty: gathered.empty.clone(),
        collapsed: gathered.collapsed.clone(),
        linked: gathered.linked,
        locals: gathered.locals.iter().map(|(p, l)| (p.clone(), l.clone())).collect(),
        spelled: gathered.told.spelled,
        nines: gathered.told.nines.clone(),
    };
    let bytes = serde_json::to_vec(&written).map_err(|_| {
        Error::environment("X0624", say!("what intake saw cannot be written as JSON"))
    })?;
    keep.put(INTAKE, &mut bytes.as_slice())
}

/// What an earlier run kept, if it read the same files. Nothing of what is there stays otherwise.
pub(super) fn load(
    keep: &dyn Keep,
    plan: &Plan,
    limits: &Limits,
    files: &[Vec<PathBuf>],
    lists: &Lists,
) -> Result<Option<(Gathered, Store)>> {
    if let Some(written) = written(keep, plan, files)?
        && let Some(store) = partitions(keep, plan, limits, &written, lists)?
    {
        note!(info, "kept work", partitions = written.partitions);
        return Ok(Some((written.gathered(), store)));
    }
    keep.clear()?;
    Ok(None)
}

fn written(keep: &dyn Keep, plan: &Plan, files: &[Vec<PathBuf>]) -> Result<Option<Written>> {
    let mut bytes = Vec::new();
    if !keeps(files) || !keep.get(INTAKE, &mut bytes)? {
        return Ok(None);
    }
    let Ok(written) = serde_json::from_slice::<Written>(&bytes) else { return Ok(None) };
    let there: Vec<(usize, &PathBuf)> =
        files.iter().enumerate().flat_map(|(t, paths)| paths.iter().map(move |p| (t, p))).collect();
    let same_names = there.len() == written.files.len()
        && there.iter().zip(&written.files).all(|(&(t, p), f)| (t, p) == (f.table, &f.path));
    if !same_names || written.tables.len() != plan.tables.len() {
        return Ok(None);
    }
    // Every byte is read again: nobody knows what became of the files since.
    let same: Vec<bool> = written
        .files
        .par_iter()
        .map(|f| formats::digest(&f.path).is_ok_and(|digest| digest == f.sha3_256))
        .collect();
    Ok(same.into_iter().all(|same| same).then_some(written))
}

fn partitions(
    keep: &dyn Keep,
    plan: &Plan,
    limits: &Limits,
    written: &Written,
    lists: &Lists,
) -> Result<Option<Store>> {
    // Before anybody is looked up in the lists.
    lists.tell_locals(written.locals.clone().into_iter().collect());
    if written.in_memory {
        let mut bytes = Vec::new();
        let columns = keep.get(&part(0), &mut bytes)?.then(|| spill::from_bytes(&bytes)).flatten();
        drop(bytes);
        let excluded = |kind, id: &str| lists.excludes(kind, id);
        let made = columns.and_then(|columns| Partition::from_columns(plan, columns, &excluded));
        return Ok(made.map(|partition| Store::Memory(Box::new(partition))));
    }
    let directory = std::sync::Arc::new(SpillDir::create(&limits.spill_root)?);
    let mut blocks = Vec::new();
    for number in 0..written.partitions {
        let mut there = false;
        let block = directory.adopt(|file| {
            there = keep.get(&part(number), file)?;
            Ok(())
        })?;
        if !there {
            return Ok(None);
        }
        blocks.push(block);
    }
    Ok((!blocks.is_empty()).then_some(Store::Spilled(Spilled { directory, blocks })))
}

impl Written {
    fn gathered(self) -> Gathered {
        Gathered {
            tables: self.tables.into_iter().map(TableWritten::read).collect(),
            files: self.files.into_iter().map(FileWritten::read).collect(),
            empty: self.empty,
            collapsed: self.collapsed,
            linked: self.linked,
            locals: self.locals.into_iter().collect(),
            told: Told { spelled: self.spelled, nines: self.nines },
        }
    }
}

/// What the techniques were told in one round, by the number of its draft.
fn round(draft: &Draft) -> String {
    format!("round-{:05}", draft.number())
}

/// Keeps what one round measured.
pub(super) fn store_round(
    keep: &dyn Keep,
    policy: &[u8; 32],
    draft: &Draft,
    statistics: &Statistics,
) -> Result<()> {
    keep.put(&round(draft), &mut draft::write(STATISTICS, policy, statistics)?.as_slice())
}

/// What an earlier run measured in this round.
pub(super) fn load_round(
    keep: &dyn Keep,
    policy: &[u8; 32],
    plan: &Plan,
    draft: &Draft,
) -> Result<Option<Statistics>> {
    let mut bytes = Vec::new();
    if !keep.get(&round(draft), &mut bytes)? {
        return Ok(None);
    }
    let read: Result<Statistics> = draft::read(STATISTICS, policy, &bytes);
    Ok(read.and_then(|statistics| statistics.arrived(plan, draft)).ok())
}
