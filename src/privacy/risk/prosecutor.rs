//! Prosecutor risk: the attacker knows that the person is in the table.

use serde_json::{Map, json};

use super::figure::{Figure, Subject, Told};
use super::{Doc, Spread, smallest_match};
use crate::error::Result;
use crate::{Reading, View};

/// What this figure is.
pub const DOC: Doc = Doc {
    name: "prosecutor",
    title: "Prosecutor risk",
    title_ja: "検察者リスク",
    definition: "1 / (persons who share the values of the person's most exposed row); highest, mean over persons, share above the threshold",
    definition_ja: "1 ÷(本人の最も露出した行と同じ値の組を持つ人数)。最大、人についての平均、閾値を超える人の割合",
    source: "El Emam, Guide to the De-Identification of Personal Health Information (2013), ch. 16; Dankar & El Emam, PAIS 2010",
    limits: "assumes that the attacker knows the named columns and nothing else",
    limits_ja: "攻撃者が知るのは指定した列だけという仮定。他の列・他の表・公開済みの版は数えない",
};

/// The risk of each person, ordered by person number: 1 / persons that cannot be told apart.
#[must_use]
pub fn risks(view: &View<'_>, reading: Reading) -> Vec<f64> {
    smallest_match(view, reading).into_iter().map(|size| 1.0 / size as f64).collect()
}

/// The figure. `threshold` is a risk from 0 to 1; `None` without rows.
#[must_use]
pub fn prosecutor(view: &View<'_>, reading: Reading, threshold: f64) -> Option<Spread> {
    Spread::of(&risks(view, reading), threshold)
}

/// The figure for the registry.
pub(super) struct Prosecutor;

impl Figure for Prosecutor {
    fn docs(&self) -> &'static [&'static Doc] {
        &[&DOC]
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let Some(view) = of.view else { return Ok(()) };
        let classes = view.assign().1.len();
        told.section(&DOC);
        told.figure("classes", classes);
        told.put("classes", classes);
        let (readings, holes) = of.readings();
        let mut by_reading = Map::new();
        for &(key, text, reading) in &readings {
            let spread = match reading {
                Reading::OwnCategory => of.strict(),
                _ => prosecutor(view, reading, of.threshold),
            };
            let Some(spread) = spread else { continue };
            if holes {
                told.text(format!("  {text}:"));
            }
            let smallest = (1.0 / spread.highest).round();
            told.figure("k (persons in the smallest class)", smallest);
            told.spread(&spread);
            by_reading.insert(key.to_owned(), json!({ "k": smallest, "risk": spread }));
        }
        if !holes {
            told.text("    no missing cells: the three readings of missing cells agree");
        } else if readings.len() == 1 {
            told.text(
                "    too many patterns with missing cells: the other readings are not computed",
            );
        }
        told.put("missing_cells", holes);
        told.put("prosecutor", by_reading);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn persons_count_not_rows() {
        // Ten rows of one person are one person: the highest risk there is.
        let view = View::new(vec![vec![0; 10]], &[1], vec![3; 10]).unwrap();
        let found = prosecutor(&view, Reading::OwnCategory, 0.5).unwrap();
        assert_eq!((found.persons, found.highest, found.share_above), (1, 1.0, 1.0));
        let view = View::of_rows(vec![vec![0, 0, 0, 1]], &[2]).unwrap();
        let found = prosecutor(&view, Reading::OwnCategory, 1.0 / 3.0).unwrap();
        assert_eq!((found.highest, found.average, found.share_above), (1.0, 0.5, 0.25));
        assert!(
            prosecutor(&View::of_rows(vec![vec![]], &[0]).unwrap(), Reading::OwnCategory, 0.1)
                .is_none()
        );
    }
}
