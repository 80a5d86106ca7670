//! Where the tables of a run are: in a folder, or in memory.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::error::{Error, Name, Result};
use crate::formats::spill::SpillDir;
use crate::formats::{self, Dialect, OutColumn, OutType, WriteSpec};
use crate::frame::{Column, Table};
use crate::policy::model::{Output, OutputFormat};
use crate::say;

/// Where the tables are.
#[derive(Clone, Debug)]
pub enum Input {
    /// Files below a folder, found by the `path` of each table in the policy.
    Folder(PathBuf),
    /// Tables that a program hands over.
    Tables(Arc<Tables>),
}

impl Input {
    /// The folder in which the files are found.
    #[must_use]
    pub fn folder(&self) -> &Path {
        match self {
            Input::Folder(folder) => folder,
            Input::Tables(tables) => tables.folder(),
        }
    }
}

impl From<Tables> for Input {
    fn from(tables: Tables) -> Self {
        Input::Tables(Arc::new(tables))
    }
}

impl From<&Path> for Input {
    fn from(folder: &Path) -> Self {
        Input::Folder(folder.to_owned())
    }
}

/// Tables that a program hands over instead of a folder. They stand as files in a private folder (0700) until this is dropped; the
/// folder of a program that was killed is removed by the next run that spills beside it.
#[derive(Debug)]
pub struct Tables {
    _private: SpillDir,
    folder: PathBuf,
}

impl Tables {
    /// No tables yet; their folder is made in `work`, which has to be a place where clear data may stand for the time of a run.
    ///
    /// # Errors
    /// I/O.
    pub fn new(work: &Path) -> Result<Self> {
        let private = SpillDir::create(work)?;
        let folder = private.path().join("tables");
        crate::system::owners_folder()
            .create(&folder)
            .map_err(|e| Error::io("X0607", say!("making the folder of tables"), &e))?;
        Ok(Tables { _private: private, folder })
    }

    /// The folder in which the files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the table with `path = "NAME"` in the policy is to be written, by a program that has a Parquet or CSV writer of its
    /// own (a data frame library, a database).
    ///
    /// # Errors
    /// If the name is no plain file name.
    pub fn file(&self, name: &str) -> Result<PathBuf> {
        let plain = !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\', '\0']);
        if !plain {
            return Err(Error::policy(
                "P0344",
                say!(
                    "a table in memory needs a plain file name; it is the `path` of its table in the policy"
                ),
            ));
        }
        Ok(self.folder.join(name))
    }

    /// Adds a table of texts as Parquet: `(column, cells)` in order, all of the same length; `None` is a missing cell.
    ///
    /// # Errors
    /// Columns of different lengths, a table that was added before, I/O.
    pub fn add(&mut self, file: &str, columns: &[(&str, &[Option<&str>])]) -> Result<()> {
        let rows = columns.first().map_or(0, |(_, cells)| cells.len());
        if columns.iter().any(|(_, cells)| cells.len() != rows) {
            return Err(Error::data(
                "D0360",
                say!("the columns of a table in memory differ in length"),
            ));
        }
        let path = self.file(file)?;
        let output = Output { format: OutputFormat::Parquet, ..Output::default() };
        let out: Vec<OutColumn> = columns
            .iter()
            .map(|(name, _)| OutColumn {
                name: (*name).to_owned(),
                ty: OutType::Text,
                ranges: false,
            })
            .collect();
        let spec = WriteSpec {
            table: &Name::from_policy(file),
            columns: &out,
            output: &output,
            dialect: Dialect::default(),
            resources: None,
        };
        let mut writer = formats::create(&path, &spec)?;
        let columns = columns.iter().map(|(_, cells)| Column::from_texts(cells.iter().copied()));
        writer.write(&Table { rows, columns: columns.collect() })?;
        writer.finish().map(drop)
    }
}
