//! Prefix: the first characters of a code.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Output, Shows, Technique};
use crate::error::Said;
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Role, Type};

/// Keeps the first `length` characters of a code that has no code system. Blanks around the value do not count.
///
/// # Guarantee
/// * Two values with the same first `length` characters (Unicode scalar values) and, with `fill`, of the same length have the
///   same output. A shorter prefix never has more distinct values than a longer one.
/// * A value of `length` characters or fewer stays, without the blanks around it. A value of blanks becomes missing.
/// * Doing it twice is doing it once.
///
/// `fill` keeps the length of the value and thereby shows it. A prefix is not a group of a known size: postal codes with
/// the same three digits can be one village. Where the levels of a code are known, `generalize` says what they mean.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Prefix {
    /// Characters to keep; at least 1.
    pub length: usize,
    /// One character to put in the place of each character that was cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fill: Option<String>,
}

/// Why a part of a value is no answer for a column of a role; `None` if it is one.
pub(super) fn leaves_a_part(role: Role) -> Option<Said> {
    match role {
        Role::Direct | Role::IdCode | Role::Financial | Role::Link => Some(say!(
            "what stays would still be a part of a column of role `{}`: use `drop`",
            role
        )),
        Role::Text => Some(say!("free text is not a code: use `drop`")),
        Role::Quasi | Role::Sensitive | Role::ThirdParty | Role::Payload => None,
    }
}

impl Prefix {
    fn cut(&self, text: &str) -> Cell {
        let trimmed = text.trim();
        let new = match trimmed.char_indices().nth(self.length) {
            None => trimmed.to_owned(),
            Some((end, _)) => match &self.fill {
                None => trimmed[..end].trim_end().to_owned(),
                Some(fill) => {
                    format!("{}{}", &trimmed[..end], fill.repeat(trimmed[end..].chars().count()))
                }
            },
        };
        if new.is_empty() { Cell::Missing } else { Cell::Text(new) }
    }
}

impl Technique for Prefix {
    const DOC: Doc = Doc {
        name: "prefix",
        ja: "一般化（上位桁）",
        summary: "Keeps the first characters of a code.",
        summary_ja: "コードの上位桁のみを残す。",
        items: &[Item::A1, Item::A4, Item::A5, Item::P1],
        example: "{ prefix = 3 }",
        shorthand: Some("length"),
        keyed: false,
        shows: Shows::Coarser,
        ranges: false,
    };
    fn check(&self, facts: &ColumnFacts, _: Kind) -> Vec<Said> {
        let mut against = Vec::new();
        if self.length == 0 {
            against.push(say!("prefix: `length` must be at least 1 (use drop or constant)"));
        }
        if let Some(fill) = &self.fill {
            let mut chars = fill.chars();
            let visible = chars.next().is_some_and(|c| !c.is_whitespace() && !c.is_control());
            if !visible || chars.next().is_some() {
                against.push(say!("prefix: `fill` must be one visible character"));
            }
        }
        if facts.ty.is_date() || facts.ty.is_number() {
            against.push(say!("prefix is for codes, and the column is of type `{}`", facts.ty));
        }
        against.extend(leaves_a_part(facts.role));
        against
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::Code)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        input.map_values(|text| self.cut(text))
    }
    fn describe(&self) -> (String, String) {
        let n = self.length;
        match &self.fill {
            None => (format!("上位{n}桁"), format!("first {n} characters")),
            Some(fill) => (
                format!("上位{n}桁（以降は「{fill}」）"),
                format!("first {n} characters, each other one replaced by `{fill}`"),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::{Rows, facts, frozen};

    fn apply(config: &Prefix, texts: &[Option<String>], specials: &[&str]) -> Vec<Option<String>> {
        let rows = Rows::new(texts.iter().map(|t| (0, t.clone())));
        let specials = specials.iter().map(|s| (*s).to_owned()).collect();
        let facts = ColumnFacts { specials, ..facts(Type::Code) };
        let (_, output) = frozen(config, &rows, &facts).unwrap();
        output.cells.cells().map(|t| t.map(str::to_owned)).collect()
    }

    #[test]
    fn examples() {
        let one = |length, fill: Option<&str>, text: &str| {
            let config = Prefix { length, fill: fill.map(str::to_owned) };
            apply(&config, &[Some(text.to_owned())], &["9999999"]).remove(0)
        };
        assert_eq!(one(3, None, " 1000001").as_deref(), Some("100"));
        assert_eq!(one(3, Some("*"), "1000001").as_deref(), Some("100****"));
        assert_eq!(one(3, Some("*"), "10").as_deref(), Some("10"));
        assert_eq!(one(2, None, "東京都").as_deref(), Some("東京"));
        assert_eq!(one(3, None, "9999999").as_deref(), Some("9999999"));
        assert_eq!(one(3, None, "　"), None);
    }

    #[test]
    fn what_it_refuses() {
        let against = |length, fill: Option<&str>, role, ty| {
            let config = Prefix { length, fill: fill.map(str::to_owned) };
            config.check(&ColumnFacts { role, ..facts(ty) }, Kind::Anonymized).len()
        };
        assert_eq!(against(3, Some("*"), Role::Quasi, Type::Code), 0);
        assert_eq!(against(0, None, Role::Quasi, Type::Code), 1);
        assert_eq!(against(3, None, Role::Quasi, Type::Date), 1);
        assert_eq!(against(3, None, Role::Quasi, Type::Decimal), 1);
        for fill in ["", "**", " ", "\n"] {
            assert_eq!(against(3, Some(fill), Role::Quasi, Type::Code), 1);
        }
        for role in [Role::Direct, Role::IdCode, Role::Financial, Role::Link, Role::Text] {
            assert_eq!(against(3, None, role, Type::Code), 1);
        }
    }

    proptest! {
        #[test]
        fn a_prefix_is_nested_and_idempotent_and_leaves_specials_alone(
            texts in proptest::collection::vec(proptest::option::of("[ab 　東9ｱ]{0,6}"), 1..20),
            a in 1_usize..6, b in 1_usize..6, fill in proptest::option::of("[*x]"),
        ) {
            let config = |length| Prefix { length, fill: fill.clone() };
            let (short, long) = (a.min(b), a.max(b));
            let finer = apply(&config(long), &texts, &[]);
            let coarser = apply(&config(short), &texts, &[]);
            prop_assert_eq!(&apply(&config(short), &finer, &[]), &coarser);
            prop_assert_eq!(&apply(&config(short), &coarser, &[]), &coarser);
            let distinct = |c: &[Option<String>]| c.iter().collect::<BTreeSet<_>>().len();
            prop_assert!(distinct(&coarser) <= distinct(&finer));
            for (old, new) in texts.iter().zip(&coarser) {
                let Some(new) = new else { continue };
                let old = old.as_deref().unwrap().trim();
                let kept: String = new.chars().take(short).collect();
                prop_assert!(old.starts_with(&kept));
                prop_assert!(fill.is_some() || new.chars().count() <= short);
            }
            let specials = ["ab", "東", " 9"];
            for (old, new) in texts.iter().zip(apply(&config(short), &texts, &specials)) {
                if old.as_deref().is_some_and(|t| specials.contains(&t)) {
                    prop_assert_eq!(&new, old);
                }
            }
        }
    }
}
