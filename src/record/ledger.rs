//! The ledger (帳簿): what was done with whose key and when, one line an entry, that can only grow.
//!
//! A folder with four things:
//!
//! * `entries.jsonl`: one signed DSSE envelope a line. Each entry names its place, and the RFC 6962 hash of the line before.
//! * `checkpoint`: a C2SP checkpoint: the number of lines and the root of their RFC 6962 tree, signed as a note.
//! * `open/`: a ticket of every run that has begun and not ended. The next writer turns the ticket of a dead run into an
//!   entry, so that a killed run leaves a trace.
//! * `lock`: held by the one who writes.
//! * `stamps/`, where somebody asked for a time stamp ([`super::stamp`]).
//! * `seen/`: how far each writer has verified it ([`super::known`]).
//!
//! Who may write is told by the ledger itself: the first entry names the first key, and a key may name further ones.
//! A line is written and on the disk before the checkpoint that counts it; what a crash between the two leaves is
//! explained by [`Ledger::read`] and put in order by [`Ledger::repair`], with an entry of its own.

use std::cell::RefCell;
use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Datelike as _;
use serde_json::{Value, json};

use super::attest;
use super::known::{Known, SEEN};
use super::merkle::{self, Hash, Head};
use super::note::{Checkpoint, Note, Role, VerifierKey};
use super::stamp::STAMPS;
use super::statement::rfc3339;
use crate::claim;
use crate::digest::{self, hex};
use crate::error::{Error, Name, Result, Said};
use crate::keys::{PublicKey, Sign};
use crate::plan::Warning;
use crate::say;
use crate::system::{self, Opening as _};

/// The type of what an entry signs.
const ENTRY: &str = "application/vnd.kakou.ledger-entry+json";
const ENTRIES: &str = "entries.jsonl";
const CHECKPOINT: &str = "checkpoint";
const LOCK: &str = "lock";
const OPEN: &str = "open";
const TORN: &str = "torn";
/// How everything begins that has its name not yet.
pub(super) const BEFORE: &str = ".kakou-";
/// How a ledger is called until it has its first entry.
const MAKING: &str = ".kakou-ledger-";
/// The largest ledger that is read: more than a million entries.
const LARGEST: u64 = 4 << 30;

/// What an entry is about.
#[derive(
    Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum EntryKind {
    /// The ledger begins: its name and first key.
    Init,
    /// A key may write from now on, takes the place of another, or may write no longer.
    Key,
    /// A run whose release stands in its folder.
    Run,
    /// A run that a requirement, the policy or the data stopped.
    Refused,
    /// A run that the user, the machine or a crash ended.
    Aborted,
    /// The second signature under a release.
    Approval,
    /// A release was sealed.
    Seal,
    /// A key of an anonymized release was destroyed (規則18条3号; PPC Q&A 15-14).
    Destruction,
    /// Data or a project key were deleted (消去, 規則12条1項3号).
    Deletion,
    /// A release was given to a recipient (提供, 規則12条1項1号).
    Provision,
    /// What the house says that it did and no program saw: by whom, and by which article it is kept ([`super::told`]).
    Told,
    /// Pseudonyms were traced back (法35条3項ただし書, 規則34条).
    Reveal,
    /// What a crash left was put in order.
    Repair,
}

impl EntryKind {
    /// The word in entries.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            EntryKind::Init => "init",
            EntryKind::Key => "key",
            EntryKind::Run => "run",
            EntryKind::Refused => "refused",
            EntryKind::Aborted => "aborted",
            EntryKind::Approval => "approval",
            EntryKind::Seal => "seal",
            EntryKind::Destruction => "destruction",
            EntryKind::Deletion => "deletion",
            EntryKind::Provision => "provision",
            EntryKind::Told => "told",
            EntryKind::Reveal => "reveal",
            EntryKind::Repair => "repair",
        }
    }
    /// The word in Japanese.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            EntryKind::Init => "開始",
            EntryKind::Key => "鍵",
            EntryKind::Run => "加工",
            EntryKind::Refused => "拒否",
            EntryKind::Aborted => "中断",
            EntryKind::Approval => "承認",
            EntryKind::Seal => "封印",
            EntryKind::Destruction => "鍵の破棄",
            EntryKind::Deletion => "消去",
            EntryKind::Provision => "提供",
            EntryKind::Told => "申告",
            EntryKind::Reveal => "再識別",
            EntryKind::Repair => "修復",
        }
    }
}

/// One entry whose signature holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its place, from 0.
    pub index: u64,
    /// When it was written, RFC 3339, UTC.
    pub at: String,
    /// What it is about.
    pub kind: EntryKind,
    /// Who wrote it.
    pub signer: PublicKey,
    /// What it says; docs/record.md has the fields by kind.
    pub body: Value,
    /// The RFC 6962 hash of its line.
    pub leaf: Hash,
}

/// A ledger that was read and verified.
#[derive(Debug)]
pub struct Book {
    /// The name of the ledger.
    pub origin: String,
    /// All entries, in order.
    pub entries: Vec<Entry>,
    /// Size and root.
    pub head: Head,
    /// The signed checkpoint as text.
    pub checkpoint: String,
    /// The keys that may write after the last entry.
    pub keys: Vec<VerifierKey>,
    /// Whether the first key is one of those that the caller trusts.
    pub trusted: bool,
    /// Runs that have begun and not ended.
    pub open: u64,
}

impl Book {
    /// Entries that say an earlier time than one before them: a clock was set back, or was wrong.
    #[must_use]
    pub fn backwards(&self) -> Vec<u64> {
        let mut latest = "";
        let mut found = Vec::new();
        for entry in &self.entries {
            if entry.at.as_str() < latest {
                found.push(entry.index);
            } else {
                latest = &entry.at;
            }
        }
        found
    }
    /// The hashes of the lines.
    #[must_use]
    pub fn leaves(&self) -> Vec<Hash> {
        self.entries.iter().map(|e| e.leaf).collect()
    }
    /// The proof that the ledger holds an entry (C2SP `tlog-proof`).
    #[must_use]
    pub fn prove(&self, index: u64) -> Option<String> {
        let at = usize::try_from(index).ok()?;
        let proof = merkle::prove_inclusion(&self.leaves(), at)?;
        Some(proof_text(index, &proof, &self.checkpoint))
    }
    /// The proof that the ledger begins with an older state of itself: hashes of RFC 6962 §2.1.2.
    ///
    /// # Errors
    /// If it does not: the ledger was rewritten or cut since.
    pub fn consistency(&self, old: &Head) -> Result<Vec<Hash>> {
        let leaves = self.leaves();
        let size = usize::try_from(old.size).unwrap_or(usize::MAX);
        if size > leaves.len() {
            return Err(Error::refused(
                "R0221",
                say!(
                    "the ledger was cut: it has {} entries, the older checkpoint counts {}",
                    leaves.len(),
                    old.size
                ),
            ));
        }
        if merkle::root(&leaves[..size]) != old.root {
            return Err(Error::refused(
                "R0222",
                say!(
                    "the ledger was rewritten: its first {} entries are not those of the older checkpoint",
                    old.size
                ),
            ));
        }
        Ok(merkle::prove_consistency(&leaves, size).unwrap_or_default())
    }
    /// The entry of the run that made a release. A run that ended after its entry made none.
    #[must_use]
    pub fn run(&self, release: &str) -> Option<&Entry> {
        run_of(&self.entries, release)
    }
    /// The entries of runs that made a release, in order.
    pub fn runs(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|e| e.kind == EntryKind::Run && self.ended(e).is_none())
    }
    /// The entry that says that a run ended after it was entered and before its release stood: its word about the same run is
    /// no older than that run.
    #[must_use]
    pub fn ended(&self, run: &Entry) -> Option<&Entry> {
        ended_of(&self.entries, run)
    }
    /// Whether a key could ever write here.
    #[must_use]
    pub fn knew(&self, key: &PublicKey) -> bool {
        knew(&self.entries, key)
    }
    /// The entry that says that a release was deleted, or that its deletion has begun. That it was asked for deletes nothing.
    #[must_use]
    pub fn deleted(&self, release: &str) -> Option<&Entry> {
        let about = |body: &Value| {
            let all = body["releases"].as_array().into_iter().flatten();
            body["release"] == release || all.into_iter().any(|r| r["release"] == release)
        };
        let deletes = |e: &&Entry| e.kind == EntryKind::Deletion && e.body["state"] != "asked";
        self.entries.iter().filter(deletes).find(|e| about(&e.body))
    }
    /// The entries about a release, in order.
    pub fn about(&self, release: &str) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(move |e| e.body["release"] == release)
    }
}

fn run_of<'a>(entries: &'a [Entry], release: &str) -> Option<&'a Entry> {
    let made = |e: &&Entry| {
        e.kind == EntryKind::Run && e.body["release"] == release && ended_of(entries, e).is_none()
    };
    entries.iter().find(made)
}

fn ended_of<'a>(entries: &'a [Entry], run: &Entry) -> Option<&'a Entry> {
    let began = |e: &Entry| e.body["startedAt"].as_str().unwrap_or_default().to_owned();
    entries.iter().find(|e| {
        matches!(e.kind, EntryKind::Aborted | EntryKind::Refused)
            && e.index > run.index
            && e.body["release"] == run.body["release"]
            && began(e) <= began(run)
    })
}

/// What an append gave.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The place of the new entry.
    pub index: u64,
    /// Its line.
    pub line: String,
    /// The proof that the ledger holds it (C2SP `tlog-proof`).
    pub proof: String,
    /// How many entries were verified for it: those that this key had not seen yet.
    pub verified: u64,
}

thread_local! {
    /// What this thread has found strange in ledgers since it was last asked.
    static STRANGE: RefCell<Vec<Warning>> = const { RefCell::new(Vec::new()) };
}

/// What is strange in the ledgers that this thread has read or written since it was last asked: a clock that is behind an entry, a
/// ledger that was taken back.
#[must_use]
pub fn take_strange() -> Vec<Warning> {
    STRANGE.take()
}

fn tell(warning: Warning) {
    STRANGE.with_borrow_mut(|told| {
        told.retain(|w| w.code != warning.code);
        told.push(warning);
    });
}

/// What was verified before is not what stands there now: the ledger holds in itself, and is another one.
fn taken_back(known: &Known, entries: u64) -> Warning {
    let verified = known.size();
    let (text, text_ja) = if verified > entries {
        (
            say!(
                "the ledger was taken back or cut: it has {} entries, and a writer of it has verified {}; look for the newer ledger before more is entered",
                entries,
                verified
            ),
            say!(
                "帳簿が戻されたか切り詰められている: 記載は{}件だが、記入者は{}件まで検証している。続けて記入する前に、新しいほうの帳簿を探すこと",
                entries,
                verified
            ),
        )
    } else {
        (
            say!(
                "the ledger was rewritten: its first {} entries are not those that a writer of it has verified; look for the other ledger before more is entered",
                verified
            ),
            say!(
                "帳簿が書き換えられている: はじめの{}件は、記入者が検証したものではない。続けて記入する前に、もとの帳簿を探すこと",
                verified
            ),
        )
    };
    Warning { code: "W0502", text, text_ja, place: None }
}

fn late(now: &str, last: &str) -> Warning {
    let [now, last] = [now, last].map(Name::from_policy);
    Warning {
        code: "W0501",
        text: say!(
            "the clock of this machine says {}, but the ledger has an entry of {}: set the clock; the entry that was made now says the earlier time",
            now,
            last
        ),
        text_ja: say!(
            "この計算機の時計は{}だが、帳簿には{}の記載がある: 時計を合わせること。今回の記載は早いほうの時刻のままである",
            now,
            last
        ),
        place: None,
    }
}

/// Until when an entry must be kept: three years from the day on which it was made (規則12条3項), a day more where that
/// day is missing in its year (29 February). `None` if `at` is no time of an entry.
#[must_use]
pub fn retention_until(at: &str) -> Option<String> {
    let day = chrono::DateTime::parse_from_rfc3339(at).ok()?;
    let day = crate::text::date::in_japan(day.to_utc());
    let same = day.with_year(day.year() + 3);
    let until = same.or_else(|| day.succ_opt()?.with_year(day.year() + 3))?;
    Some(until.format("%Y-%m-%d").to_string())
}

/// A ledger in a folder.
#[derive(Clone, Debug)]
pub struct Ledger {
    folder: PathBuf,
}

/// A run that has begun. Dropping it without [`Ticket::close`] leaves the ticket for the next writer to find.
#[derive(Debug)]
pub struct Ticket {
    path: PathBuf,
    /// Locked while the run lives.
    _lock: File,
}

impl Ticket {
    /// The run has an entry: the ticket goes.
    pub fn close(self) {
        // What stays would become an entry about a run that ended well: the lock is held until the file is gone.
        let _ = fs::remove_file(&self.path);
    }
}

fn wrong(what: Said) -> Error {
    Error::refused("R0201", what)
}

/// An id that the ledger has already.
fn used(release: &str, entry: &Entry) -> Error {
    Error::refused(
        "R0205",
        say!(
            "by entry {} of the ledger there is a run with the id {} already: ids are never used twice",
            entry.index,
            Name::from_policy(release)
        ),
    )
    .advice(say!("name another --release-id, or none"))
}

/// The entries of a folder by their names; what cannot be listed is an error, not a shorter list.
pub(super) fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = fs::read_dir(folder)
        .and_then(|list| list.map(|e| e.map(|e| e.path())).collect::<std::io::Result<Vec<_>>>())
        .map_err(|e| io("listing", &e))?;
    found.sort();
    Ok(found)
}

/// What a writer that was killed leaves beside what it replaces.
fn leftover(path: &Path) -> bool {
    path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with(BEFORE))
}

pub(super) fn io(doing: &'static str, e: &std::io::Error) -> Error {
    Error::io("R0202", say!("{} the ledger", doing), e)
}

/// The lines of a ledger as they stand on the disk.
struct Lines {
    bytes: Vec<u8>,
    /// Ends of the complete lines, behind the line end.
    ends: Vec<usize>,
}

impl Lines {
    /// The lines from a place on.
    fn read(folder: &Path, from: u64) -> Result<Self> {
        let mut file = File::open(folder.join(ENTRIES)).map_err(|e| {
            io("reading", &e)
                .advice(say!("`kakou ledger init DIR --name NAME --sign KEY` makes a ledger"))
        })?;
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(from)).map_err(|e| io("reading", &e))?;
        file.take(LARGEST).read_to_end(&mut bytes).map_err(|e| io("reading", &e))?;
        let ends = bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1);
        Ok(Lines { ends: ends.collect(), bytes })
    }
    fn len(&self) -> usize {
        self.ends.len()
    }
    fn end(&self, lines: usize) -> usize {
        if lines == 0 { 0 } else { self.ends[lines - 1] }
    }
    /// A line without its end.
    fn line(&self, index: usize) -> &[u8] {
        &self.bytes[self.end(index)..self.ends[index] - 1]
    }
    fn tail(&self) -> &[u8] {
        &self.bytes[self.end(self.len())..]
    }
}

/// An entry alone, out of its ledger: its signature is verified (with the keys, or if there are none with the one that
/// it names), its place is not. Gives the entry and the name of its ledger.
///
/// # Errors
/// If it is not an entry, was changed, or another key signed it.
pub fn entry_alone(line: &[u8], shown: &Name, keys: &[PublicKey]) -> Result<(Entry, String)> {
    let (payload, signer) = attest::opened(line, shown, ENTRY, keys)?;
    let value: Value =
        serde_json::from_slice(&payload).map_err(|_| wrong(say!("{} cannot be read", shown)))?;
    let kind: EntryKind = serde_json::from_value(value["kind"].clone())
        .map_err(|_| wrong(say!("{} is of a kind that this program does not know", shown)))?;
    let index = value["index"].as_u64();
    let index = index.ok_or_else(|| wrong(say!("{} does not say its place", shown)))?;
    let entry = Entry {
        index,
        at: value["at"].as_str().unwrap_or_default().to_owned(),
        kind,
        signer,
        body: value["body"].clone(),
        leaf: merkle::leaf(line.strip_suffix(b"\n").unwrap_or(line)),
    };
    Ok((entry, value["ledger"].as_str().unwrap_or_default().to_owned()))
}

/// The rules by which entries follow one another.
struct Chain {
    /// What holds up to here.
    at: Known,
    /// The entries that were taken in; what was known before them is not among them.
    entries: Vec<Entry>,
}

impl Chain {
    fn new() -> Self {
        Self::after(Known::nothing())
    }

    fn after(known: Known) -> Self {
        Chain { at: known, entries: Vec::new() }
    }

    /// Takes the next line in.
    fn add(&mut self, line: &[u8]) -> Result<()> {
        let index = self.at.size();
        let name = Name::from_policy(format!("line {} of the ledger", index + 1));
        let mut bytes = line.to_vec();
        bytes.push(b'\n');
        let (payload, signer) = attest::opened(&bytes, &name, ENTRY, &[])?;
        let value: Value =
            serde_json::from_slice(&payload).map_err(|_| wrong(say!("{} cannot be read", name)))?;
        let told = value["index"].as_u64();
        if told != Some(index) {
            return Err(wrong(say!(
                "{} says that it is entry {}, but it stands where entry {} belongs: lines were removed, swapped or repeated",
                name,
                told,
                index
            )));
        }
        if value["previous"].as_str() != Some(hex(&self.at.previous).as_str()) {
            return Err(wrong(say!(
                "{} does not follow the line before it: one of them was exchanged",
                name
            )));
        }
        let kind: EntryKind = serde_json::from_value(value["kind"].clone())
            .map_err(|_| wrong(say!("{} is of a kind that this program does not know", name)))?;
        let origin = value["ledger"].as_str().unwrap_or_default();
        let body = value["body"].clone();
        if index == 0 {
            if kind != EntryKind::Init {
                return Err(wrong(say!("the ledger does not begin with its first entry")));
            }
            self.at.origin = origin.to_owned();
            let first = VerifierKey::new(origin, Role::Log, signer)?;
            self.at.keys.insert(*signer.bytes(), first);
        }
        if origin != self.at.origin || (index > 0 && kind == EntryKind::Init) {
            return Err(wrong(say!("{} is of another ledger", name)));
        }
        if !self.at.keys.contains_key(signer.bytes()) {
            return Err(wrong(say!(
                "{} is signed by a key that may not write here ({})",
                name,
                Name::from_policy(signer.id())
            )));
        }
        if kind == EntryKind::Key {
            self.key_event(&body, &signer, &name)?;
        }
        let leaf = merkle::leaf(line);
        let at = value["at"].as_str().unwrap_or_default().to_owned();
        self.at.previous = leaf;
        self.at.edge.push(leaf);
        self.at.from = self.at.end;
        self.at.end += bytes.len() as u64;
        if at > self.at.latest {
            self.at.latest.clone_from(&at);
        }
        self.entries.push(Entry { index, at, kind, signer, body, leaf });
        Ok(())
    }

    fn key_event(&mut self, body: &Value, signer: &PublicKey, name: &Name) -> Result<()> {
        let bad = || wrong(say!("{} does not say which key it is about", name));
        let key = body["publicKey"].as_str().and_then(attest::public_from_hex).ok_or_else(bad)?;
        let named = VerifierKey::new(&self.at.origin, Role::Log, key)?;
        match body["event"].as_str() {
            Some("trusted") => {
                self.at.keys.insert(*key.bytes(), named);
            }
            Some("rotated") => {
                self.at.keys.remove(signer.bytes());
                self.at.keys.insert(*key.bytes(), named);
            }
            Some("retired") => {
                self.at.keys.remove(key.bytes());
            }
            // Facts about keys that do not write here (project keys).
            Some("created" | "split") => {}
            _ => return Err(bad()),
        }
        Ok(())
    }

    fn head(&self) -> Head {
        self.at.edge.head()
    }

    /// Whether it is what a checkpoint counts, by a key that may. `last` signed the last entry.
    fn is_that_of(&self, note: &Note, signed: &Checkpoint, last: Option<PublicKey>) -> Result<()> {
        if self.at.origin != signed.origin || self.head() != signed.head {
            return Err(wrong(say!(
                "the entries of the ledger are not those of its checkpoint: it was rewritten"
            )));
        }
        let mut may: Vec<VerifierKey> = self.at.keys.values().cloned().collect();
        // The key of a rotation signs its own checkpoint before it goes.
        if let Some(last) = last {
            may.push(VerifierKey::new(&self.at.origin, Role::Log, last)?);
        }
        note.verify(&may).map(|_| ()).map_err(|_| {
            wrong(say!("the checkpoint of the ledger is not signed by a key that may write here"))
        })
    }

    fn may_write(&self, key: &PublicKey) -> Result<()> {
        if self.at.keys.contains_key(key.bytes()) {
            return Ok(());
        }
        Err(Error::refused("R0204", say!("this key may not write in the ledger")).advice(say!(
            "the holder of a key that may: `kakou ledger trust DIR --public-key FILE --sign KEY`"
        )))
    }
}

/// Tells if a whole ledger is not a continuation of what is known of it.
fn hold(known: &Known, chain: &Chain) {
    let size = usize::try_from(known.size()).unwrap_or(usize::MAX);
    let leaves: Option<Vec<Hash>> =
        chain.entries.get(..size).map(|begin| begin.iter().map(|e| e.leaf).collect());
    let same = leaves.is_some_and(|leaves| merkle::root(&leaves) == known.edge.head().root);
    if !same && known.origin == chain.at.origin {
        tell(taken_back(known, chain.at.size()));
    }
}

/// Whether a key could ever write in a ledger with these entries.
fn knew(entries: &[Entry], key: &PublicKey) -> bool {
    let named = |e: &Entry| {
        let event = e.body["event"].as_str().unwrap_or_default();
        e.kind == EntryKind::Key
            && matches!(event, "trusted" | "rotated")
            && e.body["publicKey"].as_str().and_then(attest::public_from_hex) == Some(*key)
    };
    entries.first().is_some_and(|e| e.signer == *key) || entries.iter().any(named)
}

impl Ledger {
    /// A ledger's folder; nothing is read.
    #[must_use]
    pub fn at(folder: &Path) -> Self {
        Ledger { folder: folder.to_owned() }
    }

    /// Makes a ledger with its first entry, signed by its first key. `origin` names it, like `hospital.example/kakou`.
    ///
    /// # Errors
    /// If the folder exists, the name is not one, or I/O.
    pub fn init(folder: &Path, origin: &str, key: &dyn Sign) -> Result<Self> {
        let named = VerifierKey::new(origin, Role::Log, *key.public())?;
        let parent = folder.parent().filter(|p| !p.as_os_str().is_empty());
        let parent = parent.unwrap_or_else(|| Path::new("."));
        // What killed ones left goes, also where the ledger stood already when they were killed.
        claim::sweep(parent, MAKING).map_err(|e| io("making", &e))?;
        if system::there(folder).map_err(|e| io("making", &e))? {
            return Err(Error::policy(
                "R0203",
                say!("the folder of the new ledger exists already"),
            )
            .advice(say!("name a new folder; a ledger is never replaced")));
        }
        crate::release::private(parent)?;
        // Made beside its place and moved there whole, so that no crash leaves a ledger without a beginning.
        let making = claim::Claim::new(parent, MAKING).map_err(|e| io("making", &e))?;
        crate::release::private(making.path())?;
        let this = Ledger::at(making.path());
        for name in [OPEN, TORN] {
            crate::release::private(&making.path().join(name))?;
        }
        for name in [LOCK, ENTRIES] {
            put(&making.path().join(name), b"")?;
        }
        let body = json!({ "name": origin, "verifierKey": named.to_string() });
        let at = rfc3339(SystemTime::now());
        let line = line(origin, (0, &at), &[0; 32], EntryKind::Init, &body, key)?;
        let mut chain = Chain::new();
        chain.add(line.trim_end().as_bytes())?;
        this.write_line(&line)?;
        this.write_checkpoint(origin, &chain.head(), key)?;
        fs::rename(making.path(), folder).map_err(|e| io("making", &e))?;
        sync(parent)?;
        Ok(Ledger::at(folder))
    }

    /// Reads and verifies everything: every signature, the order, who may write, and the checkpoint. With `trusted` the
    /// ledger must begin with one of these keys; without, its first entry is believed.
    ///
    /// # Errors
    /// What does not hold, with the line. An unfinished last write has the code R0210.
    pub fn read(&self, trusted: &[PublicKey]) -> Result<Book> {
        // A writer would show a line without its checkpoint.
        let _lock = self.lock(File::lock_shared)?;
        self.read_locked(trusted)
    }

    /// Nothing stands in the folder that is not the ledger's.
    fn only_its_own(&self) -> Result<()> {
        let own = [ENTRIES, CHECKPOINT, LOCK, OPEN, TORN, STAMPS, SEEN];
        for path in listed(&self.folder)? {
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            let kind = fs::symlink_metadata(&path).map_err(|e| io("listing", &e))?.file_type();
            let folder = [OPEN, TORN, STAMPS, SEEN].contains(&name);
            let fits = if folder { kind.is_dir() } else { kind.is_file() };
            if !(leftover(&path) || own.contains(&name) && fits) {
                return Err(wrong(say!(
                    "`{}` in the folder of the ledger is not the ledger's",
                    Name::from_policy(path.display().to_string())
                ))
                .advice(say!("look who put it there, and take it away")));
            }
        }
        Ok(())
    }

    fn read_locked(&self, trusted: &[PublicKey]) -> Result<Book> {
        let (chain, checkpoint) = self.verify_all(trusted)?;
        Ok(Book {
            head: chain.head(),
            keys: chain.at.keys.into_values().collect(),
            origin: chain.at.origin,
            entries: chain.entries,
            checkpoint: checkpoint.to_string(),
            trusted: !trusted.is_empty(),
            open: self.tickets()?.len() as u64,
        })
    }

    fn verify_all(&self, trusted: &[PublicKey]) -> Result<(Chain, Note)> {
        let lines = Lines::read(&self.folder, 0)?;
        let mut chain = Chain::new();
        let checkpoint = self.checkpoint()?;
        let signed = Checkpoint::parse(checkpoint.text())?;
        let size = usize::try_from(signed.head.size).unwrap_or(usize::MAX);
        for index in 0..lines.len().min(size) {
            chain.add(lines.line(index))?;
        }
        if lines.len() < size {
            return Err(wrong(say!(
                "the ledger was cut: its checkpoint counts {} entries, {} are there",
                signed.head.size,
                lines.len()
            )));
        }
        chain.is_that_of(&checkpoint, &signed, chain.entries.last().map(|e| e.signer))?;
        let first = chain.entries.first().map(|e| e.signer);
        if !trusted.is_empty() && !first.is_some_and(|key| trusted.contains(&key)) {
            return Err(wrong(say!(
                "the ledger does not begin with one of the given keys: it is another ledger, or a forged one"
            )));
        }
        if lines.len() > size || !lines.tail().is_empty() {
            return Err(unfinished(&lines, size));
        }
        self.only_its_own()?;
        for (known, by) in Known::all(&self.folder) {
            if knew(&chain.entries, &by) {
                hold(&known, &chain);
            }
        }
        Ok((chain, checkpoint))
    }

    /// What came after what is known, if the ledger goes on from there and nothing else is to be said of it.
    fn verify_after(&self, known: &Known) -> Option<Chain> {
        let checkpoint = self.checkpoint().ok()?;
        let signed = Checkpoint::parse(checkpoint.text()).ok()?;
        let new = signed.head.size.checked_sub(known.size())?;
        let lines = Lines::read(&self.folder, known.from).ok()?;
        // The last line that is known, and those that the checkpoint counts after it.
        if lines.len() as u64 != new + 1 || !lines.tail().is_empty() {
            return None;
        }
        let last = &lines.bytes[..lines.end(1)];
        if merkle::leaf(lines.line(0)) != known.previous
            || known.from + last.len() as u64 != known.end
        {
            return None;
        }
        let (last, _) = entry_alone(last, &Name::fixed("the last entry"), &[]).ok()?;
        let mut chain = Chain::after(known.clone());
        for index in 1..lines.len() {
            chain.add(lines.line(index)).ok()?;
        }
        let signer = chain.entries.last().map_or(last.signer, |e| e.signer);
        chain.is_that_of(&checkpoint, &signed, Some(signer)).ok()?;
        self.only_its_own().ok()?;
        Some(chain)
    }

    /// The ledger as it stands, for a writer: verified from what is known, or from what this key has left, or as a whole.
    fn stand(&self, key: &PublicKey, known: Option<&Known>, whole: bool) -> Result<Chain> {
        let left = known.cloned().or_else(|| Known::left(&self.folder, key));
        if !whole && let Some(chain) = left.as_ref().and_then(|known| self.verify_after(known)) {
            return Ok(chain);
        }
        let (chain, _) = self.verify_all(&[])?;
        if let Some(known) = left {
            hold(&known, &chain);
        }
        Ok(chain)
    }

    /// Appends an entry: on the disk, counted by a new checkpoint, when this returns. Runs that died since are entered
    /// before it. Only one writer at a time; the others wait. What this key has verified before is not verified again; for a run
    /// all is, as any entry may have its id.
    ///
    /// # Errors
    /// If the ledger does not verify, the key may not write here, or I/O.
    pub fn append(&self, kind: EntryKind, body: &Value, key: &dyn Sign) -> Result<Appended> {
        self.append_at(None, kind, body, key, SystemTime::now())
    }

    /// As [`Self::append`], by who has verified the ledger before and knows that no run had this id then.
    ///
    /// # Errors
    /// As there.
    pub fn append_after(
        &self,
        known: &Known,
        kind: EntryKind,
        body: &Value,
        key: &dyn Sign,
    ) -> Result<Appended> {
        self.append_at(Some(known), kind, body, key, SystemTime::now())
    }

    fn append_at(
        &self,
        known: Option<&Known>,
        kind: EntryKind,
        body: &Value,
        key: &dyn Sign,
        now: SystemTime,
    ) -> Result<Appended> {
        let _lock = self.lock(File::lock)?;
        let dead = self.dead()?;
        // Whether a run was entered before is said by any entry.
        let whole = !dead.is_empty() || kind == EntryKind::Run && known.is_none();
        let mut chain = self.stand(key.public(), known, whole)?;
        chain.may_write(key.public())?;
        if kind == EntryKind::Run
            && let Some(release) = body["release"].as_str()
        {
            unused(&chain.entries, release)?;
        }
        let verified = chain.entries.len() as u64;
        let at = rfc3339(now);
        if chain.at.latest > at {
            tell(late(&at, &chain.at.latest));
        }
        self.sweep()?;
        let mut new: Vec<(EntryKind, Value, Option<Ticket>)> = Vec::new();
        for (ticket, told) in dead {
            let release = told["release"].as_str().unwrap_or_default();
            let run = run_of(&chain.entries, release);
            // It died between the publishing and its last word: the release stands.
            if run.is_some_and(|run| stands(&told, run)) {
                ticket.close();
                continue;
            }
            let body = json!({
                "release": told["release"], "policy": told["policy"], "startedAt": told["startedAt"],
                "entered": run.map(|run| run.index),
                "reason": "the process ended without a word; found by the next writer",
            });
            new.push((EntryKind::Aborted, body, Some(ticket)));
        }
        new.push((kind, body.clone(), None));
        let mut tickets = Vec::new();
        let (mut last, mut proof) = (String::new(), Vec::new());
        // One checkpoint a line, so that a crash leaves at most one line that is not counted.
        for (kind, body, ticket) in new {
            let Known { origin, edge, previous, .. } = &chain.at;
            let text = line(origin, (edge.size(), &at), previous, kind, &body, key)?;
            proof = edge.prove_next();
            chain.add(text.trim_end().as_bytes())?;
            self.write_line(&text)?;
            self.write_checkpoint(&chain.at.origin, &chain.head(), key)?;
            tickets.extend(ticket);
            last = text;
        }
        tickets.into_iter().for_each(Ticket::close);
        chain.at.leave(&self.folder, key);
        let index = chain.at.size() - 1;
        let proof = proof_text(index, &proof, &self.checkpoint()?.to_string());
        Ok(Appended { index, line: last, proof, verified })
    }

    /// Whether a key may write, after everything was verified. Gives the name of the ledger.
    ///
    /// # Errors
    /// Those of [`Self::read`], and if it may not.
    pub fn check_writer(&self, key: &PublicKey) -> Result<String> {
        let _lock = self.lock(File::lock_shared)?;
        let (chain, _) = self.verify_all(&[])?;
        chain.may_write(key)?;
        Ok(chain.at.origin)
    }

    /// What the holder of a key knows of the ledger when a run of his begins: that it goes on from what he has verified, and that he
    /// may write. All is verified if he has seen nothing, or if somebody chose the id of the release: then no run has it yet.
    ///
    /// # Errors
    /// Those of [`Self::read`]; if the key may not write here, or there is a run with the id.
    pub fn know(&self, key: &PublicKey, chosen: Option<&str>) -> Result<Known> {
        let _lock = self.lock(File::lock_shared)?;
        let chain = self.stand(key, None, chosen.is_some())?;
        chain.may_write(key)?;
        if let Some(release) = chosen {
            unused(&chain.entries, release)?;
        }
        Ok(chain.at)
    }

    /// Removes what killed writers left. Only with the lock in hand.
    fn sweep(&self) -> Result<()> {
        for path in listed(&self.folder)?.into_iter().filter(|p| leftover(p)) {
            let _ = fs::remove_file(path);
        }
        for path in listed(&self.folder.join(OPEN))? {
            // A ticket gets its name with the lock in hand.
            if path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(b".")) {
                let _ = fs::remove_file(path);
            }
        }
        Ok(())
    }

    /// A run begins: if it dies, the next writer enters it as aborted. `told` has `release`, `policy` and `startedAt`, and
    /// `folder`: where the release will stand.
    ///
    /// # Errors
    /// I/O.
    pub fn begin(&self, told: &Value) -> Result<Ticket> {
        let mut noise = [0_u8; 8];
        getrandom::fill(&mut noise)
            .map_err(|_| Error::environment("X0302", say!("the system gives no random numbers")))?;
        let folder = self.folder.join(OPEN);
        let _lock = self.lock(File::lock)?;
        let making = folder.join(format!(".{}", hex(&noise)));
        let path = folder.join(format!("{}.json", hex(&noise)));
        put(&making, told.to_string().as_bytes())?;
        let lock = File::open(&making).map_err(|e| io("writing", &e))?;
        // Locked before it has the name under which it is looked for.
        lock.try_lock().map_err(|e| io("writing", &e.into()))?;
        fs::rename(&making, &path).map_err(|e| io("writing", &e))?;
        sync(&folder)?;
        Ok(Ticket { path, _lock: lock })
    }

    fn tickets(&self) -> Result<Vec<PathBuf>> {
        let mut found = listed(&self.folder.join(OPEN))?;
        found.retain(|p| p.extension().is_some_and(|e| e == "json"));
        Ok(found)
    }

    /// The tickets of runs that are dead: nobody holds their lock.
    fn dead(&self) -> Result<Vec<(Ticket, Value)>> {
        let mut found = Vec::new();
        for path in self.tickets()? {
            let lock = match File::open(&path) {
                Ok(lock) => lock,
                // Its run has just ended.
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(io("reading", &e)),
            };
            if lock.try_lock().is_err() || !path.exists() {
                continue;
            }
            let told = fs::read(&path).map_err(|e| io("reading", &e))?;
            let told = serde_json::from_slice(&told).unwrap_or(Value::Null);
            found.push((Ticket { path, _lock: lock }, told));
        }
        Ok(found)
    }

    /// Puts in order what a crash left behind the last checkpoint: a whole entry is counted, a part of one is moved
    /// into `torn/`. An entry says what was done. `None` if there is nothing to repair.
    ///
    /// # Errors
    /// If what a checkpoint counts was changed: that is no matter of a crash.
    pub fn repair(&self, key: &dyn Sign) -> Result<Option<Value>> {
        let lock = self.lock(File::lock)?;
        let lines = Lines::read(&self.folder, 0)?;
        let size = match self.read_locked(&[]) {
            Ok(_) => return Ok(None),
            Err(error) if error.code == "R0210" => {
                usize::try_from(Checkpoint::parse(self.checkpoint()?.text())?.head.size)
                    .unwrap_or(usize::MAX)
            }
            Err(error) => return Err(error),
        };
        let mut chain = Chain::new();
        for index in 0..size {
            chain.add(lines.line(index))?;
        }
        // One writer at a time and one checkpoint a line: at most one whole line can be waiting.
        let adopted = lines.len() > size && chain.add(lines.line(size)).is_ok();
        chain.may_write(key.public())?;
        let kept = lines.end(size + usize::from(adopted));
        let rest = &lines.bytes[kept..];
        if !rest.is_empty() {
            let name = hex(&digest::bytes(rest).sha256);
            let path = self.folder.join(TORN).join(format!("{}.part", &name[..16]));
            if !path.exists() {
                put(&path, rest)?;
                sync(&self.folder.join(TORN))?;
            }
            let file = OpenOptions::new()
                .write(true)
                .open(self.folder.join(ENTRIES))
                .map_err(|e| io("repairing", &e))?;
            file.set_len(kept as u64)
                .and_then(|()| file.sync_all())
                .map_err(|e| io("repairing", &e))?;
        }
        self.write_checkpoint(&chain.at.origin, &chain.head(), key)?;
        let body = json!({
            "entriesCounted": u64::from(adopted),
            "bytesSetAside": rest.len(),
            "sha256": (!rest.is_empty()).then(|| hex(&digest::bytes(rest).sha256)),
        });
        drop(lock);
        self.append(EntryKind::Repair, &body, key)?;
        Ok(Some(body))
    }

    fn lock(&self, how: impl Fn(&File) -> std::io::Result<()>) -> Result<File> {
        let path = self.folder.join(LOCK);
        let file = File::open(path).map_err(|e| {
            io("opening", &e)
                .advice(say!("`kakou ledger init DIR --name NAME --sign KEY` makes a ledger"))
        })?;
        how(&file).map_err(|e| io("locking", &e))?;
        Ok(file)
    }

    fn checkpoint(&self) -> Result<Note> {
        let bytes = fs::read(self.folder.join(CHECKPOINT)).map_err(|e| io("reading", &e))?;
        let changed = || wrong(say!("the checkpoint of the ledger was changed"));
        let note = Note::parse(&bytes).map_err(|_| changed())?;
        Checkpoint::parse(note.text()).map_err(|_| changed())?;
        if note.to_string().as_bytes() != bytes { Err(changed()) } else { Ok(note) }
    }

    fn write_line(&self, line: &str) -> Result<()> {
        let mut file = OpenOptions::new()
            .append(true)
            .open(self.folder.join(ENTRIES))
            .map_err(|e| io("writing", &e))?;
        file.write_all(line.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|e| io("writing", &e))
    }

    fn write_checkpoint(&self, origin: &str, head: &Head, key: &dyn Sign) -> Result<()> {
        let checkpoint =
            Checkpoint { origin: origin.to_owned(), head: *head, extensions: Vec::new() };
        let mut note = Note::new(checkpoint.text()?)?;
        note.sign(origin, key)?;
        replace(&self.folder.join(CHECKPOINT), note.to_string().as_bytes())
    }
}

fn unfinished(lines: &Lines, size: usize) -> Error {
    let whole = lines.len() - size;
    let part = lines.tail().len();
    Error::refused(
        "R0210",
        say!(
            "the last write to the ledger did not finish: behind its checkpoint of {} entries stand {} whole lines and a part of {} bytes",
            size,
            whole,
            part
        ),
    )
    .advice(say!("nothing that was counted is touched: `kakou ledger repair DIR --sign KEY` puts it in order"))
}

fn unused(entries: &[Entry], release: &str) -> Result<()> {
    let same = |e: &&Entry| e.kind == EntryKind::Run && e.body["release"] == release;
    entries.iter().find(same).map_or(Ok(()), |entry| Err(used(release, entry)))
}

/// Whether the release of a ticket stands in its folder with this entry.
fn stands(told: &Value, run: &Entry) -> bool {
    let Some(folder) = told["folder"].as_str() else { return false };
    let line = fs::read(Path::new(folder).join(super::seal::ENTRY_FILE));
    line.is_ok_and(|line| merkle::leaf(line.strip_suffix(b"\n").unwrap_or(&line)) == run.leaf)
}

/// An entry as a line.
fn line(
    origin: &str,
    (index, at): (u64, &str),
    previous: &Hash,
    kind: EntryKind,
    body: &Value,
    key: &dyn Sign,
) -> Result<String> {
    let value = json!({
        "ledger": origin,
        "index": index,
        "previous": hex(previous),
        "at": at,
        "kind": kind,
        "signer": attest::signer(key.public()),
        "body": body,
    });
    attest::envelope(ENTRY, &value, key)
}

/// Writes a new file, to the disk.
fn put(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .of_group()
        .open(path)
        .map_err(|e| io("writing", &e))?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(|e| io("writing", &e))
}

/// Replaces a file whole: there is the old or the new one at any time.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<()> {
    claim::replace(path, bytes).map_err(|e| io("writing", &e))
}

/// Removes what killed writers left beside what they would have replaced.
pub(crate) fn take_up(folder: &Path) -> Result<()> {
    claim::sweep_files(folder, BEFORE).map_err(|e| io("writing", &e))
}

fn sync(folder: &Path) -> Result<()> {
    system::sync_folder(folder).map_err(|e| io("writing", &e))
}

const PROOF: &str = "c2sp.org/tlog-proof@v1";

/// A proof as text (C2SP `tlog-proof`).
fn proof_text(index: u64, proof: &[Hash], checkpoint: &str) -> String {
    let mut text = format!("{PROOF}\nindex {index}\n");
    for hash in proof {
        text.push_str(&STANDARD.encode(hash));
        text.push('\n');
    }
    text.push('\n');
    text.push_str(checkpoint);
    text
}

/// A proof that a ledger holds an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// The place of the entry.
    pub index: u64,
    /// The hashes on the way to the root.
    pub hashes: Vec<Hash>,
    /// The checkpoint with its signatures.
    pub note: Note,
    /// What the checkpoint says.
    pub checkpoint: Checkpoint,
}

impl Proof {
    /// Reads a proof. Nothing is verified but its form.
    ///
    /// # Errors
    /// If it is not as this program writes it.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = || wrong(say!("this is not a proof of a ledger, or it was changed"));
        let text = std::str::from_utf8(bytes).map_err(|_| bad())?;
        let (head, note) = text.split_once("\n\n").ok_or_else(bad)?;
        let mut lines = head.split('\n');
        if lines.next() != Some(PROOF) {
            return Err(bad());
        }
        let index = lines.next().and_then(|l| l.strip_prefix("index ")?.parse().ok());
        let index = index.ok_or_else(bad)?;
        let hashes = lines
            .map(|l| STANDARD.decode(l).ok()?.try_into().ok())
            .collect::<Option<Vec<Hash>>>()
            .ok_or_else(bad)?;
        let note = Note::parse(note.as_bytes()).map_err(|_| bad())?;
        let checkpoint = Checkpoint::parse(note.text()).map_err(|_| bad())?;
        if proof_text(index, &hashes, &note.to_string()) != text {
            return Err(bad());
        }
        Ok(Proof { index, hashes, note, checkpoint })
    }

    /// Whether it shows that the entry with this leaf is in the ledger of the checkpoint, which one of the keys signed.
    /// The name of a key is the ledger's, whatever name it was given.
    ///
    /// # Errors
    /// If it does not.
    pub fn verify(&self, leaf: &Hash, keys: &[PublicKey]) -> Result<()> {
        let named = keys
            .iter()
            .map(|k| VerifierKey::new(&self.checkpoint.origin, Role::Log, *k))
            .collect::<Result<Vec<_>>>()?;
        self.note.verify(&named).map_err(|_| {
            wrong(say!("the checkpoint of the ledger's proof is not signed by a given key"))
        })?;
        let Head { size, root } = self.checkpoint.head;
        if merkle::includes(&root, size, self.index, leaf, &self.hashes) {
            return Ok(());
        }
        Err(wrong(say!("the ledger's proof does not lead from this entry to its checkpoint")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;

    const ORIGIN: &str = "hospital.example/kakou";

    fn key(number: u8) -> SigningKey {
        SigningKey::from_test_seed([number; 32])
    }

    fn new(entries: usize) -> (tempfile::TempDir, Ledger) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Ledger::init(&folder.path().join("ledger"), ORIGIN, &key(1)).unwrap();
        for index in 1..entries {
            let body = json!({ "release": format!("r{index}") });
            assert_eq!(ledger.append(EntryKind::Run, &body, &key(1)).unwrap().index, index as u64);
        }
        (folder, ledger)
    }

    fn code(ledger: &Ledger) -> &'static str {
        ledger.read(&[]).map_or_else(|e| e.code, |_| "whole")
    }

    fn lines(ledger: &Ledger) -> Vec<String> {
        let text = fs::read_to_string(ledger.folder.join(ENTRIES)).unwrap();
        text.lines().map(|l| format!("{l}\n")).collect()
    }

    fn put_lines(ledger: &Ledger, lines: &[String]) {
        fs::write(ledger.folder.join(ENTRIES), lines.concat()).unwrap();
    }

    /// A clock that went back, or was set wrong, is told by who writes and by who reads.
    #[test]
    fn a_clock_behind_the_ledger_is_told() {
        let (_folder, ledger) = new(2);
        assert!(take_strange().is_empty());
        assert!(ledger.read(&[]).unwrap().backwards().is_empty());
        let day = std::time::Duration::from_secs(86_400);
        let body = |n: &str| json!({ "release": n });
        let later = SystemTime::now() + day;
        ledger.append_at(None, EntryKind::Run, &body("later"), &key(1), later).unwrap();
        assert!(take_strange().is_empty());
        // The last entry but one, too: a wrong clock does not become right by writing twice, whatever was verified for it.
        for (kind, name) in [(EntryKind::Run, "now"), (EntryKind::Approval, "again")] {
            ledger.append(kind, &body(name), &key(1)).unwrap();
            let [warning] = take_strange().try_into().unwrap();
            assert_eq!(warning.code, "W0501");
            assert!(warning.text.as_str().contains(&rfc3339(later)), "{}", warning.text);
            assert!(take_strange().is_empty());
        }
        assert_eq!(ledger.read(&[]).unwrap().backwards(), [3, 4]);
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let (_folder, ledger) = new(4);
        let book = ledger.read(&[*key(1).public()]).unwrap();
        assert_eq!(book.origin, ORIGIN);
        assert_eq!(book.entries.len(), 4);
        assert_eq!(book.run("r2").unwrap().index, 2);
        assert!(book.trusted && book.open == 0);
        // The root is that of the lines, as any other tool computes it.
        let leaves: Vec<Hash> =
            lines(&ledger).iter().map(|l| merkle::leaf(l.trim_end().as_bytes())).collect();
        assert_eq!(merkle::root(&leaves), book.head.root);
        assert_eq!(ledger.read(&[*key(2).public()]).unwrap_err().code, "R0201");
        assert_eq!(Ledger::init(&ledger.folder, ORIGIN, &key(1)).unwrap_err().code, "R0203");
    }

    #[test]
    fn every_removal_swap_repetition_and_change_is_found() {
        let (_folder, ledger) = new(5);
        let whole = lines(&ledger);
        for at in 0..5 {
            let mut removed = whole.clone();
            removed.remove(at);
            put_lines(&ledger, &removed);
            assert_eq!(code(&ledger), "R0201", "removed {at}");
            let mut again = whole.clone();
            again.push(whole[at].clone());
            put_lines(&ledger, &again);
            assert_ne!(code(&ledger), "whole", "repeated {at}");
            let mut replaced = whole.clone();
            replaced[4] = whole[at].clone();
            put_lines(&ledger, &replaced);
            assert_eq!(code(&ledger), if at == 4 { "whole" } else { "R0201" }, "replaced by {at}");
            for other in at + 1..5 {
                let mut swapped = whole.clone();
                swapped.swap(at, other);
                put_lines(&ledger, &swapped);
                let error = ledger.read(&[]).unwrap_err();
                assert_eq!(error.code, "R0201");
                if at > 0 {
                    assert!(error.what.as_str().contains(&format!("line {} of", at + 1)));
                }
            }
        }
        let bytes = whole.concat().into_bytes();
        for at in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            fs::write(ledger.folder.join(ENTRIES), changed).unwrap();
            assert_ne!(code(&ledger), "whole", "byte {at}");
        }
        put_lines(&ledger, &whole);
        let path = ledger.folder.join(CHECKPOINT);
        let bytes = fs::read(&path).unwrap();
        for at in 0..bytes.len() {
            for bit in [1, 32] {
                let mut changed = bytes.clone();
                changed[at] ^= bit;
                fs::write(&path, changed).unwrap();
                assert_ne!(code(&ledger), "whole", "byte {at} of the checkpoint");
            }
        }
    }

    /// Whoever has the key can cut the ledger and sign the shorter one: an older checkpoint kept elsewhere finds it.
    #[test]
    fn cutting_and_rewriting_are_found_by_an_older_checkpoint() {
        let (_folder, ledger) = new(5);
        let old = ledger.read(&[]).unwrap().head;
        let (_other, rewritten) = new(1);
        for n in 0..5 {
            rewritten
                .append(EntryKind::Run, &json!({ "release": format!("other{n}") }), &key(1))
                .unwrap();
        }
        assert_eq!(rewritten.read(&[]).unwrap().consistency(&old).unwrap_err().code, "R0222");
        let (_short, cut) = new(3);
        assert_eq!(cut.read(&[]).unwrap().consistency(&old).unwrap_err().code, "R0221");
        ledger.append(EntryKind::Refused, &json!({}), &key(1)).unwrap();
        let book = ledger.read(&[]).unwrap();
        let proof = book.consistency(&old).unwrap();
        assert!(merkle::is_consistent(&old, &book.head, &proof));
        assert!(!merkle::is_consistent(&old, &Head { size: 7, ..book.head }, &proof));
    }

    #[test]
    fn a_proof_holds_for_its_entry_only() {
        let (_folder, ledger) = new(6);
        let book = ledger.read(&[]).unwrap();
        let keys = [*key(1).public()];
        for entry in &book.entries {
            let text = book.prove(entry.index).unwrap();
            let proof = Proof::parse(text.as_bytes()).unwrap();
            proof.verify(&entry.leaf, &keys).unwrap();
            assert!(proof.verify(&entry.leaf, &[*key(2).public()]).is_err());
            let other = &book.entries[(entry.index as usize + 1) % 6];
            assert_eq!(proof.verify(&other.leaf, &keys).unwrap_err().code, "R0201");
            for at in 0..text.len() {
                let mut bytes = text.clone().into_bytes();
                bytes[at] ^= 1;
                let holds = Proof::parse(&bytes).and_then(|p| p.verify(&entry.leaf, &keys));
                assert!(holds.is_err(), "byte {at}");
            }
        }
        assert!(book.prove(6).is_none());
    }

    #[test]
    fn only_named_keys_write() {
        let (_folder, ledger) = new(2);
        let body = json!({});
        assert_eq!(ledger.append(EntryKind::Run, &body, &key(2)).unwrap_err().code, "R0204");
        let event = |event: &str, number: u8| json!({ "event": event, "publicKey": hex(key(number).public().bytes()) });
        ledger.append(EntryKind::Key, &event("trusted", 2), &key(1)).unwrap();
        ledger.append(EntryKind::Run, &body, &key(2)).unwrap();
        ledger.append(EntryKind::Key, &event("rotated", 3), &key(1)).unwrap();
        assert_eq!(code(&ledger), "whole");
        assert_eq!(ledger.append(EntryKind::Run, &body, &key(1)).unwrap_err().code, "R0204");
        ledger.append(EntryKind::Run, &body, &key(3)).unwrap();
        ledger.append(EntryKind::Key, &event("retired", 2), &key(3)).unwrap();
        assert_eq!(ledger.append(EntryKind::Run, &body, &key(2)).unwrap_err().code, "R0204");
        // The first key is still the one to begin with, though it writes no more.
        assert_eq!(ledger.read(&[*key(1).public()]).unwrap().entries.len(), 7);
        // A well-made line by a key that may not write, with a checkpoint of its own.
        let book = ledger.read(&[]).unwrap();
        let forged = line(
            ORIGIN,
            (7, "2026-01-02T03:04:05Z"),
            &book.entries[6].leaf,
            EntryKind::Run,
            &body,
            &key(9),
        )
        .unwrap();
        ledger.write_line(&forged).unwrap();
        let mut leaves = book.leaves();
        leaves.push(merkle::leaf(forged.trim_end().as_bytes()));
        let head = Head { size: 8, root: merkle::root(&leaves) };
        ledger.write_checkpoint(ORIGIN, &head, &key(9)).unwrap();
        let error = ledger.read(&[]).unwrap_err();
        assert!(
            error.what.as_str().contains("line 8 of the ledger is signed by a key that may not")
        );
    }

    /// A crash at every byte of the last write: explained, and repaired without losing what was counted.
    #[test]
    fn a_torn_tail_is_explained_and_repaired() {
        let (_folder, ledger) = new(3);
        let checkpoint = fs::read(ledger.folder.join(CHECKPOINT)).unwrap();
        let whole = lines(&ledger);
        ledger.append(EntryKind::Run, &json!({ "release": "r3" }), &key(1)).unwrap();
        let last = lines(&ledger)[3].clone();
        for cut in (1..last.len()).step_by(97).chain([last.len() - 1, last.len()]) {
            put_lines(&ledger, &whole);
            let mut file =
                OpenOptions::new().append(true).open(ledger.folder.join(ENTRIES)).unwrap();
            file.write_all(&last.as_bytes()[..cut]).unwrap();
            fs::write(ledger.folder.join(CHECKPOINT), &checkpoint).unwrap();
            let error = ledger.read(&[]).unwrap_err();
            assert_eq!(error.code, "R0210", "{cut}");
            assert!(error.advice.unwrap().as_str().contains("kakou ledger repair"));
            assert_eq!(
                ledger.append(EntryKind::Run, &json!({}), &key(1)).unwrap_err().code,
                "R0210"
            );
            assert_eq!(ledger.repair(&key(2)).unwrap_err().code, "R0204");
            let done = ledger.repair(&key(1)).unwrap().unwrap();
            let adopted = cut == last.len();
            assert_eq!(done["entriesCounted"], u64::from(adopted));
            assert_eq!(done["bytesSetAside"], if adopted { 0 } else { cut as u64 });
            let book = ledger.read(&[]).unwrap();
            assert_eq!(book.entries.len(), if adopted { 5 } else { 4 });
            assert_eq!(book.entries.last().unwrap().kind, EntryKind::Repair);
            assert!(ledger.repair(&key(1)).unwrap().is_none());
        }
        // A change of what was counted is no matter of a crash.
        let mut changed = lines(&ledger);
        changed.remove(1);
        put_lines(&ledger, &changed);
        assert_eq!(ledger.repair(&key(1)).unwrap_err().code, "R0201");
    }

    /// How many entries an append by this key verifies.
    fn verified(ledger: &Ledger, number: u8) -> u64 {
        ledger.append(EntryKind::Approval, &json!({}), &key(number)).unwrap().verified
    }

    fn warned() -> Vec<&'static str> {
        take_strange().iter().map(|w| w.code).collect()
    }

    fn seen(ledger: &Ledger, number: u8) -> PathBuf {
        ledger.folder.join(SEEN).join(key(number).public().id())
    }

    /// A ledger of so many entries that nobody has written by this program: what its writers have seen is gone.
    fn long(entries: u64) -> (tempfile::TempDir, Ledger) {
        let (folder, ledger) = new(1);
        let mut chain = ledger.verify_all(&[]).unwrap().0;
        let mut lines = fs::read_to_string(ledger.folder.join(ENTRIES)).unwrap();
        for index in 1..entries {
            let body = json!({ "release": format!("r{index}") });
            let at = (index, "2026-01-02T03:04:05Z");
            let text =
                line(ORIGIN, at, &chain.at.previous, EntryKind::Run, &body, &key(1)).unwrap();
            chain.add(text.trim_end().as_bytes()).unwrap();
            lines.push_str(&text);
        }
        fs::write(ledger.folder.join(ENTRIES), lines).unwrap();
        ledger.write_checkpoint(ORIGIN, &chain.head(), &key(1)).unwrap();
        (folder, ledger)
    }

    #[test]
    fn an_append_verifies_what_its_key_has_not_seen() {
        for entries in [200, 5000] {
            let (_folder, ledger) = long(entries);
            let event = json!({ "event": "trusted", "publicKey": hex(key(2).public().bytes()) });
            let first = ledger.append(EntryKind::Key, &event, &key(1)).unwrap();
            assert_eq!(first.verified, entries, "nothing was left to go on from");
            assert_eq!(verified(&ledger, 1), 0);
            // Another key has its own eyes, and from then on both need only what the other one wrote.
            assert_eq!(verified(&ledger, 2), entries + 2);
            assert_eq!(verified(&ledger, 2), 0);
            assert_eq!(verified(&ledger, 1), 2);
            // A run is entered by who has looked when it began, whether somebody else wrote meanwhile or not.
            let known = ledger.know(key(1).public(), None).unwrap();
            let run = |id: &str| {
                ledger.append_after(&known, EntryKind::Run, &json!({ "release": id }), &key(1))
            };
            assert_eq!(run("new").unwrap().verified, 0);
            let last = run("newer").unwrap();
            assert_eq!(last.verified, 1);
            assert_eq!(run("new").unwrap_err().code, "R0205");
            // The ids of the whole ledger are looked at where somebody chose one.
            let chosen = ledger.know(key(1).public(), Some("r7")).unwrap_err();
            assert_eq!(chosen.code, "R0205");
            // All of it is one ledger, and the proof that was made at the edge is that of the tree.
            let book = ledger.read(&[*key(1).public()]).unwrap();
            assert_eq!(book.prove(last.index).unwrap(), last.proof);
            assert!(warned().is_empty());
        }
        let (_folder, ledger) = long(200);
        assert_eq!(ledger.know(key(1).public(), Some("r7x")).unwrap().size(), 200);
        assert_eq!(ledger.know(key(3).public(), None).unwrap_err().code, "R0204");
    }

    #[test]
    fn what_was_seen_is_believed_only_as_its_key_signed_it() {
        let (_folder, ledger) = new(6);
        let event = json!({ "event": "trusted", "publicKey": hex(key(2).public().bytes()) });
        ledger.append(EntryKind::Key, &event, &key(1)).unwrap();
        verified(&ledger, 2);
        let path = seen(&ledger, 1);
        let whole = fs::read(&path).unwrap();
        let size = |ledger: &Ledger| ledger.read(&[]).unwrap().entries.len() as u64;
        // Any byte, the file of another key, and of a ledger of the same name and key.
        for at in (0..whole.len()).step_by(5) {
            let mut changed = whole.clone();
            changed[at] ^= 1;
            fs::write(&path, changed).unwrap();
            let before = size(&ledger);
            assert_eq!(verified(&ledger, 1), before, "byte {at}");
        }
        fs::copy(seen(&ledger, 2), &path).unwrap();
        let before = size(&ledger);
        assert_eq!(verified(&ledger, 1), before);
        assert!(warned().is_empty(), "a damaged file says nothing of the ledger");
        // An older one of the same key is more work, and nothing else.
        fs::write(&path, &whole).unwrap();
        assert_eq!(verified(&ledger, 1), size(&ledger) - 7 - 1);
        assert!(warned().is_empty());
        let (_other, another) = new(6);
        verified(&another, 1);
        fs::copy(seen(&another, 1), &path).unwrap();
        let before = size(&ledger);
        assert_eq!(verified(&ledger, 1), before);
        assert_eq!(
            warned(),
            ["W0502"],
            "the key has verified a ledger of this name that is another one"
        );
    }

    /// Entries and checkpoint of before are put back: told by who writes and by who reads.
    #[test]
    fn a_ledger_that_was_taken_back_is_told() {
        let (_folder, ledger) = new(4);
        let old = [ENTRIES, CHECKPOINT].map(|name| fs::read(ledger.folder.join(name)).unwrap());
        verified(&ledger, 1);
        let newer = ledger.know(key(1).public(), None).unwrap();
        for (name, bytes) in [ENTRIES, CHECKPOINT].iter().zip(&old) {
            fs::write(ledger.folder.join(name), bytes).unwrap();
        }
        assert_eq!(ledger.read(&[]).unwrap().entries.len(), 4);
        assert_eq!(warned(), ["W0502"]);
        // A run that began before.
        let body = json!({ "release": "r9" });
        assert_eq!(
            ledger.append_after(&newer, EntryKind::Run, &body, &key(1)).unwrap().verified,
            4
        );
        let told = take_strange();
        assert!(
            told[0].text.as_str().contains("it has 4 entries, and a writer of it has verified 5")
        );
        // As long as before, and not the same.
        verified(&ledger, 1);
        let _ = take_strange();
        let (_short, cut) = new(4);
        for _ in 0..3 {
            verified(&cut, 1);
        }
        let _ = take_strange();
        for name in [ENTRIES, CHECKPOINT] {
            fs::copy(cut.folder.join(name), ledger.folder.join(name)).unwrap();
        }
        verified(&ledger, 1);
        assert!(take_strange()[0].text.as_str().contains("the ledger was rewritten"));
    }

    /// What an append does not look at, a reader does: a change before what was seen.
    #[test]
    fn a_change_before_what_was_seen_is_found_by_reading() {
        let (_folder, ledger) = new(5);
        let whole = lines(&ledger);
        let mut changed = whole.clone();
        // One letter of the second entry's signature; the length stays.
        let at = changed[1].rfind("\"sig\":\"").unwrap() + 10;
        let other = if changed[1].as_bytes()[at] == b'A' { "B" } else { "A" };
        changed[1].replace_range(at..=at, other);
        put_lines(&ledger, &changed);
        assert_eq!(verified(&ledger, 1), 0);
        assert_ne!(code(&ledger), "whole");
        // Another length, or another last line, is seen at once.
        for drop in [1, 4] {
            let mut short = changed.clone();
            short.remove(drop);
            put_lines(&ledger, &short);
            assert!(ledger.append(EntryKind::Approval, &json!({}), &key(1)).is_err());
        }
        let mut last = whole;
        last.swap(3, 4);
        put_lines(&ledger, &last);
        assert!(ledger.append(EntryKind::Approval, &json!({}), &key(1)).is_err());
    }

    #[test]
    fn three_years_from_the_day_in_japan() {
        for (at, until) in [
            ("2026-04-01T00:00:00Z", "2029-04-01"),
            ("2026-03-31T16:00:00Z", "2029-04-01"),
            ("2028-02-29T03:00:00Z", "2031-03-01"),
            ("2027-02-28T03:00:00Z", "2030-02-28"),
        ] {
            assert_eq!(retention_until(at).as_deref(), Some(until), "{at}");
        }
        assert_eq!(retention_until("yesterday"), None);
    }

    #[test]
    fn concurrent_writers_wait_for_one_another() {
        let (_folder, ledger) = new(1);
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let ledger = &ledger;
                scope.spawn(move || {
                    for n in 0..5 {
                        let body = json!({ "release": format!("{thread}-{n}") });
                        let appended = ledger.append(EntryKind::Run, &body, &key(1)).unwrap();
                        let book = ledger.read(&[]).unwrap();
                        let entry = &book.entries[appended.index as usize];
                        assert_eq!(entry.body, body);
                    }
                });
            }
        });
        let book = ledger.read(&[]).unwrap();
        assert_eq!(book.entries.len(), 21);
    }

    #[test]
    fn a_dead_run_becomes_an_entry_and_a_living_one_does_not() {
        let (_folder, ledger) = new(1);
        let living = ledger.begin(&json!({ "release": "living" })).unwrap();
        // A killed process loses its locks and keeps its ticket.
        drop(
            ledger
                .begin(&json!({ "release": "dead", "startedAt": "2026-01-02T03:04:05Z" }))
                .unwrap(),
        );
        assert_eq!(ledger.read(&[]).unwrap().open, 2);
        ledger.append(EntryKind::Run, &json!({ "release": "next" }), &key(1)).unwrap();
        let book = ledger.read(&[]).unwrap();
        let kinds: Vec<EntryKind> = book.entries.iter().map(|e| e.kind).collect();
        assert_eq!(kinds, [EntryKind::Init, EntryKind::Aborted, EntryKind::Run]);
        assert_eq!(book.entries[1].body["release"], "dead");
        assert_eq!(book.open, 1);
        living.close();
        assert_eq!(ledger.read(&[]).unwrap().open, 0);
    }
}
