//! The page of one release: facts to HTML.

use minijinja::value::{Rest, Value};
use minijinja::{AutoEscape, Environment, UndefinedBehavior};
use serde::Serialize;

use super::explore::called;
use super::facts::{
    Both, ClassRun, ColumnFigures, Count, Facts, Measure, Policy, Run, StratumRun, Warning, grouped,
};
use super::figure::{
    self, BLUE, BarCell, BarTable, Branch, Figure, GREEN, GREY, RED, RiskLine, Stream, escape,
};
use super::panel::{Label, Panel, Unit};
use super::verdict::{Standing, Verdict, made};
use super::words::Lang;
use crate::engine::observe::{By, SIDES};
use crate::error::{Error, Result};
use crate::say;
use crate::schema::{ColumnAt, Kind};

const STYLE: &str = include_str!("template/style.css");
const PAGE: &str = include_str!("template/page.html");

/// Bytes of the pictures of distributions at most; beyond it columns of content go without, and are named.
const ROOM: usize = 1_300_000;

pub(super) fn environment(lang: Lang) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    environment.add_function("t", move |key: &str| lang.t(key).into_owned());
    environment.add_function("p", move |key: &str| {
        let paragraphs: String = lang
            .each()
            .iter()
            .map(|l| format!("<p lang=\"{}\">{}</p>", l.tag(), escape(&l.t(key))))
            .collect();
        Value::from_safe_string(paragraphs)
    });
    // A heading of a table: in both languages one below the other.
    environment.add_function("h", move |key: &str| {
        let words: Vec<String> = lang
            .each()
            .iter()
            .map(|l| format!("<span lang=\"{}\">{}</span>", l.tag(), escape(&l.t(key))))
            .collect();
        Value::from_safe_string(words.join("<br>"))
    });
    environment.add_function("verdict", move |holds: Value, _: Rest<Value>| {
        if holds.is_none() {
            return Value::from_safe_string(format!(
                "<span class=\"no\">{}</span>",
                escape(&lang.t("none_set"))
            ));
        }
        let (class, mark, key) =
            if holds.is_true() { ("yes", "✓", "holds") } else { ("bad", "✗", "fails") };
        Value::from_safe_string(format!(
            "<span class=\"{class}\">{mark} {}</span>",
            escape(&lang.t(key))
        ))
    });
    environment
}

/// Renders a template of this program; only a mistake in it can fail.
pub(super) fn render(
    environment: &Environment<'_>,
    template: &'static str,
    context: &impl Serialize,
) -> Result<String> {
    environment
        .render_str(template, Value::from(minijinja::value::Serde(context)))
        .map_err(|_| Error::environment("X0502", say!("the page of the report cannot be made")))
}

pub(super) fn safe(figure: Figure) -> Value {
    Value::from_safe_string(figure.svg)
}

pub(super) fn style() -> Value {
    Value::from_safe_string(STYLE.to_owned())
}

#[derive(Serialize)]
struct Page<'a> {
    lang: &'static str,
    style: Value,
    name: &'a str,
    not_for_release: bool,
    policy: &'a Policy,
    engine: &'a str,
    started: String,
    finished: String,
    holds: bool,
    sentences: Vec<Paragraph>,
    waived: Vec<String>,
    pseudonymized: bool,
    state: String,
    by: Vec<String>,
    persons: String,
    warnings: Vec<WarningLine>,
    cards: Vec<Card>,
    contents: Vec<(String, String)>,
    annexed: Vec<(String, String)>,
    kinds: [&'static str; 2],
    flow_persons: Value,
    flow_rows: Value,
    tables: Vec<TableLine>,
    risk: Value,
    measures: Vec<MeasureLine>,
    views: Vec<ViewPart>,
    strata: Vec<StratumPart>,
    tradeoff: Option<Value>,
    columns: Vec<ColumnTable>,
    distributions: Vec<DistributionTable>,
    no_room: String,
    law: Vec<LawLine>,
    proof: Vec<(String, String)>,
    sections: Vec<SectionPart>,
}

/// A paragraph in one language.
#[derive(Serialize)]
struct Paragraph {
    lang: &'static str,
    text: String,
}

#[derive(Serialize)]
struct Card {
    number: String,
    what: String,
    means: String,
}

#[derive(Serialize)]
struct WarningLine {
    code: String,
    text: String,
}

#[derive(Serialize)]
struct TableLine {
    name: String,
    numbers: Vec<String>,
}

#[derive(Serialize)]
struct MeasureLine {
    name: String,
    place: String,
    before: String,
    after: String,
    threshold: String,
    verdict: Option<bool>,
}

#[derive(Serialize)]
struct ViewPart {
    name: String,
    k: u64,
    verdict: bool,
    table: String,
    quasi: String,
    sensitive: String,
    figure: Value,
    stages: Vec<Vec<String>>,
    suppressed: String,
}

#[derive(Serialize)]
struct StratumPart {
    name: String,
    figure: Value,
}

#[derive(Serialize)]
struct ColumnTable {
    name: String,
    grain: String,
    columns: Vec<ColumnLine>,
    neither: Vec<String>,
}

#[derive(Serialize)]
struct ColumnLine {
    name: String,
    role: String,
    r#type: String,
    treatments: Vec<TreatmentCell>,
}

#[derive(Serialize)]
struct TreatmentCell {
    text: String,
    chosen: String,
    released: bool,
    share: String,
    items: String,
}

#[derive(Serialize)]
struct DistributionTable {
    name: String,
    columns: Vec<DistributionPart>,
}

#[derive(Serialize)]
struct DistributionPart {
    name: String,
    unit: String,
    figures: Vec<Value>,
    note: String,
}

#[derive(Serialize)]
struct LawLine {
    cite: String,
    title: String,
    answer: String,
}

#[derive(Serialize)]
struct SectionPart {
    annex: bool,
    id: String,
    title: String,
    text: Vec<String>,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The page of a release. Its state and who signed it come from beside the facts; none if nobody looked.
///
/// # Errors
/// If the facts are of a policy and not of a run.
pub fn release(facts: &Facts, standing: Option<&Standing>, lang: Lang) -> Result<String> {
    let Some(run) = &facts.run else {
        return Err(Error::refused(
            "C0502",
            say!("this describes a policy; a report needs a run, or another policy with --against"),
        ));
    };
    let policy = &facts.policy;
    let words = Words { lang };
    let (distributions, no_room) = words.distributions(facts, run);
    let sections: Vec<SectionPart> = run
        .sections
        .iter()
        .enumerate()
        .map(|(index, section)| SectionPart {
            annex: section.annex,
            id: format!("section-{}", index + 1),
            title: lang.of(&section.title),
            text: section
                .text
                .iter()
                .flat_map(|text| lang.each().iter().map(|l| l.of(text)))
                .collect(),
            head: section.head.iter().map(|h| lang.of(h)).collect(),
            rows: section.rows.clone(),
        })
        .collect();
    let (contents, annexed) = contents(run, &sections, lang);
    let verdict = Verdict::of(facts, run);
    let [pseudonymized, anonymized] = run.persons.released;
    let page = Page {
        lang: lang.tag(),
        style: style(),
        name: &run.release,
        not_for_release: run.not_for_release,
        policy,
        engine: &facts.engine,
        started: plain_time(&run.started_at),
        finished: plain_time(&run.finished_at),
        holds: verdict.holds,
        sentences: verdict
            .sentences
            .iter()
            .flat_map(|both| {
                lang.each().iter().map(|l| Paragraph { lang: l.tag(), text: l.of(both) })
            })
            .collect(),
        waived: verdict.waived.iter().map(|both| lang.of(both)).collect(),
        pseudonymized: made(run, Kind::Pseudonymized),
        state: standing.map_or_else(|| "–".to_owned(), |s| lang.of(&s.state)),
        by: standing.map_or_else(Vec::new, |s| s.by.iter().map(|both| lang.of(both)).collect()),
        persons: format!("{} / {pseudonymized} / {anonymized}", run.persons.read),
        warnings: warnings(&policy.warnings)
            .iter()
            .map(|w| WarningLine { code: w.code.clone(), text: lang.of(&w.text) })
            .collect(),
        cards: verdict
            .figures
            .into_iter()
            .map(|f| Card { number: f.number, what: lang.of(&f.what), means: lang.of(&f.means) })
            .collect(),
        contents,
        annexed,
        kinds: ["pseudonymized", "anonymized"],
        flow_persons: safe(words.flow_persons(run)),
        flow_rows: safe(words.flow_rows(run)),
        tables: policy
            .tables
            .iter()
            .zip(&run.tables)
            .map(|(table, run)| {
                let aside: Vec<Count> = run.set_aside.values().copied().collect();
                let mut numbers = vec![grouped(run.rows_in), sum(&aside)];
                for flow in &run.releases {
                    let gone = |count: Option<Count>| {
                        count.map_or_else(|| "–".to_owned(), |c| c.to_string())
                    };
                    numbers.push(flow.excluded.to_string());
                    numbers.push(flow.removed.to_string());
                    numbers.push(match flow.out {
                        Some(out) => out.to_string(),
                        None => lang.t("left_out.short").into_owned(),
                    });
                    numbers.push(gone(flow.persons));
                }
                TableLine { name: table.name.clone(), numbers }
            })
            .collect(),
        risk: safe(words.risk(run)),
        measures: run.measures.iter().map(|m| words.measure(m)).collect(),
        views: policy
            .views
            .iter()
            .zip(&run.views)
            .map(|(view, run)| words.view(policy, view, run))
            .collect(),
        strata: run.strata.iter().filter_map(|s| words.stratum(policy, s)).collect(),
        tradeoff: run
            .tradeoff
            .as_ref()
            .map(|curve| safe(figure::tradeoff(&lang.t("tradeoff"), curve, lang))),
        columns: words.columns(facts, run),
        distributions,
        no_room,
        law: policy.law.iter().map(|l| words.law(l)).collect(),
        proof: vec![
            (lang.t("proof.identifiers").into_owned(), grouped(run.proof.identifiers_searched)),
            (lang.t("proof.short").into_owned(), grouped(run.proof.identifiers_too_short)),
            (lang.t("proof.cells").into_owned(), grouped(run.proof.cells_searched)),
        ],
        sections,
    };
    render(&environment(lang), PAGE, &page)
}

/// A list of links: the id of a heading, and its text.
type Links = Vec<(String, String)>;

/// The headings of the page, and those of its annex.
fn contents(run: &Run, sections: &[SectionPart], lang: Lang) -> (Links, Links) {
    let entry = |key: &str| (key.to_owned(), lang.t(key).into_owned());
    let listed = |annex: bool| {
        let here = sections.iter().filter(move |s| s.annex == annex);
        here.map(|s| (s.id.clone(), s.title.clone()))
    };
    let mut contents: Links = ["flow", "risk", "classes", "strata"].map(entry).into();
    if run.tradeoff.is_some() {
        contents.push(entry("tradeoff"));
    }
    contents.extend([entry("law"), entry("proof")]);
    contents.extend(listed(false));
    contents.push(("notes".to_owned(), lang.t("page.notes").into_owned()));
    let mut annexed: Links = listed(true).collect();
    annexed.extend([entry("columns"), entry("distributions")]);
    (contents, annexed)
}

/// Warnings that differ in the first thing that they name (`...`) are one, with all the names.
fn warnings(all: &[Warning]) -> Vec<Warning> {
    fn split(text: &str) -> Option<(&str, &str, &str)> {
        let (before, rest) = text.split_once('`')?;
        let (name, after) = rest.split_once('`')?;
        Some((before, name, after))
    }
    let mut groups: Vec<(&Warning, [Vec<&str>; 2])> = Vec::new();
    for warning in all {
        let parts = [&warning.text.ja, &warning.text.en].map(|text| split(text));
        let around = |w: &Warning| {
            [&w.text.ja, &w.text.en]
                .map(|text| split(text).map(|(b, _, a)| (b.to_owned(), a.to_owned())))
        };
        let same = groups.iter_mut().find(|(first, _)| {
            parts.iter().all(Option::is_some)
                && first.code == warning.code
                && around(first) == around(warning)
        });
        let names = parts.map(|p| p.map(|(_, name, _)| name));
        match same {
            Some((_, all)) => {
                for (all, name) in all.iter_mut().zip(names) {
                    all.extend(name);
                }
            }
            None => groups.push((warning, names.map(|n| n.into_iter().collect()))),
        }
    }
    let joined = |text: &str, names: &[&str], comma: &str| match split(text) {
        Some((before, _, after)) => {
            let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
            format!("{before}{}{after}", names.join(comma))
        }
        None => text.to_owned(),
    };
    groups
        .into_iter()
        .map(|(first, [ja, en])| Warning {
            code: first.code.clone(),
            text: Both::new(joined(&first.text.ja, &ja, "、"), joined(&first.text.en, &en, ", ")),
        })
        .collect()
}

/// `table.column` with the column's other name, if it has one.
fn with_alias(policy: &Policy, path: &str) -> String {
    let found = policy.tables.iter().find_map(|table| {
        let column = path.strip_prefix(table.name.as_str())?.strip_prefix('.')?;
        table
            .columns
            .iter()
            .find(|c| c.name == column)
            .map(|c| format!("{}.{}", table.name, c.shown()))
    });
    found.unwrap_or_else(|| path.to_owned())
}

/// A moment on the clocks of Japan, for whoever reads the page there.
pub fn plain_time(text: &str) -> String {
    match chrono::DateTime::parse_from_rfc3339(text) {
        Ok(at) => {
            (at.to_utc() + chrono::TimeDelta::hours(9)).format("%Y-%m-%d %H:%M:%S").to_string()
        }
        Err(_) => text.to_owned(),
    }
}

/// The sum of counts; few in it make it a lower bound.
fn sum(counts: &[Count]) -> String {
    let exact: u64 = counts.iter().map(|c| if let Count::Exact(n) = c { *n } else { 0 }).sum();
    match (exact, counts.contains(&Count::Few)) {
        (0, true) => Count::Few.to_string(),
        (n, true) => format!("≥ {}", grouped(n)),
        (n, false) => grouped(n),
    }
}

pub(super) fn risk_number(value: Option<f64>, lang: Lang) -> String {
    match value {
        None => lang.t("not_available").into_owned(),
        Some(value) if value >= 0.01 || value == 0.0 => format!("{value:.3}"),
        Some(value) => format!("{value:.5}"),
    }
}

pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 {
        "0%".to_owned()
    } else if percent < 0.1 {
        "<0.1%".to_owned()
    } else if percent > 99.9 && percent < 100.0 {
        ">99.9%".to_owned()
    } else {
        format!("{percent:.1}%")
    }
}

/// A share of two counts, as far as small counts allow to say it.
fn share(part: Count, whole: Count) -> Option<f64> {
    match (part, whole) {
        (_, Count::Exact(0) | Count::Few) => None,
        (Count::Exact(part), Count::Exact(whole)) => Some(part as f64 / whole as f64),
        (Count::Few, Count::Exact(_)) => None,
    }
}

pub(super) struct Words {
    pub(super) lang: Lang,
}

impl Words {
    fn t(&self, key: &str) -> String {
        self.lang.t(key).into_owned()
    }

    fn branch(
        &self,
        key: &str,
        count: Count,
        colour: plotters::style::RGBColor,
        hollow: bool,
    ) -> Branch {
        Branch {
            label: self.t(key),
            text: count.to_string(),
            number: count.drawn(),
            colour,
            hollow,
        }
    }

    fn flow_persons(&self, run: &Run) -> Figure {
        let streams: Vec<Stream> = ["pseudonymized", "anonymized"]
            .iter()
            .enumerate()
            .map(|(k, &kind)| Stream {
                name: self.t(kind),
                label: self.t("persons.read"),
                text: run.persons.read.to_string(),
                number: run.persons.read.drawn(),
                branches: vec![
                    self.branch("excluded", run.persons.excluded[k], GREY, true),
                    self.branch("suppressed", run.persons.suppressed[k], RED, true),
                    self.branch("released", run.persons.released[k], [BLUE, GREEN][k], false),
                ],
            })
            .collect();
        figure::flow(&self.t("flow.persons"), &streams)
    }

    fn flow_rows(&self, run: &Run) -> Figure {
        let rows = &run.rows;
        let streams: Vec<Stream> = ["pseudonymized", "anonymized"]
            .iter()
            .enumerate()
            .map(|(k, &kind)| Stream {
                name: self.t(kind),
                label: self.t("in"),
                text: rows.read.to_string(),
                number: rows.read.drawn(),
                branches: vec![
                    self.branch("set_aside", rows.set_aside, GREY, true),
                    self.branch("excluded", rows.excluded[k], GREY, true),
                    self.branch("left_out", rows.left_out[k], GREY, true),
                    self.branch("suppressed", rows.removed[k], RED, true),
                    self.branch("out", rows.out[k], [BLUE, GREEN][k], false),
                ],
            })
            .collect();
        figure::flow(&self.t("flow.rows"), &streams)
    }

    fn risk(&self, run: &Run) -> Figure {
        let lines: Vec<RiskLine> = run
            .measures
            .iter()
            .take(24)
            .map(|m| RiskLine {
                label: format!("{}: {}", m.place, self.lang.of(&m.name)),
                before: m.before,
                after: m.after,
                threshold: m.threshold,
                text: risk_number(m.after, self.lang),
            })
            .collect();
        figure::risks(&self.t("risk"), &lines, &self.t("released"))
    }

    fn measure(&self, m: &Measure) -> MeasureLine {
        let number = |v| risk_number(v, self.lang);
        MeasureLine {
            name: self.lang.of(&m.name),
            place: m.place.clone(),
            before: number(m.before),
            after: number(m.after),
            threshold: m.threshold.map_or_else(|| "–".to_owned(), |v| number(Some(v))),
            // Not available is not a pass.
            verdict: m.threshold.map(|t| m.after.is_some_and(|a| a <= t + 1e-12)),
        }
    }

    fn view(
        &self,
        policy: &Policy,
        view: &super::facts::ViewFigures,
        run: &super::facts::ViewRun,
    ) -> ViewPart {
        let names = [self.t("source"), self.t("treated"), self.t("released")];
        let stages = run
            .stages
            .iter()
            .zip(&names)
            .enumerate()
            .map(|(index, (stage, name))| self.stage(stage, name, view.k, index == 2))
            .collect();
        let share = match share(run.suppressed, run.rows) {
            Some(share) => format!(" ({})", percent(share)),
            None => String::new(),
        };
        ViewPart {
            name: view.name.clone(),
            k: view.k,
            verdict: run.holds,
            table: view.table.clone(),
            quasi: view.quasi.iter().map(|q| with_alias(policy, q)).collect::<Vec<_>>().join(", "),
            sensitive: view
                .sensitive
                .iter()
                .map(|(column, l)| format!("{} (l ≥ {l})", with_alias(policy, column)))
                .collect::<Vec<_>>()
                .join(", "),
            figure: safe(self.histogram(view, &run.stages, &names)),
            stages,
            suppressed: format!(
                "{}: {} / {}{share}",
                self.t("rows_gone"),
                run.suppressed,
                run.rows
            ),
        }
    }

    fn stage(&self, stage: &ClassRun, name: &str, k: u64, last: bool) -> Vec<String> {
        let smallest = match stage.smallest {
            None => "–".to_owned(),
            // k itself is no secret of the data; the figure below ten would be.
            Some(Count::Few) if last && stage.reaches_k => format!("≥ {k}"),
            Some(count) => count.to_string(),
        };
        vec![
            name.to_owned(),
            grouped(stage.classes),
            smallest,
            stage.below_k.map_or_else(|| self.t("not_available"), percent),
            stage.average_risk.map_or_else(|| "–".to_owned(), |r| risk_number(Some(r), self.lang)),
            if stage.l.is_empty() {
                "–".to_owned()
            } else {
                stage
                    .l
                    .iter()
                    .map(|l| l.map_or_else(|| "–".to_owned(), |l| l.to_string()))
                    .collect::<Vec<_>>()
                    .join(", ")
            },
        ]
    }

    fn histogram(
        &self,
        view: &super::facts::ViewFigures,
        stages: &[ClassRun; 3],
        names: &[String; 3],
    ) -> Figure {
        let mut from: Vec<u64> =
            stages.iter().flat_map(|s| s.histogram.iter().map(|b| b.0)).collect();
        // The bin that begins at k shows where the line is even when nobody is in it.
        if crate::engine::views::is_bin(view.k) {
            from.push(view.k);
        }
        let ends = (from.iter().min().copied(), from.iter().max().copied());
        let from: Vec<u64> = match ends {
            (Some(low), Some(high)) => crate::engine::views::BINS
                .into_iter()
                .filter(|size| (low..=high).contains(size))
                .collect(),
            _ => Vec::new(),
        };
        let most = stages
            .iter()
            .map(|s| s.histogram.iter().map(|b| b.2.drawn()).fold(1.0, f64::max))
            .fold(1.0, f64::max);
        let colours = [GREY, BLUE, GREEN];
        let rows: Vec<(String, Vec<Option<BarCell>>)> = from
            .iter()
            .map(|&size| {
                let label = crate::engine::views::size_label(size);
                let cells = stages
                    .iter()
                    .zip(colours)
                    .map(|(stage, colour)| {
                        let bin = stage.histogram.iter().find(|b| b.0 == size);
                        let (classes, persons) = bin.map_or((0, Count::Exact(0)), |b| (b.1, b.2));
                        Some(BarCell {
                            length: persons.drawn() / most,
                            text: if classes == 0 { "0".to_owned() } else { persons.to_string() },
                            hollow: size < view.k,
                            colour,
                        })
                    })
                    .collect();
                (label, cells)
            })
            .collect();
        let line = from.iter().position(|&size| size >= view.k).unwrap_or(from.len());
        let unit = self.t("persons.unit");
        BarTable {
            title: format!("{}: {}", self.t("classes"), view.name),
            corner: self.t("class.size"),
            heads: names.iter().map(|n| format!("{n} ({unit})")).collect(),
            widths: vec![225; 3],
            rows,
            line: Some((line, format!("k = {}", view.k))),
            label_width: 190,
        }
        .draw()
    }

    fn stratum(&self, policy: &Policy, stratum: &StratumRun) -> Option<StratumPart> {
        if stratum.groups.iter().all(|g| g.rows_gone.is_zero()) {
            return None;
        }
        let share_of = |g: &super::facts::GroupRun| match (g.rows_gone, g.rows) {
            (_, Count::Few) => 0.0,
            (Count::Few, Count::Exact(rows)) => (10.0 / rows as f64).min(1.0),
            (gone, rows) => gone.drawn() / rows.drawn().max(1.0),
        };
        // Values apart (special ones, missing) do not set the scale of bands.
        let plain = |g: &&super::facts::GroupRun| match g.label {
            Label::Other(_) | Label::Missing => false,
            Label::Value(_) => stratum.by == By::Value,
            _ => true,
        };
        let most = stratum.groups.iter().filter(plain).map(share_of).fold(0.0, f64::max);
        let most = if most > 0.0 { most } else { 1.0 };
        let rows = stratum
            .groups
            .iter()
            .map(|group| {
                // Few rows gone: the share is below that of ten.
                let few = group.rows_gone == Count::Few;
                let (length, gone) = match (group.rows_gone, group.rows) {
                    (Count::Few, Count::Exact(rows)) => {
                        let most = (10.0 / rows as f64).min(1.0);
                        (most, format!("< {}", percent(most)))
                    }
                    (gone, rows) => (
                        share_of(group),
                        share(gone, rows).map_or_else(|| gone.to_string(), percent),
                    ),
                };
                let affected = group.persons_gone.map_or_else(|| "–".to_owned(), |c| c.to_string());
                let cells = vec![
                    Some(BarCell { length: length / most, text: gone, hollow: few, colour: RED }),
                    Some(BarCell::text(format!("{} / {}", group.rows_gone, group.rows))),
                    Some(BarCell::text(affected)),
                ];
                (self.label(&group.label), cells)
            })
            .collect();
        let by =
            if stratum.by == By::Age { format!(" ({})", self.t("age")) } else { String::new() };
        let name = with_alias(policy, &format!("{}.{}", stratum.table, stratum.column)) + &by;
        let figure = BarTable {
            title: format!("{}: {name}", self.t("strata")),
            corner: String::new(),
            heads: vec![self.t("share_gone"), self.t("rows_gone"), self.t("persons_gone")],
            widths: vec![230, 160, 120],
            rows,
            line: None,
            label_width: 150,
        };
        Some(StratumPart { name, figure: safe(figure.draw()) })
    }

    /// A label in words.
    pub(super) fn label(&self, label: &Label) -> String {
        match label {
            Label::Value(text) => text.clone(),
            Label::Number(number) => number.to_string(),
            Label::Range(from, to) => format!("{from} – {to}"),
            Label::Year(year) => match self.lang {
                Lang::Ja => format!("{year}年"),
                Lang::En | Lang::Both => year.to_string(),
            },
            Label::Month(year, month) => format!("{year}-{month:02}"),
            Label::Decade(year) => match self.lang {
                Lang::Ja => format!("{year}年代"),
                Lang::En | Lang::Both => format!("{year}s"),
            },
            Label::Age(90) => "90+".to_owned(),
            Label::Age(from) => format!("{from}–{}", from + 9),
            Label::Other(0) => self.t("outside"),
            Label::Other(1) => self.lang.pick("その他 1種", "other: 1 value").into_owned(),
            Label::Other(kinds) => {
                let kinds = grouped(*kinds);
                self.lang
                    .pick(&format!("その他 {kinds}種"), &format!("other: {kinds} values"))
                    .into_owned()
            }
            Label::Missing => self.t("missing"),
        }
    }

    fn columns(&self, facts: &Facts, run: &Run) -> Vec<ColumnTable> {
        facts
            .policy
            .tables
            .iter()
            .zip(&run.tables)
            .map(|(table, table_run)| ColumnTable {
                name: table.name.clone(),
                grain: table.grain.clone(),
                neither: self.neither(&table.columns),
                columns: table
                    .columns
                    .iter()
                    .zip(&table_run.columns)
                    .filter(|(column, _)| !in_neither(column))
                    .map(|(column, column_run)| ColumnLine {
                        name: column.shown(),
                        role: self.lang.pick(&column.role_ja, &column.role).into_owned(),
                        r#type: column.ty.clone(),
                        treatments: column
                            .treatments
                            .iter()
                            .zip(&column_run.tallies)
                            .map(|(treated, tally)| {
                                let mut shares = Vec::new();
                                if treated.released {
                                    for (key, count) in [
                                        ("changed", tally.changed),
                                        ("suppressed", tally.suppressed),
                                    ] {
                                        if count.is_zero() {
                                            continue;
                                        }
                                        let share = share(count, tally.seen)
                                            .map_or_else(|| count.to_string(), percent);
                                        shares.push(format!("{} {share}", self.t(key)));
                                    }
                                }
                                let chosen = treated.chosen.as_ref().map(|chosen| {
                                    let level = called(chosen.years, &chosen.level, self.lang);
                                    format!("{}: {level}", self.t("chosen"))
                                });
                                TreatmentCell {
                                    text: self.lang.of(&treated.text),
                                    chosen: chosen.unwrap_or_default(),
                                    released: treated.released,
                                    share: shares.join(", "),
                                    items: short_items(&treated.items),
                                }
                            })
                            .collect(),
                    })
                    .collect(),
            })
            .collect()
    }

    /// Columns that are dropped from both releases: by role and legal items, the names.
    fn neither(&self, columns: &[ColumnFigures]) -> Vec<String> {
        let mut groups: Vec<(String, Vec<String>)> = Vec::new();
        for column in columns.iter().filter(|c| in_neither(c)) {
            let mut items: Vec<String> = Vec::new();
            for item in column.treatments.iter().flat_map(|t| &t.items) {
                if !items.contains(item) {
                    items.push(item.clone());
                }
            }
            let mut head = self.lang.pick(&column.role_ja, &column.role).into_owned();
            if !items.is_empty() {
                head = format!("{head} ({})", short_items(&items));
            }
            match groups.iter_mut().find(|(h, _)| *h == head) {
                Some((_, names)) => names.push(column.shown()),
                None => groups.push((head, vec![column.shown()])),
            }
        }
        groups.into_iter().map(|(head, names)| format!("{head}: {}", names.join(", "))).collect()
    }

    /// Pictures of distributions: quasi-identifiers and sensitive columns first into the room that there is.
    fn distributions(&self, facts: &Facts, run: &Run) -> (Vec<DistributionTable>, String) {
        let mut order: Vec<ColumnAt> = Vec::new();
        for (t, table) in run.tables.iter().enumerate() {
            for (c, column) in table.columns.iter().enumerate() {
                let told = facts.policy.tables.get(t).and_then(|table| table.columns.get(c));
                let released = told.is_some_and(|column| !in_neither(column));
                if released && (!column.panels.is_empty() || column.too_many) {
                    order.push(ColumnAt { table: t, column: c });
                }
            }
        }
        let first = |at: &ColumnAt| match facts
            .policy
            .tables
            .get(at.table)
            .and_then(|t| t.columns.get(at.column))
            .map(|c| c.role.as_str())
        {
            Some("quasi") => 0,
            Some("sensitive") => 1,
            _ => 2,
        };
        order.sort_by_key(first);
        let mut room = ROOM;
        let mut without = Vec::new();
        let mut done: Vec<(ColumnAt, DistributionPart)> = Vec::new();
        for at in order {
            let ColumnAt { table: t, column: c } = at;
            let Some((table, column)) = facts
                .policy
                .tables
                .get(t)
                .and_then(|table| table.columns.get(c).map(|column| (table, column)))
            else {
                continue;
            };
            let column_run = &run.tables[t].columns[c];
            let figures: Vec<Figure> = column_run
                .panels
                .iter()
                .map(|panel| self.panel(panel, &format!("{}.{}", table.name, column.name)))
                .collect();
            let size: usize = figures.iter().map(|f| f.svg.len()).sum();
            if size > room {
                without.push(format!("{}.{}", table.name, column.name));
                continue;
            }
            room -= size;
            let mut units: Vec<String> = column_run
                .panels
                .iter()
                .map(|p| match p.unit {
                    Unit::Persons => self.t("persons"),
                    Unit::Rows => self.t("rows"),
                })
                .collect();
            units.dedup();
            done.push((
                at,
                DistributionPart {
                    name: column.shown(),
                    unit: units.join(", "),
                    figures: figures.into_iter().map(safe).collect(),
                    note: if column_run.too_many { self.t("too_many") } else { String::new() },
                },
            ));
        }
        done.sort_by_key(|(at, _)| *at);
        let mut tables: Vec<DistributionTable> = Vec::new();
        let mut last = None;
        for (ColumnAt { table: t, .. }, part) in done {
            if last != Some(t) {
                last = Some(t);
                tables.push(DistributionTable {
                    name: facts.policy.tables[t].name.clone(),
                    columns: Vec::new(),
                });
            }
            if let Some(table) = tables.last_mut() {
                table.columns.push(part);
            }
        }
        (tables, without.join(", "))
    }

    fn panel(&self, panel: &Panel, name: &str) -> Figure {
        let sides: Vec<usize> = (0..SIDES).filter(|&s| panel.sides[s]).collect();
        let colours = [GREY, BLUE, GREEN];
        let keys = ["source", "pseudonymized", "anonymized"];
        let most: Vec<f64> = sides
            .iter()
            .map(|&s| {
                panel
                    .groups
                    .iter()
                    .filter_map(|g| g.counts[s])
                    .map(Count::drawn)
                    .fold(1.0, f64::max)
            })
            .collect();
        let rows = panel
            .groups
            .iter()
            .map(|group| {
                let plain = matches!(group.label, Label::Other(_) | Label::Missing);
                let cells = sides
                    .iter()
                    .zip(&most)
                    .map(|(&s, most)| {
                        Some(match group.counts[s] {
                            Some(count) => BarCell {
                                length: count.drawn() / most,
                                text: count.to_string(),
                                hollow: plain,
                                colour: colours[s],
                            },
                            None => BarCell {
                                length: 0.0,
                                text: "≥ 10".to_owned(),
                                hollow: plain,
                                colour: colours[s],
                            },
                        })
                    })
                    .collect();
                (self.label(&group.label), cells)
            })
            .collect();
        BarTable {
            title: format!("{}: {name}", self.t("distributions")),
            corner: String::new(),
            heads: sides.iter().map(|&s| self.t(keys[s])).collect(),
            widths: vec![150; sides.len()],
            rows,
            line: None,
            label_width: 112,
        }
        .draw()
    }

    fn law(&self, law: &super::facts::Law) -> LawLine {
        let mut parts = Vec::new();
        if law.columns > 0 {
            parts.push(format!("{} {}", law.columns, self.t("law.columns")));
        }
        if !law.views.is_empty() {
            parts.push(format!("{}: {}", self.t("view"), law.views.join(", ")));
        }
        if let Some(reason) = &law.reason {
            parts.push(format!("{}: {reason}", self.t("law.not_applicable")));
        }
        if parts.is_empty() {
            parts.push(self.t("law.open"));
        }
        LawLine {
            cite: law.cite.clone(),
            title: self.lang.of(&law.title),
            answer: parts.join("; "),
        }
    }
}

/// Whether the column is dropped from both releases.
fn in_neither(column: &ColumnFigures) -> bool {
    column.treatments.iter().all(|t| !t.released)
}

/// `施行規則18条1号, 施行規則18条4号` is long; one `規則18条` and the numbers are enough.
fn short_items(items: &[String]) -> String {
    let mut by_article: Vec<(String, Vec<String>)> = Vec::new();
    for item in items {
        let short = item.strip_prefix("施行").unwrap_or(item);
        let (article, number) = match short.find('条') {
            Some(at) => short.split_at(at + '条'.len_utf8()),
            None => (short, ""),
        };
        match by_article.iter_mut().find(|(a, _)| a == article) {
            Some((_, numbers)) => numbers.push(number.to_owned()),
            None => by_article.push((article.to_owned(), vec![number.to_owned()])),
        }
    }
    by_article
        .into_iter()
        .map(|(article, numbers)| format!("{article}{}", numbers.join("・")))
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warning(code: &str, ja: &str, en: &str) -> Warning {
        Warning { code: code.to_owned(), text: Both::new(ja, en) }
    }

    #[test]
    fn warnings_of_many_tables_are_one() {
        let all = [
            warning("W1", "表`a`: 除く", "table `a`: aside"),
            warning("W2", "全体", "whole"),
            warning("W1", "表`b`: 除く", "table `b`: aside"),
            warning("W1", "表`b`: 別", "table `b`: other"),
            warning("W2", "全体", "whole"),
        ];
        let grouped: Vec<(String, String)> =
            warnings(&all).into_iter().map(|w| (w.text.ja, w.text.en)).collect();
        let told = |ja: &str, en: &str| (ja.to_owned(), en.to_owned());
        assert_eq!(
            grouped,
            [
                told("表`a`、`b`: 除く", "table `a`, `b`: aside"),
                told("全体", "whole"),
                told("表`b`: 別", "table `b`: other"),
                told("全体", "whole"),
            ]
        );
    }

    #[test]
    fn columns_of_neither_release_are_told_by_role() {
        let treated = |released, item: &str| super::super::facts::Treated {
            technique: String::new(),
            term: String::new(),
            text: Both::default(),
            released,
            items: vec![item.to_owned()],
            chosen: None,
        };
        let column = |name: &str, alias: Option<&str>, role: &str, released| ColumnFigures {
            name: name.to_owned(),
            alias: alias.map(str::to_owned),
            role: role.to_owned(),
            role_ja: role.to_owned(),
            ty: String::new(),
            reason: None,
            because: None,
            treatments: [treated(released, "施行規則33条1号"), treated(false, "施行規則18条1号")],
        };
        let columns = [
            column("氏名", None, "direct", false),
            column("性別", None, "quasi", true),
            column("p1", Some("住所"), "direct", false),
            column("備考", None, "text", false),
        ];
        assert_eq!(
            Words { lang: Lang::En }.neither(&columns),
            [
                "direct (規則33条1号, 規則18条1号): 氏名, p1（住所）",
                "text (規則33条1号, 規則18条1号): 備考"
            ]
        );
    }
}
