//! Reveal: whose is a pseudonym? Only of a pseudonymized release (仮名加工医療情報), only for the inquiries that the law names
//! (法35条3項ただし書, 規則34条), only by two persons together, and never without an entry in the ledger.
//!
//! Tokens go one way, so nothing is decrypted: the tokens of candidate identifiers are made again and compared.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use super::ledger::{Book, EntryKind, Ledger};
use super::state;
use super::statement::{Pseudonyms, Statement};
use super::verify::{Trust, verify};
use crate::claim;
use crate::engine::identity;
use crate::error::{Error, Name, Result, Said};
use crate::keys::{ReleaseSecrets, RevealShare, Sign, inspect_escrow, open_escrow};
use crate::proof::recount;
use crate::say;
use crate::schema::Kind;
use crate::system::{self, Opening as _};
use crate::text::identifier;
use crate::token::{Secrets as _, parse_token, token_text};

/// The inquiries for which the law allows it (規則34条).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Inquiry {
    /// Conformity of a drug's application.
    Drug,
    /// Conformity of a medical device's application.
    Device,
    /// Conformity of a regenerative product's application.
    Regenerative,
}

impl Inquiry {
    /// The words of the rule.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Inquiry::Drug => "医薬品の適合性調査",
            Inquiry::Device => "医療機器の適合性調査",
            Inquiry::Regenerative => "再生医療等製品の適合性調査",
        }
    }
}

/// Why, and who.
#[derive(Clone, Copy, Debug)]
pub struct Grounds<'a> {
    /// The inquiry.
    pub inquiry: Inquiry,
    /// Why it must be answered this way.
    pub reason: &'a str,
    /// The number of the inquiry.
    pub reference: &'a str,
    /// The two persons who hold the shares.
    pub by: [&'a str; 2],
}

/// The files of a reveal.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// Tokens to be traced, one a line.
    pub tokens: &'a Path,
    /// Candidate identifiers, one a line, as in an exclusion list.
    pub candidates: &'a Path,
    /// The sealed project key.
    pub escrow: &'a Path,
    /// Where the answer goes; must not exist.
    pub out: &'a Path,
}

/// What was found; the identifiers are in the file alone.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Revealed {
    /// Tokens asked for.
    pub tokens: u64,
    /// Candidates tried.
    pub candidates: u64,
    /// Tokens whose person is among the candidates.
    pub found: u64,
}

/// How an answer is called until it is whole.
const MAKING: &str = ".kakou-reveal-";

fn refused(what: Said) -> Error {
    Error::refused("R0701", what)
}

/// Traces tokens back to candidate identifiers and writes them into a new file that only its owner can read. The ledger's
/// entry comes first.
///
/// # Errors
/// If anything of what the module's text asks for is missing, the release does not verify, or its key was destroyed.
pub fn reveal(
    folder: &Path,
    trust: Trust<'_>,
    grounds: Grounds<'_>,
    files: Files<'_>,
    shares: [&RevealShare; 2],
    key: &dyn Sign,
) -> Result<Revealed> {
    let [one, two] = grounds.by.map(str::trim);
    well_grounded(grounds)?;
    let Some(ledger) = trust.ledger.map(Ledger::at) else {
        return Err(refused(say!("without its ledger nothing is traced back")));
    };
    verify(folder, trust)?;
    let record = Statement::read(folder)
        .map_err(|_| Error::environment("R0702", say!("the record cannot be read")))?;
    let escrow = inspect_escrow(files.escrow)?;
    let book = ledger.read(&[])?;
    if destroyed(&book, &escrow.key.id) {
        return Err(refused(say!("the ledger says that the key of this project was destroyed")));
    }
    let project = open_escrow(files.escrow, shares[0], shares[1])?;
    let Some(told) = &record.pseudonyms else {
        return Err(refused(say!("the record does not say how identifiers are normalized")));
    };
    let secrets = ReleaseSecrets::pseudonymized(
        &project,
        &told.project,
        &told.recipient,
        identifier::DERIVATION,
    );
    drop(project);
    if record.keys.pseudonymized != secrets.key_id()
        || !identifier::is_known(&record.keys.identifier_rules)
    {
        return Err(refused(say!("the sealed key is not the one of this release's pseudonyms")));
    }
    let wanted = tokens(files.tokens)?;
    let strangers = strangers(folder, &record, &wanted)?;
    if strangers > 0 {
        return Err(refused(say!(
            "{} of the {} tokens are not persons of this pseudonymized release",
            strangers,
            wanted.len()
        ))
        .advice(say!("tokens of an anonymized release cannot be traced back, and must not be")));
    }
    let Traced { found, candidates } = trace(files.candidates, &wanted, told, &secrets)?;
    let _ = secrets.destroy();
    let revealed = Revealed { tokens: wanted.len() as u64, candidates, found: found.len() as u64 };
    let failed = |e: std::io::Error| Error::io("R0704", say!("writing the answer"), &e);
    if system::there(files.out).map_err(failed)? {
        return Err(refused(say!("the file of the answer exists already")));
    }
    let folder = files.out.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    claim::sweep_files(folder, MAKING).map_err(failed)?;
    let mut ids = shares.map(|s| s.facts().id.clone());
    ids.sort();
    let body = json!({
        "release": record.release,
        "article": "法35条3項ただし書, 規則34条",
        "inquiry": grounds.inquiry.ja(),
        "reason": grounds.reason,
        "reference": grounds.reference,
        "by": [one, two],
        "shares": ids,
        "projectKey": escrow.key.id,
        "tokens": revealed.tokens,
        "candidates": revealed.candidates,
        "found": revealed.found,
    });
    ledger.append(EntryKind::Reveal, &body, key)?;
    write_answer(folder, files.out, &found).map_err(failed)?;
    Ok(revealed)
}

fn well_grounded(grounds: Grounds<'_>) -> Result<()> {
    let [one, two] = grounds.by.map(str::trim);
    if one.is_empty() || two.is_empty() || state::folded(one) == state::folded(two) {
        return Err(refused(say!("two different persons are needed")));
    }
    if grounds.reason.trim().chars().count() < 10 || grounds.reference.trim().is_empty() {
        return Err(refused(say!(
            "a reason of at least 10 characters and the number of the inquiry are needed"
        )));
    }
    Ok(())
}

/// Whether the ledger says that a key was destroyed.
fn destroyed(book: &Book, id: &str) -> bool {
    book.entries.iter().any(|e| {
        e.kind == EntryKind::Deletion
            && e.body["state"] != "asked"
            && e.body["keys"].as_array().is_some_and(|keys| keys.iter().any(|k| k["id"] == id))
    })
}

/// Whose the tokens are.
struct Traced {
    found: BTreeMap<[u8; 16], String>,
    /// Candidates tried.
    candidates: u64,
}

/// Makes the tokens of the candidates again and compares.
fn trace(
    path: &Path,
    wanted: &[[u8; 16]],
    told: &Pseudonyms,
    secrets: &ReleaseSecrets,
) -> Result<Traced> {
    let parts = told.parts;
    let mut found: BTreeMap<[u8; 16], String> = BTreeMap::new();
    let mut candidates = 0_u64;
    for (number, line) in lines(path)?.into_iter().enumerate() {
        let line = line.trim_matches(['\u{feff}', '\r']);
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let fields: Vec<&str> =
            if parts == 1 { vec![line] } else { line.split(['\t', ',']).collect() };
        if fields.len() != parts {
            return Err(Error::data(
                "R0703",
                say!(
                    "the candidates, line {}: {} parts, the key has {}",
                    number + 1,
                    fields.len(),
                    parts
                ),
            ));
        }
        let normal: Option<Vec<String>> =
            fields.iter().map(|f| identity::part(f.trim_matches('"'), &told.normalize)).collect();
        let Some(normal) = normal else { continue };
        candidates += 1;
        let normal: Vec<&str> = normal.iter().map(String::as_str).collect();
        let token = secrets.token(&told.domain, &identifier::compose(&normal));
        if wanted.contains(&token) {
            found.insert(token, line.to_owned());
        }
    }
    Ok(Traced { found, candidates })
}

/// Whole before it has its name: what a killed one leaves does not stop the next one, which takes it away.
fn write_answer(
    folder: &Path,
    to: &Path,
    found: &BTreeMap<[u8; 16], String>,
) -> std::io::Result<()> {
    let (making, mut out) =
        claim::file(folder, MAKING, "", std::fs::OpenOptions::new().of_owner())?;
    let written = (|| {
        for (token, line) in found {
            writeln!(out, "{}\t{line}", token_text(token))?;
        }
        out.sync_all()?;
        system::give_name(&making, to)?;
        system::sync_folder(folder)
    })();
    written.inspect_err(|_| {
        let _ = std::fs::remove_file(&making);
    })
}

fn lines(path: &Path) -> Result<Vec<String>> {
    let shown = Name::from_policy(path.display().to_string());
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::io("R0702", say!("reading {} as UTF-8 text", shown), &e))?;
    Ok(text.lines().map(str::to_owned).collect())
}

fn tokens(path: &Path) -> Result<Vec<[u8; 16]>> {
    let mut found = Vec::new();
    for (number, line) in lines(path)?.into_iter().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let token = parse_token(line.trim());
        found.push(token.ok_or_else(|| {
            Error::data("R0705", say!("the tokens, line {}: this is no token", number + 1))
        })?);
    }
    if found.is_empty() {
        return Err(Error::data("R0705", say!("the file of tokens has none")));
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// How many of the tokens are not persons of the pseudonymized release.
fn strangers(folder: &Path, record: &Statement, wanted: &[[u8; 16]]) -> Result<u64> {
    let structure = &record.structure[Kind::Pseudonymized];
    let mut missing: std::collections::BTreeSet<[u8; 16]> = wanted.iter().copied().collect();
    for (shape, cells) in structure.tables.iter().zip(recount::read(folder, structure)?) {
        for text in cells.texts[shape.person].dictionary().texts() {
            if let Some(token) = parse_token(text) {
                missing.remove(&token);
            }
        }
        if missing.is_empty() {
            break;
        }
    }
    Ok(missing.len() as u64)
}
