//! The recipient's data dictionary: columns, meaning, type, unit, how missing looks. No parameter of the processing:
//! recipients must not obtain the method (法30条).

use serde_json::{Value, json};

use crate::engine::emit;
use crate::plan::Plan;
use crate::schema::Kind;

/// The data dictionary of a release as JSON.
#[must_use]
pub fn dictionary(plan: &Plan, kind: Kind) -> Value {
    let tables: Vec<Value> = plan
        .tables
        .iter()
        .filter_map(|table| {
            let released = emit::released(table, kind, &plan.output);
            if released.is_empty() {
                return None;
            }
            let columns: Vec<Value> = released
                .iter()
                .map(|r| {
                    let column = &table.columns[r.column];
                    let doc = column.treatment(kind).treatment.doc();
                    let token = matches!(doc.name, "pseudonym" | "surrogate");
                    json!({
                        "name": column.facts.column,
                        "meaning": column.meaning,
                        "unit": column.unit,
                        "type": crate::check::structure::type_word(r.out),
                        "content": if token { "token" } else if doc.name == "keep" { "as collected" } else { "processed" },
                        // The special values are codes of the source system; they pass through untouched.
                        "specialValues": if token { json!([]) } else { json!(column.facts.specials) },
                    })
                })
                .collect();
            Some(json!({
                "table": table.name,
                "file": format!("{}.{}", table.name, emit::extension(plan.output.format)),
                "columns": columns,
            }))
        })
        .collect();
    json!({
        "release": kind.word(),
        "kind": kind.ja(),
        "missing": "an empty cell (CSV) or null (Parquet); a suppressed cell looks the same",
        "tokens": "26 characters (Crockford base32); equal tokens of one column domain stand for the same person, stay or code within this release only",
        "tables": tables,
    })
}

#[cfg(test)]
mod tests {
    /// No parameter of any technique is a key of the dictionary.
    #[test]
    fn the_dictionary_has_no_field_for_parameters() {
        let source = include_str!("book.rs");
        let body = source.split("#[cfg(test)]").next().unwrap();
        for word in ["describe(", "frozen", "limit", "weeks", "key_id"] {
            assert!(!body.contains(word), "{word}");
        }
    }
}
