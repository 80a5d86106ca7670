//! k and l recounted from the files of a release, by grouping their rows plainly: no code of the engine's views is used.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path as FilePath;

use super::structure::{ColumnPath, Path, Structure, TableShape, ViewShape};
use crate::error::{Error, Name, Result};
use crate::frame::{Interner, MISSING, Patients};
use crate::say;
use crate::schema::Type;
use crate::table::{self, ColumnSpec, ReadSpec};

/// The cells of a released table, as numbers of texts; [`MISSING`] for an empty cell.
pub struct Cells {
    /// By column.
    pub columns: Vec<Vec<u32>>,
    /// Texts by column.
    pub texts: Vec<Interner>,
    /// Rows.
    pub rows: u64,
}

/// Reads a released table.
///
/// # Errors
/// If the file is not what the structure says.
pub fn read(folder: &FilePath, structure: &Structure, shape: &TableShape) -> Result<Cells> {
    let name = Name::from_policy(shape.name.clone());
    let columns: Vec<ColumnSpec> = shape
        .columns
        .iter()
        .map(|c| ColumnSpec {
            name: Name::from_policy(c.name.clone()),
            missing: Vec::new(),
            ty: Type::String,
            specials: Vec::new(),
        })
        .collect();
    let spec = ReadSpec {
        table: &name,
        format: structure.format.input(),
        encoding: structure.encoding,
        delimiter: b',',
        header: true,
        multiline: true,
        trim: false,
        columns: &columns,
        set_aside: &[],
    };
    let mut reader = table::open(&folder.join(&shape.file), &spec)?;
    let mut cells = Cells {
        columns: vec![Vec::new(); columns.len()],
        texts: (0..columns.len()).map(|_| Interner::new()).collect(),
        rows: 0,
    };
    while let Some(batch) = reader.next(262_144)? {
        cells.rows += batch.table.rows as u64;
        for ((column, out), texts) in
            batch.table.columns.iter().zip(&mut cells.columns).zip(&mut cells.texts)
        {
            let map: Vec<u32> = column.dictionary().texts().map(|t| texts.intern(t)).collect();
            out.extend(
                column
                    .codes()
                    .iter()
                    .map(|&c| if c == MISSING { MISSING } else { map[c as usize] }),
            );
        }
    }
    Ok(cells)
}

/// A view as it was recounted.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Recount {
    /// The view's name.
    pub view: String,
    /// Classes.
    pub classes: u64,
    /// Persons of the smallest class; none if there are no rows.
    pub smallest: Option<Patients>,
    /// For each sensitive column: distinct values in the poorest class.
    pub l: Vec<Option<u64>>,
    /// Whether k and every l hold.
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
            classes: 0,
            smallest: None,
            l: vec![None; view.sensitive.len()],
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
    let persons = cells.columns.get(shape.person).ok_or_else(broken)?;
    let values = |path: &ColumnPath| -> Result<Vec<String>> {
        column(structure, tables, t, path).ok_or_else(broken)
    };
    // Texts are numbered per column only to keep the groups small in memory.
    let number = |texts: Vec<String>| -> Vec<u32> {
        let mut numbers: HashMap<String, u32> = HashMap::new();
        texts
            .into_iter()
            .map(|text| {
                let next = numbers.len() as u32;
                *numbers.entry(text).or_insert(next)
            })
            .collect()
    };
    let quasi: Vec<Vec<u32>> =
        view.quasi.iter().map(|p| values(p).map(number)).collect::<Result<_>>()?;
    let sensitive: Vec<Vec<String>> =
        view.sensitive.iter().map(|(p, _)| values(p)).collect::<Result<_>>()?;
    struct Group<'a> {
        persons: BTreeSet<u32>,
        values: Vec<BTreeSet<&'a str>>,
    }
    let mut groups: BTreeMap<Vec<u32>, Group<'_>> = BTreeMap::new();
    for row in 0..persons.len() {
        let key: Vec<u32> = quasi.iter().map(|c| c[row]).collect();
        let group = groups.entry(key).or_insert_with(|| Group {
            persons: BTreeSet::new(),
            values: vec![BTreeSet::new(); sensitive.len()],
        });
        if persons[row] == MISSING {
            return Err(Error::refused(
                "C0201",
                say!(
                    "table `{}` of the release has a row without a person",
                    Name::from_policy(shape.name.clone())
                ),
            ));
        }
        group.persons.insert(persons[row]);
        for (set, column) in group.values.iter_mut().zip(&sensitive) {
            if !column[row].is_empty() {
                set.insert(column[row].as_str());
            }
        }
    }
    let smallest = groups.values().map(|g| g.persons.len() as u64).min();
    let l: Vec<Option<u64>> = (0..sensitive.len())
        .map(|s| groups.values().map(|g| g.values[s].len() as u64).min())
        .collect();
    let holds = smallest.is_none_or(|s| s >= view.k)
        && l.iter().zip(&view.sensitive).all(|(l, (_, wanted))| l.is_none_or(|l| l >= *wanted));
    Ok(Recount {
        view: view.name.clone(),
        classes: groups.len() as u64,
        smallest: smallest.map(Patients),
        l,
        holds,
    })
}

/// The text of a view's column for each row of the view's table; "" for a missing cell (a cell is never "" otherwise).
fn column(
    structure: &Structure,
    tables: &[Cells],
    t: usize,
    path: &ColumnPath,
) -> Option<Vec<String>> {
    let here = tables.get(t)?;
    let there = tables.get(path.table)?;
    let codes = there.columns.get(path.column)?;
    let texts = there.texts.get(path.column)?;
    let text = |row: usize| -> &str {
        match codes[row] {
            MISSING => "",
            code => texts.dictionary().text(code),
        }
    };
    match path.by {
        Path::Row => Some((0..here.rows as usize).map(|row| text(row).to_owned()).collect()),
        Path::Person | Path::Token(..) => {
            let (column_here, column_there) = match path.by {
                Path::Token(a, b) => (a, b),
                _ => (structure.tables.get(t)?.person, structure.tables.get(path.table)?.person),
            };
            let token = |cells: &Cells, column: usize, row: usize| -> Option<String> {
                match *cells.columns.get(column)?.get(row)? {
                    MISSING => None,
                    code => Some(cells.texts[column].dictionary().text(code).to_owned()),
                }
            };
            let mut found: HashMap<String, BTreeSet<&str>> = HashMap::new();
            for row in 0..there.rows as usize {
                if let Some(token) = token(there, column_there, row) {
                    let set = found.entry(token).or_default();
                    if !text(row).is_empty() {
                        set.insert(text(row));
                    }
                }
            }
            Some(
                (0..here.rows as usize)
                    .map(|row| {
                        token(here, column_here, row)
                            .and_then(|token| found.get(&token))
                            .map(|set| set.iter().copied().collect::<Vec<_>>().join("\u{1f}"))
                            .unwrap_or_default()
                    })
                    .collect(),
            )
        }
    }
}

/// Distinct persons over all tables of a release.
#[must_use]
pub fn persons(structure: &Structure, tables: &[Cells]) -> u64 {
    let mut all: BTreeSet<&str> = BTreeSet::new();
    for (shape, cells) in structure.tables.iter().zip(tables) {
        if let Some(texts) = cells.texts.get(shape.person) {
            all.extend(texts.dictionary().texts());
        }
    }
    all.len() as u64
}

/// Distinct persons of one table.
#[must_use]
pub fn persons_of(shape: &TableShape, cells: &Cells) -> u64 {
    cells.texts.get(shape.person).map_or(0, |texts| texts.dictionary().len() as u64)
}
