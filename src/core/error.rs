//! The one error type. It cannot hold a cell value.
//!
//! Errors are read by people who must act, are copied into tickets and mailed to vendors. A value of a
//! cell in an error is therefore a leak. The text of an error is made with [`say!`](crate::say), whose arguments must
//! implement [`Tell`]; `str` and `String` do not. What comes from a policy or the command line is wrapped
//! in a [`Name`] by the few places that read policies and arguments. Foreign errors (I/O, CSV, Parquet,
//! TOML) are mapped to a place and their own text is dropped, because it may quote data.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use crate::lang::{self, Lang};

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
    /// The text with what is needed to tell it in another language.
    fn part(&self) -> Said {
        Said::plain(self.tell())
    }
}

macro_rules! tell_numbers { ($($t:ty)*) => { $(impl Tell for $t { fn tell(&self) -> String { self.to_string() } })* } }
tell_numbers!(u8 u16 u32 u64 usize i32 i64 f64);

impl Tell for &'static str {
    fn tell(&self) -> String {
        (*self).to_owned()
    }
    fn part(&self) -> Said {
        Said { text: (*self).to_owned(), made: Some(Arc::new(Made::Word(self))) }
    }
}
impl Tell for Name {
    fn tell(&self) -> String {
        self.0.to_string()
    }
}
impl Tell for Said {
    fn tell(&self) -> String {
        self.text.clone()
    }
    fn part(&self) -> Said {
        self.clone()
    }
}
impl<T: Tell> Tell for Option<T> {
    fn tell(&self) -> String {
        self.as_ref().map_or_else(|| "-".to_owned(), Tell::tell)
    }
    fn part(&self) -> Said {
        self.as_ref().map_or_else(|| Said::plain("-".to_owned()), Tell::part)
    }
}
impl<T: Tell + ?Sized> Tell for &T
where
    T: TellByReference,
{
    fn tell(&self) -> String {
        (**self).tell()
    }
    fn part(&self) -> Said {
        (**self).part()
    }
}
/// Marks the types whose references may be told as well (`str` is not among them).
pub trait TellByReference {}
impl TellByReference for Name {}
impl TellByReference for Said {}
impl<T: TellByReference> TellByReference for &T {}

/// A text that is free of cell values by construction. Made by [`say!`](crate::say). It is English, and knows how it was made, so that it
/// can be told in another language ([`Said::to`]).
#[derive(Clone, Default)]
pub struct Said {
    text: String,
    made: Option<Arc<Made>>,
}

/// How a text was made.
enum Made {
    /// A word of this program.
    Word(&'static str),
    /// A template with its parts.
    Template(&'static str, Vec<Said>),
    /// Parts one after the other.
    Joined(Vec<Said>, &'static str),
}

impl Said {
    /// Used by the macro `say!`; the parts were told by [`Tell`].
    #[doc(hidden)]
    #[must_use]
    pub fn of(template: &'static str, parts: Vec<Said>) -> Self {
        let text = lang::fill(template, |at, _| Cow::Borrowed(told(&parts, at)));
        Said { text, made: Some(Arc::new(Made::Template(template, parts))) }
    }

    /// A text that is the same in every language.
    fn plain(text: String) -> Self {
        Said { text, made: None }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The text in a language.
    #[must_use]
    pub fn to(&self, lang: Lang) -> Cow<'_, str> {
        let (Lang::Ja, Some(made)) = (lang, &self.made) else { return Cow::Borrowed(&self.text) };
        match &**made {
            Made::Word(word) => Cow::Borrowed(lang::of(lang, word)),
            Made::Template(template, parts) => {
                let part = |at: usize, quoted: bool| match parts.get(at) {
                    // Between backticks stands what is written in a policy or typed.
                    Some(part) if quoted => Cow::Borrowed(part.as_str()),
                    Some(part) => part.to(lang),
                    None => Cow::Borrowed(""),
                };
                Cow::Owned(lang::fill(lang::of(lang, template), part))
            }
            Made::Joined(parts, separator) => {
                let parts: Vec<_> = parts.iter().map(|part| part.to(lang)).collect();
                Cow::Owned(parts.join(lang::of(lang, separator)))
            }
        }
    }

    /// The text in the language that is spoken.
    #[must_use]
    pub fn shown(&self) -> Cow<'_, str> {
        self.to(lang::spoken())
    }

    /// Several texts, one after the other with `separator` between them.
    #[must_use]
    pub fn join(parts: &[Said], separator: &'static str) -> Said {
        let text = parts.iter().map(Said::as_str).collect::<Vec<_>>().join(separator);
        Said { text, made: Some(Arc::new(Made::Joined(parts.to_vec(), separator))) }
    }
}

fn told(parts: &[Said], at: usize) -> &str {
    parts.get(at).map_or("", Said::as_str)
}

impl fmt::Debug for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Said").field(&self.text).finish()
    }
}
impl PartialEq for Said {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}
impl Eq for Said {}
impl serde::Serialize for Said {
    fn serialize<S: serde::Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.serialize_str(&self.text)
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
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
///
/// Nor does one that is taken by its name:
///
/// ```compile_fail
/// use kakou_core::say;
/// let cell = String::from("山田");
/// let _ = say!("bad value {cell}");
/// ```
#[macro_export]
macro_rules! say {
    (@ $part:expr) => { () };
    ($format:literal $(, $part:expr)* $(,)?) => {{
        const { assert!($crate::lang::holes($format) == <[()]>::len(&[$($crate::say!(@ $part)),*])) }
        $crate::error::Said::of($format, vec![$($crate::error::Tell::part(&$part)),*])
    }};
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
