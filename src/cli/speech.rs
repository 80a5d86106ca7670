//! The language of the command line: which one, and clap's help and errors in it.

use std::ffi::OsString;
use std::io::{IsTerminal as _, Write as _};

use clap::builder::StyledStr;
use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, Command};

use crate::lang::{self, Lang};
use crate::words;

/// The language that the arguments ask for, else that of the locale. It is looked for before the arguments are read: what is wrong with
/// them is told in it too.
#[must_use]
pub(super) fn asked(arguments: &[OsString]) -> Lang {
    let mut rest = arguments.iter().skip(1).take_while(|a| *a != "--");
    while let Some(argument) = rest.next() {
        let word = match argument.to_str() {
            Some("--lang") => rest.next().and_then(|w| w.to_str()),
            Some(other) => other.strip_prefix("--lang="),
            None => None,
        };
        match word {
            Some("ja") => return Lang::Ja,
            Some("en") => return Lang::En,
            _ => {}
        }
    }
    Lang::of_locale(|name| std::env::var_os(name))
}

/// The command with all that it tells in the language that is spoken.
#[must_use]
pub fn told(mut command: Command) -> Command {
    if lang::spoken() == Lang::En {
        return command;
    }
    // What clap adds by itself (`--help`, `help`) is there after this.
    command.build();
    // Japanese has no blanks between words: there is nothing to wrap at.
    translated(command.term_width(usize::from(u16::MAX)))
}

fn translated(command: Command) -> Command {
    let mut command = command.mut_args(argument);
    if let Some(text) = command.get_about().and_then(japanese) {
        command = command.about(text);
    }
    if let Some(text) = command.get_long_about().and_then(japanese) {
        command = command.long_about(text);
    }
    if let Some(text) = command.get_after_help().and_then(japanese) {
        command = command.after_help(text);
    }
    command.mut_subcommands(translated)
}

fn argument(mut argument: Arg) -> Arg {
    if let Some(text) = argument.get_long_help().and_then(japanese) {
        argument = argument.long_help(text);
    }
    if let Some(text) = argument.get_help().and_then(japanese) {
        argument = argument.help(text);
    }
    argument
}

fn japanese(text: &StyledStr) -> Option<&'static str> {
    lang::ja(&text.to_string())
}

/// Every text of the help, each once: what the catalogue must have.
#[must_use]
pub fn texts(mut command: Command) -> Vec<String> {
    command.build();
    let mut found = Vec::new();
    collect(&command, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(command: &Command, found: &mut Vec<String>) {
    let own = [command.get_about(), command.get_long_about(), command.get_after_help()];
    found.extend(own.into_iter().flatten().map(ToString::to_string));
    for argument in command.get_arguments() {
        let helps = [argument.get_help(), argument.get_long_help()];
        found.extend(helps.into_iter().flatten().map(ToString::to_string));
        let values = argument.get_possible_values();
        found.extend(values.iter().filter_map(|v| v.get_help()).map(ToString::to_string));
    }
    command.get_subcommands().for_each(|sub| collect(sub, found));
}

/// What stands between the texts of a help, by clap.
const FRAME: [(&str, &str); 11] = [
    ("Usage:", "使い方:"),
    ("Commands:", "コマンド:"),
    ("Arguments:", "引数:"),
    ("Options:", "オプション:"),
    ("Possible values:", "選べる値:"),
    ("[possible values: ", "[選べる値: "),
    ("[default: ", "[既定: "),
    ("[OPTIONS]", "[オプション]"),
    ("[COMMAND]", "[コマンド]"),
    ("<COMMAND>", "<コマンド>"),
    ("[ARGS]", "[引数]"),
];

/// Shows what clap has to say: help, the version, or what is wrong with the arguments.
pub(super) fn print(error: &clap::Error, command: &Command) {
    let ja = lang::spoken() == Lang::Ja;
    let help = matches!(
        error.kind(),
        ErrorKind::DisplayHelp
            | ErrorKind::DisplayVersion
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    );
    if !ja {
        let _ = error.print();
    } else if help {
        let mut text = framed(&shown(&error.render(), error.use_stderr()));
        for value in values(command) {
            if let Some(told) = lang::ja(&value) {
                // Blanks align the texts of values of different length.
                for pad in 1..=24 {
                    let before = format!(":{}", " ".repeat(pad));
                    text = text.replace(&format!("{before}{value}"), &format!("{before}{told}"));
                }
            }
        }
        put(error.use_stderr(), &text);
    } else {
        put(true, &wrong(error));
    }
    if let Some(ContextValue::String(word)) = error.get(ContextKind::InvalidArg)
        && word == "--ja"
    {
        put(true, &(words!("  `--ja` is `--lang ja` for every command") + "\n"));
    }
}

fn put(error: bool, text: &str) {
    let _ = match error {
        true => write!(std::io::stderr(), "{text}"),
        false => write!(std::io::stdout(), "{text}"),
    };
}

/// With colours where a terminal reads.
fn shown(text: &StyledStr, error: bool) -> String {
    let terminal = match error {
        true => std::io::stderr().is_terminal(),
        false => std::io::stdout().is_terminal(),
    };
    if terminal { text.ansi().to_string() } else { text.to_string() }
}

fn framed(text: &str) -> String {
    FRAME.iter().fold(text.to_owned(), |text, (en, ja)| text.replace(en, ja))
}

/// The texts of the values that arguments can have: clap gives no way to change them.
fn values(command: &Command) -> Vec<String> {
    let mut found: Vec<String> = command
        .get_arguments()
        .flat_map(Arg::get_possible_values)
        .filter_map(|v| v.get_help().map(ToString::to_string))
        .collect();
    found.extend(command.get_subcommands().flat_map(values));
    found
}

/// An error in the arguments, as clap tells it.
fn wrong(error: &clap::Error) -> String {
    let of = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        Some(ContextValue::Number(number)) => number.to_string(),
        Some(ContextValue::StyledStr(text)) => text.to_string(),
        Some(ContextValue::StyledStrs(texts)) => {
            texts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    };
    let (name, value) = (of(ContextKind::InvalidArg), of(ContextKind::InvalidValue));
    let what = match error.kind() {
        ErrorKind::UnknownArgument => words!("unknown argument `{}`", name),
        ErrorKind::InvalidSubcommand => {
            words!("unknown command `{}`", of(ContextKind::InvalidSubcommand))
        }
        ErrorKind::InvalidValue if value.is_empty() => words!("`{}` needs a value", name),
        ErrorKind::InvalidValue => words!("`{}` is no value of `{}`", value, name),
        ErrorKind::ValueValidation => {
            let why = std::error::Error::source(error).map(ToString::to_string).unwrap_or_default();
            words!("`{}` is no value of `{}`: {}", value, name, lang::of(Lang::Ja, &why))
        }
        ErrorKind::MissingRequiredArgument => words!("missing: {}", name),
        ErrorKind::MissingSubcommand => words!("a command is missing"),
        ErrorKind::ArgumentConflict if of(ContextKind::PriorArg) == name => {
            words!("`{}` is given twice", name)
        }
        ErrorKind::ArgumentConflict => {
            words!("`{}` does not go with {}", name, of(ContextKind::PriorArg))
        }
        ErrorKind::NoEquals => words!("`{}` takes its value behind `=`", name),
        ErrorKind::TooManyValues => words!("`{}` is one value too many for `{}`", value, name),
        ErrorKind::TooFewValues | ErrorKind::WrongNumberOfValues => {
            words!("`{}` has too few or too many values", name)
        }
        ErrorKind::InvalidUtf8 => words!("an argument is not UTF-8 text"),
        _ => words!("the arguments are wrong"),
    };
    let mut text = format!("{}: {what}\n", lang::word("error"));
    for (kind, mark) in [
        (ContextKind::ValidValue, words!("possible values")),
        (ContextKind::ValidSubcommand, words!("commands")),
        (ContextKind::SuggestedArg, words!("did you mean")),
        (ContextKind::SuggestedValue, words!("did you mean")),
        (ContextKind::SuggestedSubcommand, words!("did you mean")),
    ] {
        let found = of(kind);
        if !found.is_empty() {
            text.push_str(&format!("  {mark}: {found}\n"));
        }
    }
    if let Some(ContextValue::StyledStr(usage)) = error.get(ContextKind::Usage) {
        text.push_str(&format!("\n{}\n", framed(&shown(usage, true))));
    }
    text.push_str(&format!("\n{}\n", words!("more: --help")));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_say_the_language() {
        let of = |words: &[&str]| asked(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(of(&["kakou", "check", "--lang", "ja"]), Lang::Ja);
        assert_eq!(of(&["kakou", "--lang=ja", "check"]), Lang::Ja);
        assert_eq!(of(&["kakou", "--lang=en", "--", "--lang=ja"]), Lang::En);
    }
}
