//! Link keys of a linkable release (法31条, 規則27・28条): that they stand in their own file and nowhere else.

use std::collections::HashSet;
use std::path::Path;

use crate::error::{Error, Name, Result, Said};
use crate::recount::{Cells, Who};
use crate::say;
use crate::schema::Kind;
use crate::structure::Structure;

pub use crate::plan::promise::links::{FILE, HEADER};

/// A cell that is a link key.
#[must_use]
pub fn key_in(table: &Name, column: &Name, kind: Kind) -> Error {
    wrong(say!("table `{}`, column `{}`, {} release: a cell is a link key", table, column, kind))
}

fn wrong(what: Said) -> Error {
    Error::refused("C0704", what)
}

/// The link keys of a release folder.
#[derive(Clone, Debug)]
pub struct Links {
    tokens: Vec<String>,
    keys: HashSet<String>,
}

impl Links {
    /// Reads the file, if the release has one.
    ///
    /// # Errors
    /// I/O, or a file that is not what a run writes: sorted tokens, each with a key of its own.
    pub fn read(folder: &Path) -> Result<Option<Links>> {
        let text = match std::fs::read_to_string(folder.join(FILE)) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(Error::io("X0403", say!("reading {}", FILE), &e)),
        };
        let damaged = || wrong(say!("{} is not a file of tokens with their link keys", FILE));
        let mut lines = text.strip_suffix('\n').ok_or_else(damaged)?.split('\n');
        if lines.next() != Some(HEADER) {
            return Err(damaged());
        }
        let mut links = Links { tokens: Vec::new(), keys: HashSet::new() };
        for line in lines {
            let (token, key) = line.split_once(',').ok_or_else(damaged)?;
            let sorted = links.tokens.last().is_none_or(|last| last.as_str() < token);
            if !sorted || crate::token::parse_token(token).is_none() || key.is_empty() {
                return Err(damaged());
            }
            if !links.keys.insert(key.to_owned()) {
                return Err(damaged());
            }
            links.tokens.push(token.to_owned());
        }
        Ok(Some(links))
    }

    /// Distinct persons with a key.
    #[must_use]
    pub fn persons(&self) -> u64 {
        self.tokens.len() as u64
    }

    /// Whether a text is a link key.
    #[must_use]
    pub fn has(&self, text: &str) -> bool {
        self.keys.contains(text)
    }

    /// What does not hold in a release: every token is of a person of the anonymized release, and no cell of a table is a
    /// link key. In the proof of a run, which keeps some columns only, the latter is looked at of all cells as they pass too.
    #[must_use]
    pub fn check(&self, kind: Kind, structure: &Structure, tables: &[Cells]) -> Vec<Error> {
        let mut errors = Vec::new();
        if kind == Kind::Anonymized {
            let mut persons: HashSet<Who<'_>> = HashSet::new();
            for (shape, cells) in structure.tables.iter().zip(tables) {
                persons.extend(cells.people(shape));
            }
            if self.tokens.iter().any(|token| !persons.contains(&Who::of(token))) {
                errors.push(wrong(say!("{} names a person who is not in the release", FILE)));
            }
        }
        for (shape, cells) in structure.tables.iter().zip(tables) {
            for (column, texts) in shape.columns.iter().zip(&cells.texts) {
                if texts.dictionary().texts().any(|text| self.has(text)) {
                    let table = Name::from_policy(shape.name.clone());
                    errors.push(key_in(&table, &Name::from_policy(column.name.clone()), kind));
                }
            }
        }
        errors
    }
}
