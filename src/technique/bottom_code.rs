//! Bottom-coding: small values become one common lower value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Measure, Needs, Output, Shows, Technique, tails};
use crate::error::{Error, Said};
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Type};
use crate::text::number::{Decimal, Measured};

/// Replaces every value up to a limit by `<=limit`.
///
/// The limit is `at`, or where `persons` is given the smallest value that at least so many distinct persons reach
/// (never below `at`). A patient aged 116 is a singular description; after top-coding he is one of all who are 90 or older.
///
/// # Guarantee
/// * No output value tells how far below the limit a value was.
/// * With `persons = n`: at least n distinct persons are shown as `<=limit` (or nobody has a value).
/// * Everybody at or below the limit is shown as one group; a value above it is unchanged, to the byte.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct BottomCode {
    /// The limit, in the column's own unit; with `persons` an outer bound for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Decimal>,
    /// At least so many distinct persons in the tail.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<u64>,
    /// Write the limit itself as a number instead of `<=limit`.
    #[serde(default)]
    pub as_number: bool,
    /// The limit as frozen.
    #[serde(default, skip_deserializing, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub limit: Option<Decimal>,
}

impl Technique for BottomCode {
    const DOC: Doc = Doc {
        name: "bottom_code",
        ja: "ボトムコーディング",
        summary: "Small values become one common lower value, with at least n persons in the tail.",
        summary_ja: "下限値に満たない値を、n人以上を含む共通の下限値に置き換える。",
        items: &[Item::A4, Item::A5],
        example: "{ bottom_code = { persons = 10 } }",
        shorthand: Some("at"),
        keyed: false,
        shows: Shows::Coarser,
        ranges: true,
    };
    fn check(&self, facts: &ColumnFacts, _: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        if !facts.ty.is_number() {
            said.push(say!(
                "bottom_code needs a column of numbers; this one is of type {}",
                facts.ty
            ));
        }
        if self.at.is_none() && self.persons.is_none() {
            said.push(say!("bottom_code needs `at`, `persons` or both"));
        }
        if self.persons == Some(0) {
            said.push(say!("bottom_code: `persons` must be at least 1"));
        }
        said
    }
    fn needs(&self) -> Needs {
        Needs { statistics: self.persons.is_some(), ..Needs::default() }
    }
    fn persons(&self) -> Option<u64> {
        self.persons
    }
    fn output(&self, facts: &ColumnFacts) -> Option<Type> {
        Some(if self.as_number { facts.ty } else { Type::Measured })
    }
    fn measure(&self, input: &Input<'_>) -> Measure {
        tails::extremes(
            input,
            usize::try_from(self.persons.unwrap_or(0)).unwrap_or(usize::MAX),
            |n| n,
        )
    }
    fn merge(&self, left: Measure, right: Measure) -> Measure {
        tails::merge(left, right, usize::try_from(self.persons.unwrap_or(0)).unwrap_or(usize::MAX))
    }
    fn freeze(&self, statistics: &Measure, _: &ColumnFacts) -> Result<Self, Error> {
        let mut frozen = self.clone();
        frozen.limit = self.at;
        if let (Some(persons), Measure::Tails { low, .. }) = (self.persons, statistics)
            && tails::enough(low.len(), persons)?
        {
            let reached = low.last().copied();
            frozen.limit = match (self.at, reached) {
                (Some(at), Some(reached)) => Some(at.max(reached)),
                (at, reached) => reached.or(at),
            };
        }
        Ok(frozen)
    }
    fn restore(&self, written: &serde_json::Value) -> Option<Self> {
        let (rest, limit) = super::apart(written, "limit")?;
        Some(Self { limit, ..rest })
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        let Some(limit) = self.limit else { return input.map_values(|_| Cell::Missing) };
        let shown = if self.as_number { limit.to_string() } else { format!("<={limit}") };
        input.map_values(|text| match tails::number(text) {
            // The limit itself is in the tail: its persons are counted there, and a label of its own could be of few.
            Some(number) if number <= limit => Cell::Text(shown.clone()),
            Some(_) => Cell::Same,
            None if Measured::parse(text).is_some() => Cell::Same,
            None => Cell::Missing,
        })
    }
    fn outliers(&self) -> bool {
        true
    }
    fn describe(&self) -> (String, String) {
        match (self.at, self.persons) {
            (Some(at), None) => {
                (format!("ボトムコーディング（{at}）"), format!("bottom-coded at {at}"))
            }
            (Some(at), Some(n)) => (
                format!("ボトムコーディング（{at}、{n}人以上）"),
                format!("bottom-coded at {at} with at least {n} persons in the tail"),
            ),
            (None, Some(n)) => (
                format!("ボトムコーディング（{n}人以上）"),
                format!("bottom-coded with at least {n} persons in the tail"),
            ),
            (None, None) => ("ボトムコーディング".into(), "bottom-coded".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rows, facts, frozen};
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_tail_holds_enough_persons(rows in proptest::collection::vec((0_u8..12, 0_i64..40), 0..60), n in 1_u64..6) {
            let rows = Rows::new(rows.into_iter().map(|(p, v)| (p, Some(v.to_string()))));
            let config = BottomCode { at: None, persons: Some(n), as_number: false, limit: None };
            let facts = facts(Type::Integer);
            let Ok((fixed, output)) = frozen(&config, &rows, &facts) else {
                prop_assert!((rows.persons_where(|_| true) as u64) < n);
                return Ok(());
            };
            let Some(limit) = fixed.limit else { return Ok(()) };

            prop_assert!(rows.persons_in(&output.cells, |t| t.starts_with("<=")) as u64 >= n);
            for (before, after) in rows.texts().zip(output.cells.cells()) {
                let (before, after) = (before.unwrap(), after.unwrap());
                if Decimal::parse(before).unwrap() <= limit {
                    prop_assert_eq!(after, format!("<={limit}"));
                } else {
                    prop_assert_eq!(after, before);
                }
            }
        }
    }

    #[test]
    fn a_fixed_limit_and_operators() {
        let rows = Rows::new(
            [(0, "116"), (1, "89"), (2, "0"), (3, "9999")].map(|(p, v)| (p, Some(v.to_owned()))),
        );
        let mut facts = facts(Type::Integer);
        facts.specials = vec!["9999".into()];
        let config =
            BottomCode { at: Decimal::parse("5"), persons: None, as_number: true, limit: None };
        let (_, output) = frozen(&config, &rows, &facts).unwrap();
        let cells: Vec<_> = output.cells.cells().flatten().collect();
        assert_eq!(cells, ["116", "89", "5", "9999"]);
    }
}
