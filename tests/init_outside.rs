//! `kakou init` on layouts by others: names of columns as their makers publish them, values made up here. What is drafted is held
//! against roles and types that a person wrote down (`init_outside.csv`); the shares stand in docs/init.md.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::common::{kakou, repo, text};

const ROWS: usize = 200;

/// A made-up value of a kind.
fn value(kind: &str, n: usize) -> String {
    let of = |list: &[&str]| list[n * 7 % list.len()].to_owned();
    let (y, m, d) = (1930 + n * 3 % 80, 1 + n % 12, 1 + n % 28);
    match kind {
        "uuid" => format!(
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            n * 2_654_435,
            n % 65_536,
            n % 4096,
            n % 4096,
            n * 97
        ),
        "iso" => format!("{y}-{m:02}-{d:02}"),
        "iso_some" => {
            if n.is_multiple_of(3) {
                format!("20{:02}-{m:02}-{d:02}", 10 + n % 15)
            } else {
                String::new()
            }
        }
        "iso_time" => format!("20{:02}-{m:02}-{d:02} {:02}:{:02}:00", 10 + n % 15, n % 24, n % 60),
        "uk_date" => format!("{d:02}/{m:02}/20{:02}", 10 + n % 15),
        "compact" => format!("{y}{m:02}{d:02}"),
        "wareki" => format!("S{:02}.{m:02}.{d:02}", 1 + n % 63),
        "ssn" => format!("999-{:02}-{:04}", 10 + n % 89, 1000 + n),
        "licence" => format!("S999{:05}", n * 37),
        "passport" => format!("X{:08}X", n * 7919),
        "latin_given" => of(&["James", "Mary", "Robert", "Linda", "Michael", "Susan", "David"]),
        "latin_family" => of(&["Smith", "Johnson", "Brown", "Taylor", "Wilson", "Davies"]),
        "kanji_name" => {
            of(&["山田太郎", "佐藤花子", "鈴木一郎", "高橋美咲", "田中健一", "伊藤直美", "渡辺翔"])
        }
        "half_kana" => of(&["ﾔﾏﾀﾞ ﾀﾛｳ", "ｻﾄｳ ﾊﾅｺ", "ｽｽﾞｷ ｲﾁﾛｳ", "ﾀｶﾊｼ ﾐｻｷ", "ﾀﾅｶ ｹﾝｲﾁ"]),
        "letter" => of(&["M", "S", "D", "W"]),
        "word" => of(&["white", "black", "asian", "other", "native"]),
        "mf" => of(&["M", "F"]),
        "gender_word" => of(&["Male", "Female"]),
        "danjo" => of(&["男", "女"]),
        "onetwo" => of(&["1", "2"]),
        "us_address" => format!("{} Main Street Unit {}", 100 + n, n % 40),
        "ja_address" => {
            format!("東京都江東区東陽{}丁目{}番{}号", 1 + n % 7, 1 + n % 20, 1 + n % 15)
        }
        "town" => of(&["Boston", "Quincy", "Salem", "Lowell", "Worcester"]),
        "zip5" => format!("0{:04}", 1000 + n * 13 % 9000),
        "post7" => format!("135-{:04}", n * 37 % 10_000),
        "uk_post" => of(&["SW1A", "M1", "B33", "CR2", "DN55"]),
        "phone" => format!("03-5{:03}-{:04}", n % 1000, n * 31 % 10_000),
        "money" => format!("{}.{:02}", 100 + n * 371 % 90_000, n % 100),
        "lab" => format!("{}.{}", n * 17 % 200, n % 10),
        "lab_op" => {
            if n.is_multiple_of(11) {
                ">20(+)".into()
            } else {
                format!("{}.{}", n % 20, n % 10)
            }
        }
        "unit" => of(&["mg/dL", "mmol/L", "U/L", "%"]),
        "digits8" => (10_000_000 + n * 7919).to_string(),
        "digits8zero" => format!("{:08}", n * 7919),
        "age" => (18 + n * 7 % 73).to_string(),
        "year" => (1930 + n * 3 % 80).to_string(),
        "provider" => format!("P{:02}XQ{}", n % 60, n % 7),
        "bit" => (n % 2).to_string(),
        "icd10" => of(&["C189", "I639", "E119", "J189", "N390", "I489", "K565", "F329"]),
        "pid" => format!("{:03}-{:05}", n % 900, n * 37 % 99_999),
        "small" => (1 + n * 7 % 60).to_string(),
        "disease" => of(&[
            "Sepsis, pulmonary",
            "CVA, cerebrovascular accident",
            "Pneumonia, bacterial",
            "Trauma",
        ]),
        "alive" => of(&["Alive", "Expired"]),
        "band" => of(&["18-39", "40-49", "50-59", "60-69", "70-79", "80+"]),
        "free" => format!(
            "patient {n} was seen again today because of {} and went home in the evening",
            of(&["pain", "fever", "cough"])
        ),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_drafted_is_measured() {
    let truth = std::fs::read_to_string(repo("tests/init_outside.csv")).unwrap();
    let rows: Vec<Vec<&str>> = truth.lines().skip(1).map(|l| l.split(',').collect()).collect();
    let mut layouts: Vec<&str> = Vec::new();
    for row in &rows {
        if !layouts.contains(&row[0]) {
            layouts.push(row[0]);
        }
    }
    assert!(layouts.len() >= 12);
    let mut table = String::new();
    let mut all = [0_usize; 4];
    for layout in layouts {
        let work = tempfile::tempdir().unwrap();
        let mut tables: BTreeMap<&str, Vec<&Vec<&str>>> = BTreeMap::new();
        for row in rows.iter().filter(|r| r[0] == layout) {
            tables.entry(row[1]).or_default().push(row);
        }
        for (at, (_, columns)) in tables.iter().enumerate() {
            let names: Vec<&str> = columns.iter().map(|c| c[2]).collect();
            let mut csv = format!("{}\n", names.join(","));
            for n in 0..ROWS {
                let cells: Vec<String> =
                    columns.iter().map(|c| format!("\"{}\"", value(c[5], n))).collect();
                csv.push_str(&format!("{}\n", cells.join(",")));
            }
            std::fs::write(work.path().join(format!("table{}.csv", ["a", "b", "c", "d"][at])), csv)
                .unwrap();
        }
        let output = kakou(&["init", text(work.path())]);
        assert!(output.status.success());
        let draft = String::from_utf8(output.stdout).unwrap();
        let (mut roles, mut types, mut columns, mut exposed) = (0, 0, 0, Vec::new());
        for (at, (_, listed)) in tables.iter().enumerate() {
            let head = format!("[tables.table{}.columns]", ["a", "b", "c", "d"][at]);
            let part = draft.split(&head).nth(1).unwrap_or_default();
            let part = part.split("\n[tables.").next().unwrap();
            for row in listed {
                let start = format!("\"{}\" = {{", row[2]);
                let line = part.lines().find(|l| l.starts_with(&start)).unwrap_or_default();
                let is = |key: &str, words: &str| {
                    words.split('|').any(|w| line.contains(&format!("{key} = \"{w}\"")))
                };
                columns += 1;
                roles += usize::from(is("role", row[3]));
                types += usize::from(is("type", row[4]));
                // What identifies by itself must never be drafted to be kept.
                let identifies = matches!(row[3], "direct" | "id_code" | "link");
                if identifies && line.contains("\"keep\"") {
                    exposed.push(row[2]);
                }
                if !is("role", row[3]) {
                    eprintln!("{layout}: {line}");
                }
            }
        }
        let share = |n: usize| n * 100 / columns;
        writeln!(
            table,
            "| {layout} | {columns} | {} % | {} % | {} |",
            share(roles),
            share(types),
            exposed.len()
        )
        .unwrap();
        for (sum, n) in all.iter_mut().zip([columns, roles, types, exposed.len()]) {
            *sum += n;
        }
    }
    writeln!(
        table,
        "| **all** | {} | {} % | {} % | {} |",
        all[0],
        all[1] * 100 / all[0],
        all[2] * 100 / all[0],
        all[3]
    )
    .unwrap();
    eprintln!("{table}");
    for page in ["docs/init.md", "docs/init.ja.md"] {
        let path = repo(page);
        let text = std::fs::read_to_string(&path).unwrap();
        let (before, rest) = text.split_once("<!-- measured -->\n").unwrap();
        let (head, after) = rest.split_once("<!-- end -->").unwrap();
        let lines: Vec<&str> = head.lines().take(2).collect();
        let now =
            format!("{before}<!-- measured -->\n{}\n{table}<!-- end -->{after}", lines.join("\n"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &now).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap(), now, "UPDATE=1 writes {page}");
    }
}
