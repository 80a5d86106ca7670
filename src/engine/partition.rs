//! A partition: all rows, of all tables, of the persons in it.

use std::borrow::Cow;
use std::sync::Arc;

use rayon::prelude::*;

use crate::frame::{Column, Dictionary, Interner, MISSING, Table};
use crate::plan::{DateRef, Join, Plan};
use crate::schema::{ByKind, Kind};

/// The rows of one table in a partition.
#[derive(Clone, Debug)]
pub struct TablePart {
    /// The cells.
    pub table: Table,
    /// The normalized identity of each key of the table, in the order of the plan's keys.
    pub identities: Vec<Column>,
    /// Where each row stood in the source, for a long table that is released in that order: [`super::source_position`]; else empty.
    pub positions: Vec<Column>,
    /// The folder of each row, normalized, where codes are unique within one; else empty.
    pub folders: Vec<Column>,
    /// The person of each row: an index into [`Partition::ids`].
    pub persons: Vec<u32>,
}

/// All rows of some persons.
#[derive(Clone, Debug)]
pub struct Partition {
    /// The tables in plan order.
    pub tables: Vec<TablePart>,
    /// The normalized identities of the persons.
    pub ids: Arc<Dictionary>,
    /// For each release kind: whether each person may be in it.
    pub eligible: ByKind<Vec<bool>>,
}

impl Partition {
    /// Makes a partition from tables whose identities (and behind them, positions) are known. `excluded(kind, id)` says who must not be in a release.
    pub fn assemble(
        plan: &Plan,
        mut parts: Vec<(Table, Vec<Column>)>,
        excluded: &(dyn Fn(Kind, &str) -> bool + Sync),
    ) -> Partition {
        share_keys(plan, &mut parts);
        let mut interner = Interner::new();
        let mut tables: Vec<TablePart> = Vec::with_capacity(parts.len());
        for (index, (table, mut identities)) in parts.into_iter().enumerate() {
            let mut positions = identities.split_off(plan.tables[index].keys.len());
            let folders = if plan.tables[index].foldered() {
                positions.split_off(positions.len().saturating_sub(1))
            } else {
                Vec::new()
            };
            let key = &identities[plan.tables[index].person_key];
            let mut map = vec![MISSING; key.dictionary().len()];
            let persons = key
                .codes()
                .iter()
                .map(|&code| {
                    // Intake lets no row without a person key pass.
                    let slot = &mut map[code as usize];
                    if *slot == MISSING {
                        *slot = interner.intern(key.dictionary().text(code));
                    }
                    *slot
                })
                .collect();
            tables.push(TablePart { table, identities, positions, folders, persons });
        }
        let ids = Arc::new(interner.finish());
        for (part, table) in tables.iter_mut().zip(&plan.tables) {
            // The persons are the codes of their identities: what is made once for each serves all tables.
            part.identities[table.person_key] = Column::new(part.persons.clone(), Arc::clone(&ids));
        }
        let eligible =
            ByKind::of(|kind| ids.texts().map(|id| !excluded(kind, id)).collect::<Vec<_>>());
        Partition { tables, ids, eligible }
    }

    /// All columns, to be written to the disk: of each table those of its cells, its identities, positions and folders.
    #[must_use]
    pub fn columns(&self) -> Vec<&Column> {
        self.tables
            .iter()
            .flat_map(|part| {
                let beside = part.identities.iter().chain(&part.positions).chain(&part.folders);
                part.table.columns.iter().chain(beside)
            })
            .collect()
    }

    /// A partition from [`Self::columns`]; none if they are not those of the plan.
    pub fn from_columns(
        plan: &Plan,
        columns: Vec<Column>,
        excluded: &(dyn Fn(Kind, &str) -> bool + Sync),
    ) -> Option<Partition> {
        let mut columns = columns.into_iter();
        let mut tables = Vec::with_capacity(plan.tables.len());
        let mut ids: Option<Arc<Dictionary>> = None;
        for table in &plan.tables {
            let mut some = |count: usize| -> Option<Vec<Column>> {
                let some: Vec<Column> = columns.by_ref().take(count).collect();
                (some.len() == count).then_some(some)
            };
            let cells = some(table.columns.len())?;
            let identities = some(table.keys.len())?;
            let positions = some(if table.keeps_source_position() {
                super::source_position::WIDTH
            } else {
                0
            })?;
            let folders = some(usize::from(table.foldered()))?;
            let key = identities.get(table.person_key)?;
            // The persons of all tables are numbered by one dictionary.
            let known = ids.get_or_insert_with(|| Arc::clone(key.dictionary()));
            Arc::ptr_eq(known, key.dictionary()).then_some(())?;
            let persons = key.codes().to_vec();
            let table = Table { rows: persons.len(), columns: cells };
            tables.push(TablePart { table, identities, positions, folders, persons });
        }
        let ids = ids?;
        let eligible =
            ByKind::of(|kind| ids.texts().map(|id| !excluded(kind, id)).collect::<Vec<_>>());
        columns.next().is_none().then_some(Partition { tables, ids, eligible })
    }

    /// The rows of those persons who may be in a release of this kind.
    #[must_use]
    pub fn of_kind(&self, kind: Kind) -> Cow<'_, Partition> {
        let eligible = &self.eligible[kind];
        if eligible.iter().all(|&e| e) {
            return Cow::Borrowed(self);
        }
        let tables = self
            .tables
            .par_iter()
            .map(|part| {
                let rows: Vec<u32> = (0..part.table.rows as u32)
                    .filter(|&row| eligible[part.persons[row as usize] as usize])
                    .collect();
                part.take(&rows)
            })
            .collect();
        Cow::Owned(Partition {
            tables,
            ids: Arc::clone(&self.ids),
            eligible: self.eligible.clone(),
        })
    }

    /// The dates that a treatment asks for: days since 1970-01-01, one a row of `table`.
    #[must_use]
    pub fn dates(&self, table: usize, reference: &DateRef) -> Vec<Option<i32>> {
        let there = &self.tables[reference.table];
        let days = column_days(&there.table.columns[reference.column]);
        let here = &self.tables[table];
        match reference.join {
            Join::SameRow => days,
            Join::Key { here: key_here, there: key_there }
            | Join::KeySet { here: key_here, there: key_there } => {
                let found = self.rows_by_key(table, key_here, reference.table, key_there);
                found.into_iter().map(|row| row.and_then(|row| days[row as usize])).collect()
            }
            Join::Person | Join::Beside(_) => {
                let mut earliest: Vec<Option<i32>> = vec![None; self.ids.len()];
                for (row, day) in days.iter().enumerate() {
                    if let Some(day) = *day {
                        let slot = &mut earliest[there.persons[row] as usize];
                        *slot = Some(slot.map_or(day, |old| old.min(day)));
                    }
                }
                here.persons.iter().map(|&person| earliest[person as usize]).collect()
            }
        }
    }

    /// Numbers for the rows of two tables, the same for rows that have the same key and person ([`MISSING`] without a key), and
    /// how many numbers there are.
    #[must_use]
    pub fn groups_by_key(
        &self,
        here: usize,
        key_here: usize,
        there: usize,
        key_there: usize,
    ) -> (Vec<u32>, Vec<u32>, usize) {
        let (a, b) = (&self.tables[here], &self.tables[there]);
        let shared = Column::shared(&[&a.identities[key_here], &b.identities[key_there]]);
        let count = shared[0].dictionary().len();
        // Nearly always a key is of one person; the others get numbers behind.
        let mut first = vec![MISSING; count];
        let mut others: hashbrown::HashMap<(u32, u32), u32> = hashbrown::HashMap::new();
        let mut number = |codes: &[u32], persons: &[u32]| -> Vec<u32> {
            codes
                .iter()
                .zip(persons)
                .map(|(&code, &person)| {
                    if code == MISSING {
                        return MISSING;
                    }
                    let of = &mut first[code as usize];
                    if *of == MISSING {
                        *of = person;
                    }
                    if *of == person {
                        return code;
                    }
                    let next = (count + others.len()) as u32;
                    *others.entry((code, person)).or_insert(next)
                })
                .collect()
        };
        let groups_here = number(shared[0].codes(), &a.persons);
        let groups_there = number(shared[1].codes(), &b.persons);
        let count = count + others.len();
        (groups_here, groups_there, count)
    }

    /// For each row of table `here`: the first row of table `there` that has the same key and person.
    #[must_use]
    pub fn rows_by_key(
        &self,
        here: usize,
        key_here: usize,
        there: usize,
        key_there: usize,
    ) -> Vec<Option<u32>> {
        let (a, b) = (&self.tables[here], &self.tables[there]);
        let (ka, kb) = (&a.identities[key_here], &b.identities[key_there]);
        // Keys that several tables have are numbered alike in all of them; others are brought together here.
        let shared;
        let (codes_a, codes_b, count) = if Arc::ptr_eq(ka.dictionary(), kb.dictionary()) {
            (ka.codes(), kb.codes(), ka.dictionary().len())
        } else {
            shared = Column::shared(&[ka, kb]);
            (shared[0].codes(), shared[1].codes(), shared[0].dictionary().len())
        };
        // Nearly always a key is of one person; of the others the first row of each is kept apart.
        let mut first = vec![MISSING; count];
        let mut others: hashbrown::HashMap<(u32, u32), u32> = hashbrown::HashMap::new();
        for (row, &code) in codes_b.iter().enumerate().filter(|&(_, &code)| code != MISSING) {
            let slot = &mut first[code as usize];
            if *slot == MISSING {
                *slot = row as u32;
            } else if b.persons[*slot as usize] != b.persons[row] {
                others.entry((code, b.persons[row])).or_insert(row as u32);
            }
        }
        codes_a
            .iter()
            .zip(&a.persons)
            .map(|(&code, &person)| {
                if code == MISSING {
                    return None;
                }
                match first[code as usize] {
                    MISSING => None,
                    row if b.persons[row as usize] == person => Some(row),
                    _ => others.get(&(code, person)).copied(),
                }
            })
            .collect()
    }
}

/// Gives the identities of a key that several tables have (a stay) one dictionary.
fn share_keys(plan: &Plan, parts: &mut [(Table, Vec<Column>)]) {
    let mut places: std::collections::BTreeMap<&str, Vec<(usize, usize)>> = Default::default();
    for (t, table) in plan.tables.iter().enumerate().take(parts.len()) {
        for (k, key) in table.keys.iter().enumerate().filter(|&(k, _)| k != table.person_key) {
            places.entry(key.name.as_str()).or_default().push((t, k));
        }
    }
    for places in places.into_values().filter(|places| places.len() > 1) {
        let columns: Vec<&Column> = places.iter().map(|&(t, k)| &parts[t].1[k]).collect();
        for ((t, k), column) in places.into_iter().zip(Column::shared(&columns)) {
            parts[t].1[k] = column;
        }
    }
}

impl TablePart {
    /// The rows with the given numbers.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> TablePart {
        TablePart {
            table: Table {
                rows: rows.len(),
                columns: self.table.columns.iter().map(|c| c.take(rows)).collect(),
            },
            identities: self.identities.iter().map(|c| c.take(rows)).collect(),
            positions: self.positions.iter().map(|c| c.take(rows)).collect(),
            folders: self.folders.iter().map(|c| c.take(rows)).collect(),
            persons: rows.iter().map(|&row| self.persons[row as usize]).collect(),
        }
    }
}

/// The days of a date column: each distinct text is read once.
#[must_use]
pub fn column_days(column: &Column) -> Vec<Option<i32>> {
    let days = column.dictionary().days();
    column
        .codes()
        .iter()
        .map(|&code| if code == MISSING { None } else { days[code as usize] })
        .collect()
}
