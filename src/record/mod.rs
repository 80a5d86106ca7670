//! The record: what was done, provably.

pub mod approval;
pub mod attest;
pub mod balance;
pub mod book;
pub mod changes;
pub mod digest;
pub mod dsse;
pub mod ledger;
pub mod merkle;
pub mod note;
pub mod objections;
pub mod package;
pub mod papers;
pub mod purge;
pub mod recipients;
pub mod reveal;
pub mod seal;
pub mod state;
pub mod statement;
pub mod verify;
pub mod witness;
