//! `kakou ledger`: makes, verifies, lists, repairs and proves a ledger (帳簿).

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Show, passphrase, shown};
use crate::digest;
use crate::error::{Error, Name, Result};
use crate::keys::{Sign as _, SigningKey, harden};
use crate::record::ledger::{self, Book, Kind, Ledger};
use crate::record::note::{Role, VerifierKey};
use crate::record::{attest, witness};
use crate::say;
use crate::words;

/// Makes, verifies, lists, repairs and proves a ledger (帳簿).
#[derive(Args, Debug)]
pub struct LedgerCommand {
    #[command(subcommand)]
    command: Command,
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
            Command::Verify { ledger, public_key, checkpoint } => {
                let keys = attest::plain(&attest::read_public(public_key)?);
                let book = Ledger::at(ledger).read(&keys)?;
                for path in checkpoint {
                    let old = witness::read_checkpoint(path, &book)?;
                    book.consistency(&old)?;
                    show.line(&words!("a continuation of {} ({} entries)", shown(path), old.size));
                }
                verified(&book, show);
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
                    let appended = Ledger::at(ledger).append(Kind::Key, &body, &key)?;
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

fn verified(book: &Book, show: Show) {
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
    if book.open > 0 {
        show.line(&words!("{} runs have begun and have no entry yet", book.open));
    }
    show.json(&json!({
        "ledger": book.origin, "entries": book.entries.len(), "root": digest::hex(&book.head.root),
        "trusted": book.trusted, "open": book.open, "backwards": backwards,
    }));
}

fn list(book: &Book, kind: Option<&str>, release: Option<&str>, show: Show) -> Result<()> {
    let kind: Option<Kind> = match kind {
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
