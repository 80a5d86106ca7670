//! `kakou explore`: the space of levels as one page.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::persons::Persons;
use super::progress::Shown;
use super::{Failure, Outcome, Show, prepare_from, shown, size};
use crate::engine::explore::{self, Explored};
use crate::error::{Error, Result};
use crate::report::explore::page;
use crate::report::words::Lang;
use crate::run::{self, Input, Policy, Request};
use crate::{claim, say, words};

/// How the private folder is called.
const WORK: &str = ".kakou-explore-";

/// Shows what the levels that a policy offers keep and cost, as one HTML page on which levels are chosen.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  kakou explore --policy policy.toml --input DATA --out levels.html\n\n\
The page has sliders for the levels, what each combination keeps and loses, who would be lost, and the lines for the policy \
(`[anonymized.search.levels]`). It asks for nothing from anywhere. Nothing is released and no key is made."
)]
pub struct Explore {
    /// The policy.
    #[arg(long)]
    policy: PathBuf,
    /// The folder with the input files.
    #[arg(long)]
    input: PathBuf,
    /// The page to write.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// Who must not be in the releases.
    #[command(flatten)]
    persons: Persons,
    /// Read a table from another file of the input folder than the policy says: CSV with a header in UTF-8, Parquet or a workbook.
    #[arg(long = "table", value_name = "NAME=FILE")]
    tables: Vec<crate::run::TableFile>,
    /// Combinations of levels to evaluate at most. Of more, a part around the best is evaluated, and the page says so.
    #[arg(long, value_name = "NUMBER", default_value_t = 20_000)]
    combinations: usize,
    /// Seconds for the search of the combination that is shown first.
    #[arg(long, value_name = "SECONDS")]
    search_seconds: Option<u64>,
    /// Memory to use; beyond it partitions are spilled to disk. The result does not depend on it.
    #[arg(long, default_value = "4G", value_parser = size)]
    memory: u64,
    /// Where to spill (a private folder is made there and removed); by default the system's temporary folder.
    #[arg(long)]
    spill: Option<PathBuf>,
}

impl Explore {
    /// Runs it.
    ///
    /// # Errors
    /// What a run would say before it freezes; `P0354` if there is nothing to choose among.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let prepared = prepare_from(&self.policy, &self.tables)?;
        let sources = prepared.loaded.sources.clone();
        let written = self.write(prepared, show).map_err(|e| Failure::new(e, &sources))?;
        show.json(&json!({
            "page": self.out.to_string_lossy(),
            "combinations": u64::try_from(written.nodes).unwrap_or(u64::MAX),
            "evaluated": written.points.len(),
            "search": written.searched,
            "refused": written.refused,
        }));
        show.line(&words!(
            "{} of {} combinations of levels evaluated",
            written.points.len(),
            written.nodes
        ));
        for error in written.refused.iter().flat_map(Error::each) {
            show.line(&words!(
                "a run of the policy as it is would be refused: {}",
                error.what.shown()
            ));
        }
        show.line(&words!("page: {}", self.out.display()));
        Ok(())
    }

    fn write(&self, policy: Policy, show: Show) -> Result<Explored> {
        explore::check(&policy.plan)?;
        let (plan, loaded) = (policy.plan.clone(), policy.loaded.clone());
        let progress = Shown::new(show.quiet || show.json);
        crate::release::apart(&self.input, &self.out)?;
        let root = self.spill.clone().unwrap_or_else(std::env::temp_dir);
        // A run stages; here nothing is, and the folder goes with all that is in it.
        let work = claim::sweep(&root, WORK).and_then(|()| claim::Claim::new(&root, WORK));
        let work = work.map_err(|e| Error::io("X0510", say!("making a private folder"), &e))?;
        let request = Request {
            persons: self.persons.lists(),
            memory: self.memory,
            search_seconds: self.search_seconds,
            dry_run: true,
            without_key: true,
            ..Request::new(Input::Folder(self.input.clone()), work.path())
        };
        let read = run::Run::check(policy, request, &progress)?.read()?;
        show.warn(read.warnings());
        let explored = read.measure()?.explore(self.combinations)?;
        progress.end();
        let html = page(&plan, &loaded, &explored, show.lang.unwrap_or(Lang::Ja))?;
        claim::replace(&self.out, html.as_bytes())
            .map_err(|e| Error::io("X0511", say!("writing {}", shown(&self.out)), &e))?;
        Ok(explored)
    }
}
