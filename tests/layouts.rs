//! Layout packs and row-dependent columns, from outside.

use crate::common::{self, error_of, kakou, new_key, records, text};

/// Head of a policy for tests; tables follow.
const HEAD: &str = "[policy]\nid = \"t\"\nversion = \"1\"\nprofile = \"ngmia\"\n[person]\nkey = \"patient\"\n\
[pseudonymized]\nproject = \"p\"\nrecipient = \"r\"\n[not_applicable]\n\"18-2\" = \"none\"\n\"33-2\" = \"none\"\n\"33-3\" = \"none\"\n";

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
fn a_long_table_is_one_table_a_code() {
    let (folder, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
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
    let out = outside.path().join("out");
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
    std::fs::remove_file(&long).unwrap();
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

/// All packs of DPC files and receipts.
fn all_packs() -> Vec<(String, kakou::schema::layout::Pack)> {
    kakou::schema::layout::SHIPPED
        .iter()
        .filter(|s| s.id.starts_with("dpc/") || s.id.starts_with("uke/"))
        .map(|s| (s.id.to_owned(), toml::from_str(s.text).unwrap()))
        .collect()
}

#[test]
fn the_packs_have_the_widths_that_the_sources_give() {
    let mut found: std::collections::BTreeMap<String, Vec<String>> =
        std::collections::BTreeMap::new();
    for (id, pack) in all_packs() {
        let (folder, name) = id.split_once('/').unwrap();
        let (family, name) = match (folder, name.split_once('-')) {
            ("uke", Some((form, record))) => (format!("uke {form}"), record),
            ("uke", None) => ("uke ika".to_owned(), name),
            _ => (folder.to_owned(), name),
        };
        found.entry(family).or_default().push(format!("{name} {}", pack.columns.list.len()));
    }
    let wanted: [(&str, &str); 6] = [
        ("dpc", "d 30, ef-inpatient 31, ef-outpatient 31, ff1-wide 355, ff1 17, ff4 5, h 29, k 5"),
        (
            "uke chozai",
            "co 11, cz 79, ho 22, iy 18, jd 12, ki 122, ko 18, mf 41, re 46, sh 18, sn 17, st 24, tk 11, to 15",
        ),
        (
            "uke ika",
            "co 14, gr 12, ho 24, iy 24, jd 13, ko 21, mf 42, re 42, si 24, sj 12, sn 18, sy 17, to 28",
        ),
        (
            "uke dpc",
            "bu 15, cd 20, co 14, ga 16, gr 12, gt 21, hh 18, ho 25, iy 24, jd 13, kk 23, ko 22, mf 42, re 34, sb 17, si 24, sj 12, sk 16, sn 18, sy 17, to 28",
        ),
        (
            "uke homon",
            "co 13, hj 13, ho 21, ih 16, jd 13, js 15, ka 18, ko 17, mf 42, re 19, rj 38, sn 18, sy 14",
        ),
        (
            "uke shika",
            "co 20, ho 23, hs 22, iy 19, jd 13, ko 19, mf 42, re 31, si 18, sj 12, sn 18, ss 89, to 25",
        ),
    ];
    assert_eq!(found.len(), wanted.len());
    for (family, widths) in wanted {
        let mut widths: Vec<&str> = widths.split(", ").collect();
        let mut there: Vec<&str> = found[family].iter().map(String::as_str).collect();
        widths.sort_unstable();
        there.sort_unstable();
        assert_eq!(there, widths, "{family}");
    }
}

#[test]
fn every_column_has_type_role_and_source() {
    use kakou::schema::{Role, Type};
    for (id, pack) in all_packs() {
        assert!(pack.layout.source.len() > 20, "{id}");
        let columns = pack.columns.list.iter().chain(pack.when.iter().flat_map(|w| &w.list));
        for column in columns {
            assert!(!column.cite.is_empty(), "{id} {}", column.name);
            // A text type is for what is text.
            assert!(
                column.ty != Type::String
                    || matches!(
                        column.role,
                        Role::Direct | Role::IdCode | Role::ThirdParty | Role::Text
                    ),
                "{id} {}",
                column.name
            );
        }
    }
}

/// What the sources call a name, a birth date, a number of a person, a telephone or free text has no weaker role.
#[test]
fn names_births_numbers_and_free_text_have_no_weaker_role() {
    use kakou::schema::{DateKind, Role};
    let has = |name: &str, words: &[&str]| words.iter().any(|w| name.contains(w));
    let ends = |name: &str, words: &[&str]| words.iter().any(|w| name.ends_with(w));
    let mut met = [0; 5];
    for (id, pack) in all_packs() {
        let when = pack.when.iter().flat_map(|w| &w.list);
        for column in pack.columns.list.iter().chain(when) {
            let name = column.alias.as_deref().unwrap_or(&column.name);
            let role = column.role;
            let at = if has(name, &["氏名", "カナ", "電話"]) {
                assert!(matches!(role, Role::Direct | Role::ThirdParty), "{id} {name}");
                // Only another person's name may be a third party's.
                assert!(role == Role::Direct || has(name, &["主治医", "保険医"]), "{id} {name}");
                0
            } else if has(name, &["生年月日"]) {
                assert!(role == Role::Quasi && column.kind == Some(DateKind::Birth), "{id} {name}");
                1
            } else if has(name, &["被保険者証等の", "公費受給者番号", "枝番"])
                || name == "受給者番号"
            {
                assert!(matches!(role, Role::IdCode | Role::Direct), "{id} {name}");
                2
            } else if has(
                name,
                &[
                    "データ識別番号",
                    "カルテ番号",
                    "検索番号",
                    "レセプト番号",
                    "調剤録番号",
                    "訪問看護記録番号",
                    "共通ID",
                ],
            ) {
                assert!(matches!(role, Role::Link | Role::Direct), "{id} {name}");
                3
            } else if ends(
                name,
                &[
                    "傷病名",
                    "傷病名称",
                    "手術名",
                    "自由記載",
                    "文字データ",
                    "文字データ1",
                    "文字データ2",
                    "文字データ3",
                    "請求情報",
                    "死因",
                    "心身の状態",
                    "診療明細名称",
                    "商品名及び規格又はサイズ",
                    "症状詳記データ",
                    "特別指示",
                    "重症度等",
                ],
            ) || name == "補足コメント"
            {
                // 歯式コード_傷病名 is the code of teeth.
                assert!(role == Role::Text || name.starts_with("歯式コード"), "{id} {name}");
                4
            } else {
                continue;
            };
            met[at] += 1;
        }
    }
    assert!(met.iter().all(|&n| n >= 10), "{met:?}");
}

#[test]
fn the_codes_of_form_1_change_with_the_fiscal_years() {
    use std::collections::BTreeSet;
    let pack: kakou::schema::layout::Pack =
        toml::from_str(kakou::schema::layout::shipped("dpc/ff1").unwrap().text).unwrap();
    type Pack = kakou::schema::layout::Pack;
    let codes = |year: &str| -> BTreeSet<&str> {
        let of_year = pack.when.iter().filter(|w| Pack::has(&w.editions, year));
        of_year.flat_map(|w| w.matching["コード"].list()).map(String::as_str).collect()
    };
    let payloads = |year: &str| -> usize {
        let of_year = pack.when.iter().filter(|w| Pack::has(&w.editions, year));
        of_year.flat_map(|w| &w.list).filter(|c| Pack::has(&c.editions, year)).count()
    };
    for (year, wanted) in [
        ("2022", (59, 184)),
        ("2023", (59, 184)),
        ("2024", (70, 218)),
        ("2025", (70, 218)),
        ("2026", (67, 192)),
    ] {
        assert_eq!((codes(year).len(), payloads(year)), wanted, "{year}");
    }
    let changes = |from: &str, to: &str| -> (Vec<&str>, Vec<&str>) {
        let (a, b) = (codes(from), codes(to));
        (a.difference(&b).copied().collect(), b.difference(&a).copied().collect())
    };
    assert_eq!(
        changes("2025", "2026"),
        (
            vec!["A001020", "A001030", "A006060", "M170030", "M170040", "M170050", "M170060"],
            vec!["A000021", "A001050", "A004060", "ADL0005"]
        )
    );
    assert_eq!(
        changes("2023", "2024"),
        (
            vec!["M040030", "M050010", "M050040", "M050050"],
            vec![
                "A001040", "A004040", "A004050", "FIM0020", "M040031", "M050011", "M050041",
                "M050051", "M050080", "M050090", "M150010", "M170030", "M170040", "M170050",
                "M170060"
            ]
        )
    );
    // No payload says two things in one year, and the dates are where the definitions have them.
    let mut dates = Vec::new();
    for when in &pack.when {
        for year in ["2022", "2024", "2026"] {
            let mut seen = BTreeSet::new();
            for column in when.list.iter().filter(|c| Pack::has(&c.editions, year)) {
                assert!(seen.insert(column.name.as_str()), "{} {}", when.title, column.name);
            }
        }
        let own = when.list.iter().filter(|c| c.ty.is_date());
        dates.extend(own.map(|c| {
            format!(
                "{}.{}",
                when.matching["コード"].list()[0],
                c.name.trim_start_matches("ペイロード")
            )
        }));
    }
    assert_eq!(
        dates.join(" "),
        "A000010.1 A000020.1 A000030.1 A000031.1 A000031.2 A000070.1 A000070.2 A001030.1 A001030.2 A001040.6 \
         A007010.1 FIM0010.1 FIM0010.2 FIM0020.1 M170030.1 M180010.2 M180010.3 M180010.4 M180011.2 M180011.3 \
         M180020.2 M180020.3 M180020.4 M180021.2 M180021.3"
    );
}
