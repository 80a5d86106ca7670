//! Statements in the form of in-toto (Statement v1), signed in DSSE envelopes. docs/statement.md has the fields.
//!
//! An envelope of ours has one way to be written, so that any changed byte of its file shows, and names the public key
//! that signed it. Whoever gives no key of his own learns that the file is whole, not whose signature it is.

use std::path::Path;

use serde_json::{Value, json};

use super::dsse::{Envelope, IN_TOTO};
use super::note::{Role, VerifierKey};
use crate::digest::{Digests, hex};
use crate::error::{Error, Name, Result};
use crate::keys::{PublicKey, Sign};
use crate::say;

/// The type of a statement (in-toto attestation framework, Statement v1).
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";
/// A run with both releases: the confidential part. Identifiers below `.example` (RFC 2606) belong to nobody and are
/// never fetched.
pub const RUN: &str = "https://kakou.example/run/v1";
/// One release: the public part, which may travel with it.
pub const RELEASE: &str = "https://kakou.example/release/v1";
/// The approval of a resolved policy.
pub const POLICY_APPROVAL: &str = "https://kakou.example/policy-approval/v1";
/// The second signature under a release.
pub const APPROVAL: &str = "https://kakou.example/approval/v1";
/// The seal of a release.
pub const SEAL: &str = "https://kakou.example/seal/v1";
/// A new signing key, announced by the old one.
pub const KEY_ROTATION: &str = "https://kakou.example/key-rotation/v1";
/// What a verifier found: Simple Verification Result of the in-toto attestation framework.
pub const SVR: &str = "https://in-toto.io/attestation/svr/v0.2";
/// How a verifier of an SVR is named; the public key in hexadecimal follows.
const VERIFIER: &str = "https://kakou.example/verifier/ed25519/";

/// A file that a statement is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Subject {
    /// Relative to the release folder, or what it is.
    pub name: String,
    /// Lower-case hexadecimal.
    pub sha256: String,
    /// Lower-case hexadecimal.
    pub sha3_256: String,
}

impl Subject {
    /// A file with its digests.
    #[must_use]
    pub fn new(name: &str, digests: &Digests) -> Self {
        Subject {
            name: name.to_owned(),
            sha256: hex(&digests.sha256),
            sha3_256: hex(&digests.sha3_256),
        }
    }
    /// A file from its bytes.
    #[must_use]
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self::new(name, &crate::digest::bytes(bytes))
    }
}

/// Who signs, for the predicate of a statement of ours.
#[must_use]
pub fn signer(key: &PublicKey) -> Value {
    json!({ "keyId": key.id(), "algorithm": "Ed25519", "publicKey": hex(key.bytes()) })
}

/// The name of a verifier in an SVR.
#[must_use]
pub fn verifier_id(key: &PublicKey) -> String {
    format!("{VERIFIER}{}", hex(key.bytes()))
}

/// Builds a statement and signs it. The predicate must name the signer ([`signer`], [`verifier_id`]).
///
/// # Errors
/// If the signer fails.
pub fn sign(
    subjects: &[Subject],
    predicate_type: &str,
    predicate: &Value,
    key: &dyn Sign,
) -> Result<String> {
    let subjects: Vec<Value> = subjects
        .iter()
        .map(
            |s| json!({ "name": s.name, "digest": { "sha256": s.sha256, "sha3_256": s.sha3_256 } }),
        )
        .collect();
    let statement = json!({
        "_type": STATEMENT_TYPE,
        "subject": subjects,
        "predicateType": predicate_type,
        "predicate": predicate,
    });
    envelope(IN_TOTO, &statement, key)
}

/// A signed envelope as one line.
pub(super) fn envelope(
    payload_type: &'static str,
    payload: &Value,
    key: &dyn Sign,
) -> Result<String> {
    let payload = serde_json::to_vec(payload)
        .map_err(|_| Error::environment("R0301", say!("a statement cannot be written as JSON")))?;
    let mut envelope = Envelope::new(payload_type, payload);
    envelope.sign(key)?;
    Ok(envelope.to_json()? + "\n")
}

/// A statement whose signature holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// What it says.
    pub predicate: Value,
    /// Who signed it.
    pub signer: PublicKey,
    /// Whether the signer is one of the keys that the caller trusts; without such keys the one that the statement
    /// itself names.
    pub trusted: bool,
}

/// Reads an envelope of ours and verifies it: with the trusted keys, or if there are none with the key that it names.
///
/// # Errors
/// If it is not an envelope, not as this program writes it, signed by another key, changed, or of another kind.
pub fn open(
    bytes: &[u8],
    shown: &Name,
    predicate_type: &str,
    trusted: &[PublicKey],
) -> Result<Opened> {
    let (payload, signer) = opened(bytes, shown, IN_TOTO, trusted)?;
    let wrong =
        || Error::refused("R0304", say!("{} is not a statement of the expected kind", shown));
    let statement: Value = serde_json::from_slice(&payload).map_err(|_| wrong())?;
    if statement["_type"] != STATEMENT_TYPE || statement["predicateType"] != predicate_type {
        return Err(wrong());
    }
    let subjects = statement["subject"]
        .as_array()
        .and_then(|list| list.iter().map(subject).collect::<Option<Vec<_>>>())
        .ok_or_else(wrong)?;
    let predicate = statement["predicate"].clone();
    Ok(Opened { subjects, predicate, signer, trusted: !trusted.is_empty() })
}

fn subject(value: &Value) -> Option<Subject> {
    let text = |v: &Value| v.as_str().map(str::to_owned);
    Some(Subject {
        name: text(&value["name"])?,
        sha256: text(&value["digest"]["sha256"])?,
        sha3_256: text(&value["digest"]["sha3_256"])?,
    })
}

/// The signed bytes of an envelope of ours, and who signed them.
pub(super) fn opened(
    bytes: &[u8],
    shown: &Name,
    payload_type: &'static str,
    trusted: &[PublicKey],
) -> Result<(Vec<u8>, PublicKey)> {
    let changed = || {
        Error::refused("R0302", say!("{} was changed: it is not as this program writes it", shown))
    };
    let envelope = Envelope::from_json(bytes).map_err(|_| changed())?;
    if (envelope.to_json()? + "\n").as_bytes() != bytes || envelope.signatures().len() != 1 {
        return Err(changed());
    }
    let claimed = claimed(envelope.unverified());
    let keys: Vec<PublicKey> = match (trusted, claimed) {
        ([], Some(key)) => vec![key],
        ([], None) => return Err(changed()),
        (keys, claimed) => {
            // What a trusted key did not even claim to sign is another key's, not a damaged file.
            if let Some(claimed) = claimed
                && !keys.contains(&claimed)
            {
                return Err(Error::refused(
                    "R0303",
                    say!(
                        "{} is signed by another key than those that were given ({})",
                        shown,
                        Name::from_policy(claimed.id())
                    ),
                )
                .advice(say!("ask the signer for the public key; a forger has another one")));
            }
            keys.to_vec()
        }
    };
    let verified = envelope.verify(payload_type, &keys, 1).map_err(|error| {
        Error::refused("R0305", say!("the signature of {} does not hold", shown))
            .advice(error.advice.unwrap_or_default())
    })?;
    let signer = verified.signers[0];
    // The id of the key is not signed; a wrong one would still be a changed byte.
    if envelope.signatures()[0].key_id != signer.id() || claimed != Some(signer) {
        return Err(changed());
    }
    Ok((verified.payload.to_vec(), signer))
}

/// The key that a payload says it is signed by. It decides nothing: the signature is verified with it.
fn claimed(payload: &[u8]) -> Option<PublicKey> {
    let value: Value = serde_json::from_slice(payload).ok()?;
    let text = value
        .pointer("/predicate/signer/publicKey")
        .or_else(|| value.pointer("/signer/publicKey"))
        .and_then(Value::as_str)
        .or_else(|| value.pointer("/predicate/verifier/id")?.as_str()?.strip_prefix(VERIFIER))?;
    public_from_hex(text)
}

/// A public key from hexadecimal.
#[must_use]
pub fn public_from_hex(text: &str) -> Option<PublicKey> {
    if text.len() != 64 || !text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return None;
    }
    let mut bytes = [0_u8; 32];
    for (place, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        *place = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    PublicKey::from_bytes(&bytes)
}

/// The public keys in files of `kakou key public`: one `NAME+ID+KEY` a line.
///
/// # Errors
/// If a file cannot be read or holds no key.
pub fn read_public(paths: &[impl AsRef<Path>]) -> Result<Vec<VerifierKey>> {
    let mut keys = Vec::new();
    for path in paths {
        let path = path.as_ref();
        let shown = Name::from_policy(path.display().to_string());
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::io("R0306", say!("reading the public key {}", shown), &e))?;
        let before = keys.len();
        for line in text.lines().map(str::trim).filter(|l| !l.is_empty() && !l.starts_with('#')) {
            keys.push(VerifierKey::parse(line)?);
        }
        if keys.len() == before {
            return Err(Error::policy("R0307", say!("{} holds no public key", shown))
                .advice(say!("`kakou key public FILE` prints one")));
        }
    }
    Ok(keys)
}

/// The keys of verifier keys that sign (not those of witnesses).
#[must_use]
pub fn plain(keys: &[VerifierKey]) -> Vec<PublicKey> {
    keys.iter().filter(|k| k.role() == Role::Log).map(|k| *k.key()).collect()
}

/// What the new key signs to show that its holder agrees.
fn possession(old: &PublicKey) -> Vec<u8> {
    let mut text = b"kakou key rotation v1\n".to_vec();
    text.extend_from_slice(old.bytes());
    text
}

/// The announcement of a new signing key: signed by the old one, with a proof that the new one is there.
///
/// # Errors
/// If a signer fails.
pub fn announce(old: &dyn Sign, new: &dyn Sign, at: &str) -> Result<String> {
    let key = new.public();
    let predicate = json!({
        "schemaVersion": "1",
        "announcedAt": at,
        "signer": signer(old.public()),
        "newKey": signer(key),
        "proof": hex(&new.sign(&possession(old.public()))?),
    });
    sign(&[Subject::of("new public key", key.bytes())], KEY_ROTATION, &predicate, old)
}

/// The new key of an announcement by one of the trusted keys.
///
/// # Errors
/// If it was changed, another key signed it, or the new key has not agreed.
pub fn follow(bytes: &[u8], shown: &Name, trusted: &[PublicKey]) -> Result<PublicKey> {
    let opened = open(bytes, shown, KEY_ROTATION, trusted)?;
    let wrong =
        || Error::refused("R0308", say!("{} does not prove that the new key is there", shown));
    let told = &opened.predicate;
    let key = told["newKey"]["publicKey"].as_str().and_then(public_from_hex).ok_or_else(wrong)?;
    let text = told["proof"].as_str().unwrap_or_default();
    let proof: Option<Vec<u8>> = (text.len() == 128 && text.is_ascii())
        .then(|| (0..64).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).ok()).collect())
        .flatten();
    if proof.is_some_and(|proof| key.verifies(&possession(&opened.signer), &proof)) {
        Ok(key)
    } else {
        Err(wrong())
    }
}

/// The public key in the form that other tools read: SubjectPublicKeyInfo (RFC 8410) in PEM.
#[must_use]
pub fn pem(key: &PublicKey) -> String {
    use base64::Engine as _;
    let mut der = vec![0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    der.extend_from_slice(key.bytes());
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;

    fn made(number: u8) -> (String, PublicKey) {
        let key = SigningKey::from_test_seed([number; 32]);
        let predicate = json!({ "schemaVersion": "1", "signer": signer(key.public()) });
        let subjects = [Subject::of("a.csv", b"x")];
        (sign(&subjects, RUN, &predicate, &key).unwrap(), *key.public())
    }

    const NAME: Name = Name::fixed("record/run.dsse.json");

    #[test]
    fn a_statement_is_opened_by_its_key_only() {
        let (text, key) = made(1);
        let other = *SigningKey::from_test_seed([2; 32]).public();
        let opened = open(text.as_bytes(), &NAME, RUN, &[other, key]).unwrap();
        assert_eq!(opened.signer, key);
        assert!(opened.trusted);
        // SHA-256 and SHA3-256 of "x", from Python's hashlib.
        assert_eq!(
            opened.subjects[0].sha256,
            "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
        );
        assert_eq!(
            opened.subjects[0].sha3_256,
            "741efa311f97686956946758e0d95f70f11ff2da4f2feb7c54314f44134ac49f"
        );
        assert!(!open(text.as_bytes(), &NAME, RUN, &[]).unwrap().trusted);
        assert_eq!(open(text.as_bytes(), &NAME, RUN, &[other]).unwrap_err().code, "R0303");
        assert_eq!(open(text.as_bytes(), &NAME, SEAL, &[key]).unwrap_err().code, "R0304");
    }

    #[test]
    fn a_new_key_is_announced_by_the_old_one_and_agrees() {
        let (old, new) = (SigningKey::from_test_seed([1; 32]), SigningKey::from_test_seed([2; 32]));
        let name = Name::fixed("a");
        let text = announce(&old, &new, "2026-01-02T03:04:05Z").unwrap();
        assert_eq!(follow(text.as_bytes(), &name, &[*old.public()]).unwrap(), *new.public());
        assert_eq!(follow(text.as_bytes(), &name, &[*new.public()]).unwrap_err().code, "R0303");
        // The old key names a key whose holder did not agree.
        let forged = json!({ "signer": signer(old.public()), "newKey": signer(new.public()),
            "proof": hex(&old.sign(&possession(old.public())).unwrap()) });
        let forged = sign(&[], KEY_ROTATION, &forged, &old).unwrap();
        assert_eq!(follow(forged.as_bytes(), &name, &[*old.public()]).unwrap_err().code, "R0308");
    }

    #[test]
    fn every_flipped_bit_of_the_file_is_found() {
        let (text, key) = made(1);
        for at in 0..text.len() {
            for bit in [1, 4, 32] {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= bit;
                assert!(open(&bytes, &NAME, RUN, &[key]).is_err(), "byte {at}");
                assert!(open(&bytes, &NAME, RUN, &[]).is_err(), "byte {at}");
            }
        }
    }

    /// RFC 8410 §10.1: the example of a public key.
    #[test]
    fn a_public_key_as_other_tools_read_it() {
        let key =
            public_from_hex("19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1");
        assert!(
            pem(&key.unwrap())
                .contains("MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=")
        );
    }
}
