//! OMOP CDM 5.4 as CSV in UTF-8: a person a registration, because nothing tells a hub that two numbers are one person.

use super::Layout;
use super::pools::{DRUGS, LABS};
use super::prose::Note;
use super::sheet::{Charset, Sheet, civil};
use super::world::{Diagnosis, Dice, Dose, Person, Result1, Stay, Visit, World};

pub(super) struct Omop;

const HEADERS: [(&str, &str); 13] = [
    (
        "person.csv",
        "person_id,gender_concept_id,year_of_birth,month_of_birth,day_of_birth,birth_datetime,race_concept_id,ethnicity_concept_id,location_id,provider_id,care_site_id,person_source_value,gender_source_value,gender_source_concept_id,race_source_value,race_source_concept_id,ethnicity_source_value,ethnicity_source_concept_id",
    ),
    (
        "observation_period.csv",
        "observation_period_id,person_id,observation_period_start_date,observation_period_end_date,period_type_concept_id",
    ),
    (
        "visit_occurrence.csv",
        "visit_occurrence_id,person_id,visit_concept_id,visit_start_date,visit_start_datetime,visit_end_date,visit_end_datetime,visit_type_concept_id,provider_id,care_site_id,visit_source_value,visit_source_concept_id,admitted_from_concept_id,admitted_from_source_value,discharged_to_concept_id,discharged_to_source_value,preceding_visit_occurrence_id",
    ),
    (
        "condition_occurrence.csv",
        "condition_occurrence_id,person_id,condition_concept_id,condition_start_date,condition_start_datetime,condition_end_date,condition_end_datetime,condition_type_concept_id,condition_status_concept_id,stop_reason,provider_id,visit_occurrence_id,visit_detail_id,condition_source_value,condition_source_concept_id,condition_status_source_value",
    ),
    (
        "drug_exposure.csv",
        "drug_exposure_id,person_id,drug_concept_id,drug_exposure_start_date,drug_exposure_start_datetime,drug_exposure_end_date,drug_exposure_end_datetime,verbatim_end_date,drug_type_concept_id,stop_reason,refills,quantity,days_supply,sig,route_concept_id,lot_number,provider_id,visit_occurrence_id,visit_detail_id,drug_source_value,drug_source_concept_id,route_source_value,dose_unit_source_value",
    ),
    (
        "measurement.csv",
        "measurement_id,person_id,measurement_concept_id,measurement_date,measurement_datetime,measurement_time,measurement_type_concept_id,operator_concept_id,value_as_number,value_as_concept_id,unit_concept_id,range_low,range_high,provider_id,visit_occurrence_id,visit_detail_id,measurement_source_value,measurement_source_concept_id,unit_source_value,unit_source_concept_id,value_source_value,measurement_event_id,meas_event_field_concept_id",
    ),
    (
        "procedure_occurrence.csv",
        "procedure_occurrence_id,person_id,procedure_concept_id,procedure_date,procedure_datetime,procedure_end_date,procedure_end_datetime,procedure_type_concept_id,modifier_concept_id,quantity,provider_id,visit_occurrence_id,visit_detail_id,procedure_source_value,procedure_source_concept_id,modifier_source_value",
    ),
    (
        "observation.csv",
        "observation_id,person_id,observation_concept_id,observation_date,observation_datetime,observation_type_concept_id,value_as_number,value_as_string,value_as_concept_id,qualifier_concept_id,unit_concept_id,provider_id,visit_occurrence_id,visit_detail_id,observation_source_value,observation_source_concept_id,unit_source_value,qualifier_source_value,value_source_value,observation_event_id,obs_event_field_concept_id",
    ),
    (
        "death.csv",
        "person_id,death_date,death_datetime,death_type_concept_id,cause_concept_id,cause_source_value,cause_source_concept_id",
    ),
    (
        "note.csv",
        "note_id,person_id,note_date,note_datetime,note_type_concept_id,note_class_concept_id,note_title,note_text,encoding_concept_id,language_concept_id,provider_id,visit_occurrence_id,visit_detail_id,note_source_value,note_event_id,note_event_field_concept_id",
    ),
    (
        "location.csv",
        "location_id,address_1,address_2,city,state,zip,county,location_source_value,country_concept_id,country_source_value,latitude,longitude",
    ),
    (
        "care_site.csv",
        "care_site_id,care_site_name,place_of_service_concept_id,location_id,care_site_source_value,place_of_service_source_value",
    ),
    (
        "provider.csv",
        "provider_id,provider_name,npi,dea,specialty_concept_id,care_site_id,year_of_birth,gender_concept_id,provider_source_value,specialty_source_value,specialty_source_concept_id,gender_source_value,gender_source_concept_id",
    ),
];

/// From an electronic record.
const EHR: &str = "32817";
/// Standard concepts of the tests, in the order of the pool.
const TESTS: [&str; 12] = [
    "3013721", "3006923", "3016723", "3013682", "3019550", "3023103", "3004501", "3004410",
    "3020416", "3000963", "3000905", "3020460",
];

fn day(days: i32) -> String {
    let (y, m, d) = civil(days);
    format!("{y:04}-{m:02}-{d:02}")
}

/// What the events of a visit have in common.
struct At<'a> {
    person: String,
    visit: u64,
    provider: String,
    number: u64,
    sheet: &'a mut Sheet,
}

impl At<'_> {
    fn condition(&mut self, n: u64, d: &Diagnosis, from: i32, to: i32) {
        let status = if n == 0 { "32902" } else { "32908" };
        let source = if d.code == "0000999" { d.name.as_str() } else { d.icd };
        self.sheet
            .file("condition_occurrence.csv")
            .row(',')
            .n(self.visit * 1000 + n)
            .all(&[
                &self.person,
                "0",
                &day(from),
                "",
                &day(to),
                "",
                EHR,
                status,
                "",
                &self.provider,
            ])
            .n(self.visit)
            .all(&["", source, "0", if d.suspected { "疑い" } else { "" }])
            .end_lf();
    }
    fn measurements(&mut self, results: &[Result1]) {
        for (n, result) in results.iter().enumerate() {
            let lab = &LABS[result.test];
            let number = result.value.trim().parse::<f64>().ok().map(|v| v.to_string());
            let operator = match result.value.as_bytes().first() {
                Some(b'>') => "4172704",
                Some(b'<') => "4171756",
                _ => "",
            };
            let time = format!("{:02}:{:02}:00", result.minute / 60, result.minute % 60);
            let on = day(result.day);
            self.sheet
                .file("measurement.csv")
                .row(',')
                .n(self.visit * 1000 + n as u64)
                .all(&[&self.person, TESTS[result.test], &on, &format!("{on} {time}"), &time, EHR])
                .all(&[operator, number.as_deref().unwrap_or(""), "", "0"])
                .all(&[&lab.low.to_string(), &lab.high.to_string(), &self.provider])
                .n(self.visit)
                .all(&["", lab.code, "0", lab.unit, "0", &result.value, "", ""])
                .end_lf();
        }
    }
    fn drugs(&mut self, doses: &[Dose]) {
        for (n, dose) in doses.iter().enumerate() {
            let drug = &DRUGS[dose.drug];
            let last = dose.day + dose.days.parse::<i32>().unwrap_or(1) - 1;
            self.sheet
                .file("drug_exposure.csv")
                .row(',')
                .n(self.visit * 1000 + n as u64)
                .all(&[
                    &self.person,
                    "0",
                    &day(dose.day),
                    "",
                    &day(last),
                    "",
                    &day(last),
                    "32838",
                    "",
                    "0",
                ])
                .all(&[dose.amount, dose.days, "1日1回", "4132161", "", &self.provider])
                .n(self.visit)
                .all(&["", drug.yj, "0", "内服", "錠"])
                .end_lf();
        }
    }
    fn note(&mut self, note: &Note, on: i32) {
        let piece = self.sheet.file("note.csv");
        piece.plant(self.number, "note_text", Some(note));
        piece
            .row(',')
            .n(self.visit)
            .all(&[&self.person, &day(on), "", EHR, "0", "診療記録", &note.text, "0", "4181536"])
            .s(&self.provider)
            .n(self.visit)
            .e(4)
            .end_lf();
    }
}

impl Layout for Omop {
    fn name(&self) -> &'static str {
        "omop"
    }
    fn about(&self) -> &'static str {
        "OMOP CDM 5.4 CSV: person, visit, condition, drug, measurement, procedure, note, ..."
    }
    fn charset(&self, _: &World, _: &str) -> Charset {
        Charset::Utf8
    }
    fn head(&self, _: &World, path: &str) -> String {
        HEADERS
            .iter()
            .find(|(name, _)| *name == path)
            .map_or_else(String::new, |(_, header)| format!("{header}\n"))
    }
    fn begin(&self, world: &World, sheet: &mut Sheet) {
        for (name, _) in HEADERS {
            sheet.file(name);
        }
        for (n, hospital) in world.hospitals.iter().enumerate() {
            let id = (n + 1).to_string();
            sheet
                .file("care_site.csv")
                .row(',')
                .all(&[&id, hospital.name, "8717", "", &hospital.code, "病院"])
                .end_lf();
            for doctor in 0..60 {
                sheet
                    .file("provider.csv")
                    .row(',')
                    .n((n as u64 + 1) * 100 + doctor)
                    .all(&["", "", "", "0", &id, "", "0"])
                    .s(&format!("D{doctor:04}"))
                    .all(&["", "0", "", "0"])
                    .end_lf();
            }
        }
    }
    fn person(&self, world: &World, person: &Person, _: &mut Dice, sheet: &mut Sheet) {
        for (index, registration) in person.registrations.iter().enumerate() {
            // Far from 9, 99, 999, ... that readers take for fillers.
            let id = (1_000_000 + person.number * 4 + index as u64).to_string();
            let site = u64::from(registration.hospital) + 1;
            let stays: Vec<_> = person.stays.iter().filter(|s| s.registration == index).collect();
            let visits: Vec<_> = person.visits.iter().filter(|s| s.registration == index).collect();
            let days = || {
                stays.iter().flat_map(|s| [s.admitted, s.left]).chain(visits.iter().map(|v| v.day))
            };
            let (Some(first), Some(last)) = (days().min(), days().max()) else { continue };
            let home = person.home_on(last);
            let gender = if person.female { "8532" } else { "8507" };
            let (y, m, d) = civil(person.birth);
            let source =
                format!("{}-{}", world.hospitals[site as usize - 1].code, registration.number);
            let (known, birth) = if person.birth_known {
                (true, format!("{} 00:00:00", day(person.birth)))
            } else {
                (false, String::new())
            };
            sheet
                .file("person.csv")
                .row(',')
                .all(&[&id, gender, &y.to_string()])
                .s(&if known { m.to_string() } else { String::new() })
                .s(&if known { d.to_string() } else { String::new() })
                .all(&[&birth, "38003585", "0", &id, ""])
                .n(site)
                .all(&[&source, person.sex(), "0", "", "0", "", "0"])
                .end_lf();
            sheet
                .file("location.csv")
                .row(',')
                .all(&[
                    &id,
                    &home.address,
                    "",
                    "",
                    "",
                    home.postal,
                    "",
                    home.postal,
                    "4195856",
                    "JPN",
                    "",
                    "",
                ])
                .end_lf();
            sheet
                .file("observation_period.csv")
                .row(',')
                .all(&[&id, &id, &day(first), &day(last), EHR])
                .end_lf();
            let mut before = String::new();
            for stay in &stays {
                let provider = (site * 100 + u64::from(stay.doctor)).to_string();
                sheet
                    .file("visit_occurrence.csv")
                    .row(',')
                    .n(stay.number)
                    .all(&[
                        &id,
                        "9201",
                        &day(stay.admitted),
                        "",
                        &day(stay.left),
                        "",
                        EHR,
                        &provider,
                    ])
                    .n(site)
                    .w(stay.number, 8)
                    .all(&["0", "0", stay.route, "0", stay.place, &before])
                    .end_lf();
                before = stay.number.to_string();
                let mut at = At {
                    person: id.clone(),
                    visit: stay.number,
                    provider,
                    number: person.number,
                    sheet,
                };
                for (n, d) in
                    std::iter::once(&stay.main).chain(&stay.others).chain(&stay.later).enumerate()
                {
                    at.condition(n as u64, d, stay.admitted, stay.left);
                }
                at.measurements(&stay.results);
                at.drugs(&stay.doses);
                if let Some(note) = &stay.note {
                    at.note(note, stay.admitted);
                }
                let provider = at.provider;
                during(stay, &id, &provider, sheet);
            }
            for seen in &visits {
                visit(seen, person, &id, site, sheet);
            }
        }
    }
}

/// Operations, smoking and death of a stay.
fn during(stay: &Stay, id: &str, provider: &str, sheet: &mut Sheet) {
    for (n, (on, operation)) in stay.operations.iter().enumerate() {
        sheet
            .file("procedure_occurrence.csv")
            .row(',')
            .n(stay.number * 1000 + n as u64)
            .all(&[id, "0", &day(*on), "", &day(*on), "", EHR, "0", "1", provider])
            .n(stay.number)
            .all(&["", operation.k, "0", ""])
            .end_lf();
    }
    sheet
        .file("observation.csv")
        .row(',')
        .n(stay.number)
        .all(&[id, "4275495", &day(stay.admitted), "", EHR])
        .all(&[&if stay.smoking == 9999 { String::new() } else { stay.smoking.to_string() }])
        .all(&["", "0", "0", "0", provider])
        .n(stay.number)
        .all(&["", "喫煙指数", "0", "", ""])
        .s(&stay.smoking.to_string())
        .e(2)
        .end_lf();
    if stay.outcome == "6" {
        sheet
            .file("death.csv")
            .row(',')
            .all(&[id, &day(stay.left), "", EHR, "0", stay.main.icd, "0"])
            .end_lf();
    }
}

/// The rows of an outpatient visit.
fn visit(visit: &Visit, person: &Person, id: &str, site: u64, sheet: &mut Sheet) {
    let provider = (site * 100 + u64::from(visit.doctor)).to_string();
    sheet
        .file("visit_occurrence.csv")
        .row(',')
        .n(visit.number)
        .all(&[id, "9202", &day(visit.day), "", &day(visit.day), "", EHR, &provider])
        .n(site)
        .w(visit.number, 8)
        .all(&["0", "0", "", "0", "", ""])
        .end_lf();
    let mut at =
        At { person: id.to_owned(), visit: visit.number, provider, number: person.number, sheet };
    at.condition(0, &visit.diagnosis, visit.day, visit.day);
    at.measurements(&visit.results);
    at.drugs(&visit.doses);
    if let Some(note) = &visit.note {
        at.note(note, visit.day);
    }
}
