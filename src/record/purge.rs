//! Purge: destroys project keys, releases and what a dead run left, and enters what was deleted (消去: 法20条, 規則12条1項3号).
//!
//! Two entries: one before anything is touched, one when all is gone, so that neither a crash nor a failure leaves a
//! false word in the book.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};

use super::ledger::{Kind, Ledger, retention_until};
use super::statement::{STATEMENT, rfc3339};
use crate::error::{Error, Name, Result, Said};
use crate::keys::{self, Purpose, Sign};
use crate::say;
use crate::schema::Kind as Release;

/// What is to be destroyed.
#[derive(Clone, Debug, Default)]
pub struct Targets {
    /// Project key files.
    pub keys: Vec<PathBuf>,
    /// Sealed project keys.
    pub escrows: Vec<PathBuf>,
    /// Release folders.
    pub releases: Vec<PathBuf>,
}

/// What a purge is about, looked at before anything is touched.
#[derive(Clone, Debug)]
pub struct Planned {
    targets: Targets,
    /// For the ledger: keys and releases with their items.
    pub body: Value,
}

fn refused(what: Said) -> Error {
    Error::refused("R0601", what)
}

fn shown(path: &Path) -> Name {
    Name::from_policy(path.display().to_string())
}

/// Looks at everything that is to be destroyed.
///
/// # Errors
/// If there is nothing, or a target is not what it should be.
pub fn plan(targets: Targets, reason: &str) -> Result<Planned> {
    if targets.keys.is_empty() && targets.escrows.is_empty() && targets.releases.is_empty() {
        return Err(Error::policy("R0602", say!("nothing to delete was named"))
            .advice(say!("--project-key FILE, --escrow FILE, --release DIR")));
    }
    if reason.trim().is_empty() {
        return Err(Error::policy("R0602", say!("a reason is needed")));
    }
    let mut keys = Vec::new();
    for path in &targets.keys {
        let facts = keys::inspect(path)?;
        if facts.purpose != Purpose::ProjectRoot {
            return Err(refused(say!("`{}` is not the key of a project", shown(path))));
        }
        let how = if facts.passphrase {
            "file overwritten and removed; every copy is encrypted under its passphrase"
        } else {
            "file overwritten and removed; it had no passphrase, so copies elsewhere must be destroyed too"
        };
        keys.push(json!({ "id": facts.id, "version": facts.version, "created": facts.created, "what": "project key", "how": how }));
    }
    for path in &targets.escrows {
        let facts = keys::inspect_escrow(path)?;
        keys.push(json!({
            "id": facts.key.id, "version": facts.key.version, "created": facts.key.created, "what": "sealed project key",
            "how": "file overwritten and removed; every copy is encrypted under both shares",
        }));
    }
    let mut releases = Vec::new();
    for path in &targets.releases {
        let missing = || refused(say!("`{}` is not a release folder", shown(path)));
        let bytes = std::fs::read(path.join(STATEMENT)).map_err(|_| missing())?;
        let record: Value = serde_json::from_slice(&bytes).map_err(|_| missing())?;
        let id = record["release"].as_str().ok_or_else(missing)?;
        let (mut files, mut size) = (0_u64, 0_u64);
        crate::release::each_file(path, &mut |file| {
            files += 1;
            size += std::fs::metadata(file).map_or(0, |m| m.len());
            Ok(())
        })?;
        let kinds: serde_json::Map<String, Value> = Release::BOTH
            .iter()
            .map(|&kind| {
                let items = items(&record, kind);
                let persons = &record["persons"]["released"][kind.word()];
                let told = json!({ "kind": kind.ja(), "items": items, "persons": persons });
                (kind.word().to_owned(), told)
            })
            .collect();
        releases.push(json!({ "release": id, "files": files, "bytes": size, "releases": kinds }));
    }
    let mut body = json!({ "reason": reason, "keys": keys, "releases": releases });
    // One release: entries about it are found by its id.
    if let [only] = releases.as_slice() {
        body["release"] = only["release"].clone();
    }
    Ok(Planned { targets, body })
}

/// Items (項目) of a release: columns by table.
fn items(record: &Value, kind: Release) -> Value {
    let tables = record["structure"][kind.word()]["tables"].as_array();
    let items: serde_json::Map<String, Value> = tables
        .into_iter()
        .flatten()
        .map(|t| {
            let columns: Vec<&Value> =
                t["columns"].as_array().into_iter().flatten().map(|c| &c["name"]).collect();
            (t["name"].as_str().unwrap_or_default().to_owned(), json!(columns))
        })
        .collect();
    Value::Object(items)
}

/// Destroys what was planned, between two entries of the ledger. Gives the body of the second one.
///
/// # Errors
/// If the ledger cannot be written before or after, or something cannot be destroyed; the first entry then stands alone.
pub fn run(planned: &Planned, ledger: &Ledger, key: &dyn Sign) -> Result<Value> {
    let mut body = planned.body.clone();
    body["state"] = json!("begun");
    let begun = ledger.append(Kind::Deletion, &body, key)?;
    for path in planned.targets.keys.iter().chain(&planned.targets.escrows) {
        keys::destroy(path)?;
    }
    for path in &planned.targets.releases {
        std::fs::remove_dir_all(path)
            .map_err(|e| Error::io("R0603", say!("deleting the release `{}`", shown(path)), &e))?;
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            std::fs::File::open(parent)
                .and_then(|f| f.sync_all())
                .map_err(|e| Error::io("R0603", say!("deleting a release"), &e))?;
        }
    }
    let now = rfc3339(SystemTime::now());
    body["state"] = json!("done");
    body["begun"] = json!(begun.index);
    body["deletedAt"] = json!(now);
    body["retentionUntil"] = json!(retention_until(&now));
    ledger.append(Kind::Deletion, &body, key)?;
    Ok(body)
}
