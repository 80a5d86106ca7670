//! The words of what may be known beside a view.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whom the view's quasi-identifiers single out together with any `m` further facts: rows that exactly one released person fits.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct UniqueWith {
    /// The facts: `table.column` of the anonymized release. Without it every released column outside the view of its table, and of
    /// the tables that have at most one row for a row of it (the same stay, the same person).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<String>,
    /// How many of them an attacker may know together: 1, 2 (by default) or 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub m: Option<usize>,
    /// At most this share (0 to 1) of the view's rows may fit exactly one released person, whichever `m` facts are known; more
    /// refuses the run. By default 0.02 in the tier `public`, no limit in the others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// Why less is asked than the tier asks: fewer facts, a smaller `m`, a higher `at_most`. It stands in the record and the report.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
}
