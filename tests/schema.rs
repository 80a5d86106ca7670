//! The committed JSON Schema is the one of the types.

#[test]
fn the_schema_of_policies_is_fresh() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("policies/policy.schema.json");
    let mut fresh = serde_json::to_string_pretty(&kakou::policy::json_schema()).unwrap();
    fresh.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "policies/policy.schema.json is old: UPDATE=1 cargo test --test all schema::"
    );
}

#[test]
fn the_schema_of_statements_is_fresh() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/statement.schema.json");
    let schema = kakou::record::statement::json_schema();
    let mut fresh = serde_json::to_string_pretty(&schema).unwrap();
    fresh.push('\n');
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &fresh).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == fresh,
        "docs/statement.schema.json is old: UPDATE=1 cargo test --test all schema::"
    );
}
