//! What `kakou run` is told about its record: who signs.

use std::path::PathBuf;

use clap::Args;

use super::passphrase;
use crate::error::Result;
use crate::key::SigningKey;

/// How the run is recorded.
#[derive(Args, Clone, Debug, Default)]
pub struct Recording {
    /// Sign the record with this key file (`kakou key new --signing FILE`).
    #[arg(long, value_name = "FILE")]
    pub sign: Option<PathBuf>,
    /// A file whose first line is the passphrase of the signing key.
    #[arg(long, value_name = "FILE", requires = "sign")]
    pub sign_passphrase_file: Option<PathBuf>,
    /// The name of the person who runs this, for the confidential part of the record.
    #[arg(long, value_name = "NAME")]
    pub operator: Option<String>,
}

impl Recording {
    /// Opens the signing key.
    ///
    /// # Errors
    /// If it cannot be read or unlocked.
    pub fn key(&self) -> Result<Option<SigningKey>> {
        let Some(path) = &self.sign else { return Ok(None) };
        SigningKey::open(path, passphrase(self.sign_passphrase_file.as_ref())?.as_ref()).map(Some)
    }
}
