//! Freeze: everything that looks across persons is decided here, and nowhere else.
//!
//! Deciding goes in rounds. A [`Draft`] says what is decided and what is to be measured next; it goes to all rows, wherever they
//! are; their [`Statistics`] are merged and make the next draft, until the plan is frozen:
//!
//! ```text
//! draft 1: what the techniques ask for (again while one of them asks for more)
//! draft 2: the rows of the views at every level, if levels are offered; then what the techniques ask for at the chosen ones
//! draft 3: classes of the source, and rows
//! draft 4: with `unit = "cell"`, the cells of each view
//! draft 5: classes of what is left ─ some have too few persons: they go, and 5 again
//!   └ 6: items of every person ─ some must go: 5 again
//!      └ 7: who holds each value ─ labels are joined; rows that can be hidden nowhere go, and 5 again
//!         └ 8: facts beside the views; then the plan is frozen
//! ```
//!
//! Every decision joins labels or takes rows away and none gives back, so it ends.

use std::sync::Arc;
use std::time::Duration;

use hashbrown::HashMap;

use super::Progress;
use super::apply::Treatments;
use super::cells::Blanked;
use super::draft::{self, Ask, At, Decision, Draft, FROZEN, Round, Written};
use super::exclude::Lists;
use super::explore::Space;
use super::floors::{Counted, FloorOutcome, Keeper, Step};
use super::intake::Store;
use super::kept::{self, Keep};
use super::search::{self, Search, Searched};
use super::sets::{Items, Judged, SetOutcome};
use super::statistics::Statistics;
use super::steady::{self, Steady};
use super::unique::Gathered;
use super::views::{Classes, Summary, Values};
use super::worker::{Decided, Kept, Worker};
use crate::error::{Error, Name, Result, small};
use crate::plan::{Grain, Join, Plan, ViewColumn, ViewPlan};
use crate::policy::model::Unit;
use crate::schema::{ByKind, ColumnAt, Kind};
use crate::technique::{Measure, Secrets};
use crate::{digest, note, say};

/// A plan in which every level, threshold, cap and suppression is concrete. Protected data (加工の方法に関する情報):
/// its digest goes into the record, it does not. It travels: written and read back it is equal.
#[derive(Clone, Debug, PartialEq)]
pub struct FrozenPlan {
    /// By release kind (in the order of [`Kind::BOTH`]).
    pub treatments: ByKind<Treatments>,
    /// What is suppressed in the anonymized release, and which labels are shown otherwise: step by step, each about what the steps
    /// before it left.
    pub decisions: Vec<Decision>,
    /// Cells that are suppressed one by one, by their place: they do not travel.
    blanked: Vec<Blanked>,
}

impl FrozenPlan {
    /// Writes it, with the digest of the policy that it is of. Canonical: equal plans are equal bytes.
    ///
    /// # Errors
    /// `X0201` if it cannot be written (a bug).
    pub fn to_bytes(&self, policy: &[u8; 32]) -> Result<Vec<u8>> {
        let written = Written {
            number: 0,
            attempt: 0,
            treatments: self.treatments.iter().map(draft::values).collect(),
            decisions: self.decisions.clone(),
            ask: None,
        };
        draft::write(FROZEN, policy, &written)
    }

    /// Reads it back. Whether it is the one that was frozen is for whoever kept its digest to say.
    ///
    /// # Errors
    /// `C0405` or `C0406` if it is of another version or policy, `D0452` if it is damaged, `C0407` if the policy is one whose
    /// suppression does not travel.
    pub fn from_bytes(plan: &Plan, policy: &[u8; 32], bytes: &[u8]) -> Result<FrozenPlan> {
        travels(plan)?;
        let written: Written = draft::read(FROZEN, policy, bytes)?;
        let [pseudonymized, anonymized] = &written.treatments[..] else {
            return Err(draft::unreadable(FROZEN));
        };
        let restore = |kind, values| draft::restore(plan, kind, values);
        match (
            restore(Kind::Pseudonymized, pseudonymized),
            restore(Kind::Anonymized, anonymized),
            draft::decisions_fit(plan, &written.decisions),
        ) {
            (Some(pseudonymized), Some(anonymized), true) => Ok(FrozenPlan {
                treatments: ByKind { pseudonymized, anonymized },
                decisions: written.decisions,
                blanked: Vec::new(),
            }),
            _ => Err(draft::unreadable(FROZEN)),
        }
    }

    /// The digest of what is written.
    ///
    /// # Errors
    /// `X0201` if it cannot be written (a bug).
    pub fn digest(&self, policy: &[u8; 32]) -> Result<[u8; 32]> {
        Ok(digest::sha3(&self.to_bytes(policy)?))
    }

    /// What a worker carries out, of a frozen plan that came as the last of `attempt` attempts.
    pub(super) fn decided(&self, attempt: u32) -> Decided<'_> {
        Decided {
            attempt,
            treatments: &self.treatments.anonymized,
            decisions: &self.decisions,
            blanked: &self.blanked,
        }
    }
}

/// Refuses a policy whose suppression knows rows by their place.
///
/// # Errors
/// `C0407`.
pub fn travels(plan: &Plan) -> Result<()> {
    if plan.suppress.unit == Unit::Cell {
        return Err(Error::refused(
            "C0407",
            say!("`unit = \"cell\"` looks at all rows at once: its suppression cannot be decided from statistics of parts"),
        )
        .advice(say!("suppress rows (`unit = \"row\"`) or persons, or run on one machine")));
    }
    Ok(())
}

/// What freezing found out and fixed.
pub struct Outcome {
    /// The plan for `apply`.
    pub frozen: FrozenPlan,
    /// Classes of every view: source values, after the treatments, and as released.
    pub views: Vec<ViewOutcome>,
    /// Sets of items of every person.
    pub sets: Vec<SetOutcome>,
    /// Whom facts beside the views single out.
    pub unique: crate::plan::unique::Unique,
    /// How the levels were chosen, if the policy offers several.
    pub search: Option<Searched>,
    /// What became of the columns whose values have a floor.
    pub floors: Vec<FloorOutcome>,
    /// Facts outside the views that are the same in all rows of a person.
    pub steady: Vec<Steady>,
    /// The number of the attempt that held.
    attempt: u32,
    /// By partition: how far the rows are.
    kept: Vec<Kept>,
}

impl Outcome {
    /// The number of the attempt that held: who kept work of another one begins anew.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
    /// The frozen plan as workers carry it out.
    pub(super) fn decided(&self) -> Decided<'_> {
        self.frozen.decided(self.attempt)
    }
    /// What the workers kept, by partition.
    pub(super) fn take_kept(&mut self) -> Vec<Kept> {
        std::mem::take(&mut self.kept)
    }
}

/// One view before and after.
#[derive(Clone, Debug)]
pub struct ViewOutcome {
    /// Classes of the source values.
    pub source: Summary,
    /// Classes after the treatments, before suppression.
    pub treated: Summary,
    /// Classes of what is released.
    pub released: Summary,
    /// Rows of the view's table before suppression.
    pub rows: u64,
    /// Rows of it that suppression for k and l removed or blanked.
    pub suppressed: u64,
}

/// The treatments of one release as the policy has them, with levels (table, column, level) chosen.
fn planned(plan: &Plan, kind: Kind, levels: &[(usize, usize, Name)]) -> Treatments {
    let of = |c: &crate::plan::ColumnPlan| c.treatment(kind).treatment.clone();
    let mut treatments: Treatments =
        plan.tables.iter().map(|t| t.columns.iter().map(of).collect()).collect();
    for (table, column, level) in levels {
        treatments[*table][*column].choose(level.as_str());
        // Columns that repeat it get the same level.
        for (t, other) in plan.tables.iter().enumerate() {
            for (c, tied) in other.columns.iter().enumerate() {
                if tied.tied[kind] == Some(ColumnAt { table: *table, column: *column }) {
                    treatments[t][c].choose(level.as_str());
                }
            }
        }
    }
    treatments
}

/// Where freezing stands.
enum Phase {
    /// The techniques are asked; then the levels, or the classes.
    Columns,
    Levels,
    /// Levels are there to be chosen: what is measured is measured.
    Choice(Box<Search>),
    Source,
    Cells(usize),
    Classes,
    Items,
    Values,
    Last,
    Done,
}

/// Freezing on its way: it has a draft to be measured until it is done.
pub struct Freezing {
    plan: Arc<Plan>,
    /// Whether a pass over the rows is dear, so that one measures ahead.
    eager: bool,
    limit: Option<Duration>,
    draft: Draft,
    phase: Phase,
    found: HashMap<At, Measure>,
    search: Option<Box<Search>>,
    searched: Option<Searched>,
    state: State,
    outcome: Option<Outcome>,
}

/// What suppression has found so far.
#[derive(Default)]
struct State {
    source: Vec<Summary>,
    rows: Vec<u64>,
    rows_of_sets: Vec<u64>,
    blanked: [Vec<u64>; 2],
    keeper: Option<Keeper>,
    /// Tables whose rows changed since their values were counted.
    fresh: Vec<bool>,
    treated: Option<Vec<Summary>>,
    first: Option<Vec<Summary>>,
    last: Option<Vec<Summary>>,
    sets: Vec<SetOutcome>,
    counted: Option<Counted>,
    unique: Option<Gathered>,
}

impl Freezing {
    /// Begins. With `eager`, drafts ask for what may be needed next, as every pass over the rows is dear; the result is the same.
    ///
    /// # Errors
    /// `P0308` if a column offers levels that no view judges; treatments that cannot be fixed.
    pub fn begin(plan: &Plan, eager: bool) -> Result<Self> {
        let mut treatments = vec![planned(plan, Kind::Pseudonymized, &[])];
        let offered = search::offered(plan);
        if offered.is_empty() {
            treatments.push(planned(plan, Kind::Anonymized, &[]));
        } else {
            search::check(plan)?;
            let steps = search::steps(&offered);
            treatments.extend(steps.iter().map(|step| planned(plan, Kind::Anonymized, step)));
        }
        let draft = Draft {
            number: 0,
            attempt: 1,
            treatments,
            decisions: Vec::new(),
            blanked: Vec::new(),
            ask: Ask::Columns(Vec::new()),
        };
        let mut this = Freezing {
            plan: Arc::new(plan.clone()),
            eager,
            limit: None,
            draft,
            phase: Phase::Columns,
            found: HashMap::new(),
            search: None,
            searched: None,
            state: State::default(),
            outcome: None,
        };
        let sets = 0..this.draft.treatments.len();
        this.columns(this.open(sets))?;
        Ok(this)
    }

    /// The search for levels stops after so long.
    pub fn limit(&mut self, limit: Option<Duration>) {
        self.limit = limit;
    }

    /// What is to be measured now; nothing if all is decided.
    #[must_use]
    pub fn draft(&self) -> Option<&Draft> {
        (!self.is_measured() && !matches!(self.phase, Phase::Done)).then_some(&self.draft)
    }

    /// Whether all is measured that freezing begins with: then levels are chosen.
    fn is_measured(&self) -> bool {
        matches!(self.phase, Phase::Choice(_))
    }

    fn ask(&mut self, phase: Phase, ask: Ask) {
        self.draft.number += 1;
        self.draft.ask = ask;
        self.phase = phase;
    }

    /// The columns whose treatments ask for statistics.
    fn open(&self, sets: std::ops::Range<usize>) -> Vec<At> {
        let all = sets.flat_map(|set| {
            let tables = self.draft.treatments[set].iter().enumerate();
            tables.flat_map(move |(table, columns)| {
                let at = move |(column, _)| At { set, table, column };
                columns.iter().enumerate().filter(|(_, t)| t.needs().statistics).map(at)
            })
        });
        all.collect()
    }

    /// Asks for columns; with none to ask for, fixes the treatments and goes on.
    fn columns(&mut self, open: Vec<At>) -> Result<()> {
        if !open.is_empty() {
            self.ask(Phase::Columns, Ask::Columns(open));
            return Ok(());
        }
        let chosen = self.searched.is_some();
        for set in usize::from(chosen)..self.draft.treatments.len() {
            self.fix(set)?;
        }
        self.found.clear();
        if chosen || search::offered(&self.plan).is_empty() {
            self.ask(Phase::Source, Ask::Source);
        } else {
            self.ask(Phase::Levels, Ask::Levels);
        }
        Ok(())
    }

    /// Fixes the treatments of one set.
    fn fix(&mut self, set: usize) -> Result<()> {
        let kind = Kind::BOTH[set.min(1)];
        let mut errors = Vec::new();
        for (t, table) in self.draft.treatments[set].iter_mut().enumerate() {
            for (c, treatment) in table.iter_mut().enumerate() {
                let facts = &self.plan.tables[t].columns[c].facts;
                let at = At { set, table: t, column: c };
                let measure = self.found.get(&at).unwrap_or(&Measure::Nothing);
                note!(
                    trace,
                    "column frozen",
                    table = facts.table,
                    column = facts.column,
                    kind = kind,
                    technique = treatment.doc().name
                );
                match treatment.freeze(measure, facts) {
                    Ok(fixed) => *treatment = fixed,
                    Err(mut error) => {
                        error.what = say!(
                            "table `{}`, column `{}`, {} release: {}",
                            facts.table,
                            facts.column,
                            kind,
                            error.what
                        );
                        errors.push(error);
                    }
                }
            }
        }
        Error::all(errors).map_or(Ok(()), Err)
    }

    /// Takes in what all persons' statistics say, and decides: then the next draft is there, or the plan is frozen.
    ///
    /// # Errors
    /// If the statistics answer another draft; if a technique cannot be fixed on these data, or a promise of the policy cannot be
    /// kept within the suppression that it allows.
    pub fn next(&mut self, statistics: Statistics) -> Result<()> {
        self.take(statistics)?;
        self.choose()
    }

    fn take(&mut self, statistics: Statistics) -> Result<()> {
        let asked = self.draft().is_some_and(|draft| draft.number == statistics.draft);
        if !asked {
            return Err(super::statistics::other());
        }
        let decided = self.decide(statistics);
        match decided {
            // Rows of one table can pull rows of others along: then the next best node is tried.
            Err(error) if error.code == "C0101" => match (self.search.take(), &self.searched) {
                (Some(mut search), Some(searched)) if searched.rejected < MOST_REJECTED => {
                    search.reject(&searched.chosen);
                    self.state = State::default();
                    self.phase = Phase::Choice(search);
                    self.choose()
                }
                _ => Err(error),
            },
            other => other,
        }
    }

    fn decide(&mut self, statistics: Statistics) -> Result<()> {
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Columns => self.measured(statistics.columns),
            Phase::Levels => {
                let Some(levels) = statistics.levels else {
                    return Err(super::statistics::other());
                };
                self.phase = Phase::Choice(Box::new(Search::over(&self.plan, levels)?));
                Ok(())
            }
            Phase::Source => self.source(&statistics),
            Phase::Cells(view) => self.cells(view, statistics),
            Phase::Classes => self.classes(statistics),
            Phase::Items => self.items(statistics.items),
            Phase::Values => {
                self.state.counted = statistics.counted;
                self.floors()
            }
            Phase::Last => {
                let steady = match statistics.splits {
                    Some(splits) => splits.finish(&self.plan)?,
                    None => Vec::new(),
                };
                let unique = statistics.unique.or_else(|| self.state.unique.take());
                self.freeze(steady, unique)
            }
            Phase::Choice(_) | Phase::Done => Err(super::statistics::other()),
        }
    }

    /// If levels are there to be chosen: takes the best that were not rejected, and begins with them.
    ///
    /// # Errors
    /// `C0102` if none are good enough.
    fn choose(&mut self) -> Result<()> {
        let search = match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Choice(search) => search,
            other => {
                self.phase = other;
                return Ok(());
            }
        };
        let search = Box::new(search.within(self.limit));
        let Some(searched) = search.best() else { return Err(unsolvable(&search)) };
        let levels: Vec<_> = searched
            .columns
            .iter()
            .zip(&searched.chosen.levels)
            .map(|(o, level)| (o.table, o.column, level.clone()))
            .collect();
        (self.search, self.searched) = (Some(search), Some(searched));
        self.draft.treatments.truncate(1);
        self.draft.treatments.push(planned(&self.plan, Kind::Anonymized, &levels));
        self.draft.decisions.clear();
        self.draft.blanked.clear();
        self.draft.attempt += 1;
        self.columns(self.open(1..2))
    }

    /// What the techniques measured; some ask again.
    fn measured(&mut self, measures: Vec<Measure>) -> Result<()> {
        let Ask::Columns(asked) = std::mem::replace(&mut self.draft.ask, Ask::Source) else {
            return Err(super::statistics::other());
        };
        let mut again = Vec::new();
        for (at, measure) in asked.into_iter().zip(measures) {
            let treatment = &mut self.draft.treatments[at.set][at.table][at.column];
            match treatment.next_round(&measure) {
                Some(next) => {
                    *treatment = next;
                    again.push(at);
                }
                None => {
                    self.found.insert(at, measure);
                }
            }
        }
        self.columns(again)
    }

    fn source(&mut self, statistics: &Statistics) -> Result<()> {
        let plan = &*Arc::clone(&self.plan);
        // Of the source nothing but the figures is needed: nearly every person is a class of its own there.
        let state = &mut self.state;
        state.source = statistics.source.iter().map(Classes::summary).collect();
        state.rows.clone_from(&statistics.rows);
        state.rows_of_sets = plan.sets.iter().map(|set| statistics.rows[set.table]).collect();
        state.keeper = Some(Keeper::new(plan, statistics.rows.clone()));
        state.fresh = vec![true; plan.tables.len()];
        if plan.suppress.unit == Unit::Cell && !plan.views.is_empty() {
            self.ask(Phase::Cells(0), Ask::Cells { view: 0, treated: true });
        } else {
            self.again();
        }
        Ok(())
    }

    fn cells(&mut self, view: usize, statistics: Statistics) -> Result<()> {
        if view == 0 {
            self.state.treated = Some(statistics.treated.iter().map(Classes::summary).collect());
        }
        if let Some(cells) = statistics.cells {
            self.draft.blanked.push(cells.blank(&self.plan, &self.plan.views[view])?);
        }
        if view + 1 < self.plan.views.len() {
            self.ask(Phase::Cells(view + 1), Ask::Cells { view: view + 1, treated: false });
        } else {
            self.again();
        }
        Ok(())
    }

    /// Asks for the classes of what is left.
    fn again(&mut self) {
        // What was gathered no longer holds: it is let go before it is gathered once more, or memory would hold both.
        (self.state.unique, self.state.counted) = (None, None);
        let values = self.eager.then(|| self.maybe_fresh());
        let ask = Ask::Classes { values, unique: self.eager };
        self.ask(Phase::Classes, ask);
    }

    /// The tables whose values may have to be counted: those that changed, and those from which the last decision may have taken rows.
    fn maybe_fresh(&self) -> Vec<bool> {
        let plan = &*Arc::clone(&self.plan);
        let mut fresh = self.state.fresh.clone();
        let mut touched: Vec<usize> = match self.draft.decisions.last() {
            Some(Decision::Classes(rounds)) => {
                let named = |r: &Round| plan.views.iter().find(|v| v.name.as_str() == r.view);
                rounds.iter().filter_map(named).map(|v| v.table).collect()
            }
            Some(Decision::Items(rounds)) => {
                let named = |r: &Round| plan.sets.iter().find(|s| s.name.as_str() == r.view);
                rounds.iter().filter_map(named).map(|s| s.table).collect()
            }
            Some(Decision::Floors(step)) => step.remove.iter().map(|r| r.table).collect(),
            None => Vec::new(),
        };
        if plan.suppress.unit == Unit::Person && !touched.is_empty() {
            return vec![true; fresh.len()];
        }
        while let Some(t) = touched.pop() {
            fresh[t] = true;
            match plan.tables[t].grain {
                Grain::Person => return vec![true; fresh.len()],
                Grain::Key(k) => {
                    let name = &plan.tables[t].keys[k].name;
                    for (other, table) in plan.tables.iter().enumerate() {
                        if !fresh[other] && table.keys.iter().any(|key| key.name == *name) {
                            touched.push(other);
                        }
                    }
                }
                Grain::Event => {}
            }
        }
        fresh
    }

    fn classes(&mut self, statistics: Statistics) -> Result<()> {
        let plan = &*Arc::clone(&self.plan);
        let state = &mut self.state;
        if let (Some(Decision::Floors(step)), Some(keeper)) =
            (self.draft.decisions.last(), &mut state.keeper)
        {
            // Asked right after the decision, and never twice.
            keeper.removed(step, &statistics.removed);
        }
        for ((before, now), fresh) in
            state.rows.iter_mut().zip(&statistics.rows).zip(&mut state.fresh)
        {
            *fresh |= now != before;
            *before = *now;
        }
        state.blanked = statistics.blanked;
        state.counted = statistics.counted;
        if let Some(counted) = &mut state.counted {
            counted.only(&state.fresh);
        }
        state.unique = statistics.unique;
        let mut rounds = Vec::new();
        for (view, classes) in plan.views.iter().zip(&statistics.classes) {
            let violating = classes.violating(&view.all_models()?);
            let mut values: Vec<Values> =
                (0..violating.len()).filter(|&c| violating[c]).map(|c| classes.values(c)).collect();
            values.sort();
            if !values.is_empty() {
                note!(debug, "classes suppressed", view = view.name, classes = values.len());
                rounds.push(Round { view: view.name.as_str().to_owned(), classes: values });
            }
        }
        let summaries: Vec<Summary> = statistics.classes.iter().map(|c| c.summary()).collect();
        match state.first {
            None => (state.first, state.last) = (Some(summaries), None),
            Some(_) => state.last = Some(summaries),
        }
        if !rounds.is_empty() {
            self.draft.decisions.push(Decision::Classes(rounds));
            self.again();
        } else if plan.sets.is_empty() {
            return self.values();
        } else {
            // Sets are looked at when the views hold: what goes because of them anyway is not counted on.
            self.ask(Phase::Items, Ask::Items);
        }
        Ok(())
    }

    fn items(&mut self, items: Vec<Items>) -> Result<()> {
        let plan = &*Arc::clone(&self.plan);
        let judged: Vec<Judged> = items
            .into_iter()
            .zip(&plan.sets)
            .map(|(i, set)| i.judge(set))
            .collect::<Result<_>>()?;
        let outcomes = &mut self.state.sets;
        if outcomes.is_empty() {
            *outcomes = judged.iter().map(Judged::outcome).collect();
        }
        let mut rounds = Vec::new();
        for ((set, judged), outcome) in plan.sets.iter().zip(&judged).zip(outcomes) {
            outcome.items_suppressed += judged.names.len() as u64;
            if !judged.names.is_empty() {
                note!(debug, "items suppressed", set = set.name, items = judged.names.len());
                rounds.push(Round {
                    view: set.name.as_str().to_owned(),
                    classes: judged.names.iter().map(|name| vec![Some(name.clone())]).collect(),
                });
            }
        }
        if rounds.is_empty() {
            return self.values();
        }
        self.draft.decisions.push(Decision::Items(rounds));
        self.again();
        Ok(())
    }

    /// What is shown is counted over what is left once views and sets hold.
    fn values(&mut self) -> Result<()> {
        if self.state.counted.is_some() {
            return self.floors();
        }
        let none = Counted::new(&self.plan, &self.state.fresh);
        if none.is_empty() {
            self.state.counted = Some(none);
            return self.floors();
        }
        self.ask(Phase::Values, Ask::Values(self.state.fresh.clone()));
        Ok(())
    }

    fn floors(&mut self) -> Result<()> {
        let plan = &*Arc::clone(&self.plan);
        let state = &mut self.state;
        state.fresh.fill(false);
        let step = match (state.counted.take(), &mut state.keeper) {
            (Some(counted), Some(keeper)) => keeper.step(plan, &counted, &self.draft.treatments[1]),
            _ => Step::default(),
        };
        if step.is_empty() {
            return self.judge();
        }
        let looked = step.labels.iter().any(|r| looked_at(plan, r.at()));
        if !step.labels.is_empty() {
            // Cells that the floors have changed are gathered again.
            state.unique = None;
        }
        let removes = step.removes();
        self.draft.decisions.push(Decision::Floors(step));
        for &table in state.keeper.iter().flat_map(Keeper::unsure) {
            state.fresh[table] = true;
        }
        let unsure = state.fresh.contains(&true);
        // Where no view or set looks at the columns that changed, what was counted still holds.
        if removes || looked {
            self.again();
            return Ok(());
        }
        if unsure {
            return self.values();
        }
        self.judge()
    }

    /// Whether what goes is within what the policy allows; then the last questions.
    fn judge(&mut self) -> Result<()> {
        let (views, errors) = self.views();
        let errors = self.sets(errors);
        if let Some(error) = Error::all(errors) {
            return Err(error);
        }
        let splits = self.state.keeper.as_ref().map_or(Vec::new(), Keeper::steady);
        let splits = steady::asked(&self.plan, splits);
        self.outcome = Some(Outcome {
            frozen: FrozenPlan {
                treatments: ByKind {
                    pseudonymized: self.draft.treatments[0].clone(),
                    anonymized: self.draft.treatments[1].clone(),
                },
                decisions: self.draft.decisions.clone(),
                blanked: self.draft.blanked.clone(),
            },
            views,
            sets: std::mem::take(&mut self.state.sets),
            unique: crate::plan::unique::Unique::default(),
            search: self.searched.take(),
            floors: Vec::new(),
            steady: Vec::new(),
            attempt: self.draft.attempt,
            kept: Vec::new(),
        });
        let unique = self.state.unique.is_none();
        if splits.is_empty() && !unique {
            let unique = self.state.unique.take();
            return self.freeze(Vec::new(), unique);
        }
        self.ask(Phase::Last, Ask::Last { splits, unique });
        Ok(())
    }

    fn views(&self) -> (Vec<ViewOutcome>, Vec<Error>) {
        let (plan, state) = (&*self.plan, &self.state);
        let mut views = Vec::new();
        let mut errors = Vec::new();
        let Some(first) = &state.first else { return (views, errors) };
        let last = state.last.as_ref().unwrap_or(first);
        for (v, view) in plan.views.iter().enumerate() {
            let treated = state.treated.as_ref().map_or(&first[v], |before| &before[v]).clone();
            let rows = treated.rows.0;
            let released = last[v].clone();
            // Rows that went because of this view or of another one, plus rows that were blanked in place.
            let gone = rows - released.rows.0 + state.blanked[0][v];
            let source = state.source[v].clone();
            views.push(ViewOutcome { source, treated, released, rows, suppressed: gone });
            if rows > 0 && gone as f64 > plan.suppress.at_most * rows as f64 {
                errors.push(
                    Error::refused(
                        "C0101",
                        say!(
                            "view `{}`: k = {} needs the suppression of {} of {} rows of table `{}`, more than the share {} that the policy allows",
                            view.name,
                            view.k,
                            small(gone),
                            rows,
                            plan.tables[view.table].name,
                            plan.suppress.at_most
                        ),
                    )
                    .advice(say!(
                        "coarser levels for the quasi-identifiers of the view, fewer of them, or a higher anonymized.suppress.at_most (`kakou explain` shows what each column costs)"
                    )),
                );
            }
        }
        (views, errors)
    }

    fn sets(&mut self, mut errors: Vec<Error>) -> Vec<Error> {
        let (plan, state) = (&*self.plan, &mut self.state);
        for (s, (set, outcome)) in plan.sets.iter().zip(&mut state.sets).enumerate() {
            let rows = state.rows_of_sets[s];
            outcome.rows = rows;
            outcome.suppressed = rows - state.rows[set.table] + state.blanked[1][s];
            if rows > 0 && outcome.suppressed as f64 > plan.suppress.at_most * rows as f64 {
                errors.push(
                    Error::refused(
                        "C0101",
                        say!(
                            "set `{}`: k = {} for {} known items needs the suppression of {} of {} rows of table `{}`, more than the share {} that the policy allows",
                            set.name,
                            set.k,
                            set.m,
                            small(outcome.suppressed),
                            rows,
                            plan.tables[set.table].name,
                            plan.suppress.at_most
                        ),
                    )
                    .advice(say!(
                        "coarser codes for the column of the set (a level of its hierarchy, `rare`), a smaller m, or a higher anonymized.suppress.at_most"
                    )),
                );
            }
        }
        errors
    }

    fn freeze(&mut self, steady: Vec<Steady>, unique: Option<Gathered>) -> Result<()> {
        let floors = match self.state.keeper.take() {
            Some(keeper) => keeper.finish(&self.plan)?,
            None => Vec::new(),
        };
        if let Some(outcome) = &mut self.outcome {
            (outcome.steady, outcome.floors) = (steady, floors);
            if let Some(unique) = unique {
                outcome.unique = unique.finish(&self.plan);
            }
        }
        self.phase = Phase::Done;
        Ok(())
    }

    /// What was fixed, if nothing is left to be decided.
    ///
    /// # Errors
    /// If a draft waits for its statistics.
    pub fn finish(mut self) -> Result<Outcome> {
        match (self.phase, self.outcome.take()) {
            (Phase::Done, Some(outcome)) => Ok(outcome),
            _ => Err(super::statistics::other()),
        }
    }
}

/// Nodes that are tried before a run is refused.
const MOST_REJECTED: u64 = 50;

/// Why no levels are good enough.
fn unsolvable(search: &Search) -> Error {
    let errors = search
        .at_the_top()
        .into_iter()
        .filter(|(_, gone, limit)| gone > limit)
        .map(|(view, gone, limit)| {
            Error::refused(
                "C0102",
                say!(
                    "view `{}`: even at the coarsest levels {} rows must be suppressed, and {} may be",
                    Name::from_policy(view),
                    small(gone),
                    limit
                ),
            )
            .advice(say!("offer coarser levels (`levels = [...]`), name fewer quasi-identifiers, or raise anonymized.suppress.at_most"))
        })
        .collect();
    Error::all(errors).unwrap_or_else(|| {
        Error::refused(
            "C0102",
            say!("no combination of the offered levels satisfies all views within the suppression that the policy allows"),
        )
        .advice(say!("offer coarser levels or raise anonymized.suppress.at_most"))
    })
}

/// Freezing over the partitions of a store.
pub struct Measured {
    freezing: Freezing,
    kept: Vec<Kept>,
}

/// Measures what freezing begins with, over all partitions: what the techniques ask for, and the rows of the views at every level
/// that the policy offers.
///
/// # Errors
/// If a technique cannot be fixed on these data; I/O of spilled partitions; the user's stop.
pub fn measure(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    secrets: ByKind<&dyn Secrets>,
    keep: Option<(&dyn Keep, &[u8; 32])>,
    progress: &dyn Progress,
) -> Result<Measured> {
    progress.room("measure");
    let eager = matches!(store, Store::Spilled(_));
    let mut measured = Measured {
        freezing: Freezing::begin(plan, eager)?,
        kept: (0..store.len()).map(|_| Kept::new(!eager)).collect(),
    };
    let on = |freezing: &Freezing| matches!(freezing.phase, Phase::Columns | Phase::Levels);
    measured.rounds(store, lists, secrets, keep, progress, on)?;
    Ok(measured)
}

/// Fixes everything: the levels where the policy offers several (the search stops after `limit`), and the suppression of the
/// anonymized release.
///
/// # Errors
/// If a view cannot be made to hold within the suppression that the policy allows.
pub fn freeze(
    store: &Store,
    lists: &Lists,
    secrets: ByKind<&dyn Secrets>,
    mut measured: Measured,
    limit: Option<Duration>,
    progress: &dyn Progress,
) -> Result<Outcome> {
    progress.room("freeze");
    measured.freezing.limit = limit;
    measured.freezing.choose()?;
    measured.rounds(store, lists, secrets, None, progress, |_| true)?;
    let Measured { freezing, kept } = measured;
    let kept = kept.into_iter().map(Kept::settled).collect();
    Ok(Outcome { kept, ..freezing.finish()? })
}

impl Measured {
    /// What the search will choose among, if the policy offers several levels.
    #[must_use]
    pub fn space(&self) -> Option<Space> {
        match &self.freezing.phase {
            Phase::Choice(search) => Some(search.space()),
            _ => None,
        }
    }

    /// The best levels as the search alone sees them, if the policy offers several.
    #[must_use]
    pub fn best(self, limit: Option<Duration>) -> Option<Searched> {
        match self.freezing.phase {
            Phase::Choice(search) => search.within(limit).best(),
            _ => None,
        }
    }

    /// Round after round: every partition measures, the statistics make the next draft.
    fn rounds(
        &mut self,
        store: &Store,
        lists: &Lists,
        secrets: ByKind<&dyn Secrets>,
        keep: Option<(&dyn Keep, &[u8; 32])>,
        progress: &dyn Progress,
        on: impl Fn(&Freezing) -> bool,
    ) -> Result<()> {
        let plan = &*Arc::clone(&self.freezing.plan);
        while let Some(draft) = self.freezing.draft().filter(|_| on(&self.freezing)) {
            progress.check()?;
            if matches!(draft.ask, Ask::Levels) {
                progress.room("search");
            }
            // What the techniques were told needs no key and is small; rows at every level are neither for sure.
            let keep = keep.filter(|_| matches!(draft.ask, Ask::Columns(_)));
            let mut statistics = Statistics::new(plan, draft);
            if let Some((keep, policy)) = keep
                && let Some(known) = kept::load_round(keep, policy, plan, draft)?
            {
                statistics.merge(plan, draft, known)?;
                self.freezing.take(statistics)?;
                continue;
            }
            store.each(plan, lists, |p, partition| {
                progress.check()?;
                let kept = std::mem::take(&mut self.kept[p]);
                let mut worker = Worker::new(plan, partition, p as u32, kept);
                worker.measure(draft, &mut statistics, secrets)?;
                let mut kept = worker.rest();
                kept.lighten();
                self.kept[p] = kept;
                Ok(())
            })?;
            if let Some((keep, policy)) = keep {
                kept::store_round(keep, policy, draft, &statistics)?;
            }
            self.freezing.take(statistics)?;
        }
        Ok(())
    }
}

/// Whether a view or a set looks at a column.
pub(super) fn looked_at(plan: &Plan, at: ColumnAt) -> bool {
    let views =
        plan.views.iter().flat_map(|v| v.counted().chain(v.sensitive.iter().map(|(c, _)| c)));
    let sets = plan.sets.iter().map(|s| ColumnAt { table: s.table, column: s.column });
    views.map(ViewColumn::at).chain(sets).any(|looked| looked == at)
}

/// By table and column: the bit in `Surviving::blanked` of the columns whose cells can be suppressed one by one, the views' own
/// quasi-identifiers.
#[must_use]
pub fn blankable(plan: &Plan) -> Vec<Vec<Option<u8>>> {
    plan.tables
        .iter()
        .enumerate()
        .map(|(t, table)| (0..table.columns.len()).map(|c| blank_bit(plan, t, c)).collect())
        .collect()
}

/// The bit of one column. A table has at most 64 of them: of further columns no single cell is suppressed.
#[must_use]
pub fn blank_bit(plan: &Plan, table: usize, column: usize) -> Option<u8> {
    let mut own: Vec<usize> = plan
        .views
        .iter()
        .flat_map(|v| &v.quasi)
        .filter(|q| q.join == Join::SameRow && q.table == table)
        .map(|q| q.column)
        .collect();
    own.sort_unstable();
    own.dedup();
    own.iter().position(|&c| c == column).and_then(|at| u8::try_from(at).ok()).filter(|&b| b < 64)
}

/// The bits of a view's own quasi-identifiers.
pub(super) fn blank_mask(plan: &Plan, view: &ViewPlan) -> u64 {
    view.quasi
        .iter()
        .filter(|q| q.join == Join::SameRow)
        .filter_map(|q| blank_bit(plan, q.table, q.column))
        .fold(0, |mask, bit| mask | 1 << bit)
}
