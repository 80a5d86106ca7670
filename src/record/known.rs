//! What a key has verified of a ledger, so that its next entry need not verify it again.
//!
//! Whoever writes an entry leaves behind, signed with the same key, how far everything held (`seen/KEY` in the ledger's folder):
//! the size and the right edge of the tree, where the last line stands and its hash, who may write. The next entry by this key goes
//! on from there and verifies what came since. Nobody believes what another key has seen, so whoever edits the files of a ledger
//! cannot make one; an older one put back means more to verify, never less.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::attest;
use super::merkle::{Edge, Hash};
use super::note::{Role, VerifierKey};
use crate::digest::{hex, unhex};
use crate::error::{Name, Result};
use crate::keys::{PublicKey, Sign};
use crate::system::Opening as _;

/// The folder in which keys leave what they have seen.
pub(super) const SEEN: &str = "seen";
/// The type of what they sign.
const TYPE: &str = "application/vnd.kakou.ledger-seen+json";
/// The largest file that is read; a key takes 67 bytes of it.
const LARGEST: u64 = 1 << 20;

/// How far a ledger was verified, and what its next entry needs of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Known {
    /// The name of the ledger.
    pub(super) origin: String,
    /// The number of entries, and their tree.
    pub(super) edge: Edge,
    /// Where the last line begins, in bytes.
    pub(super) from: u64,
    /// Where the next line begins.
    pub(super) end: u64,
    /// The hash of the last line.
    pub(super) previous: Hash,
    /// The latest time that an entry says.
    pub(super) latest: String,
    /// The keys that may write.
    pub(super) keys: BTreeMap<[u8; 32], VerifierKey>,
}

impl Known {
    /// Nothing yet.
    pub(super) fn nothing() -> Self {
        Known {
            origin: String::new(),
            edge: Edge::default(),
            from: 0,
            end: 0,
            previous: [0; 32],
            latest: String::new(),
            keys: BTreeMap::new(),
        }
    }

    /// The name of the ledger.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
    /// How many entries were verified.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.edge.size()
    }

    fn told(&self, by: &PublicKey) -> Value {
        let hashes: Vec<String> = self.edge.peaks().iter().map(|hash| hex(hash)).collect();
        let keys: Vec<String> = self.keys.keys().map(|key| hex(key)).collect();
        json!({
            "schemaVersion": "1",
            "ledger": self.origin,
            "size": self.size(),
            "edge": hashes,
            "from": self.from,
            "end": self.end,
            "previous": hex(&self.previous),
            "latest": self.latest,
            "keys": keys,
            "signer": attest::signer(by),
        })
    }

    fn of(told: &Value) -> Option<Self> {
        if told["schemaVersion"] != "1" {
            return None;
        }
        let origin = told["ledger"].as_str()?;
        let hash = |value: &Value| unhex(value.as_str()?);
        let peaks = told["edge"].as_array()?.iter().map(hash).collect::<Option<Vec<_>>>()?;
        let key = |value: &Value| {
            let key = attest::public_from_hex(value.as_str()?)?;
            Some((*key.bytes(), VerifierKey::new(origin, Role::Log, key).ok()?))
        };
        Some(Known {
            origin: origin.to_owned(),
            edge: Edge::new(told["size"].as_u64()?, peaks)?,
            from: told["from"].as_u64()?,
            end: told["end"].as_u64()?,
            previous: hash(&told["previous"])?,
            latest: told["latest"].as_str()?.to_owned(),
            keys: told["keys"].as_array()?.iter().map(key).collect::<Option<_>>()?,
        })
    }

    /// Leaves it behind for the next entry by this key. Written in place, and without waiting for the disk: what a kill or a power cut
    /// leaves of it is not as the key signed it, and then the next entry verifies all. So no error here is one of the entry's.
    pub(super) fn leave(&self, ledger: &Path, key: &dyn Sign) {
        let leave = || -> Result<()> {
            let text = attest::envelope(TYPE, &self.told(key.public()), key)?;
            crate::release::private(&ledger.join(SEEN))?;
            OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .of_group()
                .no_link()
                .open(of_key(ledger, key.public()))
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|e| super::ledger::io("writing", &e))
        };
        let _ = leave();
    }

    /// What this key left behind. `None` if there is nothing, or nothing that it signed as it stands.
    pub(super) fn left(ledger: &Path, key: &PublicKey) -> Option<Self> {
        let (known, _) = open(&of_key(ledger, key), &[*key])?;
        Some(known)
    }

    /// What all keys left behind, each by the key that says it signed it.
    pub(super) fn all(ledger: &Path) -> Vec<(Self, PublicKey)> {
        let files = super::ledger::listed(&ledger.join(SEEN)).unwrap_or_default();
        files.iter().filter_map(|path| open(path, &[])).collect()
    }
}

fn of_key(ledger: &Path, key: &PublicKey) -> PathBuf {
    ledger.join(SEEN).join(key.id())
}

fn open(path: &Path, keys: &[PublicKey]) -> Option<(Known, PublicKey)> {
    let mut bytes = Vec::new();
    File::open(path).ok()?.take(LARGEST).read_to_end(&mut bytes).ok()?;
    let (payload, signer) = attest::opened(&bytes, &Name::fixed(SEEN), TYPE, keys).ok()?;
    Some((Known::of(&serde_json::from_slice(&payload).ok()?)?, signer))
}
