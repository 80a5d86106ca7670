//! Where a column is in a plan.

use serde::{Deserialize, Serialize};

/// A column of a plan's tables. In drafts and statistics it is a pair, table first.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(from = "(usize, usize)", into = "(usize, usize)")]
pub struct ColumnAt {
    /// The number of the table in the plan.
    pub table: usize,
    /// The number of the column in the table.
    pub column: usize,
}

impl From<(usize, usize)> for ColumnAt {
    fn from((table, column): (usize, usize)) -> Self {
        ColumnAt { table, column }
    }
}

impl From<ColumnAt> for (usize, usize) {
    fn from(at: ColumnAt) -> Self {
        (at.table, at.column)
    }
}
