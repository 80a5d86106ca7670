//! β-likeness (β-類似性): no sensitive value becomes much more likely than it is in the whole table. Cao & Karras, "Publishing
//! Microdata with a Robust Privacy Guarantee", PVLDB 5(11), 2012: Definitions 2 (basic) and 3 (enhanced).
//!
//! Only gains count: a value that becomes less likely, or disappears, does not offend. The whole is the table before suppression.

use super::l_diversity::column;
use super::{Class, Merging, Model, ModelDoc, Whole};

/// The share of persons with a code in the whole.
pub(super) fn share(whole: &Whole, sensitive: usize, code: u32) -> f64 {
    let counts = whole.sensitive.get(sensitive).map_or(&[][..], Vec::as_slice);
    let found = counts.binary_search_by_key(&code, |&(c, _)| c).map_or(0, |at| counts[at].1);
    if whole.persons == 0 { 0.0 } else { found as f64 / whole.persons as f64 }
}

/// Whether no value is more frequent than `limit(share in the whole)`.
pub(super) fn below(
    class: &Class<'_>,
    whole: &Whole,
    sensitive: usize,
    limit: impl Fn(f64) -> f64,
) -> bool {
    column(class, sensitive).iter().all(|&(code, n)| {
        n as f64 <= limit(share(whole, sensitive, code)) * class.persons as f64 * (1.0 + 1e-15)
    })
}

/// What is necessary for [`below`] in a class and can only be lost by taking persons away: a value of which one person would
/// already be too many cannot be there, and the limits of the others must add up to 1.
pub(super) fn may_be_below(
    class: &Class<'_>,
    whole: &Whole,
    sensitive: usize,
    limit: impl Fn(f64) -> f64,
) -> bool {
    let room: f64 = column(class, sensitive)
        .iter()
        .map(|&(code, _)| limit(share(whole, sensitive, code)))
        .filter(|limit| limit * class.persons as f64 >= 1.0 - 1e-12)
        .sum();
    room >= 1.0 - 1e-12
}

/// Relative gain of every value at most `beta`. Merging: the share in a union lies between the two shares.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BasicBeta {
    /// Above 0.
    pub beta: f64,
    /// The sensitive column.
    pub sensitive: usize,
}

impl Model for BasicBeta {
    fn key(&self) -> &'static str {
        "basic-beta"
    }
    fn shown(&self) -> String {
        format!("basic β = {}", self.beta)
    }
    fn sensitive(&self) -> Option<usize> {
        Some(self.sensitive)
    }
    fn merging(&self) -> Merging {
        Merging::BothHold
    }
    fn class_holds(&self, class: &Class<'_>, whole: &Whole) -> bool {
        below(class, whole, self.sensitive, |p| (1.0 + self.beta) * p)
    }
    fn may_hold(&self, class: &Class<'_>, whole: &Whole) -> bool {
        may_be_below(class, whole, self.sensitive, |p| (1.0 + self.beta) * p)
    }
}

/// Relative gain of every value at most the smaller of `beta` and -ln of its share in the whole, so that frequent values are
/// guarded too. Merging: as for [`BasicBeta`], the limits being the same for both classes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct EnhancedBeta {
    /// Above 0.
    pub beta: f64,
    /// The sensitive column.
    pub sensitive: usize,
}

impl EnhancedBeta {
    fn limit(self, p: f64) -> f64 {
        if p > 0.0 { (1.0 + self.beta.min(-p.ln())) * p } else { 0.0 }
    }
}

impl Model for EnhancedBeta {
    fn key(&self) -> &'static str {
        "enhanced-beta"
    }
    fn shown(&self) -> String {
        format!("enhanced β = {}", self.beta)
    }
    fn sensitive(&self) -> Option<usize> {
        Some(self.sensitive)
    }
    fn merging(&self) -> Merging {
        Merging::BothHold
    }
    fn class_holds(&self, class: &Class<'_>, whole: &Whole) -> bool {
        below(class, whole, self.sensitive, |p| self.limit(p))
    }
    fn may_hold(&self, class: &Class<'_>, whole: &Whole) -> bool {
        may_be_below(class, whole, self.sensitive, |p| self.limit(p))
    }
}

const SOURCE: &str = "Cao & Karras 2012";

pub(super) const BASIC: ModelDoc = ModelDoc {
    key: "basic-beta",
    ja: "基本 β-類似性",
    summary: "no sensitive value is more than 1 + β times as frequent in a class as in the whole",
    summary_ja: "どの機微な値も、クラス内の割合が全体の割合の 1 + β 倍を超えないこと",
    parameters: &["beta"],
    source: SOURCE,
    make: |p| {
        Ok(Box::new(BasicBeta {
            beta: p.number("basic-beta", "beta", "above 0", |b| b > 0.0)?,
            sensitive: p.column("basic-beta")?,
        }))
    },
};

pub(super) const ENHANCED: ModelDoc = ModelDoc {
    key: "enhanced-beta",
    ja: "強化 β-類似性",
    summary: "as basic β, and the gain of a value at most -ln of its share in the whole",
    summary_ja: "基本 β に加え、値の増加率が全体の割合の -ln 以下であること",
    parameters: &["beta"],
    source: SOURCE,
    make: |p| {
        Ok(Box::new(EnhancedBeta {
            beta: p.number("enhanced-beta", "beta", "above 0", |b| b > 0.0)?,
            sensitive: p.column("enhanced-beta")?,
        }))
    },
};

#[cfg(test)]
mod tests {
    use super::super::testing::prove;
    use super::*;

    #[test]
    fn merging_does_what_is_claimed() {
        for beta in [0.3, 1.0, 3.0] {
            prove(&BasicBeta { beta, sensitive: 0 });
            prove(&EnhancedBeta { beta, sensitive: 0 });
        }
    }

    #[test]
    fn a_frequent_value_is_guarded_by_the_enhanced_form_only() {
        let whole = Whole { rows: 10, persons: 10, sensitive: vec![vec![(0, 8), (1, 2)]] };
        let class = Class { rows: 4, persons: 4, population: None, sensitive: &[&[(0, 4)]] };
        // A gain of 0.25 against β = 1, but -ln 0.8 = 0.223.
        assert!(BasicBeta { beta: 1.0, sensitive: 0 }.class_holds(&class, &whole));
        assert!(!EnhancedBeta { beta: 1.0, sensitive: 0 }.class_holds(&class, &whole));
    }
}
