//! Checks: one file each. A check judges data and never changes it. What `prove` and `verify` run.

// Other rooms, under the names that they have in the whole.
use kakou_core::{digest, error, frame, note, progress, say, schema, text, timings, token, words};
use kakou_detect as detect;
use kakou_formats as formats;
use kakou_plan as plan;
use kakou_policy as policy;
#[cfg(test)]
use kakou_privacy as privacy;

pub mod detectors;
pub mod floors;
pub mod forbidden;
pub mod joins;
pub mod models;
pub mod pass;
pub mod promise;
pub mod prove;
pub mod replay;
pub mod stays;
pub mod steady;
pub mod structure;

pub use promise::views as recount;
pub use promise::{links, receipts, sets, unique};
