//! `kakou package`: what a recipient gets.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::Show;
use super::ledger::Signer;
use crate::error::Result;
use crate::record::attest;
use crate::record::ledger::Ledger;
use crate::record::package::{Provision, Reasons, Recipient, RecipientKind, make};
use crate::record::recipients;
use crate::record::verify::Trust;
use crate::schema::Kind;
use crate::words;

/// Builds the transfer for a recipient: one release, its dictionary, its public statement, digests; and enters the provision
/// in the ledger.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  kakou package OUT/r1 --kind anonymized --for 'Research Co.' --address 'Tokyo ...' --recipient handler --contract C-12 --out TRANSFER --sign run.key --ledger LEDGER"
)]
pub struct Package {
    /// The release folder (`OUT/<release-id>`).
    pub release: PathBuf,
    /// Which release.
    #[arg(long, value_enum)]
    pub kind: Which,
    /// The recipient's name (氏名又は名称).
    #[arg(long = "for", value_name = "NAME")]
    pub to: String,
    /// The recipient's address (住所).
    #[arg(long)]
    pub address: String,
    /// The name of the recipient's representative, where it is a legal person (代表者の氏名).
    #[arg(long, value_name = "NAME")]
    pub representative: Option<String>,
    /// How the release is handed over (提供の方法): by which medium or line, and what protects it. It stands in the note and the book
    /// as you say it.
    #[arg(long, value_name = "TEXT")]
    pub method: Option<String>,
    /// What the recipient is to the law.
    #[arg(long, value_enum)]
    pub recipient: RecipientKind,
    /// The recipient's certification number (認定番号).
    #[arg(long)]
    pub certification: Option<String>,
    /// The contract.
    #[arg(long)]
    pub contract: Option<String>,
    /// Another name under which the recipient may stand in the ledger.
    #[arg(long, value_name = "NAME")]
    pub also_known_as: Vec<String>,
    /// Why this recipient may have both kinds of release although they join by content; entered in the ledger.
    #[arg(long, value_name = "REASON")]
    pub both_because: Option<String>,
    /// Why this recipient may have the same tokens as another one; entered in the ledger.
    #[arg(long, value_name = "REASON")]
    pub same_tokens_because: Option<String>,
    /// The folder to make.
    #[arg(long)]
    pub out: PathBuf,
    /// The ledger of the run.
    #[arg(long, value_name = "DIR")]
    pub ledger: PathBuf,
    /// Public keys that may have signed (files of `kakou key public`).
    #[arg(long, value_name = "FILE")]
    pub public_key: Vec<PathBuf>,
    /// The key that enters the provision.
    #[command(flatten)]
    pub signer: Signer,
}

/// A release.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub enum Which {
    /// 仮名加工.
    Pseudonymized,
    /// 匿名加工.
    Anonymized,
}

impl From<Which> for Kind {
    fn from(which: Which) -> Kind {
        match which {
            Which::Pseudonymized => Kind::Pseudonymized,
            Which::Anonymized => Kind::Anonymized,
        }
    }
}

impl Package {
    /// Runs it.
    ///
    /// # Errors
    /// If the release may not go to this recipient, or something does not hold.
    pub fn run(&self, show: Show) -> Result<()> {
        let key = self.signer.open()?;
        let keys = attest::plain(&attest::read_public(&self.public_key)?);
        let recipient = Recipient {
            name: self.to.clone(),
            address: self.address.clone(),
            representative: self.representative.clone(),
            kind: self.recipient,
            certification: self.certification.clone(),
            contract: self.contract.clone(),
            also_known_as: self.also_known_as.clone(),
        };
        let reasons = Reasons {
            both: self.both_because.clone(),
            same_tokens: self.same_tokens_because.clone(),
        };
        let trust = Trust { keys: &keys, ledger: Some(&self.ledger) };
        let ledger = Ledger::at(&self.ledger);
        let provision = Provision {
            kind: self.kind.into(),
            recipient: &recipient,
            method: self.method.as_deref(),
            reasons: &reasons,
            out: &self.out,
        };
        let known = recipients::otherwise(&ledger.read(&[])?, &self.to, &self.address);
        let made = make(&self.release, &provision, trust, &ledger, &key)?;
        show.line(&words!("package: {}", made.display()));
        show.line(&words!("the provision stands in the ledger"));
        if let Some(entry) = known {
            show.line(&words!(
                "entry {} of the ledger has this name in another spelling or at another address: it is taken for the same recipient",
                entry
            ));
        }
        show.json(&json!({ "package": made.to_string_lossy() }));
        Ok(())
    }
}
