//! Facts that are the same in all rows of a person, found and counted in the files of a release: what they make of the classes of the
//! views that do not count them. A class is told here by pairs of a class and a person; no code of the engine's counting is used.

use std::borrow::Cow;
use std::collections::HashMap;

use rayon::prelude::*;

use super::recount::{Cells, column, refine};
use crate::error::{Error, Name, Result};
use crate::frame::MISSING;
use crate::plan::steady::{Divided, EVIDENCE};
use crate::say;
use crate::structure::{ColumnPath, Path, SteadyShape, Structure, TableShape, ViewShape};

/// The cell of a person of whom no row was seen yet.
pub(crate) const UNSEEN: u32 = MISSING - 1;
/// Several values.
const SEVERAL: u32 = MISSING - 1;

fn broken() -> Error {
    Error::data("D0901", say!("the record's description of the release does not fit its tables"))
}

/// The value of each person in a column, as long as no person has two.
#[derive(Clone, Debug, Default)]
pub(crate) struct OfPersons {
    values: Vec<u32>,
    varies: bool,
}

impl OfPersons {
    /// Adds rows: codes of the column, and whose they are.
    pub(crate) fn see(&mut self, codes: &[u32], persons: &[u32]) {
        if self.varies {
            return;
        }
        for (&code, &person) in codes.iter().zip(persons) {
            if person == MISSING {
                continue;
            }
            let person = person as usize;
            if person >= self.values.len() {
                self.values.resize(person + 1, UNSEEN);
            }
            let slot = &mut self.values[person];
            if *slot == UNSEEN {
                *slot = code;
            } else if *slot != code {
                *self = OfPersons { values: Vec::new(), varies: true };
                return;
            }
        }
    }

    /// The values, if they are those of persons and not of rows, and there are two at least. `rows` are those of each person.
    pub(crate) fn finish(self, rows: &[u32], grain_is_person: bool) -> Option<Vec<u32>> {
        let several = rows.iter().filter(|&&rows| rows > 1).count() as u64;
        if self.varies || !(grain_is_person || several >= EVIDENCE) {
            return None;
        }
        let mut shown = self.values.iter().filter(|&&v| v != MISSING && v != UNSEEN);
        let first = shown.next()?;
        shown.any(|value| value != first).then_some(self.values)
    }
}

/// A fact that is the same in all rows of a person.
struct Fact<'a> {
    shape: &'a SteadyShape,
    at: usize,
    values: Cow<'a, [u32]>,
}

/// `rows` are those of each person, by table; none where a row is nobody's.
fn fact<'a>(
    structure: &'a Structure,
    tables: &'a [Cells],
    rows: &[Option<Vec<u32>>],
    at: usize,
) -> Result<Option<Fact<'a>>> {
    let shape = structure.steady.get(at).ok_or_else(broken)?;
    let table = structure.tables.get(shape.table).ok_or_else(broken)?;
    let cells = tables.get(shape.table).ok_or_else(broken)?;
    let values = match cells.steady.get(&shape.column) {
        Some(values) => values.as_deref().map(Cow::Borrowed),
        None => {
            let mut values = OfPersons::default();
            let codes = cells.codes(shape.column).ok_or_else(broken)?;
            values.see(codes, cells.codes(table.person).ok_or_else(broken)?);
            let rows = rows.get(shape.table).and_then(Option::as_ref).ok_or_else(broken)?;
            values.finish(rows, shape.by_row).map(Cow::Owned)
        }
    };
    Ok(values.map(|values| Fact { shape, at, values }))
}

/// A view: its classes, and who stands in them.
struct View<'a> {
    shape: &'a ViewShape,
    table: usize,
    /// Class and person (number in the view's table), each pair once.
    pairs: Vec<(u32, u32)>,
    /// By table: the number there of each person of the view's table; [`MISSING`] for none.
    people: HashMap<usize, Vec<u32>>,
}

impl<'a> View<'a> {
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
        Ok(Some(View { shape, table: t, pairs, people }))
    }

    /// What a person of the view's table has of a fact.
    fn value(&self, fact: &Fact<'_>, person: u32) -> u32 {
        let person = match self.people.get(&fact.shape.table) {
            Some(people) => people.get(person as usize).copied().unwrap_or(MISSING),
            None => person,
        };
        match fact.values.get(person as usize) {
            Some(&value) if value != UNSEEN => value,
            _ => MISSING,
        }
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
        let shown = single(structure, tables, self.table, counted).ok_or_else(broken)?;
        let table = structure.tables.get(self.table).ok_or_else(broken)?;
        let persons = tables.get(self.table).and_then(|c| c.codes(table.person));
        Ok(persons.ok_or_else(broken)?.iter().zip(shown).any(|(&person, shown)| {
            let value = self.value(fact, person);
            let shown = match shown {
                MISSING | SEVERAL => shown,
                code => same.get(code as usize).copied().unwrap_or(UNSEEN),
            };
            value != MISSING && shown != MISSING && value != shown
        }))
    }
}

/// The value of a view's column for each row of the view's table: its code there; [`MISSING`] for none, [`SEVERAL`] for several.
fn single(
    structure: &Structure,
    tables: &[Cells],
    t: usize,
    path: &ColumnPath,
) -> Option<Vec<u32>> {
    let (here, there) = (tables.get(t)?, tables.get(path.table)?);
    let codes = there.codes(path.column)?;
    let person = |table: usize| structure.tables.get(table).map(|shape: &TableShape| shape.person);
    let (key_here, key_there) = match path.by {
        Path::Row => return Some(codes.clone()),
        Path::Token(a, b) => (a, b),
        Path::Person => (person(t)?, person(path.table)?),
    };
    let keys = there.texts.get(key_there)?;
    let mut shown = vec![MISSING; keys.dictionary().len()];
    for (&key, &code) in there.codes(key_there)?.iter().zip(codes) {
        if key == MISSING || code == MISSING {
            continue;
        }
        let slot = shown.get_mut(key as usize)?;
        *slot = if *slot == MISSING || *slot == code { code } else { SEVERAL };
    }
    let of = here.texts.get(key_here)?.dictionary();
    let of: Vec<u32> =
        of.texts().map(|key| keys.find(key).map_or(MISSING, |key| shown[key as usize])).collect();
    let rows = here.codes(key_here)?.iter();
    Some(rows.map(|&key| if key == MISSING { MISSING } else { of[key as usize] }).collect())
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
    let rows: Vec<Option<Vec<u32>>> = structure
        .tables
        .par_iter()
        .zip(tables)
        .map(|(shape, cells)| cells.rows_of_people(shape))
        .collect();
    let facts: Vec<Option<Fact<'_>>> = (0..structure.steady.len())
        .into_par_iter()
        .map(|at| fact(structure, tables, &rows, at))
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
        let Some(view) = View::new(structure, tables, shape, &facts)? else { continue };
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

/// An error for each that nobody gave a reason for. Asked of what is published.
#[must_use]
pub fn without_reason(found: &[Divided]) -> Vec<Error> {
    let found = found.iter().filter(|divided| divided.because.is_none());
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
            let several = |values: &mut dyn Iterator<Item = u8>| values.filter(|&v| v != 0).collect::<BTreeSet<_>>().len() > 1;
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
        // A row that says something else: no fact of persons. So are the rows of too few persons.
        let mut varies = visits.clone();
        varies[47].2 = 2;
        assert_eq!(recount(&shape, &cells(&persons, &varies, &shape)).unwrap(), []);
        let once: Vec<(u8, u8, u8)> = visits.iter().step_by(2).copied().collect();
        assert_eq!(recount(&shape, &cells(&persons, &once, &shape)).unwrap(), []);
    }
}
