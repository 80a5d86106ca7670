//! What a figure is measured on, and what it tells: the same for every figure, so that whoever prints or documents them asks the
//! registry ([`super::FIGURES`]) and names none.

use std::sync::OnceLock;

use serde_json::{Map, Value, json};

use super::{Doc, Spread, individual, journalist, prosecutor};
use crate::error::Result;
use crate::{Estimate, Reading, View};

/// A figure, with all that is shown of it.
pub trait Figure: Sync {
    /// What it is; several where figures are told together.
    fn docs(&self) -> &'static [&'static Doc];
    /// Set where it looks at so many sets of columns that it must be asked for.
    fn dear(&self) -> Option<Dear> {
        None
    }
    /// Measures and tells it. Tells nothing where what it needs is not there.
    ///
    /// # Errors
    /// If the table does not fit the figure.
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()>;
}

/// A figure that looks at many sets of columns.
#[derive(Clone, Copy)]
pub struct Dear {
    /// The word by which it is asked for.
    pub word: &'static str,
    /// Where it stands in the results.
    pub key: &'static str,
    /// How many sets of columns it looks at.
    pub sets: fn(&Subject<'_>) -> u64,
}

/// A table with what is known about it.
#[derive(Default)]
pub struct Subject<'a> {
    /// What an attacker may know, if somebody said so.
    pub view: Option<&'a View<'a>>,
    /// The names of its columns.
    pub names: &'a [String],
    /// A risk from 0 to 1: shares of persons above it are told.
    pub threshold: f64,
    /// The rows matched with those of a population.
    pub matched: Option<journalist::Matched>,
    /// Persons of the population.
    pub population: Option<u64>,
    /// Sampling weights by row.
    pub weights: Option<&'a [f64]>,
    /// The household of each row.
    pub households: Option<&'a [u32]>,
    /// Share of the population that is in the table.
    pub fraction: Option<f64>,
    /// Largest set of columns that is listed.
    pub set_size: usize,
    /// Sensitive columns: names and codes.
    pub sensitive: Vec<(&'a str, &'a [u32])>,
    /// All columns, where nobody said which of them are known.
    pub open: Option<Open<'a>>,
    /// Values that may be known singly: the person and the value of each.
    pub known: Option<(Vec<u32>, Vec<u32>)>,
    /// Memo of the strict reading.
    pub strict: OnceLock<Option<Spread>>,
    /// Memo of the risk by row.
    pub rows: OnceLock<Vec<f64>>,
}

/// Columns of which some are proposed.
pub struct Open<'a> {
    /// Names and codes.
    pub columns: Vec<(&'a str, &'a [u32])>,
    /// The person of each row.
    pub persons: &'a [u32],
    /// The share of rows that a proposed set makes unique.
    pub share: f64,
}

/// Ways to read missing cells: key, words, reading.
pub(super) type Readings = Vec<(&'static str, &'static str, Reading)>;

impl Subject<'_> {
    /// The spread of prosecutor risk in the reading that decides; none without rows.
    pub fn strict(&self) -> Option<Spread> {
        let view = self.view?;
        *self
            .strict
            .get_or_init(|| prosecutor::prosecutor(view, Reading::OwnCategory, self.threshold))
    }
    /// The readings of missing cells that are told, and whether cells are missing: the strict one alone where none is, or where too
    /// many patterns with missing cells would have to be compared.
    pub(super) fn readings(&self) -> (Readings, bool) {
        let mut readings =
            vec![("own-category", "a missing cell is a value of its own", Reading::OwnCategory)];
        let Some(view) = self.view else { return (readings, false) };
        let (_, classes) = view.assign();
        let holes = (0..classes.len()).filter(|&class| classes.has_missing(class)).count();
        // Patterns with holes are compared with all others.
        let affordable = (holes as u64).saturating_mul(classes.len() as u64) <= 500_000_000;
        if holes > 0 && affordable {
            readings.push((
                "matches-everything",
                "a missing cell matches everything",
                Reading::MatchesEverything,
            ));
            readings.push((
                "matches-nothing",
                "a missing cell matches nothing",
                Reading::MatchesNothing,
            ));
        }
        (readings, holes > 0)
    }
    /// The risk of each row: with weights as Benedetti and Franconi have it, else 1 / persons.
    pub(super) fn rows(&self) -> &[f64] {
        self.rows.get_or_init(|| match (self.view, self.weights) {
            (None, _) => Vec::new(),
            (Some(view), None) => {
                view.matches(Reading::OwnCategory).iter().map(|&f| 1.0 / f as f64).collect()
            }
            (Some(view), Some(weights)) => {
                individual::risks(view, weights, Reading::OwnCategory, individual::exact)
            }
        })
    }
}

/// A line of what is told.
pub enum Line {
    /// A figure begins: its title and definition.
    Section(&'static Doc),
    /// A line as it stands.
    Text(String),
    /// A name and a value.
    Figure(String, String),
}

/// What is told: lines for people, values for machines.
#[derive(Default)]
pub struct Told {
    /// The lines.
    pub lines: Vec<Line>,
    /// The values.
    pub values: Map<String, Value>,
}

impl Told {
    /// Begins a figure.
    pub fn section(&mut self, doc: &'static Doc) {
        self.lines.push(Line::Section(doc));
    }
    /// A line as it stands.
    pub fn text(&mut self, text: impl Into<String>) {
        self.lines.push(Line::Text(text.into()));
    }
    /// A name and a value.
    pub fn figure(&mut self, name: impl Into<String>, value: impl std::fmt::Display) {
        self.lines.push(Line::Figure(name.into(), value.to_string()));
    }
    /// A value for machines.
    pub fn put(&mut self, key: &str, value: impl serde::Serialize) {
        self.values.insert(key.to_owned(), json!(value));
    }
    /// A spread of risks.
    pub(super) fn spread(&mut self, spread: &Spread) {
        self.figure("highest risk", spread.highest);
        self.figure("average risk", spread.average);
        self.figure("lowest risk", spread.lowest);
        self.figure("share of persons at the highest risk", spread.share_highest);
        self.figure(format!("share of persons above {}", spread.threshold), spread.share_above);
    }
}

/// An estimate that lacks something.
pub(super) fn only_with(there: bool, value: Estimate, why: &'static str) -> Estimate {
    if there { value } else { Estimate::NotAvailable(why) }
}
