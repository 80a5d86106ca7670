//! Loss: the mean share of a column's domain that a cell may stand for (Iyengar 2002, with a suppression term).
//!
//! For a column with L leaves, r = Σ over kept rows (leaves under the value / L) + suppressed rows; the figure is
//! (r − n/L) / (n − n/L), 0 for the data as they are and 1 for nothing left. With factors g of generalization and s of
//! suppression, a kept cell of share x costs g·x and a suppressed one x + s·(1 − x), as in ARX: never less than if it were kept.

use super::{Aggregate, Cost, Factors, Objective, ViewStats};
use crate::search::{Levels, Problem};

/// The loss objective.
#[derive(Clone, Copy, Debug)]
pub struct Loss {
    /// How columns become one figure.
    pub aggregate: Aggregate,
    /// Generalization against suppression.
    pub factors: Factors,
}

impl Loss {
    /// What suppression adds to a cell of this share. Grows as the share shrinks, so that finer nodes add no less.
    fn surcharge(&self, share: f64) -> f64 {
        share + self.factors.suppression * (1.0 - share) - self.factors.generalization * share
    }
    fn normalized(&self, raw: f64, rows: f64, leaves: f64) -> f64 {
        let least = self.factors.generalization * rows / leaves;
        let most = rows * self.factors.generalization.max(self.factors.suppression);
        if most > least { ((raw - least) / (most - least)).max(0.0) } else { 0.0 }
    }
}

impl Objective for Loss {
    fn key(&self) -> &'static str {
        "loss"
    }
    fn needs_codes(&self) -> bool {
        true
    }
    fn cost(&self, problem: &Problem, node: &Levels, stats: &[ViewStats]) -> Cost {
        let mut figures = Vec::new();
        let mut weights = Vec::new();
        for ((v, view), stats) in problem.views.iter().enumerate().zip(stats) {
            for (column, &attribute) in view.columns.iter().enumerate() {
                let facts = &problem.attributes[attribute];
                let level = usize::from(node[attribute]);
                let all = problem.marginal(v, column, level);
                let raw: f64 = stats.kept_by_code[column]
                    .iter()
                    .zip(all)
                    .zip(&facts.levels[level].share)
                    .map(|((&kept, &all), &share)| {
                        all as f64 * self.factors.generalization * share
                            + (all - kept) as f64 * self.surcharge(share)
                    })
                    .sum();
                figures.push(self.normalized(raw, stats.rows as f64, facts.leaves));
                weights.push(facts.weight);
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
        // Every row costs at least what it costs at `lo`; a row that is out at `hi` is out everywhere below and costs the
        // full price, of which the part above its price at `hi` is not yet counted.
        let mut figures = Vec::new();
        let mut weights = Vec::new();
        for ((v, view), stats) in problem.views.iter().enumerate().zip(hi_stats) {
            for (column, &attribute) in view.columns.iter().enumerate() {
                let facts = &problem.attributes[attribute];
                let low = usize::from(lo[attribute]);
                let base: f64 = problem
                    .marginal(v, column, low)
                    .iter()
                    .zip(&facts.levels[low].share)
                    .map(|(&rows, &share)| rows as f64 * self.factors.generalization * share)
                    .sum();
                let extra: f64 = stats.out_by_code[column]
                    .iter()
                    .zip(&facts.levels[usize::from(hi[attribute])].share)
                    .map(|(&rows, &share)| rows as f64 * self.surcharge(share))
                    .sum();
                figures.push(self.normalized(base + extra, stats.rows as f64, facts.leaves));
                weights.push(facts.weight);
            }
        }
        Some(self.aggregate.bound(&figures, &weights))
    }
}
