//! Branch and bound over boxes of the lattice.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rayon::prelude::*;
use serde::Serialize;

use super::super::key::with_words;
use super::super::model::Merging;
use super::super::objective::{Cost, Objective, ViewStats};
use super::Levels;
use super::grain::Grain;
use super::problem::Problem;

/// What bounds the work.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// Wall-clock time after which the best node so far is returned with its gap. Results then depend on the machine.
    pub time: Option<Duration>,
    /// Nodes that must not be chosen (they failed a check that the search does not know).
    pub excluded: Vec<Levels>,
    /// How many runners-up to remember.
    pub runners: usize,
}

/// An evaluated node.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Candidate {
    /// Its levels.
    pub levels: Levels,
    /// Its cost.
    pub cost: Cost,
    /// Rows suppressed, by view.
    pub suppressed: Vec<u64>,
    /// Classes that stay, by view.
    pub classes: Vec<u64>,
}

impl Candidate {
    fn order(&self, other: &Candidate) -> Ordering {
        self.cost
            .order(&other.cost)
            .then_with(|| self.suppressed.iter().sum::<u64>().cmp(&other.suppressed.iter().sum()))
            .then_with(|| {
                let sum = |levels: &[u8]| levels.iter().map(|&l| u32::from(l)).sum::<u32>();
                sum(&self.levels).cmp(&sum(&other.levels))
            })
            .then_with(|| self.levels.cmp(&other.levels))
    }
}

/// Why no node can be better. `visited + pruned_by_models + pruned_by_bound + open` is the number of nodes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Certificate {
    /// Nodes of the lattice.
    pub nodes: u128,
    /// Nodes whose classes were computed.
    pub evaluated: u64,
    /// Nodes decided one by one.
    pub visited: u128,
    /// Nodes in boxes whose coarsest node shows that all of them suppress too much.
    pub pruned_by_models: u128,
    /// Nodes in boxes that cannot be cheaper than the best node.
    pub pruned_by_bound: u128,
    /// Nodes left open when the time was over; 0 means that the result is proven.
    pub open: u128,
    /// No node costs less than this; the cost of the best node if the result is proven.
    pub lower_bound: Option<Cost>,
    /// Whether the result is proven to be the best.
    pub exact: bool,
}

/// The result of a search.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Solution {
    /// The best feasible node; none if no node is feasible (or none was found in time).
    pub best: Option<Candidate>,
    /// The next best of the evaluated nodes, best first.
    pub runners: Vec<Candidate>,
    /// The proof.
    pub certificate: Certificate,
}

impl Solution {
    /// Cost of the best node over the proven lower bound, minus one: 0 if proven; not available without either.
    #[must_use]
    pub fn gap(&self) -> Option<f64> {
        let best = self.best.as_ref()?.cost.figure();
        let bound = self.certificate.lower_bound.as_ref()?.figure();
        if best <= bound {
            Some(0.0)
        } else if bound > 0.0 {
            Some(best / bound - 1.0)
        } else {
            None
        }
    }
}

struct Node<const N: usize> {
    levels: Levels,
    views: Vec<Grain<N>>,
}

struct Area<const N: usize> {
    lo: Levels,
    hi: Levels,
    hi_stats: Arc<Vec<ViewStats>>,
    lo_stats: Option<Arc<Vec<ViewStats>>>,
    bound: Option<Cost>,
    source: Arc<Node<N>>,
}

impl<const N: usize> Area<N> {
    fn volume(&self) -> u128 {
        self.lo
            .iter()
            .zip(&self.hi)
            .map(|(&l, &h)| u128::from(h - l) + 1)
            .fold(1, u128::saturating_mul)
    }
    fn order(&self, other: &Self) -> Ordering {
        // No bound is the least of all bounds.
        let bounds = match (&self.bound, &other.bound) {
            (Some(a), Some(b)) => a.order(b),
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
        };
        bounds.then_with(|| self.lo.cmp(&other.lo)).then_with(|| self.hi.cmp(&other.hi))
    }
}

impl<const N: usize> PartialEq for Area<N> {
    fn eq(&self, other: &Self) -> bool {
        self.order(other) == Ordering::Equal
    }
}
impl<const N: usize> Eq for Area<N> {}
impl<const N: usize> PartialOrd for Area<N> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl<const N: usize> Ord for Area<N> {
    fn cmp(&self, other: &Self) -> Ordering {
        // The heap gives its greatest first; the least bound shall come first.
        other.order(self)
    }
}

struct Search<'a, const N: usize> {
    problem: &'a Problem,
    objective: &'a dyn Objective,
    limits: &'a Limits,
}

struct Found<const N: usize> {
    candidates: Vec<(Levels, Vec<ViewStats>)>,
    areas: Vec<Area<N>>,
    by_models: u128,
    by_bound: u128,
    visited: u128,
    evaluated: u64,
}

impl<const N: usize> Search<'_, N> {
    fn roll(&self, from: &Node<N>, to: &Levels) -> Node<N> {
        let views = self
            .problem
            .views
            .iter()
            .zip(&from.views)
            .map(|(view, grain)| grain.roll(self.problem, view, &from.levels, to))
            .collect();
        Node { levels: to.clone(), views }
    }
    fn stats(&self, node: &Node<N>) -> Vec<ViewStats> {
        self.problem
            .views
            .iter()
            .enumerate()
            .zip(&node.views)
            .map(|((number, view), grain)| {
                grain.stats(self.problem, number, view, &node.levels, self.objective)
            })
            .collect()
    }
    fn feasible(&self, stats: &[ViewStats]) -> bool {
        stats
            .iter()
            .zip(&self.problem.views)
            .all(|(s, view)| s.suppressed <= view.setting.limit && !s.impossible)
    }
    /// Whether no node below one with these statistics can be feasible.
    fn hopeless(&self, stats: &[ViewStats]) -> bool {
        stats.iter().zip(&self.problem.views).any(|(s, view)| {
            let models = &view.setting.models;
            // With no row to spare, a finer node at which all classes hold would make all classes hold here, too.
            let heals = view.setting.limit == 0
                && s.suppressed > 0
                && models.iter().all(|m| {
                    m.merging().with_shared_persons(view.shares_persons()) != Merging::Unknown
                });
            // A class of the population in which the release has nobody stays one when it is split.
            s.out > view.setting.limit || heals || s.impossible
        })
    }
    fn candidate(&self, levels: &Levels, stats: &[ViewStats]) -> Candidate {
        Candidate {
            levels: levels.clone(),
            cost: self.objective.cost(self.problem, levels, stats),
            suppressed: stats.iter().map(|s| s.suppressed).collect(),
            classes: stats.iter().map(|s| s.kept_classes).collect(),
        }
    }
    fn bound(&self, area: &Area<N>) -> Option<Cost> {
        self.objective.bound(
            self.problem,
            &area.lo,
            area.lo_stats.as_ref().map(|s| s.as_slice()),
            &area.hi,
            &area.hi_stats,
        )
    }
    /// Whether a box cannot hold anything better than `best`. Equal costs may still win by the rule for ties.
    fn beaten(bound: Option<&Cost>, best: Option<&Candidate>) -> bool {
        match (bound, best) {
            (Some(bound), Some(best)) => bound.order(&best.cost) == Ordering::Greater,
            _ => false,
        }
    }

    /// Splits a box once; everything that is evaluated on the way is a candidate.
    fn split(&self, mut area: Area<N>, best: Option<&Candidate>) -> Found<N> {
        let mut found = Found {
            candidates: Vec::new(),
            areas: Vec::new(),
            by_models: 0,
            by_bound: 0,
            visited: 0,
            evaluated: 0,
        };
        let low = if area.source.levels == area.lo {
            Arc::clone(&area.source)
        } else {
            Arc::new(self.roll(&area.source, &area.lo))
        };
        let stats = self.stats(&low);
        found.evaluated += 1;
        let low_cost = self.feasible(&stats).then(|| self.candidate(&area.lo, &stats).cost);
        found.candidates.push((area.lo.clone(), stats.clone()));
        if area.lo == area.hi {
            found.visited += 1;
            return found;
        }
        area.lo_stats = Some(Arc::new(stats));
        area.bound = self.bound(&area);
        if Self::beaten(area.bound.as_ref(), best) {
            found.by_bound += area.volume();
            return found;
        }
        // The finest node reaches the bound of its box: nothing in the box is cheaper. Ties go to lower levels as far as the
        // suppressed rows are equal, so a tie above it could only win by suppressing fewer.
        if let (Some(cost), Some(bound)) = (&low_cost, &area.bound)
            && cost.order(bound) != Ordering::Greater
            && area.lo_stats.as_ref().is_some_and(|s| s.iter().all(|s| s.suppressed == 0))
            && !self.limits.excluded.contains(&area.lo)
        {
            found.visited += 1;
            found.by_bound += area.volume() - 1;
            return found;
        }
        let Some(column) = self.branch(&area) else {
            found.visited += area.volume();
            return found;
        };
        let middle = area.lo[column] + (area.hi[column] - area.lo[column]) / 2;
        let smaller = low.views.iter().zip(&area.source.views).any(|(l, s)| l.len() * 2 <= s.len());
        let source = if smaller || Arc::ptr_eq(&low, &area.source) {
            Arc::clone(&low)
        } else {
            Arc::clone(&area.source)
        };
        // The lower half: its coarsest node is new.
        let mut hi = area.hi.clone();
        hi[column] = middle;
        let node = self.roll(&low, &hi);
        let stats = self.stats(&node);
        found.evaluated += 1;
        let hopeless = self.hopeless(&stats);
        let mut lower = Area {
            lo: area.lo.clone(),
            hi,
            hi_stats: Arc::new(stats.clone()),
            lo_stats: area.lo_stats.clone(),
            bound: None,
            source: Arc::clone(&source),
        };
        found.candidates.push((lower.hi.clone(), stats));
        if hopeless {
            found.by_models += lower.volume();
        } else {
            lower.bound = self.bound(&lower);
            found.areas.push(lower);
        }
        // The upper half keeps the coarsest node; its finest node is evaluated when its turn comes.
        let mut lo = area.lo.clone();
        lo[column] = middle + 1;
        let mut upper = Area {
            lo,
            hi: area.hi.clone(),
            hi_stats: Arc::clone(&area.hi_stats),
            lo_stats: area.lo_stats.clone(),
            bound: None,
            source,
        };
        upper.bound = self.bound(&upper);
        found.areas.push(upper);
        found
    }

    /// The column whose split lifts the bound of the upper half most; without bounds the one with most levels.
    fn branch(&self, area: &Area<N>) -> Option<usize> {
        let mut chosen: Option<(Option<Cost>, u8, usize)> = None;
        for column in 0..area.lo.len() {
            let width = area.hi[column] - area.lo[column];
            if width == 0 {
                continue;
            }
            let mut lo = area.lo.clone();
            lo[column] += width / 2 + 1;
            let bound = self.objective.bound(
                self.problem,
                &lo,
                area.lo_stats.as_ref().map(|s| s.as_slice()),
                &area.hi,
                &area.hi_stats,
            );
            let better = match &chosen {
                None => true,
                Some((old, old_width, _)) => match (&bound, old) {
                    (Some(new), Some(old)) => {
                        new.order(old).then(width.cmp(old_width)) == Ordering::Greater
                    }
                    _ => width > *old_width,
                },
            };
            if better {
                chosen = Some((bound, width, column));
            }
        }
        chosen.map(|(_, _, column)| column)
    }

    fn run(&self) -> Solution {
        const BATCH: usize = 16;
        let start = Instant::now();
        let (lo, hi) = self.problem.corners();
        let nodes = self.problem.nodes();
        let squares = self.objective.has_terms();
        let base = Arc::new(Node {
            levels: lo.clone(),
            views: self.problem.views.iter().map(|v| Grain::<N>::base(v, squares)).collect(),
        });
        let top = self.roll(&base, &hi);
        let top_stats = self.stats(&top);
        let mut seen: HashMap<Levels, ()> = HashMap::new();
        let mut best: Option<Candidate> = None;
        let mut ranked: Vec<Candidate> = Vec::new();
        let mut certificate = Certificate {
            nodes,
            evaluated: 1,
            visited: 0,
            pruned_by_models: 0,
            pruned_by_bound: 0,
            open: 0,
            lower_bound: None,
            exact: false,
        };
        let mut open: BinaryHeap<Area<N>> = BinaryHeap::new();
        let mut note = |levels: Levels, stats: &[ViewStats], best: &mut Option<Candidate>| {
            if !self.feasible(stats)
                || self.limits.excluded.contains(&levels)
                || seen.contains_key(&levels)
            {
                return;
            }
            let candidate = self.candidate(&levels, stats);
            seen.insert(levels, ());
            if best.as_ref().is_none_or(|b| candidate.order(b) == Ordering::Less) {
                *best = Some(candidate.clone());
            }
            let at = ranked.partition_point(|c| c.order(&candidate) == Ordering::Less);
            if at <= self.limits.runners {
                ranked.insert(at, candidate);
                ranked.truncate(self.limits.runners + 1);
            }
        };
        note(hi.clone(), &top_stats, &mut best);
        if self.hopeless(&top_stats) {
            certificate.pruned_by_models = nodes;
        } else {
            let mut area = Area {
                lo,
                hi,
                hi_stats: Arc::new(top_stats),
                lo_stats: None,
                bound: None,
                source: base,
            };
            area.bound = self.bound(&area);
            open.push(area);
        }
        let mut late = false;
        while !open.is_empty() {
            if self.limits.time.is_some_and(|limit| start.elapsed() >= limit) {
                late = true;
                break;
            }
            // A fixed batch, so that what is evaluated does not depend on the number of threads.
            let mut batch = Vec::with_capacity(BATCH);
            while batch.len() < BATCH {
                let Some(area) = open.pop() else { break };
                if Self::beaten(area.bound.as_ref(), best.as_ref()) {
                    certificate.pruned_by_bound += area.volume();
                } else {
                    batch.push(area);
                }
            }
            let results: Vec<Found<N>> =
                batch.into_par_iter().map(|area| self.split(area, best.as_ref())).collect();
            for found in results {
                for (levels, stats) in found.candidates {
                    note(levels, &stats, &mut best);
                }
                certificate.evaluated += found.evaluated;
                certificate.visited += found.visited;
                certificate.pruned_by_models += found.by_models;
                certificate.pruned_by_bound += found.by_bound;
                for area in found.areas {
                    if Self::beaten(area.bound.as_ref(), best.as_ref()) {
                        certificate.pruned_by_bound += area.volume();
                    } else {
                        open.push(area);
                    }
                }
            }
        }
        certificate.open = open.iter().map(Area::volume).fold(0, u128::saturating_add);
        certificate.exact = !late;
        certificate.lower_bound = if late {
            let least = open.peek().and_then(|area| area.bound.clone());
            match (least, &best) {
                (Some(bound), Some(best)) if bound.order(&best.cost) == Ordering::Greater => {
                    Some(best.cost.clone())
                }
                (bound, _) => bound,
            }
        } else {
            best.as_ref().map(|b| b.cost.clone())
        };
        let runners = ranked
            .into_iter()
            .filter(|c| Some(&c.levels) != best.as_ref().map(|b| &b.levels))
            .collect();
        Solution { best, runners, certificate }
    }
}

pub(super) fn words(problem: &Problem) -> usize {
    problem.views.iter().map(|v| v.layout.words()).max().unwrap_or(1)
}

/// Finds the best node.
#[must_use]
pub fn solve(problem: &Problem, objective: &dyn Objective, limits: &Limits) -> Solution {
    with_words!(words(problem), run, problem, objective, limits)
}

fn run<const N: usize>(problem: &Problem, objective: &dyn Objective, limits: &Limits) -> Solution {
    Search::<N> { problem, objective, limits }.run()
}

/// Evaluates one node: its statistics by view, its cost (whether feasible or not) and whether the models and limits hold.
#[must_use]
pub fn evaluate(
    problem: &Problem,
    objective: &dyn Objective,
    node: &Levels,
) -> (Vec<ViewStats>, Cost, bool) {
    with_words!(words(problem), one, problem, objective, node)
}

fn one<const N: usize>(
    problem: &Problem,
    objective: &dyn Objective,
    node: &Levels,
) -> (Vec<ViewStats>, Cost, bool) {
    let limits = Limits::default();
    let search = Search::<N> { problem, objective, limits: &limits };
    let base = Node {
        levels: problem.corners().0,
        views: problem.views.iter().map(|v| Grain::<N>::base(v, objective.has_terms())).collect(),
    };
    let stats = search.stats(&search.roll(&base, node));
    let cost = objective.cost(problem, node, &stats);
    let feasible = search.feasible(&stats);
    (stats, cost, feasible)
}
