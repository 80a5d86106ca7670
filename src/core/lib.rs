//! What every room knows: errors that cannot hold data, the log, columns of codes, texts, the schema, the law, digests.

pub mod digest;
pub mod error;
pub mod frame;
pub mod law;
pub mod log;
pub mod progress;
pub mod schema;
pub mod text;
pub mod token;
