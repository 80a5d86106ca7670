//! What the record says of exclusion lists and of the eligibility file: how many they name, whom they match, who is left out and
//! why. Counts and numbers of lines; never what stands in a line.

use super::balance::sum;
use super::statement::Statement;
use crate::error::{Name, Said, small};
use crate::plan::eligible::{Why, lines as lines_told};
use crate::say;
use crate::schema::Kind;

#[cfg(feature = "make")]
pub use super::listed::{differences, eligibility, lists};

/// What a terminal says of the lists and of the eligibility file of a statement.
#[must_use]
pub fn told(statement: &Statement) -> Vec<Said> {
    let mut lines = Vec::new();
    for (at, list) in statement.exclusion_lists.iter().enumerate() {
        let kinds: Vec<Said> = list.kinds.iter().map(|k| say!("{}", *k)).collect();
        let mut parts = vec![match list.listed {
            0 => say!("names nobody: nobody is excluded by it"),
            listed => say!("{} named, {} matched", listed, small(list.matched)),
        }];
        match list.matched_nobody {
            0 => {}
            1 => parts.push(say!(", 1 matches NOBODY ({})", lines_told(&list.unmatched_lines))),
            several => {
                let unmatched = lines_told(&list.unmatched_lines);
                parts.push(say!(", {} match NOBODY ({})", several, unmatched));
            }
        }
        for (lines, word) in [
            (list.spelled_otherwise, say!("spelled otherwise than in the input")),
            (list.header_lines, say!("header")),
            (list.unusable_lines, say!("no identifier")),
        ] {
            match lines {
                0 => {}
                1 => parts.push(say!("; 1 line: {}", word)),
                several => parts.push(say!("; {} lines: {}", several, word)),
            }
        }
        let (kinds, parts) = (Said::join(&kinds, ", "), Said::join(&parts, ""));
        lines.push(say!("exclusion list {} ({}): {}", at + 1, kinds, parts));
    }
    if let Some(file) = &statement.eligibility {
        lines.push(say!(
            "eligibility as of {}, {} days after the notification: {} named, {} matched, {} match nobody",
            file.as_of.as_deref().map(Name::from_policy),
            file.notice_days,
            file.named,
            small(file.matched),
            file.matched_nobody
        ));
        for kind in Kind::BOTH {
            let persons = &file.persons[kind];
            let mut parts = vec![say!("{} eligible", small(persons.eligible))];
            for why in Why::ALL {
                let number = persons.of(why);
                if number > 0 {
                    parts.push(say!("{} {}", small(number), why.told()[1]));
                }
            }
            lines.push(say!("  {}: {}", kind, Said::join(&parts, ", ")));
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
