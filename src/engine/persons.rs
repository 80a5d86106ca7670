//! What intake sees of the identifiers themselves: spellings that fold to one person, and nines that are a number or a filler.
//!
//! Folding makes one person of `0012-3456` and `００１２３４５６`, which is wanted, and of `3-14` and `31-4`, which is not. How many persons are
//! written in several spellings is told; where the spellings or other facts of the rows (birth date, sex) say that they are
//! two persons, the run ends. Nines alone are a number where numbers near them are in the column, and a filler elsewhere:
//! that is known when all files are read.

use std::collections::BTreeMap;
use std::hash::BuildHasher;

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};

use crate::error::{Error, Name, Result, Said, small};
use crate::frame::{Column, MISSING, Table};
use crate::identity;
use crate::plan::{Grain, Plan, TablePlan, Warning};
use crate::policy::model::{Defect, Fillers};
use crate::say;
use crate::schema::{ColumnAt, DateKind};
use crate::text::{date, identifier, link};

/// A spelling of a person's key, and what the rows that have it say of the person.
#[derive(Clone, Copy, Debug)]
struct Spelling {
    /// A hash of the cells of the key.
    raw: u64,
    /// Where separators stand, and which letters are large: zero for nothing.
    shape: [u32; 2],
    /// Days, or [`UNKNOWN`].
    birth: i32,
    /// 1, 2, or 0 for unknown.
    sex: u8,
}

/// No birth date.
const UNKNOWN: i32 = i32::MIN;

/// Whether two birth dates, of which neither is unknown, differ.
const fn births_differ(a: i32, b: i32) -> bool {
    a != UNKNOWN && b != UNKNOWN && a != b
}

const fn sexes_differ(a: u8, b: u8) -> bool {
    a != 0 && b != 0 && a != b
}

impl Spelling {
    /// Whether two spellings of one identity are of two persons: by what the rows say, or by how they are written.
    fn apart(&self, other: &Spelling) -> Option<Apart> {
        let differ = |a: u32, b: u32| a != 0 && b != 0 && a != b;
        if births_differ(self.birth, other.birth) || sexes_differ(self.sex, other.sex) {
            Some(Apart::Facts)
        } else if (0..2).any(|at| differ(self.shape[at], other.shape[at])) {
            Some(Apart::Written)
        } else {
            None
        }
    }
    fn learn(&mut self, other: &Spelling) {
        if self.birth == UNKNOWN {
            self.birth = other.birth;
        }
        if self.sex == 0 {
            self.sex = other.sex;
        }
    }
}

/// What says that two spellings are two persons.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Apart {
    Facts,
    Written,
}

/// An identifier of nines alone, to be judged.
#[derive(Clone, Debug)]
struct Nines {
    /// Rows by table.
    rows: BTreeMap<usize, u64>,
    /// The first row: what to say of its place.
    place: Option<Said>,
    /// More rows than the grain of a table allows.
    twice: bool,
    birth: i32,
    sex: u8,
    /// Its rows are of two persons, as their birth dates or sexes say.
    two: bool,
}

impl Default for Nines {
    fn default() -> Self {
        Nines {
            rows: BTreeMap::new(),
            place: None,
            twice: false,
            birth: UNKNOWN,
            sex: 0,
            two: false,
        }
    }
}

impl Nines {
    fn learn(&mut self, birth: i32, sex: u8) {
        self.two |= births_differ(self.birth, birth) || sexes_differ(self.sex, sex);
        if self.birth == UNKNOWN {
            self.birth = birth;
        }
        if self.sex == 0 {
            self.sex = sex;
        }
    }
}

/// The identifiers of a key.
#[derive(Clone, Debug, Default)]
struct KeySeen {
    rows: u64,
    /// Distinct identifiers, those of several batches counted again.
    distinct: u64,
    /// By the parts before the last (the facility), where nines or numbers near them are there.
    registers: BTreeMap<String, Register>,
}

/// The numbers of one facility, or of all.
#[derive(Clone, Debug, Default)]
struct Register {
    /// Bit n: a number near the n nines is there.
    near: u32,
    /// By the number of digits.
    nines: BTreeMap<usize, Nines>,
}

/// What was seen of the identifiers of some tables.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    first: HashMap<u64, Spelling>,
    more: HashMap<u64, Vec<Spelling>>,
    keys: BTreeMap<String, KeySeen>,
    /// Codes that make no key, by table and column.
    codes: BTreeMap<ColumnAt, KeySeen>,
}

/// Identities that turned out to be fillers.
#[derive(Clone, Debug, Default)]
pub struct FillerIds {
    keys: BTreeMap<String, HashSet<String>>,
    /// Of codes that make no key, by table and column.
    codes: BTreeMap<ColumnAt, HashSet<String>>,
}

/// What is told of the identifiers.
#[derive(Clone, Debug, Default)]
pub struct Told {
    /// Persons whose number is written in more than one spelling.
    pub spelled: u64,
    /// By key, or `table.column` of a code that makes none: identifiers of nines alone that are numbers, and that are fillers.
    pub nines: BTreeMap<String, [u64; 2]>,
}

impl Told {
    /// What a reader should know.
    #[must_use]
    pub fn warnings(&self, plan: &Plan) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |code, text, text_ja| {
            warnings.push(Warning { code, text, text_ja, place: None });
        };
        if self.spelled > 0 {
            warn(
                "W0304",
                say!(
                    "{} persons are written in more than one spelling, which the normalization of the key `{}` makes one",
                    small(self.spelled),
                    plan.person_key
                ),
                say!(
                    "{}人は番号が二通り以上に書かれている（鍵`{}`の正規化で一人とした）",
                    small(self.spelled),
                    plan.person_key
                ),
            );
        }
        for (key, &[numbers, fillers]) in &self.nines {
            let key = Name::from_policy(key.as_str());
            if numbers > 0 {
                warn(
                    "W0305",
                    say!(
                        "the key `{}`: identifiers of nines alone are taken for numbers, because numbers near them are there",
                        key
                    ),
                    say!("鍵`{}`: 9だけの番号を、近い番号があるので番号として扱った", key),
                );
            }
            if fillers > 0 {
                warn(
                    "W0306",
                    say!(
                        "the key `{}`: identifiers of nines alone are taken for fillers, which are nobody's",
                        key
                    ),
                    say!("鍵`{}`: 9だけの番号を、番号でない埋め草として扱った", key),
                );
            }
        }
        warnings
    }
}

/// The parts of a composed identity before the last, and the last.
fn last_part(composed: &str) -> Option<(&str, &str)> {
    let mut at = 0;
    loop {
        let (length, _) = composed.get(at..)?.split_once(':')?;
        let start = at + length.len() + 1;
        let end = start + length.parse::<usize>().ok()?;
        if end >= composed.len() {
            return Some((&composed[..at], composed.get(start..end)?));
        }
        at = end;
    }
}

/// Of which nines a number is near: 990 to 998 and 1000 to 1009 of 999, 9900 to 9998 and 10000 to 10099 of 9999.
fn near(number: &str) -> u32 {
    let bytes = number.as_bytes();
    if bytes.len() < 3 || bytes.len() > 20 || !bytes.iter().all(u8::is_ascii_digit) {
        return 0;
    }
    let below = bytes.len();
    let half = below.div_ceil(2);
    let mut bits = 0;
    if bytes[..half].iter().all(|&b| b == b'9') && !identifier::is_nines(number) {
        bits |= 1 << below;
    }
    let above = bytes.len() - 1;
    let half = above.div_ceil(2);
    if above >= 3 && bytes[0] == b'1' && bytes[1..=half].iter().all(|&b| b == b'0') {
        bits |= 1 << above;
    }
    bits
}

/// Whether a column tells a person's sex: by its name, its alias or its code system.
fn is_sex(column: &crate::plan::ColumnPlan) -> bool {
    const NAMES: [&str; 8] =
        ["性別", "性別コード", "男女区分", "sex", "gender", "seibetsu", "sex_code", "gender_code"];
    let is = |word: &str| NAMES.contains(&word.trim().to_lowercase().as_str());
    is(column.facts.column.as_str())
        || [&column.alias, &column.facts.code].into_iter().flatten().any(|n| is(n.as_str()))
}

/// Birth date and sex of each row, as far as the table says them.
struct PersonFacts<'a> {
    births: Vec<(&'a Column, Vec<Option<i32>>)>,
    sexes: Vec<(&'a Column, Vec<u8>)>,
}

impl<'a> PersonFacts<'a> {
    fn of(table: &TablePlan, cells: &'a Table) -> Self {
        let mut facts = PersonFacts { births: Vec::new(), sexes: Vec::new() };
        for (column, cells) in table.columns.iter().zip(&cells.columns) {
            let special = |text: &str| column.facts.is_special(text);
            if column.facts.date == Some(DateKind::Birth) {
                let days = |text: &str| date::parse(text).and_then(|when| when.days());
                let days = |text| if special(text) { None } else { days(text) };
                facts.births.push((cells, cells.dictionary().texts().map(days).collect()));
            } else if is_sex(column) {
                let sex = |text| match link::normalize(link::Part::Sex, text).as_deref() {
                    Some("1") => 1,
                    Some("2") => 2,
                    _ => 0,
                };
                facts.sexes.push((cells, cells.dictionary().texts().map(sex).collect()));
            }
        }
        facts
    }
    fn birth(&self, row: usize) -> i32 {
        let births = self.births.iter().filter_map(|(cells, days)| match cells.codes()[row] {
            MISSING => None,
            code => days[code as usize],
        });
        births.into_iter().next().unwrap_or(UNKNOWN)
    }
    fn sex(&self, row: usize) -> u8 {
        let sexes = self.sexes.iter().map(|(cells, sexes)| match cells.codes()[row] {
            MISSING => 0,
            code => sexes[code as usize],
        });
        sexes.into_iter().find(|&sex| sex != 0).unwrap_or(0)
    }
    fn is_empty(&self) -> bool {
        self.births.is_empty() && self.sexes.is_empty()
    }
}

/// Rows of a table as they are read.
#[derive(Clone, Copy)]
pub struct Batch<'a> {
    /// Their cells.
    pub cells: &'a Table,
    /// By key of the table: the identities in the rows.
    pub identities: &'a [Column],
    /// The folder that they are from, normalized, where codes are unique within one.
    pub folder: Option<&'a str>,
    /// Whether a row passed the checks of its keys.
    pub good: &'a [bool],
}

impl Seen {
    /// Sees the rows of a batch: their cells and the identities of their keys, before persons are linked.
    pub fn see(
        &mut self,
        plan: &Plan,
        t: usize,
        batch: Batch<'_>,
        salt: &DefaultHashBuilder,
        place: &dyn Fn(usize) -> Said,
    ) {
        let Batch { cells, identities, good, folder } = batch;
        let table = &plan.tables[t];
        let facts = PersonFacts::of(table, cells);
        self.spellings(table, cells, &identities[table.person_key], &facts, good, salt);
        if plan.normalize.fillers != Fillers::Column {
            return;
        }
        for (k, (key, identity)) in table.keys.iter().zip(identities).enumerate() {
            let once = table.grain == Grain::Person && k == table.person_key;
            let seen = self.keys.entry(key.name.as_str().to_owned()).or_default();
            seen.see(t, identity, good, once, &facts, place);
        }
        // A code that makes no key belongs to whom it may: other facts of its rows say nothing of it.
        let facts = PersonFacts { births: Vec::new(), sexes: Vec::new() };
        for c in 0..table.columns.len() {
            let Some(scope) = identity::judged_code(table, c) else { continue };
            let seen = self.codes.entry(ColumnAt { table: t, column: c }).or_default();
            let texts = cells.columns[c].dictionary();
            let read = |text| identity::part(text, &plan.normalize);
            let matters = |number: String| identifier::is_nines(&number) || near(&number) != 0;
            if !texts.texts().filter_map(read).any(matters) {
                seen.rows += cells.rows as u64;
                seen.distinct += texts.len() as u64;
                continue;
            }
            let folder = folder.map(|folder| Column::constant(Some(folder), cells.rows));
            let identity = identity::within(cells, folder.as_ref(), c, scope, &plan.normalize);
            seen.see(t, &identity, good, false, &facts, place);
        }
    }

    fn spellings(
        &mut self,
        table: &TablePlan,
        cells: &Table,
        identity: &Column,
        facts: &PersonFacts<'_>,
        good: &[bool],
        salt: &DefaultHashBuilder,
    ) {
        let columns: Vec<&Column> =
            table.keys[table.person_key].columns.iter().map(|&c| &cells.columns[c]).collect();
        let Some(&last) = columns.last() else { return };
        // The spellings of the batch: of each identity the first, and further ones.
        let mut found: Vec<(u32, Spelling)> = Vec::new();
        let mut first: Vec<(u64, u32)> = vec![(0, MISSING); identity.dictionary().len()];
        let mut others: HashMap<(u32, u64), u32> = HashMap::new();
        for (row, &code) in identity.codes().iter().enumerate() {
            if code == MISSING || !good[row] {
                continue;
            }
            let tuple = columns.iter().fold(1_u64, |tuple, column| {
                tuple.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (u64::from(column.codes()[row]) + 1)
            });
            let slot = &mut first[code as usize];
            let at = match *slot {
                (_, MISSING) => {
                    *slot = (tuple, found.len() as u32);
                    found.len()
                }
                (same, at) if same == tuple => at as usize,
                _ => *others.entry((code, tuple)).or_insert(found.len() as u32) as usize,
            };
            if at == found.len() {
                let raw = columns.iter().map(|c| c.text(row).unwrap_or("").trim());
                let raw = salt.hash_one(raw.collect::<Vec<_>>());
                let shape = identifier::shape(last.text(row).unwrap_or(""));
                found.push((code, Spelling { raw, shape, birth: UNKNOWN, sex: 0 }));
            }
            if !facts.is_empty() {
                let known = &mut found[at].1;
                if known.birth == UNKNOWN {
                    known.birth = facts.birth(row);
                }
                if known.sex == 0 {
                    known.sex = facts.sex(row);
                }
            }
        }
        for (code, spelling) in found {
            self.add(salt.hash_one(identity.dictionary().text(code)), spelling);
        }
    }

    fn add(&mut self, id: u64, spelling: Spelling) {
        match self.first.entry(id) {
            hashbrown::hash_map::Entry::Vacant(slot) => {
                slot.insert(spelling);
            }
            hashbrown::hash_map::Entry::Occupied(mut known) if known.get().raw == spelling.raw => {
                known.get_mut().learn(&spelling);
            }
            hashbrown::hash_map::Entry::Occupied(_) => {
                let more = self.more.entry(id).or_default();
                match more.iter_mut().find(|known| known.raw == spelling.raw) {
                    Some(known) => known.learn(&spelling),
                    None => more.push(spelling),
                }
            }
        }
    }

    /// Puts together what was seen of several tables.
    pub fn merge(&mut self, other: Seen) {
        if self.first.is_empty() {
            self.first = other.first;
            self.more = other.more;
        } else {
            for (id, spelling) in other.first {
                self.add(id, spelling);
            }
            for (id, more) in other.more {
                for spelling in more {
                    self.add(id, spelling);
                }
            }
        }
        for (key, seen) in other.keys {
            let known = self.keys.entry(key).or_default();
            known.merge(seen);
        }
        for (at, seen) in other.codes {
            self.codes.entry(at).or_default().merge(seen);
        }
    }

    /// Judges what was seen: how many persons have several spellings, and which nines are fillers. `aside` counts the rows of
    /// fillers that are set aside, by table.
    ///
    /// # Errors
    /// Two spellings of two persons that fold to one; a filler in a table that does not set such rows aside.
    pub fn judge(
        &self,
        plan: &Plan,
        aside: &mut dyn FnMut(usize, u64),
    ) -> Result<(Told, FillerIds)> {
        let mut told = Told { spelled: self.more.len() as u64, ..Told::default() };
        let mut apart = [0_u64; 2];
        for (id, more) in &self.more {
            let Some(first) = self.first.get(id) else { continue };
            let all: Vec<&Spelling> = std::iter::once(first).chain(more).collect();
            let pairs = all
                .iter()
                .enumerate()
                .flat_map(|(at, a)| all[at + 1..].iter().map(move |b| (a, b)));
            let mut why: Vec<Apart> = pairs.filter_map(|(a, b)| a.apart(b)).collect();
            why.sort_by_key(|why| *why != Apart::Facts);
            match why.first() {
                Some(Apart::Facts) => apart[0] += 1,
                Some(Apart::Written) => apart[1] += 1,
                None => {}
            }
        }
        let mut errors = Vec::new();
        if apart != [0, 0] {
            errors.push(
                Error::data(
                    "D0412",
                    say!(
                        "two spellings of the key `{}` become one person, but are two: {} by different birth dates or sexes, {} by where their hyphens and blanks stand or which letters are large",
                        plan.person_key,
                        small(apart[0]),
                        small(apart[1])
                    ),
                )
                .advice(say!("let numbers be compared as they are written (person.normalize = {{ keep_case = true, keep_hyphens = true }}; without pad_to or drop_leading_zeros), or correct the data")),
            );
        }
        let mut fillers = FillerIds::default();
        for (key, seen) in &self.keys {
            for (text, nines) in seen.fillers(key, &mut told) {
                fillers.keys.entry(key.clone()).or_default().insert(text);
                if key != plan.person_key.as_str() {
                    continue;
                }
                for (&t, &rows) in &nines.rows {
                    if plan.tables[t].set_aside.contains(&Defect::Key) {
                        aside(t, rows);
                    } else {
                        errors.push(filler(plan, nines));
                        break;
                    }
                }
            }
        }
        for (&at, seen) in &self.codes {
            let name = format!("{}.{}", plan.tables[at.table].name, plan.column(at).facts.column);
            let found = seen.fillers(&name, &mut told).into_iter().map(|(text, _)| text);
            fillers.codes.entry(at).or_default().extend(found);
        }
        fillers.codes.retain(|_, found| !found.is_empty());
        Error::all(errors).map_or(Ok((told, fillers)), Err)
    }
}

fn filler(plan: &Plan, nines: &Nines) -> Error {
    let place = nines.place.clone().unwrap_or_default();
    Error::data(
        "D0202",
        say!(
            "{}: the key `{}` of the person is nines alone, and no number near it is there or it stands out: a filler",
            place,
            plan.person_key
        ),
    )
    .advice(say!("such rows would all become one giant person; correct them, or set them aside with set_aside = [\"key\"]; if it is a number, person.normalize = {{ fillers = \"never\" }}"))
}

impl KeySeen {
    /// Sees the identities of a batch of a table; `once` is whether each may stand in one row only.
    fn see(
        &mut self,
        t: usize,
        identity: &Column,
        good: &[bool],
        once: bool,
        facts: &PersonFacts<'_>,
        place: &dyn Fn(usize) -> Said,
    ) {
        self.rows += identity.len() as u64;
        self.distinct += identity.dictionary().len() as u64;
        let mut candidates: HashMap<u32, (String, usize)> = HashMap::new();
        for (code, text) in identity.dictionary().texts().enumerate() {
            let Some((before, last)) = last_part(text) else { continue };
            let nines = identifier::is_nines(last) && last.len() <= 20;
            let near = near(last);
            if nines || near != 0 {
                self.registers.entry(before.to_owned()).or_default().near |= near;
            }
            if nines {
                candidates.insert(code as u32, (before.to_owned(), last.len()));
            }
        }
        if candidates.is_empty() {
            return;
        }
        for (row, &code) in identity.codes().iter().enumerate().filter(|&(row, _)| good[row]) {
            let Some((before, digits)) = candidates.get(&code) else { continue };
            let Some(register) = self.registers.get_mut(before) else { continue };
            let nines = register.nines.entry(*digits).or_default();
            let rows = nines.rows.entry(t).or_default();
            *rows += 1;
            nines.twice |= *rows > 1 && once;
            if nines.place.is_none() {
                nines.place = Some(place(row));
            }
            nines.learn(facts.birth(row), facts.sex(row));
        }
    }
    fn merge(&mut self, other: KeySeen) {
        self.rows += other.rows;
        self.distinct += other.distinct;
        for (before, register) in other.registers {
            self.registers.entry(before).or_default().merge(register);
        }
    }
    /// The identities of nines alone that are fillers; those that are numbers are counted in what is told of the key.
    fn fillers(&self, key: &str, told: &mut Told) -> Vec<(String, &Nines)> {
        let mut found = Vec::new();
        for (before, register) in &self.registers {
            for (&digits, nines) in &register.nines {
                let counts = told.nines.entry(key.to_owned()).or_default();
                if register.near & 1 << digits != 0 && !self.stand_out(nines) {
                    counts[0] += 1;
                    continue;
                }
                counts[1] += 1;
                found.push((format!("{before}{digits}:{}", "9".repeat(digits)), nines));
            }
        }
        found
    }
    /// Whether nines are no number whatever is near them.
    fn stand_out(&self, nines: &Nines) -> bool {
        let rows: u64 = nines.rows.values().sum();
        let many = rows >= 10 && rows * 4 > self.rows && self.distinct >= 8;
        nines.two || nines.twice || many
    }
}

impl Register {
    fn merge(&mut self, other: Register) {
        self.near |= other.near;
        for (digits, nines) in other.nines {
            let known = self.nines.entry(digits).or_default();
            known.learn(nines.birth, nines.sex);
            known.two |= nines.two;
            known.twice |= nines.twice;
            known.place = known.place.take().or(nines.place);
            for (t, rows) in nines.rows {
                *known.rows.entry(t).or_default() += rows;
            }
        }
    }
}

impl FillerIds {
    /// Takes the rows of persons who are fillers out of a table, and makes other keys that are fillers missing. `identities` are those
    /// of the table's keys, in their order; what stands behind them stays beside its row.
    #[must_use]
    pub fn take_out(
        &self,
        plan: &Plan,
        t: usize,
        part: (Table, Vec<Column>),
    ) -> (Table, Vec<Column>) {
        let (mut cells, mut beside) = part;
        let table = &plan.tables[t];
        for (k, key) in table.keys.iter().enumerate() {
            let Some(fillers) = self.keys.get(key.name.as_str()) else { continue };
            let gone: Vec<bool> =
                beside[k].dictionary().texts().map(|text| fillers.contains(text)).collect();
            if !gone.contains(&true) {
                continue;
            }
            let is_gone = |&code: &u32| code != MISSING && gone[code as usize];
            if k == table.person_key {
                let rows: Vec<u32> = (0..cells.rows as u32)
                    .filter(|&row| !is_gone(&beside[k].codes()[row as usize]))
                    .collect();
                cells = super::intake::take(&cells, &rows);
                beside = beside.iter().map(|column| column.take(&rows)).collect();
            } else {
                let codes = beside[k].codes().iter();
                let codes = codes.map(|code| if is_gone(code) { MISSING } else { *code }).collect();
                beside[k] = Column::new(codes, std::sync::Arc::clone(beside[k].dictionary()));
            }
        }
        for (&ColumnAt { column: c, .. }, fillers) in
            self.codes.iter().filter(|(at, _)| at.table == t)
        {
            let Some(scope) = identity::judged_code(table, c) else { continue };
            let folder = beside.last().filter(|_| table.foldered());
            let found = identity::within(&cells, folder, c, scope, &plan.normalize);
            let gone: Vec<bool> =
                found.dictionary().texts().map(|text| fillers.contains(text)).collect();
            let is_gone = |code: u32| code != MISSING && gone[code as usize];
            let column = &cells.columns[c];
            let codes = column.codes().iter().zip(found.codes());
            let codes = codes.map(|(&cell, &code)| if is_gone(code) { MISSING } else { cell });
            cells.columns[c] =
                Column::new(codes.collect(), std::sync::Arc::clone(column.dictionary()));
        }
        (cells, beside)
    }
    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty() && self.codes.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_part_of_a_key() {
        assert_eq!(last_part("3:999"), Some(("", "999")));
        assert_eq!(last_part("2:A04:9999"), Some(("2:A0", "9999")));
        assert_eq!(last_part("4:3:ab1:x"), Some(("4:3:ab", "x")));
        assert_eq!(last_part("4:3:ab"), Some(("", "3:ab")));
        assert_eq!(last_part(""), None);
        assert_eq!(last_part("9:ab"), None);
    }

    #[test]
    fn numbers_are_near_nines_on_both_sides() {
        for (number, digits) in [
            ("998", 3),
            ("990", 3),
            ("1000", 3),
            ("1009", 3),
            ("9900", 4),
            ("10001", 4),
            ("9999900000", 10),
        ] {
            assert_ne!(near(number) & 1 << digits, 0, "{number}");
        }
        for (number, digits) in [
            ("989", 3),
            ("1010", 3),
            ("999", 3),
            ("9800", 4),
            ("10100", 4),
            ("9999000000", 10),
            ("00998", 3),
        ] {
            assert_eq!(near(number) & 1 << digits, 0, "{number}");
        }
    }

    #[test]
    fn spellings_are_apart_by_facts_or_by_form() {
        let of = |text: &str, birth: Option<i32>, sex| Spelling {
            raw: 0,
            shape: identifier::shape(text),
            birth: birth.unwrap_or(UNKNOWN),
            sex,
        };
        assert_eq!(of("12", Some(1), 1).apart(&of("012", Some(2), 1)), Some(Apart::Facts));
        assert_eq!(of("12", None, 1).apart(&of("012", Some(2), 2)), Some(Apart::Facts));
        assert_eq!(of("12", None, 0).apart(&of("012", Some(2), 2)), None);
        assert_eq!(of("3-14", None, 0).apart(&of("31-4", None, 0)), Some(Apart::Written));
        assert_eq!(of("3-14", None, 0).apart(&of("314", None, 0)), None);
        assert_eq!(of("aB3x", None, 0).apart(&of("Ab3X", None, 0)), Some(Apart::Written));
        assert_eq!(of("AB3X", None, 0).apart(&of("ab3x", None, 0)), None);
    }
}
