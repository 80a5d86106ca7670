//! A package while it is made: a hidden folder beside its place, and a note of what it will be, locked while its maker lives. Whoever
//! makes the next package there finds what a killed one left: what the ledger has whole gets its name, what it has not is taken back.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::ledger::{Entry, EntryKind, Ledger};
use crate::claim;
use crate::error::{Error, Name, Result};
use crate::keys::Sign;
use crate::say;
use crate::system::{self, Opening as _};

const PREFIX: &str = ".kakou-package-";
const NOTE: &str = ".json";

fn io(e: &std::io::Error) -> Error {
    Error::io("X0410", say!("making the folder of the package"), e)
}

/// A package that is being made. Dropped before anything is entered, it is gone.
pub(super) struct Making {
    mark: String,
    folder: PathBuf,
    note: PathBuf,
    lock: File,
    entered: bool,
}

impl Making {
    /// Makes the hidden folder and its note in `parent`.
    pub(super) fn begin(parent: &Path, out: &Path) -> Result<Self> {
        let (note, file) =
            claim::file(parent, PREFIX, NOTE, OpenOptions::new().of_owner()).map_err(|e| io(&e))?;
        let folder = note.with_extension("");
        let mark = folder.file_name().unwrap_or_default().to_string_lossy();
        let mark = mark.strip_prefix(PREFIX).unwrap_or_default().to_owned();
        let making = Making { mark, folder, note, lock: file, entered: false };
        let name = out.file_name().and_then(|n| n.to_str());
        let told = json!({ "out": name }).to_string();
        (&making.lock)
            .write_all(told.as_bytes())
            .and_then(|()| making.lock.sync_all())
            .map_err(|e| io(&e))?;
        system::owners_folder().create(&making.folder).map_err(|e| io(&e))?;
        Ok(making)
    }
    /// The hidden folder.
    pub(super) fn path(&self) -> &Path {
        &self.folder
    }
    /// Its mark, which stands in the ledger.
    pub(super) fn mark(&self) -> &str {
        &self.mark
    }
    /// The ledger knows of it: what becomes of it now is the ledger's word, not this program's end.
    pub(super) fn entered(mut self) -> Self {
        self.entered = true;
        self
    }
    /// Gives it its name.
    pub(super) fn finish(mut self, out: &Path) -> Result<()> {
        self.entered = true;
        put(&self.folder, out)?;
        let _ = fs::remove_file(&self.note);
        Ok(())
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        if !self.entered {
            // The note last, and only if there is nothing left of what it is about.
            if claim::gone(&self.folder).is_ok() {
                let _ = fs::remove_file(&self.note);
            }
        }
    }
}

fn put(folder: &Path, out: &Path) -> Result<()> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    match system::rename_new(folder, out) {
        Ok(()) => {}
        // A file system that cannot promise it: looked at just before.
        Err(e) if system::cannot_promise(&e) && !system::there(out).map_err(|e| io(&e))? => {
            fs::rename(folder, out).map_err(|e| io(&e))?;
        }
        Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Error::refused(
                "R0512",
                say!(
                    "the ledger has this provision, but {} is something else: the package waits in {}",
                    Name::from_policy(out.display().to_string()),
                    Name::from_policy(folder.display().to_string())
                ),
            )
            .advice(say!("move away what stands there and give the same command again")));
        }
        Err(e) => return Err(io(&e)),
    }
    system::sync_folder(parent).map_err(|e| io(&e))
}

/// Brings a folder to the disk.
pub(super) fn to_disk(folder: &Path) -> Result<()> {
    for item in crate::release::inventory(folder)? {
        let path = folder.join(item.path);
        File::open(path).and_then(|f| f.sync_all()).map_err(|e| io(&e))?;
    }
    Ok(())
}

/// Looks for what killed ones left in `parent`. Gives the packages that got their names, with their entries.
pub(super) fn sweep(
    parent: &Path,
    ledger: &Ledger,
    key: &dyn Sign,
) -> Result<Vec<(PathBuf, Value)>> {
    let mut completed = Vec::new();
    for path in crate::release::paths(parent)? {
        let Some(name) = path.file_name().and_then(|n| n.to_str()) else { continue };
        let Some(mark) = name.strip_prefix(PREFIX) else { continue };
        if let Some(mark) = mark.strip_suffix(NOTE) {
            if let Some(_lock) = claim::orphan(&path).map_err(|e| io(&e))? {
                completed.extend(one(parent, &path, mark, ledger, key)?);
            }
        } else if !system::there(&parent.join(format!("{name}{NOTE}"))).map_err(|e| io(&e))? {
            // A package that is made has its note before anything else, and after.
            claim::gone(&path).map_err(|e| io(&e))?;
        }
    }
    Ok(completed)
}

fn one(
    parent: &Path,
    note: &Path,
    mark: &str,
    ledger: &Ledger,
    key: &dyn Sign,
) -> Result<Option<(PathBuf, Value)>> {
    let folder = parent.join(format!("{PREFIX}{mark}"));
    let told = fs::read(note).map_err(|e| io(&e))?;
    let told: Value = serde_json::from_slice(&told).unwrap_or_default();
    let book = ledger.read(&[])?;
    let entry = |state: &str| -> Option<&Entry> {
        let mut all = book.entries.iter().filter(|e| e.kind == EntryKind::Provision);
        all.find(|e| e.body["package"] == mark && e.body["state"] == state)
    };
    let mut completed = None;
    match (entry("begun"), entry("done")) {
        (_, Some(done)) => {
            let waits = system::there(&folder).map_err(|e| io(&e))?;
            if let (Some(out), true) = (told["out"].as_str(), waits) {
                let out = parent.join(out);
                put(&folder, &out)?;
                completed = Some((out, done.body.clone()));
            }
        }
        (Some(begun), None) => {
            if entry("aborted").is_none() {
                let body = json!({
                    "state": "aborted", "package": mark, "begun": begun.index,
                    "release": begun.body["release"], "kind": begun.body["kind"], "recipient": begun.body["recipient"],
                });
                ledger.append(EntryKind::Provision, &body, key)?;
            }
            claim::gone(&folder).map_err(|e| io(&e))?;
        }
        (None, None) => claim::gone(&folder).map_err(|e| io(&e))?,
    }
    fs::remove_file(note).map_err(|e| io(&e))?;
    Ok(completed)
}
