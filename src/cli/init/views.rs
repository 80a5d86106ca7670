//! The first views of a draft, with the k that they would reach in the sample.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::{Draft, TableDraft, keys, quoted};
use crate::error::small;
use crate::frame::{Column, MISSING};
use crate::schema::codes;
use crate::text::date;

/// A quasi-identifier as it would be shown in a first try: its name, what is done with it, a label a row.
struct Coarse {
    name: String,
    how: &'static str,
    labels: Vec<String>,
}

/// A column as it would be shown: birth dates by ten years, other days by the year, places by the prefecture.
fn coarse(name: &str, draft: &Draft, cells: &Column) -> Coarse {
    let (how, label): (&'static str, Box<dyn Fn(&str) -> String>) =
        if draft.extra.contains("kind = \"birth\"") {
            let decade =
                |t: &str| date::parse(t).map_or_else(String::new, |w| (w.year / 10).to_string());
            ("10年ごと / ten years", Box::new(decade))
        } else if draft.ty.is_date() {
            let year = |t: &str| date::parse(t).map_or_else(String::new, |w| w.year.to_string());
            ("年 / year", Box::new(year))
        } else if let Some(system) = ["postal", "municipality"]
            .into_iter()
            .find(|s| draft.extra.contains(&format!("code = \"{s}\"")))
        {
            let up = move |t: &str| {
                codes::system(system).and_then(|s| s.up(t, "prefecture")).unwrap_or_default()
            };
            ("都道府県 / prefecture", Box::new(up))
        } else {
            ("そのまま / as it is", Box::new(str::to_owned))
        };
    let texts: Vec<String> = cells.dictionary().texts().map(label).collect();
    let labels = cells.codes().iter().map(|&c| match c {
        MISSING => String::new(),
        code => texts[code as usize].clone(),
    });
    Coarse { name: name.to_owned(), how, labels: labels.collect() }
}

/// The persons of the smallest class.
fn k(columns: &[&Coarse], persons: &[u32]) -> u64 {
    let mut classes: BTreeMap<Vec<&str>, BTreeSet<u32>> = BTreeMap::new();
    for (row, &person) in persons.iter().enumerate() {
        let class = columns.iter().map(|c| c.labels[row].as_str()).collect();
        classes.entry(class).or_default().insert(person);
    }
    classes.values().map(|p| p.len() as u64).min().unwrap_or(0)
}

/// The release's tier and a view for each table of persons and stays, with the k of a first try.
pub(super) fn proposed(tables: &[&TableDraft], keys: &keys::Found) -> String {
    let mut text = "\n# 規則18条5号: 準識別子を人数で数えるビュー / item 5: views in which k counts distinct persons\n[anonymized]\ntier = \"research\"        # controlled (k = 5), research (10), public (12)\n".to_owned();
    let mut any = false;
    for table in tables {
        let (grain, _) = keys.grain(table);
        let quasi: Vec<Coarse> = table
            .columns
            .iter()
            .zip(&table.cells)
            .filter(|((_, d), _)| d.role == "quasi")
            .map(|((name, d), cells)| coarse(name, d, cells))
            .collect();
        let person = keys
            .person_of(table)
            .and_then(|name| table.columns.iter().position(|(n, _)| n == name));
        let Some(person) = person.filter(|_| grain != "event" && !quasi.is_empty()) else {
            continue;
        };
        any = true;
        let listed: Vec<String> =
            quasi.iter().map(|c| quoted(&format!("{}.{}", table.id, c.name))).collect();
        let _ = writeln!(
            text,
            "[[anonymized.view]]\nname = \"{}\"\ngrain = \"{}\"\nquasi = [{}]",
            table.id,
            table.id,
            listed.join(", ")
        );
        let persons = table.cells[person].codes();
        let all: Vec<&Coarse> = quasi.iter().collect();
        let how: Vec<String> = all.iter().map(|c| format!("{}（{}）", c.name, c.how)).collect();
        let _ = writeln!(
            text,
            "# 標本 {} 行での試算 / a try on {} rows: {}: k = {}",
            persons.len(),
            persons.len(),
            how.join(", "),
            small(k(&all, persons))
        );
        for (without, left_out) in all.iter().enumerate() {
            let rest: Vec<&Coarse> =
                all.iter().enumerate().filter(|(c, _)| *c != without).map(|(_, c)| *c).collect();
            if !rest.is_empty() {
                let reached = small(k(&rest, persons));
                let _ = writeln!(text, "#   {} なし / without: k = {reached}", left_out.name);
            }
        }
    }
    if !any {
        text.push_str("# [[anonymized.view]]\n# name = \"person\"\n# grain = \"...\"\n# quasi = [\"table.column\", ...]\n");
    }
    text
}
