//! Spill: partitions on disk when memory does not hold them, in a private folder that disappears on every way out.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rayon::prelude::*;
use rustix::fs::{FlockOperation, flock};

use crate::error::{Error, Result};
use crate::frame::{Column, Interner, MISSING, Table};
use crate::say;

const PREFIX: &str = ".kakou-spill-";
const LOCK: &str = "owner.lock";
const MAGIC: &[u8; 8] = b"kakouSP1";

/// A private folder for blocks; removed when dropped, or by the next run if this one is killed.
#[derive(Debug)]
pub struct SpillDir {
    path: PathBuf,
    _lock: File,
    next: AtomicU64,
}

impl SpillDir {
    /// Makes the folder (mode 0700) in `root` and removes what dead owners left there.
    ///
    /// # Errors
    /// I/O.
    pub fn create(root: &Path) -> Result<Self> {
        let fail = |e: &std::io::Error| Error::io("X0601", say!("making the spill folder"), e);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(root).map_err(|e| fail(&e))?;
        sweep(root)?;
        let mut noise = [0_u8; 8];
        getrandom::fill(&mut noise)
            .map_err(|_| Error::environment("X0602", say!("the system gives no random numbers")))?;
        let name: String = noise.iter().map(|b| format!("{b:02x}")).collect();
        let path = root.join(format!("{PREFIX}{name}"));
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(|e| fail(&e))?;
        let lock = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path.join(LOCK))
            .map_err(|e| fail(&e))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|e| fail(&std::io::Error::from(e)))?;
        Ok(SpillDir { path, _lock: lock, next: AtomicU64::new(0) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes rows as a block. Only texts that occur in them are written.
    ///
    /// # Errors
    /// I/O.
    pub fn write_block(&self, rows: &Table) -> Result<PathBuf> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(format!("{number:08}.block"));
        let parts: Vec<Vec<u8>> = rows.columns.par_iter().map(bytes_of).collect();
        let fail = |e: &std::io::Error| Error::io("X0603", say!("writing a spill block"), e);
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
            .map_err(|e| fail(&e))?;
        let mut head = Vec::new();
        head.extend_from_slice(MAGIC);
        head.extend_from_slice(&(rows.rows as u64).to_le_bytes());
        head.extend_from_slice(&(parts.len() as u64).to_le_bytes());
        let sum = crc32fast::hash(&head).to_le_bytes();
        head.extend_from_slice(&sum);
        file.write_all(&head).map_err(|e| fail(&e))?;
        for part in &parts {
            file.write_all(&(part.len() as u64).to_le_bytes()).map_err(|e| fail(&e))?;
            file.write_all(&crc32fast::hash(part).to_le_bytes()).map_err(|e| fail(&e))?;
            file.write_all(part).map_err(|e| fail(&e))?;
        }
        Ok(path)
    }

    /// Reads a block back.
    ///
    /// # Errors
    /// I/O, or a block that is not as it was written.
    pub fn read_block(&self, path: &Path) -> Result<Table> {
        let mut bytes = Vec::new();
        File::open(path)
            .and_then(|mut f| f.read_to_end(&mut bytes))
            .map_err(|e| Error::io("X0604", say!("reading a spill block"), &e))?;
        parse(&bytes).ok_or_else(|| {
            Error::environment("X0605", say!("a spill block is damaged: is the disk sound?"))
        })
    }
}

impl Drop for SpillDir {
    fn drop(&mut self) {
        // Best effort: what stays is swept by the next run.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// Removes spill folders whose owner is gone.
///
/// # Errors
/// If the folder cannot be listed.
pub fn sweep(root: &Path) -> Result<()> {
    let fail =
        |e: &std::io::Error| Error::io("X0606", say!("looking for leftovers of dead runs"), e);
    let entries = match fs::read_dir(root) {
        Ok(entries) => entries,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(fail(&e)),
    };
    for entry in entries {
        let entry = entry.map_err(|e| fail(&e))?;
        if !entry.file_name().to_string_lossy().starts_with(PREFIX) {
            continue;
        }
        let dead = match File::open(entry.path().join(LOCK)) {
            Ok(lock) => flock(&lock, FlockOperation::NonBlockingLockExclusive).is_ok(),
            // Its owner died between making the folder and the lock.
            Err(_) => entry
                .metadata()
                .and_then(|m| m.modified())
                .is_ok_and(|t| t.elapsed().is_ok_and(|e| e.as_secs() > 60)),
        };
        if dead {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
    Ok(())
}

fn bytes_of(column: &Column) -> Vec<u8> {
    // Codes renumbered in the order of appearance; the dictionary follows.
    let mut map = vec![MISSING; column.dictionary().len()];
    let mut order: Vec<u32> = Vec::new();
    let mut bytes = Vec::with_capacity(column.len() * 4 + 64);
    for &code in column.codes() {
        let new = if code == MISSING {
            MISSING
        } else {
            let slot = &mut map[code as usize];
            if *slot == MISSING {
                *slot = order.len() as u32;
                order.push(code);
            }
            *slot
        };
        bytes.extend_from_slice(&new.to_le_bytes());
    }
    bytes.extend_from_slice(&(order.len() as u64).to_le_bytes());
    for code in order {
        let text = column.dictionary().text(code);
        bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }
    fn u64(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.take(8)?.try_into().ok()?)).ok()
    }
    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
}

fn parse(bytes: &[u8]) -> Option<Table> {
    let mut cursor = Cursor(bytes);
    (cursor.take(8)? == MAGIC).then_some(())?;
    let rows = cursor.u64()?;
    let columns = cursor.u64()?;
    (cursor.u32()? == crc32fast::hash(bytes.get(..24)?)).then_some(())?;
    let mut parts = Vec::new();
    for _ in 0..columns {
        let length = cursor.u64()?;
        let sum = cursor.u32()?;
        let part = cursor.take(length)?;
        (crc32fast::hash(part) == sum).then_some(())?;
        parts.push(part);
    }
    cursor.0.is_empty().then_some(())?;
    let columns = parts
        .into_par_iter()
        .map(|part| {
            let mut cursor = Cursor(part);
            let codes: Vec<u32> = cursor
                .take(rows.checked_mul(4)?)?
                .chunks_exact(4)
                .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]))
                .collect();
            let texts = cursor.u64()?;
            let mut interner = Interner::new();
            for _ in 0..texts {
                let length = cursor.u32()? as usize;
                interner.intern(std::str::from_utf8(cursor.take(length)?).ok()?);
            }
            let dictionary = interner.finish();
            codes.iter().all(|&c| c == MISSING || (c as usize) < dictionary.len()).then_some(())?;
            Some(Column::new(codes, Arc::new(dictionary)))
        })
        .collect::<Option<Vec<_>>>()?;
    Some(Table { rows, columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_come_back_and_hold_no_more_than_their_rows() {
        let root = tempfile::tempdir().unwrap();
        let directory = SpillDir::create(root.path()).unwrap();
        let column = Column::from_texts([Some("CANARY-山田-7f3a"), Some("a"), None, Some("b")]);
        let table = Table { rows: 3, columns: vec![column.take(&[1, 2, 3])] };
        let path = directory.write_block(&table).unwrap();
        let bytes = fs::read(&path).unwrap();
        assert!(!bytes.windows(6).any(|w| w == b"CANARY"), "a removed value was spilled");
        let back = directory.read_block(&path).unwrap();
        assert_eq!(back.columns[0].cells().collect::<Vec<_>>(), [Some("a"), None, Some("b")]);
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            let same = directory.read_block(&path).is_ok_and(|t| t.rows == 3);
            assert!(!same, "byte {at} was changed and nobody noticed");
        }
        let folder = directory.path.clone();
        drop(directory);
        assert!(!folder.exists());
    }

    #[test]
    fn folders_of_dead_owners_are_swept() {
        let root = tempfile::tempdir().unwrap();
        let dead = root.path().join(".kakou-spill-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join(LOCK), b"").unwrap();
        let alive = SpillDir::create(root.path()).unwrap();
        assert!(!dead.exists() && alive.path.exists());
        sweep(root.path()).unwrap();
        assert!(alive.path.exists(), "the folder of a living owner was removed");
    }
}
