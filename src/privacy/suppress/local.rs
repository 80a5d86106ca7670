//! Local recoding: different levels for different parts of the table.
//!
//! From classes at given levels downwards: a region (a box of groups, one a column) is split along one column into the groups of
//! the next finer level, if all models hold in every part; then the parts likewise. A row lies in exactly one region, regions
//! never overlap, and the bands of one column are nested or apart, never crossing, since they come from one tree. LeFevre,
//! DeWitt & Ramakrishnan (ICDE 2006) call this strict multidimensional recoding.
//!
//! It is an option and not the default: the more a level follows the data, the more the levels themselves say about the data
//! (Cohen, "Attacks on Deidentification's Defenses", USENIX Security 2022: downcoding), and analysts must cope with mixed bands.

use crate::error::{Error, Result};
use crate::frame::MISSING;
use crate::say;

/// What is recoded.
#[derive(Clone, Copy)]
pub struct Local<'a> {
    /// Codes by column.
    pub columns: &'a [&'a [u32]],
    /// By column and level: the group of each code. Level 0 is the finest and must be given (usually each code its own group).
    pub levels: &'a [Vec<Vec<u32>>],
    /// The level of each column to begin with; what the search chose.
    pub start: &'a [usize],
    /// How much the detail of a column is worth.
    pub weights: &'a [f64],
}

/// The regions found.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Regions {
    /// The region of each row.
    pub of_row: Vec<u32>,
    /// By region: the level of each column.
    pub levels: Vec<Vec<usize>>,
    /// By region: the group of each column on its level; [`MISSING`] for missing cells.
    pub groups: Vec<Vec<u32>>,
}

fn group(levels: &[Vec<u32>], level: usize, code: u32) -> u32 {
    if code == MISSING { MISSING } else { levels[level][code as usize] }
}

impl Local<'_> {
    fn check(&self) -> Result<()> {
        let width = self.columns.len();
        let rows = self.columns.first().map_or(0, |c| c.len());
        let fits = self.levels.len() == width
            && self.start.len() == width
            && self.weights.len() == width
            && self.weights.iter().all(|w| w.is_finite() && *w >= 0.0)
            && (0..width).all(|c| {
                let codes = self.levels[c].first().map_or(0, Vec::len);
                self.start[c] < self.levels[c].len()
                    && self.levels[c].iter().all(|l| l.len() == codes)
                    && self.columns[c].len() == rows
                    && self.columns[c].iter().all(|&x| x == MISSING || (x as usize) < codes)
            });
        if !fits {
            return Err(Error::data(
                "V0304",
                say!(
                    "a table for local recoding does not fit: columns, levels, starting levels or weights"
                ),
            ));
        }
        for (column, levels) in self.levels.iter().enumerate() {
            for pair in levels.windows(2) {
                let mut up = std::collections::BTreeMap::new();
                if pair[0]
                    .iter()
                    .zip(&pair[1])
                    .any(|(f, c)| up.insert(*f, *c).is_some_and(|b| b != *c))
                {
                    return Err(Error::policy(
                        "V0305",
                        say!(
                            "the levels of column {} of a view are not nested: a band would cross another",
                            column
                        ),
                    ));
                }
            }
        }
        Ok(())
    }
    /// The share of the codes of a column that a group holds: what is lost in a cell.
    fn losses(&self) -> Vec<Vec<Vec<f64>>> {
        self.levels
            .iter()
            .map(|levels| {
                levels
                    .iter()
                    .map(|level| {
                        let mut sorted = level.clone();
                        sorted.sort_unstable();
                        let of = |g: u32| {
                            sorted.partition_point(|x| *x <= g) - sorted.partition_point(|x| *x < g)
                        };
                        level.iter().map(|&g| of(g) as f64 / level.len() as f64).collect()
                    })
                    .collect()
            })
            .collect()
    }

    /// Splits as far as the models allow. `holds` judges the rows of one region (ascending). A starting class for which it is
    /// false stays as it is and is left to suppression. The split that gains most detail comes first; ties go to the first column.
    ///
    /// # Errors
    /// `V0304` if the parts do not fit, `V0305` if levels are not nested.
    pub fn refine(&self, holds: &dyn Fn(&[u32]) -> bool) -> Result<Regions> {
        self.check()?;
        let losses = self.losses();
        let rows = self.columns.first().map_or(0, |c| c.len()) as u32;
        let tuple = |row: u32| -> Vec<u32> {
            (0..self.columns.len())
                .map(|c| group(&self.levels[c], self.start[c], self.columns[c][row as usize]))
                .collect()
        };
        let mut keyed: Vec<(Vec<u32>, u32)> = (0..rows).map(|row| (tuple(row), row)).collect();
        keyed.sort_unstable();
        let mut open: Vec<(Vec<usize>, Vec<u32>, bool)> = keyed
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| {
                let rows: Vec<u32> = same.iter().map(|x| x.1).collect();
                let right = holds(&rows);
                (self.start.to_vec(), rows, right)
            })
            .collect();
        open.reverse();
        let mut regions = Regions { of_row: vec![0; rows as usize], ..Default::default() };
        while let Some((levels, rows, right)) = open.pop() {
            match if right { self.split(&levels, &rows, &losses, holds) } else { None } {
                Some((finer, parts)) => {
                    open.extend(parts.into_iter().rev().map(|part| (finer.clone(), part, true)));
                }
                None => {
                    let number = regions.levels.len() as u32;
                    for &row in &rows {
                        regions.of_row[row as usize] = number;
                    }
                    regions.groups.push(
                        (0..levels.len())
                            .map(|c| {
                                let code = self.columns[c][rows[0] as usize];
                                group(&self.levels[c], levels[c], code)
                            })
                            .collect(),
                    );
                    regions.levels.push(levels);
                }
            }
        }
        Ok(regions)
    }

    fn split(
        &self,
        levels: &[usize],
        rows: &[u32],
        losses: &[Vec<Vec<f64>>],
        holds: &dyn Fn(&[u32]) -> bool,
    ) -> Option<(Vec<usize>, Vec<Vec<u32>>)> {
        let gain = |column: usize| -> f64 {
            let (now, finer) =
                (&losses[column][levels[column]], &losses[column][levels[column] - 1]);
            let sum: f64 = rows
                .iter()
                .map(|&row| self.columns[column][row as usize])
                .filter(|&code| code != MISSING)
                .map(|code| now[code as usize] - finer[code as usize])
                .sum();
            sum * self.weights[column]
        };
        let mut order: Vec<(f64, usize)> =
            (0..levels.len()).filter(|&c| levels[c] > 0).map(|c| (gain(c), c)).collect();
        order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (_, column) in order {
            let finer = levels[column] - 1;
            let mut keyed: Vec<(u32, u32)> = rows
                .iter()
                .map(|&row| {
                    (group(&self.levels[column], finer, self.columns[column][row as usize]), row)
                })
                .collect();
            keyed.sort_unstable();
            let parts: Vec<Vec<u32>> = keyed
                .chunk_by(|a, b| a.0 == b.0)
                .map(|same| same.iter().map(|x| x.1).collect())
                .collect();
            if parts.iter().all(|part| holds(part)) {
                let mut levels = levels.to_vec();
                levels[column] = finer;
                return Some((levels, parts));
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::model::testing::Dice;
    use super::*;

    fn nested(dice: &mut Dice) -> Vec<Vec<u32>> {
        let fine: Vec<u32> = (0..8).collect();
        let mut levels = vec![fine];
        for groups in [4, 2, 1] {
            let up: Vec<u32> = (0..8).map(|_| dice.below(groups) as u32).collect();
            let below = &levels[levels.len() - 1];
            levels.push(below.iter().map(|&g| up[g as usize]).collect());
        }
        levels
    }

    #[test]
    fn regions_hold_do_not_overlap_and_are_nowhere_coarser() {
        let mut dice = Dice(41);
        let mut mixed = 0;
        for _ in 0..100 {
            let rows = 40;
            let columns: Vec<Vec<u32>> = (0..3)
                .map(|_| {
                    (0..rows)
                        .map(|_| if dice.below(15) == 0 { MISSING } else { dice.below(8) as u32 })
                        .collect()
                })
                .collect();
            let columns: Vec<&[u32]> = columns.iter().map(Vec::as_slice).collect();
            let levels: Vec<Vec<Vec<u32>>> = (0..3).map(|_| nested(&mut dice)).collect();
            let local =
                Local { columns: &columns, levels: &levels, start: &[3, 3, 2], weights: &[1.0; 3] };
            let regions = local.refine(&|rows| rows.len() >= 3).unwrap();
            let mut sizes = vec![0; regions.levels.len()];
            for &r in &regions.of_row {
                sizes[r as usize] += 1;
            }
            for (region, level) in regions.levels.iter().enumerate() {
                assert!(level.iter().zip(local.start).all(|(l, s)| l <= s));
                assert!(sizes[region] >= 3 || level == local.start);
            }
            // A row fits its own region's box and no other.
            #[expect(clippy::needless_range_loop, reason = "a row of several columns")]
            for row in 0..rows {
                let boxes: Vec<usize> = (0..regions.levels.len())
                    .filter(|&r| {
                        (0..3).all(|c| {
                            group(&levels[c], regions.levels[r][c], columns[c][row])
                                == regions.groups[r][c]
                        })
                    })
                    .collect();
                assert_eq!(boxes, [regions.of_row[row] as usize]);
            }
            mixed += u32::from(regions.levels.iter().any(|l| *l != regions.levels[0]));
        }
        assert!(mixed > 50);
    }

    #[test]
    fn bands_that_would_cross_are_refused() {
        let levels = [vec![vec![0, 0, 1, 1], vec![0, 1, 1, 1]]];
        let local = Local { columns: &[&[0, 1]], levels: &levels, start: &[1], weights: &[1.0] };
        assert_eq!(local.refine(&|_| true).unwrap_err().code, "V0305");
    }
}
