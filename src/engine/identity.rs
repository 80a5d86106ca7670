//! Identities: what makes two rows the same person or the same stay.

use super::partition::TablePart;
use crate::frame::{Column, ColumnBuilder, MISSING, Table};
use crate::plan::{Plan, ScopePlan, TablePlan};
use crate::policy::model::{Fillers, Normalize};
use crate::text::identifier::{self, Unusable};

/// The normalized identity of a key, one a row: missing where a part identifies nobody (blank, a filler, a word for missing).
///
/// Nines in the last part are kept where the policy lets the column judge them ([`super::persons`] does); in a part before it, which
/// is a facility or the like, they are a filler.
///
/// Every distinct text is normalized once; several columns are joined with their lengths, so that `a` + `bc` is never `ab` + `c`.
/// The folder, where numbers are unique within one, is the first part.
#[must_use]
pub fn column(
    table: &Table,
    columns: &[usize],
    normalize: &Normalize,
    folder: Option<&str>,
) -> Column {
    let parts: Vec<Vec<Option<String>>> = columns
        .iter()
        .enumerate()
        .map(|(place, &c)| {
            let last = place + 1 == columns.len();
            let dictionary = table.columns[c].dictionary();
            dictionary.texts().map(|text| read(text, normalize, last).ok()).collect()
        })
        .collect();
    let mut builder = ColumnBuilder::default();
    if let [single] = columns {
        // One identity a distinct text: no text is composed per row.
        let composed: Vec<Option<String>> = parts[0]
            .iter()
            .map(|p| {
                let texts: Vec<&str> = folder.into_iter().chain([p.as_deref()?]).collect();
                Some(identifier::compose(&texts))
            })
            .collect();
        let new: Vec<u32> = composed
            .iter()
            .map(|text| text.as_ref().map_or(MISSING, |text| builder.code(text)))
            .collect();
        for &code in table.columns[*single].codes() {
            builder.push_code(if code == MISSING { MISSING } else { new[code as usize] });
        }
        return builder.finish();
    }
    // By facility and number, the usual key, without a list a row.
    let mut pairs: hashbrown::HashMap<(u32, u32), u32> = hashbrown::HashMap::new();
    let mut cache: hashbrown::HashMap<Vec<u32>, u32> = hashbrown::HashMap::new();
    let mut tuple = vec![0; columns.len()];
    let mut last = None;
    for row in 0..table.rows {
        // Rows of one person often follow one another.
        let mut same = true;
        for (slot, &c) in tuple.iter_mut().zip(columns) {
            let code = table.columns[c].codes()[row];
            same &= code == *slot;
            *slot = code;
        }
        let known = || match tuple[..] {
            [a, b] => pairs.get(&(a, b)).copied(),
            _ => cache.get(tuple.as_slice()).copied(),
        };
        if let Some(code) = last.filter(|_| same).or_else(known) {
            builder.push_code(code);
            last = Some(code);
            continue;
        }
        let mut texts = Vec::with_capacity(tuple.len() + 1);
        for (&code, part) in tuple.iter().zip(&parts) {
            match if code == MISSING { None } else { part[code as usize].as_deref() } {
                Some(text) => texts.push(text),
                None => break,
            }
        }
        let whole = texts.len() == tuple.len();
        if let Some(folder) = folder {
            texts.insert(0, folder);
        }
        let identity = whole.then(|| identifier::compose(&texts));
        let code = identity.map_or(MISSING, |text| builder.code(&text));
        builder.push_code(code);
        match tuple[..] {
            [a, b] => pairs.insert((a, b), code),
            _ => cache.insert(tuple.clone(), code),
        };
        last = Some(code);
    }
    builder.finish()
}

/// The identity of a code that makes no key, within what it means the same.
#[must_use]
pub fn of_code(
    plan: &Plan,
    table: &TablePlan,
    part: &TablePart,
    column: usize,
    scope: &ScopePlan,
) -> Column {
    let mut normalize = plan.normalize;
    if normalize.fillers == Fillers::Column && judged_code(table, column).is_none() {
        // Nobody looked at all of the column: a code of nines alone is nobody's.
        normalize.fillers = Fillers::Always;
    }
    within(&part.table, part.folders.first(), column, scope, &normalize)
}

/// Within what a code that makes no key means the same, if nines in its column are judged by all of it: what is a filler is taken out
/// of the cells at intake, so no release may show the cell itself.
#[must_use]
pub fn judged_code(table: &TablePlan, column: usize) -> Option<&ScopePlan> {
    let planned = &table.columns[column];
    if planned.key.is_some() {
        return None;
    }
    let mut scopes = Vec::new();
    for of_kind in planned.treatments.iter().filter(|t| t.output.is_some()) {
        if !of_kind.treatment.needs().identity {
            return None;
        }
        scopes.push(&of_kind.scope);
    }
    scopes.dedup();
    match scopes[..] {
        [scope] => Some(scope),
        _ => None,
    }
}

/// The identity of a code in rows, within what it means the same; `folder` is that of each row.
#[must_use]
pub fn within(
    cells: &Table,
    folder: Option<&Column>,
    column: usize,
    scope: &ScopePlan,
    normalize: &Normalize,
) -> Column {
    let own = |c: usize| cells.columns[c].clone();
    let folder = folder.into_iter().filter(|_| scope.folder).cloned();
    let columns: Vec<Column> =
        folder.chain(scope.columns.iter().map(|&c| own(c))).chain([own(column)]).collect();
    let places: Vec<usize> = (0..columns.len()).collect();
    self::column(&Table { rows: cells.rows, columns }, &places, normalize, None)
}

/// One part of an identity.
#[must_use]
pub fn part(text: &str, normalize: &Normalize) -> Option<String> {
    identifier::read(text, &normalize.rules()).ok()
}

fn read(text: &str, normalize: &Normalize, last: bool) -> Result<String, Unusable> {
    let mut rules = normalize.rules();
    if !last && rules.nines == identifier::Nines::Judged {
        rules.nines = identifier::Nines::Filler;
    }
    identifier::read(text, &rules)
}

/// Why a row has no identity: of the first part that identifies nobody.
#[must_use]
pub fn why(table: &Table, columns: &[usize], row: usize, normalize: &Normalize) -> Unusable {
    let parts = columns.iter().enumerate();
    let mut unusable = parts.filter_map(|(place, &c)| {
        let last = place + 1 == columns.len();
        match table.columns[c].text(row) {
            Some(text) => read(text, normalize, last).err(),
            None => Some(Unusable::Blank),
        }
    });
    unusable.next().unwrap_or(Unusable::Blank)
}
