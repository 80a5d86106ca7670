//! Within what a code means the same. A doctor's `0001` is unique within a hospital, as a patient's number is: where the person's
//! key has a facility before the number, such codes belong to it. Where the number of a person is the same at all hospitals, the codes
//! belong to the facility that stands in their rows.

use std::collections::BTreeSet;

use super::model::{ColumnPlan, ScopePlan, TablePlan};
use crate::schema::{Kind, names};

/// What the tables say of the domains of tokens.
pub(super) struct Scopes {
    /// Domains of columns that stand before the last in a key: a facility is not local to itself.
    global: BTreeSet<String>,
    /// By table: the column that says at which hospital a row was made, if exactly one does.
    facilities: Vec<Option<usize>>,
    /// Domains of codes that stand in a table without such a column too: they must be found again there.
    everywhere: BTreeSet<String>,
}

/// The column of a table that says at which hospital a row was made.
fn facility(table: &TablePlan) -> Option<usize> {
    let own = |c: &ColumnPlan| {
        let called = [Some(&c.facts.column), c.alias.as_ref()];
        called.into_iter().flatten().any(|name| names::is_own_facility(name.as_str()))
    };
    let all: Vec<usize> = (0..table.columns.len()).filter(|&c| own(&table.columns[c])).collect();
    // The code of a hospital beside its name is the hospital.
    let code = |&c: &usize| {
        let called = table.columns[c].facts.column.as_str().to_lowercase();
        !["名", "名称", "name"].iter().any(|tail| called.ends_with(tail))
    };
    let codes: Vec<usize> = all.iter().copied().filter(code).collect();
    match (all.as_slice(), codes.as_slice()) {
        (&[one], _) | (_, &[one]) => Some(one),
        _ => None,
    }
}

impl Scopes {
    pub(super) fn of(tables: &[TablePlan]) -> Self {
        let mut global = BTreeSet::new();
        let facilities: Vec<Option<usize>> = tables.iter().map(facility).collect();
        let mut everywhere = BTreeSet::new();
        for (table, facility) in tables.iter().zip(&facilities) {
            let codes = table.columns.iter().enumerate().filter(|(c, _)| *facility != Some(*c));
            for (_, column) in codes {
                for kind in Kind::BOTH {
                    let needs = column.treatment(kind).treatment.needs();
                    let local = needs.identity && column.key.is_none();
                    everywhere.extend(needs.domain.filter(|_| local && facility.is_none()));
                }
            }
            for (c, column) in table.columns.iter().enumerate() {
                if column.key.is_some() || !table.keys.iter().any(|k| k.columns.contains(&c)) {
                    continue;
                }
                for kind in Kind::BOTH {
                    let needs = column.treatment(kind).treatment.needs();
                    global.extend(needs.domain.filter(|_| needs.identity));
                }
            }
        }
        Scopes { global, facilities, everywhere }
    }

    /// The scope of a column that says none.
    pub(super) fn local(
        &self,
        tables: &[TablePlan],
        t: usize,
        c: usize,
        domain: Option<&str>,
    ) -> ScopePlan {
        let table = &tables[t];
        let Some(person) = table.keys.get(table.person_key) else { return ScopePlan::default() };
        let before = person.columns.len().saturating_sub(1);
        if table.keys.iter().any(|k| k.columns.contains(&c)) || self.facilities[t] == Some(c) {
            return ScopePlan::default();
        }
        let folder = table.source.per_folder;
        let mut local = ScopePlan { columns: person.columns[..before].to_vec(), folder };
        let another_key =
            |d: &str| tables.iter().flat_map(|t| &t.keys).any(|k| k.name.as_str() == d);
        let found_again = domain.is_some_and(|d| self.everywhere.contains(d) || another_key(d));
        if before == 0 && !folder && !found_again {
            local.columns.extend(self.facilities[t]);
        }
        let Some(domain) = domain else { return local };
        if self.global.contains(domain) {
            return ScopePlan::default();
        }
        // The tokens of another key are found again only if they are made of as many parts.
        let key = tables.iter().flat_map(|t| &t.keys).find(|k| k.name.as_str() == domain);
        match key {
            Some(key) if key.columns.len() != before + 1 => {
                ScopePlan { columns: Vec::new(), folder: local.folder && key.columns.len() == 1 }
            }
            _ => local,
        }
    }
}
