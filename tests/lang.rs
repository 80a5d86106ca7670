//! The program in Japanese: the catalogue has every text and no other, and what is shown has no English but names.

use std::collections::{BTreeMap, BTreeSet};

use clap::CommandFactory as _;

use crate::common::{self, error_of, kakou, program, repo, text};

/// The literals of a Rust source with their places: comments are not among them, escapes are read.
fn literals(source: &str) -> Vec<(usize, String)> {
    let bytes = source.as_bytes();
    let (mut found, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let rest = &source[at..];
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            at += rest.find("*/").unwrap() + 2;
        } else if let Some(quoted) = rest.strip_prefix('\'') {
            // A character; a lifetime has no second quote.
            let inner = match quoted.strip_prefix('\\') {
                Some(escaped) => {
                    1 + escaped.char_indices().nth(1).map_or(1, |(i, _)| i).max(
                        if escaped.starts_with('u') { escaped.find('}').unwrap() + 1 } else { 0 },
                    )
                }
                None => quoted.chars().next().map_or(1, char::len_utf8),
            };
            at += if quoted.get(inner..).is_some_and(|r| r.starts_with('\'')) {
                inner + 2
            } else {
                1
            };
        } else if rest.starts_with("r\"")
            || rest.starts_with("r#") && {
                let hashes = rest[1..].bytes().take_while(|b| *b == b'#').count();
                rest[1 + hashes..].starts_with('"')
            }
        {
            let hashes = rest[1..].bytes().take_while(|b| *b == b'#').count();
            let end = format!("\"{}", "#".repeat(hashes));
            let body = &rest[hashes + 2..];
            let length = body.find(&end).unwrap();
            found.push((at, body[..length].to_owned()));
            at += hashes + 2 + length + end.len();
        } else if let Some(body) = rest.strip_prefix('"') {
            let (mut value, mut chars) = (String::new(), body.char_indices().peekable());
            let mut end = body.len();
            while let Some((i, c)) = chars.next() {
                match c {
                    '"' => {
                        end = i;
                        break;
                    }
                    '\\' => match chars.next().unwrap().1 {
                        '\n' => while chars.next_if(|(_, c)| c.is_whitespace()).is_some() {},
                        'n' => value.push('\n'),
                        't' => value.push('\t'),
                        'r' => value.push('\r'),
                        '0' => value.push('\0'),
                        'u' => {
                            let hex: String =
                                chars.by_ref().map(|(_, c)| c).take_while(|c| *c != '}').collect();
                            let code = u32::from_str_radix(&hex[1..], 16).unwrap();
                            value.push(char::from_u32(code).unwrap());
                        }
                        'x' => {
                            chars.next();
                            chars.next();
                        }
                        other => value.push(other),
                    },
                    other => value.push(other),
                }
            }
            found.push((at, value));
            at += end + 2;
        } else {
            at += rest.chars().next().unwrap().len_utf8();
        }
    }
    found
}

/// Whether a text is Japanese already.
fn japanese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{4e00}'..='\u{9fff}'))
}

/// What the sources say: the templates of `say!` and `words!` with their files, and all literals.
fn said() -> (BTreeMap<String, String>, BTreeSet<String>) {
    let (mut templates, mut all) = (BTreeMap::new(), BTreeSet::new());
    for path in common::files(&repo("src")) {
        if path.extension().is_none_or(|e| e != "rs") || path.ends_with("core/lang/mod.rs") {
            continue;
        }
        let source = std::fs::read_to_string(&path).unwrap();
        let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
        for (at, literal) in literals(source) {
            let before = source[..at].trim_end();
            let speaks = ["say!(", "words!(", "lang::word("].iter().any(|w| before.ends_with(w));
            if speaks && literal.chars().any(|c| c.is_ascii_alphabetic()) && !japanese(&literal) {
                templates.insert(literal.clone(), path.display().to_string());
            }
            all.insert(literal);
        }
    }
    assert!(templates.len() > 1000);
    (templates, all)
}

fn catalogue() -> BTreeMap<String, String> {
    let table: toml::Table = kakou::lang::JA.parse().unwrap();
    let mut entries = BTreeMap::new();
    for (_, room) in table {
        for (english, told) in room.as_table().unwrap() {
            let told = told.as_str().unwrap().to_owned();
            assert!(entries.insert(english.clone(), told).is_none(), "twice: {english}");
        }
    }
    entries
}

/// The numbers of the holes of a template, sorted.
fn holes(template: &str) -> Vec<usize> {
    let plain = template.replace("{{", "").replace("}}", "");
    let (mut next, mut found) = (0, Vec::new());
    for hole in plain.split('{').skip(1) {
        found.push(hole.split('}').next().unwrap().parse().unwrap_or_else(|_| {
            next += 1;
            next - 1
        }));
    }
    found.sort_unstable();
    found
}

#[test]
fn the_catalogue_has_every_text_and_no_other() {
    let (templates, literals) = said();
    let catalogue = catalogue();
    let helps = kakou::cli::speech::texts(kakou::cli::Arguments::command());
    let missing: Vec<String> = templates
        .keys()
        .chain(helps.iter().filter(|h| h.chars().any(|c| c.is_ascii_lowercase())))
        .filter(|english| !catalogue.contains_key(*english))
        .map(|english| format!("{english:?} = \"\""))
        .collect();
    assert!(missing.is_empty(), "src/core/lang/ja.toml lacks:\n{}", missing.join("\n"));
    let unused: Vec<&String> = catalogue
        .keys()
        .filter(|english| {
            !templates.contains_key(*english)
                && !literals.contains(*english)
                && !helps.contains(english)
        })
        .collect();
    assert!(unused.is_empty(), "src/core/lang/ja.toml has what nobody says: {unused:#?}");
    for (english, told) in &catalogue {
        // Of a help nothing is filled in: what stands in braces there is an example.
        if !helps.contains(english) {
            assert_eq!(holes(english), holes(told), "{english:?} = {told:?}");
        }
    }
}

#[test]
fn a_literal_is_read_as_the_compiler_reads_it() {
    let source = "// \"no\"\nlet a = \"one \\\n   two\\n\"; let b = 'x'; let c = '\"'; let d = r#\"a \"b\"\"#; fn f<'a>(x: &'a str) { \"\\u{3042}\" }";
    let found: Vec<String> = literals(source).into_iter().map(|(_, l)| l).collect();
    assert_eq!(found, ["one two\n", "a \"b\"", "あ"]);
}

/// Runs under a Japanese locale; gives both streams.
fn in_japanese(arguments: &[&str]) -> String {
    let mut command = program();
    command.env_remove("LC_ALL").env("LANG", "ja_JP.UTF-8").args(arguments);
    let output = command.output().unwrap();
    String::from_utf8(output.stdout.clone()).unwrap() + &error_of(&output)
}

#[test]
fn the_locale_and_the_option_choose_the_language() {
    let missing = ["check", "--policy", "/nowhere.toml"];
    let told = in_japanese(&missing);
    assert!(told.contains("エラー[P0011]: 方針/nowhere.tomlの読込み: 見つからない"), "{told}");
    let told = error_of(&kakou(&missing));
    assert!(told.contains("error[P0011]: reading the policy /nowhere.toml: not found"), "{told}");
    let told = error_of(&kakou(&["--lang", "ja", "check", "--policy", "/nowhere.toml"]));
    assert!(told.contains("エラー[P0011]"), "{told}");
    let told = in_japanese(&["check", "--policy", "/nowhere.toml", "--lang=en"]);
    assert!(told.contains("error[P0011]"), "{told}");
}

#[test]
fn machines_read_english_in_every_language() {
    let arguments = ["check", "--policy", "/nowhere.toml", "--json"];
    let told = in_japanese(&arguments);
    assert!(told.contains("\"what\": \"reading the policy /nowhere.toml: not found\""), "{told}");
}

#[test]
fn what_is_wrong_is_told_in_japanese() {
    let folder = tempfile::tempdir().unwrap();
    let policy = std::fs::read_to_string(repo("policies/csv.toml")).unwrap();
    let write = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let unknown = write("unknown.toml", &policy.replacen("[policy]", "[policy]\nfly = 1", 1));
    let told = in_japanese(&["check", "--policy", text(&unknown)]);
    assert!(told.contains("未知のキー"), "{told}");
    let data = folder.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let told = in_japanese(&[
        "check",
        "--policy",
        text(&repo("policies/csv.toml")),
        "--input",
        text(&data),
    ]);
    assert!(told.contains("当たるファイルが入力フォルダにない"), "{told}");
    for arguments in
        [vec!["fly"], vec!["check", "--fly"], vec!["check"], vec!["run", "--memory", "x"]]
    {
        let told = in_japanese(&arguments);
        assert!(told.starts_with("エラー: ") && told.contains("--help"), "{told}");
        assert!(!told.contains("Usage") && !told.contains("error"), "{told}");
    }
    let told = in_japanese(&["policy", "diff", "--ja", "a", "b"]);
    assert!(told.contains("--lang ja"), "{told}");
}

#[test]
fn the_help_is_japanese() {
    for arguments in
        [&["--help"][..], &["run", "--help"], &["check", "-h"], &["help", "ledger"], &[]]
    {
        let told = in_japanese(arguments);
        // The meanings of values are aligned by blanks.
        let english = |l: &str| {
            l.trim_start().starts_with("- ") && l.is_ascii() && l.trim_end().contains(": ")
        };
        assert!(!told.lines().any(english), "{told}");
        assert!(told.contains("使い方:") && japanese(&told), "{told}");
        for frame in ["Usage:", "Options:", "Commands:", "Arguments:", "[default", "Print "] {
            assert!(!told.contains(frame), "{frame}: {told}");
        }
    }
}
