//! DPC survey files: 様式1 (long), 様式4, D, EF of inpatients and outpatients, H, K; one file a hospital, kind and month.
//!
//! TAB, CP932, CRLF, no header; `FF1_`, `FF4_`, `Dn_`, `EFn_`, `EFg_`, `Hn_`, `Kn_` + 施設コード + `_YYMM.txt`.
//! 様式1, 様式4 and K come with the month of discharge; D, EF and H with the month of the act: a stay that is not over at the end of
//! a month has 00000000 for its discharge in that month's file.

use sha2::{Digest as _, Sha256};

use super::Layout;
use super::pools::ActKind;
use super::sheet::{BAD_BYTE, Charset, Sheet, civil, day8, day8_or_none, month4};
use super::world::{Diagnosis, Dice, Done, Hospital, Person, Stay, Visit, World};

pub(super) struct Dpc;

/// 様式1 edition of a day: fiscal years begin in April, but those of a revision of fees in June (2024, 2026).
fn edition(days: i32) -> i32 {
    let (year, month, _) = civil(days);
    let begins = if matches!(year, 2024 | 2026) { 6 } else { 4 };
    if month >= begins { year } else { year - 1 }
}

/// The version of a code of 様式1: the day of the edition that introduced it.
fn version(code: &str) -> &'static str {
    match code {
        "A006060" | "FIM0010" => "20160401",
        "A004020" | "A004030" => "20180401",
        "ADL0030" | "ADL0040" => "20200401",
        "A001040" | "A004040" | "A004050" | "FIM0020" | "M040031" | "M050011" | "M050041"
        | "M050051" | "M050090" => "20240601",
        "A000021" | "A001050" | "A004060" | "ADL0005" => "20260601",
        _ => "20140401",
    }
}

fn path(kind: &str, hospital: &Hospital, days: i32) -> String {
    format!("{kind}_{}_{}.txt", hospital.code, month4(days))
}

/// The discharge as a file of the month of `on` knows it.
fn known(stay: &Stay, on: i32) -> i32 {
    let (a, b) = (civil(stay.left), civil(on));
    if (a.0, a.1) > (b.0, b.1) { i32::MIN } else { stay.left }
}

fn day_or_zero(days: i32) -> String {
    if days == i32::MIN { "00000000".to_owned() } else { day8(days) }
}

impl Layout for Dpc {
    fn name(&self) -> &'static str {
        "dpc"
    }
    fn about(&self) -> &'static str {
        "DPC survey: 様式1, 様式4, D, EF, H, K by hospital and month"
    }
    fn charset(&self, _: &World, _: &str) -> Charset {
        Charset::Cp932
    }
    fn head(&self, _: &World, _: &str) -> String {
        String::new()
    }
    fn person(&self, world: &World, person: &Person, dice: &mut Dice, sheet: &mut Sheet) {
        for (index, stay) in person.stays.iter().enumerate() {
            let hospital =
                &world.hospitals[person.registrations[stay.registration].hospital as usize];
            let id = &person.registrations[stay.registration].number;
            // A stay that is not over when the data end has no 様式1 yet.
            if stay.left < world.end {
                form1(world, person, stay, hospital, id, dice, sheet);
                form4(stay, hospital, id, dice, sheet);
                k_file(world, person, stay, hospital, id, dice, sheet);
            }
            ef_and_d(world, person, index, hospital, id, dice, sheet);
            h_file(world, stay, hospital, id, dice, sheet);
        }
        for visit in &person.visits {
            let hospital =
                &world.hospitals[person.registrations[visit.registration].hospital as usize];
            let id = &person.registrations[visit.registration].number;
            ef_outpatient(person, visit, hospital, id, dice, sheet);
        }
    }
}

fn form1(
    world: &World,
    person: &Person,
    stay: &Stay,
    hospital: &Hospital,
    id: &str,
    dice: &mut Dice,
    sheet: &mut Sheet,
) {
    let dirty = world.config.dirt;
    let year = edition(stay.left);
    let file = path("FF1", hospital, stay.left);
    let piece = sheet.file(&file);
    let admitted = day8(stay.admitted);
    let mut put = |code: &str, number: u64, payload: [&str; 9]| {
        piece
            .row('\t')
            .all(&[&hospital.code, id, &admitted, "0", "0", code, version(code)])
            .n(number)
            .all(&payload)
            .end();
        piece.rows
    };
    let mut noted = None;
    let birth = if person.birth_known {
        let text = day8(person.birth);
        // A partial date: the day is not known.
        if dirty && dice.one_in(200) { format!("{}00", &text[..6]) } else { text }
    } else {
        "00000000".to_owned()
    };
    let postal = match dice.below(150) {
        0 if dirty => "0000000",
        1 if dirty => "9999999",
        _ => person.home_on(stay.admitted).postal,
    };
    let flag = |on: bool| if on { "1" } else { "0" };
    put("A000010", 0, [&birth, person.sex(), postal, "", "", "", "", "", ""]);
    let planned = if stay.emergency { "300" } else { "100" };
    put(
        "A000020",
        0,
        [
            &admitted,
            stay.route,
            flag(dice.one_in(2)),
            flag(dice.one_in(2)),
            planned,
            flag(stay.ambulance),
            "0",
            if stay.self_harm { "4" } else { "99" },
            if stay.self_harm { "0" } else { "" },
        ],
    );
    let left = day8(stay.left);
    put(
        "A000030",
        0,
        [
            &left,
            stay.place,
            stay.outcome,
            flag(stay.outcome == "6" && stay.left - stay.admitted <= 1),
            "0",
            if year >= 2026 { "1" } else { "" },
            "",
            "",
            "",
        ],
    );
    put("A000031", 0, [&admitted, &left, "", "", "", "", "", "", ""]);
    put("A000040", 0, ["", stay.department.1, "0", "", "", "", "", "", ""]);
    put("A000050", 0, ["", flag(true), "0", "0", "", "", "", "", ""]);
    put("A000060", 0, ["", "4", flag(dice.one_in(200)), "", "", "", "", "", ""]);
    if year >= 2026 && stay.ambulance {
        put("A000021", 0, ["0", "", "", "", "", "", "", "", ""]);
    }
    let before = stay.before.map_or_else(|| "99999999".to_owned(), day8);
    let before = if dirty && stay.before.is_some() && dice.one_in(30) {
        "00000000".to_owned()
    } else {
        before
    };
    let same = if stay.before.is_none() { "99999999".to_owned() } else { before.clone() };
    put("A000070", 0, [&before, &same, "", "", "", "", "", "", ""]);
    if stay.before.is_some() {
        let text = stay.note.as_ref().map_or("", |n| n.text.as_str());
        noted = Some(put("A000080", 0, ["", "1", "2", "", "", "", "", "", text]));
    }
    let height = format!("{:03}", stay.height);
    let weights = stay.weight.map(|w| format!("{w:03}"));
    put("A001010", 0, ["", &height, &weights[0], &weights[1], "", "", "", "", ""]);
    history(person, stay, year, dice, &mut put);
    diseases(person, stay, year, &mut put);
    put("ADL0010", 0, ["", &stay.adl[0], "", "", "", "", "", "", ""]);
    put("ADL0020", 0, ["", &stay.adl[1], "", "", "", "", "", "", ""]);
    put("JCS0010", 0, ["", stay.coma[0], "", "", "", "", "", "", ""]);
    put("JCS0020", 0, ["", stay.coma[1], "", "", "", "", "", "", ""]);
    if stay.main.icd.starts_with('C') {
        let stage = dice.pick(&["1", "2A", "3B", "4", "9"]);
        put("CAN0010", 0, ["", "", "0", "", "", "", "", "", ""]);
        put("CAN0020", 0, ["", "", "T2", "N0", "M0", "8", "", "", ""]);
        put("CAN0030", 0, ["", "", stage, "", "", "", "", "", ""]);
        put("CAN0040", 0, ["", "", "0", "", "", "", "", "", ""]);
    }
    for (code, payload) in modules(stay.main.icd, year) {
        put(code, 0, payload);
    }
    if let (Some(row), Some(note)) = (noted, &stay.note) {
        piece.labels.extend(note.planted.iter().map(|(kind, value)| super::sheet::Label {
            row,
            column: "ペイロード9",
            kind: *kind,
            value: value.clone(),
            person: person.number,
        }));
    }
}

/// Writes a row of 様式1: code, number, payload.
type Put<'a> = &'a mut dyn FnMut(&str, u64, [&str; 9]) -> u64;

/// What a stay's patient was like on admission.
fn history(person: &Person, stay: &Stay, year: i32, dice: &mut Dice, put: Put<'_>) {
    let flag = |on: bool| if on { "1" } else { "0" };
    if year < 2026 {
        let smoking = stay.smoking.to_string();
        put("A001020", 0, ["", &smoking, "", "", "", "", "", "", ""]);
    }
    if person.female && (12..=55).contains(&person.age_on(stay.admitted)) {
        let weeks = stay.pregnancy.map_or_else(String::new, |w| w.to_string());
        put("A002010", 0, ["", flag(stay.pregnancy.is_some()), &weeks, "", "", "", "", "", ""]);
    }
    if let Some((grams, weeks)) = stay.birth {
        put("A003010", 0, ["", &grams.to_string(), &weeks.to_string(), "", "", "", "", "", ""]);
    }
    if person.age_on(stay.admitted) >= 40 {
        let (dementia, care) = (dice.below(3).to_string(), dice.below(6).to_string());
        put("A004010", 0, ["", &dementia, "", "", "", "", "", "", ""]);
        put("A004020", 0, ["", &care, "", "", "", "", "", "", ""]);
    }
    put("A004030", 0, ["", "", "000000", "0", "000000", "0", "00000", "00000", "1"]);
    if year >= 2024 && dice.one_in(4) {
        let falls = dice.below(2).to_string();
        put("A001040", 0, ["", "", "0000000", "0000000", "0000000", "99999999", "", "", ""]);
        put("A004040", 0, ["", &falls, "0", "", "", "", "", "", ""]);
        put("A004050", 0, ["", "0", "", "", "", "", "", "", ""]);
    }
}

/// Diseases and operations of a stay.
fn diseases(person: &Person, stay: &Stay, year: i32, put: Put<'_>) {
    let mut disease = |code: &str, number: u64, d: &Diagnosis| {
        let modifier = if d.suspected { "8002" } else { "" };
        let added = "";
        put(code, number, ["", d.icd, added, &d.code, modifier, "", "", "", &d.name]);
    };
    disease("A006010", 0, &stay.main);
    disease("A006020", 0, &stay.main);
    disease("A006030", 0, &stay.main);
    if let Some(second) = stay.others.get(1) {
        disease("A006031", 0, second);
    }
    for (n, other) in stay.others.iter().enumerate() {
        disease("A006040", n as u64 + 1, other);
    }
    for (n, other) in stay.later.iter().enumerate() {
        disease("A006050", n as u64 + 1, other);
    }
    if let Some(rare) = person.rare
        && year < 2026
    {
        put("A006060", 0, ["", rare.notice, "1", "", "", "", "", "", ""]);
    }
    for (n, (day, operation)) in stay.operations.iter().enumerate() {
        put(
            "A007010",
            n as u64 + 1,
            [&day8(*day), operation.k, operation.stem, "1", "0", "4", "", "", operation.name],
        );
    }
}

/// The rows of 様式1 that a disease asks for.
fn modules(icd: &str, year: i32) -> Vec<(&'static str, [&'static str; 9])> {
    let is = |heads: &[&str]| heads.iter().any(|head| icd.starts_with(head));
    let mut rows = Vec::new();
    if is(&["I63"]) {
        rows.push(("M010010", ["", "0", "1", "", "", "", "", "", ""]));
        rows.push(("M010020", ["", "2", "", "", "", "", "", "", ""]));
    }
    if is(&["J"]) {
        rows.push(("M040010", ["", "2", "", "", "", "", "", "", ""]));
    }
    if is(&["J18", "J69"]) {
        rows.push(("M040020", ["", "1000005", "0", "", "", "", "", "", ""]));
    }
    if is(&["I50"]) && year >= 2024 {
        rows.push(("M050011", ["", "", "", "3", "", "", "", "", ""]));
        rows.push(("M050041", ["", "", "", "2", "0", "", "", "", ""]));
        rows.push(("M050090", ["", "2", "", "", "", "", "", "", ""]));
    }
    if is(&["I25"]) {
        rows.push(("M050020", ["", "2", "", "", "", "", "", "", ""]));
    }
    if is(&["I21"]) {
        rows.push(("M050030", ["", "1", "", "", "", "", "", "", ""]));
        if year >= 2024 {
            rows.push(("M050051", ["", "1", "", "", "", "", "", "", ""]));
        }
    }
    if is(&["K74"]) {
        rows.push(("M060010", ["", "11111", "", "", "", "", "", "", ""]));
    }
    if is(&["O8"]) {
        rows.push(("M120010", ["", "2", "400", "", "", "", "", "", ""]));
    }
    if is(&["F"]) {
        rows.push(("M170010", ["", "41", "", "", "", "", "", "", ""]));
        rows.push(("M170020", ["", "1", "0", "0", "", "", "", "", ""]));
    }
    rows
}

fn form4(stay: &Stay, hospital: &Hospital, id: &str, dice: &mut Dice, sheet: &mut Sheet) {
    // 1 health insurance alone, 2 with others, 3 労災, 4 自賠責, 5 own money.
    let payment = match dice.below(60) {
        0 => "3",
        1 => "4",
        2 => "5",
        3 => "2",
        _ => "1",
    };
    sheet
        .file(&path("FF4", hospital, stay.left))
        .row('\t')
        .all(&[&hospital.code, id])
        .day(stay.admitted)
        .day(stay.left)
        .s(payment)
        .end();
}

fn k_file(
    world: &World,
    person: &Person,
    stay: &Stay,
    hospital: &Hospital,
    id: &str,
    dice: &mut Dice,
    sheet: &mut Sheet,
) {
    // Birth date, kana name and sex without a key: the survey's one tool makes it, so that it is the same at every hospital. Twins
    // without names yet have one common ID.
    let made = format!("{}{}{}", day8(person.birth), person.kana(), person.sex());
    let digest = Sha256::digest(made.as_bytes());
    let mut common = String::with_capacity(64);
    for byte in digest {
        use std::fmt::Write as _;
        let _ = write!(common, "{byte:02x}");
    }
    if world.config.dirt {
        match dice.below(60) {
            0 => common = "9".repeat(64),
            1 => common.clear(),
            _ => {}
        }
    }
    sheet
        .file(&path("Kn", hospital, stay.left))
        .row('\t')
        .all(&[&hospital.code, id])
        .day(stay.left)
        .day(stay.admitted)
        .s(&common)
        .end();
}

fn receipt_kind(person: &Person, day: i32, inpatient: bool) -> &'static str {
    match (person.age_on(day), inpatient) {
        (75.., true) => "1317",
        (75.., false) => "1318",
        (70..75, true) => "1117",
        (70..75, false) => "1118",
        (i32::MIN..6, true) => "1113",
        (i32::MIN..6, false) => "1114",
        (_, true) => "1111",
        (_, false) => "1112",
    }
}

/// The middle of a row of EF: what was done, how often and for how many points.
fn ef_act(text: &mut String, done: &Done, base: u32, padded: bool, broken: bool) {
    use std::fmt::Write as _;
    let act = done.act;
    text.push_str(act.section);
    let _ = write!(text, "\t{:04}\t{:03}\t", done.order - base, done.detail);
    text.push('H');
    text.push_str(act.code);
    text.push('\t');
    text.push_str(act.code);
    text.push('\t');
    text.push_str(act.interpretation);
    text.push('\t');
    text.push_str(act.name);
    if padded {
        text.push_str("    ");
    }
    if broken {
        text.push(BAD_BYTE);
    }
    let unit = if act.kind == ActKind::Drug { "016" } else { "000" };
    let _ = write!(text, "\t{}\t{unit}\t", done.quantity);
    let _ = write!(
        text,
        "{}\t0\t{}\t000000000000\t{}\t{}\t{}\t{}\t",
        if done.detail == 0 { 0 } else { act.points },
        done.points,
        done.points,
        done.drug,
        done.material,
        done.times
    );
}

/// The middle of a row of D.
fn d_act(text: &mut String, done: &Done, base: u32) {
    use std::fmt::Write as _;
    let act = done.act;
    let _ = write!(
        text,
        "{}\t{:04}\tH{}\t{}\t{}\t{}\t{}\t{}\t{}\t0\t{}\t",
        act.section,
        done.order - base,
        act.code,
        act.code,
        act.interpretation,
        act.name,
        done.points,
        done.drug,
        done.material,
        done.times
    );
}

fn ef_and_d(
    world: &World,
    person: &Person,
    index: usize,
    hospital: &Hospital,
    id: &str,
    dice: &mut Dice,
    sheet: &mut Sheet,
) {
    use std::fmt::Write as _;
    let stay = &person.stays[index];
    let dirty = world.config.dirt;
    let doctor = format!("D{:04}", stay.doctor);
    // Some systems pad fields to their full width.
    let padded = dirty && dice.one_in(50);
    let doctor = if padded { format!("{doctor:<10}") } else { doctor };
    let broken = if dirty && dice.one_in(300) { dice.below(100) } else { u64::MAX };
    let mut month = (0, 0);
    let mut ef_path = String::new();
    let mut d_path = String::new();
    let mut begin = String::new();
    let mut end = String::new();
    let mut d_end = String::new();
    let mut rows = 0;
    let mut base = 0;
    let mut last_day = i32::MIN;
    person.acts(world, index, |done| {
        let (year, number, _) = civil(done.day);
        if month != (year, number) {
            month = (year, number);
            ef_path = path("EFn", hospital, done.day);
            d_path = path("Dn", hospital, done.day);
            base = done.order - 1;
            begin = format!(
                "{}\t{id}\t{}\t{}",
                hospital.code,
                day_or_zero(known(stay, done.day)),
                day8(stay.admitted)
            );
            let _ = write!(begin, "\t");
        }
        if last_day != done.day {
            last_day = done.day;
            let card = person.card_on(done.day);
            let kind = receipt_kind(person, done.day, true);
            end = format!(
                "{}\t{kind}\t{}\t{}\t{}\t{doctor}\tW{:02}\t1\t1\t00",
                card.insurer,
                day8(done.day),
                stay.department.2,
                stay.department.1,
                stay.ward
            );
            d_end = format!(
                "{end}\t{}\t{}\t{}\t{}\t{}",
                day8(stay.admitted),
                day_or_zero(known(stay, done.day)),
                day8(stay.admitted),
                stay.disease.dpc,
                hospital.coefficient
            );
        }
        let act = done.act;
        let piece = sheet.file(&ef_path);
        let start = piece.text.len();
        let text = &mut piece.text;
        text.push_str(&begin);
        ef_act(text, done, base, padded, rows == broken);
        text.push_str(&end);
        text.push_str("\r\n");
        piece.rows += 1;
        rows += 1;
        if dirty && dice.one_in(20_000) {
            // The same row twice.
            let again = piece.text[start..].to_owned();
            piece.text.push_str(&again);
            piece.rows += 1;
        }
        if done.detail == 0
            && matches!(
                act.kind,
                ActKind::Fee | ActKind::Operation | ActKind::Image | ActKind::Care
            )
        {
            let piece = sheet.file(&d_path);
            let text = &mut piece.text;
            text.push_str(&begin);
            d_act(text, done, base);
            text.push_str(&d_end);
            text.push_str("\r\n");
            piece.rows += 1;
        }
    });
}

fn ef_outpatient(
    person: &Person,
    visit: &Visit,
    hospital: &Hospital,
    id: &str,
    dice: &mut Dice,
    sheet: &mut Sheet,
) {
    let pools = super::world::pools();
    let piece = sheet.file(&path("EFg", hospital, visit.day));
    let card = person.card_on(visit.day);
    let birth = day8_or_none(person.birth_known.then_some(person.birth));
    let day = day8(visit.day);
    let doctor = format!("D{:04}", visit.doctor);
    let mut order = 0;
    let mut put =
        |section: &str, detail: u64, code: &str, interpretation: &str, name: &str, points: u64| {
            if detail == 0 {
                order += 1;
            }
            piece
                .row('\t')
                // Column 3 is the date of birth in this file.
                .all(&[&hospital.code, id, &birth, &day, section])
                .w(order, 4)
                .w(detail, 3)
                .s(&format!("H{code}"))
                .all(&[code, interpretation, name])
                .all(&["1", "000"])
                .n(if detail == 0 { 0 } else { points })
                .s("0")
                .n(points)
                .s("000000000000")
                .n(points)
                .all(&["0", "0", "1", &card.insurer, receipt_kind(person, visit.day, false), &day])
                .all(&[visit.department.2, visit.department.1, &doctor, "", "", "0", "00"])
                .end();
        };
    if visit.first {
        put("11", 0, "111000110", "A000", "初診料", 291);
    } else {
        put("12", 0, "112007410", "A001", "再診料", 75);
    }
    for _ in 0..2 + dice.below(3) {
        let head = *dice.pick(&pools.tests);
        put("60", 0, head.code, head.interpretation, head.name, u64::from(head.points));
        for part in 1..=1 + dice.below(3) {
            let act = *dice.pick(&pools.tests);
            put("60", part, act.code, act.interpretation, act.name, u64::from(act.points));
        }
    }
    if dice.one_in(3) {
        let head = *dice.pick(&pools.images);
        put("70", 0, head.code, head.interpretation, head.name, u64::from(head.points));
    }
}

fn h_file(
    world: &World,
    stay: &Stay,
    hospital: &Hospital,
    id: &str,
    dice: &mut Dice,
    sheet: &mut Sheet,
) {
    use std::fmt::Write as _;
    let ward = format!("W{:02}", stay.ward);
    for day in stay.admitted..=stay.left.min(world.end - 1) {
        let piece = sheet.file(&path("Hn", hospital, day));
        let mut put = |code: &str, values: &[&str]| {
            let text = &mut piece.text;
            let _ = write!(
                text,
                "{}\t{ward}\t{id}\t{}\t{}\t{}\t{code}\t20200401\t0",
                hospital.code,
                day_or_zero(known(stay, day)),
                day8(stay.admitted),
                day8(day)
            );
            for n in 0..20 {
                text.push('\t');
                if let Some(value) = values.get(n) {
                    text.push_str(value);
                }
            }
            text.push_str("\r\n");
            piece.rows += 1;
        };
        put("TAR0010", &["0"]);
        let mut values = |count: usize| -> Vec<&str> {
            (0..count).map(|_| if dice.one_in(2) { "1" } else { "0" }).collect()
        };
        let (mut a, b) = (values(8), values(11));
        // Three marks in one value: radiation, drainage, a sterile room.
        a[6] = if a[6] == "1" { "010" } else { "000" };
        put("ASS0013", &a);
        put("ASS0021", &b);
    }
}
