//! Replay: whether a release is what its policy makes of its inputs, though the keys of an anonymized release no longer exist.
//!
//! The pseudonymized files must be the same bytes. Of the anonymized ones, columns without a key are compared: each column as a
//! multiset of cells, and the rows of these columns as a multiset, by digests that do not depend on the order. A column that
//! depends on a key (tokens, random shifts) cannot be repeated; it is listed, and checked by its number of cells and of empty ones.

use std::path::Path;

use serde::Serialize;
use sha3::{Digest, Sha3_256};

use super::recount::{self, Cells};
use super::structure::Structure;
use crate::error::Result;
use crate::frame::MISSING;
use crate::plan::Plan;
use crate::plan::shape;
use crate::schema::Kind;

/// One column of the anonymized release, made again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnReplay {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Whether it can be repeated without the key.
    pub replayable: bool,
    /// Whether it is the same: the cells, or for a keyed column the number of cells and of empty ones.
    pub same: bool,
}

/// One table of the anonymized release, made again.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableReplay {
    /// The table.
    pub table: String,
    /// Rows released and made again.
    pub rows: [u64; 2],
    /// Key-free digest of the rows released and made again (SHA3-256, hex).
    pub digest: [String; 2],
    /// Its columns.
    pub columns: Vec<ColumnReplay>,
}

impl TableReplay {
    /// Whether everything that can be compared is the same.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.rows[0] == self.rows[1]
            && self.digest[0] == self.digest[1]
            && self.columns.iter().all(|c| c.same)
    }
}

/// Compares the anonymized release of two folders.
///
/// # Errors
/// If a file cannot be read.
pub fn anonymized(plan: &Plan, released: &Path, again: &Path) -> Result<Vec<TableReplay>> {
    let structure = Structure::of(plan, Kind::Anonymized);
    let mut found = Vec::new();
    let mut both =
        recount::read(released, &structure)?.into_iter().zip(recount::read(again, &structure)?);
    let mut shapes = structure.tables.iter();
    for (t, table) in plan.tables.iter().enumerate() {
        let columns = shape::released(plan, t, Kind::Anonymized);
        let Some(shape) = (!columns.is_empty())
            .then(|| shapes.next())
            .flatten()
            .filter(|s| s.name == table.name.as_str())
        else {
            continue;
        };
        let Some((ours, theirs)) = both.next() else { continue };
        let cells = [ours, theirs];
        let free: Vec<bool> = columns
            .iter()
            .map(|c| {
                let treatment = &table.columns[c.column].treatment(Kind::Anonymized).treatment;
                !treatment.doc().keyed
            })
            .collect();
        let replays = shape
            .columns
            .iter()
            .enumerate()
            .map(|(index, column)| {
                let same = if free[index] {
                    column_digest(&cells[0], index) == column_digest(&cells[1], index)
                } else {
                    empty(&cells[0], index) == empty(&cells[1], index)
                };
                ColumnReplay {
                    table: shape.name.clone(),
                    column: column.name.clone(),
                    replayable: free[index],
                    same,
                }
            })
            .collect();
        let digest = [rows_digest(&cells[0], &free), rows_digest(&cells[1], &free)];
        found.push(TableReplay {
            table: shape.name.clone(),
            rows: [cells[0].rows, cells[1].rows],
            digest: digest.map(|d| d.iter().map(|b| format!("{b:02x}")).collect()),
            columns: replays,
        });
    }
    Ok(found)
}

fn empty(cells: &Cells, column: usize) -> (u64, usize) {
    (cells.rows, cells.columns[column].iter().filter(|&&c| c == MISSING).count())
}

/// The digest of texts by code: a length before each, so that no two different cells look alike.
fn of_texts(cells: &Cells, column: usize) -> Vec<[u8; 32]> {
    cells.texts[column]
        .dictionary()
        .texts()
        .map(|text| {
            let mut hash = Sha3_256::new();
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
            hash.finalize().into()
        })
        .collect()
}

fn column_digest(cells: &Cells, column: usize) -> [u8; 32] {
    let texts = of_texts(cells, column);
    let mut counts = vec![0_u64; texts.len()];
    let mut missing = 0_u64;
    for &code in &cells.columns[column] {
        match counts.get_mut(code as usize) {
            Some(count) => *count += 1,
            None => missing += 1,
        }
    }
    let mut sorted: Vec<([u8; 32], u64)> = texts.into_iter().zip(counts).collect();
    sorted.sort_unstable();
    let mut hash = Sha3_256::new();
    hash.update(missing.to_le_bytes());
    for (text, count) in sorted.into_iter().filter(|(_, count)| *count > 0) {
        hash.update(text);
        hash.update(count.to_le_bytes());
    }
    hash.finalize().into()
}

fn rows_digest(cells: &Cells, free: &[bool]) -> [u8; 32] {
    let columns: Vec<usize> = (0..free.len()).filter(|&c| free[c]).collect();
    let texts: Vec<Vec<[u8; 32]>> = columns.iter().map(|&c| of_texts(cells, c)).collect();
    let mut rows: Vec<[u8; 32]> = (0..cells.rows as usize)
        .map(|row| {
            let mut hash = Sha3_256::new();
            for (&column, texts) in columns.iter().zip(&texts) {
                let code = cells.columns[column][row];
                hash.update(texts.get(code as usize).unwrap_or(&[0xff; 32]));
            }
            hash.finalize().into()
        })
        .collect();
    rows.sort_unstable();
    let mut hash = Sha3_256::new();
    for row in rows {
        hash.update(row);
    }
    hash.finalize().into()
}
