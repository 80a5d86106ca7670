//! Distances between two distributions of the same codes.

use serde::Serialize;

use crate::Estimate;

/// How far apart two distributions are; all from 0 (equal) to 1 (nothing in common).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Distances {
    /// Half the sum of the absolute differences.
    pub total_variation: Estimate,
    /// Hellinger: √(1 - Σ √(p q)).
    pub hellinger: Estimate,
    /// Jensen-Shannon divergence in bits.
    pub jensen_shannon: Estimate,
    /// Earth mover's distance along the order of the codes, by the number of codes less 1; only for ordered codes.
    pub earth_mover: Estimate,
}

const EMPTY: &str = "one of the two has no values";
const UNLIKE: &str = "the two are not over the same codes";
const UNORDERED: &str = "the values have no order";

/// Distances between weights by code (counts, or shares: each side is divided by its sum). `ordered` if the codes stand in
/// order. Put missing and suppressed cells at a code of their own where they matter; for the earth mover's distance they
/// have no place in an order, so leave them out there.
#[must_use]
pub fn distances(before: &[f64], after: &[f64], ordered: bool) -> Distances {
    let none = |why| Distances {
        total_variation: Estimate::NotAvailable(why),
        hellinger: Estimate::NotAvailable(why),
        jensen_shannon: Estimate::NotAvailable(why),
        earth_mover: Estimate::NotAvailable(why),
    };
    if before.len() != after.len() {
        return none(UNLIKE);
    }
    let (sum_p, sum_q): (f64, f64) = (before.iter().sum(), after.iter().sum());
    let right = |x: &f64| x.is_finite() && *x >= 0.0;
    let usable = sum_p > 0.0 && sum_q > 0.0 && before.iter().chain(after).all(right);
    if !usable {
        return none(EMPTY);
    }
    let pairs = || before.iter().zip(after).map(|(p, q)| (p / sum_p, q / sum_q));
    let apart = pairs().map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
    let common: f64 = pairs().map(|(p, q)| (p * q).sqrt()).sum();
    let part = |p: f64, m: f64| if p > 0.0 { p * (p / m).log2() } else { 0.0 };
    let divergence = pairs()
        .map(|(p, q)| {
            let m = f64::midpoint(p, q);
            f64::midpoint(part(p, m), part(q, m))
        })
        .sum::<f64>();
    let earth = if !ordered {
        Estimate::NotAvailable(UNORDERED)
    } else if before.len() < 2 {
        Estimate::Value(0.0)
    } else {
        let mut carried = 0.0_f64;
        let moved: f64 = pairs()
            .map(|(p, q)| {
                carried += p - q;
                carried.abs()
            })
            .sum();
        Estimate::checked(moved / (before.len() - 1) as f64, EMPTY)
    };
    let unit = |x: f64| Estimate::checked(x.clamp(0.0, 1.0), EMPTY);
    Distances {
        total_variation: unit(apart),
        hellinger: unit((1.0 - common).max(0.0).sqrt()),
        jensen_shannon: unit(divergence),
        earth_mover: earth,
    }
}

/// Weights by code of a column.
#[must_use]
pub fn weights(codes: &[u32], card: u32) -> Vec<f64> {
    let mut weights = vec![0.0; card as usize];
    for &code in codes {
        if let Some(weight) = weights.get_mut(code as usize) {
            *weight += 1.0;
        }
    }
    weights
}

/// Weights of a generalized column over the codes before: each band's weight is spread evenly over its codes, which is what an
/// analyst without further knowledge would assume. `group[code]` is the band of a code.
#[must_use]
pub fn spread(bands: &[f64], group: &[u32]) -> Vec<f64> {
    let mut codes = vec![0.0_f64; bands.len()];
    for &band in group {
        if let Some(n) = codes.get_mut(band as usize) {
            *n += 1.0;
        }
    }
    group
        .iter()
        .map(|&band| match (bands.get(band as usize), codes.get(band as usize)) {
            (Some(weight), Some(n)) if *n > 0.0 => weight / n,
            _ => 0.0,
        })
        .collect()
}

/// The mean over columns of those that are available; not available if none is.
#[must_use]
pub fn overall(figures: &[Estimate]) -> Estimate {
    let values: Vec<f64> = figures.iter().filter_map(|f| f.value()).collect();
    if values.is_empty() {
        return Estimate::NotAvailable("no column has this figure");
    }
    Estimate::checked(values.iter().sum::<f64>() / values.len() as f64, EMPTY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn near(estimate: Estimate, value: f64) -> bool {
        (estimate.value().unwrap() - value).abs() < 1e-12
    }

    #[test]
    fn known_values() {
        let d = distances(&[1.0, 1.0], &[2.0, 0.0], true);
        assert!(near(d.total_variation, 0.5) && near(d.earth_mover, 0.5));
        assert!(near(d.hellinger, (1.0 - 0.5_f64.sqrt()).sqrt()));
        // H(3/4, 1/4) - 1/2.
        assert!(near(d.jensen_shannon, 0.311_278_124_459_132_8));
        let apart = distances(&[1.0, 0.0, 0.0], &[0.0, 0.0, 5.0], true);
        assert!(
            [apart.total_variation, apart.hellinger, apart.jensen_shannon, apart.earth_mover]
                .into_iter()
                .all(|x| near(x, 1.0))
        );
    }

    #[test]
    fn what_cannot_be_said_is_not_said() {
        assert_eq!(distances(&[1.0], &[0.0], true).hellinger, Estimate::NotAvailable(EMPTY));
        assert_eq!(distances(&[1.0], &[], true).hellinger, Estimate::NotAvailable(UNLIKE));
        assert_eq!(
            distances(&[1.0, 1.0], &[1.0, 1.0], false).earth_mover,
            Estimate::NotAvailable(UNORDERED)
        );
        assert_eq!(overall(&[Estimate::NotAvailable("x")]).value(), None);
        assert!(near(overall(&[Estimate::NotAvailable("x"), Estimate::Value(0.5)]), 0.5));
    }

    #[test]
    fn bands_are_spread_over_their_codes() {
        assert_eq!(spread(&[4.0, 3.0], &[0, 0, 1]), [2.0, 2.0, 3.0]);
        assert_eq!(weights(&[0, 2, 2, u32::MAX], 3), [1.0, 0.0, 2.0]);
    }

    proptest! {
        #[test]
        fn distances_are_symmetric_in_range_and_zero_for_equals(p in proptest::collection::vec(0.0..9.0_f64, 2..8), q in proptest::collection::vec(0.0..9.0_f64, 8)) {
            let q = &q[..p.len()];
            let (a, b, same) = (distances(&p, q, true), distances(q, &p, true), distances(&p, &p, true));
            let figures: [fn(&Distances) -> Estimate; 4] = [|d| d.total_variation, |d| d.hellinger, |d| d.jensen_shannon, |d| d.earth_mover];
            for of in figures {
                if let (Some(x), Some(y)) = (of(&a).value(), of(&b).value()) {
                    prop_assert!((x - y).abs() < 1e-9 && (0.0..=1.0 + 1e-12).contains(&x));
                }
                prop_assert!(of(&same).value().is_none_or(|x| x < 1e-7));
            }
            // Hellinger and total variation bound each other.
            if let (Some(h), Some(t)) = (a.hellinger.value(), a.total_variation.value()) {
                prop_assert!(h * h <= t + 1e-9 && t <= h * 2.0_f64.sqrt() + 1e-9);
            }
        }
    }
}
