//! Parts that travel: whatever way persons are divided into batches and statistics are merged, with every value written and read
//! back on its way, the frozen plan is that of the ordinary run to the byte, and so are the released rows.

use std::path::Path;

use kakou::engine::exclude::Lists;
use kakou::engine::intake::{self, Limits};
use kakou::engine::parts::{Batch, Parts};
use kakou::engine::{Job, make};
use kakou::frame::{Column, Table};
use kakou::keys::ReleaseSecrets;
use kakou::progress::Silent;
use kakou::proof::forbidden::Forbidden;
use kakou::run::Policy;
use kakou::schema::{ByKind, Kind};
use kakou::technique::Secrets;

use crate::common::records;

const POLICY: &str = r#"[policy]
id = "parts"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
tier = "research"
suppress = { unit = "UNIT", at_most = 0.6 }
[anonymized.search]
objective = "loss"
[[anonymized.view]]
name = "stay"
grain = "stays"
quasi = ["patients.sex", "patients.postal", "stays.admitted"]
k = 3
because = "a test"
[[anonymized.set]]
name = "known"
column = "stays.disease"
m = 2
k = 3
because = "a test"
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
postal = { role = "quasi", code = "postal", pseudonymized = { generalize = "prefecture" }, anonymized = { generalize = { levels = ["prefecture", "region", "*"] } } }
blood = { role = "payload", pseudonymized = "keep", anonymized = { rare = 3 } }
[tables.stays]
grain = "stay"
source = { path = "stays.csv" }
keys = { patient = "id", stay = "stay" }
[tables.stays.columns]
id = { role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }
stay = { role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }
admitted = { role = "quasi", type = "date", kind = "event", pseudonymized = "shift_date", anonymized = { truncate_date = "quarter" } }
days = { role = "payload", type = "integer", pseudonymized = "keep", anonymized = { round = { step = 3, tails = 3 } } }
disease = { role = "sensitive", code = "icd10", pseudonymized = "keep", anonymized = { rare = { below = 3, other = "other" } } }
[tables.events]
grain = "event"
source = { path = "events.csv" }
keys = { patient = "id", stay = "stay" }
[tables.events.columns]
id = { role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }
stay = { role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }
act = { role = "payload", pseudonymized = "keep", anonymized = "keep" }
"#;

/// A number that only looks like chance.
fn drawn(seed: &mut u64, below: u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    (*seed >> 33) % below
}

/// The rows of three tables, each with its person.
type Rows = [Vec<(usize, Vec<String>)>; 3];

const PERSONS: usize = 90;

fn rows() -> Rows {
    let mut seed = 11;
    let mut all: Rows = Default::default();
    let mut number = 0;
    for person in 0..PERSONS {
        let id = format!("P{person:06}");
        let mut of =
            |texts: &[&str]| texts[drawn(&mut seed, texts.len() as u64) as usize].to_owned();
        let near = of(&["1358139", "0600001", "5300001", "1000001"]);
        // Two live where nobody else does.
        let postal = if person % 50 == 0 { "9000001".to_owned() } else { near };
        let patient = vec![
            id.clone(),
            format!("Name{person:06}"),
            of(&["1", "2"]),
            postal,
            of(&["A", "A", "A", "B", "B", "O", "AB", ""]),
        ];
        all[0].push((person, patient));
        for _ in 0..=drawn(&mut seed, 3) {
            number += 1;
            let stay = format!("S{number:06}");
            let month = 1 + drawn(&mut seed, 12);
            let days = drawn(&mut seed, 20).to_string();
            let disease = ["I10", "E119", "J189", "C349", "N40", "A009", ""]
                [drawn(&mut seed, 7) as usize % 7];
            let admitted = format!("2025-{month:02}-0{}", 1 + drawn(&mut seed, 9));
            all[1]
                .push((person, vec![id.clone(), stay.clone(), admitted, days, disease.to_owned()]));
            for _ in 0..drawn(&mut seed, 4) {
                // One act is of few persons only.
                let act = if person % 41 == 0 {
                    "rare"
                } else {
                    ["a", "b"][drawn(&mut seed, 2) as usize]
                };
                all[2].push((person, vec![id.clone(), stay.clone(), act.to_owned()]));
            }
        }
    }
    all
}

fn tables(rows: &Rows, here: impl Fn(usize) -> bool) -> Vec<Table> {
    let width = [5, 5, 3];
    let table = |(rows, width): (&Vec<(usize, Vec<String>)>, usize)| {
        let rows: Vec<&Vec<String>> = rows.iter().filter(|r| here(r.0)).map(|r| &r.1).collect();
        let column = |c: usize| Column::from_texts(rows.iter().map(|r| Some(r[c].as_str())));
        Table { rows: rows.len(), columns: (0..width).map(column).collect() }
    };
    rows.iter().zip(width).map(table).collect()
}

fn texts(table: &Table) -> Vec<Vec<String>> {
    let cell = |column: &Column, row| column.text(row).unwrap_or("").to_owned();
    (0..table.rows).map(|row| table.columns.iter().map(|c| cell(c, row)).collect()).collect()
}

/// Both releases by table, sorted rows.
type Released = Vec<Vec<Vec<Vec<String>>>>;

/// Drives the calls over a division of the persons, every value as bytes; gives the frozen plan and the releases.
fn divided(
    parts: &Parts<'_>,
    rows: &Rows,
    secrets: ByKind<&dyn Secrets>,
    batches: usize,
    seed: u64,
) -> (Vec<u8>, String, Released) {
    let mut place = seed;
    let of: Vec<usize> = (0..PERSONS).map(|_| drawn(&mut place, batches as u64) as usize).collect();
    let batches: Vec<Batch> = (0..batches)
        .map(|b| parts.batch(tables(rows, |person| of[person] == b)).unwrap())
        .collect();
    let mut freezing = parts.begin().unwrap();
    while let Some(draft) = freezing.draft() {
        let bytes = parts.write_draft(draft).unwrap();
        let there = parts.read_draft(&bytes).unwrap();
        assert!(there == *draft);
        let mut statistics: Vec<Vec<u8>> = batches
            .iter()
            .map(|batch| {
                let measured = parts.measure(batch, &there, secrets).unwrap();
                parts.write_statistics(&measured).unwrap()
            })
            .collect();
        // Any two are merged, until one is left.
        while statistics.len() > 1 {
            let mut any = || {
                let at = drawn(&mut place, statistics.len() as u64) as usize;
                statistics.swap_remove(at)
            };
            let [a, b] = [any(), any()].map(|s| parts.read_statistics(draft, &s).unwrap());
            let merged = parts.merge(draft, a, b).unwrap();
            statistics.push(parts.write_statistics(&merged).unwrap());
        }
        let all = parts.read_statistics(draft, &statistics[0]).unwrap();
        freezing.next(all).unwrap();
    }
    let outcome = freezing.finish().unwrap();
    let bytes = parts.write_frozen(&outcome.frozen).unwrap();
    let frozen = parts.read_frozen(&bytes).unwrap();
    assert!(frozen == outcome.frozen);
    let mut released: Released = vec![vec![Vec::new(); 3]; 2];
    for batch in &batches {
        let here = parts.apply(batch, &frozen, secrets);
        for (all, tables) in released.iter_mut().zip(&here.tables) {
            for (all, table) in all.iter_mut().zip(tables) {
                all.extend(texts(table.as_ref().unwrap()));
            }
        }
    }
    released.iter_mut().flatten().for_each(|rows| rows.sort());
    let told = format!(
        "{:?} {:?}",
        serde_json::to_value(&outcome.unique).unwrap(),
        serde_json::to_value(&outcome.floors).unwrap()
    );
    (bytes, told, released)
}

#[test]
fn any_division_and_any_order_of_merging_give_the_run() {
    for unit in ["row", "person"] {
        let mut text = POLICY.replace("UNIT", unit);
        if unit == "person" {
            // With levels to choose from, the search finds one at which nobody goes.
            for (levels, one) in [
                ("[anonymized.search]\nobjective = \"loss\"\n", ""),
                ("{ levels = [\"prefecture\", \"region\", \"*\"] }", "\"prefecture\""),
                ("\"quarter\"", "\"year\""),
            ] {
                assert!(text.contains(levels));
                text = text.replace(levels, one);
            }
        }
        let policy = Policy::from_text("policy.toml", &text);
        let policy = policy.map_err(|failed| failed.error.to_string()).unwrap();
        let plan = &policy.plan;
        let rows = rows();
        let digest = [7; 32];
        let lists = Lists::default();
        let [pseudonymized, anonymized] = [1, 2].map(ReleaseSecrets::anonymized_from_test_seed);
        let secrets: ByKind<&dyn Secrets> =
            ByKind { pseudonymized: &pseudonymized, anonymized: &anonymized };

        // The ordinary run, from files.
        let work = tempfile::tempdir().unwrap();
        let input = work.path().join("in");
        let heads = ["id,name,sex,postal,blood", "id,stay,admitted,days,disease", "id,stay,act"];
        std::fs::create_dir(&input).unwrap();
        for ((name, head), rows) in ["patients", "stays", "events"].iter().zip(heads).zip(&rows) {
            let lines: Vec<String> = rows.iter().map(|r| r.1.join(",")).collect();
            let text = format!("{head}\n{}\n", lines.join("\n"));
            std::fs::write(input.join(format!("{name}.csv")), text).unwrap();
        }
        let staging = work.path().join("out");
        for kind in Kind::BOTH {
            std::fs::create_dir_all(staging.join(kind.word())).unwrap();
        }
        let files = intake::find_files(plan, &input).unwrap();
        let job = Job {
            plan,
            files: &files,
            lists: &lists,
            limits: Limits { memory: 1 << 30, spill_root: work.path().to_owned() },
            secrets,
            search_limit: None,
            link_keys: None,
            policy: digest,
            keep: None,
            staging: staging.clone(),
        };
        let made = make(&job, &mut Forbidden::default(), &Silent).unwrap();
        let told = format!(
            "{:?} {:?}",
            serde_json::to_value(&made.unique).unwrap(),
            serde_json::to_value(&made.floors).unwrap()
        );
        let frozen = String::from_utf8(made.frozen.clone()).unwrap();
        for decided in ["\"classes\":[{", "\"floors\":{"] {
            assert!(frozen.contains(decided), "{unit}: the data decide nothing of {decided}");
        }

        let parts = Parts::new(plan, digest, &lists).unwrap();
        let (whole, _, released) = divided(&parts, &rows, secrets, 1, 0);
        assert_eq!(String::from_utf8(whole).unwrap(), frozen, "{unit}: one batch");
        compare(&staging, &released);
        for seed in 1..5 {
            let (bytes, of_parts, again) = divided(&parts, &rows, secrets, 1 + seed as usize, seed);
            assert!(bytes == made.frozen, "{unit}, division {seed}: another plan");
            assert_eq!(of_parts, told, "{unit}, division {seed}: other figures");
            assert!(again == released, "{unit}, division {seed}: other rows");
        }
    }
}

/// The files of the run, where a column of the plan is a column of the file.
fn compare(staging: &Path, released: &Released) {
    let mut same = 0;
    for (kind, tables) in Kind::BOTH.iter().zip(released) {
        for (name, rows) in ["patients", "stays", "events"].iter().zip(tables) {
            let (header, mut file) = records(&staging.join(format!("{}/{name}.csv", kind.word())));
            assert_eq!(file.len(), rows.len(), "{name}");
            if header.len() == rows[0].len() {
                file.sort();
                assert!(&file == rows, "{name} of the {} release", kind.word());
                same += 1;
            }
        }
    }
    assert!(same >= 4, "{same}");
}

#[test]
fn what_is_of_another_policy_or_version_is_refused() {
    let policy = Policy::from_text("policy.toml", &POLICY.replace("UNIT", "row"));
    let policy = policy.map_err(|failed| failed.error.to_string()).unwrap();
    let lists = Lists::default();
    let parts = |digest| Parts::new(&policy.plan, digest, &lists).unwrap();
    let (here, there) = (parts([1; 32]), parts([2; 32]));
    let freezing = here.begin().unwrap();
    let draft = freezing.draft().unwrap();
    let bytes = here.write_draft(draft).unwrap();
    let code = |bytes: &[u8]| here.read_draft(bytes).err().map(|e| e.code);
    assert_eq!(code(&bytes), None);
    assert_eq!(there.read_draft(&bytes).err().map(|e| e.code), Some("C0406"));
    let text = String::from_utf8(bytes.clone()).unwrap();
    assert_eq!(code(text.replacen("\"version\":1", "\"version\":2", 1).as_bytes()), Some("C0405"));
    assert_eq!(code(text.replacen("draft", "statistics", 1).as_bytes()), Some("D0452"));
    assert_eq!(code(&bytes[..bytes.len() / 2]), Some("D0452"));
    // A treatment of another column's, or with a word that no technique has.
    assert_eq!(code(text.replacen("\"pseudonym\"", "\"drop\"", 1).as_bytes()), Some("D0452"));

    let cells = Policy::from_text("policy.toml", &POLICY.replace("UNIT", "cell"));
    let cells = cells.map_err(|failed| failed.error.to_string()).unwrap();
    let refused = Parts::new(&cells.plan, [1; 32], &lists).err().map(|e| e.code);
    assert_eq!(refused, Some("C0407"));
}
