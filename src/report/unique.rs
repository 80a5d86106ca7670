//! Whom further facts single out, in words: a line a view, and the section of the report's page.

use super::facts::{Both, Extra, Measure, Section};
use crate::plan::Plan;
use crate::plan::unique::{MILLION, Unique, UniquePlan, ViewUnique, share};

/// A line for each view and one for the numbers of rows.
#[must_use]
pub fn lines(unique: &Unique) -> Vec<Both> {
    unique.views.iter().map(line).chain(by_rows(unique)).collect()
}

/// One view: by its facts alone, with each fact of the worst combination, with all of them.
fn line(view: &ViewUnique) -> Both {
    let of = |rows: u64| share(rows, view.rows);
    let (mut ja, mut en) = (String::new(), String::new());
    if let Some(worst) = view.worst.last() {
        // A fact that singles out more by itself than those of the worst combination stands first.
        let by_itself = |f: &usize| view.by_fact[*f].rows;
        let inside = worst.facts.iter().map(by_itself).max().unwrap_or(0);
        let strongest = view.worst.first().map(|w| w.facts.as_slice()).unwrap_or_default();
        let mut shown: Vec<usize> =
            strongest.iter().copied().filter(|f| by_itself(f) > inside).collect();
        shown.extend(&worst.facts);
        for fact in shown {
            let more = format!("; + {} {}", view.facts[fact], of(view.by_fact[fact].rows));
            ja.push_str(&more);
            en.push_str(&more);
        }
        let all = of(worst.singled.rows);
        match worst.facts.len() {
            0 | 1 => {}
            2 => {
                ja.push_str(&format!("; 後の二つで {all}"));
                en.push_str(&format!("; the last two together {all}"));
            }
            n => {
                ja.push_str(&format!("; 後の{n}つで {all}"));
                en.push_str(&format!("; the last {n} together {all}"));
            }
        }
    }
    let (limit_ja, limit_en) = match view.at_most {
        Some(limit) => {
            let percent = percent(limit);
            (format!("（上限 {percent}）"), format!(" (at most {percent} may be)"))
        }
        None => ("（上限なし）".to_owned(), " (no limit)".to_owned()),
    };
    let alone = of(view.alone.rows);
    Both::new(
        format!(
            "ビュー {}: 一人だけが当てはまる行は、ビューの事実だけで {alone}{ja}{limit_ja}",
            view.view
        ),
        format!(
            "view {}: rows that one person alone fits, by its facts alone {alone}{en}{limit_en}",
            view.view
        ),
    )
}

/// Persons by their classes over all rows and by how many rows they have.
fn by_rows(unique: &Unique) -> Option<Both> {
    let mut parts: Vec<(String, String)> = Vec::new();
    for view in &unique.views {
        let (set, all) = (share(view.by_set, view.persons), share(view.by_rows, view.persons));
        let name = &view.view;
        parts.push((
            format!("ビュー {name} の区分の組 {set}（回数も数えて {all}）"),
            format!("the set of classes in view {name} {set} (with repetitions {all})"),
        ));
    }
    for table in &unique.tables {
        let (name, alone) = (&table.table, share(table.alone, table.persons));
        parts.push((
            format!("{name} の行数 {alone}"),
            format!("the number of rows in {name} {alone}"),
        ));
    }
    if unique.tables.len() > 1 {
        let alone = share(unique.alone, unique.persons);
        parts.push((format!("これらの行数の組 {alone}"), format!("all these numbers {alone}")));
    }
    if parts.is_empty() {
        return None;
    }
    let (ja, en): (Vec<String>, Vec<String>) = parts.into_iter().unzip();
    Some(Both::new(
        format!("ほかに同じ人がいない人の割合: {}", ja.join("; ")),
        format!("persons whom nobody else is like, by {}", en.join("; ")),
    ))
}

fn percent(share: f64) -> String {
    let rounded = format!("{:.2}", share * 100.0);
    format!("{} %", rounded.trim_end_matches('0').trim_end_matches('.'))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::unique::{Singled, TableUnique, Worst};

    fn singled(rows: u64) -> Singled {
        Singled { rows, persons: rows, guessed: 0 }
    }

    #[test]
    fn a_view_is_one_line() {
        let view = ViewUnique {
            view: "stay".into(),
            rows: 1000,
            persons: 900,
            facts: vec!["在院日数".into(), "主傷病".into(), "退院先".into()],
            by_fact: vec![singled(88), singled(151), singled(3)],
            worst: vec![
                Worst { facts: vec![1], singled: singled(151) },
                Worst { facts: vec![0, 1], singled: singled(705) },
            ],
            ..ViewUnique::default()
        };
        let mut unique = Unique { views: vec![view], ..Unique::default() };
        assert_eq!(
            lines(&unique)[0],
            Both::new(
                "ビュー stay: 一人だけが当てはまる行は、ビューの事実だけで 0 %; + 在院日数 8.8 %; + 主傷病 15.1 %; 後の二つで 70.5 %（上限なし）",
                "view stay: rows that one person alone fits, by its facts alone 0 %; + 在院日数 8.8 %; + 主傷病 15.1 %; the last two together 70.5 % (no limit)",
            )
        );
        unique.views[0].at_most = Some(0.05);
        unique.views[0].worst[1].facts = vec![0, 2];
        unique.tables.push(TableUnique { table: "ef".into(), persons: 500, alone: 4 });
        let told = lines(&unique);
        assert!(
            told[0]
                .en
                .contains("0 %; + 主傷病 15.1 %; + 在院日数 8.8 %; + 退院先 <1.0 %; the last two")
        );
        assert!(told[0].en.ends_with("(at most 5 % may be)"));
        // Fewer than ten are told by what they are below.
        assert!(told[1].en.ends_with("the number of rows in ef <2.0 %"));
    }
}
