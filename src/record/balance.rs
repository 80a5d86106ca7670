//! Accounting of rows and persons: what came in must be what went out and what was left behind, counted separately.
//! A run whose accounts do not balance is not signed and not published.

use super::statement::{Persons, Statement, TableTold};
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
pub fn check(statement: &Statement) -> Result<()> {
    let mut errors = Vec::new();
    if statement.tables.is_empty() {
        errors.push(wrong(say!("the record has no account of rows")));
    }
    for table in &statement.tables {
        let name = Name::from_policy(table.table.clone());
        for kind in Kind::BOTH {
            if !rows_balance(table, kind) {
                errors.push(wrong(say!(
                    "table `{}`, {} release: the rows of the record do not balance",
                    name,
                    kind
                )));
            }
            let release = &table.releases[kind];
            let released = Some(statement.persons.released[kind]);
            if release.persons > release.rows_out || release.persons > released {
                errors.push(wrong(say!(
                    "table `{}`, {} release: more persons than rows, or than the release has",
                    name,
                    kind
                )));
            }
        }
    }
    for kind in Kind::BOTH {
        if !persons_balance(&statement.persons, kind) {
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

/// The sum, unless it is larger than a number can be.
pub(super) fn sum(parts: impl IntoIterator<Item = u64>) -> Option<u64> {
    parts.into_iter().try_fold(0_u64, u64::checked_add)
}

fn rows_balance(table: &TableTold, kind: Kind) -> bool {
    let release = &table.releases[kind];
    let aside = table.set_aside.values().copied();
    let Some(gone) = sum(aside.chain([release.excluded, release.removed])) else { return false };
    match (release.rows_out, release.left_out) {
        (Some(out), false) => gone.checked_add(out) == Some(table.rows_in),
        (None, true) => gone <= table.rows_in,
        _ => false,
    }
}

fn persons_balance(persons: &Persons, kind: Kind) -> bool {
    let parts = [persons.excluded[kind], persons.without_rows[kind], persons.released[kind]];
    sum(parts) == Some(persons.read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const EXAMPLE: &str = include_str!("../../tests/fixtures/record-1/r1/record/statement.json");

    /// The accounts of a statement.
    fn good() -> Value {
        let release = |excluded: u64, removed: u64, out: u64| json!({ "excluded": excluded, "removed": removed, "rowsOut": out, "persons": out.min(5), "leftOut": false });
        json!({
            "tables": [
                { "table": "stays", "rowsIn": 100, "setAside": { "type": 3, "key": 2 },
                  "releases": { "pseudonymized": release(1, 0, 94), "anonymized": release(5, 10, 80) } },
                { "table": "notes", "rowsIn": 10, "setAside": {},
                  "releases": { "pseudonymized": release(0, 0, 10),
                    "anonymized": { "excluded": 1, "removed": 2, "rowsOut": null, "persons": null, "leftOut": true } } },
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

    /// A statement with these accounts; none if one of them is no account at all.
    fn with(accounts: &Value) -> Option<Statement> {
        let mut whole: Value = serde_json::from_str(EXAMPLE).unwrap();
        whole["schema"] = json!("kakou-statement-2");
        let commitment = json!({ "digest": "", "nonce": "" });
        for (part, value) in accounts.as_object().unwrap() {
            whole[part] = value.clone();
        }
        whole["persons"]["inSeveralSpellings"] = json!(0);
        for table in whole["tables"].as_array_mut().unwrap() {
            for kind in Kind::BOTH {
                let release = table["releases"][kind.word()].as_object_mut().unwrap();
                release.insert("columns".to_owned(), json!([]));
            }
        }
        for list in whole["exclusionLists"].as_array_mut().unwrap() {
            list["for"] = json!(["anonymized"]);
            list["commitment"] = commitment.clone();
        }
        for (part, value) in [
            ("files", json!([commitment])),
            ("noticeDays", json!(30)),
            ("rows", json!(1)),
            ("named", json!(1)),
            ("matched", json!(1)),
            ("matchedNobody", json!(0)),
            ("spelledOtherwise", json!(0)),
            ("unusableLines", json!(0)),
            ("articles", json!([])),
        ] {
            whole["eligibility"][part] = value;
        }
        serde_json::from_value(whole).ok()
    }

    fn refuses(accounts: &Value) -> bool {
        with(accounts).is_none_or(|s| check(&s).is_err_and(|e| e.code == "C0811"))
    }

    #[test]
    fn accounts_that_balance() {
        check(&with(&good()).unwrap()).unwrap();
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
                assert!(refuses(&changed), "{path} {step}");
            }
        }
        for (path, value) in [
            ("/tables/0/releases/anonymized/persons", json!(16)),
            ("/tables/1/releases/anonymized/removed", json!(11)),
            ("/tables/1/releases/anonymized/rowsOut", json!(7)),
            ("/tables/0/releases/anonymized/leftOut", json!(true)),
            ("/tables", json!([])),
            ("/persons/withoutRows", Value::Null),
            ("/tables/0/setAside/type", json!(u64::MAX)),
        ] {
            let mut changed = good();
            *changed.pointer_mut(path).unwrap() = value;
            assert!(refuses(&changed), "{path}");
        }
    }
}
