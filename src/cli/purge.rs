//! `kakou purge` and `kakou reveal`: deletion with its entry, and tracing back pseudonyms by two persons.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::ledger::Signer;
use super::{Outcome, Show, passphrase, prepare, shown};
use crate::error::{Error, Result};
use crate::keys::{RevealShare, Sign as _};
use crate::record::ledger::Ledger;
use crate::record::verify::Trust;
use crate::record::{attest, purge, reveal};
use crate::say;
use crate::words;

/// Destroys project keys, releases, source data and leftovers, and enters the deletion (消去) with its items in the ledger.
#[derive(Args, Debug)]
pub struct Purge {
    /// A project key file. Its pseudonyms can never be made or traced back again.
    #[arg(long, value_name = "FILE")]
    pub project_key: Vec<PathBuf>,
    /// A sealed project key (`kakou key escrow`).
    #[arg(long, value_name = "FILE")]
    pub escrow: Vec<PathBuf>,
    /// A release folder.
    #[arg(long, value_name = "DIR")]
    pub release: Vec<PathBuf>,
    /// A folder in which dead runs may have left spilled data.
    #[arg(long, value_name = "DIR")]
    pub spill: Vec<PathBuf>,
    /// Source data (医療情報, 法20条): a file, or a folder with all that is in it.
    #[arg(long, value_name = "PATH", requires = "policy")]
    pub source: Vec<PathBuf>,
    /// The policy that reads the source data: it says which items are deleted.
    #[arg(long, value_name = "FILE", requires = "source")]
    pub policy: Option<PathBuf>,
    /// Who deletes. Where the policy of the project has two persons delete (`deletion_by_two`), the first one to give this command
    /// asks, and it is done when another person gives it again, by another name and key.
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// The ledger.
    #[arg(long, value_name = "DIR")]
    pub ledger: PathBuf,
    /// Do it. Without this it is only told what would be destroyed.
    #[arg(long)]
    pub yes: bool,
    /// The key that signs the entry.
    #[command(flatten)]
    pub signer: Signer,
}

impl Purge {
    /// Runs it.
    ///
    /// # Errors
    /// If a target is not what it should be, `--yes` is missing, or I/O.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let targets = purge::Targets {
            keys: self.project_key.clone(),
            escrows: self.escrow.clone(),
            releases: self.release.clone(),
            sources: self.source.clone(),
        };
        let ledger = Ledger::at(&self.ledger);
        let planned = purge::plan(targets, &self.source()?, &self.reason, &ledger.read(&[])?)?;
        if let Some(begun) = planned.begun {
            show.line(&words!("goes on with the deletion that entry {} has begun", begun));
        }
        for path in self.project_key.iter().chain(&self.escrow) {
            show.line(&words!("key      {}", shown(path)));
        }
        for path in &self.release {
            show.line(&words!("release  {}", shown(path)));
        }
        for path in &self.source {
            show.line(&words!("source   {}", shown(path)));
        }
        for path in &self.spill {
            show.line(&words!("spills   in {}", shown(path)));
        }
        if !self.yes {
            return Err(Error::refused("R0604", say!("nothing was deleted"))
                .advice(say!("this cannot be undone: with --yes it is done"))
                .into());
        }
        let key = self.signer.open()?;
        ledger.check_writer(key.public())?;
        for path in &self.spill {
            crate::formats::spill::sweep(path)?;
            // Staging folders of dead runs hold data as well.
            crate::release::sweep(path)?;
        }
        match purge::run(&planned, purge::Deleter { by: self.by.as_deref() }, &ledger, &key)? {
            purge::Ended::Done(done) => {
                show.line(&words!("destroyed; the deletion and its items are in the ledger"));
                show.json(&done);
            }
            purge::Ended::Asked(index) => {
                show.line(&words!("asked for in entry {} of the ledger; nothing was deleted: a second person gives the same command with --by and a key of their own", index));
                show.json(&json!({ "state": "asked", "entry": index }));
            }
        }
        Ok(())
    }

    /// The items of the source data by its policy, and what must not go with it.
    fn source(&self) -> Outcome<purge::Source> {
        let mut source = purge::Source::default();
        let Some(policy) = &self.policy else { return Ok(source) };
        for table in &prepare(policy)?.plan.tables {
            let items = table.columns.iter().map(|c| c.facts.column.as_str().to_owned());
            source.items.insert(table.name.as_str().to_owned(), items.collect());
        }
        source.spared = [&self.ledger, &self.signer.sign, policy].map(Clone::clone).to_vec();
        source
            .spared
            .extend(self.project_key.iter().chain(&self.escrow).chain(&self.release).cloned());
        source.spared.push(std::env::current_dir().unwrap_or_default());
        Ok(source)
    }
}

/// The inquiries for which pseudonyms may be traced back (規則34条).
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum InquiryWord {
    /// 医薬品の適合性調査.
    Drug,
    /// 医療機器の適合性調査.
    Device,
    /// 再生医療等製品の適合性調査.
    Regenerative,
}

/// Whose are these pseudonyms? Only for an inquiry that the law names (法35条3項, 規則34条), by two persons, entered in the
/// ledger. Anonymized releases cannot be traced back.
#[derive(Args, Debug)]
pub struct Reveal {
    /// The release folder.
    pub release: PathBuf,
    /// The inquiry.
    #[arg(long, value_enum)]
    pub inquiry: InquiryWord,
    /// Why it must be answered this way.
    #[arg(long)]
    pub reason: String,
    /// The number of the inquiry.
    #[arg(long)]
    pub reference: String,
    /// The two persons, each once.
    #[arg(long, value_name = "NAME", required = true)]
    pub by: Vec<String>,
    /// The sealed project key (`kakou key escrow`).
    #[arg(long, value_name = "FILE")]
    pub escrow: PathBuf,
    /// The two shares, each once.
    #[arg(long, value_name = "FILE", required = true)]
    pub share: Vec<PathBuf>,
    /// Files whose first line is the passphrase of a share, in the order of the shares.
    #[arg(long, value_name = "FILE")]
    pub share_passphrase_file: Vec<PathBuf>,
    /// The pseudonyms, one a line.
    #[arg(long, value_name = "FILE")]
    pub tokens: PathBuf,
    /// Candidate identifiers, one a line, as in an exclusion list.
    #[arg(long, value_name = "FILE")]
    pub candidates: PathBuf,
    /// Where the answer goes (readable by you alone); must not exist.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// The ledger of the run.
    #[arg(long, value_name = "DIR")]
    pub ledger: PathBuf,
    /// Public keys that may have signed (files of `kakou key public`).
    #[arg(long, value_name = "FILE")]
    pub public_key: Vec<PathBuf>,
    /// The key that signs the entry.
    #[command(flatten)]
    pub signer: Signer,
}

impl Reveal {
    /// Runs it.
    ///
    /// # Errors
    /// If anything that it needs is missing.
    pub fn run(&self, show: Show) -> Result<()> {
        let key = self.signer.open()?;
        let two =
            || Error::refused("R0701", say!("two persons are needed: --share and --by twice each"));
        let [one, other] = self.by.as_slice() else { return Err(two()) };
        let shares = open_shares(&self.share, &self.share_passphrase_file)?;
        let [first, second] = shares.as_slice() else { return Err(two()) };
        let keys = attest::plain(&attest::read_public(&self.public_key)?);
        let trust = Trust { keys: &keys, ledger: Some(&self.ledger) };
        let grounds = reveal::Grounds {
            inquiry: match self.inquiry {
                InquiryWord::Drug => reveal::Inquiry::Drug,
                InquiryWord::Device => reveal::Inquiry::Device,
                InquiryWord::Regenerative => reveal::Inquiry::Regenerative,
            },
            reason: &self.reason,
            reference: &self.reference,
            by: [one, other],
        };
        let files = reveal::Files {
            tokens: &self.tokens,
            candidates: &self.candidates,
            escrow: &self.escrow,
            out: &self.out,
        };
        let found = reveal::reveal(&self.release, trust, grounds, files, [first, second], &key)?;
        show.line(&words!(
            "{} of {} tokens found among {} candidates: {}; the ledger has the entry",
            found.found,
            found.tokens,
            found.candidates,
            shown(&self.out)
        ));
        show.json(&serde_json::to_value(found).unwrap_or_default());
        Ok(())
    }
}

/// Opens shares with their passphrases, which are given for all of them or for none.
///
/// # Errors
/// If a share cannot be opened.
pub fn open_shares(shares: &[PathBuf], passphrases: &[PathBuf]) -> Result<Vec<RevealShare>> {
    if !passphrases.is_empty() && passphrases.len() != shares.len() {
        return Err(Error::policy(
            "R0706",
            say!("{} shares, but {} passphrase files", shares.len(), passphrases.len()),
        ));
    }
    shares
        .iter()
        .enumerate()
        .map(|(i, path)| RevealShare::open(path, passphrase(passphrases.get(i))?.as_ref()))
        .collect()
}
