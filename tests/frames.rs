//! Data frames of polars in and out of a run (`tests/polars.sh`; the crate feature `polars`).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

use std::collections::BTreeMap;
use std::path::Path;

use kakou::keys::{ProjectKey, Suite};
use kakou::progress::Silent;
use kakou::run::{Policy, Released, Request, Run, Tables};
use kakou::schema::Kind;
use polars::prelude::*;

const POLICY: &str = r#"
[policy]
id = "labs"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "university"
[anonymized]
tier = "controlled"
[[anonymized.view]]
name = "person"
grain = "labs"
quasi = ["labs.sex"]
[not_applicable]
"18-2" = "no codes that link tables"
"33-2" = "no codes that identify"
"33-3" = "no card numbers"
[output]
format = "parquet"
[tables.labs]
grain = "event"
source = { path = "labs.parquet" }
keys = { patient = "id" }
[tables.labs.columns]
id = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
sex = { role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }
value = { role = "payload", type = "decimal", pseudonymized = "keep", anonymized = { round = { step = 5 } } }
on = { role = "payload", type = "date", pseudonymized = "keep", anonymized = { truncate_date = "year" } }
"#;

/// 400 rows of 200 persons: text, category, numbers with nulls, days.
fn made() -> DataFrame {
    let ids: Vec<String> = (0..400).map(|n| format!("P{:05}", n / 2)).collect();
    let sexes: Vec<&str> = (0..400).map(|n| ["F", "M"][n / 2 % 2]).collect();
    let values: Vec<Option<f64>> =
        (0..400).map(|n| (n % 40 != 0).then(|| 60.0 + (n % 50) as f64 / 2.0)).collect();
    let days: Vec<i32> = (0..400).map(|n| 20_000 + n % 200).collect();
    let mut frame = df!("id" => ids, "sex" => sexes, "value" => values, "on" => days).unwrap();
    let on = frame.column("on").unwrap().cast(&DataType::Date).unwrap();
    frame.with_column(on).unwrap();
    frame
}

fn released(work: &Path, key: &Path, out: &str, tables: Tables) -> Released {
    let policy = Policy::from_text("policy.toml", POLICY).map_err(|failed| failed.error).unwrap();
    let request =
        Request { key: Some(key.to_owned()), ..Request::new(tables.into(), work.join(out)) };
    let run = Run::check(policy, request, &Silent).unwrap().read().unwrap().measure().unwrap();
    let run = run.freeze().unwrap().apply().unwrap();
    run.prove().unwrap().seal().unwrap().publish().unwrap()
}

fn key(work: &Path) -> std::path::PathBuf {
    let key = work.join("project.key");
    ProjectKey::create(&key, None, Suite::default(), 1, std::time::SystemTime::now()).unwrap();
    key
}

#[test]
fn a_frame_goes_in_and_typed_frames_come_out() {
    let work = tempfile::tempdir().unwrap();
    let key = key(work.path());
    let mut tables = Tables::new(work.path()).unwrap();
    let mut frame = made();
    tables.add_frame("labs.parquet", &mut frame).unwrap();
    let out = released(work.path(), &key, "releases", tables);

    let pseudonymized = out.frame(Kind::Pseudonymized, "labs").unwrap();
    assert_eq!(pseudonymized.height(), 400);
    let types: Vec<&DataType> = pseudonymized.columns().iter().map(|c| c.dtype()).collect();
    assert_eq!(types[2..], [&DataType::Float64, &DataType::Date], "{types:?}");
    // The same values in the same number of rows of each; every person has one token.
    let sum = |f: &DataFrame| f.column("value").unwrap().f64().unwrap().sum().unwrap();
    assert!((sum(&pseudonymized) - sum(&frame)).abs() < 1e-6);
    assert_eq!(pseudonymized.column("value").unwrap().null_count(), 10);
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for token in pseudonymized.column("id").unwrap().str().unwrap().iter() {
        *rows.entry(token.unwrap()).or_default() += 1;
    }
    assert!(rows.len() == 200 && rows.values().all(|&n| n == 2));
    assert!(rows.keys().all(|token| !token.starts_with("P0")));

    let anonymized = out.frame(Kind::Anonymized, "labs").unwrap();
    // A rounded number has tails, so an operator beside it; all of it is ready to be reckoned with.
    let names: Vec<&str> = anonymized.columns().iter().map(|c| c.name().as_str()).collect();
    assert_eq!(names, ["id", "sex", "value", "value.op", "on"]);
    assert_eq!(anonymized.column("value").unwrap().dtype(), &DataType::Float64);
    assert!(anonymized.height() > 300);
}

#[test]
fn a_frame_gives_the_bytes_of_its_file() {
    let work = tempfile::tempdir().unwrap();
    let key = key(work.path());
    let mut tables = Tables::new(work.path()).unwrap();
    tables.add_frame("labs.parquet", &mut made()).unwrap();
    let one = released(work.path(), &key, "one", tables);
    // The same rows in another order, and in several chunks.
    let frame = made();
    let mut turned = frame.slice(250, 150);
    turned.vstack_mut(&frame.slice(0, 250)).unwrap();
    let mut tables = Tables::new(work.path()).unwrap();
    tables.add_frame("labs.parquet", &mut turned).unwrap();
    let other = released(work.path(), &key, "other", tables);
    let rows = |released: &Released| {
        let frame = released.frame(Kind::Pseudonymized, "labs").unwrap();
        let mut rows: Vec<String> =
            (0..frame.height()).map(|n| format!("{:?}", frame.get(n).unwrap())).collect();
        rows.sort();
        rows
    };
    assert_eq!(rows(&one), rows(&other));
}

#[test]
fn what_is_no_parquet_is_refused_without_a_cell() {
    let work = tempfile::tempdir().unwrap();
    let key = key(work.path());
    let mut tables = Tables::new(work.path()).unwrap();
    let refused = tables.add_frame("labs.csv", &mut made()).unwrap_err();
    assert_eq!(refused.code, "P0344");
    tables.add_frame("labs.parquet", &mut made()).unwrap();
    assert!(tables.add_frame("labs.parquet", &mut made()).is_err());
    assert_eq!(tables.add_frame("../labs.parquet", &mut made()).unwrap_err().code, "P0344");
    let out = released(work.path(), &key, "releases", tables);
    for table in ["others", "", "../pseudonymized/labs"] {
        assert_eq!(out.frame(Kind::Anonymized, table).unwrap_err().code, "D0362", "{table}");
    }
}
