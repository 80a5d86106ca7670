//! Whom the anonymized release singles out beyond its views: rows that exactly one person fits, if facts beside a view are known.
//!
//! Every partition gives the class of each row of a view with the codes of its facts; the counting happens at the end, class by
//! class, so that the rows that are compared lie side by side. In memory: 8 bytes a row of each view's table and 4 more for
//! each fact, and once more while they are sorted.

use hashbrown::HashMap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::apply::{Applied, Surviving};
use crate::error::{Error, Name, Result};
use crate::frame::{Column, Interner, MISSING};
use crate::freeze::blank_bit;
use crate::partition::Partition;
use crate::plan::steady::Repeated;
use crate::plan::unique::{
    MILLION, Singled, TableUnique, Unique, ViewUnique, Worst, combined, fact_name, share, strongest,
};
use crate::plan::{Join, Plan, ViewColumn};
use crate::say;
use crate::views::NO_CLASS;

/// The rows of all views over all batches.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Gathered {
    views: Vec<Rows>,
    /// By table of events: rows by person.
    counts: Vec<Vec<u32>>,
    persons: u32,
}

/// The rows of one view, in the order in which they came.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Rows {
    class: Vec<u32>,
    person: Vec<u32>,
    /// By fact: 0 for a missing cell.
    facts: Vec<Vec<u32>>,
    texts: Vec<Interner>,
    sets: Vec<Sets>,
    /// By fact that may be one of stays: how its cells repeat within them.
    repeated: Vec<Repeats>,
}

/// How the cells of a column of events repeat within stays.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Repeats {
    stays: Repeated,
    /// By code of the text: filled cells.
    rows: Vec<u64>,
}

/// Sets of several values, each with a code of its own, from the end of the numbers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<Vec<u32>>", into = "Vec<Vec<u32>>")]
struct Sets(HashMap<Vec<u32>, u32>);

impl Sets {
    fn code(&mut self, set: Vec<u32>) -> u32 {
        let next = u32::MAX - self.0.len() as u32;
        *self.0.entry(set).or_insert(next)
    }
}
impl From<Vec<Vec<u32>>> for Sets {
    fn from(sets: Vec<Vec<u32>>) -> Self {
        let mut made = Sets::default();
        for set in sets {
            made.code(set);
        }
        made
    }
}
impl From<Sets> for Vec<Vec<u32>> {
    fn from(sets: Sets) -> Self {
        let mut sets: Vec<(Vec<u32>, u32)> = sets.0.into_iter().collect();
        sets.sort_unstable_by_key(|(_, code)| std::cmp::Reverse(*code));
        sets.into_iter().map(|(set, _)| set).collect()
    }
}

/// How the rows of a view's table find those of another one: both have the number of their group.
struct Link {
    here: Vec<u32>,
    there: Vec<u32>,
    groups: usize,
}

impl Gathered {
    /// Nothing yet.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        let rows = plan.unique.iter().map(|of| Rows {
            facts: vec![Vec::new(); of.facts.len()],
            texts: of.facts.iter().map(|_| Interner::new()).collect(),
            sets: vec![Sets::default(); of.facts.len()],
            repeated: vec![Repeats::default(); of.perhaps],
            ..Rows::default()
        });
        let tables = plan.counted_tables().len();
        Gathered { views: rows.collect(), counts: vec![Vec::new(); tables], persons: 0 }
    }

    /// Adds what is left of a batch; `classes` has by view the class of each row of its table.
    pub fn add(
        &mut self,
        plan: &Plan,
        partition: &Partition,
        applied: &Applied,
        surviving: &Surviving,
        classes: &[Vec<u32>],
    ) {
        let mut links: HashMap<(usize, usize, usize, usize), Link> = HashMap::new();
        let described = plan.views.iter().zip(&plan.unique);
        for (((view, of), rows), class) in described.zip(&mut self.views).zip(classes) {
            let part = &partition.tables[view.table];
            let there: Vec<usize> =
                (0..class.len()).filter(|&row| class[row] != NO_CLASS).collect();
            rows.class.extend(there.iter().map(|&row| class[row]));
            rows.person.extend(there.iter().map(|&row| self.persons + part.persons[row]));
            for (f, fact) in of.facts.iter().enumerate() {
                let codes =
                    own_codes(plan, fact, partition, applied, surviving, &mut rows.texts[f]);
                let column = &mut rows.facts[f];
                let key = match fact.join {
                    Join::SameRow => {
                        column.extend(there.iter().map(|&row| codes[row]));
                        continue;
                    }
                    Join::Key { here, there } => (view.table, here, fact.table, there),
                    _ => (view.table, usize::MAX, fact.table, usize::MAX),
                };
                let link = links.entry(key).or_insert_with(|| Link::of(partition, key));
                let perhaps = (f + of.perhaps).checked_sub(of.facts.len());
                let shown = match perhaps.and_then(|at| rows.repeated.get_mut(at)) {
                    Some(repeats) => link.one(&codes, repeats, &mut rows.sets[f]),
                    None => link.sets(&codes, &surviving.rows[fact.table], &mut rows.sets[f]),
                };
                column.extend(there.iter().map(|&row| match link.here[row] {
                    MISSING => 0,
                    group => shown[group as usize],
                }));
            }
        }
        for (table, counts) in plan.counted_tables().into_iter().zip(&mut self.counts) {
            counts.resize((self.persons as usize) + partition.ids.len(), 0);
            let here = &mut counts[self.persons as usize..];
            let rows = partition.tables[table].persons.iter().zip(&surviving.rows[table]);
            for (&person, _) in rows.filter(|(_, there)| **there) {
                here[person as usize] += 1;
            }
        }
        self.persons += partition.ids.len() as u32;
    }

    /// Takes in the rows of other persons; `numbers` has by view the number here of each class there.
    ///
    /// # Errors
    /// If they are of other views.
    pub fn merge(&mut self, other: &Gathered, numbers: &[Vec<u32>]) -> Result<()> {
        let like = (self.views.len(), self.counts.len()) == (other.views.len(), other.counts.len())
            && self.views.iter().zip(&other.views).all(|(a, b)| a.facts.len() == b.facts.len());
        if !like || numbers.len() != self.views.len() {
            return Err(crate::statistics::other());
        }
        for ((mine, theirs), numbers) in self.views.iter_mut().zip(&other.views).zip(numbers) {
            mine.class.extend(theirs.class.iter().map(|&class| numbers[class as usize]));
            mine.person.extend(theirs.person.iter().map(|&person| self.persons + person));
            for f in 0..theirs.facts.len() {
                let map = mine.texts[f].renumbered(&theirs.texts[f]);
                let text = |code: u32| if code == 0 { 0 } else { 1 + map[code as usize - 1] };
                let mut sets: HashMap<u32, u32> = HashMap::new();
                for (set, &code) in &theirs.sets[f].0 {
                    let mut set: Vec<u32> = set.iter().map(|&code| text(code)).collect();
                    set.sort_unstable();
                    sets.insert(code, mine.sets[f].code(set));
                }
                let code = |&code: &u32| match sets.get(&code) {
                    Some(&set) => set,
                    None => text(code),
                };
                mine.facts[f].extend(theirs.facts[f].iter().map(code));
                let perhaps = (f + mine.repeated.len()).checked_sub(theirs.facts.len());
                if let Some((mine, theirs)) = perhaps
                    .and_then(|at| Some((mine.repeated.get_mut(at)?, theirs.repeated.get(at)?)))
                {
                    mine.stays.add(theirs.stays);
                    for (before, &rows) in theirs.rows.iter().enumerate() {
                        mine.count(text(before as u32), rows);
                    }
                }
            }
        }
        for (mine, theirs) in self.counts.iter_mut().zip(&other.counts) {
            mine.extend(theirs);
        }
        self.persons += other.persons;
        Ok(())
    }

    /// Whether it is what such a thing is, after a journey; `classes` has by view their number.
    #[must_use]
    pub fn sound(&self, plan: &Plan, classes: &[usize]) -> bool {
        let persons = |all: &[u32]| all.iter().all(|&person| person < self.persons);
        self.views.len() == plan.unique.len()
            && self.views.len() == classes.len()
            && self.counts.len() == plan.counted_tables().len()
            && self.counts.iter().all(|c| c.len() == self.persons as usize)
            && self.views.iter().zip(&plan.unique).zip(classes).all(|((rows, of), &classes)| {
                let facts = of.facts.len();
                (rows.facts.len(), rows.texts.len(), rows.sets.len()) == (facts, facts, facts)
                    && rows.repeated.len() == of.perhaps
                    && rows.sound_repeats()
                    && rows.class.len() == rows.person.len()
                    && rows.class.iter().all(|&class| (class as usize) < classes)
                    && persons(&rows.person)
                    && (0..facts).all(|f| rows.sound(f))
            })
    }

    /// Counts.
    #[must_use]
    pub fn finish(self, plan: &Plan) -> Unique {
        let Gathered { views, counts, persons } = self;
        let tables = plan.counted_tables();
        let described = plan.views.iter().zip(&plan.unique);
        let views = described.zip(views).map(|((view, of), mut rows)| {
            let kept = rows.facts_of_stays();
            let mut found = rows.sorted(persons as usize).count(of.m, of.at_most.is_some());
            found.view = view.name.to_string();
            found.at_most = of.at_most;
            let facts = of.facts.iter().zip(kept).filter(|(_, kept)| *kept).map(|(fact, _)| fact);
            let names = facts.map(|f| fact_name(&plan.tables, f.table, f.column));
            found.facts = names.map(|name| name.to_string()).collect();
            found
        });
        let mut unique = Unique { views: views.collect(), ..Unique::default() };
        let mut by_rows: HashMap<Vec<u32>, u64> = HashMap::new();
        for person in 0..persons as usize {
            let of: Vec<u32> = counts.iter().map(|c| c[person]).collect();
            if of.iter().any(|&rows| rows > 0) {
                unique.persons += 1;
                *by_rows.entry(of).or_default() += 1;
            }
        }
        unique.alone = by_rows.values().filter(|&&persons| persons == 1).count() as u64;
        for (&table, counts) in tables.iter().zip(&counts) {
            let mut sorted: Vec<u32> = counts.iter().copied().filter(|&rows| rows > 0).collect();
            sorted.par_sort_unstable();
            unique.tables.push(TableUnique {
                table: plan.tables[table].name.to_string(),
                persons: sorted.len() as u64,
                alone: sorted.chunk_by(|a, b| a == b).filter(|same| same.len() == 1).count() as u64,
            });
        }
        unique
    }
}

/// The codes of a column in its own table: 0 for a cell that is missing, suppressed or not there.
fn own_codes(
    plan: &Plan,
    fact: &ViewColumn,
    partition: &Partition,
    applied: &Applied,
    surviving: &Surviving,
    texts: &mut Interner,
) -> Vec<u32> {
    let rows = partition.tables[fact.table].table.rows;
    let Some(cells) = &applied.tables[fact.table].columns[fact.column] else {
        return vec![0; rows];
    };
    let bit = blank_bit(plan, fact.table, fact.column);
    let blanked = &surviving.blanked[fact.table];
    // An empty text is read back as a missing cell.
    let map: Vec<u32> = cells
        .dictionary()
        .texts()
        .map(|text| if text.is_empty() { 0 } else { 1 + texts.intern(text) })
        .collect();
    let code = |row: usize, code: u32| {
        let hidden = bit.is_some_and(|bit| blanked[row] >> bit & 1 == 1);
        if code == MISSING || hidden || !surviving.rows[fact.table][row] {
            0
        } else {
            map[code as usize]
        }
    };
    cells.codes().iter().enumerate().map(|(row, &c)| code(row, c)).collect()
}

impl Link {
    /// Rows of the same person, or with the same key of the same person.
    fn of(partition: &Partition, (a, key_a, b, key_b): (usize, usize, usize, usize)) -> Link {
        let (here, there) = (&partition.tables[a], &partition.tables[b]);
        if key_a == usize::MAX {
            return Link {
                here: here.persons.clone(),
                there: there.persons.clone(),
                groups: partition.ids.len(),
            };
        }
        let shared = Column::shared(&[&here.identities[key_a], &there.identities[key_b]]);
        let mut numbers: HashMap<(u32, u32), u32> = HashMap::new();
        let numbers_of = |codes: &[u32], persons: &[u32], numbers: &mut HashMap<_, u32>| {
            let number = |(&code, &person): (&u32, &u32)| match code {
                MISSING => MISSING,
                _ => {
                    let next = numbers.len() as u32;
                    *numbers.entry((code, person)).or_insert(next)
                }
            };
            codes.iter().zip(persons).map(number).collect::<Vec<u32>>()
        };
        let there = numbers_of(shared[1].codes(), &there.persons, &mut numbers);
        let here = numbers_of(shared[0].codes(), &here.persons, &mut numbers);
        Link { here, there, groups: numbers.len() }
    }

    /// By group: the code of what its rows show; a set of several values has a code of its own, from the end of the numbers.
    fn sets(&self, codes: &[u32], surviving: &[bool], sets: &mut Sets) -> Vec<u32> {
        let mut one = vec![0_u32; self.groups];
        let mut several: Vec<(u32, u32)> = Vec::new();
        for ((&group, &code), &there) in self.there.iter().zip(codes).zip(surviving) {
            if group == MISSING || code == 0 || !there {
                continue;
            }
            let slot = &mut one[group as usize];
            if *slot == 0 {
                *slot = code;
            } else if *slot != code {
                several.push((group, code));
            }
        }
        several.sort_unstable();
        several.dedup();
        for same in several.chunk_by(|a, b| a.0 == b.0) {
            let slot = &mut one[same[0].0 as usize];
            let mut set: Vec<u32> = same.iter().map(|s| s.1).collect();
            set.push(*slot);
            set.sort_unstable();
            *slot = sets.code(set);
        }
        one
    }
}

impl Link {
    /// By group: the code of what its rows show; those with several values have one code together. Counts how cells repeat.
    fn one(&self, codes: &[u32], repeats: &mut Repeats, sets: &mut Sets) -> Vec<u32> {
        /// Several filled cells, of one value or of several.
        const AGAIN: u8 = 1;
        const VARIES: u8 = 2;
        let mut one = vec![0_u32; self.groups];
        let mut seen = vec![0_u8; self.groups];
        // A cell that went is 0.
        for (&group, &code) in self.there.iter().zip(codes) {
            if group == MISSING || code == 0 {
                continue;
            }
            repeats.count(code, 1);
            let (slot, seen) = (&mut one[group as usize], &mut seen[group as usize]);
            if *slot == 0 {
                *slot = code;
                continue;
            }
            *seen |= AGAIN;
            if *slot != code {
                *seen |= VARIES;
            }
        }
        let count = |bit| seen.iter().filter(|&&seen| seen & bit != 0).count() as u64;
        let (several, varying) = (count(AGAIN), count(VARIES));
        repeats.stays.add(Repeated { several, varying, empty: 0 });
        if varying > 0 {
            let code = sets.code(Vec::new());
            let there = one.iter_mut().zip(&seen).filter(|(_, seen)| **seen & VARIES != 0);
            there.for_each(|(slot, _)| *slot = code);
        }
        one
    }
}

impl Repeats {
    fn count(&mut self, code: u32, rows: u64) {
        let at = code as usize;
        if at >= self.rows.len() {
            self.rows.resize(at + 1, 0);
        }
        self.rows[at] += rows;
    }
}

/// The rows of one view by class, within a class by person.
struct Sorted {
    class: Vec<u32>,
    person: Vec<u32>,
    facts: Vec<Vec<u32>>,
    persons: usize,
}

/// The places of `keys` in the order of `order` sorted by key; equal keys stay in order.
fn by_key(order: &[u32], keys: &[u32], count: usize) -> Vec<u32> {
    let mut starts = vec![0_u32; count + 1];
    for &key in keys {
        starts[key as usize + 1] += 1;
    }
    for key in 0..count {
        starts[key + 1] += starts[key];
    }
    let mut sorted = vec![0_u32; order.len()];
    for &row in order {
        let at = &mut starts[keys[row as usize] as usize];
        sorted[*at as usize] = row;
        *at += 1;
    }
    sorted
}

impl Rows {
    fn sound(&self, fact: usize) -> bool {
        let texts = self.texts[fact].dictionary().len();
        let text = |code: &u32| *code as usize <= texts;
        let set = |code: u32| ((u32::MAX - code) as usize) < self.sets[fact].0.len();
        self.facts[fact].len() == self.class.len()
            && self.facts[fact].iter().all(|code| text(code) || set(*code))
            && self.sets[fact].0.keys().flatten().all(text)
    }
    fn sound_repeats(&self) -> bool {
        let texts = self.texts.iter().rev().zip(self.repeated.iter().rev());
        texts.into_iter().all(|(texts, r)| r.rows.len() <= texts.dictionary().len() + 1)
    }
    /// By fact: whether it is kept. A column of events that is none of stays goes.
    fn facts_of_stays(&mut self) -> Vec<bool> {
        let sure = self.facts.len() - self.repeated.len();
        let mut kept = vec![true; sure];
        kept.extend(self.repeated.iter().map(|r| r.stays.is_steady(false, r.rows.iter().copied())));
        let mut each = kept.iter();
        self.facts.retain(|_| each.next().copied().unwrap_or(true));
        kept
    }
    fn sorted(self, persons: usize) -> Sorted {
        let rows: Vec<u32> = (0..self.class.len() as u32).collect();
        let classes = self.class.iter().max().map_or(0, |&most| most as usize + 1);
        let order = by_key(&by_key(&rows, &self.person, persons), &self.class, classes);
        let take = |column: &[u32]| order.iter().map(|&row| column[row as usize]).collect();
        Sorted {
            class: take(&self.class),
            person: take(&self.person),
            facts: self.facts.into_par_iter().map(|column| take(&column)).collect(),
            persons,
        }
    }
}

/// Groups of the rows of one class. Slots of earlier classes are told by their stamp: nothing is cleared.
struct Groups {
    slots: Vec<Slot>,
    used: Vec<u32>,
    stamp: u32,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    key: u128,
    stamp: u32,
    last: u32,
    persons: u32,
    rows: u32,
}

impl Groups {
    fn of(most: usize) -> Groups {
        let size = (most.max(4) * 2).next_power_of_two();
        Groups { slots: vec![Slot::default(); size], used: Vec::new(), stamp: 0 }
    }
    fn begin(&mut self) {
        self.stamp += 1;
        self.used.clear();
    }
    /// Adds a row; rows of one person follow one another.
    #[inline]
    fn add(&mut self, key: u128, person: u32) {
        let mask = self.slots.len() - 1;
        let mixed =
            (key as u64 ^ ((key >> 64) as u64).rotate_left(23)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let mut at = (mixed ^ mixed >> 32) as usize & mask;
        loop {
            let slot = &mut self.slots[at];
            if slot.stamp != self.stamp {
                *slot = Slot { key, stamp: self.stamp, last: person, persons: 1, rows: 1 };
                self.used.push(at as u32);
                return;
            }
            if slot.key == key {
                slot.rows += 1;
                if slot.last != person {
                    slot.last = person;
                    slot.persons += 1;
                }
                return;
            }
            at = (at + 1) & mask;
        }
    }
    fn found(&self) -> impl Iterator<Item = &Slot> {
        self.used.iter().map(|&at| &self.slots[at as usize])
    }
}

impl Sorted {
    /// Whom the class with some facts singles out; who they are, if it is asked.
    fn singled(&self, facts: &[usize], mut who: Option<&mut Vec<bool>>) -> Singled {
        let classes = self.class.chunk_by(|a, b| a == b);
        let most = classes.clone().map(<[u32]>::len).max().unwrap_or(0);
        let mut groups = Groups::of(if facts.is_empty() { 1 } else { most });
        let mut singled = Singled::default();
        let mut start = 0;
        for class in classes {
            let rows = start..start + class.len();
            start = rows.end;
            groups.begin();
            let persons = &self.person[rows.clone()];
            let column = |f: usize| &self.facts[f][rows.clone()];
            match *facts {
                [] => persons.iter().for_each(|&p| groups.add(0, p)),
                [a] => {
                    for (&a, &p) in column(a).iter().zip(persons) {
                        groups.add(u128::from(a), p);
                    }
                }
                [a, b] => {
                    for ((&a, &b), &p) in column(a).iter().zip(column(b)).zip(persons) {
                        groups.add(u128::from(a) | u128::from(b) << 32, p);
                    }
                }
                _ => {
                    let columns: Vec<&[u32]> = facts.iter().map(|&f| column(f)).collect();
                    for (row, &p) in persons.iter().enumerate() {
                        let key = columns.iter().fold(0, |key, c| key << 32 | u128::from(c[row]));
                        groups.add(key, p);
                    }
                }
            }
            for group in groups.found() {
                singled.guessed += u64::from(group.rows) * MILLION / u64::from(group.persons);
                if group.persons == 1 {
                    singled.rows += u64::from(group.rows);
                    if let Some(who) = who.as_deref_mut() {
                        who[group.last as usize] = true;
                    }
                }
            }
        }
        singled
    }

    fn with_persons(&self, facts: &[usize]) -> Singled {
        let mut who = vec![false; self.persons];
        let singled = self.singled(facts, Some(&mut who));
        Singled { persons: who.iter().filter(|&&one| one).count() as u64, ..singled }
    }

    fn count(&self, m: usize, limited: bool) -> ViewUnique {
        let rows = self.class.len() as u64;
        let all = self.facts.len();
        let by_fact: Vec<Singled> =
            (0..all).into_par_iter().map(|f| self.with_persons(&[f])).collect();
        let most = combined(rows, all, m, limited);
        let searched = strongest(&by_fact, most);
        let worst = (1..=m.min(all)).filter_map(|size| {
            let best = if size == 1 {
                by_fact.iter().enumerate().map(|(f, s)| (s.rows, vec![f])).max_by(order)
            } else {
                combinations(&searched, size)
                    .into_par_iter()
                    .map(|facts| (self.singled(&facts, None).rows, facts))
                    .max_by(order)
            };
            best.map(|(_, facts)| Worst { singled: self.with_persons(&facts), facts })
        });
        let worst = worst.collect();
        let (persons, by_set, by_rows) = self.by_classes();
        ViewUnique {
            rows,
            persons,
            m,
            combined: most,
            alone: self.with_persons(&[]),
            by_fact,
            worst,
            by_set,
            by_rows,
            ..ViewUnique::default()
        }
    }

    /// Persons with rows; of them, those whose classes nobody else has: as a set, and with repetitions.
    fn by_classes(&self) -> (u64, u64, u64) {
        let rows: Vec<u32> = (0..self.class.len() as u32).collect();
        // The rows are in the order of their classes: so are those of each person.
        let order = by_key(&rows, &self.person, self.persons);
        let classes: Vec<u32> = order.iter().map(|&row| self.class[row as usize]).collect();
        let mut sets: HashMap<Vec<u32>, u64> = HashMap::new();
        let mut all: HashMap<&[u32], u64> = HashMap::new();
        let (mut persons, mut start) = (0, 0);
        for of in order.chunk_by(|&a, &b| self.person[a as usize] == self.person[b as usize]) {
            let classes = &classes[start..start + of.len()];
            start += of.len();
            persons += 1;
            let mut set = classes.to_vec();
            set.dedup();
            *sets.entry(set).or_default() += 1;
            *all.entry(classes).or_default() += 1;
        }
        let sets = sets.values().filter(|&&n| n == 1).count() as u64;
        (persons, sets, all.values().filter(|&&n| n == 1).count() as u64)
    }
}

/// More rows first; of as many, the combination that comes first.
fn order(a: &(u64, Vec<usize>), b: &(u64, Vec<usize>)) -> std::cmp::Ordering {
    a.0.cmp(&b.0).then_with(|| b.1.cmp(&a.1))
}

/// All combinations of some facts.
fn combinations(of: &[usize], size: usize) -> Vec<Vec<usize>> {
    let mut all: Vec<Vec<usize>> = vec![Vec::new()];
    for step in 0..size {
        all = all
            .into_iter()
            .flat_map(|begun| {
                let from = begun.last().map_or(0, |last| of.partition_point(|f| f <= last));
                let left = size - step - 1;
                let to = of.len().saturating_sub(left).max(from);
                of[from..to].iter().map(move |&next| [begun.as_slice(), &[next]].concat())
            })
            .collect();
    }
    all
}

/// Refuses a release that singles out more than its policy allows.
///
/// # Errors
/// `C0111` for each view beyond its limit.
pub fn judge(unique: &Unique) -> Result<()> {
    let errors = unique.views.iter().filter(|view| view.exceeds()).map(|view| {
        let facts = view.worst.last().map_or(&[][..], |w| &w.facts);
        let named: Vec<_> = facts
            .iter()
            .map(|&f| say!("`{}`", Name::from_policy(view.facts[f].clone())))
            .collect();
        Error::refused(
            "C0111",
            say!(
                "view `{}`: who knows its facts and {} is left with one person in {} of {} rows ({}), and {} may be",
                Name::from_policy(view.view.clone()),
                if named.is_empty() { say!("nothing else") } else { crate::error::Said::join(&named, " and ") },
                crate::error::small(view.most().rows),
                view.rows,
                share(view.most().rows, view.rows),
                view.at_most
            ),
        )
        .advice(say!(
            "leave these columns out or make them coarser, or put them into the view (`kakou explain --input` shows what each fact singles out; docs/risk.md)"
        ))
    });
    Error::all(errors.collect()).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    /// By the definition: rows are (class, person, facts).
    fn plainly(rows: &[(u32, u32, [u32; 4])], facts: &[usize]) -> (u64, u64) {
        let key =
            |r: &(u32, u32, [u32; 4])| (r.0, facts.iter().map(|&f| r.2[f]).collect::<Vec<_>>());
        let mut fits: BTreeMap<_, BTreeSet<u32>> = BTreeMap::new();
        for row in rows {
            fits.entry(key(row)).or_default().insert(row.1);
        }
        let single: Vec<_> = rows.iter().filter(|r| fits[&key(r)].len() == 1).collect();
        let persons: BTreeSet<u32> = single.iter().map(|r| r.1).collect();
        (single.len() as u64, persons.len() as u64)
    }

    fn rows(all: &[(u32, u32, [u32; 4])]) -> Rows {
        Rows {
            class: all.iter().map(|r| r.0).collect(),
            person: all.iter().map(|r| r.1).collect(),
            facts: (0..4).map(|f| all.iter().map(|r| r.2[f]).collect()).collect(),
            ..Rows::default()
        }
    }

    proptest! {
        #[test]
        fn all_figures_are_those_of_the_definition(
            all in proptest::collection::vec((0..3_u32, 0..8_u32, proptest::array::uniform4(0..3_u32)), 0..40),
            m in 1..4_usize,
        ) {
            let found = rows(&all).sorted(8).count(m, true);
            let persons: BTreeSet<u32> = all.iter().map(|r| r.1).collect();
            prop_assert_eq!((found.rows, found.persons), (all.len() as u64, persons.len() as u64));
            let pair = |s: &Singled| (s.rows, s.persons);
            prop_assert_eq!(pair(&found.alone), plainly(&all, &[]));
            for f in 0..4 {
                prop_assert_eq!(pair(&found.by_fact[f]), plainly(&all, &[f]));
            }
            for size in 1..=m {
                let every: Vec<Vec<usize>> = (0..16_usize)
                    .filter(|bits| bits.count_ones() as usize == size)
                    .map(|bits| (0..4).filter(|f| bits >> f & 1 == 1).collect())
                    .collect();
                let most = every.iter().map(|facts| plainly(&all, facts).0).max().unwrap();
                let worst = &found.worst[size - 1];
                prop_assert_eq!(worst.singled.rows, most);
                prop_assert_eq!(pair(&worst.singled), plainly(&all, &worst.facts));
                prop_assert_eq!(combinations(&[0, 1, 2, 3], size).len(), every.len());
            }
            let mut classes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            for row in &all {
                classes.entry(row.1).or_default().push(row.0);
            }
            classes.values_mut().for_each(|c| c.sort_unstable());
            let alone = |of: &dyn Fn(&Vec<u32>) -> Vec<u32>| {
                let all: Vec<Vec<u32>> = classes.values().map(of).collect();
                all.iter().filter(|a| all.iter().filter(|b| a == b).count() == 1).count() as u64
            };
            prop_assert_eq!(found.by_rows, alone(&|c| c.clone()));
            let set = |c: &Vec<u32>| c.iter().copied().collect::<BTreeSet<_>>().into_iter().collect();
            prop_assert_eq!(found.by_set, alone(&set));
        }
    }

    #[test]
    fn a_guess_among_n_persons_finds_one_in_n() {
        let all = [(0, 0, [0; 4]), (0, 1, [0; 4]), (1, 2, [0; 4]), (1, 2, [1, 0, 0, 0])];
        let found = rows(&all).sorted(3).count(1, true);
        // Two rows of class 0 may be either of two persons; both rows of class 1 are of one.
        assert_eq!(found.alone, Singled { rows: 2, persons: 1, guessed: 3 * MILLION });
    }

    #[test]
    fn several_values_of_a_stay_are_one_fact() {
        let link =
            Link { here: vec![0, 1, MISSING], there: vec![0, 0, 1, 1, 1, MISSING], groups: 2 };
        let mut sets = Sets::default();
        let shown = link.sets(&[1, 2, 2, 1, 2, 9], &[true; 6], &mut sets);
        assert_eq!(shown[0], shown[1]);
        assert!(shown[0] > 9);
        // A row that is gone and a missing cell show nothing.
        let gone = [false, true, false, true, false, true];
        assert_eq!(link.sets(&[1, 2, 2, 0, 2, 9], &gone, &mut sets), [2, 0]);
    }
}
