//! Steady facts, as far as the plan tells: released columns that may be the same in all rows of a person, and which of them a view
//! seems to count already. Whether they are is asked of the data, by the run and again by the proof.

use serde::{Deserialize, Serialize};

use super::{FloorPlan, Plan, ViewColumn, ViewPlan};
use crate::schema::{ColumnAt, DateKind, Kind, Role};

/// Of this many persons whose cells are filled in several rows, one may show several values: a typing error, or somebody who moved,
/// makes no fact of persons one of rows.
pub const ONE_IN: u64 = 20;

/// Persons with several filled cells that make "the same in all of them" more than a chance. A measured number is no fact of persons
/// without: it may have been measured once.
pub const EVIDENCE: u64 = 20;

/// How the cells of a column repeat within persons.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Repeated {
    /// Persons with several filled cells.
    pub several: u64,
    /// Of these, persons with several values.
    pub varying: u64,
    /// Persons with rows and no filled cell: that nothing is shown is a value of theirs.
    pub empty: u64,
}

impl Repeated {
    /// Whether the column is a fact of persons and not of rows, as far as the rows tell: of twenty persons with several filled cells
    /// one may show several values, if by chance four times as many would. Where persons have a row each, nothing says that it is of
    /// rows. `rows` are those of each value.
    #[must_use]
    pub fn is_steady(self, measured: bool, rows: impl Iterator<Item = u64>) -> bool {
        if measured && self.several < EVIDENCE {
            return false;
        }
        // Of two rows drawn at random (1 - sum of squared shares) differ.
        let (all, same) = rows.fold((0_u128, 0_u128), |(all, same), rows| {
            (all + u128::from(rows), same + u128::from(rows).pow(2))
        });
        let square = all.pow(2);
        let (several, varying) = (u128::from(self.several), u128::from(self.varying));
        varying * u128::from(ONE_IN) <= several && 4 * varying * square <= several * (square - same)
    }
    /// Whether it cannot be, if so many persons fewer show several values.
    #[must_use]
    pub fn is_of_rows(self, measured: bool, fewer: u64) -> bool {
        let varying = self.varying.saturating_sub(fewer);
        measured && self.several < EVIDENCE || varying * ONE_IN > self.several
    }
    /// Whether enough persons say so for a release that is published to be refused for it.
    #[must_use]
    pub fn is_sure(self, row_is_person: bool) -> bool {
        row_is_person || self.several >= EVIDENCE
    }
    /// Takes in other persons.
    pub fn add(&mut self, other: Repeated) {
        self.several += other.several;
        self.varying += other.varying;
        self.empty += other.empty;
    }
}

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
    /// Whether enough persons have several rows, or a row is a person.
    pub sure: bool,
    /// Why the policy accepts it.
    pub because: Option<String>,
}

impl Plan {
    /// Released columns that may be steady facts, with a floor or exempt from it; with what is counted of them.
    #[must_use]
    pub fn may_be_steady(&self) -> Vec<(ColumnAt, FloorPlan)> {
        let counted = |at: ColumnAt| Some((at, self.counted_of(at.table, at.column)?));
        self.columns_at().filter_map(counted).collect()
    }

    /// A quasi-identifier that a view does not count, but seems to: what the view counts under another name or from another table.
    #[must_use]
    pub fn seems_counted<'a>(&self, view: &'a ViewPlan, at: ColumnAt) -> Option<&'a ViewColumn> {
        let quasi = self.column(at).facts.role == Role::Quasi;
        if !quasi || view.counted().any(|c| c.at() == at) {
            return None;
        }
        view.counted().find(|c| self.alike(c.at(), at))
    }

    /// The same fact by what the policy says: tied, a birth date, one code system, or one name.
    fn alike(&self, a: ColumnAt, b: ColumnAt) -> bool {
        let root = |at: ColumnAt| self.column(at).tied[Kind::Anonymized].unwrap_or(at);
        let (x, y) = (&self.column(a).facts, &self.column(b).facts);
        root(a) == root(b)
            || x.date == Some(DateKind::Birth) && y.date == Some(DateKind::Birth)
            || x.code.is_some() && x.code == y.code
            || x.column == y.column
    }
}
