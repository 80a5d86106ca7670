//! Pitman's sampling formula: θ and α by maximum likelihood.

use super::Doc;
use super::numeric::{bisect, ln_gamma_step, psi_difference};
use super::population::Sample;
use crate::Estimate;

/// What this figure is.
pub(super) const DOC: Doc = Doc {
    name: "pitman",
    title: "Population uniqueness, Pitman",
    title_ja: "母集団一意率(ピットマン)",
    definition: "Γ(θ+1)/Γ(θ+α) · N^(α−1), with θ and α (0 < α < 1) at the maximum of the likelihood of Pitman's sampling formula",
    definition_ja: "ピットマン抽出公式の最尤推定 θ, α (0 < α < 1) による Γ(θ+1)/Γ(θ+α)・N^(α−1)",
    source: "Hoshino, Applying Pitman's sampling formula to microdata disclosure risk assessment, J. Official Statistics 17 (2001)",
    limits: "assumes a simple random sample; not available if the likelihood has no maximum with 0 < α < 1",
    limits_ja: "単純無作為標本を仮定。0 < α < 1 に最尤解がなければ「算出不能」であり 0 ではない",
};

/// The share of the population's persons who are unique in it.
pub(super) fn pitman(sample: &Sample) -> Estimate {
    if let Some(certain) = sample.certain() {
        return certain;
    }
    let none = Estimate::NotAvailable(
        "the likelihood of Pitman's sampling formula has no maximum with 0 < alpha < 1",
    );
    let (u, n) = (sample.u, sample.n);
    if u < 2.0 || u >= n {
        return none;
    }
    // Both equations are the derivatives of the log-likelihood (Hoshino 2001, section 4). For each α the first has one zero in
    // θ > −α; the second is then an equation in α alone. Bisection finds what Newton's method misses from a bad start.
    let theta = |alpha: f64| {
        let y = bisect(-40.0, 60.0, &mut |y| {
            // θ = −α + e^y; the first term of the first sum is 1/(θ+α) = e^−y.
            let above = y.exp();
            let theta = above - alpha;
            psi_difference(above / alpha, u - 1.0) / alpha - psi_difference(theta + 1.0, n - 1.0)
        })?;
        Some(y.exp() - alpha)
    };
    let mut second = |alpha: f64| {
        let Some(theta) = theta(alpha) else { return f64::NAN };
        // Σ i/(θ+iα) = ((u−1) − θ Σ 1/(θ+iα)) / α
        let first = psi_difference((theta + alpha) / alpha, u - 1.0) / alpha;
        let within: f64 = sample
            .sizes
            .iter()
            .map(|&(size, classes)| classes * psi_difference(1.0 - alpha, size - 1.0))
            .sum();
        ((u - 1.0) - theta * first) / alpha - within
    };
    let Some(alpha) = bisect(1e-6, 1.0 - 1e-9, &mut second) else { return none };
    let Some(theta) = theta(alpha) else { return none };
    let share = (ln_gamma_step(theta, alpha) + (alpha - 1.0) * sample.population.ln()).exp();
    if (0.0..=1.0).contains(&share) { Estimate::Value(share) } else { none }
}
