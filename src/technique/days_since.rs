//! Days since an anchor: a date becomes a number of days.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, ColumnRef, Doc, Input, Needs, Output, Shows, Technique};
use crate::error::Said;
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Type};

/// Replaces a date by the days from an anchor date (of the same row, of the row's stay, or the person's earliest).
/// The time of day goes.
///
/// # Guarantee
/// * The number is the difference of the two days; if both are moved by the same days it stays.
/// * No calendar date remains. A partial date or a missing anchor gives a suppressed cell.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct DaysSince {
    /// The anchor: `table.column`, or a date column of the same table.
    pub anchor: ColumnRef,
    /// Later than this many days is shown as `>n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<i32>,
    /// Earlier than this many days (negative: before the anchor) is shown as `<n`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<i32>,
    /// Days are cut to multiples of this (7: weeks).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<u16>,
}

impl Technique for DaysSince {
    const DOC: Doc = Doc {
        name: "days_since",
        ja: "相対日数への置換",
        summary: "Replaces a date by the days since an anchor date.",
        summary_ja: "日付を、基準日からの日数に置き換える。",
        items: &[Item::A1, Item::A4, Item::A5, Item::P1],
        example: "{ days_since = \"stays.入院日\" }",
        shorthand: Some("anchor"),
        keyed: false,
        shows: Shows::Coarser,
        ranges: true,
    };
    fn check(&self, facts: &ColumnFacts, _: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        if !facts.ty.is_date() {
            said.push(say!("days_since needs a column of dates; this one is of type {}", facts.ty));
        }
        if self.step == Some(0) {
            said.push(say!("days_since: `step` must be at least 1"));
        }
        said
    }
    fn ordered(&self) -> bool {
        true
    }
    fn relative(&self) -> bool {
        true
    }
    fn day_step(&self) -> u32 {
        self.step.map_or(1, u32::from)
    }
    fn needs(&self) -> Needs {
        Needs { dates: vec![self.anchor.clone()], ..Needs::default() }
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(if self.at_most.is_some() || self.at_least.is_some() {
            Type::Measured
        } else {
            Type::Integer
        })
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        let anchor = input.dates.first();
        let own = input.cells.dictionary().days();
        input.map_pairs(
            |row| anchor.and_then(|a| a[row]),
            |code, anchor| {
                let Some(day) = own[code as usize] else { return Cell::Missing };
                let mut days = day - anchor;
                if let Some(step) = self.step {
                    let step = i32::from(step);
                    days = days.div_euclid(step) * step;
                }
                Cell::Text(match (self.at_most, self.at_least) {
                    (Some(most), _) if days > most => format!(">{most}"),
                    (_, Some(least)) if days < least => format!("<{least}"),
                    _ => days.to_string(),
                })
            },
        )
    }
    fn unfit(&self) -> Option<[&'static str; 2]> {
        Some([
            "no number of days: a date is missing or partial",
            "日数が決まらない（日付がない、または日がない）",
        ])
    }
    fn describe(&self) -> (String, String) {
        (format!("{}からの日数", self.anchor.0), format!("days since {}", self.anchor.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rows, facts, frozen_with_dates};
    use crate::text::date;
    use proptest::prelude::*;

    fn shown(config: &DaysSince, day: i32, anchor: i32) -> String {
        let text = date::date_of(day).unwrap().format("%Y/%-m/%-d").to_string();
        let rows = Rows::new([(0, Some(text))]);
        let (_, output) =
            frozen_with_dates(config, &rows, &facts(Type::Date), &[vec![Some(anchor)]]).unwrap();
        output.cells.text(0).unwrap().to_owned()
    }

    proptest! {
        #[test]
        fn survives_a_common_shift(day in 0_i32..20_000, anchor in 0_i32..20_000, shift in -700_i32..700) {
            let config = DaysSince { anchor: ColumnRef("a".into()), at_most: None, at_least: None, step: None };
            prop_assert_eq!(shown(&config, day, anchor), (day - anchor).to_string());
            prop_assert_eq!(shown(&config, day + shift, anchor + shift), (day - anchor).to_string());
        }
    }

    #[test]
    fn limits_and_steps() {
        let config = DaysSince {
            anchor: ColumnRef("a".into()),
            at_most: Some(365),
            at_least: Some(0),
            step: Some(7),
        };
        assert_eq!(shown(&config, 1000, 990), "7");
        assert_eq!(shown(&config, 2000, 990), ">365");
        assert_eq!(shown(&config, 900, 990), "<0");
    }
}
