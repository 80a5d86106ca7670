//! Progress: a spinner with counts on a terminal, a line a room elsewhere.

use std::io::{IsTerminal, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressStyle};

use crate::engine::Progress;
use crate::{lang, memory, note, words};

/// Shows the work on standard error.
pub struct Shown {
    /// Whoever called the program from another one sees it instead.
    watching: Option<std::sync::Arc<dyn Progress + Send + Sync>>,
    bar: Option<ProgressBar>,
    quiet: bool,
    rows: AtomicU64,
}

impl Shown {
    /// On a terminal a spinner, elsewhere lines, with `quiet` nothing.
    #[must_use]
    pub fn new(quiet: bool) -> Self {
        let watching = super::call::watching();
        let quiet = quiet || watching.is_some();
        let terminal = std::io::stderr().is_terminal() && !quiet;
        let bar = terminal.then(|| {
            let bar = ProgressBar::new_spinner();
            if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed_precise} {msg}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        Shown { watching, bar, quiet, rows: AtomicU64::new(0) }
    }
    /// Ends the spinner.
    pub fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn told(stage: &'static str) -> &'static str {
    let text = match stage {
        "intake" => "intake: reading the files",
        "resume" => "resume: going on from what was kept",
        "declared" => "declared: roles and types against the data",
        "measure" => "measure: statistics over persons",
        "freeze" => "freeze: classes and suppression",
        "explore" => "explore: the combinations of levels",
        "apply" => "apply: both releases",
        "write" => "write: staged files",
        "prove" => "prove: re-reading the staged files",
        other => other,
    };
    lang::word(text)
}

impl Progress for Shown {
    fn stage(&self, name: &'static str) {
        note!(info, "room", room = name, held_mib = memory::held() >> 20);
        if let Some(watching) = &self.watching {
            watching.stage(name);
        }
        match &self.bar {
            Some(bar) => bar.set_message(told(name).to_owned()),
            None if !self.quiet => {
                let _ = writeln!(std::io::stderr(), "kakou: {}", told(name));
            }
            None => {}
        }
    }
    fn rows(&self, rows: u64) {
        if let Some(watching) = &self.watching {
            watching.rows(rows);
        }
        let all = self.rows.fetch_add(rows, Ordering::Relaxed) + rows;
        if let Some(bar) = &self.bar {
            bar.set_message(words!("{} {} rows", told("intake"), HumanCount(all)));
        }
    }
}
