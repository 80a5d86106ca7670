//! Purge: destroys project keys, releases and what a dead run left, and enters what was deleted (消去: 法20条, 規則12条1項3号).
//!
//! Two entries: one before anything is touched, one when all is gone, so that neither a crash nor a failure leaves a
//! false word in the book.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::ledger::{Book, Entry, Kind, Ledger, retention_until};
use super::seal::items_by_table;
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
}

/// What a purge is about, looked at before anything is touched.
#[derive(Clone, Debug)]
pub struct Planned {
    targets: Targets,
    /// For the ledger: keys and releases with their items.
    pub body: Value,
    /// The entry of the same deletion that was begun and did not end: it is gone on with.
    pub begun: Option<u64>,
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
    for (word, paths) in
        [("key", &targets.keys), ("escrow", &targets.escrows), ("release", &targets.releases)]
    {
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
        let mut all = book.entries.iter().filter(|e| e.kind == Kind::Deletion);
        all.any(|e| e.body["state"] == "done" && e.body["begun"] == begun.index)
    };
    let begun = |e: &&Entry| e.kind == Kind::Deletion && e.body["state"] == "begun";
    book.entries.iter().filter(begun).filter(move |e| !ended(e))
}

/// Looks at everything that is to be destroyed. If the ledger has the same deletion begun and not done, that one is gone on with:
/// what is half destroyed cannot be looked at.
///
/// # Errors
/// If there is nothing, or a target is not what it should be.
pub fn plan(targets: Targets, reason: &str, book: &Book) -> Result<Planned> {
    let job = job(&targets);
    if let Some(begun) = unfinished(book).find(|e| e.body["job"] == job.as_str()) {
        return Ok(Planned { targets, body: begun.body.clone(), begun: Some(begun.index) });
    }
    let other = unfinished(book).last().map(|e| e.index);
    anew(targets, reason, job).map_err(|error| match other {
        Some(index) => error.advice(say!(
            "entry {} of the ledger is a deletion that did not end: give that command again, with all its targets",
            index
        )),
        None => error,
    })
}

fn anew(targets: Targets, reason: &str, job: String) -> Result<Planned> {
    if targets.keys.is_empty() && targets.escrows.is_empty() && targets.releases.is_empty() {
        return Err(Error::policy("R0602", say!("nothing to delete was named"))
            .advice(say!("--project-key FILE, --escrow FILE, --release DIR")));
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
    let mut body = json!({ "job": job, "reason": reason, "keys": keys, "releases": releases });
    if !releases.is_empty() {
        body["kept"] = json!("record/");
    }
    // One release: entries about it are found by its id.
    if let [only] = releases.as_slice() {
        body["release"] = only["release"].clone();
    }
    Ok(Planned { targets, body, begun: None })
}

/// Destroys what was planned, between two entries of the ledger. Gives the body of the second one. Every step can be done again:
/// a killed one is gone on with by the same command.
///
/// # Errors
/// If the ledger cannot be written before or after, or something cannot be destroyed; the first entry then stands alone.
pub fn run(planned: &Planned, ledger: &Ledger, key: &dyn Sign) -> Result<Value> {
    let mut body = planned.body.clone();
    let begun = match planned.begun {
        Some(begun) => begun,
        None => {
            body["state"] = json!("begun");
            ledger.append(Kind::Deletion, &body, key)?.index
        }
    };
    for path in planned.targets.keys.iter().chain(&planned.targets.escrows) {
        keys::destroy(path)?;
    }
    for path in &planned.targets.releases {
        release(path)
            .map_err(|e| Error::io("R0603", say!("deleting the release `{}`", shown(path)), &e))?;
    }
    let now = rfc3339(SystemTime::now());
    body["state"] = json!("done");
    body["begun"] = json!(begun);
    body["deletedAt"] = json!(now);
    body["retentionUntil"] = json!(retention_until(&now));
    ledger.append(Kind::Deletion, &body, key)?;
    Ok(body)
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
    let sync = crate::system::sync_folder;
    if path.symlink_metadata().is_ok() && hidden.symlink_metadata().is_err() {
        std::fs::rename(path, &hidden)?;
        sync(parent)?;
    }
    if hidden.symlink_metadata().is_ok() {
        // A copy that came back from a backup: its record is kept already.
        let again = kept.symlink_metadata().is_ok();
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
    if path.symlink_metadata().is_ok() { release(path) } else { Ok(()) }
}
