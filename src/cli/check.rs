//! `kakou check`: is the policy complete, do the files fit it.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::init::decide;
use super::progress::Shown;
use super::{Failure, Outcome, Show, prepare_from, size};
use crate::digest;
use crate::engine::exclude::Lists;
use crate::engine::{declared, genome, intake, survey, unclaimed};
use crate::error::{Error, Result, small};
use crate::{lang, words};
use crate::{plan, say};

/// Checks a policy alone, or against the headers of a folder's files.
#[derive(Args, Debug)]
pub struct Check {
    /// The policy.
    #[arg(long)]
    policy: PathBuf,
    /// The folder with the input files; without `--data` only their headers are read.
    #[arg(long)]
    input: Option<PathBuf>,
    /// Read the data too: every defect is listed with its first place, and the declarations are held against the data.
    #[arg(long, requires = "input")]
    data: bool,
    /// List the files of each table with the numbers that messages have for them. Names of files may hold what is personal.
    #[arg(long, requires = "input")]
    files: bool,
    /// Read a table from another file of the input folder than the policy says: CSV with a header in UTF-8, Parquet or a workbook.
    #[arg(long = "table", value_name = "NAME=FILE")]
    tables: Vec<crate::run::TableFile>,
    /// Memory to use for the data.
    #[arg(long, default_value = "4G", value_parser = size)]
    memory: u64,
    /// Where to spill (a private folder is made there and removed); by default the system's temporary folder.
    #[arg(long)]
    spill: Option<PathBuf>,
    /// Print the whole policy after `extends`.
    #[arg(long)]
    resolved: bool,
}

impl Check {
    /// Runs it.
    ///
    /// # Errors
    /// Everything that is wrong, with places.
    pub fn run(&self, show: Show) -> Outcome<()> {
        // A draft is told what is left to decide, before anything else that is wrong with it.
        let open = std::fs::read_to_string(&self.policy).map(|text| decide::open(&text));
        undecided(&open.unwrap_or_default(), show)?;
        let prepared = prepare_from(&self.policy, &self.tables)?;
        let plan = &prepared.plan;
        if self.resolved {
            show.line(&plan::resolved_toml(&prepared.loaded));
            return Ok(());
        }
        let mut files = 0;
        let mut warnings = plan.warnings.clone();
        if let Some(input) = &self.input {
            let found = intake::find_files(plan, input)
                .map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
            unclaimed::check(plan, input, &found, &prepared.own([]))
                .map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
            if self.files {
                list(plan, input, &found, show);
                return Ok(());
            }
            intake::check_headers(plan, &found)
                .and_then(|()| genome::check(plan, &found))
                .map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
            files = found.iter().map(Vec::len).sum();
            if self.data {
                defects(plan, &found, show)
                    .map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
                let (_, told) = data(plan, &found, self.memory, self.spill.as_ref(), show)
                    .map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
                warnings.extend(told);
            }
        }
        let evidence = plan::legal_evidence(plan);
        let digest = digest::hex(&digest::sha3(&plan::digest_bytes(&prepared.loaded)));
        let made = plan::promise::PROMISES.iter().map(|p| (p.name, json!((p.made)(plan))));
        let promises: serde_json::Map<_, _> = made.map(|(name, n)| (name.to_owned(), n)).collect();
        show.json(&json!({
            "policy": plan.id, "version": plan.version, "sha3_256": digest,
            "tables": plan.tables.len(), "columns": plan.tables.iter().map(|t| t.columns.len()).sum::<usize>(),
            "promises": promises, "law": evidence, "warnings": warnings, "files": files,
        }));
        show.line(&words!("policy {} {} (sha3-256 {})", plan.id, plan.version, digest));
        show.line(&words!(
            "{} tables, {} columns, every one with a role and two treatments",
            plan.tables.len(),
            plan.tables.iter().map(|t| t.columns.len()).sum::<usize>()
        ));
        for &kind in &plan.releases {
            show.line(&format!("\n{} ({}):", plan.profile.term(kind), kind.word()));
            for item in evidence.iter().filter(|e| crate::law::Item::of(kind).contains(&e.item)) {
                show.line(&format!(
                    "  {} {}",
                    plan.profile.cite(item.item),
                    lang::spoken().pick(item.item.title().0, item.item.title().1)
                ));
                for answer in &item.answered_by {
                    show.line(&format!(
                        "    {}.{}: {}",
                        answer.table,
                        answer.column,
                        lang::spoken().pick(&answer.ja, &answer.en)
                    ));
                }
                for view in &item.views {
                    show.line(&words!("    view {}", view));
                }
                if let Some(reason) = &item.reason {
                    show.line(&words!("    not applicable: {}", reason));
                }
            }
        }
        tell(&warnings, show);
        if self.input.is_some() {
            show.line(&words!("\nthe headers of {} files fit the policy", files));
        }
        if self.data {
            show.line(&words!("the data are what the policy declares"));
        }
        Ok(())
    }
}

/// Lists what a draft leaves open, each with the treatments that fit.
fn undecided(open: &[decide::Open], show: Show) -> Result<()> {
    if open.is_empty() {
        return Ok(());
    }
    let listed: Vec<_> = open
        .iter()
        .map(|o| {
            let choices: Vec<&str> = o.choices.iter().map(|c| c.0).collect();
            json!({ "table": o.table, "column": o.column, "release": o.kind, "choices": choices })
        })
        .collect();
    show.json(&json!({ "decisions": listed }));
    for o in open {
        show.line(&format!("{}.{} ({}):", o.table, o.column, o.kind.word()));
        for (treatment, example) in &o.choices {
            show.line(&format!("    {treatment}    {example}"));
        }
    }
    Err(Error::policy("P0017", say!("{} decisions left", open.len())).advice(say!(
        "replace every \"decide\" by a treatment; `kakou init DATA --ask` asks for them one after the other"
    )))
}

/// Lists the files of the tables.
fn list(plan: &plan::Plan, input: &std::path::Path, found: &[Vec<PathBuf>], show: Show) {
    let root = input.canonicalize().unwrap_or_else(|_| input.to_owned());
    let mut listed = Vec::new();
    for (table, paths) in plan.tables.iter().zip(found) {
        let name = table.part.as_ref().map_or(&table.name, |p| &p.of);
        for (index, path) in paths.iter().enumerate() {
            let path = path.strip_prefix(&root).unwrap_or(path).display().to_string();
            show.line(&format!("{name}\t{}/{}\t{path}", index + 1, paths.len()));
            listed
                .push(json!({ "table": name, "file": index + 1, "of": paths.len(), "path": path }));
        }
    }
    show.json(&json!({ "files": listed }));
}

/// Lists the defects of the data; refused are those that the policy does not set aside.
fn defects(plan: &plan::Plan, found: &[Vec<PathBuf>], show: Show) -> Result<()> {
    let progress = Shown::new(show.quiet || show.json);
    let defects = survey::survey(plan, found, &progress)?;
    if defects.is_empty() {
        return Ok(());
    }
    show.line(&words!("defects of the data:"));
    for defect in &defects {
        show.line(&format!("  {}", defect.told().shown()));
    }
    let refused = survey::refused(&defects);
    if refused.is_some() {
        let listed: Vec<_> = defects
            .iter()
            .map(|d| {
                json!({ "table": d.table, "file": d.file[0], "files": d.file[1], "column": d.column, "defect": d.defect.map(|w| w.word()), "what": d.what, "count": small(d.count), "first": d.first, "accepted": d.accepted })
            })
            .collect();
        show.json(&json!({ "defects": listed }));
    }
    refused.map_or(Ok(()), Err)
}

/// Reads the data, holds the declarations against them, and gives the partitions back with what stays for a reason.
///
/// # Errors
/// Defects of the data, and every column that is not what it is declared to be.
pub(super) fn data(
    plan: &plan::Plan,
    files: &[Vec<PathBuf>],
    memory: u64,
    spill: Option<&PathBuf>,
    show: Show,
) -> Result<(intake::Store, Vec<plan::Warning>)> {
    let progress = Shown::new(show.quiet || show.json);
    let lists = Lists::default();
    let spill_root = spill.cloned().unwrap_or_else(std::env::temp_dir);
    // What a killed run spilled goes at the next start.
    crate::formats::spill::sweep(&spill_root)?;
    let limits = intake::Limits { memory, spill_root };
    let store = intake::intake(plan, files, &lists, &limits, None, &progress)?.store;
    let told = declared::check(plan, &store, &lists, &progress)?;
    Ok((store, told))
}

/// Shows warnings with their places.
pub(super) fn tell(warnings: &[plan::Warning], show: Show) {
    if warnings.is_empty() {
        return;
    }
    show.line(&words!("\nwarnings:"));
    for warning in warnings {
        let place = warning
            .place
            .as_ref()
            .map(|p| format!("{}:{}:{}: ", p.file, p.line, p.column))
            .unwrap_or_default();
        let text = warning.to(lang::spoken());
        show.line(&format!("  {place}[{}] {text}", warning.code));
    }
}
