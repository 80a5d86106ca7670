//! Japanese names in Latin letters: `SATO TARO`, `Hanako Yamada`.

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

/// Letters of the shorter of the two: `AI`, `IO` and `ON` are too much else.
const SHORTEST: usize = 3;
/// English words that are readings too.
const WORDS: [&str; 10] =
    ["you", "one", "too", "can", "have", "been", "are", "see", "some", "more"];
