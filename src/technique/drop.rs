//! Drop: the column is left out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Output, Shows, Technique};
use crate::law::Item;
use crate::schema::{ColumnFacts, Type};

/// Leaves the column out of the release.
///
/// # Guarantee
/// * No cell of the column, and not its name, is in the output.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Drop {}

impl Technique for Drop {
    const DOC: Doc = Doc {
        name: "drop",
        ja: "項目削除",
        summary: "Leaves the column out.",
        summary_ja: "項目（列）を削除する。",
        items: &[Item::A1, Item::A2, Item::A3, Item::A4, Item::P1, Item::P2, Item::P3],
        example: "\"drop\"",
        shorthand: None,
        keyed: false,
        shows: Shows::Nothing,
        ranges: false,
    };
    fn relative(&self) -> bool {
        true
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        None
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        input.map_all(|_| Cell::Missing)
    }
    fn describe(&self) -> (String, String) {
        ("削除".into(), "dropped".into())
    }
}
