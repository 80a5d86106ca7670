//! HL7 FHIR R4 as Bulk Data exports it: NDJSON, a resource a line, one file or several a resource type (`.ndjson`, `.ndjson.gz`).
//!
//! One source, several tables. `record` names the rows: `Observation`, a row a resource, or `Observation/component`, a row for each
//! repetition of that element. Every column has a `path` (module `path`). Denied by default: an element that occurs in the data and is neither
//! a column's nor named in `source.ignore` (which a layout pack fills with what it knows and leaves out) ends the run before anything
//! is made of the data; all such elements of a file are told at once. A table of repetitions looks at that element alone, the rest of
//! the resource is the matter of the resource's own table.
//!
//! Values stay as they stand, numbers with all their digits. The number of a row in messages is the number of its line.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha3::Digest as _;

use super::format::Format;
use super::{Batch, Batches, FileFacts, ReadSpec, Wanted, header, packed};
use crate::error::{Error, Name, Result, Said};
use crate::frame::{ColumnBuilder, Table};
use crate::schema::file::Defect;
use crate::{note, say};

mod json;
mod path;

use json::{Broken, Kind, Tree};
use path::{Seen, Unfit};

/// No line is longer: a document with its attachment.
const LONGEST: u64 = 64 << 20;
/// Lines and bytes read at once.
const LINES: usize = 4096;
const BYTES: usize = 8 << 20;
/// Lines a thread takes at once.
const CHUNK: usize = 64;
/// Rows after which a batch ends though more were asked for, so that a stop is noticed.
const ROWS: usize = 1 << 16;
/// Elements that are told at once.
const TOLD: usize = 30;

/// The bytes of a file, counted and hashed as they are read.
struct Hashing {
    file: File,
    hasher: sha3::Sha3_256,
    bytes: u64,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.file.read(buffer)?;
        self.hasher.update(&buffer[..count]);
        self.bytes += count as u64;
        Ok(count)
    }
}

enum Input {
    Plain(BufReader<Hashing>),
    /// Unpacked; where it is.
    Packed(BufReader<Box<dyn Read + Send>>, PathBuf),
}

impl Input {
    fn open(path: &Path, table: &Name) -> Result<Self> {
        if packed::is_packed(path) {
            let text = packed::open(path, table)?;
            return Ok(Input::Packed(BufReader::with_capacity(1 << 18, text), path.to_owned()));
        }
        let file = File::open(path)
            .map_err(|e| Error::io("X0504", say!("opening a file of table `{}`", table), &e))?;
        let source = Hashing { file, hasher: sha3::Sha3_256::default(), bytes: 0 };
        Ok(Input::Plain(BufReader::with_capacity(1 << 18, source)))
    }
    fn line(&mut self, line: &mut Vec<u8>) -> std::io::Result<usize> {
        match self {
            Input::Plain(reader) => reader.take(LONGEST).read_until(b'\n', line),
            Input::Packed(reader, _) => reader.take(LONGEST).read_until(b'\n', line),
        }
    }
    fn is_packed(&self) -> bool {
        matches!(self, Input::Packed(..))
    }
    /// The digest of the file as it lies on the disk, and its length.
    fn digest(&self) -> std::io::Result<([u8; 32], u64)> {
        match self {
            Input::Plain(reader) => {
                let source = reader.get_ref();
                Ok((source.hasher.clone().finalize().into(), source.bytes))
            }
            Input::Packed(_, path) => {
                packed::digests(path, Wanted::Sha3).map(|(sha3, _, bytes)| (sha3, bytes))
            }
        }
    }
}

/// A column.
struct Column {
    name: Name,
    paths: Vec<path::Path>,
    missing: Vec<String>,
}

/// What is read of a resource.
struct Rules {
    resource: String,
    element: Option<String>,
    columns: Vec<Column>,
    ignore: Vec<path::Path>,
    /// Names that are left out at any depth.
    anywhere: BTreeSet<String>,
    /// Resource types that are passed over.
    types: BTreeSet<String>,
    trim: bool,
    set_aside: bool,
}

/// Why a line cannot be used.
enum Fault {
    Bytes,
    Broken(Broken),
    /// The type, if it has the form of one.
    Type(Option<Name>),
    Column(usize, Unfit),
}

/// What some lines gave.
#[derive(Default)]
struct Rows {
    text: String,
    /// The end of each cell in `text`; none for a missing cell.
    ends: Vec<Option<usize>>,
    /// The line of each row.
    numbers: Vec<u64>,
    undecodable: u64,
    passed: u64,
    other: u64,
    /// Elements that nobody named, with their first line.
    unlisted: BTreeMap<String, u64>,
    fault: Option<(u64, Fault)>,
}

/// HL7 FHIR R4 as Bulk Data gives it.
pub(crate) struct Fhir;

impl Format for Fhir {
    fn open(
        &self,
        path: &Path,
        spec: &ReadSpec<'_>,
        wanted: Wanted,
    ) -> Result<Box<dyn Batches + Send>> {
        let _ = wanted;
        Ok(Box::new(Reader::open(path, spec)?))
    }
}

/// Reads one table.
pub(super) struct Reader {
    table: Name,
    rules: Rules,
    input: Input,
    first: Option<Vec<u8>>,
    line: u64,
    ended: bool,
    passed: u64,
    other: u64,
    unlisted: BTreeMap<String, u64>,
    facts: FileFacts,
}

impl Rules {
    fn of(spec: &ReadSpec<'_>) -> Result<Self> {
        let Some(record) = spec.record else {
            return Err(Error::policy(
                "P0311",
                say!("table `{}`: a FHIR source needs `record`, what its rows are", spec.table),
            )
            .advice(say!("such as record = \"Observation\", or \"Observation/component\" for a row for each component")));
        };
        let (resource, element) = match record.split_once('/') {
            Some((resource, element)) => (resource, Some(element)),
            None => (record, None),
        };
        let is_type = |t: &str| path::plain(t) && t.starts_with(|c: char| c.is_ascii_uppercase());
        if !is_type(resource) || element.is_some_and(|e| !path::plain(e)) {
            return Err(Error::policy(
                "P0312",
                say!(
                    "table `{}`: `{}` is neither a resource type nor one with a repeated element",
                    spec.table,
                    Name::from_policy(record)
                ),
            ));
        }
        let located = |mut error: Error| {
            error.what = say!("table `{}`: {}", spec.table, error.what);
            error
        };
        let mut errors = Vec::new();
        let mut columns = Vec::new();
        for column in spec.columns {
            if column.path.is_empty() {
                errors.push(
                    Error::policy(
                        "P0316",
                        say!(
                            "table `{}`: column `{}` of a FHIR source has no `path`",
                            spec.table,
                            column.name
                        ),
                    )
                    .advice(say!("say where its values stand, such as path = \"period.start\"")),
                );
            }
            let parsed = column.path.iter().map(|p| path::Path::parse(p, element)).collect();
            match parsed {
                Ok(paths) => columns.push(Column {
                    name: column.name.clone(),
                    paths,
                    missing: column.missing.clone(),
                }),
                Err(error) => errors.push(located(error)),
            }
        }
        let mut rules = Rules {
            resource: resource.to_owned(),
            element: element.map(str::to_owned),
            columns,
            ignore: Vec::new(),
            anywhere: BTreeSet::new(),
            types: BTreeSet::new(),
            trim: spec.trim,
            set_aside: spec.set_aside.contains(&Defect::Bytes),
        };
        for ignored in spec.ignore {
            if let Some(name) = ignored.strip_prefix("**.").filter(|n| path::plain(n)) {
                rules.anywhere.insert(name.to_owned());
            } else if is_type(ignored) {
                rules.types.insert(ignored.clone());
            } else {
                match path::Path::parse(ignored, element) {
                    Ok(path) => rules.ignore.push(path),
                    Err(error) => errors.push(located(error)),
                }
            }
        }
        Error::all(errors).map_or(Ok(rules), Err)
    }

    /// The words of the policy and of its layout, which may be shown whatever they are.
    fn knows(&self, name: &str) -> bool {
        let columns = self.columns.iter().flat_map(|c| &c.paths);
        columns.chain(&self.ignore).flat_map(path::Path::names).any(|n| n == name)
    }

    /// Reads a line into rows.
    fn take(&self, line: &[u8], number: u64, rows: &mut Rows) -> std::result::Result<(), Fault> {
        let Ok(line) = std::str::from_utf8(line) else {
            if self.set_aside {
                rows.undecodable += 1;
                return Ok(());
            }
            return Err(Fault::Bytes);
        };
        if line.trim().is_empty() {
            return Ok(());
        }
        let tree = Tree::parse(line).map_err(Fault::Broken)?;
        let kind = tree.child(0, "resourceType");
        let kind_text = kind.and_then(|at| tree.text(at)).unwrap_or_default();
        if kind_text != self.resource.as_str() {
            if self.types.contains(kind_text.as_ref()) {
                rows.other += 1;
                return Ok(());
            }
            let shown = path::plain(&kind_text).then(|| Name::from_policy(kind_text.into_owned()));
            return Err(Fault::Type(shown));
        }
        let mut seen = Seen { covered: vec![false; tree.len()], passed: 0 };
        if let Some(kind) = kind {
            seen.covered[kind as usize] = true;
        }
        let starts = match &self.element {
            None => vec![0],
            Some(element) => tree.child(0, element).map(|at| tree.each(at)).unwrap_or_default(),
        };
        for row in starts {
            for (index, column) in self.columns.iter().enumerate() {
                let mut cell = None;
                for path in &column.paths {
                    let value =
                        path.value(&tree, row, &mut seen).map_err(|u| Fault::Column(index, u))?;
                    if value.is_some() && cell.is_some() {
                        return Err(Fault::Column(index, Unfit::Both));
                    }
                    cell = cell.or(value);
                }
                self.cell(column, cell.as_deref(), rows);
            }
            rows.numbers.push(number);
            for ignored in &self.ignore {
                ignored.leave_out(&tree, row, &mut seen);
            }
            let mut steps = vec![self.resource.as_str()];
            steps.extend(self.element.as_deref());
            self.unlisted(&tree, row, &seen, &mut steps, number, &mut rows.unlisted);
        }
        rows.passed += seen.passed;
        Ok(())
    }

    fn cell(&self, column: &Column, cell: Option<&str>, rows: &mut Rows) {
        let cell = cell.map(|c| if self.trim { c.trim() } else { c });
        let cell = cell.filter(|c| !c.is_empty() && !column.missing.iter().any(|m| m == c));
        let Some(cell) = cell else {
            rows.ends.push(None);
            return;
        };
        rows.text.push_str(cell);
        rows.ends.push(Some(rows.text.len()));
    }

    /// Collects the elements below a place that nobody named.
    fn unlisted<'t>(
        &self,
        tree: &Tree<'t>,
        at: u32,
        seen: &Seen,
        steps: &mut Vec<&'t str>,
        number: u64,
        found: &mut BTreeMap<String, u64>,
    ) where
        Self: 't,
    {
        if seen.covered[at as usize] || self.anywhere.contains(tree.name(at)) {
            return;
        }
        match tree.kind(at) {
            Kind::Null => {}
            Kind::Object | Kind::Array => {
                for child in tree.children(at) {
                    let name = tree.name(child);
                    if !name.is_empty() {
                        steps.push(name);
                    }
                    self.unlisted(tree, child, seen, steps, number, found);
                    if !name.is_empty() {
                        steps.pop();
                    }
                }
            }
            Kind::Text(_) | Kind::Plain(_) => {
                // A name in the data was written by others: only what has the form of FHIR's names is shown.
                let shown = |name: &str| {
                    if path::plain(name) || self.knows(name) {
                        name.to_owned()
                    } else {
                        "(not a name of FHIR)".to_owned()
                    }
                };
                if found.len() < TOLD {
                    let path: Vec<String> = steps.iter().map(|s| shown(s)).collect();
                    found.entry(path.join(".")).or_insert(number);
                }
            }
        }
    }
}

impl Reader {
    pub(super) fn open(path: &Path, spec: &ReadSpec<'_>) -> Result<Self> {
        let rules = Rules::of(spec)?;
        let input = Input::open(path, spec.table)?;
        let mut reader = Reader {
            table: spec.table.clone(),
            rules,
            input,
            first: None,
            line: 0,
            ended: false,
            passed: 0,
            other: 0,
            unlisted: BTreeMap::new(),
            facts: FileFacts::default(),
        };
        // The first resource tells whether this is a file of the table at all.
        let mut line = Vec::new();
        reader.read_line(&mut line)?;
        if line.starts_with(b"\xef\xbb\xbf") {
            line.drain(..3);
            reader.facts.bom = true;
        }
        if line.is_empty() {
            return Err(header::empty(spec));
        }
        let mut rows = Rows::default();
        reader.rules.take(&line, 1, &mut rows).map_err(|f| reader.error(1, f))?;
        reader.line = 0;
        reader.first = Some(line);
        Ok(reader)
    }

    /// Reads a line with its end; nothing at the end of the file.
    fn read_line(&mut self, line: &mut Vec<u8>) -> Result<usize> {
        let packed = self.input.is_packed();
        let count = self.input.line(line).map_err(|e| packed::failed(packed, &self.table, &e))?;
        if count as u64 == LONGEST {
            return Err(self.error(self.line + 1, Fault::Broken(Broken::Size)));
        }
        Ok(count)
    }

    /// The next lines, one behind the other, and where each ends.
    fn window(&mut self) -> Result<(Vec<u8>, Vec<usize>)> {
        let mut bytes = self.first.take().unwrap_or_default();
        let mut ends = Vec::new();
        if !bytes.is_empty() {
            ends.push(bytes.len());
        }
        while ends.len() < LINES && bytes.len() < BYTES {
            if self.read_line(&mut bytes)? == 0 {
                self.ended = true;
                break;
            }
            ends.push(bytes.len());
        }
        Ok((bytes, ends))
    }

    fn error(&self, line: u64, fault: Fault) -> Error {
        let at = |code, what: Said| {
            Error::data(code, say!("table `{}`, line {}: {}", self.table, line, what))
        };
        match fault {
            Fault::Bytes => at("D0103", say!("bytes that are not UTF-8"))
                .advice(say!("correct it, or set such lines aside with set_aside = [\"bytes\"]")),
            Fault::Broken(Broken::Form) => at("D0351", say!("not one JSON object")).advice(say!(
                "a FHIR source is NDJSON: each line one resource, as Bulk Data exports it"
            )),
            Fault::Broken(Broken::Size) => {
                at("D0351", say!("deeper, wider or longer than a resource is"))
            }
            Fault::Broken(Broken::Twice) => at(
                "D0351",
                say!("two members of an element have one name, or a name is written with escapes"),
            ),
            Fault::Type(shown) => {
                let bundle = shown.as_ref().is_some_and(|n| n.as_str() == "Bundle");
                let what = match shown {
                    Some(name) => say!(
                        "a resource of type `{}`; the rows of this table are of `{}`",
                        name,
                        Name::from_policy(self.rules.resource.clone())
                    ),
                    None => say!("no resource: `resourceType` is missing or not a name of FHIR"),
                };
                at("D0352", what).advice(if bundle {
                    say!("write each entry's resource as a line of its own")
                } else {
                    say!("to pass resources of a type over, name it in `source.ignore`; to read them, write a table for them")
                })
            }
            Fault::Column(column, unfit) => {
                let name = self.rules.columns.get(column).map(|c| c.name.clone());
                match unfit {
                    Unfit::Repeated => at("D0353", say!("column `{}`: an element of its path is there more than once", name))
                        .advice(say!("say in its `path` which counts: `element[0]` the first (the others are counted), `element[*]` all of them, `element[key=value]` some; or make its repetitions rows with record = \"Type/element\"")),
                    Unfit::Element => at("D0354", say!("column `{}`: its path ends at an element with members, not at a value", name)),
                    Unfit::Reference => at("D0355", say!("column `{}`: not a reference to a resource of the type behind `@`", name))
                        .advice(say!("read are `Type/id`, the address of such a resource, and `urn:uuid:`")),
                    Unfit::Escape => at("D0351", say!("column `{}`: a string with escapes that are no text", name)),
                    Unfit::Both => at("D0356", say!("column `{}`: two of its paths have a value", name)),
                }
            }
        }
    }

    /// All elements that nobody named.
    fn denied(&self) -> Error {
        let mut errors: Vec<Error> = self
            .unlisted
            .iter()
            .map(|(path, line)| {
                Error::data(
                    "D0350",
                    say!(
                        "table `{}`, line {}: the element `{}` is neither read nor named as left out",
                        self.table,
                        *line,
                        Name::from_policy(path.clone())
                    ),
                )
            })
            .collect();
        if let Some(first) = errors.first_mut() {
            first.advice = Some(say!(
                "give it a column with a `path`, or name it in `source.ignore` of the table if it is to be left out"
            ));
        }
        Error::all(errors).unwrap_or_else(|| Error::data("D0350", say!("table `{}`", self.table)))
    }
}

impl Batches for Reader {
    fn next(&mut self, rows: usize) -> Result<Option<Batch>> {
        let mut builders: Vec<ColumnBuilder> =
            self.rules.columns.iter().map(|_| ColumnBuilder::default()).collect();
        let mut numbers: Vec<u64> = Vec::new();
        while numbers.len() < rows.min(ROWS) && !self.ended {
            let (bytes, ends) = self.window()?;
            let before = self.line;
            self.line += ends.len() as u64;
            let rules = &self.rules;
            let read: Vec<Rows> = ends
                .par_chunks(CHUNK)
                .enumerate()
                .map(|(chunk, some)| {
                    let mut rows = Rows::default();
                    let mut start = match chunk {
                        0 => 0,
                        _ => ends[chunk * CHUNK - 1],
                    };
                    for (index, &end) in some.iter().enumerate() {
                        let number = before + (chunk * CHUNK + index) as u64 + 1;
                        if let Err(fault) = rules.take(&bytes[start..end], number, &mut rows) {
                            rows.fault = Some((number, fault));
                            break;
                        }
                        start = end;
                    }
                    rows
                })
                .collect();
            for some in read {
                for (path, line) in some.unlisted {
                    if self.unlisted.len() < TOLD {
                        self.unlisted.entry(path).or_insert(line);
                    }
                }
                if let Some((line, fault)) = some.fault
                    && self.unlisted.is_empty()
                {
                    return Err(self.error(line, fault));
                }
                if !self.unlisted.is_empty() {
                    // Nothing is made of the data any more, but all such elements are told.
                    continue;
                }
                let mut start = 0;
                let width = builders.len().max(1);
                for (index, end) in some.ends.iter().enumerate() {
                    let text = end.map(|end| {
                        let text = &some.text[start..end];
                        start = end;
                        text
                    });
                    builders[index % width].push(text);
                }
                self.facts.rows_read += some.numbers.len() as u64 + some.undecodable;
                if some.undecodable > 0 {
                    *self.facts.set_aside.entry(Defect::Bytes).or_default() += some.undecodable;
                }
                self.passed += some.passed;
                self.other += some.other;
                numbers.extend(some.numbers);
            }
            if !self.unlisted.is_empty() {
                numbers.clear();
            }
        }
        if self.ended && self.facts.sha3_256 == [0; 32] {
            if !self.unlisted.is_empty() {
                return Err(self.denied());
            }
            (self.facts.sha3_256, self.facts.bytes) = self.input.digest().map_err(|e| {
                Error::io("X0505", say!("reading a file of table `{}`", self.table), &e)
            })?;
            if self.passed > 0 || self.other > 0 {
                note!(
                    info,
                    "left out by the rules of the paths",
                    table = self.table,
                    repetitions = self.passed,
                    other_resources = self.other
                );
            }
        }
        if numbers.is_empty() && self.ended {
            return Ok(None);
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
