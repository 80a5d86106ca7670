//! What was measured of some persons, as a value: it is written, carried, read back and merged with what was measured of others.
//!
//! Merging goes by values: the numbers of texts, classes and persons are names of the place where they were counted. In what order
//! and in what groups statistics are merged changes these names and nothing that is made of them.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::draft::{Ask, Draft};
use super::floors::Counted;
use super::search;
use super::sets::Items;
use super::steady::Splits;
use super::unique::Gathered;
use super::views::Classes;
use crate::error::{Error, Result};
use crate::plan::Plan;
use crate::say;
use crate::technique::Measure;

/// What one round measured of some persons.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Statistics {
    /// Number of the draft that it answers; 0 is nothing measured.
    pub(super) draft: u32,
    /// By column that is asked for.
    pub(super) columns: Vec<Measure>,
    /// The rows of the views at every level.
    pub(super) levels: Option<search::Rows>,
    /// By view: classes of the source, and of the treated rows before anything is suppressed.
    pub(super) source: Vec<Classes>,
    pub(super) treated: Vec<Classes>,
    /// By table: rows that are there.
    pub(super) rows: Vec<u64>,
    /// By view, by set: rows that are there with a suppressed cell of its own.
    pub(super) blanked: [Vec<u64>; 2],
    /// By table: rows that the last decision removed.
    pub(super) removed: Vec<u64>,
    /// By view: classes of the rows that are there.
    #[serde(with = "shared")]
    pub(super) classes: Vec<Arc<Classes>>,
    pub(super) counted: Option<Counted>,
    pub(super) items: Vec<Items>,
    pub(super) splits: Option<Splits>,
    pub(super) unique: Option<Gathered>,
    /// Codes of one view's rows for the suppression of cells. They name rows by their place, so they do not travel.
    #[serde(skip)]
    pub(super) cells: Option<super::cells::ViewCells>,
}

/// Classes that the place where they were counted still uses.
mod shared {
    use super::{Arc, Classes, Deserialize as _};

    pub(crate) fn serialize<S: serde::Serializer>(
        classes: &[Arc<Classes>],
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(classes.iter().map(Arc::as_ref))
    }
    pub(crate) fn deserialize<'de, D: serde::Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Arc<Classes>>, D::Error> {
        Ok(Vec::<Classes>::deserialize(deserializer)?.into_iter().map(Arc::new).collect())
    }
}

/// The error for statistics that answer something else.
pub(super) fn other() -> Error {
    Error::data(
        "D0451",
        say!("statistics do not belong together: they answer different drafts, or were damaged"),
    )
    .advice(say!("measure every batch with the same draft"))
}

fn add<T: std::ops::AddAssign + Copy>(mine: &mut [T], theirs: &[T]) -> Result<()> {
    if mine.len() != theirs.len() {
        return Err(other());
    }
    mine.iter_mut().zip(theirs).for_each(|(mine, &theirs)| *mine += theirs);
    Ok(())
}

fn merge_all(mine: &mut [Classes], theirs: &[Classes]) -> Result<()> {
    if mine.len() != theirs.len() {
        return Err(other());
    }
    mine.iter_mut().zip(theirs).try_for_each(|(mine, theirs)| mine.merge(theirs).map(drop))
}

/// Both or none, then what merges both.
fn both<T>(
    mine: &mut Option<T>,
    theirs: &Option<T>,
    merge: impl FnOnce(&mut T, &T) -> Result<()>,
) -> Result<()> {
    match (mine, theirs) {
        (Some(mine), Some(theirs)) => merge(mine, theirs),
        (None, None) => Ok(()),
        _ => Err(other()),
    }
}

impl Statistics {
    /// Nothing measured, in the form that a draft asks for.
    #[must_use]
    pub(super) fn new(plan: &Plan, draft: &Draft) -> Self {
        let classes = || plan.views.iter().map(Classes::new).collect::<Vec<_>>();
        let mut empty = Statistics { draft: draft.number, ..Statistics::default() };
        if !matches!(draft.ask, Ask::Columns(_) | Ask::Levels) {
            empty.rows = vec![0; plan.tables.len()];
            empty.removed = vec![0; plan.tables.len()];
            empty.blanked = [vec![0; plan.views.len()], vec![0; plan.sets.len()]];
        }
        match &draft.ask {
            Ask::Columns(columns) => empty.columns = vec![Measure::Nothing; columns.len()],
            Ask::Levels => {
                empty.levels = Some(search::Rows::new(plan, draft.treatments.len() - 1));
            }
            Ask::Source => empty.source = classes(),
            Ask::Cells { view, treated } => {
                if *treated {
                    empty.treated = classes();
                }
                empty.cells = Some(super::cells::ViewCells::new(&plan.views[*view]));
            }
            Ask::Classes { values, unique } => {
                empty.classes = classes().into_iter().map(Arc::new).collect();
                empty.counted = values.as_ref().map(|tables| Counted::new(plan, tables));
                empty.unique = unique.then(|| Gathered::new(plan));
            }
            Ask::Items => empty.items = plan.sets.iter().map(|_| Items::default()).collect(),
            Ask::Values(tables) => empty.counted = Some(Counted::new(plan, tables)),
            Ask::Last { splits, unique } => {
                empty.splits = Some(Splits::new(plan, splits.clone()));
                if *unique {
                    empty.classes = classes().into_iter().map(Arc::new).collect();
                    empty.unique = Some(Gathered::new(plan));
                }
            }
        }
        empty
    }

    /// Takes in what was measured of other persons with the same draft. Associative and commutative.
    ///
    /// # Errors
    /// `D0451` if it answers another draft.
    pub fn merge(&mut self, plan: &Plan, draft: &Draft, theirs: Statistics) -> Result<()> {
        if self.draft != draft.number || theirs.draft != draft.number {
            return Err(other());
        }
        if let Ask::Columns(columns) = &draft.ask {
            if self.columns.len() != columns.len() || theirs.columns.len() != columns.len() {
                return Err(other());
            }
            for ((slot, measure), at) in self.columns.iter_mut().zip(theirs.columns).zip(columns) {
                *slot = match std::mem::take(slot) {
                    Measure::Nothing => measure,
                    old => draft.treatment(*at).merge(old, measure),
                };
            }
        }
        both(&mut self.levels, &theirs.levels, |mine, theirs| mine.merge(plan, theirs))?;
        merge_all(&mut self.source, &theirs.source)?;
        merge_all(&mut self.treated, &theirs.treated)?;
        add(&mut self.rows, &theirs.rows)?;
        add(&mut self.removed, &theirs.removed)?;
        add(&mut self.blanked[0], &theirs.blanked[0])?;
        add(&mut self.blanked[1], &theirs.blanked[1])?;
        if self.classes.len() != theirs.classes.len()
            || self.items.len() != theirs.items.len()
            || self.cells.is_some()
        {
            return Err(other());
        }
        let numbers: Vec<Vec<u32>> = self
            .classes
            .iter_mut()
            .zip(&theirs.classes)
            .map(|(mine, theirs)| Arc::make_mut(mine).merge(theirs))
            .collect::<Result<_>>()?;
        both(&mut self.counted, &theirs.counted, Counted::merge)?;
        self.items.iter_mut().zip(&theirs.items).for_each(|(mine, theirs)| mine.merge(theirs));
        both(&mut self.splits, &theirs.splits, Splits::merge)?;
        both(&mut self.unique, &theirs.unique, |mine, theirs| mine.merge(theirs, &numbers))
    }

    /// What came from elsewhere, held against what the draft asks for.
    ///
    /// # Errors
    /// `D0451` if it answers another draft or is damaged.
    pub(super) fn arrived(mut self, plan: &Plan, draft: &Draft) -> Result<Statistics> {
        let like = Statistics::new(plan, draft);
        let sound = self.draft == draft.number
            && self.columns.len() == like.columns.len()
            && self.levels.is_some() == like.levels.is_some()
            && like_classes(&self.source, &like.source)
            && like_classes(&self.treated, &like.treated)
            && self.classes.len() == like.classes.len()
            && self.classes.iter().zip(&like.classes).all(|(mine, like)| mine.is_like(like))
            && self.rows.len() == like.rows.len()
            && self.removed.len() == like.removed.len()
            && self.blanked.iter().map(Vec::len).eq(like.blanked.iter().map(Vec::len))
            && self.items.len() == like.items.len()
            && self.items.iter().all(Items::sound)
            && alike(&self.counted, &like.counted, Counted::is_like)
            && alike(&self.splits, &like.splits, Splits::is_like)
            && self.unique.is_some() == like.unique.is_some()
            && self.unique.as_ref().is_none_or(|unique| {
                let classes: Vec<usize> = self.classes.iter().map(|c| c.count()).collect();
                unique.sound(plan, &classes)
            });
        if !sound {
            return Err(other());
        }
        if let Some(levels) = self.levels.take() {
            let steps = draft.treatments.len() - 1;
            self.levels = Some(levels.arrived(plan, steps).ok_or_else(other)?);
        }
        Ok(self)
    }
}

fn like_classes(mine: &[Classes], like: &[Classes]) -> bool {
    mine.len() == like.len() && mine.iter().zip(like).all(|(mine, like)| mine.is_like(like))
}

fn alike<T>(mine: &Option<T>, like: &Option<T>, is_like: impl Fn(&T, &T) -> bool) -> bool {
    match (mine, like) {
        (Some(mine), Some(like)) => is_like(mine, like),
        (None, None) => true,
        _ => false,
    }
}
