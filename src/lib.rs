//! `kakou` (加工) turns a hospital's data into a pseudonymized (仮名加工) and an anonymized (匿名加工) release.
#![warn(missing_docs)]

pub mod check;
pub mod cli;
pub mod engine;
pub mod error;
pub mod frame;
pub mod key;
pub mod law;
pub mod plan;
pub mod policy;
pub mod record;
pub mod release;
pub mod schema;
pub mod synth;
pub mod table;
pub mod technique;
pub mod text;
