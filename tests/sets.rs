//! Sets of items a person in a run on `clinosim-csv`: k^m-anonymity of the released file, counted here by hand.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::{error_of, files, fixture, kakou, new_key, records, repo, run, text};

fn policy(folder: &Path, name: &str, set: &str, change: impl Fn(String) -> String) -> PathBuf {
    let shipped = std::fs::read_to_string(repo("policies/clinosim.toml")).unwrap();
    let path = folder.join(name);
    std::fs::write(&path, change(format!("{shipped}\n{set}"))).unwrap();
    path
}

/// Persons by combination of one and of two values of a column, from the released file.
fn combinations(file: &Path, column: &str) -> BTreeMap<Vec<String>, usize> {
    let (header, rows) = records(file);
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    let mut of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in &rows {
        if !row[at(column)].is_empty() {
            of.entry(&row[at("patient_id")]).or_default().insert(&row[at(column)]);
        }
    }
    let mut counts = BTreeMap::new();
    for items in of.values() {
        let items: Vec<&&str> = items.iter().collect();
        for (i, a) in items.iter().enumerate() {
            *counts.entry(vec![a.to_string()]).or_default() += 1;
            for b in &items[i + 1..] {
                *counts.entry(vec![a.to_string(), b.to_string()]).or_default() += 1;
            }
        }
    }
    counts
}

const SET: &str = "[[anonymized.set]]\nname = \"diagnoses-known\"\ncolumn = \"diagnoses.discharge_diagnosis_code\"\nm = 2\nk = 5\n";

fn generous(policy: String) -> String {
    let strict = "suppress = { unit = \"row\", at_most = 0.05 }";
    assert!(policy.contains(strict));
    policy.replace(strict, "suppress = { unit = \"row\", at_most = 0.9 }")
}

#[test]
fn rare_combinations_of_a_person_go_and_the_files_are_recounted() {
    let input = fixture("clinosim-csv");
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let column = "discharge_diagnosis_code";
    // Without the set, two diagnoses single somebody out.
    let plain = policy(work.path(), "plain.toml", "", generous);
    let before = run(&plain, &input, &key, &work.path().join("plain"), &[]);
    let before = combinations(&before.join("anonymized/diagnoses.csv"), column);
    let below = before.values().filter(|&&n| n < 5).count();
    assert!(below > 0);

    let with = policy(work.path(), "with.toml", SET, generous);
    let release = run(&with, &input, &key, &work.path().join("with"), &[]);
    let after = combinations(&release.join("anonymized/diagnoses.csv"), column);
    assert!(!after.is_empty());
    assert!(after.values().all(|&n| n >= 5));

    let statement: serde_json::Value =
        serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
            .unwrap();
    let set = &statement["sets"][0];
    let told: u64 =
        set["before"].as_array().unwrap().iter().map(|s| s["below"].as_u64().unwrap()).sum();
    // Counted before the floor joins codes that are rare by themselves.
    assert!(told >= below as u64, "{told} {below}");
    for size in [1, 2] {
        let of_size: Vec<usize> =
            after.iter().filter(|(c, _)| c.len() == size).map(|(_, &n)| n).collect();
        let recounted = &set["recounted"]["sizes"][size - 1];
        assert_eq!(recounted["present"], of_size.len());
        assert_eq!(recounted["smallest"].as_u64(), of_size.iter().min().map(|&n| n as u64));
    }
    assert!(set["itemsSuppressed"].as_u64().unwrap() > 0);
    assert!(set["suppressed"].as_u64().unwrap() > 0);
    let verified = kakou(&["verify", text(&release)]);
    assert!(verified.status.success(), "{}", error_of(&verified));

    // What recipients get does not tell of the set.
    for file in files(&release) {
        let relative = file.strip_prefix(&release).unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&file).unwrap();
        let public = !relative.starts_with("record/")
            || relative == "record/anonymized.dsse.json"
            || relative == "record/pseudonymized.dsse.json";
        if public {
            use base64::Engine as _;
            let mut shown = String::from_utf8_lossy(&bytes).into_owned();
            if let Ok(envelope) = serde_json::from_slice::<serde_json::Value>(&bytes)
                && let Some(payload) = envelope["payload"].as_str()
            {
                let payload = base64::engine::general_purpose::STANDARD.decode(payload).unwrap();
                shown.push_str(&String::from_utf8_lossy(&payload));
            }
            assert!(!shown.contains("diagnoses-known"), "{relative}");
        }
    }

    // The same bytes when persons are split over partitions.
    let split = run(&with, &input, &key, &work.path().join("split"), &["--memory", "4M"]);
    assert_eq!(combinations(&split.join("anonymized/diagnoses.csv"), column), after);

    let explained = kakou(&["explain", "--json", "--policy", text(&with)]);
    let explained: serde_json::Value = serde_json::from_slice(&explained.stdout).unwrap();
    assert_eq!(explained["sets"][0]["m"], 2);
}

#[test]
fn too_much_suppression_and_wrong_sets_are_refused_with_a_place() {
    let input = fixture("clinosim-csv");
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let out = work.path().join("out");
    let strict = policy(work.path(), "strict.toml", &SET.replace("k = 5", "k = 200"), |p| p);
    let refused = kakou(&[
        "run",
        "--policy",
        text(&strict),
        "--input",
        text(&input),
        "--key",
        text(&key),
        "--out",
        text(&out),
    ]);
    let error = error_of(&refused);
    assert!(!refused.status.success());
    assert!(error.contains("C0101") && error.contains("set `diagnoses-known`"), "{error}");

    for (old, new, wanted) in [
        ("m = 2", "m = 4", "m is 1, 2 or 3"),
        ("k = 5", "k = 1", "k is at least 2"),
        ("discharge_diagnosis_code", "no_such_column", "no_such_column"),
        (
            "discharge_diagnosis_code",
            "discharge_diagnosis_name",
            "is not in the anonymized release",
        ),
        ("discharge_diagnosis_code", "patient_id", "are not tokens"),
    ] {
        let wrong = policy(work.path(), "wrong.toml", &SET.replace(old, new), |p| p);
        let checked = kakou(&["check", "--policy", text(&wrong)]);
        let error = error_of(&checked);
        assert!(!checked.status.success());
        assert!(error.contains(wanted) && error.contains("wrong.toml:"), "{error}");
    }
}
