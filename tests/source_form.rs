//! Releases in the form of their sources: every byte that the page promises is kept, files are read again by the program and by plain
//! readers here, and nobody is named.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::common::{self, error_of, files, kakou, new_key, records, repo, run, text};

fn ok(arguments: &[&str]) -> String {
    let output = kakou(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", error_of(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn refused(policy: &Path) -> String {
    let output = kakou(&["check", "--policy", text(policy)]);
    assert!(!output.status.success());
    error_of(&output)
}

/// The policies of the page, as a reader copies them.
fn of_page(nth: usize) -> String {
    let page = std::fs::read_to_string(repo("docs/source-form.md")).unwrap();
    let japanese = std::fs::read_to_string(repo("docs/source-form.ja.md")).unwrap();
    let block = page.split("```toml\n").nth(nth + 1).unwrap().split("```").next().unwrap();
    assert!(japanese.contains(block), "the pages differ in {block}");
    block.to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    files(folder).iter().map(|f| f.file_name().unwrap().to_str().unwrap().to_owned()).collect()
}

/// The lines of text without their ends, which are all CR LF or all LF.
fn lines(bytes: &[u8], crlf: bool) -> Vec<Vec<u8>> {
    assert!(bytes.ends_with(b"\n"));
    let mut lines: Vec<Vec<u8>> = bytes.split(|&b| b == b'\n').map(<[u8]>::to_vec).collect();
    lines.pop();
    for line in &mut lines {
        assert_eq!(line.last() == Some(&b'\r'), crlf);
        if crlf {
            line.pop();
        }
    }
    lines
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    lines(&std::fs::read(path).unwrap(), true)
        .into_iter()
        .map(|line| {
            let (text, _, bad) = encoding_rs::SHIFT_JIS.decode(&line);
            assert!(!bad);
            text.split('\t').map(|cell| cell.trim().to_owned()).collect()
        })
        .collect()
}

fn is_token(text: &str) -> bool {
    text.len() == 26 && text.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// What of the planted identifiers is long enough to be told from other bytes.
fn planted(data: &Path) -> Vec<String> {
    let (header, rows) = records(&data.join("truth/planted.csv"));
    let at = |name: &str| header.iter().position(|h| h == name).unwrap();
    let (kind, value) = (at("kind"), at("value"));
    let long = |v: &str| if v.is_ascii() { v.len() >= 8 } else { v.chars().count() >= 2 };
    let wanted = rows.iter().filter(|row| row[kind] != "decoy" && long(&row[value]));
    wanted.map(|row| row[value].clone()).collect::<BTreeSet<_>>().into_iter().collect()
}

/// The numbers of patients in the DPC files themselves.
fn numbers(input: &Path) -> Vec<String> {
    let mut all = BTreeSet::new();
    for path in input.is_dir().then(|| files(input)).into_iter().flatten() {
        if path.file_name().unwrap().to_str().unwrap().starts_with("FF1_") {
            let bytes = std::fs::read(&path).unwrap();
            let (text, _, _) = encoding_rs::SHIFT_JIS.decode(&bytes);
            all.extend(text.lines().filter_map(|l| Some(l.split('\t').nth(1)?.trim().to_owned())));
        }
    }
    let filler = |n: &String| n.bytes().all(|b| b == b'9' || b == b'0');
    all.into_iter().filter(|n| n.len() >= 8 && !filler(n)).collect()
}

fn names_nobody(data: &Path, release: &Path, more: &[&str]) {
    let mut wanted = planted(data);
    wanted.extend(numbers(&data.join("dpc")));
    assert!(!wanted.is_empty());
    wanted.extend(more.iter().map(|&m| m.to_owned()));
    let search = aho_corasick::AhoCorasick::new(&wanted).unwrap();
    // The record stays in the house; its report may tell figures by hospital.
    for folder in ["pseudonymized", "anonymized"] {
        for (path, says) in common::shown(&release.join(folder)) {
            assert!(!search.is_match(&path) && !search.is_match(&says), "{path}");
        }
    }
}

const KINDS: [(&str, &str, usize, usize); 6] = [
    ("FF1", "dpc/ff1@2025", 17, 1),
    ("FF4", "dpc/ff4@2025", 0, 1),
    ("Dn", "dpc/d@2025", 30, 1),
    ("EFn", "dpc/ef-inpatient@2025", 31, 1),
    ("EFg", "dpc/ef-outpatient@2025", 31, 1),
    ("Hn", "dpc/h@2025", 29, 2),
];

#[test]
fn a_dpc_survey_is_written_back_as_the_files_that_came_in() {
    let work = tempfile::tempdir().unwrap();
    let data = work.path().join("data");
    let made = ["--patients", "160", "--hospitals", "2", "--layouts", "dpc", "--out", text(&data)];
    ok(&[&["synth", "--quiet"], &made[..]].concat());
    let policy = work.path().join("policy.toml");
    let few = "\n[anonymized]\nsuppress = { unit = \"row\", at_most = 1.0 }\nbecause = \"few made-up persons\"\n";
    std::fs::write(&policy, of_page(0) + few).unwrap();
    let key = new_key(work.path());
    let input = data.join("dpc");
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);
    let small = run(&policy, &input, &key, &work.path().join("small"), &["--memory", "1M"]);
    for release in [&release, &small] {
        ok(&["verify", "--quiet", text(release)]);
    }
    let hospitals: BTreeSet<String> =
        names(&input).iter().map(|n| n.split('_').nth(1).unwrap().to_owned()).collect();
    let codes: Vec<&str> = hospitals.iter().map(String::as_str).collect();
    assert_eq!(codes.len(), 2);
    names_nobody(&data, &release, &codes);

    // The same bytes, however much memory there is.
    let pseudonymized = release.join("pseudonymized");
    for name in names(&pseudonymized).iter().filter(|n| n.ends_with(".txt")) {
        let read =
            |release: &Path| std::fs::read(release.join("pseudonymized").join(name)).unwrap();
        assert!(read(&release) == read(&small), "{name}");
    }

    // The same kinds of files for as many hospitals, each with the rows of its name and in the order of tokens.
    let mut facilities = BTreeSet::new();
    for (kind, layout, width, person) in KINDS {
        let mine: Vec<PathBuf> = files(&pseudonymized)
            .into_iter()
            .filter(|f| f.file_name().unwrap().to_str().unwrap().starts_with(&format!("{kind}_")))
            .collect();
        assert!(mine.len() >= 2, "{kind}");
        for path in &mine {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            let parts: Vec<&str> = name.split('_').collect();
            let rows = rows(path);
            assert!(is_token(parts[1]) && !rows.is_empty());
            facilities.insert(parts[1].to_owned());
            assert!(rows.iter().all(|row| row[0] == parts[1] && is_token(&row[person])), "{name}");
            assert!(width == 0 || rows.iter().all(|row| row.len() == width), "{name}");
            assert!(rows.windows(2).all(|w| w[0][person] <= w[1][person]), "{name}");
            let act = if kind == "Dn" { 17 } else { 23 };
            if let (Some(month), "EFn" | "Dn") = (parts.get(2), kind) {
                assert!(
                    rows.iter().all(|row| row[act].get(2..6).unwrap_or("0000") == *month),
                    "{name}"
                );
            }
        }
        let said = ok(&["layout", "check", text(&mine[0]), "--layout", layout]);
        assert!(said.contains("fits"), "{said}");
    }
    assert_eq!(facilities.len(), 2);
    // What is left out is the layout's filler, or empty; what was shortened has eight digits.
    let of = |kind: &str| {
        let found = files(&pseudonymized)
            .into_iter()
            .find(|f| f.file_name().unwrap().to_str().unwrap().starts_with(kind));
        rows(&found.unwrap())
    };
    assert!(of("EFn").iter().all(|row| row[26].is_empty() && row[10].is_empty()));
    assert!(of("Dn").iter().all(|row| row[25] == "00000000" && row[29].is_empty()));
    assert!(of("EFg").iter().all(|row| row[2].len() == 8 && row[2].ends_with("00")));

    // The anonymized files: one a kind, all columns, the stay's token where the layout has room for it.
    let ff1 = rows(&release.join("anonymized/FF1.txt"));
    let ef = rows(&release.join("anonymized/EFn.txt"));
    assert!(ff1.len() > 100 && ef.len() > 100);
    assert!(ff1.iter().all(|row| row.len() == 17 && row[0].is_empty() && is_token(&row[3])));
    assert!(ef.iter().all(|row| row.len() == 31 && row[2] == "00000000" && is_token(&row[3])));
    let stays: BTreeSet<&String> = ff1.iter().map(|row| &row[3]).collect();
    assert!(ef.iter().any(|row| stays.contains(&row[3])));
    assert!(!release.join("anonymized/Hn.txt").exists());

    is_read_again(work.path(), &policy, &input, &key, &release);
    tampering_is_found(&release);
}

/// The program knows the layouts of what it wrote, runs the policy on it, and makes the same bytes of the source again.
fn is_read_again(work: &Path, policy: &Path, input: &Path, key: &Path, release: &Path) {
    let pseudonymized = release.join("pseudonymized");
    let again = work.join("again");
    std::fs::create_dir(&again).unwrap();
    for path in files(&pseudonymized).iter().filter(|p| p.extension().unwrap() == "txt") {
        std::fs::copy(path, again.join(path.file_name().unwrap())).unwrap();
    }
    let draft = ok(&["init", text(&again)]);
    for table in ["ff1", "ff4", "d", "ef_in", "ef_out", "h"] {
        assert!(!draft.contains(&format!("without = [\"{table}\"")), "{draft}");
    }
    assert!(draft.contains("extends = \"kakou:dpc-hub\""), "{draft}");
    let child = work.join("again.toml");
    std::fs::write(&child, format!("extends = {:?}\nwithout = [\"k\"]\n", text(policy))).unwrap();
    let second = run(&child, &again, key, &work.join("second"), &[]);
    ok(&["verify", "--quiet", text(&second)]);
    let told = |release: &Path| -> serde_json::Value {
        let bytes = std::fs::read(release.join("record/statement.json")).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    let (one, two) = (told(release), told(&second));
    assert_eq!(two["persons"]["read"], one["persons"]["released"]["pseudonymized"]);
    let replayed = ok(&[
        "replay",
        text(release),
        "--policy",
        text(policy),
        "--input",
        text(input),
        "--key",
        text(key),
    ]);
    assert!(replayed.contains("the same bytes"), "{replayed}");
}

/// A row in a file whose name it does not make, and a filler that is none.
fn tampering_is_found(release: &Path) {
    let pseudonymized = release.join("pseudonymized");
    let efs: Vec<PathBuf> = files(&pseudonymized)
        .into_iter()
        .filter(|f| f.file_name().unwrap().to_str().unwrap().starts_with("EFn_"))
        .collect();
    let tamper = |path: &Path, bytes: Vec<u8>| {
        let before = std::fs::read(path).unwrap();
        std::fs::write(path, bytes).unwrap();
        common::relist(release);
        let output = kakou(&["verify", text(release)]);
        assert!(!output.status.success());
        std::fs::write(path, before).unwrap();
        common::relist(release);
    };
    let first = std::fs::read(&efs[0]).unwrap();
    let end = first.iter().position(|&b| b == b'\n').unwrap() + 1;
    tamper(&efs[1], [&first[..end], &std::fs::read(&efs[1]).unwrap()[..]].concat());
    let mut open = std::fs::read(release.join("anonymized/EFn.txt")).unwrap();
    let filler = open.windows(8).position(|w| w == b"00000000").unwrap();
    open[filler..filler + 8].copy_from_slice(b"20260401");
    tamper(&release.join("anonymized/EFn.txt"), open);
    ok(&["verify", "--quiet", text(release)]);
}

const PLAIN: &str = r#"
releases = ["pseudonymized"]
[policy]
id = "t"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[output]
form = "source"
formula = "keep"
[not_applicable]
"33-2" = "made up"
"33-3" = "made up"
[tables.t]
grain = "event"
source = { SOURCE }
keys = { patient = "id" }
[tables.t.columns]
"when" = { role = "payload", type = "date", kind = "event", specials = ["00000000"], pseudonymized = "keep" }
"id" = { role = "link", pseudonymized = "pseudonym" }
"値" = { role = "payload", pseudonymized = "keep" }
"n" = { role = "payload", type = "decimal", specials = ["9999"], pseudonymized = "keep" }
"#;

/// Bytes of a file and how a policy says that they are read.
fn written(
    delimiter: &str,
    (crlf, quotes): (bool, &str),
    header: bool,
    encoding: &str,
) -> (Vec<u8>, String) {
    let end = if crlf { "\r\n" } else { "\n" };
    let mut whole = String::new();
    let cells = [
        ["20260401", "0001", "腎不全", "1.50"],
        ["00000000", "0002", "a b", "9999"],
        ["2026-04-03", "0001", "", "-3"],
        ["R8.4.4", "0003", ">1000(+)", "1,000"],
        ["20260405", "0004", "＝髙①", ""],
    ];
    let names = [["when", "id", "値", "n"]];
    let head: &[[&str; 4]] = if header { &names } else { &[] };
    for row in head.iter().chain(&cells) {
        let shown: Vec<String> = row
            .iter()
            .map(|cell| {
                let needed = cell.contains(delimiter);
                let number = cell.replace(',', "").parse::<f64>().is_ok();
                let quote = match quotes {
                    "all" => true,
                    "text" => needed || !(number || cell.is_empty()),
                    "needed" => needed,
                    _ => false,
                };
                if quote { format!("\"{cell}\"") } else { (*cell).to_owned() }
            })
            .collect();
        whole.push_str(&shown.join(delimiter));
        whole.push_str(end);
    }
    let bytes = match encoding {
        "cp932" => encoding_rs::SHIFT_JIS.encode(&whole).0.into_owned(),
        "utf-8-bom" => [b"\xef\xbb\xbf", whole.as_bytes()].concat(),
        "iso-2022-jp" => {
            encoding_rs::ISO_2022_JP.encode(&whole.replace(['髙', '①'], "高")).0.into_owned()
        }
        _ => whole.into_bytes(),
    };
    let ends = if crlf { "crlf" } else { "lf" };
    let delimiter = if delimiter == "\t" { "\\t" } else { delimiter };
    let source = format!(
        "path = \"t*.csv\", encoding = \"{encoding}\", delimiter = \"{delimiter}\", header = {header}, line_ends = \"{ends}\", quotes = \"{quotes}\""
    );
    (bytes, source)
}

/// The lines with the second cell, which is the token, taken out of them; sorted but for a header.
fn without_person(bytes: &[u8], crlf: bool, header: bool, delimiter: u8) -> Vec<Vec<u8>> {
    let mut lines = lines(bytes, crlf);
    for line in &mut lines {
        let mut parts: Vec<Vec<u8>> = line.split(|&b| b == delimiter).map(<[u8]>::to_vec).collect();
        parts[1].clear();
        *line = parts.join(&delimiter);
    }
    lines[usize::from(header)..].sort();
    lines
}

#[test]
fn text_keeps_every_byte_but_the_numbers_of_patients() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let mut tried = 0;
    for (delimiter, crlf, quotes, header, encoding) in [
        (",", true, "all", true, "utf-8-bom"),
        (",", false, "needed", true, "utf-8"),
        (",", true, "text", true, "cp932"),
        ("\t", true, "never", false, "cp932"),
        (";", false, "all", false, "utf-8"),
        (";", true, "needed", true, "iso-2022-jp"),
        ("|", false, "never", true, "utf-8"),
    ] {
        let folder = work.path().join(tried.to_string());
        let (bytes, source) = written(delimiter, (crlf, quotes), header, encoding);
        let input = folder.join("input");
        std::fs::create_dir_all(&input).unwrap();
        std::fs::write(input.join("t1.csv"), &bytes).unwrap();
        let policy = folder.join("policy.toml");
        std::fs::write(&policy, PLAIN.replace("SOURCE", &source)).unwrap();
        let release = run(&policy, &input, &key, &folder.join("out"), &[]);
        ok(&["verify", "--quiet", text(&release)]);
        let after = std::fs::read(release.join("pseudonymized/t.csv")).unwrap();
        let delimiter = delimiter.as_bytes()[0];
        let [before, after] =
            [&bytes, &after].map(|bytes| without_person(bytes, crlf, header, delimiter));
        assert!(before == after, "{source}");
        // What `init` sees is what the policy said.
        if header && encoding != "iso-2022-jp" {
            let draft = ok(&["init", text(&input)]);
            assert_eq!(draft.contains("line_ends = \"crlf\""), crlf, "{draft}");
            let word = format!("quotes = \"{quotes}\"");
            assert_eq!(draft.contains(&word), ["all", "text"].contains(&quotes), "{draft}");
            assert_eq!(draft.contains("encoding = \"utf-8-bom\""), encoding == "utf-8-bom");
        }
        tried += 1;
    }
    assert_eq!(tried, 7);
}

/// What is planted in the free text of 様式1.
const NOTES: [&str; 5] = ["phone", "person_name", "insured_symbol", "birth_date", "my_number"];

/// A policy that keeps everything but the numbers of patients, whatever it is: for a test alone.
fn everything(layout: &str, pattern: &str) -> String {
    let pack: toml::Table = ok(&["layout", "show", layout, "--toml"]).parse().unwrap();
    let list =
        |of: &toml::Value| of.get("list").and_then(|l| l.as_array()).cloned().unwrap_or_default();
    let has = |of: &toml::Value| {
        let editions = of.get("editions").and_then(|e| e.as_array());
        editions.is_none_or(|e| e.is_empty() || e.iter().any(|e| e.as_str() == Some("2025")))
    };
    let line = |of: &toml::Value| {
        let name = of["name"].as_str().unwrap();
        let code = ["データ識別番号", "一次共通ID"].contains(&name);
        let (role, treatment) = if code { ("link", "pseudonym") } else { ("payload", "keep") };
        let kind = if of.get("kind").is_some() { ", kind = \"event\"" } else { "" };
        format!(
            "\"{name}\" = {{ role = \"{role}\"{kind}, pseudonymized = \"{treatment}\", because = \"test\" }}\n"
        )
    };
    let (head, _) = PLAIN.split_once("[tables.t]").unwrap();
    // Bytes that are no text are set aside; padding is kept where nothing is trimmed.
    let mut says = format!(
        "{head}[tables.t]\nlayout = \"{layout}@2025\"\nset_aside = [\"bytes\"]\nsource = {{ path = \"{pattern}\", trim = false }}\n[tables.t.columns]\n"
    );
    let columns = list(&pack["columns"]);
    for column in columns.iter().filter(|c| c.get("per_row").is_none() && has(c)) {
        says.push_str(&line(column));
    }
    if pack["keys"].get("stay").is_some() {
        says.push_str("\"入院符号\" = { role = \"link\", pseudonymized = \"drop\" }\n");
    }
    let mut waived = Vec::new();
    if columns.iter().any(|c| c["name"].as_str() == Some("保険者番号")) {
        waived.push(("insurer", "t.保険者番号"));
    }
    for when in pack.get("when").and_then(|w| w.as_array()).into_iter().flatten().filter(|w| has(w))
    {
        let matching: Vec<String> = when["match"]
            .as_table()
            .unwrap()
            .iter()
            .map(|(column, values)| format!("\"{column}\" = {values}"))
            .collect();
        says.push_str(&format!("[[tables.t.when]]\nmatch = {{ {} }}\n", matching.join(", ")));
        for column in list(when).iter().filter(|c| has(c)) {
            says.push_str(&format!("columns.{}", line(column)));
        }
        if matching[0].contains("A000080") {
            let note = "t_a000080.ペイロード9";
            waived.extend(NOTES.map(|detector| (detector, note)));
        }
    }
    for (detector, column) in waived {
        says.push_str(&format!(
            "[[waive]]\ndetector = \"{detector}\"\ncolumn = \"{column}\"\nreason = \"made up\"\n"
        ));
    }
    says
}

#[test]
fn every_dpc_file_is_written_again_byte_for_byte() {
    let work = tempfile::tempdir().unwrap();
    let data = work.path().join("data");
    let made = ["--patients", "200", "--hospitals", "1", "--layouts", "dpc", "--out", text(&data)];
    ok(&[&["synth", "--quiet"], &made[..]].concat());
    let key = new_key(work.path());
    for (layout, kind, tokens) in [
        ("dpc/ff1", "FF1_", &[1][..]),
        ("dpc/ff4", "FF4_", &[1]),
        ("dpc/d", "Dn_", &[1]),
        ("dpc/ef-inpatient", "EFn_", &[1]),
        ("dpc/ef-outpatient", "EFg_", &[1]),
        ("dpc/h", "Hn_", &[2]),
        ("dpc/k", "Kn_", &[1, 4]),
    ] {
        let input = work.path().join(kind);
        std::fs::create_dir(&input).unwrap();
        let mut before = Vec::new();
        // 様式1 has codes of one edition in a fiscal year.
        let mine = files(&data.join("dpc")).into_iter().filter(|f| {
            let name = f.file_name().unwrap().to_str().unwrap();
            name.starts_with(kind) && name.contains("_24")
        });
        for path in mine {
            before.extend(std::fs::read(&path).unwrap());
            std::fs::copy(&path, input.join(path.file_name().unwrap())).unwrap();
        }
        let policy = work.path().join(format!("{kind}.toml"));
        std::fs::write(&policy, everything(layout, &format!("{kind}*.txt"))).unwrap();
        let release = run(&policy, &input, &key, &work.path().join(format!("out-{kind}")), &[]);
        ok(&["verify", "--quiet", text(&release)]);
        let after = std::fs::read(release.join("pseudonymized/t.txt")).unwrap();
        let [before, after] = [&before, &after].map(|bytes| {
            let mut rows: Vec<Vec<u8>> = lines(bytes, true)
                .into_iter()
                .filter(|line| !encoding_rs::SHIFT_JIS.decode(line).2)
                .map(|line| {
                    let mut cells: Vec<&[u8]> = line.split(|&b| b == b'\t').collect();
                    tokens.iter().for_each(|&t| cells[t] = b"");
                    cells.join(&b'\t')
                })
                .collect();
            rows.sort();
            rows
        });
        assert!(before.len() > 20 && before == after, "{layout}: {} rows", before.len());
    }
}

#[test]
fn a_wide_form_one_keeps_its_header_and_its_columns() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let pack: toml::Table = ok(&["layout", "show", "dpc/ff1-wide", "--toml"]).parse().unwrap();
    let of_edition = |c: &&toml::Value| {
        let editions = c.get("editions").and_then(|e| e.as_array());
        editions.is_none_or(|e| e.is_empty() || e.iter().any(|e| e.as_str() == Some("2025")))
    };
    let names: Vec<&str> = pack["columns"]["list"]
        .as_array()
        .unwrap()
        .iter()
        .filter(of_edition)
        .map(|c| c["name"].as_str().unwrap())
        .collect();
    assert!(names.len() > 300);
    let mut whole = names.join("\t") + "\r\n";
    for n in 0..30 {
        let cells: Vec<String> = names
            .iter()
            .map(|name| match *name {
                "施設コード" => "149900011".to_owned(),
                "データ識別番号" => format!("{:010}", 5_100_000 + n),
                "入院年月日" => format!("202504{:02}", n + 1),
                "A000010_生年月日" => "19500203".to_owned(),
                "A000010_性別" => "1".to_owned(),
                "A006010_傷病名" => "急性腎不全".to_owned(),
                _ => String::new(),
            })
            .collect();
        whole.push_str(&(cells.join("\t") + "\r\n"));
    }
    let input = work.path().join("input");
    std::fs::create_dir(&input).unwrap();
    let before = encoding_rs::SHIFT_JIS.encode(&whole).0.into_owned();
    std::fs::write(input.join("wide.txt"), &before).unwrap();
    let policy = work.path().join("policy.toml");
    let says = everything("dpc/ff1-wide", "wide.txt")
        .replace("trim = false", "line_ends = \"crlf\", quotes = \"never\"");
    std::fs::write(&policy, says).unwrap();
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);
    ok(&["verify", "--quiet", text(&release)]);
    let after = std::fs::read(release.join("pseudonymized/t.txt")).unwrap();
    let [before, after] = [&before, &after].map(|b| without_person(b, true, true, b'\t'));
    assert!(before == after);
}

#[test]
fn laboratory_results_come_back_as_they_came() {
    let work = tempfile::tempdir().unwrap();
    let data = work.path().join("data");
    let made = ["--patients", "300", "--hospitals", "2", "--layouts", "lab", "--out", text(&data)];
    ok(&[&["synth", "--quiet"], &made[..]].concat());
    let policy = work.path().join("policy.toml");
    std::fs::write(&policy, of_page(1)).unwrap();
    let key = new_key(work.path());
    let input = data.join("lab");
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);
    ok(&["verify", "--quiet", text(&release)]);
    names_nobody(&data, &release, &[]);
    let source = std::fs::read(files(&input).first().unwrap()).unwrap();
    let head = |bytes: &[u8]| bytes.split(|&b| b == b'\n').next().unwrap().to_vec();
    let mut again = work.path().join("again");
    std::fs::create_dir(&again).unwrap();
    for kind in ["pseudonymized", "anonymized"] {
        let mine: Vec<PathBuf> = files(&release.join(kind))
            .into_iter()
            .filter(|f| f.file_name().unwrap().to_str().unwrap().starts_with("lab_"))
            .collect();
        assert_eq!(mine.len(), if kind == "pseudonymized" { 2 } else { 1 });
        for path in mine {
            let bytes = std::fs::read(&path).unwrap();
            assert_eq!(head(&bytes), head(&source));
            assert!(lines(&bytes, true).len() > 100);
            if kind == "pseudonymized" {
                std::fs::copy(&path, again.join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    let second = run(&policy, &again, &key, &work.path().join("second"), &[]);
    ok(&["verify", "--quiet", text(&second)]);
    again.pop();
}

#[test]
fn omop_comes_back_with_its_columns() {
    let work = tempfile::tempdir().unwrap();
    let data = work.path().join("data");
    let made = ["--patients", "300", "--layouts", "omop", "--out", text(&data)];
    ok(&[&["synth", "--quiet"], &made[..]].concat());
    let key = new_key(work.path());
    let policy = work.path().join("omop.toml");
    let body = "extends = \"kakou:omop54\"\n[output]\nform = \"source\"\n[anonymized]\nsuppress = { unit = \"row\", at_most = 1.0 }\nbecause = \"few made-up persons\"\n";
    std::fs::write(&policy, body).unwrap();
    let input = data.join("omop");
    let release = run(&policy, &input, &key, &work.path().join("out"), &[]);
    ok(&["verify", "--quiet", text(&release)]);
    let columns = |path: &Path| records(path).0;
    let mut seen = 0;
    for path in files(&input) {
        let name = path.file_name().unwrap().to_str().unwrap().to_lowercase();
        let back = release.join("pseudonymized").join(&name);
        if back.exists() {
            let lower =
                |list: Vec<String>| list.iter().map(|c| c.to_lowercase()).collect::<Vec<_>>();
            assert_eq!(lower(columns(&path)), lower(columns(&back)), "{name}");
            seen += 1;
        }
    }
    assert!(seen >= 5, "{seen}");
}

#[test]
fn parquet_keeps_its_columns_and_its_values() {
    let work = tempfile::tempdir().unwrap();
    let key = new_key(work.path());
    let input = work.path().join("input");
    std::fs::create_dir(&input).unwrap();
    let body = "when,id,値,n\n20260401,1,腎不全,1.5\n20260402,2,,9999\n20260403,2,b,-3\n";
    std::fs::write(input.join("t.csv"), body).unwrap();
    let step = |name: &str, path: &str, output: &str, input: &Path| {
        let policy = work.path().join(format!("{name}.toml"));
        // The class of numbers that are none stands beside them where a table is typed: here it is left out.
        let says = PLAIN
            .replace("SOURCE", &format!("path = \"{path}\""))
            .replace("form = \"source\"", output)
            .replace(", specials = [\"9999\"]", "")
            .replace(", specials = [\"00000000\"]", "")
            .replace(
                "\"値\" = { role = \"payload\", pseudonymized = \"keep\" }",
                "\"値\" = { role = \"payload\", pseudonymized = \"drop\" }",
            );
        std::fs::write(&policy, says).unwrap();
        let release = run(&policy, input, &key, &work.path().join(name), &[]);
        ok(&["verify", "--quiet", text(&release)]);
        release.join("pseudonymized")
    };
    let columns = |folder: &Path| -> Vec<String> {
        let draft = ok(&["init", text(folder)]);
        let names = draft.lines().filter_map(|l| l.strip_prefix('"')?.split_once("\" = {"));
        names.map(|(name, _)| name.to_owned()).collect()
    };
    let keep = |folder: &Path, file: &str| {
        let kept = work.path().join(format!("kept-{}", folder.components().count() + file.len()));
        let kept = kept.with_extension(folder.parent().unwrap().file_name().unwrap());
        std::fs::create_dir(&kept).unwrap();
        std::fs::copy(folder.join(file), kept.join(file)).unwrap();
        kept
    };
    // A Parquet file with a column that the next release leaves out.
    let made = work.path().join("first.toml");
    let says = PLAIN
        .replace("SOURCE", "path = \"t.csv\"")
        .replace("form = \"source\"", "format = \"parquet\"");
    std::fs::write(
        &made,
        says.replace(", specials = [\"9999\"]", "").replace(", specials = [\"00000000\"]", ""),
    )
    .unwrap();
    let first = run(&made, &input, &key, &work.path().join("first"), &[]);
    let parquet = keep(&first.join("pseudonymized"), "t.parquet");
    let second = step("second", "t.parquet", "form = \"source\"", &parquet);
    let back = keep(&second, "t.parquet");
    assert_eq!(columns(&back), ["when", "id", "値", "n"]);
    let third = step("third", "t.parquet", "format = \"csv\"", &back);
    let (header, mut rows) = records(&third.join("t.csv"));
    assert_eq!(header, ["when", "id", "n"]);
    // Numbers of Parquet are doubles: `9999.0`.
    for row in &mut rows {
        row[1].clear();
        row[2] = row[2].trim_end_matches(".0").to_owned();
    }
    rows.sort();
    let wanted = [["2026-04-01", "", "1.5"], ["2026-04-02", "", "9999"], ["2026-04-03", "", "-3"]];
    assert_eq!(rows, wanted.map(|row| row.map(str::to_owned).to_vec()));
}

#[test]
fn what_cannot_have_the_form_of_its_source_is_refused_with_its_place() {
    let work = tempfile::tempdir().unwrap();
    let check = |text: String| {
        let path = work.path().join("policy.toml");
        std::fs::write(&path, text).unwrap();
        refused(&path)
    };
    for shipped in ["ssmix2", "receipt"] {
        let said = check(format!("extends = \"kakou:{shipped}\"\n[output]\nform = \"source\"\n"));
        assert!(said.contains("P0351"), "{said}");
        assert_eq!(said.contains("receipt_file"), shipped == "receipt", "{said}");
    }
    let plain = PLAIN.replace("SOURCE", "path = \"t.csv\"");
    let table = |files: &str| {
        plain.replace(
            "[tables.t.columns]",
            &format!("files = {{ pseudonymized = \"{files}\" }}\n[tables.t.columns]"),
        )
    };
    for files in [
        "t_{値}.csv",
        "t_{when}.csv",
        "t_{id:yymm}.csv",
        "t_{nobody}.csv",
        "{id}.csv",
        "../t_{id}.csv",
        "t_{id}{when:yymm}",
    ] {
        let said = check(table(files));
        assert!(said.contains("P0352"), "{files}: {said}");
    }
    let said = check(table("t_{id}.csv").replace("form = \"source\"", ""));
    assert!(said.contains("P0352"), "{said}");
    let two = table("t_{id}.csv")
        + &plain
            .split("[tables.t]")
            .nth(1)
            .map(|t| {
                format!(
                    "[tables.u]\nfiles = {{ pseudonymized = \"t_x_{{id}}.csv\" }}{}",
                    t.replace("[tables.t.columns]", "[tables.u.columns]")
                )
            })
            .unwrap();
    let said = check(two);
    assert!(said.contains("P0352") && said.contains("`t` and `u`"), "{said}");
    for word in ["bounds = true", "cells = \"normalized\"", "measured = \"split\""] {
        let said = check(plain.replace("formula = \"keep\"", word));
        assert!(said.contains("P0351"), "{word}: {said}");
    }
    let said = check(plain.replace("\"t.csv\"", "\"t.csv\", encoding = \"utf-16\""));
    assert!(said.contains("P0351"), "{said}");
}

#[test]
fn files_of_genomes_and_tables_of_genotypes_are_refused() {
    let work = tempfile::tempdir().unwrap();
    let input = work.path().join("input");
    std::fs::create_dir(&input).unwrap();
    let key = new_key(work.path());
    let policy = work.path().join("policy.toml");
    let plain = PLAIN.replace("SOURCE", "path = \"t.csv\"");
    std::fs::write(&policy, &plain).unwrap();
    std::fs::write(input.join("t.csv"), "when,id,値,n\n20260401,1,a,1\n20260402,2,b,2\n").unwrap();
    let fails = |arguments: &[&str]| {
        let output = kakou(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        error_of(&output)
    };
    let out = work.path().join("out");
    let run_it = [
        "run",
        "--quiet",
        "--policy",
        text(&policy),
        "--input",
        text(&input),
        "--key",
        text(&key),
        "--out",
        text(&out),
    ];
    let check_it = ["check", "--policy", text(&policy), "--input", text(&input), "--data"];
    ok(&check_it);
    for (name, bytes) in [
        ("山田.vcf", &b"##fileformat=VCFv4.2\n#CHROM\n"[..]),
        ("reads.txt", b"@r\nACGTACGTACGTACGTACGTACGT\n+\nIIIIIIIIIIIIIIIIIIIIIIII\n"),
        ("x.bam", b"\x1f\x8b\x08"),
    ] {
        let path = input.join(name);
        std::fs::write(&path, bytes).unwrap();
        for arguments in [&run_it[..], &check_it[..]] {
            let said = fails(arguments);
            assert!(said.contains("D0420") && said.contains("個人識別符号"), "{said}");
            assert!(!said.contains("山田"), "{said}");
        }
        let draft = ok(&["init", text(&input)]);
        assert!(draft.contains("施行令1条1号イ") && !draft.contains(name), "{draft}");
        std::fs::remove_file(path).unwrap();
    }
    // Forty columns of SNPs.
    let snps: Vec<String> = (0..40).map(|n| format!("rs{}", 7000 + n)).collect();
    let wide = |n: usize| {
        format!(
            "when,id,値,n,{}\n20260401,1,a,1{}\n20260402,2,b,2{}\n",
            snps[..n].join(","),
            ",AG".repeat(n),
            ",GG".repeat(n)
        )
    };
    let with = |n: usize, treatment: &str| {
        let columns: String = snps[..n]
            .iter()
            .map(|s| {
                format!("\"{s}\" = {{ role = \"payload\", pseudonymized = \"{treatment}\" }}\n")
            })
            .collect();
        plain.clone() + &columns
    };
    for (n, treatment, refused) in [(40, "keep", true), (39, "keep", false), (40, "drop", false)] {
        std::fs::write(input.join("t.csv"), wide(n)).unwrap();
        std::fs::write(&policy, with(n, treatment)).unwrap();
        if refused {
            for arguments in [&run_it[..], &check_it[..]] {
                let said = fails(arguments);
                assert!(said.contains("D0421") && said.contains("施行令1条1号イ"), "{said}");
            }
        } else {
            ok(&check_it);
        }
    }
    std::fs::write(input.join("t.csv"), wide(40)).unwrap();
    let draft = ok(&["init", text(&input)]);
    let mut drafted: BTreeMap<&str, u32> = BTreeMap::new();
    for line in draft.lines().filter(|l| l.starts_with("\"rs7")) {
        *drafted
            .entry(if line.contains("role = \"id_code\"") { "code" } else { "other" })
            .or_default() += 1;
    }
    assert_eq!(drafted, BTreeMap::from([("code", 40)]), "{draft}");
}
