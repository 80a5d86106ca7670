//! What the record says of exclusion lists and of the eligibility file: how many they name, whom they match, who is left out and
//! why. Counts and numbers of lines; never what stands in a line.

use super::balance::sum;
use super::statement::Statement;
use crate::error::small;
use crate::plan::eligible::{Why, lines as lines_told};
use crate::schema::Kind;

#[cfg(feature = "make")]
pub use super::listed::{differences, eligibility, lists};

/// What a terminal says of the lists and of the eligibility file of a statement.
#[must_use]
pub fn told(statement: &Statement) -> Vec<String> {
    let mut lines = Vec::new();
    for (at, list) in statement.exclusion_lists.iter().enumerate() {
        let kinds: Vec<&str> = list.kinds.iter().map(|k| k.word()).collect();
        let mut line = format!("exclusion list {} ({}): ", at + 1, kinds.join(", "));
        if list.listed == 0 {
            line.push_str("names nobody: nobody is excluded by it");
        } else {
            line.push_str(&format!("{} named, {} matched", list.listed, small(list.matched)));
        }
        let unmatched = list.matched_nobody;
        if unmatched > 0 {
            let verb = if unmatched == 1 { "matches" } else { "match" };
            line.push_str(&format!(
                ", {unmatched} {verb} NOBODY ({})",
                lines_told(&list.unmatched_lines)
            ));
        }
        for (lines, word) in [
            (list.spelled_otherwise, "spelled otherwise than in the input"),
            (list.header_lines, "header"),
            (list.unusable_lines, "no identifier"),
        ] {
            if lines > 0 {
                let noun = if lines == 1 { "line" } else { "lines" };
                line.push_str(&format!("; {lines} {noun}: {word}"));
            }
        }
        lines.push(line);
    }
    if let Some(file) = &statement.eligibility {
        lines.push(format!(
            "eligibility as of {}, {} days after the notification: {} named, {} matched, {} match nobody",
            file.as_of.as_deref().unwrap_or("-"),
            file.notice_days,
            file.named,
            small(file.matched),
            file.matched_nobody
        ));
        for kind in Kind::BOTH {
            let persons = &file.persons[kind];
            let mut parts = vec![format!("{} eligible", small(persons.eligible))];
            for why in Why::ALL {
                let number = persons.of(why);
                if number > 0 {
                    parts.push(format!("{} {}", small(number), why.told()[1]));
                }
            }
            lines.push(format!("  {}: {}", kind.word(), parts.join(", ")));
        }
    }
    lines
}

/// Whether the accounts of a statement's lists and eligibility file balance.
#[must_use]
pub fn balance(statement: &Statement) -> bool {
    let lists = statement.exclusion_lists.iter();
    let lists = lists.map(|l| sum([l.matched, l.matched_nobody]) == Some(l.listed));
    let file = statement.eligibility.iter().flat_map(|file| {
        Kind::BOTH.map(|kind| {
            let told = &file.persons[kind];
            let excluded = sum(Why::ALL.map(|why| told.of(why)));
            let read = excluded.and_then(|n| n.checked_add(told.eligible));
            excluded == Some(statement.persons.excluded[kind])
                && read == Some(statement.persons.read)
        })
    });
    lists.chain(file).all(|holds| holds)
}
