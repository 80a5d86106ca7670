//! Link keys of a linkable release (法31条, 規則27・28条): what must hold before they may be given, and their file.

use crate::error::{Error, Result};
use crate::model::{Plan, ViewColumn};
use crate::say;
use crate::schema::{DateKind, Kind};

/// The file of the anonymized release.
pub const FILE: &str = "anonymized/links.csv";

/// The first line of the file.
pub const HEADER: &str = "token,link_key";

/// Code systems of what the linked database shows of a person: drugs, procedures, the place of residence.
const SHOWN: [&str; 6] = ["yj", "hot", "kcode", "postal", "municipality", "prefecture"];

/// Whether k is counted over what the database shows that the release will be linked with: at least one view is marked
/// `visible_in`, and every released column of which it is known that the database has it (birth dates and codes of drugs,
/// procedures and places) is in a marked view or set. Judged before data is read.
///
/// # Errors
/// No marked view, one of which nothing is released, or a column that no marked view or set has.
pub fn required(plan: &Plan) -> Result<()> {
    let released = |table: usize, column: usize| {
        plan.tables[table].columns[column].treatment(Kind::Anonymized).output.is_some()
    };
    let out = |c: &ViewColumn| released(c.table, c.column);
    let marked = || plan.views.iter().filter(|v| v.visible_in.is_some());
    if !marked().any(|v| v.quasi.iter().any(out)) {
        return Err(Error::refused(
            "C0702",
            say!("link keys need a view of what the other database shows, with a released column: none is marked `visible_in`"),
        )
        .advice(say!(
            "[[anonymized.view]] visible_in = \"ndb\", with sex, age band, prefecture and month as quasi; sets of drugs and procedures: [[anonymized.set]] visible_in = \"ndb\""
        )));
    }
    let mut errors = Vec::new();
    for (t, table) in plan.tables.iter().enumerate() {
        for (c, column) in table.columns.iter().enumerate() {
            let shown = column.facts.date == Some(DateKind::Birth)
                || column.facts.code.as_ref().is_some_and(|code| SHOWN.contains(&code.as_str()));
            let counted = marked().flat_map(|v| &v.quasi).any(|q| (q.table, q.column) == (t, c))
                || plan
                    .sets
                    .iter()
                    .any(|s| s.visible_in.is_some() && (s.table, s.column) == (t, c));
            if shown && released(t, c) && !counted {
                errors.push(
                    Error::refused(
                        "C0703",
                        say!(
                            "column `{}`.`{}` is visible in the other database, but no view or set marked `visible_in` has it",
                            table.name,
                            column.facts.column
                        ),
                    )
                    .advice(say!("put it into a marked view or set, or drop it from the anonymized release")),
                );
            }
        }
    }
    Error::all(errors).map_or(Ok(()), Err)
}

/// Views and sets that say in which database they are seen.
pub(super) fn made(plan: &Plan) -> usize {
    let views = plan.views.iter().filter(|view| view.visible_in.is_some());
    views.count() + plan.sets.iter().filter(|set| set.visible_in.is_some()).count()
}
