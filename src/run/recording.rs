//! What a run is told about its record: who signs, and which ledger it is entered in.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::passphrase;
use crate::digest;
use crate::error::{Error, Family, Result};
use crate::keys::{Sign as _, SigningKey};
use crate::record::known::Known;
use crate::record::ledger::{Appended, EntryKind, Ledger, Ticket};
use crate::record::statement::ApprovalTold;
use crate::record::{approval, statement};

/// How the run is recorded.
#[derive(Clone, Debug, Default)]
pub struct Recording {
    /// Sign the record with this key file (`kakou key new --signing FILE`).
    pub sign: Option<PathBuf>,
    /// A file whose first line is the passphrase of the signing key.
    pub sign_passphrase_file: Option<PathBuf>,
    /// Enter the run in this ledger (`kakou ledger init DIR`), whether it succeeds, is refused or aborted.
    pub ledger: Option<PathBuf>,
    /// Run only a policy that is approved in this folder (`kakou policy approve`), as it is now.
    pub approved: Option<PathBuf>,
    /// Run a policy without an approval: the record and the releases are stamped "not for release".
    pub unapproved: bool,
    /// The name of the person who runs this, for the confidential part of the record.
    pub operator: Option<String>,
}

impl Recording {
    /// Opens the key and the ledger, and leaves word there that a run begins. `chosen`: somebody named the id of the release.
    ///
    /// # Errors
    /// If the key cannot be read or may not write in the ledger, or the ledger does not verify.
    pub fn begin(
        &self,
        (release, chosen): (&str, bool),
        policy: &[u8; 32],
        out: &Path,
    ) -> Result<Recorder> {
        let key = match &self.sign {
            None => None,
            Some(path) => {
                let passphrase = passphrase(self.sign_passphrase_file.as_ref())?;
                Some(SigningKey::open(path, passphrase.as_ref())?)
            }
        };
        let told = json!({
            "release": release,
            "policy": { "sha3_256": digest::hex(policy) },
            "startedAt": statement::rfc3339(SystemTime::now()),
            "operator": self.operator,
        });
        let ledger = match (&self.ledger, &key) {
            (None, _) | (_, None) => None,
            (Some(folder), Some(key)) => {
                let ledger = Ledger::at(folder);
                let known = ledger.know(key.public(), chosen.then_some(release))?;
                // Where the release will stand is for the one who finds the ticket of a killed run; it is in no entry.
                let mut ticket = told.clone();
                let folder = std::path::absolute(out.join(release));
                ticket["folder"] = json!(folder.ok().map(|f| f.to_string_lossy().into_owned()));
                let ticket = ledger.begin(&ticket)?;
                Some(Open { ledger, known, ticket })
            }
        };
        let mut recorder = Recorder { key, ledger, told, approval: ApprovalTold::NotChecked };
        match self.approval(policy, recorder.key()) {
            Ok(approval) => {
                recorder.approval = approval;
                Ok(recorder)
            }
            // A refusal for want of an approval is an entry too.
            Err(error) => Err(recorder.ended(error)),
        }
    }

    fn approval(&self, policy: &[u8; 32], key: Option<&SigningKey>) -> Result<ApprovalTold> {
        let runner = key.map(SigningKey::public);
        match (&self.approved, self.unapproved) {
            (None, false) => Ok(ApprovalTold::NotChecked),
            (None, true) => Ok(ApprovalTold::Unapproved),
            (Some(folder), unapproved) => match approval::find(folder, policy, runner) {
                Ok(found) => Ok(found.told()),
                // A damaged or planted approval is no want of one.
                Err(error) if unapproved && error.code == approval::NOT_APPROVED => {
                    Ok(ApprovalTold::Unapproved)
                }
                Err(error) => Err(error),
            },
        }
    }
}

struct Open {
    ledger: Ledger,
    /// What was verified of it when the run began.
    known: Known,
    ticket: Ticket,
}

/// Key and ledger of a run that has begun.
#[derive(Default)]
pub struct Recorder {
    key: Option<SigningKey>,
    ledger: Option<Open>,
    told: Value,
    approval: ApprovalTold,
}

impl Recorder {
    /// The signing key.
    #[must_use]
    pub fn key(&self) -> Option<&SigningKey> {
        self.key.as_ref()
    }
    /// What was found of the policy's approval.
    #[must_use]
    pub fn approval(&self) -> &ApprovalTold {
        &self.approval
    }
    /// The name of the ledger.
    #[must_use]
    pub fn origin(&self) -> Option<&str> {
        self.ledger.as_ref().map(|open| open.known.origin())
    }
    /// Enters the run. It is published afterwards: a release without an entry cannot be.
    ///
    /// # Errors
    /// Those of [`Ledger::append`].
    pub fn enter(&self, body: &Value) -> Result<Option<Appended>> {
        match (&self.key, &self.ledger) {
            (Some(key), Some(open)) => {
                open.ledger.append_after(&open.known, EntryKind::Run, body, key).map(Some)
            }
            _ => Ok(None),
        }
    }
    /// The run ended well.
    pub fn done(self) {
        if let Some(open) = self.ledger {
            open.ticket.close();
        }
    }
    /// The run did not end well, or was a dry one: enters that, and gives the error back.
    pub fn ended(self, error: Error) -> Error {
        let (Some(key), Some(open)) = (self.key, self.ledger) else { return error };
        let kind = match error.family {
            Family::Refused | Family::Policy | Family::Data => EntryKind::Refused,
            Family::Environment | Family::Interrupted => EntryKind::Aborted,
        };
        let mut body = self.told;
        body["family"] = json!(error.family);
        // Texts of errors hold no cell by construction.
        body["errors"] = error.each().map(|e| json!({ "code": e.code, "what": e.what })).collect();
        match open.ledger.append_after(&open.known, kind, &body, &key) {
            Ok(_) => {
                open.ticket.close();
                error
            }
            // The ticket stays: the next writer finds it.
            Err(more) => {
                let mut error = error;
                error.others.push(more);
                error
            }
        }
    }
}
