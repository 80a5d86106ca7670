//! Measure and freeze: everything that looks across persons happens here, and nowhere else.

use rayon::prelude::*;
use serde::Serialize;

use super::Progress;
use super::apply::{Alive, Applied, Frozen, Removal, apply, with_input};
use super::exclude::Lists;
use super::floors::{self, Counted, FloorOutcome, Keeper};
use super::intake::Store;
use super::partition::Partition;
use super::search::{self, Search, Searched};
use super::sets::{Items, Judged, SetOutcome};
use super::steady::{Splits, Steady};
use super::unique;
use super::views::{Cells, Classes, NO_CLASS, Summary, column_codes};
use crate::error::{Error, Name, Result, small};
use crate::frame::{Interner, MISSING};
use crate::plan::{Join, Plan, ViewPlan};
use crate::policy::model::Unit;
use crate::privacy::model::Model;
use crate::privacy::{Reading, suppress};
use crate::schema::Kind;
use crate::technique::{KeyTokens, Measure, Secrets, Treatment};
use crate::{log, note, say};

/// A plan in which every level, threshold, cap and suppression is concrete. Protected data (加工の方法に関する情報):
/// its digest goes into the record, it does not.
#[derive(Debug, Serialize)]
pub struct FrozenPlan {
    /// By release kind (in the order of [`Kind::BOTH`]).
    pub treatments: [Frozen; 2],
    /// Which classes of which view were suppressed, round by round.
    pub rounds: Vec<Round>,
}

/// One round of suppression.
#[derive(Debug, Serialize)]
pub struct Round {
    /// The view's name.
    pub view: String,
    /// The values of the suppressed classes, sorted.
    pub classes: Vec<Vec<Option<String>>>,
}

/// What freezing found out and fixed.
pub struct Outcome {
    /// The plan for `apply`.
    pub frozen: FrozenPlan,
    /// Rows of the anonymized release that remain, by partition.
    pub alive: Vec<Alive>,
    /// Classes of every view: source values, after the treatments, and as released.
    pub views: Vec<ViewOutcome>,
    /// Sets of items of every person.
    pub sets: Vec<SetOutcome>,
    /// Whom facts beside the views single out.
    pub unique: crate::plan::unique::Unique,
    /// The cells of the anonymized release, where they were kept in memory.
    pub cells: Option<(Partition, Applied)>,
    /// How the levels were chosen, if the policy offers several.
    pub search: Option<Searched>,
    /// What became of the columns whose values have a floor.
    pub floors: Vec<FloorOutcome>,
    /// Facts outside the views that are the same in all rows of a person.
    pub steady: Vec<Steady>,
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

/// Fixes the treatments of one release, with the given levels (table, column, level) chosen, by measuring all partitions, as often as the techniques ask.
///
/// # Errors
/// If a technique cannot be fixed on these data; I/O of spilled partitions.
pub fn treatments(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    kind: Kind,
    levels: &[(usize, usize, Name)],
    secrets: &dyn Secrets,
    progress: &dyn Progress,
) -> Result<Frozen> {
    let mut frozen: Vec<Vec<Treatment>> = plan
        .tables
        .iter()
        .map(|t| t.columns.iter().map(|c| c.treatment(kind).treatment.clone()).collect())
        .collect();
    for (table, column, level) in levels {
        frozen[*table][*column].choose(level.as_str());
        // Columns that repeat it get the same level.
        for (t, other) in plan.tables.iter().enumerate() {
            for (c, tied) in other.columns.iter().enumerate() {
                if tied.tied[kind as usize] == Some((*table, *column)) {
                    frozen[t][c].choose(level.as_str());
                }
            }
        }
    }
    let mut open: Vec<(usize, usize)> = Vec::new();
    for (t, table) in frozen.iter().enumerate() {
        for (c, treatment) in table.iter().enumerate() {
            if treatment.needs().statistics {
                open.push((t, c));
            }
        }
    }
    let mut statistics: Vec<Measure> = Vec::new();
    let mut waiting = open.clone();
    let mut found: hashbrown::HashMap<(usize, usize), Measure> = hashbrown::HashMap::new();
    while !waiting.is_empty() {
        statistics.clear();
        statistics.resize(waiting.len(), Measure::Nothing);
        store.each(plan, lists, |_, partition| {
            progress.check()?;
            let partition = partition.of_kind(kind);
            let parts: Vec<Measure> = waiting
                .par_iter()
                .map(|&(t, c)| {
                    let planned = plan.tables[t].columns[c].treatment(kind);
                    log::trap("measure", || {
                        let cells = &partition.tables[t].table.columns[c];
                        cells.cells().flatten().collect::<Vec<_>>().join("|")
                    });
                    let none = KeyTokens::default();
                    with_input(plan, &partition, t, c, planned, secrets, &none, None, |input| {
                        frozen[t][c].measure(input)
                    })
                })
                .collect();
            for ((slot, part), &(t, c)) in statistics.iter_mut().zip(parts).zip(&waiting) {
                let old = std::mem::take(slot);
                *slot = match old {
                    Measure::Nothing => part,
                    old => frozen[t][c].merge(old, part),
                };
            }
            Ok(())
        })?;
        let mut again = Vec::new();
        for (&(t, c), measure) in waiting.iter().zip(statistics.drain(..)) {
            match frozen[t][c].next_round(&measure) {
                Some(next) => {
                    frozen[t][c] = next;
                    again.push((t, c));
                }
                None => {
                    found.insert((t, c), measure);
                }
            }
        }
        waiting = again;
    }
    let mut errors = Vec::new();
    for (t, table) in frozen.iter_mut().enumerate() {
        for (c, treatment) in table.iter_mut().enumerate() {
            let facts = &plan.tables[t].columns[c].facts;
            let measure = found.get(&(t, c)).unwrap_or(&Measure::Nothing);
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
    let frozen = Frozen { treatments: frozen, floors: floors::Floors::default() };
    Error::all(errors).map_or(Ok(frozen), Err)
}

/// What was measured over all persons: everything that freezing needs of the data but for the classes of the views.
pub struct Measured {
    pseudonymized: Frozen,
    anonymized: Levels,
}

/// How the levels of the anonymized release come about.
enum Levels {
    /// The policy names them.
    Named(Frozen),
    /// The policy offers several: they are chosen among these.
    Offered(Box<Search>),
}

/// Measures all partitions: the treatments of the pseudonymized release, and those of the anonymized one, or the search for
/// its levels where the policy offers several.
///
/// # Errors
/// If a technique cannot be fixed on these data; I/O of spilled partitions; the user's stop.
pub fn measure(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    secrets: [&dyn Secrets; 2],
    progress: &dyn Progress,
) -> Result<Measured> {
    progress.stage("measure");
    let pseudonymized =
        treatments(plan, store, lists, Kind::Pseudonymized, &[], secrets[0], progress)?;
    let anonymized = if search::offered(plan).is_empty() {
        let kind = Kind::Anonymized;
        Levels::Named(treatments(plan, store, lists, kind, &[], secrets[1], progress)?)
    } else {
        Levels::Offered(Box::new(prepare_search(plan, store, lists, secrets[1], progress)?))
    };
    Ok(Measured { pseudonymized, anonymized })
}

/// Fixes everything: the levels where the policy offers several (the search stops after `limit`), and the suppression of the
/// anonymized release.
///
/// # Errors
/// If a view cannot be made to hold within the suppression that the policy allows.
pub fn freeze(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    secrets: [&dyn Secrets; 2],
    measured: Measured,
    limit: Option<std::time::Duration>,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let Measured { pseudonymized, anonymized } = measured;
    let mut search = match anonymized {
        Levels::Named(anonymized) => {
            progress.stage("freeze");
            let treatments = [pseudonymized, anonymized];
            return suppression(plan, store, lists, secrets[1], treatments, progress);
        }
        Levels::Offered(search) => search.within(limit),
    };
    loop {
        let Some(searched) = search.best() else { return Err(unsolvable(&search)) };
        let kind = Kind::Anonymized;
        let levels = chosen(&searched);
        let fixed = treatments(plan, store, lists, kind, &levels, secrets[1], progress)?;
        progress.stage("freeze");
        let treatments = [pseudonymized.clone(), fixed];
        match suppression(plan, store, lists, secrets[1], treatments, progress) {
            Ok(outcome) => return Ok(Outcome { search: Some(searched), ..outcome }),
            // Rows of one table can pull rows of others along: then the next best node is tried.
            Err(error) if error.code == "C0101" && searched.rejected < MOST_REJECTED => {
                search.reject(&searched.chosen);
            }
            Err(error) => return Err(error),
        }
    }
}

/// Nodes that are tried before a run is refused.
const MOST_REJECTED: u64 = 50;

/// The search over the levels that the policy offers, ready to be asked.
///
/// # Errors
/// As [`freeze`].
pub fn prepare_search(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    secrets: &dyn Secrets,
    progress: &dyn Progress,
) -> Result<Search> {
    let offered = search::offered(plan);
    Search::prepare(plan, store, lists, secrets, progress, &|levels| {
        let levels: Vec<_> = offered
            .iter()
            .zip(levels)
            .map(|(o, &level)| (o.table, o.column, o.levels[level].clone()))
            .collect();
        treatments(plan, store, lists, Kind::Anonymized, &levels, secrets, progress)
    })
}

fn chosen(searched: &Searched) -> Vec<(usize, usize, Name)> {
    searched
        .columns
        .iter()
        .zip(&searched.chosen.levels)
        .map(|(o, level)| (o.table, o.column, level.clone()))
        .collect()
}

/// Why no levels are good enough.
#[must_use]
pub fn unsolvable(search: &Search) -> Error {
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

fn suppression(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    secrets: &dyn Secrets,
    treatments: [Frozen; 2],
    progress: &dyn Progress,
) -> Result<Outcome> {
    let [pseudonymized, mut anonymized] = treatments;
    let models: Vec<Vec<Box<dyn Model>>> =
        plan.views.iter().map(ViewPlan::all_models).collect::<Result<_>>()?;
    let mut alive: Vec<Alive> = Vec::new();
    let mut source: Vec<Classes> = plan.views.iter().map(Classes::new).collect();
    let mut in_memory: Option<(Partition, Applied)> = None;
    // First pass: what the techniques remove, and the classes of the source for comparison.
    store.each(plan, lists, |_, partition| {
        progress.check()?;
        let partition = partition.of_kind(Kind::Anonymized);
        let mut here = Alive::all(&partition);
        for (view, classes) in plan.views.iter().zip(&mut source) {
            classes.add(plan, view, &partition, Cells::Source, &here)?;
        }
        let applied =
            apply(plan, &anonymized, &partition, Kind::Anonymized, secrets, None, &mut here);
        alive.push(here);
        if matches!(store, Store::Memory(_)) {
            in_memory = Some((partition.into_owned(), applied));
        }
        Ok(())
    })?;
    // Of the source nothing but the figures is needed: nearly every person is a class of its own there.
    let source: Vec<Summary> = source.iter().map(Classes::summary).collect();
    let rows_before: Vec<u64> = plan.sets.iter().map(|set| rows_there(&alive, set.table)).collect();
    let mut set_outcomes: Vec<SetOutcome> = Vec::new();
    let blankable = blankable(plan);
    let mut rows: Vec<u64> = (0..plan.tables.len()).map(|t| rows_there(&alive, t)).collect();
    let mut keeper = Keeper::new(plan, rows.clone());
    // Tables whose rows changed since their values were counted.
    let mut fresh = vec![true; plan.tables.len()];
    // What was there before any suppression, for the comparison.
    let mut rounds = Vec::new();
    let mut treated_before: Option<Vec<Summary>> = None;
    if plan.suppress.unit == Unit::Cell {
        let mut before: Vec<Classes> = plan.views.iter().map(Classes::new).collect();
        each_applied(
            plan,
            store,
            lists,
            &anonymized,
            secrets,
            in_memory.as_ref(),
            |p, partition, applied| {
                for (view, classes) in plan.views.iter().zip(&mut before) {
                    classes.add(plan, view, partition, Cells::Applied(applied), &alive[p])?;
                }
                Ok(())
            },
        )?;
        treated_before = Some(before.iter().map(Classes::summary).collect());
        for view in &plan.views {
            let cells = cells_of(
                plan,
                store,
                lists,
                &anonymized,
                secrets,
                in_memory.as_ref(),
                view,
                &alive,
            )?;
            blank(plan, view, &cells, &mut alive)?;
            progress.check()?;
        }
    }
    let mut first: Option<Vec<Classes>> = None;
    let (last, of_rows, gathered) = loop {
        progress.check()?;
        let mut gathered = in_memory.is_none().then(|| unique::Gathered::new(plan));
        let mut classes: Vec<Classes> = plan.views.iter().map(Classes::new).collect();
        let mut of_rows: Vec<Vec<Vec<u32>>> = Vec::new();
        for (t, before) in rows.iter_mut().enumerate() {
            let now = rows_there(&alive, t);
            fresh[t] |= now != *before;
            *before = now;
        }
        // Spilled partitions are read and treated anew in every pass: then all is counted in one.
        let mut counted = Counted::new(plan, &fresh);
        each_applied(
            plan,
            store,
            lists,
            &anonymized,
            secrets,
            in_memory.as_ref(),
            |p, partition, applied| {
                if in_memory.is_none() {
                    counted.add(p, partition, applied, &alive[p], &blankable);
                }
                let here: Vec<Vec<u32>> = plan
                    .views
                    .iter()
                    .zip(&mut classes)
                    .map(|(view, c)| {
                        c.add(plan, view, partition, Cells::Applied(applied), &alive[p])
                    })
                    .collect::<Result<_>>()?;
                if let Some(gathered) = &mut gathered {
                    gathered.add(partition, applied, &alive[p], &here);
                }
                of_rows.push(here);
                Ok(())
            },
        )?;
        let violating: Vec<Vec<bool>> =
            models.iter().zip(&classes).map(|(models, c)| c.violating(models)).collect();
        let none = violating.iter().all(|v| !v.contains(&true));
        for ((view, classes), violating) in plan.views.iter().zip(&classes).zip(&violating) {
            let mut values: Vec<_> =
                (0..violating.len()).filter(|&c| violating[c]).map(|c| classes.values(c)).collect();
            values.sort();
            if !values.is_empty() {
                note!(debug, "classes suppressed", view = view.name, classes = values.len());
                rounds.push(Round { view: view.name.as_str().to_owned(), classes: values });
            }
        }
        let is_first = first.is_none();
        if is_first {
            first = Some(plan.views.iter().map(Classes::new).collect());
            std::mem::swap(first.get_or_insert_with(Vec::new), &mut classes);
        }
        // Sets are looked at when the views hold: what goes because of them anyway is not counted on.
        if none {
            let removed = suppress_sets(
                plan,
                store,
                lists,
                &anonymized,
                secrets,
                in_memory.as_ref(),
                &mut alive,
                &mut rounds,
                &mut set_outcomes,
            )?;
            if removed {
                continue;
            }
            // What is shown is counted over what is left once views and sets hold.
            if let Some((partition, applied)) = &in_memory {
                counted.add(0, partition, applied, &alive[0], &blankable);
            }
            fresh.fill(false);
            let step = keeper.step(plan, &counted, &mut anonymized);
            if let Some((_, applied)) = &mut in_memory {
                floors::carry_out(&step, &anonymized, applied);
            }
            if step.removes() {
                let mut removals: Vec<Removal> = Vec::new();
                let each = |p: usize, partition: &Partition, applied: &Applied| {
                    removals.push(step.removal(plan, partition, applied, &alive[p], &blankable));
                    Ok(())
                };
                let memory = in_memory.as_ref();
                each_applied(plan, store, lists, &anonymized, secrets, memory, each)?;
                let memory = in_memory.as_ref().map(|(partition, _)| partition);
                let mut removals = removals.into_iter();
                each_partition(plan, store, lists, memory, |p, partition| {
                    if let Some(removal) = removals.next() {
                        keeper.removed(&step, &removal);
                        removal.carry_out(plan, partition, &mut alive[p]);
                    }
                    Ok(())
                })?;
                continue;
            }
            // Where no view or set looks at the columns that changed, what was counted still holds.
            if step.columns.iter().any(|at| looked_at(plan, *at)) {
                continue;
            }
            // Cells that the floors have changed are gathered again.
            let gathered = gathered.filter(|_| step.columns.is_empty());
            break ((!is_first).then_some(classes), of_rows, gathered);
        }
        each_partition(plan, store, lists, in_memory.as_ref().map(|(p, _)| p), |p, partition| {
            remove(plan, partition, &mut alive[p], &of_rows[p], &violating);
            Ok(())
        })?;
    };
    let first = first.unwrap_or_default();
    let last_summaries: Vec<Summary> =
        last.as_ref().unwrap_or(&first).iter().map(Classes::summary).collect();
    let mut views = Vec::new();
    let mut errors = Vec::new();
    for (v, view) in plan.views.iter().enumerate() {
        let treated = match &treated_before {
            Some(before) => before[v].clone(),
            None => first[v].summary(),
        };
        let rows = treated.rows.0;
        let released = last_summaries[v].clone();
        // Rows that went because of this view or of another one, plus rows that were blanked in place.
        let mask = blank_mask(plan, view);
        let blanked: u64 = alive
            .iter()
            .map(|a| {
                let (there, bits) = (&a.rows[view.table], &a.blanked[view.table]);
                (0..there.len()).filter(|&row| there[row] && bits[row] & mask != 0).count() as u64
            })
            .sum();
        let gone = rows - released.rows.0 + blanked;
        views.push(ViewOutcome {
            source: source[v].clone(),
            treated,
            released,
            rows,
            suppressed: gone,
        });
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
    for ((set, outcome), &rows) in plan.sets.iter().zip(&mut set_outcomes).zip(&rows_before) {
        let blanked: u64 = blank_bit(plan, set.table, set.column).map_or(0, |bit| {
            let gone = |a: &Alive| {
                let (there, bits) = (&a.rows[set.table], &a.blanked[set.table]);
                (0..there.len()).filter(|&row| there[row] && bits[row] >> bit & 1 == 1).count()
            };
            alive.iter().map(|a| gone(a) as u64).sum()
        });
        outcome.rows = rows;
        outcome.suppressed = rows - rows_there(&alive, set.table) + blanked;
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
    if let Some(error) = Error::all(errors) {
        return Err(error);
    }
    let mut splits = Splits::new(plan, &keeper.steady());
    if !splits.is_empty() {
        let memory = in_memory.as_ref();
        each_applied(plan, store, lists, &anonymized, secrets, memory, |p, partition, applied| {
            splits.add(plan, partition, applied, &alive[p])
        })?;
    }
    let steady = splits.finish(plan)?;
    let unique = match gathered {
        Some(gathered) => gathered,
        None => {
            let mut gathered = unique::Gathered::new(plan);
            let memory = in_memory.as_ref();
            each_applied(plan, store, lists, &anonymized, secrets, memory, |p, part, applied| {
                gathered.add(part, applied, &alive[p], &of_rows[p]);
                Ok(())
            })?;
            gathered
        }
    };
    let unique = unique.finish();
    let floors = keeper.finish(plan)?;
    let frozen = FrozenPlan { treatments: [pseudonymized, anonymized], rounds };
    let cells = in_memory;
    let sets = set_outcomes;
    Ok(Outcome { frozen, alive, views, sets, cells, search: None, floors, steady, unique })
}

/// Whether a view or a set looks at a column.
fn looked_at(plan: &Plan, at: (usize, usize)) -> bool {
    let views =
        plan.views.iter().flat_map(|v| v.counted().chain(v.sensitive.iter().map(|(c, _)| c)));
    let mut columns = views.map(|c| (c.table, c.column));
    columns.any(|c| c == at) || plan.sets.iter().any(|s| (s.table, s.column) == at)
}

fn rows_there(alive: &[Alive], table: usize) -> u64 {
    alive.iter().map(|a| a.rows[table].iter().filter(|there| **there).count() as u64).sum()
}

/// Removes the rows whose items must go for the sets (with `unit = "person"`: the persons). Gives whether any row went; then the
/// views and the sets must be looked at again.
fn suppress_sets(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    frozen: &Frozen,
    secrets: &dyn Secrets,
    in_memory: Option<&(Partition, Applied)>,
    alive: &mut [Alive],
    rounds: &mut Vec<Round>,
    outcomes: &mut Vec<SetOutcome>,
) -> Result<bool> {
    if plan.sets.is_empty() {
        return Ok(false);
    }
    let mut items: Vec<Items<'_>> = plan.sets.iter().map(|set| Items::new(plan, set)).collect();
    let mut of_rows: Vec<Vec<Vec<u32>>> = Vec::new();
    each_applied(plan, store, lists, frozen, secrets, in_memory, |p, partition, applied| {
        of_rows.push(items.iter_mut().map(|i| i.add(partition, applied, &alive[p])).collect());
        Ok(())
    })?;
    let judged: Vec<Judged> = items.into_iter().map(Items::judge).collect::<Result<_>>()?;
    if outcomes.is_empty() {
        *outcomes = judged.iter().map(Judged::outcome).collect();
    }
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
    if judged.iter().all(|j| j.names.is_empty()) {
        return Ok(false);
    }
    each_partition(plan, store, lists, in_memory.map(|(p, _)| p), |p, partition| {
        let mut removal = Removal::default();
        for ((set, judged), of_rows) in plan.sets.iter().zip(&judged).zip(&of_rows[p]) {
            for (row, _) in of_rows.iter().enumerate().filter(|&(_, &item)| judged.goes(item)) {
                match plan.suppress.unit {
                    Unit::Cell | Unit::Row => removal.rows.push((set.table, row as u32)),
                    Unit::Person => {
                        removal.persons.push(partition.tables[set.table].persons[row]);
                    }
                }
            }
        }
        removal.carry_out(plan, partition, &mut alive[p]);
        Ok(())
    })?;
    Ok(true)
}

/// The codes of a view's rows over all partitions, for the suppression of cells.
struct ViewCells {
    columns: Vec<Vec<u32>>,
    cards: Vec<u32>,
    persons: Vec<u32>,
    /// Partition and row of each row.
    at: Vec<(u32, u32)>,
}

fn cells_of(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    frozen: &Frozen,
    secrets: &dyn Secrets,
    in_memory: Option<&(Partition, Applied)>,
    view: &ViewPlan,
    alive: &[Alive],
) -> Result<ViewCells> {
    let mut texts: Vec<Interner> = view.quasi.iter().map(|_| Interner::new()).collect();
    let mut found = ViewCells {
        columns: vec![Vec::new(); view.quasi.len()],
        cards: Vec::new(),
        persons: Vec::new(),
        at: Vec::new(),
    };
    let mut before = 0;
    each_applied(plan, store, lists, frozen, secrets, in_memory, |p, partition, applied| {
        let there = &alive[p].rows[view.table];
        let rows: Vec<usize> = (0..there.len()).filter(|&row| there[row]).collect();
        for ((quasi, texts), column) in view.quasi.iter().zip(&mut texts).zip(&mut found.columns) {
            let cells = Cells::Applied(applied);
            let codes = column_codes(plan, view, quasi, partition, cells, &alive[p], texts);
            // 0 is a missing cell.
            column.extend(rows.iter().map(|&row| codes[row].checked_sub(1).unwrap_or(MISSING)));
        }
        let persons = &partition.tables[view.table].persons;
        found.persons.extend(rows.iter().map(|&row| before + persons[row]));
        found.at.extend(rows.iter().map(|&row| (p as u32, row as u32)));
        before += partition.ids.len() as u32;
        Ok(())
    })?;
    found.cards = texts.iter().map(|t| t.dictionary().len() as u32).collect();
    Ok(found)
}

/// Suppresses as few cells of a view's own quasi-identifiers as the greedy search finds, so that every class has k persons in
/// the strict reading. Rows that cells cannot help are left to the removal of rows.
fn blank(plan: &Plan, view: &ViewPlan, cells: &ViewCells, alive: &mut [Alive]) -> Result<()> {
    let weights: Vec<Option<u32>> = view
        .quasi
        .iter()
        .map(|q| {
            let own = q.join == Join::SameRow
                && blank_bit(plan, q.table, q.column).is_some()
                && !plan.never_blank.contains(&(q.table, q.column));
            own.then_some(1)
        })
        .collect();
    if weights.iter().all(Option::is_none) {
        return Ok(());
    }
    let removed = suppress::cells::suppress(
        &suppress::cells::Cells {
            columns: &cells.columns.iter().map(Vec::as_slice).collect::<Vec<_>>(),
            cards: &cells.cards,
            person: &cells.persons,
            k: view.k,
            weights: &weights,
        },
        Reading::OwnCategory,
    )?;
    for (row, column) in removed.cells {
        let (partition, row) = cells.at[row as usize];
        let quasi = &view.quasi[column as usize];
        if let Some(bit) = blank_bit(plan, quasi.table, quasi.column) {
            let alive = &mut alive[partition as usize];
            let rows = alive.rows[view.table].len();
            alive.blanked[view.table].set(row as usize, rows, bit);
        }
    }
    Ok(())
}

/// Removes the rows (or persons) of violating classes.
fn remove(
    plan: &Plan,
    partition: &Partition,
    alive: &mut Alive,
    of_rows: &[Vec<u32>],
    violating: &[Vec<bool>],
) {
    let mut removal = Removal::default();
    for (v, view) in plan.views.iter().enumerate() {
        let t = view.table;
        for (row, &class) in of_rows[v].iter().enumerate() {
            if class == NO_CLASS || !violating[v][class as usize] {
                continue;
            }
            match plan.suppress.unit {
                Unit::Cell | Unit::Row => removal.rows.push((t, row as u32)),
                Unit::Person => removal.persons.push(partition.tables[t].persons[row]),
            }
        }
    }
    removal.carry_out(plan, partition, alive);
}

/// Calls `f` with each partition restricted to the anonymized release.
fn each_partition(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    in_memory: Option<&Partition>,
    mut f: impl FnMut(usize, &Partition) -> Result<()>,
) -> Result<()> {
    match in_memory {
        Some(partition) => f(0, partition),
        None => store.each(plan, lists, |p, partition| f(p, &partition.of_kind(Kind::Anonymized))),
    }
}

fn each_applied(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    frozen: &Frozen,
    secrets: &dyn Secrets,
    in_memory: Option<&(Partition, Applied)>,
    mut f: impl FnMut(usize, &Partition, &Applied) -> Result<()>,
) -> Result<()> {
    match in_memory {
        Some((partition, applied)) => f(0, partition, applied),
        None => store.each(plan, lists, |p, partition| {
            let partition = partition.of_kind(Kind::Anonymized);
            // Only the cells matter here: removals by techniques are in `alive` already.
            let mut scratch = Alive::all(&partition);
            let applied =
                apply(plan, frozen, &partition, Kind::Anonymized, secrets, None, &mut scratch);
            f(p, &partition, &applied)
        }),
    }
}

/// By table and column: the bit in [`Alive::blanked`] of the columns whose cells can be suppressed one by one, the views' own
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
fn blank_mask(plan: &Plan, view: &ViewPlan) -> u64 {
    view.quasi
        .iter()
        .filter(|q| q.join == Join::SameRow)
        .filter_map(|q| blank_bit(plan, q.table, q.column))
        .fold(0, |mask, bit| mask | 1 << bit)
}

/// A treatment that is fixed (for tests and `explain`).
pub fn is_fixed(treatment: &Treatment) -> bool {
    !treatment.needs().statistics
}
