//! Suppression: what is left over when the levels are chosen.
//!
//! * [`rows`]: rows, stays or persons, the least set where that can be known;
//! * [`cells`]: single cells, under two readings of a suppressed cell;
//! * [`local`]: finer levels for parts of the table, instead of the coarse ones for all.
//!
//! Codes, persons and level maps in; decisions out. Everything is deterministic.

pub mod cells;
pub mod local;
pub mod rows;

pub use cells::{Cells, CellsRemoved};
pub use local::{Local, Regions};
pub use rows::{Removed, ViewRows, least};
