//! Columns that stand in the names of folders (`year=2025/ward=3A/part-0.parquet`), as writers of many files leave them.

use std::path::Path;

use super::{Batch, Batches, ColumnSpec, FileFacts, ReadSpec};
use crate::error::{Error, Name, Result};
use crate::frame::Column;
use crate::say;

/// The folder of rows without a value.
const MISSING: &str = "__HIVE_DEFAULT_PARTITION__";

/// Names and values of the last `depth` folders above a file.
fn of(path: &Path, depth: usize) -> Vec<(String, Option<String>)> {
    let folders: Vec<String> = path
        .components()
        .rev()
        .skip(1)
        .take(depth)
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .collect();
    let pair = |folder: &String| {
        let (name, value) = folder.split_once('=')?;
        let value = plain(value);
        Some((plain(name), (value != MISSING).then_some(value)))
    };
    folders.iter().rev().filter_map(pair).collect()
}

/// A text with its `%3A` read.
fn plain(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match code.and_then(|c| u8::from_str_radix(c, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// The columns of the policy that stand in the folders: their places and values.
pub(super) fn find(
    path: &Path,
    spec: &ReadSpec<'_>,
    depth: usize,
) -> Result<Vec<(usize, Option<String>)>> {
    let mut found = Vec::new();
    for (name, value) in of(path, depth) {
        let Some(at) = spec.columns.iter().position(|c| c.name.as_str() == name) else {
            return Err(Error::data(
                "D0010",
                say!("table `{}`: a folder is of a column that is not in the policy", spec.table),
            )
            .advice(say!(
                "add the column that stands before `=` in its name, with a role and two treatments"
            )));
        };
        found.push((at, value));
    }
    Ok(found)
}

/// The columns that are left for the file itself.
pub(super) fn rest(columns: &[ColumnSpec], found: &[(usize, Option<String>)]) -> Vec<ColumnSpec> {
    let there = |at: &usize| found.iter().any(|(place, _)| place == at);
    columns.iter().enumerate().filter(|(at, _)| !there(at)).map(|(_, c)| c.clone()).collect()
}

/// A file with the columns of its folders.
pub(super) struct PartitionReader {
    inner: Box<dyn Batches + Send>,
    table: Name,
    /// Places in the order of the policy, ascending, with their cells.
    columns: Vec<(usize, Option<String>)>,
}

impl PartitionReader {
    pub(super) fn new(
        inner: Box<dyn Batches + Send>,
        spec: &ReadSpec<'_>,
        mut found: Vec<(usize, Option<String>)>,
    ) -> Self {
        found.sort_unstable();
        for (at, value) in &mut found {
            let missing = &spec.columns[*at].missing;
            *value = value.take().filter(|v| !v.is_empty() && !missing.contains(v));
        }
        PartitionReader { inner, table: spec.table.clone(), columns: found }
    }
}

impl Batches for PartitionReader {
    fn next(&mut self, rows: usize) -> Result<Option<Batch>> {
        let Some(mut batch) = self.inner.next(rows)? else { return Ok(None) };
        for (at, value) in &self.columns {
            if *at > batch.table.columns.len() {
                return Err(Error::data(
                    "D0013",
                    say!("table `{}`: a column stands in two folders", self.table),
                ));
            }
            let column = Column::constant(value.as_deref(), batch.table.rows);
            batch.table.columns.insert(*at, column);
        }
        Ok(Some(batch))
    }
    fn facts(&self) -> FileFacts {
        self.inner.facts()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::file::InputFormat;

    #[test]
    fn folders_are_columns() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x=0/year=2025/ward=3%2FA/t.csv");
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, "id\n1\n2\n").unwrap();
        let table = Name::fixed("t");
        let columns: Vec<ColumnSpec> =
            ["year", "id", "ward"].map(|n| ColumnSpec::text(Name::fixed(n))).into();
        let spec = ReadSpec { partitions: 2, ..ReadSpec::new(&table, InputFormat::Csv, &columns) };
        let mut reader = crate::open(&path, &spec).unwrap();
        let batch = reader.next(10).unwrap().unwrap();
        let row: Vec<_> = batch.table.columns.iter().map(|c| c.text(1).unwrap()).collect();
        assert_eq!(row, ["2025", "2", "3/A"]);
        // A folder whose column nobody knows.
        let deep = ReadSpec { partitions: 3, ..spec };
        assert_eq!(crate::open(&path, &deep).map(|_| ()).unwrap_err().code, "D0010");
        assert_eq!(of(Path::new("a=__HIVE_DEFAULT_PARTITION__/t"), 5), [("a".to_owned(), None)]);
    }
}
