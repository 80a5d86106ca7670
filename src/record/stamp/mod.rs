//! Time stamps (RFC 3161): an authority outside the house signs that a checkpoint of the ledger existed at a time. The program never
//! opens a connection: it writes the request, the user has it stamped wherever there is a network, and brings the answer back.
//!
//! A stamp is about the text of one checkpoint, which is kept beside it (`stamps/NAME.checkpoint`, `stamps/NAME-WHOSE.tst`): the ledger
//! goes on, and must have begun with what that checkpoint counts.

mod certificate;
mod der;
mod signature;

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use certificate::Certificate;
use der::{BOOLEAN, Der, INTEGER, Item, OCTETS, OID, SEQUENCE, SET, element};
use signature::{Algorithm, Hash};

use super::ledger::{self, Book, Ledger};
use super::note::{Checkpoint, Note};
use crate::digest::hex;
use crate::error::{Error, Name, Result, Said};
use crate::say;

/// The folder of a ledger's stamps.
pub(super) const STAMPS: &str = "stamps";
const CHECKPOINT: &str = ".checkpoint";
const TOKEN: &str = ".tst";
/// The largest answer that is read.
const LARGEST: u64 = 1 << 20;

const SIGNED_DATA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 7, 2];
const TST_INFO: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 1, 4];
const CONTENT_TYPE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 3];
const MESSAGE_DIGEST: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 4];
const SIGNING_CERTIFICATE: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 12];
const SIGNING_CERTIFICATE_2: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 9, 16, 2, 47];
const SHA256: &[u8] = &[0x30, 13, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0];

/// A stamp that holds.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Stamp {
    /// The entries that stood then: those before this number.
    pub entries: u64,
    /// The time that the authority signed, RFC 3339, UTC.
    pub at: String,
    /// Whose certificate signed.
    pub by: String,
    /// Whether its chain leads to a certificate that the caller gave.
    pub trusted: bool,
    /// Whether an entry among them says a later time.
    pub clock_ahead: bool,
}

/// Certificates of authorities that the caller trusts, DER each.
#[derive(Clone, Debug, Default)]
pub struct Anchors(Vec<Vec<u8>>);

impl Anchors {
    /// Reads files of one DER certificate, or of any number in PEM.
    ///
    /// # Errors
    /// If one cannot be read or holds no certificate.
    pub fn read(paths: &[PathBuf]) -> Result<Self> {
        let mut found = Vec::new();
        for path in paths {
            let shown = Name::from_policy(path.display().to_string());
            let bytes = read(path)?;
            let all = pem(&bytes).unwrap_or_else(|| vec![bytes]);
            if all.is_empty() || all.iter().any(|c| Certificate::parse(c).is_none()) {
                return Err(Error::refused(
                    "R0247",
                    say!("`{}` holds no certificate that can be read", shown),
                )
                .advice(say!("a certificate in PEM or DER, of version 3")));
            }
            found.extend(all);
        }
        Ok(Anchors(found))
    }
    /// Whether there are none.
    #[must_use]
    pub fn none(&self) -> bool {
        self.0.is_empty()
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(
        |e| {
            let shown = Name::from_policy(path.display().to_string());
            Error::io("R0246", say!("reading {}", shown), &e)
        },
    )?;
    Ok(bytes)
}

/// The certificates of a PEM file; none if it is not one.
fn pem(bytes: &[u8]) -> Option<Vec<Vec<u8>>> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let text = std::str::from_utf8(bytes).ok().filter(|t| t.contains(BEGIN))?;
    let decoded = text.split(BEGIN).skip(1).map(|part| {
        let body = part.split("-----END").next().unwrap_or_default();
        let body: String = body.split_whitespace().collect();
        // What cannot be decoded is no certificate, which the caller finds.
        STANDARD.decode(body).unwrap_or_default()
    });
    Some(decoded.collect())
}

fn wrong(what: Said) -> Error {
    Error::refused("R0241", what)
}

fn io(doing: &'static str, e: &std::io::Error) -> Error {
    Error::io("R0202", say!("{} the ledger", doing), e)
}

/// The request for a stamp of the newest checkpoint (TimeStampReq, DER). That checkpoint is kept beside the ledger until its stamp
/// comes back.
///
/// # Errors
/// If the ledger does not verify; I/O.
pub fn request(folder: &Path) -> Result<Vec<u8>> {
    let book = Ledger::at(folder).read(&[])?;
    let imprint: [u8; 32] = Sha256::digest(&book.checkpoint).into();
    let stamps = folder.join(STAMPS);
    crate::release::private(&stamps)?;
    let path = stamps.join(format!("{}{CHECKPOINT}", name_of(&imprint)));
    ledger::replace(&path, book.checkpoint.as_bytes())?;
    let imprint = element(SEQUENCE, &[SHA256, &element(OCTETS, &[&imprint])]);
    // Version 1, and the certificate with the answer: who verifies it later is offline.
    Ok(element(SEQUENCE, &[&[INTEGER, 1, 1], &imprint, &[BOOLEAN, 1, 0xff]]))
}

fn name_of(imprint: &[u8; 32]) -> String {
    hex(imprint)[..32].to_owned()
}

/// Verifies an answer (TimeStampResp, or the token in it) to a request of this ledger, and keeps its token beside the ledger.
///
/// # Errors
/// If it is no stamp, is about something else, or its signature does not hold; I/O.
pub fn attach(folder: &Path, answer: &Path, anchors: &Anchors) -> Result<Stamp> {
    let answer = read(answer)?;
    let book = Ledger::at(folder).read(&[])?;
    let token = token(&answer)?;
    let imprint = Token::parse(token).ok_or_else(unread)?.imprint()?;
    let name = name_of(&imprint);
    let stamps = folder.join(STAMPS);
    let checkpoint = match fs::read(stamps.join(format!("{name}{CHECKPOINT}"))) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::refused(
                "R0242",
                say!(
                    "this stamp is about something else: this ledger has asked for none of its kind"
                ),
            )
            .advice(say!(
                "`kakou ledger stamp LEDGER --request FILE` asks; have that file stamped"
            )));
        }
        Err(e) => return Err(io("reading", &e)),
    };
    let stamp = judge(&book, &checkpoint, token, anchors)?;
    // Several authorities may stamp one checkpoint.
    let whose = &hex(&crate::digest::bytes(token).sha256)[..16];
    ledger::replace(&stamps.join(format!("{name}-{whose}{TOKEN}")), token)?;
    Ok(stamp)
}

/// The stamps of a ledger, the oldest first, each verified.
///
/// # Errors
/// If one does not hold, or the folder has something else in it; I/O.
pub fn all(folder: &Path, book: &Book, anchors: &Anchors) -> Result<Vec<Stamp>> {
    let stamps = folder.join(STAMPS);
    if !crate::system::there(&stamps).map_err(|e| io("listing", &e))? {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for path in ledger::listed(&stamps)? {
        let name = path.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let shown = || Name::from_policy(format!("{STAMPS}/{name}"));
        let alien = || wrong(say!("`{}` in the folder of the ledger is not the ledger's", shown()));
        if name.starts_with(ledger::BEFORE) || name.ends_with(CHECKPOINT) {
            continue;
        }
        let (stem, _) =
            name.strip_suffix(TOKEN).and_then(|n| n.split_once('-')).ok_or_else(alien)?;
        let token = fs::read(&path).map_err(|e| io("reading", &e))?;
        let checkpoint =
            fs::read(stamps.join(format!("{stem}{CHECKPOINT}"))).map_err(|e| io("reading", &e))?;
        found.push(judge(book, &checkpoint, &token, anchors)?);
    }
    found.sort_by(|a, b| (a.entries, &a.at, &a.by).cmp(&(b.entries, &b.at, &b.by)));
    Ok(found)
}

/// A checkpoint of this ledger and a stamp of it.
fn judge(book: &Book, checkpoint: &[u8], token: &[u8], anchors: &Anchors) -> Result<Stamp> {
    let token = Token::parse(token).ok_or_else(unread)?;
    if token.imprint()?[..] != Sha256::digest(checkpoint)[..] {
        return Err(wrong(say!(
            "a time stamp beside the ledger is not about the checkpoint that it stands with"
        )));
    }
    let note = Note::parse(checkpoint)?;
    let told = Checkpoint::parse(note.text())?;
    if told.origin != book.origin {
        return Err(wrong(say!("a time stamp beside the ledger is about another ledger")));
    }
    // What was stamped then is how the ledger begins now.
    book.consistency(&told.head)?;
    let (by, trusted) = token.verify(anchors)?;
    let entries = told.head.size;
    let stamped = token.at;
    let later =
        |at: &str| chrono::DateTime::parse_from_rfc3339(at).is_ok_and(|t| t.timestamp() > stamped);
    let clock_ahead = book.entries.iter().take_while(|e| e.index < entries).any(|e| later(&e.at));
    let at = chrono::DateTime::from_timestamp(stamped, 0)
        .map(|t| t.format("%Y-%m-%dT%H:%M:%SZ").to_string())
        .ok_or_else(unread)?;
    Ok(Stamp { entries, at, by, trusted, clock_ahead })
}

fn unread() -> Error {
    wrong(say!("this is no time stamp (RFC 3161), or it was changed"))
}

/// The token of an answer. A refusal of the authority is told as one.
fn token(answer: &[u8]) -> Result<&[u8]> {
    if answer.len() as u64 > LARGEST {
        return Err(unread());
    }
    let mut outer = Der::new(answer);
    let mut parts = outer.enter(SEQUENCE).filter(|_| outer.ended()).ok_or_else(unread)?;
    if parts.tag() == Some(OID) {
        return Ok(answer);
    }
    let status = parts.enter(SEQUENCE).and_then(|mut s| s.take(INTEGER)).ok_or_else(unread)?;
    // Granted, or granted with changes.
    if !matches!(status.content, [0 | 1]) {
        return Err(Error::refused(
            "R0243",
            say!("the authority refused: its answer holds no stamp"),
        ));
    }
    parts.take(SEQUENCE).map(|t| t.whole).filter(|_| parts.ended()).ok_or_else(unread)
}

/// A token that was read; nothing is verified of it yet.
struct Token<'a> {
    certificates: Vec<Certificate<'a>>,
    /// TSTInfo as it was signed.
    content: &'a [u8],
    imprint_hash: Option<Hash>,
    imprint_digest: &'a [u8],
    at: i64,
    signer: Signer<'a>,
}

struct Signer<'a> {
    id: Item<'a>,
    hash: Option<Hash>,
    attributes: Item<'a>,
    algorithm: &'a [u8],
    signature: &'a [u8],
}

impl<'a> Token<'a> {
    fn parse(token: &'a [u8]) -> Option<Self> {
        let mut outer = Der::new(token);
        let mut info = outer.enter(SEQUENCE)?;
        if !outer.ended() || info.take(OID)?.content != SIGNED_DATA {
            return None;
        }
        let mut data = info.enter(der::numbered(0))?.enter(SEQUENCE)?;
        data.take(INTEGER)?;
        data.take(SET)?;
        let mut held = data.enter(SEQUENCE)?;
        if held.take(OID)?.content != TST_INFO {
            return None;
        }
        let content = held.enter(der::numbered(0))?.take(OCTETS)?.content;
        // A chain is short.
        let certificates: Vec<Certificate<'a>> = match data.maybe(der::numbered(0)) {
            // One that cannot be read is of no use, and does no harm.
            Some(set) => set
                .inside()
                .all(SEQUENCE)?
                .iter()
                .filter_map(|c| Certificate::parse(c.whole))
                .collect(),
            None => Vec::new(),
        };
        if certificates.len() > 32 {
            return None;
        }
        let _ = data.maybe(der::numbered(1));
        let signers = data.enter(SET)?.all(SEQUENCE)?;
        let [signer] = signers.as_slice() else { return None };
        let mut signer = signer.inside();
        signer.take(INTEGER)?;
        let signer = Signer {
            id: signer.next()?,
            hash: Hash::of(signer.take(SEQUENCE)?.whole),
            attributes: signer.take(der::numbered(0))?,
            algorithm: signer.take(SEQUENCE)?.whole,
            signature: signer.take(OCTETS)?.content,
        };
        let mut told = Der::new(content);
        let mut told = told.enter(SEQUENCE).filter(|_| told.ended())?;
        if told.take(INTEGER)?.content != [1] {
            return None;
        }
        told.take(OID)?;
        let mut imprint = told.enter(SEQUENCE)?;
        let imprint_hash = Hash::of(imprint.take(SEQUENCE)?.whole);
        let imprint_digest = imprint.take(OCTETS)?.content;
        told.take(INTEGER)?;
        let at = certificate::time(told.take(der::TIME)?)?;
        Some(Token { certificates, content, imprint_hash, imprint_digest, at, signer })
    }

    /// The SHA-256 that was stamped.
    fn imprint(&self) -> Result<[u8; 32]> {
        let digest = (self.imprint_hash == Some(Hash::Sha256)).then_some(self.imprint_digest);
        digest.and_then(|d| d.try_into().ok()).ok_or_else(unread)
    }

    /// Whose signature holds, and whether that one is trusted.
    fn verify(&self, anchors: &Anchors) -> Result<(String, bool)> {
        let holder = self.signed_by().ok_or_else(|| {
            wrong(say!("the signature of a time stamp does not hold under the certificate that comes with it"))
        })?;
        if !holder.stamps(self.at) {
            return Err(wrong(say!(
                "a time stamp is signed with a certificate that is not one for time stamps, or was not valid then"
            )));
        }
        let given: Vec<Certificate<'_>> =
            anchors.0.iter().filter_map(|c| Certificate::parse(c)).collect();
        let trusted = holder.leads_to(&given, &self.certificates, self.at);
        if !given.is_empty() && !trusted {
            return Err(Error::refused(
                "R0244",
                say!(
                    "the certificate of a time stamp does not lead to one of the given authorities"
                ),
            ));
        }
        Ok((holder.name(), trusted))
    }

    fn signed_by(&self) -> Option<&Certificate<'a>> {
        let Signer { id, hash, attributes, algorithm, signature } = &self.signer;
        let hash = (*hash)?;
        let holder = self.certificates.iter().find(|c| {
            if id.tag == SEQUENCE {
                let mut name = id.inside();
                name.take(SEQUENCE).is_some_and(|n| n.whole == c.issuer)
                    && name.take(INTEGER).is_some_and(|n| n.content == c.serial)
            } else {
                id.tag == 0x80 && c.key_id == Some(id.content)
            }
        })?;
        let value = |wanted: &[u8]| -> Option<Item<'a>> {
            let all = attributes.inside().all(SEQUENCE)?;
            let mut found = all.iter().filter_map(|a| {
                let mut pair = a.inside();
                (pair.take(OID)?.content == wanted).then_some(pair.take(SET)?)
            });
            let only = found.next()?.inside().all_one()?;
            // An attribute that stands twice says nothing.
            found.next().is_none().then_some(only)
        };
        let about = value(CONTENT_TYPE)?.content == TST_INFO
            && value(MESSAGE_DIGEST)?.content == hash.digest(self.content);
        // The certificate is among what was signed: another one with the same key is not this one.
        let meant = match (value(SIGNING_CERTIFICATE_2), value(SIGNING_CERTIFICATE)) {
            (Some(second), _) => {
                let mut first = second.inside().enter(SEQUENCE)?.enter(SEQUENCE)?;
                let by = match first.maybe(SEQUENCE) {
                    Some(algorithm) => Hash::of(algorithm.whole)?,
                    None => Hash::Sha256,
                };
                first.take(OCTETS)?.content == by.digest(holder.whole)
            }
            // The older form has SHA-1, which tells two certificates apart no longer: the issuer and the serial number do.
            (None, Some(_)) => id.tag == SEQUENCE,
            (None, None) => false,
        };
        // What was signed is the set by its own tag (RFC 5652 §5.4).
        let mut signed = attributes.whole.to_vec();
        *signed.first_mut()? = SET;
        let algorithm = Algorithm::of(algorithm, Some(hash))?;
        (about && meant && algorithm.verify(holder.key, &signed, signature)).then_some(holder)
    }
}

/// Reads whatever is given as an answer of an authority, and verifies it as far as that goes without a ledger. For tests that
/// feed it damaged ones.
#[doc(hidden)]
pub fn look(answer: &[u8]) -> Option<(i64, bool)> {
    let token = Token::parse(token(answer).ok()?)?;
    Some((token.at, token.signed_by().is_some_and(|c| c.stamps(token.at))))
}
