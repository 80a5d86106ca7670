//! Whether the text of a cell can be read as its column's type.

use crate::schema::{ColumnFacts, Type};
use crate::text::{date, number};

/// Whether `text` is a value of the column: one of its special values or readable as its type.
#[must_use]
pub fn reads(facts: &ColumnFacts, text: &str) -> bool {
    if facts.is_special(text) {
        return true;
    }
    match facts.ty {
        Type::String | Type::Code => true,
        // As files with types hold it: what is longer is no count but a number of something.
        Type::Integer => number::parse_integer(text).is_some_and(|n| i64::try_from(n).is_ok()),
        Type::Decimal => number::Decimal::parse(text).is_some(),
        Type::Measured => number::Measured::parse(text).is_some(),
        Type::Date => date::parse(text).is_some_and(|when| when.days().is_some()),
        Type::PartialDate => date::parse(text).is_some(),
        Type::Datetime => date::parse(text).is_some_and(|when| when.days().is_some()),
        Type::Boolean => boolean(text).is_some(),
    }
}

/// A boolean in the usual spellings.
#[must_use]
pub fn boolean(text: &str) -> Option<bool> {
    const TRUE: [&str; 10] = ["true", "t", "yes", "y", "1", "有", "あり", "はい", "○", "１"];
    const FALSE: [&str; 10] = ["false", "f", "no", "n", "0", "無", "なし", "いいえ", "×", "０"];
    let lower = text.trim().to_ascii_lowercase();
    if TRUE.contains(&lower.as_str()) {
        Some(true)
    } else if FALSE.contains(&lower.as_str()) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_those_of_64_bits() {
        let facts = ColumnFacts {
            table: crate::error::Name::from_policy("t"),
            column: crate::error::Name::from_policy("c"),
            role: crate::schema::Role::Payload,
            ty: Type::Integer,
            date: None,
            code: None,
            specials: vec!["99999999999999999999".to_owned()],
        };
        for text in
            ["9223372036854775807", "-9223372036854775808", "1,000", "2.0", "99999999999999999999"]
        {
            assert!(reads(&facts, text), "{text}");
        }
        for text in ["9223372036854775808", "-9223372036854775809", "18446744073709551615", "2.5"] {
            assert!(!reads(&facts, text), "{text}");
        }
    }
}
