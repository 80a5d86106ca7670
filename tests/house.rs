//! Rules of the house: which room may know which.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::common;

/// The sections of a manifest that say what is compiled in: names of packages, without those of tests.
fn dependencies(manifest: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(manifest).unwrap();
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if let (true, Some(end)) = (inside, line.find(['.', ' ', '='])) {
            found.insert(line[..end].to_owned());
        }
    }
    found
}

/// Every room with what it may know directly.
fn rooms() -> BTreeMap<String, BTreeSet<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut rooms = BTreeMap::new();
    for folder in std::fs::read_dir(root).unwrap().flatten() {
        let manifest = folder.path().join("Cargo.toml");
        if manifest.exists() {
            rooms.insert(
                format!("kakou-{}", folder.file_name().to_str().unwrap()),
                dependencies(&manifest),
            );
        }
    }
    assert!(rooms.len() > 10);
    rooms
}

/// Whether a room knows a package, directly or by another room.
fn reaches(rooms: &BTreeMap<String, BTreeSet<String>>, from: &str, to: &str) -> bool {
    rooms
        .get(from)
        .is_some_and(|known| known.contains(to) || known.iter().any(|k| reaches(rooms, k, to)))
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

/// The verifier that is handed out has no path to the code that makes releases, nor to anything that it does not need.
#[test]
fn the_small_verifier_knows_no_engine() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--package", "kakou-verifier"])
        .args(["--edges", "normal", "--prefix", "none", "--format", "{p}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let rooms: BTreeSet<&str> = tree.lines().filter_map(|l| l.split(' ').next()).collect();
    assert!(rooms.contains("kakou-proof") && rooms.contains("kakou-record"), "{tree}");
    for room in ["kakou", "kakou-engine", "kakou-report", "kakou-synth"] {
        assert!(!rooms.contains(room), "the verifier knows {room}");
    }
}

/// That arrows point one way is Cargo's own rule; these are the walls that it cannot know.
#[test]
fn walls_between_rooms_stand() {
    let rooms = rooms();
    for (from, to) in [
        // The proof takes no function of the code that it judges.
        ("kakou-proof", "kakou-engine"),
        ("kakou-proof", "kakou-keys"),
        ("kakou-engine", "kakou-proof"),
        ("kakou-engine", "kakou-record"),
        ("kakou-engine", "kakou-keys"),
        ("kakou-plan", "kakou-formats"),
        ("kakou-policy", "kakou-formats"),
        ("kakou-plan", "kakou-keys"),
        ("kakou-technique", "kakou-keys"),
        ("kakou-technique", "kakou-policy"),
        ("kakou-report", "kakou-record"),
        ("kakou-report", "kakou-keys"),
    ] {
        assert!(rooms.contains_key(from) && rooms.contains_key(to), "{from} or {to} is gone");
        assert!(!reaches(&rooms, from, to), "{from} knows {to}");
    }
    for pure in ["kakou-privacy", "kakou-detect", "kakou-keys", "kakou-formats"] {
        let known: Vec<_> = rooms[pure].iter().filter(|k| k.starts_with("kakou-")).collect();
        assert_eq!(known, ["kakou-core"], "{pure} knows another room");
    }
    assert!(!rooms["kakou-core"].iter().any(|k| k.starts_with("kakou-")));
}

/// `cargo run` in the top folder is the README's command: with a second package that names a program of its own it would not know
/// which to run.
#[test]
fn the_top_folder_has_one_program_to_run() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut manifests = vec![root.join("Cargo.toml")];
    manifests.extend(rooms().keys().map(|room| {
        root.join("src").join(room.strip_prefix("kakou-").unwrap()).join("Cargo.toml")
    }));
    let named = |manifest: &&std::path::PathBuf| {
        std::fs::read_to_string(manifest).unwrap().lines().any(|l| l.starts_with("default-run"))
    };
    assert_eq!(manifests.iter().filter(named).count(), 1);
}

/// The typed run is a module of the facade, so Cargo does not know its walls: whoever drives it needs no command line.
#[test]
fn the_run_knows_no_command_line() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/run");
    let sources = common::files(&folder);
    assert!(sources.len() > 5);
    for source in sources {
        let text = std::fs::read_to_string(&source).unwrap();
        for word in ["clap", "crate::cli", "super::super", "println!", "stdout()", "stderr()"] {
            assert!(!text.contains(word), "{} names {word}", source.display());
        }
    }
}

#[test]
fn only_the_room_of_formats_knows_polars() {
    let mut all = rooms();
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    all.insert("kakou".to_owned(), dependencies(&top));
    for (room, known) in &all {
        let polars = known.iter().any(|k| k.starts_with("polars"));
        assert_eq!(polars, room == "kakou-formats", "{room}");
    }
    // For embedders alone, and only when they ask: the feature is in no default.
    let manifest: toml::Table = std::fs::read_to_string(&top).unwrap().parse().unwrap();
    assert_eq!(manifest["dependencies"]["polars"]["optional"].as_bool(), Some(true));
    assert!(manifest["features"].get("default").is_none());
}

#[test]
fn the_page_of_techniques_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/techniques.md");
    let mut page = String::from(
        "# 加工方法 / Treatments\n\nMade from the catalogue: `UPDATE=1 cargo test --test all house::`.\n\n\
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
        "docs/techniques.md is old: UPDATE=1 cargo test --test all house::"
    );
}

/// What other rooms need to know of a technique stands in its `Doc` (`shows`, `ranges`) or is asked of it: a name that is compared
/// somewhere is a technique that the next one will not be.
#[test]
fn no_room_asks_for_the_name_of_a_technique() {
    let names: Vec<String> =
        kakou::technique::CATALOGUE.iter().map(|d| format!("\"{}\"", d.name)).collect();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let comparing = ["==", "!=", "matches!", "contains(", "=>", " | ", "match "];
    let compares = |line: &str| {
        comparing.iter().any(|sign| line.contains(sign))
            && (names.iter().any(|name| line.contains(name.as_str()))
                || line.contains("treatment.doc().name"))
    };
    assert!(compares(r#"            "constant" | "presence" | "pseudonym""#));
    assert!(compares("    treatment.doc().name == wanted"));
    assert!(!compares(r#"    technique = treatment.doc().name,"#));
    let mut seen = 0;
    for path in common::files(&root) {
        let file = path.strip_prefix(&root).unwrap().to_str().unwrap();
        // The techniques themselves; what drafts policies and writes the words of techniques; a key of policies with such a name.
        let own = ["technique/", "cli/init/", "record/changes.rs", "synth/"];
        if !file.ends_with(".rs")
            || file.ends_with("tests.rs")
            || own.iter().any(|o| file.starts_with(o))
        {
            continue;
        }
        seen += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
        for (number, line) in code.lines().enumerate() {
            let comment = line.trim_start().starts_with("//");
            assert!(comment || !compares(line), "{file}:{}: {line}", number + 1);
        }
    }
    assert!(seen > 200, "{seen}");
}

/// `deny.toml` is what cargo-deny reads; its lists are held here too, so that every run of the tests holds them.
#[test]
fn dependencies_are_what_deny_toml_allows() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let rules: toml::Table =
        std::fs::read_to_string(root.join("deny.toml")).unwrap().parse().unwrap();
    let words = |of: &toml::Value, key: &str| -> Vec<String> {
        let list = of[key].as_array().unwrap().iter();
        let word = |l: &toml::Value| l.get("crate").unwrap_or(l).as_str().unwrap().to_owned();
        list.map(word).collect()
    };
    let allowed = words(&rules["licenses"], "allow");
    let denied = words(&rules["bans"], "deny");
    let mut skipped: BTreeSet<String> = words(&rules["bans"], "skip").into_iter().collect();
    assert_eq!(rules["bans"]["multiple-versions"].as_str(), Some("deny"));
    assert_eq!(rules["sources"]["unknown-registry"].as_str(), Some("deny"));
    let output = std::process::Command::new(env!("CARGO"))
        .args(["metadata", "--format-version", "1", "--locked", "--filter-platform"])
        .arg("x86_64-unknown-linux-gnu")
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = tree["packages"].as_array().unwrap();
    assert!(packages.len() > 100);
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        let (name, licence) = (package["name"].as_str().unwrap(), package["license"].as_str());
        let fits = |one: &str| {
            let parts = one.split(" AND ").map(|p| p.trim_matches(['(', ')', ' ']));
            parts.clone().count() > 0 && parts.into_iter().all(|p| allowed.iter().any(|a| a == p))
        };
        let licence = licence.unwrap_or_else(|| panic!("{name} names no licence"));
        assert!(licence.replace('/', " OR ").split(" OR ").any(fits), "{name}: {licence}");
        assert!(!denied.iter().any(|d| d == name), "{name} is in the tree");
        // Ours have no source; all others are of the one registry.
        let source = package["source"].as_str();
        let ours = name == "kakou" || name.starts_with("kakou-");
        let registry = "registry+https://github.com/rust-lang/crates.io-index";
        assert!(source.map_or(ours, |s| s == registry), "{name}: {source:?}");
        let version = package["version"].as_str().unwrap();
        if !skipped.remove(&format!("{name}@{version}")) {
            versions.entry(name).or_default().push(version);
        }
    }
    let twice: Vec<_> = versions.iter().filter(|(_, all)| all.len() > 1).collect();
    assert!(twice.is_empty(), "more than one version: {twice:?}");
    assert!(skipped.is_empty(), "nobody asks for {skipped:?} any more: out of deny.toml");
}

/// Calls of the operating system stand in one file, so that another system is another file.
#[test]
fn only_one_file_calls_the_operating_system() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for path in
        common::files(&folder).into_iter().filter(|p| p.extension().is_some_and(|e| e == "rs"))
    {
        let file = path.strip_prefix(&folder).unwrap().to_str().unwrap();
        if file == "core/system.rs" || file.ends_with("tests.rs") {
            continue;
        }
        seen += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        for word in ["os::unix", "os::linux", "os::fd", "rustix", "libc::", "nix::"] {
            for (at, _) in text.match_indices(word) {
                // Modules of tests are the last thing in a file.
                let tests = text[..at].contains("#[cfg(test)]\nmod tests");
                assert!(tests, "{file} names {word}");
            }
        }
    }
    assert!(seen > 200, "{seen}");
    for (room, known) in rooms() {
        let calls = known.iter().any(|k| ["rustix", "libc", "nix"].contains(&k.as_str()));
        assert_eq!(calls, room == "kakou-core", "{room}");
    }
}

/// What a clone has of data by others is small, and its page says of each archive whose it is.
#[test]
fn every_archive_of_the_fixtures_is_told() {
    let folder = common::fixtures::archives();
    let page = std::fs::read_to_string(folder.join("README.md")).unwrap();
    let (mut bytes, mut archives) = (0, 0);
    for path in common::files(&folder) {
        bytes += std::fs::metadata(&path).unwrap().len();
        let name = path.file_name().unwrap().to_str().unwrap();
        if !name.ends_with(".gz") {
            continue;
        }
        archives += 1;
        let digest =
            kakou::digest::hex(&kakou::digest::bytes(&std::fs::read(&path).unwrap()).sha256);
        let line = page.lines().find(|l| l.starts_with(&format!("| `{name}` |"))).unwrap();
        assert!(line.ends_with(&format!("| `{digest}` |")), "{name} is not the one that is told");
        assert_eq!(line.matches(" | ").count(), 4, "{name}: what, source, licence, digest");
    }
    assert_eq!(page.matches(".tar.gz` |").count(), archives);
    assert!(bytes < 8_000_000, "{bytes}");
}

/// A file beside the others that `main.rs` does not name would be compiled by nobody.
#[test]
fn every_file_of_tests_is_a_part_of_the_one_binary() {
    let folder = common::repo("tests");
    let main = std::fs::read_to_string(folder.join("main.rs")).unwrap();
    let named: BTreeSet<&str> = main
        .lines()
        .filter_map(|line| line.strip_prefix("mod ")?.strip_suffix(';'))
        .filter(|name| *name != "common")
        .collect();
    let there: BTreeSet<String> = std::fs::read_dir(&folder)
        .unwrap()
        .filter_map(|entry| {
            Some(entry.unwrap().file_name().to_str()?.strip_suffix(".rs")?.to_owned())
        })
        // `frames` needs a feature of the crate (`tests/polars.sh`).
        .filter(|name| name != "main" && name != "frames")
        .collect();
    assert!(named.iter().eq(there.iter()), "{named:?} {there:?}");
}

/// A promise has a file of its name in every room that keeps a half of it; words that a policy has no file for are one text.
#[test]
fn every_promise_has_its_halves() {
    let names: BTreeSet<String> =
        kakou::plan::promise::PROMISES.iter().map(|p| p.name.to_owned()).collect();
    assert_eq!(names.len(), kakou::plan::promise::PROMISES.len());
    let files = |room: &str| -> BTreeSet<String> {
        let folder = common::repo(&format!("src/{room}/promise"));
        let named = std::fs::read_to_string(folder.join("mod.rs")).unwrap();
        let entries = std::fs::read_dir(&folder).unwrap().flatten();
        let files = entries
            .filter_map(|entry| Some(entry.file_name().to_str()?.strip_suffix(".rs")?.to_owned()));
        let files: BTreeSet<String> = files.filter(|name| name != "mod").collect();
        for name in &files {
            assert!(named.contains(&format!("mod {name};")), "{room} {name}");
        }
        files
    };
    for room in ["plan", "engine", "proof"] {
        assert_eq!(files(room), names, "{room}");
    }
    assert!(files("policy").is_subset(&names));
    // Who verifies a release counts again what the proof of the run counted.
    let verify = std::fs::read_to_string(common::repo("src/record/verify.rs")).unwrap();
    for name in names.iter().map(String::as_str) {
        let name = if name == "views" { "recount" } else { name };
        assert!(verify.contains(&format!("proof::{name}")), "src/record/verify.rs: {name}");
    }
    // The words are those of a policy, and a reader finds each promise in the page on adding one.
    let schema = std::fs::read_to_string(common::repo("policies/policy.schema.json")).unwrap();
    let page = std::fs::read_to_string(common::repo("docs/ADDING.md")).unwrap();
    for promise in &kakou::plan::promise::PROMISES {
        for word in promise.words.split('.') {
            assert!(schema.contains(&format!("\"{word}\":")), "{word}");
        }
        assert!(page.contains(&format!("`{}`", promise.name)), "{}", promise.name);
    }
    // No promise is called from a file of another one but for the classes and cells that all of them count.
    for room in ["engine", "proof"] {
        for name in &names {
            let path = common::repo(&format!("src/{room}/promise/{name}.rs"));
            let text = std::fs::read_to_string(path).unwrap();
            for other in names.iter().filter(|other| *other != name && *other != "views") {
                let knows = format!("use crate::{other}");
                assert!(!text.contains(&knows), "{room}: {name} knows {other}");
            }
        }
    }
}

/// The book has every page of the documentation once, and nothing else.
#[test]
fn every_page_is_in_the_book() {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let summary = std::fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let mut listed: Vec<&str> = summary
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- [")?.rsplit_once("](")?.1.strip_suffix(')'))
        .filter(|link| !link.is_empty())
        .collect();
    listed.sort_unstable();
    let mut pages: Vec<String> = common::files(&docs)
        .iter()
        .map(|path| path.strip_prefix(&docs).unwrap().to_str().unwrap().to_owned())
        .filter(|name| name.ends_with(".md") && name != "SUMMARY.md")
        .collect();
    pages.sort_unstable();
    assert_eq!(listed, pages);
}

/// A word that is the name of several types makes a reader ask which: these have one meaning, and no further type takes one.
#[test]
fn a_name_of_a_type_has_one_meaning() {
    // What the same thing is at another stage has that in its name: `ViewPolicy`, `SearchView`, `ViewFigures`.
    let meanings: [(&str, &str); 6] = [
        ("Kind", "core/schema/mod.rs"),
        ("View", "privacy/classes.rs"),
        ("Reader", "formats/csv_read.rs"),
        ("Table", "core/frame.rs"),
        ("Column", "core/frame.rs"),
        ("CATALOGUE", "technique/lib.rs"),
    ];
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for path in common::files(&folder) {
        let file = path.strip_prefix(&folder).unwrap().to_str().unwrap().to_owned();
        if !file.ends_with(".rs") {
            continue;
        }
        for line in std::fs::read_to_string(&path).unwrap().lines() {
            let words: Vec<&str> = line
                .split(|c: char| !(c.is_alphanumeric() || c == '_'))
                .filter(|word| !word.is_empty())
                .collect();
            let of = words.iter().position(|w| !["pub", "super", "crate"].contains(w));
            let makes = |w: &&[&str]| {
                ["struct", "enum", "trait", "type", "const", "static"].contains(&w[0])
                    && !line.trim_start().starts_with("//")
            };
            for pair in words[of.unwrap_or(0)..].windows(2).take(1).filter(makes) {
                if let Some((name, _)) = meanings.iter().find(|(name, _)| *name == pair[1]) {
                    found.entry(name).or_default().insert(file.clone());
                }
            }
        }
    }
    for (name, file) in meanings {
        assert_eq!(found.get(name), Some(&BTreeSet::from([file.to_owned()])), "{name}");
    }
}
