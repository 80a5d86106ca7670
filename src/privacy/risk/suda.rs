//! SUDA2: minimal sample uniques, their scores, and the share of each column.

use rayon::prelude::*;
use serde_json::json;

use super::Doc;
use super::figure::{Dear, Figure, Subject, Told, only_with};
use super::groups::{Groups, Items, MANY};
use super::subsets;
use crate::error::{Error, Result};
use crate::frame::MISSING;
use crate::say;
use crate::{Estimate, Reading, View};

/// What this figure is.
pub const DOC: Doc = Doc {
    name: "suda",
    title: "Special uniques (SUDA2)",
    title_ja: "特殊一意(SUDA2)",
    definition: "minimal sets of columns on which a row is unique (MSU); score of a row = Σ (m−|S|)! over its MSUs S of m columns; DIS-SUDA scales the scores to the expected risk of a match",
    definition_ja: "行が一意となる極小の列集合 (MSU)。m 列の行の得点 = Σ (m−|S|)!。DIS-SUDA は得点を一致リスクの期待値に合わせる",
    source: "Elliot, Manning & Ford, Int. J. Uncertainty 10 (2002); Manning, Haglin & Keane, Data Min. Knowl. Disc. 16 (2008); DIS: Skinner & Elliot, JRSS B 64 (2002)",
    limits: "ranks rows, it is not a probability; DIS needs the sampling fraction",
    limits_ja: "順位付けであり確率ではない。DIS には抽出率が必要",
};

/// Most columns that are searched.
pub const MOST_COLUMNS: usize = 32;

/// Minimal sample uniques and scores.
#[derive(Clone, Debug)]
pub struct Suda {
    /// Score by row; 0 without an MSU.
    pub score: Vec<f64>,
    /// DIS-SUDA score by row, 0 to 1; 0 without an MSU.
    pub dis: Vec<f64>,
    /// Size of the smallest MSU by row; 0 without one.
    pub smallest: Vec<u32>,
    /// For each column the share of the total score that lies in MSUs with it, 0 to 1.
    pub contribution: Vec<f64>,
    /// MSUs by size: `[0]` is the number of MSUs of one column. A class of equal rows of a person counts once.
    pub msus: Vec<u64>,
    /// Expected share of right matches among unique matches (DIS).
    pub match_risk: Estimate,
    /// Largest MSU that was searched for.
    pub most: usize,
}

/// The measure DIS of Skinner and Elliot: U π / (U π + 2 P (1 − π)), with U uniques, P pairs and the sampling fraction π.
#[must_use]
pub fn match_risk(uniques: u64, pairs: u64, fraction: f64) -> Estimate {
    let (u, p) = (uniques as f64 * fraction, 2.0 * pairs as f64 * (1.0 - fraction));
    Estimate::checked(u / (u + p), "neither uniques nor pairs in the sample")
}

/// Searches the MSUs of up to `most` columns (0: all) and scores them. `fraction` is the sampling fraction for DIS, 0 to 1.
///
/// With [`Reading::OwnCategory`] a missing cell is a value, with [`Reading::MatchesNothing`] it is in no MSU and matches nothing.
///
/// # Errors
/// `V0102` for another reading or more than [`MOST_COLUMNS`] columns.
pub fn suda(view: &View<'_>, reading: Reading, fraction: f64, most: usize) -> Result<Suda> {
    let columns = view.columns().len();
    if reading == Reading::MatchesEverything || columns > MOST_COLUMNS {
        return Err(Error::policy(
            "V0102",
            say!(
                "special uniques are searched in up to {} columns, with missing cells as a value or as nothing",
                MOST_COLUMNS
            ),
        ));
    }
    let most = if most == 0 { columns } else { most.min(columns) };
    let items = Items::of(view);
    let mut found = descend(
        &Search { items: &items, drop_missing: reading == Reading::MatchesNothing, most },
        &Groups::whole(items.owner.len()),
        columns,
        0,
    );
    // Sets of an item in ascending size: one is minimal if it contains none of those before.
    found.par_sort_unstable_by_key(|&(item, set)| (item, set.count_ones(), set));
    let mut result = Suda {
        score: vec![0.0; items.owner.len()],
        dis: Vec::new(),
        smallest: vec![0; items.owner.len()],
        contribution: vec![0.0; columns],
        msus: vec![0; most],
        match_risk: Estimate::NotAvailable("not computed"),
        most,
    };
    // Π (m−i) for i = k..most, which is (m−k)! when all sizes are searched.
    let worth: Vec<f64> = (0..=columns)
        .map(|k| (k..=most.min(columns.saturating_sub(1))).map(|i| (columns - i) as f64).product())
        .collect();
    let mut minimal: Vec<u32> = Vec::new();
    for sets in found.chunk_by(|a, b| a.0 == b.0) {
        let item = sets[0].0 as usize;
        minimal.clear();
        for &(_, set) in sets {
            let contains = |less: &u32| less & set == *less;
            if minimal.iter().any(contains) {
                continue;
            }
            minimal.push(set);
            let size = set.count_ones() as usize;
            let worth = worth[size];
            result.score[item] += worth;
            result.msus[size - 1] += 1;
            for (column, total) in result.contribution.iter_mut().enumerate() {
                if set >> column & 1 == 1 {
                    *total += worth * items.rows[item] as f64;
                }
            }
        }
        result.smallest[item] = minimal.first().map_or(0, |set| set.count_ones());
    }
    let total = super::sum(result.score.iter().zip(&items.rows).map(|(s, &r)| s * r as f64));
    if total > 0.0 {
        result.contribution.iter_mut().for_each(|c| *c /= total);
    }
    let (_, table) = view.assign();
    let uniques = table.persons.iter().filter(|&&p| p == 1).count() as u64;
    let pairs = table.persons.iter().filter(|&&p| p == 2).count() as u64;
    result.match_risk = match_risk(uniques, pairs, fraction);
    result.score = items.of_row.iter().map(|&i| result.score[i as usize]).collect();
    result.smallest = items.of_row.iter().map(|&i| result.smallest[i as usize]).collect();
    result.dis = match result.match_risk {
        Estimate::Value(dis) => scaled(&result.score, columns, uniques, dis),
        Estimate::NotAvailable(_) => vec![0.0; result.score.len()],
    };
    Ok(result)
}

/// DIS-SUDA: scores of `columns` columns scaled so that the uniques share the expected match risk `dis`.
#[must_use]
pub fn scaled(score: &[f64], columns: usize, uniques: u64, dis: f64) -> Vec<f64> {
    let q = 1.0 + (8.0 - columns as f64) / 20.0;
    let adjust = super::sum(score.iter().filter(|&&s| s > 0.0).map(|s| s.powf(-q)));
    let missed = uniques as f64 / dis - uniques as f64;
    score
        .iter()
        .map(|&s| if s > 0.0 { 1.0 / (1.0 + missed / (s.powf(q) * adjust)) } else { 0.0 })
        .collect()
}

/// Largest minimal unique sets that are searched: large sets of many columns are many, and what singles out by few matters most.
const fn largest(columns: usize) -> usize {
    if columns <= 12 { columns } else { 5 }
}

/// The figure for the registry.
pub(super) struct Special;

impl Figure for Special {
    fn docs(&self) -> &'static [&'static Doc] {
        &[&DOC]
    }
    fn dear(&self) -> Option<Dear> {
        let sets = |of: &Subject<'_>| subsets::count(of.names.len(), largest(of.names.len()));
        Some(Dear { word: "suda", key: "suda", sets })
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let (Some(view), names) = (of.view, of.names) else { return Ok(()) };
        told.section(&DOC);
        if names.len() > MOST_COLUMNS {
            told.figure("scores", "not available: more than 32 columns");
            told.put("suda", Estimate::NotAvailable("more than 32 columns"));
            return Ok(());
        }
        let most = largest(names.len());
        let found = suda(view, Reading::OwnCategory, of.fraction.unwrap_or(0.01), most)?;
        let with = found.score.iter().filter(|&&s| s > 0.0).count();
        let share = with as f64 / view.rows() as f64;
        told.figure("share of rows with a minimal unique set", share);
        told.figure("largest set searched", found.most);
        for (size, &count) in found.msus.iter().enumerate() {
            if count > 0 {
                told.figure(format!("minimal unique sets of {} columns", size + 1), count);
            }
        }
        let highest = found.score.iter().copied().max_by(f64::total_cmp).unwrap_or(0.0);
        told.figure("highest score", highest);
        let dis = found.dis.iter().copied().max_by(f64::total_cmp).unwrap_or(0.0);
        let known = of.fraction.is_some();
        if known {
            told.figure("expected share of right among unique matches", found.match_risk);
            told.figure("highest DIS-SUDA score", dis);
        } else {
            told.figure("DIS-SUDA", "not available: the sampling fraction is not known");
        }
        told.text("  share of the scores in sets with the column:");
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|&a, &b| found.contribution[b].total_cmp(&found.contribution[a]));
        for &c in &order {
            told.figure(&names[c], format!("{:.1} %", 100.0 * found.contribution[c]));
        }
        let why = "the sampling fraction is not known";
        let shares = names.iter().zip(&found.contribution);
        told.put(
            "suda",
            json!({
                "rows_with_msu": share, "largest_set": found.most, "msus_by_size": found.msus,
                "highest_score": highest, "highest_dis": only_with(known, Estimate::Value(dis), why),
                "match_risk": only_with(known, found.match_risk, why),
                "contribution": shares.map(|(n, c)| json!({ "column": n, "share": c })).collect::<Vec<_>>(),
            }),
        );
        Ok(())
    }
}

struct Search<'a> {
    items: &'a Items,
    drop_missing: bool,
    most: usize,
}

/// Adds columns below `below` to the set `chosen`, by which `groups` are grouped. A part that belongs to one person is noted
/// and left: no larger set is minimal for it. A part without a person of its own is left: it never becomes unique.
fn descend(search: &Search<'_>, groups: &Groups, below: usize, chosen: u32) -> Vec<(u32, u32)> {
    if groups.is_empty() || chosen.count_ones() as usize >= search.most {
        return Vec::new();
    }
    let items = search.items;
    let child = |column: usize| {
        let set = chosen | 1 << column;
        let mut found = Vec::new();
        let parts = groups.refine(&items.codes[column], &mut |part, code| {
            if code == MISSING && search.drop_missing {
                return false;
            }
            if items.alone(part) {
                found.extend(part.iter().map(|&item| (item, set)));
                return false;
            }
            part.iter().any(|&item| items.owner[item as usize] != MANY)
        });
        found.extend(descend(search, &parts, column, set));
        found
    };
    if groups.len() > 2048 {
        (0..below).into_par_iter().flat_map_iter(child).collect()
    } else {
        (0..below).flat_map(child).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// By the definition: for every set of columns.
    fn brute(rows: &[Vec<u32>], columns: usize, drop_missing: bool) -> Vec<Vec<u32>> {
        let unique = |row: usize, set: u32| {
            let picked =
                |r: usize| (0..columns).filter(|c| set >> c & 1 == 1).map(move |c| rows[r][c]);
            !(drop_missing && picked(row).any(|c| c == MISSING))
                && (0..rows.len()).all(|other| other == row || !picked(other).eq(picked(row)))
        };
        (0..rows.len())
            .map(|row| {
                let sets: Vec<u32> = (1..1_u32 << columns).filter(|&s| unique(row, s)).collect();
                sets.iter()
                    .copied()
                    .filter(|&s| !sets.iter().any(|&l| l != s && l & s == l))
                    .collect()
            })
            .collect()
    }

    proptest! {
        #[test]
        fn the_search_finds_what_the_definition_says(rows in proptest::collection::vec(proptest::collection::vec(0..4_u32, 5), 1..30), drop_missing: bool) {
            let rows: Vec<Vec<u32>> = rows.iter().map(|r| r.iter().map(|&c| if c == 3 { MISSING } else { c }).collect()).collect();
            let columns: Vec<Vec<u32>> = (0..5).map(|c| rows.iter().map(|r| r[c]).collect()).collect();
            let view = View::of_rows(columns, &[3; 5]).unwrap();
            let reading = if drop_missing { Reading::MatchesNothing } else { Reading::OwnCategory };
            let found = suda(&view, reading, 0.01, 0).unwrap();
            let worth = [0.0, 24.0, 6.0, 2.0, 1.0, 1.0];
            for (row, sets) in brute(&rows, 5, drop_missing).iter().enumerate() {
                let score: f64 = sets.iter().map(|s| worth[s.count_ones() as usize]).sum();
                prop_assert_eq!(found.score[row], score);
                prop_assert_eq!(found.smallest[row], sets.iter().map(|s| s.count_ones()).min().unwrap_or(0));
            }
            let total: u64 = brute(&rows, 5, drop_missing).iter().map(|s| s.len() as u64).sum();
            prop_assert_eq!(found.msus.iter().sum::<u64>(), total);
        }
    }

    #[test]
    fn rows_of_one_person_do_not_hide_the_person() {
        // Two equal rows of person 1: unique for the person, though not for a row.
        let view =
            View::new(vec![vec![0, 0, 1, 1], vec![5, 5, 5, 5]], &[2, 6], vec![1, 1, 2, 3]).unwrap();
        let found = suda(&view, Reading::OwnCategory, 0.01, 0).unwrap();
        assert_eq!(found.smallest, [1, 1, 0, 0]);
        assert_eq!(found.msus, [1, 0]);
        assert_eq!(found.contribution, [1.0, 0.0]);
        assert_eq!(suda(&view, Reading::MatchesEverything, 0.01, 0).unwrap_err().code, "V0102");
    }
}
