//! The statement of a run: `record/statement.json`. The processor's own, complete record; it holds no cell value.

use std::time::SystemTime;

use serde_json::{Value, json};

use crate::digest::{self, hex};
use crate::engine::exclude::Lists;
use crate::engine::views::Summary;
use crate::engine::{Made, emit};
use crate::error::{Error, Result, small};
use crate::keys::{Destruction, Hygiene, PublicKey};
use crate::plan::{ItemEvidence, Plan, TablePlan};
use crate::proof::prove::Proof;
use crate::proof::structure::Structure;
use crate::say;
use crate::schema::Kind;
use crate::text::identifier;

/// The name of the statement's form.
pub const SCHEMA: &str = "kakou-statement-1";

/// What the statement says beside what the engine found.
pub struct Facts<'a> {
    /// The id of the release.
    pub id: &'a str,
    /// When the run began and ended.
    pub started: SystemTime,
    /// When the files were proved.
    pub finished: SystemTime,
    /// SHA3-256 of the resolved policy ([`super::seal::policy_digest`]).
    pub policy_digest: [u8; 32],
    /// What was found of its approval.
    pub approval: Value,
    /// Who signs.
    pub signer: Option<&'a PublicKey>,
    /// The ledger that the run is entered in.
    pub ledger: Option<&'a str>,
    /// Why the legal items are answered.
    pub evidence: &'a [ItemEvidence],
    /// The exclusion lists.
    pub lists: &'a Lists,
    /// Id of the pseudonymized key.
    pub pseudonymized_key: &'a str,
    /// Its suite.
    pub suite: &'static str,
    /// What became of the anonymized key.
    pub destruction: &'a Destruction,
    /// Whether this may be released: no test switch was used, and the policy was not run unapproved.
    pub for_release: bool,
    /// The link keys that the anonymized release has: their source and counts.
    pub links: Option<Value>,
    /// The state of the process.
    pub hygiene: &'a Hygiene,
}

/// RFC 3339 in UTC, whole seconds.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(time).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Builds the statement.
///
/// # Errors
/// If the system gives no random numbers for the commitments.
pub fn build(plan: &Plan, made: &Made, proof: &Proof, facts: &Facts<'_>) -> Result<Value> {
    let inputs: Vec<Value> = made
        .intake
        .files
        .iter()
        .map(|f| {
            Ok(json!({
                "table": plan.tables[f.table].name,
                "bytes": f.facts.bytes,
                "rows": f.facts.rows_read,
                "sha3_256": hex(&f.facts.sha3_256),
                "commitment": super::seal::commit(&f.facts.sha3_256)?,
                "byteOrderMark": f.facts.bom,
            }))
        })
        .collect::<Result<_>>()?;
    let tables: Vec<Value> = plan
        .tables
        .iter()
        .enumerate()
        .map(|(t, table)| {
            let intake = &made.intake.tables[t];
            let aside: serde_json::Map<String, Value> =
                intake.set_aside.iter().map(|(d, n)| (d.word().to_owned(), json!(n))).collect();
            let blanked: serde_json::Map<String, Value> =
                intake.blanked.iter().map(|(c, n)| (c.as_str().to_owned(), json!(n))).collect();
            let releases: serde_json::Map<String, Value> = Kind::BOTH
                .iter()
                .map(|&kind| {
                    let k = kind as usize;
                    let file = made.files.iter().find(|f| f.kind == kind && f.table == t);
                    let value = json!({
                        "rowsOut": file.map(|f| f.written.rows),
                        "charactersReplaced": file.map(|f| f.written.unencodable),
                        "charactersRespelled": file.map(|f| f.written.respelled),
                        "cellsPrefixed": file.map(|f| f.written.formula),
                        "persons": file.map(|f| f.persons),
                        "excluded": intake.excluded[k],
                        "removed": made.removed[k][t],
                        "left out": file.is_none(),
                        "file": file.map(|f| f.relative.as_str()),
                        "long": table.long(kind).map(|l| json!({ "form": l.form, "order": l.order, "reason": l.reason })),
                        "columns": columns(plan, made, kind, t),
                    });
                    (kind.word().to_owned(), value)
                })
                .collect();
            json!({ "table": table.name, "rowsIn": intake.rows_in, "setAside": aside, "momentsOfOtherZones": intake.moments, "cellsBlanked": blanked, "releases": releases })
        })
        .collect();
    let views: Vec<Value> = plan
        .views
        .iter()
        .zip(&made.views)
        .zip(&proof.views)
        .map(|((view, outcome), recount)| {
            let quasi: Vec<String> = view
                .quasi
                .iter()
                .map(|c| {
                    format!(
                        "{}.{}",
                        plan.tables[c.table].name,
                        plan.tables[c.table].columns[c.column].facts.column
                    )
                })
                .collect();
            json!({
                "view": view.name,
                "grain": plan.tables[view.table].name,
                "implied": view.implied,
                "quasiIdentifiers": quasi,
                "facts": view.facts.iter().map(|c| name_of(plan, c.table, c.column)).collect::<Vec<_>>(),
                "k": view.k,
                "because": view.because,
                "visibleIn": view.visible_in,
                "l": view.sensitive.iter().map(|(_, l)| l).collect::<Vec<_>>(),
                "models": view.models.iter().map(|m| json!({ "model": m.key, "with": m.numbers })).collect::<Vec<_>>(),
                "rows": outcome.rows,
                "suppressed": outcome.suppressed,
                "source": summary(&outcome.source),
                "treated": summary(&outcome.treated),
                "released": summary(&outcome.released),
                "recounted": recount,
            })
        })
        .collect();
    let sets: Vec<Value> = plan
        .sets
        .iter()
        .zip(&made.sets)
        .zip(&proof.sets)
        .map(|((set, outcome), recount)| {
            let table = &plan.tables[set.table];
            json!({
                "set": set.name,
                "column": format!("{}.{}", table.name, table.columns[set.column].facts.column),
                "m": set.m,
                "k": set.k,
                "because": set.because,
                "rows": outcome.rows,
                "suppressed": outcome.suppressed,
                "items": outcome.items,
                "itemsSuppressed": outcome.items_suppressed,
                "before": outcome.before.iter().map(|s| json!({
                    "items": s.size, "present": s.present, "below": s.violating,
                })).collect::<Vec<_>>(),
                "recounted": recount,
            })
        })
        .collect();
    let lists = super::objections::lists(facts.lists)?;
    let eligibility = super::objections::eligibility(facts.lists, made)?;
    let told = facts.lists.warnings();
    let told = told.iter().map(|(code, text, ja)| json!({ "code": code, "text": text, "ja": ja }));
    let law: Vec<Value> =
        facts.evidence.iter().map(|e| serde_json::to_value(e).unwrap_or(Value::Null)).collect();
    let structures: serde_json::Map<String, Value> = Kind::BOTH
        .iter()
        .map(|&kind| {
            let shape = serde_json::to_value(Structure::of(plan, kind)).unwrap_or(Value::Null);
            (kind.word().to_owned(), shape)
        })
        .collect();
    Ok(json!({
        "schema": SCHEMA,
        "release": facts.id,
        "notForRelease": !facts.for_release,
        "signedBy": facts.signer.map(PublicKey::id),
        "ledger": facts.ledger,
        "engine": { "name": "kakou", "version": env!("CARGO_PKG_VERSION") },
        "startedAt": rfc3339(facts.started),
        "finishedAt": rfc3339(facts.finished),
        "policy": {
            "id": plan.id, "version": plan.version, "sha3_256": hex(&facts.policy_digest),
            "commitment": super::seal::commit(&facts.policy_digest)?,
            "tier": plan.tier.map(crate::policy::model::Tier::word),
            "because": plan.because,
            "approval": facts.approval,
        },
        "frozenPlan": { "sha3_256": hex(&digest::sha3(&made.frozen)) },
        "releases": plan.releases,
        "profile": plan.profile,
        "inputs": inputs,
        "persons": {
            "read": made.intake.persons,
            "inSeveralSpellings": made.intake.told.spelled,
            "excluded": { "pseudonymized": made.intake.excluded_persons[0], "anonymized": made.intake.excluded_persons[1] },
            "withoutRows": { "pseudonymized": made.persons_without_rows[0], "anonymized": made.persons_without_rows[1] },
            "released": { "pseudonymized": made.persons[0], "anonymized": made.persons[1] },
        },
        "exclusionLists": lists,
        "eligibility": eligibility,
        "tables": tables,
        "views": views,
        "sets": sets,
        "floors": made.floors.iter().map(|f| json!({
            "column": name_of(plan, f.table, f.column), "outcome": f,
        })).collect::<Vec<_>>(),
        "steady": made.steady.iter().map(|s| json!({
            "column": name_of(plan, s.table, s.column), "smallest": small(s.smallest), "split": s,
        })).collect::<Vec<_>>(),
        "unique": proof.unique,
        "search": made.search,
        "linkKeys": facts.links,
        "receiptFile": made.receipts.as_ref().map(|file| json!({
            "file": file.relative,
            "charactersReplaced": file.written.unencodable,
            "charactersRespelled": file.written.respelled,
            "recounted": proof.receipts,
        })),
        "proof": {
            "identifiersSearched": proof.identifiers_searched,
            "identifiersTooShort": proof.identifiers_too_short,
            "cellsSearched": proof.cells_searched,
            "tokens": { "pseudonymized": proof.tokens[0], "anonymized": proof.tokens[1], "shared": 0 },
            "detectors": proof.detectors,
            "floors": proof.floors,
            "joins": proof.joins,
        },
        "law": law,
        "warnings": plan.warnings.iter().chain(&made.intake.warnings).chain(&made.declared).chain(&proof.detectors.warnings).map(|w| json!({ "code": w.code, "text": w.text, "ja": w.text_ja })).chain(told).collect::<Vec<_>>(),
        "keys": {
            "suite": facts.suite,
            "identifierRules": identifier::VERSION,
            "pseudonymized": facts.pseudonymized_key,
            "anonymized": facts.destruction,
        },
        "identifiersOfNines": made.intake.told.nines.iter().map(|(key, [numbers, fillers])| json!({
            "key": key, "numbers": numbers, "fillers": fillers,
        })).collect::<Vec<_>>(),
        // What the tokens of the pseudonymized release depend on beside the key.
        "pseudonyms": {
            "project": plan.project,
            "recipient": plan.recipient,
            "domain": plan.person_key,
            "parts": plan.tables.first().map_or(1, TablePlan::person_parts),
            "normalize": plan.normalize,
        },
        "process": facts.hygiene,
        "structure": structures,
    }))
}

/// `table.column`.
fn name_of(plan: &Plan, table: usize, column: usize) -> String {
    let table = &plan.tables[table];
    format!("{}.{}", table.name, table.columns[column].facts.column)
}

fn columns(plan: &Plan, made: &Made, kind: Kind, t: usize) -> Vec<Value> {
    let table = &plan.tables[t];
    table
        .columns
        .iter()
        .enumerate()
        .map(|(c, column)| {
            let planned = column.treatment(kind);
            let doc = planned.treatment.doc();
            let (ja, en) = planned.treatment.describe();
            let tally = made.tallies[kind as usize][t][c];
            let mut told = json!({
                "column": column.facts.column,
                "name": planned.output.map(|_| table.name_in(kind, c)),
                "role": column.facts.role,
                "treatment": doc.name,
                "term": doc.ja,
                "description": en,
                "ja": ja,
                "reason": column.reason,
                "because": column.because,
                "released": planned.output.is_some(),
                "cells": tally.seen,
                "changed": tally.changed,
                "suppressed": tally.suppressed,
                "floored": tally.floored,
            });
            // What was replaced in free text, by kind.
            let marks: Vec<Value> = made.marks[t][c]
                .counts()
                .map(|(mark, n)| json!({ "mark": mark, "places": small(n.places), "persons": small(n.persons) }))
                .collect();
            if kind == Kind::Pseudonymized && !marks.is_empty() {
                told["marks"] = json!(marks);
            }
            told
        })
        .collect()
}

/// What speaks against the declarations of a policy and stays with its reason, in the words of a statement.
#[must_use]
pub fn reasons(statement: &Value) -> Vec<String> {
    let warnings = statement["warnings"].as_array().into_iter().flatten();
    let told = |w: &&Value| {
        let code = w["code"].as_str().unwrap_or_default();
        code.starts_with("W015") || code.starts_with("W016")
    };
    warnings.filter(told).filter_map(|w| w["text"].as_str().map(str::to_owned)).collect()
}

fn summary(summary: &Summary) -> Value {
    serde_json::to_value(summary).unwrap_or(Value::Null)
}

/// All files with both digests, in the order of their names; as text one a line: `sha256  sha3-256  bytes  path`.
///
/// Of a file whose digests are known (it was proved), SHA-256 is computed again: if it is the same, the bytes are, and its
/// SHA3-256 too. Otherwise both are computed, and publishing sees that the file is another one.
///
/// # Errors
/// I/O.
pub fn manifest(
    folder: &std::path::Path,
    except: &[&str],
    known: &[(String, digest::Digests)],
) -> Result<Vec<Listed>> {
    use rayon::prelude::*;
    let mut files = Vec::new();
    crate::release::each_file(folder, &mut |path| {
        let relative =
            path.strip_prefix(folder).ok().and_then(|p| p.to_str()).ok_or_else(|| {
                Error::environment(
                    "X0402",
                    say!("a file of the release has a name that is not text"),
                )
            })?;
        if !except.contains(&relative) {
            files.push(relative.to_owned());
        }
        Ok(())
    })?;
    files.sort();
    files
        .into_par_iter()
        .map(|path| {
            let file = folder.join(&path);
            let digests = match known.iter().find(|(proved, _)| *proved == path) {
                Some((_, proved)) if digest::sha256_file(&file)? == proved.sha256 => *proved,
                _ => digest::file(&file)?,
            };
            Ok(Listed { path, digests })
        })
        .collect()
}

/// A file of the manifest.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Relative to the release folder.
    pub path: String,
    /// Its digests.
    pub digests: digest::Digests,
}

/// The manifest as text.
#[must_use]
pub fn manifest_text(files: &[Listed]) -> String {
    files
        .iter()
        .map(|f| {
            let d = &f.digests;
            format!("{}  {}  {}  {}\n", hex(&d.sha256), hex(&d.sha3_256), d.bytes, f.path)
        })
        .collect()
}

/// The name of the manifest.
pub const MANIFEST: &str = "record/MANIFEST";

/// The name of the lock file of staging, which is not part of a release.
pub const NOT_LISTED: [&str; 2] = [MANIFEST, ".lock"];

/// The name of the statement.
pub const STATEMENT: &str = "record/statement.json";

/// Where the dictionary of a release stands.
#[must_use]
pub fn dictionary_path(kind: Kind) -> String {
    format!("{}/{}", kind.word(), emit::DICTIONARY)
}
