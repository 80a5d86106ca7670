//! The report: what a run did, as pictures and tables for a review board, in Japanese and English.
//!
//! A run writes its facts into `record/report.json` ([`facts`]): internal, complete for the page, without a value that
//! fewer than ten persons hold. [`page`] makes one self-contained HTML file of it (no network, no script), [`compare`]
//! one of two such files or of two policies. What other
//! parts of the engine want to show goes in as measures, a trade-off curve or plain sections ([`facts::Extra`]); the
//! page draws them without knowing where they come from. [`explore`] is the page before a run, on which levels are chosen: it alone has a
//! script, its own.

// Other rooms, under the names that they have in the whole.
use kakou_core::{digest, error, lang, law, say, schema, text};
use kakou_engine as engine;
use kakou_plan as plan;
use kakou_policy as policy;
use kakou_privacy as privacy;
use kakou_proof as proof;

pub mod closure;
pub mod compare;
pub mod explore;
pub mod facts;
pub mod figure;
pub mod joins;
pub mod objections;
pub mod page;
pub mod panel;
pub mod search;
pub mod unique;
mod verdict;
pub mod words;

pub use verdict::Standing;

/// Where the facts of a run stand in its release folder: the internal part, never for a recipient.
pub const REPORT: &str = "record/report.json";
