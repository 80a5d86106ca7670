//! A package while it is made: a hidden folder beside its place, and a note of what it will be, locked while its maker lives. Whoever
//! makes the next package there finds what a killed one left: what the ledger has whole gets its name, what it has not is taken back.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::ledger::{Entry, Kind, Ledger};
use crate::digest::hex;
use crate::error::{Error, Name, Result};
use crate::keys::Sign;
use crate::say;
use crate::system::{self, Opening as _};

const PREFIX: &str = ".kakou-package-";
const NOTE: &str = ".json";
const NEW: &str = ".new";

fn io(e: &std::io::Error) -> Error {
    Error::io("X0410", say!("making the folder of the package"), e)
}

/// A package that is being made. Dropped before anything is entered, it is gone.
pub(super) struct Making {
    mark: String,
    folder: PathBuf,
    note: PathBuf,
    _lock: File,
    entered: bool,
}

impl Making {
    /// Makes the hidden folder and its note in `parent`.
    pub(super) fn begin(parent: &Path, out: &Path) -> Result<Self> {
        let mut noise = [0_u8; 8];
        getrandom::fill(&mut noise)
            .map_err(|_| Error::environment("X0302", say!("the system gives no random numbers")))?;
        let mark = hex(&noise);
        let folder = parent.join(format!("{PREFIX}{mark}"));
        let note = parent.join(format!("{PREFIX}{mark}{NOTE}"));
        let new = parent.join(format!("{PREFIX}{mark}{NEW}"));
        let name = out.file_name().and_then(|n| n.to_str());
        let told = json!({ "out": name }).to_string();
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .of_owner()
            .open(&new)
            .map_err(|e| io(&e))?;
        // Locked before it has the name under which it is looked for.
        file.try_lock().map_err(|e| io(&e.into()))?;
        let making = Making {
            mark,
            folder,
            note,
            _lock: file.try_clone().map_err(|e| io(&e))?,
            entered: false,
        };
        file.write_all(told.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| io(&e))?;
        fs::rename(&new, &making.note).map_err(|e| io(&e))?;
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
            // The note last: without it nobody would look for the folder.
            let _ = fs::remove_dir_all(&self.folder);
            let _ = fs::remove_file(&self.note);
        }
    }
}

fn put(folder: &Path, out: &Path) -> Result<()> {
    let parent = folder.parent().unwrap_or(Path::new("."));
    match system::rename_new(folder, out) {
        Ok(()) => {}
        // A file system that cannot promise it: looked at just before.
        Err(e) if system::cannot_promise(&e) && out.symlink_metadata().is_err() => {
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
            let Ok(lock) = File::open(&path) else { continue };
            if lock.try_lock().is_ok() && path.exists() {
                completed.extend(one(parent, &path, mark, ledger, key)?);
            }
        } else if !parent.join(format!("{name}{NOTE}")).exists() && old(&path) {
            // Killed before its note had its name, or made by an older program.
            let gone =
                if path.is_dir() { fs::remove_dir_all(&path) } else { fs::remove_file(&path) };
            gone.map_err(|e| io(&e))?;
        }
    }
    Ok(completed)
}

fn old(path: &Path) -> bool {
    let age =
        path.symlink_metadata().and_then(|m| m.modified()).ok().and_then(|t| t.elapsed().ok());
    age.is_some_and(|age| age.as_secs() > 60)
}

fn one(
    parent: &Path,
    note: &Path,
    mark: &str,
    ledger: &Ledger,
    key: &dyn Sign,
) -> Result<Option<(PathBuf, Value)>> {
    let folder = parent.join(format!("{PREFIX}{mark}"));
    let told: Value =
        fs::read(note).ok().and_then(|b| serde_json::from_slice(&b).ok()).unwrap_or_default();
    let book = ledger.read(&[])?;
    let entry = |state: &str| -> Option<&Entry> {
        let mut all = book.entries.iter().filter(|e| e.kind == Kind::Provision);
        all.find(|e| e.body["package"] == mark && e.body["state"] == state)
    };
    let mut completed = None;
    match (entry("begun"), entry("done")) {
        (_, Some(done)) => {
            if let (Some(out), true) = (told["out"].as_str(), folder.exists()) {
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
                ledger.append(Kind::Provision, &body, key)?;
            }
            gone(&folder)?;
        }
        (None, None) => gone(&folder)?,
    }
    fs::remove_file(note).map_err(|e| io(&e))?;
    Ok(completed)
}

fn gone(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(io(&e)),
        _ => Ok(()),
    }
}
