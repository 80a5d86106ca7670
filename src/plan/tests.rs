//! Every refusal of a policy, with its place.

use super::{Plan, ladders};
use crate::error::Error;
use crate::policy::{self, load_text};

const GOOD: &str = r#"[policy]
id = "test"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
tier = "research"
[[anonymized.view]]
name = "v"
grain = "stays"
quasi = ["stays.性別", "stays.生年月日"]
[not_applicable]
"33-3" = "none"
"18-2" = "none"
"33-2" = "none"
[tables.stays]
grain = "event"
source = { path = "stays.csv" }
keys = { patient = "患者ID" }
[tables.stays.columns]
"患者ID" = { role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }
"氏名" = { role = "direct", pseudonymized = "drop", anonymized = "drop" }
"性別" = { role = "quasi", pseudonymized = "keep", anonymized = "keep" }
"生年月日" = { role = "quasi", type = "date", kind = "birth", pseudonymized = { truncate_date = "month" }, anonymized = { age_band = { at = "入院日", width = 5 } } }
"入院日" = { role = "payload", type = "date", kind = "event", pseudonymized = "keep", anonymized = "drop" }
"病名" = { role = "sensitive", code = "icd10", pseudonymized = "keep", anonymized = { rare = 10 } }
"備考" = { role = "text", pseudonymized = "drop", anonymized = "drop" }
"値" = { role = "payload", type = "decimal", pseudonymized = "keep", anonymized = { round = { significant = 2, tails = 10 } } }
"#;

fn build(text: &str) -> Result<Plan, Error> {
    let loaded = load_text("policy.toml", text).map_err(|failed| failed.error)?;
    Plan::build(&loaded, &ladders(&loaded)?)
}

#[track_caller]
fn refused(from: &str, to: &str, code: &str) -> Error {
    assert!(GOOD.contains(from), "the test's policy has no {from}");
    let text = GOOD.replacen(from, to, 1);
    let error = build(&text).expect_err("it was taken");
    let found = error.each().find(|e| e.code == code).unwrap_or_else(|| panic!("{error}"));
    found.clone()
}

#[track_caller]
fn at(error: &Error, needle: &str) {
    // The place is where the changed text stands.
    let place = error.place.as_ref().expect("no place");
    assert!(place.line > 0 && place.column > 0);
    let _ = needle;
}

#[test]
fn a_good_policy_is_taken() {
    let plan = build(GOOD).unwrap();
    assert_eq!(plan.views[0].k, 10);
    assert_eq!(plan.tables[0].columns[0].key, Some(0));
}

#[test]
fn the_place_is_the_line_and_character() {
    let error = refused("tails = 10", "tials = 10", "P0002");
    let place = error.place.unwrap();
    let line = GOOD.lines().position(|l| l.starts_with("\"値\"")).unwrap() + 1;
    let column = GOOD
        .lines()
        .nth(line - 1)
        .unwrap()
        .chars()
        .collect::<String>()
        .find("tails")
        .map(|b| GOOD.lines().nth(line - 1).unwrap()[..b].chars().count() + 1);
    assert_eq!((place.line as usize, Some(place.column as usize)), (line, column));
    assert!(error.advice.unwrap().as_str().contains("did you mean `tails`?"));
}

#[test]
fn form() {
    refused("[policy]", "[policy", "P0001");
    refused("role = \"text\"", "rolle = \"text\"", "P0002");
    refused("version = \"1\"\n", "", "P0003");
    refused(", anonymized = \"drop\" }\n\"値\"", " }\n\"値\"", "P0003");
    refused("version = \"1\"", "version = 1", "P0004");
    let error = refused("role = \"text\"", "role = \"txt\"", "P0005");
    assert!(error.advice.unwrap().as_str().contains("did you mean `text`?"));
    let error = refused(
        "pseudonymized = \"drop\", anonymized = \"drop\" }\n\"値\"",
        "pseudonymized = \"dropp\", anonymized = \"drop\" }\n\"値\"",
        "P0006",
    );
    assert!(error.advice.unwrap().as_str().contains("did you mean `drop`?"));
    refused("profile = \"ngmia\"", "profile = \"gdpr\"", "P0005");
}

#[test]
fn names_and_keys() {
    refused("id = \"test\"", "id = \"te st\"", "P0101");
    at(
        &refused("keys = { patient = \"患者ID\" }", "keys = { patient = \"患者\" }", "P0102"),
        "患者",
    );
    refused("keys = { patient = \"患者ID\" }", "keys = { stay = \"患者ID\" }", "P0103");
    refused("grain = \"event\"", "grain = \"stay\"", "P0103");
    refused("at = \"入院日\"", "at = \"入院\"", "P0102");
    refused("\"stays.性別\"", "\"stays.性\"", "P0102");
    refused("role = \"link\"", "role = \"payload\"", "P0103");
}

#[test]
fn role_and_treatment() {
    refused(
        "\"氏名\" = { role = \"direct\", pseudonymized = \"drop\"",
        "\"氏名\" = { role = \"direct\", pseudonymized = \"keep\"",
        "P0104",
    );
    refused("pseudonymized = \"pseudonym\"", "pseudonymized = \"keep\"", "P0104");
    refused("anonymized = \"surrogate\"", "anonymized = \"keep\"", "P0104");
    refused("anonymized = \"surrogate\"", "anonymized = \"pseudonym\"", "P0105");
    refused(
        "role = \"text\", pseudonymized = \"drop\"",
        "role = \"text\", pseudonymized = \"keep\"",
        "P0104",
    );
    refused("pseudonymized = { truncate_date = \"month\" }", "pseudonymized = \"keep\"", "P0104");
    refused("anonymized = { rare = 10 }", "anonymized = \"keep\"", "P0104");
    refused("quasi = [\"stays.性別\", \"stays.生年月日\"]", "quasi = [\"stays.性別\"]", "P0106");
    refused("type = \"decimal\"", "type = \"string\"", "P0105");
    refused("code = \"icd10\", ", "code = \"icd99\", ", "P0105");
    refused(
        "pseudonymized = \"keep\", anonymized = \"drop\" }\n\"病名\"",
        "pseudonymized = \"keep\", anonymized = \"shift_date\" }\n\"病名\"",
        "P0105",
    );
    // Free text may stay if somebody answers for it; the plan says so.
    let kept = GOOD.replacen(
        "role = \"text\", pseudonymized = \"drop\"",
        "role = \"text\", reviewed = \"山田 2026-11-01\", pseudonymized = \"keep\"",
        1,
    );
    assert!(build(&kept).unwrap().warnings.iter().any(|w| w.code == "W0104"));
}

#[test]
fn thresholds_and_tokens() {
    refused("tier = \"research\"\n", "", "P0108");
    refused("name = \"v\"", "name = \"v\"\nk = 1", "P0108");
    refused("tier = \"research\"", "tier = \"research\"\nsuppress = { at_most = 1.5 }", "P0108");
    refused("anonymized = \"surrogate\"", "anonymized = \"drop\"", "P0107");
    refused("pseudonymized = \"pseudonym\"", "pseudonymized = \"drop\"", "P0107");
}

#[test]
fn every_legal_item_needs_an_answer() {
    refused("\"33-3\" = \"none\"\n", "", "P0201");
    refused("\"18-2\" = \"none\"\n", "", "P0201");
    refused(
        "[[anonymized.view]]\nname = \"v\"\ngrain = \"stays\"\nquasi = [\"stays.性別\", \"stays.生年月日\"]\n",
        "",
        "P0201",
    );
    refused("\"33-3\" = \"none\"", "\"33-3\" = \" \"", "P0202");
    refused("\"33-3\" = \"none\"", "\"33-9\" = \"none\"", "P0202");
    refused("\"33-3\" = \"none\"", "\"33-3\" = \"none\"\n\"18-5\" = \"none\"", "P0202");
    refused("\"33-3\" = \"none\"", "\"33-3\" = \"none\"\n\"18-1\" = \"none\"", "P0202");
}

#[test]
fn comments_leave_the_digest_and_a_threshold_changes_it() {
    let digest = |text: &str| super::digest_bytes(&load_text("p", text).unwrap());
    let good = digest(GOOD);
    assert_eq!(good, digest(&format!("# a comment\n{GOOD}")));
    assert_ne!(good, digest(&GOOD.replacen("rare = 10", "rare = 11", 1)));
    assert_ne!(good, digest(&GOOD.replacen("tier = \"research\"", "tier = \"public\"", 1)));
}

#[test]
fn the_resolved_policy_means_the_same() {
    let loaded = load_text("p", GOOD).unwrap();
    let again = load_text("resolved", &super::resolved_toml(&loaded)).unwrap();
    assert_eq!(loaded.policy, again.policy);
}

#[test]
fn a_shipped_policy_is_extended_by_its_name_without_tables_that_are_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child.toml");
    let write = |text: &str| std::fs::write(&child, text).unwrap();
    write(
        "extends = \"kakou:dpc-hub\"\nwithout = [\"h\", \"k\"]\n[policy]\nid = \"mine\"\n[person]\nsame = []\n",
    );
    let loaded = policy::load(&child).unwrap();
    let plan = Plan::build(&loaded, &ladders(&loaded).unwrap()).unwrap();
    assert_eq!(plan.id.as_str(), "mine");
    assert!(plan.tables.iter().any(|t| t.name.as_str() == "ef_in"));
    assert!(plan.tables.iter().all(|t| t.name.as_str() != "k"));
    // Findings that are waived in the columns of such a table go with it.
    for table in ["observation", "medication_administration", "immunization"] {
        write(&format!("extends = \"kakou:fhir\"\nwithout = [\"{table}\"]\n"));
        let loaded = policy::load(&child).unwrap();
        assert!(Plan::build(&loaded, &ladders(&loaded).unwrap()).is_ok(), "{table}");
    }
    // A table that the base does not have, a policy that is not shipped, no base: each an error with its place.
    for (text, code, line) in [
        ("extends = \"kakou:dpc-hub\"\nwithout = [\"hh\"]\n", "P0102", 2),
        ("extends = \"kakou:dpc-hob\"\n", "P0011", 1),
        ("without = [\"h\"]\n", "P0004", 1),
        ("extends = \"kakou:dpc-hub\"\nwithout = \"h\"\n", "P0004", 2),
    ] {
        write(text);
        let error = policy::load(&child).unwrap_err().error;
        assert_eq!((error.code, error.place.map(|p| p.line)), (code, Some(line)), "{text}");
    }
    let error = policy::load_text("p", "without = [\"h\"]\n").unwrap_err().error;
    assert_eq!(error.code, "P0015");
    // What a shipped policy still names in its views or rules is an error, not a guess.
    write("extends = \"kakou:dpc-hub\"\nwithout = [\"k\"]\n");
    let loaded = policy::load(&child).unwrap();
    let error = Plan::build(&loaded, &ladders(&loaded).unwrap()).map(|_| ()).unwrap_err();
    assert!(error.each().any(|e| e.code == "P0102" || e.code == "P0111"), "{:?}", error.code);
}

#[test]
fn extends_takes_the_base_and_changes_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("base.toml"), GOOD).unwrap();
    let child = folder.path().join("child.toml");
    std::fs::write(
        &child,
        "extends = \"base.toml\"\n[policy]\nid = \"child\"\n[tables.stays.columns]\n\"値\" = { anonymized = \"drop\" }\n",
    )
    .unwrap();
    let loaded = policy::load(&child).unwrap();
    let plan = Plan::build(&loaded, &ladders(&loaded).unwrap()).unwrap();
    assert_eq!(plan.id.as_str(), "child");
    let names: Vec<&str> = plan.tables[0].columns.iter().map(|c| c.facts.column.as_str()).collect();
    assert_eq!(names.last(), Some(&"値"), "the order of columns is the base's");
    assert_eq!(plan.tables[0].columns[7].treatments.anonymized.treatment.doc().name, "drop");
    // An error in the base points into the base.
    std::fs::write(folder.path().join("base.toml"), GOOD.replacen("tails", "tials", 1)).unwrap();
    std::fs::write(&child, "extends = \"base.toml\"\n").unwrap();
    let failed = policy::load(&child).unwrap_err();
    assert!(failed.error.place.unwrap().file.as_str().ends_with("base.toml"));
    std::fs::write(&child, "extends = \"child.toml\"\n").unwrap();
    assert_eq!(policy::load(&child).unwrap_err().error.code, "P0012");
}

#[test]
fn errors_show_the_line_with_a_caret() {
    let text = GOOD.replacen("role = \"text\"", "role = \"txt\"", 1);
    let failed = load_text("policy.toml", &text).unwrap_err();
    let shown = policy::render(&failed.error, &failed.sources, false);
    assert!(
        shown.contains("policy.toml:31:")
            && shown.contains("^^^^^")
            && shown.contains("\"備考\"")
            && shown.contains("P0005"),
        "{shown}"
    );
}

#[test]
fn every_code_is_in_the_table() {
    for source in [
        include_str!("build.rs"),
        include_str!("../policy/lib.rs"),
        include_str!("../policy/tree.rs"),
        include_str!("../policy/validate.rs"),
    ] {
        for (at, _) in source.match_indices("\"P0") {
            let code = &source[at + 1..at + 6];
            // `"P02"` alone is a prefix, not a code.
            if code.contains('"') {
                continue;
            }
            assert!(policy::CODES.iter().any(|(c, ..)| *c == code), "{code}");
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "\\PC{0,80}") {
        let _ = load_text("p", &text);
    }
    #[test]
    fn no_damage_makes_the_reader_panic(at in 0_usize..1500, with in "[\\[\\]{}\"=,.a1\n]{0,3}") {
        let mut text = GOOD.to_owned();
        let at = (at.min(text.len())..=text.len()).find(|&i| text.is_char_boundary(i)).unwrap();
        text.insert_str(at, &with);
        let _ = build(&text);
    }
}

#[test]
fn facts_beside_a_view() {
    let view = "quasi = [\"stays.性別\", \"stays.生年月日\"]\n";
    let with = |words: &str| format!("{view}unique_with = {{ {words} }}\n");
    let said = |words: &str| GOOD.replacen(view, &with(words), 1);
    // Without words: all that is released beside the view, two known facts, no limit but in the tier `public`.
    let names = |plan: &Plan| -> Vec<String> {
        let facts = plan.unique[0].facts.iter();
        facts
            .map(|f| super::unique::fact_name(&plan.tables, f.table, f.column).to_string())
            .collect()
    };
    let plan = build(GOOD).unwrap();
    assert_eq!(names(&plan), ["stays.病名", "stays.値"]);
    assert_eq!((plan.unique[0].m, plan.unique[0].at_most), (2, None));
    let public = |text: &str| text.replacen("tier = \"research\"", "tier = \"public\"", 1);
    let limit = build(&public(GOOD)).unwrap().unique[0].at_most;
    assert_eq!(limit, Some(0.02));
    let plan = build(&said("facts = [\"stays.値\"], m = 3, at_most = 0.3")).unwrap();
    assert_eq!((names(&plan), plan.unique[0].m), (vec!["stays.値".to_owned()], 3));
    // What is no fact, or no number.
    for words in [
        "facts = [\"stays.入院日\"]",
        "facts = [\"stays.患者ID\"]",
        "facts = [\"stays.性別\"]",
        "facts = [\"stays.値\", \"stays.値\"]",
        "m = 0",
        "m = 4",
        "at_most = 1.5",
    ] {
        let error = refused(view, &with(words), "P0131");
        assert!(error.place.is_some() && error.advice.is_some(), "{words}");
    }
    refused(view, &with("facts = [\"stays.無い\"]"), "P0102");
    // Less than the tier asks needs a reason.
    for words in ["facts = [\"stays.値\"]", "m = 1", "at_most = 0.1"] {
        let error = build(&public(&said(words))).expect_err("it was taken");
        assert!(error.each().any(|e| e.code == "P0131"), "{words}");
        let reason = format!("{words}, because = \"a contract\"");
        let plan = build(&public(&said(&reason))).unwrap();
        assert_eq!(plan.unique[0].because.as_ref().map(|b| b.as_str()), Some("a contract"));
        assert!(build(&public(&said(&format!("{words}, because = \" \"")))).is_err());
    }
    assert!(build(&public(&said("at_most = 0.01, m = 3"))).is_ok());
}

#[test]
fn words_of_a_source_fit_its_form() {
    let from = "source = { path = \"stays.csv\" }";
    for (source, fits) in [
        (
            "path = \"stays.csv\", skip_lines = 2, quotes_after_blanks = true, multiline = true",
            true,
        ),
        ("path = \"stays.csv.gz\", number_repeats = true", true),
        ("path = \"stays.xlsx\", sheet = \"s\", skip_lines = 1", true),
        ("path = \"*.dat\", skip_lines = 1", true),
        ("path = \"stays.csv\", sheet = \"s\"", false),
        ("path = \"stays.parquet\", skip_lines = 2", false),
        ("path = \"*.dat\", format = \"parquet\", number_repeats = true", false),
        ("path = \"stays.xlsx\", quotes_after_blanks = true", false),
        ("path = \"stays.parquet\", multiline = true", false),
    ] {
        let to = format!("source = {{ {source} }}");
        if fits {
            build(&GOOD.replacen(from, &to, 1)).unwrap();
        } else {
            refused(from, &to, "P0132");
        }
    }
}
