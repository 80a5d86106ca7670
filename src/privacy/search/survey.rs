//! Combinations of levels one by one, for whoever wants to see what the search chose among.

use std::sync::{Arc, OnceLock};

use rayon::prelude::*;

use super::super::key::{Numbering, with_words};
use super::super::objective::{Cost, Objective, ViewStats};
use super::Levels;
use super::grain::Grain;
use super::problem::Problem;
use super::solve::words;

/// What a combination of levels gives in one view, each view taken by itself.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Figures {
    /// Rows that suppression removes.
    pub suppressed: u64,
    /// Those of them that are in classes with enough persons, and go for what else must hold.
    pub not_for_k: u64,
    /// Persons in the smallest class before suppression; 0 without rows.
    pub smallest: u64,
    /// Persons.
    pub persons: u64,
    /// Persons of whom a row goes.
    pub touched: u64,
    /// Persons of whom no row stays.
    pub lost: u64,
}

/// A combination.
#[derive(Clone, Debug, PartialEq)]
pub struct Point {
    /// Its levels.
    pub levels: Levels,
    /// Its cost, whether it may be taken or not.
    pub cost: Cost,
    /// Whether every view keeps within what may be suppressed.
    pub feasible: bool,
    /// By view.
    pub views: Vec<Figures>,
}

/// The classes of one view, judged at most once: most steps of the walk leave most views as they are.
struct At<const N: usize> {
    grain: Grain<N>,
    seen: OnceLock<(ViewStats, Figures)>,
}

impl<const N: usize> At<N> {
    fn new(grain: Grain<N>) -> Arc<Self> {
        Arc::new(At { grain, seen: OnceLock::new() })
    }
}

struct Walk<'a> {
    problem: &'a Problem,
    objective: &'a dyn Objective,
}

impl Walk<'_> {
    fn base<const N: usize>(&self) -> (Levels, Vec<Arc<At<N>>>) {
        let squares = self.objective.has_terms();
        let views = self.problem.views.iter();
        (self.problem.corners().0, views.map(|v| At::new(Grain::light(v, squares))).collect())
    }

    fn step<const N: usize>(
        &self,
        views: &[Arc<At<N>>],
        from: &Levels,
        to: &Levels,
    ) -> Vec<Arc<At<N>>> {
        let changed = |&column: &usize| from[column] != to[column];
        self.problem
            .views
            .iter()
            .zip(views)
            .map(|(view, at)| match view.columns.iter().any(changed) {
                true => At::new(at.grain.roll(self.problem, view, from, to)),
                false => Arc::clone(at),
            })
            .collect()
    }

    fn point<const N: usize>(&self, levels: Levels, views: &[Arc<At<N>>]) -> Point {
        let mut stats = Vec::with_capacity(views.len());
        let mut figures = Vec::with_capacity(views.len());
        for ((number, view), at) in self.problem.views.iter().enumerate().zip(views) {
            let (s, f) = at.seen.get_or_init(|| {
                let judged = at.grain.judge(view);
                let figures = at.grain.figures(view, &judged.0);
                let of = self.objective;
                (at.grain.stats_of(self.problem, number, view, &levels, of, &judged), figures)
            });
            stats.push(s.clone());
            figures.push(f.clone());
        }
        let feasible = stats
            .iter()
            .zip(&self.problem.views)
            .all(|(s, view)| s.suppressed <= view.setting.limit && !s.impossible);
        let cost = self.objective.cost(self.problem, &levels, &stats);
        Point { levels, cost, feasible, views: figures }
    }

    /// All combinations of what the columns from `depth` on may have, from classes at their finest.
    fn down<const N: usize>(
        &self,
        grid: &[Vec<u8>],
        depth: usize,
        levels: &Levels,
        views: &[Arc<At<N>>],
    ) -> Vec<Point> {
        let Some(offered) = grid.get(depth) else {
            return vec![self.point(levels.clone(), views)];
        };
        // Columns that come after and have one level take it at once.
        let later = &grid[depth + 1..];
        let last = later.iter().all(|of| of.len() == 1);
        let at = |level: u8| {
            let mut to = levels.clone();
            to[depth] = level;
            for (slot, of) in to[depth + 1..].iter_mut().zip(later).filter(|_| last) {
                *slot = of[0];
            }
            to
        };
        if !last {
            let parts: Vec<Vec<Point>> = offered
                .par_iter()
                .map(|&level| {
                    let to = at(level);
                    self.down(grid, depth + 1, &to, &self.step(views, levels, &to))
                })
                .collect();
            return parts.concat();
        }
        // Of the last column each level comes from the one before it, which has fewer classes than where all began.
        let mut points = Vec::with_capacity(offered.len());
        let (mut from, mut here) = (levels.clone(), views.to_vec());
        for &level in offered {
            let to = at(level);
            here = self.step(&here, &from, &to);
            points.push(self.point(to.clone(), &here));
            from = to;
        }
        points
    }
}

/// Every combination of the levels that `grid` names for each attribute, ascending; the last attribute changes fastest.
#[must_use]
pub fn survey(problem: &Problem, objective: &dyn Objective, grid: &[Vec<u8>]) -> Vec<Point> {
    with_words!(words(problem), whole, problem, objective, grid)
}

fn whole<const N: usize>(
    problem: &Problem,
    objective: &dyn Objective,
    grid: &[Vec<u8>],
) -> Vec<Point> {
    let walk = Walk { problem, objective };
    let (levels, views) = walk.base::<N>();
    walk.down(grid, 0, &levels, &views)
}

/// By column of a view and by code at a level of its own (`by`): the persons who show it, and those of them of whom a row with it
/// goes at these levels. Codes that `pool` names by column and code count as one, in a last place of their own.
#[must_use]
pub fn losers(
    problem: &Problem,
    objective: &dyn Objective,
    node: &Levels,
    view: usize,
    by: &[u8],
    pool: &[Vec<bool>],
) -> Vec<Vec<[u64; 2]>> {
    with_words!(words(problem), counted, problem, objective, node, view, by, pool)
}

fn counted<const N: usize>(
    problem: &Problem,
    objective: &dyn Objective,
    node: &Levels,
    number: usize,
    by: &[u8],
    pool: &[Vec<bool>],
) -> Vec<Vec<[u64; 2]>> {
    let view = &problem.views[number];
    let (finest, _) = problem.corners();
    let base = Grain::<N>::base(view, objective.has_terms());
    let rolled = base.roll(problem, view, &finest, node);
    let (kept, _) = rolled.judge(view);
    let mut classes = Numbering::<N>::with_capacity(rolled.len());
    for &key in rolled.keys() {
        classes.number(key);
    }
    let steps: Vec<Vec<u32>> =
        view.columns.iter().map(|&a| problem.attributes[a].step(finest[a], node[a])).collect();
    let gone: Vec<bool> = base
        .keys()
        .iter()
        .map(|key| {
            let mut mapped = *key;
            for (column, step) in steps.iter().enumerate() {
                let place = view.layout.place(column);
                mapped.set(place, step[key.get(place) as usize]);
            }
            !kept.get(classes.number(mapped) as usize).copied().unwrap_or(true)
        })
        .collect();
    let mut found = Vec::new();
    for (column, (&attribute, &level)) in view.columns.iter().zip(by).enumerate() {
        let facts = &problem.attributes[attribute];
        let up = facts.step(finest[attribute], level);
        let place = view.layout.place(column);
        let card = facts.levels[usize::from(level)].card as usize;
        let pooled = |code: usize| pool.get(column).is_some_and(|of| of.get(code) == Some(&true));
        let place_of: Vec<usize> =
            (0..card).map(|code| if pooled(code) { card } else { code }).collect();
        let mut counts = vec![[0_u64; 2]; card + 1];
        // A person counts once for each code; persons come one after the other.
        let mut last = vec![[u32::MAX; 2]; counts.len()];
        let mut count = |person: u32, tuple: usize| {
            let code = place_of[up[base.keys()[tuple].get(place) as usize] as usize];
            for (part, holds) in [true, gone[tuple]].into_iter().enumerate() {
                if holds && last[code][part] != person {
                    last[code][part] = person;
                    counts[code][part] += 1;
                }
            }
        };
        match &view.base.pairs {
            Some(pairs) => pairs.iter().for_each(|&(person, tuple)| count(person, tuple as usize)),
            None => {
                let mut person = 0;
                for (tuple, &rows) in view.base.rows.iter().enumerate() {
                    for _ in 0..rows {
                        count(person, tuple);
                        person += 1;
                    }
                }
            }
        }
        found.push(counts);
    }
    found
}
