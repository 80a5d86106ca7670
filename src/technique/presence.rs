//! Presence: whether the cell has a value.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Output, Shows, Technique};
use crate::law::Item;
use crate::schema::{ColumnFacts, Type};

/// Replaces a value by `1` and a missing one by `0`. The state does so with free text in its check-up data.
///
/// # Guarantee
/// * Every output cell is `0` or `1`, or missing for a special value with `specials_missing`; nothing else of the value remains.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Presence {
    /// Whether special values count as absent.
    pub specials_absent: bool,
    /// Whether special values become missing cells: it is not known whether there is a value. Goes before `specials_absent`.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub specials_missing: bool,
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
            let special = text.is_some_and(|t| input.facts.is_special(t));
            if special && self.specials_missing {
                return Cell::Missing;
            }
            let present = text.is_some() && !(self.specials_absent && special);
            Cell::Text(if present { "1" } else { "0" }.to_owned())
        })
    }
    fn describe(&self) -> (String, String) {
        ("有無（1・0）に置換".into(), "replaced by presence (1/0)".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rows, facts, frozen};

    #[test]
    fn a_special_value_is_a_value_or_none_or_not_known() {
        let rows = Rows::new([(0, Some("x".to_owned())), (1, Some("?".to_owned())), (2, None)]);
        let mut facts = facts(Type::Code);
        facts.specials = vec!["?".into()];
        for (specials_absent, specials_missing, special) in [
            (false, false, Some("1")),
            (true, false, Some("0")),
            (false, true, None),
            (true, true, None),
        ] {
            let presence = Presence { specials_absent, specials_missing };
            let (_, output) = frozen(&presence, &rows, &facts).unwrap();
            let found: Vec<Option<&str>> = output.cells.cells().collect();
            assert_eq!(found, [Some("1"), special, Some("0")]);
        }
    }
}
