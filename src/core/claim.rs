//! Hidden names: what a program makes under one is taken away by whoever comes after its death.
//!
//! The owner holds the lock of a file from before anything else has the name until nothing has it any more; whoever can have that
//! lock knows that the owner is gone. No clock is asked, so nothing has to grow old before it is taken away.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::digest::hex;
use crate::system::{self, Opening as _};

/// The end of the name of a lock.
const LOCK: &str = ".lock";

/// A hidden name in a folder, for one thing that is made under it. Dropped, the thing is gone.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl Claim {
    /// A new name in a folder; nothing has it yet.
    ///
    /// # Errors
    /// I/O.
    pub fn new(folder: &Path, prefix: &str) -> io::Result<Self> {
        let (lock, held) = file(folder, prefix, LOCK, OpenOptions::new().of_owner())?;
        // Without its end: a name of our making is text.
        Ok(Claim { path: lock.with_extension(""), lock, _held: held })
    }
    /// The name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // The lock last: what cannot be removed now is found by it, or by having none.
        if gone(&self.path).is_ok() {
            let _ = fs::remove_file(&self.lock);
        }
    }
}

/// Removes the lock of a name that nothing has any more, for a program that ends without dropping its claims.
pub(crate) fn let_go(path: &Path) {
    if matches!(system::there(path), Ok(false)) {
        let mut lock = path.to_owned().into_os_string();
        lock.push(LOCK);
        let _ = fs::remove_file(lock);
    }
}

/// Makes a file with a new name and locks it, so that no sweep takes it away while it is held.
///
/// # Errors
/// I/O; a disk that has no locks.
pub fn file(
    folder: &Path,
    prefix: &str,
    end: &str,
    options: &mut OpenOptions,
) -> io::Result<(PathBuf, File)> {
    options.read(true).write(true).create_new(true).no_link();
    loop {
        let mut noise = [0_u8; 8];
        getrandom::fill(&mut noise).map_err(|_| io::Error::other("no random numbers"))?;
        let path = folder.join(format!("{prefix}{}{end}", hex(&noise)));
        let file = options.open(&path)?;
        match file.try_lock() {
            Ok(()) if same(&file, &path)? => return Ok((path, file)),
            // A sweep came between the two and takes it away: another name.
            Ok(()) | Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(error)) => {
                let _ = fs::remove_file(&path);
                return Err(error);
            }
        }
    }
}

/// How a file is called until it is whole.
const NEW: &str = ".kakou-new-";

/// Replaces a file whole: there is the old or the new one at any time, the new one on the disk when this returns. Its owner and the
/// owner's group may read it. What killed ones left beside it goes.
///
/// # Errors
/// I/O.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    sweep_files(folder, NEW)?;
    let (new, mut file) = file(folder, NEW, "", OpenOptions::new().of_group())?;
    let done = file
        .write_all(bytes)
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::rename(&new, path))
        .and_then(|()| system::sync_folder(folder));
    if done.is_err() {
        // Gone already if it has its name.
        let _ = fs::remove_file(&new);
    }
    done
}

/// The lock of a file whose owner is gone. None if he lives, the file is another user's, or is gone itself.
///
/// # Errors
/// I/O.
pub fn orphan(path: &Path) -> io::Result<Option<File>> {
    let opened = OpenOptions::new().read(true).write(true).no_link_no_wait().open(path);
    let file = match opened {
        Ok(file) => file,
        Err(e) if system::is_link(&e) => return Ok(None),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => {
            return Ok(None);
        }
        Err(e) => return Err(e),
    };
    match file.try_lock() {
        Ok(()) if same(&file, path)? => Ok(Some(file)),
        Ok(()) | Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes away what dead owners left under names with this beginning. What cannot be removed stays for the next time.
///
/// # Errors
/// If the folder cannot be listed, or a lock not be asked for.
pub fn sweep(folder: &Path, prefix: &str) -> io::Result<()> {
    for path in listed(folder, prefix)? {
        if path.extension().is_some_and(|end| LOCK.ends_with(&*end.to_string_lossy())) {
            if let Some(_lock) = orphan(&path)?
                && gone(&path.with_extension("")).is_ok()
            {
                let _ = fs::remove_file(&path);
            }
            continue;
        }
        // A name has its lock before it has anything else, and after.
        let mut lock = path.clone().into_os_string();
        lock.push(LOCK);
        if !system::there(Path::new(&lock))? {
            let _ = gone(&path);
        }
    }
    Ok(())
}

/// Takes away files with this beginning that are their own locks ([`file()`]) and whose owners are gone.
///
/// # Errors
/// As [`sweep`].
pub fn sweep_files(folder: &Path, prefix: &str) -> io::Result<()> {
    for path in listed(folder, prefix)? {
        if path.symlink_metadata().is_ok_and(|m| m.is_file())
            && let Some(_lock) = orphan(&path)?
        {
            let _ = fs::remove_file(&path);
        }
    }
    Ok(())
}

/// Removes a file or a folder with all that is in it, if it is there.
///
/// # Errors
/// I/O.
pub fn gone(path: &Path) -> io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(meta) if meta.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(e) => Err(e),
    };
    match removed {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// What in a folder begins so; a folder that is not there holds nothing.
fn listed(folder: &Path, prefix: &str) -> io::Result<Vec<PathBuf>> {
    let list = match fs::read_dir(folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        list => list?,
    };
    let mut found = Vec::new();
    for entry in list {
        let path = entry?.path();
        if path.file_name().is_some_and(|n| n.as_encoded_bytes().starts_with(prefix.as_bytes())) {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Whether an open file is the one that has the name now.
fn same(file: &File, path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(meta) => Ok(system::Facts::same_file(&file.metadata()?, &meta)),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(e) => Err(e),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEFORE: &str = ".kakou-test-";

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn what_the_dead_left_goes_at_once_and_what_lives_stays() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let living = Claim::new(folder, BEFORE).unwrap();
        fs::create_dir(living.path()).unwrap();
        fs::write(living.path().join("cells"), "x").unwrap();
        // Killed at each step of its life: a lock alone, a lock and a folder, a folder alone, a file alone.
        fs::write(folder.join(".kakou-test-1.lock"), "").unwrap();
        fs::write(folder.join(".kakou-test-2.lock"), "").unwrap();
        fs::create_dir_all(folder.join(".kakou-test-2/below")).unwrap();
        fs::create_dir(folder.join(".kakou-test-3")).unwrap();
        fs::write(folder.join(".kakou-test-4"), "").unwrap();
        fs::write(folder.join("mine"), "").unwrap();
        sweep(folder, BEFORE).unwrap();
        assert_eq!(names(folder), 3);
        assert!(living.path().join("cells").exists());
        // What was made has another name now: only the lock is left to go.
        fs::rename(living.path(), folder.join("release")).unwrap();
        sweep(folder, BEFORE).unwrap();
        drop(living);
        assert_eq!(names(folder), 2);
        sweep(&folder.join("none"), BEFORE).unwrap();
    }

    #[test]
    fn files_that_are_their_own_locks() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let (path, held) = file(folder, BEFORE, "", OpenOptions::new().of_owner()).unwrap();
        fs::write(folder.join(".kakou-test-1"), "half").unwrap();
        fs::create_dir(folder.join(".kakou-test-2")).unwrap();
        assert!(orphan(&path).unwrap().is_none());
        sweep_files(folder, BEFORE).unwrap();
        assert!(path.exists() && !folder.join(".kakou-test-1").exists());
        drop(held);
        sweep_files(folder, BEFORE).unwrap();
        assert!(!path.exists() && folder.join(".kakou-test-2").exists());
    }

    /// Sweeps that come between the making of a file and its lock cost it its name, never what is made under it.
    #[test]
    fn sweeps_and_makers_do_not_meet() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let over = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !over.load(std::sync::atomic::Ordering::Relaxed) {
                    sweep(folder, BEFORE).unwrap();
                }
            });
            for _ in 0..500 {
                let claim = Claim::new(folder, BEFORE).unwrap();
                fs::create_dir(claim.path()).unwrap();
                fs::write(claim.path().join("cells"), "x").unwrap();
                assert!(claim.path().join("cells").exists());
            }
            over.store(true, std::sync::atomic::Ordering::Relaxed);
        });
        sweep(folder, BEFORE).unwrap();
        assert_eq!(names(folder), 0);
    }
}
