//! Files whose layout is shipped: the draft extends the shipped policy that covers them and says only what differs here.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value;

use super::files::{self, Found, Group};
use super::quoted;
use crate::cli::recognize::{self, Candidate, SAMPLE};
use crate::error::Name;
use crate::formats;
use crate::policy::model::{Holds, InputFormat};
use crate::policy::{self, shipped};

/// The policies that a draft may extend, the plainest first.
const POLICIES: &[&str] =
    &["dpc-hub", "lab", "dpc-lab", "receipt", "ssmix2", "fhir", "fhir-clins", "omop", "omop54"];

/// A layout that files of the folder have.
pub(super) struct Recognized {
    id: &'static str,
    title: String,
    /// `dpc/d@2026`, the editions that the files read under, the newest first.
    editions: Vec<String>,
    /// The files as a pattern of `source.path`.
    pattern: String,
    files: usize,
    /// A file of such a name may hold several kinds of records, of which a sample need not show all.
    records: bool,
    group: usize,
}

/// Finds the layouts of the groups; a group without one is not in the result.
pub(super) fn recognize(root: &Path, found: &Found, notes: &mut Vec<String>) -> Vec<Recognized> {
    let candidates = Candidate::all();
    let mut recognized = Vec::new();
    for (index, group) in found.groups.iter().enumerate() {
        let (Some(first), Some(last)) = (group.files.first(), group.files.last()) else { continue };
        let file = last.file_name().and_then(|n| n.to_str()).unwrap_or_default();
        let mut sample = vec![first.clone()];
        if first != last {
            sample.push(last.clone());
        }
        let format = InputFormat::of_name(file);
        // Files of records: several layouts have the same ones.
        let records = format.is_some_and(|format| format.facts().holds == Holds::Records);
        let shape = formats::any::shape(&root.join(first), &formats::any::Hints::default()).ok();
        let mut fits: Vec<(&Candidate, Vec<String>)> = Vec::new();
        let mut why = None;
        // Those whose files have such names first: if one fits, no other is tried.
        let mut order: Vec<&Candidate> = candidates.iter().collect();
        order.sort_by_key(|c| !c.named(file));
        for candidate in order {
            let named = candidate.named(file);
            let of = candidate.source("format").and_then(InputFormat::of_word);
            let possible = match of.map(|of| of.facts().holds) {
                Some(Holds::Records) => of == format && named,
                Some(Holds::Tree) => false,
                _ => !records && (named || fits.is_empty() && could_be(candidate, shape.as_ref())),
            };
            if !possible {
                continue;
            }
            let mut editions = Vec::new();
            for edition in candidate.editions() {
                match recognize::read(root, &sample, &edition, Some(SAMPLE)) {
                    Ok(fit) if fit.rows > 0 => editions.push(edition),
                    Ok(_) => {}
                    // Resources of FHIR whose patient is in a file beside them.
                    Err(error) if named && error.code == "D0358" => editions.push(edition),
                    Err(error) if named => why = Some((candidate.id, error)),
                    // Another layout than this one.
                    Err(_) => {}
                }
            }
            if !editions.is_empty() {
                fits.push((candidate, editions));
            }
        }
        if fits.iter().any(|(c, _)| c.named(file)) {
            fits.retain(|(c, _)| c.named(file));
        } else if let Some((id, error)) = why {
            notes.push(format!(
                "{}: 名前は {id} のようだが中身は違う / has the name of {id}, not its layout: [{}] {}",
                group.pattern, error.code, error.what
            ));
        }
        if !records {
            fits.truncate(1);
        }
        recognized.extend(fits.into_iter().map(|(candidate, editions)| Recognized {
            id: candidate.id,
            title: candidate.pack.layout.title.clone(),
            editions,
            pattern: group.pattern.clone(),
            files: group.files.len(),
            records,
            group: index,
        }));
    }
    for path in storages(root, found) {
        let of = |c: &&Candidate| {
            found.storages.iter().any(|(f, _)| c.source("format") == Some(f.facts().word))
        };
        recognized.extend(candidates.iter().filter(of).map(|c| Recognized {
            id: c.id,
            title: c.pack.layout.title.clone(),
            editions: c.editions().collect(),
            pattern: path.clone(),
            files: found.storages.len(),
            records: true,
            group: usize::MAX,
        }));
    }
    together(root, recognized)
}

/// Whether the first line of a file allows the layout: its names, or its number of columns.
fn could_be(candidate: &Candidate, shape: Option<&formats::any::Shape>) -> bool {
    let Some(shape) = shape else { return false };
    let columns = &candidate.pack.columns.list;
    if !candidate.header() {
        return shape.names_look_like_data && shape.names.len() == columns.len();
    }
    let known = shape
        .names
        .iter()
        .filter(|n| columns.iter().any(|c| c.name.eq_ignore_ascii_case(n)))
        .count();
    !shape.names_look_like_data && known * 10 >= shape.names.len() * 8
}

/// The roots of SS-MIX2 storages as one pattern, if one matches just these.
fn storages(root: &Path, found: &Found) -> Vec<String> {
    let exact = |path: &Path| {
        if path.as_os_str().is_empty() { ".".to_owned() } else { files::pattern(path, false) }
    };
    if let [(_, first), _, ..] = found.storages.as_slice() {
        let open = files::pattern(first, true);
        if formats::expand_folders(root, &open).is_ok_and(|f| f.len() == found.storages.len()) {
            return vec![open];
        }
    }
    found.storages.iter().map(|(_, s)| exact(s)).collect()
}

/// Groups of one layout become one, if one pattern matches just their files.
fn together(root: &Path, recognized: Vec<Recognized>) -> Vec<Recognized> {
    let mut by_id: BTreeMap<&'static str, Vec<Recognized>> = BTreeMap::new();
    for one in recognized {
        by_id.entry(one.id).or_default().push(one);
    }
    let mut made = Vec::new();
    for (_, mut list) in by_id {
        if let [first, .., _] = list.as_slice() {
            let files: usize = list.iter().map(|r| r.files).sum();
            let name = first.pattern.rsplit('/').next().unwrap_or_default();
            let wide = format!("**/{name}");
            let editions: Vec<String> = first
                .editions
                .iter()
                .filter(|e| list.iter().all(|r| r.editions.contains(e)))
                .cloned()
                .collect();
            let same = formats::expand(root, &wide).is_ok_and(|found| found.len() == files);
            if same && !editions.is_empty() {
                let mut one = list.swap_remove(0);
                (one.pattern, one.files, one.editions) = (wide, files, editions);
                list = vec![one];
            }
        }
        made.extend(list);
    }
    made
}

/// A table of a shipped policy.
struct Known {
    table: String,
    id: String,
    layout: String,
    path: String,
}

fn tables(policy: &Value) -> Vec<Known> {
    let text =
        |v: &Value, key: &str| v.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    policy
        .get("tables")
        .and_then(Value::as_object)
        .into_iter()
        .flatten()
        .map(|(name, table)| {
            let layout = text(table, "layout");
            Known {
                table: name.clone(),
                id: layout.split('@').next().unwrap_or_default().to_owned(),
                path: table.get("source").map(|s| text(s, "path")).unwrap_or_default(),
                layout,
            }
        })
        .collect()
}

/// The draft of what is recognized, and the groups that it covers. None if no shipped policy has one of the layouts.
pub(super) fn draft(
    root: &Path,
    recognized: &[Recognized],
    notes: &[String],
) -> Option<(String, BTreeSet<usize>)> {
    let mut best: Option<((usize, usize, usize), &str, Value, Vec<Known>)> = None;
    for name in POLICIES {
        let path = std::path::PathBuf::from(format!("{}{name}", shipped::PREFIX));
        let Ok(policy) = policy::merged(&path) else { continue };
        let tables = tables(&policy);
        let covered = recognized.iter().filter(|r| tables.iter().any(|t| t.id == r.id)).count();
        let edition =
            |t: &&Known| recognized.iter().any(|r| r.id == t.id && r.editions.contains(&t.layout));
        let editions = tables.iter().filter(edition).count();
        let absent = tables.iter().filter(|t| !there(recognized, &t.id)).count();
        let score = (covered, editions, usize::MAX - absent);
        if covered > 0 && best.as_ref().is_none_or(|b| score > b.0) {
            best = Some((score, name, policy, tables));
        }
    }
    let (_, name, policy, tables) = best?;
    let mut text = String::from(
        "# このフォルダには kakou が知っている版のファイルがある。配布の方針を継承し、違いだけを書いた下書き。このままでは動かない（空欄を決める）。\n\
         # These files have layouts that kakou knows: the draft extends a shipped policy. It does not run before the blanks are filled.\n\
         # 次に / next: kakou check --policy policy.toml --input DATA\n#\n",
    );
    let covers = |r: &Recognized| tables.iter().any(|t| t.id == r.id);
    let groups = recognized.iter().map(|r| r.group).collect();
    let mut listed: Vec<(&str, usize, Vec<&Recognized>)> = Vec::new();
    for r in recognized {
        match listed.iter_mut().find(|l| r.records && l.0 == r.pattern) {
            Some(line) => line.2.push(r),
            None => listed.push((&r.pattern, r.files, vec![r])),
        }
    }
    for (pattern, files, list) in listed {
        let names: Vec<&str> = list.iter().map(|r| r.id).collect();
        let used = |e: &&String| tables.iter().any(|t| &t.layout == *e);
        let edition = list[0].editions.iter().find(used).or(list[0].editions.first());
        let edition = edition.and_then(|e| e.split('@').nth(1)).unwrap_or_default();
        let title = if list.len() == 1 { format!("{}; ", list[0].title) } else { String::new() };
        let other =
            match (list.iter().any(|r| covers(r)), list.iter().find_map(|r| other_policy(r.id))) {
                (true, _) => "",
                (false, Some(other)) => {
                    &format!("  → kakou:{other}（別の実行 / a run of its own）")
                }
                (false, None) => "  → 下に下書き / drafted below",
            };
        let _ = writeln!(
            text,
            "#   {pattern:<20} {} ({title}{files} files; {edition}){other}",
            names.join(" ")
        );
    }
    for note in notes {
        let _ = writeln!(text, "#   {note}");
    }
    let _ = writeln!(text, "\nextends = \"{}{name}\"", shipped::PREFIX);
    let absent: Vec<&Known> = tables.iter().filter(|t| !there(recognized, &t.id)).collect();
    if !absent.is_empty() {
        let names: Vec<String> = absent.iter().map(|t| quoted(&t.table)).collect();
        let _ = writeln!(
            text,
            "without = [{}]   # ファイルがない / there are no such files",
            names.join(", ")
        );
    }
    let profile = policy.pointer("/policy/profile").and_then(Value::as_str).unwrap_or("ngmia");
    let _ = write!(
        text,
        "\n[policy]\nid = \"draft\"\nversion = \"1\"\nprofile = {}\n\n[pseudonymized]\nproject = \"\"             # 決める: 事業の名 / decide: one word a project\nrecipient = \"\"           # 決める: 提供先 / decide: one word a recipient\n",
        quoted(profile)
    );
    text.push_str(&without_them(&policy, &absent));
    for t in &tables {
        let Some(r) = recognized.iter().find(|r| r.id == t.id) else { continue };
        let mut lines = String::new();
        if !r.editions.contains(&t.layout)
            && let Some(newest) = r.editions.first()
        {
            let _ = writeln!(lines, "layout = {}", quoted(newest));
        }
        if !same_files(root, &t.path, r) {
            // Two storages may give one number to two persons.
            let folder = if r.records && r.id.starts_with("ssmix2/") && r.files > 1 {
                ", per_folder = true"
            } else {
                ""
            };
            let _ = writeln!(lines, "source = {{ path = {}{folder} }}", quoted(&r.pattern));
        }
        if !lines.is_empty() {
            let _ = write!(text, "\n[tables.{}]\n{lines}", t.table);
        }
    }
    // Of one kind of files the shipped policies leave records out on purpose.
    let shipped = |r: &Recognized| covers(r) || other_policy(r.id).is_some();
    let beside = |r: &Recognized| recognized.iter().any(|o| o.pattern == r.pattern && shipped(o));
    for r in recognized {
        if !(shipped(r) || r.records && beside(r)) {
            text.push_str(&from_pack(r));
        }
    }
    let _ = writeln!(
        text,
        "\n# 列の扱いを変えるとき / to change the treatment of a column:\n# [tables.{}.columns]\n# \"列の名\" = {{ anonymized = \"drop\" }}\n# 全体を見る / the whole: kakou check --policy policy.toml --resolved",
        tables.first().map_or("", |t| t.table.as_str())
    );
    Some((text, groups))
}

/// A table of a layout that no shipped policy has: roles and types are the layout's, the treatments are to be decided.
fn from_pack(r: &Recognized) -> String {
    let Some(shipped) = crate::schema::layout::shipped(r.id) else { return String::new() };
    let Ok(pack) = policy::layout::read_pack(Name::fixed(shipped.id), shipped.text.to_owned())
    else {
        return String::new();
    };
    let table: String =
        r.id.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    let mut text = format!(
        "\n[tables.{table}]\nlayout = {}\nsource = {{ path = {} }}\nunlisted = \"drop\"        # 下に書かない列は出さない / columns that are not named are left out\n[tables.{table}.columns]\n",
        quoted(r.editions.first().map_or("", String::as_str)),
        quoted(&r.pattern)
    );
    for column in pack.columns.list.iter().filter(|c| !c.per_row) {
        use crate::schema::Role;
        let (pseudonymized, anonymized) = match column.role {
            Role::Link => ("pseudonym", "surrogate"),
            Role::Quasi => ("decide", "decide"),
            Role::Sensitive | Role::Payload => ("keep", "decide"),
            // Left out by `unlisted`.
            _ => continue,
        };
        let _ = writeln!(
            text,
            "{} = {{ pseudonymized = \"{pseudonymized}\", anonymized = \"{anonymized}\" }}  # {} {}",
            quoted(&column.name),
            column.role.word(),
            column.meaning.as_deref().unwrap_or_default()
        );
    }
    text
}

/// Whether there are files for a layout: its own, or files of records of which a sample need not show all.
fn there(recognized: &[Recognized], id: &str) -> bool {
    recognized.iter().any(|r| r.id == id || r.records && same_files_have(r.id, id))
}

/// Whether two layouts are of the same files: `uke/re` and `uke/si`, the tables of an SS-MIX2 storage.
fn same_files_have(a: &str, b: &str) -> bool {
    let head = |id: &str| {
        let shipped = crate::schema::layout::shipped(id)?;
        let pack =
            policy::layout::read_pack(Name::fixed(shipped.id), shipped.text.to_owned()).ok()?;
        let format = pack.source.get("format").and_then(Value::as_str).map(str::to_owned)?;
        Some((format, pack.layout.files))
    };
    head(a).is_some_and(|a| Some(a) == head(b))
}

fn other_policy(id: &str) -> Option<&'static str> {
    POLICIES.iter().copied().find(|name| {
        let path = std::path::PathBuf::from(format!("{}{name}", shipped::PREFIX));
        policy::merged(&path).is_ok_and(|p| tables(&p).iter().any(|t| t.id == id))
    })
}

/// Whether the policy's own path finds the files of this layout.
fn same_files(root: &Path, path: &str, r: &Recognized) -> bool {
    if r.pattern == path {
        return true;
    }
    let (Ok(theirs), Ok(ours)) = (formats::expand(root, path), formats::expand(root, &r.pattern))
    else {
        return false;
    };
    // Several tables read files of records, each what is its own: those of the policy's path may be more.
    theirs == ours || r.records && ours.iter().all(|f| theirs.contains(f))
}

/// Views and rules of same persons that name a table which is not there, written anew without them.
fn without_them(policy: &Value, absent: &[&Known]) -> String {
    let mut text = String::new();
    let is_absent = |column: &str| {
        let table = column.split('.').next().unwrap_or_default();
        absent.iter().any(|t| t.table == table)
    };
    let same =
        policy.pointer("/person/same").and_then(Value::as_array).cloned().unwrap_or_default();
    let named = |rule: &&Value| rule.get("table").and_then(Value::as_str).is_some_and(is_absent);
    if same.iter().any(|r| named(&r)) {
        text.push_str(
            "\n[person]\nsame = []                # 別の病院の同じ人を結ぶ表がない / no table links a person's numbers in different hospitals\n",
        );
    }
    let views =
        policy.pointer("/anonymized/view").and_then(Value::as_array).cloned().unwrap_or_default();
    let about = |view: &Value| -> bool {
        let grain = view.get("grain").and_then(Value::as_str).is_some_and(is_absent);
        let columns = ["quasi", "sensitive"].iter().any(|key| {
            view.get(*key).and_then(Value::as_array).into_iter().flatten().any(|c| {
                c.as_str()
                    .or_else(|| c.get("column").and_then(Value::as_str))
                    .is_some_and(is_absent)
            })
        });
        grain || columns
    };
    if views.iter().any(about) {
        text.push_str("\n# ビューは全部を書き直す / views are written whole\n");
        let rest: Vec<&Value> = views.iter().filter(|v| !about(v)).collect();
        if rest.is_empty() {
            text.push_str("# [[anonymized.view]]  決める / decide\n[anonymized]\nview = []\n");
        }
        for view in rest {
            text.push_str("[[anonymized.view]]\n");
            for (key, value) in view.as_object().into_iter().flatten() {
                let _ = writeln!(text, "{key} = {}", inline(value));
            }
        }
    }
    text
}

/// A value as TOML in one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Array(items) => {
            format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(k, v)| format!("{} = {}", quoted(k), inline(v))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether two groups hold tables with the same columns, as far as their first lines tell.
pub(super) fn alike(root: &Path, group: &Group) -> bool {
    // Without a header the cells of the first line differ of course: its width counts.
    let names = |file: &Path| {
        let shape = formats::any::shape(&root.join(file), &formats::any::Hints::default()).ok()?;
        let names = if shape.names_look_like_data { Vec::new() } else { shape.names.clone() };
        Some((shape.names.len(), names))
    };
    let Some(first) = group.files.first().and_then(|f| names(f)) else { return true };
    group.files.iter().skip(1).all(|f| names(f).as_ref() == Some(&first))
}
