//! Redact: identifiers in free text are replaced by marks.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Cell, Doc, Input, Known, Marks, Needs, Output, Shows, Technique};
use crate::detect::everyone::{BIRTH, mark_of, squeezed};
use crate::detect::{self, DETECTORS, Everyone, Scanner, Strength};
use crate::error::Said;
use crate::law::Item;
use crate::say;
use crate::schema::{ColumnFacts, Kind, Role, Type};
use crate::text::date;
use crate::text::identifier;
use crate::text::normalize::{Folded, fold, name_key};

/// Replaces what looks like an identifier, and every identifier of this person that stands in the tables, by marks such as 【氏名】.
///
/// Found are: strong and fair hits of all detectors (`docs/detectors.md`); names, numbers and birth dates of the row's own
/// person from all tables, in any width, kana, spacing, hyphens and variant of ideographs; and the numbers, codes, addresses
/// and full names of every other person of the run, their family names beside a title ([`crate::detect::everyone`]).
///
/// # Guarantee
/// * No detector finds anything in the output (tried again until nothing is found; a cell where that fails is suppressed).
/// * No identifier of the person of four characters or more that stands in a direct, id_code, financial, link or third_party column, and no
///   birth date in a form that dates are read in, is left.
/// * Of other persons of the run: no number of six digits or more as a whole number, no code of six letters or more, no full name.
///
/// Not promised: given names alone of other persons, their birth dates, nicknames, names that no list has, foreign names, and what
/// identifies by its content (an accident in the news, a profession). So it is for the pseudonymized release only.
///
/// With `dates = true` days and months of the calendar (2024年4月12日, R6.4.12, 4月12日, 4/12, 12日, 2024年4月) become 【日付】 too, also of others and of
/// no one: beside dates that are shifted they would tell by how much. Years alone and lengths of time (3日後) stay.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Redact {
    /// Days and months of the calendar become marks too: asked for where the release shifts dates.
    #[serde(default)]
    pub dates: bool,
}

/// What a day or month becomes.
const DATE: &str = "【日付】";

/// Redaction is repeated, because a mark may stand where it names what follows.
const ROUNDS: usize = 4;

impl Technique for Redact {
    const DOC: Doc = Doc {
        name: "redact",
        ja: "自由記載の墨消し（識別子の置換）",
        summary: "Replaces identifiers in free text by marks.",
        summary_ja: "自由記載の中の識別子を【氏名】等の印に置き換える。",
        items: &[Item::P1, Item::P2, Item::P3],
        example: "\"redact\"",
        shorthand: None,
        keyed: false,
        shows: Shows::Redacted,
        ranges: false,
    };
    fn check(&self, facts: &ColumnFacts, kind: Kind) -> Vec<Said> {
        let mut said = Vec::new();
        if kind != Kind::Pseudonymized {
            said.push(say!("redact belongs to the pseudonymized release: no search finds everything that identifies; drop free text here"));
        }
        if facts.role != Role::Text || facts.ty != Type::String {
            said.push(say!("redact is for free text: role text, type string"));
        }
        said
    }
    fn needs(&self) -> Needs {
        Needs { known: true, ..Needs::default() }
    }
    fn output(&self, _: &ColumnFacts) -> Option<Type> {
        Some(Type::String)
    }
    fn apply(&self, input: &Input<'_>) -> Output {
        let scanner = Scanner::of_column(input.facts.column.as_str());
        let mut patterns: Vec<Option<Vec<Pattern>>> = Vec::new();
        patterns.resize_with(input.persons.ids.len(), || None);
        let mut marks = Marks::default();
        let mut output = input.map_rows(|row, text| {
            let person = input.persons.of_row[row];
            let own = patterns[person as usize].get_or_insert_with(|| {
                input.known.get(person as usize).map(|known| patterns_of(known)).unwrap_or_default()
            });
            let mut here = BTreeMap::new();
            let of =
                Searched { scanner: &scanner, own, everyone: input.everyone, dates: self.dates };
            let cell = redacted(&of, text, &mut here);
            if cell != Cell::Missing {
                marks.add(person, here);
            }
            cell
        });
        output.marks = marks;
        output
    }
    fn describe(&self) -> (String, String) {
        (
            "自由記載の中の識別子を印に置換".into(),
            "identifiers in free text replaced by marks".into(),
        )
    }
}

/// An identifier of a person, in the form in which it is looked for.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Pattern {
    /// Letters and digits only, large katakana, upper case.
    Key { key: String, mark: &'static str },
    /// A day.
    Day(i32),
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}')
}

/// What of a person's cells can be looked for. Longest first, so that a whole name goes before its parts.
fn patterns_of(known: &[Known<'_>]) -> Vec<Pattern> {
    let mut patterns = Vec::new();
    for Known { facts, text } in known {
        if facts.ty.is_date() {
            patterns.extend(date::parse(text).and_then(|when| when.days()).map(Pattern::Day));
            continue;
        }
        let mark = mark_of(facts);
        let mut add = |key: Option<String>, part: bool| {
            let Some(key) = key else { return };
            let characters = key.chars().count();
            let shortest = match (key.is_ascii(), part && key.chars().all(is_kana)) {
                (true, _) => 4,
                (false, true) => 3,
                (false, false) => 2,
            };
            if characters >= shortest {
                patterns.push(Pattern::Key { key, mark });
            }
        };
        if identifier::normalize(text, false, None).is_none() {
            continue;
        }
        let whole = name_key(text);
        if let Some(key) = &whole
            && key.bytes().all(|b| b.is_ascii_digit())
        {
            let significant = key.trim_start_matches('0');
            if significant.len() >= 5 {
                add(Some(significant.to_owned()), false);
            }
        }
        add(whole, false);
        // The parts of a name: family and given name.
        let folded = fold(text);
        let parts: Vec<&str> =
            folded.text().split([' ', '・', ',']).filter(|p| !p.is_empty()).collect();
        if facts.role == Role::Direct && !folded.text().is_ascii() && parts.len() == 2 {
            for part in parts {
                add(name_key(part), true);
            }
        }
    }
    patterns.sort_by_key(|p| match p {
        Pattern::Key { key, .. } => std::cmp::Reverse(key.len()),
        Pattern::Day(_) => std::cmp::Reverse(0),
    });
    patterns.dedup();
    patterns
}

/// Where a person's own identifiers stand, as bytes of the original text with marks.
fn own_spans(folded: &Folded, patterns: &[Pattern], spans: &mut Vec<(usize, usize, &'static str)>) {
    if patterns.is_empty() {
        return;
    }
    let text = folded.text();
    let (dense, at) = squeezed(text);
    for pattern in patterns {
        match pattern {
            Pattern::Key { key, mark } => {
                for (from, _) in dense.match_indices(key.as_str()) {
                    let (start, end) = (at[from].0, at[from + key.len() - 1].1);
                    let gap = &text[start..end];
                    let digits = key.bytes().all(|b| b.is_ascii_digit());
                    // Between digits only what a number has between its groups; in names at most two marks.
                    let joined = if digits {
                        gap.chars().all(|c| {
                            c.is_ascii_digit()
                                || matches!(c, ' ' | '-' | '(' | ')' | '.' | '/' | '・' | '_')
                        })
                    } else {
                        gap.chars()
                            .filter(|c| !c.is_alphanumeric() && !matches!(c, 'ー' | '々'))
                            .count()
                            <= 3
                    };
                    let beside = |c: Option<char>| {
                        c.is_some_and(|c| {
                            if digits { c.is_ascii_digit() } else { c.is_ascii_alphanumeric() }
                        })
                    };
                    let closed = !key.is_ascii()
                        || !beside(
                            text[..start].chars().next_back().filter(|&c| c != '0' || !digits),
                        ) && !beside(text[end..].chars().next());
                    if joined && closed {
                        // Leading zeros belong to the number.
                        let start =
                            if digits { text[..start].trim_end_matches('0').len() } else { start };
                        let original = folded.original(start..end);
                        spans.push((original.start, original.end, mark));
                    }
                }
            }
            Pattern::Day(day) => {
                for (start, end) in detect::dates::of_day(text, *day) {
                    let original = folded.original(start..end);
                    spans.push((original.start, original.end, BIRTH));
                }
            }
        }
    }
}

/// What is looked for.
struct Searched<'a> {
    scanner: &'a Scanner<'a>,
    own: &'a [Pattern],
    everyone: Option<&'a Everyone>,
    dates: bool,
}

fn redacted(of: &Searched<'_>, text: &str, marks: &mut BTreeMap<&'static str, u64>) -> Cell {
    let mut text = text.to_owned();
    let mut changed = false;
    for _ in 0..ROUNDS {
        let mut spans: Vec<(usize, usize, &'static str)> = of
            .scanner
            .scan(&text)
            .into_iter()
            .filter(|h| h.strength >= Strength::Fair)
            .map(|h| (h.start, h.end, DETECTORS[h.detector].doc().mark))
            .collect();
        let folded = fold(&text);
        own_spans(&folded, of.own, &mut spans);
        if let Some(everyone) = of.everyone {
            everyone.spans(&folded, &mut spans);
        }
        if of.dates {
            let found = detect::dates::spans(folded.text()).into_iter();
            spans.extend(found.map(|(start, end)| {
                let original = folded.original(start..end);
                (original.start, original.end, DATE)
            }));
        }
        if spans.is_empty() {
            return if changed { Cell::Text(text) } else { Cell::Same };
        }
        // Overlapping spans become one, with the mark of the longest.
        spans.sort_by_key(|&(start, end, _)| (start, std::cmp::Reverse(end)));
        let mut merged: Vec<(usize, usize, usize, &'static str)> = Vec::new();
        for (start, end, mark) in spans {
            match merged.last_mut() {
                Some(last) if start < last.1 => {
                    if end - start > last.2 {
                        (last.2, last.3) = (end - start, mark);
                    }
                    last.1 = last.1.max(end);
                }
                _ => merged.push((start, end, end - start, mark)),
            }
        }
        let mut next = String::with_capacity(text.len());
        let mut from = 0;
        for (start, end, _, mark) in merged {
            next.push_str(&text[from..start]);
            next.push_str(mark);
            *marks.entry(mark).or_default() += 1;
            from = end;
        }
        next.push_str(&text[from..]);
        (text, changed) = (next, true);
    }
    // Something is found again and again: nothing of the cell is kept.
    Cell::Missing
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Name;
    use crate::schema::DateKind;
    use crate::testing::{Rows, facts, frozen};
    use proptest::prelude::*;

    fn looking<'a>(scanner: &'a Scanner<'a>, own: &'a [Pattern], dates: bool) -> Searched<'a> {
        Searched { scanner, own, everyone: None, dates }
    }

    #[test]
    fn days_and_months_become_marks_where_that_is_asked_for() {
        let text = "2024年4月12日に入院、４/15にCT。3日後に再検";
        let cell = redacted(&looking(&Scanner::new(), &[], true), text, &mut BTreeMap::new());
        assert_eq!(cell, Cell::Text("【日付】に入院、【日付】にCT。3日後に再検".into()));
        let cell = redacted(&looking(&Scanner::new(), &[], false), text, &mut BTreeMap::new());
        assert_eq!(cell, Cell::Same);
    }

    fn column(name: &'static str, role: Role) -> ColumnFacts {
        let mut facts = facts(Type::String);
        (facts.column, facts.role) = (Name::fixed(name), role);
        facts
    }

    fn patterns() -> Vec<Pattern> {
        let (name, kana) = (column("氏名", Role::Direct), column("カナ氏名", Role::Direct));
        let (id, phone) = (column("患者ID", Role::Link), column("電話番号", Role::Direct));
        let mut birth = column("生年月日", Role::Quasi);
        (birth.ty, birth.date) = (Type::Date, Some(DateKind::Birth));
        let known = [
            Known { facts: &name, text: "髙橋　麗奈子" },
            Known { facts: &kana, text: "ﾀｶﾊｼ ﾚﾅｺ" },
            Known { facts: &id, text: "0000123456" },
            Known { facts: &phone, text: "000-0012-3456" },
            Known { facts: &birth, text: "19550102" },
        ];
        patterns_of(&known)
    }

    fn of(text: &str) -> String {
        match redacted(&looking(&Scanner::new(), &patterns(), false), text, &mut BTreeMap::new()) {
            Cell::Same => text.to_owned(),
            Cell::Text(text) => text,
            Cell::Missing => "-".to_owned(),
        }
    }

    #[test]
    fn what_the_tables_know_goes() {
        for (text, after) in [
            ("高橋麗奈子の夫に説明", "【氏名】の夫に説明"),
            ("高 橋 麗奈子", "【氏名】"),
            ("麗奈子は落ち着いている", "【氏名】は落ち着いている"),
            ("たかはしれなこ さん", "【氏名】 さん"),
            ("前回 １２３４５６ 参照", "前回 【患者番号】 参照"),
            ("前回 0000123456 参照", "前回 【患者番号】 参照"),
            ("1234567 は別の番号", "1234567 は別の番号"),
            ("電話 000-0012-3456 へ", "電話 【電話番号】 へ"),
            ("S30.1.2 に出生", "【生年月日】 に出生"),
            ("（昭和30年1月2日）", "（【生年月日】）"),
            ("2024年1月2日に入院", "2024年1月2日に入院"),
            ("家族へ説明済み", "家族へ説明済み"),
            ("鈴木先生より 045-123-4567", "【氏名】先生より 【電話番号】"),
            ("090.1234.5678 と 03/1234/5678", "【電話番号】 と 【電話番号】"),
            ("電話 000.0012.3456 へ", "電話 【電話番号】 へ"),
            ("個人番号カード 1234 5613 4623", "個人番号カード 【個人番号】"),
            ("ID:hanako PW:abc123", "ID:【ログイン情報】 PW:【ログイン情報】"),
            ("みらい銀行本町支店 普通 1234567", "みらい銀行本町支店 普通 【口座番号】"),
            ("SUZUKI HANAKO が同席", "【氏名】 が同席"),
        ] {
            assert_eq!(of(text), after, "{text}");
        }
    }

    #[test]
    fn only_free_text_of_the_pseudonymized_release() {
        let text = column("備考", Role::Text);
        assert!(Redact::default().check(&text, Kind::Pseudonymized).is_empty());
        assert_eq!(Redact::default().check(&text, Kind::Anonymized).len(), 1);
        assert_eq!(Redact::default().check(&facts(Type::String), Kind::Pseudonymized).len(), 1);
    }

    proptest! {
        #[test]
        fn nothing_that_a_detector_finds_is_left(text in "([山田太郎様氏名主治医:TEL電話ID番号記号 、。]{0,6}[0-9０-９-]{0,12}){0,4}") {
            if let Cell::Text(after) = redacted(&looking(&Scanner::new(), &patterns(), false), &text, &mut BTreeMap::new()) {
                prop_assert!(Scanner::new().scan(&after).iter().all(|h| h.strength < Strength::Fair));
            }
        }
        #[test]
        fn cells_without_a_finding_stay(text in "[a-zA-Zあ-お、。 ]{0,12}") {
            let rows = Rows::new([(0, Some(text.clone()))]);
            let facts = column("備考", Role::Text);
            let (_, output) = frozen(&Redact::default(), &rows, &facts).unwrap();
            prop_assert_eq!(output.cells.text(0), Some(text.as_str()));
        }
    }
}
