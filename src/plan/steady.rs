//! Steady facts, as far as the plan tells: released columns that may be the same in all rows of a person, and which of them a view
//! seems to count already. Whether they are is asked of the data, by the run and again by the proof.

use super::{Plan, ViewPlan};
use crate::schema::{DateKind, Kind, Role};

type At = (usize, usize);

/// Persons with several rows that make "the same in all of them" more than a chance.
pub const EVIDENCE: u64 = 20;

/// What a view becomes with facts that it does not count and that are the same in all rows of a person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Divided {
    /// `table.column`; several are joined by ` + `.
    pub columns: String,
    /// The view that they divide most.
    pub view: String,
    /// Distinct persons that the view asks for.
    pub k: u64,
    /// Persons of the smallest class with them.
    pub smallest: u64,
    /// Classes with them.
    pub classes: u64,
    /// Of these, classes of fewer persons than k.
    pub below: u64,
    /// Why the policy accepts it.
    pub because: Option<String>,
}

impl Plan {
    /// Released columns that may be steady facts: those whose values have a floor. Measured numbers change with every
    /// measurement; that one was taken once says nothing.
    #[must_use]
    pub fn may_be_steady(&self) -> Vec<At> {
        let all = self.tables.iter().enumerate();
        let all = all.flat_map(|(t, table)| (0..table.columns.len()).map(move |c| (t, c)));
        all.filter(|&(t, c)| self.floor_of(t, c).is_some_and(|floor| !floor.tails)).collect()
    }

    /// A quasi-identifier that a view does not count, but seems to: what the view counts under another name or from another table.
    #[must_use]
    pub fn seems_counted(&self, view: &ViewPlan, at: At) -> Option<At> {
        let quasi = self.tables[at.0].columns[at.1].facts.role == Role::Quasi;
        let counted = || view.counted().map(|c| (c.table, c.column));
        if !quasi || counted().any(|c| c == at) {
            return None;
        }
        counted().find(|&c| self.alike(c, at))
    }

    /// The same fact by what the policy says: tied, a birth date, one code system, or one name.
    fn alike(&self, a: At, b: At) -> bool {
        let column = |(t, c): At| &self.tables[t].columns[c];
        let root = |at: At| column(at).tied[Kind::Anonymized as usize].unwrap_or(at);
        let (x, y) = (&column(a).facts, &column(b).facts);
        root(a) == root(b)
            || x.date == Some(DateKind::Birth) && y.date == Some(DateKind::Birth)
            || x.code.is_some() && x.code == y.code
            || x.column == y.column
    }
}
