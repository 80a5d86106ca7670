//! FHIR NDJSON, from outside: JP Core resources with composed identifiers become two releases, and what nobody named is refused.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::common::{self, error_of, kakou, new_key, records, run, text};
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;

const JP: &str = "http://jpfhir.jp/fhir/core";

struct Person {
    id: String,
    mrn: String,
    name: String,
    kana: String,
    phone: String,
    insured: String,
}

fn people(n: usize) -> Vec<Person> {
    (0..n)
        .map(|i| Person {
            id: format!("pt-{:012x}", 0x4d5a_17c3_0000_u64 + 7919 * i as u64),
            mrn: format!("{:07}", 990_007 + i * 31),
            name: format!("試験{} 花子", char::from_u32(0x5e02 + i as u32 * 3).unwrap()),
            kana: format!("シケン{} ハナコ", char::from_u32(0x30a2 + i as u32).unwrap()),
            phone: format!("090-5511-{:04}", 1000 + i * 37),
            // In full width, as insured numbers come.
            insured: format!("{:08}", 46_421_401 + i * 17)
                .chars()
                .map(|c| char::from_u32(c as u32 + 0xfee0).unwrap())
                .collect(),
        })
        .collect()
}

/// The composed identifier of JP-CLINS: institution, patient, order.
fn composed(person: &Person, what: &str) -> Value {
    json!([{ "system": format!("{JP}/IdSystem/resourceInstance-identifier"), "value": format!("1318814790-{}-{what}", person.mrn) }])
}

fn export(people: &[Person]) -> BTreeMap<&'static str, Vec<Value>> {
    let mut all: BTreeMap<&'static str, Vec<Value>> = BTreeMap::new();
    let mut put = |value: Value| {
        let kind = ["Patient", "Encounter", "Condition", "Observation", "Coverage"];
        let kind = kind.into_iter().find(|k| value["resourceType"] == *k).unwrap();
        all.entry(kind).or_default().push(value);
    };
    for (i, p) in people.iter().enumerate() {
        let subject = match i % 3 {
            0 => json!({ "reference": format!("Patient/{}", p.id), "display": p.name }),
            1 => {
                json!({ "reference": format!("https://fhir.example.jp/r4/Patient/{}/_history/2", p.id) })
            }
            _ => json!({ "reference": format!("urn:uuid:{}", p.id) }),
        };
        let visit = format!("enc-{:010x}", 0x77aa_0000_u64 + 1009 * i as u64);
        let encounter = json!({ "reference": format!("Encounter/{visit}") });
        put(json!({
            "resourceType": "Patient", "id": p.id, "meta": { "lastUpdated": "2026-01-01T00:00:00+09:00" },
            "text": { "status": "generated", "div": format!("<div>{} {}</div>", p.name, p.phone) },
            "identifier": [{ "system": "urn:oid:1.2.392.100495.20.3.51.11318814790", "value": p.mrn, "type": { "coding": [{ "code": "MR" }] } }],
            "name": [
                { "use": "official", "text": p.name, "family": p.name.split(' ').next(), "given": ["花子"],
                  "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "IDE" }] },
                { "use": "official", "text": p.kana,
                  "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "SYL" }] },
            ],
            "telecom": [{ "system": "phone", "value": p.phone }],
            "gender": if i % 2 == 0 { "female" } else { "male" }, "birthDate": format!("{}-05-0{}", 1950 + 20 * (i % 2), 1 + i % 9),
            "address": [{ "text": format!("東京都大田区旭3丁目{i}-9"), "postalCode": "1440032", "line": [format!("旭3丁目{i}-9")] }],
        }));
        put(json!({
            "resourceType": "Encounter", "id": visit, "status": "finished", "identifier": composed(p, &format!("ENC{i}")),
            "class": { "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB" }, "subject": subject,
            "period": { "start": "2026-04-01T08:30:00+09:00", "end": "2026-04-01T09:30:00+09:00" },
            "participant": [{ "individual": { "reference": "Practitioner/d1", "display": "医師 太郎" } }],
        }));
        put(json!({
            "resourceType": "Condition", "id": format!("c-{i:06}"), "identifier": composed(p, &format!("COND{i}")), "subject": subject, "encounter": encounter,
            "contained": [{ "resourceType": "Practitioner", "id": "dr", "name": [{ "text": "医師 次郎" }] }],
            "code": { "coding": [
                { "system": format!("{JP}/mhlw/CodeSystem/ICD10-2013-full"), "code": "I10", "display": "本態性高血圧" },
                { "system": "http://medis.or.jp/CodeSystem/master-disease-keyNumber", "code": "20074203" } ], "text": "高血圧" },
            "recordedDate": "2026-04-01", "onsetDateTime": if i % 2 == 0 { "2024" } else { "2024-04" },
            "note": [{ "text": format!("患者番号 {} の {} さん。ローカルコード=1", p.mrn, p.name) }],
        }));
        for (n, value) in [
            ("valueQuantity", json!({ "value": 0.5, "comparator": "<", "unit": "mg/dL", "system": "http://unitsofmeasure.org", "code": "mg/dL" })),
            ("valueQuantity", json!({ "value": 12.0, "unit": "mg/dL" })),
            ("dataAbsentReason", json!({ "coding": [{ "system": "http://terminology.hl7.org/CodeSystem/data-absent-reason", "code": "not-performed" }] })),
            ("valueString", json!("1+")),
        ].into_iter().enumerate() {
            let mut one = json!({
                "resourceType": "Observation", "id": format!("o-{i:05}-{n}"), "identifier": composed(p, &format!("OBSLAB{i}{n}")), "status": "final",
                "category": [{ "coding": [{ "code": "laboratory" }] }], "subject": subject, "encounter": encounter,
                "code": { "coding": [{ "system": "urn:oid:1.2.392.200119.4.504", "code": "3C015000002327101" }] },
                // The last day of March in Greenwich is the first of April in Japan.
                "effectiveDateTime": if n == 1 { "2026-03-31T20:00:00Z" } else { "2026-04-01T09:00:00+09:00" },
            });
            one[value.0] = value.1;
            put(one);
        }
        put(json!({
            "resourceType": "Coverage", "id": format!("cov-{i:06}"), "status": "active", "beneficiary": subject, "payor": [{ "reference": "Organization/p" }],
            "identifier": [{ "system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID", "value": format!("０６１３９８７７：１８２２：{}：０１", p.insured) }],
            "extension": [{ "url": format!("{JP}/Extension/StructureDefinition/JP_Coverage_InsuredPersonNumber"), "valueString": p.insured }],
            "type": { "text": "被用者保険" },
        }));
    }
    all
}

fn lines(resources: &[Value]) -> String {
    resources.iter().fold(String::new(), |mut all, r| {
        let _ = writeln!(all, "{r}");
        all
    })
}

fn write(folder: &Path, all: &BTreeMap<&'static str, Vec<Value>>) {
    for (kind, resources) in all {
        std::fs::write(folder.join(format!("{kind}.ndjson")), lines(resources)).unwrap();
    }
}

const POLICY: &str = r#"
[policy]
id = "fhir-small"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
tier = "controlled"
suppress = { unit = "row", at_most = 1.0 }
[[anonymized.view]]
name = "person"
grain = "patient"
quasi = ["patient.birth_date", "patient.gender"]
k = 3
because = "few made-up persons"
[not_applicable]
"33-3" = "none"
[tables.patient]
layout = "fhir/patient@R4"
unlisted = "drop"
source = { path = "Patient.ndjson" }
[tables.patient.columns]
id = { pseudonymized = "pseudonym", anonymized = "surrogate" }
birth_date = { pseudonymized = { truncate_date = "month" }, anonymized = { truncate_date = "year" } }
gender = { pseudonymized = "keep", anonymized = "keep" }
[tables.encounter]
layout = "fhir/encounter@R4"
unlisted = "drop"
source = { path = "Encounter.ndjson" }
[tables.encounter.columns]
id = { pseudonymized = "pseudonym", anonymized = "surrogate" }
patient = { pseudonymized = "pseudonym", anonymized = "surrogate" }
class = { pseudonymized = "keep", anonymized = "keep" }
start = { pseudonymized = "keep", anonymized = "drop" }
end = { pseudonymized = "keep", anonymized = "drop" }
[tables.condition]
layout = "fhir/condition@R4"
unlisted = "drop"
source = { path = "Condition.ndjson" }
[tables.condition.columns]
patient = { pseudonymized = "pseudonym", anonymized = "surrogate" }
encounter = { pseudonymized = "pseudonym", anonymized = "surrogate" }
icd10 = { pseudonymized = "keep", anonymized = { rare = 3 } }
onset = { pseudonymized = "keep", anonymized = "drop" }
recorded = { pseudonymized = "keep", anonymized = { days_since = "encounter.start" } }
[tables.observation]
layout = "fhir/observation@R4"
unlisted = "drop"
source = { path = "Observation*" }
[tables.observation.columns]
patient = { pseudonymized = "pseudonym", anonymized = "surrogate" }
encounter = { pseudonymized = "pseudonym", anonymized = "surrogate" }
jlac10 = { pseudonymized = "keep", anonymized = { rare = 3 } }
effective = { pseudonymized = "keep", anonymized = { days_since = "encounter.start" } }
value = { type = "measured", pseudonymized = "keep", anonymized = "keep" }
unit = { pseudonymized = "keep", anonymized = { rare = 3 } }
[tables.coverage]
layout = "fhir/coverage@R4"
unlisted = "drop"
source = { path = "Coverage.ndjson" }
[tables.coverage.columns]
patient = { pseudonymized = "pseudonym", anonymized = "surrogate" }
type_text = { pseudonymized = "keep", anonymized = "keep" }
"#;

/// A folder with the export, the policy and a key.
struct Case {
    folder: tempfile::TempDir,
    all: BTreeMap<&'static str, Vec<Value>>,
    people: Vec<Person>,
}

impl Case {
    fn new(policy: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let people = people(24);
        let all = export(&people);
        std::fs::create_dir(folder.path().join("data")).unwrap();
        write(&folder.path().join("data"), &all);
        std::fs::write(folder.path().join("p.toml"), policy).unwrap();
        new_key(folder.path());
        Case { folder, all, people }
    }
    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    /// Runs, expects a refusal that publishes nothing, and gives exit code and text.
    fn refused(&self) -> (Option<i32>, String) {
        let output = kakou(&[
            "run",
            "--quiet",
            "--policy",
            text(&self.at("p.toml")),
            "--input",
            text(&self.at("data")),
            "--key",
            text(&self.at("project.key")),
            "--out",
            text(&self.at("out")),
        ]);
        assert!(common::releases(&self.at("out")).is_empty());
        let said = common::settled(&error_of(&output));
        for p in &self.people {
            for value in [&p.id, &p.mrn, &p.name, &p.phone, &p.insured] {
                assert!(!said.contains(value.as_str()), "a value is in a message");
            }
        }
        (output.status.code(), said)
    }
    fn run(&self) -> PathBuf {
        run(&self.at("p.toml"), &self.at("data"), &self.at("project.key"), &self.at("out"), &[])
    }
    /// Changes one resource.
    fn change(&self, kind: &'static str, index: usize, change: impl Fn(&mut Value)) {
        let mut resources = self.all[kind].clone();
        change(&mut resources[index]);
        std::fs::write(self.at("data").join(format!("{kind}.ndjson")), lines(&resources)).unwrap();
    }
}

#[test]
fn no_source_identifier_is_in_any_byte_or_path_of_both_releases() {
    let case = Case::new(POLICY);
    let release = case.run();
    let output = kakou(&["verify", text(&release)]);
    assert!(output.status.success(), "{}", error_of(&output));
    let mut wanted: Vec<String> = Vec::new();
    for p in &case.people {
        for value in [&p.id, &p.mrn, &p.name, &p.kana, &p.phone, &p.insured] {
            let narrow: String = value.nfkc().collect();
            wanted.extend([
                value.clone(),
                narrow.replace(['-', ' '], ""),
                narrow.trim_start_matches('0').to_owned(),
                narrow,
            ]);
        }
    }
    for resource in case.all.values().flatten() {
        wanted.push(resource["id"].as_str().unwrap().to_owned());
        wanted.extend(resource["identifier"][0]["value"].as_str().map(str::to_owned));
    }
    wanted.extend(["1318814790", "医師", "旭3丁目", "ローカルコード", "花子"].map(str::to_owned));
    assert!(wanted.len() > 300);
    let all = common::shown(&release);
    assert!(all.len() > 10);
    for (path, says) in &all {
        let both = format!("{path}\n{says}");
        let narrow: String = both.nfkc().collect();
        for value in &wanted {
            assert!(!both.contains(value) && !narrow.contains(value), "{path}");
        }
    }
    // The tables fit together: every reference has become its person's and its visit's token.
    let (header, rows) = records(&release.join("pseudonymized/observation.csv"));
    let column = |name: &str| header.iter().position(|h| h == name).unwrap();
    assert_eq!(rows.len(), 96);
    let (_, persons) = records(&release.join("pseudonymized/patient.csv"));
    assert!(rows.iter().all(|r| persons.iter().any(|p| p.contains(&r[column("patient")]))));
    // Comparators, reasons for absence, strings, and the day in Japan.
    for value in ["<0.5", "12.0", "not-performed", "1+"] {
        let of: Vec<_> = rows.iter().filter(|r| r[column("value")] == value).collect();
        assert_eq!(of.len(), 24, "{value}");
        let time =
            if value == "12.0" { "2026-04-01T05:00:00+09:00" } else { "2026-04-01T09:00:00+09:00" };
        assert!(of.iter().all(|r| r[column("effective")] == time));
    }
    let (header, rows) = records(&release.join("anonymized/observation.csv"));
    let at = header.iter().position(|h| h == "effective").unwrap();
    assert!(!rows.is_empty() && rows.iter().all(|r| r[at] == "0"));
    let (header, rows) = records(&release.join("pseudonymized/condition.csv"));
    let at = header.iter().position(|h| h == "onset").unwrap();
    for day in ["2024", "2024-04"] {
        assert_eq!(rows.iter().filter(|r| r[at] == day).count(), 12, "{day}");
    }
}

#[test]
fn a_patient_only_transform_is_refused_by_the_search_for_identifiers() {
    // Whoever treats Patient and lets the others' identifiers through because they look like order numbers.
    let mut policy = POLICY.to_owned();
    for kind in ["encounter", "condition", "observation"] {
        let table = format!("[tables.{kind}.columns]\n");
        policy = policy.replace(&table, &format!("{table}identifier = {{ role = \"payload\", pseudonymized = \"keep\", anonymized = \"keep\", because = \"numbers of orders\" }}\n"));
    }
    let case = Case::new(&policy);
    let (code, said) = case.refused();
    assert_eq!(code, Some(1), "{said}");
    for kind in ["encounter", "condition", "observation"] {
        assert!(
            said.contains("C0303")
                && said.contains(&format!("table `{kind}`, column `identifier`")),
            "{said}"
        );
    }
}

#[test]
fn what_nobody_named_is_refused_before_anything_is_made() {
    let case = Case::new(POLICY);
    case.change("Observation", 2, |r| {
        r["valueRatio"] = json!({ "numerator": { "value": 1 } });
        r["component"] = json!([]);
        r["_status"] = json!({ "id": "x" });
    });
    let (code, said) = case.refused();
    assert_eq!(code, Some(3));
    assert!(
        said.contains("D0350")
            && said.contains("line 3")
            && said.contains("`Observation.valueRatio.numerator.value`"),
        "{said}"
    );
    // All of them are told at once; a name that is no name of FHIR is not shown, for it was written by others.
    case.change("Observation", 7, |r| {
        r["modifierExtension"] = json!([{ "url": "u" }]);
        r["試験患者"] = json!({ "P0990007": true });
        r["code"]["coding"][0]["bloodType"] = json!("A");
    });
    let (code, said) = case.refused();
    assert_eq!((code, said.matches("D0350").count()), (Some(3), 3), "{said}");
    assert!(
        said.contains("line 8")
            && said.contains("`Observation.modifierExtension.url`")
            && said.contains("`Observation.code.coding.bloodType`"),
        "{said}"
    );
    assert!(
        said.contains("(not a name of FHIR)")
            && !said.contains("試験患者")
            && !said.contains("P0990007"),
        "{said}"
    );
    // Named in the policy as left out, it may be there.
    let named = POLICY.replace(
        "source = { path = \"Observation*\" }",
        "source = { path = \"Observation*\", ignore = [\"valueRatio\"] }",
    );
    std::fs::write(case.at("p.toml"), named).unwrap();
    case.change("Observation", 2, |r| r["valueRatio"] = json!({ "numerator": { "value": 1 } }));
    case.run();
}

#[test]
fn other_resources_repetitions_and_references_are_refused() {
    for (kind, index, change, code, word) in [
        ("Observation", 5, ("resourceType", json!("Device")), "D0352", "`Device`"),
        ("Observation", 0, ("resourceType", json!("Bundle")), "D0357", "Bundle"),
        ("Observation", 0, ("resourceType", json!(7)), "D0352", "`resourceType`"),
        (
            "Encounter",
            1,
            ("subject", json!({ "reference": "Group/1" })),
            "D0355",
            "column `patient`",
        ),
        (
            "Encounter",
            1,
            ("subject", json!({ "identifier": { "value": "0990007" } })),
            "D0358",
            "column `patient`",
        ),
        (
            "Encounter",
            2,
            ("serviceType", json!({ "text": { "x": 1 } })),
            "D0354",
            "column `service_text`",
        ),
        ("Condition", 3, ("onsetPeriod", json!({ "start": "2020" })), "D0356", "column `onset`"),
        ("Condition", 3, ("recordedDate", json!("soon")), "D0201", "column `recorded`"),
        (
            "Condition",
            4,
            (
                "code",
                json!({ "coding": [{ "system": format!("{JP}/mhlw/CodeSystem/ICD10-2013-full"), "code": "I10" }, { "system": "http://hl7.org/fhir/sid/icd-10", "code": "I11" }] }),
            ),
            "D0353",
            "column `icd10`",
        ),
    ] {
        let case = Case::new(POLICY);
        case.change(kind, index, |r| r[change.0] = change.1.clone());
        let (exit, said) = case.refused();
        assert_eq!(exit, Some(3), "{said}");
        assert!(said.contains(code) && said.contains(word), "{code}: {said}");
    }
    let case = Case::new(POLICY);
    let file = case.at("data/Condition.ndjson");
    let whole = std::fs::read_to_string(&file).unwrap();
    for (broken, word) in [
        (whole.replacen("\"id\":", "\"id\":\"a\",\"id\":", 1), "one name"),
        (whole.replacen('}', "", 1), "JSON"),
        (String::new(), "empty"),
    ] {
        std::fs::write(&file, broken).unwrap();
        let (exit, said) = case.refused();
        assert!(exit == Some(3) && said.contains(word), "{said}");
    }
}

/// A type and an id that two patients have names neither of them.
#[test]
fn one_id_of_two_patients_is_never_taken_for_one() {
    let bundle = |url: &str, id: &str| {
        let patient = json!({ "resourceType": "Patient", "id": id, "gender": "male", "birthDate": "1931-02-03" });
        json!({ "resourceType": "Bundle", "type": "collection", "entry": [{ "fullUrl": url, "resource": patient }] })
    };
    let urn = |n: u8| format!("urn:uuid:5eed0000-0000-4000-8000-0000000000{n:02x}");
    let own = Case::new(POLICY).people[3].id.clone();
    // Another patient, known by a URN, has the id of one to whom resources point; or a file has two from two servers.
    for (bundles, code, word) in [
        (vec![bundle(&urn(1), &own)], "D0358", "the type and id"),
        (
            vec![
                bundle("https://a.example.jp/fhir/Patient/77", "77"),
                bundle("https://b.example.jp/fhir/Patient/77", "77"),
            ],
            "D0359",
            "line 26",
        ),
    ] {
        let case = Case::new(POLICY);
        let all = lines(&case.all["Patient"]) + &lines(&bundles);
        std::fs::write(case.at("data/Patient.ndjson"), all).unwrap();
        let (exit, said) = case.refused();
        assert_eq!(exit, Some(3), "{said}");
        assert!(said.contains(code) && said.contains(word), "{code}: {said}");
        assert!(!said.contains(&own) && !said.contains("1931"), "{said}");
    }
}

#[test]
fn compressed_files_and_several_of_a_type_give_the_same_release() {
    let case = Case::new(POLICY);
    let plain = std::fs::read(case.run().join("anonymized/condition.csv")).unwrap();
    let of = |release: &Path| {
        std::fs::read_to_string(release.join("pseudonymized/observation.csv")).unwrap()
    };
    let before = of(&case.run());
    assert!(!plain.is_empty());
    let data = case.at("data");
    let whole = std::fs::read_to_string(data.join("Observation.ndjson")).unwrap();
    std::fs::remove_file(data.join("Observation.ndjson")).unwrap();
    let middle = whole.match_indices('\n').nth(40).unwrap().0 + 1;
    for (n, part) in [&whole[..middle], &whole[middle..]].into_iter().enumerate() {
        let file = std::fs::File::create(data.join(format!("Observation.{n}.ndjson.gz"))).unwrap();
        let mut packed = flate2::write::GzEncoder::new(file, flate2::Compression::default());
        packed.write_all(part.as_bytes()).unwrap();
        packed.finish().unwrap();
    }
    assert_eq!(of(&case.run()), before);
}

/// Who has a reason in place of the time of death is dead; of whom it is not known, is neither.
#[test]
fn a_death_without_a_day_is_a_death() {
    let death = "death = { pseudonymized = { presence = { specials_missing = true } }, anonymized = \"drop\" }\n";
    let case =
        Case::new(&POLICY.replace("[tables.encounter]", &format!("{death}[tables.encounter]")));
    let absent = |code: &str| json!({ "extension": [{ "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": code }] });
    let mut resources = case.all["Patient"].clone();
    for (at, name, value) in [
        (0, "_deceasedDateTime", absent("unknown")),
        (1, "_deceasedBoolean", absent("asked-unknown")),
        (2, "deceasedDateTime", json!("2024-03-01")),
        (3, "deceasedBoolean", json!(true)),
        (4, "deceasedBoolean", json!(false)),
        (5, "_deceasedDateTime", absent("not-applicable")),
    ] {
        resources[at][name] = value;
    }
    std::fs::write(case.at("data").join("Patient.ndjson"), lines(&resources)).unwrap();
    let (header, rows) = common::records(&case.run().join("pseudonymized/patient.csv"));
    let at = header.iter().position(|h| h == "death").unwrap();
    let count = |value: &str| rows.iter().filter(|row| row[at] == value).count();
    assert_eq!((rows.len(), count("1"), count(""), count("0")), (24, 3, 1, 20));
}

#[test]
fn paths_of_a_policy_are_checked() {
    let own = |path: &str, source: &str| {
        format!(
            "{}[tables.x]\ngrain = \"event\"\nsource = {{ path = \"Encounter.ndjson\"{source}, ignore = [\"Condition\", \"identifier\", \"status\", \"class\", \"period\", \"participant\", \"id\", \"subject\"] }}\n\
             keys = {{ patient = \"who\" }}\n[tables.x.columns]\nwho = {{ role = \"link\", path = \"subject.reference@Patient\", pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }}\n\
             state = {{ role = \"payload\", {path} pseudonymized = \"keep\", anonymized = \"keep\" }}\n",
            POLICY
        )
    };
    for (path, source, exit, word) in [
        ("path = \"status\",", ", record = \"Encounter\"", 0, ""),
        ("path = \"status[\",", ", record = \"Encounter\"", 2, "P0315"),
        ("", ", record = \"Encounter\"", 2, "P0316"),
        ("path = \"status\",", "", 2, "P0311"),
        ("path = \"status\",", ", record = \"encounter 1\"", 2, "P0312"),
        ("path = \"status\",", ", record = \"Encounter\", format = \"csv\"", 2, "P0317"),
    ] {
        let case = Case::new(&own(path, source));
        let output = kakou(&[
            "check",
            "--policy",
            text(&case.at("p.toml")),
            "--input",
            text(&case.at("data")),
        ]);
        assert_eq!(output.status.code(), Some(exit), "{path}{source}: {}", error_of(&output));
        assert!(error_of(&output).contains(word), "{}", error_of(&output));
    }
}

/// The resources of a released file.
fn released(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn the_pseudonymized_release_is_fhir_again_and_has_nothing_of_the_source_but_what_columns_read() {
    let policy = POLICY.replace("[person]", "[output]\nform = \"source\"\n[person]");
    let case = Case::new(&policy);
    let release = case.run();
    let output = kakou(&["verify", text(&release)]);
    assert!(output.status.success(), "{}", error_of(&output));
    let patients = released(&release.join("pseudonymized/Patient.ndjson"));
    let visits = released(&release.join("pseudonymized/Encounter.ndjson"));
    let observations = released(&release.join("pseudonymized/Observation.ndjson"));
    assert_eq!((patients.len(), visits.len(), observations.len()), (24, 24, 96));
    let has = |all: &[Value], kind: &str, reference: &Value| {
        let id = reference.as_str().unwrap().strip_prefix(kind).unwrap().to_owned();
        all.iter().any(|r| r["id"] == id.as_str())
    };
    for one in &observations {
        assert_eq!(one["meta"]["security"][0]["code"], "PSEUDED");
        assert!(has(&patients, "Patient/", &one["subject"]["reference"]));
        assert!(has(&visits, "Encounter/", &one["encounter"]["reference"]));
        // What the policy drops and FHIR asks for.
        assert_eq!(one["_status"]["extension"][0]["valueCode"], "masked");
    }
    let with = |f: &dyn Fn(&Value) -> bool| observations.iter().filter(|o| f(o)).count();
    assert_eq!(with(&|o| o["valueQuantity"]["comparator"] == "<"), 24);
    assert_eq!(with(&|o| o["valueString"] == "1+"), 24);
    assert_eq!(with(&|o| o["dataAbsentReason"]["coding"][0]["code"] == "not-performed"), 24);
    assert!(release.join("anonymized/observation.csv").exists());
    for (path, says) in common::shown(&release) {
        let both: String = format!("{path}\n{says}").nfkc().collect();
        for p in &case.people {
            for value in [&p.id, &p.mrn, &p.name, &p.phone, &p.insured] {
                let narrow: String = value.nfkc().collect();
                assert!(!both.contains(&narrow), "{path}");
            }
        }
        assert!(!both.contains("<div") && !both.contains("1318814790"), "{path}");
    }
}

#[test]
fn documents_are_read_and_written_with_their_sections_and_references() {
    let member = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID";
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::create_dir(at("data")).unwrap();
    let people = people(24);
    for (i, p) in people.iter().enumerate() {
        let urn = |n: usize| format!("urn:uuid:5eed0000-0000-4000-8000-{:012x}", i * 16 + n);
        let number = format!("06139877:1822:{}:01", p.insured);
        let subject = match i % 2 {
            0 => json!({ "reference": urn(1), "display": p.name }),
            _ => json!({ "identifier": { "system": member, "value": number } }),
        };
        let section = |code: &str, n: usize| {
            json!({ "title": p.name, "text": { "status": "additional", "div": format!("<div>{}</div>", p.name) },
            "code": { "coding": [{ "system": "http://jpfhir.jp/fhir/clins/CodeSystem/document-section", "code": code }] }, "entry": [{ "reference": urn(n), "display": p.name }] })
        };
        let resources = [
            json!({ "resourceType": "Composition", "id": format!("comp{i}"), "status": "final", "title": p.name, "date": "2026-04-02T10:00:00+09:00", "author": [{ "display": "医師 太郎" }],
                "type": { "coding": [{ "system": "http://jpfhir.jp/fhir/Common/CodeSystem/doc-typecodes", "code": "57133-1" }] },
                "subject": { "reference": urn(1) }, "section": [{ "section": [section("340", 2)] }, section("610", 3)] }),
            json!({ "resourceType": "Patient", "id": p.id, "gender": "female", "birthDate": "1950-05-01", "name": [{ "text": p.name }],
                "identifier": [{ "system": "urn:oid:1.2.392.100495.20.3.51.11318814790", "value": p.mrn }, { "system": member, "value": number }] }),
            json!({ "resourceType": "Condition", "id": format!("cond{i}"), "subject": subject, "recordedDate": "2026-04-01", "identifier": composed(p, "C"), "note": [{ "text": p.name }],
                "code": { "coding": [{ "system": format!("{JP}/mhlw/CodeSystem/ICD10-2013-full"), "code": "I10" }] } }),
            json!({ "resourceType": "Observation", "id": format!("obs{i}"), "status": "final", "effectiveDateTime": "2026-04-01T09:00:00+09:00", "subject": subject,
                "code": { "coding": [{ "system": "http://loinc.org", "code": "85354-9" }] },
                "component": [{ "code": { "coding": [{ "system": "http://loinc.org", "code": "8480-6" }] }, "valueQuantity": { "value": 128, "unit": "mmHg" } }] }),
        ];
        let entries: Vec<Value> = resources
            .into_iter()
            .enumerate()
            .map(|(n, resource)| json!({ "fullUrl": urn(n), "resource": resource }))
            .collect();
        let bundle = json!({ "resourceType": "Bundle", "id": format!("b{i}"), "type": "document", "timestamp": "2026-04-02T10:00:00+09:00", "entry": entries });
        let pretty = serde_json::to_string_pretty(&bundle).unwrap();
        std::fs::write(at("data").join(format!("d{i:02}.json")), pretty).unwrap();
    }
    // An older version of a person's data, and a condition that was deleted.
    let history = json!({ "resourceType": "Bundle", "type": "history", "entry": [
        { "request": { "method": "DELETE", "url": "Condition/gone" } },
        { "fullUrl": "https://fhir.example.jp/Condition/gone", "resource": { "resourceType": "Condition", "id": "gone", "recordedDate": "2026-04-01",
            "subject": { "reference": format!("Patient/{}", people[0].id) }, "code": { "coding": [{ "system": "http://hl7.org/fhir/sid/icd-10", "code": "Z99" }] } } },
    ] });
    std::fs::write(at("data/history.json"), history.to_string()).unwrap();
    std::fs::write(
        at("p.toml"),
        "extends = \"kakou:fhir-clins\"\n[policy]\nid = \"d\"\nversion = \"1\"\n[anonymized]\ntier = \"controlled\"\nfloor = 3\nbecause = \"few made-up persons\"\nsuppress = { unit = \"row\", at_most = 1.0 }\n",
    )
    .unwrap();
    new_key(folder.path());
    let release = run(&at("p.toml"), &at("data"), &at("project.key"), &at("out"), &[]);
    let output = kakou(&["verify", text(&release)]);
    assert!(output.status.success(), "{}", error_of(&output));
    let bundles = released(&release.join("pseudonymized/Bundle.ndjson"));
    assert_eq!(bundles.len(), 24);
    for bundle in &bundles {
        let entries = bundle["entry"].as_array().unwrap();
        let kinds: Vec<&str> =
            entries.iter().map(|e| e["resource"]["resourceType"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["Composition", "Patient", "Condition", "Observation"]);
        let sections = entries[0]["resource"]["section"].as_array().unwrap();
        let told: Vec<_> = sections
            .iter()
            .map(|s| (&s["code"]["coding"][0]["code"], &s["entry"][0]["reference"]))
            .collect();
        assert_eq!(
            told,
            [(&json!("340"), &entries[2]["fullUrl"]), (&json!("610"), &entries[3]["fullUrl"])]
        );
        for entry in [0, 2, 3] {
            let subject = &entries[entry]["resource"]["subject"];
            assert_eq!(subject["reference"], entries[1]["fullUrl"]);
            assert_eq!(
                subject["identifier"]["value"],
                entries[1]["resource"]["identifier"][0]["value"]
            );
        }
        assert_eq!(entries[3]["resource"]["component"].as_array().unwrap().len(), 1);
        assert_eq!(entries[0]["resource"]["_title"]["extension"][0]["valueCode"], "masked");
    }
    for (path, says) in common::shown(&release) {
        let both: String = format!("{path}\n{says}").nfkc().collect();
        for p in &people {
            let narrow: String = p.insured.nfkc().collect();
            for value in [&p.id, &p.mrn, &p.name, &narrow] {
                assert!(!both.contains(value.as_str()), "{path}");
            }
        }
        for word in ["<div", "医師", "1318814790", "5eed0000", "Z99"] {
            assert!(!both.contains(word), "{path}");
        }
    }
}
