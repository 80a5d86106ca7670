//! The one error type. It cannot hold a cell value.
//!
//! Errors are read by people who must act, are copied into tickets and mailed to vendors. A value of a
//! cell in an error is therefore a leak. The text of an error is made with [`say!`](crate::say), whose arguments must
//! implement [`Tell`]; `str` and `String` do not. What comes from a policy or the command line is wrapped
//! in a [`Name`] by the few places that read policies and arguments. Foreign errors (I/O, CSV, Parquet,
//! TOML) are mapped to a place and their own text is dropped, because it may quote data.

use std::borrow::Cow;
use std::fmt;

/// What went wrong, as a family. It decides the exit code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// A requirement of the policy or of the law does not hold on this data: exit code 1.
    Refused,
    /// The command line or the policy is wrong: exit code 2.
    Policy,
    /// The input data are not what the policy says: exit code 3.
    Data,
    /// The machine: disk, permissions, memory, a damaged file of ours: exit code 4.
    Environment,
    /// The user stopped the program: exit code 130.
    Interrupted,
}

impl Family {
    /// The exit code of the program.
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Family::Refused => 1,
            Family::Policy => 2,
            Family::Data => 3,
            Family::Environment => 4,
            Family::Interrupted => 130,
        }
    }
}

/// A word that may be shown: it was written in a policy, on the command line or in this program, never in a cell.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(transparent)]
pub struct Name(Cow<'static, str>);

impl Name {
    /// A word of this program.
    #[must_use]
    pub const fn fixed(word: &'static str) -> Self {
        Name(Cow::Borrowed(word))
    }

    /// A word that a policy or the command line contains. Never call this with data.
    #[must_use]
    pub fn from_policy(word: impl Into<String>) -> Self {
        Name(Cow::Owned(word.into()))
    }

    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A count of persons as it may be shown outside the processor's own record: `<10` below 10.
#[must_use]
pub fn small(count: u64) -> Name {
    match count {
        1..=9 => Name::fixed("<10"),
        _ => Name(Cow::Owned(count.to_string())),
    }
}

/// What may stand in an error text or a log line. Deliberately not implemented for `str` and `String`.
pub trait Tell {
    /// The text.
    fn tell(&self) -> String;
}

macro_rules! tell_numbers { ($($t:ty)*) => { $(impl Tell for $t { fn tell(&self) -> String { self.to_string() } })* } }
tell_numbers!(u8 u16 u32 u64 usize i32 i64 f64);

impl Tell for &'static str {
    fn tell(&self) -> String {
        (*self).to_owned()
    }
}
impl Tell for Name {
    fn tell(&self) -> String {
        self.0.to_string()
    }
}
impl Tell for Said {
    fn tell(&self) -> String {
        self.0.clone()
    }
}
impl<T: Tell> Tell for Option<T> {
    fn tell(&self) -> String {
        self.as_ref().map_or_else(|| "-".to_owned(), Tell::tell)
    }
}
impl<T: Tell + ?Sized> Tell for &T
where
    T: TellByReference,
{
    fn tell(&self) -> String {
        (**self).tell()
    }
}
/// Marks the types whose references may be told as well (`str` is not among them).
pub trait TellByReference {}
impl TellByReference for Name {}
impl TellByReference for Said {}
impl<T: TellByReference> TellByReference for &T {}

/// A text that is free of cell values by construction. Made by [`say!`](crate::say).
#[derive(Clone, Debug, Default, Eq, PartialEq, serde::Serialize)]
#[serde(transparent)]
pub struct Said(String);

impl Said {
    /// Used by the macro `say!`; the parts were told by [`Tell`].
    #[doc(hidden)]
    #[must_use]
    pub fn assembled(text: String) -> Self {
        Said(text)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Several texts, one after the other with `separator` between them.
    #[must_use]
    pub fn join(parts: &[Said], separator: &'static str) -> Said {
        Said(parts.iter().map(Said::as_str).collect::<Vec<_>>().join(separator))
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Formats a text from parts that may be shown.
///
/// ```
/// use kakou_core::{error::Name, say};
/// let column = Name::fixed("age");
/// assert_eq!(say!("column `{}`, row {}", column, 3_u64).as_str(), "column `age`, row 3");
/// ```
///
/// A value of a cell does not compile:
///
/// ```compile_fail
/// use kakou_core::say;
/// let cell = String::from("山田");
/// let _ = say!("bad value {}", cell);
/// ```
#[macro_export]
macro_rules! say {
    ($format:literal $(, $part:expr)* $(,)?) => {
        $crate::error::Said::assembled(format!($format $(, $crate::error::Tell::tell(&$part))*))
    };
}

/// A place in a policy file. Lines and columns start at 1; columns count characters.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Place {
    /// The file as the user named it.
    pub file: Name,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// Byte range in the file's text.
    pub span: std::ops::Range<usize>,
}

/// An error. See the module text for why it cannot hold data.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Error {
    /// The family, which decides the exit code.
    pub family: Family,
    /// A stable code: a letter and four digits (`P0103`).
    pub code: &'static str,
    /// What is wrong and where.
    pub what: Said,
    /// What to do about it.
    pub advice: Option<Said>,
    /// Where in a policy file, if it is about one.
    pub place: Option<Place>,
    /// Further errors found in the same step, in file order.
    pub others: Vec<Error>,
}

impl Error {
    /// A new error of a family.
    #[must_use]
    pub fn new(family: Family, code: &'static str, what: Said) -> Self {
        Error { family, code, what, advice: None, place: None, others: Vec::new() }
    }
    /// A wrong policy or command line.
    #[must_use]
    pub fn policy(code: &'static str, what: Said) -> Self {
        Self::new(Family::Policy, code, what)
    }
    /// Input data that are not what the policy says.
    #[must_use]
    pub fn data(code: &'static str, what: Said) -> Self {
        Self::new(Family::Data, code, what)
    }
    /// A requirement that does not hold.
    #[must_use]
    pub fn refused(code: &'static str, what: Said) -> Self {
        Self::new(Family::Refused, code, what)
    }
    /// Trouble with the machine.
    #[must_use]
    pub fn environment(code: &'static str, what: Said) -> Self {
        Self::new(Family::Environment, code, what)
    }
    /// An I/O error: its kind and the doing are kept, its text is dropped.
    #[must_use]
    pub fn io(code: &'static str, doing: Said, source: &std::io::Error) -> Self {
        let kind = io_kind(source);
        Self::new(Family::Environment, code, say!("{}: {}", doing, kind))
    }
    /// Adds what to do.
    #[must_use]
    pub fn advice(mut self, advice: Said) -> Self {
        self.advice = Some(advice);
        self
    }
    /// Adds the place.
    #[must_use]
    pub fn at(mut self, place: Place) -> Self {
        self.place = Some(place);
        self
    }
    /// Adds the place, if it is known.
    #[must_use]
    pub fn at_opt(mut self, place: Option<Place>) -> Self {
        if place.is_some() {
            self.place = place;
        }
        self
    }
    /// One error out of several; `None` if there are none.
    #[must_use]
    pub fn all(mut errors: Vec<Error>) -> Option<Error> {
        if errors.is_empty() {
            return None;
        }
        let mut first = errors.remove(0);
        first.others.append(&mut errors);
        Some(first)
    }
    /// This error and the others found with it.
    pub fn each(&self) -> impl Iterator<Item = &Error> {
        std::iter::once(self).chain(self.others.iter())
    }
}

fn io_kind(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind as K;
    match source.kind() {
        K::NotFound => "not found",
        K::PermissionDenied => "permission denied",
        K::AlreadyExists => "it exists already",
        K::StorageFull | K::QuotaExceeded => "the disk is full",
        K::ReadOnlyFilesystem => "the file system is read-only",
        K::UnexpectedEof => "the file ends too early",
        K::Interrupted => "interrupted",
        K::OutOfMemory => "out of memory",
        K::FileTooLarge => "the file is too large for this system",
        K::IsADirectory => "it is a directory",
        K::NotADirectory => "a part of the path is not a directory",
        K::InvalidData => "the content is not valid",
        _ => "input/output error",
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.each().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            if let Some(place) = &error.place {
                write!(f, "{}:{}:{}: ", place.file, place.line, place.column)?;
            }
            write!(f, "[{}] {}", error.code, error.what)?;
            match &error.advice {
                // Lines to copy stand by themselves.
                Some(advice) if advice.as_str().contains('\n') => write!(f, "\n{advice}")?,
                Some(advice) => write!(f, " ({advice})")?,
                None => {}
            }
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

/// The result of nearly everything here.
pub type Result<T> = std::result::Result<T, Error>;
