//! Code systems and hierarchy tables: how a code becomes a coarser one.
//!
//! A code system is one file here: its levels, finest first, and the function [`CodeSystem::up`]. A hierarchy is a table
//! that the policy brings ([`Hierarchy`]). Both are a [`Ladder`], and [`Ladders`] finds one by the word that the policy
//! gives as a column's `code`. Nothing here opens a file, and no value of a table is named in an error.
//!
//! # Laws (tested)
//! * Nested: for two levels with [`Ladder::coarsens`], the coarser value is a function of the finer one. Values that
//!   agree on a level agree on every coarser one, so a coarser level never has more distinct values.
//! * Covered or not: a value that a ladder does not know gives `None` on each of its levels, never a guess. Whoever uses the ladder refuses
//!   the run or follows what the policy says about such values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use unicode_normalization::UnicodeNormalization;

use crate::error::{Name, Said};
use crate::say;

mod beds;
mod dpc14;
mod geography;
mod hierarchy;
mod hot;
mod icd10;
mod jlac10;
mod kcode;
mod municipality;
mod postal;
mod prefecture;
mod yj;

pub use hierarchy::Hierarchy;

/// The level that every ladder has at its end: one value for all.
pub const ALL: &str = "*";

/// The level that every ladder has at its start: the value as it stands in the cell.
pub const FULL: &str = "full";

/// A level of a code system.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Level {
    /// The word in a policy.
    pub name: &'static str,
    /// The Japanese term.
    pub ja: &'static str,
}

/// A code system whose levels follow from rules or from a table in this program.
pub trait CodeSystem: Debug + Send + Sync {
    /// The word in a policy.
    fn name(&self) -> &'static str;
    /// The Japanese name.
    fn ja(&self) -> &'static str;
    /// The edition of the rules or of the table.
    fn version(&self) -> &'static str;
    /// Where the rules or the table come from.
    fn source(&self) -> &'static str;
    /// The levels above the full code, finest first.
    fn levels(&self) -> &'static [Level];
    /// Whether a text is a code of the system, in one of the spellings that the system's page names.
    fn validate(&self, code: &str) -> bool {
        self.levels().iter().any(|level| self.up(code, level.name).is_some())
    }
    /// The value of a code on a level; `None` if the code is not covered or the system has no such level.
    fn up(&self, code: &str, level: &str) -> Option<String>;
    /// Whether `coarser` is a function of `finer`. The levels of most systems are one chain.
    fn nested(&self, finer: &str, coarser: &str) -> bool {
        match (self.position(finer), self.position(coarser)) {
            (Some(f), Some(c)) => f <= c,
            _ => false,
        }
    }
    /// The place of a level in [`CodeSystem::levels`].
    fn position(&self, level: &str) -> Option<usize> {
        self.levels().iter().position(|l| l.name == level)
    }
}

/// All code systems, in the order of the reference.
pub static SYSTEMS: &[&'static dyn CodeSystem] = &[
    &icd10::Icd10,
    &postal::Postal,
    &municipality::Municipality,
    &prefecture::Prefecture,
    &yj::Yj,
    &hot::Hot,
    &jlac10::Jlac10,
    &dpc14::Dpc14,
    &kcode::Kcode,
    &beds::Beds,
];

/// The code system with a name.
#[must_use]
pub fn system(name: &str) -> Option<&'static dyn CodeSystem> {
    SYSTEMS.iter().copied().find(|s| s.name() == name)
}

/// A code system or a hierarchy table.
#[derive(Clone, Debug)]
pub enum Ladder {
    /// A code system of this program.
    System(&'static dyn CodeSystem),
    /// A table that the policy brings.
    Table(Arc<Hierarchy>),
}

impl Ladder {
    /// Its name in the policy.
    #[must_use]
    pub fn name(&self) -> Name {
        match self {
            Ladder::System(system) => Name::fixed(system.name()),
            Ladder::Table(table) => table.name().clone(),
        }
    }
    /// The edition of its rules or table.
    #[must_use]
    pub fn version(&self) -> Name {
        match self {
            Ladder::System(system) => Name::fixed(system.version()),
            Ladder::Table(table) => table.version().clone(),
        }
    }
    /// Where its rules or table come from.
    #[must_use]
    pub fn source(&self) -> Name {
        match self {
            Ladder::System(system) => Name::fixed(system.source()),
            Ladder::Table(table) => table.source().clone(),
        }
    }
    /// The names of its levels, finest first, without [`FULL`] and [`ALL`].
    #[must_use]
    pub fn levels(&self) -> Vec<String> {
        match self {
            Ladder::System(system) => system.levels().iter().map(|l| l.name.to_owned()).collect(),
            Ladder::Table(table) => table.levels().iter().map(|l| l.as_str().to_owned()).collect(),
        }
    }
    /// The Japanese name of a level; of a table, its name in the policy. `None` if there is no such level.
    #[must_use]
    pub fn level_ja(&self, level: &str) -> Option<Name> {
        match (level, self) {
            (FULL, _) => Some(Name::fixed("元の値")),
            (ALL, _) => Some(Name::fixed("全体")),
            (_, Ladder::System(system)) => {
                system.levels().iter().find(|l| l.name == level).map(|l| Name::fixed(l.ja))
            }
            (_, Ladder::Table(table)) => {
                table.levels().iter().find(|l| l.as_str() == level).cloned()
            }
        }
    }
    /// Whether it has a level; [`FULL`] and [`ALL`] are on every ladder.
    #[must_use]
    pub fn has(&self, level: &str) -> bool {
        self.level_ja(level).is_some()
    }
    /// Whether each of the levels, from fine to coarse, is a function of the one before; false if it lacks one of them.
    #[must_use]
    pub fn nested(&self, levels: &[String]) -> bool {
        levels.iter().all(|level| self.has(level))
            && levels.windows(2).all(|pair| self.coarsens(&pair[0], &pair[1]))
    }
    /// The levels of the longest chain that ends in the coarsest level, finest first: what a value may climb step by step.
    /// (Of `postal` it leaves out `prefix3`, which no other level is a function of.)
    #[must_use]
    pub fn chain(&self) -> Vec<String> {
        let mut chain: Vec<String> = Vec::new();
        for level in self.levels().into_iter().rev() {
            if chain.last().is_none_or(|coarser| self.coarsens(&level, coarser)) {
                chain.push(level);
            }
        }
        chain.reverse();
        chain
    }
    /// Whether `coarser` is a function of `finer`.
    #[must_use]
    pub fn coarsens(&self, finer: &str, coarser: &str) -> bool {
        match self {
            _ if !self.has(finer) || !self.has(coarser) => false,
            _ if finer == FULL || coarser == ALL || finer == coarser => true,
            _ if finer == ALL || coarser == FULL => false,
            Ladder::System(system) => system.nested(finer, coarser),
            Ladder::Table(table) => table.position(finer) <= table.position(coarser),
        }
    }
    /// Whether the ladder knows a value.
    #[must_use]
    pub fn covers(&self, value: &str) -> bool {
        match self {
            Ladder::System(system) => system.validate(value),
            Ladder::Table(table) => table.covers(value),
        }
    }
    /// The value on a level; `None` if the value is not covered there or the ladder has no such level.
    /// [`ALL`] covers every value; [`FULL`] gives back a value that is covered, unchanged.
    #[must_use]
    pub fn up(&self, value: &str, level: &str) -> Option<String> {
        match (level, self) {
            (ALL, _) => Some(ALL.to_owned()),
            (FULL, _) => self.covers(value).then(|| value.to_owned()),
            (_, Ladder::System(system)) => system.up(value, level),
            (_, Ladder::Table(table)) => table.up(value, level).map(str::to_owned),
        }
    }
    /// How many of the values are not covered on a level. No value is named.
    #[must_use]
    pub fn uncovered<'a>(&self, values: impl IntoIterator<Item = &'a str>, level: &str) -> u64 {
        values.into_iter().filter(|v| self.up(v, level).is_none()).count() as u64
    }
}

/// The ladder that a technique's configuration holds once `Technique::attach` filled it in.
/// It is no part of the configuration: it is not serialized, and two configurations are equal whatever they hold.
#[derive(Clone, Debug, Default)]
pub struct Held(Option<Arc<Ladder>>);

impl Held {
    /// Holds a ladder.
    #[must_use]
    pub fn of(ladder: Arc<Ladder>) -> Self {
        Held(Some(ladder))
    }
    /// The ladder, if one was attached.
    #[must_use]
    pub fn get(&self) -> Option<&Ladder> {
        self.0.as_deref()
    }
}
impl PartialEq for Held {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}
impl Eq for Held {}

/// The ladders that a policy can name: all code systems, and its own hierarchy tables.
#[derive(Clone, Debug, Default)]
pub struct Ladders {
    tables: BTreeMap<String, Arc<Ladder>>,
}

impl Ladders {
    /// The code systems alone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds a hierarchy table under its own name.
    ///
    /// # Errors
    /// If a code system or another table has that name.
    pub fn add(&mut self, table: Hierarchy) -> Result<(), Said> {
        let name = table.name().clone();
        if system(name.as_str()).is_some() {
            return Err(say!("hierarchy `{}`: a code system has that name", name));
        }
        if self
            .tables
            .insert(name.as_str().to_owned(), Arc::new(Ladder::Table(Arc::new(table))))
            .is_some()
        {
            return Err(say!("hierarchy `{}` is given twice", name));
        }
        Ok(())
    }
    /// The ladder with a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<Ladder>> {
        match system(name) {
            Some(system) => Some(Arc::new(Ladder::System(system))),
            None => self.tables.get(name).map(Arc::clone),
        }
    }
    /// The ladder with a name, or an error that names those that there are.
    ///
    /// # Errors
    /// If there is none with that name.
    pub fn find(&self, name: &Name) -> Result<Arc<Ladder>, Said> {
        self.get(name.as_str()).ok_or_else(|| {
            let known: Vec<Said> = self.names().iter().map(|n| say!("`{}`", n)).collect();
            say!("no code system or hierarchy `{}`; there are {}", name, Said::join(&known, ", "))
        })
    }
    /// The names of all ladders, code systems first.
    #[must_use]
    pub fn names(&self) -> Vec<Name> {
        let systems = SYSTEMS.iter().map(|s| Name::fixed(s.name()));
        let tables = self.tables.values().map(|t| t.name());
        systems.chain(tables).collect()
    }
}

/// A code without the accidents of writing: full-width becomes half-width (NFKC), the many dashes become `-`, blanks
/// around it go, ASCII letters become capitals.
fn plain(code: &str) -> Cow<'_, str> {
    let code = code.trim();
    if code.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b == b'-' || b == b'.')
    {
        return Cow::Borrowed(code);
    }
    let folded: String = code
        .nfkc()
        .map(|c| match c {
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30fc}' => '-',
            c => c.to_ascii_uppercase(),
        })
        .collect();
    Cow::Owned(folded.trim().to_owned())
}

/// Whether a text is of ASCII digits only and as long as one of `lengths`.
fn digits(text: &str, lengths: &[usize]) -> bool {
    lengths.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    fn codes() -> impl Strategy<Value = String> {
        prop_oneof![
            "[A-Z][0-9]{2}\\.?[0-9]{0,2}",
            "[0-9]{7}",
            "(0[1-9]|[1-4][0-9])[0-9]{3}",
            "[0-9]{2}",
            "[0-9]{7}[A-Z][0-9]{4}",
            "[0-9]{9}|[0-9]{13}",
            "[1-8][A-Z][0-9]{15}",
            "(0[1-9]|1[0-8])[0-9]{4}[0-9x]{8}",
            "K[0-9]{3}(-[0-9]{1,2})?",
            ".{0,9}",
        ]
    }

    proptest! {
        #[test]
        fn levels_are_nested(a in codes(), b in codes()) {
            for system in SYSTEMS {
                let ladder = Ladder::System(*system);
                let mut levels = vec![FULL.to_owned(), ALL.to_owned()];
                levels.extend(ladder.levels());
                for finer in &levels {
                    for coarser in &levels {
                        let (fa, fb) = (ladder.up(&a, finer), ladder.up(&b, finer));
                        if ladder.coarsens(finer, coarser) && fa.is_some() {
                            prop_assert!(ladder.up(&a, coarser).is_some());
                            if fa == fb {
                                prop_assert_eq!(ladder.up(&a, coarser), ladder.up(&b, coarser));
                            }
                        }
                    }
                }
                for level in ladder.levels() {
                    prop_assert_eq!(ladder.up(&a, &level).is_some(), ladder.covers(&a));
                }
                prop_assert_eq!(ladder.up(&a, "no such level"), None);
                prop_assert_eq!(system.validate(&a), ladder.covers(&a));
            }
        }

        #[test]
        fn width_does_not_matter(code in codes()) {
            prop_assume!(code.is_ascii());
            let wide: String = code.chars().map(|c| match c {
                '!'..='~' => char::from_u32(c as u32 + 0xfee0).unwrap(),
                c => c,
            }).collect();
            for system in SYSTEMS {
                for level in system.levels() {
                    prop_assert_eq!(system.up(&code, level.name), system.up(&wide, level.name));
                }
            }
        }
    }

    #[test]
    fn names_are_unique_and_levels_are_words() {
        let mut names = BTreeSet::new();
        for system in SYSTEMS {
            assert!(names.insert(system.name()));
            assert!(!system.levels().is_empty());
            for text in [system.ja(), system.version(), system.source()] {
                assert!(!text.is_empty());
            }
            let words: BTreeSet<_> = system.levels().iter().map(|l| l.name).collect();
            assert_eq!(words.len(), system.levels().len());
            assert!(!words.contains(ALL) && !words.contains(FULL));
        }
    }

    #[test]
    fn a_list_of_levels_is_a_chain_or_not() {
        let ladder = Ladders::new().get("postal").unwrap();
        let nested = |levels: &[&str]| {
            ladder.nested(&levels.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>())
        };
        assert!(nested(&["full", "municipality", "prefecture", "region", "*"]));
        assert!(nested(&["full", "prefix3", "*"]));
        assert_eq!(ladder.chain(), ["municipality", "prefecture", "region"]);
        for system in SYSTEMS.iter().filter(|s| s.name() != "postal") {
            let ladder = Ladder::System(*system);
            assert_eq!(ladder.chain(), ladder.levels());
        }
        for levels in
            [["prefix3", "prefecture"], ["region", "prefecture"], ["prefecture", "district"]]
        {
            assert!(!nested(&levels));
        }
    }

    #[test]
    fn a_table_cannot_hide_a_code_system() {
        let table = |name: &'static str| {
            let fixed = Name::fixed;
            Hierarchy::parse(
                fixed(name),
                "a;b\n",
                b';',
                false,
                vec![fixed("l")],
                fixed("1"),
                fixed("-"),
            )
            .unwrap()
        };
        let mut ladders = Ladders::new();
        assert!(ladders.add(table("icd10")).is_err());
        assert!(ladders.add(table("mine")).is_ok());
        assert!(ladders.add(table("mine")).is_err());
        assert!(ladders.find(&Name::fixed("mine")).is_ok());
        let error = ladders.find(&Name::fixed("icd9")).unwrap_err();
        assert!(error.as_str().contains("`icd10`"));
    }
}
