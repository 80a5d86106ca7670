//! Office Open XML sheets (ECMA-376 part 1, 18.3, 18.4, 18.8).

use std::ops::ControlFlow;
use std::path::Path;

use chrono::{Duration, NaiveDate};
use quick_xml::events::Event;

use super::{Cell, Parts, Take, Xml, attribute, damaged, number, text_of, which_sheet};
use crate::ReadSpec;
use crate::error::{Name, Result};

/// How a number is shown, as far as its text depends on it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
enum Form {
    #[default]
    Plain,
    /// Zeros and signs between them (`00000`, `000-0000`).
    Zeros(String),
    Date,
    DateTime,
    Time,
}

/// The form that a code of a format says.
fn form(code: &str) -> Form {
    let mut letters = String::new();
    let mut mask = String::new();
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            ';' => break,
            '"' => {
                let literal: String = chars.by_ref().take_while(|&c| c != '"').collect();
                mask.push_str(&literal);
            }
            '\\' => mask.extend(chars.next()),
            // A blank as wide as the next sign, or the next sign as often as there is room.
            '_' | '*' => {
                chars.next();
            }
            '[' => {
                let inside: String = chars.by_ref().take_while(|&c| c != ']').collect();
                if matches!(inside.to_ascii_lowercase().trim_matches(['h', 'm', 's']), "") {
                    // Hours beyond a day.
                    return Form::Plain;
                }
            }
            'E' | 'e' if matches!(chars.peek(), Some('+' | '-')) => return Form::Plain,
            c if c.is_ascii_alphabetic() => letters.push(c.to_ascii_lowercase()),
            c => mask.push(c),
        }
    }
    if letters == "general" {
        return Form::Plain;
    }
    let has = |set: &[char]| letters.contains(set);
    let time = has(&['h', 's']);
    let date = has(&['y', 'd', 'e', 'g']) || letters.contains("aaa") || has(&['m']) && !time;
    match (date, time) {
        (true, true) => Form::DateTime,
        (true, false) => Form::Date,
        (false, true) => Form::Time,
        (false, false) => {
            let zeros = mask.chars().filter(|&c| c == '0').count();
            let plain = mask.chars().all(|c| c == '0' || matches!(c, '-' | ' ' | '(' | ')'));
            if zeros > 1 && plain { Form::Zeros(mask) } else { Form::Plain }
        }
    }
}

/// The form of a number that every workbook knows (18.8.30, with those of Japanese ones).
fn builtin(id: u32) -> Form {
    match id {
        14..=17 | 27..=31 | 34..=36 | 50..=54 | 57 | 58 => Form::Date,
        22 => Form::DateTime,
        18..=21 | 32 | 33 | 45 | 47 | 55 | 56 => Form::Time,
        _ => Form::Plain,
    }
}

struct Book {
    /// Names and parts of the sheets.
    sheets: Vec<(String, String)>,
    since_1904: bool,
}

fn book(parts: &Parts<'_>) -> Result<Book> {
    let damaged = || damaged(parts.table);
    let mut sheets = Vec::new();
    let mut since_1904 = false;
    let mut xml = parts.part("xl/workbook.xml")?.ok_or_else(damaged)?;
    loop {
        match xml.next().ok_or_else(damaged)? {
            Event::Start(e) | Event::Empty(e) => match e.local_name().as_ref() {
                b"sheet" => {
                    let name = attribute(&e, "name").ok_or_else(damaged)?;
                    sheets.push((name, attribute(&e, "r:id").ok_or_else(damaged)?));
                }
                b"workbookPr" => {
                    since_1904 = attribute(&e, "date1904").is_some_and(|v| v == "1" || v == "true");
                }
                _ => {}
            },
            Event::Eof => break,
            _ => {}
        }
    }
    let mut targets = std::collections::BTreeMap::new();
    let mut xml = parts.part("xl/_rels/workbook.xml.rels")?.ok_or_else(damaged)?;
    loop {
        match xml.next().ok_or_else(damaged)? {
            Event::Start(e) | Event::Empty(e) if e.local_name().as_ref() == b"Relationship" => {
                if let (Some(id), Some(target), Some(kind)) =
                    (attribute(&e, "Id"), attribute(&e, "Target"), attribute(&e, "Type"))
                    && kind.ends_with("/worksheet")
                {
                    let full = match target.strip_prefix('/') {
                        Some(absolute) => absolute.to_owned(),
                        None => format!("xl/{target}"),
                    };
                    targets.insert(id, full);
                }
            }
            Event::Eof => break,
            _ => {}
        }
    }
    // Charts have sheets of their own.
    let sheets = sheets
        .into_iter()
        .filter_map(|(name, id)| Some((name, targets.get(&id)?.clone())))
        .collect();
    Ok(Book { sheets, since_1904 })
}

/// Whether a sheet has a cell with something in it.
fn has_cells(mut xml: Xml, table: &Name) -> Result<bool> {
    loop {
        match xml.next().ok_or_else(|| damaged(table))? {
            Event::Start(e) if matches!(e.local_name().as_ref(), b"v" | b"is") => return Ok(true),
            Event::Eof => return Ok(false),
            _ => {}
        }
    }
}

fn filled(parts: &Parts<'_>, book: &Book) -> Result<Vec<(String, String)>> {
    let mut filled = Vec::new();
    for sheet in &book.sheets {
        let xml = parts.part(&sheet.1)?.ok_or_else(|| damaged(parts.table))?;
        if has_cells(xml, parts.table)? {
            filled.push(sheet.clone());
        }
    }
    Ok(filled)
}

pub(super) fn sheets(path: &Path, table: &Name) -> Result<Vec<String>> {
    let parts = Parts::open(path, table)?;
    let book = book(&parts)?;
    Ok(filled(&parts, &book)?.into_iter().map(|s| s.0).collect())
}

/// The texts that cells share. Kana above words (`rPh`) are no part of them.
fn shared(parts: &Parts<'_>) -> Result<Vec<String>> {
    let damaged = || damaged(parts.table);
    let Some(mut xml) = parts.part("xl/sharedStrings.xml")? else { return Ok(Vec::new()) };
    let mut texts = Vec::new();
    let mut text = String::new();
    let (mut inside, mut kana) = (false, false);
    loop {
        let event = xml.next().ok_or_else(damaged)?;
        match &event {
            Event::Start(e) => match e.local_name().as_ref() {
                b"si" => text.clear(),
                b"t" => inside = !kana,
                b"rPh" => kana = true,
                _ => {}
            },
            Event::Empty(e) if e.local_name().as_ref() == b"si" => texts.push(String::new()),
            Event::End(e) => match e.local_name().as_ref() {
                b"si" => texts.push(plain(&std::mem::take(&mut text))),
                b"t" => inside = false,
                b"rPh" => kana = false,
                _ => {}
            },
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if inside => {
                text.push_str(&text_of(&event).ok_or_else(damaged)?);
            }
            Event::Eof => return Ok(texts),
            _ => {}
        }
    }
}

/// A text with its escapes (`_x000D_`) read.
fn plain(text: &str) -> String {
    if !text.contains("_x") {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let code = rest.get(2..6).filter(|_| rest.as_bytes().get(6) == Some(&b'_'));
        match code.and_then(|c| u32::from_str_radix(c, 16).ok()).and_then(char::from_u32) {
            Some(character) => {
                out.push(character);
                rest = &rest[7..];
            }
            None => {
                out.push_str("_x");
                rest = &rest[2..];
            }
        }
    }
    out.push_str(rest);
    out
}

/// The forms of the cells' styles.
fn styles(parts: &Parts<'_>) -> Result<Vec<Form>> {
    let damaged = || damaged(parts.table);
    let Some(mut xml) = parts.part("xl/styles.xml")? else { return Ok(Vec::new()) };
    let mut own = std::collections::BTreeMap::new();
    let mut forms = Vec::new();
    let mut cells = false;
    loop {
        match xml.next().ok_or_else(damaged)? {
            Event::Start(e) | Event::Empty(e) => match e.local_name().as_ref() {
                b"numFmt" => {
                    if let (Some(id), Some(code)) =
                        (attribute(&e, "numFmtId"), attribute(&e, "formatCode"))
                    {
                        own.insert(id, form(&code));
                    }
                }
                b"cellXfs" => cells = true,
                b"xf" if cells => {
                    let id = attribute(&e, "numFmtId").unwrap_or_default();
                    forms.push(match own.get(&id) {
                        Some(form) => form.clone(),
                        None => builtin(id.parse().unwrap_or(0)),
                    });
                }
                _ => {}
            },
            Event::End(e) if e.local_name().as_ref() == b"cellXfs" => cells = false,
            Event::Eof => return Ok(forms),
            _ => {}
        }
    }
}

/// The column of a reference (`AB12`): letters count from A = 1 in base 26.
fn column(reference: &str) -> Option<usize> {
    let letters = reference.bytes().take_while(u8::is_ascii_alphabetic);
    let mut column = 0_usize;
    for letter in letters {
        column = column
            .checked_mul(26)?
            .checked_add(usize::from(letter.to_ascii_uppercase() - b'A') + 1)?;
    }
    column.checked_sub(1)
}

/// A number of days as the moment that it shows.
fn moment(text: &str, form: &Form, since_1904: bool) -> Option<String> {
    let serial: f64 = text.trim().parse().ok()?;
    if !(0.0..3_000_000.0).contains(&serial) {
        return None;
    }
    let mut days = serial.floor() as i64;
    let mut seconds = ((serial - serial.floor()) * 86_400.0).round() as i64;
    if seconds == 86_400 {
        (days, seconds) = (days + 1, 0);
    }
    let clock =
        || Some(format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60));
    if *form == Form::Time && days == 0 {
        return clock();
    }
    let (start, days) = match (since_1904, days) {
        (true, _) => (NaiveDate::from_ymd_opt(1904, 1, 1)?, days),
        // A day that never was: 29 February 1900.
        (false, 0 | 60) => return None,
        (false, 1..=59) => (NaiveDate::from_ymd_opt(1899, 12, 31)?, days),
        (false, _) => (NaiveDate::from_ymd_opt(1899, 12, 30)?, days),
    };
    let day = start.checked_add_signed(Duration::days(days))?;
    let date = day.format("%Y-%m-%d").to_string();
    Some(if *form == Form::Date { date } else { format!("{date}T{}", clock()?) })
}

/// A whole number in a form of zeros.
fn zeros(text: &str, mask: &str) -> Option<String> {
    let value: f64 = text.trim().parse().ok()?;
    if value < 0.0 || value.fract() != 0.0 || value >= 1e15 {
        return None;
    }
    let places = mask.chars().filter(|&c| c == '0').count();
    let digits = format!("{:0>places$}", value.to_string());
    let mut rest = digits.chars();
    let mut out: String = rest.by_ref().take(digits.len() - places).collect();
    for c in mask.chars() {
        if c == '0' { out.extend(rest.next()) } else { out.push(c) }
    }
    Some(out)
}

#[derive(Default)]
struct Raw {
    column: usize,
    kind: String,
    style: usize,
    text: String,
}

/// The rows of a sheet.
pub(super) fn rows(
    path: &Path,
    spec: &ReadSpec<'_>,
    codes: &dyn Fn(usize) -> bool,
    take: &mut Take<'_>,
) -> Result<()> {
    let table = spec.table;
    let damaged = || damaged(table);
    let parts = Parts::open(path, table)?;
    let book = book(&parts)?;
    let part = match spec.sheet {
        Some(name) => match book.sheets.iter().find(|s| s.0 == name) {
            Some(sheet) => sheet.1.clone(),
            None => return Err(which_sheet(table, book.sheets.len(), true)),
        },
        None => match book.sheets.as_slice() {
            [only] => only.1.clone(),
            _ => match filled(&parts, &book)?.as_slice() {
                [] => return Ok(()),
                [only] => only.1.clone(),
                several => return Err(which_sheet(table, several.len(), false)),
            },
        },
    };
    let shared = shared(&parts)?;
    let forms = styles(&parts)?;
    let mut xml = parts.part(&part)?.ok_or_else(damaged)?;
    let mut cells: Vec<Cell> = Vec::new();
    let mut line = 0_u64;
    let mut next = 0_usize;
    let mut raw: Option<Raw> = None;
    let (mut inside, mut kana) = (false, false);
    loop {
        let event = xml.next().ok_or_else(damaged)?;
        match &event {
            Event::Start(e) | Event::Empty(e) => {
                let empty = matches!(event, Event::Empty(_));
                match e.local_name().as_ref() {
                    b"row" => {
                        cells.clear();
                        next = 0;
                        let told = attribute(e, "r").map(|r| r.parse::<u64>());
                        let number = told.transpose().map_err(|_| damaged())?.unwrap_or(line + 1);
                        if number <= line {
                            return Err(damaged());
                        }
                        line = number;
                    }
                    b"c" => {
                        let at = match attribute(e, "r") {
                            Some(reference) => column(&reference).ok_or_else(damaged)?,
                            None => next,
                        };
                        next = at + 1;
                        let style = attribute(e, "s").and_then(|s| s.parse().ok()).unwrap_or(0);
                        let kind = attribute(e, "t").unwrap_or_default();
                        raw =
                            (!empty).then(|| Raw { column: at, kind, style, text: String::new() });
                    }
                    b"v" | b"t" => inside = !kana && !empty,
                    b"rPh" => kana = !empty,
                    _ => {}
                }
            }
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if inside => {
                if let Some(raw) = &mut raw {
                    raw.text.push_str(&text_of(&event).ok_or_else(damaged)?);
                }
            }
            Event::End(e) => match e.local_name().as_ref() {
                b"v" | b"t" => inside = false,
                b"rPh" => kana = false,
                b"c" => {
                    let Some(raw) = raw.take() else { continue };
                    let form = forms.get(raw.style).cloned().unwrap_or_default();
                    let (text, number) = match raw.kind.as_str() {
                        "s" => {
                            let at: usize = raw.text.trim().parse().map_err(|_| damaged())?;
                            (shared.get(at).ok_or_else(damaged)?.clone(), false)
                        }
                        "b" => (
                            if raw.text.trim() == "1" { "TRUE" } else { "FALSE" }.to_owned(),
                            false,
                        ),
                        "inlineStr" | "str" => (plain(&raw.text), false),
                        "e" | "d" => (raw.text, false),
                        _ if raw.text.trim().is_empty() => (String::new(), false),
                        _ => {
                            let shown = match &form {
                                Form::Plain => None,
                                Form::Zeros(mask) => zeros(&raw.text, mask),
                                _ => moment(&raw.text, &form, book.since_1904),
                            };
                            match shown {
                                Some(text) => (text, false),
                                None => (number(&raw.text, codes(raw.column)), true),
                            }
                        }
                    };
                    if !text.is_empty() {
                        cells.push(Cell { column: raw.column, text, number });
                    }
                }
                b"row" if take(line, &cells)? == ControlFlow::Break(()) => return Ok(()),
                b"sheetData" => return Ok(()),
                _ => {}
            },
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_told_by_their_codes() {
        for code in [
            "General",
            "0",
            "0.00",
            "#,##0",
            "0%",
            "0.00E+00",
            "@",
            "[h]:mm",
            "\"year\"0",
            "[Red]0.0",
        ] {
            assert_eq!(form(code), Form::Plain, "{code}");
        }
        for code in [
            "yyyy/mm/dd",
            "ggge\"年\"m\"月\"d\"日\"",
            "[$-411]ge.m.d",
            "m/d/yy",
            "[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy",
            "yyyy\"年\"m\"月\"",
        ] {
            assert_eq!(form(code), Form::Date, "{code}");
        }
        assert_eq!(form("yyyy/mm/dd\\ hh:mm:ss"), Form::DateTime);
        assert_eq!(form("h:mm AM/PM"), Form::Time);
        assert_eq!(form("00000"), Form::Zeros("00000".to_owned()));
        assert_eq!(form("000\\-0000"), Form::Zeros("000-0000".to_owned()));
    }

    #[test]
    fn serials_are_the_days_that_the_sheet_shows() {
        let date = |serial: &str| moment(serial, &Form::Date, false);
        assert_eq!(date("44012").as_deref(), Some("2020-06-30"));
        assert_eq!(date("59").as_deref(), Some("1900-02-28"));
        assert_eq!(date("61").as_deref(), Some("1900-03-01"));
        assert_eq!([date("60"), date("0"), date("-1"), date("1e9")], [None, None, None, None]);
        assert_eq!(
            moment("44012.75", &Form::DateTime, false).as_deref(),
            Some("2020-06-30T18:00:00")
        );
        assert_eq!(
            moment("44012.99999999", &Form::DateTime, false).as_deref(),
            Some("2020-07-01T00:00:00")
        );
        assert_eq!(moment("0.5", &Form::Time, false).as_deref(), Some("12:00:00"));
        assert_eq!(moment("42550", &Form::Date, true).as_deref(), Some("2020-06-30"));
    }

    #[test]
    fn zeros_are_filled_in() {
        assert_eq!(zeros("123", "00000").as_deref(), Some("00123"));
        assert_eq!(zeros("600001", "000-0000").as_deref(), Some("060-0001"));
        assert_eq!(zeros("1234567", "00000").as_deref(), Some("1234567"));
        assert_eq!([zeros("1.5", "00000"), zeros("-1", "00000")], [None, None]);
    }

    #[test]
    fn references_and_escapes_are_read() {
        assert_eq!(
            [column("A1"), column("Z9"), column("AA10"), column("XFD1"), column("1")],
            [Some(0), Some(25), Some(26), Some(16_383), None]
        );
        assert_eq!(plain("a_x000D_b_x_c_xZZZZ_"), "a\rb_x_c_xZZZZ_");
    }
}
