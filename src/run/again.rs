//! A run once more: an auditor makes the releases again from the inputs and compares them with what was published.

use std::path::{Path, PathBuf};

use super::link_keys::returned;
use super::persons::Persons;
use super::{Policy, passphrase, project_key};
use crate::engine::intake::{self, Limits};
use crate::engine::{Job, make};
use crate::error::{Error, Name, Result, Said};
use crate::keys::{ProjectKey, ReleaseSecrets, harden};
use crate::plan::Plan;
use crate::progress::Progress;
use crate::proof::forbidden::Forbidden;
use crate::proof::replay::{TableReplay, anonymized};
use crate::record::statement::{STATEMENT, Statement};
use crate::record::verify::{Trust, verify};
use crate::record::{objections, seal};
use crate::schema::{ByKind, Kind};
use crate::{digest, say, text};

/// How the folder of a replay is called.
const STAGING: &str = ".kakou-replay-";

/// What is compared with what.
#[derive(Clone, Debug)]
pub struct Again {
    /// The release folder.
    pub release: PathBuf,
    /// The input files of the run.
    pub input: PathBuf,
    /// The project key; without it the project's own if it is the one of the run, else only the anonymized release is compared.
    pub key: Option<PathBuf>,
    /// A file whose first line is the passphrase of the key file.
    pub passphrase_file: Option<PathBuf>,
    /// The lists and the eligibility file of the run.
    pub persons: Persons,
    /// Link keys of the run, if there were any.
    pub link_keys: Option<PathBuf>,
    /// Memory to use, in bytes.
    pub memory: u64,
    /// Where the comparison is made, in a private folder that is removed at the end; by default the system's temporary folder.
    pub work: Option<PathBuf>,
}

/// A release that is what its policy makes of its inputs.
#[derive(Debug)]
pub struct Same {
    /// The files of the pseudonymized release that are the same bytes; none without the key.
    pub bytes: Vec<String>,
    /// Whether the pseudonymized release was compared.
    pub with_key: bool,
    /// The tables of the anonymized release.
    pub tables: Vec<TableReplay>,
}

impl Same {
    /// Columns of the anonymized release that cannot be made again, as their key is destroyed.
    #[must_use]
    pub fn not_replayable(&self) -> Vec<String> {
        let columns = self.tables.iter().flat_map(|t| &t.columns);
        let keyed = columns.filter(|c| !c.replayable);
        keyed.map(|c| format!("{}.{}", c.table, c.column)).collect()
    }
}

fn differs(what: Said) -> Error {
    Error::refused("R0601", what)
}

/// Makes both releases again in a private folder and compares.
///
/// # Errors
/// Everything that is not as the release says, each named.
pub fn again(policy: &Policy, asked: &Again, progress: &dyn Progress) -> Result<Same> {
    let _ = harden();
    let plan = &policy.plan;
    verify(&asked.release, Trust::default())?;
    let statement = Statement::read(&asked.release)
        .map_err(|_| differs(say!("{} cannot be read", STATEMENT)))?;
    // A wrong policy or input explains every difference that follows: it is told first and alone.
    let of_policy = seal::policy_digest(&policy.loaded)?;
    if statement.policy.sha3_256 != digest::hex(&of_policy) {
        return Err(differs(say!("the policy is not the one of the run: its digest differs"))
            .advice(say!("`kakou policy diff` tells in words what changed between two policies")));
    }
    let lists = asked.persons.read_as_in(plan, &statement)?;
    let told = statement.exclusion_lists.len();
    if lists.lists.len() != told {
        return Err(differs(say!(
            "the run had {} exclusion lists, {} are given",
            told,
            lists.lists.len()
        )));
    }
    let files = lists.eligibility.as_ref().map_or(0, |e| e.files.len());
    let told = statement.eligibility.as_ref().map_or(0, |e| e.files.len());
    if files != told {
        return Err(differs(say!("the run had {} eligibility files, {} are given", told, files)));
    }
    let link_keys = asked.link_keys.as_deref().map(returned).transpose()?;
    let files = intake::find_files(plan, &asked.input)?;
    intake::check_headers(plan, &files)?;
    let keyed = secrets(plan, asked, &statement)?;
    let with_key = keyed.is_some();
    let pseudonymized = match keyed {
        Some(secrets) => secrets,
        None => ReleaseSecrets::anonymized()?,
    };
    // Any fresh key serves: what is compared does not depend on it.
    let fresh = ReleaseSecrets::anonymized()?;
    let root = asked.work.clone().unwrap_or_else(std::env::temp_dir);
    crate::formats::spill::sweep(&root)?;
    let making = |e| Error::io("X0413", say!("making a folder for the replay"), &e);
    crate::claim::sweep(&root, STAGING).map_err(making)?;
    let staging = crate::claim::Claim::new(&root, STAGING).map_err(making)?;
    crate::release::private(staging.path())?;
    for kind in Kind::BOTH {
        std::fs::create_dir_all(staging.path().join(kind.word())).map_err(making)?;
    }
    let job = Job {
        plan,
        files: &files,
        lists: &lists,
        limits: Limits { memory: asked.memory, spill_root: root },
        search_limit: None,
        secrets: ByKind { pseudonymized: &pseudonymized, anonymized: &fresh },
        link_keys: link_keys.as_ref(),
        policy: of_policy,
        keep: None,
        staging: staging.path().to_owned(),
    };
    let mut forbidden = Forbidden::default();
    let made = make(&job, &mut forbidden, progress)?;
    let mut errors = Vec::new();
    inputs(&statement, plan, &made, &mut errors);
    errors.extend(objections::differences(&statement, &lists, &made).into_iter().map(differs));
    if statement.frozen_plan.sha3_256 != digest::hex(&digest::sha3(&made.frozen)) {
        errors.push(differs(say!(
            "the frozen plan (levels, thresholds, suppressed classes) differs"
        )));
    }
    let same_bytes = match with_key {
        true => same_files(plan, &made, [staging.path(), &asked.release], &mut errors)?,
        false => Vec::new(),
    };
    let tables = anonymized(plan, &asked.release, staging.path())?;
    for table in tables.iter().filter(|t| !t.holds()) {
        errors.extend(told_of(table));
    }
    if let Some(error) = Error::all(errors) {
        return Err(error);
    }
    Ok(Same { bytes: same_bytes, with_key, tables })
}

/// The secrets of the pseudonymized release, if the key of the run is at hand.
fn secrets(plan: &Plan, asked: &Again, statement: &Statement) -> Result<Option<ReleaseSecrets>> {
    let own = match &asked.key {
        None => project_key::own_if_open(&plan.project, asked.passphrase_file.as_ref())?,
        Some(_) => None,
    };
    Ok(match asked.key.as_ref().or(own.as_ref()) {
        Some(path) => {
            let key = ProjectKey::open(path, passphrase(asked.passphrase_file.as_ref())?.as_ref())?;
            let secrets = ReleaseSecrets::pseudonymized(
                &key,
                plan.project.as_str(),
                plan.recipient.as_str(),
                text::identifier::DERIVATION,
            );
            // A named key that differs is a finding; one's own that is another one says nothing.
            let of_run = statement.keys.pseudonymized == secrets.key_id();
            (asked.key.is_some() || of_run).then_some(secrets)
        }
        None => None,
    })
}

/// The files of the pseudonymized release that are the same bytes in both folders.
fn same_files(
    plan: &Plan,
    made: &crate::engine::Made,
    folders: [&Path; 2],
    errors: &mut Vec<Error>,
) -> Result<Vec<String>> {
    let mut same_bytes = Vec::new();
    if let Some(file) = &made.receipts {
        let [ours, theirs] = folders.map(|folder| digest::file(&folder.join(&file.relative)));
        if ours?.sha3_256 == theirs?.sha3_256 {
            same_bytes.push(file.relative.clone());
        } else {
            errors.push(differs(say!("the receipt file is not the same bytes")));
        }
    }
    for file in made.files.iter().filter(|f| f.kind == Kind::Pseudonymized) {
        for path in &file.paths {
            // The tables of a long file are compared at once.
            if same_bytes.contains(path) {
                continue;
            }
            let [ours, theirs] = folders.map(|folder| digest::file(&folder.join(path)));
            if ours?.sha3_256 == theirs?.sha3_256 {
                same_bytes.push(path.clone());
            } else {
                errors.push(differs(say!(
                    "table `{}` of the pseudonymized release is not the same bytes",
                    plan.tables[file.table].name
                )));
            }
        }
    }
    Ok(same_bytes)
}

/// Which inputs are not those of the run.
fn inputs(statement: &Statement, plan: &Plan, made: &crate::engine::Made, errors: &mut Vec<Error>) {
    let inputs = statement.inputs.iter();
    let told: Vec<(&str, &str)> = inputs.map(|i| (i.table.as_str(), i.sha3_256.as_str())).collect();
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
