//! Purge: destroys project keys, releases, source data and what a dead run left, and enters what was deleted (消去: 法20条, 規則12条1項3号).
//!
//! Two entries: one before anything is touched, one when all is gone, so that neither a crash nor a failure leaves a
//! false word in the book.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::ledger::{Book, Entry, EntryKind, Ledger, retention_until};
use super::seal::items_by_table;
use super::state::folded;
use super::statement::{Statement, rfc3339};
use crate::digest;
use crate::error::{Error, Name, Result, Said};
use crate::keys::{self, Purpose, Sign};
use crate::say;
use crate::schema::ByKind;

/// What is to be destroyed.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Project key files.
    pub keys: Vec<PathBuf>,
    /// Sealed project keys.
    pub escrows: Vec<PathBuf>,
    /// Release folders.
    pub releases: Vec<PathBuf>,
    /// Files and folders of source data (医療情報).
    pub sources: Vec<PathBuf>,
}

/// What the source data is, by the policy that reads it.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The items, by table.
    pub items: BTreeMap<String, Vec<String>>,
    /// Folders and files of the house that must not go with it.
    pub spared: Vec<PathBuf>,
}

/// Who deletes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Deleter<'a> {
    /// By name; needed where two persons are.
    pub by: Option<&'a str>,
}

/// What a purge has come to.
#[derive(Clone, Debug)]
pub enum Ended {
    /// It is done; the body of the second entry.
    Done(Value),
    /// It was asked for in this entry: another person does it.
    Asked(u64),
}

/// What a purge is about, looked at before anything is touched.
#[derive(Clone, Debug)]
pub struct Planned {
    targets: Targets,
    /// For the ledger: keys and releases with their items.
    pub body: Value,
    /// The entry of the same deletion that was begun and did not end: it is gone on with.
    pub begun: Option<u64>,
    /// Whether two persons are needed.
    pub by_two: bool,
    /// The entry in which somebody has asked for the same deletion, and nobody has done it yet.
    asked: Option<Entry>,
}

fn refused(what: Said) -> Error {
    Error::refused("R0601", what)
}

fn shown(path: &Path) -> Name {
    Name::from_policy(path.display().to_string())
}

/// What the ledger knows a deletion by, to find it again: SHA-256 of its targets. Paths are in no entry.
fn job(targets: &Targets) -> String {
    let mut all: Vec<String> = Vec::new();
    for (word, paths) in [
        ("key", &targets.keys),
        ("escrow", &targets.escrows),
        ("release", &targets.releases),
        ("source", &targets.sources),
    ] {
        for path in paths {
            let path = std::path::absolute(path).unwrap_or_else(|_| path.clone());
            all.push(format!("{word}\0{}\n", path.display()));
        }
    }
    all.sort();
    digest::hex(&digest::bytes(all.concat().as_bytes()).sha256)
}

/// The entries of deletions that were begun and did not end.
fn unfinished(book: &Book) -> impl Iterator<Item = &Entry> {
    let ended = |begun: &Entry| {
        let mut all = book.entries.iter().filter(|e| e.kind == EntryKind::Deletion);
        all.any(|e| e.body["state"] == "done" && e.body["begun"] == begun.index)
    };
    let begun = |e: &&Entry| e.kind == EntryKind::Deletion && e.body["state"] == "begun";
    book.entries.iter().filter(begun).filter(move |e| !ended(e))
}

/// Looks at everything that is to be destroyed. If the ledger has the same deletion begun and not done, that one is gone on with:
/// what is half destroyed cannot be looked at.
///
/// # Errors
/// If there is nothing, or a target is not what it should be.
pub fn plan(targets: Targets, source: &Source, reason: &str, book: &Book) -> Result<Planned> {
    let job = job(&targets);
    if let Some(begun) = unfinished(book).find(|e| e.body["job"] == job.as_str()) {
        let (body, begun) = (begun.body.clone(), Some(begun.index));
        return Ok(Planned { targets, body, begun, by_two: false, asked: None });
    }
    let other = unfinished(book).last().map(|e| e.index);
    let asked = asked(book, &job).cloned();
    let planned = anew(targets, source, reason, job).map(|mut planned| {
        planned.by_two = needs_two(book, &planned);
        planned.asked = asked;
        planned
    });
    planned.map_err(|error| match other {
        Some(index) => error.advice(say!(
            "entry {} of the ledger is a deletion that did not end: give that command again, with all its targets",
            index
        )),
        None => error,
    })
}

/// The last entry that asks for a deletion and that no deletion has followed.
fn asked<'a>(book: &'a Book, job: &str) -> Option<&'a Entry> {
    let mut all =
        book.entries.iter().filter(|e| e.kind == EntryKind::Deletion && e.body["job"] == job);
    all.next_back().filter(|e| e.body["state"] == "asked")
}

/// Whether the policy of a project whose release or key goes asks for two persons, by the entries of its runs. Which project a key
/// belongs to no entry says: one project that asks for two is enough.
fn needs_two(book: &Book, planned: &Planned) -> bool {
    let targets = &planned.targets;
    let any =
        !(targets.keys.is_empty() && targets.escrows.is_empty() && targets.sources.is_empty());
    let releases = planned.body["releases"].as_array();
    let named =
        |run: &Entry| releases.into_iter().flatten().any(|r| r["release"] == run.body["release"]);
    let asks = |run: &&Entry| run.body["deletionByTwo"] == true;
    book.entries
        .iter()
        .filter(|e| e.kind == EntryKind::Run)
        .filter(asks)
        .any(|run| any || named(run))
}

fn anew(targets: Targets, source: &Source, reason: &str, job: String) -> Result<Planned> {
    let Targets { keys, escrows, releases, sources } = &targets;
    if [keys, escrows, releases, sources].iter().all(|paths| paths.is_empty()) {
        return Err(Error::policy("R0602", say!("nothing to delete was named"))
            .advice(say!("--project-key FILE, --escrow FILE, --release DIR, --source PATH")));
    }
    if reason.trim().is_empty() {
        return Err(Error::policy("R0602", say!("a reason is needed")));
    }
    let mut keys = Vec::new();
    for path in &targets.keys {
        let facts = keys::inspect(path)?;
        if facts.purpose != Purpose::ProjectRoot {
            return Err(refused(say!("`{}` is not the key of a project", shown(path))));
        }
        let how = if facts.passphrase {
            "file overwritten and removed; every copy is encrypted under its passphrase"
        } else {
            "file overwritten and removed; it had no passphrase, so copies elsewhere must be destroyed too"
        };
        keys.push(json!({ "id": facts.id, "version": facts.version, "created": facts.created, "what": "project key", "how": how }));
    }
    for path in &targets.escrows {
        let facts = keys::inspect_escrow(path)?;
        keys.push(json!({
            "id": facts.key.id, "version": facts.key.version, "created": facts.key.created, "what": "sealed project key",
            "how": "file overwritten and removed; every copy is encrypted under both shares",
        }));
    }
    let mut releases = Vec::new();
    for path in &targets.releases {
        let missing = || refused(say!("`{}` is not a release folder", shown(path)));
        let record = Statement::read(path).map_err(|_| missing())?;
        let id = &record.release;
        let (mut files, mut size) = (0_u64, 0_u64);
        crate::release::each_file(path, &mut |file| {
            files += 1;
            size += std::fs::metadata(file).map_or(0, |m| m.len());
            Ok(())
        })?;
        let kinds = ByKind::of(|kind| {
            let (items, persons) = (items_by_table(&record, kind), record.persons.released[kind]);
            json!({ "kind": kind.ja(), "items": items, "persons": persons })
        });
        releases.push(json!({ "release": id, "files": files, "bytes": size, "releases": kinds }));
    }
    let mut sources = Vec::new();
    for path in &targets.sources {
        let (files, bytes) = looked_at(path, source)?;
        sources.push(
            json!({ "what": "医療情報", "files": files, "bytes": bytes, "items": source.items }),
        );
    }
    let mut body = json!({ "job": job, "reason": reason, "keys": keys, "releases": releases });
    if !sources.is_empty() {
        body["sources"] = json!(sources);
    }
    if !releases.is_empty() {
        body["kept"] = json!("record/");
    }
    // One release: entries about it are found by its id.
    if let [only] = releases.as_slice() {
        body["release"] = only["release"].clone();
    }
    Ok(Planned { targets, body, begun: None, by_two: false, asked: None })
}

/// Destroys what was planned, between two entries of the ledger. Gives the body of the second one. Every step can be done again:
/// a killed one is gone on with by the same command.
///
/// # Errors
/// If the ledger cannot be written before or after, or something cannot be destroyed; the first entry then stands alone.
pub fn run(
    planned: &Planned,
    deleter: Deleter<'_>,
    ledger: &Ledger,
    key: &dyn Sign,
) -> Result<Ended> {
    let mut body = planned.body.clone();
    if let Some(by) = deleter.by {
        body["by"] = json!(by);
    }
    if planned.by_two && planned.begun.is_none() {
        match &planned.asked {
            None => {
                if deleter.by.is_none_or(|by| by.trim().is_empty()) {
                    return Err(nameless());
                }
                body["state"] = json!("asked");
                return Ok(Ended::Asked(ledger.append(EntryKind::Deletion, &body, key)?.index));
            }
            Some(asked) => {
                second(asked, deleter, key)?;
                body["asked"] = json!(asked.index);
            }
        }
    }
    let begun = match planned.begun {
        Some(begun) => begun,
        None => {
            body["state"] = json!("begun");
            ledger.append(EntryKind::Deletion, &body, key)?.index
        }
    };
    for path in planned.targets.keys.iter().chain(&planned.targets.escrows) {
        keys::destroy(path)?;
    }
    for path in &planned.targets.releases {
        release(path)
            .map_err(|e| Error::io("R0603", say!("deleting the release `{}`", shown(path)), &e))?;
    }
    for path in &planned.targets.sources {
        source(path)
            .map_err(|e| Error::io("R0606", say!("deleting the source `{}`", shown(path)), &e))?;
    }
    let now = rfc3339(SystemTime::now());
    body["state"] = json!("done");
    body["begun"] = json!(begun);
    body["deletedAt"] = json!(now);
    body["retentionUntil"] = json!(retention_until(&now));
    ledger.append(EntryKind::Deletion, &body, key)?;
    Ok(Ended::Done(body))
}

fn nameless() -> Error {
    Error::refused("R0607", say!("the policy of this project has two persons delete: say who asks"))
        .advice(say!(
            "--by NAME; another person gives the same command with their own name and key"
        ))
}

/// The one who does it is not the one who asked: neither by the key nor by the name, as where a release is approved.
fn second(asked: &Entry, deleter: Deleter<'_>, key: &dyn Sign) -> Result<()> {
    let before = asked.body["by"].as_str().unwrap_or_default();
    let by = deleter.by.filter(|by| !by.trim().is_empty()).ok_or_else(nameless)?;
    if asked.signer == *key.public() || folded(by) == folded(before) {
        return Err(Error::refused(
            "R0608",
            say!("by entry {} of the ledger this deletion was asked for by the same person: another one does it", asked.index),
        )
        .advice(say!("a second person gives the same command with --by and a key of their own")));
    }
    Ok(())
}

/// Counts the files of a source and their bytes. A folder that is more than source data is refused.
fn looked_at(path: &Path, source: &Source) -> Result<(u64, u64)> {
    let failed =
        |e: std::io::Error| Error::io("R0609", say!("looking at the source `{}`", shown(path)), &e);
    let meta = path.symlink_metadata().map_err(failed)?;
    if !(meta.is_file() || meta.is_dir()) || path.file_name().is_none() {
        return Err(refused(say!("`{}` is no file and no folder of source data", shown(path))));
    }
    let real = path.canonicalize().map_err(failed)?;
    let spared = source.spared.iter().map(|p| std::path::absolute(p).map_err(failed));
    for other in spared {
        let other = other?;
        let other = other.canonicalize().unwrap_or(other);
        if other.starts_with(&real) {
            return Err(refused(say!(
                "`{}` holds more than source data: `{}` is in it",
                shown(path),
                shown(&other)
            )));
        }
    }
    if meta.is_file() {
        return Ok((1, meta.len()));
    }
    let (mut files, mut bytes) = (0, 0);
    crate::release::each_file(path, &mut |file| {
        files += 1;
        bytes += std::fs::metadata(file).map_err(failed)?.len();
        Ok(())
    })?;
    Ok((files, bytes))
}

/// Removes source data: out of sight first, then all of it.
fn source(path: &Path) -> std::io::Result<()> {
    let there = crate::system::there;
    let Some(name) = path.file_name() else { return Err(std::io::ErrorKind::InvalidInput.into()) };
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut hidden = std::ffi::OsString::from(".kakou-purge-");
    hidden.push(name);
    let hidden = parent.join(hidden);
    // What was hidden by one that was killed goes first.
    crate::claim::gone(&hidden)?;
    if there(path)? {
        std::fs::rename(path, &hidden)?;
        crate::system::sync_folder(parent)?;
        crate::claim::gone(&hidden)?;
    }
    crate::system::sync_folder(parent)
}

/// Removes the data of a release: out of sight first, then file by file; the record stays in `NAME.deleted`, for inspections
/// (法59条). Whatever was done of it before is not done again.
fn release(path: &Path) -> std::io::Result<()> {
    let Some(name) = path.file_name() else { return Err(std::io::ErrorKind::InvalidInput.into()) };
    let parent = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let beside = |before: &str, after: &str| {
        let mut beside = std::ffi::OsString::from(before);
        beside.push(name);
        beside.push(after);
        parent.join(beside)
    };
    let (hidden, kept) = (beside(".kakou-purge-", ""), beside("", ".deleted"));
    let (sync, there) = (crate::system::sync_folder, crate::system::there);
    if there(path)? && !there(&hidden)? {
        std::fs::rename(path, &hidden)?;
        sync(parent)?;
    }
    if there(&hidden)? {
        // A copy that came back from a backup: its record is kept already.
        let again = there(&kept)?;
        for entry in std::fs::read_dir(&hidden)? {
            let entry = entry?;
            if entry.file_name() == "record" && !again {
                continue;
            }
            if entry.file_type()?.is_dir() {
                std::fs::remove_dir_all(entry.path())?;
            } else {
                std::fs::remove_file(entry.path())?;
            }
        }
        sync(&hidden)?;
        if again {
            std::fs::remove_dir(&hidden)?;
        } else {
            std::fs::rename(&hidden, &kept)?;
        }
        sync(parent)?;
    }
    // It came back while the first one was hidden.
    if there(path)? { release(path) } else { Ok(()) }
}
