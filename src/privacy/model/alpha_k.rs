//! (α, k)-anonymity ((α, k)-匿名性): k persons in every class, and no sensitive value in more than a share α of it. Wong, Li, Fu &
//! Wang, KDD 2006, Definition 3 (for every value, not for one).

use super::l_diversity::column;
use super::{Class, Merging, Model, ModelDoc, Whole};

/// At least `k` persons a class, at most the share `alpha` of them with one value. Merging: a share in the union lies between
/// the two shares. Necessary: k persons, and 1/α values, since the shares add up to 1 or more.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AlphaK {
    /// Share of the persons of a class, above 0, at most 1.
    pub alpha: f64,
    /// Persons, 1 or more.
    pub k: u64,
    /// The sensitive column.
    pub sensitive: usize,
}

impl Model for AlphaK {
    fn key(&self) -> &'static str {
        "alpha-k"
    }
    fn shown(&self) -> String {
        format!("α = {}, k = {}", self.alpha, self.k)
    }
    fn sensitive(&self) -> Option<usize> {
        Some(self.sensitive)
    }
    fn least_persons(&self) -> u64 {
        self.k
    }
    fn merging(&self) -> Merging {
        Merging::BothHold
    }
    fn class_holds(&self, class: &Class<'_>, _: &Whole) -> bool {
        class.persons >= self.k
            && column(class, self.sensitive)
                .iter()
                .all(|&(_, n)| n as f64 <= self.alpha * class.persons as f64)
    }
    fn may_hold(&self, class: &Class<'_>, _: &Whole) -> bool {
        class.persons >= self.k
            && self.alpha * column(class, self.sensitive).len() as f64 >= 1.0 - 1e-12
    }
}

pub(super) const DOC: ModelDoc = ModelDoc {
    key: "alpha-k",
    ja: "(α, k)-匿名性",
    summary: "k persons in every class, no sensitive value in more than a share α of them",
    summary_ja: "各クラスに k 人以上がおり、どの機微な値もその割合 α を超えないこと",
    parameters: &["alpha", "k"],
    source: "Wong, Li, Fu & Wang 2006",
    make: |p| {
        Ok(Box::new(AlphaK {
            alpha: p.number("alpha-k", "alpha", "above 0, at most 1", |a| a > 0.0 && a <= 1.0)?,
            k: p.count("alpha-k", "k", "a whole number, 1 or more", 1.0)?,
            sensitive: p.column("alpha-k")?,
        }))
    },
};

#[cfg(test)]
mod tests {
    use super::super::testing::prove;
    use super::*;

    #[test]
    fn merging_does_what_is_claimed() {
        prove(&AlphaK { alpha: 0.5, k: 3, sensitive: 0 });
        prove(&AlphaK { alpha: 0.7, k: 5, sensitive: 0 });
    }

    #[test]
    fn the_share_is_of_persons() {
        let model = AlphaK { alpha: 0.5, k: 2, sensitive: 0 };
        let class = |persons, counts: &[(u32, u64)]| {
            model.class_holds(
                &Class { rows: 9, persons, population: None, sensitive: &[counts] },
                &Whole::default(),
            )
        };
        assert!(class(4, &[(0, 2), (1, 2)]));
        assert!(!class(4, &[(0, 3), (1, 1)]));
        // Three persons, two of whom have both values.
        assert!(!class(3, &[(0, 2), (1, 2), (2, 1)]));
    }
}
