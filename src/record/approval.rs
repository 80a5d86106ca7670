//! Approvals of policies (法10条: changing the method of processing without approval is an offence, 70条2号).
//!
//! A folder `approved/` holds signed approvals, one a file, and `approvers.vkey`: the public keys of those who may
//! approve, one a line. An approval names the digest of the resolved policy: who approved it, when, and by which decision.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::attest::{self, Subject};
use super::statement::{ApprovalTold, rfc3339};
use super::{ledger, seal};
use crate::digest;
use crate::error::{Error, Name, Result, Said};
use crate::keys::{PublicKey, Sign};
use crate::policy::Loaded;
use crate::say;

/// The file with the public keys of those who may approve.
pub const APPROVERS: &str = "approvers.vkey";
const ENDING: &str = ".approval.dsse.json";

/// An approval whose signature holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Approval {
    /// SHA3-256 of the resolved policy, hexadecimal.
    pub digest: String,
    /// Who approved.
    pub by: String,
    /// When, RFC 3339, UTC.
    pub at: String,
    /// The decision (minutes, ticket, 変更認定).
    pub reference: String,
    /// The approver's key.
    pub signer: PublicKey,
    /// SHA-256 of the approval's file, hexadecimal.
    pub sha256: String,
}

impl Approval {
    /// As it stands in the statement of a run.
    #[must_use]
    pub fn told(&self) -> ApprovalTold {
        ApprovalTold::Approved {
            by: self.by.clone(),
            at: self.at.clone(),
            reference: self.reference.clone(),
            key_id: self.signer.id(),
            sha256: self.sha256.clone(),
        }
    }
}

/// What to write into an approval.
#[derive(Clone, Copy, Debug)]
pub struct Decision<'a> {
    /// Who approves.
    pub by: &'a str,
    /// The decision.
    pub reference: &'a str,
}

/// The code of the error that there is no approval.
pub const NOT_APPROVED: &str = "R0501";

fn refused(what: Said) -> Error {
    Error::refused(NOT_APPROVED, what)
}

/// Writes an approval of a policy. The first one in a new folder makes its key an approver; later keys must stand in
/// `approvers.vkey`, which is the house's to keep.
///
/// # Errors
/// If the key may not approve, or I/O.
pub fn approve(
    folder: &Path,
    loaded: &Loaded,
    decision: Decision<'_>,
    key: &dyn Sign,
    named: &str,
) -> Result<PathBuf> {
    let resolved = crate::plan::digest_bytes(loaded);
    let digest = seal::policy_digest(loaded)?;
    crate::release::private(folder)?;
    let approvers = folder.join(APPROVERS);
    if !approvers.exists() && approvals(folder)?.is_empty() {
        ledger::replace(&approvers, format!("{named}\n").as_bytes())?;
    }
    if !attest::plain(&attest::read_public(&[&approvers])?).contains(key.public()) {
        return Err(refused(say!("this key may not approve: it does not stand in {}", APPROVERS))
            .advice(say!("whoever keeps the folder adds the line of `kakou key public`")));
    }
    let head = &loaded.policy.policy;
    // The subject is the resolved policy itself, so that its SHA-256 can be recomputed as well; hierarchies are behind
    // the digest in the predicate.
    let subject = Subject::of(&format!("{}@{}", head.id, head.version), &resolved);
    let predicate = json!({
        "schemaVersion": seal::VERSION,
        "policy": { "id": head.id, "version": head.version, "sha3_256": digest::hex(&digest) },
        "by": decision.by,
        "reference": decision.reference,
        "approvedAt": rfc3339(SystemTime::now()),
        "signer": attest::signer(key.public()),
    });
    let text = attest::sign(&[subject], attest::POLICY_APPROVAL, &predicate, key)?;
    let name = format!("{}-{}{ENDING}", &digest::hex(&digest)[..16], &key.public().id()[..8]);
    let path = folder.join(name);
    ledger::replace(&path, text.as_bytes())?;
    Ok(path)
}

fn approvals(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = crate::release::paths(folder)?;
    found.retain(|p| p.to_string_lossy().ends_with(ENDING));
    Ok(found)
}

/// Reads an approval and verifies it.
///
/// # Errors
/// If it was changed, or is not signed by one of the approvers.
pub fn read(path: &Path, approvers: &[PublicKey]) -> Result<Approval> {
    let shown = Name::from_policy(path.display().to_string());
    let bytes =
        std::fs::read(path).map_err(|e| Error::io("R0503", say!("reading {}", shown), &e))?;
    let opened = attest::open(&bytes, &shown, attest::POLICY_APPROVAL, approvers)?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let p = &opened.predicate;
    let made = || {
        Some(Approval {
            digest: text(&p["policy"]["sha3_256"])?,
            by: text(&p["by"])?,
            at: text(&p["approvedAt"])?,
            reference: text(&p["reference"])?,
            signer: opened.signer,
            sha256: digest::hex(&digest::bytes(&bytes).sha256),
        })
    };
    made().ok_or_else(|| refused(say!("{} does not say what an approval says", shown)))
}

/// The approval of a policy by someone else than `runner`; the newest if there are several.
///
/// # Errors
/// If there is none, with what was found instead; if an approval in the folder is damaged or by a key that may not.
pub fn find(folder: &Path, digest: &[u8; 32], runner: Option<&PublicKey>) -> Result<Approval> {
    if !folder.join(APPROVERS).exists() {
        return Err(refused(say!(
            "the folder of approvals does not say who may approve ({})",
            APPROVERS
        ))
        .advice(say!("`kakou policy approve POLICY --approved DIR --sign KEY` makes it")));
    }
    let approvers = attest::plain(&attest::read_public(&[folder.join(APPROVERS)])?);
    let wanted = digest::hex(digest);
    let mut own = false;
    let mut best: Option<Approval> = None;
    for path in approvals(folder)? {
        let approval = read(&path, &approvers)?;
        if approval.digest != wanted {
            continue;
        }
        if Some(&approval.signer) == runner {
            own = true;
        } else if best.as_ref().is_none_or(|b| b.at < approval.at) {
            best = Some(approval);
        }
    }
    best.ok_or_else(|| {
        let error = if own {
            refused(say!("the policy is approved by the key that runs it alone: a second person must approve"))
        } else {
            refused(say!(
                "the policy as it is now is not approved (digest {})",
                Name::from_policy(wanted)
            ))
        };
        error.advice(say!(
            "`kakou policy diff OLD NEW` shows what changed; `kakou policy approve` approves it; --unapproved runs it, stamped not for release"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::SigningKey;
    use crate::note::{Role, VerifierKey};
    use crate::policy::load_text;

    fn key(number: u8) -> SigningKey {
        SigningKey::from_test_seed([number; 32])
    }

    fn named(key: &SigningKey) -> String {
        VerifierKey::new("hospital.example/board", Role::Log, *key.public()).unwrap().to_string()
    }

    const DECISION: Decision<'static> = Decision { by: "審査会", reference: "2026-11 第3号" };

    fn shipped(change: impl Fn(&str) -> String) -> Loaded {
        load_text("csv.toml", &change(include_str!("../../policies/csv.toml"))).unwrap()
    }

    #[test]
    fn a_threshold_changes_the_digest_and_a_comment_does_not() {
        let text = include_str!("../../policies/csv.toml");
        let digest =
            |change: &dyn Fn(&str) -> String| seal::policy_digest(&shipped(change)).unwrap();
        let base = digest(&str::to_owned);
        assert_eq!(digest(&|t| format!("# a comment\n{t}\n\n# another\n")), base);
        assert_eq!(digest(&|t| t.replace(" = ", "   =  ")), base);
        for (from, to) in [
            ("at_most = 0.05", "at_most = 0.06"),
            ("\"research\"", "\"public\""),
            ("width = 30", "width = 31"),
            ("step = 1 ", "step = 2 "),
            ("at_most = 60", "at_most = 61"),
            ("l = 2", "l = 3"),
        ] {
            assert!(text.contains(from), "{from}");
            assert_ne!(digest(&|t| t.replacen(from, to, 1)), base, "{from}");
        }
    }

    #[test]
    fn a_line_of_a_hierarchy_changes_the_digest() {
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "{}\n[hierarchies.ward]\npath = \"ward.csv\"\nlevels = [\"group\"]\nversion = \"1\"\nsource = \"house\"\n",
            include_str!("../../policies/csv.toml")
        );
        let policy = folder.path().join("p.toml");
        std::fs::write(&policy, text).unwrap();
        let digest = |table: &str| {
            std::fs::write(folder.path().join("ward.csv"), table).unwrap();
            seal::policy_digest(&crate::policy::load(&policy).unwrap()).unwrap()
        };
        assert_ne!(digest("A1;A\nA2;A\n"), digest("A1;A\nA2;B\n"));
        assert_eq!(digest("A1;A\n"), digest("A1;A\n"));
    }

    #[test]
    fn an_approval_is_found_for_its_policy_and_nobody_approves_his_own() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("approved");
        let policy = shipped(str::to_owned);
        let digest = seal::policy_digest(&policy).unwrap();
        let (board, runner) = (key(1), key(2));
        let path = approve(&dir, &policy, DECISION, &board, &named(&board)).unwrap();
        let found = find(&dir, &digest, Some(runner.public())).unwrap();
        assert_eq!((found.by.as_str(), found.reference.as_str()), ("審査会", "2026-11 第3号"));
        assert_eq!(found.signer, *board.public());
        assert_eq!(find(&dir, &digest, Some(board.public())).unwrap_err().code, "R0501");
        assert_eq!(find(&dir, &[0; 32], None).unwrap_err().code, "R0501");
        // A key that nobody let in.
        let error = approve(&dir, &policy, DECISION, &runner, &named(&runner)).unwrap_err();
        assert_eq!(error.code, "R0501");
        // An approval by another key put into the folder, and a changed one.
        let other = folder.path().join("other");
        let forged = approve(&other, &policy, DECISION, &key(3), &named(&key(3))).unwrap();
        let planted = dir.join(forged.file_name().unwrap());
        std::fs::copy(&forged, &planted).unwrap();
        assert_eq!(find(&dir, &digest, None).unwrap_err().code, "R0303");
        std::fs::remove_file(planted).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(11) {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(&path, changed).unwrap();
            assert!(find(&dir, &digest, None).is_err(), "byte {at}");
        }
    }
}
