//! What the release shows beyond what the policy declares, on the page: implied views, facts that count together, floors.

use super::facts::{Both, Section};
use crate::engine::Made;
use crate::engine::steady::Steady;
use crate::error::small;
use crate::plan::{Plan, ViewColumn};

fn name(plan: &Plan, table: usize, column: usize) -> String {
    format!("{}.{}", plan.tables[table].name, plan.tables[table].columns[column].facts.column)
}

fn names<'a>(plan: &Plan, columns: impl IntoIterator<Item = &'a ViewColumn>) -> String {
    let all: Vec<String> = columns.into_iter().map(|c| name(plan, c.table, c.column)).collect();
    all.join(", ")
}

/// A fact that is the same in all rows of a person and that a view does not count.
#[must_use]
pub fn beside(plan: &Plan, steady: &Steady) -> Both {
    let columns = steady.names(plan);
    let why = steady.because.as_deref();
    Both::new(
        format!(
            "「{columns}」は一人のすべての行で同じで、このビューには数えられていません（表は本人の符号でつながります）。これを知る人には、ビュー「{}」の最小の群は{}人です（k = {}）。{}",
            steady.view,
            small(steady.smallest),
            steady.k,
            why.map(|w| format!("理由: {w}")).unwrap_or_default()
        ),
        format!(
            "`{columns}` is the same in all rows of a person and this view does not count it (tables are joined by the person's token). For who knows it the smallest class of view `{}` has {} persons (k = {}). {}",
            steady.view,
            small(steady.smallest),
            steady.k,
            why.map(|w| format!("Reason: {w}")).unwrap_or_default()
        ),
    )
}

/// The section of a run.
#[must_use]
pub fn section(plan: &Plan, made: &Made) -> Section {
    let mut text = vec![Both::new(
        format!(
            "匿名加工医療情報に現れるすべての値（コード、区分、日付、日数）は、抑制のあとに残った人で数えて{}人以上が持ちます（列に別の人数があるときはその人数）。検査値などの測定値は、両端がその人数以上の群です。",
            plan.floor
        ),
        format!(
            "Every value shown in the anonymized release (code, category, date, count of days) is held by at least {} persons, counted over who is left after suppression (or as many as the column asks for). Of measured numbers both ends are groups of that many.",
            plan.floor
        ),
    )];
    for view in &plan.views {
        if view.implied {
            text.push(Both::new(
                format!("ビュー「{}」は方針にありませんが、表「{}」が準識別子（{}）を出すため、k = {} で加えました。", view.name, plan.tables[view.table].name, names(plan, &view.quasi), view.k),
                format!("View `{}` is not in the policy; it was added with k = {}, because table `{}` releases quasi-identifiers ({}).", view.name, view.k, plan.tables[view.table].name, names(plan, &view.quasi)),
            ));
        }
        let others: Vec<ViewColumn> = view.other_forms().cloned().collect();
        if !others.is_empty() {
            text.push(Both::new(
                format!(
                    "ビュー「{}」では、同じ事実の他の形（{}）も合わせて数えました。",
                    view.name,
                    names(plan, &others)
                ),
                format!(
                    "View `{}` counts other released forms of the same facts as well ({}).",
                    view.name,
                    names(plan, &others)
                ),
            ));
        }
    }
    text.extend(made.steady.iter().map(|steady| beside(plan, steady)));
    let rows = made
        .floors
        .iter()
        .filter(|f| f.joined > 0 || f.rows_removed > 0 || f.few > 0)
        .map(|f| {
            vec![
                name(plan, f.table, f.column),
                f.persons.to_string(),
                f.labels.to_string(),
                f.joined.to_string(),
                if f.rows_removed == 0 {
                    "0".to_owned()
                } else {
                    small(f.rows_removed).to_string()
                },
                if f.tails { f.few.to_string() } else { "—".to_owned() },
            ]
        })
        .collect();
    Section {
        annex: true,
        title: Both::new("公開される値の人数", "Persons behind what is shown"),
        text,
        head: vec![
            Both::new("列", "column"),
            Both::new("下限の人数", "persons at least"),
            Both::new("値の種類", "values"),
            Both::new("まとめた値", "values joined or blanked"),
            Both::new("除いた行", "rows removed"),
            Both::new("両端の間で下限未満の値", "values between the ends of fewer"),
        ],
        rows,
    }
}
