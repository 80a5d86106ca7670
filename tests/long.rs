//! A long table as one long file of a release: read again by its layout, in the order of the source, proved like its parts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::{error_of, files, kakou, new_key, records, repo, run, text};
use serde_json::Value;

fn ok(arguments: &[&str]) -> String {
    let output = kakou(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", error_of(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn fails(arguments: &[&str], code: i32) -> String {
    let output = kakou(arguments);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", error_of(&output));
    error_of(&output)
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The rows of a file of the survey; rows that are no CP932 are left out, as the policy has them set aside.
fn lines(path: &Path) -> Vec<Vec<String>> {
    let bytes = std::fs::read(path).unwrap();
    bytes
        .split(|&b| b == b'\n')
        .filter_map(|line| {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            let (text, _, bad) = encoding_rs::SHIFT_JIS.decode(line);
            (!line.is_empty() && !bad)
                .then(|| text.split('\t').map(|cell| cell.trim().to_owned()).collect())
        })
        .collect()
}

/// Synthetic hospitals whose long files are out of any order: a row may stand anywhere in its file.
fn survey(folder: &Path, patients: &str) -> PathBuf {
    let data = folder.join("data");
    let out = text(&data).to_owned();
    ok(&[
        "synth",
        "--quiet",
        "--patients",
        patients,
        "--hospitals",
        "2",
        "--layouts",
        "dpc",
        "--out",
        &out,
    ]);
    let data = data.join("dpc");
    for file in files(&data) {
        let name = file.file_name().unwrap().to_str().unwrap();
        let whole = ["FF1_", "Hn_", "Kn_", "FF4_"].iter().any(|start| name.starts_with(start));
        let bytes = std::fs::read(&file).unwrap();
        let mut rows: Vec<&[u8]> = bytes.split_inclusive(|&b| b == b'\n').collect();
        if !whole {
            // Nothing is asked of the others here: some of them will do.
            rows.truncate(300);
        }
        let mut state = 88_172_645_463_325_252_u64;
        for at in (1..rows.len()).rev() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            rows.swap(at, (state % (at as u64 + 1)) as usize);
        }
        std::fs::write(&file, rows.concat()).unwrap();
    }
    data
}

/// What the policy keeps of a row of 様式1, whoever it belongs to: code, number, and the ICD-10 code of a diagnosis.
fn told(row: &[String], code: usize) -> String {
    let icd = if row[code].starts_with("A0060") { row[code + 4].as_str() } else { "" };
    format!("{} {} {icd}", row[code], row[code + 2])
}

/// By person the rows in their order; then all persons without their names, sorted.
fn sequences(rows: impl Iterator<Item = (String, String)>) -> Vec<Vec<String>> {
    let mut by: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (who, row) in rows {
        by.entry(who).or_default().push(row);
    }
    let mut all: Vec<Vec<String>> = by.into_values().collect();
    all.sort();
    all
}

/// The sequences of the source, read from its files in the order of their names.
fn source(
    data: &Path,
    prefix: &str,
    person: usize,
    code: usize,
    kept: &[&str],
) -> Vec<Vec<String>> {
    let rows = files(data)
        .into_iter()
        .filter(|f| f.file_name().unwrap().to_str().unwrap().starts_with(prefix))
        .flat_map(|f| lines(&f))
        .filter(|row| kept.contains(&row[code].as_str()))
        .map(|row| (format!("{} {:0>10}", row[0], row[person]), told(&row, code)));
    sequences(rows)
}

const FF1: [&str; 11] = [
    "A000010", "A000020", "A000030", "A000070", "A001010", "A001020", "A006010", "A006030",
    "A006040", "A006050", "A007010",
];

const CHILD: &str = r#"
[person]
same = []
[anonymized]
suppress = { unit = "row", at_most = 1.0 }
because = "few made-up persons"
[tables.ff1]
long = { pseudonymized = { form = "layout" }, anonymized = { form = "table" } }
[tables.ff1.columns]
"入院符号" = { pseudonymized = "drop" }
"コード" = { anonymized = "keep" }
[tables.h]
long = { pseudonymized = { form = "layout" } }
[tables.h.columns]
"入院符号" = { pseudonymized = "drop" }
"#;

fn child(folder: &Path, name: &str, more: &str) -> PathBuf {
    let path = folder.join(name);
    let base = repo("policies/dpc-hub.toml");
    std::fs::write(&path, format!("extends = {:?}\n{more}", text(&base))).unwrap();
    path
}

#[test]
fn form_one_is_one_long_file_again_in_the_order_of_its_source() {
    let work = tempfile::tempdir().unwrap();
    let data = survey(work.path(), "160");
    // With 1 MiB of memory this is several partitions (eight bytes of memory a byte of text).
    let bytes: u64 = files(&data).iter().map(|f| std::fs::metadata(f).unwrap().len()).sum();
    assert!(bytes * 8 > 2 << 20, "{bytes}");
    let policy = child(work.path(), "long.toml", CHILD);
    let key = new_key(work.path());
    let release =
        |out: &str, more: &[&str]| run(&policy, &data, &key, &work.path().join(out), more);
    let one = release("one", &["--threads", "1"]);
    let two = release("two", &["--threads", "2"]);
    let small = release("small", &["--threads", "2", "--memory", "1M"]);

    // The same bytes however it was run, though the source stands in no order.
    for name in ["ff1.txt", "h.txt", "ef_in.csv"] {
        let bytes =
            |release: &Path| std::fs::read(release.join("pseudonymized").join(name)).unwrap();
        assert!(bytes(&one).len() > 1000);
        assert!(bytes(&one) == bytes(&two) && bytes(&one) == bytes(&small), "{name}");
    }
    assert!(!one.join("pseudonymized/ff1_a000010.csv").exists());

    // It is a file of its layout: every column, no header, and the reader takes it.
    for (name, layout, width) in [("ff1.txt", "dpc/ff1@2025", 17), ("h.txt", "dpc/h@2025", 29)] {
        let path = one.join("pseudonymized").join(name);
        let said = ok(&["layout", "check", text(&path), "--layout", layout]);
        let rows = lines(&path);
        assert!(said.contains(&format!("{layout}: fits ({} rows)", rows.len())), "{said}");
        assert!(rows.iter().all(|row| row.len() == width));
    }

    // Person by person the rows of the source, in its order: both read here, by nothing of the program.
    let released = |rows: Vec<Vec<String>>, person: usize, code: usize| {
        let tokens: Vec<String> = rows.iter().map(|row| row[person].clone()).collect();
        assert!(tokens.windows(2).all(|w| w[0] <= w[1]) && tokens.iter().all(|t| t.len() == 26));
        sequences(rows.iter().map(|row| (row[person].clone(), told(row, code))))
    };
    let before = source(&data, "FF1_", 1, 5, &FF1);
    let after = released(lines(&one.join("pseudonymized/ff1.txt")), 1, 5);
    assert!(before.len() > 100 && before.iter().any(|rows| rows.len() > 15));
    assert!(before == after);
    // The order of the source is none that a reader could make up.
    let sorted: Vec<Vec<String>> = before
        .iter()
        .map(|rows| {
            let mut rows = rows.clone();
            rows.sort();
            rows
        })
        .collect();
    assert!(before.iter().zip(&sorted).filter(|(a, b)| a == b).count() * 2 < before.len());
    let before = source(&data, "Hn_", 2, 6, &["ASS0013", "ASS0021"]);
    let after = released(lines(&one.join("pseudonymized/h.txt")), 2, 6);
    assert!(before.len() > 20 && before == after);

    // Dates are those of the layout, also where a treatment shortened them.
    let births: BTreeSet<String> = lines(&one.join("pseudonymized/ff1.txt"))
        .into_iter()
        .filter(|row| row[5] == "A000010")
        .map(|row| row[8].clone())
        .collect();
    assert!(births.len() > 20);
    for birth in births.iter().filter(|b| !b.is_empty()) {
        assert!(birth.len() == 8 && birth.bytes().all(|b| b.is_ascii_digit()));
        assert!(birth.ends_with("00") || birth.as_str() == "99999999");
    }

    // The anonymized file: by content within a stay, and every view recounted from it.
    let (header, rows) = records(&one.join("anonymized/ff1.csv"));
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    let (person, stay, code) = (at("データ識別番号"), at("入院符号"), at("コード"));
    assert!(rows.len() > 500);
    let rank = |row: &[String]| FF1.iter().position(|c| *c == row[code]).unwrap();
    for pair in rows.windows(2) {
        let [a, b] = [&pair[0], &pair[1]].map(|r| (&r[person], &r[stay], rank(r)));
        assert!(a <= b);
    }
    for release in [&one, &two, &small] {
        ok(&["verify", "--quiet", text(release)]);
    }
    let record = json(&one.join("record/statement.json"));
    let table = |name: &str| {
        record["tables"].as_array().unwrap().iter().find(|t| t["table"] == name).unwrap().clone()
    };
    let mut written = 0;
    for code in FF1 {
        let told = &table(&format!("ff1_{}", code.to_lowercase()))["releases"];
        assert_eq!(told["pseudonymized"]["file"], "pseudonymized/ff1.txt");
        assert_eq!(told["pseudonymized"]["long"]["order"], "source");
        assert_eq!(told["anonymized"]["long"]["order"], "content");
        let mine = rows.iter().filter(|r| r[code_at(&header)] == code);
        let persons: BTreeSet<&String> = mine.clone().map(|r| &r[person]).collect();
        assert_eq!(told["anonymized"]["rowsOut"], mine.count());
        assert_eq!(told["anonymized"]["persons"], persons.len());
        written += told["anonymized"]["rowsOut"].as_u64().unwrap();
    }
    assert_eq!(written, rows.len() as u64);
    assert!(record["views"][0]["recounted"]["holds"].as_bool().unwrap());
    assert!(record["views"][0]["recounted"]["classes"].as_u64().unwrap() > 1);
    // k counted here, from the file alone: who shares the quasi-identifiers of A000010.
    let quasi = [at("ペイロード1"), at("ペイロード2"), at("ペイロード3"), at("入院年月日")];
    let mut classes: BTreeMap<Vec<&String>, BTreeSet<&String>> = BTreeMap::new();
    for row in rows.iter().filter(|r| r[code] == "A000010") {
        classes.entry(quasi.map(|q| &row[q]).to_vec()).or_default().insert(&row[person]);
    }
    assert!(classes.len() > 1 && classes.values().all(|persons| persons.len() >= 10));

    // The dictionary says which rows are whose.
    let book = json(&one.join("pseudonymized/dictionary.json"));
    let of =
        book["tables"].as_array().unwrap().iter().find(|t| t["table"] == "ff1_a000010").unwrap();
    assert_eq!(of["file"], "ff1.txt");
    assert_eq!(of["rowsOf"]["コード"][0], "A000010");
    assert_eq!(of["separator"], "\t");
    let birth =
        of["columns"].as_array().unwrap().iter().find(|c| c["name"] == "ペイロード1").unwrap();
    assert_eq!(birth["label"], "生年月日");

    // Made again, reported, and a flipped byte is found.
    let again = ok(&[
        "replay",
        text(&small),
        "--policy",
        text(&policy),
        "--input",
        text(&data),
        "--key",
        text(&key),
    ]);
    assert!(again.contains("the same bytes"), "{again}");
    let page = work.path().join("page.html");
    ok(&["report", text(&one), "--to", text(&page)]);
    assert!(std::fs::read_to_string(&page).unwrap().contains("ff1_a000010"));
    for file in ["pseudonymized/ff1.txt", "anonymized/ff1.csv"] {
        let path = one.join(file);
        let bytes = std::fs::read(&path).unwrap();
        let mut flipped = bytes.clone();
        let middle = bytes.len() / 2;
        flipped[middle] ^= 1;
        std::fs::write(&path, flipped).unwrap();
        let said = fails(&["verify", text(&one)], 1);
        assert!(said.contains(file), "{said}");
        std::fs::write(&path, bytes).unwrap();
    }
    ok(&["verify", "--quiet", text(&one)]);
}

fn code_at(header: &[String]) -> usize {
    header.iter().position(|h| h == "コード").unwrap()
}

/// Small files, and a policy that may be approved: header, order, a stay in two files, the same row twice.
const SMALL: &str = r#"
[policy]
id = "t"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
tier = "controlled"
[not_applicable]
"18-2" = "none"
"33-2" = "none"
"33-3" = "none"
[[anonymized.view]]
name = "stay"
grain = "ff1.A000010"
quasi = ["ff1.A000010.生年月日", "ff1.A000010.性別"]
[tables.ff1]
layout = "dpc/ff1@2026"
unlisted = "drop"
source = { path = "FF1_*.txt" }
long = { pseudonymized = { }, anonymized = { order = "source", reason = "作った表" } }
[tables.ff1.columns]
"データ識別番号" = { pseudonymized = "pseudonym", anonymized = "surrogate" }
"入院符号" = { pseudonymized = "pseudonym", anonymized = "surrogate" }
"コード" = { pseudonymized = "keep", anonymized = "keep" }
"連番" = { pseudonymized = "keep", anonymized = "keep" }
[[tables.ff1.when]]
match = { "コード" = "A000010" }
columns."生年月日" = { pseudonymized = { truncate_date = "month" }, anonymized = { truncate_date = "year" } }
columns."性別" = { pseudonymized = "keep", anonymized = "keep" }
[[tables.ff1.when]]
match = { "コード" = "A006040" }
as = "diagnoses"
columns."ペイロード2" = { pseudonymized = "keep", anonymized = { rare = 5 } }
[[tables.ff1.when]]
match = { "コード" = "A006050" }
columns."ペイロード2" = { pseudonymized = "keep", anonymized = { rare = 5 } }
"#;

fn small(folder: &Path) {
    for file in ["a", "b"] {
        let mut rows = String::new();
        for turn in 0..3 {
            for p in 1..=40 {
                let mut row = |code: &str, no: &str, payload: &str| {
                    rows.push_str(&format!(
                        "131234567\t{p:010}\t202604{:02}\t0\t0\t{code}\t20260601\t{no}\t{payload}\r\n",
                        p % 28 + 1
                    ));
                };
                if file == "b" && turn == 1 {
                    row("A000010", "1", &format!("19{:02}0210\t1\t\t\t\t\t\t\t", 50 + p % 2));
                }
                // The second turn has the row of the first again.
                let icd = if turn == 2 { "\tE119" } else { "\tI10" };
                let code = if (p + turn) % 2 == 0 { "A006040" } else { "A006050" };
                row(code, &(turn % 2).to_string(), &format!("{icd}\t\t\t\t\t\t\t"));
            }
        }
        std::fs::write(folder.join(format!("FF1_{file}.txt")), rows).unwrap();
    }
}

#[test]
fn a_long_table_is_a_table_with_a_header_and_goes_through_the_whole_record() {
    let work = tempfile::tempdir().unwrap();
    let path = |name: &str| work.path().join(name);
    let p = |name: &str| text(&path(name)).to_owned();
    std::fs::create_dir(path("data")).unwrap();
    small(&path("data"));
    std::fs::write(path("policy.toml"), SMALL).unwrap();
    let key = new_key(work.path());
    for who in ["runner", "board"] {
        ok(&["key", "new", "--signing", &p(&format!("{who}.key"))]);
        let public = ok(&["key", "public", &p(&format!("{who}.key"))]);
        std::fs::write(path(&format!("{who}.pub")), public).unwrap();
    }
    let (runner, board, ledger, approved) =
        (p("runner.key"), p("board.key"), p("ledger"), p("approved"));
    ok(&["ledger", "init", &ledger, "--name", "test.example/kakou", "--sign", &runner]);
    ok(&["ledger", "trust", &ledger, "--public-key", &p("board.pub"), "--sign", &runner]);
    ok(&[
        "policy",
        "approve",
        &p("policy.toml"),
        "--approved",
        &approved,
        "--sign",
        &board,
        "--by",
        "審査会",
        "--reference",
        "1",
    ]);
    let signed = ["--sign", &runner, "--ledger", &ledger, "--approved", &approved];
    let release = run(&path("policy.toml"), &path("data"), &key, &path("out"), &signed);

    let before = source(&path("data"), "FF1_", 1, 5, &["A000010", "A006040", "A006050"]);
    assert!(before.len() == 40 && before.iter().all(|rows| rows.len() == 7));
    for kind in ["pseudonymized", "anonymized"] {
        let (header, rows) = records(&release.join(kind).join("ff1.csv"));
        let wanted = ["データ識別番号", "コード", "連番", "ペイロード1", "ペイロード2", "入院符号"];
        assert_eq!(header, wanted, "{kind}");
        let cells = |row: &[String]| {
            let icd = if row[1] == "A000010" { "" } else { &row[4] };
            (row[0].clone(), format!("{} {} {icd}", row[1], row[2]))
        };
        assert_eq!(sequences(rows.iter().map(|r| cells(r))), before, "{kind}");
        // 生年月日 in its own rows, nothing in the others.
        assert!(rows.iter().all(|r| (r[1] == "A000010") != r[3].is_empty()));
    }

    // From the run to the recipient.
    let keys = ["--public-key", &p("runner.pub"), "--public-key", &p("board.pub")];
    let at = text(&release);
    ok(&[&["verify", at, "--attest", "--sign", &board][..], &keys].concat());
    ok(&["approve", at, "--by", "次長", "--ledger", &ledger, "--sign", &board]);
    ok(&["seal", at, "--ledger", &ledger, "--sign", &runner]);
    ok(&[
        "package",
        at,
        "--kind",
        "anonymized",
        "--for",
        "創薬研究株式会社",
        "--address",
        "東京都千代田区一番町",
        "--recipient",
        "handler",
        "--contract",
        "C-12",
        "--out",
        &p("transfer"),
        "--ledger",
        &ledger,
        "--sign",
        &runner,
    ]);
    assert!(path("transfer/anonymized/ff1.csv").is_file());
    let beside = |name: &str| {
        let folder = path(name);
        std::fs::create_dir_all(folder.join("record")).unwrap();
        std::fs::create_dir_all(folder.join("pseudonymized")).unwrap();
        for file in files(&release.join("pseudonymized")) {
            let to = folder.join("pseudonymized").join(file.file_name().unwrap());
            std::fs::copy(&file, to).unwrap();
        }
        let envelope = "record/pseudonymized.dsse.json";
        std::fs::copy(release.join(envelope), folder.join(envelope)).unwrap();
        text(&folder).to_owned()
    };
    ok(&["verify", &beside("alone"), "--public-key", &p("runner.pub")]);
    let output =
        ["replay", at, "--policy", &p("policy.toml"), "--input", &p("data"), "--key", text(&key)];
    assert!(ok(&output).contains("same bytes"));

    // The same as Parquet: every column is text, and it is proved as well.
    let parquet =
        SMALL.replace("[pseudonymized]\n", "[output]\nformat = \"parquet\"\n[pseudonymized]\n");
    std::fs::write(path("parquet.toml"), parquet).unwrap();
    let release = run(&path("parquet.toml"), &path("data"), &key, &path("columns"), &[]);
    assert!(release.join("anonymized/ff1.parquet").is_file());
    ok(&["verify", "--quiet", text(&release)]);
}
