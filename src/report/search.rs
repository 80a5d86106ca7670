//! The search for levels on the page: the curve of cost against suppression, and what one level more or less would give.

use super::facts::{Both, Extra, Point, Section, Tradeoff};
use crate::engine::search::{Choice, Searched};
use crate::error::small;
use crate::plan::Plan;

/// What the search adds to the report of a run.
#[must_use]
pub fn extra(plan: &Plan, searched: Option<&Searched>) -> Extra {
    let Some(found) = searched else { return Extra::default() };
    let rows: u64 = found.chosen.suppressed.iter().sum();
    let mut points: Vec<Point> = Vec::new();
    let mut all = vec![&found.chosen];
    all.extend(found.runners.iter().chain(&found.neighbours));
    for choice in all {
        let suppressed: u64 = choice.suppressed.iter().sum();
        let point = Point {
            // Small counts of rows are not told: they are drawn at the place of ten.
            x: suppressed.max(10) as f64,
            y: choice.cost.figure(),
            chosen: choice.levels == found.chosen.levels,
            note: choice.levels.iter().map(|l| l.as_str()).collect::<Vec<_>>().join(", "),
        };
        if !points.iter().any(|p| p.note == point.note) {
            points.push(point);
        }
    }
    points.sort_by(|a, b| a.x.total_cmp(&b.x).then(a.y.total_cmp(&b.y)));
    let tradeoff = (points.len() > 1).then(|| Tradeoff {
        across: Both::new("抑制される行（10行未満は10）", "rows suppressed (below 10 as 10)"),
        up: Both::new(
            format!("費用（{}）", found.objective),
            format!("cost ({})", found.objective),
        ),
        points,
    });
    let proof = if found.exact {
        Both::new(
            format!(
                "{} 通りの組み合わせのうち最良であることが証明されています（{} 通りを評価、{} 通りは条件により、{} 通りは費用の下限により除外）。抑制は {} 行です。",
                found.nodes,
                found.evaluated,
                found.pruned_by_models,
                found.pruned_by_bound,
                small(rows)
            ),
            format!(
                "Proven best of {} combinations ({} evaluated, {} ruled out by what must hold, {} by the bound of the cost). {} rows are suppressed.",
                found.nodes,
                found.evaluated,
                found.pruned_by_models,
                found.pruned_by_bound,
                small(rows)
            ),
        )
    } else {
        let gap = found.gap.map_or("—".to_owned(), |g| format!("{:.2} %", g * 100.0));
        Both::new(
            format!(
                "時間切れのため、最良とは証明されていません。証明された下限との差は {gap} です。"
            ),
            format!(
                "The time was over: not proven to be the best. The gap to the proven bound is {gap}."
            ),
        )
    };
    let row = |choice: &Choice| {
        let changed = found
            .columns
            .iter()
            .zip(&choice.levels)
            .zip(&found.chosen.levels)
            .find(|((_, new), old)| new != old)
            .map_or(String::new(), |((column, new), old)| {
                format!("{}: {old} → {new}", column.name)
            });
        let suppressed = plan
            .views
            .iter()
            .zip(&choice.suppressed)
            .map(|(v, &n)| format!("{}: {}", v.name, small(n)))
            .collect::<Vec<_>>()
            .join(", ");
        let verdict = if choice.feasible { "○" } else { "×" };
        vec![changed, format!("{:.4}", choice.cost.figure()), suppressed, verdict.to_owned()]
    };
    let chosen = found
        .columns
        .iter()
        .zip(&found.chosen.levels)
        .map(|(column, level)| format!("{}: {level}", column.name))
        .collect::<Vec<_>>()
        .join(", ");
    let section = Section {
        annex: false,
        title: Both::new("レベルの選択", "Choice of levels"),
        text: vec![
            Both::new(format!("選ばれたレベル: {chosen}"), format!("Chosen levels: {chosen}")),
            proof,
        ],
        head: vec![
            Both::new("一段の変更", "one level changed"),
            Both::new("費用", "cost"),
            Both::new("抑制行数", "rows suppressed"),
            Both::new("可否", "possible"),
        ],
        rows: found.neighbours.iter().map(row).collect(),
    };
    Extra { tradeoff, sections: vec![section], ..Extra::default() }
}
