//! Emit: the cells of a release become files, each sorted by the release's own tokens.
//!
//! Within a person the rows are sorted by their content. So the bytes depend on the cells and the tokens alone: not on
//! the order of the input, the number of threads or of partitions; and the order tells nothing but the token.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::apply::{Applied, Surviving};
use super::files::{self, PartRows};
use super::intake::take;
use super::partition::Partition;
use super::{Progress, resources, typed};
use crate::error::{Error, Name, Result};
use crate::formats::spill::Block;
use crate::formats::{self, OutColumn, OutType, Written};
use crate::frame::{Column, MISSING, Table, join_blocks};
use crate::plan::Plan;
use crate::plan::shape::{FilePlan, released};
use crate::say;
use crate::schema::Kind;
use crate::schema::file::{Month, NamePart};

/// What a file of a release has of one table, as it was written. A long file has several, with the same path.
#[derive(Clone, Debug)]
pub struct OutputFile {
    /// Which release.
    pub kind: Kind,
    /// The table (plan index).
    pub table: usize,
    /// Path relative to the release folder (`pseudonymized/patients.csv`), or how its files are named.
    pub relative: String,
    /// The files.
    pub paths: Vec<String>,
    /// What was written: the rows of the table; of a long file, all else is with the first of its tables.
    pub written: Written,
    /// Distinct persons in it.
    pub persons: u64,
}

/// What the rows of one release in one partition are made of.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The source.
    pub partition: &'a Partition,
    /// The treated cells of the release.
    pub applied: &'a Applied,
    /// The rows and cells that are left.
    pub surviving: &'a Surviving,
    /// By table and column: the bit of [`Surviving::blanked`].
    pub blankable: &'a [Vec<Option<u8>>],
    /// The release.
    pub kind: Kind,
    /// The tokens of the partition's persons.
    pub tokens: &'a Column,
}

/// The rows of one file of one release in one partition, with the tokens of their persons as the last column.
#[must_use]
pub fn rows_of(shown: Shown<'_>, file: &FilePlan<'_>) -> Table {
    if file.fhir.is_some() {
        let parts = file.tables.par_iter().map(|&t| part_rows(shown, t).rows).collect();
        return resources::rows(shown, file, parts);
    }
    match (file.own, file.long, file.tables.as_slice()) {
        (false, None, &[t]) => part_rows(shown, t).rows,
        _ => {
            let parts = file.tables.par_iter().map(|&t| part_rows(shown, t)).collect();
            files::long_rows(shown.plan, shown.kind, file, parts)
        }
    }
}

fn part_rows(shown: Shown<'_>, t: usize) -> PartRows {
    let Shown { plan, partition, applied, surviving, blankable, kind, tokens } = shown;
    let rows: Vec<u32> = (0..partition.tables[t].table.rows as u32)
        .filter(|&r| surviving.rows[t][r as usize])
        .collect();
    let blanked = &surviving.blanked[t];
    let any_blank = rows.iter().any(|&r| blanked[r as usize] != 0);
    let mut columns: Vec<Column> = released(plan, t, kind)
        .par_iter()
        .filter_map(|r| {
            let cells = applied.tables[t].columns[r.column].as_ref()?;
            let bit = blankable[t][r.column].filter(|_| any_blank && kind == Kind::Anonymized);
            let cells = if let Some(bit) = bit {
                let codes = rows
                    .iter()
                    .map(|&row| {
                        if blanked[row as usize] >> bit & 1 == 1 {
                            MISSING
                        } else {
                            cells.codes()[row as usize]
                        }
                    })
                    .collect();
                Column::new(codes, Arc::clone(cells.dictionary()))
            } else {
                cells.take(&rows)
            };
            Some(cells)
        })
        .collect();
    let persons = &partition.tables[t].persons;
    let codes = rows.iter().map(|&r| tokens.codes()[persons[r as usize] as usize]).collect();
    columns.push(Column::new(codes, Arc::clone(tokens.dictionary())));
    let positions = partition.tables[t].positions.iter().map(|c| c.take(&rows)).collect();
    PartRows { rows: Table { rows: rows.len(), columns }, positions }
}

/// Rows in the order of a file, and the rows and distinct persons of each of its tables.
#[derive(Default)]
pub struct Sorted {
    /// The rows.
    pub rows: Table,
    /// Rows and persons of each table of the file.
    pub of: Vec<[u64; 2]>,
}

/// Sorts rows by person token, then by their columns in order. The last column is the token; it is removed, and so are
/// the first `sorting` columns, of which the last is the number of the row's table in the file.
#[must_use]
pub fn sorted(table: Table, sorting: usize, tables: usize) -> Sorted {
    let mut cells = table.columns;
    let Some(tokens) = cells.pop() else { return Sorted::default() };
    let keys: Vec<Vec<u32>> = cells.par_iter().map(|c| c.ranks().0).collect();
    // Rows by person first (a counting sort), then each person's few rows by content.
    let (token, persons) = tokens.ranks();
    let mut starts = vec![0_u32; persons + 1];
    for &code in &token {
        starts[code as usize + 1] += 1;
    }
    for p in 0..persons {
        starts[p + 1] += starts[p];
    }
    let mut order = vec![0_u32; token.len()];
    let mut next = starts.clone();
    for (row, &code) in token.iter().enumerate() {
        let slot = &mut next[code as usize];
        order[*slot as usize] = row as u32;
        *slot += 1;
    }
    let mut groups: Vec<&mut [u32]> = Vec::with_capacity(persons);
    let mut rest = order.as_mut_slice();
    for p in 0..persons {
        let (group, tail) = rest.split_at_mut((starts[p + 1] - starts[p]) as usize);
        groups.push(group);
        rest = tail;
    }
    groups.into_par_iter().for_each(|group| {
        group.sort_unstable_by(|&a, &b| {
            for key in &keys {
                match key[a as usize].cmp(&key[b as usize]) {
                    std::cmp::Ordering::Equal => {}
                    other => return other,
                }
            }
            std::cmp::Ordering::Equal
        });
    });
    drop(keys);
    let columns = cells[sorting..].par_iter().map(|c| c.take(&order)).collect();
    let mut of = vec![[0_u64; 2]; tables];
    match sorting.checked_sub(1) {
        None => of[0] = [order.len() as u64, persons as u64],
        Some(rank) => {
            let ranks: Vec<usize> = cells[rank]
                .dictionary()
                .texts()
                .map(|text| text.parse().unwrap_or(tables - 1))
                .collect();
            // Rows of a person stand together: a table counts a person when it is not the last that it counted.
            let mut last = vec![MISSING; tables];
            for &row in &order {
                let rank = ranks[cells[rank].codes()[row as usize] as usize];
                let person = token[row as usize];
                of[rank][0] += 1;
                of[rank][1] += u64::from(std::mem::replace(&mut last[rank], person) != person);
            }
        }
    }
    Sorted { rows: Table { rows: order.len(), columns }, of }
}

/// Writes one file of one release; what it has of each of its tables.
///
/// # Errors
/// I/O; a character that the encoding lacks or a formula-like cell, where the policy says `fail`.
pub fn write(
    plan: &Plan,
    kind: Kind,
    file: &FilePlan<'_>,
    directory: &Path,
    ranges: impl Iterator<Item = Result<Table>>,
    progress: &dyn Progress,
) -> Result<Vec<OutputFile>> {
    let (sorting, tables) = (file.sorting(plan), file.tables.len());
    let ranges = ranges.map(|rows| Ok(sorted(rows?, sorting, tables)));
    write_sorted(plan, kind, file, directory, ranges, progress)
}

/// As [`write()`], of ranges whose rows are in order.
///
/// # Errors
/// As [`write()`].
pub fn write_sorted(
    plan: &Plan,
    kind: Kind,
    file: &FilePlan<'_>,
    directory: &Path,
    ranges: impl Iterator<Item = Result<Sorted>>,
    progress: &dyn Progress,
) -> Result<Vec<OutputFile>> {
    let table = &plan.tables[file.tables[0]];
    let released = released(plan, file.tables[0], kind);
    let columns: &[usize] = if file.fhir.is_some() { &[] } else { &file.columns };
    let columns: Vec<OutColumn> = columns
        .iter()
        .flat_map(|&column| {
            let name = table.name_in(kind, column).as_str();
            let ranges = file.tables.iter().all(|&t| {
                let column = plan.tables[t].columns[column].treatment(kind);
                column.output.is_none() || column.treatment.doc().ranges
            });
            let made = released.iter().find(|r| r.column == column && file.long.is_none());
            let columns = match made {
                Some(made) => made.in_file(name),
                None => vec![(name.to_owned(), OutType::Text)],
            };
            columns.into_iter().map(move |(name, ty)| OutColumn { name, ty, ranges })
        })
        .collect();
    let shown = match (file.long, &table.part) {
        (Some(_), Some(part)) => &part.of,
        _ => &table.name,
    };
    let output = file.output(plan);
    let spec = formats::WriteSpec {
        table: shown,
        columns: &columns,
        output: &output,
        dialect: file.dialect(plan),
        resources: file.fhir.map(|bundles| resources::file(plan, kind, file, bundles)),
    };
    let mut writers = Writers::new(file, directory, spec)?;
    let mut counted = vec![[0_u64; 2]; file.tables.len()];
    for sorted in ranges {
        progress.check()?;
        let sorted = sorted?;
        for (sum, more) in counted.iter_mut().zip(sorted.of) {
            sum[0] += more[0];
            sum[1] += more[1];
        }
        if file.long.is_some() || file.fhir.is_some() || released.iter().all(|r| r.parts.is_whole())
        {
            writers.write(&sorted.rows)?;
            continue;
        }
        let columns: Vec<Vec<Column>> = sorted
            .rows
            .columns
            .into_par_iter()
            .zip(&released)
            .map(|(cells, r)| typed::in_file(&table.columns[r.column].facts, r, cells))
            .collect::<Result<_>>()?;
        let columns = columns.into_iter().flatten().collect();
        writers.write(&Table { rows: sorted.rows.rows, columns })?;
    }
    let (paths, written) = writers.finish()?;
    let mut written = Some(written);
    let each = file.tables.iter().zip(counted);
    Ok(each
        .map(|(&t, [rows, persons])| OutputFile {
            kind,
            table: t,
            relative: file.relative.clone(),
            paths: paths.clone(),
            written: Written { rows, ..written.take().unwrap_or_default() },
            persons,
        })
        .collect())
}

/// Most files of one table: a writer is held for each.
const MOST_FILES: usize = 4096;

/// The files of a table: one, or one for each name that its rows make.
struct Writers<'a> {
    file: &'a FilePlan<'a>,
    directory: &'a Path,
    spec: formats::WriteSpec<'a>,
    open: BTreeMap<String, Box<dyn formats::TableWriter>>,
}

impl<'a> Writers<'a> {
    fn new(
        file: &'a FilePlan<'a>,
        directory: &'a Path,
        spec: formats::WriteSpec<'a>,
    ) -> Result<Self> {
        let mut writers = Writers { file, directory, spec, open: BTreeMap::new() };
        if !file.names.is_empty() {
            // Beside those that the run has open anyway.
            crate::system::open_files(MOST_FILES as u64 + 256);
        } else {
            let path = directory.join(&file.relative);
            let writer = formats::create(&path, &writers.spec)?;
            writers.open.insert(file.relative.clone(), writer);
        }
        Ok(writers)
    }

    fn write(&mut self, rows: &Table) -> Result<()> {
        if let ([], Some(writer)) = (self.file.names.as_slice(), self.open.values_mut().next()) {
            return writer.write(rows);
        }
        for (name, own) in self.by_name(rows) {
            if self.open.len() >= MOST_FILES && !self.open.contains_key(&name) {
                return Err(Error::refused(
                    "C0504",
                    say!(
                        "table `{}`: its names would make more than {} files",
                        self.spec.table,
                        MOST_FILES
                    ),
                )
                .advice(say!("fewer columns, or the year of a date, in `files`")));
            }
            let writer = match self.open.entry(name) {
                Entry::Occupied(there) => there.into_mut(),
                Entry::Vacant(free) => {
                    let path = self.directory.join(free.key());
                    free.insert(formats::create(&path, &self.spec)?)
                }
            };
            writer.write(&take(rows, &own))?;
        }
        Ok(())
    }

    /// The rows by the file that they name, in their order.
    fn by_name(&self, rows: &Table) -> BTreeMap<String, Vec<u32>> {
        let folder = self.file.relative.split('/').next().unwrap_or_default();
        let told: Vec<(usize, Option<Month>)> = self
            .file
            .names
            .iter()
            .filter_map(|part| match part {
                NamePart::Column(at, by) => Some((*at, *by)),
                NamePart::Text(_) => None,
            })
            .collect();
        let mut by_codes: HashMap<Vec<u32>, Vec<u32>> = HashMap::new();
        for row in 0..rows.rows {
            let codes = told.iter().map(|&(at, _)| rows.columns[at].codes()[row]).collect();
            by_codes.entry(codes).or_default().push(row as u32);
        }
        let mut by_name: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for own in by_codes.into_values() {
            let first = own[0] as usize;
            let name: String = self
                .file
                .names
                .iter()
                .map(|part| match part {
                    NamePart::Text(text) => text.clone(),
                    NamePart::Column(at, None) => {
                        rows.columns[*at].text(first).unwrap_or("none").to_owned()
                    }
                    NamePart::Column(at, Some(by)) => by.of(rows.columns[*at].text(first)),
                })
                .collect();
            by_name.entry(format!("{folder}/{name}")).or_default().extend(own);
        }
        // Several cells may be one month.
        by_name.values_mut().for_each(|rows| rows.sort_unstable());
        by_name
    }

    fn finish(self) -> Result<(Vec<String>, Written)> {
        let mut sum = Written::default();
        let mut paths = Vec::new();
        for (path, writer) in self.open {
            let written = writer.finish()?;
            sum.bytes += written.bytes;
            sum.rows += written.rows;
            sum.unencodable += written.unencodable;
            sum.respelled += written.respelled;
            sum.formula += written.formula;
            paths.push(path);
        }
        Ok((paths, sum))
    }
}

/// Bytes that a cell takes while its range is sorted and written.
const SORTED: u64 = 32;

/// Rows of one table on their way to the sorted file when memory does not hold a release: blocks by range of tokens.
pub struct Shuffle {
    blocks: Vec<Vec<Block>>,
}

impl Shuffle {
    /// No blocks yet, for a file of so many cells: as many ranges as let one be sorted within half of `memory`.
    #[must_use]
    pub fn new(cells: u64, memory: u64) -> Self {
        let ranges = cells.saturating_mul(SORTED).div_ceil((memory / 2).max(1));
        let ranges = usize::try_from(ranges).unwrap_or(1024).clamp(1, 1024);
        Shuffle { blocks: vec![Vec::new(); ranges] }
    }
    /// Puts the rows of a partition into the blocks of their tokens' ranges.
    ///
    /// # Errors
    /// I/O.
    pub fn add(&mut self, directory: &formats::spill::SpillDir, rows: &Table) -> Result<()> {
        let Some(tokens) = rows.columns.last() else { return Ok(()) };
        let ranges = self.blocks.len();
        let range: Vec<usize> =
            tokens.dictionary().texts().map(|token| range_of(token, ranges)).collect();
        let mut by_range: Vec<Vec<u32>> = vec![Vec::new(); ranges];
        for (row, &code) in tokens.codes().iter().enumerate() {
            by_range[range[code as usize]].push(row as u32);
        }
        for (blocks, part) in self.blocks.iter_mut().zip(by_range) {
            if !part.is_empty() {
                blocks.push(directory.write_rows(&take(rows, &part))?);
            }
        }
        Ok(())
    }
    /// The tables of the ranges, in the order of the tokens.
    pub fn ranges<'a>(
        self,
        directory: &'a formats::spill::SpillDir,
        columns: usize,
    ) -> impl Iterator<Item = Result<Table>> + 'a {
        self.blocks.into_iter().map(move |files| {
            let blocks: Vec<Table> =
                files.iter().map(|f| directory.read_rows(f)).collect::<Result<_>>()?;
            files.iter().for_each(|f| directory.remove(f));
            Ok(join_blocks(&blocks, columns))
        })
    }
}

/// The range of a token: ranges are in token order, so their sorted contents follow one another.
pub(super) fn range_of(token: &str, ranges: usize) -> usize {
    let mut high = 0_u64;
    for byte in token.bytes().take(8) {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'H' => byte - b'A' + 10,
            b'J' | b'K' => byte - b'J' + 18,
            b'M' | b'N' => byte - b'M' + 20,
            b'P'..=b'T' => byte - b'P' + 22,
            b'V'..=b'Z' => byte - b'V' + 27,
            _ => 0,
        };
        high = (high << 5) | u64::from(digit);
    }
    // 26 characters hold 130 bits, of which the first two are zero: 8 characters give 38 bits.
    let share = (u128::from(high) * ranges as u128) >> 38;
    (share as usize).min(ranges - 1)
}

/// Checks that no two persons got the same token.
///
/// # Errors
/// If two persons share a token (probability below 1e-20 for a whole nation): the run stops.
pub fn distinct_tokens(tokens: &mut [[u8; 16]], kind: Kind) -> Result<()> {
    tokens.par_sort_unstable();
    if tokens.windows(2).any(|w| w[0] == w[1]) {
        return Err(Error::refused(
            "C0103",
            say!("two persons got one token in the {} release", kind),
        ));
    }
    Ok(())
}

pub use crate::plan::shape::DICTIONARY;

/// A name for the file's table in messages.
#[must_use]
pub fn shown(plan: &Plan, table: usize) -> Name {
    plan.tables[table].name.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_follow_the_order_of_tokens() {
        let tokens: Vec<String> = (0_u8..=255)
            .map(|b| crate::token::token_text(&[b, 7, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 1, 2, 3, b]))
            .collect();
        let ranges: Vec<usize> = tokens.iter().map(|t| range_of(t, 7)).collect();
        assert!(tokens.windows(2).all(|w| w[0] < w[1]));
        assert!(ranges.windows(2).all(|w| w[0] <= w[1]));
        assert_eq!((ranges[0], ranges[255]), (0, 6));
    }
}
