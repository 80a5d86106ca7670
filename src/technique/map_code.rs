//! Map: a code table.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Measure, Needs, Output, Shows, Technique, tails};
use crate::error::Error;
use crate::law::Item;
use crate::schema::{ColumnFacts, Type};

/// Replaces each value by the one that the table gives.
///
/// # Guarantee
/// * Every output cell is a value of the table, `other`, a special value or missing (or, with `otherwise = "keep"`, an input value).
/// * With `otherwise = "refuse"` (the default) a value that is not in the table stops the run before anything is written.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Map {
    /// Value to new value.
    pub table: BTreeMap<String, String>,
    /// What happens to a value that is not in the table.
    #[serde(default)]
    pub otherwise: Otherwise,
    /// The text for values that are not in the table, with `otherwise = "other"`.
    #[serde(default = "other")]
    pub other: String,
}

/// What happens to a value that a table, hierarchy or band does not cover.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Otherwise {
    /// The run stops.
    #[default]
    Refuse,
    /// The cell is suppressed.
    Suppress,
    /// The cell becomes the text `other`.
    Other,
    /// The cell stays (not for the anonymized release of quasi-identifiers).
    Keep,
}

pub(super) fn other() -> String {
    "other".to_owned()
}

impl Otherwise {
    pub(super) fn cell(self, other: &str) -> Cell {
        match self {
            Otherwise::Refuse | Otherwise::Suppress => Cell::Missing,
            Otherwise::Other => Cell::Text(other.to_owned()),
            Otherwise::Keep => Cell::Same,
        }
    }
}

impl Technique for Map {
    const DOC: Doc = Doc {
        name: "map",
        ja: "置換（対応表）",
        summary: "Replaces values by a code table.",
        summary_ja: "対応表により値を置き換える。",
        items: &[Item::A1, Item::A4, Item::A5, Item::P1],
        example: "{ map = { table = { \"1\" = \"M\", \"2\" = \"F\" } } }",
        shorthand: None,
        keyed: false,
        shows: Shows::Coarser,
        ranges: true,
    };
    fn remainder(&self) -> Option<&str> {
        (self.otherwise == Otherwise::Other).then_some(self.other.as_str())
    }
    fn needs(&self) -> Needs {
        Needs { statistics: self.otherwise == Otherwise::Refuse, ..Needs::default() }
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::Code)
    }
    fn measure(&self, input: &Input<'_>) -> Measure {
        tails::uncovered(input, |text| self.table.contains_key(text))
    }
    fn merge(&self, left: Measure, right: Measure) -> Measure {
        tails::merge(left, right, 0)
    }
    fn freeze(&self, statistics: &Measure, _: &ColumnFacts) -> Result<Self, Error> {
        tails::refuse_uncovered(statistics, "the code table")?;
        Ok(self.clone())
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        input.map_values(|text| match self.table.get(text) {
            Some(new) => Cell::Text(new.clone()),
            None => self.otherwise.cell(&self.other),
        })
    }
    fn describe(&self) -> (String, String) {
        (
            format!("対応表（{}件）で置換", self.table.len()),
            format!("mapped by a table of {} entries", self.table.len()),
        )
    }
}
