//! Files of the input folder that no table reads. Such a file may be what somebody believes to be in the release, or what nobody
//! knows to be there: unless the policy lists it under `ignore`, the run ends before anything is read.
//!
//! The name of a file may hold a patient's name or number: told are endings and numbers in an order that the user can make again.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::genome;
use crate::error::{Error, Name, Result, Said};
use crate::plan::Plan;
use crate::policy::model::InputFormat;
use crate::{note, say};

/// Endings that may be told: they are kinds of files, not words of a name.
const ENDINGS: &[&str] = &[
    "7z", "accdb", "arrow", "avi", "avro", "bak", "bat", "bmp", "bz2", "cfg", "conf", "csv", "dat",
    "db", "dbf", "dcm", "dic", "dicom", "doc", "docx", "dta", "eml", "exe", "feather", "gif", "gz",
    "h5", "hl7", "htm", "html", "ini", "ipynb", "jar", "jpeg", "jpg", "json", "jsonl", "key",
    "lnk", "log", "lzh", "md", "mdb", "mp4", "msg", "ndjson", "nii", "odf", "ods", "odt", "old",
    "orc", "orig", "parquet", "pdf", "pkl", "png", "ppt", "pptx", "ps1", "py", "r", "rar", "rda",
    "rds", "rtf", "sas7bdat", "sav", "sh", "sql", "sqlite", "sqlite3", "svg", "tar", "tbz2", "tgz",
    "tif", "tiff", "tmp", "toml", "tsv", "txt", "uke", "wav", "xls", "xlsb", "xlsm", "xlsx", "xml",
    "xps", "xz", "yaml", "yml", "z", "zip", "zst",
];

/// Most places that are told at once.
const TOLD: usize = 10;

/// Whether a name is of the system, not of anybody who put files there.
fn of_the_system(name: &str, folder: bool) -> bool {
    let lower = name.to_lowercase();
    // Hidden files, and the notes that office programs leave of an open file.
    name.starts_with('.')
        || name.starts_with("~$")
        || (!folder
            && ["thumbs.db", "ehthumbs.db", "desktop.ini", "icon\r"].contains(&lower.as_str()))
        || (folder
            && ["$recycle.bin", "system volume information", "__macosx", "@eadir", "lost+found"]
                .contains(&lower.as_str()))
}

/// Whether a name is one that a writer of many Parquet files leaves beside them.
fn beside_parquet(name: &str) -> bool {
    ["_SUCCESS", "_metadata", "_common_metadata"].contains(&name)
        || name.starts_with("_committed_")
        || name.starts_with("_started_")
}

/// How the ending of a file is told.
fn ending(name: &str) -> Option<&'static str> {
    let (stem, ending) = name.rsplit_once('.')?;
    let lower = ending.to_lowercase();
    let read = InputFormat::ALL.iter().flat_map(|format| format.facts().endings);
    ENDINGS.iter().chain(read).find(|e| **e == lower && !stem.is_empty()).copied()
}

struct Walk<'a> {
    plan: &'a Plan,
    root: PathBuf,
    claimed: BTreeSet<PathBuf>,
    own: Vec<PathBuf>,
    /// Files that nobody knows, relative to the root.
    unknown: Vec<PathBuf>,
    ignored: u64,
}

impl Walk<'_> {
    /// Whether the policy lists it: a pattern with `/` is of the path in the input folder, another of the name in any folder.
    fn listed(&self, relative: &Path) -> bool {
        let options =
            glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        let name = relative.file_name().map(Path::new).unwrap_or(relative);
        self.plan.ignore.iter().any(|pattern| {
            let of = if pattern.as_str().contains('/') { relative } else { name };
            pattern.matches_path_with(of, options)
        })
    }

    fn folder(&mut self, folder: &Path) -> Result<()> {
        let fail = |e: &std::io::Error| Error::io("X0501", say!("listing the input folder"), e);
        let mut entries: Vec<_> = std::fs::read_dir(folder)
            .and_then(|entries| entries.collect::<std::io::Result<Vec<_>>>())
            .map_err(|e| fail(&e))?;
        entries.sort_by_key(std::fs::DirEntry::file_name);
        let parquet = entries.iter().any(|e| {
            let path = e.path();
            let is = InputFormat::of_name(&e.file_name().to_string_lossy());
            is == Some(InputFormat::Parquet)
                && path.canonicalize().is_ok_and(|real| self.claimed.contains(&real))
        });
        for entry in entries {
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            let relative = path.strip_prefix(&self.root).unwrap_or(&path).to_owned();
            let link = entry.file_type().map_err(|e| fail(&e))?.is_symlink();
            let real = path.canonicalize().unwrap_or_else(|_| path.clone());
            let is_folder = real.is_dir();
            // A release is not input, whoever put it there.
            let release = is_folder && real.join("record/statement.json").is_file();
            if self.claimed.contains(&real)
                || release
                || self.own.contains(&real)
                || of_the_system(&name, is_folder)
                || (parquet && beside_parquet(&name))
            {
                continue;
            }
            if self.listed(&relative) {
                self.ignored += 1;
            } else if !is_folder {
                self.unknown.push(relative);
            } else if !link {
                self.folder(&path)?;
            } else if !real.starts_with(&self.root) {
                // What a link inside the folder leads to is seen where it is.
                self.unknown.push(relative);
            }
        }
        Ok(())
    }

    /// The numbers of the unknown files among all entries of their depth, in byte order.
    fn places(&self) -> Vec<Said> {
        let mut told = Vec::new();
        let mut depths: BTreeMap<usize, Vec<&PathBuf>> = BTreeMap::new();
        for path in &self.unknown {
            depths.entry(path.components().count()).or_default().push(path);
        }
        for (depth, unknown) in depths.into_iter().take(3) {
            let pattern = ["*"].repeat(depth).join("/");
            let full = format!("{}/{pattern}", glob::Pattern::escape(&self.root.to_string_lossy()));
            let options = glob::MatchOptions {
                require_literal_separator: true,
                require_literal_leading_dot: true,
                ..glob::MatchOptions::new()
            };
            let Ok(found) = glob::glob_with(&full, options) else { continue };
            let mut all: Vec<PathBuf> = found
                .flatten()
                .filter_map(|p| Some(p.strip_prefix(&self.root).ok()?.to_owned()))
                .collect();
            all.sort_by(|a, b| a.as_os_str().cmp(b.as_os_str()));
            let numbers: Vec<Said> = unknown
                .iter()
                .filter_map(|path| all.iter().position(|p| p == *path))
                .take(TOLD)
                .map(|at| say!("{}p", at + 1))
                .collect();
            told.push(say!(
                "ls -d {} | LC_ALL=C sort | sed -n '{}'",
                Name::from_policy(pattern),
                Said::join(&numbers, ";")
            ));
        }
        told
    }

    fn error(&self) -> Error {
        let mut endings: BTreeMap<Option<&'static str>, u64> = BTreeMap::new();
        let name = |path: &Path| path.file_name().map(|n| n.to_string_lossy().into_owned());
        for path in &self.unknown {
            *endings.entry(name(path).as_deref().and_then(ending)).or_default() += 1;
        }
        let told: Vec<Said> = endings
            .iter()
            .map(|(ending, count)| match ending {
                Some(ending) => say!("{} × `*.{}`", *count, *ending),
                None => say!("{} of another kind", *count),
            })
            .collect();
        // An ending that tables read is no way to list a file: the next one would be passed over with it.
        let read: BTreeSet<Option<&'static str>> =
            self.claimed.iter().map(|p| name(p).as_deref().and_then(ending)).collect();
        let mut lines: Vec<Said> = endings
            .keys()
            .filter(|e| !read.contains(*e))
            .flatten()
            .map(|ending| say!("\"*.{}\"", *ending))
            .collect();
        if lines.is_empty() {
            lines.push(say!("\"name-of-the-file\""));
        }
        let count = self.unknown.len();
        Error::data(
            "D0401",
            say!(
                "{} of the input folder {} to no table of the policy: {}",
                if count == 1 { say!("a file") } else { say!("{} files", count) },
                if count == 1 { say!("belongs") } else { say!("belong") },
                Said::join(&told, ", ")
            ),
        )
        .advice(say!(
            "take away what is no input, read the rest with a table, or list it at the head of the policy: ignore = [{}]; to see which: cd to the input folder and {}",
            Said::join(&lines, ", "),
            Said::join(&self.places(), "; ")
        ))
    }
}

/// Refuses files of the input folder that no table reads and the policy does not list. `own` are files and folders of the run itself (the
/// policy, lists, the output folder), wherever they are. Returns how many entries the policy lists.
///
/// # Errors
/// Such a file; I/O.
pub fn check(plan: &Plan, input: &Path, files: &[Vec<PathBuf>], own: &[PathBuf]) -> Result<u64> {
    let root = input
        .canonicalize()
        .map_err(|e| Error::io("X0501", say!("opening the input folder"), &e))?;
    let claimed: BTreeSet<PathBuf> = files.iter().flatten().cloned().collect();
    if claimed.contains(&root) {
        // The folder as a whole is a table's.
        return Ok(0);
    }
    let own = own.iter().filter_map(|path| path.canonicalize().ok()).collect();
    let mut walk = Walk { plan, root: root.clone(), claimed, own, unknown: Vec::new(), ignored: 0 };
    walk.folder(&root)?;
    if let Some(error) = walk.unknown.iter().find_map(|path| genome::file(&root.join(path))) {
        return Err(error);
    }
    if !walk.unknown.is_empty() {
        return Err(walk.error());
    }
    if walk.ignored > 0 {
        note!(info, "files left unread as the policy says", entries = walk.ignored);
    }
    Ok(walk.ignored)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_kinds_of_files_are_told() {
        for (name, told) in [
            ("a.xlsx", Some("xlsx")),
            ("A.CSV", Some("csv")),
            ("x.dcm", Some("dcm")),
            ("x.PQ", Some("pq")),
            ("山田太郎.yamada", None),
            ("IM.0000123456", None),
            ("0000123456", None),
            (".csv", None),
        ] {
            assert_eq!(ending(name), told, "{name}");
        }
    }

    #[test]
    fn files_of_the_system_are_nobodys() {
        for (name, folder) in [
            (".DS_Store", false),
            ("Thumbs.db", false),
            ("desktop.ini", false),
            ("~$list.xlsx", false),
            ("__MACOSX", true),
            (".git", true),
        ] {
            assert!(of_the_system(name, folder), "{name}");
        }
        for (name, folder) in [("README.txt", false), ("thumbs.db", true), ("~x.tmp", false)] {
            assert!(!of_the_system(name, folder), "{name}");
        }
    }
}
