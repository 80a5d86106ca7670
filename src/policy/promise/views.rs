//! The words of a view.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::links::VisibleIn;
use super::unique::UniqueWith;

/// A view: what an attacker may know of a person, as one row a grain.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ViewPolicy {
    /// A name.
    pub name: String,
    /// The table whose rows are counted.
    pub grain: String,
    /// The database that shows its quasi-identifiers and that the release may be linked with (法31条). Link keys need one such view.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visible_in: Option<VisibleIn>,
    /// The quasi-identifiers: `table.column`.
    pub quasi: Vec<String>,
    /// At least this many distinct persons a class; by default the tier's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub k: Option<u64>,
    /// Sensitive columns with the number of distinct values a class must show.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sensitive: Vec<Sensitive>,
    /// The largest risks allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub risk: Option<RiskLimits>,
    /// Why its k may be below the tier's. It stands in the record, the report and the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Further models that every class must satisfy, over distinct persons: `{ model = "t-closeness", column = "stays.diagnosis", with = { t = 0.3 } }`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelSpec>,
    /// Facts beside the quasi-identifiers that an attacker may know too, and how many rows they may single out. It is measured
    /// for every view; a policy without these words takes all facts of a row, two known ones, and the tier's limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unique_with: Option<UniqueWith>,
}

/// The largest risks allowed.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RiskLimits {
    /// Largest prosecutor risk of a person, above 0 and below 1: every class has at least 1 / risk persons (0.09 means k = 12).
    pub prosecutor: f64,
}

/// A privacy model with its numbers; see docs/models.md.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelSpec {
    /// Its name, such as `entropy-l`.
    pub model: String,
    /// The sensitive column that it looks at: `table.column`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub column: Option<String>,
    /// Its numbers by name, such as `l = 2.5`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub with: BTreeMap<String, f64>,
}

/// A sensitive column of a view.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Sensitive {
    /// `table.column`.
    pub column: String,
    /// Distinct l-diversity: at least this many distinct values in every class.
    pub l: u64,
}
