//! The two releases side by side on the page: how many persons can be found in the other release by content.

use super::facts::{Both, Extra, Section};
use crate::error::small;
use crate::proof::joins::{Found, Joins};

/// Adds the section and the share to the report of a run.
pub fn add(extra: &mut Extra, joins: &Joins) {
    extra.sections.push(section(joins));
    extra.joined = (joins.persons > 0).then(|| joins.share(joins.both.persons));
}

fn section(joins: &Joins) -> Section {
    let row = |what: String, found: &Found, by: String| {
        vec![what, small(found.persons).to_string(), joins.share(found.persons), by]
    };
    let mut rows = vec![
        row("内容 / facts".to_owned(), &joins.facts, joins.facts.by.join(", ")),
        row("行数 / rows".to_owned(), &joins.rows, joins.rows.by.join(", ")),
        row("両方 / both".to_owned(), &joins.both, joins.both.by.join(", ")),
    ];
    for column in &joins.columns {
        rows.push(row(column.by.join(", "), column, String::new()));
    }
    Section {
        annex: false,
        title: Both::new("二つの提供物の突合", "The two releases side by side"),
        text: vec![Both::new(
            format!(
                "符号では結び付きませんが、内容では結び付きます。匿名加工の {} 人のうち {} 人（{}）は、同じ内容の人が仮名加工にちょうど一人だけいます。列の値が両方で同じものだけを比べた下限の値です。同じ相手に両方を渡さないでください。",
                small(joins.persons),
                small(joins.both.persons),
                joins.share(joins.both.persons)
            ),
            format!(
                "No code joins them; content can. Of {} persons of the anonymized release, {} ({}) have exactly one person with the same content in the pseudonymized one. Only what is equal in both is compared: a lower bound. Do not give both to one recipient.",
                small(joins.persons),
                small(joins.both.persons),
                joins.share(joins.both.persons)
            ),
        )],
        head: vec![
            Both::new("何によって", "by what"),
            Both::new("一致する人数", "persons found"),
            Both::new("割合", "share"),
            Both::new("列・表", "columns, tables"),
        ],
        rows,
    }
}
