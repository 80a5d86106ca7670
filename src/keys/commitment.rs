//! Hiding commitments: a digest that shows nothing until its nonce is shown.
//!
//! A plain digest of three patient numbers is a list of three patient numbers for anyone who can try all numbers.
//! The digest here is HMAC-SHA3-256 of the content under 32 random bytes, which common tools can recompute. The
//! digest may stand in a public record; the nonce belongs into the confidential one only.

use std::fmt;

use super::suite::Hmac;
use super::{hex, random};
use crate::error::Result;

/// A commitment to some bytes.
#[derive(Clone, Eq, PartialEq)]
pub struct Commitment {
    nonce: [u8; 32],
    digest: [u8; 32],
}

impl Commitment {
    /// Commits to bytes, with a fresh nonce.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn to(bytes: &[u8]) -> Result<Self> {
        let mut committer = Committer::new()?;
        committer.update(bytes);
        Ok(committer.finish())
    }
    /// A commitment that was recorded.
    #[must_use]
    pub fn recorded(nonce: [u8; 32], digest: [u8; 32]) -> Self {
        Commitment { nonce, digest }
    }
    /// Whether it was made to these bytes.
    #[must_use]
    pub fn opens_to(&self, bytes: &[u8]) -> bool {
        let mut committer = Committer::again(self.nonce);
        committer.update(bytes);
        committer.finish().digest == self.digest
    }
    /// What may be published.
    #[must_use]
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }
    /// What opens the commitment: for the confidential record only.
    #[must_use]
    pub fn nonce(&self) -> &[u8; 32] {
        &self.nonce
    }
    /// [`Self::digest`] in hexadecimal.
    #[must_use]
    pub fn digest_hex(&self) -> String {
        hex::encode(&self.digest)
    }
    /// [`Self::nonce`] in hexadecimal: for the confidential record only.
    #[must_use]
    pub fn nonce_hex(&self) -> String {
        hex::encode(&self.nonce)
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({})", self.digest_hex())
    }
}

/// Commits to bytes that come in pieces.
pub struct Committer {
    nonce: [u8; 32],
    hmac: Hmac,
}

impl Committer {
    /// With a fresh nonce.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn new() -> Result<Self> {
        let mut nonce = [0; 32];
        random(&mut nonce)?;
        Ok(Self::again(nonce))
    }
    /// With the nonce of a recorded commitment, to compare.
    #[must_use]
    pub fn again(nonce: [u8; 32]) -> Self {
        Committer { nonce, hmac: Hmac::new(&nonce) }
    }
    /// Takes in the next piece.
    pub fn update(&mut self, bytes: &[u8]) {
        self.hmac.update(bytes);
    }
    /// The commitment to all pieces.
    #[must_use]
    pub fn finish(self) -> Commitment {
        Commitment { nonce: self.nonce, digest: self.hmac.finish() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_to_its_bytes_only() {
        let commitment = Commitment::to(b"0012345\n").unwrap();
        assert!(commitment.opens_to(b"0012345\n"));
        assert!(!commitment.opens_to(b"0012346\n"));
        assert!(!commitment.opens_to(b""));
        let recorded = Commitment::recorded(*commitment.nonce(), *commitment.digest());
        assert_eq!(recorded, commitment);
    }

    #[test]
    fn two_commitments_to_the_same_bytes_differ() {
        let (one, two) = (Commitment::to(b"same").unwrap(), Commitment::to(b"same").unwrap());
        assert_ne!(one.digest(), two.digest());
        assert_ne!(one.nonce(), two.nonce());
    }

    #[test]
    fn pieces_do_not_matter_and_the_nonce_is_not_shown() {
        let mut committer = Committer::again([1; 32]);
        for piece in [b"ab".as_slice(), b"", b"cdef"] {
            committer.update(piece);
        }
        let pieces = committer.finish();
        let mut committer = Committer::again([1; 32]);
        committer.update(b"abcdef");
        assert_eq!(committer.finish(), pieces);
        assert!(!format!("{pieces:?}").contains("0101"));
        // Computed with Python's own hmac and hashlib.
        let known = "649e26fe2ed36261fed1ac4b0bc6e40a0dd1a141f973becb65965c89356b726a";
        assert_eq!(pieces.digest_hex(), known);
    }
}
