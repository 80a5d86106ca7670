//! Sets of items a person in freeze: which items of the anonymized release must go so that no m known items single out fewer
//! than k persons.

use serde::Serialize;

use crate::apply::{Alive, Applied};
use crate::error::{Error, Result};
use crate::frame::{Interner, MISSING};
use crate::partition::Partition;
use crate::plan::{Plan, SetPlan};
use crate::privacy::model::k_m::{self, ItemSets, OfSize};
use crate::{note, say};

/// Violating combinations that are held in memory at most (about 64 bytes each).
const MOST: usize = 4_000_000;

/// One set before and after.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SetOutcome {
    /// Rows of the set's table before suppression.
    pub rows: u64,
    /// Rows of it that went, for this set or for anything else, and cells of the column that were blanked.
    pub suppressed: u64,
    /// Items before suppression for the set.
    pub items: u64,
    /// Items of which all rows went for the set.
    pub items_suppressed: u64,
    /// Combinations before suppression for the set, by number of items.
    #[serde(skip)]
    pub before: Vec<OfSize>,
}

/// The items of one set over all partitions: 8 bytes a row here, and 12 bytes an entry and person while combinations are
/// counted, beside each text once.
pub struct Items<'a> {
    plan: &'a Plan,
    set: &'a SetPlan,
    texts: Interner,
    person: Vec<u32>,
    item: Vec<u32>,
    persons: u32,
}

impl<'a> Items<'a> {
    /// No items yet.
    #[must_use]
    pub fn new(plan: &'a Plan, set: &'a SetPlan) -> Self {
        Items {
            plan,
            set,
            texts: Interner::new(),
            person: Vec::new(),
            item: Vec::new(),
            persons: 0,
        }
    }

    /// Adds the rows of a partition that are there; gives the item of each row of the table ([`MISSING`] for none).
    pub fn add(&mut self, partition: &Partition, applied: &Applied, alive: &Alive) -> Vec<u32> {
        let SetPlan { table, column, .. } = *self.set;
        let part = &partition.tables[table];
        let mut items = vec![MISSING; part.table.rows];
        if let Some(cells) = &applied.tables[table].columns[column] {
            let map: Vec<u32> =
                cells.dictionary().texts().map(|text| self.texts.intern(text)).collect();
            let bit = crate::freeze::blank_bit(self.plan, table, column);
            for (row, slot) in items.iter_mut().enumerate() {
                let blanked = bit.is_some_and(|b| alive.blanked[table][row] >> b & 1 == 1);
                let code = cells.codes()[row];
                if alive.rows[table][row] && !blanked && code != MISSING {
                    *slot = map[code as usize];
                    self.person.push(self.persons + part.persons[row]);
                    self.item.push(*slot);
                }
            }
        }
        self.persons += partition.ids.len() as u32;
        items
    }

    /// The items that must go (none if the set holds), and what was counted.
    ///
    /// # Errors
    /// `C0104` if too many combinations violate for them to be held in memory.
    pub fn judge(self) -> Result<Judged> {
        let SetPlan { m, k, ref name, .. } = *self.set;
        let texts = self.texts.finish();
        let sets = ItemSets::new(&self.person, &self.item, self.persons, texts.len() as u32)?;
        drop((self.person, self.item));
        note!(
            debug,
            "set counted",
            set = name,
            entries = sets.entries(),
            megabytes = (sets.entries() * 8 + sets.persons() * 16) >> 20
        );
        let found = k_m::check(&sets, m, k)?;
        let present = sets.supports().iter().filter(|&&s| s > 0).count() as u64;
        let mut judged = Judged {
            sizes: found.sizes.clone(),
            items: present,
            go: Vec::new(),
            names: Vec::new(),
        };
        if found.holds() {
            return Ok(judged);
        }
        let Some(go) = k_m::items_to_suppress(&sets, m, k, MOST)? else {
            return Err(Error::refused(
                "C0104",
                say!(
                    "set `{}`: more than {} combinations of up to {} items belong to fewer than {} persons",
                    name,
                    MOST,
                    m,
                    k
                ),
            )
            .advice(say!("coarser codes for the column of the set (a level of its hierarchy, `rare`), or a smaller m")));
        };
        judged.names = go.iter().map(|&item| texts.text(item).to_owned()).collect();
        judged.names.sort();
        judged.go = vec![false; texts.len()];
        for item in go {
            judged.go[item as usize] = true;
        }
        Ok(judged)
    }
}

/// What was found of a set.
pub struct Judged {
    /// Combinations by number of items.
    pub sizes: Vec<OfSize>,
    /// Items that somebody has.
    pub items: u64,
    /// By item: whether its rows must go; empty if the set holds.
    pub go: Vec<bool>,
    /// The items that must go, sorted.
    pub names: Vec<String>,
}

impl Judged {
    /// What the record says before anything went for the set.
    #[must_use]
    pub fn outcome(&self) -> SetOutcome {
        SetOutcome {
            rows: 0,
            suppressed: 0,
            items: self.items,
            items_suppressed: 0,
            before: self.sizes.clone(),
        }
    }
    /// Whether the row with this item must go.
    #[must_use]
    pub fn goes(&self, item: u32) -> bool {
        self.go.get(item as usize).copied().unwrap_or(false)
    }
}
