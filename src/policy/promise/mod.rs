//! The words of promises, a file a promise. (A receipt file is one text, `receipt_file`, in [`crate::model::Pseudonymized`].)

pub mod links;
pub mod sets;
pub mod unique;
pub mod views;
