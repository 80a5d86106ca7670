//! The log: structured, JSON lines, our own events only.
//!
//! A log is mailed to vendors and kept for years, so no personal value may be in it at any level. Events are made with
//! [`note!`](crate::note) alone, whose fields must implement [`Field`]; as for [`Tell`](crate::error::Tell), texts that
//! were not written in this program or in a policy do not. Events of libraries are not written: their texts may
//! quote data. Counts of persons go in through [`small`](crate::error::small).

use std::path::Path;
use std::sync::Mutex;

use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;

use crate::error::{Error, Name, Result, Said};
use crate::frame::Rows;
use crate::say;
use crate::schema::file::Defect;
use crate::schema::{Kind, Role};

/// Events of this target are written, others are not.
#[doc(hidden)]
pub const TARGET: &str = "kakou";

#[doc(hidden)]
pub use tracing;

/// How much is written.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, clap::ValueEnum)]
pub enum Level {
    /// Failures.
    Error,
    /// What a reader should know.
    Warn,
    /// The rooms of a run with their counts.
    #[default]
    Info,
    /// Files, tables, rounds of suppression.
    Debug,
    /// Batches and columns.
    Trace,
}

/// What may be a field of an event. Not implemented for `String` and borrowed `str`.
pub trait Field {
    /// What is written.
    type Value: tracing::Value;
    /// The value.
    fn field(&self) -> Self::Value;
}

macro_rules! fields {
    ($($own:ty => $written:ty, $with:expr;)*) => { $(
        impl Field for $own {
            type Value = $written;
            fn field(&self) -> $written {
                let with: fn(&$own) -> $written = $with;
                with(self)
            }
        }
    )* };
}
fields! {
    u8 => u64, |n| u64::from(*n);
    u32 => u64, |n| u64::from(*n);
    u64 => u64, |n| *n;
    usize => u64, |n| *n as u64;
    f64 => f64, |n| *n;
    bool => bool, |b| *b;
    &'static str => &'static str, |t| t;
    Name => String, |n| n.as_str().to_owned();
    Said => String, |s| s.as_str().to_owned();
    Rows => u64, |r| r.0;
    Kind => &'static str, |k| k.word();
    Role => &'static str, |r| r.word();
    Defect => &'static str, |d| d.word();
}
impl<T: Field + crate::error::TellByReference> Field for &T {
    type Value = T::Value;
    fn field(&self) -> T::Value {
        (**self).field()
    }
}

/// Writes an event to the log: a level (`error`, `warn`, `info`, `debug`, `trace`), what happened, and fields.
///
/// ```
/// use kakou_core::{error::Name, note};
/// let table = Name::fixed("stays");
/// note!(debug, "table read", table = table, rows = 120_u64);
/// ```
///
/// A cell does not compile:
///
/// ```compile_fail
/// let cell = String::from("山田");
/// kakou_core::note!(trace, "cell", text = cell);
/// ```
#[macro_export]
macro_rules! note {
    ($level:ident, $what:literal $(, $field:ident = $value:expr)* $(,)?) => {
        $crate::log::tracing::$level!(
            target: $crate::log::TARGET,
            $($field = $crate::log::Field::field(&$value),)*
            $what
        )
    };
}

/// Opens the log of this process. Lines are appended to the file, which only its owner can read.
///
/// # Errors
/// If the file cannot be opened.
pub fn open(path: &Path, level: Level) -> Result<()> {
    use crate::system::Opening as _;
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .of_owner()
        .open(path)
        .map_err(|e| Error::io("X0601", say!("opening the log file"), &e))?;
    let most = match level {
        Level::Error => LevelFilter::ERROR,
        Level::Warn => LevelFilter::WARN,
        Level::Info => LevelFilter::INFO,
        Level::Debug => LevelFilter::DEBUG,
        Level::Trace => LevelFilter::TRACE,
    };
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_target(false)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(Mutex::new(file))
        .with_filter(Targets::new().with_target(TARGET, most));
    // Fails only if this process has a log already (several commands in one process): then that one stays.
    let _ = tracing::subscriber::set_global_default(tracing_subscriber::registry().with(lines));
    Ok(())
}

/// In debug builds: panics with a cell in its message where the test of the logs asks for it (`KAKOU_TEST_PANIC` names
/// the point). Release builds have no such switch.
pub fn trap(point: &'static str, cell: impl FnOnce() -> String) {
    #[cfg(debug_assertions)]
    {
        if std::env::var_os("KAKOU_TEST_PANIC").is_some_and(|at| at == point) {
            #[expect(clippy::panic, reason = "a test forces it")]
            {
                panic!("{point}: {}", cell());
            }
        }
    }
    #[cfg(not(debug_assertions))]
    let _ = (point, cell);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_holds_our_events_as_json_lines() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        open(&path, Level::Debug).unwrap();
        note!(
            debug,
            "table read",
            table = Name::fixed("stays"),
            rows = 120_u64,
            kind = Kind::Anonymized
        );
        note!(trace, "not at this level", rows = 1_u64);
        tracing::error!(target: "some_library", "a cell");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<serde_json::Value> =
            text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
        let ours: Vec<_> = lines.iter().filter(|l| l["table"] == "stays").collect();
        assert_eq!(ours.len(), 1, "{text}");
        assert_eq!((&ours[0]["rows"], &ours[0]["kind"]), (&120.into(), &"anonymized".into()));
        assert!(!text.contains("a cell") && !text.contains("not at this level"));
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
