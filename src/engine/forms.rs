//! Values that look alike and are not: a character may stand alone (が) or as a letter with a mark (か + ゛). Both are values of
//! their own for k and in the released file, and one for a reader.

use hashbrown::HashSet;
use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::partition::Partition;
use crate::error::small;
use crate::plan::{Plan, Warning};
use crate::say;

/// Texts that are looked at in a column, at most: categories are fewer.
const MOST: usize = 100_000;

/// What was found over all partitions, by table and column of the views.
#[derive(Debug)]
pub(crate) struct Forms {
    columns: Vec<(usize, usize, HashSet<String>, HashSet<String>)>,
}

impl Forms {
    /// Nothing found yet.
    #[must_use]
    pub(crate) fn new(plan: &Plan) -> Self {
        let mut places: Vec<(usize, usize)> =
            plan.views.iter().flat_map(|v| &v.quasi).map(|q| (q.table, q.column)).collect();
        places.sort_unstable();
        places.dedup();
        let columns =
            places.into_iter().map(|(t, c)| (t, c, HashSet::new(), HashSet::new())).collect();
        Forms { columns }
    }

    /// Looks at a partition.
    pub(crate) fn look(&mut self, partition: &Partition) {
        for (t, c, composed, others) in &mut self.columns {
            let cells = &partition.tables[*t].table.columns[*c];
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
        for (t, c, composed, others) in &self.columns {
            let mut made = HashSet::new();
            let twice = |text: &&String| {
                let text: String = text.nfc().collect();
                composed.contains(&text) || !made.insert(text)
            };
            let count = others.iter().filter(twice).count() as u64;
            if count == 0 {
                continue;
            }
            let (table, column) =
                (&plan.tables[*t].name, &plan.tables[*t].columns[*c].facts.column);
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
