//! Staging, digests and the atomic publish. A release is published only with the proofs of both parts in hand.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use crate::claim::{self, Claim};
use crate::digest::Digests;
use crate::error::{Error, Name, Result};
use crate::memory::Fleeting;
pub use crate::proof::prove::cleared::{Anonymized, Cleared, Pseudonymized};
use crate::say;
use crate::system::{self, Facts, Opening as _};

const PREFIX: &str = ".kakou-staging-";

/// A private folder beside the releases in which one is made. Removed when dropped without being published ([`Claim`]).
#[derive(Debug)]
pub struct Staging {
    out: PathBuf,
    path: PathBuf,
    _claim: Claim,
    _fleeting: Fleeting,
    /// The small files that were put into it.
    put: Mutex<BTreeSet<String>>,
}

impl Staging {
    /// Makes the folder; removes what crashed runs left in `out`.
    ///
    /// # Errors
    /// I/O.
    pub fn create(out: &Path) -> Result<Staging> {
        private(out)?;
        sweep(out)?;
        let io = |e| Error::io("X0301", say!("making the staging folder"), &e);
        let claim = Claim::new(out, PREFIX).map_err(io)?;
        let path = claim.path().to_owned();
        system::owners_folder().create(&path).map_err(io)?;
        let fleeting = Fleeting::new(&path);
        let staging = Staging {
            out: out.to_owned(),
            path,
            _claim: claim,
            _fleeting: fleeting,
            put: Mutex::default(),
        };
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
        private(&self.path.join(name))
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
            .of_group()
            .open(self.path.join(relative))
            .map_err(|e| Error::io("X0304", doing(), &e))?;
        file.write_all(bytes).map_err(|e| Error::io("X0304", doing(), &e))?;
        file.sync_all().map_err(|e| Error::io("X0304", doing(), &e))?;
        if let Ok(mut put) = self.put.lock() {
            put.insert(relative.to_owned());
        }
        Ok(())
    }

    /// The manifest has what was proved and what was put here, nothing else and nothing less: a folder that could not be listed
    /// whole is not sealed.
    fn listed_whole(
        &self,
        manifest: &[crate::statement::Listed],
        proved: &[&[(String, Digests)]],
    ) -> Result<()> {
        use crate::{seal, statement};
        let beside =
            |path: &str| path == statement::MANIFEST || seal::BESIDE_MANIFEST.contains(&path);
        let proved = proved.iter().copied().flatten();
        let mut staged: BTreeSet<String> = proved.map(|(path, _)| path.clone()).collect();
        staged.extend(self.put.lock().map(|put| put.clone()).unwrap_or_default());
        staged.retain(|path| !beside(path));
        let listed: BTreeSet<String> = manifest.iter().map(|f| f.path.clone()).collect();
        let mut there = BTreeSet::new();
        each_file(&self.path, &mut |path| {
            let relative = path.strip_prefix(&self.path).unwrap_or(path);
            there.insert(relative.to_string_lossy().into_owned());
            Ok(())
        })?;
        there.retain(|path| !beside(path));
        for other in [&listed, &there] {
            if let Some(path) = staged.symmetric_difference(other).next() {
                return Err(Error::refused(
                    "C0904",
                    say!(
                        "the manifest is not that of the staged files: {} is in one of them alone",
                        Name::from_policy(path.clone())
                    ),
                )
                .advice(say!("is the disk sound? run again")));
            }
        }
        Ok(())
    }

    /// Publishes the folder under `id` by one rename that never replaces anything. Both capabilities are used up;
    /// each proved file must have the same digest in the
    /// manifest, which was made after the proof.
    ///
    /// # Errors
    /// If a file changed after it was proved, the id exists, or I/O.
    pub fn publish(
        self,
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
        self.listed_whole(manifest, &[anonymized.digests(), pseudonymized.digests()])?;
        for kind in crate::schema::Kind::BOTH {
            // Of a release that the policy does not make nothing is left, not even its folder: one with a file stays.
            let _ = fs::remove_dir(self.path.join(kind.word()));
        }
        fix_times(&self.path)?;
        sync_folders(&self.path)?;
        let target = self.out.join(id);
        let parent = File::open(&self.out)
            .map_err(|e| Error::io("X0305", say!("publishing the release"), &e))?;
        let from = self.path.file_name().map(PathBuf::from).unwrap_or_default();
        match system::rename_new_in(&parent, &from, Path::new(id)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                return Err(Error::refused(
                    "C0902",
                    say!(
                        "a release with the id {} exists already: ids are never used twice",
                        Name::from_policy(id)
                    ),
                ));
            }
            Err(error) => {
                return Err(Error::io("X0305", say!("publishing the release"), &error));
            }
        }
        // The release stands whatever happens from here on.
        let _ = parent.sync_all();
        Ok(target)
    }
}

/// Removes staging folders whose owner is gone.
///
/// # Errors
/// If the folder cannot be listed.
pub fn sweep(out: &Path) -> Result<()> {
    claim::sweep(out, PREFIX)
        .map_err(|e| Error::io("X0606", say!("looking for leftovers of dead runs"), &e))
}

/// Every file gets one and the same time: when a table was written tells nothing.
fn fix_times(path: &Path) -> Result<()> {
    // 1980-01-01T00:00:00Z, the earliest time that common archive formats can hold.
    let fixed = SystemTime::UNIX_EPOCH + Duration::from_secs(315_532_800);
    let times = fs::FileTimes::new().set_modified(fixed).set_accessed(fixed);
    let mut failed = 0_u64;
    each_file(path, &mut |file| {
        let set = File::open(file).and_then(|f| f.set_times(times));
        failed += u64::from(set.is_err());
        Ok(())
    })?;
    if failed > 0 {
        // A disk that cannot do it: the release is as good, its files tell when they were written.
        kakou_core::note!(warn, "times of files could not be fixed", files = failed);
    }
    Ok(())
}

/// Makes a folder and those above it that are missing, each for its owner alone, whatever the mask of the process.
///
/// # Errors
/// I/O.
pub fn private(folder: &Path) -> Result<()> {
    let fail = |e: &std::io::Error| {
        let shown = Name::from_policy(folder.display().to_string());
        Error::io("X0301", say!("making the folder {}", shown), e)
    };
    let mut missing: Vec<&Path> = Vec::new();
    let mut there = folder;
    while !there.as_os_str().is_empty() && there.symlink_metadata().is_err() {
        missing.push(there);
        match there.parent() {
            Some(parent) => there = parent,
            None => break,
        }
    }
    for folder in missing.into_iter().rev() {
        match system::owners_folder().create(folder) {
            // Another run made it a moment ago.
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => continue,
            made => made.map_err(|e| fail(&e))?,
        }
        fs::set_permissions(folder, system::folder()).map_err(|e| fail(&e))?;
    }
    // What is there and is no folder is told here.
    fs::metadata(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
        .and_then(
            |m| if m.is_dir() { Ok(()) } else { Err(std::io::ErrorKind::NotADirectory.into()) },
        )
        .map_err(|e| fail(&e))
}

/// Refuses an output folder that is the input folder or lies in it: what is made would be read as input.
///
/// # Errors
/// If it does, or the paths cannot be looked at.
pub fn apart(input: &Path, out: &Path) -> Result<()> {
    let real = |path: &Path| -> std::io::Result<PathBuf> {
        let path = std::path::absolute(path)?;
        let mut there = path.as_path();
        loop {
            match fs::canonicalize(there) {
                Ok(found) => {
                    return Ok(found.join(path.strip_prefix(there).unwrap_or(Path::new(""))));
                }
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => match there.parent() {
                    Some(parent) => there = parent,
                    None => return Ok(path),
                },
                Err(e) => return Err(e),
            }
        }
    };
    let fail = |e| Error::io("X0301", say!("looking for the input and the output folder"), &e);
    let (input, out) = (real(input).map_err(fail)?, real(out).map_err(fail)?);
    if out.starts_with(&input) {
        return Err(Error::policy(
            "P0319",
            say!(
                "the output folder {} lies in the input folder {}",
                Name::from_policy(out.display().to_string()),
                Name::from_policy(input.display().to_string())
            ),
        )
        .advice(say!("name an --out outside: what is made is no input")));
    }
    Ok(())
}

fn sync_folders(path: &Path) -> Result<()> {
    for folder in
        [path.join("pseudonymized"), path.join("anonymized"), path.join("record"), path.to_owned()]
    {
        match system::sync_folder(&folder) {
            // A release that is not made has no folder.
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            done => done.map_err(|e| Error::io("X0305", say!("publishing the release"), &e))?,
        }
    }
    Ok(())
}

/// The paths in a folder, in the order of their names. A list that breaks off is an error, not a shorter list.
fn listed(
    list: std::io::Result<impl Iterator<Item = std::io::Result<PathBuf>>>,
) -> Result<Vec<PathBuf>> {
    let mut entries = list
        .and_then(Iterator::collect::<std::io::Result<Vec<PathBuf>>>)
        .map_err(|e| Error::io("X0308", say!("listing a release folder"), &e))?;
    entries.sort();
    Ok(entries)
}

pub(crate) fn paths(folder: &Path) -> Result<Vec<PathBuf>> {
    listed(fs::read_dir(folder).map(|list| list.map(|e| e.map(|e| e.path()))))
}

/// What stands below a folder.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Thing {
    /// A file.
    File,
    /// A folder with something in it.
    Folder,
    /// A folder with nothing in it.
    EmptyFolder,
    /// A link, a pipe, a device.
    Other,
}

/// One of them.
#[derive(Clone, Debug)]
pub struct Item {
    /// Relative to the folder; empty for the folder itself.
    pub path: String,
    /// What it is.
    pub what: Thing,
    /// Its rights.
    pub mode: u32,
    /// How many names it has.
    pub names: u64,
}

/// Everything in a folder and below, and the folder itself.
///
/// # Errors
/// I/O.
pub fn inventory(folder: &Path) -> Result<Vec<Item>> {
    fn add(root: &Path, path: &Path, found: &mut Vec<Item>) -> Result<()> {
        // The folder itself may be named by a link.
        let meta = if path == root { fs::metadata(path) } else { fs::symlink_metadata(path) };
        let meta = meta.map_err(|e| Error::io("X0308", say!("listing a release folder"), &e))?;
        let below = if meta.is_dir() { paths(path)? } else { Vec::new() };
        let facts = Facts::of(&meta);
        found.push(Item {
            path: path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned(),
            what: match () {
                () if meta.is_file() => Thing::File,
                () if meta.is_dir() && below.is_empty() => Thing::EmptyFolder,
                () if meta.is_dir() => Thing::Folder,
                () => Thing::Other,
            },
            mode: facts.mode,
            names: facts.names,
        });
        below.iter().try_for_each(|entry| add(root, entry, found))
    }
    let mut found = Vec::new();
    add(folder, folder, &mut found)?;
    Ok(found)
}

/// Calls `f` with every file below a folder, in the order of their names. Symbolic links are refused.
///
/// # Errors
/// I/O, or what `f` says.
pub fn each_file(path: &Path, f: &mut dyn FnMut(&Path) -> Result<()>) -> Result<()> {
    for entry in paths(path)? {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest;
    use crate::statement::Listed;

    /// An I/O error in the middle of a list once gave a shorter one, and a manifest without some of the files was signed.
    #[test]
    fn a_list_that_breaks_off_is_an_error() {
        let path = |name: &str| Ok(PathBuf::from(name));
        let broken = || Err(std::io::Error::from_raw_os_error(5));
        assert_eq!(listed(Ok([path("b"), path("a")].into_iter())).unwrap().len(), 2);
        let cut = [path("a"), broken(), path("b")];
        assert_eq!(listed(Ok(cut.into_iter())).unwrap_err().code, "X0308");
    }

    #[test]
    fn the_manifest_is_that_of_what_was_staged() {
        let out = tempfile::tempdir().unwrap();
        let staging = Staging::create(out.path()).unwrap();
        for name in
            ["anonymized/t.csv", "record/statement.json", "record/MANIFEST", "record/run.dsse.json"]
        {
            staging.put(name, b"x").unwrap();
        }
        // A table that the engine wrote and the proof has read.
        std::fs::write(staging.path().join("pseudonymized/t.csv"), "x").unwrap();
        let proved = [("pseudonymized/t.csv".to_owned(), digest::bytes(b"x"))];
        let all = ["anonymized/t.csv", "pseudonymized/t.csv", "record/statement.json"];
        let check = |names: &[&str]| {
            let listed =
                |path: &&str| Listed { path: (*path).to_owned(), digests: digest::bytes(b"x") };
            let manifest: Vec<Listed> = names.iter().map(listed).collect();
            staging.listed_whole(&manifest, &[&proved]).map_err(|e| e.code)
        };
        assert_eq!(check(&all), Ok(()));
        for left in 0..all.len() {
            let mut fewer = all.to_vec();
            fewer.remove(left);
            assert_eq!(check(&fewer), Err("C0904"), "{left}");
        }
        assert_eq!(check(&[&all[..], &["record/more"]].concat()), Err("C0904"));
        // A file that nobody staged.
        std::fs::write(staging.path().join("anonymized/planted.csv"), "x").unwrap();
        assert_eq!(check(&all), Err("C0904"));
    }
}
