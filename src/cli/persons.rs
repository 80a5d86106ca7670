//! Who must not be in the releases: the options that all commands share that make or compare releases.

use std::path::PathBuf;

use clap::Args;

use crate::run::persons;

/// Lists of persons and who was notified.
#[derive(Args, Clone, Debug, Default)]
pub struct Persons {
    /// Persons who must be in neither release.
    #[arg(long, value_name = "LIST")]
    exclude: Vec<PathBuf>,
    /// Persons who must not be in the pseudonymized release.
    #[arg(long, value_name = "LIST")]
    exclude_pseudonymized: Vec<PathBuf>,
    /// Persons who must not be in the anonymized release.
    #[arg(long, value_name = "LIST")]
    exclude_anonymized: Vec<PathBuf>,
    /// Who was notified, when, and who asked that it stop, apart for both releases (docs/eligibility.md). Whoever is not in it is
    /// in no release.
    #[arg(long, value_name = "FILE")]
    eligibility: Vec<PathBuf>,
    /// The day at which enough days must have passed since the notification; by default today.
    #[arg(long, value_name = "DATE", requires = "eligibility")]
    as_of: Option<String>,
    /// Run although a list matches nobody, or names a person in another spelling; the record tells it.
    #[arg(long)]
    allow_unmatched: bool,
}

impl Persons {
    /// What a run takes.
    #[must_use]
    pub fn lists(&self) -> persons::Persons {
        persons::Persons {
            exclude: self.exclude.clone(),
            exclude_pseudonymized: self.exclude_pseudonymized.clone(),
            exclude_anonymized: self.exclude_anonymized.clone(),
            eligibility: self.eligibility.clone(),
            as_of: self.as_of.clone(),
            allow_unmatched: self.allow_unmatched,
        }
    }
}
