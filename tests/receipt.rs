//! Receipt files (UKE): the published sample, files with every defect, and folding back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::{self, error_of, files, fixture, kakou, new_key, records, repo, run, text};
use kakou::error::{Name, Result};
use kakou::formats::{self, ColumnSpec, FileFacts, ReadSpec, uke};
use kakou::frame::{Column, Table};
use kakou::policy::model::{Defect, Encoding, InputFormat, Output};

fn sample() -> PathBuf {
    fixture("uke").join("RECEIPTC_GAIRAI_SAMPLE.UKE")
}

fn columns(names: &[String]) -> Vec<ColumnSpec> {
    names.iter().map(|n| ColumnSpec::text(Name::from_policy(n.clone()))).collect()
}

struct Read {
    table: Table,
    lines: Vec<u64>,
    facts: FileFacts,
}

fn read_with(
    path: &Path,
    record: &str,
    names: &[String],
    set_aside: &[Defect],
    ignore: &[String],
    batch: usize,
) -> Result<Read> {
    let columns = columns(names);
    let table = Name::fixed("t");
    let spec = ReadSpec {
        encoding: Encoding::Cp932,
        header: false,
        set_aside,
        record: Some(record),
        ignore,
        ..ReadSpec::new(&table, InputFormat::Uke, &columns)
    };
    let mut reader = formats::open(path, &spec)?;
    let mut parts = Vec::new();
    let mut lines = Vec::new();
    while let Some(batch) = reader.next(batch)? {
        parts.push(batch.table);
        lines.extend(batch.row_numbers);
    }
    let rows = parts.iter().map(|p| p.rows).sum();
    let columns = (0..names.len())
        .map(|c| Column::concat(&parts.iter().map(|p| &p.columns[c]).collect::<Vec<_>>()))
        .collect();
    Ok(Read { table: Table { rows, columns }, lines, facts: reader.facts() })
}

/// The fields of a record type with what ties and dates its rows.
fn all_names(record: &str) -> Vec<String> {
    let (form, kind) = record.split_once('/').unwrap_or(("ika", record));
    let form = uke::form(form).unwrap();
    let layout = &form.records[kind];
    let mut names = layout.columns.clone();
    if kind != "GO" && !form.begins_with(kind) {
        names.push(uke::SEQUENCE.to_owned());
        if kind != "RE" {
            names.push("RE.レセプト番号".to_owned());
        }
    }
    if layout.days {
        names.extend([uke::DAY.to_owned(), uke::TIMES.to_owned()]);
    }
    names
}

fn read(path: &Path, record: &str) -> Result<Read> {
    read_with(path, record, &all_names(record), &[], &[], 50)
}

fn tables(path: &Path, form: &str) -> Vec<uke::Records> {
    let names: Vec<&String> = uke::form(form).unwrap().records.keys().collect();
    names
        .into_iter()
        .map(|kind| uke::Records {
            kind: kind.clone(),
            names: all_names(&format!("{form}/{kind}")),
            table: read(path, &format!("{form}/{kind}")).unwrap().table,
        })
        .collect()
}

fn fold(form: &str, tables: &[uke::Records]) -> Vec<u8> {
    uke::fold(uke::form(form).unwrap(), tables, &Output::default()).unwrap().0
}

#[test]
fn acceptance_6_the_sample_has_its_records() {
    let path = sample();
    let mut all = 0;
    for (kind, count) in [
        ("IR", 1),
        ("RE", 75),
        ("HO", 69),
        ("KO", 71),
        ("SN", 2),
        ("SY", 9),
        ("SI", 320),
        ("IY", 32),
        ("CO", 56),
        ("TO", 0),
        ("SJ", 0),
        ("GO", 1),
    ] {
        let read = read(&path, kind).unwrap();
        let mut lines = read.lines.clone();
        lines.dedup();
        assert_eq!(lines.len(), count, "{kind}");
        assert_eq!(read.facts.rows_read as usize, read.table.rows);
        assert_eq!(read.facts.bytes, std::fs::metadata(&path).unwrap().len());
        all += count;
    }
    assert_eq!(all, 636);
    // Ten lines have two days.
    let (si, iy) = (read(&path, "SI").unwrap(), read(&path, "IY").unwrap());
    assert_eq!(si.table.rows + iy.table.rows, 320 + 32 + 10);
}

#[test]
fn acceptance_6_the_identity_policy_rewrites_the_sample_byte_for_byte() {
    let path = sample();
    assert!(fold("ika", &tables(&path, "ika")) == std::fs::read(&path).unwrap());
}

const NEW: &str = "IR,1,14,1,1234567,,テスト病院,202405,00,0451234567\r\n\
RE,1,1111,202404,加工　太郎,1,19500403,,20240401,,,,,0000123456,,,,,,,,,,,,,,,,,,,,,,,カコウタロウ,\r\n\
HO,06140012,１２３,４５６,2,900,,,,,,,,,\r\n\
SY,2500013,20240401,1,,,01,\r\n\
SI,11,1,111000110,,288,3,,,,,,,1,,,,,,,,,,,,,,,,,,,,,,,,,,,,1,1,\r\n\
CO,11,1,810000001,様子を見る\r\n\
SI,12,1,112007410,,73,1,,,,,,,,,1,,,,,,,,,,,,,,,,,,,,,,,,,,,,\r\n\
GO,1,900,99\r\n";

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("RECEIPTC.UKE");
    let (bytes, _, bad) = encoding_rs::SHIFT_JIS.encode(text);
    assert!(!bad);
    std::fs::write(&path, bytes).unwrap();
    (folder, path)
}

fn texts(read: &Read, names: &[String], name: &str) -> Vec<Option<String>> {
    let at = names.iter().position(|n| n == name).unwrap();
    read.table.columns[at].cells().map(|c| c.map(str::to_owned)).collect()
}

#[test]
fn days_become_dates_in_both_eras_of_files() {
    let old = NEW.replace("202405", "50605").replace("202404,", "50604,");
    for (text, dates) in [
        (NEW, ["20240401", "20240429", "20240430", "20240403"]),
        (&old, ["5060401", "5060429", "5060430", "5060403"]),
    ] {
        let (_folder, path) = file(text);
        let names = all_names("SI");
        let read = read(&path, "SI").unwrap();
        let days: Vec<String> = texts(&read, &names, uke::DAY).into_iter().flatten().collect();
        assert_eq!(days, dates);
        assert_eq!(read.lines, [5, 5, 5, 7]);
        assert_eq!(fold("ika", &tables(&path, "ika")), std::fs::read(&path).unwrap());
    }
    // A day that the month does not have.
    let (_folder, path) = file(&NEW.replace("202404,", "202402,"));
    let error = read(&path, "SI").err().unwrap().to_string();
    assert!(error.contains("line 5") && error.contains("D0318"), "{error}");
}

#[test]
fn rows_know_their_person() {
    let (_folder, path) = file(NEW);
    let mut names = all_names("SI");
    names.extend(
        ["RE.カルテ番号等", "IR.医療機関コード", "HO.保険者番号", "RE.氏名"].map(str::to_owned),
    );
    let read = read_with(&path, "SI", &names, &[], &[], 1).unwrap();
    for (name, value) in [
        ("RE.カルテ番号等", "0000123456"),
        ("IR.医療機関コード", "1234567"),
        ("HO.保険者番号", "06140012"),
        ("RE.氏名", "加工　太郎"),
    ] {
        assert!(texts(&read, &names, name).iter().all(|c| c.as_deref() == Some(value)), "{name}");
    }
    names.push("RE.体重".to_owned());
    let error = read_with(&path, "SI", &names, &[], &[], 1).err().unwrap().to_string();
    assert!(error.contains("RE.体重"), "{error}");
    names.pop();
    names.remove(3);
    let error = read_with(&path, "SI", &names, &[], &[], 1).err().unwrap().to_string();
    assert!(error.contains("数量データ"), "{error}");
}

#[test]
fn moved_days_fold_into_one_receipt_a_month() {
    let (_folder, path) = file(NEW);
    let mut tables = tables(&path, "ika");
    // Every date three days later: the 29th and 30th of April are in May then.
    for records in &mut tables {
        let Some(at) = records.names.iter().position(|n| n == uke::DAY) else { continue };
        let moved: Vec<Option<String>> = records.table.columns[at]
            .cells()
            .map(|c| {
                c.map(|text| {
                    let when = kakou::text::date::parse(text).unwrap();
                    when.written_as(when.days().unwrap() + 3).unwrap()
                })
            })
            .collect();
        records.table.columns[at] = Column::from_texts(moved);
    }
    let bytes = fold("ika", &tables);
    let text = encoding_rs::SHIFT_JIS.decode(&bytes).0.into_owned();
    let lines: Vec<&str> = text.lines().collect();
    let of = |kind: &str| lines.iter().filter(|l| l.starts_with(kind)).copied().collect::<Vec<_>>();
    assert_eq!(of("RE").len(), 2);
    assert!(
        of("RE")[0].starts_with("RE,1,1111,202404,")
            && of("RE")[1].starts_with("RE,2,1111,202405,")
    );
    assert_eq!(
        of("HO"),
        ["HO,06140012,１２３,４５６,2,900,,,,,,,,,", "HO,06140012,１２３,４５６,,,,,,,,,,,"]
    );
    assert_eq!((of("SI").len(), of("CO").len(), of("SY").len()), (3, 1, 2));
    // The same days again, and every line as wide as before.
    let again = tempfile::tempdir().unwrap();
    let path = again.path().join("R.UKE");
    std::fs::write(&path, &bytes).unwrap();
    let names = all_names("SI");
    let mut days: Vec<String> =
        texts(&read(&path, "SI").unwrap(), &names, uke::DAY).into_iter().flatten().collect();
    days.sort();
    assert_eq!(days, ["20240404", "20240406", "20240502", "20240503"]);
    assert_eq!(bytes, fold("ika", &self::tables(&path, "ika")));
}

#[test]
fn defects_are_refused_with_their_line() {
    let sj = "SJ,01,加工太郎の症状\r\n";
    for (text, code, line) in [
        (NEW.replace("CO,11", "XX,11"), "D0314", "line 6"),
        (NEW.replace("GO,1,900,99\r\n", ""), "D0315", "line 7"),
        (NEW.replace("RE,1", "SY,1"), "D0317", "line 2"),
        (format!("{NEW}{sj}"), "D0316", "line 9"),
        (NEW.replace("CO,11", "\r\nCO,11"), "D0312", "line 6"),
        (NEW[NEW.find("RE").unwrap()..].to_owned(), "D0311", "line 1"),
        (NEW.replace("0,99\r", "0,99\r\r"), "D0313", "line 8"),
        (NEW.replace("1,1,\r\n", "1,1,,,\r\n"), "D0101", "line 5"),
    ] {
        let (_folder, path) = file(&text);
        let error = read(&path, "SI").err().unwrap_or_else(|| panic!("{code}")).to_string();
        assert!(error.contains(code) && error.contains(line), "{code} {line}: {error}");
        assert!(!error.contains("加工") && !error.contains("XX"), "{error}");
    }
    // What the policy names is left unread or set aside.
    let (_folder, path) = file(&NEW.replace("CO,11", "XX,11"));
    let names = all_names("SI");
    let read = read_with(&path, "SI", &names, &[], &["XX".to_owned()], 9).unwrap();
    assert_eq!(read.table.rows, 4);
    let (_folder, path) = file(&NEW.replace("1,1,\r\n", "1,1,,,\r\n"));
    let read = read_with(&path, "SI", &names, &[Defect::Ragged], &[], 9).unwrap();
    assert_eq!((read.table.rows, read.facts.set_aside[&Defect::Ragged]), (1, 1));
    // The end mark of media and fewer fields are in order.
    let (_folder, path) =
        file(&format!("{}\u{1a}", NEW.replace(",カコウタロウ,", ",カコウタロウ")));
    assert_eq!(self::read(&path, "RE").unwrap().table.rows, 1);
}

#[test]
fn undecodable_bytes_are_refused_or_set_aside() {
    let (_folder, path) = file(NEW);
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(4).position(|w| w == b"2500").unwrap();
    bytes[at] = 0xff;
    std::fs::write(&path, bytes).unwrap();
    let error = read(&path, "SY").err().unwrap().to_string();
    assert!(error.contains("D0103") && error.contains("line 4"), "{error}");
    let read = read_with(&path, "SY", &all_names("SY"), &[Defect::Bytes], &[], 9).unwrap();
    assert_eq!((read.table.rows, read.facts.set_aside[&Defect::Bytes]), (0, 1));
}

const DPC: &str = "IR,1,14,1,1234567,,,202405,00,\r\nRE,1,1111,202404,加工　花子,2,19700101\r\nBU,040080x199x0xx,20240401,20240412,1,\r\n\
SB,8830052,,,J189,11,,\r\nKK,0,0,1,,0,54,,0,,,,,\r\nCD,20240401,21,1,1,620000001,1,,,1,\r\nGO,1,100,99\r\n";
const PHARMACY: &str = "YK,1,14,4,7654321,薬局,202405,00,\r\nRE,1,4111,202404,加工　花子,2,19700101\r\nSH,1,1,001,,10\r\n\
CZ,1,20240401,20240402,1,7\r\nIY,1,620000001,3\r\nCO,810000001,様子を見る\r\nKI,20240402,1,1,410000110,42\r\nGO,1,100,99\r\n";
const DENTAL: &str = "UK,1,14,3,3334567,,歯科医院,202405,,00\r\nIR,1,14,3,3334567,,202405,,\r\n\
RE,1,3112,202404,加工　歯子,2,19700101,,,20240401,,,,,,0000777,,,,,,,,,,カコウハコ,\r\n\
HO,06140012,１２３,４５６,2,900,,,,,,,,\r\nHS,,,1011000,5234009,,,,,,,,\r\n\
SS,11,1,301000110,,@,261,1,,,,1,,,,,,,,,,,,,,,,,,,,,,,,,,,\r\nGO,1,900,99\r\n";
const VISITS: &str = "HM,2,14,6,4444567,訪問看護,202405,\r\nRE,1,6112,202404,加工　訪子,カコウホウコ,2,19700101,,,,,,0000888,\r\n\
HO,06140012,１２３,４５６,2,9000,,,,,,\r\nIH,14,1,7654321,医院,加工　医師,\r\nJS,落ち着いている,03,,,\r\n\
KA,20240402,1,510000110,,5550,03,,\r\nGO\r\n";

fn dental() -> String {
    DENTAL.replace('@', &",".repeat(70))
}

#[test]
fn dpc_and_pharmacy_receipts_have_records_of_their_own() {
    let (_folder, path) = file(DPC);
    for kind in ["dpc/BU", "dpc/SB", "dpc/KK", "dpc/CD"] {
        assert_eq!(read(&path, kind).unwrap().table.rows, 1, "{kind}");
    }
    // The wrong form stops at the first record that it does not have.
    let error = read(&path, "SI").err().unwrap().to_string();
    assert!(error.contains("line 3"), "{error}");
    let (_folder, path) = file(PHARMACY);
    for kind in ["chozai/SH", "chozai/CZ", "chozai/IY", "chozai/KI", "chozai/CO"] {
        assert_eq!(read(&path, kind).unwrap().table.rows, 1, "{kind}");
    }
    assert!(read(&path, "SI").err().unwrap().to_string().contains("D0314"));
}

#[test]
fn dental_receipts_and_those_of_visiting_nurses_are_read() {
    let (_folder, path) = file(&dental());
    for kind in ["shika/UK", "shika/IR", "shika/RE", "shika/HO", "shika/HS", "shika/SS", "shika/GO"]
    {
        assert_eq!(read(&path, kind).unwrap().table.rows, 1, "{kind}");
    }
    let cell = |path: &Path, record: &str, name: &str| {
        texts(&read(path, record).unwrap(), &all_names(record), name)[0].clone()
    };
    for (record, name, wanted) in [
        ("shika/UK", "医療機関名称", "歯科医院"),
        ("shika/RE", "氏名", "加工　歯子"),
        ("shika/RE", "生年月日", "19700101"),
        ("shika/RE", "カルテ番号等", "0000777"),
        ("shika/RE", "カタカナ氏名", "カコウハコ"),
        ("shika/HO", "被保険者証等の番号", "４５６"),
        ("shika/SS", "点数", "261"),
        ("shika/SS", uke::DAY, "20240404"),
    ] {
        assert_eq!(cell(&path, record, name).as_deref(), Some(wanted), "{record} {name}");
    }
    let (_other, visits) = file(VISITS);
    for (record, name, wanted) in [
        ("homon/RE", "氏名", "加工　訪子"),
        ("homon/RE", "カタカナ氏名", "カコウホウコ"),
        ("homon/RE", "生年月日", "19700101"),
        ("homon/RE", "訪問看護記録番号等", "0000888"),
        ("homon/IH", "主治医氏名", "加工　医師"),
        ("homon/JS", "心身の状態", "落ち着いている"),
        ("homon/KA", "算定年月日", "20240402"),
    ] {
        assert_eq!(cell(&visits, record, name).as_deref(), Some(wanted), "{record} {name}");
    }
    // Back to the files that they were.
    for (form, path) in [("shika", &path), ("homon", &visits)] {
        let back = fold(form, &tables(path, form));
        let text = encoding_rs::SHIFT_JIS.decode(&back).0.into_owned();
        let first = if form == "shika" { dental() } else { VISITS.to_owned() };
        assert_eq!(text.lines().count(), first.lines().count(), "{text}");
        assert!(text.lines().zip(first.lines()).all(|(a, b)| a.starts_with(b)), "{text}");
    }
    // The wrong form is told which one it is.
    for (path, form) in
        [(&path, "歯科 (record = \"shika/...\")"), (&visits, "訪問看護 (record = \"homon/...\")")]
    {
        let said = read(path, "SI").err().unwrap().advice.unwrap().to_string();
        assert!(said.contains(form), "{said}");
    }
}

#[test]
fn totals_are_counted_where_none_are_given() {
    let (_folder, path) = file(NEW);
    let tables: Vec<uke::Records> = tables(&path, "ika")
        .into_iter()
        .filter(|t| !["IR", "GO"].contains(&t.kind.as_str()))
        .collect();
    let text = encoding_rs::SHIFT_JIS.decode(&fold("ika", &tables)).0.into_owned();
    assert!(text.starts_with("IR,,,,,,,,,\r\n") && text.ends_with("GO,1,900,99\r\n"), "{text}");
    let kinds: BTreeMap<&str, usize> = text.lines().fold(BTreeMap::new(), |mut all, l| {
        *all.entry(&l[..2]).or_default() += 1;
        all
    });
    assert_eq!(kinds["SI"], 2);
}

/// The sample is small (75 persons): coarser ages than the shipped policy's, and the columns of few persons left out.
const SAMPLE: &str = r#"
extends = "receipt.toml"
[policy]
id = "receipt-sample"
version = "1"
profile = "ngmia"
[anonymized]
tier = "controlled"
suppress = { unit = "row", at_most = 0.3 }
[tables.receipts.columns]
"生年月日" = { anonymized = { age_band = { at = "診療月初日", width = 30, top = 90 } } }
[tables.services.columns]
"数量データ" = { anonymized = "drop" }
"#;

/// The lines of a file as fields.
fn lines(bytes: &[u8]) -> Vec<Vec<String>> {
    let text = encoding_rs::SHIFT_JIS.decode(bytes).0.into_owned();
    text.lines().map(|l| l.split(',').map(str::to_owned).collect()).collect()
}

#[test]
fn the_shipped_policy_releases_the_sample_and_names_nobody() {
    let path = sample();
    let work = tempfile::tempdir().unwrap();
    let (policies, input) = (work.path().join("policies"), work.path().join("in"));
    for folder in [&policies, &input] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::copy(repo("policies/receipt.toml"), policies.join("receipt.toml")).unwrap();
    let policy = policies.join("sample.toml");
    std::fs::write(&policy, SAMPLE).unwrap();
    // The sample's hospital has the number 0000000, a filler.
    let mut source = std::fs::read(&path).unwrap();
    let at = source.windows(7).position(|w| w == b"0000000").unwrap();
    source[at..at + 7].copy_from_slice(b"1234567");
    std::fs::write(input.join("RECEIPTC.UKE"), &source).unwrap();
    let key = new_key(work.path());
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);
    let verified = kakou(&["verify", text(&release)]);
    assert!(verified.status.success(), "{}", error_of(&verified));

    // Names and numbers of the sample: long ones in every byte of the release, short ones in every cell.
    let source = lines(&source);
    let mut needles: BTreeSet<&str> = BTreeSet::new();
    for (kind, fields) in
        [("RE", &[4, 13, 18, 36][..]), ("HO", &[1, 2, 3]), ("KO", &[2]), ("IR", &[4, 9])]
    {
        for line in source.iter().filter(|l| l[0] == kind) {
            needles.extend(fields.iter().map(|&f| line[f].as_str()).filter(|c| !c.is_empty()));
        }
    }
    assert!(needles.len() > 150, "{}", needles.len());
    let long: Vec<&str> = needles.iter().copied().filter(|n| n.len() >= 8).collect();
    let search = aho_corasick::AhoCorasick::new(&long).unwrap();
    for (path, says) in common::shown(&release) {
        assert!(!search.is_match(&path) && !search.is_match(&says), "{path}");
    }
    for file in files(&release) {
        if file.extension().is_some_and(|e| e == "csv") {
            let (header, rows) = records(&file);
            for row in rows {
                for (name, cell) in header.iter().zip(&row) {
                    // Counts and codes of one or two digits are no numbers of persons.
                    let small = cell.chars().count() <= 3 && cell.is_ascii();
                    assert!(
                        small || !needles.contains(cell.as_str()),
                        "{name} of {}",
                        file.display()
                    );
                }
            }
        }
    }

    // Folded back, the pseudonymized release has the lines of the source with their days.
    let out = work.path().join("RECEIPTC.UKE");
    let output =
        kakou(&["fold", "--quiet", text(&release), "--policy", text(&policy), "--out", text(&out)]);
    assert!(output.status.success(), "{}", error_of(&output));
    let bytes = std::fs::read(&out).unwrap();
    let folded = lines(&bytes);
    let of = |lines: &[Vec<String>], kind: &str, fields: &[usize]| {
        let mut all: Vec<Vec<String>> = lines
            .iter()
            .filter(|l| l[0] == kind)
            .map(|l| fields.iter().map(|&f| l[f].clone()).collect())
            .collect();
        all.sort();
        all
    };
    let days: Vec<usize> = [1, 3, 4, 5, 6].into_iter().chain(13..44).collect();
    for (kind, fields) in [
        ("SI", days.as_slice()),
        ("IY", &days),
        ("SY", &[1, 2, 3, 4, 6]),
        ("HO", &[4, 5]),
        ("KO", &[4, 5]),
        ("RE", &[2, 3, 5, 11]),
    ] {
        assert_eq!(of(&folded, kind, fields), of(&source, kind, fields), "{kind}");
    }
    assert_eq!(bytes, fold_again(&out));
    // An existing file is not replaced.
    let output =
        kakou(&["fold", "--quiet", text(&release), "--policy", text(&policy), "--out", text(&out)]);
    assert!(error_of(&output).contains("X0815"), "{}", error_of(&output));
}

fn fold_again(path: &Path) -> Vec<u8> {
    fold("ika", &tables(path, "ika"))
}

#[test]
fn the_layouts_and_the_reader_have_the_same_columns() {
    for (text, of) in [
        (NEW.to_owned(), "ika"),
        (DPC.to_owned(), "dpc"),
        (PHARMACY.to_owned(), "chozai"),
        (dental(), "shika"),
        (VISITS.to_owned(), "homon"),
    ] {
        let (_folder, path) = file(&text);
        let mut seen = 0;
        for pack in kakou::schema::layout::SHIPPED {
            let Some(name) = pack.id.strip_prefix("uke/") else { continue };
            let (form, record) = match name.split_once('-') {
                Some((form, record)) => (form, format!("{form}/{}", record.to_uppercase())),
                None => ("ika", name.to_uppercase()),
            };
            if form != of {
                continue;
            }
            let pack: kakou::schema::layout::Pack = toml::from_str(pack.text).unwrap();
            let names: Vec<String> = pack.columns.list.iter().map(|c| c.name.clone()).collect();
            let read = read_with(&path, &record, &names, &[], &[], 9);
            assert!(read.is_ok(), "{name}: {}", read.err().unwrap());
            assert_eq!(pack.source["record"], record.trim_start_matches("ika/"));
            seen += 1;
        }
        assert!(seen >= 12, "{seen}");
    }
}
