//! Kullback–Leibler divergence between the source distribution and the released one, whose classes are spread evenly over the
//! tuples that they may stand for (Machanavajjhala et al. 2007), summed over rows. No useful bound is known: the search
//! evaluates every feasible node.

use super::{ClassTerm, Cost, Objective, ViewStats};
use crate::search::{Levels, Problem};

/// The divergence, in bits weighted by rows.
#[derive(Clone, Copy, Debug)]
pub struct Divergence;

impl Objective for Divergence {
    fn key(&self) -> &'static str {
        "kl-divergence"
    }
    fn cost(&self, problem: &Problem, _: &Levels, stats: &[ViewStats]) -> Cost {
        // Σ over rows of p · log2(p / q) with p the share of the row's source tuple. The terms hold −p · log2 q for classes
        // that stay and p · log2(area) for the others, which share one class of all suppressed rows.
        Cost::of(
            stats
                .iter()
                .zip(&problem.views)
                .map(|(s, view)| {
                    let rows = s.rows.max(1) as f64;
                    let out = if s.suppressed > 0 {
                        -s.terms[1] * (s.suppressed as f64 / rows).log2()
                    } else {
                        0.0
                    };
                    view.source_information + s.terms[0] + out
                })
                .sum(),
        )
    }
    fn bound(
        &self,
        _: &Problem,
        _: &Levels,
        _: Option<&[ViewStats]>,
        _: &Levels,
        _: &[ViewStats],
    ) -> Option<Cost> {
        None
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
        let all = problem.views[view].rows.max(1) as f64;
        let weight = class.squares as f64 / all;
        if class.kept {
            [-weight * (class.rows as f64 / all / area).log2(), 0.0, 0.0]
        } else {
            [weight * f64::log2(most), weight, 0.0]
        }
    }
}
