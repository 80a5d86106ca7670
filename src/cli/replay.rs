//! `kakou replay`: an auditor makes the releases again from the inputs and compares.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::persons::Persons;
use super::progress::Shown;
use super::{Failure, Outcome, Show, prepare_from, size};
use crate::run::again::{Again, again};
use crate::words;

/// Makes both releases again from inputs, policy and key, and compares them with a release.
#[derive(Args, Debug)]
#[command(
    after_help = "The pseudonymized release must be the same bytes (with the key). Of the anonymized one every column without randomness is compared by digests that do not depend on order or tokens; the others are listed."
)]
pub struct Replay {
    /// The release folder (`OUT/<release-id>`).
    pub release: PathBuf,
    /// The policy of the run.
    #[arg(long)]
    pub policy: PathBuf,
    /// The input files of the run.
    #[arg(long)]
    pub input: PathBuf,
    /// The project key. Without it the project's own in your folder of keys, if it is the one of the run; else only the
    /// anonymized release is compared.
    #[arg(long)]
    pub key: Option<PathBuf>,
    /// A file whose first line is the passphrase of the key file.
    #[arg(long)]
    pub passphrase_file: Option<PathBuf>,
    /// The lists and the eligibility file of the run; the reference date is that of the run.
    #[command(flatten)]
    pub persons: Persons,
    /// Link keys of the run, if there were any.
    #[arg(long)]
    pub link_keys: Option<PathBuf>,
    /// Read a table from another file of the input folder than the policy says: CSV with a header in UTF-8, Parquet or a workbook.
    #[arg(long = "table", value_name = "NAME=FILE")]
    pub tables: Vec<crate::run::TableFile>,
    /// Memory to use.
    #[arg(long, default_value = "4G", value_parser = size)]
    pub memory: u64,
    /// Where the comparison is made; a private folder there is removed at the end.
    #[arg(long)]
    pub work: Option<PathBuf>,
}

impl Replay {
    /// Runs it.
    ///
    /// # Errors
    /// Everything that is not as the release says, each named.
    pub fn run(&self, show: Show) -> Outcome<()> {
        crate::memory::prepare_for(self.memory);
        let prepared = prepare_from(&self.policy, &self.tables)?;
        let asked = Again {
            release: self.release.clone(),
            input: self.input.clone(),
            key: self.key.clone(),
            passphrase_file: self.passphrase_file.clone(),
            persons: self.persons.lists(),
            link_keys: self.link_keys.clone(),
            memory: self.memory,
            work: self.work.clone(),
        };
        let same = again(&prepared, &asked, &Shown::new(show.quiet || show.json))
            .map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
        if same.with_key {
            show.line(&words!("pseudonymized: {} files, the same bytes", same.bytes.len()));
        } else {
            show.line(&words!("pseudonymized: not compared, no key was given (--key)"));
        }
        show.line(&words!(
            "anonymized: {} tables, every column without randomness is the same",
            same.tables.len()
        ));
        let keyed = same.not_replayable();
        show.line(&words!("  not repeatable (their key is destroyed): {}", keyed.join(", ")));
        show.json(&json!({
            "pseudonymized": same.bytes, "anonymized": same.tables, "notReplayable": keyed
        }));
        Ok(())
    }
}
