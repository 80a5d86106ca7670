//! Every defect of the input in one reading: what a run would stop at, one after the other, is counted here by table, file, column and
//! kind, with the first place of each. Nothing is released of it.

use rayon::prelude::*;

use super::intake::{FilePlace, TableIntake, columns_of, read_spec};
use super::{Progress, identity, intake, moments, rows, validate};
use crate::error::{Error, Name, Result, Said, small};
use crate::formats::{self, Batch, FileFacts};
use crate::frame::{Column, MISSING};
use crate::plan::{Plan, TablePlan};
use crate::policy::model::Defect;
use crate::say;

use std::path::PathBuf;

/// Rows a batch.
const BATCH: usize = 262_144;

/// What a reading goes on after.
const ALL: [Defect; 6] =
    [Defect::Ragged, Defect::Bytes, Defect::Type, Defect::Key, Defect::Duplicate, Defect::Blank];

/// Defects of one kind in a file.
#[derive(Clone, Debug)]
pub struct Found {
    /// The table.
    pub table: Name,
    /// The number of the file among those of the table, from 1, and how many there are.
    pub file: [usize; 2],
    /// The column, if it is one's.
    pub column: Option<Name>,
    /// The word that sets such rows aside; none for what stops the reading of the file.
    pub defect: Option<Defect>,
    /// What it is.
    pub what: Said,
    /// Rows or cells.
    pub count: u64,
    /// The first place.
    pub first: Said,
    /// Whether the policy sets such rows or cells aside.
    pub accepted: bool,
}

impl Found {
    /// A line for people.
    #[must_use]
    pub fn told(&self) -> Said {
        let of = match self.file {
            [_, 1] => say!("table `{}`", self.table),
            [at, all] => say!("table `{}`, file {} of {}", self.table, at, all),
        };
        let column = self.column.as_ref().map_or_else(|| say!(""), |c| say!(", column `{}`", *c));
        let Some(defect) = self.defect else { return say!("{}{}: {}", of, column, self.what) };
        let accepted = if self.accepted {
            say!("set aside")
        } else {
            say!("set_aside = [\"{}\"] would set it aside", defect)
        };
        say!(
            "{}{}: {} × {}; the first: {}; {}",
            of,
            column,
            small(self.count),
            self.what,
            self.first,
            accepted
        )
    }
}

/// Reads all files and tells their defects, in the order of tables, files and columns.
///
/// # Errors
/// I/O, the user's stop.
pub fn survey(plan: &Plan, files: &[Vec<PathBuf>], progress: &dyn Progress) -> Result<Vec<Found>> {
    progress.room("survey");
    let resources = intake::resources(plan, files)?;
    let mut all = Vec::new();
    for group in plan.groups() {
        let members: Vec<usize> = group.collect();
        // Rows with defects are to be counted, not to end the reading.
        let mut plan = plan.clone();
        for &member in &members {
            plan.tables[member].set_aside = ALL.to_vec();
        }
        let paths = &files[members[0]];
        for (index, path) in paths.iter().enumerate() {
            let mut found = Vec::new();
            let first = &plan.tables[members[0]];
            let shown = first.part.as_ref().map_or(&first.name, |p| &p.of);
            let place = FilePlace::new(shown, index, paths.len());
            let mut of_file = Survey {
                plan: &plan,
                members: &members,
                place: &place,
                resources: resources.as_ref(),
                found: &mut found,
            };
            if let Err(error) = of_file.file(path, progress) {
                if error.family != crate::error::Family::Data {
                    return Err(error);
                }
                for error in error.each() {
                    found.push(Found::of(shown, None, None, error.what.clone(), 1, say!("")));
                }
            }
            for mut defects in found {
                defects.file = [index + 1, paths.len()];
                all.push(defects);
            }
        }
    }
    for found in &mut all {
        let accepts = |defect: Defect| {
            plan.tables.iter().any(|t| {
                let name = t.part.as_ref().map_or(&t.name, |p| &p.of);
                (*name == found.table || t.name == found.table) && t.set_aside.contains(&defect)
            })
        };
        found.accepted = match found.defect {
            None => false,
            Some(Defect::Type) => {
                accepts(Defect::Type) || found.column.is_some() && accepts(Defect::Cell)
            }
            Some(defect) => accepts(defect),
        };
    }
    Ok(all)
}

impl Found {
    fn of(
        table: &Name,
        column: Option<&Name>,
        defect: Option<Defect>,
        what: Said,
        count: u64,
        first: Said,
    ) -> Self {
        Found {
            table: table.clone(),
            file: [1, 1],
            column: column.cloned(),
            defect,
            what,
            count,
            first,
            accepted: false,
        }
    }
    /// More of the same in a later batch.
    fn add(all: &mut Vec<Found>, more: Found) {
        let same = |f: &&mut Found| {
            f.table == more.table
                && f.column == more.column
                && f.defect == more.defect
                && f.what == more.what
        };
        match all.iter_mut().find(same) {
            Some(found) => found.count += more.count,
            None => all.push(more),
        }
    }
}

struct Survey<'a> {
    plan: &'a Plan,
    members: &'a [usize],
    place: &'a FilePlace<'a>,
    resources: Option<&'a std::sync::Arc<crate::formats::fhir::Resources>>,
    found: &'a mut Vec<Found>,
}

impl Survey<'_> {
    fn file(&mut self, path: &std::path::Path, progress: &dyn Progress) -> Result<()> {
        let first = &self.plan.tables[self.members[0]];
        let long = first.part.is_some();
        let mut columns = columns_of(first);
        if long {
            for column in &mut columns {
                column.missing.clear();
            }
        }
        let shown = first.part.as_ref().map_or(&first.name, |p| &p.of).clone();
        let mut spec = read_spec(first, path, &columns)?;
        spec.table = &shown;
        spec.resources = self.resources.cloned();
        let folder = intake::folder_of(first, path, self.plan)?;
        let mut reader = formats::open(path, &spec)?;
        let ended = loop {
            let batch = match reader.next(BATCH) {
                Ok(Some(batch)) => batch,
                Ok(None) => break Ok(()),
                Err(error) => break Err(error),
            };
            progress.check()?;
            let parts = if long {
                match rows::split(self.plan, self.members, batch, self.place) {
                    Ok(parts) => parts,
                    Err(error) => break Err(error),
                }
            } else {
                vec![(0, batch)]
            };
            for (m, batch) in parts {
                let table = &self.plan.tables[self.members[m]];
                progress.rows(batch.table.rows as u64);
                self.rows(table, batch, folder.as_deref())?;
            }
        };
        self.of_reader(&shown, &reader.facts());
        ended
    }

    fn of_reader(&mut self, table: &Name, facts: &FileFacts) {
        for (&defect, &count) in &facts.set_aside {
            let what = match defect {
                Defect::Ragged => say!("a row with another number of fields"),
                Defect::Blank => say!("a line that is no row: blank, or the header once more"),
                _ => say!("bytes that are not text in the encoding of the file, or a NUL"),
            };
            let first = match facts.first.get(&defect) {
                Some([row, line]) => say!("line {} of the file, row {}", *line, *row),
                None => say!("-"),
            };
            Found::add(self.found, Found::of(table, None, Some(defect), what, count, first));
        }
    }

    fn rows(&mut self, table: &TablePlan, mut batch: Batch, folder: Option<&str>) -> Result<()> {
        for made in (0..table.columns.len()).filter(|&c| table.columns[c].made) {
            let rows = batch.table.rows;
            batch.table.columns.insert(made, Column::constant(None, rows));
        }
        moments::settle(table, &mut batch.table.columns, self.plan.zone);
        let bad: Vec<Option<(u64, usize)>> = table
            .columns
            .par_iter()
            .zip(&batch.table.columns)
            .map(|(column, cells)| {
                let bad: Vec<bool> = cells
                    .dictionary()
                    .texts()
                    .map(|t| !validate::reads(&column.facts, t))
                    .collect();
                let is_bad = |code: u32| code != MISSING && bad[code as usize];
                let first = cells.codes().iter().position(|&c| is_bad(c))?;
                Some((cells.codes().iter().filter(|&&c| is_bad(c)).count() as u64, first))
            })
            .collect();
        for (column, bad) in table.columns.iter().zip(bad) {
            let Some((count, row)) = bad else { continue };
            let facts = &column.facts;
            let what = say!("a cell that is not of type {}", facts.ty);
            let found = Found::of(
                &table.name,
                Some(&facts.column),
                Some(Defect::Type),
                what,
                count,
                batch.place(row),
            );
            Found::add(self.found, found);
        }
        let mut good = vec![true; batch.table.rows];
        let mut counted = TableIntake::default();
        if let Err(error) = rows::check_rows(table, &batch, &mut good, &mut counted, self.place) {
            for error in error.each() {
                Found::add(
                    self.found,
                    Found::of(&table.name, None, None, error.what.clone(), 1, say!("")),
                );
            }
        }
        if let Some(row) = good.iter().position(|g| !g) {
            let count = good.iter().filter(|g| !**g).count() as u64;
            let what = say!("a row whose dates contradict each other");
            Found::add(
                self.found,
                Found::of(&table.name, None, Some(Defect::Type), what, count, batch.place(row)),
            );
        }
        let key = &table.keys[table.person_key];
        let identities = identity::column(&batch.table, &key.columns, &self.plan.normalize, folder);
        let column = key.columns.first().filter(|_| key.columns.len() == 1);
        let column = column.map(|&c| &table.columns[c].facts.column);
        for (row, _) in identities.codes().iter().enumerate().filter(|(_, code)| **code == MISSING)
        {
            let why = identity::why(&batch.table, &key.columns, row, &self.plan.normalize);
            let what = say!("a key of the person that is {}", why.told());
            let found =
                Found::of(&table.name, column, Some(Defect::Key), what, 1, batch.place(row));
            Found::add(self.found, found);
        }
        Ok(())
    }
}

/// The error for what the policy does not set aside; none if nothing is left.
#[must_use]
pub fn refused(found: &[Found]) -> Option<Error> {
    let left = found.iter().filter(|f| !f.accepted).count();
    (left > 0).then(|| {
        Error::data("D0402", say!("the data have defects that the policy does not set aside: {} kinds in all", left))
            .advice(say!("correct them where the data come from; or say in the tables what happens to them: set_aside = [\"cell\"] blanks single cells, the other words set rows aside, and both are counted in the record"))
    })
}
