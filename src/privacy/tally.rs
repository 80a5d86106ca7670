//! The classes of a view added up over parts of a table that have no person in common.
//!
//! The rows of a part are counted by the packed counter ([`View`]); what is added up are its classes, which are few where a view
//! holds. Codes of a part may be higher than those before: a text that is new gets the next number.

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};
use serde::{Deserialize, Serialize};

use super::classes::View;
use super::model::measure::Counted;
use super::persons::ByPerson;
use crate::error::{Error, Result};
use crate::frame::MISSING;
use crate::say;

/// The rows of a part. All columns have a row of the table a row.
pub struct Part<'a> {
    /// Codes by column; missing is [`MISSING`].
    pub columns: Vec<Vec<u32>>,
    /// By column: codes are below it.
    pub cards: &'a [u32],
    /// Codes by sensitive column; a missing value is not a value.
    pub sensitive: &'a [Vec<u32>],
    /// By sensitive column: codes are below it.
    pub sensitive_cards: &'a [u32],
    /// Which rows are there.
    pub there: &'a [bool],
    /// The persons of the rows.
    pub people: &'a ByPerson<'a>,
}

/// Classes over all parts so far, numbered in the order in which they came.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
#[serde(try_from = "Form", into = "Form")]
pub struct Tally {
    form: Form,
    /// Class numbers, found by the hashes of their tuples.
    index: HashTable<u32>,
    hasher: DefaultHashBuilder,
}

/// What is kept of the classes.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Form {
    /// Columns.
    width: usize,
    /// The codes of the classes, one class after the other.
    tuples: Vec<u32>,
    rows: Vec<u64>,
    persons: Vec<u64>,
    values: Vec<Values>,
    /// Distinct persons of all classes.
    all: u64,
}

/// The values of a sensitive column, in distinct persons.
#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Values {
    /// Class, value, persons; ascending and each pair once up to `settled`.
    pairs: Vec<(u32, u32, u64)>,
    settled: usize,
    /// Persons by value over all classes.
    whole: Vec<u64>,
}

impl Values {
    fn add(&mut self, pairs: impl IntoIterator<Item = (u32, u32, u64)>, whole: &[u64]) {
        self.pairs.extend(pairs);
        if self.whole.len() < whole.len() {
            self.whole.resize(whole.len(), 0);
        }
        self.whole.iter_mut().zip(whole).for_each(|(all, here)| *all += here);
        if self.pairs.len() > 2 * self.settled + 1024 {
            self.pairs = self.sorted();
            self.settled = self.pairs.len();
        }
    }
    /// The pairs in order, each once.
    fn sorted(&self) -> Vec<(u32, u32, u64)> {
        let mut pairs = self.pairs.clone();
        pairs.sort_unstable();
        pairs.dedup_by(|next, kept| {
            let same = (next.0, next.1) == (kept.0, kept.1);
            if same {
                kept.2 += next.2;
            }
            same
        });
        pairs
    }
}

impl From<Tally> for Form {
    fn from(tally: Tally) -> Form {
        tally.form
    }
}

impl TryFrom<Form> for Tally {
    type Error = &'static str;
    fn try_from(form: Form) -> std::result::Result<Tally, &'static str> {
        let classes = form.rows.len();
        let fits = |v: &Values| {
            v.settled <= v.pairs.len()
                && v.pairs
                    .iter()
                    .all(|p| (p.0 as usize) < classes && (p.1 as usize) < v.whole.len())
        };
        if form.persons.len() != classes
            || form.tuples.len() != classes * form.width
            || !form.values.iter().all(fits)
        {
            return Err("the classes do not fit each other");
        }
        let mut tally = Tally::new(form.width, form.values.len());
        for class in 0..classes {
            tally.class(&form.tuples[class * form.width..][..form.width]);
        }
        if tally.len() != classes {
            return Err("a class is there twice");
        }
        Ok(Tally { form, ..tally })
    }
}

impl Tally {
    /// No classes yet.
    #[must_use]
    pub fn new(columns: usize, sensitive: usize) -> Self {
        let values = vec![Values::default(); sensitive];
        Tally { form: Form { width: columns, values, ..Form::default() }, ..Tally::default() }
    }

    /// Adds a part; gives the class of each row, [`MISSING`] for rows that are not there.
    ///
    /// # Errors
    /// `V0002` if columns or codes do not fit each other.
    pub fn add(&mut self, part: Part<'_>) -> Result<Vec<u32>> {
        let Part { mut columns, cards, sensitive, sensitive_cards, there, people } = part;
        if columns.len() != self.form.width
            || sensitive.len() != self.form.values.len()
            || sensitive.len() != sensitive_cards.len()
            || people.persons().len() != there.len()
        {
            return Err(Error::data("V0002", say!("the columns of a view do not fit each other")));
        }
        let gone = there.iter().filter(|there| !**there).count();
        if gone > 0 {
            for column in &mut columns {
                let mut there = there.iter();
                column.retain(|_| there.next() == Some(&true));
            }
        }
        let found = numbered(columns, cards, there.len() - gone)?;
        let mut class = found.class;
        if gone > 0 {
            let mut numbers = class.into_iter();
            let number = |there: &bool| there.then(|| numbers.next()).flatten().unwrap_or(MISSING);
            class = there.iter().map(number).collect();
        }
        let here = found.rows.len();
        let persons = people.count(&class, here);
        self.form.all += people.in_any(&class);
        let mut global = Vec::with_capacity(here);
        for (at, (rows, persons)) in found.rows.iter().zip(persons).enumerate() {
            let number = self.class(&found.tuples[at * self.form.width..][..self.form.width]);
            self.form.rows[number as usize] += rows;
            self.form.persons[number as usize] += persons;
            global.push(number);
        }
        for ((values, codes), &card) in
            self.form.values.iter_mut().zip(sensitive).zip(sensitive_cards)
        {
            let (pairs, whole) = values_held(people, &class, here, codes, card)?;
            let pairs =
                pairs.into_iter().filter(|&(class, value, _)| class != MISSING && value != MISSING);
            let pairs =
                pairs.map(|(class, value, persons)| (global[class as usize], value, persons));
            values.add(pairs, &whole);
        }
        for slot in class.iter_mut().filter(|slot| **slot != MISSING) {
            *slot = global[*slot as usize];
        }
        Ok(class)
    }

    /// Adds classes of other persons. `columns` and `values` say what their codes are here. Gives our number of each of
    /// their classes.
    ///
    /// # Errors
    /// `V0004` if the classes are of another view.
    pub fn merge(
        &mut self,
        other: &Tally,
        columns: &[Vec<u32>],
        values: &[Vec<u32>],
    ) -> Result<Vec<u32>> {
        let other = &other.form;
        if (self.form.width, self.form.values.len()) != (other.width, other.values.len())
            || (columns.len(), values.len()) != (other.width, other.values.len())
        {
            return Err(Error::data("V0004", say!("classes of different views cannot be merged")));
        }
        let code =
            |map: &[u32], code: u32| if code == MISSING { MISSING } else { map[code as usize] };
        let mut numbers = Vec::with_capacity(other.rows.len());
        for class in 0..other.rows.len() {
            let tuple = &other.tuples[class * other.width..][..other.width];
            let tuple: Vec<u32> = columns.iter().zip(tuple).map(|(map, &c)| code(map, c)).collect();
            let number = self.class(&tuple);
            self.form.rows[number as usize] += other.rows[class];
            self.form.persons[number as usize] += other.persons[class];
            numbers.push(number);
        }
        for ((ours, theirs), map) in self.form.values.iter_mut().zip(&other.values).zip(values) {
            let most = map.iter().max().map_or(0, |&code| code as usize + 1);
            let mut whole = vec![0; most.max(ours.whole.len())];
            for (value, &persons) in theirs.whole.iter().enumerate().filter(|(_, p)| **p > 0) {
                whole[map[value] as usize] += persons;
            }
            let pairs = theirs.pairs.iter();
            ours.add(pairs.map(|&(c, v, p)| (numbers[c as usize], map[v as usize], p)), &whole);
        }
        self.form.all += other.all;
        Ok(numbers)
    }

    fn class(&mut self, tuple: &[u32]) -> u32 {
        use std::hash::BuildHasher as _;
        let Tally { form, index, hasher } = self;
        let of = |class: u32| &form.tuples[class as usize * form.width..][..form.width];
        let entry = index.entry(
            hasher.hash_one(tuple),
            |&class| of(class) == tuple,
            |&class| hasher.hash_one(of(class)),
        );
        let slot = match entry {
            Entry::Occupied(known) => return *known.get(),
            Entry::Vacant(slot) => slot,
        };
        let class = form.rows.len() as u32;
        slot.insert(class);
        form.tuples.extend_from_slice(tuple);
        form.rows.push(0);
        form.persons.push(0);
        class
    }

    /// Whether all codes are below the numbers of texts that the columns and the sensitive columns have.
    #[must_use]
    pub fn fits(&self, columns: &[usize], values: &[usize]) -> bool {
        let Form { width, tuples, values: of_values, .. } = &self.form;
        (columns.len(), values.len()) == (*width, of_values.len())
            && tuples.chunks_exact((*width).max(1)).all(|tuple| {
                let mut codes = tuple.iter().zip(columns);
                codes.all(|(&code, &texts)| code == MISSING || (code as usize) < texts)
            })
            && of_values.iter().zip(values).all(|(of, &texts)| {
                let none = |&persons: &u64| persons == 0;
                of.whole.get(texts..).is_none_or(|beyond| beyond.iter().all(none))
                    && of.pairs.iter().all(|&(_, value, _)| (value as usize) < texts)
            })
    }

    /// Classes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.form.rows.len()
    }
    /// Whether there is no class.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.form.rows.is_empty()
    }
    /// Rows by class.
    #[must_use]
    pub fn rows(&self) -> &[u64] {
        &self.form.rows
    }
    /// Distinct persons by class.
    #[must_use]
    pub fn persons(&self) -> &[u64] {
        &self.form.persons
    }
    /// The codes of a class; missing is [`MISSING`].
    #[must_use]
    pub fn codes(&self, class: usize) -> &[u32] {
        &self.form.tuples[class * self.form.width..][..self.form.width]
    }
    /// The classes with their values, for the models.
    #[must_use]
    pub fn counted(&self) -> Counted {
        let form = &self.form;
        let sensitive = form.values.iter().map(|values| {
            let whole = values.whole.iter().enumerate().filter(|(_, persons)| **persons > 0);
            (values.sorted(), whole.map(|(value, &persons)| (value as u32, persons)).collect())
        });
        Counted::of(form.rows.clone(), form.persons.clone(), form.all, sensitive.collect())
    }
}

/// Rows numbered by their tuples.
struct Numbered {
    class: Vec<u32>,
    rows: Vec<u64>,
    tuples: Vec<u32>,
}

/// Numbers the rows of columns of any width together: columns that are too wide for one packed tuple are numbered in halves first.
fn numbered(mut columns: Vec<Vec<u32>>, cards: &[u32], rows: usize) -> Result<Numbered> {
    if columns.is_empty() {
        let there = usize::from(rows > 0);
        return Ok(Numbered {
            class: vec![0; rows],
            rows: vec![rows as u64; there],
            tuples: Vec::new(),
        });
    }
    if super::key::Layout::new(cards).is_err() && columns.len() > 1 {
        let half = columns.len() / 2;
        let second = columns.split_off(half);
        let first = numbered(columns, &cards[..half], rows)?;
        let second = numbered(second, &cards[half..], rows)?;
        let counts = [first.rows.len() as u32, second.rows.len() as u32];
        let both = numbered(vec![first.class, second.class], &counts, rows)?;
        let mut tuples = Vec::with_capacity(both.rows.len() * cards.len());
        for pair in both.tuples.chunks_exact(2) {
            let (a, b) = (pair[0] as usize, pair[1] as usize);
            tuples.extend_from_slice(&first.tuples[a * half..][..half]);
            let rest = cards.len() - half;
            tuples.extend_from_slice(&second.tuples[b * rest..][..rest]);
        }
        return Ok(Numbered { tuples, ..both });
    }
    let width = cards.len();
    let view = View::of_rows(columns, cards)?;
    let (class, table) = view.number();
    let mut tuples = Vec::with_capacity(table.rows.len() * width);
    for class in 0..table.rows.len() {
        tuples.extend_from_slice(&table.codes(class));
    }
    Ok(Numbered { class, rows: table.rows, tuples })
}

/// Class, value, persons: ascending, each pair once.
pub(crate) type Held = Vec<(u32, u32, u64)>;

/// The values that rows hold, in distinct persons: by class and value, and by value over all classes. A row without a class is
/// of class [`MISSING`], a missing value a value of its own there; over all classes neither is counted.
pub(crate) fn values_held(
    people: &ByPerson<'_>,
    class: &[u32],
    classes: usize,
    codes: &[u32],
    card: u32,
) -> Result<(Held, Vec<u64>)> {
    // The last column of a packed tuple is the first in its order.
    let (pair, table) =
        View::new(vec![codes, class], &[card, classes as u32], people.persons())?.number();
    let persons = people.count(&pair, table.rows.len());
    let held = (0..persons.len()).map(|at| {
        let tuple = table.codes(at);
        (tuple[1], tuple[0], persons[at])
    });
    let classed = codes.iter().zip(class);
    let classed: Vec<u32> =
        classed.map(|(&code, &class)| if class == MISSING { MISSING } else { code }).collect();
    Ok((held.collect(), people.count(&classed, card as usize)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    type Row = (u32, u32, u32, u32, bool);

    fn part(tally: &mut Tally, rows: &[Row], wide: usize) -> Vec<u32> {
        let code = |c: u32| if c == 3 { MISSING } else { c };
        let column = |f: fn(&Row) -> u32| rows.iter().map(f).map(code).collect::<Vec<_>>();
        let persons: Vec<u32> = rows.iter().map(|r| r.3).collect();
        let people = ByPerson::new(&persons);
        let there: Vec<bool> = rows.iter().map(|r| r.4).collect();
        let mut columns = vec![column(|r| r.0)];
        columns.extend((0..wide).map(|_| column(|r| r.1)));
        let cards: Vec<u32> = columns.iter().map(|_| u32::MAX - 1).collect();
        let sensitive = [column(|r| r.2)];
        let part = Part {
            columns,
            cards: &cards,
            sensitive: &sensitive,
            sensitive_cards: &[3],
            there: &there,
            people: &people,
        };
        tally.add(part).unwrap()
    }

    type Figures = BTreeMap<Vec<u32>, (u64, u64, Vec<(u32, u64)>)>;

    fn figures(tally: &Tally) -> Figures {
        let counted = tally.counted();
        let mut found = Figures::new();
        counted.each(|class, facts| {
            found.insert(
                tally.codes(class).to_vec(),
                (facts.rows, facts.persons, facts.sensitive[0].to_vec()),
            );
        });
        found
    }

    proptest! {
        /// Parts of disjoint persons in any number and order, merged or added, and however wide the tuples: the same figures, and
        /// those that sets give.
        #[test]
        fn parts_add_up_to_the_whole(
            rows in proptest::collection::vec((0..4_u32, 0..4_u32, 0..4_u32, 0..9_u32, proptest::bool::weighted(0.9)), 0..60),
            parts in 1..4_u32, wide in prop_oneof![Just(1_usize), Just(40)],
        ) {
            let mut whole = Tally::new(1 + wide, 1);
            let class = part(&mut whole, &rows, wide);
            let mut added = Tally::new(1 + wide, 1);
            let mut merged = Tally::new(1 + wide, 1);
            let same: Vec<Vec<u32>> = (0..=wide).map(|_| (0..4).collect()).collect();
            for p in (0..parts).rev() {
                let own: Vec<Row> = rows.iter().copied().filter(|r| r.3 % parts == p).collect();
                part(&mut added, &own, wide);
                let mut alone = Tally::new(1 + wide, 1);
                part(&mut alone, &own, wide);
                let text = serde_json::to_string(&alone).unwrap();
                let back: Tally = serde_json::from_str(&text).unwrap();
                merged.merge(&back, &same, &[(0..3).collect()]).unwrap();
            }
            let figures_whole = figures(&whole);
            prop_assert_eq!(&figures(&added), &figures_whole);
            prop_assert_eq!(&figures(&merged), &figures_whole);
            let (a, b) = (merged.counted(), whole.counted());
            prop_assert_eq!((a.whole().persons, &a.whole().sensitive), (b.whole().persons, &b.whole().sensitive));
            let mut sets: BTreeMap<Vec<u32>, (u64, BTreeSet<u32>, BTreeSet<(u32, u32)>)> = BTreeMap::new();
            for (row, &number) in rows.iter().zip(&class) {
                prop_assert_eq!(number == MISSING, !row.4);
                if row.4 {
                    let of = sets.entry(whole.codes(number as usize).to_vec()).or_default();
                    of.0 += 1;
                    of.1.insert(row.3);
                    if row.2 != 3 {
                        of.2.insert((row.2, row.3));
                    }
                }
            }
            prop_assert_eq!(sets.len(), figures_whole.len());
            for (tuple, (rows, persons, values)) in &figures_whole {
                let of = &sets[tuple];
                prop_assert_eq!((*rows, *persons), (of.0, of.1.len() as u64));
                prop_assert_eq!(values.iter().map(|v| v.1).sum::<u64>(), of.2.len() as u64);
            }
        }
    }

    #[test]
    fn classes_that_do_not_fit_are_not_read() {
        let mut tally = Tally::new(2, 1);
        part(&mut tally, &[(0, 1, 2, 0, true), (1, 1, 2, 1, true)], 1);
        let text = serde_json::to_string(&tally).unwrap();
        assert!(serde_json::from_str::<Tally>(&text).is_ok());
        assert!(serde_json::from_str::<Tally>(&text.replace("[0,1,1,1]", "[1,1,1,1]")).is_err());
        assert!(serde_json::from_str::<Tally>(&text.replace("[0,1,1,1]", "[0,1,1]")).is_err());
    }
}
