//! One resource as a tree that borrows from its line.
//!
//! `serde_json` judges whether the line is JSON; its values are not used, because a number read as a floating-point number loses
//! digits (`5.10`) and of two members with one name the first would be lost without a word.

use std::borrow::Cow;

use serde::de::IgnoredAny;

/// Deeper resources are not read: FHIR's deepest paths have about ten steps.
const DEEPEST: usize = 64;
/// No element of FHIR has more members.
const WIDEST: usize = 256;
/// Values and elements of one text: a resource, or a Bundle of many.
const MOST: usize = 1 << 24;
/// No child, no sibling.
const NONE: u32 = u32::MAX;

/// Why a line cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Broken {
    /// Not one JSON object.
    Form,
    /// Deeper, wider or larger than a resource is.
    Size,
    /// Two members of an element have one name.
    Twice,
}

/// What stands at a place.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum JsonKind<'a> {
    /// An element with members.
    Object,
    /// A repeated element.
    Array,
    /// A string between its quotes, as it stands.
    Text(&'a str),
    /// A number, `true` or `false`, as it stands.
    Plain(&'a str),
    /// `null`.
    Null,
}

#[derive(Clone, Copy, Debug)]
struct Node<'a> {
    name: &'a str,
    kind: JsonKind<'a>,
    first: u32,
    next: u32,
}

/// A resource.
#[derive(Debug, Default)]
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

impl<'a> Tree<'a> {
    /// Reads a line, which is one object.
    pub(super) fn parse(line: &'a str) -> Result<Self, Broken> {
        Self::read(line, false)
    }
    /// Reads a whole file: one object, or an array of them.
    pub(super) fn parse_whole(text: &'a str) -> Result<Self, Broken> {
        Self::read(text, true)
    }
    fn read(text: &'a str, arrays: bool) -> Result<Self, Broken> {
        serde_json::from_str::<IgnoredAny>(text).map_err(|_| Broken::Form)?;
        let mut parser = Parser { text, at: 0, tree: Tree::default() };
        parser.blanks();
        if parser.byte() != Some(b'{') && !(arrays && parser.byte() == Some(b'[')) {
            return Err(Broken::Form);
        }
        parser.value("", 0)?;
        Ok(parser.tree)
    }
    /// The number of places; they are numbered from 0, the resource itself.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }
    /// The text of the member with a name, if that is a value.
    pub(super) fn member(&self, at: u32, name: &str) -> Option<Cow<'a, str>> {
        self.text(self.child(at, name)?)
    }
    /// What stands at a place.
    pub(super) fn kind(&self, at: u32) -> JsonKind<'a> {
        self.nodes[at as usize].kind
    }
    /// The name of a member; empty for a repetition.
    pub(super) fn name(&self, at: u32) -> &'a str {
        self.nodes[at as usize].name
    }
    /// The members or repetitions of a place.
    pub(super) fn children(&self, at: u32) -> impl Iterator<Item = u32> + '_ {
        let some = |at: u32| (at != NONE).then_some(at);
        std::iter::successors(some(self.nodes[at as usize].first), move |&at| {
            some(self.nodes[at as usize].next)
        })
    }
    /// The member with a name.
    pub(super) fn child(&self, at: u32, name: &str) -> Option<u32> {
        self.children(at).find(|&c| self.name(c) == name)
    }
    /// The repetitions of a place, or the place itself if it is not repeated.
    pub(super) fn each(&self, at: u32) -> Vec<u32> {
        match self.kind(at) {
            JsonKind::Array => self.children(at).collect(),
            _ => vec![at],
        }
    }
    /// The text of a value; `None` for `null` and for what is no value, and for a string whose escapes are no text.
    pub(super) fn text(&self, at: u32) -> Option<Cow<'a, str>> {
        match self.kind(at) {
            JsonKind::Text(text) if !text.contains('\\') => Some(Cow::Borrowed(text)),
            JsonKind::Text(text) => {
                serde_json::from_str::<String>(&format!("\"{text}\"")).ok().map(Cow::Owned)
            }
            JsonKind::Plain(text) => Some(Cow::Borrowed(text)),
            JsonKind::Object | JsonKind::Array | JsonKind::Null => None,
        }
    }
}

/// Splits what is known to be JSON.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    tree: Tree<'a>,
}

impl<'a> Parser<'a> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
    fn blanks(&mut self) {
        while matches!(self.byte(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }
    /// The next mark (`,`, `:`, a bracket) with the blanks around it.
    fn mark(&mut self) -> Result<u8, Broken> {
        self.blanks();
        let mark = self.byte().ok_or(Broken::Form)?;
        self.at += 1;
        self.blanks();
        Ok(mark)
    }
    /// A string; the place is behind its first quote.
    fn string(&mut self) -> Result<&'a str, Broken> {
        let start = self.at;
        loop {
            let rest = self.text.as_bytes().get(self.at..).ok_or(Broken::Form)?;
            self.at += memchr::memchr2(b'"', b'\\', rest).ok_or(Broken::Form)?;
            if self.byte() == Some(b'"') {
                let text = self.text.get(start..self.at).ok_or(Broken::Form)?;
                self.at += 1;
                return Ok(text);
            }
            self.at += 2;
        }
    }
    /// Adds the value that begins here.
    fn value(&mut self, name: &'a str, depth: usize) -> Result<u32, Broken> {
        let own = self.tree.nodes.len();
        if depth > DEEPEST || own >= MOST {
            return Err(Broken::Size);
        }
        let start = self.at;
        let kind = match self.byte().ok_or(Broken::Form)? {
            b'{' => JsonKind::Object,
            b'[' => JsonKind::Array,
            b'"' => {
                self.at += 1;
                JsonKind::Text(self.string()?)
            }
            _ => {
                while self.byte().is_some_and(|b| !b",]} \t\r\n".contains(&b)) {
                    self.at += 1;
                }
                match self.text.get(start..self.at).ok_or(Broken::Form)? {
                    "" => return Err(Broken::Form),
                    "null" => JsonKind::Null,
                    plain => JsonKind::Plain(plain),
                }
            }
        };
        self.tree.nodes.push(Node { name, kind, first: NONE, next: NONE });
        if matches!(kind, JsonKind::Object | JsonKind::Array) {
            self.members(own, kind == JsonKind::Object, depth)?;
        }
        Ok(own as u32)
    }
    fn members(&mut self, own: usize, named: bool, depth: usize) -> Result<(), Broken> {
        self.mark()?;
        if matches!(self.byte(), Some(b'}' | b']')) {
            self.at += 1;
            return Ok(());
        }
        let mut last: Option<u32> = None;
        let mut count = 0;
        loop {
            let mut name = "";
            if named {
                if self.mark_only(b'"').is_none() {
                    return Err(Broken::Form);
                }
                name = self.string()?;
                if self.mark()? != b':' {
                    return Err(Broken::Form);
                }
                count += 1;
                if count > WIDEST {
                    return Err(Broken::Size);
                }
                // A name with escapes is none of FHIR; it could be another spelling of one that is there.
                if name.contains('\\') || self.tree.child(own as u32, name).is_some() {
                    return Err(Broken::Twice);
                }
            }
            let child = self.value(name, depth + 1)?;
            match last {
                Some(last) => self.tree.nodes[last as usize].next = child,
                None => self.tree.nodes[own].first = child,
            }
            last = Some(child);
            match self.mark_of_end()? {
                b',' => {}
                b'}' | b']' => return Ok(()),
                _ => return Err(Broken::Form),
            }
        }
    }
    fn mark_only(&mut self, mark: u8) -> Option<()> {
        (self.byte() == Some(mark)).then(|| self.at += 1)
    }
    /// The mark behind a value; only a comma is followed by more of this element.
    fn mark_of_end(&mut self) -> Result<u8, Broken> {
        self.blanks();
        let mark = self.byte().ok_or(Broken::Form)?;
        self.at += 1;
        if mark == b',' {
            self.blanks();
        }
        Ok(mark)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn again(tree: &Tree<'_>, at: u32) -> serde_json::Value {
        match tree.kind(at) {
            JsonKind::Object => serde_json::Value::Object(
                tree.children(at).map(|c| (tree.name(c).to_owned(), again(tree, c))).collect(),
            ),
            JsonKind::Array => tree.children(at).map(|c| again(tree, c)).collect(),
            JsonKind::Text(_) => tree.text(at).unwrap().into_owned().into(),
            JsonKind::Plain(text) => serde_json::from_str(text).unwrap(),
            JsonKind::Null => serde_json::Value::Null,
        }
    }

    fn any_value() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(serde_json::Value::from),
            any::<i64>().prop_map(serde_json::Value::from),
            "\\PC{0,8}".prop_map(serde_json::Value::from),
            "[\"\\\\\n\t/{}:,\\[\\]]{0,6}".prop_map(serde_json::Value::from),
        ];
        leaf.prop_recursive(5, 40, 5, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..5).prop_map(serde_json::Value::from),
                proptest::collection::btree_map("[a-z]{1,5}", inner, 0..5)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn trees_are_what_serde_json_reads(value in any_value(), pretty in any::<bool>()) {
            let value = serde_json::json!({ "a": value });
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let tree = Tree::parse(&text).unwrap();
            prop_assert_eq!(again(&tree, 0), value);
        }
        #[test]
        fn nothing_panics(text in "[{}\\[\\]\":,a1\\\\ ntu]{0,30}") {
            let whole = format!("{{{text}");
            prop_assert_eq!(
                Tree::parse(&whole).is_ok_and(|t| t.len() > 0),
                serde_json::from_str::<serde_json::Value>(&whole).is_ok_and(|v| v.is_object())
                    && Tree::parse(&whole) .err() != Some(Broken::Twice)
            );
        }
    }

    #[test]
    fn numbers_stay_as_they_stand() {
        let tree =
            Tree::parse(r#"{"v":5.10,"w":-0.0,"x":12345678901234567890.5,"y":1e400}"#).unwrap();
        let all: Vec<_> = tree.children(0).map(|c| tree.text(c).unwrap().into_owned()).collect();
        assert_eq!(all, ["5.10", "-0.0", "12345678901234567890.5", "1e400"]);
    }

    #[test]
    fn what_is_no_resource_is_refused() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(80), "]".repeat(80));
        for (text, why) in [
            ("", Broken::Form),
            ("[]", Broken::Form),
            ("{\"a\":1", Broken::Form),
            ("{\"a\":1} {}", Broken::Form),
            ("{\"a\":NaN}", Broken::Form),
            ("{\"a\":1,\"a\":2}", Broken::Twice),
            ("{\"\\u0061\":1}", Broken::Twice),
            (deep.as_str(), Broken::Size),
        ] {
            assert_eq!(Tree::parse(text).err(), Some(why), "{text}");
        }
    }
}
