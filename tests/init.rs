//! `kakou init` on folders as they lie on a hospital's disk: known layouts are recognized, nothing of a patient is shown.

use std::path::Path;
use std::process::Command;

use crate::common::{self, error_of, kakou, text};

fn synth(out: &Path, layouts: &str) {
    let output = kakou(&[
        "synth",
        "--patients",
        "300",
        "--hospitals",
        "2",
        "--layouts",
        layouts,
        "--out",
        text(out),
    ]);
    assert!(output.status.success(), "{}", error_of(&output));
}

fn draft(folder: &Path) -> String {
    let output = kakou(&["init", text(folder)]);
    assert!(output.status.success(), "{}", error_of(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// The draft with its blanks filled passes `check` on the files.
fn fits(work: &Path, draft: &str, data: &Path) {
    let policy = work.join("policy.toml");
    std::fs::write(&policy, draft).unwrap();
    let output = kakou(&["check", "--policy", text(&policy), "--input", text(data)]);
    assert_eq!(output.status.code(), Some(2), "a draft with blanks must not pass");
    let filled = draft
        .replace("project = \"\"", "project = \"p\"")
        .replace("recipient = \"\"", "recipient = \"r\"");
    std::fs::write(&policy, filled).unwrap();
    let output = kakou(&["check", "--policy", text(&policy), "--input", text(data)]);
    assert!(output.status.success(), "{}\n{draft}", error_of(&output));
}

/// Every patient number and name of the made-up persons, from the truth of the generator.
fn values(out: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let planted = std::fs::read_to_string(out.join("truth/planted.csv")).unwrap();
    for line in planted.lines().skip(1) {
        // Layout and kind are words of the generator; the value stands in quotes.
        found.extend(line.split('"').nth(1).map(str::to_owned));
    }
    let bytes = std::fs::read(out.join("csv/persons.csv")).unwrap();
    let (text, _, _) = encoding_rs::SHIFT_JIS.decode(&bytes);
    for line in text.lines().skip(1) {
        found.extend(line.split(',').map(|c| c.trim_matches('"').trim().to_owned()));
    }
    found.retain(|v| v.chars().count() >= 6 && v.chars().any(|c| !c.is_ascii_lowercase()));
    found.sort();
    found.dedup();
    assert!(found.len() > 500);
    found
}

#[test]
fn files_of_known_layouts_become_a_draft_that_extends_a_shipped_policy() {
    let work = tempfile::tempdir().unwrap();
    let out = work.path().join("D");
    synth(&out, "csv,dpc,lab,uke,ssmix2,omop");
    let values = values(&out);
    // DPC and laboratory files side by side, in subfolders as they are.
    let both = work.path().join("both");
    std::fs::create_dir(&both).unwrap();
    for part in ["dpc", "lab"] {
        std::fs::rename(out.join(part), both.join(part)).unwrap();
    }
    for (folder, extends) in [
        (both.join("dpc"), "kakou:dpc-hub"),
        (both.join("lab"), "kakou:lab"),
        (both, "kakou:dpc-lab"),
        (out.join("omop"), "kakou:omop54"),
        (out.join("ssmix2"), "kakou:ssmix2"),
    ] {
        let draft = draft(&folder);
        assert!(draft.contains(&format!("extends = \"{extends}\"")), "{draft}");
        let settled = common::settled(&draft);
        let leaked = values.iter().filter(|v| settled.contains(v.as_str())).count();
        assert_eq!(leaked, 0, "{extends}: values of cells in the draft");
        if extends != "kakou:omop54" {
            fits(work.path(), &draft, &folder);
        }
    }
    let receipts = draft(&out.join("uke"));
    assert!(receipts.contains("extends = \"kakou:receipt\""), "{receipts}");
    assert!(receipts.contains("layout = \"uke/dpc-re@"), "{receipts}");
    let settled = common::settled(&receipts);
    assert_eq!(values.iter().filter(|v| settled.contains(v.as_str())).count(), 0);
}

#[test]
fn a_part_of_the_files_leaves_tables_views_and_rules_out() {
    let work = tempfile::tempdir().unwrap();
    let out = work.path().join("D");
    synth(&out, "dpc");
    let part = work.path().join("part");
    std::fs::create_dir(&part).unwrap();
    for file in std::fs::read_dir(out.join("dpc")).unwrap().flatten() {
        let name = file.file_name().into_string().unwrap();
        if name.starts_with("FF1_") || name.starts_with("EFn_") {
            std::fs::copy(file.path(), part.join(name)).unwrap();
        }
    }
    let draft = draft(&part);
    assert!(draft.contains("without = ["), "{draft}");
    assert!(draft.contains("same = []"), "{draft}");
    assert!(draft.contains("name = \"stay\"") && !draft.contains("name = \"visit\""), "{draft}");
    fits(work.path(), &draft, &part);
}

#[test]
fn a_file_without_header_and_layout_shows_no_cell() {
    let work = tempfile::tempdir().unwrap();
    let row = "0000123456,19540301,YAMADA TARO,GOT,24,U/L\n";
    for n in 1..=3 {
        let text = row.repeat(5).replace("123456", &format!("12345{n}"));
        std::fs::write(work.path().join(format!("export_20260{n}.csv")), text).unwrap();
    }
    let output = kakou(&["init", text(work.path())]);
    let draft = common::settled(&String::from_utf8(output.stdout).unwrap());
    for cell in ["000012345", "19540301", "YAMADA", "GOT"] {
        assert!(!draft.contains(cell), "{draft}");
    }
    assert!(draft.contains("export_*.csv") && draft.contains("6 columns, 3 files"), "{draft}");
}

#[test]
fn dirt_does_not_turn_a_birth_date_into_a_code() {
    let work = tempfile::tempdir().unwrap();
    let mut csv = String::from("患者ID,生年月日,検査日,郵便番号,市区町村\n");
    for n in 0..60 {
        let birth = if n == 7 { "00000000".to_owned() } else { format!("19{:02}0203", n + 10) };
        let day = if n == 9 { "不明" } else { "2025/1/3" };
        csv.push_str(&format!("{n:08},{birth},{day},231{n:04},横浜市\n"));
    }
    std::fs::write(work.path().join("a.csv"), csv).unwrap();
    let draft = draft(work.path());
    let line = |name: &str| draft.lines().find(|l| l.starts_with(&format!("\"{name}\""))).unwrap();
    let birth = line("生年月日");
    for part in ["quasi", "type = \"date\"", "kind = \"birth\"", "specials = [\"00000000\"]"] {
        assert!(birth.contains(part), "{birth}");
    }
    assert!(line("検査日").contains("role = \"quasi\", type = \"date\", kind = \"event\""));
    assert!(line("郵便番号").contains("type = \"code\", code = \"postal\""));
    assert!(line("市区町村").contains("quasi"));
    assert!(line("検査日").contains("missing = [\"不明\"]"), "{draft}");
}

/// Days under names that say nothing, as they are spelled in Japanese files: none is kept, and births are known for births.
#[test]
fn days_under_weak_names_are_never_kept() {
    let work = tempfile::tempdir().unwrap();
    let mut csv = String::from("患者ID,甲,乙,丙,丁,戊,己,庚,辛,壬,癸,和,洋\n");
    for n in 0..60_usize {
        let (year, month, day) = (n * 7 % 55 + 8, n * 5 % 12 + 1, n * 11 % 28 + 1);
        let event = (n * 5 % 12 + 1, n * 17 % 28 + 1);
        let serial = 45_300 + n * 6;
        csv.push_str(&format!(
            "{n:08},S{year}.{month}.{day},昭和{year}年{month}月{day}日,25/{:02}/{:02},{}/{},R07{:02}{:02},2025-{:02}-{:02},3{year:02}{month:02}{day:02},{serial},{},{}月{}日,2025{:02},{}-{:02}-{:02}\n",
            event.0, event.1, event.0, event.1, event.0, event.1, event.0, event.1, 1925 + year, event.0, event.1, event.0,
            1925 + year, month, day
        ));
    }
    std::fs::write(work.path().join("a.csv"), csv).unwrap();
    let draft = draft(work.path());
    let line = |name: &str| draft.lines().find(|l| l.starts_with(&format!("\"{name}\""))).unwrap();
    for name in ["甲", "乙", "庚", "洋"] {
        for part in ["role = \"quasi\"", "type = \"date\"", "kind = \"birth\""] {
            assert!(line(name).contains(part), "{name}: {}", line(name));
        }
    }
    for name in ["丙", "丁", "戊", "辛", "癸"] {
        for part in ["role = \"quasi\"", "pseudonymized = \"drop\", anonymized = \"drop\""] {
            assert!(line(name).contains(part), "{name}: {}", line(name));
        }
    }
    assert!(line("己").contains("kind = \"event\""), "{}", line("己"));
    assert!(line("和").contains("type = \"partial_date\""), "{}", line("和"));
    assert!(line("壬").contains("role = \"quasi\""), "{}", line("壬"));
    for row in draft.lines().filter(|l| l.starts_with('"')) {
        assert!(!row.contains("\"keep\""), "{row}");
    }
}

/// Births of few persons, of whom the other dates are not far apart.
#[test]
fn dates_long_before_the_others_are_births() {
    let work = tempfile::tempdir().unwrap();
    let mut csv = String::from("患者ID,X1,X2\n");
    for n in 0..8 {
        csv.push_str(&format!(
            "{n:08},{}/0{}/1{n},2025/0{}/0{}\n",
            1950 + n,
            n % 3 + 1,
            n % 9 + 1,
            n + 1
        ));
    }
    std::fs::write(work.path().join("a.csv"), csv).unwrap();
    let draft = draft(work.path());
    let line = |name: &str| {
        let heads = [format!("\"{name}\""), format!("{name} =")];
        draft.lines().find(|l| heads.iter().any(|h| l.starts_with(h))).unwrap()
    };
    assert!(line("X1").contains("kind = \"birth\""), "{draft}");
    assert!(line("X2").contains("kind = \"event\""), "{draft}");
}

/// Names and parts of a birth under headers that say little: nothing of it is kept.
#[test]
fn names_and_parts_of_births_are_never_kept() {
    let work = tempfile::tempdir().unwrap();
    let data = work.path().join("in");
    std::fs::create_dir(&data).unwrap();
    let of = |list: &[&str], n: usize| list[n % list.len()].to_owned();
    let family = ["SMITH", "JONES", "O'NEIL", "TANAKA", "SATO", "BROWN", "MILLER"];
    let given =
        ["JOHN", "MARY", "KENJI", "LINDA", "HANAKO", "PAUL", "EMMA", "XAVIER", "YUKI", "AYA"];
    let columns: Vec<(&str, Box<dyn Fn(usize) -> String>)> = vec![
        ("patient_id", Box::new(|n| format!("P{n:05}"))),
        ("patnm", Box::new(|n| format!("ア{n}"))),
        ("pt_nm", Box::new(|n| format!("ア{n}"))),
        ("kanaNm", Box::new(|n| format!("ア{n}"))),
        ("motherName", Box::new(|n| format!("ア{n}"))),
        ("guardian", Box::new(|n| format!("ア{n}"))),
        ("nok", Box::new(|n| format!("ア{n}"))),
        ("emergency_contact", Box::new(|n| format!("ア{n}"))),
        ("addr1", Box::new(|n| format!("ア{n}"))),
        ("tel2", Box::new(|n| format!("{n}"))),
        ("c3", Box::new(move |n| format!("{}, {}", of(&family, n), of(&given, n / 7)))),
        ("c4", Box::new(move |n| format!("{} {}", of(&given, n / 7), of(&family, n)))),
        ("days_old", Box::new(|n| (n * 37 % 9000).to_string())),
        ("age_m", Box::new(|n| (n * 7 % 200).to_string())),
        ("x1", Box::new(move |n| of(&["S", "H", "R"], n))),
        ("x2", Box::new(|n| (1 + n % 60).to_string())),
        ("元号", Box::new(move |n| of(&["3", "4", "5"], n))),
        ("年", Box::new(|n| (1 + n % 30).to_string())),
        ("月", Box::new(|n| (1 + n % 12).to_string())),
        ("日", Box::new(|n| (1 + n % 28).to_string())),
        ("dob_y", Box::new(|n| (1930 + n % 80).to_string())),
        ("c7", Box::new(|n| (1930 + n % 80).to_string())),
        ("c8", Box::new(|n| (1 + n % 12).to_string())),
        ("c9", Box::new(|n| (1 + n % 28).to_string())),
        ("value", Box::new(|n| format!("{}.{}", n % 90, n % 10))),
        (
            "drug",
            Box::new(move |n| {
                of(&["Aspirin", "Warfarin", "Heparin", "Insulin", "Digoxin", "Morphine"], n)
            }),
        ),
    ];
    let mut csv = columns.iter().map(|c| c.0).collect::<Vec<_>>().join(",") + "\n";
    for n in 0..200 {
        let row: Vec<String> = columns.iter().map(|c| format!("\"{}\"", c.1(n))).collect();
        csv += &(row.join(",") + "\n");
    }
    std::fs::write(data.join("p.csv"), csv).unwrap();
    let text = draft(&data);
    let kept = |name: &str| {
        let name = [format!("\"{name}\" "), format!("{name} "), format!("\"{name}\"=")];
        let line =
            text.lines().find(|l| name.iter().any(|n| l.trim_start().starts_with(n.as_str())));
        line.unwrap_or_else(|| panic!("{text}")).contains("\"keep\"")
    };
    let wrong: Vec<&str> = columns
        .iter()
        .map(|c| c.0)
        .filter(|name| !matches!(*name, "x1" | "x2" | "value" | "drug") && kept(name))
        .collect();
    assert!(wrong.is_empty(), "{wrong:?}\n{text}");
    assert!(kept("value") && kept("drug"), "{text}");
}

#[test]
fn a_shipped_policy_runs_by_its_name() {
    let output = Command::new(env!("CARGO_BIN_EXE_kakou"))
        .env("LC_ALL", "C")
        .args(["check", "--policy", "kakou:dpc-hub"])
        .current_dir(tempfile::tempdir().unwrap().path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    let output = kakou(&["check", "--policy", "kakou:dpc-hib"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(error_of(&output).contains("`dpc-hub`"), "{}", error_of(&output));
}

#[test]
fn a_patients_number_in_another_table_is_told() {
    let work = tempfile::tempdir().unwrap();
    let (mut persons, mut notes) = (String::from("患者ID,性別\n"), String::from("記録番号,所見\n"));
    for n in 0..40 {
        persons.push_str(&format!("PT{n:06}9,1\n"));
        notes.push_str(&format!("{n},PT{n:06}9 さんの件で連絡あり。変わりなし\n"));
    }
    std::fs::write(work.path().join("persons.csv"), persons).unwrap();
    std::fs::write(work.path().join("notes.csv"), notes).unwrap();
    let draft = draft(work.path());
    let after = draft.lines().skip_while(|l| !l.starts_with("\"所見\"")).nth(1).unwrap();
    assert!(after.contains("hospital_number") && after.contains("40 / 40"), "{draft}");
    let own = draft.lines().skip_while(|l| !l.starts_with("\"患者ID\"")).nth(1).unwrap();
    assert!(!own.contains("hospital_number"), "{draft}");
    assert!(!common::settled(&draft).contains("PT00"), "{draft}");
}

/// An export of one's own: romaji and English names, numbers of stays, words for "none", codes that only their values tell.
fn export(folder: &Path) {
    let names = ["山田太郎", "佐藤花子", "鈴木一郎", "高橋美咲", "田中健一", "伊藤直美"];
    let icd = ["C189", "I639", "E119", "J189", "S7200", "N390"];
    let mut patients = "KANJA_NO,COL2,KANA,TEL,SEINENGAPPI,SEIBETSU,ZIP\n".to_owned();
    let mut stays = "kanja_no,nyuin_no,nyuin_bi,code1,value\n".to_owned();
    let mut labs = "kanja_no,nyuin_no,CRP\n".to_owned();
    for n in 0..120 {
        patients.push_str(&format!(
            "K{n:07},{},ﾔﾏﾀﾞ ﾀﾛｳ,090-1234-{n:04},19{}0101,{},231{:04}\n",
            names[n % 6],
            30 + n % 60,
            1 + n % 2,
            n % 20
        ));
        for stay in 0..2 {
            let number = n * 2 + stay;
            let value =
                if number % 30 == 4 { "検体不良".into() } else { format!("{}.5", number % 9) };
            stays.push_str(&format!(
                "K{n:07},N{number:06},202501{:02},{},{value}\n",
                1 + n % 28,
                icd[n % 6]
            ));
            labs.push_str(&format!("K{n:07},N{number:06},{}\nK{n:07},N{number:06},-\n", n % 7));
        }
    }
    std::fs::write(folder.join("patients.csv"), patients).unwrap();
    std::fs::write(folder.join("stays.csv"), stays).unwrap();
    std::fs::write(folder.join("labs.csv"), labs).unwrap();
    std::fs::write(folder.join("manual.pdf"), "x").unwrap();
}

#[test]
fn values_decide_what_names_do_not_say() {
    let work = tempfile::tempdir().unwrap();
    export(work.path());
    let draft = draft(work.path());
    let line = |name: &str| draft.lines().find(|l| l.starts_with(&format!("\"{name}\""))).unwrap();
    for (name, parts) in [
        ("COL2", &["role = \"direct\"", "pseudonymized = \"drop\"", "anonymized = \"drop\""][..]),
        ("KANA", &["role = \"direct\""]),
        ("TEL", &["role = \"direct\""]),
        ("SEIBETSU", &["role = \"quasi\"", "labels = { \"1\" = \"男\", \"2\" = \"女\" }"]),
        ("ZIP", &["role = \"quasi\"", "code = \"postal\""]),
        ("code1", &["role = \"sensitive\"", "code = \"icd10\""]),
        ("value", &["type = \"decimal\"", "missing = [\"検体不良\"]"]),
        ("CRP", &["type = \"integer\"", "missing = [\"-\"]"]),
    ] {
        for part in parts {
            assert!(line(name).contains(part), "{name}: {part}\n{}", line(name));
        }
    }
    // A row a person, a row a stay, and rows of both.
    let table = |name: &str| {
        let head = format!("[tables.{name}]");
        draft.lines().skip_while(|l| *l != head).take(4).collect::<Vec<_>>().join("\n")
    };
    assert!(table("patients").contains("grain = \"person\""), "{draft}");
    assert!(table("stays").contains("grain = \"stay\""), "{draft}");
    let both = "keys = { patient = \"kanja_no\", stay = \"nyuin_no\" }";
    assert!(table("stays").contains(both) && table("labs").contains(both), "{draft}");
    assert!(table("labs").contains("grain = \"event\""));
    assert!(draft.contains("#   manual.pdf") && draft.contains("[[anonymized.view]]"));
    assert!(
        draft.contains(
            "quasi = [\"patients.SEINENGAPPI\", \"patients.SEIBETSU\", \"patients.ZIP\"]"
        ),
        "{draft}"
    );
    for cell in ["山田", "090-1234", "K0000001", "ﾔﾏﾀﾞ"] {
        assert!(!draft.contains(cell), "{cell}");
    }
}

#[test]
fn what_is_open_is_counted_asked_for_and_closed() {
    use std::io::Write as _;
    let work = tempfile::tempdir().unwrap();
    let data = work.path().join("data");
    std::fs::create_dir(&data).unwrap();
    export(&data);
    let policy = work.path().join("policy.toml");
    std::fs::write(&policy, draft(&data)).unwrap();
    let output = kakou(&["check", "--policy", text(&policy)]);
    assert_eq!(output.status.code(), Some(2));
    let told = error_of(&output);
    assert!(told.contains("P0017") && told.contains("decisions left"), "{told}");
    let listed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        listed.contains("stays.nyuin_bi (pseudonymized)") && listed.contains("\"shift_date\""),
        "{listed}"
    );
    // Enter takes the first of the treatments that fit.
    let mut child = common::program()
        .args(["init", text(&data), "--ask"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all("\n".repeat(100).as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let made = String::from_utf8(output.stdout).unwrap();
    assert!(error_of_bytes(&output.stderr).contains("decisions left: 0"));
    assert!(!made.contains("= \"decide\"") && made.contains("# 下書き"), "{made}");
    let filled = made
        .replace("project = \"\"", "project = \"p\"")
        .replace("recipient = \"\"", "recipient = \"r\"")
        .replace("[anonymized]\n", "ignore = [\"manual.pdf\"]\n[not_applicable]\n\"18-2\" = \"none\"\n\"33-2\" = \"none\"\n\"33-3\" = \"none\"\n[anonymized]\n");
    // Keys of the top level stand before the first table.
    let filled = filled.replace("ignore = [\"manual.pdf\"]\n", "");
    let filled = format!("ignore = [\"manual.pdf\"]\n{filled}");
    std::fs::write(&policy, filled).unwrap();
    let output = kakou(&["check", "--policy", text(&policy), "--input", text(&data)]);
    assert!(output.status.success(), "{}\n{made}", error_of(&output));
}

/// It only reads: the first signal ends it, also where it waits for an answer.
#[test]
fn a_draft_ends_at_the_first_signal() {
    use std::io::Read as _;
    let work = tempfile::tempdir().unwrap();
    export(work.path());
    let mut child = common::program()
        .args(["init", text(work.path()), "--ask"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    // Something was asked: it waits.
    child.stderr.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    let pid = child.id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    for _ in 0..1_000 {
        if let Some(status) = child.try_wait().unwrap() {
            assert_eq!(status.code(), Some(130));
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    panic!("it goes on after a signal");
}

fn error_of_bytes(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
