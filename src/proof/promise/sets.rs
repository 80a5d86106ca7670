//! Sets of items a person, recounted from the files of a release: plainly, with no code of the privacy models.

use std::collections::BTreeMap;

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::error::{Error, Result};
use crate::frame::{MISSING, Patients};
use crate::recount::Cells;
use crate::say;
use crate::structure::{SetShape, Structure};

/// A set as it was recounted.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct SetRecount {
    /// The set's name.
    pub set: String,
    /// By number of items, from 1 to m.
    pub sizes: Vec<Combinations>,
    /// Whether every combination has its k persons.
    pub holds: bool,
}

/// The combinations of one number of items.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize, schemars::JsonSchema, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Combinations {
    /// Items.
    pub items: usize,
    /// Combinations that at least one person has.
    pub present: u64,
    /// Persons of the rarest; none if there is no combination.
    pub smallest: Option<Patients>,
}

/// Counts the persons of every combination of up to m items that a person has. In memory: 12 bytes a row, and for each
/// thread the combinations that contain one item.
///
/// # Errors
/// If the structure names a table or column that is not there, or m is not 1 to 3.
pub fn recount(tables: &[Cells], structure: &Structure, set: &SetShape) -> Result<SetRecount> {
    let broken = || {
        Error::data(
            "D0901",
            say!("the record's description of the release does not fit its tables"),
        )
    };
    if !(1..=3).contains(&set.m) {
        return Err(broken());
    }
    let cells = tables.get(set.table).ok_or_else(broken)?;
    let shape = structure.tables.get(set.table).ok_or_else(broken)?;
    let person = cells.codes(shape.person).ok_or_else(broken)?;
    let item = cells.codes(set.column).ok_or_else(broken)?;
    // (person, item) and (item, person), each once, sorted: what a person has, and who has an item.
    let mut has: Vec<(u32, u32)> = person
        .iter()
        .zip(item)
        .filter(|&(&person, &item)| person != MISSING && item != MISSING)
        .map(|(&person, &item)| (person, item))
        .collect();
    has.par_sort_unstable();
    has.dedup();
    let persons = cells.texts.get(shape.person).ok_or_else(broken)?.dictionary().len();
    let items = cells.texts.get(set.column).ok_or_else(broken)?.dictionary().len();
    let mut of_person: Vec<Vec<u32>> = vec![Vec::new(); persons];
    let mut of_item: Vec<Vec<u32>> = vec![Vec::new(); items];
    for (person, item) in has {
        of_person[person as usize].push(item);
        of_item[item as usize].push(person);
    }
    type Found = BTreeMap<usize, (u64, u64)>;
    let count = |found: &mut Found, size: usize, present: u64, smallest: Option<u64>| {
        if let Some(smallest) = smallest {
            let entry = found.entry(size).or_insert((0, u64::MAX));
            entry.0 += present;
            entry.1 = entry.1.min(smallest);
        }
    };
    let found: Found = (0..items)
        .into_par_iter()
        .map(|first| {
            let mut found = Found::new();
            let who = &of_item[first];
            if who.is_empty() {
                return found;
            }
            count(&mut found, 1, 1, Some(who.len() as u64));
            let mut pairs: HashMap<u32, u64> = HashMap::new();
            let mut triples: HashMap<(u32, u32), u64> = HashMap::new();
            for &person in who {
                let all = &of_person[person as usize];
                let rest = &all[all.partition_point(|&i| i <= first as u32)..];
                for (at, &second) in rest.iter().enumerate() {
                    if set.m >= 2 {
                        *pairs.entry(second).or_default() += 1;
                    }
                    if set.m >= 3 {
                        for &third in &rest[at + 1..] {
                            *triples.entry((second, third)).or_default() += 1;
                        }
                    }
                }
            }
            count(&mut found, 2, pairs.len() as u64, pairs.values().min().copied());
            count(&mut found, 3, triples.len() as u64, triples.values().min().copied());
            found
        })
        .reduce(Found::new, |mut all, one| {
            for (size, (present, smallest)) in one {
                count(&mut all, size, present, Some(smallest));
            }
            all
        });
    let sizes: Vec<Combinations> = (1..=set.m)
        .map(|size| {
            let of = found.get(&size);
            Combinations {
                items: size,
                present: of.map_or(0, |o| o.0),
                smallest: of.map(|o| Patients(o.1)),
            }
        })
        .collect();
    let holds = found.values().all(|&(_, smallest)| smallest >= set.k);
    Ok(SetRecount { set: set.name.clone(), sizes, holds })
}
