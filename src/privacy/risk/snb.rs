//! The slide negative binomial model: a class of the population has 1 + NB(α, β) persons.

use super::numeric::bisect;
use super::population::Sample;
use super::{Doc, sum};
use crate::Estimate;

/// What this figure is.
pub(super) const DOC: Doc = Doc {
    name: "snb",
    title: "Population uniqueness, slide negative binomial",
    title_ja: "母集団一意率(ずらし負の二項分布)",
    definition: "K β^α / N: α and β equate the expected sample uniques and pairs with the observed ones, K (classes of the population) by Shlosser's estimator",
    definition_ja: "K β^α ÷ N。α, β は標本一意数と標本対の期待値を観測値に合わせ、母集団のクラス数 K はシュロッサー推定量",
    source: "Chen & Keller-McNulty, J. Official Statistics 14 (1998); K: Haas & Stokes, JASA 93 (1998)",
    limits: "assumes a Bernoulli sample; not available without sample pairs or without exactly one solution",
    limits_ja: "ベルヌーイ抽出を仮定。標本に対がないか、解がちょうど一つでなければ「算出不能」",
};

/// Shlosser's estimator of the number of classes of the population (the modified form of Haas & Stokes 1998).
fn classes_of_population(sample: &Sample) -> f64 {
    let q = sample.fraction();
    let over = |f: &dyn Fn(f64) -> f64| sum(sample.sizes.iter().map(|&(i, c)| c * f(i)));
    let a = over(&|i| i * q * q * (1.0 - q * q).powf(i - 1.0));
    let b = over(&|i| (1.0 - q).powf(i) * ((1.0 + q).powf(i) - 1.0));
    let c = over(&|i| (1.0 - q).powf(i));
    let d = over(&|i| i * q * (1.0 - q).powf(i - 1.0));
    sample.u + sample.of_size(1.0) * (a / b) * (c / d) * (c / d)
}

/// The share of the population's persons who are unique in it.
pub(super) fn snb(sample: &Sample) -> Estimate {
    if let Some(certain) = sample.certain() {
        return certain;
    }
    let (ones, twos) = (sample.of_size(1.0), sample.of_size(2.0));
    if twos == 0.0 {
        return Estimate::NotAvailable("the sample has no class of two persons");
    }
    let q = sample.fraction();
    let classes = classes_of_population(sample);
    if !classes.is_finite() || classes < sample.u {
        return Estimate::NotAvailable(
            "the number of classes of the population cannot be estimated",
        );
    }
    // With G(s) = (β/(1−(1−β)s))^α, s = 1−q, D = (1−q)(1−β):
    //   E uniques = K q (sG)'        = K q G (1 + αD/(1−D))
    //   E pairs   = K q²/2 (sG)''    = K q²/2 G α(1−β)(2+(α−1)D)/(1−D)²
    // Their ratio is free of G and, for a given β, a quadratic in α with one positive root. One equation in β is left.
    let parts = |logit: f64| {
        // β and 1−β both to full relative accuracy.
        let (beta, rest) = if logit < 0.0 {
            let e = logit.exp();
            (e / (1.0 + e), 1.0 / (1.0 + e))
        } else {
            let e = (-logit).exp();
            (1.0 / (1.0 + e), e / (1.0 + e))
        };
        let d = (1.0 - q) * rest;
        let left = beta + q * rest;
        let ratio = 2.0 * left * twos / (ones * q * rest);
        // α² D + α (2 − D − ratio·D) − ratio (1−D) = 0, solved without cancellation.
        let (b, c) = (2.0 - d - ratio * d, -ratio * left);
        let root = (b * b - 4.0 * d * c).sqrt();
        let alpha = if b >= 0.0 { -2.0 * c / (b + root) } else { (root - b) / (2.0 * d) };
        let ln_g = -alpha * (q * rest / beta).ln_1p();
        let expected = (classes * q).ln() + ln_g + (alpha * d / left).ln_1p();
        (alpha, beta, expected - ones.ln())
    };
    let mut zeros = Vec::new();
    const STEPS: i32 = 640;
    let place = |step: i32| -40.0 + 80.0 * f64::from(step) / f64::from(STEPS);
    let mut before = parts(place(0)).2;
    for step in 1..=STEPS {
        let here = parts(place(step)).2;
        if before.signum() != here.signum() && before.is_finite() && here.is_finite() {
            zeros.extend(bisect(place(step - 1), place(step), &mut |l| parts(l).2));
        }
        before = here;
    }
    match zeros[..] {
        [zero] => {
            let (alpha, beta, _) = parts(zero);
            let share = classes * (alpha * beta.ln()).exp() / sample.population;
            if (0.0..=1.0).contains(&share) {
                Estimate::Value(share)
            } else {
                Estimate::NotAvailable("the solution of the model's equations is not a share")
            }
        }
        [] => Estimate::NotAvailable("the model's equations have no solution"),
        _ => Estimate::NotAvailable("the model's equations have more than one solution"),
    }
}
