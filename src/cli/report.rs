//! `kakou report`: the page of a release, or of two releases or policies side by side.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Failure, Outcome, Show, shown};
use crate::error::{Error, Result};
use crate::report::words::Lang;
use crate::report::{facts, page};
use crate::say;

/// Writes the report of a release as one HTML file for a review board.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kakou report OUT/<release-id>\n  kakou report OUT/<release-id> --lang en --to board.html"
)]
pub struct Report {
    /// The release folder.
    pub release: PathBuf,
    /// The language of the page.
    #[arg(long, value_enum, default_value_t = Lang::Ja)]
    pub lang: Lang,
    /// Where to write it; by default beside the release folder, `<release-id>.report.html`.
    #[arg(long)]
    pub to: Option<PathBuf>,
}

impl Report {
    /// Runs it.
    ///
    /// # Errors
    /// If the folder is not a release, or the page cannot be written.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let written = self.write().map_err(Failure::from)?;
        show.json(&json!({ "report": written.to_string_lossy() }));
        show.line(&format!("report: {}", written.display()));
        Ok(())
    }

    /// Writes the page; gives its path.
    ///
    /// # Errors
    /// See [`Report::run`].
    pub fn write(&self) -> Result<PathBuf> {
        let html = page::release(&facts::read(&self.release)?, self.lang)?;
        let to = match &self.to {
            Some(to) => to.clone(),
            None => beside(&self.release)?,
        };
        put(&to, html.as_bytes())?;
        Ok(to)
    }
}

/// `OUT/<release-id>.report.html`: in the release folder it would be a file that is not part of the release.
fn beside(release: &Path) -> Result<PathBuf> {
    let whole = std::fs::canonicalize(release)
        .map_err(|e| Error::io("X0503", say!("finding {}", shown(release)), &e))?;
    let mut name = whole.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    name.push(".report.html");
    Ok(whole.with_file_name(name))
}

/// Replaces the file as a whole, readable by its owner and group only.
fn put(to: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    let doing = || say!("writing {}", shown(to));
    let io = |e: &std::io::Error| Error::io("X0504", doing(), e);
    let folder = to.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(".kakou-report-")
        .permissions(std::fs::Permissions::from_mode(0o640))
        .tempfile_in(folder)
        .map_err(|e| io(&e))?;
    file.write_all(bytes).map_err(|e| io(&e))?;
    file.as_file().sync_all().map_err(|e| io(&e))?;
    file.persist(to).map_err(|e| io(&e.error))?;
    Ok(())
}
