//! The files as plain code reads them.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use std::path::PathBuf;

use super::pools::{DISEASES, DRUGS, LABS, POSTAL, RARE};
use super::*;

fn made(config: &SynthConfig) -> (tempfile::TempDir, SynthFacts) {
    let folder = tempfile::tempdir().unwrap();
    let facts = write(config, folder.path()).unwrap();
    (folder, facts)
}

fn all_files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
        } else {
            let bytes = std::fs::read(&path).unwrap();
            found.push((path.strip_prefix(folder).unwrap().to_path_buf(), bytes));
        }
    }
    found.sort();
    found
}

#[test]
fn same_seed_same_bytes_at_any_number_of_threads() {
    let config = SynthConfig { persons: 300, years: 1, ..SynthConfig::default() };
    let (one, _) = made(&SynthConfig { threads: Some(1), ..config.clone() });
    let (two, _) = made(&SynthConfig { threads: Some(2), ..config.clone() });
    let (other, _) = made(&SynthConfig { seed: 2, ..config.clone() });
    let (a, b, c) = (all_files(one.path()), all_files(two.path()), all_files(other.path()));
    assert_eq!(a.len(), b.len());
    for (x, y) in a.iter().zip(&b) {
        assert!(x == y, "{}", x.0.display());
    }
    assert!(a != c, "another seed is another world");
    // A layout that is chosen alone is the same as among all.
    let (lab, _) = made(&SynthConfig { layouts: vec!["lab".to_owned()], ..config });
    for (path, bytes) in all_files(lab.path()).iter().filter(|(p, _)| p.starts_with("lab")) {
        assert!(a.iter().any(|(p, b)| p == path && b == bytes), "{}", path.display());
    }
}

#[test]
fn every_code_is_covered_and_every_area_known() {
    let ladders = crate::schema::codes::Ladders::new();
    let diseases = DISEASES.iter().chain(RARE.iter().map(|r| &r.disease));
    for (system, level, codes) in [
        ("icd10", "chapter", diseases.clone().map(|i| i.icd).collect::<Vec<_>>()),
        ("postal", "prefecture", POSTAL.iter().map(|p| p.0).collect()),
        ("yj", "class", DRUGS.iter().map(|d| d.yj).collect()),
        ("jlac10", "analyte", LABS.iter().map(|l| l.code).collect()),
        ("dpc14", "mdc", diseases.map(|i| i.dpc).collect()),
    ] {
        let ladder = ladders.get(system).unwrap();
        for code in codes {
            assert!(ladder.up(code, level).is_some(), "{system} {code}");
        }
    }
}

/// A small group with everything in it, made once.
fn group() -> &'static (tempfile::TempDir, SynthFacts) {
    static GROUP: std::sync::LazyLock<(tempfile::TempDir, SynthFacts)> =
        std::sync::LazyLock::new(|| made(&SynthConfig { persons: 500, ..SynthConfig::default() }));
    &GROUP
}

/// Lines of a CP932 file; bytes that are no characters become U+FFFD.
fn lines(bytes: &[u8]) -> Vec<String> {
    let (text, _, _) = encoding_rs::SHIFT_JIS.decode(bytes);
    assert!(text.is_empty() || text.ends_with("\r\n") || text.ends_with("\r\n\u{1a}"));
    text.split("\r\n").filter(|l| !l.is_empty() && *l != "\u{1a}").map(str::to_owned).collect()
}

fn layout(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = group().0.path().join(name);
    all_files(&folder).into_iter().map(|(p, b)| (p.to_str().unwrap().to_owned(), b)).collect()
}

fn day_like(cell: &str) -> bool {
    cell.len() == 8 && cell.bytes().all(|b| b.is_ascii_digit())
}

#[test]
fn survey_files_have_their_columns_codes_and_names() {
    let mut kinds = BTreeMap::new();
    let mut seen = std::collections::BTreeSet::new();
    let mut broken = 0;
    for (name, bytes) in layout("dpc") {
        let stem = name.strip_suffix(".txt").unwrap();
        let [kind, code, month] = stem.split('_').collect::<Vec<_>>()[..] else { panic!() };
        assert!(code.len() == 9 && month.len() == 4, "{name}");
        let rows = lines(&bytes);
        assert_eq!(group().1.rows[&("dpc".to_owned(), name.clone())], rows.len() as u64);
        *kinds.entry(kind.to_owned()).or_insert(0) += rows.len();
        let columns = match kind {
            "FF1" => 17,
            "FF4" => 5,
            "Dn" => 30,
            "EFn" | "EFg" => 31,
            "Hn" => 29,
            "Kn" => 5,
            _ => panic!("{name}"),
        };
        for row in rows {
            let cells: Vec<&str> = row.split('\t').collect();
            assert_eq!(cells.len(), columns, "{name}");
            assert_eq!(cells[0], code);
            let id = if kind == "Hn" { cells[2] } else { cells[1] };
            assert!(id.len() == 10 && id.bytes().all(|b| b.is_ascii_digit()), "{name}");
            broken += usize::from(row.contains('\u{fffd}'));
            match kind {
                "EFn" => {
                    assert!(day_like(cells[2]) && day_like(cells[3]) && day_like(cells[23]));
                    assert_eq!(&cells[23][2..6], month);
                    assert!(cells[2] == "00000000" || cells[2] >= cells[3]);
                    assert_eq!(cells[8].len(), 9);
                }
                // Column 3 is a date of birth here.
                "EFg" => assert!(cells[2] == "00000000" || cells[2] <= cells[3]),
                "Hn" => assert_eq!(&cells[5][2..6], month),
                "Dn" => assert_eq!(cells[28].len(), 14),
                "Kn" => assert!(cells[4].is_empty() || cells[4].len() == 64),
                "FF1" => {
                    seen.insert(cells[5].to_owned());
                    assert!(cells[6].ends_with("0401") || cells[6].ends_with("0601"));
                    match cells[5] {
                        "A000010" => assert!(day_like(cells[8]) && cells[10].len() == 7),
                        "A000070" => assert!(day_like(cells[8]) && day_like(cells[9])),
                        "A006010" => assert!(cells[11].len() == 7 && !cells[16].is_empty()),
                        "ADL0010" | "ADL0020" => assert_eq!(cells[9].len(), 10),
                        _ => {}
                    }
                }
                _ => {}
            }
        }
    }
    assert_eq!(kinds.len(), 7);
    for code in [
        "A000080", "A002010", "A003010", "A006050", "A006060", "A007010", "CAN0010", "CAN0030",
        "M010010", "M040020", "M170020",
    ] {
        assert!(seen.contains(code), "no {code}");
    }
    // The volumes of FORMATS 8: 25 to 45 rows of 様式1, 150 to 400 of EF, 20 to 100 of D a stay, 3 to 4 of H a day.
    let stays = kinds["FF4"] as f64;
    let a_stay = |kind: &str| kinds[kind] as f64 / stays;
    assert!((20.0..45.0).contains(&a_stay("FF1")), "{}", a_stay("FF1"));
    assert!((150.0..450.0).contains(&a_stay("EFn")), "{}", a_stay("EFn"));
    assert!((20.0..100.0).contains(&a_stay("Dn")), "{}", a_stay("Dn"));
    assert!(broken > 0, "no broken byte anywhere");
}

#[test]
fn laboratory_files_hold_what_the_truth_counts() {
    let (mut rows, mut dirty) = (0, 0);
    for (name, bytes) in layout("lab") {
        let lines = lines(&bytes);
        assert_eq!(lines[0], super::lab::COLUMNS.join(","));
        assert!(name.starts_with("lab_"));
        for line in &lines[1..] {
            if line.contains('"') {
                continue;
            }
            let cells: Vec<&str> = line.split(',').collect();
            assert_eq!(cells.len(), 11, "{name}");
            assert!(matches!(cells[3].len(), 0 | 17) && cells[4].len() == 5, "{name}");
            dirty += usize::from(cells[6].parse::<f64>().is_err());
        }
        assert_eq!(group().1.rows[&("lab".to_owned(), name)], lines.len() as u64 - 1);
        rows += lines.len() - 1;
    }
    assert!(rows > 5_000 && dirty > rows / 50, "{rows} {dirty}");
}

#[test]
fn receipts_have_their_records() {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let mut days = 0;
    for (name, bytes) in layout("uke") {
        let inpatient = name.ends_with("RECEIPTD.UKE");
        let rows = lines(&bytes);
        let mut receipts = 0;
        let mut points = 0;
        for row in &rows {
            let cells: Vec<&str> = row.split(',').collect();
            *counts.entry(cells[0].to_owned()).or_default() += 1;
            let width = match (cells[0], inpatient) {
                ("IR", _) => 10,
                ("RE", false) => 38,
                ("RE", true) => 30,
                ("HO", false) => 15,
                ("HO", true) => 16,
                ("SN", _) => 9,
                ("KO", false) => 12,
                ("KO", true) => 13,
                ("SY" | "SB", _) => 8,
                ("SI" | "IY", _) => 44,
                ("CO", _) => 5,
                ("GO", _) => 4,
                ("BU", true) => 6,
                ("KK", true) => 14,
                ("GA", true) => 7,
                ("HH", true) => 9,
                ("GT", true) => 12,
                ("CD", true) => 11,
                ("SJ", true) => 3,
                _ => panic!("{name} {}", cells[0]),
            };
            assert_eq!(cells.len(), width, "{name} {}", cells[0]);
            match cells[0] {
                "RE" => {
                    receipts += 1;
                    assert_eq!(cells[1], receipts.to_string(), "{name}");
                    assert!(matches!((cells[3].len(), cells[6].len()), (6, 8) | (5, 7)));
                }
                "HO" => points += cells[5].parse::<u64>().unwrap(),
                "SI" | "IY" => {
                    let sum: u32 = cells[13..].iter().filter_map(|c| c.parse::<u32>().ok()).sum();
                    assert_eq!(cells[6], sum.to_string());
                    days += sum;
                }
                "GO" => {
                    assert_eq!(cells[1], receipts.to_string());
                    assert_eq!(cells[2], points.to_string());
                }
                _ => {}
            }
        }
        // The first and the last record belong to no person.
        assert_eq!(group().1.rows[&("uke".to_owned(), name)], rows.len() as u64 - 2);
        assert!(rows[0].starts_with("IR,") && rows[rows.len() - 1].starts_with("GO,"));
    }
    assert!(days > 500 && counts["KO"] > 0 && counts["SJ"] > 0, "{counts:?}");
}

#[test]
fn messages_have_their_names_places_and_fields() {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    let mut escapes = 0;
    for (name, bytes) in layout("ssmix2") {
        let parts: Vec<&str> = name.split('/').collect();
        let [root, a, b, id, day, kind, file] = parts[..] else { panic!("{name}") };
        assert_eq!((root.len(), a, b), (9, &id[..3], &id[3..6]));
        let names: Vec<&str> = file.split('_').collect();
        assert_eq!(names.len(), 7, "{file}");
        assert_eq!((names[0], names[1], names[2]), (id, day, kind));
        assert_eq!((names[3].len(), names[4].len()), (15, 17));
        let count = match names[6] {
            "1" => kind,
            "0" => "deleted",
            "2" => "superseded",
            _ => panic!("{file}"),
        };
        *counts.entry(count.to_owned()).or_default() += 1;
        let (text, _, bad) = encoding_rs::ISO_2022_JP.decode(&bytes);
        assert!(!bad, "{name}");
        assert!(!text.contains("&#"), "{name}");
        assert!(text.ends_with(['\r', '\n']) && !text.contains("\r\n"));
        for segment in text.split(['\r', '\n']).filter(|s| !s.is_empty()) {
            let fields: Vec<&str> = segment.split('|').collect();
            escapes += usize::from(fields[0] == "NTE" && segment.contains("\\T\\"));
            match fields[0] {
                "PID" => {
                    assert_eq!(fields[3], id);
                    assert!(fields[11].contains("^JPN^H^") && fields[5].contains('~'));
                }
                "PV1" => match kind {
                    "ADT-22" | "ADT-12" => assert_eq!((fields.len(), fields[44].len()), (45, 14)),
                    "ADT-52" => assert!(fields.len() == 46 && !fields[36].is_empty()),
                    _ => {}
                },
                "ORC" if kind != "ADT-00" => {
                    assert_eq!((fields[2].len(), fields[9].len()), (15, 14));
                    if kind != "PPR-01" {
                        assert_eq!(fields[2], names[3], "{name}");
                    }
                }
                "IN1" => assert_eq!((fields.len(), fields[10].matches('~').count()), (18, 2)),
                "OBX" if kind == "OML-11" => assert_eq!((fields[11], fields[14].len()), ("F", 14)),
                "SPM" => assert_eq!(fields[17].len(), 14),
                "OBR" => assert_eq!((fields[7].len(), fields[22].len()), (14, 14)),
                _ => {}
            }
        }
    }
    let told: BTreeMap<String, u64> = group()
        .1
        .rows
        .iter()
        .filter(|((l, _), n)| l == "ssmix2" && **n > 0)
        .map(|((_, kind), n)| (kind.clone(), *n))
        .collect();
    assert_eq!(counts, told);
    assert!(counts["deleted"] > 0 && counts["superseded"] > 0 && counts["ADT-61"] > 0);
    assert!(escapes > 0, "no escaped character");
}

#[test]
fn cdm_tables_have_as_many_cells_as_columns_and_known_keys() {
    let mut persons = std::collections::BTreeSet::new();
    let mut visits = std::collections::BTreeSet::new();
    let mut rows = Vec::new();
    for (name, bytes) in layout("omop") {
        let mut reader = ::csv::ReaderBuilder::new().from_reader(&bytes[..]);
        let columns: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
        let mut count = 0;
        let mut keys = std::collections::BTreeSet::new();
        for record in reader.records() {
            // Rows of another width are an error of the reader.
            let record = record.unwrap();
            assert!(keys.insert(record[0].to_owned()), "{name}: a key twice");
            for (column, cell) in columns.iter().zip(&record) {
                if column.ends_with("_date") && !cell.is_empty() {
                    assert!(cell.len() == 10 && &cell[4..5] == "-", "{name} {column}");
                }
            }
            if name == "person.csv" {
                persons.insert(record[0].to_owned());
            }
            if name == "visit_occurrence.csv" {
                visits.insert(record[0].to_owned());
            }
            let of = |column: &str| {
                columns.iter().position(|c| c == column).map(|at| record[at].to_owned())
            };
            rows.push((name.clone(), of("person_id"), of("visit_occurrence_id")));
            count += 1;
        }
        assert_eq!(group().1.rows[&("omop".to_owned(), name)], count);
    }
    for (name, person, visit) in rows {
        assert!(person.is_none_or(|p| persons.contains(&p)), "{name}");
        assert!(visit.is_none_or(|v| visits.contains(&v)), "{name}");
    }
}

#[test]
fn labels_point_at_what_they_name() {
    let folder = group().0.path();
    let bytes = std::fs::read(folder.join("truth/planted.csv")).unwrap();
    let mut reader = ::csv::Reader::from_reader(&bytes[..]);
    let mut kinds = std::collections::BTreeSet::new();
    let mut layouts = std::collections::BTreeSet::new();
    for record in reader.records() {
        let record = record.unwrap();
        let bytes = std::fs::read(folder.join(&record[1])).unwrap();
        let text = match &record[0] {
            "ssmix2" => encoding_rs::ISO_2022_JP.decode(&bytes).0.replace('\r', "\n"),
            "omop" => String::from_utf8(bytes).unwrap(),
            _ => encoding_rs::SHIFT_JIS.decode(&bytes).0.into_owned(),
        };
        // A header or a first record stands in front, except where there is none.
        let row: usize = record[2].parse().unwrap();
        let row = if matches!(&record[0], "dpc" | "ssmix2") { row - 1 } else { row };
        let line = text.lines().nth(row).unwrap();
        let value = if &record[0] == "ssmix2" {
            super::sheet::plain(&record[5])
        } else {
            record[5].to_owned()
        };
        assert!(line.contains(&value), "{} {} {}", &record[0], &record[2], &record[4]);
        kinds.insert(record[4].to_owned());
        layouts.insert(record[0].to_owned());
    }
    assert_eq!(layouts.len(), 6, "{layouts:?}");
    for kind in [
        "name",
        "name_kana",
        "surname",
        "phone",
        "individual_number",
        "address",
        "patient_number",
        "other_patient_number",
        "mail",
        "birth_date",
        "insurance_number",
        "other_name",
        "doctor",
        "decoy",
    ] {
        assert!(kinds.contains(kind), "no {kind}");
    }
}

#[test]
fn the_population_has_whom_it_should() {
    let world = super::world::World::new(&SynthConfig { persons: 2000, ..SynthConfig::default() });
    let persons: Vec<Person> = (0..2000).map(|n| Person::new(&world, n)).collect();
    let members = |word: &str| persons.iter().filter(|p| p.member.word() == word).count();
    for word in ["spouse", "child", "parent", "mother", "newborn", "twin", "newborn_twin"] {
        assert!(members(word) > 0, "no {word}");
    }
    let eldest = &persons[super::world::ELDEST as usize];
    assert_eq!(eldest.age_on(world.first), 105);
    assert!(persons.iter().any(|p| p.rare.is_some()) && persons.iter().any(|p| p.homes.len() > 1));
    // Seen at two hospitals, with stays at both.
    let both = persons.iter().filter(|p| {
        p.stays
            .iter()
            .any(|s| p.registrations[s.registration].hospital != p.registrations[0].hospital)
            && p.stays.iter().any(|s| s.registration == 0)
    });
    assert!(both.count() > 50);
    let twins: Vec<&Person> = persons.iter().filter(|p| p.member.word() == "twin").collect();
    for pair in twins.chunks(2) {
        assert!(pair[0].birth == pair[1].birth && pair[0].female == pair[1].female);
        assert_eq!(pair[0].surname.0, pair[1].surname.0);
    }
    for person in &persons {
        for stay in &person.stays {
            assert!(stay.admitted <= stay.left && stay.admitted >= person.birth);
        }
        for pair in person.stays.windows(2) {
            assert!(pair[0].left < pair[1].admitted);
        }
        assert!(person.rare.is_none() || !person.stays.is_empty());
    }
    assert!(persons.iter().any(|p| p.heavy && p.stays.len() > 8));
}

#[test]
fn the_common_id_ties_the_two_hospitals_of_a_person() {
    let mut numbers: BTreeMap<String, std::collections::BTreeSet<String>> = BTreeMap::new();
    for (_, bytes) in layout("dpc").iter().filter(|(name, _)| name.starts_with("Kn_")) {
        for row in lines(bytes) {
            let cells: Vec<&str> = row.split('\t').collect();
            if !cells[4].is_empty() && !cells[4].starts_with("999999999") {
                let number = format!("{} {}", cells[0], cells[1]);
                numbers.entry(cells[4].to_owned()).or_default().insert(number);
            }
        }
    }
    let tied = numbers.values().filter(|n| n.len() > 1).count();
    assert!(tied > 15, "{tied}");
}

#[test]
fn check_digits_are_right() {
    // The check digit of an 個人番号 by the ordinance's own weights, from the left.
    let world = super::world::World::new(&SynthConfig::default());
    for number in 0..50 {
        let person = Person::new(&world, number);
        let digits: Vec<u32> = person.individual.bytes().map(|b| u32::from(b - b'0')).collect();
        let weights = [6, 5, 4, 3, 2, 7, 6, 5, 4, 3, 2];
        let sum: u32 = digits.iter().zip(weights).map(|(d, w)| d * w).sum();
        let check = if sum % 11 <= 1 { 0 } else { 11 - sum % 11 };
        assert_eq!((digits.len(), digits[11]), (12, check));
        // 保険者番号: the digits times 2 and 1 in turn from the left of eight, tens and ones added.
        let digits: Vec<u32> =
            person.cards[0].insurer.bytes().map(|b| u32::from(b - b'0')).collect();
        let sum: u32 = digits[..7]
            .iter()
            .enumerate()
            .map(|(n, d)| d * if n % 2 == 0 { 2 } else { 1 })
            .map(|p| p / 10 + p % 10)
            .sum();
        assert_eq!((sum + digits[7]) % 10, 0);
    }
}

#[test]
fn days_are_the_calendars_days() {
    for days in (-60_000..40_000).step_by(17) {
        let date = crate::text::date::date_of(days).unwrap();
        assert_eq!(super::sheet::day8(days), date.format("%Y%m%d").to_string());
    }
    assert_eq!(super::sheet::half_kana("ワタナベ　ジュンイチ"), "ﾜﾀﾅﾍﾞ ｼﾞｭﾝｲﾁ");
    assert_eq!(super::sheet::plain("髙橋①ｱﾍﾞ"), "高橋(1)アベ");
}

#[test]
fn nothing_is_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let config = SynthConfig { persons: 3, ..SynthConfig::default() };
    write(&config, folder.path()).unwrap();
    assert_eq!(write(&config, folder.path()).unwrap_err().code, "X0705");
    let config = SynthConfig { layouts: vec!["xml".to_owned()], ..config };
    assert_eq!(write(&config, folder.path()).unwrap_err().code, "X0704");
}
