//! Shift date: one shift in whole weeks a person, over all tables.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Needs, Output, Shows, Technique};
use crate::error::Said;
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, DateKind, Kind, Type};
use crate::text::date;

/// Moves every date of a person by the same number of whole weeks, drawn from the key of the release.
///
/// Weekdays and holidays give shifts in days away: with 26 visits a shift within ±30 days is recovered for a third of the
/// persons. Whole weeks keep the weekday useful and leave an attacker as many candidates as single days over the same span
/// would; the span is a year to each side by default. A partial date cannot be moved exactly and is suppressed.
///
/// # Guarantee
/// * All intervals between dates of one person are kept to the day, and every weekday too.
/// * The shift is never zero, at most `weeks` weeks to either side, and the same in all tables and runs with one key.
/// * The date is written in the form in which it came; a time of day stays.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct ShiftDate {
    /// The largest shift in weeks, to either side.
    pub weeks: u16,
}

/// What the number of a person is drawn for.
const DRAWN: &str = "shift_date";

impl Default for ShiftDate {
    fn default() -> Self {
        ShiftDate { weeks: 52 }
    }
}

impl ShiftDate {
    /// The shift in days for a number drawn uniformly over all `u64`.
    fn days(&self, draw: u64) -> i32 {
        let weeks = u64::from(self.weeks.max(1));
        // 2·weeks possibilities; the bias of the remainder is below 2^-50.
        let index = draw % (2 * weeks);
        let week = if index < weeks {
            -i64::try_from(weeks - index).unwrap_or(1)
        } else {
            i64::try_from(index - weeks + 1).unwrap_or(1)
        };
        i32::try_from(week * 7).unwrap_or(7)
    }
}

impl Technique for ShiftDate {
    const DOC: Doc = Doc {
        name: "shift_date",
        ja: "日付のシフト（ノイズ付加）",
        summary: "Moves all dates of a person by one secret number of weeks.",
        summary_ja: "本人ごとに一つの秘密の週数だけ、すべての日付をずらす。",
        items: &[Item::P1],
        example: "\"shift_date\"",
        shorthand: Some("weeks"),
        keyed: true,
        shows: Shows::Near,
        ranges: false,
    };
    fn check(&self, facts: &ColumnFacts, kind: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        if kind == Kind::Anonymized {
            said.push(say!("shift_date is for the pseudonymized release only: a shift is a parameter that could be turned back; use truncate_date or days_since"));
        }
        if !facts.ty.is_date() {
            said.push(say!("shift_date needs a column of dates; this one is of type {}", facts.ty));
        }
        if facts.date == Some(DateKind::Birth) {
            said.push(say!(
                "birth dates are generalized, never shifted: use truncate_date or age_band"
            ));
        }
        if self.weeks == 0 {
            said.push(say!("shift_date: `weeks` must be at least 1"));
        }
        said
    }
    fn needs(&self) -> Needs {
        Needs { key: true, draws: Some(DRAWN), ..Needs::default() }
    }
    fn output(&self, facts: &ColumnFacts) -> Option<Type> {
        Some(facts.ty)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        let drawn = input.tokens.draws(DRAWN, input.persons.ids);
        let mut shifts: Vec<Option<i32>> = vec![None; input.persons.ids.len()];
        let read = |text| date::parse(text).and_then(|when| Some((when.days()?, when)));
        let read: Vec<_> = input.cells.dictionary().texts().map(read).collect();
        let shift = |row: usize| {
            let person = input.persons.of_row[row];
            Some(*shifts[person as usize].get_or_insert_with(|| {
                self.days(match drawn {
                    Some(drawn) => drawn[person as usize],
                    None => input.secrets.draw(DRAWN, input.persons.ids.text(person)),
                })
            }))
        };
        input.map_pairs(shift, |code, shift| {
            read[code as usize]
                .as_ref()
                .and_then(|(day, when)| when.written_as(day.checked_add(shift)?))
                .map_or(Cell::Missing, Cell::Text)
        })
    }
    fn unfit(&self) -> Option<[&'static str; 2]> {
        Some(["a date without its day cannot be moved", "日のない日付はずらせない"])
    }
    fn describe(&self) -> (String, String) {
        (
            "本人ごとに一つの週数だけ日付をずらす".into(),
            "dates moved by one secret number of whole weeks a person".into(),
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
        fn intervals_and_weekdays_survive(days in proptest::collection::vec((0_u8..4, 0_i32..20_000), 1..30), form in 0_usize..3) {
            let forms = ["%Y%m%d", "%Y-%m-%dT10:15:00", "%Y年%-m月%-d日"];
            let rows = Rows::new(days.iter().map(|&(p, d)| (p, Some(date::date_of(d).unwrap().format(forms[form]).to_string()))));
            let config = ShiftDate::default();
            let (_, output) = frozen(&config, &rows, &facts(Type::Datetime)).unwrap();
            let after: Vec<i32> = output.cells.cells().map(|t| date::parse(t.unwrap()).unwrap().days().unwrap()).collect();
            for (i, &(p, d)) in days.iter().enumerate() {
                let shift = after[i] - d;
                prop_assert!(shift != 0 && shift % 7 == 0 && shift.abs() <= 364);
                for (j, &(q, e)) in days.iter().enumerate() {
                    if p == q { prop_assert_eq!(after[i] - after[j], d - e); }
                }
            }
        }
        #[test]
        fn draws_cover_the_span(draw in any::<u64>(), weeks in 1_u16..200) {
            let days = ShiftDate { weeks }.days(draw);
            prop_assert!(days != 0 && days % 7 == 0 && days.abs() <= i32::from(weeks) * 7);
        }
    }
}
