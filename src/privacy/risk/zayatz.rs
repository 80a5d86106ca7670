//! Zayatz' estimator: Bayes' rule with the sample's own distribution of class sizes.

use super::population::Sample;
use super::{Doc, sum};
use crate::Estimate;

/// What this figure is.
pub(super) const DOC: Doc = Doc {
    name: "zayatz",
    title: "Population uniqueness, Zayatz",
    title_ja: "母集団一意率(ザヤッツ)",
    definition: "sample uniques · P(unique in the population | unique in the sample) / sample size, class sizes of the population taken as those of the sample and drawn hypergeometrically",
    definition_ja: "標本一意数 × P(母集団一意 | 標本一意) ÷ 標本の大きさ。母集団の大きさの分布を標本の分布とし、超幾何抽出とする",
    source: "Zayatz, Estimation of the number of unique population elements using a sample, ASA Survey Research Methods (1991)",
    limits: "biased for small sampling fractions (the sample's classes are smaller than the population's)",
    limits_ja: "抽出率が小さいと偏る(標本のクラスは母集団より小さい)",
};

/// The share of the population's persons who are unique in it.
pub(super) fn zayatz(sample: &Sample) -> Estimate {
    if let Some(certain) = sample.certain() {
        return certain;
    }
    let (n, population) = (sample.n, sample.population);
    // P(one of K drawn) = K · n/N · Π_{i<K−1} (N−n−i)/(N−1−i)
    let one = |size: f64| {
        let mut p = size * n / population;
        let mut i = 0.0;
        while i < size - 1.0 && p > 0.0 {
            p *= ((population - n - i) / (population - 1.0 - i)).max(0.0);
            i += 1.0;
        }
        p
    };
    let uniques = sample.of_size(1.0);
    let all = sum(sample.sizes.iter().map(|&(size, classes)| classes * one(size)));
    Estimate::checked(
        uniques * (uniques * one(1.0) / all) / n,
        "no class could give a sample unique",
    )
}
