//! k-anonymity (k-匿名性): no class has fewer than k distinct persons. Samarati & Sweeney 1998; counted in persons, not rows.

use super::{Class, Merging, Model, ModelDoc, Whole};

/// At least `k` distinct persons in every class.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KAnonymity {
    /// Persons, 2 or more.
    pub k: u64,
}

impl Model for KAnonymity {
    fn key(&self) -> &'static str {
        "k"
    }
    fn shown(&self) -> String {
        format!("k = {}", self.k)
    }
    fn least_persons(&self) -> u64 {
        self.k
    }
    fn merging(&self) -> Merging {
        Merging::Any
    }
    fn class_holds(&self, class: &Class<'_>, _: &Whole) -> bool {
        class.persons >= self.k
    }
}

pub(super) const DOC: ModelDoc = ModelDoc {
    key: "k",
    ja: "k-匿名性",
    summary: "at least k persons in every class",
    summary_ja: "同じ値の組に少なくとも k 人がいること",
    parameters: &["k"],
    source: "Samarati & Sweeney 1998",
    make: |p| Ok(Box::new(KAnonymity { k: p.count("k", "k", "a whole number, 2 or more", 2.0)? })),
};

#[cfg(test)]
mod tests {
    use super::super::testing::prove;
    use super::*;

    #[test]
    fn merging_does_what_is_claimed() {
        prove(&KAnonymity { k: 5 });
    }

    #[test]
    fn persons_count_and_rows_do_not() {
        let class = Class { rows: 9, persons: 4, population: None, sensitive: &[] };
        assert!(KAnonymity { k: 4 }.class_holds(&class, &Whole::default()));
        assert!(!KAnonymity { k: 5 }.class_holds(&class, &Whole::default()));
    }
}
