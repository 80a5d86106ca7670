//! Who is a person and which files are read: identifiers, grains, files that nobody reads, codes of a facility, zones.

use std::path::{Path, PathBuf};

use crate::common::{error_of, kakou, new_key, records, text};

/// A folder with input files, a policy of two tables and what a run made of them.
struct Case {
    work: tempfile::TempDir,
    key: PathBuf,
}

/// What a policy says beside its tables.
const HEAD: &str = r#"
[policy]
id = "t"
version = "1"
profile = "ngmia"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
tier = "controlled"
suppress = { unit = "row", at_most = 0.9 }
[[anonymized.view]]
name = "v"
grain = "t"
quasi = ["t.sex"]
[not_applicable]
"18-2" = "none"
"18-4" = "none"
"33-2" = "none"
"33-3" = "none"
"#;

/// A table with a number, a birth date and a sex.
fn table(name: &str, path: &str, grain: &str, more: &str) -> String {
    format!(
        r#"
[tables.{name}]
grain = "{grain}"
source = {{ path = "{path}" }}
keys = {{ patient = "id" }}
{more}
[tables.{name}.columns]
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
birth = {{ role = "quasi", type = "date", kind = "birth", pseudonymized = {{ truncate_date = "month" }}, anonymized = "drop" }}
sex = {{ role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }}
"#
    )
}

/// A second table, of events, whose quasi-identifiers are in no view.
fn second() -> String {
    let keep = "pseudonymized = \"keep\", anonymized = \"keep\"";
    let drop = "pseudonymized = \"keep\", anonymized = \"drop\"";
    table("u", "u.csv", "event", "").replace(keep, drop)
}

fn rows(ids: &[&str]) -> String {
    let mut csv = "id,birth,sex\n".to_owned();
    for id in ids {
        csv.push_str(&format!("{id},1960-01-01,1\n"));
    }
    csv
}

/// Twelve numbers, and more.
fn with<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let twelve = [
        "7001", "7002", "7003", "7004", "7005", "7006", "7007", "7008", "7009", "7010", "7011",
        "7012",
    ];
    twelve.into_iter().chain(more.iter().copied()).collect()
}

impl Case {
    fn new() -> Self {
        let work = tempfile::tempdir().unwrap();
        std::fs::create_dir(work.path().join("in")).unwrap();
        let key = new_key(work.path());
        Case { work, key }
    }
    fn put(&self, name: &str, content: impl AsRef<[u8]>) -> &Self {
        let path = self.work.path().join("in").join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
        self
    }
    fn policy(&self, text: &str) {
        std::fs::write(self.work.path().join("policy.toml"), text).unwrap();
    }
    /// Runs; the release folder, or what was said.
    fn run(&self, more: &[&str]) -> Result<PathBuf, String> {
        let out = self.work.path().join("out");
        let input = self.work.path().join("in");
        let policy = self.work.path().join("policy.toml");
        let _ = std::fs::remove_dir_all(&out);
        let mut arguments = vec!["run", "--policy", text(&policy), "--input", text(&input)];
        arguments.extend(["--key", text(&self.key), "--out", text(&out), "--release-id", "r"]);
        arguments.extend(more);
        let output = kakou(&arguments);
        let said = error_of(&output);
        std::fs::write(self.work.path().join("said"), &said).unwrap();
        if output.status.success() { Ok(out.join("r")) } else { Err(said) }
    }
    fn said(&self) -> String {
        std::fs::read_to_string(self.work.path().join("said")).unwrap()
    }
    fn statement(&self) -> serde_json::Value {
        let path = self.work.path().join("out/r/record/statement.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }
}

/// One table `t` of events, and what a run makes of it.
fn one(head: &str, grain: &str, more: &str, csv: &str) -> (Case, Result<PathBuf, String>) {
    let case = Case::new();
    case.put("t.csv", csv);
    case.policy(&format!(
        "{head}{HEAD}[person]\nkey = \"patient\"\n{}",
        table("t", "t.csv", grain, more)
    ));
    let result = case.run(&[]);
    (case, result)
}

fn tokens(release: &Path, table: &str) -> usize {
    let (_, rows) = records(&release.join(format!("pseudonymized/{table}.csv")));
    let tokens: std::collections::BTreeSet<&String> = rows.iter().map(|r| &r[0]).collect();
    tokens.len()
}

/// That a run is refused with a code and that no number of the data is in the message.
fn refused(result: &Result<PathBuf, String>, code: &str) {
    let said = result.as_ref().expect_err(code);
    assert!(said.contains(&format!("[{code}]")), "{code}: {said}");
    for number in ["7001", "3-14", "31-4", "aB3x", "1.23457E", "1960"] {
        assert!(!said.contains(number), "{said}");
    }
}

#[test]
fn words_that_are_no_number_are_refused_or_set_aside() {
    for word in [
        "NULL",
        "NaN",
        "N/A",
        "不明",
        "テスト",
        "テスト 01",
        "ﾃｽﾄ患者",
        "TEST",
        "test-patient",
        "dummy",
        "ダミー",
        "ダミー2",
        "-",
        ".",
        "合計",
        "総計",
        "Total",
        "1.23457E+11",
        "999",
        "",
        "########",
    ] {
        let csv = rows(&with(&[word, word]));
        refused(&one("", "event", "", &csv).1, "D0202");
        let (case, result) = one("", "event", "set_aside = [\"key\"]", &csv);
        assert_eq!(tokens(&result.unwrap(), "t"), 12, "{word}");
        assert_eq!(case.statement()["tables"][0]["setAside"]["key"], 2, "{word}");
    }
}

#[test]
fn two_spellings_of_two_persons_are_refused_and_of_one_told() {
    for pair in [["3-14", "31-4"], ["aB3x", "Ab3X"], ["1 11", "11 1"]] {
        refused(&one("", "event", "", &rows(&with(&pair))).1, "D0412");
    }
    // What the rows say of the persons parts them, however the numbers are written.
    let mut csv = rows(&with(&["ab-3"]));
    csv.push_str("AB3,1971-02-03,1\n");
    refused(&one("", "event", "", &csv).1, "D0412");
    let mut csv = rows(&with(&["ab-3"]));
    csv.push_str("AB3,,2\n");
    refused(&one("", "event", "", &csv).1, "D0412");
    let (case, result) = one("", "event", "", &rows(&with(&["０００１２", "00012", "00-012"])));
    assert_eq!(tokens(&result.unwrap(), "t"), 13);
    assert!(case.said().contains("W0304"), "{}", case.said());
    assert_eq!(case.statement()["persons"]["inSeveralSpellings"], 1);
}

#[test]
fn case_and_hyphens_are_kept_where_the_policy_says_so() {
    let case = Case::new();
    case.put("t.csv", rows(&with(&["3-14", "31-4", "aB3x", "Ab3X", "1 11", "11 1"])));
    let person =
        "[person]\nkey = \"patient\"\nnormalize = { keep_case = true, keep_hyphens = true }\n";
    case.policy(&format!("{HEAD}{person}{}", table("t", "t.csv", "event", "")));
    assert_eq!(tokens(&case.run(&[]).unwrap(), "t"), 18);
}

#[test]
fn nines_are_a_number_where_numbers_near_them_are() {
    let (case, result) =
        one("", "person", "", &rows(&["996", "997", "998", "999", "1000", "1001"]));
    assert_eq!(tokens(&result.unwrap(), "t"), 6);
    assert_eq!(case.statement()["identifiersOfNines"][0]["numbers"], 1);
    // Alone, and standing out among others.
    refused(&one("", "person", "", &rows(&with(&["9999"]))).1, "D0202");
    let mut ids = vec!["9990", "9991", "9992", "9993", "9994", "9995", "9996", "9997", "9998"];
    ids.extend(["9999"; 12]);
    refused(&one("", "event", "", &rows(&ids)).1, "D0202");
    let mut csv = rows(&["997", "998", "999", "1000"]);
    csv.push_str("999,1971-02-03,1\n");
    refused(&one("", "event", "", &csv).1, "D0202");
    // In a padded register 999 has lost its zeros.
    for (word, persons) in [("never", 13), ("always", 12)] {
        let case = Case::new();
        case.put("t.csv", rows(&with(&["9999"])));
        let person =
            format!("[person]\nkey = \"patient\"\nnormalize = {{ fillers = \"{word}\" }}\n");
        let aside = "set_aside = [\"key\"]";
        case.policy(&format!("{HEAD}{person}{}", table("t", "t.csv", "event", aside)));
        assert_eq!(tokens(&case.run(&[]).unwrap(), "t"), persons, "{word}");
    }
}

/// A common number across hospitals that is no key here is often nines where nobody has one: six persons would share a code.
#[test]
fn nines_of_a_code_are_judged_by_its_column() {
    let column = |anonymized: &str| {
        format!(
            "common_id = {{ role = \"link\", type = \"code\", pseudonymized = \"pseudonym\", anonymized = \"{anonymized}\" }}\n"
        )
    };
    // The numbers, how many of them are a code, and what is told.
    let far: Vec<u32> = (0..400).map(|n| if n % 60 == 0 { 99999 } else { 20000 + n }).collect();
    let near: Vec<u32> = (0..400).map(|n| 99800 + n).collect();
    for (numbers, codes, told) in [(far, 393, "fillers"), (near, 400, "numbers")] {
        for (anonymized, memory) in [("surrogate", "4G"), ("surrogate", "1M"), ("drop", "4G")] {
            let case = Case::new();
            let mut csv = "id,birth,sex,common_id\n".to_owned();
            for (at, number) in numbers.iter().enumerate() {
                csv.push_str(&format!("{},1960-01-01,1,{number}\n", 700_000 + at));
            }
            case.put("t.csv", csv);
            let table = table("t", "t.csv", "person", "") + &column(anonymized);
            case.policy(&format!("{HEAD}[person]\nkey = \"patient\"\n{table}"));
            let release = case.run(&["--memory", memory]).unwrap();
            let (_, rows) = records(&release.join("pseudonymized/t.csv"));
            let found: std::collections::BTreeSet<&str> =
                rows.iter().map(|r| r[3].as_str()).filter(|code| !code.is_empty()).collect();
            assert_eq!((rows.len(), found.len()), (400, codes), "{told} {anonymized} {memory}");
            let nines = &case.statement()["identifiersOfNines"][0];
            assert_eq!((&nines["key"], &nines[told]), (&"t.common_id".into(), &1.into()));
        }
    }
}

#[test]
fn a_filler_is_set_aside_in_partitions_too() {
    let case = Case::new();
    let mut csv = "id,birth,sex\n".to_owned();
    for n in 0..20_000 {
        csv.push_str(&format!("{},1960-01-01,1\n", 10_000_000 + n));
    }
    csv.push_str("99999999,1960-01-01,1\n99999999,1971-01-01,2\n10000001,1960-01-01,1\n");
    case.put("t.csv", csv);
    let aside = "set_aside = [\"key\", \"duplicate\"]";
    case.policy(&format!(
        "{HEAD}[person]\nkey = \"patient\"\n{}",
        table("t", "t.csv", "person", aside)
    ));
    for memory in ["1M", "4G"] {
        assert_eq!(tokens(&case.run(&["--memory", memory]).unwrap(), "t"), 20_000);
        let aside = &case.statement()["tables"][0]["setAside"];
        assert_eq!((&aside["key"], &aside["duplicate"]), (&2.into(), &1.into()), "{memory}");
    }
}

#[test]
fn floats_are_the_numbers_they_were() {
    let case = Case::new();
    let ids: Vec<String> = (1..=12).map(|n| format!("{n}.0")).collect();
    case.put("t.csv", rows(&ids.iter().map(String::as_str).collect::<Vec<_>>()));
    let ids: Vec<String> = (1..=12).map(|n| n.to_string()).collect();
    case.put("u.csv", rows(&ids.iter().map(String::as_str).collect::<Vec<_>>()));
    let tables = [table("t", "t.csv", "person", ""), second()].concat();
    case.policy(&format!("{HEAD}[person]\nkey = \"patient\"\n{tables}"));
    let release = case.run(&[]).unwrap();
    assert_eq!(case.statement()["persons"]["read"], 12);
    assert_eq!((tokens(&release, "t"), tokens(&release, "u")), (12, 12));
    assert!(!case.said().contains("W0303"), "{}", case.said());
}

#[test]
fn tables_that_share_nobody_are_told() {
    let case = Case::new();
    case.put("t.csv", rows(&with(&[])));
    case.put("u.csv", rows(&["1", "2", "3", "4", "5", "6", "7", "8"]));
    let tables = [table("t", "t.csv", "person", ""), second()].concat();
    case.policy(&format!("{HEAD}[person]\nkey = \"patient\"\n{tables}"));
    case.run(&[]).unwrap();
    assert!(case.said().contains("W0303"), "{}", case.said());
    let warnings = case.statement()["warnings"].to_string();
    assert!(warnings.contains("W0303"), "{warnings}");
}

#[test]
fn a_person_has_one_row_where_the_grain_says_so() {
    let mut csv = rows(&with(&[]));
    csv.push_str("7003,1960-01-01,2\n");
    refused(&one("", "person", "", &csv).1, "D0413");
    assert!(one("", "event", "", &csv).1.is_ok());
    let csv = rows(&with(&["7003", "7004"]));
    refused(&one("", "person", "", &csv).1, "D0414");
    let (case, result) = one("", "person", "set_aside = [\"duplicate\"]", &csv);
    assert_eq!(tokens(&result.unwrap(), "t"), 12);
    assert_eq!(case.statement()["tables"][0]["setAside"]["duplicate"], 2);
    // Several rows that a column tells apart.
    let mut csv = rows(&with(&[]));
    csv.push_str("7003,1960-01-01,2\n");
    assert!(one("", "person", "repeats_by = [\"sex\"]", &csv).1.is_ok());
}

/// Stays with a number of their own.
fn stays(rows: &str, key: &str, more: &str) -> (Case, Result<PathBuf, String>) {
    let case = Case::new();
    let mut csv = "id,stay,sex\n".to_owned();
    for n in 0..12 {
        csv.push_str(&format!("{},S{n},1\n", 7001 + n));
    }
    case.put("t.csv", csv + rows);
    case.policy(&format!(
        r#"{HEAD}
[person]
key = "patient"
[tables.t]
grain = "stay"
source = {{ path = "t.csv" }}
keys = {{ patient = "id", stay = {key} }}
{more}
[tables.t.columns]
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
stay = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
sex = {{ role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }}
"#
    ));
    let result = case.run(&[]);
    (case, result)
}

#[test]
fn a_stay_is_of_one_person_and_has_one_row() {
    assert!(stays("7001,S90,1\n", "\"stay\"", "").1.is_ok());
    refused(&stays("7002,S0,1\n", "\"stay\"", "").1, "D0415");
    assert!(stays("7002,S0,1\n", "[\"id\", \"stay\"]", "").1.is_ok());
    refused(&stays("7001,S0,2\n", "\"stay\"", "").1, "D0413");
    refused(&stays("7001,S0,1\n", "\"stay\"", "").1, "D0414");
    let (case, result) = stays("7001,S0,1\n", "\"stay\"", "set_aside = [\"duplicate\"]");
    result.unwrap();
    assert_eq!(case.statement()["tables"][0]["setAside"]["duplicate"], 1);
}

/// The number of a stay has one token where no table is one of stays, too.
#[test]
fn a_number_of_events_is_of_one_person() {
    let events = |more: &str, role: &str, shown: &str| {
        let case = Case::new();
        let mut csv = "id,stay,sex\n".to_owned();
        for n in 0..12 {
            csv.push_str(&format!("{0},S{n},1\n{0},S{n},1\n", 7001 + n));
        }
        case.put("t.csv", csv + more);
        let stay = match role {
            "link" => "keys = { patient = \"id\", stay = \"stay\" }",
            _ => "keys = { patient = \"id\" }",
        };
        case.policy(&format!(
            r#"{HEAD}
[person]
key = "patient"
[tables.t]
grain = "event"
source = {{ path = "t.csv" }}
{stay}
[tables.t.columns]
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
stay = {{ role = "{role}", type = "code", {shown} }}
sex = {{ role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }}
"#
        ));
        case.run(&[])
    };
    let tokens = "pseudonymized = \"pseudonym\", anonymized = \"surrogate\"";
    assert!(events("", "link", tokens).is_ok());
    refused(&events("7002,S0,1\n", "link", tokens), "D0415");
    let one = "pseudonymized = \"pseudonym\", anonymized = \"drop\"";
    refused(&events("7002,S0,1\n", "link", one), "D0415");
    // Nobody sees it, or a doctor has it.
    let none = "pseudonymized = \"drop\", anonymized = \"drop\"";
    assert!(events("7002,S0,1\n", "link", none).is_ok());
    assert!(events("7002,S0,1\n", "third_party", one).is_ok());
}

#[test]
fn a_file_is_read_once() {
    let case = Case::new();
    let all = |more: &str| {
        case.policy(&format!(
            "{HEAD}[person]\nkey = \"patient\"\n{}",
            table("t", "t*.csv", "event", more)
        ));
        case.run(&[])
    };
    case.put("t1.csv", rows(&with(&[]))).put("t1 (1).csv", rows(&with(&[])));
    refused(&all(""), "D0411");
    let release = all("set_aside = [\"duplicate\"]").unwrap();
    assert_eq!(records(&release.join("pseudonymized/t.csv")).1.len(), 12);
    assert_eq!(case.statement()["tables"][0]["rowsIn"], 24);
    // Two files with a header alone are the same file to nobody.
    std::fs::remove_file(case.work.path().join("in/t1 (1).csv")).unwrap();
    case.put("t2.csv", rows(&[])).put("t3.csv", rows(&[]));
    all("").unwrap();
    assert!(case.said().contains("W0302"), "{}", case.said());
}

#[test]
fn a_release_of_nothing_is_refused_and_an_empty_table_told() {
    refused(&one("", "person", "", &rows(&[])).1, "D0410");
    refused(&one("", "event", "set_aside = [\"key\"]", &rows(&["NULL", "不明"])).1, "D0410");
    let case = Case::new();
    case.put("t.csv", rows(&with(&[]))).put("u.csv", rows(&[]));
    let tables = [table("t", "t.csv", "person", ""), second()].concat();
    case.policy(&format!("{HEAD}[person]\nkey = \"patient\"\n{tables}"));
    case.run(&[]).unwrap();
    assert!(case.said().contains("W0301"), "{}", case.said());
}

#[test]
fn a_file_that_no_table_reads_stops_the_run() {
    let case = Case::new();
    case.put("t.csv", rows(&with(&[])));
    let policy = |head: &str| {
        case.policy(&format!(
            "{head}{HEAD}[person]\nkey = \"patient\"\n{}",
            table("t", "t.csv", "person", "")
        ));
        case.run(&[])
    };
    for system in [".DS_Store", "Thumbs.db", "desktop.ini", "~$t.xlsx", ".git/x", "__MACOSX/t.csv"]
    {
        case.put(system, "x");
    }
    policy("").unwrap();
    for name in [
        "山田太郎-0001234567.xlsx",
        "old/0001234567.csv",
        "0001234567.dcm",
        "t.csv.gz",
        "README.txt",
        "IM0001234567",
        "policy.toml",
    ] {
        case.put(name, "x");
        let result = policy("");
        refused(&result, "D0401");
        let said = result.unwrap_err();
        assert!(!said.contains("0001234567") && !said.contains("山田"), "{said}");
        assert!(said.contains("sed -n '"), "{said}");
        let check = kakou(&[
            "check",
            "--policy",
            text(&case.work.path().join("policy.toml")),
            "--input",
            text(&case.work.path().join("in")),
        ]);
        assert_eq!(check.status.code(), Some(3), "{name}");
        std::fs::remove_file(case.work.path().join("in").join(name)).unwrap();
    }
    // Listed: by name anywhere, by path, a folder with all in it.
    case.put("a.xlsx", "x").put("old/b.xlsx", "x").put("notes/1/c.csv", "x");
    let list = "ignore = [\"*.xlsx\", \"notes/**\"]\n";
    policy(list).unwrap();
    case.put("old/d.csv", "x");
    refused(&policy(list), "D0401");
    for bad in ["ignore = [\"*\"]\n", "ignore = [\"**/*\"]\n", "ignore = [\"a[\"]\n"] {
        assert!(policy(bad).unwrap_err().contains("[P0341]"), "{bad}");
    }
}

#[test]
fn what_the_run_itself_needs_may_stand_in_the_input_folder() {
    let case = Case::new();
    case.put("t.csv", rows(&with(&[])));
    let input = case.work.path().join("in");
    let policy =
        format!("{HEAD}[person]\nkey = \"patient\"\n{}", table("t", "t.csv", "person", ""));
    case.put("base.toml", &policy).put("policy.toml", "extends = \"base.toml\"\n");
    case.put("optout.txt", "7001\n");
    // A release that was put there by hand is no input; where a run puts its own is outside (P0319).
    for (id, out) in [("one", "out"), ("two", "in/out")] {
        let output = kakou(&[
            "run",
            "--quiet",
            "--policy",
            text(&input.join("policy.toml")),
            "--input",
            text(&input),
            "--key",
            text(&case.key),
            "--out",
            text(&case.work.path().join(out)),
            "--exclude",
            text(&input.join("optout.txt")),
            "--release-id",
            id,
        ]);
        let fine = if out == "out" {
            output.status.success()
        } else {
            error_of(&output).contains("P0319")
        };
        assert!(fine, "{}", error_of(&output));
        let moved = input.join("kept");
        if id == "one" {
            std::fs::rename(case.work.path().join("out"), moved).unwrap();
        }
    }
    let again = case.work.path().join("again");
    let output = kakou(&[
        "run",
        "--quiet",
        "--policy",
        text(&input.join("policy.toml")),
        "--input",
        text(&input),
        "--key",
        text(&case.key),
        "--out",
        text(&again),
        "--exclude",
        text(&input.join("optout.txt")),
    ]);
    assert!(output.status.success(), "{}", error_of(&output));
}

/// Two hospitals with doctors of the same codes.
fn doctors(treatment: &str) -> Vec<Vec<String>> {
    let case = Case::new();
    let mut csv = "fac,id,doc,sex\n".to_owned();
    for n in 0..12 {
        csv.push_str(&format!("A{},{},000{},1\n", n % 2, 7001 + n, 1 + n / 6));
    }
    case.put("t.csv", csv);
    case.policy(&format!(
        r#"{HEAD}
[person]
key = "patient"
[tables.t]
grain = "person"
source = {{ path = "t.csv" }}
keys = {{ patient = ["fac", "id"] }}
[tables.t.columns]
fac = {{ role = "third_party", type = "code", pseudonymized = {{ pseudonym = "facility" }}, anonymized = "drop" }}
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
doc = {{ role = "third_party", type = "code", pseudonymized = {{ pseudonym = {treatment} }}, anonymized = "drop" }}
sex = {{ role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }}
"#
    ));
    records(&case.run(&[]).unwrap().join("pseudonymized/t.csv")).1
}

#[test]
fn a_doctor_belongs_to_a_hospital_unless_the_policy_says_otherwise() {
    let distinct = |rows: &[Vec<String>], column: usize| {
        rows.iter().map(|r| r[column].clone()).collect::<std::collections::BTreeSet<_>>().len()
    };
    for (treatment, doctors_of_two) in [
        ("\"doctor\"", 4),
        ("{ domain = \"doctor\", common = true }", 2),
        ("{ domain = \"doctor\", within = \"fac\" }", 4),
        ("{ domain = \"doctor\", within = [\"sex\"] }", 2),
        ("{ domain = \"facility\" }", 2),
    ] {
        let rows = doctors(treatment);
        assert_eq!((distinct(&rows, 0), distinct(&rows, 2)), (2, doctors_of_two), "{treatment}");
    }
}

/// The number of a person is the same at both hospitals; the facility is a column of the rows.
#[test]
fn a_doctor_belongs_to_the_hospital_of_the_row_where_persons_have_one_number() {
    let doctors = |facility: &str, treatment: &str, second: bool| {
        let case = Case::new();
        let mut csv = format!("{facility},id,doc,sex,施設名\n");
        for n in 0..12 {
            csv.push_str(&format!("A{},{},000{},1,N{}\n", n % 2, 7001 + n, 1 + n / 6, n % 2));
        }
        case.put("t.csv", csv);
        let mut more = String::new();
        if second {
            let rows = (0..12).map(|n| format!("{},0001\n", 7001 + n));
            case.put("u.csv", format!("id,doc\n{}", rows.collect::<String>()));
            more = format!(
                r#"[tables.u]
grain = "event"
source = {{ path = "u.csv" }}
keys = {{ patient = "id" }}
[tables.u.columns]
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
doc = {{ role = "third_party", type = "code", pseudonymized = {{ pseudonym = {treatment} }}, anonymized = "drop" }}
"#
            );
        }
        case.policy(&format!(
            r#"{HEAD}
[person]
key = "patient"
[tables.t]
grain = "person"
source = {{ path = "t.csv" }}
keys = {{ patient = "id" }}
[tables.t.columns]
"{facility}" = {{ role = "third_party", type = "code", pseudonymized = {{ pseudonym = "facility" }}, anonymized = "drop" }}
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
doc = {{ role = "third_party", type = "code", pseudonymized = {{ pseudonym = {treatment} }}, anonymized = "drop" }}
sex = {{ role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }}
"施設名" = {{ role = "third_party", pseudonymized = "drop", anonymized = "drop" }}
{more}"#
        ));
        let folder = case.run(&[]).unwrap().join("pseudonymized");
        let column = |file: &str, at: usize| {
            let rows = records(&folder.join(file)).1;
            rows.iter().map(|r| r[at].clone()).collect::<std::collections::BTreeSet<_>>()
        };
        let found = if second { column("u.csv", 1).is_subset(&column("t.csv", 2)) } else { true };
        (column("t.csv", 0).len(), column("t.csv", 2).len(), found)
    };
    for facility in ["施設コード", "hospital_id", "医療機関コード"] {
        assert_eq!(doctors(facility, "\"doctor\"", false), (2, 4, true), "{facility}");
        let common = "{ domain = \"doctor\", common = true }";
        assert_eq!(doctors(facility, common, false), (2, 2, true), "{facility}");
    }
    // Another table has the codes without a facility: there they must be found again.
    assert_eq!(doctors("施設コード", "\"doctor\"", true), (2, 2, true));
    // Not the hospital of the row; its name alone says it.
    assert_eq!(doctors("紹介元施設", "\"doctor\"", false), (2, 4, true));
}

#[test]
fn a_doctor_belongs_to_the_folder_where_numbers_do() {
    let case = Case::new();
    for hospital in ["h1", "h2"] {
        let mut csv = "id,doc,sex\n".to_owned();
        for n in 0..8 {
            csv.push_str(&format!("{},0001,1\n", 7001 + n));
        }
        case.put(&format!("{hospital}/t.csv"), csv);
    }
    case.policy(&format!(
        r#"{HEAD}
[person]
key = "patient"
[tables.t]
grain = "person"
source = {{ path = "*/t.csv", per_folder = true }}
keys = {{ patient = "id" }}
[tables.t.columns]
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
doc = {{ role = "third_party", type = "code", pseudonymized = {{ pseudonym = "doctor" }}, anonymized = "drop" }}
sex = {{ role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }}
"#
    ));
    for memory in ["1M", "4G"] {
        let (_, rows) =
            records(&case.run(&["--memory", memory]).unwrap().join("pseudonymized/t.csv"));
        let doctors: std::collections::BTreeSet<&String> = rows.iter().map(|r| &r[1]).collect();
        assert_eq!((rows.len(), doctors.len()), (16, 2), "{memory}");
    }
}

#[test]
fn one_moment_is_one_day_however_its_zone_is_written() {
    let case = Case::new();
    let mut csv = "id,at,sex\n".to_owned();
    let spelled = [
        "2024-03-31T15:30:00Z",
        "2024-04-01T00:30:00+09:00",
        "2024-03-31T10:30:00-05:00",
        "20240331153000+0000",
        "2024-03-31 15:30:00+00",
        "2024-04-01T00:30:00",
    ];
    for n in 0..12 {
        csv.push_str(&format!("{},{},1\n", 7001 + n, spelled[n % spelled.len()]));
    }
    case.put("t.csv", csv);
    let mut months = Vec::new();
    for zone in ["", "zone = \"Asia/Tokyo\"\n", "zone = \"UTC\"\n", "zone = \"Europe/Paris\"\n"] {
        case.policy(&format!(
            r#"{zone}{HEAD}
[person]
key = "patient"
[tables.t]
grain = "person"
source = {{ path = "t.csv" }}
keys = {{ patient = "id" }}
[tables.t.columns]
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
at = {{ role = "payload", type = "datetime", kind = "event", pseudonymized = {{ truncate_date = "month" }}, anonymized = "drop" }}
sex = {{ role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }}
"#
        ));
        match case.run(&[]) {
            Ok(release) => {
                let (_, rows) = records(&release.join("pseudonymized/t.csv"));
                let of = |month: &str| rows.iter().filter(|r| r[1] == month).count();
                months.push([of("2024-03"), of("2024-04")]);
            }
            Err(said) => assert!(said.contains("[P0342]"), "{said}"),
        }
    }
    // A time without a zone is local wherever the policy is.
    assert_eq!(months, [[0, 12], [0, 12], [10, 2]]);
}
