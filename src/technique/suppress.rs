//! Suppress: cells, rows, stays or persons are removed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Output, Shows, Technique, tails};
use crate::error::Said;
use crate::frame::MISSING;
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Type};
use crate::text::number::Decimal;

/// Removes the cell, the row with its child rows, the stay with all its rows, or the person with all rows, where the
/// condition holds. Without a condition every cell is suppressed.
///
/// # Guarantee
/// * No cell for which the condition holds is in the release.
/// * Other cells are unchanged.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Suppress {
    /// What is removed.
    pub unit: SuppressUnit,
    /// These values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// Numbers above this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub above: Option<Decimal>,
    /// Numbers below this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<Decimal>,
    /// Missing cells (for row, stay and person).
    pub missing: bool,
}

/// What is removed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SuppressUnit {
    /// The cell.
    #[default]
    Cell,
    /// The row with its child rows.
    Row,
    /// The stay of the row with all its rows in all tables.
    Stay,
    /// The person with all rows.
    Person,
}

impl Suppress {
    fn holds(&self, text: Option<&str>) -> bool {
        let Some(text) = text else { return self.missing };
        if self.unconditional() {
            return true;
        }
        self.values.iter().any(|v| v == text)
            || tails::number(text).is_some_and(|n| {
                self.above.is_some_and(|limit| n > limit)
                    || self.below.is_some_and(|limit| n < limit)
            })
    }
    fn unconditional(&self) -> bool {
        self.values.is_empty() && self.above.is_none() && self.below.is_none() && !self.missing
    }
}

impl Technique for Suppress {
    const DOC: Doc = Doc {
        name: "suppress",
        ja: "セル削除・レコード削除",
        summary: "Removes cells, rows, stays or persons on a condition.",
        summary_ja: "条件に当たるセル、行、入院、又は本人のデータを削除する。",
        items: &[Item::A1, Item::A4, Item::A5, Item::P1],
        example: "{ suppress = { unit = \"row\", above = 700000 } }",
        shorthand: Some("unit"),
        keyed: false,
        shows: Shows::Some,
        ranges: false,
    };
    fn check(&self, facts: &ColumnFacts, _: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        if (self.above.is_some() || self.below.is_some()) && !facts.ty.is_number() {
            said.push(say!(
                "suppress: `above` and `below` need a column of numbers; this one is of type {}",
                facts.ty
            ));
        }
        if self.unconditional() && self.unit != SuppressUnit::Cell {
            said.push(say!("suppress without a condition would remove every row: say `values`, `above`, `below` or `missing`"));
        }
        said
    }
    fn output(&self, facts: &ColumnFacts) -> Option<Type> {
        Some(facts.ty)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        let mut output = input.map_all(|text| match text {
            None => Cell::Missing,
            Some(text) if self.holds(Some(text)) => Cell::Missing,
            Some(_) => Cell::Same,
        });
        if self.unit == SuppressUnit::Cell {
            return output;
        }
        let holds: Vec<bool> =
            input.cells.dictionary().texts().map(|t| self.holds(Some(t))).collect();
        for (row, &code) in input.cells.codes().iter().enumerate() {
            if if code == MISSING { self.missing } else { holds[code as usize] } {
                match self.unit {
                    SuppressUnit::Row => output.remove_rows.push(row as u32),
                    SuppressUnit::Stay => output.remove_stays.push(row as u32),
                    SuppressUnit::Person => output.remove_persons.push(input.persons.of_row[row]),
                    SuppressUnit::Cell => {}
                }
            }
        }
        output.remove_persons.sort_unstable();
        output.remove_persons.dedup();
        output
    }
    fn describe(&self) -> (String, String) {
        let (ja, en) = match self.unit {
            SuppressUnit::Cell => ("セル", "cells"),
            SuppressUnit::Row => ("行", "rows"),
            SuppressUnit::Stay => ("入院", "stays"),
            SuppressUnit::Person => ("本人", "persons"),
        };
        (format!("条件に当たる{ja}を削除"), format!("{en} removed on a condition"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rows, facts, frozen};

    #[test]
    fn removes_what_the_condition_says() {
        let rows = Rows::new([
            (0, Some("5".to_owned())),
            (1, Some("50".to_owned())),
            (2, None),
            (1, Some("7".to_owned())),
        ]);
        let mut config = Suppress { above: Decimal::parse("10"), ..Suppress::default() };
        let (_, output) = frozen(&config, &rows, &facts(Type::Integer)).unwrap();
        assert_eq!(output.cells.cells().collect::<Vec<_>>(), [Some("5"), None, None, Some("7")]);
        assert_eq!(output.tally.suppressed, 1);
        config.unit = SuppressUnit::Person;
        let (_, output) = frozen(&config, &rows, &facts(Type::Integer)).unwrap();
        assert_eq!(output.remove_persons, [1]);
        config = Suppress { unit: SuppressUnit::Row, missing: true, ..Suppress::default() };
        let (_, output) = frozen(&config, &rows, &facts(Type::Integer)).unwrap();
        assert_eq!(output.remove_rows, [2]);
    }
}
