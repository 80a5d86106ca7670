//! `kakou key`: makes and looks at key files.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, Subcommand};
use serde_json::json;

use super::purge::open_shares;
use super::{Show, passphrase, shown};
use crate::digest;
use crate::error::{Error, Result};
use crate::keys::{
    KeyFacts, Passphrase, ProjectKey, PublicKey, RevealShare, Sign as _, SigningKey, Suite, harden,
    inspect, seal_escrow,
};
use crate::record::attest;
use crate::record::ledger::{self, Ledger};
use crate::record::note::{Role, VerifierKey};
use crate::record::statement::rfc3339;
use crate::say;
use crate::words;

/// A public key with its name; by default one made from its id.
///
/// # Errors
/// If the name is not one.
pub fn named(key: &PublicKey, name: Option<&str>) -> Result<VerifierKey> {
    let id = key.id();
    VerifierKey::new(name.unwrap_or(&format!("kakou/{}", &id[..12])), Role::Log, *key)
}

/// Makes and looks at key files.
#[derive(Args, Debug)]
pub struct Key {
    #[command(subcommand)]
    command: KeyCommand,
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Makes a new project key file (readable by you alone). Whoever has it can repeat the pseudonyms of its project.
    New {
        /// The file to make; an existing one is never replaced.
        file: PathBuf,
        /// Make a key that signs records (Ed25519) instead of a project key.
        #[arg(long, conflicts_with = "key_version")]
        signing: bool,
        /// Make one of two shares that trace pseudonyms back together (`kakou key escrow`).
        #[arg(long, conflicts_with_all = ["key_version", "signing"])]
        share: bool,
        /// A file whose first line is a passphrase that protects the key file.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
        /// The version of the key, part of every token.
        #[arg(long, default_value_t = 1)]
        key_version: u32,
    },
    /// Prints the public key of a signing key: one line `NAME+ID+KEY` (C2SP verifier key), or PEM.
    Public {
        /// The signing key file.
        file: PathBuf,
        /// A file whose first line is the passphrase of the key file.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
        /// The name that stands with the key, like `hospital.example/kakou`.
        #[arg(long)]
        name: Option<String>,
        /// As PEM (SubjectPublicKeyInfo), for other tools.
        #[arg(long, conflicts_with = "name")]
        pem: bool,
    },
    /// Makes a new signing key that takes the place of an old one: announced by the old key, entered in the ledger.
    Rotate {
        /// The old signing key file.
        old: PathBuf,
        /// The file of the new key. Its announcement stands beside it (`NEW.announcement.dsse.json`).
        new: PathBuf,
        /// A file whose first line is the passphrase of the old key.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
        /// A file whose first line is the passphrase of the new key.
        #[arg(long)]
        new_passphrase_file: Option<PathBuf>,
        /// The ledger in which the new key writes from now on, and the old one no longer.
        #[arg(long, value_name = "DIR")]
        ledger: Option<PathBuf>,
    },
    /// Verifies the announcement of a new key and prints it.
    Follow {
        /// The announcement.
        file: PathBuf,
        /// The old public key.
        #[arg(long, value_name = "FILE", required = true)]
        public_key: Vec<PathBuf>,
    },
    /// Seals a project key under the shares of two persons, for tracing back pseudonyms (`kakou reveal`).
    Escrow {
        /// The project key file.
        file: PathBuf,
        /// A file whose first line is the passphrase of the project key.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
        /// The two shares, each once.
        #[arg(long, value_name = "FILE", required = true)]
        share: Vec<PathBuf>,
        /// Files whose first line is the passphrase of a share, in the order of the shares.
        #[arg(long, value_name = "FILE")]
        share_passphrase_file: Vec<PathBuf>,
        /// The file to make.
        #[arg(long)]
        out: PathBuf,
    },
    /// Shows what stands in a key file, but not the key.
    Show {
        /// The file.
        file: PathBuf,
    },
}

impl Key {
    /// Runs it.
    ///
    /// # Errors
    /// If the file exists, or I/O.
    pub fn run(&self, show: Show) -> Result<()> {
        let _ = harden();
        let facts = match &self.command {
            KeyCommand::New { file, signing: true, passphrase_file, .. } => {
                let passphrase = passphrase(passphrase_file.as_ref())?;
                let key = SigningKey::create(file, passphrase.as_ref(), SystemTime::now())?;
                show.line(&words!("signing key file {} made (id {})", shown(file), key.facts().id));
                show.line(&words!("public key: {}", named(key.public(), None)?));
                if passphrase.is_none() {
                    show.line(&words!("It is protected by its file permissions alone; --passphrase-file protects it further."));
                }
                key.facts().clone()
            }
            KeyCommand::New { file, share: true, passphrase_file, .. } => {
                let passphrase = passphrase(passphrase_file.as_ref())?;
                let share = RevealShare::create(file, passphrase.as_ref(), SystemTime::now())?;
                show.line(&words!("share {} made (id {})", shown(file), share.facts().id));
                show.line(&words!(
                    "One person holds it, apart from the other share and from the project key."
                ));
                share.facts().clone()
            }
            KeyCommand::Escrow { file, passphrase_file, share, share_passphrase_file, out } => {
                let key = ProjectKey::open(file, passphrase(passphrase_file.as_ref())?.as_ref())?;
                let shares = open_shares(share, share_passphrase_file)?;
                let [one, two] = shares.as_slice() else {
                    return Err(Error::refused("R0701", say!("two shares are needed")));
                };
                let facts = seal_escrow(out, &key, one, two)?;
                show.line(&words!(
                    "sealed key {} made: key {} under the shares {} and {}",
                    shown(out),
                    facts.key.id,
                    facts.shares[0],
                    facts.shares[1]
                ));
                facts.key
            }
            KeyCommand::Rotate { old, new, passphrase_file, new_passphrase_file, ledger } => {
                // The successor of a key under a passphrase does not lie open.
                if inspect(old)?.passphrase && new_passphrase_file.is_none() {
                    return Err(Error::refused(
                        "R0710",
                        say!("the key in `{}` is under a passphrase, the new one would not be", shown(old)),
                    )
                    .advice(say!("name the passphrase of the new key: --new-passphrase-file FILE (it may be the same file)"))
                    );
                }
                let old = SigningKey::open(old, passphrase(passphrase_file.as_ref())?.as_ref())?;
                let next = passphrase(new_passphrase_file.as_ref())?;
                rotate(&old, new, next.as_ref(), ledger.as_deref(), show)?
            }
            KeyCommand::Follow { file, public_key } => {
                let keys = attest::plain(&attest::read_public(public_key)?);
                let bytes = std::fs::read(file)
                    .map_err(|e| Error::io("R0306", say!("reading {}", shown(file)), &e))?;
                let key = attest::follow(&bytes, &shown(file), &keys)?;
                let text = named(&key, None)?.to_string();
                show.line(&text);
                show.json(&json!({ "verifierKey": text, "keyId": key.id() }));
                return Ok(());
            }
            KeyCommand::Public { file, passphrase_file, name, pem } => {
                let key = SigningKey::open(file, passphrase(passphrase_file.as_ref())?.as_ref())?;
                let text = named(key.public(), name.as_deref())?;
                if *pem {
                    show.line(attest::pem(key.public()).trim_end());
                } else {
                    show.line(&text.to_string());
                }
                show.json(&json!({
                    "verifierKey": text.to_string(),
                    "keyId": key.public().id(),
                    "pem": attest::pem(key.public()),
                }));
                return Ok(());
            }
            KeyCommand::New { file, passphrase_file, key_version, .. } => {
                let passphrase = passphrase(passphrase_file.as_ref())?;
                let key = ProjectKey::create(
                    file,
                    passphrase.as_ref(),
                    Suite::default(),
                    *key_version,
                    SystemTime::now(),
                )?;
                show.line(&words!("key file {} made (id {})", shown(file), key.facts().id));
                if passphrase.is_none() {
                    show.line(&words!("It is protected by its file permissions alone; --passphrase-file protects it further."));
                }
                show.line(&words!("Keep it apart from the data. Without it the pseudonyms of its project can never be made again."));
                key.facts().clone()
            }
            KeyCommand::Show { file } => {
                let facts = inspect(file)?;
                show.line(&format!("{facts:#?}"));
                facts
            }
        };
        show.json(&serde_json::to_value(&facts).unwrap_or_default());
        Ok(())
    }
}

/// Makes the new key, has the old one announce it, enters it in the ledger. What a killed rotation left is gone on with: a key that is
/// whole and not announced, an announcement that is not entered.
fn rotate(
    old: &SigningKey,
    new: &Path,
    passphrase: Option<&Passphrase>,
    folder: Option<&Path>,
    show: Show,
) -> Result<KeyFacts> {
    let mut beside = new.as_os_str().to_owned();
    beside.push(".announcement.dsse.json");
    let beside = PathBuf::from(beside);
    let there = |path: &Path| {
        crate::system::there(path)
            .map_err(|e| Error::io("R0306", say!("reading {}", shown(path)), &e))
    };
    let (made, announced) = (there(new)?, there(&beside)?);
    let book = folder.map(|folder| Ledger::at(folder).read(&[])).transpose()?;
    let entry = |key: &PublicKey| {
        let rotated = |e: &&ledger::Entry| {
            e.kind == ledger::EntryKind::Key
                && e.signer == *old.public()
                && e.body["event"] == "rotated"
                && e.body["publicKey"] == digest::hex(key.bytes())
        };
        book.iter().flat_map(|book| &book.entries).find(rotated).map(|e| e.index)
    };
    if !made && let Some(folder) = folder {
        Ledger::at(folder).check_writer(old.public())?;
    }
    let key = if made {
        SigningKey::open(new, passphrase).map_err(|error| match error.code {
            // Nobody knows this key yet, so nothing is lost with it.
            "K0118" | "K0119" if !announced => error
                .advice(say!("it was never announced: remove it and give the same command again")),
            _ => error,
        })?
    } else {
        SigningKey::create(new, passphrase, SystemTime::now())?
    };
    let entered = entry(key.public());
    let writes = |book: &ledger::Book| book.keys.iter().any(|k| k.key() == key.public());
    if key.public() == old.public() || entered.is_none() && book.as_ref().is_some_and(writes) {
        return Err(Error::refused("R0707", say!("the key in `{}` is in use already", shown(new)))
            .advice(say!("name a new file: a key takes the place of one other key, once")));
    }
    if made {
        show.line(&words!(
            "{} was made before and {}: going on from there",
            shown(new),
            if announced { "announced" } else { "not announced yet" }
        ));
    }
    let text = if announced {
        let bytes = std::fs::read(&beside)
            .map_err(|e| Error::io("R0306", say!("reading {}", shown(&beside)), &e))?;
        if attest::follow(&bytes, &shown(&beside), &[*old.public()])? != *key.public() {
            return Err(Error::refused(
                "R0708",
                say!("{} announces another key than the one in `{}`", shown(&beside), shown(new)),
            )
            .advice(say!("name a new file")));
        }
        bytes
    } else if entered.is_some() {
        return Err(Error::refused(
            "R0709",
            say!("the ledger has this rotation, but its announcement is not in {}", shown(&beside)),
        )
        .advice(say!(
            "take it from the backup: another one would not be the one that was entered"
        )));
    } else {
        let text = attest::announce(old, &key, &rfc3339(SystemTime::now()))?.into_bytes();
        ledger::replace(&beside, &text)?;
        text
    };
    show.line(&words!("new signing key: {}", named(key.public(), None)?));
    show.line(&words!("announced by the old key: {}", shown(&beside)));
    if let Some(folder) = folder {
        let index = match entered {
            Some(index) => index,
            None => {
                let body = json!({
                    "event": "rotated", "keyId": key.public().id(),
                    "publicKey": digest::hex(key.public().bytes()), "replaces": old.public().id(),
                    "announcement": { "sha256": digest::hex(&digest::bytes(&text).sha256) },
                });
                Ledger::at(folder).append(ledger::EntryKind::Key, &body, old)?.index
            }
        };
        show.line(&words!("entry {}: the old key writes in the ledger no longer", index));
    }
    Ok(key.facts().clone())
}
