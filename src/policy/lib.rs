//! Policies: read with places, merged with what they extend, checked against their types, made into data.

// Other rooms, under the names that they have in the whole.
use kakou_core::{error, lang, law, say, schema, text, words};
use kakou_privacy as privacy;
use kakou_technique as technique;

use std::path::{Path, PathBuf};

use crate::error::{Error, Name, Place};

mod json_schema;
pub mod layout;
pub mod model;
pub mod promise;
mod render;
pub mod shipped;
mod tree;
mod validate;
pub use validate::nearest;

pub use json_schema::json_schema;
pub use render::render;
pub use tree::{Node, NodeKind, Sources};

/// The largest policy file.
const LARGEST: u64 = 1 << 20;

/// A policy as read.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The policy as data.
    pub policy: model::Policy,
    /// The tree that it was made from, with places.
    pub tree: Node,
    /// The texts of its files.
    pub sources: Sources,
    /// The folders of the files, by file number: hierarchies are relative to the file that names them.
    pub folders: Vec<PathBuf>,
}

/// Why a policy could not be read, with the texts that the places point into.
#[derive(Debug)]
pub struct Failed {
    /// The errors.
    pub error: Error,
    /// The texts.
    pub sources: Sources,
}

impl Loaded {
    /// The place of a value by its path (`["tables", "stays", "columns", "入院日"]`); of the nearest parent if it is not there.
    #[must_use]
    pub fn place(&self, path: &[&str]) -> Option<Place> {
        let mut node = &self.tree;
        let mut place = self.sources.place(node);
        for step in path {
            let next = match &node.kind {
                NodeKind::Table(entries) => entries.get(*step).map(|e| &e.value),
                NodeKind::Array(items) => step.parse::<usize>().ok().and_then(|i| items.get(i)),
                _ => None,
            };
            let Some(next) = next else { break };
            node = next;
            place = self.sources.place(node).or(place);
        }
        place
    }
    /// The file in which a value stands.
    #[must_use]
    pub fn folder_of(&self, path: &[&str]) -> Option<&Path> {
        let mut node = &self.tree;
        for step in path {
            let NodeKind::Table(entries) = &node.kind else { break };
            node = &entries.get(*step)?.value;
        }
        self.folders.get(node.file).map(PathBuf::as_path)
    }
    /// The folders of all policy files.
    pub fn folders(&self) -> impl Iterator<Item = &Path> {
        self.folders.iter().map(PathBuf::as_path)
    }
}

/// Reads a policy file with all that it extends; `kakou:dpc-hub` is a shipped one.
///
/// # Errors
/// Everything that is wrong with its form, with places.
pub fn load(path: &Path) -> Result<Loaded, Box<Failed>> {
    let mut sources = Sources::default();
    let mut folders = Vec::new();
    let tree = tree_of(path, &mut sources, &mut folders);
    finish(tree, sources, folders)
}

/// The policy with what it extends, as written: layouts are named and not yet filled in.
///
/// # Errors
/// As [`load`].
pub fn merged(path: &Path) -> Result<serde_json::Value, Box<Failed>> {
    let mut sources = Sources::default();
    match tree_of(path, &mut sources, &mut Vec::new()) {
        Ok(tree) => Ok(tree.to_json()),
        Err(error) => Err(Box::new(Failed { error, sources })),
    }
}

/// Reads a policy from a text; it cannot extend another.
///
/// # Errors
/// Everything that is wrong with its form, with places.
pub fn load_text(name: &str, text: &str) -> Result<Loaded, Box<Failed>> {
    let mut sources = Sources::default();
    let tree = tree::parse(&mut sources, Name::from_policy(name), text.to_owned());
    // `without` means nothing alone, and must not be passed over.
    let tree = tree.and_then(|tree| match tree.get("extends").or_else(|| tree.get("without")) {
        Some(node) => {
            Err(Error::policy("P0015", say!("a policy given as text cannot extend another"))
                .at_opt(sources.place(node)))
        }
        None => Ok(tree),
    });
    finish(tree, sources, vec![PathBuf::new()])
}

fn finish(
    tree: crate::error::Result<Node>,
    sources: Sources,
    folders: Vec<PathBuf>,
) -> Result<Loaded, Box<Failed>> {
    let (mut sources, mut folders) = (sources, folders);
    let made = tree.and_then(|mut tree| {
        layout::expand(&mut tree, &mut sources, &mut folders)?;
        validate::expand_shorthands(&mut tree);
        validate::check(&tree, &sources)?;
        let policy = serde_json::from_value(tree.to_json()).map_err(|_| {
            // Every difference between the schema and the types would end here; tests keep them together.
            Error::policy("P0016", say!("the policy has a value that does not fit its place"))
        })?;
        Ok((policy, tree))
    });
    match made {
        Ok((policy, tree)) => Ok(Loaded { policy, tree, sources, folders }),
        Err(error) => Err(Box::new(Failed { error, sources })),
    }
}

fn tree_of(
    path: &Path,
    sources: &mut Sources,
    folders: &mut Vec<PathBuf>,
) -> crate::error::Result<Node> {
    let written = path.to_string_lossy();
    let source = match Source::find(&written, None)? {
        // A path need not be text; only the name of a shipped policy is.
        Source::File(_) => Source::File(path.to_owned()),
        shipped @ Source::Shipped(_) => shipped,
    };
    read(source, Name::from_policy(written.into_owned()), sources, folders, &mut Vec::new())
}

/// A policy to read: a file, or one that is shipped.
enum Source {
    File(PathBuf),
    Shipped(&'static shipped::Shipped),
}

impl Source {
    /// What the user wrote; `base` is where it was written, if in another policy.
    fn find(written: &str, base: Option<&Source>) -> crate::error::Result<Source> {
        let named = match (written.strip_prefix(shipped::PREFIX), base) {
            (Some(name), _) => name,
            // The shipped ones extend one another by the names of their files.
            (None, Some(Source::Shipped(_))) => written,
            (None, base) => {
                let folder = match base {
                    Some(Source::File(path)) => path.parent().map(Path::to_owned),
                    _ => None,
                };
                return Ok(Source::File(folder.unwrap_or_default().join(written)));
            }
        };
        shipped::shipped(named).map(Source::Shipped).ok_or_else(|| {
            let names = shipped::SHIPPED.iter().map(|p| p.name);
            let advice = nearest(named, names.clone()).unwrap_or_else(|| {
                let names: Vec<_> = names.map(|n| say!("`{}`", Name::fixed(n))).collect();
                say!("shipped: {}", crate::error::Said::join(&names, ", "))
            });
            Error::policy(
                "P0011",
                say!("there is no shipped policy `{}`", Name::from_policy(written)),
            )
            .advice(advice)
        })
    }
    fn text(&self, shown: &Name) -> crate::error::Result<(PathBuf, String, PathBuf)> {
        let path = match self {
            // No file can lie in this folder: what a shipped policy names is shipped too.
            Source::Shipped(p) => {
                let id = PathBuf::from(format!("{}{}", shipped::PREFIX, p.name));
                return Ok((id, p.text.to_owned(), PathBuf::from(shipped::PREFIX)));
            }
            Source::File(path) => path,
        };
        let fail = |e: &std::io::Error| {
            let error = Error::io("P0011", say!("reading the policy {}", shown), e);
            Error { family: crate::error::Family::Policy, ..error }
        };
        let real = path.canonicalize().map_err(|e| fail(&e))?;
        if std::fs::metadata(&real).map_err(|e| fail(&e))?.len() > LARGEST {
            return Err(Error::policy("P0014", say!("the policy {} is larger than 1 MiB", shown)));
        }
        let text = std::fs::read(&real).map_err(|e| fail(&e))?;
        let text = String::from_utf8(text).map_err(|_| {
            Error::policy("P0010", say!("the policy {} is not UTF-8 text", shown)).advice(say!(
                "an editor may have saved it in Shift_JIS (CP932, \"ANSI\"): save it as UTF-8"
            ))
        })?;
        let folder = real.parent().map(Path::to_owned).unwrap_or_default();
        Ok((real, text, folder))
    }
}

fn read(
    source: Source,
    shown: Name,
    sources: &mut Sources,
    folders: &mut Vec<PathBuf>,
    chain: &mut Vec<PathBuf>,
) -> crate::error::Result<Node> {
    let (real, text, folder) = source.text(&shown)?;
    if chain.contains(&real) {
        return Err(Error::policy("P0012", say!("the policy {} extends itself", shown)));
    }
    if chain.len() >= 8 {
        return Err(Error::policy("P0013", say!("policies extend one another more than 8 deep")));
    }
    folders.push(folder);
    let mut tree = tree::parse(sources, shown, text)?;
    let without = tree.remove("without");
    let Some(extends) = tree.remove("extends") else {
        return match without {
            Some(node) => Err(Error::policy(
                "P0004",
                say!(
                    "`without` names tables of the policy that is extended; there is no `extends`"
                ),
            )
            .at_opt(sources.place(&node))),
            None => Ok(tree),
        };
    };
    let place = sources.place(&extends);
    let NodeKind::String(written) = &extends.kind else {
        return Err(Error::policy(
            "P0004",
            say!("`extends` must be the path of a policy, in quotes"),
        )
        .at_opt(place));
    };
    chain.push(real);
    let located = |e: Error| if e.place.is_some() { e } else { e.at_opt(place.clone()) };
    let base = Source::find(written, Some(&source)).map_err(located)?;
    let shown = match &base {
        Source::File(path) => Name::from_policy(path.to_string_lossy().into_owned()),
        Source::Shipped(p) => Name::from_policy(format!("{}{}", shipped::PREFIX, p.name)),
    };
    let mut base = read(base, shown, sources, folders, chain).map_err(located)?;
    chain.pop();
    if let Some(without) = without {
        leave_out(&mut base, &without, sources)?;
    }
    Ok(tree::merge(base, tree))
}

/// Takes the tables that a policy does without from the policy that it extends.
fn leave_out(base: &mut Node, without: &Node, sources: &Sources) -> crate::error::Result<()> {
    let wrong = |node: &Node| {
        Error::policy("P0004", say!("`without` must be a list of names of tables, in quotes"))
            .at_opt(sources.place(node))
    };
    let NodeKind::Array(items) = &without.kind else { return Err(wrong(without)) };
    let mut errors = Vec::new();
    for item in items {
        let NodeKind::String(name) = &item.kind else { return Err(wrong(item)) };
        let tables = match &mut base.kind {
            NodeKind::Table(top) => top.get_mut("tables").map(|e| &mut e.value.kind),
            _ => None,
        };
        let Some(NodeKind::Table(tables)) = tables else { return Err(wrong(item)) };
        if tables.shift_remove(name).is_none() {
            let error = Error::policy(
                "P0102",
                say!("`without`: the extended policy has no table `{}`", Name::from_policy(name)),
            )
            .at_opt(sources.place(item));
            errors.push(match nearest(name, tables.keys().map(String::as_str)) {
                Some(advice) => error.advice(advice),
                None => error,
            });
        }
        for table in tables.values_mut() {
            forget_anchors(&mut table.value, name);
        }
        forget_waivers(base, name);
    }
    Error::all(errors).map_or(Ok(()), Err)
}

/// Takes the findings that are waived in the columns of a table that is left out: there is nothing to find. (Views and rules that
/// still name it are for the policy to decide.)
fn forget_waivers(top: &mut Node, table: &str) {
    let of = |item: &Node| {
        let NodeKind::Table(entries) = &item.kind else { return false };
        let column = entries.get("column").map(|e| &e.value.kind);
        matches!(column, Some(NodeKind::String(path)) if path.split('.').next() == Some(table))
    };
    let NodeKind::Table(top) = &mut top.kind else { return };
    if let Some(NodeKind::Array(items)) = top.get_mut("waive").map(|e| &mut e.value.kind) {
        items.retain(|item| !of(item));
    }
}

/// Takes the dates of a table that is left out from lists of anchors: the first of the others remains.
fn forget_anchors(node: &mut Node, table: &str) {
    let entries = match &mut node.kind {
        NodeKind::Table(entries) => entries,
        NodeKind::Array(items) => {
            return items.iter_mut().for_each(|item| forget_anchors(item, table));
        }
        _ => return,
    };
    for (key, entry) in entries.iter_mut() {
        match &mut entry.value.kind {
            NodeKind::Array(items) if key == "at" => {
                let of = |item: &Node| match &item.kind {
                    NodeKind::String(column) => column.split('.').next() == Some(table),
                    _ => false,
                };
                if !items.iter().all(of) {
                    items.retain(|item| !of(item));
                }
            }
            _ => forget_anchors(&mut entry.value, table),
        }
    }
}

/// The codes of errors in policies.
pub const CODES: &[(&str, &str, &str)] = &[
    ("P0001", "not well-formed TOML", "TOMLとして読めない"),
    ("P0002", "unknown key", "未知のキー"),
    ("P0003", "missing key", "必要なキーがない"),
    ("P0004", "wrong type", "型が違う"),
    ("P0005", "unknown word", "未知の語"),
    ("P0006", "unknown technique", "未知の加工方法"),
    ("P0007", "out of range", "範囲外の値"),
    ("P0010", "not UTF-8", "UTF-8でない"),
    ("P0011", "cannot be read", "読み込めない"),
    ("P0012", "extends itself", "自分自身を継承している"),
    ("P0013", "extends too deep", "継承が深すぎる"),
    ("P0014", "too large", "大きすぎる"),
    ("P0015", "text cannot extend", "文字列の方針は継承できない"),
    ("P0016", "a value does not fit", "値が合わない"),
    ("P0017", "decisions are left", "未決の加工がある"),
    ("P0101", "a bad name", "名前が不正"),
    ("P0102", "a column, table or key that does not exist", "存在しない列・表・キー"),
    ("P0103", "keys", "キーの誤り"),
    ("P0104", "role and treatment contradict", "役割と加工方法の矛盾"),
    ("P0105", "a treatment does not fit its column", "列に合わない加工方法"),
    ("P0106", "a quasi-identifier that no view counts", "どのビューにも数えられない準識別子"),
    ("P0107", "a table without the person's token", "本人の符号のない表"),
    ("P0108", "thresholds", "しきい値の誤り"),
    ("P0109", "a hierarchy", "階層表の誤り"),
    ("P0110", "a layout", "ファイルの版（レイアウト）の誤り"),
    ("P0111", "no rule of same persons", "名寄せの規則がない"),
    ("P0120", "a waived finding", "検出結果の除外の誤り"),
    ("P0130", "a privacy model", "プライバシーモデルの誤り"),
    ("P0131", "facts beside a view", "ビューの外の事実の誤り"),
    ("P0132", "a word of another form of file", "ファイルの形式に合わない語"),
    ("P0201", "a legal item without an answer", "答えのない法令の号"),
    ("P0202", "not_applicable contradicts", "該当なしの矛盾"),
    ("P0203", "a disease as it is", "そのままの傷病"),
    ("P0210", "a declaration against the name", "名称と合わない宣言"),
    ("P0211", "a birth date, or what is made from one", "生年月日に由来する値"),
    ("P0212", "a limit that is none", "意味のない上限・下限"),
    ("P0213", "a reason that says nothing", "空の理由"),
    ("P0214", "dates that move apart", "ずれの異なる日付"),
    ("P0410", "same_as names nothing of its own", "same_as の先に加工がない"),
    ("P0317", "a path without a FHIR source", "FHIRでない源の path"),
    ("P0318", "a receipt file that cannot be put together", "組み立てられないレセプトファイル"),
    ("P0341", "ignore is no pattern of some files", "ignore がファイルの型でない"),
    ("P0342", "a zone that is not known", "知られていない時間帯"),
    ("P0343", "an encoding that is read alone", "読むだけの文字コード"),
    ("P0344", "a table in memory without a plain file name", "メモリ上の表の名がファイル名でない"),
    ("P0345", "--table names a table that the policy has not", "--table の表が方針にない"),
    (
        "P0346",
        "--table names a part of records that are read as a whole",
        "--table の表が全体で読む記録の一部",
    ),
    ("P0347", "arguments that a command does not take", "命令の引数の誤り"),
    ("P0351", "no form of its source", "元の形で書けない"),
    ("P0352", "names of files", "ファイル名の誤り"),
    ("P0353", "a level that is not offered", "挙げていない水準"),
    ("P0354", "no levels to choose among", "選ぶ水準がない"),
    ("P0348", "--table names a table twice", "--table が同じ表を二度"),
];
