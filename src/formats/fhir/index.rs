//! What must be known of all resources of the input before one of them is read: which identifier is whose, under which identity a
//! resource is known elsewhere, and which of several versions counts.
//!
//! One rule for resources that are there more than once (a type and an identity, in the whole input; in one Bundle, where Bundles are
//! written back): that with the highest `meta.lastUpdated` is read, then that with the highest `meta.versionId`, then the first
//! in the order of files. In the history of a server the first is the newest, as FHIR says. A deletion that is newer than all of them, or that
//! bears no time, ends them all.

use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};

use hashbrown::DefaultHashBuilder;
use rayon::prelude::*;
use std::hash::BuildHasher as _;

use super::json::Tree;
use super::scope::{self, Part, Scope};
use super::texts::Texts;
use crate::error::{Error, Name, Result};
use crate::say;

/// Where a resource stands in the input: file, text in it, number of the entry.
pub(super) type At = (u32, u64, u32);

/// How new a version is.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Age {
    changed: String,
    version: u64,
    /// The first in the order of files wins: this is the greater, the earlier it stands.
    before: std::cmp::Reverse<At>,
}

/// All resources of the input.
#[derive(Debug, Default)]
pub struct Resources {
    files: HashMap<PathBuf, u32>,
    /// Types and ids in files and Bundles, for those known by a URN: their identity; none where several have them.
    named: HashMap<String, Option<String>>,
    /// By type and identity.
    identifiers: HashMap<String, Vec<(String, String)>>,
    /// By type, system and value.
    of_identifier: HashMap<String, Vec<String>>,
    /// Which of those that are there more than once counts; none where it was deleted.
    counts: HashMap<u64, Option<At>>,
    per_bundle: bool,
    salt: DefaultHashBuilder,
}

/// What one text gave.
#[derive(Default)]
struct OfFile {
    named: Vec<(String, String)>,
    known: Vec<(String, String)>,
    identifiers: Vec<(String, String, String, String)>,
    ages: Vec<(u64, Age, bool)>,
    /// The server that the address of a resource names.
    servers: Vec<(u64, u64, At)>,
}

/// Types whose identifiers others may refer by.
const BY_IDENTIFIER: [&str; 2] = ["Patient", "Encounter"];

fn named(kind: &str, id: &str) -> String {
    format!("{kind}/{id}")
}

impl Resources {
    /// Looks at all files once. What cannot be read is told by the reader, with its place.
    ///
    /// # Errors
    /// I/O; `D0359` if two servers have a resource of one type and id: they would be taken for versions of one.
    pub fn read(files: &[PathBuf], table: &Name, per_bundle: bool) -> Result<Self> {
        let mut all = Resources { per_bundle, ..Resources::default() };
        let mut ages: HashMap<u64, (Age, bool)> = HashMap::new();
        let mut seen: HashSet<u64> = HashSet::new();
        let mut servers: HashMap<u64, u64> = HashMap::new();
        for (number, path) in files.iter().enumerate() {
            let number = number as u32;
            all.files.insert(path.clone(), number);
            let mut texts = Texts::open(path, table)?;
            while let Some(window) = texts.window().map_err(|s| s.error(table))? {
                let whole = texts.is_whole();
                let found: Vec<OfFile> = window
                    .each()
                    .collect::<Vec<_>>()
                    .par_chunks(64)
                    .map(|some| {
                        let mut found = OfFile::default();
                        for (text, line) in some {
                            all.look(text, whole, (number, *line), &mut found);
                        }
                        found
                    })
                    .collect();
                for some in found {
                    for (name, identity) in some.named {
                        let known = all.named.entry(name).or_insert_with(|| Some(identity.clone()));
                        if known.as_ref() != Some(&identity) {
                            *known = None;
                        }
                    }
                    for (kind, identity) in some.known {
                        all.identifiers.entry(named(&kind, &identity)).or_default();
                    }
                    for (kind, identity, system, value) in some.identifiers {
                        let key = format!("{kind}|{system}|{value}");
                        let of = all.of_identifier.entry(key).or_default();
                        if !of.contains(&identity) {
                            of.push(identity.clone());
                        }
                        let own = all.identifiers.entry(named(&kind, &identity)).or_default();
                        if !own.contains(&(system.clone(), value.clone())) {
                            own.push((system, value));
                        }
                    }
                    for (key, server, at) in some.servers {
                        if *servers.entry(key).or_insert(server) != server {
                            return Err(two_servers(table, at));
                        }
                    }
                    for (key, age, dead) in some.ages {
                        if !seen.insert(key) || dead {
                            // More than one: only these are remembered by what wins.
                            all.counts.insert(key, None);
                        }
                        match ages.entry(key) {
                            std::collections::hash_map::Entry::Vacant(free) => {
                                free.insert((age, dead));
                            }
                            std::collections::hash_map::Entry::Occupied(mut there) => {
                                if age > there.get().0 {
                                    there.insert((age, dead));
                                }
                            }
                        }
                    }
                }
            }
        }
        // One that is known by its id itself has the same name.
        let plain = |name: &str| {
            let (kind, id) = name.split_once('/')?;
            Some(all.key(kind, id, None))
        };
        let several: Vec<String> = all
            .named
            .keys()
            .filter(|name| plain(name).is_some_and(|key| seen.contains(&key)))
            .cloned()
            .collect();
        all.named.extend(several.into_iter().map(|name| (name, None)));
        all.counts.iter_mut().for_each(|(key, counts)| {
            if let Some((age, false)) = ages.get(key) {
                *counts = Some(age.before.0);
            }
        });
        Ok(all)
    }

    fn look(&self, text: &[u8], whole: bool, (file, line): (u32, u64), found: &mut OfFile) {
        let Ok(text) = std::str::from_utf8(text) else { return };
        let tree = if whole { Tree::parse_whole(text) } else { Tree::parse(text) };
        let Ok(tree) = tree else { return };
        let mut number = 0;
        for node in super::texts::tops(&tree) {
            let mut path = Vec::new();
            let mut look = |part: Part<'_, '_>, _: &[usize]| {
                let at = (file, line, number);
                number += 1;
                self.part(&part, at, found);
                Ok(())
            };
            // What a Bundle has that cannot be read is told when it is read.
            let _: std::result::Result<(), ()> =
                scope::each(&tree, node, (None, false), &mut path, &mut look, &|_| ());
        }
    }

    fn part(&self, part: &Part<'_, '_>, at: At, found: &mut OfFile) {
        match part {
            Part::Deleted(bundle, number) => {
                let entry = &bundle.entries[*number];
                let Some(identity) = &entry.identity else { return };
                let changed = entry.changed.as_deref().map_or_else(|| "~".to_owned(), moment);
                let age = Age { changed, version: 0, before: std::cmp::Reverse(at) };
                let key = self.key(&entry.kind, identity, bundle.own_world());
                found.ages.push((key, age, true));
            }
            Part::Resource(scope) => {
                let tree = scope.tree;
                let Some(kind) = tree.member(scope.root, "resourceType") else { return };
                let Some(identity) = scope.identity() else { return };
                if let Some(id) = tree.member(scope.root, "id")
                    && id != identity.as_str()
                {
                    found.named.push((named(&kind, &id), identity.clone()));
                }
                if BY_IDENTIFIER.contains(&kind.as_ref()) {
                    found.known.push((kind.clone().into_owned(), identity.clone()));
                    for (system, value) in scope::identifiers(tree, scope.root) {
                        found.identifiers.push((
                            kind.clone().into_owned(),
                            identity.clone(),
                            system,
                            value,
                        ));
                    }
                }
                let meta = tree.child(scope.root, "meta");
                let of = |name: &str| meta.and_then(|m| tree.member(m, name)).unwrap_or_default();
                let version = of("versionId").trim_start_matches("v").parse().unwrap_or(0);
                let changed = moment(&of("lastUpdated"));
                let age = Age { changed, version, before: std::cmp::Reverse(at) };
                let key = self.key_in(scope, &kind, &identity);
                found.ages.push((key, age, false));
                if let Some(server) = scope.server() {
                    found.servers.push((key, self.salt.hash_one(server), at));
                }
            }
        }
    }

    fn key_in(&self, scope: &Scope<'_, '_>, kind: &str, identity: &str) -> u64 {
        self.key(kind, identity, scope.bundle.and_then(|(b, _)| b.own_world()))
    }

    fn key(&self, kind: &str, identity: &str, bundle: Option<&str>) -> u64 {
        self.salt.hash_one((kind, identity, bundle.filter(|_| self.per_bundle)))
    }

    /// Whether this one of the resources with its identity is the one to be read.
    pub(super) fn counts(&self, scope: &Scope<'_, '_>, kind: &str, at: At) -> bool {
        let Some(identity) = scope.identity() else { return true };
        match self.counts.get(&self.key_in(scope, kind, &identity)) {
            Some(counts) => *counts == Some(at),
            None => true,
        }
    }
    /// The number of a file.
    pub(super) fn file(&self, path: &Path) -> Option<u32> {
        self.files.get(path).copied()
    }
    /// The identity of a resource that is known by its type and id elsewhere: its id, if nothing else is known; none if several are.
    pub(super) fn named<'a>(&'a self, kind: &str, id: &'a str) -> Option<&'a str> {
        self.named.get(&named(kind, id)).map_or(Some(id), Option::as_deref)
    }
    /// The resources that have an identifier.
    pub(super) fn with_identifier(&self, kind: &str, system: &str, value: &str) -> &[String] {
        self.of_identifier.get(&format!("{kind}|{system}|{value}")).map_or(&[], Vec::as_slice)
    }
    /// The identifiers of a resource; none if there is no such resource.
    pub(super) fn identifiers(&self, kind: &str, identity: &str) -> Option<&[(String, String)]> {
        self.identifiers.get(&named(kind, identity)).map(Vec::as_slice)
    }
}

fn two_servers(table: &Name, (file, line, entry): At) -> Error {
    Error::data(
        "D0359",
        say!(
            "table `{}`, file {}, line {}, entry {}: a resource of another server has its type and id",
            table,
            file + 1,
            line,
            entry + 1
        ),
    )
    .advice(say!("they would be taken for versions of one resource: release each server's export by itself, or give their ids a prefix"))
}

/// A moment as text that sorts as time does: in Greenwich, as far as it says so.
fn moment(text: &str) -> String {
    use crate::text::date::in_zone;
    in_zone(text, 0).unwrap_or_else(|| text.to_owned())
}
