//! Population uniqueness: the share of the persons of a population who are alone with their values, estimated from a sample.

use serde::Serialize;

use super::figure::{Figure, Subject, Told};
use super::{Doc, dankar, pitman, snb, zayatz};
use crate::error::Result;
use crate::{ClassTable, Estimate};

pub use dankar::{Choice, choose};

/// What the estimators need: the sizes of the sample's classes and the size of the population.
#[derive(Clone, Debug)]
pub struct Sample {
    /// (persons in a class, classes of that size), ascending.
    pub(super) sizes: Vec<(f64, f64)>,
    /// Persons in the sample.
    pub(super) n: f64,
    /// Classes in the sample.
    pub(super) u: f64,
    /// Persons in the population; at least `n`.
    pub(super) population: f64,
}

impl Sample {
    /// From a histogram of class sizes, (persons, classes), and the number of persons in the population (never less than those
    /// of the sample).
    #[must_use]
    pub fn new(histogram: &[(u64, u64)], population: u64) -> Self {
        let mut sizes: Vec<(f64, f64)> = histogram
            .iter()
            .filter(|&&(size, classes)| size > 0 && classes > 0)
            .map(|&(size, classes)| (size as f64, classes as f64))
            .collect();
        sizes.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let n = sizes.iter().map(|(s, c)| s * c).sum();
        let u = sizes.iter().map(|(_, c)| c).sum();
        Sample { sizes, n, u, population: (population as f64).max(n) }
    }
    /// From classes.
    #[must_use]
    pub fn of(classes: &ClassTable, population: u64) -> Self {
        Sample::new(&classes.histogram(), population)
    }
    /// From a sampling fraction, above 0 and at most 1: the population is the sample's size over the fraction, rounded down.
    #[must_use]
    pub fn with_fraction(histogram: &[(u64, u64)], fraction: f64) -> Self {
        let n: u64 = histogram.iter().map(|(s, c)| s * c).sum();
        Sample::new(histogram, (n as f64 / fraction) as u64)
    }
    /// The sampling fraction, 0 to 1.
    #[must_use]
    pub fn fraction(&self) -> f64 {
        self.n / self.population
    }
    pub(super) fn of_size(&self, size: f64) -> f64 {
        self.sizes.iter().find(|(s, _)| *s == size).map_or(0.0, |(_, c)| *c)
    }
    /// Where no estimate is needed: everybody is in the sample, nobody is, or nobody in it is unique. A population unique in the
    /// sample is unique in the sample, so without sample uniques the share (of the sample) is 0 for certain.
    pub(super) fn certain(&self) -> Option<Estimate> {
        if self.n < 1.0 {
            Some(Estimate::NotAvailable("no rows"))
        } else if self.of_size(1.0) == 0.0 {
            Some(Estimate::Value(0.0))
        } else if self.population <= self.n {
            Some(Estimate::Value(self.of_size(1.0) / self.n))
        } else {
            None
        }
    }
}

/// All estimates of population uniqueness: expected uniques of the population / its persons.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Uniqueness {
    /// Sampling fraction.
    pub fraction: f64,
    /// Pitman's model (Hoshino 2001).
    pub pitman: Estimate,
    /// Zayatz 1991.
    pub zayatz: Estimate,
    /// Slide negative binomial (Chen & Keller-McNulty 1998).
    pub snb: Estimate,
    /// The choice of Dankar et al. 2012.
    pub dankar: Estimate,
    /// Which one was chosen.
    pub model: Choice,
}

/// The estimates.
#[must_use]
pub fn uniqueness(sample: &Sample) -> Uniqueness {
    let (pitman, zayatz, snb) = (pitman::pitman(sample), zayatz::zayatz(sample), snb::snb(sample));
    let (dankar, model) = choose(sample.fraction(), pitman, zayatz, snb);
    Uniqueness { fraction: sample.fraction(), pitman, zayatz, snb, dankar, model }
}

/// Pitman's estimate alone.
#[must_use]
pub fn pitman(sample: &Sample) -> Estimate {
    pitman::pitman(sample)
}
/// Zayatz' estimate alone.
#[must_use]
pub fn zayatz(sample: &Sample) -> Estimate {
    zayatz::zayatz(sample)
}
/// The estimate of the slide negative binomial model alone.
#[must_use]
pub fn snb(sample: &Sample) -> Estimate {
    snb::snb(sample)
}

/// The figures for the registry, told together.
pub(super) struct Unique;

impl Figure for Unique {
    fn docs(&self) -> &'static [&'static Doc] {
        &[&pitman::DOC, &zayatz::DOC, &snb::DOC, &dankar::DOC]
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let Some(view) = of.view else { return Ok(()) };
        if let Some(weights) = of.weights {
            told.put("weights_sum", super::sum(weights.iter().copied()));
        }
        let Some(size) = of.population else {
            told.text("\nPopulation uniqueness / 母集団一意率");
            told.figure("all estimates", "not available: the population is not known (--population-size, --population or --weights)");
            told.put(
                "population_uniqueness",
                Estimate::NotAvailable("the population is not known"),
            );
            return Ok(());
        };
        let found = uniqueness(&Sample::of(&view.assign().1, size));
        told.text(format!("\nPopulation of {size} persons; sampling fraction {}", found.fraction));
        let estimates = [found.pitman, found.zayatz, found.snb, found.dankar];
        for (doc, estimate) in self.docs().iter().zip(estimates) {
            told.section(doc);
            told.figure("share of unique persons in the population", estimate);
        }
        told.put("population_size", size);
        told.put("population_uniqueness", found);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_certain_is_not_estimated() {
        let all = uniqueness(&Sample::new(&[(1, 3), (2, 1)], 5));
        assert_eq!(all.pitman, Estimate::Value(0.6));
        assert_eq!(all.dankar, Estimate::Value(0.6));
        assert_eq!(uniqueness(&Sample::new(&[(4, 5)], 1000)).dankar, Estimate::Value(0.0));
        assert!(uniqueness(&Sample::new(&[], 1000)).dankar.value().is_none());
        // Everybody unique: Pitman's model has no estimate (its index runs to 1), which is said.
        assert!(matches!(pitman(&Sample::new(&[(1, 50)], 1000)), Estimate::NotAvailable(_)));
    }

    proptest! {
        #[test]
        fn estimates_are_shares_or_not_available(counts in proptest::collection::vec((1..60_u64, 1..500_u64), 1..12), times in 1..5000_u64) {
            let n: u64 = counts.iter().map(|(s, c)| s * c).sum();
            let found = uniqueness(&Sample::new(&counts, n * times));
            for estimate in [found.pitman, found.zayatz, found.snb, found.dankar] {
                if let Estimate::Value(share) = estimate {
                    prop_assert!((0.0..=1.0).contains(&share), "{share}");
                }
            }
        }
    }
}
