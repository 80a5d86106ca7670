//! Privacy models: what must hold for the classes of a view. One file a model.
//!
//! A model sees counts only: persons, rows, the distribution of a sensitive column in persons. It judges one class
//! ([`Scope::Class`]; a class that fails is suppressed) or the whole table ([`Scope::Table`]).

pub mod alpha_k;
pub mod average_risk;
pub mod beta_likeness;
pub mod delta_disclosure;
pub mod delta_presence;
pub mod journalist;
pub mod k_anonymity;
pub mod k_m;
pub mod k_map;
pub mod l_diversity;
pub mod marketer;
pub mod measure;
pub mod prosecutor;
mod registry;
pub mod t_closeness;
#[cfg(test)]
pub(crate) mod testing;

pub use alpha_k::AlphaK;
pub use average_risk::AverageRisk;
pub use beta_likeness::{BasicBeta, EnhancedBeta};
pub use delta_disclosure::{Absent, DeltaDisclosure};
pub use delta_presence::DeltaPresence;
pub use journalist::{JournalistHighest, JournalistShare};
pub use k_anonymity::KAnonymity;
pub use k_map::{CellSize, KMap, KMapEstimated};
pub use l_diversity::{DistinctL, EntropyL, EntropyLGrassberger, RecursiveCL};
pub use marketer::Marketer;
pub use prosecutor::{ProsecutorHighest, ProsecutorShare};
pub use registry::{MODELS, ModelDoc, Parameters, make};
pub use t_closeness::{Distance, TCloseness, Tree};

/// One equivalence class as a model sees it.
#[derive(Clone, Copy, Debug)]
pub struct Class<'a> {
    /// Rows.
    pub rows: u64,
    /// Distinct persons.
    pub persons: u64,
    /// Persons of the same class in the source database or population table, where a model needs it.
    pub population: Option<u64>,
    /// By sensitive column of the view: (code, distinct persons with this code), ascending by code, no zeros.
    pub sensitive: &'a [&'a [(u32, u64)]],
}

/// The whole view, before suppression, as a model sees it.
#[derive(Clone, Debug, Default)]
pub struct Whole {
    /// Rows.
    pub rows: u64,
    /// Distinct persons.
    pub persons: u64,
    /// By sensitive column: (code, persons), ascending by code, no zeros.
    pub sensitive: Vec<Vec<(u32, u64)>>,
}

/// The classes that remain, as a table-wide model sees them.
#[derive(Clone, Copy, Debug)]
pub struct Remaining<'a> {
    /// Distinct persons by remaining class.
    pub persons: &'a [u64],
    /// Persons of the population by remaining class, where asked for.
    pub population: Option<&'a [u64]>,
}

/// What a model judges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Scope {
    /// Each class alone.
    Class,
    /// All remaining classes together.
    Table,
}

/// What happens to a model when classes are merged, which is what a coarser level does. The search prunes by it, so a claim
/// that is too strong would lose the optimum: the tests of each model prove it by random merges.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Merging {
    /// A class that holds, merged with any other class, holds (k-anonymity, distinct l).
    Any,
    /// Two classes that hold, merged, hold (t-closeness, β-likeness, entropy l).
    BothHold,
    /// Neither is known.
    Unknown,
}

impl Merging {
    /// What is left of the claim if a person may stand in both classes. [`Merging::Any`] survives. [`Merging::BothHold`] does
    /// not: its proofs add the counts of the two classes, and a person of both is counted once in their union (two classes with
    /// entropy l = 2 and one person in common can make a class below 2). The search asks this for views in which a person has
    /// several rows.
    #[must_use]
    pub fn with_shared_persons(self, shared: bool) -> Merging {
        if shared && self == Merging::BothHold { Merging::Unknown } else { self }
    }
}

/// A privacy model.
pub trait Model: Send + Sync + std::fmt::Debug {
    /// The name in policies and reports, such as `k`.
    fn key(&self) -> &'static str;
    /// What must hold, for people: `k = 5`.
    fn shown(&self) -> String;
    /// Which sensitive column of the view it looks at, if any.
    fn sensitive(&self) -> Option<usize> {
        None
    }
    /// Persons that a class must at least have for the model to hold, whatever else it asks for (1 without knowledge).
    fn least_persons(&self) -> u64 {
        1
    }
    /// Whether [`Class::population`] must be there.
    fn needs_population(&self) -> bool {
        false
    }
    /// What it judges.
    fn scope(&self) -> Scope {
        Scope::Class
    }
    /// What merging does to it.
    fn merging(&self) -> Merging;
    /// Whether the model holds for a class. Models of [`Scope::Table`] answer true.
    fn class_holds(&self, class: &Class<'_>, whole: &Whole) -> bool;
    /// A necessary condition of [`Model::class_holds`] for which [`Merging::Any`] is true: if it fails for a class, the class and
    /// every part of it fail the model. The search bounds by it. Without knowledge: true.
    fn may_hold(&self, class: &Class<'_>, whole: &Whole) -> bool {
        if self.merging() == Merging::Any { self.class_holds(class, whole) } else { true }
    }
    /// Whether the model can hold beside a class of the population in which the release has nobody. Such a class cannot be
    /// suppressed: if this is false and there is one, the generalization fails as a whole.
    fn tolerates_empty(&self) -> bool {
        true
    }
    /// Whether the model holds for what remains. Models of [`Scope::Class`] answer true.
    fn table_holds(&self, _remaining: &Remaining<'_>) -> bool {
        true
    }
}
