//! `kakou key`: makes and looks at key files.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand};
use serde_json::json;

use super::{Show, passphrase, shown};
use crate::error::Result;
use crate::key::{ProjectKey, PublicKey, Sign as _, SigningKey, Suite, harden, inspect};
use crate::record::attest;
use crate::record::note::{Role, VerifierKey};

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
                show.line(&format!(
                    "signing key file {} made (id {})",
                    shown(file),
                    key.facts().id
                ));
                show.line(&format!("public key: {}", named(key.public(), None)?));
                if passphrase.is_none() {
                    show.line("It is protected by its file permissions alone; --passphrase-file protects it further.");
                }
                key.facts().clone()
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
                show.line(&format!("key file {} made (id {})", shown(file), key.facts().id));
                if passphrase.is_none() {
                    show.line("It is protected by its file permissions alone; --passphrase-file protects it further.");
                }
                show.line("Keep it apart from the data. Without it the pseudonyms of its project can never be made again.");
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
