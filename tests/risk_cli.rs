//! `kakou risk` as its users meet it.

use std::path::{Path, PathBuf};

use crate::common::{self, error_of, fixture, kakou, text};
use serde_json::Value;

const NINE: &str =
    "sex,age,race,marital-status,education,native-country,workclass,occupation,salary-class";
const CANARY: &str = "CANARY-山田-7f3a";

fn json(arguments: &[&str]) -> Value {
    let mut all = vec!["risk", "--json"];
    all.extend(arguments);
    let output = kakou(&all);
    assert!(output.status.success(), "{}", error_of(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn file(folder: &Path, name: &str, content: &str) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, content).unwrap();
    path
}

#[test]
fn adult_has_its_published_average_risk() {
    let adult = fixture("arx").join("adult.csv");
    let found = json(&[text(&adult), "--quasi", NINE]);
    let risk = &found["prosecutor"]["own-category"]["risk"];
    assert_eq!(risk["average"].as_f64().unwrap(), 0.646_575_160_798_355_5);
    assert_eq!((found["rows"].as_u64(), found["classes"].as_u64()), (Some(30_162), Some(19_502)));
    assert!(found["population_uniqueness"]["not-available"].is_string());
    // The same with the size of the population.
    let found =
        json(&[text(&adult), "--quasi", NINE, "--population-size", "301620", "--set-size", "1"]);
    let pitman = found["population_uniqueness"]["pitman"]["value"].as_f64().unwrap();
    assert!((pitman - 0.276_849_938_836_535_97).abs() < 1e-9);
    assert_eq!(found["population_uniqueness"]["model"], "pitman");
    // And for people.
    let output = kakou(&["risk", text(&adult), "--quasi", NINE]);
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(shown.contains("0.6465751607983555"), "{shown}");
    for word in ["not available", "Cohen 2022", "laboratory values"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
    let output = kakou(&["risk", text(&adult), "--quasi", NINE, "--lang", "ja"]);
    let shown = String::from_utf8(output.stdout).unwrap();
    for word in ["0.6465751607983555", "Cohen 2022", "検査値"] {
        assert!(shown.contains(word), "{word}: {shown}");
    }
}

#[test]
fn limits_decide_the_exit_code() {
    let work = tempfile::tempdir().unwrap();
    let path = file(work.path(), "t.csv", "id,age,sex\n1,40,m\n2,40,m\n3,40,m\n3,50,f\n3,50,f\n");
    let of = |more: &[&str]| {
        let mut all = vec!["risk", text(&path), "--quasi", "age,sex", "--brief"];
        all.extend(more);
        kakou(&all).status.code()
    };
    // By rows k is 2, by persons 1: two rows of one person are one person.
    assert_eq!(of(&["--k", "2"]), Some(0));
    assert_eq!(of(&["--k", "2", "--person", "id"]), Some(1));
    assert_eq!(of(&["--k", "3"]), Some(1));
    assert_eq!(of(&["--threshold", "0.5"]), Some(0));
    assert_eq!(of(&["--threshold", "0.49"]), Some(1));
    assert_eq!(of(&["--average", "0.4"]), Some(0));
    assert_eq!(of(&["--average", "0.39"]), Some(1));
    assert_eq!(of(&["--threshold", "1.5"]), Some(2));
}

#[test]
fn unknown_columns_are_named_before_any_row_is_read() {
    let work = tempfile::tempdir().unwrap();
    // A row that cannot be read stands behind the header.
    let path = file(work.path(), "t.csv", &format!("age,sex\n{CANARY}\n"));
    let output = kakou(&["risk", text(&path), "--quasi", "aeg,sex"]);
    assert_eq!(output.status.code(), Some(2));
    let error = error_of(&output);
    assert!(error.contains("`aeg`") && error.contains("did you mean `age`?"), "{error}");
    assert!(!error.contains(CANARY));
    let output = kakou(&["risk", text(&path), "--quasi", "age,sex"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(!error_of(&output).contains(CANARY));
    // Without a header, a person's cells stand where names are: they are not shown.
    let path = file(work.path(), "u.csv", &format!("{CANARY},1,2\n{CANARY},3,4\n"));
    let output = kakou(&["risk", text(&path), "--quasi", "age"]);
    let error = error_of(&output);
    assert!(!error.contains(CANARY) && error.contains("--no-header"), "{error}");
}

#[test]
fn missing_cells_are_read_in_three_ways() {
    let work = tempfile::tempdir().unwrap();
    let path = file(work.path(), "t.csv", "a;b;w\n1;1;10\n1;1;10\n1;NA;10\n2;2;x\n");
    let bad = kakou(&["risk", text(&path), "--quasi", "a,b", "--weights", "w"]);
    assert_eq!(bad.status.code(), Some(3));
    assert!(error_of(&bad).contains("row 4"));
    let found = json(&[text(&path), "--quasi", "a,b", "--missing", "NA"]);
    let close = |reading: &str, expected: f64| {
        let average = found["prosecutor"][reading]["risk"]["average"].as_f64().unwrap();
        assert!((average - expected).abs() < 1e-12, "{reading}: {average}");
    };
    close("own-category", (0.5 + 0.5 + 1.0 + 1.0) / 4.0);
    close("matches-everything", (1.0 / 3.0 * 3.0 + 1.0) / 4.0);
    close("matches-nothing", (0.5 + 0.5 + 1.0 / 3.0 + 1.0) / 4.0);
}

#[test]
fn columns_are_proposed_and_panels_measured() {
    let work = tempfile::tempdir().unwrap();
    let mut table = String::from("number,first,second,constant\n");
    let mut labs = String::from("person,test,result\n");
    for i in 0..100 {
        table.push_str(&format!("n{i},{},{},x\n", i / 10, i % 10));
        for test in 0..4 {
            labs.push_str(&format!("{i},t{test},{}\n", (i * (test + 3)) % 11));
        }
    }
    let path = file(work.path(), "t.csv", &table);
    let found = json(&[text(&path)]);
    let sets: Vec<String> =
        found["unique_sets"].as_array().unwrap().iter().map(|s| s["columns"].to_string()).collect();
    assert_eq!(sets, [r#"["number"]"#, r#"["first","second"]"#]);
    let path = file(work.path(), "labs.csv", &labs);
    let found = json(&[text(&path), "--person", "person", "--panel-long", "test,result"]);
    let panel = found["panel"].as_array().unwrap();
    assert_eq!(panel.len(), 4);
    assert!(
        panel[0]["random"]["value"].as_f64().unwrap()
            <= panel[1]["random"]["value"].as_f64().unwrap()
    );
    assert!(panel[3]["random"]["not-available"].is_string(), "{}", panel[3]);
}

#[test]
fn a_view_of_a_policy_names_the_columns() {
    let work = tempfile::tempdir().unwrap();
    let path =
        file(work.path(), "persons.csv", "生年月日,性別,郵便番号\n1950,1,関東\n1950,1,関東\n");
    let policy = common::repo("policies/csv.toml");
    let output =
        kakou(&["risk", text(&path), "--policy", text(&policy), "--view", "person", "--brief"]);
    // The view asks for ten persons.
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("k is 2") && error_of(&output).contains("10 is required"));
    let output = kakou(&["risk", text(&path), "--policy", text(&policy)]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("`stay`"));
}

#[test]
fn a_population_gives_journalist_risk() {
    let work = tempfile::tempdir().unwrap();
    let sample = file(work.path(), "s.csv", "age,sex\n40,m\n50,f\n");
    let all = file(work.path(), "p.csv", "sex\tage\nm\t40\nm\t40\nf\t50\nf\t50\nf\t50\nf\t50\n");
    let found = json(&[text(&sample), "--quasi", "age,sex", "--population", text(&all)]);
    assert_eq!(found["journalist"]["highest"].as_f64(), Some(0.5));
    assert_eq!(found["marketer"]["value"].as_f64(), Some((0.5 + 0.25) / 2.0));
    assert_eq!(found["journalist"]["share_lacking"].as_f64(), Some(0.0));
}

#[test]
fn sensitive_columns_are_measured_in_persons() {
    let work = tempfile::tempdir().unwrap();
    let path = file(work.path(), "t.csv", "id,q,d\n1,a,x\n1,a,x\n2,a,y\n3,b,x\n4,b,x\n");
    let found = json(&[text(&path), "--quasi", "q", "--person", "id", "--sensitive", "d"]);
    let d = &found["sensitive"]["d"];
    assert_eq!(d["distinct_l"]["value"].as_f64(), Some(1.0));
    assert_eq!(d["alpha"]["value"].as_f64(), Some(1.0));
    // Class a: x of person 1, y of person 2; of all, x has 3 of 4 persons.
    assert!((d["closeness"]["value"].as_f64().unwrap() - 0.25).abs() < 1e-12);
    let output = kakou(&["risk", text(&path), "--sensitive", "d"]);
    assert_eq!(output.status.code(), Some(2));
}

/// What looks at many sets of columns is asked for by name on large tables, and may look at a sample.
#[test]
fn dear_analyses_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("t.csv");
    let names: Vec<String> = (0..14).map(|c| format!("c{c}")).collect();
    let mut lines = format!("id,{}\n", names.join(","));
    for p in 0..20_000_u32 {
        let cells: Vec<String> = (0..14_u32)
            .map(|c| (p.wrapping_mul(2_654_435_761 + c) >> 20 & 3).to_string())
            .collect();
        lines.push_str(&format!("p{p},{}\n", cells.join(",")));
    }
    std::fs::write(&path, lines).unwrap();
    let quasi = names.join(",");
    let of = |more: &[&str]| {
        let mut all = vec![text(&path), "--person", "id", "--quasi", &quasi];
        all.extend(more);
        json(&all)
    };
    let plain = of(&[]);
    assert!(plain["suda"]["not-available"].is_string(), "{}", plain["suda"]);
    assert!(plain["subsets"].is_array());
    assert!(plain["prosecutor"]["own-category"]["k"].is_number());
    let sampled = of(&["--sample", "500", "--also", "suda"]);
    assert!(sampled["suda"]["rows_with_msu"].is_number(), "{}", sampled["suda"]);
    assert_eq!(sampled["sample"]["persons"], 500);
    assert_eq!(sampled["sample"]["rows"], 500);
    // The same persons each time; base figures are of all.
    assert_eq!(sampled["suda"], of(&["--sample", "500", "--also", "suda"])["suda"]);
    assert_eq!(sampled["prosecutor"], plain["prosecutor"]);
}
