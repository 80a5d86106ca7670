//! Facts of stays, found in the files of a release as they pass: columns of events that are the same in all rows of a stay. What is
//! held grows with the stays, not with the rows.

use std::sync::Arc;

use hashbrown::HashMap;

use super::recount::Cells;
use crate::frame::MISSING;
use crate::plan::steady::Repeated;
use crate::structure::{ColumnPath, Path, Structure, UniqueShape, ViewShape};

/// A stay that shows several values: they are one value, for all such stays.
pub(crate) const SEVERAL: u32 = MISSING - 1;

/// The stays of a table of events, numbered: the token of the stay's key with the person of the row.
#[derive(Clone, Debug, Default)]
pub struct Stays(HashMap<(u32, u32), u32>);

impl Stays {
    /// By row: the number of its stay; [`MISSING`] without one.
    pub(crate) fn number(&mut self, keys: &[u32], persons: &[u32]) -> Vec<u32> {
        let rows = keys.iter().copied().zip(persons.iter().copied());
        rows.map(|(key, person)| {
            if key == MISSING {
                return MISSING;
            }
            let next = self.0.len() as u32;
            *self.0.entry((key, person)).or_insert(next)
        })
        .collect()
    }
    fn find(&self, key: u32, person: u32) -> Option<usize> {
        self.0.get(&(key, person)).map(|&stay| stay as usize)
    }
}

/// What stays show in a column, as its rows come.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// By stay: the code, [`SEVERAL`], or [`MISSING`] so far.
    one: Vec<u32>,
    /// By stay: whether several cells are filled.
    again: Vec<bool>,
    /// Filled cells by code.
    rows: Vec<u64>,
}

impl Shown {
    /// Adds rows: the codes of the column, and the stay of each.
    pub(crate) fn see(&mut self, codes: &[u32], stays: &[u32]) {
        let rows = codes.iter().copied().zip(stays.iter().copied());
        for (code, stay) in rows.filter(|&(code, stay)| code != MISSING && stay != MISSING) {
            let (stay, at) = (stay as usize, code as usize);
            if stay >= self.one.len() {
                self.one.resize(stay + 1, MISSING);
                self.again.resize(stay + 1, false);
            }
            if at >= self.rows.len() {
                self.rows.resize(at + 1, 0);
            }
            self.rows[at] += 1;
            let slot = &mut self.one[stay];
            if *slot == MISSING {
                *slot = code;
                continue;
            }
            self.again[stay] = true;
            if *slot != code {
                *slot = SEVERAL;
            }
        }
    }
    /// By stay what it shows, if the column is a fact of stays.
    pub(crate) fn finish(self) -> Option<Vec<u32>> {
        let count = |of: &dyn Fn(usize) -> bool| (0..self.one.len()).filter(|&s| of(s)).count();
        let repeated = Repeated {
            several: count(&|stay| self.again[stay]) as u64,
            varying: count(&|stay| self.one[stay] == SEVERAL) as u64,
            empty: 0,
        };
        repeated.is_steady(false, self.rows.iter().copied()).then_some(self.one)
    }
}

/// A fact of stays.
#[derive(Clone, Debug)]
pub struct Fact {
    stays: Arc<Stays>,
    shown: Vec<u32>,
}

impl Fact {
    pub(crate) fn new(stays: Arc<Stays>, shown: Vec<u32>) -> Self {
        Fact { stays, shown }
    }
    /// What a stay shows.
    pub(crate) fn of(&self, key: u32, person: u32) -> u32 {
        let stay = self.stays.find(key, person);
        stay.and_then(|stay| self.shown.get(stay).copied()).unwrap_or(MISSING)
    }
}

/// By key and column of a table: a fact of stays, or none where the column is not one.
pub type Facts = HashMap<(usize, usize), Option<Fact>>;

/// The facts beside a view that are certain, and those that count only if they are of stays.
///
/// None if there are fewer facts than are said to be uncertain.
pub(crate) fn parted(
    unique: &UniqueShape,
) -> Option<(&[(String, ColumnPath)], &[(String, ColumnPath)])> {
    unique.facts.split_at_checked(unique.facts.len().checked_sub(unique.perhaps)?)
}

/// Of a table: its columns that may be facts of stays, each with the key of the stays.
pub(crate) fn asked(structure: &Structure, table: usize) -> Vec<(usize, usize)> {
    let all = structure.views.iter().filter_map(|view| parted(view.unique.as_ref()?));
    let paths = all.flat_map(|(_, perhaps)| perhaps).filter(|(_, path)| path.table == table);
    let keyed = paths.filter_map(|(_, path)| match path.by {
        Path::Token(_, key) => Some((key, path.column)),
        _ => None,
    });
    let mut asked: Vec<(usize, usize)> = keyed.collect();
    asked.sort_unstable();
    asked.dedup();
    asked
}

/// By token of a column of one table: its number in a column of another, [`MISSING`] where it is not there.
pub(crate) fn renamed(here: (&Cells, usize), there: (&Cells, usize)) -> Option<Vec<u32>> {
    let texts = there.0.texts.get(there.1)?;
    let of = here.0.texts.get(here.1)?.dictionary().texts();
    Some(of.map(|token| texts.find(token).unwrap_or(MISSING)).collect())
}

/// What each row of a view's table shows of a column of events; none inside if the column is no fact of stays.
pub(crate) fn shown(
    structure: &Structure,
    tables: &[Cells],
    view: &ViewShape,
    path: &ColumnPath,
) -> Option<Option<Vec<u32>>> {
    let Path::Token(key_here, key_there) = path.by else { return None };
    let t = view.table?;
    let (here, there) = (tables.get(t)?, tables.get(path.table)?);
    let person_here = structure.tables.get(t)?.person;
    let person_there = structure.tables.get(path.table)?.person;
    let found = match there.stays.get(&(key_there, path.column)) {
        Some(found) => found.clone(),
        None => {
            let mut stays = Stays::default();
            let of = stays.number(there.codes(key_there)?, there.codes(person_there)?);
            let mut shown = Shown::default();
            shown.see(there.codes(path.column)?, &of);
            shown.finish().map(|shown| Fact::new(Arc::new(stays), shown))
        }
    };
    let Some(fact) = found else { return Some(None) };
    let keys = renamed((here, key_here), (there, key_there))?;
    let persons = renamed((here, person_here), (there, person_there))?;
    let there = |all: &[u32], code: u32| all.get(code as usize).copied().unwrap_or(MISSING);
    let rows = here.codes(key_here)?.iter().zip(here.codes(person_here)?);
    Some(Some(rows.map(|(&key, &who)| fact.of(there(&keys, key), there(&persons, who))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &[(u32, u32)]) -> Option<Vec<u32>> {
        let mut shown = Shown::default();
        // In several batches, as they come.
        for some in rows.chunks(7) {
            let (stays, codes): (Vec<u32>, Vec<u32>) = some.iter().copied().unzip();
            shown.see(&codes, &stays);
        }
        shown.finish()
    }

    #[test]
    fn one_stay_in_twenty_may_show_several_values() {
        let rows = |varying: u32| -> Vec<(u32, u32)> {
            (0..40).flat_map(|s| [(s, s % 8), (s, if s < varying { 9 } else { s % 8 })]).collect()
        };
        let two = found(&rows(2)).unwrap();
        assert_eq!((two[0], two[1], two[2], two[9]), (SEVERAL, SEVERAL, 2, 1));
        assert!(found(&rows(3)).is_none());
        // A column of one value nearly is as constant by chance.
        let nearly: Vec<(u32, u32)> =
            (0..40).flat_map(|s| [(s, 0), (s, u32::from(s < 2))]).collect();
        assert!(found(&nearly).is_none());
        // One row a stay says nothing against it; what is missing is no value.
        assert!(found(&[(0, 1), (1, 2), (1, MISSING), (MISSING, 5)]).is_some());
    }

    #[test]
    fn a_stay_is_a_token_with_its_person() {
        let mut stays = Stays::default();
        assert_eq!(stays.number(&[4, 4, 4, MISSING], &[1, 2, 1, 1]), [0, 1, 0, MISSING]);
        let fact = Fact::new(Arc::new(stays), vec![7, SEVERAL]);
        assert_eq!([fact.of(4, 1), fact.of(4, 2), fact.of(4, 3)], [7, SEVERAL, MISSING]);
    }
}
