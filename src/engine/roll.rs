//! Files that name persons (exclusion lists, eligibility files): how they are read, and whom they name.
//!
//! A name that matches nobody is an objection that is not kept. Therefore every name remembers its line, whether a person of
//! the input has it, and whether a person has it in another spelling (`1` for `00001`, the parts in another order). Nothing
//! is guessed from that: it is told.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use hashbrown::{HashMap, HashSet};
use unicode_normalization::UnicodeNormalization;

use super::identity;
use crate::plan::Plan;
use crate::policy::model::Normalize;
use crate::text::identifier;

pub use crate::plan::eligible::lines;

/// Header words of a patient's number, folded by [`folded`].
const PATIENT: &[&str] = &[
    "患者id",
    "患者番号",
    "患者no",
    "患者コード",
    "患者識別番号",
    "患者識別子",
    "患者識別id",
    "患者",
    "本人",
    "データ識別番号",
    "カルテ番号",
    "カルテno",
    "カルテid",
    "診察券番号",
    "診察券no",
    "診療録番号",
    "登録番号",
    "受診者番号",
    "利用者番号",
    "個人id",
    "症例番号",
    "被験者番号",
    "id",
    "patientid",
    "patient",
    "patientno",
    "patientnumber",
    "patientcode",
    "patientidentifier",
    "patid",
    "ptid",
    "ptno",
    "pid",
    "personid",
    "person",
    "personsourcevalue",
    "subjectid",
    "subject",
    "mrn",
    "medicalrecordnumber",
    "chartno",
    "chartnumber",
    "identifier",
];
/// Header words of a facility or of the folder of its files.
const FACILITY: &[&str] = &[
    "施設コード",
    "施設番号",
    "施設id",
    "施設",
    "医療機関コード",
    "医療機関番号",
    "医療機関id",
    "医療機関",
    "病院コード",
    "病院番号",
    "病院id",
    "病院",
    "フォルダ",
    "folder",
    "facility",
    "facilitycode",
    "facilityid",
    "hospital",
    "hospitalid",
    "hospitalcode",
    "site",
    "siteid",
    "sitecode",
    "institution",
    "institutioncode",
];

/// A header cell as it is compared: width, case, blanks and marks do not matter.
#[must_use]
pub fn folded(text: &str) -> String {
    text.nfkc().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The key of the person as a file may spell it.
pub struct Key<'a> {
    /// By part: what its column may be called, folded.
    names: Vec<Vec<String>>,
    normalize: &'a Normalize,
}

impl<'a> Key<'a> {
    /// Of a plan.
    #[must_use]
    pub fn of(plan: &'a Plan) -> Self {
        let parts = plan.tables.first().map_or(1, crate::plan::TablePlan::person_parts);
        let mut names: Vec<Vec<String>> = vec![Vec::new(); parts];
        for table in &plan.tables {
            let columns = &table.keys[table.person_key].columns;
            let before = parts.saturating_sub(columns.len());
            for (at, &column) in columns.iter().enumerate() {
                let column = &table.columns[column];
                if let Some(slot) = names.get_mut(before + at) {
                    slot.extend([
                        folded(column.facts.column.as_str()),
                        folded(column.shown.as_str()),
                    ]);
                }
            }
        }
        if let [one] = &mut names[..] {
            one.push(folded(plan.person_key.as_str()));
        }
        for list in &mut names {
            list.retain(|name| !name.is_empty());
            list.sort();
            list.dedup();
        }
        Key { names, normalize: &plan.normalize }
    }

    /// Of columns with these names.
    #[cfg(test)]
    #[must_use]
    pub fn with(names: &[&str], normalize: &'a Normalize) -> Self {
        Key { names: names.iter().map(|name| vec![folded(name)]).collect(), normalize }
    }

    /// How many parts it has.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.names.len()
    }

    /// Where the parts stand in a header: by the names of the policy's columns first, then by usual names.
    #[must_use]
    pub fn places(&self, header: &[String]) -> Option<Vec<usize>> {
        let header: Vec<String> = header.iter().map(|cell| folded(cell)).collect();
        let last = self.parts() - 1;
        let mut places = Vec::with_capacity(self.parts());
        for (part, names) in self.names.iter().enumerate() {
            let usual = if part == last { PATIENT } else { FACILITY };
            let free = |at: &usize| !places.contains(at);
            let own = || (0..header.len()).filter(free).find(|&at| names.contains(&header[at]));
            let known =
                || (0..header.len()).filter(free).find(|&at| usual.contains(&header[at].as_str()));
            places.push(own().or_else(known)?);
        }
        Some(places)
    }

    /// Whether a cell is a word of a header.
    fn names_a_column(&self, cell: &str) -> bool {
        let cell = folded(cell);
        PATIENT.contains(&cell.as_str())
            || FACILITY.contains(&cell.as_str())
            || self.names.iter().any(|names| names.contains(&cell))
    }

    /// The identities that the numbers in the parts make, where a part holds more than a number or is a day.
    #[must_use]
    pub fn pieces(&self, parts: &[&str]) -> Vec<(String, Near)> {
        let mut found = Vec::new();
        for (at, part) in parts.iter().enumerate() {
            let numbers = pieces(part).into_iter().map(|piece| (piece, Near::Part));
            let days = of_day(part).into_iter().map(|number| (number, Near::Day));
            for (piece, near) in numbers.chain(days) {
                let mut parts = parts.to_vec();
                parts[at] = &piece;
                found.extend(self.identity(&parts).map(|identity| (identity, near)));
            }
        }
        found
    }

    fn part(&self, cell: &str) -> Option<String> {
        identity::part(cell, self.normalize)
    }

    /// Whether a part is a number that lost digits.
    #[must_use]
    pub fn is_cut(&self, part: &str) -> bool {
        let read = identifier::read(part, &self.normalize.rules());
        is_scientific(part) || read == Err(identifier::Unusable::Cut)
    }

    /// The identity that the parts make; none where a part is blank or a filler.
    #[must_use]
    pub fn identity(&self, parts: &[&str]) -> Option<String> {
        let normal: Vec<String> =
            parts.iter().map(|part| self.part(part)).collect::<Option<_>>()?;
        let normal: Vec<&str> = normal.iter().map(String::as_str).collect();
        Some(identifier::compose(&normal))
    }
}

/// The numbers in a cell that holds other things beside them: of three characters or more, with hyphens and without.
fn pieces(cell: &str) -> Vec<String> {
    let cell: String = cell.nfkc().collect();
    let cell = cell.trim();
    let numbers = |hyphens: bool| {
        let word = move |c: char| c.is_ascii_alphanumeric() || hyphens && c == '-';
        let all = cell.split(move |c| !word(c)).map(|piece| piece.trim_matches('-'));
        all.filter(|piece| piece.len() >= 3 && piece.bytes().any(|b| b.is_ascii_digit()))
    };
    let mut found: Vec<String> = numbers(true).chain(numbers(false)).map(str::to_owned).collect();
    found.retain(|piece| piece != cell);
    found.sort();
    found.dedup();
    found
}

/// The numbers of which a spreadsheet makes the day that stands in a cell: `3-14` or `3/14` of 3月14日, 14-Mar and 2026/3/14 (a year that
/// nobody wrote is added); `2024-03` of Mar-24.
fn of_day(cell: &str) -> Vec<String> {
    const MONTHS: [&str; 12] =
        ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let cell = cell.nfkc().collect::<String>().to_lowercase();
    // The time of day that a date is stored with.
    let cell = cell.trim().trim_end_matches([':', '0', '.']).trim_end_matches([' ', 't']);
    if cell.len() < 3 {
        return Vec::new();
    }
    let mark = |c: char| "/-. 年月日".contains(c);
    let mut numbers = Vec::new();
    for word in cell.trim_end_matches('日').split(mark) {
        let month = MONTHS.iter().position(|m| word.len() >= 3 && word.starts_with(m));
        match month.map(|m| m as u32 + 1).or_else(|| word.parse().ok()) {
            Some(number) if word.len() <= 9 => numbers.push(number),
            _ => return Vec::new(),
        }
    }
    let day = numbers.iter().any(|&n| (1..=12).contains(&n));
    let year = |&n: &u32| (1900..2200).contains(&n);
    if !day || !(2..=3).contains(&numbers.len()) || numbers.iter().any(|n| *n > 99 && !year(n)) {
        return Vec::new();
    }
    let written = |n: u32| {
        let last = n % 100;
        [n.to_string(), format!("{n:02}"), format!("{last:02}"), format!("20{last:02}")]
    };
    let mut found = Vec::new();
    for (a, &first) in numbers.iter().enumerate() {
        for (b, &second) in numbers.iter().enumerate().filter(|(b, _)| *b != a) {
            let third = (0..numbers.len()).find(|c| ![a, b].contains(c)).map(|c| numbers[c]);
            for (x, y) in
                written(first).iter().flat_map(|x| written(second).map(|y| (x.clone(), y)))
            {
                let three = third.map(written).into_iter().flatten();
                for mark in ['-', '/'] {
                    found.push(format!("{x}{mark}{y}"));
                    found.extend(three.clone().map(|z| format!("{x}{mark}{y}{mark}{z}")));
                }
            }
        }
    }
    found.retain(|number| number != cell);
    found.sort();
    found.dedup();
    found
}

/// The text of a file: UTF-8, UTF-16 with its mark, or CP932; line ends as LF.
#[must_use]
pub fn decode(bytes: &[u8]) -> Option<String> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => encoding_rs::UTF_16LE
            .decode_without_bom_handling_and_without_replacement(rest)?
            .into_owned(),
        [0xfe, 0xff, rest @ ..] => encoding_rs::UTF_16BE
            .decode_without_bom_handling_and_without_replacement(rest)?
            .into_owned(),
        _ => match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
            Err(_) => encoding_rs::SHIFT_JIS
                .decode_without_bom_handling_and_without_replacement(bytes)?
                .into_owned(),
        },
    };
    Some(text.replace("\r\n", "\n").replace('\r', "\n"))
}

/// The fields of a line, separated by TABs or commas outside of quotes. Empty fields behind the last are left out.
#[must_use]
pub fn fields(line: &str) -> Vec<String> {
    let mut fields = Vec::new();
    let mut field = String::new();
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted => match characters.next_if_eq(&'"') {
                Some(quote) => field.push(quote),
                None => quoted = false,
            },
            // Spreadsheets write ="00001" for a number that shall stay a text.
            '"' if matches!(field.trim(), "" | "=") => {
                field.clear();
                quoted = true;
            }
            '\t' | ',' if !quoted => fields.push(std::mem::take(&mut field)),
            c => field.push(c),
        }
    }
    fields.push(field);
    while fields.len() > 1 && fields.last().is_some_and(|f| f.trim().is_empty()) {
        fields.pop();
    }
    fields
}

/// Whether a line is a comment: it begins with `#` and is no error (`#N/A`) or row of `#` that a spreadsheet shows for a number.
#[must_use]
pub fn is_comment(line: &str) -> bool {
    let Some(rest) = line.strip_prefix('#') else { return false };
    let word = rest.split([',', '\t']).next().unwrap_or_default().trim_end();
    let error = word.ends_with(['!', '?']) || word.eq_ignore_ascii_case("n/a");
    let row = !word.is_empty() && word.bytes().all(|b| b == b'#');
    (!error || word.contains(char::is_whitespace)) && !row
}

/// What may be a person's number though a `#` makes its line a comment (`#00001`): the parts, and whether they follow it at once.
fn behind_mark(line: &str, places: &[usize]) -> Option<(Vec<String>, bool)> {
    let rest = line.trim_start_matches('#');
    let near = !rest.starts_with(char::is_whitespace);
    let cells = fields(rest);
    let part = |&at: &usize| {
        let cell = cells.get(at)?.trim();
        let word = if near { cell.split_whitespace().next() } else { Some(cell) };
        word.map(str::to_owned)
    };
    Some((places.iter().map(part).collect::<Option<_>>()?, near))
}

/// Bare parts as they are remembered of comments: apart from whole identities.
fn as_bare(bare: &str) -> String {
    format!("\u{0}{bare}")
}

/// Whether a cell has the form of a number of a person: half of it is digits, it is one word, and no written day.
fn is_number(cell: &str) -> bool {
    let digits = cell.chars().filter(|c| c.is_numeric()).count();
    let day = cell.contains(['-', '/', '.', '年']) && crate::text::date::parse(cell).is_some();
    digits > 0 && digits * 2 >= cell.chars().count() && !cell.contains(char::is_whitespace) && !day
}

/// Whether a cell is a number as a spreadsheet shows a long one (`1.34227E+07`): digits are lost.
#[must_use]
pub fn is_scientific(cell: &str) -> bool {
    let cell: String = cell.nfkc().collect::<String>().trim().to_ascii_uppercase();
    let Some((mantissa, exponent)) = cell.split_once('E') else { return false };
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
    let signed = exponent.starts_with('+');
    let exponent = exponent.trim_start_matches('+');
    digits(whole)
        && digits(part)
        && digits(exponent)
        && exponent.len() <= 3
        && (signed || mantissa.contains('.'))
}

/// How the name of a person in a file differs from that in the input.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Near {
    /// The parts stand in another order.
    Order,
    /// Behind the number stands `.0`, as a spreadsheet writes numbers.
    Float,
    /// The number has other leading zeros.
    Zeros,
    /// Other characters stand around or within it.
    Marks,
    /// More stands in the cell than the number (`00001;本人`, `00001 山田`, `00001〜00009`).
    Part,
    /// A spreadsheet made a day of the number (`3-14` became `3月14日`).
    Day,
    /// The same letters stand before the number in every line that is named so (`ID1000000`), or before the input's.
    Prefix,
}

impl Near {
    /// All of them.
    pub const ALL: [Near; 7] =
        [Near::Order, Near::Float, Near::Zeros, Near::Marks, Near::Part, Near::Day, Near::Prefix];
    /// What differs, to be told.
    #[must_use]
    pub const fn told(self) -> &'static str {
        match self {
            Near::Order => "with the parts in another order",
            Near::Float => "without the `.0` of a spreadsheet",
            Near::Zeros => "with other leading zeros",
            Near::Marks => "with other characters in or around it",
            Near::Part => "as a part of what stands there",
            Near::Day => "with a number of which a spreadsheet makes such a day",
            Near::Prefix => "without the letters before the number (or with some)",
        }
    }
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A part without what spreadsheets and people add or lose.
fn bare(part: &str) -> String {
    let part: String = part.nfkc().flat_map(char::to_uppercase).collect();
    let whole = match part.split_once('.') {
        Some((whole, zeros)) if !whole.is_empty() && zeros.bytes().all(|b| b == b'0') => whole,
        _ => &part,
    };
    let bare: String = whole.chars().filter(|c| c.is_alphanumeric()).collect();
    if bare.bytes().all(|b| b.is_ascii_digit()) && bare.bytes().any(|b| b != b'0') {
        bare.trim_start_matches('0').to_owned()
    } else {
        bare
    }
}

/// The bare parts of an identity, in their order and sorted as one text.
fn loose(identity: &str) -> Option<(Vec<String>, String)> {
    let parts: Vec<String> = identifier::decompose(identity)?.into_iter().map(bare).collect();
    let mut sorted: Vec<&str> = parts.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    let sorted = identifier::compose(&sorted);
    Some((parts, sorted))
}

/// The parts with what letters stand before a number taken off, and those letters; none where a part is no number at its end.
fn numbered(identity: &str) -> Option<(String, Vec<String>)> {
    let mut letters = Vec::new();
    let mut numbers = Vec::new();
    for part in identifier::decompose(identity)? {
        let part = bare(part);
        let number = part.trim_start_matches(|c: char| !c.is_ascii_digit());
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        letters.push(part[..part.len() - number.len()].to_owned());
        numbers.push(number.trim_start_matches('0').to_owned());
    }
    let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
    Some((identifier::compose(&numbers), letters))
}

fn difference(named: &str, person: &str) -> Near {
    let (Some((a, _)), Some((b, _))) = (loose(named), loose(person)) else { return Near::Marks };
    if a != b {
        return Near::Order;
    }
    let trimmed = |identity: &str| -> Vec<String> {
        let parts = identifier::decompose(identity).unwrap_or_default();
        parts.iter().map(|p| p.trim_start_matches('0').to_owned()).collect()
    };
    if trimmed(named) == trimmed(person) {
        return Near::Zeros;
    }
    let float = |identity: &str| {
        let parts = identifier::decompose(identity).unwrap_or_default();
        parts.iter().any(|p| p.contains('.'))
    };
    if float(named) != float(person) { Near::Float } else { Near::Marks }
}

/// A name in a file.
#[derive(Debug)]
pub struct Entry {
    /// The line where it stands first.
    pub line: u64,
    /// It may be a header: counted as a name only if a person has it.
    pub header: bool,
    identity: String,
    matched: AtomicBool,
    near: AtomicU8,
}

impl Entry {
    /// Whether a person of the input has it.
    #[must_use]
    pub fn matched(&self) -> bool {
        self.matched.load(Ordering::Relaxed)
    }
    /// How a person of the input has it, if none has it as it is written; the first difference that was seen.
    #[must_use]
    pub fn near(&self) -> Option<Near> {
        let bits = self.near.load(Ordering::Relaxed);
        Near::ALL.into_iter().find(|n| !self.matched() && bits & n.bit() != 0)
    }
}

/// Whom a file names.
#[derive(Debug, Default)]
pub struct Roll {
    entries: Vec<Entry>,
    by_identity: HashMap<String, usize>,
    by_bare: HashMap<String, Vec<usize>>,
    /// By the parts without letters before a number.
    by_number: HashMap<String, Vec<usize>>,
    /// By the numbers that stand in a cell among other things, and those of which a spreadsheet makes the day in it.
    by_piece: HashMap<String, Vec<(usize, Near)>>,
    /// Lines that are comments by their `#`, by the identity behind it, and by its bare parts where it follows at once. They name
    /// nobody; a person of the input may stand in none of them.
    comments: HashMap<String, Vec<(u64, AtomicBool)>>,
}

impl Roll {
    /// Adds a name; gives its number, which is that of the same name before.
    pub fn add(&mut self, identity: String, line: u64, header: bool) -> usize {
        if let Some(&at) = self.by_identity.get(&identity) {
            self.entries[at].header &= header;
            return at;
        }
        let at = self.entries.len();
        if let Some((_, bare)) = loose(&identity) {
            self.by_bare.entry(bare).or_default().push(at);
        }
        if let Some((number, _)) = numbered(&identity) {
            self.by_number.entry(number).or_default().push(at);
        }
        self.by_identity.insert(identity.clone(), at);
        let (matched, near) = (AtomicBool::new(false), AtomicU8::new(0));
        self.entries.push(Entry { line, header, identity, matched, near });
        at
    }
    /// Remembers that the cells of a name hold more than a number each, or a day: the identities that may be meant.
    pub fn add_pieces(&mut self, at: usize, pieces: Vec<(String, Near)>) {
        for (piece, near) in pieces {
            self.by_piece.entry(piece).or_default().push((at, near));
        }
    }
    /// Remembers what stands behind the `#` of a comment. Gives whether it has the form of a person's number.
    pub fn add_comment(&mut self, text: &str, line: u64, places: &[usize], key: &Key<'_>) -> bool {
        let Some((parts, near)) = behind_mark(text, places) else { return false };
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let Some(identity) = key.identity(&parts) else { return false };
        let bare = loose(&identity).filter(|_| near).map(|(_, bare)| as_bare(&bare));
        for known in bare.into_iter().chain([identity]) {
            self.comments.entry(known).or_default().push((line, AtomicBool::new(false)));
        }
        near && is_number(
            text.trim_start_matches('#').split([',', '\t']).next().unwrap_or_default().trim(),
        )
    }
    /// Comments in which a person of the input stands.
    #[must_use]
    pub fn commented(&self) -> Vec<u64> {
        let all = self.comments.values().flatten();
        let mut lines: Vec<u64> =
            all.filter(|(_, found)| found.load(Ordering::Relaxed)).map(|(line, _)| *line).collect();
        lines.sort_unstable();
        lines.dedup();
        lines
    }
    /// The number of a person's name, if the file names the person; remembers that it does.
    #[must_use]
    pub fn find(&self, identity: &str) -> Option<usize> {
        let at = *self.by_identity.get(identity)?;
        self.entries[at].matched.store(true, Ordering::Relaxed);
        Some(at)
    }
    /// Remembers where the file may mean this person in another spelling.
    pub fn compare(&self, identity: &str) {
        if !self.comments.is_empty() {
            let bare = loose(identity).map(|(_, bare)| as_bare(&bare));
            for known in [Some(identity), bare.as_deref()].into_iter().flatten() {
                for (_, found) in self.comments.get(known).into_iter().flatten() {
                    found.store(true, Ordering::Relaxed);
                }
            }
        }
        if self.entries.is_empty() {
            return;
        }
        if let Some((number, prefix)) = numbered(identity) {
            for &at in self.by_number.get(&number).into_iter().flatten() {
                let entry = &self.entries[at];
                if numbered(&entry.identity).is_some_and(|(_, own)| own != prefix) {
                    entry.near.fetch_or(Near::Prefix.bit(), Ordering::Relaxed);
                }
            }
        }
        for &(at, near) in self.by_piece.get(identity).into_iter().flatten() {
            self.entries[at].near.fetch_or(near.bit(), Ordering::Relaxed);
        }
        let Some((_, bare)) = loose(identity) else { return };
        for &at in self.by_bare.get(&bare).into_iter().flatten() {
            let entry = &self.entries[at];
            if entry.identity != identity {
                entry.near.fetch_or(difference(&entry.identity, identity).bit(), Ordering::Relaxed);
            }
        }
    }
    /// The names; what turned out to be a header is none.
    pub fn names(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| !e.header || e.matched())
    }
    /// How many names there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.names().count() as u64
    }
    /// Whether nobody is named.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.names().next().is_none()
    }
    /// Names that a person of the input has.
    #[must_use]
    pub fn matched(&self) -> u64 {
        self.entries.iter().filter(|e| e.matched()).count() as u64
    }
    /// Lines whose name no person of the input has.
    #[must_use]
    pub fn unmatched(&self) -> Vec<u64> {
        self.names().filter(|e| !e.matched()).map(|e| e.line).collect()
    }
    /// Lines whose name a person of the input has in another spelling, by how it differs.
    #[must_use]
    pub fn spelled(&self) -> Vec<(Near, Vec<u64>)> {
        // Letters that differ from line to line are part of the numbers.
        let of_prefix = |e: &&Entry| e.near() == Some(Near::Prefix);
        let prefixes: HashSet<Vec<String>> = self
            .names()
            .filter(of_prefix)
            .filter_map(|e| numbered(&e.identity).map(|(_, prefix)| prefix))
            .collect();
        Near::ALL
            .into_iter()
            .filter(|near| *near != Near::Prefix || prefixes.len() == 1)
            .map(|near| {
                let mut lines: Vec<u64> =
                    self.names().filter(|e| e.near() == Some(near)).map(|e| e.line).collect();
                if near == Near::Marks {
                    lines.extend(self.commented());
                    lines.sort_unstable();
                }
                (near, lines)
            })
            .filter(|(_, lines): &(Near, Vec<u64>)| !lines.is_empty())
            .collect()
    }
}

/// The lines of a list that name persons.
#[derive(Debug, Default)]
pub struct Names {
    /// Whom it names.
    pub roll: Roll,
    /// Lines that were taken for a header.
    pub headers: Vec<u64>,
    /// Lines that name nobody: blank after normalization, or a filler.
    pub unusable: Vec<u64>,
    /// Lines with a number as a spreadsheet shows a long one.
    pub scientific: Vec<u64>,
    /// Lines with another number of parts than the key has.
    pub ragged: Vec<u64>,
    /// Comments that have the form of a person's number.
    pub commented: u64,
}

/// Reads a list: a person a line, the parts of the key in its order, or, under a header that names them, in that of the header
/// with whatever else stands there. Lines that begin with `#` are comments.
#[must_use]
pub fn names(text: &str, key: &Key<'_>) -> Names {
    let rows: Vec<(u64, Vec<String>)> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !is_comment(line))
        .map(|(at, line)| (at as u64 + 1, fields(line)))
        .collect();
    let head = header_rows(&rows, key);
    let mut names =
        Names { headers: rows[..head].iter().map(|(line, _)| *line).collect(), ..Names::default() };
    let places = rows[..head].iter().rev().find_map(|(_, cells)| key.places(cells));
    let wide = places.is_some();
    let places = places.unwrap_or_else(|| (0..key.parts()).collect());
    for (at, (line, cells)) in rows.iter().enumerate() {
        let parts: Option<Vec<&str>> =
            places.iter().map(|&p| cells.get(p).map(|cell| cell.trim())).collect();
        let whole = parts.filter(|_| wide || cells.len() == places.len());
        let header = at < head;
        let Some(parts) = whole else {
            if !header {
                names.ragged.push(*line);
            }
            continue;
        };
        if !header && parts.iter().any(|part| key.is_cut(part)) {
            names.scientific.push(*line);
            continue;
        }
        match key.identity(&parts) {
            // A header is a name too: if a person has it, it was none.
            Some(identity) => {
                let at = names.roll.add(identity, *line, header);
                names.roll.add_pieces(at, key.pieces(&parts));
            }
            None if header => {}
            None => names.unusable.push(*line),
        }
    }
    for (at, line) in text.lines().enumerate().filter(|(_, line)| is_comment(line)) {
        names.commented += u64::from(names.roll.add_comment(line, at as u64 + 1, &places, key));
    }
    names
}

/// How many of the first rows are a header: words for columns, or words without a digit over rows that all have digits.
fn header_rows(rows: &[(u64, Vec<String>)], key: &Key<'_>) -> usize {
    let digit = |cells: &[String]| cells.iter().any(|c| c.chars().any(char::is_numeric));
    // A number among them makes a row a person's, whatever words stand beside it (00001,本人).
    let number = |cell: &String| {
        let digits = cell.chars().filter(|c| c.is_numeric()).count();
        digits > 0 && digits * 2 >= cell.trim().chars().count()
    };
    let named = |cells: &[String]| {
        if cells.iter().any(number) {
            return false;
        }
        key.places(cells).is_some()
            || cells.iter().all(|c| key.names_a_column(c))
                && cells.iter().any(|c| !c.trim().is_empty())
    };
    let most = rows.len().min(3);
    let known = (0..most).rev().find(|&at| named(&rows[at].1)).map_or(0, |at| at + 1);
    // What stands above the words for columns is a title.
    if known > 0 {
        return known;
    }
    // A word for a missing value, or what a spreadsheet shows for a lost number, is no word for a column.
    let words =
        |cells: &[String]| cells.iter().all(|c| c.trim().is_empty() || key.part(c).is_some());
    let plain = (0..most).take_while(|&at| !digit(&rows[at].1) && words(&rows[at].1)).count();
    let rest = &rows[plain..];
    if !rest.is_empty() && rest.iter().all(|(_, cells)| digit(cells)) { plain } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_told_from_names() {
        let normalize = Normalize::default();
        let one = Key::with(&["id"], &normalize);
        for (text, headers, persons) in [
            ("患者ID\n00001\n", 1, 1),
            ("patient_id\n00001\n00002", 1, 2),
            ("ID\n", 1, 0),
            ("停止者\n00001\n", 1, 1),
            ("停止者一覧\n患者番号\n00001\n", 2, 1),
            ("00001\n00002\n", 0, 2),
            // Numbers without digits: nothing tells a header from a name.
            ("ABC\nDEF\n", 0, 2),
            ("# 患者ID\n00001\n\n", 0, 1),
            ("患者ID,理由\n00001,本人\n00002,家族", 1, 2),
            ("", 0, 0),
        ] {
            let names = names(text, &one);
            assert_eq!((names.headers.len(), names.roll.len()), (headers, persons), "{text}");
        }
        // A person whose number looks like a header is found all the same.
        let names = names("STOP\n00001\n", &one);
        assert_eq!(names.roll.len(), 1);
        assert!(names.roll.find(&identifier::compose(&["STOP"])).is_some());
        assert_eq!(names.roll.len(), 2);
    }

    #[test]
    fn a_header_says_where_the_parts_stand() {
        let normalize = Normalize::default();
        let two = Key::with(&["施設コード", "データ識別番号"], &normalize);
        let expected = identifier::compose(&["A0", "00001"]);
        for text in [
            "A0,00001",
            "\"A0\"\t\"00001\"",
            "A0,00001,,",
            "施設コード,データ識別番号\nA0,00001",
            "データ識別番号,氏名,施設コード\n00001,\"x,y\",A0",
            "病院,患者ID\nA0,00001",
            "=\"A0\",=\"00001\"",
        ] {
            let names = names(text, &two);
            assert!(names.ragged.is_empty(), "{text}");
            assert!(names.roll.find(&expected).is_some(), "{text}");
        }
        assert_eq!(names("A000001\nA0,1,2", &two).ragged, [1, 2]);
    }

    #[test]
    fn other_spellings_are_told_and_never_taken() {
        let normalize = Normalize::default();
        let two = Key::with(&["fac", "id"], &normalize);
        for (named, near) in [
            ("00001,A0", Near::Order),
            ("1,A0", Near::Order),
            ("A0,1", Near::Zeros),
            ("A0,00001.0", Near::Float),
            ("A0,'00001", Near::Marks),
        ] {
            let names = names(named, &two);
            let person = identifier::compose(&["A0", "00001"]);
            assert!(names.roll.find(&person).is_none(), "{named}");
            names.roll.compare(&person);
            assert_eq!(names.roll.spelled(), [(near, vec![1])], "{named}");
        }
        // One set of letters before all numbers is a prefix; several are numbers of several hospitals.
        let one = Key::with(&["id"], &normalize);
        for (file, person, near) in [
            ("ID1000000\nID1000007", "1000000", Some((Near::Prefix, vec![1]))),
            ("1000000\n1000007", "P-1000000", Some((Near::Prefix, vec![1]))),
            ("ID-1000000", "1000001", None),
            ("A17X", "17", None),
            ("1000000;本人", "1000000", Some((Near::Part, vec![1]))),
            ("１００００００ 山田", "1000000", Some((Near::Part, vec![1]))),
            ("999\n1000000番", "1000000", Some((Near::Part, vec![2]))),
            ("1000000〜1000009", "1000009", Some((Near::Part, vec![1]))),
            ("1000-001|x", "1000001", Some((Near::Part, vec![1]))),
            ("合計 100", "10", None),
            ("3月14日", "3-14", Some((Near::Day, vec![1]))),
            ("14-Mar", "3-14", Some((Near::Day, vec![1]))),
            ("2026/3/14", "3-14", Some((Near::Day, vec![1]))),
            ("2026/03/14 0:00:00", "03-14", Some((Near::Day, vec![1]))),
            ("2026/3/14", "3/14", Some((Near::Day, vec![1]))),
            ("Mar-14", "2014-3", Some((Near::Day, vec![1]))),
            ("1001/2/3", "2-3", None),
            ("2026/3/14", "315", None),
        ] {
            let names = names(file, &one);
            let person = identifier::normalize(person, false, None).unwrap();
            let person = identifier::compose(&[&person]);
            names.roll.compare(&person);
            assert!(names.roll.find(&person).is_none());
            assert_eq!(names.roll.spelled().first().cloned(), near, "{file}");
        }
        let several = names("A0017\nB0018", &one);
        ["17", "18"]
            .iter()
            .for_each(|person| several.roll.compare(&identifier::compose(&[person])));
        assert!(several.roll.spelled().is_empty());
        // Who is named exactly is meant exactly.
        let names = names("A0,1", &two);
        names.roll.compare(&identifier::compose(&["A0", "00001"]));
        assert!(names.roll.find(&identifier::compose(&["A0", "1"])).is_some());
        assert!(names.roll.spelled().is_empty() && names.roll.unmatched().is_empty());
    }

    #[test]
    fn spreadsheets_lose_digits() {
        for cell in ["1.34227E+07", "1E+05", "１．３Ｅ＋０７", "1.5e7", " 9.9E+12 "] {
            assert!(is_scientific(cell), "{cell}");
        }
        for cell in ["1E5", "A1E+05", "12345", "1.0", "E+05", "1.E+", "0012-3456", "12E45678"] {
            assert!(!is_scientific(cell), "{cell}");
        }
        let normalize = Normalize::default();
        let one = Key::with(&["id"], &normalize);
        assert_eq!(names("x\n1.34227E+07\n5", &one).scientific, [2]);
    }

    #[test]
    fn what_a_spreadsheet_shows_for_a_number_is_no_comment() {
        for line in ["#N/A", "#REF!,x", "########", "##,匿名", "#NAME?", "00001"] {
            assert!(!is_comment(line), "{line}");
        }
        for line in ["#", "# 停止者", "#00001", "## list ##", "# why?", "#, x"] {
            assert!(is_comment(line), "{line}");
        }
        let normalize = Normalize::default();
        let one = Key::with(&["id"], &normalize);
        let found = names("#N/A\n#####\n00001", &one);
        assert_eq!((found.unusable, found.scientific, found.roll.len()), (vec![1], vec![2], 1));
    }

    #[test]
    fn a_comment_may_be_a_person() {
        let normalize = Normalize::default();
        let one = Key::with(&["id"], &normalize);
        for (file, person, lines, numbers) in [
            ("#00001\n#00007", "00001", vec![1], 2),
            ("00004\n#00001,x", "00001", vec![2], 1),
            ("# 00001", "00001", vec![1], 0),
            ("#1", "00001", vec![1], 1),
            ("# 1", "00001", vec![], 0),
            ("#00001 x", "00001", vec![1], 0),
            ("理由,患者ID\n#x,00001\n本人,00004", "00001", vec![2], 0),
            ("# 停止者\n#2026-11-28\n# 00001 x", "00001", vec![], 0),
        ] {
            let names = names(file, &one);
            let person = identifier::compose(&[person]);
            names.roll.compare(&person);
            assert!(names.roll.find(&person).is_none(), "{file}");
            assert_eq!(
                (names.roll.commented(), names.commented),
                (lines.clone(), numbers),
                "{file}"
            );
            let told = if lines.is_empty() { vec![] } else { vec![(Near::Marks, lines)] };
            assert_eq!(names.roll.spelled(), told, "{file}");
        }
    }

    #[test]
    fn encodings_of_spreadsheets() {
        let text = "患者ID\r\n00001\r\n";
        let utf16: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        for bytes in [
            text.as_bytes().to_vec(),
            [b"\xef\xbb\xbf", text.as_bytes()].concat(),
            [b"\xff\xfe", utf16.as_slice()].concat(),
            encoding_rs::SHIFT_JIS.encode(text).0.into_owned(),
        ] {
            assert_eq!(decode(&bytes).unwrap(), "患者ID\n00001\n");
        }
        assert_eq!(decode(b"1\r2\r").unwrap(), "1\n2\n");
    }
}
