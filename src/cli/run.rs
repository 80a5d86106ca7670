//! `kakou run`: the six rooms, then the seal.

use std::path::{Path, PathBuf};

use clap::{Args, Parser as _};
use serde_json::json;

use super::persons::Persons;
use super::progress::Shown;
use super::recording::Recording;
use super::{Failure, Outcome, Show, prepare_from, shown, size};
use crate::error::Result;
use crate::record::objections;
use crate::run::link_keys::LinkKeys;
use crate::run::project_key::KeyUsed;
use crate::run::{self, Input, Policy, Released, Request};
use crate::schema::Kind;
use crate::timings;
use crate::{lang, words};

/// Makes both releases and the record.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  kakou run --policy policy.toml --input DATA --out OUT --exclude-anonymized optout.txt\n\n\
An exclusion list has one identifier a line, as in the column of the person's key; the parts of a key of several columns are separated by a TAB or a comma. \
A header line that names the key's columns is recognized and says where they stand. A list that matches nobody is refused.\n\
An eligibility file (docs/eligibility.md) says who was notified and who asked that it stop; whoever is not in it is in no release."
)]
pub struct Run {
    /// The policy.
    #[arg(long)]
    pub policy: PathBuf,
    /// The folder with the input files.
    #[arg(long)]
    pub input: PathBuf,
    /// The project key file (`kakou key new`). Without it the project's own in your folder of keys (`$KAKOU_KEYS`, else
    /// `$XDG_DATA_HOME/kakou/keys`, else `~/.local/share/kakou/keys`), made at its first use.
    #[arg(long)]
    pub key: Option<PathBuf>,
    /// A file whose first line is the passphrase of the key file.
    #[arg(long)]
    pub passphrase_file: Option<PathBuf>,
    /// The folder in which the release folder is made.
    #[arg(long)]
    pub out: PathBuf,
    /// The id of the release; by default policy id, time and a random part. An id is never used twice.
    #[arg(long)]
    pub release_id: Option<String>,
    /// Who must not be in the releases.
    #[command(flatten)]
    pub persons: Persons,
    /// Keys that a linking body gave back (`link_id,link_key`, ids of `kakou link export`): a file `links.csv` with the
    /// persons' tokens stands in the anonymized release. Only under the profile `ngmia-linkable`.
    #[arg(long, value_name = "FILE")]
    pub link_keys: Option<PathBuf>,
    /// Who gave the link keys and when, for the record.
    #[arg(long, value_name = "TEXT", requires = "link_keys")]
    pub link_source: Option<String>,
    /// Memory to use; beyond it partitions are spilled to disk. The result does not depend on it.
    #[arg(long, default_value = "4G", value_parser = size)]
    pub memory: u64,
    /// Threads; by default all cores. The result does not depend on it.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Where to spill (a private folder is made there); by default in the output folder.
    #[arg(long)]
    pub spill: Option<PathBuf>,
    /// Keep finished work (what was read and measured) in this folder, encrypted under the project key, and go on from what a killed
    /// run with the same policy, input, key, lists, `--memory` and program left there. A run that ends takes it away.
    #[arg(long, value_name = "FOLDER")]
    pub resume: Option<PathBuf>,
    /// Seconds after which the search for levels takes the best node so far, with its proven gap; without, until the best is
    /// proven. With it, the choice depends on the speed of the machine.
    #[arg(long, value_name = "SECONDS")]
    pub search_seconds: Option<u64>,
    /// Read a table from another file of the input folder than the policy says: CSV with a header in UTF-8, Parquet or a workbook.
    #[arg(long = "table", value_name = "NAME=FILE")]
    pub tables: Vec<crate::run::TableFile>,
    /// Tell where the time went: the rooms, and the dearest columns. `--timings=record` puts it into the record as well.
    #[arg(long, value_name = "WHERE", num_args = 0..=1, require_equals = true, default_missing_value = "shown")]
    pub timings: Option<TimingsTo>,
    /// Do everything but publish.
    #[arg(long)]
    pub dry_run: bool,
    /// How the run is recorded.
    #[command(flatten)]
    pub recording: Recording,
}

/// Where timings go.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum TimingsTo {
    /// To the one who runs the program.
    Shown,
    /// Into the record as well.
    Record,
}

/// Arguments of `kakou run` alone.
#[derive(clap::Parser, Debug)]
struct Alone {
    #[command(flatten)]
    run: Run,
}

impl Run {
    /// The arguments of a run, for a program that drives its stages itself.
    ///
    /// # Errors
    /// `P0347` for arguments that it does not take.
    pub fn of(arguments: &[String]) -> Outcome<Self> {
        let all = std::iter::once("kakou").chain(arguments.iter().map(String::as_str));
        let alone = Alone::try_parse_from(all).map_err(|error| super::call::not_taken(&error))?;
        Ok(alone.run)
    }

    /// Runs it.
    ///
    /// # Errors
    /// See the exit codes.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let prepared = prepare_from(&self.policy, &self.tables)?;
        let sources = prepared.loaded.sources.clone();
        let released = self.publish(prepared, show).map_err(|e| Failure::new(e, &sources))?;
        report(&released, show);
        for line in timings::told().iter().flat_map(timings::Timings::lines) {
            show.line(&line);
        }
        Ok(())
    }

    /// Makes the releases of a prepared policy.
    ///
    /// # Errors
    /// See the exit codes.
    pub fn publish(&self, policy: Policy, show: Show) -> Result<Released> {
        crate::memory::prepare_for(self.memory);
        run::threads(self.threads)?;
        if self.timings.is_some() {
            timings::ask();
        }
        let progress = Shown::new(show.quiet || show.json);
        let checked = run::Run::check(policy, self.request(), &progress)?;
        tell_key(checked.key(), show);
        let read = checked.read()?;
        show.warn(read.warnings());
        let sealed = read.measure()?.freeze()?.apply()?.prove()?.seal()?;
        let released = sealed.publish()?;
        progress.end();
        Ok(released)
    }

    /// What a run is asked for by these arguments.
    #[must_use]
    pub fn request(&self) -> Request {
        let link_keys = self.link_keys.as_ref();
        Request {
            input: Input::Folder(self.input.clone()),
            out: self.out.clone(),
            release_id: self.release_id.clone(),
            persons: self.persons.lists(),
            link_keys: link_keys
                .map(|path| LinkKeys { path: path.clone(), source: self.link_source.clone() }),
            key: self.key.clone(),
            passphrase_file: self.passphrase_file.clone(),
            memory: self.memory,
            spill: self.spill.clone(),
            resume: self.resume.clone(),
            search_seconds: self.search_seconds,
            dry_run: self.dry_run,
            without_key: false,
            timings: self.timings == Some(TimingsTo::Record),
            recording: self.recording.wanted(),
        }
    }
}

/// Tells which key is used, if the user did not name it.
pub(super) fn tell_key(key: &KeyUsed, show: Show) {
    match key {
        KeyUsed::Named => {}
        KeyUsed::Own { file, project, made: true, .. } => show.line(&words!("key made: {} (project {}). The same key gives the same pseudonyms: back it up, keep it to yourself, never send it along. More protection: kakou key new --passphrase-file", shown(file), project)),
        KeyUsed::Own { file, project, created, made: false } => show.line(&words!("key: {} (project {}, made {})", shown(file), project, created.split('T').next().unwrap_or_default())),
        KeyUsed::ThrownAway { file } => show.line(&words!("no key yet: a run would make {}; this dry run uses one that is thrown away", shown(file))),
    }
}

/// What was published, for machines.
#[must_use]
pub fn document(published: &Released) -> serde_json::Value {
    json!({
        "release": published.folder.as_deref().map(Path::to_string_lossy),
        "key": published.key.json(),
        "statement": &published.statement,
    })
}

/// Shows what was published.
pub fn report(published: &Released, show: Show) {
    let s = &published.statement;
    show.json(&document(published));
    show.line(&format!(
        "{:<28} {:>10} {:>10} {:>14} {:>14}",
        lang::word("table"),
        lang::word("rows in"),
        lang::word("set aside"),
        lang::word("pseudonymized"),
        lang::word("anonymized")
    ));
    for table in &s.tables {
        let out = |kind: Kind| match table.releases[kind].rows_out {
            Some(rows) => rows.to_string(),
            None => "left out".to_owned(),
        };
        show.line(&format!(
            "{:<28} {:>10} {:>10} {:>14} {:>14}",
            table.table,
            table.rows_in,
            table.set_aside.values().sum::<u64>(),
            out(Kind::Pseudonymized),
            out(Kind::Anonymized)
        ));
    }
    let persons = &s.persons;
    show.line(&words!(
        "persons: {} read, {} pseudonymized, {} anonymized",
        persons.read,
        persons.released.pseudonymized,
        persons.released.anonymized
    ));
    if let Some(linked) = &persons.linked {
        show.line(&words!(
            "linkage: {} numbers have a link identity; {} persons have more than one number",
            linked.numbers,
            linked.persons
        ));
    }
    for line in objections::told(s) {
        show.line(&line.shown());
    }
    for view in &s.views {
        show.line(&words!(
            "view {}{}: k = {} asked, {} reached in {} classes; {} of {} rows suppressed",
            view.view,
            if view.implied { lang::word(" (implied)") } else { "" },
            view.k,
            view.recounted.smallest.map_or("-".to_owned(), |n| n.0.to_string()),
            view.recounted.classes,
            view.suppressed,
            view.rows
        ));
    }
    for set in &s.sets {
        let rarest = set.recounted.sizes.iter().filter_map(|size| size.smallest).min();
        show.line(&words!(
            "set {}: k = {} asked for {} known items, {} reached; {} of {} rows suppressed",
            set.set,
            set.k,
            set.m,
            rarest.map_or("-".to_owned(), |n| n.0.to_string()),
            set.suppressed,
            set.rows
        ));
    }
    if !s.floors.is_empty() {
        let (ends, all): (Vec<_>, Vec<_>) = s.floors.iter().partition(|f| f.outcome.tails);
        show.line(&words!("floors: every value shown is held by enough persons in {} columns; {} values were joined with others or blanked, {} rows removed", all.len(), s.floors.iter().map(|f| f.outcome.joined).sum::<u64>(), s.floors.iter().map(|f| f.outcome.rows_removed).sum::<u64>()));
        if !ends.is_empty() {
            show.line(&words!("measured numbers: both ends are held by enough persons in {} columns; between the ends {} numbers are held by fewer", ends.len(), ends.iter().map(|f| f.outcome.few).sum::<u64>()));
        }
    }
    for steady in &s.steady {
        show.line(&steady.told());
    }
    if let Some(joins) = s.proof.joins.as_ref().filter(|_| s.releases.len() > 1) {
        show.line(&joins.told());
    }
    for line in s.unique.iter().flat_map(crate::report::unique::lines) {
        show.line(lang::spoken().pick(&line.ja, &line.en));
    }
    if let Some(tier) = s.policy.tier {
        show.line(&words!("tier of the anonymized release: {}", tier.word()));
    }
    for reason in s.reasons(lang::spoken()) {
        show.line(&words!("declared: {}", reason));
    }
    let codes: Vec<&str> = s.warnings.iter().map(|w| w.code.as_str()).collect();
    match codes.as_slice() {
        [] => {}
        [one] => show.line(&words!("one warning is in the record: {}", one)),
        several => {
            let (n, codes) = (several.len(), several.join(", "));
            show.line(&words!("{} warnings are in the record: {}", n, codes));
        }
    }
    match &published.folder {
        Some(folder) => {
            show.line(&words!("published: {}", folder.display()));
            show.line(&words!("next: kakou verify {}", folder.display()));
        }
        None => show.line(&words!("dry run: everything holds; nothing was published")),
    }
}
