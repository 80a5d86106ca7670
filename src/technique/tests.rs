//! Tests about the catalogue itself.

use super::*;

#[test]
fn the_catalogue_is_sorted_documented_and_complete() {
    let names: Vec<&str> = CATALOGUE.iter().map(|d| d.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names.len(), sorted.len(), "a technique is there twice");
    for doc in CATALOGUE {
        assert!(doc.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", doc.name);
        assert!(
            !doc.summary.is_empty() && !doc.summary_ja.is_ascii() && !doc.ja.is_ascii(),
            "{}",
            doc.name
        );
        assert!(doc.example.contains(doc.name), "{}", doc.name);
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/technique");
    if let Ok(list) = std::fs::read_dir(folder) {
        let files = list
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .filter(|f| !matches!(f.as_str(), "mod.rs" | "tails.rs" | "testing.rs" | "tests.rs"))
            .count();
        assert_eq!(
            files,
            CATALOGUE.len(),
            "a file of a technique is not in the catalogue, or the other way round"
        );
    }
}
