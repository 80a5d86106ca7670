//! Journalist risk: the attacker matches against a register of a population and does not know who is in the table.

use serde::Serialize;

use super::figure::{Figure, Subject, Told};
use super::{Doc, Spread, highest_by_person};
use crate::error::{Error, Result};
use crate::say;
use crate::{ByPerson, Reading, View};

/// What this figure is.
pub const DOC: Doc = Doc {
    name: "journalist",
    title: "Journalist risk",
    title_ja: "記者リスク",
    definition: "1 / (persons of the population table with the values of the person's most exposed row)",
    definition_ja: "1 ÷(母集団の表で、本人の最も露出した行と同じ値の組を持つ人数)",
    source: "El Emam, Guide to the De-Identification of Personal Health Information (2013), ch. 16; k-map: Sweeney 2001",
    limits: "as good as the population table; persons of the table whom it lacks are counted with their prosecutor risk and reported",
    limits_ja: "母集団の表の質に依存する。そこにない人は検察者リスクで数え、その割合を示す",
};

/// Journalist and marketer risk need, for each row of the table, the matching persons of the population.
#[derive(Clone, Debug)]
pub struct Matched {
    /// By row: persons in the table with the same values.
    pub in_table: Vec<u64>,
    /// By row: persons in the population with the same values, at least those of the table.
    pub in_population: Vec<u64>,
    /// By row: whether the population lacks the values or has fewer persons with them than the table.
    pub lacking: Vec<bool>,
}

/// Matches the rows of a table with those of a population; a missing cell is a value of its own.
/// Both views must use the same codes in the same order of columns.
///
/// # Errors
/// `V0101` if the views differ in their columns.
pub fn matched(table: &View<'_>, population: &View<'_>) -> Result<Matched> {
    if table.layout() != population.layout() {
        return Err(Error::data(
            "V0101",
            say!("the table and the population differ in their columns or codes"),
        ));
    }
    // One view of both, so that class numbers agree.
    let both: Vec<Vec<u32>> = table
        .columns()
        .iter()
        .zip(population.columns())
        .map(|(a, b)| a.iter().chain(b.iter()).copied().collect())
        .collect();
    let rows = table.rows();
    let all = u32::try_from(rows + population.rows())
        .map_err(|_| Error::data("V0003", say!("a view of more than 2^32 rows")))?;
    let everybody: Vec<u32> = (0..all).collect();
    let (class, classes) = View::new(both, table.layout().cards(), everybody)?.number();
    let mine = ByPerson::new(table.persons()).count(&class[..rows], classes.len());
    let theirs = ByPerson::new(population.persons()).count(&class[rows..], classes.len());
    let by_row = |f: &dyn Fn(usize) -> u64| class[..rows].iter().map(|&c| f(c as usize)).collect();
    Ok(Matched {
        in_table: by_row(&|c| mine[c]),
        in_population: by_row(&|c| theirs[c].max(mine[c])),
        lacking: class[..rows].iter().map(|&c| theirs[c as usize] < mine[c as usize]).collect(),
    })
}

/// Journalist risk.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Journalist {
    /// Highest, mean and lowest.
    #[serde(flatten)]
    pub spread: Spread,
    /// Share of the persons of whom the population table lacks somebody with the same values.
    pub share_lacking: f64,
}

/// The figure; `None` without rows.
#[must_use]
pub fn journalist(table: &View<'_>, matched: &Matched, threshold: f64) -> Option<Journalist> {
    let risks: Vec<f64> = matched.in_population.iter().map(|&f| 1.0 / f as f64).collect();
    let lacking: Vec<f64> = matched.lacking.iter().map(|&l| f64::from(u8::from(l))).collect();
    let lacking = highest_by_person(table, &lacking);
    Some(Journalist {
        spread: Spread::of(&highest_by_person(table, &risks), threshold)?,
        share_lacking: lacking.iter().sum::<f64>() / lacking.len() as f64,
    })
}

/// The reading in which a table and a population are matched.
pub const READING: Reading = Reading::OwnCategory;

/// The figure for the registry.
pub(super) struct OfPopulation;

impl Figure for OfPopulation {
    fn docs(&self) -> &'static [&'static Doc] {
        &[&DOC]
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let (Some(view), Some(matched)) = (of.view, &of.matched) else { return Ok(()) };
        told.section(&DOC);
        if let Some(found) = journalist(view, matched, of.threshold) {
            told.spread(&found.spread);
            told.figure("share of persons whom the population lacks", found.share_lacking);
            told.put("journalist", found);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::risk::marketer::marketer;

    #[test]
    fn the_population_counts() {
        let table = View::of_rows(vec![vec![0, 0, 1]], &[3]).unwrap();
        let population = View::of_rows(vec![vec![0, 0, 0, 0, 2]], &[3]).unwrap();
        let matched = matched(&table, &population).unwrap();
        assert_eq!(matched.in_population, [4, 4, 1]);
        let found = journalist(&table, &matched, 0.5).unwrap();
        assert_eq!((found.spread.highest, found.spread.average), (1.0, 0.5));
        assert!((found.share_lacking - 1.0 / 3.0).abs() < 1e-15);
        // Marketer: one of the two in the class of four is expected half: (2/4... per row 1/4 each, and 1).
        assert!((marketer(&table, Some(&matched)).value().unwrap() - 0.5).abs() < 1e-15);
        let other = View::of_rows(vec![vec![0]], &[2]).unwrap();
        assert_eq!(super::matched(&table, &other).unwrap_err().code, "V0101");
    }
}
