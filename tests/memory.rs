//! The bound of `--memory` under a real limit of the system, and the end of a run that gets no more memory.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::{self, error_of, text};

/// Runs the program with so many MiB of private memory at most (`RLIMIT_DATA`).
fn limited(mebibytes: u64, arguments: &[&str]) -> Output {
    Command::new("sh")
        .args(["-c", "ulimit -d \"$1\"; shift; exec \"$@\"", "limited"])
        .arg((mebibytes << 10).to_string())
        .arg(env!("CARGO_BIN_EXE_kakou"))
        .args(arguments)
        .env_remove("KAKOU_KEYS")
        .env_remove("XDG_DATA_HOME")
        .env("LC_ALL", "C")
        .env("HOME", "/nowhere/home")
        .output()
        .unwrap()
}

/// All that stands in a folder, hidden or not.
fn entries(folder: &Path) -> Vec<String> {
    let Ok(found) = std::fs::read_dir(folder) else { return Vec::new() };
    found.map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect()
}

struct Case {
    work: tempfile::TempDir,
}

impl Case {
    fn new(patients: &str) -> Case {
        let work = tempfile::tempdir().unwrap();
        let (data, key) = (work.path().join("data"), work.path().join("key"));
        for arguments in [
            ["synth", "--quiet", "--layouts", "csv", "--patients", patients, "--out", text(&data)]
                .as_slice(),
            &["key", "new", "--quiet", text(&key)],
        ] {
            let made = common::kakou(arguments);
            assert!(made.status.success(), "{}", error_of(&made));
        }
        Case { work }
    }

    fn run(&self, out: &str, limit: u64, memory: &str) -> Output {
        let at = |name: &str| self.work.path().join(name);
        let (data, key, out) = (at("data/csv"), at("key"), at(out));
        let mut arguments = vec!["run", "--quiet", "--threads", "2", "--policy", "kakou:csv"];
        arguments.extend(["--input", text(&data), "--key", text(&key), "--out", text(&out)]);
        arguments.extend(["--memory", memory]);
        limited(limit, &arguments)
    }
}

#[test]
fn a_bound_holds_under_a_real_limit_and_want_of_memory_ends_cleanly() {
    // About 110 MB of text: more than 320 MiB in one piece, so the first run ends well only because it divides its persons.
    let case = Case::new("34000");
    let bound = case.run("bound", 256 + 64, "256M");
    assert!(bound.status.success(), "{}", error_of(&bound));
    assert_eq!(entries(&case.work.path().join("bound")).len(), 1);

    // With a bound that the system does not give: under 320 MiB it fits in one piece by luck, under 192 never.
    let want = case.run("want", 192, "4G");
    let told = error_of(&want);
    assert_eq!(want.status.code(), Some(4), "{told}");
    assert!(told.contains("X0607") && told.contains("--memory"), "{told}");
    assert!(!told.contains("panicked") && !told.contains("memory allocation"), "{told}");
    let left = entries(&case.work.path().join("want"));
    assert!(left.is_empty(), "{left:?}");
}
