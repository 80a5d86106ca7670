//! Resources written from the rows of a release: NDJSON, a resource a line, or a Bundle a line.
//!
//! A resource has what a released column has, at the column's path, and a few words that are the same in all of them: the label of its
//! `meta.security`, and reasons for elements that FHIR asks for and the release leaves out. Nothing of the source is copied, so what
//! no column names cannot be there.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};

use rayon::prelude::*;

use super::super::{TableWriter, WriteSpec, Written};
use super::path::{JOINED, Part, Path, Rule, Step, Target};
use super::words;
use crate::error::{Error, Name, Result};
use crate::frame::Table;
use crate::say;

/// The columns before a row's own: the number of its table, and the person.
const BEFORE: usize = 2;
/// Stands before the token of a resource that is not in the release.
pub const ELSEWHERE: char = '?';
/// Resources a thread makes at once.
const CHUNK: usize = 256;

/// The tables of a file of resources.
#[derive(Clone, Debug)]
pub struct ResourceFile {
    /// In the order of the numbers in the first column.
    pub tables: Vec<ResourceTable>,
    /// Whether the resources are in Bundles.
    pub bundles: bool,
}

/// A table.
#[derive(Clone, Debug)]
pub struct ResourceTable {
    /// What its rows are (`Observation`, `Observation/component`).
    pub record: String,
    /// Its released columns: name, place among the cells of a row, paths.
    pub columns: Vec<(Name, usize, Vec<String>)>,
}

struct WrittenColumn {
    name: Name,
    at: usize,
    paths: Vec<Path>,
}

struct Resource {
    kind: String,
    element: Option<String>,
    columns: Vec<WrittenColumn>,
    /// Where the id stands; of a table of elements, that of the resource.
    id: Option<usize>,
    bundle: Option<usize>,
    timestamp: Option<usize>,
    sections: Option<usize>,
}

impl Resource {
    fn of(table: &ResourceTable) -> Result<Self> {
        let (kind, element) = match table.record.split_once('/') {
            Some((kind, element)) => (kind, Some(element)),
            None => (table.record.as_str(), None),
        };
        let mut columns = Vec::new();
        for (name, at, paths) in &table.columns {
            let paths =
                paths.iter().map(|p| Path::parse(p, element)).collect::<Result<Vec<_>>>()?;
            columns.push(WrittenColumn { name: name.clone(), at: BEFORE + at, paths });
        }
        let mut resource = Resource {
            kind: kind.to_owned(),
            element: element.map(str::to_owned),
            columns: Vec::new(),
            id: None,
            bundle: None,
            timestamp: None,
            sections: None,
        };
        for column in columns {
            let own = column.paths.first().and_then(|p| p.parts.first());
            let only = own.filter(|p| p.steps.len() == 1 && !p.inside);
            match only.map(|p| (p.outside, p.steps[0].name.as_str())) {
                Some((false, "id")) => resource.id = Some(column.at),
                Some((true, "id")) => resource.bundle = Some(column.at),
                Some((true, "timestamp")) => resource.timestamp = Some(column.at),
                Some((true, "section")) => resource.sections = Some(column.at),
                // What else a Bundle says of itself is not made again.
                _ if own.is_some_and(|p| p.outside) => {}
                _ => resource.columns.push(column),
            }
        }
        Ok(resource)
    }
}

/// Writes a file of resources.
pub(crate) struct Writer {
    table: Name,
    resources: Vec<Resource>,
    bundles: bool,
    out: BufWriter<File>,
    written: Written,
}

/// A part of a resource on its way.
enum Node {
    /// JSON.
    Plain(String),
    Object(Vec<(String, Node)>),
    Array(Vec<(Slot, Node)>),
}

/// Which repetition: as the path chooses it, and its number.
type Slot = (Option<String>, usize);

/// The entries of a Bundle by type and id.
type Entries<'a> = HashMap<(&'a str, &'a str), usize>;

impl Writer {
    pub(crate) fn new(file: File, spec: &WriteSpec<'_>, resources: &ResourceFile) -> Result<Self> {
        Ok(Writer {
            table: spec.table.clone(),
            resources: resources.tables.iter().map(Resource::of).collect::<Result<_>>()?,
            bundles: resources.bundles,
            out: BufWriter::with_capacity(1 << 20, file),
            written: Written::default(),
        })
    }

    /// The table of a row.
    fn of<'a>(&'a self, rows: &Table, row: usize) -> Option<&'a Resource> {
        let number: usize = rows.columns.first()?.text(row)?.parse().ok()?;
        self.resources.get(number)
    }

    /// Rows of elements by type and id of the resource that they are in.
    fn elements<'a>(&'a self, rows: &'a Table) -> HashMap<(&'a str, &'a str), Vec<usize>> {
        let mut elements: HashMap<(&str, &str), Vec<usize>> = HashMap::new();
        for row in 0..rows.rows {
            let Some(resource) = self.of(rows, row).filter(|r| r.element.is_some()) else {
                continue;
            };
            let Some(id) = resource.id.and_then(|at| rows.columns[at].text(row)) else { continue };
            elements.entry((&resource.kind, id)).or_default().push(row);
        }
        elements
    }

    /// One resource as members.
    fn resource(
        &self,
        rows: &Table,
        row: usize,
        resource: &Resource,
        elements: &HashMap<(&str, &str), Vec<usize>>,
        entries: Option<&Entries<'_>>,
    ) -> Result<Vec<(String, Node)>> {
        let mut members = vec![("resourceType".to_owned(), text(&resource.kind))];
        let id = resource.id.and_then(|at| rows.columns[at].text(row));
        if let Some(id) = id {
            members.push(("id".to_owned(), text(id)));
        }
        members.push(("meta".to_owned(), Node::Plain(words::META.to_owned())));
        self.cells(rows, row, resource, entries, &mut members)?;
        if let Some(own) = id.and_then(|id| elements.get(&(resource.kind.as_str(), id))) {
            for &row in own {
                let Some(inner) = self.of(rows, row) else { continue };
                let mut one = Vec::new();
                self.cells(rows, row, inner, entries, &mut one)?;
                let name = inner.element.clone().unwrap_or_default();
                absent(&format!("{}.{name}", resource.kind), inner, &mut one);
                if let Node::Array(all) = child(&mut members, &name, true) {
                    all.push(((None, usize::MAX), Node::Object(one)));
                }
            }
        }
        // FHIR has one of them: the time says that it happened.
        if members.iter().any(|(name, _)| name == "deceasedDateTime") {
            members.retain(|(name, _)| name != "deceasedBoolean");
        }
        absent(&resource.kind, resource, &mut members);
        Ok(members)
    }

    fn cells(
        &self,
        rows: &Table,
        row: usize,
        resource: &Resource,
        entries: Option<&Entries<'_>>,
        members: &mut Vec<(String, Node)>,
    ) -> Result<()> {
        for column in &resource.columns {
            let Some(cell) = rows.columns[column.at].text(row) else { continue };
            // What tables of elements repeat of their resource stands there.
            let inside =
                |p: &&Path| resource.element.is_none() || p.parts.iter().all(|part| part.inside);
            let mut paths: Vec<&Path> = column.paths.iter().filter(inside).collect();
            if paths.is_empty() {
                continue;
            }
            if words::is_reason(cell) {
                // A reason why there is no value is none, though a place for texts would take it.
                paths.sort_by_key(|p| !p.names().any(|name| name == "dataAbsentReason"));
            }
            let fits = paths
                .into_iter()
                .any(|path| put(members, &resource.kind, path, cell, entries).is_some());
            if !fits {
                return Err(Error::refused(
                    "C0505",
                    say!(
                        "table `{}`, column `{}`: a cell is no value that FHIR has at its path",
                        self.table,
                        column.name
                    ),
                )
                .advice(say!(
                    "another treatment, \"drop\" for the column, or leave `form` out of `output`"
                )));
            }
        }
        Ok(())
    }

    /// A Bundle of the rows of one person and one Bundle of the source.
    fn bundle(
        &self,
        rows: &Table,
        own: &[usize],
        elements: &HashMap<(&str, &str), Vec<usize>>,
    ) -> Result<String> {
        let mut order: Vec<(usize, &Resource)> = own
            .iter()
            .filter_map(|&row| Some((row, self.of(rows, row).filter(|r| r.element.is_none())?)))
            .collect();
        // A document begins with its Composition (bdl-11); there is one.
        order.sort_by_key(|(_, r)| r.kind != "Composition");
        let document = order.first().is_some_and(|(_, r)| r.kind == "Composition");
        let cell = |at: Option<usize>, row: usize| at.and_then(|at| rows.columns[at].text(row));
        let mut entries: Entries<'_> = HashMap::new();
        for (number, (row, resource)) in order.iter().enumerate() {
            if let Some(id) = cell(resource.id, *row) {
                entries.insert((&resource.kind, id), number);
            }
        }
        let mut sections: Vec<(String, Vec<String>)> = Vec::new();
        for (row, resource) in &order {
            let (Some(codes), Some(id)) = (cell(resource.sections, *row), cell(resource.id, *row))
            else {
                continue;
            };
            for code in codes.split(JOINED) {
                let reference = words::urn(id);
                match sections.iter_mut().find(|(own, _)| own == code) {
                    Some((_, of)) => of.push(reference),
                    None => sections.push((code.to_owned(), vec![reference])),
                }
            }
        }
        sections.sort();
        let first = order.first().copied();
        let mut bundle = vec![("resourceType".to_owned(), text("Bundle"))];
        if let Some(id) = first.and_then(|(row, r)| cell(r.bundle, row)) {
            bundle.push(("id".to_owned(), text(id)));
            bundle.push(("meta".to_owned(), Node::Plain(words::META.to_owned())));
            let identifier = Node::Object(vec![
                ("system".to_owned(), text(words::URI)),
                ("value".to_owned(), text(&words::urn(id))),
            ]);
            bundle.push(("identifier".to_owned(), identifier));
        }
        let kind = if document { "document" } else { "collection" };
        bundle.push(("type".to_owned(), text(kind)));
        match first.and_then(|(row, r)| cell(r.timestamp, row)) {
            Some(time) => bundle.push(("timestamp".to_owned(), text(time))),
            None => bundle.push(("_timestamp".to_owned(), Node::Plain(words::masked()))),
        }
        let mut all = Vec::new();
        for (number, (row, resource)) in order.iter().enumerate() {
            let mut members = self.resource(rows, *row, resource, elements, Some(&entries))?;
            if document && number == 0 && !sections.is_empty() {
                let sections = sections
                    .iter()
                    .enumerate()
                    .map(|(n, (code, references))| ((None, n), section(code, references)));
                members.push(("section".to_owned(), Node::Array(sections.collect())));
            }
            let mut entry = Vec::new();
            if let Some(id) = cell(resource.id, *row) {
                entry.push(("fullUrl".to_owned(), text(&words::urn(id))));
            }
            entry.push(("resource".to_owned(), Node::Object(members)));
            all.push(((None, number), Node::Object(entry)));
        }
        bundle.push(("entry".to_owned(), Node::Array(all)));
        let mut line = String::new();
        write(&Node::Object(bundle), &mut line);
        line.push('\n');
        Ok(line)
    }

    /// The rows of each person and Bundle, in the order of the persons.
    fn by_bundle(&self, rows: &Table) -> Vec<Vec<usize>> {
        let mut found: HashMap<(u32, u32), usize> = HashMap::new();
        let mut all: Vec<Vec<usize>> = Vec::new();
        // Codes of different columns are different numbers: the Bundle is told by its text.
        let mut known: HashMap<&str, u32> = HashMap::new();
        for row in 0..rows.rows {
            let at = self.of(rows, row).and_then(|r| r.bundle);
            let text = at.and_then(|at| rows.columns[at].text(row)).unwrap_or_default();
            let next = known.len() as u32;
            let bundle = *known.entry(text).or_insert(next);
            let person = rows.columns[1].codes()[row];
            let place = *found.entry((person, bundle)).or_insert_with(|| {
                all.push(Vec::new());
                all.len() - 1
            });
            all[place].push(row);
        }
        all
    }
}

impl TableWriter for Writer {
    fn write(&mut self, rows: &Table) -> Result<()> {
        let elements = self.elements(rows);
        let lines: Vec<String> = if self.bundles {
            let bundles = self.by_bundle(rows);
            bundles
                .par_iter()
                .map(|own| self.bundle(rows, own, &elements))
                .collect::<Result<_>>()?
        } else {
            let whole = |&row: &usize| self.of(rows, row).is_some_and(|r| r.element.is_none());
            let own: Vec<usize> = (0..rows.rows).filter(whole).collect();
            own.par_chunks(CHUNK)
                .map(|some| {
                    let mut lines = String::new();
                    for &row in some {
                        let Some(resource) = self.of(rows, row) else { continue };
                        let members = self.resource(rows, row, resource, &elements, None)?;
                        write(&Node::Object(members), &mut lines);
                        lines.push('\n');
                    }
                    Ok(lines)
                })
                .collect::<Result<_>>()?
        };
        for line in lines {
            self.written.bytes += line.len() as u64;
            self.out
                .write_all(line.as_bytes())
                .map_err(|e| Error::io("X0508", say!("writing table `{}`", self.table), &e))?;
        }
        self.written.rows += rows.rows as u64;
        Ok(())
    }

    fn finish(self: Box<Self>) -> Result<Written> {
        let failed =
            |e: &std::io::Error| Error::io("X0508", say!("writing table `{}`", self.table), e);
        let file = self.out.into_inner().map_err(|e| failed(e.error()))?;
        file.sync_all().map_err(|e| failed(&e))?;
        Ok(self.written)
    }
}

fn text(text: &str) -> Node {
    Node::Plain(words::quoted(text))
}

fn section(code: &str, references: &[String]) -> Node {
    let (system, code) = code.rsplit_once('|').unwrap_or(("", code));
    let mut coding = Vec::new();
    if !system.is_empty() {
        coding.push(("system".to_owned(), text(system)));
    }
    coding.push(("code".to_owned(), text(code)));
    let coding = Node::Array(vec![((None, 0), Node::Object(coding))]);
    let entries = references.iter().enumerate().map(|(n, reference)| {
        ((None, n), Node::Object(vec![("reference".to_owned(), text(reference))]))
    });
    Node::Object(vec![
        ("code".to_owned(), Node::Object(vec![("coding".to_owned(), coding)])),
        ("entry".to_owned(), Node::Array(entries.collect())),
    ])
}

/// Puts a cell at a path; `None` if it is no value there.
fn put(
    members: &mut Vec<(String, Node)>,
    kind: &str,
    path: &Path,
    cell: &str,
    entries: Option<&Entries<'_>>,
) -> Option<()> {
    match path.parts.as_slice() {
        [part] => match &part.target {
            Some(target) => reference(members, kind, part, target, cell, entries),
            // Only the reader's own word stands for a reason in place of a value.
            None if part.without_value().is_some() => {
                let ([only], Some(name)) = (part.steps.as_slice(), part.without_value()) else {
                    return None;
                };
                (only.name == cell).then_some(())?;
                members.push((name.to_owned(), Node::Plain(words::unknown())));
                Some(())
            }
            None => place(members, kind, &part.steps, "", cell),
        },
        [before, behind] if before.steps.last().is_some_and(|s| s.name == "comparator") => {
            let sign = ["<=", ">=", "<", ">"].into_iter().find(|s| cell.starts_with(s));
            let number = cell[sign.map_or(0, str::len)..].trim_start();
            words::is_number(number).then_some(())?;
            if let Some(sign) = sign {
                place(members, kind, &before.steps, "", sign)?;
            }
            place(members, kind, &behind.steps, "", number)
        }
        _ => None,
    }
}

fn reference(
    members: &mut Vec<(String, Node)>,
    kind: &str,
    part: &Part,
    target: &Target,
    cell: &str,
    entries: Option<&Entries<'_>>,
) -> Option<()> {
    let mut made = Vec::new();
    let (cell, elsewhere) = match cell.strip_prefix(ELSEWHERE) {
        Some(cell) => (cell, true),
        None => (cell, false),
    };
    let here = |id: &str| entries.is_some_and(|all| all.contains_key(&(target.kind.as_str(), id)));
    let mut only = entries.into_iter().flat_map(HashMap::keys).filter(|(k, _)| *k == target.kind);
    match (target.systems.first(), entries) {
        (Some(_), Some(_)) => {
            if let (Some((_, id)), None) = (only.next(), only.next()) {
                made.push(("reference".to_owned(), text(&words::urn(id))));
            }
        }
        (None, Some(_)) if here(cell) => {
            made.push(("reference".to_owned(), text(&words::urn(cell))));
        }
        (None, None) if !elsewhere => {
            made.push(("reference".to_owned(), text(&format!("{}/{cell}", target.kind))));
        }
        _ => {}
    }
    made.push(("type".to_owned(), text(&target.kind)));
    if made.len() == 1 || !target.systems.is_empty() {
        let mut identifier = Vec::new();
        if let Some(system) = target.systems.first() {
            identifier.push(("system".to_owned(), text(system)));
        }
        identifier.push(("value".to_owned(), text(cell)));
        made.push(("identifier".to_owned(), Node::Object(identifier)));
    }
    let steps = &part.steps[..part.steps.len() - 1];
    let Node::Object(inner) = at(members, kind, steps, "", 0)? else { return None };
    inner.extend(made);
    Some(())
}

/// The element at the end of some steps; it is made if it is not there.
fn at<'n>(
    members: &'n mut Vec<(String, Node)>,
    kind: &str,
    steps: &[Step],
    before: &str,
    number: usize,
) -> Option<&'n mut Node> {
    let (step, rest) = steps.split_first()?;
    let here = joined(before, &step.name);
    let repeats = step.filter.is_some() || step.rule != Rule::One || words::repeats(kind, &here);
    let node = child(members, &step.name, repeats);
    let node = match node {
        Node::Array(all) => {
            let chosen = step.filter.as_ref().map(|f| format!("{}{}", f.not, f.values.join("|")));
            let last = !rest.iter().any(|s| s.rule == Rule::All);
            let slot = (chosen, if step.rule == Rule::All && last { number } else { 0 });
            let place = match all.iter().position(|(own, _)| *own == slot) {
                Some(place) => place,
                None => {
                    let mut fresh = Vec::new();
                    // The word by which the path chooses; another column may say which of several it was.
                    if let Some(filter) = step.filter.as_ref().filter(|f| !f.not)
                        && let [key] = filter.key.as_slice()
                    {
                        fresh.push((key.clone(), text(&filter.values[0])));
                    }
                    all.push((slot, Node::Object(fresh)));
                    all.len() - 1
                }
            };
            &mut all[place].1
        }
        node => node,
    };
    if rest.is_empty() {
        return Some(node);
    }
    match node {
        Node::Object(inner) => at(inner, kind, rest, &here, number),
        _ => None,
    }
}

fn joined(before: &str, name: &str) -> String {
    if before.is_empty() { name.to_owned() } else { format!("{before}.{name}") }
}

/// The member with a name; it is made if it is not there.
fn child<'n>(members: &'n mut Vec<(String, Node)>, name: &str, repeats: bool) -> &'n mut Node {
    let place = match members.iter().position(|(own, _)| own == name) {
        Some(place) => place,
        None => {
            let empty = if repeats { Node::Array(Vec::new()) } else { Node::Object(Vec::new()) };
            members.push((name.to_owned(), empty));
            members.len() - 1
        }
    };
    &mut members[place].1
}

/// Puts a value, or the values of a repeated element.
fn place(
    members: &mut Vec<(String, Node)>,
    kind: &str,
    steps: &[Step],
    before: &str,
    cell: &str,
) -> Option<()> {
    let (last, parents) = steps.split_last()?;
    let several = steps.iter().any(|s| s.rule == Rule::All);
    let cells: Vec<&str> = if several { cell.split(JOINED).collect() } else { vec![cell] };
    let parent = parents.last().map_or("", |s| s.name.as_str());
    let leaves: Vec<String> =
        cells.iter().map(|c| words::leaf(parent, &last.name, c)).collect::<Option<_>>()?;
    let reason = parent == "coding" && parents.iter().any(|s| s.name == "dataAbsentReason");
    if reason && !cells.iter().all(|c| words::is_reason(c)) {
        return None;
    }
    let mut path = before.to_owned();
    for step in steps {
        path = joined(&path, &step.name);
    }
    let repeats = last.rule != Rule::One || words::repeats(kind, &path);
    for (number, leaf) in leaves.into_iter().enumerate() {
        let inner = match parents {
            [] => &mut *members,
            parents => match at(members, kind, parents, before, number)? {
                Node::Object(inner) => inner,
                _ => return None,
            },
        };
        let element = parents.len().checked_sub(2).map_or("", |at| parents[at].name.as_str());
        if parent == "coding"
            && last.name == "code"
            && let Some(system) = words::only_system(kind, element)
        {
            inner.retain(|(name, _)| name != "system");
            inner.push(("system".to_owned(), text(system)));
        }
        if repeats {
            if let Node::Array(all) = child(inner, &last.name, true) {
                all.push(((None, number), Node::Plain(leaf)));
            }
        } else {
            inner.retain(|(name, _)| *name != last.name);
            inner.push((last.name.clone(), Node::Plain(leaf)));
        }
    }
    Some(())
}

/// Says why elements are missing that FHIR or the profiles of the six kinds of information ask for.
fn absent(kind: &str, resource: &Resource, members: &mut Vec<(String, Node)>) {
    for (element, name) in words::needs_inside(kind) {
        let Some((_, Node::Array(all))) = members.iter_mut().find(|(own, _)| own == element) else {
            continue;
        };
        for (_, one) in all {
            if let Node::Object(inner) = one
                && !inner.iter().any(|(own, _)| own == name)
            {
                inner.push(((*name).to_owned(), Node::Plain(format!("[{}]", words::masked()))));
            }
        }
    }
    for need in words::needs(kind) {
        let there = |name: &str| name.strip_prefix('_').unwrap_or(name).starts_with(need.prefix);
        if members.iter().any(|(name, _)| there(name)) {
            continue;
        }
        let steps = |c: &WrittenColumn| {
            c.paths
                .iter()
                .flat_map(|p| &p.parts)
                .any(|p| p.steps.first().is_some_and(|s| s.name.starts_with(need.prefix)))
        };
        // The source has no such value where a column is released and its cell is empty.
        let released = resource.columns.iter().any(steps);
        if released && !need.base {
            continue;
        }
        let reason = if released { words::unknown() } else { words::masked() };
        let reason = if need.repeats { format!("[{reason}]") } else { reason };
        members.push((need.name.to_owned(), Node::Plain(reason)));
    }
}

fn write(node: &Node, out: &mut String) {
    match node {
        Node::Plain(json) => out.push_str(json),
        Node::Object(members) => {
            out.push('{');
            for (index, (name, node)) in members.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                out.push_str(&words::quoted(name));
                out.push(':');
                write(node, out);
            }
            out.push('}');
        }
        Node::Array(all) => {
            out.push('[');
            for (index, (_, node)) in all.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                write(node, out);
            }
            out.push(']');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Column;
    use crate::schema::file::{InputFormat, Output, OutputFormat};
    use crate::{ColumnSpec, ReadSpec, create, open_released};

    fn table() -> Vec<(Name, usize, Vec<String>)> {
        let column = |name: &'static str, at, paths: &[&str]| {
            (Name::fixed(name), at, paths.iter().map(|p| (*p).to_owned()).collect())
        };
        vec![
            column("id", 0, &["id"]),
            column("patient", 1, &["subject.reference@Patient"]),
            column("code", 2, &["code.coding[system=urn:a|urn:b].code"]),
            column("others", 3, &["code.coding[system!=urn:a|urn:b][*].code"]),
            column(
                "value",
                4,
                &[
                    "valueQuantity.comparator+valueQuantity.value",
                    "valueString",
                    "dataAbsentReason.coding[0].code",
                ],
            ),
            column("when", 5, &["effectiveDateTime", "effectivePeriod.start"]),
        ]
    }

    fn written(cells: [&str; 6]) -> Result<String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Observation.ndjson");
        let name = Name::fixed("o");
        let output = Output { format: OutputFormat::Ndjson, ..Output::default() };
        let resources = ResourceFile {
            tables: vec![ResourceTable { record: "Observation".into(), columns: table() }],
            bundles: false,
        };
        let spec = WriteSpec {
            table: &name,
            columns: &[],
            output: &output,
            dialect: Default::default(),
            resources: Some(resources),
        };
        let cell = |text: &&str| Column::constant((!text.is_empty()).then_some(*text), 1);
        let columns = ["000000", "P"].iter().chain(&cells).map(cell).collect();
        let mut writer = create(&path, &spec)?;
        writer.write(&Table { rows: 1, columns })?;
        writer.finish()?;
        Ok(std::fs::read_to_string(path).unwrap())
    }

    fn read(text: &str) -> Result<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("Observation.ndjson");
        std::fs::write(&path, text).unwrap();
        let name = Name::fixed("o");
        let columns: Vec<ColumnSpec> = table()
            .into_iter()
            .map(|(name, _, path)| ColumnSpec { path, ..ColumnSpec::text(name) })
            .collect();
        let spec = ReadSpec {
            record: Some("Observation"),
            released: true,
            ..ReadSpec::new(&name, InputFormat::Fhir, &columns)
        };
        let mut reader = open_released(&path, &spec)?;
        let batch = reader.next(10)?.unwrap();
        let cells = batch.table.columns.iter().map(|c| c.text(0).unwrap_or("").to_owned());
        Ok(cells.collect())
    }

    #[test]
    fn what_is_written_is_read_again_and_nothing_else_may_stand_there() {
        for cells in [
            ["A1", "T1", "c", "x~y", "<5.10", "2026-04-01T09:00:00+09:00"],
            ["A1", "T1", "", "", "1+", "2026-04"],
            ["A1", "", "c", "", "not-performed", ""],
            ["A1", "T\"1\\", "山", "", "-0.5", "2026"],
        ] {
            let text = written(cells).unwrap();
            assert_eq!(read(&text).unwrap(), cells, "{text}");
        }
        let text = written(["A1", "?T1", "c", "", "1", "2026"]).unwrap();
        assert!(text.contains("\"identifier\"") && !text.contains("Patient/"), "{text}");
        assert_eq!(read(&text).unwrap()[1], "T1");
        for (from, to) in [
            ("\"meta\":{", "\"note\":[{\"text\":\"x\"}],\"meta\":{"),
            ("PSEUDED", "SMITH"),
            ("\"valueCode\":\"masked\"", "\"valueCode\":\"Smith\""),
            ("\"meta\":{", "\"meta\":{\"source\":\"x\","),
        ] {
            assert!(read(&text.replacen(from, to, 1)).is_err(), "{from}");
        }
    }

    #[test]
    fn what_is_no_value_of_fhir_is_not_written() {
        for cells in [
            ["A1", "T1", "c", "", "1", "2026-Q2"],
            ["A1", "T1", "c", "", "1", "2026-04-01T09:00:00"],
        ] {
            assert_eq!(written(cells).unwrap_err().code, "C0505");
        }
    }
}
