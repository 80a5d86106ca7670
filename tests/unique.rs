//! Whom facts beside a view single out, in whole runs: counted here by the definition from the released files alone, refused
//! beyond a limit, and told.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::{error_of, files, kakou, new_key, records, releases, relist, repo, run, text};

const POLICY: &str = r#"[policy]
id = "alone"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
tier = "research"
suppress = { unit = "row", at_most = 0.5 }
[[anonymized.view]]
name = "stay"
grain = "stays"
quasi = ["patients.sex", "stays.admitted"]
k = 3
because = "a test"
#WORDS
[not_applicable]
"18-2" = "none"
"33-2" = "none"
"33-3" = "none"
[tables.patients]
grain = "person"
source = { path = "patients.csv" }
keys = { patient = "id" }
[tables.patients.columns]
id = { role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }
name = { role = "direct", pseudonymized = "drop", anonymized = "drop" }
sex = { role = "quasi", pseudonymized = "keep", anonymized = "keep" }
blood = { role = "payload", pseudonymized = "keep", anonymized = { rare = 3 } }
[tables.stays]
grain = "stay"
source = { path = "stays.csv" }
keys = { patient = "id", stay = "stay" }
[tables.stays.columns]
id = { role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }
stay = { role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }
admitted = { role = "quasi", type = "date", kind = "event", pseudonymized = "shift_date", anonymized = { truncate_date = "year" } }
days = { role = "payload", type = "integer", pseudonymized = "keep", anonymized = { round = { step = 3, tails = 3 } } }
disease = { role = "sensitive", code = "icd10", pseudonymized = "keep", anonymized = { rare = { below = 3, other = "other" } } }
[tables.events]
grain = "event"
source = { path = "events.csv" }
keys = { patient = "id", stay = "stay" }
[tables.events.columns]
id = { role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }
stay = { role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }
act = { role = "payload", pseudonymized = "keep", anonymized = { rare = 3 } }
"#;

/// A number that only looks like chance.
fn drawn(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

fn data(folder: &Path) -> PathBuf {
    let input = folder.join("in");
    std::fs::create_dir_all(&input).unwrap();
    let mut seed = 7;
    let mut patients = "id,name,sex,blood\n".to_owned();
    let mut stays = "id,stay,admitted,days,disease\n".to_owned();
    let mut events = "id,stay,act\n".to_owned();
    let mut number = 0;
    for person in 0..120 {
        let id = format!("P{person:06}");
        let blood = ["A", "B", "O", ""][drawn(&mut seed, 4) as usize];
        patients.push_str(&format!("{id},Name{person:06},{},{blood}\n", drawn(&mut seed, 2) + 1));
        for _ in 0..=drawn(&mut seed, 3) {
            number += 1;
            let stay = format!("S{number:06}");
            let year = 2023 + drawn(&mut seed, 2);
            let disease = ["I10", "E119", "J189", "C349", "N40", ""][drawn(&mut seed, 6) as usize];
            stays.push_str(&format!(
                "{id},{stay},{year}-04-0{},{},{disease}\n",
                drawn(&mut seed, 9) + 1,
                drawn(&mut seed, 20)
            ));
            for _ in 0..drawn(&mut seed, 6) {
                events.push_str(&format!("{id},{stay},a{}\n", drawn(&mut seed, 3)));
            }
        }
    }
    for (name, content) in [("patients", patients), ("stays", stays), ("events", events)] {
        std::fs::write(input.join(format!("{name}.csv")), content).unwrap();
    }
    input
}

fn policy(folder: &Path, name: &str, words: &str) -> PathBuf {
    let path = folder.join(format!("{name}.toml"));
    std::fs::write(&path, POLICY.replace("#WORDS", words)).unwrap();
    path
}

/// A released row: its person, its class, its facts by name.
struct Row {
    person: String,
    class: Vec<String>,
    facts: BTreeMap<String, String>,
}

fn table(release: &Path, name: &str) -> Vec<BTreeMap<String, String>> {
    let (header, rows) = records(&release.join(format!("anonymized/{name}.csv")));
    let named = |row: Vec<String>| header.iter().cloned().zip(row).collect();
    rows.into_iter().map(named).collect()
}

/// Rows that exactly one person fits, and the persons with such rows.
fn singled(rows: &[Row], facts: &[&str]) -> (u64, u64) {
    let key =
        |r: &Row| (r.class.clone(), facts.iter().map(|&f| r.facts[f].clone()).collect::<Vec<_>>());
    let mut fits: BTreeMap<_, BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        fits.entry(key(row)).or_default().insert(&row.person);
    }
    let alone: Vec<&Row> = rows.iter().filter(|r| fits[&key(r)].len() == 1).collect();
    let persons: BTreeSet<&str> = alone.iter().map(|r| r.person.as_str()).collect();
    (alone.len() as u64, persons.len() as u64)
}

/// Holds all figures of a view against the definition.
fn compared(told: &serde_json::Value, rows: &[Row]) {
    let figure = |singled: &serde_json::Value| {
        (singled["rows"].as_u64().unwrap(), singled["persons"].as_u64().unwrap())
    };
    let names: Vec<&str> =
        told["facts"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    assert_eq!(told["rows"], rows.len());
    assert_eq!(told["combined"], names.len());
    assert_eq!(figure(&told["alone"]), singled(rows, &[]));
    for (at, &name) in names.iter().enumerate() {
        assert_eq!(figure(&told["byFact"][at]), singled(rows, &[name]), "{name}");
    }
    for worst in told["worst"].as_array().unwrap() {
        let facts: Vec<usize> = worst["facts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f.as_u64().unwrap() as usize)
            .collect();
        let every = (0..1_usize << names.len()).filter(|b| b.count_ones() as usize == facts.len());
        let most = every
            .map(|bits| {
                let some: Vec<&str> =
                    (0..names.len()).filter(|f| bits >> f & 1 == 1).map(|f| names[f]).collect();
                singled(rows, &some).0
            })
            .max();
        let named: Vec<&str> = facts.iter().map(|&f| names[f]).collect();
        assert_eq!(figure(&worst["singled"]), singled(rows, &named));
        assert_eq!(worst["singled"]["rows"].as_u64(), most);
    }
    let mut classes: BTreeMap<&str, Vec<&Vec<String>>> = BTreeMap::new();
    for row in rows {
        classes.entry(&row.person).or_default().push(&row.class);
    }
    let alone = |of: &dyn Fn(&Vec<&Vec<String>>) -> Vec<Vec<String>>| {
        let mut persons: BTreeMap<Vec<Vec<String>>, u64> = BTreeMap::new();
        for classes in classes.values() {
            *persons.entry(of(classes)).or_default() += 1;
        }
        persons.values().filter(|&&n| n == 1).count()
    };
    let sorted = |c: &Vec<&Vec<String>>| {
        let mut all: Vec<Vec<String>> = c.iter().map(|&c| c.clone()).collect();
        all.sort();
        all
    };
    assert_eq!(told["byRows"], alone(&sorted));
    assert_eq!(
        told["bySet"],
        alone(&|c| {
            let mut all = sorted(c);
            all.dedup();
            all
        })
    );
}

fn statement(release: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap()).unwrap()
}

fn stays(release: &Path) -> Vec<Row> {
    let patients: BTreeMap<String, BTreeMap<String, String>> =
        table(release, "patients").into_iter().map(|p| (p["id"].clone(), p)).collect();
    table(release, "stays")
        .into_iter()
        .map(|stay| Row {
            person: stay["id"].clone(),
            class: vec![patients[&stay["id"]]["sex"].clone(), stay["admitted"].clone()],
            facts: [
                ("patients.blood".to_owned(), patients[&stay["id"]]["blood"].clone()),
                ("stays.days".to_owned(), stay["days"].clone()),
                ("stays.disease".to_owned(), stay["disease"].clone()),
            ]
            .into(),
        })
        .collect()
}

#[test]
fn a_release_is_measured_and_its_record_says_what_the_files_say() {
    let work = tempfile::tempdir().unwrap();
    let (input, key) = (data(work.path()), new_key(work.path()));
    let plain = policy(work.path(), "plain", "unique_with = { m = 3 }");
    let whole = run(&plain, &input, &key, &work.path().join("whole"), &[]);
    let told = &statement(&whole)["unique"];
    let rows = stays(&whole);
    compared(&told["views"][0], &rows);
    assert_eq!(told["views"][0]["facts"].as_array().unwrap().len(), 3);
    assert!(told["views"][0]["worst"][2]["singled"]["rows"].as_u64().unwrap() > 10);

    // Persons by their numbers of events.
    let mut events: BTreeMap<String, u64> = BTreeMap::new();
    for event in table(&whole, "events") {
        *events.entry(event["id"].clone()).or_default() += 1;
    }
    let mut of_number: BTreeMap<u64, u64> = BTreeMap::new();
    for &number in events.values() {
        *of_number.entry(number).or_default() += 1;
    }
    let alone = of_number.values().filter(|&&n| n == 1).count();
    assert_eq!(
        told["tables"][0],
        serde_json::json!({ "table": "events", "persons": events.len(), "alone": alone })
    );
    assert!(kakou(&["verify", "--quiet", text(&whole)]).status.success());

    // The same figures however the persons are spread over partitions and in whichever format.
    let split = run(&plain, &input, &key, &work.path().join("split"), &["--memory", "100K"]);
    assert_eq!(statement(&split)["unique"], *told);
    let parquet = work.path().join("parquet.toml");
    let format = format!(
        "{}\n[output]\nformat = \"parquet\"\n",
        POLICY.replace("#WORDS", "unique_with = { m = 3 }")
    );
    std::fs::write(&parquet, format).unwrap();
    let parquet = run(&parquet, &input, &key, &work.path().join("parquet"), &[]);
    assert_eq!(statement(&parquet)["unique"], *told);
    assert!(kakou(&["verify", "--quiet", text(&parquet)]).status.success());

    // Recipients are not told what was measured.
    for file in files(&whole.join("anonymized")) {
        assert!(!String::from_utf8_lossy(&std::fs::read(file).unwrap()).contains("unique"));
    }
    // The page of the report has the line and the table.
    let page = work.path().join("page.html");
    let report = kakou(&["report", text(&whole), "--lang", "both", "--to", text(&page)]);
    assert!(report.status.success(), "{}", error_of(&report));
    let page = std::fs::read_to_string(page).unwrap();
    assert!(page.contains("ビュー stay: 一人だけが当てはまる行は、ビューの事実だけで 0 %; + "));
    assert!(
        page.contains("view stay: rows that one person alone fits, by its facts alone 0 %; + ")
    );
    assert!(page.contains("stays.days + stays.disease"));
}

#[test]
fn facts_of_several_rows_count_as_the_set_that_a_stay_shows() {
    let work = tempfile::tempdir().unwrap();
    let (input, key) = (data(work.path()), new_key(work.path()));
    let words = "unique_with = { facts = [\"events.act\", \"stays.days\"] }";
    let release =
        run(&policy(work.path(), "set", words), &input, &key, &work.path().join("out"), &[]);
    let mut acts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in table(&release, "events") {
        acts.entry(event["id"].clone()).or_default().insert(event["act"].clone());
    }
    let mut rows = stays(&release);
    for row in &mut rows {
        // The events own no key: what they show of a person is known of each of the person's stays.
        row.facts.insert("events.act".into(), format!("{:?}", acts.get(&row.person)));
    }
    compared(&statement(&release)["unique"]["views"][0], &rows);
}

/// A column of events that is the same in all rows of a stay is a fact of the stay, though each event repeats it and some are wrong.
#[test]
fn a_column_of_events_may_be_a_fact_of_the_stay() {
    let work = tempfile::tempdir().unwrap();
    let (input, key) = (data(work.path()), new_key(work.path()));
    let events = std::fs::read_to_string(input.join("events.csv")).unwrap();
    let mut with = "id,stay,act,ward,bed\n".to_owned();
    for (at, line) in events.lines().skip(1).enumerate() {
        let stay: usize = line.split(',').nth(1).unwrap()[1..].parse().unwrap();
        // One typing error in a hundred rows.
        let ward = if at % 100 == 50 { 9 } else { stay % 9 };
        with.push_str(&format!("{line},w{ward},n{}\n", at % 4));
    }
    std::fs::write(input.join("events.csv"), with).unwrap();
    let columns = "ward = { role = \"payload\", pseudonymized = \"keep\", anonymized = { rare = 3 } }\nbed = { role = \"payload\", pseudonymized = \"keep\", anonymized = { rare = 3 } }\n";
    let path = work.path().join("stays.toml");
    std::fs::write(&path, POLICY.replace("#WORDS", "") + columns).unwrap();
    let release = run(&path, &input, &key, &work.path().join("out"), &[]);
    let mut wards: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for event in table(&release, "events") {
        if !event["ward"].is_empty() {
            wards.entry(event["stay"].clone()).or_default().insert(event["ward"].clone());
        }
    }
    let tokens: Vec<String> =
        table(&release, "stays").into_iter().map(|stay| stay["stay"].clone()).collect();
    let mut rows = stays(&release);
    for (row, token) in rows.iter_mut().zip(tokens) {
        // The few with several values are told as one.
        let ward = match wards.get(&token).map(|w| w.iter().collect::<Vec<_>>()).as_deref() {
            None => "none".to_owned(),
            Some([ward]) => (*ward).clone(),
            Some(_) => "several".to_owned(),
        };
        row.facts.insert("events.ward".to_owned(), ward);
    }
    let told = &statement(&release)["unique"];
    assert_eq!(
        told["views"][0]["facts"],
        serde_json::json!(["patients.blood", "stays.days", "stays.disease", "events.ward"])
    );
    compared(&told["views"][0], &rows);
    assert!(kakou(&["verify", "--quiet", text(&release)]).status.success());
    let split = run(&path, &input, &key, &work.path().join("split"), &["--memory", "100K"]);
    assert_eq!(statement(&split)["unique"], *told);
}

#[test]
fn beyond_the_limit_nothing_is_written_and_explain_says_why() {
    let work = tempfile::tempdir().unwrap();
    let (input, key) = (data(work.path()), new_key(work.path()));
    let strict = policy(work.path(), "strict", "unique_with = { at_most = 0.05 }");
    let out = work.path().join("out");
    let arguments = [
        "run",
        "--policy",
        text(&strict),
        "--input",
        text(&input),
        "--key",
        text(&key),
        "--out",
        text(&out),
    ];
    let refused = kakou(&arguments);
    assert_eq!(refused.status.code(), Some(1));
    let error = error_of(&refused);
    assert!(
        error.contains(
            "error[C0111]: view `stay`: who knows its facts and `stays.days` and `stays.disease`"
        ),
        "{error}"
    );
    assert!(error.contains("0.05 may be"), "{error}");
    for cell in ["E119", "J189", "P000001", "Name000001"] {
        assert!(!error.contains(cell), "{error}");
    }
    assert!(releases(&out).is_empty());
    assert!(!files(&out).iter().any(|f| f.to_string_lossy().ends_with(".csv")));

    let explained = kakou(&["explain", "--policy", text(&strict), "--input", text(&input)]);
    assert_eq!(explained.status.code(), Some(1));
    let shown = String::from_utf8_lossy(&explained.stdout).into_owned();
    assert!(shown.contains("whoever knows up to 2 of these facts beside the view: at most 5 % of the rows may fit one person alone: patients.blood, stays.days, stays.disease"), "{shown}");
    assert!(
        shown.contains(
            "view stay: rows that one person alone fits, by its facts alone 0 %; + stays.days"
        ),
        "{shown}"
    );
    assert!(shown.contains("(at most 5 % may be)"), "{shown}");
    assert!(error_of(&explained).contains("C0111"));

    // What is coarse enough is let through, and the limit stands in the record.
    let coarse = POLICY
        .replace("#WORDS", "unique_with = { at_most = 0.05 }")
        .replace("{ round = { step = 3, tails = 3 } }", "\"drop\"")
        .replace("{ rare = 3 } }\n[tables.stays]", "\"drop\" }\n[tables.stays]");
    let fine = work.path().join("fine.toml");
    std::fs::write(&fine, coarse).unwrap();
    let release = run(&fine, &input, &key, &out, &[]);
    let told = statement(&release)["unique"]["views"][0].clone();
    assert_eq!((&told["atMost"], told["facts"].as_array().unwrap().len()), (&0.05.into(), 1));
    assert!(
        told["worst"][0]["singled"]["rows"].as_f64().unwrap()
            <= 0.05 * told["rows"].as_f64().unwrap()
    );
}

#[test]
fn the_public_policy_keeps_its_limit_on_synthetic_hospitals() {
    let work = tempfile::tempdir().unwrap();
    let data = work.path().join("data");
    let made = kakou(&[
        "synth",
        "--quiet",
        "--patients",
        "1000",
        "--hospitals",
        "2",
        "--layouts",
        "dpc",
        "--seed",
        "4",
        "--out",
        text(&data),
    ]);
    assert!(made.status.success(), "{}", error_of(&made));
    let key = new_key(work.path());
    let public = repo("policies/dpc-anonymized-public.toml");
    let release = run(&public, &data.join("dpc"), &key, &work.path().join("out"), &[]);
    let statement = statement(&release);
    let told = statement["unique"]["views"].as_array().unwrap();
    let told = told.iter().find(|v| v["view"] == "stay").unwrap();
    assert_eq!(told["atMost"], 0.02);
    // All columns of all files of stays, by their names, joined by the token of the stay.
    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let view = [
        "ff1_a000010.生年月日",
        "ff1_a000010.性別",
        "ff1_a000010.郵便番号",
        "ff1_a000030.退院年月日",
    ];
    let mut classes: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for file in files(&release.join("anonymized")) {
        if file.extension().is_none_or(|e| e != "csv") {
            continue;
        }
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        if name.starts_with("dictionary.") {
            continue;
        }
        for line in table(&release, &name) {
            let stay = line["入院符号"].clone();
            let row = rows.entry(stay.clone()).or_insert_with(|| Row {
                person: line["データ識別番号"].clone(),
                class: Vec::new(),
                facts: BTreeMap::new(),
            });
            for (column, cell) in line {
                let column = format!("{name}.{column}");
                if view.contains(&column.as_str()) {
                    classes.entry(stay.clone()).or_default().insert(column, cell);
                } else if !column.ends_with("入院符号") && !column.ends_with("データ識別番号")
                {
                    row.facts.insert(column, cell);
                }
            }
        }
    }
    let rows: Vec<Row> = rows
        .into_iter()
        .map(|(stay, row)| Row { class: classes[&stay].values().cloned().collect(), ..row })
        .collect();
    assert!(
        rows.iter().all(|r| r.class.len() == view.len() && r.facts.len() == rows[0].facts.len())
    );
    let mut names: Vec<&String> = rows[0].facts.keys().collect();
    let mut facts: Vec<&str> =
        told["facts"].as_array().unwrap().iter().map(|f| f.as_str().unwrap()).collect();
    names.sort_unstable();
    facts.sort_unstable();
    assert_eq!(names, facts, "every released column outside the view is a fact");
    compared(told, &rows);
    let most =
        told["worst"].as_array().unwrap().last().unwrap()["singled"]["rows"].as_f64().unwrap();
    assert!(most / rows.len() as f64 <= 0.02);
}

/// The paths (JSON pointers) of all numbers and truths in a value.
fn leaves(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
    use serde_json::Value;
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                leaves(field, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                leaves(item, &format!("{path}/{at}"), found);
            }
        }
        Value::Number(_) | Value::Bool(_) => found.push(path.to_owned()),
        Value::Null | Value::String(_) => {}
    }
}

#[test]
fn every_figure_that_is_recounted_is_held_against_the_files() {
    use serde_json::Value;
    let work = tempfile::tempdir().unwrap();
    let (input, key) = (data(work.path()), new_key(work.path()));
    let words = "unique_with = { m = 2, at_most = 1.0 }";
    let release =
        run(&policy(work.path(), "told", words), &input, &key, &work.path().join("out"), &[]);
    let verify =
        || kakou::record::verify::verify(&release, kakou::record::verify::Trust::default());
    assert!(verify().is_ok());
    let file = release.join("record/statement.json");
    let told = statement(&release);
    // Nobody has signed: the manifest is made again as anybody could.
    let write = |told: &Value| {
        std::fs::write(&file, serde_json::to_vec(told).unwrap()).unwrap();
        relist(&release);
    };
    let mut paths = Vec::new();
    for at in ["/unique", "/steady", "/proof/floors", "/proof/joins"] {
        leaves(told.pointer(at).unwrap(), at, &mut paths);
    }
    for (at, _) in told["views"].as_array().unwrap().iter().enumerate() {
        leaves(&told["views"][at]["recounted"], &format!("/views/{at}/recounted"), &mut paths);
    }
    // One of each kind: places in a list are alike.
    let mut kinds = BTreeSet::new();
    paths.retain(|path| {
        let kind: String = path.chars().filter(|c| !c.is_ascii_digit()).collect();
        kinds.insert(kind)
    });
    assert!(paths.len() > 20, "{paths:?}");
    for path in paths {
        let mut changed = told.clone();
        let leaf = changed.pointer_mut(&path).unwrap();
        *leaf = match leaf.as_u64() {
            Some(number) => (number + 1).into(),
            None => leaf.as_f64().map_or_else(
                || Value::Bool(!leaf.as_bool().unwrap()),
                |share| (share + 0.001).into(),
            ),
        };
        write(&changed);
        assert!(verify().is_err(), "{path} is nowhere compared with the files");
    }
    write(&told);
    assert!(verify().is_ok());
}
