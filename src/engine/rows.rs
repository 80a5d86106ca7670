//! Rows before they are anybody's: which part of a long table they are, and whether the file has the layout at all.

use hashbrown::HashMap;

use super::intake::{FilePlace, TableIntake};
use super::partition::column_days;
use crate::error::{Error, Name, Result};
use crate::formats::Batch;
use crate::frame::{Column, MISSING, Table};
use crate::plan::{Plan, RowCheckPlan, TablePlan};
use crate::policy::model::Defect;
use crate::say;

/// Splits the rows of a long table into its parts (positions in `members`), in order; empty parts are left out.
///
/// # Errors
/// A row that no part matches: its meaning is not known.
pub(super) fn split(
    plan: &Plan,
    members: &[usize],
    batch: Batch,
    file: &FilePlace<'_>,
) -> Result<Vec<(usize, Batch)>> {
    // Positions in the file: made columns are not there.
    let position = |t: usize, column: usize| {
        plan.tables[t].columns[..column].iter().filter(|c| !c.made).count()
    };
    let parts: Vec<Vec<(usize, &[String])>> = members
        .iter()
        .map(|&t| {
            let matching = plan.tables[t].part.iter().flat_map(|p| &p.matching);
            matching.map(|(c, values)| (position(t, *c), values.as_slice())).collect()
        })
        .collect();
    let mut deciding: Vec<usize> = parts.iter().flatten().map(|(c, _)| *c).collect();
    deciding.sort_unstable();
    deciding.dedup();
    let mut known: HashMap<Vec<u32>, Option<usize>> = HashMap::new();
    let mut rows: Vec<Vec<u32>> = vec![Vec::new(); members.len()];
    let mut tuple = vec![0; deciding.len()];
    for row in 0..batch.table.rows {
        for (slot, &c) in tuple.iter_mut().zip(&deciding) {
            *slot = batch.table.columns[c].codes()[row];
        }
        let part = match known.get(tuple.as_slice()) {
            Some(&part) => part,
            None => {
                let found = parts.iter().position(|matching| {
                    matching.iter().all(|(c, values)| {
                        let cell = batch.table.columns[*c].text(row).unwrap_or("");
                        values.iter().any(|v| v == cell)
                    })
                });
                known.insert(tuple.clone(), found);
                found
            }
        };
        match part {
            Some(part) => rows[part].push(row as u32),
            None => {
                let table = &plan.tables[members[0]];
                let columns: Vec<_> = deciding
                    .iter()
                    .filter_map(|&c| table.in_file().nth(c))
                    .map(|c| say!("`{}`", c.facts.column))
                    .collect();
                return Err(Error::data(
                    "D0203",
                    say!(
                        "{}, {}: no `when` of the policy matches its {}, so nobody has said what the row means",
                        file.said(),
                        batch.place(row),
                        crate::error::Said::join(&columns, ", ")
                    ),
                )
                .advice(say!("add a `when` for it with a role and two treatments for each column, or take the layout's right edition")));
            }
        }
    }
    Ok(rows
        .into_iter()
        .enumerate()
        .filter(|(_, rows)| !rows.is_empty())
        .map(|(part, rows)| {
            let planned = &plan.tables[members[part]];
            let columns = batch
                .table
                .columns
                .iter()
                .zip(planned.in_file())
                .map(|(cells, column)| without(cells.take(&rows), &column.missing))
                .collect();
            let of =
                |all: &[u64]| rows.iter().filter_map(|&r| all.get(r as usize).copied()).collect();
            let (row_numbers, lines) = (of(&batch.row_numbers), of(&batch.lines));
            (part, Batch { table: Table { rows: rows.len(), columns }, row_numbers, lines })
        })
        .collect())
}

/// Cells without the texts that mean "missing".
fn without(cells: Column, missing: &[String]) -> Column {
    if missing.is_empty() {
        return cells;
    }
    let gone: Vec<bool> =
        cells.dictionary().texts().map(|text| missing.iter().any(|m| m == text)).collect();
    if !gone.contains(&true) {
        return cells;
    }
    let codes = cells
        .codes()
        .iter()
        .map(|&c| if c == MISSING || gone[c as usize] { MISSING } else { c })
        .collect();
    Column::new(codes, std::sync::Arc::clone(cells.dictionary()))
}

fn another_layout(table: &TablePlan, file: &FilePlace<'_>, column: &Name) -> Error {
    Error::data(
        "D0204",
        say!("{}: most rows do not fit the layout in column `{}`: the file has another layout than `{}`", file.said(), column, table.layout),
    )
    .advice(say!("is it the inpatient or the outpatient file, the right year, the right delimiter? `kakou layout check FILE` tells which layouts fit"))
}

/// Refuses a file of another layout: most cells of a column of digits are none, or most rows fail a check.
pub(super) fn check_layout(table: &TablePlan, batch: &Batch, file: &FilePlace<'_>) -> Result<()> {
    for (column, cells) in table.columns.iter().zip(&batch.table.columns) {
        if column.digits.is_empty() || column.made {
            continue;
        }
        let fits: Vec<bool> = cells
            .dictionary()
            .texts()
            .map(|text| {
                let text = text.trim();
                column.facts.is_special(text)
                    || text.bytes().all(|b| b.is_ascii_digit())
                        && column.digits.iter().any(|&n| usize::from(n) == text.len())
                    // A release keeps its layout: tokens stand where the numbers were.
                    || crate::token::parse_token(text).is_some()
            })
            .collect();
        let filled = cells.codes().iter().filter(|&&c| c != MISSING).count();
        let good = cells.codes().iter().filter(|&&c| c != MISSING && fits[c as usize]).count();
        if good * 2 < filled {
            return Err(another_layout(table, file, &column.facts.column));
        }
    }
    Ok(())
}

/// Rows that fail a check stop the run or are set aside; a file in which most comparable rows fail has another layout.
pub(super) fn check_rows(
    table: &TablePlan,
    batch: &Batch,
    good: &mut [bool],
    intake: &mut TableIntake,
    file: &FilePlace<'_>,
) -> Result<()> {
    for check in &table.checks {
        match *check {
            RowCheckPlan::NotAfter(first, second) => {
                let days = |c: usize| special_free(table, c, &batch.table.columns[c]);
                let (a, b) = (days(first), days(second));
                let names = [first, second].map(|c| &table.columns[c].facts.column);
                let after: Vec<bool> = a
                    .iter()
                    .zip(&b)
                    .map(|pair| matches!(pair, (Some(a), Some(b)) if a > b))
                    .collect();
                let compared =
                    a.iter().zip(&b).filter(|pair| matches!(pair, (Some(_), Some(_)))).count();
                let failed = after.iter().filter(|&&f| f).count();
                if failed * 2 > compared {
                    return Err(another_layout(table, file, names[1]));
                }
                for (row, _) in after.iter().enumerate().filter(|(_, failed)| **failed) {
                    if !table.set_aside.contains(&Defect::Type) {
                        return Err(Error::data(
                            "D0206",
                            say!(
                                "{}, {}: the date `{}` is after the date `{}`",
                                file.said(),
                                batch.place(row),
                                names[0],
                                names[1]
                            ),
                        )
                        .advice(say!(
                            "correct the data, or set such rows aside with set_aside = [\"type\"]"
                        )));
                    }
                    if std::mem::replace(&mut good[row], false) {
                        *intake.set_aside.entry(Defect::Type).or_default() += 1;
                    }
                }
            }
            RowCheckPlan::Until(column, last) => {
                let days = special_free(table, column, &batch.table.columns[column]);
                if let Some(row) = days.iter().position(|d| d.is_some_and(|d| d > last)) {
                    return Err(Error::data(
                        "D0205",
                        say!(
                            "{}, {}: `{}` is later than the layout `{}` knows",
                            file.said(),
                            batch.place(row),
                            table.columns[column].facts.column,
                            table.layout
                        ),
                    )
                    .advice(say!(
                        "take the edition of the layout for that year (`kakou layout list`)"
                    )));
                }
            }
        }
    }
    Ok(())
}

/// The days of a column; special values are no days.
fn special_free(table: &TablePlan, column: usize, cells: &Column) -> Vec<Option<i32>> {
    let facts = &table.columns[column].facts;
    let special: Vec<bool> = cells.dictionary().texts().map(|t| facts.is_special(t)).collect();
    let mut days = column_days(cells);
    for (day, &code) in days.iter_mut().zip(cells.codes()) {
        if code != MISSING && special[code as usize] {
            *day = None;
        }
    }
    days
}
