//! Redaction through the whole run: planted identifiers of which the truth is known against the released text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::common::{self, error_of, kakou, new_key, records, repo, run, text};
use kakou::cli::detect::SEED;
use kakou::detect::{DETECTORS, find};
use kakou::synth::notes::notes;

/// Of a note: by byte, whether it is still there in the released text.
fn kept(note: &str, released: &str) -> Vec<bool> {
    let mut pieces = Vec::new();
    let mut rest = released;
    while let Some((before, after)) = rest.split_once('【') {
        let Some((mark, behind)) = after.split_once('】') else { break };
        // A mark has only letters; what the note itself brackets is content.
        if !note.contains(&format!("【{mark}】")) {
            pieces.push(before);
            rest = behind;
        } else {
            let end = rest.len() - behind.len();
            let (head, tail) = rest.split_at(end);
            pieces.push(head);
            rest = tail;
        }
    }
    pieces.push(rest);
    let mut there = vec![false; note.len()];
    let mut at = 0;
    let last = pieces.len() - 1;
    for (i, piece) in pieces.iter().enumerate() {
        let start = match i {
            0 => 0,
            _ if i == last => note.len() - piece.len(),
            _ => {
                at + note[at..]
                    .find(piece)
                    .unwrap_or_else(|| panic!("a piece that is not of the note"))
            }
        };
        assert!(start >= at && note[start..].starts_with(piece), "the pieces are not of the note");
        there[start..start + piece.len()].fill(true);
        at = start + piece.len();
    }
    there
}

#[derive(Clone, Copy, Default)]
struct Share {
    removed: u64,
    of: u64,
}

impl Share {
    fn add(&mut self, removed: bool) {
        self.of += 1;
        self.removed += u64::from(removed);
    }
    fn share(self) -> f64 {
        self.removed as f64 / self.of.max(1) as f64
    }
    fn percent(self) -> String {
        format!("{:.1} %", self.share() * 100.0)
    }
}

/// What became of labels (kind, bytes) and of the characters outside them.
#[derive(Default)]
struct Counts {
    kinds: BTreeMap<String, Share>,
    /// Letters and digits outside of labels, and those that are gone.
    rest: Share,
    /// Notes without a label, and those that are changed.
    plain: Share,
}

impl Counts {
    fn add(&mut self, note: &str, released: &str, labels: &[(String, usize, usize)]) {
        let there = kept(note, released);
        for (kind, start, end) in labels {
            let left = note[*start..*end]
                .char_indices()
                .any(|(at, c)| c.is_alphanumeric() && there[start + at]);
            self.kinds.entry(kind.clone()).or_default().add(!left);
        }
        for (at, c) in note.char_indices() {
            if c.is_alphanumeric() && !labels.iter().any(|(_, s, e)| (*s..*e).contains(&at)) {
                self.rest.add(!there[at]);
            }
        }
        if labels.is_empty() {
            self.plain.add(note != released);
        }
    }
}

const POLICY: &str = r#"[policy]
id = "notes"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
[[anonymized.view]]
name = "v"
grain = "visits"
quasi = ["visits.性別"]
k = 2
[not_applicable]
"18-2" = "none"
"33-2" = "none"
"33-3" = "none"
"18-4" = "none"
[tables.visits]
grain = "event"
source = { path = "visits.csv", multiline = true }
keys = { patient = "患者ID" }
[tables.visits.columns]
"患者ID" = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
"性別" = { role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }
"行" = { role = "payload", type = "integer", pseudonymized = "keep", anonymized = "drop", because = "rows of a test" }
"備考" = { role = "text", pseudonymized = "redact", anonymized = "drop" }
"#;

/// Row number to text in the pseudonymized release.
fn released(release: &Path, table: &str) -> BTreeMap<usize, String> {
    let (head, rows) = records(&release.join(format!("pseudonymized/{table}.csv")));
    let at = |name: &str| head.iter().position(|h| h == name).unwrap();
    let (row, note) = (at("行"), at("備考"));
    rows.into_iter().map(|mut r| (r[row].parse().unwrap(), std::mem::take(&mut r[note]))).collect()
}

const NOTES: u64 = 6_000;

/// The corpus of `kakou detect measure` through a run: nothing in the tables helps.
fn corpus() -> Counts {
    let work = tempfile::tempdir().unwrap();
    let data = work.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    let samples: Vec<_> = notes(SEED, NOTES).collect();
    let mut csv = csv::Writer::from_path(data.join("visits.csv")).unwrap();
    csv.write_record(["患者ID", "性別", "行", "備考"]).unwrap();
    for (i, sample) in samples.iter().enumerate() {
        let (id, sex) = (format!("Q{:04}", i % 900), ["1", "2"][i % 2]);
        csv.write_record([&id, sex, &i.to_string(), &sample.text]).unwrap();
    }
    csv.flush().unwrap();
    let policy = work.path().join("policy.toml");
    std::fs::write(&policy, POLICY).unwrap();
    let key = new_key(work.path());
    let release = run(&policy, &data, &key, &work.path().join("out"), &[]);
    let after = released(&release, "visits");
    assert_eq!(after.len(), samples.len());
    let mut counts = Counts::default();
    for (i, sample) in samples.iter().enumerate() {
        let labels: Vec<_> =
            sample.labels.iter().map(|l| (l.detector.to_owned(), l.start, l.end)).collect();
        counts.add(&sample.text, &after[&i], &labels);
    }
    counts
}

/// A value of another person that is written into a note.
const OTHERS: &[(&str, &str, &str)] = &[
    ("other_full_name", "隣床の", "と取り違えに注意"),
    ("other_full_name", "紹介者は", "様"),
    ("other_name_kana", "同室の ", " さん"),
    ("other_phone", "折り返しは ", " 、他患者家族"),
    ("other_number", "カルテ", "に誤記載、訂正済み"),
    ("other_number", "同姓患者あり（", "）"),
    ("other_address", "送付先を", "と誤認"),
    ("other_insurance", "保険証の返却先誤り ", ""),
];

struct Hospital {
    work: tempfile::TempDir,
    policy: PathBuf,
    key: PathBuf,
    notes: BTreeMap<usize, (String, Vec<(String, usize, usize)>)>,
}

/// The synthetic hospital with its own labels; and notes that name other persons of the same tables.
fn hospital() -> Hospital {
    let work = tempfile::tempdir().unwrap();
    let output = kakou(&[
        "synth",
        "--quiet",
        "--layouts",
        "csv",
        "--encoding",
        "utf8",
        "--patients",
        "2000",
        "--out",
        text(work.path()),
    ]);
    assert!(output.status.success(), "{}", error_of(&output));
    let data = work.path().join("csv");
    let (head, persons) = records(&data.join("persons.csv"));
    let of = |name: &str| head.iter().position(|h| h == name).unwrap();
    let source = |kind: &str| match kind {
        "other_full_name" => of("氏名"),
        "other_name_kana" => of("カナ氏名"),
        "other_phone" => of("電話番号"),
        "other_address" => of("住所"),
        "other_insurance" => of("番号"),
        _ => of("患者ID"),
    };
    let (mut head, mut stays) = records(&data.join("stays.csv"));
    let note = head.iter().position(|h| h == "備考").unwrap();
    let mut planted: BTreeMap<usize, Vec<(String, String)>> = BTreeMap::new();
    let (names, labels) = records(&work.path().join("truth/planted.csv"));
    assert_eq!(names[..6], ["layout", "file", "row", "column", "kind", "value"]);
    for label in labels.iter().filter(|l| l[1] == "csv/stays.csv" && l[3] == "備考") {
        planted
            .entry(label[2].parse().unwrap())
            .or_default()
            .push((label[4].clone(), label[5].clone()));
    }
    assert!(planted.len() > 50, "{}", planted.len());
    let mut notes = BTreeMap::new();
    for (i, row) in stays.iter_mut().enumerate() {
        let mut labels = Vec::new();
        if row[note].is_empty() && i % 4 == 0 {
            let (kind, before, after) = OTHERS[i / 4 % OTHERS.len()];
            let value = persons[(i * 7 + 13) % persons.len()][source(kind)].trim();
            let plain = value.chars().all(|c| c != '\u{fffd}' && c != '■');
            // What is too short to be told from other content is not promised.
            if plain
                && value.chars().count() >= if kind.contains("name") { 5 } else { 6 }
                && !value.bytes().all(|b| b == b'9' || b == b'0')
            {
                row[note] = format!("{before}{value}{after}");
                labels.push((kind.to_owned(), before.len(), before.len() + value.len()));
            }
        }
        for (kind, value) in planted.get(&(i + 1)).into_iter().flatten() {
            let Some(start) = row[note].find(value.as_str()) else {
                panic!("{kind} is not in its row")
            };
            labels.push((kind.clone(), start, start + value.len()));
        }
        notes.insert(i, (row[note].clone(), labels));
        row.push(i.to_string());
    }
    head.push("行".to_owned());
    let mut csv = csv::Writer::from_path(data.join("stays.csv")).unwrap();
    csv.write_record(&head).unwrap();
    for row in &stays {
        csv.write_record(row).unwrap();
    }
    csv.flush().unwrap();
    let policy = work.path().join("policy.toml");
    let csv = std::fs::read_to_string(repo("policies/csv.toml")).unwrap();
    let line = "[tables.stays.columns]\n";
    let drop = "role = \"text\", pseudonymized = \"drop\"";
    assert!(csv.contains(line) && csv.matches(drop).count() == 1);
    let number = "\"行\" = { role = \"payload\", type = \"integer\", pseudonymized = \"keep\", anonymized = \"drop\", because = \"rows of a test\" }\n";
    let csv = csv.replace("cp932", "utf-8").replacen(line, &format!("{line}{number}"), 1).replacen(
        drop,
        // The rest of the notes is compared: dates too.
        &format!(
            "because = \"the dates of these notes are made up\", {}",
            drop.replace("drop", "redact")
        ),
        1,
    );
    std::fs::write(&policy, csv).unwrap();
    let key = new_key(work.path());
    Hospital { work, policy, key, notes }
}

fn through_the_run() -> Counts {
    let Hospital { work, policy, key, notes } = hospital();
    let data = work.path().join("csv");
    let release = run(&policy, &data, &key, &work.path().join("out"), &[]);
    let after = released(&release, "stays");
    let mut counts = Counts::default();
    for (row, text) in &after {
        let (note, labels) = &notes[row];
        counts.add(note, text, labels);
    }
    // The record has what was replaced, by kind, and no number of persons below ten.
    let statement: serde_json::Value =
        serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
            .unwrap();
    let mut marks = BTreeMap::new();
    each_object(&statement, &mut |o| {
        if let Some(list) = o.get("marks").and_then(|m| m.as_array()) {
            for m in list {
                let n = |name: &str| m[name].as_str().unwrap().to_owned();
                marks.insert(n("mark"), (n("places"), n("persons")));
            }
        }
    });
    for mark in ["【氏名】", "【電話番号】", "【患者番号】", "【住所】"] {
        let (places, persons) = &marks[mark];
        for n in [places, persons] {
            assert!(n == "<10" || n.parse::<u64>().is_ok_and(|n| n >= 10), "{mark} {n}");
        }
    }
    // The same bytes in many partitions.
    let parts = run(&policy, &data, &key, &work.path().join("parts"), &["--memory", "1M"]);
    let bytes = |r: &Path| std::fs::read(r.join("pseudonymized/stays.csv")).unwrap();
    assert!(bytes(&release) == bytes(&parts), "the partitions make a difference");
    counts
}

fn each_object(
    value: &serde_json::Value,
    f: &mut dyn FnMut(&serde_json::Map<String, serde_json::Value>),
) {
    match value {
        serde_json::Value::Object(o) => {
            f(o);
            o.values().for_each(|v| each_object(v, f));
        }
        serde_json::Value::Array(a) => a.iter().for_each(|v| each_object(v, f)),
        _ => {}
    }
}

fn table(corpus: &Counts, hospital: &Counts, japanese: bool) -> String {
    let mut out = String::from(if japanese {
        "| 種類 | 数 | 完全に除去 |\n| --- | ---: | ---: |\n"
    } else {
        "| kind | planted | wholly removed |\n| --- | ---: | ---: |\n"
    });
    let from = |name: &str| match japanese {
        true => format!("{name}（検出器の文例）"),
        false => format!("{name} (the corpus above)"),
    };
    for (kind, share) in &corpus.kinds {
        let _ = writeln!(out, "| `{}` | {} | {} |", from(kind), share.of, share.percent());
    }
    for (kind, share) in &hospital.kinds {
        let _ = writeln!(out, "| `{kind}` | {} | {} |", share.of, share.percent());
    }
    for (name, ja, share) in [
        ("letters outside of planted values, corpus", "植え込み以外の文字（文例）", corpus.rest),
        (
            "letters outside of planted values, hospital",
            "植え込み以外の文字（模擬病院）",
            hospital.rest,
        ),
        ("notes with nothing planted, corpus", "植え込みのない文（文例）", corpus.plain),
        ("notes with nothing planted, hospital", "植え込みのない文（模擬病院）", hospital.plain),
    ] {
        let name = if japanese { ja } else { name };
        let _ = writeln!(out, "| *{name}* | {} | {} |", share.of, share.percent());
    }
    out
}

/// The least share of planted values of which no letter may be left in the release.
const FLOOR: f64 = 0.97;
/// Kinds that stand lower, and why.
const LOWER: &[(&str, f64)] = &[
    // Names of persons that no table has, some with given names that no list has.
    ("person_name", 0.92),
    // Only a family name beside a title.
    ("other_name", 0.9),
    ("doctor", 0.9),
    ("decoy", 0.0),
];

#[test]
fn what_is_planted_is_gone_and_the_rest_is_there() {
    let (corpus, hospital) = (corpus(), through_the_run());
    for d in DETECTORS {
        assert!(corpus.kinds.contains_key(d.doc().name) && find(d.doc().name).is_some());
    }
    for (kind, share) in corpus.kinds.iter().chain(&hospital.kinds) {
        let floor = LOWER.iter().find(|l| l.0 == kind).map_or(FLOOR, |l| l.1);
        assert!(share.share() >= floor, "{kind}: {} of {}", share.removed, share.of);
        assert!(share.of >= 5, "{kind}: only {}", share.of);
    }
    for others in ["other_full_name", "other_phone", "other_number", "other_patient_number"] {
        let share = hospital.kinds[others];
        assert_eq!(share.removed, share.of, "{others}");
    }
    assert!(hospital.kinds["decoy"].share() <= 0.05, "{}", hospital.kinds["decoy"].percent());
    assert!(corpus.rest.share() < 0.02 && hospital.rest.share() < 0.02);
    assert!(corpus.plain.share() < 0.02 && hospital.plain.share() < 0.01);
    for (page, japanese) in [("docs/detectors.md", false), ("docs/detectors.ja.md", true)] {
        common::block(page, "run", &table(&corpus, &hospital, japanese), "redact");
    }
}

/// Notes of SS-MIX2 (NTE-3) and OMOP (NOTE): with a folder, a policy that extends a shipped one, and the column.
const LAYOUTS: &[(&str, &str, &str, &str)] = &[
    (
        "ssmix2",
        "laboratory",
        "コメント",
        r#"extends = "ssmix2.toml"
[policy]
id = "notes"
version = "1"
profile = "ngmia"
[anonymized]
tier = "controlled"
[tables.person.columns]
"生年月日" = { anonymized = { age_band = { at = "visit.来院日時", width = 90, top = 90 } } }
"郵便番号" = { anonymized = "drop" }
[tables.visit.columns]
"来院日時" = { anonymized = "drop" }
"退院日時" = { anonymized = "drop" }
[tables.laboratory.columns]
"コメント" = { pseudonymized = "redact", because = "made-up dates", anonymized = "drop" }
"#,
    ),
    (
        "omop",
        "note",
        "note_text",
        r#"extends = "omop54.toml"
[policy]
id = "notes"
version = "1"
profile = "ngmia"
[anonymized]
tier = "controlled"
[tables.person.columns]
year_of_birth = { anonymized = { band = { width = 100, bottom = 1900 } } }
[tables.note]
layout = "omop/note@5.4"
source = { path = "note.*" }
unlisted = "drop"
set_aside = ["key"]
[tables.note.columns]
person_id = { pseudonymized = "pseudonym", anonymized = "drop" }
note_text = { pseudonymized = "redact", because = "made-up dates", anonymized = "drop" }
"#,
    ),
];

#[test]
fn notes_of_ssmix2_and_omop_are_redacted_too() {
    let work = tempfile::tempdir().unwrap();
    let mut synth = vec!["synth", "--quiet", "--layouts", "omop,ssmix2", "--patients", "150"];
    let data = work.path().join("data");
    synth.extend(["--years", "1", "--out", text(&data)]);
    let output = kakou(&synth);
    assert!(output.status.success(), "{}", error_of(&output));
    let (_, labels) = records(&data.join("truth/planted.csv"));
    common::copy_folder(&repo("policies"), work.path());
    let key = new_key(work.path());
    for (layout, table, column, policy) in LAYOUTS {
        let path = work.path().join(format!("{layout}-notes.toml"));
        std::fs::write(&path, policy).unwrap();
        let mut input = data.join(layout);
        if *layout == "ssmix2" {
            // A storage is of one facility.
            let mut roots: Vec<_> =
                std::fs::read_dir(&input).unwrap().flatten().map(|e| e.path()).collect();
            roots.sort();
            input = roots.swap_remove(0);
        }
        let release = run(&path, &input, &key, &work.path().join(format!("out-{layout}")), &[]);
        let (head, rows) = records(&release.join(format!("pseudonymized/{table}.csv")));
        let at = head.iter().position(|h| h == column).unwrap();
        let notes: Vec<&str> =
            rows.iter().map(|r| r[at].as_str()).filter(|n| !n.is_empty()).collect();
        assert!(notes.iter().any(|n| n.contains('【')), "{layout}: nothing is marked");
        // The comments of one storage are few; all of them may have something planted.
        let plain = notes.iter().any(|n| !n.contains('【'));
        assert!(plain || *layout == "ssmix2", "{layout}: everything is marked");
        // A family name alone may stand in other words; a decoy is none.
        let short = ["decoy", "surname", "other_name", "doctor"];
        let mut searched = 0;
        for label in labels.iter().filter(|l| l[0] == *layout && !short.contains(&l[4].as_str())) {
            searched += 1;
            assert!(!notes.iter().any(|n| n.contains(&label[5])), "{layout}: {}", label[4]);
        }
        assert!(searched > 20, "{layout}: {searched}");
    }
}

#[test]
fn redact_fits_every_text_column_of_the_shipped_policies() {
    let work = tempfile::tempdir().unwrap();
    common::copy_folder(&repo("policies"), work.path());
    let drop = "role = \"text\", pseudonymized = \"drop\"";
    let typed = "role = \"text\", type = \"string\", pseudonymized = \"drop\"";
    let dated = "{ redact = { dates = true } }";
    let mut seen = 0;
    for file in common::files(work.path()) {
        let policy = std::fs::read_to_string(&file).unwrap_or_default();
        if file.extension().is_none_or(|e| e != "toml")
            || !(policy.contains(drop) || policy.contains(typed))
        {
            continue;
        }
        if file.file_name().unwrap() == "template.toml" {
            continue;
        }
        seen += 1;
        let redacting = policy
            .replace(drop, &drop.replace("\"drop\"", dated))
            .replace(typed, &typed.replace("\"drop\"", dated));
        std::fs::write(&file, redacting).unwrap();
        let output = kakou(&["check", "--policy", text(&file)]);
        assert!(output.status.success(), "{}: {}", file.display(), error_of(&output));
    }
    assert!(seen >= 2, "{seen}");
}

/// Days and months of the calendar among what looks like them, in phrases of a ward: how many are taken, and how much is taken that is
/// none.
#[test]
fn days_of_the_calendar_are_told_from_shares_and_lengths_of_time() {
    let phrases = std::fs::read_to_string(repo("tests/dates_in_notes.txt")).unwrap();
    let (mut days, mut found, mut taken, mut wrong, mut others, mut touched) = (0, 0, 0, 0, 0, 0);
    let (mut missed, mut extra) = (Vec::new(), Vec::new());
    for phrase in phrases.lines().filter(|l| !l.starts_with('#')).flat_map(|l| l.split('|')) {
        let mut text = String::new();
        let mut spans: Vec<(usize, usize)> = Vec::new();
        for c in phrase.chars() {
            match c {
                '《' => spans.push((text.len(), 0)),
                '》' => spans.last_mut().unwrap().1 = text.len(),
                c => text.push(c),
            }
        }
        let hits = kakou::detect::dates::spans(&text);
        let inside = |&(a, b): &(usize, usize)| hits.iter().any(|&(x, y)| x <= a && b <= y);
        days += spans.len();
        found += spans.iter().filter(|s| inside(s)).count();
        missed.extend(spans.iter().filter(|s| !inside(s)).map(|_| phrase.to_owned()));
        let is_day = |&&(x, y): &&(usize, usize)| spans.iter().any(|&(a, b)| x < b && a < y);
        let false_hits = hits.iter().filter(|hit| !is_day(hit)).count();
        taken += hits.len();
        wrong += false_hits;
        others += usize::from(spans.is_empty());
        touched += usize::from(spans.is_empty() && !hits.is_empty());
        if false_hits > 0 {
            extra.push(phrase.to_owned());
        }
    }
    println!("missed: {missed:?}\nwrong: {extra:?}");
    assert!(days >= 200 && others >= 200);
    let percent = |part: usize, all: usize| format!("{:.1} %", 100.0 * part as f64 / all as f64);
    for (page, japanese) in [("docs/detectors.md", false), ("docs/detectors.ja.md", true)] {
        let head = match japanese {
            true => "| 日・月のある句 | 再現率 | 適合率 | 日でないものの句 | 誤って墨消しした句 |",
            false => "| days and months | recall | precision | other phrases | of these touched |",
        };
        let row = format!(
            "| {days} | {} | {} | {others} | {} |",
            percent(found, days),
            percent(taken - wrong, taken),
            percent(touched, others)
        );
        let rule = "| ---: | ---: | ---: | ---: | ---: |";
        common::block(page, "dates", &format!("{head}\n{rule}\n{row}\n"), "redact");
    }
    assert!(found * 1000 >= days * 985, "{missed:?}");
    assert!(touched * 100 <= others * 3, "{extra:?}");
}
