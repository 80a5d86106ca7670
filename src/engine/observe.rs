//! Observe: what stands in the columns before and after, for the report of the run (`report.json`, internal).
//!
//! Counts are of rows and of distinct persons. Persons never span partitions, so counts of partitions add up and the
//! result does not depend on their number. Only roles whose values a report may show are looked at: identifiers,
//! linking codes, third parties and free text never are. What may be shown of the values is decided later
//! (`report::panel`): nothing that fewer than ten persons hold.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::apply::{Applied, Surviving};
use super::partition::{Partition, column_days};
use crate::frame::{Column, MISSING};
use crate::plan::{Grain, Plan, ViewColumn};
use crate::schema::{ColumnAt, ColumnFacts, DateKind, Kind, Role, Type};
use crate::technique::Treatment;
use crate::text;
use crate::text::number::{Decimal, Measured};

/// Persons that must hold a value before it may be shown.
pub const ENOUGH: u64 = 10;

/// Distinct texts of a column beyond which its values are no longer counted (a matter of the data alone, not of partitions).
const MOST_TEXTS: usize = 20_000;

/// The cells that are looked at: the source, and each release in the order of [`Kind::BOTH`].
pub const SIDES: usize = 3;

/// Rows and distinct persons that hold something.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Held {
    /// Rows.
    pub rows: u64,
    /// Distinct persons.
    pub persons: u64,
    /// Up to [`ENOUGH`] of the persons, by partition and index: enough to say whether a union of several is large enough.
    some: Vec<u64>,
}

impl Held {
    fn add(&mut self, other: Held) {
        self.rows += other.rows;
        self.persons += other.persons;
        for person in other.some {
            if self.some.len() < ENOUGH as usize {
                self.some.push(person);
            }
        }
    }
    fn person(&mut self, person: u64) {
        self.persons += 1;
        if self.some.len() < ENOUGH as usize {
            self.some.push(person);
        }
    }
    /// Distinct persons who hold at least one of several things, as far as [`ENOUGH`]. Exact: a part with ten persons is
    /// enough by itself, and of smaller parts all persons are known.
    #[must_use]
    pub fn union<'a>(parts: impl IntoIterator<Item = &'a Held>) -> u64 {
        let mut all: Vec<u64> = parts.into_iter().flat_map(|p| p.some.iter().copied()).collect();
        all.sort_unstable();
        all.dedup();
        (all.len() as u64).min(ENOUGH)
    }
}

/// How the values of a column are ordered.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub enum Axis {
    /// Numbers, to three significant digits.
    Numbers,
    /// Dates, to the month.
    Months,
    /// Texts.
    Texts,
}

impl Axis {
    fn of(ty: Type) -> Self {
        match ty {
            Type::Integer | Type::Decimal | Type::Measured => Axis::Numbers,
            Type::Date | Type::PartialDate | Type::Datetime => Axis::Months,
            Type::String | Type::Code | Type::Boolean => Axis::Texts,
        }
    }
}

/// What stands in one column of one side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The order of its values.
    pub axis: Axis,
    /// Ordered values by their key ([`number_of`], months since year 0).
    pub bins: BTreeMap<i64, Held>,
    /// Texts; on an ordered axis those that are not on it (special values, `100+`).
    pub texts: BTreeMap<String, Held>,
    /// Missing cells.
    pub missing: Held,
    /// There were more texts than are counted; `texts` is empty then.
    pub overflow: bool,
}

impl Distribution {
    fn new(axis: Axis) -> Self {
        Distribution {
            axis,
            bins: BTreeMap::new(),
            texts: BTreeMap::new(),
            missing: Held::default(),
            overflow: false,
        }
    }
    fn merge(&mut self, other: Distribution) {
        for (key, held) in other.bins {
            self.bins.entry(key).or_default().add(held);
        }
        self.overflow |= other.overflow;
        for (text, held) in other.texts {
            self.texts.entry(text).or_default().add(held);
        }
        if self.overflow || self.texts.len() > MOST_TEXTS {
            self.overflow = true;
            self.texts.clear();
        }
        self.missing.add(other.missing);
    }
}

/// The number of a key of an ordered axis.
#[must_use]
pub fn number_of(key: i64) -> f64 {
    f64::from_bits((key ^ (((key >> 63) as u64) >> 1) as i64) as u64)
}

/// The key of a number: to three significant digits, in the order of the numbers.
fn number_key(number: f64) -> i64 {
    let rounded: f64 = format!("{number:.2e}").parse().unwrap_or(number);
    let bits = (rounded + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// Where a distinct text goes.
enum Place {
    Bin(i64),
    Text,
}

fn place(axis: Axis, facts: &ColumnFacts, text: &str) -> Place {
    if facts.is_special(text) {
        return Place::Text;
    }
    let bin = match axis {
        Axis::Texts => None,
        Axis::Numbers => Decimal::parse(text)
            .or_else(|| Measured::parse(text)?.number)
            .map(Decimal::to_f64)
            .filter(|n| n.is_finite())
            .map(number_key),
        // A year alone is a category of its own.
        Axis::Months => text::date::parse(text)
            .and_then(|when| Some(i64::from(when.year) * 12 + i64::from(when.month?) - 1)),
    };
    bin.map_or(Place::Text, Place::Bin)
}

/// Why rows are gone, by what the persons are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stratum {
    /// Table index.
    pub table: usize,
    /// Column index.
    pub column: usize,
    /// What its groups are.
    pub by: By,
    /// By group: all rows that may be in the anonymized release, and those removed or blanked.
    #[serde(with = "pairs")]
    pub groups: BTreeMap<Group, (Held, Held)>,
}

/// What the groups of a stratum are.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// Ages in bands of ten years, at the date that the treatment uses.
    Age,
    /// Decades of birth.
    Decade,
    /// Calendar years.
    Year,
    /// Numbers in bands of ten.
    Tens,
    /// The values.
    Value,
}

/// A group of a stratum.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize, Deserialize)]
pub enum Group {
    /// From this number on.
    From(i64),
    /// A value.
    Text(String),
    /// No value.
    Missing,
}

/// Groups are no words: they are written as pairs.
mod pairs {
    use super::{BTreeMap, Deserialize as _, Group, Held};

    pub(crate) fn serialize<S: serde::Serializer>(
        groups: &BTreeMap<Group, (Held, Held)>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(groups)
    }
    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<Group, (Held, Held)>, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

/// What a run saw.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Observed {
    partitions: u32,
    /// By table, by column: the sides that are looked at.
    pub columns: Vec<Vec<[Option<Distribution>; SIDES]>>,
    /// Who is gone from the anonymized release.
    pub strata: Vec<Stratum>,
}

/// Whether values of a column of this role may be shown at all (where enough persons hold them).
#[must_use]
pub const fn may_show(role: Role) -> bool {
    matches!(role, Role::Quasi | Role::Sensitive | Role::Payload)
}

fn is_facility(name: &str) -> bool {
    let name = name.to_lowercase();
    ["施設", "医療機関", "病院", "facility", "hospital"].iter().any(|word| name.contains(word))
}

impl Observed {
    /// Nothing seen yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let columns = plan
            .tables
            .iter()
            .map(|table| {
                table
                    .columns
                    .iter()
                    .map(|column| {
                        if !may_show(column.facts.role) {
                            return [const { None }; SIDES];
                        }
                        let of = |ty| Some(Distribution::new(Axis::of(ty)));
                        // What a date becomes may be a month written as text: it stays on the axis of dates.
                        let after = |ty| match (Axis::of(column.facts.ty), Axis::of(ty)) {
                            (Axis::Months, Axis::Texts) => Some(Distribution::new(Axis::Months)),
                            (_, axis) => Some(Distribution::new(axis)),
                        };
                        let released = |kind: Kind| {
                            let planned = column.treatment(kind);
                            if is_token(&planned.treatment) {
                                None
                            } else {
                                planned.output.and_then(after)
                            }
                        };
                        [
                            of(column.facts.ty),
                            released(Kind::Pseudonymized),
                            released(Kind::Anonymized),
                        ]
                    })
                    .collect()
            })
            .collect();
        Observed { partitions: 0, columns, strata: strata(plan) }
    }

    /// The next partition has this number.
    pub(super) fn at(&mut self, partition: u32) {
        self.partitions = partition;
    }

    /// Adds what was seen of other partitions with numbers of their own; false if it is not of this plan.
    #[must_use]
    pub(super) fn merge(&mut self, other: Observed) -> bool {
        let like = self.columns.len() == other.columns.len()
            && self.columns.iter().zip(&other.columns).all(|(a, b)| a.len() == b.len())
            && self.strata.len() == other.strata.len();
        if !like {
            return false;
        }
        let sides = self.columns.iter_mut().flatten().flatten();
        for (mine, theirs) in sides.zip(other.columns.into_iter().flatten().flatten()) {
            match (mine, theirs) {
                (Some(mine), Some(theirs)) if mine.axis == theirs.axis => mine.merge(theirs),
                (None, None) => {}
                _ => return false,
            }
        }
        for (mine, theirs) in self.strata.iter_mut().zip(other.strata) {
            for (group, (all, gone)) in theirs.groups {
                let known = mine.groups.entry(group).or_default();
                known.0.add(all);
                known.1.add(gone);
            }
        }
        true
    }

    /// Adds the source of the next partition.
    pub fn add_source(&mut self, plan: &Plan, partition: &Partition) {
        self.partitions += 1;
        self.add(
            plan,
            0,
            partition,
            &|at| Some(&partition.tables[at.table].table.columns[at.column]),
            None,
        );
    }

    /// Adds a release of the partition whose source was added last.
    pub fn add_release(
        &mut self,
        plan: &Plan,
        kind: Kind,
        partition: &Partition,
        applied: &Applied,
        surviving: &Surviving,
        blankable: &[Vec<Option<u8>>],
    ) {
        let gone = Gone { surviving, blankable: (kind == Kind::Anonymized).then_some(blankable) };
        self.add(
            plan,
            1 + kind as usize,
            partition,
            &|at| applied.tables[at.table].columns[at.column].as_ref(),
            Some(&gone),
        );
        if kind == Kind::Anonymized {
            let number = u64::from(self.partitions) << 32;
            self.strata.par_iter_mut().for_each(|stratum| {
                add_stratum(plan, stratum, partition, surviving, blankable, number)
            });
        }
    }

    fn add<'a>(
        &mut self,
        plan: &Plan,
        side: usize,
        partition: &'a Partition,
        cells: &(dyn Fn(ColumnAt) -> Option<&'a Column> + Sync),
        gone: Option<&Gone<'_>>,
    ) {
        let number = u64::from(self.partitions) << 32;
        self.columns.par_iter_mut().enumerate().for_each(|(t, columns)| {
            if columns.iter().all(|sides| sides[side].is_none()) {
                return;
            }
            let order = by_person(&partition.tables[t].persons, partition.ids.len());
            columns.par_iter_mut().enumerate().for_each(|(c, sides)| {
                let Some(distribution) = &mut sides[side] else { return };
                let at = ColumnAt { table: t, column: c };
                let Some(cells) = cells(at) else { return };
                let seen = count(
                    distribution.axis,
                    &plan.column(at).facts,
                    cells,
                    Ordered { order: &order, persons: &partition.tables[t].persons, number },
                    |row| gone.is_none_or(|g| g.surviving.rows[t][row]),
                    |row| {
                        gone.is_some_and(|g| {
                            let bit = g.blankable.and_then(|b| b[t][c]);
                            bit.is_some_and(|bit| g.surviving.blanked[t][row] >> bit & 1 == 1)
                        })
                    },
                );
                distribution.merge(seen);
            });
        });
    }
}

struct Gone<'a> {
    surviving: &'a Surviving,
    blankable: Option<&'a [Vec<Option<u8>>]>,
}

fn is_token(treatment: &Treatment) -> bool {
    let needs = treatment.needs();
    needs.identity
}

/// Row numbers, each person's rows together.
fn by_person(persons: &[u32], ids: usize) -> Vec<u32> {
    let mut next = vec![0_u32; ids + 1];
    for &person in persons {
        next[person as usize + 1] += 1;
    }
    for p in 0..ids {
        next[p + 1] += next[p];
    }
    let mut order = vec![0_u32; persons.len()];
    for (row, &person) in persons.iter().enumerate() {
        let slot = &mut next[person as usize];
        order[*slot as usize] = row as u32;
        *slot += 1;
    }
    order
}

/// The rows of a table in a partition, one person after the other.
#[derive(Clone, Copy)]
struct Ordered<'a> {
    /// Row numbers by person.
    order: &'a [u32],
    /// The person of each row.
    persons: &'a [u32],
    /// Added to a person's number: persons of different partitions are different.
    number: u64,
}

fn count(
    axis: Axis,
    facts: &ColumnFacts,
    cells: &Column,
    rows: Ordered<'_>,
    there: impl Fn(usize) -> bool,
    blank: impl Fn(usize) -> bool,
) -> Distribution {
    let Ordered { order, persons, number } = rows;
    let mut seen = Distribution::new(axis);
    let dictionary = cells.dictionary();
    // Each distinct text that a remaining row uses gets a slot; 0 is "missing".
    const UNUSED: u32 = u32::MAX;
    let mut slot_of = vec![UNUSED; dictionary.len()];
    let mut bins: BTreeMap<i64, u32> = BTreeMap::new();
    let mut texts: Vec<u32> = Vec::new();
    let mut slots: Vec<Held> = vec![Held::default()];
    let mut last: Vec<u32> = vec![UNUSED];
    for &row in order {
        let row = row as usize;
        if !there(row) {
            continue;
        }
        let code = cells.codes()[row];
        let slot = if code == MISSING || blank(row) {
            0
        } else {
            let known = slot_of[code as usize];
            if known != UNUSED {
                known
            } else {
                let new = slots.len() as u32;
                let slot = match place(axis, facts, dictionary.text(code)) {
                    Place::Bin(key) => *bins.entry(key).or_insert(new),
                    Place::Text => {
                        texts.push(code);
                        new
                    }
                };
                if slot == new {
                    slots.push(Held::default());
                    last.push(UNUSED);
                }
                slot_of[code as usize] = slot;
                if texts.len() > 2 * MOST_TEXTS {
                    // Even with every text twice in the dictionary there are too many.
                    seen.overflow = true;
                    break;
                }
                slot
            }
        };
        let held = &mut slots[slot as usize];
        held.rows += 1;
        let person = persons[row];
        if last[slot as usize] != person {
            last[slot as usize] = person;
            held.person(number | u64::from(person));
        }
    }
    if seen.overflow {
        return seen;
    }
    for code in texts {
        let held = std::mem::take(&mut slots[slot_of[code as usize] as usize]);
        seen.texts.entry(dictionary.text(code).to_owned()).or_default().add(held);
    }
    for (key, slot) in bins {
        seen.bins.insert(key, std::mem::take(&mut slots[slot as usize]));
    }
    seen.missing = std::mem::take(&mut slots[0]);
    seen
}

/// By what the suppressed are counted: the quasi-identifiers of the views and the facility.
fn strata(plan: &Plan) -> Vec<Stratum> {
    let mut columns: Vec<ColumnAt> = Vec::new();
    let mut tables: Vec<usize> = plan.views.iter().map(|v| v.table).collect();
    tables.extend((0..plan.tables.len()).filter(|&t| plan.tables[t].grain == Grain::Person));
    for &t in &tables {
        for (c, column) in plan.tables[t].columns.iter().enumerate() {
            if column.facts.role == Role::ThirdParty && is_facility(column.facts.column.as_str()) {
                columns.push(ColumnAt { table: t, column: c });
            }
        }
    }
    for view in &plan.views {
        columns.extend(view.quasi.iter().map(ViewColumn::at));
    }
    let mut seen = Vec::new();
    columns.retain(|at| {
        let new = !seen.contains(at);
        seen.push(*at);
        new
    });
    columns
        .into_iter()
        .take(12)
        .map(|at| {
            let column_plan = plan.column(at);
            let facts = &column_plan.facts;
            let dated = !column_plan.treatment(Kind::Anonymized).dates.is_empty();
            let by = match (Axis::of(facts.ty), facts.date) {
                (Axis::Months, Some(DateKind::Birth)) if dated => By::Age,
                (Axis::Months, Some(DateKind::Birth)) => By::Decade,
                (Axis::Months, _) => By::Year,
                (Axis::Numbers, _) => By::Tens,
                (Axis::Texts, _) => By::Value,
            };
            Stratum { table: at.table, column: at.column, by, groups: BTreeMap::new() }
        })
        .collect()
}

fn add_stratum(
    plan: &Plan,
    stratum: &mut Stratum,
    partition: &Partition,
    surviving: &Surviving,
    blankable: &[Vec<Option<u8>>],
    number: u64,
) {
    let (t, c) = (stratum.table, stratum.column);
    if stratum.groups.len() > MOST_TEXTS {
        return;
    }
    let part = &partition.tables[t];
    let cells = &part.table.columns[c];
    let column_plan = &plan.tables[t].columns[c];
    let groups = groups(column_plan, stratum.by, partition, t, cells);
    let blanks = blankable[t].iter().any(Option::is_some);
    let order = by_person(&part.persons, partition.ids.len());
    // One entry a group: counts and the last person seen in all rows and in those gone.
    let mut found: Vec<(Held, Held, u32, u32)> =
        vec![(Held::default(), Held::default(), u32::MAX, u32::MAX); groups.names.len()];
    for &row in &order {
        let row = row as usize;
        let person = part.persons[row];
        let entry = &mut found[groups.of_row[row] as usize];
        entry.0.rows += 1;
        if entry.2 != person {
            entry.2 = person;
            entry.0.person(number | u64::from(person));
        }
        if !surviving.rows[t][row] || (blanks && surviving.blanked[t][row] != 0) {
            entry.1.rows += 1;
            if entry.3 != person {
                entry.3 = person;
                entry.1.person(number | u64::from(person));
            }
        }
    }
    for (name, (all, gone, ..)) in groups.names.into_iter().zip(found) {
        if all.rows > 0 {
            let entry = stratum.groups.entry(name).or_default();
            entry.0.add(all);
            entry.1.add(gone);
        }
    }
}

struct Groups {
    names: Vec<Group>,
    of_row: Vec<u32>,
}

fn groups(
    column: &crate::plan::ColumnPlan,
    by: By,
    partition: &Partition,
    t: usize,
    cells: &Column,
) -> Groups {
    use chrono::Datelike as _;
    let mut names: Vec<Group> = Vec::new();
    let mut index: BTreeMap<Group, u32> = BTreeMap::new();
    let mut number = |group: Group| {
        *index.entry(group.clone()).or_insert_with(|| {
            names.push(group);
            names.len() as u32 - 1
        })
    };
    let special = |code: u32| {
        let text = cells.dictionary().text(code);
        column.facts.is_special(text).then(|| Group::Text(text.to_owned()))
    };
    let of_row = if by == By::Age {
        let birth = column_days(cells);
        let at = column
            .treatment(Kind::Anonymized)
            .dates
            .first()
            .map(|reference| partition.dates(t, reference))
            .unwrap_or_default();
        cells
            .codes()
            .iter()
            .enumerate()
            .map(|(row, &code)| {
                let age = match (birth[row], at.get(row).copied().flatten()) {
                    (Some(birth), Some(at)) if at >= birth => {
                        Some((f64::from(at - birth) / 365.2425).floor() as i64)
                    }
                    _ => None,
                };
                number(match age {
                    Some(age) => Group::From((age / 10 * 10).min(90)),
                    None if code != MISSING => special(code).unwrap_or(Group::Missing),
                    None => Group::Missing,
                })
            })
            .collect()
    } else {
        let of_code: Vec<u32> = (0..cells.dictionary().len() as u32)
            .map(|code| {
                let text = cells.dictionary().text(code);
                let year = || {
                    text::date::parse(text)
                        .and_then(|w| w.days())
                        .and_then(text::date::date_of)
                        .map(|d| i64::from(d.year()))
                };
                let from = match by {
                    By::Decade => year().map(|y| y.div_euclid(10) * 10),
                    By::Year => year(),
                    By::Tens => {
                        Decimal::parse(text).map(|n| (n.to_f64() / 10.0).floor() as i64 * 10)
                    }
                    By::Age | By::Value => None,
                };
                let group = special(code)
                    .or_else(|| from.map(Group::From))
                    .unwrap_or_else(|| Group::Text(text.to_owned()));
                number(group)
            })
            .collect();
        let missing = number(Group::Missing);
        cells
            .codes()
            .iter()
            .map(|&code| if code == MISSING { missing } else { of_code[code as usize] })
            .collect()
    };
    Groups { names, of_row }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn keys_keep_the_order_of_numbers_and_three_digits() {
        let numbers = [-1234.5, -3.0, -0.001, 0.0, 0.000_2, 1.0, 1.004, 9.99, 12.34, 1e9];
        let keys: Vec<i64> = numbers.iter().map(|&n| number_key(n)).collect();
        assert!(keys.windows(2).all(|w| w[0] <= w[1]), "{keys:?}");
        assert_eq!(number_of(number_key(12.34)), 12.3);
        assert_eq!(number_of(number_key(-1234.5)), -1230.0);
        assert_eq!(number_key(-0.0), number_key(0.0));
    }

    fn facts() -> ColumnFacts {
        ColumnFacts {
            table: crate::error::Name::fixed("t"),
            column: crate::error::Name::fixed("c"),
            role: Role::Payload,
            ty: Type::String,
            date: None,
            code: None,
            specials: Vec::new(),
        }
    }

    proptest! {
        /// Counting whole data and counting it in two partitions and merging give the same; unions are exact up to ten.
        #[test]
        fn partitions_add_up(rows in proptest::collection::vec((0_u32..30, 0_u8..6), 0..200)) {
            let whole = |rows: &[(u32, u8)], number: u64| {
                let persons: Vec<u32> = rows.iter().map(|r| r.0).collect();
                let cells = Column::from_texts(
                    rows.iter().map(|r| (r.1 != 0).then(|| r.1.to_string())),
                );
                let order = by_person(&persons, 30);
                let rows = Ordered { order: &order, persons: &persons, number: number << 32 };
                count(Axis::Texts, &facts(), &cells, rows, |_| true, |_| false)
            };
            let one = whole(&rows, 1);
            let (a, b): (Vec<_>, Vec<_>) = rows.iter().copied().partition(|r| r.0 % 3 == 0);
            let mut two = whole(&a, 1);
            two.merge(whole(&b, 2));
            let plain = |d: &Distribution| {
                let texts: Vec<_> = d.texts.iter().map(|(t, h)| (t.clone(), h.rows, h.persons)).collect();
                (texts, d.missing.rows, d.missing.persons, Held::union(d.texts.values()))
            };
            prop_assert_eq!(plain(&one), plain(&two));
            let mut all: Vec<u32> = rows.iter().filter(|r| r.1 != 0).map(|r| r.0).collect();
            all.sort_unstable();
            all.dedup();
            prop_assert_eq!(Held::union(one.texts.values()), (all.len() as u64).min(ENOUGH));
        }
    }
}
