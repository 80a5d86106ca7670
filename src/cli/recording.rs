//! What `kakou run` is told about its record.

use std::path::PathBuf;

use clap::Args;

use crate::run::recording;

/// How the run is recorded.
#[derive(Args, Clone, Debug, Default)]
pub struct Recording {
    /// Sign the record with this key file (`kakou key new --signing FILE`).
    #[arg(long, value_name = "FILE")]
    sign: Option<PathBuf>,
    /// A file whose first line is the passphrase of the signing key.
    #[arg(long, value_name = "FILE", requires = "sign")]
    sign_passphrase_file: Option<PathBuf>,
    /// Enter the run in this ledger (`kakou ledger init DIR`), whether it succeeds, is refused or aborted.
    #[arg(long, value_name = "DIR", requires = "sign")]
    ledger: Option<PathBuf>,
    /// Run only a policy that is approved in this folder (`kakou policy approve`), as it is now.
    #[arg(long, value_name = "DIR")]
    approved: Option<PathBuf>,
    /// Run a policy without an approval: the record and the releases are stamped "not for release".
    #[arg(long)]
    unapproved: bool,
    /// The name of the person who runs this, for the confidential part of the record.
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
}

impl Recording {
    /// Signed, and entered in a ledger.
    #[must_use]
    pub fn signed(sign: PathBuf, ledger: PathBuf) -> Self {
        Recording { sign: Some(sign), ledger: Some(ledger), ..Recording::default() }
    }

    /// What a run takes.
    #[must_use]
    pub fn wanted(&self) -> recording::Recording {
        recording::Recording {
            sign: self.sign.clone(),
            sign_passphrase_file: self.sign_passphrase_file.clone(),
            ledger: self.ledger.clone(),
            approved: self.approved.clone(),
            unapproved: self.unapproved,
            operator: self.operator.clone(),
        }
    }
}
