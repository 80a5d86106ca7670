//! The columnar extract: a storage of millions of small files is read once into Parquet, a piece a table for each few hundred
//! patients, and policies read the pieces (`source = { path = "laboratory/*.parquet" }`).
//!
//! A journal says which pieces are finished. A piece is written beside its place and renamed, and only then is it in the journal; a
//! run that was stopped goes on behind the last finished piece and ends with the same bytes.

use std::fs::{self, File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha3::Digest as _;

use super::rows::{PatientRows, Wanted, read_patient};
use super::walk::{self, Fault, Locator};
use super::{WINDOW, data_types, tables};
use crate::error::{Error, Name, Result};
use crate::frame::{ColumnBuilder, Table};
use crate::say;
use crate::schema::file::{Encoding, Formula, Output, OutputFormat, Unencodable};
use crate::system::{self, Opening as _};
use crate::{OutColumn, OutType, WriteSpec, create};

/// Patients a piece. Part of the form of an extract: another number gives other files.
const PATIENTS: usize = 500;
const JOURNAL: &str = "journal.jsonl";

/// What an extract holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Patient folders.
    pub patients: u64,
    /// Messages read, those of earlier runs included.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Rows by table, in the order of [`super::names`].
    pub rows: Vec<(&'static str, u64)>,
    /// Pieces that an earlier run had finished.
    pub resumed: u64,
}

/// The first line of a journal.
#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Head {
    form: String,
    patients_a_piece: usize,
    patients: usize,
    /// SHA3-256 over the paths of all patients' folders.
    folders: String,
    ignore: Vec<String>,
    tables: Vec<String>,
}

/// A line for each finished piece.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Piece {
    piece: usize,
    messages: u64,
    bytes: u64,
    /// SHA3-256 over the digests of its patients.
    sha3_256: String,
    rows: Vec<u64>,
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn io(doing: &'static str, source: &std::io::Error) -> Error {
    Error::io("X0812", say!("{}", doing), source)
}

/// Extracts the storage `root` into the folder `out`, which is made (mode 0700) or holds an unfinished extract of the same storage.
///
/// `watch` is called after every few patients with patients done, patients in all, and messages so far; its error stops the work, which
/// a later call continues.
///
/// # Errors
/// Anything that the reader refuses; a folder that holds something else; I/O.
pub fn extract(
    root: &Path,
    out: &Path,
    ignore: &[String],
    watch: &mut dyn FnMut(u64, u64, u64) -> Result<()>,
) -> Result<Extracted> {
    let name = Name::fixed("all");
    let types = data_types();
    let locator = Locator { table: &name, types: &types };
    if let Some(known) = ignore.iter().find(|i| tables::message_type(i).is_some()) {
        return Err(Error::policy(
            "P0313",
            say!("`{}` is always read and cannot be ignored", Name::from_policy(known.clone())),
        ));
    }
    if !root.is_dir() {
        return Err(Error::data("D0344", say!("the storage is not a folder")));
    }
    let patients = walk::patients(root, ignore).map_err(|f| locator.error(f, 0, 0))?;
    let mut folders = sha3::Sha3_256::default();
    for patient in &patients {
        folders.update((patient.len() as u64).to_le_bytes());
        folders.update(patient.as_bytes());
    }
    let head = Head {
        form: "kakou-ssmix2-extract-1".to_owned(),
        patients_a_piece: PATIENTS,
        patients: patients.len(),
        folders: hex(&folders.finalize()),
        ignore: ignore.to_vec(),
        tables: super::names().into_iter().map(str::to_owned).collect(),
    };
    let (mut journal, done) = open_journal(out, &head)?;
    let wanted: Vec<Wanted> = tables::TABLES
        .iter()
        .map(|table| Wanted { table, columns: (0..table.columns.len()).collect() })
        .collect();
    let mut result = Extracted {
        patients: patients.len() as u64,
        rows: super::names().into_iter().map(|n| (n, 0)).collect(),
        resumed: done.len() as u64,
        ..Extracted::default()
    };
    let add = |result: &mut Extracted, piece: &Piece| {
        result.messages += piece.messages;
        result.bytes += piece.bytes;
        for ((_, all), rows) in result.rows.iter_mut().zip(&piece.rows) {
            *all += rows;
        }
    };
    for piece in &done {
        add(&mut result, piece);
    }
    let all = patients.len() as u64;
    // A storage without patients gives one empty piece, so that every table has a file.
    for number in done.len()..patients.len().div_ceil(PATIENTS).max(1) {
        let from = number * PATIENTS;
        let part = &patients[from.min(patients.len())..(from + PATIENTS).min(patients.len())];
        let mut read: Vec<PatientRows> = Vec::with_capacity(part.len());
        let mut messages = result.messages;
        for window in part.chunks(WINDOW) {
            let some: Vec<std::result::Result<PatientRows, Fault>> = window
                .par_iter()
                .map(|p| read_patient(root, p, &wanted, ignore, false, &mut |_| {}))
                .collect();
            for patient in some {
                let at = (from + read.len()) as u64 + 1;
                let patient = patient.map_err(|f| locator.error(f, at, messages))?;
                messages += patient.messages;
                read.push(patient);
            }
            watch((from + read.len()) as u64, all, messages)?;
        }
        let piece = write_piece(out, number, &wanted, &read)?;
        let mut line = serde_json::to_vec(&piece).unwrap_or_default();
        line.push(b'\n');
        journal
            .write_all(&line)
            .and_then(|()| journal.sync_data())
            .map_err(|e| io("writing the journal", &e))?;
        add(&mut result, &piece);
    }
    Ok(result)
}

fn open_journal(out: &Path, head: &Head) -> Result<(File, Vec<Piece>)> {
    let make = |folder: &Path| match system::owners_folder().create(folder) {
        Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => {
            Err(io("making the folder of the extract", &e))
        }
        _ => Ok(()),
    };
    let new = !out.join(JOURNAL).exists();
    if new && fs::read_dir(out).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(Error::policy("P0820", say!("the folder for the extract is not empty"))
            .advice(say!("name a new folder, or the folder of an extract that was stopped")));
    }
    make(out)?;
    let mut file = OpenOptions::new()
        .read(true)
        .append(true)
        .create(true)
        .of_owner()
        .open(out.join(JOURNAL))
        .map_err(|e| io("opening the journal", &e))?;
    // A program that this one has just started holds the lock for a moment until it is itself.
    let locked = (0..20).any(|attempt| {
        if attempt > 0 {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        file.try_lock().is_ok()
    });
    locked.then_some(()).ok_or_else(|| {
        Error::environment("X0813", say!("another program is writing this extract"))
    })?;
    for table in tables::TABLES {
        let folder = out.join(table.name);
        make(&folder)?;
        // What a killed run left half written.
        for entry in fs::read_dir(&folder).map_err(|e| io("listing the extract", &e))? {
            let entry = entry.map_err(|e| io("listing the extract", &e))?;
            if entry.file_name().to_string_lossy().starts_with(".part-") {
                fs::remove_file(entry.path()).map_err(|e| io("sweeping the extract", &e))?;
            }
        }
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|e| io("reading the journal", &e))?;
    // What a crash cut off in the middle of a line was not finished.
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    if whole < text.len() {
        file.set_len(whole as u64).map_err(|e| io("mending the journal", &e))?;
    }
    let mut lines = text[..whole].lines();
    let damaged = || {
        Error::policy("P0821", say!("the journal in the folder of the extract is damaged"))
            .advice(say!("begin again in a new folder"))
    };
    match lines.next() {
        None => {
            let mut line = serde_json::to_vec(head).unwrap_or_default();
            line.push(b'\n');
            file.write_all(&line)
                .and_then(|()| file.sync_data())
                .map_err(|e| io("writing the journal", &e))?;
        }
        Some(line) => {
            let there: Head = serde_json::from_str(line).map_err(|_| damaged())?;
            if there != *head {
                return Err(Error::policy(
                    "P0822",
                    say!("the folder holds the extract of another storage, or of this one before patients came or went"),
                )
                .advice(say!("begin again in a new folder")));
            }
        }
    }
    let mut done = Vec::new();
    for line in lines {
        let piece: Piece = serde_json::from_str(line).map_err(|_| damaged())?;
        let there =
            tables::TABLES.iter().all(|t| out.join(t.name).join(file_name(done.len())).is_file());
        if piece.piece != done.len() || piece.rows.len() != tables::TABLES.len() || !there {
            return Err(damaged());
        }
        done.push(piece);
    }
    Ok((file, done))
}

fn file_name(piece: usize) -> String {
    format!("part-{piece:06}.parquet")
}

fn write_piece(
    out: &Path,
    number: usize,
    wanted: &[Wanted],
    read: &[PatientRows],
) -> Result<Piece> {
    let output = Output {
        format: OutputFormat::Parquet,
        encoding: Encoding::Utf8,
        unencodable: Unencodable::Fail,
        formula: Formula::Keep,
        ..Output::default()
    };
    let rows: Vec<u64> = wanted
        .par_iter()
        .enumerate()
        .map(|(index, want)| {
            let names: Vec<&str> = want.table.columns.iter().map(|c| c.0).collect();
            let mut builders: Vec<ColumnBuilder> =
                names.iter().map(|_| ColumnBuilder::default()).collect();
            let mut count = 0;
            for patient in read {
                let rows = &patient.tables[index];
                count += rows.messages.len();
                for row in 0..rows.messages.len() {
                    for (column, builder) in builders.iter_mut().enumerate() {
                        builder.push(rows.cell(row, column));
                    }
                }
            }
            let columns: Vec<OutColumn> = names
                .iter()
                .map(|n| OutColumn { name: (*n).to_owned(), ty: OutType::Text, ranges: false })
                .collect();
            let name = Name::fixed(want.table.name);
            let folder = out.join(want.table.name);
            let temporary = folder.join(format!(".{}", file_name(number)));
            let spec = WriteSpec {
                table: &name,
                columns: &columns,
                output: &output,
                dialect: Default::default(),
                resources: None,
            };
            let mut writer = create(&temporary, &spec)?;
            // Sorted dictionaries: the bytes depend on the cells alone.
            let columns = builders.into_iter().map(|b| b.finish().compact()).collect();
            writer.write(&Table { rows: count, columns })?;
            writer.finish()?;
            fs::rename(&temporary, folder.join(file_name(number)))
                .and_then(|()| system::sync_folder(&folder))
                .map_err(|e| io("putting a piece in its place", &e))?;
            Ok(count as u64)
        })
        .collect::<Result<_>>()?;
    let mut hasher = sha3::Sha3_256::default();
    for patient in read {
        hasher.update(patient.digest);
    }
    Ok(Piece {
        piece: number,
        messages: read.iter().map(|p| p.messages).sum(),
        bytes: read.iter().map(|p| p.bytes).sum(),
        sha3_256: hex(&hasher.finalize()),
        rows,
    })
}
