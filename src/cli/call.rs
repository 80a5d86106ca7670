//! The commands for a program that has this one inside: the same arguments, results as JSON values, errors as values, nothing printed.
//!
//! What a command prints goes to whoever called it from this thread; commands print from the thread that runs them alone.

use std::cell::RefCell;
use std::sync::Arc;

use clap::Parser as _;
use serde_json::Value;

use super::{Arguments, Failure, Show, dispatch};
use crate::error::{Error, Name};
use crate::progress::Progress;
use crate::say;

/// What a command told.
#[derive(Debug, Default)]
pub struct Heard {
    /// The document that it prints with `--json`; null if it has none.
    pub json: Value,
    /// What it prints where it has no document: a draft, a paper, a schema.
    pub text: String,
    /// Warnings, each in English and Japanese.
    pub warnings: Vec<[String; 2]>,
}

type Watching = Arc<dyn Progress + Send + Sync>;

thread_local! {
    static HEARD: RefCell<Option<Heard>> = const { RefCell::new(None) };
    static WATCHING: RefCell<Option<Watching>> = const { RefCell::new(None) };
}

/// Gives what is told to the caller in this thread; false if there is none.
pub(super) fn heard(tell: impl FnOnce(&mut Heard)) -> bool {
    HEARD.with_borrow_mut(|heard| heard.as_mut().map(tell).is_some())
}

/// Who watches the progress of the command that runs in this thread.
pub(super) fn watching() -> Option<Watching> {
    WATCHING.with_borrow(Clone::clone)
}

/// The failure for arguments that a command does not take.
pub(super) fn not_taken(error: &clap::Error) -> Failure {
    // It quotes the caller's own arguments and nothing else.
    let text = error.render().to_string();
    let text = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    Failure::from(Error::policy("P0347", say!("{}", Name::from_policy(text))))
}

/// Runs a command with its arguments (without the program's name). `progress` sees the rooms and decides whether to go on.
///
/// # Errors
/// Whatever the command would print as an error; arguments that it does not take; a bug of ours, by its place.
pub fn call(arguments: &[String], progress: Option<Watching>) -> Result<Heard, Failure> {
    let program = std::iter::once("kakou").chain(["--json"]);
    let all: Vec<&str> = program.chain(arguments.iter().map(String::as_str)).collect();
    let arguments = Arguments::try_parse_from(all).map_err(|error| not_taken(&error))?;
    kakou_verifier::hide_panics();
    HEARD.set(Some(Heard::default()));
    WATCHING.set(progress);
    let show = Show { json: true, quiet: arguments.quiet, lang: arguments.lang };
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        dispatch(arguments.command, show)
    }));
    show.warn(&crate::record::ledger::take_strange());
    WATCHING.set(None);
    let heard = HEARD.take().unwrap_or_default();
    match outcome {
        Ok(Ok(())) => Ok(heard),
        Ok(Err(failure)) => Err(failure),
        Err(_) => Err(Failure::from(Error::environment(
            "X0801",
            say!("an internal error; nothing was published (its place is on standard error)"),
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(arguments: &[&str]) -> Result<Heard, Failure> {
        let arguments: Vec<String> = arguments.iter().map(|a| (*a).to_owned()).collect();
        call(&arguments, None)
    }

    #[test]
    fn a_command_gives_its_document_and_prints_nothing() {
        let heard = of(&["check", "--policy", "policies/demo.toml"]).unwrap();
        assert_eq!(heard.json["policy"], "demo");
        assert!(of(&["schema"]).unwrap().text.contains("\"$schema\""));
    }

    #[test]
    fn errors_are_values() {
        assert_eq!(of(&["fly"]).unwrap_err().error().code, "P0347");
        let error = of(&["check", "--policy", "policies/nothing.toml"]).unwrap_err();
        assert_eq!(error.error().code, "P0011", "{:?}", error.error());
    }
}
