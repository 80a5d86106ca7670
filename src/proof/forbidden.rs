//! No identifier left: values of direct, id-code, financial and link columns of the source stand nowhere in a release.
//!
//! What is searched for is remembered as 64-bit hashes, not as text. A value is looked for as it stood, in NFKC, in full
//! width, and without hyphens, blanks and leading zeros; and folded as the detectors fold ([`crate::text::normalize`]): width,
//! zero-width characters, kana, variants of ideographs (高橋崎子 for 髙橋﨑子), small letters, and marks between the parts.
//! How it is looked for depends on what could be coincidence:
//!
//! * 12 bytes or more that are not all digits (`POP-000004-01`, a full name): anywhere, also inside other text and in the
//!   decompressed pages and metadata of the files;
//! * 6 to 11 bytes that are not all digits and not a short Japanese name: anywhere in a cell;
//! * all digits, 6 or more: a whole run of digits of a cell of a text column; from 8 digits on of a number column, from 10
//!   digits on of a column with a code system (among a million patients' numbers some are drug codes). Groups of digits are
//!   put together if hyphens part them (`6645-5770`), from 8 digits on blanks and parentheses, from 10 on or in three groups
//!   dots and slashes, and by any of these in a cell that is nothing else; commas by thousands, and dots and commas behind
//!   zeros (`0066.4557`), from 8 digits on; not where they are a date, and not in labels that a technique made of numbers
//!   (`1000-1999`). In ideographs (六六四五五七) a whole run of them;
//! * Japanese of two or three characters (a family name): a whole word of a cell of a text column, unless the policy
//!   declares that its values coincide with identifiers (`coincides`: prefectures such as 山口 are family names too);
//! * a name of two words in kana or Latin letters: in any spelling of Latin letters (`SATO TARO`), in either order;
//! * family and given name in two columns: as one name;
//! * shorter values cannot be told from other content. They are counted, and the record says so.

use std::hash::{BuildHasher, Hasher};

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

use crate::detect::everyone::{parts_of_names, squeezed, whole_names};
use crate::frame::{MISSING, Table};
use crate::plan::Plan;
use crate::plan::claims::Witness;
use crate::schema::Type;
use crate::text::normalize::{fold, large_katakana, name_key};
use crate::text::number::Decimal;
use crate::text::spelled::kanji_runs;
use crate::text::{date, identifier, romaji};

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
    /// Names in the one form of Latin letters.
    latin: HashSet<u64>,
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
            latin: HashSet::new(),
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

/// What a word of two or three characters is compared by. Short kana are words of their own: あり is no アリ.
fn word_key(word: &str) -> String {
    let long = word.chars().nth(2).is_some();
    let large = |c| if long { large_katakana(c) } else { c };
    word.chars().flat_map(|c| large(c).to_uppercase()).collect()
}

/// A name of two words in ideographs or kana the other way round: 崎子高橋.
fn turned(text: &str) -> Option<String> {
    let folded = fold(text);
    let mut parts = folded.text().split([' ', '・', ',']).filter(|p| !p.is_empty());
    let (family, given) = (parts.next()?, parts.next()?);
    let letters =
        |part: &str| part.chars().all(|c| !c.is_ascii() && c.is_alphabetic() || c == 'ー');
    let count = family.chars().count() + given.chars().count();
    (parts.next().is_none() && (4..=12).contains(&count) && letters(family) && letters(given))
        .then(|| name_key(&format!("{given}{family}")))?
}

/// What is searched is told by its column.
#[derive(Clone, Copy, Debug)]
pub struct Searched {
    /// The type of the cells.
    pub ty: Type,
    /// Whether there is a code system.
    pub coded: bool,
    /// Whether the policy says that values coincide with identifiers.
    pub coincides: bool,
    /// Whether the cells are labels that a technique made of numbers.
    pub ranges: bool,
}

impl Searched {
    /// A column of a type, of which nothing else is known.
    #[must_use]
    pub fn of(ty: Type) -> Self {
        Searched { ty, coded: false, coincides: false, ranges: false }
    }
    fn is_free(self) -> bool {
        matches!(self.ty, Type::String | Type::Code | Type::Measured) && !self.coincides
    }
    fn shortest_number(self) -> usize {
        match (self.coded, matches!(self.ty, Type::String | Type::Code | Type::Measured)) {
            (true, _) => 10,
            (false, true) => 6,
            (false, false) => 8,
        }
    }
}

/// Groups that a number is written in at most.
const GROUPS: usize = 5;
/// Digits from which on groups may stand apart by blanks, or in three groups by dots.
const APART: usize = 8;
/// Digits from which on two groups may stand apart by a dot.
const DOTTED: usize = 10;
/// Letters of the shortest name in Latin letters.
const LATIN: usize = 5;

/// What stands between two groups of digits that may be one number.
#[derive(Clone, Copy, Eq, Ord, PartialEq, PartialOrd)]
enum Between {
    Hyphen,
    Blank,
    Mark,
    Comma,
}

fn between(text: &str) -> Option<Between> {
    match text {
        "-" => Some(Between::Hyphen),
        "," => Some(Between::Comma),
        _ if (1..=3).contains(&text.len())
            && text.bytes().all(|b| matches!(b, b'-' | b' ' | b'(' | b')')) =>
        {
            Some(Between::Blank)
        }
        _ => matches!(text.trim_matches(' '), "." | "/" | "_" | "・" | "·" | "•" | "~" | "|")
            .then_some(Between::Mark),
    }
}

/// A digit in half or full width, as ASCII.
fn narrow_digit(c: char) -> Option<char> {
    match c {
        '0'..='9' => Some(c),
        '０'..='９' => char::from_u32(c as u32 - 0xFEE0),
        _ => None,
    }
}

impl Witness for Forbidden {
    fn source(&mut self, plan: &Plan, tables: &[&Table]) {
        for (table, part) in plan.tables.iter().zip(tables) {
            for (column, cells) in table.columns.iter().zip(&part.columns) {
                if !column.facts.role.must_vanish() {
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
            let facts: Vec<_> = table.columns.iter().map(|c| &c.facts).collect();
            for (family, given) in parts_of_names(&facts) {
                let columns = &part.columns;
                for name in whole_names(&columns[family], &columns[given]) {
                    self.forbid(&name);
                }
            }
        }
    }
}

impl Forbidden {
    /// All has been seen: what only tells whether a value was added before is forgotten.
    pub fn settle(&mut self) {
        self.seen = HashSet::new();
    }

    /// Adds one value with its variants.
    pub fn forbid(&mut self, text: &str) {
        let whole = self.hash(text.as_bytes());
        if !self.seen.insert(whole) {
            return;
        }
        let mut searchable = false;
        let raw = text.trim().to_owned();
        for form in romaji::full_names(text) {
            if form.len() >= LATIN {
                self.latin.insert(self.hash(form.as_bytes()));
                searchable = true;
            }
        }
        let variants = identifier::variants(text).into_iter().chain(std::iter::once(raw));
        for variant in variants.chain(name_key(text)).chain(turned(text)) {
            match shape(&variant) {
                Shape::Short => continue,
                Shape::Digits => {
                    let narrow: String = variant.chars().filter_map(narrow_digit).collect();
                    self.digits.insert(self.hash(narrow.as_bytes()));
                }
                Shape::Word => {
                    let key = word_key(fold(&variant).text());
                    self.words.insert(self.hash(key.as_bytes()));
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
    pub fn in_cell(&self, text: &str, column: Searched) -> bool {
        // A day is a day: that it was somebody's birthday too says nothing of the column.
        if column.ty.is_date() {
            return false;
        }
        if self.in_bytes(text.as_bytes(), 0) {
            return true;
        }
        let ascii = text.bytes().all(|b| matches!(b, b' '..=b'~'));
        let written;
        let folded = if ascii {
            text
        } else {
            written = fold(text);
            written.text()
        };
        if !column.coincides && self.in_numbers(folded, column) {
            return true;
        }
        if ascii && !folded.bytes().any(|b| b.is_ascii_alphabetic()) {
            return false;
        }
        let plain = ascii && folded.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
        (!plain || column.is_free()) && self.in_words(folded, plain, column)
    }

    /// Whether a folded text holds a forbidden number, as one run of digits or in groups.
    fn in_numbers(&self, text: &str, column: Searched) -> bool {
        if self.digits.is_empty() {
            return false;
        }
        let shortest = column.shortest_number();
        let is_one = |number: &str| {
            [number, number.trim_start_matches('0')].into_iter().any(|number| {
                number.len() >= shortest && self.digits.contains(&self.hash(number.as_bytes()))
            })
        };
        // 66,455,770 and 6.645577E+07 have been through a spreadsheet.
        if column.is_free()
            && text.contains([',', 'e', 'E'])
            && let Some(number) = Decimal::parse(text).and_then(Decimal::to_integer)
            && is_one(&number.unsigned_abs().to_string())
        {
            return true;
        }
        let kanji = || kanji_runs(text, shortest).iter().any(|(_, digits)| is_one(digits));
        if column.is_free() && kanji() {
            return true;
        }
        let bytes = text.as_bytes();
        // The last groups before a place, the first first.
        let mut groups: Vec<(usize, usize)> = Vec::new();
        let mut number = String::new();
        let mut at = 0;
        while let Some(first) = bytes[at..].iter().position(u8::is_ascii_digit) {
            let start = at + first;
            let end = start + bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
            if end - start >= shortest && is_one(&text[start..end]) {
                return true;
            }
            at = end;
            if column.ranges {
                continue;
            }
            match groups.last() {
                Some(&(_, last)) if between(&text[last..start]).is_some() => {}
                _ => groups.clear(),
            }
            groups.push((start, end));
            if groups.len() > GROUPS {
                groups.remove(0);
            }
            // Every number of several groups that ends here.
            let (mut parted, mut length) = (Between::Hyphen, end - start);
            for from in (0..groups.len() - 1).rev() {
                let ((begin, stop), next) = (groups[from], groups[from + 1].0);
                parted = parted.max(between(&text[stop..next]).unwrap_or(Between::Mark));
                length += stop - begin;
                let whole = text[..begin].trim_matches([' ', '(']).is_empty()
                    && text[end..].trim().is_empty();
                // Zeros that no decimal and no list has: 0066.4557, 0066,4557. And 66,455,770 in other text.
                let zero = stop - begin >= 2 && bytes[begin] == b'0';
                let inner =
                    text[stop..end].bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b','));
                let thousands = stop - begin <= 3
                    && groups[from..].windows(2).all(|g| g[1].1 - g[1].0 == 3)
                    && text[stop..end].bytes().all(|b| b.is_ascii_digit() || b == b',');
                let least = match (parted, groups.len() - from) {
                    _ if column.is_free() && (zero && inner || thousands) => shortest.max(APART),
                    (Between::Comma, _) => continue,
                    _ if whole && column.is_free() && Decimal::parse(text).is_none() => shortest,
                    (Between::Hyphen, _) => shortest,
                    (Between::Blank, _) | (Between::Mark, 3..) => shortest.max(APART),
                    (Between::Mark, _) => shortest.max(DOTTED),
                };
                let piece = &text[begin..end];
                if date::parse(piece).is_some() {
                    break;
                }
                if length >= least {
                    number.clear();
                    number.extend(piece.chars().filter(char::is_ascii_digit));
                    if is_one(&number) {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Whether a folded text holds forbidden letters: as they are compared, as words, in Latin letters.
    fn in_words(&self, text: &str, plain: bool, column: Searched) -> bool {
        let (dense, at) = if plain { (String::new(), Vec::new()) } else { squeezed(text) };
        if !plain && !self.prefixes.is_empty() {
            let found = self.matches(dense.as_bytes(), 0, &mut |range| {
                // A hash may match between two characters.
                if !dense.is_char_boundary(range.start) || !dense.is_char_boundary(range.end) {
                    return false;
                }
                let (start, end) = (at[range.start].0, at[range.end - 1].1);
                is_written(text, start..end)
            });
            if found {
                return true;
            }
        }
        if !column.is_free() {
            return false;
        }
        let letter = |c: char| c.is_alphanumeric() || matches!(c, 'ー' | '々');
        let is_word = |word: &str| self.words.contains(&self.hash(word_key(word).as_bytes()));
        let whole = || text.chars().filter(|&c| letter(c)).take(4).collect::<String>();
        let worded = !self.words.is_empty()
            && (is_word(&whole())
                || text.split(|c| !letter(c)).any(|word| !word.is_empty() && is_word(word)));
        if worded {
            return true;
        }
        let mut latin = false;
        if !self.latin.is_empty() {
            romaji::pairs(text, &mut |_, form| {
                latin |= form.len() >= LATIN && self.latin.contains(&self.hash(form.as_bytes()));
            });
        }
        latin
    }

    /// Whether bytes hold a forbidden value of at least `shortest` bytes as a substring.
    #[must_use]
    pub fn in_bytes(&self, bytes: &[u8], shortest: usize) -> bool {
        self.matches(bytes, shortest, &mut |_| true)
    }

    /// Whether bytes hold a forbidden value of at least `shortest` bytes at a place that `taken` takes.
    fn matches(
        &self,
        bytes: &[u8],
        shortest: usize,
        taken: &mut dyn FnMut(std::ops::Range<usize>) -> bool,
    ) -> bool {
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
                        && taken(start..start + length)
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

/// Whether letters of a text that are a value without its marks are that value: nothing stands between them, or little and the
/// value is a word by itself.
fn is_written(text: &str, range: std::ops::Range<usize>) -> bool {
    let piece = &text[range.clone()];
    let letter = |c: char| c.is_alphanumeric() || matches!(c, 'ー' | '々');
    let marks = piece.chars().filter(|&c| !letter(c)).count();
    let hiragana = |c: char| matches!(c, '\u{3041}'..='\u{3096}');
    let beside = |c: Option<char>, edge: Option<char>| {
        c.zip(edge).is_some_and(|(c, edge)| {
            c.is_ascii_alphanumeric() && edge.is_ascii_alphanumeric()
                || hiragana(c) && hiragana(edge)
        })
    };
    let closed = !beside(text[..range.start].chars().next_back(), piece.chars().next())
        && !beside(text[range.end..].chars().next(), piece.chars().next_back());
    // さとうみ in running hiragana may be anything.
    if marks == 0 {
        return closed || !piece.chars().all(hiragana);
    }
    let few = if piece.is_ascii() || piece.chars().any(|c| c.is_ascii_digit()) { 8 } else { 3 };
    closed && marks <= few && !piece.contains(['\n', '。', '、', ';'])
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
        for text in [
            "POP-000004",
            "山本",
            "山本 和花",
            "0001234567",
            "12",
            "森",
            "66455770",
            "髙橋　﨑子",
            "045-987-6543",
            "サトウ タロウ",
            "林 薫",
            "1955-01-02",
            "アリ",
        ] {
            forbidden.forbid(text);
        }
        forbidden
    }

    fn found(text: &str, ty: Type) -> bool {
        forbidden().in_cell(text, Searched::of(ty))
    }

    #[test]
    fn finds_identifiers_in_every_spelling() {
        for text in [
            "ENC-POP-000004-7",
            "pop ＰＯＰ－０００００４",
            "pop-000004",
            "POP000004",
            "Pop 000004",
            "患者は山本 和花さん",
            "山本和花",
            "高橋崎子",
            "高橋 﨑子様",
            "髙　橋　崎\u{200b}子",
            "担当 髙橋﨑子",
            "045(987)6543",
            "045.987.6543",
            "No 66,455,770",
            "0066.455770",
            "00,66455770",
            "六六四五五七七〇",
            "番号：〇〇〇一二三四五六七",
            "和花山本",
            "崎子髙橋様",
            "０４５−９８７−６５４３",
            "SATO TARO",
            "Satoh, Tarou",
            "taro sato",
            "Pt. Tarō Satō",
            "さとう たろう",
            "ｻﾄｳ・ﾀﾛｳ",
            "林 薫",
            "林薫",
            "1955-01-02",
        ] {
            assert!(found(text, Type::String), "{text}");
        }
        for text in [
            "0001234567",
            "1234567",
            "no. 1234567/a",
            "００１２３４５６７",
            "6645-5770",
            "66455770",
            "6645\u{200b}5770",
            "6645 5770",
            "６６４５－５７７０",
            "ID 66-45-57-70",
            "6645/57/70",
            "66455770.0",
            "66,455,770",
            "6.645577E+07",
        ] {
            assert!(found(text, Type::Code), "{text}");
        }
        assert!(found("山本 様", Type::String));
    }

    #[test]
    fn leaves_coincidences_alone() {
        for (text, ty) in [
            ("12", Type::String),
            ("山本町立", Type::String),
            ("11234567", Type::Code),
            ("1234567", Type::Integer),
            ("2024-05-03", Type::Date),
            ("1955-01-02", Type::Date),
            ("12-3456", Type::Code),
            ("あり", Type::String),
            ("さとうたろうそば", Type::String),
            ("Taro Station, Sato", Type::String),
            ("6645.5770", Type::Measured),
            ("6645.5770 mg", Type::String),
            ("6645,5770", Type::Code),
            ("66,45,57,70", Type::String),
            ("1,234,567円", Type::String),
            ("六六四五五七七", Type::String),
            ("一二三四五六七八", Type::Integer),
            ("高橋、崎子", Type::String),
            ("SATO", Type::String),
        ] {
            assert!(!found(text, ty), "{text}");
        }
        let f = forbidden();
        let coincides = Searched { coincides: true, ..Searched::of(Type::String) };
        assert!(!f.in_cell("山本", coincides));
        // The label of a band is a range of numbers.
        let label = Searched { ranges: true, ..Searched::of(Type::Code) };
        assert!(!f.in_cell("6645-5770", label) && f.in_cell("66455770", label));
        // Among codes of a system some are numbers of patients.
        let coded = Searched { coded: true, ..Searched::of(Type::Code) };
        assert!(!f.in_cell("66455770", coded) && f.in_cell("0001234567", coded));
        // A day is made of digits as a number is.
        let mut days = Forbidden::default();
        days.forbid("20240123");
        assert!(!days.in_cell("2024-01-23", Searched::of(Type::String)));
        assert!(days.in_cell("20240123", Searched::of(Type::String)));
        assert_eq!((f.searched, f.too_short), (11, 2));
    }

    #[test]
    fn finds_long_values_in_raw_bytes() {
        let f = forbidden();
        assert!(f.in_file("xx山本和花xx".as_bytes()));
        assert!(!f.in_file(b"a file of other things"));
    }

    proptest::proptest! {
        #[test]
        fn searching_never_panics(text in "\\PC{0,24}", number in "[0-9 ./()-]{0,24}", name in "[髙橋﨑子高さとうサトウタロ　 ・SATOtaro-]{0,16}") {
            let f = forbidden();
            for ty in [Type::String, Type::Integer] {
                for text in [&text, &number, &name] {
                    let _ = f.in_cell(text, Searched::of(ty));
                }
            }
        }
    }
}
