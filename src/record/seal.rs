//! The signed statements of a run: one for each release, which may travel with it (public), and one for the whole run
//! (confidential). docs/statement.md describes their fields.

use std::path::Path;

use serde_json::{Value, json};

use super::attest::{self, Subject};
use super::balance;
use super::statement::{self, Listed, MANIFEST, Statement};
use crate::digest;
use crate::error::{Error, Result, small};
use crate::keys::{Commitment, Sign};
use crate::policy::Loaded;
use crate::proof::structure::TableShape;
use crate::say;
use crate::schema::{ByKind, Kind};

/// The statement of the whole run.
pub const RUN_FILE: &str = "record/run.dsse.json";
/// The proof that the run is in the ledger.
pub const PROOF_FILE: &str = "record/run.tlog-proof";
/// The ledger's entry of the run.
pub const ENTRY_FILE: &str = "record/run.ledger-entry.json";
/// What a verifier found.
pub const VERIFICATION_FILE: &str = "record/verification.dsse.json";
/// The second signature.
pub const APPROVAL_FILE: &str = "record/approval.dsse.json";
/// The seal.
pub const SEAL_FILE: &str = "record/seal.dsse.json";
/// What the manifest cannot list because it is made from it or later. Each is verified by its own signature.
pub const BESIDE_MANIFEST: [&str; 6] =
    [RUN_FILE, ENTRY_FILE, PROOF_FILE, VERIFICATION_FILE, APPROVAL_FILE, SEAL_FILE];

/// The version of the predicates.
pub const VERSION: &str = "1";

/// The statement of one release.
#[must_use]
pub fn release_file(kind: Kind) -> String {
    format!("record/{}.dsse.json", kind.word())
}

/// What a run was made from beside the input tables: policy files with all that they extend, and hierarchies.
///
/// # Errors
/// If a hierarchy cannot be read again.
pub fn materials(loaded: &Loaded) -> Result<Value> {
    let files: Vec<Value> = loaded
        .sources
        .files
        .iter()
        .map(|(name, text)| {
            let file = Path::new(name.as_str()).file_name().and_then(|n| n.to_str());
            let digests = digest::bytes(text.as_bytes());
            json!({ "name": file, "sha256": digest::hex(&digests.sha256), "sha3_256": digest::hex(&digests.sha3_256) })
        })
        .collect();
    let hierarchies = hierarchies(loaded)?
        .into_iter()
        .map(|(name, digests)| {
            let from = &loaded.policy.hierarchies[&name];
            json!({
                "name": name, "version": from.version, "source": from.source,
                "sha256": digest::hex(&digests.sha256), "sha3_256": digest::hex(&digests.sha3_256),
            })
        })
        .collect::<Vec<Value>>();
    Ok(json!({ "policyFiles": files, "hierarchies": hierarchies }))
}

/// The digests of the hierarchy files of a policy, in the order of their names.
fn hierarchies(loaded: &Loaded) -> Result<Vec<(String, digest::Digests)>> {
    let mut found = Vec::new();
    for (name, hierarchy) in &loaded.policy.hierarchies {
        let folder = loaded.folder_of(&["hierarchies", name]).map(Path::to_owned);
        let path = folder.unwrap_or_default().join(&hierarchy.path);
        let bytes = std::fs::read(path)
            .map_err(|e| Error::io("R0311", say!("reading a hierarchy of the policy"), &e))?;
        found.push((name.clone(), digest::bytes(&bytes)));
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(found)
}

/// The digest of a resolved policy: SHA3-256 of [`crate::plan::digest_bytes`] and, if it names hierarchies, of each one's
/// name and content. Any threshold, order of columns or line of a hierarchy changes it; comments and layout do not.
///
/// # Errors
/// If a hierarchy cannot be read.
pub fn policy_digest(loaded: &Loaded) -> Result<[u8; 32]> {
    let mut bytes = crate::plan::digest_bytes(loaded);
    for (name, digests) in hierarchies(loaded)? {
        // The policy ends with `]`; every part after it stands behind its length.
        bytes.extend_from_slice(&(name.len() as u64).to_be_bytes());
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(&digests.sha3_256);
    }
    Ok(digest::sha3(&bytes))
}

/// What is to be signed.
pub struct Run<'a> {
    /// The statement of the run (`record/statement.json`).
    pub statement: &'a Statement,
    /// All files that stand in the release folder, without the signed statements and the manifest.
    pub files: &'a [Listed],
    /// [`materials`].
    pub materials: Value,
    /// Who runs the program: a name, if one was given.
    pub operator: Option<&'a str>,
    /// Whether the policy asks for two persons where the release is deleted.
    pub deletion_by_two: bool,
}

/// The public statements of both releases, as files to be put into the folder before the manifest is made.
///
/// # Errors
/// If the accounts of the run do not balance, or the signer fails.
pub fn releases(run: &Run<'_>, key: &dyn Sign) -> Result<Vec<(String, String)>> {
    let s = run.statement;
    // Not a false word under a signature.
    balance::check(s)?;
    let mut made = Vec::new();
    for kind in Kind::BOTH {
        let prefix = format!("{}/", kind.word());
        let subjects: Vec<Subject> = run
            .files
            .iter()
            .filter(|f| f.path.starts_with(&prefix))
            .map(|f| Subject::new(&f.path, &f.digests))
            .collect();
        // Views, k and quasi-identifiers are the method, which a recipient must not obtain (法30条).
        let structure = s.structure[kind].without_method();
        let commitments = |of: &mut dyn Iterator<Item = &statement::Commitment>| {
            of.map(|c| json!({ "commitment": c.digest })).collect::<Vec<Value>>()
        };
        let predicate = json!({
            "schemaVersion": VERSION,
            "release": s.release,
            "kind": kind.word(),
            "kindJa": kind.ja(),
            "notForRelease": s.not_for_release,
            "engine": s.engine,
            "startedAt": s.started_at,
            "finishedAt": s.finished_at,
            "signer": attest::signer(key.public()),
            "policy": { "commitment": s.policy.commitment.digest },
            "inputs": commitments(&mut s.inputs.iter().map(|i| &i.commitment)),
            "exclusionLists": commitments(&mut s.exclusion_lists.iter().map(|l| &l.commitment)),
            "eligibility": s.eligibility.as_ref().map(|e| commitments(&mut e.files.iter())),
            "tables": tables(s, kind),
            "persons": small(s.persons.released[kind]),
            "structure": structure,
        });
        made.push((release_file(kind), attest::sign(&subjects, attest::RELEASE, &predicate, key)?));
    }
    Ok(made)
}

/// Tables, counts and items (項目) of a release.
fn tables(s: &Statement, kind: Kind) -> Vec<Value> {
    let tables = s.structure[kind].tables.iter();
    tables
        .map(|shape| {
            let told = s.table(&shape.name).map(|t| &t.releases[kind]);
            json!({
                "table": shape.name,
                "file": shape.file,
                "items": items(shape),
                "rows": told.and_then(|t| t.rows_out).map(small),
                "persons": told.and_then(|t| t.persons).map(small),
            })
        })
        .collect()
}

/// The items (項目) of a table: the names of its columns.
fn items(table: &TableShape) -> Vec<&str> {
    table.columns.iter().map(|c| c.name.as_str()).collect()
}

/// The items of a release by table: what the statutory book names of a provision or a deletion.
pub(super) fn items_by_table(s: &Statement, kind: Kind) -> serde_json::Map<String, Value> {
    let tables = s.structure[kind].tables.iter();
    tables.map(|table| (table.name.clone(), json!(items(table)))).collect()
}

/// The confidential statement of the whole run; its subjects are the files of the manifest and the manifest itself.
///
/// # Errors
/// If the accounts of the run do not balance, or the signer fails.
pub fn run(run: &Run<'_>, manifest: &[Listed], text: &str, key: &dyn Sign) -> Result<String> {
    let s = run.statement;
    balance::check(s)?;
    let mut subjects: Vec<Subject> =
        manifest.iter().map(|f| Subject::new(&f.path, &f.digests)).collect();
    subjects.push(Subject::of(MANIFEST, text.as_bytes()));
    let predicate = json!({
        "schemaVersion": VERSION,
        "confidential": true,
        "release": s.release,
        "notForRelease": s.not_for_release,
        "engine": engine(),
        "startedAt": s.started_at,
        "finishedAt": s.finished_at,
        "signer": attest::signer(key.public()),
        "operator": { "uid": crate::system::user(), "name": run.operator },
        "policy": s.policy,
        "materials": {
            "policyFiles": run.materials["policyFiles"],
            "hierarchies": run.materials["hierarchies"],
            "inputs": s.inputs,
            "exclusionLists": s.exclusion_lists,
            "eligibility": s.eligibility,
            "frozenPlan": s.frozen_plan,
        },
        "accounting": { "persons": s.persons, "tables": accounts(s) },
        "keys": s.keys,
    });
    attest::sign(&subjects, attest::RUN, &predicate, key)
}

fn accounts(s: &Statement) -> Vec<Value> {
    let told = s.tables.iter().map(|table| {
        let releases = ByKind::of(|kind| {
            let r = &table.releases[kind];
            json!({ "excluded": r.excluded, "removed": r.removed, "written": r.rows_out, "persons": r.persons })
        });
        json!({ "table": table.table, "in": table.rows_in, "setAside": table.set_aside, "releases": releases })
    });
    told.collect()
}

/// The program itself: name, version, and the digest of the file that runs.
fn engine() -> Value {
    let binary = std::env::current_exe().ok().and_then(|path| digest::sha256_file(&path).ok());
    json!({
        "name": "kakou",
        "version": env!("CARGO_PKG_VERSION"),
        "target": format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        "binarySha256": binary.map(|d| digest::hex(&d)),
    })
}

/// What the ledger says of a run.
#[must_use]
pub fn ledger_body(run: &Run<'_>, envelope: &str, manifest: &str) -> Value {
    let s = run.statement;
    let releases = ByKind::of(|kind| {
        json!({
            "kind": kind.ja(),
            "persons": s.persons.released[kind],
            "items": items_by_table(s, kind),
        })
    });
    let mut body = json!({
        "release": s.release,
        "notForRelease": s.not_for_release,
        "startedAt": s.started_at,
        "finishedAt": s.finished_at,
        "operator": run.operator,
        "policy": { "id": s.policy.id, "version": s.policy.version,
            "sha3_256": s.policy.sha3_256, "approval": s.policy.approval },
        "statement": { "name": RUN_FILE, "sha256": digest::hex(&digest::bytes(envelope.as_bytes()).sha256) },
        "manifest": { "name": MANIFEST, "sha256": digest::hex(&digest::bytes(manifest.as_bytes()).sha256) },
        "releases": releases,
        "keys": s.keys,
    });
    if run.deletion_by_two {
        body["deletionByTwo"] = json!(true);
    }
    body
}

/// Commits to the digest of content that is small or secret: the digest of the commitment may be shown, the nonce
/// belongs into the confidential record.
///
/// # Errors
/// If the system gives no random numbers.
pub fn commit(digest: &[u8; 32]) -> Result<statement::Commitment> {
    let commitment = Commitment::to(digest)?;
    Ok(statement::Commitment {
        of: Some("sha3_256".to_owned()),
        digest: commitment.digest_hex(),
        nonce: commitment.nonce_hex(),
    })
}

/// The file that says in each release's folder that it must not leave the house.
#[must_use]
pub fn stamp_file(kind: Kind) -> String {
    format!("{}/NOT-FOR-RELEASE.txt", kind.word())
}

/// Its text.
pub const STAMP: &str = "NOT FOR RELEASE: the record of this run says why (record/statement.json).\n\
    提供禁止: 理由はこの実行の記録(record/statement.json)にあります。\n";
