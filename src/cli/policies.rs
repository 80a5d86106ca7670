//! `kakou policy`: the digest of a policy, its approval, and what differs between two.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::ledger::Signer;
use super::{Failure, Outcome, Show, key, prepare, shown};
use crate::digest;
use crate::keys::Sign as _;
use crate::record::{approval, changes, seal};
use crate::{lang, words};

/// The digest of a policy, its approval, and what differs between two.
#[derive(Args, Debug)]
pub struct PolicyCommand {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Prints the digest of the resolved policy: any threshold changes it, comments and layout do not.
    Digest {
        /// The policy.
        policy: PathBuf,
    },
    /// Approves a policy as it is now: writes a signed approval into the folder that `kakou run --approved` reads.
    Approve {
        /// The policy.
        policy: PathBuf,
        /// The folder of approvals.
        #[arg(long, value_name = "DIR")]
        approved: PathBuf,
        /// Who approves.
        #[arg(long, value_name = "NAME")]
        by: String,
        /// The reference of the decision (minutes, ticket, 変更認定).
        #[arg(long)]
        reference: String,
        #[command(flatten)]
        signer: Signer,
    },
    /// Says in words what differs between two policies, item by item.
    Diff {
        /// The policy before.
        before: PathBuf,
        /// The policy after.
        after: PathBuf,
    },
}

impl PolicyCommand {
    /// Runs it.
    ///
    /// # Errors
    /// If a policy is wrong, the key may not approve, or I/O.
    pub fn run(&self, show: Show) -> Outcome<()> {
        match &self.command {
            Command::Digest { policy } => {
                let prepared = prepare(policy)?;
                let digest = digest::hex(&seal::policy_digest(&prepared.loaded)?);
                show.line(&digest);
                let head = &prepared.loaded.policy.policy;
                show.json(&json!({ "id": head.id, "version": head.version, "sha3_256": digest }));
            }
            Command::Approve { policy, approved, by, reference, signer } => {
                let prepared = prepare(policy)?;
                let key = signer.open()?;
                let named = key::named(key.public(), None)?.to_string();
                let decision = approval::Decision { by, reference };
                let path = approval::approve(approved, &prepared.loaded, decision, &key, &named)
                    .map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
                show.line(&words!("approved: {}", shown(&path)));
                show.json(&json!({ "approval": path.to_string_lossy() }));
            }
            Command::Diff { before, after } => {
                let (a, b) = (prepare(before)?, prepare(after)?);
                let found = changes::between(&a.loaded, &b.loaded)?;
                for change in &found {
                    show.line(lang::spoken().pick(&change.ja, &change.en));
                }
                if found.is_empty() {
                    show.line(&words!("no difference in what is done"));
                }
                show.json(&serde_json::to_value(&found).unwrap_or_default());
            }
        }
        Ok(())
    }
}
