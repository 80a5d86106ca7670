//! Birth dates in text.

use super::{Detector, Doc, Found, Prepared, Strength, topic};
use crate::text::date;
use crate::text::spelled::{self, Form};

/// A full date behind the words of birth (`生年月日 S30.1.2`, `DOB 1955-01-02`) or before 生, 生まれ, 出生 (`昭和30年1月2日生`).
///
/// Columns of dates are not looked at: their treatment is the policy's.
pub struct BirthDate;

const DOC: Doc = Doc {
    name: "birth_date",
    ja: "生年月日（文中）",
    summary: "a full date beside the words of birth",
    summary_ja: "出生を表す語を伴う年月日",
    mark: "【生年月日】",
    law: "規則18条1号・33条1号",
    chance: 0.5,
    topics: topic::BIRTH,
};

/// The longest date: 令和12年12月31日 in bytes, with blanks.
pub(crate) const LONGEST: usize = 32;

fn days(text: &str) -> Option<i32> {
    // 昭和三十三年四月五日 is spelled in ideographs.
    if text.contains('月') && text.chars().any(in_kanji) {
        let mut found = None;
        spelled::each(text, &mut |one| {
            found = one.days().filter(|_| one.form == Form::Sure).or(found);
        });
        return found;
    }
    if text.bytes().filter(u8::is_ascii_digit).count() < 2 {
        return None;
    }
    let squeezed: String = text.chars().filter(|c| *c != ' ').collect();
    date::parse(&squeezed)?.days()
}

fn in_kanji(c: char) -> bool {
    spelled::kanji_number(c.encode_utf8(&mut [0; 4])).is_some()
}

/// Whether a date can begin with this character at a place of a folded text: a digit or an era, not within a word or a number.
#[must_use]
pub fn can_begin(text: &str, start: usize, c: char) -> bool {
    let first = c.is_ascii_digit()
        || matches!(
            c.to_ascii_uppercase(),
            'M' | 'T' | 'S' | 'H' | 'R' | '明' | '大' | '昭' | '平' | '令'
        );
    first && !text[..start].ends_with(|b: char| b.is_ascii_alphanumeric())
}

/// The longest date that begins at a place of a folded text: where it ends, and its days since 1970-01-01.
#[must_use]
pub fn day_from(text: &str, start: usize) -> Option<(usize, i32)> {
    let rest = &text[start..];
    let mut ends: Vec<usize> = rest
        .char_indices()
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|&at| at <= LONGEST)
        .collect();
    ends.reverse();
    ends.into_iter().find_map(|at| {
        let closed = !rest[at..].starts_with(|c: char| c.is_ascii_digit());
        let last = rest[..at].ends_with(|c: char| c.is_ascii_digit() || c == '日');
        if closed && last { days(&rest[..at]).map(|days| (start + at, days)) } else { None }
    })
}

/// A day behind the words of birth, in any spelling that has a year: 33.4.5, S330405.
fn named_day(text: &str, start: usize) -> Option<usize> {
    let read = day_from(text, start).map(|(end, _)| end);
    read.or_else(|| {
        let taken =
            |one: &spelled::Spelled, _: &str, _: &str| one.year.is_some() && one.day.is_some();
        super::dates::spelled_from(text, start, &taken)
    })
}

/// The longest date that ends at a place.
fn date_to(text: &str, end: usize) -> Option<usize> {
    let head = &text[..end];
    head.char_indices().map(|(at, _)| at).filter(|&at| end - at <= LONGEST).find(|&at| {
        let closed = !head[..at].ends_with(|c: char| c.is_ascii_alphanumeric());
        closed && days(&head[at..]).is_some()
    })
}

impl Detector for BirthDate {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        let text = view.text;
        if !text.bytes().any(|b| b.is_ascii_digit()) && !text.chars().any(in_kanji) {
            return;
        }
        for word in view.named(DOC.topics) {
            // 生まれ stands behind its date.
            if text[..word.end].ends_with("まれ") {
                continue;
            }
            let rest = &text[word.end..];
            let skipped = rest.len()
                - rest
                    .trim_start_matches([' ', ':', '(', ')', 'は', '=', '[', ']', '】', '/', '|'])
                    .len();
            if skipped <= 12
                && let Some(end) = named_day(text, word.end + skipped)
            {
                found.push((word.end + skipped..end, Strength::Strong));
            }
        }
        for (at, _) in text.match_indices('生').chain(text.match_indices("出生")) {
            let tail = text[at..].trim_start_matches("出").trim_start_matches('生');
            // 生まれ, 生. and 生(男) are of births; 生活, 生検 are not.
            let word = tail.starts_with(|c: char| c.is_alphanumeric())
                && !tail.starts_with("まれ")
                && !tail.starts_with('の');
            if word {
                continue;
            }
            let end = at - (text[..at].len() - text[..at].trim_end_matches([' ', '(']).len());
            if end > 0
                && text[..end].ends_with(|c: char| c.is_ascii_digit() || c == '日')
                && let Some(start) = date_to(text, end)
            {
                found.push((start..end, Strength::Strong));
            }
        }
    }
}
