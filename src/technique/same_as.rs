//! Same as: the treatment of another column, at the level chosen for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, ColumnRef, Doc, Input, Measure, Output, Shows, Technique};
use crate::error::{Error, Said};
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Type};

/// Repeats the treatment of another column of this policy. Where that column offers several levels, both get the one that is
/// chosen: one fact that stands in two tables must not be released at two precisions.
///
/// The plan puts the other treatment in its place; names of columns in it are read as in the other column's table.
///
/// # Guarantee
/// * Both columns have the same treatment with the same parameters and the same level.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SameAs {
    /// The other column: `table.column`.
    pub column: ColumnRef,
}

impl Technique for SameAs {
    const DOC: Doc = Doc {
        name: "same_as",
        ja: "他の列と同じ加工",
        summary: "The treatment of another column, at the level chosen for it.",
        summary_ja: "他の列と同じ加工を、同じ段階で行う。",
        items: &[Item::A1, Item::A4, Item::A5, Item::P1],
        example: "{ same_as = \"stays.生年月日\" }",
        shorthand: Some("column"),
        keyed: false,
        shows: Shows::Coarser,
        ranges: false,
    };
    fn check(&self, _: &ColumnFacts, _: Kind) -> Vec<Said> {
        Vec::new()
    }
    fn same_as(&self) -> Option<&ColumnRef> {
        Some(&self.column)
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        None
    }
    fn freeze(&self, _: &Measure, _: &ColumnFacts) -> Result<Self, Error> {
        Err(Error::policy("P0410", say!("`same_as` names a column whose treatment is not known")))
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        input.map_all(|_| Cell::Missing)
    }
    fn describe(&self) -> (String, String) {
        (format!("{}と同じ", self.column.0), format!("as {}", self.column.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rows, facts, frozen};

    #[test]
    fn alone_it_releases_nothing() {
        let rows = Rows::new([(0, Some("1".to_owned()))]);
        let config = SameAs { column: ColumnRef("t.c".into()) };
        assert!(frozen(&config, &rows, &facts(Type::Code)).is_err());
        assert_eq!(config.output(&facts(Type::Code)), None);
    }
}
