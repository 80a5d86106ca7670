//! Workbooks (`.xlsx`, `.xlsm`, `.ods`): a sheet is a table, and its cells are the texts that the sheet shows.
//!
//! A sheet has no types of columns: a cell is a text, or a number with a form. Dates are written as ISO dates, numbers with a form of
//! zeros (`00000`) with their zeros, all other numbers with the digits that they have. What a sheet has lost is not made up: numbers of
//! more than 15 digits are shown as cut (`1.23E+17`), and a column of codes in which some cells have leading zeros and others are shorter
//! numbers is refused. Formulas count by their last result; comments and the kana above words are left out. Hidden rows are rows.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;
use std::path::Path;

use quick_xml::events::{BytesStart, Event};

use super::format::{Format, Look};
use super::{Batch, Batches, ColumnSpec, FileFacts, ReadSpec, Wanted, header, packed};
use crate::error::{Error, Name, Result};
use crate::frame::{Column, ColumnBuilder, MISSING, Table};
use crate::say;
use crate::schema::Type;
use crate::schema::file::{Defect, InputFormat};

mod ods;
mod xlsx;

/// Columns of a sheet, at most.
const WIDEST: usize = 16_384;
/// Rows of a sheet, at most.
const LONGEST: u64 = 1_048_576;
/// Rows that are looked at for the names of the columns, where the first has none of them.
const TITLES: usize = 40;

/// A cell that holds something.
struct Cell {
    column: usize,
    text: String,
    /// A number without a form: zeros before it would be lost.
    number: bool,
}

/// What takes the rows of a sheet: their number, as the sheet shows it, and their cells. It may stop.
type Take<'a> = dyn FnMut(u64, &[Cell]) -> Result<ControlFlow<()>> + 'a;

fn damaged(table: &Name) -> Error {
    Error::data(
        "D0027",
        say!("table `{}`: the workbook is damaged or of a kind that is not read", table),
    )
    .advice(say!(
        "open it and save it anew as .xlsx without a password, or export the sheet as CSV"
    ))
}

/// The error where it is not known which sheet is meant.
fn which_sheet(table: &Name, sheets: usize, named: bool) -> Error {
    let what = if named {
        say!(
            "table `{}`: none of the {} sheets of the workbook has the name that `sheet` says",
            table,
            sheets
        )
    } else {
        say!("table `{}`: {} sheets of the workbook have cells", table, sheets)
    };
    Error::data("D0030", what).advice(say!("name the one that is the table: `sheet = \"…\"` in `source`; another table may read another sheet"))
}

/// Pulls events of XML.
struct Xml {
    reader: quick_xml::Reader<BufReader<Box<dyn Read + Send>>>,
    buffer: Vec<u8>,
}

impl Xml {
    fn new(bytes: Box<dyn Read + Send>) -> Self {
        Xml { reader: quick_xml::Reader::from_reader(BufReader::new(bytes)), buffer: Vec::new() }
    }
    /// The next event; `None` where the bytes are no XML.
    fn next(&mut self) -> Option<Event<'_>> {
        self.buffer.clear();
        match self.reader.read_event_into(&mut self.buffer) {
            // Nothing that is read has definitions of its own.
            Ok(Event::DocType(_)) | Err(_) => None,
            Ok(event) => Some(event),
        }
    }
}

/// The text of an event; `None` for other events, or a reference that is not known.
fn text_of(event: &Event<'_>) -> Option<String> {
    match event {
        Event::Text(text) => text.decode().ok().map(|t| t.into_owned()),
        Event::CData(text) => text.decode().ok().map(|t| t.into_owned()),
        Event::GeneralRef(reference) => match reference.resolve_char_ref() {
            Ok(Some(character)) => Some(character.to_string()),
            _ => match reference.decode().ok()?.as_ref() {
                "lt" => Some("<".to_owned()),
                "gt" => Some(">".to_owned()),
                "amp" => Some("&".to_owned()),
                "quot" => Some("\"".to_owned()),
                "apos" => Some("'".to_owned()),
                _ => None,
            },
        },
        _ => None,
    }
}

fn attribute(element: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = element.try_get_attribute(name).ok()??;
    found.unescape_value().ok().map(|v| v.into_owned())
}

/// A number as text: whole ones without a point, all digits as they are; beyond 15 digits those of a code are lost.
fn number(text: &str, code: bool) -> String {
    match text.trim().parse::<f64>() {
        Ok(n) if n.is_finite() && code && n.abs() >= 1e15 => format!("{n:.5E}"),
        Ok(n) if n.is_finite() => n.to_string(),
        _ => text.to_owned(),
    }
}

/// Rows as they come, and what becomes of them.
struct Grid<'a> {
    spec: &'a ReadSpec<'a>,
    only_header: bool,
    /// For each policy column its position in the sheet.
    positions: Option<Vec<usize>>,
    width: usize,
    /// The header, to know it where it stands again.
    names: Vec<String>,
    /// The names in the first row, if it was not the header, and what was wrong with it.
    refused: Option<(Error, u64)>,
    looked: usize,
    last: u64,
    builders: Vec<ColumnBuilder>,
    numbers: Vec<u64>,
    lines: Vec<u64>,
    /// By column: the longest text of digits that begins with a zero, and the shortest number.
    zeros: Vec<(usize, usize)>,
    facts: FileFacts,
}

impl<'a> Grid<'a> {
    fn new(spec: &'a ReadSpec<'a>, only_header: bool) -> Self {
        let without = (!spec.header).then(|| (0..spec.columns.len()).collect());
        Grid {
            spec,
            only_header,
            positions: without,
            width: spec.columns.len(),
            names: Vec::new(),
            refused: None,
            looked: 0,
            last: u64::from(spec.skip_lines),
            builders: spec.columns.iter().map(|_| ColumnBuilder::default()).collect(),
            numbers: Vec::new(),
            lines: Vec::new(),
            zeros: vec![(0, usize::MAX); spec.columns.len()],
            facts: FileFacts::default(),
        }
    }

    fn error(&self, line: u64, code: &'static str, what: crate::error::Said) -> Error {
        Error::data(code, say!("table `{}`, row {} of the sheet: {}", self.spec.table, line, what))
    }

    fn row(&mut self, line: u64, cells: &[Cell]) -> Result<ControlFlow<()>> {
        if line <= u64::from(self.spec.skip_lines) {
            return Ok(ControlFlow::Continue(()));
        }
        if line > LONGEST || cells.iter().any(|c| c.column >= WIDEST) {
            return Err(damaged(self.spec.table));
        }
        if cells.iter().all(|c| c.text.trim().is_empty()) {
            return Ok(ControlFlow::Continue(()));
        }
        if self.positions.is_none() {
            return self.header(line, cells);
        }
        let gap = line.saturating_sub(self.last + 1);
        self.last = line;
        if gap > 0 && (self.spec.header || self.facts.rows_read > 0) {
            self.blank_rows(gap, line)?;
        }
        self.facts.rows_read += 1;
        let again = !self.names.is_empty() && cells.iter().map(|c| &c.text).eq(&self.names);
        if again {
            if !self.spec.set_aside.contains(&Defect::Blank) {
                let what = say!("the names of the columns stand here once more");
                return Err(header::again(self.error(line, "D0104", what)));
            }
            self.facts.aside(Defect::Blank, self.facts.rows_read, line);
            return Ok(ControlFlow::Continue(()));
        }
        if let Some(cell) =
            cells.iter().find(|c| c.column >= self.width && !c.text.trim().is_empty())
        {
            if !self.spec.set_aside.contains(&Defect::Ragged) {
                return Err(self
                    .error(
                        line,
                        "D0101",
                        say!(
                            "a cell in column {}, where the table has {} columns",
                            cell.column + 1,
                            self.width
                        ),
                    )
                    .advice(say!(
                        "correct the row, or set such rows aside with set_aside = [\"ragged\"]"
                    )));
            }
            self.facts.aside(Defect::Ragged, self.facts.rows_read, line);
            return Ok(ControlFlow::Continue(()));
        }
        let positions = self.positions.as_deref().unwrap_or_default();
        for (index, (column, &at)) in self.spec.columns.iter().zip(positions).enumerate() {
            let cell = cells.iter().find(|c| c.column == at);
            if let Some(cell) = cell {
                let digits = !cell.text.is_empty() && cell.text.bytes().all(|b| b.is_ascii_digit());
                let (zeros, shortest) = &mut self.zeros[index];
                if digits && cell.number {
                    *shortest = (*shortest).min(cell.text.len());
                } else if digits && cell.text.starts_with('0') {
                    *zeros = (*zeros).max(cell.text.len());
                }
            }
            let builder = &mut self.builders[index];
            let code =
                cell.map_or(MISSING, |cell| code_of(builder, &cell.text, column, self.spec.trim));
            builder.push_code(code);
        }
        self.numbers.push(self.facts.rows_read);
        self.lines.push(line);
        Ok(ControlFlow::Continue(()))
    }

    fn blank_rows(&mut self, count: u64, before: u64) -> Result<()> {
        self.facts.rows_read += count;
        if !self.spec.set_aside.contains(&Defect::Blank) {
            return Err(self.error(before - 1, "D0101", say!("a blank row")).advice(say!(
                "take it away, or set blank rows aside with set_aside = [\"blank\"]"
            )));
        }
        for at in 0..count {
            self.facts.aside(
                Defect::Blank,
                self.facts.rows_read - count + at + 1,
                before - count + at,
            );
        }
        Ok(())
    }

    fn header(&mut self, line: u64, cells: &[Cell]) -> Result<ControlFlow<()>> {
        let width = cells.iter().map(|c| c.column + 1).max().unwrap_or(0);
        let mut names = vec![String::new(); width];
        for cell in cells {
            names[cell.column].clone_from(&cell.text);
        }
        if let Some((_, first)) = &self.refused {
            self.looked += 1;
            if header::fits(self.spec, &names) {
                return Err(header::elsewhere(self.spec, line, *first));
            }
            let enough = self.looked >= TITLES;
            return Ok(if enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) });
        }
        if self.spec.number_repeats {
            header::numbered(&mut names);
        }
        match header::positions(self.spec, &names) {
            Ok(positions) => {
                self.width = names.len();
                self.names = cells.iter().map(|c| c.text.clone()).collect();
                self.positions = Some(positions);
                self.last = line;
                Ok(if self.only_header {
                    ControlFlow::Break(())
                } else {
                    ControlFlow::Continue(())
                })
            }
            Err(error) => {
                self.refused = Some((error, u64::from(self.spec.skip_lines) + 1));
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    fn finish(&mut self) -> Result<()> {
        if let Some((error, _)) = self.refused.take() {
            return Err(error);
        }
        if self.positions.is_none() {
            return Err(header::empty(self.spec));
        }
        for (column, &(zeros, shortest)) in self.spec.columns.iter().zip(&self.zeros) {
            if matches!(column.ty, Type::Code | Type::String) && shortest < zeros {
                return Err(Error::data(
                    "D0028",
                    say!(
                        "table `{}`, column `{}`: some cells are texts with leading zeros, others numbers that are shorter: the sheet has lost their zeros",
                        self.spec.table,
                        column.name
                    ),
                )
                .advice(say!("export the table again with the column as text")));
            }
        }
        Ok(())
    }
}

fn code_of(builder: &mut ColumnBuilder, text: &str, column: &ColumnSpec, trim: bool) -> u32 {
    let text = if trim { text.trim() } else { text };
    if text.is_empty() || column.missing.iter().any(|m| m == text) {
        return MISSING;
    }
    builder.code(text)
}

/// Reads a sheet.
pub(super) struct WorkbookReader {
    table: Table,
    numbers: Vec<u64>,
    lines: Vec<u64>,
    at: usize,
    facts: FileFacts,
}

fn walk(
    path: &Path,
    spec: &ReadSpec<'_>,
    codes: &dyn Fn(usize) -> bool,
    take: &mut Take<'_>,
) -> Result<()> {
    match spec.format {
        InputFormat::Ods => ods::rows(path, spec, codes, take),
        _ => xlsx::rows(path, spec, codes, take),
    }
}

impl WorkbookReader {
    pub(super) fn open(path: &Path, spec: &ReadSpec<'_>, wanted: Wanted) -> Result<Self> {
        let mut grid = Grid::new(spec, wanted == Wanted::Header);
        // Where a code stands, is known when the header was read.
        let codes = std::cell::RefCell::new(vec![true; WIDEST]);
        let is_code = |column: usize| codes.borrow().get(column).copied().unwrap_or(true);
        walk(path, spec, &is_code, &mut |line, cells| {
            let before = grid.positions.is_none() || grid.facts.rows_read == 0;
            let flow = grid.row(line, cells)?;
            if before && let Some(positions) = &grid.positions {
                for (column, &at) in spec.columns.iter().zip(positions) {
                    if let Some(code) = codes.borrow_mut().get_mut(at) {
                        *code = matches!(column.ty, Type::Code | Type::String);
                    }
                }
            }
            Ok(flow)
        })?;
        grid.finish()?;
        let mut facts = grid.facts;
        if wanted != Wanted::Header {
            let fail = |e: &std::io::Error| {
                Error::io("X0505", say!("reading a file of table `{}`", spec.table), e)
            };
            (facts.sha3_256, facts.sha256, facts.bytes) =
                packed::digests(path, wanted).map_err(|e| fail(&e))?;
        }
        let columns: Vec<Column> = grid.builders.into_iter().map(ColumnBuilder::finish).collect();
        let table = Table { rows: grid.numbers.len(), columns };
        Ok(WorkbookReader { table, numbers: grid.numbers, lines: grid.lines, at: 0, facts })
    }
}

impl Batches for WorkbookReader {
    fn next(&mut self, rows: usize) -> Result<Option<Batch>> {
        let end = self.table.rows.min(self.at.saturating_add(rows.max(1)));
        if self.at == end {
            return Ok(None);
        }
        let range = self.at..end;
        self.at = end;
        let taken: Vec<u32> = range.clone().map(|row| row as u32).collect();
        let columns = self.table.columns.iter().map(|c| c.take(&taken)).collect();
        Ok(Some(Batch {
            table: Table { rows: taken.len(), columns },
            row_numbers: self.numbers[range.clone()].to_vec(),
            lines: self.lines[range].to_vec(),
        }))
    }

    fn facts(&self) -> FileFacts {
        self.facts.clone()
    }
}

/// Workbooks of one of the two formats.
pub(crate) struct Workbook(pub(crate) InputFormat);

impl Format for Workbook {
    fn open(
        &self,
        path: &Path,
        spec: &ReadSpec<'_>,
        wanted: Wanted,
    ) -> Result<Box<dyn Batches + Send>> {
        Ok(Box::new(WorkbookReader::open(path, spec, wanted)?))
    }
    fn names(&self, path: &Path, look: &Look<'_>) -> Result<(Vec<String>, u32)> {
        header_names(path, self.0, look.sheet)
    }
    fn sheets(&self, path: &Path) -> Result<Vec<String>> {
        sheets(path, self.0)
    }
}

/// The names in the first row that has more than a title in it, and how many rows stand above it.
pub(super) fn header_names(
    path: &Path,
    format: InputFormat,
    sheet: Option<&str>,
) -> Result<(Vec<String>, u32)> {
    let name = Name::fixed("input");
    let spec = ReadSpec { sheet, ..ReadSpec::new(&name, format, &[]) };
    let mut rows: Vec<(u64, Vec<String>)> = Vec::new();
    walk(path, &spec, &|_| true, &mut |line, cells| {
        let width = cells.iter().map(|c| c.column + 1).max().unwrap_or(0).min(WIDEST);
        let mut names = vec![String::new(); width];
        for cell in cells.iter().filter(|c| c.column < width) {
            cell.text.trim().clone_into(&mut names[cell.column]);
        }
        rows.push((line, names));
        Ok(if rows.len() < TITLES { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
    })?;
    let filled: Vec<usize> =
        rows.iter().map(|(_, n)| n.iter().filter(|n| !n.is_empty()).count()).collect();
    let at = header::first_of(&filled);
    let (line, names) = rows.into_iter().nth(at).ok_or_else(|| header::empty(&spec))?;
    Ok((names, u32::try_from(line - 1).unwrap_or(0)))
}

/// The sheets of a workbook that have cells. Their names come from data.
///
/// # Errors
/// A file that is no workbook.
fn sheets(path: &Path, format: InputFormat) -> Result<Vec<String>> {
    let name = Name::fixed("input");
    match format {
        InputFormat::Ods => ods::sheets(path, &name),
        _ => xlsx::sheets(path, &name),
    }
}

/// Members of the archive by name, and what of them may still be read.
struct Parts<'a> {
    path: &'a Path,
    table: &'a Name,
    members: BTreeMap<String, packed::Member>,
}

impl<'a> Parts<'a> {
    fn open(path: &'a Path, table: &'a Name) -> Result<Self> {
        let members = packed::members(path, table).map_err(|e| match e.code {
            "D0024" => damaged(table),
            _ => e,
        })?;
        Ok(Parts {
            path,
            table,
            members: members.into_iter().map(|m| (m.name.clone(), m)).collect(),
        })
    }
    fn part(&self, name: &str) -> Result<Option<Xml>> {
        let Some(member) = self.members.get(name) else { return Ok(None) };
        let bytes = packed::unpack(self.path, member, packed::most(member.packed_length()))
            .map_err(|e| {
                Error::io("X0505", say!("reading a file of table `{}`", self.table), &e)
            })?;
        Ok(Some(Xml::new(bytes)))
    }
}

#[cfg(test)]
mod tests;
