//! What the tests of techniques share: rows of persons, and a release whose secrets are plain hashes.

use std::hash::{BuildHasher, Hasher};

use super::{Input, Output, Persons, Secrets, Technique};
use crate::error::{Error, Name};
use crate::frame::{Column, Dictionary, Interner};
use crate::schema::{ColumnFacts, Role, Type};

/// Rows of one column, each of a person.
pub(crate) struct Rows {
    pub(crate) cells: Column,
    pub(crate) persons: Vec<u32>,
    pub(crate) ids: Dictionary,
}

impl Rows {
    pub(crate) fn new(rows: impl IntoIterator<Item = (u8, Option<String>)>) -> Self {
        let mut ids = Interner::new();
        let mut persons = Vec::new();
        let mut texts = Vec::new();
        for (person, text) in rows {
            persons.push(ids.intern(&format!("person {person}")));
            texts.push(text);
        }
        Rows { cells: Column::from_texts(texts), persons, ids: ids.finish() }
    }
    pub(crate) fn texts(&self) -> impl Iterator<Item = Option<&str>> {
        self.cells.cells()
    }
    /// Distinct persons of the rows whose cell in `cells` satisfies `f`.
    pub(crate) fn persons_in(&self, cells: &Column, f: impl Fn(&str) -> bool) -> usize {
        let mut persons: Vec<u32> = cells
            .cells()
            .zip(&self.persons)
            .filter(|(t, _)| t.is_some_and(&f))
            .map(|(_, &p)| p)
            .collect();
        persons.sort_unstable();
        persons.dedup();
        persons.len()
    }
    pub(crate) fn persons_where(&self, f: impl Fn(&str) -> bool) -> usize {
        self.persons_in(&self.cells, f)
    }
    fn part(&self, rows: &[u32]) -> Rows {
        let mut ids = Interner::new();
        let persons =
            rows.iter().map(|&r| ids.intern(self.ids.text(self.persons[r as usize]))).collect();
        Rows { cells: self.cells.take(rows), persons, ids: ids.finish() }
    }
}

pub(crate) fn facts(ty: Type) -> ColumnFacts {
    ColumnFacts {
        table: Name::fixed("t"),
        column: Name::fixed("c"),
        role: Role::Quasi,
        ty,
        date: None,
        code: None,
        specials: Vec::new(),
    }
}

struct Open;

impl Secrets for Open {
    fn token(&self, domain: &str, identity: &str) -> [u8; 16] {
        let half = |salt: u8| {
            let mut state = foldless().build_hasher();
            state.write_u8(salt);
            state.write(domain.as_bytes());
            state.write_u8(0xFF);
            state.write(identity.as_bytes());
            state.finish().to_be_bytes()
        };
        let mut token = [0; 16];
        token[..8].copy_from_slice(&half(1));
        token[8..].copy_from_slice(&half(2));
        token
    }
    fn draw(&self, purpose: &str, identity: &str) -> u64 {
        u64::from_be_bytes(self.token(purpose, identity)[..8].try_into().unwrap())
    }
}

fn foldless() -> std::hash::BuildHasherDefault<std::collections::hash_map::DefaultHasher> {
    std::hash::BuildHasherDefault::default()
}

fn with<T>(
    rows: &Rows,
    facts: &ColumnFacts,
    dates: &[Vec<Option<i32>>],
    f: impl FnOnce(&Input<'_>) -> T,
) -> T {
    f(&Input {
        facts,
        cells: &rows.cells,
        persons: Persons { of_row: &rows.persons, ids: &rows.ids },
        dates,
        identity: None,
        domain: "test",
        secrets: &Open,
        tokens: &crate::KeyTokens::default(),
        known: &[],
        everyone: None,
    })
}

/// Measures (in two partitions by person, which must give the same as one), freezes and applies. What is written and read back, in
/// every round and at the end, does the same.
pub(crate) fn frozen_with_dates<T: Technique + PartialEq + serde::Serialize>(
    config: &T,
    rows: &Rows,
    facts: &ColumnFacts,
    dates: &[Vec<Option<i32>>],
) -> Result<(T, Output), Error> {
    let mut config = read_back(config, config);
    let mut statistics = super::Measure::Nothing;
    if config.needs().statistics {
        let side = |odd: u32| -> Vec<u32> {
            (0..rows.persons.len() as u32)
                .filter(|&r| rows.persons[r as usize] % 2 == odd)
                .collect()
        };
        let (left, right) = (rows.part(&side(0)), rows.part(&side(1)));
        loop {
            statistics = with(rows, facts, dates, |input| config.measure(input));
            let parts =
                [&left, &right].map(|part| with(part, facts, &[], |input| config.measure(input)));
            let [a, b] = parts;
            assert_eq!(
                config.merge(a.clone(), b.clone()),
                statistics,
                "partitions change the statistic"
            );
            assert_eq!(config.merge(b, a), statistics, "merging is not commutative");
            match config.next_round(&statistics) {
                Some(next) => config = read_back(&config, &next),
                None => break,
            }
        }
    }
    let fixed = config.freeze(&statistics, facts)?;
    let output = with(rows, facts, dates, |input| fixed.apply(input));
    assert_eq!(output.cells.len(), rows.persons.len());
    let again = with(rows, facts, dates, |input| read_back(&config, &fixed).apply(input));
    assert!(again.cells.cells().eq(output.cells.cells()), "read back, it does something else");
    Ok((fixed, output))
}

fn read_back<T: Technique + PartialEq + serde::Serialize>(planned: &T, made: &T) -> T {
    let written = serde_json::to_string(made).unwrap();
    let read = planned.restore(&serde_json::from_str(&written).unwrap()).unwrap();
    assert!(read == *made, "read back, it is another one");
    assert_eq!(serde_json::to_string(&read).unwrap(), written);
    read
}

/// The same without dates.
pub(crate) fn frozen<T: Technique + PartialEq + serde::Serialize>(
    config: &T,
    rows: &Rows,
    facts: &ColumnFacts,
) -> Result<(T, Output), Error> {
    frozen_with_dates(config, rows, facts, &[])
}

/// Runs a kernel with the cells themselves as identities.
pub(crate) fn with_identity(
    rows: &Rows,
    facts: &ColumnFacts,
    f: impl FnOnce(&Input<'_>) -> Output,
) -> Output {
    f(&Input {
        facts,
        cells: &rows.cells,
        persons: Persons { of_row: &rows.persons, ids: &rows.ids },
        dates: &[],
        identity: Some(&rows.cells),
        domain: "test",
        secrets: &Open,
        tokens: &crate::KeyTokens::default(),
        known: &[],
        everyone: None,
    })
}
