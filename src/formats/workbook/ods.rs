//! OpenDocument spreadsheets (OASIS 1.3 part 3, 9.1).

use std::ops::ControlFlow;
use std::path::Path;

use quick_xml::events::Event;

use super::{Cell, LONGEST, Parts, Take, WIDEST, attribute, damaged, number, text_of, which_sheet};
use crate::ReadSpec;
use crate::error::{Name, Result};

#[derive(Default)]
struct Raw {
    kind: String,
    value: Option<String>,
    date: Option<String>,
    text: String,
    paragraphs: usize,
    repeated: usize,
}

impl Raw {
    /// The text of the cell, and whether it is a number without a form.
    fn shown(self, code: bool) -> (String, bool) {
        match (self.kind.as_str(), self.date, self.value) {
            ("date", Some(date), _) => {
                (date.strip_suffix("T00:00:00").map_or_else(|| date.clone(), str::to_owned), false)
            }
            ("float" | "percentage" | "currency", _, Some(value)) => {
                let digits =
                    |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
                let shown = self.text.trim();
                let form = shown.starts_with('0')
                    && shown.len() > 1
                    && shown.chars().all(|c| c.is_ascii_digit() || c == '-' || c == ' ')
                    && digits(shown).trim_start_matches('0') == value.trim();
                if form { (shown.to_owned(), false) } else { (number(&value, code), true) }
            }
            _ => (self.text, false),
        }
    }
}

/// Calls `take` with the rows of each sheet for which `wanted` says so.
fn walk(
    parts: &Parts<'_>,
    wanted: &mut dyn FnMut(usize, &str) -> bool,
    codes: &dyn Fn(usize) -> bool,
    take: &mut dyn FnMut(usize, u64, &[Cell]) -> Result<ControlFlow<()>>,
) -> Result<()> {
    let damaged = || damaged(parts.table);
    let mut xml = parts.part("content.xml")?.ok_or_else(damaged)?;
    let (mut sheets, mut reads) = (0_usize, false);
    let mut cells: Vec<Cell> = Vec::new();
    let (mut line, mut at, mut rows) = (0_u64, 0_usize, 1_u64);
    let mut raw: Option<Raw> = None;
    // Inside a comment nothing is of the cell; texts stand in paragraphs.
    let (mut comment, mut paragraph) = (false, false);
    loop {
        let event = xml.next().ok_or_else(damaged)?;
        match &event {
            Event::Start(e) | Event::Empty(e) => {
                let empty = matches!(event, Event::Empty(_));
                let repeated = |name: &str| -> Result<u64> {
                    let told = attribute(e, name).map(|n| n.parse::<u64>());
                    Ok(told.transpose().map_err(|_| damaged())?.unwrap_or(1).max(1))
                };
                match e.name().as_ref() {
                    b"table:table" if !empty => {
                        let name = attribute(e, "table:name").unwrap_or_default();
                        reads = wanted(sheets, &name);
                        sheets += 1;
                        line = 0;
                    }
                    b"table:table-row" => {
                        cells.clear();
                        at = 0;
                        rows = repeated("table:number-rows-repeated")?;
                        if empty {
                            line = line.saturating_add(rows);
                        }
                    }
                    b"table:table-cell" | b"table:covered-table-cell" => {
                        let repeated = repeated("table:number-columns-repeated")?;
                        let repeated = usize::try_from(repeated).map_err(|_| damaged())?;
                        if empty {
                            at = at.saturating_add(repeated);
                        } else {
                            raw = Some(Raw {
                                kind: attribute(e, "office:value-type").unwrap_or_default(),
                                value: attribute(e, "office:value"),
                                date: attribute(e, "office:date-value"),
                                repeated,
                                ..Raw::default()
                            });
                        }
                    }
                    b"office:annotation" => comment = !empty,
                    b"text:p" if !comment => {
                        if let Some(raw) = &mut raw {
                            if raw.paragraphs > 0 {
                                raw.text.push('\n');
                            }
                            raw.paragraphs += 1;
                        }
                        paragraph = !empty;
                    }
                    b"text:s" if paragraph => {
                        let blanks = repeated("text:c")?.min(1000) as usize;
                        if let Some(raw) = &mut raw {
                            raw.text.push_str(&" ".repeat(blanks));
                        }
                    }
                    b"text:tab" if paragraph => {
                        if let Some(raw) = &mut raw {
                            raw.text.push('\t');
                        }
                    }
                    _ => {}
                }
            }
            Event::Text(_) | Event::CData(_) | Event::GeneralRef(_) if paragraph && !comment => {
                if let Some(raw) = &mut raw {
                    raw.text.push_str(&text_of(&event).ok_or_else(damaged)?);
                }
            }
            Event::End(e) => match e.name().as_ref() {
                b"office:annotation" => comment = false,
                b"text:p" if !comment => paragraph = false,
                b"table:table-cell" | b"table:covered-table-cell" => {
                    let Some(raw) = raw.take() else { continue };
                    let repeated = raw.repeated;
                    let (text, number) = raw.shown(codes(at));
                    if !text.is_empty() && reads {
                        if at.saturating_add(repeated) > WIDEST {
                            return Err(damaged());
                        }
                        for column in at..at + repeated {
                            cells.push(Cell { column, text: text.clone(), number });
                        }
                    }
                    at = at.saturating_add(repeated);
                }
                b"table:table-row" => {
                    if reads && !cells.is_empty() {
                        if line.saturating_add(rows) > LONGEST {
                            return Err(damaged());
                        }
                        for number in line + 1..=line + rows {
                            if take(sheets - 1, number, &cells)? == ControlFlow::Break(()) {
                                return Ok(());
                            }
                        }
                    }
                    line = line.saturating_add(rows);
                }
                _ => {}
            },
            Event::Eof => return Ok(()),
            _ => {}
        }
    }
}

/// Numbers and names of the sheets that have cells.
fn filled(parts: &Parts<'_>) -> Result<Vec<(usize, String)>> {
    let mut names = Vec::new();
    let mut with = std::collections::BTreeSet::new();
    let mut named = |_: usize, name: &str| {
        names.push(name.to_owned());
        true
    };
    walk(parts, &mut named, &|_| true, &mut |sheet, _, _| {
        with.insert(sheet);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(with.into_iter().filter_map(|at| Some((at, names.get(at)?.clone()))).collect())
}

pub(super) fn sheets(path: &Path, table: &Name) -> Result<Vec<String>> {
    Ok(filled(&Parts::open(path, table)?)?.into_iter().map(|s| s.1).collect())
}

/// The rows of a sheet.
pub(super) fn rows(
    path: &Path,
    spec: &ReadSpec<'_>,
    codes: &dyn Fn(usize) -> bool,
    take: &mut Take<'_>,
) -> Result<()> {
    let parts = Parts::open(path, spec.table)?;
    let wanted = match spec.sheet {
        Some(_) => None,
        None => match filled(&parts)?.as_slice() {
            [] => return Ok(()),
            [only] => Some(only.0),
            several => return Err(which_sheet(spec.table, several.len(), false)),
        },
    };
    let (mut found, mut all) = (false, 0);
    let mut wanted = |at: usize, name: &str| {
        all = at + 1;
        let this = wanted.map_or_else(|| spec.sheet == Some(name), |wanted| wanted == at);
        found |= this;
        this
    };
    walk(&parts, &mut wanted, codes, &mut |_, line, cells| take(line, cells))?;
    if found { Ok(()) } else { Err(which_sheet(spec.table, all, true)) }
}
