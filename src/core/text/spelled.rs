//! Days in spellings that [`super::date::parse`] does not read, because nothing could be written back in them for sure:
//! `24/09/30`, `5/7`, `5月7日`, `May-24`, `四月三日`, `240507`. They are recognized only, so that no column releases true days
//! as codes. What one cell cannot tell (`5/7` may be a share, `240507` a code) a column can: [`Calendar`].

use std::cell::Cell;
use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate};

use super::date::ERAS;
use super::normalize::fold;

/// Texts longer than this are no dates.
const LONGEST: usize = 48;
/// Tokens that a date has at most.
const TOKENS: usize = 8;

/// The last year of an era.
fn last_year(era: usize) -> i32 {
    ERAS.get(era + 1).map_or(99, |next| next.2.0 - ERAS[era].3)
}

const MONTHS: [&str; 12] = [
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
];

/// How a day is written. A text may be read in several ways; which of them is right, the column tells.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Form {
    /// Nothing else is written so: 5月7日, 令和六年五月七日, 7-May-24, 5/7/2024.
    Sure,
    /// A month of a year: 五年四月, May 2024, 05/2024.
    Month,
    /// A name of a month and a number that is a day or a year: May-24.
    Named,
    /// 24/09/30.
    ShortYmd,
    /// 30.09.24.
    ShortDmy,
    /// 9/30/24.
    ShortMdy,
    /// R060507.
    EraDigits,
    /// 9/30.
    SlashMd,
    /// 30/9.
    SlashDm,
    /// 9-30, 9.30.
    PairMd,
    /// 30-9, 30.9.
    PairDm,
    /// 240930.
    SixYmd,
    /// 300924.
    SixDmy,
    /// 093024.
    SixMdy,
    /// 30092024.
    EightDmy,
    /// 09302024.
    EightMdy,
    /// 0930, 930.
    FourMd,
    /// 3009.
    FourDm,
    /// 2024274: the day of the year.
    Ordinal,
    /// 24274.
    ShortOrdinal,
    /// 202457: 2024-5-7 without marks and zeros.
    Unpadded,
    /// A whole date with something beside it: D20240930, 2024-09-30 初診, 20240930-001. Of a column only ([`Calendar`]).
    Marked,
    /// A day in six digits with something beside it: S240930-1, 2409300001. Of a column only.
    MarkedSix,
}

const FORMS: usize = Form::MarkedSix as usize + 1;

/// A day or month as far as a text tells it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Spelled {
    /// How it is written.
    pub form: Form,
    /// The year: of the common era, or its last two digits (or the year of an era that is not told) if `short`.
    pub year: Option<i32>,
    /// Whether the year has two digits and no era.
    pub short: bool,
    /// The month.
    pub month: u8,
    /// The day; none of a month.
    pub day: Option<u8>,
    /// Whether the month may be the day: `5/7/2024`.
    pub either: bool,
}

impl Spelled {
    /// Days since 1970-01-01, if the year is told.
    #[must_use]
    pub fn days(&self) -> Option<i32> {
        let year = self.year.filter(|_| !self.short)?;
        let day = NaiveDate::from_ymd_opt(year, u32::from(self.month), u32::from(self.day?))?;
        Some(day.num_days_from_ce() - 719_163)
    }
    /// Whether this may be a day (since 1970-01-01): what it leaves out does not count, and a short year may be of the common era or of
    /// any other.
    #[must_use]
    pub fn may_be(&self, day: i32) -> bool {
        let Some(at) = super::date::date_of(day) else { return false };
        let same_year = match self.year {
            None => true,
            Some(own) if self.short => {
                at.year().rem_euclid(100) == own || ERAS.iter().any(|era| at.year() - era.3 == own)
            }
            Some(own) => own == at.year(),
        };
        let own = (u32::from(self.month), self.day.map(u32::from));
        let swapped = own == (at.day(), Some(at.month()));
        same_year && (own == (at.month(), Some(at.day())) || self.either && swapped)
    }
    /// The years that may be meant: those of a short one in the last hundred years before `now`, in each era.
    pub fn years(&self, now: i32) -> impl Iterator<Item = i32> {
        let own = self.year.unwrap_or(0);
        let short = self.short;
        let mut all = vec![if short { now - (now - own).rem_euclid(100) } else { own }];
        if short {
            let eras = ERAS.iter().enumerate();
            let eras = eras.filter(|(at, _)| (1..=last_year(*at)).contains(&own));
            all.extend(eras.map(|(_, era)| era.3 + own));
        }
        all.truncate(if self.year.is_none() { 0 } else { 6 });
        all.into_iter().filter(move |year| *year <= now)
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Token<'a> {
    Number(u32, usize),
    Word(&'a str),
}

fn kanji_digit(c: char) -> Option<u32> {
    Some(match c {
        '〇' | '零' | '○' => 0,
        '一' | '壱' => 1,
        '二' | '弐' => 2,
        '三' | '参' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        '十' => 10,
        '廿' => 20,
        '卅' => 30,
        _ => return None,
    })
}

/// A number in ideographs (三十一, 二〇二四) at the beginning of a text: its value and bytes.
#[must_use]
pub fn kanji_number(text: &str) -> Option<(u32, usize)> {
    let (mut sum, mut digits, mut length, mut tens) = (0_u32, 0_u32, 0, false);
    for c in text.chars() {
        let Some(n) = kanji_digit(c) else { break };
        length += c.len_utf8();
        if length > 15 {
            return None;
        }
        if n >= 10 {
            if tens || digits > 9 {
                return None;
            }
            let times = if n == 10 { digits.max(1) } else { 1 };
            (sum, digits, tens) = (times * n, 0, true);
        } else {
            digits = digits * 10 + n;
        }
    }
    (length > 0).then_some((sum + digits, length))
}

/// The digits in ideographs of a text that stand in runs of `least` or more (〇〇一二三四五六): where, and the digits.
pub fn kanji_runs(text: &str, least: usize) -> Vec<(std::ops::Range<usize>, String)> {
    let mut all: Vec<(std::ops::Range<usize>, String)> = Vec::new();
    if text.is_ascii() {
        return all;
    }
    for (at, c) in text.char_indices() {
        let Some(digit) = kanji_digit(c).and_then(|n| char::from_digit(n, 10)) else { continue };
        match all.last_mut() {
            Some((range, digits)) if range.end == at => {
                range.end = at + c.len_utf8();
                digits.push(digit);
            }
            _ => all.push((at..at + c.len_utf8(), digit.to_string())),
        }
    }
    all.retain(|(_, digits)| digits.len() >= least);
    all
}

fn tokens(text: &str) -> Option<Vec<Token<'_>>> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if all.len() == TOKENS {
            return None;
        }
        let kanji = kanji_number(rest);
        let length = if first.is_ascii_digit() {
            let length = rest.bytes().take_while(u8::is_ascii_digit).count();
            all.push(Token::Number(rest[..length].parse().ok()?, length));
            length
        } else if let Some((number, length)) = kanji {
            all.push(Token::Number(number, if number >= 1000 { 4 } else { 2 }));
            length
        } else {
            let class = |c: char| if c.is_ascii_alphabetic() { 1 } else { 2 };
            let end = |&(_, c): &(usize, char)| {
                c.is_ascii_digit() || kanji_digit(c).is_some() || class(c) != class(first)
            };
            let length = rest.char_indices().find(end).map_or(rest.len(), |(at, _)| at);
            all.push(Token::Word(rest[..length].trim()));
            length
        };
        rest = &rest[length..];
    }
    Some(all)
}

/// A time of day and what is said of the day (weekday, 午前) behind a date.
fn without_tail(text: &str) -> &str {
    let mut text = text.trim();
    for _ in 0..3 {
        let before = text;
        if let Some(open) = text.rfind('(')
            && text.ends_with(')')
        {
            let inner = text[open + 1..text.len() - 1].trim_end_matches('曜');
            if inner.chars().count() <= 3 && is_weekday(inner) {
                text = text[..open].trim_end();
            }
        }
        let clock = |c: char| {
            c.is_ascii_digit() || matches!(c, ':' | '.' | '時' | '分' | '秒' | '頃' | '+' | 'Z')
        };
        let bare =
            text.trim_end_matches(['m', 'M']).trim_end_matches(['a', 'A', 'p', 'P']).trim_end();
        let start = bare.trim_end_matches(clock);
        let tail = &bare[start.len()..];
        let worded = start.strip_suffix("午前").or(start.strip_suffix("午後")).unwrap_or(start);
        let worded = worded.trim_end();
        // A time has a colon or its own words; what stands before it is a day.
        if (tail.contains(':') || tail.contains('時'))
            && tail.starts_with(|c: char| c.is_ascii_digit())
            && !worded.is_empty()
            && (start.ends_with([' ', 'T', '日']) || worded.len() < start.len())
        {
            text = worded.trim_end_matches('T').trim_end();
        }
        if text.len() == before.len() {
            break;
        }
    }
    text
}

/// Whether a word is a day of the week or a holiday, as they stand behind dates: 火, 祝, Tue.
#[must_use]
pub fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let lower = word.to_ascii_lowercase();
    matches!(word, "月" | "火" | "水" | "木" | "金" | "土" | "日" | "祝" | "土祝" | "日祝")
        || DAYS.iter().any(|day| lower.starts_with(day))
}

fn month_named(word: &str) -> Option<u8> {
    let word = word.trim_end_matches('.').to_ascii_lowercase();
    let short =
        |name: &str| word == name || word == name[..3] || word == "sept" && name == "september";
    MONTHS.iter().position(|name| short(name)).map(|at| at as u8 + 1)
}

/// An era at the beginning: its index, and what stands behind it.
fn era(text: &str) -> Option<(usize, &str)> {
    ERAS.iter().enumerate().find_map(|(index, (letter, name, ..))| {
        let first = name.chars().next()?;
        let rest = text.strip_prefix(name).or_else(|| text.strip_prefix(first)).or_else(|| {
            let rest = text
                .strip_prefix(*letter)
                .or_else(|| text.strip_prefix(letter.to_ascii_lowercase()))?;
            Some(rest.strip_prefix('.').unwrap_or(rest))
        })?;
        let rest = rest.trim_start();
        let number =
            rest.starts_with(|c: char| c.is_ascii_digit() || c == '元' || kanji_digit(c).is_some());
        number.then_some((index, rest))
    })
}

/// Whether a month has a day, in a year or in some year.
fn is_day(year: Option<i32>, month: u32, day: u32) -> bool {
    NaiveDate::from_ymd_opt(year.unwrap_or(2024), month, day).is_some()
}

/// All ways in which a text may be read as a day or month that is spelled so.
pub fn each(text: &str, found: &mut dyn FnMut(Spelled)) {
    let trimmed = text.trim();
    if trimmed.len() > LONGEST {
        return;
    }
    if trimmed.bytes().all(|b| b.is_ascii_digit()) {
        bare(trimmed, found);
        return;
    }
    let numbered = |c: char| c.is_numeric() || kanji_digit(c).is_some();
    if !trimmed.chars().any(numbered) {
        return;
    }
    let folded = fold(trimmed);
    let text = without_tail(folded.text().trim_start_matches(['\'', '’']));
    let text = text.strip_prefix("西暦").unwrap_or(text);
    if text.bytes().all(|b| b.is_ascii_digit()) {
        bare(text, found);
        return;
    }
    let (era, rest) = era(text).map_or((None, text), |(era, rest)| (Some(era), rest));
    let first;
    let rest = match rest.strip_prefix('元') {
        Some(behind) if era.is_some() => {
            first = format!("1{behind}");
            first.as_str()
        }
        _ => rest,
    };
    if let Some(tokens) = tokens(rest) {
        parts(era, &tokens, found);
    }
}

fn parts(era: Option<usize>, tokens: &[Token<'_>], found: &mut dyn FnMut(Spelled)) {
    use Token::{Number, Word};
    let either = Cell::new(false);
    let mut put = |form, year: Option<(u32, usize)>, month: u32, day: Option<u32>| {
        let (year, short) = match (year, era) {
            (Some((year, _)), Some(era)) if (1..=last_year(era)).contains(&(year as i32)) => {
                (Some(ERAS[era].3 + year as i32), false)
            }
            (Some(_), Some(_)) => return,
            (Some((year, 3..)), None) if (1800..=2200).contains(&year) => {
                (Some(year as i32), false)
            }
            (Some((year, 1 | 2)), None) => (Some(year as i32), true),
            (Some(_), None) => return,
            (None, _) => (None, false),
        };
        let of = year.filter(|_| !short);
        if !(1..=12).contains(&month) || day.is_some_and(|day| !is_day(of, month, day)) {
            return;
        }
        let (month, day) = (month as u8, day.map(|d| d as u8));
        found(Spelled { form, year, short, month, day, either: either.get() });
    };
    let slim: Vec<Token<'_>> = tokens.iter().filter(|t| **t != Word("-")).copied().collect();
    if let [Number(y, years @ (2 | 4)), Word("W" | "w"), Number(w, weeks), rest @ ..] =
        slim.as_slice()
    {
        let year = if *years == 2 { 2000 + *y as i32 } else { *y as i32 };
        if let Some((at, whole)) = week(year, *w, *weeks, rest) {
            let form = if whole { Form::Sure } else { Form::Month };
            let year = u32::try_from(at.year()).ok().map(|y| (y, 4));
            put(form, year, at.month(), whole.then(|| at.day()));
        }
        return;
    }
    let separator = |word: &str| matches!(word, "/" | "-" | "." | "" | "_" | "," | "、");
    match *tokens {
        [Number(y, w), Word("年"), Number(m, _), Word("月"), Number(d, _), Word("日")] => {
            put(Form::Sure, Some((y, w)), m, Some(d));
        }
        [Number(y, w), Word("年"), Number(m, _), Word("月")] => {
            put(Form::Month, Some((y, w)), m, None);
        }
        [Number(m, 1 | 2), Word("月"), Number(d, 1 | 2), Word("日")]
        | [Number(m, 1 | 2), Word("月"), Number(d, 1 | 2)]
            if era.is_none() =>
        {
            put(Form::Sure, None, m, Some(d));
        }
        [Number(a, wa), Word(x), Number(b, wb), Word(y), Number(c, wc)]
            if x == y && separator(x) && wb <= 2 =>
        {
            match (era, wa, wc) {
                (Some(_), 1 | 2, 1 | 2) => put(Form::Sure, Some((a, wa)), b, Some(c)),
                (None, 4, 1 | 2) => put(Form::Sure, Some((a, wa)), b, Some(c)),
                (None, 1 | 2, 4) => {
                    let (month, day) = if b > 12 { (a, b) } else { (b, a) };
                    let (month, day) = if month > 12 { (day, month) } else { (month, day) };
                    either.set(month.max(day) <= 12);
                    put(Form::Sure, Some((c, wc)), month, Some(day));
                }
                (None, 1 | 2, 1 | 2) if !x.is_empty() && !matches!(x, "," | "、") => {
                    put(Form::ShortYmd, Some((a, wa)), b, Some(c));
                    put(Form::ShortDmy, Some((c, wc)), b, Some(a));
                    put(Form::ShortMdy, Some((c, wc)), a, Some(b));
                }
                _ => {}
            }
        }
        [Number(a, wa), Word(x @ ("/" | "-" | ".")), Number(b, wb)] if era.is_none() => {
            match (wa, wb) {
                (1 | 2, 1 | 2) if x == "/" => {
                    put(Form::SlashMd, None, a, Some(b));
                    put(Form::SlashDm, None, b, Some(a));
                }
                (1 | 2, 1 | 2) => {
                    put(Form::PairMd, None, a, Some(b));
                    put(Form::PairDm, None, b, Some(a));
                }
                (1 | 2, 4) => put(Form::Month, Some((b, wb)), a, None),
                (4, 3) => ordinal(a, b, Form::Ordinal, found),
                _ => {}
            }
        }
        [Number(n, 6)] if era.is_some() => {
            put(Form::EraDigits, Some((n / 10_000, 2)), n / 100 % 100, Some(n % 100));
        }
        _ if era.is_none() || tokens.len() > 2 => named(tokens, &mut put),
        _ => {}
    }
}

/// A week by ISO 8601 and its day (2024-W19-2, 2024W192), or its Monday: the day, and whether it was said.
fn week(year: i32, number: u32, width: usize, rest: &[Token<'_>]) -> Option<(NaiveDate, bool)> {
    let (week, day) = match (width, rest) {
        (1 | 2, []) => (number, None),
        (1 | 2, [Token::Number(day, 1)]) => (number, Some(*day)),
        (3, []) => (number / 10, Some(number % 10)),
        _ => return None,
    };
    let weekday = u8::try_from(day.unwrap_or(1).checked_sub(1)?).ok()?;
    let at = NaiveDate::from_isoywd_opt(year, week, chrono::Weekday::try_from(weekday).ok()?)?;
    Some((at, day.is_some()))
}

/// Months by their English names: 7-May-24, May 7, 2024, Tue 7 May, May-24.
fn named(tokens: &[Token<'_>], put: &mut dyn FnMut(Form, Option<(u32, usize)>, u32, Option<u32>)) {
    let mut month = None;
    let mut numbers: Vec<(u32, usize)> = Vec::new();
    let mut first = false;
    for token in tokens {
        match *token {
            Token::Number(n, w) => {
                first |= month.is_none();
                numbers.push((n, w));
            }
            Token::Word(word) => match (month_named(word), word) {
                (Some(m), _) if month.is_none() => month = Some(u32::from(m)),
                (_, "" | "-" | "/" | "." | "," | "'" | "th" | "st" | "nd" | "rd" | "of") => {}
                (_, word) if is_weekday(word.trim_end_matches(',')) => {}
                _ => return,
            },
        }
    }
    let Some(month) = month else { return };
    match *numbers.as_slice() {
        [(year, w @ 4)] => put(Form::Month, Some((year, w)), month, None),
        [(day, 1 | 2)] if first => put(Form::Sure, None, month, Some(day)),
        [(number, 1 | 2)] if is_day(None, month, number) => {
            put(Form::Named, None, month, Some(number));
        }
        [(number, w @ (1 | 2))] => put(Form::Named, Some((number, w)), month, None),
        [(year, w @ 4), (day, 1 | 2)] | [(day, 1 | 2), (year, w)] => {
            put(Form::Sure, Some((year, w)), month, Some(day));
        }
        _ => {}
    }
}

fn ordinal(year: u32, day: u32, form: Form, found: &mut dyn FnMut(Spelled)) {
    if !(1990..=2040).contains(&year) {
        return;
    }
    if let Some(at) = NaiveDate::from_yo_opt(year as i32, day) {
        found(Spelled {
            form,
            year: Some(year as i32),
            short: false,
            month: at.month() as u8,
            day: Some(at.day() as u8),
            either: false,
        });
    }
}

/// Digits alone.
fn bare(digits: &str, found: &mut dyn FnMut(Spelled)) {
    let Ok(n) = digits.parse::<u32>() else { return };
    let (high, middle, low) = (n / 10_000, n / 100 % 100, n % 100);
    let mut put = |form, year: Option<u32>, month: u32, day: u32| {
        let short = year.is_some_and(|y| y < 100);
        let year = year.map(|y| y as i32);
        if is_day(year.filter(|_| !short), month, day) {
            let (month, day) = (month as u8, Some(day as u8));
            found(Spelled { form, year, short, month, day, either: false });
        }
    };
    match digits.len() {
        3 | 4 => {
            put(Form::FourMd, None, middle, low);
            put(Form::FourDm, None, low, middle);
        }
        // A number lost its leading zero: 60507.
        5 | 6 => {
            put(Form::SixYmd, Some(high), middle, low);
            put(Form::SixDmy, Some(low), middle, high);
            put(Form::SixMdy, Some(low), high, middle);
            // Two digits of a year are of this century here: 24105.
            if digits.len() == 5 {
                ordinal(2000 + n / 1000, n % 1000, Form::ShortOrdinal, found);
            } else {
                unpadded(digits, found);
            }
        }
        7 => {
            ordinal(n / 1000, n % 1000, Form::Ordinal, found);
            unpadded(digits, found);
        }
        8 => {
            let year = n % 10_000;
            if (1880..=2100).contains(&year) {
                put(Form::EightDmy, Some(year), n / 10_000 % 100, n / 1_000_000);
                put(Form::EightMdy, Some(year), n / 1_000_000, n / 10_000 % 100);
            }
        }
        _ => {}
    }
}

/// A year with month and day without zeros before them: 202457, 2024105, 2024517.
fn unpadded(digits: &str, found: &mut dyn FnMut(Spelled)) {
    let number = |text: &str| text.parse::<u32>().ok().filter(|_| !text.starts_with('0'));
    let Some(year) = number(&digits[..4]).filter(|y| (1990..=2040).contains(y)) else { return };
    for at in 5..digits.len().min(7) {
        if let (Some(month), Some(day)) = (number(&digits[4..at]), number(&digits[at..]))
            && is_day(Some(year as i32), month, day)
        {
            let (month, day) = (month as u8, Some(day as u8));
            let (form, year) = (Form::Unpadded, Some(year as i32));
            found(Spelled { form, year, short: false, month, day, either: false });
        }
    }
}

/// Days with something beside them: a letter, a counter, a word. Too loose for one cell; that nearly all of a column are so is no
/// chance. Each form once.
fn marked(text: &str, found: &mut dyn FnMut(Spelled)) {
    let trimmed = text.trim();
    if trimmed.len() > LONGEST || !trimmed.chars().any(char::is_numeric) {
        return;
    }
    let folded = fold(trimmed);
    let text = folded.text();
    let run = |at: usize| text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let put = |form, year: u32, month: u32, day: u32| -> Option<Spelled> {
        let short = year < 100;
        let near = if short { (1..=40).contains(&year) } else { (1900..=2100).contains(&year) };
        let year = year as i32;
        (near && is_day((!short).then_some(year), month, day)).then_some(Spelled {
            form,
            year: Some(year),
            short,
            month: month as u8,
            day: Some(day as u8),
            either: false,
        })
    };
    let split = |digits: &str| -> Option<(u32, u32, u32)> {
        let (head, rest) = digits.split_at(digits.len() - 4);
        Some((head.parse().ok()?, rest[..2].parse().ok()?, rest[2..].parse().ok()?))
    };
    let (mut whole, mut six) = (None, None);
    let mut at = 0;
    while at < text.len() {
        let width = run(at);
        if width == 0 {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let all = width == text.len();
        if (8..=14).contains(&width) {
            let read = split(&text[at..at + 8]).and_then(|(y, m, d)| put(Form::Marked, y, m, d));
            whole = whole.or(read);
        }
        if width == 6 && !all || (8..=10).contains(&width) && at + width == text.len() {
            let read = split(&text[at..at + 6]).and_then(|(y, m, d)| put(Form::MarkedSix, y, m, d));
            six = six.or(read);
        }
        if width == 4 || width == 2 {
            let form = if width == 4 { Form::Marked } else { Form::MarkedSix };
            let read = apart(&text[at..]).and_then(|[y, m, d]| put(form, y, m, d));
            if width == 4 { whole = whole.or(read) } else { six = six.or(read) }
        }
        at += width;
    }
    whole.into_iter().chain(six).for_each(found);
}

/// Year, month and day at the beginning of a text, with a mark between them.
fn apart(text: &str) -> Option<[u32; 3]> {
    let mut parts = [0; 3];
    let mut rest = text;
    for (at, most) in [4, 2, 2].into_iter().enumerate() {
        let width = rest.bytes().take_while(u8::is_ascii_digit).count();
        if width == 0 || width > most {
            return None;
        }
        parts[at] = rest[..width].parse().ok()?;
        rest = &rest[width..];
        if at < 2 {
            let marks = ['-', '/', '.', '_', ' ', '年', '月', '、', ','];
            rest = rest.strip_prefix(marks)?.trim_start();
        }
    }
    Some(parts)
}

/// The parts of a cell that is a list (2024-05-07;2024-05-09) or a stretch of time (2024/5/7~5/9); none of one that is neither.
fn listed(text: &str) -> Option<Vec<&str>> {
    let marks = [';', '|', '、', ',', '\n', '\r', '\t', '~', '〜', '～', '→', '；', '，', '&', '+'];
    let mut parts: Vec<&str> = text.split(marks).map(str::trim).collect();
    parts.retain(|part| !part.is_empty());
    if parts.len() < 2 {
        // Blanks between days alone: 2024-05-07 2024-05-09.
        parts = text.split_whitespace().collect();
    }
    (parts.len() >= 2 && parts.iter().all(|part| part.len() >= 3)).then_some(parts)
}

/// Numbers that count days or seconds of the calendar: where all of a column lie in one of these ranges it holds moments.
/// From 2000-01-01 to 2035-01-01, as spreadsheets count days, and as Unix counts seconds and milliseconds.
pub const MOMENTS: [(&str, i64, i64); 3] = [
    ("days of a spreadsheet", 36_526, 49_310),
    ("seconds since 1970", 946_684_800, 2_051_222_400),
    ("milliseconds since 1970", 946_684_800_000, 2_051_222_400_000),
];

/// What a column's cells are.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Held {
    /// Days.
    Days,
    /// Months of years.
    Months,
}

#[derive(Clone, Copy, Debug, Default)]
struct Count {
    cells: u64,
    /// Cells by day of the month.
    days: [u64; 32],
    /// By month: the days that were seen.
    seen: [u32; 13],
}

impl Count {
    fn add(&mut self, month: u8, day: Option<u8>, cells: u64) {
        self.cells += cells;
        let day = usize::from(day.unwrap_or(0)).min(31);
        self.days[day] += cells;
        self.seen[usize::from(month).min(12)] |= 1 << day;
    }
    fn join(&mut self, other: &Count) {
        self.cells += other.cells;
        self.days.iter_mut().zip(other.days).for_each(|(a, b)| *a += b);
        self.seen.iter_mut().zip(other.seen).for_each(|(a, b)| *a |= b);
    }
    fn different(&self) -> u32 {
        self.seen.iter().map(|days| days.count_ones()).sum()
    }
    fn months(&self) -> usize {
        self.seen.iter().filter(|days| **days != 0).count()
    }
    /// Whether the days are spread over the month as those of a calendar are: small numbers alone are something else.
    fn spread(&self) -> bool {
        let third =
            |days: std::ops::RangeInclusive<usize>| self.days[days].iter().sum::<u64>() * 10;
        let most = self.days.iter().max().copied().unwrap_or(0);
        [1..=10, 11..=20, 21..=31].into_iter().all(|days| third(days) >= self.cells)
            && most * 3 <= self.cells
    }
    /// Days from the 13th on are no months and no small numbers.
    fn late(&self) -> bool {
        self.days[13..].iter().sum::<u64>() * 5 >= self.cells
    }
}

/// The spellings of a column, added up over its cells: whether most of them are days or months of one spelling.
#[derive(Clone, Debug)]
pub struct Calendar {
    cells: u64,
    forms: Box<[Count; FORMS]>,
    /// Texts that are no number: what is spelled with marks.
    read: Count,
    /// Days of [`Form::ShortOrdinal`], and those of [`Form::Ordinal`], with their cells: at most some fifteen thousand each.
    ordinals: [BTreeMap<i32, u64>; 2],
}

impl Default for Calendar {
    fn default() -> Self {
        Calendar {
            cells: 0,
            forms: Box::new([Count::default(); FORMS]),
            read: Count::default(),
            ordinals: [BTreeMap::new(), BTreeMap::new()],
        }
    }
}

/// Cells below which a column says nothing.
const ENOUGH: u64 = 20;

impl Calendar {
    /// Adds cells that hold a text; `read` is the month and day if [`super::date::parse`] reads it.
    pub fn add(&mut self, text: &str, cells: u64, read: Option<(u8, u8)>) {
        self.cells += cells;
        if let Some((month, day)) = read {
            self.read.add(month, Some(day), cells);
            return;
        }
        // One text counts once for a form.
        let mut known = [false; FORMS];
        let mut put = |one: Spelled| {
            if !std::mem::replace(&mut known[one.form as usize], true) {
                self.forms[one.form as usize].add(one.month, one.day, cells);
                let ordinal = match one.form {
                    Form::ShortOrdinal => Some(0),
                    Form::Ordinal => Some(1),
                    _ => None,
                };
                if let (Some(at), Some(day)) = (ordinal, one.days()) {
                    *self.ordinals[at].entry(day).or_default() += cells;
                }
            }
        };
        each(text, &mut put);
        marked(text, &mut put);
        // A list of days is days, in the form that all of them have.
        let Some((first, others)) = listed(text).and_then(|parts| {
            let (first, others) = parts.split_first()?;
            Some((*first, others.to_vec()))
        }) else {
            return;
        };
        let of = |part: &str| {
            let mut forms = Vec::new();
            let read = super::date::parse(part).filter(|_| part.len() >= 6);
            match read.and_then(|when| when.days()).and_then(super::date::date_of) {
                Some(at) => forms.push(Spelled {
                    form: Form::Sure,
                    year: Some(at.year()),
                    short: false,
                    month: at.month() as u8,
                    day: Some(at.day() as u8),
                    either: false,
                }),
                None => each(part, &mut |one| forms.push(one)),
            }
            forms
        };
        let others: Vec<Vec<Spelled>> = others.iter().map(|part| of(part)).collect();
        for one in of(first) {
            if others.iter().all(|forms| forms.iter().any(|other| other.form == one.form)) {
                put(one);
            }
        }
    }

    /// Whether years with days of the year (24105) are days and no other numbers: they lie among the days of the run, or they are
    /// of several years and of ten months or more, as codes from 10001 on are not.
    fn is_of_years(&self, form: Form, events: Option<(i32, i32)>) -> bool {
        let days = &self.ordinals[usize::from(form == Form::Ordinal)];
        let (Some((&first, _)), Some((&last, _))) = (days.first_key_value(), days.last_key_value())
        else {
            return false;
        };
        let year = |day| super::date::date_of(day).map_or(0, |at| at.year());
        if year(last) > year(first) && self.forms[form as usize].months() >= 10 {
            return true;
        }
        match events {
            Some((low, high)) => {
                let (low, high) = (i64::from(low), i64::from(high));
                let span = high - low;
                let near = low - span / 4..=high + span / 4;
                let inside = days.iter().filter(|(day, _)| near.contains(&i64::from(**day)));
                let hold: u64 = inside.map(|(_, cells)| cells).sum();
                hold * 10 >= days.values().sum::<u64>() * 9
            }
            // A year of four digits says more than one of two.
            None => form == Form::Ordinal,
        }
    }

    /// What most of the cells are, and how many; none if [`super::date::parse`] reads most of them. `events` are the days between which
    /// the dates of the run lie, if it has any.
    #[must_use]
    pub fn held(&self, events: Option<(i32, i32)>) -> Option<(Held, u64)> {
        use Form::{
            EightDmy, EightMdy, EraDigits, FourDm, FourMd, Marked, MarkedSix, Month, Named,
            Ordinal, PairDm, PairMd, ShortDmy, ShortMdy, ShortOrdinal, ShortYmd, SixDmy, SixMdy,
            SixYmd, SlashDm, SlashMd, Sure, Unpadded,
        };
        let most =
            |cells: u64, percent: u64| cells >= ENOUGH && cells * 100 >= self.cells * percent;
        if self.cells < ENOUGH {
            return None;
        }
        let joined = |forms: &[Form]| {
            let mut all = self.read;
            forms.iter().for_each(|form| all.join(&self.forms[*form as usize]));
            all
        };
        let days = |count: Count| Some((Held::Days, count.cells));
        let sure = joined(&[Sure]);
        if most(sure.cells, 80) && sure.different() >= 3 {
            return days(sure);
        }
        let marked = joined(&[Marked]);
        if most(marked.cells, 80) && marked.different() >= 8 {
            return days(marked);
        }
        for order in [[Sure, ShortYmd, EraDigits], [Sure, ShortDmy, Sure], [Sure, ShortMdy, Sure]] {
            let order: &[Form] = if order[2] == Sure { &order[..2] } else { &order };
            let count = joined(order);
            if most(count.cells, 80) && count.different() >= 3 && count.late() {
                return days(count);
            }
        }
        // What may be a share or a grade, a code or a price: nearly all must be days, spread as days are.
        for (forms, percent, months, different) in [
            (&[Sure, ShortYmd, EraDigits, SlashMd] as &[Form], 90, 2, 8),
            (&[Sure, ShortDmy, SlashDm], 90, 2, 8),
            (&[Sure, ShortYmd, EraDigits, SlashMd, PairMd], 95, 3, 12),
            (&[Sure, ShortDmy, SlashDm, PairDm], 95, 3, 12),
            (&[Named], 95, 2, 12),
            (&[SixYmd], 98, 3, 12),
            (&[SixDmy], 98, 3, 12),
            (&[SixMdy], 98, 3, 12),
            (&[EightDmy], 98, 2, 12),
            (&[EightMdy], 98, 2, 12),
            (&[Ordinal], 98, 2, 12),
            (&[ShortOrdinal], 98, 4, 40),
            // In eight digits it is a whole date.
            (&[Unpadded, Marked], 95, 3, 12),
            (&[MarkedSix], 98, 3, 12),
            (&[FourMd], 98, 11, 40),
            (&[FourDm], 98, 11, 40),
        ] {
            let count = joined(forms);
            let spread = count.months() >= months && count.different() >= different;
            let ordinal = |form: &Form| matches!(form, Ordinal | ShortOrdinal);
            if forms.iter().any(|form| ordinal(form) && !self.is_of_years(*form, events)) {
                continue;
            }
            if most(count.cells, percent) && spread && count.spread() {
                return days(count);
            }
        }
        let mut months = self.forms[Month as usize];
        months.join(&self.forms[Named as usize]);
        (most(months.cells, 95) && months.different() >= 6).then_some((Held::Months, months.cells))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(text: &str) -> Vec<Spelled> {
        let mut found = Vec::new();
        each(text, &mut |one| found.push(one));
        found
    }

    #[test]
    fn one_day_in_its_spellings() {
        for text in [
            "24/05/07",
            "24/5/7",
            "24.05.07",
            "24-05-07",
            "'24/5/7",
            "240507",
            "R060507",
            "令060507",
            "R.6.5.7",
            "令6.5.7",
            "令和6.5.7",
            "令和六年五月七日",
            "二〇二四年五月七日",
            "24年5月7日",
            "2024_05_07",
            "2024 5 7",
            "5月7日",
            "五月七日",
            "5月7日(火)",
            "05月07日 9時30分",
            "7-May-24",
            "7 May 2024",
            "May 7, 2024",
            "Tue, 7 May 2024",
            "07-MAY-2024",
            "5/7/2024",
            "07.05.2024",
            "5/7",
            "05-07",
            "5.7",
            "0507",
            "507",
            "07052024",
            "05072024",
            "2024128",
            "2024-128",
            "2024-W19-2",
            "24/5/7 9:30",
            "24/05/07 09:30:00",
            "２４／５／７",
            "㋿6年5月7日",
            "5/7(火)",
            "R06/05/07",
            "令和元年5月7日",
            "24/5/7 午前9時30分",
            "May-07",
            "60507",
            "2024W192",
            "24W192",
            "24128",
            "202457",
            "7th of May",
            "May 7th, 2024",
        ] {
            let found = all(text);
            let day = |y| NaiveDate::from_ymd_opt(y, 5, 7).unwrap().num_days_from_ce() - 719_163;
            let right =
                found.iter().any(|one| [2024, 2019, 2007].into_iter().any(|y| one.may_be(day(y))));
            assert!(right, "{text}: {found:?}");
        }
        for text in ["五年四月", "05/2024", "May 2024", "令和六年五月", "May-99"] {
            assert!(all(text).iter().any(|one| one.day.is_none()), "{text}");
        }
        for text in [
            "",
            "hello",
            "120/80",
            "2024-05",
            "13/32",
            "0-0",
            "一般",
            "K0605",
            "1.2.3.4",
            "99/99/99",
            "R990230",
            "maybe 7",
            "令和",
            "三十二月一日",
        ] {
            assert!(all(text).is_empty(), "{text}: {:?}", all(text));
        }
    }

    #[test]
    fn digits_in_ideographs() {
        let runs = kanji_runs("番号〇〇一二三四五六と一二", 6);
        assert_eq!(runs, [(6..30, "00123456".to_owned())]);
        assert!(kanji_runs("三十一二三四五", 6).is_empty() && kanji_runs("123456", 6).is_empty());
    }

    fn held(texts: impl Iterator<Item = String>) -> Option<Held> {
        let mut calendar = Calendar::default();
        texts.for_each(|text| calendar.add(&text, 1, None));
        calendar.held(None).map(|(held, _)| held)
    }

    #[test]
    fn codes_are_no_days_of_a_year_unless_the_run_is_of_it() {
        let of = |texts: &[String], events| {
            let mut calendar = Calendar::default();
            texts.iter().for_each(|text| calendar.add(text, 1, None));
            calendar.held(events).map(|(held, _)| held)
        };
        let day = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap().num_days_from_ce() - 719_163;
        let years = Some((day(2021, 1, 4), day(2023, 12, 28)));
        let codes = |from: u32, many: u32| -> Vec<String> {
            (0..300).map(|i| format!("{:05}", from + i * 7_919 % many)).collect()
        };
        for from in [10_000, 1, 12_001, 26_001] {
            for many in [199, 365] {
                assert_eq!(of(&codes(from, many), None), None, "{from}");
                assert_eq!(of(&codes(from, many), years), None, "{from}");
            }
        }
        assert_eq!(of(&codes(2_010_001, 199), years), None);
        let written = |from: NaiveDate, many: u64, format: &str| -> Vec<String> {
            let days = (0..300).map(|i| from + chrono::Days::new(i * 2_654_435_761 % many));
            days.map(|day| day.format(format).to_string()).collect()
        };
        let at = |y, m, d| NaiveDate::from_ymd_opt(y, m, d).unwrap();
        for format in ["%y%j", "%Y%j"] {
            // Days of the run, of a part of one year too; and days of several years, whatever the run's.
            let run = written(at(2021, 1, 4), 1_080, format);
            assert_eq!(of(&run, years), Some(Held::Days), "{format}");
            assert_eq!(of(&run, None), Some(Held::Days), "{format}");
            let half = written(at(2022, 2, 1), 160, format);
            let events = Some((day(2022, 2, 3), day(2022, 7, 20)));
            assert_eq!(of(&half, events), Some(Held::Days), "{format}");
            let births = written(at(2008, 1, 1), 3_000, format);
            assert_eq!(of(&births, years), Some(Held::Days), "{format}");
        }
    }

    /// Days of a year and a half, as chance has them.
    fn days() -> impl Iterator<Item = NaiveDate> {
        let first = NaiveDate::from_ymd_opt(2023, 4, 1).unwrap();
        (0..240_u64).map(move |i| first + chrono::Days::new(i * 2_654_435_761 % 547))
    }

    #[test]
    fn columns_of_days_are_known() {
        let kanji = |n: u32| -> String {
            let digit =
                |n: u32| ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"][n as usize];
            let ten = if n >= 20 {
                format!("{}十", digit(n / 10))
            } else if n >= 10 {
                "十".into()
            } else {
                String::new()
            };
            format!("{ten}{}", digit(n % 10))
        };
        for format in [
            "%y/%m/%d",
            "%y.%-m.%-d",
            "%y%m%d",
            "%-m/%-d",
            "%-m月%-d日",
            "%m-%d",
            "%-m.%-d",
            "%d-%b-%y",
            "%b %-d, %Y",
            "%-m/%-d/%Y",
            "%d/%m/%y",
            "%d%m%Y",
            "%m%d%Y",
            "%Y%j",
            "%y-%m-%d %H:%M",
            "%m%d",
            "%-d/%-m",
            "%d-%b",
            "%b-%d",
            "'%Y%m%d",
            "D%Y%m%d",
            "S%y%m%d-1",
            "%y%m%d0012",
            "%Y%m%d-003",
            "%Y%m%d997",
            "%Y-%m-%d 初診",
            "%y/%m/%d 初診",
            "入院%Y/%-m/%-d",
            "%GW%V%u",
            "%G-W%V-%u",
            "%y%j",
            "%Y%-m%-d",
            "%Y-%m-%d;%Y-%m-%d",
            "%Y/%-m/%-d〜%Y/%-m/%-d",
            "%y/%m/%d、%y/%m/%d",
            "%-m/%-d, %-m/%-d",
            "%Y-%m-%d %Y-%m-%d",
        ] {
            assert_eq!(
                held(days().map(|d| d.and_hms_opt(9, 30, 0).unwrap().format(format).to_string())),
                Some(Held::Days),
                "{format}"
            );
        }
        assert_eq!(
            held(days().map(|d| format!("{}月{}日", kanji(d.month()), kanji(d.day())))),
            Some(Held::Days)
        );
        assert_eq!(
            held(days().map(|d| format!("R{:02}{:02}{:02}", d.year() - 2018, d.month(), d.day()))),
            Some(Held::Days)
        );
        assert_eq!(held(days().map(|d| d.format("%b-%y").to_string())), Some(Held::Months));
        assert_eq!(held(days().map(|d| d.format("%m/%Y").to_string())), Some(Held::Months));
    }

    #[test]
    fn columns_of_other_things_are_left_alone() {
        let other = |name: &str, f: &dyn Fn(u64) -> String| {
            assert_eq!(held((0..600).map(|i| f(i * 2_654_435_761 % 1_000_003))), None, "{name}");
        };
        other("six digits", &|i| format!("{:06}", i % 1_000_000));
        other("small codes", &|i| {
            format!("{:02}{:02}{:02}", i % 7 + 1, i / 7 % 5 + 1, i / 35 % 9 + 1)
        });
        other("tenths", &|i| format!("{}/10", i % 11));
        other("doses", &|i| ["1/2", "1/3", "1/4", "2/3"][(i % 4) as usize].to_owned());
        other("pressure", &|i| format!("{}/{}", 90 + i % 70, 50 + i / 70 % 50));
        other("one decimal", &|i| format!("{}.{}", i % 12 + 1, i / 12 % 10));
        other("two decimals", &|i| format!("{}.{:02}", i % 12 + 1, i / 12 % 100));
        other("rooms", &|i| format!("{}{:02}", [2, 3, 5, 6][(i % 4) as usize], i / 4 % 30 + 1));
        other("times", &|i| format!("{:02}{:02}", i % 24, i / 24 % 60));
        other("leucocytes", &|i| (3_000 + i % 9_000).to_string());
        other("scores", &|i| format!("{}/30", i % 31));
        other("versions", &|i| format!("{}.{}.{}", i % 4, i / 4 % 10, i / 40 % 10));
        other("insulin", &|i| format!("{}-{}-{}", i % 8 + 2, i / 8 % 6 + 2, i / 48 % 8 + 2));
        other("months of years in six digits", &|i| {
            format!("20{:02}{:02}", i % 12 + 1, i / 12 % 12 + 1)
        });
        other("groups of DPC", &|i| format!("{:02}{:04}", i % 18 + 1, i / 18 % 40 * 10));
        other("numbers of samples", &|i| format!("S{:06}-{}", i % 1_000_000, i % 9));
        other("ten digits", &|i| format!("{:010}", i * 7_919 % 10_000_000_000));
        other("five digits", &|i| format!("{:05}", i * 31 % 100_000));
        other("seven digits", &|i| format!("{:07}", i * 31 % 10_000_000));
        other("acts", &|i| format!("{:09}", 110_000_000 + i * 10 % 90_000_000));
        other("lists of codes", &|i| format!("A{};B{}", i % 90, i / 90 % 90));
        other("words with a year", &|i| format!("2024年度 第{}回", i % 40));
        other("pairs", &|i| format!("{};{}", i % 40, i / 40 % 40));
        other("points and words", &|i| format!("{} 点 {:03}", 1900 + i % 200, i % 999));
        other("municipalities", &|i| {
            ["131016", "131024", "131032", "131041", "131059", "131067"][(i % 6) as usize]
                .to_owned()
        });
    }

    proptest! {
        #[test]
        fn never_panics(text in "\\PC{0,24}", like in "[0-9RrSs令和昭元年月日一二十〇MayJun/.:' ()火-]{0,20}") {
            each(&text, &mut |_| ());
            each(&like, &mut |_| ());
        }
    }
}
