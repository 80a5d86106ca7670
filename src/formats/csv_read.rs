//! Delimited text: records are split on bytes, cells become codes, and each distinct cell is decoded once.
//!
//! Splitting before decoding is right for UTF-8 and for CP932, in which no second byte is a comma, a TAB, a quote or a
//! line end; lines of ISO-2022-JP are made UTF-8 first. The splitter is ours because common ones guess: they take a lone quote, swallow the rest of a file after an
//! unclosed one, and let NUL pass.

use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use rayon::prelude::*;

use super::cells::{Cell, Distinct, Scan, undouble};
use super::encode::Lines;
use super::{Batch, Batches, ColumnSpec, FileFacts, Hashing, ReadSpec, Wanted, header};
use crate::error::{Error, Name, Result};
use crate::frame::{Column, Interner, MISSING, Table};
use crate::say;
use crate::schema::file::{Defect, Encoding};

const CHUNK: usize = 4 << 20;
/// Read at once where only the header is wanted.
const HEADER: usize = 1 << 14;
/// No field of a hospital table is longer; a missing closing quote is found before memory is full.
const LONGEST_RECORD: usize = 64 << 20;
/// A batch ends when its rows are longer together, so that memory does not grow with the length of rows.
const LONGEST_BATCH: usize = 256 << 20;
/// Chunks that wait to be hashed: enough that hashing goes on while a batch is encoded.
const WAITING: usize = 16;
/// Rows of which all columns are encoded before the next rows: their bytes stay in the cache of the processor.
const ROWS_AT_ONCE: usize = 1024;

/// One cell in the buffer: where it is, and whether it has doubled quotes.
#[derive(Clone, Copy)]
struct Field {
    start: usize,
    end: usize,
    doubled: bool,
    quoted: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Broken {
    Quote,
    LineBreak,
    Return,
}

enum Parsed {
    Record(usize),
    Incomplete,
    Bad(Broken),
}

/// Splits the first record of `bytes`; `end` says that nothing follows them.
fn split(
    bytes: &[u8],
    delimiter: u8,
    multiline: bool,
    end: bool,
    fields: &mut Vec<Field>,
) -> Parsed {
    let mut at = 0;
    loop {
        // At the start of a field.
        if bytes.get(at) == Some(&b'"') {
            let start = at + 1;
            let mut doubled = false;
            let mut close = start;
            loop {
                let Some(quote) = memchr::memchr(b'"', &bytes[close..]) else {
                    return if end { Parsed::Bad(Broken::Quote) } else { Parsed::Incomplete };
                };
                close += quote;
                match bytes.get(close + 1) {
                    Some(b'"') => {
                        doubled = true;
                        close += 2;
                    }
                    None if !end => return Parsed::Incomplete,
                    _ => break,
                }
            }
            if !multiline && memchr::memchr2(b'\n', b'\r', &bytes[start..close]).is_some() {
                return Parsed::Bad(Broken::LineBreak);
            }
            fields.push(Field { start, end: close, doubled, quoted: true });
            at = close + 1;
        } else {
            let start = at;
            let stop = loop {
                match memchr::memchr3(delimiter, b'\n', b'"', &bytes[at..]) {
                    None if end => break bytes.len(),
                    None => return Parsed::Incomplete,
                    Some(found) if bytes[at + found] == b'"' => {
                        // A quote inside an unquoted cell is a quote.
                        at += found + 1;
                    }
                    Some(found) => break at + found,
                }
            };
            let mut cut = stop;
            if bytes.get(stop) != Some(&delimiter) && cut > start && bytes[cut - 1] == b'\r' {
                cut -= 1;
            }
            if memchr::memchr(b'\r', &bytes[start..cut]).is_some() {
                return Parsed::Bad(Broken::Return);
            }
            fields.push(Field { start, end: cut, doubled: false, quoted: false });
            at = stop;
        }
        match bytes.get(at) {
            Some(&b) if b == delimiter => at += 1,
            Some(b'\n') => return Parsed::Record(at + 1),
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => return Parsed::Record(at + 2),
            Some(b'\r') if at + 1 == bytes.len() && !end => return Parsed::Incomplete,
            None if end => return Parsed::Record(bytes.len()),
            None => return Parsed::Incomplete,
            // Something between a closing quote and the separator.
            Some(_) => return Parsed::Bad(Broken::Quote),
        }
    }
}

/// Reads a file in batches.
pub(super) struct Reader {
    table: Name,
    delimiter: u8,
    encoding: Encoding,
    multiline: bool,
    trim: bool,
    columns: Vec<ColumnSpec>,
    set_aside: Vec<Defect>,
    /// For each policy column its position in the file.
    positions: Vec<usize>,
    width: usize,
    file: File,
    /// Its length when it was opened.
    length: u64,
    /// Bytes read at once, at most.
    chunk: usize,
    buffer: Vec<u8>,
    start: usize,
    end_of_file: bool,
    facts: FileFacts,
    /// Takes chunks until the end of the file.
    to_hash: Option<SyncSender<Vec<u8>>>,
    hasher: Option<JoinHandle<([u8; 32], Option<[u8; 32]>)>>,
    /// Hashed chunks come back to be filled again.
    spare: Receiver<Vec<u8>>,
    /// The cells of a batch; kept for the next one.
    cells: Vec<Cell>,
    /// Bytes that cannot be split before they are decoded; the buffer is UTF-8 then.
    lines: Option<Lines>,
}

impl Reader {
    pub(super) fn open(path: &Path, spec: &ReadSpec<'_>, wanted: Wanted) -> Result<Self> {
        let file = File::open(path).map_err(|e| {
            Error::io("X0504", say!("opening a file of table `{}`", spec.table), &e)
        })?;
        if spec.encoding == Encoding::Cp932 && spec.delimiter >= 0x40 {
            return Err(Error::policy(
                "P0304",
                say!(
                    "table `{}`: in CP932 this delimiter can be half of a character; use a comma or a TAB",
                    spec.table
                ),
            ));
        }
        let (sender, receiver) = sync_channel::<Vec<u8>>(WAITING);
        let (give_back, spare) = channel();
        // Hashing takes longer than splitting: it runs beside.
        let hash = move || {
            let mut hashing = Hashing::new(wanted);
            while let Ok(chunk) = receiver.recv() {
                hashing.update(&chunk);
                let _ = give_back.send(chunk);
            }
            hashing.finish()
        };
        let hasher = (wanted != Wanted::Header).then(|| std::thread::spawn(hash));
        let mut reader = Reader {
            table: spec.table.clone(),
            delimiter: spec.delimiter,
            encoding: match spec.encoding {
                Encoding::Iso2022Jp => Encoding::Utf8,
                other => other,
            },
            multiline: spec.multiline,
            trim: spec.trim,
            columns: spec.columns.to_vec(),
            set_aside: spec.set_aside.to_vec(),
            positions: (0..spec.columns.len()).collect(),
            width: spec.columns.len(),
            length: file.metadata().map_or(u64::MAX, |m| m.len()),
            file,
            buffer: Vec::new(),
            start: 0,
            end_of_file: false,
            facts: FileFacts::default(),
            to_hash: hasher.is_some().then_some(sender),
            hasher,
            chunk: if wanted == Wanted::Header { HEADER } else { CHUNK },
            spare,
            cells: Vec::new(),
            lines: (spec.encoding == Encoding::Iso2022Jp).then(Lines::default),
        };
        reader.fill()?;
        let utf8 = matches!(spec.encoding, Encoding::Utf8 | Encoding::Utf8Bom);
        if utf8 && reader.buffer.starts_with(b"\xef\xbb\xbf") {
            reader.start = 3;
            reader.facts.bom = true;
        }
        if spec.header {
            let names = reader.header(spec)?;
            reader.width = names.len();
            reader.positions = header::positions(spec, &names)?;
        } else {
            let mut fields = Vec::new();
            if let Parsed::Record(_) = reader.first(&mut fields)?
                && fields.len() != reader.width
                && !reader.set_aside.contains(&Defect::Ragged)
            {
                return Err(header::width(spec, fields.len()));
            }
        }
        Ok(reader)
    }

    /// The first record, not taken from the buffer.
    fn first(&mut self, fields: &mut Vec<Field>) -> Result<Parsed> {
        loop {
            fields.clear();
            match split(&self.buffer[self.start..], self.delimiter, false, self.end_of_file, fields)
            {
                Parsed::Incomplete => self.fill()?,
                other => return Ok(other),
            }
        }
    }

    fn header(&mut self, spec: &ReadSpec<'_>) -> Result<Vec<String>> {
        if self.buffer.len() == self.start {
            return Err(header::empty(spec));
        }
        let mut fields = Vec::new();
        let Parsed::Record(length) = self.first(&mut fields)? else {
            return Err(Error::data(
                "D0016",
                say!("table `{}`: the header line cannot be split into columns", self.table),
            ));
        };
        let line = &self.buffer[self.start..];
        let names = fields
            .iter()
            .map(|f| {
                decode(&unquote(line, *f), self.encoding).map(|t| t.trim().to_owned()).ok_or_else(|| {
                    Error::data("D0017", say!("table `{}`: the header is not text in the encoding that the policy names", self.table))
                        .advice(say!("set `encoding = \"cp932\"`, `\"iso-2022-jp\"` or `\"utf-8\"` in `source`"))
                })
            })
            .collect::<Result<_>>()?;
        self.start += length;
        Ok(names)
    }

    fn fill(&mut self) -> Result<()> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let mut chunk = self.spare.try_recv().unwrap_or_default();
        // Most files of a hospital are smaller than a chunk; one byte more shows the end.
        let left = self.length.saturating_sub(self.facts.bytes).saturating_add(1);
        chunk.resize(usize::try_from(left).unwrap_or(CHUNK).clamp(1 << 12, self.chunk), 0);
        let mut filled = 0;
        while filled < chunk.len() {
            match self.file.read(&mut chunk[filled..]) {
                Ok(0) => {
                    self.end_of_file = true;
                    break;
                }
                Ok(read) => filled += read,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => {
                    return Err(Error::io(
                        "X0505",
                        say!("reading a file of table `{}`", self.table),
                        &e,
                    ));
                }
            }
        }
        chunk.truncate(filled);
        self.facts.bytes += filled as u64;
        match &mut self.lines {
            None => self.buffer.extend_from_slice(&chunk),
            Some(lines) => {
                // A line without an end is given as it is, and refused for its length.
                let all = self.end_of_file || lines.waiting() > LONGEST_RECORD;
                lines.decode(&chunk, all, &mut self.buffer);
            }
        }
        if self.end_of_file && self.buffer.last() == Some(&0x1a) {
            // The end mark of DOS.
            self.buffer.pop();
        }
        if let Some(sender) = &self.to_hash {
            let _ = sender.send(chunk);
        }
        if self.end_of_file {
            self.to_hash = None;
        }
        Ok(())
    }

    /// Waits for the digests. At the end of the rows only: the last of them are encoded meanwhile.
    fn hashed(&mut self) -> Result<()> {
        if let Some(thread) = self.hasher.take() {
            self.to_hash = None;
            (self.facts.sha3_256, self.facts.sha256) = thread.join().map_err(|_| {
                Error::environment(
                    "X0506",
                    say!("hashing the input of table `{}` failed", self.table),
                )
            })?;
        }
        Ok(())
    }

    /// The columns of a batch, and of each the rows that cannot be decoded.
    fn encode(&self, bytes: &[u8], cells: &[Cell], rows: usize) -> Vec<(Column, Vec<u32>)> {
        let wanted: Vec<(usize, &ColumnSpec)> =
            self.positions.iter().copied().zip(&self.columns).collect();
        let (width, encoding, trim) = (self.width, self.encoding, self.trim);
        // Columns next to each other share the bytes that they look at; several groups a thread even out their work.
        let together = wanted.len().div_ceil(4 * rayon::current_num_threads()).max(1);
        wanted
            .par_chunks(together)
            .flat_map(|group| {
                let mut found: Vec<Distinct<'_>> =
                    group.iter().map(|_| Distinct::new(bytes, rows)).collect();
                for block in cells.chunks(width * ROWS_AT_ONCE) {
                    for (distinct, (position, _)) in found.iter_mut().zip(group) {
                        for row in block.chunks_exact(width) {
                            distinct.push(row[*position]);
                        }
                    }
                }
                let columns = found
                    .into_iter()
                    .zip(group)
                    .map(|(distinct, (_, column))| encode(distinct, column, encoding, trim));
                columns.collect::<Vec<_>>()
            })
            .collect()
    }

    fn error(&self, row: u64, code: &'static str, what: crate::error::Said) -> Error {
        Error::data(code, say!("table `{}`, row {}: {}", self.table, row, what))
    }
}

impl Batches for Reader {
    fn next(&mut self, rows: usize) -> Result<Option<Batch>> {
        let mut fields: Vec<Field> = Vec::new();
        let mut cells = std::mem::take(&mut self.cells);
        cells.clear();
        let mut numbers: Vec<u64> = Vec::new();
        let mut at = self.start;
        let plain = !matches!(self.delimiter, b'"' | b'\r' | b'\n');
        let mut scan = Scan::new(self.delimiter);
        scan.set(&self.buffer, at);
        while numbers.len() < rows && at - self.start < LONGEST_BATCH {
            if at == self.buffer.len() && self.end_of_file {
                break;
            }
            let before = cells.len();
            let mut quoted = false;
            let fast =
                if plain { scan.plain(&self.buffer, at, self.start, &mut cells) } else { None };
            let parsed = match fast {
                Some(length) => Parsed::Record(length),
                None if at == self.buffer.len() => Parsed::Incomplete,
                None => {
                    fields.clear();
                    let parsed = split(
                        &self.buffer[at..],
                        self.delimiter,
                        self.multiline,
                        self.end_of_file,
                        &mut fields,
                    );
                    if let Parsed::Record(length) = parsed {
                        // Places count from the start of the batch's bytes, which only moves as a whole.
                        let offset = at - self.start;
                        cells.extend(
                            fields
                                .iter()
                                .map(|f| Cell::new(f.start + offset, f.end + offset, f.doubled)),
                        );
                        quoted = fields.iter().any(|f| f.quoted);
                        scan.set(&self.buffer, at + length);
                    }
                    parsed
                }
            };
            match parsed {
                Parsed::Incomplete => {
                    if self.buffer.len() - at > LONGEST_RECORD {
                        return Err(self.error(
                            self.facts.rows_read + 1,
                            "D0106",
                            say!("the row does not end: is a closing quote missing?"),
                        ));
                    }
                    // Rows of this batch stay in the buffer: positions move by what was dropped before them.
                    let dropped = self.start;
                    self.fill()?;
                    at -= dropped;
                    scan.set(&self.buffer, at);
                }
                Parsed::Record(length) => {
                    let found = cells.len() - before;
                    let blank = found == 1 && cells[before].is_empty() && !quoted;
                    if blank
                        && self.width > 1
                        && at + length == self.buffer.len()
                        && self.end_of_file
                    {
                        cells.truncate(before);
                        at += length;
                        continue;
                    }
                    self.facts.rows_read += 1;
                    if found != self.width {
                        cells.truncate(before);
                        if !self.set_aside.contains(&Defect::Ragged) {
                            return Err(self
                                .error(self.facts.rows_read, "D0101", say!("{} fields instead of {}", found, self.width))
                                .advice(say!("correct the row, or set such rows aside with set_aside = [\"ragged\"]")));
                        }
                        *self.facts.set_aside.entry(Defect::Ragged).or_default() += 1;
                    } else {
                        numbers.push(self.facts.rows_read);
                    }
                    at += length;
                }
                Parsed::Bad(broken) => {
                    let what = match broken {
                        Broken::Quote => say!(
                            "a quoted cell is not closed, or something stands behind its closing quote"
                        ),
                        Broken::LineBreak => say!(
                            "a quoted cell contains a line break (allow it with `multiline = true`)"
                        ),
                        Broken::Return => say!("a carriage return stands inside a cell"),
                    };
                    return Err(self.error(self.facts.rows_read + 1, "D0102", what));
                }
            }
        }
        if numbers.is_empty() && at == self.start {
            self.hashed()?;
            return Ok(None);
        }
        let count = numbers.len();
        let decoded = self.encode(&self.buffer[self.start..at], &cells, count);
        self.cells = cells;
        let mut bad = vec![false; count];
        for ((_, rows), column) in decoded.iter().zip(&self.columns) {
            for &row in rows {
                if !self.set_aside.contains(&Defect::Bytes) {
                    return Err(self
                        .error(
                            numbers[row as usize],
                            "D0103",
                            say!("column `{}`: bytes that are not text in the encoding of the file, or a NUL", column.name),
                        )
                        .advice(say!("check `encoding`, correct the row, or set such rows aside with set_aside = [\"bytes\"]")));
                }
                bad[row as usize] = true;
            }
        }
        let mut table =
            Table { rows: count, columns: decoded.into_iter().map(|(column, _)| column).collect() };
        if bad.contains(&true) {
            let good: Vec<u32> = (0..count as u32).filter(|&r| !bad[r as usize]).collect();
            *self.facts.set_aside.entry(Defect::Bytes).or_default() += (count - good.len()) as u64;
            table = Table {
                rows: good.len(),
                columns: table.columns.iter().map(|c| c.take(&good)).collect(),
            };
            numbers = good.iter().map(|&r| numbers[r as usize]).collect();
        }
        self.start = at;
        Ok(Some(Batch { table, row_numbers: numbers }))
    }

    fn facts(&self) -> FileFacts {
        self.facts.clone()
    }
}

/// A cell's bytes with doubled quotes made single.
fn unquote(bytes: &[u8], field: Field) -> Cow<'_, [u8]> {
    let cell = &bytes[field.start..field.end];
    if field.doubled { undouble(cell).into() } else { cell.into() }
}

fn decode(bytes: &[u8], encoding: Encoding) -> Option<Cow<'_, str>> {
    match encoding {
        // ISO-2022-JP was decoded line by line.
        Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Iso2022Jp => {
            std::str::from_utf8(bytes).ok().map(Cow::Borrowed)
        }
        Encoding::Cp932 => {
            encoding_rs::SHIFT_JIS.decode_without_bom_handling_and_without_replacement(bytes)
        }
    }
}

/// The cells of one column: distinct bytes were numbered and are decoded once. Gives the rows that cannot be decoded too.
fn encode(
    cells: Distinct<'_>,
    column: &ColumnSpec,
    encoding: Encoding,
    trim: bool,
) -> (Column, Vec<u32>) {
    let (distinct, mut codes) = cells.finish();
    let mut interner = Interner::new();
    const BAD: u32 = MISSING - 1;
    let map: Vec<u32> = distinct
        .iter()
        .map(|cell| {
            if cell.contains(&0) {
                return BAD;
            }
            let Some(text) = decode(cell, encoding) else { return BAD };
            let text = if trim { text.trim() } else { &text };
            if text.is_empty() || column.missing.iter().any(|m| m == text) {
                MISSING
            } else {
                interner.intern(text)
            }
        })
        .collect();
    let mut bad = Vec::new();
    for (row, code) in codes.iter_mut().enumerate() {
        *code = map[*code as usize];
        if *code == BAD {
            bad.push(row as u32);
            *code = MISSING;
        }
    }
    (Column::new(codes, Arc::new(interner.finish())), bad)
}

pub(super) fn header_names(path: &Path, encoding: Encoding, delimiter: u8) -> Result<Vec<String>> {
    let name = Name::fixed("input");
    let spec = ReadSpec {
        encoding,
        delimiter,
        header: false,
        trim: true,
        set_aside: &[Defect::Ragged],
        ..ReadSpec::new(&name, crate::schema::file::InputFormat::Csv, &[])
    };
    let mut reader = Reader::open(path, &spec, Wanted::Header)?;
    reader.header(&spec)
}

pub(super) fn scan_bytes(path: &Path, f: &mut dyn FnMut(&[u8])) -> Result<()> {
    let fail = |e: &std::io::Error| Error::io("X0507", say!("reading a staged file"), e);
    let mut file = File::open(path).map_err(|e| fail(&e))?;
    // Pieces overlap, so that nothing is cut in two at a border.
    const OVERLAP: usize = 1024;
    let mut buffer = vec![0; CHUNK];
    let mut kept = 0;
    loop {
        let read = match file.read(&mut buffer[kept..]) {
            Ok(read) => read,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(fail(&e)),
        };
        if read == 0 {
            return Ok(());
        }
        let filled = kept + read;
        f(&buffer[..filled]);
        kept = filled.min(OVERLAP);
        buffer.copy_within(filled - kept..filled, 0);
    }
}
