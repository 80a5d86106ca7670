//! `kakou verify`: recomputes every digest and count of a release.

use std::path::PathBuf;

use clap::Args;

use super::ledger::Signer;
use super::{Show, shown};
use crate::error::{Error, Name, Result};
use crate::record::state::State;
use crate::record::verify::{Trust, Verified, verify};
use crate::record::{attest, ledger, seal, state};
use crate::say;

/// Recomputes every digest and count of a release.
#[derive(Args, Debug)]
pub struct Verify {
    /// The release folder (`OUT/<release-id>`).
    pub release: PathBuf,
    /// Public keys that may have signed (files of `kakou key public`). Without any it is verified that the record is
    /// whole, but not whose it is.
    #[arg(long, value_name = "FILE")]
    pub public_key: Vec<PathBuf>,
    /// The ledger in which the run must be entered.
    #[arg(long, value_name = "DIR")]
    pub ledger: Option<PathBuf>,
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
        let keys = attest::plain(&attest::read_public(&self.public_key)?);
        let trust = Trust { keys: &keys, ledger: self.ledger.as_deref() };
        if matches!(self.attest, Some(None)) {
            state::take_up(&self.release)?;
        }
        let verified = verify(&self.release, trust)?;
        let attested = self.attested(&verified)?;
        show.json(&serde_json::to_value(&verified).unwrap_or_default());
        show.line(&format!(
            "release {}: {} files are as they were sealed",
            verified.release, verified.files
        ));
        show.line(&format!(
            "pseudonymized: {} rows of {} persons; anonymized: {} rows of {} persons",
            verified.rows[0], verified.persons[0], verified.rows[1], verified.persons[1]
        ));
        if let Some(tier) = &verified.tier {
            show.line(&format!("tier of the anonymized release: {tier}"));
        }
        for reason in &verified.reasons {
            show.line(&format!("declared: {reason}"));
        }
        for view in &verified.views {
            show.line(&format!(
                "view {}{}: recounted k = {} in {} classes: holds",
                view.view,
                if view.implied { " (implied)" } else { "" },
                view.smallest.map_or_else(|| "-".to_owned(), |s| s.0.to_string()),
                view.classes
            ));
        }
        if !verified.floors.is_empty() {
            show.line(&format!(
                "floors: {} columns recounted, every value shown is held by enough persons: holds",
                verified.floors.len()
            ));
        }
        for line in &verified.objections {
            show.line(line);
        }
        if let Some(joins) = &verified.joins {
            show.line(&joins.told());
        }
        for line in crate::report::unique::lines(&verified.unique) {
            show.line(&line.en);
            show.line(&format!("  {}", line.ja));
        }
        show.line(&match &verified.signed {
            None => "not signed: anyone who can write here could have made this record".to_owned(),
            Some(by) if by.trusted => format!("signed by the given key {}", by.key_id),
            Some(by) => format!(
                "signed by {}: the record is whole; whose key it is was not checked (--public-key)",
                by.key_id
            ),
        });
        if let Some(entered) = &verified.entered {
            show.line(&format!(
                "entry {} of the ledger {} ({}){}",
                entered.index,
                entered.ledger,
                entered.at,
                if entered.checked {
                    ""
                } else {
                    ": proved; the ledger itself was not looked into (--ledger)"
                }
            ));
        }
        show.line(&format!(
            "state: {} ({}){}",
            verified.state.word(),
            verified.state.ja(),
            if verified.state_checked {
                ""
            } else {
                ": state not checked, as no ledger is at hand (台帳と照合していない)"
            }
        ));
        if let Some(path) = attested {
            show.line(&format!("attested: {}", shown(&path)));
        }
        if verified.not_for_release {
            show.line("NOT FOR RELEASE: the record says why (record/statement.json)");
        }
        Ok(())
    }

    fn attested(&self, found: &Verified) -> Result<Option<PathBuf>> {
        let (Some(attest), Some(sign)) = (&self.attest, &self.sign) else { return Ok(None) };
        let signer =
            Signer { sign: sign.clone(), sign_passphrase_file: self.sign_passphrase_file.clone() };
        let text = state::attest_verified(&self.release, found, &signer.open()?)?;
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
            None => self.release.join(seal::VERIFICATION_FILE),
        };
        ledger::replace(&path, text.as_bytes())?;
        Ok(Some(path))
    }
}
