//! Who objected and who was notified: lists and eligibility files, from the command line to the record.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::common::{self, error_of, kakou, new_key, records, text};
use serde_json::Value;

struct House {
    folder: tempfile::TempDir,
    key: PathBuf,
}

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
"18-4" = "none"
"33-2" = "none"
"33-3" = "none"
"#;

impl House {
    /// Thirty persons of one table; their number of two parts if `facilities`.
    fn new(facilities: bool, more: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("in")).unwrap();
        let (key, column, head) = if facilities {
            (
                r#"["fac", "id"]"#,
                "fac = { role = \"third_party\", type = \"code\", pseudonymized = { pseudonym = \"f\" }, anonymized = \"drop\" }\n",
                "fac,",
            )
        } else {
            ("\"id\"", "", "")
        };
        let mut rows = format!("{head}id,n,sex\n");
        for n in 1..=30 {
            let facility = if facilities { format!("A{},", n % 2) } else { String::new() };
            rows.push_str(&format!("{facility}{n:05},{n:02},{}\n", n % 3 % 2));
        }
        std::fs::write(folder.path().join("in/t.csv"), rows).unwrap();
        std::fs::write(
            folder.path().join("policy.toml"),
            format!(
                "{HEAD}{more}\n[tables.t]\ngrain = \"person\"\nsource = {{ path = \"t.csv\" }}\nkeys = {{ patient = {key} }}\n[tables.t.columns]\n{column}\
                 id = {{ role = \"link\", type = \"code\", pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }}\n\
                 n = {{ role = \"payload\", type = \"code\", pseudonymized = \"keep\", anonymized = \"drop\", because = \"the test counts them\" }}\n\
                 sex = {{ role = \"quasi\", type = \"code\", pseudonymized = \"keep\", anonymized = \"keep\" }}\n"
            ),
        )
        .unwrap();
        let key = new_key(folder.path());
        House { folder, key }
    }
    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
    fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, content).unwrap();
        path
    }
    fn command(&self, command: &[&str], more: &[&str]) -> Output {
        let (policy, input) = (self.path("policy.toml"), self.path("in"));
        let mut arguments = command.to_vec();
        arguments.extend(["--policy", text(&policy), "--input", text(&input)]);
        arguments.extend(["--key", text(&self.key)]);
        arguments.extend(more);
        kakou(&arguments)
    }
    fn run(&self, id: &str, more: &[&str]) -> Output {
        let out = self.path("out");
        self.command(&["run", "--out", text(&out), "--release-id", id], more)
    }
    /// Runs and expects success: what was said.
    fn ok(&self, id: &str, more: &[&str]) -> String {
        let output = self.run(id, more);
        assert!(output.status.success(), "{}", error_of(&output));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
    /// Runs and expects that it is refused: the messages.
    fn refused(&self, id: &str, more: &[&str], status: i32) -> String {
        let output = self.run(id, more);
        assert_eq!(output.status.code(), Some(status), "{}", error_of(&output));
        assert!(!self.path("out").join(id).exists());
        error_of(&output)
    }
    fn release(&self, id: &str) -> PathBuf {
        self.path("out").join(id)
    }
    fn statement(&self, id: &str) -> Value {
        let path = self.release(id).join("record/statement.json");
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    }
    /// The running numbers of the persons of a pseudonymized release.
    fn numbers(&self, id: &str) -> BTreeSet<u32> {
        let (head, rows) = records(&self.release(id).join("pseudonymized/t.csv"));
        let at = head.iter().position(|h| h == "n").unwrap();
        rows.iter().map(|r| r[at].parse().unwrap()).collect()
    }
    fn out(&self, id: &str) -> Vec<u32> {
        let there = self.numbers(id);
        (1..=30).filter(|n| !there.contains(n)).collect()
    }
}

fn list(path: &Path) -> [&str; 2] {
    ["--exclude", text(path)]
}

#[test]
fn a_list_is_counted_told_and_stands_in_the_record() {
    let house = House::new(false, "");
    // CP932 with a header, as a spreadsheet saves it; one number that no file has.
    let cp932 = encoding_rs::SHIFT_JIS.encode("患者ID\r\n00001\r\n77777\r\n").0.into_owned();
    let path = house.write("list.txt", &cp932);
    let said = house.ok("a", &list(&path));
    assert_eq!(house.out("a"), [1]);
    assert!(
        said.contains("exclusion list 1 (pseudonymized, anonymized): 2 named, <10 matched, 1 matches NOBODY (line 3); 1 line: header"),
        "{said}"
    );
    let statement = house.statement("a");
    let told = &statement["exclusionLists"][0];
    for (field, value) in [
        ("listed", 2),
        ("matched", 1),
        ("matchedNobody", 1),
        ("headerLines", 1),
        ("spelledOtherwise", 0),
    ] {
        assert_eq!(told[field], value, "{field}");
    }
    assert_eq!(told["unmatchedLines"], serde_json::json!([3]));
    assert!(statement["warnings"].to_string().contains("W0132"));
    let release = house.release("a");
    let verified = kakou(&["verify", text(&release)]);
    let verified = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(verified.contains("1 matches NOBODY (line 3)"), "{verified}");
    for lang in ["ja", "en"] {
        let page = house.path("page.html");
        let made = kakou(&["report", text(&release), "--lang", lang, "--to", text(&page)]);
        assert!(made.status.success(), "{}", error_of(&made));
        let page = std::fs::read_to_string(page).unwrap();
        let words = if lang == "ja" {
            ["除外リスト", "一致しない行"]
        } else {
            ["Exclusion lists", "matches nobody"]
        };
        assert!(words.iter().all(|w| page.contains(w)), "{lang}");
        assert!(!page.contains("77777"));
    }
    // An empty list is told to exclude nobody.
    let empty = house.write("empty.txt", b"\xef\xbb\xbf# nobody this month\r\n\r\n");
    let said = house.ok("b", &list(&empty));
    assert!(
        said.contains(
            "exclusion list 1 (pseudonymized, anonymized): names nobody: nobody is excluded by it"
        ),
        "{said}"
    );
    assert!(house.statement("b")["warnings"].to_string().contains("W0131"));
}

#[test]
fn a_list_that_excludes_nobody_is_refused_with_its_lines_and_no_value() {
    let house = House::new(false, "");
    for (content, status, code, told) in [
        ("77777\n88888\n", 1, "C0611", "none of the 2"),
        (
            "1\n",
            1,
            "C0612",
            "line 1: matches nobody as it is written, but a person of the input with other leading zeros",
        ),
        (
            "00001.0\n00002\n",
            1,
            "C0612",
            "line 1: matches nobody as it is written, but a person of the input without the `.0`",
        ),
        ("# x\n00002\n00001x.\n'00003\n", 1, "C0612", "line 4"),
        ("1.34227E+07\n00001\n", 3, "D0371", "line 1: a number as a spreadsheet"),
        ("00001,山田太郎\n", 3, "D0302", "line 1"),
        ("00001\n00002,2026-04-01\n", 3, "D0302", "line 2"),
        ("不明\n", 3, "D0303", "no usable identifier"),
        ("テスト\n", 3, "D0303", "no usable identifier"),
        // The letters before all numbers of a list are told, and nobody is taken for somebody.
        ("ID00001\nID00002\n", 1, "C0612", "without the letters before the number"),
        ("########\n00001\n", 3, "D0371", "line 1"),
        // A number that a `#` makes a comment excludes nobody: told, not passed over.
        ("#00001\n#00007\n", 1, "C0612", "lines 1, 2: matches nobody as it is written"),
        ("00004\n#00001\n", 1, "C0612", "line 2: matches nobody as it is written"),
        ("00004\n# 00001\n", 1, "C0612", "line 2: matches nobody as it is written"),
        ("患者ID\n#77777\n#88888\n", 1, "C0611", "none of the 2"),
        // More than a number in a cell: nobody is left in a release for it in silence.
        (
            "00004\n00001;家族\n",
            1,
            "C0612",
            "line 2: matches nobody as it is written, but a person of the input as a part",
        ),
        ("00004\n00001 山田\n", 1, "C0612", "as a part of what stands there"),
        ("00004\n00001、00002\n", 1, "C0612", "as a part of what stands there"),
        ("00004\n00001〜00003\n", 1, "C0612", "as a part of what stands there"),
        ("00004\n00001番\n", 1, "C0612", "as a part of what stands there"),
    ] {
        let path = house.write("list.txt", content.as_bytes());
        let said = house.refused("no", &list(&path), status);
        assert!(said.contains(code) && said.contains(told), "{content}: {said}");
        for canary in ["77777", "88888", "00001", "00002", "00003", "1.34227", "山田", "2026-04"]
        {
            assert!(!said.contains(canary), "{content}: {said}");
        }
    }
    // The list is known by its file name only: every line of it can be told as allowed.
    let path = house.write("list.txt", "77777\n1\n".as_bytes());
    let said = house.ok("a", &["--exclude", text(&path), "--allow-unmatched"]);
    assert!(house.out("a").is_empty());
    assert!(said.contains("2 match NOBODY (lines 1, 2); 1 line: spelled otherwise"), "{said}");
    assert_eq!(house.statement("a")["exclusionLists"][0]["unmatchedAllowed"], true);
    // Other columns are no matter where a header names the key.
    let path = house
        .write("list.csv", "氏名,患者番号,停止日\n\"山田,太郎\",00004,2026-04-01\n".as_bytes());
    house.ok("b", &list(&path));
    assert_eq!(house.out("b"), [4]);
    // A word for a person in a row of numbers is a reason, no header.
    let path =
        house.write("list.csv", "患者ID,理由\n00005,本人\n00006,患者\n00007,家族\n".as_bytes());
    house.ok("c", &list(&path));
    assert_eq!(house.out("c"), [5, 6, 7]);
}

#[test]
fn parts_in_the_wrong_order_are_told() {
    let house = House::new(true, "");
    let path = house.write("list.txt", b"00001,A1\n00002,A0\n");
    let said = house.refused("no", &list(&path), 1);
    assert!(
        said.contains("C0612") && said.contains("lines 1, 2") && said.contains("another order"),
        "{said}"
    );
    assert!(said.contains("C0611") && !said.contains("A1"), "{said}");
    // One of them right does not save the other.
    let path = house.write("list.txt", b"A1,00001\n00002,A0\n");
    assert!(house.refused("no", &list(&path), 1).contains("line 2"));
    // A header says the order.
    let path = house.write("list.txt", b"id,fac\n00001,A1\n00002,A0\n");
    house.ok("a", &list(&path));
    assert_eq!(house.out("a"), [1, 2]);
    // Quotes, TABs, width and case.
    let path =
        house.write("list.txt", "\"A1\",\"00001\"\r\nA0\t00002\nＡ１,00003\na0,00004\n".as_bytes());
    house.ok("b", &list(&path));
    assert_eq!(house.out("b"), [1, 2, 3, 4]);
}

#[test]
fn only_who_was_notified_in_time_is_in_a_release() {
    let house = House::new(false, "[eligibility]\nnotice_days = 60\nrequired = true");
    assert!(house.refused("no", &[], 1).contains("C0613"));
    let mut rows = "患者ID,区分,通知日,停止日,理由\n".to_owned();
    for n in 1..=26 {
        rows.push_str(&format!("{n:05},両方,2026-01-01,,\n"));
    }
    rows.push_str("00027,匿名,2026-01-01,,\n");
    rows.push_str("00028,仮名,20260101,,\n00028,匿名,令和8年1月1日,2026-02-01,Q-CANARY\n");
    rows.push_str("00029,両方,,,\n55555,両方,2026-01-01,,\n");
    let path = house.write("e.csv", rows.as_bytes());
    let file = ["--eligibility", text(&path), "--as-of"];
    let with = |more: &[&'static str]| -> Vec<String> {
        file.iter().chain(more).map(|s| (*s).to_owned()).collect()
    };
    fn borrowed(all: &[String]) -> Vec<&str> {
        all.iter().map(String::as_str).collect()
    }
    // Sixty days later.
    let said = house.ok("a", &borrowed(&with(&["2026-03-02"])));
    assert_eq!(house.out("a"), [27, 29, 30]);
    let statement = house.statement("a");
    let told = &statement["eligibility"];
    assert_eq!(
        (told["asOf"].as_str(), told["noticeDays"].as_u64()),
        (Some("2026-03-02"), Some(60))
    );
    for (kind, field, value) in [
        ("pseudonymized", "eligible", 27),
        ("pseudonymized", "notInFile", 2),
        ("pseudonymized", "notNotified", 1),
        ("pseudonymized", "stopped", 0),
        ("anonymized", "eligible", 27),
        ("anonymized", "notInFile", 1),
        ("anonymized", "stopped", 1),
        ("anonymized", "notNotified", 1),
        ("anonymized", "noticeTooRecent", 0),
    ] {
        assert_eq!(told["persons"][kind][field], value, "{kind} {field}");
    }
    assert_eq!((told["matched"].as_u64(), told["matchedNobody"].as_u64()), (Some(29), Some(1)));
    assert!(
        said.contains(
            "as of 2026-03-02, 60 days after the notification: 30 named, 29 matched, 1 match nobody"
        ),
        "{said}"
    );
    assert!(said.contains("anonymized: 27 eligible, <10 asked that it stop, <10 not in the eligibility file, <10 not notified"), "{said}");
    let release = house.release("a");
    let verified = kakou(&["verify", text(&release)]);
    assert!(String::from_utf8_lossy(&verified.stdout).contains("27 eligible"));
    for path in common::files(&release) {
        let bytes = std::fs::read(&path).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains("Q-CANARY"), "{}", path.display());
    }
    // A day earlier nobody's notice is old enough: nobody could be released, and nothing is.
    let output = house.run("b", &borrowed(&with(&["2026-03-01"])));
    if output.status.success() {
        assert_eq!(
            house.statement("b")["eligibility"]["persons"]["anonymized"]["noticeTooRecent"],
            27
        );
        assert_eq!(house.out("b").len(), 30);
    }
    for wrong in ["2999-01-01", "2026-03", "never"] {
        let mut all = vec!["--eligibility", text(&path), "--as-of"];
        all.push(wrong);
        assert!(house.refused("no", &all, 2).contains("P0331"), "{wrong}");
    }
    // Replay takes the same file and the date of the run.
    let replay = |more: &[&str]| house.command(&["replay", text(&release)], more);
    let same = replay(&["--eligibility", text(&path)]);
    assert!(same.status.success(), "{}", error_of(&same));
    assert!(error_of(&replay(&[])).contains("C0613"));
    assert!(
        error_of(&replay(&["--eligibility", text(&path), "--as-of", "2026-03-03"]))
            .contains("another reference date")
    );
    let other = house.write("other.csv", rows.replace("00026,両方", "00026,匿名").as_bytes());
    let said = error_of(&replay(&["--eligibility", text(&other)]));
    assert!(
        said.contains("eligibility file 1 is not the one") && said.contains("other persons"),
        "{said}"
    );
}

#[test]
fn defects_of_an_eligibility_file_are_lines_not_values() {
    let house = House::new(true, "");
    let head = "施設コード,患者ID,区分,通知日,停止日\n";
    for (rows, status, code, told) in [
        ("A1,00001,匿名,2026-02-30,\n", 3, "D0375", "line 2"),
        ("A1,00001,どちらも,2026-02-01,\n", 3, "D0374", "line 2"),
        ("A1,00001,匿名,2026-02-01,\nA1,00001,両方,2026-02-02,\n", 3, "D0376", "line 3"),
        ("A1,00001,匿名\n", 3, "D0373", "line 2"),
        // The numbers of another system: nobody would be left.
        ("B7,00001,両方,2026-02-01,\n", 1, "C0614", "nobody"),
        // Who asked that it stop is meant, but written otherwise, while the right number is eligible.
        ("A1,00001,両方,2026-02-01,\nA1,1,両方,2026-02-01,2026-03-01\n", 1, "C0612", "line 3"),
        // The same behind a `#`.
        ("A1,00002,両方,2026-02-01,\n#A1,00001,両方,2026-02-01,2026-03-01\n", 1, "C0612", "line 3"),
    ] {
        let path = house.write("e.csv", format!("{head}{rows}").as_bytes());
        let said = house.refused("no", &["--eligibility", text(&path)], status);
        assert!(said.contains(code) && said.contains(told), "{rows}: {said}");
        assert!(
            !said.contains("00001") && !said.contains("どちらも") && !said.contains("B7"),
            "{said}"
        );
    }
    let template = std::fs::read_to_string(common::repo("policies/eligibility.csv")).unwrap();
    let house = House::new(false, "");
    let rows: String = (1..=30).map(|n| format!("{n:05},both,2026-01-01,,\n")).collect();
    let path = house.write("e.csv", format!("{template}{rows}").as_bytes());
    house.ok("a", &["--eligibility", text(&path)]);
    assert!(house.out("a").is_empty());
}

#[test]
fn a_replay_tells_another_list() {
    let house = House::new(false, "");
    let path = house.write("list.txt", b"00001\n00002\n");
    house.ok("a", &list(&path));
    let release = house.release("a");
    let replay = |path: &Path| house.command(&["replay", text(&release)], &list(path));
    let same = replay(&path);
    assert!(same.status.success(), "{}", error_of(&same));
    let other = house.write("other.txt", b"00001\n00003\n");
    let said = error_of(&replay(&other));
    assert!(said.contains("exclusion list 1 is not the one of the run"), "{said}");
}
