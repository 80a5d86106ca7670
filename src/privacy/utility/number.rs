//! What became of numbers: mean, spread, quantiles, correlations.

use serde::Serialize;
use statrs::statistics::Statistics;

use crate::Estimate;

/// Figures of a column of numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Summary {
    /// Values that are there.
    pub values: u64,
    /// Cells without a value.
    pub missing: u64,
    /// Mean.
    pub mean: Estimate,
    /// Standard deviation of a sample (n - 1).
    pub deviation: Estimate,
    /// Quantiles at 0.05, 0.25, 0.5, 0.75 and 0.95, interpolated linearly (type 7 of Hyndman & Fan 1996).
    pub quantiles: [Estimate; 5],
}

/// The probabilities of [`Summary::quantiles`].
pub const PROBABILITIES: [f64; 5] = [0.05, 0.25, 0.5, 0.75, 0.95];

const NONE: &str = "there are no values";
const FEW: &str = "there are fewer than two values";
const STILL: &str = "a column does not vary";

/// Figures of the numbers that are there.
#[must_use]
pub fn summary(values: &[Option<f64>]) -> Summary {
    let mut there: Vec<f64> = values.iter().flatten().copied().filter(|v| v.is_finite()).collect();
    there.sort_by(f64::total_cmp);
    let quantile = |p: f64| {
        if there.is_empty() {
            return Estimate::NotAvailable(NONE);
        }
        let at = p * (there.len() - 1) as f64;
        let (low, high) = (there[at.floor() as usize], there[at.ceil() as usize]);
        Estimate::checked(low + (high - low) * at.fract(), NONE)
    };
    let of = |value: f64, least: usize, why| {
        if there.len() < least {
            Estimate::NotAvailable(why)
        } else {
            Estimate::checked(value, why)
        }
    };
    Summary {
        values: there.len() as u64,
        missing: (values.len() - there.len()) as u64,
        mean: of(there.iter().mean(), 1, NONE),
        deviation: of(there.iter().std_dev(), 2, FEW),
        quantiles: PROBABILITIES.map(quantile),
    }
}

/// The change of a figure in standard deviations of what was before; not available where one of them is not, or nothing varied.
#[must_use]
pub fn change(before: Estimate, after: Estimate, deviation: Estimate) -> Estimate {
    match (before.value(), after.value(), deviation.value()) {
        (Some(b), Some(a), Some(d)) if d > 0.0 => Estimate::checked((a - b) / d, STILL),
        (Some(b), Some(a), _) if a == b => Estimate::Value(0.0),
        (Some(_), Some(_), _) => Estimate::NotAvailable(STILL),
        _ => Estimate::NotAvailable(NONE),
    }
}

/// Pearson's correlation over the rows in which both have a value.
#[must_use]
pub fn correlation(a: &[Option<f64>], b: &[Option<f64>]) -> Estimate {
    let (x, y): (Vec<f64>, Vec<f64>) =
        a.iter().zip(b).filter_map(|(x, y)| Some(((*x)?, (*y)?))).unzip();
    if x.len() < 2 {
        return Estimate::NotAvailable(FEW);
    }
    let (mx, my) = (x.iter().mean(), y.iter().mean());
    let (mut xx, mut yy, mut xy) = (0.0, 0.0, 0.0);
    for (x, y) in x.iter().zip(&y) {
        xx += (x - mx) * (x - mx);
        yy += (y - my) * (y - my);
        xy += (x - mx) * (y - my);
    }
    if xx > 0.0 && yy > 0.0 {
        Estimate::checked((xy / (xx * yy).sqrt()).clamp(-1.0, 1.0), STILL)
    } else {
        Estimate::NotAvailable(STILL)
    }
}

/// The largest and the mean absolute change of the correlation over all pairs of columns that have one before and after.
#[must_use]
pub fn correlation_change(
    before: &[Vec<Option<f64>>],
    after: &[Vec<Option<f64>>],
) -> (Estimate, Estimate) {
    let mut changes = Vec::new();
    for a in 0..before.len().min(after.len()) {
        for b in a + 1..before.len().min(after.len()) {
            let (was, is) =
                (correlation(&before[a], &before[b]), correlation(&after[a], &after[b]));
            if let (Some(was), Some(is)) = (was.value(), is.value()) {
                changes.push((is - was).abs());
            }
        }
    }
    match changes.iter().copied().reduce(f64::max) {
        Some(most) => {
            let mean = changes.iter().sum::<f64>() / changes.len() as f64;
            (Estimate::Value(most), Estimate::Value(mean))
        }
        None => {
            let none =
                Estimate::NotAvailable("no pair of columns has a correlation before and after");
            (none, none)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn some(values: &[f64]) -> Vec<Option<f64>> {
        values.iter().copied().map(Some).collect()
    }

    #[test]
    fn figures_of_numbers() {
        let mut values = some(&[4.0, 1.0, 3.0, 2.0]);
        values.push(None);
        let s = summary(&values);
        assert_eq!((s.values, s.missing), (4, 1));
        assert_eq!(s.mean, Estimate::Value(2.5));
        assert!((s.deviation.value().unwrap() - (5.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        let quantiles: Vec<f64> = s.quantiles.iter().map(|q| q.value().unwrap()).collect();
        for (found, expected) in quantiles.iter().zip([1.15, 1.75, 2.5, 3.25, 3.85]) {
            assert!((found - expected).abs() < 1e-12);
        }
        let none = summary(&[None]);
        assert_eq!(
            (none.mean.value(), none.deviation.value(), none.quantiles[2].value()),
            (None, None, None)
        );
        assert_eq!(summary(&some(&[7.0])).deviation, Estimate::NotAvailable(FEW));
    }

    #[test]
    fn correlations_and_their_change() {
        let x = some(&[1.0, 2.0, 3.0, 4.0]);
        assert_eq!(correlation(&x, &x), Estimate::Value(1.0));
        assert_eq!(correlation(&x, &some(&[1.0; 4])), Estimate::NotAvailable(STILL));
        let y = some(&[1.0, 3.0, 2.0, 4.0]);
        assert!((correlation(&x, &y).value().unwrap() - 0.8).abs() < 1e-12);
        let (most, mean) = correlation_change(&[x.clone(), x.clone()], &[x.clone(), y]);
        assert!((most.value().unwrap() - 0.2).abs() < 1e-12 && most == mean);
        assert_eq!(
            correlation_change(std::slice::from_ref(&x), std::slice::from_ref(&x)).0.value(),
            None
        );
    }

    #[test]
    fn a_change_is_in_deviations() {
        let v = Estimate::Value;
        assert_eq!(change(v(1.0), v(3.0), v(4.0)), v(0.5));
        assert_eq!(change(v(1.0), v(1.0), v(0.0)), v(0.0));
        assert_eq!(change(v(1.0), v(2.0), v(0.0)), Estimate::NotAvailable(STILL));
    }
}
