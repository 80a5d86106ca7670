//! `kakou demo`: needs no data.

use std::path::PathBuf;
use std::time::SystemTime;

use clap::Args;

use super::recording::Recording;
use super::run::{Run, report};
use super::{Failure, Outcome, Show, key, prepare};
use crate::error::{Error, Result};
use crate::key::{ProjectKey, Sign as _, SigningKey, Suite};
use crate::record::ledger::Ledger;
use crate::say;
use crate::synth::{SynthConfig, write};

/// The shipped policy of the demo.
pub const POLICY: &str = include_str!("../../policies/demo.toml");

/// Makes a small synthetic hospital, runs the shipped policy on it and shows where everything is.
#[derive(Args, Debug)]
pub struct Demo {
    /// Where to put it; a new folder each time by default.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Number of made-up persons; with fewer than 1,000 the demo's k = 10 could hold for hardly anybody.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1000..))]
    patients: u64,
    /// The seed of the made-up hospital.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Demo {
    /// Runs it.
    ///
    /// # Errors
    /// See the exit codes.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let folder = self.folder()?;
        let data = folder.join("data");
        show.line(&format!("1. a made-up hospital group: {} persons, 2 hospitals, CP932, 和暦 and western dates, planted dirt", self.patients));
        let config = SynthConfig {
            persons: self.patients,
            hospitals: 2,
            seed: self.seed,
            layouts: vec!["csv".to_owned()],
            ..SynthConfig::default()
        };
        write(&config, &data)?;
        let data = data.join("csv");
        let policy = folder.join("policy.toml");
        put(&policy, POLICY)?;
        let project = folder.join("project.key");
        ProjectKey::create(&project, None, Suite::default(), 1, SystemTime::now())?;
        show.line(&format!(
            "   data {}, policy {}, key {}",
            data.display(),
            policy.display(),
            project.display()
        ));
        // A throw-away key: whoever reads the demo's folder has it.
        let signing = folder.join("signing.key");
        let signing_key = SigningKey::create(&signing, None, SystemTime::now())?;
        let named = key::named(signing_key.public(), None)?;
        put(&folder.join("signing.pub"), &format!("{named}\n"))?;
        let ledger = folder.join("ledger");
        Ledger::init(&ledger, "demo.example/kakou", &signing_key)?;
        drop(signing_key);
        show.line("2. kakou run: both releases from one policy, entered in a ledger, signed with a throw-away key");
        let run = Run {
            policy: policy.clone(),
            input: data,
            key: project,
            passphrase_file: None,
            out: folder.join("releases"),
            release_id: None,
            exclude: Vec::new(),
            exclude_pseudonymized: Vec::new(),
            exclude_anonymized: Vec::new(),
            memory: 4 << 30,
            threads: None,
            spill: None,
            search_seconds: None,
            link_keys: None,
            dry_run: false,
            recording: Recording {
                sign: Some(signing),
                ledger: Some(ledger.clone()),
                ..Recording::default()
            },
        };
        let prepared = prepare(&policy)?;
        let published =
            run.publish(&prepared, show).map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
        report(&published, show);
        if let Some(release) = &published.folder {
            show.line("3. kakou verify: every digest and count again, from the files alone");
            super::verify::Verify {
                release: release.clone(),
                public_key: vec![folder.join("signing.pub")],
                ledger: Some(ledger),
                attest: None,
                sign: None,
                sign_passphrase_file: None,
            }
            .run(Show { json: false, ..show })?;
            show.line("4. kakou report: one page for the review board");
            let report = super::report::Report {
                release: release.clone(),
                against: None,
                lang: crate::report::words::Lang::Both,
                to: Some(folder.join("report.html")),
            };
            let page = report.write()?;
            show.line(&format!(
                "\nlook at {}: pseudonymized/, anonymized/ and record/statement.json",
                release.display()
            ));
            show.line(&format!("open {} in a browser", page.display()));
        }
        Ok(())
    }

    fn folder(&self) -> Result<PathBuf> {
        let folder = match &self.out {
            Some(folder) => folder.clone(),
            None => {
                let mut n = 1;
                loop {
                    let candidate = PathBuf::from(if n == 1 {
                        "kakou-demo".to_owned()
                    } else {
                        format!("kakou-demo-{n}")
                    });
                    if !candidate.exists() {
                        break candidate;
                    }
                    n += 1;
                }
            }
        };
        std::fs::create_dir_all(&folder)
            .map_err(|e| Error::io("X0702", say!("making the demo's folder"), &e))?;
        Ok(folder)
    }
}

fn put(path: &std::path::Path, text: &str) -> Result<()> {
    use std::io::Write as _;
    std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .and_then(|mut f| f.write_all(text.as_bytes()))
        .map_err(|e| {
            Error::io("X0702", say!("writing the demo's policy"), &e)
                .advice(say!("choose another --out"))
        })
}
