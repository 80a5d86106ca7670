//! `kakou demo`: what a new user sees holds.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::common::{error_of, files, kakou, records, releases, repo, text};

/// Persons with numbers of both hospitals, by the common IDs of the K files: what the demo must have found.
fn at_both(dpc: &Path) -> usize {
    let mut hospitals: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for file in files(dpc) {
        if !file.file_name().unwrap().to_str().unwrap().starts_with("Kn_") {
            continue;
        }
        let bytes = std::fs::read(&file).unwrap();
        let (whole, _, _) = encoding_rs::SHIFT_JIS.decode(&bytes);
        for line in whole.lines() {
            let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
            if !cells[4].is_empty() && !cells[4].bytes().all(|b| b == b'9') {
                hospitals.entry(cells[4].to_owned()).or_default().insert(cells[0].to_owned());
            }
        }
    }
    hospitals.values().filter(|h| h.len() > 1).count()
}

#[test]
fn the_demo_makes_releases_verifies_and_says_what_it_found() {
    let work = tempfile::tempdir().unwrap();
    let demo = work.path().join("demo");
    // With the loosest mask: what is made is the user's alone.
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", "umask 0; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_kakou")]);
    shell.args(["demo", "--patients", "1000", "--out", text(&demo)]);
    shell
        .env("LC_ALL", "C")
        .env_remove("KAKOU_KEYS")
        .env_remove("XDG_DATA_HOME")
        .env("HOME", "/nowhere/home");
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(
        std::fs::read(demo.join("policy.toml")).unwrap(),
        std::fs::read(repo("policies/demo.toml")).unwrap()
    );
    let [release] = releases(&demo.join("releases")).try_into().unwrap();
    let mut folders = vec![demo.clone()];
    while let Some(folder) = folders.pop() {
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &std::fs::metadata(&folder).unwrap().permissions(),
        );
        assert_eq!(mode & 0o7777, 0o700, "{}", folder.display());
        let inside = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path());
        folders.extend(inside.filter(|p| p.is_dir()));
    }
    // Every place that it names is there.
    let named: Vec<&str> = said
        .lines()
        .filter_map(|l| l.trim_start().split(' ').next())
        .filter(|word| word.starts_with(text(&demo)))
        .collect();
    assert!(named.len() >= 9, "{said}");
    for path in named {
        assert!(Path::new(path).exists(), "{path}");
    }
    assert!(std::fs::read_to_string(demo.join("report.html")).unwrap().contains("ff1_a000010"));
    // Three views hold, with k = 10 in persons.
    for view in ["stay", "visit", "result"] {
        let line =
            said.lines().find(|l| l.starts_with(&format!("view {view}: recounted"))).unwrap();
        let k: u64 = line.split("k = ").nth(1).unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(k >= 10 && line.ends_with("holds"), "{line}");
    }
    // One person, one token: as many as the K files join, over both hospitals.
    let both = at_both(&demo.join("data/dpc"));
    assert!(both > 50, "{both}");
    assert!(said.contains(&format!("   {both} of ")), "{both}: {said}");
    // The tables have tokens of one kind: a person of ff1 is the person of the results.
    let ids = |table: &str, column: &str| -> BTreeSet<String> {
        let (header, rows) = records(&release.join(format!("pseudonymized/{table}.csv")));
        let at = header.iter().position(|h| h == column).unwrap();
        rows.into_iter().map(|mut r| r.swap_remove(at)).collect()
    };
    let patients = ids("ff1_a000010", "データ識別番号");
    let results = ids("labs", "患者ID");
    assert!(
        patients.len() > 900 && results.intersection(&patients).count() * 10 > results.len() * 9
    );
    // The record shows few rows that are set aside or suppressed.
    let statement: serde_json::Value =
        serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
            .unwrap();
    for view in statement["views"].as_array().unwrap() {
        let (rows, gone) = (view["rows"].as_u64().unwrap(), view["suppressed"].as_u64().unwrap());
        assert!(gone * 100 <= rows * 5, "{view}");
    }
    let labs =
        statement["tables"].as_array().unwrap().iter().find(|t| t["table"] == "labs").unwrap();
    let aside: u64 =
        labs["setAside"].as_object().unwrap().values().filter_map(serde_json::Value::as_u64).sum();
    assert!(aside > 0 && aside * 50 < labs["rowsIn"].as_u64().unwrap(), "{aside}");
}

#[test]
fn machines_read_one_document() {
    let work = tempfile::tempdir().unwrap();
    let demo = work.path().join("demo");
    let output =
        kakou(&["demo", "--json", "--patients", "1000", "--seed", "3", "--out", text(&demo)]);
    assert!(output.status.success(), "{}", error_of(&output));
    let value: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(Path::new(value["release"].as_str().unwrap()).is_dir());
}
