//! One pass over a file of a release: its cells are looked at as they come, and only what is counted later is kept.
//!
//! What is held does not grow with the rows but where a recount needs every row: columns of views and sets, and whose the rows
//! are. Of the other columns the distinct texts are held, of dates and tokens not even these.

use std::sync::Arc;

use hashbrown::{HashMap, HashSet};
use rayon::prelude::*;

use super::detectors::{self, Detected};
use super::floors::{self, FloorCount, FloorRecount};
use super::forbidden::{Forbidden, Searched};
use super::joins::{Common, Gathering, Signatures};
use super::links::Links;
use super::recount::{Cells, Persons};
use super::stays::{self, Fact, Stays};
use super::steady::Shown;
use super::structure::{FloorShape, SteadyShape, Structure, TableShape};
use crate::detect::column::Finding;
use crate::error::{Error, Name, Result};
use crate::frame::{Column, Interner, MISSING, Table};
use crate::plan::claims::ClaimedFile;
use crate::plan::{Plan, shape};
use crate::schema::{ColumnFacts, Kind};
use crate::{say, timings};

/// What a pass knows of the release.
#[derive(Clone, Copy)]
pub struct Known<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// The release.
    pub kind: Kind,
    /// What it looks like.
    pub structure: &'a Structure,
    /// What must not be in it.
    pub forbidden: &'a Forbidden,
    /// The link keys, if there are any.
    pub links: Option<&'a Links>,
    /// What both releases have.
    pub common: &'a Common,
    /// Persons in the release, as the run says.
    pub persons: u64,
}

/// One table of a file as it passes.
pub struct TablePass<'a> {
    known: Known<'a>,
    shape: &'a TableShape,
    table: usize,
    columns: Vec<ColumnPass<'a>>,
    rows: u64,
    /// Rows by person.
    of_person: Vec<u32>,
    signatures: Option<Gathering>,
    floors: Vec<(&'a FloorShape, FloorCount)>,
    /// By key: the stays, and the columns that may be facts of them.
    stays: Vec<(usize, Stays, Vec<(usize, stays::Shown)>)>,
}

struct ColumnPass<'a> {
    facts: &'a ColumnFacts,
    /// Its column in the plan.
    column: usize,
    token: bool,
    /// How it is searched; tokens are not, nor are dates.
    searched: Option<Searched>,
    /// Its codes are needed when all has passed.
    kept: bool,
    /// Its texts are numbered over the whole table.
    numbered: bool,
    /// What each person shows, where it may be the same in all rows of a person.
    steady: Option<(Shown, &'a SteadyShape)>,
    /// Cells by text, for the detectors.
    held: Option<Vec<u64>>,
    texts: Interner,
    codes: Vec<u32>,
    tokens: Vec<[u8; 16]>,
    no_token: bool,
    leak: bool,
    link_key: bool,
}

/// What a pass found of a table.
pub struct Passed {
    /// What is counted later.
    pub cells: Cells,
    /// Its tokens.
    pub tokens: Vec<[u8; 16]>,
    /// Distinct cells that were searched.
    pub searched: u64,
    /// What does not hold.
    pub errors: Vec<Error>,
    /// Columns that the detectors looked at.
    pub looked: u64,
    /// By column of the file: what they found.
    pub findings: Vec<(usize, Finding, Interner, u64)>,
    /// Recounted floors.
    pub floors: Vec<FloorRecount>,
    /// What can be compared with the other release.
    pub signatures: Option<Signatures>,
}

impl<'a> TablePass<'a> {
    /// Before the first row of the table with this number in the structure.
    pub fn new(known: Known<'a>, number: usize, file: &ClaimedFile) -> Self {
        let shape = &known.structure.tables[number];
        let plan = known.plan;
        let table = &plan.tables[file.table];
        let kept = known.structure.counted(number);
        let floors: Vec<&FloorShape> =
            known.structure.floors.iter().filter(|f| f.table == number).collect();
        // Of columns whose codes are kept it is told from these.
        let steady = |at: usize| {
            let mut may_be = known.structure.steady.iter();
            let found = may_be.find(|s| (s.table, s.column) == (number, at))?;
            (!kept.get(at)?).then(|| (Shown::default(), found))
        };
        let mut of_stays: Vec<(usize, Stays, Vec<(usize, stays::Shown)>)> = Vec::new();
        for (key, column) in stays::asked(known.structure, number) {
            let shown = (column, stays::Shown::default());
            match of_stays.last_mut().filter(|(last, ..)| *last == key) {
                Some((.., columns)) => columns.push(shown),
                None => of_stays.push((key, Stays::default(), vec![shown])),
            }
        }
        let of_stay = |at: usize| {
            of_stays.iter().any(|(key, _, all)| *key == at || all.iter().any(|(c, _)| *c == at))
        };
        let columns = shape::released(plan, file.table, known.kind)
            .iter()
            .enumerate()
            .map(|(at, r)| {
                let column = &table.columns[r.column];
                let token = column.treatment(known.kind).treatment.shows().token();
                let plain = !token && !r.ty.is_date();
                ColumnPass {
                    facts: &column.facts,
                    column: r.column,
                    token: shape.columns.get(at).is_some_and(|c| c.token),
                    searched: plain.then_some(Searched {
                        ty: r.ty,
                        coded: column.facts.code.is_some(),
                        coincides: column.coincides.is_some(),
                        ranges: column.treatment(known.kind).treatment.doc().ranges,
                    }),
                    kept: kept.get(at).copied().unwrap_or(false),
                    numbered: plain
                        || at == shape.person
                        || kept.get(at).copied().unwrap_or(false)
                        || floors.iter().any(|f| f.column == at)
                        || steady(at).is_some()
                        || of_stay(at),
                    steady: steady(at),
                    held: plain.then(Vec::new),
                    texts: Interner::new(),
                    codes: Vec::new(),
                    tokens: Vec::new(),
                    no_token: false,
                    leak: false,
                    link_key: false,
                }
            })
            .collect();
        TablePass {
            known,
            shape,
            table: file.table,
            columns,
            rows: 0,
            of_person: Vec::new(),
            signatures: known.common.gathering(shape),
            floors: floors.into_iter().map(|f| (f, FloorCount::new(f))).collect(),
            stays: of_stays,
        }
    }

    /// Rows as they come.
    pub fn see(&mut self, rows: &Table) -> Result<()> {
        self.rows += rows.rows as u64;
        let TablePass { known, shape, columns, of_person, signatures, floors, stays, .. } = self;
        let (known, shape) = (*known, *shape);
        let broken = || {
            Error::data(
                "D0901",
                say!("the record's description of the release does not fit its tables"),
            )
        };
        if columns.len() != rows.columns.len() || shape.person >= columns.len() {
            return Err(broken());
        }
        let person = &mut columns[shape.person];
        let who = person.see(known, &rows.columns[shape.person]).ok_or_else(broken)?;
        of_person.resize(person.texts.dictionary().len(), 0);
        for &who in who.iter().filter(|&&who| who != MISSING) {
            of_person[who as usize] += 1;
        }
        if let Some(signatures) = signatures {
            signatures.see(known.common, rows, &who);
        }
        let seen: Vec<Option<Vec<u32>>> = columns
            .par_iter_mut()
            .zip(&rows.columns)
            .enumerate()
            .map(|(at, (column, cells))| {
                if at == shape.person {
                    return None;
                }
                let facts = column.facts;
                let see = || column.see(known, cells);
                timings::of_column("prove", &facts.table, &facts.column, see)
            })
            .collect();
        for (floor, count) in floors {
            let codes = if floor.column == shape.person {
                Some(&who)
            } else {
                seen.get(floor.column).and_then(Option::as_ref)
            };
            count.add(codes.ok_or_else(broken)?, &who);
        }
        for (key, stays, shown) in stays {
            let codes = |at: usize| seen.get(at).and_then(Option::as_ref).ok_or_else(broken);
            let of = stays.number(codes(*key)?, &who);
            for (at, shown) in shown {
                shown.see(codes(*at)?, &of);
            }
        }
        for (at, (column, codes)) in columns.iter_mut().zip(seen).enumerate() {
            if let (Some((values, _)), Some(codes)) = (&mut column.steady, &codes) {
                values.see(codes, &who, known.persons);
            }
            if !column.kept {
                continue;
            }
            match codes {
                Some(codes) => column.codes.extend(codes),
                None if at == shape.person => column.codes.extend(&who),
                None => return Err(broken()),
            }
        }
        Ok(())
    }

    /// The table whose rows have all passed.
    pub fn finish(self) -> Passed {
        let TablePass { known, shape, table, columns, rows, of_person, signatures, floors, stays } =
            self;
        let (plan, kind) = (known.plan, known.kind);
        let shown = Name::from_policy(shape.name.clone());
        let mut passed = Passed {
            cells: Cells {
                columns: Vec::new(),
                texts: Vec::new(),
                rows,
                persons: None,
                steady: HashMap::new(),
                stays: stays::Facts::new(),
            },
            tokens: Vec::new(),
            searched: 0,
            errors: Vec::new(),
            looked: 0,
            findings: Vec::new(),
            floors: Vec::new(),
            signatures: None,
        };
        for (floor, count) in floors {
            match columns.get(floor.column).and_then(|c| count.finish(shape, &c.texts, floor)) {
                Some(found) => {
                    if !found.holds {
                        passed.errors.push(floors::broken(&found));
                    }
                    passed.floors.push(found);
                }
                None => passed.errors.push(super::prove::missing_file(&shape.name, kind)),
            }
        }
        // Whose a stay is, is told by the texts of its key and of its person.
        let mut texts_of = vec![false; columns.len()];
        for (key, stays, shown) in stays {
            let stays = Arc::new(stays);
            for (column, shown) in shown {
                let fact = shown.finish().map(|shown| Fact::new(Arc::clone(&stays), shown));
                if fact.is_some() {
                    (texts_of[key], texts_of[shape.person]) = (true, true);
                }
                passed.cells.stays.insert((key, column), fact);
            }
        }
        let person = &columns[shape.person];
        // A cell that is no token is an error of its own (C0301).
        let tokens = person.texts.dictionary().texts();
        let tokens =
            tokens.map(|text| crate::token::parse_token(text).unwrap_or_default()).collect();
        let tokens: Arc<Vec<[u8; 16]>> = Arc::new(tokens);
        if !person.kept {
            passed.cells.persons = Some(Persons { tokens: Arc::clone(&tokens), rows: of_person });
        }
        passed.signatures = signatures.map(|s| s.finish(shape, tokens));
        let judged: Vec<Option<Vec<Finding>>> = columns
            .par_iter()
            .map(|c| Some(detectors::judge(c.facts, &c.texts, c.held.as_ref()?)))
            .collect();
        for (at, (column, found)) in columns.into_iter().zip(judged).enumerate() {
            let named = Name::from_policy(shape.columns[at].name.clone());
            if column.no_token {
                passed.errors.push(Error::refused(
                    "C0301",
                    say!(
                        "table `{}`, column `{}`, {} release: a cell is not a token",
                        shown,
                        named,
                        kind
                    ),
                ));
            }
            if column.leak {
                passed.errors.push(super::prove::leak(plan, kind, table, Some(column.column)));
            }
            if column.link_key {
                passed.errors.push(super::links::key_in(&shown, &named, kind));
            }
            if column.searched.is_some() {
                passed.searched += column.texts.dictionary().len() as u64;
            }
            passed.tokens.extend(column.tokens);
            passed.looked += u64::from(found.is_some());
            let filled = column.held.iter().flatten().sum();
            for finding in found.into_iter().flatten() {
                passed.findings.push((at, finding, column.texts.clone(), filled));
            }
            let texts = column.texts.dictionary();
            let steady = column.steady.map(|(shown, shape)| shown.finish(shape, texts));
            let texts = column.kept || texts_of[at] || matches!(steady, Some(Some(_)));
            if let Some(values) = steady {
                passed.cells.steady.insert(at, values);
            }
            passed.cells.columns.push(column.codes);
            passed.cells.texts.push(if texts { column.texts } else { Interner::new() });
        }
        passed
    }
}

impl ColumnPass<'_> {
    /// Cells as they come; their numbers over the whole table, where its texts are held.
    fn see(&mut self, known: Known<'_>, cells: &Column) -> Option<Vec<u32>> {
        let numbered = self.numbered;
        if !numbered && !self.token && known.links.is_none() {
            return None;
        }
        let dictionary = cells.dictionary();
        let mut used = vec![false; dictionary.len()];
        for &code in cells.codes() {
            if code != MISSING {
                used[code as usize] = true;
            }
        }
        let mut map = vec![MISSING; dictionary.len()];
        for (code, text) in dictionary.texts().enumerate().filter(|&(code, _)| used[code]) {
            if numbered {
                let before = self.texts.dictionary().len();
                map[code] = self.texts.intern(text);
                if self.texts.dictionary().len() == before {
                    continue;
                }
            }
            // Looked at once a text.
            if let Some(searched) = self.searched {
                self.leak |=
                    !self.facts.is_special(text) && known.forbidden.in_cell(text, searched);
            }
            if let Some(links) = known.links {
                self.link_key |= links.has(text);
            }
            if self.token {
                match crate::token::written_token(text) {
                    Some(token) => self.tokens.push(token),
                    None => self.no_token = true,
                }
            }
        }
        if !numbered {
            return None;
        }
        let codes: Vec<u32> = cells
            .codes()
            .iter()
            .map(|&code| if code == MISSING { MISSING } else { map[code as usize] })
            .collect();
        if let Some(held) = &mut self.held {
            held.resize(self.texts.dictionary().len(), 0);
            for &code in codes.iter().filter(|&&code| code != MISSING) {
                held[code as usize] += 1;
            }
        }
        Some(codes)
    }
}

/// Whose cells the detectors' findings of a table are: rows and persons, in the order of the findings. The file is read once more.
#[derive(Default)]
pub struct Hits {
    persons: Interner,
    rows: Vec<u64>,
    who: Vec<HashSet<u32>>,
}

impl Hits {
    /// Rows as they come.
    pub fn see(&mut self, rows: &Table, person: usize, found: &[(usize, Finding, Interner, u64)]) {
        self.rows.resize(found.len(), 0);
        self.who.resize(found.len(), Default::default());
        let Some(persons) = rows.columns.get(person) else { return };
        for (at, (column, finding, texts, _)) in found.iter().enumerate() {
            let Some(cells) = rows.columns.get(*column) else { continue };
            let hits: Vec<bool> = cells
                .dictionary()
                .texts()
                .map(|t| {
                    texts.find(t).is_some_and(|code| finding.hits.get(code as usize) == Some(&true))
                })
                .collect();
            for (row, &code) in cells.codes().iter().enumerate() {
                if code != MISSING && hits[code as usize] {
                    self.rows[at] += 1;
                    let who = persons.text(row).map_or(MISSING, |text| self.persons.intern(text));
                    self.who[at].insert(who);
                }
            }
        }
    }
    /// What is told of the findings; those that nothing waives are errors.
    pub fn told(
        &self,
        (plan, kind, file): (&Plan, Kind, &ClaimedFile),
        found: &[(usize, Finding, Interner, u64)],
        errors: &mut Vec<Error>,
    ) -> Vec<Detected> {
        let released = shape::released(plan, file.table, kind);
        let counted = found.iter().zip(&self.rows).zip(&self.who);
        counted
            .map(|(((at, finding, _, filled), &rows), who)| {
                let place = (finding.detector, file.table, released[*at].column);
                let detected =
                    detectors::told(plan, kind, place, (rows, who.len() as u64, *filled));
                errors.extend(detectors::refused(&detected));
                detected
            })
            .collect()
    }
}
