//! CSV output: header, comma, LF; quotes only where needed; the encoding never writes what nobody asked for.

use std::fs::File;
use std::io::{BufWriter, Write};

use rayon::prelude::*;

use super::encode::{Lacking, fit, put};
use super::{Dialect, TableWriter, WriteSpec, Written};
use crate::error::{Error, Name, Result};
use crate::frame::{Column, MISSING, Table};
use crate::say;
use crate::schema::file::{Encoding, Formula, Output, Quotes};
use crate::text::number::Decimal;

pub(super) struct Writer {
    table: Name,
    columns: Vec<Name>,
    ranges: Vec<bool>,
    output: Output,
    dialect: Dialect,
    out: BufWriter<File>,
    written: Written,
}

impl Writer {
    pub(super) fn new(file: File, spec: &WriteSpec<'_>) -> Result<Self> {
        let mut writer = Writer {
            table: spec.table.clone(),
            columns: spec.columns.iter().map(|c| Name::from_policy(c.name.clone())).collect(),
            ranges: spec.columns.iter().map(|c| c.ranges).collect(),
            output: spec.output.clone(),
            dialect: spec.dialect,
            // A table may be thousands of files.
            out: BufWriter::with_capacity(1 << 16, file),
            written: Written::default(),
        };
        if spec.output.encoding == Encoding::Utf8Bom {
            writer.put(b"\xef\xbb\xbf")?;
        }
        if !spec.dialect.header {
            return Ok(writer);
        }
        for (index, column) in spec.columns.iter().enumerate() {
            if index > 0 {
                writer.put(&[spec.dialect.delimiter])?;
            }
            let name = Name::from_policy(column.name.clone());
            let mut bytes = Vec::new();
            let (output, mut written) = (&writer.output, Written::default());
            cell(&column.name, output, spec.dialect, false, &mut bytes, &mut written)
                .map_err(|bad| refusal(&writer.table, &name, bad))?;
            writer.put(&bytes)?;
        }
        writer.put(spec.dialect.ends.bytes())?;
        Ok(writer)
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.written.bytes += bytes.len() as u64;
        self.out
            .write_all(bytes)
            .map_err(|e| Error::io("X0508", say!("writing table `{}`", self.table), &e))
    }
}

pub(super) enum Bad {
    Character,
    Formula,
    Quotes,
}

fn refusal(table: &Name, column: &Name, bad: Bad) -> Error {
    match bad {
        Bad::Character => Error::refused(
            "C0501",
            say!("table `{}`, column `{}`: a character does not exist in the output encoding", table, column),
        )
        .advice(say!("output.unencodable = \"map\", \"geta\" or \"question-mark\", or output.encoding = \"utf-8\"")),
        Bad::Quotes => Error::refused(
            "C0503",
            say!("table `{}`, column `{}`: a cell holds a separator, a quote or a line break, which the form of the layout cannot write", table, column),
        )
        .advice(say!("drop or map the column, or let the long file have form = \"table\"")),
        Bad::Formula => Error::refused(
            "C0502",
            say!("table `{}`, column `{}`: a cell begins like a spreadsheet formula (= + - @ TAB CR)", table, column),
        )
        .advice(say!("output.formula = \"prefix\" (an apostrophe before it) or \"keep\" (the readers are programs)")),
    }
}

/// Whether a spreadsheet would take the cell for a formula. Numbers and laboratory signs are not; nor is a range of numbers
/// where a technique has made the labels.
fn like_a_formula(text: &str, ranges: bool) -> bool {
    text.starts_with(['=', '+', '-', '@', '\t', '\r'])
        && Decimal::parse(text).is_none()
        && text.chars().any(|c| !matches!(c, '+' | '-' | '±'))
        && !(ranges && is_range(text))
}

/// `-5--1`, `-1.5-0`, `-10+`: one number or two in their order, the first below zero.
fn is_range(text: &str) -> bool {
    let number = |text: &str| {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        plain.then(|| Decimal::parse(text)).flatten()
    };
    let Some(behind) = text.strip_prefix('-') else { return false };
    let first =
        behind.len() - behind.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.').len();
    let (low, rest) = text.split_at(first + 1);
    match rest.strip_prefix('-') {
        Some(high) => number(low).zip(number(high)).is_some_and(|(low, high)| low <= high),
        None => rest == "+" && number(low).is_some(),
    }
}

fn cell(
    text: &str,
    output: &Output,
    dialect: Dialect,
    ranges: bool,
    bytes: &mut Vec<u8>,
    written: &mut Written,
) -> std::result::Result<(), Bad> {
    let fitted = fit(text, output.encoding, output.unencodable, written)
        .map_err(|Lacking| Bad::Character)?;
    let prefixed;
    let mut text = &*fitted;
    if like_a_formula(text, ranges) {
        match output.formula {
            Formula::Fail => return Err(Bad::Formula),
            Formula::Keep => {}
            Formula::Prefix => {
                written.formula += 1;
                prefixed = format!("'{text}");
                text = &prefixed;
            }
        }
    }
    let special = text.contains(['"', '\n', '\r', char::from(dialect.delimiter)]);
    let quote = match dialect.quotes {
        Quotes::Never if special => return Err(Bad::Quotes),
        Quotes::Never => false,
        Quotes::All => true,
        Quotes::Text => special || Decimal::parse(text).is_none(),
        Quotes::Needed => special || text.starts_with(' ') || text.ends_with(' '),
    };
    let quoted;
    if quote {
        quoted = format!("\"{}\"", text.replace('"', "\"\""));
        text = &quoted;
    }
    put(text, output.encoding, bytes);
    Ok(())
}

/// The distinct cells of a column as they stand in the file, one after the other.
struct Encoded {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    /// What was replaced, counted by rows.
    counts: Written,
}

impl Encoded {
    fn of(
        column: &Column,
        output: &Output,
        dialect: Dialect,
        ranges: bool,
    ) -> std::result::Result<Self, Bad> {
        let texts = column.dictionary();
        let mut rows = vec![0_u64; texts.len()];
        for &code in column.codes() {
            if code != MISSING {
                rows[code as usize] += 1;
            }
        }
        let mut made = Encoded {
            bytes: Vec::new(),
            ends: Vec::with_capacity(texts.len()),
            counts: Written::default(),
        };
        for (text, rows) in texts.texts().zip(rows) {
            if rows > 0 {
                let mut one = Written::default();
                cell(text, output, dialect, ranges, &mut made.bytes, &mut one)?;
                made.counts.unencodable += one.unencodable * rows;
                made.counts.respelled += one.respelled * rows;
                made.counts.formula += one.formula * rows;
            }
            made.ends.push(made.bytes.len());
        }
        Ok(made)
    }

    fn cell(&self, code: u32) -> &[u8] {
        let code = code as usize;
        let start = code.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bytes[start..self.ends[code]]
    }
}

impl TableWriter for Writer {
    fn write(&mut self, rows: &Table) -> Result<()> {
        // Each distinct cell is quoted and encoded once; counts of replacements are per row.
        let encoded: Vec<Encoded> = (rows.columns.par_iter().zip(&self.columns).zip(&self.ranges))
            .map(|((column, name), &ranges)| {
                Encoded::of(column, &self.output, self.dialect, ranges)
                    .map_err(|bad| refusal(&self.table, name, bad))
            })
            .collect::<Result<_>>()?;
        for column in &encoded {
            self.written.unencodable += column.counts.unencodable;
            self.written.respelled += column.counts.respelled;
            self.written.formula += column.counts.formula;
        }
        let single = rows.columns.len() == 1;
        let mut line = Vec::new();
        for row in 0..rows.rows {
            line.clear();
            for (index, column) in rows.columns.iter().enumerate() {
                if index > 0 {
                    line.push(self.dialect.delimiter);
                }
                match column.codes()[row] {
                    // An empty line would be no row.
                    MISSING if single || self.dialect.quotes == Quotes::All => {
                        line.extend_from_slice(b"\"\"");
                    }
                    MISSING => {}
                    code => line.extend_from_slice(encoded[index].cell(code)),
                }
            }
            line.extend_from_slice(self.dialect.ends.bytes());
            self.put(&line)?;
        }
        self.written.rows += rows.rows as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let table = self.table.clone();
        let fail = |e: &std::io::Error| Error::io("X0508", say!("writing table `{}`", table), e);
        let Writer { out, written, .. } = *self;
        let file = out.into_inner().map_err(|e| fail(e.error()))?;
        file.sync_all().map_err(|e| fail(&e))?;
        Ok(written)
    }
}
