//! What the detectors would find in the columns that a release shows as they are, looked for in the source before a run: for
//! `kakou explain`. The proof looks at the files.

use std::collections::{HashMap, HashSet};

use rayon::prelude::*;

use super::Progress;
use super::exclude::Lists;
use super::intake::Store;
use crate::detect::{Scanner, column};
use crate::error::Result;
use crate::frame::MISSING;
use crate::plan::declared::shows;
use crate::plan::{ColumnPlan, Plan};
use crate::schema::Kind;

/// A finding.
#[derive(Clone, Debug)]
pub struct Foreseen {
    /// Detector, table, column: indices.
    pub place: (usize, usize, usize),
    /// The first release that shows the cells.
    pub release: Kind,
    /// Rows and distinct persons with a hit.
    pub counts: (u64, u64),
}

/// Whether a release shows the cells of a column as they are. Dates are read as dates.
fn whole(column: &ColumnPlan, kind: Kind) -> bool {
    column.treatment(kind).treatment.shows().unchanged()
        && shows(column, kind)
        && !column.facts.ty.is_date()
}

/// Texts of a column with the cells that hold them.
type Texts = HashMap<String, u64>;

/// All findings that nothing waives, in the order of the columns. Values that a floor would hide are found too.
///
/// # Errors
/// I/O of spilled partitions.
pub fn find(
    plan: &Plan,
    store: &Store,
    lists: &Lists,
    progress: &dyn Progress,
) -> Result<Vec<Foreseen>> {
    let mut watched: Vec<(usize, usize, Kind, Texts)> = Vec::new();
    for (t, table) in plan.tables.iter().enumerate() {
        for (c, column) in table.columns.iter().enumerate().filter(|(_, c)| !c.made) {
            let kind = Kind::BOTH.into_iter().find(|&kind| whole(column, kind));
            watched.extend(kind.map(|kind| (t, c, kind, Texts::new())));
        }
    }
    store.each(plan, lists, |_, partition| {
        progress.check()?;
        watched.par_iter_mut().for_each(|(t, c, _, texts)| {
            let column = &partition.tables[*t].table.columns[*c];
            let mut held = vec![0_u64; column.dictionary().len()];
            for &code in column.codes().iter().filter(|&&code| code != MISSING) {
                held[code as usize] += 1;
            }
            for (text, cells) in column.dictionary().texts().zip(held) {
                *texts.entry(text.to_owned()).or_default() += cells;
            }
        });
        Ok(())
    })?;
    let judged = watched.into_par_iter().flat_map_iter(|(t, c, release, texts)| {
        let facts = &plan.tables[t].columns[c].facts;
        let scanner = Scanner::of_column(facts.column.as_str());
        let texts: Vec<(String, u64)> = texts.into_iter().collect();
        let cells = texts
            .iter()
            .map(|(text, cells)| (if facts.is_special(text) { "" } else { text }, *cells));
        let found = column::judge(&scanner, cells);
        let waived = |f: &column::Finding| {
            plan.waivers.iter().any(|w| (w.detector, w.table, w.column) == (f.detector, t, c))
        };
        let told = found.into_iter().filter(|f| !waived(f)).map(|finding| {
            let hits = texts.iter().zip(&finding.hits).filter(|(_, hit)| **hit);
            let hits: Texts = hits.map(|(text, _)| text.clone()).collect();
            let counts = (hits.values().sum(), 0);
            (Foreseen { place: (finding.detector, t, c), release, counts }, hits)
        });
        told.collect::<Vec<_>>()
    });
    let mut judged: Vec<(Foreseen, Texts)> = judged.collect();
    judged.sort_by_key(|(found, _)| (found.place.1, found.place.2, found.place.0));
    if judged.is_empty() {
        return Ok(Vec::new());
    }
    store.each(plan, lists, |_, partition| {
        for (found, hits) in &mut judged {
            let part = &partition.tables[found.place.1];
            let column = &part.table.columns[found.place.2];
            let hit: Vec<bool> =
                column.dictionary().texts().map(|text| hits.contains_key(text)).collect();
            let rows = column.codes().iter().zip(&part.persons);
            let who: HashSet<u32> = rows
                .filter(|(code, _)| **code != MISSING && hit[**code as usize])
                .map(|(_, &person)| person)
                .collect();
            found.counts.1 += who.len() as u64;
        }
        Ok(())
    })?;
    Ok(judged.into_iter().map(|(found, _)| found).collect())
}
