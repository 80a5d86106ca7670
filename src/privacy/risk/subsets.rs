//! Distinction and separation of every set of quasi-identifiers up to a size.

use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;

use super::Doc;
use super::figure::{Dear, Figure, Subject, Told};
use super::groups::{Groups, Items};
use crate::View;
use crate::error::{Error, Result};
use crate::say;

/// What this figure is.
pub const DOC: Doc = Doc {
    name: "subsets",
    title: "Distinction and separation",
    title_ja: "区別度と分離度",
    definition: "for each set of columns: distinct value tuples / rows; share of the pairs of rows that differ in at least one of the columns; share of the rows that belong to a single person",
    definition_ja: "列集合ごとに、異なる値の組 ÷ 行数、少なくとも一列で異なる行の対の割合、一人だけに属する行の割合",
    source: "Motwani & Xu, Efficient algorithms for masking and finding quasi-identifiers, VLDB 2007",
    limits: "of the columns given; a column that is left out is not judged",
    limits_ja: "与えた列についてのみ。外した列は評価されない",
};

/// The figures of a set of columns.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Subset {
    /// The columns, ascending.
    pub columns: Vec<usize>,
    /// Distinct tuples / rows, 0 to 1.
    pub distinction: f64,
    /// Share of pairs of rows that differ, 0 to 1.
    pub separation: f64,
    /// Share of the rows whose values belong to one person only.
    pub unique: f64,
}

/// Most sets that are listed.
pub const MOST_SETS: u64 = 1 << 20;

/// Sets of up to `most` of `columns` columns.
#[must_use]
pub fn count(columns: usize, most: usize) -> u64 {
    let mut total = 0_u64;
    let mut choose = 1_u64;
    for size in 1..=most.min(columns) {
        choose = choose.saturating_mul((columns - size + 1) as u64) / size as u64;
        total = total.saturating_add(choose);
    }
    total
}

/// The figures of every set of up to `most` columns (0: all), ordered by size, then by columns.
///
/// # Errors
/// `V0103` if there are more than [`MOST_SETS`].
pub fn subsets(view: &View<'_>, most: usize) -> Result<Vec<Subset>> {
    let columns = view.columns().len();
    let most = if most == 0 { columns } else { most.min(columns) };
    if columns >= 64 || count(columns, most) > MOST_SETS {
        return Err(Error::policy("V0103", say!("too many sets of {} columns", columns))
            .advice(say!("name fewer columns, or a smaller size")));
    }
    let items = Items::of(view);
    let rows = view.rows() as f64;
    let walk = Walk { items: &items, most, rows };
    let mut found = walk.descend(&Groups::whole(items.owner.len()), Settled::default(), 0, &[]);
    found.sort_by(|a, b| {
        a.columns.len().cmp(&b.columns.len()).then_with(|| a.columns.cmp(&b.columns))
    });
    Ok(found)
}

/// Groups that no further column can split: they are counted once and carried along.
#[derive(Clone, Copy, Default)]
struct Settled {
    classes: u64,
    pairs: f64,
    alone: u64,
}

struct Walk<'a> {
    items: &'a Items,
    most: usize,
    rows: f64,
}

impl Walk<'_> {
    fn descend(
        &self,
        groups: &Groups,
        settled: Settled,
        from: usize,
        chosen: &[usize],
    ) -> Vec<Subset> {
        if chosen.len() >= self.most {
            return Vec::new();
        }
        let child = |column: usize| {
            let mut settled = settled;
            let mut open = Settled::default();
            let parts = groups.refine(&self.items.codes[column], &mut |part, _| {
                let rows: u64 = part.iter().map(|&i| self.items.rows[i as usize]).sum();
                let into = if part.len() == 1 { &mut settled } else { &mut open };
                into.classes += 1;
                into.pairs += rows as f64 * (rows as f64 - 1.0);
                if self.items.alone(part) {
                    into.alone += rows;
                }
                part.len() > 1
            });
            let mut columns = chosen.to_vec();
            columns.push(column);
            let mut found = vec![Subset {
                distinction: (settled.classes + open.classes) as f64 / self.rows,
                separation: if self.rows > 1.0 {
                    1.0 - (settled.pairs + open.pairs) / (self.rows * (self.rows - 1.0))
                } else {
                    0.0
                },
                unique: (settled.alone + open.alone) as f64 / self.rows,
                columns: columns.clone(),
            }];
            found.extend(self.descend(&parts, settled, column + 1, &columns));
            found
        };
        let columns = from..self.items.codes.len();
        if groups.len() > 2048 {
            columns.into_par_iter().flat_map_iter(child).collect()
        } else {
            columns.flat_map(child).collect()
        }
    }
}

/// Largest sets that are listed: so many that a reader can look at them.
fn largest(of: &Subject<'_>) -> usize {
    let mut most = of.set_size;
    while most > 1 && count(of.names.len(), most) > 100_000 {
        most -= 1;
    }
    most
}

/// The figure for the registry.
pub(super) struct Sets;

impl Figure for Sets {
    fn docs(&self) -> &'static [&'static Doc] {
        &[&DOC]
    }
    fn dear(&self) -> Option<Dear> {
        let sets = |of: &Subject<'_>| count(of.names.len(), largest(of));
        Some(Dear { word: "sets", key: "subsets", sets })
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let (Some(view), names) = (of.view, of.names) else { return Ok(()) };
        let most = largest(of);
        told.section(&DOC);
        let all = subsets(view, most)?;
        let head =
            format!("    {:<46} {:>12} {:>12} {:>12}", "", "distinction", "separation", "unique");
        told.text(head);
        let columns = |set: &Subset| -> Vec<&str> {
            set.columns.iter().map(|&c| names[c].as_str()).collect()
        };
        for size in 1..=most {
            let mut of_size: Vec<&Subset> =
                all.iter().filter(|s| s.columns.len() == size).collect();
            of_size.sort_by(|a, b| {
                b.unique.total_cmp(&a.unique).then(b.separation.total_cmp(&a.separation))
            });
            for set in of_size.iter().take(if size == 1 { names.len() } else { 5 }) {
                told.text(format!(
                    "    {:<46} {:>12.6} {:>12.6} {:>12.6}",
                    columns(set).join(", "),
                    set.distinction,
                    set.separation,
                    set.unique
                ));
            }
        }
        let sets = all.iter().map(|s| {
            json!({ "columns": columns(s), "distinction": s.distinction, "separation": s.separation, "unique": s.unique })
        });
        told.put("subsets", sets.collect::<Vec<_>>());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn each_set_is_as_if_it_were_alone(rows in proptest::collection::vec((0..3_u32, 0..4_u32, 0..3_u32, 0..6_u32), 2..30)) {
            let columns = vec![rows.iter().map(|r| r.0).collect(), rows.iter().map(|r| r.1).collect::<Vec<_>>(), rows.iter().map(|r| r.2).collect()];
            let view = View::new(columns, &[3, 4, 3], rows.iter().map(|r| r.3).collect::<Vec<_>>()).unwrap();
            let all = subsets(&view, 0).unwrap();
            prop_assert_eq!(all.len() as u64, count(3, 3));
            for set in all {
                let table = view.project(&set.columns).unwrap().classes();
                let n = rows.len() as f64;
                prop_assert_eq!(set.distinction, table.len() as f64 / n);
                let same: u64 = table.rows.iter().map(|r| r * (r - 1)).sum();
                prop_assert!((set.separation - (1.0 - same as f64 / (n * (n - 1.0)))).abs() < 1e-12);
                let alone: u64 = table.rows.iter().zip(&table.persons).filter(|(_, p)| **p == 1).map(|(r, _)| r).sum();
                prop_assert_eq!(set.unique, alone as f64 / n);
            }
        }
    }

    #[test]
    fn sets_are_counted() {
        assert_eq!((count(9, 9), count(9, 2), count(50, 3)), (511, 45, 20_875));
        let view = View::of_rows(vec![vec![0]; 40], &[1; 40]).unwrap();
        assert_eq!(subsets(&view, 0).unwrap_err().code, "V0103");
    }
}
