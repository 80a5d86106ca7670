//! Risk figures: how exposed the persons of a table are. One file a figure; [`FIGURES`] is the registry.
//!
//! Every figure says what it means, where it comes from and what it does not cover ([`Doc`]). A figure that cannot be
//! computed is [`NotAvailable`](super::Estimate::NotAvailable) with a reason, never 0.

use super::{ByPerson, Reading, View};
use figure::Figure;

mod attributes;
mod dankar;
pub mod figure;
mod groups;
pub mod household;
pub mod individual;
pub mod journalist;
pub mod marketer;
mod numeric;
pub mod panel;
mod pitman;
pub mod population;
pub mod prosecutor;
mod snb;
pub mod subsets;
pub mod suda;
pub mod unique_sets;
mod zayatz;

/// What a figure is, for reports and documentation.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Doc {
    /// Its name in results.
    pub name: &'static str,
    /// A title in English.
    pub title: &'static str,
    /// A title in Japanese.
    pub title_ja: &'static str,
    /// The definition, in one sentence.
    pub definition: &'static str,
    /// The same in Japanese.
    pub definition_ja: &'static str,
    /// The paper or text that it is taken from.
    pub source: &'static str,
    /// What it does not cover.
    pub limits: &'static str,
    /// The same in Japanese.
    pub limits_ja: &'static str,
}

/// All figures, in the order in which they are told.
pub static FIGURES: [&dyn Figure; 11] = [
    &prosecutor::Prosecutor,
    &journalist::OfPopulation,
    &marketer::Marketer,
    &population::Unique,
    &individual::Individual,
    &household::Household,
    &suda::Special,
    &subsets::Sets,
    &attributes::Attributes,
    &unique_sets::Proposals,
    &panel::Known,
];

/// What all figures are.
pub fn docs() -> impl Iterator<Item = &'static Doc> {
    FIGURES.iter().flat_map(|figure| figure.docs().iter().copied())
}

/// Highest, average and lowest risk over persons.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Spread {
    /// Persons.
    pub persons: u64,
    /// The highest risk, 0 to 1.
    pub highest: f64,
    /// The mean over the persons.
    pub average: f64,
    /// The lowest risk.
    pub lowest: f64,
    /// Share of the persons with the highest risk.
    pub share_highest: f64,
    /// Share of the persons with the lowest risk.
    pub share_lowest: f64,
    /// Share of the persons whose risk is above the threshold.
    pub share_above: f64,
    /// The threshold.
    pub threshold: f64,
}

impl Spread {
    /// The spread of risks, one a person; `None` without persons. "Above" means above by more than rounding.
    #[must_use]
    pub fn of(risks: &[f64], threshold: f64) -> Option<Self> {
        let persons = risks.len();
        let highest = risks.iter().copied().max_by(f64::total_cmp)?;
        let lowest = risks.iter().copied().min_by(f64::total_cmp)?;
        let share = |f: &dyn Fn(f64) -> bool| {
            risks.iter().filter(|&&r| f(r)).count() as f64 / persons as f64
        };
        Some(Spread {
            persons: persons as u64,
            highest,
            average: sum(risks.iter().copied()) / persons as f64,
            lowest,
            share_highest: share(&|r| r == highest),
            share_lowest: share(&|r| r == lowest),
            share_above: share(&|r| r > threshold * (1.0 + 1e-12)),
            threshold,
        })
    }
}

/// A sum with Neumaier's correction: the same to the last digits in any order of the terms that occurs in practice.
pub fn sum(terms: impl Iterator<Item = f64>) -> f64 {
    let (mut total, mut lost) = (0.0_f64, 0.0_f64);
    for term in terms {
        let next = total + term;
        lost +=
            if total.abs() >= term.abs() { (total - next) + term } else { (term - next) + total };
        total = next;
    }
    total + lost
}

/// For each person the number of persons that share the values of the person's most exposed row; ordered by person number.
#[must_use]
pub fn smallest_match(view: &View<'_>, reading: Reading) -> Vec<u64> {
    let matches = view.matches(reading);
    if view.one_row_a_person() {
        return matches;
    }
    ByPerson::new(view.persons()).greatest(&matches, |a, b| b.cmp(a))
}

/// For each person the highest of the person's values by row; ordered by person number.
#[must_use]
pub fn highest_by_person(view: &View<'_>, values: &[f64]) -> Vec<f64> {
    if view.one_row_a_person() {
        return values.to_vec();
    }
    ByPerson::new(view.persons()).greatest(values, f64::total_cmp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_distinct_and_everything_is_said() {
        let all: Vec<&Doc> = docs().collect();
        assert_eq!(all.len(), 13);
        for (index, doc) in all.iter().enumerate() {
            assert!(all[index + 1..].iter().all(|other| other.name != doc.name));
            for text in [
                doc.title,
                doc.title_ja,
                doc.definition,
                doc.definition_ja,
                doc.source,
                doc.limits,
                doc.limits_ja,
            ] {
                assert!(!text.is_empty(), "{}", doc.name);
            }
        }
    }

    #[test]
    fn every_figure_is_documented_for_readers() {
        let page = |name: &str| {
            let path =
                std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name);
            std::fs::read_to_string(path).unwrap()
        };
        let (english, japanese) = (page("risk.md"), page("risk.ja.md"));
        for doc in docs() {
            let begin =
                |title: &'static str| title.split(['(', ',']).next().unwrap_or(title).trim();
            assert!(
                english.to_lowercase().contains(&begin(doc.title).to_lowercase()),
                "{}",
                doc.name
            );
            assert!(japanese.contains(begin(doc.title_ja)), "{}", doc.name);
        }
        for figure in FIGURES {
            let asked = |dear: figure::Dear| format!("`--also {}", dear.word);
            assert!(figure.dear().is_none_or(|dear| english.contains(&asked(dear))));
        }
    }

    #[test]
    fn a_person_is_as_exposed_as_the_most_exposed_row() {
        let view = View::new(vec![vec![0, 0, 1, 1, 1]], &[2], vec![5, 6, 5, 5, 7]).unwrap();
        assert_eq!(smallest_match(&view, Reading::OwnCategory), [2, 2, 2]);
        assert_eq!(highest_by_person(&view, &[0.1, 0.2, 0.3, 0.25, 0.0]), [0.3, 0.2, 0.0]);
        let view = View::new(vec![vec![0, 0, 1]], &[2], vec![5, 6, 5]).unwrap();
        assert_eq!(smallest_match(&view, Reading::OwnCategory), [1, 2]);
    }
}
