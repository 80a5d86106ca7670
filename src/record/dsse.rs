//! DSSE 1.0.2: an envelope around signed bytes.
//!
//! What is signed is the type and the bytes, each behind its length, so that no canonical form of JSON is needed.
//! The bytes come out of an envelope only by verification, so that nothing else can be read than what was signed.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::keys::{PublicKey, Sign};
use crate::say;

/// The type of an in-toto statement.
pub const IN_TOTO: &str = "application/vnd.in-toto+json";

/// The most signatures that are looked at.
const MOST_SIGNATURES: usize = 64;

/// What is signed: `DSSEv1 LENGTH TYPE LENGTH BYTES`, lengths in decimal.
#[must_use]
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut text =
        format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    text.extend_from_slice(payload);
    text
}

/// Bytes, their type and their signatures.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Envelope {
    payload_type: String,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

/// A signature and the id of its key. The id is a hint and decides nothing.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Signature {
    /// The id of the key, or nothing.
    pub key_id: String,
    /// The signature.
    pub bytes: Vec<u8>,
}

/// What came out of an envelope.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Verified<'a> {
    /// The bytes that were signed.
    pub payload: &'a [u8],
    /// The trusted keys that signed them, each once, in the order in which they were given.
    pub signers: Vec<PublicKey>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct WireEnvelope {
    payload: String,
    payload_type: String,
    signatures: Vec<WireSignature>,
}

#[derive(Deserialize, Serialize)]
struct WireSignature {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    keyid: Option<String>,
    sig: String,
}

/// Both alphabets of base64, with padding and without free bits.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

fn unreadable() -> Error {
    Error::environment("R0101", say!("this is not a DSSE envelope"))
        .advice(say!("look whether the file is whole and the right one"))
}

impl Envelope {
    /// An envelope without signatures.
    #[must_use]
    pub fn new(payload_type: &'static str, payload: Vec<u8>) -> Self {
        Envelope { payload_type: payload_type.to_owned(), payload, signatures: Vec::new() }
    }

    /// Adds a signature.
    ///
    /// # Errors
    /// If the signer fails.
    pub fn sign(&mut self, signer: &dyn Sign) -> Result<()> {
        let bytes = signer.sign(&pae(&self.payload_type, &self.payload))?.to_vec();
        self.signatures.push(Signature { key_id: signer.public().id(), bytes });
        Ok(())
    }

    /// The signatures, not verified.
    #[must_use]
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// The bytes before anything is verified: only to find the key that they claim to be signed by.
    pub(super) fn unverified(&self) -> &[u8] {
        &self.payload
    }

    /// The JSON form, one line.
    ///
    /// # Errors
    /// None that is known; those of the JSON library.
    pub fn to_json(&self) -> Result<String> {
        let wire = WireEnvelope {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.payload_type.clone(),
            signatures: self
                .signatures
                .iter()
                .map(|signature| WireSignature {
                    keyid: Some(signature.key_id.clone()).filter(|id| !id.is_empty()),
                    sig: STANDARD.encode(&signature.bytes),
                })
                .collect(),
        };
        serde_json::to_string(&wire)
            .map_err(|_| Error::environment("R0102", say!("the envelope cannot be written")))
    }

    /// Reads the JSON form. Unknown fields are ignored and signatures that are not base64 left out, as the
    /// specification demands: neither is signed, so anyone could have added them.
    ///
    /// # Errors
    /// If it is not an envelope.
    pub fn from_json(json: &[u8]) -> Result<Self> {
        let wire: WireEnvelope = serde_json::from_slice(json).map_err(|_| unreadable())?;
        if wire.signatures.len() > MOST_SIGNATURES {
            return Err(Error::environment(
                "R0103",
                say!("the envelope has more than {} signatures", MOST_SIGNATURES),
            ));
        }
        let signatures = wire
            .signatures
            .into_iter()
            .filter_map(|wire| {
                let key_id = wire.keyid.unwrap_or_default();
                decode(&wire.sig).map(|bytes| Signature { key_id, bytes })
            })
            .collect();
        let payload = decode(&wire.payload).ok_or_else(unreadable)?;
        Ok(Envelope { payload_type: wire.payload_type, payload, signatures })
    }

    /// The bytes, if at least `threshold` of the trusted keys have signed them as this type.
    ///
    /// # Errors
    /// If fewer have, the type is another one, or the threshold is 0 or above the number of keys.
    pub fn verify(
        &self,
        payload_type: &'static str,
        trusted: &[PublicKey],
        threshold: usize,
    ) -> Result<Verified<'_>> {
        let mut keys: Vec<PublicKey> = Vec::new();
        for key in trusted {
            if !keys.contains(key) {
                keys.push(*key);
            }
        }
        if !(1..=keys.len()).contains(&threshold) {
            return Err(Error::policy(
                "R0104",
                say!(
                    "{} signatures are asked for, but {} different keys are trusted",
                    threshold,
                    keys.len()
                ),
            )
            .advice(say!("name at least one key, and as many as signatures are needed")));
        }
        let signed = pae(&self.payload_type, &self.payload);
        keys.retain(|key| {
            self.signatures.iter().any(|signature| key.verifies(&signed, &signature.bytes))
        });
        if keys.len() < threshold {
            return Err(Error::refused(
                "R0105",
                say!("{} of {} needed signatures of trusted keys hold", keys.len(), threshold),
            )
            .advice(say!("the content or a signature was changed, or another key signed it")));
        }
        if self.payload_type != payload_type {
            return Err(Error::refused(
                "R0106",
                say!("the signed content is not of the type `{}`", payload_type),
            ));
        }
        Ok(Verified { payload: &self.payload, signers: keys })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;

    const HELLO: &str = "http://example.com/HelloWorld";

    fn key(number: u8) -> SigningKey {
        SigningKey::from_test_seed([number; 32])
    }

    fn hello(signers: &[u8]) -> Envelope {
        let mut envelope = Envelope::new(HELLO, b"hello world".to_vec());
        for number in signers {
            envelope.sign(&key(*number)).unwrap();
        }
        envelope
    }

    fn public(numbers: &[u8]) -> Vec<PublicKey> {
        numbers.iter().map(|number| *key(*number).public()).collect()
    }

    /// The example of the specification. (Its signature is of another kind, ECDSA.)
    #[test]
    fn the_example_of_the_specification() {
        assert_eq!(
            pae(HELLO, b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
        let json = br#"{"payload": "aGVsbG8gd29ybGQ=",
 "payloadType": "http://example.com/HelloWorld",
 "signatures": [{"sig": "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA=="}]}"#;
        let envelope = Envelope::from_json(json).unwrap();
        assert_eq!(envelope.payload, b"hello world");
        assert_eq!(envelope.signatures.len(), 1);
        assert_eq!(envelope.signatures[0].bytes.len(), 64);
        let again = Envelope::from_json(envelope.to_json().unwrap().as_bytes()).unwrap();
        assert_eq!(again, envelope);
        assert_eq!(envelope.verify(HELLO, &public(&[1]), 1).unwrap_err().code, "R0105");
    }

    #[test]
    fn the_length_of_the_type_counts_bytes() {
        assert_eq!(pae("型", "値".as_bytes()), "DSSEv1 3 型 3 値".as_bytes());
    }

    #[test]
    fn as_many_different_keys_as_asked_for() {
        let envelope = hello(&[1, 2]);
        let verified = envelope.verify(HELLO, &public(&[3, 2, 1]), 2).unwrap();
        assert_eq!(verified.payload, b"hello world");
        assert_eq!(verified.signers, public(&[2, 1]));
        assert!(envelope.verify(HELLO, &public(&[1]), 1).is_ok());
        let code = |envelope: &Envelope, keys: &[u8], threshold| {
            envelope.verify(HELLO, &public(keys), threshold).unwrap_err().code
        };
        assert_eq!(code(&envelope, &[1, 3], 2), "R0105");
        // One key twice is one key, in the envelope and in the list.
        assert_eq!(code(&hello(&[1, 1]), &[1, 2], 2), "R0105");
        assert_eq!(code(&envelope, &[1, 1], 2), "R0104");
        assert_eq!(code(&envelope, &[1], 0), "R0104");
        assert_eq!(code(&envelope, &[], 1), "R0104");
        let other_type = envelope.verify(IN_TOTO, &public(&[1]), 1).unwrap_err();
        assert_eq!(other_type.code, "R0106");
    }

    #[test]
    fn what_is_not_signed_decides_nothing() {
        let json = hello(&[1]).to_json().unwrap();
        // A wrong or missing key id, a further field, further signatures and the other alphabet change nothing.
        let id = key(1).public().id();
        for changed in [
            json.replace(&id, "another"),
            json.replace(&format!("\"keyid\":\"{id}\","), ""),
            json.replacen('{', "{\"more\":[1,{}],", 1),
            json.replace("\"signatures\":[", "\"signatures\":[{\"sig\":\"?\"},{\"sig\":\"AAAA\"},"),
            json.replace('+', "-")
                .replace('/', "_")
                .replace("http:__example.com_", "http://example.com/"),
        ] {
            let envelope = Envelope::from_json(changed.as_bytes()).unwrap();
            assert!(envelope.verify(HELLO, &public(&[1]), 1).is_ok(), "{changed}");
        }
    }

    #[test]
    fn every_changed_byte_of_what_is_signed_is_found() {
        let envelope = hello(&[1]);
        let keys = public(&[1]);
        for place in 0..envelope.payload.len() {
            let mut changed = envelope.clone();
            changed.payload[place] ^= 1;
            assert_eq!(changed.verify(HELLO, &keys, 1).unwrap_err().code, "R0105");
        }
        for place in 0..64 {
            let mut changed = envelope.clone();
            changed.signatures[0].bytes[place] ^= 1;
            assert_eq!(changed.verify(HELLO, &keys, 1).unwrap_err().code, "R0105");
        }
        let mut changed = envelope.clone();
        changed.payload_type.push('s');
        assert_eq!(changed.verify(HELLO, &keys, 1).unwrap_err().code, "R0105");
        // A byte moved from the type to the content.
        let moved = Envelope {
            payload_type: "http://example.com/HelloWorl".into(),
            payload: b"dhello world".to_vec(),
            ..envelope
        };
        assert_eq!(moved.verify(HELLO, &keys, 1).unwrap_err().code, "R0105");
    }

    #[test]
    fn what_is_not_an_envelope_is_refused() {
        let whole = hello(&[1]).to_json().unwrap();
        for cut in 0..whole.len() {
            assert_eq!(Envelope::from_json(&whole.as_bytes()[..cut]).unwrap_err().code, "R0101");
        }
        for bad in [
            whole.replacen("\"payload\":", "\"payload\":\"AAAA\",\"payload\":", 1),
            whole.replace("aGVsbG8gd29ybGQ=", "aGVsbG8gd29ybGQ"),
            whole.replace("aGVsbG8gd29ybGQ=", "aGVsbG8gd29ybGR="),
            format!("{whole}x"),
            "[".repeat(100_000),
        ] {
            assert_eq!(Envelope::from_json(bad.as_bytes()).unwrap_err().code, "R0101");
        }
        let many = hello(&[1; MOST_SIGNATURES + 1]).to_json().unwrap();
        assert_eq!(Envelope::from_json(many.as_bytes()).unwrap_err().code, "R0103");
    }
}
