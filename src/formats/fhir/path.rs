//! Where the value of a column stands in a resource.
//!
//! * `birthDate`, `period.start`: elements. A repeated element must be there once; more is refused.
//! * `name[0].text`: the first, whatever follows is counted. `given[*]`: all, joined with `~`.
//! * `code.coding[system=urn:a|urn:b].code`: only those whose `system` is one of these; `!=`: only those whose is none.
//! * `subject.reference@Patient`: a reference, read as the identity of the resource that it names (module `scope`).
//! * `subject.reference@Patient.identifier[system=urn:a].value`: a reference, read as that identifier of the resource.
//! * `id`: the identity of the resource; `Bundle.id`, `Bundle.timestamp`: of the Bundle that it is in; `Bundle.section`: the codes of the
//!   sections of the document that list it.
//! * `valueQuantity.comparator+valueQuantity.value`: two values, one after the other.
//! * `_deceasedDateTime`: that name itself, where the element has extensions and no value (a reason why there is none).

use std::borrow::Cow;

use super::json::{JsonKind, Tree};
use super::scope::{Found, Scope};
use crate::error::{Error, Name, Result};
use crate::say;

/// What stands between the values of a repeated element.
pub(super) const JOINED: &str = "~";

/// A path as compiled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    pub(super) parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Part {
    pub(super) steps: Vec<Step>,
    /// What the value must refer to.
    pub(super) target: Option<Target>,
    /// The steps begin at the row's element, not at the resource.
    pub(super) inside: bool,
    /// The steps begin at the Bundle.
    pub(super) outside: bool,
}

/// What a reference must name.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Target {
    /// The type of the resource.
    pub(super) kind: String,
    /// Systems of the identifier that is read of it; its identity is read if there are none.
    pub(super) systems: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Step {
    pub(super) name: String,
    pub(super) filter: Option<Filter>,
    pub(super) rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Filter {
    pub(super) key: Vec<String>,
    pub(super) not: bool,
    pub(super) values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Rule {
    One,
    First,
    All,
}

/// Why a path gives no value of a column.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unfit {
    /// An element is there more than once.
    Repeated,
    /// The path ends at an element with members.
    Element,
    /// Not a reference to a resource of the type.
    Reference,
    /// A patient who is named by an identifier that no patient of the input has, or who is contained.
    Unknown,
    /// A patient who is named by an identifier that several have.
    Several,
    /// A conditional reference by something else than an identifier.
    Conditional,
    /// A string with escapes that are no text.
    Escape,
    /// Two of the places that exclude each other have a value.
    Both,
}

/// What of a resource was looked at.
#[derive(Debug)]
pub(super) struct Seen {
    /// Places that a column or a rule accounts for, with all below them.
    pub(super) covered: Vec<Cover>,
    /// Repetitions that a rule `[0]` passed over.
    pub(super) passed: u64,
}

/// What accounts for a place.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) enum Cover {
    /// Nothing.
    #[default]
    None,
    /// A column reads it, or the policy's own word stands there.
    Read,
    /// It is left out by a rule.
    LeftOut,
}

impl Path {
    /// Compiles a path; `element` is the repeated element whose repetitions are the rows.
    pub(super) fn parse(text: &str, element: Option<&str>) -> Result<Self> {
        let bad = |what: &'static str| {
            Error::policy("P0315", say!("the path `{}` {}", Name::from_policy(text), what))
        };
        let mut parts = Vec::new();
        for part in split(text, '+') {
            let mut pieces = split(part, '@');
            let target = match pieces.len() {
                1 => None,
                2 => pieces.pop(),
                _ => return Err(bad("has more than one `@`")),
            };
            let target = match target.map(Target::parse) {
                None => None,
                Some(Some(target)) => Some(target),
                Some(None) => return Err(bad("has no resource type behind `@`")),
            };
            let mut steps =
                split(pieces[0], '.').into_iter().map(step).collect::<Option<Vec<_>>>().ok_or_else(
                    || bad("is not well-formed (such as `code.coding[system=urn:a].code`, `name[0].text`, `given[*]`)"),
                )?;
            let inside = steps.len() > 1 && element.is_some_and(|e| steps[0].name == e);
            if inside {
                let first = steps.remove(0);
                if first.filter.is_some() || first.rule != Rule::One {
                    return Err(bad("chooses among the elements that are the rows"));
                }
            }
            let outside = steps.len() > 1 && steps[0].name == "Bundle";
            if outside {
                steps.remove(0);
            }
            let last = steps.last().map_or("", |s| s.name.as_str());
            if target.is_some() && (steps.len() < 2 || last != "reference" || outside) {
                return Err(bad("has no element `reference` before `@`"));
            }
            parts.push(Part { steps, target, inside, outside });
        }
        Ok(Path { parts })
    }

    /// The names of its elements, which are the policy's words.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|p| &p.steps).map(|s| s.name.as_str())
    }

    /// The value; `None` if it is not there.
    pub(super) fn value<'a>(
        &self,
        scope: &Scope<'_, 'a>,
        row: u32,
        seen: &mut Seen,
    ) -> std::result::Result<Option<Cow<'a, str>>, Unfit> {
        let tree = scope.tree;
        let mut whole: Option<Cow<'a, str>> = None;
        let mut found = Vec::new();
        for part in &self.parts {
            found.clear();
            if let Some(own) = part.of_scope(scope, seen) {
                whole = match (whole, own.map(Cow::Owned)) {
                    (Some(a), Some(b)) => Some(format!("{a}{b}").into()),
                    (a, b) => a.or(b),
                };
                continue;
            }
            let from = match scope.bundle {
                _ if part.inside => row,
                Some((bundle, _)) if part.outside => bundle.node,
                None if part.outside => continue,
                _ => scope.root,
            };
            let steps = match &part.target {
                Some(_) => &part.steps[..part.steps.len() - 1],
                None => part.steps.as_slice(),
            };
            if let Some(name) = part.without_value() {
                find(tree, from, &steps[..steps.len() - 1], false, seen, &mut found)?;
                if found.iter().any(|&at| has_no_value(tree, at, name)) {
                    whole = Some(format!("{}{name}", whole.unwrap_or_default()).into());
                }
                continue;
            }
            find(tree, from, steps, false, seen, &mut found)?;
            let mut text: Option<Cow<'a, str>> = None;
            let mut add = |value: Cow<'a, str>| {
                text = Some(match text.take() {
                    None => value,
                    Some(before) => format!("{before}{JOINED}{value}").into(),
                });
            };
            if let Some(target) = &part.target {
                let mut named = false;
                for &at in &found {
                    if let Some(id) = target.of(scope, at, seen)? {
                        named = true;
                        add(id.into());
                    }
                }
                // What stands in a document without saying whose it is, is of whom the document is about.
                if !named
                    && target.kind == "Patient"
                    && let Some(about) = scope.about()
                    && let Some(id) = target.of_resource(scope, about.to_owned())?
                {
                    add(id.into());
                }
            } else {
                for &at in &found {
                    seen.covered[at as usize] = Cover::Read;
                    match tree.kind(at) {
                        JsonKind::Null => continue,
                        JsonKind::Object | JsonKind::Array => return Err(Unfit::Element),
                        JsonKind::Text(_) | JsonKind::Plain(_) => {}
                    }
                    add(tree.text(at).ok_or(Unfit::Escape)?);
                }
            }
            whole = match (whole, text) {
                (Some(a), Some(b)) => Some(format!("{a}{b}").into()),
                (a, b) => a.or(b),
            };
        }
        Ok(whole)
    }

    /// Accounts for everything at and below the path.
    pub(super) fn leave_out(&self, scope: &Scope<'_, '_>, row: u32, seen: &mut Seen) {
        let mut found = Vec::new();
        for part in self.parts.iter().filter(|part| !part.outside) {
            let from = if part.inside { row } else { scope.root };
            // With every repetition taken nothing can be unfit.
            let _ = find(scope.tree, from, &part.steps, true, seen, &mut found);
        }
        for at in found {
            seen.leave(at);
        }
    }
}

impl Seen {
    /// Nothing was looked at.
    pub(super) fn new(tree: &Tree<'_>) -> Self {
        Seen { covered: vec![Cover::None; tree.len()], passed: 0 }
    }
    /// A rule leaves out what stands at a place, unless a column reads it.
    fn leave(&mut self, at: u32) {
        let cover = &mut self.covered[at as usize];
        if *cover == Cover::None {
            *cover = Cover::LeftOut;
        }
    }
}

/// Whether a primitive has extensions in place of a value. That it does not apply says nothing.
fn has_no_value(tree: &Tree<'_>, at: u32, name: &str) -> bool {
    let there = |at: u32| !matches!(tree.kind(at), JsonKind::Null);
    if name.strip_prefix('_').and_then(|own| tree.child(at, own)).is_some_and(there) {
        return false;
    }
    let Some(all) = tree.child(at, name).and_then(|own| tree.child(own, "extension")) else {
        return false;
    };
    let code = |own: u32| tree.child(own, "valueCode").and_then(|code| tree.text(code));
    let all = tree.each(all);
    !all.is_empty() && !all.into_iter().any(|own| code(own).is_some_and(|c| c == "not-applicable"))
}

impl Part {
    /// The name of a primitive's extensions, where the path ends there.
    pub(super) fn without_value(&self) -> Option<&str> {
        let last = self.steps.last().filter(|_| self.target.is_none())?;
        Some(last.name.as_str()).filter(|name| name.starts_with('_'))
    }
    /// What the place of the resource says, not the resource: nothing else has these paths. The inner value may be missing.
    fn of_scope(&self, scope: &Scope<'_, '_>, seen: &mut Seen) -> Option<Option<String>> {
        let [only] = self.steps.as_slice() else { return None };
        match (only.name.as_str(), self.outside) {
            ("id", false) if !self.inside => {
                if let Some(at) = scope.tree.child(scope.root, "id") {
                    seen.covered[at as usize] = Cover::Read;
                }
                Some(scope.identity())
            }
            ("id", true) => {
                // In a release what has no id of a Bundle stood alone.
                let named = |node| !scope.released || scope.tree.child(node, "id").is_some();
                let bundle = scope.bundle.filter(|(bundle, _)| named(bundle.node));
                Some(bundle.map(|(bundle, _)| bundle.key.clone()))
            }
            ("section", true) => Some(scope.sections()),
            _ => None,
        }
    }
}

impl Target {
    /// `Patient`, or `Patient.identifier[system=a|b].value`.
    fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_once('.').unwrap_or((text, ""));
        let systems = match rest {
            "" => Vec::new(),
            rest => {
                let path = split(rest, '.').into_iter().map(step).collect::<Option<Vec<_>>>()?;
                let [identifier, value] = path.as_slice() else { return None };
                let filter = identifier.filter.as_ref()?;
                let fits = identifier.name == "identifier" && value.name == "value";
                let plain = value.filter.is_none() && value.rule == Rule::One && !filter.not;
                if !fits || !plain || filter.key != ["system"] {
                    return None;
                }
                filter.values.clone()
            }
        };
        plain(kind).then(|| Target { kind: kind.to_owned(), systems })
    }

    /// What an element of type Reference names.
    fn of(
        &self,
        scope: &Scope<'_, '_>,
        at: u32,
        seen: &mut Seen,
    ) -> std::result::Result<Option<String>, Unfit> {
        let tree = scope.tree;
        // The type is the policy's own word; what else a reference has is beside what it names.
        if let Some(kind) = tree.child(at, "type")
            && tree.text(kind).is_some_and(|t| t == self.kind)
        {
            seen.covered[kind as usize] = Cover::Read;
        }
        for name in ["reference", "identifier"] {
            if let Some(there) = tree.child(at, name) {
                seen.covered[there as usize] = Cover::Read;
            }
        }
        match scope.resolve(at, &self.kind, &self.systems)? {
            Found::Nothing => Ok(None),
            Found::Identifier(value) => Ok(Some(value)),
            Found::Resource(id) => self.of_resource(scope, id),
        }
    }

    fn of_resource(
        &self,
        scope: &Scope<'_, '_>,
        id: String,
    ) -> std::result::Result<Option<String>, Unfit> {
        if self.systems.is_empty() {
            return Ok(Some(id));
        }
        scope.identifier_of(&self.kind, &id, &self.systems)
    }
}

/// Splits at a mark that does not stand in brackets.
fn split(text: &str, mark: char) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut depth, mut start) = (0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            c if c == mark && depth == 0 => {
                pieces.push(&text[start..at]);
                start = at + c.len_utf8();
            }
            _ => {}
        }
    }
    pieces.push(&text[start..]);
    pieces
}

/// Whether a text is a name of FHIR: letters, and the digits of `base64Binary`; primitives' extensions begin with `_`.
pub(super) fn plain(text: &str) -> bool {
    let bare = text.strip_prefix('_').unwrap_or(text);
    let letters = bare.replace("ase64", "");
    !bare.is_empty() && bare.len() <= 48 && letters.bytes().all(|b| b.is_ascii_alphabetic())
}

fn step(text: &str) -> Option<Step> {
    let (name, mut rest) = match text.find('[') {
        Some(at) => text.split_at(at),
        None => (text, ""),
    };
    if !plain(name) {
        return None;
    }
    let mut step = Step { name: name.to_owned(), filter: None, rule: Rule::One };
    while !rest.is_empty() {
        let (inner, tail) = rest.strip_prefix('[')?.split_once(']')?;
        rest = tail;
        match inner {
            "0" if step.rule == Rule::One => step.rule = Rule::First,
            "*" if step.rule == Rule::One => step.rule = Rule::All,
            _ => {
                let (key, values) = inner.split_once('=')?;
                let (key, not) = key.strip_suffix('!').map_or((key, false), |k| (k, true));
                let key: Vec<String> = key.split('.').map(str::to_owned).collect();
                let values: Vec<String> = values.split('|').map(str::to_owned).collect();
                let whole = key.iter().all(|k| plain(k)) && values.iter().all(|v| !v.is_empty());
                if step.filter.is_some() || !whole || step.rule != Rule::One {
                    return None;
                }
                step.filter = Some(Filter { key, not, values });
            }
        }
    }
    Some(step)
}

fn find(
    tree: &Tree<'_>,
    at: u32,
    steps: &[Step],
    all: bool,
    seen: &mut Seen,
    found: &mut Vec<u32>,
) -> std::result::Result<(), Unfit> {
    let Some((step, rest)) = steps.split_first() else {
        found.push(at);
        return Ok(());
    };
    let Some(child) = tree.child(at, &step.name) else { return Ok(()) };
    let mut some = tree.each(child);
    if let Some(filter) = &step.filter {
        some.retain(|&element| filter.takes(tree, element, seen));
    }
    match step.rule {
        _ if all => {}
        Rule::One if some.len() > 1 => return Err(Unfit::Repeated),
        Rule::First => {
            for passed in some.iter().skip(1) {
                seen.leave(*passed);
                seen.passed += 1;
            }
            some.truncate(1);
        }
        Rule::One | Rule::All => {}
    }
    some.into_iter().try_for_each(|element| find(tree, element, rest, all, seen, found))
}

impl Filter {
    fn takes(&self, tree: &Tree<'_>, element: u32, seen: &mut Seen) -> bool {
        let mut places = vec![element];
        for key in &self.key {
            places = places
                .into_iter()
                .filter_map(|at| tree.child(at, key))
                .flat_map(|at| tree.each(at))
                .collect();
        }
        let fits: Vec<u32> = places
            .iter()
            .copied()
            .filter(|&at| tree.text(at).is_some_and(|t| self.values.iter().any(|v| *v == t)))
            .collect();
        let takes = fits.is_empty() == self.not;
        if takes {
            // The value that chose the element is the policy's own word (none where `!=` chose).
            for at in fits {
                seen.covered[at as usize] = Cover::Read;
            }
        }
        takes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str, path: &str) -> std::result::Result<Option<String>, Unfit> {
        let tree = Tree::parse(line).unwrap();
        let mut seen = Seen::new(&tree);
        let scope = Scope { tree: &tree, root: 0, bundle: None, all: None, released: false };
        Path::parse(path, None).unwrap().value(&scope, 0, &mut seen).map(|v| v.map(Cow::into_owned))
    }

    #[test]
    fn values_are_found() {
        let line = r#"{"a":{"b":"x"},"n":[{"u":"i","t":["p","q"],"e":[{"c":"IDE"}]},{"u":"s","t":["r"]}],
            "q":{"c":"<","v":0.50},"r":{"reference":"https://h/fhir/Patient/pt-1/_history/3"},"d":[null,"z"]}"#;
        let some = |t: &str| Ok(Some(t.to_owned()));
        for (path, expected) in [
            ("a.b", some("x")),
            ("a.c", Ok(None)),
            ("n.u", Err(Unfit::Repeated)),
            ("n[0].u", some("i")),
            ("n[*].u", some("i~s")),
            ("n[*].t[*]", some("p~q~r")),
            ("n[u=s].t", some("r")),
            ("n[u=i].t", Err(Unfit::Repeated)),
            ("n[u=k|i].t[0]", some("p")),
            ("n[u!=i].t", some("r")),
            ("n[e.c=IDE].t[*]", some("p~q")),
            ("n[e.c!=IDE][*].u", some("s")),
            ("q.c+q.v", some("<0.50")),
            ("q.x+q.v", some("0.50")),
            ("a", Err(Unfit::Element)),
            ("d[*]", some("z")),
            ("r.reference@Patient", some("pt-1")),
            ("r.reference@Group", Err(Unfit::Reference)),
        ] {
            assert_eq!(value(line, path), expected, "{path}");
        }
    }

    #[test]
    fn a_reason_in_place_of_a_value_is_read() {
        let reason = |code: &str| {
            format!(
                r#"{{"extension":[{{"url":"http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"{code}"}}]}}"#
            )
        };
        let some = Ok(Some("_when".to_owned()));
        for (line, expected) in [
            (format!(r#"{{"_when":{}}}"#, reason("unknown")), some.clone()),
            (format!(r#"{{"when":null,"_when":{}}}"#, reason("masked")), some),
            (format!(r#"{{"when":"2026","_when":{}}}"#, reason("unknown")), Ok(None)),
            (format!(r#"{{"_when":{}}}"#, reason("not-applicable")), Ok(None)),
            (r#"{"_when":{"id":"x"}}"#.to_owned(), Ok(None)),
            (r#"{"_when":{"extension":[]}}"#.to_owned(), Ok(None)),
            ("{}".to_owned(), Ok(None)),
        ] {
            assert_eq!(value(&line, "_when"), expected, "{line}");
        }
        let inside = format!(r#"{{"a":{{"_when":{}}}}}"#, reason("unknown"));
        assert_eq!(value(&inside, "a._when"), Ok(Some("_when".to_owned())));
    }

    #[test]
    fn references_are_resolved() {
        let member = "http://example.jp/member";
        for (reference, id) in [
            (r#"{"reference":"Patient/1"}"#, Ok(Some("1"))),
            (r#"{"reference":"http://a/b/Patient/x-1.y"}"#, Ok(Some("x-1.y"))),
            (r#"{"reference":"urn:uuid:0C3151BD"}"#, Ok(Some("0c3151bd"))),
            (r#"{"reference":"Patient/1/_history/4"}"#, Ok(Some("1"))),
            (r#"{"display":"somebody"}"#, Ok(None)),
            (r##"{"reference":"#p"}"##, Err(Unfit::Unknown)),
            (r##"{"reference":"#q"}"##, Err(Unfit::Reference)),
            (r#"{"reference":"urn:uuid:"}"#, Err(Unfit::Reference)),
            (r#"{"reference":"Patient/"}"#, Err(Unfit::Reference)),
            (r#"{"reference":"Group/1"}"#, Err(Unfit::Reference)),
            (r#"{"reference":"1"}"#, Err(Unfit::Reference)),
            (r#"{"reference":"Patient?identifier=urn:x|1"}"#, Err(Unfit::Unknown)),
            (r#"{"reference":"Patient?name=1"}"#, Err(Unfit::Conditional)),
            (r#"{"identifier":{"system":"urn:x","value":"1"}}"#, Err(Unfit::Unknown)),
        ] {
            let line = format!(
                r#"{{"s":{reference},"contained":[{{"resourceType":"Patient","id":"p","identifier":[{{"system":"urn:x","value":"7"}}]}}]}}"#
            );
            let id = id.map(|id| id.map(str::to_owned));
            assert_eq!(value(&line, "s.reference@Patient"), id, "{reference}");
        }
        let path = format!("s.reference@Patient.identifier[system={member}].value");
        for reference in [
            r#"{"identifier":{"system":"http://example.jp/member","value":"1:2"}}"#,
            r#"{"reference":"Patient?identifier=http%3A%2F%2Fexample.jp%2Fmember%7C1:2"}"#,
        ] {
            let line = format!(r#"{{"s":{reference}}}"#);
            assert_eq!(value(&line, &path), Ok(Some("1:2".to_owned())), "{reference}");
        }
        assert_eq!(value(r#"{"s":{"reference":"Patient/1"}}"#, &path), Err(Unfit::Unknown));
    }

    #[test]
    fn ill_formed_paths_are_refused() {
        for text in [
            "",
            "a..b",
            "a[",
            "a[1]",
            "a[*][0]",
            "a[x]",
            "a[b=]",
            "a[b=c][d=e]",
            "a@",
            "a@B",
            "a.reference@B@C",
            "a.reference@B.id",
            "a b",
            "a[*][b=c]",
            "山田",
            "a1",
        ] {
            assert!(Path::parse(text, None).is_err(), "{text}");
        }
        assert!(Path::parse("component[0].code", Some("component")).is_err());
    }

    #[test]
    fn names_of_fhir_have_letters_only() {
        for (text, is) in [
            ("valueBase64Binary", true),
            ("_birthDate", true),
            ("div", true),
            ("P0012345", false),
            ("", false),
            ("山田", false),
        ] {
            assert_eq!(plain(text), is, "{text}");
        }
    }
}
