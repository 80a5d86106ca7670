//! The main job on data that nobody here wrote: 18 tables, 473 persons.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::Path;

use crate::common::{
    closed, copy_folder, error_of, files, fixture, kakou, new_key, records, releases, repo, run,
    settled, text,
};

fn is_token(cell: &str) -> bool {
    cell.len() == 26 && cell.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

fn is_table(path: &Path) -> bool {
    path.extension().is_some_and(|e| e == "csv") && !path.ends_with("dictionary.columns.csv")
}

/// Rows of all tables of a release without their tokens, as a multiset.
fn rows_without_tokens(folder: &Path) -> BTreeMap<String, Vec<Vec<String>>> {
    let mut all = BTreeMap::new();
    for path in files(folder).into_iter().filter(|p| is_table(p)) {
        let (_, rows) = records(&path);
        let mut rows: Vec<Vec<String>> =
            rows.into_iter().map(|r| r.into_iter().filter(|c| !is_token(c)).collect()).collect();
        rows.sort();
        all.insert(path.file_name().unwrap().to_string_lossy().into_owned(), rows);
    }
    all
}

fn tokens(folder: &Path) -> HashSet<String> {
    files(folder)
        .into_iter()
        .filter(|p| is_table(p))
        .flat_map(|p| records(&p).1)
        .flatten()
        .filter(|c| is_token(c))
        .collect()
}

#[test]
fn both_releases_hold_what_was_promised() {
    let input = fixture("clinosim-csv");
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let policy = repo("policies/clinosim.toml");
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);

    // No name, patient, encounter, order or staff id anywhere, byte by byte, in either release.
    let mut needles: BTreeSet<String> = BTreeSet::new();
    for (table, columns) in [
        ("patients", &["patient_id", "family_name", "given_name", "display_name"][..]),
        ("encounters", &["encounter_id"]),
        ("orders", &["order_id"]),
        ("medication_administrations", &["administered_by", "order_id"]),
        ("prescriptions", &["prescriber_id", "prescription_id"]),
        ("procedures", &["primary_surgeon_id", "procedure_id"]),
        ("rehab_sessions", &["session_id"]),
    ] {
        let (header, rows) = records(&input.join(format!("{table}.csv")));
        for column in columns {
            let at = header.iter().position(|h| h == column).unwrap();
            needles.extend(rows.iter().map(|r| r[at].clone()).filter(|v| !v.is_empty()));
        }
    }
    assert!(needles.len() > 15_000);
    // Names of one or two characters may be part of other words: they are looked for as whole cells.
    let (short, long): (Vec<String>, Vec<String>) =
        needles.into_iter().partition(|n| n.chars().count() < 3);
    let search = aho(&long);
    for kind in ["pseudonymized", "anonymized"] {
        for path in files(&release.join(kind)) {
            let says = settled(&std::fs::read_to_string(&path).unwrap());
            assert!(!search.is_match(&says), "an identifier is in {}", path.display());
            if is_table(&path) {
                let cells: HashSet<String> = records(&path).1.into_iter().flatten().collect();
                assert!(
                    short.iter().all(|name| !cells.contains(name)),
                    "a name is a cell of {}",
                    path.display()
                );
            }
        }
    }

    // k in persons, counted here by hand from the files alone.
    let (header, rows) = records(&release.join("anonymized/patients.csv"));
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    let (person, age, sex) = (at("patient_id"), at("age"), at("sex"));
    let of_person: BTreeMap<&str, (&str, &str)> =
        rows.iter().map(|r| (r[person].as_str(), (r[age].as_str(), r[sex].as_str()))).collect();
    let (header, encounters) = records(&release.join("anonymized/encounters.csv"));
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    let mut classes: BTreeMap<(&str, &str, &str, &str), BTreeSet<&str>> = BTreeMap::new();
    for row in &encounters {
        let (age, sex) = of_person[row[at("patient_id")].as_str()];
        let class =
            (age, sex, row[at("admission_datetime")].as_str(), row[at("encounter_type")].as_str());
        classes.entry(class).or_default().insert(&row[at("patient_id")]);
    }
    assert!(classes.len() > 20);
    assert_eq!(classes.values().map(BTreeSet::len).filter(|&n| n < 5).count(), 0);
    // By fiscal year few encounters are lost, and few orders with them (2,770 and 15,476 in the source).
    let orders = records(&release.join("anonymized/orders.csv")).1.len();
    assert!(encounters.len() >= 2_740 && orders >= 14_500, "{} {orders}", encounters.len());
    closed(&release);

    // Interval lengths survive: days from admission to discharge in the source and in the anonymized release.
    let verified = kakou(&["verify", text(&release)]);
    assert!(verified.status.success(), "{}", error_of(&verified));
}

fn aho(needles: &[String]) -> aho_corasick::AhoCorasick {
    aho_corasick::AhoCorasick::new(needles).unwrap()
}

#[test]
fn the_result_does_not_depend_on_threads_or_memory() {
    let input = fixture("clinosim-csv");
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let policy = repo("policies/clinosim.toml");
    let first = run(&policy, &input, &key, &work.path().join("a"), &["--threads", "1"]);
    let second = run(&policy, &input, &key, &work.path().join("b"), &["--threads", "2"]);
    // 4 MB make this input spill into several partitions.
    let third = run(&policy, &input, &key, &work.path().join("c"), &["--memory", "4M"]);
    for other in [&second, &third] {
        for path in files(&first.join("pseudonymized")) {
            let name = path.file_name().unwrap();
            let same = std::fs::read(&path).unwrap()
                == std::fs::read(other.join("pseudonymized").join(name)).unwrap();
            assert!(same, "{} differs", path.display());
        }
        assert!(
            rows_without_tokens(&first.join("anonymized"))
                == rows_without_tokens(&other.join("anonymized"))
        );
        assert!(tokens(&first.join("anonymized")).is_disjoint(&tokens(&other.join("anonymized"))));
    }
    assert!(tokens(&first.join("pseudonymized")).is_disjoint(&tokens(&first.join("anonymized"))));
    assert_eq!(
        std::fs::read_dir(work.path().join("c")).unwrap().count(),
        1,
        "a spill folder was left"
    );
}

#[test]
#[ignore = "takes half a minute: cargo test -- --ignored"]
fn one_changed_byte_of_any_file_is_found() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let release = run(
        &repo("policies/clinosim.toml"),
        &fixture("clinosim-csv"),
        &key,
        &work.path().join("out"),
        &[],
    );
    for path in files(&release) {
        let bytes = std::fs::read(&path).unwrap();
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, &changed).unwrap();
            let output = kakou(&["verify", text(&release)]);
            assert_eq!(output.status.code(), Some(1), "byte {at} of {}", path.display());
        }
        std::fs::write(&path, &bytes).unwrap();
    }
    let extra = release.join("anonymized/extra.csv");
    std::fs::write(&extra, "a\n").unwrap();
    assert_eq!(kakou(&["verify", text(&release)]).status.code(), Some(1));
    std::fs::remove_file(extra).unwrap();
    assert!(kakou(&["verify", text(&release)]).status.success());
}

#[test]
fn an_opt_out_is_for_its_release() {
    let input = fixture("clinosim-csv");
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let (_, patients) = records(&input.join("patients.csv"));
    let mut ids: Vec<String> = patients.iter().map(|r| r[0].clone()).collect();
    ids.dedup();
    let list = work.path().join("optout.txt");
    // Another spelling of the first id, and one that matches nobody.
    std::fs::write(
        &list,
        format!("{}\n{}\nPOP-999998\n", ids[0].to_lowercase().replace('-', "－"), ids[1]),
    )
    .unwrap();
    let policy = repo("policies/clinosim.toml");
    let whole = run(&policy, &input, &key, &work.path().join("a"), &[]);
    let without = run(
        &policy,
        &input,
        &key,
        &work.path().join("b"),
        &["--exclude-pseudonymized", text(&list)],
    );
    let persons = |release: &Path, kind: &str| -> BTreeSet<String> {
        records(&release.join(kind).join("patients.csv"))
            .1
            .into_iter()
            .map(|r| r[0].clone())
            .collect()
    };
    let missing: Vec<String> = persons(&whole, "pseudonymized")
        .difference(&persons(&without, "pseudonymized"))
        .cloned()
        .collect();
    assert_eq!(missing.len(), 2);
    for path in files(&without.join("pseudonymized")) {
        let text = std::fs::read_to_string(path).unwrap();
        assert!(missing.iter().all(|token| !text.contains(token)));
    }
    assert_eq!(persons(&without, "anonymized").len(), persons(&whole, "anonymized").len());
    let statement: serde_json::Value =
        serde_json::from_slice(&std::fs::read(without.join("record/statement.json")).unwrap())
            .unwrap();
    assert_eq!(statement["exclusionLists"][0]["matched"], 2);
    assert_eq!(statement["exclusionLists"][0]["matchedNobody"], 1);
    assert_eq!(statement["persons"]["excluded"]["pseudonymized"], 2);
    assert!(kakou(&["verify", text(&without)]).status.success());
}

#[test]
fn changes_of_the_input_and_of_the_policy_are_refused_with_a_place() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let original = std::fs::read_to_string(repo("policies/clinosim.toml")).unwrap();
    let out = work.path().join("out");
    let attempt = |policy: &str, change: &dyn Fn(&Path)| -> (Option<i32>, String) {
        let input = work.path().join("input");
        let _ = std::fs::remove_dir_all(&input);
        copy_folder(&fixture("clinosim-csv"), &input);
        change(&input);
        let path = work.path().join("policy.toml");
        std::fs::write(&path, policy).unwrap();
        let output = kakou(&[
            "run",
            "--quiet",
            "--policy",
            text(&path),
            "--input",
            text(&input),
            "--key",
            text(&key),
            "--out",
            text(&out),
        ]);
        assert!(releases(&out).is_empty());
        (output.status.code(), error_of(&output))
    };
    let header = |folder: &Path, table: &str, from: &str, to: &str| {
        let path = folder.join(table);
        let all = std::fs::read_to_string(&path).unwrap();
        assert!(all.contains(from));
        std::fs::write(path, all.replacen(from, to, 1)).unwrap();
    };
    // A column more.
    let (code, error) = attempt(&original, &|f| {
        let path = f.join("care_level.csv");
        let all = std::fs::read_to_string(&path).unwrap();
        let all: Vec<String> = all
            .lines()
            .enumerate()
            .map(|(i, l)| format!("{l},{}", if i == 0 { "extra" } else { "x" }))
            .collect();
        std::fs::write(path, all.join("\n")).unwrap();
    });
    assert_eq!(code, Some(3), "{error}");
    assert!(
        error.contains("care_level")
            && error.contains("`extra`")
            && error.contains("not in the policy"),
        "{error}"
    );
    // A renamed one.
    let (code, error) =
        attempt(&original, &|f| header(f, "patients.csv", "smoking_status", "smoking_state"));
    assert_eq!(code, Some(3));
    assert!(
        error.contains("`smoking_state`")
            && error.contains("`smoking_status`")
            && error.contains("renamed"),
        "{error}"
    );
    // A misspelt key.
    let (code, error) = attempt(&original.replacen("grain =", "grian =", 1), &|_| {});
    assert_eq!(code, Some(2));
    assert!(
        error.contains("policy.toml:")
            && error.contains("`grian`")
            && error.contains("did you mean `grain`?"),
        "{error}"
    );
    // A column that the policy does not name.
    let without: Vec<&str> = original.lines().filter(|l| !l.starts_with("blood_type")).collect();
    let (code, error) = attempt(&without.join("\n"), &|_| {});
    assert_eq!(code, Some(3));
    assert!(error.contains("`blood_type`") && error.contains("add it to the policy"), "{error}");
    // A file without its header: no cell is shown.
    let (code, error) = attempt(&original, &|f| {
        let path = f.join("patients.csv");
        let all = std::fs::read_to_string(&path).unwrap();
        std::fs::write(path, all.split_once('\n').unwrap().1).unwrap();
    });
    assert_eq!(code, Some(3));
    assert!(!error.contains("山本") && !error.contains("POP-"), "{error}");
}

#[test]
#[ignore = "takes half a minute: cargo test -- --ignored"]
fn a_killed_run_leaves_the_whole_release_or_nothing() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let out = work.path().join("out");
    let policy = repo("policies/clinosim.toml");
    let started = std::time::Instant::now();
    run(&policy, &fixture("clinosim-csv"), &key, &out, &["--release-id", "first"]);
    // The machine may be quieter later on: what a run takes is learnt again from each that was too fast.
    let mut whole = started.elapsed();
    let mut killed = 0;
    for n in 0..24_u32 {
        let id = format!("r{n}");
        let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_kakou"))
            .env("LC_ALL", "C")
            .args([
                "run",
                "--quiet",
                "--policy",
                text(&policy),
                "--input",
                text(&fixture("clinosim-csv")),
            ])
            .args([
                "--key",
                text(&key),
                "--out",
                text(&out),
                "--release-id",
                &id,
                "--memory",
                if n % 2 == 0 { "4G" } else { "4M" },
            ])
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let started = std::time::Instant::now();
        while started.elapsed() < whole * (n + 1) / 20 && child.try_wait().unwrap().is_none() {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let _ = child.kill();
        if child.wait().unwrap().success() {
            whole = whole.min(started.elapsed());
        } else {
            killed += 1;
        }
        let release = out.join(&id);
        if release.exists() {
            assert!(kakou(&["verify", text(&release)]).status.success(), "{id} is not whole");
        }
    }
    assert!(killed > 5, "nothing was killed: the test tests nothing");
    // The next run removes what the dead ones left.
    run(&policy, &fixture("clinosim-csv"), &key, &out, &["--release-id", "last"]);
    let left: Vec<_> = std::fs::read_dir(&out)
        .unwrap()
        .flatten()
        .filter(|e| e.file_name().to_string_lossy().starts_with('.'))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
