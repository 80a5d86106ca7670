//! The words of a set of items.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::links::VisibleIn;

/// A set of items for each person: the values of one column over all rows of the person (diagnoses, drugs, days of visits).
/// k^m-anonymity: no set of up to `m` items that somebody has is had by fewer than `k` distinct persons.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ItemSet {
    /// A name.
    pub name: String,
    /// The column with the items: `table.column`, one item a row. An empty cell is no item.
    pub column: String,
    /// The database that shows these items and that the release may be linked with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_in: Option<VisibleIn>,
    /// Items that an attacker may know: 1, 2 or 3.
    #[serde(default = "two")]
    pub m: usize,
    /// At least this many distinct persons; by default the tier's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<u64>,
    /// Why its k may be below the tier's. It stands in the record, the report and the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}

fn two() -> usize {
    2
}
