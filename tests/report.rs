//! The report of a run: counted again from the released files, nothing rare in it, the same however the run was cut.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::{error_of, kakou, new_key, records, repo, run, text};
use serde_json::Value;

fn csv_data(folder: &Path, persons: &str) -> PathBuf {
    let output = kakou(&[
        "synth",
        "--quiet",
        "--patients",
        persons,
        "--layouts",
        "csv",
        "--out",
        text(folder),
    ]);
    assert!(output.status.success(), "{}", error_of(&output));
    folder.join("csv")
}

fn facts(release: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(release.join("record/report.json")).unwrap()).unwrap()
}

fn page(work: &Path, arguments: &[&str]) -> String {
    let to = work.join("page.html");
    let mut all = vec!["report"];
    all.extend(arguments);
    all.extend(["--to", text(&to)]);
    let output = kakou(&all);
    assert!(output.status.success(), "{}", error_of(&output));
    std::fs::read_to_string(to).unwrap()
}

/// Persons by value of a released column, counted from the file.
fn counted(path: &Path, person: &str, column: &str) -> BTreeMap<String, u64> {
    let (header, rows) = records(path);
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    let (person, column) = (at(person), at(column));
    let mut persons: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for row in &rows {
        persons.entry(row[column].clone()).or_default().insert(&row[person]);
    }
    persons.into_iter().map(|(value, who)| (value, who.len() as u64)).collect()
}

/// Every category that the report shows of a release has the persons that the released file has; rare ones are not there.
#[test]
fn categories_are_those_of_the_released_files() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1200");
    let key = new_key(work.path());
    let release = run(&repo("policies/csv.toml"), &data, &key, &work.path().join("out"), &[]);
    let facts = facts(&release);
    let mut checked = 0;
    let mut hidden = 0;
    for (table, run) in facts["policy"]["tables"]
        .as_array()
        .unwrap()
        .iter()
        .zip(facts["run"]["tables"].as_array().unwrap())
    {
        let name = table["name"].as_str().unwrap();
        for (column, seen) in
            table["columns"].as_array().unwrap().iter().zip(run["columns"].as_array().unwrap())
        {
            let column_name = column["name"].as_str().unwrap();
            let role = column["role"].as_str().unwrap();
            let Some(panels) = seen["panels"].as_array() else { continue };
            assert!(["quasi", "sensitive", "payload"].contains(&role), "{column_name}: {role}");
            for panel in panels.iter().filter(|p| p["unit"] == "persons") {
                for (side, kind) in ["pseudonymized", "anonymized"].iter().enumerate() {
                    if panel["sides"][side + 1] != true {
                        continue;
                    }
                    let file = release.join(format!("{kind}/{name}.csv"));
                    let truth = counted(&file, "患者ID", column_name);
                    for bar in panel["groups"].as_array().unwrap() {
                        let count = &bar["counts"][side + 1];
                        if let Some(value) = bar["label"]["value"].as_str() {
                            let persons = truth.get(value).copied().unwrap_or(0);
                            match count.as_u64() {
                                Some(count) => assert_eq!(count, persons, "{name}.{column_name}"),
                                None => {
                                    assert_eq!(count, "<10");
                                    assert!((1..10).contains(&persons), "{name}.{column_name}");
                                }
                            }
                            checked += 1;
                        } else if bar["label"] == "missing" {
                            let missing = truth.get("").copied().unwrap_or(0);
                            match count.as_u64() {
                                Some(count) => assert_eq!(count, missing, "{name}.{column_name}"),
                                None => assert!((1..10).contains(&missing)),
                            }
                        }
                    }
                    // What fewer than ten persons hold on every side is nowhere in the panel.
                    let shown = panel["groups"].to_string();
                    for (value, persons) in &truth {
                        // (What many hold before or in the other release may be few here: "<10" then.)
                        let quoted = format!("\"value\":\"{value}\"");
                        if *persons < 10 && value.chars().count() > 3 && !shown.contains(&quoted) {
                            hidden += 1;
                        }
                    }
                }
            }
        }
    }
    assert!(checked > 60 && hidden > 20, "{checked} {hidden}");
}

/// One distinct source value a person: none of them is in the facts, in any form.
#[test]
fn rare_values_are_not_in_the_facts() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1000");
    let key = new_key(work.path());
    let release = run(&repo("policies/csv.toml"), &data, &key, &work.path().join("out"), &[]);
    let whole = std::fs::read_to_string(release.join("record/report.json")).unwrap();
    // Source values by persons, from the raw CP932 files.
    for (file, column) in
        [("persons.csv", "生年月日"), ("stays.csv", "主傷病コード"), ("persons.csv", "氏名")]
    {
        let bytes = std::fs::read(data.join(file)).unwrap();
        let (all, _, _) = encoding_rs::SHIFT_JIS.decode(&bytes);
        let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(all.as_bytes());
        let header = reader.headers().unwrap().clone();
        let at = |name: &str| header.iter().position(|h| h.trim() == name).unwrap();
        let (facility, person, wanted) = (at("施設コード"), at("患者ID"), at(column));
        let mut persons: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
        for record in reader.records() {
            let record = record.unwrap();
            persons
                .entry(record[wanted].trim().to_owned())
                .or_default()
                .insert((record[facility].to_owned(), record[person].trim().to_owned()));
        }
        let mut rare = 0;
        for (value, who) in &persons {
            if who.len() < 10 && value.chars().count() >= 3 {
                rare += 1;
                assert!(
                    !whole.contains(&format!("\"{value}\"")),
                    "{column}: a rare value is shown"
                );
            }
        }
        assert!(rare > 5, "{column} has no rare values: the test proves nothing");
        if column == "氏名" {
            for value in persons.keys().filter(|v| v.chars().count() >= 3) {
                assert!(!whole.contains(value.as_str()), "a name is shown");
            }
        }
    }
}

/// The facts do not depend on memory or threads (times, ids and what is drawn anew for each run aside).
#[test]
fn the_facts_are_the_same_in_one_partition_and_in_many() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1000");
    let key = new_key(work.path());
    let out = work.path().join("out");
    let policy = repo("policies/csv.toml");
    let mut one = facts(&run(&policy, &data, &key, &out, &["--release-id", "one"]));
    let many = ["--release-id", "many", "--memory", "2M", "--threads", "1"];
    let mut many = facts(&run(&policy, &data, &key, &work.path().join("more"), &many));
    for facts in [&mut one, &mut many] {
        for key in ["startedAt", "finishedAt", "release"] {
            facts["run"][key] = Value::Null;
        }
        // Counted once for each partition and column that holds an identifier.
        facts["run"]["proof"] = Value::Null;
    }
    assert!(one == many, "the facts depend on how the run was cut");
}

/// The first page tells what `verify` recounts from the files, on the clock of Japan, and by whom the release is signed.
#[test]
fn the_first_page_is_what_a_board_decides_on() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1000");
    let key = new_key(work.path());
    let policy = std::fs::read_to_string(repo("policies/csv.toml")).unwrap();
    let keep = "{ round = { step = 1 } }, unit = \"日\"";
    assert!(policy.contains(keep));
    let policy = policy.replacen(keep, &format!("{keep}, because = \"agreed on\""), 1);
    let path = work.path().join("because.toml");
    std::fs::write(&path, policy).unwrap();
    let signing = work.path().join("signing.key");
    assert!(kakou(&["key", "new", "--signing", text(&signing)]).status.success());
    let sign = ["--sign", text(&signing), "--operator", "係の者"];
    let release = run(&path, &data, &key, &work.path().join("out"), &sign);
    let verified = kakou(&["verify", "--json", text(&release)]);
    let verified: Value = serde_json::from_slice(&verified.stdout).unwrap();
    let policy_views = facts(&release)["policy"]["views"].clone();
    let ratio = |view: &&Value| {
        let of = policy_views.as_array().unwrap().iter().find(|v| v["name"] == view["view"]);
        (view["smallest"].as_u64().unwrap() * 1000) / of.unwrap()["k"].as_u64().unwrap()
    };
    let tightest = verified["views"].as_array().unwrap().iter().min_by_key(ratio).unwrap();
    let (view, smallest) = (tightest["view"].as_str().unwrap(), &tightest["smallest"]);
    let joins = &verified["joins"];
    let html = page(work.path(), &[text(&release), "--lang", "ja"]);
    let first = html.split("id=\"flow\"").next().unwrap();
    for there in [
        format!("最も余裕が少ないのはビュー「{view}」で"),
        format!("最小のクラスは {smallest} 人"),
        "作成済み".to_owned(),
        "係の者, 鍵".to_owned(),
        "理由を記して認めた列: 1".to_owned(),
        "該当なしとした条項".to_owned(),
        "verdict good".to_owned(),
    ] {
        assert!(first.contains(&there), "{there}: {joins}");
    }
    // 1,000 persons, and the share of them that content joins.
    let share = joins["both"]["persons"].as_f64().unwrap() / joins["persons"].as_f64().unwrap();
    assert!(first.contains(&format!("<b>{:.1}%</b>", share * 100.0)), "{share}");
    let started = facts(&release)["run"]["startedAt"].as_str().unwrap().to_owned();
    let at = chrono::DateTime::parse_from_rfc3339(&started).unwrap();
    let there = at.with_timezone(&chrono::FixedOffset::east_opt(9 * 3600).unwrap());
    assert!(first.contains(&there.format("%Y-%m-%d %H:%M:%S").to_string()));
    assert!(!first.contains("UTC"));
    // A folder without signatures says so, and changed ones make no page.
    let record = release.join("record");
    let run_file = record.join("run.dsse.json");
    let signed = std::fs::read_to_string(&run_file).unwrap();
    std::fs::write(&run_file, signed.replacen("\"payload\":\"", "\"payload\":\"A", 1)).unwrap();
    assert_eq!(kakou(&["report", text(&release)]).status.code(), Some(1));
    std::fs::remove_file(&run_file).unwrap();
    assert!(page(work.path(), &[text(&release), "--lang", "en"]).contains("<b>unsigned</b>"));
}

#[test]
fn pages_are_self_contained_and_in_their_language() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1000");
    let key = new_key(work.path());
    let release = run(&repo("policies/csv.toml"), &data, &key, &work.path().join("out"), &[]);
    for (lang, there, absent) in [
        ("ja", "加工報告書", "Processing report"),
        ("en", "Processing report", "加工報告書"),
        ("both", "加工報告書 &#x2f; Processing report", "@@@"),
    ] {
        let html = page(work.path(), &[text(&release), "--lang", lang]);
        assert!(html.contains(there) && !html.contains(absent), "{lang}");
        assert!(html.len() < 1_000_000, "{lang}: {} bytes", html.len());
        for bad in ["<script", "javascript:", "<link", "<img", "<iframe", "url(", "@import", "src="]
        {
            assert!(!html.contains(bad), "{lang}: {bad}");
        }
        // The only address is the name of the SVG namespace.
        assert_eq!(
            html.matches("http").count(),
            html.matches("http-equiv").count()
                + html.matches("xmlns=\"http://www.w3.org/2000/svg\"").count()
        );
        let pictures = html.matches("<svg ").count();
        assert!(pictures > 30, "{pictures}");
        assert_eq!(pictures, html.matches("<title>").count() - 1);
        assert_eq!(pictures, html.matches("<desc>").count());
        assert_eq!(pictures, html.matches("role=\"img\"").count());
    }
    // Without --to the page stands beside the release, which still verifies.
    assert!(kakou(&["report", text(&release)]).status.success());
    let name = format!("{}.report.html", release.file_name().unwrap().to_str().unwrap());
    assert!(release.with_file_name(name).is_file());
    assert!(kakou(&["verify", text(&release)]).status.success());
    // Facts that were changed make no page.
    let facts = release.join("record/report.json");
    let written = std::fs::read_to_string(&facts).unwrap();
    std::fs::write(&facts, written.replacen("1000", "1001", 1)).unwrap();
    let changed = kakou(&["report", text(&release)]);
    assert_eq!(changed.status.code(), Some(1));
    assert!(error_of(&changed).contains("C0801"), "{}", error_of(&changed));
    // Not a release, and a release whose facts were damaged.
    assert_eq!(kakou(&["report", text(work.path())]).status.code(), Some(4));
    std::fs::write(release.join("record/report.json"), "{}").unwrap();
    assert_eq!(kakou(&["report", text(&release)]).status.code(), Some(1));
}

#[test]
fn a_comparison_names_what_changed() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1000");
    let key = new_key(work.path());
    let shipped = repo("policies/csv.toml");
    let other = work.path().join("other.toml");
    let changed = std::fs::read_to_string(&shipped)
        .unwrap()
        .replace("width = 30, top = 90", "width = 45, top = 90")
        .replace("id = \"csv\"", "id = \"<b>csv\"");
    // Ids are plain words: the markup goes into a title-like field that may hold anything.
    let changed = changed
        .replace("id = \"<b>csv\"", "id = \"csv\"")
        .replace("recipient = \"csv-recipient\"", "recipient = \"csv <b>&\\\"recipient\"");
    std::fs::write(&other, changed).unwrap();
    let policies = page(work.path(), &[text(&shipped), "--against", text(&other), "--lang", "en"]);
    assert!(policies.contains("persons.生年月日: anonymized") && policies.contains("<del>"));
    assert!(policies.contains("csv &lt;b&gt;&amp;&quot;recipient") && !policies.contains("<b>&"));
    let same = page(work.path(), &[text(&shipped), "--against", text(&shipped), "--lang", "en"]);
    assert!(same.contains("The policies say the same."));
    let a = run(&shipped, &data, &key, &work.path().join("a"), &[]);
    let b = run(&other, &data, &key, &work.path().join("b"), &[]);
    let html = page(work.path(), &[text(&a), "--against", text(&b), "--lang", "both"]);
    for there in ["persons.生年月日", "比較報告書", "Distance of distributions", "<svg "] {
        assert!(html.contains(there), "{there}");
    }
    // A policy alone has no report; a policy against a release compares the policies.
    assert_eq!(kakou(&["report", text(&shipped)]).status.code(), Some(1));
    assert!(page(work.path(), &[text(&shipped), "--against", text(&b)]).contains("<ins>"));
}
