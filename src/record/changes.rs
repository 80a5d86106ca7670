//! What differs between two policies, in words, item by item: table, column, release, parameter.

use serde_json::Value;

use super::seal;
use crate::digest;
use crate::error::Result;
use crate::policy::Loaded;

/// One difference.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct Change {
    /// Where: the keys from the root of the resolved policy.
    pub path: Vec<String>,
    /// The value before; none if it was added. A policy holds no cell of the data.
    pub before: Option<Value>,
    /// The value after; none if it was removed.
    pub after: Option<Value>,
    /// In English.
    pub en: String,
    /// In Japanese.
    pub ja: String,
}

/// The differences between two policies after `extends` is resolved and defaults are written out. Two policies have the
/// same approval digest if and only if there is none.
///
/// # Errors
/// If a hierarchy cannot be read.
pub fn between(before: &Loaded, after: &Loaded) -> Result<Vec<Change>> {
    let value = |loaded: &Loaded| serde_json::to_value(&loaded.policy).unwrap_or_default();
    let mut found = Vec::new();
    compare(&value(before), &value(after), &mut Vec::new(), &mut found);
    for (a, b) in order(before).into_iter().zip(order(after)) {
        if a.1 != b.1 {
            let mut left = a.1.clone();
            let mut right = b.1.clone();
            left.sort();
            right.sort();
            // What was added or removed is told already; what is left is another order.
            if a.0 == b.0 && left == right {
                let path = match &a.0 {
                    Some(table) => vec!["tables".to_owned(), table.clone(), "order".to_owned()],
                    None => vec!["tables".to_owned(), "order".to_owned()],
                };
                found.push((path, Some(Value::from(a.1)), Some(Value::from(b.1))));
            }
        }
    }
    let (old, new) = (seal::materials(before)?, seal::materials(after)?);
    for a in old["hierarchies"].as_array().into_iter().flatten() {
        let b =
            new["hierarchies"].as_array().into_iter().flatten().find(|b| b["name"] == a["name"]);
        if let Some(b) = b
            && a["sha3_256"] != b["sha3_256"]
        {
            let name = a["name"].as_str().unwrap_or_default().to_owned();
            let path = vec!["hierarchies".to_owned(), name, "content".to_owned()];
            found.push((path, Some(a["sha3_256"].clone()), Some(b["sha3_256"].clone())));
        }
    }
    Ok(found.into_iter().map(|(path, a, b)| told(path, a, b)).collect())
}

/// Whether two policies are the same to an approval.
///
/// # Errors
/// If a hierarchy cannot be read.
pub fn same(a: &Loaded, b: &Loaded) -> Result<bool> {
    Ok(digest::hex(&seal::policy_digest(a)?) == digest::hex(&seal::policy_digest(b)?))
}

type Found = (Vec<String>, Option<Value>, Option<Value>);

/// The order of tables, and of the columns of each table that both policies may have.
fn order(loaded: &Loaded) -> Vec<(Option<String>, Vec<String>)> {
    let tables = &loaded.policy.tables;
    let mut list = vec![(None, tables.keys().cloned().collect())];
    let mut names: Vec<&String> = tables.keys().collect();
    names.sort();
    list.extend(
        names.into_iter().map(|n| (Some(n.clone()), tables[n].columns.keys().cloned().collect())),
    );
    list
}

/// The technique of a treatment.
fn technique(value: &Value) -> Option<&str> {
    value.as_str().or_else(|| Some(value.as_object()?.keys().next()?.as_str()))
}

fn is_treatment(path: &[String]) -> bool {
    matches!(path, [tables, _, columns, _, kind]
        if tables == "tables" && columns == "columns" && (kind == "pseudonymized" || kind == "anonymized"))
}

fn compare(a: &Value, b: &Value, path: &mut Vec<String>, found: &mut Vec<Found>) {
    if a == b {
        return;
    }
    if is_treatment(path) && technique(a) != technique(b) {
        found.push((path.clone(), Some(a.clone()), Some(b.clone())));
        return;
    }
    let mut step = |name: &str, a: Option<&Value>, b: Option<&Value>, found: &mut Vec<Found>| {
        path.push(name.to_owned());
        match (a, b) {
            (Some(a), Some(b)) => compare(a, b, path, found),
            // An absent value and null are one.
            (None | Some(Value::Null), None | Some(Value::Null)) => {}
            (a, b) => found.push((path.clone(), a.cloned(), b.cloned())),
        }
        path.pop();
    };
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            for (name, value) in x {
                step(name, Some(value), y.get(name), found);
            }
            for (name, value) in y.iter().filter(|(n, _)| !x.contains_key(*n)) {
                step(name, None, Some(value), found);
            }
        }
        // Views and sensitive columns are told by their names, not by their place.
        (Value::Array(x), Value::Array(y)) if named(x) && named(y) => {
            let known = found.len();
            for item in x {
                let name = name_of(item).unwrap_or_default();
                step(name, Some(item), y.iter().find(|o| name_of(o) == Some(name)), found);
            }
            for item in y {
                let name = name_of(item).unwrap_or_default();
                if !x.iter().any(|o| name_of(o) == Some(name)) {
                    step(name, None, Some(item), found);
                }
            }
            // The same items in another order: views are checked in their order.
            if found.len() == known {
                found.push((path.clone(), Some(a.clone()), Some(b.clone())));
            }
        }
        _ => found.push((path.clone(), Some(a.clone()), Some(b.clone()))),
    }
}

fn name_of(value: &Value) -> Option<&str> {
    value.get("name").or_else(|| value.get("column"))?.as_str()
}

fn named(items: &[Value]) -> bool {
    !items.is_empty() && items.iter().all(|i| name_of(i).is_some())
}

/// A value as a policy would write it, shortened.
fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => format!("`{text}`"),
        Value::Object(map) => {
            let parts: Vec<String> = map
                .iter()
                .filter(|(_, v)| !v.is_null())
                .map(|(k, v)| format!("{k} = {}", shown(v)))
                .collect();
            format!("{{ {} }}", parts.join(", "))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(shown).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A treatment: its technique, and its parameters if it has any.
fn treatment(value: &Value) -> String {
    let name = technique(value).unwrap_or_default();
    match value.get(name) {
        Some(Value::Object(map)) if map.values().any(|v| !v.is_null()) => {
            format!("`{name}` {}", shown(&value[name]))
        }
        _ => format!("`{name}`"),
    }
}

fn told(path: Vec<String>, before: Option<Value>, after: Option<Value>) -> Change {
    let (mut en, mut ja) = place(&path);
    let more = match (&before, &after) {
        (Some(Value::Array(a)), Some(Value::Array(b)))
            if path.last().is_none_or(|l| l != "order") =>
        {
            let lost: Vec<&Value> = a.iter().filter(|v| !b.contains(v)).collect();
            let new: Vec<&Value> = b.iter().filter(|v| !a.contains(v)).collect();
            (!lost.is_empty() || !new.is_empty()).then(|| {
                let list = |v: &[&Value]| v.iter().map(|v| shown(v)).collect::<Vec<_>>().join(", ");
                let mut words = (Vec::new(), Vec::new());
                if !new.is_empty() {
                    words.0.push(format!("added {}", list(&new)));
                    words.1.push(format!("追加 {}", list(&new)));
                }
                if !lost.is_empty() {
                    words.0.push(format!("removed {}", list(&lost)));
                    words.1.push(format!("削除 {}", list(&lost)));
                }
                (words.0.join("; "), words.1.join("、"))
            })
        }
        _ => None,
    };
    let (what_en, what_ja) = more.unwrap_or_else(|| match (&before, &after) {
        (Some(a), Some(b)) if is_treatment(&path) => {
            let both = format!("{} → {}", treatment(a), treatment(b));
            (both.clone(), both)
        }
        (None, Some(b)) => (format!("added: {}", shown(b)), format!("追加: {}", shown(b))),
        (Some(a), None) => (format!("removed: {}", shown(a)), format!("削除: {}", shown(a))),
        (a, b) => {
            let text = |v: &Option<Value>| v.as_ref().map_or_else(String::new, shown);
            let both = format!("{} → {}", text(a), text(b));
            (both.clone(), both)
        }
    });
    en.push_str(": ");
    en.push_str(&what_en);
    ja.push_str(": ");
    ja.push_str(&what_ja);
    Change { path, before, after, en, ja }
}

/// Where a difference is, in words.
fn place(path: &[String]) -> (String, String) {
    let (mut en, mut ja) = (Vec::new(), Vec::new());
    let mut rest = path;
    match rest {
        [tables, more @ ..] if tables == "tables" => {
            rest = more;
            match rest {
                [order] if order == "order" => {
                    en.push("the order of the tables".to_owned());
                    ja.push("表の順序".to_owned());
                    rest = &[];
                }
                [table, more @ ..] => {
                    en.push(format!("table `{table}`"));
                    ja.push(format!("表「{table}」"));
                    rest = more;
                }
                [] => {}
            }
            match rest {
                [order] if order == "order" => {
                    en.push("the order of the columns".to_owned());
                    ja.push("列の順序".to_owned());
                    rest = &[];
                }
                [columns, column, more @ ..] if columns == "columns" => {
                    en.push(format!("column `{column}`"));
                    ja.push(format!("列「{column}」"));
                    rest = more;
                }
                _ => {}
            }
        }
        [view, name, more @ ..] if view == "anonymized" && name == "view" => {
            en.push("anonymized release".to_owned());
            ja.push("匿名加工".to_owned());
            if let [view, more @ ..] = more {
                en.push(format!("view `{view}`"));
                ja.push(format!("ビュー「{view}」"));
                rest = more;
            } else {
                en.push("views".to_owned());
                ja.push("ビュー".to_owned());
                rest = more;
            }
        }
        [hierarchies, name, more @ ..] if hierarchies == "hierarchies" => {
            en.push(format!("hierarchy `{name}`"));
            ja.push(format!("階層表「{name}」"));
            rest = more;
        }
        _ => {}
    }
    for step in rest {
        let (e, j) = match step.as_str() {
            "pseudonymized" => ("pseudonymized release", "仮名加工"),
            "anonymized" => ("anonymized release", "匿名加工"),
            "not_applicable" => ("legal items that nothing concerns", "該当なしの号"),
            "content" => ("content (SHA3-256)", "内容(SHA3-256)"),
            "k" => ("k (persons)", "k(人数)"),
            "quasi" => ("quasi-identifiers", "準識別子"),
            "sensitive" => ("sensitive columns", "要配慮の列"),
            "suppress" => ("suppression", "削除の設定"),
            "at_most" => ("largest share", "割合の上限"),
            "eligibility" => ("eligibility of persons", "対象者の適格性"),
            "notice_days" => ("days after the notification", "通知からの日数"),
            "role" => ("role", "役割"),
            "reason" => ("reason", "理由"),
            "because" => ("why it stays as declared", "このままとする理由"),
            "tier" => ("tier", "提供先の段階"),
            "version" => ("version", "版"),
            other => (other, other),
        };
        en.push(e.to_owned());
        ja.push(j.to_owned());
    }
    (en.join(", "), ja.join("、"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::load_text;

    const SHIPPED: &str = include_str!("../../policies/csv.toml");

    fn words(change: impl Fn(&str) -> String) -> Vec<Change> {
        let text = change(SHIPPED);
        assert_ne!(text, SHIPPED, "the change does not apply");
        let (a, b) = (load_text("a", SHIPPED).unwrap(), load_text("b", &text).unwrap());
        let found = between(&a, &b).unwrap();
        assert_eq!(found.is_empty(), same(&a, &b).unwrap());
        let back = between(&b, &a).unwrap();
        assert_eq!(found.len(), back.len());
        found
    }

    #[test]
    fn a_comment_is_no_difference() {
        assert_eq!(words(|t| format!("{t}\n# more\n")), []);
    }

    #[test]
    fn differences_are_told_by_table_column_and_release() {
        let line = SHIPPED.lines().find(|l| l.starts_with("\"生年月日\"")).unwrap();
        let changed = line.replace("truncate_date = \"month\"", "truncate_date = \"year\"");
        let found = words(|t| t.replacen(line, &changed, 1));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0].en.starts_with("table `persons`, column `生年月日`, pseudonymized release")
        );
        assert!(found[0].en.ends_with("`month` → `year`"), "{}", found[0].en);
        assert!(
            found[0].ja.starts_with("表「persons」、列「生年月日」、仮名加工"),
            "{}",
            found[0].ja
        );
        let tier = words(|t| t.replacen("tier = \"research\"", "tier = \"public\"", 1));
        assert_eq!(tier[0].en, "anonymized release, tier: `research` → `public`");
        let kept = line.replace("{ truncate_date = \"month\" }", "\"drop\"");
        let found = words(|t| t.replacen(line, &kept, 1));
        assert_eq!(found.len(), 1);
        assert!(found[0].en.ends_with("→ `drop`"), "{}", found[0].en);
    }

    #[test]
    fn columns_that_come_go_and_move() {
        let lines: Vec<&str> = SHIPPED.lines().collect();
        let at = lines.iter().position(|l| l.starts_with("\"氏名\"")).unwrap();
        let mut gone = lines.clone();
        gone.remove(at);
        let found = words(|_| gone.join("\n"));
        assert!(found.iter().any(|c| c.en.starts_with("table `persons`, column `氏名`: removed:")));
        let mut moved = lines.clone();
        moved.swap(at, at + 1);
        let found = words(|_| moved.join("\n"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].en.starts_with("table `persons`, the order of the columns"));
    }
}
