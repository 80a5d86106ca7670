//! Accounting of rows and persons: what came in must be what went out and what was left behind, counted separately.
//! A run whose accounts do not balance is not signed and not published.

use serde_json::Value;

use crate::error::{Error, Name, Result, Said};
use crate::say;
use crate::schema::Kind;

fn wrong(what: Said) -> Error {
    Error::refused("C0811", what)
        .advice(say!("the record would be false; please report this with the record's counts"))
}

/// Whether the accounts of a statement balance: for every table and release
/// `rows in = set aside + excluded + removed + written` (a table that a release leaves out has no written rows and may
/// have any remainder), and `persons read = excluded + without any row left + released`.
///
/// # Errors
/// Every account that does not balance, each named.
pub fn check(statement: &Value) -> Result<()> {
    let mut errors = Vec::new();
    let tables = statement["tables"].as_array().map_or(&[][..], Vec::as_slice);
    if tables.is_empty() {
        errors.push(wrong(say!("the record has no account of rows")));
    }
    for table in tables {
        let name = Name::from_policy(table["table"].as_str().unwrap_or_default());
        for kind in Kind::BOTH {
            if !rows_balance(table, kind) {
                errors.push(wrong(say!(
                    "table `{}`, {} release: the rows of the record do not balance",
                    name,
                    kind
                )));
            }
            let release = &table["releases"][kind.word()];
            let (rows, persons) = (release["rowsOut"].as_u64(), release["persons"].as_u64());
            let released = statement["persons"]["released"][kind.word()].as_u64();
            if persons > rows || (persons.is_some() && persons > released) {
                errors.push(wrong(say!(
                    "table `{}`, {} release: more persons than rows, or than the release has",
                    name,
                    kind
                )));
            }
        }
    }
    for kind in Kind::BOTH {
        if !persons_balance(&statement["persons"], kind) {
            errors.push(wrong(say!("{} release: the persons of the record do not balance", kind)));
        }
    }
    if !super::objections::balance(statement) {
        errors.push(wrong(say!(
            "the exclusion lists or the eligibility file of the record do not balance"
        )));
    }
    Error::all(errors).map_or(Ok(()), Err)
}

fn rows_balance(table: &Value, kind: Kind) -> bool {
    let release = &table["releases"][kind.word()];
    let mut sum = 0_u64;
    let aside = table["setAside"].as_object().into_iter().flat_map(|o| o.values());
    for part in aside.chain([&release["excluded"], &release["removed"]]) {
        match part.as_u64().and_then(|n| sum.checked_add(n)) {
            Some(next) => sum = next,
            None => return false,
        }
    }
    match (table["rowsIn"].as_u64(), release["rowsOut"].as_u64(), release["left out"].as_bool()) {
        (Some(rows), Some(out), Some(false)) => sum.checked_add(out) == Some(rows),
        (Some(rows), None, Some(true)) => release["rowsOut"].is_null() && sum <= rows,
        _ => false,
    }
}

fn persons_balance(persons: &Value, kind: Kind) -> bool {
    let part = |name: &str| persons[name][kind.word()].as_u64();
    let parts = [part("excluded"), part("withoutRows"), part("released")];
    let sum = parts.iter().try_fold(0_u64, |sum, part| part.and_then(|n| sum.checked_add(n)));
    sum.is_some() && sum == persons["read"].as_u64()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn good() -> Value {
        let release = |excluded: u64, removed: u64, out: u64| json!({ "excluded": excluded, "removed": removed, "rowsOut": out, "persons": out.min(5), "left out": false });
        json!({
            "tables": [
                { "table": "stays", "rowsIn": 100, "setAside": { "type": 3, "key": 2 },
                  "releases": { "pseudonymized": release(1, 0, 94), "anonymized": release(5, 10, 80) } },
                { "table": "notes", "rowsIn": 10, "setAside": {},
                  "releases": { "pseudonymized": release(0, 0, 10),
                    "anonymized": { "excluded": 1, "removed": 2, "rowsOut": null, "persons": null, "left out": true } } },
            ],
            "persons": { "read": 20, "excluded": { "pseudonymized": 1, "anonymized": 2 },
                "withoutRows": { "pseudonymized": 0, "anonymized": 3 }, "released": { "pseudonymized": 19, "anonymized": 15 } },
            "exclusionLists": [{ "listed": 4, "matched": 1, "matchedNobody": 3 }],
            "eligibility": { "persons": {
                "pseudonymized": { "eligible": 19, "onList": 1, "stopped": 0, "notInFile": 0, "notNotified": 0, "noticeTooRecent": 0 },
                "anonymized": { "eligible": 18, "onList": 1, "stopped": 1, "notInFile": 0, "notNotified": 0, "noticeTooRecent": 0 },
            } },
        })
    }

    #[test]
    fn accounts_that_balance() {
        check(&good()).unwrap();
    }

    /// Every single number of the accounts, moved by one in either direction, is found.
    #[test]
    fn one_row_or_person_more_or_less_is_found() {
        fn paths(value: &Value, at: &str, found: &mut Vec<String>) {
            match value {
                Value::Object(map) => {
                    map.iter().for_each(|(k, v)| paths(v, &format!("{at}/{k}"), found));
                }
                Value::Array(list) => {
                    list.iter()
                        .enumerate()
                        .for_each(|(k, v)| paths(v, &format!("{at}/{k}"), found));
                }
                Value::Number(_) => found.push(at.to_owned()),
                _ => {}
            }
        }
        let mut found = Vec::new();
        paths(&good(), "", &mut found);
        assert_eq!(found.len(), 40);
        // How many persons a table has, and the counts of a table left out, are bounded but not fixed by others.
        let open = |p: &str| p.ends_with("/persons") || p.contains("tables/1/releases/anonymized");
        for path in found.iter().filter(|p| !open(p)) {
            for step in [-1_i64, 1] {
                let mut changed = good();
                let slot = changed.pointer_mut(path).unwrap();
                let number = slot.as_i64().unwrap() + step;
                *slot = json!(number);
                assert_eq!(check(&changed).unwrap_err().code, "C0811", "{path} {step}");
            }
        }
        for (path, value) in [
            ("/tables/0/releases/anonymized/persons", json!(16)),
            ("/tables/1/releases/anonymized/removed", json!(11)),
            ("/tables/1/releases/anonymized/rowsOut", json!(7)),
            ("/tables/0/releases/anonymized/left out", json!(true)),
            ("/tables", json!([])),
            ("/persons/withoutRows", Value::Null),
            ("/tables/0/setAside/type", json!(u64::MAX)),
        ] {
            let mut changed = good();
            *changed.pointer_mut(path).unwrap() = value;
            assert_eq!(check(&changed).unwrap_err().code, "C0811", "{path}");
        }
    }
}
