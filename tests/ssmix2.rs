//! SS-MIX2 standardized storage: the generated tree of the fixtures, trees with every defect, and the columnar extract.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::{self, error_of, files, fixture, kakou, new_key, records, repo, run, text};
use kakou::error::{Name, Result};
use kakou::formats::{self, ColumnSpec, FileFacts, ReadSpec, ssmix2};
use kakou::frame::{Column, Table};
use kakou::policy::model::{Defect, InputFormat};

fn storage() -> PathBuf {
    fixture("ssmix2")
}

struct Read {
    names: Vec<&'static str>,
    table: Table,
    numbers: Vec<u64>,
    facts: FileFacts,
}

impl Read {
    fn column(&self, name: &str) -> Vec<Option<String>> {
        let at = self.names.iter().position(|n| *n == name).unwrap();
        self.table.columns[at].cells().map(|c| c.map(str::to_owned)).collect()
    }
    fn distinct(&self, name: &str) -> usize {
        let mut all: Vec<String> = self.column(name).into_iter().flatten().collect();
        all.sort();
        all.dedup();
        all.len()
    }
}

fn read_with(root: &Path, record: &str, set_aside: &[Defect], ignore: &[String]) -> Result<Read> {
    let names = ssmix2::columns(record).unwrap();
    let columns: Vec<ColumnSpec> = names.iter().map(|n| ColumnSpec::text(Name::fixed(n))).collect();
    let table = Name::fixed("t");
    let spec = ReadSpec {
        set_aside,
        record: Some(record),
        ignore,
        ..ReadSpec::new(&table, InputFormat::Ssmix2, &columns)
    };
    let mut reader = formats::open(root, &spec)?;
    let mut parts = Vec::new();
    let mut numbers = Vec::new();
    while let Some(batch) = reader.next(100)? {
        parts.push(batch.table);
        numbers.extend(batch.row_numbers);
    }
    let rows = parts.iter().map(|p| p.rows).sum();
    let columns = (0..names.len())
        .map(|c| Column::concat(&parts.iter().map(|p| &p.columns[c]).collect::<Vec<_>>()))
        .collect();
    Ok(Read { names, table: Table { rows, columns }, numbers, facts: reader.facts() })
}

fn read(root: &Path, record: &str) -> Result<Read> {
    read_with(root, record, &[], &[])
}

fn refused(root: &Path, record: &str) -> String {
    read(root, record).err().unwrap().to_string()
}

#[test]
fn acceptance_5_the_storage_has_its_segments() {
    let root = storage();
    let counts = ssmix2::segments(&root, &[]).unwrap();
    for (segment, count) in [
        ("MSH", 976),
        ("PID", 976),
        ("ORC", 940),
        ("OBX", 937),
        ("OBR", 860),
        ("SPM", 860),
        ("PRB", 41),
        ("RXE", 39),
    ] {
        assert_eq!(counts[segment], count, "{segment}");
    }
}

#[test]
fn every_segment_of_a_row_is_a_row() {
    let root = storage();
    let rows = |record: &str| read(&root, record).unwrap();
    let (person, visit) = (rows("person"), rows("visit"));
    assert_eq!((person.table.rows, person.distinct("患者ID")), (17, 17));
    // 38 outpatient visits, 20 admissions, 20 discharges, as the file names say; one PV1 each.
    assert_eq!((visit.table.rows, visit.distinct("データ種別")), (78, 3));
    assert_eq!(rows("diagnosis").table.rows, 41);
    assert_eq!(rows("prescription").table.rows, 39);
    assert_eq!(rows("injection").table.rows, 0);
    // OBX stand in results and in the basic data.
    assert_eq!(rows("laboratory").table.rows + rows("observation").table.rows, 937);
    let lab = rows("laboratory");
    assert_eq!(lab.facts.rows_read as usize, lab.table.rows);
    assert!(lab.facts.bytes > 500_000 && lab.facts.sha3_256 != [0; 32]);
    assert!(lab.numbers.windows(2).all(|w| w[0] <= w[1]));
    // What stands around a row is found from it.
    for name in ["検体種別コード", "採取日時", "依頼番号", "依頼科", "項目コード", "値"]
    {
        assert!(lab.column(name).iter().all(Option::is_some), "{name}");
    }
    let drug = rows("prescription");
    for name in ["薬剤名", "用量", "用法", "投与期間", "投与経路", "依頼日時"] {
        assert!(drug.column(name).iter().all(Option::is_some), "{name}");
    }
    for name in ["病名", "ICD10コード", "診断日", "依頼者オーダ番号"] {
        assert!(rows("diagnosis").column(name).iter().all(Option::is_some), "{name}");
    }
    for name in ["漢字氏名", "カナ氏名", "生年月日", "性別", "郵便番号", "住所", "電話番号"]
    {
        assert!(person.column(name).iter().all(Option::is_some), "{name}");
    }
    // Names are decoded, sounds are sounds.
    let kana = person.column("カナ氏名");
    assert!(
        kana.iter().flatten().all(|n| n.chars().all(|c| ('ァ'..='ー').contains(&c) || c == ' '))
    );
}

#[test]
fn the_rows_do_not_depend_on_threads() {
    let root = storage();
    let one = rayon_pool(1).install(|| read(&root, "laboratory").unwrap());
    let four = rayon_pool(4).install(|| read(&root, "laboratory").unwrap());
    assert_eq!(one.facts.sha3_256, four.facts.sha3_256);
    assert_eq!(one.numbers, four.numbers);
    for (a, b) in one.table.columns.iter().zip(&four.table.columns) {
        assert!(a.cells().eq(b.cells()));
    }
}

fn rayon_pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

/// A storage with one made-up patient.
struct Small {
    folder: tempfile::TempDir,
}

const ID: &str = "9990001234";

fn head(kind: &str, id: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|S|GW|R|20250101120000||{kind}|1|P|2.5||||||~ISO IR87||ISO 2022-1994\rPID|0001||{id}||加工^太郎^^^^^L^I~カコウ^タロウ^^^^^L^P||19700101|M\r"
    )
}

impl Small {
    fn new() -> Self {
        let small = Small { folder: tempfile::tempdir().unwrap() };
        small.put("-", "ADT-00", 1, &head("ADT^A08", ID));
        small
    }
    fn root(&self) -> &Path {
        self.folder.path()
    }
    fn place(&self, day: &str, data_type: &str, number: u32, flag: &str) -> PathBuf {
        let folder = self.root().join(&ID[..3]).join(&ID[3..6]).join(ID).join(day).join(data_type);
        std::fs::create_dir_all(&folder).unwrap();
        folder.join(format!("{ID}_{day}_{data_type}_{number:015}_20250101120000000_01_{flag}"))
    }
    fn put(&self, day: &str, data_type: &str, number: u32, message: &str) -> PathBuf {
        let path = self.place(day, data_type, number, "1");
        std::fs::write(&path, encoding_rs::ISO_2022_JP.encode(message).0).unwrap();
        path
    }
}

#[test]
fn only_active_messages_are_read() {
    let small = Small::new();
    for flag in ["0", "2"] {
        std::fs::write(small.place("-", "ADT-00", 7, flag), b"whatever").unwrap();
    }
    assert_eq!(read(small.root(), "person").unwrap().table.rows, 1);
    std::fs::write(small.place("-", "ADT-00", 7, "9"), b"whatever").unwrap();
    assert!(refused(small.root(), "person").contains("D0339"));
}

#[test]
fn groups_escapes_and_repetitions() {
    let small = Small::new();
    let lab = format!(
        "{}PV1|0001|I|7A^6^4\rSPM|1|S1||001^尿^JC10|||||||||||||202501010830\rOBR|1|A1|B1|3^生化学^JC10|||202501010800\rORC|SC|A1\r\
OBX|1|SN|3C025^尿素窒素^JC10||>^1000|mg/dL\rNTE|1||一つめ\rNTE|2||二つめ\rOBX|2|CWE|5H010^血液型^JC10||A^A型^X||||||F\r\
OBR|2|A2|B2|4^血液^JC10\rOBX|1|ST|2A990^所見^JC10||a\\F\\b\\T\\c~d\r\
SPM|2|S2||002^血液^JC10\rOBR|3|A3|B3|5^免疫^JC10\rOBX|1|NM|5C\r",
        head("OUL^R22", ID)
    );
    small.put("20250101", "OML-11", 1, &lab);
    // LF and CR LF end segments too.
    small.put("20250102", "OML-11", 1, &lab.replace('\r', "\n"));
    small.put("20250103", "OML-11", 1, &lab.replace('\r', "\r\n"));
    let read = read(small.root(), "laboratory").unwrap();
    let three = |cells: [Option<&str>; 4]| -> Vec<Option<String>> {
        cells.iter().cycle().take(12).map(|c| c.map(str::to_owned)).collect()
    };
    for (name, cells) in [
        ("検体番号", [Some("S1"), Some("S1"), Some("S1"), Some("S2")]),
        ("検体種別", [Some("尿"), Some("尿"), Some("尿"), Some("血液")]),
        ("採取日時", [Some("202501010830"), Some("202501010830"), Some("202501010830"), None]),
        ("依頼番号", [Some("A1"), Some("A1"), Some("A2"), Some("A3")]),
        ("検査区分", [Some("生化学"), Some("生化学"), Some("血液"), Some("免疫")]),
        ("項目名", [Some("尿素窒素"), Some("血液型"), Some("所見"), None]),
        ("値", [Some(">1000"), Some("A"), Some("a|b&c~d"), None]),
        ("値名称", [None, Some("A型"), None, None]),
        ("コメント", [Some("一つめ 二つめ"), None, None, None]),
        ("病棟", [Some("7A"), Some("7A"), Some("7A"), Some("7A")]),
    ] {
        assert_eq!(read.column(name), three(cells), "{name}");
    }
    assert_eq!(read.numbers, [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3]);
    // An injection: the components are the rows, the mixture is around them.
    let injection = format!(
        "{}ORC|NW|A1\rRXE||M1^混注^99|100||ML^ml\rTQ1|1||||||202501011000\rRXR|IV^静注\rRXC|B|C1^生食^HOT9|500|ML\rRXC|A|C2^薬^HOT9|1|A\r\
ORC|NW|A2\rRXE||M2^単独^99|20\r",
        head("RDE^O11", ID)
    );
    small.put("20250101", "OMP-02", 1, &injection);
    let read = self::read(small.root(), "injection").unwrap();
    let texts = |cells: [Option<&str>; 3]| -> Vec<Option<String>> {
        cells.iter().map(|c| c.map(str::to_owned)).collect()
    };
    for (name, cells) in [
        ("薬剤名", [Some("混注"), Some("混注"), Some("単独")]),
        ("成分名", [Some("生食"), Some("薬"), None]),
        ("投与経路", [Some("静注"), Some("静注"), None]),
        ("開始日時", [Some("202501011000"), Some("202501011000"), None]),
    ] {
        assert_eq!(read.column(name), texts(cells), "{name}");
    }
}

#[test]
fn defects_are_refused_without_a_name_or_number() {
    let never = |error: &str| {
        let error = common::settled(error);
        assert!(
            !error.contains(ID) && !error.contains("999/") && !error.contains("加工"),
            "{error}"
        );
        assert!(!error.contains("秘密") && !error.contains("9990009999"), "{error}");
    };
    let check = |code: &str, change: &dyn Fn(&Small)| -> String {
        let small = Small::new();
        change(&small);
        let error = refused(small.root(), "person");
        assert!(error.contains(code), "{code}: {error}");
        never(&error);
        let out = small.root().with_extension("extract");
        let error =
            kakou(&["extract", "--quiet", "ssmix2", text(small.root()), "--out", text(&out)]);
        let _ = std::fs::remove_dir_all(&out);
        let error = error_of(&error);
        assert!(error.contains(code), "{code}: {error}");
        never(&error.replace(text(small.root()), ""));
        error
    };
    let more = |small: &Small, message: &str| {
        small.put("-", "ADT-00", 2, message);
    };
    let error = check("D0343", &|s| more(s, &head("ADT^A08", "9990009999")));
    assert!(error.contains("message 2") && error.contains("sed -n 2p"), "{error}");
    check("D0342", &|s| more(s, &head("OUL^R22", ID)));
    check("D0341", &|s| more(s, "EVN|秘密"));
    check("D0340", &|s| {
        std::fs::write(s.place("-", "ADT-00", 2, "1"), head("ADT^A08", ID)).unwrap();
    });
    let error = check("D0335", &|s| {
        s.put("20250101", "OMG-01", 1, "");
    });
    assert!(error.contains("OMG-01") && error.contains("ignore"), "{error}");
    check("D0335", &|s| {
        s.put("20250101", "秘密^所見", 1, "");
    });
    check("D0334", &|s| {
        s.put("秘密", "ADT-00", 1, "");
    });
    check("D0338", &|s| {
        let place = s.place("-", "ADT-00", 2, "1");
        let name = place.file_name().unwrap().to_str().unwrap().replace(ID, "9990009999");
        std::fs::write(place.with_file_name(name), "").unwrap();
    });
    check("D0337", &|s| {
        std::fs::write(s.place("-", "ADT-00", 2, "1").with_file_name("秘密.txt"), "").unwrap();
    });
    check("D0332", &|s| std::fs::write(s.root().join("TR_20250101.DAT"), "秘密").unwrap());
    check("D0333", &|s| std::fs::create_dir_all(s.root().join("123/456/9990001234")).unwrap());
    check("D0331", &|s| {
        std::os::unix::fs::symlink("/tmp", s.root().join("999/link")).unwrap();
    });
}

#[test]
fn what_the_policy_names_is_left_unread_or_set_aside() {
    let small = Small::new();
    small.put("20250101", "OMG-01", 1, "");
    std::fs::write(small.root().join("index.db"), "").unwrap();
    std::fs::write(small.place("-", "ADT-00", 2, "1"), "MSH|^~\\&|山").unwrap();
    let ignore = ["OMG-01".to_owned(), "index.db".to_owned()];
    let read = read_with(small.root(), "person", &[Defect::Bytes], &ignore).unwrap();
    assert_eq!((read.table.rows, read.facts.rows_read), (1, 2));
    assert_eq!(read.facts.set_aside[&Defect::Bytes], 1);
    let error = read_with(small.root(), "person", &[], &["ADT-00".to_owned()]).err().unwrap();
    assert_eq!(error.code, "P0313");
}

fn contents(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    files(folder)
        .into_iter()
        .map(|p| (p.strip_prefix(folder).unwrap().to_owned(), std::fs::read(&p).unwrap()))
        .collect()
}

#[test]
fn an_extract_is_the_storage() {
    let root = storage();
    let work = tempfile::tempdir().unwrap();
    let out = work.path().join("extract");
    let output = kakou(&["--json", "extract", "ssmix2", text(&root), "--out", text(&out)]);
    assert!(output.status.success(), "{}", error_of(&output));
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((told["patients"].as_u64(), told["messages"].as_u64()), (Some(17), Some(976)));
    for record in ssmix2::names() {
        let direct = read(&root, record).unwrap();
        let path = out.join(record).join("part-000000.parquet");
        let columns: Vec<ColumnSpec> =
            direct.names.iter().map(|n| ColumnSpec::text(Name::fixed(n))).collect();
        let table = Name::fixed("t");
        let spec = ReadSpec { ..ReadSpec::new(&table, InputFormat::Parquet, &columns) };
        let mut reader = formats::open(&path, &spec).unwrap();
        let mut rows = 0;
        while let Some(batch) = reader.next(1 << 20).unwrap() {
            assert_eq!(rows, 0);
            for (a, b) in batch.table.columns.iter().zip(&direct.table.columns) {
                assert!(a.cells().eq(b.cells()), "{record}");
            }
            rows += batch.table.rows;
        }
        assert_eq!(rows, direct.table.rows, "{record}");
        assert_eq!(told["rows"][record].as_u64(), Some(rows as u64));
    }
    // Once more is nothing more; another storage is refused.
    let before = contents(&out);
    assert!(
        kakou(&["extract", "--quiet", "ssmix2", text(&root), "--out", text(&out)]).status.success()
    );
    assert!(before == contents(&out));
    let other = Small::new();
    let output = kakou(&["extract", "--quiet", "ssmix2", text(other.root()), "--out", text(&out)]);
    assert!(error_of(&output).contains("P0822"), "{}", error_of(&output));
    std::fs::create_dir(work.path().join("full")).unwrap();
    std::fs::write(work.path().join("full/x"), "").unwrap();
    let full = work.path().join("full");
    let output = kakou(&["extract", "--quiet", "ssmix2", text(&root), "--out", text(&full)]);
    assert!(error_of(&output).contains("P0820"), "{}", error_of(&output));
}

/// 1,100 patients: three pieces.
fn many(folder: &Path) {
    for number in 0..1_100 {
        let id = format!("{:010}", 1_000_000_000_u64 + number * 977);
        let place = folder.join(&id[..3]).join(&id[3..6]).join(&id).join("-/ADT-00");
        std::fs::create_dir_all(&place).unwrap();
        let name = format!("{id}_-_ADT-00_999999999999999_20250101120000000_-_1");
        let (bytes, ..) = encoding_rs::ISO_2022_JP.encode("");
        assert!(bytes.is_empty());
        let message = head("ADT^A08", &id);
        std::fs::write(place.join(name), encoding_rs::ISO_2022_JP.encode(&message).0).unwrap();
    }
}

#[test]
fn a_stopped_extract_ends_with_the_same_bytes() {
    let work = tempfile::tempdir().unwrap();
    let root = work.path().join("storage");
    many(&root);
    let whole = work.path().join("whole");
    let extracted = ssmix2::extract(&root, &whole, &[], &mut |_, _, _| Ok(())).unwrap();
    assert_eq!(
        (extracted.patients, extracted.messages, extracted.rows[0].1),
        (1_100, 1_100, 1_100)
    );
    let expected = contents(&whole);
    for stop_at in [64, 500, 501, 1_000, 1_090] {
        let out = work.path().join(format!("stopped-{stop_at}"));
        let mut stop = |done: u64, _: u64, _: u64| {
            if done >= stop_at {
                return Err(kakou::error::Error::policy("P0000", kakou::say!("stopped")));
            }
            Ok(())
        };
        assert_eq!(ssmix2::extract(&root, &out, &[], &mut stop).unwrap_err().code, "P0000");
        // A crash in the middle of the journal's line and of a piece.
        let journal = out.join("journal.jsonl");
        let mut bytes = std::fs::read(&journal).unwrap();
        bytes.extend_from_slice(b"{\"piece\":");
        std::fs::write(&journal, bytes).unwrap();
        std::fs::write(out.join("person/.part-000001.parquet"), b"half").unwrap();
        let extracted = ssmix2::extract(&root, &out, &[], &mut |_, _, _| Ok(())).unwrap();
        assert_eq!(extracted.rows[0].1, 1_100);
        assert_eq!(extracted.resumed, (stop_at - 1) / 500);
        assert!(contents(&out) == expected, "{stop_at}");
    }
}

/// The storage of the fixtures has 17 persons: coarser than the shipped policy.
const SAMPLE: &str = r#"
extends = "ssmix2.toml"
[policy]
id = "ssmix2-sample"
version = "1"
profile = "ngmia"
[anonymized]
tier = "controlled"
suppress = { unit = "person", at_most = 0.6 }
because = "seventeen made-up persons"
[tables.person.columns]
"生年月日" = { anonymized = { age_band = { at = "visit.来院日時", width = 90, top = 90 } } }
"郵便番号" = { anonymized = "drop" }
[tables.visit.columns]
"来院日時" = { anonymized = "drop" }
"退院日時" = { anonymized = "drop" }
"#;

#[test]
fn the_shipped_policy_releases_the_storage_and_names_nobody() {
    let root = storage();
    let work = tempfile::tempdir().unwrap();
    std::fs::copy(repo("policies/ssmix2.toml"), work.path().join("ssmix2.toml")).unwrap();
    let policy = work.path().join("sample.toml");
    std::fs::write(&policy, SAMPLE).unwrap();
    let key = new_key(work.path());
    let release = run(&policy, &root, &key, &work.path().join("out"), &[]);
    let verified = kakou(&["verify", text(&release)]);
    assert!(verified.status.success(), "{}", error_of(&verified));

    let mut needles: BTreeSet<String> = BTreeSet::new();
    for (record, columns) in [
        (
            "person",
            &["患者ID", "漢字氏名", "カナ氏名", "住所", "電話番号", "勤務先電話番号", "担当医"][..],
        ),
        ("family", &["漢字氏名", "カナ氏名", "住所", "電話番号", "勤務先"]),
        ("insurance", &["保険者番号", "雇用者名"]),
        ("visit", &["オーダ番号", "担当医", "入院担当医"]),
        (
            "diagnosis",
            &["依頼者オーダ番号", "実施者オーダ番号", "依頼医師", "依頼施設", "病名登録番号"],
        ),
        ("prescription", &["オーダ番号", "処方箋番号", "オーダグループ番号", "依頼医師"]),
        ("laboratory", &["オーダ番号", "検体番号", "依頼番号", "実施番号", "依頼医師", "依頼施設"]),
    ] {
        let read = read(&root, record).unwrap();
        for column in columns {
            for cell in read.column(column).into_iter().flatten() {
                // Names by their parts too; what is as short as a code is looked for as a whole cell.
                needles.extend(cell.split(['^', ' ', '~']).map(str::to_owned));
                needles.insert(cell);
            }
        }
    }
    needles.retain(|n| n.chars().count() >= 2 && n != "99" && n != "ISO");
    assert!(needles.len() > 2_000, "{}", needles.len());
    let long: Vec<&String> = needles.iter().filter(|n| n.len() >= 9).collect();
    let search = aho_corasick::AhoCorasick::new(&long).unwrap();
    for (path, says) in common::shown(&release) {
        assert!(!search.is_match(&path) && !search.is_match(&says), "{path}");
    }
    for file in files(&release) {
        if file.extension().is_some_and(|e| e == "csv") {
            let (header, rows) = records(&file);
            for row in rows {
                for (name, cell) in header.iter().zip(&row) {
                    assert!(!needles.contains(cell), "{name} of {}", file.display());
                }
            }
        }
    }

    // From the columnar extract the pseudonymized release is the same to the byte.
    let extract = work.path().join("extract");
    let output = kakou(&["extract", "--quiet", "ssmix2", text(&root), "--out", text(&extract)]);
    assert!(output.status.success(), "{}", error_of(&output));
    let mut columnar = std::fs::read_to_string(&policy).unwrap();
    for record in
        ["person", "insurance", "visit", "diagnosis", "prescription", "injection", "laboratory"]
    {
        columnar.push_str(&format!(
            "[tables.{record}]\nsource = {{ path = \"{record}/*.parquet\", format = \"parquet\" }}\n"
        ));
    }
    let policy = work.path().join("columnar.toml");
    std::fs::write(&policy, columnar).unwrap();
    let again = run(&policy, &extract, &key, &work.path().join("again"), &[]);
    for file in files(&release.join("pseudonymized")) {
        if file.extension().is_some_and(|e| e == "csv") {
            let other = again.join("pseudonymized").join(file.file_name().unwrap());
            assert!(
                std::fs::read(&file).unwrap() == std::fs::read(other).unwrap(),
                "{}",
                file.display()
            );
        }
    }
}

#[test]
fn the_layouts_and_the_reader_have_the_same_columns() {
    let mut seen = 0;
    for pack in kakou::schema::layout::SHIPPED {
        let Some(name) = pack.id.strip_prefix("ssmix2/") else { continue };
        let pack: kakou::schema::layout::Pack = toml::from_str(pack.text).unwrap();
        let names: Vec<&str> = pack.columns.list.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ssmix2::columns(name).unwrap(), "{name}");
        seen += 1;
    }
    assert_eq!(seen, ssmix2::names().len());
}
