//! Sets of items a person in freeze: which items of the anonymized release must go so that no m known items single out fewer
//! than k persons.

use serde::{Deserialize, Serialize};

use crate::apply::{Applied, Surviving};
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

/// The items of one set over all batches: 8 bytes a row here, and 12 bytes an entry and person while combinations are counted,
/// beside each text once.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Items {
    texts: Interner,
    person: Vec<u32>,
    item: Vec<u32>,
    persons: u32,
}

/// The item of each row of a set's table that is there, as a code of `texts`; [`MISSING`] for none.
fn items_of(
    plan: &Plan,
    set: &SetPlan,
    applied: &Applied,
    surviving: &Surviving,
    texts: &mut Interner,
) -> Vec<u32> {
    let SetPlan { table, column, .. } = *set;
    let Some(cells) = &applied.tables[table].columns[column] else {
        return vec![MISSING; surviving.rows[table].len()];
    };
    let map: Vec<u32> = cells.dictionary().texts().map(|text| texts.intern(text)).collect();
    let bit = crate::freeze::blank_bit(plan, table, column);
    let item = |(row, &code): (usize, &u32)| {
        let blanked = bit.is_some_and(|b| surviving.blanked[table][row] >> b & 1 == 1);
        let there = surviving.rows[table][row] && !blanked && code != MISSING;
        if there { map[code as usize] } else { MISSING }
    };
    cells.codes().iter().enumerate().map(item).collect()
}

/// The rows of a set's table that are there and have one of some items.
#[must_use]
pub fn rows_with(
    plan: &Plan,
    set: &SetPlan,
    applied: &Applied,
    surviving: &Surviving,
    items: &[String],
) -> Vec<u32> {
    let mut texts = Interner::new();
    for item in items {
        texts.intern(item);
    }
    let found = items_of(plan, set, applied, surviving, &mut texts);
    (0..found.len() as u32).filter(|&row| (found[row as usize] as usize) < items.len()).collect()
}

impl Items {
    /// Adds the rows of a batch that are there.
    pub fn add(
        &mut self,
        plan: &Plan,
        set: &SetPlan,
        partition: &Partition,
        applied: &Applied,
        surviving: &Surviving,
    ) {
        let items = items_of(plan, set, applied, surviving, &mut self.texts);
        let rows = partition.tables[set.table].persons.iter().zip(items);
        for (&person, item) in rows.filter(|(_, item)| *item != MISSING) {
            self.person.push(self.persons + person);
            self.item.push(item);
        }
        self.persons += partition.ids.len() as u32;
    }

    /// Takes in the items of other persons.
    pub fn merge(&mut self, other: &Items) {
        let map = self.texts.renumbered(&other.texts);
        self.item.extend(other.item.iter().map(|&item| map[item as usize]));
        self.person.extend(other.person.iter().map(|&person| self.persons + person));
        self.persons += other.persons;
    }

    /// Whether it is what such a thing is, after a journey.
    #[must_use]
    pub fn sound(&self) -> bool {
        self.person.len() == self.item.len()
            && self.person.iter().all(|&person| person < self.persons)
            && self.item.iter().all(|&item| (item as usize) < self.texts.dictionary().len())
    }

    /// The items that must go (none if the set holds), and what was counted.
    ///
    /// # Errors
    /// `C0104` if too many combinations violate for them to be held in memory.
    pub fn judge(self, set: &SetPlan) -> Result<Judged> {
        let SetPlan { m, k, ref name, .. } = *set;
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
        let mut judged = Judged { sizes: found.sizes.clone(), items: present, names: Vec::new() };
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
        Ok(judged)
    }
}

/// What was found of a set.
pub struct Judged {
    /// Combinations by number of items.
    pub sizes: Vec<OfSize>,
    /// Items that somebody has.
    pub items: u64,
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
}
