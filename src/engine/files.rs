//! Which files a release has: one a table, and one a long table where the policy asks for it.

use crate::frame::{Column, Interner, MISSING, Table};
use crate::plan::{LongPlan, Plan};
use crate::policy::model::{Dates, Encoding, Form, Order, Output};
use crate::schema::{Kind, Type};
use crate::table::Dialect;

use super::emit::{self, extension};
use super::intake::join_blocks;
use super::place;

/// A file of a release.
pub struct FilePlan<'a> {
    /// The tables in it (plan indices); several are the parts of a long table.
    pub tables: Vec<usize>,
    /// How it is long.
    pub long: Option<&'a LongPlan>,
    /// Its columns: those of its first table (column indices), in the order of the file.
    pub columns: Vec<usize>,
    /// Path relative to the release folder (`pseudonymized/patients.csv`).
    pub relative: String,
}

/// The files of a release, in the order of the policy.
#[must_use]
pub fn files(plan: &Plan, kind: Kind) -> Vec<FilePlan<'_>> {
    let mut files: Vec<FilePlan<'_>> = Vec::new();
    for group in plan.groups() {
        let released: Vec<usize> = group.filter(|&t| plan.tables[t].is_released(kind)).collect();
        let Some(&first) = released.first() else { continue };
        let table = &plan.tables[first];
        match (table.long(kind), &table.part) {
            (Some(long), Some(part)) => {
                let shown = |c: usize| match long.form {
                    Form::Layout => !table.columns[c].made,
                    Form::Table => released
                        .iter()
                        .any(|&t| plan.tables[t].columns[c].treatment(kind).output.is_some()),
                };
                let ending = match long.form {
                    Form::Layout => "txt",
                    Form::Table => extension(plan.output.format),
                };
                files.push(FilePlan {
                    columns: (0..table.columns.len()).filter(|&c| shown(c)).collect(),
                    tables: released,
                    long: Some(long),
                    relative: format!("{}/{}.{ending}", kind.word(), part.of),
                });
            }
            _ => files.extend(released.into_iter().map(|t| {
                FilePlan {
                    columns: emit::released(&plan.tables[t], kind, &plan.output)
                        .iter()
                        .map(|r| r.column)
                        .collect(),
                    tables: vec![t],
                    long: None,
                    relative: format!(
                        "{}/{}.{}",
                        kind.word(),
                        plan.tables[t].name,
                        extension(plan.output.format)
                    ),
                }
            })),
        }
    }
    files
}

impl FilePlan<'_> {
    /// How its text is written.
    #[must_use]
    pub fn dialect(&self, plan: &Plan) -> Dialect {
        match self.long {
            Some(LongPlan { form: Form::Layout, .. }) => {
                let source = &plan.tables[self.tables[0]].source;
                let delimiter = source.delimiter.as_deref().and_then(|d| d.bytes().next());
                Dialect { delimiter: delimiter.unwrap_or(b','), header: source.header, plain: true }
            }
            _ => Dialect::default(),
        }
    }
    /// Its encoding and the treatment of special characters.
    #[must_use]
    pub fn output(&self, plan: &Plan) -> Output {
        let encoding = self.encoding(plan);
        Output { encoding, ..plan.output.clone() }
    }
    /// Its encoding.
    #[must_use]
    pub fn encoding(&self, plan: &Plan) -> Encoding {
        match self.long {
            Some(LongPlan { form: Form::Layout, .. }) => {
                plan.tables[self.tables[0]].source.encoding
            }
            _ => plan.output.encoding,
        }
    }
    /// Where a column of one of its tables stands in it.
    #[must_use]
    pub fn place(&self, column: usize) -> Option<usize> {
        self.columns.iter().position(|&c| c == column)
    }
    /// The columns by which its rows are sorted within a person and which are not written; the number of its table is the last.
    #[must_use]
    pub fn sorting(&self, plan: &Plan) -> usize {
        match self.long {
            None => 0,
            Some(long) if long.order == Order::Source => place::WIDTH + 1,
            // The keys but the person's, and the table.
            Some(_) => plan.tables[self.tables[0]].keys.len(),
        }
    }
    /// All columns of its rows on their way: what sorts them, the file's own, the token of the person.
    #[must_use]
    pub fn width(&self, plan: &Plan) -> usize {
        self.sorting(plan) + self.columns.len() + 1
    }
}

/// Rows of a part: the released cells with the token of the person as the last column, and where they stood in the source.
pub struct PartRows {
    /// Released cells, then the token.
    pub rows: Table,
    /// The places of the rows, if the file is in the order of the source.
    pub places: Vec<Column>,
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
            let released = emit::released(table, kind, &plan.output);
            let digits = file.long.is_some_and(|l| l.form == Form::Layout)
                && table.source.dates == Some(Dates::EightDigits);
            let mut cells = part.rows.columns;
            let token = cells.pop();
            let mut columns = match file.long.map(|l| l.order) {
                Some(Order::Source) => part.places,
                _ => (0..table.keys.len())
                    .filter(|&k| k != table.person_key)
                    .map(|k| {
                        let at = released.iter().position(|r| r.column == table.keys[k].token);
                        at.map_or_else(|| Column::constant(None, count), |at| cells[at].clone())
                    })
                    .collect(),
            };
            columns.push(Column::constant(Some(&format!("{rank:06}")), count));
            let mut own = vec![Column::constant(None, count); file.columns.len()];
            for (released, cells) in released.iter().zip(cells) {
                if let Some(place) = file.place(released.column) {
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
