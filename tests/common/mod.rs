//! What the tests of the program share.
#![allow(dead_code, reason = "each test file uses a part of it")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The fixtures, or `None` with a word about it.
pub fn fixtures() -> Option<PathBuf> {
    let path = std::env::var_os("KAKOU_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"),
        PathBuf::from,
    );
    if path.is_dir() {
        Some(path)
    } else {
        eprintln!("skipped: the fixtures are not there ({})", path.display());
        None
    }
}

pub fn repo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The program with a home that does not exist: no test finds or makes a key in the real one.
pub fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kakou"));
    command.env_remove("KAKOU_KEYS").env_remove("XDG_DATA_HOME").env("HOME", "/nowhere/home");
    command
}

pub fn kakou(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

pub fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs and expects success; gives the release folder.
pub fn run(policy: &Path, input: &Path, key: &Path, out: &Path, more: &[&str]) -> PathBuf {
    let mut arguments = vec![
        "run",
        "--quiet",
        "--policy",
        text(policy),
        "--input",
        text(input),
        "--key",
        text(key),
        "--out",
        text(out),
    ];
    arguments.extend(more);
    let output = kakou(&arguments);
    assert!(output.status.success(), "{}", error_of(&output));
    let mut releases: Vec<PathBuf> = releases(out);
    releases.sort_by_key(|p| std::fs::metadata(p.join("record")).unwrap().modified().unwrap());
    releases.pop().unwrap()
}

/// The published releases of an output folder.
pub fn releases(out: &Path) -> Vec<PathBuf> {
    let Ok(list) = std::fs::read_dir(out) else { return Vec::new() };
    list.flatten()
        .map(|e| e.path())
        .filter(|p| !p.file_name().unwrap().to_str().unwrap().starts_with('.'))
        .collect()
}

pub fn new_key(folder: &Path) -> PathBuf {
    let key = folder.join("project.key");
    let output = kakou(&["key", "new", "--quiet", text(&key)]);
    assert!(output.status.success(), "{}", error_of(&output));
    key
}

/// All files below a folder, sorted.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            if entry.path().is_dir() { open.push(entry.path()) } else { found.push(entry.path()) }
        }
    }
    found.sort();
    found
}

/// The records of a CSV file: header and rows.
pub fn records(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::ReaderBuilder::new().from_path(path).unwrap();
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
    (header, rows)
}

pub fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Compares (or with `UPDATE=1` writes) the part of a page between `<!-- NAME -->` and `<!-- end -->`.
pub fn block(page: &str, name: &str, new: &str, test: &str) {
    let path = repo(page);
    let old = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = old.split_once(&format!("<!-- {name} -->\n")).unwrap();
    let (_, tail) = rest.split_once("<!-- end -->\n").unwrap();
    let new = format!("{head}<!-- {name} -->\n{new}<!-- end -->\n{tail}");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &new).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap() == new,
        "{page} is old: UPDATE=1 cargo test --test {test}"
    );
}
