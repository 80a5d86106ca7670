//! `kakou papers`: statutory papers from the ledger, a release or a policy.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Failure, Outcome, Show, prepare};
use crate::error::{Error, Result};
use crate::record::attest;
use crate::record::ledger::Ledger;
use crate::record::papers::{Paper, book, intake, leak, methods, publication, stops};
use crate::record::statement::{STATEMENT, Statement};
use crate::say;

/// Writes statutory papers in Japanese.
#[derive(Args, Debug)]
pub struct Papers {
    #[command(subcommand)]
    which: Which,
    /// Markdown for people or CSV for Excel.
    #[arg(long, value_enum, default_value = "md", global = true)]
    format: Format,
    /// Where to; by default standard output.
    #[arg(long, short, global = true)]
    out: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    Md,
    Csv,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// The book of provisions and deletions (帳簿, 規則12条).
    Book {
        /// The ledger's folder.
        ledger: PathBuf,
        /// The public key with which the ledger begins.
        #[arg(long, value_name = "FILE")]
        public_key: Vec<PathBuf>,
    },
    /// The draft of a leak report (規則23条) with items and exact numbers of persons. Confidential.
    Leak {
        /// The ledger's folder.
        ledger: PathBuf,
        /// The public key with which the ledger begins.
        #[arg(long, value_name = "FILE")]
        public_key: Vec<PathBuf>,
    },
    /// The publication of items (個情法43条3項) of a release.
    Publication {
        /// The release folder.
        release: PathBuf,
        /// How the release is handed over (提供の方法, 個情法43条4項).
        #[arg(long, value_name = "TEXT")]
        method: Option<String>,
    },
    /// What was taken in (法55条3項, 規則57条), as `kakou ledger enter intake` told it.
    Intake {
        /// The ledger's folder.
        ledger: PathBuf,
        /// The public key with which the ledger begins.
        #[arg(long, value_name = "FILE")]
        public_key: Vec<PathBuf>,
    },
    /// Requests to stop (法53条, 規則51条), as `kakou ledger enter stop` told them.
    Stops {
        /// The ledger's folder.
        ledger: PathBuf,
        /// The public key with which the ledger begins.
        #[arg(long, value_name = "FILE")]
        public_key: Vec<PathBuf>,
    },
    /// The table of processing methods (加工方法一覧) of a policy. Confidential.
    Methods {
        /// The policy.
        #[arg(long)]
        policy: PathBuf,
    },
}

impl Papers {
    /// Runs it.
    ///
    /// # Errors
    /// If what the paper is made from cannot be read or does not verify.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let paper = match &self.which {
            Which::Book { ledger, public_key } => book(&read(ledger, public_key)?),
            Which::Leak { ledger, public_key } => leak(&read(ledger, public_key)?),
            Which::Intake { ledger, public_key } => intake(&read(ledger, public_key)?),
            Which::Stops { ledger, public_key } => stops(&read(ledger, public_key)?),
            Which::Publication { release, method } => {
                let bytes = std::fs::read(release.join(STATEMENT))
                    .map_err(|e| Error::io("X0403", say!("reading {}", STATEMENT), &e))?;
                let statement = Statement::parse(&bytes)
                    .map_err(|_| Error::refused("R0503", say!("{} cannot be read", STATEMENT)))?;
                publication(&statement, method.as_deref())?
            }
            Which::Methods { policy } => methods(&prepare(policy)?.plan),
        };
        self.write(&paper, show).map_err(Failure::from)
    }
    fn write(&self, paper: &Paper, show: Show) -> Result<()> {
        let bytes = match self.format {
            Format::Md => paper.markdown().into_bytes(),
            Format::Csv => paper.csv()?,
        };
        match &self.out {
            Some(path) => crate::claim::replace(path, &bytes)
                .map_err(|e| Error::io("X0412", say!("writing {}", super::shown(path)), &e)),
            None => {
                show.raw(&bytes);
                Ok(())
            }
        }
    }
}

fn read(folder: &std::path::Path, keys: &[PathBuf]) -> Result<crate::record::ledger::Book> {
    Ledger::at(folder).read(&attest::plain(&attest::read_public(keys)?))
}
