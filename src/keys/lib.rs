//! Keys: the only place that touches key bytes.
//!
//! A root key in a sealed file, a hierarchy derived from it for pseudonymized releases (仮名加工), and for an
//! anonymized release (匿名加工) a key that exists in memory for one run and cannot be made again.

// Other rooms, under the names that they have in the whole.
use kakou_core::{claim, error, say, schema, system, token};

mod apart;
mod commitment;
mod derive;
mod escrow;
mod file;
mod hex;
mod hygiene;
mod locked;
mod signing;
mod suite;
mod vault;

pub use apart::{Asker, Giver, Wire};
pub use commitment::{Commitment, Committer};
pub use derive::{Destruction, ReleaseSecrets};
pub use escrow::{EscrowFacts, RevealShare, inspect_escrow, open_escrow, seal as seal_escrow};
#[doc(hidden)]
pub use file::Cost;
pub use file::{KeyFacts, Passphrase, ProjectKey, Purpose, destroy, inspect};
pub use hygiene::{Hygiene, harden};
pub use signing::{PublicKey, Sign, SigningKey};
pub use suite::Suite;
pub use vault::{OTHER_WORK, Vault};

use crate::error::{Error, Result};

/// Fills bytes from the random generator of the operating system.
fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|_| {
        Error::environment("K0101", say!("the system gives no random bytes"))
            .advice(say!("nothing was written; look at the system's log and try again"))
    })
}

/// The id of a key: 64 bits that show nothing of it.
fn id_of(suite: Suite, key: &[u8; 32]) -> String {
    crate::token::encode(&suite::Mac::new(suite, key, "kakou/key-id").tag::<8>(&[b"kid"]))
}

#[cfg(test)]
mod tests {
    //! Looks for key bytes in the memory of this process, before and after they are given back.

    use super::file::Cost;
    use super::*;
    use crate::token::Secrets as _;
    use std::fs::{File, read_to_string};
    use std::os::unix::fs::FileExt as _;
    use std::sync::{Mutex, PoisonError};
    use std::time::SystemTime;
    use zeroize::{Zeroize as _, Zeroizing};

    const MASK: u8 = 0xa5;

    /// A copy of key bytes that does not look like them.
    fn masked(key: &[u8; 32]) -> Vec<u8> {
        key.iter().map(|byte| byte ^ MASK).collect()
    }

    /// One search at a time: a search would find what another one has read.
    static SEARCH: Mutex<()> = Mutex::new(());

    /// How often the bytes stand in writable memory; `None` if the system does not let it be read.
    fn hits(masked: &[u8]) -> Option<usize> {
        let memory = File::open("/proc/self/mem").ok()?;
        let maps = read_to_string("/proc/self/maps").ok()?;
        let mut found = 0;
        let mut piece = vec![0_u8; 1 << 16];
        for line in maps.lines() {
            let mut words = line.split_whitespace();
            let (Some(range), Some(rights)) = (words.next(), words.next()) else { continue };
            if !rights.starts_with("rw") {
                continue;
            }
            let (from, to) = range.split_once('-')?;
            let mut at = u64::from_str_radix(from, 16).ok()?;
            let to = u64::from_str_radix(to, 16).ok()?;
            while at < to {
                let size = (to - at).min(piece.len() as u64) as usize;
                // A mapping may be gone by now; the buffer holds nothing when it comes to be read itself.
                let read = memory.read_at(&mut piece[..size], at).unwrap_or(0);
                for window in piece[..read].windows(32) {
                    let here = window[0] ^ MASK == masked[0]
                        && window.iter().zip(masked).all(|(a, b)| a ^ MASK == *b);
                    found += usize::from(here);
                }
                piece[..read].zeroize();
                // The last bytes are read again: a key may lie across the end of a piece.
                at += match read {
                    0..=31 => break,
                    _ if at + read as u64 == to => break,
                    _ => read as u64 - 31,
                };
            }
        }
        Some(found)
    }

    #[test]
    fn no_copy_of_a_key_is_left() {
        let _one = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let right = Passphrase::new(Zeroizing::new(b"correct horse".to_vec())).unwrap();
        let cost = Cost { memory: 64, passes: 1, lanes: 1 };
        for (name, passphrase) in [("bare", None), ("wrapped", Some(&right))] {
            for suite in Suite::ALL {
                let path = folder.path().join(format!("{name}-{}", suite.word()));
                let now = SystemTime::now();
                drop(ProjectKey::create_at_cost(&path, passphrase, suite, 1, now, cost).unwrap());
                let key = ProjectKey::open(&path, passphrase).unwrap();
                let needle = masked(key.bytes());
                let secrets = ReleaseSecrets::pseudonymized(&key, "p", "r", "1");
                secrets.token("patient", "1");
                let Some(before) = hits(&needle) else {
                    println!("skipped: this process may not read its own memory");
                    return;
                };
                assert_eq!(before, 1, "{name}, {}", suite.word());
                drop((key, secrets));
                // Nor as HMAC pads it (RFC 2104): whoever has that has the key.
                for pad in [0, 0x36, 0x5c] {
                    let padded: Vec<u8> = needle.iter().map(|byte| byte ^ pad).collect();
                    assert_eq!(hits(&padded), Some(0), "{name}, {}, {pad}", suite.word());
                }
            }
        }
    }

    #[test]
    fn signing_leaves_no_copy_of_the_seed() {
        let _one = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("signing");
        drop(SigningKey::create(&path, None, SystemTime::now()).unwrap());
        let key = SigningKey::open(&path, None).unwrap();
        let needle = key.masked_key(masked);
        key.sign(b"message").unwrap();
        let Some(before) = hits(&needle) else {
            println!("skipped: this process may not read its own memory");
            return;
        };
        assert_eq!(before, 1);
        drop(key);
        assert_eq!(hits(&needle), Some(0));
    }

    #[test]
    fn no_copy_of_a_destroyed_key_is_left() {
        let _one = SEARCH.lock().unwrap_or_else(PoisonError::into_inner);
        let secrets = ReleaseSecrets::anonymized().unwrap();
        let needle = secrets.masked_key(masked);
        secrets.token("patient", "1");
        secrets.draw("shift", "1");
        let Some(before) = hits(&needle) else {
            println!("skipped: this process may not read its own memory");
            return;
        };
        assert_eq!(before, 1);
        assert!(secrets.destroy().final_);
        assert_eq!(hits(&needle), Some(0));
    }
}
