//! The command line. One file a subcommand; this one parses, dispatches and maps errors to exit codes.

use std::io::{IsTerminal, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::error::Error;
use crate::report::words::Lang as Page;
pub use crate::run::{passphrase, shown};
use crate::{engine, lang, log, note, policy};

pub mod call;
pub mod check;
pub mod completions;
pub mod demo;
pub mod detect;
pub mod explain;
pub mod explore;
pub mod extract;
pub mod fold;
pub mod init;
pub mod join;
pub mod key;
pub mod layout;
pub mod ledger;
pub mod link;
pub mod package;
pub mod papers;
pub mod persons;
pub mod policies;
pub mod progress;
pub mod purge;
pub mod recognize;
pub mod recording;
pub mod release;
pub mod replay;
pub mod report;
pub mod risk;
pub mod run;
pub mod schema;
pub mod speech;
pub mod synth;
pub mod verify;

const LONG: &str = "Turns hospital data into two legally distinct releases, pseudonymized (仮名加工医療情報) and anonymized \
(匿名加工医療情報), in one run from one TOML policy, with a record that can be verified.

Exit codes: 0 done; 1 refused by a requirement of the policy or the law; 2 usage or policy error; 3 input data error; \
4 environment error (disk, permissions); 130 stopped by the user. Whatever the code, a release is published whole or not at all.";

const EXAMPLES: &str = "Examples:
  kakou demo                                            a made-up hospital, both releases, the record
  kakou init DATA > policy.toml                         a draft policy for your files
  kakou check --policy policy.toml --input DATA         is the policy complete, do the files fit it
  kakou run --policy policy.toml --input DATA --out OUT
  kakou verify OUT/<release-id>
  kakou report OUT/<release-id>                         one HTML page for the review board";

/// The arguments.
#[derive(Debug, Parser)]
#[command(name = "kakou", version, about = "加工: hospital data to pseudonymized and anonymized releases", long_about = LONG, after_help = EXAMPLES)]
pub struct Arguments {
    /// Results as JSON on standard output.
    #[arg(long, global = true)]
    json: bool,
    /// Appends a log to this file: JSON lines, no personal value at any level.
    #[arg(long, global = true, value_name = "FILE")]
    log: Option<PathBuf>,
    /// How much is logged.
    #[arg(long, global = true, value_enum, default_value_t, requires = "log")]
    log_level: log::Level,
    /// The language of help, messages and summaries; of a report's page too, which may be in both. By default that of the locale (LC_ALL,
    /// LC_MESSAGES, LANG); a page is in Japanese.
    #[arg(long, global = true, value_enum)]
    lang: Option<Page>,
    /// Nothing but errors.
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

macro_rules! commands {
    ($($(#[$doc:meta])* $name:ident($arguments:ty) $(, $word:ident)?;)*) => {
        #[derive(Debug, Subcommand)]
        enum Command { $($(#[$doc])* $name($arguments),)* }

        impl Command {
            /// Whether the first signal ends it at once: it only reads, and leaves nothing behind.
            fn ends_at_once(&self) -> bool {
                match self { $(Command::$name(_) => commands!(@ $($word)?),)* }
            }
        }

        fn dispatch(command: Command, show: Show) -> Outcome<()> {
            match command { $(Command::$name(c) => c.run(show).map_err(Failure::from),)* }
        }
    };
    (@) => { false };
    (@ ends_at_once) => { true };
}

// A new one: its file, its `mod`, its line here.
commands! {
    /// Makes a small synthetic hospital, runs the shipped policy on it and shows where everything is.
    Demo(demo::Demo);
    /// Drafts a policy from the files of a folder. A draft never runs as it is: a person must decide.
    Init(init::Init), ends_at_once;
    /// Checks a policy alone, or against the headers of a folder's files.
    Check(check::Check);
    /// Shows per column what its treatments do to a made-up value, and per view what will be counted.
    Explain(explain::Explain);
    /// Shows what the levels that a policy offers keep and cost, as one HTML page on which levels are chosen.
    Explore(explore::Explore);
    /// Makes both releases and the record.
    Run(run::Run);
    /// Measures the risk of re-identification in any CSV or Parquet file.
    Risk(Box<risk::Risk>);
    /// Recomputes every digest and count of a release.
    Verify(verify::Verify);
    /// Writes the report of a release as one HTML file for a review board.
    Report(report::Report);
    /// The second signature under a verified release, by another person than the one who ran it.
    Approve(release::Approve);
    /// Seals an approved release.
    Seal(release::Seal);
    /// Destroys project keys, releases, source data and leftovers, and enters the deletion (消去) in the ledger.
    Purge(purge::Purge);
    /// Whose are these pseudonyms? Only for an inquiry that the law names, by two persons.
    Reveal(purge::Reveal);
    /// The digest of a policy, its approval, and what differs between two.
    Policy(policies::PolicyCommand);
    /// Makes the releases again from inputs and policy and compares: is the release what the policy makes of the input?
    Replay(replay::Replay);
    /// Builds the transfer for a recipient and enters the provision in the ledger.
    Package(package::Package);
    /// Writes statutory papers: the book, leak report counts, publication of items, table of methods.
    Papers(papers::Papers);
    /// Makes and looks at key files.
    Key(key::Key);
    /// Makes, verifies, lists, repairs and proves a ledger (帳簿).
    Ledger(ledger::LedgerCommand);
    /// Lists and shows layout packs, and tells which of them a file has.
    Layout(layout::Layout), ends_at_once;
    /// Makes the file for a linking body: tokens and nothing else.
    Link(link::Link);
    /// Reads a storage of many small files (SS-MIX2) once into Parquet, which policies then read.
    Extract(extract::Extract);
    /// Writes the pseudonymized tables of receipts as a receipt file (UKE).
    Fold(fold::Fold);
    /// Lists the detectors of identifiers and measures them.
    Detect(detect::Detect), ends_at_once;
    /// Writes synthetic hospital data.
    Synth(synth::Synth);
    /// Prints the JSON Schema of policies, for completion in editors, or that of the record.
    Schema(schema::Schema);
    /// Prints shell completions.
    Completions(completions::Completions);
}

/// Whether a result for machines was printed.
static PRINTED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// How results are shown.
#[derive(Clone, Copy, Debug)]
pub struct Show {
    /// As JSON.
    pub json: bool,
    /// Not at all.
    pub quiet: bool,
    /// The language that was asked for, for pages.
    pub lang: Option<Page>,
}

impl Show {
    /// Prints what a command has instead of a document: a draft, a paper, a schema.
    pub fn raw(self, bytes: &[u8]) {
        if !call::heard(|h| h.text.push_str(&String::from_utf8_lossy(bytes))) {
            let _ = std::io::stdout().write_all(bytes);
        }
    }
    /// Prints a line for people.
    pub fn line(self, text: &str) {
        if !self.json && !self.quiet {
            // A full or closed standard output must not turn a published release into a failure.
            let _ = writeln!(std::io::stdout(), "{text}");
        }
    }
    /// Tells people what they should know of the data; not on standard output, which may be for machines.
    pub fn warn(self, warnings: &[crate::plan::Warning]) {
        let lang = lang::spoken();
        let texts = |w: &crate::plan::Warning| {
            [format!("[{}] {}", w.code, w.text), w.text_ja.as_str().to_owned()]
        };
        if call::heard(|h| h.warnings.extend(warnings.iter().map(texts))) {
            return;
        }
        for warning in warnings.iter().filter(|_| !self.quiet) {
            let _ = writeln!(
                std::io::stderr(),
                "kakou: {} [{}] {}",
                lang::word("warning"),
                warning.code,
                warning.to(lang)
            );
        }
    }
    /// Prints a result for machines.
    pub fn json(self, value: &serde_json::Value) {
        if self.json {
            if call::heard(|h| h.json = value.clone()) {
                return;
            }
            PRINTED.store(true, std::sync::atomic::Ordering::Relaxed);
            let _ = writeln!(
                std::io::stdout(),
                "{}",
                serde_json::to_string_pretty(value).unwrap_or_default()
            );
        }
    }
}

/// Runs the program with the arguments of the process.
#[must_use]
pub fn main() -> ExitCode {
    ExitCode::from(main_of(std::env::args_os()))
}

/// Runs the program; gives its exit code. The first argument is the program's name.
#[must_use]
pub fn main_of<A: Into<std::ffi::OsString> + Clone>(arguments: impl IntoIterator<Item = A>) -> u8 {
    // Before anything is read: no core file of any command holds a cell, a name or a key.
    let _ = crate::keys::harden();
    crate::memory::prepare(out_of_memory);
    kakou_verifier::hide_panics();
    let arguments: Vec<std::ffi::OsString> = arguments.into_iter().map(Into::into).collect();
    lang::speak(speech::asked(&arguments));
    let mut command = speech::told(Arguments::command());
    let parsed = command.try_get_matches_from_mut(arguments);
    let arguments = match parsed.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => {
            speech::print(&error, &command);
            return if error.use_stderr() { 2 } else { 0 };
        }
    };
    for signal in
        [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM, signal_hook::consts::SIGHUP]
    {
        // The second signal ends the program at once; what it leaves is swept by the next run.
        let stop = engine::stop_flag();
        let armed = match arguments.command.ends_at_once() {
            true => std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true)),
            false => std::sync::Arc::clone(&stop),
        };
        let _ = signal_hook::flag::register_conditional_shutdown(signal, 130, armed);
        let _ = signal_hook::flag::register(signal, stop);
    }
    // A file-size limit shall be an error, not a death without clean-up.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
    let show = Show { json: arguments.json, quiet: arguments.quiet, lang: arguments.lang };
    JSON.store(show.json, std::sync::atomic::Ordering::Relaxed);
    if let Some(path) = &arguments.log
        && let Err(error) = log::open(path, arguments.log_level)
    {
        let failure = Failure::from(error);
        failure.print(show);
        return failure.error.family.exit_code();
    }
    note!(info, "begin", version = env!("CARGO_PKG_VERSION"));
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        dispatch(arguments.command, show)
    }));
    show.warn(&crate::record::ledger::take_strange());
    match outcome {
        Ok(Ok(())) => {
            note!(info, "end");
            0
        }
        Ok(Err(failure)) => {
            for error in failure.error.each() {
                note!(error, "failed", code = error.code, what = error.what);
            }
            failure.print(show);
            failure.error.family.exit_code()
        }
        Err(_) => 4,
    }
}

/// Whether the result is for machines, for the end that asks nobody.
static JSON: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);

/// Tells that there is no more memory. Another thread may hold the locks of the streams: they are written to as they are.
fn out_of_memory(error: &Error) {
    if JSON.load(std::sync::atomic::Ordering::Relaxed)
        && !PRINTED.load(std::sync::atomic::Ordering::Relaxed)
    {
        let value = serde_json::json!({ "error": error });
        let text = serde_json::to_string_pretty(&value).unwrap_or_default() + "\n";
        crate::system::out_at_once(text.as_bytes());
    }
    let text = policy::render(error, &policy::Sources::default(), false) + "\n";
    crate::system::error_at_once(text.as_bytes());
}

/// An error with the policy texts that it points into.
#[derive(Debug)]
pub struct Failure {
    error: Error,
    sources: policy::Sources,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure { error, sources: policy::Sources::default() }
    }
}

impl Failure {
    /// With the texts of a policy.
    #[must_use]
    pub fn new(error: Error, sources: &policy::Sources) -> Self {
        Failure { error, sources: sources.clone() }
    }
    /// The error.
    #[must_use]
    pub fn error(&self) -> &Error {
        &self.error
    }
    /// As it is shown to people, with the places in the policy.
    #[must_use]
    pub fn rendered(&self) -> String {
        policy::render(&self.error, &self.sources, false)
    }
    fn print(&self, show: Show) {
        // A command that gave its result and failed for what stands in it has said so there: a reader takes one document.
        if show.json && !PRINTED.load(std::sync::atomic::Ordering::Relaxed) {
            let value = serde_json::json!({ "error": self.error });
            let _ = writeln!(
                std::io::stdout(),
                "{}",
                serde_json::to_string_pretty(&value).unwrap_or_default()
            );
        }
        let color = std::io::stderr().is_terminal();
        let _ =
            writeln!(std::io::stderr(), "{}", policy::render(&self.error, &self.sources, color));
    }
}

/// The result of a subcommand that reads a policy.
pub type Outcome<T> = std::result::Result<T, Failure>;

pub use crate::run::Policy as Prepared;

/// Reads a policy file and judges it.
///
/// # Errors
/// Everything that is wrong with it, with places.
pub fn prepare(path: &std::path::Path) -> Outcome<Prepared> {
    Prepared::load(path).map_err(|failed| Failure { error: failed.error, sources: failed.sources })
}

/// As [`prepare`], with tables that are read from other files.
///
/// # Errors
/// Everything that is wrong with it, with places.
pub fn prepare_from(path: &std::path::Path, files: &[crate::run::TableFile]) -> Outcome<Prepared> {
    Prepared::load_from(path, files)
        .map_err(|failed| Failure { error: failed.error, sources: failed.sources })
}

/// Bytes from `512M`, `4GiB`, `2000000`.
///
/// # Errors
/// If it is none of these.
pub fn size(text: &str) -> std::result::Result<u64, String> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let factor: u64 = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1 << 10,
        "m" | "mb" | "mib" => 1 << 20,
        "g" | "gb" | "gib" => 1 << 30,
        "t" | "tb" | "tib" => 1 << 40,
        _ => return Err("a size is a number with K, M, G or T, such as 4G".to_owned()),
    };
    number
        .parse::<u64>()
        .ok()
        .and_then(|n| n.checked_mul(factor))
        .ok_or_else(|| "a size is a number with K, M, G or T, such as 4G".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn sizes() {
        assert_eq!(size("4G"), Ok(4 << 30));
        assert_eq!(size("512MiB"), Ok(512 << 20));
        assert_eq!(size("100"), Ok(100));
        assert!(size("4X").is_err() && size("").is_err() && size("99999999999T").is_err());
    }
}
