//! What is released, not what is declared: guarantees over whole releases, read back here with code of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::common::{closed, error_of, kakou, new_key, records, relist, run, text};

struct Case {
    folder: tempfile::TempDir,
}

impl Case {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        Case { folder }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn file(&self, name: &str, text: &str) {
        std::fs::write(self.path("in").join(name), text).unwrap();
    }
    fn policy(&self, anonymized: &str, tables: &str) -> PathBuf {
        let policy = self.path("policy.toml");
        let text = format!(
            "[policy]\nid = \"t\"\nversion = \"1\"\nprofile = \"ngmia\"\n[person]\nkey = \"patient\"\n\
             [pseudonymized]\nproject = \"p\"\nrecipient = \"r\"\n\
             [not_applicable]\n\"18-2\" = \"none\"\n\"33-2\" = \"none\"\n\"33-3\" = \"none\"\n\
             [anonymized]\n{anonymized}\n{tables}"
        );
        std::fs::write(&policy, text).unwrap();
        policy
    }
    fn run(&self, policy: &Path) -> PathBuf {
        let key = if self.path("project.key").exists() {
            self.path("project.key")
        } else {
            new_key(self.folder.path())
        };
        let release = run(policy, &self.path("in"), &key, &self.path("out"), &[]);
        let verified = kakou(&["verify", "--quiet", text(&release)]);
        assert!(verified.status.success(), "{}", error_of(&verified));
        closed(&release);
        release
    }
    fn refused(&self, policy: &Path) -> String {
        let key = new_key(self.folder.path());
        let output = kakou(&[
            "run",
            "--quiet",
            "--policy",
            text(policy),
            "--input",
            text(&self.path("in")),
            "--key",
            text(&key),
            "--out",
            text(&self.path("out")),
        ]);
        assert_eq!(output.status.code(), Some(1), "{}", error_of(&output));
        error_of(&output)
    }
}

/// Persons by the value that a column of the anonymized release shows.
fn shown(release: &Path, table: &str, column: &str) -> BTreeMap<String, usize> {
    let (header, rows) = records(&release.join(format!("anonymized/{table}.csv")));
    let at = header.iter().position(|h| h == column).unwrap();
    let mut found: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for row in &rows {
        found.entry(row[at].clone()).or_default().insert(&row[0]);
    }
    found.into_iter().map(|(value, persons)| (value, persons.len())).collect()
}

fn statement(release: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap()).unwrap()
}

const ID: &str = "id = { role = \"link\", type = \"code\", pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }\n";

/// One table of persons with a payload `x` and a quasi-identifier `s` that is the same for all.
fn one(case: &Case, n: u64, x: &str, values: &[(usize, &str)], more: &str) -> PathBuf {
    let mut lines = String::from("id,x,s\n");
    let mut id = 0;
    for (count, value) in values {
        for _ in 0..*count {
            id += 1;
            writeln!(lines, "p{id:04},{value},1").unwrap();
        }
    }
    case.file("t.csv", &lines);
    case.policy(
        &format!("floor = {n}\nsuppress = {{ unit = \"row\", at_most = 0.3 }}\n{more}\n[[anonymized.view]]\nname = \"v\"\ngrain = \"t\"\nquasi = [\"t.s\"]\nk = {n}"),
        &format!(
            "[tables.t]\ngrain = \"person\"\nsource = {{ path = \"t.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.t.columns]\n{ID}x = {x}\ns = {{ role = \"quasi\", type = \"code\", pseudonymized = \"keep\", anonymized = \"keep\" }}\n"
        ),
    )
}

fn payload(ty: &str, treatment: &str) -> String {
    format!(
        "{{ role = \"payload\", type = \"{ty}\", pseudonymized = \"keep\", anonymized = {treatment} }}"
    )
}

#[test]
fn suppressed_rows_leave_no_quasi_identifiers_behind() {
    let case = Case::new();
    let mut patients = String::from("id,birth,sex\n");
    let mut stays = String::from("id,stay,adm\n");
    for p in 0..13 {
        let (birth, sex) = if p == 12 { ("2000-01-10", "2") } else { ("1960-01-10", "1") };
        writeln!(patients, "p{p:03},{birth},{sex}").unwrap();
        writeln!(stays, "p{p:03},s{p:03},2025-04-0{}", p % 9 + 1).unwrap();
    }
    case.file("patients.csv", &patients);
    case.file("stays.csv", &stays);
    let policy = case.policy(
        "suppress = { unit = \"row\", at_most = 0.2 }\n[[anonymized.view]]\nname = \"stay\"\ngrain = \"stays\"\nquasi = [\"patients.birth\", \"patients.sex\", \"stays.adm\"]\nk = 3",
        &format!(
            "[tables.patients]\ngrain = \"person\"\nsource = {{ path = \"patients.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.patients.columns]\n{ID}\
             birth = {{ role = \"quasi\", type = \"date\", kind = \"birth\", pseudonymized = {{ truncate_date = \"month\" }}, anonymized = {{ age_band = {{ at = \"stays.adm\", width = 10 }} }} }}\n\
             sex = {{ role = \"quasi\", type = \"code\", pseudonymized = \"keep\", anonymized = \"keep\" }}\n\
             [tables.stays]\ngrain = \"stay\"\nsource = {{ path = \"stays.csv\" }}\nkeys = {{ patient = \"id\", stay = \"stay\" }}\n[tables.stays.columns]\n{ID}\
             stay = {{ role = \"link\", type = \"code\", pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }}\n\
             adm = {{ role = \"quasi\", type = \"date\", kind = \"event\", pseudonymized = \"shift_date\", anonymized = {{ truncate_date = \"year\" }} }}\n"
        ),
    );
    let release = case.run(&policy);
    assert_eq!(shown(&release, "patients", "birth"), BTreeMap::from([("60-69".to_owned(), 12)]));
    let told = statement(&release);
    let views = told["views"].as_array().unwrap();
    assert_eq!(views.len(), 2);
    assert_eq!((&views[1]["implied"], &views[1]["k"]), (&true.into(), &3.into()));
    let explained = kakou(&["explain", "--policy", text(&policy)]);
    assert!(String::from_utf8_lossy(&explained.stdout).contains("implied-patients"));
}

/// Visits and stays with a birth date each.
fn two_precisions(case: &Case, visits: &str, more: &str) -> PathBuf {
    let mut stay = String::from("id,birth,adm\n");
    let mut visit = String::from("id,birth,day\n");
    for p in 0..60 {
        // Ages 60 to 69: bands of 10 are one, bands of 5 are two; the upper one has few.
        let age = if p < 4 { 66 } else { 62 };
        writeln!(stay, "p{p:03},{}-01-10,2025-06-01", 2025 - age).unwrap();
        writeln!(visit, "p{p:03},{}-01-10,2025-09-01", 2025 - age).unwrap();
    }
    case.file("stays.csv", &stay);
    case.file("visits.csv", &visit);
    let birth = |treatment: &str| {
        format!(
            "birth = {{ role = \"quasi\", type = \"date\", kind = \"birth\", pseudonymized = {{ truncate_date = \"month\" }}, anonymized = {treatment} }}\n"
        )
    };
    let day = |name: &str| {
        format!(
            "{name} = {{ role = \"quasi\", type = \"date\", kind = \"event\", pseudonymized = \"shift_date\", anonymized = {{ truncate_date = \"year\" }} }}\n"
        )
    };
    case.policy(
        &format!("suppress = {{ unit = \"row\", at_most = 0.1 }}\n{more}\n[[anonymized.view]]\nname = \"stay\"\ngrain = \"stays\"\nquasi = [\"stays.birth\", \"stays.adm\"]\nk = 5\n[[anonymized.view]]\nname = \"visit\"\ngrain = \"visits\"\nquasi = [\"visits.birth\", \"visits.day\"]\nk = 2"),
        &format!(
            "[tables.stays]\ngrain = \"event\"\nsource = {{ path = \"stays.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.stays.columns]\n{ID}{}{}\
             [tables.visits]\ngrain = \"event\"\nsource = {{ path = \"visits.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.visits.columns]\n{ID}{}{}",
            birth("{ age_band = { at = \"2026-01-01\", widths = [10, 20] } }"),
            day("adm"),
            birth(visits),
            day("day"),
        ),
    )
}

#[test]
fn one_fact_at_two_precisions_counts_as_the_finer() {
    let case = Case::new();
    let policy =
        two_precisions(&case, "{ age_band = { at = \"2026-01-01\", width = 5 } }", "floor = 2");
    let release = case.run(&policy);
    // The four persons of the upper band of five years are not left behind the ten-year band of the stays.
    let (_, stays) = records(&release.join("anonymized/stays.csv"));
    let (_, visits) = records(&release.join("anonymized/visits.csv"));
    let tokens: BTreeSet<&String> = stays.iter().map(|r| &r[0]).collect();
    let upper = visits.iter().filter(|r| r[1] == "65-69" && tokens.contains(&r[0])).count();
    assert!(upper == 0 || upper >= 5, "{upper}");
    assert_eq!(tokens.len(), 56);
}

#[test]
fn a_tied_band_has_the_level_of_the_other() {
    let case = Case::new();
    let policy = two_precisions(&case, "{ same_as = \"stays.birth\" }", "");
    let release = case.run(&policy);
    assert_eq!(shown(&release, "visits", "birth"), shown(&release, "stays", "birth"));
    assert_eq!(shown(&release, "visits", "birth"), BTreeMap::from([("60-69".to_owned(), 60)]));
}

#[test]
fn a_label_of_a_tail_is_shown_for_enough_persons() {
    for (treatment, values) in [
        ("{ top_code = { at = 80, persons = 20 } }", vec![(19, "80"), (1, "99"), (20, "50")]),
        ("{ bottom_code = { at = 80, persons = 20 } }", vec![(19, "80"), (1, "9"), (20, "150")]),
        ("{ round = { step = 1, tails = 10 } }", vec![(12, "15"), (1, "3")]),
        ("{ round = { step = 1 } }", vec![(12, "15"), (1, "3"), (1, "99")]),
        ("\"keep\"", vec![(6, "1"), (6, "2"), (1, "30"), (12, "15")]),
    ] {
        let case = Case::new();
        let policy = one(&case, 5, &payload("integer", treatment), &values, "");
        let release = case.run(&policy);
        let found = shown(&release, "t", "x");
        let ends = [found.values().next().unwrap(), found.values().last().unwrap()];
        assert!(ends.iter().all(|n| **n >= 5), "{treatment}: {found:?}");
        assert!(!found.contains_key("99") && !found.contains_key("30"), "{found:?}");
    }
    let case = Case::new();
    let policy = one(
        &case,
        5,
        &payload("integer", "{ top_code = { at = 80, persons = 20 } }"),
        &[(19, "80"), (1, "99"), (20, "50")],
        "",
    );
    assert_eq!(
        shown(&case.run(&policy), "t", "x"),
        BTreeMap::from([(">=80".to_owned(), 20), ("50".to_owned(), 20)])
    );
}

#[test]
fn a_remainder_has_enough_persons_itself() {
    for (treatment, values) in [
        ("{ rare = { below = 3 } }", vec![(6, "a"), (6, "b"), (1, "c")]),
        ("\"keep\"", vec![(6, "a"), (6, "b"), (1, "c")]),
        ("\"keep\"", vec![(6, "a"), (6, "b"), (1, "")]),
        ("{ map = { table = { a = \"A\" }, otherwise = \"other\" } }", vec![(6, "a"), (1, "c")]),
        ("{ prefix = 1 }", vec![(6, "ax"), (6, "bx"), (2, "cx")]),
        ("\"presence\"", vec![(9, "a"), (1, "")]),
        (
            "{ suppress = { values = [\"c\"], unit = \"cell\" } }",
            vec![(9, "a"), (9, "b"), (1, "c")],
        ),
    ] {
        let case = Case::new();
        let policy = one(&case, 3, &payload("code", treatment), &values, "");
        if treatment.contains("suppress")
            && !kakou(&["check", "--policy", text(&policy)]).status.success()
        {
            continue;
        }
        let found = shown(&case.run(&policy), "t", "x");
        assert!(found.values().all(|&n| n >= 3), "{treatment} {values:?}: {found:?}");
    }
}

/// Free text has the floor too, if a release shows anything of it.
#[test]
fn free_text_has_a_floor() {
    for (more, treatment, values) in [
        ("", "\"presence\"", vec![(29, ""), (1, "a")]),
        ("", "\"presence\"", vec![(29, "a"), (1, "")]),
        ("reviewed = \"x 2026-01-01\", ", "\"keep\"", vec![(9, "none"), (9, "seen"), (1, "c")]),
    ] {
        let case = Case::new();
        let column = format!(
            "{{ role = \"text\", type = \"string\", {more}pseudonymized = \"drop\", anonymized = {treatment} }}"
        );
        let policy = one(&case, 3, &column, &values, "");
        let release = case.run(&policy);
        let found = shown(&release, "t", "x");
        assert!(!found.is_empty() && found.values().all(|&n| n >= 3), "{treatment}: {found:?}");
        let floors = statement(&release)["proof"]["floors"].to_string();
        assert!(floors.contains("\"column\":\"x\""), "{floors}");
    }
}

#[test]
fn floors_are_counted_over_what_is_left() {
    // Three persons hold c; one of them is alone in a class and goes.
    let case = Case::new();
    let mut lines = String::from("id,x,s\n");
    for p in 0..30 {
        let x = if p < 3 { "c" } else { "a" };
        let s = if p == 0 { "9" } else { "1" };
        writeln!(lines, "p{p:03},{x},{s}").unwrap();
    }
    let policy = one(&case, 3, &payload("code", "\"rare\""), &[], "");
    case.file("t.csv", &lines);
    let found = shown(&case.run(&policy), "t", "x");
    assert!(found.values().all(|&n| n >= 3) && !found.contains_key("c"), "{found:?}");
}

#[test]
fn days_and_dates_have_a_floor() {
    let case = Case::new();
    let mut lines = String::from("id,adm,dis,seen\n");
    for p in 0..200_u32 {
        // Most stays are short; 44 days stand alone, and so does a day before the stay.
        let days = match p {
            0 => 44,
            1 => 27,
            2 => 26,
            _ => p % 10,
        };
        // Stays begin on many days of one year: days since one known day are dates.
        let adm = 19_800 + p % 180;
        let day = chrono(adm + days);
        let seen = if p == 5 { "2003-02-01" } else { "2024-10-01" };
        let dis = if p == 7 { chrono(adm - 400) } else { day };
        writeln!(lines, "p{p:03},{},{dis},{seen}", chrono(adm)).unwrap();
    }
    case.file("t.csv", &lines);
    let policy = case.policy(
        "tier = \"controlled\"\nsuppress = { unit = \"row\", at_most = 0.05 }\n[[anonymized.view]]\nname = \"v\"\ngrain = \"t\"\nquasi = [\"t.adm\"]",
        &format!(
            "[tables.t]\ngrain = \"event\"\nsource = {{ path = \"t.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.t.columns]\n{ID}\
             adm = {{ role = \"quasi\", type = \"date\", kind = \"event\", pseudonymized = \"keep\", anonymized = {{ truncate_date = \"year\" }} }}\n\
             dis = {{ role = \"payload\", type = \"date\", kind = \"event\", pseudonymized = \"keep\", anonymized = {{ days_since = \"adm\" }} }}\n\
             seen = {{ role = \"payload\", type = \"date\", kind = \"admin\", pseudonymized = \"keep\", anonymized = {{ truncate_date = \"month\" }} }}\n"
        ),
    );
    let release = case.run(&policy);
    let days = shown(&release, "t", "dis");
    assert!(days.values().all(|&n| n >= 5), "{days:?}");
    assert!(
        days.keys().any(|d| d.starts_with(">=")) && days.keys().any(|d| d.starts_with("<=")),
        "{days:?}"
    );
    assert!(!days.contains_key("44") && !days.contains_key("-400"), "{days:?}");
    let seen = shown(&release, "t", "seen");
    assert!(seen.values().all(|&n| n >= 5), "{seen:?}");
}

/// A day since 1970 as a date.
fn chrono(days: u32) -> String {
    chrono::NaiveDate::from_num_days_from_ce_opt(719_163 + days as i32)
        .unwrap()
        .format("%Y-%m-%d")
        .to_string()
}

#[test]
fn a_child_follows_its_tier() {
    // Eleven persons hold c: enough for the tier research (10), too few for public (12).
    for (tier, there) in [("research", true), ("public", false)] {
        let case = Case::new();
        let base = one(&case, 2, &payload("code", "\"rare\""), &[(40, "a"), (11, "c")], "");
        let text_of = std::fs::read_to_string(&base).unwrap();
        let text_of =
            text_of.replace("floor = 2\n", &format!("tier = \"{tier}\"\n")).replace("k = 2", "");
        std::fs::write(&base, text_of).unwrap();
        let found = shown(&case.run(&base), "t", "x");
        assert_eq!(found.contains_key("c"), there, "{tier}: {found:?}");
    }
}

/// A room, a department, a stage is written as a number, under any name: every value has the floor, not the two ends only.
#[test]
fn a_whole_number_that_measures_nothing_has_the_floor_at_every_value() {
    let numbers = |list: &[(usize, u32)]| -> Vec<(usize, String)> {
        list.iter().map(|(n, value)| (*n, value.to_string())).collect()
    };
    let few = numbers(&[(9, 1), (9, 2), (2, 3), (9, 4), (9, 5)]);
    // Rooms of eight floors with thirty beds each; one of seven is of two persons.
    let rooms: Vec<(usize, u32)> = (0..240)
        .map(|n| (if n % 7 == 3 { 2 } else { 5 }, (n / 30 + 2) * 100 + n % 30 + 1))
        .collect();
    let rooms = numbers(&rooms);
    for (values, ty, treatment) in [
        (&few, "integer", "\"keep\""),
        (&few, "decimal", "\"keep\""),
        (&few, "measured", "\"keep\""),
        (&few, "integer", "{ round = { step = 1 } }"),
        (&rooms, "integer", "\"keep\""),
    ] {
        let case = Case::new();
        let values: Vec<(usize, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let policy = one(&case, 5, &payload(ty, treatment), &values, "");
        let release = case.run(&policy);
        let found = shown(&release, "t", "x");
        assert!(found.len() > 2 && found.values().all(|n| *n >= 5), "{ty} {treatment}: {found:?}");
        let told = statement(&release);
        assert!(told["proof"]["floors"].as_array().unwrap().iter().all(|f| f["tails"] != true));
    }
    // What is measured keeps its numbers between the ends, and the policy may say so.
    let bell: Vec<(usize, u32)> = (0..160_u32)
        .map(|n| {
            let from = (f64::from(n) - 80.0) / 30.0;
            (((12.0 * (-from * from / 2.0).exp()) as usize).max(1), n + 40)
        })
        .collect();
    let says = payload("integer", "\"keep\"").replace("{ role", "{ ends_only = \"points\", role");
    for (values, x) in [(numbers(&bell), payload("integer", "\"keep\"")), (few, says)] {
        let case = Case::new();
        let values: Vec<(usize, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
        let release = case.run(&one(&case, 5, &x, &values, ""));
        let found = shown(&release, "t", "x");
        assert!(found.values().any(|n| *n < 5), "{found:?}");
        let told = statement(&release);
        let warned = told["warnings"].as_array().unwrap().iter().any(|w| w["code"] == "W0123");
        assert_eq!(warned, x.contains("ends_only"));
    }
    let case = Case::new();
    let policy = one(
        &case,
        5,
        &payload("code", "\"keep\"").replace("{ role", "{ ends_only = \"points\", role"),
        &[(9, "1")],
        "",
    );
    assert!(error_of(&kakou(&["check", "--policy", text(&policy)])).contains("P0105"));
}

#[test]
fn an_exempt_column_is_told() {
    let case = Case::new();
    let x = "{ role = \"payload\", type = \"code\", no_floor = \"numbers of rooms, known to nobody\", pseudonymized = \"keep\", anonymized = \"keep\" }";
    let policy = one(&case, 3, x, &[(20, "a"), (1, "b")], "");
    let key = new_key(case.folder.path());
    let release = run(&policy, &case.path("in"), &key, &case.path("out"), &[]);
    assert_eq!(shown(&release, "t", "x")["b"], 1);
    let told = statement(&release);
    assert!(
        told["warnings"].as_array().unwrap().iter().any(|w| w["code"] == "W0122"),
        "{}",
        told["warnings"]
    );
    let floors = told["floors"].as_array().unwrap();
    assert!(floors.iter().all(|f| f["column"] != "t.x"));
}

#[test]
fn a_steady_fact_outside_the_views_is_named_and_for_publication_refused() {
    let case = Case::new();
    let mut lines = String::from("id,x,s\n");
    for p in 0..60 {
        // With x the class s = 1 falls to fewer than k.
        let (x, s) = if p < 3 {
            ("O", 1)
        } else if p < 30 {
            ("A", 1)
        } else {
            ("O", 2)
        };
        writeln!(lines, "p{p:03},{x},{s}").unwrap();
    }
    let policy = one(&case, 12, &payload("code", "\"keep\""), &[], "");
    case.file("t.csv", &lines);
    let release = case.run(&policy);
    let steady = statement(&release)["steady"].clone();
    assert_eq!(
        (&steady[0]["column"], &steady[0]["split"]["below"]),
        (&"t.x".into(), &1.into()),
        "{steady}"
    );
    assert_eq!(steady[0]["smallest"], "<10");
    // It is counted again from the files: not told, or told of fewer persons, it does not verify.
    let file = release.join("record/statement.json");
    let whole = statement(&release);
    for told in [serde_json::json!([]), {
        let mut told = steady.clone();
        told[0]["split"]["below"] = 2.into();
        told
    }] {
        let mut changed = whole.clone();
        changed["steady"] = told;
        std::fs::write(&file, serde_json::to_vec(&changed).unwrap()).unwrap();
        relist(&release);
        let verified = error_of(&kakou(&["verify", "--quiet", text(&release)]));
        assert!(verified.contains("is not what the record says"), "{verified}");
    }
    let public =
        std::fs::read_to_string(&policy).unwrap().replace("floor = 12", "tier = \"public\"");
    std::fs::write(&policy, &public).unwrap();
    std::fs::remove_file(case.path("project.key")).unwrap();
    assert!(case.refused(&policy).contains("C0105"));
    // That few persons may have a value says nothing of who knows it.
    let exempt = public.replace("x = { role", "x = { no_floor = \"known\", role");
    std::fs::write(&policy, exempt).unwrap();
    std::fs::remove_file(case.path("project.key")).unwrap();
    assert!(case.refused(&policy).contains("C0105"));
    let because =
        public.replace("x = { role", "x = { because = \"blood groups are told to nobody\", role");
    std::fs::write(&policy, because).unwrap();
    let release = case.run(&policy);
    assert_eq!(
        statement(&release)["steady"][0]["split"]["because"],
        "blood groups are told to nobody"
    );
}

/// What makes a column a fact of persons is not that each row says so: with a row each nothing speaks against it, an empty cell says
/// nothing, and one typing error changes no fact. Numbers are facts where they repeat.
#[test]
fn a_fact_of_persons_is_known_in_spite_of_blanks_and_errors() {
    // By case: type and rows of each person of sixty.
    let number = |p: usize, a: &str| (if p < 3 { a } else { "7" }).to_owned();
    type Rows<'a> = &'a dyn Fn(usize) -> Vec<String>;
    let cases: [(&str, Rows<'_>, bool); 11] = [
        ("code", &|p| vec![number(p, "9")], true),
        ("code", &|p| vec![number(p, "9"); 1 + usize::from(p < 9)], true),
        (
            "code",
            &|p| vec![number(p, "9"), if p == 40 { "9".into() } else { number(p, "9") }],
            true,
        ),
        ("code", &|p| vec![String::new(), number(p, "9"), String::new()], true),
        ("integer", &|p| vec![number(p, "9"); 2], true),
        // A mark: there or not.
        ("code", &|p| vec![if p < 3 { "1".to_owned() } else { String::new() }], true),
        // Nearly everybody shows the same in every row: that one row of a person does not says nothing of persons.
        ("code", &|p| vec!["7".into(), (if p % 21 == 0 { "9" } else { "7" }).into()], false),
        // Measured once, or changing: no fact of persons.
        ("decimal", &|p| vec![number(p, "9.5")], false),
        // Few whole numbers are codes.
        ("integer", &|p| vec![number(p, "9")], true),
        ("integer", &|p| vec![number(p, "9"), (p % 3 + 7).to_string()], false),
        ("code", &|p| vec![number(p, "9"), (p % 3 + 7).to_string()], false),
    ];
    for (at, (ty, rows, steady)) in cases.iter().enumerate() {
        let case = Case::new();
        // The class s = 1 has 12 persons; three of them have another x.
        let mut lines = String::from("id,x,s\n");
        for p in 0..60 {
            for x in rows(p) {
                writeln!(lines, "p{p:03},{x},{}", if p < 12 { 1 } else { 2 }).unwrap();
            }
        }
        let policy = one(&case, 12, &payload(ty, "\"keep\""), &[], "");
        let text = std::fs::read_to_string(&policy).unwrap();
        // Three persons are enough for a value, twelve for a class.
        let text = text
            .replace("floor = 12", "floor = 3")
            .replace("grain = \"person\"", "grain = \"event\"");
        std::fs::write(&policy, text).unwrap();
        case.file("t.csv", &lines);
        let told = statement(&case.run(&policy))["steady"].clone();
        let named = told[0]["column"] == "t.x";
        assert_eq!(named, *steady, "case {at}: {told}");
    }
}

/// What goes into the remainder can leave a number at an end that too few persons have: it is looked at again.
#[test]
fn measured_numbers_keep_their_ends_when_others_go() {
    for values in [
        "1.8 1.1 1.3 6.3 >2.6 >0.1 >1.5 >3.8 3.2 >1.4 5.2 <1.5 >4.9 1.4 <3.0 >3.0 <6.4 <4.9 >4.1 4.8",
        "2.1 <3.4 0.5 <3.8 >5.6 1.6 >1.9 5.8 >1.5 5.8 >5.6 1.2 >4.4 >0.6 >4.7 1.2 <2.0 >0.1 >4.0 >5.9",
    ] {
        let case = Case::new();
        let values: Vec<(usize, &str)> = values.split(' ').map(|value| (1, value)).collect();
        let rounded = payload("measured", "{ round = { significant = 1 } }");
        case.run(&one(&case, 5, &rounded, &values, ""));
    }
}

/// A ward and a count of days are numbers that nobody measured: each value is shown for enough persons, not the ends alone.
#[test]
fn numbers_that_stand_for_something_have_a_floor_at_every_value() {
    for (name, each) in
        [("病棟", true), ("在院日数", true), ("los", true), ("ward_no", true), ("脈拍", true)]
    {
        let case = Case::new();
        let values = [(8, "1"), (8, "3"), (1, "7"), (4, "8"), (9, "12")];
        let policy = one(&case, 5, &payload("integer", "\"keep\""), &values, "");
        let renamed =
            std::fs::read_to_string(&policy).unwrap().replace("\nx = ", &format!("\n{name:?} = "));
        std::fs::write(&policy, renamed).unwrap();
        let file = std::fs::read_to_string(case.path("in/t.csv")).unwrap();
        case.file("t.csv", &file.replacen(",x,", &format!(",{name},"), 1));
        let found = shown(&case.run(&policy), "t", name);
        assert_eq!(found.values().all(|&n| n >= 5), each, "{name}: {found:?}");
        assert_eq!(found.contains_key("7"), !each, "{name}: {found:?}");
    }
}

/// Persons with an area and with a sex and group, each in the view of its table: both views hold, both together do not.
#[test]
fn quasi_identifiers_of_two_views_count_together_where_they_are_of_the_person() {
    let case = Case::new();
    let (mut a, mut b) = (String::from("id,area\n"), String::from("id,grp\n"));
    for p in 0..60 {
        let area = if p < 30 { "E" } else { "W" };
        // Three of the group 2 live in the east.
        let group = if !(27..57).contains(&p) { "1" } else { "2" };
        writeln!(a, "p{p:03},{area}").unwrap();
        writeln!(b, "p{p:03},{group}").unwrap();
    }
    case.file("a.csv", &a);
    case.file("b.csv", &b);
    let policy = two_tables(&case, ["area", "grp"]);
    let release = case.run(&policy);
    let told = statement(&release)["steady"].clone();
    assert_eq!(told.as_array().unwrap().len(), 2, "{told}");
    assert_eq!(
        (&told[0]["column"], &told[0]["smallest"]),
        (&"b.grp".into(), &"<10".into()),
        "{told}"
    );
    let public =
        std::fs::read_to_string(&policy).unwrap().replace("floor = 12", "tier = \"public\"");
    std::fs::write(&policy, &public).unwrap();
    std::fs::remove_file(case.path("project.key")).unwrap();
    let said = case.refused(&policy);
    assert!(said.contains("C0105") && said.contains("joined by the person's token"), "{said}");
    // One view over both: rows go, and nothing is left to be told.
    let both = public
        .replace("quasi = [\"a.area\"]", "quasi = [\"a.area\", \"b.grp\"]")
        .replace("quasi = [\"b.grp\"]", "quasi = [\"a.area\", \"b.grp\"]");
    std::fs::write(&policy, both).unwrap();
    let release = case.run(&policy);
    assert_eq!(statement(&release)["steady"].as_array().map_or(0, Vec::len), 0);
}

/// The same fact under one name in two tables is no further fact, though not everybody stands in both.
#[test]
fn one_fact_in_two_tables_is_not_counted_as_another() {
    let case = Case::new();
    let (mut a, mut b) = (String::from("id,sex\n"), String::from("id,sex\n"));
    for p in 0..60 {
        writeln!(a, "p{p:03},{}", p % 2 + 1).unwrap();
        if p > 2 {
            writeln!(b, "p{p:03},{}", p % 2 + 1).unwrap();
        }
    }
    case.file("a.csv", &a);
    case.file("b.csv", &b);
    let policy = two_tables(&case, ["sex", "sex"]);
    let release = case.run(&policy);
    assert_eq!(statement(&release)["steady"].as_array().map_or(0, Vec::len), 0);
    // Under the same name, another fact.
    let mut b = String::from("id,sex\n");
    for p in 0..60 {
        writeln!(b, "p{p:03},{}", if p < 28 { p % 2 + 1 } else { (p / 2) % 2 + 1 }).unwrap();
    }
    case.file("b.csv", &b);
    std::fs::remove_file(case.path("project.key")).unwrap();
    let release = case.run(&policy);
    assert_eq!(statement(&release)["steady"].as_array().map_or(0, Vec::len), 2);
}

/// Tables `a` and `b`, each with one quasi-identifier in a view of its own, k = 12.
fn two_tables(case: &Case, columns: [&str; 2]) -> PathBuf {
    let quasi =
        "{ role = \"quasi\", type = \"code\", pseudonymized = \"keep\", anonymized = \"keep\" }";
    let (mut views, mut tables) = (String::new(), String::new());
    for (t, c) in ["a", "b"].into_iter().zip(columns) {
        writeln!(
            views,
            "[[anonymized.view]]\nname = \"{t}\"\ngrain = \"{t}\"\nquasi = [\"{t}.{c}\"]\nk = 12"
        )
        .unwrap();
        writeln!(tables, "[tables.{t}]\ngrain = \"person\"\nsource = {{ path = \"{t}.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.{t}.columns]\n{ID}{c} = {quasi}").unwrap();
    }
    case.policy(
        &format!("floor = 12\nsuppress = {{ unit = \"row\", at_most = 0.3 }}\n{views}"),
        &tables,
    )
}

/// A number of years is a form of the birth date: an age at each stay beside one band a person tells the birthday.
#[test]
fn an_age_as_a_number_counts_with_the_birth_date() {
    let case = Case::new();
    let (mut patients, mut stays) = (String::from("id,birth\n"), String::from("id,age\n"));
    for p in 0..60 {
        let year = if p < 30 { 1960 } else { 1980 };
        writeln!(patients, "p{p:03},{year}-01-{:02}", p % 28 + 1).unwrap();
        // Three of a band are seen in two bands of their ages.
        let ages = if p < 3 { vec![64, 66] } else { vec![2025 - year] };
        for age in ages {
            writeln!(stays, "p{p:03},{age}").unwrap();
        }
    }
    case.file("patients.csv", &patients);
    case.file("stays.csv", &stays);
    let policy = case.policy(
        "floor = 5\nsuppress = { unit = \"row\", at_most = 0.3 }\n[[anonymized.view]]\nname = \"p\"\ngrain = \"patients\"\nquasi = [\"patients.birth\"]\nk = 5\n[[anonymized.view]]\nname = \"s\"\ngrain = \"stays\"\nquasi = [\"stays.age\"]\nk = 5",
        &format!(
            "[tables.patients]\ngrain = \"person\"\nsource = {{ path = \"patients.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.patients.columns]\n{ID}\
             birth = {{ role = \"quasi\", type = \"date\", kind = \"birth\", pseudonymized = {{ truncate_date = \"month\" }}, anonymized = {{ age_band = {{ at = \"2026-04-01\", width = 20 }} }} }}\n\
             [tables.stays]\ngrain = \"event\"\nsource = {{ path = \"stays.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.stays.columns]\n{ID}\
             age = {{ role = \"quasi\", type = \"integer\", pseudonymized = \"drop\", anonymized = {{ band = {{ width = 5 }} }} }}\n"
        ),
    );
    let release = case.run(&policy);
    let shown = std::fs::read_to_string(release.join("anonymized/stays.csv")).unwrap();
    let mut bands: std::collections::BTreeMap<&str, std::collections::BTreeSet<&str>> =
        std::collections::BTreeMap::new();
    for line in shown.lines().skip(1) {
        let (token, age) = line.split_once(',').unwrap();
        bands.entry(token).or_default().insert(age);
    }
    let mut persons: std::collections::BTreeMap<_, u32> = std::collections::BTreeMap::new();
    for set in bands.values() {
        *persons.entry(set).or_default() += 1;
    }
    assert!(persons.values().all(|&n| n >= 5), "{persons:?}");
}

/// A table that does not release the stay's token cannot be followed by it: its dates are no facts of a stay, and what the engine
/// counts is what the proof can count.
#[test]
fn a_key_that_is_not_released_ties_nothing() {
    for stay in ["\"surrogate\"", "\"drop\""] {
        let case = Case::new();
        let mut stays = String::from("id,stay,adm\n");
        let mut doses = String::from("id,stay,given\n");
        for p in 0..60 {
            writeln!(stays, "p{p:03},s{p:03},2026-0{}-11", 1 + p % 2).unwrap();
            writeln!(doses, "p{p:03},s{p:03},20{}-05-05", 20 + p % 3).unwrap();
        }
        case.file("stays.csv", &stays);
        case.file("doses.csv", &doses);
        let policy = case.policy(
            "floor = 5\nsuppress = { unit = \"row\", at_most = 0.3 }\n[[anonymized.view]]\nname = \"v\"\ngrain = \"stays\"\nquasi = [\"stays.adm\"]\nk = 5",
            &format!(
                "[tables.stays]\ngrain = \"stay\"\nsource = {{ path = \"stays.csv\" }}\nkeys = {{ patient = \"id\", stay = \"stay\" }}\n[tables.stays.columns]\n{ID}\
                 stay = {{ role = \"link\", type = \"code\", pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }}\n\
                 adm = {{ role = \"quasi\", type = \"date\", kind = \"event\", pseudonymized = \"keep\", anonymized = {{ truncate_date = \"month\" }} }}\n\
                 [tables.doses]\ngrain = \"event\"\nsource = {{ path = \"doses.csv\" }}\nkeys = {{ patient = \"id\", stay = \"stay\" }}\n[tables.doses.columns]\n{ID}\
                 stay = {{ role = \"link\", type = \"code\", pseudonymized = \"pseudonym\", anonymized = {stay} }}\n\
                 given = {{ role = \"payload\", type = \"date\", kind = \"event\", pseudonymized = \"keep\", anonymized = {{ truncate_date = \"year\" }} }}\n"
            ),
        );
        // The proof counts again whom further facts single out, and refuses if it finds others than the engine (C0212).
        let release = case.run(&policy);
        let classes = &statement(&release)["views"][0]["released"]["classes"];
        let wanted = if stay.contains("drop") { 2 } else { 6 };
        assert_eq!(classes.as_u64(), Some(wanted), "{}", statement(&release)["views"][0]);
    }
}

#[test]
fn what_one_person_has_beside_a_number_is_not_shown() {
    let numbers: Vec<String> = (1..=30).map(|n| n.to_string()).collect();
    for (one_has, treatment) in [
        ("7(9+)", "\"keep\""),
        ("12(3+)", "{ round = { significant = 2 } }"),
        ("7.123456(+)", "\"keep\""),
        ("7未満", "\"keep\""),
        ("<7", "{ round = { significant = 2 } }"),
    ] {
        for output in ["", "[output]\ncells = \"normalized\"", "[output]\nformat = \"parquet\""] {
            let case = Case::new();
            let mut values: Vec<(usize, &str)> = numbers.iter().map(|n| (10, n.as_str())).collect();
            values.push((1, one_has));
            let policy = one(&case, 10, &payload("measured", treatment), &values, output);
            let release = case.run(&policy);
            let told = statement(&release);
            assert_eq!(told["persons"]["released"]["anonymized"], 300, "{one_has} {output}");
            let floors = told["proof"]["floors"].as_array().unwrap();
            let x = floors.iter().find(|f| f["column"] == "x").unwrap();
            assert_eq!((&x["values"], &x["few"]), (&30.into(), &0.into()), "{one_has} {output}");
            if output.is_empty() {
                assert!(shown(&release, "t", "x").keys().all(|value| numbers.contains(value)));
                // Put into the file of a release, it is found there.
                let file = release.join("anonymized/t.csv");
                let cells = std::fs::read_to_string(&file).unwrap();
                std::fs::write(&file, cells.replacen(",17,", &format!(",{one_has},"), 1)).unwrap();
                relist(&release);
                let verified = kakou(&["verify", "--quiet", text(&release)]);
                assert!(error_of(&verified).contains("C0209"), "{}", error_of(&verified));
            }
        }
    }
}

#[test]
fn what_enough_persons_have_beside_numbers_is_shown() {
    let case = Case::new();
    let numbers: Vec<String> = (1..=30).map(|n| format!("{n}(3+)")).collect();
    let mut values: Vec<(usize, &str)> = numbers[9..20].iter().map(|n| (1, n.as_str())).collect();
    values.extend([(40, "1"), (40, "15"), (40, "30")]);
    let release = case.run(&one(&case, 10, &payload("measured", "\"keep\""), &values, ""));
    let shown = shown(&release, "t", "x");
    assert!(numbers[9..20].iter().all(|n| shown.get(n) == Some(&1)), "{shown:?}");
}

/// By person the values that the files of the anonymized release show of columns (table, column), as one set.
fn shown_of(release: &Path, columns: &[(&str, &str)]) -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (table, column) in columns {
        let (header, rows) = records(&release.join(format!("anonymized/{table}.csv")));
        let at = header.iter().position(|h| h == column).unwrap();
        for row in rows.iter().filter(|row| !row[at].is_empty()) {
            all.entry(row[0].clone()).or_default().insert(row[at].clone());
        }
    }
    all
}

/// 200 persons of two ages; three of them have another birth date in their second row or file.
fn contradicting(case: &Case, unit: &str, tables: usize) -> PathBuf {
    let quasi = "role = \"quasi\", type = \"date\", kind = \"birth\"";
    let month = "pseudonymized = { truncate_date = \"month\" }";
    let band = "anonymized = { age_band = { at = \"2025-01-01\", width = 20 } }";
    let sex = "sex = { role = \"quasi\", type = \"code\", pseudonymized = \"keep\", anonymized = \"keep\" }\n";
    let area = "area = { role = \"quasi\", type = \"code\", pseudonymized = \"drop\", anonymized = \"keep\" }\n";
    let (mut persons, mut stays) =
        (String::from("id,birth,sex,area\n"), String::from("id,birth,sex\n"));
    for n in 0..200 {
        let birth = ["1955-03-01", "1984-05-01"][n % 2];
        let other = if n < 3 { ["1990-05-01", "1940-01-01", "1950-01-01"][n] } else { birth };
        // Few live in one of the areas, so their cells or rows go.
        let area = if n % 67 == 0 { "far" } else { "near" };
        writeln!(persons, "p{n:03},{birth},{},{area}", n / 2 % 2).unwrap();
        if tables == 1 {
            writeln!(stays, "p{n:03},{birth},{}", n / 2 % 2).unwrap();
        }
        writeln!(stays, "p{n:03},{other},{}", n / 2 % 2).unwrap();
    }
    case.file("stays.csv", &stays);
    let head = format!("floor = 5\nsuppress = {{ unit = \"{unit}\", at_most = 0.5 }}\n");
    let view = |name: &str, grain: &str, quasi: &str| {
        format!(
            "[[anonymized.view]]\nname = \"{name}\"\ngrain = \"{grain}\"\nquasi = [{quasi}]\nk = 5\n"
        )
    };
    let visits = |birth: &str| {
        format!(
            "[tables.stays]\ngrain = \"event\"\nsource = {{ path = \"stays.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.stays.columns]\n{ID}birth = {{ {quasi}, {month}, {birth} }}\n{sex}"
        )
    };
    let of_stays = view("stay", "stays", "\"stays.birth\", \"stays.sex\"");
    if tables == 1 {
        return case.policy(&format!("{head}{of_stays}"), &visits(band));
    }
    case.file("persons.csv", &persons);
    let of_persons =
        view("person", "persons", "\"persons.birth\", \"persons.sex\", \"persons.area\"");
    let of_stays = of_stays.replace("stays.sex", "persons.sex");
    case.policy(
        &format!("{head}{of_persons}{of_stays}"),
        &format!("[tables.persons]\ngrain = \"person\"\nsource = {{ path = \"persons.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.persons.columns]\n{ID}birth = {{ {quasi}, {month}, {band} }}\n{sex}{area}{}", visits("anonymized = { same_as = \"persons.birth\" }").replace(sex, "sex = { role = \"quasi\", type = \"code\", pseudonymized = \"keep\", anonymized = \"drop\" }\n")),
    )
}

#[test]
fn a_birth_date_that_contradicts_itself_counts_as_the_files_show_it() {
    for (unit, tables) in [("row", 1), ("row", 2), ("person", 2), ("cell", 2)] {
        let case = Case::new();
        let release = case.run(&contradicting(&case, unit, tables));
        let columns = [("stays", "birth"), ("persons", "birth")];
        let bands = shown_of(&release, &columns[..tables]);
        let facts: &[(&str, &str)] = if tables == 1 {
            &[("stays", "sex")]
        } else {
            &[("persons", "sex"), ("persons", "area")]
        };
        let facts: Vec<_> = facts.iter().map(|&column| shown_of(&release, &[column])).collect();
        let mut classes: BTreeMap<Vec<Option<&BTreeSet<String>>>, usize> = BTreeMap::new();
        let persons: BTreeSet<&String> = facts[0].keys().chain(bands.keys()).collect();
        for person in persons {
            let mut class = vec![bands.get(person)];
            class.extend(facts.iter().map(|fact| fact.get(person)));
            *classes.entry(class).or_default() += 1;
        }
        assert!(
            classes.len() > 2 && classes.values().all(|&n| n >= 5),
            "{unit} {tables}: {classes:?}"
        );
    }
}

/// Rows of two tables that share the token of a stay, and dates whose kind is another word, count together all the same.
#[test]
fn dates_of_one_stay_count_together_whatever_they_are_called() {
    for (grain, kind) in [("event", "event"), ("event", "admin"), ("stay", "death")] {
        let case = Case::new();
        let (mut stays, mut labs) =
            (String::from("id,stay,sex,adm,done\n"), String::from("id,stay,day\n"));
        for n in 0..240 {
            // Most in January to March, three in other months of the same year.
            let month = if n < 3 { 7 + n } else { 1 + n % 3 };
            writeln!(stays, "p{n:03},s{n:03},{},2025-{month:02}-10,2025-{month:02}-11", n % 2)
                .unwrap();
            writeln!(labs, "p{n:03},s{n:03},2025-{month:02}-12").unwrap();
        }
        case.file("stays.csv", &stays);
        case.file("labs.csv", &labs);
        let date = |role: &str, kind: &str, unit: &str| {
            format!(
                "{{ role = \"{role}\", type = \"date\", kind = \"{kind}\", pseudonymized = \"shift_date\", anonymized = {{ truncate_date = \"{unit}\" }}, no_floor = \"for a test\" }}\n"
            )
        };
        let keys = "keys = { patient = \"id\", stay = \"stay\" }";
        let stay = ID.replace("id =", "stay =");
        let policy = case.policy(
            "floor = 5\nsuppress = { unit = \"row\", at_most = 0.5 }\n[[anonymized.view]]\nname = \"v\"\ngrain = \"stays\"\nquasi = [\"stays.sex\", \"stays.adm\"]\nk = 5\n",
            &format!(
                "[tables.stays]\ngrain = \"{grain}\"\nsource = {{ path = \"stays.csv\" }}\n{keys}\n[tables.stays.columns]\n{ID}{stay}sex = {{ role = \"quasi\", type = \"code\", pseudonymized = \"keep\", anonymized = \"keep\" }}\nadm = {}done = {}[tables.labs]\ngrain = \"event\"\nsource = {{ path = \"labs.csv\" }}\n{keys}\n[tables.labs.columns]\n{ID}{stay}day = {}",
                date("quasi", "event", "year"), date("payload", kind, "month"), date("payload", "event", "month"),
            ),
        );
        let release = case.run(&policy);
        let (_, rows) = records(&release.join("anonymized/stays.csv"));
        let months = shown_of(&release, &[("labs", "day")]);
        let mut classes: BTreeMap<(Vec<&String>, Option<&BTreeSet<String>>), usize> =
            BTreeMap::new();
        for row in &rows {
            *classes.entry((row[2..].iter().collect(), months.get(&row[0]))).or_default() += 1;
        }
        assert!(
            classes.len() == 6 && classes.values().all(|&n| n >= 5),
            "{grain} {kind}: {classes:?}"
        );
    }
}

/// Counted from one day for all, days are dates; counted from an event of the person they are none.
#[test]
fn days_counted_from_a_known_day_are_dates() {
    for (own, step) in [(false, ""), (false, ", step = 7"), (true, "")] {
        let case = Case::new();
        let mut stays = String::from("id,sex,adm,since,base\n");
        for n in 0..300 {
            let (month, day) = (1 + n % 12, 1 + n % 28);
            let base =
                if own { format!("2025-{month:02}-{day:02}") } else { "2025-01-01".to_owned() };
            writeln!(
                stays,
                "p{n:03},{},2025-{month:02}-{day:02},2025-{month:02}-{day:02},{base}",
                n % 2
            )
            .unwrap();
        }
        case.file("stays.csv", &stays);
        let date = |role: &str, treatment: &str| {
            format!(
                "{{ role = \"{role}\", type = \"date\", kind = \"event\", pseudonymized = \"shift_date\", anonymized = {treatment} }}\n"
            )
        };
        let policy = case.policy(
            "floor = 5\nsuppress = { unit = \"row\", at_most = 0.5 }\n[[anonymized.view]]\nname = \"v\"\ngrain = \"stays\"\nquasi = [\"stays.sex\", \"stays.adm\"]\nk = 5\n",
            &format!(
                "[tables.stays]\ngrain = \"event\"\nsource = {{ path = \"stays.csv\" }}\nkeys = {{ patient = \"id\" }}\n[tables.stays.columns]\n{ID}sex = {{ role = \"quasi\", type = \"code\", pseudonymized = \"keep\", anonymized = \"keep\" }}\nadm = {}since = {}base = {}",
                date("quasi", "{ truncate_date = \"year\" }"),
                date("payload", &format!("{{ days_since = {{ anchor = \"base\"{step} }} }}")),
                date("payload", "\"drop\""),
            ),
        );
        if own {
            case.run(&policy);
            continue;
        }
        let said = case.refused(&policy);
        assert!(
            said.contains("error[C0411]") && said.contains("counts of days from a known day"),
            "{said}"
        );
    }
}
