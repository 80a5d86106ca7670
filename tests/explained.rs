//! `kakou explain` names what is wrong with a policy, or would be wrong with its release, in one line each.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::common::{error_of, kakou, text};

/// A folder with a policy and its files.
struct Case(tempfile::TempDir);

const NONE: &str = "\"18-2\" = \"none\"\n\"33-2\" = \"none\"\n\"33-3\" = \"none\"\n";

impl Case {
    fn new(files: &[(&str, String)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        for (name, content) in files {
            std::fs::write(folder.path().join("in").join(name), content).unwrap();
        }
        Case(folder)
    }
    fn policy(&self, not_applicable: &str, anonymized: &str, tables: &str) -> PathBuf {
        let path = self.0.path().join("policy.toml");
        let head = format!(
            "[policy]\nid = \"t\"\nversion = \"1\"\nprofile = \"ngmia\"\n[person]\nkey = \"patient\"\n\
             [pseudonymized]\nproject = \"p\"\nrecipient = \"r\"\n[not_applicable]\n{not_applicable}\
             [anonymized]\n{anonymized}\n{tables}"
        );
        std::fs::write(&path, head).unwrap();
        path
    }
    /// All that is said about a policy, and about its data if they are read.
    fn explained(&self, policy: &Path, data: bool) -> String {
        let input = self.0.path().join("in");
        let mut arguments = vec!["explain", "--policy", text(policy)];
        if data {
            arguments.extend(["--input", text(&input)]);
        }
        let output = kakou(&arguments);
        String::from_utf8_lossy(&output.stdout).into_owned() + &error_of(&output)
    }
}

/// One line says all of these words.
fn one_line(said: &str, words: &[&str]) {
    assert!(
        said.lines().any(|line| words.iter().all(|word| line.contains(word))),
        "{words:?} in no line of:\n{said}"
    );
}

const ID: &str = "id = { role = \"link\", type = \"code\", pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }\n";
const SEX: &str = "sex = { role = \"quasi\", type = \"code\", pseudonymized = \"keep\", anonymized = \"keep\" }\n";

fn table(name: &str, grain: &str, columns: &str) -> String {
    let keys = if grain == "stay" { ", stay = \"stay\"" } else { "" };
    format!(
        "[tables.{name}]\ngrain = \"{grain}\"\nsource = {{ path = \"{name}.csv\" }}\nkeys = {{ patient = \"id\"{keys} }}\n[tables.{name}.columns]\n{ID}{columns}"
    )
}

fn birth(treatment: &str) -> String {
    format!(
        "birth = {{ role = \"quasi\", type = \"date\", kind = \"birth\", pseudonymized = {{ truncate_date = \"month\" }}, anonymized = {treatment} }}\n"
    )
}

fn day(name: &str, role: &str, treatment: &str) -> String {
    format!(
        "{name} = {{ role = \"{role}\", type = \"date\", kind = \"event\", pseudonymized = \"shift_date\", anonymized = {treatment} }}\n"
    )
}

fn view(name: &str, grain: &str, quasi: &[&str], k: &str) -> String {
    format!("[[anonymized.view]]\nname = \"{name}\"\ngrain = \"{grain}\"\nquasi = {quasi:?}\n{k}\n")
}

const SUPPRESS: &str = "suppress = { unit = \"row\", at_most = 0.3 }\n";
const STAY: &str = "stay = { role = \"link\", type = \"code\", pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }\n";

/// A1: a table whose quasi-identifiers stay behind when the stays go.
#[test]
fn a_table_that_no_view_counts() {
    let mut patients = String::from("id,birth,sex\n");
    let mut stays = String::from("id,stay,adm\n");
    for p in 0..13 {
        let (born, sex) = if p == 12 { ("2000-01-10", "2") } else { ("1960-01-10", "1") };
        writeln!(patients, "p{p:03},{born},{sex}").unwrap();
        writeln!(stays, "p{p:03},s{p:03},2025-04-0{}", p % 9 + 1).unwrap();
    }
    let case = Case::new(&[("patients.csv", patients), ("stays.csv", stays)]);
    let quasi = ["patients.birth", "patients.sex", "stays.adm"];
    let tables = table(
        "patients",
        "person",
        &(birth("{ age_band = { at = \"stays.adm\", width = 10 } }") + SEX),
    ) + &table(
        "stays",
        "stay",
        &(STAY.to_owned() + &day("adm", "quasi", "{ truncate_date = \"year\" }")),
    );
    let policy = case.policy(
        NONE,
        &(SUPPRESS.to_owned() + &view("stay", "stays", &quasi, "k = 3")),
        &tables,
    );
    let said = case.explained(&policy, true);
    one_line(&said, &["implied: `patients` releases", "patients.birth, patients.sex", "no view"]);
    one_line(&said, &["view implied-patients (implied): <10 of 13 rows of `patients` go"]);
}

/// A2: one fact at two precisions, at two moments, and at two precisions of a date.
#[test]
fn one_fact_in_several_forms() {
    let case = Case::new(&[]);
    let tables = |stays: &str, visits: &str, seen: &str| {
        let own = |name: &str, birth_: &str, rest: &str| {
            table(
                name,
                "event",
                &(birth(birth_) + &day("adm", "quasi", "{ truncate_date = \"year\" }") + rest),
            )
        };
        own("stays", stays, seen) + &own("visits", visits, "")
    };
    let views = SUPPRESS.to_owned()
        + &view("stay", "stays", &["stays.birth", "stays.adm"], "k = 5")
        + &view("visit", "visits", &["visits.birth", "visits.adm"], "k = 5");
    let fixed = |width: u64| format!("{{ age_band = {{ at = \"2026-01-01\", width = {width} }} }}");
    let policy = case.policy(NONE, &views, &tables(&fixed(10), &fixed(5), ""));
    one_line(&case.explained(&policy, false), &["other forms of the same facts", "visits.birth"]);

    let moving = "{ age_band = { at = \"adm\", width = 10 } }";
    let policy = case.policy(NONE, &views, &tables(moving, &fixed(10), ""));
    one_line(
        &case.explained(&policy, false),
        &["`stays.birth` can change between two rows of a person"],
    );

    let seen = day("seen", "payload", "{ truncate_date = \"quarter\" }");
    let policy = case.policy(NONE, &views, &tables(&fixed(10), &fixed(10), &seen));
    one_line(&case.explained(&policy, false), &["other forms of the same facts", "stays.seen"]);
}

/// One table of persons with `x` and a quasi-identifier; so many of each value.
fn one(anonymized: &str, x: &str, values: &[(usize, &str)]) -> (Case, PathBuf) {
    let mut lines = String::from("id,sex,x\n");
    let mut id = 0;
    for (count, value) in values {
        for _ in 0..*count {
            id += 1;
            writeln!(lines, "p{id:04},1,{value}").unwrap();
        }
    }
    let case = Case::new(&[("t.csv", lines)]);
    let policy = case.policy(NONE, anonymized, &table("t", "person", &format!("{SEX}x = {x}\n")));
    (case, policy)
}

fn payload(ty: &str, treatment: &str) -> String {
    format!(
        "{{ role = \"payload\", type = \"{ty}\", pseudonymized = \"keep\", anonymized = {treatment} }}"
    )
}

fn floor(n: u64) -> String {
    format!("floor = {n}\n{SUPPRESS}{}", view("v", "t", &["t.sex"], &format!("k = {n}")))
}

/// A2: a fact outside every view that splits a class; A3: facts beside a view.
#[test]
fn facts_outside_the_views() {
    let mut lines = String::from("id,sex,x\n");
    for p in 0..60 {
        let (x, sex) = match p {
            0..3 => ("O", 1),
            3..30 => ("A", 1),
            _ => ("O", 2),
        };
        writeln!(lines, "p{p:03},{sex},{x}").unwrap();
    }
    let (case, policy) = one(&floor(12), &payload("code", "\"keep\""), &[]);
    std::fs::write(case.0.path().join("in/t.csv"), &lines).unwrap();
    let said = case.explained(&policy, true);
    one_line(
        &said,
        &[
            "`t.x` is the same in all rows of a person",
            "this view does not count it",
            "<10 persons (k = 12)",
        ],
    );

    let text = std::fs::read_to_string(&policy).unwrap();
    std::fs::write(&policy, text.replace("floor = 12", "tier = \"public\"")).unwrap();
    one_line(&case.explained(&policy, true), &["error[C0105]", "column `x`", "no view"]);

    // Twelve have a length of stay of their own.
    let mut stays = String::from("id,sex,x\n");
    for p in 0..60 {
        writeln!(stays, "p{p:03},1,{}", if p < 12 { 20 + p } else { 10 + p % 4 }).unwrap();
    }
    let (case, policy) = one(&floor(3), &payload("integer", "{ round = { step = 1 } }"), &[]);
    std::fs::write(case.0.path().join("in/t.csv"), &stays).unwrap();
    let said = case.explained(&policy, true);
    one_line(&said, &["whoever knows up to 2 of these facts beside the view", "t.x"]);
    one_line(&said, &["view v: rows that one person alone fits", "+ t.x"]);
}

/// B4 to B8.
#[test]
fn values_of_too_few() {
    // A tail of one person beside its limit.
    let top = payload("integer", "{ top_code = { at = 80, persons = 20 } }");
    let (case, policy) = one(&floor(5), &top, &[(19, "80"), (1, "99"), (20, "50")]);
    let said = case.explained(&policy, true);
    one_line(
        &said,
        &["no value of fewer than 20 persons among the rows that are left", "(of the treatment)"],
    );
    let tails = payload("decimal", "{ round = { decimals = 1 } }");
    let (case, policy) = one(&floor(5), &tails, &[(12, "15.5"), (1, "3.5")]);
    one_line(
        &case.explained(&policy, true),
        &["t.x: too few persons stand at the ends", "at least 5"],
    );

    let whole = payload("integer", "{ round = { step = 1 } }");
    let (case, policy) = one(&floor(5), &whole, &[(12, "15"), (12, "16"), (1, "3")]);
    let said = case.explained(&policy, true);
    one_line(&said, &["t.x: too few persons hold 2 of the values", "at least 5"]);
    one_line(&said, &["no value of fewer than 5 persons", "plainly measured"]);

    // A remainder of one.
    let rare = payload("code", "{ rare = { below = 3 } }");
    let (case, policy) = one(&floor(3), &rare, &[(6, "a"), (6, "b"), (1, "c")]);
    one_line(&case.explained(&policy, true), &["t.x: too few persons hold", "at least 3"]);

    // Three hold a value, and one of them goes.
    let (case, policy) = one(&floor(3), &payload("code", "\"rare\""), &[]);
    let mut lines = String::from("id,sex,x\n");
    for p in 0..30 {
        writeln!(lines, "p{p:03},{},{}", if p == 0 { 9 } else { 1 }, if p < 3 { "c" } else { "a" })
            .unwrap();
    }
    std::fs::write(case.0.path().join("in/t.csv"), lines).unwrap();
    let said = case.explained(&policy, true);
    one_line(&said, &["t.x: too few persons hold", "at least 3"]);
    one_line(&said, &["view v: <10 of 30 rows of `t` go"]);

    // Every technique: codes that are kept, shortened or mapped, and whether there is a value.
    for (treatment, values) in [
        ("\"keep\"", [(9, "ab"), (1, "bb")]),
        ("{ prefix = 1 }", [(9, "ab"), (1, "bb")]),
        ("{ map = { table = { ab = \"A\" }, otherwise = \"other\" } }", [(9, "ab"), (1, "bb")]),
        ("\"presence\"", [(9, "ab"), (1, "")]),
    ] {
        let (case, policy) = one(&floor(3), &payload("code", treatment), &values);
        one_line(&case.explained(&policy, true), &["t.x: too few persons hold", "at least 3"]);
    }
    let mut lines = String::from("id,sex,x,adm\n");
    for p in 0..100 {
        // Days after one of twenty days in January.
        let (days, adm) = (if p == 0 { 27 } else { p % 5 }, 1 + p % 20);
        let day = adm + days;
        let day = if day > 31 { format!("02-{:02}", day - 31) } else { format!("01-{day:02}") };
        writeln!(lines, "p{p:03},1,2025-{day},2025-01-{adm:02}").unwrap();
    }
    let case = Case::new(&[("t.csv", lines)]);
    let days = SEX.to_owned()
        + &day("x", "payload", "{ days_since = \"adm\" }")
        + &day("adm", "payload", "{ truncate_date = \"year\" }");
    let policy = case.policy(NONE, &floor(5), &table("t", "event", &days));
    one_line(&case.explained(&policy, true), &["t.x: too few persons hold", "at least 5"]);

    // A child that changes the tier changes the floors.
    let tier = format!("tier = \"research\"\n{SUPPRESS}{}", view("v", "t", &["t.sex"], ""));
    let (case, policy) = one(&tier, &payload("code", "\"rare\""), &[(20, "a")]);
    one_line(&case.explained(&policy, false), &["fewer than 10 persons", "of the tier `research`"]);
    let child = case.0.path().join("child.toml");
    std::fs::write(&child, "extends = \"policy.toml\"\n[anonymized]\ntier = \"public\"\n").unwrap();
    one_line(&case.explained(&child, false), &["fewer than 12 persons", "of the tier `public`"]);
}

/// C10, C12 and C13: what `explain` says of a policy alone.
#[test]
fn declarations_that_are_false() {
    let keep = "pseudonymized = \"keep\", anonymized = \"drop\"";
    let case = Case::new(&[]);
    let said = |not_applicable: &str, anonymized: &str, more: &str| {
        let columns = birth("{ age_band = { at = \"adm\", width = 20, top = 80 } }")
            + SEX
            + &day("adm", "payload", "{ truncate_date = \"year\" }")
            + more;
        let views = view("v", "t", &["t.birth", "t.sex"], "");
        let anonymized = format!("{anonymized}\n{SUPPRESS}{views}");
        case.explained(
            &case.policy(not_applicable, &anonymized, &table("t", "event", &columns)),
            false,
        )
    };
    let research = "tier = \"research\"";
    for (name, facts) in [
        ("患者番号", "role = \"payload\", type = \"code\""),
        ("生年月日", "role = \"payload\", type = \"code\""),
        ("姓", "role = \"payload\""),
        ("名", "role = \"payload\""),
        ("記号", "role = \"payload\", type = \"code\""),
        ("番号", "role = \"payload\", type = \"code\""),
        ("所見", "role = \"payload\", type = \"code\""),
        ("退院日", "role = \"payload\", type = \"code\""),
    ] {
        let other = if name == "番号" { "記号" } else { "番号" };
        let column = |name: &str| format!("\"{name}\" = {{ {facts}, {keep} }}\n");
        let told = said(NONE, research, &(column(name) + &column(other)));
        one_line(&told, &["error[P0210]", &format!("`{name}`")]);
    }
    // 特異な記述 cannot be waived, and a treatment of dates does not answer it for a diagnosis.
    one_line(
        &said(&format!("{NONE}\"18-4\" = \"none\"\n"), research, ""),
        &["error[P0202]", "18条4号"],
    );
    let disease = "d = { role = \"payload\", type = \"code\", code = \"icd10\", pseudonymized = \"keep\", anonymized = \"keep\" }\n";
    one_line(&said(NONE, research, disease), &["error[P0203]", "`d`"]);
    // Thresholds.
    for (from, to, words) in [
        ("width = 20, top = 80", "width = 1", ["error[P0211]", "`birth`"]),
        (
            "{ age_band = { at = \"adm\", width = 20, top = 80 } }",
            "{ truncate_date = \"day\" }",
            ["error[P0211]", "`birth`"],
        ),
        (
            "{ age_band = { at = \"adm\", width = 20, top = 80 } }",
            "{ days_since = \"adm\" }",
            ["error[P0211]", "`birth`"],
        ),
        ("\"t.birth\", \"t.sex\"", "\"t.sex\"", ["error[P0106]", "`birth`"]),
        ("at_most = 0.3", "at_most = 1.0", ["error[P0212]", "at_most"]),
        ("tier = \"research\"", "tier = \"public\"\nfloor = 2", ["error[P0212]", "floor = 2"]),
        ("\"t.sex\"]\n", "\"t.sex\"]\nk = 2\n", ["error[P0212]", "k = 2"]),
    ] {
        said(NONE, research, "");
        let policy = case.0.path().join("policy.toml");
        let good = std::fs::read_to_string(&policy).unwrap();
        assert!(good.contains(from), "{from}");
        std::fs::write(&policy, good.replace(from, to)).unwrap();
        one_line(&case.explained(&policy, false), &words);
    }
}

/// C10 and C11: what the data say.
#[test]
fn data_that_are_not_what_they_are_called() {
    // One 個人番号 among codes.
    let mut values: Vec<(usize, String)> = (0..12).map(|i| (5, format!("W{i:02}"))).collect();
    values.push((1, "123456789018".to_owned()));
    let values: Vec<(usize, &str)> = values.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let x =
        "{ role = \"payload\", type = \"code\", pseudonymized = \"keep\", anonymized = \"drop\" }";
    let (case, policy) = one(&floor(3), x, &values);
    let said = case.explained(&policy, true);
    one_line(&said, &["error[C0305]", "column `x`", "個人番号", "<10 rows"]);
    assert!(!said.contains("123456789018"), "{said}");
    // What the policy waives is not told.
    let waived = std::fs::read_to_string(&policy).unwrap()
        + "[[waive]]\ndetector = \"my_number\"\ncolumn = \"t.x\"\nreason = \"wards\"\n";
    std::fs::write(&policy, waived).unwrap();
    assert!(!case.explained(&policy, true).contains("C0305"));
    // A number of each person's own.
    let own: Vec<(usize, String)> = (0..60).map(|i| (1, format!("N{:07}", i * 7_919))).collect();
    let own: Vec<(usize, &str)> = own.iter().map(|(n, v)| (*n, v.as_str())).collect();
    let (case, policy) = one(&floor(3), x, &own);
    one_line(&case.explained(&policy, true), &["error[C0414]", "column `t`.`x`"]);
}
