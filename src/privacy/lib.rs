//! The privacy engine: equivalence classes in persons, models, risk figures, objectives and the exact search for levels.
//!
//! Pure computation over dictionary codes: no files, no policy, no texts. A *view* ([`View`]) says what an attacker may know; a
//! *model* ([`model`]) says what must hold for its classes; an *objective* ([`objective`]) says what a generalization costs;
//! the *search* ([`search`]) finds the cheapest generalization for which all models hold and proves it; *suppression*
//! ([`suppress`]) removes what is left over; a *risk estimator* ([`risk`]) says how exposed a table is.

// Other rooms, under the names that they have in the whole.
use kakou_core::{error, frame, say};

pub mod classes;
pub(crate) mod key;
pub mod model;
pub mod objective;
pub mod persons;
pub mod risk;
pub mod search;
pub mod suppress;
pub mod tally;

pub use classes::{ClassTable, Reading, View};
pub use persons::ByPerson;
pub use tally::Tally;

use serde::Serialize;

/// A figure that may not be available. Never 0 or NaN in place of "not available".
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Estimate {
    /// The figure.
    Value(f64),
    /// Why there is none.
    NotAvailable(&'static str),
}

impl std::fmt::Display for Estimate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Estimate::Value(value) => write!(f, "{value}"),
            Estimate::NotAvailable(why) => write!(f, "not available: {why}"),
        }
    }
}

impl Estimate {
    /// The figure, if there is one.
    #[must_use]
    pub fn value(self) -> Option<f64> {
        match self {
            Estimate::Value(value) => Some(value),
            Estimate::NotAvailable(_) => None,
        }
    }
    pub(crate) fn checked(value: f64, reason: &'static str) -> Self {
        if value.is_finite() { Estimate::Value(value) } else { Estimate::NotAvailable(reason) }
    }
}
