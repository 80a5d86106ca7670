//! The truth: who is who, where; what every layout was made from. Not for a release.

use super::Layout;
use super::sheet::{Charset, Sheet, day8, half_kana, month4};
use super::world::{Dice, ELDEST, Member, Person, World};

pub(super) struct Truth;

impl Layout for Truth {
    fn name(&self) -> &'static str {
        "truth"
    }
    fn about(&self) -> &'static str {
        "who is who, labels of planted identifiers, counts; written always"
    }
    fn charset(&self, _: &World, _: &str) -> Charset {
        Charset::Utf8
    }
    fn head(&self, _: &World, path: &str) -> String {
        match path {
            "persons.csv" => "person,household,member,name,kana,half_width_kana,birth,sex,phone,mail,individual_number,stays,visits,heavy,rare,age_105,moved\r\n",
            "registrations.csv" => "person,facility,patient_number,why\r\n",
            "stays.csv" => "person,facility,patient_number,stay_number,admitted,left,main_icd10,rows_ef\r\n",
            "identifiers.csv" => "person,kind,value,from\r\n",
            // What a neighbour knows, for measuring re-identification.
            "attacker.csv" => "person,age,sex,municipality,month_of_admission\r\n",
            _ => "",
        }
        .to_owned()
    }
    fn person(&self, world: &World, person: &Person, _: &mut Dice, sheet: &mut Sheet) {
        let flag = |on: bool| if on { "1" } else { "0" };
        let household =
            if person.family == u64::MAX { String::new() } else { person.family.to_string() };
        let home = person.home_on(world.first);
        sheet
            .file("persons.csv")
            .row(',')
            .n(person.number)
            .s(&household)
            .s(person.member.word())
            .s(&person.name())
            .s(&person.kana())
            .s(&half_kana(&person.kana()))
            .day(person.birth)
            .s(person.sex())
            .s(&person.phone)
            .s(&person.mail)
            .s(&person.individual)
            .n(person.stays.len() as u64)
            .n(person.visits.len() as u64)
            .s(flag(person.heavy))
            .s(person.rare.map_or("", |r| r.notice))
            .s(flag(person.number == ELDEST && person.member == Member::Single))
            .s(flag(person.homes.len() > 1))
            .end();
        for registration in &person.registrations {
            let facility = &world.hospitals[registration.hospital as usize].code;
            sheet
                .file("registrations.csv")
                .row(',')
                .n(person.number)
                .all(&[facility, &registration.number, registration.why])
                .end();
        }
        for (index, stay) in person.stays.iter().enumerate() {
            let registration = &person.registrations[stay.registration];
            let facility = &world.hospitals[registration.hospital as usize].code;
            let mut rows = 0;
            person.acts(world, index, |_| rows += 1);
            sheet
                .file("stays.csv")
                .row(',')
                .n(person.number)
                .all(&[facility, &registration.number])
                .w(stay.number, 8)
                .day(stay.admitted)
                .day(stay.left)
                .s(stay.main.icd)
                .n(rows)
                .end();
        }
        let piece = sheet.file("identifiers.csv");
        let mut put = |kind: &str, value: &str, from: i32| {
            let from = if from == i32::MIN { String::new() } else { day8(from) };
            piece.row(',').n(person.number).all(&[kind, value, &from]).end();
        };
        for home in &person.homes {
            put("postal", home.postal, home.from);
            put("address", &home.address, home.from);
        }
        for card in &person.cards {
            put("insurer", &card.insurer, card.from);
            put("symbol", &card.symbol, card.from);
            put("number", &card.number, card.from);
            put("branch", &card.branch, card.from);
        }
        if let Some(stay) = person.stays.first() {
            sheet
                .file("attacker.csv")
                .row(',')
                .n(person.number)
                .n(u64::from(person.age_on(stay.admitted).max(0).unsigned_abs()))
                .all(&[person.sex(), home.postal, &month4(stay.admitted)])
                .end();
        }
    }
}
