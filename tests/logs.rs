//! No personal value leaves the program beside the releases: canaries in every column, logs at trace, panics forced.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::common::{self, error_of, files, kakou, new_key, repo, settled, shown, text};

/// Column, what stands in the canary's cells, and what is looked for (where it is not the cell itself).
const CANARIES: &[(&str, &str)] = &[
    ("施設コード", "ZQ9FACIL77"),
    ("患者ID", "0077319204"),
    ("入院番号", "S9977319204"),
    ("氏名", "鸛丸 鵺兵衛"),
    ("カナ氏名", "コウノマル ヌエベエ"),
    ("生年月日", "19110317"),
    ("性別", "2"),
    ("郵便番号", "0470048"),
    ("住所", "鸛ヶ淵町九丁目77番地3"),
    ("電話番号", "0134-77-3192"),
    ("保険者番号", "77319206"),
    ("記号", "鸛7731"),
    ("番号", "77319207"),
    ("枝番", "73"),
    ("入院日", "20170731"),
    ("退院日", "20170809"),
    ("入院経路", "ZQROUTE7"),
    ("退院先", "ZQEXIT7"),
    ("転帰", "ZQOUT7"),
    ("診療科", "鸛科"),
    ("主傷病コード", "Q8783"),
    ("主傷病名", "鸛症候群"),
    ("医師コード", "ZQDOC773"),
    ("備考", "鸛の備考７７３１９"),
    ("病名コード", "Q8783"),
    ("区分", "ZQKUBUN"),
    ("検査日時", "20170801093217"),
    ("検査項目コード", "9Z9770000099999"),
    ("値", "98761.25"),
    ("単位", "ZQUNIT"),
    ("フラグ", "ZQFLAG"),
    ("処方日", "20170802"),
    ("薬剤コード", "7731922F9ZZZ"),
    ("用量", "43219.75"),
    ("日数", "87713"),
];

/// Too common as texts to be looked for.
const NOT_SEARCHED: &[&str] = &["2", "73"];

/// The hospitals of the plain CSV with one person more, whose every cell is a canary.
fn data(folder: &Path) -> PathBuf {
    let output = kakou(&[
        "synth",
        "--quiet",
        "--patients",
        "1000",
        "--layouts",
        "csv",
        "--out",
        text(folder),
    ]);
    assert!(output.status.success(), "{}", error_of(&output));
    let csv = folder.join("csv");
    for path in files(&csv) {
        if path.extension().is_none_or(|e| e != "csv") {
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let (all, _, bad) = encoding_rs::SHIFT_JIS.decode(&bytes);
        assert!(!bad, "{}", path.display());
        let header = all.lines().next().unwrap();
        let row: Vec<&str> = header
            .split(',')
            .map(|column| {
                let column = column.trim_matches('"').trim();
                CANARIES.iter().find(|(c, _)| *c == column).unwrap_or_else(|| panic!("{column}")).1
            })
            .collect();
        let line = format!("{}\r\n", row.join(","));
        let (more, _, bad) = encoding_rs::SHIFT_JIS.encode(&line);
        assert!(!bad, "{row:?}");
        std::fs::write(&path, [&bytes[..], &more[..]].concat()).unwrap();
    }
    csv
}

/// The cells and what a slip might make of them: dates with separators, parts of names, other widths.
fn needles() -> Vec<String> {
    let mut needles: Vec<String> = Vec::new();
    for (_, cell) in CANARIES {
        if NOT_SEARCHED.contains(cell) {
            continue;
        }
        needles.push((*cell).to_owned());
        if cell.len() == 8 && cell.bytes().all(|b| b.is_ascii_digit()) {
            needles.push(format!("{}-{}-{}", &cell[..4], &cell[4..6], &cell[6..]));
            needles.push(format!("{}/{}/{}", &cell[..4], &cell[4..6], &cell[6..]));
        }
    }
    needles.extend(
        ["鸛", "鵺", "ヌエベエ", "98761", "43219", "7731920", "2017-08-01"].map(str::to_owned),
    );
    needles
}

fn search(what: &str, text: &str, needles: &[String]) {
    let text = settled(text);
    for needle in needles {
        assert!(!text.contains(needle.as_str()), "{what} shows `{needle}`");
    }
}

struct Bench {
    input: PathBuf,
    key: PathBuf,
    out: PathBuf,
    log: PathBuf,
}

fn attempt(bench: &Bench, policy: &Path, more: &[&str], panic_at: Option<&str>) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kakou"));
    command.env("LC_ALL", "C");
    command.args(["run", "--policy", text(policy), "--input", text(&bench.input)]);
    command.args(["--key", text(&bench.key), "--out", text(&bench.out)]);
    command.args(["--log", text(&bench.log), "--log-level", "trace"]);
    command.args(more);
    if let Some(point) = panic_at {
        command.env("KAKOU_TEST_PANIC", point).env("RUST_BACKTRACE", "full");
    }
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", error_of(output), String::from_utf8_lossy(&output.stdout))
}

#[test]
fn no_canary_is_in_logs_messages_records_and_reports() {
    let work = tempfile::tempdir().unwrap();
    let bench = Bench {
        input: data(work.path()),
        key: new_key(work.path()),
        out: work.path().join("out"),
        log: work.path().join("log.jsonl"),
    };
    let needles = needles();
    let shipped = repo("policies/csv.toml");
    // A person of a class of one is suppressed; what matters is that the run sees the cells and does not tell.
    for more in [&[][..], &["--memory", "2M", "--threads", "2"], &["--json"]] {
        let output = attempt(&bench, &shipped, more, None);
        assert!(output.status.success(), "{}", error_of(&output));
        search("the output", &said(&output), &needles);
    }
    let mut records = 0;
    for release in common::releases(&bench.out) {
        // The canaries were really read: those in columns that stay are in the pseudonymized release.
        let stays = std::fs::read_to_string(release.join("pseudonymized/stays.csv")).unwrap();
        assert!(stays.contains("ZQROUTE7") && stays.contains("鸛科"));
        for (path, says) in shown(&release.join("record")) {
            search(&path, &says, &needles);
            records += 1;
        }
        for lang in ["ja", "en", "both"] {
            let page = work.path().join("report.html");
            let log = ["--log", text(&bench.log), "--log-level", "trace"];
            let mut arguments = vec!["report", text(&release), "--lang", lang, "--to", text(&page)];
            arguments.extend(log);
            let output = kakou(&arguments);
            assert!(output.status.success(), "{}", error_of(&output));
            search("the report", &std::fs::read_to_string(&page).unwrap(), &needles);
        }
    }
    assert!(records >= 6, "{records}");
    let log = std::fs::read_to_string(&bench.log).unwrap();
    for expected in
        ["begin", "table read", "batch", "column frozen", "column treated", "published", "end"]
    {
        assert!(log.contains(&format!("\"message\":\"{expected}\"")), "{expected} is not logged");
    }
    for line in log.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(line["timestamp"].is_string() && line["level"].is_string(), "{line}");
    }
    search("the log", &log, &needles);
}

#[test]
fn panics_and_refusals_show_no_canary() {
    let work = tempfile::tempdir().unwrap();
    let bench = Bench {
        input: data(work.path()),
        key: new_key(work.path()),
        out: work.path().join("out"),
        log: work.path().join("log.jsonl"),
    };
    let needles = needles();
    let shipped = repo("policies/csv.toml");
    if cfg!(debug_assertions) {
        for point in ["intake", "measure", "apply"] {
            for more in [&[][..], &["--memory", "2M"]] {
                let output = attempt(&bench, &shipped, more, Some(point));
                assert_eq!(output.status.code(), Some(4), "{point}: {}", error_of(&output));
                assert!(error_of(&output).contains("internal error at"), "{}", error_of(&output));
                search(point, &said(&output), &needles);
                assert!(common::releases(&bench.out).is_empty(), "{point} left a release");
            }
        }
        let log = std::fs::read_to_string(&bench.log).unwrap();
        assert!(log.contains("internal error"));
    }
    // A policy that cannot hold on these data: the refusal is logged with its code.
    let policy = work.path().join("strict.toml");
    let strict =
        std::fs::read_to_string(&shipped).unwrap().replace("at_most = 0.05", "at_most = 0.0");
    std::fs::write(&policy, strict).unwrap();
    let output = attempt(&bench, &policy, &[], None);
    assert_eq!(output.status.code(), Some(1), "{}", error_of(&output));
    search("the refusal", &said(&output), &needles);
    // A cell that is no date.
    let stays = bench.input.join("stays.csv");
    let (broken, _, _) =
        encoding_rs::SHIFT_JIS.encode("ZQ9FACIL77,0077319204,S9977319204,鸛丸,20170731\r\n");
    let bytes = std::fs::read(&stays).unwrap();
    std::fs::write(&stays, [&bytes[..], &broken[..]].concat()).unwrap();
    let output = attempt(&bench, &shipped, &[], None);
    assert_eq!(output.status.code(), Some(3), "{}", error_of(&output));
    search("the data error", &said(&output), &needles);
    let log = std::fs::read_to_string(&bench.log).unwrap();
    assert!(log.contains("\"message\":\"failed\"") && log.contains("\"code\":\"C0101\""));
    search("the log", &log, &needles);
}

#[test]
fn a_log_that_cannot_be_opened_is_said() {
    let output = kakou(&["schema", "--log", "/nowhere/log.jsonl"]);
    assert_eq!(output.status.code(), Some(4));
    assert!(error_of(&output).contains("log file"), "{}", error_of(&output));
    assert_eq!(kakou(&["schema", "--log-level", "trace"]).status.code(), Some(2));
}
