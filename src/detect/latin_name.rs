//! Japanese names in Latin letters: `SATO TARO`, `Hanako Yamada`, `S. Takahashi`.

use std::ops::Range;

use super::lexicon::latin_names;
use crate::text::romaji;

/// Family and given name, both by the readings of the lists, in either order, each written in capitals or with one: where they
/// stand.
pub(super) fn pairs(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    // Two capitals, perhaps with macrons.
    if text.bytes().filter(|b| b.is_ascii_uppercase() || matches!(b, 0xc3..=0xc9)).count() < 2 {
        return found;
    }
    let words = romaji::words(text);
    let mut free = 0;
    for pair in words.windows(2) {
        let [one, two] = [&pair[0], &pair[1]];
        let between = &text[one.end..two.start];
        if one.start < free || !matches!(between, " " | "  " | ", " | "," | "・") {
            continue;
        }
        let written = |w: &Range<usize>| {
            let word = &text[w.clone()];
            let mut letters = word.chars();
            letters.next().is_some_and(char::is_uppercase)
                && (word.chars().all(|c| !c.is_lowercase()) || letters.all(|c| !c.is_uppercase()))
        };
        if !(written(one) && written(two)) {
            continue;
        }
        let keys = [one, two].map(|w| romaji::key(&text[w.clone()]));
        let [Some(a), Some(b)] = keys else { continue };
        let long = |w: &Range<usize>| {
            let word = &text[w.clone()];
            w.len() >= SHORTEST && !WORDS.iter().any(|english| word.eq_ignore_ascii_case(english))
        };
        let names = latin_names();
        let named = names.family.contains(&a) && names.given.contains(&b)
            || names.given.contains(&a) && names.family.contains(&b);
        if named && long(one) && long(two) {
            found.push(one.start..two.end);
            free = two.end;
        }
    }
    found
}

/// An initial and a family name of the readings, `S. Takahashi` or `Takahashi, S.`: where they stand.
pub(super) fn initials(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    if !text.contains('.') || text.bytes().filter(u8::is_ascii_uppercase).count() < 2 {
        return found;
    }
    let words = romaji::words(text);
    let initial = |w: &Range<usize>| {
        let dotted = text[w.end..].starts_with('.');
        w.len() == 1 && text.as_bytes()[w.start].is_ascii_uppercase() && dotted
    };
    let family = |w: &Range<usize>| {
        let word = &text[w.clone()];
        let mut letters = word.chars();
        let written = letters.next().is_some_and(char::is_uppercase)
            && (word.chars().all(|c| !c.is_lowercase()) || letters.all(|c| !c.is_uppercase()));
        let known = || romaji::key(word).is_some_and(|key| latin_names().family.contains(&key));
        w.len() >= SHORTEST_FAMILY && written && known()
    };
    for pair in words.windows(2) {
        let [one, two] = [&pair[0], &pair[1]];
        let between = &text[one.end..two.start];
        // No further initial or word with a dot: i.v., Fig. S. Takahashi is one all the same.
        let begins = |w: &Range<usize>| !text[..w.start].ends_with(['.', '-', '/', '_']);
        if initial(one) && matches!(between, "." | ". ") && family(two) && begins(one) {
            found.push(one.start..two.end);
        } else if initial(two) && matches!(between, " " | ", " | ",") && family(one) && begins(one)
        {
            // A. Takahashi S. Mori: the initial belongs to the name behind it.
            let next = text[two.end + 1..].trim_start_matches(' ');
            if !next.starts_with(|c: char| c.is_ascii_alphabetic()) {
                found.push(one.start..two.end + 1);
            }
        }
    }
    found
}

/// Letters of the shortest family name beside an initial.
const SHORTEST_FAMILY: usize = 5;
/// Letters of the shorter of the two: `AI`, `IO` and `ON` are too much else.
const SHORTEST: usize = 3;
/// English words that are readings too.
const WORDS: [&str; 10] =
    ["you", "one", "too", "can", "have", "been", "are", "see", "some", "more"];
