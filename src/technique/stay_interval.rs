//! Stay interval: days since the end of the person's previous stay.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, ColumnRef, Doc, Input, Needs, Output, Shows, Technique};
use crate::error::Said;
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Type};

/// Replaces the start date of a stay by the days since the person's previous stay ended, rounded to a step.
///
/// The stays of a person are taken in the order of their starts (then ends). The first is `first`; overlapping stays give 0.
///
/// # Guarantee
/// * The number is a multiple of `step`, never negative, and the same if all dates of the person are moved together.
/// * No calendar date remains.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct StayInterval {
    /// The column with the end of the stay, in the same table.
    pub since: ColumnRef,
    /// Days are rounded to multiples of this.
    #[serde(default = "one")]
    pub step: u16,
}

fn one() -> u16 {
    1
}

impl Technique for StayInterval {
    const DOC: Doc = Doc {
        name: "stay_interval",
        ja: "前回退院からの日数への置換",
        summary: "Replaces the start of a stay by the days since the previous stay ended.",
        summary_ja: "入院日を、前回退院からの日数に置き換える。",
        items: &[Item::A1, Item::A4, Item::A5],
        example: "{ stay_interval = { since = \"退院日\", step = 7 } }",
        shorthand: Some("since"),
        keyed: false,
        shows: Shows::Coarser,
        ranges: true,
    };
    fn check(&self, facts: &ColumnFacts, _: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        if !facts.ty.is_date() {
            said.push(say!(
                "stay_interval needs a column of dates; this one is of type {}",
                facts.ty
            ));
        }
        if self.since.0.contains('.') {
            said.push(say!("stay_interval: `since` must be a column of the same table"));
        }
        if self.step == 0 {
            said.push(say!("stay_interval: `step` must be at least 1"));
        }
        said
    }
    fn ordered(&self) -> bool {
        true
    }
    fn relative(&self) -> bool {
        true
    }
    fn needs(&self) -> Needs {
        Needs { dates: vec![self.since.clone()], ..Needs::default() }
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::Code)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        let starts = input.cells.dictionary().days();
        let no_ends = Vec::new();
        let ends = input.dates.first().unwrap_or(&no_ends);
        // (person, start, end, row) of the rows that have a start.
        let mut stays: Vec<(u32, i32, i32, usize)> = input
            .cells
            .codes()
            .iter()
            .enumerate()
            .filter_map(|(row, &code)| {
                let start = (*starts.get(code as usize)?)?;
                let end = ends.get(row).copied().flatten().unwrap_or(start);
                Some((input.persons.of_row[row], start, end, row))
            })
            .collect();
        stays.sort_unstable();
        let step = i32::from(self.step.max(1));
        let mut gaps: Vec<Option<String>> = vec![None; input.cells.len()];
        let mut previous: Option<(u32, i32)> = None;
        for (person, start, end, row) in stays {
            gaps[row] = Some(match previous {
                Some((same, last)) if same == person => {
                    let gap = (start - last).max(0);
                    ((gap + step / 2) / step * step).to_string()
                }
                _ => "first".to_owned(),
            });
            previous = Some(match previous {
                // A long stay may end after a later short one.
                Some((same, last)) if same == person => (person, last.max(end)),
                _ => (person, end),
            });
        }
        input.map_rows(|row, _| gaps[row].take().map_or(Cell::Missing, Cell::Text))
    }
    fn describe(&self) -> (String, String) {
        (
            format!("前回退院からの日数（{}日単位）", self.step),
            format!("days since the previous stay, in steps of {}", self.step),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rows, facts, frozen_with_dates};
    use crate::text::date;

    #[test]
    fn gaps_of_each_person() {
        let rows = Rows::new(
            [(0, "20240301"), (1, "20240105"), (0, "20240101"), (0, "20240110")]
                .map(|(p, t)| (p, Some(t.to_owned()))),
        );
        let end = |t: &str| date::parse(t).unwrap().days();
        let ends = vec![end("20240305"), end("20240106"), end("20240120"), end("20240112")];
        let config = StayInterval { since: ColumnRef("end".into()), step: 1 };
        let (_, output) = frozen_with_dates(&config, &rows, &facts(Type::Date), &[ends]).unwrap();
        // 2024-01-20 to 2024-03-01 is 41 days; the stay within a stay gives 0.
        assert_eq!(
            output.cells.cells().flatten().collect::<Vec<_>>(),
            ["41", "first", "first", "0"]
        );
    }
}
