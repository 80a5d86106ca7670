//! The plan: a policy resolved against itself and judged against the law, before any data is read.

// Other rooms, under the names that they have in the whole.
use kakou_core::{error, frame, lang, law, say, schema, text};
use kakou_detect as detect;
use kakou_policy as policy;
use kakou_privacy as privacy;
use kakou_technique as technique;

mod build;
pub mod claims;
pub mod closure;
pub mod codes;
pub mod declared;
pub mod eligible;
mod evidence;
mod long;
mod model;
pub mod names;
pub mod promise;
mod scope;
pub mod shape;
pub mod singled;
pub mod steady;
#[cfg(test)]
mod tests;

pub use build::ladders;
pub use evidence::{Answer, ItemEvidence, legal_evidence};
pub use model::*;
pub use promise::receipts::is_uke;
pub use promise::unique;

use crate::policy::Loaded;

/// Canonical bytes of the resolved policy: keys sorted, defaults written out. Comments and layout do not matter, any threshold does.
#[must_use]
pub fn digest_bytes(loaded: &Loaded) -> Vec<u8> {
    fn sorted(value: serde_json::Value) -> serde_json::Value {
        match value {
            serde_json::Value::Object(map) => {
                let ordered: std::collections::BTreeMap<String, serde_json::Value> =
                    map.into_iter().map(|(k, v)| (k, sorted(v))).collect();
                serde_json::Value::Object(ordered.into_iter().collect())
            }
            serde_json::Value::Array(items) => items.into_iter().map(sorted).collect(),
            other => other,
        }
    }
    let value = serde_json::to_value(&loaded.policy).unwrap_or_default();
    // The order of tables and columns is the order of the output: it is kept as lists beside the sorted keys.
    let order: Vec<_> = loaded
        .policy
        .tables
        .iter()
        .map(|(n, t)| (n, t.columns.keys().collect::<Vec<_>>()))
        .collect();
    serde_json::to_vec(&(sorted(value), order)).unwrap_or_default()
}

/// The whole policy after `extends`, as TOML.
#[must_use]
pub fn resolved_toml(loaded: &Loaded) -> String {
    let mut policy = loaded.policy.clone();
    policy.extends = None;
    toml::to_string_pretty(&policy).unwrap_or_default()
}
