//! Promises: what the anonymized release (or, for receipts, the pseudonymized one) keeps beside the treatment of its columns.
//!
//! A promise is a file of one name in every room that has a half of it: its words in `policy`, its plan here, what a run does for it
//! in `engine`, how it is recounted in `proof`. [`PROMISES`] is the list; a test of the whole house fails where one of them lacks a
//! half.

pub mod links;
pub mod receipts;
pub mod sets;
pub mod unique;
pub mod views;

use crate::model::Plan;

/// A kind of promise.
#[derive(Clone, Copy)]
pub struct Promise {
    /// The name of its files.
    pub name: &'static str,
    /// Where its words stand in a policy.
    pub words: &'static str,
    /// How many of them a plan makes.
    pub made: fn(&Plan) -> usize,
}

/// All promises.
pub static PROMISES: [Promise; 5] = [
    Promise { name: "views", words: "anonymized.view", made: |plan| plan.views.len() },
    Promise { name: "sets", words: "anonymized.set", made: |plan| plan.sets.len() },
    Promise {
        name: "unique",
        words: "anonymized.view.unique_with",
        made: |plan| plan.unique.len(),
    },
    Promise { name: "links", words: "anonymized.view.visible_in", made: links::made },
    Promise {
        name: "receipts",
        words: "pseudonymized.receipt_file",
        made: |plan| usize::from(plan.receipts.is_some()),
    },
];
