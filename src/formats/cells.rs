//! The fast part of delimited text: where cells end, found 64 bytes at a time, and the distinct cells of a column.
//!
//! Nothing here decides what a file means: records with quotes or a lone carriage return are left to the careful splitter.

use std::borrow::Cow;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashTable};

/// One cell of a batch: where its bytes are, counted from the start of the batch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    start: u32,
    end: u32,
}

/// The bit of `end` that says that the cell has doubled quotes; a batch is shorter than this.
const DOUBLED: u32 = 1 << 31;

impl Cell {
    /// A cell from `start` to `end`, both below 2 GiB.
    pub(super) fn new(start: usize, end: usize, doubled: bool) -> Self {
        debug_assert!(end < DOUBLED as usize);
        Cell { start: start as u32, end: end as u32 | if doubled { DOUBLED } else { 0 } }
    }
    /// Whether nothing stands in it.
    pub(super) fn is_empty(self) -> bool {
        self.start == self.end & !DOUBLED
    }
    /// Its bytes, doubled quotes made single.
    pub(super) fn bytes(self, batch: &[u8]) -> Cow<'_, [u8]> {
        let cell = &batch[self.start as usize..(self.end & !DOUBLED) as usize];
        if self.end & DOUBLED == 0 { cell.into() } else { undouble(cell).into() }
    }
}

/// The bytes of a quoted cell with doubled quotes made single.
pub(super) fn undouble(cell: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(cell.len());
    let mut at = 0;
    while at < cell.len() {
        plain.push(cell[at]);
        at += if cell[at] == b'"' { 2 } else { 1 };
    }
    plain
}

const BLOCK: usize = 64;

/// A bit for each byte that is a delimiter, a line feed, a carriage return or a quote.
#[inline]
fn marks(block: &[u8; BLOCK], delimiter: u8) -> u64 {
    let mut hits = [0_u8; BLOCK];
    // Written so that the compiler makes vector instructions of it.
    for (hit, &byte) in hits.iter_mut().zip(block) {
        *hit = u8::from(byte == delimiter)
            | u8::from(byte == b'\n')
            | u8::from(byte == b'\r')
            | u8::from(byte == b'"');
    }
    let mut bits = 0;
    let (words, _) = hits.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        // The product gathers the eight lowest bits in the highest byte.
        let eight = u64::from_le_bytes(*word).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits |= eight << (8 * index);
    }
    bits
}

/// Walks over the marks of a buffer. It must be set again after the buffer moved or another reader went ahead.
pub(super) struct Scan {
    delimiter: u8,
    base: usize,
    bits: u64,
}

impl Scan {
    pub(super) fn new(delimiter: u8) -> Self {
        Scan { delimiter, base: usize::MAX - BLOCK, bits: 0 }
    }
    /// Goes on at a place of the buffer.
    pub(super) fn set(&mut self, buffer: &[u8], at: usize) {
        self.base = at;
        self.bits = Self::block(buffer, at).map_or(0, |b| marks(b, self.delimiter));
    }
    #[inline]
    fn block(buffer: &[u8], at: usize) -> Option<&[u8; BLOCK]> {
        buffer.get(at..)?.first_chunk()
    }
    #[inline]
    fn next(&mut self, buffer: &[u8]) -> Option<usize> {
        while self.bits == 0 {
            let base = self.base + BLOCK;
            let block = Self::block(buffer, base)?;
            self.base = base;
            self.bits = marks(block, self.delimiter);
        }
        let place = self.base + self.bits.trailing_zeros() as usize;
        self.bits &= self.bits - 1;
        Some(place)
    }
    /// Splits the record that starts at `at`, if it is plain and whole: its length with its line end. Cells are counted
    /// from `origin`. Otherwise nothing is added, and the careful splitter must look.
    #[inline]
    pub(super) fn plain(
        &mut self,
        buffer: &[u8],
        at: usize,
        origin: usize,
        cells: &mut Vec<Cell>,
    ) -> Option<usize> {
        let before = cells.len();
        let mut start = at;
        while let Some(place) = self.next(buffer) {
            let byte = buffer[place];
            if byte == self.delimiter {
                cells.push(Cell::new(start - origin, place - origin, false));
                start = place + 1;
            } else if byte == b'\n' {
                let cut = place - usize::from(place > start && buffer[place - 1] == b'\r');
                cells.push(Cell::new(start - origin, cut - origin, false));
                return Some(place + 1 - at);
            } else if byte != b'\r' || buffer.get(place + 1) != Some(&b'\n') {
                break;
            }
        }
        cells.truncate(before);
        None
    }
}

/// Cells up to this length are compared as one number.
const SHORT: usize = 16;

#[derive(Clone, Copy, Eq, PartialEq)]
struct Key {
    /// The bytes of a short cell, else a hash of them.
    word: u128,
    len: u32,
}

/// Numbers the distinct cells of one column of a batch in the order of their first appearance.
pub(super) struct Distinct<'a> {
    batch: &'a [u8],
    cells: Vec<Cow<'a, [u8]>>,
    codes: Vec<u32>,
    table: HashTable<(Key, u32)>,
    last: Option<(Key, u32)>,
    hasher: DefaultHashBuilder,
    seeds: [u64; 2],
}

impl<'a> Distinct<'a> {
    pub(super) fn new(batch: &'a [u8], rows: usize) -> Self {
        let hasher = DefaultHashBuilder::default();
        let seeds = [hasher.hash_one(1_u8), hasher.hash_one(2_u8)];
        Distinct {
            batch,
            cells: Vec::new(),
            codes: Vec::with_capacity(rows),
            table: HashTable::new(),
            last: None,
            hasher,
            seeds,
        }
    }
    /// The distinct cells, and the number of each row's cell.
    pub(super) fn finish(self) -> (Vec<Cow<'a, [u8]>>, Vec<u32>) {
        (self.cells, self.codes)
    }
    #[inline]
    pub(super) fn push(&mut self, cell: Cell) {
        let start = cell.start as usize;
        let len = cell.end.wrapping_sub(cell.start) as usize;
        // The bit of doubled quotes makes the difference a long one: such cells go the other way.
        if len <= SHORT
            && let Some(word) = self.batch.get(start..).and_then(|b| b.first_chunk::<SHORT>())
        {
            let mask = if len == SHORT { u128::MAX } else { (1 << (8 * len)) - 1 };
            let key = Key { word: u128::from_le_bytes(*word) & mask, len: len as u32 };
            self.short(key, cell);
        } else {
            self.other(cell);
        }
    }
    /// A cell of which the key says all.
    #[inline]
    fn short(&mut self, key: Key, cell: Cell) {
        if let Some((last, code)) = self.last
            && last == key
        {
            self.codes.push(code);
            return;
        }
        let hash = mix(self.seeds, key);
        let code = match self.table.find(hash, |(k, _)| *k == key) {
            Some(&(_, code)) => code,
            None => self.add(hash, key, cell.bytes(self.batch)),
        };
        self.last = Some((key, code));
        self.codes.push(code);
    }
    /// A long cell, one with doubled quotes, or one at the end of the batch.
    fn other(&mut self, cell: Cell) {
        let bytes = cell.bytes(self.batch);
        let len = bytes.len() as u32;
        if bytes.len() <= SHORT {
            let mut word = [0; SHORT];
            word[..bytes.len()].copy_from_slice(&bytes);
            self.short(Key { word: u128::from_le_bytes(word), len }, cell);
            return;
        }
        if let Some((_, code)) = self.last
            && self.cells[code as usize] == bytes
        {
            self.codes.push(code);
            return;
        }
        let key = Key { word: u128::from(self.hasher.hash_one(&*bytes)), len };
        let hash = mix(self.seeds, key);
        let cells = &self.cells;
        let same = |(k, code): &(Key, u32)| *k == key && cells[*code as usize] == bytes;
        let code = match self.table.find(hash, same) {
            Some(&(_, code)) => code,
            None => self.add(hash, key, bytes),
        };
        self.last = Some((key, code));
        self.codes.push(code);
    }
    fn add(&mut self, hash: u64, key: Key, bytes: Cow<'a, [u8]>) -> u32 {
        let code = self.cells.len() as u32;
        self.cells.push(bytes);
        let seeds = self.seeds;
        self.table.insert_unique(hash, (key, code), |&(key, _)| mix(seeds, key));
        code
    }
}

#[inline]
fn mix(seeds: [u64; 2], key: Key) -> u64 {
    let low = key.word as u64 ^ seeds[0];
    let high = (key.word >> 64) as u64 ^ seeds[1] ^ u64::from(key.len);
    let product = u128::from(low) * u128::from(high);
    product as u64 ^ (product >> 64) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn marks_are_where_the_bytes_are(bytes in proptest::collection::vec(proptest::sample::select(b"a,\t\n\r\"\x89\x8a\xff\x00\x2d".to_vec()), BLOCK), delimiter in proptest::sample::select(b",\t".to_vec())) {
            let block: &[u8; BLOCK] = bytes.first_chunk().unwrap();
            let bits = marks(block, delimiter);
            for (i, &b) in block.iter().enumerate() {
                prop_assert_eq!(bits >> i & 1 == 1, b == delimiter || matches!(b, b'\n' | b'\r' | b'"'));
            }
        }

        #[test]
        fn distinct_cells_are_numbered_as_they_come(cells in proptest::collection::vec("[ab\"\u{0}]{0,3}|x{14,18}|y{16}z?", 0..60)) {
            // Cells stand with doubled quotes in the batch.
            let mut batch = Vec::new();
            let mut places = Vec::new();
            for cell in &cells {
                let start = batch.len();
                batch.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
                places.push(Cell::new(start, batch.len(), cell.contains('"')));
            }
            let mut found = Distinct::new(&batch, 0);
            places.iter().for_each(|&p| found.push(p));
            let (distinct, codes) = found.finish();
            let mut expected: Vec<&[u8]> = Vec::new();
            for (cell, &code) in cells.iter().zip(&codes) {
                if !expected.contains(&cell.as_bytes()) {
                    expected.push(cell.as_bytes());
                }
                prop_assert_eq!(&*distinct[code as usize], cell.as_bytes());
            }
            prop_assert_eq!(distinct.len(), expected.len());
            prop_assert!(distinct.iter().zip(&expected).all(|(a, b)| &**a == *b));
        }
    }
}
