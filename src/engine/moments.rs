//! One rule for all readers: a moment that says its zone is written in the policy's, because its day and month would be others.
//! What says no zone is taken for local time and stays as it is.

use std::sync::Arc;

use rayon::prelude::*;

use crate::frame::{Column, Interner, MISSING};
use crate::plan::TablePlan;
use crate::text::date;

/// Brings the moments of a table's columns of dates into a zone (seconds ahead of UTC). Returns how many cells changed.
pub(crate) fn settle(table: &TablePlan, cells: &mut [Column], zone: i32) -> u64 {
    cells
        .par_iter_mut()
        .zip(&table.columns)
        .filter(|(_, column)| column.facts.ty.is_date() && !column.made)
        .map(|(cells, column)| {
            let moved: Vec<Option<String>> = cells
                .dictionary()
                .texts()
                .map(|text| {
                    let special = column.facts.is_special(text);
                    (!special).then(|| date::in_zone(text, zone)).flatten()
                })
                .collect();
            if moved.iter().all(Option::is_none) {
                return 0;
            }
            let mut interner = Interner::new();
            let texts = cells.dictionary().texts().zip(&moved);
            let map: Vec<u32> =
                texts.map(|(old, new)| interner.intern(new.as_deref().unwrap_or(old))).collect();
            let mut changed = 0;
            let codes = cells
                .codes()
                .iter()
                .map(|&code| match code {
                    MISSING => MISSING,
                    code => {
                        changed += u64::from(moved[code as usize].is_some());
                        map[code as usize]
                    }
                })
                .collect();
            *cells = Column::new(codes, Arc::new(interner.finish()));
            changed
        })
        .sum()
}
