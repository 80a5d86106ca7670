//! Utility: what a treatment did to the data. Pure functions over codes, counts and numbers.
//!
//! * [`distribution`]: how far apart the values of a column are before and after;
//! * [`number`]: means, quantiles and correlations of numbers before and after;
//! * [`kept`]: which cells changed, and of whom rows were kept: who disappears.

pub mod distribution;
pub mod kept;
pub mod number;

pub use distribution::{Distances, distances, overall};
pub use kept::{Changed, Stratum, changed, kept_by_stratum};
pub use number::{Summary, correlation, correlation_change, summary};
