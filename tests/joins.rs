//! How far the two releases join by content: counted here again from the files, with other code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::common::{error_of, kakou, new_key, records, run, text};
use serde_json::Value;

/// Persons and their laboratory values: 60 persons, as many rows each as their number says, CRP nearly a number of one's own.
fn data(folder: &Path) {
    let (mut persons, mut labs) = ("id,sex\n".to_owned(), "id,day,unit,crp\n".to_owned());
    for n in 1..=60_u32 {
        persons.push_str(&format!("{n:04},{}\n", n % 2));
        for row in 0..1 + n % 3 {
            let day = 1 + (n * 7 + row) % 28;
            labs.push_str(&format!(
                "{n:04},2026-01-{day:02},mg,{}.{:02}\n",
                n * 13 % 50,
                (n * 29 + row * 7) % 100
            ));
        }
    }
    std::fs::write(folder.join("persons.csv"), persons).unwrap();
    std::fs::write(folder.join("labs.csv"), labs).unwrap();
}

/// CRP in the anonymized release.
fn policy(folder: &Path, crp: &str) -> PathBuf {
    let path = folder.join("policy.toml");
    std::fs::write(
        &path,
        format!(
            r#"
[policy]
id = "joins"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
tier = "controlled"
suppress = {{ unit = "row", at_most = 0.9 }}
[[anonymized.view]]
name = "v"
grain = "persons"
quasi = ["persons.sex"]
[not_applicable]
"18-2" = "none"
"18-4" = "none"
"33-2" = "none"
"33-3" = "none"
[tables.persons]
grain = "person"
source = {{ path = "persons.csv" }}
keys = {{ patient = "id" }}
[tables.persons.columns]
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
sex = {{ role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }}
[tables.labs]
grain = "event"
source = {{ path = "labs.csv" }}
keys = {{ patient = "id" }}
[tables.labs.columns]
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
day = {{ role = "payload", type = "date", kind = "event", pseudonymized = "shift_date", anonymized = "drop" }}
unit = {{ role = "payload", type = "code", pseudonymized = "keep", anonymized = "keep" }}
crp = {{ role = "payload", type = "decimal", pseudonymized = "keep", anonymized = {crp}, no_floor = "the test is about them" }}
"#
        ),
    )
    .unwrap();
    path
}

fn joins(release: &Path) -> Value {
    let bytes = std::fs::read(release.join("record/statement.json")).unwrap();
    serde_json::from_slice::<Value>(&bytes).unwrap()["proof"]["joins"].clone()
}

/// Persons whose signature nobody else of the anonymized release has, and one person of the other.
fn recount(release: &Path, signature: &dyn Fn(&[&[String]], &[String]) -> String) -> u64 {
    let of = |kind: &str| {
        let (head, rows) = records(&release.join(kind).join("labs.csv"));
        let mut persons: BTreeMap<String, Vec<&[String]>> = BTreeMap::new();
        for row in &rows {
            persons.entry(row[0].clone()).or_default().push(row);
        }
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for rows in persons.values() {
            *counts.entry(signature(rows, &head)).or_default() += 1;
        }
        counts
    };
    let (pseudonymized, anonymized) = (of("pseudonymized"), of("anonymized"));
    let found = |(signature, count): &(&String, &u32)| {
        **count == 1 && pseudonymized.get(*signature) == Some(&1)
    };
    anonymized.iter().filter(found).count() as u64
}

fn multiset(column: &'static str) -> impl Fn(&[&[String]], &[String]) -> String {
    move |rows, head| {
        let at = head.iter().position(|h| h == column).unwrap();
        let mut cells: Vec<&str> = rows.iter().map(|r| r[at].as_str()).collect();
        cells.sort_unstable();
        cells.join("|")
    }
}

#[test]
fn one_column_kept_in_both_joins_nearly_everybody_and_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    std::fs::create_dir(&input).unwrap();
    data(&input);
    let key = new_key(folder.path());
    let policy_file = policy(folder.path(), "\"keep\"");
    let release = run(&policy_file, &input, &key, &folder.path().join("out"), &[]);
    let told = joins(&release);
    let by_crp = recount(&release, &multiset("crp"));
    assert_eq!(told["persons"], 60);
    assert_eq!(told["columns"][0]["by"], serde_json::json!(["labs.crp"]));
    assert_eq!(told["columns"][0]["persons"], by_crp);
    assert!(by_crp > 50, "{by_crp}");
    assert!(told["both"]["persons"].as_u64() >= told["facts"]["persons"].as_u64());
    assert!(told["facts"]["persons"].as_u64() >= Some(by_crp));
    // Twenty persons have each number of rows: that tells nobody.
    assert_eq!(recount(&release, &|rows, _| rows.len().to_string()), 0);
    assert_eq!(told["rows"]["persons"], 0);
    // It is printed, and verify measures it again.
    let said = |output: std::process::Output| {
        assert!(output.status.success(), "{}", error_of(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let verified = said(kakou(&["verify", text(&release)]));
    let share = format!("{:.1} %", 100.0 * told["both"]["persons"].as_f64().unwrap() / 60.0);
    assert!(
        verified.contains("no code joins them; by content") && verified.contains(&share),
        "{verified}"
    );
    for (lang, words) in [("ja", "二つの提供物の突合"), ("en", "The two releases side by side")]
    {
        let page = folder.path().join("page.html");
        said(kakou(&["report", text(&release), "--lang", lang, "--to", text(&page)]));
        let page = std::fs::read_to_string(page).unwrap();
        assert!(page.contains(words) && page.contains("labs.crp"), "{lang}");
    }
    // Without the column nothing joins.
    let policy_file = policy(folder.path(), "\"drop\"");
    let release = run(&policy_file, &input, &key, &folder.path().join("out2"), &[]);
    let told = joins(&release);
    assert_eq!((&told["both"]["persons"], &told["columns"]), (&0.into(), &serde_json::json!([])));
}
