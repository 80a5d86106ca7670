//! How each promise of a policy is recounted from the released files: a file a promise, beside those of
//! [`crate::plan::promise`]. Nothing here was written for the run that is judged.

pub mod links;
pub mod receipts;
pub mod sets;
pub mod unique;
pub mod views;
