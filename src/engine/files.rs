//! The rows of the parts of a long table as rows of its one file.

use crate::frame::{Column, Interner, MISSING, Table, join_blocks};
use crate::plan::Plan;
use crate::plan::shape::{FilePlan, released};
use crate::policy::model::{Dates, Order};
use crate::schema::{Kind, Type};

/// Rows of a part: the released cells with the token of the person as the last column, and where they stood in the source.
pub struct PartRows {
    /// Released cells, then the token.
    pub rows: Table,
    /// The source positions of the rows, if the file is in the order of the source.
    pub positions: Vec<Column>,
}

/// The rows of the parts of a long table as rows of its file.
#[must_use]
pub fn long_rows(plan: &Plan, kind: Kind, file: &FilePlan<'_>, parts: Vec<PartRows>) -> Table {
    let blocks: Vec<Table> = file
        .tables
        .iter()
        .zip(parts)
        .enumerate()
        .map(|(rank, (&t, part))| {
            let table = &plan.tables[t];
            let count = part.rows.rows;
            let released = released(plan, t, kind);
            let digits = file.own && table.source.dates == Some(Dates::EightDigits);
            let mut cells = part.rows.columns;
            let token = cells.pop();
            let mut columns = match file.long.map(|l| l.order) {
                None => Vec::new(),
                Some(Order::Source) => part.positions,
                Some(Order::Content) => (0..table.keys.len())
                    .filter(|&k| k != table.person_key)
                    .map(|k| {
                        let at = released.iter().position(|r| r.column == table.keys[k].token);
                        at.map_or_else(|| Column::constant(None, count), |at| cells[at].clone())
                    })
                    .collect(),
            };
            if file.long.is_some() {
                columns.push(Column::constant(Some(&format!("{rank:06}")), count));
            }
            let mut own = vec![Column::constant(None, count); file.columns.len()];
            for (place, filler) in file.fillers(plan, t, kind) {
                own[place] = Column::constant(Some(&filler), count);
            }
            for (released, cells) in released.iter().zip(cells) {
                if let Some(place) = file.place(table, released.column) {
                    // A number that a treatment made of a date is none.
                    let dates = digits
                        && table.columns[released.column].facts.ty.is_date()
                        && !matches!(released.ty, Type::Integer | Type::Decimal);
                    own[place] = if dates { eight_digits(&cells) } else { cells };
                }
            }
            columns.extend(own);
            columns.extend(token);
            Table { rows: count, columns }
        })
        .collect();
    join_blocks(&blocks, file.width(plan))
}

/// Dates that a treatment wrote with hyphens, as eight digits; zeros for what was taken away. All else stays.
fn eight_digits(cells: &Column) -> Column {
    let mut interner = Interner::new();
    let map: Vec<u32> = cells
        .dictionary()
        .texts()
        .map(|text| {
            let digits: String = text.split('-').collect();
            let hyphens = text.bytes().enumerate().all(|(at, b)| match at {
                4 | 7 => b == b'-',
                _ => b.is_ascii_digit(),
            });
            match (hyphens, text.len()) {
                (true, 4 | 7 | 10) => interner.intern(&format!("{digits:0<8}")),
                _ => interner.intern(text),
            }
        })
        .collect();
    let codes = cells
        .codes()
        .iter()
        .map(|&c| if c == MISSING { MISSING } else { map[c as usize] })
        .collect();
    Column::new(codes, interner.finish().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shortened_dates_are_eight_digits() {
        let texts = ["1950-02", "1950", "2026-04-05", "20260405", "99999999", "2026-Q1", "若年"];
        let column = Column::from_texts(texts.iter().map(Some));
        let written: Vec<String> =
            eight_digits(&column).cells().map(|c| c.unwrap().to_owned()).collect();
        let wanted =
            ["19500200", "19500000", "20260405", "20260405", "99999999", "2026-Q1", "若年"];
        assert_eq!(written, wanted);
    }
}
