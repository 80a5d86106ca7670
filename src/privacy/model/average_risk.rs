//! Average prosecutor risk (平均再識別リスク): the mean over the persons of 1 / (persons of the class), which is classes / persons. As in
//! ARX's model of the same name; El Emam 2013, chapter 16.

use super::{Class, Merging, Model, ModelDoc, Remaining, Scope, Whole};

/// Mean prosecutor risk of what remains, none without persons.
#[must_use]
pub fn average(persons: &[u64]) -> Option<f64> {
    let all: u64 = persons.iter().sum();
    (all > 0).then(|| persons.iter().filter(|n| **n > 0).count() as f64 / all as f64)
}

/// Mean risk at most `risk`. Nothing is claimed about merging: without suppression fewer classes are a smaller risk, but a merged
/// class may come back from suppression and raise the mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AverageRisk {
    /// Above 0, at most 1.
    pub risk: f64,
}

impl Model for AverageRisk {
    fn key(&self) -> &'static str {
        "average-risk"
    }
    fn shown(&self) -> String {
        format!("average risk <= {}", self.risk)
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
        average(remaining.persons).is_none_or(|risk| risk <= self.risk)
    }
}

pub(super) const DOC: ModelDoc = ModelDoc {
    key: "average-risk",
    ja: "平均再識別リスク",
    summary: "classes / persons at most `risk`",
    summary_ja: "クラス数 / 人数が risk 以下であること",
    parameters: &["risk"],
    source: "El Emam 2013",
    make: |p| {
        Ok(Box::new(AverageRisk {
            risk: p
                .number("average-risk", "risk", "above 0, at most 1", |r| r > 0.0 && r <= 1.0)?,
        }))
    },
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_by_persons() {
        let remaining = Remaining { persons: &[1, 4, 5], population: None };
        assert_eq!(average(remaining.persons), Some(0.3));
        assert!(AverageRisk { risk: 0.3 }.table_holds(&remaining));
        assert!(!AverageRisk { risk: 0.29 }.table_holds(&remaining));
        assert_eq!(average(&[]), None);
    }
}
