//! Rare values: a code that fewer than n persons have goes up to its parent level, at last to `other`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use hashbrown::HashSet;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::map_code::other;
use super::{Cell, Doc, Input, Measure, Needs, Output, Shows, Technique, tails};
use crate::error::{Error, Name, Said};
use crate::frame::MISSING;
use crate::law::Item;
use crate::say;
use crate::schema::codes::{Held, Ladders};
use crate::schema::{ColumnFacts, Kind, Type};

/// Shows a code at its starting level if at least `below` distinct persons are shown under that label, else at the next
/// level, ..., else as `other`; if even `other` is too rare, the cell is suppressed.
///
/// A parent label stands for what rolled up into it, beside children that stay on their own level, so its persons are
/// counted over exactly those cells. Persons of two codes overlap; they are counted anew in every round, never added.
///
/// # Guarantee
/// * Every label shown (special values aside) is shown for at least `below` distinct persons.
/// * A label is the code's own value at `start`, one of its ancestors, or `other`.
#[derive(Clone, Debug, Deserialize, JsonSchema, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Rare {
    /// Fewer distinct persons than this make a label rare; by default the floor of the release (that of its tier).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub below: Option<u64>,
    /// The level of the column's code system or hierarchy to start with; by default the code itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start: Option<String>,
    /// The label for what is rare at every level.
    #[serde(default = "other")]
    pub other: String,
    /// How many levels up each label (as it is shown at level 0) went, as frozen. A label that is not here is suppressed.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub frozen: Option<Frozen>,
    #[serde(skip)]
    #[schemars(skip)]
    ladder: Held,
    #[serde(skip)]
    #[schemars(skip)]
    rare: Arc<Labels>,
}

/// Labels found rare so far, as (level, label); the level after the last is `other`.
#[derive(Debug, Default)]
struct Labels {
    rare: HashSet<(usize, String)>,
}

impl Labels {
    fn written(&self) -> Frozen {
        Frozen { rare: self.rare.iter().cloned().collect() }
    }
}

/// What freezing fixed: rare labels by level, sorted.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Frozen {
    /// Level number and label.
    pub rare: BTreeSet<(usize, String)>,
}

impl PartialEq for Rare {
    fn eq(&self, other: &Self) -> bool {
        (self.below, &self.start, &self.other, &self.frozen)
            == (other.below, &other.start, &other.other, &other.frozen)
    }
}

impl Rare {
    /// The configuration with default values.
    #[must_use]
    pub fn new(below: u64) -> Self {
        Rare {
            below: Some(below),
            start: None,
            other: other(),
            frozen: None,
            ladder: Held::default(),
            rare: Arc::default(),
        }
    }

    /// Without a number nothing is common enough: the plan gives one.
    fn n(&self) -> u64 {
        self.below.unwrap_or(u64::MAX)
    }
    /// The labels of a code, from the starting level up, without `other`.
    fn path(&self, text: &str) -> Vec<String> {
        let mut path = Vec::new();
        if self.start.is_none() {
            path.push(text.to_owned());
        }
        if let Some(ladder) = self.ladder.get() {
            // The chain, not all levels: a prefix of a postal code is no part of its prefecture.
            let levels = ladder.chain();
            let from = self
                .start
                .as_ref()
                .and_then(|s| levels.iter().position(|l| l.as_str() == s))
                .unwrap_or(0);
            for level in levels.iter().skip(from) {
                match ladder.up(text, level.as_str()) {
                    Some(label) => path.push(label),
                    // Not covered (a local code): nothing above it but `other`.
                    None => break,
                }
            }
        }
        path
    }

    /// Level and label under which a code is shown now; none if even `other` is rare.
    fn shown(&self, text: &str) -> Option<(usize, String)> {
        let path = self.path(text);
        for (level, label) in path.into_iter().enumerate() {
            let key = (level, label);
            if !self.rare.rare.contains(&key) {
                return Some(key);
            }
        }
        let key = (usize::MAX, self.other.clone());
        (!self.rare.rare.contains(&key)).then_some(key)
    }

    fn rare_in(&self, statistics: &Measure) -> Vec<(usize, String)> {
        let Measure::Persons(counts) = statistics else { return Vec::new() };
        counts
            .iter()
            .filter(|&(_, &persons)| persons < self.n())
            .filter_map(|(key, _)| {
                let (level, label) = key.split_once('\u{1f}')?;
                Some((level.parse().ok()?, label.to_owned()))
            })
            .collect()
    }
}

impl Technique for Rare {
    const DOC: Doc = Doc {
        name: "rare",
        ja: "特異な記述等の置換（希少値の上位区分化）",
        summary: "Codes of fewer than n persons go up to their parent level, at last to `other`.",
        summary_ja: "n人未満の値を上位の区分に、最後は「その他」に置き換える。",
        items: &[Item::A4, Item::A5],
        example: "{ rare = { below = 10 } }",
        shorthand: Some("below"),
        keyed: false,
        shows: Shows::Coarser,
        ranges: false,
    };
    fn check(&self, _: &ColumnFacts, _: Kind) -> Vec<Said> {
        if self.below.is_some_and(|n| n < 2) {
            vec![say!("rare: `below` must be at least 2")]
        } else {
            Vec::new()
        }
    }
    fn persons(&self) -> Option<u64> {
        self.below
    }
    fn set_persons(&mut self, n: u64) {
        self.below.get_or_insert(n);
    }
    fn keeps_codes(&self) -> bool {
        true
    }
    fn remainder(&self) -> Option<&str> {
        Some(&self.other)
    }
    fn needs(&self) -> Needs {
        Needs { statistics: true, ..Needs::default() }
    }
    fn attach(&mut self, ladders: &Ladders, facts: &ColumnFacts) -> Result<(), Said> {
        if let Some(code) = &facts.code {
            let ladder = ladders.find(code)?;
            if let Some(start) = &self.start
                && !ladder.chain().iter().any(|l| l.as_str() == start)
            {
                return Err(say!("`{}` has no level `{}`", code, Name::from_policy(start.clone())));
            }
            self.ladder = Held::of(ladder);
        } else if self.start.is_some() {
            return Err(say!("rare: `start` needs `code = ...` on the column"));
        }
        Ok(())
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::Code)
    }
    fn measure(&self, input: &Input<'_>) -> Measure {
        let labels: Vec<Option<(usize, String)>> = input
            .cells
            .dictionary()
            .texts()
            .map(|text| if input.facts.is_special(text) { None } else { self.shown(text) })
            .collect();
        let mut numbers: BTreeMap<&(usize, String), u32> = BTreeMap::new();
        let of_code: Vec<u32> = labels
            .iter()
            .map(|label| match label {
                None => MISSING,
                Some(label) => {
                    let next = numbers.len() as u32;
                    *numbers.entry(label).or_insert(next)
                }
            })
            .collect();
        let mut pairs: Vec<u64> = input
            .cells
            .codes()
            .iter()
            .zip(input.persons.of_row)
            .filter(|&(&code, _)| code != MISSING && of_code[code as usize] != MISSING)
            .map(|(&code, &person)| (u64::from(of_code[code as usize]) << 32) | u64::from(person))
            .collect();
        pairs.sort_unstable();
        pairs.dedup();
        let mut persons = vec![0_u64; numbers.len()];
        for pair in pairs {
            persons[(pair >> 32) as usize] += 1;
        }
        Measure::Persons(
            numbers
                .iter()
                .filter(|&(_, &number)| persons[number as usize] > 0)
                .map(|((level, label), &number)| {
                    (format!("{level}\u{1f}{label}"), persons[number as usize])
                })
                .collect(),
        )
    }
    fn merge(&self, left: Measure, right: Measure) -> Measure {
        tails::merge(left, right, 0)
    }
    fn next_round(&self, statistics: &Measure) -> Option<Self> {
        let rare = self.rare_in(statistics);
        if rare.is_empty() {
            return None;
        }
        let mut all = self.rare.rare.clone();
        all.extend(rare);
        let rare = Arc::new(Labels { rare: all });
        // Written and read back between two rounds, it is what it was.
        Some(Rare { frozen: Some(rare.written()), rare, ..self.clone() })
    }
    fn freeze(&self, _: &Measure, _: &ColumnFacts) -> Result<Self, Error> {
        Ok(Rare { frozen: Some(self.rare.written()), ..self.clone() })
    }
    fn restore(&self, written: &serde_json::Value) -> Option<Self> {
        let (read, frozen): (Self, Option<Frozen>) = super::apart(written, "frozen")?;
        let rare = frozen.iter().flat_map(|f| f.rare.iter().cloned()).collect();
        let rare = Arc::new(Labels { rare });
        Some(Rare { frozen, rare, ladder: self.ladder.clone(), ..read })
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        input.map_values(|text| {
            self.shown(text).map_or(Cell::Missing, |(_, label)| Cell::Text(label))
        })
    }
    fn outliers(&self) -> bool {
        true
    }
    fn describe(&self) -> (String, String) {
        let start = self.start.as_ref().map(|s| format!("「{s}」から")).unwrap_or_default();
        (
            format!("{start}{}人未満の値を上位区分に置換", self.n()),
            format!("values of fewer than {} persons replaced by their parent level", self.n()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rows, facts, frozen};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_label_shown_is_shown_for_enough_persons(
            rows in proptest::collection::vec((0_u8..14, 0_usize..9), 0..80), n in 2_u64..6, with_code in any::<bool>()
        ) {
            const CODES: [&str; 9] = ["A000", "A001", "A010", "B200", "B201", "C500", "I10", "I109", "Z999"];
            let rows = Rows::new(rows.into_iter().map(|(p, c)| (p, Some(CODES[c].to_owned()))));
            let mut facts = facts(Type::Code);
            if with_code { facts.code = Some(Name::fixed("icd10")); }
            let mut config = Rare::new(n);
            config.attach(&Ladders::new(), &facts).unwrap();
            let (fixed, output) = frozen(&config, &rows, &facts).unwrap();
            let labels: BTreeSet<String> = output.cells.cells().flatten().map(str::to_owned).collect();
            for label in labels {
                prop_assert!(rows.persons_in(&output.cells, |t| t == label) as u64 >= n, "{label}");
            }
            for (before, after) in rows.texts().zip(output.cells.cells()) {
                if let Some(after) = after {
                    prop_assert!(after == "other" || fixed.path(before.unwrap()).iter().any(|l| l == after));
                }
            }
        }
    }
}
