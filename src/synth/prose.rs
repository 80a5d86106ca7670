//! Free text with planted identifiers, each with its label; and numbers that only look like identifiers.

use super::pools::SURNAMES;
use super::world::{Dice, Person, World};
use crate::text::date::date_of;

/// What is planted in a text. `Decoy` looks like an identifier and is none.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub(super) enum Planted {
    Name,
    Kana,
    Surname,
    Phone,
    IndividualNumber,
    Address,
    PatientNumber,
    OtherPatientNumber,
    Mail,
    BirthDate,
    Insurance,
    OtherName,
    Doctor,
    Decoy,
}

impl Planted {
    pub(super) fn word(self) -> &'static str {
        match self {
            Planted::Name => "name",
            Planted::Kana => "name_kana",
            Planted::Surname => "surname",
            Planted::Phone => "phone",
            Planted::IndividualNumber => "individual_number",
            Planted::Address => "address",
            Planted::PatientNumber => "patient_number",
            Planted::OtherPatientNumber => "other_patient_number",
            Planted::Mail => "mail",
            Planted::BirthDate => "birth_date",
            Planted::Insurance => "insurance_number",
            Planted::OtherName => "other_name",
            Planted::Doctor => "doctor",
            Planted::Decoy => "decoy",
        }
    }
}

/// A text and what is planted in it, as written.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub text: String,
    pub planted: Vec<(Planted, String)>,
}

/// Parts of a sentence: words, or a place for a value.
enum Part {
    Word(&'static str),
    Put(Planted),
}
use Part::{Put, Word};

const SENTENCES: &[&[Part]] = &[
    &[Put(Planted::Name), Word("様の家族より電話あり "), Put(Planted::Phone)],
    &[Word("前医の診察券番号 "), Put(Planted::PatientNumber)],
    &[Word("連絡先は"), Put(Planted::Phone), Word("（長女）")],
    &[Word("個人番号 "), Put(Planted::IndividualNumber), Word(" の写しを受領")],
    &[Word("転居の届出 "), Put(Planted::Address)],
    &[Word("患者番号"), Put(Planted::OtherPatientNumber), Word("と検体取り違えの疑い、再採血")],
    &[Word("予約票を "), Put(Planted::Mail), Word(" へ送付")],
    &[Put(Planted::Kana), Word(" 様 "), Put(Planted::BirthDate), Word("生 本人確認済")],
    &[Word("保険証 記号・番号 "), Put(Planted::Insurance), Word(" を確認")],
    &[
        Word("担当の"),
        Put(Planted::Doctor),
        Word("医師より説明、"),
        Put(Planted::Surname),
        Word("さん同意"),
    ],
    &[Word("同室の"), Put(Planted::OtherName), Word("さんと面会"), Word("、特変なし")],
    &[
        Word("マイナンバー"),
        Put(Planted::IndividualNumber),
        Word("、緊急連絡先"),
        Put(Planted::Phone),
    ],
];

const PLAIN: &[&str] = &[
    "家族へ説明済み",
    "経過良好",
    "食事摂取不良、補液継続",
    "予定どおり退院",
    "化学療法目的で再入院",
    "疼痛増悪のため",
    "計画的な検査目的",
    "発熱あり、抗菌薬を変更",
    // What must be escaped in HL7.
    "Na&K補正|前値^参照~\\再検",
];

const DECOYS: &[(&str, &str, &str)] = &[
    ("輸血 ロット番号 ", "202403151234", ""),
    ("オーダ ", "000000123456", " 取消"),
    ("国道", "246", "号で受傷"),
    ("体温 ", "37.5", "度、脈拍 88"),
    ("点滴 ", "090-120", " mL/h"),
    ("検体 ", "A123-4567", " 溶血"),
    ("造影剤 ", "300", " mgI/mL"),
    ("K", "4073", " 施行"),
];

fn wide(text: &str) -> String {
    text.chars()
        .map(
            |c| if c.is_ascii_digit() { char::from_u32(c as u32 + 0xFEE0).unwrap_or(c) } else { c },
        )
        .collect()
}

/// A text of a stay, a visit or a result; one in `n` has something planted.
pub(super) fn note(
    world: &World,
    person: &Person,
    dice: &mut Dice,
    hospital: u32,
    registration: usize,
    n: u64,
) -> Option<Note> {
    match dice.below(n * 3) {
        0 => return Some(Note { text: (*dice.pick(PLAIN)).to_owned(), planted: Vec::new() }),
        1 => {
            let (before, value, after) = *dice.pick(DECOYS);
            return Some(Note {
                text: format!("{before}{value}{after}"),
                planted: vec![(Planted::Decoy, value.to_owned())],
            });
        }
        2 | 3 => {}
        _ => return None,
    }
    let mut note = Note { text: String::new(), planted: Vec::new() };
    for part in *dice.pick(SENTENCES) {
        match part {
            Word(word) => note.text.push_str(word),
            Put(kind) => {
                let value = value(world, person, dice, hospital, registration, *kind);
                note.text.push_str(&value);
                note.planted.push((*kind, value));
            }
        }
    }
    Some(note)
}

fn value(
    world: &World,
    person: &Person,
    dice: &mut Dice,
    hospital: u32,
    registration: usize,
    kind: Planted,
) -> String {
    let spelled = |dice: &mut Dice, text: String| match dice.below(6) {
        0 => wide(&text),
        1 => text.replace('-', ""),
        _ => text,
    };
    match kind {
        Planted::Name => match dice.below(3) {
            0 => person.name().replace('　', ""),
            1 => person.name().replace('　', " "),
            _ => person.name(),
        },
        Planted::Kana => person.kana(),
        Planted::Surname => person.surname.0.to_owned(),
        Planted::Phone => spelled(dice, person.phone.clone()),
        Planted::IndividualNumber => {
            let number = &person.individual;
            match dice.below(4) {
                0 => wide(number),
                1 => format!("{}-{}-{}", &number[..4], &number[4..8], &number[8..]),
                2 => format!("{} {} {}", &number[..4], &number[4..8], &number[8..]),
                _ => number.clone(),
            }
        }
        Planted::Address => person.homes[person.homes.len() - 1].address.clone(),
        Planted::PatientNumber => {
            let number = &person.registrations[registration].number;
            match dice.below(4) {
                0 => wide(number),
                1 => number.trim_start_matches('0').to_owned(),
                _ => number.clone(),
            }
        }
        Planted::OtherPatientNumber => world.other_number(hospital, person.number),
        Planted::Mail => person.mail.clone(),
        Planted::BirthDate => {
            let days = person.birth;
            let form = dice.pick(&["S30.4.1", "昭和30年4月1日", "1955/4/1", "1955年4月1日"]);
            date_of(days)
                .and_then(|_| crate::text::date::parse(form).and_then(|w| w.written_as(days)))
                .or_else(|| date_of(days).map(|d| d.format("%Y/%-m/%-d").to_string()))
                .unwrap_or_default()
        }
        Planted::Insurance => {
            let card = &person.cards[0];
            format!("{}・{}", wide(&card.symbol), wide(&card.number))
        }
        Planted::OtherName => {
            let other = dice.skewed(SURNAMES);
            other.0.to_owned()
        }
        Planted::Doctor => dice.pick(SURNAMES).0.to_owned(),
        Planted::Decoy => String::new(),
    }
}
