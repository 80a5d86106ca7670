//! k-map (k-マップ): every class of the release has at least k persons in the population from which the release was taken. Sweeney,
//! "Computational Disclosure Control", PhD thesis, MIT 2001; estimated without a population table: El Emam & Dankar, JAMIA 15(5),
//! 2008, estimators D3 (Poisson; Pannekoek 1999) and D4 (zero-truncated Poisson).

use statrs::distribution::{Discrete, DiscreteCDF, Poisson};

use super::{Class, Merging, Model, ModelDoc, Whole};
use crate::error::{Error, Result};
use crate::say;

/// At least `k` persons of the population table (or the source database) in every class. Merging: the persons of a class are
/// persons of every class that contains it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KMap {
    /// Persons, 2 or more.
    pub k: u64,
}

impl Model for KMap {
    fn key(&self) -> &'static str {
        "k-map"
    }
    fn shown(&self) -> String {
        format!("k-map = {}", self.k)
    }
    fn needs_population(&self) -> bool {
        true
    }
    fn merging(&self) -> Merging {
        Merging::Any
    }
    fn class_holds(&self, class: &Class<'_>, _: &Whole) -> bool {
        class.population.is_some_and(|n| n >= self.k)
    }
}

/// How the size of a class in the population is estimated.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum CellSize {
    /// Poisson (D3).
    Poisson,
    /// Poisson without zero (D4).
    ZeroTruncatedPoisson,
}

/// k-map without a population table: so many persons in the class of the release that a population class below `k` would be
/// unlikely. Merging: as for k-anonymity, which it is with another number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KMapEstimated {
    k: u64,
    derived: u64,
}

impl KMapEstimated {
    /// `fraction` is the share of the population that is in the table before suppression (above 0, at most 1), `significance` the
    /// accepted probability of an error (0 to 1). The conventions are those of ARX 3.9: the number looked for is never above k.
    ///
    /// # Errors
    /// `V0202` if a number is out of range.
    pub fn new(k: u64, significance: f64, fraction: f64, by: CellSize) -> Result<Self> {
        let wrong = || {
            Error::policy(
                "V0202",
                say!(
                    "an estimated k-map needs k >= 2, a significance between 0 and 1, a sampling fraction above 0 up to 1"
                ),
            )
        };
        if k < 2
            || !(significance > 0.0 && significance < 1.0)
            || !(fraction > 0.0 && fraction <= 1.0)
        {
            return Err(wrong());
        }
        let poisson = Poisson::new(fraction * k as f64).map_err(|_| wrong())?;
        let enough = 1.0 - significance;
        let derived = match by {
            CellSize::Poisson => (0..k).find(|&n| poisson.cdf(n) >= enough).map_or(k, |n| n + 2),
            CellSize::ZeroTruncatedPoisson => {
                let positive = 1.0 - poisson.pmf(0);
                let mut sum = 0.0;
                (1..=k)
                    .find(|&n| {
                        sum += poisson.pmf(n) / positive;
                        sum >= enough
                    })
                    .map_or(k, |n| n + 1)
            }
        };
        Ok(KMapEstimated { k, derived: derived.min(k) })
    }
    /// Persons that a class of the release must have.
    #[must_use]
    pub fn derived(&self) -> u64 {
        self.derived
    }
}

impl Model for KMapEstimated {
    fn key(&self) -> &'static str {
        "k-map"
    }
    fn shown(&self) -> String {
        format!("k-map = {}, estimated as k = {}", self.k, self.derived)
    }
    fn least_persons(&self) -> u64 {
        self.derived
    }
    fn merging(&self) -> Merging {
        Merging::Any
    }
    fn class_holds(&self, class: &Class<'_>, _: &Whole) -> bool {
        class.persons >= self.derived
    }
}

pub(super) const DOC: ModelDoc = ModelDoc {
    key: "k-map",
    ja: "k-マップ",
    summary: "at least k persons of the population in every class of the release",
    summary_ja: "公開データの各クラスについて、母集団に少なくとも k 人がいること",
    parameters: &["k"],
    source: "Sweeney 2001",
    make: |p| Ok(Box::new(KMap { k: p.count("k-map", "k", "a whole number, 2 or more", 2.0)? })),
};

#[cfg(test)]
mod tests {
    use super::super::testing::prove;
    use super::*;

    #[test]
    fn merging_does_what_is_claimed() {
        prove(&KMap { k: 20 });
        prove(&KMapEstimated::new(50, 0.05, 0.1, CellSize::Poisson).unwrap());
    }

    #[test]
    fn a_small_sample_needs_little_and_a_full_one_k() {
        let derived =
            |k, fraction, by| KMapEstimated::new(k, 0.01, fraction, by).unwrap().derived();
        // λ = 1e-4 * 3: P(0) = 0.9997 is enough at once, so 0 + 2.
        assert_eq!(derived(3, 1e-4, CellSize::Poisson), 2);
        // Without zero, P(1) = 0.99985.
        assert_eq!(derived(3, 1e-4, CellSize::ZeroTruncatedPoisson), 2);
        // λ = 0.0946: P(1 | > 0) = 0.953, with 2 it is 0.998.
        assert_eq!(derived(1000, 9.46e-5, CellSize::ZeroTruncatedPoisson), 3);
        assert_eq!(derived(5, 1.0, CellSize::Poisson), 5);
        assert!(KMapEstimated::new(5, 0.0, 0.5, CellSize::Poisson).is_err());
    }
}
