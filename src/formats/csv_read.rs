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
use super::encode::{Decoder, foreign};
use super::format::{Format, Look};
use super::{Batch, Batches, ColumnSpec, FileFacts, Hashing, ReadSpec, Wanted, header, packed};
use crate::error::{Error, Name, Result};
use crate::frame::{Column, Interner, MISSING, Table};
use crate::say;
use crate::schema::file::{Defect, Encoding, LineEnds, Quotes};

const CHUNK: usize = 4 << 20;
/// Read at once where only the header is wanted.
const HEADER: usize = 1 << 14;
/// No field of a hospital table is longer; a missing closing quote is found before memory is full.
const LONGEST_RECORD: usize = 64 << 20;
/// No header of a table is longer: a million names of sixteen letters.
const LONGEST_HEADER: usize = 16 << 20;
/// A batch ends when its rows are longer together, so that memory does not grow with the length of rows.
const LONGEST_BATCH: usize = 256 << 20;
/// Chunks that wait to be hashed: enough that hashing goes on while a batch is encoded.
const WAITING: usize = 16;
/// Lines that are looked at for the names of the columns, where the first has none of them.
const TITLES: usize = 40;
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

/// What delimits text, and what may stand in it.
#[derive(Clone, Copy)]
struct Marks {
    delimiter: u8,
    /// Quoted cells may have line breaks.
    multiline: bool,
    /// Blanks before an opening and behind a closing quote are none of the cell's.
    padded: bool,
}

impl Marks {
    fn blanks(self, bytes: &[u8]) -> usize {
        if self.padded { bytes.iter().take_while(|&&b| b == b' ').count() } else { 0 }
    }
}

/// Splits the first record of `bytes`; `end` says that nothing follows them.
fn split(bytes: &[u8], marks: Marks, end: bool, fields: &mut Vec<Field>) -> Parsed {
    let Marks { delimiter, multiline, .. } = marks;
    let mut at = 0;
    loop {
        // At the start of a field.
        let blanks = marks.blanks(&bytes[at..]);
        if at + blanks == bytes.len() && blanks > 0 && !end {
            return Parsed::Incomplete;
        }
        if bytes.get(at + blanks) == Some(&b'"') {
            at += blanks;
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
            at += marks.blanks(&bytes[at..]);
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

/// How the beginning of a text ends its lines and quotes its cells, as far as it shows.
pub(super) fn habits(bytes: &[u8], delimiter: u8) -> (LineEnds, Quotes) {
    let marks = Marks { delimiter, multiline: true, padded: false };
    let (mut at, mut lines, mut returns) = (0, 0_u32, 0_u32);
    // Cells that are quoted and that are not: numbers, other texts; and cells that had to be.
    let (mut quoted, mut bare, mut free) = ([0_u32; 2], [0_u32; 2], 0_u32);
    let mut fields = Vec::new();
    while at < bytes.len() && lines < 500 {
        fields.clear();
        let Parsed::Record(length) = split(&bytes[at..], marks, false, &mut fields) else { break };
        let line = &bytes[at..at + length];
        lines += 1;
        returns += u32::from(line.ends_with(b"\r\n"));
        for field in &fields {
            let cell = &line[field.start..field.end];
            let number = std::str::from_utf8(cell)
                .is_ok_and(|text| crate::text::number::Decimal::parse(text.trim()).is_some());
            let needed = cell.iter().any(|b| *b == delimiter || b"\"\r\n".contains(b))
                || cell.first() == Some(&b' ')
                || cell.last() == Some(&b' ');
            match (field.quoted, cell.is_empty()) {
                // What had to be quoted says nothing.
                (true, _) if needed => {}
                (true, _) => {
                    quoted[usize::from(!number)] += 1;
                    free += 1;
                }
                (false, true) => {}
                (false, false) => bare[usize::from(!number)] += 1,
            }
        }
        at += length;
    }
    let quotes = match (quoted, bare) {
        _ if free == 0 => Quotes::Needed,
        (_, [0, 0]) => Quotes::All,
        ([0, _], [_, 0]) => Quotes::Text,
        _ => Quotes::Needed,
    };
    (if returns * 2 > lines { LineEnds::Crlf } else { LineEnds::Lf }, quotes)
}

/// Digests, and the bytes of a file that is packed.
type Digests = ([u8; 32], Option<[u8; 32]>, u64);

/// Delimited text.
pub(crate) struct Csv;

impl Format for Csv {
    fn open(
        &self,
        path: &Path,
        spec: &ReadSpec<'_>,
        wanted: Wanted,
    ) -> Result<Box<dyn Batches + Send>> {
        Ok(Box::new(Reader::open(path, spec, wanted)?))
    }
    fn names(&self, path: &Path, look: &Look<'_>) -> Result<(Vec<String>, u32)> {
        header_names(path, look.encoding, look.delimiter).map(|names| (names, 0))
    }
}

/// Reads a file in batches.
pub(super) struct Reader {
    table: Name,
    marks: Marks,
    encoding: Encoding,
    trim: bool,
    columns: Vec<ColumnSpec>,
    set_aside: Vec<Defect>,
    /// For each policy column its position in the file.
    positions: Vec<usize>,
    width: usize,
    /// Its text, unpacked.
    text: Box<dyn Read + Send>,
    packed: bool,
    /// Its length when it was opened, if it is not packed.
    length: u64,
    /// Bytes of text read.
    read: u64,
    /// The line of the file that is read next.
    line: u64,
    /// The header as it stands, to know it where it stands again.
    names: Vec<u8>,
    /// Nothing but ASCII was read so far: whether the encoding is the right one is not known.
    ascii: bool,
    /// Bytes read at once, at most.
    chunk: usize,
    buffer: Vec<u8>,
    start: usize,
    end_of_file: bool,
    facts: FileFacts,
    /// Takes chunks until the end of the file.
    to_hash: Option<SyncSender<Vec<u8>>>,
    hasher: Option<JoinHandle<Option<Digests>>>,
    /// Hashed chunks come back to be filled again.
    spare: Receiver<Vec<u8>>,
    /// The cells of a batch; kept for the next one.
    cells: Vec<Cell>,
    /// Bytes that cannot be split before they are decoded; the buffer is UTF-8 then.
    decoder: Option<Decoder>,
}

impl Reader {
    pub(super) fn open(path: &Path, spec: &ReadSpec<'_>, wanted: Wanted) -> Result<Self> {
        let packed = packed::is_packed(path);
        let text = packed::open(path, spec.table)?;
        let length = if packed { None } else { std::fs::metadata(path).ok().map(|m| m.len()) };
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
        // Hashing takes longer than splitting: it runs beside. Of a packed file its own bytes are hashed.
        let itself = packed.then(|| path.to_owned());
        let hash = move || {
            if let Some(path) = itself {
                return packed::digests(&path, wanted).ok();
            }
            let mut hashing = Hashing::new(wanted);
            while let Ok(chunk) = receiver.recv() {
                hashing.update(&chunk);
                let _ = give_back.send(chunk);
            }
            let (sha3, sha2) = hashing.finish();
            Some((sha3, sha2, 0))
        };
        let hashed = matches!(wanted, Wanted::Sha3 | Wanted::Both);
        let hasher = hashed.then(|| std::thread::spawn(hash));
        let mut reader = Reader {
            table: spec.table.clone(),
            marks: Marks {
                delimiter: spec.delimiter,
                multiline: spec.multiline,
                padded: spec.quotes_after_blanks,
            },
            encoding: match spec.encoding {
                Encoding::Iso2022Jp | Encoding::Utf16 => Encoding::Utf8,
                other => other,
            },
            trim: spec.trim,
            columns: spec.columns.to_vec(),
            set_aside: spec.set_aside.to_vec(),
            positions: (0..spec.columns.len()).collect(),
            width: spec.columns.len(),
            text,
            packed,
            length: length.unwrap_or(u64::MAX),
            read: 0,
            line: 1,
            names: Vec::new(),
            ascii: true,
            buffer: Vec::new(),
            start: 0,
            end_of_file: false,
            facts: FileFacts::default(),
            to_hash: (hasher.is_some() && !packed).then_some(sender),
            hasher,
            chunk: if wanted == Wanted::Header { HEADER } else { CHUNK },
            spare,
            cells: Vec::new(),
            decoder: Decoder::of(spec.encoding),
        };
        reader.fill()?;
        if let Some(error) = foreign(spec, reader.decoder.as_ref(), &reader.buffer) {
            return Err(error);
        }
        let utf8 = matches!(spec.encoding, Encoding::Utf8 | Encoding::Utf8Bom);
        if utf8 && reader.buffer.starts_with(b"\xef\xbb\xbf") {
            reader.start = 3;
            reader.facts.bom = true;
        }
        reader.facts.bom |= reader.decoder.as_ref().is_some_and(Decoder::marked);
        for _ in 0..spec.skip_lines {
            reader.skip_line()?;
        }
        if spec.header {
            let hint = reader.hint(spec);
            let names = reader.header(spec).map_err(|e| hint.clone().unwrap_or(e))?;
            reader.width = names.len();
            reader.positions = header::positions(spec, &names).map_err(|e| hint.unwrap_or(e))?;
        } else if wanted != Wanted::Both || reader.buffer.len() > reader.start {
            // A file of a release may have no rows at all: everybody's were suppressed.
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
            match split(&self.buffer[self.start..], self.marks, self.end_of_file, fields) {
                Parsed::Incomplete if self.buffer.len() - self.start > LONGEST_HEADER => {
                    return Ok(Parsed::Bad(Broken::Quote));
                }
                Parsed::Incomplete => {
                    // The line is split anew from its beginning: twice as much is read each time.
                    self.chunk = (self.chunk * 2).min(CHUNK);
                    self.fill()?;
                }
                other => return Ok(other),
            }
        }
    }

    /// Leaves out a line above the header.
    fn skip_line(&mut self) -> Result<()> {
        loop {
            if let Some(end) = memchr::memchr(b'\n', &self.buffer[self.start..]) {
                self.start += end + 1;
                self.line += 1;
                return Ok(());
            }
            if self.end_of_file || self.buffer.len() - self.start > LONGEST_RECORD {
                return Ok(());
            }
            self.fill()?;
        }
    }

    /// What is wrong with the beginning of a file whose first line does not name the columns; none if it may do so.
    fn hint(&self, spec: &ReadSpec<'_>) -> Option<Error> {
        let names = |bytes: &[u8], delimiter: u8| -> Option<Vec<String>> {
            let marks = Marks { delimiter, multiline: false, ..self.marks };
            let mut fields = Vec::new();
            let Parsed::Record(_) = split(bytes, marks, true, &mut fields) else { return None };
            let name = |f: &Field| Some(decode(&unquote(bytes, *f), self.encoding)?.into_owned());
            fields.iter().map(name).collect()
        };
        let text = &self.buffer[self.start..];
        if memchr::memchr(b'\n', text).is_none() && memchr::memchr(b'\r', text).is_some() {
            return Some(
                Error::data(
                    "D0023",
                    say!("table `{}`: its lines end in a carriage return alone", self.table),
                )
                .advice(say!("save it with the line ends of Windows or Unix (`tr '\\r' '\\n'` makes the latter)")),
            );
        }
        let own = self.marks.delimiter;
        for (index, line) in text.split_inclusive(|&b| b == b'\n').take(TITLES).enumerate() {
            if names(line, own).is_some_and(|n| header::fits(spec, &n)) {
                let first = self.line;
                return (index > 0).then(|| header::elsewhere(spec, first + index as u64, first));
            }
            for other in [b',', b';', b'\t', b'|'] {
                if other != own && names(line, other).is_some_and(|n| header::fits(spec, &n)) {
                    let told = match other {
                        b'\t' => "\\t",
                        b';' => ";",
                        b'|' => "|",
                        _ => ",",
                    };
                    let and = if index > 0 {
                        say!(" and `skip_lines = {}`", self.line + index as u64 - 1)
                    } else {
                        say!("")
                    };
                    return Some(
                        Error::data(
                            "D0019",
                            say!(
                                "table `{}`: the names of the columns are separated by another character than the policy says",
                                self.table
                            ),
                        )
                        .advice(say!("`delimiter = \"{}\"`{} in `source`", told, and)),
                    );
                }
            }
        }
        None
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
        let mut names: Vec<String> = fields
            .iter()
            .map(|f| {
                decode(&unquote(line, *f), self.encoding).map(Cow::into_owned).ok_or_else(|| {
                    Error::data("D0017", say!("table `{}`: the header is not text in the encoding that the policy names", self.table))
                        .advice(say!("set `encoding = \"cp932\"`, `\"iso-2022-jp\"` or `\"utf-8\"` in `source`"))
                })
            })
            .collect::<Result<_>>()?;
        self.line += line_ends(&line[..length]);
        self.names = bare(&line[..length]).to_vec();
        self.start += length;
        if spec.number_repeats {
            header::numbered(&mut names);
        }
        Ok(names)
    }

    fn fill(&mut self) -> Result<()> {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        let mut chunk = self.spare.try_recv().unwrap_or_default();
        // Most files of a hospital are smaller than a chunk; one byte more shows the end.
        let left = self.length.saturating_sub(self.read).saturating_add(1);
        chunk.resize(usize::try_from(left).unwrap_or(CHUNK).clamp(1 << 12, self.chunk), 0);
        let mut filled = 0;
        while filled < chunk.len() {
            match self.text.read(&mut chunk[filled..]) {
                Ok(0) => {
                    self.end_of_file = true;
                    break;
                }
                Ok(read) => filled += read,
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Err(packed::failed(self.packed, &self.table, &e)),
            }
        }
        chunk.truncate(filled);
        self.read += filled as u64;
        if !self.packed {
            self.facts.bytes = self.read;
        }
        match &mut self.decoder {
            None => self.buffer.extend_from_slice(&chunk),
            Some(decoder) => {
                // A line without an end is given as it is, and refused for its length.
                let all = self.end_of_file || decoder.waiting() > LONGEST_RECORD;
                decoder.decode(&chunk, all, &mut self.buffer);
            }
        }
        if self.encoding == Encoding::Cp932 && self.ascii && !chunk.is_ascii() {
            self.ascii = false;
            if is_utf8(&self.buffer) {
                return Err(Error::data(
                    "D0018",
                    say!("table `{}`: the file is UTF-8, the policy says CP932", self.table),
                )
                .advice(say!(
                    "set `encoding = \"utf-8\"` in `source`; as CP932 it would be other characters"
                )));
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
            let bytes;
            (self.facts.sha3_256, self.facts.sha256, bytes) =
                thread.join().ok().flatten().ok_or_else(|| {
                    Error::environment(
                        "X0506",
                        say!("hashing the input of table `{}` failed", self.table),
                    )
                })?;
            if self.packed {
                self.facts.bytes = bytes;
            }
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

    fn error(&self, row: u64, line: u64, code: &'static str, what: crate::error::Said) -> Error {
        Error::data(
            code,
            say!("table `{}`, line {} of the file, row {}: {}", self.table, line, row, what),
        )
    }
}

impl Reader {
    /// Whether nothing but blanks stands in a cell of the batch.
    fn is_blank(&self, cell: Cell) -> bool {
        let bytes = cell.bytes(&self.buffer[self.start..]);
        bytes.is_empty() || decode(&bytes, self.encoding).is_some_and(|t| t.trim().is_empty())
    }

    fn quote_after_blank(&self, at: usize, length: usize) -> bool {
        let [a, b, c] = [self.marks.delimiter, b' ', b'"'];
        self.buffer[at..at + length].windows(3).any(|w| w == [a, b, c])
    }
}

impl Reader {
    /// A row with another number of fields than the header.
    fn ragged(&self, found: usize, blank: bool, at: usize, length: usize, line: u64) -> Error {
        let (row, width) = (self.facts.rows_read, self.width);
        if blank {
            self.error(
                row,
                line,
                "D0101",
                say!("a blank line ({} field instead of {})", found, width),
            )
            .advice(say!("correct it, or set blank rows aside with set_aside = [\"blank\"]"))
        } else if !self.marks.padded && self.quote_after_blank(at, length) {
            self.error(
                row,
                line,
                "D0101",
                say!("{} fields instead of {}, and a quote behind a blank", found, width),
            )
            .advice(say!(
                "if cells are quoted behind a blank: `quotes_after_blanks = true` in `source`"
            ))
        } else {
            self.error(row, line, "D0101", say!("{} fields instead of {}", found, width)).advice(
                say!("correct the row, or set such rows aside with set_aside = [\"ragged\"]"),
            )
        }
    }
    /// A row longer than any that is read.
    fn endless(&self) -> Error {
        let row = self.facts.rows_read + 1;
        self.error(
            row,
            self.line,
            "D0106",
            say!("the row does not end: is a closing quote missing?"),
        )
    }
    /// A header among the rows.
    fn header_again(&self, line: u64) -> Error {
        let row = self.facts.rows_read + 1;
        header::again(self.error(
            row,
            line,
            "D0104",
            say!("the names of the columns stand here once more"),
        ))
    }
    /// A row that cannot be split into cells.
    fn broken(&self, broken: Broken) -> Error {
        let what = match broken {
            Broken::Quote => {
                say!("a quoted cell is not closed, or something stands behind its closing quote")
            }
            Broken::LineBreak => {
                say!("a quoted cell contains a line break (allow it with `multiline = true`)")
            }
            Broken::Return => say!("a carriage return stands inside a cell"),
        };
        self.error(self.facts.rows_read + 1, self.line, "D0102", what)
    }
    /// The decoded columns as a table: rows with bytes that are not text are refused, or left out where the source sets them aside.
    fn readable(
        &mut self,
        decoded: Vec<(Column, Vec<u32>)>,
        mut numbers: Vec<u64>,
        mut lines: Vec<u64>,
    ) -> Result<(Table, Vec<u64>, Vec<u64>)> {
        let count = numbers.len();
        let mut bad = vec![false; count];
        for ((_, rows), column) in decoded.iter().zip(&self.columns) {
            for &row in rows {
                if !self.set_aside.contains(&Defect::Bytes) {
                    return Err(self
                        .error(
                            numbers[row as usize],
                            lines[row as usize],
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
            for row in (0..count).filter(|&row| bad[row]) {
                self.facts.aside(Defect::Bytes, numbers[row], lines[row]);
            }
            table = Table {
                rows: good.len(),
                columns: table.columns.iter().map(|c| c.take(&good)).collect(),
            };
            numbers = good.iter().map(|&r| numbers[r as usize]).collect();
            lines = good.iter().map(|&r| lines[r as usize]).collect();
        }
        Ok((table, numbers, lines))
    }
}

impl Batches for Reader {
    fn next(&mut self, rows: usize) -> Result<Option<Batch>> {
        let mut fields: Vec<Field> = Vec::new();
        let mut cells = std::mem::take(&mut self.cells);
        cells.clear();
        let mut numbers: Vec<u64> = Vec::new();
        let mut lines: Vec<u64> = Vec::new();
        let mut at = self.start;
        let delimiter = self.marks.delimiter;
        let blank_rows = self.set_aside.contains(&Defect::Blank);
        let plain = !matches!(delimiter, b'"' | b'\r' | b'\n') && !self.marks.padded;
        let mut scan = Scan::new(delimiter);
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
                    let parsed =
                        split(&self.buffer[at..], self.marks, self.end_of_file, &mut fields);
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
                        return Err(self.endless());
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
                    let line = self.line;
                    self.line += if quoted && self.marks.multiline {
                        line_ends(&self.buffer[at..at + length])
                    } else {
                        1
                    };
                    // Two files that were put one behind the other have two headers.
                    let again = length.abs_diff(self.names.len()) <= 2
                        && !self.names.is_empty()
                        && bare(&self.buffer[at..at + length]) == self.names;
                    if again && !blank_rows {
                        return Err(self.header_again(line));
                    }
                    if again || blank_rows && cells[before..].iter().all(|c| self.is_blank(*c)) {
                        cells.truncate(before);
                        self.facts.rows_read += 1;
                        self.facts.aside(Defect::Blank, self.facts.rows_read, line);
                        at += length;
                        continue;
                    }
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
                            return Err(self.ragged(found, blank, at, length, line));
                        }
                        self.facts.aside(Defect::Ragged, self.facts.rows_read, line);
                    } else {
                        numbers.push(self.facts.rows_read);
                        lines.push(line);
                    }
                    at += length;
                }
                Parsed::Bad(broken) => {
                    return Err(self.broken(broken));
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
        let (table, numbers, lines) = self.readable(decoded, numbers, lines)?;
        self.start = at;
        Ok(Some(Batch { table, row_numbers: numbers, lines }))
    }

    fn facts(&self) -> FileFacts {
        self.facts.clone()
    }
}

/// A line without its end.
fn bare(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Line ends in a record, at least one (the last line may have none).
fn line_ends(record: &[u8]) -> u64 {
    (memchr::memchr_iter(b'\n', record).count() as u64).max(1)
}

/// Whether bytes are UTF-8 with Japanese text in it. The last character may be cut off.
fn is_utf8(bytes: &[u8]) -> bool {
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(e) if e.error_len().is_none() => {
            std::str::from_utf8(&bytes[..e.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    let japanese = |c: char| matches!(c, '\u{2000}'..='\u{30ff}' | '\u{3200}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}');
    text.chars().filter(|&c| japanese(c)).take(2).count() == 2
}

/// A cell's bytes with doubled quotes made single.
fn unquote(bytes: &[u8], field: Field) -> Cow<'_, [u8]> {
    let cell = &bytes[field.start..field.end];
    if field.doubled { undouble(cell).into() } else { cell.into() }
}

fn decode(bytes: &[u8], encoding: Encoding) -> Option<Cow<'_, str>> {
    match encoding {
        // UTF-16 and ISO-2022-JP are UTF-8 in the buffer.
        Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Iso2022Jp | Encoding::Utf16 => {
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
    let mut names = reader.header(&spec)?;
    for name in &mut names {
        *name = name.trim().to_owned();
    }
    Ok(names)
}

/// The names in the first line that has more than a title in it, and how many lines stand above it; for drafts.
pub(super) fn header_found(
    path: &Path,
    encoding: Encoding,
    delimiter: u8,
) -> Result<(u32, Vec<String>)> {
    let name = Name::fixed("input");
    let spec = ReadSpec {
        encoding,
        delimiter,
        header: false,
        trim: true,
        multiline: true,
        set_aside: &[Defect::Ragged],
        ..ReadSpec::new(&name, crate::schema::file::InputFormat::Csv, &[])
    };
    let mut reader = Reader::open(path, &spec, Wanted::Header)?;
    let filled: Vec<usize> = {
        let text = &reader.buffer[reader.start..];
        let whole = if reader.end_of_file {
            text.len()
        } else {
            memchr::memrchr(b'\n', text).map_or(text.len(), |end| end + 1)
        };
        let cells = |line: &[u8]| {
            let mut fields = Vec::new();
            if line.to_ascii_lowercase().starts_with(b"sep=") {
                return 1;
            }
            match split(line, reader.marks, true, &mut fields) {
                Parsed::Record(_) => fields.iter().filter(|f| f.end > f.start).count(),
                _ => 1,
            }
        };
        text[..whole].split_inclusive(|&b| b == b'\n').take(TITLES).map(cells).collect()
    };
    let skip = header::first_of(&filled);
    for _ in 0..skip {
        reader.skip_line()?;
    }
    let mut names = reader.header(&spec)?;
    for name in &mut names {
        *name = name.trim().to_owned();
    }
    Ok((skip as u32, names))
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
