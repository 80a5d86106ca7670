//! Two releases, or two policies, side by side: what the policies say differently and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::value::Value;
use serde::Serialize;

use super::facts::{Count, Facts, Policy, Run, ViewFigures};
use super::figure::{BLUE, BarCell, BarTable, GREEN, RED};
use super::page::{Words, environment, render, risk_number, safe, style};
use super::panel::{Label, Panel};
use super::words::Lang;
use crate::engine::views;
use crate::error::Result;

const COMPARE: &str = include_str!("template/compare.html");

/// Lines of the picture of distances at most.
const MOST_DISTANCES: usize = 40;

#[derive(Serialize)]
struct Page {
    lang: &'static str,
    style: Value,
    names: [String; 2],
    not_for_release: String,
    heads: Vec<[String; 3]>,
    warnings: Vec<String>,
    changes: Vec<Change>,
    numbers: Vec<(String, [String; 3])>,
    measures: Vec<[String; 4]>,
    views: Vec<(String, Value)>,
    distance: Option<Value>,
    engine: &'static str,
}

/// One thing that two policies say differently.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct Change {
    /// What it is about.
    pub what: String,
    /// What A says; empty if it says nothing.
    pub a: String,
    /// What B says.
    pub b: String,
}

/// The page that compares two facts.
///
/// # Errors
/// Only if the template is wrong.
pub fn compare(a: &Facts, b: &Facts, lang: Lang) -> Result<String> {
    let words = Words { lang };
    let name = |facts: &Facts| match &facts.run {
        Some(run) => run.release.clone(),
        None => format!("{} {}", facts.policy.id, facts.policy.version),
    };
    let names = [name(a), name(b)];
    let mut heads = Vec::new();
    let t = |key: &str| lang.t(key).into_owned();
    let mut head = |key: &str, of: &dyn Fn(&Facts) -> String| {
        heads.push([t(key), of(a), of(b)]);
    };
    if a.run.is_some() || b.run.is_some() {
        head("release", &|f| f.run.as_ref().map_or_else(|| "–".to_owned(), |r| r.release.clone()));
        head("run", &|f| f.run.as_ref().map_or_else(|| "–".to_owned(), |r| r.finished_at.clone()));
    }
    head("policy", &|f| format!("{}, {} {}", f.policy.id, t("version"), f.policy.version));
    head("digest", &|f| f.policy.digest.clone());
    let stamped: Vec<String> = [a, b]
        .iter()
        .zip(&names)
        .filter(|(f, _)| f.run.as_ref().is_some_and(|r| r.not_for_release))
        .map(|(_, name)| name.clone())
        .collect();
    let mut warnings = Vec::new();
    for (letter, facts) in [("A", a), ("B", b)] {
        warnings.extend(
            facts
                .policy
                .warnings
                .iter()
                .map(|w| format!("{letter}: {} {}", w.code, lang.of(&w.text))),
        );
    }
    let mut page = Page {
        lang: lang.tag(),
        style: style(),
        names,
        not_for_release: stamped.join(", "),
        heads,
        warnings,
        changes: changes(&a.policy, &b.policy, lang),
        numbers: Vec::new(),
        measures: Vec::new(),
        views: Vec::new(),
        distance: None,
        engine: env!("CARGO_PKG_VERSION"),
    };
    if let (Some(run_a), Some(run_b)) = (&a.run, &b.run) {
        page.numbers = numbers(a, b, run_a, run_b, lang);
        page.measures = measures(run_a, run_b, lang);
        page.views = view_figures(a, b, run_a, run_b, &words);
        page.distance = distances(a, b, run_a, run_b, lang);
    }
    render(&environment(lang), COMPARE, &page)
}

/// Everything that two policies say differently, in the order of the policy.
#[must_use]
pub fn changes(a: &Policy, b: &Policy, lang: Lang) -> Vec<Change> {
    let t = |key: &str| lang.t(key).into_owned();
    let mut list = Vec::new();
    let mut note = |what: String, a: String, b: String| {
        if a != b {
            list.push(Change { what, a, b });
        }
    };
    note(t("policy"), a.id.clone(), b.id.clone());
    note(t("version"), a.version.clone(), b.version.clone());
    note(t("recipient"), a.recipient.clone(), b.recipient.clone());
    note(
        t("suppressed"),
        format!("{} ≤ {}", a.suppress_unit, a.suppress_at_most),
        format!("{} ≤ {}", b.suppress_unit, b.suppress_at_most),
    );
    for (name, x, y) in pairs(&a.views, &b.views, |v| v.name.as_str()) {
        let what = |part: &str| format!("{} {name}: {part}", t("view"));
        let k = |v: Option<&ViewFigures>| v.map_or_else(String::new, |v| format!("k = {}", v.k));
        note(what("k"), k(x), k(y));
        let quasi = |v: Option<&ViewFigures>| {
            v.map_or_else(String::new, |v| format!("{}: {}", v.table, v.quasi.join(", ")))
        };
        note(what(&t("quasi")), quasi(x), quasi(y));
        let sensitive = |v: Option<&ViewFigures>| {
            v.map_or_else(String::new, |v| {
                v.sensitive
                    .iter()
                    .map(|(c, l)| format!("{c} (l ≥ {l})"))
                    .collect::<Vec<_>>()
                    .join(", ")
            })
        };
        note(what(&t("sensitive")), sensitive(x), sensitive(y));
    }
    for (table, x, y) in pairs(&a.tables, &b.tables, |t| t.name.as_str()) {
        let (Some(x), Some(y)) = (x, y) else {
            let said = |there: bool| if there { t("table") } else { String::new() };
            note(table.to_owned(), said(x.is_some()), said(y.is_some()));
            continue;
        };
        note(format!("{table}: {}", t("unit.of")), x.grain.clone(), y.grain.clone());
        for (column, x, y) in pairs(&x.columns, &y.columns, |c| c.name.as_str()) {
            let what = |part: &str| format!("{table}.{column}: {part}");
            type Side<'a> = Option<&'a super::facts::ColumnFigures>;
            let role = |c: Side<'_>| {
                c.map_or_else(String::new, |c| {
                    format!("{} ({})", lang.pick(&c.role_ja, &c.role), c.ty)
                })
            };
            note(what(&t("role")), role(x), role(y));
            for (k, kind) in ["pseudonymized", "anonymized"].iter().enumerate() {
                let said = |c: Side<'_>| {
                    c.map_or_else(String::new, |c| {
                        let treated = &c.treatments[k];
                        format!("{} [{}]", lang.of(&treated.text), treated.technique)
                    })
                };
                note(what(&t(kind)), said(x), said(y));
            }
        }
    }
    for (cite, x, y) in pairs(&a.law, &b.law, |l| l.cite.as_str()) {
        let reason =
            |l: Option<&super::facts::Law>| l.and_then(|l| l.reason.clone()).unwrap_or_default();
        note(format!("{cite}: {}", t("law.not_applicable")), reason(x), reason(y));
    }
    list
}

/// The things of two lists by name, in the order of A, then those that only B has.
fn pairs<'a, T>(
    a: &'a [T],
    b: &'a [T],
    name: impl Fn(&'a T) -> &'a str,
) -> Vec<(&'a str, Option<&'a T>, Option<&'a T>)> {
    let find = |list: &'a [T], wanted: &str| list.iter().find(|item| name(item) == wanted);
    let mut all: Vec<_> =
        a.iter().map(|item| (name(item), Some(item), find(b, name(item)))).collect();
    all.extend(
        b.iter()
            .filter(|item| find(a, name(item)).is_none())
            .map(|item| (name(item), None, Some(item))),
    );
    all
}

/// A signed difference, where both counts are known.
fn difference(a: Count, b: Count) -> String {
    match (a, b) {
        (Count::Exact(a), Count::Exact(b)) if a == b => "0".to_owned(),
        (Count::Exact(a), Count::Exact(b)) => {
            let sign = if b > a { "+" } else { "−" };
            // A difference below ten of two counts would be a small count again.
            format!("{sign}{}", Count::of(a.abs_diff(b)))
        }
        _ => "–".to_owned(),
    }
}

fn numbers(a: &Facts, b: &Facts, x: &Run, y: &Run, lang: Lang) -> Vec<(String, [String; 3])> {
    let t = |key: &str| lang.t(key).into_owned();
    let mut rows = Vec::new();
    let mut row = |what: String, a: Count, b: Count| {
        rows.push((what, [a.to_string(), b.to_string(), difference(a, b)]));
    };
    row(t("persons.read"), x.persons.read, y.persons.read);
    for (k, kind) in ["pseudonymized", "anonymized"].iter().enumerate() {
        let what = |key: &str| format!("{}: {} ({})", t(kind), t(key), t("persons.unit"));
        row(what("excluded"), x.persons.excluded[k], y.persons.excluded[k]);
        row(what("suppressed"), x.persons.suppressed[k], y.persons.suppressed[k]);
        row(what("released"), x.persons.released[k], y.persons.released[k]);
    }
    let zero = Count::Exact(0);
    let out = |facts: &Facts, run: &Run, name: &str, k: usize| {
        let at = facts.policy.tables.iter().position(|t| t.name == name)?;
        run.tables.get(at)?.releases[k].out
    };
    for (table, ..) in pairs(&a.policy.tables, &b.policy.tables, |t| t.name.as_str()) {
        for (k, kind) in ["pseudonymized", "anonymized"].iter().enumerate() {
            row(
                format!("{table}: {} ({})", t(kind), t("rows.unit")),
                out(a, x, table, k).unwrap_or(zero),
                out(b, y, table, k).unwrap_or(zero),
            );
        }
    }
    rows
}

fn measures(x: &Run, y: &Run, lang: Lang) -> Vec<[String; 4]> {
    let mut keys: Vec<(String, String)> = Vec::new();
    let of = |run: &Run| -> BTreeMap<(String, String), Option<f64>> {
        run.measures.iter().map(|m| ((lang.of(&m.name), m.place.clone()), m.after)).collect()
    };
    for measure in x.measures.iter().chain(&y.measures) {
        let key = (lang.of(&measure.name), measure.place.clone());
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let (x, y) = (of(x), of(y));
    keys.into_iter()
        .map(|key| {
            let said = |list: &BTreeMap<(String, String), Option<f64>>| {
                list.get(&key).map_or_else(|| "–".to_owned(), |v| risk_number(*v, lang))
            };
            let (a, b) = (said(&x), said(&y));
            [key.0, key.1, a, b]
        })
        .collect()
}

/// For each view of both: persons by size of their class in the released data.
fn view_figures(a: &Facts, b: &Facts, x: &Run, y: &Run, words: &Words) -> Vec<(String, Value)> {
    let t = |key: &str| words.lang.t(key).into_owned();
    let stage = |facts: &Facts, run: &Run, name: &str| {
        let at = facts.policy.views.iter().position(|v| v.name == name)?;
        Some((facts.policy.views[at].k, run.views.get(at)?.stages[2].clone()))
    };
    let mut list = Vec::new();
    for (name, ..) in pairs(&a.policy.views, &b.policy.views, |v| v.name.as_str()) {
        let both = [stage(a, x, name), stage(b, y, name)];
        let sizes: BTreeSet<u64> =
            both.iter().flatten().flat_map(|(_, s)| s.histogram.iter().map(|bin| bin.0)).collect();
        let most = both
            .iter()
            .flatten()
            .flat_map(|(_, s)| s.histogram.iter().map(|bin| bin.2.drawn()))
            .fold(1.0, f64::max);
        let rows = sizes
            .into_iter()
            .map(|size| {
                let cells = both
                    .iter()
                    .zip([BLUE, GREEN])
                    .map(|(side, colour)| {
                        let (k, stage) = side.as_ref()?;
                        let persons = stage
                            .histogram
                            .iter()
                            .find(|bin| bin.0 == size)
                            .map_or(Count::Exact(0), |bin| bin.2);
                        Some(BarCell {
                            length: persons.drawn() / most,
                            text: persons.to_string(),
                            hollow: size < *k,
                            colour,
                        })
                    })
                    .collect();
                (views::size_label(size), cells)
            })
            .collect();
        let head = |index: usize, letter: &str| {
            let k = both[index].as_ref().map_or_else(|| "–".to_owned(), |(k, _)| k.to_string());
            format!("{letter} (k = {k}, {})", t("persons.unit"))
        };
        let figure = BarTable {
            title: format!("{}: {name}", t("classes")),
            corner: t("class.size"),
            heads: vec![head(0, "A"), head(1, "B")],
            rows,
            line: None,
            label_width: 160,
            widths: vec![280; 2],
        };
        list.push((format!("{}: {name}", t("view")), safe(figure.draw())));
    }
    list
}

/// Total variation distance of two panels' anonymized side: half the sum of the differences of shares.
fn distance(a: &Panel, b: &Panel) -> Option<f64> {
    const ANONYMIZED: usize = 2;
    if a.unit != b.unit || !a.sides[ANONYMIZED] || !b.sides[ANONYMIZED] {
        return None;
    }
    let shares = |panel: &Panel| -> Option<BTreeMap<String, f64>> {
        let mut list: BTreeMap<String, f64> = BTreeMap::new();
        for bar in &panel.groups {
            let key = match &bar.label {
                // Pools of different sizes are one pool.
                Label::Other(_) => "other".to_owned(),
                label => format!("{label:?}"),
            };
            *list.entry(key).or_default() += bar.counts[ANONYMIZED].map_or(0.0, Count::drawn);
        }
        let all: f64 = list.values().sum();
        (all > 0.0).then(|| list.into_iter().map(|(k, v)| (k, v / all)).collect())
    };
    let (a, b) = (shares(a)?, shares(b)?);
    let keys: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    let sum: f64 = keys
        .into_iter()
        .map(|key| (a.get(key).unwrap_or(&0.0) - b.get(key).unwrap_or(&0.0)).abs())
        .sum();
    Some((sum / 2.0).clamp(0.0, 1.0))
}

fn distances(a: &Facts, b: &Facts, x: &Run, y: &Run, lang: Lang) -> Option<Value> {
    let panel = |facts: &Facts, run: &Run, table: &str, column: &str| -> Option<Panel> {
        let t = facts.policy.tables.iter().position(|t| t.name == table)?;
        let c = facts.policy.tables[t].columns.iter().position(|c| c.name == column)?;
        run.tables.get(t)?.columns.get(c)?.panels.iter().find(|p| p.sides[2]).cloned()
    };
    let mut found: Vec<(String, f64)> = Vec::new();
    for table in &a.policy.tables {
        for column in &table.columns {
            let both =
                (panel(a, x, &table.name, &column.name), panel(b, y, &table.name, &column.name));
            if let (Some(one), Some(other)) = both
                && let Some(distance) = distance(&one, &other)
            {
                found.push((format!("{}.{}", table.name, column.name), distance));
            }
        }
    }
    found.sort_by(|p, q| q.1.total_cmp(&p.1).then_with(|| p.0.cmp(&q.0)));
    found.truncate(MOST_DISTANCES);
    if found.is_empty() {
        return None;
    }
    let rows = found
        .into_iter()
        .map(|(name, distance)| {
            let cell = BarCell {
                length: distance,
                text: format!("{distance:.3}"),
                hollow: false,
                colour: RED,
            };
            (name, vec![Some(cell)])
        })
        .collect();
    let figure = BarTable {
        title: lang.t("compare.distance").into_owned(),
        corner: lang.t("column").into_owned(),
        heads: vec!["0 – 1".to_owned()],
        rows,
        line: None,
        label_width: 300,
        widths: vec![420],
    };
    Some(safe(figure.draw()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::panel::{Bar, Unit};

    fn panel(counts: &[(&str, u64)]) -> Panel {
        Panel {
            unit: Unit::Persons,
            groups: counts
                .iter()
                .map(|(name, n)| Bar {
                    label: Label::Value((*name).to_owned()),
                    counts: [None, None, Some(Count::of(*n))],
                })
                .collect(),
            sides: [false, false, true],
        }
    }

    #[test]
    fn total_variation_by_hand() {
        let a = panel(&[("x", 50), ("y", 50)]);
        let b = panel(&[("x", 100), ("z", 100)]);
        assert_eq!(distance(&a, &a), Some(0.0));
        assert_eq!(distance(&a, &b), Some(0.5));
        assert_eq!(distance(&a, &panel(&[("z", 10)])), Some(1.0));
        assert_eq!(distance(&a, &panel(&[])), None);
    }

    #[test]
    fn small_differences_are_not_told() {
        assert_eq!(difference(Count::of(100), Count::of(103)), "+<10");
        assert_eq!(difference(Count::of(100), Count::of(80)), "−20");
        assert_eq!(difference(Count::of(3), Count::of(80)), "–");
        assert_eq!(difference(Count::of(30), Count::of(30)), "0");
    }
}
