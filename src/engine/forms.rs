//! Values that look alike and are not: a character may stand alone (が) or as a letter with a mark (か + ゛). Both are values of
//! their own for k and in the released file, and one for a reader.

use hashbrown::HashSet;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::partition::Partition;
use crate::error::small;
use crate::plan::{Plan, ViewColumn, Warning};
use crate::say;
use crate::schema::ColumnAt;

/// Texts that are looked at in a column, at most: categories are fewer.
const MOST: usize = 100_000;

/// Texts of a column that are not ASCII alone.
#[derive(Debug)]
struct Looked {
    at: ColumnAt,
    composed: HashSet<String>,
    others: HashSet<String>,
}

/// What was found over all partitions, by table and column of the views.
#[derive(Debug)]
pub(crate) struct Forms {
    columns: Vec<Looked>,
}

impl Forms {
    /// Nothing found yet.
    #[must_use]
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut columns: Vec<ColumnAt> =
            plan.views.iter().flat_map(|v| &v.quasi).map(ViewColumn::at).collect();
        columns.sort_unstable();
        columns.dedup();
        let none = |at| Looked { at, composed: HashSet::new(), others: HashSet::new() };
        Forms { columns: columns.into_iter().map(none).collect() }
    }

    /// Looks at a partition.
    pub(crate) fn look(&mut self, partition: &Partition) {
        for Looked { at, composed, others } in &mut self.columns {
            let cells = &partition.tables[at.table].table.columns[at.column];
            for text in cells.dictionary().texts().filter(|t| !t.is_ascii()) {
                if composed.len() + others.len() >= MOST {
                    break;
                }
                if is_nfc(text) {
                    composed.insert(text.to_owned());
                } else {
                    others.insert(text.to_owned());
                }
            }
        }
    }

    /// What a reader should know.
    #[must_use]
    pub(crate) fn warnings(&self, plan: &Plan) -> Vec<Warning> {
        let mut warnings = Vec::new();
        for Looked { at, composed, others } in &self.columns {
            let mut made = HashSet::new();
            let twice = |text: &&String| {
                let text: String = text.nfc().collect();
                composed.contains(&text) || !made.insert(text)
            };
            let count = others.iter().filter(twice).count() as u64;
            if count == 0 {
                continue;
            }
            let (table, column) = (&plan.tables[at.table].name, &plan.column(*at).facts.column);
            warnings.push(Warning {
                code: "W0310",
                text: say!(
                    "table `{}`, column `{}`: {} values differ from others only in how their characters are put together (Unicode NFC, NFD): they are counted as values of their own, and a reader sees one; bring the file into one form before",
                    table,
                    column,
                    small(count)
                ),
                text_ja: say!(
                    "表`{}`の列`{}`: 文字の組み立て方（UnicodeのNFC・NFD）だけが違う値が{}個ある（別の値として数える。見た目は同じ。事前に一つの形にそろえる）",
                    table,
                    column,
                    small(count)
                ),
                place: None,
            });
        }
        warnings
    }
}
