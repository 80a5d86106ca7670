//! k and l recounted from the files of a release, by grouping their rows plainly: no code of the engine's views is used.

use std::collections::BTreeSet;
use std::path::Path as FilePath;
use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use crate::digest::Digests;
use crate::error::{Error, Name, Result};
use crate::formats::{self, ColumnSpec, OutType, ReadSpec};
use crate::frame::{Column, Interner, MISSING, Patients, Table};
use crate::models::{self, Counted};
use crate::say;
use crate::schema::file::{NamePart, Parts};
use crate::stays;
use crate::steady::Values;
use crate::structure::{
    ColumnPath, ColumnShape, LongShape, Path, Structure, TableShape, ViewShape, type_word,
};
use crate::text::number::Decimal;

/// The cells of a released table, as numbers of texts; [`MISSING`] for an empty cell.
pub struct Cells {
    /// By column.
    pub columns: Vec<Vec<u32>>,
    /// Texts by column.
    pub texts: Vec<Interner>,
    /// Rows.
    pub rows: u64,
    /// The persons, where the codes and texts of their column were not kept.
    pub persons: Option<Persons>,
    /// By column whose codes were not kept: what each person shows; none if it is no fact of persons.
    pub steady: HashMap<usize, Option<Values>>,
    /// What stays show, where it was seen as the rows passed.
    pub stays: stays::Facts,
}

/// The persons of a table, and what is known of each without its rows.
#[derive(Clone, Debug, Default)]
pub struct Persons {
    /// Their tokens.
    pub tokens: Arc<Vec<[u8; 16]>>,
    /// Rows of each.
    pub rows: Vec<u32>,
}

/// Whom a cell names. Two cells are one person if and only if their texts are equal.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Who<'a> {
    /// A token.
    Token([u8; 16]),
    /// Anything else (no file of a release may have it).
    Other(&'a str),
}

impl<'a> Who<'a> {
    /// Of a cell.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        crate::token::written_token(text).map_or(Who::Other(text), Who::Token)
    }
}

/// The tables of a release by their files: numbers of tables, those of one long file together.
#[must_use]
pub fn by_file(structure: &Structure) -> Vec<Vec<usize>> {
    let mut files: Vec<Vec<usize>> = Vec::new();
    for (t, shape) in structure.tables.iter().enumerate() {
        // Resources are read table by table: each looks at its own.
        let rows = shape.long.as_ref().is_some_and(|long| long.resources.is_none());
        let same = |first: &TableShape| rows && first.file == shape.file;
        match files.iter_mut().find(|f| f.first().is_some_and(|&f| same(&structure.tables[f]))) {
            Some(file) => file.push(t),
            None => files.push(vec![t]),
        }
    }
    files
}

impl Cells {
    /// The codes of a column; none if there is no such column or it was forgotten.
    #[must_use]
    pub fn codes(&self, column: usize) -> Option<&Vec<u32>> {
        self.columns.get(column).filter(|codes| codes.len() as u64 == self.rows)
    }

    /// The persons of the table in the order of their numbers.
    #[must_use]
    pub fn people(&self, shape: &TableShape) -> Vec<Who<'_>> {
        match &self.persons {
            Some(persons) => persons.tokens.iter().copied().map(Who::Token).collect(),
            None => self
                .texts
                .get(shape.person)
                .map_or_else(Vec::new, |texts| texts.dictionary().texts().map(Who::of).collect()),
        }
    }

    /// The rows of each person, in that order; none if a row is nobody's.
    #[must_use]
    pub fn rows_of_people(&self, shape: &TableShape) -> Option<Vec<u32>> {
        if let Some(persons) = &self.persons {
            let sum: u64 = persons.rows.iter().map(|&rows| u64::from(rows)).sum();
            return (sum == self.rows).then(|| persons.rows.clone());
        }
        let mut rows = vec![0; self.texts.get(shape.person)?.dictionary().len()];
        for &person in self.codes(shape.person)? {
            *rows.get_mut(person as usize)? += 1;
        }
        Some(rows)
    }
}

/// Reads all tables of a release, each file once.
///
/// # Errors
/// If a file is not what the structure says.
pub fn read(folder: &FilePath, structure: &Structure) -> Result<Vec<Cells>> {
    let mut read: Vec<(usize, Cells)> = Vec::with_capacity(structure.tables.len());
    for tables in by_file(structure) {
        let cells = read_file(folder, structure, &tables)?;
        read.extend(tables.into_iter().zip(cells));
    }
    read.sort_by_key(|(t, _)| *t);
    Ok(read.into_iter().map(|(_, cells)| cells).collect())
}

/// Reads the tables of one file ([`by_file`]).
///
/// # Errors
/// Those of [`stream`].
pub fn read_file(folder: &FilePath, structure: &Structure, tables: &[usize]) -> Result<Vec<Cells>> {
    let mut all: Vec<Cells> = tables
        .iter()
        .map(|&t| {
            let width = structure.tables.get(t).map_or(0, |shape| shape.columns.len());
            Cells {
                columns: vec![Vec::new(); width],
                texts: (0..width).map(|_| Interner::new()).collect(),
                rows: 0,
                persons: None,
                steady: HashMap::new(),
                stays: stays::Facts::new(),
            }
        })
        .collect();
    stream(folder, structure, tables, &mut |t, rows| {
        let cells = &mut all[t];
        cells.rows += rows.rows as u64;
        let found = rows.columns.par_iter().zip(&mut cells.columns).zip(&mut cells.texts);
        found.for_each(|((column, out), texts)| {
            // Only the texts of these rows: counts and searches are of the table.
            let mut map = vec![MISSING; column.dictionary().len()];
            out.extend(column.codes().iter().map(|&code| {
                if code == MISSING {
                    return MISSING;
                }
                let slot = &mut map[code as usize];
                if *slot == MISSING {
                    *slot = texts.intern(column.dictionary().text(code));
                }
                *slot
            }));
        });
        Ok(())
    })?;
    Ok(all)
}

/// The files of a table, relative to the release folder: one, or those in the folder with such a name.
///
/// # Errors
/// If the folder cannot be listed.
pub fn paths(folder: &FilePath, shape: &TableShape) -> Result<Vec<String>> {
    let names = shape.long.as_ref().map_or(&[][..], |l| l.names.as_slice());
    if names.is_empty() {
        return Ok(vec![shape.file.clone()]);
    }
    let inside = shape.file.split('/').next().unwrap_or_default();
    let fail = |e: &std::io::Error| Error::io("X0414", say!("listing the files of a release"), e);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder.join(inside)).map_err(|e| fail(&e))? {
        let name = entry.map_err(|e| fail(&e))?.file_name();
        if let Some(name) = name.to_str().filter(|name| could_be(name, names)) {
            found.push(format!("{inside}/{name}"));
        }
    }
    found.sort();
    Ok(found)
}

/// Whether a name may be made of these parts.
fn could_be(name: &str, parts: &[NamePart]) -> bool {
    let mut rest = name;
    let mut hole = false;
    for (at, part) in parts.iter().enumerate() {
        let NamePart::Text(text) = part else {
            hole = true;
            continue;
        };
        let last = at + 1 == parts.len();
        rest = match (hole, last) {
            (false, _) => match rest.strip_prefix(text.as_str()) {
                Some(rest) => rest,
                None => return false,
            },
            (true, true) => match rest.strip_suffix(text.as_str()) {
                Some(value) => return !value.is_empty(),
                None => return false,
            },
            // A value has a character at least, and may begin like the text behind it.
            (true, false) => {
                let Some(first) = rest.chars().next() else { return false };
                match rest[first.len_utf8()..].split_once(text.as_str()) {
                    Some((_, rest)) => rest,
                    None => return false,
                }
            }
        };
        hole = false;
    }
    if hole { !rest.is_empty() } else { rest.is_empty() }
}

/// Whether all rows make the name of the file that they are in.
fn bear_its_name(path: &str, parts: &[NamePart], rows: &Table) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let mut known: HashMap<Vec<u32>, bool> = HashMap::new();
    (0..rows.rows).all(|row| {
        let cell = |at: usize| rows.columns.get(at).and_then(|c| c.text(row));
        let codes = parts.iter().filter_map(|part| match part {
            NamePart::Column(at, _) => rows.columns.get(*at).map(|c| c.codes()[row]),
            NamePart::Text(_) => None,
        });
        *known.entry(codes.collect()).or_insert_with(|| {
            let made: String = parts
                .iter()
                .map(|part| match part {
                    NamePart::Text(text) => text.clone(),
                    NamePart::Column(at, None) => cell(*at).unwrap_or("none").to_owned(),
                    NamePart::Column(at, Some(month)) => month.of(cell(*at)),
                })
                .collect();
            made == name
        })
    })
}

/// Reads the tables of one file ([`by_file`]), or of the files that have its names, batch by batch; `f` gets the place in `tables` and
/// the rows. Gives the digests of the bytes that were read, by file.
///
/// # Errors
/// If the file is not what the structure says; a row of a long file that belongs to none of its tables, or that holds a
/// cell in a column that its table does not have.
pub fn stream(
    folder: &FilePath,
    structure: &Structure,
    tables: &[usize],
    f: &mut dyn FnMut(usize, Table) -> Result<()>,
) -> Result<Vec<(String, Digests)>> {
    let broken = || {
        Error::data(
            "D0901",
            say!("the record's description of the release does not fit its tables"),
        )
    };
    let shapes: Vec<&TableShape> = tables
        .iter()
        .map(|&t| structure.tables.get(t).ok_or_else(broken))
        .collect::<Result<_>>()?;
    let first = *shapes.first().ok_or_else(broken)?;
    let Some(long) = first.long.as_ref().filter(|long| long.resources.is_none()) else {
        let path = &first.file;
        let read = batches(folder, structure, (first, path), &first.columns, &mut |r| f(0, r))?;
        return Ok(vec![(path.clone(), read)]);
    };
    let text = type_word(OutType::Text).to_owned();
    let columns: Vec<ColumnShape> = long
        .columns
        .iter()
        .enumerate()
        .map(|(at, name)| ColumnShape {
            name: name.clone(),
            ty: long.types.get(at).unwrap_or(&text).clone(),
            token: false,
            parts: Parts::Whole,
        })
        .collect();
    let longs: Vec<&LongShape> = shapes
        .iter()
        .map(|s| s.long.as_ref().filter(|l| l.columns == long.columns).ok_or_else(broken))
        .collect::<Result<_>>()?;
    let width = long.columns.len();
    let fits = |l: &&LongShape, s: &&TableShape| {
        l.at.len() == s.columns.len()
            && (!l.matching.is_empty() || tables.len() == 1)
            && l.fillers.iter().all(|(c, _)| !l.at.contains(c))
            && l.at.iter().chain(l.matching.iter().map(|(c, _)| c)).all(|&c| c < width)
    };
    if !longs.iter().zip(&shapes).all(|(l, s)| fits(l, s)) {
        return Err(broken());
    }
    let name = Name::from_policy(first.file.clone());
    // Which of the tables have the value of a cell in a column: by column that decides, by code.
    let mut deciding: Vec<usize> =
        longs.iter().flat_map(|l| l.matching.iter().map(|(c, _)| *c)).collect();
    deciding.sort_unstable();
    deciding.dedup();
    let mut part = |path: &str, whole: Table| {
        if !long.names.is_empty() && !bear_its_name(path, &long.names, &whole) {
            return Err(Error::refused(
                "C0207",
                say!("the files {}: a row stands in a file whose name it does not make", name),
            ));
        }
        let mut known: HashMap<Vec<u32>, Option<usize>> = HashMap::new();
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); tables.len()];
        for row in 0..whole.rows {
            let tuple: Vec<u32> = deciding.iter().map(|&c| whole.columns[c].codes()[row]).collect();
            let found = *known.entry(tuple).or_insert_with(|| {
                longs.iter().position(|l| {
                    l.matching.iter().all(|(c, values)| {
                        let text = whole.columns[*c].text(row).unwrap_or("");
                        values.iter().any(|v| v == text)
                    })
                })
            });
            let Some(table) = found else {
                let what = say!("the file {}: a row belongs to no table of the release", name);
                return Err(Error::refused("C0207", what));
            };
            rows[table].push(row as u32);
        }
        for (t, ((long, shape), rows)) in longs.iter().zip(&shapes).zip(rows).enumerate() {
            for column in (0..width).filter(|c| !long.at.contains(c)) {
                let cells = &whole.columns[column];
                let filler = long.fillers.iter().find(|(c, _)| *c == column);
                let filler = filler.map(|(_, text)| text.as_str());
                let fine: Vec<bool> =
                    cells.dictionary().texts().map(|text| Some(text) == filler).collect();
                let codes = cells.codes();
                let filled = |code: u32| match code {
                    MISSING => filler.is_none(),
                    code => fine[code as usize],
                };
                if !rows.iter().all(|&row| filled(codes[row as usize])) {
                    return Err(Error::refused(
                        "C0208",
                        say!(
                            "table `{}`: its rows in the file {} hold cells in column `{}`, which it does not release",
                            Name::from_policy(shape.name.clone()),
                            name,
                            Name::from_policy(long.columns[column].clone())
                        ),
                    ));
                }
            }
            let columns = long.at.iter().map(|&c| whole.columns[c].take(&rows)).collect();
            f(t, Table { rows: rows.len(), columns })?;
        }
        Ok(())
    };
    let mut read = Vec::new();
    for path in paths(folder, first)? {
        let whole = &mut |whole: Table| part(&path, whole);
        let digests = batches(folder, structure, (first, &path), &columns, whole)?;
        read.push((path, digests));
    }
    Ok(read)
}

/// Reads a file batch by batch: the cells of each column, put together from the columns that it stands in.
fn batches(
    folder: &FilePath,
    structure: &Structure,
    (shape, path): (&TableShape, &str),
    columns: &[ColumnShape],
    f: &mut dyn FnMut(Table) -> Result<()>,
) -> Result<Digests> {
    let name = Name::from_policy(shape.name.clone());
    let mut in_file: Vec<ColumnSpec> = columns
        .iter()
        .flat_map(ColumnShape::in_file)
        .map(|column| ColumnSpec::text(Name::from_policy(column)))
        .collect();
    let long = shape.long.as_ref();
    let resources = long.and_then(|l| l.resources.as_ref());
    if let Some(resources) = resources {
        if resources.paths.len() != in_file.len() {
            return Err(Error::data(
                "D0902",
                say!("the record's description of the release does not fit its tables"),
            ));
        }
        for (column, path) in in_file.iter_mut().zip(&resources.paths) {
            column.path.clone_from(path);
        }
    }
    let spec = ReadSpec {
        encoding: long.map_or(structure.encoding, |l| l.encoding),
        delimiter: long.and_then(|l| u8::try_from(l.delimiter).ok()).unwrap_or(b','),
        header: long.is_none_or(|l| l.header),
        multiline: true,
        record: resources.map(|r| r.record.as_str()),
        ignore: resources.map_or(&[], |r| r.others.as_slice()),
        released: resources.is_some(),
        ..ReadSpec::new(&name, shape.format(structure), &in_file)
    };
    let mut reader = formats::open_released(&folder.join(path), &spec)?;
    // Where each column begins in the file.
    let places: Vec<usize> = columns
        .iter()
        .scan(0, |next, c| {
            let here = *next;
            *next += 1 + c.parts.endings().len();
            Some(here)
        })
        .collect();
    while let Some(batch) = reader.next(262_144)? {
        let put_together = |(column, &place): (&ColumnShape, &usize)| {
            let width = 1 + column.parts.endings().len();
            let in_file = batch.table.columns.get(place..place + width).unwrap_or_default();
            assembled(column, in_file).ok_or_else(|| {
                Error::refused(
                    "C0210",
                    say!(
                        "table `{}`, column `{}` of the release: what stands beside it is not what its cells say",
                        name,
                        Name::from_policy(column.name.clone())
                    ),
                )
            })
        };
        let columns = columns.par_iter().zip(&places).map(put_together);
        f(Table { rows: batch.table.rows, columns: columns.collect::<Result<_>>()? })?;
    }
    let facts = reader.facts();
    Ok(match facts.sha256 {
        Some(sha256) => Digests { sha256, sha3_256: facts.sha3_256, bytes: facts.bytes },
        None => Digests { sha256: [0; 32], sha3_256: [0; 32], bytes: 0 },
    })
}

/// The cells of a column from the columns that it is in the file; `None` if the numbers at the ends of a label are others.
fn assembled(column: &ColumnShape, in_file: &[Column]) -> Option<Column> {
    let (first, beside) = in_file.split_first()?;
    // A float comes back as `79.0`: the number is what counts, whatever column holds it.
    let decimal = column.ty == type_word(OutType::Decimal);
    if beside.is_empty() && !decimal {
        return Some(first.clone());
    }
    let plain = |text: &str| {
        let number = decimal.then(|| Decimal::parse(text)).flatten();
        number.map_or_else(|| text.to_owned(), |n| n.to_string())
    };
    let mut texts = Interner::new();
    let mut out = Vec::with_capacity(first.len());
    if beside.is_empty() {
        let map: Vec<u32> = first.dictionary().texts().map(|t| texts.intern(&plain(t))).collect();
        let codes = first.codes().iter();
        out.extend(codes.map(|&c| if c == MISSING { MISSING } else { map[c as usize] }));
        return Some(Column::new(out, Arc::new(texts.finish())));
    }
    let mut known: HashMap<[u32; 3], u32> = HashMap::new();
    for row in 0..first.len() {
        let code = |at: usize| beside.get(at).map_or(MISSING, |c| c.codes()[row]);
        let key = [first.codes()[row], code(0), code(1)];
        if let Some(&code) = known.get(&key) {
            out.push(code);
            continue;
        }
        let text = |at: usize| beside.get(at).and_then(|c| c.text(row));
        let cell = match column.parts {
            Parts::Bounds => {
                let label = first.text(row);
                if !ends_are_of(label, text(0), text(1)) {
                    return None;
                }
                label.map(str::to_owned)
            }
            parts => {
                let operator = if parts.has_op() { text(0) } else { None };
                let note = if parts.has_note() { text(beside.len() - 1) } else { None };
                whole(first.text(row).map(plain), operator, note)
            }
        };
        let code = cell.map_or(MISSING, |cell| texts.intern(&cell));
        known.insert(key, code);
        out.push(code);
    }
    Some(Column::new(out, Arc::new(texts.finish())))
}

/// A cell from its number (or day), its operator and what else stood in it.
fn whole(value: Option<String>, operator: Option<&str>, note: Option<&str>) -> Option<String> {
    let operator = operator.unwrap_or("");
    match (value, note) {
        (Some(value), None) => Some(format!("{operator}{value}")),
        (Some(value), Some(note)) if note.starts_with('(') => {
            Some(format!("{operator}{value}{note}"))
        }
        (Some(value), Some(note)) => Some(format!("{operator}{note}({value})")),
        (None, Some(note)) => Some(format!("{operator}{note}")),
        (None, None) => (!operator.is_empty()).then(|| operator.to_owned()),
    }
}

/// Whether a label can be one of these ends.
fn ends_are_of(label: Option<&str>, low: Option<&str>, high: Option<&str>) -> bool {
    let number = |end: Option<&str>| end.map(|text| Decimal::parse(text).map(|n| n.to_string()));
    match (label, number(low), number(high)) {
        (None, low, high) => low.is_none() && high.is_none(),
        // No ends: a special value, a remainder. A band names some.
        (Some(label), None, None) => {
            !(label.bytes().any(|b| b.is_ascii_digit())
                && label.contains(['-', '+', '<', '>', '[']))
        }
        (Some(label), Some(Some(low)), Some(Some(high))) => {
            label == format!("{low}-{high}")
                || label == format!("[{low},{high})")
                || (label == low && low == high)
        }
        (Some(label), Some(Some(low)), None) => {
            [format!("{low}+"), format!(">={low}"), format!(">{low}")].iter().any(|l| l == label)
        }
        (Some(label), None, Some(Some(high))) => {
            [format!("<={high}"), format!("<{high}")].iter().any(|l| l == label)
        }
        _ => false,
    }
}

/// A view as it was recounted.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Recount {
    /// The view's name.
    pub view: String,
    /// Whether the engine added it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub implied: bool,
    /// Classes.
    pub classes: u64,
    /// Persons of the smallest class; none if there are no rows.
    pub smallest: Option<Patients>,
    /// For each sensitive column: distinct values in the poorest class.
    pub l: Vec<Option<u64>>,
    /// Further models.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub models: Vec<ModelHolds>,
    /// Whether k, every l and every model hold.
    pub holds: bool,
}

/// Recounts a view.
///
/// # Errors
/// If the structure names a table or column that is not there.
pub fn recount(structure: &Structure, tables: &[Cells], view: &ViewShape) -> Result<Recount> {
    let Some(t) = view.table else {
        return Ok(Recount {
            view: view.name.clone(),
            implied: view.implied,
            classes: 0,
            smallest: None,
            l: vec![None; view.sensitive.len()],
            models: Vec::new(),
            holds: true,
        });
    };
    let broken = || {
        Error::data(
            "D0901",
            say!("the record's description of the release does not fit its tables"),
        )
    };
    let shape = structure.tables.get(t).ok_or_else(broken)?;
    let cells = tables.get(t).ok_or_else(broken)?;
    let persons = cells.codes(shape.person).ok_or_else(broken)?;
    let values = |path: &ColumnPath| -> Result<Vec<u32>> {
        column(structure, tables, t, path).ok_or_else(broken)
    };
    let quasi: Vec<Vec<u32>> =
        view.quasi.iter().chain(&view.facts).map(values).collect::<Result<_>>()?;
    let sensitive: Vec<Vec<u32>> =
        view.sensitive.iter().map(|(p, _)| values(p)).collect::<Result<_>>()?;
    struct Group {
        persons: HashSet<u32>,
        values: Vec<HashMap<u32, HashSet<u32>>>,
    }
    let counted = |group: &Group| Counted {
        persons: group.persons.len() as u64,
        values: group
            .values
            .iter()
            .map(|values| values.iter().map(|(&v, p)| (v, p.len() as u64)).collect())
            .collect(),
    };
    let mut whole =
        Group { persons: HashSet::new(), values: vec![HashMap::new(); sensitive.len()] };
    let mut groups: HashMap<Vec<u32>, Group> = HashMap::new();
    let mut key = vec![0; quasi.len()];
    for row in 0..persons.len() {
        for (slot, column) in key.iter_mut().zip(&quasi) {
            *slot = column[row];
        }
        if persons[row] == MISSING {
            return Err(Error::refused(
                "C0201",
                say!(
                    "table `{}` of the release has a row without a person",
                    Name::from_policy(shape.name.clone())
                ),
            ));
        }
        if !groups.contains_key(&key) {
            let group =
                Group { persons: HashSet::new(), values: vec![HashMap::new(); sensitive.len()] };
            groups.insert(key.clone(), group);
        }
        if let Some(group) = groups.get_mut(&key) {
            group.persons.insert(persons[row]);
            for (set, column) in group.values.iter_mut().zip(&sensitive) {
                if column[row] != MISSING {
                    set.entry(column[row]).or_default().insert(persons[row]);
                }
            }
        }
        whole.persons.insert(persons[row]);
        for (set, column) in whole.values.iter_mut().zip(&sensitive) {
            if column[row] != MISSING && !view.models.is_empty() {
                set.entry(column[row]).or_default().insert(persons[row]);
            }
        }
    }
    let smallest = groups.values().map(|g| g.persons.len() as u64).min();
    let l: Vec<Option<u64>> = (0..sensitive.len())
        .map(|s| groups.values().map(|g| g.values[s].len() as u64).min())
        .collect();
    let mut models = Vec::new();
    if !view.models.is_empty() {
        let groups: Vec<Counted> = groups.values().map(counted).collect();
        let whole = counted(&whole);
        for model in &view.models {
            let holds = models::holds(model, &groups, &whole)?;
            models.push(ModelHolds { model: model.model.clone(), holds });
        }
    }
    let holds = smallest.is_none_or(|s| s >= view.k)
        && models.iter().all(|m| m.holds)
        && l.iter().zip(&view.sensitive).all(|(l, (_, wanted))| l.is_none_or(|l| l >= *wanted));
    Ok(Recount {
        view: view.name.clone(),
        implied: view.implied,
        classes: groups.len() as u64,
        smallest: smallest.map(Patients),
        l,
        models,
        holds,
    })
}

/// Whether a model holds.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct ModelHolds {
    /// Its name.
    pub model: String,
    /// Whether it holds for every class.
    pub holds: bool,
}

/// The value of a view's column for each row of the view's table, as a number: equal texts (or sets of texts) have equal
/// numbers; [`MISSING`] for none.
pub(crate) fn column(
    structure: &Structure,
    tables: &[Cells],
    t: usize,
    path: &ColumnPath,
) -> Option<Vec<u32>> {
    let here = tables.get(t)?;
    let there = tables.get(path.table)?;
    let codes = there.codes(path.column)?;
    let (column_here, column_there) = match &path.by {
        Path::Row => return Some(codes.clone()),
        Path::Beside(own) => return beside(structure, tables, t, path, own),
        &Path::Token(a, b) => (a, b),
        Path::Person => (structure.tables.get(t)?.person, structure.tables.get(path.table)?.person),
    };
    let tokens_here = here.texts.get(column_here)?;
    let tokens_there = there.texts.get(column_there)?;
    // All values that stand beside a token, as a sorted set.
    let mut beside: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); tokens_there.dictionary().len()];
    for (&token, &code) in there.codes(column_there)?.iter().zip(codes) {
        if token != MISSING && code != MISSING {
            beside[token as usize].insert(code);
        }
    }
    let mut numbers: HashMap<BTreeSet<u32>, u32> = HashMap::new();
    let of_token: Vec<u32> = tokens_here
        .dictionary()
        .texts()
        .map(|token| {
            let set =
                tokens_there.find(token).map(|code| std::mem::take(&mut beside[code as usize]));
            match set {
                Some(set) if !set.is_empty() => {
                    let next = numbers.len() as u32;
                    *numbers.entry(set).or_insert(next)
                }
                _ => MISSING,
            }
        })
        .collect();
    let column = here.codes(column_here)?;
    Some(
        column.iter().map(|&c| if c == MISSING { MISSING } else { of_token[c as usize] }).collect(),
    )
}

/// What the rows of a person show of a column, without the one value that the row shows of another: numbers of sets.
fn beside(
    structure: &Structure,
    tables: &[Cells],
    t: usize,
    path: &ColumnPath,
    own: &ColumnPath,
) -> Option<Vec<u32>> {
    let (here, there) = (tables.get(t)?, tables.get(path.table)?);
    let person_there = structure.tables.get(path.table)?.person;
    let tokens = there.texts.get(person_there)?;
    let mut sets: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); tokens.dictionary().len()];
    for (&token, &code) in there.codes(person_there)?.iter().zip(there.codes(path.column)?) {
        if token != MISSING && code != MISSING {
            sets[token as usize].insert(code);
        }
    }
    let person_here = structure.tables.get(t)?.person;
    let renamed = |from: &Interner, to: &Interner| -> Vec<u32> {
        from.dictionary().texts().map(|text| to.find(text).unwrap_or(MISSING)).collect()
    };
    let token_there = renamed(here.texts.get(person_here)?, tokens);
    // What the row shows, as a code of the column.
    let source = tables.get(own.table)?;
    let to_code = renamed(source.texts.get(own.column)?, there.texts.get(path.column)?);
    let of = |code: u32| if code == MISSING { MISSING } else { to_code[code as usize] };
    let cells = source.codes(own.column)?;
    let shows: Vec<u32> = match own.by {
        Path::Row => cells.iter().map(|&code| of(code)).collect(),
        Path::Beside(_) => return None,
        Path::Token(..) | Path::Person => {
            let (key_here, key_there) = match own.by {
                Path::Token(a, b) => (a, b),
                _ => (person_here, structure.tables.get(own.table)?.person),
            };
            let keys = source.texts.get(key_there)?;
            let mut one = vec![MISSING; keys.dictionary().len()];
            for (&key, &code) in source.codes(key_there)?.iter().zip(cells) {
                if key != MISSING && code != MISSING {
                    one[key as usize] = of(code);
                }
            }
            let key_of = renamed(here.texts.get(key_here)?, keys);
            let found = |&key: &u32| match key {
                MISSING => MISSING,
                key => one.get(key_of[key as usize] as usize).copied().unwrap_or(MISSING),
            };
            here.codes(key_here)?.iter().map(found).collect()
        }
    };
    let mut numbers: HashMap<Vec<u32>, u32> = HashMap::new();
    let mut known: HashMap<(u32, u32), u32> = HashMap::new();
    let persons = here.codes(person_here)?.iter();
    Some(
        persons
            .zip(shows)
            .map(|(&person, own)| {
                let token = if person == MISSING { MISSING } else { token_there[person as usize] };
                let Some(set) = sets.get(token as usize) else { return MISSING };
                *known.entry((token, own)).or_insert_with(|| {
                    let others: Vec<u32> = set.iter().copied().filter(|&c| c != own).collect();
                    if others.is_empty() {
                        return MISSING;
                    }
                    let next = numbers.len() as u32;
                    *numbers.entry(others).or_insert(next)
                })
            })
            .collect(),
    )
}

/// Groups by what they were grouped by and one fact more.
pub(crate) fn refine(groups: &[u32], fact: &[u32]) -> Vec<u32> {
    let mut numbers: HashMap<u64, u32> = HashMap::new();
    groups
        .iter()
        .zip(fact)
        .map(|(&group, &value)| {
            let next = numbers.len() as u32;
            *numbers.entry(u64::from(group) << 32 | u64::from(value)).or_insert(next)
        })
        .collect()
}

/// Distinct persons over all tables of a release.
#[must_use]
pub fn persons(structure: &Structure, tables: &[Cells]) -> u64 {
    let mut all: HashSet<Who<'_>> = HashSet::new();
    for (shape, cells) in structure.tables.iter().zip(tables) {
        all.extend(cells.people(shape));
    }
    all.len() as u64
}

/// Distinct persons of one table.
#[must_use]
pub fn persons_of(shape: &TableShape, cells: &Cells) -> u64 {
    cells.people(shape).len() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_by_what_stands_in_their_names() {
        let text = |text: &str| NamePart::Text(text.to_owned());
        let parts = [
            text("F"),
            NamePart::Column(0, None),
            text("A"),
            NamePart::Column(1, None),
            text(".txt"),
        ];
        for (name, could) in [
            ("FxA1.txt", true),
            // The value begins like the text behind it.
            ("FAxA1.txt", true),
            ("FAA1.txt", true),
            ("FA1.txt", false),
            ("FxA.txt", false),
            ("GxA1.txt", false),
            ("FxA1.csv", false),
        ] {
            assert_eq!(could_be(name, &parts), could, "{name}");
        }
    }

    /// A long file of two tables: `a` has the columns 1 and 3 (the code), `b` the columns 2 and 3.
    fn shape() -> Structure {
        let table = |name: &str, column: &str, at: usize| {
            let cell = |name: &str| serde_json::json!({ "name": name, "type": "text", "token": name == "who" });
            serde_json::json!({
                "name": name, "file": "long.txt", "person": 0,
                "columns": [cell("who"), cell(column), cell("code")],
                "long": {
                    "columns": ["who", "one", "two", "code"], "at": [0, at, 3],
                    "matching": [[3, [name]]], "delimiter": "\t", "header": false, "encoding": "cp932",
                },
            })
        };
        let tables = [table("a", "one", 1), table("b", "two", 2)];
        serde_json::from_value(serde_json::json!({
            "format": "csv", "encoding": "utf-8", "formulaPrefix": false, "tables": tables, "views": [],
        }))
        .unwrap()
    }

    fn read_text(text: &str) -> Result<Vec<Cells>> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("long.txt"), text).unwrap();
        read(folder.path(), &shape())
    }

    #[test]
    fn persons_without_their_rows_tell_the_same() {
        let structure = shape();
        // No view, no set: not even whose the rows are is kept of each.
        assert_eq!(structure.counted(0), [false; 3]);
        let (a, b) = ("0".repeat(25) + "A", "0".repeat(25) + "B");
        let mut cells =
            read_text(&format!("{a}\tx\t\ta\r\n{b}\tx\t\ta\r\n{a}\t\ty\tb\r\n{a}\tz\t\ta\r\n"))
                .unwrap();
        let shape = &structure.tables[0];
        let told = |cells: &[Cells]| {
            let people = format!("{:?}", cells[0].people(shape));
            (people, cells[0].rows_of_people(shape), persons(&structure, cells))
        };
        let whole = told(&cells);
        assert_eq!((whole.1.as_deref(), whole.2), (Some([2, 1].as_slice()), 2));
        let tokens = [&a, &b].map(|t| crate::token::written_token(t).unwrap());
        cells[0].persons = Some(Persons { tokens: Arc::new(tokens.into()), rows: vec![2, 1] });
        (cells[0].columns, cells[0].texts) = (Vec::new(), Vec::new());
        assert_eq!(told(&cells), whole);
        // A row that is nobody's is missed in the sum.
        cells[0].persons.as_mut().unwrap().rows[0] = 1;
        assert_eq!(cells[0].rows_of_people(shape), None);
        assert_ne!(Who::of(&a), Who::of(&a.to_lowercase()));
    }

    #[test]
    fn a_long_file_is_split_by_what_decides() {
        let cells = read_text("p\tx\t\ta\r\np\t\ty\tb\r\nq\tx\t\ta\r\n").unwrap();
        assert_eq!((cells[0].rows, cells[1].rows), (2, 1));
        let texts = |c: &Cells, at: usize| {
            c.texts[at].dictionary().texts().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(
            (texts(&cells[0], 0), texts(&cells[1], 0)),
            (vec!["p".into(), "q".into()], vec!["p".to_owned()])
        );
        assert_eq!(
            (texts(&cells[0], 1), texts(&cells[1], 1)),
            (vec!["x".to_owned()], vec!["y".to_owned()])
        );
    }

    #[test]
    fn rows_of_nobody_and_cells_that_nobody_released_are_refused() {
        let code = |text: &str| read_text(text).err().unwrap().code;
        assert_eq!(code("p\tx\t\ta\r\np\t\t\tc\r\n"), "C0207");
        assert_eq!(code("p\tx\t\t\r\n"), "C0207");
        assert_eq!(code("p\tx\t\ta\r\np\tx\ty\tb\r\n"), "C0208");
    }
}
