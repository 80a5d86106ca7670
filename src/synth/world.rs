//! The made-up world: hospitals and, from a seed and a running number alone, persons with all that happens to them.
//!
//! A person is a pure function of (seed, number): no state is carried from one to the next, so that persons can be made in any
//! order and on any number of threads. Members of a family share the draws of the family's own stream.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::SynthConfig;
use super::pools::{
    ACTS, AREAS, Act, ActKind, DISEASES, DRUGS, Disease, GIVEN_FEMALE, GIVEN_MALE, LABS,
    OPERATIONS, Operation, POSTAL, RARE, Rare, SURNAMES, SYLLABLES,
};
use super::prose::{self, Note};

/// Seeded draws. The bias of the remainder does not matter for made-up persons.
pub(super) struct Dice(ChaCha12Rng);

/// Streams of one seed: a person has sixteen, a family one.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    /// Who the person is and what happens.
    Person,
    /// What is done on each day of the stays.
    Acts,
    /// Dirt of the n-th layout (0..=13).
    Layout(u8),
}

impl Dice {
    pub(super) fn of(seed: u64, number: u64, stream: Stream) -> Dice {
        let lane = match stream {
            Stream::Person => 0,
            Stream::Acts => 1,
            Stream::Layout(n) => 2 + u64::from(n % 14),
        };
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        rng.set_stream(number * 16 + lane);
        Dice(rng)
    }
    fn of_family(seed: u64, family: u64) -> Dice {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        rng.set_stream(u64::MAX - family);
        Dice(rng)
    }
    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.0.next_u64() % n.max(1)
    }
    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len() as u64) as usize]
    }
    pub(super) fn between(&mut self, low: i32, high: i32) -> i32 {
        low + self.below(u64::from((high - low + 1).unsigned_abs())) as i32
    }
    /// One of some words.
    pub(super) fn word(&mut self, words: &[&'static str]) -> &'static str {
        words[self.below(words.len() as u64) as usize]
    }
    /// One of some words, the earlier ones more often.
    pub(super) fn likely(&mut self, words: &[&'static str]) -> &'static str {
        words[self.low(words.len())]
    }
    /// An item by weight: the earlier ones are more frequent (Zipf-like).
    pub(super) fn skewed<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.low(items.len())]
    }
    fn low(&mut self, items: usize) -> usize {
        let n = items as u64;
        self.below(n).min(self.below(n)).min(self.below(n + n / 2)) as usize
    }
}

/// One made-up hospital and the habits of its systems.
#[derive(Debug)]
pub(super) struct Hospital {
    /// 施設コード: prefecture 2 + institution 7.
    pub code: String,
    pub name: &'static str,
    pub postal: &'static str,
    pub address: String,
    pub phone: String,
    /// 医療機関別係数: public, so that it names the hospital.
    pub coefficient: &'static str,
    /// Plain CSV shows 和暦.
    pub wareki: bool,
    /// Kana names are half-width.
    pub half_kana: bool,
    /// 旧字体 and 外字 are replaced in names: 髙 is 高.
    pub plain_kanji: bool,
    /// Digits of insurance cards are full-width.
    pub wide_digits: bool,
    /// Leading zeros of patient numbers are lost in extracts (a spreadsheet was between).
    pub cut_zeros: bool,
    /// Laboratory codes are the hospital's own, with JLAC10 only now and then.
    pub local_codes: bool,
    /// Receipt files end with byte 1A.
    pub eof_byte: bool,
    /// Receipts have 和暦 dates (GYYMMDD), as before 2020.
    pub old_receipts: bool,
    /// Segments of messages end with LF, not with CR.
    pub line_feeds: bool,
}

const HOSPITALS: [(&str, &str, &str); 8] = [
    ("架空第一病院", "2200006", "1.4821"),
    ("架空第二病院", "2260029", "1.3377"),
    ("架空第三病院", "2140000", "1.2904"),
    ("架空第四病院", "2410836", "1.3156"),
    ("架空第五病院", "2530052", "1.4068"),
    ("架空第六病院", "2520141", "1.2542"),
    ("架空第七病院", "2120012", "1.2718"),
    ("架空第八病院", "2390813", "1.3690"),
];

/// Everything that persons share.
pub(super) struct World {
    pub config: SynthConfig,
    pub hospitals: Vec<Hospital>,
    /// First day, days since 1970.
    pub first: i32,
    /// The day after the last.
    pub end: i32,
}

impl World {
    pub(super) fn new(config: &SynthConfig) -> World {
        let hospitals = (0..config.hospitals.max(1))
            .map(|n| {
                let (name, postal, coefficient) = HOSPITALS[n as usize % HOSPITALS.len()];
                Hospital {
                    code: format!("14{:07}", 9_900_011 + n * 10),
                    name,
                    postal,
                    address: format!("神奈川県架空市架空町{}番地", n + 1),
                    phone: format!("045-000-{:04}", 9_001 + n),
                    coefficient,
                    wareki: n % 2 == 1,
                    half_kana: n % 3 == 1,
                    plain_kanji: n % 3 == 2,
                    wide_digits: n % 2 == 0,
                    cut_zeros: n % 6 == 3,
                    local_codes: n % 3 == 1,
                    eof_byte: n % 2 == 1,
                    old_receipts: n % 6 == 5,
                    line_feeds: n % 3 == 2,
                }
            })
            .collect();
        let first = config.start;
        let end = first
            + i32::try_from(config.years.max(1)).unwrap_or(1) * 365
            + i32::try_from(config.years.max(1) / 4).unwrap_or(0);
        World { config: config.clone(), hospitals, first, end }
    }
    /// The patient number that somebody else has at a hospital: for notes that name another patient.
    pub(super) fn other_number(&self, hospital: u32, person: u64) -> String {
        let step = u64::from(self.config.hospitals.max(1));
        let home = u64::from(hospital);
        let persons = self.config.persons.max(1);
        // The next person whose own hospital it is.
        let mut other = (person / step + 1) * step + home;
        if other >= persons {
            other = home;
        }
        own_number(other, step)
    }
}

fn own_number(person: u64, hospitals: u64) -> String {
    // Unique within a hospital only: all hospitals count from the same number.
    format!("{:010}", 100_007 + person / hospitals * 13)
}

/// Why persons belong together.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Member {
    Single,
    Head,
    Spouse,
    Child,
    Parent,
    Mother,
    Newborn,
    Twin,
    NewbornTwin,
}

impl Member {
    pub(super) fn word(self) -> &'static str {
        match self {
            Member::Single => "single",
            Member::Head => "head",
            Member::Spouse => "spouse",
            Member::Child => "child",
            Member::Parent => "parent",
            Member::Mother => "mother",
            Member::Newborn => "newborn",
            Member::Twin => "twin",
            Member::NewbornTwin => "newborn_twin",
        }
    }
    fn born_here(self) -> bool {
        matches!(self, Member::Newborn | Member::NewbornTwin)
    }
}

use Member::{Child, Head, Mother, Newborn, NewbornTwin, Parent, Single, Spouse, Twin};

/// The forty kinds of a group of four persons; the same at every seed, so that small data have each of them.
const GROUPS: [[Member; 4]; 8] = [
    [Single, Single, Single, Single],
    [Head, Spouse, Single, Single],
    [Head, Spouse, Child, Single],
    [Mother, Newborn, Spouse, Single],
    [Head, Spouse, Parent, Single],
    [Twin, Twin, Mother, Single],
    [Mother, NewbornTwin, NewbornTwin, Single],
    [Head, Child, Single, Single],
];

fn member(number: u64) -> (u64, Member) {
    let group = number / 4;
    let kind = match group % 40 {
        3 | 23 => 3,
        5 => 5,
        9 => 6,
        1 | 8 | 15 | 18 | 28 | 35 => 1,
        12 | 20 | 31 => 2,
        7 | 26 => 4,
        17 => 7,
        _ => 0,
    };
    let member = if number == ELDEST { Single } else { GROUPS[kind][(number % 4) as usize] };
    (group, member)
}

/// The person of 105 years.
pub(super) const ELDEST: u64 = 43;

/// A postal code and an address, lived at from a day on.
#[derive(Clone, Debug)]
pub(super) struct Home {
    pub from: i32,
    pub postal: &'static str,
    pub address: String,
}

/// An insurance card from a day on.
#[derive(Clone, Debug)]
pub(super) struct Card {
    pub from: i32,
    /// 保険者番号, 8 digits.
    pub insurer: String,
    pub symbol: String,
    pub number: String,
    pub branch: String,
}

/// A patient number at a hospital.
#[derive(Clone, Debug)]
pub(super) struct Registration {
    pub hospital: u32,
    pub number: String,
    /// Why there is more than one.
    pub why: &'static str,
}

/// A person and all that happens.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub number: u64,
    pub family: u64,
    pub member: Member,
    pub surname: (&'static str, &'static str),
    pub given: (String, String),
    pub female: bool,
    /// Days since 1970.
    pub birth: i32,
    pub birth_known: bool,
    pub homes: Vec<Home>,
    pub cards: Vec<Card>,
    pub phone: String,
    pub mail: String,
    /// 個人番号 with a right check digit, made from the running number.
    pub individual: String,
    pub registrations: Vec<Registration>,
    pub rare: Option<&'static Rare>,
    pub heavy: bool,
    pub stays: Vec<Stay>,
    pub visits: Vec<Visit>,
}

/// A diagnosis of a stay or visit.
#[derive(Clone, Debug)]
pub(super) struct Diagnosis {
    pub icd: &'static str,
    /// 傷病名コード, 7 digits; 0000999 = not coded.
    pub code: String,
    /// As written: differs from the code's name where it is not coded.
    pub name: String,
    pub suspected: bool,
}

/// One laboratory result.
#[derive(Clone, Debug)]
pub(super) struct Result1 {
    pub day: i32,
    /// Minutes since midnight.
    pub minute: i32,
    /// Index into `LABS`.
    pub test: usize,
    pub value: String,
    pub flag: &'static str,
    pub note: Option<Note>,
}

/// One prescription.
#[derive(Clone, Debug)]
pub(super) struct Dose {
    pub day: i32,
    /// Index into `DRUGS`.
    pub drug: usize,
    pub amount: &'static str,
    pub days: &'static str,
}

/// One admission.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub registration: usize,
    pub number: u64,
    pub admitted: i32,
    pub left: i32,
    /// The last stay's end at this registration.
    pub before: Option<i32>,
    pub route: &'static str,
    pub emergency: bool,
    pub ambulance: bool,
    pub self_harm: bool,
    pub place: &'static str,
    pub outcome: &'static str,
    /// (name, 診療科 3 digits, receipt's department 2 digits)
    pub department: &'static (&'static str, &'static str, &'static str),
    pub ward: u32,
    pub doctor: u32,
    pub main: Diagnosis,
    pub others: Vec<Diagnosis>,
    pub later: Vec<Diagnosis>,
    pub disease: &'static Disease,
    pub operations: Vec<(i32, &'static Operation)>,
    /// cm; 0 = could not be measured.
    pub height: i32,
    /// 100 g; 0 = could not be measured.
    pub weight: [i32; 2],
    /// 9999 = not known.
    pub smoking: i32,
    /// Weeks, where pregnant.
    pub pregnancy: Option<i32>,
    /// Grams and weeks, of a newborn.
    pub birth: Option<(i32, i32)>,
    pub adl: [String; 2],
    pub coma: [&'static str; 2],
    pub results: Vec<Result1>,
    pub doses: Vec<Dose>,
    pub note: Option<Note>,
}

/// One outpatient visit.
#[derive(Clone, Debug)]
pub(super) struct Visit {
    pub registration: usize,
    pub number: u64,
    pub day: i32,
    pub first: bool,
    pub department: &'static (&'static str, &'static str, &'static str),
    pub doctor: u32,
    pub diagnosis: Diagnosis,
    pub results: Vec<Result1>,
    pub doses: Vec<Dose>,
    pub note: Option<Note>,
}

const DEPARTMENTS: &[(&str, &str, &str)] = &[
    ("内科", "010", "01"),
    ("循環器内科", "030", "08"),
    ("外科", "200", "10"),
    ("整形外科", "230", "11"),
    ("小児科", "090", "09"),
    ("産婦人科", "310", "21"),
    ("精神科", "070", "02"),
];

fn given_name(dice: &mut Dice, female: bool, birth: i32) -> (String, String) {
    if dice.one_in(4) {
        // Two syllables put together: many more given names than a list has.
        let (a, b) = (
            dice.pick(SYLLABLES),
            dice.pick(if female {
                &[("子", "コ"), ("美", "ミ"), ("香", "カ"), ("江", "エ"), ("代", "ヨ")][..]
            } else {
                &[("男", "オ"), ("彦", "ヒコ"), ("之", "ユキ"), ("太", "タ"), ("司", "ジ")][..]
            }),
        );
        return (format!("{}{}", a.0, b.0), format!("{}{}", a.1, b.1));
    }
    let pool = if female { GIVEN_FEMALE } else { GIVEN_MALE };
    // Half of each pool is of older persons.
    let young = birth > 3_650;
    let half = pool.len() / 2;
    let (name, kana) = if young { dice.pick(&pool[half..]) } else { dice.skewed(pool) };
    ((*name).to_owned(), (*kana).to_owned())
}

/// Check digit of an 個人番号 (番号利用法施行令 by 総務省令第85号5条): Σ Pn·Qn over the eleven digits from the right.
fn individual_number(number: u64) -> String {
    // 9990 in front of the running number: nobody's number is drawn by chance from a person's facts.
    let digits = format!("9990{:07}", number % 10_000_000);
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(n, digit)| {
            let weight = if n < 6 { n as u32 + 2 } else { n as u32 - 4 };
            u32::from(digit - b'0') * weight
        })
        .sum();
    let check = match sum % 11 {
        0 | 1 => 0,
        rest => 11 - rest,
    };
    format!("{digits}{check}")
}

fn home(dice: &mut Dice, from: i32) -> Home {
    let (postal, prefecture) = *dice.skewed(POSTAL);
    let address = format!(
        "{prefecture}{}{}丁目{}-{}{}",
        dice.pick(AREAS),
        dice.between(1, 9),
        dice.between(1, 30),
        dice.between(1, 20),
        match dice.below(4) {
            0 => format!(" コーポ架空{}号", dice.between(101, 905)),
            _ => String::new(),
        }
    );
    Home { from, postal, address }
}

fn insurer(dice: &mut Dice, age: i32) -> String {
    // 法別番号, prefecture, insurer, check digit.
    let law = if age >= 75 {
        39
    } else if age >= 60 {
        *dice.pick(&[1, 6, 67])
    } else {
        *dice.pick(&[1, 1, 6, 6, 31, 63])
    };
    let seven =
        format!("{law:02}{:02}{:03}", dice.pick(&[13, 14, 14, 14, 11, 12]), dice.between(1, 60));
    let sum: u32 = seven
        .bytes()
        .rev()
        .enumerate()
        .map(|(n, digit)| {
            let twice = u32::from(digit - b'0') * if n % 2 == 0 { 2 } else { 1 };
            twice / 10 + twice % 10
        })
        .sum();
    format!("{seven}{}", (10 - sum % 10) % 10)
}

fn card(dice: &mut Dice, from: i32, age: i32, number: u64) -> Card {
    Card {
        from,
        insurer: insurer(dice, age),
        symbol: if age >= 75 { String::new() } else { format!("{:04}", dice.below(10_000)) },
        number: format!("{:07}", (1_000_003 + number * 17) % 9_999_991),
        branch: "00".to_owned(),
    }
}

/// A stay before it is lived: days since 1970-01-01.
struct StayTimes {
    /// Which of the person's registrations.
    registration: usize,
    /// The how-manieth stay of the person, from 0.
    n: u64,
    start: i32,
    end: i32,
    /// The end of the stay before in the same hospital.
    before: Option<i32>,
    /// Whether a child is born.
    delivery: bool,
}

/// Under which numbers hospitals know a person: the own one, perhaps another hospital, perhaps twice in one.
fn registrations(world: &World, number: u64, dice: &mut Dice) -> Vec<Registration> {
    let hospitals = u64::from(world.config.hospitals.max(1));
    let own = u32::try_from(number % hospitals).unwrap_or(0);
    let mut registrations =
        vec![Registration { hospital: own, number: own_number(number, hospitals), why: "own" }];
    if hospitals > 1 && dice.one_in(12) {
        let other = (u64::from(own) + 1 + dice.below(hospitals - 1)) % hospitals;
        registrations.push(Registration {
            hospital: u32::try_from(other).unwrap_or(0),
            number: format!("{:010}", 900_000_007 + number * 7),
            why: "second_hospital",
        });
    }
    if dice.one_in(250) {
        registrations.push(Registration {
            hospital: own,
            number: format!("{:010}", 4_000_000_009 + number * 11),
            why: "duplicate_number",
        });
    }
    registrations
}

impl Person {
    /// The person of a number.
    pub(super) fn new(world: &World, number: u64) -> Person {
        let seed = world.config.seed;
        let (family, member) = member(number);
        let mut shared = Dice::of_family(seed, family);
        let mut dice = Dice::of(seed, number, Stream::Person);
        let middle = (world.first + world.end) / 2;

        // What the family shares.
        let family_surname = *shared.skewed(SURNAMES);
        let family_home = home(&mut shared, i32::MIN);
        let moved = shared
            .one_in(25)
            .then(|| (shared.between(world.first + 30, world.end - 30), home(&mut shared, 0)));
        let family_card = card(&mut shared, i32::MIN, 40, family * 4);
        let birth_in_family = shared.between(world.first + 20, world.end - 45);
        let twins_birth = middle - shared.between(2, 60) * 365 - shared.between(0, 364);
        let twins_female = shared.one_in(2);
        let identical = shared.one_in(2);

        let years = |dice: &mut Dice, member: Member| match member {
            Single => match dice.below(20) {
                0 => dice.between(0, 14),
                1 | 2 => dice.between(15, 39),
                3..=6 => dice.between(40, 64),
                7..=17 => dice.between(65, 89),
                _ => dice.between(85, 99),
            },
            Head | Spouse => dice.between(45, 88),
            Child => dice.between(1, 40),
            Parent => dice.between(80, 99),
            Mother => dice.between(22, 41),
            Newborn | NewbornTwin | Twin => 0,
        };
        let mut birth = match member {
            Newborn | NewbornTwin => birth_in_family,
            Twin => twins_birth,
            _ => middle - years(&mut dice, member) * 365 - dice.between(0, 364),
        };
        if number == ELDEST {
            birth = world.first - 105 * 366;
        }
        if member == Mother && member_of_twins(number) {
            birth = twins_birth - 30 * 365;
        }
        let female = match member {
            Mother => true,
            Twin => twins_female,
            NewbornTwin if identical => twins_female,
            Spouse => number % 4 != 2,
            _ => dice.one_in(2),
        };
        let alone = member == Single;
        let surname = if alone { *dice.skewed(SURNAMES) } else { family_surname };
        let mut given = given_name(&mut dice, female, birth);
        if member.born_here() && dice.one_in(2) {
            // Not named yet: the mother's surname and ベビー.
            given = ("ベビー".to_owned(), "ベビー".to_owned());
        }
        let age = (middle - birth) / 365;
        let mut homes = vec![if alone { home(&mut dice, i32::MIN) } else { family_home }];
        let own_move = dice
            .one_in(25)
            .then(|| (dice.between(world.first + 30, world.end - 30), home(&mut dice, 0)));
        if let Some((day, to)) = if alone { own_move } else { moved } {
            homes.push(Home { from: day, ..to });
        }
        let mut cards = vec![if alone || age >= 75 {
            card(&mut dice, i32::MIN, age, number)
        } else {
            let mut shared = family_card;
            shared.branch = format!("{:02}", number % 4);
            shared
        }];
        if dice.one_in(30) || homes.len() > 1 {
            let day = homes
                .get(1)
                .map_or_else(|| dice.between(world.first + 30, world.end - 30), |h| h.from);
            cards.push(card(&mut dice, day, age, number + 5_000_000));
        }

        let registrations = registrations(world, number, &mut dice);
        let phone = format!("090-0{:03}-{:04}", number / 10_000 % 1_000, number % 10_000);
        let mut person = Person {
            number,
            family: if alone { u64::MAX } else { family },
            member,
            surname,
            given,
            female,
            birth,
            birth_known: member.born_here() || !dice.one_in(150),
            homes,
            cards,
            phone,
            mail: format!("person{number}@example.jp"),
            individual: individual_number(number),
            registrations,
            rare: (number % 211 == 17).then(|| dice.pick(RARE)),
            heavy: number % 991 == 5,
            stays: Vec::new(),
            visits: Vec::new(),
        };
        person.happen(world, &mut dice, birth_in_family);
        person
    }

    /// Full name with one full-width space.
    pub(super) fn name(&self) -> String {
        format!("{}　{}", self.surname.0, self.given.0)
    }
    /// Kana name in full-width kana with one full-width space.
    pub(super) fn kana(&self) -> String {
        format!("{}　{}", self.surname.1, self.given.1)
    }
    pub(super) fn home_on(&self, day: i32) -> &Home {
        self.homes.iter().rev().find(|h| h.from <= day).unwrap_or(&self.homes[0])
    }
    pub(super) fn card_on(&self, day: i32) -> &Card {
        self.cards.iter().rev().find(|h| h.from <= day).unwrap_or(&self.cards[0])
    }
    pub(super) fn age_on(&self, day: i32) -> i32 {
        (day - self.birth) * 4 / 1461
    }
    pub(super) fn sex(&self) -> &'static str {
        if self.female { "2" } else { "1" }
    }

    fn happen(&mut self, world: &World, dice: &mut Dice, birth_in_family: i32) {
        let stays = if self.heavy {
            12
        } else {
            1 + u64::from(dice.one_in(5)) + u64::from(dice.one_in(12))
        }
        .max(self.registrations.len() as u64);
        let span = world.end - world.first;
        let delivery = self.member == Mother && !member_of_twins(self.number);
        let mut start = if self.member.born_here() {
            self.birth
        } else if delivery {
            birth_in_family - dice.between(0, 2)
        } else {
            let last = if self.heavy { 30 } else { span - 60 };
            (world.first + dice.between(0, last)).max(self.birth + 1)
        };
        let mut last: Vec<Option<i32>> = vec![None; self.registrations.len()];
        let mut dead = false;
        for n in 0..stays {
            if start > world.end - 2 || dead {
                break;
            }
            let registration = (n as usize) % self.registrations.len();
            let mut length = if self.heavy {
                dice.between(20, 40)
            } else {
                dice.between(1, 9) + if dice.one_in(10) { dice.between(10, 90) } else { 0 }
            };
            if delivery && n == 0 {
                length = length.max(4);
            }
            let end = start + length;
            let times = StayTimes {
                registration,
                n,
                start,
                end,
                before: last[registration],
                delivery: delivery && n == 0,
            };
            let stay = self.stay(world, dice, times);
            dead = stay.outcome == "6";
            last[registration] = Some(end);
            self.stays.push(stay);
            start = end + if self.heavy { dice.between(5, 20) } else { dice.between(5, 60) };
        }
        if dead {
            return;
        }
        let visits = dice.below(5);
        let first = self.stays.last().map_or(world.first, |s| s.left);
        for n in 0..visits {
            let day = first + 7 + i32::try_from(n).unwrap_or(0) * 28 + dice.between(0, 6);
            if day >= world.end {
                break;
            }
            let registration = self.stays.last().map_or(0, |s| s.registration);
            let disease = self.disease(dice, day, false);
            let note = prose::note(
                world,
                self,
                dice,
                self.registrations[registration].hospital,
                registration,
                12,
            );
            let visit = Visit {
                registration,
                number: self.number * 100 + 60 + n,
                day,
                first: n == 0,
                department: dice.skewed(DEPARTMENTS),
                doctor: u32::try_from(dice.below(60)).unwrap_or(0),
                diagnosis: diagnosis(dice, disease),
                results: results(world, self, dice, registration, day, day, 30),
                doses: doses(dice, day, day, 3),
                note,
            };
            self.visits.push(visit);
        }
    }

    fn disease(&self, dice: &mut Dice, day: i32, first: bool) -> &'static Disease {
        if self.member.born_here() && first {
            return &DISEASES[0];
        }
        let age = self.age_on(day);
        let from = if age < 15 {
            1
        } else if age < 60 {
            if self.female { 7 } else { 9 }
        } else {
            14
        };
        let pool = &DISEASES[from..];
        let pick = dice.below(pool.len() as u64).min(dice.below(pool.len() as u64)) as usize;
        let disease = &pool[pick];
        // Sexes and organs go together.
        match (disease.icd, self.female) {
            ("C61", true) => &DISEASES[14],
            ("C509", false) => &DISEASES[15],
            _ => disease,
        }
    }

    fn stay(&self, world: &World, dice: &mut Dice, times: StayTimes) -> Stay {
        let StayTimes { registration, n, start, end, before, delivery } = times;
        let age = self.age_on(start);
        let newborn = self.member.born_here() && n == 0;
        let disease = if delivery {
            if dice.one_in(4) { &DISEASES[8] } else { &DISEASES[7] }
        } else {
            match self.rare {
                Some(rare) if n == 0 => &rare.disease,
                _ => self.disease(dice, start, n == 0),
            }
        };
        let death = age > 60 && dice.one_in(25) && !self.heavy;
        let others = (0..1 + dice.below(4))
            .map(|_| {
                let other = dice.skewed(&DISEASES[14..]);
                diagnosis(dice, other)
            })
            .collect();
        let later = (0..u64::from(dice.one_in(5)))
            .map(|_| {
                let other = dice.skewed(&DISEASES[14..]);
                diagnosis(dice, other)
            })
            .collect();
        let operations = match disease.operation {
            Some(index) if dice.below(4) > 0 || delivery => {
                vec![((start + dice.between(0, 2)).min(end), &OPERATIONS[index])]
            }
            _ if dice.one_in(12) => {
                vec![((start + dice.between(0, 3)).min(end), dice.skewed(OPERATIONS))]
            }
            _ => Vec::new(),
        };
        let height = if newborn {
            dice.between(46, 52)
        } else if age < 15 {
            75 + age * 6 + dice.between(-5, 5)
        } else {
            dice.between(143, 165) + if self.female { 0 } else { 12 }
        };
        let weight = if newborn {
            dice.between(25, 36)
        } else if age < 15 {
            90 + age * 28 + dice.between(-20, 40)
        } else {
            dice.between(400, 820) + if dice.one_in(300) { 900 } else { 0 }
        };
        let unmeasured = dice.one_in(30);
        let level = if age < 65 { 0 } else { dice.below(3) };
        let adl = |dice: &mut Dice| -> String {
            (0..10)
                .map(|_| match (dice.below(40), level) {
                    (0, _) => '9',
                    (n, 2) => char::from(b'0' + (n % 2) as u8),
                    (n, 1) => char::from(b'0' + (n % 3) as u8),
                    _ => '2',
                })
                .collect()
        };
        let adl = [adl(dice), adl(dice)];
        let hospital = self.registrations[registration].hospital;
        let results = results(world, self, dice, registration, start, end, 1);
        let doses = doses(dice, start, end, 7);
        let note = prose::note(world, self, dice, hospital, registration, 6);
        Stay {
            registration,
            number: self.number * 100 + n + 1,
            admitted: start,
            left: end,
            before,
            route: if newborn { "8" } else { dice.likely(&["1", "4", "5"]) },
            emergency: dice.one_in(2),
            ambulance: dice.one_in(5),
            self_harm: dice.one_in(400),
            place: if death { "9" } else { dice.likely(&["1", "4", "5", "7"]) },
            outcome: if death { "6" } else { dice.likely(&["3", "2", "1", "4"]) },
            department: if delivery {
                &DEPARTMENTS[5]
            } else if age < 15 {
                &DEPARTMENTS[4]
            } else {
                dice.skewed(DEPARTMENTS)
            },
            ward: u32::try_from(dice.below(12)).unwrap_or(0),
            doctor: u32::try_from(dice.below(60)).unwrap_or(0),
            main: diagnosis(dice, disease),
            others,
            later,
            disease,
            operations,
            height: if unmeasured { 0 } else { height },
            weight: if unmeasured {
                [0, 0]
            } else {
                [weight, (weight - dice.between(-5, 15)).max(10)]
            },
            smoking: match dice.below(10) {
                0 => 9999,
                1..=3 => dice.between(1, 60) * 20,
                _ => 0,
            },
            pregnancy: delivery.then(|| dice.between(36, 41)),
            birth: newborn.then(|| {
                if dice.one_in(12) {
                    (dice.between(620, 1800), dice.between(24, 32))
                } else {
                    (dice.between(2300, 3900), dice.between(36, 41))
                }
            }),
            adl,
            coma: [dice.likely(&["0", "1", "2", "3", "10", "3A", "200RI", "300", "999"]), "0"],
            results,
            doses,
            note,
        }
    }

    /// Everything that is done on the days of a stay, in order: what EF, D and receipts are made of.
    ///
    /// The same calls come at every reading: the draws are the stay's own.
    pub(super) fn acts(&self, world: &World, stay: usize, mut take: impl FnMut(&Done)) {
        let facts = &self.stays[stay];
        let mut dice = Dice::of(world.config.seed, self.number, Stream::Acts);
        // Each stay of a person has its own part of the stream.
        for _ in 0..=stay {
            dice.below(2);
        }
        let mut dice = Dice::of(
            dice.below(u64::MAX) ^ world.config.seed.rotate_left(17),
            self.number,
            Stream::Acts,
        );
        let mut order = 0;
        for day in facts.admitted..=facts.left.min(world.end - 1) {
            let mut act =
                |dice: &mut Dice, head: &'static Act, parts: u64, pool: &[&'static Act]| {
                    order += 1;
                    let times = 1;
                    let drug = matches!(head.kind, ActKind::Drug | ActKind::Injection);
                    let mut done = Done {
                        day,
                        order,
                        detail: 0,
                        act: head,
                        quantity: 0,
                        points: head.points,
                        drug: if drug { head.points / 2 + 10 } else { 0 },
                        material: if head.kind == ActKind::Operation { 210 } else { 0 },
                        times,
                    };
                    take(&done);
                    for part in 0..parts {
                        done.detail = u32::try_from(part).unwrap_or(0) + 1;
                        done.act = if pool.is_empty() { head } else { *dice.pick(pool) };
                        done.quantity =
                            if drug { u32::try_from(dice.below(4)).unwrap_or(0) + 1 } else { 0 };
                        take(&done);
                    }
                };
            let pools = pools();
            act(&mut dice, &ACTS[0], 1, &[]);
            for _ in 0..3 {
                act(&mut dice, &ACTS[1], 0, &[]);
            }
            if (day - facts.admitted) % 3 == 0 {
                act(&mut dice, &ACTS[2], 8, &pools.tests);
                act(&mut dice, &ACTS[3], 3, &pools.tests);
            }
            for _ in 0..2 + dice.below(2) {
                let parts = 1 + dice.below(2);
                let head = *dice.pick(&pools.drugs);
                act(&mut dice, head, parts, &pools.drugs);
            }
            for _ in 0..1 + dice.below(3) {
                let parts = 2 + dice.below(2);
                let head = *dice.pick(&pools.injections);
                act(&mut dice, head, parts, &pools.injections);
            }
            if dice.one_in(5) {
                let head = *dice.pick(&pools.images);
                act(&mut dice, head, 2, &pools.images);
            }
            if dice.one_in(3) {
                let head = *dice.pick(&pools.care);
                act(&mut dice, head, 1, &[]);
            }
            if facts.operations.iter().any(|o| o.0 == day) {
                let head = *dice.pick(&pools.operations);
                act(&mut dice, head, 4, &pools.injections);
            }
        }
    }
}

/// One row of what was done: `detail` 0 is the act, 1.. its parts.
pub(super) struct Done {
    pub day: i32,
    pub order: u32,
    pub detail: u32,
    pub act: &'static Act,
    pub quantity: u32,
    pub points: u32,
    pub drug: u32,
    pub material: u32,
    pub times: u32,
}

pub(super) struct Pools {
    pub tests: Vec<&'static Act>,
    pub drugs: Vec<&'static Act>,
    pub injections: Vec<&'static Act>,
    pub images: Vec<&'static Act>,
    pub care: Vec<&'static Act>,
    pub operations: Vec<&'static Act>,
}

/// The acts by kind.
pub(super) fn pools() -> &'static Pools {
    static POOLS: std::sync::LazyLock<Pools> = std::sync::LazyLock::new(|| {
        let of = |kind: ActKind| ACTS.iter().skip(4).filter(|a| a.kind == kind).collect();
        Pools {
            tests: of(ActKind::Test),
            drugs: of(ActKind::Drug),
            injections: of(ActKind::Injection),
            images: of(ActKind::Image),
            care: of(ActKind::Care),
            operations: of(ActKind::Operation),
        }
    });
    &POOLS
}

fn member_of_twins(number: u64) -> bool {
    number / 4 % 40 == 5
}

fn diagnosis(dice: &mut Dice, disease: &'static Disease) -> Diagnosis {
    if dice.one_in(40) {
        // ワープロ病名: no code, the doctor's own words.
        return Diagnosis {
            icd: disease.icd,
            code: "0000999".to_owned(),
            name: format!(
                "{}（{}）",
                disease.name,
                dice.pick(&["術後", "疑い濃厚", "再燃", "左", "右、前医より", "詳細不明"])
            ),
            suspected: false,
        };
    }
    Diagnosis {
        icd: disease.icd,
        code: disease.code.to_owned(),
        name: disease.name.to_owned(),
        suspected: dice.one_in(15),
    }
}

fn results(
    world: &World,
    person: &Person,
    dice: &mut Dice,
    registration: usize,
    from: i32,
    to: i32,
    rarely: u64,
) -> Vec<Result1> {
    let mut found = Vec::new();
    let mut day = from;
    let hospital = person.registrations[registration].hospital;
    while day <= to {
        let minute = dice.between(6 * 60, 18 * 60);
        if rarely == 1 || dice.one_in(2) {
            let offset = dice.below(LABS.len() as u64) as usize;
            for n in 0..4 + dice.below(4) as usize {
                let test = (offset + n * 5) % LABS.len();
                let lab = &LABS[test];
                let value = lab.low + (lab.high - lab.low) * (dice.below(1000) as f64 / 1000.0);
                let (value, flag) = match dice.below(160) {
                    0 => (format!(">{}", lab.high * 4.0), "H"),
                    1 => (format!("<{}", lab.low), "L"),
                    2 => ("(+)".to_owned(), ""),
                    3 => (format!("{:.1}", lab.high * 9.7), "H"),
                    4 => (format!(">{}(+)", (lab.high * 4.0) as i64), "H"),
                    5 => ("3+(300)".to_owned(), ""),
                    // Two values in one field: no policy can read them as a number.
                    6 if world.config.dirt => ("Hb＋Tr＋".to_owned(), ""),
                    7 if world.config.dirt => (format!(" {} / {value:.2}", n + 1), ""),
                    8 => (String::new(), ""),
                    _ => (format!("{value:.1}"), ""),
                };
                let note = prose::note(world, person, dice, hospital, registration, 120);
                found.push(Result1 { day, minute, test, value, flag, note });
            }
        }
        day += dice.between(2, 5);
    }
    found
}

fn doses(dice: &mut Dice, from: i32, to: i32, most: u64) -> Vec<Dose> {
    (0..1 + dice.below(most))
        .map(|_| {
            let index = dice.below(DRUGS.len() as u64).min(dice.below(DRUGS.len() as u64)) as usize;
            Dose {
                day: (from + dice.between(0, 3)).min(to),
                drug: index,
                amount: dice.word(&["1", "2", "3", "0.5"]),
                days: dice.word(&["3", "5", "7", "14", "28"]),
            }
        })
        .collect()
}
