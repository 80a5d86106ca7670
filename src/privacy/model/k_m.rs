//! k^m-anonymity (k^m-匿名性) for sets of items a person: diagnoses, drugs, days of visits. Whoever knows at most m items of a person
//! cannot tell fewer than k persons apart. Terrovitis, Mamoulis & Kalnis, "Privacy-preserving Anonymization of Set-valued Data",
//! PVLDB 1(1), 2008, Definition 1.
//!
//! The sets of items are counted by projection: for each item the persons who have it are looked up and what follows in
//! their sets is counted in one array, deeper for m = 3. Each set of items is counted once; memory is 4 bytes an entry for
//! the sets and 4 for the index, 8 a person, one array of counters a thread and level, and for m = 3 also 8 bytes for every
//! pair of entries that contains the item a thread is at.

use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, Ordering};

use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::say;

/// A set of items for each person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ItemSets {
    starts: Vec<usize>,
    items: Vec<u32>,
    card: u32,
}

impl ItemSets {
    /// From rows (person, item). Persons are below `persons`, items below `card`; what comes twice counts once.
    ///
    /// # Errors
    /// `V0206` if the columns differ in length, a number is out of range or there are more than 2^32 - 1 rows.
    pub fn new(person: &[u32], item: &[u32], persons: u32, card: u32) -> Result<Self> {
        if person.len() != item.len()
            || u32::try_from(person.len()).is_err()
            || person.iter().any(|&p| p >= persons)
            || item.iter().any(|&i| i >= card)
        {
            return Err(Error::data(
                "V0206",
                say!(
                    "the rows of a set-valued view do not fit: their number, a person or an item is out of range"
                ),
            ));
        }
        let (starts, mut items) = bucket(person, item, persons as usize);
        // Sorted and without repetition, in place; then closed up.
        let mut slices: Vec<&mut [u32]> = Vec::with_capacity(persons as usize);
        let mut rest = items.as_mut_slice();
        for pair in starts.windows(2) {
            let (own, more) = rest.split_at_mut(pair[1] - pair[0]);
            slices.push(own);
            rest = more;
        }
        let kept: Vec<usize> = slices
            .into_par_iter()
            .map(|own| {
                own.sort_unstable();
                let mut to = 0;
                for from in 0..own.len() {
                    if from == 0 || own[from] != own[to - 1] {
                        own[to] = own[from];
                        to += 1;
                    }
                }
                to
            })
            .collect();
        let mut to = 0;
        let mut closed = Vec::with_capacity(starts.len());
        for (at, &kept) in kept.iter().enumerate() {
            closed.push(to);
            items.copy_within(starts[at]..starts[at] + kept, to);
            to += kept;
        }
        closed.push(to);
        items.truncate(to);
        Ok(ItemSets { starts: closed, items, card })
    }
    /// Persons, those without items too.
    #[must_use]
    pub fn persons(&self) -> usize {
        self.starts.len() - 1
    }
    /// Entries over all persons.
    #[must_use]
    pub fn entries(&self) -> usize {
        self.items.len()
    }
    /// The items of a person, ascending.
    #[must_use]
    pub fn of(&self, person: usize) -> &[u32] {
        &self.items[self.starts[person]..self.starts[person + 1]]
    }
    /// Persons by item.
    #[must_use]
    pub fn supports(&self) -> Vec<u64> {
        let mut supports = vec![0; self.card as usize];
        for &item in &self.items {
            supports[item as usize] += 1;
        }
        supports
    }
    /// The same persons with every item replaced by its group, such as the first three characters of a diagnosis; an item whose
    /// group is [`crate::frame::MISSING`] is removed.
    ///
    /// # Errors
    /// `V0206` if the map is too short or a group is not below `card`.
    pub fn mapped(&self, group: &[u32], card: u32) -> Result<ItemSets> {
        let mut person = Vec::with_capacity(self.items.len());
        let mut item = Vec::with_capacity(self.items.len());
        if group.len() < self.card as usize {
            return ItemSets::new(&[0], &[], 0, 0);
        }
        for p in 0..self.persons() {
            for &i in self.of(p) {
                let to = group[i as usize];
                if to != crate::frame::MISSING {
                    person.push(p as u32);
                    item.push(to);
                }
            }
        }
        ItemSets::new(&person, &item, self.persons() as u32, card)
    }
}

/// Sorts values into buckets by counting; stable.
fn bucket(of: &[u32], values: &[u32], buckets: usize) -> (Vec<usize>, Vec<u32>) {
    let mut starts = vec![0_usize; buckets + 1];
    for &b in of {
        starts[b as usize + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut next = starts.clone();
    let mut sorted = vec![0; values.len()];
    for (&b, &value) in of.iter().zip(values) {
        sorted[next[b as usize]] = value;
        next[b as usize] += 1;
    }
    (starts, sorted)
}

/// What was found for sets of one size.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct OfSize {
    /// Items in the set.
    pub size: usize,
    /// Sets that at least one person has.
    pub present: u64,
    /// Sets that at least one person has and fewer than k.
    pub violating: u64,
}

/// The result of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KmFound {
    /// By size, from 1 to m.
    pub sizes: Vec<OfSize>,
    /// The persons who have a violating set.
    pub concerned: Vec<bool>,
}

impl KmFound {
    /// Whether the model holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.sizes.iter().all(|s| s.violating == 0)
    }
    /// How many persons have a violating set.
    #[must_use]
    pub fn persons(&self) -> u64 {
        self.concerned.iter().filter(|c| **c).count() as u64
    }
}

struct Level {
    counts: Vec<u32>,
    touched: Vec<u32>,
    starts: Vec<u32>,
    found: Vec<(u32, u32)>,
}

struct Hand {
    levels: Vec<Level>,
    sizes: Vec<OfSize>,
    prefix: Vec<u32>,
    sets: Vec<Vec<u32>>,
}

struct Search<'a> {
    sets: &'a ItemSets,
    k: u32,
    concerned: Vec<AtomicBool>,
    /// How many violating sets to keep; then only those without a violating beginning are visited.
    keep: Option<usize>,
}

impl Search<'_> {
    fn hand(&self, m: usize) -> Hand {
        let level = || Level {
            counts: vec![0; self.sets.card as usize],
            touched: Vec::new(),
            starts: Vec::new(),
            found: Vec::new(),
        };
        Hand {
            levels: (1..m).map(|_| level()).collect(),
            sizes: vec![OfSize::default(); m + 1],
            prefix: Vec::new(),
            sets: Vec::new(),
        }
    }
    fn tail(&self, list: (u32, u32)) -> &[u32] {
        &self.sets.items[list.1 as usize..self.sets.starts[list.0 as usize + 1]]
    }
    /// Counts the items that follow in the lists (person, where to go on) of the persons who have the prefix.
    fn dig(&self, lists: &[(u32, u32)], hand: &mut Hand, depth: usize) {
        let Some(slot) = hand.levels.get_mut(depth) else { return };
        let mut level = std::mem::replace(
            slot,
            Level {
                counts: Vec::new(),
                touched: Vec::new(),
                starts: Vec::new(),
                found: Vec::new(),
            },
        );
        let size = depth + 2;
        let deeper = depth + 1 < hand.levels.len();
        for &list in lists {
            for &item in self.tail(list) {
                let count = &mut level.counts[item as usize];
                if *count == 0 {
                    level.touched.push(item);
                }
                *count += 1;
            }
        }
        let mut violating = 0;
        for &item in &level.touched {
            if level.counts[item as usize] < self.k {
                violating += 1;
                if self.keep.is_some_and(|most| hand.sets.len() <= most) {
                    let mut set = hand.prefix.clone();
                    set.push(item);
                    hand.sets.push(set);
                }
            }
        }
        hand.sizes[size].present += level.touched.len() as u64;
        hand.sizes[size].violating += violating;
        if violating > 0 {
            for &list in lists {
                let person = &self.concerned[list.0 as usize];
                if !person.load(Ordering::Relaxed)
                    && self.tail(list).iter().any(|&i| level.counts[i as usize] < self.k)
                {
                    person.store(true, Ordering::Relaxed);
                }
            }
        }
        if deeper {
            // The lists of each item that follows, one after the other.
            level.touched.sort_unstable();
            level.starts.clear();
            let mut total = 0_u32;
            let mut sizes = Vec::with_capacity(level.touched.len());
            for &item in &level.touched {
                sizes.push(level.counts[item as usize]);
                level.starts.push(total);
                total += level.counts[item as usize];
            }
            let mut next = level.starts.clone();
            for (at, &item) in level.touched.iter().enumerate() {
                level.counts[item as usize] = at as u32;
            }
            level.found.clear();
            level.found.resize(total as usize, (0, 0));
            for &list in lists {
                for (ahead, &item) in self.tail(list).iter().enumerate() {
                    let at = level.counts[item as usize] as usize;
                    level.found[next[at] as usize] = (list.0, list.1 + ahead as u32 + 1);
                    next[at] += 1;
                }
            }
            for (at, &item) in level.touched.iter().enumerate() {
                if self.keep.is_some() && sizes[at] < self.k {
                    continue;
                }
                let start = level.starts[at] as usize;
                hand.prefix.push(item);
                self.dig(&level.found[start..start + sizes[at] as usize], hand, depth + 1);
                hand.prefix.pop();
            }
        }
        for item in level.touched.drain(..) {
            level.counts[item as usize] = 0;
        }
        hand.levels[depth] = level;
    }
    fn run(&self, m: usize) -> (Vec<OfSize>, Vec<Vec<u32>>) {
        let sets = self.sets;
        let owners: Vec<u32> = (0..sets.persons() as u32)
            .flat_map(|p| std::iter::repeat_n(p, sets.of(p as usize).len()))
            .collect();
        let (starts, people) = bucket(&sets.items, &owners, sets.card as usize);
        drop(owners);
        let hands: Vec<(Vec<OfSize>, Vec<Vec<u32>>)> = (0..sets.card)
            .into_par_iter()
            .fold(
                || (None::<Hand>, Vec::<(u32, u32)>::new()),
                |(hand, mut lists), item| {
                    let mut hand = hand.unwrap_or_else(|| self.hand(m));
                    let people = &people[starts[item as usize]..starts[item as usize + 1]];
                    if !people.is_empty() {
                        hand.sizes[1].present += 1;
                    }
                    let rare = !people.is_empty() && people.len() < self.k as usize;
                    if rare {
                        hand.sizes[1].violating += 1;
                        for &p in people {
                            self.concerned[p as usize].store(true, Ordering::Relaxed);
                        }
                        if self.keep.is_some() {
                            hand.sets.push(vec![item]);
                        }
                    }
                    if m > 1 && !people.is_empty() && !(rare && self.keep.is_some()) {
                        lists.clear();
                        lists.extend(people.iter().map(|&p| {
                            let own = sets.of(p as usize);
                            let after = own.partition_point(|&i| i <= item);
                            (p, (sets.starts[p as usize] + after) as u32)
                        }));
                        hand.prefix.clear();
                        hand.prefix.push(item);
                        self.dig(&lists, &mut hand, 0);
                    }
                    (Some(hand), lists)
                },
            )
            .filter_map(|(hand, _)| hand.map(|h| (h.sizes, h.sets)))
            .collect();
        let mut sizes = vec![OfSize::default(); m + 1];
        let mut found = Vec::new();
        for (hand, sets) in hands {
            for (sum, one) in sizes.iter_mut().zip(hand) {
                sum.present += one.present;
                sum.violating += one.violating;
            }
            found.extend(sets);
        }
        for (size, of) in sizes.iter_mut().enumerate() {
            of.size = size;
        }
        sizes.remove(0);
        (sizes, found)
    }
}

fn search(sets: &ItemSets, m: usize, k: u64, keep: Option<usize>) -> Result<Search<'_>> {
    let k = u32::try_from(k).ok().filter(|k| *k >= 2);
    let (Some(k), 1..=3) = (k, m) else {
        return Err(Error::policy("V0202", say!("k^m-anonymity needs k >= 2 and m of 1, 2 or 3")));
    };
    let concerned =
        std::iter::repeat_with(|| AtomicBool::new(false)).take(sets.persons()).collect();
    Ok(Search { sets, k, concerned, keep })
}

/// Checks k^m-anonymity: counts all sets of up to `m` items that at least one and fewer than `k` persons have.
///
/// # Errors
/// `V0202` if `m` is not 1, 2 or 3 or `k` is below 2.
pub fn check(sets: &ItemSets, m: usize, k: u64) -> Result<KmFound> {
    let search = search(sets, m, k, None)?;
    let (sizes, _) = search.run(m);
    Ok(KmFound {
        sizes,
        concerned: search.concerned.into_iter().map(AtomicBool::into_inner).collect(),
    })
}

/// Items whose removal makes the model hold, ascending; none if more than `most` violating sets would have to be held in
/// memory. Removing an item everywhere changes no count of the sets without it, so this is a hitting set of the violating sets:
/// chosen greedily by sets hit for each entry lost, and reduced at the end, so no smaller subset of it would do; not
/// proven to be the cheapest. Persons keep their other items.
///
/// # Errors
/// As [`check`].
pub fn items_to_suppress(
    sets: &ItemSets,
    m: usize,
    k: u64,
    most: usize,
) -> Result<Option<Vec<u32>>> {
    let search = search(sets, m, k, Some(most))?;
    let (_, mut violating) = search.run(m);
    if violating.len() > most {
        return Ok(None);
    }
    violating.sort_unstable();
    let supports = sets.supports();
    let mut of_item: Vec<Vec<u32>> = vec![Vec::new(); sets.card as usize];
    for (at, set) in violating.iter().enumerate() {
        for &item in set {
            of_item[item as usize].push(at as u32);
        }
    }
    let mut open: Vec<u64> = of_item.iter().map(|sets| sets.len() as u64).collect();
    // Rare items have no choice and come first; then sets hit by entry lost, compared exactly by a scaled whole number.
    let worth = |item: u32, open: u64| (open << 32) / supports[item as usize].max(1);
    let mut heap: BinaryHeap<(u64, std::cmp::Reverse<u32>)> = BinaryHeap::new();
    let mut hit = vec![0_u32; violating.len()];
    let mut chosen: Vec<u32> = Vec::new();
    let take = |item: u32, hit: &mut Vec<u32>, open: &mut Vec<u64>, chosen: &mut Vec<u32>| {
        chosen.push(item);
        for &at in &of_item[item as usize] {
            if hit[at as usize] == 0 {
                for &other in &violating[at as usize] {
                    open[other as usize] -= 1;
                }
            }
            hit[at as usize] += 1;
        }
    };
    for set in &violating {
        if let [item] = set[..] {
            take(item, &mut hit, &mut open, &mut chosen);
        }
    }
    for item in 0..sets.card {
        if open[item as usize] > 0 {
            heap.push((worth(item, open[item as usize]), std::cmp::Reverse(item)));
        }
    }
    while let Some((value, std::cmp::Reverse(item))) = heap.pop() {
        let now = open[item as usize];
        if now == 0 {
            continue;
        }
        if worth(item, now) < value {
            heap.push((worth(item, now), std::cmp::Reverse(item)));
            continue;
        }
        take(item, &mut hit, &mut open, &mut chosen);
    }
    // Give back what later choices made superfluous, the most frequent item first.
    let mut order = chosen.clone();
    order.sort_by_key(|&i| (std::cmp::Reverse(supports[i as usize]), i));
    for item in order {
        if of_item[item as usize].iter().all(|&at| hit[at as usize] > 1) {
            for &at in &of_item[item as usize] {
                hit[at as usize] -= 1;
            }
            chosen.retain(|c| *c != item);
        }
    }
    chosen.sort_unstable();
    Ok(Some(chosen))
}

/// The lowest of several levels (each a group for every item, and the number of groups) on which the model holds.
///
/// # Errors
/// As [`check`] and [`ItemSets::mapped`].
pub fn lowest_level(
    sets: &ItemSets,
    levels: &[(Vec<u32>, u32)],
    m: usize,
    k: u64,
) -> Result<Option<usize>> {
    for (level, (groups, card)) in levels.iter().enumerate() {
        if check(&sets.mapped(groups, *card)?, m, k)?.holds() {
            return Ok(Some(level));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::testing::Dice;
    use super::*;

    fn random(dice: &mut Dice, persons: u32, card: u32, most: u64) -> ItemSets {
        let (mut person, mut item) = (Vec::new(), Vec::new());
        for p in 0..persons {
            for _ in 0..dice.below(most + 1) {
                person.push(p);
                // Low items are frequent.
                item.push((dice.below(u64::from(card)).min(dice.below(u64::from(card)))) as u32);
            }
        }
        ItemSets::new(&person, &item, persons, card).unwrap()
    }

    fn by_hand(sets: &ItemSets, m: usize) -> BTreeMap<Vec<u32>, u64> {
        let mut counts = BTreeMap::new();
        for p in 0..sets.persons() {
            let own = sets.of(p);
            for bits in 1_u32..1 << own.len() {
                if bits.count_ones() as usize <= m {
                    let set: Vec<u32> = own
                        .iter()
                        .enumerate()
                        .filter(|(i, _)| bits >> i & 1 == 1)
                        .map(|(_, x)| *x)
                        .collect();
                    *counts.entry(set).or_insert(0) += 1;
                }
            }
        }
        counts
    }

    #[test]
    fn all_sets_are_counted_as_by_hand() {
        let mut dice = Dice(5);
        for round in 0..60 {
            let sets = random(&mut dice, 40, 9, 7);
            let (m, k) = (1 + round % 3, 2 + (round as u64) % 5);
            let found = check(&sets, m, k).unwrap();
            let counts = by_hand(&sets, m);
            for of in &found.sizes {
                let all = counts.iter().filter(|(s, _)| s.len() == of.size);
                assert_eq!(of.present, all.clone().count() as u64);
                assert_eq!(of.violating, all.filter(|(_, n)| **n < k).count() as u64);
            }
            let rare: Vec<&Vec<u32>> =
                counts.iter().filter(|(_, n)| **n < k).map(|(s, _)| s).collect();
            for p in 0..sets.persons() {
                let concerned = rare.iter().any(|s| s.iter().all(|i| sets.of(p).contains(i)));
                assert_eq!(found.concerned[p], concerned);
            }
        }
    }

    #[test]
    fn what_is_suggested_helps_and_nothing_of_it_is_superfluous() {
        let mut dice = Dice(6);
        for round in 0..40 {
            let sets = random(&mut dice, 60, 8, 6);
            let (m, k) = (1 + round % 3, 3);
            let items = items_to_suppress(&sets, m, k, 10_000).unwrap().unwrap();
            let without = |items: &[u32]| {
                let map: Vec<u32> = (0..8)
                    .map(|i| if items.contains(&i) { crate::frame::MISSING } else { i })
                    .collect();
                check(&sets.mapped(&map, 8).unwrap(), m, k).unwrap().holds()
            };
            assert!(without(&items));
            for skip in 0..items.len() {
                let mut fewer = items.clone();
                fewer.remove(skip);
                assert!(!without(&fewer));
            }
        }
        let sets = random(&mut dice, 60, 30, 6);
        assert_eq!(items_to_suppress(&sets, 2, 3, 1).unwrap(), None);
    }

    #[test]
    fn levels_and_limits() {
        let sets = ItemSets::new(&[0, 0, 1, 1, 2], &[0, 1, 2, 3, 2], 3, 4).unwrap();
        let levels = [(vec![0, 1, 2, 3], 4), (vec![0, 0, 1, 1], 2), (vec![0; 4], 1)];
        assert_eq!(lowest_level(&sets, &levels, 2, 2).unwrap(), Some(2));
        assert_eq!(lowest_level(&sets, &levels, 1, 4).unwrap(), None);
        assert!(check(&sets, 4, 2).is_err() && check(&sets, 2, 1).is_err());
        assert!(ItemSets::new(&[0], &[4], 1, 4).is_err());
    }
}
