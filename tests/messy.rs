//! Files as they lie in a hospital's folder: titles, blank lines, repeated names, quotes behind blanks, UTF-16, archives, sheets; and
//! policies that make one release.

use std::path::PathBuf;

use crate::common::{error_of, kakou, new_key, text};

const HEAD: &str = r#"
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
suppress = { unit = "row", at_most = 0.9 }
[[anonymized.view]]
name = "v"
grain = "t"
quasi = ["t.sex"]
[not_applicable]
"18-2" = "none"
"33-2" = "none"
"33-3" = "none"
"#;

struct Case {
    work: tempfile::TempDir,
    key: PathBuf,
}

impl Case {
    fn new(name: &str, content: &[u8], policy: &str) -> Self {
        let work = tempfile::tempdir().unwrap();
        std::fs::create_dir(work.path().join("in")).unwrap();
        std::fs::write(work.path().join("in").join(name), content).unwrap();
        std::fs::write(work.path().join("policy.toml"), policy).unwrap();
        let key = new_key(work.path());
        Case { work, key }
    }
    fn kakou(&self, command: &str, more: &[&str]) -> std::process::Output {
        let [input, policy] = ["in", "policy.toml"].map(|n| self.work.path().join(n));
        let mut all = vec![command, "--policy", text(&policy), "--input", text(&input)];
        all.extend(more);
        kakou(&all)
    }
    /// What a run released as the pseudonymized table, without its tokens; or what was said.
    fn run(&self) -> Result<Vec<String>, String> {
        let out = self.work.path().join("out");
        let _ = std::fs::remove_dir_all(&out);
        let output = self
            .kakou("run", &["--key", text(&self.key), "--out", text(&out), "--release-id", "r"]);
        let said = error_of(&output);
        if !output.status.success() {
            return Err(said);
        }
        let csv = std::fs::read_to_string(out.join("r/pseudonymized/t.csv")).unwrap();
        let mut rows: Vec<String> =
            csv.lines().map(|l| l.split_once(',').unwrap().1.to_owned()).collect();
        rows[1..].sort();
        Ok(rows)
    }
    fn statement(&self) -> serde_json::Value {
        let path = self.work.path().join("out/r/record/statement.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }
}

/// A table of twelve persons with a sex and a result.
fn policy(source: &str, more: &str) -> String {
    format!(
        r#"{HEAD}
[tables.t]
grain = "person"
source = {{ {source} }}
keys = {{ patient = "id" }}
{more}
[tables.t.columns]
id = {{ role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }}
sex = {{ role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }}
crp = {{ role = "payload", type = "decimal", pseudonymized = "keep", anonymized = "drop" }}
"#
    )
}

fn rows() -> Vec<String> {
    (1..=12).map(|n| format!("{:05},男,0.{n:02}", 80_000 + n * 7)).collect()
}

fn csv() -> String {
    format!("id,sex,crp\n{}\n", rows().join("\n"))
}

fn expected() -> Vec<String> {
    let mut all: Vec<String> = rows().iter().map(|r| r[6..].to_owned()).collect();
    all.sort();
    all.insert(0, "sex,crp".to_owned());
    all
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| (c >> 1) ^ (0xedb8_8320 & (c & 1).wrapping_neg()))
    })
}

/// A .zip file of files that are not packed.
fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let offset = bytes.len() as u32;
        let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        common.extend(crc(content).to_le_bytes());
        common.extend([content.len() as u32; 2].map(u32::to_le_bytes).concat());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend([0, 0]);
        bytes.extend([b"PK\x03\x04", &common[..], name.as_bytes(), content].concat());
        directory.extend([b"PK\x01\x02\x14\x00", &common[..], &[0; 10]].concat());
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = bytes.len() as u32;
    let count = (files.len() as u16).to_le_bytes();
    bytes.extend(&directory);
    bytes.extend([b"PK\x05\x06\0\0\0\0", &count[..], &count[..]].concat());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend([0, 0]);
    bytes
}

fn utf16(text: &str, big: bool) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(|u| if big { u.to_be_bytes() } else { u.to_le_bytes() }).collect()
}

/// A workbook with a title above its table.
fn workbook() -> Vec<u8> {
    let cell = |text: &str| {
        format!(
            "<c t=\"inlineStr\"><is><t>{text}</t><rPh sb=\"0\" eb=\"1\"><t>オトコ</t></rPh></is></c>"
        )
    };
    let mut sheet = format!("<row r=\"1\">{}</row>", cell("検査一覧"));
    let lines = std::iter::once("id,sex,crp".to_owned()).chain(rows());
    for (at, line) in lines.enumerate() {
        let cells: String = line.split(',').map(cell).collect();
        sheet += &format!("<row r=\"{}\">{cells}</row>", at + 3);
    }
    let sheet = format!("<worksheet><sheetData>{sheet}</sheetData></worksheet>");
    zip(&[
        ("xl/workbook.xml", "<workbook><sheets><sheet name=\"検査\" sheetId=\"1\" r:id=\"rId1\"/></sheets></workbook>".as_bytes()),
        ("xl/_rels/workbook.xml.rels", b"<Relationships><Relationship Id=\"rId1\" Type=\"http://x/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"),
        ("xl/worksheets/sheet1.xml", sheet.as_bytes()),
    ])
}

#[test]
fn every_form_of_a_file_gives_the_same_release() {
    let bars: Vec<String> = rows().iter().map(|r| r.replace(',', ", \"") + "\"").collect();
    let padded: String = bars
        .iter()
        .map(|r| r.replacen(", \"", "\" , \"", 1).replace("男,", "男\","))
        .fold("id,sex,crp\n".to_owned(), |all, r| all + "\"" + &r + "\n");
    let forms: [(&str, Vec<u8>, &str, &str); 10] = [
        ("t.csv", csv().into_bytes(), "path = \"t.csv\"", ""),
        ("t.csv", utf16(&csv(), false), "path = \"t.csv\", encoding = \"utf-16\"", ""),
        ("t.csv", utf16(&csv(), true), "path = \"t.csv\", encoding = \"utf-16\"", ""),
        (
            "t.csv",
            format!("検査一覧\r\n出力日,2026-01-01\r\n{}", csv()).into_bytes(),
            "path = \"t.csv\", skip_lines = 2",
            "",
        ),
        (
            "t.csv",
            format!("{}id,sex,crp\r\n", csv()).into_bytes(),
            "path = \"t.csv\"",
            "set_aside = [\"blank\"]",
        ),
        (
            "t.csv",
            format!("sep=,\n{}\n,,\n\n", csv()).into_bytes(),
            "path = \"t.csv\", skip_lines = 1",
            "set_aside = [\"blank\"]",
        ),
        ("t.csv", padded.into_bytes(), "path = \"t.csv\", quotes_after_blanks = true", ""),
        ("t.zip", zip(&[("x/t.csv", csv().as_bytes())]), "path = \"t.zip\"", ""),
        ("t.xlsx", workbook(), "path = \"t.xlsx\", skip_lines = 2", ""),
        ("t.xlsx", workbook(), "path = \"*.xlsx\", sheet = \"検査\", skip_lines = 2", ""),
    ];
    for (name, content, source, more) in forms {
        let found = Case::new(name, &content, &policy(source, more)).run();
        assert_eq!(found, Ok(expected()), "{source}");
    }
}

#[test]
fn what_a_file_is_stands_in_the_message_with_the_word_to_write() {
    let cp932: Vec<u8> = csv()
        .replace('男', "\u{0}")
        .into_bytes()
        .iter()
        .flat_map(|&b| if b == 0 { vec![0x92, 0x6a] } else { vec![b] })
        .collect();
    for (content, source, code, word) in [
        (utf16(&csv(), false), "path = \"t.csv\"", "D0018", "utf-16"),
        (csv().into_bytes(), "path = \"t.csv\", encoding = \"cp932\"", "D0018", "utf-8"),
        (csv().into_bytes(), "path = \"t.csv\", encoding = \"utf-16\"", "D0018", "utf-8"),
        (csv().replace('\n', "\r").into_bytes(), "path = \"t.csv\"", "D0023", "carriage return"),
        (csv().replace(',', "\t").into_bytes(), "path = \"t.csv\"", "D0019", "delimiter = \"\\t\""),
        (format!("sep=,\n{}", csv()).into_bytes(), "path = \"t.csv\"", "D0019", "skip_lines = 1"),
        (
            format!("検査一覧\n\n{}", csv()).into_bytes(),
            "path = \"t.csv\"",
            "D0019",
            "skip_lines = 2",
        ),
        (workbook(), "path = \"t.csv\"", "D0029", "workbook"),
        (b"\x1f\x8b\x08rest".to_vec(), "path = \"t.csv\"", "D0029", ".gz"),
        (
            csv().replace("80014,男", "80014, \"男,x\"").into_bytes(),
            "path = \"t.csv\"",
            "D0101",
            "quotes_after_blanks",
        ),
        (csv().replace("80014", "\n80014").into_bytes(), "path = \"t.csv\"", "D0101", "blank"),
        (
            csv().replace("80014", "id,sex,crp\n80014").into_bytes(),
            "path = \"t.csv\"",
            "D0104",
            "once more",
        ),
        (
            csv().encode_utf16().flat_map(u16::to_le_bytes).collect(),
            "path = \"t.csv\"",
            "D0018",
            "byte order mark",
        ),
    ] {
        let said = Case::new("t.csv", &content, &policy(source, "")).run().unwrap_err();
        assert!(said.contains(code) && said.contains(word), "{code} {word}: {said}");
        assert!(!said.contains('男') && !said.contains("80014"), "{said}");
    }
    // The right encoding is read.
    let case = Case::new("t.csv", &cp932, &policy("path = \"t.csv\", encoding = \"cp932\"", ""));
    assert_eq!(case.run(), Ok(expected()));
}

#[test]
fn names_with_blanks_and_repeats_are_told_apart() {
    let table = |columns: &str, source: &str| policy(source, "").replace("crp = {", columns);
    let content = csv().replace("crp\n", "\" a, b \"\n");
    let case = Case::new("t.csv", content.as_bytes(), &table("\" a, b \" = {", "path = \"t.csv\""));
    assert_eq!(case.run().unwrap()[0], "sex,\" a, b \"");
    let twice: String =
        csv().lines().map(|l| format!("{l},{}\n", l.rsplit(',').next().unwrap())).collect();
    let case = Case::new("t.csv", twice.as_bytes(), &policy("path = \"t.csv\"", ""));
    let said = case.run().unwrap_err();
    assert!(said.contains("D0013") && said.contains("crp_2"), "{said}");
    let more = "crp_2 = { role = \"payload\", type = \"decimal\", pseudonymized = \"keep\", anonymized = \"drop\" }\ncrp = {";
    let case = Case::new(
        "t.csv",
        twice.as_bytes(),
        &table(more, "path = \"t.csv\", number_repeats = true"),
    );
    assert_eq!(case.run().unwrap()[0], "sex,crp_2,crp");
}

#[test]
fn one_cell_may_go_without_its_row_and_is_counted() {
    let content = csv().replace("0.03", "溶血").replace("0.05", "溶血");
    let case = Case::new("t.csv", content.as_bytes(), &policy("path = \"t.csv\"", ""));
    let said = case.run().unwrap_err();
    assert!(
        said.contains("column `crp`, line 4 of the file, row 3") && said.contains("cell"),
        "{said}"
    );
    let case = Case::new(
        "t.csv",
        content.as_bytes(),
        &policy("path = \"t.csv\"", "set_aside = [\"cell\"]"),
    );
    let rows = case.run().unwrap();
    assert_eq!((rows.len(), rows.iter().filter(|r| *r == "男,").count()), (13, 2));
    let statement = case.statement();
    assert_eq!(statement["tables"][0]["cellsBlanked"]["crp"], 2);
    let told: Vec<&str> = statement["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|w| w["code"].as_str())
        .collect();
    assert!(told.contains(&"W0309"), "{told:?}");
}

#[test]
fn one_reading_lists_every_defect_with_its_place() {
    let content = format!(
        "{},,\nNULL,男,0.1\n80999,男\n",
        csv().replace("0.03", "溶血").replace("0.05", "溶血")
    );
    let case = Case::new("t.csv", content.as_bytes(), &policy("path = \"t.csv\"", ""));
    let output = case.kakou("check", &["--data"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    for (line, word) in [
        ("line 4 of the file", "cell"),
        ("line 14 of the file", "blank"),
        ("line 15 of the file", "key"),
        ("line 16 of the file", "ragged"),
    ] {
        assert!(
            said.lines().any(|l| l.contains(line) && l.contains(word)),
            "{line} {word}: {said}"
        );
    }
    assert!(!said.contains("溶血") && !said.contains("80999"), "{said}");
    let all = "set_aside = [\"blank\", \"key\", \"ragged\", \"cell\"]";
    let case = Case::new("t.csv", content.as_bytes(), &policy("path = \"t.csv\"", all));
    let output = case.kakou("check", &["--data"]);
    assert_eq!(output.status.code(), Some(0), "{}", error_of(&output));
    let output = case.kakou("check", &["--files"]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("t\t1/1\tt.csv"));
}

#[test]
fn a_policy_may_make_one_release() {
    let both = policy("path = \"t.csv\"", "");
    let one = format!(
        "releases = [\"pseudonymized\"]\n{}",
        both.replace(", anonymized = \"surrogate\"", "")
            .replace(", anonymized = \"keep\"", "")
            .replace(", anonymized = \"drop\"", "")
    );
    let case = Case::new("t.csv", csv().as_bytes(), &one);
    assert_eq!(case.run(), Ok(expected()));
    let release = case.work.path().join("out/r");
    assert!(!release.join("anonymized/t.csv").exists());
    let output = kakou(&["verify", text(&release)]);
    assert!(output.status.success(), "{}", error_of(&output));
    let statement = case.statement();
    assert_eq!(statement["releases"], serde_json::json!(["pseudonymized"]));
    assert_eq!(statement["persons"]["released"]["anonymized"], 0);
    let page = |release: &std::path::Path| {
        let to = release.with_extension("html");
        let made = kakou(&["report", text(release), "--lang", "en", "--to", text(&to)]);
        assert!(made.status.success(), "{}", error_of(&made));
        std::fs::read_to_string(to).unwrap()
    };
    let first = page(&release);
    assert!(first.contains("the policy makes no anonymized release"), "{first}");
    assert!(!first.contains("Tier of the recipients") && first.contains("Recipient of"));
    // Nobody has to answer for a release that is not made, and both are made where nothing is said.
    let case = Case::new("t.csv", csv().as_bytes(), &both.replace(", anonymized = \"keep\"", ""));
    let said = case.run().unwrap_err();
    assert!(said.contains("P0003") && said.contains("column `sex` lacks `anonymized`"), "{said}");
    let anonymized = format!(
        "releases = [\"anonymized\"]\n{}",
        both.replace("project = \"p\"\nrecipient = \"r\"\n", "")
    );
    let case = Case::new("t.csv", csv().as_bytes(), &anonymized);
    let out = case.work.path().join("out");
    let output =
        case.kakou("run", &["--key", text(&case.key), "--out", text(&out), "--release-id", "r"]);
    assert!(output.status.success(), "{}", error_of(&output));
    assert!(out.join("r/anonymized/t.csv").exists() && !out.join("r/pseudonymized/t.csv").exists());
    let output = kakou(&["verify", text(&out.join("r"))]);
    assert!(output.status.success(), "{}", error_of(&output));
    let first = page(&out.join("r"));
    assert!(first.contains("persons in the smallest class"));
    assert!(!first.contains("Recipient of the pseudonymized"));
}

#[test]
fn what_a_treatment_cannot_treat_is_told() {
    let columns = "adm = { role = \"payload\", type = \"partial_date\", kind = \"event\", pseudonymized = \"shift_date\", anonymized = \"drop\" }\ncrp = {";
    let dates: String = csv()
        .lines()
        .enumerate()
        .map(|(n, l)| {
            format!(
                "{l},{}\n",
                match n {
                    0 => "adm",
                    1 | 2 => "2025-04",
                    _ => "2025-04-01",
                }
            )
        })
        .collect();
    let case = Case::new(
        "t.csv",
        dates.as_bytes(),
        &policy("path = \"t.csv\"", "").replace("crp = {", columns),
    );
    assert!(case.run().is_ok());
    let statement = case.statement();
    let told =
        statement["warnings"].as_array().unwrap().iter().find(|w| w["code"] == "W0308").unwrap();
    assert!(
        told["text"]
            .as_str()
            .unwrap()
            .contains("column `adm`, pseudonymized release: <10 of 12 cells"),
        "{told}"
    );
}

#[test]
fn small_things_speak_plainly() {
    // A table may have a Japanese name, and a partial date says which type reads it.
    let columns = "adm = { role = \"payload\", type = \"date\", kind = \"event\", pseudonymized = \"shift_date\", anonymized = \"drop\" }\ncrp = {";
    let dates: String = csv()
        .lines()
        .enumerate()
        .map(|(n, l)| format!("{l},{}\n", if n == 0 { "adm" } else { "2025-04" }))
        .collect();
    let text_of = policy("path = \"t.csv\"", "").replace("crp = {", columns);
    let said = Case::new("t.csv", dates.as_bytes(), &text_of).run().unwrap_err();
    assert!(said.contains("D0201") && said.contains("partial_date"), "{said}");
    let named = policy("path = \"t.csv\"", "")
        .replace("[tables.t", "[tables.\"患者\"")
        .replace("grain = \"t\"", "grain = \"患者\"")
        .replace("t.sex", "患者.sex");
    let case = Case::new("t.csv", csv().as_bytes(), &named);
    let out = case.work.path().join("out");
    let arguments = ["--key", text(&case.key), "--out", text(&out), "--release-id", "r"];
    let output = case.kakou("run", &arguments);
    assert!(output.status.success(), "{}", error_of(&output));
    assert!(out.join("r/anonymized/患者.csv").exists());
    let output = kakou(&["verify", text(&out.join("r"))]);
    assert!(output.status.success(), "{}", error_of(&output));
    // The two releases have different tokens, in an example too.
    let output = kakou(&["explain", "--policy", text(&case.work.path().join("policy.toml"))]);
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    let token = |word: &str| {
        let line = shown.lines().find(|l| l.trim_start().starts_with(word)).unwrap();
        line.rsplit(' ').next().unwrap().to_owned()
    };
    assert_ne!(token("pseudonymized"), token("anonymized"));
    let output = kakou(&["verify", text(&out.join("none"))]);
    assert!(error_of(&output).contains("no such release folder"));
    let policy = case.work.path().join("cp932.toml");
    std::fs::write(&policy, b"# \x95\xfb\x90j\n").unwrap();
    let output = kakou(&["check", "--policy", text(&policy)]);
    assert!(error_of(&output).contains("CP932"));
}
