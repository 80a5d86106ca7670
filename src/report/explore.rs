//! The page on which levels are chosen by hand: what the search chooses among, as one file with its own script and no request.

use base64::Engine as _;
use minijinja::value::Value;
use serde::Serialize;
use serde_json::json;

use super::facts::{Count, grouped};
use super::page::{environment, render, style};
use super::words::Lang;
use crate::digest;
use crate::engine::explore::{Distribution, Explored, Group};
use crate::error::{Name, Result};
use crate::plan::Plan;
use crate::policy::Loaded;
use crate::privacy::search::{Figures, Point};
use crate::schema::{DateKind, Kind};

const PAGE: &str = include_str!("template/explore.html");
const STYLE: &str = include_str!("template/explore.css");
const SCRIPT: &str = include_str!("template/explore.js");

/// Rows of the table of what nothing beats.
const MOST_ROWS: usize = 40;
/// Characters of a label.
const LONGEST: usize = 40;

/// What the script says: its own keys, and those of the words.
const SAID: &[(&str, &str)] = &[
    ("affected", "persons_gone"),
    ("all", "x.all"),
    ("axisX", "x.axis.kept"),
    ("axisY", "x.loss"),
    ("change", "x.change"),
    ("coarser", "x.coarser"),
    ("column", "column"),
    ("comma", "x.comma"),
    ("copied", "x.copied"),
    ("failsAll", "x.fails_all"),
    ("finer", "x.finer"),
    ("gone", "x.gone"),
    ("kAsked", "x.k_asked"),
    ("kBefore", "x.k_before"),
    ("kept", "x.kept"),
    ("labels", "x.labels"),
    ("limit", "x.limit"),
    ("loss", "x.loss"),
    ("lostUnknown", "x.lost.unknown"),
    ("marked", "x.marked"),
    ("missing", "missing"),
    ("ok", "x.ok"),
    ("okAll", "x.ok_all"),
    ("other", "x.other"),
    ("persons", "x.persons_lost"),
    ("personsAll", "persons"),
    ("personsOf", "x.persons_of"),
    ("picture", "x.picture"),
    ("rest", "other"),
    ("rowsGone", "x.rows_gone"),
    ("share", "x.share"),
    ("start", "x.start"),
    ("take", "x.take"),
    ("tooMuch", "x.too_much"),
    ("touched", "persons_gone"),
    ("unknown", "x.unknown"),
    ("value", "x.value"),
    ("verdict", "verdict"),
    ("view", "view"),
];

/// The page.
///
/// # Errors
/// Only a mistake in its template.
pub fn page(plan: &Plan, loaded: &Loaded, seen: &Explored, lang: Lang) -> Result<String> {
    let columns = columns(plan, seen, lang);
    let start = &seen.points[seen.start];
    let fixed: Vec<String> = loaded
        .policy
        .anonymized
        .search
        .levels
        .iter()
        .map(|(column, level)| format!("{} = {}", quoted(column), quoted(level)))
        .collect();
    let head = format!(
        "# kakou explore: {}, {}\n[anonymized.search.levels]\n",
        one_line(plan.id.as_str()),
        one_line(plan.version.as_str())
    );
    let chosen = columns
        .iter()
        .zip(&start.levels)
        .map(|(c, &level)| format!("{} = {}", c.key, c.levels[usize::from(level)].key));
    let lines: Vec<String> = fixed.iter().cloned().chain(chosen).collect();
    let toml = format!("{head}{}\n", lines.join("\n"));
    let (front, thinned) = front(seen, &columns);
    let data = json!({
        "words": SAID.iter().map(|(own, key)| (*own, lang.t(key))).collect::<std::collections::BTreeMap<_, _>>(),
        "columns": columns,
        "views": plan.views.iter().enumerate().map(|(v, view)| {
            let of = &seen.views[v];
            let by = |f: fn(&Figures) -> u64| -> Vec<i64> {
                seen.points.iter().map(|p| few(f(&p.views[v]))).collect()
            };
            json!({
                "name": view.name, "k": view.k, "limit": few(of.limit), "rows": few(of.rows),
                "persons": few(start.views[v].persons), "columns": of.columns,
                "before": seen.points.iter().map(|p| smallest(p.views[v].smallest, view.k)).collect::<Vec<_>>(),
                "gone": by(|f| f.suppressed), "other": by(|f| f.not_for_k),
                "touched": by(|f| f.touched), "lost": by(|f| f.lost),
                "ok": bits(seen, |p| p.views[v].suppressed <= of.limit),
            })
        }).collect::<Vec<_>>(),
        "grid": seen.grid,
        "extra": seen.points[seen.grid.iter().map(Vec::len).product::<usize>()..].iter().map(|p| &p.levels).collect::<Vec<_>>(),
        "loss": seen.points.iter().map(|p| rounded(p.cost.figure())).collect::<Vec<_>>(),
        "ok": bits(seen, |p| p.feasible),
        "start": seen.start,
        "toml": head,
        "fixed": fixed,
        "lost": seen.losers.iter().map(|losers| json!({
            "levels": losers.levels,
            "views": losers.views.iter().map(|v| v.iter().map(|d| distribution(d, &columns)).collect::<Vec<_>>()).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    });
    let page = Page {
        lang: lang.tag(),
        style: style(),
        own_style: Value::from_safe_string(STYLE.to_owned()),
        digest: base64::engine::general_purpose::STANDARD
            .encode(digest::bytes(SCRIPT.as_bytes()).sha256),
        script: Value::from_safe_string(SCRIPT.to_owned()),
        data: Value::from_safe_string(in_script(&data)),
        policy: plan.id.as_str(),
        version: plan.version.as_str(),
        policy_digest: digest::hex(&digest::sha3(&crate::plan::digest_bytes(loaded))),
        engine: env!("CARGO_PKG_VERSION"),
        objective: seen.objective,
        nodes: grouped(u64::try_from(seen.nodes).unwrap_or(u64::MAX)),
        evaluated: grouped(seen.points.len() as u64),
        whole: seen.whole(),
        rejected: seen.searched.as_ref().map_or(0, |s| s.rejected),
        refused: seen
            .refused
            .iter()
            .flat_map(|error| error.each())
            .map(|e| lang.pick(&e.what.to(crate::lang::Lang::Ja), e.what.as_str()).into_owned())
            .collect(),
        columns: columns.iter().map(|c| c.name.clone()).collect(),
        views: plan.views.iter().map(|v| v.name.as_str()).collect(),
        toml,
        front,
        thinned,
        kept: seen.kept.as_ref().map(|kept| {
            let views = plan.views.iter().zip(kept);
            views
                .map(|(view, kept)| {
                    let smallest = match kept.smallest {
                        None => "–".to_owned(),
                        // k itself is no secret of the data; the figure below ten would be.
                        Some(1..=9) => format!("≥ {}", view.k),
                        Some(persons) => grouped(persons),
                    };
                    [
                        view.name.as_str().to_owned(),
                        view.k.to_string(),
                        smallest,
                        Count::of(kept.rows).to_string(),
                        Count::of(kept.suppressed).to_string(),
                    ]
                })
                .collect()
        }),
    };
    render(&environment(lang), PAGE, &page)
}

#[derive(Serialize)]
struct Page<'a> {
    lang: &'static str,
    style: Value,
    own_style: Value,
    digest: String,
    script: Value,
    data: Value,
    policy: &'a str,
    version: &'a str,
    policy_digest: String,
    engine: &'static str,
    objective: &'a str,
    nodes: String,
    evaluated: String,
    whole: bool,
    rejected: u64,
    refused: Vec<String>,
    columns: Vec<String>,
    views: Vec<&'a str>,
    toml: String,
    front: Vec<FrontLine>,
    thinned: bool,
    kept: Option<Vec<[String; 5]>>,
}

#[derive(Serialize)]
struct FrontLine {
    at: usize,
    start: bool,
    levels: Vec<String>,
    loss: f64,
    gone: Vec<String>,
    ok: bool,
}

#[derive(Serialize)]
struct Slider {
    /// As people call it: by its label where the layout has one.
    name: String,
    key: String,
    levels: Vec<Level>,
}

#[derive(Serialize)]
struct Level {
    key: String,
    label: String,
    labels: i64,
}

fn columns(plan: &Plan, seen: &Explored, lang: Lang) -> Vec<Slider> {
    let column = |column: &crate::engine::explore::LevelColumn| {
        let of = &column.offered;
        let table = &plan.tables[of.table];
        let planned = table.columns[of.column].treatment(Kind::Anonymized);
        let birth = table.columns[of.column].facts.date == Some(DateKind::Birth);
        let ranges = planned.treatment.ordered().then_some(birth);
        let levels = of.levels.iter().zip(&column.labels).map(|(level, &labels)| Level {
            key: quoted(level.as_str()),
            label: called(ranges, level.as_str(), lang),
            labels: i64::from(labels),
        });
        Slider {
            name: format!("{}.{}", table.name, table.columns[of.column].shown),
            key: quoted(of.name.as_str()),
            levels: levels.collect(),
        }
    };
    seen.columns.iter().map(column).collect()
}

/// A level with what it is, where there is a word for that. `ranges`: whether the widths of ranges are years of age.
pub(super) fn called(ranges: Option<bool>, level: &str, lang: Lang) -> String {
    let width = ranges.filter(|_| level.parse::<f64>().is_ok());
    let key = match width {
        Some(true) => "x.level.years".to_owned(),
        Some(false) => "x.level.width".to_owned(),
        None => format!("x.level.{}", if level == "*" { "all" } else { level }),
    };
    let Some((_, ja, en)) = super::words::find(&key) else { return level.to_owned() };
    if ja.contains("{}") {
        return lang.t(&key).replace("{}", level);
    }
    let english = if *en == level { level.to_owned() } else { format!("{level} ({en})") };
    lang.pick(&format!("{level}（{ja}）"), &english).into_owned()
}

/// What nothing beats in both: fewer rows lost, all views together, and less loss. Those that are not told are spread evenly.
fn front(seen: &Explored, columns: &[Slider]) -> (Vec<FrontLine>, bool) {
    let gone = |at: usize| seen.points[at].views.iter().map(|f| f.suppressed.max(1)).sum::<u64>();
    let cost = |at: usize| &seen.points[at].cost;
    let mut order: Vec<usize> = (0..seen.points.len()).collect();
    order.sort_by(|&a, &b| gone(a).cmp(&gone(b)).then_with(|| cost(a).order(cost(b))));
    let mut all: Vec<usize> = Vec::new();
    for at in order {
        if all.last().is_none_or(|&last| cost(at).order(cost(last)).is_lt()) {
            all.push(at);
        }
    }
    let thinned = all.len() > MOST_ROWS;
    if thinned {
        let count = all.len();
        all = (0..MOST_ROWS).map(|row| all[row * (count - 1) / (MOST_ROWS - 1)]).collect();
    }
    if !all.contains(&seen.start) {
        let at = all.partition_point(|&other| gone(other) < gone(seen.start));
        all.insert(at, seen.start);
    }
    let line = |&at: &usize| {
        let point = &seen.points[at];
        let level = |(c, &l): (&Slider, &u8)| c.levels[usize::from(l)].label.clone();
        FrontLine {
            at,
            start: at == seen.start,
            levels: columns.iter().zip(&point.levels).map(level).collect(),
            loss: rounded(point.cost.figure()),
            gone: point.views.iter().map(|f| Count::of(f.suppressed).to_string()).collect(),
            ok: point.feasible,
        }
    };
    (all.iter().map(line).collect(), thinned)
}

fn distribution(of: &Distribution, columns: &[Slider]) -> serde_json::Value {
    let all: Vec<(&Group, bool)> =
        of.groups.iter().map(|g| (g, false)).chain(of.rest.iter().map(|g| (g, true))).collect();
    let mut counts = [
        all.iter().map(|(g, _)| few(g.persons)).collect::<Vec<_>>(),
        all.iter().map(|(g, _)| few(g.touched)).collect::<Vec<_>>(),
    ];
    counts.iter_mut().for_each(|column| complemented(column));
    let row = |(at, (group, rest)): (usize, &(&Group, bool))| {
        let label = group.label.as_ref().map(clipped);
        let labels = if *rest { json!(group.labels) } else { serde_json::Value::Null };
        json!([label, counts[0][at], counts[1][at], labels])
    };
    let level = of.level.map(|(column, level)| columns[column].levels[level].label.as_str());
    let rows: Vec<_> = all.iter().enumerate().map(row).collect();
    json!({ "name": of.name, "level": level, "rows": rows })
}

/// One small count among shown ones would follow from their sum, which stands elsewhere in the page: the smallest shown one is not
/// told either (-3). Complementary cell suppression (Hundepool et al., Statistical Disclosure Control, Wiley 2012).
fn complemented(counts: &mut [i64]) {
    if counts.iter().filter(|&&c| c == -1).count() == 1
        && let Some(least) = counts.iter_mut().filter(|c| **c > 0).min()
    {
        *least = -3;
    }
}

/// A count of persons or rows as it may stand in the page: -1 for 1 to 9.
fn few(count: u64) -> i64 {
    match Count::of(count) {
        Count::Few => -1,
        Count::Exact(count) => i64::try_from(count).unwrap_or(i64::MAX),
    }
}

/// Persons in the smallest class: below ten it is told whether they are k.
fn smallest(persons: u64, k: u64) -> i64 {
    match few(persons) {
        -1 if persons >= k => -2,
        other => other,
    }
}

/// One character a combination.
fn bits(seen: &Explored, holds: impl Fn(&Point) -> bool) -> String {
    seen.points.iter().map(|p| if holds(p) { '1' } else { '0' }).collect()
}

/// Six digits: what is behind them would tell how many rows a small count hides.
fn rounded(figure: f64) -> f64 {
    format!("{figure:.5e}").parse().unwrap_or(figure)
}

fn clipped(label: &Name) -> String {
    let label = label.as_str();
    match label.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &label[..end]),
        None => label.to_owned(),
    }
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// JSON that ends no script element and begins no comment in it.
fn in_script(data: &serde_json::Value) -> String {
    data.to_string()
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_says_words_that_are_there_and_no_others() {
        for (own, key) in SAID {
            assert!(super::super::words::find(key).is_some(), "{key}");
            assert!(SCRIPT.contains(&format!("W.{own}")), "{own}");
        }
        for (at, _) in SCRIPT.match_indices("W.") {
            let word: String =
                SCRIPT[at + 2..].chars().take_while(char::is_ascii_alphabetic).collect();
            assert!(SAID.iter().any(|(own, _)| *own == word), "{word}");
        }
        // Within the element nothing may end it.
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
    }

    #[test]
    fn small_figures_and_ends_of_scripts_are_not_told() {
        assert_eq!([few(0), few(1), few(9), few(10)], [0, -1, -1, 10]);
        for (counts, told) in [
            ([30, 20, -1], [30, -3, -1]),
            ([30, -1, -1], [30, -1, -1]),
            ([30, 20, 0], [30, 20, 0]),
            ([0, 0, -1], [0, 0, -1]),
        ] {
            let mut shown = counts;
            complemented(&mut shown);
            assert_eq!(shown, told);
        }
        assert_eq!([smallest(4, 5), smallest(5, 5), smallest(12, 20)], [-1, -2, 12]);
        assert_eq!(quoted("a\"\\\n"), r#""a\"\\\u000A""#);
        assert!(!in_script(&json!("</script><!--")).contains('<'));
        assert_eq!(rounded(0.123_456_789), 0.123_457);
    }
}
