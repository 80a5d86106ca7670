//! Signing keys: Ed25519 (RFC 8032).
//!
//! The seed lies in a sealed file like that of a project key and, while the program runs, in locked memory.
//! Verification is strict: keys of small order and signatures with another form of the same numbers are refused.

use std::fmt;
use std::path::Path;
use std::time::SystemTime;

use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use sha2::{Digest as _, Sha256};

use super::file::{self, Cost, KeyFacts, Passphrase, Purpose};
use super::hex;
use super::locked::Locked;
use super::suite::Suite;
use crate::error::Result;

/// Something that signs with one Ed25519 key: a key file, or a device that keeps the key to itself.
pub trait Sign {
    /// The key that verifies the signatures.
    fn public(&self) -> &PublicKey;
    /// The signature of a message.
    ///
    /// # Errors
    /// If a device does not do it.
    fn sign(&self, message: &[u8]) -> Result<[u8; 64]>;
}

/// A key that verifies signatures.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PublicKey(VerifyingKey);

impl PublicKey {
    /// The key with these bytes; `None` if they are no key or one of small order, which signs everything.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Option<Self> {
        VerifyingKey::from_bytes(bytes).ok().filter(|key| !key.is_weak()).map(PublicKey)
    }
    /// Its 32 bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
    /// SHA-256 of its bytes in hexadecimal.
    #[must_use]
    pub fn id(&self) -> String {
        hex::encode(&Sha256::digest(self.bytes()))
    }
    /// Whether a message was signed with the secret key.
    #[must_use]
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        Signature::from_slice(signature)
            .is_ok_and(|signature| self.0.verify_strict(message, &signature).is_ok())
    }
}

/// A signing key. Cannot be copied, written elsewhere or shown; overwritten when dropped.
pub struct SigningKey {
    facts: KeyFacts,
    seed: Locked<[u8; 32]>,
    public: PublicKey,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.facts.id)
    }
}

impl SigningKey {
    /// Makes a new signing key and its file.
    ///
    /// # Errors
    /// Those of [`ProjectKey::create`](super::ProjectKey::create).
    pub fn create(path: &Path, passphrase: Option<&Passphrase>, now: SystemTime) -> Result<Self> {
        Self::create_at_cost(path, passphrase, now, Cost::default())
    }

    /// As [`Self::create`], with another cost of guessing the passphrase: for tests.
    ///
    /// # Errors
    /// Those of [`Self::create`].
    #[doc(hidden)]
    pub fn create_at_cost(
        path: &Path,
        passphrase: Option<&Passphrase>,
        now: SystemTime,
        cost: Cost,
    ) -> Result<Self> {
        let suite = Suite::default();
        let made = file::create(path, passphrase, Purpose::Signing, suite, 1, now, cost)?;
        Ok(Self::from_seed(made))
    }

    /// Reads a signing key.
    ///
    /// # Errors
    /// Those of [`ProjectKey::open`](super::ProjectKey::open).
    pub fn open(path: &Path, passphrase: Option<&Passphrase>) -> Result<Self> {
        Ok(Self::from_seed(file::open(path, passphrase, Purpose::Signing)?))
    }

    fn from_seed((facts, seed): (KeyFacts, Locked<[u8; 32]>)) -> Self {
        let public = PublicKey(ed25519_dalek::SigningKey::from_bytes(seed.get()).verifying_key());
        SigningKey { facts, seed, public }
    }

    /// A key from a known seed, for tests.
    #[doc(hidden)]
    #[must_use]
    pub fn from_test_seed(seed: [u8; 32]) -> Self {
        let facts = KeyFacts {
            id: super::id_of(Suite::default(), &seed),
            suite: Suite::default(),
            purpose: Purpose::Signing,
            created: "2026-01-02T03:04:05Z".to_owned(),
            version: 1,
            passphrase: false,
        };
        Self::from_seed((facts, Locked::new(seed)))
    }

    #[cfg(test)]
    pub(super) fn masked_key(&self, mask: impl Fn(&[u8; 32]) -> Vec<u8>) -> Vec<u8> {
        mask(self.seed.get())
    }

    /// What may be known of it.
    #[must_use]
    pub fn facts(&self) -> &KeyFacts {
        &self.facts
    }
}

impl Sign for SigningKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }
    fn sign(&self, message: &[u8]) -> Result<[u8; 64]> {
        Ok(ed25519_dalek::SigningKey::from_bytes(self.seed.get()).sign(message).to_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes<const N: usize>(text: &str) -> [u8; N] {
        let mut out = [0; N];
        hex::decode_into(text, &mut out).unwrap();
        out
    }

    /// RFC 8032 §7.1, tests 1 to 3.
    #[test]
    fn rfc_8032() {
        let tests: [(&str, &str, &[u8], &str); 3] = [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                b"",
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155\
                 5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                &[0x72],
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da\
                 085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                &[0xaf, 0x82],
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                 18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ];
        for (seed, public, message, signature) in tests {
            let key = SigningKey::from_test_seed(bytes(seed));
            assert_eq!(key.public().bytes(), &bytes::<32>(public));
            let signed = key.sign(message).unwrap();
            assert_eq!(signed, bytes::<64>(signature));
            assert!(key.public().verifies(message, &signed));
            assert!(!key.public().verifies(b"another", &signed));
            assert!(!key.public().verifies(message, &signed[..63]));
            for place in 0..64 {
                let mut wrong = signed;
                wrong[place] ^= 1;
                assert!(!key.public().verifies(message, &wrong));
            }
        }
    }

    #[test]
    fn keys_of_small_order_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        assert!(PublicKey::from_bytes(&identity).is_none());
        assert!(PublicKey::from_bytes(&[0; 32]).is_none());
    }

    #[test]
    fn a_key_file_serves_one_purpose() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing");
        let made = SigningKey::create(&path, None, SystemTime::UNIX_EPOCH).unwrap();
        let read = SigningKey::open(&path, None).unwrap();
        assert_eq!(made.public(), read.public());
        assert_eq!(read.facts().purpose, Purpose::Signing);
        assert_eq!(made.sign(b"x").unwrap(), read.sign(b"x").unwrap());
        assert_eq!(super::super::ProjectKey::open(&path, None).unwrap_err().code, "K0121");
        assert_eq!(format!("{read:?}"), format!("SigningKey({})", read.facts().id));
    }
}
