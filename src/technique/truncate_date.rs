//! Truncate date: year, fiscal year, half, quarter or month of a date.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Measure, Output, Shows, Technique, not_chosen};
use crate::error::{Error, Said};
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Type};
use crate::text::date::{self, When};

/// Cuts a date to a coarser unit. A part that is unknown in the date (20240400) is not made up: the next coarser unit
/// that is known is shown.
///
/// | unit | shown |
/// | --- | --- |
/// | `day` | `2024-04-01` (the time of day goes) |
/// | `month` | `2024-04` |
/// | `quarter` | `2024Q2` (calendar quarters) |
/// | `half` | `2024H1` (calendar halves) |
/// | `year` | `2024` |
/// | `fiscal_year` | `FY2024` (年度: April to March) |
///
/// # Guarantee
/// * Two dates in the same unit are shown alike; nothing below the unit remains.
/// * Year is a function of half, half of quarter, quarter of month, month of day.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct TruncateDate {
    /// The unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<DateUnit>,
    /// Several units to choose from, finest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub units: Vec<DateUnit>,
}

/// Units of dates.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum DateUnit {
    /// The day, without the time.
    Day,
    /// The month.
    Month,
    /// The calendar quarter.
    Quarter,
    /// The calendar half.
    Half,
    /// The year.
    Year,
    /// The fiscal year, April to March.
    FiscalYear,
}

impl DateUnit {
    const fn word(self) -> &'static str {
        match self {
            DateUnit::Day => "day",
            DateUnit::Month => "month",
            DateUnit::Quarter => "quarter",
            DateUnit::Half => "half",
            DateUnit::Year => "year",
            DateUnit::FiscalYear => "fiscal_year",
        }
    }
    const fn ja(self) -> &'static str {
        match self {
            DateUnit::Day => "年月日",
            DateUnit::Month => "年月",
            DateUnit::Quarter => "四半期",
            DateUnit::Half => "半期",
            DateUnit::Year => "年",
            DateUnit::FiscalYear => "年度",
        }
    }
    fn show(self, when: &When) -> Option<String> {
        let year = when.year;
        let Some(month) = when.month else {
            // Of a year alone the fiscal year is unknown; of the others the year is what is known.
            return (self != DateUnit::FiscalYear).then(|| format!("{year:04}"));
        };
        Some(match self {
            DateUnit::Day => match when.day {
                Some(day) => format!("{year:04}-{month:02}-{day:02}"),
                None => format!("{year:04}-{month:02}"),
            },
            DateUnit::Month => format!("{year:04}-{month:02}"),
            DateUnit::Quarter => format!("{year:04}Q{}", (month - 1) / 3 + 1),
            DateUnit::Half => format!("{year:04}H{}", (month - 1) / 6 + 1),
            DateUnit::Year => format!("{year:04}"),
            DateUnit::FiscalYear => format!("FY{:04}", if month >= 4 { year } else { year - 1 }),
        })
    }
}

impl Technique for TruncateDate {
    const DOC: Doc = Doc {
        name: "truncate_date",
        ja: "一般化（日付の切捨て）",
        summary: "Cuts dates to the month, quarter, half, year or fiscal year.",
        summary_ja: "日付を年月、四半期、半期、年又は年度に切り捨てる。",
        items: &[Item::A1, Item::A4, Item::A5, Item::P1],
        example: "{ truncate_date = \"month\" }",
        shorthand: Some("unit"),
        keyed: false,
        shows: Shows::Coarser,
        ranges: false,
    };
    fn check(&self, facts: &ColumnFacts, _: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        if !facts.ty.is_date() {
            said.push(say!(
                "truncate_date needs a column of dates; this one is of type {}",
                facts.ty
            ));
        }
        if self.unit.is_some() != self.units.is_empty() {
            said.push(say!("truncate_date needs `unit` or `units`"));
        }
        if self.units.windows(2).any(|w| w[1] <= w[0]) {
            said.push(say!("truncate_date: `units` must go from the finest to the coarsest"));
        }
        // Fiscal years are unions of months and quarters, not of halves or years.
        if self.units.contains(&DateUnit::FiscalYear)
            && self.units.iter().any(|u| matches!(u, DateUnit::Half | DateUnit::Year))
        {
            said.push(say!("truncate_date: fiscal years are not unions of calendar halves or years; choose one chain"));
        }
        said
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::Code)
    }
    fn choices(&self) -> Vec<String> {
        if self.units.len() > 1 {
            self.units.iter().map(|u| u.word().to_owned()).collect()
        } else {
            Vec::new()
        }
    }
    fn choose(&mut self, choice: &str) {
        self.unit = self.units.iter().copied().find(|u| u.word() == choice);
        self.units.clear();
    }
    fn freeze(&self, _: &Measure, _: &ColumnFacts) -> Result<Self, Error> {
        match (self.unit, self.units.as_slice()) {
            (Some(_), _) => Ok(self.clone()),
            (None, [one]) => Ok(TruncateDate { unit: Some(*one), units: Vec::new() }),
            _ => Err(not_chosen()),
        }
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        input.map_values(|text| {
            date::parse(text)
                .and_then(|when| self.unit?.show(&when))
                .map_or(Cell::Missing, Cell::Text)
        })
    }
    fn unfit(&self) -> Option<[&'static str; 2]> {
        Some(["the date is coarser than its step", "日付が丸めの単位より粗い"])
    }
    fn describe(&self) -> (String, String) {
        let units: Vec<DateUnit> = self.unit.iter().chain(&self.units).copied().collect();
        let ja: Vec<&str> = units.iter().map(|u| u.ja()).collect();
        let en: Vec<&str> = units.iter().map(|u| u.word()).collect();
        let some = if units.len() > 1 { "のいずれか" } else { "" };
        (format!("{}{some}に切捨て", ja.join("・")), format!("cut to the {}", en.join(" or ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shows_units() {
        let show = |text: &str, unit: DateUnit| unit.show(&date::parse(text).unwrap());
        assert_eq!(show("令和6年3月31日", DateUnit::FiscalYear).as_deref(), Some("FY2023"));
        assert_eq!(show("20240401", DateUnit::FiscalYear).as_deref(), Some("FY2024"));
        assert_eq!(show("20240401", DateUnit::Quarter).as_deref(), Some("2024Q2"));
        assert_eq!(show("20240700", DateUnit::Half).as_deref(), Some("2024H2"));
        assert_eq!(show("2024-04-01T12:30:00", DateUnit::Day).as_deref(), Some("2024-04-01"));
        assert_eq!(show("20240000", DateUnit::Month).as_deref(), Some("2024"));
        assert_eq!(show("20240000", DateUnit::FiscalYear), None);
    }

    proptest! {
        #[test]
        fn units_are_nested(a in -30_000_i32..30_000, b in -30_000_i32..30_000) {
            let when = |days| date::parse(&date::date_of(days).unwrap().format("%Y%m%d").to_string()).unwrap();
            let (a, b) = (when(a), when(b));
            let chain = [DateUnit::Day, DateUnit::Month, DateUnit::Quarter, DateUnit::Half, DateUnit::Year];
            for pair in chain.windows(2) {
                if pair[0].show(&a) == pair[0].show(&b) {
                    prop_assert_eq!(pair[1].show(&a), pair[1].show(&b));
                }
            }
            if DateUnit::Quarter.show(&a) == DateUnit::Quarter.show(&b) {
                prop_assert_eq!(DateUnit::FiscalYear.show(&a), DateUnit::FiscalYear.show(&b));
            }
        }
    }
}
