//! Where a resource stands: alone, or in an entry of a Bundle with others that refer to it.
//!
//! The identity of an entry is that of its `fullUrl` (HL7 FHIR R4, Bundle, "Resolving references in Bundles"): the UUID of a `urn:uuid:`,
//! whatever the resource's own `id` is; for all other addresses the `id`. So one resource has one identity in the Bundle, in another file that
//! refers to its URN, and in the release.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use sha3::Digest as _;

use super::index::Resources;
use super::json::{JsonKind, Tree};
use super::path::Unfit;
use super::words;

/// Bundles in Bundles (a searchset of documents) are read to this depth.
const DEEPEST: usize = 3;
/// What a Bundle may have; nothing of it is released but what a column reads.
const OF_BUNDLE: [&str; 12] = [
    "resourceType",
    "id",
    "meta",
    "implicitRules",
    "language",
    "identifier",
    "type",
    "timestamp",
    "total",
    "link",
    "entry",
    "signature",
];
/// What an entry may have.
const OF_ENTRY: [&str; 7] = ["id", "fullUrl", "link", "resource", "search", "request", "response"];

/// Why a Bundle cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Odd {
    /// A type that is none, or whose entries are no resources of a record (`message`).
    Type,
    /// An entry without a resource that is no deletion, or one whose request changes a part of a resource (`PATCH`).
    Entry,
    /// Bundles in Bundles in Bundles.
    Deep,
    /// An element that no Bundle has.
    Element,
}

/// An entry of a Bundle.
#[derive(Debug, Default)]
pub(super) struct Entry<'a> {
    /// Its resource.
    pub(super) node: Option<u32>,
    /// The resource's type, or that of the deleted one.
    pub(super) kind: Cow<'a, str>,
    /// Its identity.
    pub(super) identity: Option<String>,
    /// When it was changed, as the server says.
    pub(super) changed: Option<Cow<'a, str>>,
    url: Option<Cow<'a, str>>,
    /// Codes of the sections that list it.
    sections: BTreeSet<String>,
}

/// A Bundle.
#[derive(Debug)]
pub(super) struct Bundle<'a> {
    /// Where it stands.
    pub(super) node: u32,
    /// `document`, ...
    pub(super) kind: Cow<'a, str>,
    /// Its id, its identifier, or a digest of its entries' identities.
    pub(super) key: String,
    /// Its entries in order.
    pub(super) entries: Vec<Entry<'a>>,
    by_url: HashMap<String, usize>,
    by_id: HashMap<(String, String), usize>,
    /// The entry of the patient whom a document is about.
    about: Option<usize>,
}

/// What is known of the type and identity of an address: `Type/id`, with anything before it and a version behind it.
pub(super) fn typed(text: &str) -> Option<(&str, &str)> {
    let whole = text.split_once("/_history/").map_or(text, |(head, _)| head);
    let (head, id) = whole.rsplit_once('/')?;
    let kind = head.rsplit('/').next()?;
    let fits = kind.starts_with(|c: char| c.is_ascii_uppercase()) && super::path::plain(kind);
    (fits && !id.is_empty() && !id.starts_with('#') && !id.contains(['?', '#']))
        .then_some((kind, id))
}

/// The UUID (or OID) of a URN, as it is compared.
pub(super) fn urn(text: &str) -> Option<String> {
    let id = text.strip_prefix("urn:uuid:").or_else(|| text.strip_prefix("urn:oid:"))?;
    (!id.is_empty()).then(|| id.to_ascii_lowercase())
}

/// The identity of a resource.
pub(super) fn identity(url: Option<&str>, id: Option<&str>) -> Option<String> {
    // A release's URNs are its tokens in another form.
    if let (Some(url), Some(id)) = (url, id)
        && url == words::urn(id)
    {
        return Some(id.to_owned());
    }
    url.and_then(urn)
        .or_else(|| id.map(str::to_owned))
        .or_else(|| url.and_then(typed).map(|(_, id)| id.to_owned()))
}

impl<'a> Bundle<'a> {
    /// Looks at a Bundle.
    pub(super) fn of(tree: &Tree<'a>, node: u32) -> Result<Self, (Option<usize>, Odd)> {
        let kind = tree.member(node, "type").unwrap_or_default();
        let known = [
            "document",
            "collection",
            "searchset",
            "transaction",
            "history",
            "batch",
            "transaction-response",
            "batch-response",
        ];
        if !known.contains(&kind.as_ref()) {
            return Err((None, Odd::Type));
        }
        if tree.children(node).any(|c| !OF_BUNDLE.contains(&tree.name(c).trim_start_matches('_'))) {
            return Err((None, Odd::Element));
        }
        let mut bundle = Bundle {
            node,
            kind,
            key: String::new(),
            entries: Vec::new(),
            by_url: HashMap::new(),
            by_id: HashMap::new(),
            about: None,
        };
        let entries = tree.child(node, "entry").map(|at| tree.each(at)).unwrap_or_default();
        for (number, at) in entries.into_iter().enumerate() {
            let entry = Entry::of(tree, at).map_err(|odd| (Some(number), odd))?;
            if let Some(url) = &entry.url {
                bundle.by_url.entry(key_of(url)).or_insert(number);
            }
            let id = entry.node.and_then(|n| tree.member(n, "id")).map(Cow::into_owned);
            for id in id.into_iter().chain(entry.identity.clone()) {
                bundle.by_id.entry((entry.kind.clone().into_owned(), id)).or_insert(number);
            }
            bundle.entries.push(entry);
        }
        bundle.key = bundle.named(tree);
        if bundle.kind == "document" {
            bundle.composed(tree);
        }
        Ok(bundle)
    }

    /// Its key, if what is in it was put together to be read by itself: a document, or a collection. What a server answers or is asked
    /// for is about one and the same resources.
    pub(super) fn own_world(&self) -> Option<&str> {
        matches!(self.kind.as_ref(), "document" | "collection").then_some(self.key.as_str())
    }

    fn named(&self, tree: &Tree<'a>) -> String {
        let identifier = tree.child(self.node, "identifier");
        let identifier = identifier.and_then(|at| tree.member(at, "value"));
        if let Some(own) = tree.member(self.node, "id").or(identifier) {
            return own.into_owned();
        }
        let mut all = sha3::Sha3_256::default();
        for entry in &self.entries {
            all.update(entry.kind.as_bytes());
            all.update([0]);
            all.update(entry.identity.as_deref().unwrap_or_default().as_bytes());
            all.update([1]);
        }
        all.finalize().iter().take(16).map(|b| format!("{b:02x}")).collect()
    }

    /// Whether it has what the Bundles of a release have, and nothing else.
    fn is_plain(&self, tree: &Tree<'a>) -> bool {
        let id = tree.member(self.node, "id").unwrap_or_default();
        let identifier = |at: u32| {
            tree.children(at).all(|c| match tree.name(c) {
                "system" => tree.text(c).is_some_and(|t| t == words::URI),
                "value" => tree.text(c).is_some_and(|t| t == words::urn(&id)),
                _ => false,
            })
        };
        let own = tree.children(self.node).all(|c| match tree.name(c) {
            "resourceType" | "id" | "type" => true,
            "timestamp" => tree.text(c).is_some_and(|t| words::leaf("", "timestamp", &t).is_some()),
            "meta" | "_timestamp" => {
                words::only_constants(tree, c, &mut vec!["Bundle", tree.name(c)])
            }
            "identifier" => tree.kind(c) == JsonKind::Object && identifier(c),
            "entry" => tree
                .each(c)
                .into_iter()
                .all(|e| tree.children(e).all(|m| matches!(tree.name(m), "fullUrl" | "resource"))),
            _ => false,
        });
        let of = |e: &Entry<'a>| match (&e.url, &e.identity) {
            (Some(url), Some(id)) => *url == words::urn(id),
            (None, _) => true,
            _ => false,
        };
        own && matches!(self.kind.as_ref(), "document" | "collection")
            && self.entries.iter().all(of)
    }

    /// Whom the document is about, and which sections list which entries.
    fn composed(&mut self, tree: &Tree<'a>) {
        let Some(at) = self.entries.iter().position(|e| e.kind == "Composition") else { return };
        let Some(node) = self.entries[at].node else { return };
        let subject = tree.child(node, "subject").and_then(|s| tree.member(s, "reference"));
        self.about = match subject {
            Some(text) => self.find(&text, Some(at)),
            None => self.entries.iter().position(|e| e.kind == "Patient"),
        };
        let mut waiting: Vec<u32> =
            tree.child(node, "section").map_or_else(Vec::new, |s| tree.each(s));
        while let Some(section) = waiting.pop() {
            waiting.extend(tree.child(section, "section").map_or_else(Vec::new, |s| tree.each(s)));
            let coding = tree
                .child(section, "code")
                .and_then(|c| tree.child(c, "coding"))
                .and_then(|c| tree.each(c).first().copied());
            let Some(code) = coding.and_then(|c| section_code(tree, c)) else { continue };
            for entry in tree.child(section, "entry").map_or_else(Vec::new, |e| tree.each(e)) {
                let Some(text) = tree.member(entry, "reference") else { continue };
                if let Some(found) = self.find(&text, Some(at)) {
                    self.entries[found].sections.insert(code.clone());
                }
            }
        }
    }

    /// The entry that a reference names.
    fn find(&self, text: &str, from: Option<usize>) -> Option<usize> {
        let bare = text.split_once("/_history/").map_or(text, |(head, _)| head);
        if let Some(&found) = self.by_url.get(&key_of(bare)) {
            return Some(found);
        }
        // A relative reference is one to the server that the entry is from.
        let (kind, id) = typed(bare)?;
        if let Some(url) = from.and_then(|n| self.entries[n].url.as_deref())
            && let Some((own, own_id)) = typed(url)
            && let Some(base) = url.strip_suffix(&format!("{own}/{own_id}"))
            && let Some(&found) = self.by_url.get(&key_of(&format!("{base}{kind}/{id}")))
        {
            return Some(found);
        }
        if bare.contains("://") {
            return None;
        }
        self.by_id.get(&(kind.to_owned(), id.to_owned())).copied()
    }
}

/// `system|code` of a section, if it is one of a code system.
fn section_code(tree: &Tree<'_>, coding: u32) -> Option<String> {
    let code = tree.member(coding, "code").filter(|c| words::is_section(c))?;
    let system = tree.member(coding, "system").unwrap_or_default();
    let known = words::SECTIONS.iter().any(|s| system.starts_with(s));
    Some(if known { format!("{system}|{code}") } else { code.into_owned() })
}

/// How an address is compared: URNs in small letters, addresses without their version.
fn key_of(url: &str) -> String {
    match urn(url) {
        Some(id) => id,
        None => url.split_once("/_history/").map_or(url, |(head, _)| head).to_owned(),
    }
}

impl<'a> Entry<'a> {
    fn of(tree: &Tree<'a>, at: u32) -> Result<Self, Odd> {
        if tree.children(at).any(|c| !OF_ENTRY.contains(&tree.name(c).trim_start_matches('_'))) {
            return Err(Odd::Element);
        }
        let url = tree.member(at, "fullUrl");
        let request = tree.child(at, "request");
        let method = request.and_then(|r| tree.member(r, "method")).unwrap_or_default();
        let response = tree.child(at, "response");
        let changed = response.and_then(|r| tree.member(r, "lastModified"));
        let node = tree.child(at, "resource").filter(|&n| tree.kind(n) == JsonKind::Object);
        match (node, method.as_ref()) {
            (_, "PATCH") => Err(Odd::Entry),
            (Some(node), "" | "POST" | "PUT") => {
                let kind = tree.member(node, "resourceType").unwrap_or_default();
                let id = tree.member(node, "id");
                let identity = identity(url.as_deref(), id.as_deref());
                Ok(Entry { node: Some(node), kind, identity, changed, url, ..Entry::default() })
            }
            (_, "DELETE") => {
                let asked = request.and_then(|r| tree.member(r, "url")).unwrap_or_default();
                let named = typed(&asked).or_else(|| url.as_deref().and_then(typed));
                let (kind, id) = named.ok_or(Odd::Entry)?;
                let identity = identity(url.as_deref(), Some(id));
                Ok(Entry {
                    kind: kind.to_owned().into(),
                    identity,
                    changed,
                    url,
                    ..Entry::default()
                })
            }
            // Questions, and answers without what was asked for.
            (None, "GET" | "HEAD") => Ok(Entry::default()),
            (None, "" | "POST" | "PUT") if response.is_some() => Ok(Entry::default()),
            _ => Err(Odd::Entry),
        }
    }
    /// Whether it says that a resource was deleted.
    pub(super) fn deletes(&self) -> bool {
        self.node.is_none() && !self.kind.is_empty()
    }
}

/// A resource to read, with what is around it.
#[derive(Clone, Copy)]
pub(super) struct Scope<'s, 'a> {
    /// The text.
    pub(super) tree: &'s Tree<'a>,
    /// The resource.
    pub(super) root: u32,
    /// The Bundle that it is in, and its entry there.
    pub(super) bundle: Option<(&'s Bundle<'a>, usize)>,
    /// What is known of all resources of the input.
    pub(super) all: Option<&'s Resources>,
    /// A release, whose identifiers are its tokens.
    pub(super) released: bool,
}

/// What a reference was found to name.
#[derive(Debug, PartialEq)]
pub(super) enum Found {
    /// The identity of a resource.
    Resource(String),
    /// An identifier alone, of a system, which the path asks for.
    Identifier(String),
    /// Nothing that has an identity in a release: a contained resource, or one that is only described.
    Nothing,
}

impl<'a> Scope<'_, 'a> {
    /// The identity of the resource.
    pub(super) fn identity(&self) -> Option<String> {
        match self.bundle {
            Some((bundle, entry)) => bundle.entries[entry].identity.clone(),
            None => identity(None, self.tree.member(self.root, "id").as_deref()),
        }
    }
    /// The server that the address of its entry names: what stands before its type and id.
    pub(super) fn server(&self) -> Option<&str> {
        let (bundle, entry) = self.bundle?;
        let entry = &bundle.entries[entry];
        let url = entry.url.as_deref()?;
        let (kind, id) = typed(url)?;
        let server = url.split_once("/_history/").map_or(url, |(head, _)| head);
        let server = server.strip_suffix(id)?.strip_suffix('/')?.strip_suffix(kind)?;
        (kind == entry.kind && server.contains("://")).then_some(server)
    }
    /// Codes of the sections of the document that list the resource.
    pub(super) fn sections(&self) -> Option<String> {
        let (bundle, entry) = self.bundle?;
        let sections = &bundle.entries[entry].sections;
        (!sections.is_empty()).then(|| {
            sections.iter().map(String::as_str).collect::<Vec<_>>().join(super::path::JOINED)
        })
    }
    /// The patient of the document, for resources of one that do not say whose they are.
    pub(super) fn about(&self) -> Option<&str> {
        let (bundle, _) = self.bundle?;
        bundle.entries[bundle.about?].identity.as_deref()
    }

    /// What an element of type Reference names. `systems`: those whose identifier is asked for.
    pub(super) fn resolve(
        &self,
        at: u32,
        target: &str,
        systems: &[String],
    ) -> Result<Found, Unfit> {
        if let Some(text) = self.tree.member(at, "reference") {
            return self.named(&text, target, systems);
        }
        let Some(identifier) = self.tree.child(at, "identifier") else { return Ok(Found::Nothing) };
        let system = self.tree.member(identifier, "system").unwrap_or_default();
        let Some(value) = self.tree.member(identifier, "value") else { return Ok(Found::Nothing) };
        self.by_identifier(&system, &value, target, systems)
    }

    fn named(&self, text: &str, target: &str, systems: &[String]) -> Result<Found, Unfit> {
        if let Some(id) = text.strip_prefix('#') {
            return self.contained(id, target, systems);
        }
        if let Some((kind, asked)) = text.split_once('?') {
            return self.conditional(kind, asked, target, systems);
        }
        if let Some((bundle, entry)) = self.bundle
            && let Some(found) = bundle.find(text, Some(entry))
        {
            let entry = &bundle.entries[found];
            if entry.kind != target {
                return Err(Unfit::Reference);
            }
            return entry.identity.clone().map(Found::Resource).ok_or(Unfit::Reference);
        }
        if let Some(id) = urn(text) {
            return Ok(Found::Resource(id));
        }
        let (kind, id) = typed(text).ok_or(Unfit::Reference)?;
        if kind != target {
            return Err(Unfit::Reference);
        }
        let known = self.all.map_or(Some(id), |all| all.named(kind, id));
        Ok(Found::Resource(known.ok_or(Unfit::Several)?.to_owned()))
    }

    /// A contained resource has no identity of its own; one that an identifier ties to a resource of the input is that one.
    fn contained(&self, id: &str, target: &str, systems: &[String]) -> Result<Found, Unfit> {
        let tree = self.tree;
        let all = tree.child(self.root, "contained").map_or_else(Vec::new, |c| tree.each(c));
        let node = all
            .into_iter()
            .find(|&c| tree.member(c, "id").is_some_and(|own| own == id))
            .ok_or(Unfit::Reference)?;
        if tree.member(node, "resourceType").is_none_or(|kind| kind != target) {
            return Err(Unfit::Reference);
        }
        for identifier in tree.child(node, "identifier").map_or_else(Vec::new, |i| tree.each(i)) {
            let system = tree.member(identifier, "system").unwrap_or_default();
            let Some(value) = tree.member(identifier, "value") else { continue };
            if let Ok(found @ (Found::Resource(_) | Found::Identifier(_))) =
                self.by_identifier(&system, &value, target, systems)
            {
                return Ok(found);
            }
        }
        // A patient must be somebody; whatever else is contained is a part of its resource.
        if target == "Patient" { Err(Unfit::Unknown) } else { Ok(Found::Nothing) }
    }

    /// `Patient?identifier=system|value`.
    fn conditional(
        &self,
        kind: &str,
        asked: &str,
        target: &str,
        systems: &[String],
    ) -> Result<Found, Unfit> {
        if kind.rsplit('/').next() != Some(target) {
            return Err(Unfit::Reference);
        }
        let value = asked.strip_prefix("identifier=").filter(|v| !v.contains('&'));
        let value = value.and_then(decoded).ok_or(Unfit::Conditional)?;
        let (system, value) = value.rsplit_once('|').unwrap_or(("", &value));
        self.by_identifier(system, value, target, systems)
    }

    fn by_identifier(
        &self,
        system: &str,
        value: &str,
        target: &str,
        systems: &[String],
    ) -> Result<Found, Unfit> {
        if systems.iter().any(|s| s == system) {
            return Ok(Found::Identifier(value.to_owned()));
        }
        if self.released {
            return Ok(Found::Resource(value.to_owned()));
        }
        let needed = target == "Patient";
        match self.all.map(|all| all.with_identifier(target, system, value)) {
            Some([one]) => Ok(Found::Resource(one.clone())),
            Some([]) | None if needed => Err(Unfit::Unknown),
            Some([_, ..]) if needed => Err(Unfit::Several),
            _ => Ok(Found::Nothing),
        }
    }

    /// The identifier of a resource in one of some systems; none if the resource has none of them.
    pub(super) fn identifier_of(
        &self,
        target: &str,
        id: &str,
        systems: &[String],
    ) -> Result<Option<String>, Unfit> {
        let tree = self.tree;
        let here = self.bundle.and_then(|(bundle, _)| {
            let at = *bundle.by_id.get(&(target.to_owned(), id.to_owned()))?;
            bundle.entries[at].node
        });
        let of_all: Vec<(String, String)> = match here {
            Some(node) => identifiers(tree, node),
            None => {
                let known = self.all.and_then(|all| all.identifiers(target, id));
                known.ok_or(Unfit::Unknown)?.to_vec()
            }
        };
        for system in systems {
            let mut values = of_all.iter().filter(|(s, _)| s == system).map(|(_, v)| v);
            if let Some(first) = values.next() {
                return if values.all(|v| v == first) {
                    Ok(Some(first.clone()))
                } else {
                    Err(Unfit::Several)
                };
            }
        }
        Ok(None)
    }
}

/// The identifiers of a resource.
pub(super) fn identifiers(tree: &Tree<'_>, node: u32) -> Vec<(String, String)> {
    let all = tree.child(node, "identifier").map_or_else(Vec::new, |i| tree.each(i));
    all.into_iter()
        .filter_map(|i| {
            let system = tree.member(i, "system").unwrap_or_default().into_owned();
            Some((system, tree.member(i, "value")?.into_owned()))
        })
        .collect()
}

/// A part of an address without its escapes (RFC 3986).
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'%' => {
                let digits = [rest.next()?, rest.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            b'+' => b' ',
            other => other,
        });
    }
    String::from_utf8(bytes).ok()
}

/// What a text of a file holds, one after the other.
pub(super) enum Part<'s, 'a> {
    /// A resource.
    Resource(Scope<'s, 'a>),
    /// An entry that says that a resource was deleted.
    Deleted(&'s Bundle<'a>, usize),
}

/// Gives every resource below a place: itself, or those of the entries of a Bundle. `at` counts the entries.
pub(super) fn each<'a, E>(
    tree: &Tree<'a>,
    node: u32,
    (all, released): (Option<&Resources>, bool),
    at: &mut Vec<usize>,
    f: &mut dyn FnMut(Part<'_, 'a>, &[usize]) -> Result<(), E>,
    odd: &dyn Fn(Odd) -> E,
) -> Result<(), E> {
    if tree.member(node, "resourceType").is_none_or(|kind| kind != "Bundle") {
        return f(Part::Resource(Scope { tree, root: node, bundle: None, all, released }), at);
    }
    if at.len() >= DEEPEST {
        return Err(odd(Odd::Deep));
    }
    let bundle = match Bundle::of(tree, node) {
        Ok(bundle) => bundle,
        Err((number, why)) => {
            at.extend(number.map(|n| n + 1));
            return Err(odd(why));
        }
    };
    if released && !bundle.is_plain(tree) {
        return Err(odd(Odd::Element));
    }
    // The history of a server begins with the newest version; the others are dead.
    let mut newest: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (number, entry) in bundle.entries.iter().enumerate() {
        if bundle.kind == "history"
            && let Some(identity) = &entry.identity
            && !newest.insert((entry.kind.as_ref(), identity))
        {
            continue;
        }
        at.push(number + 1);
        match entry.node {
            Some(inner) if entry.kind == "Bundle" => {
                each(tree, inner, (all, released), at, f, odd)?
            }
            Some(root) => {
                let bundle = Some((&bundle, number));
                f(Part::Resource(Scope { tree, root, bundle, all, released }), at)?;
            }
            None if entry.deletes() => f(Part::Deleted(&bundle, number), at)?,
            None => {}
        }
        at.pop();
    }
    Ok(())
}
