//! Which estimate of population uniqueness to believe.

use serde::Serialize;

use super::Doc;
use crate::Estimate;

/// What this figure is.
pub(super) const DOC: Doc = Doc {
    name: "dankar",
    title: "Population uniqueness, choice of Dankar et al.",
    title_ja: "母集団一意率(ダンカーらの選択規則)",
    definition: "sampling fraction up to 0.1: Pitman, else Zayatz where Pitman is not available; above 0.1: the smaller of Zayatz and SNB",
    definition_ja: "抽出率 0.1 以下はピットマン(算出不能ならザヤッツ)、0.1 超はザヤッツと SNB の小さい方",
    source: "Dankar, El Emam, Neisa & Roffey, Estimating the re-identification risk of clinical data sets, BMC Med Inform Decis Mak 12:66 (2012)",
    limits: "a rule from simulations on clinical data; one figure for the whole table says nothing about single persons",
    limits_ja: "臨床データのシミュレーションによる規則。表全体の一つの値であり、個人については語らない",
};

/// The estimate that was chosen.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Choice {
    /// Pitman's model.
    Pitman,
    /// Zayatz' estimator.
    Zayatz,
    /// The slide negative binomial model.
    Snb,
    /// None was available.
    None,
}

/// The rule. `fraction` is the sampling fraction, 0 to 1.
#[must_use]
pub fn choose(
    fraction: f64,
    pitman: Estimate,
    zayatz: Estimate,
    snb: Estimate,
) -> (Estimate, Choice) {
    let order = if fraction <= 0.1 {
        [(pitman, Choice::Pitman), (zayatz, Choice::Zayatz)]
    } else {
        match (snb.value(), zayatz.value()) {
            (Some(s), Some(z)) if s > z => [(zayatz, Choice::Zayatz), (snb, Choice::Snb)],
            _ => [(snb, Choice::Snb), (zayatz, Choice::Zayatz)],
        }
    };
    order
        .into_iter()
        .find(|(estimate, _)| estimate.value().is_some())
        .unwrap_or((Estimate::NotAvailable("no model has an estimate"), Choice::None))
}
