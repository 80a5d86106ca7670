//! Identifiers: two spellings of one number must become one identity, two numbers never.

use std::fmt::Write as _;

use unicode_normalization::UnicodeNormalization;

/// The version of the rules below: part of every token's derivation and named in the record.
pub const VERSION: &str = "kakou-id-1";

/// The normalized form: NFKC, upper case, without blanks, zero-width characters and hyphens.
///
/// `None` for what cannot identify: blank, fillers (all nines or all zeros, three or more), undecodable characters.
/// Leading zeros stay unless `drop_leading_zeros`; `pad_to` fills all-digit identifiers with zeros to a width.
#[must_use]
pub fn normalize(text: &str, drop_leading_zeros: bool, pad_to: Option<u8>) -> Option<String> {
    if text.contains('\u{fffd}') {
        return None;
    }
    let mut normal = if text.is_ascii() { plain(text) } else { folded(text) };
    if normal.is_empty() || is_filler(&normal) {
        return None;
    }
    if normal.bytes().all(|b| b.is_ascii_digit()) {
        if drop_leading_zeros {
            normal = normal.trim_start_matches('0').to_owned();
        }
        if let Some(width) = pad_to {
            let width = usize::from(width);
            if normal.len() < width {
                normal.insert_str(0, &"0".repeat(width - normal.len()));
            }
        }
    }
    Some(normal)
}

/// What [`folded`] gives for ASCII, which needs no table.
fn plain(text: &str) -> String {
    text.chars().filter(|&c| !is_blank(c) && c != '-').map(|c| c.to_ascii_uppercase()).collect()
}

fn folded(text: &str) -> String {
    let wide: Vec<char> = text.nfkc().filter(|&c| !is_blank(c)).collect();
    let mut normal = String::with_capacity(text.len());
    for (index, &c) in wide.iter().enumerate() {
        // The long vowel mark is a letter in names; between letters and digits it is a typed hyphen.
        let long_vowel = matches!(c, 'ー' | '―')
            && index > 0
            && wide[index - 1].is_ascii_alphanumeric()
            && wide.get(index + 1).is_some_and(char::is_ascii_alphanumeric);
        if is_dash(c) || long_vowel {
            continue;
        }
        normal.extend(c.to_uppercase());
    }
    normal
}

/// Joins the parts of a key with their lengths: `a` + `bc` is never `ab` + `c`.
#[must_use]
pub fn compose(parts: &[&str]) -> String {
    let mut whole = String::with_capacity(parts.iter().map(|p| p.len() + 4).sum());
    for part in parts {
        // Writing to a text cannot fail.
        let _ = write!(whole, "{}:", part.len());
        whole.push_str(part);
    }
    whole
}

/// The parts that [`compose`] joined; none if the text was not made by it.
#[must_use]
pub fn decompose(whole: &str) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let mut rest = whole;
    while !rest.is_empty() {
        let (length, after) = rest.split_once(':')?;
        let length: usize = length.parse().ok()?;
        parts.push(after.get(..length)?);
        rest = &after[length..];
    }
    Some(parts)
}

/// The spellings under which an identifier is searched for in a release: as it stands, in NFKC, in full width,
/// without hyphens and blanks, and without leading zeros. Sorted, without repetition.
#[must_use]
pub fn variants(text: &str) -> Vec<String> {
    let raw = text.trim();
    let narrow: String = if raw.is_ascii() { raw.to_owned() } else { raw.nfkc().collect() };
    let bare: String =
        narrow.chars().filter(|&c| !is_blank(c) && !is_dash(c) && c != '_').collect();
    let wide: String = narrow
        .chars()
        .map(|c| match c {
            '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap_or(c),
            _ => c,
        })
        .collect();
    let stripped = if bare.bytes().all(|b| b.is_ascii_digit()) {
        bare.trim_start_matches('0').to_owned()
    } else {
        bare.clone()
    };
    let mut all = vec![raw.to_owned(), narrow, bare, wide, stripped];
    all.retain(|v| !v.is_empty());
    all.sort();
    all.dedup();
    all
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{00ad}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'
            ..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' | '\u{2500}'
    )
}

fn is_filler(normal: &str) -> bool {
    normal.len() >= 3 && (normal.bytes().all(|b| b == b'9') || normal.bytes().all(|b| b == b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_number_in_many_spellings() {
        for text in [
            "0012-3456",
            "００１２－３４５６",
            " 0012 3456",
            "0012‐3456",
            "0012−3456",
            "0012ー3456",
            "0012\u{200b}3456",
        ] {
            assert_eq!(normalize(text, false, None).as_deref(), Some("00123456"), "{text}");
        }
        assert_eq!(normalize("ａｂ-12", false, None).as_deref(), Some("AB12"));
        assert_eq!(normalize("12", false, Some(4)).as_deref(), Some("0012"));
        assert_eq!(normalize("0012", true, None).as_deref(), Some("12"));
        assert_ne!(normalize("0012", false, None), normalize("12", false, None));
    }

    #[test]
    fn fillers_identify_nobody() {
        for text in [
            "",
            "  ",
            "　",
            "999",
            "9999999999",
            "９９９９",
            "0000000000",
            "000",
            "-",
            "A\u{fffd}1",
        ] {
            assert_eq!(normalize(text, false, None), None, "{text}");
        }
        assert_eq!(normalize("9", false, None).as_deref(), Some("9"));
        assert_eq!(normalize("9991", false, None).as_deref(), Some("9991"));
    }

    proptest! {
        #[test]
        fn ascii_needs_no_table(text in "[ -~\\t\\n\u{0}\u{7f}]{0,12}") {
            prop_assert_eq!(plain(&text), folded(&text));
        }
        #[test]
        fn normalizing_is_idempotent(text in "\\PC{0,12}") {
            if let Some(once) = normalize(&text, false, None) {
                // Upper case of a few letters is longer and folds again; one more step is stable.
                let twice = normalize(&once, false, None);
                prop_assert_eq!(twice.as_deref().and_then(|t| normalize(t, false, None)), twice);
            }
        }
        #[test]
        fn composing_is_injective(a in proptest::collection::vec("[a0:1]{0,4}", 1..4), b in proptest::collection::vec("[a0:1]{0,4}", 1..4)) {
            let join = |v: &[String]| compose(&v.iter().map(String::as_str).collect::<Vec<_>>());
            prop_assert_eq!(a == b, join(&a) == join(&b));
            let whole = join(&a);
            prop_assert_eq!(decompose(&whole), Some(a.iter().map(String::as_str).collect()));
        }
    }
}
