//! Apply: a partition, a frozen plan and the secrets of a release give the cells of that release. Pure.

use std::sync::Arc;

use rayon::prelude::*;

use super::exclude::Lists;
use super::identity;
use super::intake::Store;
use super::partition::Partition;
use super::typed;
use crate::detect::Everyone;
use crate::detect::everyone::{parts_of_names, whole_names};
use crate::error::Result;
use crate::frame::{Column, Dictionary, MISSING};
use crate::plan::shape::released;
use crate::plan::{Grain, Plan, TreatmentPlan};
use crate::policy::model::Unit;
use crate::schema::{ColumnAt, DateKind, Kind, Role};
use crate::technique::{
    Input, KeyTokens, Known, Marks, Output, Persons, Secrets, Tally, Treatment,
};
use crate::timings;

/// The treatments of one release: by table, by column.
pub type Treatments = Vec<Vec<Treatment>>;

/// The cells of one release for one partition.
pub struct Applied {
    /// By table.
    pub tables: Vec<AppliedTable>,
    /// Tokens of the keys, of the persons among them.
    pub tokens: KeyTokens,
}

/// The cells of one table.
pub struct AppliedTable {
    /// By policy column; `None` where the column is left out.
    pub columns: Vec<Option<Column>>,
    /// What happened, by policy column.
    pub tallies: Vec<Tally>,
    /// Marks in free text, by policy column.
    pub marks: Vec<Marks>,
}

/// Which rows of a partition are still there, and which have their quasi-identifiers blanked.
#[derive(Clone, Debug, Default)]
pub struct Surviving {
    /// By table, by row.
    pub rows: Vec<Vec<bool>>,
    /// By table, by row: which of the table's quasi-identifiers are suppressed, as bits (see [`super::freeze::blankable`]).
    pub blanked: Vec<Blanks>,
}

/// By row: which quasi-identifiers are suppressed, as bits. Nothing is held while none is.
#[derive(Clone, Debug, Default)]
pub struct Blanks(Vec<u64>);

impl Blanks {
    /// Whether no cell is suppressed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Suppresses a cell of one of `rows` rows.
    pub fn set(&mut self, row: usize, rows: usize, bit: u8) {
        if self.0.is_empty() {
            self.0 = vec![0; rows];
        }
        self.0[row] |= 1 << bit;
    }
}

impl std::ops::Index<usize> for Blanks {
    type Output = u64;
    fn index(&self, row: usize) -> &u64 {
        if self.0.is_empty() { &0 } else { &self.0[row] }
    }
}

impl Surviving {
    /// Everything is there.
    #[must_use]
    pub fn all(partition: &Partition) -> Self {
        let rows = partition.tables.iter().map(|p| vec![true; p.table.rows]).collect();
        let blanked = vec![Blanks::default(); partition.tables.len()];
        Surviving { rows, blanked }
    }
}

/// What the columns of a partition are treated with in one release.
#[derive(Clone, Copy)]
pub struct Treating<'a> {
    /// What is planned.
    pub plan: &'a Plan,
    /// The rows, already restricted to the persons of the release.
    pub partition: &'a Partition,
    /// Those of the release.
    pub secrets: &'a dyn Secrets,
    /// Tokens of the keys, of the persons of the partition.
    pub tokens: &'a KeyTokens,
    /// What identifies any person of the run, if a treatment asks for it.
    pub everyone: Option<&'a Everyone>,
}

impl Treating<'_> {
    /// Runs `f` with what the kernel of a column gets.
    pub fn with_input<T>(
        &self,
        at: ColumnAt,
        planned: &TreatmentPlan,
        f: impl FnOnce(&Input<'_>) -> T,
    ) -> T {
        let Treating { plan, partition, secrets, tokens, everyone } = *self;
        let ColumnAt { table, column } = at;
        let table_plan = &plan.tables[table];
        let column_plan = &table_plan.columns[column];
        let part = &partition.tables[table];
        let dates: Vec<_> = planned.dates.iter().map(|d| partition.dates(table, d)).collect();
        let own_identity;
        let own_domain;
        let (identity, domain) = match column_plan.key {
            Some(key) => (Some(&part.identities[key]), table_plan.keys[key].name.as_str()),
            None if planned.treatment.needs().identity => {
                own_identity = identity::of_code(plan, table_plan, part, column, &planned.scope);
                own_domain = format!("{}.{}", table_plan.name, column_plan.facts.column);
                (Some(&own_identity), own_domain.as_str())
            }
            None => (None, ""),
        };
        let known = if planned.treatment.needs().known {
            known_of(plan, partition, table)
        } else {
            Vec::new()
        };
        f(&Input {
            facts: &column_plan.facts,
            cells: &part.table.columns[column],
            persons: Persons { of_row: &part.persons, ids: &partition.ids },
            dates: &dates,
            identity,
            domain,
            secrets,
            tokens,
            known: &known,
            everyone,
        })
    }
}

/// What identifies any person of the run, if a treatment of the pseudonymized release asks for it: the cells of identifying
/// columns of all partitions, those of excluded persons included.
///
/// # Errors
/// If a spilled partition cannot be read back.
pub fn everyone(plan: &Plan, store: &Store, lists: &Lists) -> Result<Option<Everyone>> {
    let mut columns = plan.tables.iter().flat_map(|t| &t.columns);
    if !columns.any(|c| c.treatment(Kind::Pseudonymized).treatment.needs().known) {
        return Ok(None);
    }
    let mut everyone = Everyone::default();
    store.each(plan, lists, |_, partition| {
        for (table, part) in plan.tables.iter().zip(&partition.tables) {
            for (column, cells) in table.columns.iter().zip(&part.table.columns) {
                let facts = &column.facts;
                if !(facts.role.must_vanish() || facts.role == Role::ThirdParty) {
                    continue;
                }
                let mut used = vec![false; cells.dictionary().len()];
                for &code in cells.codes() {
                    if code != MISSING {
                        used[code as usize] = true;
                    }
                }
                for (text, _) in cells.dictionary().texts().zip(&used).filter(|(_, used)| **used) {
                    if !facts.is_special(text) {
                        everyone.learn(facts, text);
                    }
                }
            }
            let facts: Vec<_> = table.columns.iter().map(|c| &c.facts).collect();
            for (family, given) in parts_of_names(&facts) {
                let columns = &part.table.columns;
                for name in whole_names(&columns[family], &columns[given]) {
                    everyone.learn(facts[family], &name);
                }
            }
        }
        Ok(())
    })?;
    Ok(Some(everyone))
}

/// What identifies the persons that have rows in `table`: the cells of identifying columns and the birth dates of all tables.
fn known_of<'a>(plan: &'a Plan, partition: &'a Partition, table: usize) -> Vec<Vec<Known<'a>>> {
    let mut here = vec![false; partition.ids.len()];
    for &person in &partition.tables[table].persons {
        here[person as usize] = true;
    }
    let mut known: Vec<Vec<Known<'a>>> = vec![Vec::new(); partition.ids.len()];
    for (table, part) in plan.tables.iter().zip(&partition.tables) {
        for (column, cells) in table.columns.iter().zip(&part.table.columns) {
            let facts = &column.facts;
            let birth = facts.date == Some(DateKind::Birth);
            if !(facts.role.must_vanish() || facts.role == Role::ThirdParty || birth) {
                continue;
            }
            for (&code, &person) in cells.codes().iter().zip(&part.persons) {
                if code == MISSING || !here[person as usize] {
                    continue;
                }
                let text = cells.dictionary().text(code);
                let list = &mut known[person as usize];
                if !facts.is_special(text) && !list.iter().any(|k| k.text == text) {
                    list.push(Known { facts, text });
                }
            }
        }
    }
    known
}

/// Applies the frozen treatments of one release to a partition (already restricted to the persons of that release).
/// Removals that techniques ask for are carried out in `surviving`.
#[must_use]
pub fn apply(
    plan: &Plan,
    treatments: &Treatments,
    partition: &Partition,
    kind: Kind,
    secrets: &dyn Secrets,
    everyone: Option<&Everyone>,
    surviving: &mut Surviving,
) -> Applied {
    let cells: Vec<ColumnAt> = plan.columns_at().collect();
    let tokens = key_tokens(plan, partition, kind, secrets);
    let treating = Treating { plan, partition, secrets, tokens: &tokens, everyone };
    let released: Vec<_> = (0..plan.tables.len()).map(|t| released(plan, t, kind)).collect();
    let mut outputs: Vec<Option<Output>> = cells
        .par_iter()
        .map(|&at| {
            let ColumnAt { table: t, column: c } = at;
            let planned = plan.column(at).treatment(kind);
            let treatment = &treatments[t][c];
            if planned.output.is_none() && !treatment.shows().removes_rows() {
                return None;
            }
            let facts = &plan.column(at).facts;
            let mut output = timings::of_column("apply", &facts.table, &facts.column, || {
                treating.with_input(at, planned, |input| treatment.apply(input))
            });
            if treatment.unfit().is_some() {
                output.tally.emptied = output.tally.suppressed;
            }
            // Counted is what will stand in the file: `1.0` and `1` are one number there.
            if let Some(r) = released[t].iter().find(|r| r.column == c) {
                output.cells = typed::canonical_cells(facts, r, &output.cells);
            }
            Some(output)
        })
        .collect();
    let mut removal = Removal::default();
    let mut tables = Vec::with_capacity(plan.tables.len());
    let mut next = outputs.drain(..);
    for (t, table) in plan.tables.iter().enumerate() {
        let rows = partition.tables[t].table.rows as u64;
        let mut columns = Vec::with_capacity(table.columns.len());
        let mut tallies = Vec::with_capacity(table.columns.len());
        let mut marks = Vec::with_capacity(table.columns.len());
        for column in &table.columns {
            match next.next().flatten() {
                Some(output) => {
                    removal.rows.extend(output.remove_rows.iter().map(|&r| (t, r)));
                    removal.stays.extend(output.remove_stays.iter().map(|&r| (t, r)));
                    removal.persons.extend(output.remove_persons.iter().copied());
                    tallies.push(output.tally);
                    marks.push(output.marks);
                    columns.push(column.treatment(kind).output.map(|_| output.cells));
                }
                None => {
                    tallies.push(Tally { seen: rows, suppressed: rows, ..Tally::default() });
                    marks.push(Marks::default());
                    columns.push(None);
                }
            }
        }
        tables.push(AppliedTable { columns, tallies, marks });
    }
    removal.carry_out(plan, partition, surviving);
    Applied { tables, tokens }
}

/// The tokens of the persons, and of the keys that several tables show.
fn key_tokens(plan: &Plan, partition: &Partition, kind: Kind, secrets: &dyn Secrets) -> KeyTokens {
    let mut tokens = KeyTokens::default();
    tokens.add(plan.person_key.as_str(), &partition.ids, secrets);
    let columns = plan.tables.iter().flat_map(|t| &t.columns);
    for purpose in columns.filter_map(|c| c.treatment(kind).treatment.needs().draws) {
        tokens.draw(purpose, &partition.ids, secrets);
    }
    let shown: Vec<_> = plan
        .tables
        .iter()
        .zip(&partition.tables)
        .flat_map(|(table, part)| table.columns.iter().map(move |column| (table, part, column)))
        .filter_map(|(table, part, column)| {
            let planned = column.treatment(kind);
            let key = column
                .key
                .filter(|_| planned.output.is_some() && planned.treatment.needs().identity)?;
            Some((table.keys[key].name.as_str(), part.identities[key].dictionary()))
        })
        .collect();
    for (at, (name, identities)) in shown.iter().enumerate() {
        let same = |(other, there): &(&str, &Arc<Dictionary>)| {
            other == name && Arc::ptr_eq(there, identities)
        };
        if shown[at + 1..].iter().any(same) {
            tokens.add(name, identities, secrets);
        }
    }
    tokens
}

/// Rows to remove, with what follows from it.
#[derive(Debug, Default)]
pub struct Removal {
    /// Table and row: the row goes, with its child rows.
    pub rows: Vec<(usize, u32)>,
    /// Table and row: the stay of the row goes with all its rows.
    pub stays: Vec<(usize, u32)>,
    /// Persons: all their rows go.
    pub persons: Vec<u32>,
}

impl Removal {
    /// Marks a row, or its person where the policy suppresses persons.
    pub fn mark(&mut self, plan: &Plan, partition: &Partition, table: usize, row: u32) {
        match plan.suppress.unit {
            Unit::Cell | Unit::Row => self.rows.push((table, row)),
            Unit::Person => self.persons.push(partition.tables[table].persons[row as usize]),
        }
    }

    /// Removes the rows, their child rows (rows of other tables with a key that a removed row owns), and the persons.
    pub fn carry_out(self, plan: &Plan, partition: &Partition, surviving: &mut Surviving) {
        let mut dead_persons = vec![false; partition.ids.len()];
        let mut any_person = !self.persons.is_empty();
        for &person in &self.persons {
            dead_persons[person as usize] = true;
        }
        // Rows whose children must still be looked at.
        let mut pending: Vec<(usize, u32)> = Vec::new();
        for (t, row) in self.rows {
            if std::mem::replace(&mut surviving.rows[t][row as usize], false) {
                pending.push((t, row));
            }
        }
        // A stay is the first key of the table that is not the person's.
        let mut dead_keys: Vec<(String, usize, usize, u32)> = Vec::new();
        for (t, row) in self.stays {
            let table = &plan.tables[t];
            match (0..table.keys.len()).find(|&k| k != table.person_key) {
                Some(k) => dead_keys.push((table.keys[k].name.as_str().to_owned(), t, k, row)),
                None => {
                    if std::mem::replace(&mut surviving.rows[t][row as usize], false) {
                        pending.push((t, row));
                    }
                }
            }
        }
        loop {
            for (t, row) in pending.drain(..) {
                match plan.tables[t].grain {
                    Grain::Person => {
                        any_person = true;
                        dead_persons[partition.tables[t].persons[row as usize] as usize] = true;
                    }
                    Grain::Key(k) => {
                        dead_keys.push((plan.tables[t].keys[k].name.as_str().to_owned(), t, k, row))
                    }
                    Grain::Event => {}
                }
            }
            if dead_keys.is_empty() {
                break;
            }
            let batch = std::mem::take(&mut dead_keys);
            let mut names: Vec<&str> = batch.iter().map(|(name, ..)| name.as_str()).collect();
            names.sort_unstable();
            names.dedup();
            for name in names {
                let mut dead: hashbrown::HashSet<(&str, u32)> = hashbrown::HashSet::new();
                for (_, t, k, row) in batch.iter().filter(|(n, ..)| n == name) {
                    let part = &partition.tables[*t];
                    if let Some(id) = part.identities[*k].text(*row as usize) {
                        dead.insert((id, part.persons[*row as usize]));
                    }
                }
                for (t, table) in plan.tables.iter().enumerate() {
                    let Some(k) = table.keys.iter().position(|key| key.name.as_str() == name)
                    else {
                        continue;
                    };
                    let part = &partition.tables[t];
                    let identity = &part.identities[k];
                    // Only codes that occur in a dead identity can match: most rows are passed over by one look.
                    let texts: hashbrown::HashSet<&str> = dead.iter().map(|(id, _)| *id).collect();
                    let candidate: Vec<bool> =
                        identity.dictionary().texts().map(|text| texts.contains(text)).collect();
                    for (row, &code) in identity.codes().iter().enumerate() {
                        if code != MISSING
                            && candidate[code as usize]
                            && surviving.rows[t][row]
                            && dead.contains(&(identity.dictionary().text(code), part.persons[row]))
                        {
                            surviving.rows[t][row] = false;
                            pending.push((t, row as u32));
                        }
                    }
                }
            }
            if pending.is_empty() {
                break;
            }
        }
        if any_person {
            for (t, part) in partition.tables.iter().enumerate() {
                for (row, &person) in part.persons.iter().enumerate() {
                    if dead_persons[person as usize] {
                        surviving.rows[t][row] = false;
                    }
                }
            }
        }
    }
}
