//! `kakou verify`: recomputes every digest and count of a release.

use std::path::PathBuf;

use clap::Args;
use kakou_verifier::{Look, told, warning};

use super::ledger::Signer;
use super::{Show, shown};
use crate::error::{Error, Name, Result};
use crate::record::state::State;
use crate::record::verify::Verified;
use crate::record::{ledger, seal, state};
use crate::say;
use crate::words;

/// Recomputes every digest and count of a release.
#[derive(Args, Debug)]
pub struct Verify {
    /// What is verified, and what is trusted.
    #[command(flatten)]
    pub look: Look,
    /// Write what was found as a signed statement (SVR); without a file into the record, which makes the release "verified".
    #[arg(long, value_name = "FILE", num_args = 0..=1, requires = "sign")]
    pub attest: Option<Option<PathBuf>>,
    /// The verifier's signing key.
    #[arg(long, value_name = "FILE", requires = "attest")]
    pub sign: Option<PathBuf>,
    /// A file whose first line is the passphrase of the verifier's key.
    #[arg(long, value_name = "FILE", requires = "sign")]
    pub sign_passphrase_file: Option<PathBuf>,
}

impl Verify {
    /// Runs it.
    ///
    /// # Errors
    /// Everything that does not hold.
    pub fn run(&self, show: Show) -> Result<()> {
        if matches!(self.attest, Some(None)) {
            state::take_up(&self.look.release)?;
        }
        let verified = self.look.verify()?;
        let attested = self.attested(&verified)?;
        show.json(&serde_json::to_value(&verified).unwrap_or_default());
        for line in told(&verified) {
            show.line(&line);
        }
        if let Some(path) = attested {
            show.line(&words!("attested: {}", shown(&path)));
        }
        if let Some(line) = warning(&verified) {
            show.line(line);
        }
        Ok(())
    }

    fn attested(&self, found: &Verified) -> Result<Option<PathBuf>> {
        let (Some(attest), Some(sign)) = (&self.attest, &self.sign) else { return Ok(None) };
        let signer =
            Signer { sign: sign.clone(), sign_passphrase_file: self.sign_passphrase_file.clone() };
        let text = state::attest_verified(&self.look.release, found, &signer.open()?)?;
        let path = match attest {
            Some(path) => path.clone(),
            None if found.package || found.state > State::Verified => {
                let state = if found.package {
                    Name::fixed("a package")
                } else {
                    Name::fixed(found.state.word())
                };
                return Err(Error::refused("R0401", say!("the release is {} already", state))
                    .advice(say!("name a file for the statement: --attest FILE")));
            }
            None => self.look.release.join(seal::VERIFICATION_FILE),
        };
        ledger::replace(&path, text.as_bytes())?;
        Ok(Some(path))
    }
}
