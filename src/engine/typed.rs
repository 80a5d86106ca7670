//! Cells in their plain form and as the columns of a typed file: a number, the operator before it, what else stands in the cell.
//!
//! Pure functions of one cell's text and of what the policy says of its column. The proof reads the files back by its own code.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::frame::{Column, Interner, MISSING};
use crate::plan::shape::Released;
use crate::say;
use crate::schema::ColumnFacts;
use crate::schema::file::{OutType, Parts};
use crate::text::{date, number};

use super::validate;

/// A number as the text that stands for its nearest double: what a typed file gives back, without an exponent.
fn plain(number: number::Decimal) -> String {
    let near = number.to_f64();
    if near == 0.0 { "0".to_owned() } else { near.to_string() }
}

/// The plain form of a value; `None` if the text is none of the type.
fn value(out: OutType, text: &str) -> Option<String> {
    match out {
        OutType::Text => Some(text.to_owned()),
        OutType::Integer => number::parse_integer(text).map(|n| n.to_string()),
        OutType::Decimal => number::Decimal::parse(text).map(plain),
        OutType::Date => Some(date::iso_day(date::date_of(date::parse(text)?.days()?)?)),
        OutType::Timestamp => {
            let when = date::parse(text)?;
            let time = when.clock()?;
            Some(date::iso_moment(date::date_of(when.days()?)?.and_time(time)))
        }
        OutType::Boolean => validate::boolean(text).map(|b| b.to_string()),
    }
}

/// The operator, the number in its plain form and what stands beside it.
fn measured(out: OutType, text: &str) -> Option<(Option<&'static str>, String, Option<String>)> {
    let found = number::Measured::parse(text)?;
    let number = found.number?;
    let number = match out {
        OutType::Integer => number.to_integer()?.to_string(),
        _ => plain(number),
    };
    let beside = match (found.class_first(), found.class) {
        (true, class) => class,
        (false, class) => class.map(|class| format!("({class})")),
    };
    Some((found.operator, number, beside))
}

/// A cell as it is counted and sorted: values in their plain form, everything else as it stands.
fn canonical(facts: &ColumnFacts, released: &Released, text: &str) -> String {
    if facts.is_special(text) {
        return text.to_owned();
    }
    let found = match released.parts {
        Parts::Bounds => None,
        Parts::Whole | Parts::Note => value(released.out, text),
        Parts::Op | Parts::OpNote => {
            measured(released.out, text).map(|(operator, number, beside)| {
                let operator = operator.unwrap_or("");
                match beside {
                    None => format!("{operator}{number}"),
                    Some(class) if class.starts_with('(') => format!("{operator}{number}{class}"),
                    Some(class) => format!("{operator}{class}({number})"),
                }
            })
        }
    };
    // What is no value stays: it stands in the column of notes, or ends the run when it is written.
    found.unwrap_or_else(|| text.to_owned())
}

/// The cells of a column in their plain form, if its file has types.
pub(crate) fn canonical_cells(facts: &ColumnFacts, released: &Released, cells: &Column) -> Column {
    if released.out == OutType::Text {
        return cells.clone();
    }
    let mut interner = Interner::new();
    let map: Vec<u32> = cells
        .dictionary()
        .texts()
        .map(|text| interner.intern(&canonical(facts, released, text)))
        .collect();
    recoded(cells, &map, interner)
}

fn recoded(cells: &Column, map: &[u32], interner: Interner) -> Column {
    let codes = cells.codes().iter();
    let codes = codes.map(|&c| if c == MISSING { MISSING } else { map[c as usize] }).collect();
    Column::new(codes, Arc::new(interner.finish()))
}

/// The numbers at the ends of a label (`65-69`, `90+`, `>=30`, `<5`, `[0.5,1)`); `None` for an end that is open, or that the label
/// does not name.
fn ends(label: &str) -> [Option<number::Decimal>; 2] {
    let number = |text: &str| {
        let plain = text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'.'));
        plain.then(|| number::Decimal::parse(text)).flatten()
    };
    if let Some(n) = number(label) {
        return [Some(n), Some(n)];
    }
    if let Some(n) = label.strip_suffix('+').and_then(number) {
        return [Some(n), None];
    }
    for (sign, at) in [(">=", 0), ("<=", 1), (">", 0), ("<", 1)] {
        if let Some(n) = label.strip_prefix(sign).and_then(number) {
            return if at == 0 { [Some(n), None] } else { [None, Some(n)] };
        }
    }
    let inner = label.strip_prefix('[').and_then(|l| l.strip_suffix(')'));
    let pair = match inner {
        Some(inner) => inner.split_once(','),
        None => {
            let hyphen = label.char_indices().skip(1).find(|(_, c)| *c == '-');
            hyphen.map(|(at, _)| (&label[..at], &label[at + 1..]))
        }
    };
    match pair.and_then(|(low, high)| number(low).zip(number(high))) {
        Some((low, high)) => [Some(low), Some(high)],
        None => [None, None],
    }
}

/// The cells of the columns that a released column becomes in its file.
///
/// # Errors
/// If a cell has what none of these columns can hold.
pub(crate) fn in_file(
    facts: &ColumnFacts,
    released: &Released,
    cells: Column,
) -> Result<Vec<Column>> {
    if released.parts == Parts::Whole {
        return Ok(vec![cells]);
    }
    // A text that no row shows any more ends no run.
    let cells = cells.compact();
    let texts = cells.dictionary();
    let mut made: [(Vec<u32>, Interner); 3] = Default::default();
    for text in texts.texts() {
        let (main, second, third) = beside(facts, released, text);
        let shown: [Option<String>; 3] = match released.parts {
            Parts::Op if main.is_none() => {
                return Err(Error::refused(
                    "C0503",
                    say!(
                        "table `{}`, column `{}`: a cell does not fit the type of the column",
                        facts.table,
                        facts.column
                    ),
                ));
            }
            Parts::Op => [main, second, None],
            Parts::Note => [main, third, None],
            _ => [main, second, third],
        };
        for ((codes, interner), text) in made.iter_mut().zip(shown) {
            codes.push(text.map_or(MISSING, |text| interner.intern(&text)));
        }
    }
    let width = 1 + released.parts.endings().len();
    Ok(made
        .into_iter()
        .take(width)
        .map(|(map, interner)| recoded(&cells, &map, interner))
        .collect())
}

/// What stands in the column itself, in the operator's (or that of the lower end), and in the notes (or the upper end).
fn beside(
    facts: &ColumnFacts,
    released: &Released,
    text: &str,
) -> (Option<String>, Option<String>, Option<String>) {
    if released.parts == Parts::Bounds {
        let special = facts.is_special(text);
        let [low, high] = if special { [None, None] } else { ends(text) };
        let shown = |n: number::Decimal| match released.ends {
            OutType::Integer => n.to_integer().map(|n| n.to_string()),
            _ => Some(plain(n)),
        };
        return (Some(text.to_owned()), low.and_then(shown), high.and_then(shown));
    }
    let note = || (None, None, Some(text.to_owned()));
    if facts.is_special(text) {
        return note();
    }
    match released.parts {
        Parts::Note => match value(released.out, text) {
            Some(value) => (Some(value), None, None),
            None => note(),
        },
        _ => match measured(released.out, text) {
            Some((operator, number, beside)) => (Some(number), operator.map(str::to_owned), beside),
            None => note(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Name;
    use crate::schema::{Role, Type};

    fn facts(ty: Type, specials: &[&str]) -> ColumnFacts {
        ColumnFacts {
            table: Name::fixed("t"),
            column: Name::fixed("c"),
            role: Role::Payload,
            ty,
            date: None,
            code: None,
            specials: specials.iter().map(|s| (*s).to_owned()).collect(),
        }
    }

    fn shown(ty: Type, out: OutType, parts: Parts, text: &str) -> Vec<Option<String>> {
        let facts = facts(ty, &["9999", "検体不良"]);
        let released = Released { column: 0, out, ty, parts, ends: OutType::Decimal };
        let cells = canonical_cells(&facts, &released, &Column::from_texts([Some(text)]));
        let columns = in_file(&facts, &released, cells).unwrap();
        columns.iter().map(|c| c.text(0).map(str::to_owned)).collect()
    }

    #[test]
    fn a_laboratory_value_is_a_number_with_what_stands_beside_it() {
        for (text, number, operator, note) in [
            ("１２．５０", "12.5", "", ""),
            (">1,000(+)", "1000", ">", "(+)"),
            ("3+(300)", "300", "", "3+"),
            ("0.5未満", "0.5", "<", ""),
            ("(+)", "", "", "(+)"),
            ("9999", "", "", "9999"),
            ("検体不良", "", "", "検体不良"),
            ("0.0000001", "0.0000001", "", ""),
        ] {
            let cells = shown(Type::Measured, OutType::Decimal, Parts::OpNote, text);
            let cells: Vec<&str> = cells.iter().map(|c| c.as_deref().unwrap_or("")).collect();
            assert_eq!(cells, [number, operator, note], "{text}");
        }
    }

    #[test]
    fn what_a_number_column_cannot_hold_ends_the_run() {
        let facts = facts(Type::Decimal, &[]);
        let (out, ty) = (OutType::Decimal, Type::Decimal);
        let released = Released { column: 0, out, ty, parts: Parts::Op, ends: out };
        let error = in_file(&facts, &released, Column::from_texts([Some("CANARY")])).unwrap_err();
        assert_eq!(error.code, "C0503");
        assert!(!format!("{error:?}").contains("CANARY"));
    }

    #[test]
    fn dates_moments_and_special_values() {
        let day = |text| shown(Type::Date, OutType::Date, Parts::Note, text);
        assert_eq!(day("令和6年4月1日"), [Some("2024-04-01".to_owned()), None]);
        assert_eq!(day("9999"), [None, Some("9999".to_owned())]);
        let at = |text| shown(Type::Datetime, OutType::Timestamp, Parts::Note, text)[0].clone();
        assert_eq!(at("20240401 0930").unwrap(), "2024-04-01T09:30:00");
        assert_eq!(at("2024/4/1").unwrap(), "2024-04-01T00:00:00");
        assert_eq!(at("2024-04-01T09:30:01.25+09:00").unwrap(), "2024-04-01T09:30:01.250");
    }

    #[test]
    fn labels_tell_their_ends() {
        for (label, low, high) in [
            ("65-69", "65", "69"),
            ("90+", "90", ""),
            (">=30", "30", ""),
            ("<5", "", "5"),
            ("-5--1", "-5", "-1"),
            ("7", "7", "7"),
            ("[0.5,1)", "0.5", "1"),
            ("その他", "", ""),
        ] {
            let cells = shown(Type::Code, OutType::Text, Parts::Bounds, label);
            let cells: Vec<&str> = cells.iter().map(|c| c.as_deref().unwrap_or("")).collect();
            assert_eq!(cells, [label, low, high]);
        }
    }
}
