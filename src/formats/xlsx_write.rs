//! Workbook output (`.xlsx`): one sheet with a header that stays in view, for tables that people open in a spreadsheet.
//!
//! Text is text, whatever it looks like: no formula, no lost zeros. Numbers, days and moments are such, with a form. A workbook is
//! made in memory and has at most 1,048,575 rows below its header (ECMA-376, part 1, and the limits of Excel), so larger tables are
//! refused before they are in it. The bytes depend on the cells alone: the time of making is a fixed one.

use std::fs::File;
use std::io::BufWriter;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};

use super::{OutColumn, OutType, TableWriter, WriteSpec, Written};
use crate::error::{Error, Name, Result};
use crate::frame::{MISSING, Table};
use crate::say;
use crate::text::date;

/// Rows below the header.
const MOST_ROWS: u64 = 1_048_575;
/// Cells that are held in memory.
const MOST_CELLS: u64 = 2_000_000;
/// Whole numbers that a sheet keeps exactly: it has 15 digits.
const EXACT: i64 = 999_999_999_999_999;
/// Letters of the name of a sheet.
const NAME: usize = 31;

pub(super) struct Writer {
    table: Name,
    columns: Vec<OutColumn>,
    forms: Vec<Option<Format>>,
    sheet: Worksheet,
    file: File,
    rows: u64,
}

fn failed(table: &Name) -> Error {
    // The library's text may quote cells.
    Error::environment(
        "X0512",
        say!("writing the workbook of table `{}` failed: is the disk full?", table),
    )
}

/// What a cell is in a sheet.
enum Value<'a> {
    Text(&'a str),
    Number(f64),
    At(ExcelDateTime),
    Truth(bool),
}

/// A cell as its column has it; `None` if it does not fit.
fn value(text: &str, ty: OutType) -> Option<Value<'_>> {
    Some(match ty {
        OutType::Text => Value::Text(text),
        OutType::Integer => {
            let number = text.parse::<i64>().ok().filter(|n| (-EXACT..=EXACT).contains(n))?;
            Value::Number(number as f64)
        }
        OutType::Decimal => Value::Number(text.parse::<f64>().ok().filter(|n| n.is_finite())?),
        OutType::Date => {
            let day = date::date_of(date::parse(text)?.days()?)?;
            Value::At(at(&date::iso_day(day))?)
        }
        OutType::Timestamp => Value::At(at(text)?),
        OutType::Boolean => Value::Truth(text.parse().ok()?),
    })
}

/// A day or a moment since 1 March 1900: before that, sheets count a day that there was not.
fn at(iso: &str) -> Option<ExcelDateTime> {
    (iso >= "1900-03-01").then(|| ExcelDateTime::parse_from_str(iso).ok()).flatten()
}

/// The name of the sheet: the table's, as far as a sheet can have it.
fn sheet_name(table: &str) -> String {
    let fit = |c: char| {
        if matches!(c, '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\'') { '_' } else { c }
    };
    let name: String = table.chars().map(fit).take(NAME).collect();
    // A name that spreadsheets keep for themselves.
    if name.is_empty() || name.eq_ignore_ascii_case("history") { "data".to_owned() } else { name }
}

impl Writer {
    pub(super) fn new(file: File, spec: &WriteSpec<'_>) -> Result<Self> {
        let wrong = |_: XlsxError| failed(spec.table);
        let mut sheet = Worksheet::new();
        sheet.set_name(sheet_name(spec.table.as_str())).map_err(wrong)?;
        sheet.set_freeze_panes(1, 0).map_err(wrong)?;
        let head = Format::new().set_bold();
        for (c, column) in spec.columns.iter().enumerate() {
            let c = u16::try_from(c).map_err(|_| too_large(spec.table))?;
            sheet.write_string_with_format(0, c, &column.name, &head).map_err(|e| match e {
                XlsxError::RowColumnLimitError => too_large(spec.table),
                _ => failed(spec.table),
            })?;
        }
        let forms = spec.columns.iter().map(|c| match c.ty {
            OutType::Date => Some(Format::new().set_num_format("yyyy-mm-dd")),
            OutType::Timestamp => Some(Format::new().set_num_format("yyyy-mm-dd hh:mm:ss")),
            _ => None,
        });
        Ok(Writer {
            table: spec.table.clone(),
            columns: spec.columns.to_vec(),
            forms: forms.collect(),
            sheet,
            file,
            rows: 0,
        })
    }

    fn cell(&mut self, row: u32, c: usize, text: &str) -> std::result::Result<(), Bad> {
        let column = u16::try_from(c).map_err(|_| Bad::Fit)?;
        let value = value(text, self.columns[c].ty).ok_or(Bad::Fit)?;
        let put = match (value, &self.forms[c]) {
            (Value::Text(text), _) => self.sheet.write_string(row, column, text),
            (Value::Number(number), _) => self.sheet.write_number(row, column, number),
            (Value::Truth(truth), _) => self.sheet.write_boolean(row, column, truth),
            (Value::At(at), Some(form)) => {
                self.sheet.write_datetime_with_format(row, column, &at, form)
            }
            (Value::At(at), None) => self.sheet.write_datetime(row, column, &at),
        };
        match put {
            Ok(_) => Ok(()),
            Err(XlsxError::MaxStringLengthExceeded) => Err(Bad::Long),
            Err(_) => Err(Bad::Fit),
        }
    }
}

enum Bad {
    Fit,
    Long,
}

fn too_large(table: &Name) -> Error {
    Error::refused(
        "C0506",
        say!(
            "table `{}` is too large for a workbook: at most {} rows, {} cells and 16,384 columns",
            table,
            MOST_ROWS,
            MOST_CELLS
        ),
    )
    .advice(say!("output = {{ format = \"csv\" }} or \"parquet\""))
}

fn refusal(table: &Name, column: &OutColumn, bad: &Bad) -> Error {
    let column = Name::from_policy(column.name.clone());
    match bad {
        Bad::Fit => Error::refused(
            "C0503",
            say!("table `{}`, column `{}`: a cell does not fit the type of the column", table, column),
        )
        .advice(say!("a sheet has no day before 1 March 1900 and no number of more than 15 digits: declare the column as code or string")),
        Bad::Long => Error::refused(
            "C0507",
            say!("table `{}`, column `{}`: a cell has more than the 32,767 letters that a sheet holds", table, column),
        )
        .advice(say!("output = {{ format = \"csv\" }} or \"parquet\"")),
    }
}

impl TableWriter for Writer {
    fn write(&mut self, rows: &Table) -> Result<()> {
        let all = self.rows + rows.rows as u64;
        if all > MOST_ROWS || (all + 1) * self.columns.len() as u64 > MOST_CELLS {
            return Err(too_large(&self.table));
        }
        for (c, cells) in rows.columns.iter().enumerate() {
            for (n, &code) in cells.codes().iter().enumerate().filter(|(_, code)| **code != MISSING)
            {
                // Below the header; the limit was checked.
                let row = (self.rows + n as u64 + 1) as u32;
                self.cell(row, c, cells.dictionary().text(code))
                    .map_err(|bad| refusal(&self.table, &self.columns[c], &bad))?;
            }
        }
        self.rows = all;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let Writer { table, sheet, file, rows, .. } = *self;
        let wrong = |_: XlsxError| failed(&table);
        let mut book = Workbook::new();
        let made = ExcelDateTime::from_ymd(2000, 1, 1).map_err(wrong)?;
        book.set_properties(&DocProperties::new().set_creation_datetime(&made));
        book.push_worksheet(sheet);
        let mut out = BufWriter::with_capacity(1 << 20, file);
        book.save_to_writer(&mut out).map_err(wrong)?;
        let fail = |e: &std::io::Error| Error::io("X0508", say!("writing table `{}`", table), e);
        let file = out.into_inner().map_err(|e| fail(e.error()))?;
        file.sync_all().map_err(|e| fail(&e))?;
        let bytes = file.metadata().map_err(|e| fail(&e))?.len();
        Ok(Written { bytes, rows, ..Written::default() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sheets_have_names_that_spreadsheets_take() {
        assert_eq!(sheet_name("検査"), "検査");
        assert_eq!(sheet_name("a/b:c"), "a_b_c");
        assert_eq!(sheet_name("History"), "data");
        assert_eq!(sheet_name(&"x".repeat(40)).len(), NAME);
    }

    #[test]
    fn what_a_sheet_cannot_hold_does_not_fit() {
        assert!(value("999999999999999", OutType::Integer).is_some());
        assert!(value("1000000000000000", OutType::Integer).is_none());
        assert!(value("1899-12-31", OutType::Date).is_none());
        assert!(value("1900-03-01", OutType::Date).is_some());
        assert!(value("2026-01-31T09:30:00", OutType::Timestamp).is_some());
        assert!(value("inf", OutType::Decimal).is_none());
    }
}
