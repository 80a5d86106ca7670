//! `kakou synth`: synthetic hospital data.

use std::path::PathBuf;

use clap::Args;

use super::Show;
use crate::error::{Error, Family, Result};
use crate::policy::model::Encoding;
use crate::say;
use crate::synth::{SynthConfig, layouts, write};
use crate::words;

/// Writes synthetic hospital data, the same persons in every layout: same seed, same bytes.
///
/// Layouts: dpc, lab, uke, ssmix2, omop, csv. The folder `truth` says who is who and where identifiers were planted.
#[derive(Args, Debug)]
pub struct Synth {
    /// Number of persons.
    #[arg(long, default_value_t = 2000)]
    patients: u64,
    /// The seed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Layouts, separated by commas; all by default.
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    layouts: Vec<String>,
    /// First day of the data, YYYY-MM-DD.
    #[arg(long, default_value = "2024-01-01", value_name = "DAY")]
    start: String,
    /// Years of data.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=20))]
    years: u32,
    /// Number of hospitals.
    #[arg(long, default_value_t = 6, value_parser = clap::value_parser!(u32).range(1..=40))]
    hospitals: u32,
    /// Encoding of the plain CSV and the laboratory CSV; the others have their own.
    #[arg(long, value_enum, default_value_t = Charset::Cp932)]
    encoding: Charset,
    /// Without the dirt of real files: no broken bytes, wrong widths, impossible days, fillers.
    #[arg(long)]
    clean: bool,
    /// Worker threads; one a core by default. The bytes are the same.
    #[arg(long)]
    threads: Option<usize>,
    /// The folder to write to; a folder a layout is made in it.
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
    /// ISO-2022-JP.
    #[value(name = "iso-2022-jp")]
    Iso2022Jp,
}

impl Synth {
    /// Runs it.
    ///
    /// # Errors
    /// A day or layout that does not exist, a layout's folder that exists already, I/O.
    pub fn run(&self, show: Show) -> Result<()> {
        let start =
            crate::text::date::parse(&self.start).and_then(|w| w.days()).ok_or_else(|| {
                Error::new(Family::Policy, "X0708", say!("`--start` is not a day"))
                    .advice(say!("write it as YYYY-MM-DD"))
            })?;
        let config = SynthConfig {
            persons: self.patients,
            hospitals: self.hospitals,
            seed: self.seed,
            start,
            years: self.years,
            encoding: match self.encoding {
                Charset::Cp932 => Encoding::Cp932,
                Charset::Utf8 => Encoding::Utf8,
                Charset::Iso2022Jp => Encoding::Iso2022Jp,
            },
            layouts: self.layouts.clone(),
            dirt: !self.clean,
            threads: self.threads,
        };
        let begun = std::time::Instant::now();
        let facts = write(&config, &self.out)?;
        let took = begun.elapsed().as_secs_f64().max(1e-6);
        let rows: u64 = facts.rows.values().sum();
        show.line(&words!(
            "{} made-up persons, {} stays, {} hospitals in {}: {} rows, {} rows a second",
            self.patients,
            facts.stays,
            self.hospitals,
            self.out.display(),
            rows,
            format_args!("{:.0}", rows as f64 / took)
        ));
        for (name, about) in layouts() {
            let (files, rows) = (facts.files_of(name), facts.rows_of(name));
            if files > 0 {
                show.line(&words!(
                    "  {} {} rows, {} files: {}",
                    format_args!("{:<7}", name),
                    format_args!("{:>11}", rows),
                    format_args!("{:>5}", files),
                    crate::lang::word(about)
                ));
            }
        }
        show.line(&words!("  {} labelled values in truth/planted.csv", facts.planted));
        Ok(())
    }
}
