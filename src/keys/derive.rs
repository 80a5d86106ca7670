//! The hierarchy: root → project → release → one key for each domain of tokens and each purpose of draws.
//!
//! Every step names its level as the customization of the keyed function and puts every field behind its length,
//! so that no two lists of names lead to the same key. Tokens of the pseudonymized release depend on project,
//! recipient, key version and the version of the normalization of identifiers; not on the run.

use std::fmt;
use std::sync::OnceLock;
use std::time::SystemTime;

use zeroize::Zeroize as _;

use super::file::{ProjectKey, rfc3339};
use super::locked::Locked;
use super::suite::{Mac, Suite};
use super::{id_of, random};
use crate::error::Result;
use crate::schema::Kind;
use crate::token::Secrets;

/// The scheme of derivation. Another one would give other tokens, so it is a field of the first step.
const SCHEME: &[u8] = b"v1";

/// What a key at the end of the hierarchy is for; different customizations for the key and for its use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Use {
    Token,
    Draw,
}

impl Use {
    const fn key(self) -> &'static str {
        match self {
            Use::Token => "kakou/token-key",
            Use::Draw => "kakou/draw-key",
        }
    }
    const fn value(self) -> &'static str {
        match self {
            Use::Token => "kakou/token",
            Use::Draw => "kakou/draw",
        }
    }
}

/// The keyed function of one domain or purpose, and the next one. The list only grows, so that reading needs no lock.
struct Node {
    usage: Use,
    name: String,
    mac: Locked<Mac>,
    next: OnceLock<Box<Node>>,
}

/// Where the key of a release came from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Origin {
    Project,
    Fresh,
    TestSeed,
}

/// The secrets of one release. Cannot be copied, written or shown; overwritten when dropped.
pub struct ReleaseSecrets {
    suite: Suite,
    key_id: String,
    origin: Origin,
    key: Locked<[u8; 32]>,
    states: OnceLock<Box<Node>>,
}

/// One step down the hierarchy.
fn step(suite: Suite, above: &[u8; 32], level: &str, fields: &[&[u8]], below: &mut [u8; 32]) {
    Mac::new(suite, above, level).tag_into(fields, below);
}

impl ReleaseSecrets {
    /// The secrets of a pseudonymized release (仮名加工医療情報) of a project for a recipient. The same names and
    /// the same key file give the same tokens in every run; `norm_version` is the version of the normalization of
    /// identifiers that tokens depend on (`text::identifier::DERIVATION`).
    #[must_use]
    pub fn pseudonymized(
        root: &ProjectKey,
        project: &str,
        recipient: &str,
        norm_version: &str,
    ) -> Self {
        let suite = root.facts().suite;
        let version = root.facts().version.to_be_bytes();
        let project = project.as_bytes();
        let mut project_key = Locked::new([0; 32]);
        let fields: [&[u8]; 3] = [SCHEME, project, &version];
        project_key.with(|below| step(suite, root.bytes(), "kakou/project", &fields, below));
        let fields: [&[u8]; 5] = [
            Kind::Pseudonymized.word().as_bytes(),
            project,
            recipient.as_bytes(),
            &version,
            norm_version.as_bytes(),
        ];
        let mut key = Locked::new([0; 32]);
        key.with(|below| step(suite, project_key.get(), "kakou/release", &fields, below));
        let key_id = id_of(suite, key.get());
        ReleaseSecrets { suite, key_id, origin: Origin::Project, key, states: OnceLock::new() }
    }

    /// The secrets of one anonymized release (匿名加工医療情報): 32 random bytes in locked memory, derived from
    /// nothing that is kept. Their id is random too.
    ///
    /// # Errors
    /// If the system gives no random bytes.
    pub fn anonymized() -> Result<Self> {
        let key = Locked::fill(|bytes| random(bytes))?;
        let mut id = [0; 8];
        random(&mut id)?;
        Ok(ReleaseSecrets {
            suite: Suite::default(),
            key_id: crate::token::encode(&id),
            origin: Origin::Fresh,
            key,
            states: OnceLock::new(),
        })
    }

    /// The secrets of an anonymized release whose key another machine of the run made ([`super::Giver`]).
    pub(super) fn of_the_run(key: Locked<[u8; 32]>, key_id: String) -> Self {
        let (suite, origin) = (Suite::default(), Origin::Fresh);
        ReleaseSecrets { suite, key_id, origin, key, states: OnceLock::new() }
    }

    /// Secrets that anyone can make again, for tests. [`Self::is_for_release`] says no, and the key id begins with
    /// `TEST-`.
    #[doc(hidden)]
    #[must_use]
    pub fn anonymized_from_test_seed(seed: u64) -> Self {
        let suite = Suite::default();
        let mut key = Locked::new([0; 32]);
        key.with(|below| {
            step(suite, &[0; 32], "kakou/test-seed", &[&seed.to_be_bytes()], below);
        });
        ReleaseSecrets {
            suite,
            key_id: format!("TEST-{}", id_of(suite, key.get())),
            origin: Origin::TestSeed,
            key,
            states: OnceLock::new(),
        }
    }

    /// Whether a release made with these secrets may leave the house; not if they came from a test seed.
    #[must_use]
    pub fn is_for_release(&self) -> bool {
        self.origin != Origin::TestSeed
    }

    /// Which of the two releases they are for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.origin {
            Origin::Project => Kind::Pseudonymized,
            Origin::Fresh | Origin::TestSeed => Kind::Anonymized,
        }
    }

    /// The id of the key, 13 characters. Anonymized: random, not made from the key.
    #[must_use]
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// The keyed function.
    #[must_use]
    pub fn suite(&self) -> Suite {
        self.suite
    }

    /// The key, for what else comes from it in this room.
    pub(super) fn key_bytes(&self) -> &[u8; 32] {
        self.key.get()
    }

    /// Whether the key and every keyed function made so far are locked in memory.
    #[must_use]
    pub fn in_locked_memory(&self) -> bool {
        let mut node = self.states.get();
        let mut locked = self.key.is_locked();
        while let Some(this) = node {
            locked &= this.mac.is_locked();
            node = this.next.get();
        }
        locked
    }

    /// Overwrites the secrets and says so. What it says is about the memory of this process only; the project key of a
    /// pseudonymized release lives on in its file.
    #[must_use]
    pub fn destroy(self) -> Destruction {
        let key_id = self.key_id.clone();
        let kind = self.kind();
        let locked = self.in_locked_memory();
        let for_release = self.is_for_release();
        drop(self);
        let how = match (kind, for_release) {
            (Kind::Anonymized, true) => {
                "random key of one run: overwritten in memory; it was never written to a file"
            }
            (Kind::Anonymized, false) => {
                "key from a test seed: overwritten in memory, but anyone who knows the seed can make it again"
            }
            (Kind::Pseudonymized, _) => {
                "copy in memory overwritten; the project key in its file is not destroyed"
            }
        };
        Destruction {
            key_id,
            at: rfc3339(SystemTime::now()),
            how,
            memory_was_locked: locked,
            final_: kind == Kind::Anonymized && for_release,
        }
    }

    /// As [`Self::destroy`], where other machines of the run had the key and have all said that theirs is overwritten, or ended.
    #[must_use]
    pub fn destroy_everywhere(self, memory_was_locked: bool) -> Destruction {
        let here = self.destroy();
        let how = match here.final_ {
            true => {
                "random key of one run, in the memory of its processes: overwritten in each, or the process ended; it was never written to a file"
            }
            false => here.how,
        };
        Destruction { how, memory_was_locked: here.memory_was_locked && memory_was_locked, ..here }
    }

    #[cfg(test)]
    pub(super) fn masked_key(&self, mask: impl Fn(&[u8; 32]) -> Vec<u8>) -> Vec<u8> {
        mask(self.key.get())
    }

    /// The keyed function of a domain or purpose, made when it is first asked for. There are few names (keys, columns
    /// and purposes of a policy), so the list is searched from its start.
    fn function(&self, usage: Use, name: &str) -> &Mac {
        let mut slot = &self.states;
        loop {
            let node = slot.get_or_init(|| Box::new(self.node(usage, name)));
            if node.usage == usage && node.name == name {
                return node.mac.get();
            }
            slot = &node.next;
        }
    }

    fn node(&self, usage: Use, name: &str) -> Node {
        let mut key = [0; 32];
        step(self.suite, self.key.get(), usage.key(), &[name.as_bytes()], &mut key);
        let mac = Locked::new(Mac::new(self.suite, &key, usage.value()));
        key.zeroize();
        Node { usage, name: name.to_owned(), mac, next: OnceLock::new() }
    }
}

impl Secrets for ReleaseSecrets {
    fn token(&self, domain: &str, identity: &str) -> [u8; 16] {
        self.function(Use::Token, domain).tag(&[identity.as_bytes()])
    }
    fn draw(&self, purpose: &str, identity: &str) -> u64 {
        u64::from_be_bytes(self.function(Use::Draw, purpose).tag(&[identity.as_bytes()]))
    }
}

impl Drop for ReleaseSecrets {
    fn drop(&mut self) {
        // Node by node: a long list would otherwise be dropped by recursion.
        let mut node = self.states.take();
        while let Some(mut this) = node {
            node = this.next.take();
        }
    }
}

impl fmt::Debug for ReleaseSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReleaseSecrets({}, {})", self.kind().word(), self.key_id)
    }
}

/// What was destroyed, when and how: for the destruction entry of the record.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Destruction {
    /// The id of the key.
    pub key_id: String,
    /// When, RFC 3339, seconds, UTC.
    pub at: String,
    /// How, in words.
    pub how: &'static str,
    /// Whether the memory could not have reached the swap space.
    pub memory_was_locked: bool,
    /// Whether nothing that is kept can make the key again.
    #[serde(rename = "final")]
    pub final_: bool,
}

#[cfg(test)]
mod tests {
    use super::super::file::tests_support::project_key;
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn secrets(project: &str, recipient: &str, norm: &str) -> ReleaseSecrets {
        ReleaseSecrets::pseudonymized(
            &project_key(Suite::Kmac256, 1, [0x42; 32]),
            project,
            recipient,
            norm,
        )
    }

    #[test]
    fn every_name_on_the_way_changes_the_token() {
        let mut tokens = BTreeSet::new();
        let mut add = |secrets: &ReleaseSecrets, domain: &str, identity: &str| {
            assert!(tokens.insert(secrets.token(domain, identity)), "a token came twice");
        };
        let base = secrets("p", "r", "1");
        add(&base, "patient", "1");
        add(&base, "patient", "01");
        add(&base, "stay", "1");
        add(&base, "patien", "t1");
        add(&secrets("p2", "r", "1"), "patient", "1");
        add(&secrets("p", "r2", "1"), "patient", "1");
        add(&secrets("p", "r", "2"), "patient", "1");
        // The same letters cut in other places.
        add(&secrets("ab", "c", "1"), "patient", "1");
        add(&secrets("a", "bc", "1"), "patient", "1");
        add(&secrets("a", "b", "c1"), "patient", "1");
        // Another version, suite or root.
        for root in [
            project_key(Suite::Kmac256, 2, [0x42; 32]),
            project_key(Suite::HmacSha3_256, 1, [0x42; 32]),
            project_key(Suite::Kmac256, 1, [0x43; 32]),
        ] {
            add(&ReleaseSecrets::pseudonymized(&root, "p", "r", "1"), "patient", "1");
        }
        // The other kind.
        add(&ReleaseSecrets::anonymized().unwrap(), "patient", "1");
        add(&ReleaseSecrets::anonymized_from_test_seed(1), "patient", "1");
        add(&ReleaseSecrets::anonymized_from_test_seed(2), "patient", "1");
    }

    /// Tokens never change silently. The values were computed outside of this program, with Keccak written down from
    /// FIPS 202, KMAC256 from SP 800-185, and Python's own HMAC and SHA3-256.
    #[test]
    fn known_keys_give_known_tokens() {
        let known = [
            (
                Suite::Kmac256,
                "27YJG1Z2ZWX9M",
                "7HBNP1CS0Z223",
                "7VPZF3X4MDJFGJ9TRMWM2JW1BT",
                6_245_234_964_009_968_666,
            ),
            (
                Suite::HmacSha3_256,
                "83J2Q2PR0W2H9",
                "CQ5QG6CHRQ2GF",
                "6XAESRDMHYH6R7GEYAAA6X25XE",
                9_478_394_003_781_676_287,
            ),
        ];
        for (suite, root_id, release_id, token, draw) in known {
            let root = project_key(suite, 3, [0x42; 32]);
            let secrets = ReleaseSecrets::pseudonymized(&root, "研究A", "univ-x", "1");
            assert_eq!(root.facts().id, root_id);
            assert_eq!(secrets.key_id(), release_id);
            assert_eq!(crate::token::token_text(&secrets.token("patient", "0012345678")), token);
            assert_eq!(secrets.draw("shift", "0012345678"), draw);
        }
    }

    #[test]
    fn a_draw_is_not_a_part_of_a_token() {
        let base = secrets("p", "r", "1");
        let token = base.token("patient", "1");
        let draw = base.draw("patient", "1").to_be_bytes();
        assert_ne!(draw, token[..8]);
        assert_ne!(draw, token[8..]);
        assert_ne!(base.draw("shift", "1"), base.draw("order", "1"));
    }

    #[test]
    fn the_same_names_give_the_same_tokens_in_another_run() {
        let (one, two) = (secrets("p", "r", "1"), secrets("p", "r", "1"));
        assert_eq!(one.key_id(), two.key_id());
        assert_eq!(one.token("patient", "1"), two.token("patient", "1"));
        assert_eq!(one.draw("shift", "1"), two.draw("shift", "1"));
    }

    #[test]
    fn two_anonymized_releases_share_no_token() {
        let (one, two) =
            (ReleaseSecrets::anonymized().unwrap(), ReleaseSecrets::anonymized().unwrap());
        assert_ne!(one.key_id(), two.key_id());
        let all = |secrets: &ReleaseSecrets| -> BTreeSet<[u8; 16]> {
            (0..2_000).map(|person| secrets.token("patient", &person.to_string())).collect()
        };
        let (first, second) = (all(&one), all(&two));
        assert_eq!((first.len(), second.len()), (2_000, 2_000));
        assert!(first.is_disjoint(&second));
        assert_ne!(one.key_id(), id_of(one.suite(), one.key.get()));
    }

    #[test]
    fn threads_agree_and_each_function_is_made_once() {
        let base = secrets("p", "r", "1");
        let all: Vec<Vec<[u8; 16]>> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        (0..200).map(|i| base.token(&format!("domain {}", i % 20), "1")).collect()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert!(all.windows(2).all(|pair| pair[0] == pair[1]));
        let mut names = Vec::new();
        let mut node = base.states.get();
        while let Some(this) = node {
            names.push(this.name.clone());
            node = this.next.get();
        }
        assert_eq!(names.len(), 20);
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), 20);
    }

    #[test]
    fn destruction_says_what_was_done() {
        let secrets = ReleaseSecrets::anonymized().unwrap();
        let id = secrets.key_id().to_owned();
        secrets.token("patient", "1");
        let statement = secrets.destroy();
        assert_eq!(statement.key_id, id);
        assert!(statement.final_);
        assert!(!ReleaseSecrets::anonymized_from_test_seed(1).destroy().final_);
        assert!(!self::secrets("p", "r", "1").destroy().final_);
        let json = serde_json::to_value(&statement).unwrap();
        assert_eq!(json["keyId"], id);
        assert_eq!(json["final"], true);
    }

    #[test]
    fn a_test_seed_shows() {
        let secrets = ReleaseSecrets::anonymized_from_test_seed(7);
        assert!(!secrets.is_for_release());
        assert!(secrets.key_id().starts_with("TEST-"));
        assert!(ReleaseSecrets::anonymized().unwrap().is_for_release());
    }

    #[test]
    fn nothing_secret_is_shown() {
        let secrets = ReleaseSecrets::anonymized_from_test_seed(7);
        let shown = format!("{secrets:?}");
        assert_eq!(shown, format!("ReleaseSecrets(anonymized, {})", secrets.key_id()));
        let numbers: Vec<String> = secrets.key.get().iter().map(u8::to_string).collect();
        assert!(!shown.contains(&numbers.join(", ")));
    }

    proptest! {
        #[test]
        fn lists_of_names_are_never_confused(
            a in "[ab]{0,4}", b in "[ab]{0,4}", c in "[ab]{0,4}", d in "[ab]{0,4}",
        ) {
            let same = (&a, &b) == (&c, &d);
            let (one, two) = (secrets(&a, &b, "1"), secrets(&c, &d, "1"));
            prop_assert_eq!(one.token("patient", "1") == two.token("patient", "1"), same);
            prop_assert_eq!(one.token(&a, &b) == one.token(&c, &d), same);
        }
    }
}
