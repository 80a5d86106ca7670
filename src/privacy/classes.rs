//! Equivalence classes over a view, counted in rows and in distinct persons.

use std::borrow::Cow;
use std::sync::OnceLock;

use rayon::prelude::*;
use serde::Serialize;

use super::key::{Key, Layout, Numbering, with_words};
use super::persons::ByPerson;
use crate::error::{Error, Result};
use crate::frame::{MISSING, Patients, Rows};
use crate::say;

/// What an attacker may know, as dictionary codes: a column a quasi-identifier, a row a record.
#[derive(Clone, Debug)]
pub struct View<'a> {
    columns: Vec<Cow<'a, [u32]>>,
    layout: Layout,
    persons: Cow<'a, [u32]>,
    distinct: bool,
    assigned: OnceLock<(Vec<u32>, ClassTable)>,
}

impl<'a> View<'a> {
    /// A view. `cards[c]` is the number of codes of column `c`; a code is below it or [`MISSING`]. `persons` names the person
    /// of each row (any numbers, preferably dense).
    ///
    /// # Errors
    /// `V0002` if the columns differ in length or a code is out of range, `V0001` if the columns are too wide together.
    pub fn new<C: Into<Cow<'a, [u32]>>>(
        columns: Vec<C>,
        cards: &[u32],
        persons: impl Into<Cow<'a, [u32]>>,
    ) -> Result<Self> {
        let columns: Vec<Cow<'a, [u32]>> = columns.into_iter().map(Into::into).collect();
        let persons = persons.into();
        let layout = Layout::new(cards)?;
        if columns.len() != cards.len() {
            return Err(Error::data(
                "V0002",
                say!("a view of {} columns has {} cardinalities", columns.len(), cards.len()),
            ));
        }
        for (index, (column, &card)) in columns.iter().zip(cards).enumerate() {
            if column.len() != persons.len()
                // Without an early end, so that it runs on vectors.
                || !column.par_chunks(1 << 14).all(|codes| {
                    codes.iter().fold(true, |fits, &c| fits & ((c < card) | (c == MISSING)))
                })
            {
                return Err(Error::data(
                    "V0002",
                    say!("column {} of a view does not fit: its length or a code is wrong", index),
                ));
            }
        }
        let distinct = persons.is_sorted_by(|a, b| a < b) || all_differ(&persons);
        Ok(View { columns, layout, persons, distinct, assigned: OnceLock::new() })
    }
    /// A view in which every row is a person of its own.
    ///
    /// # Errors
    /// As [`View::new`].
    pub fn of_rows<C: Into<Cow<'a, [u32]>>>(columns: Vec<C>, cards: &[u32]) -> Result<Self> {
        let columns: Vec<Cow<'a, [u32]>> = columns.into_iter().map(Into::into).collect();
        let rows = columns.first().map_or(0, |column| column.len());
        let rows = u32::try_from(rows)
            .map_err(|_| Error::data("V0003", say!("a view of more than 2^32 rows")))?;
        View::new(columns, cards, (0..rows).collect::<Vec<u32>>())
    }
    /// Rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.persons.len()
    }
    /// The codes by column.
    #[must_use]
    pub fn columns(&self) -> &[Cow<'a, [u32]>] {
        &self.columns
    }
    /// The person of each row.
    #[must_use]
    pub fn persons(&self) -> &[u32] {
        &self.persons
    }
    /// Whether no person has two rows.
    #[must_use]
    pub fn one_row_a_person(&self) -> bool {
        self.distinct
    }
    /// How tuples are packed.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }
    /// The same rows with some of the columns.
    ///
    /// # Errors
    /// `V0002` if a column number is out of range.
    pub fn project(&self, columns: &[usize]) -> Result<View<'a>> {
        let cards = self.layout.cards();
        if let Some(&bad) = columns.iter().find(|&&c| c >= cards.len()) {
            return Err(Error::data("V0002", say!("a view has no column {}", bad)));
        }
        let kept: Vec<u32> = columns.iter().map(|&c| cards[c]).collect();
        Ok(View {
            columns: columns.iter().map(|&c| self.columns[c].clone()).collect(),
            layout: Layout::new(&kept)?,
            persons: self.persons.clone(),
            distinct: self.distinct,
            assigned: OnceLock::new(),
        })
    }

    fn pack_rows<const N: usize>(&self, rows: std::ops::Range<usize>) -> Vec<Key<N>> {
        let mut keys = vec![Key::<N>::ZERO; rows.len()];
        self.pack_into(rows.start, &mut keys);
        keys
    }

    /// Packs the rows from `start` on into zeroed keys.
    fn pack_into<const N: usize>(&self, start: usize, keys: &mut [Key<N>]) {
        for (column, codes) in self.columns.iter().enumerate() {
            let place = self.layout.place(column);
            let card = self.layout.cards()[column];
            let codes = &codes[start..start + keys.len()];
            for (key, &code) in keys.iter_mut().zip(codes) {
                let code = if code == MISSING { card } else { code };
                key.0[place.word] |= u64::from(code) << place.shift;
            }
        }
    }

    /// The classes; a missing cell is a category of its own (the strict reading).
    #[must_use]
    pub fn classes(&self) -> ClassTable {
        match self.layout.words() {
            0 | 1 => classes_of_words(self),
            words => with_words!(words, classes, self),
        }
    }

    /// The class number of each row, numbered as in [`View::classes`], and the classes. Found once for the view.
    #[must_use]
    pub fn assign(&self) -> &(Vec<u32>, ClassTable) {
        self.assigned.get_or_init(|| {
            let (class, mut table) = self.number();
            table.persons = if self.distinct {
                table.rows.clone()
            } else {
                ByPerson::new(&self.persons).count(&class, table.len())
            };
            (class, table)
        })
    }

    /// The class number of each row, and the classes with their rows; their persons are not counted.
    pub(crate) fn number(&self) -> (Vec<u32>, ClassTable) {
        with_words!(self.layout.words(), number, self)
    }

    /// For each row, how many persons an attacker who knows the row's cells cannot tell apart, in one of the three readings
    /// of missing cells.
    #[must_use]
    pub fn matches(&self, reading: Reading) -> Vec<u64> {
        let weights = vec![1.0; self.rows()];
        match reading {
            Reading::OwnCategory => {
                let (class, table) = self.assign();
                class.iter().map(|&c| table.persons[c as usize]).collect()
            }
            _ if self.distinct => {
                self.matched_weights(reading, &weights).into_iter().map(|(f, _)| f).collect()
            }
            _ => self.matched_persons(reading),
        }
    }

    /// For each row the number of matching rows and the sum of their weights. Rows are compared as patterns; the time is
    /// quadratic in the number of distinct patterns with missing cells and linear otherwise.
    #[must_use]
    pub fn matched_weights(&self, reading: Reading, weights: &[f64]) -> Vec<(u64, f64)> {
        let (class, table) = self.assign();
        let mut sums = vec![0.0_f64; table.len()];
        for (&c, &w) in class.iter().zip(weights) {
            sums[c as usize] += w;
        }
        let found: Vec<(u64, f64)> = self
            .matching_classes(table, reading)
            .into_par_iter()
            .map(|with| {
                (
                    with.iter().map(|&c| table.rows[c as usize]).sum(),
                    with.iter().map(|&c| sums[c as usize]).sum(),
                )
            })
            .collect();
        class.iter().map(|&c| found[c as usize]).collect()
    }

    fn matched_persons(&self, reading: Reading) -> Vec<u64> {
        let (class, table) = self.assign();
        let mut persons: Vec<Vec<u32>> = vec![Vec::new(); table.len()];
        for (&c, &person) in class.iter().zip(self.persons.iter()) {
            persons[c as usize].push(person);
        }
        let found: Vec<u64> = self
            .matching_classes(table, reading)
            .into_par_iter()
            .map(|with| {
                let mut all: Vec<u32> =
                    with.iter().flat_map(|&c| persons[c as usize].iter().copied()).collect();
                all.sort_unstable();
                all.dedup();
                all.len() as u64
            })
            .collect();
        class.iter().map(|&c| found[c as usize]).collect()
    }

    fn matching_classes(&self, table: &ClassTable, reading: Reading) -> Vec<Vec<u32>> {
        let tuples: Vec<Vec<u32>> = (0..table.len()).map(|c| table.codes(c)).collect();
        let holed: Vec<u32> =
            (0..table.len() as u32).filter(|&c| tuples[c as usize].contains(&MISSING)).collect();
        (0..table.len() as u32)
            .into_par_iter()
            .map(|c| {
                let mine = &tuples[c as usize];
                match reading {
                    Reading::OwnCategory => vec![c],
                    // A row with a hole is matched by rows that agree on what it shows and show everything there;
                    // a hole is never matched by anything: what is not shown is not known.
                    Reading::MatchesNothing => {
                        if mine.contains(&MISSING) {
                            (0..table.len() as u32)
                                .filter(|&o| {
                                    o == c
                                        || (!tuples[o as usize].contains(&MISSING)
                                            && agree(mine, &tuples[o as usize]))
                                })
                                .collect()
                        } else {
                            vec![c]
                        }
                    }
                    Reading::MatchesEverything => {
                        if mine.contains(&MISSING) {
                            (0..table.len() as u32)
                                .filter(|&o| agree(mine, &tuples[o as usize]))
                                .collect()
                        } else {
                            let mut with: Vec<u32> = holed
                                .iter()
                                .copied()
                                .filter(|&o| agree(mine, &tuples[o as usize]))
                                .collect();
                            with.push(c);
                            with
                        }
                    }
                }
            })
            .collect()
    }
}

/// Whether no number occurs twice. Dense numbers are ticked off; the first one that comes again ends it.
fn all_differ(numbers: &[u32]) -> bool {
    let most = numbers.par_iter().copied().max().unwrap_or(0) as usize;
    if most / 64 <= numbers.len() {
        let mut seen = vec![0_u64; most / 64 + 1];
        return numbers.iter().all(|&n| {
            let (word, bit) = (&mut seen[n as usize / 64], 1_u64 << (n % 64));
            let new = *word & bit == 0;
            *word |= bit;
            new
        });
    }
    let mut sorted = numbers.to_vec();
    sorted.par_sort_unstable();
    sorted.is_sorted_by(|a, b| a < b)
}

fn agree(a: &[u32], b: &[u32]) -> bool {
    a.iter().zip(b).all(|(&x, &y)| x == y || x == MISSING || y == MISSING)
}

/// How a missing or suppressed cell is read when rows are compared.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// A missing cell is a value of its own, as a recipient's `GROUP BY` sees it. The strict reading; it decides.
    OwnCategory,
    /// A missing cell matches every value, in both directions (`alpha = 1` of sdcMicro).
    MatchesEverything,
    /// A missing cell of another row matches nothing that is shown (`alpha = 0` of sdcMicro).
    MatchesNothing,
}

/// The classes of a view: packed tuples in ascending order with rows and distinct persons. Tables of disjoint sets of persons
/// can be merged in any order.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ClassTable {
    layout: Layout,
    keys: Vec<u64>,
    stride: usize,
    /// Rows by class.
    pub rows: Vec<u64>,
    /// Distinct persons by class.
    pub persons: Vec<u64>,
}

impl ClassTable {
    /// Classes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// Whether there is no class.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
    /// The codes of a class; missing is [`MISSING`].
    #[must_use]
    pub fn codes(&self, class: usize) -> Vec<u32> {
        let tuple = self.key(class);
        (0..self.layout.columns()).map(|column| self.layout.code(tuple, column)).collect()
    }
    /// Whether a cell of a class is missing.
    #[must_use]
    pub fn has_missing(&self, class: usize) -> bool {
        let tuple = self.key(class);
        (0..self.layout.columns()).any(|column| self.layout.code(tuple, column) == MISSING)
    }
    fn key(&self, class: usize) -> &[u64] {
        &self.keys[class * self.stride..(class + 1) * self.stride]
    }
    /// Persons in the smallest class; none without classes.
    #[must_use]
    pub fn smallest(&self) -> Option<Patients> {
        self.persons.iter().min().copied().map(Patients)
    }
    /// Rows in all classes.
    #[must_use]
    pub fn all_rows(&self) -> Rows {
        Rows(self.rows.iter().sum())
    }
    /// Persons summed over the classes (a person in two classes counts in both).
    #[must_use]
    pub fn all_persons(&self) -> Patients {
        Patients(self.persons.iter().sum())
    }
    /// Classes by size in persons: (persons, classes), ascending.
    #[must_use]
    pub fn histogram(&self) -> Vec<(u64, u64)> {
        let mut sizes = self.persons.clone();
        sizes.par_sort_unstable();
        sizes.chunk_by(|a, b| a == b).map(|same| (same[0], same.len() as u64)).collect()
    }
    /// Bytes of memory.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (self.keys.capacity() + self.rows.capacity() + self.persons.capacity()) * size_of::<u64>()
    }
    /// The classes of two sets of persons that have no person in common. Associative and commutative.
    ///
    /// # Errors
    /// `V0004` if the tables are of different views.
    pub fn merge(&self, other: &ClassTable) -> Result<ClassTable> {
        if self.layout != other.layout {
            return Err(Error::data(
                "V0004",
                say!("class tables of different views cannot be merged"),
            ));
        }
        let mut merged = ClassTable {
            layout: self.layout.clone(),
            keys: Vec::with_capacity(self.keys.len() + other.keys.len()),
            stride: self.stride,
            rows: Vec::with_capacity(self.len() + other.len()),
            persons: Vec::with_capacity(self.len() + other.len()),
        };
        let (mut a, mut b) = (0, 0);
        while a < self.len() || b < other.len() {
            let order = match (a < self.len(), b < other.len()) {
                (true, true) => self.key(a).cmp(other.key(b)),
                (true, false) => std::cmp::Ordering::Less,
                _ => std::cmp::Ordering::Greater,
            };
            let (key, mut rows, mut persons) = match order {
                std::cmp::Ordering::Greater => (other.key(b), 0, 0),
                _ => (self.key(a), self.rows[a], self.persons[a]),
            };
            merged.keys.extend_from_slice(key);
            if order.is_ge() {
                rows += other.rows[b];
                persons += other.persons[b];
                b += 1;
            }
            if order.is_le() {
                a += 1;
            }
            merged.rows.push(rows);
            merged.persons.push(persons);
        }
        Ok(merged)
    }
}

/// What is sorted to count classes: a packed tuple, with the person where a person can have several rows. Entries of one class
/// are neighbours, and in a class those of one person.
trait Entry<const N: usize>: Copy + Ord + Send + Sync {
    const ZERO: Self;
    fn new(key: Key<N>, person: u32, person_bits: u32) -> Self;
    fn key(self, person_bits: u32) -> Key<N>;
}
impl<const N: usize> Entry<N> for Key<N> {
    const ZERO: Self = Key::<N>::ZERO;
    #[inline]
    fn new(key: Key<N>, _: u32, _: u32) -> Self {
        key
    }
    #[inline]
    fn key(self, _: u32) -> Key<N> {
        self
    }
}
/// Tuple and person in one word.
impl Entry<1> for u64 {
    const ZERO: Self = 0;
    #[inline]
    fn new(key: Key<1>, person: u32, person_bits: u32) -> Self {
        key.0[0] << person_bits | u64::from(person)
    }
    #[inline]
    fn key(self, person_bits: u32) -> Key<1> {
        Key([self >> person_bits])
    }
}
/// Tuple and person in two words, compared as one number.
impl Entry<1> for u128 {
    const ZERO: Self = 0;
    #[inline]
    fn new(key: Key<1>, person: u32, _: u32) -> Self {
        u128::from(key.0[0]) << 64 | u128::from(person)
    }
    #[inline]
    fn key(self, _: u32) -> Key<1> {
        Key([(self >> 64) as u64])
    }
}
impl<const N: usize> Entry<N> for (Key<N>, u32) {
    const ZERO: Self = (Key::<N>::ZERO, 0);
    #[inline]
    fn new(key: Key<N>, person: u32, _: u32) -> Self {
        (key, person)
    }
    #[inline]
    fn key(self, _: u32) -> Key<N> {
        self.0
    }
}

fn classes<const N: usize>(view: &View<'_>) -> ClassTable {
    if view.distinct { counted::<N, Key<N>>(view, 0) } else { counted::<N, (Key<N>, u32)>(view, 0) }
}

/// The classes of tuples of one word.
fn classes_of_words(view: &View<'_>) -> ClassTable {
    if view.distinct {
        return counted::<1, Key<1>>(view, 0);
    }
    let most = view.persons.par_iter().copied().max().unwrap_or(0);
    let person_bits = u32::BITS - most.leading_zeros();
    if view.layout.first_word_bits() + person_bits <= u64::BITS {
        counted::<1, u64>(view, person_bits)
    } else {
        counted::<1, u128>(view, 0)
    }
}

/// Counts in three passes, each over all cores: rows are packed block by block and each block is parted by the first bits of its
/// tuples; the parts of all blocks are brought together and sorted, small enough for a cache; the sorted parts are counted.
fn counted<const N: usize, E: Entry<N>>(view: &View<'_>, person_bits: u32) -> ClassTable {
    const BLOCK: usize = 1 << 16;
    const PART: usize = 1 << 12;
    const LARGE: usize = 1 << 17;
    let rows = view.rows();
    let bits = view.layout.first_word_bits();
    let digits = (rows / PART).max(1).ilog2().min(11).min(bits);
    let shift = bits - digits;
    let parts = 1_usize << digits;
    let digit = |key: Key<N>| if digits == 0 { 0 } else { (key.0[0] >> shift) as usize };
    // By block: the entries in the order of their parts, and where each part ends.
    let blocks: Vec<(Vec<E>, Vec<u32>)> = (0..rows.div_ceil(BLOCK))
        .into_par_iter()
        .map(|block| {
            let start = block * BLOCK;
            let keys = view.pack_rows::<N>(start..rows.min(start + BLOCK));
            let mut ends = vec![0_u32; parts + 1];
            for &key in &keys {
                ends[digit(key) + 1] += 1;
            }
            for part in 0..parts {
                ends[part + 1] += ends[part];
            }
            let mut entries = vec![E::ZERO; keys.len()];
            for (&key, &person) in keys.iter().zip(&view.persons[start..]) {
                let at = &mut ends[digit(key)];
                entries[*at as usize] = E::new(key, person, person_bits);
                *at += 1;
            }
            // Each start has moved to its part's end.
            ends.truncate(parts);
            (entries, ends)
        })
        .collect();
    let slice = |(entries, ends): &(Vec<E>, Vec<u32>), part: usize| {
        let start = if part == 0 { 0 } else { ends[part - 1] as usize };
        start..(ends[part] as usize).min(entries.len())
    };
    let sizes: Vec<usize> = (0..parts)
        .into_par_iter()
        .map(|part| blocks.iter().map(|block| slice(block, part).len()).sum())
        .collect();
    let mut sorted = vec![E::ZERO; rows];
    let found: Vec<usize> = pieces(&mut sorted, &sizes)
        .into_par_iter()
        .enumerate()
        .map(|(part, piece)| {
            let mut at = 0;
            for block in &blocks {
                let from = &block.0[slice(block, part)];
                piece[at..at + from.len()].copy_from_slice(from);
                at += from.len();
            }
            if piece.len() > LARGE {
                piece.par_sort_unstable();
            } else {
                piece.sort_unstable();
            }
            piece.chunk_by(|a, b| a.key(person_bits) == b.key(person_bits)).count()
        })
        .collect();
    drop(blocks);
    let classes: usize = found.iter().sum();
    let mut result = ClassTable {
        layout: view.layout.clone(),
        keys: vec![0; classes * N],
        stride: N,
        rows: vec![0; classes],
        persons: vec![0; classes],
    };
    let words: Vec<usize> = found.iter().map(|classes| classes * N).collect();
    pieces(&mut sorted, &sizes)
        .into_par_iter()
        .zip(pieces(&mut result.keys, &words))
        .zip(pieces(&mut result.rows, &found))
        .zip(pieces(&mut result.persons, &found))
        .for_each(|(((piece, keys), rows), persons)| {
            let same = piece.chunk_by(|a, b| a.key(person_bits) == b.key(person_bits));
            for (class, same) in same.enumerate() {
                keys[class * N..][..N].copy_from_slice(&same[0].key(person_bits).0);
                rows[class] = same.len() as u64;
                persons[class] = if view.distinct {
                    same.len() as u64
                } else {
                    same.chunk_by(|a, b| a == b).count() as u64
                };
            }
        });
    result
}

/// A slice cut into pieces of the given lengths.
fn pieces<'a, T>(mut whole: &'a mut [T], lengths: &[usize]) -> Vec<&'a mut [T]> {
    lengths
        .iter()
        .map(|&length| {
            let (piece, rest) = std::mem::take(&mut whole).split_at_mut(length);
            whole = rest;
            piece
        })
        .collect()
}

/// Numbers the rows block by block, each in its own table that fits a cache, and joins the blocks by the order of their tuples:
/// the result is the same at any number of threads.
fn number<const N: usize>(view: &View<'_>) -> (Vec<u32>, ClassTable) {
    let block = (view.rows() / 8).clamp(1 << 14, 1 << 19);
    let mut class = vec![0_u32; view.rows()];
    let found: Vec<(Vec<Key<N>>, Vec<u64>)> = class
        .par_chunks_mut(block)
        .enumerate()
        .map(|(at, class)| {
            let start = at * block;
            let keys = view.pack_rows::<N>(start..start + class.len());
            let mut numbering = Numbering::with_capacity(1024);
            let mut rows: Vec<u64> = Vec::new();
            for (slot, key) in class.iter_mut().zip(keys) {
                *slot = numbering.number(key);
                match rows.get_mut(*slot as usize) {
                    Some(rows) => *rows += 1,
                    None => rows.push(1),
                }
            }
            (numbering.keys, rows)
        })
        .collect();
    let mut all: Vec<(Key<N>, u32, u32)> =
        Vec::with_capacity(found.iter().map(|f| f.0.len()).sum());
    for (block, (keys, _)) in found.iter().enumerate() {
        all.extend(keys.iter().enumerate().map(|(at, &key)| (key, block as u32, at as u32)));
    }
    all.par_sort_unstable();
    let mut maps: Vec<Vec<u32>> = found.iter().map(|(keys, _)| vec![0; keys.len()]).collect();
    let mut result = ClassTable {
        layout: view.layout.clone(),
        keys: Vec::new(),
        stride: N,
        rows: Vec::new(),
        persons: Vec::new(),
    };
    for same in all.chunk_by(|a, b| a.0 == b.0) {
        let mut rows = 0;
        for &(_, block, at) in same {
            maps[block as usize][at as usize] = result.rows.len() as u32;
            rows += found[block as usize].1[at as usize];
        }
        result.keys.extend_from_slice(&same[0].0.0);
        result.rows.push(rows);
    }
    drop(all);
    class.par_chunks_mut(block).zip(&maps).for_each(|(class, map)| {
        for slot in class {
            *slot = map[*slot as usize];
        }
    });
    (class, result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn view(rows: &[(u32, u32, u32)]) -> View<'static> {
        let column = |f: fn(&(u32, u32, u32)) -> u32| rows.iter().map(f).collect::<Vec<_>>();
        let code = |c: u32| if c == 3 { MISSING } else { c };
        View::new(
            vec![column(|r| r.0).into_iter().map(code).collect(), column(|r| r.1)],
            &[3, 3],
            column(|r| r.2),
        )
        .unwrap()
    }

    #[test]
    fn persons_are_counted_once_a_class() {
        let view = view(&[(0, 0, 7), (0, 0, 7), (0, 0, 8), (3, 0, 7)]);
        let table = view.classes();
        assert_eq!((table.rows.clone(), table.persons.clone()), (vec![3, 1], vec![2, 1]));
        assert_eq!(table.codes(1), [MISSING, 0]);
        assert_eq!(table.smallest(), Some(Patients(1)));
        assert_eq!(view.matches(Reading::OwnCategory), [2, 2, 2, 1]);
        assert_eq!(view.matches(Reading::MatchesEverything), [2, 2, 2, 2]);
    }

    #[test]
    fn a_code_out_of_range_is_refused() {
        assert_eq!(View::new(vec![vec![3]], &[3], vec![0]).unwrap_err().code, "V0002");
        assert_eq!(View::new(vec![vec![0, 1]], &[3], vec![0]).unwrap_err().code, "V0002");
    }

    proptest! {
        #[test]
        fn any_split_by_person_merges_to_the_whole(rows in proptest::collection::vec((0..4_u32, 0..3_u32, 0..9_u32), 0..40), parts in 1..5_u32, reverse: bool) {
            let whole = view(&rows).classes();
            let mut tables: Vec<ClassTable> = (0..parts)
                .map(|p| view(&rows.iter().copied().filter(|r| r.2 % parts == p).collect::<Vec<_>>()).classes())
                .collect();
            if reverse {
                tables.reverse();
            }
            let merged = tables.into_iter().reduce(|a, b| a.merge(&b).unwrap()).unwrap();
            prop_assert_eq!(&merged, &whole);
            prop_assert!(whole.persons.iter().zip(&whole.rows).all(|(p, r)| p <= r));
            let view = view(&rows);
            prop_assert_eq!(&view.assign().1, &whole);
        }

        #[test]
        fn the_strict_reading_never_counts_more(rows in proptest::collection::vec((0..4_u32, 0..3_u32, 0..9_u32), 1..40)) {
            let view = view(&rows);
            let strict = view.matches(Reading::OwnCategory);
            let nothing = view.matches(Reading::MatchesNothing);
            let everything = view.matches(Reading::MatchesEverything);
            for ((s, n), e) in strict.iter().zip(&nothing).zip(&everything) {
                prop_assert!(s <= n && n <= e);
            }
        }
    }
}
