//! Band: numbers become intervals.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::map_code::{Otherwise, other};
use super::{Cell, Doc, Input, Measure, Needs, Output, Shows, Technique, not_chosen, tails};
use crate::error::{Error, Said};
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Type};
use crate::text::number::Decimal;

/// Replaces a number by the interval that it lies in. Intervals never overlap (trap T20).
///
/// Whole numbers are shown as `65-69`, others as `[0.5,1)`; `top` and above as `90+`, below the lowest edge as `<0`.
///
/// # Guarantee
/// * Every number lies in exactly one interval, and the interval shown is that one.
/// * A width that is a multiple of another gives intervals that are unions of the other's.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Band {
    /// Width of the intervals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<Decimal>,
    /// Several widths to choose from, finest first; each divides the next.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub widths: Vec<Decimal>,
    /// Where the first interval starts (default 0).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Decimal>,
    /// Explicit lower edges, ascending; the last interval is open above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub edges: Vec<Decimal>,
    /// This and above is one interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<Decimal>,
    /// Below this is one interval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bottom: Option<Decimal>,
    /// What happens to cells that are no number.
    pub otherwise: Otherwise,
    /// The text for them, with `otherwise = "other"`.
    #[serde(default = "other")]
    pub other: String,
}

impl Band {
    fn label(&self, number: Decimal, whole: bool) -> Option<String> {
        if let Some(top) = self.top
            && number >= top
        {
            return Some(format!("{top}+"));
        }
        if let Some(bottom) = self.bottom
            && number < bottom
        {
            return Some(format!("<{bottom}"));
        }
        let interval = |low: Decimal, high: Decimal| {
            let high = self.top.map_or(high, |top| high.min(top));
            let low = self.bottom.map_or(low, |bottom| low.max(bottom));
            match (whole, low.to_integer(), high.to_integer()) {
                (true, Some(low), Some(high)) if high - low == 1 => low.to_string(),
                (true, Some(low), Some(high)) => format!("{low}-{}", high - 1),
                _ => format!("[{low},{high})"),
            }
        };
        if !self.edges.is_empty() {
            let index = self.edges.partition_point(|&edge| edge <= number);
            return Some(match (index, self.edges.get(index)) {
                (0, Some(first)) => format!("<{first}"),
                (_, Some(&high)) => interval(self.edges[index - 1], high),
                (_, None) => format!("{}+", self.edges[index - 1]),
            });
        }
        let width = self.width?;
        let from = self.from.unwrap_or(Decimal::from_integer(0));
        let negative = Decimal::parse(&format!("-{from}"))
            .or_else(|| Decimal::parse(from.to_string().trim_start_matches('-')))?;
        let low = number.plus(negative)?.floor_step(width)?.plus(from)?;
        Some(interval(low, low.plus(width)?))
    }
}

impl Technique for Band {
    const DOC: Doc = Doc {
        name: "band",
        ja: "一般化（区間）",
        summary: "Replaces numbers by intervals.",
        summary_ja: "数値を区間に置き換える。",
        items: &[Item::A1, Item::A4, Item::A5, Item::P1],
        example: "{ band = { width = 5, top = 90 } }",
        shorthand: Some("width"),
        keyed: false,
        shows: Shows::Coarser,
        ranges: true,
    };
    fn check(&self, facts: &ColumnFacts, _: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        let zero = Decimal::from_integer(0);
        if !facts.ty.is_number() {
            said.push(say!("band needs a column of numbers; this one is of type {}", facts.ty));
        }
        let ways = usize::from(self.width.is_some())
            + usize::from(!self.widths.is_empty())
            + usize::from(!self.edges.is_empty());
        if ways != 1 {
            said.push(say!("band needs exactly one of `width`, `widths` and `edges`"));
        }
        if self.width.iter().chain(&self.widths).any(|&w| w <= zero) {
            said.push(say!("band: a width must be above zero"));
        } else if self
            .widths
            .windows(2)
            .any(|w| w[1] <= w[0] || w[1].floor_step(w[0]) != Some(w[1]))
        {
            said.push(say!("band: each of `widths` must be a multiple of the one before, so that bands never overlap"));
        }
        if self.edges.windows(2).any(|w| w[1] <= w[0]) {
            said.push(say!("band: `edges` must ascend"));
        }
        if matches!((self.bottom, self.top), (Some(b), Some(t)) if b >= t) {
            said.push(say!("band: `bottom` must be below `top`"));
        }
        said
    }
    fn whole_ends(&self) -> bool {
        false
    }
    fn ordered(&self) -> bool {
        true
    }
    fn remainder(&self) -> Option<&str> {
        (self.otherwise == Otherwise::Other).then_some(self.other.as_str())
    }
    fn needs(&self) -> Needs {
        Needs { statistics: self.otherwise == Otherwise::Refuse, ..Needs::default() }
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::Code)
    }
    fn choices(&self) -> Vec<String> {
        if self.widths.len() > 1 {
            self.widths.iter().map(ToString::to_string).collect()
        } else {
            Vec::new()
        }
    }
    fn choose(&mut self, choice: &str) {
        self.width = self.widths.iter().copied().find(|w| w.to_string() == choice);
        self.widths.clear();
    }
    fn measure(&self, input: &Input<'_>) -> Measure {
        tails::uncovered(input, |text| tails::number(text).is_some())
    }
    fn merge(&self, left: Measure, right: Measure) -> Measure {
        tails::merge(left, right, 0)
    }
    fn freeze(&self, statistics: &Measure, _: &ColumnFacts) -> Result<Self, Error> {
        tails::refuse_uncovered(statistics, "a band of numbers")?;
        let mut frozen = self.clone();
        match self.widths.as_slice() {
            [] => {}
            [one] => (frozen.width, frozen.widths) = (Some(*one), Vec::new()),
            _ => return Err(not_chosen()),
        }
        Ok(frozen)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        let whole = input.facts.ty == Type::Integer;
        input.map_values(|text| {
            tails::number(text)
                .and_then(|number| self.label(number, whole))
                .map_or_else(|| self.otherwise.cell(&self.other), Cell::Text)
        })
    }
    fn describe(&self) -> (String, String) {
        let (mut ja, mut en) = match (self.width, self.edges.len()) {
            (Some(width), _) => (format!("{width}刻みの区間"), format!("bands of {width}")),
            (None, 0) => ("区間（幅は探索で決定）".into(), "bands (width by search)".into()),
            (None, n) => (format!("{n}区間"), format!("{n} bands")),
        };
        if let Some(top) = self.top {
            ja.push_str(&format!("、{top}以上は一群"));
            en.push_str(&format!(", {top} and above as one"));
        }
        (ja, en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{Rows, facts, frozen};
    use proptest::prelude::*;

    fn band(config: &Band, ty: Type, values: &[&str]) -> Vec<String> {
        let rows =
            Rows::new(values.iter().enumerate().map(|(p, v)| (p as u8, Some((*v).to_owned()))));
        let (_, output) = frozen(config, &rows, &facts(ty)).unwrap();
        output.cells.cells().map(|c| c.unwrap_or("").to_owned()).collect()
    }

    #[test]
    fn labels() {
        let d = Decimal::parse;
        let ages = Band { width: d("5"), top: d("90"), ..Band::default() };
        assert_eq!(
            band(&ages, Type::Integer, &["0", "4", "5", "89", "90", "116", "-3"]),
            ["0-4", "0-4", "5-9", "85-89", "90+", "90+", "-5--1"]
        );
        let edges = Band {
            edges: ["0", "1", "15", "65"].map(|e| d(e).unwrap()).to_vec(),
            ..Band::default()
        };
        assert_eq!(
            band(&edges, Type::Integer, &["-1", "0", "14", "15", "65", "70"]),
            ["<0", "0", "1-14", "15-64", "65+", "65+"]
        );
        let decimals = Band { width: d("0.5"), from: d("0.25"), ..Band::default() };
        assert_eq!(
            band(&decimals, Type::Decimal, &["0.3", "0.75", "0.2"]),
            ["[0.25,0.75)", "[0.75,1.25)", "[-0.25,0.25)"]
        );
    }

    proptest! {
        #[test]
        fn coarser_bands_are_unions(values in proptest::collection::vec(-300_i64..300, 1..40), width in 1_i64..12, times in 2_i64..5) {
            let texts: Vec<String> = values.iter().map(ToString::to_string).collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let of = |w: i64| band(&Band { width: Some(Decimal::from_integer(w)), ..Band::default() }, Type::Integer, &texts);
            let (fine, coarse) = (of(width), of(width * times));
            for i in 0..values.len() {
                for j in 0..values.len() {
                    prop_assert_eq!(fine[i] == fine[j], values[i].div_euclid(width) == values[j].div_euclid(width));
                    if fine[i] == fine[j] { prop_assert_eq!(&coarse[i], &coarse[j]); }
                }
            }
        }
    }
}
