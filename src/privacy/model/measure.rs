//! What a table has: the k, l, t, α, β and δ that its classes reach. For risk reports and for the check of a release, which counts
//! again from the release itself and shares no code with the search but the definitions.
//!
//! The whole is the table that is measured. (While levels are searched it is the table before suppression; a release that lost
//! rows is therefore measured against a slightly different distribution.)

use super::l_diversity::{column, entropy, head_and_tail};
use super::{Class, Distance, Whole};
use crate::Estimate;
use crate::error::Result;
use crate::frame::MISSING;
use crate::persons::ByPerson;
use crate::tally::{Held, values_held};

/// Classes of a table with their sensitive values, in distinct persons.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    rows: Vec<u64>,
    persons: Vec<u64>,
    population: Option<Vec<u64>>,
    // By sensitive column: counts of all classes one after the other, and where each class begins.
    sensitive: Vec<(Vec<usize>, Vec<(u32, u64)>)>,
    whole: Whole,
}

impl Counted {
    /// Counts. `class[row]` is the class of a row (below `classes`), `person[row]` its person, `sensitive[c][row]` a code or
    /// [`MISSING`], which is a value of its own.
    ///
    /// # Errors
    /// `V0002` if the columns differ in length.
    pub fn new(
        class: &[u32],
        classes: usize,
        person: &[u32],
        sensitive: &[&[u32]],
    ) -> Result<Self> {
        let mut rows = vec![0_u64; classes];
        for &c in class {
            rows[c as usize] += 1;
        }
        let people = ByPerson::new(person);
        let sensitive = sensitive
            .iter()
            .map(|codes| {
                let shown = codes.iter().copied().filter(|&code| code != MISSING);
                let card = shown.max().map_or(0, |most| most + 1);
                let (held, whole) = values_held(&people, class, classes, codes, card)?;
                let mut whole: Vec<(u32, u64)> = (0_u32..).zip(whole).filter(|v| v.1 > 0).collect();
                let missing: Vec<u32> =
                    codes.iter().map(|&code| if code == MISSING { 0 } else { MISSING }).collect();
                let missing = people.in_any(&missing);
                whole.extend((missing > 0).then_some((MISSING, missing)));
                Ok((held, whole))
            })
            .collect::<Result<_>>()?;
        Ok(Counted::of(rows, people.count(class, classes), people.in_any(class), sensitive))
    }
    /// From figures: rows and persons by class, all persons, and by sensitive column the persons by class and value (ascending)
    /// and by value.
    #[must_use]
    pub(crate) fn of(
        rows: Vec<u64>,
        persons: Vec<u64>,
        all: u64,
        sensitive: Vec<(Held, Vec<(u32, u64)>)>,
    ) -> Self {
        let mut whole = Whole {
            rows: rows.iter().sum(),
            persons: all,
            sensitive: Vec::with_capacity(sensitive.len()),
        };
        let sensitive = sensitive.into_iter().map(|(held, all)| {
            whole.sensitive.push(all);
            let mut starts = vec![0_usize; rows.len() + 1];
            for &(class, _, _) in &held {
                starts[class as usize + 1] += 1;
            }
            for class in 0..rows.len() {
                starts[class + 1] += starts[class];
            }
            (starts, held.into_iter().map(|(_, value, persons)| (value, persons)).collect())
        });
        let sensitive = sensitive.collect();
        Counted { rows, persons, population: None, sensitive, whole }
    }
    /// Adds the persons of the population by class.
    #[must_use]
    pub fn with_population(mut self, population: Vec<u64>) -> Self {
        self.population = Some(population);
        self
    }
    /// Classes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// Whether there is no class.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
    /// Persons by class.
    #[must_use]
    pub fn persons(&self) -> &[u64] {
        &self.persons
    }
    /// The whole.
    #[must_use]
    pub fn whole(&self) -> &Whole {
        &self.whole
    }
    /// Calls with every class that has a row.
    pub fn each(&self, mut with: impl FnMut(usize, &Class<'_>)) {
        for class in (0..self.len()).filter(|&c| self.rows[c] > 0) {
            self.with(class, |facts| with(class, facts));
        }
    }
    /// Calls with a class.
    pub fn with<T>(&self, class: usize, with: impl FnOnce(&Class<'_>) -> T) -> T {
        let slices: Vec<&[(u32, u64)]> = self
            .sensitive
            .iter()
            .map(|(starts, counts)| &counts[starts[class]..starts[class + 1]])
            .collect();
        with(&Class {
            rows: self.rows[class],
            persons: self.persons[class],
            population: self.population.as_ref().map(|p| p[class]),
            sensitive: &slices,
        })
    }
    fn extreme(&self, of: impl Fn(&Class<'_>) -> Option<f64>, largest: bool) -> Estimate {
        let mut found: Option<f64> = None;
        let mut failed = false;
        self.each(|_, class| match of(class) {
            Some(value) => {
                found = Some(match found {
                    Some(best) if largest => best.max(value),
                    Some(best) => best.min(value),
                    None => value,
                });
            }
            None => failed = true,
        });
        match found {
            _ if failed => Estimate::NotAvailable("a class has no such figure"),
            Some(value) => Estimate::checked(value, "a class has no such figure"),
            None => Estimate::NotAvailable("there are no classes"),
        }
    }
    /// Persons in the smallest class.
    #[must_use]
    pub fn k(&self) -> Option<u64> {
        self.persons.iter().copied().filter(|n| *n > 0).min()
    }
    /// Different values in the class with the fewest.
    #[must_use]
    pub fn distinct_l(&self, sensitive: usize) -> Option<u64> {
        let mut least = None;
        self.each(|_, class| {
            let values = column(class, sensitive).len() as u64;
            least = Some(least.map_or(values, |l: u64| l.min(values)));
        });
        least
    }
    /// e to the smallest entropy.
    #[must_use]
    pub fn entropy_l(&self, sensitive: usize) -> Estimate {
        self.extreme(|class| Some(entropy(column(class, sensitive)).exp()), false)
    }
    /// The bound that c must exceed for recursive (c, l)-diversity: the largest head over tail. Not available where a class has
    /// fewer than `l` values, since no c helps then.
    #[must_use]
    pub fn recursive_c(&self, l: u64, sensitive: usize) -> Estimate {
        self.extreme(
            |class| {
                let (head, tail) = head_and_tail(column(class, sensitive), l);
                (tail > 0).then(|| head as f64 / tail as f64)
            },
            true,
        )
    }
    /// The largest share of a value among the persons of a class.
    #[must_use]
    pub fn alpha(&self, sensitive: usize) -> Estimate {
        self.extreme(
            |class| {
                let most = column(class, sensitive).iter().map(|&(_, n)| n).max()?;
                Some(most as f64 / class.persons as f64)
            },
            true,
        )
    }
    fn gains(&self, class: &Class<'_>, sensitive: usize) -> Vec<(f64, f64)> {
        let all = &self.whole.sensitive[sensitive];
        column(class, sensitive)
            .iter()
            .filter_map(|&(code, n)| {
                let at = all.binary_search_by_key(&code, |&(c, _)| c).ok()?;
                let p = all[at].1 as f64 / self.whole.persons as f64;
                Some((p, n as f64 / class.persons as f64 / p))
            })
            .collect()
    }
    /// The largest relative gain of a value in a class, (q - p) / p: the smallest β of basic β-likeness.
    #[must_use]
    pub fn basic_beta(&self, sensitive: usize) -> Estimate {
        self.extreme(
            |class| {
                let ratios = self.gains(class, sensitive);
                ratios.into_iter().map(|(_, ratio)| ratio - 1.0).reduce(f64::max)
            },
            true,
        )
    }
    /// The smallest β of enhanced β-likeness. Not available where a value gains more than -ln of its share: no β helps then.
    #[must_use]
    pub fn enhanced_beta(&self, sensitive: usize) -> Estimate {
        self.extreme(
            |class| {
                let gains = self.gains(class, sensitive);
                if gains.iter().any(|&(p, ratio)| ratio - 1.0 > -p.ln() + 1e-12) {
                    return None;
                }
                gains.into_iter().map(|(_, ratio)| (ratio - 1.0).max(0.0)).reduce(f64::max)
            },
            true,
        )
    }
    /// The bound that δ must exceed: the largest |ln(q / p)|. With `absent` values counted it is not available where a class lacks
    /// a value that the whole has.
    #[must_use]
    pub fn delta_disclosure(&self, sensitive: usize, absent: super::Absent) -> Estimate {
        let values = self.whole.sensitive.get(sensitive).map_or(0, Vec::len);
        self.extreme(
            |class| {
                if absent == super::Absent::Fails && column(class, sensitive).len() < values {
                    return None;
                }
                let ratios = self.gains(class, sensitive);
                ratios.into_iter().map(|(_, ratio)| ratio.ln().abs()).reduce(f64::max)
            },
            true,
        )
    }
    /// The largest distance of a class's values from those of the whole: the smallest t.
    #[must_use]
    pub fn closeness(&self, sensitive: usize, distance: &Distance) -> Estimate {
        let all = self.whole.sensitive.get(sensitive).map_or(&[][..], Vec::as_slice);
        self.extreme(|class| distance.between(column(class, sensitive), all), true)
    }
    /// The smallest and the largest share of a class of the population that is in the table.
    #[must_use]
    pub fn presence(&self) -> (Estimate, Estimate) {
        let share = |class: &Class<'_>| {
            class.population.filter(|n| *n > 0).map(|n| class.persons as f64 / n as f64)
        };
        (self.extreme(share, false), self.extreme(share, true))
    }
}

/// The codes of a column whose texts are numbers, from the lowest number to the highest: the order for
/// [`Distance::Ordered`]. `numbers[code]` is the number. Missing is left out.
#[must_use]
pub fn order_by_number(numbers: &[f64]) -> Vec<u32> {
    let mut order: Vec<u32> = (0..numbers.len() as u32).filter(|&c| c != MISSING).collect();
    order.sort_by(|&a, &b| numbers[a as usize].total_cmp(&numbers[b as usize]).then(a.cmp(&b)));
    order
}

#[cfg(test)]
mod tests {
    use super::super::testing::Dice;
    use super::super::*;
    use super::*;

    #[test]
    fn persons_are_counted_once_a_class_and_value() {
        // Person 7 twice with the value 0 in class 0; person 8 with both values.
        let counted =
            Counted::new(&[0, 0, 0, 0, 1], 2, &[7, 7, 8, 8, 7], &[&[0, 0, 0, 1, MISSING]]).unwrap();
        assert_eq!((counted.persons(), counted.k()), (&[2, 1][..], Some(1)));
        assert_eq!(counted.whole().sensitive[0], [(0, 2), (1, 1), (MISSING, 1)]);
        assert_eq!(counted.distinct_l(0), Some(1));
        assert_eq!(counted.alpha(0), Estimate::Value(1.0));
        assert_eq!(Counted::new(&[], 0, &[], &[&[]]).unwrap().entropy_l(0).value(), None);
    }

    /// A model holds exactly when its parameter is on the right side of the figure.
    #[test]
    fn figures_and_models_agree() {
        let mut dice = Dice(11);
        for _ in 0..300 {
            let rows = 4 + dice.below(40) as usize;
            let class: Vec<u32> = (0..rows).map(|_| dice.below(3) as u32).collect();
            let value: Vec<u32> = (0..rows).map(|_| dice.below(4) as u32).collect();
            let person: Vec<u32> = (0..rows as u32).collect();
            let counted = Counted::new(&class, 3, &person, &[&value]).unwrap();
            let all = |model: &dyn Model| {
                let mut holds = true;
                counted.each(|_, class| holds &= model.class_holds(class, counted.whole()));
                holds
            };
            let k = counted.k().unwrap();
            assert!(all(&KAnonymity { k }) && !all(&KAnonymity { k: k + 1 }));
            let l = counted.distinct_l(0).unwrap();
            assert!(
                all(&DistinctL { l, sensitive: 0 }) && !all(&DistinctL { l: l + 1, sensitive: 0 })
            );
            let hair = 1e-9;
            let entropy = counted.entropy_l(0).value().unwrap();
            assert!(all(&EntropyL { l: entropy - hair, sensitive: 0 }));
            assert!(!all(&EntropyL { l: entropy + hair, sensitive: 0 }));
            if let Some(c) = counted.recursive_c(2, 0).value() {
                assert!(all(&RecursiveCL { c: c + hair, l: 2, sensitive: 0 }));
                assert!(!all(&RecursiveCL { c, l: 2, sensitive: 0 }));
            } else {
                assert!(!all(&RecursiveCL { c: 1e9, l: 2, sensitive: 0 }));
            }
            let alpha = counted.alpha(0).value().unwrap();
            assert!(all(&AlphaK { alpha: alpha + hair, k: 1, sensitive: 0 }));
            assert!(!all(&AlphaK { alpha: alpha - hair, k: 1, sensitive: 0 }));
            let beta = counted.basic_beta(0).value().unwrap();
            assert!(all(&BasicBeta { beta: beta + hair, sensitive: 0 }));
            assert!(beta == 0.0 || !all(&BasicBeta { beta: beta - hair, sensitive: 0 }));
            match counted.enhanced_beta(0).value() {
                Some(beta) => assert!(all(&EnhancedBeta { beta: beta + hair, sensitive: 0 })),
                None => assert!(!all(&EnhancedBeta { beta: 1e9, sensitive: 0 })),
            }
            for absent in [Absent::Fails, Absent::Ignored] {
                let model = |delta| DeltaDisclosure { delta, absent, sensitive: 0 };
                match counted.delta_disclosure(0, absent).value() {
                    Some(delta) => {
                        assert!(all(&model(delta + hair)) && !all(&model(delta - hair)));
                    }
                    None => assert!(!all(&model(1e9))),
                }
            }
            for distance in [Distance::Equal, Distance::Ordered(vec![0, 1, 2, 3])] {
                let t = counted.closeness(0, &distance).value().unwrap();
                let model = |t| TCloseness { t, distance: distance.clone(), sensitive: 0 };
                assert!(all(&model(t + hair)) && (t < hair || !all(&model(t - hair))));
            }
        }
    }

    #[test]
    fn presence_and_order() {
        let counted =
            Counted::new(&[0, 0, 1], 2, &[0, 1, 2], &[]).unwrap().with_population(vec![4, 10]);
        assert_eq!(counted.presence(), (Estimate::Value(0.1), Estimate::Value(0.5)));
        assert_eq!(order_by_number(&[10.0, 9.0, -1.0]), [2, 1, 0]);
    }
}
