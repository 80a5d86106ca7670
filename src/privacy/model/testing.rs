//! Random merges, against which every model's claims are held.

use super::{Class, Merging, Model, Whole};

/// A small generator of numbers; the tests are the same on every machine.
pub(crate) struct Dice(pub u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

fn counted(counts: &[u64]) -> Vec<(u32, u64)> {
    counts.iter().enumerate().filter(|(_, n)| **n > 0).map(|(c, &n)| (c as u32, n)).collect()
}

fn judge<T>(counts: &[u64], population: u64, of: impl Fn(&Class<'_>) -> T) -> T {
    let persons: u64 = counts.iter().sum();
    let sensitive = counted(counts);
    of(&Class { rows: persons, persons, population: Some(population), sensitive: &[&sensitive] })
}

/// Merges random classes of persons with one value each and holds the model to its words: what merging keeps, that the necessary
/// condition is necessary and survives merging. Also that no weaker claim is made than random merges allow, and that the
/// premises were met often enough for all this to mean something.
pub(crate) fn prove(model: &dyn Model) {
    let mut dice = Dice(7);
    let (mut one, mut both, mut broken_any, mut broken_both, mut refused) = (0, 0, 0, 0, 0);
    for _ in 0..6000 {
        let codes = 1 + dice.below(5) as usize;
        let most = [1, 2, 4, 9, 30][dice.below(5) as usize];
        let mut class = || -> Vec<u64> {
            let mut counts: Vec<u64> = (0..codes)
                .map(|_| if dice.below(4) == 0 { 0 } else { dice.below(most + 1) })
                .collect();
            if counts.iter().sum::<u64>() == 0 {
                counts[0] = 1;
            }
            counts
        };
        let (a, b, rest) = (class(), class(), class());
        let (more_a, more_b) = (dice.below(30), dice.below(30));
        let merged: Vec<u64> = a.iter().zip(&b).map(|(x, y)| x + y).collect();
        let all: Vec<u64> = merged.iter().zip(&rest).map(|(x, y)| x + y).collect();
        let whole = Whole {
            rows: all.iter().sum(),
            persons: all.iter().sum(),
            sensitive: vec![counted(&all)],
        };
        let (pa, pb) = (a.iter().sum::<u64>() + more_a, b.iter().sum::<u64>() + more_b);
        let holds = |counts: &[u64], p| judge(counts, p, |c| model.class_holds(c, &whole));
        let may = |counts: &[u64], p| judge(counts, p, |c| model.may_hold(c, &whole));
        let (ha, hb, hm) = (holds(&a, pa), holds(&b, pb), holds(&merged, pa + pb));
        one += u32::from(ha || hb);
        both += u32::from(ha && hb);
        broken_any += u32::from((ha || hb) && !hm);
        broken_both += u32::from(ha && hb && !hm);
        refused += u32::from(!ha);
        assert!(!ha || may(&a, pa), "{model:?}: {a:?} holds and may not");
        assert!(!may(&a, pa) || may(&merged, pa + pb), "{model:?}: {a:?} may, with {b:?} not");
    }
    assert!(one > 100 && both > 50 && refused > 50, "{model:?}: {one} {both} {refused}");
    match model.merging() {
        Merging::Any => assert_eq!(broken_any, 0, "{model:?}"),
        Merging::BothHold => {
            assert_eq!(broken_both, 0, "{model:?}");
            assert!(broken_any > 0, "{model:?} could claim more");
        }
        Merging::Unknown => assert!(broken_both > 0, "{model:?} could claim more"),
    }
}
