//! Techniques: one file each. A technique changes data and never judges it (checks judge and never change).
//!
//! A file holds the configuration (a struct that the policy is read into), the documentation, the legal term, the
//! kernel and its tests. Adding one touches that file and the catalogue below.

// Other rooms, under the names that they have in the whole.
use kakou_core::{error, frame, law, say, schema, text, token};
use kakou_detect as detect;

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Said};
use crate::frame::{Column, Dictionary, Interner, MISSING};
use crate::law::Item;
use crate::schema::codes::Ladders;
use crate::schema::{ColumnFacts, Kind, Type};
pub use crate::token::Secrets;

/// The page of a technique in the reference.
#[derive(Clone, Copy, Debug)]
pub struct Doc {
    /// The word in a policy (snake_case).
    pub name: &'static str,
    /// The legal or guideline term.
    pub ja: &'static str,
    /// One sentence, English.
    pub summary: &'static str,
    /// One sentence, Japanese.
    pub summary_ja: &'static str,
    /// Legal items that it can answer.
    pub items: &'static [Item],
    /// A TOML value as it would stand in a policy (`{ round = { step = 5 } }`).
    pub example: &'static str,
    /// The parameter that a bare value stands for: with `Some("unit")`, `{ truncate_date = "month" }` means
    /// `{ truncate_date = { unit = "month" } }`. A technique without mandatory parameters may stand as a bare word (`"drop"`).
    pub shorthand: Option<&'static str>,
    /// Whether the output depends on random or secret choices (then it cannot be replayed without the key).
    pub keyed: bool,
    /// What a released cell shows of the source's.
    pub shows: Shows,
    /// Whether its labels are numbers and ranges of numbers (`-5--1`, `-10+`), which spreadsheets are told apart from formulas.
    pub ranges: bool,
}

/// What a released cell shows of the cell that it was made of. Other rooms judge a treatment by this, never by its name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Shows {
    /// The cell as it was.
    Value,
    /// A value beside the one that it was, as fine as a value of the source: moved or rounded.
    Near,
    /// Less than the value: a group, a level, a part, a distance.
    Coarser,
    /// Some cells as they were, others not at all; rows may go with them.
    Some,
    /// The text with marks in place of what identifies.
    Redacted,
    /// A token under the key of that kind of release.
    Token(Kind),
    /// Only whether there was a value.
    Presence,
    /// Nothing.
    Nothing,
}

impl Shows {
    /// Whether every cell is as it was.
    #[must_use]
    pub const fn kept(self) -> bool {
        matches!(self, Shows::Value)
    }
    /// Whether nothing of what the cell says is left.
    #[must_use]
    pub const fn gone(self) -> bool {
        matches!(self, Shows::Nothing | Shows::Presence)
    }
    /// Whether it is a token.
    #[must_use]
    pub const fn token(self) -> bool {
        matches!(self, Shows::Token(_))
    }
    /// Whether every cell that is shown is the source's, to the byte.
    #[must_use]
    pub const fn unchanged(self) -> bool {
        matches!(self, Shows::Value | Shows::Some)
    }
    /// Whether rows may be removed, even if the column itself is not released.
    #[must_use]
    pub const fn removes_rows(self) -> bool {
        matches!(self, Shows::Some)
    }
}

/// The word for the token of a kind of release, for advice.
#[must_use]
pub fn token_word(kind: Kind) -> &'static str {
    CATALOGUE.iter().find(|d| d.shows == Shows::Token(kind)).map_or("", |d| d.name)
}

/// The word for leaving a column out.
pub const LEFT_OUT: &str = <drop::Drop as Technique>::DOC.name;

/// A column named in a technique: `"stays.入院日"` or, in the same table, `"退院日"`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ColumnRef(pub String);

/// Columns named in a technique: one, or several in order.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ColumnRefs {
    /// One.
    One(ColumnRef),
    /// Several.
    Several(Vec<ColumnRef>),
}

impl ColumnRefs {
    /// The columns.
    #[must_use]
    pub fn list(&self) -> &[ColumnRef] {
        match self {
            ColumnRefs::One(column) => std::slice::from_ref(column),
            ColumnRefs::Several(columns) => columns,
        }
    }
}

/// Within what a code means the same: the doctor `0001` of one hospital is not that of another.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Scope {
    /// Within what the person's number is unique in: its key's columns before the last, and the folder.
    #[default]
    Local,
    /// Everywhere.
    Common,
    /// Within these columns of the table.
    Within(Vec<ColumnRef>),
}

impl Scope {
    fn of(common: bool, within: Option<&ColumnRefs>) -> Self {
        match (common, within) {
            (true, _) => Scope::Common,
            (false, Some(columns)) => Scope::Within(columns.list().to_vec()),
            (false, None) => Scope::Local,
        }
    }
}

/// What a technique needs besides its own column.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Needs {
    /// Date columns, given to the kernel as days since 1970-01-01, one a row. In the same table it is the row's own
    /// value; in another table that shares a key below the person (a stay) it is that stay's; otherwise it is
    /// the earliest of the person.
    pub dates: Vec<ColumnRef>,
    /// Whether each of the dates is the person's earliest, also where the row or its stay has one of its own.
    pub earliest: bool,
    /// Whether `measure` must see all data before `freeze`.
    pub statistics: bool,
    /// Whether it needs the identity of a link column (`Input::identity`).
    pub identity: bool,
    /// With it, for a column that makes no key: within what it means the same.
    pub scope: Scope,
    /// The domain of its tokens, if it is not the column's own.
    pub domain: Option<String>,
    /// Whether it needs the key of the release.
    pub key: bool,
    /// Whether it needs what identifies the persons of the rows in all tables (`Input::known`).
    pub known: bool,
    /// What it draws a number for of each person, if it does ([`KeyTokens::draws`]).
    pub draws: Option<&'static str>,
}

/// What identifies a person somewhere in the tables: names, numbers, a birth date.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Known<'a> {
    /// The column that it stands in.
    pub facts: &'a ColumnFacts,
    /// The cell.
    pub text: &'a str,
}

/// The persons of the rows.
#[derive(Clone, Copy, Debug)]
pub struct Persons<'a> {
    /// The person of each row, as an index into `ids`.
    pub of_row: &'a [u32],
    /// The normalized identity of each person.
    pub ids: &'a Dictionary,
}

/// Tokens that several columns need, made once.
#[derive(Default)]
pub struct KeyTokens {
    tokens: Vec<KeyToken>,
    draws: Vec<(&'static str, Arc<Dictionary>, Vec<u64>)>,
}

/// The tokens of all identities of a key.
pub struct KeyToken {
    domain: String,
    identities: Arc<Dictionary>,
    /// By identity.
    pub raw: Vec<[u8; 16]>,
    /// As text, a row an identity.
    pub texts: Column,
}

impl KeyTokens {
    /// Makes the tokens of all identities in a domain.
    pub fn add(&mut self, domain: &str, identities: &Arc<Dictionary>, secrets: &dyn Secrets) {
        if self.of(domain, identities).is_none() {
            self.tokens.push(KeyToken::new(domain, identities, secrets));
        }
    }
    /// Draws a number for each person.
    pub fn draw(
        &mut self,
        purpose: &'static str,
        persons: &Arc<Dictionary>,
        secrets: &dyn Secrets,
    ) {
        if self.draws(purpose, persons).is_some() {
            return;
        }
        let draw = |code| secrets.draw(purpose, persons.text(code));
        let drawn = (0..persons.len() as u32).into_par_iter().map(draw).collect();
        self.draws.push((purpose, Arc::clone(persons), drawn));
    }
    /// The numbers that were drawn for these very persons, if they were.
    #[must_use]
    pub fn draws(&self, purpose: &str, persons: &Dictionary) -> Option<&[u64]> {
        let of = |(what, whom, _): &&(&str, Arc<Dictionary>, Vec<u64>)| {
            *what == purpose && std::ptr::eq(Arc::as_ptr(whom), persons)
        };
        self.draws.iter().find(of).map(|(_, _, drawn)| drawn.as_slice())
    }
    /// The tokens of these very identities (not of equal ones) in a domain, if they were made.
    #[must_use]
    pub fn of(&self, domain: &str, identities: &Arc<Dictionary>) -> Option<&KeyToken> {
        self.tokens.iter().find(|k| Arc::ptr_eq(&k.identities, identities) && k.domain == domain)
    }
}

impl KeyToken {
    /// Makes the tokens of all identities in a domain.
    #[must_use]
    pub fn new(domain: &str, identities: &Arc<Dictionary>, secrets: &dyn Secrets) -> Self {
        let raw: Vec<[u8; 16]> = (0..identities.len() as u32)
            .into_par_iter()
            .map(|code| secrets.token(domain, identities.text(code)))
            .collect();
        let texts =
            Column::from_texts(raw.iter().map(|token| Some(crate::token::token_text(token))));
        KeyToken { domain: domain.to_owned(), identities: Arc::clone(identities), raw, texts }
    }
}

/// What a kernel gets.
pub struct Input<'a> {
    /// What the column is.
    pub facts: &'a ColumnFacts,
    /// Its cells.
    pub cells: &'a Column,
    /// The persons of the rows.
    pub persons: Persons<'a>,
    /// The dates asked for by [`Needs::dates`], in that order: one slice a reference, one entry a row.
    pub dates: &'a [Vec<Option<i32>>],
    /// For a link column: the normalized identity of each row's key (missing where a part is missing).
    pub identity: Option<&'a Column>,
    /// The name of that key (`patient`, `stay`): the domain of its tokens.
    pub domain: &'a str,
    /// The secrets of the release.
    pub secrets: &'a dyn Secrets,
    /// Tokens that were made already.
    pub tokens: &'a KeyTokens,
    /// What identifies each person in the tables, by person, if [`Needs::known`] asks for it; else empty.
    pub known: &'a [Vec<Known<'a>>],
    /// What identifies any person of the run, if [`Needs::known`] asks for it.
    pub everyone: Option<&'a crate::detect::Everyone>,
}

/// How often a mark was put into cells, and into the cells of how many persons.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Marked {
    /// Places.
    pub places: u64,
    /// Distinct persons.
    pub persons: u64,
}

/// By mark, how often. Persons never span partitions, so adding is enough.
#[derive(Clone, Debug, Default)]
pub struct Marks {
    places: BTreeMap<&'static str, u64>,
    persons: BTreeMap<&'static str, hashbrown::HashSet<u32>>,
    before: BTreeMap<&'static str, u64>,
}

impl Marks {
    /// Adds what was put into a cell of a person (an index of this partition).
    pub fn add(&mut self, person: u32, marks: BTreeMap<&'static str, u64>) {
        for (mark, places) in marks {
            *self.places.entry(mark).or_default() += places;
            self.persons.entry(mark).or_default().insert(person);
        }
    }
    /// Adds what happened in another partition.
    pub fn merge(&mut self, other: &Marks) {
        for (mark, marked) in other.counts() {
            *self.places.entry(mark).or_default() += marked.places;
            *self.before.entry(mark).or_default() += marked.persons;
        }
    }
    /// The counts, by mark.
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, Marked)> + '_ {
        self.places.iter().map(|(&mark, &places)| {
            let here = self.persons.get(mark).map_or(0, |p| p.len() as u64);
            let before = self.before.get(mark).copied().unwrap_or(0);
            (mark, Marked { places, persons: before + here })
        })
    }
}

/// What happened to the cells.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Tally {
    /// Cells seen, missing ones included.
    pub seen: u64,
    /// Cells whose text is another one afterwards.
    pub changed: u64,
    /// Cells that had a text and are missing afterwards.
    pub suppressed: u64,
    /// Of those, cells that the technique could make nothing of: a partial date that is to be moved, an age before birth.
    #[serde(default)]
    pub emptied: u64,
    /// Cells whose label was joined with others, as too few persons held it.
    #[serde(default)]
    pub floored: u64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.seen += other.seen;
        self.changed += other.changed;
        self.suppressed += other.suppressed;
        self.emptied += other.emptied;
        self.floored += other.floored;
    }
}

/// What a kernel gives.
#[derive(Clone, Debug)]
pub struct Output {
    /// The cells, as many as came in.
    pub cells: Column,
    /// What happened.
    pub tally: Tally,
    /// Rows that the technique asks to remove (row numbers, ascending), with their child rows.
    pub remove_rows: Vec<u32>,
    /// Rows whose stay the technique asks to remove: the row that has the stay's key, and all rows of that stay.
    pub remove_stays: Vec<u32>,
    /// Persons that the technique asks to remove (indices, ascending), with all their rows.
    pub remove_persons: Vec<u32>,
    /// Marks that were put into free text.
    pub marks: Marks,
}

/// What a cell becomes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Cell {
    /// The text as it was.
    Same,
    /// Another text.
    Text(String),
    /// Nothing: the cell is suppressed.
    Missing,
}

impl Input<'_> {
    /// Applies a function to each distinct text; missing cells stay missing and special values pass through.
    pub fn map_values(&self, mut f: impl FnMut(&str) -> Cell) -> Output {
        let facts = self.facts;
        self.map_all(|text| match text {
            None => Cell::Missing,
            Some(text) if facts.is_special(text) => Cell::Same,
            Some(text) => f(text),
        })
    }

    /// Applies a function to each distinct text and once to "missing"; nothing passes through by itself.
    pub fn map_all(&self, mut f: impl FnMut(Option<&str>) -> Cell) -> Output {
        let old = self.cells.dictionary();
        let mut used = vec![false; old.len()];
        let mut any_missing = false;
        for &code in self.cells.codes() {
            if code == MISSING {
                any_missing = true;
            } else {
                used[code as usize] = true;
            }
        }
        let mut interner = Interner::new();
        let mut new_code = vec![MISSING; old.len()];
        // 0 same, 1 changed, 2 suppressed
        let mut fate = vec![0_u8; old.len()];
        for code in 0..old.len() {
            if !used[code] {
                continue;
            }
            let text = old.text(code as u32);
            match f(Some(text)) {
                Cell::Same => new_code[code] = interner.intern(text),
                Cell::Text(new) => {
                    fate[code] = u8::from(new != text);
                    new_code[code] = interner.intern(&new);
                }
                Cell::Missing => fate[code] = 2,
            }
        }
        let of_missing = if any_missing {
            match f(None) {
                Cell::Text(new) => interner.intern(&new),
                Cell::Same | Cell::Missing => MISSING,
            }
        } else {
            MISSING
        };
        let mut tally = Tally { seen: self.cells.len() as u64, ..Tally::default() };
        let codes = self
            .cells
            .codes()
            .iter()
            .map(|&code| {
                if code == MISSING {
                    tally.changed += u64::from(of_missing != MISSING);
                    of_missing
                } else {
                    tally.changed += u64::from(fate[code as usize] == 1);
                    tally.suppressed += u64::from(fate[code as usize] == 2);
                    new_code[code as usize]
                }
            })
            .collect();
        Output::plain(Column::new(codes, Arc::new(interner.finish())), tally)
    }

    /// Applies a function to each distinct pair of a text and a number of the row (by `number`; none: the cell is suppressed). It gets
    /// the code of the text and the number. Missing cells stay missing and special values pass through.
    pub fn map_pairs(
        &self,
        mut number: impl FnMut(usize) -> Option<i32>,
        mut f: impl FnMut(u32, i32) -> Cell,
    ) -> Output {
        let old = self.cells.dictionary();
        let special: Vec<bool> = old.texts().map(|t| self.facts.is_special(t)).collect();
        let mut interner = Interner::new();
        let mut tally = Tally { seen: self.cells.len() as u64, ..Tally::default() };
        // The new code, and whether the text is another one.
        let mut known: hashbrown::HashMap<(u32, i32), (u32, bool)> = hashbrown::HashMap::new();
        let mut last: Option<((u32, i32), (u32, bool))> = None;
        let mut codes = Vec::with_capacity(self.cells.len());
        for (row, &code) in self.cells.codes().iter().enumerate() {
            if code == MISSING {
                codes.push(MISSING);
                continue;
            }
            if special[code as usize] {
                codes.push(interner.intern(old.text(code)));
                continue;
            }
            let Some(number) = number(row) else {
                tally.suppressed += 1;
                codes.push(MISSING);
                continue;
            };
            let pair = (code, number);
            let (new, changed) = match last {
                Some((same, new)) if same == pair => new,
                _ => *known.entry(pair).or_insert_with(|| match f(code, number) {
                    Cell::Same => (interner.intern(old.text(code)), false),
                    Cell::Text(new) => (interner.intern(&new), new != old.text(code)),
                    Cell::Missing => (MISSING, false),
                }),
            };
            last = Some((pair, (new, changed)));
            tally.changed += u64::from(changed);
            tally.suppressed += u64::from(new == MISSING);
            codes.push(new);
        }
        Output::plain(Column::new(codes, Arc::new(interner.finish())), tally)
    }

    /// Applies a function to each row: it gets the row number and the cell's text.
    /// Missing cells stay missing and special values pass through.
    pub fn map_rows(&self, mut f: impl FnMut(usize, &str) -> Cell) -> Output {
        let old = self.cells.dictionary();
        let special: Vec<bool> = old.texts().map(|t| self.facts.is_special(t)).collect();
        let mut interner = Interner::new();
        let mut tally = Tally { seen: self.cells.len() as u64, ..Tally::default() };
        let mut codes = Vec::with_capacity(self.cells.len());
        for (row, &code) in self.cells.codes().iter().enumerate() {
            codes.push(if code == MISSING {
                MISSING
            } else {
                let text = old.text(code);
                let cell = if special[code as usize] { Cell::Same } else { f(row, text) };
                match cell {
                    Cell::Same => interner.intern(text),
                    Cell::Text(new) => {
                        tally.changed += u64::from(new != text);
                        interner.intern(&new)
                    }
                    Cell::Missing => {
                        tally.suppressed += 1;
                        MISSING
                    }
                }
            });
        }
        Output::plain(Column::new(codes, Arc::new(interner.finish())), tally)
    }
}

impl Output {
    /// An output that removes no rows.
    #[must_use]
    pub fn plain(cells: Column, tally: Tally) -> Self {
        Output {
            cells,
            tally,
            remove_rows: Vec::new(),
            remove_stays: Vec::new(),
            remove_persons: Vec::new(),
            marks: Marks::default(),
        }
    }
}

/// A statistic over all persons. Persons never span partitions, so merging is adding; it is associative and commutative.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Nothing is needed.
    #[default]
    Nothing,
    /// Distinct persons by key.
    Persons(BTreeMap<String, u64>),
    /// For each person its largest (or smallest) number; kept are the n most extreme, sorted.
    Extremes(Vec<crate::text::number::Decimal>),
    /// The same for both ends: `high` descending, `low` ascending.
    Tails {
        /// The largest number of each person, largest first.
        high: Vec<crate::text::number::Decimal>,
        /// The smallest number of each person, smallest first.
        low: Vec<crate::text::number::Decimal>,
    },
}

/// What a technique can do. The catalogue dispatches; the engine knows no technique by name.
pub trait Technique: Sized + Clone + DeserializeOwned {
    /// Its page in the reference.
    const DOC: Doc;
    /// What speaks against using it on this column for this release (type, role, parameters). Empty if nothing.
    fn check(&self, facts: &ColumnFacts, kind: Kind) -> Vec<Said> {
        let _ = (facts, kind);
        Vec::new()
    }
    /// What it needs besides the column.
    fn needs(&self) -> Needs {
        Needs::default()
    }
    /// The type of the output column; `None` if the column disappears.
    fn output(&self, facts: &ColumnFacts) -> Option<Type>;
    /// The statistic of one partition (called only if [`Needs::statistics`]).
    fn measure(&self, input: &Input<'_>) -> Measure {
        let _ = input;
        Measure::Nothing
    }
    /// Joins the statistics of two partitions. Associative and commutative.
    fn merge(&self, left: Measure, right: Measure) -> Measure {
        let _ = right;
        left
    }
    /// Some techniques measure more than once: given the statistic so far, the configuration to measure with next;
    /// `None` when `freeze` may be called with this statistic.
    fn next_round(&self, statistics: &Measure) -> Option<Self> {
        let _ = statistics;
        None
    }
    /// Gives the technique the ladder of the column's code system or hierarchy (`facts.code`).
    /// Called by the plan before `check`.
    ///
    /// # Errors
    /// If it needs one and there is none, or a level is not on it.
    fn attach(&mut self, ladders: &Ladders, facts: &ColumnFacts) -> Result<(), Said> {
        let _ = (ladders, facts);
        Ok(())
    }
    /// The distinct persons that the policy asks for behind what is shown (`below`, `persons`, `tails`); without, the floor of the
    /// release holds.
    fn persons(&self) -> Option<u64> {
        None
    }
    /// Gives the technique the floor of the release where it needs one and the policy names none.
    fn set_persons(&mut self, n: u64) {
        let _ = n;
    }
    /// The text for what is covered by nothing else; without, the cell is suppressed.
    fn remainder(&self) -> Option<&str> {
        None
    }
    /// Whether what it shows are codes of the column's own system, so that names of its values still fit.
    fn keeps_codes(&self) -> bool {
        Self::DOC.shows.unchanged()
    }
    /// Whether the ends of its intervals are whole numbers.
    fn whole_ends(&self) -> bool {
        true
    }
    /// Whether its labels are numbers or intervals of whole numbers, which can be joined with their neighbours.
    fn ordered(&self) -> bool {
        false
    }
    /// Whether the output tells nothing of where a date lies in the calendar.
    fn relative(&self) -> bool {
        false
    }
    /// Days that a count of days is rounded to.
    fn day_step(&self) -> u32 {
        1
    }
    /// Whether it is there for rare and extreme values (特異な記述, 施行規則18条4号).
    fn outliers(&self) -> bool {
        false
    }
    /// Why it may find a cell that it can make nothing of, English and Japanese, if the policy does not say so itself.
    fn unfit(&self) -> Option<[&'static str; 2]> {
        None
    }
    /// Whether rows of one person with one value may show different ones (an age at each row's own date).
    fn varies(&self) -> bool {
        false
    }
    /// The column whose treatment this one repeats.
    fn same_as(&self) -> Option<&ColumnRef> {
        None
    }
    /// The choices that the policy offers to the search of levels, finest first; empty if the treatment is fixed.
    fn choices(&self) -> Vec<String> {
        Vec::new()
    }
    /// Fixes one of the choices.
    fn choose(&mut self, choice: &str) {
        let _ = choice;
    }
    /// Fixes what depends on statistics. The result says everything that `apply` will do.
    ///
    /// # Errors
    /// If the data do not allow it (for example fewer than n persons in all).
    fn freeze(&self, statistics: &Measure, facts: &ColumnFacts) -> Result<Self, Error> {
        let _ = (statistics, facts);
        Ok(self.clone())
    }
    /// Reads back what [`Self::freeze`] or [`Self::next_round`] gave, from how it was written. `self` is the treatment of the same
    /// column in the plan: what is not written (a ladder) comes from there.
    fn restore(&self, written: &serde_json::Value) -> Option<Self> {
        serde_json::from_value(written.clone()).ok()
    }
    /// The kernel: pure, the same for any partition.
    fn apply(&self, input: &Input<'_>) -> Output;
    /// What it does in words for the processing table of the record and `explain` (Japanese, English).
    fn describe(&self) -> (String, String);
}

macro_rules! catalogue {
    ($($variant:ident = $module:ident :: $type:ident, $word:literal;)*) => {
        /// A treatment of one column for one release: one technique with its parameters.
        #[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum Treatment { $(#[doc = $word] $variant($module::$type),)* }

        /// All techniques, in the order of the reference.
        pub const CATALOGUE: &[Doc] = &[$(<$module::$type as Technique>::DOC,)*];

        impl Treatment {
            /// The technique's page.
            #[must_use]
            pub fn doc(&self) -> Doc { match self { $(Treatment::$variant(_) => <$module::$type as Technique>::DOC,)* } }
            /// See [`Doc::shows`].
            #[must_use]
            pub fn shows(&self) -> Shows { self.doc().shows }
            /// See [`Technique::check`].
            #[must_use]
            pub fn check(&self, facts: &ColumnFacts, kind: Kind) -> Vec<Said> { match self { $(Treatment::$variant(t) => t.check(facts, kind),)* } }
            /// See [`Technique::needs`].
            #[must_use]
            pub fn needs(&self) -> Needs { match self { $(Treatment::$variant(t) => t.needs(),)* } }
            /// See [`Technique::output`].
            #[must_use]
            pub fn output(&self, facts: &ColumnFacts) -> Option<Type> { match self { $(Treatment::$variant(t) => t.output(facts),)* } }
            /// See [`Technique::measure`].
            #[must_use]
            pub fn measure(&self, input: &Input<'_>) -> Measure { match self { $(Treatment::$variant(t) => t.measure(input),)* } }
            /// See [`Technique::merge`].
            #[must_use]
            pub fn merge(&self, left: Measure, right: Measure) -> Measure { match self { $(Treatment::$variant(t) => t.merge(left, right),)* } }
            /// See [`Technique::next_round`].
            #[must_use]
            pub fn next_round(&self, statistics: &Measure) -> Option<Self> { match self { $(Treatment::$variant(t) => t.next_round(statistics).map(Treatment::$variant),)* } }
            /// See [`Technique::attach`].
            ///
            /// # Errors
            /// If the technique needs a ladder that is not there.
            pub fn attach(&mut self, ladders: &Ladders, facts: &ColumnFacts) -> Result<(), Said> { match self { $(Treatment::$variant(t) => t.attach(ladders, facts),)* } }
            /// See [`Technique::persons`].
            #[must_use]
            pub fn persons(&self) -> Option<u64> { match self { $(Treatment::$variant(t) => t.persons(),)* } }
            /// See [`Technique::set_persons`].
            pub fn set_persons(&mut self, n: u64) { match self { $(Treatment::$variant(t) => t.set_persons(n),)* } }
            /// See [`Technique::remainder`].
            #[must_use]
            pub fn remainder(&self) -> Option<&str> { match self { $(Treatment::$variant(t) => t.remainder(),)* } }
            /// See [`Technique::keeps_codes`].
            #[must_use]
            pub fn keeps_codes(&self) -> bool { match self { $(Treatment::$variant(t) => t.keeps_codes(),)* } }
            /// See [`Technique::whole_ends`].
            #[must_use]
            pub fn whole_ends(&self) -> bool { match self { $(Treatment::$variant(t) => t.whole_ends(),)* } }
            /// See [`Technique::ordered`].
            #[must_use]
            pub fn ordered(&self) -> bool { match self { $(Treatment::$variant(t) => t.ordered(),)* } }
            /// See [`Technique::relative`].
            #[must_use]
            pub fn relative(&self) -> bool { match self { $(Treatment::$variant(t) => t.relative(),)* } }
            /// See [`Technique::day_step`].
            #[must_use]
            pub fn day_step(&self) -> u32 { match self { $(Treatment::$variant(t) => t.day_step(),)* } }
            /// See [`Technique::outliers`].
            #[must_use]
            pub fn outliers(&self) -> bool { match self { $(Treatment::$variant(t) => t.outliers(),)* } }
            /// See [`Technique::unfit`].
            #[must_use]
            pub fn unfit(&self) -> Option<[&'static str; 2]> { match self { $(Treatment::$variant(t) => t.unfit(),)* } }
            /// See [`Technique::varies`].
            #[must_use]
            pub fn varies(&self) -> bool { match self { $(Treatment::$variant(t) => t.varies(),)* } }
            /// See [`Technique::same_as`].
            #[must_use]
            pub fn same_as(&self) -> Option<&ColumnRef> { match self { $(Treatment::$variant(t) => t.same_as(),)* } }
            /// See [`Technique::choices`].
            #[must_use]
            pub fn choices(&self) -> Vec<String> { match self { $(Treatment::$variant(t) => t.choices(),)* } }
            /// See [`Technique::choose`].
            pub fn choose(&mut self, choice: &str) { match self { $(Treatment::$variant(t) => t.choose(choice),)* } }
            /// See [`Technique::freeze`].
            ///
            /// # Errors
            /// If the data do not allow it.
            pub fn freeze(&self, statistics: &Measure, facts: &ColumnFacts) -> Result<Self, Error> { match self { $(Treatment::$variant(t) => t.freeze(statistics, facts).map(Treatment::$variant),)* } }
            /// See [`Technique::restore`]; nothing if another technique was written.
            #[must_use]
            pub fn restore(&self, written: &serde_json::Value) -> Option<Self> {
                let written = written.as_object().filter(|o| o.len() == 1)?.get(self.doc().name)?;
                match self { $(Treatment::$variant(t) => t.restore(written).map(Treatment::$variant),)* }
            }
            /// See [`Technique::apply`].
            #[must_use]
            pub fn apply(&self, input: &Input<'_>) -> Output { match self { $(Treatment::$variant(t) => t.apply(input),)* } }
            /// See [`Technique::describe`].
            #[must_use]
            pub fn describe(&self) -> (String, String) { match self { $(Treatment::$variant(t) => t.describe(),)* } }
        }
    };
}

pub mod age_band;
pub mod band;
pub mod bottom_code;
pub mod constant;
pub mod days_since;
pub mod drop;
pub mod generalize;
pub mod keep;
pub mod map_code;
pub mod prefix;
pub mod presence;
pub mod pseudonym;
pub mod rare;
pub mod redact;
pub mod round;
pub mod same_as;
pub mod shift_date;
pub mod stay_interval;
pub mod suppress;
pub mod surrogate;
mod tails;
pub mod top_code;
pub mod truncate_date;

catalogue! {
    AgeBand = age_band::AgeBand, "Age bands at an anchor date.";
    Band = band::Band, "Bands of numbers.";
    BottomCode = bottom_code::BottomCode, "Small values become one common lower value.";
    Constant = constant::Constant, "Every cell becomes the same text.";
    DaysSince = days_since::DaysSince, "Days since an anchor date.";
    Drop = drop::Drop, "The column is left out.";
    Generalize = generalize::Generalize, "A coarser level of the column's code system or hierarchy.";
    Keep = keep::Keep, "The column stays as it is.";
    Map = map_code::Map, "A code table.";
    Prefix = prefix::Prefix, "The first characters of a code.";
    Presence = presence::Presence, "Whether the cell has a value.";
    Pseudonym = pseudonym::Pseudonym, "A keyed token (pseudonymized release).";
    Rare = rare::Rare, "Rare values go up to their parent level.";
    Redact = redact::Redact, "Identifiers in free text are replaced by marks (pseudonymized release).";
    Round = round::Round, "Rounded numbers.";
    SameAs = same_as::SameAs, "The treatment of another column, at the same level.";
    ShiftDate = shift_date::ShiftDate, "One shift in whole weeks a person (pseudonymized release).";
    StayInterval = stay_interval::StayInterval, "Days since the end of the person's previous stay.";
    Suppress = suppress::Suppress, "Cells, rows, stays or persons are removed.";
    Surrogate = surrogate::Surrogate, "A token under a key that exists for this run only (anonymized release).";
    TopCode = top_code::TopCode, "Large values become one common upper value.";
    TruncateDate = truncate_date::TruncateDate, "Year, fiscal year, half, quarter or month of a date.";
}

/// Tokens of the identities of a link column; cells without an identity become missing.
fn tokens(input: &Input<'_>, domain: Option<&str>) -> Output {
    let mut tally = Tally { seen: input.cells.len() as u64, ..Tally::default() };
    // The engine gives the identity of every column whose technique asks for it.
    let Some(identity) = input.identity else { return input.map_all(|_| Cell::Missing) };
    let domain = domain.unwrap_or(input.domain);
    let made = input.tokens.of(domain, identity.dictionary());
    let mut used = vec![false; identity.dictionary().len()];
    for (&code, &cell) in identity.codes().iter().zip(input.cells.codes()) {
        if code != MISSING {
            used[code as usize] = true;
            tally.changed += 1;
        } else if cell != MISSING {
            tally.suppressed += 1;
        }
    }
    if let Some(made) = made {
        let codes = identity.codes().iter();
        let codes = codes
            .map(|&c| if c == MISSING { MISSING } else { made.texts.codes()[c as usize] })
            .collect();
        return Output::plain(Column::new(codes, Arc::clone(made.texts.dictionary())), tally);
    }
    let texts: Vec<Option<String>> = used
        .par_iter()
        .enumerate()
        .map(|(code, &used)| {
            let text = identity.dictionary().text(code as u32);
            used.then(|| crate::token::token_text(&input.secrets.token(domain, text)))
        })
        .collect();
    let mut interner = Interner::new();
    let map: Vec<u32> =
        texts.iter().map(|t| t.as_ref().map_or(MISSING, |t| interner.intern(t))).collect();
    let codes = identity
        .codes()
        .iter()
        .map(|&code| if code == MISSING { MISSING } else { map[code as usize] })
        .collect();
    Output::plain(Column::new(codes, Arc::new(interner.finish())), tally)
}

/// What was written, and apart from it the field that freezing fills, which no policy can name.
fn apart<T: DeserializeOwned, F: DeserializeOwned>(
    written: &serde_json::Value,
    field: &str,
) -> Option<(T, Option<F>)> {
    let mut written = written.clone();
    let fixed = match written.as_object_mut()?.remove(field) {
        Some(fixed) => Some(serde_json::from_value(fixed).ok()?),
        None => None,
    };
    Some((serde_json::from_value(written).ok()?, fixed))
}

/// The error for a treatment that offers several levels when none was chosen.
pub(crate) fn not_chosen() -> Error {
    Error::policy("P0401", crate::say!("several levels are offered and none was chosen"))
        .advice(crate::say!("give one level, or run the search of levels"))
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
