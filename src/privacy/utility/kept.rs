//! Which cells changed, and who disappears.

use serde::Serialize;

use crate::Estimate;
use crate::frame::MISSING;

/// Cells of one column before and after, over the rows that are in both.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize)]
pub struct Changed {
    /// Rows compared.
    pub rows: u64,
    /// Cells that are as before.
    pub same: u64,
    /// Cells that had a value and have none.
    pub emptied: u64,
    /// Cells with another value.
    pub altered: u64,
    /// Cells that had no value and have one.
    pub filled: u64,
}

impl Changed {
    /// Share of the cells that are not as before.
    #[must_use]
    pub fn share(&self) -> Estimate {
        Estimate::checked(1.0 - self.same as f64 / self.rows as f64, "there are no rows in both")
    }
}

/// Compares a column row by row; the codes of both sides are of one dictionary.
#[must_use]
pub fn changed(before: &[u32], after: &[u32]) -> Changed {
    let mut found = Changed::default();
    for (&was, &is) in before.iter().zip(after) {
        found.rows += 1;
        match (was == MISSING, is == MISSING) {
            _ if was == is => found.same += 1,
            (false, true) => found.emptied += 1,
            (true, false) => found.filled += 1,
            _ => found.altered += 1,
        }
    }
    found
}

/// What was kept of a stratum (an age group, a sex, a facility).
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize)]
pub struct Stratum {
    /// The code of the stratum; [`MISSING`] for rows without one.
    pub code: u32,
    /// Rows before.
    pub rows: u64,
    /// Rows kept.
    pub rows_kept: u64,
    /// Distinct persons before.
    pub persons: u64,
    /// Persons of whom a row of the stratum was kept.
    pub persons_kept: u64,
}

impl Stratum {
    /// Share of the rows kept.
    #[must_use]
    pub fn share_of_rows(&self) -> Estimate {
        Estimate::checked(self.rows_kept as f64 / self.rows as f64, "the stratum has no rows")
    }
    /// Share of the persons kept.
    #[must_use]
    pub fn share_of_persons(&self) -> Estimate {
        Estimate::checked(self.persons_kept as f64 / self.persons as f64, "the stratum has no rows")
    }
}

/// By stratum, ascending by code: who is left. `kept[row]` says whether a row is in the release.
#[must_use]
pub fn kept_by_stratum(stratum: &[u32], person: &[u32], kept: &[bool]) -> Vec<Stratum> {
    let mut rows: Vec<(u32, u32, bool)> =
        stratum.iter().zip(person).zip(kept).map(|((&s, &p), &kept)| (s, p, kept)).collect();
    rows.sort_unstable();
    rows.chunk_by(|a, b| a.0 == b.0)
        .map(|same| {
            let persons = same.chunk_by(|a, b| a.1 == b.1);
            Stratum {
                code: same[0].0,
                rows: same.len() as u64,
                rows_kept: same.iter().filter(|r| r.2).count() as u64,
                persons: persons.clone().count() as u64,
                persons_kept: persons.filter(|own| own.iter().any(|r| r.2)).count() as u64,
            }
        })
        .collect()
}

/// The stratum that lost the largest share of its persons among those with at least `least` persons before; ties go to the
/// lower code.
#[must_use]
pub fn hardest_hit(strata: &[Stratum], least: u64) -> Option<Stratum> {
    let lost = |s: &Stratum| (s.persons - s.persons_kept) as f64 / s.persons as f64;
    strata
        .iter()
        .copied()
        .filter(|s| s.persons >= least.max(1))
        .reduce(|a, b| if lost(&b) > lost(&a) { b } else { a })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_compared_one_by_one() {
        let found = changed(&[0, 1, MISSING, MISSING, 2], &[0, 2, MISSING, 1, MISSING]);
        assert_eq!(found, Changed { rows: 5, same: 2, emptied: 1, altered: 1, filled: 1 });
        assert!((found.share().value().unwrap() - 0.6).abs() < 1e-12);
        assert_eq!(changed(&[], &[]).share().value(), None);
    }

    #[test]
    fn who_disappears() {
        let strata = kept_by_stratum(
            &[0, 0, 0, 1, 1, MISSING],
            &[7, 7, 8, 8, 9, 9],
            &[true, false, true, false, false, true],
        );
        assert_eq!(strata.len(), 3);
        assert_eq!((strata[0].rows, strata[0].rows_kept), (3, 2));
        assert_eq!((strata[0].persons, strata[0].persons_kept), (2, 2));
        assert_eq!(strata[1].share_of_persons(), Estimate::Value(0.0));
        assert_eq!(hardest_hit(&strata, 2).map(|s| s.code), Some(1));
        assert_eq!(hardest_hit(&strata, 3), None);
    }
}
