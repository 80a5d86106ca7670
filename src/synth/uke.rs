//! Receipts (UKE): outpatients' (医科) and inpatients' (DPC) by hospital and month.
//!
//! CP932, CRLF, commas without quotes, no header, records of their own length; `<施設コード>/<YYYYMM>/RECEIPTC.UKE` and
//! `RECEIPTD.UKE`. A hospital in six has 和暦 dates as before 2020; every other one ends its files with byte 1A.

use std::collections::BTreeMap;

use super::Layout;
use super::pools::{ActKind, DRUGS};
use super::sheet::{Charset, GAIJI, Piece, SERIAL, Sheet, civil, wide};
use super::world::{Dice, Hospital, Person, Registration, World};

pub(super) struct Uke;

/// G (1 明治 .. 5 令和) and the year of the era.
fn era(year: i32, month: u32, day: u32) -> (i32, i32) {
    let at = (year, month, day);
    if at >= (2019, 5, 1) {
        (5, year - 2018)
    } else if at >= (1989, 1, 8) {
        (4, year - 1988)
    } else if at >= (1926, 12, 25) {
        (3, year - 1925)
    } else if at >= (1912, 7, 30) {
        (2, year - 1911)
    } else {
        (1, year - 1867)
    }
}

fn date(hospital: &Hospital, days: i32) -> String {
    let (y, m, d) = civil(days);
    if hospital.old_receipts {
        let (g, year) = era(y, m, d);
        format!("{g}{year:02}{m:02}{d:02}")
    } else {
        format!("{y:04}{m:02}{d:02}")
    }
}

fn month_of(hospital: &Hospital, year: i32, month: u32) -> String {
    if hospital.old_receipts {
        let (g, era) = era(year, month, 1);
        format!("{g}{era:02}{month:02}")
    } else {
        format!("{year:04}{month:02}")
    }
}

fn parts(path: &str) -> (&str, i32, u32) {
    let mut parts = path.split('/');
    let code = parts.next().unwrap_or_default();
    let month = parts.next().unwrap_or_default();
    let number = |range: std::ops::Range<usize>| month.get(range).and_then(|t| t.parse().ok());
    (code, number(0..4).unwrap_or(2024), number(4..6).map_or(1, |m: i32| m.unsigned_abs()))
}

impl Layout for Uke {
    fn name(&self) -> &'static str {
        "uke"
    }
    fn about(&self) -> &'static str {
        "receipts (UKE): 医科 outpatient and DPC inpatient by hospital and month"
    }
    fn charset(&self, _: &World, _: &str) -> Charset {
        Charset::Cp932
    }
    fn head(&self, world: &World, path: &str) -> String {
        let (code, year, month) = parts(path);
        let Some(hospital) = world.hospitals.iter().find(|h| h.code == code) else {
            return String::new();
        };
        // Charged in the month after.
        let (year, month) = if month == 12 { (year + 1, 1) } else { (year, month + 1) };
        format!(
            "IR,1,{},1,{},,{},{},00,{}\r\n",
            &code[..2],
            &code[2..],
            hospital.name,
            month_of(hospital, year, month),
            hospital.phone
        )
    }
    fn tail(&self, world: &World, path: &str, tally: [u64; 2]) -> Vec<u8> {
        let mut text = format!("GO,{},{},99\r\n", tally[0], tally[1]).into_bytes();
        let (code, _, _) = parts(path);
        if world.hospitals.iter().any(|h| h.code == code && h.eof_byte) {
            text.push(0x1A);
        }
        text
    }
    fn person(&self, world: &World, person: &Person, dice: &mut Dice, sheet: &mut Sheet) {
        inpatient(world, person, dice, sheet);
        outpatient(world, person, dice, sheet);
    }
}

fn file(hospital: &Hospital, month: (i32, u32), kind: &str) -> String {
    format!("{}/{:04}{:02}/{kind}.UKE", hospital.code, month.0, month.1)
}

/// Days of the month with their counts.
type Days = [u32; 31];

fn line(piece: &mut Piece, cells: &[&str]) {
    piece.row('\u{0}').raw(&cells.join(",")).end();
}

fn act_line(
    piece: &mut Piece,
    kind: &str,
    section: &str,
    code: &str,
    amount: &str,
    points: u32,
    days: &Days,
) {
    use std::fmt::Write as _;
    let times: u32 = days.iter().sum();
    let mut text = format!("{kind},{section},1,{code},{amount},{points},{times},,,,,,,");
    for (n, day) in days.iter().enumerate() {
        if n > 0 {
            text.push(',');
        }
        if *day > 0 {
            let _ = write!(text, "{day}");
        }
    }
    piece.row('\u{0}').raw(&text).end();
}

/// RE, HO, SN, KO: who and who pays.
#[expect(clippy::too_many_arguments, reason = "the head of one receipt, used here only")]
fn head(
    world: &World,
    person: &Person,
    hospital: &Hospital,
    registration: &Registration,
    month: (i32, u32),
    admitted: Option<i32>,
    on: i32,
    days: usize,
    points: u64,
    dice: &mut Dice,
    piece: &mut Piece,
) {
    let inpatient = admitted.is_some();
    let age = person.age_on(on);
    let kind = match (age, inpatient) {
        (75.., true) => "1317",
        (75.., false) => "1318",
        (i32::MIN..6, true) => "1113",
        (i32::MIN..6, false) => "1114",
        (_, true) => "1111",
        (_, false) => "1112",
    };
    let mut name = person.name();
    if world.config.dirt && dice.one_in(300) {
        // A character that only this hospital has.
        name = format!("{GAIJI}{}", name.chars().skip(1).collect::<String>());
    }
    let serial = SERIAL.to_string();
    let (month_text, birth) = (month_of(hospital, month.0, month.1), date(hospital, person.birth));
    let admitted = admitted.map_or_else(String::new, |day| date(hospital, day));
    let kana = person.kana().replace('　', "");
    let mut cells = vec![""; if inpatient { 30 } else { 38 }];
    cells[0] = "RE";
    cells[1] = &serial;
    cells[2] = kind;
    cells[3] = &month_text;
    cells[4] = &name;
    cells[5] = person.sex();
    cells[6] = &birth;
    cells[8] = &admitted;
    cells[11] = if age >= 70 { "29" } else { "" };
    let search = format!("{:08}{}{}", person.number, month.0, month.1);
    if inpatient {
        cells[13] = &registration.number;
        cells[20] = &search;
        cells[28] = &kana;
    } else {
        cells[13] = &registration.number;
        cells[18] = &search;
        cells[36] = &kana;
    }
    line(piece, &cells);
    let card = person.card_on(on);
    let (symbol, number) = if hospital.wide_digits {
        (wide(&card.symbol), wide(&card.number))
    } else {
        (card.symbol.clone(), card.number.clone())
    };
    let (days_text, points_text) = (days.to_string(), points.to_string());
    let mut cells = vec![""; if inpatient { 16 } else { 15 }];
    cells[..6].copy_from_slice(&["HO", &card.insurer, &symbol, &number, &days_text, &points_text]);
    line(piece, &cells);
    line(piece, &["SN", "1", "01", "", "", "", &card.branch, "", ""]);
    if person.rare.is_some() {
        // 法別番号 54: 難病.
        let recipient = format!("{:07}", person.number * 7 % 9_999_991);
        let mut cells = vec![""; if inpatient { 13 } else { 12 }];
        cells[..6].copy_from_slice(&["KO", "54146015", &recipient, "", &days_text, &points_text]);
        line(piece, &cells);
    }
    piece.tally[0] += 1;
    piece.tally[1] += points;
}

#[derive(Default)]
struct Month {
    coded: Vec<String>,
    acts: BTreeMap<(&'static str, &'static str), (u32, Days)>,
    days: std::collections::BTreeSet<i32>,
    points: u64,
}

fn inpatient(world: &World, person: &Person, dice: &mut Dice, sheet: &mut Sheet) {
    for (index, stay) in person.stays.iter().enumerate() {
        let registration = &person.registrations[stay.registration];
        let hospital = &world.hospitals[registration.hospital as usize];
        let mut months: BTreeMap<(i32, u32), Month> = BTreeMap::new();
        person.acts(world, index, |done| {
            let (year, month, day) = civil(done.day);
            let part = months.entry((year, month)).or_default();
            part.days.insert(done.day);
            if done.detail == 0 {
                if matches!(done.act.kind, ActKind::Operation | ActKind::Care) {
                    part.points += u64::from(done.points);
                    let days = part
                        .acts
                        .entry((done.act.section, done.act.code))
                        .or_insert((done.points, [0; 31]));
                    days.1[day as usize - 1] += 1;
                }
            } else {
                part.coded.push(format!(
                    "CD,{},{},{:04},{:03},{},{},,,1,",
                    date(hospital, done.day),
                    done.act.section,
                    done.order,
                    done.detail,
                    done.act.code,
                    done.quantity,
                ));
            }
        });
        for (month, part) in &months {
            let piece = sheet.file(&file(hospital, *month, "RECEIPTD"));
            let bundled = part.days.len() as u64 * 2200;
            let first = part.days.first().copied().unwrap_or(stay.admitted);
            let points = part.points + bundled;
            head(
                world,
                person,
                hospital,
                registration,
                *month,
                Some(stay.admitted),
                first,
                part.days.len(),
                points,
                dice,
                piece,
            );
            let over = part.days.contains(&stay.left);
            let left = if over { date(hospital, stay.left) } else { String::new() };
            let outcome = match (over, stay.outcome) {
                (false, _) => "",
                (_, "6") => "3",
                (_, "1") => "2",
                _ => "1",
            };
            let cause = if over && stay.outcome == "6" { stay.main.name.as_str() } else { "" };
            line(
                piece,
                &["BU", stay.disease.dpc, &date(hospital, stay.admitted), &left, outcome, cause],
            );
            for (n, d) in std::iter::once(&stay.main).chain(&stay.others).enumerate() {
                let class = if n == 0 { "11" } else { "41" };
                let modifier = if d.suspected { "8002" } else { "" };
                line(piece, &["SB", &d.code, modifier, &d.name, d.icd, class, "", ""]);
            }
            let before = stay.before.map_or_else(String::new, |day| date(hospital, day));
            let age = person.age_on(stay.admitted).max(0).to_string();
            let weight = stay.birth.map_or_else(String::new, |b| b.0.to_string());
            let months_old = if person.age_on(stay.admitted) < 1 {
                ((stay.admitted - person.birth) / 30).to_string()
            } else {
                String::new()
            };
            let planned = if stay.emergency { "3" } else { "1" };
            line(
                piece,
                &[
                    "KK",
                    "",
                    "",
                    planned,
                    &before,
                    "",
                    &age,
                    &weight,
                    stay.coma[0],
                    "",
                    "",
                    "",
                    "",
                    &months_old,
                ],
            );
            let ym = month_of(hospital, month.0, month.1);
            line(piece, &["GA", &ym, "0", "", stay.disease.dpc, hospital.coefficient, ""]);
            let sum = bundled.to_string();
            let days = part.days.len().to_string();
            line(piece, &["HH", &ym, "0", "1", "1", "1", "2200", &days, &sum]);
            line(piece, &["GT", &ym, "0", "1", "1", &sum, &sum, "0", &sum, "", "", ""]);
            for ((section, code), (points, days)) in &part.acts {
                act_line(piece, "SI", section, code, "", *points, days);
            }
            if let Some(note) = &stay.note
                && over
            {
                piece.plant(person.number, "文字データ", Some(note));
                line(piece, &["CO", "99", "1", "810000001", &note.text.replace(',', "，")]);
            }
            if over && stay.left - stay.admitted > 60 {
                line(piece, &["SJ", "01", "長期入院のため症状を詳記する。経過は良好である。"]);
            }
            for coded in &part.coded {
                piece.row('\u{0}').raw(coded).end();
            }
        }
    }
}

fn outpatient(world: &World, person: &Person, dice: &mut Dice, sheet: &mut Sheet) {
    let mut months: BTreeMap<(usize, i32, u32), Vec<usize>> = BTreeMap::new();
    for (index, visit) in person.visits.iter().enumerate() {
        let (year, month, _) = civil(visit.day);
        months.entry((visit.registration, year, month)).or_default().push(index);
    }
    for ((registration, year, month), visits) in &months {
        let registration = &person.registrations[*registration];
        let hospital = &world.hospitals[registration.hospital as usize];
        let piece = sheet.file(&file(hospital, (*year, *month), "RECEIPTC"));
        let first = &person.visits[visits[0]];
        let mut points = 0;
        for visit in visits.iter().map(|v| &person.visits[*v]) {
            points += if visit.first { 291 } else { 75 };
            points += visit.doses.len() as u64 * 21 + u64::from(!visit.results.is_empty()) * 144;
        }
        head(
            world,
            person,
            hospital,
            registration,
            (*year, *month),
            None,
            first.day,
            visits.len(),
            points,
            dice,
            piece,
        );
        for visit in visits.iter().map(|v| &person.visits[*v]) {
            let d = &visit.diagnosis;
            let name = if d.code == "0000999" { d.name.as_str() } else { "" };
            let modifier = if d.suspected { "8002" } else { "" };
            let main = if visit.number == first.number { "01" } else { "" };
            line(
                piece,
                &["SY", &d.code, &date(hospital, visit.day), "1", modifier, name, main, ""],
            );
        }
        for visit in visits.iter().map(|v| &person.visits[*v]) {
            let mut days = [0; 31];
            days[civil(visit.day).2 as usize - 1] = 1;
            if visit.first {
                act_line(piece, "SI", "11", "111000110", "", 291, &days);
            } else {
                act_line(piece, "SI", "12", "112007410", "", 75, &days);
            }
            if !visit.results.is_empty() {
                act_line(piece, "SI", "60", "160000110", "", 144, &days);
            }
            for dose in &visit.doses {
                act_line(piece, "IY", "21", DRUGS[dose.drug].receipt, dose.amount, 21, &days);
            }
            if let Some(note) = &visit.note {
                piece.plant(person.number, "文字データ", Some(note));
                line(piece, &["CO", "99", "1", "810000001", &note.text.replace(',', "，")]);
            }
        }
    }
}
