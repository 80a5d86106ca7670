//! The pool: rows on their way from the files to partitions of whole persons.
//!
//! Rows stay in memory while they are few. When what was really read becomes too much for the bound, all of it goes to the disk,
//! by buckets of persons (a hash of the identity). How large the buckets are is known when all is read: then as many of them
//! as fit make a partition, and one that is too large by itself is divided again.

use std::hash::BuildHasher as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use hashbrown::DefaultHashBuilder;
use rayon::prelude::*;

use super::intake::{Limits, beside, split, take};
use crate::error::{Error, Result};
use crate::formats;
use crate::formats::spill::{Block, SpillDir};
use crate::frame::{Column, Table, join_blocks};
use crate::plan::{Plan, TablePlan};
use crate::system::Facts;
use crate::{memory, note, say};

/// Bytes that a run takes at its peak for each byte of the rows that were read, if all is in memory.
const WHOLE: u64 = 4;
/// The same for one partition of several.
const PART: u64 = 3;
/// Bounds below this are taken as it where something is refused: the program itself takes more.
pub(crate) const LEAST: u64 = 64 << 20;
/// A partition that is a little too large is not divided: that it fits is an estimate.
const TIMES_DIVIDED: usize = 8;

/// Blocks by bucket.
#[derive(Clone, Debug, Default)]
pub(crate) struct Buckets(Vec<Vec<Block>>);

/// The blocks of one partition, by table.
pub(crate) struct Parts(Vec<Vec<Block>>);

/// Rows on their way.
pub(crate) struct Pool {
    memory: u64,
    root: PathBuf,
    directory: Mutex<Option<Arc<SpillDir>>>,
    spilling: AtomicBool,
    /// Bytes of the rows in memory.
    held: AtomicU64,
    buckets: usize,
    salt: DefaultHashBuilder,
}

/// What a run on some files takes, as their sizes and footers tell.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Estimate {
    /// Bytes of memory at the peak, if nothing is spilled: 36 bytes a cell and twice the pages of Parquet files, 5 times the bytes
    /// of a text (measured, docs/benches.md).
    pub whole: u64,
    /// Bytes of memory that no spilling saves: who is there, classes, identifiers that must not be found. About one a cell.
    pub beside: u64,
    /// Bytes of the files.
    pub files: u64,
}

/// Memory for reading and writing whatever the bound is: row groups, buffers.
const BUFFERS: u64 = 96 << 20;

/// What a run takes.
pub(crate) fn estimate(files: &[Vec<PathBuf>]) -> Estimate {
    let mut estimate = Estimate::default();
    // Several tables read the same tree, each a part of it.
    let mut trees = std::collections::BTreeSet::new();
    for path in files.iter().flatten() {
        let bytes = match std::fs::metadata(path) {
            Ok(m) if m.is_dir() => {
                if trees.insert(path) {
                    formats::tree_bytes(path)
                } else {
                    0
                }
            }
            other => other.map_or(0, |m| m.len()),
        };
        let formats::Weight { whole, beside, text } = formats::weight(path, bytes);
        estimate.whole = estimate.whole.saturating_add(whole);
        estimate.beside = estimate.beside.saturating_add(beside);
        estimate.files = estimate.files.saturating_add(text);
    }
    estimate
}

impl Estimate {
    /// Refuses what cannot fit, before the work: into memory, or onto the disks of the spill folder and of the staged releases.
    ///
    /// # Errors
    /// With what is needed.
    pub(crate) fn check(&self, limits: &Limits, staging: &Path) -> Result<()> {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        let least = self.beside.saturating_add(BUFFERS);
        // Lower bounds are a wish for more partitions: the program itself takes as much.
        if least > limits.memory.max(2 * BUFFERS) {
            return Err(Error::environment(
                "X0609",
                say!(
                    "the input needs about {} MiB of memory however it is divided, and --memory is {} MiB",
                    mib(least),
                    mib(limits.memory)
                ),
            )
            .advice(say!("run with --memory {}M or more", mib(least))));
        }
        // Both releases in staging; when spilling, the partitions and both releases once more.
        let staged = self.files.saturating_mul(2);
        let spilled = if self.whole > limits.memory { self.whole / 2 } else { 0 };
        note!(info, "disk", staged_mib = mib(staged), spilled_mib = mib(spilled));
        let same = disk_of(staging).is_some() && disk_of(staging) == disk_of(&limits.spill_root);
        let needs = if same {
            vec![(staging, staged + spilled)]
        } else {
            vec![(staging, staged), (limits.spill_root.as_path(), spilled)]
        };
        for (folder, needed) in needs {
            let Some(free) = formats::spill::free(folder).filter(|&free| free < needed) else {
                continue;
            };
            return Err(Error::environment(
                "X0610",
                say!(
                    "the run needs about {} MiB on the disk, of which {} MiB are for spilled partitions, and {} MiB are free",
                    mib(needed),
                    mib(spilled),
                    mib(free)
                ),
            )
            .advice(say!("make room, let it spill elsewhere (--spill DIR), or raise --memory")));
        }
        Ok(())
    }
}

/// The number of the disk of a folder, or of the nearest folder above it that is there.
fn disk_of(folder: &Path) -> Option<u64> {
    folder.ancestors().find_map(|f| std::fs::metadata(f).ok()).map(|m| Facts::of(&m).disk)
}

/// Bytes of rows in memory. Dictionaries count in full.
pub(crate) fn weight(table: &Table) -> u64 {
    table.columns.iter().map(|c| (c.len() * size_of::<u32>() + c.dictionary().bytes()) as u64).sum()
}

impl Pool {
    /// An empty one. It spills from the start if the files are too large for the bound.
    ///
    /// # Errors
    /// I/O of the spill folder.
    pub(crate) fn new(
        limits: &Limits,
        estimate: Estimate,
        salt: DefaultHashBuilder,
    ) -> Result<Pool> {
        let estimate = estimate.whole;
        let memory = limits.memory.max(1 << 20);
        let wanted = usize::try_from(estimate / memory).unwrap_or(1024);
        let pool = Pool {
            memory,
            root: limits.spill_root.clone(),
            directory: Mutex::new(None),
            spilling: AtomicBool::new(false),
            held: AtomicU64::new(0),
            buckets: (wanted * 8).clamp(16, 512),
            salt,
        };
        if estimate > memory {
            pool.spill()?;
        }
        Ok(pool)
    }

    fn spill(&self) -> Result<()> {
        if !self.spilling.swap(true, Ordering::SeqCst) {
            // Smaller blocks are given back when they stand at the end, larger ones at once.
            memory::tight(self.memory / 512);
            note!(info, "spilling", buckets = self.buckets);
        }
        self.directory().map(|_| ())
    }

    /// Whether rows go to the disk.
    pub(crate) fn spills(&self) -> bool {
        self.spilling.load(Ordering::SeqCst)
    }

    /// The folder of the blocks.
    ///
    /// # Errors
    /// I/O.
    pub(crate) fn directory(&self) -> Result<Arc<SpillDir>> {
        let broken = || Error::environment("X0601", say!("making the spill folder"));
        let mut directory = self.directory.lock().map_err(|_| broken())?;
        match &*directory {
            Some(directory) => Ok(Arc::clone(directory)),
            None => {
                let made = Arc::new(SpillDir::create(&self.root)?);
                Ok(Arc::clone(directory.insert(made)))
            }
        }
    }

    /// Whether the rows that a table has in memory, `waiting` bytes of which `new` just came, must go to the disk now.
    ///
    /// # Errors
    /// I/O of the spill folder.
    pub(crate) fn is_enough(&self, new: u64, waiting: u64) -> Result<bool> {
        if !self.spills() {
            let held = self.held.fetch_add(new, Ordering::SeqCst) + new;
            if held.saturating_mul(WHOLE) <= self.memory {
                return Ok(false);
            }
            self.spill()?;
            return Ok(true);
        }
        // Joining and dividing takes twice as much for a moment.
        Ok(waiting > self.memory / 10)
    }

    /// Puts rows into their buckets on the disk.
    ///
    /// # Errors
    /// I/O.
    pub(crate) fn put(
        &self,
        table: &TablePlan,
        rows: Vec<Table>,
        buckets: &mut Buckets,
    ) -> Result<()> {
        if rows.iter().all(|r| r.rows == 0) {
            return Ok(());
        }
        let whole = join_blocks(&rows, table.columns.len() + beside(table));
        drop(rows);
        let person = table.columns.len() + table.person_key;
        let parts = self.divide(&whole, person, self.buckets, &self.salt)?;
        buckets.0.resize(self.buckets, Vec::new());
        for (bucket, block) in buckets.0.iter_mut().zip(parts) {
            bucket.extend(block);
        }
        Ok(())
    }

    fn divide(
        &self,
        whole: &Table,
        person: usize,
        count: usize,
        salt: &DefaultHashBuilder,
    ) -> Result<Vec<Option<Block>>> {
        let key = &whole.columns[person];
        let place: Vec<usize> = key
            .dictionary()
            .texts()
            .map(|id| (salt.hash_one(id) % count as u64) as usize)
            .collect();
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); count];
        for (row, &code) in key.codes().iter().enumerate() {
            rows[place[code as usize]].push(row as u32);
        }
        let directory = self.directory()?;
        rows.par_iter()
            .map(|rows| {
                if rows.is_empty() {
                    return Ok(None);
                }
                directory.write_rows(&take(whole, rows)).map(Some)
            })
            .collect()
    }

    /// The partitions: as many buckets each as fit into what is left of the bound.
    ///
    /// # Errors
    /// I/O; rows that cannot be divided so that they fit.
    pub(crate) fn partitions(
        &self,
        tables: Vec<Buckets>,
        plan: &Plan,
        rows: u64,
    ) -> Result<Vec<Parts>> {
        let most = self.most(rows);
        let mut parts: Vec<Parts> = Vec::new();
        let mut open: Option<(Vec<Vec<Block>>, u64)> = None;
        for bucket in 0..self.buckets {
            let blocks: Vec<Vec<Block>> =
                tables.iter().map(|t| t.0.get(bucket).cloned().unwrap_or_default()).collect();
            let size = size_of_blocks(&blocks);
            if size == 0 {
                continue;
            }
            if size > most {
                for divided in self.divided(plan, blocks, most, TIMES_DIVIDED)? {
                    parts.push(Parts(divided));
                }
                continue;
            }
            match &mut open {
                Some((all, sum)) if *sum + size <= most => {
                    for (all, more) in all.iter_mut().zip(blocks) {
                        all.extend(more);
                    }
                    *sum += size;
                }
                _ => {
                    let before = open.replace((blocks, size));
                    parts.extend(before.map(|(blocks, _)| Parts(blocks)));
                }
            }
        }
        parts.extend(open.map(|(blocks, _)| Parts(blocks)));
        note!(info, "partitions", count = parts.len(), most = most);
        Ok(parts)
    }

    /// Bytes of a partition at most. What the run holds beside one (who is there, classes, what must not be found) grows with the
    /// rows.
    fn most(&self, rows: u64) -> u64 {
        let beside = memory::held() + rows * 6;
        (self.memory.saturating_sub(beside).max(self.memory / 8) / PART).max(1 << 16)
    }

    fn divided(
        &self,
        plan: &Plan,
        blocks: Vec<Vec<Block>>,
        most: u64,
        times: usize,
    ) -> Result<Vec<Vec<Vec<Block>>>> {
        let size = size_of_blocks(&blocks);
        if size <= most || times == 0 {
            return Ok(vec![blocks]);
        }
        let count = usize::try_from(size * 2 / most).unwrap_or(64).clamp(2, 64);
        let salt = DefaultHashBuilder::default();
        let mut made: Vec<Vec<Vec<Block>>> = vec![vec![Vec::new(); blocks.len()]; count];
        // The persons of the rows, as far as two.
        let mut persons: Vec<u64> = Vec::new();
        for (t, blocks) in blocks.iter().enumerate() {
            let table = &plan.tables[t];
            let person = table.columns.len() + table.person_key;
            for block in blocks {
                let rows = self.directory()?.read_rows(block)?;
                for id in rows.columns[person].dictionary().texts() {
                    let id = salt.hash_one(id);
                    if persons.len() < 2 && !persons.contains(&id) {
                        persons.push(id);
                    }
                }
                let parts = self.divide(&rows, person, count, &salt)?;
                for (made, part) in made.iter_mut().zip(parts) {
                    made[t].extend(part);
                }
                self.directory()?.remove(block);
            }
        }
        let alone = persons.len() < 2;
        let mut all = Vec::new();
        for blocks in made {
            let size = size_of_blocks(&blocks);
            if size == 0 {
                continue;
            }
            // One person cannot be divided; nor can few whose rows are too many.
            if alone && size.saturating_mul(2) > self.memory.max(LEAST) {
                return Err(Error::environment(
                    "X0608",
                    say!(
                        "the rows of one person alone take {} MiB, which --memory does not hold beside what is made from them",
                        size >> 20
                    ),
                )
                .advice(say!("run with --memory {}M or more", (size * PART) >> 20)));
            }
            all.extend(self.divided(plan, blocks, most, if alone { 0 } else { times - 1 })?);
        }
        Ok(all)
    }

    /// Reads a partition: by table its rows, and what stands beside them. Its blocks are gone then.
    ///
    /// # Errors
    /// I/O.
    pub(crate) fn load(
        &self,
        plan: &Plan,
        parts: &Parts,
        taken_out: impl Fn(usize, (Table, Vec<Column>)) -> (Table, Vec<Column>) + Sync,
    ) -> Result<Vec<(Table, Vec<Column>)>> {
        let directory = self.directory()?;
        let loaded = parts
            .0
            .par_iter()
            .enumerate()
            .map(|(t, blocks)| {
                let table = &plan.tables[t];
                let rows: Vec<Table> =
                    blocks.iter().map(|b| directory.read_rows(b)).collect::<Result<_>>()?;
                let columns = table.columns.len();
                let part = split(join_blocks(&rows, columns + beside(table)), columns);
                Ok(taken_out(t, part))
            })
            .collect::<Result<Vec<_>>>()?;
        parts.0.iter().flatten().for_each(|block| directory.remove(block));
        Ok(loaded)
    }
}

fn size_of_blocks(blocks: &[Vec<Block>]) -> u64 {
    blocks.iter().flatten().map(|b| b.weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_fit_is_refused_before_the_work() {
        let folder = tempfile::tempdir().unwrap();
        let limits =
            |memory: u64| Limits { memory, spill_root: folder.path().join("not/yet/there") };
        let estimate = |whole: u64, beside: u64, files: u64| Estimate { whole, beside, files };
        let code = |estimate: Estimate, memory: u64| {
            estimate.check(&limits(memory), folder.path()).err().map(|e| e.code)
        };
        assert_eq!(code(estimate(1 << 30, 1 << 20, 1 << 10), 1 << 20), None);
        assert_eq!(code(estimate(1 << 40, 1 << 30, 1 << 10), 1 << 30), Some("X0609"));
        // An exbibyte is on no disk; what is not spilled needs none of it.
        assert_eq!(code(estimate(1 << 61, 0, 0), 1 << 30), Some("X0610"));
        assert_eq!(code(estimate(1 << 61, 0, 0), 1 << 62), None);
        assert_eq!(code(estimate(0, 0, 1 << 60), 1 << 62), Some("X0610"));
    }
}
