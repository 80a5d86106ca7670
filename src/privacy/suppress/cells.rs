//! Suppression of single cells (local suppression) so that no row is told apart among fewer than k.
//!
//! What is reached depends on how a suppressed cell is read ([`Reading`]):
//!
//! * *own category* (strict, the default of this program): a suppressed cell is a value like any other, so rows with the same cells
//!   suppressed must be k together. It costs more and holds against whoever groups the release.
//! * *matches everything*: a suppressed cell may be anything, so a row is hidden among all rows it could be. It is how sdcMicro
//!   counts, it is cheap, and it is weak: one row with every cell suppressed would count for all others (k - 1 such rows
//!   "protect" any table). So here only rows that fail lose cells, and only as many as they themselves need.
//!
//! The least number of cells is NP-hard to find (Meyerson & Williams, PODS 2004) in both readings; these are greedy searches
//! followed by giving back every cell that turns out superfluous. Deterministic: whole-number weights, ties by row and column.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use hashbrown::{HashMap, HashSet};

use crate::Reading;
use crate::error::{Error, Result};
use crate::frame::MISSING;
use crate::say;

/// A table of which cells may be suppressed.
#[derive(Clone, Copy, Debug)]
pub struct Cells<'a> {
    /// Codes by column, [`MISSING`] where there is none already.
    pub columns: &'a [&'a [u32]],
    /// Codes of each column.
    pub cards: &'a [u32],
    /// The person of each row.
    pub person: &'a [u32],
    /// Persons, 2 or more.
    pub k: u64,
    /// What a suppressed cell of each column costs (1 or more); `None`: never suppress it.
    pub weights: &'a [Option<u32>],
}

/// Which cells go.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct CellsRemoved {
    /// (row, column), ascending.
    pub cells: Vec<(u32, u32)>,
    /// Cells by column.
    pub by_column: Vec<u64>,
    /// Rows that cannot be helped by suppressing cells and must go as a whole, ascending. None of their cells is listed.
    pub unsolved: Vec<u32>,
}

/// Most columns.
const MOST_COLUMNS: usize = 32;
/// Most sets of columns that are tried.
const MOST_SETS: usize = 4096;

/// Rows as packed tuples.
struct Packed {
    keys: Vec<u128>,
    masks: Vec<u32>,
    fields: Vec<u128>,
    missing: Vec<u128>,
}

impl Packed {
    fn new(cells: &Cells<'_>) -> Result<Packed> {
        let rows = cells.person.len();
        let fits = cells.columns.len() <= MOST_COLUMNS
            && cells.cards.len() == cells.columns.len()
            && cells.weights.len() == cells.columns.len()
            && cells.weights.iter().all(|w| *w != Some(0))
            && u32::try_from(rows).is_ok()
            && cells.columns.iter().zip(cells.cards).all(|(column, &card)| {
                column.len() == rows && column.iter().all(|&c| c < card || c == MISSING)
            });
        if !fits || cells.k < 2 {
            return Err(Error::data(
                "V0301",
                say!(
                    "cells cannot be suppressed: at most 32 columns of equal length, codes in range, weights of 1 or more, k of 2 or more"
                ),
            ));
        }
        let mut shift = 0;
        let (mut fields, mut missing, mut shifts) = (Vec::new(), Vec::new(), Vec::new());
        for &card in cells.cards {
            let width = (u32::BITS - card.leading_zeros()).max(1);
            if shift + width > u128::BITS {
                return Err(Error::policy(
                    "V0302",
                    say!("the columns are too wide together for suppressing cells (128 bits)"),
                )
                .advice(say!("name fewer quasi-identifiers, or generalize them first")));
            }
            fields.push(((1_u128 << width) - 1) << shift);
            missing.push(u128::from(card) << shift);
            shifts.push(shift);
            shift += width;
        }
        let mut keys = vec![0_u128; rows];
        let mut masks = vec![0_u32; rows];
        for (at, column) in cells.columns.iter().enumerate() {
            for (row, &code) in column.iter().enumerate() {
                if code == MISSING {
                    keys[row] |= missing[at];
                    masks[row] |= 1 << at;
                } else {
                    keys[row] |= u128::from(code) << shifts[at];
                }
            }
        }
        Ok(Packed { keys, masks, fields, missing })
    }
    /// The bits of the columns that are not in a set.
    fn outside(&self, set: u32) -> u128 {
        let inside = self.fields.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
        !inside.fold(0, |all, (_, field)| all | field)
    }
    fn starred(&self, key: u128, set: u32) -> u128 {
        let holes = self.missing.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
        holes.fold(key & self.outside(set), |key, (_, hole)| key | hole)
    }
}

fn cost(weights: &[Option<u32>], set: u32) -> u64 {
    let inside = weights.iter().enumerate().filter(|(at, _)| set >> at & 1 == 1);
    inside.map(|(_, w)| u64::from(w.unwrap_or(0))).sum()
}

/// The sets of columns that may be suppressed, cheapest first, without the empty one.
fn sets(weights: &[Option<u32>]) -> Vec<u32> {
    let allowed: Vec<u32> =
        weights.iter().enumerate().filter(|(_, w)| w.is_some()).map(|(at, _)| 1 << at).collect();
    let full: u32 = allowed.iter().sum();
    let mut found: Vec<u32> = Vec::new();
    let mut last: Vec<u32> = vec![0];
    while !last.is_empty() && found.len() < MOST_SETS {
        last = last
            .iter()
            .flat_map(|&set| {
                allowed.iter().filter(move |bit| **bit > set).map(move |bit| set | bit)
            })
            .collect();
        last.truncate(MOST_SETS);
        found.extend(&last);
    }
    if full != 0 && !found.contains(&full) {
        found.push(full);
    }
    found.sort_by_key(|&set| (cost(weights, set), set));
    found
}

/// Suppresses cells until every row is among at least k persons in the given reading.
///
/// # Errors
/// `V0301` or `V0302` if the table does not fit, `V0303` for the reading [`Reading::MatchesNothing`], or the reading
/// [`Reading::MatchesEverything`] where a person has several rows.
pub fn suppress(cells: &Cells<'_>, reading: Reading) -> Result<CellsRemoved> {
    let packed = Packed::new(cells)?;
    let holes = match reading {
        Reading::OwnCategory => Strict::new(cells, &packed).run(),
        Reading::MatchesEverything => {
            let mut persons = cells.person.to_vec();
            persons.sort_unstable();
            if persons.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(Error::policy(
                    "V0303",
                    say!("cells that match everything are counted in rows, but a person has several rows"),
                )
                .advice(say!("use the strict reading, in which a suppressed cell is a category of its own")));
            }
            wild(cells, &packed)?
        }
        Reading::MatchesNothing => {
            return Err(Error::policy(
                "V0303",
                say!("suppressing cells cannot protect a row if a suppressed cell matches nothing"),
            ));
        }
    };
    let mut removed =
        CellsRemoved { by_column: vec![0; cells.columns.len()], ..Default::default() };
    for (row, hole) in holes.into_iter().enumerate() {
        match hole {
            None => removed.unsolved.push(row as u32),
            Some(set) => {
                for (column, count) in removed.by_column.iter_mut().enumerate() {
                    if set >> column & 1 == 1 {
                        removed.cells.push((row as u32, column as u32));
                        *count += 1;
                    }
                }
            }
        }
    }
    Ok(removed)
}

/// Counts and lists of rows by what they show outside a set of columns, kept as rows lose cells. A row with the holes M agrees
/// with one with the holes R if they are equal outside M ∪ R, so there is a map for each M and each M ∪ R that is asked for.
struct Wild<'a> {
    cells: &'a Cells<'a>,
    packed: &'a Packed,
    masks: Vec<u32>,
    /// Rows by holes and key.
    groups: BTreeMap<u32, BTreeMap<u128, u32>>,
    counts: BTreeMap<(u32, u32), HashMap<u128, u32>>,
    /// The same for the rows that failed at first, which alone depend on what is suppressed.
    failing: Vec<u32>,
    watched: BTreeMap<u32, BTreeMap<u128, Vec<u32>>>,
    lists: BTreeMap<(u32, u32), HashMap<u128, Vec<u32>>>,
    matches: HashMap<u32, u64>,
}

impl<'a> Wild<'a> {
    fn new(cells: &'a Cells<'a>, packed: &'a Packed) -> Self {
        let mut groups: BTreeMap<u32, BTreeMap<u128, u32>> = BTreeMap::new();
        let mut sorted: Vec<(u32, u128)> =
            packed.masks.iter().copied().zip(packed.keys.iter().copied()).collect();
        sorted.sort_unstable();
        for same in sorted.chunk_by(|a, b| a == b) {
            let key = same[0].1 & packed.outside(same[0].0);
            groups.entry(same[0].0).or_default().insert(key, same.len() as u32);
        }
        let mut wild = Wild {
            cells,
            packed,
            masks: packed.masks.clone(),
            groups,
            counts: BTreeMap::new(),
            failing: Vec::new(),
            watched: BTreeMap::new(),
            lists: BTreeMap::new(),
            matches: HashMap::new(),
        };
        let mut known: HashMap<(u32, u128), u64> = HashMap::new();
        for row in 0..packed.keys.len() as u32 {
            let pattern = (packed.masks[row as usize], packed.keys[row as usize]);
            let found = match known.get(&pattern) {
                Some(&found) => found,
                None => {
                    let found = wild.agreeing(pattern.1, pattern.0);
                    known.insert(pattern, found);
                    found
                }
            };
            if found < cells.k {
                wild.failing.push(row);
                wild.matches.insert(row, found);
                let key = pattern.1 & packed.outside(pattern.0);
                wild.watched.entry(pattern.0).or_default().entry(key).or_default().push(row);
            }
        }
        wild
    }
    /// Rows that agree with a key outside its holes and theirs.
    fn agreeing(&mut self, key: u128, holes: u32) -> u64 {
        let mut sum = 0;
        for (&mask, group) in &self.groups {
            let union = mask | holes;
            let outside = self.packed.outside(union);
            let map = self.counts.entry((mask, union)).or_insert_with(|| {
                let mut map: HashMap<u128, u32> = HashMap::with_capacity(group.len());
                for (key, &n) in group {
                    *map.entry(key & outside).or_default() += n;
                }
                map
            });
            sum += u64::from(map.get(&(key & outside)).copied().unwrap_or(0));
        }
        sum
    }
    /// Calls with every watched row that agrees with a key under `now` and did not under `before`.
    fn gained(&mut self, row: u32, before: u32, now: u32, mut with: impl FnMut(u32, u64)) {
        let key = self.packed.keys[row as usize];
        let Wild { packed, watched, lists, matches, .. } = self;
        for (&mask, group) in watched.iter() {
            let union = mask | now;
            let outside = packed.outside(union);
            let map = lists.entry((mask, union)).or_insert_with(|| {
                let mut map: HashMap<u128, Vec<u32>> = HashMap::with_capacity(group.len());
                for (key, rows) in group {
                    map.entry(key & outside).or_default().extend(rows);
                }
                map
            });
            let already = packed.outside(mask | before);
            for &other in map.get(&(key & outside)).map_or(&[][..], Vec::as_slice) {
                if other != row && (packed.keys[other as usize] ^ key) & already != 0 {
                    with(other, matches.get(&other).copied().unwrap_or(0));
                }
            }
        }
    }
    fn set_holes(&mut self, row: u32, holes: u32) {
        let before = self.masks[row as usize];
        let (more, less) = (holes & !before != 0, before & !holes != 0);
        let mut changed: Vec<u32> = Vec::new();
        if more {
            self.gained(row, before, holes, |other, _| changed.push(other));
        } else if less {
            self.gained(row, holes, before, |other, _| changed.push(other));
        }
        for other in changed {
            if let Some(n) = self.matches.get_mut(&other) {
                if more { *n += 1 } else { *n -= 1 }
            }
        }
        let full = self.packed.keys[row as usize];
        let packed = self.packed;
        let at = |mask: u32| full & packed.outside(mask);
        if let Some(n) = self.groups.get_mut(&before).and_then(|g| g.get_mut(&at(before))) {
            *n -= 1;
        }
        *self.groups.entry(holes).or_default().entry(at(holes)).or_default() += 1;
        for (&(_, union), map) in self.counts.range_mut((before, 0)..=(before, u32::MAX)) {
            if let Some(n) = map.get_mut(&at(union)) {
                *n -= 1;
            }
        }
        for (&(_, union), map) in self.counts.range_mut((holes, 0)..=(holes, u32::MAX)) {
            *map.entry(at(union)).or_default() += 1;
        }
        let without = |rows: &mut Vec<u32>| rows.retain(|r| *r != row);
        if let Some(rows) = self.watched.get_mut(&before).and_then(|g| g.get_mut(&at(before))) {
            without(rows);
        }
        self.watched.entry(holes).or_default().entry(at(holes)).or_default().push(row);
        for (&(_, union), map) in self.lists.range_mut((before, 0)..=(before, u32::MAX)) {
            if let Some(rows) = map.get_mut(&at(union)) {
                without(rows);
            }
        }
        for (&(_, union), map) in self.lists.range_mut((holes, 0)..=(holes, u32::MAX)) {
            map.entry(at(union)).or_default().push(row);
        }
        self.masks[row as usize] = holes;
        let own = self.agreeing(full, holes);
        self.matches.insert(row, own);
    }
    fn fails(&self, row: u32) -> bool {
        self.matches.get(&row).is_some_and(|n| *n < self.cells.k)
    }
    /// The best set of so many columns that is enough for a row: what it and other failing rows gain, by cost.
    fn best(&mut self, row: u32, sets: &[u32]) -> Option<(u64, Reverse<u32>, Reverse<u32>)> {
        let (k, before) = (self.cells.k, self.masks[row as usize]);
        let key = self.packed.keys[row as usize];
        let own = k - self.matches.get(&row).copied().unwrap_or(0).min(k);
        let mut best = None;
        for &set in sets.iter().filter(|&&set| set & before == 0) {
            if self.agreeing(key, before | set) < k {
                continue;
            }
            let mut gain = own << 16;
            self.gained(row, before, before | set, |_, n| {
                if n < k {
                    // A row that lacks little is nearly saved; one that lacks much gains little.
                    gain += (1 << 16) / (k - n);
                }
            });
            let score = (gain << 16) / cost(self.cells.weights, set);
            best = best.max(Some((score, Reverse(row), Reverse(set))));
        }
        best
    }
    fn run(mut self) -> Vec<Option<u32>> {
        let all = sets(self.cells.weights);
        let start = self.masks.clone();
        // Sets of one cost after the other; within it the row that helps most first.
        let mut from = 0;
        while from < all.len() && self.failing.iter().any(|&row| self.fails(row)) {
            let price = cost(self.cells.weights, all[from]);
            let to = from + all[from..].partition_point(|&s| cost(self.cells.weights, s) == price);
            let now = &all[from..to];
            from = to;
            let mut heap: BinaryHeap<(u64, Reverse<u32>, Reverse<u32>)> = BinaryHeap::new();
            for row in self.failing.clone() {
                if self.fails(row) {
                    heap.extend(self.best(row, now));
                }
            }
            while let Some((_, Reverse(row), _)) = heap.pop() {
                if !self.fails(row) {
                    continue;
                }
                let Some(fresh) = self.best(row, now) else { continue };
                if heap.peek().is_some_and(|next| *next > fresh) {
                    heap.push(fresh);
                    continue;
                }
                let holes = self.masks[row as usize] | fresh.2.0;
                self.set_holes(row, holes);
            }
        }
        self.give_back(&start);
        let unsolved: HashSet<u32> =
            self.failing.iter().copied().filter(|&row| self.fails(row)).collect();
        (0..self.masks.len())
            .map(|row| (!unsolved.contains(&(row as u32))).then_some(self.masks[row] & !start[row]))
            .collect()
    }
    /// Gives back every cell without which all rows that hold still hold, the dearest first.
    fn give_back(&mut self, start: &[u32]) {
        let mut given: Vec<(Reverse<u32>, u32, u32)> = Vec::new();
        for &row in &self.failing {
            let set = self.masks[row as usize] & !start[row as usize];
            for (column, weight) in self.cells.weights.iter().enumerate() {
                if set >> column & 1 == 1 {
                    given.push((Reverse(weight.unwrap_or(0)), row, 1 << column));
                }
            }
        }
        given.sort_unstable();
        for (_, row, bit) in given {
            let (k, before) = (self.cells.k, self.masks[row as usize]);
            let now = before & !bit;
            let mut possible = self.agreeing(self.packed.keys[row as usize], now) >= k;
            self.gained(row, now, before, |_, n| possible &= n != k);
            if possible {
                self.set_holes(row, now);
            }
        }
    }
}

/// Rows that cannot be helped go as a whole, and those that counted on them are looked at again.
fn wild(cells: &Cells<'_>, packed: &Packed) -> Result<Vec<Option<u32>>> {
    let mut holes = Wild::new(cells, packed).run();
    let mut left: Vec<usize> = (0..holes.len()).filter(|&row| holes[row].is_some()).collect();
    let mut gone = holes.len() - left.len();
    while gone > 0 && !left.is_empty() {
        let pick = |column: &[u32]| left.iter().map(|&row| column[row]).collect::<Vec<u32>>();
        let columns: Vec<Vec<u32>> = cells.columns.iter().map(|c| pick(c)).collect();
        let columns: Vec<&[u32]> = columns.iter().map(Vec::as_slice).collect();
        let person = pick(cells.person);
        let fewer = Cells { columns: &columns, person: &person, ..*cells };
        let found = Wild::new(&fewer, &Packed::new(&fewer)?).run();
        for (&row, hole) in left.iter().zip(&found) {
            holes[row] = *hole;
        }
        gone = found.iter().filter(|hole| hole.is_none()).count();
        left.retain(|&row| holes[row].is_some());
    }
    Ok(holes)
}

/// A class of equal tuples in the strict reading.
#[derive(Default)]
struct Class {
    /// Rows by person.
    rows: BTreeMap<u32, Vec<u32>>,
}

struct Strict<'a> {
    cells: &'a Cells<'a>,
    packed: &'a Packed,
    classes: HashMap<u128, Class>,
    holes: Vec<u32>,
    pending: Vec<u32>,
}

impl<'a> Strict<'a> {
    fn new(cells: &'a Cells<'a>, packed: &'a Packed) -> Self {
        let mut strict = Strict {
            cells,
            packed,
            classes: HashMap::new(),
            holes: vec![0; packed.keys.len()],
            pending: Vec::new(),
        };
        for (row, &key) in packed.keys.iter().enumerate() {
            strict.enter(row as u32, key);
        }
        strict.pending = (0..packed.keys.len() as u32)
            .filter(|&row| strict.size(packed.keys[row as usize]) < cells.k)
            .collect();
        for row in strict.pending.clone() {
            strict.leave(row, packed.keys[row as usize]);
        }
        strict
    }
    fn size(&self, key: u128) -> u64 {
        self.classes.get(&key).map_or(0, |class| class.rows.len() as u64)
    }
    fn enter(&mut self, row: u32, key: u128) {
        let person = self.cells.person[row as usize];
        self.classes.entry(key).or_default().rows.entry(person).or_default().push(row);
    }
    fn leave(&mut self, row: u32, key: u128) {
        let person = self.cells.person[row as usize];
        if let Some(class) = self.classes.get_mut(&key) {
            if let Some(rows) = class.rows.get_mut(&person) {
                rows.retain(|r| *r != row);
                if rows.is_empty() {
                    class.rows.remove(&person);
                }
            }
            if class.rows.is_empty() {
                self.classes.remove(&key);
            }
        }
    }
    fn key(&self, row: u32) -> u128 {
        self.packed.starred(self.packed.keys[row as usize], self.holes[row as usize])
    }
    fn place(&mut self, row: u32, set: u32) {
        self.holes[row as usize] = set & !self.packed.masks[row as usize];
        let key = self.key(row);
        self.enter(row, key);
    }
    fn persons(&self, rows: &[u32]) -> Vec<u32> {
        let mut persons: Vec<u32> = rows.iter().map(|&r| self.cells.person[r as usize]).collect();
        persons.sort_unstable();
        persons.dedup();
        persons
    }
    /// Tries one set of columns at one price a pending person, which is counted in quarters.
    fn round(&mut self, set: u32, price: u64) {
        let k = self.cells.k;
        let fits =
            |paid: u64, persons: u64| 4 * cost(self.cells.weights, set) * paid <= price * persons;
        let mut keyed: Vec<(u128, u32)> = self
            .pending
            .iter()
            .map(|&row| (self.packed.starred(self.packed.keys[row as usize], set), row))
            .collect();
        keyed.sort_unstable();
        let mut short: Vec<(u128, Vec<u32>, u64)> = Vec::new();
        let mut done: HashSet<u32> = HashSet::new();
        for same in keyed.chunk_by(|a, b| a.0 == b.0) {
            let rows: Vec<u32> = same.iter().map(|&(_, row)| row).collect();
            let persons = self.persons(&rows).len() as u64;
            if fits(1, 1) && (persons >= k || self.size(same[0].0) >= k) {
                for &row in &rows {
                    self.place(row, set);
                }
                done.extend(rows);
            } else if persons < k && fits(k, persons) {
                short.push((same[0].0, rows, k - persons));
            }
        }
        if !short.is_empty() {
            let wanted: HashSet<u128> = short.iter().map(|s| s.0).collect();
            let mut donors: HashMap<u128, Vec<u128>> = HashMap::new();
            let mut rich: Vec<u128> = self
                .classes
                .keys()
                .copied()
                .filter(|&key| {
                    self.size(key) > k && wanted.contains(&self.packed.starred(key, set))
                })
                .collect();
            rich.sort_unstable();
            for key in rich {
                donors.entry(self.packed.starred(key, set)).or_default().push(key);
            }
            for (target, rows, mut need) in short {
                let inside = self.persons(&rows);
                let mut chosen: Vec<(u128, u32)> = Vec::new();
                for &key in donors.get(&target).map_or(&[][..], Vec::as_slice) {
                    let spare = self.size(key).saturating_sub(k).min(need);
                    let persons = self.classes.get(&key).map(|c| &c.rows);
                    let taken: Vec<u32> = persons
                        .into_iter()
                        .flat_map(|p| p.keys().copied())
                        .filter(|p| {
                            inside.binary_search(p).is_err() && !chosen.iter().any(|c| c.1 == *p)
                        })
                        .take(spare as usize)
                        .collect();
                    need -= taken.len() as u64;
                    chosen.extend(taken.into_iter().map(|person| (key, person)));
                }
                if need > 0 {
                    continue;
                }
                for (key, person) in chosen {
                    let lent = self
                        .classes
                        .get(&key)
                        .and_then(|c| c.rows.get(&person))
                        .cloned()
                        .unwrap_or_default();
                    for row in lent {
                        let before = self.holes[row as usize];
                        self.leave(row, key);
                        self.place(row, before | set);
                    }
                }
                for &row in &rows {
                    self.place(row, set);
                }
                done.extend(rows);
            }
        }
        self.pending.retain(|row| !done.contains(row));
    }
    fn run(mut self) -> Vec<Option<u32>> {
        let sets = sets(self.cells.weights);
        let cheapest = sets.first().map_or(1, |&s| cost(self.cells.weights, s));
        let dearest = sets.iter().map(|&s| cost(self.cells.weights, s)).max().unwrap_or(1);
        let mut price = 4 * cheapest;
        while !self.pending.is_empty() {
            for &set in sets.iter().filter(|&&s| 4 * cost(self.cells.weights, s) <= price) {
                self.round(set, price);
            }
            if price >= 4 * dearest * self.cells.k {
                break;
            }
            price += (price / 8).max(1);
        }
        self.dissolve(&sets);
        for _ in 0..3 {
            if !self.improve(&sets) {
                break;
            }
        }
        let unsolved: HashSet<u32> = self.pending.iter().copied().collect();
        (0..self.holes.len())
            .map(|row| (!unsolved.contains(&(row as u32))).then_some(self.holes[row]))
            .collect()
    }
    /// What nobody has persons to spare for: a whole class becomes coarser so that a pending row can join it. After this only
    /// rows are pending that share the columns never to be suppressed with fewer than k persons.
    fn dissolve(&mut self, sets: &[u32]) {
        while !self.pending.is_empty() {
            let mut classes: Vec<(u128, u64)> = self
                .classes
                .iter()
                .map(|(key, class)| (*key, class.rows.values().map(|r| r.len() as u64).sum()))
                .collect();
            classes.sort_unstable();
            let mut best: Vec<Option<(u64, u32, u32, u128)>> = vec![None; self.pending.len()];
            for &set in sets {
                let mut nearest: HashMap<u128, (u64, u128)> = HashMap::new();
                for &(key, rows) in &classes {
                    let target = self.packed.starred(key, set);
                    let moved = if target == key { 0 } else { rows };
                    let one = nearest.entry(target).or_insert((moved, key));
                    *one = (*one).min((moved, key));
                }
                for (at, &row) in self.pending.iter().enumerate() {
                    let target = self.packed.starred(self.packed.keys[row as usize], set);
                    if let Some(&(moved, key)) = nearest.get(&target) {
                        let price = cost(self.cells.weights, set) * (moved + 1);
                        let offer = (price, row, set, key);
                        best[at] = Some(best[at].map_or(offer, |b| b.min(offer)));
                    }
                }
            }
            let mut offers: Vec<(u64, u32, u32, u128)> = best.into_iter().flatten().collect();
            if offers.is_empty() {
                return;
            }
            offers.sort_unstable();
            let (mut changed, mut done) = (HashSet::new(), HashSet::new());
            for (_, row, set, key) in offers {
                let target = self.packed.starred(key, set);
                if changed.contains(&key) || changed.contains(&target) {
                    continue;
                }
                changed.insert(key);
                changed.insert(target);
                if target != key {
                    let members: Vec<u32> = self
                        .classes
                        .remove(&key)
                        .map(|class| class.rows.into_values().flatten().collect())
                        .unwrap_or_default();
                    for member in members {
                        let before = self.holes[member as usize];
                        self.place(member, before | set);
                    }
                }
                self.place(row, set);
                done.insert(row);
            }
            self.pending.retain(|row| !done.contains(row));
        }
    }
    /// Moves every row that lost cells to a cheaper class that exists, if its own can do without it. Whether anything moved.
    fn improve(&mut self, sets: &[u32]) -> bool {
        let mut moved = false;
        let mut rows: Vec<u32> =
            (0..self.holes.len() as u32).filter(|&r| self.holes[r as usize] != 0).collect();
        rows.sort_by_key(|&r| (Reverse(cost(self.cells.weights, self.holes[r as usize])), r));
        for row in rows {
            let (person, now) = (self.cells.person[row as usize], self.holes[row as usize]);
            let key = self.key(row);
            let alone =
                self.classes.get(&key).and_then(|c| c.rows.get(&person)).map_or(0, Vec::len) < 2;
            if alone && self.size(key) <= self.cells.k {
                continue;
            }
            let paid = cost(self.cells.weights, now);
            let better = std::iter::once(0)
                .chain(sets.iter().copied())
                .take_while(|&s| cost(self.cells.weights, s) < paid)
                .find(|&s| {
                    let to = self.packed.starred(self.packed.keys[row as usize], s);
                    to != key && self.size(to) >= self.cells.k
                });
            if let Some(set) = better {
                self.leave(row, key);
                self.place(row, set);
                moved = true;
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::model::testing::Dice;
    use super::*;
    use crate::View;

    struct Random {
        columns: Vec<Vec<u32>>,
        cards: Vec<u32>,
        person: Vec<u32>,
    }

    fn random(dice: &mut Dice, rows: usize, shared: bool) -> Random {
        let cards = vec![2, 3, 4, 3];
        let columns = cards
            .iter()
            .map(|&card| {
                (0..rows)
                    .map(|_| {
                        if dice.below(12) == 0 {
                            MISSING
                        } else {
                            dice.below(u64::from(card)) as u32
                        }
                    })
                    .collect()
            })
            .collect();
        let person = (0..rows as u32)
            .map(|r| if shared { dice.below(rows as u64) as u32 } else { r })
            .collect();
        Random { columns, cards, person }
    }

    fn after(table: &Random, removed: &CellsRemoved, reading: Reading) -> Vec<u64> {
        let mut columns = table.columns.clone();
        for &(row, column) in &removed.cells {
            assert_ne!(columns[column as usize][row as usize], MISSING);
            columns[column as usize][row as usize] = MISSING;
        }
        let keep: Vec<usize> =
            (0..table.person.len()).filter(|&r| !removed.unsolved.contains(&(r as u32))).collect();
        let columns =
            columns.iter().map(|c| keep.iter().map(|&r| c[r]).collect::<Vec<_>>()).collect();
        let person: Vec<u32> = keep.iter().map(|&r| table.person[r]).collect();
        View::new(columns, &table.cards, person).unwrap().matches(reading)
    }

    #[test]
    fn what_is_left_is_k_in_the_reading_asked_for() {
        let mut dice = Dice(31);
        let mut unsolved = 0;
        for round in 0..160 {
            let strict = round % 2 == 0;
            let table = random(&mut dice, 4 + round % 30, strict && round % 4 == 0);
            let reading = if strict { Reading::OwnCategory } else { Reading::MatchesEverything };
            let weights = [None, Some(1), Some(2), Some(1)];
            let columns: Vec<&[u32]> = table.columns.iter().map(Vec::as_slice).collect();
            let k = 2 + dice.below(3);
            let cells = Cells {
                columns: &columns,
                cards: &table.cards,
                person: &table.person,
                k,
                weights: &weights,
            };
            let removed = suppress(&cells, reading).unwrap();
            assert_eq!(removed, suppress(&cells, reading).unwrap());
            assert_eq!(removed.by_column[0], 0);
            assert_eq!(removed.by_column.iter().sum::<u64>() as usize, removed.cells.len());
            // Only who shares the column that is never suppressed with fewer than k cannot be helped; in the wildcard reading
            // also who counted on them.
            for &row in removed.unsolved.iter().filter(|_| strict) {
                let mut persons: Vec<u32> = (0..table.person.len())
                    .filter(|&r| table.columns[0][r] == table.columns[0][row as usize])
                    .map(|r| table.person[r])
                    .collect();
                persons.sort_unstable();
                persons.dedup();
                assert!((persons.len() as u64) < k);
            }
            let matches = after(&table, &removed, reading);
            assert!(matches.iter().all(|n| *n >= k), "{k} {strict} {matches:?}");
            unsolved += u32::from(!strict && !removed.unsolved.is_empty());
        }
        assert!(unsolved > 3);
    }

    #[test]
    fn one_cell_can_save_two_rows() {
        let columns: [&[u32]; 2] = [&[0, 0, 0, 1, 2], &[0, 0, 0, 1, 1]];
        let cells = |weights| Cells {
            columns: &columns,
            cards: &[3, 2],
            person: &[0, 1, 2, 3, 4],
            k: 2,
            weights,
        };
        let wild = suppress(&cells(&[Some(1), Some(1)]), Reading::MatchesEverything).unwrap();
        assert_eq!(wild.cells, [(3, 0)]);
        let strict = suppress(&cells(&[Some(1), Some(1)]), Reading::OwnCategory).unwrap();
        assert_eq!(strict.cells, [(3, 0), (4, 0)]);
        let dear = suppress(&cells(&[None, Some(1)]), Reading::OwnCategory).unwrap();
        assert_eq!(dear.unsolved, [3, 4]);
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let cells =
            Cells { columns: &[&[0, 0]], cards: &[1], person: &[4, 4], k: 2, weights: &[Some(1)] };
        let code = |cells: &Cells<'_>, reading| suppress(cells, reading).unwrap_err().code;
        assert_eq!(code(&cells, Reading::MatchesEverything), "V0303");
        assert_eq!(code(&cells, Reading::MatchesNothing), "V0303");
        assert_eq!(code(&Cells { k: 1, ..cells }, Reading::OwnCategory), "V0301");
        assert_eq!(code(&Cells { weights: &[Some(0)], ..cells }, Reading::OwnCategory), "V0301");
        // One person with two equal rows is one person.
        assert_eq!(suppress(&cells, Reading::OwnCategory).unwrap().unsolved, [0, 1]);
    }
}
