//! Layout packs and row-dependent columns, from outside.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test"
)]

mod common;

use common::{error_of, kakou, new_key, records, text};

/// Head of a policy for tests; tables follow.
const HEAD: &str = "[policy]\nid = \"t\"\nversion = \"1\"\nprofile = \"ngmia\"\n[person]\nkey = \"patient\"\n\
[pseudonymized]\nproject = \"p\"\nrecipient = \"r\"\n[not_applicable]\n\"18-2\" = \"none\"\n\"33-2\" = \"none\"\n\"33-3\" = \"none\"\n\"18-4\" = \"none\"\n";

fn cp932(text: &str) -> Vec<u8> {
    encoding_rs::SHIFT_JIS.encode(text).0.into_owned()
}

/// EF rows: patient, third and fourth column.
fn ef(rows: &[(&str, &str, &str)]) -> String {
    rows.iter()
        .map(|(id, third, fourth)| {
            let mut cells = vec![""; 31];
            cells[..5].copy_from_slice(&["131234567", id, third, fourth, "21"]);
            cells[10] = "　血液検査";
            format!("{}\r\n", cells.join("\t"))
        })
        .collect()
}

#[test]
fn the_wrong_layout_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let inpatient = folder.path().join("EFn.txt");
    let outpatient = folder.path().join("EFg.txt");
    std::fs::write(
        &inpatient,
        cp932(&ef(&[
            ("0000000001", "20260410", "20260401"),
            ("0000000002", "20260420", "20260402"),
        ])),
    )
    .unwrap();
    std::fs::write(
        &outpatient,
        cp932(&ef(&[
            ("0000000001", "19500101", "20260401"),
            ("0000000002", "19990420", "20260402"),
        ])),
    )
    .unwrap();
    for (file, fits, other) in [
        (&inpatient, "dpc/ef-inpatient@2026", "dpc/ef-outpatient@2026"),
        (&outpatient, "dpc/ef-outpatient@2026", "dpc/ef-inpatient@2026"),
    ] {
        let output = kakou(&["layout", "check", text(file), "--layout", fits]);
        assert!(output.status.success(), "{}", error_of(&output));
        let output = kakou(&["layout", "check", text(file), "--layout", other]);
        assert_eq!(output.status.code(), Some(3));
        assert!(error_of(&output).contains("another layout"), "{}", error_of(&output));
        let output = kakou(&["layout", "check", text(file)]);
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains(fits) && !said.contains(other), "{said}");
    }
    // A 32nd column stops the run.
    let mut wide = ef(&[("0000000001", "20260410", "20260401")]);
    wide.insert(wide.len() - 2, '\t');
    std::fs::write(&inpatient, cp932(&wide)).unwrap();
    let output = kakou(&["layout", "check", text(&inpatient), "--layout", "dpc/ef-inpatient@2026"]);
    assert_eq!(output.status.code(), Some(3));
    assert!(error_of(&output).contains("32 columns"), "{}", error_of(&output));
}

#[test]
fn unknown_layouts_editions_and_columns_are_refused_with_a_suggestion() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.toml");
    for (table, wanted) in [
        (
            "layout = \"dpc/ef-inpatien@2026\"\nunlisted = \"drop\"",
            "did you mean `dpc/ef-inpatient`",
        ),
        ("layout = \"dpc/ef-inpatient@1999\"\nunlisted = \"drop\"", "editions: `2022`"),
        ("layout = \"dpc/ef-inpatient\"\nunlisted = \"drop\"", "needs its edition"),
        (
            "layout = \"dpc/ef-inpatient@2026\"\nunlisted = \"drop\"\ncolumns = { \"退院月日\" = { pseudonymized = \"keep\", anonymized = \"drop\" } }",
            "did you mean `退院年月日`",
        ),
        ("layout = \"dpc/ef-inpatient@2026\"", "unlisted = \"drop\""),
        (
            "layout = \"dpc/ff1@2026\"\nunlisted = \"drop\"\n[[tables.t.when]]\nmatch = { \"コード\" = \"A00001\" }\ncolumns = { \"ペイロード1\" = { pseudonymized = \"drop\", anonymized = \"drop\" } }",
            "did you mean `A0000",
        ),
        (
            "layout = \"dpc/ff1@2026\"\nunlisted = \"drop\"\n[[tables.t.when]]\nmatch = { \"コード\" = \"A006060\" }\ncolumns = { \"ペイロード2\" = { pseudonymized = \"drop\", anonymized = \"drop\" } }",
            "in this edition",
        ),
    ] {
        let source = if table.contains("[[") {
            table.replacen("\n[[", "\nsource = { path = \"x\" }\n[[", 1)
        } else {
            format!("{table}\nsource = {{ path = \"x\" }}")
        };
        std::fs::write(&policy, format!("{HEAD}[tables.t]\n{source}\n")).unwrap();
        let output = kakou(&["check", "--policy", text(&policy)]);
        assert_eq!(output.status.code(), Some(2), "{table}");
        assert!(error_of(&output).contains(wanted), "{table}\n{}", error_of(&output));
    }
}

#[test]
fn a_long_table_is_one_table_a_code() {
    let folder = tempfile::tempdir().unwrap();
    let mut rows = String::new();
    for p in 0..40 {
        let id = format!("{p:010}");
        let id = id.replace("0000000000", "0000000099");
        let mut row = |code: &str, no: &str, payload: [&str; 9]| {
            rows.push_str(&format!(
                "131234567\t{id}\t202604{:02}\t0\t0\t{code}\t20260601\t{no}\t{}\r\n",
                p % 28 + 1,
                payload.join("\t")
            ));
        };
        row(
            "A000010",
            "1",
            [
                if p % 2 == 0 { "19500210" } else { "19510911" },
                "1",
                "2200011",
                "",
                "",
                "",
                "",
                "",
                "",
            ],
        );
        row("A000070", "1", ["99999999", "99999999", "", "", "", "", "", "", ""]);
        row("A006040", "1", ["", "I10", "", "8833421", "", "", "", "", "高血圧症"]);
        row("A006040", "2", ["", "E119", "", "8845064", "", "", "", "", "２型糖尿病"]);
    }
    std::fs::write(folder.path().join("FF1.txt"), cp932(&rows)).unwrap();
    let policy = folder.path().join("p.toml");
    let write = |more: &str| {
        std::fs::write(&policy, format!(r#"{HEAD}
[anonymized]
tier = "research"
[[anonymized.view]]
name = "stay"
grain = "ff1.A000010"
quasi = ["ff1.A000010.生年月日", "ff1.A000010.ペイロード2"]
[tables.ff1]
layout = "dpc/ff1@2026"
unlisted = "drop"
source = {{ path = "FF1.txt" }}
{more}
[tables.ff1.columns]
"データ識別番号" = {{ pseudonymized = "pseudonym", anonymized = "surrogate" }}
"入院符号" = {{ pseudonymized = "pseudonym", anonymized = "surrogate" }}
"コード" = {{ pseudonymized = "keep", anonymized = "keep" }}
"連番" = {{ pseudonymized = "keep", anonymized = "keep" }}
[[tables.ff1.when]]
match = {{ "コード" = "A000010" }}
columns."ペイロード1" = {{ pseudonymized = {{ truncate_date = "month" }}, anonymized = {{ truncate_date = "year" }} }}
columns."ペイロード2" = {{ pseudonymized = "keep", anonymized = "keep" }}
[[tables.ff1.when]]
match = {{ "コード" = "A000070" }}
as = "previous"
columns."ペイロード1" = {{ pseudonymized = "shift_date", anonymized = "drop" }}
[[tables.ff1.when]]
match = {{ "コード" = ["A006040"] }}
columns."ペイロード2" = {{ pseudonymized = "keep", anonymized = {{ rare = 10 }} }}
"#)).unwrap();
    };
    write("");
    let key = new_key(folder.path());
    let out = folder.path().join("out");
    let release = common::run(&policy, folder.path(), &key, &out, &[]);
    let (header, people) = records(&release.join("pseudonymized/ff1_a000010.csv"));
    assert_eq!(header, ["データ識別番号", "コード", "連番", "生年月日", "性別", "入院符号"]);
    assert_eq!(people.len(), 40);
    assert!(
        people.iter().all(|r| r[3].starts_with("1950-02") || r[3].starts_with("1951-09")),
        "{:?}",
        people[0]
    );
    let (_, previous) = records(&release.join("pseudonymized/previous.csv"));
    // (3) of the acceptance tests: a first admission stays what it is.
    assert!(previous.iter().all(|r| r[3] == "99999999"));
    let (_, others) = records(&release.join("anonymized/ff1_a006040.csv"));
    assert_eq!(others.len(), 80);
    assert!(!release.join("anonymized/ff1_unlisted.csv").exists());
    assert!(kakou(&["verify", text(&release)]).status.success());
    // The tables become one long file again, in the layout's own form: 17 columns, CP932, CRLF, no header.
    let long = folder.path().join("FF1_joined.out");
    let joined = kakou(&[
        "layout",
        "join",
        text(&release.join("pseudonymized")),
        "--policy",
        text(&policy),
        "--table",
        "ff1",
        "--out",
        text(&long),
    ]);
    assert!(joined.status.success(), "{}", error_of(&joined));
    let bytes = std::fs::read(&long).unwrap();
    let (whole, _, bad) = encoding_rs::SHIFT_JIS.decode(&bytes);
    let lines: Vec<Vec<&str>> =
        whole.split("\r\n").filter(|l| !l.is_empty()).map(|l| l.split('\t').collect()).collect();
    assert!(!bad && lines.len() == 160 && lines.iter().all(|l| l.len() == 17));
    for person in lines.chunks(4) {
        let codes: Vec<&str> = person.iter().map(|l| l[5]).collect();
        assert_eq!(codes, ["A000010", "A000070", "A006040", "A006040"]);
        assert!(person.iter().all(|l| l[1] == person[0][1] && l[1].len() == 26));
    }
    // (4): a code that nobody described stops the run.
    let more = rows.replacen("A000070", "Z999999", 1);
    std::fs::write(folder.path().join("FF1.txt"), cp932(&more)).unwrap();
    let output = kakou(&[
        "run",
        "--policy",
        text(&policy),
        "--input",
        text(folder.path()),
        "--key",
        text(&key),
        "--out",
        text(&out),
    ]);
    assert_eq!(output.status.code(), Some(3));
    assert!(
        error_of(&output).contains("row 2: no `when`") && !error_of(&output).contains("Z999999"),
        "{}",
        error_of(&output)
    );
}

#[test]
fn a_treatment_can_depend_on_what_else_is_released() {
    let folder = tempfile::tempdir().unwrap();
    let policy = folder.path().join("p.toml");
    for (disease, wanted) in [("keep", "県を落とす"), ("drop", "")] {
        std::fs::write(
            &policy,
            format!(
                r#"{HEAD}
[anonymized]
tier = "research"
[[anonymized.view]]
name = "person"
grain = "t"
quasi = ["t.性別"]
[[conditional]]
released = "t.難病"
then = {{ "t.県" = {{ pseudonymized = "drop" }} }}
reason = "難病コードと県の組"
[tables.t]
grain = "person"
source = {{ path = "t.csv" }}
keys = {{ patient = "id" }}
[tables.t.columns]
id = {{ role = "link", pseudonymized = "pseudonym", anonymized = "surrogate" }}
"性別" = {{ role = "quasi", pseudonymized = "keep", anonymized = "keep" }}
"県" = {{ role = "quasi", pseudonymized = "keep", anonymized = "drop" }}
"難病" = {{ role = "sensitive", pseudonymized = "{disease}", anonymized = "drop" }}
"#
            ),
        )
        .unwrap();
        let output = kakou(&["check", "--resolved", "--policy", text(&policy)]);
        assert!(output.status.success(), "{}", error_of(&output));
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let dropped = said.contains("[tables.t.columns.\"県\".pseudonymized.drop]");
        assert_eq!(dropped, !wanted.is_empty(), "{said}");
    }
}
