//! SS-MIX2 standardized storage: a folder tree with one HL7 v2.5 message a file.
//!
//! `root/<first three>/<next three>/<patient>/<day or ->/<data type>/<patient>_<day>_<type>_<order>_<time>_<department>_<flag>`
//!
//! One source, several tables (`record`): person, family, insurance, allergy, observation, visit, diagnosis, prescription,
//! injection, laboratory. Only messages with condition flag 1 are read; deleted (0) and superseded (2) ones are as if they were
//! not there. Patients are read in parallel, their rows come in the byte order of the paths whatever the number of threads.
//!
//! Paths hold patient numbers. A message about the storage therefore says the number of a message among those that the table is
//! made from, in byte order, with the command that finds it; this is the number of a row too.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use sha3::Digest as _;

use super::format::Format;
use super::{Batch, Batches, FileFacts, ReadSpec, header};
use crate::error::{Error, Name, Result};
use crate::frame::{ColumnBuilder, Table};
use crate::say;
use crate::schema::file::Defect;

mod extract;
mod hl7;
mod rows;
mod tables;
mod walk;

pub use extract::{Extracted, extract};
use rows::{Wanted, read_patient};
use walk::Locator;

/// Patients read at once: enough for all cores, few enough to be stopped soon.
const WINDOW: usize = 64;
/// Rows after which a batch ends though more were asked for, so that a stop is noticed.
const ROWS: usize = 1 << 16;

/// The names of the tables of a storage.
#[must_use]
pub fn names() -> Vec<&'static str> {
    tables::TABLES.iter().map(|t| t.name).collect()
}

/// The names of a table's columns; `None` if there is no such table.
#[must_use]
pub fn columns(table: &str) -> Option<Vec<&'static str>> {
    tables::table(table).map(|t| t.columns.iter().map(|c| c.0).collect())
}

/// From the root of a storage to the folder of a kind of data: three digits, three digits, patient, date, kind.
const KIND_DEPTH: usize = 5;

/// `ADT-00`, `OML-11`.
fn is_kind_of_data(name: &str) -> bool {
    let bytes = name.as_bytes();
    bytes.len() == 6
        && bytes[..3].iter().all(u8::is_ascii_uppercase)
        && bytes[3] == b'-'
        && bytes[4..].iter().all(u8::is_ascii_digit)
}

/// SS-MIX2 standardized storage.
pub(crate) struct Ssmix2;

impl Format for Ssmix2 {
    fn open(
        &self,
        path: &Path,
        spec: &ReadSpec<'_>,
        wanted: super::Wanted,
    ) -> Result<Box<dyn Batches + Send>> {
        let _ = wanted;
        Ok(Box::new(StorageReader::open(path, spec)?))
    }
    fn tree_root(&self, folder: &Path) -> Option<PathBuf> {
        let depth = folder.components().count();
        let name = folder.file_name()?.to_string_lossy();
        let kind = depth >= KIND_DEPTH && is_kind_of_data(&name);
        kind.then(|| folder.components().take(depth - KIND_DEPTH).collect())
    }
}

/// Reads one table.
pub(super) struct StorageReader {
    root: PathBuf,
    table: Name,
    wanted: [Wanted; 1],
    types: Vec<&'static str>,
    missing: Vec<Vec<String>>,
    ignore: Vec<String>,
    set_aside: bool,
    trim: bool,
    patients: Option<Vec<Box<str>>>,
    next: usize,
    messages: u64,
    hasher: Option<sha3::Sha3_256>,
    facts: FileFacts,
}

impl StorageReader {
    pub(super) fn open(path: &Path, spec: &ReadSpec<'_>) -> Result<Self> {
        let table = spec.record.and_then(tables::table).ok_or_else(|| {
            let known: Vec<_> = tables::TABLES.iter().map(|t| say!("{}", t.name)).collect();
            let error = match spec.record {
                None => Error::policy(
                    "P0311",
                    say!(
                        "table `{}`: an SS-MIX2 source needs `record`, the name of a table",
                        spec.table
                    ),
                ),
                Some(name) => Error::policy(
                    "P0312",
                    say!(
                        "table `{}`: `{}` is not a table of a storage",
                        spec.table,
                        Name::from_policy(name)
                    ),
                ),
            };
            error.advice(say!("known: {}", crate::error::Said::join(&known, " ")))
        })?;
        if let Some(known) = spec.ignore.iter().find(|i| tables::message_type(i).is_some()) {
            return Err(Error::policy(
                "P0313",
                say!(
                    "table `{}`: `{}` is read and cannot be ignored; leave its tables out of the policy instead",
                    spec.table,
                    Name::from_policy(known.clone())
                ),
            ));
        }
        let names: Vec<String> = table.columns.iter().map(|c| c.0.to_owned()).collect();
        let columns = header::positions(spec, &names)?;
        if !path.is_dir() {
            return Err(Error::data(
                "D0344",
                say!(
                    "table `{}`: the source is not a folder; name the root of the storage",
                    spec.table
                ),
            ));
        }
        Ok(StorageReader {
            root: path.to_owned(),
            table: spec.table.clone(),
            wanted: [Wanted { table, columns }],
            types: table.types.iter().map(|t| t.0).collect(),
            missing: spec.columns.iter().map(|c| c.missing.clone()).collect(),
            ignore: spec.ignore.to_vec(),
            set_aside: spec.set_aside.contains(&Defect::Bytes),
            trim: spec.trim,
            patients: None,
            next: 0,
            messages: 0,
            hasher: Some(sha3::Sha3_256::default()),
            facts: FileFacts::default(),
        })
    }
}

impl Batches for StorageReader {
    fn next(&mut self, rows: usize) -> Result<Option<Batch>> {
        let locator = Locator { table: &self.table, types: &self.types };
        let patients = match self.patients.take() {
            Some(patients) => patients,
            None => walk::patients(&self.root, &self.ignore).map_err(|f| locator.error(f, 0, 0))?,
        };
        let mut builders: Vec<ColumnBuilder> =
            self.missing.iter().map(|_| ColumnBuilder::default()).collect();
        let mut numbers: Vec<u64> = Vec::new();
        while numbers.len() < rows.min(ROWS) && self.next < patients.len() {
            let window = &patients[self.next..(self.next + WINDOW).min(patients.len())];
            let read: Vec<_> = window
                .par_iter()
                .map(|p| {
                    read_patient(
                        &self.root,
                        p,
                        &self.wanted,
                        &self.ignore,
                        self.set_aside,
                        &mut |_| {},
                    )
                })
                .collect();
            for (index, patient) in read.into_iter().enumerate() {
                let number = (self.next + index) as u64 + 1;
                let patient = patient.map_err(|f| locator.error(f, number, self.messages))?;
                let table = &patient.tables[0];
                for (row, message) in table.messages.iter().enumerate() {
                    for ((column, builder), missing) in
                        builders.iter_mut().enumerate().zip(&self.missing)
                    {
                        let cell = table.cell(row, column);
                        let cell = cell.map(|c| if self.trim { c.trim() } else { c });
                        builder.push(
                            cell.filter(|c| !c.is_empty() && !missing.iter().any(|m| m == c)),
                        );
                    }
                    numbers.push(self.messages + message);
                }
                self.facts.rows_read += table.messages.len() as u64 + patient.undecodable;
                if patient.undecodable > 0 {
                    *self.facts.set_aside.entry(Defect::Bytes).or_default() += patient.undecodable;
                }
                self.facts.bytes += patient.bytes;
                self.messages += patient.messages;
                if let Some(hasher) = &mut self.hasher {
                    hasher.update(patient.digest);
                }
            }
            self.next += window.len();
        }
        if self.next == patients.len()
            && let Some(hasher) = self.hasher.take()
        {
            self.facts.sha3_256 = hasher.finalize().into();
        }
        let end = self.next == patients.len();
        self.patients = Some(patients);
        if numbers.is_empty() && end {
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

/// The number of segments by name in all active messages of a storage.
///
/// # Errors
/// Anything that the reader refuses.
pub fn segments(root: &Path, ignore: &[String]) -> Result<BTreeMap<String, u64>> {
    let name = Name::fixed("all");
    let wanted: Vec<Wanted> =
        tables::TABLES.iter().map(|table| Wanted { table, columns: vec![0] }).collect();
    let types: Vec<&'static str> = data_types();
    let locator = Locator { table: &name, types: &types };
    let mut counts = BTreeMap::new();
    let mut messages = 0;
    let patients = walk::patients(root, ignore).map_err(|f| locator.error(f, 0, 0))?;
    for (index, patient) in patients.iter().enumerate() {
        let read = read_patient(root, patient, &wanted, ignore, false, &mut |message| {
            for segment in message.segments() {
                *counts.entry(segment.name().to_owned()).or_default() += 1;
            }
        });
        messages += read.map_err(|f| locator.error(f, index as u64 + 1, messages))?.messages;
    }
    Ok(counts)
}

/// All data types that some table is made from.
fn data_types() -> Vec<&'static str> {
    let mut types: Vec<&'static str> =
        tables::TABLES.iter().flat_map(|t| t.types).map(|t| t.0).collect();
    types.sort_unstable();
    types.dedup();
    types
}
