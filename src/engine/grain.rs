//! The grain is enforced: a person has one row in a table of persons, a stay has one row in a table of stays, and a stay is of one
//! patient. Rows that repeat another cell by cell are collapsed where the policy says so (`set_aside = ["duplicate"]`), and refused
//! otherwise: counts of persons, of rows and of stays would be false.
//!
//! Beside it: how many persons tables have in common, and which tables have no row.

use hashbrown::{DefaultHashBuilder, HashMap, HashSet};
use std::hash::BuildHasher;

use crate::error::{Error, Result, Said, small};
use crate::frame::MISSING;
use crate::plan::{Grain, Plan, TablePlan, Warning};
use crate::policy::model::Defect;
use crate::say;
use crate::schema::Kind;

use super::intake::TableIntake;
use super::partition::{Partition, TablePart};

/// What was found over all partitions.
#[derive(Debug)]
pub(crate) struct Grains {
    /// By table: units (persons, stays) with rows that differ.
    several: Vec<u64>,
    /// By table: rows that repeat another.
    repeated: Vec<u64>,
    /// By name of a key that is the grain of a table, or whose tokens a release shows: identities that several persons have.
    shared: Vec<(String, u64)>,
    /// By name of a key: the identities of the partitions before, where there are several partitions.
    known: Vec<HashSet<u64>>,
    salt: DefaultHashBuilder,
    /// By group of tables that are read from the same files: persons, and those that another group has too.
    overlap: Vec<[u64; 2]>,
    /// Persons without a row in any table of persons, if there is one.
    strangers: u64,
}

/// The key of a table's rows, if its grain is one.
fn own_key(table: &TablePlan) -> Option<usize> {
    match table.grain {
        Grain::Key(k) => Some(k),
        Grain::Person | Grain::Event => None,
    }
}

/// Whether no two persons may share a key whose tokens a release shows.
fn is_of_one_person(table: &TablePlan, key: usize) -> bool {
    let shown = |kind| table.shows_key(kind, key);
    table.numbers_events(key) && Kind::BOTH.into_iter().any(shown)
}

/// Whether a key has the person's in it, so that no two persons can share one.
fn has_person(table: &TablePlan, key: usize) -> bool {
    let own = &table.keys[key].columns;
    table.keys[table.person_key].columns.iter().all(|c| own.contains(c))
}

/// For each row the number of its unit (person or stay, with the columns that tell its rows apart); [`MISSING`] for none.
fn units(table: &TablePlan, part: &TablePart) -> Option<Vec<u32>> {
    let codes = match table.grain {
        Grain::Event => return None,
        Grain::Person => part.persons.as_slice(),
        Grain::Key(k) => part.identities[k].codes(),
    };
    // A stay of two patients is told as such: here the rows of each are looked at.
    let mut numbers: HashMap<(u32, u32, Vec<u32>), u32> = HashMap::new();
    if table.repeats_by.is_empty() && table.grain == Grain::Person {
        return Some(codes.to_vec());
    }
    let unit = |(row, &code): (usize, &u32)| {
        if code == MISSING {
            return MISSING;
        }
        let by = table.repeats_by.iter().map(|&c| part.table.columns[c].codes()[row]).collect();
        let next = numbers.len() as u32;
        *numbers.entry((code, part.persons[row], by)).or_insert(next)
    };
    Some(codes.iter().enumerate().map(unit).collect())
}

/// Whether two rows of one unit are the same cell by cell; keys by what they identify, not by how they are spelled.
fn equal(table: &TablePlan, part: &TablePart, a: u32, b: u32) -> bool {
    let (a, b) = (a as usize, b as usize);
    let in_key = |c: usize| table.keys.iter().any(|k| k.columns.contains(&c));
    part.identities.iter().all(|id| id.codes()[a] == id.codes()[b])
        && (0..table.columns.len()).filter(|&c| !table.columns[c].made && !in_key(c)).all(|c| {
            let codes = part.table.columns[c].codes();
            codes[a] == codes[b]
        })
}

/// Rows of a table that repeat another, and how many units have rows that differ.
fn repeated(table: &TablePlan, part: &TablePart) -> (Vec<u32>, u64) {
    let Some(units) = units(table, part) else { return (Vec::new(), 0) };
    let count = units.iter().filter(|&&u| u != MISSING).max().map_or(0, |&u| u as usize + 1);
    let mut first = vec![MISSING; count];
    let (mut rows, mut several) = (Vec::new(), HashSet::new());
    for (row, &unit) in units.iter().enumerate().filter(|&(_, &unit)| unit != MISSING) {
        let slot = &mut first[unit as usize];
        if *slot == MISSING {
            *slot = row as u32;
        } else if equal(table, part, *slot, row as u32) {
            rows.push(row as u32);
        } else {
            several.insert(unit);
        }
    }
    (rows, several.len() as u64)
}

/// Takes the rows that repeat another out of the tables that set them aside. Returns how many went, by table.
pub(crate) fn collapse(plan: &Plan, partition: &mut Partition) -> Vec<u64> {
    plan.tables
        .iter()
        .zip(&mut partition.tables)
        .map(|(table, part)| {
            if !table.set_aside.contains(&Defect::Duplicate) {
                return 0;
            }
            let (gone, _) = repeated(table, part);
            if !gone.is_empty() {
                let mut dead = vec![false; part.table.rows];
                gone.iter().for_each(|&row| dead[row as usize] = true);
                let rows: Vec<u32> =
                    (0..part.table.rows as u32).filter(|&row| !dead[row as usize]).collect();
                *part = part.take(&rows);
            }
            gone.len() as u64
        })
        .collect()
}

impl Grains {
    /// Nothing was looked at yet.
    #[must_use]
    pub(crate) fn new(plan: &Plan) -> Self {
        let of = |t: &TablePlan, k: usize| own_key(t) == Some(k) || is_of_one_person(t, k);
        let keys = plan.tables.iter().flat_map(|t| (0..t.keys.len()).map(move |k| (t, k)));
        let of_one = keys.filter(|&(t, k)| of(t, k));
        let mut names: Vec<&str> = of_one.map(|(t, k)| t.keys[k].name.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        Grains {
            several: vec![0; plan.tables.len()],
            repeated: vec![0; plan.tables.len()],
            known: vec![HashSet::new(); names.len()],
            shared: names.into_iter().map(|n| (n.to_owned(), 0)).collect(),
            salt: DefaultHashBuilder::default(),
            overlap: vec![[0; 2]; plan.groups().len()],
            strangers: 0,
        }
    }

    /// Looks at a partition; `last` where no other follows and none was before.
    pub(crate) fn look(&mut self, plan: &Plan, partition: &Partition, alone: bool) {
        for (t, (table, part)) in plan.tables.iter().zip(&partition.tables).enumerate() {
            let (rows, several) = repeated(table, part);
            self.several[t] += several;
            self.repeated[t] += rows.len() as u64;
        }
        for ((name, shared), known) in self.shared.iter_mut().zip(&mut self.known) {
            *shared += shared_by(plan, partition, name, known, alone, &self.salt);
        }
        let groups = plan.groups();
        if groups.len() < 2 {
            return;
        }
        let persons = partition.ids.len();
        let there: Vec<Vec<bool>> = groups
            .iter()
            .map(|group| {
                let mut there = vec![false; persons];
                for part in &partition.tables[group.clone()] {
                    part.persons.iter().for_each(|&p| there[p as usize] = true);
                }
                there
            })
            .collect();
        let mut in_groups = vec![0_u32; persons];
        for there in &there {
            for (count, &there) in in_groups.iter_mut().zip(there) {
                *count += u32::from(there);
            }
        }
        let of_persons = |g: &std::ops::Range<usize>| plan.tables[g.start].grain == Grain::Person;
        let registers: Vec<&Vec<bool>> =
            groups.iter().zip(&there).filter(|(g, _)| of_persons(g)).map(|(_, t)| t).collect();
        if !registers.is_empty() {
            let known = (0..persons).filter(|&p| registers.iter().any(|there| there[p]));
            self.strangers += (persons - known.count()) as u64;
        }
        for (overlap, there) in self.overlap.iter_mut().zip(&there) {
            overlap[0] += there.iter().filter(|&&t| t).count() as u64;
            let both = there.iter().zip(&in_groups).filter(|&(&t, &n)| t && n > 1);
            overlap[1] += both.count() as u64;
        }
    }

    /// What does not hold.
    ///
    /// # Errors
    /// A person or a stay with several rows where the grain says one; a stay of several persons.
    pub(crate) fn check(&self, plan: &Plan) -> Result<()> {
        let mut errors = Vec::new();
        for (t, table) in plan.tables.iter().enumerate() {
            let (several, repeated) = (self.several[t], self.repeated[t]);
            let what = match own_key(table) {
                None => say!("persons have"),
                Some(k) => say!("identities of the key `{}` have", table.keys[k].name),
            };
            let grain = own_key(table).map_or(say!("person"), |k| say!("{}", table.keys[k].name));
            if several > 0 {
                let by = if table.repeats_by.is_empty() {
                    say!("one row each")
                } else {
                    let by: Vec<Said> = table
                        .repeats_by
                        .iter()
                        .map(|&c| say!("`{}`", table.columns[c].facts.column))
                        .collect();
                    say!("one row each for each value of {}", Said::join(&by, ", "))
                };
                errors.push(
                    Error::data(
                        "D0413",
                        say!(
                            "table `{}`: {} {} several rows that differ, but its grain is `{}`: {}",
                            table.name,
                            small(several),
                            what,
                            grain,
                            by
                        ),
                    )
                    .advice(say!("correct the data; where several rows are right, say so: grain = \"event\", or repeats_by = [\"...\"] with the columns that tell them apart")),
                );
            }
            if repeated > 0 {
                errors.push(
                    Error::data(
                        "D0414",
                        say!(
                            "table `{}`: {} rows repeat another row of the same {} cell by cell",
                            table.name,
                            small(repeated),
                            grain
                        ),
                    )
                    .advice(say!("is a file there twice? to collapse such rows and count them: set_aside = [\"duplicate\"]")),
                );
            }
        }
        for (name, shared) in self.shared.iter().filter(|(_, shared)| *shared > 0) {
            let name = plan
                .tables
                .iter()
                .flat_map(|t| &t.keys)
                .find(|k| k.name.as_str() == name)
                .map(|k| k.name.clone());
            errors.push(
                Error::data(
                    "D0415",
                    say!(
                        "{} identities of the key `{}` are of more than one person: they would have one token",
                        small(*shared),
                        name
                    ),
                )
                .advice(say!("where such numbers are unique within a facility or a patient only, the key needs those columns before it: keys = {{ {} = [\"facility\", \"patient\", \"number\"] }}; else correct the data", name)),
            );
        }
        Error::all(errors).map_or(Ok(()), Err)
    }

    /// Tables whose persons are nearly all in no other table, and tables without rows.
    #[must_use]
    pub(crate) fn warnings(
        &self,
        plan: &Plan,
        tables: &[TableIntake],
        empty: &[[usize; 2]],
    ) -> Vec<Warning> {
        let mut warnings = Vec::new();
        let mut warn = |code, text, text_ja| {
            warnings.push(Warning { code, text, text_ja, place: None });
        };
        for (g, group) in plan.groups().into_iter().enumerate() {
            let table = &plan.tables[group.start];
            let name = table.part.as_ref().map_or(&table.name, |p| &p.of);
            let rows: u64 = tables[group].iter().map(|t| t.rows_in).sum();
            let [files, without] = empty.get(g).copied().unwrap_or_default();
            if rows == 0 {
                warn(
                    "W0301",
                    say!("table `{}`: its files have no row: nothing is released of it", name),
                    say!("表`{}`: ファイルに行がない（この表は空で出る）", name),
                );
            } else if without > 0 {
                warn(
                    "W0302",
                    say!("table `{}`: {} of its {} files have no row", name, without, files),
                    say!("表`{}`: {}ファイルのうち{}ファイルに行がない", name, files, without),
                );
            }
            let [persons, both] = self.overlap[g];
            if persons >= 5 && both * 10 < persons {
                warn(
                    "W0303",
                    say!(
                        "table `{}`: {} of its {} persons are in any other table: are their numbers written in another form there (`1`, `00001`, `1.0`)?",
                        name,
                        small(both),
                        small(persons)
                    ),
                    say!(
                        "表`{}`: 本人{}人のうち、ほかの表にもいるのは{}人（番号の書き方が表により違わないか）",
                        name,
                        small(persons),
                        small(both)
                    ),
                );
            }
        }
        for (table, intake) in plan.tables.iter().zip(tables) {
            for (column, &cells) in &intake.blanked {
                warn(
                    "W0309",
                    say!(
                        "table `{}`, column `{}`: {} cells are not of its type and are missing (set_aside = [\"cell\"])",
                        table.name,
                        *column,
                        small(cells)
                    ),
                    say!(
                        "表`{}`の列`{}`: 型に合わず空にしたセルが{}個（set_aside = [\"cell\"]）",
                        table.name,
                        *column,
                        small(cells)
                    ),
                );
            }
        }
        if self.strangers > 0 {
            warn(
                "W0307",
                say!(
                    "{} persons have rows but none in a table of persons: no view over that table counts them",
                    small(self.strangers)
                ),
                say!(
                    "{}人は、本人の表に行がない（その表のビューでは数えられない）",
                    small(self.strangers)
                ),
            );
        }
        warnings
    }
}

/// How many identities of a key are of several persons.
fn shared_by(
    plan: &Plan,
    partition: &Partition,
    name: &str,
    known: &mut HashSet<u64>,
    alone: bool,
    salt: &DefaultHashBuilder,
) -> u64 {
    let places: Vec<(usize, usize)> = plan
        .tables
        .iter()
        .enumerate()
        .filter_map(|(t, table)| {
            let k = table.keys.iter().position(|k| k.name.as_str() == name)?;
            (k != table.person_key).then_some((t, k))
        })
        .collect();
    if places.iter().all(|&(t, k)| has_person(&plan.tables[t], k)) {
        return 0;
    }
    // Keys that several tables have are numbered alike in all of them.
    let Some(&(t, k)) = places.first() else { return 0 };
    let dictionary = partition.tables[t].identities[k].dictionary();
    let mut owner = vec![MISSING; dictionary.len()];
    let mut shared = vec![false; dictionary.len()];
    for &(t, k) in &places {
        let part = &partition.tables[t];
        for (&code, &person) in part.identities[k].codes().iter().zip(&part.persons) {
            if code == MISSING {
                continue;
            }
            let slot = &mut owner[code as usize];
            shared[code as usize] |= *slot != MISSING && *slot != person;
            *slot = person;
        }
    }
    let mut count = 0;
    for (code, (&owner, &shared)) in owner.iter().zip(&shared).enumerate() {
        let used = owner != MISSING;
        // Persons never span partitions: an identity of two partitions is of two persons.
        let elsewhere =
            used && !alone && !known.insert(salt.hash_one(dictionary.text(code as u32)));
        count += u64::from(shared || elsewhere);
    }
    count
}
