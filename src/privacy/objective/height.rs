//! Height: the sum of the levels, whatever is suppressed. With unlimited suppression its optimum is to generalize nothing and
//! suppress nearly everything: use it with a limit.

use super::{Cost, Objective, ViewStats};
use crate::search::{Levels, Problem};

/// The height objective.
#[derive(Clone, Copy, Debug)]
pub struct Height;

impl Objective for Height {
    fn key(&self) -> &'static str {
        "height"
    }
    fn cost(&self, problem: &Problem, node: &Levels, _: &[ViewStats]) -> Cost {
        Cost::of(
            node.iter()
                .zip(&problem.attributes)
                .map(|(&level, a)| f64::from(level) * a.weight)
                .sum(),
        )
    }
    fn bound(
        &self,
        problem: &Problem,
        lo: &Levels,
        _: Option<&[ViewStats]>,
        _: &Levels,
        _: &[ViewStats],
    ) -> Option<Cost> {
        Some(self.cost(problem, lo, &[]))
    }
}
