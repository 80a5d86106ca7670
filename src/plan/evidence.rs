//! Which columns, treatments and views answer each legal item.

use serde::Serialize;

use super::Plan;
use crate::error::Name;
use crate::law::Item;
use crate::schema::Role;

/// How one item is answered.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ItemEvidence {
    /// The item.
    pub item: Item,
    /// Its citation.
    pub cite: &'static str,
    /// Columns and treatments.
    pub answered_by: Vec<Answer>,
    /// Views (規則18条5号).
    pub views: Vec<Name>,
    /// Why there is nothing to answer.
    pub reason: Option<Name>,
}

/// A column with its treatment.
#[derive(Clone, Debug, Serialize)]
pub struct Answer {
    /// The table.
    pub table: Name,
    /// The column.
    pub column: Name,
    /// The technique.
    pub treatment: &'static str,
    /// In words, Japanese.
    pub ja: String,
    /// In words, English.
    pub en: String,
}

/// The evidence for all items of the releases that are made.
#[must_use]
pub fn legal_evidence(plan: &Plan) -> Vec<ItemEvidence> {
    let mut all = Vec::new();
    for &kind in &plan.releases {
        for &item in Item::of(kind) {
            let mut answered_by = Vec::new();
            for (t, table) in plan.tables.iter().enumerate() {
                for (c, column) in table.columns.iter().enumerate() {
                    let floor = plan.floor_of(t, c).filter(|_| item == Item::A4);
                    let treatment = &column.treatment(kind).treatment;
                    if answers(item, column.facts.role, treatment.doc().items) {
                        let (ja, en) = treatment.describe();
                        answered_by.push(Answer {
                            table: table.name.clone(),
                            column: column.facts.column.clone(),
                            treatment: treatment.doc().name,
                            ja,
                            en,
                        });
                    } else if let Some(floor) = floor {
                        let n = floor.persons;
                        let (ja, en) = match floor.tails {
                            true if floor.if_measured => (
                                format!("{n}人未満の値を表示しない（明らかな測定値では両端）"),
                                format!(
                                    "no value of fewer than {n} persons is shown (of plain measures, neither end)"
                                ),
                            ),
                            true => (
                                format!("両端を{n}人以上の群にまとめる"),
                                format!("both ends are groups of at least {n} persons"),
                            ),
                            false => (
                                format!("{n}人未満の値を表示しない"),
                                format!("no value of fewer than {n} persons is shown"),
                            ),
                        };
                        answered_by.push(Answer {
                            table: table.name.clone(),
                            column: column.facts.column.clone(),
                            treatment: treatment.doc().name,
                            ja,
                            en,
                        });
                    }
                }
            }
            let views = match item {
                Item::A5 => plan.views.iter().map(|v| v.name.clone()).collect(),
                _ => Vec::new(),
            };
            let reason = plan.not_applicable.get(item.key()).cloned();
            all.push(ItemEvidence {
                item,
                cite: plan.profile.cite(item),
                answered_by,
                views,
                reason,
            });
        }
    }
    all
}

/// Whether a treatment of a column of a role answers an item.
fn answers(item: Item, role: Role, items: &[Item]) -> bool {
    items.contains(&item) && item.roles().contains(&role)
}
