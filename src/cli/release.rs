//! `kakou approve` and `kakou seal`: the second signature under a release, and its seal.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Show;
use super::ledger::Signer;
use crate::error::Result;
use crate::record::verify::Trust;
use crate::record::{attest, state};
use crate::words;

/// The second signature under a verified release, by another person than the one who ran it.
#[derive(Args, Debug)]
pub struct Approve {
    /// The release folder (`OUT/<release-id>`).
    pub release: PathBuf,
    /// Who approves.
    #[arg(long, value_name = "NAME")]
    pub by: String,
    /// The reference of the decision (minutes, ticket).
    #[arg(long)]
    pub reference: Option<String>,
    /// Public keys that may have signed (files of `kakou key public`).
    #[arg(long, value_name = "FILE")]
    pub public_key: Vec<PathBuf>,
    /// The ledger of the run.
    #[arg(long, value_name = "DIR")]
    pub ledger: Option<PathBuf>,
    /// The approver's key.
    #[command(flatten)]
    pub signer: Signer,
}

/// Seals an approved release: the ledger gets the destruction of the anonymized release's key, and the seal.
#[derive(Args, Debug)]
pub struct Seal {
    /// The release folder (`OUT/<release-id>`).
    pub release: PathBuf,
    /// The ledger of the run.
    #[arg(long, value_name = "DIR")]
    pub ledger: PathBuf,
    /// Public keys that may have signed (files of `kakou key public`).
    #[arg(long, value_name = "FILE")]
    pub public_key: Vec<PathBuf>,
    /// The key that seals.
    #[command(flatten)]
    pub signer: Signer,
}

impl Approve {
    /// Runs it.
    ///
    /// # Errors
    /// If something does not hold.
    pub fn run(&self, show: Show) -> Result<()> {
        let key = self.signer.open()?;
        let keys = attest::plain(&attest::read_public(&self.public_key)?);
        let trust = Trust { keys: &keys, ledger: self.ledger.as_deref() };
        let approver = state::Approver { by: &self.by, reference: self.reference.as_deref() };
        state::approve(&self.release, trust, approver, &key)?;
        show.line(&words!("approved"));
        show.json(&json!({ "state": "approved" }));
        Ok(())
    }
}

impl Seal {
    /// Runs it.
    ///
    /// # Errors
    /// If something does not hold.
    pub fn run(&self, show: Show) -> Result<()> {
        let key = self.signer.open()?;
        let keys = attest::plain(&attest::read_public(&self.public_key)?);
        let trust = Trust { keys: &keys, ledger: Some(&self.ledger) };
        state::seal_release(&self.release, trust, &key)?;
        show.line(&words!(
            "sealed: the ledger has the destruction of the anonymized release's key"
        ));
        show.json(&json!({ "state": "sealed" }));
        Ok(())
    }
}
