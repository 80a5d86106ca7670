//! `kakou check`: is the policy complete, do the files fit it.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Failure, Outcome, Show, prepare};
use crate::engine::{intake, unclaimed};
use crate::plan;
use crate::record::digest;
use crate::schema::Kind;

/// Checks a policy alone, or against the headers of a folder's files.
#[derive(Args, Debug)]
pub struct Check {
    /// The policy.
    #[arg(long)]
    policy: PathBuf,
    /// The folder with the input files; only their headers are read.
    #[arg(long)]
    input: Option<PathBuf>,
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
        let prepared = prepare(&self.policy)?;
        let plan = &prepared.plan;
        if self.resolved {
            show.line(&plan::resolved_toml(&prepared.loaded));
            return Ok(());
        }
        let mut files = 0;
        if let Some(input) = &self.input {
            let found = intake::find_files(plan, input)
                .map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
            unclaimed::check(plan, input, &found, &prepared.own([]))
                .map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
            intake::check_headers(plan, &found)
                .map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
            files = found.iter().map(Vec::len).sum();
        }
        let evidence = plan::legal_evidence(plan);
        let digest = digest::hex(&digest::sha3(&plan::digest_bytes(&prepared.loaded)));
        show.json(&json!({
            "policy": plan.id, "version": plan.version, "sha3_256": digest,
            "tables": plan.tables.len(), "columns": plan.tables.iter().map(|t| t.columns.len()).sum::<usize>(),
            "law": evidence, "warnings": plan.warnings, "files": files,
        }));
        show.line(&format!("policy {} {} (sha3-256 {digest})", plan.id, plan.version));
        show.line(&format!(
            "{} tables, {} columns, every one with a role and two treatments",
            plan.tables.len(),
            plan.tables.iter().map(|t| t.columns.len()).sum::<usize>()
        ));
        for kind in Kind::BOTH {
            show.line(&format!("\n{} ({}):", plan.profile.term(kind), kind.word()));
            for item in evidence.iter().filter(|e| crate::law::Item::of(kind).contains(&e.item)) {
                show.line(&format!("  {} {}", plan.profile.cite(item.item), item.item.title().0));
                for answer in &item.answered_by {
                    show.line(&format!("    {}.{}: {}", answer.table, answer.column, answer.ja));
                }
                for view in &item.views {
                    show.line(&format!("    view {view}"));
                }
                if let Some(reason) = &item.reason {
                    show.line(&format!("    該当なし: {reason}"));
                }
            }
        }
        if !plan.warnings.is_empty() {
            show.line("\nwarnings:");
            for warning in &plan.warnings {
                let place = warning
                    .place
                    .as_ref()
                    .map(|p| format!("{}:{}:{}: ", p.file, p.line, p.column))
                    .unwrap_or_default();
                show.line(&format!("  {place}[{}] {}", warning.code, warning.text));
            }
        }
        if self.input.is_some() {
            show.line(&format!("\nthe headers of {files} files fit the policy"));
        }
        Ok(())
    }
}
