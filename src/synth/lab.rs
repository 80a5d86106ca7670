//! Laboratory CSV: one long file a hospital, with the values as machines and people write them.

use super::Layout;
use super::csv::charset;
use super::pools::LABS;
use super::sheet::{Charset, Piece, Sheet, civil, wide};
use super::world::{Dice, Hospital, Person, Result1, World};

pub(super) struct LabCsv;

/// Columns, in order.
pub(super) const COLUMNS: [&str; 11] = [
    "施設コード",
    "患者ID",
    "採取日時",
    "検査項目コード",
    "ローカルコード",
    "検査項目名",
    "検査結果",
    "単位",
    "基準値",
    "異常値区分",
    "コメント",
];

impl Layout for LabCsv {
    fn name(&self) -> &'static str {
        "lab"
    }
    fn about(&self) -> &'static str {
        "laboratory results, one CSV a hospital"
    }
    fn charset(&self, world: &World, _: &str) -> Charset {
        charset(world)
    }
    fn head(&self, _: &World, _: &str) -> String {
        format!("{}\r\n", COLUMNS.join(","))
    }
    fn begin(&self, world: &World, sheet: &mut Sheet) {
        for hospital in &world.hospitals {
            sheet.file(&format!("lab_{}.csv", hospital.code));
        }
        if !world.config.dirt {
            return;
        }
        let code = &world.hospitals[0].code;
        let piece = sheet.file(&format!("lab_{code}.csv"));
        // A filler in place of a number, and a day that does not exist.
        piece
            .row(',')
            .s(code)
            .all(&[
                "9999999999",
                "2025-01-10 08:30",
                LABS[0].code,
                LABS[0].local,
                LABS[0].name,
                "21",
                LABS[0].unit,
                "",
                "",
                "",
            ])
            .end();
        piece
            .row(',')
            .s(code)
            .all(&[
                "0000100007",
                "2025-02-30 08:30",
                LABS[1].code,
                LABS[1].local,
                LABS[1].name,
                "19",
                LABS[1].unit,
                "",
                "",
                "",
            ])
            .end();
    }
    fn person(&self, world: &World, person: &Person, dice: &mut Dice, sheet: &mut Sheet) {
        for stay in &person.stays {
            let registration = &person.registrations[stay.registration];
            let hospital = &world.hospitals[registration.hospital as usize];
            let piece = sheet.file(&format!("lab_{}.csv", hospital.code));
            for result in &stay.results {
                row(world, person, hospital, &registration.number, result, dice, piece);
            }
        }
        for visit in &person.visits {
            let registration = &person.registrations[visit.registration];
            let hospital = &world.hospitals[registration.hospital as usize];
            let piece = sheet.file(&format!("lab_{}.csv", hospital.code));
            for result in &visit.results {
                row(world, person, hospital, &registration.number, result, dice, piece);
            }
        }
    }
}

fn row(
    world: &World,
    person: &Person,
    hospital: &Hospital,
    id: &str,
    result: &Result1,
    dice: &mut Dice,
    piece: &mut Piece,
) {
    let dirty = world.config.dirt;
    let lab = &LABS[result.test];
    let (year, month, day) = civil(result.day);
    let (hour, minute) = (result.minute / 60, result.minute % 60);
    let when = if hospital.wareki {
        format!("{year}/{month:02}/{day:02} {hour}:{minute:02}")
    } else {
        format!("{year}-{month:02}-{day:02} {hour:02}:{minute:02}")
    };
    let shown = match dice.below(200) {
        _ if hospital.cut_zeros => id.trim_start_matches('0').to_owned(),
        0 if dirty => wide(id),
        1 if dirty => format!("{id}  "),
        _ => id.to_owned(),
    };
    // A hospital with codes of its own has JLAC10 for two tests in three.
    let code = if hospital.local_codes && result.test % 3 == 2 { "" } else { lab.code };
    let value = match dice.below(150) {
        0 if dirty => wide(&result.value),
        1 if dirty => format!("{} ", result.value),
        _ => result.value.clone(),
    };
    let range = format!("{}-{}", lab.low, lab.high);
    let times = if dirty && dice.one_in(3_000) { 2 } else { 1 };
    for _ in 0..times {
        piece.plant(person.number, "コメント", result.note.as_ref());
        piece
            .row(',')
            .all(&[&hospital.code, &shown, &when, code, lab.local, lab.name, &value, lab.unit])
            .all(&[&range, result.flag, result.note.as_ref().map_or("", |n| &n.text)])
            .end();
    }
}
