//! Which column names a person, and which a stay, from what is alone in its rows.

use std::collections::BTreeMap;

use super::{TableDraft, quoted};
use crate::frame::MISSING;

/// The keys of the draft's tables.
pub(super) struct Found {
    /// Of each table, by its id: the column of the person.
    persons: BTreeMap<String, String>,
    /// The column that a row of some table owns, by its name: tables that have it are of the stay.
    stays: Vec<String>,
    /// Of each table: its grain and the reason.
    grains: BTreeMap<String, (&'static str, String)>,
}

/// Words for the number of a stay or a visit.
const STAYS: [&str; 11] = [
    "入院",
    "入退院",
    "受診",
    "来院",
    "visit",
    "encounter",
    "admission",
    "stay",
    "episode",
    "nyuin",
    "hadm",
];

fn is_stay(name: &str) -> bool {
    let lower = name.to_lowercase();
    STAYS.iter().any(|w| lower.contains(w))
}

/// Rows, and the distinct values of a column in them; none if a cell is missing.
fn alone(table: &TableDraft, column: usize) -> Option<(usize, usize)> {
    let cells = &table.cells[column];
    let mut seen = vec![false; cells.dictionary().len()];
    let mut distinct = 0;
    for &code in cells.codes() {
        if code == MISSING {
            return None;
        }
        if !std::mem::replace(&mut seen[code as usize], true) {
            distinct += 1;
        }
    }
    Some((cells.len(), distinct))
}

impl Found {
    /// Looks at all tables.
    pub(super) fn of(tables: &[&TableDraft]) -> Self {
        let mut found =
            Found { persons: BTreeMap::new(), stays: Vec::new(), grains: BTreeMap::new() };
        for table in tables {
            let links = || table.columns.iter().enumerate().filter(|(_, (_, d))| d.role == "link");
            let person = links()
                .find(|(_, (_, d))| d.names_person)
                .or_else(|| links().find(|(_, (name, _))| !is_stay(name)));
            let Some((column, (name, _))) = person else {
                let why = "決める: 本人の番号の列がない / decide: no column of a person's number";
                found.grains.insert(table.id.clone(), ("event", why.to_owned()));
                continue;
            };
            found.persons.insert(table.id.clone(), name.clone());
            let rows = if table.whole { "全行" } else { "先頭の行" };
            let (grain, why) = match alone(table, column) {
                Some((all, distinct)) if all > 1 && all == distinct => (
                    "person",
                    format!(
                        "{rows} {all} 行すべてで {name} が違う / {name} is another one in each of {all} rows"
                    ),
                ),
                person => {
                    let own = links().filter(|(c, (name, _))| *c != column && is_stay(name)).find(
                        |(c, _)| alone(table, *c).is_some_and(|(all, d)| all > 1 && all == d),
                    );
                    match (own, person) {
                        (Some((_, (stay, _))), _) => {
                            found.stays.push(stay.clone());
                            (
                                "stay",
                                format!(
                                    "{rows}で {stay} がすべて違う / {stay} is another one in each row"
                                ),
                            )
                        }
                        (None, Some((all, distinct))) => (
                            "event",
                            format!(
                                "{rows} {all} 行に {name} が {distinct} 種類 / {distinct} different {name} in {all} rows"
                            ),
                        ),
                        (None, None) => (
                            "event",
                            format!(
                                "{name} のない行がある: set_aside = [\"key\"] / rows without {name}"
                            ),
                        ),
                    }
                }
            };
            found.grains.insert(table.id.clone(), (grain, why));
        }
        found
    }
    /// The column of the person.
    pub(super) fn person_of(&self, table: &TableDraft) -> Option<&str> {
        self.persons.get(&table.id).map(String::as_str)
    }
    /// What a row is, and why.
    pub(super) fn grain(&self, table: &TableDraft) -> (&'static str, &str) {
        self.grains.get(&table.id).map_or(("event", ""), |(grain, why)| (*grain, why.as_str()))
    }
    /// The keys as TOML.
    pub(super) fn keys(&self, table: &TableDraft) -> String {
        let person = quoted(self.person_of(table).unwrap_or_default());
        let stay =
            table.columns.iter().find(|(name, d)| d.role == "link" && self.stays.contains(name));
        match stay {
            Some((name, _)) => format!("{{ patient = {person}, stay = {} }}", quoted(name)),
            None => format!("{{ patient = {person} }}"),
        }
    }
}
