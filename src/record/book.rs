//! The recipient's data dictionary: columns, meaning, type, unit, how missing looks. No parameter of the processing:
//! recipients must not obtain the method (法30条).

use serde_json::{Value, json};

use crate::plan::{Plan, shape};
use crate::schema::Kind;

/// The data dictionary of a release as JSON.
#[must_use]
pub fn dictionary(plan: &Plan, kind: Kind) -> Value {
    let files = shape::files(plan, kind);
    let tables: Vec<Value> = plan
        .tables
        .iter()
        .enumerate()
        .filter_map(|(t, table)| {
            let released = shape::released(table, kind, &plan.output);
            let file = files.iter().find(|f| f.tables.contains(&t))?;
            let columns: Vec<Value> = released
                .iter()
                .map(|r| {
                    let column = &table.columns[r.column];
                    let shows = column.treatment(kind).treatment.shows();
                    let token = shows.token();
                    json!({
                        "name": table.name_in(kind, r.column),
                        "label": column.alias,
                        "meaning": column.meaning,
                        "unit": column.unit,
                        "type": crate::proof::structure::type_word(r.out),
                        "content": if token { "token" } else if shows.kept() { "as collected" } else { "processed" },
                        // The special values are codes of the source system; they pass through untouched.
                        "specialValues": if token { json!([]) } else { json!(column.facts.specials) },
                    })
                })
                .collect();
            let name = file.relative.rsplit('/').next();
            let mut told = json!({ "table": table.name, "file": name, "columns": columns });
            if let (Some(_), Some(part)) = (file.long, &table.part) {
                let dialect = file.dialect(plan);
                let rows: serde_json::Map<String, Value> = part
                    .matching
                    .iter()
                    .map(|(c, v)| (table.columns[*c].facts.column.as_str().to_owned(), json!(v)))
                    .collect();
                // Several tables are in the file: which rows are this one's, and what stands in a row.
                told["rows"] = json!(rows);
                told["fileColumns"] =
                    file.columns.iter().map(|&c| json!(table.columns[c].facts.column)).collect();
                told["separator"] = json!(char::from(dialect.delimiter));
                told["header"] = json!(dialect.header);
                told["encoding"] = json!(file.encoding(plan));
            }
            Some(told)
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
        // What separates the cells of a file tells nothing of a technique.
        let body = source.split("#[cfg(test)]").next().unwrap().replace("delimiter", "");
        for word in ["describe(", "frozen", "limit", "weeks", "key_id"] {
            assert!(!body.contains(word), "{word}");
        }
    }
}
