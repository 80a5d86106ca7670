//! Releases with types: numbers, dates and moments as such, what is no number beside them; the proof and `verify` count the same cells.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::common::{error_of, kakou, new_key, run, text};

const POLICY: &str = r#"
[policy]
id = "t"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
tier = "controlled"
suppress = { unit = "row", at_most = 0.9 }
[[anonymized.view]]
name = "v"
grain = "labs"
quasi = ["labs.sex", "labs.born", "labs.at"]
k = 2
because = "few"
[not_applicable]
"18-2" = "none"
"33-2" = "none"
"33-3" = "none"
[output]
OUTPUT
[tables.labs]
grain = "event"
source = { path = "labs.csv" }
keys = { patient = "id" }
[tables.labs.columns]
id = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
sex = { role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }
born = { role = "quasi", type = "date", kind = "birth", pseudonymized = { truncate_date = "year" }, anonymized = { age_band = { at = "day", width = 20, top = 80 } } }
day = { role = "payload", type = "date", kind = "event", specials = ["99999999"], pseudonymized = "shift_date", anonymized = { days_since = "at" } }
at = { role = "payload", type = "datetime", kind = "event", pseudonymized = "shift_date", anonymized = { truncate_date = "year" } }
crp = { role = "payload", type = "measured", specials = ["検体不良"], pseudonymized = "keep", anonymized = { round = { significant = 2 } } }
dose = { role = "payload", type = "decimal", pseudonymized = "keep", anonymized = { round = { step = 0.5 } } }
count = { role = "payload", type = "integer", pseudonymized = "keep", anonymized = "keep" }
"#;

/// A table of 120 persons with two rows each, and the policy with what `[output]` says.
fn case(work: &Path, output: &str) -> (PathBuf, PathBuf) {
    let mut csv = "id,sex,born,day,at,crp,dose,count\n".to_owned();
    for person in 0..240 {
        let n = person / 2;
        let id = 10_345 + n * 7;
        let crp = ["１．５０", ">20(+)", "(+)", "検体不良", "1.5"][person % 5];
        let day =
            if person % 40 == 7 { "99999999".into() } else { format!("2024{:02}11", 1 + n % 12) };
        writeln!(
            csv,
            "{id},{},19{}0101,{day},2024-{:02}-01 09:{:02},{crp},\"1,00{}.50\",{}",
            n % 2,
            40 + n % 50,
            1 + n % 12,
            n % 60,
            n % 3,
            n % 4
        )
        .unwrap();
    }
    let input = work.join("in");
    std::fs::create_dir_all(&input).unwrap();
    std::fs::write(input.join("labs.csv"), csv).unwrap();
    let policy = work.join("policy.toml");
    std::fs::write(&policy, POLICY.replace("OUTPUT", output)).unwrap();
    (policy, input)
}

fn columns(release: &Path, kind: &str) -> Vec<(String, String, String)> {
    let text = std::fs::read_to_string(release.join("record/statement.json")).unwrap();
    let statement: serde_json::Value = serde_json::from_str(&text).unwrap();
    let word = |v: &serde_json::Value| v.as_str().unwrap_or("whole").to_owned();
    statement["structure"][kind]["tables"][0]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|c| (word(&c["name"]), word(&c["type"]), word(&c["parts"])))
        .collect()
}

#[test]
fn types_come_of_the_policy_and_the_proof_reads_them_back() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let (policy, input) = case(work.path(), "format = \"parquet\"\nbounds = true");
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);
    let of = |kind| {
        columns(&release, kind)
            .into_iter()
            .map(|(name, ty, parts)| format!("{name} {ty} {parts}"))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        of("pseudonymized")[2..],
        [
            "born text whole",
            "day date note",
            "at timestamp whole",
            "crp decimal op-note",
            "dose decimal whole",
            "count integer whole"
        ]
    );
    assert_eq!(
        of("anonymized")[2..],
        [
            "born text bounds",
            "day text bounds",
            "at text whole",
            "crp decimal op-note",
            "dose decimal op",
            "count integer op"
        ]
    );
    let verified = kakou(&["verify", text(&release)]);
    assert!(verified.status.success(), "{}", error_of(&verified));
    // One thread, little memory: the same bytes.
    let again = run(
        &policy,
        &input,
        &key,
        &work.path().join("again"),
        &["--threads", "1", "--memory", "256M"],
    );
    let bytes = |r: &Path| std::fs::read(r.join("pseudonymized/labs.parquet")).unwrap();
    assert_eq!(bytes(&release), bytes(&again));
}

/// A release of workbooks is proved, verified and counted as one of text is.
#[test]
fn workbooks_hold_what_plain_csv_holds() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let (policy, input) = case(work.path(), "format = \"xlsx\"");
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);
    let book = release.join("pseudonymized/labs.xlsx");
    assert!(std::fs::read(&book).unwrap().starts_with(b"PK"));
    let again = ["--threads", "1", "--memory", "256M"];
    let again = run(&policy, &input, &key, &work.path().join("again"), &again);
    let bytes = |r: &Path| std::fs::read(r.join("pseudonymized/labs.xlsx")).unwrap();
    assert_eq!(bytes(&release), bytes(&again));
    let told = |release: &Path| {
        let verified = kakou(&["verify", "--json", text(release)]);
        assert!(verified.status.success(), "{}", error_of(&verified));
        let told: serde_json::Value = serde_json::from_slice(&verified.stdout).unwrap();
        (told["views"].clone(), told["floors"].clone(), told["rows"].clone(), told["joins"].clone())
    };
    let (plain, _) = case(work.path(), "cells = \"normalized\"");
    let csv = run(&plain, &input, &key, &work.path().join("csv"), &[]);
    assert_eq!(told(&release), told(&csv));
    // The dictionary and the data package name it.
    let package = release.join("pseudonymized/datapackage.json");
    let package = std::fs::read_to_string(package).unwrap();
    assert!(package.contains("labs.xlsx") && package.contains("spreadsheetml"), "{package}");
    // Another cell: not the file that was signed for.
    let other = release.join("pseudonymized/labs.xlsx");
    std::fs::copy(csv.join("pseudonymized/labs.csv"), other).unwrap();
    assert_eq!(kakou(&["verify", text(&release)]).status.code(), Some(1));
    // A workbook has no form of a layout, and small tables alone.
    let (policy, _) = case(work.path(), "format = \"xls\"");
    let output = kakou(&["check", "--policy", text(&policy), "--input", text(&input)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("xlsx"), "{}", error_of(&output));
}

#[test]
fn plain_csv_is_split_and_dated() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let (policy, input) = case(work.path(), "cells = \"normalized\"");
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);
    let csv = std::fs::read_to_string(release.join("pseudonymized/labs.csv")).unwrap();
    let mut lines = csv.lines();
    assert_eq!(lines.next().unwrap(), "id,sex,born,day,day.note,at,crp,crp.op,crp.note,dose,count");
    let rows: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
    assert_eq!(rows.len(), 240);
    let mut seen: Vec<String> = rows.iter().map(|r| r[6..9].join("|")).collect();
    seen.sort();
    seen.dedup();
    assert_eq!(seen, ["1.5||", "20|>|(+)", "||(+)", "||検体不良"]);
    assert!(rows.iter().all(|r| r[3].len() == 10 || (r[3].is_empty() && r[4] == "99999999")));
    assert!(rows.iter().all(|r| r[5].len() == 19 && r[5].contains("T09:")));
    assert!(rows.iter().all(|r| r[9].starts_with("100") && r[9].ends_with(".5")));
    let verified = kakou(&["verify", text(&release)]);
    assert!(verified.status.success(), "{}", error_of(&verified));
}

#[test]
fn a_measured_number_stays_text_where_the_policy_says_so() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let (policy, input) = case(work.path(), "format = \"parquet\"\nmeasured = \"text\"");
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);
    let crp = |kind| columns(&release, kind).into_iter().find(|c| c.0 == "crp").unwrap();
    for kind in ["pseudonymized", "anonymized"] {
        assert_eq!(crp(kind).1, "text");
        assert_eq!(crp(kind).2, "whole");
    }
}

#[test]
fn words_about_types_are_held_against_the_files() {
    let work = tempfile::tempdir().unwrap();
    let (policy, input) = case(work.path(), "measured = \"split\"");
    let check = |policy: &Path| {
        let output = kakou(&["check", "--policy", text(policy), "--input", text(&input)]);
        assert_eq!(output.status.code(), Some(2));
        error_of(&output)
    };
    assert!(check(&policy).contains("P0132"));
    // A column that has the name of one that stands beside another.
    let (policy, _) = case(work.path(), "format = \"parquet\"");
    let clash = std::fs::read_to_string(&policy).unwrap().replace(
        "count = {",
        "\"crp.op\" = { role = \"payload\", pseudonymized = \"keep\", anonymized = \"keep\" }\ncount = {",
    );
    std::fs::write(&policy, clash).unwrap();
    assert!(check(&policy).contains("P0101"));
}
