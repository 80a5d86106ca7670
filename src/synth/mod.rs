//! A synthetic hospital group: seeded, streamed person by person, with the dirt that real files have.
//!
//! Nothing in it is of a real person. Same seed, same bytes.

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::Path;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::error::{Error, Result};
use crate::policy::model::Encoding;
use crate::say;
use crate::text::date::date_of;

mod pools;

use pools::{DRUGS, GIVEN_FEMALE, GIVEN_MALE, ICD, LABS, POSTAL, SURNAMES};

/// What to make.
#[derive(Clone, Debug)]
pub struct SynthConfig {
    /// Persons over all hospitals.
    pub persons: u64,
    /// Hospitals.
    pub hospitals: u32,
    /// The seed.
    pub seed: u64,
    /// Years of stays, ending with 2025.
    pub years: u32,
    /// Encoding of the files.
    pub encoding: Encoding,
}

impl Default for SynthConfig {
    fn default() -> Self {
        SynthConfig { persons: 2000, hospitals: 2, seed: 1, years: 2, encoding: Encoding::Cp932 }
    }
}

/// What was made.
#[derive(Clone, Debug, Default)]
pub struct SynthFacts {
    /// Rows of persons, stays, diagnoses, labs, prescriptions.
    pub rows: [u64; 5],
    /// Planted values that must stand in no release: names, numbers, telephones. At most 5,000.
    pub canaries: Vec<String>,
}

const HEADERS: [(&str, &str); 5] = [
    (
        "persons.csv",
        "施設コード,患者ID,氏名,カナ氏名,生年月日,性別,郵便番号,住所,電話番号,保険者番号,記号,番号,枝番",
    ),
    (
        "stays.csv",
        "施設コード,患者ID,入院番号,入院日,退院日,入院経路,退院先,転帰,診療科,主傷病コード,主傷病名,医師コード,備考",
    ),
    ("diagnoses.csv", "施設コード,患者ID,入院番号,病名コード,区分"),
    ("labs.csv", "施設コード,患者ID,入院番号,検査日時,検査項目コード,値,単位,フラグ"),
    ("prescriptions.csv", "施設コード,患者ID,入院番号,処方日,薬剤コード,用量,日数"),
];

struct Out {
    files: Vec<BufWriter<File>>,
    encoding: Encoding,
    rows: [u64; 5],
}

impl Out {
    fn line(&mut self, file: usize, cells: &[&str]) -> Result<()> {
        let mut line = String::new();
        for (index, cell) in cells.iter().enumerate() {
            if index > 0 {
                line.push(',');
            }
            if cell.contains([',', '"', '\n']) {
                line.push('"');
                line.push_str(&cell.replace('"', "\"\""));
                line.push('"');
            } else {
                line.push_str(cell);
            }
        }
        line.push_str("\r\n");
        self.rows[file] += 1;
        self.put(file, &line)
    }
    fn put(&mut self, file: usize, text: &str) -> Result<()> {
        let fail =
            |e: &std::io::Error| Error::io("X0703", say!("writing the synthetic hospital"), e);
        match self.encoding {
            Encoding::Cp932 => {
                let (bytes, _, lossy) = encoding_rs::SHIFT_JIS.encode(text);
                debug_assert!(!lossy, "the pools hold only what CP932 has");
                self.files[file].write_all(&bytes).map_err(|e| fail(&e))
            }
            Encoding::Utf8 | Encoding::Utf8Bom => {
                self.files[file].write_all(text.as_bytes()).map_err(|e| fail(&e))
            }
        }
    }
}

struct Dice(ChaCha12Rng);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        // The bias of the remainder does not matter for made-up persons.
        self.0.next_u64() % n.max(1)
    }
    fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
    fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below((high - low + 1).unsigned_abs()) as i64
    }
    /// An item by weight: the earlier ones are more frequent (Zipf-like).
    fn skewed<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        let n = items.len() as u64;
        let index = self.below(n).min(self.below(n)).min(self.below(n + n / 2));
        &items[index as usize]
    }
}

/// How a hospital writes a day: the first western, the second 和暦 in several ways.
fn day(dice: &mut Dice, hospital: u32, days: i32) -> String {
    let Some(date) = date_of(days) else { return String::new() };
    let western = date.format("%Y%m%d").to_string();
    if hospital.is_multiple_of(2) {
        return western;
    }
    let era = |seed: &str| {
        crate::text::date::parse(seed)
            .and_then(|w| w.written_as(days))
            .unwrap_or_else(|| western.clone())
    };
    match dice.below(10) {
        0..=5 => era("R6.4.1"),
        6..=8 => era("令和6年4月1日"),
        _ => western.chars().map(|c| char::from_u32(c as u32 + 0xFEE0).unwrap_or(c)).collect(),
    }
}

/// Writes the group's files into a folder that is made.
///
/// # Errors
/// I/O.
pub fn hospital_csv(config: &SynthConfig, folder: &Path) -> Result<SynthFacts> {
    let fail = |e: &std::io::Error| Error::io("X0703", say!("writing the synthetic hospital"), e);
    std::fs::create_dir_all(folder).map_err(|e| fail(&e))?;
    let files = HEADERS
        .iter()
        .map(|(name, _)| {
            Ok(BufWriter::with_capacity(
                1 << 20,
                File::create(folder.join(name)).map_err(|e| fail(&e))?,
            ))
        })
        .collect::<Result<Vec<_>>>()?;
    let mut out = Out { files, encoding: config.encoding, rows: [0; 5] };
    for (file, (_, header)) in HEADERS.iter().enumerate() {
        out.put(file, &format!("{header}\r\n"))?;
    }
    let mut facts = SynthFacts::default();
    let mut dice = Dice(ChaCha12Rng::seed_from_u64(config.seed));
    let mut twin: Option<Person> = None;
    for number in 0..config.persons {
        let person = match twin.take() {
            // The second twin: same day, family and address, another given name.
            Some(first) => first.twin(&mut dice, number),
            None => Person::new(&mut dice, config, number),
        };
        if number % 97 == 13 {
            twin = Some(person.clone());
        }
        person.write(&mut dice, config, &mut out, &mut facts)?;
    }
    dirt(&mut out)?;
    for file in &mut out.files {
        file.flush().map_err(|e| fail(&e))?;
    }
    facts.rows = out.rows;
    Ok(facts)
}

/// Rows that no policy should take: the demo's sets them aside and counts them.
fn dirt(out: &mut Out) -> Result<()> {
    // A filler for a patient's number would be one giant person.
    out.line(
        1,
        &[
            "131000001",
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
        ],
    )?;
    // No such day.
    out.line(
        3,
        &["131000001", "0000100007", "00000001", "20250230", "3D0450000019206", "5.1", "%", ""],
    )?;
    Ok(())
}

#[derive(Clone)]
struct Person {
    number: u64,
    hospital: u32,
    surname: &'static (&'static str, &'static str),
    given: &'static (&'static str, &'static str),
    female: bool,
    /// Days since 1970.
    birth: i32,
    birth_known: bool,
    postal: &'static (&'static str, &'static str),
    newborn: bool,
    heavy: bool,
}

impl Person {
    fn new(dice: &mut Dice, config: &SynthConfig, number: u64) -> Person {
        let female = dice.one_in(2);
        let newborn = number % 61 == 7;
        let years = match dice.below(20) {
            0 => dice.between(0, 14),
            1 | 2 => dice.between(15, 39),
            3..=6 => dice.between(40, 64),
            7..=17 => dice.between(65, 89),
            _ => dice.between(85, 99),
        };
        // 2024-07-01 is day 19905.
        let mut birth =
            19_905 - i32::try_from(years * 365 + years / 4 + dice.between(0, 364)).unwrap_or(0);
        if number == 42 {
            // Age 105.
            birth = 19_905 - 105 * 365 - 40;
        }
        if newborn {
            birth = 19_905 + i32::try_from(dice.below(500)).unwrap_or(0);
        }
        Person {
            number,
            hospital: u32::try_from(number % u64::from(config.hospitals.max(1))).unwrap_or(0),
            surname: dice.skewed(SURNAMES),
            given: dice.skewed(if female { GIVEN_FEMALE } else { GIVEN_MALE }),
            female,
            birth,
            birth_known: !dice.one_in(150),
            postal: dice.skewed(POSTAL),
            newborn,
            heavy: number % 991 == 5,
        }
    }
    fn twin(mut self, dice: &mut Dice, number: u64) -> Person {
        self.number = number;
        self.given = dice.pick(if self.female { GIVEN_FEMALE } else { GIVEN_MALE });
        self.heavy = false;
        self
    }
    fn facility(&self) -> String {
        format!("{}", 131_000_001 + u64::from(self.hospital) * 10_000_000)
    }
    fn id(&self) -> String {
        // Unique within a hospital only: both count from the same number.
        format!("{:010}", 100_007 + self.number / 2 * 13)
    }

    fn write(
        &self,
        dice: &mut Dice,
        config: &SynthConfig,
        out: &mut Out,
        facts: &mut SynthFacts,
    ) -> Result<()> {
        let facility = self.facility();
        let id = self.id();
        // Another spelling of the same number: blanks around it, or full-width digits.
        let spelling = |dice: &mut Dice| match dice.below(40) {
            0 => format!(" {id}"),
            1 => id.chars().map(|c| char::from_u32(c as u32 + 0xFEE0).unwrap_or(c)).collect(),
            _ => id.clone(),
        };
        let full = format!("{}　{}", self.surname.0, self.given.0);
        let kana = format!("{} {}", self.surname.1, self.given.1);
        let phone = format!("000-{:04}-{:04}", self.number / 10_000 % 10_000, self.number % 10_000);
        if facts.canaries.len() < 5_000 {
            facts.canaries.extend([full.clone(), id.clone(), phone.clone()]);
        }
        let birth = if self.birth_known {
            match dice.below(50) {
                0 => format!("{} ", day(dice, self.hospital, self.birth)),
                _ => day(dice, self.hospital, self.birth),
            }
        } else {
            "00000000".to_owned()
        };
        let postal = match dice.below(200) {
            0 => "0000000",
            1 => "9999999",
            _ => self.postal.0,
        };
        let address = format!(
            "{}{}-{}-{}",
            self.postal.1,
            dice.between(1, 9),
            dice.between(1, 30),
            dice.between(1, 20)
        );
        let insurer = format!("{:08}", 6_130_000 + dice.below(60) * 11);
        let symbol = format!("{:04}", dice.below(3000));
        let member = format!("{:07}", 1_000_000 + self.number);
        let branch = format!("{:02}", dice.below(4));
        let sex = if self.female { "2" } else { "1" };
        let shown = spelling(dice);
        out.line(
            0,
            &[
                &facility, &shown, &full, &kana, &birth, sex, postal, &address, &phone, &insurer,
                &symbol, &member, &branch,
            ],
        )?;
        let stays = if self.heavy {
            12
        } else {
            1 + u64::from(dice.one_in(5)) + u64::from(dice.one_in(12))
        };
        let span = i64::from(config.years.max(1)) * 365;
        // 2025-11-30 is day 20422; stays begin in whole calendar years that end with 2025.
        let mut start = if self.newborn {
            self.birth
        } else {
            20_422 - i32::try_from(dice.below(span.unsigned_abs() - 31)).unwrap_or(0)
        };
        for stay in 0..stays {
            if start > 20_453 {
                break;
            }
            let length = i32::try_from(if self.heavy {
                dice.between(20, 40)
            } else {
                dice.between(1, 9) + if dice.one_in(10) { dice.between(10, 90) } else { 0 }
            })
            .unwrap_or(1);
            self.stay(dice, &facility, &id, stay, start, start + length, out, &full, &phone)?;
            start += length + i32::try_from(dice.between(5, 60)).unwrap_or(5);
        }
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "the facts of one stay, used here only")]
    fn stay(
        &self,
        dice: &mut Dice,
        facility: &str,
        id: &str,
        stay: u64,
        start: i32,
        end: i32,
        out: &mut Out,
        full: &str,
        phone: &str,
    ) -> Result<()> {
        let number = format!("{:08}", self.number / 2 * 20 + stay + 1);
        let age = (start - self.birth) / 365;
        let main = if self.newborn && stay == 0 {
            &ICD[0]
        } else if self.number % 1009 == 17 {
            // One with a rare disease.
            &("E752", "ゴーシェ病")
        } else {
            let by_age: Vec<&(&str, &str)> = ICD
                .iter()
                .skip(if age < 15 {
                    1
                } else if age < 60 {
                    8
                } else {
                    14
                })
                .collect();
            let index =
                dice.below(by_age.len() as u64).min(dice.below(by_age.len() as u64)) as usize;
            by_age[index]
        };
        let death = age > 60 && dice.one_in(25);
        let note = match dice.below(25) {
            0 => format!("{full}様の家族より電話あり {phone}"),
            1 => format!("前医の診察券番号 {id}"),
            2 => "家族へ説明済み".to_owned(),
            _ => String::new(),
        };
        let (admitted, left) = (day(dice, self.hospital, start), day(dice, self.hospital, end));
        let department =
            dice.skewed(&["内科", "外科", "整形外科", "循環器内科", "小児科", "産婦人科"]);
        let route = dice.skewed(&["1", "4", "8"]);
        let doctor = format!("D{:04}", dice.below(60));
        let outcome = if death { "6" } else { dice.skewed(&["3", "2", "1", "4"]) };
        let place = if death { "9" } else { dice.skewed(&["1", "4", "5", "7"]) };
        out.line(
            1,
            &[
                facility, id, &number, &admitted, &left, route, place, outcome, department, main.0,
                main.1, &doctor, &note,
            ],
        )?;
        let others = 1 + dice.below(4);
        out.line(2, &[facility, id, &number, main.0, "主傷病"])?;
        for _ in 0..others {
            let other = dice.skewed(&ICD[8..]);
            out.line(2, &[facility, id, &number, other.0, "併存症"])?;
        }
        let labs = if self.heavy { 40 } else { 4 + dice.below(14) };
        for _ in 0..labs {
            let (code, unit, low, high) = dice.pick(LABS);
            let value = low + (high - low) * (dice.below(1000) as f64 / 1000.0);
            let (text, flag) = match dice.below(60) {
                0 => (format!(">{}", high * 4.0), "H"),
                1 => (format!("<{low}"), "L"),
                2 => ("(+)".to_owned(), ""),
                3 => (format!("{:.1}", high * 9.7), "H"),
                _ => (format!("{value:.1}"), ""),
            };
            let at = start
                + i32::try_from(dice.between(0, i64::from((end - start).max(1)))).unwrap_or(0);
            let when = if self.hospital.is_multiple_of(2) {
                let date =
                    date_of(at).map(|d| d.format("%Y-%m-%d").to_string()).unwrap_or_default();
                format!("{date}T{:02}:{:02}:00", dice.between(6, 18), dice.between(0, 59))
            } else {
                format!("{} {}:{:02}", day_western(at), dice.between(6, 18), dice.between(0, 59))
            };
            out.line(3, &[facility, id, &number, &when, code, &text, unit, flag])?;
        }
        for _ in 0..2 + dice.below(6) {
            let drug = dice.skewed(DRUGS);
            let offset = i32::try_from(dice.below(4)).unwrap_or(0);
            let at = day(dice, self.hospital, start + offset);
            let dose = dice.pick(&["1", "2", "3", "0.5"]);
            let days = dice.pick(&["3", "5", "7", "14", "28"]);
            out.line(4, &[facility, id, &number, &at, drug, dose, days])?;
        }
        Ok(())
    }
}

fn day_western(days: i32) -> String {
    date_of(days).map(|d| d.format("%Y/%-m/%-d").to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_seed_same_bytes() {
        let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let config = SynthConfig { persons: 120, ..SynthConfig::default() };
        let facts: Vec<SynthFacts> =
            folders.iter().map(|f| hospital_csv(&config, f.path()).unwrap()).collect();
        assert_eq!(facts[0].rows, facts[1].rows);
        assert!(facts[0].rows[0] == 120 && facts[0].rows[3] > 500);
        for (name, _) in HEADERS {
            let bytes: Vec<Vec<u8>> =
                folders.iter().map(|f| std::fs::read(f.path().join(name)).unwrap()).collect();
            assert!(bytes[0] == bytes[1], "{name}");
            let (_, _, bad) = encoding_rs::SHIFT_JIS.decode(&bytes[0]);
            assert!(!bad && !bytes[0].windows(2).any(|w| w == b"&#"), "{name}");
        }
    }

    #[test]
    fn every_code_is_covered_and_every_area_known() {
        let ladders = crate::schema::codes::Ladders::new();
        for (system, level, codes) in [
            ("icd10", "chapter", ICD.iter().map(|i| i.0).collect::<Vec<_>>()),
            ("postal", "prefecture", POSTAL.iter().map(|p| p.0).collect()),
            ("yj", "class", DRUGS.to_vec()),
            ("jlac10", "analyte", LABS.iter().map(|l| l.0).collect()),
        ] {
            let ladder = ladders.get(system).unwrap();
            for code in codes {
                assert!(ladder.up(code, level).is_some(), "{system} {code}");
            }
        }
    }
}
