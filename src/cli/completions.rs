//! `kakou completions`: what a shell completes.

use clap::{Args, CommandFactory as _};

use super::{Arguments, Show};
use crate::error::Result;

/// Prints shell completions.
#[derive(Args, Debug)]
pub struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

impl Completions {
    /// Runs it.
    ///
    /// # Errors
    /// None.
    pub fn run(&self, show: Show) -> Result<()> {
        let mut command = Arguments::command();
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut command, "kakou", &mut text);
        show.raw(&text);
        Ok(())
    }
}
