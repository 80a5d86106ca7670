//! Thresholds on journalist risk (ジャーナリストリスク): the attacker does not know who is in the release, so the risk of a person is
//! 1 / (persons of the class in the population). El Emam, "Guide to the De-Identification of Personal Health Information", 2013,
//! chapter 16.

use super::prosecutor::{persons_for, share_above};
use super::{Class, Merging, Model, ModelDoc, Remaining, Scope, Whole};

/// No person at a risk above `risk`. The same as a k-map, and as such kept by any merging.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JournalistHighest {
    /// Above 0, at most 1.
    pub risk: f64,
}

impl Model for JournalistHighest {
    fn key(&self) -> &'static str {
        "journalist"
    }
    fn shown(&self) -> String {
        format!("journalist risk <= {} (k-map = {})", self.risk, persons_for(self.risk))
    }
    fn needs_population(&self) -> bool {
        true
    }
    fn merging(&self) -> Merging {
        Merging::Any
    }
    fn class_holds(&self, class: &Class<'_>, _: &Whole) -> bool {
        class.population.is_some_and(|n| n >= persons_for(self.risk))
    }
}

/// At most the share `share` of the remaining persons at a risk above `risk`. Nothing is claimed about merging.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct JournalistShare {
    /// Above 0, at most 1.
    pub risk: f64,
    /// From 0 to 1.
    pub share: f64,
}

impl Model for JournalistShare {
    fn key(&self) -> &'static str {
        "journalist-share"
    }
    fn shown(&self) -> String {
        format!("at most {} of the persons at journalist risk > {}", self.share, self.risk)
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
        remaining.population.is_some_and(|population| {
            share_above(remaining.persons, population, persons_for(self.risk)) <= self.share
        })
    }
}

const SOURCE: &str = "El Emam 2013";

pub(super) const HIGHEST: ModelDoc = ModelDoc {
    key: "journalist",
    ja: "最大ジャーナリストリスク",
    summary: "1 / (persons of the class in the population) at most `risk` for everyone",
    summary_ja: "全員について 1 /(母集団でのクラスの人数)が risk 以下であること",
    parameters: &["risk"],
    source: SOURCE,
    make: |p| {
        Ok(Box::new(JournalistHighest {
            risk: p.number("journalist", "risk", "above 0, at most 1", |r| r > 0.0 && r <= 1.0)?,
        }))
    },
};

pub(super) const SHARE: ModelDoc = ModelDoc {
    key: "journalist-share",
    ja: "ジャーナリストリスクが閾値を超える人の割合",
    summary: "at most a share of the persons at a journalist risk above `risk`",
    summary_ja: "ジャーナリストリスクが risk を超える人の割合が share 以下であること",
    parameters: &["risk", "share"],
    source: SOURCE,
    make: |p| {
        Ok(Box::new(JournalistShare {
            risk: p.number("journalist-share", "risk", "above 0, at most 1", |r| {
                r > 0.0 && r <= 1.0
            })?,
            share: p
                .number("journalist-share", "share", "from 0 to 1", |s| (0.0..=1.0).contains(&s))?,
        }))
    },
};

#[cfg(test)]
mod tests {
    use super::super::testing::prove;
    use super::*;

    #[test]
    fn merging_does_what_is_claimed() {
        prove(&JournalistHighest { risk: 0.05 });
    }

    #[test]
    fn the_population_decides_and_its_absence_fails() {
        let model = JournalistShare { risk: 0.1, share: 0.5 };
        assert!(model.table_holds(&Remaining { persons: &[2, 2], population: Some(&[9, 10]) }));
        assert!(!model.table_holds(&Remaining { persons: &[3, 2], population: Some(&[9, 10]) }));
        assert!(!model.table_holds(&Remaining { persons: &[3, 2], population: None }));
    }
}
