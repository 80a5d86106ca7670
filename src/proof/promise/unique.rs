//! Whom a release singles out beyond its views, counted again from its files: groups of rows are refined fact by fact. No code of
//! the engine's counting is used.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::error::{Error, Name, Result};
use crate::frame::MISSING;
use crate::plan::unique::{
    MILLION, MOST_KNOWN, Singled, TableUnique, Unique, ViewUnique, Worst, combined, share,
    strongest,
};
use crate::recount::{self, Cells, Who, refine};
use crate::say;
use crate::stays;
use crate::structure::{ColumnPath, Path, Structure, ViewShape};

fn broken() -> Error {
    Error::data("D0901", say!("the record's description of the release does not fit its tables"))
}

/// Measures a release.
///
/// # Errors
/// If the structure names a table or column that is not there.
pub fn measure(structure: &Structure, tables: &[Cells]) -> Result<Unique> {
    let mut found = Unique::default();
    for view in &structure.views {
        if view.unique.is_some() {
            found.views.push(beside(structure, tables, view)?);
        }
    }
    // By person: rows in each table of events, side by side.
    let events = structure.events.len();
    let mut numbers: HashMap<Who<'_>, u32> = HashMap::new();
    let mut of_person: Vec<u32> = Vec::new();
    for (at, &table) in structure.events.iter().enumerate() {
        let shape = structure.tables.get(table).ok_or_else(broken)?;
        let cells = tables.get(table).ok_or_else(broken)?;
        let rows = cells.rows_of_people(shape).ok_or_else(broken)?;
        let mut persons_by: BTreeMap<u32, u64> = BTreeMap::new();
        for (who, &rows) in cells.people(shape).into_iter().zip(&rows) {
            *persons_by.entry(rows).or_default() += 1;
            let next = numbers.len() as u32;
            let number = *numbers.entry(who).or_insert(next) as usize;
            of_person.resize(numbers.len() * events, 0);
            of_person[number * events + at] = rows;
        }
        found.tables.push(TableUnique {
            table: shape.name.clone(),
            persons: rows.len() as u64,
            alone: persons_by.values().filter(|&&persons| persons == 1).count() as u64,
        });
    }
    let mut persons_by: HashMap<&[u32], u64> = HashMap::new();
    for rows in of_person.chunks_exact(events.max(1)) {
        *persons_by.entry(rows).or_default() += 1;
    }
    found.persons = numbers.len() as u64;
    found.alone = persons_by.values().filter(|&&persons| persons == 1).count() as u64;
    Ok(found)
}

/// The rows of a view, those of a person side by side.
struct Rows {
    persons: Vec<u32>,
    /// By row: its group by the quasi-identifiers.
    class: Vec<u32>,
    /// By fact, by row.
    facts: Vec<Vec<u32>>,
}

/// One view.
fn beside(structure: &Structure, tables: &[Cells], view: &ViewShape) -> Result<ViewUnique> {
    let shape = view.unique.as_ref().ok_or_else(broken)?;
    if !(1..=MOST_KNOWN).contains(&shape.m) {
        return Err(broken());
    }
    let mut found = ViewUnique {
        view: view.name.clone(),
        m: shape.m,
        at_most: shape.at_most,
        ..ViewUnique::default()
    };
    let Some(t) = view.table else {
        let (sure, _) = stays::parted(shape).ok_or_else(broken)?;
        found.facts = sure.iter().map(|(name, _)| name.clone()).collect();
        return Ok(found);
    };
    let (rows, facts) = rows_of(structure, tables, view, t)?;
    found.facts = facts;
    found.rows = rows.persons.len() as u64;
    let mut who = rows.persons.clone();
    who.dedup();
    found.persons = who.len() as u64;
    found.alone = rows.singled(&rows.class);
    let n = rows.facts.len();
    let by_one: Vec<Vec<u32>> =
        rows.facts.par_iter().map(|fact| refine(&rows.class, fact)).collect();
    found.by_fact = by_one.par_iter().map(|groups| rows.singled(groups)).collect();
    found.combined = combined(found.rows, n, shape.m, shape.at_most.is_some());
    let among = strongest(&found.by_fact, found.combined);
    // The best of each size: more rows, then the earlier combination.
    type Best = BTreeMap<usize, (u64, Vec<usize>)>;
    let better = |best: &mut Best, rows: u64, facts: Vec<usize>| match best.get(&facts.len()) {
        Some((most, first)) if *most > rows || (*most == rows && *first <= facts) => {}
        _ => {
            best.insert(facts.len(), (rows, facts));
        }
    };
    let mut best = Best::new();
    for (fact, singled) in found.by_fact.iter().enumerate() {
        better(&mut best, singled.rows, vec![fact]);
    }
    if shape.m >= 2 {
        let searched: Vec<Best> = among
            .par_iter()
            .enumerate()
            .map(|(at, &a)| {
                let mut best = Best::new();
                for (next, &b) in among.iter().enumerate().skip(at + 1) {
                    let pair = refine(&by_one[a], &rows.facts[b]);
                    better(&mut best, rows.alone(&pair), vec![a, b]);
                    if shape.m >= 3 {
                        for &c in &among[next + 1..] {
                            let triple = refine(&pair, &rows.facts[c]);
                            better(&mut best, rows.alone(&triple), vec![a, b, c]);
                        }
                    }
                }
                best
            })
            .collect();
        for (rows, facts) in searched.into_iter().flat_map(BTreeMap::into_values) {
            better(&mut best, rows, facts);
        }
    }
    for (_, facts) in best.into_values() {
        let groups = facts.iter().fold(rows.class.clone(), |g, &f| refine(&g, &rows.facts[f]));
        found.worst.push(Worst { singled: rows.singled(&groups), facts });
    }
    // Persons by the groups of all their rows.
    let mut start = 0;
    let mut all: HashMap<Vec<u32>, u64> = HashMap::new();
    let mut sets: HashMap<Vec<u32>, u64> = HashMap::new();
    for rows_of_one in rows.persons.chunk_by(|a, b| a == b) {
        let mut classes = rows.class[start..start + rows_of_one.len()].to_vec();
        start += rows_of_one.len();
        classes.sort_unstable();
        *all.entry(classes.clone()).or_default() += 1;
        classes.dedup();
        *sets.entry(classes).or_default() += 1;
    }
    found.by_rows = all.values().filter(|&&n| n == 1).count() as u64;
    found.by_set = sets.values().filter(|&&n| n == 1).count() as u64;
    Ok(found)
}

/// The rows of a view, and the names of its facts: of those that may be of stays, the ones that are.
fn rows_of(
    structure: &Structure,
    tables: &[Cells],
    view: &ViewShape,
    t: usize,
) -> Result<(Rows, Vec<String>)> {
    let shape = structure.tables.get(t).ok_or_else(broken)?;
    let cells = tables.get(t).ok_or_else(broken)?;
    let persons = cells.codes(shape.person).ok_or_else(broken)?;
    let mut order: Vec<u32> = (0..persons.len() as u32).collect();
    order.sort_by_key(|&row| persons[row as usize]);
    let take = |column: &[u32]| order.iter().map(|&row| column[row as usize]).collect();
    let mut class = vec![0; persons.len()];
    for path in view.quasi.iter().chain(&view.facts) {
        let column = recount::column(structure, tables, t, path).ok_or_else(broken)?;
        class = refine(&class, &column);
    }
    let (sure, perhaps) = view.unique.as_ref().and_then(stays::parted).ok_or_else(broken)?;
    let mut facts: Vec<Vec<u32>> = sure
        .par_iter()
        .map(|(_, path)| shown(structure, tables, t, path).map(|column| take(&column)))
        .collect::<Option<_>>()
        .ok_or_else(broken)?;
    let of_stays: Vec<Option<Vec<u32>>> = perhaps
        .par_iter()
        .map(|(_, path)| stays::shown(structure, tables, view, path))
        .collect::<Option<_>>()
        .ok_or_else(broken)?;
    let mut names: Vec<String> = sure.iter().map(|(name, _)| name.clone()).collect();
    for ((name, _), column) in perhaps.iter().zip(of_stays) {
        if let Some(column) = column {
            names.push(name.clone());
            facts.push(take(&column));
        }
    }
    Ok((Rows { persons: take(persons), class: take(&class), facts }, names))
}

/// The fact of each row: what stands in it, or in all rows of its stay or person, as a set.
fn shown(structure: &Structure, tables: &[Cells], t: usize, path: &ColumnPath) -> Option<Vec<u32>> {
    let (here, there) = (tables.get(t)?, tables.get(path.table)?);
    let values = there.codes(path.column)?;
    let person_here = structure.tables.get(t)?.person;
    let person_there = structure.tables.get(path.table)?.person;
    let (key_here, key_there) = match path.by {
        Path::Row => return Some(values.clone()),
        Path::Token(a, b) => (a, b),
        _ => (person_here, person_there),
    };
    let keys = stays::renamed((here, key_here), (there, key_there))?;
    let persons = stays::renamed((here, person_here), (there, person_there))?;
    let mut held: Vec<(u32, u32, u32)> = there
        .codes(key_there)?
        .iter()
        .zip(there.codes(person_there)?)
        .zip(values)
        .filter(|&((&key, _), &value)| key != MISSING && value != MISSING)
        .map(|((&key, &person), &value)| (key, person, value))
        .collect();
    held.par_sort_unstable();
    held.dedup();
    let mut numbers: HashMap<Vec<u32>, u32> = HashMap::new();
    let mut number_of: HashMap<(u32, u32), u32> = HashMap::new();
    for same in held.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
        let next = numbers.len() as u32;
        let set = same.iter().map(|held| held.2).collect();
        number_of.insert((same[0].0, same[0].1), *numbers.entry(set).or_insert(next));
    }
    let find = |(&key, &person): (&u32, &u32)| {
        let at = (*keys.get(key as usize)?, *persons.get(person as usize)?);
        number_of.get(&at).copied()
    };
    let rows = here.codes(key_here)?.iter().zip(here.codes(person_here)?);
    Some(rows.map(|row| find(row).unwrap_or(MISSING)).collect())
}

impl Rows {
    /// By group: rows, distinct persons.
    fn sizes(&self, groups: &[u32]) -> Vec<(u64, u64)> {
        let count = groups.iter().max().map_or(0, |&most| most as usize + 1);
        let mut sizes = vec![(0, 0); count];
        let mut last = vec![MISSING; count];
        for (&group, &person) in groups.iter().zip(&self.persons) {
            let group = group as usize;
            sizes[group].0 += 1;
            // Rows of a person stand side by side.
            sizes[group].1 += u64::from(last[group] != person);
            last[group] = person;
        }
        sizes
    }

    /// Rows of groups with one person.
    fn alone(&self, groups: &[u32]) -> u64 {
        self.sizes(groups).iter().filter(|s| s.1 == 1).map(|s| s.0).sum()
    }

    fn singled(&self, groups: &[u32]) -> Singled {
        let sizes = self.sizes(groups);
        let fits = groups.iter().zip(&self.persons);
        let mut who: Vec<u32> =
            fits.filter(|(g, _)| sizes[**g as usize].1 == 1).map(|(_, &p)| p).collect();
        let rows = who.len() as u64;
        who.dedup();
        let guessed = sizes.iter().filter(|s| s.1 > 0).map(|s| s.0 * MILLION / s.1).sum();
        Singled { rows, persons: who.len() as u64, guessed }
    }
}

/// What is wrong with a recount: it differs from what the engine measured, or it exceeds a limit. `exact` is whether the files hold
/// the cells as the engine saw them; characters that were replaced and typed columns can bring values together.
#[must_use]
pub fn judge(recounted: &Unique, measured: &Unique, exact: bool) -> Vec<Error> {
    let mut errors = exceeding(recounted);
    let tables = recounted.tables == measured.tables
        && (recounted.persons, recounted.alone) == (measured.persons, measured.alone);
    let pairs = recounted.views.iter().zip(&measured.views);
    let apart = pairs.filter(|(a, b)| if exact { a != b } else { !a.within(b) });
    let apart: Vec<&str> = apart.map(|(a, _)| a.view.as_str()).collect();
    if !tables || recounted.views.len() != measured.views.len() {
        errors.push(Error::refused(
            "C0212",
            say!(
                "the numbers of rows by which persons stand alone are not those that were measured"
            ),
        ));
    }
    for view in apart {
        errors.push(Error::refused(
            "C0212",
            say!(
                "view `{}`: counted again from the files, further facts single out other rows than were measured",
                Name::from_policy(view)
            ),
        ));
    }
    errors
}

/// An error for each view that singles out more than its limit.
#[must_use]
pub fn exceeding(found: &Unique) -> Vec<Error> {
    let beyond = found.views.iter().filter(|view| view.exceeds());
    beyond
        .map(|view| {
            Error::refused(
                "C0211",
                say!(
                    "view `{}`: counted from the files, {} further facts leave one person in {} of the rows; {} may be",
                    Name::from_policy(view.view.clone()),
                    view.worst.last().map_or(0, |w| w.facts.len()),
                    share(view.most().rows, view.rows),
                    view.at_most
                ),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use proptest::prelude::*;

    /// Stays with a class and two facts; diagnoses of stays in a second table, some of them of nobody; persons in a third.
    fn structure(m: usize) -> Structure {
        let column =
            |name: &str| serde_json::json!({ "name": name, "type": "text", "token": name != "x" });
        let table = |name: &str, columns: &[&str]| {
            serde_json::json!({
                "name": name, "file": format!("{name}.csv"), "person": 0,
                "columns": columns.iter().map(|c| column(c)).collect::<Vec<_>>(),
            })
        };
        let own = |column: usize| serde_json::json!({ "table": 0, "column": column, "by": "row" });
        serde_json::from_value(serde_json::json!({
            "format": "csv", "encoding": "utf-8", "formulaPrefix": false, "events": [1],
            "tables": [
                table("stays", &["who", "stay", "class", "a", "b"]),
                table("diagnoses", &["who", "stay", "x"]),
                table("persons", &["who", "x"]),
            ],
            "views": [{
                "name": "v", "table": 0, "k": 2, "quasi": [own(2)], "sensitive": [],
                "unique": { "m": m, "atMost": null, "facts": [
                    ["stays.a", own(3)],
                    ["stays.b", own(4)],
                    ["diagnoses.x", { "table": 1, "column": 2, "by": { "token": [1, 1] } }],
                    ["persons.x", { "table": 2, "column": 1, "by": "person" }],
                ] },
            }],
        }))
        .unwrap()
    }

    fn read(files: &[(&str, String)], structure: &Structure) -> Vec<Cells> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        recount::read(folder.path(), structure).unwrap()
    }

    /// A stay: its class, its facts, its diagnoses; the persons are those of the rows.
    type Stay = (u8, u8, [u8; 2], Vec<u8>);

    fn files(stays: &[Stay]) -> Vec<(&'static str, String)> {
        let mut text = ["who,stay,class,a,b\n", "who,stay,x\n", "who,x\n"].map(str::to_owned);
        for (at, (who, class, [a, b], diagnoses)) in stays.iter().enumerate() {
            // 0 is a missing cell.
            let cell = |v: u8| if v == 0 { String::new() } else { v.to_string() };
            let (a, b, class) = (cell(*a), cell(*b), cell(*class));
            text[0].push_str(&format!("p{who},s{at},{class},{a},{b}\n"));
            for d in diagnoses {
                text[1].push_str(&format!("p{who},s{at},{}\n", cell(*d)));
            }
        }
        for who in 0..6 {
            text[2].push_str(&format!("p{who},{}\n", who % 2));
        }
        let names = ["stays.csv", "diagnoses.csv", "persons.csv"];
        names.into_iter().zip(text).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        /// What the files say is what the definition says of the rows behind them.
        #[test]
        fn figures_of_files_are_those_of_the_definition(
            stays in proptest::collection::vec(
                (0..6_u8, 0..3_u8, proptest::array::uniform2(0..3_u8), proptest::collection::vec(0..3_u8, 0..3)), 0..20),
            m in 1..4_usize,
        ) {
            use std::collections::BTreeSet;
            let shape = structure(m);
            let found = measure(&shape, &read(&files(&stays), &shape)).unwrap();
            let view = &found.views[0];
            let known = |s: &Stay, fact: usize| -> BTreeSet<u8> {
                match fact {
                    0 => [s.2[0]].into(),
                    1 => [s.2[1]].into(),
                    2 => s.3.iter().copied().filter(|&d| d != 0).collect(),
                    _ => [s.0 % 2].into(),
                }
            };
            let fits = |s: &Stay, facts: &[usize]| -> BTreeSet<u8> {
                stays
                    .iter()
                    .filter(|o| o.1 == s.1 && facts.iter().all(|&f| known(o, f) == known(s, f)))
                    .map(|o| o.0)
                    .collect()
            };
            let plainly = |facts: &[usize]| {
                let rows: Vec<&Stay> = stays.iter().filter(|s| fits(s, facts).len() == 1).collect();
                let persons: BTreeSet<u8> = rows.iter().map(|s| s.0).collect();
                (rows.len() as u64, persons.len() as u64)
            };
            let pair = |s: &Singled| (s.rows, s.persons);
            prop_assert_eq!(pair(&view.alone), plainly(&[]));
            for f in 0..4 {
                prop_assert_eq!(pair(&view.by_fact[f]), plainly(&[f]));
            }
            for (size, worst) in (1..).zip(&view.worst) {
                let every = (0..16_usize).filter(|bits| bits.count_ones() as usize == size);
                let most = every
                    .map(|bits| plainly(&(0..4).filter(|f| bits >> f & 1 == 1).collect::<Vec<_>>()).0)
                    .max();
                prop_assert_eq!(Some(worst.singled.rows), most.filter(|_| worst.facts.len() == size));
                prop_assert_eq!(pair(&worst.singled), plainly(&worst.facts));
            }
            prop_assert_eq!(view.worst.len(), m);
            let rows = |who: u8| stays.iter().filter(|s| s.0 == who).map(|s| s.3.len()).sum::<usize>();
            let alone = (0..6).filter(|&w| rows(w) > 0 && (0..6).filter(|&o| rows(o) == rows(w)).count() == 1);
            prop_assert_eq!(found.alone, alone.count() as u64);
            prop_assert_eq!((found.tables[0].persons, found.tables[0].alone), (found.persons, found.alone));
        }
    }

    #[test]
    fn what_differs_or_exceeds_is_refused() {
        let shape = structure(2);
        let stays = [(0, 1, [1, 1], vec![]), (1, 1, [1, 2], vec![]), (2, 1, [1, 2], vec![])];
        let found = measure(&shape, &read(&files(&stays), &shape)).unwrap();
        assert!(judge(&found, &found, true).is_empty());
        let codes = |recounted: &Unique, measured: &Unique, exact: bool| {
            judge(recounted, measured, exact).iter().map(|e| e.code).collect::<Vec<_>>()
        };
        let mut fewer = found.clone();
        fewer.views[0].by_fact[1].rows -= 1;
        assert_eq!(codes(&fewer, &found, true), ["C0212"]);
        // Values that were brought together in the file single out fewer; more never.
        assert!(codes(&fewer, &found, false).is_empty());
        assert_eq!(codes(&found, &fewer, false), ["C0212"]);
        let mut limited = found.clone();
        limited.views[0].at_most = Some(0.9);
        assert_eq!(codes(&limited, &limited, true), ["C0211"]);
        limited.views[0].at_most = Some(1.0);
        assert!(codes(&limited, &limited, true).is_empty());
        let mut rows = found.clone();
        rows.alone += 1;
        assert_eq!(codes(&rows, &found, false), ["C0212"]);
    }
}
