//! The language in which the program speaks to a person: English, or Japanese from one catalogue.
//!
//! Texts are written in English where they are said; `ja.toml` has the Japanese of each, keyed by the English template.
//! A text without an entry is shown in English, and a test (`tests/lang.rs`) keeps that from happening. What machines read (JSON, records,
//! logs) is English in every language.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::Display;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The Japanese catalogue as it is written.
pub const JA: &str = include_str!("ja.toml");

/// A language.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Lang {
    /// 日本語.
    Ja,
    /// English.
    #[default]
    En,
}

static JAPANESE: AtomicBool = AtomicBool::new(false);

/// Says in which language the program speaks from now on. A program that has this one inside and says nothing hears English.
pub fn speak(lang: Lang) {
    JAPANESE.store(lang == Lang::Ja, Ordering::Relaxed);
}

/// The language in which the program speaks.
#[must_use]
pub fn spoken() -> Lang {
    if JAPANESE.load(Ordering::Relaxed) { Lang::Ja } else { Lang::En }
}

impl Lang {
    /// The language of a locale: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set and not empty decides.
    #[must_use]
    pub fn of_locale(variable: impl Fn(&str) -> Option<std::ffi::OsString>) -> Lang {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .filter_map(variable)
            .find(|value| !value.is_empty());
        let name = set.unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        let language = name.split(['_', '.', '@', '-']).next().unwrap_or_default();
        if matches!(language, "ja" | "japanese") { Lang::Ja } else { Lang::En }
    }
    /// One of two texts.
    #[must_use]
    pub fn pick<T>(self, ja: T, en: T) -> T {
        match self {
            Lang::Ja => ja,
            Lang::En => en,
        }
    }
}

/// The entries of the catalogue: English, Japanese.
fn catalogue() -> &'static HashMap<String, String> {
    static ENTRIES: OnceLock<HashMap<String, String>> = OnceLock::new();
    ENTRIES.get_or_init(|| {
        let table: toml::Table = JA.parse().unwrap_or_default();
        let rooms = table.into_iter().filter_map(|(_, room)| match room {
            toml::Value::Table(entries) => Some(entries),
            _ => None,
        });
        let text = |(key, value): (String, toml::Value)| match value {
            toml::Value::String(text) => Some((key, text)),
            _ => None,
        };
        rooms.flatten().filter_map(text).collect()
    })
}

/// The text of a language for an English one; the English one if there is none.
#[must_use]
pub fn of(lang: Lang, english: &str) -> &str {
    match lang {
        Lang::En => english,
        Lang::Ja => catalogue().get(english).map_or(english, String::as_str),
    }
}

/// The Japanese of an English text, if the catalogue has it.
#[must_use]
pub fn ja(english: &str) -> Option<&'static str> {
    catalogue().get(english).map(String::as_str)
}

/// A text of this program in the language that is spoken.
#[must_use]
pub fn word(english: &'static str) -> &'static str {
    of(spoken(), english)
}

/// Counts the holes `{}` of a template while the program is compiled; anything else in braces does not compile: a `{name}` would
/// take a variable that nobody asked whether it may be told.
#[doc(hidden)]
#[must_use]
pub const fn holes(template: &str) -> usize {
    let bytes = template.as_bytes();
    let (mut at, mut count) = (0, 0);
    while at < bytes.len() {
        let next = if at + 1 < bytes.len() { bytes[at + 1] } else { 0 };
        match bytes[at] {
            b'{' if next == b'}' => {
                count += 1;
                at += 1;
            }
            b'{' | b'}' => {
                assert!(next == bytes[at], "a template has empty holes and nothing else in braces");
                at += 1;
            }
            _ => {}
        }
        at += 1;
    }
    count
}

/// Fills the holes of a template: `{}` takes the next part, `{0}` that of the number. `part` is told whether its hole stands between
/// backticks, where words are those of policies.
pub(crate) fn fill<'a>(template: &str, part: impl Fn(usize, bool) -> Cow<'a, str>) -> String {
    let mut text = String::with_capacity(template.len() + 32);
    let (mut rest, mut next) = (template, 0);
    while let Some(at) = rest.find(['{', '}']) {
        text.push_str(&rest[..at]);
        let tail = &rest[at..];
        if tail.starts_with("{{") || tail.starts_with("}}") {
            text.push_str(&tail[..1]);
            rest = &tail[2..];
            continue;
        }
        let Some(end) = tail.find('}') else { break };
        let number = tail.get(1..end).and_then(|n| n.parse().ok()).unwrap_or_else(|| {
            next += 1;
            next - 1
        });
        rest = &tail[end + 1..];
        let quoted = text.ends_with('`') && rest.starts_with('`');
        text.push_str(&part(number, quoted));
    }
    text.push_str(rest);
    text
}

/// Used by [`words!`](crate::words).
#[doc(hidden)]
#[must_use]
pub fn line(template: &'static str, parts: &[&dyn Display]) -> String {
    fill(word(template), |at, _| {
        parts.get(at).map_or(Cow::Borrowed(""), |part| Cow::Owned(part.to_string()))
    })
}

/// A line for people on a terminal, in the language that is spoken. Its parts may be anything: it goes nowhere but to the user's own
/// screen. Errors and warnings are made with [`say!`](crate::say).
#[macro_export]
macro_rules! words {
    ($format:literal $(, $part:expr)* $(,)?) => {{
        const { assert!($crate::lang::holes($format) == <[()]>::len(&[$($crate::say!(@ $part)),*])) }
        $crate::lang::line($format, &[$(&$part as &dyn ::std::fmt::Display),*])
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides() {
        let of = |set: &[(&str, &str)]| {
            Lang::of_locale(|name| {
                set.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).into())
            })
        };
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8")]), Lang::Ja);
        assert_eq!(of(&[("LANG", "ja_JP.eucJP"), ("LC_ALL", "C")]), Lang::En);
        assert_eq!(of(&[("LANG", "C.UTF-8"), ("LC_MESSAGES", "ja")]), Lang::Ja);
        assert_eq!(of(&[("LANG", "ja_JP.UTF-8"), ("LC_ALL", "")]), Lang::Ja);
        assert_eq!(of(&[("LANG", "jam_JM")]), Lang::En);
        assert_eq!(of(&[]), Lang::En);
    }

    #[test]
    fn holes_are_filled_in_any_order() {
        let filled = |template| fill(template, |at, _| Cow::Owned(at.to_string()));
        assert_eq!(filled("a {} b {}"), "a 0 b 1");
        assert_eq!(filled("{1}の{0}"), "1の0");
        assert_eq!(filled("{{ k = {} }}"), "{ k = 0 }");
        assert_eq!(holes("`{}` {{}} {}"), 2);
        assert_eq!(line("{}, {}", &[&1, &"x"]), "1, x");
    }
}
