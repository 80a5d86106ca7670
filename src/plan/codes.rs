//! Whole numbers that are codes: a room, a department, a stage, a nationality is written as a number and measures nothing, so that
//! each of its values can tell a person by itself (規則18条4号). A name does not say so for sure; the values do.
//!
//! The rule looks at the values that a column shows and how many rows have them, and nothing else: the run, the proof and whoever
//! reads the files come to the same answer. What is not plainly a measure is a code.

use std::collections::BTreeMap;

use crate::text::number::{Decimal, Measured};

/// So many different whole numbers are few: the codes of two digits, and every score and class.
const FEW: usize = 100;

/// One number in so many with a fraction or a class beside it makes a column one of measures.
const ONE_IN: u128 = 20;

/// Nothing that is measured has so many digits.
const LONG: u128 = 1_000_000_000_000_000_000;

/// The middle half of measures has more different values than these.
const NARROW: usize = 4;

/// Whether the numbers that a column shows are to be taken for codes. `labels` are those that are not special, with their rows; what
/// is no number says nothing.
///
/// Measured are numbers of which one in twenty has a fraction or a class; and whole ones that are more than a hundred different
/// ones, whose middle half is dense (at its own step, at least half of the places are taken that its rows could take) and close
/// (narrower than half of the middle nine tenths: what is measured thins out towards its ends, numbers that were given out do not).
#[must_use]
pub fn are_codes<'a>(labels: impl Iterator<Item = (&'a str, u64)>) -> bool {
    let mut whole: BTreeMap<i128, u128> = BTreeMap::new();
    let (mut all, mut others) = (0_u128, 0_u128);
    for (label, rows) in labels {
        let Some((number, class)) = read(label) else { continue };
        let rows = u128::from(rows);
        all += rows;
        match number.to_integer().filter(|_| !class) {
            Some(number) => *whole.entry(number).or_default() += rows,
            None => others += rows,
        }
    }
    if whole.is_empty() || others > 0 && others * ONE_IN >= all {
        return false;
    }
    whole.len() <= FEW
        || whole.keys().any(|number| number.unsigned_abs() >= LONG)
        || !is_measured(&whole, all - others)
}

/// A number, and whether a class stands beside it. An operator makes it no other number: `>=40` is what a floor shows.
fn read(label: &str) -> Option<(Decimal, bool)> {
    if let Some(number) = Decimal::parse(label) {
        return Some((number, false));
    }
    let measured = Measured::parse(label)?;
    Some((measured.number?, measured.class.is_some()))
}

/// Whether many whole numbers, with their rows, look measured.
fn is_measured(whole: &BTreeMap<i128, u128>, rows: u128) -> bool {
    // The smallest number at or below which so many of a hundred rows are.
    let at = |percent: u128| {
        let mut below = 0;
        let mut found = whole.iter().filter_map(|(&number, &rows_of)| {
            below += rows_of;
            (below * 100 >= percent * rows).then_some(number)
        });
        found.next().unwrap_or_default()
    };
    let (low, first, third, high) = (at(5), at(25), at(75), at(95));
    let middle: Vec<(i128, u128)> =
        whole.range(first..=third).map(|(&number, &rows)| (number, rows)).collect();
    if middle.len() <= NARROW || 2 * (third - first) > high - low {
        return false;
    }
    let step = middle.windows(2).fold(0, |step, pair| gcd(step, pair[1].0 - pair[0].0));
    let places = (third - first) / step.max(1) + 1;
    let could = places.unsigned_abs().min(middle.iter().map(|(_, rows)| rows).sum());
    2 * middle.len() as u128 >= could
}

fn gcd(mut a: i128, mut b: i128) -> i128 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod tests {
    use super::are_codes;

    fn codes(labels: &[(String, u64)]) -> bool {
        are_codes(labels.iter().map(|(label, rows)| (label.as_str(), *rows)))
    }
    fn held(numbers: impl Iterator<Item = (i64, u64)>) -> Vec<(String, u64)> {
        numbers.filter(|(_, rows)| *rows > 0).map(|(n, rows)| (n.to_string(), rows)).collect()
    }
    /// Rows by number of something measured: a bell around the middle, with a long upper end.
    fn bell(step: i64, middle: i64, width: f64, rows: f64) -> Vec<(String, u64)> {
        held((0..middle * 4 / step).map(|at| {
            let number = at * step;
            let from = (number - middle) as f64 / if number > middle { width * 2.0 } else { width };
            (number, (rows * (-from * from / 2.0).exp()).round() as u64)
        }))
    }

    #[test]
    fn measures_and_codes_are_told_by_their_values() {
        // Laboratory values, pressures, weights of 0.1 kg, platelets by the thousand.
        for (step, middle, width, rows) in [
            (1, 140, 30.0, 60.0),
            (1, 120, 25.0, 9.0),
            (1, 600, 90.0, 12.0),
            (100, 20_000, 4_000.0, 30.0),
            (1, 6_000, 1_500.0, 3.0),
        ] {
            assert!(!codes(&bell(step, middle, width, rows)), "{middle}");
        }
        // Few values, whatever they are: scores, stages, departments, the two digits of a bed.
        assert!(codes(&held((0..100).map(|n| (n, 1000)))));
        assert!(codes(&bell(5, 60, 20.0, 50.0)));
        // Rooms of nine floors, beds of them, consecutive numbers, countries of the world (most from one), offices far apart.
        let rooms = (2..11).flat_map(|floor| (1..31).map(move |room| floor * 100 + room));
        for rows in [1, 3, 10, 1000] {
            assert!(codes(&held(rooms.clone().map(|room| (room, rows)))), "{rows}");
        }
        assert!(codes(&held((1..301).map(|n| (n, 10 + n as u64 % 7)))));
        let country = |n: i64| (n * 7 % 900, if n == 56 { 100_000 } else { 3 });
        assert!(codes(&held((1..180).map(country))));
        assert!(codes(&held((1..150).map(|n| (n * n * 31 % 9973, 40)))));
        assert!(codes(&held((0..200).map(|n| (1_300_000_000_000_000_000 + n * n, 9)))));
    }

    #[test]
    fn fractions_and_classes_are_measured() {
        let with = |label: &str, rows: u64| {
            codes(&[("1".into(), 500), ("2".into(), 450), (label.into(), rows)])
        };
        assert!(with("1.5", 49) && !with("1.5", 50));
        assert!(with("3(+)", 49) && !with("3(+)", 50));
        assert!(with(">=2", 900) && with("溶血", 900) && with("1.0", 900));
        assert!(!codes(&[("0.5".into(), 1)]) && !codes(&[("A".into(), 1)]) && !codes(&[]));
    }
}
