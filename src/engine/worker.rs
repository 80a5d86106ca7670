//! A worker: the rows of some persons, and how far the decisions of a draft were carried out on them. It may forget all of that at
//! any time: the decisions say how to come there again.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use rayon::prelude::*;

use super::apply::{Applied, Removal, Surviving, Treating, Treatments, apply};
use super::cells::Blanked;
use super::draft::{Ask, At, Decision, Draft, Round};
use super::floors::{Floors, Relabelled, relabel};
use super::freeze::{blank_bit, blank_mask, blankable, looked_at};
use super::partition::Partition;
use super::statistics::Statistics;
use super::views::{Cells, Classes, marked};
use super::{log, sets, timings};
use crate::error::Result;
use crate::frame::Column;
use crate::plan::Plan;
use crate::schema::{ByKind, ColumnAt, Kind};
use crate::technique::{KeyTokens, Measure, Secrets, Tally};

/// What was decided, to be carried out.
#[derive(Clone, Copy)]
pub(crate) struct Decided<'a> {
    /// Which attempt: another one has other treatments.
    pub attempt: u32,
    /// The treatments of the anonymized release.
    pub treatments: &'a Treatments,
    /// In order.
    pub decisions: &'a [Decision],
    /// Cells that were suppressed one by one, before all decisions.
    pub blanked: &'a [Blanked],
}

/// What a worker keeps of its work.
#[derive(Default)]
pub(crate) struct Kept {
    attempt: u32,
    blanked: usize,
    done: usize,
    /// Rows that are there.
    pub surviving: Surviving,
    floors: Floors,
    /// Rows that the last decision removed, by table.
    removed: Vec<u64>,
    /// The rows of those who may be in the anonymized release, if they are not all of the partition's.
    own: Option<Partition>,
    cells: Option<CellsKept>,
    /// Whether the cells stay until the next decision; else they are made again, and nothing is kept for a change of them.
    lasting: bool,
}

/// Treated cells.
struct CellsKept {
    applied: Applied,
    /// Cells and tallies of the columns that floors relabel, as the treatment gave them.
    before: BTreeMap<ColumnAt, (Column, Tally)>,
    /// After how many decisions the classes of the rows were counted; by view the classes, and the class of each row.
    classes: Option<(usize, Vec<Arc<Classes>>, Vec<Vec<u32>>)>,
}

impl Kept {
    /// Nothing yet; with `lasting`, the cells are to stay until the next decision.
    #[must_use]
    pub(crate) fn new(lasting: bool) -> Self {
        Kept { lasting, ..Kept::default() }
    }
    /// Forgets what takes memory and is made again when it is needed, if it is not to last.
    pub(crate) fn lighten(&mut self) {
        if !self.lasting {
            (self.own, self.cells) = (None, None);
        }
    }
    /// No decision comes any more.
    #[must_use]
    pub(crate) fn settled(mut self) -> Self {
        if let Some(cells) = &mut self.cells {
            (cells.before, cells.classes) = (BTreeMap::new(), None);
        }
        self.lasting = false;
        self
    }
}

/// Rows of some persons at work.
pub(crate) struct Worker<'a> {
    plan: &'a Plan,
    whole: &'a Partition,
    /// The number of the partition.
    number: u32,
    kept: Kept,
}

impl<'a> Worker<'a> {
    /// Goes on where it stopped; a new one begins with nothing kept.
    #[must_use]
    pub(crate) fn new(plan: &'a Plan, whole: &'a Partition, number: u32, kept: Kept) -> Self {
        Worker { plan, whole, number, kept }
    }
    /// Ends.
    #[must_use]
    pub(crate) fn rest(self) -> Kept {
        self.kept
    }

    /// The rows of the anonymized release: of whom, their cells, and which of them are there.
    pub(crate) fn anonymized(
        &mut self,
        decided: Decided<'_>,
        secrets: &dyn Secrets,
    ) -> (&Partition, &Applied, &Surviving) {
        self.advance(decided, secrets);
        let Kept { own, cells, surviving, .. } = &mut self.kept;
        let whole = self.whole;
        let partition = own.as_ref().unwrap_or(whole);
        let cells = cells.get_or_insert_with(CellsKept::nothing);
        (partition, &cells.applied, surviving)
    }

    /// Carries out what was decided since.
    fn advance(&mut self, decided: Decided<'_>, secrets: &dyn Secrets) {
        let Decided { attempt, treatments, decisions, blanked } = decided;
        let plan = self.plan;
        let fresh = self.kept.attempt != attempt || self.kept.done > decisions.len();
        if fresh {
            let Kept { own, lasting, .. } = std::mem::take(&mut self.kept);
            self.kept = Kept { attempt, own, lasting, ..Kept::default() };
        }
        let Kept { own, surviving, floors, removed, cells, done, blanked: marked, lasting, .. } =
            &mut self.kept;
        let relabels = |decision: &Decision| matches!(decision, Decision::Floors(_));
        // After the last relabelling nobody asks for the cells before it.
        let again = |from: usize| *lasting || decisions[from..].iter().any(relabels);
        if own.is_none()
            && let std::borrow::Cow::Owned(part) = self.whole.of_kind(Kind::Anonymized)
        {
            *own = Some(part);
        }
        let partition = own.as_ref().unwrap_or(self.whole);
        let kept = match cells {
            Some(kept) => kept,
            None => {
                // What the techniques remove is in `surviving` already, if this is not the first time.
                let mut all = Surviving::all(partition);
                let kind = Kind::Anonymized;
                let applied = apply(plan, treatments, partition, kind, secrets, None, &mut all);
                if fresh {
                    *surviving = all;
                }
                let kept =
                    cells.insert(CellsKept { applied, before: BTreeMap::new(), classes: None });
                kept.relabel(floors, &floors.columns(), again(*done));
                kept
            }
        };
        for more in &blanked[(*marked).min(blanked.len())..] {
            more.carry_out(self.number, surviving);
        }
        *marked = blanked.len();
        for decision in &decisions[*done..] {
            removed.clear();
            removed.resize(plan.tables.len(), 0);
            let removal = match decision {
                Decision::Classes(rounds) => {
                    rows_of_classes(plan, rounds, partition, &kept.applied, surviving)
                }
                Decision::Items(rounds) => {
                    rows_of_items(plan, rounds, partition, &kept.applied, surviving)
                }
                Decision::Floors(step) => {
                    for of in &step.labels {
                        floors.then(of.at(), &of.labels);
                    }
                    let columns: Vec<_> = step.labels.iter().map(Relabelled::at).collect();
                    kept.relabel(floors, &columns, again(*done + 1));
                    step.removal(plan, partition, &kept.applied, surviving, &blankable(plan))
                }
            };
            for (table, _) in &removal.rows {
                removed[*table] += 1;
            }
            removal.carry_out(plan, partition, surviving);
            *done += 1;
        }
    }

    /// Adds what a draft asks for.
    ///
    /// # Errors
    /// If columns of a view do not fit each other (a bug).
    pub(crate) fn measure(
        &mut self,
        draft: &Draft,
        statistics: &mut Statistics,
        secrets: ByKind<&dyn Secrets>,
    ) -> Result<()> {
        let plan = self.plan;
        match &draft.ask {
            Ask::Columns(columns) => {
                self.columns(draft, columns, statistics, secrets);
                return Ok(());
            }
            Ask::Levels => {
                if let Some(levels) = &mut statistics.levels {
                    let partition = self.whole.of_kind(Kind::Anonymized);
                    levels.add(plan, &partition, &draft.treatments[1..], secrets.anonymized);
                }
                return Ok(());
            }
            Ask::Source => {
                let partition = self.whole.of_kind(Kind::Anonymized);
                let all = Surviving::all(&partition);
                for (view, classes) in plan.views.iter().zip(&mut statistics.source) {
                    classes.add(plan, view, &partition, Cells::Source, &all)?;
                }
            }
            _ => {}
        }
        self.advance(
            Decided {
                attempt: draft.attempt,
                treatments: &draft.treatments[1],
                decisions: &draft.decisions,
                blanked: &draft.blanked,
            },
            secrets.anonymized,
        );
        self.rows(statistics);
        let number = self.number;
        let Kept { own, surviving, cells, done, lasting, .. } = &mut self.kept;
        let partition = own.as_ref().unwrap_or(self.whole);
        let kept = cells.get_or_insert_with(CellsKept::nothing);
        let applied = &kept.applied;
        match &draft.ask {
            Ask::Cells { view, .. } => {
                for (view, classes) in plan.views.iter().zip(&mut statistics.treated) {
                    classes.add(plan, view, partition, Cells::Applied(applied), surviving)?;
                }
                if let Some(cells) = &mut statistics.cells {
                    cells.add(plan, &plan.views[*view], number, partition, applied, surviving);
                }
            }
            Ask::Classes { .. } => {
                if let Some(counted) = &mut statistics.counted {
                    counted.add(partition, applied, surviving, &blankable(plan));
                }
                let here = plan
                    .views
                    .iter()
                    .zip(&mut statistics.classes)
                    .map(|(view, classes)| {
                        let cells = Cells::Applied(applied);
                        Arc::make_mut(classes).add(plan, view, partition, cells, surviving)
                    })
                    .collect::<Result<Vec<_>>>()?;
                if let Some(unique) = &mut statistics.unique {
                    unique.add(plan, partition, applied, surviving, &here);
                }
                if *lasting {
                    kept.classes = Some((*done, statistics.classes.clone(), here));
                }
            }
            Ask::Items => {
                for (set, items) in plan.sets.iter().zip(&mut statistics.items) {
                    items.add(plan, set, partition, applied, surviving);
                }
            }
            Ask::Values(_) => {
                if let Some(counted) = &mut statistics.counted {
                    counted.add(partition, applied, surviving, &blankable(plan));
                }
            }
            Ask::Last { .. } => {
                if let Some(splits) = &mut statistics.splits {
                    splits.add(plan, partition, applied, surviving)?;
                }
                if let Some(unique) = &mut statistics.unique {
                    let since = |at: usize| draft.decisions[at..].iter();
                    let known = kept.classes.take().filter(|(at, ..)| {
                        // Only where nobody was counted before: the numbers of the classes are those of their counting.
                        statistics.classes.iter().all(|c| c.count() == 0)
                            && since(*at).all(|decision| still_holds(plan, decision))
                    });
                    let here = match known {
                        Some((_, classes, here)) => {
                            statistics.classes = classes;
                            here
                        }
                        None => plan
                            .views
                            .iter()
                            .zip(&mut statistics.classes)
                            .map(|(view, classes)| {
                                let cells = Cells::Applied(applied);
                                Arc::make_mut(classes).add(plan, view, partition, cells, surviving)
                            })
                            .collect::<Result<Vec<_>>>()?,
                    };
                    unique.add(plan, partition, applied, surviving, &here);
                }
            }
            Ask::Columns(_) | Ask::Levels | Ask::Source => {}
        }
        Ok(())
    }

    /// What the techniques ask for.
    fn columns(
        &self,
        draft: &Draft,
        columns: &[At],
        statistics: &mut Statistics,
        secrets: ByKind<&dyn Secrets>,
    ) {
        let plan = self.plan;
        let partitions = ByKind::of(|kind| {
            let wanted = columns.iter().any(|at| at.set.min(1) == kind as usize);
            wanted.then(|| self.whole.of_kind(kind))
        });
        let parts: Vec<Measure> = columns
            .par_iter()
            .map(|&at| {
                let At { set, table: t, column: c } = at;
                let kind = Kind::BOTH[set.min(1)];
                let Some(partition) = &partitions[kind] else { return Measure::Nothing };
                let planned = plan.tables[t].columns[c].treatment(kind);
                log::trap("measure", || {
                    let cells = &partition.tables[t].table.columns[c];
                    cells.cells().flatten().collect::<Vec<_>>().join("|")
                });
                let none = KeyTokens::default();
                let secrets = secrets[kind];
                let treating = Treating { plan, partition, secrets, tokens: &none, everyone: None };
                let column = ColumnAt { table: t, column: c };
                let facts = &plan.column(column).facts;
                timings::of_column("measure", &facts.table, &facts.column, || {
                    treating.with_input(column, planned, |input| draft.treatment(at).measure(input))
                })
            })
            .collect();
        for ((slot, part), &at) in statistics.columns.iter_mut().zip(parts).zip(columns) {
            *slot = match std::mem::take(slot) {
                Measure::Nothing => part,
                old => draft.treatment(at).merge(old, part),
            };
        }
    }

    /// Rows that are there, with and without suppressed cells, and those that the last decision removed.
    fn rows(&self, statistics: &mut Statistics) {
        let plan = self.plan;
        let surviving = &self.kept.surviving;
        for (sum, there) in statistics.rows.iter_mut().zip(&surviving.rows) {
            *sum += there.iter().filter(|there| **there).count() as u64;
        }
        for (sum, removed) in statistics.removed.iter_mut().zip(&self.kept.removed) {
            *sum += removed;
        }
        let blanked = |table: usize, mask: u64| -> u64 {
            let (there, bits) = (&surviving.rows[table], &surviving.blanked[table]);
            if bits.is_empty() {
                return 0;
            }
            (0..there.len()).filter(|&row| there[row] && bits[row] & mask != 0).count() as u64
        };
        for (sum, view) in statistics.blanked[0].iter_mut().zip(&plan.views) {
            *sum += blanked(view.table, blank_mask(plan, view));
        }
        for (sum, set) in statistics.blanked[1].iter_mut().zip(&plan.sets) {
            let bit = blank_bit(plan, set.table, set.column);
            *sum += bit.map_or(0, |bit| blanked(set.table, 1 << bit));
        }
    }
}

impl CellsKept {
    /// Of no rows.
    fn nothing() -> Self {
        let applied = Applied { tables: Vec::new(), tokens: KeyTokens::default() };
        CellsKept { applied, before: BTreeMap::new(), classes: None }
    }

    /// Shows columns as the floors want it, from what the treatment gave; that is kept if it is done `again`.
    fn relabel(&mut self, floors: &Floors, columns: &[ColumnAt], again: bool) {
        for &at in columns {
            let ColumnAt { table: t, column: c } = at;
            let table = &mut self.applied.tables[t];
            let Some(done) = floors.of(at) else { continue };
            let last;
            let (cells, tally) = match (self.before.entry(at), again) {
                (Entry::Occupied(before), true) => &*before.into_mut(),
                (Entry::Occupied(before), false) => {
                    last = before.remove();
                    &last
                }
                (Entry::Vacant(before), _) => {
                    let Some(cells) = table.columns[c].take() else { continue };
                    if again {
                        &*before.insert((cells, table.tallies[c]))
                    } else {
                        last = (cells, table.tallies[c]);
                        &last
                    }
                }
            };
            let mut after = *tally;
            table.columns[c] = Some(relabel(cells, &done.labels, &mut after));
            table.tallies[c] = after;
        }
    }
}

/// Whether classes that were counted before a decision are the same after it.
fn still_holds(plan: &Plan, decision: &Decision) -> bool {
    match decision {
        Decision::Classes(_) | Decision::Items(_) => false,
        Decision::Floors(step) => {
            !step.removes() && !step.labels.iter().any(|r| looked_at(plan, r.at()))
        }
    }
}

/// The rows (or persons) of suppressed classes.
fn rows_of_classes(
    plan: &Plan,
    rounds: &[Round],
    partition: &Partition,
    applied: &Applied,
    surviving: &Surviving,
) -> Removal {
    let mut removal = Removal::default();
    for round in rounds {
        let Some(view) = plan.views.iter().find(|v| v.name.as_str() == round.view) else {
            continue;
        };
        let t = view.table;
        let marked = marked(plan, view, partition, applied, surviving, &round.classes);
        for (row, _) in marked.iter().enumerate().filter(|(_, marked)| **marked) {
            removal.mark(plan, partition, t, row as u32);
        }
    }
    removal
}

/// The rows (or persons) with suppressed items.
fn rows_of_items(
    plan: &Plan,
    rounds: &[Round],
    partition: &Partition,
    applied: &Applied,
    surviving: &Surviving,
) -> Removal {
    let mut removal = Removal::default();
    for round in rounds {
        let Some(set) = plan.sets.iter().find(|s| s.name.as_str() == round.view) else { continue };
        let items: Vec<String> = round.classes.iter().flatten().flatten().cloned().collect();
        for row in sets::rows_with(plan, set, applied, surviving, &items) {
            removal.mark(plan, partition, set.table, row);
        }
    }
    removal
}
