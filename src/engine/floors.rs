//! Floors: how many distinct persons stand behind every value that the anonymized release shows, counted over the rows that are
//! left (規則18条4号: 特異な記述等). What too few persons hold is joined with its neighbours, goes into a tail, or becomes the
//! column's remainder; the remainder takes in the next smallest until it has enough persons itself, or its rows go.
//!
//! Every step joins labels or removes rows and nothing takes either back, so repeating it ends.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::apply::{Applied, Removal, Surviving, Treatments};
use super::partition::Partition;
use crate::error::{Error, Result, small};
use crate::frame::{Column, Interner, MISSING};
use crate::plan::steady::{EVIDENCE, Repeated};
use crate::plan::{FloorPlan, Grain, Plan, codes};
use crate::say;
use crate::schema::{ColumnAt, ColumnFacts, Kind};
use crate::technique::Tally;
use crate::text::number::{Decimal, Measured};

/// What became of the labels of a column. Protected data, as the frozen plan that it is a part of.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Relabelled {
    /// Table index.
    pub table: usize,
    /// Column index.
    pub column: usize,
    /// The label that the treatment gave, and the one that is shown; none for a suppressed cell.
    pub labels: BTreeMap<String, Option<String>>,
}

impl Relabelled {
    /// The column.
    #[must_use]
    pub const fn at(&self) -> ColumnAt {
        ColumnAt { table: self.table, column: self.column }
    }
}

/// The labels that floors changed, by column.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Floors(Vec<Relabelled>);

impl Floors {
    /// Those of a column.
    #[must_use]
    pub fn of(&self, at: ColumnAt) -> Option<&Relabelled> {
        self.0.iter().find(|r| r.at() == at)
    }
    /// The columns.
    #[must_use]
    pub fn columns(&self) -> Vec<ColumnAt> {
        self.0.iter().map(Relabelled::at).collect()
    }
    /// Follows what stands there already by a further step.
    pub fn then(&mut self, at: ColumnAt, step: &BTreeMap<String, Option<String>>) {
        let ColumnAt { table, column } = at;
        if self.of(at).is_none() {
            self.0.push(Relabelled { table, column, labels: BTreeMap::new() });
            self.0.sort_by_key(Relabelled::at);
        }
        let Some(here) = self.0.iter_mut().find(|r| r.at() == at) else { return };
        for shown in here.labels.values_mut() {
            if let Some(next) = shown.as_ref().and_then(|label| step.get(label)) {
                *shown = next.clone();
            }
        }
        for (label, shown) in step {
            // A label that only an earlier step made stands in the values, where it was followed.
            here.labels.entry(label.clone()).or_insert_with(|| shown.clone());
        }
    }
}

/// The cells with other labels; what changed is added to the tally.
#[must_use]
pub fn relabel(
    cells: &Column,
    labels: &BTreeMap<String, Option<String>>,
    tally: &mut Tally,
) -> Column {
    let mut texts = Interner::new();
    let mut moved = vec![0_u8; cells.dictionary().len()];
    let map: Vec<u32> = cells
        .dictionary()
        .texts()
        .zip(&mut moved)
        .map(|(text, moved)| match labels.get(text) {
            None => texts.intern(text),
            Some(Some(label)) => {
                *moved = 1;
                texts.intern(label)
            }
            Some(None) => {
                *moved = 2;
                MISSING
            }
        })
        .collect();
    let codes = cells
        .codes()
        .iter()
        .map(|&code| {
            if code == MISSING {
                return MISSING;
            }
            match moved[code as usize] {
                0 => {}
                1 => tally.floored += 1,
                _ => tally.suppressed += 1,
            }
            map[code as usize]
        })
        .collect();
    Column::new(codes, std::sync::Arc::new(texts.finish()))
}

/// Who holds a label.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Held {
    rows: u64,
    persons: u64,
    /// Persons, as many as the floor asks: enough to count a union exactly as far as it matters.
    some: Vec<u64>,
}

impl Held {
    fn person(&mut self, person: u64, n: u64) {
        self.persons += 1;
        if (self.some.len() as u64) < n {
            self.some.push(person);
        }
    }
    /// Takes another label in.
    fn add(&mut self, other: &Held, n: u64) {
        self.rows += other.rows;
        if self.persons >= n || other.persons >= n {
            self.persons = self.persons.max(other.persons);
            if self.some.len() < other.some.len() {
                self.some.clone_from(&other.some);
            }
            return;
        }
        // Both are known person by person.
        self.some.extend(&other.some);
        self.some.sort_unstable();
        self.some.dedup();
        self.persons = self.some.len() as u64;
    }
    /// Adds the same label of other batches, which are numbered from `from` on here: nobody is in both.
    fn elsewhere(&mut self, other: &Held, n: u64, from: u64) {
        self.rows += other.rows;
        self.persons += other.persons;
        let free = usize::try_from(n).unwrap_or(usize::MAX).saturating_sub(self.some.len());
        self.some.extend(other.some.iter().take(free).map(|person| person + (from << 32)));
    }
}

/// The labels of a column with their holders.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Counts {
    texts: Interner,
    held: Vec<Held>,
    missing: Held,
    repeated: Repeated,
}

/// Counts over the rows that are left, of all batches.
#[derive(Debug, Serialize, Deserialize)]
pub struct Counted {
    /// Batches counted: a person has the number of the batch and that in it.
    batches: u64,
    /// The columns with a floor.
    columns: Vec<(ColumnAt, FloorPlan, Counts)>,
}

impl Counted {
    /// The columns of these tables, nothing counted.
    #[must_use]
    pub fn new(plan: &Plan, tables: &[bool]) -> Self {
        let mut columns = Vec::new();
        for (t, table) in plan.tables.iter().enumerate().filter(|&(t, _)| tables[t]) {
            for c in 0..table.columns.len() {
                if let Some(floor) = plan.counted_of(t, c) {
                    let at = ColumnAt { table: t, column: c };
                    columns.push((at, floor, Counts::default()));
                }
            }
        }
        Counted { batches: 0, columns }
    }

    /// Whether no column is counted.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    /// Forgets all tables but these.
    pub fn only(&mut self, tables: &[bool]) {
        self.columns.retain(|(at, ..)| tables[at.table]);
    }

    /// Whether the same columns are counted.
    #[must_use]
    pub fn is_like(&self, other: &Counted) -> bool {
        let asked = |counted: &Counted| -> Vec<(ColumnAt, FloorPlan)> {
            counted.columns.iter().map(|(at, floor, _)| (*at, *floor)).collect()
        };
        asked(self) == asked(other)
    }

    /// Takes in what was counted of other persons.
    ///
    /// # Errors
    /// If other columns were counted there.
    pub fn merge(&mut self, other: &Counted) -> Result<()> {
        if !self.is_like(other) {
            return Err(super::statistics::other());
        }
        let from = self.batches;
        for ((.., floor, mine), (.., theirs)) in self.columns.iter_mut().zip(&other.columns) {
            mine.missing.elsewhere(&theirs.missing, floor.persons, from);
            mine.repeated.add(theirs.repeated);
            for (text, held) in theirs.texts.dictionary().texts().zip(&theirs.held) {
                mine.label(text).elsewhere(held, floor.persons, from);
            }
        }
        self.batches += other.batches;
        Ok(())
    }

    /// Adds a batch.
    pub fn add(
        &mut self,
        partition: &Partition,
        applied: &Applied,
        surviving: &Surviving,
        blankable: &[Vec<Option<u8>>],
    ) {
        let number = self.batches;
        self.batches += 1;
        let mut tables: Vec<usize> = self.columns.iter().map(|(at, ..)| at.table).collect();
        tables.dedup();
        let orders: BTreeMap<usize, Option<Vec<u32>>> = tables
            .into_par_iter()
            .map(|t| (t, by_person(&partition.tables[t].persons, partition.ids.len())))
            .collect();
        self.columns.par_iter_mut().for_each(|(at, floor, counts)| {
            let ColumnAt { table: t, column: c } = *at;
            let Some(cells) = &applied.tables[t].columns[c] else { return };
            let persons = &partition.tables[t].persons;
            let bit = blankable[t][c];
            let blank =
                |row: usize| bit.is_some_and(|bit| surviving.blanked[t][row] >> bit & 1 == 1);
            let order = orders.get(&t).and_then(Option::as_deref);
            let found =
                count(cells, persons, order, &surviving.rows[t], blank, floor.persons, number);
            counts.missing.elsewhere(&found.1, floor.persons, 0);
            counts.repeated.add(found.2);
            for (code, held) in found.0.iter().enumerate().filter(|(_, held)| held.rows > 0) {
                let text = cells.dictionary().text(code as u32);
                counts.label(text).elsewhere(held, floor.persons, 0);
            }
        });
    }
}

impl Counts {
    /// What is held once the labels are changed.
    fn after(&self, decision: &Decision, n: u64) -> Counts {
        let mut after = Counts { missing: self.missing.clone(), ..Counts::default() };
        for (text, held) in self.texts.dictionary().texts().zip(&self.held) {
            if held.rows == 0 {
                continue;
            }
            match decision.labels.get(text) {
                None => after.label(text).add(held, n),
                Some(Some(shown)) => after.label(shown).add(held, n),
                Some(None) => after.missing.add(held, n),
            }
        }
        after
    }

    /// Whether the numbers are codes, by their values.
    fn are_codes(&self, facts: &ColumnFacts) -> bool {
        let texts = self.texts.dictionary();
        let shown = self.held.iter().enumerate().filter(|(_, held)| held.rows > 0);
        let labels = shown.map(|(at, held)| (texts.text(at as u32), held.rows));
        codes::are_codes(labels.filter(|(text, _)| !facts.is_special(text)))
    }

    /// Whether the floor is at both ends only.
    fn ends(&self, floor: &FloorPlan, facts: &ColumnFacts) -> bool {
        floor.tails && !(floor.if_measured && self.are_codes(facts))
    }

    /// Whether other labels may make the column a fact of persons, or none. A row whose label changes is of one person.
    /// How sure that is, counts too.
    fn may_turn(&self, decision: &Decision, measured: bool, row_is_person: bool) -> bool {
        let texts = self.texts.dictionary();
        let (mut changed, mut blanked) = (0, 0);
        let mut left: BTreeSet<&str> = BTreeSet::new();
        for (at, held) in self.held.iter().enumerate().filter(|(_, held)| held.rows > 0) {
            let label = texts.text(at as u32);
            match decision.labels.get(label) {
                None => drop(left.insert(label)),
                Some(shown) => {
                    changed += held.rows;
                    match shown {
                        Some(shown) => drop(left.insert(shown)),
                        None => blanked += held.rows,
                    }
                }
            }
        }
        let Repeated { several, varying, .. } = self.repeated;
        // Persons who show one value do so with joined labels too; cells that are blanked may be all that some have.
        let enough = several.saturating_sub(blanked) >= EVIDENCE;
        let as_sure = row_is_person || several < EVIDENCE || enough;
        let steady = varying == 0 && left.len() > 1 && as_sure && (!measured || enough);
        let sure = steady || self.repeated.is_of_rows(measured, changed);
        !sure
    }

    /// The holders of a label.
    fn label(&mut self, text: &str) -> &mut Held {
        let at = self.texts.intern(text) as usize;
        if self.held.len() <= at {
            self.held.resize_with(at + 1, Held::default);
        }
        &mut self.held[at]
    }
}

/// Row numbers with each person's rows together; none if they stand so already.
fn by_person(persons: &[u32], ids: usize) -> Option<Vec<u32>> {
    if persons.is_sorted() {
        return None;
    }
    let mut next = vec![0_u32; ids + 1];
    for &person in persons {
        next[person as usize + 1] += 1;
    }
    for p in 0..ids {
        next[p + 1] += next[p];
    }
    let mut order = vec![0_u32; persons.len()];
    for (row, &person) in persons.iter().enumerate() {
        let slot = &mut next[person as usize];
        order[*slot as usize] = row as u32;
        *slot += 1;
    }
    Some(order)
}

/// Holders by code of the column's dictionary, and of missing cells.
fn count(
    cells: &Column,
    persons: &[u32],
    order: Option<&[u32]>,
    there: &[bool],
    blank: impl Fn(usize) -> bool,
    n: u64,
    partition: u64,
) -> (Vec<Held>, Held, Repeated) {
    let codes = cells.codes();
    let mut held = vec![Held::default(); cells.dictionary().len() + 1];
    let mut last = vec![u32::MAX; held.len()];
    let nothing = held.len() - 1;
    let number = partition << 32;
    let mut repeated = Repeated::default();
    // The person of the row before, the first filled cell, and whether there are several and they differ.
    let mut before = (u32::MAX, nothing, false, false);
    let mut look = |row: usize| {
        if !there[row] {
            return;
        }
        let code = codes[row];
        let at = if code == MISSING || blank(row) { nothing } else { code as usize };
        held[at].rows += 1;
        let person = persons[row];
        if before.0 != person {
            before = (person, at, false, false);
            repeated.empty += u64::from(at == nothing);
        } else if before.1 == nothing {
            before.1 = at;
            repeated.empty -= u64::from(at != nothing);
        } else if at != nothing {
            repeated.several += u64::from(!before.2);
            before.2 = true;
            if before.1 != at {
                repeated.varying += u64::from(!before.3);
                before.3 = true;
            }
        }
        if last[at] != person {
            last[at] = person;
            held[at].person(number | u64::from(person), n);
        }
    };
    match order {
        None => (0..codes.len()).for_each(&mut look),
        Some(order) => order.iter().for_each(|&row| look(row as usize)),
    }
    let missing = held.pop().unwrap_or_default();
    (held, missing, repeated)
}

/// What a column's labels become.
#[derive(Debug, Default, PartialEq)]
struct Decision {
    /// Labels that are shown otherwise; none is a suppressed cell.
    labels: BTreeMap<String, Option<String>>,
    /// Labels whose rows go; none stands for missing cells.
    remove: BTreeSet<Option<String>>,
}

/// What decides about a column.
struct Rule<'a> {
    facts: &'a ColumnFacts,
    n: u64,
    tails: bool,
    /// Whether the numbers are measured is for them to say.
    if_measured: bool,
    ordered: bool,
    remainder: Option<&'a str>,
    /// Whether the cell says what the row is, so that nothing else can stand there.
    decides: bool,
    /// Share of the rows that may be removed.
    at_most: f64,
    /// Rows that go with one row of the table: itself and those of other tables that belong to it.
    weight: f64,
}

/// Labels that are shown as one.
#[derive(Clone, Debug)]
struct Group {
    label: String,
    members: Vec<String>,
    held: Held,
}

impl Group {
    fn join(
        mut parts: Vec<Group>,
        label: impl FnOnce(&[Group]) -> String,
        n: u64,
    ) -> Option<Group> {
        if parts.len() < 2 {
            return parts.pop();
        }
        let label = label(&parts);
        let mut all = Group { label, members: Vec::new(), held: Held::default() };
        for part in parts {
            all.members.extend(part.members);
            all.held.add(&part.held, n);
        }
        Some(all)
    }
}

/// How many times the rows of a remainder may be suppressed in the column beside them before these rows go instead.
const DEAR: f64 = 5.0;

/// Whether a remainder that takes in the smallest groups (which stand last) until it has enough persons would cost too much.
fn dear(groups: &[Group], remainder: &Held, n: u64, weight: f64) -> bool {
    let mut all = remainder.clone();
    let mut taken = 0;
    for group in groups.iter().rev() {
        if all.persons >= n {
            break;
        }
        all.add(&group.held, n);
        taken += 1;
    }
    let shown = taken < groups.len();
    let cells = (all.rows - remainder.rows) as f64;
    // A column in which nothing is shown any more is worth more than its cells, unless much goes with the rows.
    let limit = if shown { DEAR } else { DEAR.min(weight) } * remainder.rows as f64 * weight;
    !groups.is_empty() && (cells > limit || !shown && weight < 2.0)
}

/// Where the cell says what the row is, the rows of too few go: another label, or none, would make them rows of no table.
fn undecided(counts: &Counts, n: u64) -> Decision {
    let few = |held: &Held| held.rows > 0 && held.persons < n;
    let texts = counts.texts.dictionary().texts().zip(&counts.held);
    let mut remove: BTreeSet<Option<String>> =
        texts.filter(|(_, held)| few(held)).map(|(text, _)| Some(text.to_owned())).collect();
    if few(&counts.missing) {
        remove.insert(None);
    }
    Decision { remove, ..Decision::default() }
}

fn decide(rule: &Rule<'_>, counts: &Counts) -> Decision {
    let n = rule.n;
    if rule.decides {
        return undecided(counts, n);
    }
    let mut texts: Vec<Group> = Vec::new();
    let mut numbers: Vec<(Decimal, Group)> = Vec::new();
    let mut spans: Vec<(Span, Group)> = Vec::new();
    for (at, held) in counts.held.iter().enumerate().filter(|(_, held)| held.rows > 0) {
        let label = counts.texts.dictionary().text(at as u32).to_owned();
        let group =
            Group { label: label.clone(), members: vec![label.clone()], held: held.clone() };
        let special = rule.facts.is_special(&label);
        let number = if rule.tails && !special { number(&label) } else { None };
        let span = if rule.ordered && !special { Span::parse(&label) } else { None };
        match (number, span) {
            (Some(number), _) => numbers.push((number, group)),
            (None, Some(span)) => spans.push((span, group)),
            (None, None) => texts.push(group),
        }
    }
    let mut pool: Vec<Group> = Vec::new();
    let codes = rule.tails && rule.if_measured && counts.are_codes(rule.facts);
    let mut groups = marks(tails(numbers, n, codes, &mut pool), n, &mut pool);
    if codes {
        // Each value by itself.
        let few = |group: &mut Group| group.held.persons < n;
        pool.extend(groups.extract_if(.., few));
    }
    groups.extend(intervals(spans, n, &mut pool));
    texts.sort_by(|a, b| a.label.cmp(&b.label));
    for group in texts {
        if group.held.persons < n { pool.push(group) } else { groups.push(group) }
    }
    let missing_is_rare = counts.missing.rows > 0 && counts.missing.persons < n;
    let mut decision = Decision::default();
    if !pool.is_empty() || missing_is_rare {
        remainder(rule, counts, groups, pool, missing_is_rare, &mut decision)
    } else {
        for group in &groups {
            group.tell(&mut decision);
        }
    }
    decision
}

impl Group {
    fn tell(&self, decision: &mut Decision) {
        for member in self.members.iter().filter(|m| **m != self.label) {
            decision.labels.insert(member.clone(), Some(self.label.clone()));
        }
    }
}

/// Puts what too few hold into the remainder, which itself needs enough persons.
fn remainder(
    rule: &Rule<'_>,
    counts: &Counts,
    mut groups: Vec<Group>,
    pool: Vec<Group>,
    missing_is_rare: bool,
    decision: &mut Decision,
) {
    let n = rule.n;
    // A rare "missing" can only be hidden among suppressed cells.
    let mut target = rule.remainder.filter(|_| !missing_is_rare).map(str::to_owned);
    let mut all = Held::default();
    let mut members: Vec<String> = Vec::new();
    for group in pool {
        all.add(&group.held, n);
        members.extend(group.members);
    }
    if let Some(at) = groups.iter().position(|g| Some(&g.label) == target.as_ref()) {
        let same = groups.remove(at);
        all.add(&same.held, n);
        members.extend(same.members);
    }
    let mut with_missing = target.is_none();
    if with_missing {
        all.add(&counts.missing, n);
    }
    let total: u64 = counts.held.iter().map(|h| h.rows).sum::<u64>() + counts.missing.rows;
    groups.sort_by(|a, b| {
        (b.held.persons, b.held.rows, &b.label).cmp(&(a.held.persons, a.held.rows, &a.label))
    });
    // Its rows go where the policy allows it and the cells of others would pay more for it, or all of them.
    let may_go = all.rows as f64 <= rule.at_most * total as f64;
    if all.persons < n && may_go && dear(&groups, &all, n, rule.weight) {
        decision.remove = members.into_iter().map(Some).collect();
        if with_missing && counts.missing.rows > 0 {
            decision.remove.insert(None);
        }
        groups.iter().for_each(|group| group.tell(decision));
        return;
    }
    while all.persons < n {
        let Some(next) = groups.pop() else {
            if with_missing {
                // Everything is suppressed: nothing is shown.
                break;
            }
            with_missing = true;
            target = None;
            all.add(&counts.missing, n);
            continue;
        };
        all.add(&next.held, n);
        members.extend(next.members);
    }
    for group in &groups {
        group.tell(decision);
    }
    for member in members.into_iter().filter(|m| Some(m) != target.as_ref()) {
        decision.labels.insert(member, target.clone());
    }
}

fn number(label: &str) -> Option<Decimal> {
    Decimal::parse(label).or_else(|| Measured::parse(label)?.number)
}

/// Joins the outermost numbers until the lowest and the highest label are shown for enough persons each. Of `codes` the neighbours
/// of joined ones that too few have join them.
fn tails(
    mut numbers: Vec<(Decimal, Group)>,
    n: u64,
    codes: bool,
    pool: &mut Vec<Group>,
) -> Vec<Group> {
    numbers.sort_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.label.cmp(&b.1.label)));
    let Some(lowest) = numbers.first().map(|(number, _)| *number) else { return Vec::new() };
    // How many labels at an end must become one.
    let needed = |order: &mut dyn Iterator<Item = &(Decimal, Group)>| -> Option<usize> {
        let mut held = Held::default();
        let mut taken = 0;
        let mut at = None;
        for (number, group) in order {
            // An end that has enough persons by itself stays what it is.
            let fine = !codes || taken == 1 || group.held.persons >= n;
            if held.persons >= n && at != Some(*number) && fine {
                return Some(taken);
            }
            at = Some(*number);
            held.add(&group.held, n);
            taken += 1;
        }
        (held.persons >= n).then_some(taken)
    };
    let Some(top) = needed(&mut numbers.iter().rev()) else {
        pool.extend(numbers.into_iter().map(|(_, group)| group));
        return Vec::new();
    };
    let high = numbers.split_off(numbers.len() - top);
    if let Some(limit) = high.first().map(|(number, _)| *number) {
        let parts = high.into_iter().map(|(_, group)| group).collect();
        if let Some(group) = Group::join(parts, |_| format!(">={limit}"), n) {
            numbers.push((limit, group));
        }
    }
    if let Some(bottom) = needed(&mut numbers.iter()) {
        let rest = numbers.split_off(bottom);
        if let Some(limit) = numbers.last().map(|(number, _)| *number) {
            let everything = rest.is_empty();
            let label = if everything { format!(">={lowest}") } else { format!("<={limit}") };
            let parts = std::mem::take(&mut numbers).into_iter().map(|(_, group)| group).collect();
            if let Some(group) = Group::join(parts, |_| label, n) {
                numbers.push((limit, group));
            }
        }
        numbers.extend(rest);
    }
    numbers.into_iter().map(|(_, group)| group).collect()
}

/// What stands beside a number: a category as any, whatever the number is.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
struct Mark {
    operator: Option<&'static str>,
    class: Option<String>,
    class_first: bool,
    /// The signs as they are written, where they are not written as the program would (`0.5未満` for `<0.5`).
    spelling: Option<String>,
}

impl Mark {
    /// None for a number that nothing stands beside.
    fn of(label: &str) -> Option<Mark> {
        if Decimal::parse(label).is_some() {
            return None;
        }
        let measured = Measured::parse(label)?;
        let signs = |text: &str| -> String {
            let of_number =
                |c: char| matches!(c, '0'..='9' | '０'..='９' | '.' | ',' | '．' | '，');
            text.chars().filter(|&c| !of_number(c)).collect()
        };
        let written = signs(label);
        let spelling = (written != signs(&measured.render())).then_some(written);
        let class_first = measured.class_first();
        let Measured { operator, class, .. } = measured;
        let plain = operator.is_none() && class.is_none();
        (!plain).then_some(Mark { operator, class, class_first, spelling })
    }
    /// Only an operator: `>=` and the like.
    fn is(&self, operator: &str) -> bool {
        self.operator == Some(operator) && self.class.is_none()
    }
}

/// Puts the numbers beside which something stands that too few persons have into the pool. The groups are numbers in their order;
/// the tails at both ends, which have enough persons, lend theirs to no other label with the same operator.
fn marks(groups: Vec<Group>, n: u64, pool: &mut Vec<Group>) -> Vec<Group> {
    let last = groups.len().saturating_sub(1);
    let mut held: BTreeMap<Option<Mark>, Held> = BTreeMap::new();
    let mut marked: Vec<(Option<Mark>, bool, Group)> = Vec::with_capacity(groups.len());
    for (at, group) in groups.into_iter().enumerate() {
        let mark = Mark::of(&group.label);
        let is = |operator| mark.as_ref().is_some_and(|mark| mark.is(operator));
        let tail = at == last && is(">=") || at == 0 && is("<=");
        if !tail {
            held.entry(mark.clone()).or_default().add(&group.held, n);
        }
        marked.push((mark, tail, group));
    }
    let enough = |mark: &Option<Mark>| held.get(mark).is_some_and(|held| held.persons >= n);
    // Beside numbers with a class, one without any is a category too.
    let classes = held.keys().flatten().cloned().map(Some);
    let classes = classes.filter(enough).any(|mark| mark.is_some_and(|mark| mark.class.is_some()));
    let mut shown = Vec::with_capacity(marked.len());
    for (mark, tail, group) in marked {
        if tail || enough(&mark) || mark.is_none() && !classes {
            shown.push(group);
        } else {
            pool.push(group);
        }
    }
    shown
}

/// A label that is a whole number or an interval of them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Span {
    low: i64,
    high: i64,
    /// Open to one side (`>60`, `80+`, `<=3`).
    open_low: bool,
    open_high: bool,
    /// Written as `80+`.
    plus: bool,
}

impl Span {
    fn parse(label: &str) -> Option<Span> {
        let whole = |text: &str| {
            let digits = text.strip_prefix('-').unwrap_or(text);
            let fine = !digits.is_empty()
                && digits.len() < 18
                && digits.bytes().all(|b| b.is_ascii_digit());
            if fine { text.parse::<i64>().ok() } else { None }
        };
        let closed = |low, high| Span { low, high, open_low: false, open_high: false, plus: false };
        if let Some(n) = whole(label) {
            return Some(closed(n, n));
        }
        if let Some(n) = label.strip_suffix('+').and_then(whole) {
            return Some(Span { open_high: true, plus: true, ..closed(n, n) });
        }
        for (sign, step, up) in
            [(">=", 0, true), ("<=", 0, false), (">", 1, true), ("<", -1, false)]
        {
            if let Some(n) = label.strip_prefix(sign).and_then(whole) {
                let n = n + step;
                return Some(Span { open_high: up, open_low: !up, ..closed(n, n) });
            }
        }
        // The hyphen between two numbers, the second of which may have a sign too.
        let at = label.char_indices().skip(1).find(|(_, c)| *c == '-')?.0;
        let (low, high) = (whole(&label[..at])?, whole(&label[at + 1..])?);
        (low < high).then(|| closed(low, high))
    }
    fn is_point(self) -> bool {
        self.low == self.high && !self.open_low && !self.open_high
    }
}

/// Joins neighbours until every interval is shown for enough persons; the ends become tails.
fn intervals(mut spans: Vec<(Span, Group)>, n: u64, pool: &mut Vec<Group>) -> Vec<Group> {
    spans.sort_by(|a, b| {
        let key = |s: &Span| (!s.open_low, s.low, s.high, s.open_high);
        key(&a.0).cmp(&key(&b.0)).then_with(|| a.1.label.cmp(&b.1.label))
    });
    let mut held = Held::default();
    spans.iter().for_each(|(_, group)| held.add(&group.held, n));
    if held.persons < n {
        pool.extend(spans.into_iter().map(|(_, group)| group));
        return Vec::new();
    }
    if spans.iter().all(|(_, group)| group.held.persons >= n) {
        return spans.into_iter().map(|(_, group)| group).collect();
    }
    // From the high end to the low one: each block ends as soon as it has enough.
    let mut blocks: Vec<Vec<(Span, Group)>> = Vec::new();
    let mut block: Vec<(Span, Group)> = Vec::new();
    let mut held = Held::default();
    for span in spans.into_iter().rev() {
        held.add(&span.1.held, n);
        block.push(span);
        if held.persons >= n {
            blocks.push(std::mem::take(&mut block));
            held = Held::default();
        }
    }
    // What is left at the low end joins the block above it.
    if let (false, Some(last)) = (block.is_empty(), blocks.last_mut()) {
        last.append(&mut block);
    }
    let count = blocks.len();
    let joined = blocks.into_iter().enumerate().filter_map(|(at, mut block)| {
        block.reverse();
        let label = label_of(&block, at == 0, at + 1 == count);
        Group::join(block.into_iter().map(|(_, group)| group).collect(), |_| label, n)
    });
    joined.collect()
}

/// The label of neighbours that are shown as one.
fn label_of(block: &[(Span, Group)], highest: bool, lowest: bool) -> String {
    let (Some((first, _)), Some((last, _))) = (block.first(), block.last()) else {
        return String::new();
    };
    let low = first.low;
    let high = block.iter().map(|(span, _)| span.high).max().unwrap_or(last.high);
    let plus = block.iter().any(|(span, _)| span.plus);
    if plus {
        return format!("{low}+");
    }
    // Of single numbers the outermost one is not told.
    if last.open_high || highest && last.is_point() {
        return format!(">={low}");
    }
    if first.open_low || lowest && first.is_point() {
        return format!("<={high}");
    }
    format!("{low}-{high}")
}

/// What the floors decided: labels that are shown otherwise, and rows that go. Protected data, as the frozen plan that it is a
/// part of.
#[derive(Clone, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Columns whose labels change, with the labels.
    pub labels: Vec<Relabelled>,
    /// Columns with labels whose rows go.
    pub remove: Vec<Removed>,
}

/// Labels of a column whose rows go.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Removed {
    /// Table index.
    pub table: usize,
    /// Column index.
    pub column: usize,
    /// The labels; none stands for missing cells.
    pub labels: BTreeSet<Option<String>>,
}

impl Removed {
    /// The column.
    #[must_use]
    pub const fn at(&self) -> ColumnAt {
        ColumnAt { table: self.table, column: self.column }
    }
}

impl Step {
    /// Whether nothing is to be done.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty() && self.remove.is_empty()
    }
    /// Whether rows go.
    #[must_use]
    pub fn removes(&self) -> bool {
        !self.remove.is_empty()
    }
    /// The rows of a partition that go.
    #[must_use]
    pub fn removal(
        &self,
        plan: &Plan,
        partition: &Partition,
        applied: &Applied,
        surviving: &Surviving,
        blankable: &[Vec<Option<u8>>],
    ) -> Removal {
        let mut removal = Removal::default();
        for Removed { table: t, column: c, labels } in &self.remove {
            let Some(cells) = &applied.tables[*t].columns[*c] else { continue };
            let goes: Vec<bool> = cells
                .dictionary()
                .texts()
                .map(|text| labels.contains(&Some(text.to_owned())))
                .collect();
            let missing = labels.contains(&None);
            let bit = blankable[*t][*c];
            for (row, &code) in cells.codes().iter().enumerate() {
                let blank = bit.is_some_and(|bit| surviving.blanked[*t][row] >> bit & 1 == 1);
                let gone = if code == MISSING || blank { missing } else { goes[code as usize] };
                if gone && surviving.rows[*t][row] {
                    removal.mark(plan, partition, *t, row as u32);
                }
            }
        }
        removal
    }
}

/// What became of a column, for the record.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FloorOutcome {
    /// Table index.
    #[serde(skip)]
    pub table: usize,
    /// Column index.
    #[serde(skip)]
    pub column: usize,
    /// Distinct persons asked for.
    pub persons: u64,
    /// Asked of the ends of measured numbers only.
    pub tails: bool,
    /// Labels that are shown as others or not at all.
    pub joined: u64,
    /// Rows that went because what they show could be hidden nowhere.
    pub rows_removed: u64,
    /// Labels shown.
    pub labels: u64,
    /// Of measured numbers between the ends: labels shown for fewer persons than the floor.
    pub few: u64,
}

/// What is decided about a column, and what was counted of it.
struct Decided {
    at: ColumnAt,
    labels: u64,
    few: u64,
    /// The floor is at both ends only.
    ends: bool,
    /// It is to be looked at once more.
    again: bool,
    decision: Decision,
}

/// The floors of a run.
pub struct Keeper {
    outcomes: Vec<FloorOutcome>,
    rows: Vec<u64>,
    /// Columns that are the same in all rows of a person, as last counted; with whether that is sure.
    steady: BTreeMap<ColumnAt, bool>,
    /// Tables of columns of which the last step may have made facts of persons, or facts of rows, or that need a further step.
    unsure: BTreeSet<usize>,
}

impl Keeper {
    /// Nothing done yet; `rows` are those of each table before any suppression.
    #[must_use]
    pub fn new(plan: &Plan, rows: Vec<u64>) -> Self {
        let outcomes = plan
            .columns_at()
            .filter_map(|ColumnAt { table, column }| {
                let floor = plan.floor_of(table, column)?;
                Some(FloorOutcome {
                    table,
                    column,
                    persons: floor.persons,
                    tails: floor.tails,
                    ..FloorOutcome::default()
                })
            })
            .collect();
        Keeper { outcomes, rows, steady: BTreeMap::new(), unsure: BTreeSet::new() }
    }

    /// Decides about every column that was counted.
    #[must_use]
    pub fn step(&mut self, plan: &Plan, counted: &Counted, frozen: &Treatments) -> Step {
        let decisions: Vec<Decided> = counted
            .columns
            .par_iter()
            .map(|(at, floor, counts)| {
                let ColumnAt { table: t, column: c } = *at;
                let treatment = &frozen[t][c];
                let rule = Rule {
                    facts: &plan.column(*at).facts,
                    n: floor.persons,
                    tails: floor.tails,
                    if_measured: floor.if_measured,
                    ordered: treatment.ordered(),
                    remainder: treatment.remainder(),
                    decides: plan.deciding(t, Kind::Anonymized).contains(&c),
                    at_most: plan.suppress.at_most,
                    weight: self.weight(plan, t),
                };
                let shown = counts.held.iter().filter(|h| h.rows > 0);
                let few = shown.clone().filter(|h| h.persons < floor.persons).count() as u64;
                // Everything that is shown is shown for one person at least.
                let decision = match floor.persons {
                    ..=1 => Decision::default(),
                    _ => decide(&rule, counts),
                };
                let ends = counts.ends(floor, rule.facts);
                let mut told = Decided {
                    at: *at,
                    labels: shown.count() as u64,
                    few,
                    ends,
                    again: false,
                    decision,
                };
                if !told.decision.labels.is_empty() {
                    // What goes into the remainder may leave a number at an end that too few have, and of fewer values more are codes.
                    let after = counts.after(&told.decision, rule.n);
                    told.again = after.ends(floor, rule.facts) != ends
                        || decide(&rule, &after) != Decision::default();
                }
                told
            })
            .collect();
        let mut step = Step::default();
        let row_is_person = |t: usize| plan.tables[t].grain == Grain::Person;
        self.unsure.clear();
        for (told, (.., counts)) in decisions.into_iter().zip(&counted.columns) {
            let Decided { at, labels, few, ends, again, decision } = told;
            let ColumnAt { table: t, column: c } = at;
            let shown = counts.held.iter().filter(|h| h.rows > 0).count();
            let several = shown > 1 || shown == 1 && counts.repeated.empty > 0;
            let rows = counts.held.iter().map(|h| h.rows);
            match several && counts.repeated.is_steady(ends, rows) {
                true => {
                    self.steady.insert(at, counts.repeated.is_sure(row_is_person(t)));
                }
                false => drop(self.steady.remove(&at)),
            }
            let changed = !decision.labels.is_empty();
            if again || changed && counts.may_turn(&decision, ends, row_is_person(t)) {
                self.unsure.insert(t);
            }
            if let Some(outcome) = self.outcome(at) {
                outcome.joined += decision.labels.len() as u64;
                (outcome.labels, outcome.few, outcome.tails) = (labels, few, ends);
            }
            if changed {
                step.labels.push(Relabelled { table: t, column: c, labels: decision.labels });
            }
            if !decision.remove.is_empty() {
                step.remove.push(Removed { table: t, column: c, labels: decision.remove });
            }
        }
        step
    }

    /// Counts rows that a step removed, by table.
    pub fn removed(&mut self, step: &Step, rows: &[u64]) {
        for of in &step.remove {
            if let (Some(outcome), Some(rows)) = (self.outcome(of.at()), rows.get(of.table)) {
                outcome.rows_removed += rows;
            }
        }
    }

    /// The released columns that are the same in all rows of a person; with whether that is sure.
    #[must_use]
    pub fn steady(&self) -> Vec<(ColumnAt, bool)> {
        self.steady.iter().map(|(&at, &sure)| (at, sure)).collect()
    }

    /// Tables that have to be counted once more: more labels may have to change, or other columns are facts of persons now.
    #[must_use]
    pub fn unsure(&self) -> &BTreeSet<usize> {
        &self.unsure
    }

    /// Rows that go with one row of a table, itself included, on the average.
    fn weight(&self, plan: &Plan, table: usize) -> f64 {
        let own = self.rows[table].max(1) as f64;
        let below = |t: &usize| {
            *t != table
                && match plan.tables[table].grain {
                    Grain::Person => true,
                    Grain::Key(k) => {
                        let name = &plan.tables[table].keys[k].name;
                        plan.tables[*t].keys.iter().any(|key| key.name == *name)
                    }
                    Grain::Event => false,
                }
        };
        let rows: u64 = (0..plan.tables.len()).filter(below).map(|t| self.rows[t]).sum();
        1.0 + rows as f64 / own
    }

    fn outcome(&mut self, at: ColumnAt) -> Option<&mut FloorOutcome> {
        self.outcomes.iter_mut().find(|o| ColumnAt { table: o.table, column: o.column } == at)
    }

    /// What became of the columns.
    ///
    /// # Errors
    /// If more rows of a table went for floors than the policy allows.
    pub fn finish(self, plan: &Plan) -> Result<Vec<FloorOutcome>> {
        let mut errors = Vec::new();
        for outcome in &self.outcomes {
            let t = outcome.table;
            // The rows of a kind are a part of the long file.
            let long = plan.deciding(t, Kind::Anonymized).contains(&outcome.column);
            let group = plan.groups().into_iter().find(|group| long && group.contains(&t));
            let rows: u64 = self.rows[group.unwrap_or(t..t + 1)].iter().sum();
            if outcome.rows_removed as f64 > plan.suppress.at_most * rows as f64 {
                let table = &plan.tables[outcome.table];
                errors.push(
                    Error::refused(
                        "C0103",
                        say!(
                            "table `{}`, column `{}`: values shown for fewer than {} persons need the suppression of {} of {} rows, more than the share {} that the policy allows",
                            table.name,
                            table.columns[outcome.column].facts.column,
                            outcome.persons,
                            small(outcome.rows_removed),
                            rows,
                            plan.suppress.at_most
                        ),
                    )
                    .advice(say!("coarser values for the column, \"drop\", or `no_floor = \"why\"` if few persons may be shown")),
                );
            }
        }
        Error::all(errors).map_or(Ok(self.outcomes), Err)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::schema::Type;
    use crate::testing::facts;

    fn counts(rows: &[(u32, Option<String>)], n: u64) -> Counts {
        let mut by_person: Vec<&(u32, Option<String>)> = rows.iter().collect();
        by_person.sort_by_key(|r| r.0);
        let persons: Vec<u32> = by_person.iter().map(|r| r.0).collect();
        let cells = Column::from_texts(by_person.iter().map(|r| r.1.as_deref()));
        let (held, missing, repeated) =
            count(&cells, &persons, None, &vec![true; rows.len()], |_| false, n, 0);
        let mut texts = Interner::new();
        cells.dictionary().texts().for_each(|t| {
            texts.intern(t);
        });
        Counts { texts, held, missing, repeated }
    }

    /// Repeats the step until nothing changes; gives the rows that are left and how many steps it took.
    fn settle(
        mut rows: Vec<(u32, Option<String>)>,
        rule: &Rule<'_>,
    ) -> (Vec<(u32, Option<String>)>, usize) {
        for steps in 0.. {
            let decision = decide(rule, &counts(&rows, rule.n));
            if decision == Decision::default() {
                return (rows, steps);
            }
            rows.retain(|(_, text)| !decision.remove.contains(text));
            for (_, text) in &mut rows {
                if let Some(new) = text.as_ref().and_then(|t| decision.labels.get(t)) {
                    text.clone_from(new);
                }
            }
        }
        unreachable!()
    }

    fn persons(rows: &[(u32, Option<String>)]) -> BTreeMap<Option<&str>, BTreeSet<u32>> {
        let mut held: BTreeMap<Option<&str>, BTreeSet<u32>> = BTreeMap::new();
        for (person, text) in rows {
            held.entry(text.as_deref()).or_default().insert(*person);
        }
        held
    }

    proptest! {
        #[test]
        fn every_label_is_of_enough_persons(
            rows in proptest::collection::vec((0_u32..25, proptest::option::weighted(0.9, -4_i64..14)), 0..90),
            n in 2_u64..7, ordered in any::<bool>(), words in any::<bool>(), with_other in any::<bool>(), at_most in 0.0_f64..0.5
        ) {
            let rows: Vec<(u32, Option<String>)> = rows
                .into_iter()
                .map(|(p, v)| (p, v.map(|v| if words && v % 3 == 0 { format!("w{v}") } else { v.to_string() })))
                .collect();
            let facts = facts(Type::Code);
            let remainder = with_other.then_some("other");
            let rule = Rule { facts: &facts, n, tails: false, if_measured: false, ordered, remainder, at_most, weight: 1.0, decides: false };
            let (left, steps) = settle(rows.clone(), &rule);
            prop_assert!(steps < 10);
            let held = persons(&left);
            if held.len() > 1 || !held.contains_key(&None) {
                for (label, persons) in &held {
                    prop_assert!(persons.len() as u64 >= n, "{label:?} of {}", persons.len());
                }
            }
            // An interval holds what was in it.
            if ordered && left.len() == rows.len() {
                for ((_, before), (_, after)) in rows.iter().zip(&left) {
                    if let (Some(before), Some(after)) = (before.as_deref().and_then(Span::parse), after.as_deref().and_then(Span::parse)) {
                        prop_assert!(after.open_low || after.low <= before.low);
                        prop_assert!(after.open_high || before.high <= after.high);
                    }
                }
            }
        }

        #[test]
        fn both_ends_of_numbers_are_of_enough_persons(
            rows in proptest::collection::vec((0_u32..25, proptest::option::weighted(0.9, 0_i64..40)), 0..90), n in 2_u64..7,
            if_measured in any::<bool>()
        ) {
            let rows: Vec<(u32, Option<String>)> = rows
                .into_iter()
                .map(|(p, v)| (p, v.map(|v| match v {
                    39 => "溶血".to_owned(),
                    v if v % 7 == 0 => format!(">{v}(+)"),
                    v if v % 11 == 5 => format!("{v}({}+)", v % 3),
                    v if v % 13 == 6 => format!(">={v}"),
                    v => v.to_string(),
                })))
                .collect();
            let facts = facts(Type::Measured);
            let rule = Rule { facts: &facts, n, tails: true, if_measured, ordered: false, remainder: None, at_most: 0.05, weight: 1.0, decides: false };
            let (left, steps) = settle(rows, &rule);
            prop_assert!(steps < 10);
            let held = persons(&left);
            let labels: Vec<(&str, u64)> = held.keys().flatten().map(|label| {
                (*label, left.iter().filter(|row| row.1.as_deref() == Some(*label)).count() as u64)
            }).collect();
            if if_measured && codes::are_codes(labels.into_iter()) && held.len() > 1 {
                for (label, persons) in &held {
                    prop_assert!(persons.len() as u64 >= n, "{label:?} of {}", persons.len());
                }
            }
            let mut numbers: Vec<(Decimal, u64)> = Vec::new();
            let mut beside: BTreeMap<String, BTreeSet<u32>> = BTreeMap::new();
            for (label, persons) in &held {
                // `>` and the class, if there are any, without the number.
                let signs = label.map(|l| (l.starts_with('>'), l.split_once('(').map(|l| l.1)));
                if let (Some(signs), true) = (signs, signs != Some((false, None))) {
                    beside.entry(format!("{signs:?}")).or_default().extend(persons);
                }
                match label.and_then(number) {
                    Some(number) => numbers.push((number, persons.len() as u64)),
                    None if held.len() > 1 => prop_assert!(persons.len() as u64 >= n, "{label:?}"),
                    None => {}
                }
            }
            for (signs, persons) in beside {
                prop_assert!(persons.len() as u64 >= n, "{signs} of {}", persons.len());
            }
            numbers.sort_unstable();
            let (low, high) = (numbers.first().map(|n| n.0), numbers.last().map(|n| n.0));
            for (number, persons) in numbers {
                let end = Some(number) == low || Some(number) == high;
                prop_assert!(!end || persons >= n, "{number} of {persons}");
            }
        }
    }

    #[test]
    fn labels_of_intervals_are_read() {
        let span = |text: &str| Span::parse(text).map(|s| (s.low, s.high, s.open_low, s.open_high));
        assert_eq!(span("44"), Some((44, 44, false, false)));
        assert_eq!(span("-5--1"), Some((-5, -1, false, false)));
        assert_eq!(span("-5-10"), Some((-5, 10, false, false)));
        assert_eq!(span("80+"), Some((80, 80, false, true)));
        assert_eq!(span(">60"), Some((61, 61, false, true)));
        assert_eq!(span("<=-3"), Some((-3, -3, true, false)));
        for no in ["", "-", "0-6d", "[0.5,1)", "1.5", "9-3", "+5", "first"] {
            assert_eq!(span(no), None, "{no}");
        }
    }

    #[test]
    fn a_lone_day_joins_its_neighbours_and_tails_tell_no_extreme() {
        let days = |list: &[(i64, u32)]| -> Vec<(u32, Option<String>)> {
            let each = list.iter().flat_map(|&(day, n)| (0..n).map(move |_| Some(day.to_string())));
            each.enumerate().map(|(p, text)| (p as u32, text)).collect()
        };
        let facts = facts(Type::Date);
        let rule = Rule {
            facts: &facts,
            n: 5,
            tails: false,
            if_measured: false,
            ordered: true,
            remainder: None,
            at_most: 0.0,
            weight: 1.0,
            decides: false,
        };
        let (left, _) =
            settle(days(&[(-366, 1), (0, 9), (1, 8), (2, 2), (3, 7), (44, 1), (61, 4)]), &rule);
        let held = persons(&left);
        let labels: Vec<&str> = held.keys().flatten().copied().collect();
        assert_eq!(labels, ["1-2", "3", "<=0", ">=44"]);
    }

    #[test]
    fn a_whole_number_that_is_a_code_has_enough_persons() {
        let facts = facts(Type::Integer);
        let left = |if_measured| -> Vec<String> {
            let rule = Rule {
                facts: &facts,
                n: 3,
                tails: true,
                if_measured,
                ordered: false,
                remainder: None,
                at_most: 0.5,
                weight: 1.0,
                decides: false,
            };
            let rooms = [
                ("101", 1),
                ("102", 2),
                ("103", 9),
                ("104", 2),
                ("105", 8),
                ("106", 1),
                ("202", 9),
            ];
            let rooms = rooms.into_iter().flat_map(|(room, n)| (0..n).map(move |_| room));
            let rows = rooms.enumerate().map(|(p, room)| (p as u32, Some(room.to_owned())));
            let (left, _) = settle(rows.collect(), &rule);
            persons(&left).keys().flatten().map(|label| (*label).to_owned()).collect()
        };
        assert_eq!(left(true), ["103", "105", "202", "<=102"]);
        assert_eq!(left(false), ["103", "104", "105", "106", "202", "<=102"]);
    }

    #[test]
    fn what_stands_beside_a_number_is_a_category() {
        let facts = facts(Type::Measured);
        let rule = Rule {
            facts: &facts,
            n: 3,
            tails: true,
            if_measured: false,
            ordered: false,
            remainder: None,
            at_most: 0.5,
            weight: 1.0,
            decides: false,
        };
        let left = |middle: &[&str]| -> Vec<String> {
            let plain = [["1"; 20], ["3"; 20], ["9"; 20]].concat();
            let all = plain.iter().chain(middle).enumerate();
            let rows = all.map(|(p, text)| (p as u32, Some((*text).to_owned()))).collect();
            let (left, _) = settle(rows, &rule);
            persons(&left).keys().flatten().map(|label| (*label).to_owned()).collect()
        };
        for one in ["7(9+)", "5(3+)", "7.123456(+)", ">6", "3+(4)", "5未満", ">=6", "<=2"] {
            assert_eq!(left(&[one]), ["1", "3", "9"], "{one}");
        }
        // Enough persons have it, each with another number; of another spelling only one has it.
        assert_eq!(left(&["4(+)", "5(+)", "6(+)"]), ["1", "3", "4(+)", "5(+)", "6(+)", "9"]);
        assert_eq!(left(&["4(+)", "5(+)", "6（＋）"]), ["1", "3", "9"]);
        assert_eq!(left(&[">-5", "<4", "<5.0", "<6"]).len(), 6);
        // Plain numbers between the ends are shown as they are, but where others have a class.
        assert_eq!(left(&["4.5"]), ["1", "3", "4.5", "9"]);
    }

    #[test]
    fn steps_follow_one_another() {
        let step = |pairs: &[(&str, Option<&str>)]| -> BTreeMap<String, Option<String>> {
            pairs.iter().map(|(a, b)| ((*a).to_owned(), b.map(str::to_owned))).collect()
        };
        let mut floors = Floors::default();
        let at = ColumnAt { table: 0, column: 1 };
        floors.then(at, &step(&[("44", Some(">=40")), ("40", Some(">=40"))]));
        floors.then(at, &step(&[(">=40", Some(">=30")), ("30", Some(">=30"))]));
        floors.then(at, &step(&[(">=30", None)]));
        let cells = Column::from_texts([Some("44"), Some("30"), Some("7"), None]);
        let mut tally = Tally::default();
        let done = relabel(&cells, &floors.of(at).unwrap().labels, &mut tally);
        assert_eq!(done.cells().collect::<Vec<_>>(), [None, None, Some("7"), None]);
        assert_eq!(tally.suppressed, 2);
    }
}
