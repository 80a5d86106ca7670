//! `kakou-verify`: `kakou verify` as a small program of its own, for whoever receives or audits a release.

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser;
use kakou_core::lang::{Lang, speak};
use kakou_record::verify::Verified;
use kakou_verifier::{Look, hide_panics, told, warning};

#[global_allocator]
static ALLOCATOR: kakou_core::memory::Counted = kakou_core::memory::Counted;

/// Recomputes every digest and count of a release. It cannot make one: the engine is not in this program.
///
/// Exit codes: 0 everything holds; 1 something does not; 2 usage; 3 input data error; 4 environment error (disk, permissions).
#[derive(Debug, Parser)]
#[command(name = "kakou-verify", version)]
struct Arguments {
    /// Results as JSON on standard output.
    #[arg(long)]
    json: bool,
    /// The language of messages; by default that of the locale.
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// Nothing but errors.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    look: Look,
}

fn main() -> ExitCode {
    let _ = kakou_keys::harden();
    hide_panics();
    speak(Lang::of_locale(|name| std::env::var_os(name)));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    // A full or closed standard output changes nothing of what holds.
    if let Some(lang) = arguments.lang {
        speak(lang);
    }
    let mut out = std::io::stdout();
    let json = |value: serde_json::Value| serde_json::to_string_pretty(&value).unwrap_or_default();
    let found = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| arguments.look.verify()));
    for strange in kakou_record::ledger::take_strange() {
        if !arguments.quiet {
            let _ = writeln!(
                std::io::stderr(),
                "[{}] {}",
                strange.code,
                strange.to(kakou_core::lang::spoken())
            );
        }
    }
    match found {
        Ok(Ok(verified)) => {
            if arguments.json {
                let value = serde_json::to_value(&verified).unwrap_or_default();
                let _ = writeln!(out, "{}", json(value));
            } else if !arguments.quiet {
                for line in lines(&verified) {
                    let _ = writeln!(out, "{line}");
                }
            }
            ExitCode::SUCCESS
        }
        Ok(Err(error)) => {
            if arguments.json {
                let _ = writeln!(out, "{}", json(serde_json::json!({ "error": error })));
            }
            let color = std::io::stderr().is_terminal();
            let none = kakou_policy::Sources::default();
            let text = kakou_policy::render(&error, &none, color);
            let _ = writeln!(std::io::stderr(), "{text}");
            ExitCode::from(error.family.exit_code())
        }
        Err(_) => ExitCode::from(4),
    }
}

fn lines(verified: &Verified) -> Vec<String> {
    let mut lines = told(verified);
    lines.extend(warning(verified).map(str::to_owned));
    lines
}
