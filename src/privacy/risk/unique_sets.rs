//! Minimal sets of columns by which nearly everybody is unique: candidates for quasi-identifiers.

use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;

use super::Doc;
use super::figure::{Figure, Subject, Told};
use super::groups::Groups;
use super::subsets;
use crate::error::Result;

/// What this figure is.
pub const DOC: Doc = Doc {
    name: "unique-sets",
    title: "Minimal unique column sets",
    title_ja: "極小一意列集合",
    definition: "sets of columns by which at least the given share of the rows belongs to one person only, none of whose parts does that",
    definition_ja: "指定割合以上の行が一人だけに属し、どの部分集合もそうならない列集合",
    source: "unique column combinations: Sismanis et al., GORDIAN, VLDB 2006; quasi-identifiers from data: Motwani & Xu 2007",
    limits: "says what singles out, not what an attacker knows; up to the given size only",
    limits_ja: "何が人を特定するかであって、攻撃者が何を知るかではない。指定した大きさまで",
};

/// A set of columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct UniqueSet {
    /// The columns, ascending.
    pub columns: Vec<usize>,
    /// Share of the rows that belong to one person only, 0 to 1.
    pub unique: f64,
}

/// The minimal sets of up to `most` columns whose share of unique rows is at least `share`, ordered by size, then by columns.
/// `columns` are codes by row (missing is a value of its own), `persons` names the person of each row.
#[must_use]
pub fn unique_sets(columns: &[&[u32]], persons: &[u32], most: usize, share: f64) -> Vec<UniqueSet> {
    // No set has more distinct tuples than the product of its columns' values, and no more rows are unique than
    // tuples times the rows of a person.
    let cards: Vec<f64> = columns
        .par_iter()
        .map(|codes| {
            let mut codes = codes.to_vec();
            codes.sort_unstable();
            codes.dedup();
            codes.len() as f64
        })
        .collect();
    let mut sorted = persons.to_vec();
    sorted.sort_unstable();
    let rows_a_person =
        sorted.chunk_by(|a, b| a == b).map(<[u32]>::len).max().unwrap_or_default() as f64;
    let rows = persons.len() as f64;
    let needed = share * rows;
    let search = Search { columns, persons, most, needed, rows, rows_a_person, cards: &cards };
    let start = Groups::whole(persons.len());
    let mut found: Vec<UniqueSet> = (0..columns.len())
        .into_par_iter()
        .flat_map_iter(|c| search.extend(&start, 0, &[], 1.0, c))
        .collect();
    found.sort_by(|a, b| {
        a.columns.len().cmp(&b.columns.len()).then_with(|| a.columns.cmp(&b.columns))
    });
    let mut minimal: Vec<UniqueSet> = Vec::new();
    for set in found {
        if !minimal.iter().any(|less| less.columns.iter().all(|c| set.columns.contains(c))) {
            minimal.push(set);
        }
    }
    minimal
}

struct Search<'a> {
    columns: &'a [&'a [u32]],
    persons: &'a [u32],
    most: usize,
    needed: f64,
    rows: f64,
    rows_a_person: f64,
    cards: &'a [f64],
}

impl Search<'_> {
    /// Adds a column. `settled` rows are alone already and left the groups.
    fn extend(
        &self,
        groups: &Groups,
        settled: u64,
        chosen: &[usize],
        tuples: f64,
        column: usize,
    ) -> Vec<UniqueSet> {
        let mut columns = chosen.to_vec();
        columns.push(column);
        let tuples = tuples * self.cards[column];
        let last = columns.len() >= self.most;
        let mut alone = settled;
        // A last set with too few tuples needs no look.
        if last && tuples * self.rows_a_person < self.needed {
            return Vec::new();
        }
        let parts = groups.refine(self.columns[column], &mut |part, _| {
            let first = self.persons[part[0] as usize];
            if part[1..].iter().all(|&row| self.persons[row as usize] == first) {
                alone += part.len() as u64;
                return false;
            }
            !last
        });
        if alone as f64 >= self.needed {
            return vec![UniqueSet { columns, unique: alone as f64 / self.rows }];
        }
        if last {
            return Vec::new();
        }
        (column + 1..self.columns.len())
            .flat_map(|next| self.extend(&parts, alone, &columns, tuples, next))
            .collect()
    }
}

/// The figure for the registry.
pub(super) struct Proposals;

impl Figure for Proposals {
    fn docs(&self) -> &'static [&'static Doc] {
        &[&DOC]
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let Some(open) = &of.open else { return Ok(()) };
        told.section(&DOC);
        let (share, persons) = (open.share, open.persons);
        let codes = |c: usize| open.columns[c].1;
        let mut found = Vec::new();
        let mut rest = Vec::new();
        for place in 0..open.columns.len() {
            match unique_sets(&[codes(place)], persons, 1, share).first() {
                Some(set) => found.push((vec![place], set.unique)),
                None => rest.push(place),
            }
        }
        // Larger sets of many columns are too many to look at.
        let mut most = of.set_size;
        let cost = |most| subsets::count(rest.len(), most).saturating_mul(persons.len() as u64);
        while most > 1 && cost(most) > 20_000_000_000 {
            most -= 1;
        }
        if most > 1 {
            let columns: Vec<&[u32]> = rest.iter().map(|&c| codes(c)).collect();
            let sets = unique_sets(&columns, persons, most, share);
            found.extend(
                sets.into_iter().map(|s| (s.columns.iter().map(|&c| rest[c]).collect(), s.unique)),
            );
        }
        let percent = 100.0 * share;
        told.text(format!(
            "  sets of up to {most} columns by which at least {percent} % of the rows belong to one person:",
        ));
        if found.is_empty() {
            told.text("    none; try a lower --unique-share or a larger --set-size");
        }
        let names = |columns: &[usize]| -> Vec<&str> {
            columns.iter().map(|&c| open.columns[c].0).collect()
        };
        for (columns, unique) in found.iter().take(50) {
            told.figure(names(columns).join(", "), format!("{unique:.4}"));
        }
        if found.len() > 50 {
            told.text(format!("    … and {} more (--json lists all)", found.len() - 50));
        }
        told.text("  A single column is an identifier. For the others: name what an attacker may know with --quasi.");
        told.put("largest_set", most);
        let sets = found.iter();
        let sets =
            sets.map(|(columns, unique)| json!({ "columns": names(columns), "unique": unique }));
        told.put("unique_sets", sets.collect::<Vec<_>>());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::View;
    use crate::risk::subsets::subsets;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn they_are_the_minimal_ones_among_all(rows in proptest::collection::vec((0..4_u32, 0..3_u32, 0..3_u32, 0..9_u32), 1..14), share in 0.3..1.0_f64) {
            let columns = vec![rows.iter().map(|r| r.0).collect(), rows.iter().map(|r| r.1).collect::<Vec<_>>(), rows.iter().map(|r| r.2).collect()];
            let view = View::new(columns, &[4, 3, 3], rows.iter().map(|r| r.3).collect::<Vec<_>>()).unwrap();
            let all: Vec<_> = subsets(&view, 0).unwrap().into_iter().filter(|s| s.unique >= share - 1e-12).collect();
            let minimal: Vec<Vec<usize>> = all.iter().map(|s| s.columns.clone())
                .filter(|s| !all.iter().any(|l| l.columns != *s && l.columns.iter().all(|c| s.contains(c)))).collect();
            let found: Vec<Vec<usize>> = unique_sets(&view.columns().iter().map(|c| &**c).collect::<Vec<_>>(), view.persons(), 3, share).into_iter().map(|s| s.columns).collect();
            prop_assert_eq!(found, minimal);
        }
    }
}
