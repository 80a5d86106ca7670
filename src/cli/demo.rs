//! `kakou demo`: needs no data.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use clap::Args;

use super::recording::Recording;
use super::run::{Run, report};
use super::{Failure, Outcome, Show, key, prepare};
use crate::error::{Error, Result, small};
use crate::keys::{ProjectKey, Sign as _, SigningKey, Suite};
use crate::record::ledger::Ledger;
use crate::report::facts::grouped;
use crate::say;
use crate::synth::{SynthConfig, layouts, write};
use crate::{lang, words};

/// The shipped policy of the demo.
pub const POLICY: &str = include_str!("../../policies/demo.toml");

/// Makes two synthetic hospitals, runs the shipped policy on their DPC files and laboratory results, verifies and reports.
#[derive(Args, Debug)]
pub struct Demo {
    /// Where to put it; a new folder each time by default.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Number of made-up persons; with fewer than 1,000 the demo's k = 10 could hold for hardly anybody.
    #[arg(long, default_value_t = 2000, value_parser = clap::value_parser!(u64).range(1000..))]
    patients: u64,
    /// The seed of the made-up hospitals.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// What the demo left, and what to do with it.
fn where_next(folder: &Path, release: &Path, page: &Path, show: Show) {
    let path = |name: &str| folder.join(name).display().to_string();
    let policy = path("policy.toml");
    let release = release.display();
    for (what, why) in [
        (
            page.display().to_string(),
            "for the review board, in both languages; open it in a browser",
        ),
        (policy.clone(), "what happens to each column, with the reasons"),
        (
            format!("{release}/pseudonymized"),
            "pseudonymized: ff1_a000010.csv has the patients, labs.csv the results",
        ),
        (format!("{release}/anonymized"), "anonymized: the same tables, k = 10 persons"),
        (format!("{release}/record"), "what anybody can verify; statement.json has every count"),
        (path("data/dpc"), "the source, in CP932"),
    ] {
        show.line(&format!("  {what}\n      {}", lang::word(why)));
    }
    show.line(&words!("\nNext:"));
    for (what, why) in [
        (format!("kakou explain --policy {}", policy), "what each treatment does to a value"),
        (
            "kakou init DATA > policy.toml".to_owned(),
            "a draft for your own files; or policies/dpc-hub.toml",
        ),
        (
            "kakou run --policy policy.toml --input DATA --out OUT".to_owned(),
            "your releases, on your machine alone",
        ),
    ] {
        show.line(&format!("  {what}\n      {}", lang::word(why)));
    }
}

impl Demo {
    /// Runs it.
    ///
    /// # Errors
    /// See the exit codes.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let begun = Instant::now();
        let folder = self.folder()?;
        let at = |name: &str| folder.join(name);
        let path = |name: &str| at(name).display().to_string();
        // The steps that have results of their own speak to people only: one document is what machines read.
        let aside = Show { json: false, quiet: show.quiet || show.json, lang: show.lang };

        self.make(&folder, show)?;
        let policy = at("policy.toml");
        put(&policy, POLICY)?;
        let project = at("project.key");
        ProjectKey::create(&project, None, Suite::default(), 1, SystemTime::now())?;
        // A throw-away key: whoever reads the demo's folder has it.
        let signing = at("signing.key");
        let signing_key = SigningKey::create(&signing, None, SystemTime::now())?;
        let named = key::named(signing_key.public(), None)?;
        put(&at("signing.pub"), &format!("{named}\n"))?;
        let ledger = at("ledger");
        Ledger::init(&ledger, "demo.example/kakou", &signing_key)?;
        drop(signing_key);

        show.line(&words!("\n2. run: both releases from one policy, entered in a ledger, signed with a throw-away key"));
        show.line(&words!(
            "   kakou run --policy {} --input {} --key {} --sign {} --ledger {} --out {}",
            path("policy.toml"),
            path("data"),
            path("project.key"),
            path("signing.key"),
            path("ledger"),
            path("releases")
        ));
        let run = Run {
            policy: policy.clone(),
            input: at("data"),
            key: Some(project),
            passphrase_file: None,
            out: at("releases"),
            release_id: None,
            persons: super::persons::Persons::default(),
            memory: 4 << 30,
            threads: None,
            tables: Vec::new(),
            spill: None,
            resume: None,
            search_seconds: None,
            link_keys: None,
            link_source: None,
            timings: None,
            dry_run: false,
            recording: Recording::signed(signing, ledger.clone()),
        };
        let prepared = prepare(&policy)?;
        let sources = prepared.loaded.sources.clone();
        let published = run.publish(prepared, show).map_err(|e| Failure::new(e, &sources))?;
        report(&published, show);
        let Some(release) = &published.folder else { return Ok(()) };

        show.line(&words!("\n3. verify: every digest and count again, and k in persons, from the files of the release alone"));
        super::verify::Verify {
            look: kakou_verifier::Look {
                release: release.clone(),
                public_key: vec![at("signing.pub")],
                ledger: Some(ledger),
                stamp_ca: Vec::new(),
            },
            attest: None,
            sign: None,
            sign_passphrase_file: None,
        }
        .run(aside)?;

        show.line(&words!(
            "\n4. one person, one token: a hospital's number names nobody at the other hospital"
        ));
        for line in tokens(release, &at("data"))?.lines() {
            show.line(&line);
        }

        let page = super::report::Report {
            release: release.clone(),
            against: None,
            to: Some(at("report.html")),
        }
        .write(crate::report::words::Lang::Both)?;
        show.line(&words!(
            "\ndone in {} s. Look at:",
            format_args!("{:.1}", begun.elapsed().as_secs_f64())
        ));
        where_next(&folder, release, &page, show);
        Ok(())
    }

    /// The two hospitals' files.
    fn make(&self, folder: &Path, show: Show) -> Result<()> {
        let at = |name: &str| folder.join(name);
        let path = |name: &str| at(name).display().to_string();
        show.line(&words!("1. made: two hospitals that do not exist, one fiscal year, as files lie on a hospital's disk (CP932, TAB, no"));
        show.line(&words!("   header; with dirt)"));
        let config = SynthConfig {
            persons: self.patients,
            hospitals: 2,
            seed: self.seed,
            // 2025-04-01: one fiscal year, that of the policy's layouts.
            start: 20_179,
            years: 1,
            layouts: vec!["dpc".to_owned(), "lab".to_owned()],
            ..SynthConfig::default()
        };
        let facts = write(&config, &at("data"))?;
        show.line(&words!("   {} persons, {} stays", grouped(self.patients), grouped(facts.stays)));
        for (name, about) in layouts().into_iter().filter(|(name, _)| facts.files_of(name) > 0) {
            show.line(&words!(
                "   {} {} rows in {} files: {}",
                format_args!("{:<24}", path(&format!("data/{name}"))),
                format_args!("{:>9}", grouped(facts.rows_of(name))),
                format_args!("{:>3}", facts.files_of(name)),
                lang::word(about)
            ));
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
        crate::release::private(&folder)?;
        Ok(folder)
    }
}

/// Who is at both hospitals: by the release, and by the truth of the made-up hospitals.
#[derive(Debug, Default, Eq, PartialEq)]
struct Tokens {
    /// Tokens of the pseudonymized release.
    all: u64,
    /// Tokens that stand in rows of both hospitals.
    both: u64,
    /// Persons of the truth with numbers of both hospitals.
    truth: u64,
}

impl Tokens {
    fn lines(&self) -> [String; 3] {
        [
            format!(
                "   {} of {} tokens stand in rows of both hospitals (様式1): the K files give their numbers one common ID",
                small(self.both),
                small(self.all)
            ),
            format!(
                "   {} persons have numbers of both hospitals in truth (data/truth). Where the common ID is blank or a filler,",
                small(self.truth)
            ),
            "   or a newborn twin without a name shares it, no file can tell; kakou guesses nothing".to_owned(),
        ]
    }
}

/// Counts tokens by the facilities of their rows.
fn tokens(release: &Path, data: &Path) -> Result<Tokens> {
    let released = hospitals_of(
        &release.join("pseudonymized/ff1_a000010.csv"),
        "データ識別番号",
        "施設コード",
    )?;
    let truth = hospitals_of(&data.join("truth/registrations.csv"), "person", "facility")?;
    let both = |of: &BTreeMap<String, BTreeSet<String>>| {
        of.values().filter(|hospitals| hospitals.len() > 1).count() as u64
    };
    Ok(Tokens { all: released.len() as u64, both: both(&released), truth: both(&truth) })
}

/// The hospitals of each person in a CSV file.
fn hospitals_of(
    file: &Path,
    person: &str,
    hospital: &str,
) -> Result<BTreeMap<String, BTreeSet<String>>> {
    let unreadable =
        || Error::environment("X0709", say!("a file that the demo made cannot be read again"));
    let mut reader = csv::Reader::from_path(file).map_err(|_| unreadable())?;
    let header = reader.headers().map_err(|_| unreadable())?.clone();
    let at = |name: &str| header.iter().position(|h| h == name).ok_or_else(unreadable);
    let (person, hospital) = (at(person)?, at(hospital)?);
    let mut of = BTreeMap::<String, BTreeSet<String>>::new();
    for row in reader.records() {
        let row = row.map_err(|_| unreadable())?;
        of.entry(row[person].to_owned()).or_default().insert(row[hospital].to_owned());
    }
    Ok(of)
}

fn put(path: &Path, text: &str) -> Result<()> {
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
