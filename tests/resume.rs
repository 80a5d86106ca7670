//! `run --resume`: killed with SIGKILL where it has kept something, given again, it goes on and comes to the same files.

use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::common::{self, error_of, files, text};
use serde_json::Value;

struct Case {
    work: tempfile::TempDir,
    memory: &'static str,
}

impl Case {
    fn new(memory: &'static str) -> Case {
        let work = tempfile::tempdir().unwrap();
        let case = Case { work, memory };
        for arguments in [
            ["synth", "-q", "--layouts", "csv", "--patients", "1500", "--out", &case.at("data")]
                .as_slice(),
            &["key", "new", "--quiet", &case.at("key")],
            &["key", "new", "--quiet", &case.at("other.key")],
        ] {
            let made = common::kakou(arguments);
            assert!(made.status.success(), "{}", error_of(&made));
        }
        case
    }

    fn at(&self, name: &str) -> String {
        text(&self.work.path().join(name)).to_owned()
    }

    fn arguments(&self, out: &str, more: &[&str]) -> Vec<String> {
        let fixed = ["run", "--policy", "kakou:csv", "--timings=record", "--release-id", "one"];
        let mut all: Vec<String> = fixed.iter().map(|&word| word.to_owned()).collect();
        all.extend(["--memory", self.memory, "--input"].map(str::to_owned));
        all.extend([self.at("data/csv"), "--out".into(), self.at(out)]);
        all.extend(more.iter().map(|&word| word.to_owned()));
        if !more.contains(&"--key") {
            all.extend(["--key".into(), self.at("key")]);
        }
        all
    }

    /// A run that comes to its end.
    fn run(&self, out: &str, more: &[&str]) -> Made {
        let arguments = self.arguments(out, more);
        let done = common::kakou(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(done.status.success(), "{}", error_of(&done));
        Made(self.work.path().join(out).join("one"))
    }

    fn begun(&self, out: &str) -> Child {
        common::program()
            .args(self.arguments(out, &["--resume", &self.at("kept")]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// Kills a run as soon as it has kept something whose name begins so.
    fn killed(&self, out: &str, name: &str) {
        let mut child = self.begun(out);
        let (kept, begun) = (PathBuf::from(self.at("kept")), Instant::now());
        let there = || {
            let found = std::fs::read_dir(&kept).into_iter().flatten().flatten();
            found.map(|e| e.file_name().to_string_lossy().into_owned()).any(|file| {
                file.starts_with(name) && Path::new(&file).extension().is_some_and(|e| e == "kept")
            })
        };
        while !there() {
            assert!(child.try_wait().unwrap().is_none(), "the run ended and kept no {name}");
            assert!(begun.elapsed() < Duration::from_secs(300), "no {name} after five minutes");
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        assert!(!child.wait().unwrap().success(), "it ended before it was killed");
        assert!(!self.work.path().join(out).join("one").exists(), "a release stands there");
    }

    fn resumed(&self, out: &str) -> Made {
        self.run(out, &["--resume", &self.at("kept")])
    }
}

/// A release.
struct Made(PathBuf);

impl Made {
    fn statement(&self) -> Value {
        let bytes = std::fs::read(self.0.join("record/statement.json")).unwrap();
        let mut statement: Value = serde_json::from_slice(&bytes).unwrap();
        for input in statement["inputs"].as_array_mut().unwrap() {
            // Its nonce is another one each time.
            input.as_object_mut().unwrap().remove("commitment");
        }
        statement
    }

    fn went_through(&self, room: &str) -> bool {
        let rooms = &self.statement()["timings"]["rooms"];
        rooms.as_array().unwrap().iter().any(|r| r["room"] == room)
    }

    fn tables(&self, kind: &str) -> Vec<(PathBuf, Vec<u8>)> {
        let folder = self.0.join(kind);
        let csv = files(&folder).into_iter().filter(|f| f.extension().is_some_and(|e| e == "csv"));
        csv.map(|f| (f.strip_prefix(&folder).unwrap().to_owned(), std::fs::read(&f).unwrap()))
            .collect()
    }

    /// The same bytes in one release; in the other, whose key is another one each time, the same plan and numbers of rows; and the same
    /// account of what was read.
    fn is_like(&self, other: &Made) {
        assert!(!self.tables("pseudonymized").is_empty());
        assert!(self.tables("pseudonymized") == other.tables("pseudonymized"), "other bytes");
        let (mine, theirs) = (self.statement(), other.statement());
        for part in ["frozenPlan", "tables", "persons", "inputs", "views", "warnings"] {
            assert_eq!(mine.get(part), theirs.get(part), "{part}");
        }
        let rows = |made: &Made| -> Vec<(PathBuf, usize)> {
            let lines = |(file, bytes): (PathBuf, Vec<u8>)| {
                (file, bytes.iter().filter(|&&b| b == b'\n').count())
            };
            made.tables("anonymized").into_iter().map(lines).collect()
        };
        assert_eq!(rows(self), rows(other));
    }
}

#[test]
fn a_killed_run_goes_on_from_what_it_has_kept() {
    for memory in ["4G", "2M"] {
        let case = Case::new(memory);
        let plain = case.run("plain", &[]);
        let kept = PathBuf::from(case.at("kept"));
        for (out, name) in [("first", "intake"), ("second", "round")] {
            case.killed(out, name);
            assert_nothing_readable(&kept, Path::new(&case.at("data/csv")));
            let second = kept.join("part-00001.kept").exists();
            assert_eq!(second, memory == "2M", "partitions with --memory {memory}");
            let resumed = case.resumed(out);
            assert!(resumed.went_through("resume") && !resumed.went_through("intake"), "{name}");
            resumed.is_like(&plain);
            assert!(!kept.exists(), "a run that has ended leaves nothing");
            assert!(common::kakou(&["verify", text(&resumed.0)]).status.success());
        }
    }
}

/// The folder is its owner's alone, and what is in it is no cell of the source.
fn assert_nothing_readable(kept: &Path, source: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    assert_eq!(std::fs::metadata(kept).unwrap().permissions().mode() & 0o777, 0o700);
    let table = std::fs::read(&files(source)[0]).unwrap();
    let table = String::from_utf8_lossy(&table);
    let cells: Vec<&str> = table
        .lines()
        .skip(1)
        .take(20)
        .flat_map(|l| l.split(','))
        .filter(|c| c.len() >= 8 && c.is_ascii())
        .collect();
    assert!(!cells.is_empty());
    for file in files(kept) {
        let bytes = std::fs::read(&file).unwrap();
        for cell in &cells {
            let found = memchr::memmem::find(&bytes, cell.as_bytes());
            assert!(found.is_none(), "{}", file.display());
        }
    }
}

#[test]
fn what_is_of_another_run_or_damaged_is_not_used() {
    let case = Case::new("4G");
    let plain = case.run("plain", &[]);
    let kept = PathBuf::from(case.at("kept"));
    // Another key.
    case.killed("killed", "intake");
    let other = case.at("other.key");
    let resume = ["--resume", &case.at("kept"), "--key", &other];
    let made = case.run("keyed", &resume);
    assert!(made.went_through("intake") && !made.went_through("resume"));
    assert!(!kept.exists());
    // Damaged, cut, or gone in part.
    for (number, damage) in ["changed", "cut", "gone"].iter().enumerate() {
        case.killed("killed", "intake");
        let part = kept.join("part-00000.kept");
        let mut bytes = std::fs::read(&part).unwrap();
        match *damage {
            "changed" => {
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                std::fs::write(&part, &bytes).unwrap();
            }
            "cut" => std::fs::write(&part, &bytes[..bytes.len() - 1]).unwrap(),
            _ => std::fs::remove_file(&part).unwrap(),
        }
        let made = case.resumed(&format!("damaged{number}"));
        assert!(made.went_through("intake"), "{damage}");
        made.is_like(&plain);
    }
    // Another file under the same name, of the same length: two rows have changed their places.
    case.killed("killed", "intake");
    let file = files(Path::new(&case.at("data/csv"))).remove(0);
    let whole = std::fs::read(&file).unwrap();
    let mut lines: Vec<&[u8]> = whole.split_inclusive(|&b| b == b'\n').collect();
    let last = lines.len() - 1;
    lines.swap(1, last);
    std::fs::write(&file, lines.concat()).unwrap();
    let changed = case.run("changed", &[]);
    let made = case.resumed("other");
    assert!(made.went_through("intake"));
    made.is_like(&changed);
}

#[test]
fn the_folder_is_the_owners_alone_and_of_one_run() {
    use std::os::unix::fs::PermissionsExt as _;
    let case = Case::new("4G");
    let kept = PathBuf::from(case.at("kept"));
    std::fs::create_dir(&kept).unwrap();
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o755)).unwrap();
    let refused = |folder: &str| {
        let arguments = case.arguments("out", &["--resume", &case.at(folder)]);
        let done = common::kakou(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(!done.status.success());
        error_of(&done)
    };
    assert!(refused("kept").contains("X0622"));
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o700)).unwrap();
    let lock = std::fs::File::create(kept.join("resume.lock")).unwrap();
    lock.lock().unwrap();
    assert!(refused("kept").contains("X0623"));
    drop(lock);
    assert!(refused("data/csv/kept").contains("P0319"));
    // What somebody else put there stays; a dry run keeps nothing.
    std::fs::write(kept.join("note.txt"), "mine").unwrap();
    let done = case.arguments("out", &["--resume", &case.at("kept"), "--dry-run"]);
    assert!(common::kakou(&done.iter().map(String::as_str).collect::<Vec<_>>()).status.success());
    case.resumed("out");
    assert_eq!(files(&kept), [kept.join("note.txt")]);
}
