//! What a run says that it did, as far as the proof holds the files against it; and who watches the source on its way.

use super::Plan;
use super::steady::Divided;
use super::unique::Unique;
use crate::frame::Table;
use crate::schema::{ByKind, Kind};

/// Sees the source while it passes. The proof learns so what must stand nowhere in a release, without reading it again.
pub trait Witness: Send {
    /// The rows of some persons, by table in the order of the plan, with the cells as they were read.
    fn source(&mut self, plan: &Plan, tables: &[&Table]);
}

/// What a run says of a table in a file of a release.
#[derive(Clone, Debug)]
pub struct ClaimedFile {
    /// Which release.
    pub kind: Kind,
    /// The table (plan index).
    pub table: usize,
    /// Path relative to the release folder.
    pub relative: String,
    /// Rows of the table in it.
    pub rows: u64,
    /// Whether cells were written in another form than they had (characters that the encoding lacks, formulas).
    pub respelled: bool,
}

/// What a run says of the rows of a table.
#[derive(Clone, Debug)]
pub struct ClaimedRows {
    /// Rows read.
    pub read: u64,
    /// Rows set aside as defects.
    pub aside: u64,
    /// By kind: rows of persons who are excluded.
    pub excluded: ByKind<u64>,
    /// By kind: rows removed by techniques or suppression.
    pub removed: ByKind<u64>,
}

/// What a run says that it did. Each claim is held against the files.
#[derive(Clone, Debug)]
pub struct Claims {
    /// The files.
    pub files: Vec<ClaimedFile>,
    /// Lines of the receipt file, if there is one.
    pub receipt_lines: Option<u64>,
    /// By table.
    pub tables: Vec<ClaimedRows>,
    /// By kind: distinct persons with at least one row.
    pub persons: ByKind<u64>,
    /// Persons who were given a key of a linking body.
    pub links: u64,
    /// Whom facts beside the views single out.
    pub unique: Unique,
    /// What facts that are the same in all rows of a person make of the views.
    pub steady: Vec<Divided>,
}
