//! What a run does for each promise of a policy: a file a promise, beside those of [`crate::plan::promise`].

pub mod links;
pub mod receipts;
pub mod sets;
pub mod unique;
pub mod views;
