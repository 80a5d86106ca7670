//! Steady facts: released columns that are the same in all rows of a person and stand in no view. Who knows such a fact of a person
//! beside what a view assumes is left with smaller classes than the view promises.

use serde::Serialize;

use super::apply::{Alive, Applied};
use super::partition::Partition;
use super::views::{Cells, Classes};
use crate::error::{Error, Result, small};
use crate::plan::{Join, Plan, ViewColumn, ViewPlan};
use crate::policy::model::Tier;
use crate::say;

/// A steady fact outside the views.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Steady {
    /// Table index.
    #[serde(skip)]
    pub table: usize,
    /// Column index.
    #[serde(skip)]
    pub column: usize,
    /// The view that it splits most.
    pub view: String,
    /// Distinct persons that the view asks for.
    pub k: u64,
    /// Persons of the smallest class with it.
    #[serde(skip)]
    pub smallest: u64,
    /// Classes with it, and those of fewer persons than k.
    pub classes: u64,
    /// Classes of fewer persons than k.
    pub below: u64,
    /// Why the policy accepts it.
    pub because: Option<String>,
}

/// Counts the views with each of the columns.
pub struct Splits {
    columns: Vec<(usize, usize)>,
    /// By column, by view: the view with the column, and its classes.
    views: Vec<Vec<(ViewPlan, Classes)>>,
}

impl Splits {
    /// Nothing counted.
    #[must_use]
    pub fn new(plan: &Plan, columns: Vec<(usize, usize)>) -> Self {
        let with = |&(table, column): &(usize, usize)| -> Vec<(ViewPlan, Classes)> {
            plan.views
                .iter()
                .map(|view| {
                    let join = if view.table == table { Join::SameRow } else { Join::Person };
                    let mut view = view.clone();
                    view.facts.push(ViewColumn { table, column, join });
                    view.sensitive.clear();
                    let classes = Classes::new(&view);
                    (view, classes)
                })
                .collect()
        };
        let views = columns.iter().map(with).collect();
        Splits { columns, views }
    }

    /// Whether there is nothing to count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Adds a partition.
    ///
    /// # Errors
    /// `V0002` if the columns of a view do not fit each other (a bug).
    pub fn add(
        &mut self,
        plan: &Plan,
        partition: &Partition,
        applied: &Applied,
        alive: &Alive,
    ) -> Result<()> {
        for (view, classes) in self.views.iter_mut().flatten() {
            classes.add(plan, view, partition, Cells::Applied(applied), alive)?;
        }
        Ok(())
    }

    /// The columns that split a class below k, each with the view that it splits most.
    ///
    /// # Errors
    /// For publication, a column without a reason.
    pub fn finish(self, plan: &Plan) -> Result<Vec<Steady>> {
        let mut found = Vec::new();
        let mut errors = Vec::new();
        for ((table, column), views) in self.columns.into_iter().zip(self.views) {
            let split = views.into_iter().filter_map(|(view, classes)| {
                let summary = classes.summary();
                let smallest = summary.smallest?.0;
                let below = classes.below(view.k);
                (below > 0).then_some((smallest, below, summary.classes, view))
            });
            let Some((smallest, below, classes, view)) =
                split.min_by_key(|(s, b, ..)| (*s, u64::MAX - *b))
            else {
                continue;
            };
            let plan_column = &plan.tables[table].columns[column];
            let because = plan_column.because.as_ref().map(|b| b.as_str().to_owned());
            if because.is_none() && plan.tier == Some(Tier::Public) {
                errors.push(
                    Error::refused(
                        "C0105",
                        say!(
                            "table `{}`, column `{}`: it is the same in all rows of a person and stands in no view; with it a class of view `{}` has {} persons where k = {}",
                            plan.tables[table].name,
                            plan_column.facts.column,
                            view.name,
                            small(smallest),
                            view.k
                        ),
                    )
                    .advice(say!("name it under `quasi` of the view, coarsen or drop it, or say why nobody knows it: because = \"...\"")),
                );
            }
            found.push(Steady {
                table,
                column,
                view: view.name.as_str().to_owned(),
                k: view.k,
                smallest,
                classes,
                below,
                because,
            });
        }
        Error::all(errors).map_or(Ok(found), Err)
    }
}
