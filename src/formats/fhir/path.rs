//! Where the value of a column stands in a resource.
//!
//! * `birthDate`, `period.start`: elements. A repeated element must be there once; more is refused.
//! * `name[0].text`: the first, whatever follows is counted. `given[*]`: all, joined with `~`.
//! * `code.coding[system=urn:a|urn:b].code`: only those whose `system` is one of these; `!=`: only those whose is none.
//! * `subject.reference@Patient`: a reference, read as the id of the resource that it names.
//! * `valueQuantity.comparator+valueQuantity.value`: two values, one after the other.

use std::borrow::Cow;

use super::json::{Kind, Tree};
use crate::error::{Error, Name, Result};
use crate::say;

/// What stands between the values of a repeated element.
pub(super) const JOINED: &str = "~";

/// A path as compiled.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Path {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq)]
struct Part {
    steps: Vec<Step>,
    /// The type of resource that the value must refer to.
    target: Option<String>,
    /// The steps begin at the row's element, not at the resource.
    inside: bool,
}

#[derive(Clone, Debug, PartialEq)]
struct Step {
    name: String,
    filter: Option<Filter>,
    rule: Rule,
}

#[derive(Clone, Debug, PartialEq)]
struct Filter {
    key: Vec<String>,
    not: bool,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Rule {
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
    /// A string with escapes that are no text.
    Escape,
    /// Two of the places that exclude each other have a value.
    Both,
}

/// What of a resource was looked at.
#[derive(Debug)]
pub(super) struct Seen {
    /// Places that a column or a rule accounts for, with all below them.
    pub(super) covered: Vec<bool>,
    /// Repetitions that a rule `[0]` passed over.
    pub(super) passed: u64,
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
                2 => pieces.pop().map(str::to_owned),
                _ => return Err(bad("has more than one `@`")),
            };
            if target.as_deref().is_some_and(|t| !plain(t)) {
                return Err(bad("has no resource type behind `@`"));
            }
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
            parts.push(Part { steps, target, inside });
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
        tree: &Tree<'a>,
        row: u32,
        seen: &mut Seen,
    ) -> std::result::Result<Option<Cow<'a, str>>, Unfit> {
        let mut whole: Option<Cow<'a, str>> = None;
        let mut found = Vec::new();
        for part in &self.parts {
            found.clear();
            let from = if part.inside { row } else { 0 };
            find(tree, from, &part.steps, false, seen, &mut found)?;
            let mut text: Option<Cow<'a, str>> = None;
            for &at in &found {
                seen.covered[at as usize] = true;
                match tree.kind(at) {
                    Kind::Null => continue,
                    Kind::Object | Kind::Array => return Err(Unfit::Element),
                    Kind::Text(_) | Kind::Plain(_) => {}
                }
                let mut value = tree.text(at).ok_or(Unfit::Escape)?;
                if let Some(target) = &part.target {
                    value = referred(&value, target).ok_or(Unfit::Reference)?.to_owned().into();
                }
                text = Some(match text {
                    None => value,
                    Some(before) => format!("{before}{JOINED}{value}").into(),
                });
            }
            whole = match (whole, text) {
                (Some(a), Some(b)) => Some(format!("{a}{b}").into()),
                (a, b) => a.or(b),
            };
        }
        Ok(whole)
    }

    /// Accounts for everything at and below the path.
    pub(super) fn leave_out(&self, tree: &Tree<'_>, row: u32, seen: &mut Seen) {
        let mut found = Vec::new();
        for part in &self.parts {
            let from = if part.inside { row } else { 0 };
            // With every repetition taken nothing can be unfit.
            let _ = find(tree, from, &part.steps, true, seen, &mut found);
        }
        for at in found {
            seen.covered[at as usize] = true;
        }
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
                seen.covered[*passed as usize] = true;
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
                seen.covered[at as usize] = true;
            }
        }
        takes
    }
}

/// The id in a reference to a resource of a type: `Patient/1`, `https://server/fhir/Patient/1/_history/2`, `urn:uuid:...`.
fn referred<'t>(text: &'t str, target: &str) -> Option<&'t str> {
    if let Some(id) = text.strip_prefix("urn:uuid:").or_else(|| text.strip_prefix("urn:oid:")) {
        return (!id.is_empty()).then_some(id);
    }
    let whole = text.split_once("/_history/").map_or(text, |(head, _)| head);
    let (head, id) = whole.rsplit_once('/')?;
    let kind = head.rsplit('/').next()?;
    (kind == target && !id.is_empty() && !id.starts_with('#')).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str, path: &str) -> std::result::Result<Option<String>, Unfit> {
        let tree = Tree::parse(line).unwrap();
        let mut seen = Seen { covered: vec![false; tree.len()], passed: 0 };
        Path::parse(path, None).unwrap().value(&tree, 0, &mut seen).map(|v| v.map(Cow::into_owned))
    }

    #[test]
    fn values_are_found() {
        let line = r#"{"a":{"b":"x"},"n":[{"u":"i","t":["p","q"],"e":[{"c":"IDE"}]},{"u":"s","t":["r"]}],
            "q":{"c":"<","v":0.50},"r":"https://h/fhir/Patient/pt-1/_history/3","d":[null,"z"]}"#;
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
            ("r@Patient", some("pt-1")),
            ("r@Group", Err(Unfit::Reference)),
        ] {
            assert_eq!(value(line, path), expected, "{path}");
        }
    }

    #[test]
    fn references_are_resolved() {
        for (text, id) in [
            ("Patient/1", Some("1")),
            ("http://a/b/Patient/x-1.y", Some("x-1.y")),
            ("urn:uuid:0c3151bd", Some("0c3151bd")),
            ("urn:uuid:", None),
            ("#p", None),
            ("Patient/", None),
            ("Group/1", None),
            ("1", None),
            ("Patient?identifier=1", None),
        ] {
            assert_eq!(referred(text, "Patient"), id, "{text}");
        }
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
            "a@B@C",
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
