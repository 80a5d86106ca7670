//! Columns as the engine sees them: dictionary-encoded text, so that a technique looks at each distinct value once.
//!
//! A cell is the text that stands in the file, or missing. The type of a column (`schema`) says how the text is
//! read; `keep` therefore gives back exactly the text that came in, and no number is rounded by being read.

use rayon::prelude::*;
use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, OnceLock};

use crate::text::date;
use hashbrown::{DefaultHashBuilder, HashTable};

/// The code of a missing cell.
pub const MISSING: u32 = u32::MAX;

macro_rules! count {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(pub u64);
        impl std::ops::Add for $name { type Output = Self; fn add(self, other: Self) -> Self { $name(self.0 + other.0) } }
        impl std::ops::AddAssign for $name { fn add_assign(&mut self, other: Self) { self.0 += other.0; } }
        impl std::iter::Sum for $name { fn sum<I: Iterator<Item = Self>>(items: I) -> Self { items.fold($name(0), |a, b| a + b) } }
        impl $crate::error::Tell for $name { fn tell(&self) -> String { self.0.to_string() } }
    };
}
count! {
    /// A number of distinct persons. Not interchangeable with [`Rows`]: k counts persons.
    Patients
}
count! {
    /// A number of rows.
    Rows
}

/// Distinct texts, numbered from 0 in the order of their first appearance.
#[derive(Clone, Debug, Default)]
pub struct Dictionary {
    text: String,
    ends: Vec<usize>,
    /// What follows from the texts, found out when it is first asked for: many columns and both releases share a dictionary.
    order: OnceLock<Vec<u32>>,
    days: OnceLock<Vec<Option<i32>>>,
}

impl PartialEq for Dictionary {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.ends == other.ends
    }
}

impl Eq for Dictionary {}

impl Dictionary {
    /// The number of texts.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }
    /// Whether there is no text.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }
    /// The text with a number.
    ///
    /// # Panics
    /// If there is no such number (a bug, never a matter of data).
    #[inline]
    #[must_use]
    pub fn text(&self, code: u32) -> &str {
        let code = code as usize;
        let start = if code == 0 { 0 } else { self.ends[code - 1] };
        &self.text[start..self.ends[code]]
    }
    /// The numbers of the texts in the order of their bytes.
    #[must_use]
    pub fn order(&self) -> &[u32] {
        self.order.get_or_init(|| self.sorted(0..self.ends.len() as u32))
    }
    /// The day of each text that is a date with its day, counted from 1970-01-01.
    #[must_use]
    pub fn days(&self) -> &[Option<i32>] {
        let day = |text: &str| date::parse(text).and_then(|when| when.days());
        self.days.get_or_init(|| self.texts().map(day).collect())
    }
    fn sorted(&self, codes: impl Iterator<Item = u32>) -> Vec<u32> {
        let mut order: Vec<(u128, u32)> = codes.map(|c| (beginning(self.text(c)), c)).collect();
        order.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| self.text(a.1).cmp(self.text(b.1)))
        });
        order.into_iter().map(|(_, code)| code).collect()
    }
    /// All texts in order of their numbers.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        (0..self.ends.len()).map(|code| self.text(code as u32))
    }
    /// Bytes of memory used.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.text.capacity() + self.ends.capacity() * size_of::<usize>()
    }
    /// A dictionary from texts one after the other and their ends; `None` if the ends do not part the text. Its maker sees to it
    /// that no text is there twice.
    #[must_use]
    pub fn from_raw(text: String, ends: Vec<usize>) -> Option<Self> {
        let mut last = 0;
        let ordered = ends.iter().all(|&end| {
            let fits = end >= last && text.is_char_boundary(end);
            last = end;
            fits
        });
        (ordered && last == text.len() && ends.len() < MISSING as usize).then(|| Dictionary {
            text,
            ends,
            ..Dictionary::default()
        })
    }
    fn push(&mut self, text: &str) -> u32 {
        let code = u32::try_from(self.ends.len()).unwrap_or(MISSING);
        assert!(code != MISSING, "a dictionary holds at most 2^32 - 1 texts");
        if self.order.get().is_some() || self.days.get().is_some() {
            (self.order, self.days) = (OnceLock::new(), OnceLock::new());
        }
        self.text.push_str(text);
        self.ends.push(self.text.len());
        code
    }
}

/// Builds a dictionary; the same text always gets the same code.
#[derive(Clone, Debug, Default)]
pub struct Interner {
    dictionary: Dictionary,
    /// Half of a text's hash beside its code: growing and most misses look at no text.
    table: HashTable<(u32, u32)>,
    hasher: DefaultHashBuilder,
}

impl Interner {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// The code of a text; a new text gets the next number.
    pub fn intern(&mut self, text: &str) -> u32 {
        let half = self.half(text);
        let Interner { dictionary, table, .. } = self;
        match table.entry(
            spread(half),
            |&(known, code)| known == half && dictionary.text(code) == text,
            |&(known, _)| spread(known),
        ) {
            hashbrown::hash_table::Entry::Occupied(entry) => entry.get().1,
            hashbrown::hash_table::Entry::Vacant(entry) => {
                let code = dictionary.push(text);
                entry.insert((half, code));
                code
            }
        }
    }
    /// The code of a text that is already there.
    #[must_use]
    pub fn find(&self, text: &str) -> Option<u32> {
        let half = self.half(text);
        let same =
            |&(known, code): &(u32, u32)| known == half && self.dictionary.text(code) == text;
        self.table.find(spread(half), same).map(|&(_, code)| code)
    }
    /// Takes in the texts of another one; gives the code here of each code there.
    pub fn renumbered(&mut self, other: &Interner) -> Vec<u32> {
        other.dictionary.texts().map(|text| self.intern(text)).collect()
    }
    /// The texts so far.
    #[must_use]
    pub fn dictionary(&self) -> &Dictionary {
        &self.dictionary
    }
    /// Ends building.
    #[must_use]
    pub fn finish(self) -> Dictionary {
        self.dictionary
    }
    fn half(&self, text: &str) -> u32 {
        let mut state = self.hasher.build_hasher();
        text.hash(&mut state);
        let hash = std::hash::Hasher::finish(&state);
        (hash ^ hash >> 32) as u32
    }
}

/// Written as the list of its texts: a code is a place in it.
impl serde::Serialize for Interner {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.dictionary.texts())
    }
}
impl<'de> serde::Deserialize<'de> for Interner {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(deserializer)?;
        let mut interner = Interner::new();
        for (code, text) in texts.iter().enumerate() {
            if interner.intern(text) as usize != code {
                // A message of the reader shows no text.
                return Err(serde::de::Error::custom("a text stands twice in a list of texts"));
            }
        }
        Ok(interner)
    }
}

/// All 64 bits that the table looks at, made again from the half that it keeps.
fn spread(half: u32) -> u64 {
    (u64::from(half) | u64::from(half) << 32).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// The first bytes of a text as a number that is ordered as the texts are, but for texts that begin alike.
fn beginning(text: &str) -> u128 {
    let mut bytes = [0; 16];
    let length = text.len().min(16);
    bytes[..length].copy_from_slice(&text.as_bytes()[..length]);
    u128::from_be_bytes(bytes)
}

/// A column: a code a row, and the texts of the codes. [`MISSING`] stands for a missing cell.
///
/// The dictionary may hold texts that no row uses (after rows were removed). Nothing that is written
/// to disk may be made from the dictionary alone; see [`Column::compact`].
#[derive(Clone, Debug)]
pub struct Column {
    codes: Vec<u32>,
    dictionary: Arc<Dictionary>,
}

impl Column {
    /// A column from codes and texts.
    ///
    /// # Panics
    /// If a code has no text (a bug).
    #[must_use]
    pub fn new(codes: Vec<u32>, dictionary: Arc<Dictionary>) -> Self {
        debug_assert!(codes.iter().all(|&c| c == MISSING || (c as usize) < dictionary.len()));
        Column { codes, dictionary }
    }
    /// A column from texts; `None` is missing. For tests and small data.
    pub fn from_texts<T: AsRef<str>>(texts: impl IntoIterator<Item = Option<T>>) -> Self {
        let mut builder = ColumnBuilder::default();
        for text in texts {
            builder.push(text.as_ref().map(AsRef::as_ref));
        }
        builder.finish()
    }
    /// A column of one text (or of missing cells).
    #[must_use]
    pub fn constant(text: Option<&str>, rows: usize) -> Self {
        let mut interner = Interner::new();
        let code = text.map_or(MISSING, |t| interner.intern(t));
        Column { codes: vec![code; rows], dictionary: Arc::new(interner.finish()) }
    }
    /// The number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }
    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
    /// The codes, one a row.
    #[inline]
    #[must_use]
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }
    /// The texts.
    #[inline]
    #[must_use]
    pub fn dictionary(&self) -> &Arc<Dictionary> {
        &self.dictionary
    }
    /// The text of a row; `None` if missing.
    #[inline]
    #[must_use]
    pub fn text(&self, row: usize) -> Option<&str> {
        match self.codes[row] {
            MISSING => None,
            code => Some(self.dictionary.text(code)),
        }
    }
    /// All cells in order.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = Option<&str>> + '_ {
        self.codes.iter().map(|&c| if c == MISSING { None } else { Some(self.dictionary.text(c)) })
    }
    /// The rows with the given numbers, in that order; the dictionary is shared.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> Self {
        Column {
            codes: rows.iter().map(|&r| self.codes[r as usize]).collect(),
            dictionary: Arc::clone(&self.dictionary),
        }
    }
    /// The same cells with a dictionary that holds only the texts that occur, sorted by their bytes.
    /// The result depends on the cells alone, not on how they came to be.
    #[must_use]
    pub fn compact(&self) -> Self {
        let mut new_code = vec![MISSING; self.dictionary.len()];
        let mut dictionary = Dictionary::default();
        for &old in &self.used_in_order() {
            // Two codes may stand for one text after a map; they become one here.
            let text = self.dictionary.text(old);
            let last = dictionary.len().checked_sub(1).map(|l| l as u32);
            new_code[old as usize] = match last {
                Some(last) if dictionary.text(last) == text => last,
                _ => dictionary.push(text),
            };
        }
        let codes = self
            .codes
            .iter()
            .map(|&c| if c == MISSING { MISSING } else { new_code[c as usize] })
            .collect();
        Column { codes, dictionary: Arc::new(dictionary) }
    }
    /// The rank of each cell among the texts that stand in the column, in the order of their bytes from 0, and their number. Equal
    /// cells have equal ranks; missing cells have [`MISSING`].
    #[must_use]
    pub fn ranks(&self) -> (Vec<u32>, usize) {
        let mut rank_of = vec![MISSING; self.dictionary.len()];
        let mut ranks = 0_u32;
        let mut last = None;
        for &code in &self.used_in_order() {
            // Two codes may stand for one text after a map.
            let text = self.dictionary.text(code);
            if last != Some(text) {
                ranks += 1;
                last = Some(text);
            }
            rank_of[code as usize] = ranks - 1;
        }
        let of = |&c: &u32| if c == MISSING { MISSING } else { rank_of[c as usize] };
        (self.codes.iter().map(of).collect(), ranks as usize)
    }
    /// The codes that stand in the column, in the order of their texts' bytes.
    fn used_in_order(&self) -> Vec<u32> {
        let mut used = vec![false; self.dictionary.len()];
        for &code in &self.codes {
            if code != MISSING {
                used[code as usize] = true;
            }
        }
        let is_used = |&code: &u32| used[code as usize];
        let count = used.iter().filter(|&&u| u).count();
        // Few texts of a large dictionary are sorted by themselves; else all are, once for all columns that share it.
        if count * 4 < used.len() && self.dictionary.order.get().is_none() {
            self.dictionary.sorted((0..used.len() as u32).filter(is_used))
        } else {
            self.dictionary.order().iter().copied().filter(is_used).collect()
        }
    }
    /// Appends another column (its texts are looked up in this one's dictionary).
    #[must_use]
    pub fn concat(parts: &[&Column]) -> Self {
        if let Some(first) = parts.first()
            && parts.iter().all(|p| Arc::ptr_eq(&p.dictionary, &first.dictionary))
        {
            let codes = parts.iter().flat_map(|p| p.codes.iter().copied()).collect();
            return Column { codes, dictionary: Arc::clone(&first.dictionary) };
        }
        let mut interner = Interner::new();
        let mut codes = Vec::with_capacity(parts.iter().map(|p| p.len()).sum());
        for part in parts {
            let mut map = vec![MISSING; part.dictionary.len()];
            for &code in &part.codes {
                if code == MISSING {
                    codes.push(MISSING);
                } else {
                    let slot = &mut map[code as usize];
                    if *slot == MISSING {
                        *slot = interner.intern(part.dictionary.text(code));
                    }
                    codes.push(*slot);
                }
            }
        }
        Column { codes, dictionary: Arc::new(interner.finish()) }
    }
    /// The same columns over one dictionary, so that equal texts have equal codes in all of them.
    #[must_use]
    pub fn shared(columns: &[&Column]) -> Vec<Column> {
        let mut interner = Interner::new();
        let codes: Vec<Vec<u32>> = columns
            .iter()
            .map(|column| {
                let map: Vec<u32> =
                    column.dictionary.texts().map(|text| interner.intern(text)).collect();
                let codes = column.codes.iter();
                codes.map(|&c| if c == MISSING { MISSING } else { map[c as usize] }).collect()
            })
            .collect();
        let dictionary = Arc::new(interner.finish());
        let column = |codes| Column { codes, dictionary: Arc::clone(&dictionary) };
        codes.into_iter().map(column).collect()
    }
    /// Bytes of memory used (a shared dictionary counts in full).
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.codes.capacity() * size_of::<u32>() + self.dictionary.bytes()
    }
}

/// Builds a column cell by cell.
#[derive(Debug, Default)]
pub struct ColumnBuilder {
    codes: Vec<u32>,
    interner: Interner,
}

impl ColumnBuilder {
    /// Appends a cell; `None` is missing.
    pub fn push(&mut self, text: Option<&str>) {
        let code = text.map_or(MISSING, |t| self.interner.intern(t));
        self.codes.push(code);
    }
    /// The code of a text in this column, for cells that are known to be equal.
    #[inline]
    pub fn code(&mut self, text: &str) -> u32 {
        self.interner.intern(text)
    }
    /// Appends a cell by its code: one that [`Self::code`] gave, or [`MISSING`].
    #[inline]
    pub fn push_code(&mut self, code: u32) {
        self.codes.push(code);
    }
    /// The number of cells so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.codes.len()
    }
    /// Whether there are no cells.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }
    /// Removes the cells from `len` on (the dictionary keeps their texts).
    pub fn truncate(&mut self, len: usize) {
        self.codes.truncate(len);
    }
    /// Ends building.
    #[must_use]
    pub fn finish(self) -> Column {
        Column { codes: self.codes, dictionary: Arc::new(self.interner.finish()) }
    }
}

/// The rows of one table (of one partition, or all).
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// Number of rows; every column has as many.
    pub rows: usize,
    /// The columns in the order of the policy or of the output.
    pub columns: Vec<Column>,
}

/// Joins blocks of one table, column by column.
#[must_use]
pub fn join_blocks(blocks: &[Table], columns: usize) -> Table {
    let rows = blocks.iter().map(|b| b.rows).sum();
    let columns = (0..columns)
        .into_par_iter()
        .map(|c| {
            let parts: Vec<&Column> = blocks.iter().map(|b| &b.columns[c]).collect();
            if parts.is_empty() { Column::constant(None, 0) } else { Column::concat(&parts) }
        })
        .collect();
    Table { rows, columns }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn compact_forgets_what_no_row_uses() {
        let column =
            Column::from_texts([Some("山田"), None, Some("b"), Some("a")]).take(&[2, 1, 3]);
        let compact = column.compact();
        assert_eq!(compact.dictionary().texts().collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(compact.cells().collect::<Vec<_>>(), [Some("b"), None, Some("a")]);
    }

    #[test]
    fn compact_sorts_texts_that_begin_alike() {
        let texts = ["", "\0", "sixteen bytes it", "sixteen bytes it\0", "sixteen bytes its", "山"];
        let column = Column::from_texts(texts.iter().rev().map(Some));
        assert_eq!(column.compact().dictionary().texts().collect::<Vec<_>>(), texts);
    }

    proptest! {
        #[test]
        fn concat_and_compact_keep_the_cells(parts in proptest::collection::vec(proptest::collection::vec(proptest::option::of("[a-c]{0,2}"), 0..8), 0..4)) {
            let columns: Vec<Column> = parts.iter().map(|p| Column::from_texts(p.clone())).collect();
            let whole = Column::concat(&columns.iter().collect::<Vec<_>>());
            let expected: Vec<Option<String>> = parts.concat();
            let cells = |c: &Column| c.cells().map(|t| t.map(str::to_owned)).collect::<Vec<_>>();
            prop_assert_eq!(cells(&whole), expected.clone());
            let compact = whole.compact();
            prop_assert_eq!(cells(&compact), expected);
            prop_assert_eq!(whole.ranks(), (compact.codes().to_vec(), compact.dictionary().len()));
            let twice = Column::new(whole.codes().to_vec(), Arc::new(Dictionary { ends: vec![0; whole.dictionary().len()], ..Dictionary::default() }));
            prop_assert!(twice.ranks().1 <= 1, "codes of one text have one rank");
            let shared = Column::shared(&columns.iter().collect::<Vec<_>>());
            for (one, own) in shared.iter().zip(&columns) {
                prop_assert_eq!(cells(one), cells(own));
                prop_assert!(Arc::ptr_eq(one.dictionary(), shared[0].dictionary()));
            }
        }
    }
}
