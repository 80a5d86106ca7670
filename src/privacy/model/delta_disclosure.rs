//! δ-disclosure privacy (δ-開示プライバシー): in every class the share of every sensitive value is within a factor e^δ of its share in
//! the whole. Brickell & Shmatikov, "The Cost of Privacy", KDD 2008, Definition 5.

use serde::{Deserialize, Serialize};

use super::beta_likeness::{may_be_below, share};
use super::l_diversity::column;
use super::{Class, Merging, Model, ModelDoc, Whole};

/// What a value means that the whole has and the class has not.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absent {
    /// The class fails, as the definition says: the logarithm of 0 is not within δ.
    #[default]
    Fails,
    /// It is not looked at, as ARX and pycanon do. An attacker then learns who certainly does not have the value.
    Ignored,
}

/// |ln(share in the class / share in the whole)| below `delta` for every value. Merging: with [`Absent::Fails`] the share in a
/// union lies between the two shares, so within the limits; with [`Absent::Ignored`] nothing is known, since a class without
/// the value can pull the union below the lower limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeltaDisclosure {
    /// Above 0, natural logarithm.
    pub delta: f64,
    /// Values that a class does not have.
    pub absent: Absent,
    /// The sensitive column.
    pub sensitive: usize,
}

impl DeltaDisclosure {
    /// As the paper defines it.
    #[must_use]
    pub fn new(delta: f64, sensitive: usize) -> Self {
        DeltaDisclosure { delta, absent: Absent::Fails, sensitive }
    }
    /// As ARX computes it: the logarithm of base 2, absent values not looked at.
    #[must_use]
    pub fn as_arx(delta: f64, sensitive: usize) -> Self {
        DeltaDisclosure {
            delta: delta * std::f64::consts::LN_2,
            absent: Absent::Ignored,
            sensitive,
        }
    }
    fn complete(self, class: &Class<'_>, whole: &Whole) -> bool {
        self.absent == Absent::Ignored
            || whole
                .sensitive
                .get(self.sensitive)
                .is_none_or(|all| all.len() == column(class, self.sensitive).len())
    }
}

impl Model for DeltaDisclosure {
    fn key(&self) -> &'static str {
        "delta-disclosure"
    }
    fn shown(&self) -> String {
        format!("δ-disclosure = {}", self.delta)
    }
    fn sensitive(&self) -> Option<usize> {
        Some(self.sensitive)
    }
    fn merging(&self) -> Merging {
        match self.absent {
            Absent::Fails => Merging::BothHold,
            Absent::Ignored => Merging::Unknown,
        }
    }
    fn class_holds(&self, class: &Class<'_>, whole: &Whole) -> bool {
        self.complete(class, whole)
            && column(class, self.sensitive).iter().all(|&(code, n)| {
                let ratio = n as f64 / class.persons as f64 / share(whole, self.sensitive, code);
                ratio.ln().abs() < self.delta
            })
    }
    fn may_hold(&self, class: &Class<'_>, whole: &Whole) -> bool {
        self.complete(class, whole)
            && may_be_below(class, whole, self.sensitive, |p| self.delta.exp() * p)
    }
}

pub(super) const DOC: ModelDoc = ModelDoc {
    key: "delta-disclosure",
    ja: "δ-開示プライバシー",
    summary: "in every class the share of every sensitive value is within a factor e^δ of its share in the whole",
    summary_ja: "各クラスでの機微な値の割合が、全体の割合の e^δ 倍以内(逆も同様)であること",
    parameters: &["delta"],
    source: "Brickell & Shmatikov 2008",
    make: |p| {
        Ok(Box::new(DeltaDisclosure::new(
            p.number("delta-disclosure", "delta", "above 0", |d| d > 0.0)?,
            p.column("delta-disclosure")?,
        )))
    },
};

#[cfg(test)]
mod tests {
    use super::super::testing::prove;
    use super::*;

    #[test]
    fn merging_does_what_is_claimed() {
        for delta in [0.5, 1.0, 2.0] {
            prove(&DeltaDisclosure::new(delta, 0));
        }
        for delta in [0.5, 1.0] {
            prove(&DeltaDisclosure::as_arx(delta, 0));
        }
    }

    #[test]
    fn an_absent_value_fails_unless_it_is_ignored() {
        let whole = Whole { rows: 4, persons: 4, sensitive: vec![vec![(0, 3), (1, 1)]] };
        let class = Class { rows: 2, persons: 2, population: None, sensitive: &[&[(0, 2)]] };
        assert!(!DeltaDisclosure::new(9.0, 0).class_holds(&class, &whole));
        assert!(DeltaDisclosure::as_arx(9.0, 0).class_holds(&class, &whole));
    }
}
