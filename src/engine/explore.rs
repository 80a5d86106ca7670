//! What a search chooses among, for a person who wants to choose: the combinations of levels with what each gives and costs, and
//! who would be lost. Nothing is decided here.

use std::sync::Arc;

use super::freeze::{self, Measured};
use super::search::{self, Offered, Search, Searched, Shown};
use super::{Job, Read};
use crate::error::{Error, Family, Name, Result};
use crate::plan::Plan;
use crate::privacy::objective::Objective;
use crate::privacy::search::{Levels, Point, Problem, losers, survey};
use crate::progress::Progress;
use crate::say;

/// Persons from which on a label is shown.
const SHOWN: u64 = 10;
/// Labels that are shown of a column at most; the rest is one remainder.
const MOST_LABELS: usize = 12;

/// The problem of a search, after the search has gone on.
pub struct Space {
    pub(super) problem: Arc<Problem>,
    pub(super) objective: Arc<dyn Objective>,
    pub(super) shown: Arc<Vec<Shown>>,
    pub(super) offered: Vec<Offered>,
}

/// A column that offers levels.
#[derive(Clone, Debug)]
pub struct LevelColumn {
    /// Its table, its place and its levels.
    pub offered: Offered,
    /// By level: how many different labels it shows.
    pub labels: Vec<u32>,
}

/// A view as far as levels are concerned.
#[derive(Clone, Debug)]
pub struct LevelView {
    /// Rows that may be suppressed.
    pub limit: u64,
    /// Rows.
    pub rows: u64,
    /// Which of the columns that offer levels it counts.
    pub columns: Vec<usize>,
}

/// Persons who show one label, or the remainder of labels.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Group {
    /// The label, of at least ten persons; none for a missing value.
    pub label: Option<Name>,
    /// How many labels stand in the group: more than one only in the remainder.
    pub labels: usize,
    /// Persons.
    pub persons: u64,
    /// Those of them of whom a row goes.
    pub touched: u64,
}

/// Who shows what in a column of a view, and who of them would be lost.
#[derive(Clone, Debug)]
pub struct Distribution {
    /// `table.column`.
    pub name: Name,
    /// Which of the columns that offer levels it is, or repeats, and the level at which labels are told; none for a column with one
    /// treatment.
    pub level: Option<(usize, usize)>,
    /// Labels of at least ten persons, most persons first.
    pub groups: Vec<Group>,
    /// All others.
    pub rest: Option<Group>,
}

/// Who would be lost at a combination of levels.
#[derive(Clone, Debug)]
pub struct Losers {
    /// The levels.
    pub levels: Levels,
    /// By view, by column.
    pub views: Vec<Vec<Distribution>>,
}

/// What a run would release of a view.
#[derive(Clone, Debug)]
pub struct Kept {
    /// Rows of its table.
    pub rows: u64,
    /// Rows that go for this view or with another one.
    pub suppressed: u64,
    /// Persons in the smallest class that is released.
    pub smallest: Option<u64>,
}

/// All that is to be looked at.
pub struct Explored {
    /// The columns that offer levels.
    pub columns: Vec<LevelColumn>,
    /// The views of the plan, in its order.
    pub views: Vec<LevelView>,
    /// The objective's name.
    pub objective: &'static str,
    /// Combinations that the policy offers.
    pub nodes: u128,
    /// By column: the levels of which every combination was evaluated.
    pub grid: Vec<Vec<u8>>,
    /// Every combination of the grid (the last column changes fastest), then single steps from where one begins that are not of it.
    pub points: Vec<Point>,
    /// Where one begins: what a run would choose, or the coarsest levels if nothing is possible.
    pub start: usize,
    /// What the search found, if anything is possible.
    pub searched: Option<Searched>,
    /// What a run would release, if it would.
    pub kept: Option<Vec<Kept>>,
    /// Why a run would be refused.
    pub refused: Option<Error>,
    /// For where one begins and each of its neighbours.
    pub losers: Vec<Losers>,
}

impl Explored {
    /// Whether every combination was evaluated.
    #[must_use]
    pub fn whole(&self) -> bool {
        self.grid.iter().zip(&self.columns).all(|(g, c)| g.len() == c.offered.levels.len())
    }
}

/// Whether there is something to look at, before data are read.
///
/// # Errors
/// `P0354` if no treatment offers several levels.
pub fn check(plan: &Plan) -> Result<()> {
    if search::offered(plan).is_empty() { Err(nothing()) } else { Ok(()) }
}

fn nothing() -> Error {
    Error::policy(
        "P0354",
        say!("no treatment of the anonymized release offers several levels: there is nothing to choose among"),
    )
    .advice(say!("offer some: `widths = [5, 10, 20]` of band and age_band, `units = [\"month\", \"quarter\", \"year\"]` of truncate_date, `levels = [...]` of generalize (docs/search.md)"))
}

/// Looks at all levels, then freezes as a run would.
///
/// # Errors
/// `P0354` if no treatment offers several levels; the user's stop; I/O of spilled partitions.
pub fn explore(
    job: &Job<'_>,
    read: &Read,
    measured: Measured,
    most: usize,
    progress: &dyn Progress,
) -> Result<Explored> {
    let Some(space) = measured.space() else { return Err(nothing()) };
    let frozen = super::freeze(job, read, measured, progress);
    let (outcome, refused) = match frozen {
        Ok(outcome) => (Some(outcome), None),
        // What the levels cannot reach is what one looks for here; all else ends it.
        Err(error) if error.family == Family::Refused => (None, Some(error)),
        Err(error) => return Err(error),
    };
    let kept = outcome.as_ref().map(|outcome| {
        let views = outcome.views.iter();
        let kept = views.map(|view: &freeze::ViewOutcome| Kept {
            rows: view.rows,
            suppressed: view.suppressed,
            smallest: view.released.smallest.map(|persons| persons.0),
        });
        kept.collect()
    });
    let searched = match outcome.and_then(|outcome| outcome.search) {
        Some(searched) => Some(searched),
        // What the search alone takes for the best: the run was refused for what the search does not see.
        None => Search::of(&space).within(job.search_limit).best(),
    };
    let explored = space.explored(job.plan, searched, most, progress)?;
    Ok(Explored { kept, refused, ..explored })
}

impl Space {
    fn explored(
        &self,
        plan: &Plan,
        searched: Option<Searched>,
        most: usize,
        progress: &dyn Progress,
    ) -> Result<Explored> {
        progress.room("explore");
        let (_, top) = self.problem.corners();
        let start = searched.as_ref().map_or(top, |found| found.chosen.node.clone());
        let counts: Vec<usize> = self.problem.attributes.iter().map(|a| a.levels.len()).collect();
        let grid = grid(&counts, &start, most);
        let survey = |grid: &[Vec<u8>]| survey(&self.problem, self.objective.as_ref(), grid);
        let mut points = Vec::new();
        // Level by level of the first column, so that the user can stop it.
        for &level in grid.first().into_iter().flatten() {
            progress.check()?;
            let mut part = grid.clone();
            part[0] = vec![level];
            points.extend(survey(&part));
        }
        let one = |node: &Levels| node.iter().map(|&l| vec![l]).collect::<Vec<_>>();
        for node in steps(&counts, &start) {
            let inside = node.iter().zip(&grid).all(|(level, of)| of.contains(level));
            if !inside {
                points.extend(survey(&one(&node)));
            }
        }
        let at = points.iter().position(|p| p.levels == start).unwrap_or(0);
        let mut nodes = vec![start.clone()];
        nodes.extend(
            steps(&counts, &start)
                .filter(|node| node.iter().zip(&start).all(|(&new, &old)| new.abs_diff(old) <= 1)),
        );
        let mut lost = Vec::new();
        let by = self.told_at(&start);
        for node in nodes {
            progress.check()?;
            let views = (0..plan.views.len()).map(|v| self.distributions(plan, v, &node, &by[v]));
            lost.push(Losers { views: views.collect(), levels: node });
        }
        let offered = self.offered.len();
        let columns =
            self.offered.iter().zip(&self.problem.attributes).map(|(o, attribute)| LevelColumn {
                offered: o.clone(),
                labels: attribute.levels.iter().map(|l| l.card).collect(),
            });
        let views = self.problem.views.iter().map(|view| LevelView {
            limit: view.setting.limit,
            rows: view.rows,
            columns: (0..offered).filter(|c| view.columns.contains(c)).collect(),
        });
        let mut explored = Explored {
            columns: columns.collect(),
            views: views.collect(),
            objective: self.objective.key(),
            nodes: self.problem.nodes(),
            grid,
            points,
            start: at,
            searched,
            kept: None,
            refused: None,
            losers: lost,
        };
        // Columns with one treatment have one level, and are no matter of choice.
        explored.grid.truncate(offered);
        explored.points.iter_mut().for_each(|p| p.levels.truncate(offered));
        explored.losers.iter_mut().for_each(|l| l.levels.truncate(offered));
        Ok(explored)
    }

    /// By view, by column: the coarsest level at which there is more than one label to tell; the coarsest if there is none.
    fn told_at(&self, node: &Levels) -> Vec<Vec<u8>> {
        let tops = self.problem.corners().1;
        let views = self.problem.views.iter().enumerate();
        views
            .map(|(v, view)| {
                let top: Vec<u8> = view.columns.iter().map(|&a| tops[a]).collect();
                let mut found: Vec<Option<u8>> = vec![None; top.len()];
                for down in 0..=top.iter().copied().max().unwrap_or(0) {
                    let by: Vec<u8> = top.iter().map(|t| t.saturating_sub(down)).collect();
                    let counts = losers(&self.problem, self.objective.as_ref(), node, v, &by, &[]);
                    for ((slot, &level), counts) in found.iter_mut().zip(&by).zip(&counts) {
                        let told = counts.iter().filter(|[all, _]| *all >= SHOWN).count();
                        if slot.is_none() && told > 1 {
                            *slot = Some(level);
                        }
                    }
                    if found.iter().all(Option::is_some) {
                        break;
                    }
                }
                found.into_iter().zip(top).map(|(level, top)| level.unwrap_or(top)).collect()
            })
            .collect()
    }

    fn distributions(
        &self,
        plan: &Plan,
        view: usize,
        node: &Levels,
        by: &[u8],
    ) -> Vec<Distribution> {
        let count = |pool: &[Vec<bool>]| {
            losers(&self.problem, self.objective.as_ref(), node, view, by, pool)
        };
        // Who is told in the end does not depend on the levels: all persons of the view have a label, whether they stay or not.
        let all = count(&[]);
        let texts: Vec<Vec<Option<Name>>> = self.problem.views[view]
            .columns
            .iter()
            .zip(by)
            .map(|(&a, &l)| self.texts(a, l))
            .collect();
        let pool: Vec<Vec<bool>> = all
            .iter()
            .zip(&texts)
            .map(|(counts, texts)| {
                let mut told: Vec<usize> =
                    (0..texts.len()).filter(|&code| counts[code][0] >= SHOWN).collect();
                told.sort_by(|&a, &b| {
                    let text = |code: usize| texts[code].as_ref().map(Name::as_str);
                    counts[b][0].cmp(&counts[a][0]).then_with(|| text(a).cmp(&text(b)))
                });
                told.truncate(MOST_LABELS);
                // Another view of the same column may show labels that nobody has here.
                let here = |code: usize| counts[code][0] > 0;
                (0..texts.len()).map(|code| here(code) && !told.contains(&code)).collect()
            })
            .collect();
        let pooled = count(&pool);
        let columns = self.problem.views[view].columns.iter().zip(&plan.views[view].quasi);
        columns
            .zip(pooled)
            .zip(by.iter().zip(&pool).zip(&texts))
            .map(|(((&attribute, quasi), counts), ((&level, pool), texts))| {
                let mut groups: Vec<Group> = (0..texts.len())
                    .filter(|&code| !pool[code] && counts[code][0] >= SHOWN)
                    .map(|code| Group {
                        label: texts[code].clone(),
                        labels: 1,
                        persons: counts[code][0],
                        touched: counts[code][1],
                    })
                    .collect();
                groups.sort_by(|a, b| {
                    let text = |g: &Group| g.label.as_ref().map(|l| l.as_str().to_owned());
                    b.persons.cmp(&a.persons).then_with(|| text(a).cmp(&text(b)))
                });
                let [persons, touched] = counts[texts.len()];
                let labels = pool.iter().filter(|pooled| **pooled).count();
                let rest = Group { label: None, labels, persons, touched };
                let table = &plan.tables[quasi.table];
                Distribution {
                    name: Name::from_policy(format!(
                        "{}.{}",
                        table.name, table.columns[quasi.column].shown
                    )),
                    level: (attribute < self.offered.len()).then_some((attribute, level.into())),
                    groups,
                    rest: (labels > 0).then_some(rest),
                }
            })
            .collect()
    }

    /// By code of an attribute at a level: what it shows.
    fn texts(&self, attribute: usize, level: u8) -> Vec<Option<Name>> {
        let facts = &self.problem.attributes[attribute].levels[usize::from(level)];
        let shown = &self.shown[attribute];
        let level = usize::from(level);
        let mut texts = vec![None; facts.card as usize];
        for (tuple, &code) in shown.tuples.iter().zip(&facts.map) {
            if let Some(text) = tuple[level].checked_sub(1) {
                // Several values that one person shows over all rows.
                let text = shown.levels[level].dictionary().text(text).replace('\u{1f}', " + ");
                texts[code as usize] = Some(Name::from_policy(text));
            }
        }
        texts
    }
}

/// Every node that differs from one in the level of a single column.
fn steps<'a>(counts: &'a [usize], node: &'a Levels) -> impl Iterator<Item = Levels> + 'a {
    counts.iter().enumerate().flat_map(move |(column, &count)| {
        (0..count as u8).filter(move |&level| level != node[column]).map(move |level| {
            let mut other = node.clone();
            other[column] = level;
            other
        })
    })
}

/// By column the levels of which every combination is evaluated, at most so many in all. Too many are thinned out where a column has
/// most levels left, the one whose neighbours are nearest first; the last to go are the ends, then those beside where one begins.
fn grid(counts: &[usize], start: &Levels, most: usize) -> Vec<Vec<u8>> {
    let mut grid: Vec<Vec<u8>> = counts.iter().map(|&count| (0..count as u8).collect()).collect();
    let combinations = |grid: &[Vec<u8>]| grid.iter().map(Vec::len).fold(1, usize::saturating_mul);
    for patience in 0..3 {
        while combinations(&grid) > most.max(1) {
            let stays = |column: usize, level: u8| {
                let apart = level.abs_diff(start[column]);
                let end = level == 0 || usize::from(level) + 1 == counts[column];
                apart == 0 || (patience < 2 && apart == 1) || (patience < 1 && end)
            };
            let fullest = (0..grid.len())
                .filter(|&c| grid[c].iter().any(|&l| !stays(c, l)))
                .max_by_key(|&c| (grid[c].len(), std::cmp::Reverse(c)));
            let Some(column) = fullest else { break };
            let of = &grid[column];
            let gap = |at: usize| {
                let before = at.checked_sub(1).map_or(0, |b| of[b]);
                let after = of.get(at + 1).copied().unwrap_or(of[at]);
                after - before
            };
            let goes = (0..of.len()).filter(|&at| !stays(column, of[at])).min_by_key(|&at| gap(at));
            if let Some(at) = goes {
                grid[column].remove(at);
            }
        }
    }
    grid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_is_whole_or_thinned_around_where_one_begins() {
        assert_eq!(grid(&[3, 2], &vec![1, 1], 6), [vec![0, 1, 2], vec![0, 1]]);
        let thin = grid(&[9, 9, 2], &vec![4, 8, 0], 60);
        assert!(thin.iter().map(Vec::len).product::<usize>() <= 60);
        assert!([0, 3, 4, 5, 8].iter().all(|l| thin[0].contains(l)), "{thin:?}");
        assert!([0, 7, 8].iter().all(|l| thin[1].contains(l)), "{thin:?}");
        assert_eq!(thin[2], [0, 1]);
        assert_eq!(grid(&[9, 9, 9], &vec![4, 8, 0], 1), [vec![4], vec![8], vec![0]]);
        let all: Vec<Levels> = steps(&[3, 1, 2], &vec![1, 0, 0]).collect();
        assert_eq!(all, [vec![0, 0, 0], vec![2, 0, 0], vec![1, 0, 1]]);
    }
}
