//! Average class size (AECS): rows divided by classes, the suppressed rows being one class (LeFevre et al. 2006).

use super::{Cost, Objective, ViewStats};
use crate::search::{Levels, Problem};

/// The average class size.
#[derive(Clone, Copy, Debug)]
pub struct ClassSize;

impl Objective for ClassSize {
    fn key(&self) -> &'static str {
        "class-size"
    }
    fn cost(&self, _: &Problem, _: &Levels, stats: &[ViewStats]) -> Cost {
        Cost::of(
            stats
                .iter()
                .map(|s| {
                    s.rows as f64 / (s.kept_classes + u64::from(s.suppressed > 0)).max(1) as f64
                })
                .sum(),
        )
    }
    fn bound(
        &self,
        problem: &Problem,
        _: &Levels,
        lo_stats: Option<&[ViewStats]>,
        _: &Levels,
        hi_stats: &[ViewStats],
    ) -> Option<Cost> {
        // A class that stays holds a class of `lo` that is big enough, or is put together from small ones.
        let sum = lo_stats?
            .iter()
            .zip(hi_stats)
            .zip(&problem.views)
            .map(|((lo, hi), view)| {
                let small = lo.small_rows.saturating_sub(hi.out) / view.least_rows.max(1);
                let most = (lo.big_classes + small).min(lo.classes);
                lo.rows as f64 / (most + 1) as f64
            })
            .sum();
        Some(Cost::of(sum))
    }
    fn needs_low(&self) -> bool {
        true
    }
}
