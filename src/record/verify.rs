//! Verify: recomputes every digest and every count of a release from its folder alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;

use super::digest::{self, hex};
use super::statement::{MANIFEST, SCHEMA, STATEMENT};
use crate::check::recount::{self, Recount};
use crate::check::structure::Structure;
use crate::error::{Error, Name, Result};
use crate::say;
use crate::schema::Kind;

/// What verify found when everything holds.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The id of the release as the statement names it.
    pub release: String,
    /// Files whose digests were recomputed.
    pub files: u64,
    /// Rows counted, by release kind.
    pub rows: [u64; 2],
    /// Distinct persons counted, by release kind.
    pub persons: [u64; 2],
    /// The views as recounted.
    pub views: Vec<Recount>,
    /// Whether the record says that this is not for release.
    pub not_for_release: bool,
}

fn wrong(what: crate::error::Said) -> Error {
    Error::refused("C0801", what)
}

/// Verifies a release folder.
///
/// # Errors
/// Everything that does not hold, each named.
pub fn verify(folder: &Path) -> Result<Verified> {
    let mut errors = Vec::new();
    let manifest = std::fs::read(folder.join(MANIFEST))
        .map_err(|e| Error::io("X0403", say!("reading {} of the release", MANIFEST), &e))?;
    let listed = match parse_manifest(&manifest) {
        Some(listed) => listed,
        None => return Err(wrong(say!("{} is damaged", MANIFEST))),
    };
    let mut present = BTreeSet::new();
    crate::release::each_file(folder, &mut |path| {
        if let Ok(relative) = path.strip_prefix(folder) {
            present.insert(relative.to_string_lossy().into_owned());
        }
        Ok(())
    })?;
    present.remove(MANIFEST);
    for path in listed.keys().filter(|p| !present.contains(*p)) {
        errors.push(wrong(say!("the file {} is missing", shown(path))));
    }
    for path in present.iter().filter(|p| !listed.contains_key(*p)) {
        errors.push(wrong(say!("the file {} is not part of the release", shown(path))));
    }
    for (path, line) in listed.iter().filter(|(p, _)| present.contains(*p)) {
        let d = digest::file(&folder.join(path))?;
        if hex(&d.sha256) != line.0 || hex(&d.sha3_256) != line.1 || d.bytes != line.2 {
            errors.push(wrong(say!("the file {} is not as it was sealed", shown(path))));
        }
    }
    // What is not as it was sealed is not read further.
    if let Some(error) = Error::all(std::mem::take(&mut errors)) {
        return Err(error);
    }
    let statement: Value = std::fs::read(folder.join(STATEMENT))
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or_else(|| wrong(say!("{} cannot be read", STATEMENT)))?;
    if statement["schema"] != SCHEMA {
        return Err(wrong(say!("{} is of a form that this program does not know", STATEMENT)));
    }
    let mut verified = Verified {
        release: statement["release"].as_str().unwrap_or_default().to_owned(),
        files: listed.len() as u64,
        rows: [0; 2],
        persons: [0; 2],
        views: Vec::new(),
        not_for_release: statement["notForRelease"].as_bool().unwrap_or(true),
    };
    for kind in Kind::BOTH {
        let structure: Structure =
            serde_json::from_value(statement["structure"][kind.word()].clone())
                .map_err(|_| wrong(say!("{} does not describe the {} release", STATEMENT, kind)))?;
        let mut tables = Vec::new();
        for shape in &structure.tables {
            let cells = recount::read(folder, &structure, shape)?;
            let told = table_entry(&statement, &shape.name).map(|t| &t["releases"][kind.word()]);
            let rows = told.and_then(|t| t["rowsOut"].as_u64());
            let persons = told.and_then(|t| t["persons"].as_u64());
            if rows != Some(cells.rows) {
                errors.push(wrong(say!(
                    "table `{}`, {} release: {} rows, the record says {}",
                    Name::from_policy(shape.name.clone()),
                    kind,
                    cells.rows,
                    rows
                )));
            }
            if persons != Some(recount::persons_of(shape, &cells)) {
                errors.push(wrong(say!(
                    "table `{}`, {} release: the number of persons is not what the record says",
                    Name::from_policy(shape.name.clone()),
                    kind
                )));
            }
            balance(&statement, &shape.name, kind, cells.rows, &mut errors);
            verified.rows[kind as usize] += cells.rows;
            tables.push(cells);
        }
        verified.persons[kind as usize] = recount::persons(&structure, &tables);
        if statement["persons"]["released"][kind.word()].as_u64()
            != Some(verified.persons[kind as usize])
        {
            errors.push(wrong(say!(
                "the {} release does not have the number of persons that the record says",
                kind
            )));
        }
        for (index, view) in structure.views.iter().enumerate() {
            let recount = recount::recount(&structure, &tables, view)?;
            if !recount.holds {
                errors.push(wrong(say!(
                    "view `{}`: k or l does not hold",
                    Name::from_policy(view.name.clone())
                )));
            }
            let told: Option<Recount> =
                serde_json::from_value(statement["views"][index]["recounted"].clone()).ok();
            if told.as_ref() != Some(&recount) {
                errors.push(wrong(say!(
                    "view `{}`: the recount is not what the record says",
                    Name::from_policy(view.name.clone())
                )));
            }
            verified.views.push(recount);
        }
    }
    Error::all(errors).map_or(Ok(verified), Err)
}

fn table_entry<'a>(statement: &'a Value, name: &str) -> Option<&'a Value> {
    statement["tables"].as_array()?.iter().find(|t| t["table"] == name)
}

fn balance(statement: &Value, name: &str, kind: Kind, rows: u64, errors: &mut Vec<Error>) {
    let Some(entry) = table_entry(statement, name) else { return };
    let release = &entry["releases"][kind.word()];
    let aside: u64 =
        entry["setAside"].as_object().map_or(0, |o| o.values().filter_map(Value::as_u64).sum());
    let parts = [&release["excluded"], &release["removed"]];
    let told: u64 = parts.iter().filter_map(|v| v.as_u64()).sum::<u64>() + aside + rows;
    if entry["rowsIn"].as_u64() != Some(told) {
        errors.push(wrong(say!(
            "table `{}`, {} release: the rows of the record do not balance",
            Name::from_policy(name),
            kind
        )));
    }
}

fn shown(path: &str) -> Name {
    // Names of files of a release come from the policy; an extra file's name is the finder's own.
    Name::from_policy(path)
}

type Line = (String, String, u64);

fn parse_manifest(bytes: &[u8]) -> Option<BTreeMap<String, Line>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut listed = BTreeMap::new();
    let mut last = "";
    for line in text.strip_suffix('\n')?.split('\n') {
        let mut parts = line.splitn(4, "  ");
        let (sha256, sha3, size, path) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let plain = |t: &str| {
            t.len() == 64 && t.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let size_ok = size.parse::<u64>().ok().filter(|n| n.to_string() == size)?;
        (plain(sha256) && plain(sha3) && path > last).then_some(())?;
        last = path;
        listed.insert(path.to_owned(), (sha256.to_owned(), sha3.to_owned(), size_ok));
    }
    Some(listed)
}
