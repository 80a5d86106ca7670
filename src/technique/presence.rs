//! Presence: whether the cell has a value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Output, Shows, Technique};
use crate::law::Item;
use crate::schema::{ColumnFacts, Type};

/// Replaces a value by `1` and a missing one by `0`. The state does so with free text in its check-up data.
///
/// # Guarantee
/// * Every output cell is `0` or `1`; nothing else of the value remains.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Presence {
    /// Whether special values count as absent.
    pub specials_absent: bool,
}

impl Technique for Presence {
    const DOC: Doc = Doc {
        name: "presence",
        ja: "有無への置換",
        summary: "Replaces the value by 1 (present) or 0 (missing).",
        summary_ja: "値の有無（1・0）に置き換える。",
        items: &[Item::A1, Item::A2, Item::A3, Item::A4, Item::P1, Item::P2, Item::P3],
        example: "\"presence\"",
        shorthand: None,
        keyed: false,
        shows: Shows::Presence,
        ranges: false,
    };
    fn relative(&self) -> bool {
        true
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::Code)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        input.map_all(|text| {
            let present =
                text.is_some_and(|t| !(self.specials_absent && input.facts.is_special(t)));
            Cell::Text(if present { "1" } else { "0" }.to_owned())
        })
    }
    fn describe(&self) -> (String, String) {
        ("有無（1・0）に置換".into(), "replaced by presence (1/0)".into())
    }
}
