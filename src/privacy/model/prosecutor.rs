//! Thresholds on prosecutor risk (検察官リスク): the attacker knows that the person is in the release, so the risk of a person is
//! 1 / (persons of the class). El Emam, "Guide to the De-Identification of Personal Health Information", 2013, chapter 16.

use super::{Class, Merging, Model, ModelDoc, Remaining, Scope, Whole};

/// Persons a class must have so that 1 / persons is at most `risk`: 12 for 0.09.
#[must_use]
pub fn persons_for(risk: f64) -> u64 {
    // 1 / 0.2 is 5 and must not become 6 by rounding.
    let persons = (1.0 / risk - 1e-9).ceil();
    if persons < 1.0 { 1 } else { persons as u64 }
}

/// Share of the persons (of classes with the given sizes) whose class has fewer than `enough` of `of`.
pub(super) fn share_above(persons: &[u64], of: &[u64], enough: u64) -> f64 {
    let all: u64 = persons.iter().sum();
    let above: u64 = persons.iter().zip(of).filter(|(_, n)| **n < enough).map(|(p, _)| p).sum();
    if all == 0 { 0.0 } else { above as f64 / all as f64 }
}

/// No person at a risk above `risk`. The same as k-anonymity with k = [`persons_for`], and as such kept by any merging.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProsecutorHighest {
    /// Above 0, at most 1.
    pub risk: f64,
}

impl Model for ProsecutorHighest {
    fn key(&self) -> &'static str {
        "prosecutor"
    }
    fn shown(&self) -> String {
        format!("prosecutor risk <= {} (k = {})", self.risk, persons_for(self.risk))
    }
    fn least_persons(&self) -> u64 {
        persons_for(self.risk)
    }
    fn merging(&self) -> Merging {
        Merging::Any
    }
    fn class_holds(&self, class: &Class<'_>, _: &Whole) -> bool {
        class.persons >= persons_for(self.risk)
    }
}

/// At most the share `share` of the remaining persons at a risk above `risk`. Nothing is claimed about merging: a merged class may
/// come back from suppression.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ProsecutorShare {
    /// Above 0, at most 1.
    pub risk: f64,
    /// From 0 to 1.
    pub share: f64,
}

impl Model for ProsecutorShare {
    fn key(&self) -> &'static str {
        "prosecutor-share"
    }
    fn shown(&self) -> String {
        format!("at most {} of the persons at prosecutor risk > {}", self.share, self.risk)
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
        share_above(remaining.persons, remaining.persons, persons_for(self.risk)) <= self.share
    }
}

const SOURCE: &str = "El Emam 2013";

pub(super) const HIGHEST: ModelDoc = ModelDoc {
    key: "prosecutor",
    ja: "最大検察官リスク",
    summary: "1 / (persons of the class) at most `risk` for everyone",
    summary_ja: "全員について 1 /(クラスの人数)が risk 以下であること",
    parameters: &["risk"],
    source: SOURCE,
    make: |p| {
        Ok(Box::new(ProsecutorHighest {
            risk: p.number("prosecutor", "risk", "above 0, at most 1", |r| r > 0.0 && r <= 1.0)?,
        }))
    },
};

pub(super) const SHARE: ModelDoc = ModelDoc {
    key: "prosecutor-share",
    ja: "検察官リスクが閾値を超える人の割合",
    summary: "at most a share of the persons at a prosecutor risk above `risk`",
    summary_ja: "検察官リスクが risk を超える人の割合が share 以下であること",
    parameters: &["risk", "share"],
    source: SOURCE,
    make: |p| {
        Ok(Box::new(ProsecutorShare {
            risk: p.number("prosecutor-share", "risk", "above 0, at most 1", |r| {
                r > 0.0 && r <= 1.0
            })?,
            share: p
                .number("prosecutor-share", "share", "from 0 to 1", |s| (0.0..=1.0).contains(&s))?,
        }))
    },
};

#[cfg(test)]
mod tests {
    use super::super::testing::prove;
    use super::*;

    #[test]
    fn merging_does_what_is_claimed() {
        prove(&ProsecutorHighest { risk: 0.2 });
    }

    #[test]
    fn thresholds_become_persons() {
        for (risk, persons) in [(0.09, 12), (0.2, 5), (0.1, 10), (0.33, 4), (1.0, 1), (0.05, 20)] {
            assert_eq!(persons_for(risk), persons);
        }
    }

    #[test]
    fn the_share_is_of_persons() {
        let remaining = Remaining { persons: &[2, 8, 10], population: None };
        assert!(ProsecutorShare { risk: 0.2, share: 0.1 }.table_holds(&remaining));
        assert!(!ProsecutorShare { risk: 0.2, share: 0.09 }.table_holds(&remaining));
    }
}
