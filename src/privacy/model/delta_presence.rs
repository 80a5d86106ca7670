//! δ-presence (δ-存在性): from no class of the population can be told too well whether its people are in the release. Nergiz, Atzori
//! & Clifton, "Hiding the Presence of Individuals from Shared Databases", SIGMOD 2007, Definition 2.

use super::{Class, Merging, Model, ModelDoc, Whole};

/// The share of the population's persons of a class that are in the release lies between `min` and `max`. Merging: the share of
/// a union lies between the two shares. A population class with nobody in the release has the share 0; it cannot be
/// suppressed, so with `min` above 0 one such class fails the whole generalization (as in ARX).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct DeltaPresence {
    min: f64,
    max: f64,
    empty: bool,
}

impl DeltaPresence {
    /// Shares from 0 to 1.
    #[must_use]
    pub fn new(min: f64, max: f64) -> Self {
        DeltaPresence { min, max, empty: true }
    }
    /// Without a judgement on population classes that have nobody in the release: what ARX does when δ-presence stands beside a
    /// model with a smallest class size (k-anonymity, l-diversity), although the definition asks for it.
    #[must_use]
    pub fn as_arx_beside_others(self) -> Self {
        DeltaPresence { empty: false, ..self }
    }
}

impl Model for DeltaPresence {
    fn key(&self) -> &'static str {
        "delta-presence"
    }
    fn shown(&self) -> String {
        format!("presence {} to {}", self.min, self.max)
    }
    fn needs_population(&self) -> bool {
        true
    }
    fn merging(&self) -> Merging {
        Merging::BothHold
    }
    fn class_holds(&self, class: &Class<'_>, _: &Whole) -> bool {
        let Some(population) = class.population else { return false };
        let share = if class.persons == 0 {
            0.0
        } else {
            // Persons of the release who are not in the population table are a contradiction, not protection.
            class.persons as f64 / population as f64
        };
        share >= self.min && share <= self.max
    }
    fn tolerates_empty(&self) -> bool {
        !self.empty || self.min <= 0.0
    }
}

pub(super) const DOC: ModelDoc = ModelDoc {
    key: "delta-presence",
    ja: "δ-存在性",
    summary: "the share of a class of the population that is in the release lies between min and max",
    summary_ja: "母集団の各クラスのうち公開データに含まれる人の割合が min と max の間にあること",
    parameters: &["min", "max"],
    source: "Nergiz, Atzori & Clifton 2007",
    make: |p| {
        let min = p.number("delta-presence", "min", "from 0 to 1", |v| (0.0..=1.0).contains(&v))?;
        let max = p.number("delta-presence", "max", "from `min` to 1", |v| v >= min && v <= 1.0)?;
        Ok(Box::new(DeltaPresence::new(min, max)))
    },
};

#[cfg(test)]
mod tests {
    use super::super::testing::prove;
    use super::*;

    #[test]
    fn merging_does_what_is_claimed() {
        prove(&DeltaPresence::new(0.2, 0.6));
        prove(&DeltaPresence::new(0.0, 0.5));
    }

    #[test]
    fn without_a_population_nothing_holds() {
        let class = |population| Class { rows: 1, persons: 1, population, sensitive: &[] };
        let model = DeltaPresence::new(0.0, 0.5);
        assert!(!model.class_holds(&class(None), &Whole::default()));
        assert!(model.class_holds(&class(Some(2)), &Whole::default()));
        assert!(!model.class_holds(&class(Some(0)), &Whole::default()));
        assert!(model.tolerates_empty() && !DeltaPresence::new(0.1, 1.0).tolerates_empty());
    }
}
