//! Suppression of rows, stays or persons for classes that are given.
//!
//! A *unit* is what is removed as a whole: a row, a stay, a person. Removing units for one class takes rows from other classes,
//! which may then fail, and so on: the least fixed point. Where every model is kept by any merging (k-anonymity, distinct l,
//! k-map) that is *the* minimum: a class that fails also fails with fewer rows, so no solution can keep a row of it; by
//! induction every unit removed here is removed in every solution. For other models (t-closeness, entropy l ...) a part of a
//! failing class could hold; then the result is enough but perhaps not least, and [`Removed::necessary`] says how many units
//! any solution must remove.

use crate::model::{Class, Merging, Model, Remaining, Scope, Whole};

/// One view with its classes.
#[derive(Clone, Copy, Debug)]
pub struct ViewRows<'a> {
    /// The class of each row, below `classes`.
    pub class: &'a [u32],
    /// Classes.
    pub classes: usize,
    /// The person of each row.
    pub person: &'a [u32],
    /// The unit of each row, numbered over all views together.
    pub unit: &'a [u32],
    /// Codes of sensitive columns by row.
    pub sensitive: &'a [&'a [u32]],
    /// Persons of the population by class.
    pub population: Option<&'a [u64]>,
    /// The view before suppression.
    pub whole: &'a Whole,
    /// What must hold.
    pub models: &'a [&'a dyn Model],
}

/// What has to go.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Removed {
    /// By unit: whether it is removed.
    pub units: Vec<bool>,
    /// How many units.
    pub count: u64,
    /// How many units any solution must remove.
    pub necessary: u64,
    /// How often removal led to further removal.
    pub rounds: u32,
}

impl Removed {
    /// Whether no smaller set of units would do.
    #[must_use]
    pub fn is_least(&self) -> bool {
        self.count == self.necessary
    }
}

/// Rows by class and by unit.
struct Index {
    rows_of_class: (Vec<usize>, Vec<u32>),
    rows_of_unit: (Vec<usize>, Vec<u32>),
}

fn index(of: &[u32], buckets: usize) -> (Vec<usize>, Vec<u32>) {
    let mut starts = vec![0_usize; buckets + 1];
    for &b in of {
        starts[b as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut sorted = vec![0; of.len()];
    for (row, &b) in of.iter().enumerate() {
        sorted[next[b as usize]] = row as u32;
        next[b as usize] += 1;
    }
    (starts, sorted)
}

fn slice(index: &(Vec<usize>, Vec<u32>), at: usize) -> &[u32] {
    &index.1[index.0[at]..index.0[at + 1]]
}

#[derive(Clone, Copy)]
enum Question {
    Holds,
    MayHold,
}

struct Table<'a> {
    views: &'a [ViewRows<'a>],
    indexes: Vec<Index>,
    units: usize,
}

impl Table<'_> {
    /// Distinct persons left in a class.
    fn persons(&self, view: usize, class: usize, gone: &[bool]) -> Vec<u32> {
        let rows = &self.views[view];
        let mut persons: Vec<u32> = slice(&self.indexes[view].rows_of_class, class)
            .iter()
            .filter(|&&row| !gone[rows.unit[row as usize] as usize])
            .map(|&row| rows.person[row as usize])
            .collect();
        persons.sort_unstable();
        persons.dedup();
        persons
    }
    fn class_is_right(&self, view: usize, class: usize, gone: &[bool], ask: Question) -> bool {
        let rows = &self.views[view];
        let left: Vec<u32> = slice(&self.indexes[view].rows_of_class, class)
            .iter()
            .copied()
            .filter(|&row| !gone[rows.unit[row as usize] as usize])
            .collect();
        if left.is_empty() {
            return true;
        }
        let counts: Vec<Vec<(u32, u64)>> = rows
            .sensitive
            .iter()
            .map(|codes| {
                let mut pairs: Vec<(u32, u32)> = left
                    .iter()
                    .map(|&row| (codes[row as usize], rows.person[row as usize]))
                    .collect();
                pairs.sort_unstable();
                pairs.dedup();
                pairs
                    .chunk_by(|a, b| a.0 == b.0)
                    .map(|same| (same[0].0, same.len() as u64))
                    .collect()
            })
            .collect();
        let sensitive: Vec<&[(u32, u64)]> = counts.iter().map(Vec::as_slice).collect();
        let seen = Class {
            rows: left.len() as u64,
            persons: self.persons(view, class, gone).len() as u64,
            population: rows.population.map(|p| p[class]),
            sensitive: &sensitive,
        };
        rows.models.iter().all(|model| match ask {
            _ if model.scope() == Scope::Table => true,
            Question::Holds => model.class_holds(&seen, rows.whole),
            Question::MayHold => model.may_hold(&seen, rows.whole),
        })
    }
    /// The least fixed point from `gone` on; how many rounds it took.
    fn settle(&self, gone: &mut [bool], mut dirty: Vec<Vec<u32>>, ask: Question) -> u32 {
        let mut rounds = 0;
        loop {
            let mut units: Vec<u32> = Vec::new();
            for (view, classes) in dirty.iter().enumerate() {
                for &class in classes {
                    if !self.class_is_right(view, class as usize, gone, ask) {
                        units.extend(
                            slice(&self.indexes[view].rows_of_class, class as usize)
                                .iter()
                                .map(|&row| self.views[view].unit[row as usize])
                                .filter(|&u| !gone[u as usize]),
                        );
                    }
                }
            }
            if units.is_empty() {
                return rounds;
            }
            units.sort_unstable();
            units.dedup();
            rounds += 1;
            dirty = self.remove(&units, gone);
        }
    }
    /// Removes units and says which classes lost rows.
    fn remove(&self, units: &[u32], gone: &mut [bool]) -> Vec<Vec<u32>> {
        for &unit in units {
            gone[unit as usize] = true;
        }
        (0..self.views.len())
            .map(|view| {
                let mut classes: Vec<u32> = units
                    .iter()
                    .flat_map(|&unit| slice(&self.indexes[view].rows_of_unit, unit as usize))
                    .map(|&row| self.views[view].class[row as usize])
                    .collect();
                classes.sort_unstable();
                classes.dedup();
                classes
            })
            .collect()
    }
    fn all(&self) -> Vec<Vec<u32>> {
        self.views.iter().map(|v| (0..v.classes as u32).collect()).collect()
    }
    /// The riskiest classes of a view whose table-wide models fail, as few as are needed at least.
    fn riskiest_of_a_failing_table(&self, gone: &[bool]) -> Option<(usize, Vec<usize>)> {
        for (view, rows) in self.views.iter().enumerate() {
            let models: Vec<&dyn Model> =
                rows.models.iter().copied().filter(|m| m.scope() == Scope::Table).collect();
            if models.is_empty() {
                continue;
            }
            // (persons of the population or else of the class, persons, class), ascending.
            let mut order: Vec<(u64, u64, usize)> = (0..rows.classes)
                .map(|class| (self.persons(view, class, gone).len() as u64, class))
                .filter(|&(n, _)| n > 0)
                .map(|(n, class)| (rows.population.map_or(n, |p| p[class]), n, class))
                .collect();
            order.sort_unstable();
            let persons: Vec<u64> = order.iter().map(|x| x.1).collect();
            let population: Option<Vec<u64>> =
                rows.population.map(|_| order.iter().map(|x| x.0).collect());
            let holds = |from: usize| {
                from == persons.len()
                    || models.iter().all(|m| {
                        m.table_holds(&Remaining {
                            persons: &persons[from..],
                            population: population.as_deref().map(|p| &p[from..]),
                        })
                    })
            };
            if holds(0) {
                continue;
            }
            let (mut low, mut high) = (1, persons.len());
            while low < high {
                let middle = usize::midpoint(low, high);
                if holds(middle) { high = middle } else { low = middle + 1 }
            }
            return Some((view, order[..low].iter().map(|x| x.2).collect()));
        }
        None
    }
}

/// The units to remove so that all models hold in all views. For models of the whole table (average risk ...) the smallest
/// classes go until they hold; with average prosecutor risk, one row a person and units of rows that is the least number of
/// classes.
#[must_use]
pub fn least(views: &[ViewRows<'_>], units: usize) -> Removed {
    let indexes = views
        .iter()
        .map(|v| Index {
            rows_of_class: index(v.class, v.classes),
            rows_of_unit: index(v.unit, units),
        })
        .collect();
    let table = Table { views, indexes, units };
    let mut gone = vec![false; table.units];
    let mut rounds = table.settle(&mut gone, table.all(), Question::Holds);
    let kept_by_merging = views
        .iter()
        .all(|v| v.models.iter().all(|m| m.scope() == Scope::Table || m.merging() == Merging::Any));
    let settled = gone.iter().filter(|g| **g).count() as u64;
    let necessary = if kept_by_merging {
        settled
    } else {
        let mut must = vec![false; table.units];
        table.settle(&mut must, table.all(), Question::MayHold);
        must.iter().filter(|g| **g).count() as u64
    };
    while let Some((view, classes)) = table.riskiest_of_a_failing_table(&gone) {
        let mut units: Vec<u32> = classes
            .iter()
            .flat_map(|&class| slice(&table.indexes[view].rows_of_class, class))
            .map(|&row| views[view].unit[row as usize])
            .filter(|&u| !gone[u as usize])
            .collect();
        units.sort_unstable();
        units.dedup();
        let dirty = table.remove(&units, &mut gone);
        rounds += 1 + table.settle(&mut gone, dirty, Question::Holds);
    }
    let count = gone.iter().filter(|g| **g).count() as u64;
    Removed { units: gone, count, necessary, rounds }
}

#[cfg(test)]
mod tests {
    use super::super::super::model::testing::Dice;
    use super::*;
    use crate::model::measure::Counted;
    use crate::model::{AverageRisk, DistinctL, EntropyL, KAnonymity};

    struct Case {
        class: Vec<Vec<u32>>,
        person: Vec<Vec<u32>>,
        value: Vec<Vec<u32>>,
    }

    fn case(dice: &mut Dice, views: usize, persons: u64) -> Case {
        let mut case = Case { class: vec![], person: vec![], value: vec![] };
        for _ in 0..views {
            let rows = 1 + dice.below(14);
            let mut draw = |n: u64| (0..rows).map(|_| dice.below(n) as u32).collect::<Vec<_>>();
            case.class.push(draw(4));
            case.person.push(draw(persons));
            case.value.push(draw(3));
        }
        case
    }

    fn wholes(case: &Case) -> Vec<Whole> {
        (0..case.class.len())
            .map(|v| {
                Counted::new(&case.class[v], 4, &case.person[v], &[&case.value[v]]).whole().clone()
            })
            .collect()
    }

    fn holds(case: &Case, gone: &dyn Fn(u32) -> bool, models: &[&dyn Model]) -> bool {
        wholes(case).iter().enumerate().all(|(v, whole)| {
            let keep: Vec<usize> =
                (0..case.class[v].len()).filter(|&r| !gone(case.person[v][r])).collect();
            let of = |column: &[u32]| keep.iter().map(|&r| column[r]).collect::<Vec<_>>();
            let value = of(&case.value[v]);
            let left = Counted::new(&of(&case.class[v]), 4, &of(&case.person[v]), &[&value]);
            let mut right = true;
            left.each(|_, class| {
                right &= models.iter().all(|m| m.class_holds(class, whole));
            });
            right
        })
    }

    /// Removing persons: against all subsets of six persons.
    #[test]
    fn the_fixed_point_is_the_minimum_for_models_kept_by_merging() {
        let mut dice = Dice(21);
        let (mut cascades, mut gaps) = (0, 0);
        for round in 0..400 {
            let case = case(&mut dice, 1 + round % 2, 6);
            let any: [&dyn Model; 2] = [&KAnonymity { k: 2 }, &DistinctL { l: 2, sensitive: 0 }];
            let entropy: [&dyn Model; 1] = [&EntropyL { l: 1.8, sensitive: 0 }];
            let models = if round % 3 == 2 { &entropy[..] } else { &any[..1 + round % 2] };
            let wholes = wholes(&case);
            let sensitive: Vec<[&[u32]; 1]> = case.value.iter().map(|v| [v.as_slice()]).collect();
            let views: Vec<ViewRows<'_>> = (0..case.class.len())
                .map(|v| ViewRows {
                    class: &case.class[v],
                    classes: 4,
                    person: &case.person[v],
                    unit: &case.person[v],
                    sensitive: &sensitive[v],
                    population: None,
                    whole: &wholes[v],
                    models,
                })
                .collect();
            let removed = least(&views, 6);
            assert!(holds(&case, &|p| removed.units[p as usize], models));
            let best = (0_u32..64)
                .filter(|bits| holds(&case, &|p| bits >> p & 1 == 1, models))
                .map(u32::count_ones)
                .min()
                .unwrap();
            assert!(removed.necessary <= u64::from(best) && u64::from(best) <= removed.count);
            if round % 3 != 2 {
                assert!(removed.is_least());
                assert_eq!(removed.count, u64::from(best));
            }
            cascades += u32::from(removed.rounds > 1);
            gaps += u32::from(!removed.is_least());
        }
        assert!(cascades > 10 && gaps > 3, "{cascades} {gaps}");
    }

    #[test]
    fn rows_go_alone_and_smallest_classes_lower_the_average() {
        let class = [0, 0, 0, 1, 1, 2];
        let person = [0, 1, 2, 3, 4, 5];
        let average = AverageRisk { risk: 0.4 };
        let whole = Whole::default();
        let view = |models| ViewRows {
            class: &class,
            classes: 3,
            person: &person,
            unit: &person,
            sensitive: &[],
            population: None,
            whole: &whole,
            models,
        };
        let k: [&dyn Model; 1] = [&KAnonymity { k: 2 }];
        assert_eq!(least(&[view(&k)], 6).units, [false, false, false, false, false, true]);
        let both: [&dyn Model; 2] = [&KAnonymity { k: 2 }, &average];
        // 2 classes of 5 persons are 0.4.
        assert_eq!(least(&[view(&both)], 6).count, 1);
        let strict: [&dyn Model; 1] = [&AverageRisk { risk: 0.35 }];
        assert_eq!(least(&[view(&strict)], 6).count, 3);
    }
}
