//! `kakou key`: makes and looks at key files.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::{Args, Subcommand};

use super::{Show, passphrase, shown};
use crate::error::Result;
use crate::key::{ProjectKey, Suite, harden, inspect};

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
        /// A file whose first line is a passphrase that protects the key file.
        #[arg(long)]
        passphrase_file: Option<PathBuf>,
        /// The version of the key, part of every token.
        #[arg(long, default_value_t = 1)]
        key_version: u32,
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
            KeyCommand::New { file, passphrase_file, key_version } => {
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
