//! The capability to publish, which a proof alone gives.

use std::marker::PhantomData;

use crate::digest::Digests;

/// Marks what was proved of an anonymized release.
#[derive(Debug)]
pub enum Anonymized {}
/// Marks what was proved of a pseudonymized release.
#[derive(Debug)]
pub enum Pseudonymized {}

/// The capability to publish a release of a kind: made by `check::prove` alone, for the staged files that it read, and
/// consumed by publishing. Publishing what was not proved does not compile:
///
/// ```compile_fail
/// use kakou_proof::prove::cleared::{Anonymized, Cleared};
/// fn clear() -> Cleared<Anonymized> {
///     Cleared { digests: vec![], kind: std::marker::PhantomData }
/// }
/// ```
#[derive(Debug)]
pub struct Cleared<Kind> {
    /// The files that were proved, with the digests that they had.
    digests: Vec<(String, Digests)>,
    kind: PhantomData<Kind>,
}

impl<Kind> Cleared<Kind> {
    pub(super) fn proved(digests: Vec<(String, Digests)>) -> Self {
        Cleared { digests, kind: PhantomData }
    }
    /// The files that were proved, relative to the release folder, with their digests.
    #[must_use]
    pub fn digests(&self) -> &[(String, Digests)] {
        &self.digests
    }
}
