//! Detectors in a run: a column that holds identifiers stops the release, a waiver with a reason lets it pass and stands in
//! the record, free text is redacted; and the figures of the documentation are those of the command.

use std::path::{Path, PathBuf};

use crate::common::{self, error_of, files, kakou, new_key, releases, repo, run, settled, text};
use kakou::cli::detect::{NOTES, SEED};
use kakou::detect::{DETECTORS, measure};
use kakou::synth::notes::notes;

const POLICY: &str = r#"[policy]
id = "test"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
[[anonymized.view]]
name = "v"
grain = "visits"
quasi = ["visits.性別"]
k = 2
[not_applicable]
"18-2" = "none"
"33-2" = "none"
"33-3" = "none"
"18-4" = "none"
[tables.visits]
grain = "event"
source = { path = "visits.csv" }
keys = { patient = "患者ID" }
[tables.visits.columns]
"患者ID" = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
"氏名" = { role = "direct", pseudonymized = "drop", anonymized = "drop" }
"生年月日" = { role = "direct", type = "date", kind = "birth", pseudonymized = "drop", anonymized = "drop" }
"性別" = { role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }
"内線" = { role = "payload", pseudonymized = "keep", anonymized = "drop", because = "a test" }
"オーダ番号" = { role = "payload", type = "code", pseudonymized = "keep", anonymized = "drop", because = "a test" }
"備考" = { role = "text", pseudonymized = "drop", anonymized = "drop" }
"#;

fn input(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    std::fs::create_dir_all(&data).unwrap();
    let mut csv = String::from("患者ID,氏名,生年月日,性別,内線,オーダ番号,備考\n");
    for i in 0..60_u64 {
        let phone = if i == 7 {
            "０４５−１２３−４５６７".to_owned()
        } else {
            format!("{}", 1000 + i)
        };
        let order = 202_401_000_001 + i * 7;
        let note = match i % 4 {
            0 => "檜山 麗奈子の夫へ説明、TEL 090-1234-5678",
            1 => "S30.1.2出生、鈴木先生へ",
            2 => "ID:00004007 の件",
            _ => "経過良好",
        };
        csv.push_str(&format!(
            "{:08},檜山　麗奈子,19550102,{},{phone},{order},{note}\n",
            4000 + i,
            1 + i % 2
        ));
    }
    std::fs::write(data.join("visits.csv"), csv).unwrap();
    data
}

fn attempt(policy: &str) -> (std::process::Output, tempfile::TempDir) {
    let work = tempfile::tempdir().unwrap();
    let (data, key) = (input(work.path()), new_key(work.path()));
    let path = work.path().join("policy.toml");
    std::fs::write(&path, policy).unwrap();
    let out = work.path().join("out");
    let output = kakou(&[
        "run",
        "--quiet",
        "--policy",
        text(&path),
        "--input",
        text(&data),
        "--key",
        text(&key),
        "--out",
        text(&out),
    ]);
    (output, work)
}

const WAIVER: &str =
    "[[waive]]\ndetector = \"phone\"\ncolumn = \"visits.内線\"\nreason = \"病院の代表番号\"\n";

#[test]
fn a_finding_stops_the_release_and_names_no_value() {
    let (output, work) = attempt(POLICY);
    assert_eq!(output.status.code(), Some(1), "{}", error_of(&output));
    let error = settled(&error_of(&output));
    for part in ["C0305", "`visits`", "`内線`", "`phone`", "<10 rows", "[[waive]]"] {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert!(
        !error.contains("4567") && !error.contains('４') && !error.contains("my_number"),
        "{error}"
    );
    assert!(releases(&work.path().join("out")).is_empty());
}

#[test]
fn a_waiver_lets_it_pass_and_stands_in_the_record() {
    let unneeded =
        "[[waive]]\ndetector = \"card\"\ncolumn = \"visits.オーダ番号\"\nreason = \"番号\"\n";
    let (output, work) = attempt(&format!("{POLICY}{WAIVER}{unneeded}"));
    assert!(output.status.success(), "{}", error_of(&output));
    let release = releases(&work.path().join("out")).pop().unwrap();
    let statement: serde_json::Value =
        serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
            .unwrap();
    let detectors = &statement["proof"]["detectors"];
    assert_eq!(detectors["normalization"], "kakou-text-1");
    let finding = &detectors["findings"][0];
    assert_eq!(finding["detector"], "phone");
    assert_eq!(finding["waived"], "病院の代表番号");
    assert_eq!((&finding["rows"], &finding["persons"]), (&"<10".into(), &"<10".into()));
    let warnings = statement["warnings"].to_string();
    assert!(
        warnings.contains("W0120") && warnings.contains("`card`") && !warnings.contains("`phone`"),
        "{warnings}"
    );
}

#[test]
fn waivers_must_name_what_exists_and_why() {
    for (from, to, expected) in [
        ("\"phone\"", "\"fone\"", "did you mean `phone`?"),
        ("visits.内線", "visits.外線", "no column"),
        ("病院の代表番号", " ", "without a reason"),
        ("reason", "why", "P0002"),
    ] {
        let (output, _work) = attempt(&format!("{POLICY}{}", WAIVER.replacen(from, to, 1)));
        assert_eq!(output.status.code(), Some(2));
        assert!(error_of(&output).contains(expected), "{expected}: {}", error_of(&output));
    }
}

#[test]
fn redacted_text_keeps_no_identifier() {
    let policy = format!("{POLICY}{WAIVER}").replacen(
        "role = \"text\", pseudonymized = \"drop\"",
        "role = \"text\", pseudonymized = \"redact\"",
        1,
    );
    let (output, work) = attempt(&policy);
    assert!(output.status.success(), "{}", error_of(&output));
    let release = releases(&work.path().join("out")).pop().unwrap();
    let csv = std::fs::read_to_string(release.join("pseudonymized/visits.csv")).unwrap();
    let csv = settled(&csv);
    for gone in ["檜山", "麗奈子", "090", "鈴木", "4007", "S30"] {
        assert!(!csv.contains(gone), "{gone}");
    }
    for kept in [
        "【氏名】の夫へ説明、TEL 【電話番号】",
        "【生年月日】出生、【氏名】先生へ",
        "ID:【患者番号】 の件",
        "経過良好",
    ] {
        assert!(csv.contains(kept), "{kept}");
    }
    let anonymized = policy.replacen(
        "anonymized = \"drop\" }\n[[waive]]",
        "anonymized = \"redact\" }\n[[waive]]",
        1,
    );
    let (output, _work) = attempt(&anonymized);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        error_of(&output).contains("redact belongs to the pseudonymized release"),
        "{}",
        error_of(&output)
    );
}

#[test]
fn plain_csv_runs_with_redacted_text() {
    let work = tempfile::tempdir().unwrap();
    let output = kakou(&[
        "synth",
        "--quiet",
        "--layouts",
        "csv",
        "--patients",
        "1000",
        "--out",
        text(work.path()),
    ]);
    assert!(output.status.success(), "{}", error_of(&output));
    let key = new_key(work.path());
    let release = run(
        &repo("policies/csv.toml"),
        &work.path().join("csv"),
        &key,
        &work.path().join("out"),
        &[],
    );
    assert!(files(&release).len() > 5);
}

#[test]
fn a_draft_says_what_columns_look_like() {
    let work = tempfile::tempdir().unwrap();
    let data = input(work.path());
    let output = kakou(&["init", text(&data)]);
    assert!(output.status.success(), "{}", error_of(&output));
    let draft = settled(&String::from_utf8(output.stdout).unwrap());
    assert!(draft.contains("looks like: 電話番号・ファクシミリ番号 (phone), <10 / 60"), "{draft}");
    assert!(!draft.contains("4567") && !draft.contains("檜山"), "{draft}");
}

/// The least share of planted identifiers that must be found: beside words that name them, and bare.
const FLOORS: &[(&str, f64, f64)] = &[
    ("my_number", 0.99, 0.95),
    ("basic_pension", 0.99, 0.0),
    ("passport", 0.99, 0.95),
    ("driver_licence", 0.99, 0.95),
    ("resident_code", 0.99, 0.95),
    ("residence_card", 0.99, 0.97),
    ("insurer", 0.99, 0.95),
    ("insured_symbol", 0.98, 0.0),
    ("elderly_insured", 0.99, 0.0),
    ("care_insured", 0.99, 0.0),
    ("employment_insured", 0.99, 0.95),
    ("phone", 0.99, 0.97),
    ("email", 0.0, 0.99),
    ("url", 0.0, 0.99),
    ("card", 0.99, 0.95),
    ("bank_account", 0.99, 0.0),
    ("login", 0.98, 0.0),
    ("postal_code", 0.99, 0.95),
    ("address", 0.0, 0.97),
    ("person_name", 0.95, 0.93),
    ("birth_date", 0.98, 0.98),
    ("hospital_number", 0.99, 0.0),
];

#[test]
fn the_figures_of_the_documentation_are_current_and_above_the_floors() {
    let counts = measure::measure(notes(SEED, NOTES));
    for (c, d) in counts.iter().zip(DETECTORS) {
        let name = d.doc().name;
        let (_, named, bare) = FLOORS.iter().find(|f| f.0 == name).unwrap();
        assert!(c.recall_named().is_none_or(|r| r >= *named), "{name}: {:?}", c.named);
        assert!(c.recall_bare().is_none_or(|r| r >= *bare), "{name}: {:?}", c.bare);
        assert!(c.precision().is_some_and(|p| p >= 0.93), "{name}: precision {:?}", c.hits);
    }
    let columns = measure::all_columns();
    for (page, japanese) in [("docs/detectors.md", false), ("docs/detectors.ja.md", true)] {
        common::block(page, "measured", &measure::table(&counts, japanese), "detectors");
        common::block(page, "columns", &measure::columns_table(&columns, japanese), "detectors");
    }
}

/// The names of gimei's and clinosim's pools in the sentences of a ward.
#[test]
fn names_of_pools_by_others() {
    let fixtures = common::fixture("japan");
    let read = |name: &str| std::fs::read_to_string(fixtures.join(name)).unwrap();
    let quoted = |text: &str, quote: char| -> Vec<Vec<String>> {
        text.lines()
            .map(|l| l.split(quote).skip(1).step_by(2).map(str::to_owned).collect())
            .collect()
    };
    let gimei = read("names.yml");
    let (given, family) = gimei.split_once("last_name:").unwrap();
    let mut families: Vec<String> =
        quoted(family, '\'').into_iter().filter_map(|w| w.into_iter().next()).collect();
    let givens: Vec<String> =
        quoted(given, '\'').into_iter().filter_map(|w| w.into_iter().next()).collect();
    let clinosim = read("clinosim_names.yaml");
    let (surnames, _) = clinosim.split_once("given").unwrap();
    families.extend(quoted(surnames, '"').into_iter().filter_map(|w| w.into_iter().next()));
    assert!(families.len() > 700 && givens.len() > 13_000);
    let scanner = kakou::detect::Scanner::new();
    let name = kakou::detect::find("person_name").unwrap();
    let (mut planted, mut covered) = ([0_u32; 4], [0_u32; 4]);
    for (i, given) in givens.iter().enumerate().step_by(3) {
        let family = &families[i % families.len()];
        let shapes = [
            format!("{family}様の家族に説明"),
            format!("{family} {given}さんより電話"),
            format!("氏名：{family}　{given}　確認済"),
            format!("転院先より{family}{given}さんの情報"),
        ];
        for (shape, text) in shapes.iter().enumerate() {
            let start = text.find(family.as_str()).unwrap();
            let end = match shape {
                0 => start + family.len(),
                _ => text[start..].find(given.as_str()).unwrap() + start + given.len(),
            };
            let hits = scanner.scan(text);
            let open = text[start..end].char_indices().any(|(at, c)| {
                let at = start + at;
                c.is_alphanumeric()
                    && !hits.iter().any(|h| h.detector == name && h.start <= at && at < h.end)
            });
            planted[shape] += 1;
            covered[shape] += u32::from(!open);
        }
    }
    for (shape, floor) in [0.97, 0.97, 0.97, 0.95].iter().enumerate() {
        let share = f64::from(covered[shape]) / f64::from(planted[shape]);
        assert!(share >= *floor, "shape {shape}: {share:.3}");
    }
    // Streets of gimei behind its municipalities.
    let addresses = read("addresses.yml");
    let (rest, towns) = addresses.split_once("town:").unwrap();
    let (_, cities) = rest.split_once("city:").unwrap();
    let first = |text: &str| -> Vec<String> {
        quoted(text, '\'').into_iter().filter_map(|w| w.into_iter().next()).collect()
    };
    let (cities, towns) = (first(cities), first(towns));
    let address = kakou::detect::find("address").unwrap();
    let (mut planted, mut found) = (0_u32, 0_u32);
    for (i, town) in towns.iter().enumerate().step_by(5) {
        let city = &cities[i % cities.len()];
        let lot = ["1丁目2番3号", "12-3", "４－５－６", "123番地", "7番8号"][i / 5 % 5];
        let text = format!("転居先は{city}{town}{lot}とのこと");
        planted += 1;
        found += u32::from(scanner.scan(&text).iter().any(|h| h.detector == address));
    }
    let share = f64::from(found) / f64::from(planted);
    assert!(planted > 200 && share >= 0.97, "{planted} {share:.3}");
}

#[test]
fn the_lines_of_the_refusal_are_the_waiver() {
    let (output, _work) = attempt(POLICY);
    let error = error_of(&output);
    let at = error.find("[[waive]]").unwrap();
    let lines: Vec<&str> =
        error[at..].lines().map(|l| l.trim_start_matches([' ', '|'])).take(4).collect();
    let waiver = lines.join("\n").replace("reason = \"\"", "reason = \"病院の代表番号\"");
    let (output, _work) = attempt(&format!("{POLICY}\n{waiver}\n"));
    assert!(output.status.success(), "{waiver}\n{}", error_of(&output));
}

/// A run on sixty rows whose column 区分 holds codes of wards and, in the first rows, what is planted.
fn with_planted(cells: &[&str]) -> (std::process::Output, tempfile::TempDir) {
    let policy = POLICY
        .replace("\"内線\" = {", "\"区分\" = { type = \"code\",")
        .replace("\"備考\" = {", "\"カナ\" = { role = \"direct\", pseudonymized = \"drop\", anonymized = \"drop\" }\n\"備考\" = {");
    let work = tempfile::tempdir().unwrap();
    let data = work.path().join("data");
    std::fs::create_dir_all(&data).unwrap();
    let mut csv = csv::Writer::from_path(data.join("visits.csv")).unwrap();
    csv.write_record(["患者ID", "氏名", "生年月日", "性別", "区分", "オーダ番号", "カナ", "備考"])
        .unwrap();
    for i in 0..60_u64 {
        let (name, kana) =
            [("髙橋　﨑子", "ﾀｶﾊｼ ｻｷｺ"), ("佐藤 太郎", "サトウ　タロウ")][i as usize % 2];
        let ward = format!("W{i:02}");
        csv.write_record([
            (66_455_770 + i * 17).to_string().as_str(),
            name,
            "19550102",
            ["1", "2"][i as usize / 2 % 2],
            cells.get(i as usize).copied().unwrap_or(&ward),
            &(202_401_000_001 + i * 7).to_string(),
            kana,
            "",
        ])
        .unwrap();
    }
    csv.flush().unwrap();
    drop(csv);
    let key = new_key(work.path());
    let path = work.path().join("policy.toml");
    std::fs::write(&path, policy).unwrap();
    let out = work.path().join("out");
    let mut arguments = vec!["run", "--quiet", "--policy", text(&path), "--input", text(&data)];
    arguments.extend(["--key", text(&key), "--out", text(&out)]);
    (kakou(&arguments), work)
}

#[test]
fn one_planted_cell_among_codes_stops_the_release() {
    let (output, _work) = with_planted(&[]);
    assert!(output.status.success(), "{}", error_of(&output));
    for (cells, code, word) in [
        // 個人番号 and card numbers: one, two, three; with blanks.
        (&["983205673214"][..], "C0305", "my_number"),
        (&["983205673214", "983205673222"], "C0305", "my_number"),
        (&["9832 0567 3214"], "C0305", "my_number"),
        (&["1234 5613 4623"], "C0305", "my_number"),
        (&["９８３２．０５６７．３２１４"], "C0305", "my_number"),
        (&["983205673214.0"], "C0305", "my_number"),
        (&["4111111111111111"], "C0305", "card"),
        (&["4111111111111111", "5555555555554444", "378282246310005"], "C0305", "card"),
        (&["09012345678"], "C0305", "phone"),
        (&["090.1234.5678"], "C0305", "phone"),
        (&["０９０．１２３４．５６７８"], "C0305", "phone"),
        (&["03/1234/5678"], "C0305", "phone"),
        (&["山本大輔"], "C0305", "person_name"),
        (&["YAMAMOTO DAISUKE"], "C0305", "person_name"),
        (&["ID:hanako PW:abc123"], "C0305", "login"),
        (&["みらい銀行本町支店 普通 1234567"], "C0305", "bank_account"),
        // What the tables of the run know, in other spellings.
        (&["66455770"], "C0303", "区分"),
        (&["6645-5770"], "C0303", "区分"),
        (&["6645 5770"], "C0303", "区分"),
        (&["6645\u{200b}5770"], "C0303", "区分"),
        (&["６６４５−５７７０"], "C0303", "区分"),
        (&["高橋崎子"], "C0303", "区分"),
        (&["髙 橋\u{200b}﨑 子"], "C0303", "区分"),
        (&["たかはし さきこ"], "C0303", "区分"),
        (&["SATO TARO"], "C0303", "区分"),
        (&["Taroh Satoh"], "C0303", "区分"),
        (&["takahashi sakiko"], "C0303", "区分"),
    ] {
        let (output, work) = with_planted(cells);
        let error = settled(&error_of(&output));
        assert_eq!(output.status.code(), Some(1), "{cells:?}: {error}");
        assert!(error.contains(code) && error.contains(word), "{cells:?}: {error}");
        assert!(cells.iter().all(|cell| !error.contains(cell)), "{error}");
        assert!(releases(&work.path().join("out")).is_empty());
    }
    // Codes that only look like them.
    for cells in [
        &["983205673215"][..],
        &["4111111111111112", "8000000000000009"],
        &["202404011230"],
        &["03.12.2024", "192.168.10.25"],
        &["CT Angio", "Body Weight"],
        &["1234-5678", "12-34"],
        &["高橋病"],
        &["PW:10mm"],
    ] {
        let (output, _work) = with_planted(cells);
        assert!(output.status.success(), "{cells:?}: {}", error_of(&output));
    }
}
