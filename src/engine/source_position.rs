//! Where a row stood in the source: its number over all files of its table, in the order of their names.
//!
//! A number of 64 bits travels as two columns of text with few distinct values each, so that it needs no way of its own
//! through partitions and spill files; both sort as the numbers do.

use crate::frame::{Column, Interner, MISSING};

pub use crate::plan::shape::SOURCE_POSITION_WIDTH as WIDTH;

/// The source positions of rows: `before` rows stood in earlier files, and `rows` are their numbers in this one.
#[must_use]
pub fn columns(before: u64, rows: &[u64]) -> [Column; WIDTH] {
    let mut low = Interner::new();
    let mut known = vec![MISSING; 1 << 16];
    let mut high = Interner::new();
    let mut last = None;
    let mut codes = [Vec::with_capacity(rows.len()), Vec::with_capacity(rows.len())];
    for &row in rows {
        let place = before + row;
        let (head, tail) = (place >> 16, (place & 0xffff) as usize);
        let head = match last {
            Some((known, code)) if known == head => code,
            _ => high.intern(&format!("{head:012x}")),
        };
        last = Some((place >> 16, head));
        if known[tail] == MISSING {
            known[tail] = low.intern(&format!("{tail:04x}"));
        }
        codes[0].push(head);
        codes[1].push(known[tail]);
    }
    let [heads, tails] = codes;
    [Column::new(heads, high.finish().into()), Column::new(tails, low.finish().into())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_sort_as_numbers() {
        let rows = [1, 2, 65_534, 65_535, 65_536, 65_537, 9_999_999];
        let [high, low] = columns(3, &rows);
        let texts: Vec<String> = (0..rows.len())
            .map(|r| format!("{}{}", high.text(r).unwrap(), low.text(r).unwrap()))
            .collect();
        assert!(texts.windows(2).all(|w| w[0] < w[1]), "{texts:?}");
        let numbers: Vec<u64> = texts.iter().map(|t| u64::from_str_radix(t, 16).unwrap()).collect();
        assert_eq!(numbers, rows.map(|r| r + 3));
    }
}
