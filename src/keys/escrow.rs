//! Two persons: a project key sealed under two shares, for tracing back pseudonyms (法35条3項ただし書).
//!
//! A share is a key file of its own, made by the person who holds it, with that person's passphrase. The escrow file
//! holds the project key, encrypted (XChaCha20-Poly1305) under a key derived from both shares: KMAC256 or HMAC-SHA3-256
//! keyed by one share over the other. Either share alone, or both without the escrow file, give nothing. Destroying the
//! key file and the escrow file therefore ends all tracing, though shares live on.

use std::path::Path;
use std::time::SystemTime;

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::file::{self, Cost, KeyFacts, Passphrase, ProjectKey, Purpose};
use super::locked::Locked;
use super::suite::{Mac, Suite};
use super::{hex, id_of, random};
use crate::error::{Error, Name, Result};
use crate::say;

const FORM: &str = "kakou-escrow-1";

/// One person's share. Cannot be copied or shown; overwritten when dropped.
pub struct RevealShare {
    facts: KeyFacts,
    key: Locked<[u8; 32]>,
}

impl std::fmt::Debug for RevealShare {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RevealShare({})", self.facts.id)
    }
}

impl RevealShare {
    /// Makes a new share and its file.
    ///
    /// # Errors
    /// Those of [`ProjectKey::create`].
    pub fn create(path: &Path, passphrase: Option<&Passphrase>, now: SystemTime) -> Result<Self> {
        let suite = Suite::default();
        let cost = Cost::default();
        let (facts, key) = file::create(path, passphrase, Purpose::Share, suite, 1, now, cost)?;
        Ok(RevealShare { facts, key })
    }
    /// Reads a share.
    ///
    /// # Errors
    /// Those of [`ProjectKey::open`].
    pub fn open(path: &Path, passphrase: Option<&Passphrase>) -> Result<Self> {
        let (facts, key) = file::open(path, passphrase, Purpose::Share)?;
        Ok(RevealShare { facts, key })
    }
    /// What may be known of it.
    #[must_use]
    pub fn facts(&self) -> &KeyFacts {
        &self.facts
    }
}

/// What stands in an escrow file beside the sealed key.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EscrowFacts {
    form: String,
    /// The project key.
    pub key: KeyFacts,
    /// The ids of the two shares, sorted.
    pub shares: [String; 2],
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct EscrowFile {
    facts: EscrowFacts,
    nonce: String,
    sealed: String,
}

/// The cipher under both shares.
fn cipher(facts: &EscrowFacts, one: &RevealShare, two: &RevealShare) -> Result<XChaCha20Poly1305> {
    let mut pair = [one, two];
    pair.sort_by(|a, b| a.facts.id.cmp(&b.facts.id));
    let [a, b] = pair;
    if a.facts.id == b.facts.id {
        return Err(Error::refused("K0131", say!("one share was given twice"))
            .advice(say!("two persons are needed, each with a share of his own")));
    }
    if [&a.facts.id, &b.facts.id] != [&facts.shares[0], &facts.shares[1]] {
        return Err(Error::refused(
            "K0132",
            say!(
                "the key was sealed under other shares: {} and {}",
                Name::from_policy(facts.shares[0].clone()),
                Name::from_policy(facts.shares[1].clone())
            ),
        ));
    }
    let mut key = Zeroizing::new([0; 32]);
    Mac::new(Suite::default(), a.key.get(), "kakou/escrow")
        .tag_into(&[b.key.get(), facts.key.id.as_bytes()], &mut key);
    Ok(XChaCha20Poly1305::new((&*key).into()))
}

fn failed() -> Error {
    Error::environment("K0133", say!("the project key cannot be sealed"))
}

/// Seals a project key under two shares into a new file.
///
/// # Errors
/// If a share was given twice, the file exists, or I/O.
pub fn seal(
    path: &Path,
    project: &ProjectKey,
    one: &RevealShare,
    two: &RevealShare,
) -> Result<EscrowFacts> {
    let mut shares = [one.facts.id.clone(), two.facts.id.clone()];
    shares.sort();
    let facts = EscrowFacts { form: FORM.to_owned(), key: project.facts().clone(), shares };
    let mut nonce = [0_u8; 24];
    random(&mut nonce)?;
    let mut bytes = Zeroizing::new([0_u8; 32]);
    bytes.copy_from_slice(project.bytes());
    let head = serde_json::to_vec(&facts).map_err(|_| failed())?;
    let tag = cipher(&facts, one, two)?
        .encrypt_in_place_detached((&nonce).into(), &head, bytes.as_mut_slice())
        .map_err(|_| failed())?;
    let mut sealed = hex::encode(bytes.as_slice());
    hex::push(&mut sealed, &tag);
    let content = EscrowFile { facts: facts.clone(), nonce: hex::encode(&nonce), sealed };
    let mut text = serde_json::to_string(&content).map_err(|_| failed())?;
    text.push('\n');
    let folder = file::check_folder(path)?;
    file::write_new(path, &folder, &text)?;
    Ok(facts)
}

fn parse(path: &Path) -> Result<EscrowFile> {
    let (_file, content) = file::read(path)?;
    let bad = || {
        Error::environment(
            "K0134",
            say!("`{}` is not an escrow file, or it is damaged", file::shown(path)),
        )
    };
    let read: EscrowFile = serde_json::from_slice(&content).map_err(|_| bad())?;
    if read.facts.form != FORM { Err(bad()) } else { Ok(read) }
}

/// What may be known of the key in an escrow file.
///
/// # Errors
/// If the file cannot be read or is not one.
pub fn inspect_escrow(path: &Path) -> Result<EscrowFacts> {
    Ok(parse(path)?.facts)
}

/// Opens a sealed project key with both shares.
///
/// # Errors
/// If the file is damaged, or the shares are not those under which it was sealed.
pub fn open_escrow(path: &Path, one: &RevealShare, two: &RevealShare) -> Result<ProjectKey> {
    let read = parse(path)?;
    let bad = || {
        Error::environment(
            "K0134",
            say!("`{}` is not an escrow file, or it is damaged", file::shown(path)),
        )
    };
    let cipher = cipher(&read.facts, one, two)?;
    let (mut nonce, mut tag) = ([0_u8; 24], [0_u8; 16]);
    hex::decode_into(&read.nonce, &mut nonce).ok_or_else(bad)?;
    if !read.sealed.is_ascii() || read.sealed.len() != 96 {
        return Err(bad());
    }
    let (body, mac) = read.sealed.split_at(64);
    hex::decode_into(mac, &mut tag).ok_or_else(bad)?;
    let head = serde_json::to_vec(&read.facts).map_err(|_| bad())?;
    let key = Locked::fill(|bytes| {
        hex::decode_into(body, bytes).ok_or_else(bad)?;
        cipher
            .decrypt_in_place_detached((&nonce).into(), &head, bytes, (&tag).into())
            .map_err(|_| bad())
    })?;
    if id_of(read.facts.key.suite, key.get()) != read.facts.key.id {
        return Err(bad());
    }
    Ok(ProjectKey::opened(read.facts.key, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_shares_open_it_and_nothing_else_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let now = SystemTime::now();
        let share = |name: &str| RevealShare::create(&path(name), None, now).unwrap();
        let (a, b, c) = (share("a"), share("b"), share("c"));
        let project = ProjectKey::create(&path("project"), None, Suite::default(), 3, now).unwrap();
        seal(&path("escrow"), &project, &a, &b).unwrap();
        assert_eq!(seal(&path("escrow"), &project, &a, &b).unwrap_err().code, "K0107");
        assert_eq!(seal(&path("again"), &project, &a, &a).unwrap_err().code, "K0131");
        for (one, two) in [(&a, &b), (&b, &a)] {
            let opened = open_escrow(&path("escrow"), one, two).unwrap();
            assert_eq!(opened.facts(), project.facts());
            assert_eq!(opened.bytes(), project.bytes());
        }
        assert_eq!(open_escrow(&path("escrow"), &a, &a).unwrap_err().code, "K0131");
        assert_eq!(open_escrow(&path("escrow"), &a, &c).unwrap_err().code, "K0132");
        // A share file with another content under the same id cannot be read; a project key is no share.
        assert_eq!(RevealShare::open(&path("project"), None).unwrap_err().code, "K0121");
        assert_eq!(ProjectKey::open(&path("a"), None).unwrap_err().code, "K0121");
        let text = std::fs::read_to_string(path("escrow")).unwrap();
        let bytes: String = project.bytes().iter().map(|b| format!("{b:02x}")).collect();
        assert!(!text.contains(&bytes));
        for at in (0..text.len() - 1).step_by(3) {
            let mut changed = text.clone().into_bytes();
            changed[at] ^= 1;
            std::fs::write(path("escrow"), changed).unwrap();
            assert!(open_escrow(&path("escrow"), &a, &b).is_err(), "byte {at}");
        }
    }

    #[test]
    fn a_destroyed_key_is_gone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("project");
        let now = SystemTime::now();
        drop(ProjectKey::create(&path, None, Suite::default(), 1, now).unwrap());
        // The content is overwritten in place: a second name of the file would show it, so it is refused there.
        let other = folder.path().join("other");
        std::fs::hard_link(&path, &other).unwrap();
        assert_eq!(file::destroy(&path).unwrap_err().code, "K0117");
        std::fs::remove_file(&other).unwrap();
        let open = std::fs::File::open(&path).unwrap();
        file::destroy(&path).unwrap();
        assert!(!path.exists());
        let mut left = String::new();
        std::io::Read::read_to_string(&mut &open, &mut left).unwrap();
        assert!(!left.contains("kakou-key"));
    }
}
