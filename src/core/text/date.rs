//! Dates as they stand in Japanese hospital data: western and 和暦, partial, with times; read and written
//! back in the same form.

use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use unicode_normalization::UnicodeNormalization;

/// Era starts: the first day and the year before its year 1.
pub(super) const ERAS: [(char, &str, (i32, u32, u32), i32); 5] = [
    ('M', "明治", (1868, 1, 25), 1867),
    ('T', "大正", (1912, 7, 30), 1911),
    ('S', "昭和", (1926, 12, 25), 1925),
    ('H', "平成", (1989, 1, 8), 1988),
    ('R', "令和", (2019, 5, 1), 2018),
];
/// The year of `S35`: a letter of an era and a year of one or two digits.
#[must_use]
pub fn year_of_era(text: &str) -> Option<i32> {
    let (letter, year) = text.split_at_checked(1)?;
    let era =
        ERAS.iter().find(|era| letter.eq_ignore_ascii_case(era.0.encode_utf8(&mut [0; 4])))?;
    let year: i32 = year.parse().ok().filter(|year| (1..100).contains(year))?;
    Some(era.3 + year)
}

/// Years outside are taken for something else than a date.
const YEARS: std::ops::RangeInclusive<i32> = 1800..=2200;

/// How a date is written, so that another day can be written the same way.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Form {
    /// 20240401, 202404, 2024, 20240400.
    Compact,
    /// 2024-04-01, 2024/4/1, 2024.4.1: separator, and whether month and day have two digits.
    Separated(char, bool),
    /// 2024年4月1日.
    Kanji(bool),
    /// R6.4.1, R06.04.01: separator and padding of the year and of month and day.
    Letter { separator: char, pad_year: bool, pad: bool, lower: bool },
    /// 令和6年4月1日: padding; 元年 is written for year 1 if `first`.
    Era { pad: bool, first: bool },
    /// 5060401 (GYYMMDD), 50604 (GYYMM).
    Digits,
}

/// A date or a part of one, with its form.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct When {
    /// Year of the common era.
    pub year: i32,
    /// Month, if known.
    pub month: Option<u8>,
    /// Day, if known.
    pub day: Option<u8>,
    /// What follows the date, as it stands (`T21:58:16.119086`, `123000+0900`).
    tail: String,
    /// Whether a day outside its era was read by arithmetic: after its end (昭和65年) or before its start (令和元年4月30日).
    pub beyond_era: bool,
    form: Form,
    /// Digits were full-width.
    wide: bool,
    /// Everything was: separators and letters too.
    all_wide: bool,
}

impl When {
    /// Days since 1970-01-01; none if the day or month is unknown.
    #[must_use]
    pub fn days(&self) -> Option<i32> {
        let day = NaiveDate::from_ymd_opt(self.year, u32::from(self.month?), u32::from(self.day?))?;
        Some(day.num_days_from_ce() - 719_163)
    }
    /// The first and the last day that it may be, since 1970-01-01: those of its month or year where the day or month is unknown.
    #[must_use]
    pub fn span(&self) -> Option<(i32, i32)> {
        let of =
            |month: u8, day: u8| When { month: Some(month), day: Some(day), ..self.clone() }.days();
        match (self.month, self.day) {
            (Some(_), Some(_)) => self.days().map(|day| (day, day)),
            (Some(month), None) => {
                Some((of(month, 1)?, (28..=31).rev().find_map(|day| of(month, day))?))
            }
            (None, _) => Some((of(1, 1)?, of(12, 31)?)),
        }
    }
    /// Whether a time of day other than midnight stands behind the date.
    #[must_use]
    pub fn has_time(&self) -> bool {
        self.tail.chars().any(|c| c.is_ascii_digit() && c != '0')
    }
    /// The time of day behind the date, to the microsecond, whatever zone it says; midnight where there is none.
    #[must_use]
    pub fn clock(&self) -> Option<chrono::NaiveTime> {
        let body = self.tail.strip_prefix(['T', 't', ' ']).unwrap_or(&self.tail).trim_start();
        let (clock, _) = clock_and_zone(body);
        let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
        let mut parts = [0_u32; 3];
        let digits: Vec<&str> = if clock.contains(':') {
            clock.split(':').collect()
        } else {
            (0..clock.len() / 2).filter_map(|i| clock.get(i * 2..i * 2 + 2)).collect()
        };
        for (slot, digits) in parts.iter_mut().zip(digits) {
            *slot = digits.parse().ok()?;
        }
        let micros = format!("{:0<6}", fraction.get(..fraction.len().min(6))?);
        // A leap second is the last one of its minute.
        chrono::NaiveTime::from_hms_micro_opt(
            parts[0],
            parts[1],
            parts[2].min(59),
            micros.parse().ok()?,
        )
    }
    /// The same form for another day; the time of day stays. `None` if the date is partial or the day cannot be written so.
    #[must_use]
    pub fn written_as(&self, days: i32) -> Option<String> {
        self.days()?;
        let day = date_of(days)?;
        let (y, m, d) = (day.year(), day.month(), day.day());
        // The common forms first: no formatting machinery for each of millions of days.
        if let (Form::Compact | Form::Separated(..), false, 1000..=9999) =
            (&self.form, self.wide, y)
        {
            let (separator, pad) = match self.form {
                Form::Separated(separator, pad) => (Some(separator), pad),
                _ => (None, true),
            };
            let mut text = String::with_capacity(10 + self.tail.len());
            let mut put = |number: u32, least: u32| {
                let mut unit = 1000;
                while unit > 0 {
                    if number >= unit || least >= unit {
                        text.push(char::from(b'0' + (number / unit % 10) as u8));
                    }
                    unit /= 10;
                }
                text.extend(separator);
            };
            put(y.unsigned_abs(), 1000);
            let least = if pad { 10 } else { 1 };
            put(m, least);
            put(d, least);
            if separator.is_some() {
                text.pop();
            }
            text.push_str(&self.tail);
            return Some(text);
        }
        let two = |pad: bool, n: u32| if pad { format!("{n:02}") } else { n.to_string() };
        let text = match &self.form {
            Form::Compact => format!("{y:04}{m:02}{d:02}"),
            Form::Separated(separator, pad) => {
                format!("{y:04}{separator}{}{separator}{}", two(*pad, m), two(*pad, d))
            }
            Form::Kanji(pad) => format!("{y:04}年{}月{}日", two(*pad, m), two(*pad, d)),
            Form::Letter { separator, pad_year, pad, lower } => {
                let (era, year) = era_of(day)?;
                let letter = if *lower { ERAS[era].0.to_ascii_lowercase() } else { ERAS[era].0 };
                format!(
                    "{letter}{}{separator}{}{separator}{}",
                    two(*pad_year, year),
                    two(*pad, m),
                    two(*pad, d)
                )
            }
            Form::Era { pad, first } => {
                let (era, year) = era_of(day)?;
                let year = if year == 1 && *first { "元".to_owned() } else { two(*pad, year) };
                format!("{}{year}年{}月{}日", ERAS[era].1, two(*pad, m), two(*pad, d))
            }
            Form::Digits => {
                let (era, year) = era_of(day)?;
                format!("{}{year:02}{m:02}{d:02}", era + 1)
            }
        };
        let text = format!("{text}{}", self.tail);
        Some(match (self.wide, self.all_wide) {
            (_, true) => text.chars().map(widen_all).collect(),
            (true, false) => text.chars().map(widen).collect(),
            (false, false) => text,
        })
    }
}

fn widen(c: char) -> char {
    if c.is_ascii_digit() { char::from_u32(c as u32 + 0xFEE0).unwrap_or(c) } else { c }
}

fn widen_all(c: char) -> char {
    match c {
        ' ' => '\u{3000}',
        '!'..='~' => char::from_u32(c as u32 + 0xFEE0).unwrap_or(c),
        _ => c,
    }
}

/// The day of a number of days since 1970-01-01.
#[must_use]
pub fn date_of(days: i32) -> Option<NaiveDate> {
    NaiveDate::from_num_days_from_ce_opt(days.checked_add(719_163)?)
}

/// A day as ISO 8601 writes it (`2024-04-01`; years outside 0 to 9999 with their sign), the common ones without the machinery of
/// formats: a run writes millions.
#[must_use]
pub fn iso_day(day: NaiveDate) -> String {
    let mut text = String::with_capacity(10);
    put_iso_day(&mut text, day);
    text
}

fn put_iso_day(text: &mut String, day: NaiveDate) {
    let year = day.year();
    if !(0..=9999).contains(&year) {
        text.push_str(&day.format("%Y-%m-%d").to_string());
        return;
    }
    put_two(text, (year / 100) as u32);
    put_two(text, (year % 100) as u32);
    text.push('-');
    put_two(text, day.month());
    text.push('-');
    put_two(text, day.day());
}

fn put_two(text: &mut String, number: u32) {
    text.push(char::from(b'0' + (number / 10 % 10) as u8));
    text.push(char::from(b'0' + (number % 10) as u8));
}

/// A moment as ISO 8601 writes it (`2024-04-01T09:30:00`), with 3, 6 or 9 digits of a second where it is not a whole one.
#[must_use]
pub fn iso_moment(at: NaiveDateTime) -> String {
    if at.nanosecond() != 0 {
        return at.format("%Y-%m-%dT%H:%M:%S%.f").to_string();
    }
    let mut text = String::with_capacity(19);
    put_iso_day(&mut text, at.date());
    for (mark, number) in [('T', at.hour()), (':', at.minute()), (':', at.second())] {
        text.push(mark);
        put_two(&mut text, number);
    }
    text
}

/// Reads what [`iso_moment`] writes.
#[must_use]
pub fn parse_iso_moment(text: &str) -> Option<NaiveDateTime> {
    whole_seconds(text.as_bytes())
        .or_else(|| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").ok())
}

/// `YYYY-MM-DDTHH:MM:SS`, nothing else.
fn whole_seconds(text: &[u8]) -> Option<NaiveDateTime> {
    let marks = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if text.len() != 19 || marks.iter().any(|&(at, mark)| text[at] != mark) {
        return None;
    }
    let number = |from: usize, to: usize| {
        text[from..to].iter().try_fold(0_u32, |sum, byte| {
            byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0'))
        })
    };
    let day = NaiveDate::from_ymd_opt(number(0, 4)? as i32, number(5, 7)?, number(8, 10)?)?;
    day.and_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?)
}

/// The day on which a moment falls where the law is: in Japan.
#[must_use]
pub fn in_japan(at: chrono::DateTime<chrono::Utc>) -> NaiveDate {
    (at.naive_utc() + chrono::TimeDelta::hours(9)).date()
}

fn era_of(day: NaiveDate) -> Option<(usize, u32)> {
    ERAS.iter().enumerate().rev().find_map(|(index, (_, _, (y, m, d), before))| {
        let start = NaiveDate::from_ymd_opt(*y, *m, *d)?;
        (day >= start).then(|| u32::try_from(day.year() - before).ok().map(|year| (index, year)))?
    })
}

/// Reads a date in any of the forms; `None` if it is not one.
#[must_use]
pub fn parse(text: &str) -> Option<When> {
    let narrow: String;
    let trimmed = text.trim();
    let wide = !trimmed.is_ascii() && trimmed.chars().any(|c| ('０'..='９').contains(&c));
    let text = if trimmed.is_ascii() {
        trimmed
    } else {
        narrow = trimmed.nfkc().collect();
        narrow.trim()
    };
    let mut when = read(text)?;
    when.wide = wide;
    when.all_wide = wide && !trimmed.bytes().any(|b| matches!(b, b' '..=b'~'));
    YEARS.contains(&when.year).then_some(())?;
    match (when.month, when.day) {
        (Some(m), Some(d)) => {
            NaiveDate::from_ymd_opt(when.year, u32::from(m), u32::from(d))?;
        }
        (Some(m), None) => (1..=12).contains(&m).then_some(())?,
        (None, Some(_)) => return None,
        (None, None) => {}
    }
    Some(when)
}

fn read(text: &str) -> Option<When> {
    let first = text.chars().next()?;
    if first.is_ascii_digit() {
        let length = text.bytes().take_while(u8::is_ascii_digit).count();
        let rest = &text[length..];
        return match rest.chars().next() {
            Some(separator @ ('-' | '/' | '.')) if length == 4 => separated(text, separator),
            Some('年') if length == 4 => kanji(text),
            _ => compact(&text[..length], rest),
        };
    }
    for (index, (letter, name, _, before)) in ERAS.iter().enumerate() {
        if let Some(rest) = text.strip_prefix(name) {
            return era_name(rest, index, *before);
        }
        if first.eq_ignore_ascii_case(letter) {
            let rest = &text[1..];
            return letter_form(rest, index, *before, first.is_ascii_lowercase());
        }
    }
    None
}

fn blank(year: i32, month: Option<u8>, day: Option<u8>, tail: &str, form: Form) -> When {
    let tail = tail.to_owned();
    When { year, month, day, tail, beyond_era: false, form, wide: false, all_wide: false }
}

/// What may follow a date: nothing, or a time of day.
fn is_time(tail: &str) -> bool {
    if tail.is_empty() {
        return true;
    }
    let body = tail.strip_prefix(['T', 't', ' ']).unwrap_or(tail).trim_start();
    let (clock, zone) = clock_and_zone(body);
    let zone_ok = zone.is_empty() || offset(zone).is_some();
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, "0"));
    let mut parts = 0;
    let mut fits = |part: &str| {
        let limit = [24_u8, 60, 61].get(parts).copied().unwrap_or(0);
        parts += 1;
        (1..=2).contains(&part.len())
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse::<u8>().is_ok_and(|n| n < limit)
    };
    let clock_ok = if clock.contains(':') {
        clock.split(':').all(&mut fits)
    } else {
        clock.len() % 2 == 0
            && clock.is_ascii()
            && (0..clock.len() / 2).all(|i| fits(&clock[i * 2..i * 2 + 2]))
    };
    zone_ok
        && clock_ok
        && parts > 0
        && !fraction.is_empty()
        && fraction.bytes().all(|b| b.is_ascii_digit())
}

/// Splits `15:30:00+09:00` where the zone begins.
fn clock_and_zone(body: &str) -> (&str, &str) {
    match body.find(['+', 'Z', 'z']).or_else(|| body.rfind('-')) {
        Some(at) => (body[..at].trim_end(), &body[at..]),
        None => (body, ""),
    }
}

/// The seconds of a zone (`Z`, `+09:00`, `-0500`, `+09`) that its clocks are ahead of UTC.
fn offset(zone: &str) -> Option<i32> {
    let (sign, rest) = match zone.as_bytes().first()? {
        b'Z' | b'z' => return (zone.len() == 1).then_some(0),
        b'+' => (1, &zone[1..]),
        b'-' => (-1, &zone[1..]),
        _ => return None,
    };
    let (hours, minutes) = match rest.len() {
        2 => (rest, "00"),
        4 => rest.is_char_boundary(2).then(|| rest.split_at(2))?,
        5 => rest.split_once(':')?,
        _ => return None,
    };
    let number = |t: &str| -> Option<i32> {
        (t.len() == 2 && t.bytes().all(|b| b.is_ascii_digit())).then(|| t.parse().ok())?
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 18 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

/// The zone of a policy: `Asia/Tokyo`, `UTC` or the hours that clocks are ahead (`+09:00`), in seconds ahead of UTC.
#[must_use]
pub fn zone(word: &str) -> Option<i32> {
    match word {
        "Asia/Tokyo" | "Japan" | "JST" => Some(9 * 3600),
        "UTC" | "Z" => Some(0),
        _ if word.len() == 6 => offset(word),
        _ => None,
    }
}

/// The day of a whole date, or of a moment as the clocks of a zone (seconds ahead of UTC) showed it. `None` for anything else, and
/// for a year beyond its era.
#[must_use]
pub fn day_in_zone(text: &str, zone: i32) -> Option<i32> {
    let moved = in_zone(text, zone);
    let when = parse(moved.as_deref().unwrap_or(text)).filter(|when| !when.beyond_era)?;
    when.days()
}

/// A moment that says its zone (`2024-03-31T15:30:00Z`, `20240331203000+0000`), as the clocks of another zone showed it, in the
/// same form. `None` for what says no zone, says this one, or is no moment: that stays as it is.
#[must_use]
pub fn in_zone(text: &str, seconds: i32) -> Option<String> {
    // A day and a time of day with a zone are longer than a day.
    if text.len() < 11 {
        return None;
    }
    let mut when = parse(text)?;
    let days = when.days()?;
    let start = when.tail.find(|c: char| c.is_ascii_digit())?;
    let (head, body) = when.tail.split_at(start);
    let (clock, said) = clock_and_zone(body);
    let ahead = offset(said)?;
    if ahead == seconds {
        return None;
    }
    let colons = clock.contains(':');
    let (hour, minute, rest) = if colons {
        let (hour, rest) = clock.split_once(':')?;
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        (hour, &rest[..end], &rest[end..])
    } else {
        let end = clock.find(|c: char| !c.is_ascii_digit()).unwrap_or(clock.len());
        let hour = clock.get(..2)?;
        (hour, if end >= 4 { clock.get(2..4)? } else { "" }, clock.get(end.min(4)..)?)
    };
    let there = hour.parse::<i32>().ok()? * 60
        + if minute.is_empty() { 0 } else { minute.parse::<i32>().ok()? }
        + (seconds - ahead) / 60;
    let (days, there) = (days + there.div_euclid(1440), there.rem_euclid(1440));
    let mut clock =
        if hour.len() == 2 { format!("{:02}", there / 60) } else { (there / 60).to_string() };
    if !minute.is_empty() || there % 60 != 0 {
        if colons {
            clock.push(':');
        }
        clock.push_str(&format!("{:02}", there % 60));
    }
    let (sign, ahead) = (if seconds < 0 { '-' } else { '+' }, seconds.abs());
    let colon = if said.contains(':') || (said.len() == 1 && colons) { ":" } else { "" };
    let minutes = match (ahead / 60) % 60 {
        0 if said.len() == 3 => String::new(),
        minutes => format!("{colon}{minutes:02}"),
    };
    when.tail = format!("{head}{clock}{rest}{sign}{:02}{minutes}", ahead / 3600);
    when.written_as(days)
}

fn compact(digits: &str, tail: &str) -> Option<When> {
    let number = |from: usize, to: usize| -> Option<i32> { digits.get(from..to)?.parse().ok() };
    let part = |from: usize| -> Option<u8> { digits.get(from..from + 2)?.parse().ok() };
    let known = |n: u8| (n != 0).then_some(n);
    match digits.len() {
        4 if tail.is_empty() => Some(blank(number(0, 4)?, None, None, "", Form::Compact)),
        6 if tail.is_empty() => {
            Some(blank(number(0, 4)?, Some(known(part(4)?)?), None, "", Form::Compact))
        }
        8 if is_time(tail) => {
            let (month, day) = (known(part(4)?), known(part(6)?));
            Some(blank(number(0, 4)?, month, day, tail, Form::Compact))
        }
        // HL7: YYYYMMDDHHMM[SS[.fff]][+ZZZZ]
        10 | 12 | 14 => {
            let whole = format!("{}{tail}", &digits[8..]);
            is_time(&whole).then_some(())?;
            Some(blank(number(0, 4)?, known(part(4)?), known(part(6)?), &whole, Form::Compact))
        }
        5 | 7 if tail.is_empty() => {
            let era = digits.get(0..1)?.parse::<usize>().ok()?;
            let (_, _, _, before) = ERAS.get(era.checked_sub(1)?)?;
            let year = i32::from(part(1)?);
            (year >= 1).then_some(())?;
            let month = known(part(3)?);
            let day = if digits.len() == 7 { known(part(5)?) } else { None };
            let mut when = blank(before + year, month, day, "", Form::Digits);
            mark_era(&mut when, era - 1);
            Some(when)
        }
        _ => None,
    }
}

fn mark_era(when: &mut When, era: usize) {
    // A part of a date is outside only if every day of it is.
    let at = |month: u8, day: u8| {
        (when.year, u32::from(when.month.unwrap_or(month)), u32::from(when.day.unwrap_or(day)))
    };
    let after = ERAS.get(era + 1).is_some_and(|next| at(1, 1) >= next.2);
    let before = ERAS.get(era).is_some_and(|own| at(12, 31) < own.2);
    when.beyond_era = after || before;
}

/// `text` up to the next non-digit, as a number with its width.
fn number(text: &str) -> Option<(u32, usize, &str)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    (1..=4).contains(&length).then_some(())?;
    Some((text[..length].parse().ok()?, length, &text[length..]))
}

fn month_day(text: &str, separator: char) -> Option<(Option<u8>, Option<u8>, bool, &str)> {
    let Some(rest) = text.strip_prefix(separator) else { return Some((None, None, true, text)) };
    let (month, width, rest) = number(rest)?;
    (width <= 2).then_some(())?;
    let mut padded = width == 2;
    let month = u8::try_from(month).ok()?;
    let Some(rest) = rest.strip_prefix(separator) else {
        return Some(((month != 0).then_some(month), None, padded, rest));
    };
    let (day, width, rest) = number(rest)?;
    (width <= 2).then_some(())?;
    // A two-digit number tells nothing about padding when it needs two digits anyway.
    padded = if month < 10 { padded } else { width == 2 };
    let day = u8::try_from(day).ok()?;
    Some(((month != 0).then_some(month), (day != 0).then_some(day), padded, rest))
}

fn separated(text: &str, separator: char) -> Option<When> {
    let (year, _, rest) = number(text)?;
    let (month, day, pad, tail) = month_day(rest, separator)?;
    is_time(tail).then_some(())?;
    (day.is_some() || tail.is_empty()).then_some(())?;
    Some(blank(i32::try_from(year).ok()?, month, day, tail, Form::Separated(separator, pad)))
}

fn kanji_parts(text: &str) -> Option<(Option<u8>, Option<u8>, bool, &str)> {
    if text.is_empty() {
        return Some((None, None, false, ""));
    }
    let (month, width, rest) = number(text)?;
    let rest = rest.strip_prefix('月')?;
    let month = u8::try_from(month).ok()?;
    if rest.is_empty() {
        return Some((Some(month), None, width == 2 && month < 10, ""));
    }
    let (day, day_width, rest) = number(rest)?;
    let tail = rest.strip_prefix('日')?;
    let day = u8::try_from(day).ok()?;
    let pad = if month < 10 { width == 2 } else { day_width == 2 && day < 10 };
    Some((Some(month), Some(day), pad, tail))
}

fn kanji(text: &str) -> Option<When> {
    let (year, _, rest) = number(text)?;
    let (month, day, pad, tail) = kanji_parts(rest.strip_prefix('年')?)?;
    is_time(tail).then_some(())?;
    Some(blank(i32::try_from(year).ok()?, month, day, tail, Form::Kanji(pad)))
}

fn era_name(rest: &str, era: usize, before: i32) -> Option<When> {
    let (year, first, rest) = match rest.strip_prefix('元') {
        Some(rest) => (1, true, rest),
        None => {
            let (year, _, rest) = number(rest)?;
            // Another day in the first year is written 元年, unless this one was written 1年.
            (i32::try_from(year).ok()?, year != 1, rest)
        }
    };
    (year >= 1).then_some(())?;
    let (month, day, pad, tail) = kanji_parts(rest.strip_prefix('年')?)?;
    is_time(tail).then_some(())?;
    let mut when = blank(before + year, month, day, tail, Form::Era { pad, first });
    mark_era(&mut when, era);
    Some(when)
}

fn letter_form(rest: &str, era: usize, before: i32, lower: bool) -> Option<When> {
    let (year, width, rest) = number(rest)?;
    (width <= 2 && year >= 1).then_some(())?;
    let separator = rest.chars().next().filter(|c| matches!(c, '.' | '/' | '-'))?;
    let (month, day, pad, tail) = month_day(rest, separator)?;
    is_time(tail).then_some(())?;
    let form = Form::Letter { separator, pad_year: width == 2, pad, lower };
    let mut when = blank(before + i32::try_from(year).ok()?, month, day, tail, form);
    mark_era(&mut when, era);
    Some(when)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn ymd(text: &str) -> Option<(i32, Option<u8>, Option<u8>)> {
        parse(text).map(|w| (w.year, w.month, w.day))
    }

    #[test]
    fn reads_every_form_of_a_day() {
        for text in [
            "20240401",
            "2024-04-01",
            "2024/4/1",
            "2024.4.1",
            "R6.4.1",
            "R06.04.01",
            "r6/4/1",
            "令和6年4月1日",
            "令和06年04月01日",
            "5060401",
            "５０６０４０１",
            "２０２４０４０１",
            "20240401123000+0900",
            "202404011230",
            "2024/04/01 0:00",
            "2024年4月1日",
            "2024-04-01T21:58:16.119086",
            "2024-04-01T21:58:16Z",
            "2024-04-01T21:58:16+09:00",
            " 2024-04-01 ",
        ] {
            assert_eq!(ymd(text), Some((2024, Some(4), Some(1))), "{text}");
        }
        assert_eq!(ymd("令和元年5月1日"), Some((2019, Some(5), Some(1))));
        assert_eq!(ymd("S64.1.7"), Some((1989, Some(1), Some(7))));
        assert_eq!(ymd("明治元年1月25日"), Some((1868, Some(1), Some(25))));
    }

    #[test]
    fn a_moment_is_written_in_another_zone() {
        let japan = zone("Asia/Tokyo").unwrap();
        for (text, there) in [
            ("2024-03-31T15:30:00Z", "2024-04-01T00:30:00+09:00"),
            ("2024-03-31T10:30:00-05:00", "2024-04-01T00:30:00+09:00"),
            ("2024-03-31 15:30:00+00", "2024-04-01 00:30:00+09"),
            ("2024-03-31 15:30:00.123456 +0000", "2024-04-01 00:30:00.123456+0900"),
            ("20250331203000+0000", "20250401053000+0900"),
            ("202503312030-0330", "202504010900+0900"),
            ("20250331203000.5Z", "20250401053000.5+0900"),
            ("2025033120+0000", "2025040105+0900"),
            ("2025/3/31 9:05Z", "2025/3/31 18:05+09:00"),
            ("2024-02-28T15:00:00Z", "2024-02-29T00:00:00+09:00"),
            ("2024-12-31T23:59:60Z", "2025-01-01T08:59:60+09:00"),
            ("R6.3.31 15:30:00Z", "R6.4.1 0:30:00+09:00"),
        ] {
            let there = if text.starts_with('R') { "R6.4.1 00:30:00+09:00" } else { there };
            assert_eq!(in_zone(text, japan).as_deref(), Some(there), "{text}");
        }
        for text in [
            "2024-04-01T00:30:00+09:00",
            "2024-04-01T00:30:00",
            "20240401003000",
            "20240401",
            "2024-04",
            "2024-04-01 00:30",
            "20250401053000+0900",
            "no date at all",
            "",
        ] {
            assert_eq!(in_zone(text, japan), None, "{text}");
        }
        assert_eq!(
            in_zone("2024-04-01T00:30:00+09:00", 0).as_deref(),
            Some("2024-03-31T15:30:00+00:00")
        );
        for (word, seconds) in
            [("+09:00", Some(32_400)), ("-03:30", Some(-12_600)), ("UTC", Some(0))]
        {
            assert_eq!(zone(word), seconds);
        }
        for word in ["", "Asia/Tokio", "+9", "9", "+25:00", "+09:60"] {
            assert_eq!(zone(word), None, "{word}");
        }
    }

    #[test]
    fn reads_parts() {
        for (text, expected) in [
            ("2024", (2024, None, None)),
            ("2024-04", (2024, Some(4), None)),
            ("202404", (2024, Some(4), None)),
            ("50604", (2024, Some(4), None)),
            ("20240400", (2024, Some(4), None)),
            ("20240000", (2024, None, None)),
            ("令和6年4月", (2024, Some(4), None)),
        ] {
            assert_eq!(ymd(text), Some(expected), "{text}");
            assert_eq!(parse(text).unwrap().days(), None);
        }
    }

    #[test]
    fn refuses_what_is_no_date() {
        for text in [
            "",
            "20230229",
            "20241301",
            "00000000",
            "99999999",
            "2024-13",
            "2024-02-30",
            "R6.13.1",
            "令和0年1月1日",
            "0060401",
            "6060401",
            "123",
            "20240401x",
            "2024-04-01T25:00",
            "2024-04-01 12:61",
            "hello",
            "R6",
            "20240041",
            "１",
        ] {
            assert_eq!(ymd(text), None, "{text}");
        }
    }

    #[test]
    fn counts_years_beyond_an_era() {
        let when = parse("昭和65年1月1日").unwrap();
        assert!(when.beyond_era && when.year == 1990);
        assert!(!parse("昭和63年1月1日").unwrap().beyond_era);
        assert!(parse("平成32年4月1日").unwrap().beyond_era);
        // The borders of the eras, day by day, and parts of dates.
        for (text, outside) in [
            ("平成31年4月30日", false),
            ("平成31年5月1日", true),
            ("令和元年5月1日", false),
            ("令和元年4月30日", true),
            ("R1.4.30", true),
            ("5010430", true),
            ("S64.1.7", false),
            ("S64.1.8", true),
            ("H1.1.8", false),
            ("H1.1.7", true),
            ("大正15年12月24日", false),
            ("昭和元年12月25日", false),
            ("昭和元年12月24日", true),
            ("令和元年", false),
            ("令和元年4月", true),
            ("平成31年5月", true),
            ("平成31年", false),
        ] {
            assert_eq!(parse(text).unwrap().beyond_era, outside, "{text}");
        }
    }

    #[test]
    fn writes_another_day_in_the_same_form() {
        for (text, after_a_week) in [
            ("20240401", "20240408"),
            ("2024-04-01", "2024-04-08"),
            ("2024/4/1", "2024/4/8"),
            ("R6.4.1", "R6.4.8"),
            ("R06.04.01", "R06.04.08"),
            ("令和6年4月1日", "令和6年4月8日"),
            ("5060401", "5060408"),
            ("５０６０４０１", "５０６０４０８"),
            ("20240401123000+0900", "20240408123000+0900"),
            ("2024-04-01T21:58:16.119086", "2024-04-08T21:58:16.119086"),
            ("2024/04/01 0:00", "2024/04/08 0:00"),
            ("平成31年4月30日", "令和元年5月7日"),
            ("令和1年5月7日", "令和1年5月14日"),
            ("２０２４／０４／０１", "２０２４／０４／０８"),
            ("Ｒ６．４．１", "Ｒ６．４．８"),
            ("令和６年４月１日", "令和６年４月８日"),
            ("２０２４年4月1日", "２０２４年４月８日"),
            ("5010430", "5010507"),
            ("20240401123000.5-0500", "20240408123000.5-0500"),
        ] {
            let when = parse(text).unwrap();
            assert_eq!(
                when.written_as(when.days().unwrap() + 7).as_deref(),
                Some(after_a_week),
                "{text}"
            );
        }
        assert_eq!(parse("2024-04").unwrap().written_as(0), None);
    }

    proptest! {
        #[test]
        fn writing_reads_back(days in -50_000_i32..40_000, shift in -800_i32..800, form in 0_usize..8) {
            let day = date_of(days).unwrap();
            let text = match form {
                0 => day.format("%Y%m%d").to_string(),
                1 => day.format("%Y-%m-%d").to_string(),
                2 => day.format("%Y/%-m/%-d").to_string(),
                3 => day.format("%Y-%m-%dT12:34:56").to_string(),
                4 => day.format("%Y年%-m月%-d日").to_string(),
                n => {
                    let seed = ["R6.4.1", "令和6年4月1日", "5060401"][n - 5];
                    match parse(seed).unwrap().written_as(days) { Some(text) => text, None => return Ok(()) }
                }
            };
            let when = parse(&text).unwrap();
            prop_assert_eq!(when.days(), Some(days));
            if let Some(shifted) = when.written_as(days + shift) {
                prop_assert_eq!(parse(&shifted).unwrap().days(), Some(days + shift));
            }
        }
        #[test]
        fn moments_are_written_as_formats_write_them(days in -4_400_000_i64..4_000_000, second in 0_u32..86_400, nanos in prop_oneof![Just(0_u32), 0..1_000_000_000_u32, (0..1_000_u32).prop_map(|n| n * 1_000_000)]) {
            let day = date_of(i32::try_from(days).unwrap()).unwrap();
            let at = day.and_time(chrono::NaiveTime::from_num_seconds_from_midnight_opt(second, nanos).unwrap());
            prop_assert_eq!(iso_day(day), day.format("%Y-%m-%d").to_string());
            let text = iso_moment(at);
            prop_assert_eq!(&text, &at.format("%Y-%m-%dT%H:%M:%S%.f").to_string());
            let read = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").ok();
            prop_assert_eq!(parse_iso_moment(&text), read);
        }
        #[test]
        fn moments_are_read_as_formats_read_them(text in "[0-9]{3,5}-[0-9]{1,2}-[0-9 ]{2}[T ][0-9]{2}:[0-7][0-9]:[0-7][0-9](\\.[0-9]{1,3})?") {
            let read = NaiveDateTime::parse_from_str(&text, "%Y-%m-%dT%H:%M:%S%.f").ok();
            prop_assert_eq!(parse_iso_moment(&text), read);
        }
        #[test]
        fn never_panics(text in "\\PC{0,16}") { let _ = parse(&text); }
        #[test]
        fn never_panics_on_datelike(text in "[0-9RH令和年月日元./:T+ -]{0,20}") { let _ = parse(&text); }
    }
}
