//! Within what a code means the same. A doctor's `0001` is unique within a hospital, as a patient's number is: where the person's
//! key has a facility before the number, such codes belong to it.

use std::collections::BTreeSet;

use super::model::{ScopePlan, TablePlan};
use crate::schema::Kind;

/// What the tables say of the domains of tokens.
pub(super) struct Scopes {
    /// Domains of columns that stand before the last in a key: a facility is not local to itself.
    global: BTreeSet<String>,
}

impl Scopes {
    pub(super) fn of(tables: &[TablePlan]) -> Self {
        let mut global = BTreeSet::new();
        for table in tables {
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
        Scopes { global }
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
        let local = ScopePlan {
            columns: person.columns[..before].to_vec(),
            folder: table.source.per_folder,
        };
        if table.keys.iter().any(|k| k.columns.contains(&c)) {
            return ScopePlan::default();
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
