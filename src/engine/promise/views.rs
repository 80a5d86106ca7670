//! Views: equivalence classes counted in distinct persons, over cells that may come from several tables.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::apply::{Applied, Surviving};
use crate::error::Result;
use crate::frame::{Column, Interner, MISSING, Patients, Rows};
use crate::partition::Partition;
use crate::plan::{Join, Plan, ViewColumn, ViewPlan};
use crate::privacy::ByPerson;
use crate::privacy::model::{Model, Remaining, Scope};
use crate::privacy::tally::{self, Tally};

/// The class of a row that is not there (any more).
pub const NO_CLASS: u32 = MISSING;

/// The classes of one view over all partitions: texts here, codes in the counter.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
pub struct Classes {
    /// Values by quasi-identifier column.
    columns: Vec<Interner>,
    /// Values by sensitive column.
    values: Vec<Interner>,
    tally: Tally,
}

/// Where the cells of a view come from: the source, or a release.
#[derive(Clone, Copy)]
pub enum Cells<'a> {
    /// The source cells.
    Source,
    /// The cells of the anonymized release.
    Applied(&'a Applied),
}

/// Codes as the counter has them: no value is [`MISSING`].
fn packed(mut codes: Vec<u32>) -> Vec<u32> {
    codes.iter_mut().for_each(|code| *code = code.wrapping_sub(1));
    codes
}

fn cards(columns: &[Interner]) -> Vec<u32> {
    columns.iter().map(|texts| texts.dictionary().len() as u32).collect()
}

impl Classes {
    /// No classes yet.
    #[must_use]
    pub fn new(view: &ViewPlan) -> Self {
        let columns: Vec<Interner> = view.counted().map(|_| Interner::new()).collect();
        let values: Vec<Interner> = view.sensitive.iter().map(|_| Interner::new()).collect();
        Classes { tally: Tally::new(columns.len(), values.len()), columns, values }
    }

    /// Adds the rows of a partition; gives the class of each row of the view's table ([`NO_CLASS`] for rows that are gone).
    ///
    /// # Errors
    /// `V0002` if the columns do not fit each other (a bug).
    pub fn add(
        &mut self,
        plan: &Plan,
        view: &ViewPlan,
        partition: &Partition,
        cells: Cells<'_>,
        surviving: &Surviving,
    ) -> Result<Vec<u32>> {
        let part = &partition.tables[view.table];
        let codes_of = |column: &ViewColumn, texts: &mut Interner| {
            packed(column_codes(plan, view, column, partition, cells, surviving, texts))
        };
        let counted: Vec<(usize, &ViewColumn)> = view.counted().enumerate().collect();
        let columns = counted
            .into_par_iter()
            .zip(&mut self.columns)
            .map(|((at, column), texts)| {
                // Other forms of a fact are a matter of what is released.
                if at >= view.quasi.len() && matches!(cells, Cells::Source) {
                    return vec![MISSING; part.table.rows];
                }
                codes_of(column, texts)
            })
            .collect();
        let sensitive: Vec<Vec<u32>> = view
            .sensitive
            .par_iter()
            .zip(&mut self.values)
            .map(|((column, _), texts)| codes_of(column, texts))
            .collect();
        // A person is in one partition only, so counts of partitions add up.
        self.tally.add(tally::Part {
            columns,
            cards: &cards(&self.columns),
            sensitive: &sensitive,
            sensitive_cards: &cards(&self.values),
            there: &surviving.rows[view.table],
            people: &ByPerson::new(&part.persons),
        })
    }

    /// How many classes there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.tally.len()
    }

    /// Whether they are of a view with as many columns, and each code has a text.
    #[must_use]
    pub fn is_like(&self, other: &Classes) -> bool {
        let texts = |columns: &[Interner]| -> Vec<usize> {
            columns.iter().map(|texts| texts.dictionary().len()).collect()
        };
        (self.columns.len(), self.values.len()) == (other.columns.len(), other.values.len())
            && self.tally.fits(&texts(&self.columns), &texts(&self.values))
    }

    /// Adds the classes that were counted over other persons; gives our number of each of their classes.
    ///
    /// # Errors
    /// `V0004` if the classes are of another view.
    pub fn merge(&mut self, other: &Classes) -> Result<Vec<u32>> {
        let maps = |ours: &mut [Interner], theirs: &[Interner]| -> Vec<Vec<u32>> {
            let both = ours.iter_mut().zip(theirs);
            both.map(|(ours, theirs)| theirs.dictionary().texts().map(|t| ours.intern(t)).collect())
                .collect()
        };
        let columns = maps(&mut self.columns, &other.columns);
        let values = maps(&mut self.values, &other.values);
        self.tally.merge(&other.tally, &columns, &values)
    }

    /// The classes for which a model does not hold. Where all classes hold but the table as a whole does not, the smallest
    /// classes (in persons) are named, one size at a time: the caller removes them and asks again.
    #[must_use]
    pub fn violating(&self, models: &[Box<dyn Model>]) -> Vec<bool> {
        let counted = self.tally.counted();
        let per_class: Vec<&Box<dyn Model>> =
            models.iter().filter(|m| m.scope() == Scope::Class).collect();
        let holds = |class: usize| {
            counted.with(class, |facts| {
                per_class.iter().all(|m| m.class_holds(facts, counted.whole()))
            })
        };
        let mut fails: Vec<bool> =
            (0..self.tally.len()).into_par_iter().map(|class| !holds(class)).collect();
        if !fails.contains(&true) {
            let persons = self.tally.persons();
            let mut sizes = persons.to_vec();
            sizes.sort_unstable();
            let remaining = Remaining { persons: &sizes, population: None };
            if !sizes.is_empty() && !models.iter().all(|m| m.table_holds(&remaining)) {
                fails = persons.iter().map(|&size| size == sizes[0]).collect();
            }
        }
        fails
    }

    /// Classes that have fewer than `k` persons.
    #[must_use]
    pub fn below(&self, k: u64) -> u64 {
        self.tally.persons().iter().filter(|&&persons| persons < k).count() as u64
    }

    /// The values of a class, in the order of the view's columns.
    #[must_use]
    pub fn values(&self, class: usize) -> Vec<Option<String>> {
        let text = |(&code, texts): (&u32, &Interner)| {
            (code != MISSING).then(|| texts.dictionary().text(code).to_owned())
        };
        self.tally.codes(class).iter().zip(&self.columns).map(text).collect()
    }

    /// What the record says of the classes.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let (rows, persons) = (self.tally.rows(), self.tally.persons());
        let mut histogram: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for &size in persons {
            let entry = histogram.entry(bin(size)).or_default();
            entry.0 += 1;
            entry.1 += size;
        }
        let l = if self.values.is_empty() {
            Vec::new()
        } else {
            let counted = self.tally.counted();
            (0..self.values.len()).map(|s| counted.distinct_l(s)).collect()
        };
        Summary {
            classes: persons.len() as u64,
            smallest: persons.iter().min().copied().map(Patients),
            rows: Rows(rows.iter().sum()),
            persons: Patients(persons.iter().sum()),
            l,
            histogram: histogram
                .into_iter()
                .map(|(from, (classes, persons))| Bin { from, classes, persons })
                .collect(),
        }
    }
}

/// Lower bounds of the bins of the class-size histogram.
pub const BINS: [u64; 12] = [1, 2, 3, 5, 10, 12, 20, 50, 100, 200, 500, 1000];

/// Whether a bin of the histogram begins at this size.
#[must_use]
pub fn is_bin(size: u64) -> bool {
    BINS.contains(&size)
}

/// The sizes of a bin of the histogram in words: `3–4`, `≥ 1000`.
#[must_use]
pub fn size_label(from: u64) -> String {
    match BINS.iter().copied().find(|&b| b > from) {
        Some(end) if end == from + 1 => from.to_string(),
        Some(end) => format!("{from}–{}", end - 1),
        None => format!("≥ {from}"),
    }
}

fn bin(persons: u64) -> u64 {
    BINS.iter().rev().copied().find(|&b| persons >= b).unwrap_or(1)
}

/// Classes in figures.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Summary {
    /// Equivalence classes.
    pub classes: u64,
    /// Persons in the smallest class; none if there is no class.
    pub smallest: Option<Patients>,
    /// Rows in all classes.
    pub rows: Rows,
    /// Persons, summed over the classes (a person with rows in two classes counts in both).
    pub persons: Patients,
    /// By sensitive column: distinct values in the poorest class.
    pub l: Vec<Option<u64>>,
    /// Classes by size in persons.
    pub histogram: Vec<Bin>,
}

/// A bin of the histogram.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Bin {
    /// Smallest size in the bin; it ends before the next bin's.
    pub from: u64,
    /// Classes.
    pub classes: u64,
    /// Persons in them, summed over the classes.
    pub persons: u64,
}

/// The code of a view's column for each row of the view's table: 0 missing, else 1 + the interner's number.
pub(crate) fn column_codes(
    plan: &Plan,
    view: &ViewPlan,
    column: &ViewColumn,
    partition: &Partition,
    cells: Cells<'_>,
    surviving: &Surviving,
    interner: &mut Interner,
) -> Vec<u32> {
    let rows = partition.tables[view.table].table.rows;
    let source: &Column = match cells {
        Cells::Source => &partition.tables[column.table].table.columns[column.column],
        Cells::Applied(applied) => match &applied.tables[column.table].columns[column.column] {
            Some(column) => column,
            // A column that is left out is the same for everybody.
            None => return vec![0; rows],
        },
    };
    let blanked = &surviving.blanked[column.table];
    let bit = match cells {
        Cells::Source => None,
        Cells::Applied(_) => crate::freeze::blank_bit(plan, column.table, column.column),
    };
    let mut map: Vec<u32> = vec![0; source.dictionary().len()];
    let mut code_of = |row: usize, interner: &mut Interner| -> u32 {
        if bit.is_some_and(|bit| blanked[row] >> bit & 1 == 1) {
            return 0;
        }
        match source.codes()[row] {
            MISSING => 0,
            code => {
                let slot = &mut map[code as usize];
                if *slot == 0 {
                    *slot = 1 + interner.intern(source.dictionary().text(code));
                }
                *slot
            }
        }
    };
    match column.join {
        Join::SameRow => (0..rows).map(|row| code_of(row, interner)).collect(),
        Join::Key { here, there } => partition
            .rows_by_key(view.table, here, column.table, there)
            .into_iter()
            .map(|row| row.map_or(0, |row| code_of(row as usize, interner)))
            .collect(),
        Join::KeySet { here, there } => {
            let (groups_here, groups_there, count) =
                partition.groups_by_key(view.table, here, column.table, there);
            let gone = |row: usize| {
                matches!(cells, Cells::Applied(_)) && !surviving.rows[column.table][row]
            };
            let sets = set_codes(&groups_there, count, gone, &mut code_of, interner);
            let of = |&group: &u32| if group == MISSING { 0 } else { sets[group as usize] };
            groups_here.iter().map(of).collect()
        }
        Join::Person => {
            let part = &partition.tables[column.table];
            let gone = |row: usize| {
                matches!(cells, Cells::Applied(_)) && !surviving.rows[column.table][row]
            };
            let count = partition.ids.len();
            let sets = set_codes(&part.persons, count, gone, &mut code_of, interner);
            partition.tables[view.table].persons.iter().map(|&p| sets[p as usize]).collect()
        }
        // The source spells one value in several ways.
        Join::Beside(_) if matches!(cells, Cells::Source) => vec![0; rows],
        Join::Beside(own) => {
            let part = &partition.tables[column.table];
            let gone = |row: usize| !surviving.rows[column.table][row];
            let shown = shown_by(&part.persons, partition.ids.len(), gone, &mut code_of, interner);
            let own = &view.quasi[own];
            let own = column_codes(plan, view, own, partition, cells, surviving, interner);
            let mut sets: HashMap<Vec<u32>, u32> = HashMap::new();
            let persons = partition.tables[view.table].persons.iter();
            persons
                .zip(own)
                .map(|(&person, own)| {
                    let Some(several) = shown.several.get(&person) else {
                        let one = shown.one[person as usize];
                        return if one == own { 0 } else { one };
                    };
                    let others = several.iter().copied().filter(|&code| code != own);
                    let mut others: Vec<u32> = others.collect();
                    others.sort_unstable();
                    others.dedup();
                    match others[..] {
                        [] => 0,
                        [one] => one,
                        _ => *sets
                            .entry(others)
                            .or_insert_with_key(|codes| together(codes, interner)),
                    }
                })
                .collect()
        }
    }
}

/// Values of a class, in the order of the view's columns.
pub type Values = Vec<Option<String>>;

/// Which rows of a view's table are there and stand in one of some classes.
#[must_use]
pub(crate) fn marked(
    plan: &Plan,
    view: &ViewPlan,
    partition: &Partition,
    applied: &Applied,
    surviving: &Surviving,
    classes: &[Values],
) -> Vec<bool> {
    let rows = partition.tables[view.table].table.rows;
    let there = &surviving.rows[view.table];
    let mut marked = vec![false; rows];
    // What the rows show is numbered behind the values of the classes: a number beyond theirs is in none of them.
    let mut number: Vec<u32> = vec![0; rows];
    let mut wanted: Vec<u32> = vec![0; classes.len()];
    for (at, column) in view.counted().enumerate() {
        let mut texts = Interner::new();
        let values = classes.iter().map(|c| c.get(at).and_then(Option::as_deref));
        let asked: Vec<u32> = values.map(|v| v.map_or(0, |v| 1 + texts.intern(v))).collect();
        let cells = Cells::Applied(applied);
        let codes = column_codes(plan, view, column, partition, cells, surviving, &mut texts);
        let mut pairs: HashMap<(u32, u32), u32> = HashMap::with_capacity(classes.len());
        for (slot, code) in wanted.iter_mut().zip(asked) {
            let next = pairs.len() as u32;
            *slot = *pairs.entry((*slot, code)).or_insert(next);
        }
        // Rows that no class can match any more need no number.
        for (slot, code) in number.iter_mut().zip(codes) {
            if *slot != NO_CLASS {
                *slot = pairs.get(&(*slot, code)).copied().unwrap_or(NO_CLASS);
            }
        }
    }
    if !classes.is_empty() {
        for ((slot, &number), &there) in marked.iter_mut().zip(&number).zip(there) {
            *slot = there && number != NO_CLASS;
        }
    }
    marked
}

/// What the rows of groups show: the code of each that shows one, and all codes of those that show several.
struct ShownBy {
    one: Vec<u32>,
    several: HashMap<u32, Vec<u32>>,
}

fn shown_by(
    groups: &[u32],
    count: usize,
    gone: impl Fn(usize) -> bool,
    code_of: &mut impl FnMut(usize, &mut Interner) -> u32,
    interner: &mut Interner,
) -> ShownBy {
    let mut one: Vec<u32> = vec![0; count];
    let mut several: HashMap<u32, Vec<u32>> = HashMap::new();
    for (row, &group) in groups.iter().enumerate() {
        if group == MISSING || gone(row) {
            continue;
        }
        let code = code_of(row, interner);
        let slot = &mut one[group as usize];
        if code == 0 || *slot == code {
            continue;
        }
        if *slot == 0 {
            *slot = code;
        } else {
            several.entry(group).or_insert_with(|| vec![*slot]).push(code);
        }
    }
    ShownBy { one, several }
}

/// The code of several values as one.
fn together(codes: &[u32], interner: &mut Interner) -> u32 {
    let mut texts: Vec<&str> =
        codes.iter().map(|&code| interner.dictionary().text(code - 1)).collect();
    texts.sort_unstable();
    texts.dedup();
    let set = texts.join("\u{1f}");
    1 + interner.intern(&set)
}

/// By group: the code of the value that its rows show; several values become one of their own (the set), since an attacker who
/// sees the table sees all of them.
fn set_codes(
    groups: &[u32],
    count: usize,
    gone: impl Fn(usize) -> bool,
    code_of: &mut impl FnMut(usize, &mut Interner) -> u32,
    interner: &mut Interner,
) -> Vec<u32> {
    let ShownBy { mut one, several } = shown_by(groups, count, gone, code_of, interner);
    let mut groups: Vec<u32> = several.keys().copied().collect();
    groups.sort_unstable();
    for group in groups {
        one[group as usize] = together(&several[&group], interner);
    }
    one
}
