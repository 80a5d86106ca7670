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
    /// Both, in the order of [`Kind::BOTH`].
    pub fn iter(&self) -> std::array::IntoIter<&T, 2> {
        [&self.pseudonymized, &self.anonymized].into_iter()
    }
    /// Both, to be changed, in the order of [`Kind::BOTH`].
    pub fn iter_mut(&mut self) -> std::array::IntoIter<&mut T, 2> {
        [&mut self.pseudonymized, &mut self.anonymized].into_iter()
    }
    /// Something else of each.
    pub fn map<U>(self, mut make: impl FnMut(T) -> U) -> ByKind<U> {
        ByKind { pseudonymized: make(self.pseudonymized), anonymized: make(self.anonymized) }
    }
    /// Each by reference.
    pub const fn each_ref(&self) -> ByKind<&T> {
        ByKind { pseudonymized: &self.pseudonymized, anonymized: &self.anonymized }
    }
    /// Each, to be changed.
    pub const fn each_mut(&mut self) -> ByKind<&mut T> {
        ByKind { pseudonymized: &mut self.pseudonymized, anonymized: &mut self.anonymized }
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

impl<T> std::ops::IndexMut<Kind> for ByKind<T> {
    fn index_mut(&mut self, kind: Kind) -> &mut T {
        match kind {
            Kind::Pseudonymized => &mut self.pseudonymized,
            Kind::Anonymized => &mut self.anonymized,
        }
    }
}

impl<T> IntoIterator for ByKind<T> {
    type Item = T;
    type IntoIter = std::array::IntoIter<T, 2>;
    fn into_iter(self) -> Self::IntoIter {
        [self.pseudonymized, self.anonymized].into_iter()
    }
}

impl<'a, T> IntoIterator for &'a ByKind<T> {
    type Item = &'a T;
    type IntoIter = std::array::IntoIter<&'a T, 2>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'a, T> IntoIterator for &'a mut ByKind<T> {
    type Item = &'a mut T;
    type IntoIter = std::array::IntoIter<&'a mut T, 2>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter_mut()
    }
}
