//! What lies in a folder: files that look alike become one group with one pattern.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};
use crate::policy::model::InputFormat;
use crate::{formats, say};

/// Entries that are looked at; a folder with more is most likely a storage of messages.
const ENTRIES: usize = 200_000;
/// Levels of folders.
const DEPTH: usize = 12;

/// Files whose names differ in digits alone.
#[derive(Clone, Debug)]
pub(super) struct Group {
    /// A pattern that matches them and no other file of the folder, as in `source.path`.
    pub(super) pattern: String,
    /// The files, relative to the folder, by name.
    pub(super) files: Vec<PathBuf>,
}

/// What lies in a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Files by pattern.
    pub(super) groups: Vec<Group>,
    /// Formats and roots of sources that are trees, relative to the folder.
    pub(super) storages: Vec<(InputFormat, PathBuf)>,
    /// Other files, relative to the folder: nothing reads them.
    pub(super) others: Vec<PathBuf>,
    /// Whether not everything was looked at.
    pub(super) cut: bool,
}

/// Looks through a folder and the folders in it; what begins with a dot and links to folders are not followed.
pub(super) fn find(root: &Path) -> Result<Found> {
    let mut found = Found::default();
    let mut files = Vec::new();
    let mut left = ENTRIES;
    let mut open = vec![PathBuf::new()];
    while let Some(folder) = open.pop() {
        if found.storages.iter().any(|(_, s)| folder.starts_with(s)) {
            continue;
        }
        let entries = std::fs::read_dir(root.join(&folder))
            .map_err(|e| Error::io("X0501", say!("opening a folder of the input"), &e))?;
        let mut names: Vec<_> = entries
            .collect::<std::io::Result<Vec<_>>>()
            .map_err(|e| Error::io("X0501", say!("listing a folder of the input"), &e))?
            .into_iter()
            .filter_map(|e| Some((e.file_name(), e.file_type().ok()?)))
            .filter(|(name, _)| !name.to_string_lossy().starts_with('.'))
            .collect();
        names.sort_by(|a, b| b.0.cmp(&a.0));
        for (name, kind) in names {
            if left == 0 {
                found.cut = true;
                break;
            }
            left -= 1;
            let path = folder.join(&name);
            if kind.is_dir() {
                if let Some((format, storage)) = formats::tree_of(&path) {
                    found.storages.push((format, storage));
                    break;
                }
                if path.components().count() < DEPTH {
                    open.push(path);
                }
            } else if formats::may_be_data(&path) && root.join(&path).is_file() {
                files.push(path);
            } else {
                found.others.push(path);
            }
        }
    }
    found.storages.sort_by(|a, b| a.1.cmp(&b.1));
    found.storages.dedup();
    let storages = found.storages.clone();
    let outside = |f: &PathBuf| !storages.iter().any(|(_, s)| f.starts_with(s));
    files.retain(outside);
    found.others.retain(outside);
    found.others.sort();
    files.sort();
    let mut groups: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    for file in files {
        groups.entry(pattern(&file, true)).or_default().push(file);
    }
    found.groups = groups
        .into_iter()
        .map(|(pattern, files)| match files.as_slice() {
            [one] => Group { pattern: self::pattern(one, false), files },
            _ => Group { pattern, files },
        })
        .collect();
    Ok(found)
}

/// The groups with the files of one alone in each, where their columns differ.
pub(super) fn apart(group: &Group) -> Vec<Group> {
    group
        .files
        .iter()
        .map(|file| Group { pattern: pattern(file, false), files: vec![file.clone()] })
        .collect()
}

/// Stands for a token while a name is made a pattern: no name has it.
const TOKEN: char = '\u{0}';

/// A name with a sign in place of each token of a release (`EFn_<token>_2604.txt`): files of other persons or hospitals differ in them.
fn without_tokens(name: &str) -> String {
    let mut made = String::new();
    for part in name.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = part.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        if crate::token::written_token(word).is_some() {
            made.push(TOKEN);
            made.push_str(&part[word.len()..]);
        } else {
            made.push_str(part);
        }
    }
    made
}

/// A path as a pattern; with `open`, runs of digits (facility, month, number) match any other. A single digit after a
/// letter is part of a name: `FF1`, `FF4`.
pub(super) fn pattern(path: &Path, open: bool) -> String {
    let parts: Vec<String> = path
        .components()
        .map(|part| {
            let name = part.as_os_str().to_string_lossy();
            let mut made = String::new();
            let name = if open { without_tokens(&name) } else { name.into_owned() };
            let mut before = None;
            let mut rest = name.chars().peekable();
            while let Some(c) = rest.next() {
                let more = rest.peek().is_some_and(char::is_ascii_digit);
                let kept = before.is_some_and(char::is_alphabetic) && !more;
                if open && c.is_ascii_digit() && !kept {
                    while rest.next_if(char::is_ascii_digit).is_some() {}
                    made.push('*');
                } else if open && c == TOKEN {
                    made.push('*');
                } else if matches!(c, '*' | '?' | '[' | ']') {
                    made.push('[');
                    made.push(c);
                    made.push(']');
                } else {
                    made.push(c);
                }
                before = Some(c);
            }
            made
        })
        .collect();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_differ_in_digits_are_one_group() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "EFn_131000011_2601.txt",
            "EFn_131000011_2602.txt",
            "FF1_131000011_2601.txt",
            "FF4_131000011_2601.txt",
            "names.csv",
            ".hidden.csv",
            "read.me",
        ] {
            std::fs::write(folder.path().join(name), "x\n").unwrap();
        }
        std::fs::create_dir(folder.path().join("a[1]")).unwrap();
        std::fs::write(folder.path().join("a[1]/b.csv"), "x\n").unwrap();
        let found = find(folder.path()).unwrap();
        let patterns: Vec<_> = found.groups.iter().map(|g| g.pattern.as_str()).collect();
        assert_eq!(
            patterns,
            [
                "EFn_*_*.txt",
                "FF1_131000011_2601.txt",
                "FF4_131000011_2601.txt",
                "a[[]1[]]/b.csv",
                "names.csv"
            ]
        );
        for group in &found.groups {
            let real = crate::formats::expand(folder.path(), &group.pattern).unwrap();
            assert_eq!(real.len(), group.files.len(), "{}", group.pattern);
        }
    }

    #[test]
    fn files_that_differ_in_tokens_are_one_group() {
        for token in ["4TV7TQY48FVGHKHK4DQ3AEWAS2", "3VS6H9FWX9YVNG2N3ACGSNH6NX"] {
            let path = PathBuf::from(format!("EFn_{token}_2604.txt"));
            assert_eq!(pattern(&path, true), "EFn_*_*.txt");
            assert_eq!(pattern(&path, false), format!("EFn_{token}_2604.txt"));
        }
    }

    #[test]
    fn a_storage_is_found_by_its_folders_and_not_walked() {
        let folder = tempfile::tempdir().unwrap();
        let kind = folder.path().join("hospital/000/123/0001234567/20250101/OML-11");
        std::fs::create_dir_all(&kind).unwrap();
        std::fs::write(kind.join("message_1"), "x").unwrap();
        let found = find(folder.path()).unwrap();
        assert_eq!(found.storages, [(InputFormat::Ssmix2, PathBuf::from("hospital"))]);
        assert!(found.groups.is_empty());
    }
}
