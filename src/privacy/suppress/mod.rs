//! Suppression: what is left over when the levels are chosen.
//!
//! [`cells`]: single cells, under two readings of a suppressed cell. (Rows and persons go class by class, where the classes are
//! counted.)
//!
//! Codes and persons in; decisions out. Everything is deterministic.

pub mod cells;

pub use cells::{Cells, CellsRemoved};
