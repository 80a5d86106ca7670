//! One thing for each kind of release.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Kind;

/// One `T` for each kind of release: in records an object with both words, here indexed by [`Kind`].
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ByKind<T> {
    /// Of the pseudonymized release.
    pub pseudonymized: T,
    /// Of the anonymized release.
    pub anonymized: T,
}

impl<T> ByKind<T> {
    /// Makes both, in the order in which everything is done.
    pub fn of(mut make: impl FnMut(Kind) -> T) -> Self {
        ByKind { pseudonymized: make(Kind::Pseudonymized), anonymized: make(Kind::Anonymized) }
    }
}

impl<T> From<[T; 2]> for ByKind<T> {
    /// In the order of [`Kind::BOTH`].
    fn from([pseudonymized, anonymized]: [T; 2]) -> Self {
        ByKind { pseudonymized, anonymized }
    }
}

impl<T> std::ops::Index<Kind> for ByKind<T> {
    type Output = T;
    fn index(&self, kind: Kind) -> &T {
        match kind {
            Kind::Pseudonymized => &self.pseudonymized,
            Kind::Anonymized => &self.anonymized,
        }
    }
}
