//! Steady facts: released columns that are the same in all rows of a person. Who knows one that a view does not count, beside what
//! the view assumes, is left with smaller classes than the view promises: a fact in no view, and just so the facts of one view beside
//! another, because the files are joined by the person's token.

use serde::{Deserialize, Serialize};

use super::apply::{Applied, Surviving};
use super::partition::Partition;
use super::views::{Cells, Classes, column_codes};
use crate::error::{Error, Name, Result, Said, small};
use crate::frame::Interner;
use crate::plan::steady::Divided;
use crate::plan::{Join, Plan, ViewColumn, ViewPlan};
use crate::policy::model::Tier;
use crate::say;
use crate::schema::{ColumnAt, Role};

/// A steady fact outside a view.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Steady {
    /// Table and column: one that no view counts, or the quasi-identifiers of other views together.
    #[serde(skip)]
    pub columns: Vec<ColumnAt>,
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
    /// Whether enough persons have several rows, or a row is a person.
    pub sure: bool,
    /// Why the policy accepts it.
    pub because: Option<String>,
}

impl Steady {
    /// The columns as `table.column`.
    #[must_use]
    pub fn names(&self, plan: &Plan) -> Name {
        let name = |&at: &ColumnAt| {
            format!("{}.{}", plan.tables[at.table].name, plan.column(at).facts.column)
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
            sure: self.sure,
            because: self.because.clone(),
        }
    }
}

/// Columns that are looked at together, and the views that are counted with them.
struct Group {
    columns: Vec<ColumnAt>,
    sure: bool,
    views: Vec<ViewPlan>,
    of: Of,
}

#[derive(Clone, Copy)]
enum Of {
    /// A column that no view counts, with all views.
    Alone,
    /// Beside one view the quasi-identifiers of the others, without those that seem to be facts of the view.
    Beside(usize),
    /// With these too; taken where one of them turns out to be another fact.
    Doubted(usize),
}

/// A column that seems to be one that the view counts already, in another table.
struct Twin {
    view: usize,
    column: ColumnAt,
    counted: ViewColumn,
}

/// What there is to look at: it follows from the plan and the steady columns.
#[derive(Default)]
struct Looks {
    groups: Vec<Group>,
    twins: Vec<Twin>,
}

/// Counts the views with each group of columns.
#[derive(Debug, Serialize, Deserialize)]
pub struct Splits {
    steady: Vec<(ColumnAt, bool)>,
    /// By group, by view: the classes of the view with the columns.
    classes: Vec<Vec<Classes>>,
    /// By twin: whether it is another fact than the one that it seems to be.
    differs: Vec<bool>,
}

/// What a person shows in all rows of the column's table.
fn of_person(at: ColumnAt) -> ViewColumn {
    ViewColumn { table: at.table, column: at.column, join: Join::Person }
}

/// A view with further columns.
fn widened(view: &ViewPlan, columns: &[ColumnAt]) -> ViewPlan {
    let mut view = view.clone();
    view.facts.extend(columns.iter().copied().map(of_person));
    view.sensitive.clear();
    view
}

impl Looks {
    fn new(plan: &Plan, steady: &[(ColumnAt, bool)]) -> Self {
        let counts = |view: &ViewPlan, at: ColumnAt| view.counted().any(|c| c.at() == at);
        let counted = |at: ColumnAt| plan.views.iter().any(|view| counts(view, at));
        let mut looks = Looks::default();
        for &(at, sure) in steady.iter().filter(|&&(at, _)| !counted(at)) {
            let views = plan.views.iter().map(|view| widened(view, &[at])).collect();
            looks.groups.push(Group { columns: vec![at], sure, views, of: Of::Alone });
        }
        for (v, view) in plan.views.iter().enumerate() {
            let quasi = |at: &&ColumnAt| plan.column(**at).facts.role == Role::Quasi;
            let others = steady.iter().map(|(at, _)| at);
            let others = others.filter(quasi).filter(|&&at| !counts(view, at) && counted(at));
            let (mut sure, mut all) = (Vec::new(), Vec::new());
            for &at in others {
                all.push(at);
                match plan.seems_counted(view, at) {
                    Some(counted) => {
                        looks.twins.push(Twin { view: v, column: at, counted: counted.clone() })
                    }
                    None => sure.push(at),
                }
            }
            let doubted = all != sure;
            let groups = [(sure, Of::Beside(v)), (all, Of::Doubted(v))];
            for (columns, of) in groups.into_iter().take(1 + usize::from(doubted)) {
                if !columns.is_empty() {
                    let views = vec![widened(view, &columns)];
                    let sure = steady.iter().any(|(at, sure)| *sure && columns.contains(at));
                    looks.groups.push(Group { columns, sure, views, of });
                }
            }
        }
        looks
    }
}

/// Of the released columns that are the same in all rows of a person, those that are to be counted: all, if there is anything to look
/// at.
#[must_use]
pub fn asked(plan: &Plan, steady: Vec<(ColumnAt, bool)>) -> Vec<(ColumnAt, bool)> {
    if Looks::new(plan, &steady).groups.is_empty() { Vec::new() } else { steady }
}

impl Splits {
    /// Nothing counted.
    #[must_use]
    pub fn new(plan: &Plan, steady: Vec<(ColumnAt, bool)>) -> Self {
        let looks = Looks::new(plan, &steady);
        let none = |group: &Group| group.views.iter().map(Classes::new).collect();
        let classes = looks.groups.iter().map(none).collect();
        Splits { steady, classes, differs: vec![false; looks.twins.len()] }
    }

    /// Adds a batch.
    ///
    /// # Errors
    /// `V0002` if the columns of a view do not fit each other (a bug).
    pub fn add(
        &mut self,
        plan: &Plan,
        partition: &Partition,
        applied: &Applied,
        surviving: &Surviving,
    ) -> Result<()> {
        let cells = Cells::Applied(applied);
        let looks = Looks::new(plan, &self.steady);
        for (group, classes) in looks.groups.iter().zip(&mut self.classes) {
            for (view, classes) in group.views.iter().zip(classes) {
                classes.add(plan, view, partition, cells, surviving)?;
            }
        }
        for (twin, differs) in looks.twins.iter().zip(&mut self.differs).filter(|(_, d)| !**d) {
            let view = &plan.views[twin.view];
            let mut texts = Interner::new();
            let mut codes = |column: &ViewColumn| {
                column_codes(plan, view, column, partition, cells, surviving, &mut texts)
            };
            let (a, b) = (codes(&of_person(twin.column)), codes(&twin.counted));
            let both =
                a.iter().zip(&b).zip(&surviving.rows[view.table]).filter(|(_, there)| **there);
            // Whoever has no row in one of the tables shows nothing there.
            *differs = both.into_iter().any(|((a, b), _)| *a != 0 && *b != 0 && a != b);
        }
        Ok(())
    }

    /// Whether the same columns are counted.
    #[must_use]
    pub fn is_like(&self, other: &Splits) -> bool {
        let like = |(mine, theirs): (&Vec<Classes>, &Vec<Classes>)| {
            mine.len() == theirs.len() && mine.iter().zip(theirs).all(|(a, b)| a.is_like(b))
        };
        self.steady == other.steady
            && self.differs.len() == other.differs.len()
            && self.classes.len() == other.classes.len()
            && self.classes.iter().zip(&other.classes).all(like)
    }

    /// Takes in what was counted of other persons.
    ///
    /// # Errors
    /// If other columns were counted there.
    pub fn merge(&mut self, other: &Splits) -> Result<()> {
        if !self.is_like(other) {
            return Err(super::statistics::other());
        }
        for (mine, theirs) in self.classes.iter_mut().flatten().zip(other.classes.iter().flatten())
        {
            mine.merge(theirs)?;
        }
        self.differs.iter_mut().zip(&other.differs).for_each(|(mine, theirs)| *mine |= theirs);
        Ok(())
    }

    /// The columns that split a class below k, each with the view that it splits most, and the views that others' quasi-identifiers split.
    ///
    /// # Errors
    /// For publication, a column without a reason.
    pub fn finish(self, plan: &Plan) -> Result<Vec<Steady>> {
        let Looks { groups, twins } = Looks::new(plan, &self.steady);
        let another: Vec<usize> =
            twins.iter().zip(&self.differs).filter(|(_, d)| **d).map(|(t, _)| t.view).collect();
        let mut found = Vec::new();
        let mut errors = Vec::new();
        for (Group { columns, sure, views, of }, classes) in groups.into_iter().zip(self.classes) {
            let taken = match of {
                Of::Alone => true,
                Of::Beside(view) => !another.contains(&view),
                Of::Doubted(view) => another.contains(&view),
            };
            if !taken {
                continue;
            }
            let split = views.into_iter().zip(classes).filter_map(|(view, classes)| {
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
                .map(|&at| plan.column(at).because.as_ref().map(Name::as_str))
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
                sure,
                because,
            };
            if sure && steady.because.is_none() && plan.tier == Some(Tier::Public) {
                errors.push(refusal(plan, &steady, &view.name, matches!(of, Of::Alone)));
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
        [at] if alone => (
            say!(
                "table `{}`, column `{}`: it is the same in all rows of a person and stands in no view; with it a class of view `{}` has {} persons where k = {}",
                plan.tables[at.table].name,
                plan.column(*at).facts.column,
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
