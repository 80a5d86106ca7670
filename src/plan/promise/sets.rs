//! Sets of items: no few items of a person, together, are those of fewer than k distinct persons.

use crate::build::{Builder, name};
use crate::error::Name;
use crate::model::{TablePlan, deciding};
use crate::policy::model::Tier;
use crate::say;
use crate::schema::{ColumnAt, Kind};

/// A set of items for each person, k^m-anonymous in the anonymized release.
#[derive(Clone, Debug, PartialEq)]
pub struct SetPlan {
    /// Its name.
    pub name: Name,
    /// The table.
    pub table: usize,
    /// The column of the items.
    pub column: usize,
    /// The database that shows the items and that the release may be linked with.
    pub visible_in: Option<crate::policy::model::VisibleIn>,
    /// Items that an attacker may know, 1 to 3.
    pub m: usize,
    /// Distinct persons at least.
    pub k: u64,
    /// Why its k may be below the tier's.
    pub because: Option<Name>,
}

impl Builder<'_> {
    /// The sets that a policy names.
    pub(crate) fn sets(&mut self, tables: &[TablePlan]) -> Vec<SetPlan> {
        let anonymized = &self.loaded.policy.anonymized;
        let mut sets: Vec<SetPlan> = Vec::new();
        for (index, set) in anonymized.sets.iter().enumerate() {
            let index = index.to_string();
            let path = ["anonymized", "set", index.as_str()];
            let of = |field| ["anonymized", "set", index.as_str(), field];
            if sets.iter().any(|s| s.name.as_str() == set.name)
                || anonymized.views.iter().any(|v| v.name == set.name)
            {
                let twice = say!("two views or sets are named `{}`", name(&set.name));
                self.error("P0101", &path, twice);
            }
            if !(1..=3).contains(&set.m) {
                let wrong = say!("set `{}`: m is 1, 2 or 3", name(&set.name));
                self.error("P0108", &of("m"), wrong);
            }
            let k = set.k.or(anonymized.tier.map(Tier::k));
            match k {
                None => self.advise(
                    "P0108",
                    &path,
                    say!("set `{}` has no k, and there is no tier", name(&set.name)),
                    say!("anonymized.tier = \"research\" means k = 10; or give the set its k"),
                ),
                Some(2..=4_294_967_295) => {}
                Some(_) => {
                    let wrong = say!("set `{}`: k is at least 2 and below 2^32", name(&set.name));
                    self.error("P0108", &of("k"), wrong);
                }
            }
            let Some(ColumnAt { table: t, column: c }) =
                self.resolve(tables, None, &set.column, &of("column"))
            else {
                continue;
            };
            let planned = tables[t].columns[c].treatment(Kind::Anonymized);
            if planned.output.is_none() {
                self.advise(
                    "P0108",
                    &of("column"),
                    say!(
                        "set `{}`: its column `{}`.`{}` is not in the anonymized release",
                        name(&set.name),
                        tables[t].name,
                        tables[t].columns[c].facts.column
                    ),
                    say!("what is not released needs no set; or give the column a treatment that releases it"),
                );
            } else if planned.treatment.shows().token() {
                self.error(
                    "P0108",
                    &of("column"),
                    say!("set `{}`: the items of a set are not tokens", name(&set.name)),
                );
            } else if deciding(tables, t, Kind::Anonymized).contains(&c) {
                self.advise(
                    "P0108",
                    &of("column"),
                    say!(
                        "set `{}`: its column `{}`.`{}` says what a row of a long file is, so no item of it can be suppressed",
                        name(&set.name),
                        tables[t].name,
                        tables[t].columns[c].facts.column
                    ),
                    say!("leave `long.anonymized` out of the table, so that each kind of row is a file of its own"),
                );
            }
            sets.push(SetPlan {
                name: name(&set.name),
                visible_in: set.visible_in,
                table: t,
                column: c,
                m: set.m,
                k: k.unwrap_or(u64::MAX),
                because: set.because.as_deref().map(name),
            });
        }
        sets
    }
}
