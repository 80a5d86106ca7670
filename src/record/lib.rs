//! The record: what was done, provably.

// Other rooms, under the names that they have in the whole.
#[cfg(feature = "make")]
use kakou_core::token;
use kakou_core::{claim, digest, error, lang, law, memory, say, schema, system, text, words};
#[cfg(feature = "make")]
use kakou_engine as engine;
use kakou_keys as keys;
use kakou_plan as plan;
use kakou_policy as policy;
use kakou_proof as proof;
#[cfg(feature = "make")]
use kakou_technique as technique;

pub mod approval;
pub mod attest;
pub mod balance;
#[cfg(feature = "make")]
pub mod book;
pub mod changes;
pub mod dsse;
pub mod known;
pub mod ledger;
#[cfg(feature = "make")]
mod listed;
mod making;
pub mod merkle;
pub mod note;
pub mod objections;
pub mod package;
pub mod papers;
pub mod purge;
pub mod recipients;
pub mod release;
#[cfg(feature = "make")]
pub mod reveal;
pub mod seal;
pub mod stamp;
pub mod state;
pub mod statement;
pub mod told;
pub mod verify;
pub mod witness;
