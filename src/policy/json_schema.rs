//! The JSON Schema of policies, made from the types: for editors, and for our own check.

use serde_json::{Map, Value, json};

use super::model::Policy;
use crate::technique::CATALOGUE;

/// The schema as the types say it, without shorthands: what a policy must be after they were written out.
pub(super) fn strict() -> Value {
    schemars::schema_for!(Policy).to_value()
}

/// The JSON Schema for people who write policies: a treatment may be a bare word, and a parameter a bare value.
#[must_use]
pub fn json_schema() -> Value {
    let mut schema = strict();
    schema["title"] = json!("kakou policy");
    // What a layout gives need not be written.
    for (ty, given) in
        [("ColumnPolicy", &["role"][..]), ("TablePolicy", &["grain", "source", "keys", "columns"])]
    {
        if let Some(required) = schema["$defs"][ty]["required"].as_array_mut() {
            required.retain(|r| !given.iter().any(|g| r == g));
        }
    }
    let Some(treatment) = schema["$defs"]["Treatment"].as_object().cloned() else { return schema };
    let mut bare = Vec::new();
    let mut forms = Vec::new();
    for form in treatment.get("oneOf").and_then(Value::as_array).into_iter().flatten() {
        let mut form = form.clone();
        let name = form["required"][0].as_str().unwrap_or_default().to_owned();
        let Some(doc) = CATALOGUE.iter().find(|d| d.name == name) else { continue };
        let parameters = form["properties"][&name].clone();
        let needed =
            resolved(&schema, &parameters)["required"].as_array().is_some_and(|r| !r.is_empty());
        if !needed {
            bare.push(name.clone());
        }
        if doc.shorthand.is_some() {
            form["properties"][&name] = json!({ "anyOf": [parameters, { "type": ["string", "number", "boolean"] }], "description": doc.summary, "x-ja": doc.summary_ja });
        }
        forms.push(form);
    }
    forms.insert(0, json!({ "enum": bare, "description": "a technique without parameters" }));
    let mut new = Map::new();
    new.insert("description".into(), json!("A treatment: one technique with its parameters."));
    new.insert("anyOf".into(), Value::Array(forms));
    schema["$defs"]["Treatment"] = Value::Object(new);
    schema
}

/// Follows a reference.
pub(super) fn resolved<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    match schema["$ref"].as_str().and_then(|r| r.strip_prefix("#/$defs/")) {
        Some(name) => &root["$defs"][name],
        None => schema,
    }
}
