//! t-closeness (t-近接性): the sensitive values of every class are distributed nearly as in the whole table; the distance is the earth
//! mover's. Li, Li & Venkatasubramanian, "t-Closeness: Privacy Beyond k-Anonymity and l-Diversity", ICDE 2007, section 5: equal,
//! ordered and hierarchical ground distance.
//!
//! All arithmetic before the last division is in whole numbers. The whole is the table before suppression.

use super::l_diversity::column;
use super::{Class, Merging, Model, ModelDoc, Whole};
use crate::error::{Error, Result};
use crate::say;

/// A tree over the codes of a sensitive column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Tree {
    // groups[level][node of the level below]; level 0 groups codes.
    groups: Vec<Vec<u32>>,
}

impl Tree {
    /// `levels[j][code]` names the group of a code on level j + 1 (any numbers). Where the last level has several groups, a
    /// root is set above them. Levels that change nothing count for the height, as in ARX.
    ///
    /// # Errors
    /// `V0205` if levels differ in length, or two codes are together on a level and apart on a higher one.
    pub fn new(levels: &[Vec<u32>]) -> Result<Tree> {
        let wrong =
            || Error::policy("V0205", say!("the levels of a sensitive column do not form a tree"));
        let codes = levels.first().map_or(0, Vec::len);
        if codes == 0 || levels.iter().any(|level| level.len() != codes) {
            return Err(wrong());
        }
        let mut of_code: Vec<u32> = (0..codes as u32).collect();
        let mut groups = Vec::new();
        let mut nodes = codes;
        for level in levels {
            let mut names: Vec<u32> = level.clone();
            names.sort_unstable();
            names.dedup();
            let mut up = vec![u32::MAX; nodes];
            for (code, &name) in level.iter().enumerate() {
                let group = names.binary_search(&name).map_err(|_| wrong())? as u32;
                let node = of_code[code] as usize;
                if up[node] != u32::MAX && up[node] != group {
                    return Err(wrong());
                }
                up[node] = group;
                of_code[code] = group;
            }
            nodes = names.len();
            groups.push(up);
        }
        if nodes > 1 {
            groups.push(vec![0; nodes]);
        }
        Ok(Tree { groups })
    }
    /// Levels above the codes.
    #[must_use]
    pub fn height(&self) -> usize {
        self.groups.len()
    }
    fn codes(&self) -> usize {
        self.groups.first().map_or(0, Vec::len)
    }
}

/// How far apart two sensitive values are; 1 at most. A missing value, and a code that an order or a tree does not have, is at
/// distance 1 from every other value.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Distance {
    /// 1 between any two values.
    #[default]
    Equal,
    /// Ranks apart by the number of values less 1. The codes from low to high, each once.
    Ordered(Vec<u32>),
    /// The level of the lowest common group by the height of the tree.
    Hierarchical(Tree),
}

struct Difference {
    /// (code, whole's count × class total - class's count × whole's total), ascending by code.
    by_code: Vec<(u32, i128)>,
    scale: f64,
}

fn difference(class: &[(u32, u64)], whole: &[(u32, u64)]) -> Option<Difference> {
    let total = |counts: &[(u32, u64)]| counts.iter().map(|&(_, n)| i128::from(n)).sum::<i128>();
    let (in_class, in_whole) = (total(class), total(whole));
    if in_class == 0 || in_whole == 0 {
        return None;
    }
    let mut by_code = Vec::with_capacity(whole.len());
    let (mut a, mut b) = (0, 0);
    while a < class.len() || b < whole.len() {
        let code = match (class.get(a), whole.get(b)) {
            (Some(x), Some(y)) => x.0.min(y.0),
            (Some(x), None) => x.0,
            (None, Some(y)) => y.0,
            (None, None) => break,
        };
        let mut d = 0;
        if let Some(&(_, n)) = class.get(a).filter(|x| x.0 == code) {
            d -= i128::from(n) * in_whole;
            a += 1;
        }
        if let Some(&(_, n)) = whole.get(b).filter(|x| x.0 == code) {
            d += i128::from(n) * in_class;
            b += 1;
        }
        by_code.push((code, d));
    }
    Some(Difference { by_code, scale: in_class as f64 * in_whole as f64 })
}

impl Distance {
    /// The earth mover's distance between the values of a class and of the whole, each (code, count) ascending by code; 0 to 1.
    /// None if one of them is empty. With an order, a missing value makes it an upper bound.
    #[must_use]
    pub fn between(&self, class: &[(u32, u64)], whole: &[(u32, u64)]) -> Option<f64> {
        let Difference { by_code, scale } = difference(class, whole)?;
        let cost = match self {
            Distance::Equal => by_code.iter().map(|(_, d)| d.max(&0)).sum::<i128>() as f64,
            Distance::Ordered(order) => {
                let mut seen = 0_usize;
                let (mut carried, mut moved) = (0_i128, 0_i128);
                for code in order {
                    if let Ok(at) = by_code.binary_search_by_key(code, |x| x.0) {
                        carried += by_code[at].1;
                        seen += 1;
                    }
                    moved += carried.abs();
                }
                // What the order carries beyond its end goes to or comes from the values outside, at distance 1 each.
                moved -= carried.abs();
                let outside: i128 = if seen == by_code.len() {
                    0
                } else {
                    let out = by_code.iter().filter(|x| !order.contains(&x.0));
                    let (more, less) =
                        out.fold(
                            (0, 0),
                            |(m, l), x| {
                                if x.1 > 0 { (m + x.1, l) } else { (m, l - x.1) }
                            },
                        );
                    more.max(less)
                };
                moved as f64 / order.len().saturating_sub(1).max(1) as f64 + outside as f64
            }
            Distance::Hierarchical(tree) => {
                let mut extra = vec![0_i128; tree.codes()];
                let (mut more, mut less) = (0_i128, 0_i128);
                for &(code, d) in &by_code {
                    if let Some(place) = extra.get_mut(code as usize) {
                        *place = d;
                    } else if d > 0 {
                        more += d;
                    } else {
                        less -= d;
                    }
                }
                let mut cost = 0_i128;
                for (below, groups) in tree.groups.iter().enumerate() {
                    let nodes = groups.iter().max().map_or(0, |g| *g as usize + 1);
                    let mut sums = vec![(0_i128, 0_i128); nodes];
                    for (&group, &d) in groups.iter().zip(&extra) {
                        let sum = &mut sums[group as usize];
                        if d > 0 { sum.0 += d } else { sum.1 -= d }
                    }
                    if below + 1 == tree.groups.len() {
                        // Values outside the tree hang below the root.
                        sums[0].0 += more;
                        sums[0].1 += less;
                    }
                    cost +=
                        sums.iter().map(|(m, l)| (*m).min(*l)).sum::<i128>() * (below as i128 + 1);
                    extra = sums.into_iter().map(|(m, l)| m - l).collect();
                }
                cost as f64 / tree.height() as f64
            }
        };
        Some(cost / scale)
    }

    /// The least distance to the whole of any distribution over some of the class's values: what the whole has elsewhere must
    /// at least come to the nearest value that the class has.
    fn at_least(&self, class: &[(u32, u64)], whole: &[(u32, u64)]) -> f64 {
        let total: u64 = whole.iter().map(|&(_, n)| n).sum();
        if total == 0 {
            return 0.0;
        }
        let has = |code: u32| class.binary_search_by_key(&code, |x| x.0).is_ok();
        let sum: f64 = match self {
            Distance::Equal => whole.iter().filter(|x| !has(x.0)).map(|x| x.1 as f64).sum::<f64>(),
            Distance::Ordered(order) => {
                let far = order.len();
                let step = 1.0 / far.saturating_sub(1).max(1) as f64;
                let mut nearest = vec![far; far];
                let mut run = far;
                for (at, &code) in order.iter().enumerate() {
                    run = if has(code) { 0 } else { run.saturating_add(1) };
                    nearest[at] = run;
                }
                run = far;
                for (at, &code) in order.iter().enumerate().rev() {
                    run = if has(code) { 0 } else { run.saturating_add(1) };
                    nearest[at] = nearest[at].min(run);
                }
                whole
                    .iter()
                    .filter(|x| !has(x.0))
                    .map(|&(code, n)| {
                        let ranks =
                            order.iter().position(|o| *o == code).map_or(far, |at| nearest[at]);
                        n as f64 * (ranks as f64 * step).min(1.0)
                    })
                    .sum()
            }
            Distance::Hierarchical(tree) => {
                let mut present: Vec<bool> = (0..tree.codes() as u32).map(has).collect();
                let mut waiting: Vec<f64> = vec![0.0; tree.codes()];
                let mut sum = 0.0;
                for &(code, n) in whole.iter().filter(|x| !has(x.0)) {
                    match waiting.get_mut(code as usize) {
                        Some(place) => *place = n as f64,
                        None => sum += n as f64,
                    }
                }
                for (below, groups) in tree.groups.iter().enumerate() {
                    let nodes = groups.iter().max().map_or(0, |g| *g as usize + 1);
                    let (mut up, mut still) = (vec![false; nodes], vec![0.0; nodes]);
                    for (node, &group) in groups.iter().enumerate() {
                        up[group as usize] |= present[node];
                        still[group as usize] += waiting[node];
                    }
                    for (here, rest) in up.iter().zip(&mut still) {
                        if *here {
                            sum += *rest * (below + 1) as f64 / tree.height() as f64;
                            *rest = 0.0;
                        }
                    }
                    (present, waiting) = (up, still);
                }
                sum + waiting.iter().sum::<f64>()
            }
        };
        sum / total as f64
    }
}

/// Distance of every class to the whole at most `t`. Merging: the distance is convex in the class's distribution, so that of a
/// mixture is at most the mean of the two. Necessary: the least distance that any part can have, which grows as values are lost.
#[derive(Clone, Debug, PartialEq)]
pub struct TCloseness {
    /// From 0 to 1.
    pub t: f64,
    /// Between values.
    pub distance: Distance,
    /// The sensitive column.
    pub sensitive: usize,
}

impl TCloseness {
    fn whole<'a>(&self, whole: &'a Whole) -> &'a [(u32, u64)] {
        whole.sensitive.get(self.sensitive).map_or(&[], Vec::as_slice)
    }
}

impl Model for TCloseness {
    fn key(&self) -> &'static str {
        "t-closeness"
    }
    fn shown(&self) -> String {
        let distance = match self.distance {
            Distance::Equal => "equal",
            Distance::Ordered(_) => "ordered",
            Distance::Hierarchical(_) => "hierarchical",
        };
        format!("t = {} ({distance} distance)", self.t)
    }
    fn sensitive(&self) -> Option<usize> {
        Some(self.sensitive)
    }
    fn merging(&self) -> Merging {
        Merging::BothHold
    }
    fn class_holds(&self, class: &Class<'_>, whole: &Whole) -> bool {
        self.distance
            .between(column(class, self.sensitive), self.whole(whole))
            .is_some_and(|distance| distance <= self.t)
    }
    fn may_hold(&self, class: &Class<'_>, whole: &Whole) -> bool {
        self.distance.at_least(column(class, self.sensitive), self.whole(whole)) <= self.t + 1e-12
    }
}

pub(super) const DOC: ModelDoc = ModelDoc {
    key: "t-closeness",
    ja: "t-近接性",
    summary: "the sensitive values of every class are distributed as in the whole, up to a distance of t",
    summary_ja: "各クラスの機微な値の分布と全体の分布との距離が t 以下であること",
    parameters: &["t"],
    source: "Li, Li & Venkatasubramanian 2007",
    make: |p| {
        Ok(Box::new(TCloseness {
            t: p.number("t-closeness", "t", "from 0 to 1", |t| (0.0..=1.0).contains(&t))?,
            distance: p.distance.clone().unwrap_or_default(),
            sensitive: p.column("t-closeness")?,
        }))
    },
};

#[cfg(test)]
mod tests {
    use super::super::testing::{Dice, prove};
    use super::*;
    use crate::frame::MISSING;

    fn tree() -> Tree {
        Tree::new(&[vec![0, 0, 1, 1, 2], vec![5, 5, 5, 5, 9]]).unwrap()
    }

    fn distances() -> [Distance; 3] {
        [Distance::Equal, Distance::Ordered(vec![3, 0, 1, 2, 4]), Distance::Hierarchical(tree())]
    }

    #[test]
    fn merging_does_what_is_claimed() {
        for distance in distances() {
            for t in [0.1, 0.3] {
                prove(&TCloseness { t, distance: distance.clone(), sensitive: 0 });
            }
        }
    }

    #[test]
    fn the_example_of_the_paper() {
        // Salaries 3k to 11k, all once; a class with 3, 4 and 5k is 0.375 away, one with 6, 8 and 11k 0.167 (section 5.1 of the paper).
        let whole: Vec<(u32, u64)> = (3..12).map(|v| (v, 1)).collect();
        let ordered = Distance::Ordered((3..12).collect());
        let of = |codes: [u32; 3]| ordered.between(&codes.map(|c| (c, 1)), &whole).unwrap();
        assert!((of([3, 4, 5]) - 0.375).abs() < 1e-12);
        assert!((of([6, 8, 11]) - 1.0 / 6.0).abs() < 1e-12);
    }

    #[test]
    fn a_tree_must_be_one() {
        assert_eq!(tree().height(), 3);
        assert_eq!(Tree::new(&[vec![0, 0], vec![1, 2]]).unwrap_err().code, "V0205");
        assert_eq!(Tree::new(&[]).unwrap_err().code, "V0205");
        assert_eq!(Tree::new(&[vec![0, 1], vec![0]]).unwrap_err().code, "V0205");
    }

    /// Moves earth along ground distances by brute force: whole units, cheapest assignment by trying all.
    fn by_hand(ground: &dyn Fn(u32, u32) -> f64, class: &[u32], whole: &[u32]) -> f64 {
        fn best(ground: &dyn Fn(u32, u32) -> f64, class: &[u32], whole: &mut Vec<u32>) -> f64 {
            let Some((&first, rest)) = class.split_first() else { return 0.0 };
            let mut least = f64::INFINITY;
            for at in 0..whole.len() {
                let taken = whole.swap_remove(at);
                least = least.min(ground(first, taken) + best(ground, rest, whole));
                whole.push(taken);
                let last = whole.len() - 1;
                whole.swap(at, last);
            }
            least
        }
        best(ground, class, &mut whole.to_vec()) / class.len() as f64
    }

    #[test]
    fn the_distances_are_the_cheapest_transport() {
        let mut dice = Dice(3);
        let count = |units: &[u32]| {
            let mut counts: Vec<(u32, u64)> = Vec::new();
            let mut units = units.to_vec();
            units.sort_unstable();
            for unit in units {
                match counts.last_mut() {
                    Some(last) if last.0 == unit => last.1 += 1,
                    _ => counts.push((unit, 1)),
                }
            }
            counts
        };
        let order = [3_u32, 0, 1, 2, 4];
        let rank = move |c: u32| order.iter().position(|o| *o == c);
        let ordered = move |a: u32, b: u32| match (rank(a), rank(b)) {
            (Some(x), Some(y)) => x.abs_diff(y) as f64 / 4.0,
            _ => f64::from(u8::from(a != b)),
        };
        let up = [[0, 0, 1, 1, 2], [5, 5, 5, 5, 9], [0; 5]];
        let hierarchical = move |a: u32, b: u32| {
            if a == b {
                return 0.0;
            }
            if a > 4 || b > 4 {
                return 1.0;
            }
            let level = up.iter().position(|l| l[a as usize] == l[b as usize]).unwrap();
            (level + 1) as f64 / 3.0
        };
        for round in 0..120 {
            let missing = round % 3 == 0;
            let mut draw = || -> Vec<u32> {
                (0..6)
                    .map(|_| match dice.below(6) {
                        5 if missing => MISSING,
                        5 => 0,
                        c => c as u32,
                    })
                    .collect()
            };
            let (class, whole) = (draw(), draw());
            let grounds: [&dyn Fn(u32, u32) -> f64; 3] =
                [&|a, b| f64::from(u8::from(a != b)), &ordered, &hierarchical];
            for (distance, ground) in distances().iter().zip(grounds) {
                let expected = by_hand(ground, &class, &whole);
                let found = distance.between(&count(&class), &count(&whole)).unwrap();
                if missing && matches!(distance, Distance::Ordered(_)) {
                    assert!(found >= expected - 1e-12, "{distance:?} {class:?} {whole:?}");
                } else {
                    assert!(
                        (found - expected).abs() < 1e-12,
                        "{distance:?} {class:?} {whole:?}: {found} {expected}"
                    );
                }
                assert!(distance.at_least(&count(&class), &count(&whole)) <= expected + 1e-12);
            }
        }
    }
}
