//! Views that close over the release. What a policy declares is a part of what its files show: every table that releases
//! quasi-identifiers needs a view over them at its own grain, and all released forms of one fact count together.

use super::declared::tells_birth;
use super::model::{FloorPlan, Grain, Join, Plan, TablePlan, ViewColumn, ViewPlan};
use crate::error::Name;
use crate::policy::model::{Anonymized, Tier};
use crate::schema::names::tells_by_value;
use crate::schema::{ColumnAt, ColumnFacts, DateKind, Kind, Role, Type};

/// Distinct persons behind every value that the anonymized release shows (規則18条4号), where a column says nothing else: what the
/// policy says, or the tier's k, or the views' smallest k if that is more.
#[must_use]
pub fn floor(anonymized: &Anonymized) -> u64 {
    let tier = anonymized.tier.map(Tier::k);
    let views = anonymized.views.iter().filter_map(|v| v.k).min();
    let all = anonymized.views.iter().all(|v| v.k.is_some());
    // A view without a number of its own has the tier's.
    let views = views.filter(|_| all || tier.is_none());
    anonymized.floor.or(tier.max(views)).unwrap_or(Tier::Research.k())
}

impl Plan {
    /// What the values of a column must hold in the anonymized release; none for what is not released, tokens, and columns that
    /// are exempt with a reason.
    #[must_use]
    pub fn floor_of(&self, table: usize, column: usize) -> Option<FloorPlan> {
        let exempt = self.tables[table].columns[column].no_floor.is_some();
        self.counted_of(table, column).filter(|_| !exempt)
    }

    /// As [`Self::floor_of`], for what is counted of a column: one that is exempt is counted too, and asks for one person a value.
    #[must_use]
    pub fn counted_of(&self, table: usize, column: usize) -> Option<FloorPlan> {
        let plan = &self.tables[table].columns[column];
        let planned = plan.treatment(Kind::Anonymized);
        if planned.output.is_none() || planned.treatment.needs().identity {
            return None;
        }
        // Measured numbers are shown as numbers: what matters is that nobody stands alone at either end, nor with what stands beside a number.
        // A ward or a count of days is none, though it is a number; of other numbers the values tell more.
        let by_value = || {
            let counted = matches!(plan.facts.ty, Type::Integer | Type::Decimal);
            let names = plan.alias.iter().chain([&plan.facts.column]);
            counted && names.into_iter().any(|name| tells_by_value(name.as_str()))
        };
        let measured = matches!(plan.facts.role, Role::Payload | Role::Sensitive)
            && plan.facts.ty.is_number()
            && plan.facts.code.is_none()
            && !planned.treatment.ordered()
            && matches!(planned.output, Some(Type::Integer | Type::Decimal | Type::Measured))
            && !by_value();
        let persons = planned.treatment.persons().unwrap_or(self.floor);
        let persons = if plan.no_floor.is_some() { 1 } else { persons };
        let if_measured = measured && plan.ends_only.is_none();
        Some(FloorPlan { persons, tails: measured, if_measured })
    }
}

fn released(table: &TablePlan, column: usize) -> bool {
    let planned = table.columns[column].treatment(Kind::Anonymized);
    planned.output.is_some() && !planned.treatment.needs().identity
}

/// Adds the implied views and the other forms of facts.
pub fn close(tables: &[TablePlan], views: &mut Vec<ViewPlan>, floor: u64) {
    if views.is_empty() {
        // Without any view the policy is refused for that.
        return;
    }
    imply(tables, views, floor);
    for view in views {
        view.facts = facts(tables, view);
    }
}

/// A view for every table whose quasi-identifiers no view counts at its own grain.
fn imply(tables: &[TablePlan], views: &mut Vec<ViewPlan>, floor: u64) {
    for (t, table) in tables.iter().enumerate() {
        let own: Vec<usize> = (0..table.columns.len())
            .filter(|&c| table.columns[c].facts.role == Role::Quasi && released(table, c))
            .collect();
        let counts = |v: &ViewPlan| {
            v.table == t
                && own.iter().all(|&c| v.quasi.iter().any(|q| (q.table, q.column) == (t, c)))
        };
        if own.is_empty() || views.iter().any(counts) {
            continue;
        }
        // The same k as where these columns are counted already.
        let named = |v: &&ViewPlan| v.quasi.iter().any(|q| q.table == t && own.contains(&q.column));
        let k = views.iter().filter(named).map(|v| v.k).max().unwrap_or(floor);
        let mut name = format!("implied-{}", table.name);
        while views.iter().any(|v| v.name.as_str() == name) {
            name.push('-');
        }
        views.push(ViewPlan {
            name: Name::from_policy(name),
            table: t,
            visible_in: None,
            quasi: own
                .into_iter()
                .map(|column| ViewColumn { table: t, column, join: Join::SameRow })
                .collect(),
            facts: Vec::new(),
            implied: true,
            because: None,
            k,
            sensitive: Vec::new(),
            models: Vec::new(),
        });
    }
}

/// The other released forms of the facts of a view: birth dates and ages (also as numbers: an age at each stay is another one), areas of one code system, and dates of the calendar that belong
/// to the same row or stay.
fn facts(tables: &[TablePlan], view: &ViewPlan) -> Vec<ViewColumn> {
    let calendar = |t: usize, c: usize| {
        let column = &tables[t].columns[c];
        column.facts.ty.is_date()
            && column.facts.date != Some(DateKind::Birth)
            && !column.treatment(Kind::Anonymized).treatment.relative()
    };
    let mut found: Vec<ViewColumn> = Vec::new();
    for (index, quasi) in view.quasi.iter().enumerate() {
        if !released(&tables[quasi.table], quasi.column) {
            continue;
        }
        let of = &tables[quasi.table].columns[quasi.column].facts;
        let birth = tells_birth(&tables[quasi.table], &tables[quasi.table].columns[quasi.column]);
        for (t, table) in tables.iter().enumerate() {
            for (c, column) in table.columns.iter().enumerate().filter(|&(c, _)| released(table, c))
            {
                let facts = &column.facts;
                let coded = of.role == Role::Quasi
                    && facts.role == Role::Quasi
                    && of.code.is_some()
                    && of.code == facts.code;
                // Where a person lives is a fact of the person; what was done or found is one of the row.
                let of_person = |t: usize, f: &ColumnFacts| {
                    tables[t].grain == Grain::Person
                        || f.code.as_ref().is_some_and(|c| is_place(c.as_str()))
                };
                let join = if birth && tells_birth(table, column)
                    || coded && of_person(quasi.table, of) && of_person(t, facts)
                {
                    Some(Join::Person)
                } else if coded && t == view.table {
                    Some(Join::SameRow)
                } else if calendar(quasi.table, quasi.column) && calendar(t, c) {
                    same_stay(tables, view.table, t)
                } else {
                    None
                };
                let Some(join) = join else { continue };
                // The same treatment gives the same value wherever the fact stands: it tells nothing more.
                let at = ColumnAt { table: t, column: c };
                let tied = |at: ColumnAt| {
                    let column = &tables[at.table].columns[at.column];
                    column.tied[Kind::Anonymized].unwrap_or(at)
                };
                let treatment = &column.treatment(Kind::Anonymized).treatment;
                let once = facts.ty.is_date() || tables[t].grain == Grain::Person;
                let same = tied(quasi.at()) == tied(at) && !treatment.varies() && once;
                if birth && same {
                    // Unless the source has several values, or one of the cells is suppressed.
                    let one = |t: usize| tables[t].grain == Grain::Person;
                    let shows_one = match quasi.join {
                        Join::SameRow | Join::Key { .. } => true,
                        _ => one(quasi.table),
                    };
                    let beside = found.iter().any(|f| f.at() == at);
                    if at == quasi.at() && one(t) || beside {
                        continue;
                    }
                    let join = if shows_one { Join::Beside(index) } else { Join::Person };
                    if join != Join::Person || at != quasi.at() {
                        found.push(ViewColumn { table: t, column: c, join });
                    }
                    continue;
                }
                // One row a person: what the row shows is what the person shows.
                let single = tables[t].grain == Grain::Person && view.table == t;
                let join = if single { Join::SameRow } else { join };
                let new = ViewColumn { table: t, column: c, join };
                let known = view.quasi.iter().chain(&found).any(|q| {
                    q.at() == at
                        && (q.join == new.join
                            || new.join == Join::SameRow
                            || q.join == Join::Person)
                });
                if !known {
                    found.push(new);
                }
            }
        }
    }
    found
}

/// Code systems of places.
fn is_place(code: &str) -> bool {
    matches!(code, "postal" | "municipality" | "prefecture")
}

/// How the rows of another table belong to a row of a view's table: the same row, or a key (of a stay) that the files of both show.
fn same_stay(tables: &[TablePlan], here: usize, there: usize) -> Option<Join> {
    if here == there {
        return Some(Join::SameRow);
    }
    // The key that the rows own; or any of an event that both files show.
    let own = match tables[here].grain {
        Grain::Key(own) => Some(own),
        _ => None,
    };
    let others = (0..tables[here].keys.len()).filter(|&k| Some(k) != own);
    let others = others.filter(|&k| tables[here].numbers_events(k));
    own.into_iter().chain(others).find_map(|k| {
        let name = &tables[here].keys[k].name;
        let other = tables[there].keys.iter().position(|other| other.name == *name)?;
        let both = key_shown(&tables[here], k) && key_shown(&tables[there], other);
        both.then_some(Join::KeySet { here: k, there: other })
    })
}

/// Whether the anonymized release shows the token of a key of a table: without it nobody can follow the key in the files.
pub(super) fn key_shown(table: &TablePlan, key: usize) -> bool {
    table.shows_key(Kind::Anonymized, key)
}
