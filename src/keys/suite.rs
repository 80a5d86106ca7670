//! Keyed functions: KMAC256 (NIST SP 800-185) and HMAC-SHA3-256 (RFC 2104 over FIPS 202).
//!
//! Both keep a state that has taken in the key already, so that an identifier costs no work for the key.
//! The states are as secret as the key: they overwrite themselves when they are dropped.

use cshake::CShake256;
use cshake::digest::{ExtendableOutput as _, Update as _, XofReader as _};
use sha3::{Digest as _, Sha3_256};
use zeroize::Zeroize;

/// The block of Keccak with a capacity of 512 bits, in bytes: SHA3-256, cSHAKE256.
const BLOCK: usize = 136;

/// Which keyed function a key is used with. Its name stands in the key file and in the record.
#[derive(
    Clone, Copy, Debug, Default, Eq, Hash, PartialEq, serde::Deserialize, serde::Serialize,
)]
pub enum Suite {
    /// KMAC256, NIST SP 800-185 §4. One permutation an identifier, half the work of the other: the default.
    #[default]
    #[serde(rename = "kmac256")]
    Kmac256,
    /// HMAC with SHA3-256, FIPS 198-1 and FIPS 202: for those who must recompute tokens with common tools.
    #[serde(rename = "hmac-sha3-256")]
    HmacSha3_256,
}

impl Suite {
    /// All suites.
    pub const ALL: [Suite; 2] = [Suite::Kmac256, Suite::HmacSha3_256];

    /// The name in key files and records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Suite::Kmac256 => "kmac256",
            Suite::HmacSha3_256 => "hmac-sha3-256",
        }
    }

    /// The suite with a name.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.word() == word)
    }
}

/// `left_encode` and `right_encode` of SP 800-185 §2.3.1: the shortest big-endian bytes of a number and their
/// count, before or after them.
struct Encoded {
    bytes: [u8; 9],
    from: usize,
    to: usize,
}

impl Encoded {
    fn left(number: u64) -> Self {
        let mut bytes = [0; 9];
        bytes[1..].copy_from_slice(&number.to_be_bytes());
        let from = Self::first(number);
        bytes[from - 1] = (9 - from) as u8;
        Encoded { bytes, from: from - 1, to: 9 }
    }
    fn right(number: u64) -> Self {
        let mut bytes = [0; 9];
        bytes[..8].copy_from_slice(&number.to_be_bytes());
        let from = Self::first(number) - 1;
        bytes[8] = (8 - from) as u8;
        Encoded { bytes, from, to: 9 }
    }
    /// The index in 1..=8 of the first byte that counts; at least one byte counts.
    fn first(number: u64) -> usize {
        (1 + number.leading_zeros() as usize / 8).min(8)
    }
    fn as_slice(&self) -> &[u8] {
        &self.bytes[self.from..self.to]
    }
}

/// The length of a string in bits.
fn bits(bytes: &[u8]) -> u64 {
    bytes.len() as u64 * 8
}

/// HMAC-SHA3-256 whose two pads are taken in already.
///
/// Not the crate `hmac`: over this SHA-3 it has `SimpleHmac` alone, which keeps the key under its outer pad as long as it lives and
/// does not overwrite it, and `finalize` leaves one more copy on the stack for every token. The tests hold both equal, and look for
/// the padded key in memory (`no_copy_of_a_key_is_left`).
#[derive(Clone)]
pub(super) struct Hmac {
    inner: Sha3_256,
    outer: Sha3_256,
}

impl Hmac {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut block = [0_u8; BLOCK];
        if key.len() > BLOCK {
            block[..32].copy_from_slice(&Sha3_256::digest(key));
        } else {
            block[..key.len()].copy_from_slice(key);
        }
        block.iter_mut().for_each(|byte| *byte ^= 0x36);
        let inner = Sha3_256::new_with_prefix(block);
        block.iter_mut().for_each(|byte| *byte ^= 0x36 ^ 0x5c);
        let outer = Sha3_256::new_with_prefix(block);
        block.zeroize();
        Hmac { inner, outer }
    }
    pub(super) fn update(&mut self, bytes: &[u8]) {
        sha3::Digest::update(&mut self.inner, bytes);
    }
    pub(super) fn finish(mut self) -> [u8; 32] {
        sha3::Digest::update(&mut self.outer, self.inner.finalize());
        self.outer.finalize().into()
    }
}

/// KMAC256 whose key block is taken in already.
#[derive(Clone)]
struct Kmac(CShake256);

impl Kmac {
    fn new(key: &[u8], customization: &[u8]) -> Self {
        let mut shake = CShake256::new_with_function_name(b"KMAC", customization);
        // bytepad(encode_string(key), 136)
        let (width, length) = (Encoded::left(BLOCK as u64), Encoded::left(bits(key)));
        let used = width.as_slice().len() + length.as_slice().len() + key.len();
        shake.update(width.as_slice());
        shake.update(length.as_slice());
        shake.update(key);
        shake.update(&[0; BLOCK][..used.next_multiple_of(BLOCK) - used]);
        Kmac(shake)
    }
    fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    fn finish_into(mut self, out: &mut [u8]) {
        self.0.update(Encoded::right(bits(out)).as_slice());
        self.0.finalize_xof().read(out);
    }
}

enum State {
    Hmac(Hmac),
    Kmac(Kmac),
}

/// A keyed function over lists of fields: every field goes in behind its length, so that no two lists look alike.
/// Cannot be copied or shown; overwrites itself when dropped.
pub(super) struct Mac(State);

impl Mac {
    /// The function of a suite under a key for one purpose.
    pub(super) fn new(suite: Suite, key: &[u8; 32], purpose: &str) -> Self {
        Mac(match suite {
            Suite::Kmac256 => State::Kmac(Kmac::new(key, purpose.as_bytes())),
            Suite::HmacSha3_256 => {
                // HMAC has no customization string: the purpose is the first field.
                let mut hmac = Hmac::new(key);
                hmac.update(Encoded::left(bits(purpose.as_bytes())).as_slice());
                hmac.update(purpose.as_bytes());
                State::Hmac(hmac)
            }
        })
    }

    /// The value for a list of fields.
    pub(super) fn tag_into(&self, fields: &[&[u8]], out: &mut [u8; 32]) {
        match &self.0 {
            State::Kmac(keyed) => {
                let mut kmac = keyed.clone();
                for field in fields {
                    kmac.update(Encoded::left(bits(field)).as_slice());
                    kmac.update(field);
                }
                kmac.finish_into(out);
            }
            State::Hmac(keyed) => {
                let mut hmac = keyed.clone();
                for field in fields {
                    hmac.update(Encoded::left(bits(field)).as_slice());
                    hmac.update(field);
                }
                *out = hmac.finish();
            }
        }
    }

    /// The first bytes of the value for a list of fields.
    pub(super) fn tag<const N: usize>(&self, fields: &[&[u8]]) -> [u8; N] {
        const { assert!(N <= 32) };
        let mut whole = [0; 32];
        self.tag_into(fields, &mut whole);
        let mut part = [0; N];
        part.copy_from_slice(&whole[..N]);
        part
    }
}

impl Zeroize for Mac {
    fn zeroize(&mut self) {
        // Assigning drops the keyed state, which overwrites itself.
        self.0 = State::Kmac(Kmac(CShake256::default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hmac::{KeyInit as _, Mac as _, SimpleHmac};
    use proptest::prelude::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
            .collect()
    }

    fn hmac(key: &[u8], message: &[u8]) -> [u8; 32] {
        let mut hmac = Hmac::new(key);
        hmac.update(message);
        hmac.finish()
    }

    /// NIST, "Examples with intermediate values", HMAC-SHA3-256 samples 1 to 3: keys of 32, 136 and 168 bytes.
    #[test]
    fn nist_hmac_sha3_256() {
        let samples: [(u8, &str, &str); 3] = [
            (
                32,
                "Sample message for keylen<blocklen",
                "4fe8e202c4f058e8dddc23d8c34e467343e23555e24fc2f025d598f558f67205",
            ),
            (
                136,
                "Sample message for keylen=blocklen",
                "68b94e2e538a9be4103bebb5aa016d47961d4d1aa906061313b557f8af2c3faa",
            ),
            (
                168,
                "Sample message for keylen>blocklen",
                "9bcf2c238e235c3ce88404e813bd2f3a97185ac6f238c63d6229a00b07974258",
            ),
        ];
        for (length, message, expected) in samples {
            let key: Vec<u8> = (0..length).collect();
            assert_eq!(hmac(&key, message.as_bytes()).to_vec(), hex(expected), "key {length}");
        }
    }

    /// NIST, KMAC samples 4 to 6 (KMAC256).
    #[test]
    fn nist_kmac256() {
        let key: Vec<u8> = (0x40..=0x5f).collect();
        let long: Vec<u8> = (0..=0xc7).collect();
        let tagged = "My Tagged Application";
        let samples: [(&[u8], &str, &str); 3] = [
            (
                &[0, 1, 2, 3],
                tagged,
                "20C570C31346F703C9AC36C61C03CB64C3970D0CFC787E9B79599D273A68D2F7\
                 F69D4CC3DE9D104A351689F27CF6F5951F0103F33F4F24871024D9C27773A8DD",
            ),
            (
                &long,
                "",
                "75358CF39E41494E949707927CEE0AF20A3FF553904C86B08F21CC414BCFD691\
                 589D27CF5E15369CBBFF8B9A4C2EB17800855D0235FF635DA82533EC6B759B69",
            ),
            (
                &long,
                tagged,
                "B58618F71F92E1D56C1B8C55DDD7CD188B97B4CA4D99831EB2699A837DA2E4D9\
                 70FBACFDE50033AEA585F1A2708510C32D07880801BD182898FE476876FC8965",
            ),
        ];
        for (message, customization, expected) in samples {
            let mut kmac = Kmac::new(&key, customization.as_bytes());
            kmac.update(message);
            let mut out = [0; 64];
            kmac.finish_into(&mut out);
            assert_eq!(out.to_vec(), hex(expected));
        }
    }

    #[test]
    fn numbers_are_encoded_as_sp_800_185_says() {
        let left = |n| Encoded::left(n).as_slice().to_vec();
        let right = |n| Encoded::right(n).as_slice().to_vec();
        assert_eq!((left(0), right(0)), (vec![1, 0], vec![0, 1]));
        assert_eq!((left(136), right(256)), (vec![1, 136], vec![1, 0, 2]));
        assert_eq!(left(u64::MAX), [[8].as_slice(), &[255; 8]].concat());
        assert_eq!(right(0x01_0000), vec![1, 0, 0, 3]);
    }

    proptest! {
        #[test]
        fn own_hmac_is_the_hmac_of_the_crate(
            key in prop::collection::vec(any::<u8>(), 0..300),
            message in prop::collection::vec(any::<u8>(), 0..300),
            cut in 0_usize..300,
        ) {
            let mut theirs = SimpleHmac::<Sha3_256>::new_from_slice(&key).unwrap();
            hmac::Mac::update(&mut theirs, &message);
            let mut ours = Hmac::new(&key);
            let (head, tail) = message.split_at(cut.min(message.len()));
            ours.update(head);
            ours.update(tail);
            prop_assert_eq!(ours.finish().to_vec(), theirs.finalize().into_bytes().to_vec());
        }

        #[test]
        fn the_cut_between_fields_matters(text in "[a-z]{2,40}", one in 0_usize..40, two in 0_usize..40) {
            let (one, two) = (one % text.len(), two % text.len());
            prop_assume!(one != two);
            for suite in Suite::ALL {
                let mac = Mac::new(suite, &[7; 32], "test");
                let at = |cut: usize| mac.tag::<32>(&[&text.as_bytes()[..cut], &text.as_bytes()[cut..]]);
                prop_assert_ne!(at(one), at(two));
                prop_assert_ne!(at(one), mac.tag::<32>(&[text.as_bytes()]));
            }
        }
    }

    #[test]
    fn an_overwritten_function_has_lost_its_key() {
        for suite in Suite::ALL {
            let mut mac = Mac::new(suite, &[7; 32], "test");
            let before: [u8; 32] = mac.tag(&[b"x"]);
            mac.zeroize();
            let mut other = Mac::new(suite, &[8; 32], "test");
            other.zeroize();
            assert_ne!(before, mac.tag::<32>(&[b"x"]));
            assert_eq!(other.tag::<32>(&[b"x"]), mac.tag::<32>(&[b"x"]));
        }
    }

    #[test]
    fn names_of_suites_round_trip() {
        for suite in Suite::ALL {
            assert_eq!(Suite::parse(suite.word()), Some(suite));
            assert_eq!(serde_json::to_value(suite).unwrap(), suite.word());
        }
        assert_eq!(Suite::parse("sha256"), None);
    }
}
