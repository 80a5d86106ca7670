//! No identifier left: values of direct, id-code, financial and link columns of the source stand nowhere in a release.
//!
//! What is searched for is remembered as 64-bit hashes, not as text. A value is looked for as it stood, in NFKC, in full
//! width, and without hyphens, blanks and leading zeros. How it is looked for depends on what could be coincidence:
//!
//! * 12 bytes or more that are not all digits (`POP-000004-01`, a full name): anywhere, also inside other text and in the
//!   decompressed pages and metadata of the files;
//! * 6 to 11 bytes that are not all digits and not a short Japanese name: anywhere in a cell;
//! * all digits, 6 or more: a whole run of digits of a cell of a text column; from 8 digits on of a number column, from 10
//!   digits on of a column with a code system (among a million patients' numbers some are drug codes);
//! * Japanese of two or three characters (a family name): a whole word of a cell of a text column, unless the policy
//!   declares that its values coincide with identifiers (`coincides`: prefectures such as 山口 are family names too);
//! * shorter values cannot be told from other content. They are counted, and the record says so.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

use crate::engine::apply::must_vanish;
use crate::engine::partition::Partition;
use crate::frame::MISSING;
use crate::plan::Plan;
use crate::schema::Type;
use crate::text::identifier;

/// Patterns of at least this many bytes are searched for in whole files.
const LONG: usize = 12;

/// The values that must not be there.
pub struct Forbidden {
    hasher: DefaultHashBuilder,
    /// One bit a hash of four bytes: most positions of a file are passed over by one look at half a megabyte.
    filter: Vec<u64>,
    /// One bit for two bytes with which a substring pattern begins, and one with which a long one does: eight kilobytes each.
    pairs: [Vec<u64>; 2],
    /// Substring patterns: first four bytes to the lengths that begin so.
    prefixes: HashMap<[u8; 4], Vec<u16>>,
    substrings: HashSet<u64>,
    digits: HashSet<u64>,
    words: HashSet<u64>,
    /// Values that were added: the same value in another partition or column is one value.
    seen: HashSet<u64>,
    /// Distinct values that are searched for.
    pub searched: u64,
    /// Distinct values too short to be searched for.
    pub too_short: u64,
}

impl Default for Forbidden {
    fn default() -> Self {
        Forbidden {
            hasher: DefaultHashBuilder::default(),
            filter: vec![0; 1 << 16],
            pairs: [vec![0; 1 << 10], vec![0; 1 << 10]],
            prefixes: HashMap::new(),
            substrings: HashSet::new(),
            digits: HashSet::new(),
            words: HashSet::new(),
            seen: HashSet::new(),
            searched: 0,
            too_short: 0,
        }
    }
}

/// The word and the bit of the filter for four bytes.
fn slot(four: [u8; 4]) -> (usize, u64) {
    let hash = u32::from_le_bytes(four).wrapping_mul(0x9e37_79b1) >> 10;
    ((hash >> 6) as usize, 1 << (hash & 63))
}

enum Shape {
    Short,
    Digits,
    Word,
    Substring,
}

fn shape(text: &str) -> Shape {
    let characters = text.chars().count();
    if text.chars().all(|c| narrow_digit(c).is_some()) {
        return if characters >= 6 { Shape::Digits } else { Shape::Short };
    }
    let wide = text.chars().any(|c| !c.is_ascii() && c.is_alphabetic());
    if wide && (2..4).contains(&characters) {
        return Shape::Word;
    }
    if text.len() >= 6 && characters >= 4 { Shape::Substring } else { Shape::Short }
}

/// A digit in half or full width, as ASCII.
fn narrow_digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_u32(c as u32 - 0xFEE0),
        _ => None,
    }
}

impl Forbidden {
    /// Adds the identifiers of a partition.
    pub fn add(&mut self, plan: &Plan, partition: &Partition) {
        for (table, part) in plan.tables.iter().zip(&partition.tables) {
            for (column, cells) in table.columns.iter().zip(&part.table.columns) {
                if !must_vanish(column.facts.role) {
                    continue;
                }
                let mut used = vec![false; cells.dictionary().len()];
                for &code in cells.codes() {
                    if code != MISSING {
                        used[code as usize] = true;
                    }
                }
                for (code, text) in cells.dictionary().texts().enumerate() {
                    if used[code] && !column.facts.is_special(text) {
                        self.forbid(text);
                        // The values of a repeated field (SS-MIX2, FHIR) stand in one cell.
                        if text.contains('~') {
                            text.split('~').filter(|t| !t.is_empty()).for_each(|t| self.forbid(t));
                        }
                    }
                }
            }
        }
    }

    /// Adds one value with its variants.
    pub fn forbid(&mut self, text: &str) {
        let whole = self.hash(text.as_bytes());
        if !self.seen.insert(whole) {
            return;
        }
        let mut searchable = false;
        let raw = text.trim().to_owned();
        for variant in identifier::variants(text).into_iter().chain(std::iter::once(raw)) {
            match shape(&variant) {
                Shape::Short => continue,
                Shape::Digits => {
                    let narrow: String = variant.chars().filter_map(narrow_digit).collect();
                    self.digits.insert(self.hash(narrow.as_bytes()));
                }
                Shape::Word => {
                    self.words.insert(self.hash(variant.as_bytes()));
                }
                Shape::Substring => {
                    let bytes = variant.as_bytes();
                    let length = bytes.len().min(usize::from(u16::MAX)) as u16;
                    let (word, bit) = slot(first_four(bytes));
                    self.filter[word] |= bit;
                    let pair = usize::from(u16::from_le_bytes([bytes[0], bytes[1]]));
                    self.pairs[0][pair >> 6] |= 1 << (pair & 63);
                    if bytes.len() >= LONG {
                        self.pairs[1][pair >> 6] |= 1 << (pair & 63);
                    }
                    let lengths = self.prefixes.entry(first_four(bytes)).or_default();
                    if !lengths.contains(&length) {
                        lengths.push(length);
                    }
                    self.substrings.insert(self.hash(&bytes[..usize::from(length)]));
                }
            }
            searchable = true;
        }
        if searchable {
            self.searched += 1;
        } else {
            self.too_short += 1;
        }
    }

    /// Whether a cell of a released column holds a forbidden value.
    #[must_use]
    pub fn in_cell(&self, text: &str, ty: Type, coded: bool, coincides: bool) -> bool {
        if self.in_bytes(text.as_bytes(), 0) {
            return true;
        }
        let free = matches!(ty, Type::String | Type::Code | Type::Measured);
        if !ty.is_date() && !coincides {
            let shortest = match (coded, free) {
                (true, _) => 10,
                (false, true) => 6,
                (false, false) => 8,
            };
            let mut run = String::new();
            for c in text.chars().chain(std::iter::once(' ')) {
                if let Some(digit) = narrow_digit(c) {
                    run.push(digit);
                } else {
                    let significant = run.trim_start_matches('0');
                    for candidate in [run.as_str(), significant] {
                        if candidate.len() >= shortest
                            && self.digits.contains(&self.hash(candidate.as_bytes()))
                        {
                            return true;
                        }
                    }
                    run.clear();
                }
            }
        }
        free && !coincides
            && text
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| !word.is_empty() && self.words.contains(&self.hash(word.as_bytes())))
    }

    /// Whether bytes hold a forbidden value of at least `shortest` bytes as a substring.
    #[must_use]
    pub fn in_bytes(&self, bytes: &[u8], shortest: usize) -> bool {
        if bytes.len() < 4 || self.prefixes.is_empty() {
            return false;
        }
        let pairs = &self.pairs[usize::from(shortest >= LONG)][..1 << 10];
        for (start, four) in bytes.windows(4).enumerate() {
            let pair = usize::from(u16::from_le_bytes([four[0], four[1]]));
            if pairs[pair >> 6] >> (pair & 63) & 1 == 0 {
                continue;
            }
            let four = [four[0], four[1], four[2], four[3]];
            let (word, bit) = slot(four);
            if self.filter[word] & bit == 0 {
                continue;
            }
            if let Some(lengths) = self.prefixes.get(&four) {
                for &length in lengths {
                    let length = usize::from(length);
                    if length >= shortest
                        && start + length <= bytes.len()
                        && self.substrings.contains(&self.hash(&bytes[start..start + length]))
                    {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Whether the bytes of a file (not cell by cell) hold a long forbidden value.
    #[must_use]
    pub fn in_file(&self, bytes: &[u8]) -> bool {
        self.in_bytes(bytes, LONG)
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        let mut state = self.hasher.build_hasher();
        state.write(bytes);
        state.finish()
    }
}

fn first_four(bytes: &[u8]) -> [u8; 4] {
    let mut four = [0; 4];
    for (slot, &byte) in four.iter_mut().zip(bytes) {
        *slot = byte;
    }
    four
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forbidden() -> Forbidden {
        let mut forbidden = Forbidden::default();
        for text in ["POP-000004", "山本", "山本 和花", "0001234567", "12", "森"] {
            forbidden.forbid(text);
        }
        forbidden
    }

    #[test]
    fn finds_identifiers_in_every_width() {
        let f = forbidden();
        for text in [
            "ENC-POP-000004-7",
            "pop ＰＯＰ－０００００４",
            "POP000004",
            "患者は山本 和花さん",
            "山本和花",
        ] {
            assert!(f.in_cell(text, Type::String, false, false), "{text}");
        }
        for text in ["0001234567", "1234567", "no. 1234567/a", "００１２３４５６７"] {
            assert!(f.in_cell(text, Type::Code, false, false), "{text}");
        }
        assert!(f.in_cell("山本 様", Type::String, false, false));
    }

    #[test]
    fn leaves_coincidences_alone() {
        let f = forbidden();
        for (text, ty) in [
            ("12", Type::String),
            ("山本町立", Type::String),
            ("11234567", Type::Code),
            ("1234567", Type::Integer),
            ("2024-05-03", Type::Date),
        ] {
            assert!(!f.in_cell(text, ty, false, false), "{text}");
        }
        assert!(!f.in_cell("山本", Type::String, false, true));
        assert_eq!((f.searched, f.too_short), (4, 2));
    }

    #[test]
    fn finds_long_values_in_raw_bytes() {
        let f = forbidden();
        assert!(f.in_file("xx山本和花xx".as_bytes()));
        assert!(!f.in_file(b"a file of other things"));
    }
}
