//! `kakou synth`: synthetic hospital data.

use std::path::PathBuf;

use clap::Args;

use super::Show;
use crate::error::Result;
use crate::policy::model::Encoding;
use crate::synth::{SynthConfig, hospital_csv};

/// Writes synthetic hospital data: same seed, same bytes.
#[derive(Args, Debug)]
pub struct Synth {
    /// Number of persons.
    #[arg(long, default_value_t = 2000)]
    patients: u64,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Encoding of the files.
    #[arg(long, value_enum, default_value_t = Charset::Cp932)]
    encoding: Charset,
    /// The folder to write to; `csv` is made in it.
    #[arg(long)]
    out: PathBuf,
}

/// Encodings of synthetic files.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Charset {
    /// CP932 (Windows-31J).
    Cp932,
    /// UTF-8.
    Utf8,
}

impl Synth {
    /// Runs it.
    ///
    /// # Errors
    /// I/O.
    pub fn run(&self, show: Show) -> Result<()> {
        let encoding = match self.encoding {
            Charset::Cp932 => Encoding::Cp932,
            Charset::Utf8 => Encoding::Utf8,
        };
        let config = SynthConfig {
            persons: self.patients,
            seed: self.seed,
            encoding,
            ..SynthConfig::default()
        };
        let folder = self.out.join("csv");
        hospital_csv(&config, &folder)?;
        show.line(&format!("{} made-up persons in {}", self.patients, folder.display()));
        Ok(())
    }
}
