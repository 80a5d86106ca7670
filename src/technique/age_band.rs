//! Age band: the age at an anchor date, in bands.

use chrono::Datelike;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, ColumnRef, Doc, Input, Measure, Needs, Output, Shows, Technique, not_chosen};
use crate::error::{Error, Said};
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, DateKind, Kind, Type};
use crate::text::date;

/// Replaces a birth date by the band of the age in whole years at an anchor date (for a person with several anchors the
/// earliest). The age is computed from the true dates, before anything is shifted (trap T4).
///
/// The age grows on the birthday; who was born on 29 February grows older on 1 March in common years.
///
/// # Guarantee
/// * The band shown holds the age at the anchor; bands never overlap; `top` and above is one band.
/// * Of a birth date without its day (or month) the band is shown that all its days give. Where they give several (of the finest
///   `widths`), without an anchor, or with an anchor before birth the cell is suppressed.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AgeBand {
    /// The anchor: `table.column`, a date column of the same table, a fixed day (`"2026-04-01"`), or a list of columns of
    /// dates. With a list it is the earliest that the person has in any of them, once for all rows of the person: a band
    /// that changes between two rows tells the birthday nearly to the month.
    pub at: Anchor,
    /// Width of the bands in years.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Several widths to choose from, finest first; each divides the next. They stay beside the chosen `width`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub widths: Vec<u32>,
    /// This age and above is one band.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top: Option<u32>,
    /// Show age 0 on its own (`0`, `1-4`, `5-9`, ...).
    #[serde(default)]
    pub split_first: bool,
    /// Show age 0 in days: `0-6d`, `7-27d`, `28-364d`.
    #[serde(default)]
    pub neonates: bool,
}

/// When the age is taken.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Anchor {
    /// A date column, or a fixed day.
    At(ColumnRef),
    /// The person's first date in these columns.
    First(Vec<ColumnRef>),
}

impl Anchor {
    /// The fixed day.
    fn day(&self) -> Option<i32> {
        match self {
            Anchor::At(at) => date::parse(&at.0).and_then(|when| when.days()),
            Anchor::First(_) => None,
        }
    }
    /// Whether it is the same for all rows of a person.
    #[must_use]
    pub fn once(&self) -> bool {
        self.day().is_some() || matches!(self, Anchor::First(_))
    }
    fn words(&self) -> (String, String) {
        match self {
            Anchor::At(at) => (at.0.clone(), at.0.clone()),
            Anchor::First(all) => {
                let names: Vec<&str> = all.iter().map(|c| c.0.as_str()).collect();
                (
                    format!("最初の日（{}）", names.join("、")),
                    format!("the first of {}", names.join(", ")),
                )
            }
        }
    }
}

impl AgeBand {
    /// The band of a birth between two days. What is one band of the finest width is one band of every other: levels nest.
    fn of_span(&self, (first, last): (i32, i32), at: i32) -> Option<String> {
        let band = self.label(first, at)?;
        if first == last {
            return Some(band);
        }
        let finest = AgeBand { width: self.widths.first().copied().or(self.width), ..self.clone() };
        (finest.label(first, at)? == finest.label(last, at)?).then_some(band)
    }
    fn label(&self, birth: i32, at: i32) -> Option<String> {
        let (born, now) = (date::date_of(birth)?, date::date_of(at)?);
        if now < born {
            return None;
        }
        let before_birthday = (now.month(), now.day()) < (born.month(), born.day());
        let age = u32::try_from(now.year() - born.year()).ok()? - u32::from(before_birthday);
        let width = self.width?;
        if age == 0 && self.neonates {
            return Some(match at - birth {
                0..=6 => "0-6d".to_owned(),
                7..=27 => "7-27d".to_owned(),
                _ => "28-364d".to_owned(),
            });
        }
        if let Some(top) = self.top
            && age >= top
        {
            return Some(format!("{top}+"));
        }
        let mut low = age / width * width;
        let mut high = low + width - 1;
        if let Some(top) = self.top {
            high = high.min(top - 1);
        }
        if low == 0 && (self.split_first || self.neonates) {
            if age == 0 {
                return Some("0".to_owned());
            }
            low = 1;
        }
        Some(if low == high { low.to_string() } else { format!("{low}-{high}") })
    }
}

impl Technique for AgeBand {
    const DOC: Doc = Doc {
        name: "age_band",
        ja: "一般化（年齢階級）",
        summary: "Replaces a birth date by an age band at an anchor date.",
        summary_ja: "生年月日を、基準日における年齢階級に置き換える。",
        items: &[Item::A1, Item::A4, Item::A5, Item::P1],
        example: "{ age_band = { at = \"stays.入院日\", width = 5, top = 90 } }",
        shorthand: None,
        keyed: false,
        shows: Shows::Coarser,
        ranges: true,
    };
    fn check(&self, facts: &ColumnFacts, _: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        if !facts.ty.is_date() {
            said.push(say!("age_band needs a column of dates; this one is of type {}", facts.ty));
        }
        if facts.date != Some(DateKind::Birth) {
            said.push(say!("age_band is for birth dates: say `kind = \"birth\"`"));
        }
        if self.width.is_some() != self.widths.is_empty() {
            said.push(say!("age_band needs `width` or `widths`"));
        }
        if self.width.iter().chain(&self.widths).any(|&w| w == 0) || self.top == Some(0) {
            said.push(say!("age_band: widths and `top` must be above zero"));
        } else if self.widths.windows(2).any(|w| w[1] <= w[0] || w[1] % w[0] != 0) {
            said.push(say!("age_band: each of `widths` must be a multiple of the one before, so that bands never overlap"));
        }
        said
    }
    fn varies(&self) -> bool {
        !self.at.once()
    }
    fn ordered(&self) -> bool {
        true
    }
    fn relative(&self) -> bool {
        true
    }
    fn needs(&self) -> Needs {
        let dates = match &self.at {
            _ if self.at.day().is_some() => Vec::new(),
            Anchor::At(at) => vec![at.clone()],
            Anchor::First(all) => all.clone(),
        };
        Needs { dates, earliest: self.at.once(), ..Needs::default() }
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::Code)
    }
    fn choices(&self) -> Vec<String> {
        if self.widths.len() > 1 && self.width.is_none() {
            self.widths.iter().map(ToString::to_string).collect()
        } else {
            Vec::new()
        }
    }
    fn choose(&mut self, choice: &str) {
        self.width = choice.parse().ok();
    }
    fn freeze(&self, _: &Measure, _: &ColumnFacts) -> Result<Self, Error> {
        let mut frozen = self.clone();
        match self.widths.as_slice() {
            _ if self.width.is_some() => {}
            [one] => (frozen.width, frozen.widths) = (Some(*one), Vec::new()),
            _ => return Err(not_chosen()),
        }
        Ok(frozen)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        let day = self.at.day();
        let births = input.cells.dictionary();
        let spans: Vec<Option<(i32, i32)>> = births
            .texts()
            .zip(births.days())
            .map(|(text, day)| match day {
                Some(day) => Some((*day, *day)),
                None => date::parse(text).and_then(|when| when.span()),
            })
            .collect();
        input.map_rows(|row, _| {
            let birth = spans[input.cells.codes()[row] as usize];
            let at = day.or_else(|| input.dates.iter().filter_map(|d| d[row]).min());
            birth
                .zip(at)
                .and_then(|(span, at)| self.of_span(span, at))
                .map_or(Cell::Missing, Cell::Text)
        })
    }
    fn unfit(&self) -> Option<[&'static str; 2]> {
        Some([
            "no age: a date is missing or leaves several, or lies before the birth",
            "年齢が決まらない（日付がない、日がなく一つに決まらない、または出生より前）",
        ])
    }
    fn describe(&self) -> (String, String) {
        let open = self.widths.iter().filter(|_| self.width.is_none());
        let widths: Vec<String> = self.width.iter().chain(open).map(ToString::to_string).collect();
        let some = widths.len() > 1;
        let (at_ja, at_en) = self.at.words();
        let mut ja = format!(
            "{at_ja}時点の年齢（{}歳階級{}）",
            widths.join("・"),
            if some { "のいずれか" } else { "" }
        );
        let mut en = format!("age at {at_en} in bands of {} years", widths.join(" or "));
        if let Some(top) = self.top {
            ja.push_str(&format!("、{top}歳以上は一群"));
            en.push_str(&format!(", {top} and above as one"));
        }
        (ja, en)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn days(text: &str) -> i32 {
        date::parse(text).unwrap().days().unwrap()
    }
    fn band(width: u32) -> AgeBand {
        AgeBand {
            at: Anchor::At(ColumnRef("d".into())),
            width: Some(width),
            widths: vec![],
            top: Some(90),
            split_first: false,
            neonates: false,
        }
    }

    #[test]
    fn ages() {
        let at = |b: &AgeBand, birth: &str, at: &str| b.label(days(birth), days(at));
        assert_eq!(at(&band(5), "19540401", "20240331").as_deref(), Some("65-69"));
        assert_eq!(at(&band(5), "19540401", "20240401").as_deref(), Some("70-74"));
        assert_eq!(at(&band(5), "19080101", "20240401").as_deref(), Some("90+"));
        assert_eq!(at(&band(1), "20000229", "20230228").as_deref(), Some("22"));
        assert_eq!(at(&band(1), "20000229", "20230301").as_deref(), Some("23"));
        assert_eq!(at(&band(5), "20240402", "20240401"), None);
        let young = AgeBand { neonates: true, ..band(5) };
        assert_eq!(at(&young, "20240401", "20240401").as_deref(), Some("0-6d"));
        assert_eq!(at(&young, "20240401", "20240408").as_deref(), Some("7-27d"));
        assert_eq!(at(&young, "20240401", "20250331").as_deref(), Some("28-364d"));
        assert_eq!(at(&young, "20240401", "20250401").as_deref(), Some("1-4"));
    }

    #[test]
    fn a_month_of_birth_is_enough_for_most_ages() {
        let facts =
            ColumnFacts { date: Some(DateKind::Birth), ..crate::testing::facts(Type::Date) };
        let shown = |birth: &str, at: &str| {
            let rows = crate::testing::Rows::new([(0, Some(birth.to_owned()))]);
            let dates = [vec![Some(days(at))]];
            let (_, output) =
                crate::testing::frozen_with_dates(&band(10), &rows, &facts, &dates).unwrap();
            output.cells.text(0).map(str::to_owned)
        };
        assert_eq!(shown("1954-04", "2024-03-31").as_deref(), Some("60-69"));
        assert_eq!(shown("195404", "2024-05-01").as_deref(), Some("70-79"));
        assert_eq!(shown("1954-04", "2024-04-30").as_deref(), Some("70-79"));
        assert_eq!(shown("1954-04", "2024-04-29"), None, "born on the 30th is 69");
        assert_eq!(shown("1954-02", "2021-02-10").as_deref(), Some("60-69"));
        assert_eq!(shown("1955", "2021-02-10").as_deref(), Some("60-69"));
        assert_eq!(shown("1951", "2021-02-10"), None);
        // Levels nest: what is suppressed at the finest width is at every other.
        let wide = AgeBand { width: None, widths: vec![10, 20], ..band(10) };
        let span = (days("1954-04-01"), days("1954-04-30"));
        for width in ["10", "20"] {
            let mut chosen = wide.clone();
            chosen.choose(width);
            assert_eq!(chosen.of_span(span, days("2024-04-15")), None);
            assert!(chosen.of_span(span, days("2023-04-15")).is_some());
            assert!(
                chosen.choices().is_empty() && chosen.freeze(&Measure::Nothing, &facts).is_ok()
            );
        }
        assert_eq!(shown("2024-04", "2024-04-15"), None, "perhaps not born yet");
    }

    #[test]
    fn one_age_a_person() {
        let read = |text: &str| serde_json::from_str::<Anchor>(text).unwrap();
        let (day, column, list) =
            (read(r#""2026-04-01""#), read(r#""入院日""#), read(r#"["a.x", "b.y"]"#));
        assert!(day.once() && list.once() && !column.once());
        let needs = |at: Anchor| AgeBand { at, ..band(5) }.needs();
        assert_eq!(needs(day.clone()).dates.len(), 0);
        assert!(needs(list.clone()).earliest && !needs(column).earliest);
        let rows = crate::testing::Rows::new([(0, Some("1954-12-03".to_owned()))]);
        let facts =
            ColumnFacts { date: Some(DateKind::Birth), ..crate::testing::facts(Type::Date) };
        let shown = |at: Anchor, dates: &[Vec<Option<i32>>]| {
            let config = AgeBand { at, ..band(1) };
            let (_, output) =
                crate::testing::frozen_with_dates(&config, &rows, &facts, dates).unwrap();
            output.cells.text(0).map(str::to_owned)
        };
        assert_eq!(shown(day, &[]).as_deref(), Some("71"));
        let dates = [vec![Some(days("2026-12-03"))], vec![Some(days("2026-12-02"))]];
        assert_eq!(shown(list.clone(), &dates).as_deref(), Some("71"));
        assert_eq!(shown(list, &[vec![None], vec![None]]), None);
    }

    proptest! {
        #[test]
        fn agrees_with_whole_years(birth in -30_000_i32..20_000, lived in 0_i32..40_000) {
            let at = birth + lived;
            let age = date::date_of(at).unwrap().years_since(date::date_of(birth).unwrap()).unwrap();
            let expected = if age >= 90 { "90+".to_owned() } else { format!("{}-{}", age / 5 * 5, age / 5 * 5 + 4) };
            prop_assert_eq!(band(5).label(birth, at), Some(expected));
        }
        #[test]
        fn wider_bands_are_unions(a in 0_i32..33_000, b in 0_i32..33_000) {
            if band(5).label(0, a) == band(5).label(0, b) {
                prop_assert_eq!(band(10).label(0, a), band(10).label(0, b));
            }
        }
    }
}
