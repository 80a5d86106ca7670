//! Which layout a file has: its first rows are read under a layout as a run would read them.

use std::path::{Path, PathBuf};

use crate::engine::intake;
use crate::error::{Error, Name, Result};
use crate::policy::{self, layout::read_pack};
use crate::schema::layout::{Pack, SHIPPED};
use crate::{plan, say};

/// Rows of a file that decide whether a layout is tried on the whole of it.
pub const SAMPLE: usize = 500;

/// A shipped layout that files may have.
pub struct Candidate {
    /// `dpc/ef-inpatient`.
    pub id: &'static str,
    /// The pack.
    pub pack: Pack,
}

impl Candidate {
    /// All shipped layouts.
    #[must_use]
    pub fn all() -> Vec<Candidate> {
        SHIPPED
            .iter()
            .filter_map(|s| {
                let pack = read_pack(Name::fixed(s.id), s.text.to_owned()).ok()?;
                Some(Candidate { id: s.id, pack })
            })
            .collect()
    }
    /// Whether files of this layout usually have such a name.
    #[must_use]
    pub fn named(&self, file: &str) -> bool {
        let options = glob::MatchOptions { case_sensitive: false, ..glob::MatchOptions::new() };
        self.pack
            .layout
            .files
            .iter()
            .filter_map(|p| glob::Pattern::new(p).ok())
            .any(|p| p.matches_with(file, options))
    }
    /// The layout with its newest edition: `dpc/d@2026`.
    #[must_use]
    pub fn newest(&self) -> Option<String> {
        Some(format!("{}@{}", self.id, self.pack.layout.editions.last()?))
    }
    /// The layout with each edition, the newest first.
    pub fn editions(&self) -> impl Iterator<Item = String> {
        self.pack.layout.editions.iter().rev().map(|e| format!("{}@{e}", self.id))
    }
    /// Whether the first line of its files names the columns.
    #[must_use]
    pub fn header(&self) -> bool {
        self.pack.source.get("header").and_then(serde_json::Value::as_bool).unwrap_or(true)
    }
    /// A word of its source (`format`, `record`).
    #[must_use]
    pub fn source(&self, key: &str) -> Option<&str> {
        self.pack.source.get(key).and_then(serde_json::Value::as_str)
    }
}

/// How a file reads under a layout.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fit {
    /// Rows that were read.
    pub rows: u64,
    /// Rows of these with a defect (a key that is a filler, a value of another type, bytes that are no text).
    pub defects: u64,
}

/// Reads files under a layout, the first `most` rows of each or all of them. Rows with a defect are counted.
///
/// # Errors
/// Why the files do not have the layout: more than half of the rows have a defect, other columns, I/O.
pub fn read(folder: &Path, files: &[PathBuf], layout: &str, most: Option<usize>) -> Result<Fit> {
    let layout = layout.replace(['\\', '"'], "");
    let text = format!(
        "[policy]\nid = \"layout-check\"\nversion = \"1\"\nprofile = \"ngmia\"\n[person]\nkey = \"patient\"\n\
         [pseudonymized]\nproject = \"check\"\nrecipient = \"check\"\n\
         [tables.file]\nlayout = \"{layout}\"\nunlisted = \"drop\"\nsource = {{ path = \"file\" }}\nset_aside = [\"key\", \"type\", \"bytes\"]\n"
    );
    let loaded = policy::load_text("layout check", &text).map_err(|f| f.error)?;
    let plan = plan::Plan::for_reading(&loaded)?;
    // The parts of a long table have no files of their own but those of the first.
    let real: Vec<PathBuf> = files.iter().map(|f| folder.join(f)).collect();
    let mut by_table = vec![Vec::new(); plan.tables.len()];
    if let Some(first) = by_table.first_mut() {
        *first = real;
    }
    intake::check_headers(&plan, &by_table)?;
    let [rows, passed] = intake::first_rows(&plan, &by_table, most)?;
    if passed * 2 < rows {
        return Err(Error::data(
            "D0204",
            say!(
                "more than half of the rows do not have the layout `{}`",
                Name::from_policy(layout)
            ),
        ));
    }
    Ok(Fit { rows, defects: rows - passed })
}
