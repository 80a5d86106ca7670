//! A TOML document as a tree in which every value knows where it stands.

use indexmap::IndexMap;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Name, Place, Result};
use crate::say;

/// The texts of the policy files, for places and for showing lines.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// File names as the user gave them, with their texts.
    pub files: Vec<(Name, String)>,
}

impl Sources {
    /// The place of a node.
    #[must_use]
    pub fn place(&self, node: &Node) -> Option<Place> {
        self.place_of(node.file, node.span.clone())
    }
    /// The place of a range of bytes of a file.
    #[must_use]
    pub fn place_of(&self, file: usize, span: std::ops::Range<usize>) -> Option<Place> {
        let (name, text) = self.files.get(file)?;
        let before = text.get(..span.start.min(text.len()))?;
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        Some(Place {
            file: name.clone(),
            line: u32::try_from(line).ok()?,
            column: u32::try_from(column).ok()?,
            span,
        })
    }
}

/// A value with its place.
#[derive(Clone, Debug)]
pub struct Node {
    /// The number of the file in [`Sources`].
    pub file: usize,
    /// Bytes in that file.
    pub span: std::ops::Range<usize>,
    /// The value.
    pub kind: NodeKind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum NodeKind {
    /// A table.
    Table(IndexMap<String, Entry>),
    /// An array.
    Array(Vec<Node>),
    /// A string.
    String(String),
    /// An integer.
    Integer(i64),
    /// A float.
    Float(f64),
    /// A boolean.
    Boolean(bool),
    /// A date or time: nothing in a policy is one.
    Datetime,
}

/// A key with its place, and its value.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Bytes of the key.
    pub key: std::ops::Range<usize>,
    /// The file of the key.
    pub file: usize,
    /// The value.
    pub value: Node,
}

impl Node {
    /// A member of a table.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            NodeKind::Table(entries) => entries.get(key).map(|e| &e.value),
            _ => None,
        }
    }
    pub(super) fn remove(&mut self, key: &str) -> Option<Node> {
        match &mut self.kind {
            NodeKind::Table(entries) => entries.shift_remove(key).map(|e| e.value),
            _ => None,
        }
    }
    /// The value without places.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        use serde_json::Value;
        match &self.kind {
            NodeKind::Table(entries) => {
                Value::Object(entries.iter().map(|(k, e)| (k.clone(), e.value.to_json())).collect())
            }
            NodeKind::Array(items) => Value::Array(items.iter().map(Node::to_json).collect()),
            NodeKind::String(text) => Value::String(text.clone()),
            NodeKind::Integer(number) => Value::from(*number),
            NodeKind::Float(number) => Value::from(*number),
            NodeKind::Boolean(value) => Value::Bool(*value),
            NodeKind::Datetime => Value::Null,
        }
    }
}

/// Parses a text and adds it to the sources.
pub(super) fn parse(sources: &mut Sources, name: Name, text: String) -> Result<Node> {
    let file = sources.files.len();
    sources.files.push((name, text));
    let text = sources.files[file].1.as_str();
    let (table, errors) = DeTable::parse_recoverable(text);
    if !errors.is_empty() {
        let errors = errors
            .iter()
            .map(|e| {
                // The parser's message is about syntax; the policy is no patient data.
                Error::policy(
                    "P0001",
                    say!("not well-formed TOML: {}", Name::from_policy(e.message())),
                )
                .at_opt(e.span().and_then(|span| sources.place_of(file, span)))
            })
            .collect();
        return Err(Error::all(errors)
            .unwrap_or_else(|| Error::policy("P0001", say!("not well-formed TOML"))));
    }
    let span = table.span();
    let mut bad = Vec::new();
    let node = Node { file, span, kind: table_node(file, table.into_inner(), &mut bad) };
    let errors: Vec<Error> = bad
        .into_iter()
        .map(|span| {
            Error::policy("P0007", say!("the number is too large"))
                .at_opt(sources.place_of(file, span))
        })
        .collect();
    Error::all(errors).map_or(Ok(node), Err)
}

fn table_node(file: usize, table: DeTable<'_>, bad: &mut Vec<std::ops::Range<usize>>) -> NodeKind {
    let mut entries = IndexMap::new();
    for (key, value) in table {
        let span = key.span();
        let value = node(file, value, bad);
        entries.insert(key.into_inner().into_owned(), Entry { key: span, file, value });
    }
    NodeKind::Table(entries)
}

fn node(file: usize, value: Spanned<DeValue<'_>>, bad: &mut Vec<std::ops::Range<usize>>) -> Node {
    let span = value.span();
    let kind = match value.into_inner() {
        DeValue::String(text) => NodeKind::String(text.into_owned()),
        DeValue::Integer(number) => NodeKind::Integer(
            i64::from_str_radix(number.as_str(), number.radix()).unwrap_or_else(|_| {
                bad.push(span.clone());
                0
            }),
        ),
        DeValue::Float(number) => NodeKind::Float(number.as_str().parse().unwrap_or_else(|_| {
            bad.push(span.clone());
            0.0
        })),
        DeValue::Boolean(value) => NodeKind::Boolean(value),
        DeValue::Datetime(_) => NodeKind::Datetime,
        DeValue::Array(items) => {
            NodeKind::Array(items.into_iter().map(|item| node(file, item, bad)).collect())
        }
        DeValue::Table(table) => table_node(file, table, bad),
    };
    Node { file, span, kind }
}

/// The base with the changes of a policy that extends it: tables are merged key by key, other values replaced.
/// A treatment is one value: a base's `{ band = ... }` does not remain beside a new `{ round = ... }`.
pub(super) fn merge(base: Node, change: Node) -> Node {
    let Node { file, span, kind } = change;
    match (base.kind, kind) {
        (NodeKind::Table(mut entries), NodeKind::Table(changes)) => {
            for (key, entry) in changes {
                // By name: a column's treatments have the names of the two releases' settings, which stand beside the tables.
                let whole = matches!(key.as_str(), "pseudonymized" | "anonymized")
                    && !entries.contains_key("tables")
                    && !entries.contains_key("policy");
                // Inserting under a known key keeps its position: the order of columns is that of the base.
                let value = match entries.get(&key) {
                    Some(old) if !whole => merge(old.value.clone(), entry.value),
                    _ => entry.value,
                };
                entries.insert(key, Entry { key: entry.key, file: entry.file, value });
            }
            Node { file, span, kind: NodeKind::Table(entries) }
        }
        (_, kind) => Node { file, span, kind },
    }
}
