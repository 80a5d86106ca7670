//! The dictionary as records for catalogues: a data package (Frictionless Data) and a dataset of HealthDCAT-AP (JSON-LD).

use serde_json::{Map, Value, json};

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A name as data packages want it: the letters of ASCII that the text has, or its number.
fn slug(text: &str, number: usize) -> String {
    let plain = text.to_ascii_lowercase();
    let fine =
        |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if !plain.is_empty() && plain.chars().all(fine) { plain } else { format!("table-{number}") }
}

/// The release as a data package: one resource a file, with the types that its columns have.
pub fn package(book: &Value) -> Value {
    let mut resources: Vec<Value> = Vec::new();
    for (number, table) in list(&book["tables"]).iter().enumerate() {
        // A table that is several files is their paths.
        let path = table.get("files").unwrap_or(&table["file"]);
        // Several tables are rows of one file: it is described once, by its columns.
        if resources.iter().any(|r| r["path"] == *path) {
            continue;
        }
        let long = table.get("fileColumns").is_some();
        let fields: Vec<Value> = if long {
            let names = list(&table["fileColumns"]).iter();
            names.map(|name| json!({ "name": name, "type": "string" })).collect()
        } else {
            list(&table["columns"]).iter().map(field).collect()
        };
        let mut schema = json!({ "fields": fields, "missingValues": [""] });
        let keys = foreign(book, table);
        if !long && !keys.is_empty() {
            schema["foreignKeys"] = json!(keys);
        }
        let mut resource = json!({
            "name": slug(table["table"].as_str().unwrap_or_default(), number + 1),
            "title": table["table"],
            "path": path,
            "format": format(book, table),
            "mediatype": kind_of_file(format(book, table)).1,
            "schema": schema,
        });
        if format(book, table) == "csv" {
            resource["profile"] = json!("tabular-data-resource");
            let encoding = if long { &table["encoding"] } else { &book["encoding"] };
            resource["encoding"] = match encoding.as_str() {
                Some("utf-8-bom") => json!("utf-8-sig"),
                Some("iso-2022-jp") => json!("iso2022_jp"),
                _ => encoding.clone(),
            };
            if long {
                let ends = if table["lineEnds"] == "crlf" { "\r\n" } else { "\n" };
                resource["dialect"] = json!({
                    "delimiter": table["separator"],
                    "header": table["header"],
                    "lineTerminator": ends,
                });
            }
        }
        resources.push(resource);
    }
    json!({
        "profile": "data-package",
        "name": format!("{}-{}", slug(book["policy"].as_str().unwrap_or_default(), 1), book["release"].as_str().unwrap_or_default()),
        "title": book["kind"],
        "description": format!("{}. {}", book["missing"].as_str().unwrap_or_default(), book["tokens"].as_str().unwrap_or_default()),
        "version": book["policyVersion"],
        "resources": resources,
    })
}

/// The format of the file of a table.
fn format<'a>(book: &'a Value, table: &'a Value) -> &'a Value {
    table.get("format").unwrap_or(&book["format"])
}

/// The kind of a file: its name in the EU's table of file types, and its media type (IANA).
fn kind_of_file(format: &Value) -> (&'static str, &'static str) {
    match format.as_str().unwrap_or_default() {
        "csv" => ("CSV", "text/csv"),
        "xlsx" => ("XLSX", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        _ => ("PARQUET", "application/vnd.apache.parquet"),
    }
}

fn field(column: &Value) -> Value {
    let ty = match column["type"].as_str() {
        Some("integer") => "integer",
        Some("decimal") => "number",
        Some("date") => "date",
        Some("timestamp") => "datetime",
        Some("boolean") => "boolean",
        _ => "string",
    };
    let mut field = json!({ "name": column["name"], "type": ty });
    if ty == "datetime" {
        field["format"] = json!("any");
    }
    let words = [&column["meaning"], &column["formatJa"], &column["format"], &column["unit"]];
    let words: Vec<&str> = words.iter().filter_map(|w| w.as_str()).collect();
    field["description"] = json!(words.join(" / "));
    if let Some(label) = column["label"].as_str() {
        field["title"] = json!(label);
    }
    field
}

/// Keys of persons that another table, which has a row a person, holds.
fn foreign(book: &Value, table: &Value) -> Vec<Value> {
    let mut found = Vec::new();
    for column in list(&table["columns"]).iter().filter(|c| c.get("key").is_some()) {
        let home = list(&book["tables"]).iter().enumerate().find_map(|(number, other)| {
            let holds = list(&other["columns"]).iter().find(|c| c["key"] == column["key"])?;
            let alone = other["rowOf"] == column["key"];
            (alone && other["table"] != table["table"]).then(|| {
                (
                    slug(other["table"].as_str().unwrap_or_default(), number + 1),
                    holds["name"].clone(),
                )
            })
        });
        if let Some((resource, there)) = home {
            found.push(json!({ "fields": [column["name"]], "reference": { "resource": resource, "fields": [there] } }));
        }
    }
    found
}

/// The release as a dataset of HealthDCAT-AP, as far as the release knows it: who publishes it, whom to ask and under which rights is
/// added by the body that enters it into a catalogue.
pub fn dcat(book: &Value) -> Value {
    let authority = "http://publications.europa.eu/resource/authority";
    let mut systems: Vec<&str> = list(&book["tables"])
        .iter()
        .flat_map(|t| list(&t["columns"]))
        .filter_map(|c| c["codeSystem"].as_str())
        .collect();
    systems.sort_unstable();
    systems.dedup();
    let rows: u64 = list(&book["tables"]).iter().filter_map(|t| t["rows"].as_u64()).sum();
    let persons = list(&book["tables"]).iter().filter_map(|t| t["persons"].as_u64()).max();
    let files: std::collections::BTreeMap<&str, &Value> = list(&book["tables"])
        .iter()
        .flat_map(|t| {
            let one = std::slice::from_ref(&t["file"]);
            let names = t.get("files").map_or(one, |files| list(files));
            names.iter().filter_map(|name| Some((name.as_str()?, format(book, t))))
        })
        .collect();
    let distributions: Vec<Value> = files
        .iter()
        .map(|(file, format)| {
            let (word, media) = kind_of_file(format);
            json!({
                "@type": "dcat:Distribution",
                "dct:title": file,
                "dct:identifier": file,
                "dct:format": { "@id": format!("{authority}/file-type/{word}"), "@type": "dct:MediaTypeOrExtent" },
                "dcat:mediaType": { "@id": format!("http://www.iana.org/assignments/media-types/{media}"), "@type": "dct:MediaType" },
            })
        })
        .collect();
    let mut dataset = Map::new();
    dataset.insert(
        "@context".to_owned(),
        json!({
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "dcatap": "http://data.europa.eu/r5r/",
            "healthdcatap": "http://healthdataportal.eu/ns/health#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        }),
    );
    let id = format!(
        "urn:kakou:{}:{}",
        slug(book["policy"].as_str().unwrap_or_default(), 1),
        book["release"].as_str().unwrap_or_default()
    );
    let about = match book["release"].as_str() {
        Some("anonymized") => ["匿名加工された診療データ", "Anonymized health records"],
        _ => ["仮名加工された診療データ", "Pseudonymized health records"],
    };
    let words = |ja: &str, en: &str| json!([{ "@language": "ja", "@value": ja }, { "@language": "en", "@value": en }]);
    for (key, value) in [
        ("@id", json!(id)),
        ("@type", json!("dcat:Dataset")),
        ("dct:identifier", json!(id)),
        ("dct:title", words(about[0], about[1])),
        (
            "dct:description",
            words(
                book["missingJa"].as_str().unwrap_or_default(),
                book["missing"].as_str().unwrap_or_default(),
            ),
        ),
        ("dcat:version", book["policyVersion"].clone()),
        (
            "dct:language",
            json!({ "@id": format!("{authority}/language/JPN"), "@type": "dct:LinguisticSystem" }),
        ),
        (
            "dcat:theme",
            json!({ "@id": format!("{authority}/data-theme/HEAL"), "@type": "http://www.w3.org/2004/02/skos/core#Concept" }),
        ),
        (
            "dct:accessRights",
            json!({ "@id": format!("{authority}/access-right/NON_PUBLIC"), "@type": "dct:RightsStatement" }),
        ),
        (
            "healthdcatap:numberOfRecords",
            json!({ "@type": "xsd:nonNegativeInteger", "@value": rows.to_string() }),
        ),
        ("healthdcatap:hasCodingSystem", json!(systems)),
        ("dcat:distribution", json!(distributions)),
    ] {
        dataset.insert(key.to_owned(), value);
    }
    // Fewer than ten persons are not told.
    if let Some(persons) = persons {
        let number = json!({ "@type": "xsd:nonNegativeInteger", "@value": persons.to_string() });
        dataset.insert("healthdcatap:numberOfUniqueIndividuals".to_owned(), number);
    }
    Value::Object(dataset)
}
