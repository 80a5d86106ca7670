//! Views: equivalence classes counted in distinct persons, over cells that may come from several tables.

use std::collections::BTreeMap;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashMap, HashTable};
use rayon::prelude::*;

use super::apply::{Alive, Applied};
use super::partition::Partition;
use crate::frame::{Column, Interner, MISSING, Patients, Rows};
use crate::plan::{Join, Plan, ViewColumn, ViewPlan};
use crate::privacy::model::{Class, Model, Remaining, Scope, Whole};

/// The class of a row that is not there (any more).
pub const NO_CLASS: u32 = u32::MAX;

/// The classes of one view over all partitions.
#[derive(Debug, Default)]
pub struct Classes {
    /// Values by quasi-identifier column.
    columns: Vec<Interner>,
    /// Values by sensitive column.
    values: Vec<Interner>,
    /// Class numbers, found by the hashes of their tuples.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
    /// Code tuples (0 missing, else code + 1) by class number, one after the other.
    tuples: Vec<u32>,
    /// Distinct persons by class.
    pub persons: Vec<u64>,
    /// Rows by class.
    pub rows: Vec<u64>,
    /// By sensitive column: distinct persons by class and value (a missing value is not a value).
    seen: Vec<HashMap<(u32, u32), u64>>,
    /// By sensitive column: distinct persons by value over the whole view.
    whole: Vec<HashMap<u32, u64>>,
    /// Distinct persons of the view.
    all_persons: u64,
}

/// Where the cells of a view come from: the source, or a release.
#[derive(Clone, Copy)]
pub enum Cells<'a> {
    /// The source cells.
    Source,
    /// The cells of the anonymized release.
    Applied(&'a Applied),
}

impl Classes {
    /// No classes yet.
    #[must_use]
    pub fn new(view: &ViewPlan) -> Self {
        Classes {
            columns: view.counted().map(|_| Interner::new()).collect(),
            values: view.sensitive.iter().map(|_| Interner::new()).collect(),
            seen: view.sensitive.iter().map(|_| HashMap::new()).collect(),
            whole: view.sensitive.iter().map(|_| HashMap::new()).collect(),
            ..Classes::default()
        }
    }

    /// Adds the rows of a partition; gives the class of each row of the view's table ([`NO_CLASS`] for rows that are gone).
    pub fn add(
        &mut self,
        plan: &Plan,
        view: &ViewPlan,
        partition: &Partition,
        cells: Cells<'_>,
        alive: &Alive,
    ) -> Vec<u32> {
        let part = &partition.tables[view.table];
        let there = &alive.rows[view.table];
        let mut class: Vec<u32> = vec![0; part.table.rows];
        let mut codes: Vec<Vec<u32>> = Vec::with_capacity(view.quasi.len());
        for (at, (column, interner)) in view.counted().zip(&mut self.columns).enumerate() {
            // Other forms of a fact are a matter of what is released.
            if at >= view.quasi.len() && matches!(cells, Cells::Source) {
                codes.push(vec![0; part.table.rows]);
            } else {
                codes.push(column_codes(plan, view, column, partition, cells, alive, interner));
            }
        }
        // Fold the columns into one local class number, two at a time.
        let mut count = 1_u32;
        for column in &codes {
            let mut pairs: HashMap<(u32, u32), u32> = HashMap::with_capacity(count as usize);
            for ((slot, &code), &alive) in class.iter_mut().zip(column).zip(there) {
                if alive {
                    let next = pairs.len() as u32;
                    *slot = *pairs.entry((*slot, code)).or_insert(next);
                }
            }
            count = pairs.len() as u32;
        }
        // Local numbers to global ones.
        let mut global = vec![NO_CLASS; (count as usize).max(1)];
        let mut tuple: Vec<u32> = Vec::with_capacity(codes.len());
        for (row, slot) in class.iter_mut().enumerate() {
            if !there[row] {
                *slot = NO_CLASS;
                continue;
            }
            let local = *slot as usize;
            if global[local] == NO_CLASS {
                tuple.clear();
                tuple.extend(codes.iter().map(|c| c[row]));
                global[local] = self.class(&tuple);
            }
            *slot = global[local];
            self.rows[*slot as usize] += 1;
        }
        // Distinct persons: a person is in one partition only, so counts of partitions add up.
        let mut pairs: Vec<u64> = class
            .iter()
            .zip(&part.persons)
            .filter(|&(&class, _)| class != NO_CLASS)
            .map(|(&class, &person)| (u64::from(class) << 32) | u64::from(person))
            .collect();
        pairs.par_sort_unstable();
        pairs.dedup();
        let mut here: Vec<u32> = pairs.iter().map(|&pair| pair as u32).collect();
        here.par_sort_unstable();
        here.dedup();
        self.all_persons += here.len() as u64;
        for pair in pairs {
            self.persons[(pair >> 32) as usize] += 1;
        }
        for (s, (column, _)) in view.sensitive.iter().enumerate() {
            let values =
                column_codes(plan, view, column, partition, cells, alive, &mut self.values[s]);
            let mut held: Vec<(u32, u32, u32)> = class
                .iter()
                .zip(&values)
                .zip(&part.persons)
                .filter(|&((&class, &value), _)| class != NO_CLASS && value != 0)
                .map(|((&class, &value), &person)| (class, value, person))
                .collect();
            held.par_sort_unstable();
            held.dedup();
            for &(class, value, _) in &held {
                *self.seen[s].entry((class, value)).or_default() += 1;
            }
            let mut held: Vec<(u32, u32)> =
                held.into_iter().map(|(_, value, person)| (value, person)).collect();
            held.par_sort_unstable();
            held.dedup();
            for (value, _) in held {
                *self.whole[s].entry(value).or_default() += 1;
            }
        }
        class
    }

    fn class(&mut self, tuple: &[u32]) -> u32 {
        use std::hash::BuildHasher as _;
        let Classes { index, hasher, tuples, persons, .. } = self;
        let width = tuple.len();
        let of = |class: u32| {
            let at = class as usize * width;
            &tuples[at..at + width]
        };
        let entry = index.entry(
            hasher.hash_one(tuple),
            |&class| of(class) == tuple,
            |&class| hasher.hash_one(of(class)),
        );
        let class = match entry {
            Entry::Occupied(known) => return *known.get(),
            Entry::Vacant(slot) => {
                let class = persons.len() as u32;
                slot.insert(class);
                class
            }
        };
        tuples.extend_from_slice(tuple);
        self.persons.push(0);
        self.rows.push(0);
        class
    }

    /// By sensitive column, by class: (value, distinct persons), ascending.
    fn distributions(&self) -> Vec<Vec<Vec<(u32, u64)>>> {
        self.seen
            .iter()
            .map(|seen| {
                let mut by_class: Vec<Vec<(u32, u64)>> = vec![Vec::new(); self.persons.len()];
                let mut all: Vec<(u32, u32, u64)> = seen
                    .iter()
                    .map(|(&(class, value), &persons)| (class, value, persons))
                    .collect();
                all.par_sort_unstable();
                for (class, value, persons) in all {
                    by_class[class as usize].push((value, persons));
                }
                by_class
            })
            .collect()
    }

    /// The classes for which a model does not hold. Where all classes hold but the table as a whole does not, the smallest
    /// classes (in persons) are named, one size at a time: the caller removes them and asks again.
    #[must_use]
    pub fn violating(&self, models: &[Box<dyn Model>]) -> Vec<bool> {
        let distributions = self.distributions();
        let whole = Whole {
            rows: self.rows.iter().sum(),
            persons: self.all_persons,
            sensitive: self
                .whole
                .iter()
                .map(|values| {
                    let mut values: Vec<(u32, u64)> =
                        values.iter().map(|(&v, &p)| (v, p)).collect();
                    values.sort_unstable();
                    values
                })
                .collect(),
        };
        let per_class: Vec<&Box<dyn Model>> =
            models.iter().filter(|m| m.scope() == Scope::Class).collect();
        let mut fails: Vec<bool> = (0..self.persons.len())
            .into_par_iter()
            .map(|class| {
                let sensitive: Vec<&[(u32, u64)]> =
                    distributions.iter().map(|by_class| by_class[class].as_slice()).collect();
                let facts = Class {
                    rows: self.rows[class],
                    persons: self.persons[class],
                    population: None,
                    sensitive: &sensitive,
                };
                self.rows[class] > 0 && !per_class.iter().all(|m| m.class_holds(&facts, &whole))
            })
            .collect();
        if !fails.contains(&true) {
            let mut sizes: Vec<u64> = (0..self.persons.len())
                .filter(|&c| self.rows[c] > 0)
                .map(|c| self.persons[c])
                .collect();
            sizes.sort_unstable();
            let remaining = Remaining { persons: &sizes, population: None };
            if !sizes.is_empty() && !models.iter().all(|m| m.table_holds(&remaining)) {
                for (class, fails) in fails.iter_mut().enumerate() {
                    *fails = self.rows[class] > 0 && self.persons[class] == sizes[0];
                }
            }
        }
        fails
    }

    /// Classes that are there and have fewer than `k` persons.
    #[must_use]
    pub fn below(&self, k: u64) -> u64 {
        self.rows
            .iter()
            .zip(&self.persons)
            .filter(|&(&rows, &persons)| rows > 0 && persons < k)
            .count() as u64
    }

    /// The values of a class, in the order of the view's columns.
    #[must_use]
    pub fn values(&self, class: usize) -> Vec<Option<String>> {
        let width = self.columns.len();
        self.tuples[class * width..][..width]
            .iter()
            .zip(&self.columns)
            .map(|(&code, interner)| {
                (code != 0).then(|| interner.dictionary().text(code - 1).to_owned())
            })
            .collect()
    }

    /// What the record says of the classes.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let present: Vec<usize> = (0..self.persons.len()).filter(|&c| self.rows[c] > 0).collect();
        let mut histogram: BTreeMap<u64, (u64, u64)> = BTreeMap::new();
        for &class in &present {
            let entry = histogram.entry(bin(self.persons[class])).or_default();
            entry.0 += 1;
            entry.1 += self.persons[class];
        }
        let mut distinct: Vec<Vec<u64>> = vec![vec![0; self.persons.len()]; self.seen.len()];
        for (seen, distinct) in self.seen.iter().zip(&mut distinct) {
            let classes: Vec<u32> = seen.keys().map(|&(class, _)| class).collect();
            for class in classes {
                distinct[class as usize] += 1;
            }
        }
        Summary {
            classes: present.len() as u64,
            smallest: present.iter().map(|&c| self.persons[c]).min().map(Patients),
            rows: present.iter().map(|&c| Rows(self.rows[c])).sum(),
            persons: present.iter().map(|&c| Patients(self.persons[c])).sum(),
            l: distinct.iter().map(|distinct| present.iter().map(|&c| distinct[c]).min()).collect(),
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
pub(super) fn column_codes(
    plan: &Plan,
    view: &ViewPlan,
    column: &ViewColumn,
    partition: &Partition,
    cells: Cells<'_>,
    alive: &Alive,
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
    let blanked = &alive.blanked[column.table];
    let bit = match cells {
        Cells::Source => None,
        Cells::Applied(_) => super::freeze::blank_bit(plan, column.table, column.column),
    };
    let map: Vec<u32> = source.dictionary().texts().map(|_| 0).collect();
    let mut map = map;
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
            let gone =
                |row: usize| matches!(cells, Cells::Applied(_)) && !alive.rows[column.table][row];
            let sets = set_codes(&groups_there, count, gone, &mut code_of, interner);
            let of = |&group: &u32| if group == MISSING { 0 } else { sets[group as usize] };
            groups_here.iter().map(of).collect()
        }
        Join::Person => {
            let part = &partition.tables[column.table];
            let gone =
                |row: usize| matches!(cells, Cells::Applied(_)) && !alive.rows[column.table][row];
            let count = partition.ids.len();
            let sets = set_codes(&part.persons, count, gone, &mut code_of, interner);
            partition.tables[view.table].persons.iter().map(|&p| sets[p as usize]).collect()
        }
    }
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
    let mut groups: Vec<u32> = several.keys().copied().collect();
    groups.sort_unstable();
    for group in groups {
        let mut texts: Vec<&str> =
            several[&group].iter().map(|&code| interner.dictionary().text(code - 1)).collect();
        texts.sort_unstable();
        texts.dedup();
        let set = texts.join("\u{1f}");
        one[group as usize] = 1 + interner.intern(&set);
    }
    one
}
