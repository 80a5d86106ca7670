//! HL7 FHIR R4: NDJSON as Bulk Data exports it, a resource (or a Bundle) a line (`.ndjson`, `.ndjson.gz`), and files of one resource, of one
//! Bundle, or of an array of them (`.json`).
//!
//! One source, several tables. `record` names the rows: `Observation`, a row a resource, or `Observation/component`, a row for each
//! repetition of that element; wherever a resource stands, alone or in a Bundle (module `scope`). Every column has a `path` (module `path`).
//! Denied by default: an element that occurs in the data and is neither a column's nor named in `source.ignore` (which a layout pack fills
//! with what it knows and leaves out) ends the run before anything is made of the data; all such elements of a file are told at once. A
//! table of repetitions looks at that element alone, the rest of the resource is the matter of the resource's own table.
//!
//! Values stay as they stand, numbers with all their digits. The number of a row in messages is the number of its line, or of its text.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::format::Format;
use super::{Batch, Batches, FileFacts, ReadSpec, Wanted, header};
use crate::error::{Error, Name, Result, Said};
use crate::frame::{ColumnBuilder, Table};
use crate::schema::file::Defect;
use crate::{note, say};

mod index;
mod json;
mod path;
mod scope;
mod texts;
mod words;
mod write;

pub use index::Resources;
use json::{Broken, JsonKind, Tree};
use path::{Cover, Seen, Unfit};
use scope::{Odd, Part, Scope};
use texts::Texts;
pub(crate) use write::Writer;
pub use write::{ELSEWHERE, ResourceFile, ResourceTable};

/// The path that says which Bundle a resource is in.
pub const BUNDLE: &str = "Bundle.id";
/// Texts a thread takes at once.
const CHUNK: usize = 64;
/// Rows after which a batch ends though more were asked for, so that a stop is noticed.
const ROWS: usize = 1 << 16;
/// Elements that are told at once.
const TOLD: usize = 30;

/// A column.
struct PathColumn {
    name: Name,
    paths: Vec<path::Path>,
    missing: Vec<String>,
}

/// What is read of a resource.
struct Rules {
    resource: String,
    element: Option<String>,
    columns: Vec<PathColumn>,
    ignore: Vec<path::Path>,
    /// Names that are left out at any depth.
    anywhere: BTreeSet<String>,
    /// Resource types that are passed over.
    types: BTreeSet<String>,
    trim: bool,
    set_aside: bool,
    /// No resource tells whose it is before all of them were seen: only what a file is, is looked at.
    looks_only: bool,
    /// A file of a release: beside what its columns read there are a few words that are known, and nothing else.
    released: bool,
}

/// Why a text cannot be used.
enum Fault {
    Bytes,
    Broken(Broken),
    /// The type, if it has the form of one.
    Type(Option<Name>),
    Bundle(Odd),
    Column(usize, Unfit),
}

/// The entries of Bundles in which a fault is, and the fault.
type Placed = (Vec<usize>, Fault);

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
    /// Other versions of resources, and deleted ones.
    older: u64,
    /// Values that a rule left out, by the first element of their paths.
    left_out: BTreeMap<String, u64>,
    /// Elements that nobody named, with their first line.
    unlisted: BTreeMap<String, u64>,
    fault: Option<(u64, Placed)>,
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
        Ok(Box::new(FhirReader::open(path, spec, wanted)?))
    }
}

/// Reads one table.
pub(super) struct FhirReader {
    table: Name,
    rules: Rules,
    texts: Texts,
    resources: Option<(Arc<Resources>, u32)>,
    passed: u64,
    other: u64,
    older: u64,
    left_out: BTreeMap<String, u64>,
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
                Ok(paths) => columns.push(PathColumn {
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
            looks_only: false,
            released: spec.released,
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

    /// Reads a text into rows.
    fn take(
        &self,
        text: &[u8],
        whole: bool,
        number: u64,
        resources: Option<&(Arc<Resources>, u32)>,
        rows: &mut Rows,
    ) -> std::result::Result<(), Placed> {
        let here = |fault| (Vec::new(), fault);
        let Ok(text) = std::str::from_utf8(text) else {
            if self.set_aside {
                rows.undecodable += 1;
                return Ok(());
            }
            return Err(here(Fault::Bytes));
        };
        if text.trim().is_empty() {
            return Ok(());
        }
        let tree = if whole { Tree::parse_whole(text) } else { Tree::parse(text) };
        let tree = tree.map_err(|broken| here(Fault::Broken(broken)))?;
        let mut seen = Seen::new(&tree);
        let mut entry = 0_u32;
        let tops = texts::tops(&tree);
        let several = tops.len() > 1;
        for (top, node) in tops.into_iter().enumerate() {
            let mut path = if several { vec![top + 1] } else { Vec::new() };
            let start = path.clone();
            let mut take = |part: Part<'_, '_>, _: &[usize]| {
                let at = (number, entry);
                entry += 1;
                match part {
                    Part::Deleted(..) => Ok(()),
                    Part::Resource(scope) => self.resource(&scope, at, resources, &mut seen, rows),
                }
            };
            let all = resources.map(|(all, _)| all.as_ref());
            scope::each(&tree, node, (all, self.released), &mut path, &mut take, &Fault::Bundle)
                .map_err(|fault| {
                    let placed =
                        if path.len() > start.len() || several { path.clone() } else { Vec::new() };
                    (placed, fault)
                })?;
        }
        rows.passed += seen.passed;
        Ok(())
    }

    /// Reads a resource into rows.
    fn resource(
        &self,
        scope: &Scope<'_, '_>,
        (number, entry): (u64, u32),
        resources: Option<&(Arc<Resources>, u32)>,
        seen: &mut Seen,
        rows: &mut Rows,
    ) -> std::result::Result<(), Fault> {
        let tree = scope.tree;
        let kind = tree.child(scope.root, "resourceType");
        let kind_text = kind.and_then(|at| tree.text(at)).unwrap_or_default();
        if kind_text != self.resource.as_str() {
            if self.types.contains(kind_text.as_ref()) {
                rows.other += 1;
                return Ok(());
            }
            let shown = path::plain(&kind_text).then(|| Name::from_policy(kind_text.into_owned()));
            return Err(Fault::Type(shown));
        }
        if let Some((all, file)) = resources
            && !all.counts(scope, &kind_text, (*file, number, entry))
        {
            rows.older += 1;
            return Ok(());
        }
        if let Some(kind) = kind {
            seen.covered[kind as usize] = Cover::Read;
        }
        let starts = match &self.element {
            None => vec![scope.root],
            Some(element) => {
                tree.child(scope.root, element).map(|at| tree.each(at)).unwrap_or_default()
            }
        };
        for row in starts {
            for (index, column) in self.columns.iter().enumerate() {
                let mut cell = None;
                for path in &column.paths {
                    let value = match path.value(scope, row, seen) {
                        Err(Unfit::Unknown | Unfit::Several) if self.looks_only => None,
                        other => other.map_err(|u| Fault::Column(index, u))?,
                    };
                    if value.is_some() && cell.is_some() {
                        return Err(Fault::Column(index, Unfit::Both));
                    }
                    cell = cell.or(value);
                }
                self.cell(column, cell.as_deref(), rows);
            }
            rows.numbers.push(number);
            for ignored in &self.ignore {
                ignored.leave_out(scope, row, seen);
            }
            let mut steps = vec![self.resource.as_str()];
            steps.extend(self.element.as_deref());
            let (unlisted, left_out) = (&mut rows.unlisted, &mut rows.left_out);
            self.rest(row, &mut Rest { tree, seen, number, steps, unlisted, left_out });
        }
        Ok(())
    }

    fn cell(&self, column: &PathColumn, cell: Option<&str>, rows: &mut Rows) {
        let cell = cell.map(|c| if self.trim { c.trim() } else { c });
        let cell = cell.filter(|c| !c.is_empty() && !column.missing.iter().any(|m| m == c));
        let Some(cell) = cell else {
            rows.ends.push(None);
            return;
        };
        rows.text.push_str(cell);
        rows.ends.push(Some(rows.text.len()));
    }

    /// Collects the elements below a place that nobody named, and counts the values that a rule leaves out.
    fn rest(&self, at: u32, rest: &mut Rest<'_, '_>) {
        let tree = rest.tree;
        let cover = rest.seen.covered[at as usize];
        if cover == Cover::Read {
            return;
        }
        if cover == Cover::LeftOut || self.anywhere.contains(tree.name(at)) {
            let name = rest.steps.get(1).copied().unwrap_or_default();
            let name = if path::plain(name) { name } else { "" };
            let count = values(tree, at);
            match rest.left_out.get_mut(name) {
                Some(sum) => *sum += count,
                None => {
                    rest.left_out.insert(name.to_owned(), count);
                }
            }
            return;
        }
        match tree.kind(at) {
            JsonKind::Null => {}
            JsonKind::Object | JsonKind::Array => {
                for child in tree.children(at) {
                    let name = tree.name(child);
                    if !name.is_empty() {
                        rest.steps.push(name);
                    }
                    self.rest(child, rest);
                    if !name.is_empty() {
                        rest.steps.pop();
                    }
                }
            }
            JsonKind::Text(_) | JsonKind::Plain(_) => {
                if self.released
                    && tree.text(at).is_some_and(|t| words::is_constant(&rest.steps.join("."), &t))
                {
                    return;
                }
                // A name in the data was written by others: only what has the form of FHIR's names is shown.
                let shown = |name: &str| {
                    if path::plain(name) || self.knows(name) {
                        name.to_owned()
                    } else {
                        "(not a name of FHIR)".to_owned()
                    }
                };
                if rest.unlisted.len() < TOLD {
                    let path: Vec<String> = rest.steps.iter().map(|s| shown(s)).collect();
                    rest.unlisted.entry(path.join(".")).or_insert(rest.number);
                }
            }
        }
    }
}

/// What a row's columns left of a resource, while it is walked through.
struct Rest<'a, 't> {
    tree: &'a Tree<'t>,
    seen: &'a Seen,
    /// The line, for messages.
    number: u64,
    /// The names from the resource down to where the walk is.
    steps: Vec<&'a str>,
    /// Elements that nobody named, with their first line.
    unlisted: &'a mut BTreeMap<String, u64>,
    /// Values that a rule left out, by the first element of their paths.
    left_out: &'a mut BTreeMap<String, u64>,
}

/// The values at and below a place.
fn values(tree: &Tree<'_>, at: u32) -> u64 {
    match tree.kind(at) {
        JsonKind::Null => 0,
        JsonKind::Text(_) | JsonKind::Plain(_) => 1,
        JsonKind::Object | JsonKind::Array => tree.children(at).map(|c| values(tree, c)).sum(),
    }
}

impl FhirReader {
    pub(super) fn open(path: &Path, spec: &ReadSpec<'_>, wanted: Wanted) -> Result<Self> {
        let mut rules = Rules::of(spec)?;
        let mut texts = Texts::open_for(path, spec.table, wanted)?;
        let (empty, fault) = {
            let whole = texts.is_whole();
            let first = match texts.peek() {
                Ok(first) => first,
                Err(stopped) => return Err(stopped.error(spec.table)),
            };
            // The first resource tells whether this is a file of the table at all.
            rules.looks_only = true;
            let mut rows = Rows::default();
            let looked = !whole || wanted == Wanted::Header;
            let fault =
                looked.then(|| rules.take(first, whole, 1, None, &mut rows).err()).flatten();
            rules.looks_only = wanted == Wanted::Header;
            (first.is_empty(), fault)
        };
        let resources = spec.resources.as_ref();
        let resources = resources.and_then(|all| Some((Arc::clone(all), all.file(path)?)));
        let bom = texts.bom;
        let reader = FhirReader {
            table: spec.table.clone(),
            rules,
            texts,
            resources,
            passed: 0,
            other: 0,
            older: 0,
            left_out: BTreeMap::new(),
            unlisted: BTreeMap::new(),
            facts: FileFacts { bom, ..FileFacts::default() },
        };
        if empty {
            return Err(header::empty(spec));
        }
        match fault {
            Some(fault) => Err(reader.error(1, fault)),
            None => Ok(reader),
        }
    }

    fn error(&self, line: u64, (entries, fault): Placed) -> Error {
        let at = |code, what: Said| {
            if entries.is_empty() {
                return Error::data(code, say!("table `{}`, line {}: {}", self.table, line, what));
            }
            // The n-th entry of the m-th entry, where a Bundle is in a Bundle.
            let entry: Vec<String> = entries.iter().map(usize::to_string).collect();
            let entry = Name::from_policy(entry.join("."));
            Error::data(
                code,
                say!("table `{}`, line {}, entry {}: {}", self.table, line, entry, what),
            )
        };
        match fault {
            Fault::Bytes => at("D0103", say!("bytes that are not UTF-8"))
                .advice(say!("correct it, or set such lines aside with set_aside = [\"bytes\"]")),
            Fault::Broken(Broken::Form) => at("D0351", say!("not one JSON object")).advice(say!(
                "each line of `.ndjson` is one resource or Bundle, and a file `.json` is one of them, or an array of them"
            )),
            Fault::Broken(Broken::Size) => {
                at("D0351", say!("deeper, wider or longer than a resource is"))
            }
            Fault::Broken(Broken::Twice) => at(
                "D0351",
                say!("two members of an element have one name, or a name is written with escapes"),
            ),
            Fault::Type(shown) => {
                let what = match shown {
                    Some(name) => say!(
                        "a resource of type `{}`; the rows of this table are of `{}`",
                        name,
                        Name::from_policy(self.rules.resource.clone())
                    ),
                    None => say!("no resource: `resourceType` is missing or not a name of FHIR"),
                };
                at("D0352", what).advice(say!("to pass resources of a type over, name it in `source.ignore`; to read them, write a table for them"))
            }
            Fault::Bundle(odd) => match odd {
                Odd::Type => at("D0357", say!("a Bundle whose type is not read"))
                    .advice(say!("read are document, collection, searchset, transaction, batch and history")),
                Odd::Entry => at("D0357", say!("an entry without a resource that is no deletion, or one that changes a part of a resource"))
                    .advice(say!("a release is made of whole resources: apply the change before, or take the entry away")),
                Odd::Deep => at("D0357", say!("Bundles in Bundles in Bundles")),
                Odd::Element => at("D0357", say!("an element that no Bundle of FHIR R4 has")),
            },
            Fault::Column(column, unfit) => {
                let name = self.rules.columns.get(column).map(|c| c.name.clone());
                match unfit {
                    Unfit::Repeated => at("D0353", say!("column `{}`: an element of its path is there more than once", name))
                        .advice(say!("say in its `path` which counts: `element[0]` the first (the others are counted), `element[*]` all of them, `element[key=value]` some; or make its repetitions rows with record = \"Type/element\"")),
                    Unfit::Element => at("D0354", say!("column `{}`: its path ends at an element with members, not at a value", name)),
                    Unfit::Reference => at("D0355", say!("column `{}`: not a reference to a resource of the type behind `@`", name))
                        .advice(say!("read are `Type/id`, the address of such a resource, `urn:uuid:`, `#id` of what is contained, and `Type?identifier=`")),
                    Unfit::Unknown => at("D0358", say!("column `{}`: whose it is cannot be told: the patient is contained, or named by an identifier that no patient of the input has", name))
                        .advice(say!("add the Patient resources, or take such resources away")),
                    Unfit::Several => at("D0358", say!("column `{}`: several resources of the input have the identifier, or the type and id, by which one is named", name))
                        .advice(say!("within a Bundle name it by its fullUrl; if such patients are one person, let the identifier be the person's key: a path such as subject.reference@Patient.identifier[system=...].value")),
                    Unfit::Conditional => at("D0358", say!("column `{}`: a conditional reference by something else than one identifier", name)),
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

impl FhirReader {
    /// Counts what was left out, for whoever must know that it was not forgotten.
    fn tell(&self) {
        let values: u64 = self.left_out.values().sum();
        if self.passed == 0 && self.other == 0 && self.older == 0 && values == 0 {
            return;
        }
        let by: Vec<String> =
            self.left_out.iter().map(|(name, count)| format!("{name} {count}")).collect();
        note!(
            info,
            "left out by the rules of the paths",
            table = self.table,
            repetitions = self.passed,
            other_resources = self.other,
            older_versions = self.older,
            values = values,
            by = Name::from_policy(by.join(", "))
        );
    }
}

impl Batches for FhirReader {
    fn next(&mut self, rows: usize) -> Result<Option<Batch>> {
        let mut builders: Vec<ColumnBuilder> =
            self.rules.columns.iter().map(|_| ColumnBuilder::default()).collect();
        let mut numbers: Vec<u64> = Vec::new();
        while numbers.len() < rows.min(ROWS) && !self.texts.ended {
            let window = self.texts.window();
            let window = window.map_err(|stopped| stopped.error(&self.table))?;
            let Some(window) = window else { break };
            let whole = self.texts.is_whole();
            let (rules, resources) = (&self.rules, self.resources.as_ref());
            let texts: Vec<(&[u8], u64)> = window.each().collect();
            let read: Vec<Rows> = texts
                .par_chunks(CHUNK)
                .map(|some| {
                    let mut rows = Rows::default();
                    for &(text, number) in some {
                        if let Err(fault) = rules.take(text, whole, number, resources, &mut rows) {
                            rows.fault = Some((number, fault));
                            break;
                        }
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
                self.older += some.older;
                for (name, count) in some.left_out {
                    *self.left_out.entry(name).or_default() += count;
                }
                numbers.extend(some.numbers);
            }
            if !self.unlisted.is_empty() {
                numbers.clear();
            }
        }
        if self.texts.ended && self.facts.sha3_256 == [0; 32] {
            if !self.unlisted.is_empty() {
                return Err(self.denied());
            }
            let digests = self.texts.digests().map_err(|e| {
                Error::io("X0505", say!("reading a file of table `{}`", self.table), &e)
            })?;
            self.facts.sha3_256 = digests.sha3;
            self.facts.sha256 = digests.sha2;
            self.facts.bytes = digests.bytes;
            self.tell();
        }
        if numbers.is_empty() && self.texts.ended {
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
