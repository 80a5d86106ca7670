//! Staging, digests and the atomic publish. A release is published only with the proofs of both parts in hand.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rustix::fs::{FlockOperation, RenameFlags, flock, renameat_with};

use crate::error::{Error, Name, Result};
pub use crate::proof::prove::cleared::{Anonymized, Cleared, Pseudonymized};
use crate::say;

const PREFIX: &str = ".kakou-staging-";
const LOCK: &str = ".lock";

/// A private folder beside the releases in which one is made. Removed when dropped without being published.
#[derive(Debug)]
pub struct Staging {
    out: PathBuf,
    path: PathBuf,
    lock: File,
    published: bool,
}

impl Staging {
    /// Makes the folder; removes what crashed runs left in `out`.
    ///
    /// # Errors
    /// I/O.
    pub fn create(out: &Path) -> Result<Staging> {
        fs::create_dir_all(out)
            .map_err(|e| Error::io("X0301", say!("making the output folder"), &e))?;
        sweep(out)?;
        let mut noise = [0_u8; 8];
        getrandom::fill(&mut noise)
            .map_err(|_| Error::environment("X0302", say!("the system gives no random numbers")))?;
        let name: String = noise.iter().map(|b| format!("{b:02x}")).collect();
        let path = out.join(format!("{PREFIX}{name}"));
        fs::DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|e| Error::io("X0301", say!("making the staging folder"), &e))?;
        let lock = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(|e| Error::io("X0301", say!("making the staging folder"), &e))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            Error::environment("X0303", say!("the staging folder cannot be locked"))
        })?;
        let staging = Staging { out: out.to_owned(), path, lock, published: false };
        for folder in ["pseudonymized", "anonymized", "record"] {
            staging.folder(folder)?;
        }
        Ok(staging)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn folder(&self, name: &str) -> Result<()> {
        fs::DirBuilder::new()
            .mode(0o750)
            .create(self.path.join(name))
            .map_err(|e| Error::io("X0301", say!("making the staging folder"), &e))
    }

    /// Writes a small file into the folder, to the disk.
    ///
    /// # Errors
    /// I/O.
    pub fn put(&self, relative: &str, bytes: &[u8]) -> Result<()> {
        let doing = || say!("writing {}", Name::from_policy(relative));
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o640)
            .open(self.path.join(relative))
            .map_err(|e| Error::io("X0304", doing(), &e))?;
        file.write_all(bytes).map_err(|e| Error::io("X0304", doing(), &e))?;
        file.sync_all().map_err(|e| Error::io("X0304", doing(), &e))
    }

    /// Publishes the folder under `id` by one rename that never replaces anything. Both capabilities are used up;
    /// each proved file must have the same digest in the
    /// manifest, which was made after the proof.
    ///
    /// # Errors
    /// If a file changed after it was proved, the id exists, or I/O.
    pub fn publish(
        mut self,
        id: &str,
        manifest: &[crate::statement::Listed],
        anonymized: Cleared<Anonymized>,
        pseudonymized: Cleared<Pseudonymized>,
    ) -> Result<PathBuf> {
        for (relative, digest) in anonymized.digests().iter().chain(pseudonymized.digests()) {
            let listed = manifest.iter().find(|f| f.path == *relative);
            if listed.map(|f| f.digests) != Some(*digest) {
                return Err(Error::refused(
                    "C0901",
                    say!(
                        "the staged file {} changed after it was proved",
                        Name::from_policy(relative.clone())
                    ),
                ));
            }
        }
        fix_times(&self.path)?;
        sync_folders(&self.path)?;
        let target = self.out.join(id);
        fs::remove_file(self.path.join(LOCK))
            .map_err(|e| Error::io("X0305", say!("publishing the release"), &e))?;
        let parent = File::open(&self.out)
            .map_err(|e| Error::io("X0305", say!("publishing the release"), &e))?;
        let from = self.path.file_name().map(PathBuf::from).unwrap_or_default();
        match renameat_with(&parent, &from, &parent, id, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(rustix::io::Errno::EXIST) => {
                return Err(Error::refused(
                    "C0902",
                    say!(
                        "a release with the id {} exists already: ids are never used twice",
                        Name::from_policy(id)
                    ),
                ));
            }
            Err(error) => {
                let error = std::io::Error::from(error);
                return Err(Error::io("X0305", say!("publishing the release"), &error));
            }
        }
        self.published = true;
        // The release stands whatever happens from here on.
        let _ = parent.sync_all();
        Ok(target)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.published {
            // Best effort: what is left is swept by the next run.
            let _ = fs::remove_dir_all(&self.path);
        }
        let _ = flock(&self.lock, FlockOperation::Unlock);
    }
}

/// Removes staging folders whose owner is gone.
///
/// # Errors
/// If the folder cannot be listed.
pub fn sweep(out: &Path) -> Result<()> {
    let entries = fs::read_dir(out)
        .map_err(|e| Error::io("X0306", say!("looking for leftovers in the output folder"), &e))?;
    for entry in entries.flatten() {
        let name = entry.file_name();
        if !name.to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let path = entry.path();
        match File::open(path.join(LOCK)) {
            Ok(lock) => {
                if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok() {
                    let _ = fs::remove_dir_all(&path);
                }
            }
            // No lock file: its owner died between making the folder and the lock, or while publishing.
            Err(_) => {
                let old = entry
                    .metadata()
                    .and_then(|m| m.modified())
                    .is_ok_and(|t| t.elapsed().is_ok_and(|e| e > Duration::from_secs(60)));
                if old || fs::metadata(path.join("record")).is_err() {
                    let _ = fs::remove_dir_all(&path);
                }
            }
        }
    }
    Ok(())
}

/// Every file gets one and the same time: when a table was written tells nothing.
fn fix_times(path: &Path) -> Result<()> {
    // 1980-01-01T00:00:00Z, the earliest time that common archive formats can hold.
    let fixed = SystemTime::UNIX_EPOCH + Duration::from_secs(315_532_800);
    let times = fs::FileTimes::new().set_modified(fixed).set_accessed(fixed);
    each_file(path, &mut |file| {
        File::open(file)
            .and_then(|f| f.set_times(times))
            .map_err(|e| Error::io("X0307", say!("fixing the times of the files"), &e))
    })
}

fn sync_folders(path: &Path) -> Result<()> {
    for folder in
        [path.join("pseudonymized"), path.join("anonymized"), path.join("record"), path.to_owned()]
    {
        File::open(folder)
            .and_then(|f| f.sync_all())
            .map_err(|e| Error::io("X0305", say!("publishing the release"), &e))?;
    }
    Ok(())
}

/// Calls `f` with every file below a folder, in the order of their names. Symbolic links are refused.
///
/// # Errors
/// I/O, or what `f` says.
pub fn each_file(path: &Path, f: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    let list =
        fs::read_dir(path).map_err(|e| Error::io("X0308", say!("listing a release folder"), &e))?;
    let mut entries: Vec<PathBuf> = list.flatten().map(|e| e.path()).collect();
    entries.sort();
    for entry in entries {
        let meta = fs::symlink_metadata(&entry)
            .map_err(|e| Error::io("X0308", say!("listing a release folder"), &e))?;
        if meta.is_dir() {
            each_file(&entry, f)?;
        } else if meta.is_file() {
            f(&entry)?;
        } else {
            return Err(Error::refused(
                "C0903",
                say!("a release folder holds something that is not a file"),
            ));
        }
    }
    Ok(())
}
