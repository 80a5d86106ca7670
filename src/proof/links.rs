//! Link keys of a linkable release (法31条, 規則27・28条): what must hold before they may be given, and that they stand in
//! their own file and nowhere else.

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use super::recount::Cells;
use super::structure::Structure;
use crate::error::{Error, Name, Result, Said};
use crate::plan::{Plan, ViewColumn};
use crate::say;
use crate::schema::{DateKind, Kind};

/// The file of the anonymized release.
pub const FILE: &str = "anonymized/links.csv";

/// The first line of the file.
pub const HEADER: &str = "token,link_key";

/// Code systems of what the linked database shows of a person: drugs, procedures, the place of residence.
const SHOWN: [&str; 6] = ["yj", "hot", "kcode", "postal", "municipality", "prefecture"];

/// A cell that is a link key.
#[must_use]
pub fn key_in(table: &Name, column: &Name, kind: Kind) -> Error {
    wrong(say!("table `{}`, column `{}`, {} release: a cell is a link key", table, column, kind))
}

fn wrong(what: Said) -> Error {
    Error::refused("C0704", what)
}

/// Whether k is counted over what the database shows that the release will be linked with: at least one view is marked
/// `visible_in`, and every released column of which it is known that the database has it (birth dates and codes of drugs,
/// procedures and places) is in a marked view or set. Judged before data is read.
///
/// # Errors
/// No marked view, one of which nothing is released, or a column that no marked view or set has.
pub fn required(plan: &Plan) -> Result<()> {
    let released = |table: usize, column: usize| {
        plan.tables[table].columns[column].treatment(Kind::Anonymized).output.is_some()
    };
    let out = |c: &ViewColumn| released(c.table, c.column);
    let marked = || plan.views.iter().filter(|v| v.visible_in.is_some());
    if !marked().any(|v| v.quasi.iter().any(out)) {
        return Err(Error::refused(
            "C0702",
            say!("link keys need a view of what the other database shows, with a released column: none is marked `visible_in`"),
        )
        .advice(say!(
            "[[anonymized.view]] visible_in = \"ndb\", with sex, age band, prefecture and month as quasi; sets of drugs and procedures: [[anonymized.set]] visible_in = \"ndb\""
        )));
    }
    let mut errors = Vec::new();
    for (t, table) in plan.tables.iter().enumerate() {
        for (c, column) in table.columns.iter().enumerate() {
            let shown = column.facts.date == Some(DateKind::Birth)
                || column.facts.code.as_ref().is_some_and(|code| SHOWN.contains(&code.as_str()));
            let counted = marked().flat_map(|v| &v.quasi).any(|q| (q.table, q.column) == (t, c))
                || plan
                    .sets
                    .iter()
                    .any(|s| s.visible_in.is_some() && (s.table, s.column) == (t, c));
            if shown && released(t, c) && !counted {
                errors.push(
                    Error::refused(
                        "C0703",
                        say!(
                            "column `{}`.`{}` is visible in the other database, but no view or set marked `visible_in` has it",
                            table.name,
                            column.facts.column
                        ),
                    )
                    .advice(say!("put it into a marked view or set, or drop it from the anonymized release")),
                );
            }
        }
    }
    Error::all(errors).map_or(Ok(()), Err)
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
            let mut persons: BTreeSet<&str> = BTreeSet::new();
            for (shape, cells) in structure.tables.iter().zip(tables) {
                if let Some(texts) = cells.texts.get(shape.person) {
                    persons.extend(texts.dictionary().texts());
                }
            }
            if self.tokens.iter().any(|token| !persons.contains(token.as_str())) {
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
