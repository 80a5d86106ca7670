//! Who must not be in a release: lists of persons (opt-out, 停止の求め, and other reasons), one list a release kind, and the
//! file of who was notified and who stopped ([`super::eligibility`]).

use std::path::Path;

use hashbrown::HashMap;

use super::eligibility::Eligibility;
use super::roll::{self, Key, Names, Roll};
use crate::error::{Error, Name, Result, Said};
use crate::schema::Kind;
use crate::{note, say};

pub use crate::plan::eligible::Why;

/// One list as it was read.
#[derive(Debug)]
pub struct List {
    /// Which releases it is for.
    pub kinds: Vec<Kind>,
    /// The bytes of the file, for a hiding commitment in the record.
    pub bytes: Vec<u8>,
    /// Whom it names.
    pub roll: Roll,
    /// Lines that were taken for a header.
    pub headers: Vec<u64>,
    /// Lines that are no identifier (blank after normalization, or a filler).
    pub unusable: Vec<u64>,
    /// Comments that have the form of a person's number.
    commented: u64,
    /// Its file as the user named it.
    shown: Name,
}

impl List {
    /// Lines that turned out to be a header: no person has what stands there.
    #[must_use]
    pub fn header_lines(&self) -> u64 {
        let name = |line: &u64| self.roll.names().any(|entry| entry.header && entry.line == *line);
        self.headers.iter().filter(|line| !name(line)).count() as u64
    }
}

/// All lists of a run, and who was notified.
#[derive(Debug, Default)]
pub struct Lists {
    /// In the order of the command line.
    pub lists: Vec<List>,
    /// Who was notified and who stopped; without it only the lists count.
    pub eligibility: Option<Eligibility>,
    /// Whether a list may match nobody, or name persons in another spelling.
    pub allow_unmatched: bool,
    /// Persons with the local identities that lists name, where several hospitals know one person.
    locals: std::sync::OnceLock<HashMap<String, Vec<String>>>,
}

impl Lists {
    /// Reads a list ([`roll::names`]).
    ///
    /// # Errors
    /// If the file cannot be read, is not text, a line has the wrong number of parts, or numbers lost digits in a spreadsheet.
    pub fn add(&mut self, path: &Path, shown: &Name, kinds: &[Kind], key: &Key<'_>) -> Result<()> {
        let bytes = std::fs::read(path)
            .map_err(|e| Error::io("X0101", say!("reading the exclusion list {}", shown), &e))?;
        let text = roll::decode(&bytes).ok_or_else(|| {
            Error::data("D0301", say!("the exclusion list {} is neither UTF-8 nor CP932", shown))
        })?;
        let Names { roll, headers, unusable, scientific, ragged, commented } =
            roll::names(&text, key);
        let mut errors = Vec::new();
        if !ragged.is_empty() {
            errors.push(
                Error::data(
                    "D0302",
                    say!(
                        "the exclusion list {}, {}: another number of parts than the {} that the person's key has",
                        shown,
                        roll::lines(&ragged),
                        key.parts()
                    ),
                )
                .advice(say!("separate the parts by a TAB or a comma, in the order of the key's columns; a list with other columns needs a header line that names those of the key")),
            );
        }
        if !scientific.is_empty() {
            errors.push(
                Error::data(
                    "D0371",
                    say!(
                        "the exclusion list {}, {}: a number as a spreadsheet shows a long one (scientific notation): its digits are lost",
                        shown,
                        roll::lines(&scientific)
                    ),
                )
                .advice(say!("export the column as text from where the numbers come from; such a line would exclude nobody")),
            );
        }
        if roll.is_empty() && !unusable.is_empty() {
            errors.push(Error::data(
                "D0303",
                say!("the exclusion list {} holds no usable identifier", shown),
            ));
        }
        if let Some(error) = Error::all(errors) {
            return Err(error);
        }
        self.lists.push(List {
            kinds: kinds.to_vec(),
            bytes,
            roll,
            headers,
            unusable,
            commented,
            shown: shown.clone(),
        });
        Ok(())
    }

    /// Why a person must not be in a release, if so; remembers whom the files name.
    #[must_use]
    pub fn why(&self, kind: Kind, identity: &str) -> Option<Why> {
        let own = [identity];
        let others = self.locals.get().and_then(|l| l.get(identity));
        let locals: Vec<&str> = others.into_iter().flatten().map(String::as_str).collect();
        let mut listed = false;
        for list in self.lists.iter().filter(|l| l.kinds.contains(&kind)) {
            for identity in locals.iter().chain(&own) {
                listed |= list.roll.find(identity).is_some();
            }
        }
        // A person whom several hospitals know must be eligible under every number.
        let numbers = if locals.is_empty() { &own[..] } else { &locals[..] };
        let standing = self.eligibility.as_ref().and_then(|e| e.why(kind, numbers));
        if listed { Some(Why::Listed) } else { standing }
    }

    /// Whether a person must not be in a release; remembers that the list matched.
    #[must_use]
    pub fn excludes(&self, kind: Kind, identity: &str) -> bool {
        self.why(kind, identity).is_some()
    }

    /// Remembers where a file may mean a person of the input in another spelling.
    pub fn compare(&self, identity: &str) {
        let others = self.locals.get().and_then(|l| l.get(identity));
        let locals = others.into_iter().flatten().map(String::as_str);
        for identity in locals.chain([identity]) {
            for list in &self.lists {
                list.roll.compare(identity);
            }
            if let Some(eligibility) = &self.eligibility {
                eligibility.roll.compare(identity);
            }
        }
    }

    /// Says which local identities a person has: who is on a list with one of them is on it with all.
    pub fn tell_locals(&self, locals: HashMap<String, Vec<String>>) {
        // A second intake of one run reads the same files.
        let _ = self.locals.set(locals);
    }

    /// What the reader of a report should know of the lists: by code, in English and Japanese.
    #[must_use]
    pub fn warnings(&self) -> Vec<(&'static str, Said, Said)> {
        let mut told = Vec::new();
        for (at, list) in self.lists.iter().enumerate() {
            let number = at + 1;
            let unmatched = list.roll.unmatched();
            if list.roll.is_empty() {
                told.push((
                    "W0131",
                    say!("exclusion list {} names nobody: nobody is excluded by it", number),
                    say!("除外リスト {} には誰も記載がなく、誰も除外されません", number),
                ));
            }
            if !unmatched.is_empty() || !list.unusable.is_empty() {
                let all = unmatched.len() + list.unusable.len();
                told.push((
                    "W0132",
                    say!(
                        "exclusion list {}: {} of its lines match nobody in the input",
                        number,
                        all
                    ),
                    say!("除外リスト {}: 入力の誰とも一致しない行が {} 行あります", number, all),
                ));
            }
        }
        told
    }

    /// Judges the files after every person of the input was looked up in them.
    ///
    /// # Errors
    /// If a list names somebody and matches nobody, or a file names a person in another spelling, unless it was asked for.
    pub fn judge(&self) -> Result<()> {
        let mut errors = Vec::new();
        for list in &self.lists {
            let shown = &list.shown;
            let (nobody, spellings) = (list.roll.is_empty(), list.roll.spelled());
            // Nothing but numbers that a `#` made comments: it was meant to name them.
            if nobody && list.commented > 0 && spellings.is_empty() {
                errors.push(nobody_of(shown, list.commented));
            }
            errors.extend(spelled(&say!("the exclusion list {}", shown), spellings));
            if nobody {
                note!(warn, "an exclusion list names nobody", file = *shown);
                continue;
            }
            let unmatched = list.roll.unmatched();
            if !unmatched.is_empty() || !list.unusable.is_empty() {
                note!(
                    warn,
                    "lines of an exclusion list match nobody",
                    file = *shown,
                    unmatched = unmatched.len(),
                    unusable = list.unusable.len()
                );
            }
            if list.roll.matched() == 0 {
                errors.push(nobody_of(shown, list.roll.len()));
            }
        }
        if let Some(eligibility) = &self.eligibility {
            // Who is meant in another spelling is not released; a stop that is meant for somebody else's line would be lost.
            errors.extend(spelled(&say!("the eligibility file"), eligibility.spelled()));
            if eligibility.roll.matched() == 0 {
                errors.push(
                    Error::refused(
                        "C0614",
                        say!("the eligibility file: no person of the input stands in it: nobody could be released"),
                    )
                    .advice(say!("are the numbers written as in the input? docs/eligibility.md has the format")),
                );
            }
        }
        if self.allow_unmatched {
            return Ok(());
        }
        Error::all(errors).map_or(Ok(()), Err)
    }
}

/// Nobody whom a list names is there.
fn nobody_of(shown: &Name, named: u64) -> Error {
    Error::refused(
        "C0611",
        say!(
            "the exclusion list {}: none of the {} that it names is a person of the input: nobody would be excluded",
            shown,
            named
        ),
    )
    .advice(say!("is it the list of these files, with the numbers written as they are there? If it may match nobody: --allow-unmatched; the record tells it"))
}

/// What is said of names that persons of the input have in another spelling.
fn spelled(file: &Said, found: Vec<(roll::Near, Vec<u64>)>) -> Vec<Error> {
    found
        .into_iter()
        .map(|(near, lines)| {
            Error::refused(
                "C0612",
                say!(
                    "{}, {}: matches nobody as it is written, but a person of the input {}: nothing is guessed",
                    file,
                    roll::lines(&lines),
                    near.told()
                ),
            )
            .advice(say!("write the numbers as the files of the input have them, as text; if others are meant: --allow-unmatched, and the record tells it"))
        })
        .collect()
}
