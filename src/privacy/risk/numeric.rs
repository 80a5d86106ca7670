//! Numerical helpers that keep relative accuracy where textbook forms lose it.

/// ψ(x+m) − ψ(x) = Σ 1/(x+i), i = 0..m, for x > 0; without the cancellation of a difference of two digammas.
pub(super) fn psi_difference(x: f64, m: f64) -> f64 {
    let (mut x, mut m, mut head) = (x, m, 0.0);
    while m >= 1.0 && x < 24.0 {
        head += 1.0 / x;
        x += 1.0;
        m -= 1.0;
    }
    if m < 0.5 {
        return head;
    }
    // ψ(x) ~ ln x − 1/2x − Σ B2k/(2k x^2k)
    let tail = |x: f64| {
        let s = 1.0 / (x * x);
        -0.5 / x
            - s * (1.0 / 12.0
                - s * (1.0 / 120.0 - s * (1.0 / 252.0 - s * (1.0 / 240.0 - s / 132.0))))
    };
    head + (m / x).ln_1p() + (tail(x + m) - tail(x))
}

/// ln Γ(x+1) − ln Γ(x+a) for x+a > 0 and 0 ≤ a ≤ 1, accurate for large x too.
pub(super) fn ln_gamma_step(x: f64, a: f64) -> f64 {
    let (mut x, mut head) = (x, 0.0);
    while x < 24.0 {
        head += ((x + a) / (x + 1.0)).ln();
        x += 1.0;
    }
    // Stirling: ln Γ(z) = (z − ½) ln z − z + ½ ln 2π + 1/12z − 1/360z³ + 1/1260z⁵ …
    let tail = |z: f64| {
        let s = 1.0 / (z * z);
        (1.0 / z)
            * (1.0 / 12.0
                - s * (1.0 / 360.0 - s * (1.0 / 1260.0 - s * (1.0 / 1680.0 - s / 1188.0))))
    };
    let low = x + a;
    let step = 1.0 - a;
    head + (low - 0.5) * (step / low).ln_1p() + step * (x + 1.0).ln() - step
        + (tail(x + 1.0) - tail(low))
}

/// The zero of a function between two places where its signs differ, to the last bit that bisection reaches.
pub(super) fn bisect(mut low: f64, mut high: f64, f: &mut dyn FnMut(f64) -> f64) -> Option<f64> {
    let (at_low, at_high) = (f(low), f(high));
    if at_low == 0.0 {
        return Some(low);
    }
    if at_high == 0.0 {
        return Some(high);
    }
    if !at_low.is_finite() || !at_high.is_finite() || at_low.signum() == at_high.signum() {
        return None;
    }
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        let value = f(middle);
        if value.is_nan() {
            return None;
        }
        if value.signum() == at_low.signum() { low = middle } else { high = middle }
    }
    Some(low + (high - low) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_difference_of_digammas_is_the_harmonic_sum(x in 0.001..5000.0_f64, m in 0..3000_u32) {
            let direct: f64 = (0..m).rev().map(|i| 1.0 / (x + f64::from(i))).sum();
            prop_assert!((psi_difference(x, f64::from(m)) - direct).abs() <= 1e-13 * direct.max(1e-300));
        }
        #[test]
        fn the_step_of_ln_gamma_agrees_with_another_library(x in 0.0..900.0_f64, a in 0.01..0.99_f64) {
            use statrs::function::gamma::ln_gamma;
            let other = ln_gamma(x + 1.0) - ln_gamma(x + a);
            prop_assert!((ln_gamma_step(x, a) - other).abs() < 1e-11);
        }
    }

    #[test]
    fn a_zero_is_found_or_said_to_be_missing() {
        assert!((bisect(0.0, 2.0, &mut |x| x * x - 2.0).unwrap() - 2.0_f64.sqrt()).abs() < 1e-15);
        assert!(bisect(0.0, 1.0, &mut |x| x * x + 1.0).is_none());
    }
}
