//! The signatures that authorities make: RSA (PKCS#1 v1.5) and ECDSA over P-256 and P-384, with SHA-256, SHA-384 or SHA-512. SHA-1
//! and keys under 2048 bits are refused.

use p256::ecdsa::signature::hazmat::PrehashVerifier as _;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

use super::der::{BIT_STRING, Der, INTEGER, OID, SEQUENCE};

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 3, 1, 7];
const P384: &[u8] = &[0x2b, 0x81, 4, 0, 0x22];

/// A hash function.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// By an AlgorithmIdentifier.
    pub(super) fn of(algorithm: &[u8]) -> Option<Self> {
        let oid = Der::new(algorithm).enter(SEQUENCE)?.take(OID)?.content;
        let [0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, which] = *oid else { return None };
        match which {
            1 => Some(Hash::Sha256),
            2 => Some(Hash::Sha384),
            3 => Some(Hash::Sha512),
            _ => None,
        }
    }
    pub(super) fn digest(self, bytes: &[u8]) -> Vec<u8> {
        match self {
            Hash::Sha256 => Sha256::digest(bytes).to_vec(),
            Hash::Sha384 => Sha384::digest(bytes).to_vec(),
            Hash::Sha512 => Sha512::digest(bytes).to_vec(),
        }
    }
    /// What stands before the hash in a signature of RSA (RFC 8017 §9.2).
    fn prefix(self) -> [u8; 19] {
        let (number, length) = match self {
            Hash::Sha256 => (1, 32),
            Hash::Sha384 => (2, 48),
            Hash::Sha512 => (3, 64),
        };
        [
            0x30,
            17 + length,
            0x30,
            0x0d,
            6,
            9,
            0x60,
            0x86,
            0x48,
            1,
            0x65,
            3,
            4,
            2,
            number,
            5,
            0,
            4,
            length,
        ]
    }
}

/// How something is signed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Algorithm {
    rsa: bool,
    hash: Hash,
}

impl Algorithm {
    /// By an AlgorithmIdentifier; the hash beside it where it names none.
    pub(super) fn of(algorithm: &[u8], beside: Option<Hash>) -> Option<Self> {
        let oid = Der::new(algorithm).enter(SEQUENCE)?.take(OID)?.content;
        let numbered = |n| match n {
            0 => Some(Hash::Sha256),
            1 => Some(Hash::Sha384),
            2 => Some(Hash::Sha512),
            _ => None,
        };
        match *oid {
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1] => {
                Some(Algorithm { rsa: true, hash: beside? })
            }
            [0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, n] if n >= 11 => {
                Some(Algorithm { rsa: true, hash: numbered(n - 11)? })
            }
            [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, n] if n >= 2 => {
                Some(Algorithm { rsa: false, hash: numbered(n - 2)? })
            }
            _ => None,
        }
    }

    /// Whether a key (SubjectPublicKeyInfo) signed this.
    pub(super) fn verify(self, key: &[u8], signed: &[u8], signature: &[u8]) -> bool {
        self.judged(key, signed, signature).unwrap_or(false)
    }

    fn judged(self, key: &[u8], signed: &[u8], signature: &[u8]) -> Option<bool> {
        let mut info = Der::new(key).enter(SEQUENCE)?;
        let mut kind = info.enter(SEQUENCE)?;
        let (oid, curve) = (kind.take(OID)?.content, kind.maybe(OID).map(|c| c.content));
        let bits = info.take(BIT_STRING)?.content.strip_prefix(&[0])?;
        let hash = self.hash.digest(signed);
        match (self.rsa, oid, curve) {
            (true, RSA, None) => {
                let mut numbers = Der::new(bits).enter(SEQUENCE)?;
                let modulus = numbers.take(INTEGER)?.content.strip_prefix(&[0])?;
                let exponent = numbers.take(INTEGER)?.content;
                // From 2048 to 8192 bits.
                if !(256..=1024).contains(&modulus.len()) || modulus[0] == 0 || exponent.len() > 4 {
                    return None;
                }
                let number = rsa::BoxedUint::from_be_slice_vartime;
                let key = rsa::PublicKey::new_with_size_limits(
                    number(modulus),
                    number(exponent),
                    2048..=8192,
                )
                .ok()?;
                let padded = [&self.hash.prefix()[..], &hash].concat();
                Some(key.verify(rsa::Pkcs1v15Sign::new_unprefixed(), &padded, signature).is_ok())
            }
            (false, EC, Some(P256)) => {
                let key = p256::ecdsa::VerifyingKey::from_sec1_bytes(bits).ok()?;
                let signature = p256::ecdsa::Signature::from_der(signature).ok()?;
                Some(key.verify_prehash(&hash, &signature).is_ok())
            }
            (false, EC, Some(P384)) => {
                let key = p384::ecdsa::VerifyingKey::from_sec1_bytes(bits).ok()?;
                let signature = p384::ecdsa::Signature::from_der(signature).ok()?;
                Some(key.verify_prehash(&hash, &signature).is_ok())
            }
            _ => None,
        }
    }
}
