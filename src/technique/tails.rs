//! What several techniques measure: persons whose values are not covered, and the most extreme values a person has.

use std::collections::BTreeMap;

use super::{Input, Measure};
use crate::error::{Error, small};
use crate::frame::MISSING;
use crate::say;
use crate::text::number::{Decimal, Measured};

const UNCOVERED: &str = "uncovered";

/// Distinct persons with a value that `covers` does not know. No value is kept.
pub(super) fn uncovered(input: &Input<'_>, covers: impl Fn(&str) -> bool) -> Measure {
    let bad: Vec<bool> = input
        .cells
        .dictionary()
        .texts()
        .map(|text| !input.facts.is_special(text) && !covers(text))
        .collect();
    let mut persons = vec![false; input.persons.ids.len()];
    for (&code, &person) in input.cells.codes().iter().zip(input.persons.of_row) {
        if code != MISSING && bad[code as usize] {
            persons[person as usize] = true;
        }
    }
    let count = persons.iter().filter(|&&p| p).count() as u64;
    Measure::Persons(BTreeMap::from([(UNCOVERED.to_owned(), count)]))
}

/// Refuses if anybody has an uncovered value.
pub(super) fn refuse_uncovered(statistics: &Measure, what: &'static str) -> Result<(), Error> {
    if let Measure::Persons(counts) = statistics
        && let Some(&count) = counts.get(UNCOVERED)
        && count > 0
    {
        return Err(Error::refused(
            "C0401",
            say!("{} persons have values that {} does not cover", small(count), what),
        )
        .advice(say!("complete it, declare special values under `specials`, or say `otherwise = \"suppress\"` or `\"other\"`")));
    }
    Ok(())
}

/// The number of a cell: a plain number, or the number in a laboratory value.
pub(super) fn number(text: &str) -> Option<Decimal> {
    Decimal::parse(text).or_else(|| Measured::parse(text)?.number)
}

/// For each person the largest and the smallest number; the `n` most extreme of each are kept.
pub(super) fn extremes(input: &Input<'_>, n: usize, shown: impl Fn(Decimal) -> Decimal) -> Measure {
    let numbers: Vec<Option<Decimal>> = input
        .cells
        .dictionary()
        .texts()
        .map(|text| if input.facts.is_special(text) { None } else { number(text).map(&shown) })
        .collect();
    // The distinct numbers in order: rows are compared by the places of their numbers there.
    let mut sorted: Vec<Decimal> = numbers.iter().flatten().copied().collect();
    sorted.sort_unstable();
    sorted.dedup();
    let places: Vec<u32> = numbers
        .iter()
        .map(|n| n.and_then(|n| sorted.binary_search(&n).ok()).map_or(MISSING, |at| at as u32))
        .collect();
    let mut most: Vec<Option<(u32, u32)>> = vec![None; input.persons.ids.len()];
    for (&code, &person) in input.cells.codes().iter().zip(input.persons.of_row) {
        if code == MISSING || places[code as usize] == MISSING {
            continue;
        }
        let place = places[code as usize];
        let slot = &mut most[person as usize];
        *slot = Some(slot.map_or((place, place), |(high, low)| (high.max(place), low.min(place))));
    }
    let mut high: Vec<u32> = most.iter().flatten().map(|m| m.0).collect();
    let mut low: Vec<u32> = most.iter().flatten().map(|m| m.1).collect();
    high.sort_unstable_by(|a, b| b.cmp(a));
    low.sort_unstable();
    let numbers =
        |places: Vec<u32>| places.into_iter().take(n).map(|place| sorted[place as usize]).collect();
    Measure::Tails { high: numbers(high), low: numbers(low) }
}

/// Joins two statistics. Associative and commutative: persons of two partitions are distinct.
pub(super) fn merge(left: Measure, right: Measure, n: usize) -> Measure {
    match (left, right) {
        (Measure::Persons(mut a), Measure::Persons(b)) => {
            for (key, count) in b {
                *a.entry(key).or_default() += count;
            }
            Measure::Persons(a)
        }
        (Measure::Tails { mut high, mut low }, Measure::Tails { high: h, low: l }) => {
            high.extend(h);
            low.extend(l);
            high.sort_by(|a, b| b.cmp(a));
            low.sort();
            high.truncate(n);
            low.truncate(n);
            Measure::Tails { high, low }
        }
        (Measure::Nothing, other) | (other, _) => other,
    }
}

/// Refuses if fewer than `n` persons have a number at all. A column in which nobody has one is fine.
pub(super) fn enough(persons: usize, n: u64) -> Result<bool, Error> {
    if persons == 0 {
        return Ok(false);
    }
    if (persons as u64) < n {
        return Err(Error::refused(
            "C0402",
            say!("fewer than {} persons have a value, so no tail of that many persons exists", n),
        )
        .advice(say!("drop the column or lower the number of persons")));
    }
    Ok(true)
}
