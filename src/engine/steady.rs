//! Steady facts: released columns that are the same in all rows of a person. Who knows one that a view does not count, beside what
//! the view assumes, is left with smaller classes than the view promises: a fact in no view, and just so the facts of one view beside
//! another, because the files are joined by the person's token.

use serde::Serialize;

use super::apply::{Alive, Applied};
use super::partition::Partition;
use super::views::{Cells, Classes, column_codes};
use crate::error::{Error, Name, Result, Said, small};
use crate::frame::Interner;
use crate::plan::steady::Divided;
use crate::plan::{Join, Plan, ViewColumn, ViewPlan};
use crate::policy::model::Tier;
use crate::say;
use crate::schema::Role;

type At = (usize, usize);

/// A steady fact outside a view.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Steady {
    /// Table and column: one that no view counts, or the quasi-identifiers of other views together.
    #[serde(skip)]
    pub columns: Vec<At>,
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

impl Steady {
    /// The columns as `table.column`.
    #[must_use]
    pub fn names(&self, plan: &Plan) -> Name {
        let name = |&(t, c): &At| {
            format!("{}.{}", plan.tables[t].name, plan.tables[t].columns[c].facts.column)
        };
        Name::from_policy(self.columns.iter().map(name).collect::<Vec<_>>().join(" + "))
    }

    /// What is held against the files.
    #[must_use]
    pub fn claimed(&self, plan: &Plan) -> Divided {
        Divided {
            columns: self.names(plan).as_str().to_owned(),
            view: self.view.clone(),
            k: self.k,
            smallest: self.smallest,
            classes: self.classes,
            below: self.below,
            because: self.because.clone(),
        }
    }
}

/// A view with further columns, and its classes.
struct Widened {
    view: ViewPlan,
    classes: Classes,
}

impl Widened {
    fn new(view: &ViewPlan, columns: &[At]) -> Self {
        let mut view = view.clone();
        let join = |table| if view.table == table { Join::SameRow } else { Join::Person };
        let more =
            columns.iter().map(|&(table, column)| ViewColumn { table, column, join: join(table) });
        let more: Vec<ViewColumn> = more.collect();
        view.facts.extend(more);
        view.sensitive.clear();
        let classes = Classes::new(&view);
        Widened { view, classes }
    }
}

/// Columns that are looked at together, and the views with them.
struct Group {
    columns: Vec<At>,
    views: Vec<Widened>,
}

/// A column that seems to be one that the view counts already, in another table.
struct Twin {
    view: usize,
    column: At,
    counted: At,
    differs: bool,
}

/// Counts the views with each of the columns.
pub struct Splits {
    /// Columns that no view counts, one by one, each with all views.
    alone: Vec<Group>,
    /// By view: the quasi-identifiers of the other views, without those that seem to be facts of the view.
    beside: Vec<Group>,
    /// By view: with these too, if there are any; taken where one of them turns out to be another fact.
    doubted: Vec<Option<Group>>,
    twins: Vec<Twin>,
}

impl Splits {
    /// Nothing counted. `steady` are the released columns that are the same in all rows of a person.
    #[must_use]
    pub fn new(plan: &Plan, steady: &[At]) -> Self {
        let counts = |view: &ViewPlan, at: At| view.counted().any(|c| (c.table, c.column) == at);
        let alone = steady.iter().filter(|&&at| !plan.views.iter().any(|v| counts(v, at)));
        let alone = alone
            .map(|&at| Group {
                columns: vec![at],
                views: plan.views.iter().map(|v| Widened::new(v, &[at])).collect(),
            })
            .collect();
        let mut splits =
            Splits { alone, beside: Vec::new(), doubted: Vec::new(), twins: Vec::new() };
        for (v, view) in plan.views.iter().enumerate() {
            let quasi = |&&(t, c): &&At| plan.tables[t].columns[c].facts.role == Role::Quasi;
            let others = steady.iter().filter(quasi).filter(|&&at| {
                !counts(view, at) && plan.views.iter().any(|other| counts(other, at))
            });
            let (mut sure, mut all) = (Vec::new(), Vec::new());
            for &at in others {
                all.push(at);
                match plan.seems_counted(view, at) {
                    Some(counted) => {
                        splits.twins.push(Twin { view: v, column: at, counted, differs: false })
                    }
                    None => sure.push(at),
                }
            }
            let group = |columns: Vec<At>| {
                let views = vec![Widened::new(view, &columns)];
                (!columns.is_empty()).then_some(Group { columns, views })
            };
            splits.doubted.push(if all == sure { None } else { group(all) });
            splits
                .beside
                .push(group(sure).unwrap_or(Group { columns: Vec::new(), views: Vec::new() }));
        }
        splits
    }

    /// Whether there is nothing to count.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alone.is_empty()
            && self.twins.is_empty()
            && self.beside.iter().all(|g| g.columns.is_empty())
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
        let cells = Cells::Applied(applied);
        let groups = self.alone.iter_mut().chain(&mut self.beside);
        for widened in groups.chain(self.doubted.iter_mut().flatten()).flat_map(|g| &mut g.views) {
            widened.classes.add(plan, &widened.view, partition, cells, alive)?;
        }
        for twin in self.twins.iter_mut().filter(|t| !t.differs) {
            let view = &plan.views[twin.view];
            let mut texts = Interner::new();
            let mut codes = |(table, column): At| {
                let join = if view.table == table { Join::SameRow } else { Join::Person };
                let column = ViewColumn { table, column, join };
                column_codes(plan, view, &column, partition, cells, alive, &mut texts)
            };
            let (a, b) = (codes(twin.column), codes(twin.counted));
            let both = a.iter().zip(&b).zip(&alive.rows[view.table]).filter(|(_, there)| **there);
            // Whoever has no row in one of the tables shows nothing there.
            twin.differs = both.into_iter().any(|((a, b), _)| *a != 0 && *b != 0 && a != b);
        }
        Ok(())
    }

    /// The columns that split a class below k, each with the view that it splits most, and the views that others' quasi-identifiers split.
    ///
    /// # Errors
    /// For publication, a column without a reason.
    pub fn finish(self, plan: &Plan) -> Result<Vec<Steady>> {
        let alone = self.alone.len();
        let mut groups = self.alone;
        for (v, (sure, all)) in self.beside.into_iter().zip(self.doubted).enumerate() {
            let differs = self.twins.iter().any(|t| t.view == v && t.differs);
            groups.push(all.filter(|_| differs).unwrap_or(sure));
        }
        let mut found = Vec::new();
        let mut errors = Vec::new();
        for (at, Group { columns, views }) in groups.into_iter().enumerate() {
            let split = views.into_iter().filter_map(|Widened { view, classes }| {
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
            let reasons: Option<Vec<&str>> = columns
                .iter()
                .map(|&(t, c)| plan.tables[t].columns[c].because.as_ref().map(Name::as_str))
                .collect();
            let mut reasons = reasons.unwrap_or_default();
            reasons.dedup();
            let because = (!reasons.is_empty()).then(|| reasons.join("; "));
            let steady = Steady {
                columns,
                view: view.name.as_str().to_owned(),
                k: view.k,
                smallest,
                classes,
                below,
                because,
            };
            if steady.because.is_none() && plan.tier == Some(Tier::Public) {
                errors.push(refusal(plan, &steady, &view.name, at < alone));
            }
            found.push(steady);
        }
        Error::all(errors).map_or(Ok(found), Err)
    }
}

/// `alone` is whether it is one column that no view counts.
fn refusal(plan: &Plan, steady: &Steady, view: &Name, alone: bool) -> Error {
    let small = small(steady.smallest);
    let (what, advice): (Said, Said) = match steady.columns.as_slice() {
        [(t, c)] if alone => (
            say!(
                "table `{}`, column `{}`: it is the same in all rows of a person and stands in no view; with it a class of view `{}` has {} persons where k = {}",
                plan.tables[*t].name,
                plan.tables[*t].columns[*c].facts.column,
                view,
                small,
                steady.k
            ),
            say!(
                "name it under `quasi` of the view, coarsen or drop it, or say why nobody knows it: because = \"...\""
            ),
        ),
        _ => (
            say!(
                "view `{}`: the files are joined by the person's token; with the quasi-identifiers of other views ({}) a class has {} persons where k = {}",
                view,
                steady.names(plan),
                small,
                steady.k
            ),
            say!(
                "name them under `quasi` of the view too, coarsen or drop them, or say at each why nobody knows both: because = \"...\""
            ),
        ),
    };
    Error::refused("C0105", what).advice(advice)
}
