//! Individual risk of Benedetti and Franconi: E[1/F | f], with F the persons of the population and f those of the sample.

use std::borrow::Cow;

use serde_json::{Map, Value, json};

use super::figure::{Figure, Subject, Told};
use super::{Doc, Spread, highest_by_person, sum};
use crate::error::Result;
use crate::{Estimate, Reading, View};

/// What this figure is.
pub const DOC: Doc = Doc {
    name: "individual",
    title: "Individual risk (Benedetti-Franconi)",
    title_ja: "個人リスク(ベネデッティ・フランコーニ)",
    definition: "E[1/F | f] with F negative binomial, p = f / (sum of sampling weights): (p^f / f) · 2F1(f, f; f+1; 1−p)",
    definition_ja: "F を負の二項分布、p = f ÷ 標本重みの和 としたときの E[1/F | f] = (p^f / f)・2F1(f, f; f+1; 1−p)",
    source: "Benedetti & Franconi, New Techniques and Technologies for Statistics (1998); Franconi & Polettini, PSD 2004",
    limits: "needs sampling weights that sum to the population; a missing cell matches everything unless said otherwise",
    limits_ja: "母集団に復元する標本重みが必要。標本が母集団そのものなら 1/f になる",
};

fn share(f: u64, weight: f64) -> std::result::Result<f64, Estimate> {
    if f == 0 {
        return Err(Estimate::NotAvailable("no matching row"));
    }
    let p = f as f64 / weight;
    if !p.is_finite() || p <= 0.0 {
        return Err(Estimate::NotAvailable(
            "the weights of the matching rows do not sum to a positive number",
        ));
    }
    // Weights below 1 (their sum below f) would make more than a census of a sample.
    Ok(p.min(1.0))
}

/// The risk, exactly. `f` is the number of matching rows of the sample, `weight` the sum of their weights (the estimated
/// number of matching persons in the population, at least `f`).
///
/// Euler's transformation gives r = (p/f) · 2F1(1, 1; f+1; 1−p), whose terms are all positive, and
/// r = p·I(f) with I(f) = ∫ y^(f−1)/(p+(1−p)y) dy over 0..1 and I(f+1) = (1/f − p·I(f))/(1−p). The series is used where it
/// converges fast, the recurrence where it is stable (p < ½); the alternating sum of the original paper overflows.
#[must_use]
pub fn exact(f: u64, weight: f64) -> Estimate {
    const RECURRENCE: u64 = 64;
    let p = match share(f, weight) {
        Ok(p) => p,
        Err(none) => return none,
    };
    let q = 1.0 - p;
    let risk = if q <= 0.5 || f > RECURRENCE {
        let (mut term, mut total, mut k) = (1.0_f64, 1.0_f64, 0.0_f64);
        while term > total * 1e-17 {
            k += 1.0;
            term *= q * k / (f as f64 + k);
            total += term;
        }
        p / f as f64 * total
    } else {
        let mut integral = -p.ln() / q;
        for i in 1..f {
            integral = (1.0 / i as f64 - p * integral) / q;
        }
        p * integral
    };
    Estimate::checked(risk.min(1.0), "not a number")
}

/// The usual approximation: exact for f = 1 and 2, p/(f − (1−p)) above.
#[must_use]
pub fn approximate(f: u64, weight: f64) -> Estimate {
    match share(f, weight) {
        Err(none) => none,
        Ok(_) if f <= 2 => exact(f, weight),
        Ok(p) => Estimate::checked(p / (f as f64 - (1.0 - p)), "not a number"),
    }
}

/// The risk of each row; 1 where there is no figure.
#[must_use]
pub fn risks(
    view: &View<'_>,
    weights: &[f64],
    reading: Reading,
    figure: fn(u64, f64) -> Estimate,
) -> Vec<f64> {
    let matched = view.matched_weights(reading, weights);
    matched.into_iter().map(|(n, w)| figure(n, w).value().unwrap_or(1.0)).collect()
}

/// The figure for the registry.
pub(super) struct Individual;

impl Figure for Individual {
    fn docs(&self) -> &'static [&'static Doc] {
        &[&DOC]
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let (Some(view), Some(weights)) = (of.view, of.weights) else { return Ok(()) };
        told.section(&DOC);
        let mut by_reading = Map::new();
        let (readings, _) = of.readings();
        for &(key, text, reading) in &readings {
            let mut by_method = Map::new();
            let exact: Cow<'_, [f64]> = match reading {
                Reading::OwnCategory => Cow::Borrowed(of.rows()),
                _ => Cow::Owned(risks(view, weights, reading, exact)),
            };
            let approximate: Cow<'_, [f64]> =
                Cow::Owned(risks(view, weights, reading, approximate));
            for (method, risks) in [("exact", exact), ("approximate", approximate)] {
                let highest = highest_by_person(view, &risks);
                let Some(spread) = Spread::of(&highest, of.threshold) else { continue };
                let expected = sum(risks.iter().copied());
                if method == "exact" {
                    if readings.len() > 1 {
                        told.text(format!("  {text}:"));
                    }
                    told.spread(&spread);
                    told.figure("expected re-identifications", expected);
                }
                by_method.insert(
                    method.to_owned(),
                    json!({ "risk": spread, "expected_reidentifications": expected }),
                );
            }
            by_reading.insert(key.to_owned(), Value::Object(by_method));
        }
        told.put("individual", by_reading);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn small_classes_have_closed_forms() {
        for p in [1e-6_f64, 0.003, 0.2, 0.49, 0.51, 0.9, 0.999] {
            let q = 1.0 - p;
            let one = p / q * (1.0 / p).ln();
            assert!((exact(1, 1.0 / p).value().unwrap() - one).abs() < 1e-12 * one, "{p}");
        }
        for f in [1, 2, 3, 70, 1000] {
            assert_eq!(exact(f, f as f64).value().unwrap(), 1.0 / f as f64);
        }
        // A defect of others: 176 rows with 17,600 expected in the population give "not a number".
        let r = exact(176, 17_600.0).value().unwrap();
        assert!((r - approximate(176, 17_600.0).value().unwrap()).abs() < 1e-7 * r * 1e3);
        assert!(exact(0, 10.0).value().is_none() && exact(1, 0.0).value().is_none());
        assert!(exact(1, f64::NAN).value().is_none());
    }

    proptest! {
        #[test]
        fn it_is_the_mean_of_one_over_f(f in 1..80_u64, p in 0.02..0.999_f64) {
            // E[1/F] with P(F=j) = C(j−1, f−1) p^f q^(j−f), summed directly.
            let q = 1.0 - p;
            let (mut mass, mut j, mut mean, mut seen) = (p.powf(f as f64), f as f64, 0.0, 0.0);
            prop_assume!(mass > 1e-290);
            while seen < 1.0 - 1e-14 && j < 1e6 {
                mean += mass / j;
                seen += mass;
                mass *= q * j / (j - f as f64 + 1.0);
                j += 1.0;
            }
            let r = exact(f, f as f64 / p).value().unwrap();
            prop_assert!((r - mean).abs() < 1e-9 * r, "{r} {mean}");
        }
        #[test]
        fn it_is_a_risk_for_all_sizes(f in 1..3_000_000_u64, over in 0.0..12.0_f64) {
            let weight = f as f64 * 10_f64.powf(over);
            let r = exact(f, weight).value().unwrap();
            prop_assert!(r > 0.0 && r <= 1.0 / f as f64 * (1.0 + 1e-12));
            prop_assert!(r >= 1.0 / weight * (1.0 - 1e-9)); // Jensen
        }
    }
}
