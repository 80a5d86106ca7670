//! Keep: the column stays as it is.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Output, Shows, Technique};
use crate::schema::{ColumnFacts, Type};

/// Leaves every cell as it is, to the byte.
///
/// # Guarantee
/// * Every output cell is the input cell.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {}

impl Technique for Keep {
    const DOC: Doc = Doc {
        name: "keep",
        ja: "加工なし",
        summary: "Leaves the column as it is.",
        summary_ja: "加工せずにそのまま残す。",
        items: &[],
        example: "\"keep\"",
        shorthand: None,
        keyed: false,
        shows: Shows::Value,
        ranges: false,
    };
    fn output(&self, facts: &ColumnFacts) -> Option<Type> {
        Some(facts.ty)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        input.map_all(|text| if text.is_some() { Cell::Same } else { Cell::Missing })
    }
    fn describe(&self) -> (String, String) {
        ("加工なし".into(), "unchanged".into())
    }
}
