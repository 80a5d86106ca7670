//! `kakou replay`: an auditor makes the releases again from the inputs and compares.

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::persons::Persons;
use super::progress::Shown;
use super::{Failure, Outcome, Prepared, Show, keys, passphrase, prepare, size};
use crate::digest;
use crate::engine::intake::{self, Limits};
use crate::engine::{Job, make};
use crate::error::{Error, Name, Result, Said};
use crate::keys::{ProjectKey, ReleaseSecrets, harden};
use crate::proof::forbidden::Forbidden;
use crate::proof::replay::{TableReplay, anonymized};
use crate::record::statement::STATEMENT;
use crate::record::verify::{Trust, verify};
use crate::record::{objections, seal};
use crate::schema::Kind;
use crate::{say, text};

/// Makes both releases again from inputs, policy and key, and compares them with a release.
#[derive(Args, Debug)]
#[command(
    after_help = "The pseudonymized release must be the same bytes (with the key). Of the anonymized one every column without randomness is compared by digests that do not depend on order or tokens; the others are listed."
)]
pub struct Replay {
    /// The release folder (`OUT/<release-id>`).
    pub release: PathBuf,
    /// The policy of the run.
    #[arg(long)]
    pub policy: PathBuf,
    /// The input files of the run.
    #[arg(long)]
    pub input: PathBuf,
    /// The project key. Without it the project's own in your folder of keys, if it is the one of the run; else only the
    /// anonymized release is compared.
    #[arg(long)]
    pub key: Option<PathBuf>,
    /// A file whose first line is the passphrase of the key file.
    #[arg(long)]
    pub passphrase_file: Option<PathBuf>,
    /// The lists and the eligibility file of the run; the reference date is that of the run.
    #[command(flatten)]
    pub persons: Persons,
    /// Link keys of the run, if there were any.
    #[arg(long)]
    pub link_keys: Option<PathBuf>,
    /// Memory to use.
    #[arg(long, default_value = "4G", value_parser = size)]
    pub memory: u64,
    /// Where the comparison is made; a private folder there is removed at the end.
    #[arg(long)]
    pub work: Option<PathBuf>,
}

fn differs(what: Said) -> Error {
    Error::refused("R0601", what)
}

impl Replay {
    /// Runs it.
    ///
    /// # Errors
    /// Everything that is not as the release says, each named.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let prepared = prepare(&self.policy)?;
        self.compare(&prepared, show).map_err(|e| Failure::new(e, &prepared.loaded.sources))
    }

    fn compare(&self, prepared: &Prepared, show: Show) -> Result<()> {
        let _ = harden();
        let plan = &prepared.plan;
        verify(&self.release, Trust::default())?;
        let statement: Value = std::fs::read(self.release.join(STATEMENT))
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or_else(|| differs(say!("{} cannot be read", STATEMENT)))?;
        // A wrong policy or input explains every difference that follows: it is told first and alone.
        let policy = digest::hex(&seal::policy_digest(&prepared.loaded)?);
        if statement["policy"]["sha3_256"] != policy.as_str() {
            return Err(differs(say!("the policy is not the one of the run: its digest differs"))
                .advice(say!(
                    "`kakou policy diff` tells in words what changed between two policies"
                )));
        }
        let lists = self.persons.read_as_in(plan, &statement)?;
        let told = statement["exclusionLists"].as_array().map_or(0, Vec::len);
        if lists.lists.len() != told {
            return Err(differs(say!(
                "the run had {} exclusion lists, {} are given",
                told,
                lists.lists.len()
            )));
        }
        let files = lists.eligibility.as_ref().map_or(0, |e| e.files.len());
        let told = statement["eligibility"]["files"].as_array().map_or(0, Vec::len);
        if files != told {
            return Err(differs(say!(
                "the run had {} eligibility files, {} are given",
                told,
                files
            )));
        }
        let link_keys = self.link_keys.as_deref().map(super::link::returned).transpose()?;
        let files = intake::find_files(plan, &self.input)?;
        intake::check_headers(plan, &files)?;
        let own = match &self.key {
            None => keys::own_if_open(&plan.project, self.passphrase_file.as_ref())?,
            Some(_) => None,
        };
        let keyed = match self.key.as_ref().or(own.as_ref()) {
            Some(path) => {
                let key =
                    ProjectKey::open(path, passphrase(self.passphrase_file.as_ref())?.as_ref())?;
                let secrets = ReleaseSecrets::pseudonymized(
                    &key,
                    plan.project.as_str(),
                    plan.recipient.as_str(),
                    text::identifier::DERIVATION,
                );
                // A named key that differs is a finding; one's own that is another one says nothing.
                let of_run = statement["keys"]["pseudonymized"] == secrets.key_id();
                (self.key.is_some() || of_run).then_some(secrets)
            }
            None => None,
        };
        let with_key = keyed.is_some();
        let pseudonymized = match keyed {
            Some(secrets) => secrets,
            None => ReleaseSecrets::anonymized()?,
        };
        // Any fresh key serves: what is compared does not depend on it.
        let fresh = ReleaseSecrets::anonymized()?;
        let root = self.work.clone().unwrap_or_else(std::env::temp_dir);
        crate::formats::spill::sweep(&root)?;
        let staging = tempfile::Builder::new()
            .prefix(".kakou-replay-")
            .tempdir_in(&root)
            .map_err(|e| Error::io("X0413", say!("making a folder for the replay"), &e))?;
        let progress = Shown::new(show.quiet || show.json);
        for kind in Kind::BOTH {
            std::fs::create_dir_all(staging.path().join(kind.word()))
                .map_err(|e| Error::io("X0413", say!("making a folder for the replay"), &e))?;
        }
        let job = Job {
            plan,
            files: &files,
            lists: &lists,
            limits: Limits { memory: self.memory, spill_root: root },
            search_limit: None,
            secrets: [&pseudonymized, &fresh],
            link_keys: link_keys.as_ref(),
            staging: staging.path().to_owned(),
        };
        let mut forbidden = Forbidden::default();
        let made = make(&job, &mut forbidden, &progress)?;
        let mut errors = Vec::new();
        inputs(&statement, plan, &made, &mut errors);
        errors.extend(objections::differences(&statement, &lists, &made).into_iter().map(differs));
        if statement["frozenPlan"]["sha3_256"] != digest::hex(&digest::sha3(&made.frozen)).as_str()
        {
            errors.push(differs(say!(
                "the frozen plan (levels, thresholds, suppressed classes) differs"
            )));
        }
        let mut same_bytes = Vec::new();
        if with_key {
            if let Some(file) = &made.receipts {
                let [ours, theirs] = [staging.path(), self.release.as_path()]
                    .map(|folder| digest::file(&folder.join(&file.relative)));
                if ours?.sha3_256 == theirs?.sha3_256 {
                    same_bytes.push(file.relative.clone());
                } else {
                    errors.push(differs(say!("the receipt file is not the same bytes")));
                }
            }
            for file in made.files.iter().filter(|f| f.kind == Kind::Pseudonymized) {
                // The tables of a long file are compared at once.
                if same_bytes.last() == Some(&file.relative) {
                    continue;
                }
                let [ours, theirs] = [staging.path(), self.release.as_path()]
                    .map(|folder| digest::file(&folder.join(&file.relative)));
                if ours?.sha3_256 == theirs?.sha3_256 {
                    same_bytes.push(file.relative.clone());
                } else {
                    errors.push(differs(say!(
                        "table `{}` of the pseudonymized release is not the same bytes",
                        plan.tables[file.table].name
                    )));
                }
            }
        }
        let tables = anonymized(plan, &self.release, staging.path())?;
        for table in tables.iter().filter(|t| !t.holds()) {
            errors.extend(told_of(table));
        }
        if let Some(error) = Error::all(errors) {
            return Err(error);
        }
        let keyed: Vec<String> = tables
            .iter()
            .flat_map(|t| &t.columns)
            .filter(|c| !c.replayable)
            .map(|c| format!("{}.{}", c.table, c.column))
            .collect();
        if with_key {
            show.line(&format!("pseudonymized (仮名): {} files, the same bytes", same_bytes.len()));
        } else {
            show.line("pseudonymized (仮名): not compared, no key was given (--key)");
        }
        show.line(&format!(
            "anonymized (匿名): {} tables, every column without randomness is the same",
            tables.len()
        ));
        show.line(&format!("  not repeatable (their key is destroyed): {}", keyed.join(", ")));
        show.json(
            &json!({ "pseudonymized": same_bytes, "anonymized": tables, "notReplayable": keyed }),
        );
        Ok(())
    }
}

/// Which inputs are not those of the run.
fn inputs(
    statement: &Value,
    plan: &crate::plan::Plan,
    made: &crate::engine::Made,
    errors: &mut Vec<Error>,
) {
    let told: Vec<(&str, &str)> = statement["inputs"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|i| Some((i["table"].as_str()?, i["sha3_256"].as_str()?)))
        .collect();
    for file in &made.intake.files {
        let table = plan.tables[file.table].name.as_str();
        let hex = digest::hex(&file.facts.sha3_256);
        if !told.contains(&(table, hex.as_str())) {
            errors.push(differs(say!(
                "an input file of table `{}` is not one of the run (its digest differs)",
                plan.tables[file.table].name
            )));
        }
    }
    if told.len() != made.intake.files.len() {
        errors.push(differs(say!(
            "the run read {} files, this replay {}",
            told.len(),
            made.intake.files.len()
        )));
    }
}

fn told_of(table: &TableReplay) -> Vec<Error> {
    let name = Name::from_policy(table.table.clone());
    if table.rows[0] != table.rows[1] {
        return vec![differs(say!(
            "table `{}` of the anonymized release has another number of rows than the replay",
            name
        ))];
    }
    let mut errors: Vec<Error> = table
        .columns
        .iter()
        .filter(|c| !c.same)
        .map(|c| {
            differs(say!(
                "table `{}`, column `{}` of the anonymized release is not what the policy makes of the inputs",
                name,
                Name::from_policy(c.column.clone())
            ))
        })
        .collect();
    if errors.is_empty() {
        errors.push(differs(say!(
            "table `{}` of the anonymized release: the columns are the same, their combination in rows is not",
            name
        )));
    }
    errors
}
