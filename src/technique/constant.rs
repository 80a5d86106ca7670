//! Constant: every cell becomes the same text.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Output, Shows, Technique};
use crate::law::Item;
use crate::schema::{ColumnFacts, Type};

/// Replaces every cell, missing and special ones too, by one text.
///
/// # Guarantee
/// * Every output cell is `value`, whatever came in.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Constant {
    /// The text of every cell.
    pub value: String,
}

impl Technique for Constant {
    const DOC: Doc = Doc {
        name: "constant",
        ja: "置換（固定値）",
        summary: "Replaces every cell by one text.",
        summary_ja: "すべての値を同じ文字列に置き換える。",
        items: &[Item::A1, Item::A2, Item::A3, Item::A4, Item::P1, Item::P2, Item::P3],
        example: "{ constant = \"*\" }",
        shorthand: Some("value"),
        keyed: false,
        shows: Shows::Nothing,
        ranges: false,
    };
    fn relative(&self) -> bool {
        true
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::String)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        input.map_all(|_| Cell::Text(self.value.clone()))
    }
    fn describe(&self) -> (String, String) {
        ("固定値に置換".into(), "replaced by a constant".into())
    }
}
