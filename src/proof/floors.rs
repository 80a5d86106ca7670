//! Floors recounted from the files of a release: how many distinct persons stand behind every value that it shows.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::recount::Cells;
use super::structure::{FloorShape, TableShape};
use crate::error::{Error, Name};
use crate::frame::{Dictionary, Interner, MISSING};
use crate::plan::codes::are_codes;
use crate::say;
use crate::text::number::{Decimal, Measured};

/// A column as recounted.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FloorRecount {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// Distinct persons asked for.
    pub persons: u64,
    /// Measured numbers: asked of both ends, of what stands beside a number or is none, and of missing cells.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tails: bool,
    /// Values shown.
    pub values: u64,
    /// Persons, counted as far as the floor, of the value with the fewest among those that must have enough; none if nothing is shown.
    pub smallest: Option<u64>,
    /// Of measured numbers: values between the ends that fewer persons show.
    #[serde(default)]
    pub few: u64,
    /// Whether the floor holds.
    pub holds: bool,
}

/// Persons by value of a column, as its rows come.
pub struct FloorCount {
    persons: u64,
    /// Persons by value, as many as the floor asks. Rows of a person mostly stand together, so the last person seen saves most
    /// look-ups.
    holders: Vec<(u32, Vec<u32>)>,
    missing: (u32, Vec<u32>),
    /// Rows by value.
    rows: Vec<u64>,
}

impl FloorCount {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(floor: &FloorShape) -> Self {
        FloorCount {
            persons: floor.persons,
            holders: Vec::new(),
            missing: (MISSING, Vec::new()),
            rows: Vec::new(),
        }
    }

    /// Adds rows: codes of the column, and whose they are.
    pub fn add(&mut self, codes: &[u32], persons: &[u32]) {
        let most = codes.iter().filter(|&&c| c != MISSING).max().map_or(0, |&c| c as usize + 1);
        if most > self.holders.len() {
            self.holders.resize(most, (MISSING, Vec::new()));
            self.rows.resize(most, 0);
        }
        for (&code, &person) in codes.iter().zip(persons) {
            let (last, all) = match code {
                MISSING => &mut self.missing,
                code => {
                    self.rows[code as usize] += 1;
                    &mut self.holders[code as usize]
                }
            };
            if *last != person {
                *last = person;
                if (all.len() as u64) < self.persons && !all.contains(&person) {
                    all.push(person);
                }
            }
        }
    }

    /// Persons by what stands beside numbers (an operator, a class), which is a category as any. Not of the tails at the ends: each of
    /// them is counted by itself.
    fn beside(&self, texts: &Dictionary, numbers: &[(Decimal, u32)]) -> Vec<u64> {
        let lowest = numbers.iter().map(|(number, _)| *number).min();
        let highest = numbers.iter().map(|(number, _)| *number).max();
        let mut persons: BTreeMap<(String, String), BTreeSet<u32>> = BTreeMap::new();
        let mut plain: BTreeSet<u32> = BTreeSet::new();
        let mut classes = false;
        for &(number, code) in numbers {
            let holders = &self.holders[code as usize].1;
            let Some((form, spelling)) = form(texts.text(code)) else {
                plain.extend(holders);
                continue;
            };
            classes |= form.contains('(');
            let number = Some(number);
            if !(form == ">=0" && number == highest || form == "<=0" && number == lowest) {
                persons.entry((form, spelling)).or_default().extend(holders);
            }
        }
        let mut found: Vec<u64> =
            persons.values().map(|who| self.persons.min(who.len() as u64)).collect();
        // Beside numbers with a class, one without any is a category too.
        if classes && !plain.is_empty() {
            found.push(self.persons.min(plain.len() as u64));
        }
        found
    }

    /// Judges when all rows were seen. None if the column is not there.
    #[must_use]
    pub fn finish(
        &self,
        shape: &TableShape,
        texts: &Interner,
        floor: &FloorShape,
    ) -> Option<FloorRecount> {
        let texts = texts.dictionary();
        let count = |code: u32| self.holders[code as usize].1.len() as u64;
        let there = |at: &usize| !self.holders[*at].1.is_empty();
        let shown: Vec<u32> = (0..self.holders.len()).filter(there).map(|at| at as u32).collect();
        let mut must: Vec<u64> = Vec::new();
        let mut few = 0;
        let special = |text: &str| floor.specials.iter().any(|s| s == text);
        let labels = shown.iter().map(|&code| (texts.text(code), self.rows[code as usize]));
        let labels = labels.filter(|(text, _)| !special(text));
        let tails = floor.tails && !(floor.if_measured && are_codes(labels));
        if tails {
            let mut numbers: BTreeMap<Decimal, Vec<u64>> = BTreeMap::new();
            let mut marked: Vec<(Decimal, u32)> = Vec::new();
            for &code in &shown {
                let text = texts.text(code);
                let number = Decimal::parse(text).or_else(|| Measured::parse(text)?.number);
                match number.filter(|_| !special(text)) {
                    Some(number) => {
                        numbers.entry(number).or_default().push(count(code));
                        marked.push((number, code));
                    }
                    None => must.push(count(code)),
                }
            }
            let ends = [numbers.first_key_value(), numbers.last_key_value()];
            must.extend(ends.into_iter().flatten().flat_map(|(_, labels)| labels.iter().copied()));
            must.extend(self.beside(texts, &marked));
            few = numbers.values().flatten().filter(|&&n| n < floor.persons).count() as u64;
        } else {
            must.extend(shown.iter().map(|&code| count(code)));
        }
        // Cells that are all missing show nothing; beside others, missing is a value as any.
        if !shown.is_empty() && !self.missing.1.is_empty() {
            must.push(self.missing.1.len() as u64);
        }
        let smallest = must.into_iter().min();
        Some(FloorRecount {
            table: shape.name.clone(),
            column: shape.columns.get(floor.column)?.name.clone(),
            persons: floor.persons,
            tails,
            values: shown.len() as u64,
            smallest,
            few,
            holds: smallest.is_none_or(|n| n >= floor.persons),
        })
    }
}

/// A laboratory value with 0 for its number, and its signs if they are not those that it is written with here; none for a number
/// that nothing stands beside.
fn form(text: &str) -> Option<(String, String)> {
    if Decimal::parse(text).is_some() {
        return None;
    }
    let mut value = Measured::parse(text)?;
    let signs =
        |text: &str| text.replace(|c| ".,．，0123456789０１２３４５６７８９".contains(c), "");
    let (written, usual) = (signs(text), signs(&value.render()));
    value.number = Some(Decimal::from_integer(0));
    let form = value.render();
    (form != "0").then(|| (form, if written == usual { String::new() } else { written }))
}

/// Recounts the floor of a column. None if its cells are not there.
#[must_use]
pub fn recount(shape: &TableShape, cells: &Cells, floor: &FloorShape) -> Option<FloorRecount> {
    let mut count = FloorCount::new(floor);
    count.add(cells.codes(floor.column)?, cells.codes(shape.person)?);
    count.finish(shape, cells.texts.get(floor.column)?, floor)
}

/// A floor that does not hold.
#[must_use]
pub fn broken(found: &FloorRecount) -> Error {
    Error::refused(
        "C0209",
        say!(
            "table `{}`, column `{}`: recounted from the files, a value is shown for fewer than {} persons",
            Name::from_policy(found.table.clone()),
            Name::from_policy(found.column.clone()),
            found.persons
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::structure::ColumnShape;

    fn found(rows: &[(&str, &str)], persons: u64, tails: bool) -> FloorRecount {
        judged(rows, persons, tails, false)
    }

    fn judged(rows: &[(&str, &str)], persons: u64, tails: bool, if_measured: bool) -> FloorRecount {
        let mut texts = vec![Interner::new(), Interner::new()];
        let mut columns = vec![Vec::new(), Vec::new()];
        for (person, value) in rows {
            columns[0].push(texts[0].intern(person));
            columns[1].push(if value.is_empty() { MISSING } else { texts[1].intern(value) });
        }
        let cells = Cells {
            columns,
            texts,
            rows: rows.len() as u64,
            persons: None,
            steady: Default::default(),
            stays: Default::default(),
        };
        let column = |name: &str| ColumnShape {
            name: name.into(),
            ty: "text".into(),
            token: name == "who",
            parts: Default::default(),
        };
        let shape = TableShape {
            name: "t".into(),
            file: "t.csv".into(),
            columns: vec![column("who"), column("x")],
            person: 0,
            long: None,
        };
        let floor = FloorShape {
            table: 0,
            column: 1,
            persons,
            tails,
            if_measured,
            specials: vec!["999".into()],
        };
        recount(&shape, &cells, &floor).unwrap()
    }

    #[test]
    fn counts_persons_and_not_rows() {
        let rows = [("a", "x"), ("a", "x"), ("a", "x"), ("b", "y"), ("c", "y"), ("d", "y")];
        let two = found(&rows, 2, false);
        assert_eq!((two.holds, two.smallest, two.values), (false, Some(1), 2));
        assert!(found(&rows[3..], 3, false).holds && !found(&rows[3..], 4, false).holds);
    }

    #[test]
    fn a_missing_cell_is_a_value_beside_others() {
        let rows = [("a", "x"), ("b", "x"), ("c", "")];
        assert!(!found(&rows, 2, false).holds);
        assert!(found(&[("a", ""), ("b", "")], 9, false).holds);
    }

    #[test]
    fn what_stands_beside_a_number_counts() {
        let with = |middle: &[(&str, &str)]| {
            let ends = [("a", "<=1"), ("b", "<=1"), ("c", "5"), ("d", ">=9"), ("e", ">=9")];
            found(&[&ends, middle].concat(), 2, true).holds
        };
        for one in ["7(9+)", ">7", ">=7", "<=7", "3+(7)", "7未満"] {
            assert!(!with(&[("f", one)]) && !with(&[("f", one), ("f", "6")]), "{one}");
        }
        assert!(with(&[("f", ">7"), ("g", ">6")]) && !with(&[("f", ">7"), ("g", "＞6")]));
        // The plain 5 is of one person only, which tells something where others have a class.
        assert!(!with(&[("f", "7(+)"), ("g", "6(+)")]));
        assert!(with(&[("f", "7(+)"), ("g", "6(+)"), ("f", "6")]));
    }

    #[test]
    fn of_numbers_the_ends_count_and_every_label_there() {
        let ends = [("a", "1"), ("b", "1"), ("c", "5"), ("d", ">=9"), ("e", ">=9")];
        let fine = found(&ends, 2, true);
        assert_eq!((fine.holds, fine.few), (true, 1));
        let mut two_labels = ends.to_vec();
        two_labels.push(("f", "9"));
        assert!(!found(&two_labels, 2, true).holds);
        let mut special = ends.to_vec();
        special.push(("f", "999"));
        assert!(!found(&special, 2, true).holds);
    }

    #[test]
    fn numbers_that_are_codes_count_one_by_one() {
        let rooms = [("a", "101"), ("b", "101"), ("c", "203"), ("d", "610"), ("e", "610")];
        let codes = judged(&rows_of(&rooms, "610"), 2, true, true);
        assert_eq!((codes.holds, codes.smallest, codes.tails), (false, Some(1), false));
        // Half of them have a fraction, or the policy says that they are measured.
        assert!(judged(&rows_of(&rooms, "610.5"), 2, true, true).holds);
        assert!(judged(&rows_of(&rooms, "610"), 2, true, false).tails);
    }

    fn rows_of<'a>(rooms: &[(&'a str, &'a str)], last: &'a str) -> Vec<(&'a str, &'a str)> {
        let named = |&(who, room)| (who, if room == "610" { last } else { room });
        rooms.iter().map(named).collect()
    }
}
