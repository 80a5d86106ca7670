//! Files of tables: the only place that knows polars and Arrow. Readers give dictionary-encoded batches, writers take them.
//!
//! No error of a foreign library is passed on: such texts quote cells. What remains is table, column and row number.

// Other rooms, under the names that they have in the whole.
#[cfg(test)]
use kakou_core::digest;
use kakou_core::{claim, error, frame, memory, note, say, schema, system, text, timings, token};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::error::{Error, Name, Result};
use crate::frame::Table;
use crate::schema::Type;
use crate::schema::file::{Defect, Encoding, InputFormat, Output, OutputFormat, Unencodable};
pub use crate::schema::file::{Dialect, OutType, Written};
pub use format::Weight;
use format::{Look, reader};

pub mod any;
mod cells;
mod csv_read;
mod csv_write;
mod encode;
pub mod fhir;
mod format;
pub mod genome;
mod header;
mod packed;
mod parquet_guard;
mod parquet_read;
mod parquet_write;
mod partitions;
pub mod spill;
pub mod ssmix2;
#[cfg(test)]
mod tests;
pub mod uke;
pub mod workbook;
mod xlsx_write;

/// A column to read.
#[derive(Clone, Debug)]
pub struct ColumnSpec {
    /// Its name in the policy and in the file.
    pub name: Name,
    /// Texts that mean "missing", besides the empty cell.
    pub missing: Vec<String>,
    /// Its type (readers only need it to tell numbers from text in Parquet).
    pub ty: Type,
    /// Its special values.
    pub specials: Vec<String>,
    /// Where its values stand in a resource (FHIR); empty for all other formats.
    pub path: Vec<String>,
}

impl ColumnSpec {
    /// A column of text without special values.
    #[must_use]
    pub fn text(name: Name) -> Self {
        ColumnSpec {
            name,
            missing: Vec::new(),
            ty: Type::String,
            specials: Vec::new(),
            path: Vec::new(),
        }
    }
}

/// How a file is read.
#[derive(Clone, Debug)]
pub struct ReadSpec<'a> {
    /// The table's name in the policy.
    pub table: &'a Name,
    /// CSV or Parquet.
    pub format: InputFormat,
    /// Text encoding of CSV.
    pub encoding: Encoding,
    /// Field separator of CSV.
    pub delimiter: u8,
    /// Whether the first record of CSV names the columns.
    pub header: bool,
    /// Whether names in the header may differ in case.
    pub ignore_case: bool,
    /// Lines (or rows of a sheet) above the header that are left out.
    pub skip_lines: u32,
    /// Whether a name that stands twice in the header is numbered.
    pub number_repeats: bool,
    /// Whether cells may be quoted behind a blank.
    pub quotes_after_blanks: bool,
    /// How many folders above the file may name columns (`year=2025`); none if 0.
    pub partitions: usize,
    /// Which sheet of a workbook; without it the only one that has cells.
    pub sheet: Option<&'a str>,
    /// Whether quoted cells may contain line breaks.
    pub multiline: bool,
    /// Whether blanks around a cell are padding.
    pub trim: bool,
    /// The columns, all of them, in policy order.
    pub columns: &'a [ColumnSpec],
    /// Defects whose rows are set aside and counted.
    pub set_aside: &'a [Defect],
    /// Which records of a source with several kinds of them (UKE, SS-MIX2).
    pub record: Option<&'a str>,
    /// Kinds of records left unread (UKE, SS-MIX2).
    pub ignore: &'a [String],
    /// What is known of all resources of the input (FHIR).
    pub resources: Option<std::sync::Arc<fhir::Resources>>,
    /// It is a file of a release (FHIR): beside what the columns read there are the words that all resources of one have, and nothing else.
    pub released: bool,
}

impl<'a> ReadSpec<'a> {
    /// UTF-8, commas, a header, no line breaks in cells; every defect ends the reading.
    #[must_use]
    pub fn new(table: &'a Name, format: InputFormat, columns: &'a [ColumnSpec]) -> Self {
        ReadSpec {
            table,
            format,
            encoding: Encoding::Utf8,
            delimiter: b',',
            header: true,
            ignore_case: false,
            skip_lines: 0,
            number_repeats: false,
            quotes_after_blanks: false,
            partitions: 0,
            sheet: None,
            multiline: false,
            trim: false,
            columns,
            set_aside: &[],
            record: None,
            ignore: &[],
            resources: None,
            released: false,
        }
    }
}

/// What was seen of a file.
#[derive(Clone, Debug, Default)]
pub struct FileFacts {
    /// Bytes.
    pub bytes: u64,
    /// Rows read, those set aside included.
    pub rows_read: u64,
    /// Rows set aside by the reader, by reason.
    pub set_aside: BTreeMap<Defect, u64>,
    /// Row and line of the first of them, by reason, where the file has lines.
    pub first: BTreeMap<Defect, [u64; 2]>,
    /// Whether a byte order mark stood at the beginning.
    pub bom: bool,
    /// SHA3-256 of the bytes; complete when the last batch was read.
    pub sha3_256: [u8; 32],
    /// SHA-256 of the same bytes, if it was asked for ([`open_released`]).
    pub sha256: Option<[u8; 32]>,
}

impl FileFacts {
    /// Counts a row that is set aside.
    fn aside(&mut self, defect: Defect, row: u64, line: u64) {
        *self.set_aside.entry(defect).or_default() += 1;
        self.first.entry(defect).or_insert([row, line]);
    }
}

/// The digests that a reader makes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    /// None, and no more is read at first than a header needs.
    Header,
    /// None, where a format can leave them: only the cells matter.
    Cells,
    /// SHA3-256.
    Sha3,
    /// SHA-256 too.
    Both,
}

/// Digests of the bytes as they are read.
#[derive(Default)]
struct Hashing {
    sha3: sha3::Sha3_256,
    sha2: Option<sha2::Sha256>,
}

impl Hashing {
    fn new(wanted: Wanted) -> Self {
        let sha2 = (wanted == Wanted::Both).then(Default::default);
        Hashing { sha2, ..Hashing::default() }
    }
    fn update(&mut self, bytes: &[u8]) {
        sha3::Digest::update(&mut self.sha3, bytes);
        if let Some(sha2) = &mut self.sha2 {
            sha2::Digest::update(sha2, bytes);
        }
    }
    fn finish(self) -> ([u8; 32], Option<[u8; 32]>) {
        let sha2 = self.sha2.map(|sha2| sha2::Digest::finalize(sha2).into());
        (sha3::Digest::finalize(self.sha3).into(), sha2)
    }
}

/// SHA3-256 of a file's bytes.
///
/// # Errors
/// I/O.
pub fn digest(path: &Path) -> std::io::Result<[u8; 32]> {
    use std::io::Read as _;
    let mut file = std::fs::File::open(path)?;
    let mut hashing = Hashing::new(Wanted::Sha3);
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hashing.finish().0),
            read => hashing.update(&buffer[..read]),
        }
    }
}

/// Some rows.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The rows; columns in policy order.
    pub table: Table,
    /// The number of each row in its file, from 1.
    pub row_numbers: Vec<u64>,
    /// The line of each row as an editor counts it, or its row in a sheet; empty where a file has no lines, or where rows are
    /// counted by lines.
    pub lines: Vec<u64>,
}

impl Batch {
    /// Where a row stands, for a message.
    #[must_use]
    pub fn place(&self, row: usize) -> crate::error::Said {
        match self.lines.get(row) {
            Some(&line) => say!("line {} of the file, row {}", line, self.row_numbers[row]),
            None => say!("row {}", self.row_numbers[row]),
        }
    }
}

/// Gives a file in batches.
pub trait Batches {
    /// The next rows, about `rows` of them; `None` at the end.
    ///
    /// # Errors
    /// A defect of the file, or I/O.
    fn next(&mut self, rows: usize) -> Result<Option<Batch>>;
    /// What was seen so far.
    fn facts(&self) -> FileFacts;
}

/// Opens a file and checks its header.
///
/// # Errors
/// I/O, or a header that does not fit the policy.
pub fn open(path: &Path, spec: &ReadSpec<'_>) -> Result<Box<dyn Batches + Send>> {
    open_for(path, spec, Wanted::Sha3)
}

fn open_for(path: &Path, spec: &ReadSpec<'_>, wanted: Wanted) -> Result<Box<dyn Batches + Send>> {
    if spec.partitions > 0 {
        let found = partitions::find(path, spec, spec.partitions)?;
        let columns = partitions::rest(spec.columns, &found);
        let inner = ReadSpec { partitions: 0, columns: &columns, ..spec.clone() };
        let inner = open_for(path, &inner, wanted)?;
        return Ok(Box::new(partitions::PartitionReader::new(inner, spec, found)));
    }
    reader(spec.format).open(path, spec, wanted)
}

/// Opens a file for its cells alone: its facts may have no digest.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_cells(path: &Path, spec: &ReadSpec<'_>) -> Result<Box<dyn Batches + Send>> {
    open_for(path, spec, Wanted::Cells)
}

/// Opens a file of a release: its facts will have SHA-256 too.
///
/// # Errors
/// As [`open`].
pub fn open_released(path: &Path, spec: &ReadSpec<'_>) -> Result<Box<dyn Batches + Send>> {
    open_for(path, spec, Wanted::Both)
}

/// Reads and checks the header only.
///
/// # Errors
/// I/O, or a header that does not fit the policy.
pub fn read_header(path: &Path, spec: &ReadSpec<'_>) -> Result<()> {
    open_for(path, spec, Wanted::Header).map(drop)
}

/// The names in a file's header, for drafting a policy. They come from data and must be shown to the user of the file only.
///
/// # Errors
/// I/O, or a file without a header.
pub fn header_names(
    path: &Path,
    format: InputFormat,
    encoding: Encoding,
    delimiter: u8,
) -> Result<Vec<String>> {
    reader(format).names(path, &Look { encoding, delimiter, sheet: None }).map(|found| found.0)
}

/// The ending of a file in small letters; of a packed one (`.gz`, `.zst`, `.zip`), of the file in it.
#[must_use]
pub fn ending(path: &Path) -> String {
    packed::ending(path)
}

/// The format that the ending of a file stands for: text, if no other has it.
#[must_use]
pub fn format_of(ending: &str) -> InputFormat {
    InputFormat::of_ending(ending).unwrap_or(InputFormat::Csv)
}

/// The separator of text whose ending is this, where a policy says none.
#[must_use]
pub fn usual_delimiter(ending: &str) -> u8 {
    if matches!(ending, "tsv" | "txt") { b'\t' } else { b',' }
}

/// The format of a file that lies there, by its ending or by that of the file in it.
#[must_use]
pub fn recognized(path: &Path) -> InputFormat {
    format_of(&ending(path))
}

/// Whether a file may hold a table, as its ending says: a format's own, or one of a packed file.
#[must_use]
pub fn may_be_data(path: &Path) -> bool {
    let own = path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    // What is in an archive only the archive says.
    own == "zip"
        || path.file_name().is_some_and(|n| InputFormat::of_name(&n.to_string_lossy()).is_some())
}

/// The format and the root of the tree that a folder (relative to where the search began) shows to be there.
#[must_use]
pub fn tree_of(folder: &Path) -> Option<(InputFormat, PathBuf)> {
    InputFormat::ALL.iter().find_map(|&f| Some((f, reader(f).tree_root(folder)?)))
}

/// The sheets with cells of a file; empty if its format has none.
///
/// # Errors
/// I/O, or a damaged file.
pub fn sheets(path: &Path, format: InputFormat) -> Result<Vec<String>> {
    reader(format).sheets(path)
}

/// What a file weighs in a run.
#[must_use]
pub fn weight(path: &Path, bytes: u64) -> Weight {
    reader(recognized(path)).weight(path, bytes)
}

/// The files of a pattern inside a folder, sorted by name.
///
/// # Errors
/// A pattern that leaves the folder or matches nothing, or a link that leads out of it.
pub fn expand(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    expand_kind(folder, pattern, false)
}

/// The folders of a pattern (sources that are trees); `.` is the input folder itself.
///
/// # Errors
/// As [`expand`].
pub fn expand_folders(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>> {
    if pattern == "." {
        return folder
            .canonicalize()
            .map(|root| vec![root])
            .map_err(|e| Error::io("X0501", say!("opening the input folder"), &e));
    }
    expand_kind(folder, pattern, true)
}

/// Whether this thread reads a damaged file with a library that panics on it: the panic is the file's, and is told as an error.
#[must_use]
pub fn guarded_now() -> bool {
    parquet_guard::guarded_now()
}

/// The bytes of all files below a folder, as far as they can be seen; for estimates.
#[must_use]
pub fn tree_bytes(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let entries: Vec<_> = entries.flatten().collect();
    entries
        .par_iter()
        .map(|entry| match entry.metadata() {
            Ok(m) if m.is_dir() => tree_bytes(&entry.path()),
            other => other.map_or(0, |m| m.len()),
        })
        .sum()
}

fn expand_kind(folder: &Path, pattern: &str, folders: bool) -> Result<Vec<PathBuf>> {
    let shown = Name::from_policy(pattern);
    let relative = Path::new(pattern);
    if relative.is_absolute()
        || pattern.contains("://")
        || relative.components().any(|c| !matches!(c, std::path::Component::Normal(_)))
    {
        return Err(Error::policy(
            "P0302",
            say!("the path `{}` must stay inside the input folder", shown),
        ));
    }
    let root = folder
        .canonicalize()
        .map_err(|e| Error::io("X0501", say!("opening the input folder"), &e))?;
    let full = format!("{}/{pattern}", glob::Pattern::escape(&root.to_string_lossy()));
    let options =
        glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
    let matches = glob::glob_with(&full, options)
        .map_err(|_| Error::policy("P0303", say!("`{}` is not a well-formed pattern", shown)))?;
    let mut found = Vec::new();
    for path in matches {
        // A folder that cannot be listed is no folder without files.
        let path = path.map_err(|e| {
            Error::io("X0502", say!("listing the folders of `{}`", shown), e.error())
        })?;
        let real = path
            .canonicalize()
            .map_err(|e| Error::io("X0502", say!("opening a file of `{}`", shown), &e))?;
        if !real.starts_with(&root) {
            return Err(Error::data(
                "D0002",
                say!("a file of `{}` is a link that leads out of the input folder", shown),
            ));
        }
        if if folders { real.is_dir() } else { real.is_file() } {
            found.push(real);
        }
    }
    found.sort();
    found.dedup();
    if found.is_empty() {
        return Err(Error::data("D0001", say!("no file matches `{}` in the input folder", shown))
            .advice(say!("check --input and `source.path` of the table")));
    }
    Ok(found)
}

/// A column to write.
#[derive(Clone, Debug)]
pub struct OutColumn {
    /// Its name.
    pub name: String,
    /// Its type.
    pub ty: OutType,
    /// Its cells are labels that a technique has made of numbers: a range of numbers is no formula there.
    pub ranges: bool,
}

/// How a file is written.
#[derive(Clone, Debug)]
pub struct WriteSpec<'a> {
    /// The table's name in the policy.
    pub table: &'a Name,
    /// The columns.
    pub columns: &'a [OutColumn],
    /// Format, encoding and the treatment of special characters.
    pub output: &'a Output,
    /// The form of CSV.
    pub dialect: Dialect,
    /// What its rows are, in a file of resources (FHIR).
    pub resources: Option<fhir::ResourceFile>,
}

/// Takes the rows of a file.
pub trait TableWriter: Send {
    /// Appends rows.
    ///
    /// # Errors
    /// I/O, or a cell that the policy does not allow to be written.
    fn write(&mut self, rows: &Table) -> Result<()>;
    /// Ends the file and brings it to the disk.
    ///
    /// # Errors
    /// I/O.
    fn finish(self: Box<Self>) -> Result<Written>;
}

/// Makes a new file; an existing one is never replaced.
///
/// # Errors
/// I/O.
pub fn create(path: &Path, spec: &WriteSpec<'_>) -> Result<Box<dyn TableWriter>> {
    use crate::system::Opening as _;
    let file =
        std::fs::OpenOptions::new().write(true).create_new(true).of_group().open(path).map_err(
            |e| Error::io("X0503", say!("making the file of table `{}`", spec.table), &e),
        )?;
    match spec.output.format {
        OutputFormat::Csv => Ok(Box::new(csv_write::Writer::new(file, spec)?)),
        OutputFormat::Parquet => Ok(Box::new(parquet_write::Writer::new(file, spec)?)),
        OutputFormat::Xlsx => Ok(Box::new(xlsx_write::Writer::new(file, spec)?)),
        OutputFormat::Ndjson => {
            let none = fhir::ResourceFile { tables: Vec::new(), bundles: false };
            let resources = spec.resources.as_ref().unwrap_or(&none);
            Ok(Box::new(fhir::Writer::new(file, spec, resources)?))
        }
    }
}

/// Encodes a text; what the encoding lacks is replaced and counted as the policy says. False if the encoding lacks a
/// character and the policy says `fail`.
#[must_use]
pub fn encode(
    text: &str,
    encoding: Encoding,
    unencodable: Unencodable,
    bytes: &mut Vec<u8>,
    replaced: &mut u64,
) -> bool {
    let mut written = Written::default();
    let fitted = encode::fit(text, encoding, unencodable, &mut written);
    *replaced += written.unencodable;
    fitted.is_ok_and(|text| {
        encode::put(&text, encoding, bytes);
        true
    })
}

/// A text as an encoding can hold it; `None` if it lacks a character for which the policy has nothing.
#[must_use]
pub fn fitted(text: &str, encoding: Encoding, unencodable: Unencodable) -> Option<String> {
    encode::fit(text, encoding, unencodable, &mut Written::default())
        .ok()
        .map(std::borrow::Cow::into_owned)
}

/// Whether a file begins as text in UTF-16, with its mark.
#[must_use]
pub fn is_utf_16(path: &Path) -> bool {
    use std::io::Read as _;
    let mut mark = [0; 2];
    packed::open(path, &Name::fixed("input")).is_ok_and(|mut text| {
        text.read_exact(&mut mark).is_ok() && matches!(mark, [0xff, 0xfe] | [0xfe, 0xff])
    })
}

/// Whether a file begins as text in ISO-2022-JP: such text is seven bits, so it passes for UTF-8.
#[must_use]
pub fn is_iso_2022_jp(path: &Path) -> bool {
    use std::io::Read as _;
    let mut beginning = Vec::new();
    packed::open(path, &Name::fixed("input")).is_ok_and(|text| {
        text.take(1 << 20).read_to_end(&mut beginning).is_ok() && encode::is_iso_2022_jp(&beginning)
    })
}

/// Gives the bytes of a file as they are (CSV), or decompressed page by page with the metadata (Parquet).
///
/// # Errors
/// I/O, or a damaged file.
pub fn scan_bytes(path: &Path, format: InputFormat, f: &mut dyn FnMut(&[u8])) -> Result<()> {
    reader(format).scan_bytes(path, f)
}
