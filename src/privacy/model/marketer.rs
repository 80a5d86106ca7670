//! Marketer risk (マーケターリスク): the share of the release that an attacker with a register of the population would match correctly,
//! Σ (persons of the class / persons of the class in the population) / persons. Dankar & El Emam, "A Method for Evaluating Marketer
//! Re-identification Risk", EDBT/ICDT workshops 2010.

use super::{Class, Merging, Model, ModelDoc, Remaining, Scope, Whole};

/// Expected share of correct matches; none without persons or with a class that the population does not have.
#[must_use]
pub fn expected_matches(persons: &[u64], population: &[u64]) -> Option<f64> {
    let all: u64 = persons.iter().sum();
    if all == 0 || persons.iter().zip(population).any(|(p, n)| p > n) {
        return None;
    }
    let hits: f64 = persons
        .iter()
        .zip(population)
        .map(|(&p, &n)| if n == 0 { 0.0 } else { p as f64 / n as f64 })
        .sum();
    Some(hits / all as f64)
}

/// Expected share of correct matches at most `risk`. A release that is not part of its population has no such figure and
/// fails. Nothing is claimed about merging: a merged class may come back from suppression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Marketer {
    /// Above 0, at most 1.
    pub risk: f64,
}

impl Model for Marketer {
    fn key(&self) -> &'static str {
        "marketer"
    }
    fn shown(&self) -> String {
        format!("marketer risk <= {}", self.risk)
    }
    fn needs_population(&self) -> bool {
        true
    }
    fn scope(&self) -> Scope {
        Scope::Table
    }
    fn merging(&self) -> Merging {
        Merging::Unknown
    }
    fn class_holds(&self, _: &Class<'_>, _: &Whole) -> bool {
        true
    }
    fn table_holds(&self, remaining: &Remaining<'_>) -> bool {
        if remaining.persons.iter().all(|n| *n == 0) {
            return true;
        }
        remaining
            .population
            .and_then(|population| expected_matches(remaining.persons, population))
            .is_some_and(|risk| risk <= self.risk)
    }
}

pub(super) const DOC: ModelDoc = ModelDoc {
    key: "marketer",
    ja: "マーケターリスク",
    summary: "the expected share of persons matched correctly with a register of the population is at most `risk`",
    summary_ja: "母集団の名簿との照合で正しく一致する人の割合の期待値が risk 以下であること",
    parameters: &["risk"],
    source: "Dankar & El Emam 2010",
    make: |p| {
        Ok(Box::new(Marketer {
            risk: p.number("marketer", "risk", "above 0, at most 1", |r| r > 0.0 && r <= 1.0)?,
        }))
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_are_expected_by_class() {
        assert_eq!(expected_matches(&[2, 2], &[4, 8]), Some(0.1875));
        assert_eq!(expected_matches(&[2, 2], &[1, 8]), None);
        let model = Marketer { risk: 0.1875 };
        assert!(model.table_holds(&Remaining { persons: &[2, 2], population: Some(&[4, 8]) }));
        assert!(!model.table_holds(&Remaining { persons: &[2, 2], population: Some(&[4, 7]) }));
        assert!(!model.table_holds(&Remaining { persons: &[2, 2], population: None }));
        assert!(model.table_holds(&Remaining { persons: &[], population: None }));
    }
}
