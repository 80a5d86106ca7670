//! Plain CSV: five tables as a data warehouse gives them. What `policies/csv.toml` reads.

use super::Layout;
use super::pools::{DRUGS, LABS};
use super::sheet::{Charset, Sheet, civil, day8, half_kana, plain, wide};
use super::world::{Dice, Hospital, Person, World};
use crate::schema::file::Encoding;

pub(super) struct Csv;

/// Days as a hospital writes them: some western, some 和暦 in several ways.
fn day(dice: &mut Dice, hospital: &Hospital, days: i32) -> String {
    let western = day8(days);
    if !hospital.wareki {
        return western;
    }
    let era = |form: &str| {
        crate::text::date::parse(form)
            .and_then(|w| w.written_as(days))
            .unwrap_or_else(|| western.clone())
    };
    match dice.below(10) {
        0..=5 => era("R6.4.1"),
        6..=8 => era("令和6年4月1日"),
        _ => wide(&western),
    }
}

/// The charset that the user chose for CSV.
pub(super) fn charset(world: &World) -> Charset {
    match world.config.encoding {
        Encoding::Cp932 => Charset::Cp932,
        Encoding::Iso2022Jp => Charset::Iso2022Jp,
        Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Utf16 => Charset::Utf8,
    }
}

/// A name as a hospital's system holds it.
pub(super) fn name_at(person: &Person, hospital: &Hospital) -> String {
    if hospital.plain_kanji { plain(&person.name()) } else { person.name() }
}

/// A kana name as a hospital's system holds it.
pub(super) fn kana_at(person: &Person, hospital: &Hospital) -> String {
    if hospital.half_kana { half_kana(&person.kana()) } else { person.kana() }
}

impl Layout for Csv {
    fn name(&self) -> &'static str {
        "csv"
    }
    fn about(&self) -> &'static str {
        "plain CSV: persons, stays, diagnoses, labs, prescriptions"
    }
    fn charset(&self, world: &World, _: &str) -> Charset {
        charset(world)
    }
    fn head(&self, _: &World, path: &str) -> String {
        match path {
            "persons.csv" => "施設コード,患者ID,氏名,カナ氏名,生年月日,性別,郵便番号,住所,電話番号,保険者番号,記号,番号,枝番\r\n",
            "stays.csv" => "施設コード,患者ID,入院番号,入院日,退院日,入院経路,退院先,転帰,診療科,主傷病コード,主傷病名,医師コード,備考\r\n",
            "diagnoses.csv" => "施設コード,患者ID,入院番号,病名コード,区分\r\n",
            "labs.csv" => "施設コード,患者ID,入院番号,検査日時,検査項目コード,値,単位,フラグ\r\n",
            "prescriptions.csv" => "施設コード,患者ID,入院番号,処方日,薬剤コード,用量,日数\r\n",
            _ => "",
        }
        .to_owned()
    }
    fn begin(&self, world: &World, sheet: &mut Sheet) {
        for file in ["persons.csv", "stays.csv", "diagnoses.csv", "labs.csv", "prescriptions.csv"] {
            sheet.file(file);
        }
        if !world.config.dirt {
            return;
        }
        let code = &world.hospitals[0].code;
        // A filler for a patient's number would be one giant person.
        let cells = [
            "9999999999",
            "00000001",
            "20250110",
            "20250115",
            "1",
            "1",
            "1",
            "内科",
            "I10",
            "本態性高血圧症",
            "D0001",
            "",
        ];
        sheet.file("stays.csv").row(',').s(code).all(&cells).end();
        // No such day.
        let cells = ["0000100007", "00000001", "20250230", "3D0450000019206", "5.1", "%", ""];
        sheet.file("labs.csv").row(',').s(code).all(&cells).end();
    }
    fn person(&self, world: &World, person: &Person, dice: &mut Dice, sheet: &mut Sheet) {
        let dirty = world.config.dirt;
        for (index, registration) in person.registrations.iter().enumerate() {
            let hospital = &world.hospitals[registration.hospital as usize];
            let id = registration.number.as_str();
            let last = person.stays.iter().rev().find(|s| s.registration == index);
            let on = last.map_or(world.end, |s| s.left);
            // Another spelling of the same number: blanks around it, or full-width digits.
            let shown = match dice.below(40) {
                0 if dirty => format!(" {id}"),
                1 if dirty => wide(id),
                _ => id.to_owned(),
            };
            let birth = if person.birth_known {
                let text = day(dice, hospital, person.birth);
                if dirty && dice.one_in(50) { format!("{text} ") } else { text }
            } else {
                "00000000".to_owned()
            };
            let home = person.home_on(on);
            let postal = match dice.below(200) {
                0 if dirty => "0000000",
                1 if dirty => "9999999",
                _ => home.postal,
            };
            let card = person.card_on(on);
            let symbol =
                if hospital.wide_digits { wide(&card.symbol) } else { card.symbol.clone() };
            sheet
                .file("persons.csv")
                .row(',')
                .s(&hospital.code)
                .s(&shown)
                .s(&name_at(person, hospital))
                .s(&kana_at(person, hospital))
                .s(&birth)
                .s(person.sex())
                .s(postal)
                .s(&home.address)
                .s(&person.phone)
                .all(&[&card.insurer, &symbol, &card.number, &card.branch])
                .end();
        }
        for stay in &person.stays {
            let registration = &person.registrations[stay.registration];
            let hospital = &world.hospitals[registration.hospital as usize];
            let (code, id) = (hospital.code.as_str(), registration.number.as_str());
            let number = format!("{:08}", stay.number);
            let (admitted, left) =
                (day(dice, hospital, stay.admitted), day(dice, hospital, stay.left));
            let piece = sheet.file("stays.csv");
            piece.plant(person.number, "備考", stay.note.as_ref());
            piece
                .row(',')
                .all(&[code, id, &number, &admitted, &left, stay.route, stay.place, stay.outcome])
                .all(&[stay.department.0, stay.main.icd, &stay.main.name])
                .s(&format!("D{:04}", stay.doctor))
                .s(stay.note.as_ref().map_or("", |n| &n.text))
                .end();
            let piece = sheet.file("diagnoses.csv");
            piece.row(',').all(&[code, id, &number, stay.main.icd, "主傷病"]).end();
            for other in &stay.others {
                piece.row(',').all(&[code, id, &number, other.icd, "併存症"]).end();
            }
            for other in &stay.later {
                piece.row(',').all(&[code, id, &number, other.icd, "続発症"]).end();
            }
            let piece = sheet.file("labs.csv");
            for result in &stay.results {
                let lab = &LABS[result.test];
                let (year, month, date) = civil(result.day);
                let (hour, minute) = (result.minute / 60, result.minute % 60);
                let when = if hospital.wareki {
                    format!("{year}/{month}/{date} {hour}:{minute:02}")
                } else {
                    format!("{year}-{month:02}-{date:02}T{hour:02}:{minute:02}:00")
                };
                piece
                    .row(',')
                    .all(&[
                        code,
                        id,
                        &number,
                        &when,
                        lab.code,
                        &result.value,
                        lab.unit,
                        result.flag,
                    ])
                    .end();
            }
            let piece = sheet.file("prescriptions.csv");
            for dose in &stay.doses {
                let at = day(dice, hospital, dose.day);
                piece
                    .row(',')
                    .all(&[code, id, &number, &at, DRUGS[dose.drug].yj, dose.amount, dose.days])
                    .end();
            }
        }
    }
}
