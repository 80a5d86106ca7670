//! Household (hierarchical) risk: that at least one person of a household is re-identified.

use serde_json::json;

use super::figure::{Figure, Subject, Told};
use super::{Doc, Spread, highest_by_person, sum};
use crate::error::Result;

/// What this figure is.
pub const DOC: Doc = Doc {
    name: "household",
    title: "Household risk",
    title_ja: "世帯リスク",
    definition: "1 − Π (1 − r) over the persons of the household, given to each of them",
    definition_ja: "世帯の各人のリスク r について 1 − Π(1 − r)。世帯の全員に同じ値",
    source: "Hundepool et al., µ-ARGUS 4.2 manual (2008), 2.3; Templ, Statistical Disclosure Control for Microdata (2017), 3.7",
    limits: "takes the re-identifications within a household as independent",
    limits_ja: "世帯内の再識別を独立とみなす",
};

/// For each row the risk of its household; `households` names the household of each row (any numbers), `risks` the risk of
/// each row, 0 to 1.
#[must_use]
pub fn household(households: &[u32], risks: &[f64]) -> Vec<f64> {
    let mut order: Vec<u32> = (0..households.len() as u32).collect();
    order.sort_unstable_by_key(|&row| (households[row as usize], row));
    let mut found = vec![0.0; households.len()];
    for same in order.chunk_by(|&a, &b| households[a as usize] == households[b as usize]) {
        // In logarithms, so that many small risks are not rounded away.
        let kept: f64 =
            same.iter().map(|&row| (-risks[row as usize].clamp(0.0, 1.0)).ln_1p()).sum();
        for &row in same {
            found[row as usize] = -kept.exp_m1();
        }
    }
    found
}

/// The figure for the registry.
pub(super) struct Household;

impl Figure for Household {
    fn docs(&self) -> &'static [&'static Doc] {
        &[&DOC]
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let (Some(view), Some(households)) = (of.view, of.households) else { return Ok(()) };
        told.section(&DOC);
        let risks = household(households, of.rows());
        if let Some(spread) = Spread::of(&highest_by_person(view, &risks), of.threshold) {
            let expected = sum(risks.iter().copied());
            told.spread(&spread);
            told.figure("expected re-identifications", expected);
            told.put(
                "household",
                json!({ "risk": spread, "expected_reidentifications": expected }),
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_several() {
        let found = household(&[7, 3, 7], &[0.5, 0.1, 0.5]);
        assert!((found[0] - 0.75).abs() < 1e-15 && (found[1] - 0.1).abs() < 1e-15);
        assert_eq!(household(&[1, 1], &[1.0, 0.2]), [1.0, 1.0]);
        // A million persons with a risk of 1e-18 each are not nothing.
        let many = household(&vec![0; 1_000_000], &vec![1e-18; 1_000_000]);
        assert!((many[0] - 1e-12).abs() < 1e-18);
    }
}
