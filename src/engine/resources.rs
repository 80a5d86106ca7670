//! The rows of tables of FHIR as rows of the file that has their resources.

use std::collections::HashSet;

use super::emit::Shown;
use crate::formats::fhir::{ELSEWHERE, ResourceFile, ResourceTable};
use crate::frame::{Column, Interner, MISSING, Table, join_blocks};
use crate::plan::Plan;
use crate::plan::shape::{self, FilePlan, released};
use crate::schema::Kind;

/// What the rows of a file of resources are.
pub(super) fn file(plan: &Plan, kind: Kind, file: &FilePlan<'_>, bundles: bool) -> ResourceFile {
    let table = |&t: &usize| {
        let table = &plan.tables[t];
        let columns = released(plan, t, kind).into_iter().map(|r| {
            let column = &table.columns[r.column];
            (column.facts.column.clone(), r.column, column.path.clone())
        });
        ResourceTable {
            record: table.source.record.clone().unwrap_or_default(),
            columns: columns.collect(),
        }
    };
    ResourceFile { tables: file.tables.iter().map(table).collect(), bundles }
}

/// The rows of the tables: the number of the table (twice: the first sorts), the person, the cells where the columns of the table
/// stand in the policy, the person.
pub(super) fn rows(shown: Shown<'_>, file: &FilePlan<'_>, parts: Vec<Table>) -> Table {
    let Shown { plan, kind, .. } = shown;
    let bundles = file.fhir == Some(true);
    let blocks: Vec<Table> = file
        .tables
        .iter()
        .zip(parts)
        .enumerate()
        .map(|(number, (&t, part))| {
            let count = part.rows;
            let mut cells = part.columns;
            let person = cells.pop().unwrap_or_else(|| Column::constant(None, count));
            let mut own = vec![Column::constant(None, count); file.columns.len()];
            for (released, cells) in released(plan, t, kind).iter().zip(cells) {
                let column = &plan.tables[t].columns[released.column];
                own[released.column] = match column.path.first().and_then(|p| target(p)) {
                    Some(target) if !bundles => marked(&cells, &ids(shown, target)),
                    _ => cells,
                };
            }
            let number = Column::constant(Some(&format!("{number:06}")), count);
            let mut columns = vec![number.clone(), number, person.clone()];
            columns.extend(own);
            columns.push(person);
            Table { rows: count, columns }
        })
        .collect();
    join_blocks(&blocks, file.width(plan))
}

/// The type that a path refers to by the identity of a resource.
fn target(path: &str) -> Option<&str> {
    let (_, target) = path.rsplit_once('@')?;
    (!target.contains('.')).then_some(target)
}

/// The ids of the resources of a type that the release has of the partition's persons: whose a resource is, all of it is there.
fn ids<'a>(shown: Shown<'a>, kind: &str) -> HashSet<&'a str> {
    let Shown { plan, applied, surviving, .. } = shown;
    let mut ids = HashSet::new();
    for (t, table) in plan.tables.iter().enumerate() {
        if shape::record(table) != (kind, None) || !table.is_released(shown.kind) {
            continue;
        }
        let own = |c: &crate::plan::ColumnPlan| c.path.iter().any(|p| p == "id");
        let Some(at) = table.columns.iter().position(own) else { continue };
        let Some(cells) = applied.tables[t].columns[at].as_ref() else { continue };
        if table.columns[at].treatment(shown.kind).output.is_none() {
            continue;
        }
        for (row, _) in surviving.rows[t].iter().enumerate().filter(|(_, surviving)| **surviving) {
            ids.extend(cells.text(row));
        }
    }
    ids
}

/// Marks what names nothing of the release.
fn marked(cells: &Column, ids: &HashSet<&str>) -> Column {
    let mut interner = Interner::new();
    let map: Vec<u32> = cells
        .dictionary()
        .texts()
        .map(|text| match ids.contains(text) {
            true => interner.intern(text),
            false => interner.intern(&format!("{ELSEWHERE}{text}")),
        })
        .collect();
    let codes = cells.codes().iter();
    let codes = codes.map(|&c| if c == MISSING { MISSING } else { map[c as usize] }).collect();
    Column::new(codes, interner.finish().into())
}
