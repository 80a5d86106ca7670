//! Numbers as they stand in hospital data: exact decimals, and laboratory values with operators and classes.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use unicode_normalization::UnicodeNormalization;

/// The largest scale: more digits after the point are not read.
const MAX_SCALE: u8 = 18;

/// An exact decimal number: `mantissa` · 10^-`scale`. Equal values are equal whatever their scale.
#[derive(Clone, Copy, Debug)]
pub struct Decimal {
    mantissa: i128,
    scale: u8,
}

impl Decimal {
    /// A whole number.
    #[must_use]
    pub const fn from_integer(value: i64) -> Self {
        Decimal { mantissa: value as i128, scale: 0 }
    }

    /// Reads a number: full-width digits and signs, well-formed thousands commas, an exponent within range.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let narrow: String;
        let text = if text.is_ascii() {
            text.trim()
        } else {
            narrow = text.nfkc().map(|c| if c == '\u{2212}' { '-' } else { c }).collect();
            narrow.trim()
        };
        let (negative, text) = match text.as_bytes().first()? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let (number, exponent) = match text.find(['e', 'E']) {
            Some(at) => (&text[..at], text[at + 1..].parse::<i32>().ok()?),
            None => (text, 0),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut mantissa: i128 = 0;
        let grouped = whole.contains(',');
        for (index, group) in whole.split(',').enumerate() {
            if grouped
                && (if index == 0 { group.is_empty() || group.len() > 3 } else { group.len() != 3 })
            {
                return None;
            }
            mantissa = digits(mantissa, group)?;
        }
        mantissa = digits(mantissa, fraction)?;
        let mut scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
        while scale < 0 {
            mantissa = mantissa.checked_mul(10)?;
            scale += 1;
        }
        while scale > i32::from(MAX_SCALE) {
            if mantissa % 10 != 0 {
                return None;
            }
            mantissa /= 10;
            scale -= 1;
        }
        let mantissa = if negative { -mantissa } else { mantissa };
        Some(Decimal { mantissa, scale: u8::try_from(scale).ok()? }.trimmed())
    }

    /// The value as a floating-point number (for statistics, not for output).
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    /// The whole number, if it is one.
    #[must_use]
    pub fn to_integer(self) -> Option<i128> {
        let trimmed = self.trimmed();
        (trimmed.scale == 0).then_some(trimmed.mantissa)
    }

    /// Rounded to so many digits after the point, half away from zero.
    #[must_use]
    pub fn round_decimals(self, decimals: u8) -> Self {
        if self.scale <= decimals {
            return self;
        }
        let factor = pow10(self.scale - decimals);
        Decimal { mantissa: divide_round(self.mantissa, factor), scale: decimals }.trimmed()
    }

    /// Rounded to so many significant digits (at least one), half away from zero.
    #[must_use]
    pub fn round_significant(self, significant: u8) -> Self {
        let length = self.mantissa.unsigned_abs().checked_ilog10().map_or(1, |l| l + 1);
        let extra = length.saturating_sub(u32::from(significant.max(1)));
        if extra == 0 {
            return self;
        }
        let factor = 10_i128.pow(extra);
        let mantissa = divide_round(self.mantissa, factor).saturating_mul(factor);
        Decimal { mantissa, scale: self.scale }.trimmed()
    }

    /// Rounded to the nearest multiple of `step` (positive), half away from zero; `None` on overflow.
    #[must_use]
    pub fn round_step(self, step: Self) -> Option<Self> {
        self.multiple(step, divide_round)
    }

    /// The largest multiple of `step` (positive) that is not above the number; `None` on overflow.
    #[must_use]
    pub fn floor_step(self, step: Self) -> Option<Self> {
        self.multiple(step, i128::div_euclid)
    }

    /// The sum; `None` on overflow.
    #[must_use]
    pub fn plus(self, other: Self) -> Option<Self> {
        let (a, b, scale) = self.aligned(other)?;
        Some(Decimal { mantissa: a.checked_add(b)?, scale }.trimmed())
    }

    fn multiple(self, step: Self, divide: impl Fn(i128, i128) -> i128) -> Option<Self> {
        if step.mantissa <= 0 {
            return None;
        }
        let (value, step, scale) = self.aligned(step)?;
        Some(Decimal { mantissa: divide(value, step).checked_mul(step)?, scale }.trimmed())
    }

    fn aligned(self, other: Self) -> Option<(i128, i128, u8)> {
        let scale = self.scale.max(other.scale);
        let a = self.mantissa.checked_mul(pow10(scale - self.scale))?;
        let b = other.mantissa.checked_mul(pow10(scale - other.scale))?;
        Some((a, b, scale))
    }

    fn trimmed(mut self) -> Self {
        while self.scale > 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.scale -= 1;
        }
        self
    }
}

fn digits(start: i128, text: &str) -> Option<i128> {
    let mut value = start;
    for byte in text.bytes() {
        if !byte.is_ascii_digit() {
            return None;
        }
        value = value.checked_mul(10)?.checked_add(i128::from(byte - b'0'))?;
    }
    Some(value)
}

fn pow10(exponent: u8) -> i128 {
    10_i128.pow(u32::from(exponent))
}

fn divide_round(value: i128, by: i128) -> i128 {
    let (quotient, rest) = (value / by, value % by);
    if rest.unsigned_abs() * 2 >= by.unsigned_abs() { quotient + value.signum() } else { quotient }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Decimal {}
impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Decimal {
    fn cmp(&self, other: &Self) -> Ordering {
        if self.scale == other.scale {
            return self.mantissa.cmp(&other.mantissa);
        }
        if let Some((a, b, _)) = self.aligned(*other) {
            return a.cmp(&b);
        }
        // Alignment overflows only if the magnitudes are far apart: the whole parts decide.
        let whole = |d: &Self| d.mantissa / pow10(d.scale);
        whole(self).cmp(&whole(other))
    }
}
impl Hash for Decimal {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let trimmed = self.trimmed();
        trimmed.mantissa.hash(state);
        trimmed.scale.hash(state);
    }
}
impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Decimal { mantissa, scale } = self.trimmed();
        if scale == 0 {
            return write!(f, "{mantissa}");
        }
        let sign = if mantissa < 0 { "-" } else { "" };
        let digits = mantissa.unsigned_abs().to_string();
        let scale = usize::from(scale);
        let digits = format!("{digits:0>width$}", width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        write!(f, "{sign}{whole}.{fraction}")
    }
}
impl serde::Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
impl<'de> serde::Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = Decimal;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number")
            }
            fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Decimal, E> {
                Ok(Decimal::from_integer(value))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Decimal, E> {
                i64::try_from(value).map(Decimal::from_integer).map_err(|_| E::custom("too large"))
            }
            fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Decimal, E> {
                Decimal::parse(&value.to_string()).ok_or_else(|| E::custom("not a plain number"))
            }
            fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Decimal, E> {
                Decimal::parse(value).ok_or_else(|| E::custom("not a number"))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
impl schemars::JsonSchema for Decimal {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Number".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": "number" })
    }
}

/// A whole number: full-width digits, sign, thousands commas; `12.0` is whole too.
#[must_use]
pub fn parse_integer(text: &str) -> Option<i128> {
    Decimal::parse(text)?.to_integer()
}

/// A laboratory value: `>1000(+)`, `3+(300)`, `<0.5`, `(+)`, `3+`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Measured {
    /// `<`, `<=`, `>` or `>=`.
    pub operator: Option<&'static str>,
    /// The number.
    pub number: Option<Decimal>,
    /// The class, as it stands: `3+`, `(+)`, `-`, `±`.
    pub class: Option<String>,
    /// Whether the class stands before the number: `3+(300)`.
    class_first: bool,
}

impl Measured {
    /// Reads a laboratory value; `None` if it is something else (two numbers, a remark).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let narrow: String = text
            .nfkc()
            .filter(|c| !c.is_whitespace())
            .map(|c| if c == '\u{2212}' { '-' } else { c })
            .collect();
        let mut rest = narrow.as_str();
        let mut operator = None;
        for (written, meaning) in [
            ("<=", "<="),
            (">=", ">="),
            ("≦", "<="),
            ("≤", "<="),
            ("≧", ">="),
            ("≥", ">="),
            ("<", "<"),
            (">", ">"),
        ] {
            if let Some(tail) = rest.strip_prefix(written) {
                (operator, rest) = (Some(meaning), tail);
                break;
            }
        }
        if operator.is_none() {
            for (written, meaning) in [("以上", ">="), ("以下", "<="), ("未満", "<"), ("超", ">")]
            {
                if let Some(head) = rest.strip_suffix(written) {
                    (operator, rest) = (Some(meaning), head);
                    break;
                }
            }
        }
        if is_class(rest) && operator.is_none() {
            return Some(Measured {
                operator,
                number: None,
                class: Some(rest.to_owned()),
                class_first: false,
            });
        }
        if let Some(number) = Decimal::parse(rest) {
            return Some(Measured {
                operator,
                number: Some(number),
                class: None,
                class_first: false,
            });
        }
        let open = rest.find('(')?;
        let (head, tail) = rest.split_at(open);
        let inner = tail.strip_prefix('(')?.strip_suffix(')')?;
        if let (Some(number), true) = (Decimal::parse(head), is_class(inner)) {
            let class = Some(inner.to_owned());
            return Some(Measured { operator, number: Some(number), class, class_first: false });
        }
        if let (true, Some(number)) = (is_class(head), Decimal::parse(inner)) {
            let class = Some(head.to_owned());
            return Some(Measured { operator, number: Some(number), class, class_first: true });
        }
        None
    }

    /// Whether the class stands before the number.
    #[must_use]
    pub const fn class_first(&self) -> bool {
        self.class_first
    }

    /// The value as text: operator, number, class.
    #[must_use]
    pub fn render(&self) -> String {
        let operator = self.operator.unwrap_or("");
        match (&self.number, &self.class) {
            (Some(number), Some(class)) if self.class_first => {
                format!("{operator}{class}({number})")
            }
            (Some(number), Some(class)) => format!("{operator}{number}({class})"),
            (Some(number), None) => format!("{operator}{number}"),
            (None, Some(class)) => class.clone(),
            (None, None) => operator.to_owned(),
        }
    }
}

/// Classes of qualitative tests: signs with an optional digit, in or out of parentheses.
fn is_class(text: &str) -> bool {
    let inner = text.strip_prefix('(').and_then(|t| t.strip_suffix(')')).unwrap_or(text);
    let signs = inner.trim_start_matches(|c: char| c.is_ascii_digit());
    inner.len() - signs.len() <= 1
        && !signs.is_empty()
        && signs.chars().count() <= 4
        && (signs.chars().all(|c| matches!(c, '+' | '-' | '±'))
            || matches!(inner, "陽性" | "陰性" | "+-" | "NEG" | "POS"))
        || matches!(inner, "陽性" | "陰性" | "NEG" | "POS")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn d(text: &str) -> Decimal {
        Decimal::parse(text).unwrap()
    }

    #[test]
    fn reads_numbers_in_every_form() {
        for (text, shown) in [
            ("１２．５", "12.5"),
            ("－３", "-3"),
            ("−3", "-3"),
            ("+3.20", "3.2"),
            ("1,234,567", "1234567"),
            (" 7 ", "7"),
            ("1e3", "1000"),
            ("2.5E-3", "0.0025"),
            (".5", "0.5"),
            ("5.", "5"),
            ("-0", "0"),
            ("000", "0"),
        ] {
            assert_eq!(d(text).to_string(), shown, "{text}");
        }
        for text in
            ["", "-", ".", "1,23", "12,34,567", "1.2.3", "NaN", "inf", "0x1", "1e999", "abc", "1 2"]
        {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
        assert_eq!(parse_integer("12.0"), Some(12));
        assert_eq!(parse_integer("12.5"), None);
    }

    #[test]
    fn rounds_half_away_from_zero() {
        assert_eq!(d("2.345").round_decimals(2).to_string(), "2.35");
        assert_eq!(d("-2.5").round_decimals(0).to_string(), "-3");
        assert_eq!(d("123456").round_significant(3).to_string(), "123000");
        assert_eq!(d("0.0012345").round_significant(2).to_string(), "0.0012");
        assert_eq!(d("172.4").round_step(d("5")).unwrap().to_string(), "170");
        assert_eq!(d("-0.4").floor_step(d("0.5")).unwrap().to_string(), "-0.5");
    }

    #[test]
    fn reads_laboratory_values() {
        for text in [">1000(+)", "3+(300)", "<0.5", "(+)", "3+", "-", "±", "12.5", ">=3"] {
            assert_eq!(Measured::parse(text).unwrap().render(), text, "{text}");
        }
        assert_eq!(Measured::parse("１０以上").unwrap().render(), ">=10");
        for text in [" 6 / 245.87", "溶血のため再検", "12.5 mg/dL", ""] {
            assert_eq!(Measured::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn shown_numbers_read_back(m in -1_000_000_000_i64..1_000_000_000, scale in 0_u8..6) {
            let n = Decimal { mantissa: i128::from(m), scale };
            prop_assert_eq!(Decimal::parse(&n.to_string()), Some(n));
            prop_assert!((n.to_f64() - m as f64 / 10_f64.powi(i32::from(scale))).abs() < 1e-6 * (1.0 + (m as f64).abs()));
        }
        #[test]
        fn rounding_is_idempotent_and_near(m in -1_000_000_i64..1_000_000, scale in 0_u8..5, decimals in 0_u8..5, step in 1_i64..50) {
            let n = Decimal { mantissa: i128::from(m), scale };
            let r = n.round_decimals(decimals);
            prop_assert_eq!(r.round_decimals(decimals), r);
            let step = Decimal::from_integer(step);
            let s = n.round_step(step).unwrap();
            prop_assert_eq!(s.round_step(step), Some(s));
            prop_assert!((s.to_f64() - n.to_f64()).abs() <= step.to_f64() / 2.0 + 1e-9);
            let f = n.floor_step(step).unwrap();
            prop_assert!(f <= n);
        }
    }
}
