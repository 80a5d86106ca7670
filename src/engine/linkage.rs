//! Who is the same person (名寄せ): local numbers of several hospitals that agree on a link identity are one person.
//!
//! Read before intake, because a person must be in one partition with all rows. A link identity has the version of its
//! rules and every part with its length in it; a blank part, a filler or an unreadable one makes no link.

use std::path::PathBuf;

use hashbrown::HashMap;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{Progress, identity, intake, moments};
use crate::error::{Error, Result};
use crate::formats;
use crate::frame::{Column, ColumnBuilder, MISSING};
use crate::plan::{LinkagePlan, Plan};
use crate::policy::model::Fillers;
use crate::say;
use crate::text::{identifier, link};

/// The domain of the ids that a linking body sees: never those of a release.
pub const LINK_DOMAIN: &str = "link-id";

/// What linkage did.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq, Serialize, Deserialize)]
pub struct Linked {
    /// Persons with more than one local number.
    pub persons: u64,
    /// Local numbers that have a link identity.
    pub numbers: u64,
}

/// Local identities to the identity of the person.
#[derive(Debug, Default)]
pub struct Linkage {
    person: HashMap<String, String>,
    /// Local identities with a link identity.
    pub linked: u64,
    /// Local identities that were put together with others.
    pub joined: u64,
    /// Persons with more than one local identity.
    pub persons: u64,
    /// Rows of the linking tables without a usable link identity.
    pub unlinked_rows: u64,
}

/// The link identity of a row: the version, then the parts with kind and length.
#[must_use]
pub fn compose(rule: &LinkagePlan, parts: &[&str]) -> String {
    let kinds: Vec<&str> = rule
        .fields
        .iter()
        .map(|(_, part)| match part {
            link::Part::Date => "date",
            link::Part::Kana => "kana",
            link::Part::Sex => "sex",
            link::Part::Identifier => "id",
        })
        .collect();
    let head = kinds.join("+");
    let mut all = vec![link::VERSION, head.as_str()];
    all.extend(parts);
    format!("={}", identifier::compose(&all))
}

/// The link identities of the rows of a batch, missing where any part is.
#[must_use]
pub fn links(rule: &LinkagePlan, table: &crate::frame::Table) -> Column {
    let parts: Vec<Vec<Option<String>>> = rule
        .fields
        .par_iter()
        .map(|&(column, part)| {
            table.columns[column]
                .dictionary()
                .texts()
                .map(|text| link::normalize(part, text))
                .collect()
        })
        .collect();
    let mut builder = ColumnBuilder::default();
    let mut texts: Vec<&str> = Vec::with_capacity(parts.len());
    for row in 0..table.rows {
        texts.clear();
        for (&(column, _), part) in rule.fields.iter().zip(&parts) {
            match table.columns[column].codes()[row] {
                MISSING => break,
                code => match part[code as usize].as_deref() {
                    Some(text) => texts.push(text),
                    None => break,
                },
            }
        }
        let whole = (texts.len() == parts.len()).then(|| compose(rule, &texts));
        builder.push(whole.as_deref());
    }
    builder.finish()
}

type OnRow<'a> = dyn FnMut(&LinkagePlan, Option<&str>, Option<&str>) -> Result<()> + 'a;

/// Reads the linking tables: rule, local identity and link identity of every row.
fn each_row(
    plan: &Plan,
    files: &[Vec<PathBuf>],
    progress: &dyn Progress,
    f: &mut OnRow<'_>,
) -> Result<()> {
    // Nines would make one person of all who have them, whatever the column says of them later.
    let mut normalize = plan.normalize;
    if normalize.fillers == Fillers::Column {
        normalize.fillers = Fillers::Always;
    }
    let resources = if plan.linkage.is_empty() { None } else { intake::resources(plan, files)? };
    for rule in &plan.linkage {
        let table = &plan.tables[rule.table];
        let columns = intake::columns_of(table);
        for path in &files[rule.table] {
            let folder = intake::folder_of(table, path, plan)?;
            let mut spec = intake::read_spec(table, path, &columns)?;
            spec.resources.clone_from(&resources);
            let mut reader = formats::open(path, &spec)?;
            while let Some(mut batch) = reader.next(262_144)? {
                progress.check()?;
                for at in (0..table.columns.len()).filter(|&c| table.columns[c].made) {
                    let rows = batch.table.rows;
                    batch.table.columns.insert(at, Column::constant(None, rows));
                }
                moments::settle(table, &mut batch.table.columns, plan.zone);
                let key = &table.keys[table.person_key];
                let local =
                    identity::column(&batch.table, &key.columns, &normalize, folder.as_deref());
                let links = links(rule, &batch.table);
                for row in 0..batch.table.rows {
                    f(rule, local.text(row), links.text(row))?;
                }
            }
        }
    }
    Ok(())
}

struct Union {
    parent: Vec<u32>,
}

impl Union {
    fn root(&mut self, mut at: u32) -> u32 {
        while self.parent[at as usize] != at {
            let up = self.parent[self.parent[at as usize] as usize];
            self.parent[at as usize] = up;
            at = up;
        }
        at
    }
    fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        let (low, high) = (a.min(b), a.max(b));
        self.parent[high as usize] = low;
    }
}

impl Linkage {
    /// Reads the linking tables and finds out who is the same person. Empty if the plan has no rules.
    ///
    /// # Errors
    /// Defects of the files; a link identity that more local numbers share than a person can have.
    pub fn read(plan: &Plan, files: &[Vec<PathBuf>], progress: &dyn Progress) -> Result<Linkage> {
        let mut linkage = Linkage::default();
        if plan.linkage.is_empty() {
            return Ok(linkage);
        }
        let mut numbers: HashMap<String, u32> = HashMap::new();
        let mut names: Vec<String> = Vec::new();
        let mut union = Union { parent: Vec::new() };
        let mut number = |text: &str, union: &mut Union| -> u32 {
            if let Some(&n) = numbers.get(text) {
                return n;
            }
            let n = names.len() as u32;
            numbers.insert(text.to_owned(), n);
            names.push(text.to_owned());
            union.parent.push(n);
            n
        };
        let mut sharing: HashMap<u32, Vec<u32>> = HashMap::new();
        each_row(plan, files, progress, &mut |rule, local, link| {
            let (Some(local), Some(link)) = (local, link) else {
                linkage.unlinked_rows += 1;
                return Ok(());
            };
            let a = number(local, &mut union);
            let b = number(link, &mut union);
            union.join(a, b);
            let list = sharing.entry(b).or_default();
            if !list.contains(&a) {
                list.push(a);
            }
            if list.len() > rule.at_most {
                return Err(Error::refused(
                    "C0601",
                    say!(
                        "person.same: more than {} numbers of table `{}` share one link identity: the link columns hold a filler, or are not what the policy says",
                        rule.at_most,
                        plan.tables[rule.table].name
                    ),
                )
                .advice(say!("correct the data; a person with so many numbers needs `at_most`")));
            }
            Ok(())
        })?;
        // The name of a person is the smallest link identity of all that hang together.
        let mut smallest: HashMap<u32, u32> = HashMap::new();
        let mut locals: HashMap<u32, u64> = HashMap::new();
        for n in 0..names.len() as u32 {
            let root = union.root(n);
            if names[n as usize].starts_with('=') {
                let slot = smallest.entry(root).or_insert(n);
                if names[n as usize] < names[*slot as usize] {
                    *slot = n;
                }
            } else {
                *locals.entry(root).or_default() += 1;
            }
        }
        for n in 0..names.len() as u32 {
            if names[n as usize].starts_with('=') {
                continue;
            }
            let root = union.root(n);
            if let Some(&person) = smallest.get(&root) {
                linkage.linked += 1;
                linkage.joined += u64::from(locals.get(&root).is_some_and(|&l| l > 1));
                linkage.person.insert(names[n as usize].clone(), names[person as usize].clone());
            }
        }
        linkage.persons = locals.values().filter(|&&l| l > 1).count() as u64;
        Ok(linkage)
    }

    /// Gives every pair of a person and a link identity of that person.
    ///
    /// # Errors
    /// Defects of the files.
    pub fn links(
        &self,
        plan: &Plan,
        files: &[Vec<PathBuf>],
        progress: &dyn Progress,
        f: &mut dyn FnMut(&str, &str),
    ) -> Result<()> {
        each_row(plan, files, progress, &mut |_, local, link| {
            if let (Some(local), Some(link)) = (local, link) {
                f(self.person.get(local).map_or(local, String::as_str), link);
            }
            Ok(())
        })
    }

    /// Whether nobody is linked.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.person.is_empty()
    }

    /// The persons of local identities.
    #[must_use]
    pub fn map(&self, local: Column) -> Column {
        if self.person.is_empty() {
            return local;
        }
        let mut builder = ColumnBuilder::default();
        let persons: Vec<&str> = local
            .dictionary()
            .texts()
            .map(|text| self.person.get(text).map_or(text, String::as_str))
            .collect();
        for &code in local.codes() {
            builder.push(if code == MISSING { None } else { Some(persons[code as usize]) });
        }
        builder.finish()
    }

    /// Person to local identities, for the exclusion lists, which name local ones.
    #[must_use]
    pub fn locals(&self) -> HashMap<String, Vec<String>> {
        let mut locals: HashMap<String, Vec<String>> = HashMap::new();
        for (local, person) in &self.person {
            locals.entry(person.clone()).or_default().push(local.clone());
        }
        locals
    }
}
