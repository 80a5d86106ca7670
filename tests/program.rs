//! The program as its users meet it: errors that show no cell, drafts that do not run, both output formats.

use std::path::{Path, PathBuf};

use crate::common::{self, error_of, files, kakou, new_key, records, repo, run, text};

const CANARY: &str = "CANARY-山田-7f3a";

fn csv_data(folder: &Path, persons: &str) -> PathBuf {
    let output = kakou(&[
        "synth",
        "--quiet",
        "--layouts",
        "csv",
        "--patients",
        persons,
        "--out",
        text(folder),
    ]);
    assert!(output.status.success(), "{}", error_of(&output));
    folder.join("csv")
}

/// One thing is wrong, so one thing is said, with the folder's name.
#[test]
fn an_input_folder_that_is_not_there_is_one_error() {
    let work = tempfile::tempdir().unwrap();
    let policy = repo("policies/demo.toml");
    let gone = work.path().join("nowhere");
    let out = work.path().join("out");
    for command in
        [&["run", "--out", text(&out)][..], &["check", "--data"], &["explore", "--out", text(&out)]]
    {
        let end = ["--policy", text(&policy), "--input", text(&gone)];
        let output = kakou(&[command, &end].concat());
        let said = error_of(&output);
        assert!(!output.status.success(), "{command:?}");
        assert_eq!(said.matches("error[").count(), 1, "{command:?}: {said}");
        assert!(said.contains("error[X0501]: opening the input folder"), "{command:?}: {said}");
        assert!(said.contains("nowhere"), "{command:?}: {said}");
    }
}

#[test]
fn shipped_policies_are_taken() {
    for policy in ["demo", "csv", "clinosim", "template"] {
        let output = kakou(&["check", "--policy", text(&repo(&format!("policies/{policy}.toml")))]);
        assert!(output.status.success(), "{policy}: {}", error_of(&output));
        let shown = String::from_utf8(output.stdout).unwrap();
        for item in
            ["18条1号", "18条2号", "18条3号", "18条4号", "18条5号", "33条1号", "33条2号", "33条3号"]
        {
            assert!(shown.contains(item), "{policy}: {item} is not shown");
        }
    }
}

#[test]
fn a_draft_names_every_column_and_does_not_run() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1000");
    let output = kakou(&["init", text(&data)]);
    assert!(output.status.success(), "{}", error_of(&output));
    let draft = String::from_utf8(output.stdout).unwrap();
    for (column, role) in [
        ("氏名", "direct"),
        ("患者ID", "link"),
        ("保険者番号", "third_party"),
        ("備考", "text"),
        ("医師コード", "third_party"),
        ("性別", "quasi"),
    ] {
        let line = draft.lines().find(|l| l.starts_with(&format!("\"{column}\""))).unwrap();
        assert!(line.contains(&format!("role = \"{role}\"")), "{line}");
    }
    let birth = draft.lines().find(|l| l.starts_with("\"生年月日\"")).unwrap();
    assert!(
        birth.contains("birth") || birth.contains("quasi") || birth.contains("decide"),
        "{birth}"
    );
    let policy = work.path().join("draft.toml");
    std::fs::write(&policy, draft).unwrap();
    let output = kakou(&["check", "--policy", text(&policy)]);
    assert_eq!(output.status.code(), Some(2));
    let told = error_of(&output);
    assert!(told.contains("P0017") && told.contains("decisions"), "{told}");
}

#[test]
fn explain_shows_an_example_for_every_column() {
    let output = kakou(&["explain", "--policy", text(&repo("policies/csv.toml"))]);
    assert!(output.status.success(), "{}", error_of(&output));
    let shown = String::from_utf8(output.stdout).unwrap();
    assert!(
        shown.contains("1954-12") && shown.contains("60-89") && shown.contains("distinct persons"),
        "{shown}"
    );
    let json = kakou(&["explain", "--json", "--policy", text(&repo("policies/csv.toml"))]);
    let value: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
    assert_eq!(value["views"][0]["k"], 10);
}

#[test]
fn parquet_and_csv_releases_hold_the_same_rows() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1000");
    let key = new_key(work.path());
    let policy = work.path().join("parquet.toml");
    std::fs::write(
        &policy,
        format!(
            "extends = {:?}\n[output]\nformat = \"parquet\"\n",
            text(&repo("policies/csv.toml"))
        ),
    )
    .unwrap();
    let csv = run(&repo("policies/csv.toml"), &data, &key, &work.path().join("csv-out"), &[]);
    let parquet = run(&policy, &data, &key, &work.path().join("parquet-out"), &[]);
    let again = run(
        &policy,
        &data,
        &key,
        &work.path().join("parquet-out"),
        &["--memory", "2M", "--threads", "1"],
    );
    assert!(kakou(&["verify", text(&parquet)]).status.success());
    for path in files(&parquet.join("pseudonymized")) {
        let name = path.file_name().unwrap();
        assert!(
            std::fs::read(&path).unwrap()
                == std::fs::read(again.join("pseudonymized").join(name)).unwrap(),
            "{name:?}"
        );
    }
    let rows = |release: &Path| -> Vec<u64> {
        let statement: serde_json::Value =
            serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
                .unwrap();
        statement["tables"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|t| {
                ["pseudonymized", "anonymized"]
                    .map(|k| t["releases"][k]["rowsOut"].as_u64().unwrap())
            })
            .collect()
    };
    assert_eq!(rows(&csv), rows(&parquet));
}

#[test]
fn the_anonymized_order_tells_nothing_of_the_input_order() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "2000");
    let key = new_key(work.path());
    let a = run(&repo("policies/csv.toml"), &data, &key, &work.path().join("a"), &[]);
    let b = run(&repo("policies/csv.toml"), &data, &key, &work.path().join("b"), &[]);
    let ranks = |release: &Path| -> Vec<String> {
        records(&release.join("anonymized/persons.csv"))
            .1
            .into_iter()
            .map(|r| r[1..].join("|"))
            .collect()
    };
    let (a, b) = (ranks(&a), ranks(&b));
    assert_ne!(a, b, "two runs have one order");
    let (mut a, mut b) = (a, b);
    a.sort();
    b.sort();
    assert_eq!(a, b);
}

/// Every failure with a canary in the data: the messages name the place and never the cell.
#[test]
fn no_message_shows_a_cell() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let policy = work.path().join("policy.toml");
    let base = std::fs::read_to_string(repo("policies/template.toml"))
        .unwrap()
        .replace("encoding = \"cp932\", ", "");
    let header = "施設コード,患者ID,入院番号,氏名,保険者番号,生年月日,性別,入院日,退院日,主傷病コード,総点数,備考\n";
    let good = "1,P1,S1,x,1,19500101,1,20240101,20240102,I10,100,y\n";
    let mut cases: Vec<(String, String, i32)> = Vec::new();
    for column in 0..12 {
        let mut cells: Vec<String> = good.trim().split(',').map(str::to_owned).collect();
        // Another stay: one number of two persons is refused for that alone.
        cells[2] = "S2".to_owned();
        cells[column] = CANARY.to_owned();
        cases.push((
            base.clone(),
            format!("{header}{good}{}\n", cells.join(",")),
            if [5, 7, 8, 10].contains(&column) { 3 } else { 1 },
        ));
    }
    cases.push((base.clone(), format!("{header}{good}{CANARY},{CANARY}\n"), 3));
    cases.push((base.clone(), format!("{header}{good}\"{CANARY}\n"), 3));
    cases.push((base.clone(), format!("{CANARY},{CANARY}\n{good}"), 3));
    cases.push((
        base.clone(),
        format!("{header}{good}1,P1,\"{CANARY}\nx\",x,1,19500101,1,20240101,20240102,I10,1,y\n"),
        3,
    ));
    cases.push((
        base.replace(
            "code = \"icd10\", pseudonymized = \"keep\"",
            "code = \"icd10\", pseudonymized = { generalize = \"chapter\" }",
        ),
        format!("{header}1,P1,S1,x,1,19500101,1,20240101,20240102,{CANARY},1,y\n"),
        1,
    ));
    cases.push((
        base.clone(),
        format!("{header}1,P1,S1,x,1,19500101,1,20240101,20240102,=1+{CANARY},1,y\n").repeat(1),
        1,
    ));
    for (index, (text_of_policy, data, code)) in cases.iter().enumerate() {
        let input = work.path().join(format!("in{index}"));
        std::fs::create_dir(&input).unwrap();
        std::fs::write(input.join("stays.csv"), data).unwrap();
        std::fs::write(&policy, text_of_policy).unwrap();
        for more in [&["--json"][..], &[]] {
            let mut arguments = vec![
                "run",
                "--policy",
                text(&policy),
                "--input",
                text(&input),
                "--key",
                text(&key),
            ];
            let out = work.path().join("out");
            arguments.extend(["--out", text(&out)]);
            arguments.extend(more);
            let output = kakou(&arguments);
            assert_eq!(output.status.code(), Some(*code), "case {index}: {}", error_of(&output));
            let said = format!("{}{}", error_of(&output), String::from_utf8_lossy(&output.stdout));
            let said = common::settled(&said);
            assert!(!said.contains("CANARY") && !said.contains("7f3a"), "case {index}: {said}");
            assert!(!said.contains("internal error"), "case {index}: {said}");
            assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0, "case {index} left something");
        }
    }
}

#[test]
fn the_command_line_says_what_is_wrong() {
    assert_eq!(kakou(&["--help"]).status.code(), Some(0));
    assert_eq!(kakou(&["run"]).status.code(), Some(2));
    assert_eq!(kakou(&["nonsense"]).status.code(), Some(2));
    let output = kakou(&["check", "--policy", "/nowhere/policy.toml"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("not found"));
    assert!(!kakou(&["completions", "bash"]).stdout.is_empty());
    let schema: serde_json::Value = serde_json::from_slice(&kakou(&["schema"]).stdout).unwrap();
    assert!(schema["$defs"]["Treatment"]["anyOf"].as_array().unwrap().len() > 15);
}

#[test]
fn ids_are_never_used_twice_and_keys_are_guarded() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1000");
    let key = new_key(work.path());
    let out = work.path().join("out");
    run(&repo("policies/csv.toml"), &data, &key, &out, &["--release-id", "one"]);
    let attempt = |key: &Path, id: &str| {
        kakou(&[
            "run",
            "--quiet",
            "--policy",
            text(&repo("policies/csv.toml")),
            "--input",
            text(&data),
            "--key",
            text(key),
            "--out",
            text(&out),
            "--release-id",
            id,
        ])
    };
    let output = attempt(&key, "one");
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("never used twice"));
    assert_eq!(attempt(&key, "../two").status.code(), Some(2));
    let mut permissions = std::fs::metadata(&key).unwrap().permissions();
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    std::fs::set_permissions(&key, permissions).unwrap();
    let output = attempt(&key, "three");
    assert!(
        !output.status.success() && error_of(&output).contains("chmod 600"),
        "{}",
        error_of(&output)
    );
}

#[test]
fn a_dry_run_publishes_nothing() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1000");
    let key = new_key(work.path());
    let out = work.path().join("out");
    let output = kakou(&[
        "run",
        "--dry-run",
        "--policy",
        text(&repo("policies/csv.toml")),
        "--input",
        text(&data),
        "--key",
        text(&key),
        "--out",
        text(&out),
    ]);
    assert!(output.status.success(), "{}", error_of(&output));
    assert_eq!(std::fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn files_without_a_header_come_in_several_pieces() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let input = work.path().join("in");
    std::fs::create_dir(&input).unwrap();
    // Two TAB-separated files without a header, one table; twenty persons, each with a row in both.
    for piece in 0..2 {
        let rows: String = (0..20)
            .map(|p| {
                format!(
                    "1\tP{p:02}\tS{piece}{p:02}\tx\t1\t1950{:02}01\t{}\t20240{}10\t20240{}12\tI10\t{}\ty\n",
                    p % 12 + 1,
                    p % 2 + 1,
                    piece + 1,
                    piece + 1,
                    p * 10
                )
            })
            .collect();
        std::fs::write(input.join(format!("stays_{piece}.txt")), rows).unwrap();
    }
    let policy = work.path().join("policy.toml");
    std::fs::write(
        &policy,
        std::fs::read_to_string(repo("policies/template.toml"))
            .unwrap()
            .replace(
                "source = { path = \"stays*.csv\", encoding = \"cp932\", trim = true }",
                "source = { path = \"stays_*.txt\", header = false }",
            )
            .replace("sensitive = [{", "# sensitive = [{")
            .replace("\"stays.入院日\"]", "\"stays.入院日\"]\nk = 5\nbecause = \"a test\""),
    )
    .unwrap();
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);
    let (header, rows) = records(&release.join("anonymized/stays.csv"));
    assert_eq!(header[0], "患者ID");
    assert_eq!(rows.len(), 40);
    let persons: std::collections::BTreeSet<&String> = rows.iter().map(|r| &r[0]).collect();
    assert_eq!(persons.len(), 20);
    // A line with a field too many in the second piece is named by its piece and row, not by the file's name.
    let second = input.join("stays_1.txt");
    let all = std::fs::read_to_string(&second).unwrap();
    std::fs::write(&second, format!("{all}a\tb\n")).unwrap();
    let output = kakou(&[
        "run",
        "--quiet",
        "--policy",
        text(&policy),
        "--input",
        text(&input),
        "--key",
        text(&key),
        "--out",
        text(&work.path().join("other")),
    ]);
    assert_eq!(output.status.code(), Some(3));
    let error = error_of(&output);
    assert!(
        error.contains("row 21: 2 fields instead of 12") && error.contains("file 2 of 2"),
        "{error}"
    );
}

#[test]
fn a_draft_tells_which_columns_together_single_out_most_rows() {
    let work = tempfile::tempdir().unwrap();
    let mut csv = String::from("patient_id,sex,pref,course,fixed\n");
    for n in 0..200 {
        // Two rows a person: nobody is alone by one or two of the columns, everybody by all three.
        let person = n % 100;
        let (a, b, c) = (person % 5, person / 5 % 5, person / 25);
        csv.push_str(&format!("P{person:04},sx{a},pf{b},wd{c},same\n"));
    }
    std::fs::write(work.path().join("stays.csv"), csv).unwrap();
    let output = kakou(&["init", text(work.path())]);
    assert!(output.status.success(), "{}", error_of(&output));
    let draft = common::settled(&String::from_utf8(output.stdout).unwrap());
    let told: Vec<&str> = draft.lines().filter(|l| l.contains("together single out")).collect();
    assert_eq!(told.len(), 1, "{draft}");
    for column in ["\"sex\"", "\"pref\"", "\"course\"", "100 %"] {
        assert!(told[0].contains(column), "{}", told[0]);
    }
    assert!(!told[0].contains("fixed"));
    for value in ["sx1", "pf2", "wd3", "P0001"] {
        assert!(!draft.contains(value), "a value is shown");
    }
}

/// `--timings` tells every room, and changes nothing of what is released or, without being asked to, recorded.
#[test]
fn the_time_is_told_where_it_was_asked_for() {
    let work = tempfile::tempdir().unwrap();
    let data = csv_data(work.path(), "1000");
    let key = new_key(work.path());
    let made = |out: &str, more: &[&str]| {
        let out = work.path().join(out);
        let mut arguments = vec!["run", "--policy", "kakou:csv", "--release-id", "one"];
        arguments.extend(["--input", text(&data), "--key", text(&key), "--out", text(&out)]);
        arguments.extend(more);
        let output = kakou(&arguments);
        assert!(output.status.success(), "{}", error_of(&output));
        (String::from_utf8(output.stdout).unwrap(), out.join("one"))
    };
    let rooms =
        ["check", "intake", "declared", "measure", "freeze", "apply", "write", "prove", "seal"];
    let (silent, plain) = made("plain", &[]);
    assert!(!silent.contains("processor"));
    let (told, shown) = made("shown", &["--timings"]);
    for room in rooms {
        assert!(told.lines().any(|l| l.ends_with(&format!("  {room}"))), "{room}: {told}");
    }
    let column = told.lines().skip_while(|l| !l.starts_with("dearest columns")).nth(1);
    // Which is the dearest depends on what else the machine does.
    let named = |l: &str| rooms.iter().any(|room| l.contains(&format!("{room}: ")));
    assert!(column.is_some_and(named), "{told}");
    assert!(told.find("persons: ").unwrap() < told.find("dearest columns").unwrap());
    let (told, recorded) = made("recorded", &["--timings=record", "--lang", "ja"]);
    assert!(told.contains("プロセッサーの秒") && told.contains("  書出し"), "{told}");
    let statement = |folder: &Path| -> serde_json::Value {
        let bytes = std::fs::read(folder.join("record/statement.json")).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let tables = |folder: &Path| -> Vec<(PathBuf, Vec<u8>)> {
        let folder = folder.join("pseudonymized");
        let csv = files(&folder).into_iter().filter(|f| f.extension().is_some_and(|e| e == "csv"));
        csv.map(|f| (f.strip_prefix(&folder).unwrap().to_owned(), std::fs::read(&f).unwrap()))
            .collect()
    };
    assert!(!tables(&plain).is_empty());
    for folder in [&plain, &shown] {
        assert!(statement(folder).get("timings").is_none());
        assert!(tables(folder) == tables(&recorded), "the release is another one");
    }
    let told = &statement(&recorded)["timings"];
    let names: Vec<&str> =
        told["rooms"].as_array().unwrap().iter().map(|r| r["room"].as_str().unwrap()).collect();
    assert!(rooms.iter().all(|room| names.contains(room)), "{names:?}");
    assert!(told["rooms"][0]["processor"].is_number() && told["columns"].is_array());
}
