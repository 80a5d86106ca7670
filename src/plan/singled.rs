//! Whom further facts single out, in words: a line a view, as a terminal says it.

use super::unique::{Unique, ViewUnique, share};

/// A line for each view and one for the numbers of rows, in Japanese and in English.
#[must_use]
pub fn lines(unique: &Unique) -> Vec<[String; 2]> {
    unique.views.iter().map(line).chain(by_rows(unique)).collect()
}

/// One view: by its facts alone, with each fact of the worst combination, with all of them.
fn line(view: &ViewUnique) -> [String; 2] {
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
    [
        format!(
            "ビュー {}: 一人だけが当てはまる行は、ビューの事実だけで {alone}{ja}{limit_ja}",
            view.view
        ),
        format!(
            "view {}: rows that one person alone fits, by its facts alone {alone}{en}{limit_en}",
            view.view
        ),
    ]
}

/// Persons by their classes over all rows and by how many rows they have.
fn by_rows(unique: &Unique) -> Option<[String; 2]> {
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
    Some([
        format!("ほかに同じ人がいない人の割合: {}", ja.join("; ")),
        format!("persons whom nobody else is like, by {}", en.join("; ")),
    ])
}

/// A share in percent, two decimals at most.
#[must_use]
pub fn percent(share: f64) -> String {
    let rounded = format!("{:.2}", share * 100.0);
    format!("{} %", rounded.trim_end_matches('0').trim_end_matches('.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::unique::{Singled, TableUnique, Worst};

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
            [
                "ビュー stay: 一人だけが当てはまる行は、ビューの事実だけで 0 %; + 在院日数 8.8 %; + 主傷病 15.1 %; 後の二つで 70.5 %（上限なし）",
                "view stay: rows that one person alone fits, by its facts alone 0 %; + 在院日数 8.8 %; + 主傷病 15.1 %; the last two together 70.5 % (no limit)",
            ]
        );
        unique.views[0].at_most = Some(0.05);
        unique.views[0].worst[1].facts = vec![0, 2];
        unique.tables.push(TableUnique { table: "ef".into(), persons: 500, alone: 4 });
        let told = lines(&unique);
        assert!(
            told[0][1]
                .contains("0 %; + 主傷病 15.1 %; + 在院日数 8.8 %; + 退院先 <1.0 %; the last two")
        );
        assert!(told[0][1].ends_with("(at most 5 % may be)"));
        // Fewer than ten are told by what they are below.
        assert!(told[1][1].ends_with("the number of rows in ef <2.0 %"));
    }
}
