//! Laboratory panels and other set-valued data: how many known values of a person are enough.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::json;

use super::Doc;
use super::figure::{Figure, Subject, Told};
use crate::Estimate;
use crate::error::{Result, small};
use crate::frame::MISSING;

/// What this figure is.
pub const DOC: Doc = Doc {
    name: "panel",
    title: "Uniqueness by m values of a person",
    title_ja: "検査値 m 個による一意率",
    definition: "share of the persons with at least m values whom m of them single out: m drawn at random (expected), and the m rarest (a strong attacker)",
    definition_ja: "m 個以上の値を持つ人のうち、m 個の値で一人に絞られる割合。無作為の m 個(期待値)と最も稀な m 個(強い攻撃者)",
    source: "unicity: de Montjoye et al., Unique in the Crowd, Scientific Reports 3:1376 (2013); laboratory values: Atreya et al., JAMIA 20 (2013)",
    limits: "exact values; an attacker who knows values roughly, or their order in time, is another one. Over at most 20,000 persons, evenly spaced",
    limits_ja: "値が正確に知られている場合。おおよその値や時間順を知る攻撃者は別。最大 20,000 人を等間隔に評価",
};

/// Persons that are looked at at most.
pub const MOST_PERSONS: usize = 20_000;

/// The figure for a number of known values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Panel {
    /// Known values, m.
    pub known: usize,
    /// Persons with at least m distinct values.
    pub persons: u64,
    /// Share of them singled out by m of their values drawn at random.
    pub random: Estimate,
    /// Share of them singled out by their m rarest values.
    pub rarest: Estimate,
}

/// Distinct items by person, and persons by item.
pub struct Panels {
    persons: Vec<Vec<u32>>,
    holders: Vec<Vec<u32>>,
}

impl Panels {
    /// From pairs of a person and an item (a code such as that of a test with its result); missing items are left out.
    #[must_use]
    pub fn new(persons: &[u32], items: &[u32]) -> Self {
        let mut pairs: Vec<(u32, u32)> = persons
            .iter()
            .copied()
            .zip(items.iter().copied())
            .filter(|&(_, item)| item != MISSING)
            .collect();
        pairs.par_sort_unstable();
        pairs.dedup();
        let most = pairs.iter().map(|p| p.1 as usize + 1).max().unwrap_or(0);
        let mut result = Panels { persons: Vec::new(), holders: vec![Vec::new(); most] };
        for of_one in pairs.chunk_by(|a, b| a.0 == b.0) {
            let person = result.persons.len() as u32;
            for &(_, item) in of_one {
                result.holders[item as usize].push(person);
            }
            result.persons.push(of_one.iter().map(|p| p.1).collect());
        }
        result
    }

    /// Whether nobody else has all these items.
    fn single(&self, person: u32, known: &[u32]) -> bool {
        let Some(rarest) = known.iter().min_by_key(|&&item| self.holders[item as usize].len())
        else {
            return false;
        };
        !self.holders[*rarest as usize].iter().any(|&other| {
            other != person
                && known.iter().all(|item| self.persons[other as usize].binary_search(item).is_ok())
        })
    }

    /// The figure for `known` values. The drawing is the same in every run.
    #[must_use]
    pub fn unicity(&self, known: usize) -> Panel {
        let able: Vec<u32> = (0..self.persons.len() as u32)
            .filter(|&p| self.persons[p as usize].len() >= known.max(1))
            .collect();
        let step = able.len().div_ceil(MOST_PERSONS).max(1);
        let looked: Vec<u32> = able.iter().copied().step_by(step).collect();
        let share = |pick: &(dyn Fn(u32) -> Vec<u32> + Sync)| {
            let single = looked.par_iter().filter(|&&p| self.single(p, &pick(p))).count();
            Estimate::checked(single as f64 / looked.len() as f64, "no person has so many values")
        };
        let random = share(&|person| {
            let mut items = self.persons[person as usize].clone();
            let mut draw = ChaCha12Rng::seed_from_u64(known as u64);
            draw.set_stream(u64::from(person));
            for at in 0..known {
                let rest = (items.len() - at) as u64;
                let chosen = at + (draw.next_u64() % rest) as usize;
                items.swap(at, chosen);
            }
            items.truncate(known);
            items
        });
        let rarest = share(&|person| {
            let mut items = self.persons[person as usize].clone();
            items.sort_by_key(|&item| (self.holders[item as usize].len(), item));
            items.truncate(known);
            items
        });
        Panel { known, persons: able.len() as u64, random, rarest }
    }
}

/// The figure for the registry.
pub(super) struct Known;

impl Figure for Known {
    fn docs(&self) -> &'static [&'static Doc] {
        &[&DOC]
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let Some((persons, items)) = &of.known else { return Ok(()) };
        told.section(&DOC);
        let panels = Panels::new(persons, items);
        let mut found = Vec::new();
        for known in [1, 3, 5, 7] {
            let figure = panels.unicity(known);
            let able = small(figure.persons);
            told.text(format!("  {known} known: {able} persons have as many"));
            told.figure("singled out by values drawn at random", figure.random);
            told.figure("singled out by the rarest values", figure.rarest);
            found.push(json!({
                "known": known, "persons": able, "random": figure.random, "rarest": figure.rarest,
            }));
        }
        told.put("panel", found);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rarest_values_single_out_first() {
        // Persons 0 and 1 share items 0 and 1; person 0 alone has item 2.
        let panels = Panels::new(&[0, 0, 0, 1, 1, 1], &[0, 1, 2, 0, 1, MISSING]);
        let one = panels.unicity(1);
        assert_eq!((one.persons, one.rarest), (2, Estimate::Value(0.5)));
        let three = panels.unicity(3);
        assert_eq!(
            (three.persons, three.random, three.rarest),
            (1, Estimate::Value(1.0), Estimate::Value(1.0))
        );
        assert!(panels.unicity(4).random.value().is_none());
        assert!(Panels::new(&[], &[]).unicity(3).rarest.value().is_none());
    }

    #[test]
    fn more_values_never_single_out_fewer() {
        let persons: Vec<u32> = (0..4000).map(|i| i / 10).collect();
        let mut draw = ChaCha12Rng::seed_from_u64(1);
        let items: Vec<u32> = (0..4000).map(|_| (draw.next_u64() % 30) as u32).collect();
        let panels = Panels::new(&persons, &items);
        let shares: Vec<f64> =
            [1, 3, 5, 7].iter().map(|&m| panels.unicity(m).rarest.value().unwrap()).collect();
        assert!(shares.is_sorted(), "{shares:?}");
        assert!(shares[3] > 0.95, "{shares:?}");
    }
}
