//! What the values of a column say where its name says little: identifiers that the detectors find, code systems, the sex.

use super::{Draft, Seen, quoted};
use crate::frame::Column;
use crate::schema::Type;
use crate::schema::codes;
use crate::schema::names::{Meaning, suggests};

/// Cells that must be filled before values decide anything.
const ENOUGH: u64 = 10;
/// Distinct values of which a code system must know nearly all.
const CODES: usize = 3;

const DROP: (&str, &str) = ("\"drop\"", "\"drop\"");

/// Whether a role leaves the values to be looked at: what is taken out or replaced anyway is right already.
fn open(draft: &Draft) -> bool {
    matches!(draft.role, "payload" | "quasi" | "sensitive")
        && !draft.extra.contains("kind = \"birth\"")
}

/// Lets the values decide.
pub(super) fn decide(draft: &mut Draft, name: &str, cells: &Column, found: &[Seen]) {
    identifiers(draft, found);
    if open(draft) && !draft.ty.is_date() && !draft.ty.is_number() && latin_names(cells) {
        draft.role = "direct";
        draft.ty = Type::String;
        draft.why = "値の多くがローマ字の氏名 / most values are names of persons in Latin letters";
        draft.extra.clear();
        draft.suggestion = DROP;
    }
    if open(draft) {
        sex(draft, name, cells);
        system(draft, name, cells);
    }
}

/// What most cells are by a detector, whatever the column is called.
fn identifiers(draft: &mut Draft, found: &[Seen]) {
    if !open(draft) {
        return;
    }
    let most = |f: &&Seen| f.filled >= ENOUGH && f.rows * 2 >= f.filled;
    for seen in found.iter().filter(most) {
        let (role, why) = match seen.detector {
            "person_name" => ("direct", "値の多くが氏名 / most values are names of persons"),
            "address" | "phone" | "email" | "url" => {
                ("direct", "値の多くが住所か連絡先 / most values are addresses or contacts")
            }
            "card" | "bank_account" | "login" => {
                ("financial", "値の多くがカード・口座など / most values are cards or accounts")
            }
            "my_number" | "basic_pension" | "care_insured" | "driver_licence"
            | "elderly_insured" | "employment_insured" | "insured_symbol" | "passport"
            | "residence_card" | "resident_code" => {
                ("id_code", "値の多くが個人識別符号 / most values are identification codes")
            }
            "hospital_number" => {
                ("link", "値の多くが患者番号 / most values are numbers of patients")
            }
            "insurer" => {
                ("third_party", "値の多くが保険者番号 / most values are insurers' numbers")
            }
            _ => continue,
        };
        // Days and amounts that pass a check digit by chance are still days and amounts.
        if draft.ty.is_date() || matches!(draft.ty, Type::Decimal | Type::Measured) {
            continue;
        }
        draft.role = role;
        draft.why = why;
        draft.extra.clear();
        draft.suggestion = if role == "link" { ("\"pseudonym\"", "\"surrogate\"") } else { DROP };
        draft.ty = if role == "direct" { Type::String } else { Type::Code };
        return;
    }
}

/// The most usual given names of the English-speaking world, and those of Japan in Latin letters.
const GIVEN: &str = " james mary robert patricia john jennifer michael linda david elizabeth william barbara richard susan joseph jessica thomas sarah charles karen \
    christopher lisa daniel nancy matthew betty anthony margaret mark sandra donald ashley steven kimberly paul emily andrew donna joshua michelle kenneth carol kevin amanda brian \
    melissa george deborah edward stephanie ronald rebecca timothy sharon jason laura jeffrey cynthia ryan dorothy jacob amy gary kathleen nicholas angela eric shirley jonathan \
    anna emma brenda stephen pamela larry nicole justin samantha scott katherine brandon christine benjamin helen samuel debra gregory rachel frank alexander maria raymond \
    carolyn patrick janet jack catherine dennis heather jerry diane tyler olivia aaron julie jose joyce adam victoria nathan kelly henry christina juan carlos luis ana wei li ming \
    taro ichiro jiro saburo kenji hiroshi takashi makoto akira takeshi satoshi kazuo yoshio minoru shigeru masao kenichi koji naoki daisuke shota sho ren yuto haruto sota kaito \
    hanako yoko keiko kazuko sachiko yumi yuki naomi akiko tomoko mayumi kumiko junko megumi ai misaki sakura aoi yui hina rin mei kyoko michiko fumiko hiroko noriko ";

/// Whether most texts are names of persons in Latin letters: family and given name with a comma between (SMITH, JOHN), or with a given
/// name that many have.
fn latin_names(cells: &Column) -> bool {
    let (mut names, mut commas, mut given, mut all) = (0, 0, 0, 0);
    for text in cells.dictionary().texts() {
        all += 1;
        let letters = |word: &str| {
            word.chars().filter(|c| c.is_alphabetic()).count() >= 1
                && word.chars().all(|c| {
                    c.is_alphabetic() && (c as u32) < 0x250 || matches!(c, '\'' | '-' | '.')
                })
                && word.starts_with(|c: char| c.is_uppercase())
        };
        let (before, behind) = text.split_once(',').unwrap_or((text, ""));
        let words: Vec<&str> = before.split_whitespace().chain(behind.split_whitespace()).collect();
        if !(1..=4).contains(&words.len()) || !words.iter().all(|word| letters(word)) {
            continue;
        }
        names += 1;
        commas += usize::from(!behind.trim().is_empty() && before.split_whitespace().count() <= 2);
        let known = |word: &&str| GIVEN.contains(&format!(" {} ", word.to_lowercase()));
        given += usize::from(words.iter().any(known));
    }
    let rows = cells.cells().flatten().count();
    // A handful of words that all have are classes.
    let many = all >= 5 && (all * 20 >= rows || given * 2 > all);
    many && names * 10 >= all * 8 && (commas * 10 >= all * 8 || given * 3 >= all)
}

/// The usual spellings of the sex.
const SEXES: [(&str, &str); 12] = [
    ("1", "男"),
    ("2", "女"),
    ("M", "男"),
    ("F", "女"),
    ("男", "男"),
    ("女", "女"),
    ("男性", "男"),
    ("女性", "女"),
    ("male", "男"),
    ("female", "女"),
    ("Male", "男"),
    ("Female", "女"),
];

fn sex(draft: &mut Draft, name: &str, cells: &Column) {
    if suggests(name).map(|s| s.meaning) != Some(Meaning::Sex) {
        return;
    }
    let known: Vec<(&str, &str)> = cells
        .dictionary()
        .texts()
        .filter_map(|t| SEXES.iter().find(|(sex, _)| *sex == t).copied())
        .collect();
    if known.len() < 2 || cells.dictionary().len() > 4 {
        return;
    }
    let labels: Vec<String> = known
        .iter()
        .filter(|(value, label)| value != label)
        .map(|(value, label)| format!("{} = {}", quoted(value), quoted(label)))
        .collect();
    draft.ty = Type::Code;
    draft.extra = if labels.is_empty() {
        String::new()
    } else {
        format!("labels = {{ {} }}", labels.join(", "))
    };
}

/// The code system that knows nearly all values. Short digits are codes of many systems: there the name must say it too.
fn system(draft: &mut Draft, name: &str, cells: &Column) {
    if draft.extra.contains("code =") || draft.ty.is_date() {
        return;
    }
    let texts: Vec<&str> = cells.dictionary().texts().collect();
    if texts.len() < CODES {
        return;
    }
    let telling = texts.iter().all(|t| {
        t.chars().count() >= 7 || t.chars().any(|c| c.is_ascii_alphabetic()) || !t.is_ascii()
    });
    let lower = name.to_lowercase();
    let named = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    let candidates: [(&str, bool); 9] = [
        ("icd10", telling || named(&["icd", "傷病", "病名"])),
        ("yj", texts.iter().all(|t| t.len() == 12)),
        ("jlac10", texts.iter().all(|t| t.len() == 17 || t.len() == 15)),
        ("hot", named(&["hot"]) && texts.iter().all(|t| matches!(t.len(), 7 | 9 | 13))),
        ("dpc14", texts.iter().all(|t| t.len() == 14)),
        ("kcode", telling && named(&["k", "手術", "術式"])),
        ("postal", named(&["郵便", "〒", "zip", "postal", "yubin", "yuubin"])),
        ("municipality", named(&["市区町村", "市町村", "municip", "住所コード", "city"])),
        (
            "prefecture",
            !texts.iter().any(|t| t.is_ascii()) || named(&["都道府県", "prefecture", "todofuken"]),
        ),
    ];
    for (word, may) in candidates {
        let Some(system) = codes::system(word).filter(|_| may) else { continue };
        let known = texts.iter().filter(|t| system.validate(t)).count();
        if known * 100 < texts.len() * 95 {
            continue;
        }
        let comma = if draft.extra.is_empty() { "" } else { ", " };
        draft.extra = format!("{}{comma}code = \"{word}\"", draft.extra);
        draft.ty = Type::Code;
        match word {
            "icd10" => {
                draft.role = "sensitive";
                draft.why = "値が ICD-10 のコード / the values are codes of ICD-10";
            }
            "postal" | "municipality" | "prefecture" => {
                draft.role = "quasi";
                draft.why = "値が地域のコード / the values are codes of places";
            }
            _ => draft.why = "値がコード体系にある / the values are of a code system",
        }
        return;
    }
}
