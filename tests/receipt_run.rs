//! A run that puts its receipts together again: the receipt file of the pseudonymized release, proved against its tables.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::common::{error_of, kakou, new_key, repo, run, text};
use kakou::proof::receipts;
use kakou::proof::recount::{self, Cells};
use kakou::proof::structure::Structure;

const POLICY: &str = r#"
extends = "receipt.toml"
[policy]
id = "receipt-run"
version = "1"
profile = "ngmia"
[pseudonymized]
receipt_file = "RECEIPTC.UKE"
[anonymized]
tier = "controlled"
suppress = { unit = "row", at_most = 0.3 }
[tables.receipts.columns]
"生年月日" = { anonymized = { age_band = { at = "診療月初日", width = 30, top = 90 } } }
"診療年月" = { because = "a test moves the days beside it" }
"入院年月日" = { because = "a test moves the days beside it" }
[tables.services.columns]
"数量データ" = { anonymized = "drop" }
"#;

/// Forty persons with a receipt in April, every other with one in May; the days differ.
fn source() -> String {
    let mut text = String::from("IR,1,14,1,1234567,,架空病院,202405,00,0451234567\r\n");
    let mut number = 0;
    for month in ["202404", "202405"] {
        for person in 0..40 {
            if month == "202405" && person % 2 == 1 {
                continue;
            }
            number += 1;
            let chart = 51_000_001 + person * 17;
            let mut days = vec![""; 31];
            for day in [person % 30, (person * 7 + 3) % 30] {
                days[day as usize] = "1";
            }
            let days = days.join(",");
            let blank = ",".repeat(37);
            text.push_str(&format!(
                "RE,{number},1111,{month},架空　{chart},1,19800403,,,,,,,{chart},,,,,,,,,,,,,,,,,,,,,,,カクウ{chart},\r\n\
                 HO,06140012,１２３,{chart},2,{},,,,,,,,,\r\n\
                 SY,2500013,20240401,1,,,01,\r\n\
                 SI,11,1,111000110,,288,2,,,,,,,{days}\r\n\
                 CO,11,1,810000001,様子を見る\r\n\
                 SI,12,1,112007410,,73,1{blank}\r\n\
                 IY,21,1,620000001,3,10,1,,,,,,,{days}\r\n",
                points(person)
            ));
        }
    }
    text.push_str(&format!("GO,{number},0,99\r\n"));
    text
}

/// Points of a receipt: spread as points are, not given out one by one as numbers of persons are.
fn points(person: u64) -> u64 {
    100 + person * 7_919 % 5_000
}

struct Work {
    folder: tempfile::TempDir,
    policy: PathBuf,
    key: PathBuf,
}

fn work(more: &str) -> Work {
    let folder = tempfile::tempdir().unwrap();
    let (policies, input) = (folder.path().join("policies"), folder.path().join("in"));
    for made in [&policies, &input] {
        std::fs::create_dir(made).unwrap();
    }
    std::fs::copy(repo("policies/receipt.toml"), policies.join("receipt.toml")).unwrap();
    let policy = policies.join("run.toml");
    std::fs::write(&policy, format!("{POLICY}{more}")).unwrap();
    let source = source();
    let (bytes, _, bad) = encoding_rs::SHIFT_JIS.encode(&source);
    assert!(!bad);
    std::fs::write(input.join("RECEIPTC.UKE"), bytes).unwrap();
    let key = new_key(folder.path());
    Work { folder, policy, key }
}

impl Work {
    fn run(&self, more: &[&str]) -> PathBuf {
        let out = self.folder.path().join(format!("out{}", more.len()));
        run(&self.policy, &self.folder.path().join("in"), &self.key, &out, more)
    }
}

fn lines(path: &Path) -> Vec<Vec<String>> {
    let bytes = std::fs::read(path).unwrap();
    let text = encoding_rs::SHIFT_JIS.decode(&bytes).0.into_owned();
    text.lines().map(|l| l.split(',').map(str::to_owned).collect()).collect()
}

fn statement(release: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap()).unwrap()
}

#[test]
fn a_run_puts_its_receipts_together_again() {
    let work = work("");
    let release = work.run(&[]);
    let file = release.join("pseudonymized/RECEIPTC.UKE");
    let made = lines(&file);
    let of = |kind: &str| made.iter().filter(|l| l[0] == kind).collect::<Vec<_>>();
    assert_eq!((of("RE").len(), of("HO").len(), of("SI").len(), of("CO").len()), (60, 60, 120, 0));
    // Ordered by person, then by month: one person's receipts follow one another.
    let order: Vec<(&str, &str)> =
        of("RE").iter().map(|l| (l[13].as_str(), l[3].as_str())).collect();
    assert!(order.windows(2).all(|w| w[0] < w[1]), "{order:?}");
    assert_eq!(order.iter().map(|o| o.0).collect::<BTreeSet<_>>().len(), 40);
    let points: u64 = (0..40).map(|p| points(p) * if p % 2 == 0 { 2 } else { 1 }).sum();
    assert_eq!(made.last().unwrap()[1..3], ["60".to_owned(), points.to_string()]);
    let told = &statement(&release)["receiptFile"];
    assert_eq!(told["recounted"]["receipts"], 60);
    assert_eq!(told["recounted"]["lines"], made.len());
    assert_eq!(told["recounted"]["points"], points);
    let verified = kakou(&["verify", text(&release)]);
    assert!(verified.status.success(), "{}", error_of(&verified));
    // The same bytes at any memory and number of threads, and for the auditor.
    let again = work.run(&["--memory", "1M", "--threads", "1"]);
    assert!(
        std::fs::read(again.join("pseudonymized/RECEIPTC.UKE")).unwrap()
            == std::fs::read(&file).unwrap()
    );
    let replayed = kakou(&[
        "replay",
        text(&release),
        "--policy",
        text(&work.policy),
        "--input",
        text(&work.folder.path().join("in")),
        "--key",
        text(&work.key),
    ]);
    assert!(replayed.status.success(), "{}", error_of(&replayed));
}

#[test]
fn moved_days_make_receipts_of_other_months_and_every_change_is_found() {
    let work = work(
        "\"算定日\" = { pseudonymized = { shift_date = { weeks = 2 } } }\n\
         [tables.drugs.columns]\n\"算定日\" = { pseudonymized = { shift_date = { weeks = 2 } } }\n\
         [tables.diagnoses.columns]\n\"診療開始日\" = { because = \"a test\" }\n[tables.devices.columns]\n\"算定日\" = { because = \"a test\" }\n",
    );
    let release = work.run(&[]);
    let file = release.join("pseudonymized/RECEIPTC.UKE");
    let made = lines(&file);
    let receipts = made.iter().filter(|l| l[0] == "RE").count();
    assert!(receipts > 60, "{receipts}");
    assert_eq!(statement(&release)["receiptFile"]["recounted"]["receipts"], receipts);
    let verified = kakou(&["verify", text(&release)]);
    assert!(verified.status.success(), "{}", error_of(&verified));

    let structure: Structure =
        serde_json::from_value(statement(&release)["structure"]["pseudonymized"].clone()).unwrap();
    let tables: Vec<Cells> = recount::read(&release, &structure).unwrap();
    let shape = structure.receipts.as_ref().unwrap();
    let (told, _) = receipts::recount(&release, &structure, shape, &tables).unwrap();
    assert_eq!(told.receipts, receipts as u64);
    // One field of one line, in every kind of record, changed, lost or added: found.
    let whole = made.iter().map(|l| l.join(",")).collect::<Vec<_>>();
    let mut tried = 0;
    let mut check = |what: &str, lines: &[String]| {
        let text = lines.join("\r\n") + "\r\n";
        let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(&text);
        std::fs::write(&file, bytes).unwrap();
        let error = receipts::recount(&release, &structure, shape, &tables).expect_err(what);
        tried += 1;
        assert!(["C0207", "D0318", "D0317"].contains(&error.code), "{error}");
    };
    for kind in ["IR", "RE", "HO", "SY", "SI", "IY", "GO"] {
        let at = whole.iter().rposition(|l| l.starts_with(kind)).unwrap();
        let fields: Vec<&str> = whole[at].split(',').collect();
        let last = if kind == "GO" { 3 } else { fields.len() };
        for field in 1..last {
            let mut changed: Vec<String> = fields.iter().map(|f| (*f).to_owned()).collect();
            changed[field] = match fields[field] {
                "" if field > 12 && matches!(kind, "SI" | "IY") => "1".to_owned(),
                "" => "9".to_owned(),
                "202404" => "202405".to_owned(),
                "202405" => "202404".to_owned(),
                _ => String::new(),
            };
            let mut lines = whole.clone();
            lines[at] = changed.join(",");
            check(&format!("{kind} {field}"), &lines);
        }
        if !["IR", "GO"].contains(&kind) {
            let mut lines = whole.clone();
            lines.remove(at);
            check(&format!("{kind} lost"), &lines);
            let mut lines = whole.clone();
            lines.insert(at, whole[at].clone());
            check(&format!("{kind} twice"), &lines);
        }
    }
    // A line in another person's receipt.
    let at = whole.iter().rposition(|l| l.starts_with("IY")).unwrap();
    let mut lines = whole.clone();
    let line = lines.remove(at);
    lines.insert(5, line);
    check("another receipt", &lines);
    assert!(tried > 150, "{tried}");
}

#[test]
fn a_policy_without_receipts_makes_no_receipt_file() {
    let folder = tempfile::tempdir().unwrap();
    let template = std::fs::read_to_string(repo("policies/template.toml")).unwrap();
    let policy = folder.path().join("p.toml");
    std::fs::write(
        &policy,
        template.replace("[pseudonymized]\n", "[pseudonymized]\nreceipt_file = \"R.UKE\"\n"),
    )
    .unwrap();
    let error = error_of(&kakou(&["check", "--policy", text(&policy)]));
    assert!(error.contains("P0318"), "{error}");
}
