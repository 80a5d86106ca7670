//! Rows in groups that are refined column by column; what the searches over column sets share.

use crate::View;

/// An owner of several persons: never unique.
pub(super) const MANY: u32 = u32::MAX;

/// What is grouped: the classes of a view (equal rows are one item).
pub(super) struct Items {
    /// Codes by column and item.
    pub(super) codes: Vec<Vec<u32>>,
    /// The person to whom all rows of the item belong, or [`MANY`].
    pub(super) owner: Vec<u32>,
    /// Rows of each item.
    pub(super) rows: Vec<u64>,
    /// The item of each row.
    pub(super) of_row: Vec<u32>,
}

impl Items {
    pub(super) fn of(view: &View<'_>) -> Self {
        let (of_row, table) = view.assign();
        let mut codes = vec![Vec::with_capacity(table.len()); view.columns().len()];
        for item in 0..table.len() {
            for (column, code) in table.codes(item).into_iter().enumerate() {
                codes[column].push(code);
            }
        }
        let mut owner = vec![MANY; table.len()];
        for (&item, &person) in of_row.iter().zip(view.persons()) {
            if table.persons[item as usize] == 1 {
                owner[item as usize] = person;
            }
        }
        Items { codes, owner, rows: table.rows.clone(), of_row: of_row.clone() }
    }
    /// Whether all rows of a group belong to one person.
    pub(super) fn alone(&self, group: &[u32]) -> bool {
        let first = self.owner[group[0] as usize];
        first != MANY && group[1..].iter().all(|&i| self.owner[i as usize] == first)
    }
}

/// Groups of items.
#[derive(Clone, Debug, Default)]
pub(super) struct Groups {
    items: Vec<u32>,
    ends: Vec<u32>,
}

impl Groups {
    /// All items in one group.
    pub(super) fn whole(items: usize) -> Self {
        if items == 0 {
            return Groups::default();
        }
        Groups { items: (0..items as u32).collect(), ends: vec![items as u32] }
    }
    pub(super) fn len(&self) -> usize {
        self.items.len()
    }
    pub(super) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }
    fn each(&self) -> impl Iterator<Item = &[u32]> {
        let mut start = 0;
        self.ends.iter().map(move |&end| {
            let group = &self.items[start..end as usize];
            start = end as usize;
            group
        })
    }
    /// Splits every group by a column. `keep` sees each part and its code and says whether it goes into the result.
    pub(super) fn refine(
        &self,
        codes: &[u32],
        keep: &mut dyn FnMut(&[u32], u32) -> bool,
    ) -> Groups {
        let mut result = Groups::default();
        let mut pairs: Vec<u64> = Vec::new();
        let mut part: Vec<u32> = Vec::new();
        for group in self.each() {
            pairs.clear();
            pairs.extend(
                group.iter().map(|&item| (u64::from(codes[item as usize]) << 32) | u64::from(item)),
            );
            pairs.sort_unstable();
            for same in pairs.chunk_by(|a, b| a >> 32 == b >> 32) {
                part.clear();
                part.extend(same.iter().map(|&pair| pair as u32));
                if keep(&part, (same[0] >> 32) as u32) {
                    result.items.extend_from_slice(&part);
                    result.ends.push(result.items.len() as u32);
                }
            }
        }
        result
    }
}
