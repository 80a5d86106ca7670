//! Distinct persons behind groups of rows, counted without a hash or a sort of pairs.

use rayon::prelude::*;

use crate::frame::MISSING;

/// The rows of a table person by person.
#[derive(Clone, Debug)]
pub struct ByPerson<'a> {
    persons: &'a [u32],
    /// Rows in the order of their persons; none if they stand in it already.
    order: Option<Vec<u32>>,
}

impl<'a> ByPerson<'a> {
    /// The rows with the given persons (any numbers, preferably dense).
    #[must_use]
    pub fn new(persons: &'a [u32]) -> Self {
        if persons.is_sorted() {
            return ByPerson { persons, order: None };
        }
        let most = persons.par_iter().copied().max().unwrap_or(0) as usize;
        let order = if most / 4 <= persons.len() {
            let mut ends = vec![0_u32; most + 2];
            for &person in persons {
                ends[person as usize + 1] += 1;
            }
            for person in 0..=most {
                ends[person + 1] += ends[person];
            }
            let mut order = vec![0_u32; persons.len()];
            for (row, &person) in persons.iter().enumerate() {
                let at = &mut ends[person as usize];
                order[*at as usize] = row as u32;
                *at += 1;
            }
            order
        } else {
            let mut order: Vec<u32> = (0..persons.len() as u32).collect();
            order.par_sort_unstable_by_key(|&row| (persons[row as usize], row));
            order
        };
        ByPerson { persons, order: Some(order) }
    }

    /// The person of each row.
    #[must_use]
    pub fn persons(&self) -> &'a [u32] {
        self.persons
    }

    fn row(&self, at: usize) -> usize {
        self.order.as_ref().map_or(at, |order| order[at] as usize)
    }

    /// By group, below `groups`: its distinct persons. `of_rows` has the group of each row, [`MISSING`] for none.
    #[must_use]
    pub fn count(&self, of_rows: &[u32], groups: usize) -> Vec<u64> {
        // Each piece has counters of its own, which must be few beside the rows.
        let pieces = if groups <= self.persons.len() / 64 { 8 } else { 1 };
        let counts: Vec<Vec<u64>> = self
            .cuts(pieces)
            .into_par_iter()
            .map(|piece| {
                let mut counts = vec![0_u64; groups];
                // The last person who was counted, as the number of the person's run: one that no row has is free.
                let mut last = vec![0_u32; groups];
                let (mut run, mut before) = (0_u32, None);
                for at in piece {
                    let row = self.row(at);
                    let person = Some(self.persons[row]);
                    if person != before {
                        (run, before) = (run + 1, person);
                    }
                    let group = of_rows[row];
                    if group != MISSING && last[group as usize] != run {
                        last[group as usize] = run;
                        counts[group as usize] += 1;
                    }
                }
                counts
            })
            .collect();
        let sum = |mut all: Vec<u64>, piece: Vec<u64>| {
            all.iter_mut().zip(piece).for_each(|(all, here)| *all += here);
            all
        };
        counts.into_iter().reduce(sum).unwrap_or_else(|| vec![0; groups])
    }

    /// Distinct persons with a row in any group.
    #[must_use]
    pub fn in_any(&self, of_rows: &[u32]) -> u64 {
        let (mut found, mut before) = (0, None);
        for row in (0..self.persons.len()).map(|at| self.row(at)) {
            if of_rows[row] != MISSING && before != Some(self.persons[row]) {
                before = Some(self.persons[row]);
                found += 1;
            }
        }
        found
    }

    /// By person, in the order of their numbers: the greatest of the values of the person's rows.
    #[must_use]
    pub fn greatest<T: Copy>(
        &self,
        values: &[T],
        order: impl Fn(&T, &T) -> std::cmp::Ordering,
    ) -> Vec<T> {
        let mut found: Vec<T> = Vec::new();
        let mut before = None;
        for row in (0..self.persons.len()).map(|at| self.row(at)) {
            let value = values[row];
            match found.last_mut() {
                Some(best) if before == Some(self.persons[row]) => {
                    if order(&value, best).is_gt() {
                        *best = value;
                    }
                }
                _ => found.push(value),
            }
            before = Some(self.persons[row]);
        }
        found
    }

    /// Pieces of the order of about equal length that part no person.
    fn cuts(&self, pieces: usize) -> Vec<std::ops::Range<usize>> {
        let rows = self.persons.len();
        let mut found = Vec::with_capacity(pieces);
        let mut start = 0;
        for piece in 1..=pieces {
            let mut end = (rows * piece / pieces).max(start);
            while end > start
                && end < rows
                && self.persons[self.row(end)] == self.persons[self.row(end - 1)]
            {
                end += 1;
            }
            found.push(start..end);
            start = end;
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn persons_are_counted_as_sets_count_them(
            rows in proptest::collection::vec((0..3_u32, 0..40_u32), 0..900), sorted: bool, sparse: bool,
        ) {
            let mut rows = rows;
            if sorted {
                rows.sort_unstable_by_key(|row| row.1);
            }
            let wide = |p: u32| if sparse { p * 50_000_000 } else { p };
            let groups: Vec<u32> = rows.iter().map(|&(g, _)| if g == 2 { MISSING } else { g }).collect();
            let persons: Vec<u32> = rows.iter().map(|&(_, p)| wide(p)).collect();
            let people = ByPerson::new(&persons);
            let of = |group: u32| {
                let pairs = groups.iter().zip(&persons).filter(|&(&g, _)| g == group);
                pairs.map(|(_, &p)| p).collect::<BTreeSet<u32>>()
            };
            prop_assert_eq!(people.count(&groups, 2), [of(0).len() as u64, of(1).len() as u64]);
            prop_assert_eq!(people.in_any(&groups), of(0).union(&of(1)).count() as u64);
            let mut greatest = std::collections::BTreeMap::new();
            for (&group, &person) in groups.iter().zip(&persons) {
                let slot = greatest.entry(person).or_insert(group);
                *slot = group.max(*slot);
            }
            let expected: Vec<u32> = greatest.into_values().collect();
            prop_assert_eq!(people.greatest(&groups, u32::cmp), expected);
        }
    }
}
