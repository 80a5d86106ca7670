//! What every room knows: errors that cannot hold data, the log, columns of codes, texts, the schema, the law, digests.

pub mod claim;
pub mod digest;
pub mod error;
#[cfg(test)]
#[path = "../../tests/common/fixtures.rs"]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a part of tests")]
mod fixtures;
pub mod frame;
pub mod lang;
pub mod law;
pub mod log;
pub mod memory;
pub mod progress;
pub mod schema;
pub mod system;
pub mod text;
pub mod timings;
pub mod token;
