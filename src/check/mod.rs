//! Checks: one file each. A check judges data and never changes it. What `prove` and `verify` run.

pub mod detectors;
pub mod floors;
pub mod forbidden;
pub mod joins;
pub mod links;
pub mod models;
pub mod prove;
pub mod receipts;
pub mod recount;
pub mod replay;
pub mod sets;
pub mod structure;
pub mod unique;
