//! `kakou ledger`: makes, verifies, lists, repairs and proves a ledger (帳簿).

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Show, passphrase, shown};
use crate::digest;
use crate::error::{Error, Name, Result};
use crate::keys::{Sign as _, SigningKey, harden};
use crate::record::ledger::{self, Book, EntryKind, Ledger};
use crate::record::note::{Role, VerifierKey};
use crate::record::stamp::{self, Anchors};
use crate::record::told::{self, Fact, Party, Telling};
use crate::record::{attest, witness};
use crate::say;
use crate::words;
use kakou_verifier::stamp_told;

/// Makes, verifies, lists, repairs and proves a ledger (帳簿).
#[derive(Args, Debug)]
pub struct LedgerCommand {
    #[command(subcommand)]
    command: Command,
}

/// What `ledger enter` is told.
#[derive(Args, Debug)]
struct Enter {
    /// What is told.
    #[arg(value_enum)]
    fact: Fact,
    /// The ledger's folder.
    ledger: PathBuf,
    /// The day on which it happened, as 2026-04-01.
    #[arg(long, value_name = "DAY")]
    on: String,
    /// From whom, by name.
    #[arg(long, value_name = "NAME")]
    from: Option<String>,
    /// The address of the one from whom.
    #[arg(long, value_name = "ADDRESS", requires = "from")]
    from_address: Option<String>,
    /// To whom, by name.
    #[arg(long, value_name = "NAME")]
    to: Option<String>,
    /// The address of the one to whom.
    #[arg(long, value_name = "ADDRESS", requires = "to")]
    to_address: Option<String>,
    /// The representative of the other party, where it is a legal person (代表者の氏名).
    #[arg(long, value_name = "NAME")]
    representative: Option<String>,
    /// The release that was passed on; its items come from its own entry.
    #[arg(long, value_name = "ID", requires = "kind")]
    release: Option<String>,
    /// Which of its two releases.
    #[arg(long, value_enum, requires = "release")]
    kind: Option<super::package::Which>,
    /// An item (項目).
    #[arg(long, value_name = "ITEM", conflicts_with = "release")]
    item: Vec<String>,
    /// How it was obtained (取得の経緯), or how it was asked (書面, 口頭).
    #[arg(long, value_name = "TEXT")]
    how: Option<String>,
    /// Where the paper is that names the persons, or its number.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// The number of persons.
    #[arg(long, value_name = "N")]
    persons: Option<u64>,
    /// The day on which the provision was stopped.
    #[arg(long, value_name = "DAY")]
    stopped: Option<String>,
    /// The day of the paper that was given to the person.
    #[arg(long, value_name = "DAY")]
    paper: Option<String>,
    /// What was published or notified, and where (公表されている旨).
    #[arg(long, value_name = "TEXT")]
    published: Option<String>,
    /// A list of the persons: a commitment to it is entered, nothing of it.
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Who says so.
    #[arg(long, value_name = "NAME")]
    by: String,
    #[command(flatten)]
    signer: Signer,
}

impl Enter {
    fn run(&self, show: Show) -> Result<()> {
        let party = |name: &Option<String>, address: &Option<String>| {
            name.as_ref().map(|name| Party {
                name: name.clone(),
                address: address.clone(),
                representative: self.representative.clone(),
            })
        };
        let list = self.list.as_ref().map(|path| {
            std::fs::read(path).map_err(|e| Error::io("R0254", say!("reading {}", shown(path)), &e))
        });
        let telling = Telling {
            on: self.on.clone(),
            from: party(&self.from, &self.from_address),
            to: party(&self.to, &self.to_address),
            release: self.release.clone().map(|id| (id, self.kind.map(Into::into))),
            items: self.item.clone(),
            how: self.how.clone(),
            reference: self.reference.clone(),
            persons: self.persons,
            stopped: self.stopped.clone(),
            paper: self.paper.clone(),
            published: self.published.clone(),
            list: list.transpose()?,
            by: self.by.clone(),
        };
        let key = self.signer.open()?;
        let appended = told::enter(self.fact, &telling, &Ledger::at(&self.ledger), &key)?;
        show.line(&words!(
            "entry {}: {}, as {} says",
            appended.index,
            self.fact.ja(),
            Name::from_policy(self.by.as_str())
        ));
        show.json(&json!({ "entry": appended.index }));
        Ok(())
    }
}

/// The key that signs.
#[derive(Args, Clone, Debug)]
pub struct Signer {
    /// The signing key file (`kakou key new --signing FILE`).
    #[arg(long, value_name = "FILE")]
    pub sign: PathBuf,
    /// A file whose first line is the passphrase of the signing key.
    #[arg(long, value_name = "FILE")]
    pub sign_passphrase_file: Option<PathBuf>,
}

impl Signer {
    /// Opens the key.
    ///
    /// # Errors
    /// If it cannot be read or unlocked.
    pub fn open(&self) -> Result<SigningKey> {
        let _ = harden();
        SigningKey::open(&self.sign, passphrase(self.sign_passphrase_file.as_ref())?.as_ref())
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Makes a new ledger; the key is the first that may write in it.
    Init {
        /// The folder to make.
        ledger: PathBuf,
        /// The name of the ledger, like `hospital.example/kakou`.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        signer: Signer,
    },
    /// Verifies every signature, the order of the entries and the checkpoint: finds any change, removal, swap or cut.
    Verify {
        /// The ledger's folder.
        ledger: PathBuf,
        /// The public key with which the ledger begins. Without it the ledger's own first entry is believed.
        #[arg(long, value_name = "FILE")]
        public_key: Vec<PathBuf>,
        /// An older checkpoint, kept elsewhere: the ledger must be a continuation of it.
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// Certificates of time-stamping authorities (PEM or DER): every stamp of the ledger must lead to one of them.
        #[arg(long, value_name = "FILE")]
        stamp_ca: Vec<PathBuf>,
    },
    /// Lists the entries.
    List {
        /// The ledger's folder.
        ledger: PathBuf,
        /// Only entries of this kind (run, refused, deletion, provision, ...).
        #[arg(long)]
        kind: Option<String>,
        /// Only entries about this release.
        #[arg(long)]
        release: Option<String>,
    },
    /// Lets another key write in the ledger, or one no longer.
    Trust {
        /// The ledger's folder.
        ledger: PathBuf,
        /// The public key (a file of `kakou key public`).
        #[arg(long, value_name = "FILE")]
        public_key: PathBuf,
        /// The key may write no longer.
        #[arg(long)]
        retire: bool,
        #[command(flatten)]
        signer: Signer,
    },
    /// Writes the proof that an entry is in the ledger (C2SP tlog-proof).
    Prove {
        /// The ledger's folder.
        ledger: PathBuf,
        /// The run that made this release.
        #[arg(long, required_unless_present = "index")]
        release: Option<String>,
        /// The entry with this number.
        #[arg(long, conflicts_with = "release")]
        index: Option<u64>,
        /// Where to write it; standard output by default.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// Writes the proof that the ledger is a continuation of an older checkpoint.
    Consistency {
        /// The ledger's folder.
        ledger: PathBuf,
        /// The older checkpoint.
        #[arg(long, value_name = "FILE")]
        from: PathBuf,
        /// Where to write it; standard output by default.
        #[arg(long)]
        out: Option<PathBuf>,
    },
    /// As a witness: signs that the ledger has only grown since the last time. Run it on another machine, with a key
    /// that the ledger's owner does not have.
    Cosign {
        /// The ledger's folder, or a file of `kakou ledger consistency`.
        ledger: PathBuf,
        /// The public key of the ledger (a file of `kakou key public`; all that may sign its checkpoints).
        #[arg(long, value_name = "FILE", required = true)]
        public_key: Vec<PathBuf>,
        /// What this witness has seen last; made when it does not exist, replaced by the new checkpoint with the cosignature.
        #[arg(long, value_name = "FILE")]
        seen: PathBuf,
        /// The name of the witness, like `witness.example/w1`.
        #[arg(long)]
        name: String,
        #[command(flatten)]
        signer: Signer,
    },
    /// Enters what the law has the house write down and no program can see (規則12条1項2号・4号・5号, 規則51条, 57条). The entry
    /// says who says so. No names of persons: say where the paper is.
    Enter(Box<Enter>),
    /// Time stamps (RFC 3161): writes the request for the newest checkpoint, or keeps the answer beside the ledger. The
    /// program opens no connection: have the request stamped where there is a network, as with `curl -H "Content-Type:
    /// application/timestamp-query" --data-binary @FILE URL`.
    Stamp {
        /// The ledger's folder.
        ledger: PathBuf,
        /// Where the request goes (TimeStampReq, DER).
        #[arg(long, value_name = "FILE", required_unless_present = "attach")]
        request: Option<PathBuf>,
        /// The answer of the authority (TimeStampResp, or the token alone): verified and kept.
        #[arg(long, value_name = "FILE", conflicts_with = "request")]
        attach: Option<PathBuf>,
        /// Certificates of time-stamping authorities (PEM or DER): the stamp must lead to one of them.
        #[arg(long, value_name = "FILE", requires = "attach")]
        stamp_ca: Vec<PathBuf>,
    },
    /// Puts in order what a crash left behind the last checkpoint.
    Repair {
        /// The ledger's folder.
        ledger: PathBuf,
        #[command(flatten)]
        signer: Signer,
    },
}

impl LedgerCommand {
    /// Runs it.
    ///
    /// # Errors
    /// What does not hold; I/O.
    pub fn run(&self, show: Show) -> Result<()> {
        match &self.command {
            Command::Init { ledger, name, signer } => {
                let key = signer.open()?;
                Ledger::init(ledger, name, &key)?;
                let named = VerifierKey::new(name, Role::Log, *key.public())?;
                show.line(&words!("ledger {} made", shown(ledger)));
                show.line(&words!("its key, to be kept elsewhere: {}", named));
                show.json(&json!({ "ledger": name, "verifierKey": named.to_string() }));
            }
            Command::Verify { ledger, public_key, checkpoint, stamp_ca } => {
                let keys = attest::plain(&attest::read_public(public_key)?);
                let book = Ledger::at(ledger).read(&keys)?;
                for path in checkpoint {
                    let old = witness::read_checkpoint(path, &book)?;
                    book.consistency(&old)?;
                    show.line(&words!("a continuation of {} ({} entries)", shown(path), old.size));
                }
                let stamps = stamp::all(ledger, &book, &Anchors::read(stamp_ca)?)?;
                verified(&book, &stamps, show);
            }
            Command::List { ledger, kind, release } => {
                let book = Ledger::at(ledger).read(&[])?;
                list(&book, kind.as_deref(), release.as_deref(), show)?;
            }
            Command::Trust { ledger, public_key, retire, signer } => {
                let key = signer.open()?;
                let event = if *retire { "retired" } else { "trusted" };
                for named in attest::read_public(&[public_key])? {
                    let body = json!({
                        "event": event,
                        "keyId": named.key().id(),
                        "publicKey": digest::hex(named.key().bytes()),
                        "name": named.name(),
                    });
                    let appended = Ledger::at(ledger).append(EntryKind::Key, &body, &key)?;
                    show.line(&words!(
                        "entry {}: key {} {}",
                        appended.index,
                        named.key().id(),
                        event
                    ));
                    show.json(&json!({ "entry": appended.index, "body": body }));
                }
            }
            Command::Prove { ledger, release, index, out } => {
                let book = Ledger::at(ledger).read(&[])?;
                let index = match release {
                    Some(release) => book.run(release).map(|e| e.index),
                    None => *index,
                };
                let proof = index
                    .and_then(|i| book.prove(i))
                    .ok_or_else(|| Error::refused("R0231", say!("the ledger has no such entry")))?;
                write(out.as_deref(), &proof, show)?;
            }
            Command::Consistency { ledger, from, out } => {
                let book = Ledger::at(ledger).read(&[])?;
                let old = witness::read_checkpoint(from, &book)?;
                let text = witness::consistency_text(&book, &old)?;
                write(out.as_deref(), &text, show)?;
            }
            Command::Cosign { ledger, public_key, seen, name, signer } => {
                let key = signer.open()?;
                let keys = attest::plain(&attest::read_public(public_key)?);
                let now = SystemTime::now()
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .map_or(u64::MAX, |d| d.as_secs());
                let done = witness::cosign(ledger, &keys, seen, name, &key, now)?;
                let named = VerifierKey::new(name, Role::Witness, *key.public())?;
                show.line(&words!(
                    "seen: {} entries{}; cosigned into {}",
                    done.size,
                    done.before.map_or_else(
                        || " (for the first time)".to_owned(),
                        |n| format!(", a continuation of {n}")
                    ),
                    shown(seen)
                ));
                show.line(&words!("the witness's key: {}", named));
                show.json(&json!({ "size": done.size, "before": done.before, "verifierKey": named.to_string() }));
            }
            Command::Enter(enter) => enter.run(show)?,
            Command::Stamp { ledger, request, attach, stamp_ca } => {
                if let Some(path) = request {
                    ledger::replace(path, &stamp::request(ledger)?)?;
                    show.line(&words!("written: {}", shown(path)));
                    show.json(&json!({ "request": path }));
                }
                if let Some(path) = attach {
                    let kept = stamp::attach(ledger, path, &Anchors::read(stamp_ca)?)?;
                    stamps_told(&[&kept], show);
                    show.json(&json!({ "stamp": kept }));
                }
            }
            Command::Repair { ledger, signer } => {
                let done = Ledger::at(ledger).repair(&signer.open()?)?;
                match &done {
                    None => show.line(&words!("the ledger is whole: nothing to repair")),
                    Some(done) => show.line(&words!("repaired: {} entries counted, {} bytes of an unfinished entry set aside (torn/); an entry says so", done["entriesCounted"], done["bytesSetAside"])),
                }
                show.json(&json!({ "repaired": done }));
            }
        }
        Ok(())
    }
}

fn stamps_told(stamps: &[&stamp::Stamp], show: Show) {
    for stamp in stamps {
        show.line(&stamp_told(stamp));
        if stamp.clock_ahead {
            show.line(&words!("an entry before this stamp says a later time than the stamp: a clock of the house was ahead"));
        }
    }
}

fn verified(book: &Book, stamps: &[stamp::Stamp], show: Show) {
    show.line(&words!(
        "ledger {}: {} entries, each signed and in its place",
        book.origin,
        book.entries.len()
    ));
    show.line(if book.trusted {
        "it begins with a given key"
    } else {
        "it begins with the key that it names itself; whose it is was not checked (--public-key)"
    });
    let backwards = book.backwards();
    if let Some(first) = backwards.first() {
        show.line(&words!("{} entries say an earlier time than one before them (the first is {}): a clock was wrong", backwards.len(), first));
    }
    stamps_told(&stamps.iter().collect::<Vec<_>>(), show);
    if book.open > 0 {
        show.line(&words!("{} runs have begun and have no entry yet", book.open));
    }
    show.json(&json!({
        "ledger": book.origin, "entries": book.entries.len(), "root": digest::hex(&book.head.root),
        "trusted": book.trusted, "open": book.open, "backwards": backwards, "stamps": stamps,
    }));
}

fn list(book: &Book, kind: Option<&str>, release: Option<&str>, show: Show) -> Result<()> {
    let kind: Option<EntryKind> = match kind {
        None => None,
        Some(word) => Some(serde_json::from_value(json!(word)).map_err(|_| {
            Error::policy(
                "R0232",
                say!("there are no entries of the kind `{}`", Name::from_policy(word)),
            )
        })?),
    };
    let wanted: Vec<&ledger::Entry> = book
        .entries
        .iter()
        .filter(|e| kind.is_none_or(|k| k == e.kind))
        .filter(|e| release.is_none_or(|r| e.body["release"] == r))
        .collect();
    show.json(&json!({ "ledger": book.origin, "entries": wanted.iter().map(|e| json!({
        "index": e.index, "at": e.at, "kind": e.kind, "ja": e.kind.ja(), "keyId": e.signer.id(), "body": e.body,
    })).collect::<Vec<_>>() }));
    for entry in wanted {
        show.line(&words!(
            "{}  {}  {} {} {}  key {}",
            format_args!("{:>6}", entry.index),
            entry.at,
            format_args!("{:<12}", entry.kind.word()),
            format_args!("{:<6}", entry.kind.ja()),
            about(entry),
            &entry.signer.id()[..12]
        ));
    }
    Ok(())
}

/// A word about an entry.
fn about(entry: &ledger::Entry) -> String {
    let body = &entry.body;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let code = body["errors"][0]["code"].as_str();
    let what = text("release")
        .or_else(|| text("event").map(|e| format!("{e} {}", &text("keyId").unwrap_or_default())))
        .or_else(|| text("name"))
        .or_else(|| text("what"))
        .unwrap_or_default();
    code.map_or(what.clone(), |code| format!("{what} [{code}]"))
}

fn write(out: Option<&Path>, text: &str, show: Show) -> Result<()> {
    match out {
        None => show.line(text.trim_end_matches('\n')),
        Some(path) => {
            ledger::replace(path, text.as_bytes())?;
            show.line(&words!("written: {}", shown(path)));
        }
    }
    show.json(&json!({ "text": text }));
    Ok(())
}
