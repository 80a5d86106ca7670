//! Rules of the house: which room may know which.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test"
)]

mod common;

use std::path::Path;

fn uses(folder: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(folder);
    let mut found = Vec::new();
    let mut open = vec![root];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(std::fs::read_dir(path).unwrap().flatten().map(|e| e.path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        // Doc comments may point anywhere.
        let code: Vec<&str> = text
            .split("#[cfg(test)]")
            .next()
            .unwrap()
            .lines()
            .filter(|l| !l.trim_start().starts_with("//"))
            .collect();
        let text = code.join("\n");
        for (at, _) in text.match_indices("crate::") {
            let word: String = text[at + 7..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                .collect();
            found.push((path.display().to_string(), word));
        }
    }
    assert!(!found.is_empty() || folder == "text");
    found
}

#[test]
fn what_is_drawn_anew_is_no_text_of_a_test() {
    let hex = "0123456789abcdef".repeat(4);
    let envelope = "eyJhIjoi5bGx55SwIiwibm90ZSI6Im5vIHRva2VuIn0gICAg";
    for (text, settled) in [
        ("0S30090400709000000000000Z,1,S30", "·,1,S30"),
        ("\"keyId\":\"83J2Q2PR0W2H9\"", "\"keyId\":\"·\""),
        ("/tmp/.tmp09a4J7/data", "/tmp/.·/data"),
        ("2026-01-02T03:04:05.987612Z x", "2026-01-02T03:04:05.· x"),
        ("csv-20261126T134205Z-a1b2c3.html", "csv-·-·.html"),
        (&format!("sha256 {hex}"), "sha256 ·"),
        (
            &format!("{{\"payload\":\"{envelope}\"}}"),
            "{\"payload\":\"{\"a\":\"山田\",\"note\":\"no token\"}    \"}",
        ),
        ("+/".repeat(24).as_str(), "·"),
        // What may be an identifier stays.
        ("51000001,POP-000004,4123456789012", "51000001,POP-000004,4123456789012"),
        ("0123456789 a1b2c3 1.25", "0123456789 a1b2c3 1.25"),
        ("", ""),
    ] {
        assert_eq!(common::settled(text), settled);
    }
}

#[test]
fn arrows_between_rooms_point_one_way() {
    for (room, forbidden) in [
        ("technique", &["table", "record", "check", "engine", "release", "cli", "plan"][..]),
        ("text", &["table", "engine", "plan", "technique", "check", "record", "cli", "policy"]),
        ("schema", &["table", "engine", "plan", "check", "record", "cli", "technique"]),
        ("policy", &["table", "engine", "plan", "check", "record", "cli", "release", "key"]),
        ("plan", &["table", "engine", "check", "record", "cli", "release", "key"]),
        ("law", &["table", "engine", "plan", "check", "record", "cli", "policy", "technique"]),
        ("key", &["table", "engine", "plan", "check", "record", "cli", "policy"]),
        ("report", &["cli", "table", "release", "record", "key"]),
        ("engine", &["report", "cli", "record", "release"]),
        (
            "privacy",
            &[
                "table",
                "engine",
                "plan",
                "check",
                "record",
                "cli",
                "policy",
                "technique",
                "release",
            ],
        ),
        ("check", &["cli"]),
        (
            "detect",
            &[
                "table",
                "engine",
                "plan",
                "check",
                "record",
                "cli",
                "policy",
                "technique",
                "release",
            ],
        ),
        ("record", &["cli", "table"]),
    ] {
        for (file, word) in uses(room) {
            assert!(!forbidden.contains(&word.as_str()), "{file} reaches into `{word}`");
        }
    }
}

#[test]
fn only_the_room_of_tables_names_polars() {
    let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            if !path.ends_with("src/table") {
                open.extend(std::fs::read_dir(path).unwrap().flatten().map(|e| e.path()));
            }
            continue;
        }
        if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            assert!(!text.contains("polars_"), "{} names polars", path.display());
        }
    }
}

#[test]
fn the_page_of_techniques_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/techniques.md");
    let mut page = String::from(
        "# 加工方法 / Treatments\n\nMade from the catalogue: `UPDATE=1 cargo test --test house`.\n\n\
         | policy | 法令・ガイドラインの用語 | items | English | 日本語 | example |\n| --- | --- | --- | --- | --- | --- |\n",
    );
    for doc in kakou::technique::CATALOGUE {
        let items: Vec<&str> = doc.items.iter().map(|i| i.key()).collect();
        page.push_str(&format!(
            "| `{}` | {} | {} | {} | {} | `{}` |\n",
            doc.name,
            doc.ja,
            items.join(" "),
            doc.summary,
            doc.summary_ja,
            doc.example
        ));
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &page).unwrap();
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == page,
        "docs/techniques.md is old: UPDATE=1 cargo test --test house"
    );
}
