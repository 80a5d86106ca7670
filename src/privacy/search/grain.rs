//! The classes of a view at a node, rolled up from a finer node without touching the rows.

use super::super::key::{Key, Numbering};
use super::super::model::{Class, Remaining, Scope};
use super::super::objective::{ClassTerm, Objective, ViewStats};
use super::problem::{Problem, SearchView};
use super::survey::Figures;

const EMPTY: u32 = u32::MAX;
/// Slots of the counting array up to which numbering by position beats hashing.
const MOST_SLOTS: u64 = 1 << 22;

/// Classes of one view at one node. Keys hold the codes at the node's levels.
#[derive(Clone, Debug)]
pub(super) struct Grain<const N: usize> {
    keys: Vec<Key<N>>,
    rows: Vec<u32>,
    squares: Option<Vec<u64>>,
    population: Option<Vec<u32>>,
    pairs: Option<Vec<(u32, u32)>>,
    /// By sensitive column. One row a person: (class, code, persons) ascending. Otherwise (class, code, person), distinct.
    sensitive: Vec<Vec<(u32, u32, u32)>>,
}

/// Distinct (person, class), sorted by person, after classes were merged.
fn rolled_pairs(pairs: &[(u32, u32)], class_of: &[u32]) -> Vec<(u32, u32)> {
    let mut rolled: Vec<(u32, u32)> = Vec::with_capacity(pairs.len());
    for of_person in pairs.chunk_by(|a, b| a.0 == b.0) {
        let start = rolled.len();
        rolled.extend(of_person.iter().map(|&(person, class)| (person, class_of[class as usize])));
        rolled[start..].sort_unstable();
        let mut end = start;
        for at in start..rolled.len() {
            if at == start || rolled[at] != rolled[end - 1] {
                rolled[end] = rolled[at];
                end += 1;
            }
        }
        rolled.truncate(end);
    }
    rolled
}

/// (class, code, person or rows) after classes were merged; rows of equal (class, code) are added up.
fn rolled_entries(
    entries: &[(u32, u32, u32)],
    class_of: &[u32],
    persons: bool,
) -> Vec<(u32, u32, u32)> {
    let mut rolled: Vec<(u32, u32, u32)> =
        entries.iter().map(|&(class, code, last)| (class_of[class as usize], code, last)).collect();
    rolled.sort_unstable();
    if persons {
        rolled.dedup();
    } else {
        let mut end = 0;
        for at in 0..rolled.len() {
            let entry = rolled[at];
            if end > 0 && (rolled[end - 1].0, rolled[end - 1].1) == (entry.0, entry.1) {
                rolled[end - 1].2 += entry.2;
            } else {
                rolled[end] = entry;
                end += 1;
            }
        }
        rolled.truncate(end);
    }
    rolled
}

impl<const N: usize> Grain<N> {
    pub(super) fn base(view: &SearchView, squares: bool) -> Self {
        Self::of(view, squares, view.base.pairs.as_ref())
    }

    /// The same figures with less work: where every person has one row, counting rows counts persons.
    pub(super) fn light(view: &SearchView, squares: bool) -> Self {
        let several = view.whole.persons < view.rows;
        Self::of(view, squares, view.base.pairs.as_ref().filter(|_| several))
    }

    fn of(view: &SearchView, squares: bool, pairs: Option<&Vec<(u32, u32)>>) -> Self {
        let shrink = |key: &Key<16>| {
            let mut short = Key::<N>::ZERO;
            short.0.copy_from_slice(&key.0[..N]);
            short
        };
        let base = &view.base;
        Grain {
            keys: base.tuples.iter().map(shrink).collect(),
            rows: base.rows.clone(),
            squares: squares
                .then(|| base.rows.iter().map(|&r| u64::from(r) * u64::from(r)).collect()),
            population: base.population.clone(),
            pairs: pairs.cloned(),
            sensitive: base
                .sensitive
                .iter()
                .map(|entries| {
                    if pairs.is_some() {
                        entries.clone()
                    } else {
                        entries
                            .chunk_by(|a, b| (a.0, a.1) == (b.0, b.1))
                            .map(|same| (same[0].0, same[0].1, same.len() as u32))
                            .collect()
                    }
                })
                .collect(),
        }
    }
    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }

    /// The class of each tuple where all combinations have a place in a table of `slots`; adds the classes' keys.
    fn by_slot(
        &self,
        problem: &Problem,
        view: &SearchView,
        to: &[u8],
        maps: &[Vec<u32>],
        slots: usize,
        keys: &mut Vec<Key<N>>,
    ) -> Vec<u32> {
        let columns = view.columns.len();
        let mut class_of: Vec<u32> = Vec::with_capacity(self.len());
        let mut adds: Vec<Vec<u32>> = Vec::with_capacity(columns);
        let mut factor = 1_u32;
        for (column, &attribute) in view.columns.iter().enumerate() {
            adds.push(maps[column].iter().map(|&code| code.wrapping_mul(factor)).collect());
            let card = problem.attributes[attribute].levels[usize::from(to[attribute])].card.max(1);
            factor = factor.wrapping_mul(card);
        }
        // A column that has become one value adds nothing.
        let varying: Vec<usize> = (0..columns)
            .filter(|&c| {
                problem.attributes[view.columns[c]].levels[usize::from(to[view.columns[c]])].card
                    > 1
            })
            .collect();
        let places: Vec<_> = (0..columns).map(|c| view.layout.place(c)).collect();
        let mut number = vec![EMPTY; slots];
        for key in &self.keys {
            let mut at = 0_u32;
            for &column in &varying {
                at += adds[column][key.get(places[column]) as usize];
            }
            let slot = &mut number[at as usize];
            if *slot == EMPTY {
                *slot = keys.len() as u32;
                let mut mapped = Key::<N>::ZERO;
                for (&place, map) in places.iter().zip(maps) {
                    mapped.set(place, map[key.get(place) as usize]);
                }
                keys.push(mapped);
            }
            class_of.push(*slot);
        }
        class_of
    }

    /// The classes at `to`, from those at `from`.
    pub(super) fn roll(
        &self,
        problem: &Problem,
        view: &SearchView,
        from: &[u8],
        to: &[u8],
    ) -> Self {
        let columns = view.columns.len();
        // What each code of each column adds to a position, and the code that it becomes.
        let mut slots: u64 = 1;
        let mut maps: Vec<Vec<u32>> = Vec::with_capacity(columns);
        for &attribute in &view.columns {
            let facts = &problem.attributes[attribute];
            maps.push(facts.step(from[attribute], to[attribute]));
            slots = slots
                .saturating_mul(u64::from(facts.levels[usize::from(to[attribute])].card.max(1)));
        }
        let mut keys: Vec<Key<N>> = Vec::new();
        let class_of: Vec<u32>;
        if slots <= MOST_SLOTS && slots <= 8 * self.len() as u64 + 4096 {
            class_of = self.by_slot(problem, view, to, &maps, slots as usize, &mut keys);
        } else {
            let changed: Vec<usize> =
                (0..columns).filter(|&c| from[view.columns[c]] != to[view.columns[c]]).collect();
            let mut numbering = Numbering::<N>::with_capacity(self.len() / 4);
            let numbers = self.keys.iter().map(|key| {
                let mut mapped = *key;
                for &column in &changed {
                    let place = view.layout.place(column);
                    mapped.set(place, maps[column][key.get(place) as usize]);
                }
                numbering.number(mapped)
            });
            class_of = numbers.collect();
            keys = numbering.keys;
        }
        let mut rows = vec![0_u32; keys.len()];
        for (&class, &count) in class_of.iter().zip(&self.rows) {
            rows[class as usize] += count;
        }
        let sum = |from: &Vec<u32>| {
            let mut sums = vec![0_u32; keys.len()];
            for (&class, &count) in class_of.iter().zip(from) {
                sums[class as usize] += count;
            }
            sums
        };
        let squares = self.squares.as_ref().map(|from| {
            let mut sums = vec![0_u64; keys.len()];
            for (&class, &square) in class_of.iter().zip(from) {
                sums[class as usize] += square;
            }
            sums
        });
        let pairs = self.pairs.as_ref().map(|pairs| rolled_pairs(pairs, &class_of));
        let sensitive = self
            .sensitive
            .iter()
            .map(|entries| rolled_entries(entries, &class_of, self.pairs.is_some()))
            .collect();
        Grain {
            population: self.population.as_ref().map(sum),
            keys,
            rows,
            squares,
            pairs,
            sensitive,
        }
    }

    fn persons(&self) -> Option<Vec<u32>> {
        self.pairs.as_ref().map(|pairs| {
            let mut persons = vec![0_u32; self.len()];
            for &(_, class) in pairs {
                persons[class as usize] += 1;
            }
            persons
        })
    }

    /// Which classes stay and which are out for good, in the order of the keys.
    pub(super) fn judge(&self, view: &SearchView) -> (Vec<bool>, Vec<bool>) {
        let counted = self.persons();
        let persons = counted.as_deref().unwrap_or(&self.rows);
        let mut kept: Vec<bool> = self.rows.iter().map(|&r| r > 0).collect();
        let mut out = vec![false; self.len()];
        let per_class: Vec<_> =
            view.setting.models.iter().filter(|m| m.scope() == Scope::Class).collect();
        let histograms: Vec<Histograms> = self
            .sensitive
            .iter()
            .map(|s| Histograms::new(s, self.len(), self.pairs.is_some()))
            .collect();
        let mut of_class: Vec<&[(u32, u64)]> = Vec::with_capacity(histograms.len());
        for class in 0..self.len() {
            if self.rows[class] == 0 {
                continue;
            }
            of_class.clear();
            of_class.extend(histograms.iter().map(|h| h.of(class)));
            let facts = Class {
                rows: u64::from(self.rows[class]),
                persons: u64::from(persons[class]),
                population: self.population.as_ref().map(|p| u64::from(p[class])),
                sensitive: &of_class,
            };
            for model in &per_class {
                if !model.class_holds(&facts, &view.whole) {
                    kept[class] = false;
                    if !model.may_hold(&facts, &view.whole) {
                        out[class] = true;
                        break;
                    }
                }
            }
        }
        let tables: Vec<_> =
            view.setting.models.iter().filter(|m| m.scope() == Scope::Table).collect();
        if !tables.is_empty() {
            // The smallest classes go first, as few as needed: sizes decide, then keys.
            let mut left: Vec<usize> = (0..self.len()).filter(|&c| kept[c]).collect();
            left.sort_unstable_by_key(|&c| (persons[c], self.keys[c]));
            let sizes: Vec<u64> = left.iter().map(|&c| u64::from(persons[c])).collect();
            let population: Option<Vec<u64>> =
                self.population.as_ref().map(|p| left.iter().map(|&c| u64::from(p[c])).collect());
            let holds = |from: usize| {
                from == left.len()
                    || tables.iter().all(|m| {
                        m.table_holds(&Remaining {
                            persons: &sizes[from..],
                            population: population.as_ref().map(|p| &p[from..]),
                        })
                    })
            };
            let (mut low, mut high) = (0, left.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                if holds(middle) { high = middle } else { low = middle + 1 }
            }
            for &class in &left[..low] {
                kept[class] = false;
            }
        }
        (kept, out)
    }

    pub(super) fn stats(
        &self,
        problem: &Problem,
        number: usize,
        view: &SearchView,
        node: &[u8],
        objective: &dyn Objective,
    ) -> ViewStats {
        self.stats_of(problem, number, view, node, objective, &self.judge(view))
    }

    /// What the view shows and loses, with the classes that stay as they were judged.
    pub(super) fn figures(&self, view: &SearchView, kept: &[bool]) -> Figures {
        let counted = self.persons();
        let persons = counted.as_deref().unwrap_or(&self.rows);
        let k =
            view.setting.models.iter().find(|m| m.key() == "k").map_or(0, |m| m.least_persons());
        let mut found = Figures { smallest: u64::MAX, ..Figures::default() };
        for (class, &rows) in self.rows.iter().enumerate().filter(|(_, rows)| **rows > 0) {
            let here = u64::from(persons[class]);
            found.smallest = found.smallest.min(here);
            if kept[class] {
                continue;
            }
            found.suppressed += u64::from(rows);
            if here >= k {
                found.not_for_k += u64::from(rows);
            }
        }
        if found.smallest == u64::MAX {
            found.smallest = 0;
        }
        match &self.pairs {
            Some(pairs) => {
                for of_person in pairs.chunk_by(|a, b| a.0 == b.0) {
                    let stays = of_person.iter().filter(|(_, c)| kept[*c as usize]).count();
                    found.persons += 1;
                    found.touched += u64::from(stays < of_person.len());
                    found.lost += u64::from(stays == 0);
                }
            }
            None => {
                (found.persons, found.touched, found.lost) =
                    (view.rows, found.suppressed, found.suppressed);
            }
        }
        found
    }

    pub(super) fn keys(&self) -> &[Key<N>] {
        &self.keys
    }

    pub(super) fn stats_of(
        &self,
        problem: &Problem,
        number: usize,
        view: &SearchView,
        node: &[u8],
        objective: &dyn Objective,
        (kept, out): &(Vec<bool>, Vec<bool>),
    ) -> ViewStats {
        let nobody = self
            .population
            .as_ref()
            .is_some_and(|p| p.iter().zip(&self.rows).any(|(&p, &r)| p > 0 && r == 0));
        let columns = view.columns.len();
        let card = |c: usize| {
            problem.attributes[view.columns[c]].levels[usize::from(node[view.columns[c]])].card
                as usize
        };
        let counted = if objective.needs_codes() { columns } else { 0 };
        let mut stats = ViewStats {
            rows: view.rows,
            impossible: nobody && view.setting.models.iter().any(|m| !m.tolerates_empty()),
            kept_by_code: (0..counted).map(|c| vec![0; card(c)]).collect(),
            out_by_code: (0..counted).map(|c| vec![0; card(c)]).collect(),
            ..ViewStats::default()
        };
        let places: Vec<_> = (0..columns).map(|c| view.layout.place(c)).collect();
        let mut terms: Vec<[f64; 3]> = Vec::new();
        let mut codes = vec![0_u32; columns];
        let node_levels = node.to_vec();
        for (class, key) in self.keys.iter().enumerate() {
            let rows = u64::from(self.rows[class]);
            if rows == 0 {
                continue;
            }
            stats.classes += 1;
            let square = u128::from(rows) * u128::from(rows);
            let floor = u128::from(rows) * u128::from(rows.max(view.least_rows));
            stats.squares += square;
            stats.squares_floor += floor;
            if rows >= view.least_rows {
                stats.big_classes += 1;
            } else {
                stats.small_rows += rows;
            }
            if kept[class] {
                stats.kept_classes += 1;
                stats.squares_kept += square;
                for (by_code, &place) in stats.kept_by_code.iter_mut().zip(&places) {
                    by_code[key.get(place) as usize] += rows;
                }
            } else {
                stats.suppressed += rows;
                if out[class] {
                    stats.out += rows;
                    stats.squares_floor_out += floor;
                    for (by_code, &place) in stats.out_by_code.iter_mut().zip(&places) {
                        by_code[key.get(place) as usize] += rows;
                    }
                }
            }
            if objective.has_terms() {
                for (code, &place) in codes.iter_mut().zip(&places) {
                    *code = key.get(place);
                }
                terms.push(objective.term(
                    problem,
                    number,
                    &node_levels,
                    &ClassTerm {
                        codes: &codes,
                        rows,
                        squares: self.squares.as_ref().map_or(0, |s| u128::from(s[class])),
                        kept: kept[class],
                        out: out[class],
                    },
                ));
            }
        }
        for part in 0..3 {
            // Sorted, so that the sum does not depend on how the classes were found.
            let mut figures: Vec<f64> = terms.iter().map(|t| t[part]).collect();
            figures.sort_unstable_by(f64::total_cmp);
            stats.terms[part] = figures.iter().sum();
        }
        stats
    }
}

/// Sensitive values by class.
struct Histograms {
    start: Vec<u32>,
    entries: Vec<(u32, u64)>,
}

impl Histograms {
    fn new(entries: &[(u32, u32, u32)], classes: usize, persons: bool) -> Self {
        let mut start = vec![0_u32; classes + 1];
        let mut made: Vec<(u32, u64)> = Vec::new();
        for same in entries.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let count = if persons { same.len() as u64 } else { u64::from(same[0].2) };
            made.push((same[0].1, count));
            start[same[0].0 as usize + 1] = made.len() as u32;
        }
        for class in 0..classes {
            start[class + 1] = start[class + 1].max(start[class]);
        }
        Histograms { start, entries: made }
    }
    fn of(&self, class: usize) -> &[(u32, u64)] {
        &self.entries[self.start[class] as usize..self.start[class + 1] as usize]
    }
}
