//! What the tests of the program share.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

pub(crate) mod fixtures;
pub(crate) mod house;
pub(crate) mod targets;

pub(crate) use fixtures::fixture;

/// The fixtures that a clone has not, by size or by licence. Tests that need them are ignored with that reason:
/// `cargo test -- --ignored`.
pub(crate) fn large_fixtures() -> PathBuf {
    let path = std::env::var_os("KAKOU_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"),
        PathBuf::from,
    );
    assert!(path.is_dir(), "KAKOU_FIXTURES: the fixtures are not there ({})", path.display());
    path
}

pub(crate) fn repo(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// The program with a home that does not exist: no test finds or makes a key in the real one.
pub(crate) fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kakou"));
    command
        .env("LC_ALL", "C")
        .env_remove("KAKOU_KEYS")
        .env_remove("XDG_DATA_HOME")
        .env("HOME", "/nowhere/home");
    command
}

pub(crate) fn kakou(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn error_of(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Runs and expects success; gives the release folder.
pub(crate) fn run(policy: &Path, input: &Path, key: &Path, out: &Path, more: &[&str]) -> PathBuf {
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
    let before = releases(out);
    let output = kakou(&arguments);
    assert!(output.status.success(), "{}", error_of(&output));
    let mut new = releases(out);
    new.retain(|release| !before.contains(release));
    assert_eq!(new.len(), 1, "{new:?}");
    new.remove(0)
}

/// The published releases of an output folder.
pub(crate) fn releases(out: &Path) -> Vec<PathBuf> {
    let Ok(list) = std::fs::read_dir(out) else { return Vec::new() };
    list.flatten()
        .map(|e| e.path())
        .filter(|p| !p.file_name().unwrap().to_str().unwrap().starts_with('.'))
        .collect()
}

pub(crate) fn new_key(folder: &Path) -> PathBuf {
    let key = folder.join("project.key");
    let output = kakou(&["key", "new", "--quiet", text(&key)]);
    assert!(output.status.success(), "{}", error_of(&output));
    key
}

/// All files below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
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

/// A text without what is drawn anew in every run: tokens, ids of keys and releases, digests, signatures, names of temporary
/// folders, fractions of seconds (`·` stands there); what is signed in base64 is read. A test that searches for something
/// short searches in this, or it falls as often as such a thing happens to hold it.
pub(crate) fn settled(text: &str) -> String {
    let edge = |c: Option<u8>| c.is_none_or(|c| c == b'"' || c.is_ascii_whitespace());
    let bytes = text.as_bytes();
    let mut opened = String::with_capacity(text.len());
    let (mut at, mut from) = (0, 0);
    while at < bytes.len() {
        let base64 = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
        let letters = bytes[at..].iter().take_while(|b| base64(b)).count();
        let signs = bytes[at + letters..].iter().take_while(|b| **b == b'=').count();
        let end = at + letters + signs;
        let packed = letters >= 40
            && (letters + signs).is_multiple_of(4)
            && edge(at.checked_sub(1).map(|b| bytes[b]))
            && edge(bytes.get(end).copied());
        if packed {
            use base64::Engine as _;
            let inner = base64::engine::general_purpose::STANDARD.decode(&bytes[at..end]).ok();
            opened.push_str(&text[from..at]);
            opened.push_str(&inner.and_then(|i| String::from_utf8(i).ok()).unwrap_or("·".into()));
            from = end;
        }
        at = end.max(at + 1);
    }
    opened.push_str(&text[from..]);
    without_drawn_words(&opened)
}

fn without_drawn_words(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut left = String::with_capacity(text.len());
    let (mut at, mut from) = (0, 0);
    let mut release = false;
    while at < bytes.len() {
        let length = bytes[at..].iter().take_while(|b| b.is_ascii_alphanumeric()).count();
        let word = &bytes[at..at + length];
        let all = |f: fn(&u8) -> bool| word.iter().all(f);
        let any = |f: fn(&u8) -> bool| word.iter().any(f);
        let base32 = all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() && !b"ILOU".contains(b));
        let hex = all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(b));
        let before = |n: usize| &bytes[at.saturating_sub(n)..at];
        let seconds =
            matches!(before(4), [b':', a, b, b'.'] if a.is_ascii_digit() && b.is_ascii_digit());
        let moment = length == 16 && word[8] == b'T' && word[15] == b'Z';
        let drawn = match length {
            26 if base32 => true,
            13 if base32 && any(u8::is_ascii_alphabetic) => true,
            32 | 40 | 56 | 64 | 96 | 128 if hex => true,
            9 if word.starts_with(b"tmp") && before(1) == b"." => true,
            6 if hex && release && before(1) == b"-" => true,
            1.. => seconds || moment,
            _ => false,
        };
        if drawn {
            left.push_str(&text[from..at]);
            left.push('·');
            from = at + length;
        }
        if length > 0 {
            release = moment;
        }
        at += length.max(1);
    }
    left.push_str(&text[from..]);
    left
}

/// Every file below a folder: its path from there, and what it says, as [`settled`] has it.
pub(crate) fn shown(folder: &Path) -> Vec<(String, String)> {
    files(folder)
        .iter()
        .map(|file| {
            let bytes = std::fs::read(file).unwrap();
            let says = String::from_utf8(bytes).unwrap_or_else(|other| {
                encoding_rs::SHIFT_JIS.decode(other.as_bytes()).0.into_owned()
            });
            (text(file.strip_prefix(folder).unwrap()).to_owned(), settled(&says))
        })
        .collect()
}

/// The records of a CSV file: header and rows.
pub(crate) fn records(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut reader = csv::ReaderBuilder::new().from_path(path).unwrap();
    let header = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let rows = reader.records().map(|r| r.unwrap().iter().map(str::to_owned).collect()).collect();
    (header, rows)
}

pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().flatten() {
        if entry.path().is_file() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
    }
}

/// Compares (or with `UPDATE=1` writes) the part of a page between `<!-- NAME -->` and `<!-- end -->`.
pub(crate) fn block(page: &str, name: &str, new: &str, test: &str) {
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
        "{page} is old: UPDATE=1 cargo test --test all {test}::"
    );
}

/// Every value that the anonymized release shows is held by enough persons, counted here from the files: of measured numbers both
/// ends are. The record says which columns are which.
pub(crate) fn closed(release: &Path) {
    use std::collections::{BTreeMap, BTreeSet};
    let statement: serde_json::Value =
        serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
            .unwrap();
    let structure = &statement["structure"]["anonymized"];
    if structure["format"] != "csv" || structure["encoding"] != "utf-8" {
        return;
    }
    let tables = structure["tables"].as_array().unwrap();
    let mut floors = structure["floors"].as_array().cloned().unwrap_or_default();
    // Whether they are measured or codes, their values say.
    for (floor, told) in floors.iter_mut().zip(statement["proof"]["floors"].as_array().unwrap()) {
        floor["tails"] = told["tails"].clone();
    }
    let number = |text: &str| -> Option<f64> {
        text.trim_start_matches(['<', '>', '=']).split(['(', '+']).next()?.parse().ok()
    };
    let (mut checked, mut tokens) = (0, 0);
    for (t, table) in tables.iter().enumerate() {
        let Some(file) = table["file"].as_str().filter(|_| table["long"].is_null()) else {
            continue;
        };
        let (header, rows) = records(&release.join(file));
        let person = table["person"].as_u64().unwrap() as usize;
        for (c, name) in header.iter().enumerate() {
            if table["columns"][c]["token"] == true {
                tokens += 1;
                continue;
            }
            let Some(floor) = floors.iter().find(|f| f["table"] == t && f["column"] == c) else {
                continue;
            };
            let n = floor["persons"].as_u64().unwrap() as usize;
            let mut held: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for row in &rows {
                held.entry(&row[c]).or_default().insert(&row[person]);
            }
            if held.len() < 2 {
                continue;
            }
            let mut numbers: Vec<(f64, usize)> = Vec::new();
            let mut classes: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
            for (value, persons) in &held {
                match number(value).filter(|_| floor["tails"] == true) {
                    Some(number) => {
                        numbers.push((number, persons.len()));
                        if let Some((_, class)) = value.split_once('(') {
                            classes.entry(class).or_default().extend(persons);
                        }
                    }
                    None => assert!(
                        persons.len() >= n,
                        "{file}, {name}: {value:?} is of {}",
                        persons.len()
                    ),
                }
            }
            for (class, persons) in classes {
                let persons = persons.len();
                assert!(persons >= n, "{file}, {name}: the class ({class} is of {persons}");
            }
            numbers.sort_by(|a, b| a.0.total_cmp(&b.0));
            for (_, persons) in numbers.first().iter().chain(&numbers.last()) {
                assert!(*persons >= n, "{file}, {name}: an end is of {persons}");
            }
            checked += 1;
        }
    }
    assert!(checked + tokens > 0);
}

/// Makes the manifest of an unsigned release again from its files, as anybody could.
pub(crate) fn relist(release: &Path) {
    let manifest = release.join("record/MANIFEST");
    let before = std::fs::read_to_string(&manifest).unwrap();
    let line = |line: &str| {
        let path = line.splitn(4, "  ").nth(3).unwrap();
        let d = kakou::digest::file(&release.join(path)).unwrap();
        let (sha2, sha3) = (kakou::digest::hex(&d.sha256), kakou::digest::hex(&d.sha3_256));
        format!("{sha2}  {sha3}  {}  {path}\n", d.bytes)
    };
    std::fs::write(manifest, before.lines().map(line).collect::<String>()).unwrap();
}
