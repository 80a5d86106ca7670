//! Ambiguity: how many source tuples a released row may stand for (Goldberger & Tassa 2010), all of them if suppressed.

use super::{ClassTerm, Cost, Objective, ViewStats};
use crate::search::{Levels, Problem};

/// The ambiguity objective.
#[derive(Clone, Copy, Debug)]
pub struct Ambiguity;

impl Objective for Ambiguity {
    fn key(&self) -> &'static str {
        "ambiguity"
    }
    fn cost(&self, _: &Problem, _: &Levels, stats: &[ViewStats]) -> Cost {
        Cost::of(stats.iter().map(|s| s.terms[0]).sum())
    }
    fn bound(
        &self,
        _: &Problem,
        _: &Levels,
        lo_stats: Option<&[ViewStats]>,
        _: &Levels,
        hi_stats: &[ViewStats],
    ) -> Option<Cost> {
        // Terms are floating-point sums in different orders; a hair of room keeps the bound below the cost.
        Some(Cost::of(
            lo_stats?
                .iter()
                .zip(hi_stats)
                .map(|(lo, hi)| (lo.terms[1] + hi.terms[2]) * (1.0 - 1e-12))
                .sum(),
        ))
    }
    fn needs_low(&self) -> bool {
        true
    }
    fn has_terms(&self) -> bool {
        true
    }
    fn term(
        &self,
        problem: &Problem,
        view: usize,
        node: &Levels,
        class: &ClassTerm<'_>,
    ) -> [f64; 3] {
        let (area, most) = class.area(problem, view, node);
        let rows = class.rows as f64;
        [
            rows * if class.kept { area } else { most },
            rows * area,
            if class.out { rows * (most - area) } else { 0.0 },
        ]
    }
}
