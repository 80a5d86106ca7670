//! Distributions as they may be shown: nothing that fewer than ten distinct persons hold, never more than a page can draw.

use serde::{Deserialize, Serialize};

use super::facts::Count;
use crate::engine::observe::{Axis, By, Distribution, ENOUGH, Group, Held, SIDES, number_of};

/// Categories of a panel at most; the rest is pooled.
const MOST_CATEGORIES: usize = 12;
/// Different numbers that are shown each for itself.
const MOST_NUMBERS: usize = 16;
/// Bins of an ordered axis, about.
const BINS: f64 = 14.0;

/// One picture: the same groups for one to three sides.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Panel {
    /// What is counted.
    pub unit: Unit,
    /// The groups from first to last.
    pub groups: Vec<Bar>,
    /// Which sides are in it: source, pseudonymized, anonymized.
    pub sides: [bool; SIDES],
}

/// What a panel counts.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Distinct persons.
    Persons,
    /// Rows.
    Rows,
}

/// A group with its counts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Bar {
    /// What it is.
    pub label: Label,
    /// By side; none where the side is not in the panel (or the count is not available: persons of a pool).
    pub counts: [Option<Count>; SIDES],
}

/// What a group is.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Label {
    /// A value that at least ten persons hold.
    Value(String),
    /// A number, to three significant digits.
    Number(f64),
    /// From (included) to (excluded).
    Range(f64, f64),
    /// A year.
    Year(i64),
    /// A month: year and month from 1.
    Month(i64, i64),
    /// Ten years from this one.
    Decade(i64),
    /// Ages in ten years from this one (90: and above).
    Age(i64),
    /// Values that are not shown: how many different ones (0: not said).
    Other(u64),
    /// Missing.
    Missing,
}

/// The label of a stratum's group.
#[must_use]
pub fn group_label(group: &Group, by: By) -> Label {
    match (group, by) {
        (Group::From(n), By::Age) => Label::Age(*n),
        (Group::From(n), By::Decade) => Label::Decade(*n),
        (Group::From(n), By::Year) => Label::Year(*n),
        (Group::From(n), By::Tens | By::Value) => Label::Range(*n as f64, *n as f64 + 10.0),
        (Group::Text(text), _) => Label::Value(text.clone()),
        (Group::Missing, _) => Label::Missing,
    }
}

/// The pictures of a column: sides that share their values share a picture.
#[must_use]
pub fn panels(sides: &[Option<Distribution>; SIDES]) -> Vec<Panel> {
    let mut left: Vec<usize> =
        (0..SIDES).filter(|&s| sides[s].as_ref().is_some_and(|d| !d.overflow)).collect();
    let mut panels = Vec::new();
    while !left.is_empty() {
        let first = left.remove(0);
        let Some(model) = &sides[first] else { continue };
        let mut members = vec![first];
        left.retain(|&s| {
            let joins = sides[s].as_ref().is_some_and(|d| same_values(model, d));
            if joins {
                members.push(s);
            }
            !joins
        });
        let panel = match model.axis {
            Axis::Texts => categories(sides, &members),
            _ if model.bins.is_empty() => categories(sides, &members),
            Axis::Numbers | Axis::Months => ordered(sides, &members, model.axis),
        };
        panels.extend(panel);
    }
    panels
}

/// Whether two sides speak of the same values.
fn same_values(a: &Distribution, b: &Distribution) -> bool {
    if a.axis != b.axis {
        return false;
    }
    match (a.bins.is_empty(), b.bins.is_empty()) {
        (false, false) => true,
        (true, true) => {
            let shared = b.texts.keys().filter(|text| a.texts.contains_key(*text)).count();
            shared * 2 > b.texts.len() || b.texts.is_empty()
        }
        // Nothing there at all goes with anything.
        (false, true) => b.texts.is_empty(),
        (true, false) => a.texts.is_empty(),
    }
}

/// The held of a text on each side that is in the panel.
fn members<'a>(
    sides: &'a [Option<Distribution>; SIDES],
    members: &'a [usize],
) -> impl Iterator<Item = (usize, &'a Distribution)> {
    members.iter().filter_map(|&s| sides[s].as_ref().map(|d| (s, d)))
}

/// Texts that at least ten persons hold on some side, the most frequent ones.
fn shown_texts(sides: &[Option<Distribution>; SIDES], of: &[usize], most: usize) -> Vec<String> {
    let mut best: std::collections::BTreeMap<&str, u64> = std::collections::BTreeMap::new();
    for (_, distribution) in members(sides, of) {
        for (text, held) in &distribution.texts {
            if held.persons >= ENOUGH {
                let slot = best.entry(text).or_default();
                *slot = (*slot).max(held.persons);
            }
        }
    }
    let mut texts: Vec<(&str, u64)> = best.into_iter().collect();
    texts.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    texts.truncate(most);
    // Bands read better in their order than by frequency.
    if texts.iter().all(|(text, _)| leading(text) < 10_000) {
        texts.sort_by(|a, b| leading(a.0).cmp(&leading(b.0)).then(a.0.cmp(b.0)));
    }
    texts.into_iter().map(|(text, _)| text.to_owned()).collect()
}

fn leading(text: &str) -> u64 {
    let digits: String = text.chars().take_while(char::is_ascii_digit).take(18).collect();
    digits.parse().unwrap_or(u64::MAX)
}

/// The texts as bars, then what is not shown, then missing.
fn text_bars(
    sides: &[Option<Distribution>; SIDES],
    of: &[usize],
    most: usize,
    unit: Unit,
    bars: &mut Vec<Bar>,
) {
    let shown = shown_texts(sides, of, most);
    let number = |held: &Held| match unit {
        Unit::Persons => held.persons,
        Unit::Rows => held.rows,
    };
    for text in &shown {
        let mut counts = [None; SIDES];
        for (side, distribution) in members(sides, of) {
            counts[side] = Some(Count::of(distribution.texts.get(text).map_or(0, number)));
        }
        bars.push(Bar { label: Label::Value(text.clone()), counts });
    }
    let mut different = 0;
    let mut counts = [None; SIDES];
    for (side, distribution) in members(sides, of) {
        let rest: Vec<&Held> = distribution
            .texts
            .iter()
            .filter(|(text, _)| !shown.contains(text))
            .map(|(_, held)| held)
            .collect();
        different = different.max(rest.len() as u64);
        counts[side] = match unit {
            Unit::Rows => Some(Count::of(rest.iter().map(|h| h.rows).sum())),
            // Persons of several values overlap: only few and none are known.
            Unit::Persons => match Held::union(rest.iter().copied()) {
                0 => Some(Count::of(0)),
                few if few < ENOUGH => Some(Count::Few),
                _ => match rest.as_slice() {
                    [one] => Some(Count::of(one.persons)),
                    _ => None,
                },
            },
        };
    }
    if different > 0 {
        bars.push(Bar { label: Label::Other(different), counts });
    }
    let mut counts = [None; SIDES];
    let mut any = false;
    for (side, distribution) in members(sides, of) {
        let held = number(&distribution.missing);
        any |= held > 0;
        counts[side] = Some(Count::of(held));
    }
    if any {
        bars.push(Bar { label: Label::Missing, counts });
    }
}

fn in_panel(of: &[usize]) -> [bool; SIDES] {
    std::array::from_fn(|s| of.contains(&s))
}

fn categories(sides: &[Option<Distribution>; SIDES], of: &[usize]) -> Option<Panel> {
    let mut groups = Vec::new();
    text_bars(sides, of, MOST_CATEGORIES, Unit::Persons, &mut groups);
    (!groups.is_empty()).then_some(Panel { unit: Unit::Persons, groups, sides: in_panel(of) })
}

fn ordered(sides: &[Option<Distribution>; SIDES], of: &[usize], axis: Axis) -> Option<Panel> {
    let edges = match axis {
        Axis::Numbers => number_edges(sides, of),
        Axis::Months | Axis::Texts => month_edges(sides, of),
    };
    let mut groups = Vec::new();
    let in_bin = |distribution: &Distribution, from: i64, to: i64| -> (u64, u64) {
        let held: Vec<&Held> = distribution.bins.range(from..to).map(|(_, h)| h).collect();
        (held.iter().map(|h| h.rows).sum(), Held::union(held.iter().copied()))
    };
    let mut shown = [0_u64; SIDES];
    for (from, to, label) in edges {
        let mut counts = [None; SIDES];
        for (side, distribution) in members(sides, of) {
            let (rows, persons) = in_bin(distribution, from, to);
            // Held by fewer than ten persons: "few", and their rows stay in the pool.
            counts[side] = Some(if persons >= ENOUGH {
                shown[side] += rows;
                Count::of(rows)
            } else if persons == 0 {
                Count::of(0)
            } else {
                shown[side] += rows;
                Count::Few
            });
        }
        groups.push(Bar { label, counts });
    }
    // What lies outside the drawn range.
    let mut counts = [None; SIDES];
    let mut any = false;
    for (side, distribution) in members(sides, of) {
        let all: u64 = distribution.bins.values().map(|h| h.rows).sum();
        let outside = all.saturating_sub(shown[side]);
        any |= outside > 0;
        counts[side] = Some(Count::of(outside));
    }
    if any {
        groups.push(Bar { label: Label::Other(0), counts });
    }
    text_bars(sides, of, 6, Unit::Rows, &mut groups);
    (!groups.is_empty()).then_some(Panel { unit: Unit::Rows, groups, sides: in_panel(of) })
}

/// The range between the first and the last key up to which at least ten persons are counted on some side: single
/// extreme values do not set the scale, and do not show in it.
fn range(sides: &[Option<Distribution>; SIDES], of: &[usize]) -> Option<(i64, i64)> {
    let mut low: Option<i64> = None;
    let mut high: Option<i64> = None;
    for (_, distribution) in members(sides, of) {
        let reach = |keys: &mut dyn Iterator<Item = (&i64, &Held)>| -> Option<i64> {
            let mut seen: Vec<&Held> = Vec::new();
            for (&key, held) in keys {
                seen.push(held);
                if Held::union(seen.iter().copied()) >= ENOUGH {
                    return Some(key);
                }
            }
            None
        };
        if let Some(key) = reach(&mut distribution.bins.iter()) {
            low = Some(low.map_or(key, |old| old.min(key)));
        }
        if let Some(key) = reach(&mut distribution.bins.iter().rev()) {
            high = Some(high.map_or(key, |old| old.max(key)));
        }
    }
    Some((low?, high?)).filter(|(low, high)| low <= high)
}

/// From key, to key (excluded), label.
type Edge = (i64, i64, Label);

fn number_edges(sides: &[Option<Distribution>; SIDES], of: &[usize]) -> Vec<Edge> {
    let Some((low, high)) = range(sides, of) else { return Vec::new() };
    // Few different numbers (scores, days) stand each for itself.
    let mut keys: std::collections::BTreeMap<i64, bool> = std::collections::BTreeMap::new();
    for (_, distribution) in members(sides, of) {
        for (&key, held) in &distribution.bins {
            *keys.entry(key).or_default() |= held.persons >= ENOUGH;
        }
    }
    if keys.values().filter(|&&enough| enough).count() <= MOST_NUMBERS
        && keys.len() <= 2 * MOST_NUMBERS
    {
        return keys
            .into_iter()
            .filter(|&(_, enough)| enough)
            .map(|(key, _)| (key, key + 1, Label::Number(number_of(key))))
            .collect();
    }
    let (low_number, mut high_number) = (number_of(low), number_of(high));
    // A long tail would leave one bar: end where 98 of 100 rows are.
    let mut rows: u64 = 0;
    let mut counts: std::collections::BTreeMap<i64, u64> = std::collections::BTreeMap::new();
    for (_, distribution) in members(sides, of) {
        for (&key, held) in distribution.bins.range(low..=high) {
            *counts.entry(key).or_default() += held.rows;
            rows += held.rows;
        }
    }
    let mut sum = 0;
    for (key, count) in counts {
        sum += count;
        if sum * 100 >= rows * 98 {
            high_number = number_of(key);
            break;
        }
    }
    let span = high_number - low_number;
    let step = if span > 0.0 { nice(span / BINS) } else { nice(low_number.abs().max(1.0) / 10.0) };
    let start = (low_number / step).floor();
    let count = ((high_number / step).floor() - start).clamp(0.0, 60.0) as i64 + 1;
    (0..count)
        .map(|index| {
            let from = tidy((start + index as f64) * step);
            let to = tidy((start + (index + 1) as f64) * step);
            (key_of(from), key_of(to), Label::Range(from, to))
        })
        .collect()
}

/// The key of a bin's edge, exact: unlike those of values it is not rounded to three digits.
fn key_of(number: f64) -> i64 {
    let bits = (number + 0.0).to_bits() as i64;
    bits ^ (((bits >> 63) as u64) >> 1) as i64
}

/// Without the noise of binary fractions.
fn tidy(number: f64) -> f64 {
    format!("{number:.6e}").parse().unwrap_or(number)
}

/// 1, 2 or 5 times a power of ten, not below a number.
fn nice(number: f64) -> f64 {
    let power = 10_f64.powf(number.log10().floor());
    for factor in [1.0, 2.0, 5.0] {
        if factor * power >= number * (1.0 - 1e-9) {
            return tidy(factor * power);
        }
    }
    tidy(10.0 * power)
}

fn month_edges(sides: &[Option<Distribution>; SIDES], of: &[usize]) -> Vec<Edge> {
    let Some((low, high)) = range(sides, of) else { return Vec::new() };
    let year = |key: i64| key.div_euclid(12);
    if high - low < 24 {
        // One date a month may be a year that is known alone: months only where several are used.
        return (low..=high)
            .map(|m| (m, m + 1, Label::Month(year(m), m.rem_euclid(12) + 1)))
            .collect();
    }
    let (from, to) = (year(low), year(high));
    if to - from < 24 {
        return (from..=to).map(|y| (y * 12, (y + 1) * 12, Label::Year(y))).collect();
    }
    let first = from.div_euclid(10);
    let last = to.div_euclid(10).min(first + 30);
    (first..=last).map(|d| (d * 120, (d + 1) * 120, Label::Decade(d * 10))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nice_steps() {
        assert_eq!(nice(0.7), 1.0);
        assert_eq!(nice(1.3), 2.0);
        assert_eq!(nice(30.0), 50.0);
        assert_eq!(nice(0.061), 0.1);
        assert_eq!(nice(5.0), 5.0);
    }
}
