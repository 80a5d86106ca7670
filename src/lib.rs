//! `kakou` (加工) turns a hospital's tables into a pseudonymized (仮名加工医療情報, 規則33条) and an anonymized
//! (匿名加工医療情報, 規則18条) release, in one run, from one TOML policy, with a record that can be verified.
//!
//! # What goes in, what comes out
//!
//! A [`policy`] names every column of every table with its role and a treatment for each release. [`plan`] resolves it
//! and judges it against the law ([`law`]) before any data is read. A [`run`] takes it through typed stages: the [`engine`]
//! reads the files, measures over all persons, freezes every threshold, applies the [`technique`]s and writes both releases into
//! a staging folder; [`proof::prove`] reads that folder again with separate code, and only what it clears can be published
//! ([`release::Staging::publish`]). [`record`] writes and verifies the statement of the run.
//!
//! Worked examples: [a whole run with tables in memory, and its verification](run), the [risk of a table](privacy), a policy below.
//!
//! # Vocabulary
//!
//! * **Person**: the unit that k counts; persons are tied over tables by keys. [`frame::Patients`] and [`frame::Rows`]
//!   are different types.
//! * **View**: what an attacker may know, as one row a grain; its classes are equivalence classes counted in persons.
//! * **Token**: what an identifier becomes: a pseudonym (stable for a project and recipient) or a surrogate (of one run).
//! * **Special value**: a value with a meaning of its own (`99999999`) that passes through untouched.
//!
//! # Example
//!
//! ```
//! let text = std::fs::read_to_string("policies/demo.toml").unwrap();
//! let loaded = kakou::policy::load_text("demo.toml", &text).map_err(|failed| failed.error)?;
//! let plan = kakou::plan::Plan::build(&loaded, &kakou::plan::ladders(&loaded)?)?;
//! assert_eq!(plan.views[0].k, 10);
//! assert!(kakou::plan::legal_evidence(&plan).iter().all(|item| {
//!     !item.answered_by.is_empty() || !item.views.is_empty() || item.reason.is_some()
//! }));
//! # Ok::<(), kakou::error::Error>(())
//! ```
#![warn(missing_docs)]

pub mod cli;
pub mod run;

pub use kakou_core::{
    claim, digest, error, frame, lang, law, log, memory, note, progress, say, schema, system, text,
    timings, token, words,
};
pub use kakou_detect as detect;
pub use kakou_engine as engine;
pub use kakou_formats as formats;
pub use kakou_keys as keys;
pub use kakou_plan as plan;
pub use kakou_policy as policy;
pub use kakou_privacy as privacy;
pub use kakou_proof as proof;
pub use kakou_record as record;
pub use kakou_record::release;
pub use kakou_report as report;
pub use kakou_synth as synth;
pub use kakou_technique as technique;
