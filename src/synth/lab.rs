//! Laboratory CSV: one long file a hospital, with the values as machines and people write them.

use super::Layout;
use super::csv::charset;
use super::pools::LABS;
use super::sheet::{Charset, Piece, Sheet, civil, wide};
use super::world::{Dice, Hospital, Person, Result1, World};

pub(super) struct LabCsv;

/// Columns, in order.
pub(super) const COLUMNS: [&str; 12] = [
    "施設コード",
    "患者ID",
    "検体番号",
    "検査日時",
    "検査項目コード",
    "検査項目名",
    "値",
    "単位",
    "基準値下限",
    "基準値上限",
    "フラグ",
    "コメント",
];

/// Hospitals with codes of their own have a file of another name.
fn path(hospital: &Hospital) -> String {
    let kind = if hospital.local_codes { "local" } else { "jlac10" };
    format!("{kind}_{}.csv", hospital.code)
}

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
            sheet.file(&path(hospital));
        }
        if !world.config.dirt {
            return;
        }
        let hospital = &world.hospitals[0];
        let piece = sheet.file(&path(hospital));
        // A filler in place of a number, and a day that does not exist.
        for (id, when) in [("9999999999", "2025-01-10 08:30"), ("0000100007", "2025-02-30 08:30")] {
            let lab = &LABS[0];
            piece
                .row(',')
                .all(&[&hospital.code, id, "", when, lab.code, lab.name, "21", lab.unit])
                .e(4)
                .end();
        }
    }
    fn person(&self, world: &World, person: &Person, dice: &mut Dice, sheet: &mut Sheet) {
        for stay in &person.stays {
            let registration = &person.registrations[stay.registration];
            let hospital = &world.hospitals[registration.hospital as usize];
            let piece = sheet.file(&path(hospital));
            for result in &stay.results {
                row(world, person, hospital, &registration.number, result, dice, piece);
            }
        }
        for visit in &person.visits {
            let registration = &person.registrations[visit.registration];
            let hospital = &world.hospitals[registration.hospital as usize];
            let piece = sheet.file(&path(hospital));
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
    let code = if hospital.local_codes { lab.local } else { lab.code };
    // One tube a draw: day, minute and kind of tube.
    let specimen = format!(
        "{:09}",
        u64::from(result.day.unsigned_abs()) * 10_000 % 999_999_937
            + u64::from(result.minute.unsigned_abs())
    );
    let value = match dice.below(150) {
        0 if dirty => wide(&result.value),
        1 if dirty => format!("{} ", result.value),
        _ => result.value.clone(),
    };
    let (low, high) = (lab.low.to_string(), lab.high.to_string());
    let times = if dirty && dice.one_in(3_000) { 2 } else { 1 };
    for _ in 0..times {
        piece.plant(person.number, "コメント", result.note.as_ref());
        piece
            .row(',')
            .all(&[&hospital.code, &shown, &specimen, &when, code, lab.name, &value, lab.unit])
            .all(&[&low, &high, result.flag, result.note.as_ref().map_or("", |n| &n.text)])
            .end();
    }
}
