//! SS-MIX2 standardized storage: one folder tree a hospital, one HL7 v2.5 message a file, ISO-2022-JP.
//!
//! `<施設コード>/<ID 1-3>/<ID 4-6>/<ID>/<診療日 or ->/<データ種別>/<ID>_<診療日>_<データ種別>_<オーダ番号>_<発生日時>_<診療科>_<フラグ>`.
//! Flag 1 is valid; 0 (deleted) and 2 (superseded) stand beside it and must not be read.

use std::collections::BTreeMap;

use super::Layout;
use super::pools::{DRUGS, LABS, SURNAMES};
use super::prose::Note;
use super::sheet::{Charset, Label, Sheet, Whole, day8, plain};
use super::world::{Dice, Hospital, Person, Registration, Result1, Stay, Visit, World};

pub(super) struct Ssmix2;

/// Kinds of message, as they are counted.
const KINDS: [&str; 9] =
    ["ADT-00", "ADT-12", "ADT-22", "ADT-52", "ADT-61", "OML-11", "OMP-01", "OMP-02", "PPR-01"];

/// Text of a field: HL7's own characters escaped, and only what ISO-2022-JP has.
fn field(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '\\' => out.push_str("\\E\\"),
            '|' => out.push_str("\\F\\"),
            '^' => out.push_str("\\S\\"),
            '&' => out.push_str("\\T\\"),
            '~' => out.push_str("\\R\\"),
            c => out.push(c),
        }
    }
    out
}

fn moment(day: i32, minute: i32) -> String {
    format!("{}{:02}{:02}00", day8(day), minute / 60, minute % 60)
}

/// What all messages of a person at a hospital have in common.
struct Chart<'a> {
    person: &'a Person,
    hospital: &'a Hospital,
    id: &'a str,
    order: u64,
}

/// A message before it has a place.
struct Message<'a> {
    kind: &'static str,
    structure: &'static str,
    /// `None`: data without a day.
    day: Option<i32>,
    at: (i32, i32),
    department: &'a str,
    segments: Vec<String>,
    note: Option<(&'a Note, usize)>,
    /// The order's number, where its segments name it.
    number: Option<String>,
}

/// What messages are made with.
struct Making<'a> {
    /// Whether older states of the same data lie about.
    dirty: bool,
    dice: &'a mut Dice,
    sheet: &'a mut Sheet,
}

impl Chart<'_> {
    fn pid(&self, day: i32) -> String {
        let person = self.person;
        let home = person.home_on(day);
        let name = format!(
            "{}^{}^^^^^L^I~{}^{}^^^^^L^P",
            field(person.surname.0),
            field(&person.given.0),
            field(person.surname.1),
            field(&person.given.1)
        );
        format!(
            "PID|0001||{}||{name}||{}|{}|||^^^^{}-{}^JPN^H^{}||^PRN^PH^^^^^^^^^{}|^WPN^PH^^^^^^^^^",
            self.id,
            if person.birth_known { day8(person.birth) } else { String::new() },
            if person.female { "F" } else { "M" },
            &home.postal[..3],
            &home.postal[3..],
            field(&home.address),
            person.phone
        )
    }
    fn doctor(doctor: u32) -> String {
        let surname = SURNAMES[doctor as usize % SURNAMES.len()];
        format!("D{doctor:04}^{}^医師^^^^^^^L^^^^^I", field(surname.0))
    }
    fn orc(&self, number: &str, at: &str, doctor: u32, department: (&str, &str)) -> String {
        let doctor = Self::doctor(doctor);
        format!(
            "ORC|NW|{number}|{number}||||||{at}|{doctor}||{doctor}|||{at}||{}^{}^HL70069||||{}|^^^^{}-{}^JPN^^{}|{}||||||I^入院患者オーダ^HL70482",
            department.1,
            department.0,
            self.hospital.name,
            &self.hospital.postal[..3],
            &self.hospital.postal[3..],
            self.hospital.address,
            self.hospital.phone
        )
    }
    /// The next order number, 15 digits; the person's number is in it.
    fn number(&mut self) -> String {
        self.order += 1;
        format!("{:09}{:06}", self.person.number + 1, self.order)
    }
    fn put(&mut self, making: &mut Making<'_>, message: Message<'_>) {
        let Making { dirty, dice, sheet } = making;
        let number = match &message.number {
            _ if message.kind == "ADT-00" => "9".repeat(15),
            Some(number) => number.clone(),
            None => self.number(),
        };
        let stamp = moment(message.at.0, message.at.1);
        let mut text = format!(
            "MSH|^~\\&|HIS123|SEND|GW|RCV|{stamp}.00||{}|{:09}{:06}|P|2.5||||||~ISO IR87||ISO 2022-1994|SS-MIX2_1.20_h^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO",
            message.structure, self.person.number, self.order
        );
        let end = if self.hospital.line_feeds { '\n' } else { '\r' };
        text.push(end);
        for segment in &message.segments {
            text.push_str(segment);
            text.push(end);
        }
        let id = self.id;
        let day = message.day.map_or_else(|| "-".to_owned(), day8);
        let department = message.department;
        let folder = format!(
            "{}/{}/{}/{id}/{day}/{}",
            self.hospital.code,
            &id[..3],
            &id[3..6],
            message.kind
        );
        let name = format!("{id}_{day}_{}_{number}_{stamp}000_{department}", message.kind);
        let labels = message
            .note
            .iter()
            .flat_map(|(note, row)| {
                note.planted.iter().map(|(kind, value)| Label {
                    row: *row as u64,
                    column: "NTE-3",
                    kind: *kind,
                    value: value.clone(),
                    person: self.person.number,
                })
            })
            .collect();
        let old = match dice.below(60) {
            0 if *dirty => Some(("0", "deleted")),
            1 if *dirty => Some(("2", "superseded")),
            _ => None,
        };
        if let Some((flag, count)) = old {
            // An older state of the same data, one minute before.
            let before = moment(message.at.0, (message.at.1 - 1).max(0));
            let name = format!("{id}_{day}_{}_{number}_{before}000_{department}", message.kind);
            let text = text.clone();
            sheet.whole(Whole {
                path: format!("{folder}/{name}_{flag}"),
                text,
                count,
                labels: Vec::new(),
            });
        }
        sheet.whole(Whole {
            path: format!("{folder}/{name}_1"),
            text,
            count: message.kind,
            labels,
        });
    }
}

impl Layout for Ssmix2 {
    fn name(&self) -> &'static str {
        "ssmix2"
    }
    fn about(&self) -> &'static str {
        "SS-MIX2 standardized storage (ISO-2022-JP messages; counted by kind)"
    }
    fn charset(&self, _: &World, _: &str) -> Charset {
        Charset::Iso2022Jp
    }
    fn head(&self, _: &World, _: &str) -> String {
        String::new()
    }
    fn begin(&self, _: &World, sheet: &mut Sheet) {
        for kind in KINDS {
            sheet.counts.insert(kind, 0);
        }
    }
    fn person(&self, world: &World, person: &Person, dice: &mut Dice, sheet: &mut Sheet) {
        for (index, registration) in person.registrations.iter().enumerate() {
            chart(world, person, index, registration, dice, sheet);
        }
    }
}

fn chart(
    world: &World,
    person: &Person,
    index: usize,
    registration: &Registration,
    dice: &mut Dice,
    sheet: &mut Sheet,
) {
    let mut making = Making { dirty: world.config.dirt, dice, sheet };
    let making = &mut making;
    let hospital = &world.hospitals[registration.hospital as usize];
    let mut chart =
        Chart { person, hospital, id: &registration.number, order: index as u64 * 100_000 };
    let stays: Vec<_> = person.stays.iter().filter(|s| s.registration == index).collect();
    let last = stays.last().map_or(world.end - 1, |s| s.left);
    let department = stays.first().map_or("010", |s| s.department.1);

    let card = person.card_on(last);
    let relative = SURNAMES[(person.number % SURNAMES.len() as u64) as usize];
    let height = stays.last().map_or(0, |s| s.height);
    let mut segments = vec![
        format!("EVN||{}|||||SEND001", moment(last, 600)),
        format!("{}||||||||||||||||||||{}", chart.pid(last), moment(last, 590)),
        format!(
            "NK1|1|{}^保証人^^^^^L^I|SEL|^^^^{}-{}^JPN^H^{}|{}",
            field(relative.0),
            &person.home_on(last).postal[..3],
            &person.home_on(last).postal[3..],
            field(&person.home_on(last).address),
            person.phone
        ),
        format!("PV1|0001|O|{department}^^^^^C||||{}", Chart::doctor(1)),
        "DB1|1|PT||N".to_owned(),
    ];
    if height > 0 {
        segments.push(format!("OBX|1|NM|9N001000000000001^身長^JC10||{height}.0|cm^cm^ISO+|||||F"));
    }
    segments.push(format!(
        "IN1|1|C0^医療保険^JHSD0001|{}|架空保険者||||||{}~{}~{}||{}|{}||||SEL^本人^HL70063",
        card.insurer,
        card.symbol,
        card.number,
        card.branch,
        day8(last - 300),
        day8(last + 65)
    ));
    chart.put(
        making,
        Message {
            kind: "ADT-00",
            structure: "ADT^A08^ADT_A01",
            day: None,
            at: (last, 600),
            department: "-",
            segments,
            note: None,
            number: None,
        },
    );
    if making.dice.one_in(15) {
        let segments = vec![
            format!("EVN||{}|||||SEND001", moment(last, 610)),
            chart.pid(last),
            "IAM|1|DA^薬剤アレルギー^HL70127|999999^ペニシリン系^99XYZ|MO^中等度^HL70128|発疹|A||||||||||||".to_owned(),
        ];
        chart.put(
            making,
            Message {
                kind: "ADT-61",
                structure: "ADT^A60^ADT_A60",
                day: None,
                at: (last, 610),
                department: "-",
                segments,
                note: None,
                number: None,
            },
        );
    }
    for s in &stays {
        stay(world, &mut chart, s, making);
    }
    for v in person.visits.iter().filter(|v| v.registration == index) {
        visit(&mut chart, v, making);
    }
}

/// The messages of a stay: admission, diagnoses, orders, discharge.
fn stay(world: &World, chart: &mut Chart<'_>, stay: &Stay, making: &mut Making<'_>) {
    let department = stay.department;
    let doctor = Chart::doctor(stay.doctor);
    let bed = format!("W{:02}^{}^{}^^^N", stay.ward, 1 + stay.number % 12, 1 + stay.number % 4);
    let pv1 = |tail: &str| {
        format!("PV1|0001|I|{bed}||||{doctor}||||||||||{doctor}|||||||||||||||||||{tail}")
    };
    let segments = vec![
        format!("EVN||{}|||||SEND001", moment(stay.admitted, 610)),
        chart.pid(stay.admitted),
        pv1(&format!("||||||||{}", moment(stay.admitted, 600))),
    ];
    chart.put(
        making,
        Message {
            kind: "ADT-22",
            structure: "ADT^A01^ADT_A01",
            day: Some(stay.admitted),
            at: (stay.admitted, 610),
            department: department.1,
            segments,
            note: None,
            number: None,
        },
    );
    diagnoses(chart, stay, making);
    draws(chart, &stay.results, stay.doctor, department, Some(&bed), making);
    prescriptions(chart, &stay.doses, stay.doctor, department, true, making);
    if making.dice.one_in(2) {
        let at = moment(stay.admitted, 700);
        let number = chart.number();
        let segments = vec![
            chart.pid(stay.admitted),
            pv1(""),
            chart.orc(&number, &at, stay.doctor, (department.0, department.1)),
            "RXE||01^点滴注射^99XYZ|1||BAG^バッグ^MR9P|||||1|BAG^バッグ^MR9P".to_owned(),
            format!("TQ1|1||||||{at}|{}", moment(stay.admitted, 760)),
            "RXR|IV^静脈内^HL70162".to_owned(),
            "RXC|B|999999^維持液５００ｍＬ^99XYZ|500|ML^ミリリッター^MR9P".to_owned(),
        ];
        chart.put(
            making,
            Message {
                kind: "OMP-02",
                structure: "RDE^O11^RDE_O11",
                day: Some(stay.admitted),
                at: (stay.admitted, 700),
                department: department.1,
                segments,
                note: None,
                number: Some(number),
            },
        );
    }
    if stay.left < world.end {
        let segments = vec![
            format!("EVN||{}|||||SEND001", moment(stay.left, 620)),
            chart.pid(stay.left),
            pv1(&format!(
                "{}|||||||||{}",
                if stay.outcome == "6" { "20" } else { "01" },
                moment(stay.left, 600)
            )),
        ];
        chart.put(
            making,
            Message {
                kind: "ADT-52",
                structure: "ADT^A03^ADT_A03",
                day: Some(stay.left),
                at: (stay.left, 620),
                department: department.1,
                segments,
                note: None,
                number: None,
            },
        );
    }
}

/// The messages of a visit: reception and orders.
fn visit(chart: &mut Chart<'_>, visit: &Visit, making: &mut Making<'_>) {
    let department = visit.department;
    let segments = vec![
        format!("EVN||{}|||||SEND001", moment(visit.day, 540)),
        chart.pid(visit.day),
        format!(
            "PV1|0001|O|{}^^^^^C||||{}|||||||||||||||||||||||||||||||||||||{}",
            department.1,
            Chart::doctor(visit.doctor),
            moment(visit.day, 540)
        ),
    ];
    chart.put(
        making,
        Message {
            kind: "ADT-12",
            structure: "ADT^A04^ADT_A01",
            day: Some(visit.day),
            at: (visit.day, 540),
            department: department.1,
            segments,
            note: None,
            number: None,
        },
    );
    draws(chart, &visit.results, visit.doctor, department, None, making);
    prescriptions(chart, &visit.doses, visit.doctor, department, false, making);
}

/// A message for each diagnosis of a stay; the first carries the stay's note.
fn diagnoses(chart: &mut Chart<'_>, stay: &Stay, making: &mut Making<'_>) {
    let department = stay.department;
    let diagnoses: Vec<_> = std::iter::once(&stay.main).chain(&stay.others).collect();
    for (n, d) in diagnoses.iter().enumerate() {
        let number = format!("{:09}{:06}", chart.person.number + 1, 900_000 + n);
        let coding = if d.code == "0000999" {
            format!("99999999^{}^99XYZ", field(&d.name))
        } else {
            format!("{}^{}^MDCDX2", d.code, field(&d.name))
        };
        let at = moment(stay.admitted, 615);
        let mut segments = vec![
            chart.pid(stay.admitted),
            format!(
                "PRB|AD|{at}|{coding}|{number}|||{at}|{}||{}^^I10^H^入院時^JHSD0004||||||{at}",
                moment(stay.left, 600),
                d.icd
            ),
            chart.orc(&number, &at, stay.doctor, (department.0, department.1)),
        ];
        let note = if n == 0 { stay.note.as_ref() } else { None };
        if let Some(note) = note {
            segments.push(format!("NTE|1|P|{}", field(&note.text)));
        }
        let row = segments.len() + 1;
        chart.put(
            making,
            Message {
                kind: "PPR-01",
                structure: "PPR^ZD1^PPR_ZD1",
                day: None,
                at: (stay.admitted, 615),
                department: "-",
                segments,
                note: note.map(|n| (n, row)),
                number: Some(number),
            },
        );
    }
}

fn draws(
    chart: &mut Chart<'_>,
    results: &[Result1],
    doctor: u32,
    department: &(&str, &str, &str),
    bed: Option<&str>,
    making: &mut Making<'_>,
) {
    let mut by_draw: BTreeMap<(i32, i32), Vec<&Result1>> = BTreeMap::new();
    for result in results {
        by_draw.entry((result.day, result.minute)).or_default().push(result);
    }
    for ((day, minute), results) in by_draw {
        let (at, number) = (moment(day, minute), chart.number());
        let who = Chart::doctor(doctor);
        let class = if bed.is_some() { "I" } else { "O" };
        let place = bed.map_or_else(|| format!("{}^^^^^C", department.1), str::to_owned);
        let mut segments = vec![
            chart.pid(day),
            format!("PV1|0001|{class}|{place}||||{who}"),
            format!("SPM|1|{number}||023^血清^JC10|||||||||||||{at}"),
            format!(
                "OBR|1|{number}|{number}|3^生化学的検査^JC10|||{at}|{at}||||||||{who}||||||{at}"
            ),
            chart.orc(&number, &at, doctor, (department.0, department.1)),
        ];
        let mut noted = None;
        for (n, result) in results.iter().enumerate() {
            let lab = &LABS[result.test];
            let code = if chart.hospital.local_codes {
                format!("{}^{}^99LAB", lab.local, lab.name)
            } else {
                format!("{}^{}^JC10", lab.code, lab.name)
            };
            let kind = if result.value.parse::<f64>().is_ok() { "NM" } else { "ST" };
            segments.push(format!(
                "OBX|{}|{kind}|{code}||{}|{}^{}^99XYZ|{}-{}|{}|||F|||{at}",
                n + 1,
                field(&result.value),
                field(lab.unit),
                field(lab.unit),
                lab.low,
                lab.high,
                result.flag
            ));
            if let Some(note) = &result.note
                && noted.is_none()
            {
                segments.push(format!("NTE|1|L|{}", field(&note.text)));
                noted = Some((note, segments.len() + 1));
            }
        }
        chart.put(
            making,
            Message {
                kind: "OML-11",
                structure: "OUL^R22^OUL_R22",
                day: Some(day),
                at: (day, minute),
                department: department.1,
                segments,
                note: noted,
                number: Some(number),
            },
        );
    }
}

fn prescriptions(
    chart: &mut Chart<'_>,
    doses: &[super::world::Dose],
    doctor: u32,
    department: &(&str, &str, &str),
    inpatient: bool,
    making: &mut Making<'_>,
) {
    let mut by_day: BTreeMap<i32, Vec<&super::world::Dose>> = BTreeMap::new();
    for dose in doses {
        by_day.entry(dose.day).or_default().push(dose);
    }
    for (day, doses) in by_day {
        let at = moment(day, 660);
        let class = if inpatient { "I" } else { "O" };
        let mut segments = vec![
            chart.pid(day),
            format!("PV1|0001|{class}|{}^^^^^C||||{}", department.1, Chart::doctor(doctor)),
        ];
        let number = chart.number();
        for (n, dose) in doses.iter().enumerate() {
            let drug = &DRUGS[dose.drug];
            segments.push(chart.orc(&number, &at, doctor, (department.0, department.1)));
            segments.push(format!(
                "RXE||{}^{}^YJ|{}||TAB^錠^MR9P|||||{}|TAB^錠^MR9P||||{number}_{:02}",
                drug.yj,
                field(drug.name),
                dose.amount,
                dose.days,
                n + 1
            ));
            segments.push(format!("TQ1|1||9999000000000000&1日1回&99xyz|||{}^d|{at}", dose.days));
            segments.push("RXR|PO^口^HL70162".to_owned());
        }
        chart.put(
            making,
            Message {
                kind: "OMP-01",
                structure: "RDE^O11^RDE_O11",
                day: Some(day),
                at: (day, 660),
                department: department.1,
                segments,
                note: None,
                number: Some(number),
            },
        );
    }
}
