//! The states of a release: staged (made and signed), verified (a verifier's statement), approved (a second signature),
//! sealed (nothing that could repeat the anonymized release exists, and the ledger says so).
//!
//! Each state is a signed statement beside the manifest whose subjects are the statements that it rests on.

use std::path::Path;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::attest::{self, Opened, Subject};
use super::ledger::{Book, Entry, EntryKind, Ledger};
use super::statement::{ApprovalTold, STATEMENT, Statement, rfc3339};
use super::verify::{Trust, Verified, verify_behind};
use super::{ledger, seal};
use crate::digest;
use crate::error::{Error, Name, Result, Said};
use crate::keys::{PublicKey, Sign};
use crate::say;
use crate::schema::Kind;

/// How far a release has come.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Nobody has signed.
    Unsigned,
    /// Made and signed by the one who ran the program.
    Staged,
    /// Another key says that everything holds.
    Verified,
    /// A second person has signed.
    Approved,
    /// Nothing that could repeat the anonymized release exists, and the ledger says so.
    Sealed,
}

impl State {
    /// The word.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            State::Unsigned => "unsigned",
            State::Staged => "staged",
            State::Verified => "verified",
            State::Approved => "approved",
            State::Sealed => "sealed",
        }
    }
    /// The word in Japanese.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            State::Unsigned => "署名なし",
            State::Staged => "作成済み",
            State::Verified => "検証済み",
            State::Approved => "承認済み",
            State::Sealed => "封印済み",
        }
    }
}
impl crate::error::Tell for State {
    fn tell(&self) -> String {
        self.word().to_owned()
    }
    fn part(&self) -> crate::error::Said {
        crate::error::Tell::part(&self.word())
    }
}

fn refused(what: Said) -> Error {
    Error::refused("R0401", what)
}

fn read(folder: &Path, name: &'static str) -> Result<Option<Vec<u8>>> {
    match std::fs::read(folder.join(name)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("R0402", say!("reading {}", name), &e)),
    }
}

/// The state of a release folder, from the signed statements beside its manifest. Digests of the data are not looked at
/// ([`super::verify::verify`] does that and calls this).
///
/// # Errors
/// If a statement was changed, is of another run, is signed by a key that may not, or rests on one that is missing.
pub fn state(folder: &Path, keys: &[PublicKey]) -> Result<State> {
    let Some(run_bytes) = read(folder, seal::RUN_FILE)? else {
        for later in [seal::VERIFICATION_FILE, seal::APPROVAL_FILE, seal::SEAL_FILE] {
            if read(folder, later)?.is_some() {
                return Err(refused(say!("{} is there, but {} is missing", later, seal::RUN_FILE)));
            }
        }
        return Ok(State::Unsigned);
    };
    let run = attest::open(&run_bytes, &Name::fixed(seal::RUN_FILE), attest::RUN, keys)?;
    let mut below = vec![Subject::of(seal::RUN_FILE, &run_bytes)];
    let mut reached = State::Staged;
    for (name, kind, next) in [
        (seal::VERIFICATION_FILE, attest::SVR, State::Verified),
        (seal::APPROVAL_FILE, attest::APPROVAL, State::Approved),
        (seal::SEAL_FILE, attest::SEAL, State::Sealed),
    ] {
        let Some(bytes) = read(folder, name)? else { continue };
        let Opened { subjects, signer, .. } = attest::open(&bytes, &Name::fixed(name), kind, keys)?;
        if subjects.first() != below.first() {
            return Err(refused(say!("{} is of another run", name)));
        }
        if next as usize != reached as usize + 1 || subjects != below {
            return Err(refused(say!("{} rests on statements that are missing or others", name)));
        }
        if signer == run.signer && next != State::Sealed {
            return Err(refused(say!("{} is signed by the one who made the release", name)));
        }
        below.push(Subject::of(name, &bytes));
        reached = next;
    }
    Ok(reached)
}

/// Who brought a release to a state.
#[derive(Clone, Debug)]
pub struct SignedState {
    /// The state.
    pub state: State,
    /// The id of the key.
    pub key: String,
    /// The person, where the statement names one.
    pub name: Option<String>,
    /// When, RFC 3339.
    pub at: Option<String>,
}

/// The states of a release folder with those who signed them, first to last. The signatures are those of the keys that the
/// statements name; whose the keys are is for [`super::verify::verify`] to say.
///
/// # Errors
/// As [`state`].
pub fn signed(folder: &Path) -> Result<(State, Vec<SignedState>)> {
    let reached = state(folder, &[])?;
    let mut all = Vec::new();
    for (name, kind, state, person, at) in [
        (seal::RUN_FILE, attest::RUN, State::Staged, "/operator/name", "/finishedAt"),
        (seal::VERIFICATION_FILE, attest::SVR, State::Verified, "", "/timeCreated"),
        (seal::APPROVAL_FILE, attest::APPROVAL, State::Approved, "/by", "/approvedAt"),
        (seal::SEAL_FILE, attest::SEAL, State::Sealed, "", "/sealedAt"),
    ] {
        let Some(bytes) = read(folder, name)? else { continue };
        let opened = attest::open(&bytes, &Name::fixed(name), kind, &[])?;
        let text =
            |path: &str| opened.predicate.pointer(path).and_then(Value::as_str).map(str::to_owned);
        let key = opened.signer.id();
        all.push(SignedState { state, key, name: text(person), at: text(at) });
    }
    Ok((reached, all))
}

fn apart(code: &'static str, what: Said) -> Error {
    Error::refused(code, what)
}

/// Holds the states of a release against its ledger: what was approved or sealed stands there, by the same key; what stands there
/// is in the folder; a release that was deleted, or whose run ended, is none. `behind` lets the next state be entered already:
/// whoever makes it may have been killed between the entry and the file.
///
/// # Errors
/// What does not hold.
pub(super) fn against(
    folder: &Path,
    book: &Book,
    release: &str,
    reached: State,
    behind: bool,
) -> Result<()> {
    if let Some(entry) = book.deleted(release) {
        return Err(apart(
            "R0404",
            say!("by entry {} of the ledger this release was deleted", entry.index),
        )
        .advice(say!("a copy from a backup must be deleted too: kakou purge --release")));
    }
    let Some(run) = book.run(release) else {
        return Err(apart("R0405", say!("by the ledger the run of this release was aborted"))
            .advice(say!("run again; what stands here is nobody's release")));
    };
    let mut known = State::Staged;
    for (name, kind, entered, state) in [
        (seal::APPROVAL_FILE, attest::APPROVAL, EntryKind::Approval, State::Approved),
        (seal::SEAL_FILE, attest::SEAL, EntryKind::Seal, State::Sealed),
    ] {
        let all = || book.about(release).filter(move |e| e.kind == entered && e.index > run.index);
        if all().next().is_some() {
            known = state;
        }
        if reached < state {
            continue;
        }
        let bytes = read(folder, name)?.unwrap_or_default();
        let opened = attest::open(&bytes, &Name::fixed(name), kind, &[])?;
        let sha256 = digest::hex(&digest::bytes(&bytes).sha256);
        let same = |e: &&Entry| {
            e.body["statement"]["sha256"] == sha256.as_str() && e.signer == opened.signer
        };
        let Some(entry) = all().find(same) else {
            return Err(apart(
                "R0406",
                say!("{} does not stand in the ledger by the key that signed it", name),
            )
            .advice(say!(
                "it was made with another ledger, or the ledger was set back to an earlier day"
            )));
        };
        if entered == EntryKind::Seal {
            let destruction = entry.body["destruction"].as_u64();
            let destroyed =
                |e: &Entry| e.kind == EntryKind::Destruction && Some(e.index) == destruction;
            if !book.about(release).any(destroyed) {
                return Err(apart(
                    "R0406",
                    say!("the seal names no destruction of this release's key in the ledger"),
                ));
            }
        }
    }
    if reached >= State::Verified
        && let Some(bytes) = read(folder, seal::VERIFICATION_FILE)?
    {
        let name = Name::fixed(seal::VERIFICATION_FILE);
        let signer = attest::open(&bytes, &name, attest::SVR, &[])?.signer;
        if !book.knew(&signer) {
            return Err(apart(
                "R0407",
                say!(
                    "{} is signed by a key that the ledger does not know ({})",
                    name,
                    Name::from_policy(signer.id())
                ),
            )
            .advice(say!(
                "kakou ledger trust LEDGER --public-key FILE; what an outsider found goes into a file of its own (--attest FILE)"
            )));
        }
    }
    let next = match reached {
        State::Verified => State::Approved,
        State::Approved => State::Sealed,
        other => other,
    };
    if known > reached && !(behind && known == next) {
        return Err(apart(
            "R0408",
            say!(
                "by the ledger the release is {}, here it is {}: a statement is missing",
                known,
                reached
            ),
        )
        .advice(say!("if `kakou approve` or `kakou seal` was stopped on its way: give the same command again; otherwise take the folder `record` from a backup")));
    }
    Ok(())
}

/// The statements that a new one of this folder rests on, and the keys of the run.
fn rest(folder: &Path, upto: State) -> Result<(Vec<Subject>, Opened)> {
    let missing = || refused(say!("the release is not signed: `kakou run --sign KEY`"));
    let run_bytes = read(folder, seal::RUN_FILE)?.ok_or_else(missing)?;
    let run = attest::open(&run_bytes, &Name::fixed(seal::RUN_FILE), attest::RUN, &[])?;
    let mut subjects = vec![Subject::of(seal::RUN_FILE, &run_bytes)];
    for (name, state) in
        [(seal::VERIFICATION_FILE, State::Verified), (seal::APPROVAL_FILE, State::Approved)]
    {
        if state <= upto
            && let Some(bytes) = read(folder, name)?
        {
            subjects.push(Subject::of(name, &bytes));
        }
    }
    Ok((subjects, run))
}

fn record(folder: &Path) -> Result<Statement> {
    let bytes = read(folder, STATEMENT)?.unwrap_or_default();
    Statement::parse(&bytes).map_err(|_| refused(say!("{} cannot be read", STATEMENT)))
}

fn now() -> String {
    rfc3339(SystemTime::now())
}

/// What a verifier found, as a signed statement (SVR v0.2 of the in-toto attestation framework) under his own key.
///
/// # Errors
/// If the key is that of the one who made the release.
pub fn attest_verified(folder: &Path, found: &Verified, key: &dyn Sign) -> Result<String> {
    let subjects = if found.package {
        let name = found.statement_file.clone();
        let bytes = std::fs::read(folder.join(&name))
            .map_err(|e| Error::io("R0402", say!("reading the signed statement"), &e))?;
        vec![Subject::of(&name, &bytes)]
    } else {
        let (subjects, run) = rest(folder, State::Staged)?;
        if run.signer == *key.public() {
            return Err(refused(say!("the one who made the release cannot attest that it holds"))
                .advice(say!("verify with another person's signing key")));
        }
        subjects
    };
    let mut properties = vec![
        if found.signed.as_ref().is_some_and(|s| s.trusted) {
            "KAKOU_SIGNATURE_OF_TRUSTED_KEY"
        } else {
            "KAKOU_SIGNATURE_VALID"
        },
        "KAKOU_DIGESTS_MATCH",
        "KAKOU_NO_FILE_MISSING_OR_ADDED",
        "KAKOU_COUNTS_MATCH",
    ];
    if !found.package {
        properties.push("KAKOU_ACCOUNTS_BALANCE");
        if !found.views.is_empty() {
            properties.push("KAKOU_VIEWS_HOLD");
        }
    }
    if let Some(entered) = &found.entered {
        properties.push(if entered.checked {
            "KAKOU_IN_LEDGER"
        } else {
            "KAKOU_LEDGER_PROOF_VALID"
        });
    }
    let predicate = json!({
        "verifier": { "id": attest::verifier_id(key.public()), "policies": [] },
        "timeCreated": now(),
        "properties": properties,
    });
    attest::sign(&subjects, attest::SVR, &predicate, key)
}

/// A second person's approval.
#[derive(Clone, Copy, Debug)]
pub struct Approver<'a> {
    /// Who approves.
    pub by: &'a str,
    /// The reference of the decision (minutes, ticket), if there is one.
    pub reference: Option<&'a str>,
}

/// Removes what a killed `verify --attest`, `approve` or `seal` left in the record of a release.
///
/// # Errors
/// I/O.
pub fn take_up(folder: &Path) -> Result<()> {
    ledger::take_up(&folder.join("record"))
}

/// The second signature: verifies everything again, then signs the run and its verification with a key that is not the
/// runner's. Enters it in the ledger if the run is in one.
///
/// # Errors
/// If something does not hold, the release is not verified or not for release, or the key is the runner's.
pub fn approve(
    folder: &Path,
    trust: Trust<'_>,
    approver: Approver<'_>,
    key: &dyn Sign,
) -> Result<()> {
    take_up(folder)?;
    let found = verify_behind(folder, trust)?;
    let (subjects, run) = rest(folder, State::Verified)?;
    if run.signer == *key.public() {
        return Err(refused(say!("the one who made the release cannot approve it"))
            .advice(say!("a second person signs, with another key")));
    }
    // Another key is not another person.
    let operator = run.predicate["operator"]["name"].as_str();
    if operator.is_some_and(|name| folded(name) == folded(approver.by)) {
        return Err(refused(say!(
            "the one who made the release cannot approve it: --by is the operator of the run"
        ))
        .advice(say!("a second person approves, by their own name and key")));
    }
    if found.not_for_release {
        return Err(refused(say!("the record says that this is not for release")));
    }
    match found.state {
        State::Verified => {}
        State::Unsigned | State::Staged => {
            return Err(refused(say!("the release is {}, not verified", found.state))
                .advice(say!("`kakou verify RELEASE --attest --sign KEY` comes first")));
        }
        State::Approved | State::Sealed => {
            return Err(refused(say!("the release is {} already", found.state)));
        }
    }
    let predicate = json!({
        "schemaVersion": seal::VERSION,
        "release": found.release,
        "releases": public(folder)?,
        "approvedAt": now(),
        "by": approver.by,
        "reference": approver.reference,
        "signer": attest::signer(key.public()),
    });
    let envelope = attest::sign(&subjects, attest::APPROVAL, &predicate, key)?;
    if found.entered.is_some() {
        let ledger = needed(trust.ledger)?;
        let body = json!({
            "release": found.release,
            "by": approver.by,
            "reference": approver.reference,
            "statement": { "name": seal::APPROVAL_FILE, "sha256": sha256(&envelope) },
        });
        ledger.append(EntryKind::Approval, &body, key)?;
    }
    ledger::replace(&folder.join(seal::APPROVAL_FILE), envelope.as_bytes())
}

/// SHA-256 of the public statement of each release: a recipient has one of them, and not the run's, which is confidential.
fn public(folder: &Path) -> Result<Value> {
    let mut found = serde_json::Map::new();
    for kind in Kind::BOTH {
        let path = folder.join(seal::release_file(kind));
        match std::fs::read(path) {
            Ok(bytes) => {
                let sha256 = digest::hex(&digest::bytes(&bytes).sha256);
                found.insert(kind.word().to_owned(), json!(sha256));
            }
            // A release that the policy does not make.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => {
                return Err(Error::io("R0409", say!("reading the statement of a release"), &e));
            }
        }
    }
    Ok(Value::Object(found))
}

/// How far a recipient's package has come, by the approval and the seal that it carries: both name its statement by its digest. Who
/// signed them and is none of the given keys is named beside it, and brings it no further.
///
/// # Errors
/// If one was changed, is about another release, or stands without the other.
pub(super) fn of_package(
    folder: &Path,
    statement: &Subject,
    (kind, runner): (Kind, &PublicKey),
    keys: &[PublicKey],
) -> Result<(State, Vec<String>)> {
    let (mut state, mut strangers, mut before) = (State::Staged, Vec::new(), None);
    for (name, of, next) in [
        (seal::APPROVAL_FILE, attest::APPROVAL, State::Approved),
        (seal::SEAL_FILE, attest::SEAL, State::Sealed),
    ] {
        let Some(bytes) = read(folder, name)? else { continue };
        let opened = attest::open(&bytes, &Name::fixed(name), of, &[])?;
        if opened.predicate["releases"][kind.word()] != statement.sha256.as_str() {
            return Err(refused(say!("{} is of another release", name)));
        }
        let below = opened.subjects.get(2).cloned();
        // The approval rests on the run and its verification alone, the seal on the approval that stands here.
        if below != before || next == State::Sealed && before.is_none() {
            return Err(refused(say!("{} rests on statements that are missing or others", name)));
        }
        if next == State::Approved && opened.signer == *runner {
            return Err(refused(say!("{} is signed by the one who made the release", name)));
        }
        if !keys.is_empty() && !keys.contains(&opened.signer) {
            strangers.push(opened.signer.id());
        }
        if strangers.is_empty() {
            state = next;
        }
        before = Some(Subject::of(name, &bytes));
    }
    Ok((state, strangers))
}

/// Whether an approval or a seal says whose release it is about: those of older programs do not, and stay in the house.
pub(super) fn names_release(folder: &Path, name: &'static str, kind: Kind) -> Result<bool> {
    let Some(bytes) = read(folder, name)? else { return Ok(false) };
    let of = if name == seal::SEAL_FILE { attest::SEAL } else { attest::APPROVAL };
    let opened = attest::open(&bytes, &Name::fixed(name), of, &[])?;
    Ok(opened.predicate["releases"][kind.word()].is_string())
}

/// A person's name as it is compared: width, case and blanks do not matter.
pub(super) fn folded(name: &str) -> String {
    let name = crate::text::normalize::fold(name);
    name.text().chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect()
}

fn sha256(text: &str) -> String {
    digest::hex(&digest::bytes(text.as_bytes()).sha256)
}

fn needed(ledger: Option<&Path>) -> Result<Ledger> {
    ledger.map(Ledger::at).ok_or_else(|| {
        Error::policy("R0403", say!("the run is in a ledger, so this needs it"))
            .advice(say!("--ledger DIR"))
    })
}

/// Seals an approved release: enters the destruction of the anonymized release's key and the seal in the ledger. The key
/// itself was overwritten at the end of the run and never stood in a file; the entry says what the record of the run
/// says of it.
///
/// # Errors
/// If something does not hold, the release is not approved, its policy was run without an approval, or its key was not
/// destroyed.
pub fn seal_release(folder: &Path, trust: Trust<'_>, key: &dyn Sign) -> Result<()> {
    take_up(folder)?;
    let found = verify_behind(folder, trust)?;
    let ledger = needed(trust.ledger)?;
    if found.state != State::Approved {
        return Err(refused(say!("the release is {}, not approved", found.state))
            .advice(say!("`kakou approve RELEASE --sign KEY` comes before the seal")));
    }
    let record = record(folder)?;
    let approved = matches!(record.policy.approval, ApprovalTold::Approved { .. });
    if !approved || found.not_for_release {
        return Err(refused(say!("the policy of this run has no approval"))
            .advice(say!("`kakou policy approve`, then `kakou run --approved DIR`")));
    }
    let destroyed = &record.keys.anonymized;
    if !destroyed.final_ {
        return Err(refused(say!(
            "the record does not say that the key of the anonymized release was destroyed"
        )));
    }
    let (subjects, _) = rest(folder, State::Approved)?;
    let body = json!({
        "release": found.release,
        "keyId": destroyed.key_id,
        "destroyedAt": destroyed.at,
        "how": destroyed.how,
        "memoryWasLocked": destroyed.memory_was_locked,
        "final": true,
        "what": "key and random parameters of the anonymized release (匿名加工の鍵と乱数等のパラメータ)",
    });
    let destruction = ledger.append(EntryKind::Destruction, &body, key)?;
    let predicate = json!({
        "schemaVersion": seal::VERSION,
        "release": found.release,
        "releases": public(folder)?,
        "sealedAt": now(),
        // The key's id stands in that entry; this statement travels with packages, which tell none.
        "destruction": { "entry": destruction.index, "destroyedAt": destroyed.at },
        "signer": attest::signer(key.public()),
    });
    let envelope = attest::sign(&subjects, attest::SEAL, &predicate, key)?;
    let body = json!({
        "release": found.release,
        "statement": { "name": seal::SEAL_FILE, "sha256": sha256(&envelope) },
        "destruction": destruction.index,
    });
    ledger.append(EntryKind::Seal, &body, key)?;
    ledger::replace(&folder.join(seal::SEAL_FILE), envelope.as_bytes())
}
