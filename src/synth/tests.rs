//! The files as plain code reads them.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::path::PathBuf;

use super::pools::{DISEASES, DRUGS, LABS, POSTAL, RARE};
use super::*;

fn made(config: &SynthConfig) -> (tempfile::TempDir, SynthFacts) {
    let folder = tempfile::tempdir().unwrap();
    let facts = write(config, folder.path()).unwrap();
    (folder, facts)
}

fn all_files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path.strip_prefix(folder).unwrap().to_path_buf(), bytes));
        }
    }
    found.sort();
    found
}

#[test]
fn same_seed_same_bytes_at_any_number_of_threads() {
    let config = SynthConfig { persons: 300, years: 1, ..SynthConfig::default() };
    let (one, _) = made(&SynthConfig { threads: Some(1), ..config.clone() });
    let (two, _) = made(&SynthConfig { threads: Some(2), ..config.clone() });
    let (other, _) = made(&SynthConfig { seed: 2, ..config.clone() });
    let (a, b, c) = (all_files(one.path()), all_files(two.path()), all_files(other.path()));
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(&b) {
        assert!(x == y, "{}", x.0.display());
    }
    assert!(a != c, "another seed is another world");
    // A layout that is chosen alone is the same as among all.
    let (lab, _) = made(&SynthConfig { layouts: vec!["lab".to_owned()], ..config });
    for (path, bytes) in all_files(lab.path()).iter().filter(|(p, _)| p.starts_with("lab")) {
        assert!(a.iter().any(|(p, b)| p == path && b == bytes), "{}", path.display());
    }
}

#[test]
fn every_code_is_covered_and_every_area_known() {
    let ladders = crate::schema::codes::Ladders::new();
    let diseases = DISEASES.iter().chain(RARE.iter().map(|r| &r.disease));
    for (system, level, codes) in [
        ("icd10", "chapter", diseases.clone().map(|i| i.icd).collect::<Vec<_>>()),
        ("postal", "prefecture", POSTAL.iter().map(|p| p.0).collect()),
        ("yj", "class", DRUGS.iter().map(|d| d.yj).collect()),
        ("jlac10", "analyte", LABS.iter().map(|l| l.code).collect()),
        ("dpc14", "mdc", diseases.map(|i| i.dpc).collect()),
    ] {
        let ladder = ladders.get(system).unwrap();
        for code in codes {
            assert!(ladder.up(code, level).is_some(), "{system} {code}");
        }
    }
}
