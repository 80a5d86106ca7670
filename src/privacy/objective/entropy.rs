//! Non-uniform entropy: the bits that are missing to get a cell's source value back (de Waal & Willenborg 1999; Gionis & Tassa
//! 2008), with the entropy of the suppressed rows added.

use super::{Aggregate, Cost, Factors, Objective, ViewStats};
use crate::search::{Levels, Problem};

/// The non-uniform entropy.
#[derive(Clone, Copy, Debug)]
pub struct Entropy {
    /// How columns become one figure.
    pub aggregate: Aggregate,
    /// Generalization against suppression.
    pub factors: Factors,
    /// Divided by the entropy of the column.
    pub normalized: bool,
    /// Whether suppressed rows add their entropy; without it the objective is monotone.
    pub suppression: bool,
}

/// −Σ c · log2(c / total), in bits.
fn bits(counts: &[u64]) -> f64 {
    let total: u64 = counts.iter().sum();
    counts.iter().filter(|&&c| c > 0).map(|&c| -(c as f64) * (c as f64 / total as f64).log2()).sum()
}

impl Entropy {
    /// Bits lost by generalizing all rows of a column to a level: the entropy at the lowest level minus that at the level.
    fn lost(problem: &Problem, view: usize, column: usize, level: usize) -> f64 {
        (bits(problem.source_marginal(view, column)) - bits(problem.marginal(view, column, level)))
            .max(0.0)
    }
    fn figures(
        &self,
        problem: &Problem,
        node: &Levels,
        suppressed: impl Fn(usize, usize) -> f64,
    ) -> (Vec<f64>, Vec<f64>) {
        let (mut figures, mut weights) = (Vec::new(), Vec::new());
        for (v, view) in problem.views.iter().enumerate() {
            for (column, &attribute) in view.columns.iter().enumerate() {
                let lost = Self::lost(problem, v, column, usize::from(node[attribute]));
                let extra = if self.suppression { suppressed(v, column) } else { 0.0 };
                let figure = self.factors.generalization * lost + self.factors.suppression * extra;
                let whole = self.factors.generalization * bits(problem.source_marginal(v, column));
                figures.push(match self.normalized {
                    true if whole > 0.0 => figure / whole,
                    true => 0.0,
                    false => figure,
                });
                weights.push(problem.attributes[attribute].weight);
            }
        }
        (figures, weights)
    }
}

impl Objective for Entropy {
    fn key(&self) -> &'static str {
        "entropy"
    }
    fn needs_codes(&self) -> bool {
        true
    }
    fn cost(&self, problem: &Problem, node: &Levels, stats: &[ViewStats]) -> Cost {
        let (figures, weights) = self.figures(problem, node, |v, column| {
            if stats[v].suppressed == 0 {
                return 0.0;
            }
            let level = usize::from(node[problem.views[v].columns[column]]);
            let gone: Vec<u64> = problem
                .marginal(v, column, level)
                .iter()
                .zip(&stats[v].kept_by_code[column])
                .map(|(all, kept)| all - kept)
                .collect();
            bits(&gone)
        });
        self.aggregate.cost(&figures, &weights)
    }
    fn bound(
        &self,
        problem: &Problem,
        lo: &Levels,
        _: Option<&[ViewStats]>,
        _: &Levels,
        hi_stats: &[ViewStats],
    ) -> Option<Cost> {
        // More suppressed rows and finer codes only add bits, so what is out at `hi` is a lower bound of the second part.
        let (figures, weights) =
            self.figures(problem, lo, |v, column| bits(&hi_stats[v].out_by_code[column]));
        Some(self.aggregate.bound(&figures, &weights))
    }
}
