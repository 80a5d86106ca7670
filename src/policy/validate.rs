//! Checks a tree against the schema of the types and reports every problem at once, with place and suggestion.

use serde_json::Value;

use super::json_schema::{resolved, strict};
use super::tree::{Entry, Node, NodeKind, Sources};
use crate::error::{Error, Name, Place, Result, Said};
use crate::say;
use crate::technique::CATALOGUE;

/// Writes shorthands out: `"drop"` is `{ drop = {} }`, `{ truncate_date = "month" }` is `{ truncate_date = { unit = "month" } }`.
pub(super) fn expand_shorthands(tree: &mut Node) {
    let NodeKind::Table(top) = &mut tree.kind else { return };
    let Some(Entry { value: Node { kind: NodeKind::Table(tables), .. }, .. }) =
        top.get_mut("tables")
    else {
        return;
    };
    for table in tables.values_mut() {
        let NodeKind::Table(table) = &mut table.value.kind else { continue };
        let Some(Entry { value: Node { kind: NodeKind::Table(columns), .. }, .. }) =
            table.get_mut("columns")
        else {
            continue;
        };
        for column in columns.values_mut() {
            let NodeKind::Table(column) = &mut column.value.kind else { continue };
            for release in ["pseudonymized", "anonymized"] {
                if let Some(entry) = column.get_mut(release) {
                    expand(&mut entry.value);
                }
            }
        }
    }
}

fn expand(treatment: &mut Node) {
    let (file, span) = (treatment.file, treatment.span.clone());
    if let NodeKind::String(word) = &treatment.kind {
        let empty =
            Node { file, span: span.clone(), kind: NodeKind::Table(indexmap::IndexMap::new()) };
        let entry = Entry { key: span, file, value: empty };
        treatment.kind = NodeKind::Table(indexmap::IndexMap::from([(word.clone(), entry)]));
        return;
    }
    let NodeKind::Table(entries) = &mut treatment.kind else { return };
    for (name, entry) in entries.iter_mut() {
        if matches!(entry.value.kind, NodeKind::Table(_)) {
            continue;
        }
        let Some(field) = CATALOGUE.iter().find(|d| d.name == name).and_then(|d| d.shorthand)
        else {
            continue;
        };
        let (file, span) = (entry.value.file, entry.value.span.clone());
        let inner = std::mem::replace(&mut entry.value.kind, NodeKind::Boolean(false));
        let value = Node { file, span: span.clone(), kind: inner };
        let inner = Entry { key: span.clone(), file, value };
        entry.value.kind = NodeKind::Table(indexmap::IndexMap::from([(field.to_owned(), inner)]));
    }
}

/// Checks the whole tree.
pub(super) fn check(tree: &Node, sources: &Sources) -> Result<()> {
    let root = strict();
    let mut checker = Checker { root: &root, sources, errors: Vec::new() };
    checker.node(tree, &root, &say!("the policy"));
    let mut errors = checker.errors;
    errors.sort_by_key(|e| e.place.as_ref().map(|p| (p.file.clone(), p.line, p.column)));
    Error::all(errors).map_or(Ok(()), Err)
}

struct Checker<'a> {
    root: &'a Value,
    sources: &'a Sources,
    errors: Vec<Error>,
}

fn words<'a>(names: impl Iterator<Item = &'a str>) -> Said {
    let names: Vec<Said> = names.map(|n| say!("`{}`", Name::from_policy(n))).collect();
    Said::join(&names, ", ")
}

/// The known word that is nearest to one that is not known.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<Said> {
    known
        .map(|k| (strsim::normalized_damerau_levenshtein(word, k), k))
        .filter(|(score, _)| *score >= 0.5)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, k)| say!("did you mean `{}`?", Name::from_policy(k)))
}

impl Checker<'_> {
    fn report(
        &mut self,
        code: &'static str,
        place: Option<Place>,
        what: Said,
        advice: Option<Said>,
    ) {
        let mut error = Error::policy(code, what).at_opt(place);
        error.advice = advice;
        self.errors.push(error);
    }

    fn node(&mut self, node: &Node, schema: &Value, name: &Said) {
        let root = self.root;
        let schema = resolved(root, schema);
        for (key, any) in [("oneOf", true), ("anyOf", true), ("allOf", false)] {
            if let Some(forms) = schema[key].as_array() {
                if any {
                    self.one_of(node, forms, name)
                } else {
                    forms.iter().for_each(|f| self.node(node, f, name))
                }
                if schema.get("type").is_none() && schema.get("properties").is_none() {
                    return;
                }
            }
        }
        if let Some(constant) = schema.get("const") {
            if node.to_json() != *constant {
                self.wrong_word(node, &[constant], name);
            }
            return;
        }
        if let Some(allowed) = schema["enum"].as_array() {
            if !allowed.contains(&node.to_json()) {
                self.wrong_word(node, &allowed.iter().collect::<Vec<_>>(), name);
            }
            return;
        }
        if !self.fits(node, schema) {
            let wanted = expected(schema);
            self.report(
                "P0004",
                self.sources.place(node),
                say!("{} must be {}, not {}", name, wanted, found(node)),
                None,
            );
            return;
        }
        match &node.kind {
            NodeKind::Table(entries) => self.table(node, entries, schema, name),
            NodeKind::Array(items) if schema.get("items").is_some() => {
                for item in items {
                    self.node(item, &schema["items"], name);
                }
            }
            NodeKind::Integer(_) | NodeKind::Float(_) => {
                let value = match node.kind {
                    NodeKind::Integer(n) => n as f64,
                    NodeKind::Float(f) => f,
                    _ => 0.0,
                };
                let low = schema["minimum"].as_f64().is_some_and(|m| value < m);
                let high = schema["maximum"].as_f64().is_some_and(|m| value > m);
                if low || high {
                    self.report(
                        "P0007",
                        self.sources.place(node),
                        say!("{} is out of range", name),
                        None,
                    );
                }
            }
            _ => {}
        }
    }

    fn table(
        &mut self,
        node: &Node,
        entries: &indexmap::IndexMap<String, Entry>,
        schema: &Value,
        name: &Said,
    ) {
        let properties = schema["properties"].as_object();
        let known = || properties.into_iter().flat_map(|p| p.keys().map(String::as_str));
        for (key, entry) in entries {
            let child = say!("`{}`", Name::from_policy(key.clone()));
            match (properties.and_then(|p| p.get(key)), &schema["additionalProperties"]) {
                (Some(inner), _) => self.node(&entry.value, inner, &child),
                (None, Value::Bool(false)) => {
                    let place = self.sources.place_of(entry.file, entry.key.clone());
                    let advice = nearest(key, known())
                        .or_else(|| Some(say!("known here: {}", words(known()))));
                    self.report(
                        "P0002",
                        place,
                        say!("unknown key `{}` in {}", Name::from_policy(key.clone()), name),
                        advice,
                    );
                }
                (None, inner) if inner.is_object() => self.node(&entry.value, inner, &child),
                (None, _) => {}
            }
        }
        for needed in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str)
        {
            if !entries.contains_key(needed) {
                let advice = match needed {
                    "pseudonymized" | "anonymized" => Some(say!(
                        "every column needs a treatment for each release; `\"drop\"` leaves it out"
                    )),
                    _ => None,
                };
                self.report(
                    "P0003",
                    self.sources.place(node),
                    say!("{} lacks `{}`", name, Name::from_policy(needed)),
                    advice,
                );
            }
        }
    }

    /// Alternatives: words, tables with one key (techniques), or different types.
    fn one_of(&mut self, node: &Node, forms: &[Value], name: &Said) {
        let root = self.root;
        let forms: Vec<&Value> = forms.iter().map(|f| resolved(root, f)).collect();
        let words: Vec<&Value> = forms
            .iter()
            .flat_map(|f| {
                f.get("const").into_iter().chain(f["enum"].as_array().into_iter().flatten())
            })
            .collect();
        if !words.is_empty() && words.len() >= forms.len() {
            if !words.contains(&&node.to_json()) {
                self.wrong_word(node, &words, name);
            }
            return;
        }
        let tagged: Vec<(&str, &Value)> = forms
            .iter()
            .filter_map(|f| match f["required"].as_array().map(Vec::as_slice) {
                Some([tag]) if f["properties"].as_object().is_some_and(|p| p.len() == 1) => {
                    let tag = tag.as_str()?;
                    Some((tag, &f["properties"][tag]))
                }
                _ => None,
            })
            .collect();
        if tagged.len() == forms.len() {
            self.technique(node, &tagged, name);
            return;
        }
        // Different types: the one that fits by its type is checked; none fits: say what could stand here.
        match forms.iter().find(|f| self.fits(node, f)) {
            Some(form) => self.node(node, form, name),
            None => {
                let wanted: Vec<Said> =
                    forms.iter().filter(|f| f["type"] != "null").map(|f| expected(f)).collect();
                let what =
                    say!("{} must be {}, not {}", name, Said::join(&wanted, " or "), found(node));
                self.report("P0004", self.sources.place(node), what, None);
            }
        }
    }

    fn technique(&mut self, node: &Node, tagged: &[(&str, &Value)], name: &Said) {
        let NodeKind::Table(entries) = &node.kind else {
            let what = say!(
                "{} must be the name of a technique, or a technique with its parameters, not {}",
                name,
                found(node)
            );
            self.report("P0004", self.sources.place(node), what, None);
            return;
        };
        if entries.len() != 1 {
            self.report(
                "P0006",
                self.sources.place(node),
                say!("{} must name exactly one technique", name),
                None,
            );
            return;
        }
        for (key, entry) in entries {
            match tagged.iter().find(|(tag, _)| tag == key) {
                Some((_, inner)) => {
                    self.node(&entry.value, inner, &say!("`{}`", Name::from_policy(key.clone())))
                }
                None => {
                    let place = self.sources.place_of(entry.file, entry.key.clone());
                    let known = || tagged.iter().map(|(tag, _)| *tag);
                    let advice = nearest(key, known())
                        .or_else(|| Some(say!("techniques: {}", words(known()))));
                    self.report(
                        "P0006",
                        place,
                        say!("unknown technique `{}`", Name::from_policy(key.clone())),
                        advice,
                    );
                }
            }
        }
    }

    fn wrong_word(&mut self, node: &Node, allowed: &[&Value], name: &Said) {
        let known: Vec<&str> = allowed.iter().filter_map(|v| v.as_str()).collect();
        let (what, advice) = match &node.kind {
            NodeKind::String(word) => (
                say!("`{}` is not a word for {}", Name::from_policy(word.clone()), name),
                match nearest(word, known.iter().copied()) {
                    Some(near) => say!("{} allowed: {}", near, words(known.iter().copied())),
                    None => say!("allowed: {}", words(known.iter().copied())),
                },
            ),
            _ => (
                say!("{} must be one of some words, not {}", name, found(node)),
                say!("allowed: {}", words(known.iter().copied())),
            ),
        };
        self.report("P0005", self.sources.place(node), what, Some(advice));
    }

    fn fits(&self, node: &Node, schema: &Value) -> bool {
        let one = |ty: &str| {
            matches!(
                (&node.kind, ty),
                (NodeKind::Table(_), "object")
                    | (NodeKind::Array(_), "array")
                    | (NodeKind::String(_), "string")
                    | (NodeKind::Boolean(_), "boolean")
                    | (NodeKind::Integer(_), "integer" | "number")
                    | (NodeKind::Float(_), "number")
            )
        };
        let schema = resolved(self.root, schema);
        match &schema["type"] {
            Value::String(ty) => one(ty),
            Value::Array(types) => types.iter().filter_map(Value::as_str).any(one),
            // No type of its own: words, or alternatives.
            _ => match (schema.get("enum"), schema.get("oneOf")) {
                (Some(_), _) => matches!(node.kind, NodeKind::String(_)),
                (None, Some(forms)) => {
                    forms.as_array().is_some_and(|f| f.iter().any(|f| self.fits(node, f)))
                }
                (None, None) => {
                    schema.get("const").is_none() || matches!(node.kind, NodeKind::String(_))
                }
            },
        }
    }
}

fn expected(schema: &Value) -> Said {
    let one = |ty: &str| match ty {
        "object" => say!("a table `{{ ... }}`"),
        "array" => say!("a list `[ ... ]`"),
        "string" => say!("a text in quotes"),
        "boolean" => say!("true or false"),
        "integer" => say!("a whole number"),
        "number" => say!("a number"),
        _ => say!("something else"),
    };
    match &schema["type"] {
        Value::String(ty) => one(ty),
        Value::Array(types) => {
            let all: Vec<Said> =
                types.iter().filter_map(Value::as_str).filter(|t| *t != "null").map(one).collect();
            Said::join(&all, " or ")
        }
        _ => say!("one of its words"),
    }
}

fn found(node: &Node) -> &'static str {
    match node.kind {
        NodeKind::Table(_) => "a table",
        NodeKind::Array(_) => "a list",
        NodeKind::String(_) => "a text",
        NodeKind::Integer(_) => "a whole number",
        NodeKind::Float(_) => "a number with decimals",
        NodeKind::Boolean(_) => "true or false",
        NodeKind::Datetime => "a date (write it in quotes)",
    }
}
