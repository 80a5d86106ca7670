//! What a run leaves on a disk so that a later one can go on from it: encrypted, each file under a key of its own that comes from the
//! project key, so that nobody reads it who could not make the pseudonyms.

use std::io::{Read, Write};

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use zeroize::Zeroizing;

use super::derive::ReleaseSecrets;
use super::locked::Locked;
use super::random;
use super::suite::{Mac, Suite};
use crate::error::{Error, Result};
use crate::say;

/// The code for what does not open.
pub const OTHER_WORK: &str = "K0152";

const MAGIC: &[u8; 8] = b"kakouKW1";
/// Bytes that are encrypted at once.
const CHUNK: usize = 1 << 20;
const TAG: usize = 16;

/// Encrypts files for the holder of a project key.
pub struct Vault {
    suite: Suite,
    key: Locked<[u8; 32]>,
}

fn failed(e: &std::io::Error) -> Error {
    Error::io("K0151", say!("keeping work for a later run"), e)
}

/// The number of a chunk, and whether it is the last: a file that was cut or put together otherwise does not open.
fn nonce(number: u64, last: bool) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[..8].copy_from_slice(&number.to_be_bytes());
    nonce[8] = last.into();
    nonce
}

/// Fills as much as there is.
fn fill(from: &mut dyn Read, into: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < into.len() {
        match from.read(&mut into[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(filled)
}

impl Vault {
    pub(super) fn new(suite: Suite, above: &[u8; 32]) -> Self {
        let mut key = Locked::new([0; 32]);
        key.with(|below| Mac::new(suite, above, "kakou/kept-work").tag_into(&[], below));
        Vault { suite, key }
    }

    /// The cipher of one file. Its salt is drawn anew whenever it is written, so no key is used for two contents.
    fn cipher(&self, salt: &[u8; 32], name: &[&str]) -> ChaCha20Poly1305 {
        let mut fields: Vec<&[u8]> = vec![salt];
        fields.extend(name.iter().map(|part| part.as_bytes()));
        let mut key = Zeroizing::new([0; 32]);
        Mac::new(self.suite, self.key.get(), "kakou/kept-file").tag_into(&fields, &mut key);
        ChaCha20Poly1305::new((&*key).into())
    }

    /// Encrypts all that `from` gives. It opens again under the same name only.
    ///
    /// # Errors
    /// I/O; no random numbers.
    pub fn lock(&self, name: &[&str], from: &mut dyn Read, to: &mut dyn Write) -> Result<()> {
        let mut salt = [0; 32];
        random(&mut salt)?;
        let cipher = self.cipher(&salt, name);
        to.write_all(MAGIC).and_then(|()| to.write_all(&salt)).map_err(|e| failed(&e))?;
        // One chunk ahead, to know which is the last.
        let mut chunk = Zeroizing::new(vec![0; CHUNK]);
        let mut next = Zeroizing::new(vec![0; CHUNK]);
        let mut length = fill(from, &mut chunk).map_err(|e| failed(&e))?;
        for number in 0.. {
            let after = fill(from, &mut next).map_err(|e| failed(&e))?;
            let bytes = &mut chunk[..length];
            let tag = cipher
                .encrypt_in_place_detached(&nonce(number, after == 0).into(), &[], bytes)
                .map_err(|_| failed(&std::io::ErrorKind::InvalidInput.into()))?;
            to.write_all(bytes).and_then(|()| to.write_all(&tag)).map_err(|e| failed(&e))?;
            if after == 0 {
                return Ok(());
            }
            std::mem::swap(&mut chunk, &mut next);
            length = after;
        }
        Ok(())
    }

    /// Decrypts what [`Self::lock`] made under this name. What was written when it fails is worth nothing.
    ///
    /// # Errors
    /// K0152 if it was made under another name or key, or is damaged or cut; I/O.
    pub fn unlock(&self, name: &[&str], from: &mut dyn Read, to: &mut dyn Write) -> Result<()> {
        let other = || {
            Error::environment(
                OTHER_WORK,
                say!("the kept work is of another run, or it is damaged"),
            )
        };
        let mut head = [0; 40];
        let read = fill(from, &mut head).map_err(|e| failed(&e))?;
        let (magic, salt) = head.split_at(8);
        let salt: &[u8; 32] = salt.try_into().map_err(|_| other())?;
        if read != head.len() || magic != MAGIC {
            return Err(other());
        }
        let cipher = self.cipher(salt, name);
        let mut chunk = Zeroizing::new(vec![0; CHUNK + TAG]);
        let mut next = Zeroizing::new(vec![0; CHUNK + TAG]);
        let mut length = fill(from, &mut chunk).map_err(|e| failed(&e))?;
        for number in 0.. {
            let after = fill(from, &mut next).map_err(|e| failed(&e))?;
            let bytes = length.checked_sub(TAG).ok_or_else(other)?;
            let (bytes, tag) = chunk[..length].split_at_mut(bytes);
            let tag: &[u8; TAG] = (&*tag).try_into().map_err(|_| other())?;
            cipher
                .decrypt_in_place_detached(
                    &nonce(number, after == 0).into(),
                    &[],
                    bytes,
                    tag.into(),
                )
                .map_err(|_| other())?;
            to.write_all(bytes).map_err(|e| failed(&e))?;
            if after == 0 {
                return Ok(());
            }
            std::mem::swap(&mut chunk, &mut next);
            length = after;
        }
        Ok(())
    }
}

impl ReleaseSecrets {
    /// What encrypts the work that is kept for a later run with the same secrets.
    #[must_use]
    pub fn vault(&self) -> Vault {
        Vault::new(self.suite(), self.key_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(length: usize) -> (Vault, Vec<u8>, Vec<u8>) {
        let vault = ReleaseSecrets::anonymized_from_test_seed(1).vault();
        let plain: Vec<u8> = (0..length).map(|n| (n % 251) as u8).collect();
        let mut locked = Vec::new();
        vault.lock(&["a", "b"], &mut plain.as_slice(), &mut locked).unwrap();
        (vault, plain, locked)
    }

    fn open(vault: &Vault, name: &[&str], locked: &[u8]) -> Option<Vec<u8>> {
        let mut back = Vec::new();
        vault.unlock(name, &mut &*locked, &mut back).ok().map(|()| back)
    }

    #[test]
    fn what_was_locked_opens_under_its_name_and_key_only() {
        for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 17] {
            let (vault, plain, locked) = round(length);
            assert_eq!(open(&vault, &["a", "b"], &locked).as_ref(), Some(&plain), "{length}");
            assert_eq!(open(&vault, &["ab"], &locked), None);
            assert_eq!(open(&vault, &["a", "c"], &locked), None);
            let other = ReleaseSecrets::anonymized_from_test_seed(2).vault();
            assert_eq!(open(&other, &["a", "b"], &locked), None);
            let again = round(length).2;
            assert_ne!(again, locked, "the same bytes twice");
        }
    }

    #[test]
    fn nothing_changed_or_cut_opens() {
        let (vault, plain, locked) = round(2 * CHUNK + 5);
        assert!(!locked.windows(64).any(|w| w == &plain[..64]));
        let chunk = CHUNK + TAG;
        for length in [0, 7, 40, 41, 40 + chunk, 40 + 2 * chunk, locked.len() - 1] {
            assert_eq!(open(&vault, &["a", "b"], &locked[..length]), None, "{length}");
        }
        for at in [0, 8, 39, 40, 40 + CHUNK, 40 + chunk, locked.len() - 1] {
            let mut changed = locked.clone();
            changed[at] ^= 1;
            assert_eq!(open(&vault, &["a", "b"], &changed), None, "{at}");
        }
        // Two chunks that changed their places.
        let mut swapped = locked[..40].to_vec();
        swapped.extend_from_slice(&locked[40 + chunk..40 + 2 * chunk]);
        swapped.extend_from_slice(&locked[40..40 + chunk]);
        swapped.extend_from_slice(&locked[40 + 2 * chunk..]);
        assert_eq!(open(&vault, &["a", "b"], &swapped), None);
    }
}
