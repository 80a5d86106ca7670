//! `kakou layout`: which layouts there are, what is in one, whether a pack is whole or a file has a layout.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::json;

use super::recognize::{self, Candidate};
use super::{Failure, Outcome, Show, shown};
use crate::error::{Error, Name};
use crate::policy::layout::read_pack;
use crate::say;
use crate::schema::layout::{Pack, SHIPPED, shipped};
use crate::words;

/// Lists and shows layout packs, and tells which of them a file has.
#[derive(Args, Debug)]
#[command(after_help = "Examples:
  kakou layout list
  kakou layout show dpc/ef-inpatient
  kakou layout check layouts/mine/lab.toml     is my own pack whole
  kakou layout check EFn_131234567_2604.txt    which shipped layouts does this file have")]
pub struct Layout {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Names all shipped layouts with their editions.
    List,
    /// Shows the columns of a shipped layout.
    Show {
        /// The layout, with or without its edition: `dpc/ff1`.
        id: String,
        /// The pack as TOML, to begin an own one with.
        #[arg(long)]
        toml: bool,
    },
    /// Puts the tables of a long layout in a release together again as one long file.
    Join(super::join::Join),
    /// Checks a pack (a file that ends in .toml), or reads a data file and tells which shipped layouts it has.
    Check {
        /// The pack or the data file.
        file: PathBuf,
        /// Only this layout, with its edition: `dpc/ef-inpatient@2026`.
        #[arg(long)]
        layout: Option<String>,
    },
}

fn pack(id: &str) -> Outcome<Pack> {
    let bare = id.split('@').next().unwrap_or(id);
    let Some(found) = shipped(bare) else {
        let known: Vec<_> = SHIPPED.iter().map(|p| say!("`{}`", Name::fixed(p.id))).collect();
        return Err(Error::policy("P0110", say!("there is no layout `{}`", Name::from_policy(id)))
            .advice(say!("layouts: {}", crate::error::Said::join(&known, ", ")))
            .into());
    };
    read_pack(Name::fixed(found.id), found.text.to_owned())
        .map_err(|f| Failure::new(f.error, &f.sources))
}

impl Layout {
    /// Runs it.
    ///
    /// # Errors
    /// An unknown layout, a pack that is not whole, a file that has none of the layouts.
    pub fn run(&self, show: Show) -> Outcome<()> {
        match &self.command {
            Command::List => list(show),
            Command::Join(join) => join.run(show),
            Command::Show { id, toml } => one(id, *toml, show),
            Command::Check { file, .. } if file.extension().is_some_and(|e| e == "toml") => {
                own(file, show)
            }
            Command::Check { file, layout } => check(file, layout.as_deref(), show),
        }
    }
}

fn list(show: Show) -> Outcome<()> {
    let mut all = Vec::new();
    for shipped in SHIPPED {
        let pack = pack(shipped.id)?;
        show.line(&format!(
            "{:<28} {:<28} {}",
            shipped.id,
            pack.layout.editions.join(" "),
            pack.layout.title
        ));
        all.push(json!({
            "layout": shipped.id, "editions": pack.layout.editions, "title": pack.layout.title,
            "columns": pack.columns.list.len(), "source": pack.layout.source,
        }));
    }
    show.json(&json!(all));
    Ok(())
}

fn one(id: &str, toml: bool, show: Show) -> Outcome<()> {
    let found = pack(id)?;
    if toml {
        let text = shipped(&found.layout.id).map_or("", |s| s.text);
        show.line(text);
        return Ok(());
    }
    show.line(&format!("{}: {}", found.layout.id, found.layout.title));
    show.line(&words!("editions: {}", found.layout.editions.join(" ")));
    show.line(&words!("source: {}\n", found.layout.source));
    let describe = |at: String, c: &crate::schema::layout::LayoutColumn| {
        let mut notes = Vec::new();
        notes.extend(c.alias.clone());
        notes.extend(c.code.clone());
        notes.extend((!c.specials.is_empty()).then(|| c.specials.join(" ")));
        notes.extend((!c.editions.is_empty()).then(|| format!("({})", c.editions.join(" "))));
        notes.extend(c.meaning.clone());
        notes.extend(c.path.as_ref().map(|p| p.list().join(" / ")));
        format!(
            "{at:>4} {:<20} {:<12} {:<12} {}",
            c.name,
            c.role.word(),
            c.ty.word(),
            notes.join("; ")
        )
    };
    for (index, column) in found.columns.list.iter().enumerate() {
        show.line(&describe((index + 1).to_string(), column));
    }
    for when in &found.when {
        let values: Vec<String> = when.matching.values().map(|v| v.list().join(" ")).collect();
        let editions = match when.editions.is_empty() {
            true => String::new(),
            false => format!(" ({})", when.editions.join(" ")),
        };
        show.line(&format!("\n{} {}{editions}", values.join(", "), when.title));
        for column in &when.list {
            show.line(&describe(String::new(), column));
        }
    }
    if !found.left_out.is_empty() {
        show.line(&words!("\nknown and left out:"));
    }
    for left in &found.left_out {
        show.line(&format!("     {:<28} {}", left.path, left.reason));
    }
    show.json(&json!({
        "layout": found.layout.id, "editions": found.layout.editions, "source": found.layout.source,
        "columns": found.columns.list.iter().map(|c| json!({
            "name": c.name, "role": c.role, "type": c.ty, "code": c.code, "specials": c.specials, "cite": c.cite,
            "path": c.path.as_ref().map(crate::schema::layout::Values::list),
        })).collect::<Vec<_>>(),
        "left_out": found.left_out.iter().map(|l| json!({ "path": l.path, "reason": l.reason })).collect::<Vec<_>>(),
    }));
    Ok(())
}

fn own(file: &Path, show: Show) -> Outcome<()> {
    let text = std::fs::read_to_string(file).map_err(|e| {
        let error = Error::io("P0011", say!("reading the layout {}", shown(file)), &e);
        Error { family: crate::error::Family::Policy, ..error }
    })?;
    let pack = read_pack(shown(file), text).map_err(|f| Failure::new(f.error, &f.sources))?;
    // A policy with it must be able to say everything: each edition is tried with all columns left out.
    show.json(&json!({ "layout": pack.layout.id, "columns": pack.columns.list.len(), "editions": pack.layout.editions }));
    show.line(&words!(
        "{}: {} columns, {} row kinds, editions {}: the pack is whole",
        pack.layout.id,
        pack.columns.list.len(),
        pack.when.len(),
        pack.layout.editions.join(" ")
    ));
    Ok(())
}

/// Reads the file under every layout as a run would, and tells which of them it passes.
fn check(file: &Path, only: Option<&str>, show: Show) -> Outcome<()> {
    let real =
        file.canonicalize().map_err(|e| Error::io("D0001", say!("opening {}", shown(file)), &e))?;
    let (Some(folder), Some(name)) = (real.parent(), real.file_name()) else {
        return Err(Error::data("D0001", say!("{} is not a file", shown(file))).into());
    };
    let files = [PathBuf::from(name)];
    let candidates: Vec<String> = match only {
        Some(layout) => vec![layout.to_owned()],
        None => Candidate::all().iter().filter_map(Candidate::newest).collect(),
    };
    let mut fits = Vec::new();
    let mut why = None;
    for layout in candidates {
        // Most layouts are out after a few rows; the others are held against the whole file.
        let read = recognize::read(folder, &files, &layout, Some(recognize::SAMPLE))
            .and_then(|_| recognize::read(folder, &files, &layout, None));
        match read {
            Ok(fit) => {
                let defects = match fit.defects {
                    0 => String::new(),
                    n => format!(", {n} of them with a defect: see `set_aside`"),
                };
                show.line(&words!("{}: fits ({} rows{})", layout, fit.rows, defects));
                fits.push(json!({ "layout": layout, "rows": fit.rows, "defects": fit.defects }));
            }
            Err(error) => {
                if only.is_some() {
                    why = Some(error);
                }
            }
        }
    }
    show.json(&json!({ "fits": fits }));
    match (fits.is_empty(), why) {
        (_, Some(error)) => Err(error.into()),
        (true, None) => Err(Error::data("D0204", say!("{} has none of the shipped layouts", shown(file)))
            .advice(say!("`--layout dpc/ff1@2026` says why it has not that one; own layouts stand in a folder `layouts` beside the policy"))
            .into()),
        (false, None) => Ok(()),
    }
}
