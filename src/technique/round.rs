//! Round: numbers to decimals, significant digits or a step, with tails of at least n persons.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Measure, Needs, Output, Shows, Technique, tails};
use crate::error::{Error, Said};
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Type};
use crate::text::number::{Decimal, Measured};

/// Rounds numbers (half away from zero). Laboratory values keep their operator and class: `>1003(+)` becomes `>1000(+)`.
///
/// # Guarantee
/// * Every number shown is a multiple of the step (or has at most so many decimals or significant digits).
/// * With `tails = n`: the outermost values are shown as `>=H` and `<=L`, each for at least n distinct persons (or nobody has
///   a value). Where the two would meet, all values are one group.
/// * Rounding twice is rounding once.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Round {
    /// Digits after the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u8>,
    /// Significant digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub significant: Option<u8>,
    /// A step in the column's unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Decimal>,
    /// At least so many distinct persons in each tail.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tails: Option<u64>,
    /// Lower and upper limit as frozen.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    #[schemars(skip)]
    pub limits: Option<(Decimal, Decimal)>,
}

impl Round {
    fn rounded(&self, number: Decimal) -> Decimal {
        if let Some(decimals) = self.decimals {
            number.round_decimals(decimals)
        } else if let Some(significant) = self.significant {
            number.round_significant(significant)
        } else {
            self.step.and_then(|step| number.round_step(step)).unwrap_or(number)
        }
    }
    fn n(&self) -> usize {
        usize::try_from(self.tails.unwrap_or(0)).unwrap_or(usize::MAX)
    }
}

impl Technique for Round {
    const DOC: Doc = Doc {
        name: "round",
        ja: "丸め",
        summary: "Rounds numbers; optional tails with at least n persons each.",
        summary_ja: "数値を丸める。必要に応じて両端をn人以上の群にまとめる。",
        items: &[Item::A4, Item::A5],
        example: "{ round = { significant = 2, tails = 10 } }",
        shorthand: Some("step"),
        keyed: false,
        shows: Shows::Near,
        ranges: true,
    };
    fn check(&self, facts: &ColumnFacts, _: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        if !facts.ty.is_number() {
            said.push(say!("round needs a column of numbers; this one is of type {}", facts.ty));
        }
        let ways = usize::from(self.decimals.is_some())
            + usize::from(self.significant.is_some())
            + usize::from(self.step.is_some());
        if ways != 1 {
            said.push(say!("round needs exactly one of `decimals`, `significant` and `step`"));
        }
        if self.step.is_some_and(|s| s <= Decimal::from_integer(0)) || self.significant == Some(0) {
            said.push(say!(
                "round: the step and the number of significant digits must be above zero"
            ));
        }
        said
    }
    fn persons(&self) -> Option<u64> {
        self.tails
    }
    fn needs(&self) -> Needs {
        Needs { statistics: self.tails.is_some(), ..Needs::default() }
    }
    fn output(&self, facts: &ColumnFacts) -> Option<Type> {
        let whole = self.decimals == Some(0)
            || self.step.is_some_and(|s| s.to_integer().is_some())
            || self.significant.is_some();
        Some(match facts.ty {
            _ if self.tails.is_some() => Type::Measured,
            Type::Integer if whole => Type::Integer,
            Type::Integer => Type::Decimal,
            other => other,
        })
    }
    fn measure(&self, input: &Input<'_>) -> Measure {
        tails::extremes(input, self.n(), |n| self.rounded(n))
    }
    fn merge(&self, left: Measure, right: Measure) -> Measure {
        tails::merge(left, right, self.n())
    }
    fn freeze(&self, statistics: &Measure, _: &ColumnFacts) -> Result<Self, Error> {
        let mut frozen = self.clone();
        if let (Some(n), Measure::Tails { high, low }) = (self.tails, statistics)
            && tails::enough(high.len(), n)?
            && let (Some(&high), Some(&low), Some(&first)) = (high.last(), low.last(), low.first())
        {
            // Tails that meet are one group of everybody: two labels at one limit could leave few persons on one side.
            frozen.limits = Some(if low < high { (low, high) } else { (first, first) });
        }
        Ok(frozen)
    }
    fn restore(&self, written: &serde_json::Value) -> Option<Self> {
        let (rest, limits) = super::apart(written, "limits")?;
        Some(Self { limits, ..rest })
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        input.map_values(|text| {
            let (number, measured) = match (Decimal::parse(text), Measured::parse(text)) {
                (Some(number), _) => (Some(number), None),
                (None, Some(measured)) => (measured.number, Some(measured)),
                (None, None) => return Cell::Missing,
            };
            let Some(number) = number else { return Cell::Same };
            let rounded = self.rounded(number);
            if let Some((low, high)) = self.limits {
                if rounded >= high {
                    return Cell::Text(format!(">={high}"));
                }
                if rounded <= low {
                    return Cell::Text(format!("<={low}"));
                }
            }
            Cell::Text(match measured {
                None => rounded.to_string(),
                Some(mut measured) => {
                    measured.number = Some(rounded);
                    measured.render()
                }
            })
        })
    }
    fn outliers(&self) -> bool {
        // Without ends that hold enough persons it only rounds.
        self.needs().statistics
    }
    fn describe(&self) -> (String, String) {
        let (mut ja, mut en) = if let Some(d) = self.decimals {
            (format!("小数{d}桁に丸め"), format!("rounded to {d} decimals"))
        } else if let Some(s) = self.significant {
            (format!("有効数字{s}桁に丸め"), format!("rounded to {s} significant digits"))
        } else {
            let step = self.step.unwrap_or(Decimal::from_integer(1));
            (format!("{step}刻みに丸め"), format!("rounded to steps of {step}"))
        };
        if let Some(n) = self.tails {
            ja.push_str(&format!("、両端は{n}人以上"));
            en.push_str(&format!(", tails of at least {n} persons"));
        }
        (ja, en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rows, facts, frozen};
    use proptest::prelude::*;

    #[test]
    fn keeps_operators_and_classes() {
        let rows = Rows::new(
            [(0, ">1003(+)"), (1, "3+(287)"), (2, "(+)"), (3, "１２.34")]
                .map(|(p, v)| (p, Some(v.to_owned()))),
        );
        let config = Round { significant: Some(2), ..Round::default() };
        let (_, output) = frozen(&config, &rows, &facts(Type::Measured)).unwrap();
        assert_eq!(
            output.cells.cells().flatten().collect::<Vec<_>>(),
            [">1000(+)", "3+(290)", "(+)", "12"]
        );
    }

    #[test]
    fn tails_that_meet_are_one_group() {
        let rows =
            Rows::new((0..13).map(|p| (p, Some(if p == 0 { "3" } else { "15" }.to_owned()))));
        let config = Round { step: Decimal::parse("1"), tails: Some(10), ..Round::default() };
        let (_, output) = frozen(&config, &rows, &facts(Type::Integer)).unwrap();
        assert_eq!(rows.persons_in(&output.cells, |t| t == ">=3"), 13);
    }

    proptest! {
        #[test]
        fn tails_hold_enough_persons(rows in proptest::collection::vec((0_u8..12, -200_i64..200), 0..60), n in 1_u64..5, step in 1_i64..30) {
            let rows = Rows::new(rows.into_iter().map(|(p, v)| (p, Some(v.to_string()))));
            let config = Round { step: Some(Decimal::from_integer(step)), tails: Some(n), ..Round::default() };
            let Ok((fixed, output)) = frozen(&config, &rows, &facts(Type::Integer)) else { return Ok(()) };
            let Some((low, high)) = fixed.limits else { return Ok(()) };
            prop_assert!(rows.persons_in(&output.cells, |t| t.starts_with(">=")) as u64 >= n);
            if low < high {
                prop_assert!(rows.persons_in(&output.cells, |t| t.starts_with("<=")) as u64 >= n);
            }
            for text in output.cells.cells().flatten() {
                if let Some(value) = Decimal::parse(text) {
                    prop_assert_eq!(value.round_step(Decimal::from_integer(step)), Some(value));
                    prop_assert!(low < value && value < high);
                }
            }
        }
    }
}
