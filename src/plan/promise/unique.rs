//! Facts beside a view: what is known of a row beyond the view's quasi-identifiers, and what was measured of them.
//!
//! The engine counts before anything is written (`engine::unique`), the proof counts again from the files (`check::unique`); the
//! two share the plain data here and no code that counts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::closure::key_shown;
use crate::error::{Name, Said};
use crate::model::{Grain, Join, Plan, TablePlan, ViewColumn, ViewPlan};
use crate::policy::model::{Tier, UniqueWith};
use crate::say;
use crate::schema::{ColumnAt, Kind};
use crate::technique::Shows;

/// Known facts at most.
pub const MOST_KNOWN: usize = 3;

/// Rows times combinations that are counted where the policy sets no limit; beyond it combinations are made of the facts that
/// single out most by themselves.
const STEPS: u64 = 1 << 27;

/// What is measured beside a view.
#[derive(Clone, Debug, PartialEq)]
pub struct UniquePlan {
    /// The facts: each is the set of values that a row's stay or person shows, or the cell of the row itself.
    pub facts: Vec<ViewColumn>,
    /// How many of them, the last ones, stand in rows of events: they are facts of the stay only if the data say so
    /// ([`crate::steady::Repeated`]), and else fall away. What the few stays with several values show is one value.
    pub perhaps: usize,
    /// How many may be known together.
    pub m: usize,
    /// At most this share of the rows may fit one person alone.
    pub at_most: Option<f64>,
    /// Why less is asked than the tier asks.
    pub because: Option<Name>,
}

/// What is wrong with the words of a policy.
pub struct Fault {
    /// The key below `unique_with`, with the place in its list.
    pub below: Vec<String>,
    /// What is wrong.
    pub what: Said,
    /// What to do.
    pub advice: Said,
}

/// Makes the plan of a view from the policy's words (or none). `named` are the facts that the words name, with their places.
#[must_use]
pub fn plan(
    tables: &[TablePlan],
    view: &ViewPlan,
    words: &UniqueWith,
    named: &[(ColumnAt, String)],
    tier: Option<Tier>,
) -> (UniquePlan, Vec<Fault>) {
    let mut faults = Vec::new();
    let mut fault = |below: &[&str], what: Said, advice: Said| {
        faults.push(Fault { below: below.iter().map(|&b| b.to_owned()).collect(), what, advice });
    };
    let every = every_fact(tables, view);
    let mut facts: Vec<ViewColumn> = Vec::new();
    for (at, place) in named {
        let ColumnAt { table, column } = *at;
        let below = ["facts", place.as_str()];
        let name = fact_name(tables, table, column);
        if !is_fact(tables, table, column) {
            fault(
                &below,
                say!(
                    "view `{}`: `{}` is no fact of the anonymized release (it is left out, or a token)",
                    view.name,
                    name
                ),
                say!("what is not released is not known from it: take it from the list"),
            );
        } else if in_view(tables, view, table, column) {
            fault(
                &below,
                say!("view `{}`: `{}` is one of the view's quasi-identifiers", view.name, name),
                say!("facts are what is known beside them: take it from the list"),
            );
        } else if facts.iter().any(|f| f.at() == *at) {
            fault(
                &below,
                say!("view `{}`: `{}` is named twice", view.name, name),
                say!("take it from the list"),
            );
        } else {
            facts.push(ViewColumn { table, column, join: join(tables, view.table, table) });
        }
    }
    let limit = tier.and_then(Tier::unique_at_most);
    let m = words.m.unwrap_or(2);
    if !(1..=MOST_KNOWN).contains(&m) {
        fault(
            &["m"],
            say!("view `{}`: `m` is 1, 2 or 3", view.name),
            say!("2 is usual: who knows three facts of a row needs no release"),
        );
    }
    if words.at_most.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
        fault(
            &["at_most"],
            say!("view `{}`: `at_most` is a share between 0 and 1", view.name),
            say!("0.05 means one row in twenty"),
        );
    }
    let because = words.because.as_deref().map(str::trim).filter(|why| !why.is_empty());
    if let Some(limit) = limit.filter(|_| because.is_none()) {
        let fewer =
            !named.is_empty() && every.iter().any(|e| !facts.iter().any(|f| f.at() == e.at()));
        let weaker = [
            (fewer, "facts", say!("names fewer facts than are released beside the view")),
            (m < 2, "m", say!("takes less than two known facts")),
            (
                words.at_most.is_some_and(|share| share > limit),
                "at_most",
                say!("allows more than the {} of the tier", limit),
            ),
        ];
        for (_, key, what) in weaker.into_iter().filter(|(weaker, ..)| *weaker) {
            fault(
                &[key],
                say!("view `{}`: `unique_with` {}", view.name, what),
                say!("say why with `because = \"...\"`: it stands in the record and the report"),
            );
        }
    }
    let perhaps = if named.is_empty() { of_stays(tables, view) } else { Vec::new() };
    let plan = UniquePlan {
        perhaps: perhaps.len(),
        facts: if named.is_empty() { [every, perhaps].concat() } else { facts },
        m: m.clamp(1, MOST_KNOWN),
        at_most: words.at_most.or(limit),
        because: because.map(Name::from_policy),
    };
    (plan, faults)
}

/// The facts where the policy names none: released columns outside the view of its own table and of the tables that have at
/// most one row for one of its rows.
fn every_fact(tables: &[TablePlan], view: &ViewPlan) -> Vec<ViewColumn> {
    let here = &tables[view.table];
    let mut facts = Vec::new();
    for (t, table) in tables.iter().enumerate() {
        let fits = match (&here.grain, &table.grain) {
            _ if t == view.table => true,
            // Rows of a stay show the stay and the person; events are counted by their own cells.
            (Grain::Person | Grain::Key(_), Grain::Person) => true,
            (Grain::Key(own), Grain::Key(theirs)) => {
                here.keys[*own].name == table.keys[*theirs].name
            }
            _ => false,
        };
        if fits {
            let own = (0..table.columns.len())
                .filter(|&c| is_fact(tables, t, c) && !in_view(tables, view, t, c))
                .map(|column| ViewColumn { table: t, column, join: join(tables, view.table, t) });
            facts.extend(own);
        }
    }
    facts
}

/// Of a view of stays, released columns of events that carry the stay's token: facts of the stay if they are the same in all its rows.
fn of_stays(tables: &[TablePlan], view: &ViewPlan) -> Vec<ViewColumn> {
    let here = &tables[view.table];
    let Grain::Key(own) = here.grain else { return Vec::new() };
    if !key_shown(here, own) {
        return Vec::new();
    }
    let mut facts = Vec::new();
    for (t, table) in tables.iter().enumerate().filter(|(_, table)| table.grain == Grain::Event) {
        let theirs = table.keys.iter().position(|k| k.name == here.keys[own].name);
        let Some(theirs) = theirs.filter(|&k| key_shown(table, k)) else { continue };
        let join = Join::Key { here: own, there: theirs };
        let columns = (0..table.columns.len()).filter(|&c| is_fact(tables, t, c));
        let columns = columns.filter(|&c| !view.counted().any(|q| (q.table, q.column) == (t, c)));
        facts.extend(columns.map(|column| ViewColumn { table: t, column, join: join.clone() }));
    }
    facts
}

/// Whether the column stands in the anonymized release with something that may be known of a person.
fn is_fact(tables: &[TablePlan], table: usize, column: usize) -> bool {
    let planned = tables[table].columns[column].treatment(Kind::Anonymized);
    let shows = planned.treatment.shows();
    planned.output.is_some() && !shows.token() && shows != Shows::Nothing
}

/// Whether the view counts what a row shows of the column. What it counts as a set over the person may be finer a row.
fn in_view(tables: &[TablePlan], view: &ViewPlan, table: usize, column: usize) -> bool {
    let by_person = join(tables, view.table, table) == Join::Person;
    let of_person = |q: &ViewColumn| matches!(q.join, Join::Person | Join::Beside(_));
    view.counted().any(|q| (q.table, q.column) == (table, column) && (!of_person(q) || by_person))
}

/// How a row of `here` shows the rows of `there` in the released files: by the token of a key of both, else by the person's.
fn join(tables: &[TablePlan], here: usize, there: usize) -> Join {
    if here == there {
        return Join::SameRow;
    }
    if let Grain::Key(own) = tables[there].grain
        && let Some(k) =
            tables[here].keys.iter().position(|k| k.name == tables[there].keys[own].name)
        && key_shown(&tables[here], k)
        && key_shown(&tables[there], own)
    {
        return Join::Key { here: k, there: own };
    }
    Join::Person
}

/// A column as a reader knows it: by its label where it has one.
#[must_use]
pub fn fact_name(tables: &[TablePlan], table: usize, column: usize) -> Name {
    let (table, column) = (&tables[table], &tables[table].columns[column]);
    let label = column.alias.as_ref().unwrap_or(&column.facts.column);
    Name::from_policy(format!("{}.{label}", table.name))
}

impl Plan {
    /// Tables of the anonymized release with any number of rows a person or stay: how many there are can be known.
    #[must_use]
    pub fn counted_tables(&self) -> Vec<usize> {
        let of = |&t: &usize| {
            let table = &self.tables[t];
            table.grain == Grain::Event && table.is_released(Kind::Anonymized)
        };
        (0..self.tables.len()).filter(of).collect()
    }
}

/// Among how many facts combinations are made. All of them if the policy sets a limit, or if it is few steps.
#[must_use]
pub fn combined(rows: u64, facts: usize, m: usize, limited: bool) -> usize {
    let choose = |n: u64, s: usize| {
        (0..s as u64).fold(1_u64, |all, i| all.saturating_mul(n - i.min(n)) / (i + 1))
    };
    let passes =
        |n: usize| (2..=m).fold(facts as u64, |sum, s| sum.saturating_add(choose(n as u64, s)));
    let fits = |n: &usize| passes(*n).saturating_mul(rows) <= STEPS;
    if limited {
        return facts;
    }
    (m.min(facts)..=facts).rev().find(fits).unwrap_or(m.min(facts))
}

/// The facts of which combinations are made, in their order: those that single out most rows by themselves.
#[must_use]
pub fn strongest(by_fact: &[Singled], most: usize) -> Vec<usize> {
    let mut order: Vec<usize> = (0..by_fact.len()).collect();
    order.sort_by_key(|&f| (std::cmp::Reverse(by_fact[f].rows), f));
    order.truncate(most);
    order.sort_unstable();
    order
}

/// A share in words: `70.5 %`; of fewer than ten rows, what it is below.
#[must_use]
pub fn share(part: u64, whole: u64) -> Name {
    let percent = |part: u64| 100.0 * part as f64 / whole.max(1) as f64;
    Name::from_policy(match part {
        0 => "0 %".to_owned(),
        1..=9 if whole > 10 => format!("<{:.1} %", percent(10).max(0.1)),
        1..=9 => "<100 %".to_owned(),
        _ => format!("{:.1} %", percent(part)),
    })
}

/// What was measured of a release.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Unique {
    /// By view.
    pub views: Vec<ViewUnique>,
    /// By table of events.
    pub tables: Vec<TableUnique>,
    /// Persons with rows in any of these tables.
    pub persons: u64,
    /// Of them, whose numbers of rows in all of these tables nobody else has.
    pub alone: u64,
}

/// What was measured beside a view.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewUnique {
    /// The view.
    pub view: String,
    /// Rows of its table.
    pub rows: u64,
    /// Persons with such rows.
    pub persons: u64,
    /// Known facts at most.
    pub m: usize,
    /// The limit.
    pub at_most: Option<f64>,
    /// The facts, `table.column`.
    pub facts: Vec<String>,
    /// Among how many of them combinations were counted: all, unless that would take too long and there is no limit.
    pub combined: usize,
    /// By the view's quasi-identifiers alone.
    pub alone: Singled,
    /// By them and one fact each, in the order of `facts`.
    pub by_fact: Vec<Singled>,
    /// The worst combination of each number of facts, from 1 to m.
    pub worst: Vec<Worst>,
    /// Persons whose classes nobody else has, as a set over all their rows.
    pub by_set: u64,
    /// Persons whose classes nobody else has, counted with their repetitions.
    pub by_rows: u64,
}

/// Whom something singles out.
#[derive(Clone, Copy, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Singled {
    /// Rows that exactly one released person fits.
    pub rows: u64,
    /// Persons with such a row.
    pub persons: u64,
    /// Rows that are found, in millionths, by guessing each among the persons that fit it: the sum of 1 / persons.
    pub guessed: u64,
}

/// The combination that singles out most rows; among equals the first.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Worst {
    /// Its facts, as places in `facts`.
    pub facts: Vec<usize>,
    /// Whom it singles out.
    pub singled: Singled,
}

/// Persons by how many rows they have in a table.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableUnique {
    /// The table.
    pub table: String,
    /// Persons with rows in it.
    pub persons: u64,
    /// Of them, whose number of rows nobody else has.
    pub alone: u64,
}

/// A millionth: what a found row counts in [`Singled::guessed`].
pub const MILLION: u64 = 1_000_000;

impl ViewUnique {
    /// The combination that singles out most: of m facts, or of all if there are fewer.
    #[must_use]
    pub fn most(&self) -> Singled {
        self.worst.last().map_or(self.alone, |w| w.singled)
    }
    /// Whether more rows are singled out than the policy allows.
    #[must_use]
    pub fn exceeds(&self) -> bool {
        let most = self.most().rows as f64;
        self.at_most.is_some_and(|share| most > share * self.rows as f64 + 1e-9)
    }
    /// Whether nothing is larger here than there: what is written to a file can only bring values together.
    #[must_use]
    pub fn within(&self, other: &ViewUnique) -> bool {
        let less = |a: &Singled, b: &Singled| a.rows <= b.rows && a.persons <= b.persons;
        // Whether a column of events is a fact of the stay can change with it: then only what both have is compared.
        let theirs = |fact: &String| other.facts.iter().position(|f| f == fact);
        let both = self
            .facts
            .iter()
            .zip(&self.by_fact)
            .filter_map(|(fact, found)| Some((found, other.by_fact.get(theirs(fact)?)?)));
        let worst = self.worst.iter().zip(&other.worst);
        (self.rows, self.persons, self.m) == (other.rows, other.persons, other.m)
            && less(&self.alone, &other.alone)
            && both.into_iter().all(|(a, b)| less(a, b))
            && (self.facts != other.facts
                || worst.into_iter().all(|(a, b)| a.singled.rows <= b.singled.rows))
            && self.by_set <= other.by_set
            && self.by_rows <= other.by_rows
    }
}

impl crate::build::Builder<'_> {
    /// What is measured beside each view; a view that the policy does not name is measured as one without words.
    pub(crate) fn unique(&mut self, tables: &[TablePlan], views: &[ViewPlan]) -> Vec<UniquePlan> {
        let anonymized = &self.loaded.policy.anonymized;
        let none = crate::policy::model::UniqueWith::default();
        let mut plans = Vec::new();
        for view in views {
            let found = anonymized.views.iter().position(|v| v.name == view.name.as_str());
            let words = found.and_then(|at| anonymized.views[at].unique_with.as_ref());
            let at = found.unwrap_or_default().to_string();
            let path = ["anonymized", "view", at.as_str(), "unique_with"];
            let words = words.unwrap_or(&none);
            let mut named = Vec::new();
            for (index, text) in words.facts.iter().enumerate() {
                let index = index.to_string();
                let path = [path[0], path[1], path[2], path[3], "facts", index.as_str()];
                if let Some(found) = self.resolve(tables, Some(view.table), text, &path) {
                    named.push((found, path[5].to_owned()));
                }
            }
            let (plan, faults) = plan(tables, view, words, &named, anonymized.tier);
            for fault in faults {
                let deeper: Vec<&str> =
                    path.into_iter().chain(fault.below.iter().map(String::as_str)).collect();
                self.advise("P0131", &deeper, fault.what, fault.advice);
            }
            plans.push(plan);
        }
        plans
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_combinations_are_counted_where_there_is_a_limit_or_little_to_do() {
        assert_eq!(combined(10_000, 20, 2, false), 20);
        assert_eq!(combined(10_000, 20, 3, false), 20);
        assert_eq!(combined(15_000_000, 4, 2, true), 4);
        // 4 passes and those of 3 pairs are below 2^27 steps; of 6 pairs above.
        assert_eq!(combined(15_000_000, 4, 2, false), 3);
        // Never fewer than are known together.
        assert_eq!(combined(u64::MAX, 9, 3, false), 3);
        assert_eq!(combined(100, 1, 3, false), 1);
        assert_eq!(combined(100, 0, 2, false), 0);
    }

    #[test]
    fn the_limit_is_a_share_of_rows() {
        let singled = |rows| Singled { rows, ..Singled::default() };
        let mut view = ViewUnique {
            rows: 100,
            at_most: Some(0.05),
            alone: singled(7),
            ..ViewUnique::default()
        };
        assert!(view.exceeds(), "without facts the view alone counts");
        view.worst.push(Worst { facts: vec![0], singled: singled(5) });
        assert!(!view.exceeds());
        view.worst[0].singled.rows = 6;
        assert!(view.exceeds());
        view.at_most = None;
        assert!(!view.exceeds());
    }
}
