//! The acceptance tests of the formats' specification (§13.1), one each, by number.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::{self, error_of, files, kakou, new_key, records, repo, run, text};
use unicode_normalization::UnicodeNormalization;

const HEAD: &str = r#"
[policy]
id = "t"
version = "1"
profile = "ngmia"
[pseudonymized]
project = "p"
recipient = "r"
[not_applicable]
"18-2" = "none"
"18-4" = "none"
"33-2" = "none"
"33-3" = "none"
[anonymized]
tier = "research"
"#;

fn cp932(text: &str) -> Vec<u8> {
    encoding_rs::SHIFT_JIS.encode(text).0.into_owned()
}

/// Two hospitals' persons and their laboratory days: (hospital, number, name, card, days of tests).
fn small(folder: &Path, persons: &[(&str, &str, &str, &str)]) -> PathBuf {
    let mut a = String::from("施設,番号,氏名,被保険者番号,性別,入院日,退院日\n");
    let mut b = String::from("施設,番号,検査日,値\n");
    for (n, (hospital, number, name, card)) in persons.iter().enumerate() {
        let (from, to) = (n % 20 + 1, n % 20 + 4 + n % 5);
        a.push_str(&format!(
            "{hospital},{number},{name},{card},1,2024-03-{from:02},2024-03-{to:02}\n"
        ));
        for day in 0..3 {
            b.push_str(&format!(
                "{hospital},{number},2024-03-{:02},{}\n",
                from + day,
                n * 10 + day
            ));
        }
    }
    std::fs::write(folder.join("a.csv"), a).unwrap();
    std::fs::write(folder.join("b.csv"), b).unwrap();
    let policy = folder.join("p.toml");
    std::fs::write(&policy, small_policy("", "")).unwrap();
    policy
}

fn small_policy(person: &str, more: &str) -> String {
    format!(
        r#"ignore = ["link*.csv", "keys.csv", "*.key", "*.txt"]
{HEAD}
[[anonymized.view]]
name = "person"
grain = "a"
quasi = ["a.性別"]
{more}
[person]
key = "patient"
{person}
[tables.a]
grain = "event"
source = {{ path = "a.csv" }}
keys = {{ patient = ["施設", "番号"] }}
set_aside = ["key"]
[tables.a.columns]
"施設" = {{ role = "third_party", pseudonymized = "drop", anonymized = "drop" }}
"番号" = {{ role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }}
"氏名" = {{ role = "direct", pseudonymized = "drop", anonymized = "drop" }}
"被保険者番号" = {{ role = "link", pseudonymized = {{ pseudonym = "card" }}, anonymized = "drop" }}
"性別" = {{ role = "quasi", pseudonymized = "keep", anonymized = "keep" }}
"入院日" = {{ role = "payload", type = "date", kind = "event", pseudonymized = "shift_date", anonymized = "drop" }}
"退院日" = {{ role = "payload", type = "date", kind = "event", pseudonymized = "shift_date", anonymized = {{ days_since = "入院日" }} }}
[tables.b]
grain = "event"
source = {{ path = "b.csv" }}
keys = {{ patient = ["施設", "番号"] }}
set_aside = ["key"]
[tables.b.columns]
"施設" = {{ role = "third_party", pseudonymized = "drop", anonymized = "drop" }}
"番号" = {{ role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }}
"検査日" = {{ role = "payload", type = "date", kind = "event", pseudonymized = "shift_date", anonymized = {{ days_since = "a.入院日" }} }}
"値" = {{ role = "payload", pseudonymized = "keep", anonymized = "drop" }}
"#
    )
}

fn people(n: usize) -> Vec<(String, String, String, String)> {
    (0..n)
        .map(|i| {
            (
                "131234567".into(),
                format!("{:08}", 51_000_001 + i * 17),
                format!("試験{}花子", char::from_u32(0x4e00 + i as u32 * 3).unwrap()),
                format!("{:08}", 62_000_001 + i * 13),
            )
        })
        .collect()
}

fn borrowed(people: &[(String, String, String, String)]) -> Vec<(&str, &str, &str, &str)> {
    people.iter().map(|(a, b, c, d)| (a.as_str(), b.as_str(), c.as_str(), d.as_str())).collect()
}

fn column(path: &Path, name: &str) -> Vec<String> {
    let (header, rows) = records(path);
    let at =
        header.iter().position(|h| h == name).unwrap_or_else(|| panic!("{name} in {header:?}"));
    rows.into_iter().map(|mut r| r.swap_remove(at)).collect()
}

/// The spellings of an identifier that must stand nowhere.
fn spellings(value: &str) -> Vec<String> {
    let narrow: String = value.nfkc().collect();
    let wide: String = narrow
        .chars()
        .map(|c| if c.is_ascii_graphic() { char::from_u32(c as u32 + 0xfee0).unwrap() } else { c })
        .collect();
    let bare: String = narrow.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    let mut all =
        vec![value.to_owned(), bare.trim_start_matches('0').to_owned(), narrow, wide, bare];
    all.retain(|v| v.chars().count() >= 6 || !v.is_ascii() && v.chars().count() >= 4);
    all.sort();
    all.dedup();
    all
}

/// A synthetic hospital's DPC files under the shipped policy, with small thresholds.
fn dpc(folder: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let data = folder.join("data");
    let made = kakou(&[
        "synth",
        "--quiet",
        "--patients",
        "120",
        "--hospitals",
        "3",
        "--years",
        "1",
        "--layouts",
        "dpc",
        "--out",
        text(&data),
    ]);
    assert!(made.status.success(), "{}", error_of(&made));
    let policy = folder.join("hub.toml");
    let base = repo("policies/dpc-hub.toml");
    std::fs::write(
        &policy,
        format!(
            "extends = \"{}\"\n[anonymized]\nsuppress = {{ unit = \"row\", at_most = 1.0 }}\nbecause = \"few made-up persons\"\n\
             [[anonymized.view]]\nname = \"stay\"\ngrain = \"ff1.A000010\"\nquasi = [\"ff1.A000010.生年月日\", \"ff1.A000010.性別\", \"ff1.A000010.郵便番号\", \"ff1.A000010.入院年月日\"]\nk = 3\nbecause = \"few\"\n\
             [[anonymized.view]]\nname = \"visit\"\ngrain = \"ef_out\"\nquasi = [\"ef_out.生年月日\", \"ef_out.外来受診年月日\"]\nk = 3\nbecause = \"few\"\n",
            base.display()
        ),
    )
    .unwrap();
    let key = new_key(folder);
    let release = run(&policy, &data.join("dpc"), &key, &folder.join("out"), &[]);
    (data, policy, release)
}

#[test]
fn acceptance_01_no_source_identifier_in_any_output_byte_or_path() {
    let folder = tempfile::tempdir().unwrap();
    let (data, _, release) = dpc(folder.path());
    let mut wanted: BTreeSet<String> = BTreeSet::new();
    for number in column(&data.join("truth/registrations.csv"), "patient_number") {
        wanted.extend(spellings(&number).into_iter().filter(|s| s.len() >= 8));
    }
    let (header, rows) = records(&data.join("truth/planted.csv"));
    let value = header.iter().position(|h| h == "value").unwrap();
    for row in &rows {
        wanted.extend(spellings(&row[value]));
    }
    assert!(wanted.len() > 100, "{}", wanted.len());
    let automaton = aho(&wanted);
    for (path, says) in common::shown(&release) {
        assert!(!automaton(path.as_bytes()), "{path}");
        assert!(!automaton(says.as_bytes()), "{path}");
    }
    // A person seen at two hospitals has one token: numbers whose common ID in the K files is the same.
    let mut common: BTreeMap<String, BTreeSet<(String, String)>> = BTreeMap::new();
    for file in files(&data.join("dpc"))
        .iter()
        .filter(|f| f.file_name().unwrap().to_str().unwrap().starts_with("Kn_"))
    {
        let bytes = std::fs::read(file).unwrap();
        let (whole, _, _) = encoding_rs::SHIFT_JIS.decode(&bytes);
        for line in whole.lines() {
            let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
            let id = cells.last().unwrap();
            if !id.is_empty() && !id.bytes().all(|b| b == b'9') {
                common
                    .entry((*id).to_owned())
                    .or_default()
                    .insert((cells[0].to_owned(), cells[1].to_owned()));
            }
        }
    }
    let numbers: BTreeSet<&(String, String)> = common.values().flatten().collect();
    let tokens: BTreeSet<String> =
        column(&release.join("pseudonymized/ff4.csv"), "データ識別番号").into_iter().collect();
    let joined = common.values().filter(|n| n.len() > 1).count();
    // Every stay has a K row; those without a usable common ID stay apart.
    assert!(
        joined > 0 && tokens.len() <= numbers.len() + 20,
        "{joined} {} {}",
        tokens.len(),
        numbers.len()
    );
}

/// A search for any of many texts.
fn aho(wanted: &BTreeSet<String>) -> impl Fn(&[u8]) -> bool {
    let mut by_start: BTreeMap<[u8; 4], Vec<Vec<u8>>> = BTreeMap::new();
    for text in wanted {
        let bytes = text.as_bytes().to_vec();
        by_start.entry([bytes[0], bytes[1], bytes[2], bytes[3]]).or_default().push(bytes);
    }
    move |bytes: &[u8]| {
        bytes.windows(4).enumerate().any(|(at, start)| {
            by_start
                .get(start)
                .is_some_and(|list| list.iter().any(|text| bytes[at..].starts_with(text)))
        })
    }
}

// The other half of (1), on FHIR: `a_patient_only_transform_is_refused_by_the_search_for_identifiers` in tests/fhir.rs, on resources of
// JP-CLINS form, and tests/fhir_clinosim.sh on the export of clinosim.
#[test]
fn acceptance_01_a_transform_of_patient_alone_is_refused() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut patients = String::new();
    let mut observations = String::new();
    for i in 0..30 {
        let number = format!("{:08}", 51_000_001 + i * 17);
        patients.push_str(&format!(
            "{{\"resourceType\":\"Patient\",\"id\":\"pt-{:09}\",\"identifier\":[{{\"value\":\"{number}\"}}],\"gender\":\"female\"}}\n",
            i * 7
        ));
        observations.push_str(&format!(
            "{{\"resourceType\":\"Observation\",\"id\":\"o{i}\",\"identifier\":[{{\"value\":\"1318814790-{number}-OBSLAB{i}\"}}],\
             \"subject\":{{\"reference\":\"Patient/pt-{:09}\"}},\"valueInteger\":{i}}}\n",
            i * 7
        ));
    }
    std::fs::write(folder.path().join("Patient.ndjson"), patients).unwrap();
    std::fs::write(folder.path().join("Observation.ndjson"), observations).unwrap();
    let policy = folder.path().join("p.toml");
    let text_of = |treated: &str| {
        format!(
            "[policy]\nid = \"t\"\nversion = \"1\"\nprofile = \"ngmia\"\n[person]\nkey = \"patient\"\n\
             [pseudonymized]\nproject = \"p\"\nrecipient = \"r\"\n\
             [anonymized]\ntier = \"controlled\"\n[[anonymized.view]]\nname = \"person\"\ngrain = \"patient\"\nquasi = [\"patient.gender\"]\nk = 3\nbecause = \"few\"\n\
             [not_applicable]\n\"18-2\" = \"none\"\n\"33-2\" = \"none\"\n\"33-3\" = \"none\"\n\
             [tables.patient]\nlayout = \"fhir/patient@R4\"\nunlisted = \"drop\"\nsource = {{ path = \"Patient.ndjson\" }}\n\
             [tables.patient.columns]\nid = {{ pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }}\n\
             gender = {{ pseudonymized = \"keep\", anonymized = \"keep\" }}\n\
             [tables.observation]\nlayout = \"fhir/observation@R4\"\nunlisted = \"drop\"\nsource = {{ path = \"Observation.ndjson\" }}\n\
             [tables.observation.columns]\npatient = {{ pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }}\n\
             value = {{ type = \"measured\", pseudonymized = \"keep\", anonymized = {{ round = {{ step = 10, tails = 3 }} }} }}\n{treated}"
        )
    };
    let key = new_key(folder.path());
    let made = || {
        kakou(&[
            "run",
            "--policy",
            text(&policy),
            "--input",
            text(folder.path()),
            "--key",
            text(&key),
            "--out",
            text(&outside.path().join("out")),
        ])
    };
    let kept = "identifier = { role = \"payload\", pseudonymized = \"keep\", anonymized = \"keep\", because = \"a test\" }\n";
    std::fs::write(&policy, text_of(kept)).unwrap();
    let output = made();
    assert_eq!(output.status.code(), Some(1), "{}", error_of(&output));
    assert!(error_of(&output).contains("C0303") && !error_of(&output).contains("51000001"));
    assert!(common::releases(&outside.path().join("out")).is_empty());
    // With the identifiers dropped, as the layout has them, the same export gives both releases.
    std::fs::write(&policy, text_of("")).unwrap();
    let output = made();
    assert!(output.status.success(), "{}", error_of(&output));
}

fn check_as(file: &Path, layout: &str) -> (Option<i32>, String) {
    let output = kakou(&["layout", "check", text(file), "--layout", layout]);
    (output.status.code(), error_of(&output))
}

#[test]
fn acceptance_02_an_outpatient_file_under_an_inpatient_layout_stops() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = kakou(&[
        "synth",
        "--quiet",
        "--clean",
        "--patients",
        "40",
        "--hospitals",
        "1",
        "--years",
        "1",
        "--layouts",
        "dpc",
        "--out",
        text(&data),
    ]);
    assert!(made.status.success(), "{}", error_of(&made));
    let all = files(&data.join("dpc"));
    let of = |kind: &str| {
        all.iter().find(|f| f.file_name().unwrap().to_str().unwrap().starts_with(kind)).unwrap()
    };
    for (kind, right, wrong) in [
        ("EFg_", "dpc/ef-outpatient@2025", "dpc/ef-inpatient@2025"),
        ("EFn_", "dpc/ef-inpatient@2025", "dpc/d@2025"),
        ("Dn_", "dpc/d@2025", "dpc/ef-inpatient@2025"),
        ("Kn_", "dpc/k@2025", "dpc/ff4@2025"),
        ("FF1_", "dpc/ff1@2025", "dpc/h@2025"),
    ] {
        assert_eq!(check_as(of(kind), right).0, Some(0), "{kind}: {}", check_as(of(kind), right).1);
        assert_eq!(check_as(of(kind), wrong).0, Some(3), "{kind}");
    }
    assert!(check_as(of("EFg_"), "dpc/ef-inpatient@2025").1.contains("another layout"));
}

fn ff1(rows: &[(&str, &str, &str, [&str; 9])]) -> Vec<u8> {
    let mut all = String::new();
    for (id, code, version, payload) in rows {
        all.push_str(&format!(
            "131234567\t{id}\t20260401\t0\t0\t{code}\t{version}\t1\t{}\r\n",
            payload.join("\t")
        ));
    }
    cp932(&all)
}

#[test]
fn acceptance_04_an_unknown_code_a_later_edition_and_a_32nd_column_stop_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("FF1.txt");
    let row = ["19500210", "1", "2200011", "", "", "", "", "", ""];
    std::fs::write(&file, ff1(&[("0001000007", "A000010", "20260601", row)])).unwrap();
    assert_eq!(check_as(&file, "dpc/ff1@2026").0, Some(0), "{}", check_as(&file, "dpc/ff1@2026").1);
    // The year after the edition.
    let (code, said) = check_as(&file, "dpc/ff1@2025");
    assert!(code == Some(3) && said.contains("later than the layout"), "{said}");
    // A code that was abolished in 2026, and one that never was.
    for unknown in ["A001020", "A00001X"] {
        std::fs::write(&file, ff1(&[("0001000007", unknown, "20260601", row)])).unwrap();
        let (code, said) = check_as(&file, "dpc/ff1@2026");
        assert!(
            code == Some(3) && said.contains("row 1: no `when`") && !said.contains(unknown),
            "{said}"
        );
    }
    let ef = folder.path().join("EFn.txt");
    let cells: Vec<&str> = ["131234567", "0001000007", "20260410", "20260401"]
        .into_iter()
        .chain(std::iter::repeat_n("", 28))
        .collect();
    assert_eq!(cells.len(), 32);
    std::fs::write(&ef, format!("{}\r\n", cells.join("\t"))).unwrap();
    let (code, said) = check_as(&ef, "dpc/ef-inpatient@2026");
    assert!(code == Some(3) && said.contains("32 columns"), "{said}");
}

#[test]
fn acceptance_09_releases_share_tokens_only_where_they_should() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let people = people(30);
    let policy = small(folder.path(), &borrowed(&people));
    let key = new_key(folder.path());
    let releases: Vec<PathBuf> = (0..2)
        .map(|n| run(&policy, folder.path(), &key, &outside.path().join(format!("out{n}")), &[]))
        .collect();
    let tokens = |release: &Path, kind: &str| -> BTreeSet<String> {
        column(&release.join(kind).join("a.csv"), "番号").into_iter().collect()
    };
    let (p, q) = (tokens(&releases[0], "pseudonymized"), tokens(&releases[1], "pseudonymized"));
    let (a, b) = (tokens(&releases[0], "anonymized"), tokens(&releases[1], "anonymized"));
    assert_eq!(p.len(), 30);
    assert_eq!(p, q);
    assert!(p.is_disjoint(&a) && p.is_disjoint(&b) && a.is_disjoint(&b));
}

#[test]
fn acceptance_10_intervals_survive_the_shift_in_every_table() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let people = people(30);
    let policy = small(folder.path(), &borrowed(&people));
    let key = new_key(folder.path());
    let release = run(&policy, folder.path(), &key, &outside.path().join("out"), &[]);
    let day = |text: &str| chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").unwrap();
    let table = |name: &str| {
        let (header, rows) = records(&release.join("pseudonymized").join(name));
        let at = |column: &str| header.iter().position(|h| h == column).unwrap();
        (
            rows,
            at("番号"),
            header.iter().position(|h| h == "入院日"),
            header.iter().position(|h| h == "退院日"),
            header.iter().position(|h| h == "検査日"),
        )
    };
    let (rows, id, from, to, _) = table("a.csv");
    let mut stays = BTreeMap::new();
    let mut lengths: Vec<i64> = Vec::new();
    for row in &rows {
        let (from, to) = (day(&row[from.unwrap()]), day(&row[to.unwrap()]));
        stays.insert(row[id].clone(), from);
        lengths.push((to - from).num_days());
    }
    lengths.sort_unstable();
    let mut expected: Vec<i64> = (0..30).map(|n| 3 + n % 5).collect();
    expected.sort_unstable();
    assert_eq!(lengths, expected);
    let (rows, id, _, _, test) = table("b.csv");
    let mut days: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    for row in &rows {
        days.entry(row[id].clone())
            .or_default()
            .push((day(&row[test.unwrap()]) - stays[&row[id]]).num_days());
    }
    assert_eq!(days.len(), 30);
    for list in days.values_mut() {
        list.sort_unstable();
        assert_eq!(list.as_slice(), [0, 1, 2]);
    }
}

#[test]
fn acceptance_11_the_encoder_never_writes_references() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let people = people(30);
    let policy = small(folder.path(), &borrowed(&people));
    let b = std::fs::read_to_string(folder.path().join("b.csv")).unwrap();
    std::fs::write(folder.path().join("b.csv"), b.replace(",0\n", ",𠮷〜髙①㈱\n")).unwrap();
    let key = new_key(folder.path());
    let write = |encoding: &str, unencodable: &str| {
        std::fs::write(
            &policy,
            small_policy(
                "",
                &format!("[output]\nencoding = \"{encoding}\"\nunencodable = \"{unencodable}\"\n"),
            ),
        )
        .unwrap()
    };
    let decode = |encoding: &str, bytes: &[u8]| {
        let encoding = match encoding {
            "cp932" => encoding_rs::SHIFT_JIS,
            "iso-2022-jp" => encoding_rs::ISO_2022_JP,
            _ => encoding_rs::UTF_8,
        };
        let (whole, _, bad) = encoding.decode(bytes);
        assert!(!bad);
        whole.into_owned()
    };
    for encoding in ["cp932", "iso-2022-jp"] {
        write(encoding, "fail");
        let output = kakou(&[
            "run",
            "--policy",
            text(&policy),
            "--input",
            text(folder.path()),
            "--key",
            text(&key),
            "--out",
            text(&outside.path().join("out")),
        ]);
        assert_eq!(output.status.code(), Some(1));
        assert!(error_of(&output).contains("C0501"), "{}", error_of(&output));
    }
    // What stands in the file for 𠮷〜髙①㈱, and how many characters are replaced a row.
    for (encoding, word, found, replaced) in [
        ("utf-8", "fail", "𠮷〜髙①㈱", 0),
        ("cp932", "geta", "〓〓髙①㈱", 2),
        ("cp932", "question-mark", "??髙①㈱", 2),
        ("cp932", "map", "吉～髙①㈱", 2),
        ("iso-2022-jp", "geta", "〓～〓〓〓", 4),
        ("iso-2022-jp", "question-mark", "?～???", 4),
        ("iso-2022-jp", "map", "吉～高1(株)", 4),
    ] {
        write(encoding, word);
        let out = outside.path().join(format!("{encoding}-{word}"));
        let release = run(&policy, folder.path(), &key, &out, &[]);
        let bytes = std::fs::read(release.join("pseudonymized/b.csv")).unwrap();
        let whole = decode(encoding, &bytes);
        assert!(whole.contains(found) && !whole.contains("&#"), "{encoding} {word}");
        if encoding == "iso-2022-jp" {
            assert!(bytes.is_ascii());
            for line in bytes.split(|&b| b == b'\n') {
                let last = line.windows(3).rfind(|w| w[0] == 0x1b);
                assert!(last.is_none_or(|e| e == b"\x1b(B"), "a line ends in two-byte text");
            }
        }
        // The record has the counts, and every check reads the encoding.
        let statement: serde_json::Value =
            serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
                .unwrap();
        let tables = statement["tables"].as_array().unwrap();
        let table = tables.iter().find(|t| t["table"] == "b").unwrap();
        let told = &table["releases"]["pseudonymized"];
        let rows = whole.matches(found).count() as u64;
        assert!(rows > 0);
        assert_eq!(told["charactersReplaced"], rows * replaced, "{encoding} {word}");
        let respelled = if encoding == "iso-2022-jp" { rows } else { 0 };
        assert_eq!(told["charactersRespelled"], respelled, "{encoding} {word}");
        let verified = kakou(&["verify", text(&release)]);
        assert!(verified.status.success(), "{}", error_of(&verified));
    }
}

#[test]
fn omop_gibleed_runs_under_the_shipped_policy() {
    let fixtures = common::fixture("omop");
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in");
    std::fs::create_dir(&input).unwrap();
    for table in [
        "person",
        "observation_period",
        "visit_occurrence",
        "condition_occurrence",
        "drug_exposure",
        "procedure_occurrence",
        "measurement",
        "observation",
    ] {
        std::fs::copy(
            fixtures.join(format!("{table}.parquet")),
            input.join(format!("{table}.parquet")),
        )
        .unwrap();
    }
    // The fixture's death file is empty but for a line of names.
    std::fs::write(input.join("death.csv"), "PERSON_ID,DEATH_DATE,DEATH_DATETIME,DEATH_TYPE_CONCEPT_ID,CAUSE_CONCEPT_ID,CAUSE_SOURCE_VALUE,CAUSE_SOURCE_CONCEPT_ID\n").unwrap();
    let key = new_key(folder.path());
    let release = run(&repo("policies/omop.toml"), &input, &key, &folder.path().join("out"), &[]);
    assert_eq!(records(&release.join("pseudonymized/person.csv")).1.len(), 2694);
    assert_eq!(records(&release.join("pseudonymized/condition_occurrence.csv")).1.len(), 65_332);
    let verified = kakou(&["verify", text(&release)]);
    assert!(verified.status.success(), "{}", error_of(&verified));
}

#[test]
fn every_shipped_policy_is_complete() {
    for policy in [
        "dpc-hub",
        "dpc-anonymized-public",
        "lab",
        "omop",
        "appi-pseudonymized",
        "appi-public",
        "csv",
        "demo",
        "clinosim",
    ] {
        let output = kakou(&["check", "--policy", text(&repo(&format!("policies/{policy}.toml")))]);
        assert!(output.status.success(), "{policy}: {}", error_of(&output));
        if !["demo", "clinosim"].contains(&policy) {
            assert!(
                repo(&format!("docs/policies/{policy}.ja.md")).is_file(),
                "{policy} has no page"
            );
        }
    }
}

#[test]
fn a_linking_body_gets_tokens_alone_and_its_keys_come_back_in_the_linkable_profile_only() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let people = people(30);
    let mut list = borrowed(&people);
    list[3].3 = "99999999";
    let policy = small(folder.path(), &list);
    let same = "same = [{ table = \"a\", fields = [{ column = \"被保険者番号\", as = \"id\" }] }]";
    std::fs::write(&policy, small_policy(same, "")).unwrap();
    let key = new_key(folder.path());
    let link_key = folder.path().join("link.key");
    assert!(kakou(&["key", "new", "--quiet", text(&link_key)]).status.success());
    let export = |body: &str, out: &str| {
        let out = outside.path().join(out);
        let output = kakou(&[
            "link",
            "export",
            "--policy",
            text(&policy),
            "--input",
            text(folder.path()),
            "--key",
            text(&key),
            "--link-key",
            text(&link_key),
            "--body",
            body,
            "--out",
            text(&out),
        ]);
        assert!(output.status.success(), "{}", error_of(&output));
        records(&out)
    };
    let (header, first) = export("ndb", "link1.csv");
    assert_eq!(header, ["link_id", "link_token"]);
    assert_eq!(first.len(), 29);
    assert_eq!(first, export("ndb", "link2.csv").1);
    let tokens = |rows: &[Vec<String>]| rows.iter().map(|r| r[1].clone()).collect::<BTreeSet<_>>();
    assert!(tokens(&first).is_disjoint(&tokens(&export("other", "link3.csv").1)));
    // The body answers for some.
    let answer = folder.path().join("keys.csv");
    let lines: String =
        first.iter().take(20).enumerate().map(|(n, r)| format!("{},NDB{n:05}\n", r[0])).collect();
    std::fs::write(&answer, format!("link_id,link_key\n{lines}")).unwrap();
    let arguments = |out: &str| {
        vec![
            "run".to_owned(),
            "--quiet".into(),
            "--policy".into(),
            text(&policy).into(),
            "--input".into(),
            text(folder.path()).into(),
            "--key".into(),
            text(&key).into(),
            "--out".into(),
            text(&outside.path().join(out)).into(),
            "--link-keys".into(),
            text(&answer).into(),
            "--link-source".into(),
            "NDB, 2026-11-02".into(),
        ]
    };
    let start =
        |arguments: Vec<String>| kakou(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    let output = start(arguments("no"));
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("C0701"), "{}", error_of(&output));
    std::fs::write(
        &policy,
        small_policy(same, "").replace("profile = \"ngmia\"", "profile = \"ngmia-linkable\""),
    )
    .unwrap();
    // Nothing counts k over what NDB shows.
    let output = start(arguments("no"));
    assert_eq!(output.status.code(), Some(1));
    assert!(error_of(&output).contains("C0702"), "{}", error_of(&output));
    let linkable = small_policy(same, "")
        .replace("profile = \"ngmia\"", "profile = \"ngmia-linkable\"")
        .replace("quasi = [\"a.性別\"]", "quasi = [\"a.性別\"]\nvisible_in = \"ndb\"");
    // A drug code that NDB has too, in no marked view or set.
    let value = "\"値\" = { role = \"payload\", pseudonymized = \"keep\", anonymized = \"drop\" }";
    assert!(linkable.contains(value));
    let coded = "\"値\" = { role = \"payload\", code = \"yj\", pseudonymized = \"keep\", anonymized = { rare = 10 } }";
    std::fs::write(&policy, linkable.replace(value, coded)).unwrap();
    let output = start(arguments("no"));
    assert!(error_of(&output).contains("C0703"), "{}", error_of(&output));
    std::fs::write(&policy, &linkable).unwrap();
    // The nine databases of 令8条 are known, and no other.
    let nine = [
        "ndb",
        "dpcdb",
        "shoman",
        "shogaiji",
        "yobosesshu",
        "kaigo",
        "kansensho",
        "shogai",
        "nanbyo",
    ];
    for (word, code) in nine.map(|word| (word, 0)).into_iter().chain([("ganreg", 2)]) {
        let marked = linkable.replace("visible_in = \"ndb\"", &format!("visible_in = \"{word}\""));
        std::fs::write(&policy, marked).unwrap();
        let output = kakou(&["check", "--policy", text(&policy)]);
        assert_eq!(output.status.code(), Some(code), "{word}: {}", error_of(&output));
    }
    std::fs::write(&policy, &linkable).unwrap();
    // Keys without a source are refused.
    let mut unsourced = arguments("no");
    unsourced.truncate(unsourced.len() - 2);
    assert!(error_of(&start(unsourced)).contains("P0309"));
    // A view that fails gives no release and no keys.
    std::fs::write(
        &policy,
        linkable.replace("visible_in = \"ndb\"", "visible_in = \"ndb\"\nk = 1000"),
    )
    .unwrap();
    assert_eq!(start(arguments("no")).status.code(), Some(1));
    assert!(common::releases(&outside.path().join("no")).is_empty());
    std::fs::write(&policy, &linkable).unwrap();
    let output = start(arguments("yes"));
    assert!(output.status.success(), "{}", error_of(&output));
    let release = common::releases(&outside.path().join("yes")).pop().unwrap();
    let (header, links) = records(&release.join("anonymized/links.csv"));
    assert_eq!((header.join(","), links.len()), ("token,link_key".to_owned(), 20));
    let released: BTreeSet<String> =
        column(&release.join("anonymized/a.csv"), "番号").into_iter().collect();
    let ids: BTreeSet<String> = first.iter().map(|r| r[0].clone()).collect();
    assert!(links.iter().all(|r| released.contains(&r[0])) && released.is_disjoint(&ids));
    assert!(!release.join("pseudonymized/links.csv").exists());
    for file in files(&release).iter().filter(|f| !f.ends_with("links.csv")) {
        assert!(
            !std::fs::read(file).unwrap().windows(8).any(|w| w == b"NDB00000"),
            "{}",
            file.display()
        );
    }
    let verified = kakou(&["verify", text(&release)]);
    assert!(verified.status.success(), "{}", error_of(&verified));
    let statement: serde_json::Value =
        serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
            .unwrap();
    let told = &statement["linkKeys"];
    assert_eq!((told["persons"].as_str(), told["returned"].as_str()), (Some("20"), Some("20")));
    assert_eq!(told["source"], "NDB, 2026-11-02");
    assert_eq!(told["release"], statement["release"]);
    // A key in a table, a token of nobody: found by the same check that verify makes.
    use kakou::proof::{links::Links, recount, structure::Structure};
    use kakou::schema::Kind;
    let structure: Structure =
        serde_json::from_value(statement["structure"]["anonymized"].clone()).unwrap();
    let tables = recount::read(&release, &structure).unwrap();
    let links_file = release.join("anonymized/links.csv");
    let good = std::fs::read_to_string(&links_file).unwrap();
    let found = |text: &str| {
        std::fs::write(&links_file, text).unwrap();
        Links::read(&release).map(|l| l.unwrap().check(Kind::Anonymized, &structure, &tables).len())
    };
    assert_eq!(found(&good).unwrap(), 0);
    assert_eq!(found("token,link_key\n00000000000000000000000000,NDB1\n").unwrap(), 1);
    let sex = column(&release.join("anonymized/a.csv"), "性別").pop().unwrap();
    assert!(found(&good.replacen("NDB00000", &sex, 1)).unwrap() > 0);
    assert!(found(&good.replace("NDB00001", "NDB00000")).is_err());
    std::fs::write(&links_file, good.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n")
        .unwrap();
    assert!(!kakou(&["verify", text(&release)]).status.success());
}

#[test]
fn laboratory_files_run_under_the_shipped_policy_with_their_dirt() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let made = kakou(&[
        "synth",
        "--quiet",
        "--patients",
        "300",
        "--years",
        "1",
        "--layouts",
        "lab",
        "--out",
        text(&data),
    ]);
    assert!(made.status.success(), "{}", error_of(&made));
    let key = new_key(folder.path());
    let release =
        run(&repo("policies/lab.toml"), &data.join("lab"), &key, &folder.path().join("out"), &[]);
    let statement: serde_json::Value =
        serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
            .unwrap();
    let table = &statement["tables"][0];
    let rows = column(&release.join("pseudonymized/labs.csv"), "患者ID").len() as u64;
    let aside: u64 =
        table["setAside"].as_object().unwrap().values().filter_map(|v| v.as_u64()).sum();
    assert!(aside > 0 && rows > 1000);
    assert_eq!(table["rowsIn"].as_u64(), Some(rows + aside));
    let days = column(&release.join("anonymized/labs.csv"), "採取日時");
    assert!(days.iter().all(|d| d.starts_with("FY")));
}

#[test]
fn profiles_cite_their_own_articles() {
    for (policy, wanted, term) in [
        ("dpc-hub", "施行規則18条5号", "匿名加工医療情報"),
        ("appi-pseudonymized", "個人情報保護法施行規則34条5号", "仮名加工情報"),
        ("appi-public", "個人情報保護法施行規則62条5号", "行政機関等匿名加工情報"),
    ] {
        let output = kakou(&["check", "--policy", text(&repo(&format!("policies/{policy}.toml")))]);
        assert!(output.status.success(), "{policy}: {}", error_of(&output));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(wanted) && said.contains(term), "{policy}: {said}");
    }
}
