//! `kakou report`: the page of a release, or of two releases or policies side by side.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{Outcome, Show, prepare, shown};
use crate::digest;
use crate::error::{Error, Result};
use crate::record::{state, verify};
use crate::report::facts::Both;
use crate::report::words::Lang;
use crate::report::{Standing, compare, facts, page};
use crate::{plan, say, words};

/// Writes the report of a release as one HTML file for a review board, or compares two releases or policies.
#[derive(Args, Debug)]
#[command(
    after_help = "Examples:\n  kakou report OUT/<release-id>\n  kakou report OUT/<release-id> --lang en --to board.html\n  kakou report OUT/<release-id> --against OUT/<other-id>\n  kakou report old-policy.toml --against policy.toml"
)]
pub struct Report {
    /// The release folder; a policy file to compare policies.
    pub release: PathBuf,
    /// Another release folder or policy file: the page then compares the two.
    #[arg(long, value_name = "OTHER")]
    pub against: Option<PathBuf>,
    /// Where to write it; by default beside the release folder, `<release-id>.report.html`.
    #[arg(long)]
    pub to: Option<PathBuf>,
}

impl Report {
    /// Runs it.
    ///
    /// # Errors
    /// If the folder is not a release, a policy is wrong, or the page cannot be written.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let written = self.write(show.lang.unwrap_or(Lang::Ja))?;
        show.json(&json!({ "report": written.to_string_lossy() }));
        show.line(&words!("report: {}", written.display()));
        Ok(())
    }

    /// Writes the page; gives its path.
    ///
    /// # Errors
    /// See [`Report::run`].
    pub fn write(&self, lang: Lang) -> Outcome<PathBuf> {
        let of_release = facts_of(&self.release)?;
        let html = match &self.against {
            None => page::release(&of_release, standing(&self.release)?.as_ref(), lang)?,
            Some(other) => compare::compare(&of_release, &facts_of(other)?, lang)?,
        };
        let to = match &self.to {
            Some(to) => to.clone(),
            None => beside(&self.release, self.against.as_deref())?,
        };
        put(&to, html.as_bytes())?;
        Ok(to)
    }
}

/// How far a release has come, and by whose signatures.
fn standing(release: &Path) -> Result<Option<Standing>> {
    if !release.is_dir() {
        return Ok(None);
    }
    let (reached, signed) = state::signed(release)?;
    let by = signed.iter().map(|one| {
        let who = one.name.as_ref().map_or(String::new(), |name| format!("{name}, "));
        let at =
            one.at.as_deref().map_or(String::new(), |at| format!(", {}", page::plain_time(at)));
        let key: String = one.key.chars().take(16).collect();
        Both::new(
            format!("{}: {who}鍵 {key}…{at}", one.state.ja()),
            format!("{}: {who}key {key}…{at}", one.state.word()),
        )
    });
    let state = Both::new(reached.ja(), reached.word());
    Ok(Some(Standing { state, by: by.collect() }))
}

/// The facts of a release folder or of a policy file.
fn facts_of(path: &Path) -> Outcome<facts::Facts> {
    if path.is_dir() {
        let facts = facts::read(path)?;
        verify::as_listed(path, crate::report::REPORT)?;
        return Ok(facts);
    }
    let prepared = prepare(path)?;
    let evidence = plan::legal_evidence(&prepared.plan);
    let digest = digest::sha3(&plan::digest_bytes(&prepared.loaded));
    Ok(facts::of_policy(&prepared.plan, &evidence, digest))
}

/// `OUT/<release-id>.report.html`: in the release folder it would be a file that is not part of the release.
fn beside(release: &Path, against: Option<&Path>) -> Result<PathBuf> {
    let whole = |path: &Path| {
        std::fs::canonicalize(path)
            .map_err(|e| Error::io("X0503", say!("finding {}", shown(path)), &e))
    };
    let first = whole(release)?;
    let mut name = first.file_name().map(std::ffi::OsStr::to_owned).unwrap_or_default();
    if let Some(other) = against {
        name.push("-against-");
        name.push(whole(other)?.file_name().unwrap_or_default());
    }
    name.push(".report.html");
    Ok(first.with_file_name(name))
}

/// Replaces the file as a whole, readable by its owner and group only.
fn put(to: &Path, bytes: &[u8]) -> Result<()> {
    crate::claim::replace(to, bytes)
        .map_err(|e| Error::io("X0504", say!("writing {}", shown(to)), &e))
}
