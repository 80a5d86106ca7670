//! Facts that are the same in all rows of a person, found and counted in the files of a release: what they make of the classes of the
//! views that do not count them. A class is told here by pairs of a class and a person; no code of the engine's counting is used.

use std::borrow::Cow;
use std::collections::BTreeMap;

use hashbrown::HashMap;
use rayon::prelude::*;

use super::recount::{Cells, column, refine};
use crate::error::{Error, Name, Result};
use crate::frame::{Dictionary, MISSING};
use crate::plan::codes::are_codes;
use crate::plan::steady::{Divided, ONE_IN, Repeated};
use crate::say;
use crate::structure::{ColumnPath, Path, SteadyShape, Structure, TableShape, ViewShape};

/// Nothing was seen yet.
const UNSEEN: u32 = MISSING - 1;
/// Several values.
const SEVERAL: u32 = MISSING - 2;

fn broken() -> Error {
    Error::data("D0901", say!("the record's description of the release does not fit its tables"))
}

/// What persons (or keys) show in a column over all their rows, empty cells aside, as it comes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown {
    /// By person: the code, or one of the two above.
    one: Vec<u32>,
    /// By person: whether several cells are filled.
    again: Vec<bool>,
    /// Of those who show several values: which, in order.
    sets: BTreeMap<u32, Vec<u32>>,
    /// Too many show several.
    varies: bool,
    /// Rows by code.
    rows: Vec<u64>,
}

impl Shown {
    /// Adds rows: codes of the column, and whose they are, of `persons` in all.
    pub(crate) fn see(&mut self, codes: &[u32], whose: &[u32], persons: u64) {
        if self.varies {
            return;
        }
        for (&code, &who) in codes.iter().zip(whose) {
            if who == MISSING {
                continue;
            }
            let at = who as usize;
            if at >= self.one.len() {
                self.one.resize(at + 1, UNSEEN);
                self.again.resize(at + 1, false);
            }
            if code == MISSING {
                continue;
            }
            if code as usize >= self.rows.len() {
                self.rows.resize(code as usize + 1, 0);
            }
            self.rows[code as usize] += 1;
            let slot = &mut self.one[at];
            if *slot == UNSEEN {
                *slot = code;
                continue;
            }
            self.again[at] = true;
            if *slot == code {
                continue;
            }
            let before = if *slot == SEVERAL { Vec::new() } else { vec![*slot] };
            *slot = SEVERAL;
            let set = self.sets.entry(who).or_insert(before);
            if let Err(at) = set.binary_search(&code) {
                set.insert(at, code);
            }
        }
        // More than can be of any number of persons with several filled cells: nothing of it is needed.
        if self.sets.len() as u64 * ONE_IN > persons {
            *self = Shown { varies: true, ..Shown::default() };
        }
    }

    /// What they show, if the column is a fact of persons and not of rows in which two persons differ.
    pub(crate) fn finish(self, shape: &SteadyShape, texts: &Dictionary) -> Option<Values> {
        let repeated = Repeated {
            several: self.again.iter().filter(|&&again| again).count() as u64,
            varying: self.sets.len() as u64,
            empty: self.one.iter().filter(|&&code| code == UNSEEN).count() as u64,
        };
        if self.varies {
            return None;
        }
        let shown = self.rows.iter().enumerate().filter(|(_, rows)| **rows > 0);
        let labels = shown.map(|(code, &rows)| (texts.text(code as u32), rows));
        let labels = labels.filter(|(text, _)| shape.specials.iter().all(|s| s != text));
        let measured = shape.measured && !(shape.if_measured && are_codes(labels));
        if !repeated.is_steady(measured, self.rows.iter().copied()) {
            return None;
        }
        let values = Values { sure: repeated.is_sure(shape.by_row), ..self.values() };
        // That a person shows nothing is a value too.
        let mut shown = values.codes.iter();
        let first = shown.next()?;
        shown.any(|code| code != first).then_some(values)
    }

    /// What they show.
    fn values(mut self) -> Values {
        let single = |&&code: &&u32| code < SEVERAL;
        let last = |codes: &[u32]| codes.iter().filter(single).max().copied();
        let all = self.sets.values().filter_map(|set| last(set)).max().max(last(&self.one));
        let base = all.map_or(0, |last| last + 1);
        let mut sets: Vec<Vec<u32>> = self.sets.values().cloned().collect();
        sets.sort_unstable();
        sets.dedup();
        for (&who, set) in &self.sets {
            if let Ok(at) = sets.binary_search(set) {
                self.one[who as usize] = base + at as u32;
            }
        }
        self.one.iter_mut().filter(|code| **code == UNSEEN).for_each(|code| *code = MISSING);
        Values { codes: self.one, base, sets, sure: false }
    }
}

/// What persons (or keys) show in a column.
#[derive(Clone, Debug)]
pub struct Values {
    /// By person: a code of the column, or from `base` on the number of a set; [`MISSING`] for nothing.
    codes: Vec<u32>,
    base: u32,
    /// Codes of the column in order.
    sets: Vec<Vec<u32>>,
    /// Whether it is sure that the column is a fact of persons.
    sure: bool,
}

impl Values {
    fn code(&self, who: u32) -> u32 {
        self.codes.get(who as usize).copied().unwrap_or(MISSING)
    }
    /// The codes of the column that stand for a code of [`Values::code`].
    fn set<'a>(&'a self, code: &'a u32) -> &'a [u32] {
        match self.sets.get(code.wrapping_sub(self.base) as usize) {
            Some(set) if *code >= self.base => set,
            _ if *code == MISSING => &[],
            _ => std::slice::from_ref(code),
        }
    }
}

/// A fact that is the same in all rows of a person.
struct Fact<'a> {
    shape: &'a SteadyShape,
    at: usize,
    values: Cow<'a, Values>,
}

fn fact<'a>(structure: &'a Structure, tables: &'a [Cells], at: usize) -> Result<Option<Fact<'a>>> {
    let shape = structure.steady.get(at).ok_or_else(broken)?;
    let table = structure.tables.get(shape.table).ok_or_else(broken)?;
    let cells = tables.get(shape.table).ok_or_else(broken)?;
    let values = match cells.steady.get(&shape.column) {
        Some(values) => values.as_ref().map(Cow::Borrowed),
        None => {
            let mut shown = Shown::default();
            let codes = cells.codes(shape.column).ok_or_else(broken)?;
            let persons = cells.codes(table.person).ok_or_else(broken)?;
            // There are no more persons than rows.
            shown.see(codes, persons, cells.rows);
            let texts = cells.texts.get(shape.column).ok_or_else(broken)?;
            shown.finish(shape, texts.dictionary()).map(Cow::Owned)
        }
    };
    Ok(values.map(|values| Fact { shape, at, values }))
}

/// A view: its classes, and who stands in them.
struct ViewPairs<'a> {
    shape: &'a ViewShape,
    table: usize,
    /// Class and person (number in the view's table), each pair once.
    pairs: Vec<(u32, u32)>,
    /// By table: the number there of each person of the view's table; [`MISSING`] for none.
    people: HashMap<usize, Vec<u32>>,
}

impl<'a> ViewPairs<'a> {
    fn new(
        structure: &Structure,
        tables: &[Cells],
        shape: &'a ViewShape,
        facts: &[Fact<'_>],
    ) -> Result<Option<Self>> {
        let Some(t) = shape.table else { return Ok(None) };
        let cells = tables.get(t).ok_or_else(broken)?;
        let table = structure.tables.get(t).ok_or_else(broken)?;
        let persons = cells.codes(table.person).ok_or_else(broken)?;
        let mut class = vec![0; persons.len()];
        for path in shape.quasi.iter().chain(&shape.facts) {
            let column = column(structure, tables, t, path).ok_or_else(broken)?;
            class = refine(&class, &column);
        }
        let mut pairs: Vec<(u32, u32)> = class.into_iter().zip(persons.iter().copied()).collect();
        pairs.par_sort_unstable();
        pairs.dedup();
        pairs.retain(|(_, person)| *person != MISSING);
        let own = cells.people(table);
        let mut people = HashMap::new();
        for other in facts.iter().map(|f| f.shape.table).filter(|&other| other != t) {
            if people.contains_key(&other) {
                continue;
            }
            let there = tables.get(other).ok_or_else(broken)?;
            let there = there.people(structure.tables.get(other).ok_or_else(broken)?);
            let numbers: HashMap<_, u32> =
                there.into_iter().enumerate().map(|(n, who)| (who, n as u32)).collect();
            let number = |who| numbers.get(who).copied().unwrap_or(MISSING);
            people.insert(other, own.iter().map(number).collect());
        }
        Ok(Some(ViewPairs { shape, table: t, pairs, people }))
    }

    /// What a person of the view's table has of a fact.
    fn value(&self, fact: &Fact<'_>, person: u32) -> u32 {
        let person = match self.people.get(&fact.shape.table) {
            Some(people) => people.get(person as usize).copied().unwrap_or(MISSING),
            None => person,
        };
        fact.values.code(person)
    }

    /// The view with these facts; none if no class is below k then.
    fn divided(&self, facts: &[&Fact<'_>]) -> Option<Divided> {
        let mut classes: Vec<u32> = self.pairs.iter().map(|(class, _)| *class).collect();
        for fact in facts {
            let values: Vec<u32> =
                self.pairs.iter().map(|&(_, person)| self.value(fact, person)).collect();
            classes = refine(&classes, &values);
        }
        let mut persons = vec![0_u64; classes.iter().max().map_or(0, |&most| most as usize + 1)];
        for class in classes {
            persons[class as usize] += 1;
        }
        persons.retain(|&n| n > 0);
        let k = self.shape.k;
        let below = persons.iter().filter(|&&n| n < k).count() as u64;
        let names: Vec<&str> = facts.iter().map(|f| f.shape.name.as_str()).collect();
        let reasons: Option<Vec<&str>> = facts.iter().map(|f| f.shape.because.as_deref()).collect();
        let mut reasons = reasons.unwrap_or_default();
        reasons.dedup();
        (below > 0).then(|| Divided {
            columns: names.join(" + "),
            view: self.shape.name.clone(),
            k,
            smallest: persons.iter().copied().min().unwrap_or(0),
            classes: persons.len() as u64,
            below,
            sure: facts.iter().any(|f| f.values.sure),
            because: (!reasons.is_empty()).then(|| reasons.join("; ")),
        })
    }

    /// Whether a fact is another one than what the view counts at this place, for a person who shows something of both.
    fn differs(
        &self,
        structure: &Structure,
        tables: &[Cells],
        fact: &Fact<'_>,
        counted: &ColumnPath,
    ) -> Result<bool> {
        let own = tables.get(fact.shape.table).and_then(|c| c.texts.get(fact.shape.column));
        let (own, there) = (own.ok_or_else(broken)?, tables.get(counted.table).ok_or_else(broken)?);
        let texts = there.texts.get(counted.column).ok_or_else(broken)?.dictionary();
        // What the codes there are in the column of the fact; UNSEEN is in none.
        let same: Vec<u32> = texts.texts().map(|text| own.find(text).unwrap_or(UNSEEN)).collect();
        let (keys, shown) = shown(structure, tables, self.table, counted).ok_or_else(broken)?;
        let table = structure.tables.get(self.table).ok_or_else(broken)?;
        let persons = tables.get(self.table).and_then(|c| c.codes(table.person));
        let mut there = Vec::new();
        Ok(persons.ok_or_else(broken)?.iter().zip(keys).any(|(&person, key)| {
            let value = self.value(fact, person);
            let code = shown.code(key);
            let (value, code) = (fact.values.set(&value), shown.set(&code));
            there.clear();
            there.extend(code.iter().map(|&c| same.get(c as usize).copied().unwrap_or(UNSEEN)));
            there.sort_unstable();
            !value.is_empty() && !there.is_empty() && value != there
        }))
    }
}

/// What a view's column shows for each row of the view's table: a number a row, and what each number shows.
fn shown(
    structure: &Structure,
    tables: &[Cells],
    t: usize,
    path: &ColumnPath,
) -> Option<(Vec<u32>, Values)> {
    let (here, there) = (tables.get(t)?, tables.get(path.table)?);
    let codes = there.codes(path.column)?;
    let person = |table: usize| structure.tables.get(table).map(|shape: &TableShape| shape.person);
    let (key_here, key_there) = match path.by {
        Path::Row => {
            let rows = (0..codes.len() as u32).collect();
            return Some((
                rows,
                Values { codes: codes.clone(), base: MISSING, sets: Vec::new(), sure: false },
            ));
        }
        Path::Token(a, b) => (a, b),
        Path::Person | Path::Beside(_) => (person(t)?, person(path.table)?),
    };
    let keys = there.texts.get(key_there)?;
    let mut shown = Shown::default();
    shown.see(codes, there.codes(key_there)?, u64::MAX);
    let of = here.texts.get(key_here)?.dictionary();
    let of: Vec<u32> = of.texts().map(|key| keys.find(key).unwrap_or(MISSING)).collect();
    let rows = here.codes(key_here)?.iter();
    let rows = rows.map(|&key| if key == MISSING { MISSING } else { of[key as usize] }).collect();
    Some((rows, shown.values()))
}

/// The facts that divide a class below its k: each that no view counts, with the view that it divides most; and each view with the
/// quasi-identifiers of the others.
///
/// # Errors
/// If the structure names a table or column that is not there.
pub fn recount(structure: &Structure, tables: &[Cells]) -> Result<Vec<Divided>> {
    let counts = |view: &ViewShape, shape: &SteadyShape| {
        let mut counted = view.quasi.iter().chain(&view.facts);
        counted.any(|path| (path.table, path.column) == (shape.table, shape.column))
    };
    let facts: Vec<Option<Fact<'_>>> = (0..structure.steady.len())
        .into_par_iter()
        .map(|at| fact(structure, tables, at))
        .collect::<Result<_>>()?;
    let facts: Vec<Fact<'_>> = facts.into_iter().flatten().collect();
    if facts.is_empty() {
        return Ok(Vec::new());
    }
    let anywhere = |fact: &Fact<'_>| structure.views.iter().any(|view| counts(view, fact.shape));
    let alone: Vec<&Fact<'_>> = facts.iter().filter(|fact| !anywhere(fact)).collect();
    let mut most: Vec<Option<Divided>> = alone.iter().map(|_| None).collect();
    let mut beside = Vec::new();
    // One view after the other: its pairs are let go before the next.
    for shape in &structure.views {
        let Some(view) = ViewPairs::new(structure, tables, shape, &facts)? else { continue };
        let divided: Vec<Option<Divided>> =
            alone.par_iter().map(|fact| view.divided(&[fact])).collect();
        for (most, divided) in most.iter_mut().zip(divided) {
            let rank = |d: &Divided| (d.smallest, u64::MAX - d.below);
            let more = |d: &Divided| most.as_ref().is_none_or(|most| rank(d) < rank(most));
            if let Some(divided) = divided.filter(more) {
                *most = Some(divided);
            }
        }
        let (mut sure, mut all, mut differs) = (Vec::new(), Vec::new(), false);
        let others = facts.iter().filter(|f| f.shape.quasi && !counts(shape, f.shape));
        for fact in others.filter(|fact| anywhere(fact)) {
            all.push(fact);
            match shape.seems_counted.iter().find(|(at, _)| *at == fact.at) {
                Some((_, counted)) => differs |= view.differs(structure, tables, fact, counted)?,
                None => sure.push(fact),
            }
        }
        let taken = if differs { all } else { sure };
        if !taken.is_empty() {
            beside.extend(view.divided(&taken));
        }
    }
    Ok(most.into_iter().flatten().chain(beside).collect())
}

/// What is wrong with a recount: it differs from what the run counted. `exact` is whether the files hold the cells as the run saw
/// them.
#[must_use]
pub fn judge(recounted: &[Divided], claimed: &[Divided], exact: bool) -> Vec<Error> {
    if !exact || recounted == claimed {
        return Vec::new();
    }
    vec![Error::refused(
        "C0213",
        say!(
            "counted again from the files, facts that are the same in all rows of a person divide the views otherwise than was counted"
        ),
    )]
}

/// An error for each that is sure and that nobody gave a reason for. Asked of what is published.
#[must_use]
pub fn without_reason(found: &[Divided]) -> Vec<Error> {
    let found = found.iter().filter(|divided| divided.sure && divided.because.is_none());
    let error = |divided: &Divided| {
        Error::refused(
            "C0213",
            say!(
                "view `{}`: counted from the files, with {} a class has fewer than {} persons, and no reason is given",
                Name::from_policy(divided.view.clone()),
                Name::from_policy(divided.columns.clone()),
                divided.k
            ),
        )
    };
    found.map(error).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::collections::{BTreeMap, BTreeSet};

    use crate::recount::read;
    use proptest::prelude::*;

    /// Persons with a class; visits with a fact `x`, and a class that seems to be that of the person.
    fn structure(k: u64) -> Structure {
        let table = |name: &str, columns: &[&str]| {
            let column = |name: &&str| serde_json::json!({ "name": name, "type": "text", "token": *name == "who" });
            serde_json::json!({
                "name": name, "file": format!("{name}.csv"), "person": 0,
                "columns": columns.iter().map(column).collect::<Vec<_>>(),
            })
        };
        let own = |table: usize| serde_json::json!({ "table": table, "column": 1, "by": "row" });
        let steady = |name: &str, table: usize, column: usize, quasi: bool| serde_json::json!({ "name": name, "table": table, "column": column, "byRow": table == 0, "quasi": quasi, "because": null });
        serde_json::from_value(serde_json::json!({
            "format": "csv", "encoding": "utf-8", "formulaPrefix": false,
            "tables": [table("persons", &["who", "class"]), table("visits", &["who", "class", "x"])],
            "views": [
                { "name": "p", "table": 0, "k": k, "quasi": [own(0)], "sensitive": [], "seemsCounted": [[1, own(0)]] },
                { "name": "v", "table": 1, "k": k, "quasi": [own(1)], "sensitive": [], "seemsCounted": [[0, own(1)]] },
            ],
            "steady": [
                steady("persons.class", 0, 1, true),
                steady("visits.class", 1, 1, true),
                steady("visits.x", 1, 2, false),
            ],
        }))
        .unwrap()
    }

    fn cells(persons: &[(u8, u8)], visits: &[(u8, u8, u8)], structure: &Structure) -> Vec<Cells> {
        let folder = tempfile::tempdir().unwrap();
        // 0 is a missing cell.
        let cell = |v: u8| if v == 0 { String::new() } else { v.to_string() };
        let (mut one, mut two) = (String::from("who,class\n"), String::from("who,class,x\n"));
        for &(who, class) in persons {
            one += &format!("p{who},{}\n", cell(class));
        }
        for &(who, class, x) in visits {
            two += &format!("p{who},{},{}\n", cell(class), cell(x));
        }
        std::fs::write(folder.path().join("persons.csv"), one).unwrap();
        std::fs::write(folder.path().join("visits.csv"), two).unwrap();
        read(folder.path(), structure).unwrap()
    }

    /// Classes and those below k, by the definition.
    fn plainly(k: u64, keys: BTreeMap<Vec<u8>, BTreeSet<u8>>) -> (u64, u64, u64) {
        let sizes: Vec<u64> = keys.values().map(|who| who.len() as u64).collect();
        let below = sizes.iter().filter(|&&n| n < k).count() as u64;
        (sizes.iter().copied().min().unwrap_or(0), sizes.len() as u64, below)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        /// The files say what the definition says: `x` of a person stands in both views, the class of the visits beside that of the
        /// persons only where it is another.
        #[test]
        fn what_files_say_is_what_the_definition_says(
            own in proptest::collection::vec((0..3_u8, 0..3_u8, 1..4_usize, any::<bool>()), 24..30),
            another in 0..20_usize,
            k in 2..6_u64,
        ) {
            let shape = structure(k);
            let persons: Vec<(u8, u8)> = own.iter().enumerate().map(|(p, o)| (p as u8, o.0)).collect();
            // Of some persons nothing is known in the visits, of one perhaps another class; all have two visits or more.
            let class = |p: usize| if p == another { 3 } else if own[p].3 { own[p].0 } else { 0 };
            let visits: Vec<(u8, u8, u8)> = (0..own.len())
                .flat_map(|p| std::iter::repeat_n((p as u8, class(p), own[p].1), 1 + own[p].2))
                .collect();
            let cells = cells(&persons, &visits, &shape);
            let found = recount(&shape, &cells).unwrap();
            let mut expected = Vec::new();
            let several = |values: &mut dyn Iterator<Item = u8>| values.collect::<BTreeSet<_>>().len() > 1;
            let told = |keys: &dyn Fn(usize) -> Vec<u8>| {
                let mut classes: BTreeMap<Vec<u8>, BTreeSet<u8>> = BTreeMap::new();
                for p in 0..own.len() {
                    classes.entry(keys(p)).or_default().insert(p as u8);
                }
                plainly(k, classes)
            };
            if several(&mut own.iter().map(|o| o.1)) {
                let views = [told(&|p| vec![own[p].0, own[p].1]), told(&|p| vec![class(p), own[p].1])];
                let (view, most) = views.iter().enumerate().min_by_key(|(_, v)| (v.0, u64::MAX - v.2)).unwrap();
                // The one that is divided most of those that are divided at all.
                let divided: Vec<_> = views.iter().enumerate().filter(|(_, v)| v.2 > 0).collect();
                let most = divided.iter().min_by_key(|(_, v)| (v.0, u64::MAX - v.2)).map_or((view, most), |m| (m.0, m.1));
                if most.1.2 > 0 {
                    expected.push(("visits.x", ["p", "v"][most.0], *most.1));
                }
            }
            let differs = (0..own.len()).any(|p| class(p) != 0 && own[p].0 != 0 && class(p) != own[p].0);
            let both = told(&|p| vec![own[p].0, class(p)]);
            for (view, column, there) in [
                ("p", "visits.class", several(&mut (0..own.len()).map(class))),
                ("v", "persons.class", several(&mut own.iter().map(|o| o.0))),
            ] {
                if there && differs && both.2 > 0 {
                    expected.push((column, view, both));
                }
            }
            let found: Vec<_> = found
                .iter()
                .map(|d| (d.columns.as_str(), d.view.as_str(), (d.smallest, d.classes, d.below)))
                .collect();
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn what_differs_or_has_no_reason_is_refused() {
        let shape = structure(3);
        let persons: Vec<(u8, u8)> = (0..24).map(|p| (p, 1)).collect();
        let visits: Vec<(u8, u8, u8)> =
            (0..24).flat_map(|p| [(p, 1, 1 + u8::from(p < 2)); 2]).collect();
        let mut found = recount(&shape, &cells(&persons, &visits, &shape)).unwrap();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].smallest, found[0].below), (2, 1));
        let codes = |errors: Vec<Error>| errors.iter().map(|e| e.code).collect::<Vec<_>>();
        assert!(judge(&found, &found, true).is_empty());
        assert_eq!(codes(judge(&found, &[], true)), ["C0213"]);
        assert!(judge(&found, &[], false).is_empty());
        assert_eq!(codes(without_reason(&found)), ["C0213"]);
        found[0].because = Some("why".to_owned());
        assert!(without_reason(&found).is_empty());
        let counted = |visits: &[(u8, u8, u8)]| {
            let found = recount(&shape, &cells(&persons, visits, &shape)).unwrap();
            found.iter().map(|d| (d.smallest, d.classes, d.below)).collect::<Vec<_>>()
        };
        // One of twenty persons or more may show several values: a class of his own. Two of 24 make it a column of rows.
        let mut varies = visits.clone();
        varies[47].2 = 2;
        assert_eq!(counted(&varies), [(1, 3, 2)]);
        varies[45].2 = 2;
        assert_eq!(counted(&varies), []);
        // Empty cells are no values, and with a row each nothing speaks for a column of rows.
        let mut blanks = visits.clone();
        blanks.iter_mut().skip(1).step_by(2).for_each(|visit| visit.2 = 0);
        assert_eq!(counted(&blanks), [(2, 2, 1)]);
        let once: Vec<(u8, u8, u8)> = visits.iter().step_by(2).copied().collect();
        assert_eq!(counted(&once), [(2, 2, 1)]);
        // Numbers may have been measured once.
        let mut measured = shape.clone();
        measured.steady[2].measured = true;
        let found = |visits: &[(u8, u8, u8)]| {
            recount(&measured, &cells(&persons, visits, &shape)).unwrap().len()
        };
        assert_eq!((found(&visits), found(&once), found(&blanks)), (1, 0, 0));
    }
}
