//! Declarations held against the data, after intake and before anything is made: a false role passes no further.
//!
//! Looked at are columns whose cells a release would show as they are. A role is a word; these are what the data say:
//! values that each belong to one person, texts that are dates, numbers that pass a check digit, cells that are those of
//! a link, direct or birth column of the same person, codes that are a date in another spelling, and sentences. Each is
//! refused unless the policy gives a reason at the column (`because`), which is then told. Messages hold names and counts.
//!
//! One pass over the partitions; every distinct text is looked at once. Persons never span partitions, so counts of
//! partitions add up.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher as _;

use chrono::Datelike as _;
use hashbrown::hash_map::Entry;
use hashbrown::{DefaultHashBuilder, HashMap, HashSet};
use rayon::prelude::*;

use super::Progress;
use super::exclude::Lists;
use super::intake::Store;
use super::partition::{Partition, column_days};
use crate::detect::{DETECTORS, Scanner, Strength};
use crate::error::{Error, Result, Said, small};
use crate::frame::{Column, MISSING};
use crate::plan::declared::{is_birth, shows};
use crate::plan::{ColumnPlan, Plan, Warning};
use crate::schema::{ByKind, ColumnAt, ColumnFacts, DateKind, Kind, Role, Type, codes};
use crate::technique::{Shows, Treatment};
use crate::text::spelled::{Calendar, Held, MOMENTS};
use crate::text::{date, identifier};
use crate::{log, say};

/// Persons with a value below which nothing is said about uniqueness: so few differ by chance.
const ENOUGH_PERSONS: u64 = 40;
/// Rows and persons below which dates, numbers and equal columns are not judged.
const ENOUGH_ROWS: u64 = 20;
/// Distinct texts that are looked at for check digits, equality and sentences.
const SAMPLE: usize = 500;
/// Pairs of a value and a day beyond what a function has, after which it is none.
const FEW_PAIRS: usize = 1000;
/// Collisions to be expected of which hardly any are there: by chance in one column of a thousand (Poisson, e^-7).
const LIKELY: f64 = 7.0;
/// Values of their own after which a column is an identifier, however many more come.
const CONCLUSIVE: usize = 200_000;

/// A column whose cells a release shows as they are, and what was seen of it.
struct Watched {
    table: usize,
    column: usize,
    name: String,
    /// The releases that show the cells.
    kinds: ByKind<bool>,
    /// Whether texts and numbers are looked at.
    counted: bool,
    unique: Option<Unique>,
    /// Of a column of numbers: its cells, and those that are whole numbers.
    whole: Rows,
    rows: u64,
    persons: u64,
    dates: Rows,
    date_texts: u64,
    /// Cells that are a month of a year (202404), and how many different ones a partition had.
    months: Rows,
    month_texts: u64,
    /// Days in spellings that no treatment of dates reads.
    spelled: Calendar,
    /// Numbers that may count days.
    serials: Serials,
    /// The smallest and the largest whole number.
    range: Option<(i64, i64)>,
    number_texts: u64,
    /// Cells by whole number, up to the days of a month.
    small: [u64; 32],
    /// A detector whose check digit most distinct numbers pass; how many, of how many.
    digits: Option<(usize, u64, u64)>,
    looked: bool,
    sentences: Sentences,
    /// By the place of the other column in `Declared::others`.
    same: Vec<Rows>,
    functions: Vec<Function>,
    born: Rows,
    birth_years: BirthYears,
}

/// Numbers of persons held against the years of their births.
#[derive(Default)]
struct BirthYears {
    /// Cells of persons whose birth is known.
    seen: u64,
    /// Those of them that are no year and no age.
    others: u64,
    /// Cells by the number minus the year, and by the number plus the year.
    after: BTreeMap<i64, u64>,
    sum: BTreeMap<i64, u64>,
    numbers: BTreeSet<i64>,
}

/// The number of `1960`, `1960年生`, `S35`, `55歳`.
fn year_or_age(text: &str) -> Option<i64> {
    let text = bare(text.trim());
    let plain = text.trim_start_matches('\'').trim_end_matches(['生', '歳', '才']);
    let year = || date::parse(plain).filter(|w| w.day.is_none()).map(|w| w.year);
    let written = || date::year_of_era(plain).or_else(year).map(i64::from);
    plain.parse::<i64>().ok().or_else(written)
}

/// Numbers that may be a year or an age.
const YEARS_AND_AGES: std::ops::RangeInclusive<i64> = -1..=2100;
/// Years of births that are told apart.
const FIRST_YEAR: i64 = 1860;
const YEARS: usize = 241;
const NO_YEAR: u8 = u8::MAX;

/// What numbers say of the years of births.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Tells {
    Year,
    Age,
}

impl BirthYears {
    /// Adds cells with a number of persons who were born in a year.
    fn add(&mut self, number: i64, birth: i64, cells: u64) {
        self.seen += cells;
        *self.after.entry(number - birth).or_default() += cells;
        *self.sum.entry(number + birth).or_default() += cells;
        self.numbers.insert(number);
    }

    /// Nearly all numbers are the year from some year on (1960, 60, 35 of an era), or the age on one day.
    fn tells(&self) -> Option<(Tells, u64)> {
        if self.numbers.len() < ENOUGH_ROWS as usize {
            return None;
        }
        // Fillers that nobody declared (9999, 不明) say nothing.
        let fillers = if self.others * 5 <= self.seen { self.others } else { 0 };
        let most = |hold: u64| Rows { seen: self.seen - fillers, hold }.most(0.95);
        // Born before and after a day of the year: the birthday, or 1 April.
        let best = |of: &BTreeMap<i64, u64>| {
            let two = |(at, cells): (&i64, &u64)| cells + of.get(&(at + 1)).copied().unwrap_or(0);
            of.iter().map(two).max().filter(|&hold| most(hold))
        };
        let year = best(&self.after).map(|hold| (Tells::Year, hold));
        year.or_else(|| best(&self.sum).map(|hold| (Tells::Age, hold)))
    }
}

/// Rows that were looked at, and those of which something holds.
#[derive(Clone, Copy, Debug, Default)]
struct Rows {
    seen: u64,
    hold: u64,
}

impl Rows {
    fn most(self, share: f64) -> bool {
        self.seen >= ENOUGH_ROWS && self.hold as f64 >= share * self.seen as f64
    }
}

/// Whose the values of a column are.
#[derive(Default)]
struct Unique {
    hasher: DefaultHashBuilder,
    /// Values, and whether more than one person has them.
    values: HashMap<u64, bool>,
    /// Pairs of a person and a value.
    held: u64,
    /// Digits of whole numbers: how many values have how many.
    lengths: HashMap<usize, u64>,
    range: Option<(i64, i64)>,
    /// Values that the column's code system knows.
    known: u64,
    /// Known before the end: values of many, or more of single persons than chance gives.
    decided: Option<bool>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Sentences {
    rows: u64,
    texts: u64,
    long: u64,
}

/// How far one column is a function of another: which values stand beside which days, over all partitions. What is found does
/// not depend on how the persons are divided.
#[derive(Default)]
struct Function {
    /// By value and day: who had both first, and whether somebody else has both too.
    pairs: HashMap<(u64, i32), (u64, bool)>,
    values: HashSet<u64>,
    days: HashSet<i32>,
    /// No function: known before the end, and nothing more is remembered.
    none: bool,
    /// Rows by how far the number is from the day, counted from one fixed day; empty once there are too many.
    away: HashMap<i64, u64>,
    numbers: u64,
    no_serial: bool,
}

/// A column that others must not repeat.
struct Other {
    table: usize,
    column: usize,
    /// A date (of an event or of birth); otherwise a link or direct identifier.
    date: bool,
    birth: bool,
}

/// Holds the declarations of a plan against the data.
///
/// # Errors
/// Every column that is not what it is declared to be and has no reason; I/O of spilled partitions.
pub fn check(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    progress: &dyn Progress,
) -> Result<Vec<Warning>> {
    let mut declared = Declared::new(plan);
    if declared.watched.is_empty() && declared.anchors.is_empty() {
        return Ok(Vec::new());
    }
    progress.room("declared");
    store.each(plan, lists, |number, partition| {
        progress.check()?;
        declared.add(plan, number, partition);
        Ok(())
    })?;
    declared.judge(plan)
}

/// What was seen of the columns that are watched.
pub(super) struct Declared {
    others: Vec<Other>,
    watched: Vec<Watched>,
    hasher: DefaultHashBuilder,
    event_days: BTreeSet<i32>,
    anchors: Vec<Anchored>,
}

/// A column of which the anonymized release shows how far it is from other dates, and what was seen of those.
struct Anchored {
    at: ColumnAt,
    anchors: Vec<ColumnAt>,
    days: BTreeSet<i32>,
    persons: u64,
    /// The days of the column itself, as many as matter.
    own: BTreeSet<i32>,
}

/// Days of the shortest month: a coarser count is a month or more.
const MONTH: u32 = 28;
/// Different days of an anchor up to which it is a calendar, if many persons have each.
const FEW_ANCHORS: usize = 12;

impl Anchored {
    fn all(plan: &Plan) -> Vec<Anchored> {
        let anchored = |at: ColumnAt| {
            let column = plan.column(at);
            let planned = column.treatment(Kind::Anonymized);
            // A band of ages at a fixed day tells no date.
            let counts = planned.output.is_some_and(is_number)
                && planned.treatment.relative()
                && planned.treatment.day_step() < MONTH;
            let anchors = planned.dates.iter();
            let anchors = anchors.map(|d| ColumnAt { table: d.table, column: d.column }).collect();
            (counts && column.facts.ty.is_date() && !planned.dates.is_empty()).then(|| Anchored {
                at,
                anchors,
                days: BTreeSet::new(),
                persons: 0,
                own: BTreeSet::new(),
            })
        };
        plan.columns_at().filter_map(anchored).collect()
    }

    fn add(&mut self, partition: &Partition) {
        // Enough to know that it varies.
        if self.days.len() > FEW_ANCHORS {
            return;
        }
        if self.own.len() <= FEW_ANCHORS {
            let cells = &partition.tables[self.at.table].table.columns[self.at.column];
            let days = cells.dictionary().days();
            self.own.extend(used(cells).iter().filter_map(|&code| days[code as usize]));
        }
        let mut persons: HashSet<u32> = HashSet::new();
        for at in &self.anchors {
            let part = &partition.tables[at.table];
            let cells = &part.table.columns[at.column];
            let days = cells.dictionary().days();
            self.days.extend(used(cells).iter().filter_map(|&code| days[code as usize]));
            let filled = cells.codes().iter().zip(&part.persons);
            persons.extend(filled.filter(|(code, _)| **code != MISSING).map(|(_, &person)| person));
        }
        // Nobody is in two partitions.
        self.persons += persons.len() as u64;
    }

    fn judge(&self, plan: &Plan) -> Option<Found> {
        let (days, persons) = (self.days.len() as u64, self.persons);
        // A few days in all are no calendar.
        let spread = self.own.len() > FEW_ANCHORS;
        let few = days > 0 && self.days.len() <= FEW_ANCHORS;
        let many = spread && few && persons >= ENOUGH_ROWS * days;
        let anchors: Vec<Said> =
            self.anchors.iter().map(|at| named(plan, at.table, at.column)).collect();
        let anchors = Said::join(&anchors, ", ");
        many.then(|| {
            found(
                "C0411",
                "W0161",
                say!(
                    "column {}: it is counted from {}, which is one of {} days for all persons: counts of days from a known day are dates",
                    named(plan, self.at.table, self.at.column),
                    anchors,
                    days
                ),
                say!(
                    "列{}: 起点{}は全員で{}日しかなく、決まった日からの日数は日付そのもの",
                    named(plan, self.at.table, self.at.column),
                    anchors,
                    days
                ),
                say!("an anchor that is an event of the person, \"drop\", or truncate_date"),
            )
        })
    }
}

impl Declared {
    /// Nothing yet.
    pub(super) fn new(plan: &Plan) -> Self {
        let others = others(plan);
        let watched = watched(plan, &others);
        let hasher = DefaultHashBuilder::default();
        let anchors = Anchored::all(plan);
        Declared { others, watched, hasher, event_days: BTreeSet::new(), anchors }
    }

    /// Looks at a partition; each has a number of its own.
    pub(super) fn add(&mut self, plan: &Plan, number: usize, partition: &Partition) {
        let Declared { others, watched, hasher, event_days, anchors } = self;
        anchors.iter_mut().for_each(|anchored| anchored.add(partition));
        if watched.is_empty() {
            return;
        }
        for other in others.iter().filter(|other| other.date && !other.birth) {
            let cells = &partition.tables[other.table].table.columns[other.column];
            event_days.extend(cells.dictionary().days().iter().flatten());
        }
        let known = Known::of(partition, others);
        let numbered = (number, partition);
        watched.par_iter_mut().for_each(|w| w.add(plan, numbered, others, &known, hasher));
    }

    /// Judges what was seen.
    ///
    /// # Errors
    /// As [`check`].
    pub(super) fn judge(&self, plan: &Plan) -> Result<Vec<Warning>> {
        let events = window(&self.event_days);
        let mut errors = Vec::new();
        let mut warnings = Vec::new();
        let watched = self.watched.iter().map(|one| {
            let at = ColumnAt { table: one.table, column: one.column };
            (at, one.judge(plan, &self.others, &self.watched, events))
        });
        let anchored =
            self.anchors.iter().map(|one| (one.at, one.judge(plan).into_iter().collect()));
        for (at, all) in watched.chain(anchored) {
            let because = plan.column(at).because.as_ref();
            let because = because.filter(|b| !b.as_str().trim().is_empty());
            for found in all {
                match because {
                    Some(because) => warnings.push(Warning {
                        code: found.warning,
                        text: say!("{}; it stays as it is because: {}", found.what, because),
                        text_ja: say!("{}。このままとする理由: {}", found.ja, because),
                        place: None,
                    }),
                    None => errors.push(Error::refused(found.code, found.what).advice(say!(
                        "{}; if it is right as it is, say why at the column: because = \"...\"",
                        found.advice
                    ))),
                }
            }
        }
        Error::all(errors).map_or(Ok(warnings), Err)
    }
}

fn others(plan: &Plan) -> Vec<Other> {
    let mut others = Vec::new();
    for (t, table) in plan.tables.iter().enumerate() {
        for (c, column) in table.columns.iter().enumerate().filter(|(_, c)| !c.made) {
            let facts = &column.facts;
            let birth = is_birth(table, column) && facts.ty.is_date();
            let date = facts.ty.is_date();
            let named =
                matches!(facts.role, Role::Link | Role::Direct | Role::IdCode | Role::Financial);
            if date || named {
                others.push(Other { table: t, column: c, date, birth });
            }
        }
    }
    others
}

/// Types whose cells are numbers.
fn is_number(ty: Type) -> bool {
    matches!(ty, Type::Integer | Type::Decimal | Type::Measured)
}

/// A whole number without the `.0` that a spreadsheet puts behind it; a code as `E11.0` stays what it is.
fn bare(text: &str) -> &str {
    let whole = text.trim_end_matches('0').strip_suffix('.');
    let is_number = |t: &&str| !t.is_empty() && t.chars().all(|c| c.is_numeric() || c == '-');
    whole.filter(is_number).unwrap_or(text)
}

/// The texts that are whole numbers.
fn whole_numbers(cells: &Column, used: &[u32]) -> Vec<u32> {
    let is_whole = |code: &u32| {
        crate::text::number::parse_integer(bare(cells.dictionary().text(*code))).is_some()
    };
    used.iter().copied().filter(is_whole).collect()
}

/// A month of a year, as receipts and spreadsheets write it: 202404, 2024-04, 2024年4月.
fn is_month(text: &str) -> bool {
    let near = |year: i32| (1900..=2100).contains(&year);
    let digits = text.bytes().all(|b| b.is_ascii_digit());
    if digits && text.len() != 6 {
        return false;
    }
    date::parse(text).is_some_and(|w| w.month.is_some() && w.day.is_none() && near(w.year))
}

/// The days between which nearly all dates of the run lie; none if they say nothing.
fn window(days: &BTreeSet<i32>) -> Option<(i32, i32)> {
    let cut = days.len() / 50;
    let at = |n: usize| days.iter().nth(n).copied();
    let (low, high) = (at(cut)?, at(days.len() - 1 - cut)?);
    (high - low >= 60).then_some((low, high))
}

/// From which day programs count days, in days since 1970.
const EPOCHS: [(&str, i64); 5] = [
    ("since 1970", 0),
    ("of a spreadsheet", -25_569),
    ("of a spreadsheet since 1904", -24_107),
    ("since 1960", -3_653),
    ("of the modified Julian calendar", -40_587),
];
/// Different numbers after which a column counts no days of a run.
const MANY_DAYS: usize = 20_000;

/// Numbers that may count days: whole ones, or with the time of day behind the point.
#[derive(Default)]
struct Serials {
    /// Cells by whole number.
    cells: BTreeMap<i64, u64>,
    all: u64,
    fit: u64,
    /// Cells by how far the number is from the person's birth, counted from one fixed day.
    births: HashMap<i64, u64>,
    born: u64,
    /// No function of the births: nothing more is remembered.
    no_births: bool,
    none: bool,
}

impl Serials {
    /// Adds the cells of a text; the number, if it may be one.
    fn add(&mut self, text: &str, cells: u64) -> Option<i64> {
        if self.none {
            return None;
        }
        self.all += cells;
        let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-'));
        let number = plain.then(|| text.parse::<f64>().ok()).flatten();
        // Seconds and milliseconds since 1970 are days of it.
        let number = number.map(|n| match n {
            1e8..=3e9 => n / 86_400.0,
            1e11..=3e12 => n / 86_400_000.0,
            n => n,
        });
        let number = number.filter(|n| (-40_000.0..80_000.0).contains(n)).map(|n| n.floor() as i64);
        if let Some(number) = number {
            self.fit += cells;
            *self.cells.entry(number).or_default() += cells;
        }
        if self.cells.len() > MANY_DAYS {
            *self = Serials { none: true, ..Serials::default() };
        }
        number
    }

    fn add_birth(&mut self, number: i64, birth: i32) {
        if self.no_births {
            return;
        }
        self.born += 1;
        *self.births.entry(number - i64::from(birth)).or_default() += 1;
        if self.births.len() > FEW_PAIRS {
            (self.no_births, self.births) = (true, HashMap::new());
        }
    }

    /// From when the numbers count, if they lie where the dates of the run do and are spread over them, or if they are the births of
    /// the persons.
    fn epoch(&self, events: Option<(i32, i32)>) -> Option<&'static str> {
        let all = Rows { seen: self.all, hold: self.fit };
        if self.none || !all.most(0.98) {
            return None;
        }
        let born = self.births.iter().max_by_key(|(_, cells)| **cells);
        if let Some((&away, &hold)) = born
            && (Rows { seen: self.born, hold }).most(0.95)
            && self.born * 10 >= self.all * 9
            && self.cells.len() as u64 >= ENOUGH_ROWS
        {
            let known = EPOCHS.iter().find(|(_, epoch)| *epoch == -away);
            return Some(known.map_or("from the birth of the person", |(name, _)| name));
        }
        let (low, high) = events?;
        let (low, high) = (i64::from(low), i64::from(high));
        let span = high - low;
        let least = ENOUGH_ROWS as usize;
        EPOCHS.iter().find_map(|&(name, epoch)| {
            let (from, to) = (low - epoch - span / 4, high - epoch + span / 4);
            let inside = || self.cells.range(from..=to);
            let hold = inside().map(|(_, cells)| cells).sum::<u64>();
            let numbers: Vec<i64> = inside().map(|(number, _)| *number).collect();
            let (first, last) = (*numbers.first()?, *numbers.last()?);
            // As far apart as the dates, and no gaps: codes come in groups.
            let wide = (last - first) * 2 >= span && numbers.len() >= least;
            let mut eighths = [0_usize; 8];
            for number in &numbers {
                eighths[((number - first) * 8 / (last - first + 1)) as usize] += 1;
            }
            // Of few numbers an eighth or two may have none by chance.
            let empty = eighths.iter().filter(|n| **n * 32 < numbers.len()).count();
            let even = empty <= if numbers.len() < 64 { 2 } else { 0 };
            ((Rows { seen: self.all, hold }).most(0.98) && wide && even).then_some(name)
        })
    }
}

/// Roles whose columns stand in no view.
fn is_content(facts: &ColumnFacts) -> bool {
    matches!(facts.role, Role::Payload | Role::Sensitive | Role::ThirdParty)
}

/// Whether a release shows the cells as they are.
fn whole(column: &ColumnPlan, kind: Kind) -> bool {
    shows(column, kind)
        && match &column.treatment(kind).treatment {
            // So much of a number or a day is all of it.
            Treatment::Prefix(prefix) => prefix.length >= 8,
            treatment => treatment.shows().unchanged(),
        }
}

fn watched(plan: &Plan, others: &[Other]) -> Vec<Watched> {
    let mut all = Vec::new();
    for (t, table) in plan.tables.iter().enumerate() {
        for (c, column) in table.columns.iter().enumerate().filter(|(_, c)| !c.made) {
            let facts = &column.facts;
            let guarded = matches!(
                facts.role,
                Role::Link | Role::Direct | Role::IdCode | Role::Financial | Role::Text
            );
            let dated = facts.ty.is_date();
            // A date is looked at in any form that tells it, whether it is a birth date.
            let kinds =
                ByKind::of(|kind| if dated { shows(column, kind) } else { whole(column, kind) });
            if guarded || facts.ty == Type::Boolean || kinds == ByKind::default() {
                continue;
            }
            // A number that is always whole is what a whole number is, whatever its type says.
            let counted = matches!(facts.ty, Type::String | Type::Code) || is_number(facts.ty);
            all.push(Watched {
                table: t,
                column: c,
                name: facts.column.as_str().to_owned(),
                kinds,
                counted,
                unique: counted.then(Unique::default),
                whole: Rows::default(),
                rows: 0,
                persons: 0,
                dates: Rows::default(),
                date_texts: 0,
                months: Rows::default(),
                month_texts: 0,
                spelled: Calendar::default(),
                serials: Serials::default(),
                range: None,
                number_texts: 0,
                small: [0; 32],
                digits: None,
                looked: false,
                sentences: Sentences::default(),
                same: vec![Rows::default(); others.len()],
                functions: others.iter().map(|_| Function::default()).collect(),
                born: Rows::default(),
                birth_years: BirthYears::default(),
            });
        }
    }
    all
}

/// What a partition's persons have in the columns that others must not repeat.
struct Known {
    /// By other column that is no date: its identifiers.
    texts: Vec<Option<HashSet<u64>>>,
    /// The birth of each person; empty if no column is a birth date.
    births: Vec<Option<i32>>,
    /// The year of it, counted from [`FIRST_YEAR`]; [`NO_YEAR`] if it is not known.
    years: Vec<u8>,
    hasher: DefaultHashBuilder,
}

/// The form in which identifiers are compared: width, case, blanks, hyphens, leading zeros and a decimal point of a
/// spreadsheet do not matter.
fn folded(text: &str) -> Option<String> {
    identifier::normalize(bare(text), true, None).filter(|t| !t.is_empty())
}

impl Known {
    fn of(partition: &Partition, others: &[Other]) -> Known {
        log::trap("declared", || partition.ids.texts().collect::<Vec<_>>().join("|"));
        let hasher = DefaultHashBuilder::default();
        let cells = |o: &Other| &partition.tables[o.table].table.columns[o.column];
        let texts = others
            .par_iter()
            .map(|other| {
                (!other.date).then(|| hashes(cells(other), &hasher).into_iter().flatten().collect())
            })
            .collect();
        let mut births = Vec::new();
        for other in others.iter().filter(|other| other.birth) {
            births.resize(partition.ids.len(), None);
            let persons = &partition.tables[other.table].persons;
            for (day, &person) in column_days(cells(other)).iter().zip(persons) {
                births[person as usize] = births[person as usize].or(*day);
            }
        }
        let year = |birth: &Option<i32>| {
            let year = i64::from(birth.and_then(date::date_of)?.year()) - FIRST_YEAR;
            u8::try_from(year).ok().filter(|year| usize::from(*year) < YEARS)
        };
        let years = births.iter().map(|birth| year(birth).unwrap_or(NO_YEAR)).collect();
        Known { texts, births, years, hasher }
    }
}

fn hashes(cells: &Column, hasher: &DefaultHashBuilder) -> Vec<Option<u64>> {
    cells.dictionary().texts().map(|t| folded(t).map(|f| hasher.hash_one(f))).collect()
}

/// Which texts of the dictionary the rows use, in order.
fn used(cells: &Column) -> Vec<u32> {
    let mut seen = vec![false; cells.dictionary().len()];
    for &code in cells.codes().iter().filter(|&&c| c != MISSING) {
        seen[code as usize] = true;
    }
    (0..seen.len() as u32).filter(|&code| seen[code as usize]).collect()
}

/// Some of many, evenly spread.
fn some(all: &[u32]) -> impl Iterator<Item = u32> + '_ {
    all.iter().step_by(all.len().div_ceil(SAMPLE).max(1)).copied()
}

impl Watched {
    fn add(
        &mut self,
        plan: &Plan,
        (number, partition): (usize, &Partition),
        others: &[Other],
        known: &Known,
        hasher: &DefaultHashBuilder,
    ) {
        let column = &plan.tables[self.table].columns[self.column];
        let part = &partition.tables[self.table];
        let cells = &part.table.columns[self.column];
        if column.facts.ty.is_date() {
            self.add_births(column, cells, &part.persons, known);
            return;
        }
        let used: Vec<u32> = used(cells)
            .into_iter()
            .filter(|&code| {
                let text = cells.dictionary().text(code);
                !column.facts.is_special(text) && !column.missing.iter().any(|m| m == text)
            })
            .collect();
        if used.is_empty() {
            return;
        }
        let mut rows = vec![0_u64; cells.dictionary().len()];
        let mut there = vec![false; partition.ids.len()];
        for (&code, &person) in cells.codes().iter().zip(&part.persons) {
            if code != MISSING {
                rows[code as usize] += 1;
                there[person as usize] = true;
            }
        }
        let filled: u64 = used.iter().map(|&code| rows[code as usize]).sum();
        self.rows += filled;
        self.persons += there.iter().filter(|&&t| t).count() as u64;
        if self.unique.is_some() && is_number(column.facts.ty) {
            let whole = whole_numbers(cells, &used);
            // Cells, not texts: what is counted does not depend on how the persons are divided.
            self.whole.seen += filled;
            self.whole.hold += whole.iter().map(|&code| rows[code as usize]).sum::<u64>();
            // So many of another kind that no further rows make it a column of whole numbers: nothing more is remembered.
            if used.len() as u64 >= 5 * ENOUGH_PERSONS && whole.len() * 5 < used.len() * 4 {
                self.unique = None;
            }
        }
        if let Some(unique) = &mut self.unique {
            unique.add(&column.facts, cells, &part.persons, &used);
            self.add_texts(cells, &used, &rows, filled);
        }
        if self.counted {
            self.add_calendar(cells, &used, &rows, &part.persons, known);
            self.add_birth_years(column, cells, &used, &part.persons, known);
        }
        if !self.looked && used.len() as u64 >= ENOUGH_ROWS {
            self.looked = true;
            self.digits = checked(plan, self.table, self.column, cells, &used);
        }
        self.add_same(cells, partition, others, known, &used);
        self.add_functions(column, cells, (number, partition), others, hasher);
    }

    /// Texts that are dates, and sentences.
    fn add_texts(&mut self, cells: &Column, used: &[u32], rows: &[u64], filled: u64) {
        self.dates.seen += filled;
        self.months.seen += filled;
        let (mut texts, mut months, mut numbers) = (0, 0, 0);
        for &code in used {
            let text = bare(cells.dictionary().text(code));
            let long = text.len() >= 6;
            if long && date::parse(text).is_some_and(|w| w.days().is_some()) {
                self.dates.hold += rows[code as usize];
                texts += 1;
            }
            if long && is_month(text) {
                self.months.hold += rows[code as usize];
                months += 1;
            }
            if let Ok(number) = text.parse::<i64>() {
                let (low, high) = self.range.unwrap_or((number, number));
                self.range = Some((low.min(number), high.max(number)));
                numbers += rows[code as usize];
                if let Some(cells) =
                    usize::try_from(number).ok().and_then(|n| self.small.get_mut(n))
                {
                    *cells += rows[code as usize];
                }
            }
        }
        self.date_texts = self.date_texts.max(texts);
        self.month_texts = self.month_texts.max(months);
        self.number_texts += numbers;
        let mut seen = 0;
        let mut long = 0;
        for code in some(used) {
            seen += 1;
            long += u64::from(is_sentence(cells.dictionary().text(code)));
        }
        self.sentences.rows += filled;
        self.sentences.texts += used.len() as u64;
        self.sentences.long += long * used.len() as u64 / seen.max(1);
    }

    /// Days in other spellings, and numbers that may count days.
    fn add_calendar(
        &mut self,
        cells: &Column,
        used: &[u32],
        rows: &[u64],
        persons: &[u32],
        known: &Known,
    ) {
        let mut numbers = vec![None; cells.dictionary().len()];
        for &code in used {
            let text = bare(cells.dictionary().text(code));
            let read = (text.len() >= 6).then(|| date::parse(text)).flatten();
            let read = read.and_then(|when| Some((when.month?, when.day?)));
            self.spelled.add(text, rows[code as usize], read);
            numbers[code as usize] = self.serials.add(text, rows[code as usize]);
        }
        if known.births.is_empty() || self.serials.none || self.serials.no_births {
            return;
        }
        for (&code, &person) in
            cells.codes().iter().zip(persons).filter(|(code, _)| **code != MISSING)
        {
            if let (Some(number), Some(birth)) =
                (numbers[code as usize], known.births[person as usize])
            {
                self.serials.add_birth(number, birth);
            }
        }
    }

    /// Numbers that may be the year of birth or the age, as content outside all views.
    fn add_birth_years(
        &mut self,
        column: &ColumnPlan,
        cells: &Column,
        used: &[u32],
        persons: &[u32],
        known: &Known,
    ) {
        // Also where few values only become others.
        let shown = match &column.treatment(Kind::Anonymized).treatment {
            Treatment::Rare(_) | Treatment::TopCode(_) | Treatment::BottomCode(_) => {
                shows(column, Kind::Anonymized)
            }
            _ => self.kinds[Kind::Anonymized],
        };
        let counts = shown && is_content(&column.facts);
        if known.births.is_empty() || !counts {
            return;
        }
        const OTHER: u32 = MISSING - 1;
        // By code: where its number is counted.
        let (mut slots, mut numbers) = (vec![MISSING; cells.dictionary().len()], Vec::new());
        for &code in used {
            let number = year_or_age(cells.dictionary().text(code));
            slots[code as usize] = OTHER;
            if let Some(number) = number.filter(|n| YEARS_AND_AGES.contains(n)) {
                slots[code as usize] = numbers.len() as u32;
                numbers.push(number);
            }
        }
        let (mut cells_of, mut others) = (vec![0_u64; numbers.len() * YEARS], 0);
        let filled = cells.codes().iter().zip(persons).filter(|(code, _)| **code != MISSING);
        for (&code, &person) in filled {
            match (slots[code as usize], known.years[person as usize]) {
                // A special value, or nobody's birth.
                (MISSING, _) | (_, NO_YEAR) => {}
                (OTHER, _) => others += 1,
                (slot, year) => cells_of[slot as usize * YEARS + usize::from(year)] += 1,
            }
        }
        self.birth_years.seen += others;
        self.birth_years.others += others;
        for (at, &cells) in cells_of.iter().enumerate().filter(|(_, cells)| **cells > 0) {
            let birth = FIRST_YEAR + (at % YEARS) as i64;
            self.birth_years.add(numbers[at / YEARS], birth, cells);
        }
    }

    /// Cells that are identifiers of the same person.
    fn add_same(
        &mut self,
        cells: &Column,
        partition: &Partition,
        others: &[Other],
        known: &Known,
        used: &[u32],
    ) {
        if used.len() < ENOUGH_ROWS as usize {
            return;
        }
        let sample: Vec<u64> = some(used)
            .filter_map(|code| folded(cells.dictionary().text(code)))
            .map(|text| known.hasher.hash_one(text))
            .collect();
        for (o, texts) in known.texts.iter().enumerate() {
            let Some(texts) = texts else { continue };
            let found = sample.iter().filter(|hash| texts.contains(*hash)).count();
            if texts.len() < ENOUGH_ROWS as usize || found * 5 < sample.len() * 4 {
                continue;
            }
            // Most of its texts are identifiers of somebody: are they those of the same person?
            let pairs = |table: usize, cells: &Column| -> Vec<(u32, u64)> {
                let hashes = hashes(cells, &known.hasher);
                let persons = &partition.tables[table].persons;
                let rows = cells.codes().iter().zip(persons).filter(|&(&code, _)| code != MISSING);
                rows.filter_map(|(&code, &person)| Some((person, hashes[code as usize]?))).collect()
            };
            let other = &others[o];
            let there = &partition.tables[other.table].table.columns[other.column];
            let theirs: HashSet<(u32, u64)> = pairs(other.table, there).into_iter().collect();
            let here = pairs(self.table, cells);
            self.same[o].seen += here.len() as u64;
            self.same[o].hold += here.iter().filter(|pair| theirs.contains(*pair)).count() as u64;
        }
    }

    /// Codes and numbers that are a date of the same row in another spelling.
    fn add_functions(
        &mut self,
        column: &ColumnPlan,
        cells: &Column,
        (number, partition): (usize, &Partition),
        others: &[Other],
        hasher: &DefaultHashBuilder,
    ) {
        if self.unique.is_none() {
            return;
        }
        let part = &partition.tables[self.table];
        let mut read: Option<Values> = None;
        for (o, other) in others.iter().enumerate() {
            let function = &mut self.functions[o];
            if other.table != self.table || !other.date || function.none && function.no_serial {
                continue;
            }
            let values = read.get_or_insert_with(|| Values {
                hashes: cells.dictionary().texts().map(|t| hasher.hash_one(t)).collect(),
                numbers: is_number(column.facts.ty).then(|| {
                    let number =
                        |t| i64::try_from(crate::text::number::parse_integer(bare(t))?).ok();
                    cells.dictionary().texts().map(number).collect()
                }),
            });
            let days = column_days(&part.table.columns[other.column]);
            let persons = part.persons.iter().map(|&p| (number as u64) << 32 | u64::from(p));
            function.add(cells, persons, &days, values);
        }
    }

    /// Dates that are the person's birth.
    fn add_births(&mut self, column: &ColumnPlan, cells: &Column, persons: &[u32], known: &Known) {
        if column.facts.date == Some(DateKind::Birth) || known.births.is_empty() {
            return;
        }
        for (day, &person) in column_days(cells).iter().zip(persons) {
            if let (Some(day), Some(birth)) = (day, known.births[person as usize]) {
                self.born.seen += 1;
                self.born.hold += u64::from(*day == birth);
            }
        }
    }
}

impl Unique {
    fn add(&mut self, facts: &ColumnFacts, cells: &Column, persons: &[u32], used: &[u32]) {
        if self.decided.is_some() {
            return;
        }
        let mut first = vec![MISSING; cells.dictionary().len()];
        let mut shared = vec![false; cells.dictionary().len()];
        for (&code, &person) in cells.codes().iter().zip(persons) {
            if code == MISSING {
                continue;
            }
            let slot = &mut first[code as usize];
            if *slot == MISSING {
                *slot = person;
            } else {
                shared[code as usize] |= *slot != person;
            }
        }
        // Nearly all columns are decided here: their values are of many.
        let own = used.iter().filter(|&&code| !shared[code as usize]).count();
        if used.len() as u64 >= ENOUGH_PERSONS && own * 2 < used.len() {
            (self.decided, self.values) = (Some(false), HashMap::new());
            return;
        }
        let ladder = facts.code.as_ref().and_then(|c| codes::system(c.as_str()));
        for &code in used {
            let text = bare(cells.dictionary().text(code));
            match self.values.entry(self.hasher.hash_one(text)) {
                Entry::Occupied(mut known) => {
                    known.insert(true);
                    continue;
                }
                Entry::Vacant(new) => {
                    new.insert(shared[code as usize]);
                }
            }
            self.known += u64::from(ladder.is_some_and(|l| l.validate(text)));
            if text.bytes().all(|b| b.is_ascii_digit()) {
                *self.lengths.entry(text.len()).or_default() += 1;
            }
            if let Ok(number) = text.parse::<i64>() {
                let (low, high) = self.range.unwrap_or((number, number));
                self.range = Some((low.min(number), high.max(number)));
            }
        }
        self.held += match facts.ty {
            ty if is_number(ty) && used.len() as u64 >= ENOUGH_PERSONS => {
                holders(cells, persons, used.len(), &shared)
            }
            _ => used.len() as u64,
        };
        let many = self.values.len() > CONCLUSIVE && self.own() * 20 >= self.values.len() * 19;
        if many && !is_number(facts.ty) {
            self.decided = Some(true);
        }
    }
    /// Values of one person alone.
    fn own(&self) -> usize {
        self.values.values().filter(|&&shared| !shared).count()
    }
    /// Whether the values are identifiers: distinct persons with a value, and the declared type.
    fn identifies(&self, persons: u64, ty: Type) -> bool {
        let values = self.values.len() as u64;
        let own = self.own() as u64;
        if persons < ENOUGH_PERSONS || self.known * 10 >= values * 9 {
            return false;
        }
        let near = values * 10 >= persons * 9 && own * 20 >= values * 19;
        if !is_number(ty) {
            return near && self.decided != Some(false);
        }
        // Whole numbers of one length, too long for a count or a price.
        let long = self.lengths.iter().any(|(&l, &n)| l >= 7 && n * 50 >= values * 49);
        // Numbers that collide far less than numbers drawn from their range would were given out one by one.
        let given = self.range.is_some_and(|(low, high)| {
            let held = self.held as f64;
            let expected = held * held / (2.0 * (high as f64 - low as f64 + 1.0));
            expected >= LIKELY && held - values as f64 <= 0.1 * expected
        });
        self.decided.is_none() && (near && long || given && own * 10 >= persons * 9)
    }
}

/// Pairs of a person and a value.
fn holders(cells: &Column, persons: &[u32], values: usize, shared: &[bool]) -> u64 {
    let several = shared.iter().filter(|&&s| s).count();
    let pairs: HashSet<(u32, u32)> = cells
        .codes()
        .iter()
        .zip(persons)
        .filter(|&(&code, _)| code != MISSING && shared[code as usize])
        .map(|(&code, &person)| (code, person))
        .collect();
    (values.saturating_sub(several) + pairs.len()) as u64
}

/// The values of a column, by code.
struct Values {
    hashes: Vec<u64>,
    numbers: Option<Vec<Option<i64>>>,
}

impl Function {
    fn add(
        &mut self,
        cells: &Column,
        persons: impl Iterator<Item = u64>,
        days: &[Option<i32>],
        values: &Values,
    ) {
        self.no_serial |= values.numbers.is_none();
        for ((&code, person), day) in cells.codes().iter().zip(persons).zip(days) {
            let (false, Some(day)) = (code == MISSING, *day) else { continue };
            if self.none && self.no_serial {
                return;
            }
            if !self.none {
                let value = values.hashes[code as usize];
                match self.pairs.entry((value, day)) {
                    Entry::Occupied(mut pair) => {
                        let (first, several) = *pair.get();
                        pair.insert((first, several || first != person));
                    }
                    Entry::Vacant(pair) => {
                        pair.insert((person, false));
                        self.values.insert(value);
                        self.days.insert(day);
                        // Far more pairs than values or days: no function, whatever follows.
                        if self.pairs.len() > FEW_PAIRS + 2 * self.values.len().min(self.days.len())
                        {
                            self.none = true;
                            (self.pairs, self.values, self.days) = Default::default();
                        }
                    }
                }
            }
            let number = values.numbers.as_ref().and_then(|n| n[code as usize]);
            if let (Some(number), false) = (number, self.no_serial) {
                *self.away.entry(number - i64::from(day)).or_default() += 1;
                self.numbers += 1;
                self.no_serial = self.away.len() > FEW_PAIRS;
            }
        }
    }
    fn holds(&self) -> bool {
        let enough = |n: usize| n as u64 >= ENOUGH_ROWS;
        // A value has one day and a day one value, but for a few slips; and different persons say so.
        let least = self.values.len().min(self.days.len());
        let shared = self.pairs.values().filter(|(_, several)| *several).count();
        let one_to_one =
            !self.none && enough(least) && enough(shared) && self.pairs.len() * 100 <= least * 102;
        let most = self.away.values().max().copied().unwrap_or(0);
        let serial = Rows { seen: self.numbers, hold: most };
        one_to_one || !self.no_serial && (self.none || enough(least)) && serial.most(0.95)
    }
}

/// A text of words, not a code or a name of something.
fn is_sentence(text: &str) -> bool {
    let length = text.chars().count();
    let marked = text.chars().any(|c| matches!(c, '。' | '、' | '，' | '．'));
    let spaced = text.split_whitespace().count() >= 5;
    length >= 12 && marked || length >= 20 && spaced || length >= 30
}

/// A detector whose check digit most of the distinct numbers pass: which, how many passed, of how many.
fn checked(
    plan: &Plan,
    table: usize,
    column: usize,
    cells: &Column,
    used: &[u32],
) -> Option<(usize, u64, u64)> {
    let scanner = Scanner::new();
    let mut passed = vec![0_u64; DETECTORS.len()];
    let mut seen = 0;
    for code in some(used) {
        let text = cells.dictionary().text(code);
        let digits = text.chars().filter(|c| c.is_numeric()).count();
        if digits < 8 {
            continue;
        }
        seen += 1;
        let mut here = vec![false; DETECTORS.len()];
        for hit in scanner.scan(text) {
            here[hit.detector] |= hit.whole && hit.strength >= Strength::Fair;
        }
        for (slot, hit) in passed.iter_mut().zip(here) {
            *slot += u64::from(hit);
        }
    }
    // Only where passing says something: a check digit that one number in ten has by chance.
    let telling = |detector: usize| {
        let doc = DETECTORS[detector].doc();
        doc.chance <= 0.1 && !matches!(doc.name, "person_name" | "postal_code")
    };
    let waived = |detector: usize| {
        let here = |w: &&crate::plan::Waiver| (w.table, w.column) == (table, column);
        plan.waivers.iter().filter(here).any(|w| w.detector == detector)
    };
    let most = (0..DETECTORS.len())
        .filter(|&d| telling(d) && !waived(d))
        .max_by_key(|&d| passed[d])
        .filter(|&d| seen >= ENOUGH_ROWS && passed[d] * 5 >= seen * 4)?;
    Some((most, passed[most], seen))
}

/// What speaks against a declaration.
struct Found {
    code: &'static str,
    warning: &'static str,
    what: Said,
    ja: Said,
    advice: Said,
}

fn found(code: &'static str, warning: &'static str, what: Said, ja: Said, advice: Said) -> Found {
    Found { code, warning, what, ja, advice }
}

/// A column in words.
fn named(plan: &Plan, table: usize, column: usize) -> Said {
    let facts = &plan.tables[table].columns[column].facts;
    say!("`{}`.`{}`", facts.table, facts.column)
}

impl Watched {
    fn judge(
        &self,
        plan: &Plan,
        others: &[Other],
        all_watched: &[Watched],
        events: Option<(i32, i32)>,
    ) -> Vec<Found> {
        let column = &plan.tables[self.table].columns[self.column];
        let facts = &column.facts;
        // Measured values belong to nobody and are no dates; whole numbers may be either, whatever their type says.
        let measured = self.unique.is_none()
            || matches!(facts.ty, Type::Decimal | Type::Measured)
                && self.whole.hold * 20 < self.whole.seen * 19;
        let dated = !measured && self.dates.most(0.8) && self.date_texts >= 3;
        // Whatever the type: what is measured is not spread over the days of a calendar.
        let spelled = self.spelled.held(events).filter(|_| self.counted && !dated);
        // The first that holds is told; what it says explains the others.
        let first = self
            .copy(plan, others)
            .or_else(|| self.date(plan, dated))
            .or_else(|| self.function(plan, others, measured))
            .or_else(|| self.days(spelled))
            .or_else(|| self.serial(events))
            .or_else(|| self.moments(facts, measured))
            .or_else(|| self.day_of_month(plan, facts, all_watched))
            .or_else(|| self.check_digits())
            .or_else(|| self.year_of_birth())
            .or_else(|| self.own_values(facts, measured))
            .or_else(|| self.free());
        let all = first.into_iter().chain(self.birth());
        all.map(|found| self.of_column(column, found)).collect()
    }

    /// Says of which column and which releases it is.
    fn of_column(&self, column: &ColumnPlan, found: Found) -> Found {
        let facts = &column.facts;
        let shown = match &column.alias {
            Some(alias) if *alias != facts.column => {
                say!("`{}`.`{}` ({})", facts.table, facts.column, alias)
            }
            _ => say!("`{}`.`{}`", facts.table, facts.column),
        };
        let kinds: Vec<Said> =
            Kind::BOTH.into_iter().filter(|&k| self.kinds[k]).map(|k| say!("{}", k)).collect();
        let kinds = Said::join(&kinds, ", ");
        let Found { code, warning, what, ja, advice } = found;
        Found {
            code,
            warning,
            what: say!(
                "column {} (role {}, type {}; released: {}): {}",
                shown,
                facts.role,
                facts.ty,
                kinds,
                what
            ),
            ja: say!("列{}（役割{}、型{}）: {}", shown, facts.role.ja(), facts.ty, ja),
            advice,
        }
    }

    /// The cells are those of another column.
    fn copy(&self, plan: &Plan, others: &[Other]) -> Option<Found> {
        let same = (0..others.len())
            .filter(|&o| self.same[o].most(0.8))
            .max_by_key(|&o| self.same[o].hold);
        let o = same?;
        Some(found(
            "C0410",
            "W0160",
            say!(
                "{} of {} cells are those of column {} of the same person",
                small(self.same[o].hold),
                small(self.same[o].seen),
                named(plan, others[o].table, others[o].column)
            ),
            say!(
                "{}セル中{}セルが、同じ本人の列{}の値である",
                small(self.same[o].seen),
                small(self.same[o].hold),
                named(plan, others[o].table, others[o].column)
            ),
            say!("give it the role and treatment of that column, or drop it"),
        ))
    }

    fn date(&self, plan: &Plan, dated: bool) -> Option<Found> {
        if !dated {
            return None;
        }
        let shifted = plan.tables.iter().flat_map(|t| &t.columns).any(|c| {
            let shows = c.treatment(Kind::Pseudonymized).treatment.shows();
            shows == Shows::Near && c.facts.ty.is_date()
        }) && self.kinds[Kind::Pseudonymized];
        let (more, more_ja) = if shifted {
            (
                say!("; beside dates that are shifted it tells by how much"),
                say!("。ずらした日付の隣にあると、ずらした日数が分かる"),
            )
        } else {
            (say!(""), say!(""))
        };
        Some(found(
            "C0411",
            "W0161",
            say!(
                "{} of {} cells are dates{}",
                small(self.dates.hold),
                small(self.dates.seen),
                more
            ),
            say!(
                "{}セル中{}セルが日付である{}",
                small(self.dates.seen),
                small(self.dates.hold),
                more_ja
            ),
            say!("type = \"date\" with its kind, and a treatment for dates"),
        ))
    }

    fn function(&self, plan: &Plan, others: &[Other], measured: bool) -> Option<Found> {
        let o = (0..others.len()).find(|&o| !measured && self.functions[o].holds())?;
        Some(found(
            "C0412",
            "W0162",
            say!(
                "its values are a one-to-one function of the date {}",
                named(plan, others[o].table, others[o].column)
            ),
            say!("日付の列{}と一対一に対応する", named(plan, others[o].table, others[o].column)),
            say!("treat it as that date is treated, or drop it"),
        ))
    }

    /// Days in another spelling.
    fn days(&self, spelled: Option<(Held, u64)>) -> Option<Found> {
        let Some((Held::Days, cells)) = spelled else { return None };
        Some(found(
            "C0411",
            "W0161",
            say!(
                "{} of {} cells are days of the calendar, in a spelling that no treatment of dates reads",
                small(cells),
                small(self.rows)
            ),
            say!(
                "{}セル中{}セルが、日付の加工では読めない書き方の日付である",
                small(self.rows),
                small(cells)
            ),
            say!(
                "\"drop\", or let the source write the dates with a year of four digits (2024-05-07) and give the column type = \"date\""
            ),
        ))
    }

    /// Numbers that count days.
    fn serial(&self, events: Option<(i32, i32)>) -> Option<Found> {
        let epoch = self.serials.epoch(events).filter(|_| self.counted)?;
        Some(found(
            "C0411",
            "W0161",
            say!("its numbers count days ({}): they are dates", epoch),
            say!("日数を数えた数（{}）であり、日付である", epoch),
            say!(
                "\"drop\", or let the source write the dates with a year of four digits (2024-05-07) and give the column type = \"date\""
            ),
        ))
    }

    fn moments(&self, facts: &ColumnFacts, measured: bool) -> Option<Found> {
        let (what, ja) = self.calendar(facts, measured)?;
        let advice = say!(
            "type = \"date\" or \"partial_date\" with its kind, and a treatment for dates; numbers of days are dates to whoever knows the first"
        );
        Some(found("C0411", "W0161", what, ja, advice))
    }

    /// Days beside months and years.
    fn day_of_month(
        &self,
        plan: &Plan,
        facts: &ColumnFacts,
        all_watched: &[Watched],
    ) -> Option<Found> {
        let (month, year) = self.day_beside(facts, all_watched)?;
        let named = |w: &Watched| named(plan, w.table, w.column);
        Some(found(
            "C0411",
            "W0161",
            say!(
                "its numbers are days of a month as columns {} and {} are months and years: together they are a date",
                named(month),
                named(year)
            ),
            say!("列{}（月）、列{}（年）とともに、日付の日である", named(month), named(year)),
            say!("drop it, or keep year and month alone where a view counts them"),
        ))
    }

    fn check_digits(&self) -> Option<Found> {
        let (detector, passed, seen) = self.digits?;
        let doc = DETECTORS[detector].doc();
        Some(found(
            "C0413",
            "W0163",
            say!(
                "{} of {} distinct numbers pass the check digit of `{}` ({})",
                passed,
                seen,
                doc.name,
                doc.ja
            ),
            say!("異なる番号{}個のうち{}個が{}の検査数字に合う", seen, passed, doc.ja),
            say!("role = \"id_code\" (or direct, financial) and \"drop\""),
        ))
    }

    /// Values that belong to one person each.
    fn own_values(&self, facts: &ColumnFacts, measured: bool) -> Option<Found> {
        let unique =
            self.unique.as_ref().filter(|u| !measured && u.identifies(self.persons, facts.ty))?;
        Some(found(
            "C0414",
            "W0164",
            say!(
                "{} of its {} distinct values belong to one person each ({} persons have one): it identifies persons",
                small(unique.own() as u64),
                small(unique.values.len() as u64),
                small(self.persons)
            ),
            say!(
                "{}種類の値のうち{}種類がただ一人のものである（値のある人は{}人）。個人を識別する",
                small(unique.values.len() as u64),
                small(unique.own() as u64),
                small(self.persons)
            ),
            say!("role = \"link\" with a token, or \"drop\""),
        ))
    }

    fn free(&self) -> Option<Found> {
        if !self.free_text() {
            return None;
        }
        Some(found(
            "C0415",
            "W0165",
            say!(
                "most of its {} distinct values are sentences: free text may name anybody",
                small(self.sentences.texts)
            ),
            say!(
                "{}種類の値の多くが文である。自由記載には誰の名も現れ得る",
                small(self.sentences.texts)
            ),
            say!("role = \"text\" with \"drop\" (in the pseudonymized release also \"redact\")"),
        ))
    }

    fn year_of_birth(&self) -> Option<Found> {
        let (tells, hold) = self.birth_years.tells()?;
        let (hold, seen) = (small(hold), small(self.birth_years.seen));
        let (what, ja) = match tells {
            Tells::Year => (
                say!(
                    "{} of {} numbers are the person's year of birth, or as far from it for everybody",
                    hold,
                    seen
                ),
                say!(
                    "{}個の数のうち{}個が本人の生年か、生年から全員同じだけ離れた数である",
                    seen,
                    hold
                ),
            ),
            Tells::Age => (
                say!(
                    "{} of {} numbers are the person's age on one day, or as far from it for everybody",
                    hold,
                    seen
                ),
                say!(
                    "{}個の数のうち{}個が、ある一日における本人の年齢か、それから全員同じだけ離れた数である",
                    seen,
                    hold
                ),
            ),
        };
        let advice =
            say!("\"drop\": an age band of the birth date says it; or role = \"quasi\" in a view");
        Some(found("C0416", "W0166", what, ja, advice))
    }

    fn birth(&self) -> Option<Found> {
        if !self.born.most(0.95) {
            return None;
        }
        Some(found(
            "C0416",
            "W0166",
            say!(
                "{} of {} dates are the person's birth date",
                small(self.born.hold),
                small(self.born.seen)
            ),
            say!(
                "{}個の日付のうち{}個が本人の生年月日である",
                small(self.born.seen),
                small(self.born.hold)
            ),
            say!("kind = \"birth\" with a treatment for birth dates"),
        ))
    }

    /// Months of the calendar, or numbers that count its days or seconds, as content outside all views.
    fn calendar(&self, facts: &ColumnFacts, measured: bool) -> Option<(Said, Said)> {
        let content = is_content(facts);
        if measured || !content {
            return None;
        }
        let spelled = match self.spelled.held(None) {
            Some((Held::Months, cells)) => Some(Rows { seen: self.rows, hold: cells }),
            _ => None,
        };
        let read = (self.months.most(0.95) && self.month_texts >= 6).then_some(self.months);
        if let Some(months) = read.or(spelled) {
            let (hold, seen) = (small(months.hold), small(months.seen));
            return Some((
                say!("{} of {} cells are months of the calendar", hold, seen),
                say!("{}セル中{}セルが年月である", seen, hold),
            ));
        }
        let many = self.rows >= ENOUGH_PERSONS;
        let (low, high) = self.range.filter(|_| many && self.number_texts == self.dates.seen)?;
        let spread = high - low >= 300;
        let (counted, ..) =
            MOMENTS.iter().find(|(_, from, to)| spread && low >= *from && high < *to)?;
        Some((
            say!("all its numbers lie where {} would: they are moments", *counted),
            say!("すべての数が日付を数えた数（{}）の範囲にある", *counted),
        ))
    }

    /// Whether all cells are whole numbers of 1 to `last`, each about as often as the others, as months and days of the calendar are.
    /// Counts of days and grades have more of the small ones.
    fn counts_to(&self, last: usize) -> bool {
        let cells: u64 = self.small[1..=last].iter().sum();
        // The last days of a month are missing in some.
        let always = &self.small[1..=last.min(28)];
        let even = |&n: &u64| n * 3 * last as u64 >= cells && n * last as u64 <= cells * 3;
        cells == self.dates.seen && cells >= 20 * last as u64 && always.iter().all(even)
    }

    /// The columns of months and years of the same rows, if this one is content and has their days.
    fn day_beside<'a>(
        &self,
        facts: &ColumnFacts,
        all: &'a [Watched],
    ) -> Option<(&'a Watched, &'a Watched)> {
        let content = is_content(facts);
        if let Some(beside) = self.day_by_structure(facts, all) {
            return Some(beside);
        }
        if !content || !self.counts_to(31) {
            return None;
        }
        let shown = |w: &Watched| w.kinds.iter().zip(self.kinds).any(|(a, b)| *a && b);
        let here = || all.iter().filter(|w| w.table == self.table && shown(w));
        let month = here().find(|w| w.counts_to(12))?;
        let year = here().find(|w| {
            let years = |(low, high): (i64, i64)| low >= 1880 && high < 2100 && high - low >= 3;
            w.number_texts == w.dates.seen && w.range.is_some_and(years)
        })?;
        Some((month, year))
    }

    /// Whether all cells are whole numbers from 1 to `last`.
    fn within(&self, last: usize) -> bool {
        let cells: u64 = self.small[1..=last].iter().sum();
        cells == self.dates.seen && cells == self.rows && cells > 0
    }

    /// Year, month and day side by side, however few rows there are: three columns next to each other whose numbers are of these
    /// ranges, the years of decades as those of births are; or whose names are one but for their ends.
    fn day_by_structure<'a>(
        &self,
        facts: &ColumnFacts,
        all: &'a [Watched],
    ) -> Option<(&'a Watched, &'a Watched)> {
        let role =
            |role| matches!(role, Role::Payload | Role::Sensitive | Role::ThirdParty | Role::Quasi);
        // Numbers up to 12 alone are months as well.
        let late: u64 = self.small[13..].iter().sum();
        if !role(facts.role) || self.rows < 3 || !self.within(31) || late == 0 {
            return None;
        }
        let shown = |w: &Watched| w.kinds.iter().zip(self.kinds).any(|(a, b)| *a && b);
        let near = |w: &Watched| w.column != self.column && w.column.abs_diff(self.column) <= 2;
        let beside: Vec<&Watched> = all
            .iter()
            .filter(|w| w.table == self.table && shown(w) && near(w) && w.rows * 2 >= self.rows)
            .collect();
        for month in beside.iter().filter(|w| w.within(12)) {
            for year in beside.iter().filter(|w| w.column != month.column) {
                let columns = [self.column, month.column, year.column];
                let (Some(first), Some(last)) = (columns.iter().min(), columns.iter().max()) else {
                    continue;
                };
                // The month stands in the middle, whichever way the three are written, or the year before both.
                if last - first != 2 {
                    continue;
                }
                let Some((low, high)) = year.range.filter(|_| year.number_texts == year.dates.seen)
                else {
                    continue;
                };
                let months = month.small[1..=12].iter().filter(|n| **n > 0).count();
                let four = low >= 1880 && high <= 2100;
                // Of many rows the days are even, or they are none; of few they are at least not the small ones alone.
                let days = match self.rows {
                    620.. => self.counts_to(31),
                    20.. => [1..=10, 11..=20, 21..=31]
                        .into_iter()
                        .all(|third| self.small[third].iter().sum::<u64>() * 10 >= self.rows),
                    rows => rows >= 5,
                };
                let births = four && low >= 1900 && high - low >= 15 && days && months >= 3;
                let named = self.named_alike(month, year) && (four || low >= 0 && high <= 99);
                if births || named {
                    return Some((*month, *year));
                }
            }
        }
        None
    }

    /// Whether the names of three columns are one but for their ends: birth_y, birth_m, birth_d; 甲1, 甲2, 甲3.
    fn named_alike(&self, month: &Watched, year: &Watched) -> bool {
        let names = [self, month, year].map(|w| w.name.to_lowercase());
        let [a, b, c] = names.each_ref().map(|n| n.chars().collect::<Vec<_>>());
        let shared = |x: &[char], y: &[char]| x.iter().zip(y).take_while(|(x, y)| x == y).count();
        let head = shared(&a, &b).min(shared(&a, &c));
        let rest = [&a, &b, &c].iter().map(|n| n.len() - head).max().unwrap_or(0);
        head >= 1 && rest <= 5 && names[0] != names[1] && names[1] != names[2]
    }

    fn free_text(&self) -> bool {
        let Sentences { rows, texts, long } = self.sentences;
        self.persons >= ENOUGH_ROWS && texts >= 30 && texts * 5 >= rows && long * 2 >= texts
    }
}

#[cfg(test)]
mod tests;
