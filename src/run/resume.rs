//! What a run keeps so that a later one can go on from it: encrypted under a key that comes from the project key, in a folder that the
//! user named, until a run has come to its end.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::shown;
use crate::digest;
use crate::engine::exclude::Lists;
use crate::engine::kept::Keep;
use crate::error::{Error, Result};
use crate::keys::{ReleaseSecrets, Vault};
use crate::release::private;
use crate::system::{self, Opening as _};
use crate::{note, say};

/// How the name of kept work ends, and while it is written.
const KEPT: &str = "kept";
const WRITING: &str = "writing";
const LOCK: &str = "resume.lock";
/// Changes with the form of what is kept.
const FORM: &str = "1";

/// A folder with kept work, which no other run uses meanwhile.
pub(super) struct Work {
    folder: PathBuf,
    vault: Vault,
    /// What must be the same for the work to be of use, beside the input files: it stands in the name under which all is encrypted.
    identity: String,
    _lock: File,
}

fn fail(e: &io::Error) -> Error {
    Error::io("X0621", say!("keeping work for a later run"), e)
}

/// What the work depends on.
pub(super) struct Of<'a> {
    pub(super) policy: &'a [u8; 32],
    pub(super) lists: &'a Lists,
    pub(super) memory: u64,
    pub(super) secrets: &'a ReleaseSecrets,
}

impl Of<'_> {
    fn identity(&self) -> Result<String> {
        let program = std::env::current_exe().map_err(|e| fail(&e))?;
        let program = digest::sha256_file(&program)?;
        let mut all: Vec<Vec<u8>> = vec![
            FORM.into(),
            env!("CARGO_PKG_VERSION").into(),
            program.to_vec(),
            self.policy.to_vec(),
            self.secrets.key_id().into(),
            self.memory.to_be_bytes().to_vec(),
            vec![self.lists.allow_unmatched.into()],
        ];
        for list in &self.lists.lists {
            all.push(list.kinds.iter().map(|&kind| kind as u8).collect());
            all.push(list.bytes.clone());
        }
        if let Some(eligibility) = &self.lists.eligibility {
            all.push(eligibility.as_of.to_be_bytes().to_vec());
            all.push(eligibility.notice_days.to_be_bytes().to_vec());
            all.extend(eligibility.files.iter().cloned());
        }
        // Each behind its length: no two lists are alike.
        let mut bytes = Vec::new();
        for field in all {
            bytes.extend_from_slice(&(field.len() as u64).to_be_bytes());
            bytes.extend_from_slice(&field);
        }
        Ok(digest::hex(&digest::sha3(&bytes)))
    }
}

impl Work {
    /// Opens the folder, or makes it for its owner alone.
    ///
    /// # Errors
    /// A folder that others may look into or that another run uses; I/O.
    pub(super) fn open(folder: &Path, of: &Of<'_>) -> Result<Self> {
        private(folder)?;
        let facts = fs::metadata(folder).map(|m| system::Facts::of(&m)).map_err(|e| fail(&e))?;
        if facts.others_may() || facts.user != system::user() {
            return Err(Error::environment(
                "X0622",
                say!("the folder {} of --resume is not yours alone", shown(folder)),
            )
            .advice(say!("`chmod 700`, or name a folder that is not there yet")));
        }
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .of_owner()
            .no_link()
            .open(folder.join(LOCK))
            .map_err(|e| fail(&e))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::environment(
                    "X0623",
                    say!("another run keeps its work in {}", shown(folder)),
                )
                .advice(say!("wait for it, or name another folder for --resume")));
            }
            Err(TryLockError::Error(e)) => return Err(fail(&e)),
        }
        let identity = of.identity()?;
        Ok(Work { folder: folder.to_owned(), vault: of.secrets.vault(), identity, _lock: lock })
    }

    fn path(&self, name: &str, end: &str) -> PathBuf {
        self.folder.join(format!("{name}.{end}"))
    }

    fn remove(&self, ends: &[&str]) -> Result<()> {
        let listed = fs::read_dir(&self.folder).map_err(|e| fail(&e))?;
        for entry in listed {
            let path = entry.map_err(|e| fail(&e))?.path();
            if path.extension().and_then(|e| e.to_str()).is_some_and(|end| ends.contains(&end)) {
                fs::remove_file(path).map_err(|e| fail(&e))?;
            }
        }
        Ok(())
    }

    /// The run has come to an end that the work cannot help any more: all of it goes, and the folder if nothing else is in it.
    pub(super) fn end(&self) {
        // What stays is encrypted, and the next run with this folder takes it away.
        if let Err(error) = self.remove(&[KEPT, WRITING]) {
            note!(warn, "kept work stays", code = error.code);
        }
        let _ = fs::remove_file(self.folder.join(LOCK));
        let _ = fs::remove_dir(&self.folder);
    }
}

impl Keep for Work {
    fn get(&self, name: &str, to: &mut dyn Write) -> Result<bool> {
        let path = self.path(name, KEPT);
        let mut file = match OpenOptions::new().read(true).no_link().open(path) {
            Ok(file) => io::BufReader::new(file),
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(e) => return Err(fail(&e)),
        };
        match self.vault.unlock(&[&self.identity, name], &mut file, to) {
            Ok(()) => Ok(true),
            Err(error) if error.code == crate::keys::OTHER_WORK => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn put(&self, name: &str, from: &mut dyn Read) -> Result<()> {
        let writing = self.path(name, WRITING);
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        let mut file = options.of_owner().no_link().open(&writing).map_err(|e| fail(&e))?;
        self.vault.lock(&[&self.identity, name], from, &mut file)?;
        // Nothing waits for the disk: what a power cut leaves of it does not open, and is read again.
        drop(file);
        fs::rename(&writing, self.path(name, KEPT)).map_err(|e| fail(&e))
    }

    fn clear(&self) -> Result<()> {
        self.remove(&[KEPT, WRITING])
    }
}
