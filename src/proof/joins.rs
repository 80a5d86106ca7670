//! The two releases side by side: how many persons of the anonymized release can be found in the pseudonymized one by content.
//!
//! No code joins them, but whoever holds both can compare what stands there. Measured from the released files alone, as such a
//! holder would: a person's **facts** in a column (the multiset of the cells) and the **number of rows** in a table make a
//! signature; an anonymized person is *found* if nobody else of that release has the signature and exactly one person of the
//! other release has it. What is coarser in one release than in the other is not compared (a holder could coarsen the finer one
//! himself): the figures are a lower bound.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::hash::BuildHasher as _;
use std::sync::Arc;

use hashbrown::{DefaultHashBuilder, HashMap};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recount::Cells;
use super::structure::{Structure, TableShape};
use crate::error::{Result, small};
use crate::formats::spill::{Shelf, Shelved};
use crate::frame::{Dictionary, MISSING, Table};
use crate::schema::{ByKind, Kind};
use crate::words;

/// Columns that are told one by one.
const WORST: usize = 5;
/// Columns (and tables) that are tried together: the best alone first.
const TRIED: usize = 16;
/// A column has equal values in both releases if the signature of at least this share of the anonymized persons who have
/// any stands in the other release at all.
const EQUAL: f64 = 0.5;

/// What the two releases can be compared by.
pub struct Common {
    /// Table and column, of those that stand in both under one name and are no tokens.
    columns: BTreeSet<(String, String)>,
    tables: BTreeSet<String>,
    hasher: DefaultHashBuilder,
}

/// What one table of a release shows of its persons.
pub struct Signatures {
    table: String,
    tokens: Arc<Vec<[u8; 16]>>,
    rows: Series,
    /// By name: a sum over the cells of each person, which does not depend on their order.
    columns: Vec<(String, Series)>,
}

/// A number of each person: in memory, or on the disk until it is compared.
enum Series {
    Here(Vec<u64>),
    Shelved(Arc<Shelf>, Shelved),
}

impl Series {
    fn get(&self) -> Result<Cow<'_, [u64]>> {
        Ok(match self {
            Series::Here(numbers) => Cow::Borrowed(numbers),
            Series::Shelved(shelf, place) => Cow::Owned(shelf.get(*place)?),
        })
    }
    fn put(&mut self, shelf: &Arc<Shelf>) -> Result<()> {
        if let Series::Here(numbers) = self {
            let place = shelf.put(numbers)?;
            *self = Series::Shelved(Arc::clone(shelf), place);
        }
        Ok(())
    }
}

impl Signatures {
    /// Leaves the numbers on the disk: those of the other release come later.
    ///
    /// # Errors
    /// I/O.
    pub fn shelve(&mut self, shelf: &Arc<Shelf>) -> Result<()> {
        self.rows.put(shelf)?;
        self.columns.iter_mut().try_for_each(|(_, series)| series.put(shelf))
    }
}

/// Persons found by some columns or tables together.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Persons of the anonymized release that are found.
    pub persons: u64,
    /// By what: `table.column` for facts, `table` for numbers of rows.
    pub by: Vec<String>,
}

/// How far the two releases join by content.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Joins {
    /// Persons of the anonymized release.
    pub persons: u64,
    /// By facts.
    pub facts: Found,
    /// By numbers of rows.
    pub rows: Found,
    /// By both.
    pub both: Found,
    /// The columns that find most persons alone.
    pub columns: Vec<Found>,
}

/// Spreads a number over all bits (the finalizer of SplitMix64).
fn mix(mut x: u64) -> u64 {
    x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

impl Joins {
    /// The share of a number of persons, unless it would tell a small count.
    #[must_use]
    pub fn share(&self, persons: u64) -> String {
        match persons {
            0 => "0 %".to_owned(),
            1..=9 => "<10".to_owned(),
            _ => format!("{:.1} %", 100.0 * persons as f64 / self.persons.max(1) as f64),
        }
    }
    /// One line for people.
    #[must_use]
    pub fn told(&self) -> String {
        let Joins { facts, rows, both, .. } = self;
        words!(
            "the two releases side by side: no code joins them; by content {} of {} persons are found one to one ({}): by facts {}, by numbers of rows {}",
            small(both.persons),
            small(self.persons),
            self.share(both.persons),
            self.share(facts.persons),
            self.share(rows.persons),
        )
    }
}

impl Common {
    /// Of two releases, in the order of [`Kind::BOTH`].
    #[must_use]
    pub fn of(structures: &ByKind<Structure>) -> Self {
        let columns = |structure: &Structure| -> BTreeSet<(String, String)> {
            let of = |t: &TableShape| {
                let plain = t.columns.iter().filter(|c| !c.token);
                plain.map(|c| (t.name.clone(), c.name.clone())).collect::<Vec<_>>()
            };
            structure.tables.iter().flat_map(of).collect()
        };
        let tables = |structure: &Structure| -> BTreeSet<String> {
            structure.tables.iter().map(|t| t.name.clone()).collect()
        };
        let ByKind { pseudonymized: a, anonymized: b } = structures;
        Common {
            columns: &columns(a) & &columns(b),
            tables: &tables(a) & &tables(b),
            hasher: DefaultHashBuilder::default(),
        }
    }

    /// What a table shows of its persons; none if only one release has it.
    #[must_use]
    pub fn of_table(&self, shape: &TableShape, cells: &Cells) -> Option<Signatures> {
        let mut gathering = self.gathering(shape)?;
        let persons = cells.codes(shape.person)?;
        gathering.rows(persons);
        for at in 0..gathering.columns.len() {
            let column = gathering.columns[at].0;
            let hashes = self.hashes(cells.texts[column].dictionary());
            gathering.columns[at].1.see(&hashes, cells.codes(column)?, persons);
        }
        let tokens = cells.texts.get(shape.person)?.dictionary().texts();
        // A cell that is no token is another check's error; whoever it is stays without a row here.
        let tokens = tokens.map(|t| crate::token::parse_token(t).unwrap_or_default()).collect();
        Some(gathering.finish(shape, Arc::new(tokens)))
    }

    /// For a table whose rows come one after the other; none if only one release has it.
    #[must_use]
    pub fn gathering(&self, shape: &TableShape) -> Option<Gathering> {
        let has = |name: &String| self.columns.contains(&(shape.name.clone(), name.clone()));
        let columns = shape.columns.iter().enumerate().filter(|(_, c)| has(&c.name));
        self.tables.contains(&shape.name).then(|| Gathering {
            rows: Vec::new(),
            columns: columns.map(|(at, _)| (at, Sums::default())).collect(),
        })
    }

    fn hashes(&self, dictionary: &Dictionary) -> Vec<u64> {
        dictionary.texts().map(|text| mix(self.hasher.hash_one(text))).collect()
    }
}

/// What the rows of a table show of its persons, as they come.
pub struct Gathering {
    rows: Vec<u64>,
    columns: Vec<(usize, Sums)>,
}

/// By person: the sum over its cells of a column.
#[derive(Default)]
struct Sums(Vec<u64>);

impl Sums {
    fn see(&mut self, hashes: &[u64], codes: &[u32], persons: &[u32]) {
        let most = persons.iter().filter(|&&p| p != MISSING).max().map_or(0, |&p| p as usize + 1);
        if most > self.0.len() {
            self.0.resize(most, 0);
        }
        for (&person, &code) in persons.iter().zip(codes) {
            if code != MISSING
                && let Some(slot) = self.0.get_mut(person as usize)
            {
                *slot = slot.wrapping_add(hashes[code as usize]);
            }
        }
    }
}

impl Gathering {
    fn rows(&mut self, persons: &[u32]) {
        for &person in persons.iter().filter(|&&p| p != MISSING) {
            let person = person as usize;
            if person >= self.rows.len() {
                self.rows.resize(person + 1, 0);
            }
            self.rows[person] += 1;
        }
    }

    /// Rows as they come, and whose they are.
    pub fn see(&mut self, common: &Common, rows: &Table, persons: &[u32]) {
        self.rows(persons);
        self.columns.par_iter_mut().for_each(|(at, sums)| {
            if let Some(cells) = rows.columns.get(*at) {
                sums.see(&common.hashes(cells.dictionary()), cells.codes(), persons);
            }
        });
    }

    /// When all have come; `tokens` are those of the persons' numbers.
    #[must_use]
    pub fn finish(self, shape: &TableShape, tokens: Arc<Vec<[u8; 16]>>) -> Signatures {
        let whole = |mut sums: Vec<u64>| {
            sums.resize(tokens.len(), 0);
            Series::Here(sums)
        };
        let columns = self.columns.into_iter();
        let columns = columns.map(|(at, sums)| (shape.columns[at].name.clone(), whole(sums.0)));
        let columns = columns.collect();
        Signatures { table: shape.name.clone(), rows: whole(self.rows), columns, tokens }
    }
}

/// One thing by which persons are compared.
struct Feature<'a> {
    name: String,
    /// By release: its numbers, and the place of each among the persons of the release.
    sides: [(&'a Series, &'a [u32], usize); 2],
}

impl Feature<'_> {
    /// Its value of each person of both releases; 0 for nothing.
    fn values(&self) -> Result<[Vec<u64>; 2]> {
        let spread = |(series, places, persons): (&Series, &[u32], usize)| {
            let mut values = vec![0; persons];
            for (&place, &value) in places.iter().zip(series.get()?.iter()) {
                values[place as usize] = value;
            }
            Ok(values)
        };
        let [a, b] = self.sides;
        Ok([spread(a)?, spread(b)?])
    }
}

/// Persons of the anonymized release that are found by their values, and the share of those with any that stand in the other.
fn found(values: &[Vec<u64>; 2]) -> (u64, f64) {
    let [pseudonymized, anonymized] = values;
    let mut counts: HashMap<u64, [u32; 2]> = HashMap::with_capacity(anonymized.len());
    for &value in anonymized.iter().filter(|&&v| v != 0) {
        counts.entry(value).or_default()[1] += 1;
    }
    for value in pseudonymized {
        if let Some(count) = counts.get_mut(value) {
            count[0] += 1;
        }
    }
    let (mut single, mut there, mut all) = (0, 0_u64, 0_u64);
    for [a, b] in counts.values() {
        single += u64::from((*a, *b) == (1, 1));
        all += u64::from(*b);
        there += if *a > 0 { u64::from(*b) } else { 0 };
    }
    (single, if all == 0 { 0.0 } else { there as f64 / all as f64 })
}

fn together(a: &[Vec<u64>; 2], b: &[Vec<u64>; 2]) -> [Vec<u64>; 2] {
    [0, 1].map(|k: usize| {
        a[k].iter()
            .zip(&b[k])
            .map(|(&x, &y)| if x == 0 && y == 0 { 0 } else { mix(x ^ mix(y).rotate_left(17)) })
            .collect()
    })
}

/// Starts with a combination and adds, in their order, the features that find more persons.
fn best(
    start: Option<(Found, [Vec<u64>; 2])>,
    features: &[&Feature<'_>],
) -> Result<(Found, Option<[Vec<u64>; 2]>)> {
    let (mut told, mut values) = match start {
        Some((told, values)) => (told, Some(values)),
        None => (Found::default(), None),
    };
    for feature in features.iter().take(TRIED) {
        let more = match &values {
            Some(values) => together(values, &feature.values()?),
            None => feature.values()?,
        };
        let (persons, _) = found(&more);
        if persons > told.persons {
            told.persons = persons;
            told.by.push(feature.name.clone());
            values = Some(more);
        }
    }
    Ok((told, values))
}

/// A feature with what [`found`] finds.
fn tried(feature: Feature<'_>) -> Result<(u64, f64, Feature<'_>)> {
    let (persons, equal) = found(&feature.values()?);
    Ok((persons, equal, feature))
}

/// Measures how far two releases join by content: what their tables show, in the order of [`Kind::BOTH`].
///
/// # Errors
/// I/O of numbers that wait on the disk.
pub fn measure(tables: ByKind<Vec<Signatures>>) -> Result<Joins> {
    // By release, by table: where each of its persons is among those of the release; and how many these are.
    let places: ByKind<(Vec<Vec<u32>>, usize)> = tables.each_ref().map(|tables| {
        let mut numbers: HashMap<[u8; 16], u32> = HashMap::new();
        let mut place = |token: &[u8; 16]| {
            let next = numbers.len() as u32;
            *numbers.entry(*token).or_insert(next)
        };
        let places = tables.iter().map(|t| t.tokens.iter().map(&mut place).collect()).collect();
        (places, numbers.len())
    });
    let persons = places[Kind::Anonymized].1 as u64;
    let ByKind { pseudonymized: ours, anonymized: theirs } = &tables;
    let side = |k: Kind, t: usize, of| (of, places[k].0[t].as_slice(), places[k].1);
    let mut of_rows: Vec<Feature<'_>> = Vec::new();
    let mut of_facts: Vec<Feature<'_>> = Vec::new();
    for (at, a) in ours.iter().enumerate() {
        let Some(there) = theirs.iter().position(|b| b.table == a.table) else { continue };
        let b = &theirs[there];
        let sides =
            [side(Kind::Pseudonymized, at, &a.rows), side(Kind::Anonymized, there, &b.rows)];
        of_rows.push(Feature { name: a.table.clone(), sides });
        for (name, sums) in &a.columns {
            let Some((_, others)) = b.columns.iter().find(|(n, _)| n == name) else { continue };
            let sides =
                [side(Kind::Pseudonymized, at, sums), side(Kind::Anonymized, there, others)];
            of_facts.push(Feature { name: format!("{}.{name}", a.table), sides });
        }
    }
    // Values are made when they are compared: those of a few features are in memory at once.
    let rows = of_rows.into_par_iter().map(tried).collect::<Result<Vec<_>>>()?;
    let facts = of_facts.into_par_iter().map(tried).collect::<Result<Vec<_>>>()?;
    let mut rows: Vec<(u64, Feature<'_>)> = rows.into_iter().map(|(n, _, f)| (n, f)).collect();
    let mut facts: Vec<(u64, Feature<'_>)> =
        facts.into_iter().filter(|f| f.1 >= EQUAL).map(|(n, _, f)| (n, f)).collect();
    for list in [&mut facts, &mut rows] {
        list.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.name.cmp(&b.1.name)));
    }
    let columns = facts
        .iter()
        .filter(|(persons, _)| *persons > 0)
        .take(WORST)
        .map(|(persons, f)| Found { persons: *persons, by: vec![f.name.clone()] })
        .collect();
    let facts: Vec<&Feature<'_>> = facts.iter().map(|(_, f)| f).collect();
    let rows: Vec<&Feature<'_>> = rows.iter().map(|(_, f)| f).collect();
    let (by_facts, values) = best(None, &facts)?;
    let (by_rows, counted) = best(None, &rows)?;
    // From the better of the two: what both find is never less than what one finds.
    let both = match (values, counted) {
        (Some(values), _) if by_facts.persons >= by_rows.persons => {
            best(Some((by_facts.clone(), values)), &rows)?.0
        }
        (_, Some(values)) => best(Some((by_rows.clone(), values)), &facts)?.0,
        _ => Found::default(),
    };
    Ok(Joins { persons, facts: by_facts, rows: by_rows, both, columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(kind: u8, person: u8) -> [u8; 16] {
        let mut token = [kind; 16];
        token[0] = person;
        token
    }

    /// A table of persons with their rows: in the order of `rows`, each a person and a cell.
    fn table(kind: u8, common: &Common, rows: &[(u8, &str)]) -> Signatures {
        let mut persons: Vec<u8> = rows.iter().map(|r| r.0).collect();
        persons.sort_unstable();
        persons.dedup();
        let of = |person: &u8| -> Vec<&str> {
            rows.iter().filter(|r| r.0 == *person).map(|r| r.1).collect()
        };
        let hash = |text: &str| mix(common.hasher.hash_one(text));
        Signatures {
            table: "t".to_owned(),
            tokens: Arc::new(persons.iter().map(|&p| token(kind, p)).collect()),
            rows: Series::Here(persons.iter().map(|p| of(p).len() as u64).collect()),
            columns: vec![(
                "c".to_owned(),
                Series::Here(
                    persons
                        .iter()
                        .map(|p| {
                            of(p).into_iter().fold(0_u64, |sum, text| sum.wrapping_add(hash(text)))
                        })
                        .collect(),
                ),
            )],
        }
    }

    fn measured(a: &[(u8, &str)], b: &[(u8, &str)]) -> Joins {
        let common = Common {
            columns: BTreeSet::new(),
            tables: BTreeSet::new(),
            hasher: DefaultHashBuilder::default(),
        };
        let tables = || ByKind::from([vec![table(1, &common, a)], vec![table(2, &common, b)]]);
        // What waited on the disk tells the same.
        let root = tempfile::tempdir().unwrap();
        let shelf = Arc::new(Shelf::create(root.path()).unwrap());
        let mut waiting = tables();
        waiting.iter_mut().flatten().for_each(|t| t.shelve(&shelf).unwrap());
        let joins = measure(tables()).unwrap();
        assert_eq!(measure(waiting).unwrap(), joins);
        joins
    }

    #[test]
    fn persons_are_found_by_facts_by_rows_and_by_both() {
        // 1 and 2 share their facts, 3 and 4 their numbers of rows, 5 has both alone.
        let rows = [
            (1, "x"),
            (2, "x"),
            (3, "p"),
            (3, "q"),
            (4, "q"),
            (4, "r"),
            (5, "x"),
            (5, "x"),
            (5, "x"),
        ];
        let mut other = rows;
        other.reverse();
        let joins = measured(&rows, &other);
        assert_eq!(joins.persons, 5);
        assert_eq!((joins.facts.persons, joins.rows.persons, joins.both.persons), (3, 1, 3));
        assert_eq!(joins.facts.by, ["t.c"]);
        assert_eq!(joins.columns, [Found { persons: 3, by: vec!["t.c".to_owned()] }]);
    }

    #[test]
    fn what_is_not_in_the_other_release_finds_nobody() {
        // Another precision: nothing is equal.
        let joins =
            measured(&[(1, "11"), (2, "12"), (2, "13")], &[(1, "10"), (2, "10"), (2, "20")]);
        assert_eq!((joins.facts.persons, joins.columns.len()), (0, 0));
        assert_eq!((joins.rows.persons, joins.both.persons), (2, 2));
        // A person of whom the pseudonymized release has a double is not told from the double.
        let joins = measured(&[(1, "a"), (2, "a"), (3, "b")], &[(7, "a"), (8, "b")]);
        assert_eq!((joins.persons, joins.facts.persons), (2, 1));
        assert_eq!(measured(&[], &[]), Joins::default());
    }

    #[test]
    fn facts_of_a_part_of_the_persons_still_count() {
        // Half of the persons have a remainder in the anonymized release: the others are found.
        let a = [(1, "a"), (2, "b"), (3, "c"), (4, "d")];
        let b = [(1, "a"), (2, "b"), (3, "other"), (4, "other")];
        assert_eq!(measured(&a, &b).facts.persons, 2);
    }
}
