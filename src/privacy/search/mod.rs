//! Search for generalization levels: the node of the lattice with the least cost for which all models hold.
//!
//! **Exact by branch and bound over boxes of nodes.** A box `lo..=hi` is dropped when no node of it can be feasible (what fails
//! at `hi` in a way that merging cannot heal fails below, too) or none can be cheaper than the best node known (bounds of
//! the objective, see [`crate::objective`]); otherwise it is split along one column. Classes of a node are rolled up
//! from the classes of a finer node. The [`Certificate`] accounts for every node of the lattice exactly once.
//!
//! **Ties** go to the node with fewer suppressed rows, then with the smaller sum of levels, then with the smaller levels from
//! the first column on: the result depends on neither threads nor the order of evaluation.

mod grain;
mod problem;
mod solve;
mod survey;

pub use problem::{Attribute, Level, Problem, Sample, SearchView, Setting};
pub use solve::{Candidate, Certificate, Limits, Solution, evaluate, solve};
pub use survey::{Figures, Point, losers, survey};

/// A node of the lattice: a level for each attribute.
pub type Levels = Vec<u8>;

#[cfg(test)]
mod tests;
