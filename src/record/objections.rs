//! What the record says of exclusion lists and of the eligibility file: how many they name, whom they match, who is left out and
//! why. Counts and numbers of lines; never what stands in a line.

use serde_json::{Value, json};

use crate::digest;
use crate::engine::Made;
use crate::engine::exclude::{Lists, Why};
use crate::engine::roll;
use crate::error::{Result, Said, small};
use crate::keys::Commitment;
use crate::say;
use crate::schema::Kind;
use crate::text::date;

/// Lines that stand in the record one by one.
const LINES: usize = 100;

fn commitment(bytes: &[u8]) -> Result<Value> {
    // A plain hash of a short list could be found by trying; the commitment hides it.
    let commitment = Commitment::to(bytes)?;
    Ok(json!({ "digest": commitment.digest_hex(), "nonce": commitment.nonce_hex() }))
}

/// The exclusion lists of a run.
///
/// # Errors
/// If the system gives no random numbers for the commitments.
pub fn lists(lists: &Lists) -> Result<Vec<Value>> {
    lists
        .lists
        .iter()
        .map(|list| {
            let unmatched = list.roll.unmatched();
            let spelled: usize = list.roll.spelled().iter().map(|(_, lines)| lines.len()).sum();
            Ok(json!({
                "for": list.kinds.iter().map(|k| k.word()).collect::<Vec<_>>(),
                "listed": list.roll.len(),
                "matched": list.roll.matched(),
                "matchedNobody": unmatched.len(),
                "unmatchedLines": unmatched.iter().take(LINES).collect::<Vec<_>>(),
                "spelledOtherwise": spelled,
                "headerLines": list.header_lines(),
                "unusableLines": list.unusable.len(),
                "unmatchedAllowed": lists.allow_unmatched,
                "commitment": commitment(&list.bytes)?,
            }))
        })
        .collect()
}

/// Persons by reason, for a kind of release.
fn reasons(made: &Made, kind: Kind) -> Value {
    let why = &made.intake.why[kind as usize];
    let mut told = serde_json::Map::new();
    let excluded: u64 = why.iter().sum();
    told.insert("eligible".to_owned(), json!(made.intake.persons.saturating_sub(excluded)));
    for reason in Why::ALL {
        told.insert(reason.word().to_owned(), json!(why[reason as usize]));
    }
    Value::Object(told)
}

fn by_kind(made: &Made) -> Value {
    let told = Kind::BOTH.iter().map(|&kind| (kind.word().to_owned(), reasons(made, kind)));
    Value::Object(told.collect())
}

/// The eligibility file of a run; null without one.
///
/// # Errors
/// If the system gives no random numbers for the commitments.
pub fn eligibility(lists: &Lists, made: &Made) -> Result<Value> {
    let Some(file) = &lists.eligibility else { return Ok(Value::Null) };
    let unmatched = file.roll.unmatched();
    let spelled: usize = file.roll.spelled().iter().map(|(_, lines)| lines.len()).sum();
    Ok(json!({
        "files": file.files.iter().map(|bytes| commitment(bytes)).collect::<Result<Vec<_>>>()?,
        "asOf": date::date_of(file.as_of).map(|d| d.format("%Y-%m-%d").to_string()),
        "noticeDays": file.notice_days,
        "rows": file.rows,
        "named": file.roll.len(),
        "matched": file.roll.matched(),
        "matchedNobody": unmatched.len(),
        "spelledOtherwise": spelled,
        "unusableLines": file.unusable,
        "articles": ["法52条", "法56条", "法57条"],
        "persons": by_kind(made),
    }))
}

/// What a terminal says of the lists and of the eligibility file of a statement.
#[must_use]
pub fn told(statement: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    let count = |value: &Value, field: &str| value[field].as_u64().unwrap_or_default();
    for (at, list) in statement["exclusionLists"].as_array().into_iter().flatten().enumerate() {
        let kinds: Vec<&str> =
            list["for"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let mut line = format!("exclusion list {} ({}): ", at + 1, kinds.join(", "));
        let listed = count(list, "listed");
        if listed == 0 {
            line.push_str("names nobody: nobody is excluded by it");
        } else {
            line.push_str(&format!("{listed} named, {} matched", small(count(list, "matched"))));
        }
        let unmatched = count(list, "matchedNobody");
        if unmatched > 0 {
            let numbers: Vec<u64> = list["unmatchedLines"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_u64)
                .collect();
            let verb = if unmatched == 1 { "matches" } else { "match" };
            line.push_str(&format!(", {unmatched} {verb} NOBODY ({})", roll::lines(&numbers)));
        }
        for (field, word) in [
            ("spelledOtherwise", "spelled otherwise than in the input"),
            ("headerLines", "header"),
            ("unusableLines", "no identifier"),
        ] {
            let lines = count(list, field);
            if lines > 0 {
                let noun = if lines == 1 { "line" } else { "lines" };
                line.push_str(&format!("; {lines} {noun}: {word}"));
            }
        }
        lines.push(line);
    }
    let file = &statement["eligibility"];
    if file.is_object() {
        lines.push(format!(
            "eligibility as of {}, {} days after the notification: {} named, {} matched, {} match nobody",
            file["asOf"].as_str().unwrap_or("-"),
            count(file, "noticeDays"),
            count(file, "named"),
            small(count(file, "matched")),
            count(file, "matchedNobody")
        ));
        for kind in Kind::BOTH {
            let persons = &file["persons"][kind.word()];
            let mut parts = vec![format!("{} eligible", small(count(persons, "eligible")))];
            for why in Why::ALL {
                let number = count(persons, why.word());
                if number > 0 {
                    parts.push(format!("{} {}", small(number), why.told()[1]));
                }
            }
            lines.push(format!("  {}: {}", kind.word(), parts.join(", ")));
        }
    }
    lines
}

/// Whether the accounts of a statement's lists and eligibility file balance.
#[must_use]
pub fn balance(statement: &Value) -> bool {
    let lists = statement["exclusionLists"].as_array().into_iter().flatten().all(|list| {
        let part = |name: &str| list[name].as_u64();
        let sum = part("matched").zip(part("matchedNobody")).and_then(|(a, b)| a.checked_add(b));
        sum.is_some() && sum == part("listed")
    });
    let file = &statement["eligibility"];
    let persons = &statement["persons"];
    lists
        && (file.is_null()
            || Kind::BOTH.iter().all(|kind| {
                let told = &file["persons"][kind.word()];
                let excluded = Why::ALL.iter().try_fold(0_u64, |sum, why| {
                    told[why.word()].as_u64().and_then(|n| sum.checked_add(n))
                });
                let read = excluded
                    .zip(told["eligible"].as_u64())
                    .and_then(|(excluded, eligible)| excluded.checked_add(eligible));
                excluded.is_some()
                    && excluded == persons["excluded"][kind.word()].as_u64()
                    && read == persons["read"].as_u64()
            }))
}

/// Whether a commitment of the record was made to these bytes.
fn opens(told: &Value, bytes: &[u8]) -> bool {
    let nonce = told["nonce"].as_str().and_then(digest::unhex);
    let digest = told["digest"].as_str().and_then(digest::unhex);
    nonce.zip(digest).is_some_and(|(n, d)| Commitment::recorded(n, d).opens_to(bytes))
}

/// What differs between the lists of a run and those of its replay.
#[must_use]
pub fn differences(statement: &Value, lists: &Lists, made: &Made) -> Vec<Said> {
    let mut found = Vec::new();
    for (at, list) in lists.lists.iter().enumerate() {
        let told = &statement["exclusionLists"][at];
        let kinds: Vec<&str> = list.kinds.iter().map(|k| k.word()).collect();
        if !opens(&told["commitment"], &list.bytes) || told["for"] != json!(kinds) {
            found.push(say!("exclusion list {} is not the one of the run", at + 1));
        } else if told["matched"] != list.roll.matched() {
            found.push(say!("exclusion list {} matches other persons than in the run", at + 1));
        }
    }
    if let Some(file) = &lists.eligibility {
        let told = &statement["eligibility"];
        for (at, bytes) in file.files.iter().enumerate() {
            if !opens(&told["files"][at], bytes) {
                found.push(say!("eligibility file {} is not the one of the run", at + 1));
            }
        }
        if told["persons"] != by_kind(made) {
            found.push(say!("other persons are eligible than in the run"));
        }
    }
    found
}
