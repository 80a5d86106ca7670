//! Receipts of the receipt system (UKE): CP932, CRLF, no header, a record type a line with its own fields.
//!
//! One source, several tables: `record` names the type of a table's rows. Besides the fields of its type a table may have
//!
//! * `RE.カルテ番号等`, `IR.医療機関コード`, `HO.保険者番号`: a field of the first record of another type in the same receipt (or
//!   of the file's header), which is how every row comes to know its person;
//! * `レセプト内行番号`: the number of the line in its receipt, from 1;
//! * `診療月初日`: the first day of the receipt's month, a full date for techniques that need one;
//! * `算定日` and `算定日回数` (types with 31 day fields): the line gives one row for each day that has something, with the day as a
//!   date in the form of the receipt's month: `YYYYMM` (since 2020) or `GYYMM` (和暦). A line without any day gives one row.
//!
//! The number of a row in messages is the number of its line in the file.

use std::io::{BufRead, BufReader, Read as _};
use std::path::Path;

use sha3::Digest as _;

use super::format::Format;
use super::{Batch, Batches, FileFacts, ReadSpec, Wanted, header, packed};
use crate::error::{Error, Name, Result, Said};
use crate::frame::{ColumnBuilder, Table};
use crate::say;
use crate::schema::file::Defect;

mod fold;
mod pack;

pub use fold::{Records, fold};
pub use pack::{Form, Record, form, record};

/// The derived column with the number of a line in its receipt.
pub const SEQUENCE: &str = "レセプト内行番号";
/// The derived column with the day of an exploded line.
pub const DAY: &str = "算定日";
/// The derived column with the first day of the receipt's month.
pub const MONTH_START: &str = "診療月初日";
/// The derived column with what stood in the day's field.
pub const TIMES: &str = "算定日回数";

/// What the month of a receipt is called in the forms.
pub const MONTHS: [&str; 3] = ["診療年月", "調剤年月", "指定訪問看護年月"];

/// No line of a receipt is longer (症状詳記 has 2,400 bytes).
const LONGEST: usize = 1 << 20;

/// Where the cells of a column come from.
#[derive(Clone, Debug)]
enum Take {
    /// A field of the line.
    Field(usize),
    /// A field of the first record of a type in the receipt, or of the header.
    Context(&'static str, usize),
    Sequence,
    MonthStart,
    Day,
    Times,
}

struct Line {
    kind: &'static str,
    start: usize,
    end: usize,
    number: u64,
}

/// A header, a receipt or an end record.
#[derive(Default)]
struct Block {
    bytes: Vec<u8>,
    lines: Vec<Line>,
}

impl Block {
    fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
    }
    fn push(&mut self, kind: &'static str, bytes: &[u8], number: u64) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(bytes);
        self.lines.push(Line { kind, start, end: self.bytes.len(), number });
    }
    fn first(&self, kind: &str) -> Option<&[u8]> {
        self.lines.iter().find(|l| l.kind == kind).map(|l| &self.bytes[l.start..l.end])
    }
}

/// Receipts of the receipt system.
pub(crate) struct Uke;

impl Format for Uke {
    fn open(
        &self,
        path: &Path,
        spec: &ReadSpec<'_>,
        wanted: Wanted,
    ) -> Result<Box<dyn Batches + Send>> {
        let _ = wanted;
        Ok(Box::new(UkeReader::open(path, spec)?))
    }
}

/// Reads the records of one type.
pub(super) struct UkeReader {
    table: Name,
    form: &'static Form,
    kind: &'static str,
    record: &'static Record,
    takes: Vec<Take>,
    missing: Vec<Vec<String>>,
    ignore: Vec<String>,
    set_aside: Vec<Defect>,
    trim: bool,
    input: BufReader<Box<dyn std::io::Read + Send>>,
    /// The file, if it is packed: then its own bytes are hashed.
    packed: Option<std::path::PathBuf>,
    line: Vec<u8>,
    number: u64,
    /// The line that begins the next block.
    next: Option<(&'static str, Vec<u8>, u64)>,
    header: Block,
    ended: bool,
    done: bool,
    hasher: sha3::Sha3_256,
    facts: FileFacts,
}

impl UkeReader {
    pub(super) fn open(path: &Path, spec: &ReadSpec<'_>) -> Result<Self> {
        let (form, kind, record) = record(spec.table, spec.record)?;
        let derived = |name: &str| -> Option<Take> {
            match name {
                SEQUENCE | MONTH_START
                    if kind == form.header || kind == "GO" || form.begins_with(kind) =>
                {
                    return None;
                }
                SEQUENCE => return Some(Take::Sequence),
                MONTH_START => return Some(Take::MonthStart),
                DAY if record.days => return Some(Take::Day),
                TIMES if record.days => return Some(Take::Times),
                _ => {}
            }
            let (other, field) = name.split_once('.')?;
            let (other, there) = form.records.get_key_value(other)?;
            (other != kind && other != "GO" && (other == &form.header || !form.begins_with(other)))
                .then(|| there.position(field).map(|at| Take::Context(other.as_str(), at)))?
        };
        let mut names = record.columns.clone();
        let mut known: Vec<Take> = (1..=names.len()).map(Take::Field).collect();
        for column in spec.columns {
            if let Some(take) = derived(column.name.as_str()) {
                names.push(column.name.as_str().to_owned());
                known.push(take);
            }
        }
        let takes = header::positions(spec, &names)?.iter().map(|&at| known[at].clone()).collect();
        for kind in spec.ignore {
            if form.records.contains_key(kind) {
                return Err(Error::policy(
                    "P0313",
                    say!(
                        "table `{}`: `ignore` is for record types that {} does not know",
                        spec.table,
                        pack::version()
                    ),
                ));
            }
        }
        let file = packed::open(path, spec.table)?;
        let mut reader = UkeReader {
            table: spec.table.clone(),
            form,
            kind,
            record,
            takes,
            missing: spec.columns.iter().map(|c| c.missing.clone()).collect(),
            ignore: spec.ignore.to_vec(),
            set_aside: spec.set_aside.to_vec(),
            trim: spec.trim,
            input: BufReader::with_capacity(1 << 20, file),
            packed: packed::is_packed(path).then(|| path.to_owned()),
            line: Vec::new(),
            number: 0,
            next: None,
            header: Block::default(),
            ended: false,
            done: false,
            hasher: sha3::Sha3_256::default(),
            facts: FileFacts::default(),
        };
        reader.next = reader.take_line()?;
        match &reader.next {
            None => return Err(header::empty(spec)),
            Some((kind, ..)) if !form.begins_with(kind) => {
                return Err(reader.error(
                    1,
                    "D0311",
                    say!("the file does not begin with {}", Name::from_policy(form.header.clone())),
                ));
            }
            Some(_) => {}
        }
        Ok(reader)
    }

    fn error(&self, line: u64, code: &'static str, what: Said) -> Error {
        Error::data(code, say!("table `{}`, line {}: {}", self.table, line, what))
    }

    /// The next line of a known type, without its end.
    fn take_line(&mut self) -> Result<Option<(&'static str, Vec<u8>, u64)>> {
        loop {
            self.line.clear();
            let read = (&mut self.input)
                .take(LONGEST as u64 + 2)
                .read_until(b'\n', &mut self.line)
                .map_err(|e| packed::failed(self.packed.is_some(), &self.table, &e))?;
            if read == 0 {
                return Ok(None);
            }
            self.hasher.update(&self.line);
            self.facts.bytes += read as u64;
            self.number += 1;
            let mut end = self.line.len();
            for mark in [b'\n', b'\r'] {
                if end > 0 && self.line[end - 1] == mark {
                    end -= 1;
                }
            }
            let line = &self.line[..end];
            if line.is_empty() || line == [0x1a] {
                // Only behind the last record: the end mark of media, blank lines.
                if self.ended {
                    continue;
                }
                return Err(self.error(self.number, "D0312", say!("an empty line")));
            }
            if line.len() > LONGEST || memchr::memchr2(b'\r', 0, line).is_some() {
                return Err(self.error(
                    self.number,
                    "D0313",
                    say!(
                        "not a line of a receipt file: too long, or a carriage return or NUL inside"
                    ),
                ));
            }
            let kind = line.split(|&b| b == b',').next().unwrap_or_default();
            let kind = std::str::from_utf8(kind).unwrap_or_default();
            if let Some((kind, _)) = self.form.records.get_key_value(kind) {
                return Ok(Some((kind.as_str(), line.to_vec(), self.number)));
            }
            if !self.ignore.iter().any(|i| i == kind) {
                // The word itself is not shown: it is the first cell of whatever file this is.
                return Err(self
                    .error(
                        self.number,
                        "D0314",
                        say!(
                            "a record type that {} ({}) does not have",
                            pack::version(),
                            Name::from_policy(self.form.title.clone())
                        ),
                    )
                    .advice(match pack::forms_with(kind) {
                        forms if forms.is_empty() => say!(
                            "forms of receipts that are read: {}; to leave a type unread name it in `source.ignore`",
                            pack::supported()
                        ),
                        forms => say!(
                            "receipts with such records: {}; to leave a type unread name it in `source.ignore`",
                            Said::join(&forms, ", ")
                        ),
                    }));
            }
        }
    }

    /// The next header, receipt or end record.
    fn block(&mut self, block: &mut Block) -> Result<bool> {
        block.clear();
        let Some((kind, bytes, number)) = self.next.take() else {
            if !self.ended && !self.done {
                return Err(self.error(
                    self.number,
                    "D0315",
                    say!("the file ends without its GO record: was it cut off?"),
                ));
            }
            self.done = true;
            return Ok(false);
        };
        if self.ended && !self.form.begins_with(kind) {
            return Err(self.error(number, "D0316", say!("a record stands behind GO")));
        }
        block.push(kind, &bytes, number);
        self.ended = kind == "GO";
        self.next = self.take_line()?;
        if self.form.begins_with(kind) || kind == "GO" {
            return Ok(true);
        }
        if kind != "RE" {
            return Err(self.error(number, "D0317", say!("a record stands before the first RE")));
        }
        while let Some((kind, bytes, number)) = self.next.take() {
            if kind == "RE" || kind == "GO" || self.form.begins_with(kind) {
                self.next = Some((kind, bytes, number));
                break;
            }
            block.push(kind, &bytes, number);
            self.next = self.take_line()?;
        }
        Ok(true)
    }
}

/// The fields of a line.
fn fields(line: &[u8]) -> Vec<&[u8]> {
    line.split(|&b| b == b',').collect()
}

/// The text of a cell; `None` if it is not CP932.
fn decode(cell: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    encoding_rs::SHIFT_JIS.decode_without_bom_handling_and_without_replacement(cell)
}

/// The day of a month as a date in the month's own form; `None` if the month cannot be read or has no such day.
fn date_text(month: &str, day: usize) -> Option<String> {
    if !matches!(month.len(), 5 | 6) || !month.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let text = format!("{month}{day:02}");
    crate::text::date::parse(&text)?.days().map(|_| text)
}

impl Batches for UkeReader {
    fn next(&mut self, rows: usize) -> Result<Option<Batch>> {
        let mut builders: Vec<ColumnBuilder> =
            self.takes.iter().map(|_| ColumnBuilder::default()).collect();
        let mut numbers = Vec::new();
        let mut block = Block::default();
        let takes = self.takes.clone();
        let mut more = true;
        while numbers.len() < rows {
            more = self.block(&mut block)?;
            if !more {
                break;
            }
            if block.lines[0].kind == self.form.header {
                std::mem::swap(&mut self.header, &mut block);
                if self.kind == self.form.header {
                    let header = std::mem::take(&mut self.header);
                    self.rows(&header, &takes, &mut builders, &mut numbers)?;
                    self.header = header;
                }
                continue;
            }
            self.rows(&block, &takes, &mut builders, &mut numbers)?;
        }
        if !more {
            let hasher = std::mem::take(&mut self.hasher);
            if self.facts.sha3_256 == [0; 32] {
                self.facts.sha3_256 = hasher.finalize().into();
                if let Some(path) = &self.packed {
                    (self.facts.sha3_256, _, self.facts.bytes) =
                        packed::digests(path, Wanted::Sha3).map_err(|e| {
                            Error::io("X0505", say!("reading a file of table `{}`", self.table), &e)
                        })?;
                }
            }
            if numbers.is_empty() {
                return Ok(None);
            }
        }
        let columns = builders.into_iter().map(ColumnBuilder::finish).collect();
        Ok(Some(Batch {
            table: Table { rows: numbers.len(), columns },
            row_numbers: numbers,
            lines: Vec::new(),
        }))
    }

    fn facts(&self) -> FileFacts {
        self.facts.clone()
    }
}

impl UkeReader {
    /// Appends the rows of this reader's type in a block.
    fn rows(
        &mut self,
        block: &Block,
        takes: &[Take],
        builders: &mut [ColumnBuilder],
        numbers: &mut Vec<u64>,
    ) -> Result<()> {
        if !block.lines.iter().any(|l| l.kind == self.kind) {
            return Ok(());
        }
        let contexts = contexts(self.form, &self.header, block, takes);
        let month = month(self.form, block);
        for (sequence, line) in block.lines.iter().enumerate() {
            if line.kind != self.kind {
                continue;
            }
            let cells = fields(&block.bytes[line.start..line.end]);
            if cells.len() > self.record.width() {
                self.facts.rows_read += 1;
                if self.set_aside.contains(&Defect::Ragged) {
                    *self.facts.set_aside.entry(Defect::Ragged).or_default() += 1;
                    continue;
                }
                return Err(self
                    .error(
                        line.number,
                        "D0101",
                        say!(
                            "{} fields; {} has at most {} for {}",
                            cells.len(),
                            pack::version(),
                            self.record.width(),
                            self.kind
                        ),
                    )
                    .advice(say!(
                        "correct the row, or set such rows aside with set_aside = [\"ragged\"]"
                    )));
            }
            let first_day = 1 + self.record.columns.len();
            let mut days: Vec<Option<(usize, &[u8])>> = cells
                .get(first_day..)
                .unwrap_or_default()
                .iter()
                .enumerate()
                .filter(|(_, c)| !c.is_empty())
                .map(|(d, c)| Some((d + 1, *c)))
                .collect();
            if days.is_empty() {
                days.push(None);
            }
            let sequence = (sequence + 1).to_string();
            let before = numbers.len();
            let mut bad: Option<(&'static str, Said)> = None;
            for day in days {
                for ((take, builder), missing) in
                    takes.iter().zip(builders.iter_mut()).zip(&self.missing)
                {
                    let bytes: &[u8] = match take {
                        Take::Field(at) => cells.get(*at).copied().unwrap_or_default(),
                        Take::Context(kind, at) => contexts
                            .iter()
                            .find(|(k, _)| k == kind)
                            .and_then(|(_, f)| f.get(*at).copied())
                            .unwrap_or_default(),
                        Take::Sequence => sequence.as_bytes(),
                        Take::Times => day.map_or(&[][..], |(_, times)| times),
                        Take::Day | Take::MonthStart => &[],
                    };
                    let day_of = match take {
                        Take::Day => day.map(|(day, _)| day),
                        Take::MonthStart => Some(1),
                        _ => None,
                    };
                    let text = match day_of {
                        Some(day) => match date_text(month, day) {
                            Some(text) => text.into(),
                            None => {
                                bad = Some((
                                    "D0318",
                                    say!(
                                        "the month of the receipt has no such day, or is not YYYYMM or GYYMM"
                                    ),
                                ));
                                "".into()
                            }
                        },
                        _ => decode(bytes).unwrap_or_else(|| {
                            bad = Some(("D0103", say!("bytes that are not text in CP932")));
                            "".into()
                        }),
                    };
                    let text = if self.trim { text.trim() } else { &*text };
                    let empty = text.is_empty() || missing.iter().any(|m| m == text);
                    builder.push(if empty { None } else { Some(text) });
                }
                numbers.push(line.number);
            }
            self.facts.rows_read += (numbers.len() - before) as u64;
            if let Some((code, what)) = bad {
                let defect = if code == "D0103" { Defect::Bytes } else { Defect::Type };
                if !self.set_aside.contains(&defect) {
                    return Err(self.error(line.number, code, what).advice(say!(
                        "correct the line, or set such lines aside with set_aside = [\"{}\"]",
                        defect
                    )));
                }
                *self.facts.set_aside.entry(defect).or_default() += (numbers.len() - before) as u64;
                numbers.truncate(before);
                builders.iter_mut().for_each(|b| b.truncate(before));
            }
        }
        Ok(())
    }
}

/// The fields of the lines that stand before a receipt's own, by record type.
fn contexts<'b>(
    form: &Form,
    header: &'b Block,
    block: &'b Block,
    takes: &[Take],
) -> Vec<(&'static str, Vec<&'b [u8]>)> {
    let mut contexts: Vec<(&'static str, Vec<&[u8]>)> = Vec::new();
    for take in takes {
        if let Take::Context(kind, _) = take
            && !contexts.iter().any(|(k, _)| k == kind)
        {
            let line = if *kind == form.header { header.first(kind) } else { block.first(kind) };
            contexts.push((kind, line.map(fields).unwrap_or_default()));
        }
    }
    contexts
}

/// The month of a receipt, as it is written.
fn month<'b>(form: &Form, block: &'b Block) -> &'b str {
    let at = |name: &str| form.records.get("RE").and_then(|r| r.position(name));
    let at = MONTHS.into_iter().find_map(at).unwrap_or(0);
    block
        .first("RE")
        .and_then(|line| fields(line).get(at).copied())
        .and_then(|cell| std::str::from_utf8(cell).ok())
        .unwrap_or_default()
}
