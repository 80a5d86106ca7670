//! `"decide"`: what is left open in a draft, the treatments that fit, and asking for them one after the other.

use std::io::BufRead;

use toml::Value;

use crate::error::{Error, Result};
use crate::say;
use crate::schema::Kind;

/// The word for a treatment that is still to be chosen.
const WORD: &str = "\"decide\"";

/// A treatment that fits: as TOML, and what it does to a made-up value.
type Choice = (&'static str, &'static str);

/// The two to four treatments that fit a column and a release.
#[must_use]
pub fn fitting(column: &toml::Table, kind: Kind) -> Vec<Choice> {
    let word = |key: &str| column.get(key).and_then(Value::as_str).unwrap_or_default();
    let anonymized = kind == Kind::Anonymized;
    let drop: Choice = ("\"drop\"", "列を出さない / the column is left out");
    let keep: Choice = ("\"keep\"", "そのまま / unchanged");
    let rare: Choice = ("\"rare\"", "少ない値は「その他」へ / rare values are joined");
    let date = matches!(word("type"), "date" | "partial_date" | "datetime");
    match (word("role"), date, word("kind"), word("code")) {
        ("direct" | "id_code" | "financial", ..) => vec![drop],
        ("link", ..) if anonymized => {
            vec![("\"surrogate\"", "0001 → 5E1ZA7KPVH0Z8PZ2QT8G65TVW5"), drop]
        }
        ("link", ..) => vec![("\"pseudonym\"", "0001 → 7S0GKN2MK9APXV6KASKB60MKCV"), drop],
        ("third_party", ..) if anonymized => vec![drop, ("\"surrogate\"", "符号 / a token")],
        ("third_party", ..) => vec![("\"pseudonym\"", "符号 / a token"), drop],
        ("text", ..) if anonymized => vec![drop],
        ("text", ..) => {
            vec![drop, ("\"redact\"", "見つかった識別子を印に / identifiers become marks")]
        }
        (_, true, "birth", _) if anonymized => vec![
            ("{ truncate_date = \"year\" }", "1956-03-12 → 1956"),
            ("{ truncate_date = \"quarter\" }", "1956-03-12 → 1956Q1"),
            drop,
        ],
        (_, true, "birth", _) => vec![
            ("{ truncate_date = \"month\" }", "1956-03-12 → 1956-03"),
            ("{ truncate_date = \"year\" }", "1956-03-12 → 1956"),
            drop,
        ],
        (_, true, ..) if anonymized => vec![
            ("{ truncate_date = \"year\" }", "2026-01-09 → 2026"),
            ("{ truncate_date = \"quarter\" }", "2026-01-09 → 2026Q1"),
            ("{ truncate_date = \"month\" }", "2026-01-09 → 2026-01"),
            drop,
        ],
        (_, true, ..) => vec![
            ("\"shift_date\"", "2026-01-09 → 2026-09-18"),
            ("{ truncate_date = \"month\" }", "2026-01-09 → 2026-01"),
            drop,
        ],
        (.., "postal") if anonymized => vec![
            ("{ generalize = \"region\" }", "1358139 → 関東"),
            ("{ generalize = \"prefecture\" }", "1358139 → 東京都"),
            drop,
        ],
        (.., "postal") => vec![
            ("{ generalize = \"municipality\" }", "1358139 → 13108"),
            ("{ generalize = \"prefecture\" }", "1358139 → 東京都"),
            drop,
        ],
        (.., "icd10") if anonymized => {
            vec![("{ rare = { start = \"category\", other = \"その他\" } }", "C189 → C18"), drop]
        }
        (_, _, _, code) if anonymized && !code.is_empty() => vec![rare, keep, drop],
        _ => match (word("type"), anonymized) {
            ("integer", true) if word("role") == "quasi" => {
                vec![("{ band = { width = 10, top = 90 } }", "67 → 60-69"), rare, drop]
            }
            ("integer" | "decimal" | "measured", true) => {
                vec![("{ round = { significant = 2 } }", "123.4 → 120"), keep, drop]
            }
            (_, true) => vec![rare, keep, drop],
            (_, false) => vec![keep, drop],
        },
    }
}

/// A place in a draft that is still open.
#[derive(Clone, Debug)]
pub struct Open {
    /// Table and column.
    pub table: String,
    /// The column.
    pub column: String,
    /// The release.
    pub kind: Kind,
    /// What fits.
    pub choices: Vec<Choice>,
}

/// What is open in a policy, in its order; nothing if it is no TOML.
#[must_use]
pub fn open(text: &str) -> Vec<Open> {
    let Ok(policy) = text.parse::<toml::Table>() else { return Vec::new() };
    let tables = policy.get("tables").and_then(Value::as_table);
    let mut found = Vec::new();
    for (table, of) in tables.into_iter().flatten() {
        let columns = of.get("columns").and_then(Value::as_table);
        for (name, column) in columns.into_iter().flatten() {
            let Some(column) = column.as_table() else { continue };
            for kind in Kind::BOTH {
                if column.get(kind.word()).and_then(Value::as_str) == Some("decide") {
                    found.push(Open {
                        table: table.clone(),
                        column: name.clone(),
                        kind,
                        choices: fitting(column, kind),
                    });
                }
            }
        }
    }
    found
}

/// Where the word stands for a column of a table and a release: the bytes of the text. The lines are those of a draft: a column a line.
fn place(text: &str, open: &Open) -> Option<std::ops::Range<usize>> {
    let head = format!("[tables.{}.columns]", open.table);
    let from = text.find(&head)? + head.len();
    let name = format!("\n{} = {{", super::quoted(&open.column));
    let bare = format!("\n{} = {{", open.column);
    let line = from + text[from..].find(&name).or_else(|| text[from..].find(&bare))? + 1;
    let end = line + text[line..].find('\n').unwrap_or(text.len() - line);
    let key = format!("{} = {WORD}", open.kind.word());
    let at = line + text[line..end].find(&key)?;
    Some(at + key.len() - WORD.len()..at + key.len())
}

/// Asks for every open treatment; an answer is the number of a choice or a treatment in TOML, nothing is the first choice, and the end
/// of the answers leaves the rest open. Comments and order of the draft stay.
///
/// # Errors
/// If the answers cannot be read, or one is neither.
pub fn ask(text: &str, answers: &mut dyn BufRead) -> Result<String> {
    let mut text = text.to_owned();
    let all = open(&text);
    for (number, open) in all.iter().enumerate() {
        let Some(place) = place(&text, open) else { continue };
        let mut question = format!(
            "[{}/{}] {}.{} ({}):\n",
            number + 1,
            all.len(),
            open.table,
            open.column,
            open.kind.word()
        );
        for (at, (treatment, example)) in open.choices.iter().enumerate() {
            question.push_str(&format!("  {}) {treatment}    {example}\n", at + 1));
        }
        question.push_str("> ");
        tell(&question);
        let mut answer = String::new();
        let read = answers
            .read_line(&mut answer)
            .map_err(|e| Error::io("X0501", say!("reading the answers"), &e))?;
        if read == 0 {
            tell("\n");
            break;
        }
        let chosen = chosen(&open.choices, answer.trim()).ok_or_else(|| {
            Error::policy(
                "P0006",
                say!("answer {} is neither the number of a choice nor a treatment", number + 1),
            )
            .advice(say!("a number of the list, or a treatment in TOML such as `\"drop\"`"))
        })?;
        text.replace_range(place, &chosen);
    }
    let left = self::open(&text).len();
    tell(&format!("未決 / decisions left: {left}\n"));
    Ok(text)
}

fn chosen(choices: &[Choice], answer: &str) -> Option<String> {
    if answer.is_empty() {
        return choices.first().map(|c| c.0.to_owned());
    }
    if let Ok(number) = answer.parse::<usize>() {
        return choices.get(number.checked_sub(1)?).map(|c| c.0.to_owned());
    }
    let read = format!("x = {answer}").parse::<toml::Table>().ok()?;
    (read.len() == 1 && !answer.contains('\n')).then(|| answer.to_owned())
}

fn tell(text: &str) {
    use std::io::Write as _;
    let mut out = std::io::stderr().lock();
    let _ = out.write_all(text.as_bytes());
    let _ = out.flush();
}

#[cfg(test)]
mod tests {
    use super::*;

    const DRAFT: &str = "[tables.t]\nkeys = { patient = \"id\" }  # kept\n[tables.t.columns]\n\"id\" = { role = \"link\", type = \"code\", pseudonymized = \"pseudonym\", anonymized = \"surrogate\" }  # why\n\
        \"入院日\" = { role = \"quasi\", type = \"date\", kind = \"event\", pseudonymized = \"decide\", anonymized = \"decide\" }  # a date\n\
        \"値\" = { role = \"payload\", type = \"decimal\", pseudonymized = \"keep\", anonymized = \"decide\" }\n";

    #[test]
    fn answers_are_written_where_the_word_stands() {
        let mut answers = "2\n\n{ band = { width = 5 } }\n".as_bytes();
        let made = ask(DRAFT, &mut answers).unwrap();
        assert!(made.contains("pseudonymized = { truncate_date = \"month\" }, anonymized = { truncate_date = \"year\" } }  # a date"));
        assert!(made.contains("anonymized = { band = { width = 5 } } }\n"));
        assert!(made.contains("# kept") && open(&made).is_empty());
    }

    #[test]
    fn what_is_not_answered_stays_open() {
        let made = ask(DRAFT, &mut "1\n".as_bytes()).unwrap();
        assert_eq!(open(&made).len(), 2);
        assert!(ask(DRAFT, &mut "9\n".as_bytes()).is_err());
        assert!(ask(DRAFT, &mut "rm = }\n".as_bytes()).is_err());
    }

    #[test]
    fn every_choice_is_a_treatment_that_policies_know() {
        for open in open(DRAFT) {
            assert!((1..=4).contains(&open.choices.len()));
            for (treatment, _) in open.choices {
                let value = format!("x = {treatment}").parse::<toml::Table>().unwrap();
                let name = match &value["x"] {
                    Value::String(name) => name.clone(),
                    other => other.as_table().unwrap().keys().next().unwrap().clone(),
                };
                assert!(crate::technique::CATALOGUE.iter().any(|d| d.name == name), "{name}");
            }
        }
    }
}
