//! Precision: how far up its ladder each cell was taken (Sweeney 2002), with suppressed cells at the top.

use super::{Aggregate, Cost, Factors, Objective, ViewStats};
use crate::search::{Levels, Problem};

/// The precision objective (a loss: 0 is the data as they are).
#[derive(Clone, Copy, Debug)]
pub struct Precision {
    /// How columns become one figure.
    pub aggregate: Aggregate,
    /// Generalization against suppression.
    pub factors: Factors,
    /// Whether suppressed rows count as taken to the top; without it only levels count.
    pub suppression: bool,
}

fn climbed(problem: &Problem, attribute: usize, level: u8) -> f64 {
    let top = problem.attributes[attribute].levels.len() - 1;
    if top == 0 { 0.0 } else { f64::from(level) / top as f64 }
}

impl Objective for Precision {
    fn key(&self) -> &'static str {
        "precision"
    }
    fn cost(&self, problem: &Problem, node: &Levels, stats: &[ViewStats]) -> Cost {
        let (mut figures, mut weights) = (Vec::new(), Vec::new());
        for (view, stats) in problem.views.iter().zip(stats) {
            let gone = if self.suppression { stats.suppressed as f64 } else { 0.0 };
            let rows = stats.rows.max(1) as f64;
            for &attribute in &view.columns {
                let part =
                    self.factors.generalization * climbed(problem, attribute, node[attribute]);
                figures.push(((rows - gone) * part + gone * self.factors.suppression) / rows);
                weights.push(problem.attributes[attribute].weight);
            }
        }
        self.aggregate.cost(&figures, &weights)
    }
    fn bound(
        &self,
        problem: &Problem,
        lo: &Levels,
        _: Option<&[ViewStats]>,
        hi: &Levels,
        hi_stats: &[ViewStats],
    ) -> Option<Cost> {
        let (mut figures, mut weights) = (Vec::new(), Vec::new());
        for (view, stats) in problem.views.iter().zip(hi_stats) {
            let (rows, out) = (stats.rows.max(1) as f64, stats.out as f64);
            for &attribute in &view.columns {
                let base = self.factors.least(climbed(problem, attribute, lo[attribute]));
                let extra = self.factors.suppression
                    - self.factors.least(climbed(problem, attribute, hi[attribute]));
                figures.push(base + out * extra / rows);
                weights.push(problem.attributes[attribute].weight);
            }
        }
        Some(self.aggregate.bound(&figures, &weights))
    }
}
