//! Witnesses: someone with a key and a memory of his own who signs that a ledger has only grown (C2SP tlog-cosignature).
//!
//! The proof that a ledger goes on from an older checkpoint is a text: a title line, `old SIZE`, the hashes of RFC 6962
//! §2.1.2 in base64 one a line, an empty line and the new checkpoint. It is what a witness without access to the ledger
//! is sent.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::ledger::{Book, Ledger, replace};
use super::merkle::{self, Hash, Head};
use super::note::{Checkpoint, Note, Role, VerifierKey};
use crate::error::{Error, Name, Result};
use crate::keys::{PublicKey, Sign};
use crate::say;

const TITLE: &str = "kakou ledger consistency v1";

/// What a witness did.
#[derive(Clone, Copy, Debug)]
pub struct Cosigned {
    /// Entries of the checkpoint that it signed.
    pub size: u64,
    /// Entries of the one that it had seen before.
    pub before: Option<u64>,
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| {
        Error::io("R0241", say!("reading {}", Name::from_policy(path.display().to_string())), &e)
    })
}

/// A checkpoint in a file, which must be of the book's ledger. A signature proves nothing here: the book is compared
/// with what is written.
///
/// # Errors
/// If it is no checkpoint, or of another ledger.
pub fn read_checkpoint(path: &Path, book: &Book) -> Result<Head> {
    let checkpoint = Checkpoint::parse(Note::parse(&read(path)?)?.text())?;
    if checkpoint.origin != book.origin {
        return Err(Error::refused("R0242", say!("the checkpoint is of another ledger")));
    }
    Ok(checkpoint.head)
}

/// The proof that a ledger is a continuation of an older checkpoint, as text.
///
/// # Errors
/// If it is none.
pub fn consistency_text(book: &Book, old: &Head) -> Result<String> {
    let mut text = format!("{TITLE}\nold {}\n", old.size);
    for hash in book.consistency(old)? {
        text.push_str(&STANDARD.encode(hash));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(&book.checkpoint);
    Ok(text)
}

fn parse_consistency(text: &str) -> Option<(u64, Vec<Hash>, &str)> {
    let (head, note) = text.split_once("\n\n")?;
    let mut lines = head.split('\n');
    (lines.next() == Some(TITLE)).then_some(())?;
    let old = lines.next()?.strip_prefix("old ")?.parse().ok()?;
    let hashes =
        lines.map(|l| STANDARD.decode(l).ok()?.try_into().ok()).collect::<Option<Vec<Hash>>>()?;
    Some((old, hashes, note))
}

/// Signs the newest checkpoint of a ledger, if one of `keys` signed it and it goes on from what was seen before.
/// `ledger` is a ledger's folder or a file made by [`consistency_text`]. `seen` is replaced by the cosigned checkpoint.
///
/// # Errors
/// If the checkpoint is not signed by the keys, is of another ledger than the one seen before, or does not go on from it.
pub fn cosign(
    ledger: &Path,
    keys: &[PublicKey],
    seen: &Path,
    name: &str,
    key: &dyn Sign,
    now: u64,
) -> Result<Cosigned> {
    let before = match std::fs::read(seen) {
        Ok(bytes) => {
            let note = Note::parse(&bytes)?;
            // A witness believes its own memory only with its own signature.
            note.verify(&[VerifierKey::new(name, Role::Witness, *key.public())?])?;
            Some(Checkpoint::parse(note.text())?)
        }
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => return Err(Error::io("R0241", say!("reading what was seen before"), &e)),
    };
    let bad = || Error::refused("R0243", say!("this is no proof of a ledger's consistency"));
    let (text, proof) = if ledger.is_dir() {
        // The whole ledger is there: every entry is verified, not only the proof.
        let book = Ledger::at(ledger).read(&[])?;
        let proof = match &before {
            Some(old) => Some((old.head.size, book.consistency(&old.head)?)),
            None => None,
        };
        (book.checkpoint, proof)
    } else {
        let text = String::from_utf8(read(ledger)?).map_err(|_| bad())?;
        let (old, hashes, note) = parse_consistency(&text).ok_or_else(bad)?;
        (note.to_owned(), Some((old, hashes)))
    };
    let note = Note::parse(text.as_bytes())?;
    let new = Checkpoint::parse(note.text())?;
    let named = keys
        .iter()
        .map(|k| VerifierKey::new(&new.origin, Role::Log, *k))
        .collect::<Result<Vec<_>>>()?;
    note.verify(&named)?;
    if let Some(old) = &before {
        let (size, hashes) = proof.ok_or_else(bad)?;
        if old.origin != new.origin {
            return Err(Error::refused("R0242", say!("the checkpoint is of another ledger")));
        }
        if size != old.head.size || !merkle::is_consistent(&old.head, &new.head, &hashes) {
            return Err(Error::refused(
                "R0244",
                say!(
                    "the ledger does not go on from the {} entries that were seen before: it was cut or rewritten",
                    old.head.size
                ),
            ));
        }
    }
    // Signatures of others stay where they are; this one stands on the ledger's own.
    let mut note = Note::parse(text.as_bytes())?;
    note.cosign(name, key, now)?;
    replace(seen, note.to_string().as_bytes())?;
    Ok(Cosigned { size: new.head.size, before: before.map(|b| b.head.size) })
}

#[cfg(test)]
mod tests {
    use super::super::ledger::EntryKind;
    use super::*;
    use crate::keys::SigningKey;
    use serde_json::json;

    #[test]
    fn a_witness_signs_growth_and_refuses_anything_else() {
        let folder = tempfile::tempdir().unwrap();
        let (log, witness) =
            (SigningKey::from_test_seed([1; 32]), SigningKey::from_test_seed([2; 32]));
        let keys = [*log.public()];
        let path = folder.path().join("ledger");
        let ledger = Ledger::init(&path, "hospital.example/kakou", &log).unwrap();
        let seen = folder.path().join("seen");
        let sign = |from: &Path, seen: &Path| {
            cosign(from, &keys, seen, "witness.example/w", &witness, 1_800_000_000)
        };
        assert_eq!(sign(&path, &seen).unwrap().before, None);
        for n in 0..3 {
            ledger.append(EntryKind::Run, &json!({ "release": n }), &log).unwrap();
        }
        // From afar, with the proof alone.
        let book = ledger.read(&[]).unwrap();
        let old = read_checkpoint(&seen, &book).unwrap();
        assert_eq!(old.size, 1);
        let proof = folder.path().join("proof");
        let text = consistency_text(&book, &old).unwrap();
        for at in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] ^= 1;
            std::fs::write(&proof, bytes).unwrap();
            assert!(sign(&proof, &seen).is_err(), "byte {at}");
        }
        std::fs::write(&proof, &text).unwrap();
        assert!(
            cosign(&proof, &[*witness.public()], &seen, "witness.example/w", &witness, 1).is_err()
        );
        let done = sign(&proof, &seen).unwrap();
        assert_eq!((done.before, done.size), (Some(1), 4));
        // Both signatures stand below the checkpoint now.
        let note = Note::parse(&std::fs::read(&seen).unwrap()).unwrap();
        let both = [
            VerifierKey::new("hospital.example/kakou", Role::Log, *log.public()).unwrap(),
            VerifierKey::new("witness.example/w", Role::Witness, *witness.public()).unwrap(),
        ];
        let signed = note.verify(&both).unwrap();
        assert_eq!((signed.len(), signed[1].at), (2, Some(1_800_000_000)));
        // The old proof again, a ledger that was cut, and another one of the same name.
        assert_eq!(sign(&proof, &seen).unwrap_err().code, "R0244");
        let other = folder.path().join("other");
        let short = Ledger::init(&other, "hospital.example/kakou", &log).unwrap();
        assert_eq!(sign(&other, &seen).unwrap_err().code, "R0221");
        for n in 0..5 {
            short.append(EntryKind::Run, &json!({ "release": n + 7 }), &log).unwrap();
        }
        assert_eq!(sign(&other, &seen).unwrap_err().code, "R0222");
        std::fs::write(&seen, b"forged").unwrap();
        assert!(sign(&path, &seen).is_err());
    }
}
