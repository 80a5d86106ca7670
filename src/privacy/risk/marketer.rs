//! Marketer risk: the share of the persons that an attacker who matches everybody is expected to match rightly.

use super::figure::{Figure, Subject, Told};
use super::journalist::Matched;
use super::{Doc, smallest_match, sum};
use crate::error::Result;
use crate::{Estimate, Reading, View};

/// What this figure is.
pub const DOC: Doc = Doc {
    name: "marketer",
    title: "Marketer risk",
    title_ja: "マーケターリスク",
    definition: "expected share of persons matched rightly when all are matched at random within equal values: mean of 1/F with the population's F, or of 1/f without a population",
    definition_ja: "全員を同じ値の組の中で無作為に対応付けたときに正しく当たる人の期待割合。母集団があれば 1/F、なければ 1/f の平均",
    source: "Dankar & El Emam, PAIS 2010; El Emam (2013), ch. 16",
    limits: "an average: a low figure hides single persons with a high risk",
    limits_ja: "平均であり、少数の高リスク者を隠す",
};

/// The figure; a person is matched by the most exposed row.
#[must_use]
pub fn marketer(table: &View<'_>, matched: Option<&Matched>) -> Estimate {
    let risks: Vec<f64> = match matched {
        None => {
            smallest_match(table, Reading::OwnCategory).iter().map(|&f| 1.0 / f as f64).collect()
        }
        Some(matched) => {
            let rows: Vec<f64> = matched.in_population.iter().map(|&f| 1.0 / f as f64).collect();
            super::highest_by_person(table, &rows)
        }
    };
    Estimate::checked(sum(risks.iter().copied()) / risks.len() as f64, "no rows")
}
/// The figure for the registry.
pub(super) struct Marketer;

impl Figure for Marketer {
    fn docs(&self) -> &'static [&'static Doc] {
        &[&DOC]
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let Some(view) = of.view else { return Ok(()) };
        told.section(&DOC);
        let found = marketer(view, of.matched.as_ref());
        told.figure("expected share of right matches", found);
        told.put("marketer", found);
        Ok(())
    }
}
