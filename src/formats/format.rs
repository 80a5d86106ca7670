//! The formats: one reader each. A new one is a file or folder beside this with an `impl Format`, a line in the registry below, and a
//! line with what is known without opening a file in `schema::file`.

use std::path::{Path, PathBuf};

use super::{
    Batches, ReadSpec, Wanted, csv_read, fhir, packed, parquet_read, ssmix2, uke, workbook,
};
use crate::error::Result;
use crate::schema::file::{Encoding, InputFormat};

/// How a file is looked at before a policy says how it is read.
pub(crate) struct Look<'a> {
    /// Text encoding, where the format asks for one.
    pub(crate) encoding: Encoding,
    /// Field separator, where the format asks for one.
    pub(crate) delimiter: u8,
    /// The sheet, where the format has some; without it the only one that has cells.
    pub(crate) sheet: Option<&'a str>,
}

/// What a file weighs in a run, in bytes, as far as that can be known beforehand.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Weight {
    /// Memory, if all of it is there at once.
    pub whole: u64,
    /// Memory that no spilling saves.
    pub beside: u64,
    /// The file as text, unpacked.
    pub text: u64,
}

/// A format of input files.
pub(crate) trait Format: Sync {
    /// Opens a file and checks its header.
    ///
    /// # Errors
    /// I/O, or a header that does not fit the policy.
    fn open(
        &self,
        path: &Path,
        spec: &ReadSpec<'_>,
        wanted: Wanted,
    ) -> Result<Box<dyn Batches + Send>>;
    /// The names of the columns, and how many lines (or rows) stand above them. Without names of its own (records), none.
    ///
    /// # Errors
    /// I/O, or a file without a header.
    fn names(&self, path: &Path, look: &Look<'_>) -> Result<(Vec<String>, u32)> {
        let _ = (path, look);
        Ok((Vec::new(), 0))
    }
    /// The sheets with cells.
    ///
    /// # Errors
    /// I/O, or a damaged file.
    fn sheets(&self, path: &Path) -> Result<Vec<String>> {
        let _ = path;
        Ok(Vec::new())
    }
    /// Gives the bytes of a file as they are, or unpacked piece by piece with what describes them: whatever can be read in it is there.
    ///
    /// # Errors
    /// I/O, or a damaged file.
    fn scan_bytes(&self, path: &Path, f: &mut dyn FnMut(&[u8])) -> Result<()> {
        csv_read::scan_bytes(path, f)
    }
    /// What a file weighs in a run. Measured on text (docs/benches.md): with both releases four times its bytes at the peak.
    fn weight(&self, path: &Path, bytes: u64) -> Weight {
        let text = packed::size(path, bytes);
        Weight { whole: text.saturating_mul(5), beside: text / 8, text }
    }
    /// Of a format that is a tree: its root, if a folder with this path can only be a part of one.
    fn tree_root(&self, folder: &Path) -> Option<PathBuf> {
        let _ = folder;
        None
    }
}

macro_rules! registry {
    ($($format:ident = $reader:expr;)*) => {
        /// The reader of a format.
        pub(crate) fn reader(format: InputFormat) -> &'static dyn Format {
            match format { $(InputFormat::$format => &$reader,)* }
        }
    };
}

registry! {
    Csv = csv_read::Csv;
    Parquet = parquet_read::Parquet;
    Uke = uke::Uke;
    Ssmix2 = ssmix2::Ssmix2;
    Fhir = fhir::Fhir;
    Xlsx = workbook::Workbook(InputFormat::Xlsx);
    Ods = workbook::Workbook(InputFormat::Ods);
}
