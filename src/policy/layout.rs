//! Layout packs and row-dependent columns, written out: afterwards every table names every column with role and treatments.
//!
//! A table with `layout` gets its columns from the pack, a table with `when` becomes one table a `when`, and
//! `conditional` rules become the treatments that they ask for. All of it works on the tree, so every value keeps its
//! place: an error in a pack points into the pack.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;

use super::tree::{self, Entry, Node, NodeKind, Sources};
use super::validate::nearest;
use crate::error::{Error, Name, Result, Said};
use crate::say;
use crate::schema::layout::{Pack, SHIPPED, shipped};
use crate::technique::LEFT_OUT;

/// The largest pack.
const LARGEST: u64 = 1 << 20;

/// A pack as read, with its tree and the edition that is asked for.
struct Found {
    pack: Pack,
    tree: Node,
    edition: String,
}

fn name(text: &str) -> Name {
    Name::from_policy(text)
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> Said {
    let names: Vec<Said> = names.map(|n| say!("`{}`", name(n))).collect();
    Said::join(&names, ", ")
}

/// Reads the text of a pack.
///
/// # Errors
/// What is wrong with its form, with places.
pub fn read_pack(shown: Name, text: String) -> std::result::Result<Pack, Box<super::Failed>> {
    let mut sources = Sources::default();
    pack_of(shown, text, &mut sources)
        .map(|(pack, _)| pack)
        .map_err(|error| Box::new(super::Failed { error, sources }))
}

fn pack_of(shown: Name, text: String, sources: &mut Sources) -> Result<(Pack, Node)> {
    let tree = tree::parse(sources, shown.clone(), text)?;
    let place = sources.place(&tree);
    let pack: Pack = serde_json::from_value(tree.to_json()).map_err(|e| {
        // A pack is written by hand and holds no patient.
        Error::policy("P0110", say!("layout {}: {}", shown, Name::from_policy(e.to_string())))
            .at_opt(place.clone())
    })?;
    let faults: Vec<Error> = pack
        .faults()
        .into_iter()
        .map(|f| Error::policy("P0110", say!("layout {}: {}", shown, f)).at_opt(place.clone()))
        .collect();
    Error::all(faults).map_or(Ok((pack, tree)), Err)
}

/// Writes packs, `when` and `conditional` out.
pub(super) fn expand(
    root: &mut Node,
    sources: &mut Sources,
    folders: &mut Vec<PathBuf>,
) -> Result<()> {
    let mut errors: Vec<Error> = Vec::new();
    if let NodeKind::Table(top) = &mut root.kind
        && let Some(Entry { value: Node { kind: NodeKind::Table(tables), .. }, .. }) =
            top.get_mut("tables")
    {
        let written = std::mem::take(tables);
        for (table_name, entry) in written {
            if entry.value.get("layout").is_none() && entry.value.get("when").is_none() {
                tables.insert(table_name, entry);
                continue;
            }
            match table(&table_name, &entry, sources, folders) {
                Ok(made) => {
                    for (made_name, value) in made {
                        if tables.contains_key(&made_name) {
                            let what = say!("two tables are named `{}`", name(&made_name));
                            errors.push(Error::policy("P0101", what).at_opt(sources.place(&value)));
                        }
                        let made = Entry { key: entry.key.clone(), file: entry.file, value };
                        tables.insert(made_name, made);
                    }
                }
                Err(error) => errors.extend(error.each().cloned()),
            }
        }
    }
    if errors.is_empty() {
        conditional(root, sources, &mut errors);
    }
    Error::all(errors).map_or(Ok(()), Err)
}

fn find(
    node: &Node,
    table: &str,
    sources: &mut Sources,
    folders: &mut Vec<PathBuf>,
) -> Result<Found> {
    let place = sources.place(node);
    let fail = |what: Said| Error::policy("P0110", what).at_opt(place.clone());
    let NodeKind::String(text) = &node.kind else {
        return Err(fail(say!(
            "`layout` must be the name of a layout with its edition, in quotes"
        )));
    };
    let (id, edition) = text.split_once('@').unwrap_or((text, ""));
    let plain = !id.is_empty()
        && id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_/".contains(&b));
    let own = folders
        .get(node.file)
        .filter(|_| plain)
        .map(|folder| folder.join("layouts").join(format!("{id}.toml")))
        .filter(|path| path.is_file());
    let text = match (shipped(id), own) {
        // A copy of the shipped packs is nothing of one's own.
        (Some(shipped), Some(path)) if own_text(&path, id).is_ok_and(|t| t == shipped.text) => {
            shipped.text.to_owned()
        }
        (Some(_), Some(_)) => {
            return Err(fail(say!(
                "table `{}`: the own layout `{}` has the name of a shipped one",
                name(table),
                name(id)
            ))
            .advice(say!("rename the file in the folder `layouts`")));
        }
        (Some(shipped), None) => shipped.text.to_owned(),
        (None, Some(path)) => own_text(&path, id).map_err(|e| e.at_opt(place.clone()))?,
        (None, None) => {
            let advice = nearest(id, SHIPPED.iter().map(|p| p.id)).unwrap_or_else(|| {
                say!(
                    "shipped: {}; own ones stand in the folder `layouts` beside the policy",
                    list(SHIPPED.iter().map(|p| p.id))
                )
            });
            return Err(fail(say!("table `{}`: there is no layout `{}`", name(table), name(id)))
                .advice(advice));
        }
    };
    folders.push(PathBuf::new());
    let (pack, tree) = pack_of(Name::from_policy(format!("layout {id}")), text, sources)?;
    if !pack.layout.editions.iter().any(|e| e == edition) {
        let editions = list(pack.layout.editions.iter().map(String::as_str));
        let what = if edition.is_empty() {
            say!(
                "table `{}`: the layout `{}` needs its edition, as in `{}@{}`",
                name(table),
                name(id),
                name(id),
                pack.layout.editions.last().map(|e| name(e))
            )
        } else {
            say!(
                "table `{}`: the layout `{}` has no edition `{}`",
                name(table),
                name(id),
                name(edition)
            )
        };
        return Err(fail(what).advice(say!("editions: {}", editions)));
    }
    Ok(Found { pack, tree, edition: edition.to_owned() })
}

fn own_text(path: &Path, id: &str) -> Result<String> {
    let fail = |e: &std::io::Error| {
        let error = Error::io("P0011", say!("reading the layout {}", name(id)), e);
        Error { family: crate::error::Family::Policy, ..error }
    };
    if std::fs::metadata(path).map_err(|e| fail(&e))?.len() > LARGEST {
        return Err(Error::policy("P0014", say!("the layout {} is larger than 1 MiB", name(id))));
    }
    std::fs::read_to_string(path).map_err(|e| fail(&e))
}

type Columns = IndexMap<String, Entry>;

fn entry_of(value: Node) -> Entry {
    Entry { key: value.span.clone(), file: value.file, value }
}

fn text_node(like: &Node, text: &str) -> Node {
    Node { file: like.file, span: like.span.clone(), kind: NodeKind::String(text.to_owned()) }
}

fn table_node(like: &Node, entries: IndexMap<String, Entry>) -> Node {
    Node { file: like.file, span: like.span.clone(), kind: NodeKind::Table(entries) }
}

fn members(node: Option<&Node>) -> impl Iterator<Item = (&String, &Entry)> {
    node.into_iter()
        .flat_map(|n| match &n.kind {
            NodeKind::Table(entries) => Some(entries.iter()),
            _ => None,
        })
        .flatten()
}

fn items(node: Option<&Node>) -> &[Node] {
    match node.map(|n| &n.kind) {
        Some(NodeKind::Array(items)) => items,
        _ => &[],
    }
}

/// A column of a pack as a column of a policy without treatments.
fn facts(node: &Node) -> Node {
    let mut facts = node.clone();
    for key in ["name", "per_row", "editions", "cite"] {
        facts.remove(key);
    }
    facts
}

fn dropped(mut facts: Node, by: &Node) -> Node {
    if let NodeKind::Table(entries) = &mut facts.kind {
        for release in ["pseudonymized", "anonymized"] {
            entries.insert(release.to_owned(), entry_of(text_node(by, LEFT_OUT)));
        }
    }
    facts
}

/// What a pack knows and leaves out, beside what the policy leaves out.
fn leave_out(source: &mut Node, found: &Found) {
    if found.pack.left_out.is_empty() {
        return;
    }
    let like = source.clone();
    if let NodeKind::Table(entries) = &mut source.kind {
        let own = entries.get("ignore").map(|e| items(Some(&e.value)).to_vec());
        let known = items(found.tree.get("left_out")).iter().filter_map(|l| l.get("path").cloned());
        let all = own.unwrap_or_default().into_iter().chain(known).collect();
        let list = Node { file: like.file, span: like.span.clone(), kind: NodeKind::Array(all) };
        entries.insert("ignore".into(), entry_of(list));
    }
}

/// One written table becomes one, or one a `when`.
fn table(
    table_name: &str,
    entry: &Entry,
    sources: &mut Sources,
    folders: &mut Vec<PathBuf>,
) -> Result<Vec<(String, Node)>> {
    let written = &entry.value;
    let found = match written.get("layout") {
        Some(node) => Some(find(node, table_name, sources, folders)?),
        None => None,
    };
    let mut maker = Maker { table: table_name, written, sources, errors: Vec::new() };
    let made = maker.make(found.as_ref());
    let errors = maker.errors;
    Error::all(errors).map_or(Ok(made), Err)
}

struct Maker<'a> {
    table: &'a str,
    written: &'a Node,
    sources: &'a Sources,
    errors: Vec<Error>,
}

impl Maker<'_> {
    fn error(&mut self, code: &'static str, at: &Node, what: Said, advice: Option<Said>) {
        let mut error = Error::policy(code, what).at_opt(self.sources.place(at));
        error.advice = advice;
        self.errors.push(error);
    }

    fn make(&mut self, found: Option<&Found>) -> Vec<(String, Node)> {
        let written = self.written;
        let keys = match (found.and_then(|f| f.tree.get("keys")), written.get("keys")) {
            (Some(base), Some(own)) => Some(tree::merge(base.clone(), own.clone())),
            (base, own) => own.or(base).cloned(),
        };
        let columns = match found {
            Some(found) => self.columns(found, keys.as_ref()),
            None => members(written.get("columns")).map(|(k, e)| (k.clone(), e.clone())).collect(),
        };
        let mut whole: IndexMap<String, Entry> = IndexMap::new();
        let mut put = |key: &str, node: Option<Node>| {
            if let Some(node) = node {
                whole.insert(key.to_owned(), entry_of(node));
            }
        };
        let grain = written.get("grain").cloned();
        let pack_grain = found.and_then(|f| f.tree.get("layout")?.get("grain").cloned());
        put("grain", grain.or(pack_grain));
        let mut source = match (found.and_then(|f| f.tree.get("source")), written.get("source")) {
            (Some(base), Some(own)) => Some(tree::merge(base.clone(), own.clone())),
            (_, own) => own.cloned(),
        };
        if let (Some(source), Some(found)) = (&mut source, found) {
            leave_out(source, found);
        }
        put("source", source);
        put("keys", keys);
        for key in ["layout", "unlisted", "set_aside"] {
            put(key, written.get(key).cloned());
        }
        let checks = written.get("checks").cloned();
        put("checks", checks.or_else(|| found.and_then(checks_of)));
        let repeats = found.and_then(|f| f.tree.get("rows")?.get("repeats_by"));
        put("repeats_by", written.get("repeats_by").or(repeats).cloned());
        // What nobody knows here is left for the check of the form, which names it.
        for (key, value) in members(Some(written)) {
            if !whole.contains_key(key) && !["columns", "when", "by_role"].contains(&key.as_str()) {
                whole.insert(key.clone(), value.clone());
            }
        }
        let row_dependent =
            written.get("when").is_some() || found.is_some_and(|f| !f.pack.when.is_empty());
        if !row_dependent {
            whole.insert("columns".into(), entry_of(table_node(written, columns)));
            return vec![(self.table.to_owned(), table_node(written, whole))];
        }
        self.parts(found, &whole, &columns)
    }

    fn by_role(&self, role: crate::schema::Role) -> Option<&Node> {
        self.written.get("by_role")?.get(role.word())
    }

    /// With the treatments that the policy gives to a role.
    fn treated(&self, mut facts: Node, role: crate::schema::Role) -> Node {
        if let (NodeKind::Table(entries), Some(both)) = (&mut facts.kind, self.by_role(role)) {
            for (release, entry) in members(Some(both)) {
                entries.insert(release.clone(), entry.clone());
            }
        }
        facts
    }

    /// The columns of a pack with the policy's treatments.
    fn columns(&mut self, found: &Found, keys: Option<&Node>) -> Columns {
        let written = self.written;
        let unlisted = written.get("unlisted");
        let mut columns = Columns::new();
        let mut forgotten: Vec<String> = Vec::new();
        let own: IndexMap<&String, &Entry> = members(written.get("columns")).collect();
        let described = found.tree.get("columns").and_then(|c| c.get("list"));
        for (column, node) in found.pack.columns.list.iter().zip(items(described)) {
            if !Pack::has(&column.editions, &found.edition) {
                continue;
            }
            let base = facts(node);
            let made = match (own.get(&column.name), unlisted) {
                (Some(own), _) => tree::merge(base, own.value.clone()),
                (None, _) if column.per_row => dropped(base, node),
                (None, _) if self.by_role(column.role).is_some() => self.treated(base, column.role),
                (None, Some(by)) => dropped(base, by),
                (None, None) => {
                    forgotten.push(column.name.clone());
                    continue;
                }
            };
            columns.insert(column.name.clone(), entry_of(made));
        }
        for (_, key) in members(keys) {
            let Some(token) = key.value.get("token") else { continue };
            let NodeKind::String(text) = &token.kind else { continue };
            let role = [("role", "link"), ("type", "code")];
            let base = table_node(
                token,
                role.iter()
                    .map(|(k, v)| ((*k).to_owned(), entry_of(text_node(token, v))))
                    .collect(),
            );
            let made = match (own.get(text), unlisted) {
                (Some(own), _) => tree::merge(base, own.value.clone()),
                (None, Some(by)) => dropped(base, by),
                (None, None) => {
                    forgotten.push(text.clone());
                    continue;
                }
            };
            columns.insert(text.clone(), entry_of(made));
        }
        for (column, entry) in &own {
            if !columns.contains_key(*column) {
                let known: Vec<&str> =
                    found.pack.columns.list.iter().map(|c| c.name.as_str()).collect();
                let advice = nearest(column, known.iter().copied())
                    .or_else(|| Some(say!("its columns: {}", list(known.iter().copied()))));
                let what = say!(
                    "the layout of table `{}` has no column `{}`",
                    name(self.table),
                    name(column)
                );
                self.error("P0102", &entry.value, what, advice);
            }
        }
        if !forgotten.is_empty() {
            let what = say!(
                "table `{}` says nothing of these columns of its layout: {}",
                name(self.table),
                list(forgotten.iter().map(String::as_str))
            );
            self.error("P0003", written, what, Some(say!("give each a treatment for both releases, or write unlisted = \"drop\" in the table")));
        }
        columns
    }

    /// One table a `when` of the policy, and one with all other rows that the pack knows.
    fn parts(
        &mut self,
        found: Option<&Found>,
        whole: &IndexMap<String, Entry>,
        columns: &Columns,
    ) -> Vec<(String, Node)> {
        let written = self.written;
        let mut made = Vec::new();
        let mut left: Vec<(usize, &crate::schema::layout::When)> = found
            .into_iter()
            .flat_map(|f| {
                f.pack.when.iter().enumerate().filter(|(_, w)| Pack::has(&w.editions, &f.edition))
            })
            .collect();
        let nodes = found.map(|f| items(f.tree.get("when"))).unwrap_or_default();
        for when in items(written.get("when")) {
            let matching = matching_of(when);
            if matching.is_empty() {
                self.error(
                    "P0003",
                    when,
                    say!("a `when` of table `{}` lacks `match`", name(self.table)),
                    Some(say!("match = {{ \"column\" = \"value\" }}")),
                );
                continue;
            }
            for column in matching.keys().filter(|c| !columns.contains_key(c.as_str())) {
                self.error(
                    "P0102",
                    when,
                    say!("table `{}` has no column `{}`", name(self.table), name(column)),
                    nearest(column, columns.keys().map(String::as_str)),
                );
            }
            // A `when` of the policy may take some of the values of one of the pack.
            let at = left.iter().position(|(_, w)| {
                w.matching.len() == matching.len()
                    && matching.iter().all(|(column, values)| {
                        w.matching
                            .get(column)
                            .is_some_and(|known| values.iter().all(|v| known.list().contains(v)))
                    })
            });
            let base = at.map(|at| (&nodes[left[at].0], left[at].1));
            let whole_of_it = base.is_some_and(|(_, w)| {
                matching.iter().all(|(c, v)| w.matching[c].list().len() == v.len())
            });
            if let (Some(at), true) = (at, whole_of_it) {
                left.remove(at);
            }
            if base.is_none() && found.is_some() {
                let bare = members(when.get("columns")).any(|(_, e)| e.value.get("role").is_none());
                if bare || when.get("columns").is_none() {
                    let known = || {
                        found
                            .into_iter()
                            .flat_map(|f| {
                                f.pack.when.iter().filter(|w| Pack::has(&w.editions, &f.edition))
                            })
                            .flat_map(|w| w.matching.values())
                            .flat_map(|v| v.list())
                            .map(String::as_str)
                    };
                    let word = matching.values().flatten().next().map_or("", String::as_str);
                    let what = say!(
                        "the layout of table `{}` has no rows with `{}` in this edition",
                        name(self.table),
                        name(word)
                    );
                    let advice = nearest(word, known()).unwrap_or_else(|| {
                        say!("known: {}; other rows need a role in every column", list(known()))
                    });
                    self.error("P0102", when, what, Some(advice));
                    continue;
                }
            }
            let edition = found.map_or("", |f| f.edition.as_str());
            let part_columns = self.part_columns(when, base, edition, columns);
            let first =
                matching.values().flatten().next().map_or_else(String::new, |v| v.to_lowercase());
            let part_name = match when.get("as").map(|n| &n.kind) {
                Some(NodeKind::String(text)) => text.clone(),
                _ => format!("{}_{first}", self.table),
            };
            let grain =
                when.get("grain").or_else(|| base.and_then(|(n, _)| n.get("grain"))).cloned();
            made.push((part_name, self.part(when, whole, grain, &matching, part_columns)));
        }
        made.extend(self.unlisted(&left, whole, columns));
        made
    }

    /// The table with the rows of the layout that the policy names nowhere.
    fn unlisted(
        &mut self,
        left: &[(usize, &crate::schema::layout::When)],
        whole: &IndexMap<String, Entry>,
        columns: &Columns,
    ) -> Option<(String, Node)> {
        let written = self.written;
        let rest: Vec<(&String, Vec<String>)> = left
            .iter()
            .flat_map(|(_, w)| {
                w.matching.iter().map(|(c, v)| {
                    // Values that a `when` of the policy took from a list stay with it.
                    let taken = items(written.get("when"))
                        .iter()
                        .flat_map(|w| matching_of(w).get(c).cloned().unwrap_or_default())
                        .collect::<Vec<_>>();
                    (c, v.list().iter().filter(|v| !taken.contains(v)).cloned().collect::<Vec<_>>())
                })
            })
            .collect();
        let values: Vec<String> = rest.iter().flat_map(|(_, v)| v.clone()).collect();
        if values.is_empty() {
            return None;
        }
        match written.get("unlisted") {
            Some(by) => {
                let mut matching: IndexMap<String, Vec<String>> = IndexMap::new();
                for (column, values) in &rest {
                    matching.entry((*column).clone()).or_default().extend(values.iter().cloned());
                }
                let all = columns
                    .iter()
                    .map(|(k, e)| (k.clone(), entry_of(dropped(e.value.clone(), by))))
                    .collect();
                Some((
                    format!("{}_unlisted", self.table),
                    self.part(by, whole, None, &matching, all),
                ))
            }
            None => {
                let what = say!(
                    "table `{}` says nothing of these rows of its layout: {}",
                    name(self.table),
                    list(values.iter().map(String::as_str))
                );
                self.error("P0003", written, what, Some(say!("add a [[tables.{}.when]] for each, or write unlisted = \"drop\" in the table", name(self.table))));
                None
            }
        }
    }

    fn part_columns(
        &mut self,
        when: &Node,
        base: Option<(&Node, &crate::schema::layout::When)>,
        edition: &str,
        columns: &Columns,
    ) -> Columns {
        let unlisted = self.written.get("unlisted");
        let mut own: IndexMap<&String, &Entry> = IndexMap::new();
        for (written, entry) in members(when.get("columns")) {
            // A column of these rows may be written by its label.
            let labelled = base.and_then(|(_, w)| {
                let mut list = w.list.iter().filter(|_| !columns.contains_key(written));
                list.find(|c| c.alias.as_ref() == Some(written)).map(|c| &c.name)
            });
            if own.insert(labelled.unwrap_or(written), entry).is_some() {
                let what = say!(
                    "a `when` of table `{}` names the column `{}` twice, by its name and by its label",
                    name(self.table),
                    name(written)
                );
                self.error("P0101", &entry.value, what, None);
            }
        }
        let mut part = columns.clone();
        let mut forgotten = Vec::new();
        if let Some((node, pack)) = base {
            for (column, node) in pack.list.iter().zip(items(node.get("list"))) {
                if !Pack::has(&column.editions, edition) {
                    continue;
                }
                let base = facts(node);
                let made = match (own.get(&column.name), unlisted) {
                    (Some(own), _) => tree::merge(base, own.value.clone()),
                    (None, _) if self.by_role(column.role).is_some() => {
                        self.treated(base, column.role)
                    }
                    (None, Some(by)) => dropped(base, by),
                    (None, None) => {
                        forgotten.push(column.name.clone());
                        continue;
                    }
                };
                part.insert(column.name.clone(), entry_of(made));
            }
        }
        for (column, entry) in own {
            let described = base.is_some_and(|(_, w)| {
                w.list.iter().any(|c| c.name == *column && Pack::has(&c.editions, edition))
            });
            match part.get_mut(column) {
                None => self.error(
                    "P0102",
                    &entry.value,
                    say!("table `{}` has no column `{}`", name(self.table), name(column)),
                    nearest(column, columns.keys().map(String::as_str)),
                ),
                Some(_) if described => {}
                Some(slot) => {
                    let made = if entry.value.get("role").is_some() {
                        entry.value.clone()
                    } else {
                        tree::merge(slot.value.clone(), entry.value.clone())
                    };
                    *slot = entry_of(made);
                }
            }
        }
        if !forgotten.is_empty() {
            let what = say!(
                "this `when` of table `{}` says nothing of {}",
                name(self.table),
                list(forgotten.iter().map(String::as_str))
            );
            self.error("P0003", when, what, Some(say!("give each a treatment for both releases, or write unlisted = \"drop\" in the table")));
        }
        part
    }

    fn part(
        &self,
        at: &Node,
        whole: &IndexMap<String, Entry>,
        grain: Option<Node>,
        matching: &IndexMap<String, Vec<String>>,
        columns: Columns,
    ) -> Node {
        let mut table = whole.clone();
        if let Some(grain) = grain {
            table.insert("grain".into(), entry_of(grain));
        }
        let matches = matching
            .iter()
            .map(|(column, values)| {
                let list = values.iter().map(|v| text_node(at, v)).collect();
                let list =
                    Node { file: at.file, span: at.span.clone(), kind: NodeKind::Array(list) };
                (column.clone(), entry_of(list))
            })
            .collect();
        let part = IndexMap::from([
            ("of".to_owned(), entry_of(text_node(at, self.table))),
            ("match".to_owned(), entry_of(table_node(at, matches))),
        ]);
        table.insert("part".into(), entry_of(table_node(at, part)));
        table.insert("columns".into(), entry_of(table_node(at, columns)));
        table_node(at, table)
    }
}

/// The checks of a pack; `edition = "column"` becomes the last day of the fiscal year.
fn checks_of(found: &Found) -> Option<Node> {
    let mut checks = found.tree.get("rows")?.get("checks")?.clone();
    if let NodeKind::Array(items) = &mut checks.kind {
        for item in items {
            let Some(column) = item.remove("edition") else { continue };
            let year: u32 = found.edition.parse().ok()?;
            let last = text_node(&column, &format!("{}0331", year + 1));
            let pair = Node {
                file: column.file,
                span: column.span.clone(),
                kind: NodeKind::Array(vec![column, last]),
            };
            if let NodeKind::Table(entries) = &mut item.kind {
                entries.insert("until".into(), entry_of(pair));
            }
        }
    }
    Some(checks)
}

fn matching_of(when: &Node) -> IndexMap<String, Vec<String>> {
    members(when.get("match"))
        .map(|(column, entry)| {
            let values = match &entry.value.kind {
                NodeKind::String(text) => vec![text.clone()],
                NodeKind::Array(items) => items
                    .iter()
                    .filter_map(|n| match &n.kind {
                        NodeKind::String(text) => Some(text.clone()),
                        _ => None,
                    })
                    .collect(),
                _ => Vec::new(),
            };
            (column.clone(), values)
        })
        .collect()
}

/// The table and column that `table.column` or `table.value.column` means.
fn target(tables: &IndexMap<String, Entry>, text: &str) -> Option<(String, String)> {
    let (head, rest) = text.split_once('.')?;
    let column_in = |table: &Node, column: &str| {
        let columns = table.get("columns")?;
        if columns.get(column).is_some() {
            return Some(column.to_owned());
        }
        members(Some(columns))
            .find(|(_, e)| {
                e.value
                    .get("alias")
                    .is_some_and(|a| matches!(&a.kind, NodeKind::String(t) if t == column))
            })
            .map(|(k, _)| k.clone())
    };
    if let Some(entry) = tables.get(head) {
        return Some((head.to_owned(), column_in(&entry.value, rest)?));
    }
    let (value, column) = rest.split_once('.')?;
    tables.iter().find_map(|(table_name, entry)| {
        let part = entry.value.get("part")?;
        let of =
            part.get("of").is_some_and(|o| matches!(&o.kind, NodeKind::String(t) if t == head));
        let matches = matching_of(part).values().any(|v| v.iter().any(|v| v == value));
        (of && matches).then(|| column_in(&entry.value, column).map(|c| (table_name.clone(), c)))?
    })
}

/// Whether a column is in a release: its treatment does not leave it out.
fn released(tables: &IndexMap<String, Entry>, table: &str, column: &str, release: &str) -> bool {
    let treatment =
        tables.get(table).and_then(|t| t.value.get("columns")?.get(column)?.get(release));
    match treatment.map(|t| &t.kind) {
        Some(NodeKind::String(word)) => word != LEFT_OUT,
        Some(NodeKind::Table(entries)) => !entries.contains_key(LEFT_OUT),
        _ => false,
    }
}

/// Applies the conditional rules in order and takes them out of the tree.
fn conditional(root: &mut Node, sources: &Sources, errors: &mut Vec<Error>) {
    let Some(rules) = root.remove("conditional") else { return };
    let NodeKind::Table(top) = &mut root.kind else { return };
    let Some(Entry { value: Node { kind: NodeKind::Table(tables), .. }, .. }) =
        top.get_mut("tables")
    else {
        return;
    };
    for rule in items(Some(&rules)) {
        let mut fail = |at: &Node, what: Said| {
            errors.push(Error::policy("P0102", what).at_opt(sources.place(at)));
        };
        let Some(Node { kind: NodeKind::String(depends), .. }) = rule.get("released") else {
            fail(rule, say!("a conditional rule lacks `released = \"table.column\"`"));
            continue;
        };
        let Some((table, column)) = target(tables, depends) else {
            fail(
                rule,
                say!("`{}` is not a column of this policy (write `table.column`)", name(depends)),
            );
            continue;
        };
        let holds =
            ["pseudonymized", "anonymized"].map(|r| (r, released(tables, &table, &column, r)));
        for (text, then) in members(rule.get("then")) {
            let Some((table, column)) = target(tables, text) else {
                fail(
                    &then.value,
                    say!("`{}` is not a column of this policy (write `table.column`)", name(text)),
                );
                continue;
            };
            for (release, _) in holds.iter().filter(|(_, holds)| *holds) {
                let Some(new) = then.value.get(release) else { continue };
                let columns = tables.get_mut(&table).and_then(|t| match &mut t.value.kind {
                    NodeKind::Table(t) => t.get_mut("columns"),
                    _ => None,
                });
                let slot = columns.and_then(|c| match &mut c.value.kind {
                    NodeKind::Table(c) => c.get_mut(&column),
                    _ => None,
                });
                if let Some(Entry { value: Node { kind: NodeKind::Table(slot), .. }, .. }) = slot {
                    slot.insert((*release).to_owned(), entry_of(new.clone()));
                }
            }
            for (key, entry) in members(Some(&then.value)) {
                if !["pseudonymized", "anonymized"].contains(&key.as_str()) {
                    fail(&entry.value, say!("unknown key `{}` in a conditional rule", name(key)));
                }
            }
        }
    }
}
