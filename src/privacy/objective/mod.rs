//! Objectives: what a generalization costs. One file an objective. Lower is better.
//!
//! An objective gives the exact cost of a node of the lattice and a lower bound over a box of nodes `lo..=hi`. A bound that
//! is too high would lose the optimum; the tests hold every bound against all nodes of random boxes.

pub mod ambiguity;
pub mod class_size;
pub mod discernibility;
pub mod divergence;
pub mod entropy;
pub mod height;
pub mod loss;
pub mod precision;

use serde::Serialize;

use super::search::{Levels, Problem};

/// A cost: compared from the first figure on; most objectives have one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Cost(pub Vec<f64>);

impl Cost {
    /// A cost of one figure.
    #[must_use]
    pub fn of(figure: f64) -> Self {
        Cost(vec![figure])
    }
    /// The first figure.
    #[must_use]
    pub fn figure(&self) -> f64 {
        self.0.first().copied().unwrap_or(0.0)
    }
    /// A total order: figure by figure.
    #[must_use]
    pub fn order(&self, other: &Cost) -> std::cmp::Ordering {
        for (a, b) in self.0.iter().zip(&other.0) {
            match a.total_cmp(b) {
                std::cmp::Ordering::Equal => {}
                decided => return decided,
            }
        }
        self.0.len().cmp(&other.0.len())
    }
}

/// How the figures of columns become one.
#[derive(
    Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregate {
    /// Weighted arithmetic mean.
    #[default]
    Mean,
    /// Weighted geometric mean of the figures plus one, minus one: a figure of zero does not swallow the others.
    GeometricMean,
    /// Weighted sum.
    Sum,
    /// The largest, weighted.
    Max,
    /// All figures, largest first, compared one after the other.
    Rank,
}

impl Aggregate {
    /// One cost from the figures of columns, all non-negative. Grows with every figure.
    #[must_use]
    pub fn cost(self, figures: &[f64], weights: &[f64]) -> Cost {
        let weighted = || figures.iter().zip(weights).map(|(f, w)| f * w);
        let all: f64 = weights.iter().sum();
        Cost(match self {
            Aggregate::Sum => vec![weighted().sum()],
            Aggregate::Mean => vec![if all > 0.0 { weighted().sum::<f64>() / all } else { 0.0 }],
            Aggregate::GeometricMean => {
                let logs: f64 = figures.iter().zip(weights).map(|(f, w)| w * (f + 1.0).ln()).sum();
                vec![if all > 0.0 { (logs / all).exp() - 1.0 } else { 0.0 }]
            }
            Aggregate::Max => vec![weighted().fold(0.0, f64::max)],
            // Ten digits: below that, the order of summation would decide.
            Aggregate::Rank => ranked(weighted().map(|f| (f * 1e10).round() / 1e10).collect()),
        })
    }
    /// [`Aggregate::cost`] of figures that are lower bounds: a hair lower, so that the order of summation never puts a bound
    /// above the cost that it bounds.
    #[must_use]
    pub fn bound(self, figures: &[f64], weights: &[f64]) -> Cost {
        if self == Aggregate::Rank {
            let weighted = figures.iter().zip(weights).map(|(f, w)| f * w);
            return Cost(ranked(weighted.map(|f| (f * 1e10 - 1e-3).round() / 1e10).collect()));
        }
        let mut cost = self.cost(figures, weights);
        cost.0.iter_mut().for_each(|f| *f -= f.abs() * 1e-12);
        cost
    }
}

fn ranked(mut figures: Vec<f64>) -> Vec<f64> {
    figures.sort_by(|a, b| b.total_cmp(a));
    figures
}

/// What generalization and suppression of a cell cost relative to each other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factors {
    /// Cost of a cell that is generalized to nothing.
    pub generalization: f64,
    /// Cost of a suppressed cell.
    pub suppression: f64,
}

impl Factors {
    /// From a factor in 0..=1: 0.5 weighs both alike, below it suppression is cheaper, above it generalization.
    #[must_use]
    pub fn new(factor: f64) -> Self {
        Factors {
            generalization: if factor > 0.5 { 2.0 * (1.0 - factor) } else { 1.0 },
            suppression: if factor < 0.5 { 2.0 * factor } else { 1.0 },
        }
    }
    /// The least that a cell of this loss can cost, kept or suppressed.
    fn least(self, loss: f64) -> f64 {
        (self.generalization * loss).min(self.suppression)
    }
}

/// One class of a node, for objectives that look at each.
#[derive(Clone, Copy, Debug)]
pub struct ClassTerm<'a> {
    /// The codes at the node's levels, by column of the view.
    pub codes: &'a [u32],
    /// Rows.
    pub rows: u64,
    /// Sum of the squares of the rows of the source tuples that it holds.
    pub squares: u128,
    /// Whether it stays.
    pub kept: bool,
    /// Whether it is suppressed at every finer node, too.
    pub out: bool,
}

impl ClassTerm<'_> {
    /// How many tuples of leaves the class may stand for, and how many there are.
    #[must_use]
    pub fn area(&self, problem: &Problem, view: usize, node: &Levels) -> (f64, f64) {
        let (mut area, mut most) = (1.0, 1.0);
        for (&code, &attribute) in self.codes.iter().zip(&problem.views[view].columns) {
            let facts = &problem.attributes[attribute];
            area *= facts.levels[usize::from(node[attribute])].share[code as usize] * facts.leaves;
            most *= facts.leaves;
        }
        (area, most)
    }
}

/// What the search knows of one view at one node.
#[derive(Clone, Debug, Default)]
pub struct ViewStats {
    /// Rows.
    pub rows: u64,
    /// Classes, kept or not.
    pub classes: u64,
    /// Classes that stay.
    pub kept_classes: u64,
    /// Rows that are suppressed.
    pub suppressed: u64,
    /// Whether a model cannot hold, whatever is suppressed.
    pub impossible: bool,
    /// Rows that are suppressed here and at every finer node.
    pub out: u64,
    /// By column and code: rows that stay; empty unless [`Objective::needs_codes`].
    pub kept_by_code: Vec<Vec<u64>>,
    /// By column and code: rows that are suppressed here and at every finer node; empty unless [`Objective::needs_codes`].
    pub out_by_code: Vec<Vec<u64>>,
    /// Sum of squared rows over all classes.
    pub squares: u128,
    /// Sum of squared rows over the classes that stay.
    pub squares_kept: u128,
    /// Sum over classes of rows · max(rows, least rows of a class that can stay).
    pub squares_floor: u128,
    /// The same over classes that are out.
    pub squares_floor_out: u128,
    /// Classes with at least as many rows as a class that stays must have.
    pub big_classes: u64,
    /// Rows in smaller classes.
    pub small_rows: u64,
    /// Sums of the objective's terms over all classes: as they are, and as if none were suppressed; and what classes that
    /// are out add.
    pub terms: [f64; 3],
}

/// An objective.
pub trait Objective: Send + Sync + std::fmt::Debug {
    /// Its name in policies and reports.
    fn key(&self) -> &'static str;
    /// The exact cost of a node.
    fn cost(&self, problem: &Problem, node: &Levels, stats: &[ViewStats]) -> Cost;
    /// A lower bound of the cost of all nodes from `lo` to `hi`; none if there is no useful one.
    /// `lo_stats` is there if [`Objective::needs_low`].
    fn bound(
        &self,
        problem: &Problem,
        lo: &Levels,
        lo_stats: Option<&[ViewStats]>,
        hi: &Levels,
        hi_stats: &[ViewStats],
    ) -> Option<Cost>;
    /// Whether the bound needs the statistics of the low corner.
    fn needs_low(&self) -> bool {
        false
    }
    /// Whether [`ViewStats::kept_by_code`] and [`ViewStats::out_by_code`] are to be counted: they are most of the work.
    fn needs_codes(&self) -> bool {
        false
    }
    /// The terms of a class, if the objective is a sum over classes: its cost, its cost if it stayed, and what it certainly
    /// adds to the latter at finer nodes if it is out.
    fn term(
        &self,
        _problem: &Problem,
        _view: usize,
        _node: &Levels,
        _class: &ClassTerm<'_>,
    ) -> [f64; 3] {
        [0.0; 3]
    }
    /// Whether [`Objective::term`] is to be called.
    fn has_terms(&self) -> bool {
        false
    }
}

/// The objective of a name.
///
/// # Errors
/// The known names, if there is none.
pub fn by_key(
    key: &str,
    aggregate: Aggregate,
    factor: f64,
) -> std::result::Result<Box<dyn Objective>, &'static [&'static str]> {
    Ok(match key {
        "loss" => Box::new(loss::Loss { aggregate, factors: Factors::new(factor) }),
        "discernibility" => Box::new(discernibility::Discernibility { penalty: true }),
        "discernibility-monotone" => Box::new(discernibility::Discernibility { penalty: false }),
        "class-size" => Box::new(class_size::ClassSize),
        "entropy" => Box::new(entropy::Entropy {
            aggregate,
            factors: Factors::new(factor),
            normalized: true,
            suppression: true,
        }),
        "precision" => Box::new(precision::Precision {
            aggregate,
            factors: Factors::new(factor),
            suppression: true,
        }),
        "height" => Box::new(height::Height),
        "ambiguity" => Box::new(ambiguity::Ambiguity),
        "kl-divergence" => Box::new(divergence::Divergence),
        _ => return Err(KEYS),
    })
}

/// The names that [`by_key`] knows.
pub const KEYS: &[&str] = &[
    "loss",
    "discernibility",
    "discernibility-monotone",
    "class-size",
    "entropy",
    "precision",
    "height",
    "ambiguity",
    "kl-divergence",
];
