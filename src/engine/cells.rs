//! Suppression of single cells: as few of a view's own quasi-identifiers as the greedy search finds.
//!
//! Which of several persons that are alike loses a cell depends on their order, and the search looks at all rows at once, by their
//! place: so this round is made where the rows lie, and neither its statistics nor its decisions travel.

use super::apply::{Applied, Surviving};
use super::freeze::blank_bit;
use super::partition::Partition;
use super::views::{Cells, column_codes};
use crate::error::Result;
use crate::frame::{Interner, MISSING};
use crate::plan::{Join, Plan, ViewPlan};
use crate::privacy::{Reading, suppress};
use crate::schema::Kind;

/// The codes of a view's rows over all partitions.
#[derive(Debug)]
pub(crate) struct ViewCells {
    texts: Vec<Interner>,
    columns: Vec<Vec<u32>>,
    persons: Vec<u32>,
    /// Partition and row of each row.
    at: Vec<(u32, u32)>,
    before: u32,
}

/// Cells that are suppressed: partition, row, bit.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Blanked {
    table: usize,
    cells: Vec<(u32, u32, u8)>,
}

impl Blanked {
    /// Marks the cells of a partition.
    pub(crate) fn carry_out(&self, partition: u32, surviving: &mut Surviving) {
        let rows = surviving.rows[self.table].len();
        for &(_, row, bit) in self.cells.iter().filter(|(at, ..)| *at == partition) {
            surviving.blanked[self.table].set(row as usize, rows, bit);
        }
    }
}

impl ViewCells {
    /// None yet.
    #[must_use]
    pub(crate) fn new(view: &ViewPlan) -> Self {
        ViewCells {
            texts: view.quasi.iter().map(|_| Interner::new()).collect(),
            columns: vec![Vec::new(); view.quasi.len()],
            persons: Vec::new(),
            at: Vec::new(),
            before: 0,
        }
    }

    /// Adds the rows of a partition that are there.
    pub(crate) fn add(
        &mut self,
        plan: &Plan,
        view: &ViewPlan,
        number: u32,
        partition: &Partition,
        applied: &Applied,
        surviving: &Surviving,
    ) {
        let there = &surviving.rows[view.table];
        let rows: Vec<usize> = (0..there.len()).filter(|&row| there[row]).collect();
        let columns = view.quasi.iter().zip(&mut self.texts).zip(&mut self.columns);
        for ((quasi, texts), column) in columns {
            let cells = Cells::Applied(applied);
            let codes = column_codes(plan, view, quasi, partition, cells, surviving, texts);
            // 0 is a missing cell.
            column.extend(rows.iter().map(|&row| codes[row].checked_sub(1).unwrap_or(MISSING)));
        }
        let persons = &partition.tables[view.table].persons;
        self.persons.extend(rows.iter().map(|&row| self.before + persons[row]));
        self.at.extend(rows.iter().map(|&row| (number, row as u32)));
        self.before += partition.ids.len() as u32;
    }

    /// Suppresses as few cells as the search finds, so that every class has k persons in the strict reading. Rows that cells cannot
    /// help are left to the removal of rows.
    ///
    /// # Errors
    /// If the columns are too many or too wide.
    pub(crate) fn blank(&self, plan: &Plan, view: &ViewPlan) -> Result<Blanked> {
        let own = |q: &crate::plan::ViewColumn| {
            let bit = blank_bit(plan, q.table, q.column).filter(|_| q.join == Join::SameRow);
            // A row without the cell that says what it is would belong to no table.
            let never = plan.never_blank.contains(&q.at())
                || plan.deciding(q.table, Kind::Anonymized).contains(&q.column);
            bit.filter(|_| !never)
        };
        let weights: Vec<Option<u32>> = view.quasi.iter().map(|q| own(q).map(|_| 1)).collect();
        let mut blanked = Blanked { table: view.table, cells: Vec::new() };
        if weights.iter().all(Option::is_none) {
            return Ok(blanked);
        }
        let cards: Vec<u32> = self.texts.iter().map(|t| t.dictionary().len() as u32).collect();
        let removed = suppress::cells::suppress(
            &suppress::cells::Cells {
                columns: &self.columns.iter().map(Vec::as_slice).collect::<Vec<_>>(),
                cards: &cards,
                person: &self.persons,
                k: view.k,
                weights: &weights,
            },
            Reading::OwnCategory,
        )?;
        for (row, column) in removed.cells {
            let (partition, row) = self.at[row as usize];
            let quasi = &view.quasi[column as usize];
            let bit = blank_bit(plan, quasi.table, quasi.column);
            blanked.cells.extend(bit.map(|bit| (partition, row, bit)));
        }
        Ok(blanked)
    }
}
