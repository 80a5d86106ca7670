//! Discernibility: every row costs the size of its class, a suppressed row the size of the table (Bayardo & Agrawal 2005).

use super::{Cost, Objective, ViewStats};
use crate::search::{Levels, Problem};

/// The discernibility objective.
#[derive(Clone, Copy, Debug)]
pub struct Discernibility {
    /// Whether suppressed rows cost the whole table. Without it (the monotone variant) they cost the size of their class.
    pub penalty: bool,
}

impl Objective for Discernibility {
    fn key(&self) -> &'static str {
        if self.penalty { "discernibility" } else { "discernibility-monotone" }
    }
    fn cost(&self, _: &Problem, _: &Levels, stats: &[ViewStats]) -> Cost {
        Cost::of(
            stats
                .iter()
                .map(|s| {
                    if self.penalty {
                        s.squares_kept as f64 + s.suppressed as f64 * s.rows as f64
                    } else {
                        s.squares as f64
                    }
                })
                .sum(),
        )
    }
    fn bound(
        &self,
        _: &Problem,
        _: &Levels,
        lo_stats: Option<&[ViewStats]>,
        _: &Levels,
        hi_stats: &[ViewStats],
    ) -> Option<Cost> {
        // A row costs at least the size of its class at `lo`, and at least that of the smallest class that can stay; a row
        // that is out at `hi` costs the table.
        let sum = lo_stats?
            .iter()
            .zip(hi_stats)
            .map(|(lo, hi)| {
                if self.penalty {
                    (lo.squares_floor as f64 - hi.squares_floor_out as f64
                        + hi.out as f64 * hi.rows as f64)
                        .max(lo.squares_floor.min(lo.squares) as f64)
                } else {
                    lo.squares as f64
                }
            })
            .sum();
        Some(Cost::of(sum))
    }
    fn needs_low(&self) -> bool {
        true
    }
}
