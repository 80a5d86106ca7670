//! Whom further facts single out, in words: the section of the report's page.

use super::facts::{Both, Extra, Measure, MeasureOf, Section};
use crate::plan::Plan;
use crate::plan::singled::{self, percent};
use crate::plan::unique::{MILLION, Unique, UniquePlan, share};

/// A line for each view and one for the numbers of rows.
#[must_use]
pub fn lines(unique: &Unique) -> Vec<Both> {
    singled::lines(unique).into_iter().map(|[ja, en]| Both::new(ja, en)).collect()
}

/// What a policy asks of a view, before anything is measured.
#[must_use]
pub fn asked(plan: &Plan, of: &UniquePlan) -> Both {
    let names: Vec<String> = of
        .facts
        .iter()
        .map(|f| crate::plan::unique::fact_name(&plan.tables, f.table, f.column).to_string())
        .collect();
    let (m, facts) = (of.m, names.join(", "));
    let (ja, en) = match of.at_most {
        Some(limit) => {
            let percent = percent(limit);
            (
                format!("一人だけに当てはまる行は {percent} まで"),
                format!("at most {percent} of the rows may fit one person alone"),
            )
        }
        None => (
            "一人だけに当てはまる行を数える（上限なし）".to_owned(),
            "the rows that one person alone fits are counted (no limit)".to_owned(),
        ),
    };
    let because = of.because.as_ref().map_or(String::new(), |why| format!(" ({why})"));
    Both::new(
        format!("ビューのほかに次のうち{m}つまでを知る者に対し、{ja}{because}: {facts}"),
        format!("whoever knows up to {m} of these facts beside the view: {en}{because}: {facts}"),
    )
}

/// Adds the measure of each view, and the section with all figures.
#[must_use]
pub fn added(mut extra: Extra, plan: &Plan, unique: &Unique) -> Extra {
    for view in unique.views.iter().filter(|v| !v.facts.is_empty()) {
        let rows = view.most().rows;
        let exact = rows as f64 / view.rows.max(1) as f64;
        // Of fewer than ten rows only a bound is told; the limit holds, or nothing would be published.
        let told = match (rows, view.at_most) {
            (1..=9, limit) => {
                let bound = 10.0 / view.rows.max(10) as f64;
                limit.map_or(bound, |limit| bound.min(limit))
            }
            _ => exact,
        };
        let n = view.worst.last().map_or(0, |w| w.facts.len());
        extra.measures.push(Measure {
            name: Both::new(
                format!("ビューの事実とほかの{n}つの事実で一人に絞られる行の割合（最悪の組）"),
                format!("share of rows that the view's facts and {n} more single out (worst combination)"),
            ),
            place: view.view.clone(),
            before: None,
            after: Some(told),
            threshold: view.at_most,
            of: MeasureOf::UniqueWith,
        });
    }
    if unique.views.is_empty() && unique.tables.is_empty() {
        return extra;
    }
    let mut text = vec![Both::new(
        "k はビューの事実だけを知る者についての保証である。ここでは、同じ行のほかの事実も知る者に対して、公開された一人だけが当てはまる行の割合を、提供するファイルから数えた（docs/risk.ja.md）。",
        "k is a promise about those who know the view's facts. Here is, counted from the files that are provided, the share of rows that exactly one person in them fits for whoever knows further facts of the same row (docs/risk.md).",
    )];
    text.extend(lines(unique));
    for (view, of) in plan.views.iter().zip(&plan.unique) {
        if let Some(why) = &of.because {
            text.push(Both::new(
                format!("ビュー {}: 段階の既定より緩い理由: {why}", view.name),
                format!("view {}: less is asked than by the tier, because: {why}", view.name),
            ));
        }
    }
    let mut rows = Vec::new();
    for view in &unique.views {
        let mut row = |facts: String, singled: &crate::plan::unique::Singled| {
            rows.push(vec![
                view.view.clone(),
                facts,
                share(singled.rows, view.rows).to_string(),
                share(singled.persons, view.persons).to_string(),
                percent(singled.guessed as f64 / (MILLION * view.rows.max(1)) as f64),
            ]);
        };
        row("–".to_owned(), &view.alone);
        for (name, singled) in view.facts.iter().zip(&view.by_fact) {
            row(name.clone(), singled);
        }
        for worst in view.worst.iter().filter(|w| w.facts.len() > 1) {
            let names: Vec<&str> = worst.facts.iter().map(|&f| view.facts[f].as_str()).collect();
            row(names.join(" + "), &worst.singled);
        }
    }
    extra.sections.push(Section {
        annex: false,
        title: Both::new(
            "ビューの外の事実で一人に絞られる行",
            "Rows that facts outside the views single out",
        ),
        text,
        head: vec![
            Both::new("ビュー", "view"),
            Both::new(
                "さらに知られる事実（最後は最悪の組）",
                "facts known beside it (last: the worst combinations)",
            ),
            Both::new("一人だけが当てはまる行", "rows that one person alone fits"),
            Both::new("そうした行のある人", "persons with such a row"),
            Both::new(
                "当てはまる人から当て推量で当たる行",
                "rows found by guessing among those who fit",
            ),
        ],
        rows,
    });
    extra
}
