//! Words of HL7 FHIR R4 (4.0.1, hl7.org/fhir/R4) and of the JP-CLINS profiles that writing resources needs: which elements repeat, which are
//! asked for, and what a value of an element looks like.

use super::json::{JsonKind, Tree};
use crate::token;

/// The code system of the security labels (hl7.org/fhir/R4/v3/ObservationValue).
pub(super) const LABELS: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationValue";
/// The label of a pseudonymized resource.
pub(super) const PSEUDONYMIZED: &str = "PSEUDED";
/// The label of an anonymized resource.
pub(super) const ANONYMIZED: &str = "ANONYED";
/// What every resource bears: the label. When it was changed is asked for by JP-CLINS and tells when it was written.
pub(super) const META: &str = r#"{"_lastUpdated":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"masked"}]},"security":[{"system":"http://terminology.hl7.org/CodeSystem/v3-ObservationValue","code":"PSEUDED"}]}"#;
/// The extension that says why there is no value.
pub(super) const ABSENT: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
/// The code system of such reasons.
pub(super) const ABSENT_CODES: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";
/// The system of identifiers that are URIs.
pub(super) const URI: &str = "urn:ietf:rfc:3986";
/// Where codes of sections may be from: others may name a hospital.
pub(super) const SECTIONS: [&str; 2] = ["http://jpfhir.jp/fhir/", "http://loinc.org"];

fn reason(code: &str) -> String {
    format!(r#"{{"extension":[{{"url":"{ABSENT}","valueCode":"{code}"}}]}}"#)
}

/// A value that the release leaves out.
pub(super) fn masked() -> String {
    reason("masked")
}

/// A value that the source does not have.
pub(super) fn unknown() -> String {
    reason("unknown")
}

/// The URN of a resource of a release: its token is the UUID's bits.
pub(super) fn urn(id: &str) -> String {
    let Some(bits) = token::written_token(id) else { return format!("urn:uuid:{id}") };
    let hex: String = bits.iter().map(|b| format!("{b:02x}")).collect();
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}

/// A text as JSON.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether a text is a number of JSON, as it stands.
pub(super) fn is_number(text: &str) -> bool {
    text.starts_with(|c: char| c == '-' || c.is_ascii_digit())
        && serde_json::from_str::<serde_json::Number>(text).is_ok()
}

/// Whether a text is a date of FHIR, partial or with a time and a zone.
fn is_date(text: &str) -> bool {
    let (day, time) = text.split_once('T').map_or((text, None), |(d, t)| (d, Some(t)));
    let digits = |text: &str, n: usize| text.len() == n && text.bytes().all(|b| b.is_ascii_digit());
    let mut parts = day.split('-');
    let whole = [(4, true), (2, false), (2, false)];
    let days = whole.iter().all(|&(n, needed)| match parts.next() {
        Some(part) => digits(part, n),
        None => !needed,
    }) && parts.next().is_none();
    let Some(time) = time else { return days };
    let zone = time.find(['Z', '+', '-']);
    let Some((clock, zone)) = zone.map(|at| time.split_at(at)) else { return false };
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let clocks = clock.split(':').filter(|p| digits(p, 2)).count() == 3 && clock.len() == 8;
    let zones = zone == "Z" || zone.len() == 6 && digits(&zone[1..3], 2) && digits(&zone[4..], 2);
    days && day.len() == 10 && clocks && zones && fraction.bytes().all(|b| b.is_ascii_digit())
}

/// Codes of data-absent-reason.
const REASONS: [&str; 15] = [
    "unknown",
    "asked-unknown",
    "temp-unknown",
    "not-asked",
    "asked-declined",
    "masked",
    "not-applicable",
    "unsupported",
    "as-text",
    "error",
    "not-a-number",
    "negative-infinity",
    "positive-infinity",
    "not-performed",
    "not-permitted",
];

/// A cell as the value of an element, in JSON; `None` if it is none.
pub(super) fn leaf(parent: &str, name: &str, cell: &str) -> Option<String> {
    let flag = name.ends_with("Boolean") || matches!(name, "active" | "primarySource");
    let number = match name {
        "value" => {
            !matches!(parent, "identifier" | "telecom" | "groupIdentifier" | "valueIdentifier")
        }
        "frequency" | "frequencyMax" | "period" | "periodMax" | "count" | "countMax" | "rank" => {
            true
        }
        name => {
            name.ends_with("Integer")
                || name.ends_with("PositiveInt")
                || name.ends_with("UnsignedInt")
        }
    };
    let date = name.ends_with("DateTime")
        || name.ends_with("Date")
        || name.ends_with("Instant")
        || matches!(
            name,
            "start" | "end" | "issued" | "authoredOn" | "date" | "timestamp" | "recorded"
        );
    match cell {
        "true" | "1" if flag => Some("true".to_owned()),
        "false" | "0" if flag => Some("false".to_owned()),
        _ if flag => None,
        _ if number => is_number(cell).then(|| cell.to_owned()),
        _ if date => is_date(cell).then(|| quoted(cell)),
        _ if parent == "coding" && name == "code" && cell.trim() != cell => None,
        "" => None,
        _ => Some(quoted(cell)),
    }
}

/// Whether a word is a reason for the absence of a value.
pub(super) fn is_reason(text: &str) -> bool {
    REASONS.contains(&text)
}

/// Elements of types (HumanName, Address, CodeableConcept, ...) that repeat wherever they stand.
const ANYWHERE: [&str; 7] = ["coding", "given", "prefix", "suffix", "line", "extension", "telecom"];

/// Whether an element of a resource repeats, where its path does not say so itself.
pub(super) fn repeats(kind: &str, path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    if ANYWHERE.contains(&name) {
        return true;
    }
    let of: &[&str] = match kind {
        "Patient" => &["identifier", "name", "address", "contact", "communication", "link"],
        "Encounter" => {
            &["identifier", "type", "participant", "reasonCode", "diagnosis", "location"]
        }
        "Condition" => &["identifier", "category", "bodySite", "stage", "evidence"],
        "Observation" => &[
            "identifier",
            "category",
            "interpretation",
            "referenceRange",
            "component",
            "component.interpretation",
            "component.referenceRange",
            "performer",
        ],
        "MedicationRequest" | "MedicationStatement" => &[
            "identifier",
            "dosageInstruction",
            "dosageInstruction.doseAndRate",
            "dosageInstruction.timing.event",
            "reasonCode",
        ],
        "AllergyIntolerance" => &["identifier", "category", "reaction", "reaction.manifestation"],
        "Immunization" => &["identifier", "protocolApplied", "performer", "reasonCode"],
        "Coverage" => &["identifier", "payor", "class"],
        "Composition" => &["category", "author", "event", "event.code", "section"],
        "DiagnosticReport" => &["identifier", "category", "conclusionCode", "result"],
        _ => &["identifier", "performer", "reasonCode", "bodySite"],
    };
    of.contains(&path)
        || kind == "MedicationRequest" && path == "category"
        || matches!(kind, "ServiceRequest" | "CarePlan" | "DocumentReference") && path == "category"
}

/// An element that is asked for.
pub(super) struct Need {
    /// How its members begin (`medication` for `medicationCodeableConcept`).
    pub(super) prefix: &'static str,
    /// The member that says why it is missing.
    pub(super) name: &'static str,
    /// Whether it is a list.
    pub(super) repeats: bool,
    /// Whether FHIR asks for it, not a profile.
    pub(super) base: bool,
}

/// What a resource, or an element of one, must have.
pub(super) fn needs(kind: &str) -> Vec<Need> {
    let base: &[(&str, &str)] = match kind {
        "Encounter" => &[("status", "_status"), ("class", "class")],
        "Condition" => &[("subject", "subject")],
        "Observation" => &[("status", "_status"), ("code", "code")],
        "Observation.component" => &[("code", "code")],
        "MedicationRequest" => &[
            ("status", "_status"),
            ("intent", "_intent"),
            ("medication", "medicationCodeableConcept"),
            ("subject", "subject"),
        ],
        "MedicationAdministration" => &[
            ("status", "_status"),
            ("medication", "medicationCodeableConcept"),
            ("subject", "subject"),
            ("effective", "_effectiveDateTime"),
        ],
        "Procedure" => &[("status", "_status"), ("subject", "subject")],
        "AllergyIntolerance" => &[("patient", "patient")],
        "DiagnosticReport" => &[("status", "_status"), ("code", "code")],
        "Immunization" => &[
            ("status", "_status"),
            ("vaccineCode", "vaccineCode"),
            ("patient", "patient"),
            ("occurrence", "_occurrenceDateTime"),
        ],
        "ServiceRequest" => &[("status", "_status"), ("intent", "_intent"), ("subject", "subject")],
        "Coverage" => {
            &[("status", "_status"), ("beneficiary", "beneficiary"), ("payor", "payor[]")]
        }
        "Composition" => &[
            ("status", "_status"),
            ("type", "type"),
            ("subject", "subject"),
            ("date", "_date"),
            ("author", "author[]"),
            ("title", "_title"),
        ],
        "CarePlan" => &[("status", "_status"), ("intent", "_intent"), ("subject", "subject")],
        _ => &[],
    };
    // JP-CLINS (JP_*_eCS): 1..1 and 1..* beyond FHIR's own.
    let profile: &[(&str, &str)] = match kind {
        "Patient" => &[
            ("identifier", "identifier[]"),
            ("name", "name[]"),
            ("gender", "_gender"),
            ("birthDate", "_birthDate"),
        ],
        "Condition" | "AllergyIntolerance" => &[("identifier", "identifier[]"), ("code", "code")],
        "Observation" => &[("identifier", "identifier[]"), ("category", "category[]")],
        "MedicationRequest" => &[("identifier", "identifier[]"), ("authoredOn", "_authoredOn")],
        _ => &[],
    };
    let need = |base| {
        move |&(prefix, name): &(&'static str, &'static str)| {
            let (name, repeats) = name.strip_suffix("[]").map_or((name, false), |n| (n, true));
            Need { prefix, name, repeats, base }
        }
    };
    base.iter().map(need(true)).chain(profile.iter().map(need(false))).collect()
}

/// What an element that repeats must have in each repetition, if it is there at all: the element, its member (a list).
pub(super) fn needs_inside(kind: &str) -> &'static [(&'static str, &'static str)] {
    match kind {
        "AllergyIntolerance" => &[("reaction", "manifestation")],
        _ => &[],
    }
}

/// The code system of an element to which FHIR binds one alone (required bindings).
pub(super) fn only_system(kind: &str, element: &str) -> Option<&'static str> {
    Some(match (kind, element) {
        ("Condition", "clinicalStatus") => {
            "http://terminology.hl7.org/CodeSystem/condition-clinical"
        }
        ("Condition", "verificationStatus") => {
            "http://terminology.hl7.org/CodeSystem/condition-ver-status"
        }
        ("AllergyIntolerance", "clinicalStatus") => {
            "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical"
        }
        ("AllergyIntolerance", "verificationStatus") => {
            "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
        }
        (_, "dataAbsentReason") => ABSENT_CODES,
        _ => return None,
    })
}

/// Whether a value that no column has may stand in a resource of a release: it is one of the words that all of them have.
pub(super) fn is_constant(path: &str, text: &str) -> bool {
    let (kind, path) = path.split_once('.').unwrap_or((path, ""));
    let end = |name: &str| path == name || path.ends_with(&format!(".{name}"));
    match path {
        "meta.security.system" => text == LABELS,
        "meta.security.code" => text == PSEUDONYMIZED || text == ANONYMIZED,
        "section.code.coding.system" => SECTIONS.iter().any(|s| text.starts_with(s)),
        "section.code.coding.code" => is_section(text),
        "section.entry.reference" => text.starts_with("urn:uuid:"),
        _ if end("extension.url") => text == ABSENT,
        _ if end("extension.valueCode") => text == "masked" || text == "unknown",
        _ if end("coding.system") => {
            let element = path.rsplit('.').nth(2).unwrap_or_default();
            only_system(kind, element).is_some_and(|system| text == system)
        }
        _ => false,
    }
}

/// Whether a code of a section is one of a code system, not a text of somebody's own.
pub(super) fn is_section(code: &str) -> bool {
    code.len() <= 16 && !code.is_empty() && code.bytes().all(|b| b.is_ascii_digit() || b == b'-')
}

/// Whether all values below a place are such words.
pub(super) fn only_constants<'a>(tree: &Tree<'a>, at: u32, steps: &mut Vec<&'a str>) -> bool {
    match tree.kind(at) {
        JsonKind::Null => true,
        JsonKind::Text(_) | JsonKind::Plain(_) => {
            tree.text(at).is_some_and(|t| is_constant(&steps.join("."), &t))
        }
        JsonKind::Object | JsonKind::Array => tree.children(at).all(|c| {
            let name = tree.name(c);
            if name.is_empty() {
                return only_constants(tree, c, steps);
            }
            steps.push(name);
            let only = only_constants(tree, c, steps);
            steps.pop();
            only
        }),
    }
}
