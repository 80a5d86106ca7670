//! Keys of a run that is worked on several machines.
//!
//! Whoever may open the project key derives the secrets of the pseudonymized release by itself. What it cannot derive is made for
//! the run alone: the key of the anonymized release, and the key under which rows, statistics and plans travel ([`Wire`]). Both are
//! handed over in one exchange: an ephemeral X25519 key on either side, the asker's authenticated under a key derived from the
//! secrets of the pseudonymized release. Neither half of an exchange is kept, so what was recorded of it opens for nobody later,
//! not for the holder of the project key either: no seed of an anonymized release outlives its run.

use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _, XChaCha20Poly1305};
use curve25519_dalek::montgomery::MontgomeryPoint;
use zeroize::{Zeroize as _, Zeroizing};

use super::derive::ReleaseSecrets;
use super::locked::Locked;
use super::random;
use super::suite::{Mac, Suite};
use crate::error::{Error, Result};
use crate::say;

const HELLO: &[u8; 8] = b"kakouAH1";
const REPLY: &[u8; 8] = b"kakouAR1";
const NONCE: usize = 24;
const TAG: usize = 16;
/// What is handed over: the key of the anonymized release, that of the wire, the id of the first.
const GIFT: usize = 32 + 32 + 13;

/// What rows, statistics and plans are encrypted with on their way between the machines of one run. Overwritten when dropped.
pub struct Wire {
    key: Locked<[u8; 32]>,
    place: Locked<Mac>,
}

fn damaged() -> Error {
    Error::environment(
        "K0161",
        say!("what came from another machine is of another run, or it is damaged"),
    )
}

impl Wire {
    fn of(key: Locked<[u8; 32]>) -> Self {
        let place = Locked::new(Mac::new(Suite::default(), key.get(), "kakou/apart-place"));
        Wire { key, place }
    }

    /// Encrypts; it opens again under the same word only.
    ///
    /// # Errors
    /// No random numbers.
    pub fn seal(&self, what: &str, mut plain: Vec<u8>) -> Result<Vec<u8>> {
        let mut sealed = vec![0; NONCE];
        random(&mut sealed)?;
        let cipher = XChaCha20Poly1305::new(self.key.get().into());
        // As long as it was made.
        let nonce = sealed.as_slice().into();
        let tag = cipher
            .encrypt_in_place_detached(nonce, what.as_bytes(), &mut plain)
            .map_err(|_| damaged())?;
        sealed.reserve(plain.len() + TAG);
        sealed.extend_from_slice(&plain);
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// Decrypts.
    ///
    /// # Errors
    /// K0161 if it was sealed by another run or for something else, or is damaged.
    pub fn open(&self, what: &str, sealed: &[u8]) -> Result<Vec<u8>> {
        let length = sealed.len().checked_sub(NONCE + TAG).ok_or_else(damaged)?;
        let (nonce, rest) = sealed.split_at(NONCE);
        let (bytes, tag) = rest.split_at(length);
        let mut plain = bytes.to_vec();
        let cipher = XChaCha20Poly1305::new(self.key.get().into());
        let nonce = nonce.into();
        let tag = tag.into();
        cipher
            .decrypt_in_place_detached(nonce, what.as_bytes(), &mut plain, tag)
            .map_err(|_| damaged())?;
        Ok(plain)
    }

    /// Where a person's rows go: a number that says nothing without the key.
    #[must_use]
    pub fn place(&self, identity: &str) -> u64 {
        u64::from_be_bytes(self.place.get().tag(&[identity.as_bytes()]))
    }
}

/// The key that authenticates who asks, of one run.
fn shared(secrets: &ReleaseSecrets, run: &str) -> Locked<[u8; 32]> {
    let mut key = Locked::new([0; 32]);
    key.with(|key| {
        let above = Mac::new(secrets.suite(), secrets.key_bytes(), "kakou/apart");
        above.tag_into(&[run.as_bytes()], key);
    });
    key
}

/// The key of one exchange.
fn exchange(
    shared: &Locked<[u8; 32]>,
    (mine, theirs): (&Zeroizing<[u8; 32]>, &[u8; 32]),
    (asker, giver): (&[u8; 32], &[u8; 32]),
) -> Result<Zeroizing<[u8; 32]>> {
    let mut both = MontgomeryPoint(*theirs).mul_clamped(**mine).to_bytes();
    if both == [0; 32] {
        return Err(damaged());
    }
    let mut key = Zeroizing::new([0; 32]);
    let mac = Mac::new(Suite::default(), shared.get(), "kakou/apart-exchange");
    mac.tag_into(&[&both, asker, giver], &mut key);
    both.zeroize();
    Ok(key)
}

fn pair() -> Result<(Zeroizing<[u8; 32]>, [u8; 32])> {
    let mut secret = Zeroizing::new([0; 32]);
    random(&mut *secret)?;
    let public = MontgomeryPoint::mul_base_clamped(*secret).to_bytes();
    Ok((secret, public))
}

/// Hands the keys of a run over to those who show that they may open the project key.
pub struct Giver {
    shared: Locked<[u8; 32]>,
    run: String,
    gift: Locked<[u8; 32]>,
    id: String,
    key: Locked<[u8; 32]>,
    wire: Wire,
}

impl Giver {
    /// For one run: with the secrets of its two releases.
    ///
    /// # Errors
    /// No random numbers.
    pub fn new(project: &ReleaseSecrets, once: &ReleaseSecrets, run: &str) -> Result<Self> {
        let key = Locked::fill(|bytes| random(bytes))?;
        let copy = |of: &[u8; 32]| {
            let mut copy = Locked::new([0; 32]);
            copy.with(|to| to.copy_from_slice(of));
            copy
        };
        Ok(Giver {
            shared: shared(project, run),
            run: run.to_owned(),
            gift: copy(once.key_bytes()),
            id: once.key_id().to_owned(),
            wire: Wire::of(copy(key.get())),
            key,
        })
    }

    /// The key of the wire, for the machine that gives.
    #[must_use]
    pub fn wire(&self) -> &Wire {
        &self.wire
    }

    /// Answers who asks.
    ///
    /// # Errors
    /// K0162 if whoever asks does not show that it may open the project key; no random numbers.
    pub fn answer(&self, hello: &[u8]) -> Result<Vec<u8>> {
        let refused = || {
            Error::environment(
                "K0162",
                say!("somebody asked for the keys of the run without the project key"),
            )
        };
        let theirs: &[u8; 32] =
            hello.get(8..40).and_then(|b| b.try_into().ok()).ok_or_else(refused)?;
        let tag = greeting(&self.shared, &self.run, theirs);
        // Compared by a keyed tag of both: how long that takes tells nothing of where they differ.
        let blind = Mac::new(Suite::default(), self.key.get(), "kakou/apart-compare");
        let same = hello.len() == 72
            && hello.starts_with(HELLO)
            && blind.tag::<32>(&[&tag]) == blind.tag::<32>(&[&hello[40..]]);
        if !same {
            return Err(refused());
        }
        let (secret, public) = pair()?;
        let key = exchange(&self.shared, (&secret, theirs), (theirs, &public))?;
        let mut gift = Zeroizing::new(Vec::with_capacity(GIFT));
        gift.extend_from_slice(self.gift.get());
        gift.extend_from_slice(self.key.get());
        gift.extend_from_slice(self.id.as_bytes());
        let cipher = ChaCha20Poly1305::new((&*key).into());
        // The key is of this exchange alone.
        let tag = cipher
            .encrypt_in_place_detached(&[0; 12].into(), REPLY, &mut gift)
            .map_err(|_| damaged())?;
        Ok([REPLY.as_slice(), &public, &gift, &tag].concat())
    }
}

fn greeting(shared: &Locked<[u8; 32]>, run: &str, public: &[u8; 32]) -> [u8; 32] {
    Mac::new(Suite::default(), shared.get(), "kakou/apart-hello").tag(&[public, run.as_bytes()])
}

/// Asks for the keys of a run.
pub struct Asker {
    shared: Locked<[u8; 32]>,
    secret: Zeroizing<[u8; 32]>,
    public: [u8; 32],
    run: String,
}

impl Asker {
    /// With the secrets that the project key gives.
    ///
    /// # Errors
    /// No random numbers.
    pub fn new(project: &ReleaseSecrets, run: &str) -> Result<Self> {
        let (secret, public) = pair()?;
        Ok(Asker { shared: shared(project, run), secret, public, run: run.to_owned() })
    }

    /// What to send.
    #[must_use]
    pub fn hello(&self) -> Vec<u8> {
        let tag = greeting(&self.shared, &self.run, &self.public);
        [HELLO.as_slice(), &self.public, &tag].concat()
    }

    /// Takes what came back: the secrets of the anonymized release, and the wire.
    ///
    /// # Errors
    /// K0161 if it is no answer to what was sent.
    pub fn take(self, reply: &[u8]) -> Result<(ReleaseSecrets, Wire)> {
        if reply.len() != 8 + 32 + GIFT + TAG || !reply.starts_with(REPLY) {
            return Err(damaged());
        }
        let (public, rest) = reply[8..].split_at(32);
        let public: &[u8; 32] = public.try_into().map_err(|_| damaged())?;
        let key = exchange(&self.shared, (&self.secret, public), (&self.public, public))?;
        let (sealed, tag) = rest.split_at(GIFT);
        let mut gift = Zeroizing::new(sealed.to_vec());
        let tag = tag.into();
        ChaCha20Poly1305::new((&*key).into())
            .decrypt_in_place_detached(&[0; 12].into(), REPLY, &mut gift, tag)
            .map_err(|_| damaged())?;
        let taken = |bytes: &[u8]| {
            let mut key = Locked::new([0; 32]);
            key.with(|to| to.copy_from_slice(bytes));
            key
        };
        let id = std::str::from_utf8(&gift[64..]).map_err(|_| damaged())?;
        let once = ReleaseSecrets::of_the_run(taken(&gift[..32]), id.to_owned());
        Ok((once, Wire::of(taken(&gift[32..64]))))
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::tests_support::project_key;
    use super::*;
    use crate::token::Secrets as _;

    fn project(byte: u8) -> ReleaseSecrets {
        let root = project_key(Suite::Kmac256, 1, [byte; 32]);
        ReleaseSecrets::pseudonymized(&root, "p", "r", "1")
    }

    #[test]
    fn who_may_open_the_project_key_gets_the_keys_of_the_run() {
        let once = ReleaseSecrets::anonymized().unwrap();
        let giver = Giver::new(&project(1), &once, "run-1").unwrap();
        let asker = Asker::new(&project(1), "run-1").unwrap();
        let reply = giver.answer(&asker.hello()).unwrap();
        // No key stands in what is sent.
        for key in [once.key_bytes(), giver.key.get()] {
            assert!(!reply.windows(32).any(|w| w == key));
        }
        let (taken, wire) = asker.take(&reply).unwrap();
        assert_eq!(taken.token("patient", "1"), once.token("patient", "1"));
        assert_eq!((taken.key_id(), taken.is_for_release()), (once.key_id(), true));
        let sealed = giver.wire().seal("rows", b"cells".to_vec()).unwrap();
        assert_eq!(wire.open("rows", &sealed).unwrap(), b"cells");
        assert_eq!(wire.place("1"), giver.wire().place("1"));
        assert_ne!(wire.place("1"), wire.place("2"));
        // Nor does it open for something else, changed or cut.
        assert_eq!(wire.open("plan", &sealed).unwrap_err().code, "K0161");
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert!(
                wire.open("rows", &changed).is_err() && wire.open("rows", &sealed[..at]).is_err()
            );
        }
    }

    #[test]
    fn nobody_else_does() {
        let once = ReleaseSecrets::anonymized().unwrap();
        let giver = Giver::new(&project(1), &once, "run-1").unwrap();
        let code = |hello: &[u8]| giver.answer(hello).unwrap_err().code;
        assert_eq!(code(&Asker::new(&project(2), "run-1").unwrap().hello()), "K0162");
        assert_eq!(code(&Asker::new(&project(1), "run-2").unwrap().hello()), "K0162");
        assert_eq!(code(b""), "K0162");
        let asker = Asker::new(&project(1), "run-1").unwrap();
        let hello = asker.hello();
        for at in 0..hello.len() {
            let mut changed = hello.clone();
            changed[at] ^= 1;
            assert_eq!(code(&changed), "K0162", "{at}");
        }
        // Another's answer does not open, nor a changed one; two runs of the same project share nothing.
        let reply = giver.answer(&hello).unwrap();
        let other = Asker::new(&project(1), "run-1").unwrap();
        assert!(other.take(&reply).is_err());
        let again = Giver::new(&project(1), &once, "run-1").unwrap();
        let sealed = giver.wire().seal("rows", vec![1]).unwrap();
        assert!(again.wire().open("rows", &sealed).is_err());
        let mut changed = reply;
        changed[60] ^= 1;
        assert!(asker.take(&changed).is_err());
    }
}
