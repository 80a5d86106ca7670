use proptest::prelude::*;

use super::*;
use crate::model::{Class, KAnonymity, Merging, Model, Whole};
use crate::objective::{Aggregate, Cost, by_key};

/// A model whose merging is unknown: the rows of a class must not be a multiple of three.
#[derive(Debug)]
struct Odd;

impl Model for Odd {
    fn key(&self) -> &'static str {
        "odd"
    }
    fn shown(&self) -> String {
        "odd".to_owned()
    }
    fn merging(&self) -> Merging {
        Merging::Unknown
    }
    fn class_holds(&self, class: &Class<'_>, _: &Whole) -> bool {
        !class.rows.is_multiple_of(3)
    }
}

/// Distinct persons with each of two sensitive values: holds if the more frequent one has at most twice the other.
#[derive(Debug)]
struct Balanced;

impl Model for Balanced {
    fn key(&self) -> &'static str {
        "balanced"
    }
    fn shown(&self) -> String {
        "balanced".to_owned()
    }
    fn sensitive(&self) -> Option<usize> {
        Some(0)
    }
    fn merging(&self) -> Merging {
        Merging::BothHold
    }
    fn class_holds(&self, class: &Class<'_>, _: &Whole) -> bool {
        let count = |code| class.sensitive[0].iter().find(|e| e.0 == code).map_or(0, |e| e.1);
        let (a, b) = (count(0), count(1));
        a <= 2 * b && b <= 2 * a
    }
}

/// Maps of two or three nested levels over eight base codes.
fn ladder(kind: u8) -> Vec<(String, Vec<u32>)> {
    let same = (0..8).collect::<Vec<u32>>();
    let pairs = (0..8).map(|c| c / 2).collect();
    let halves = (0..8).map(|c| c / 4).collect();
    let uneven = (0..8).map(|c| u32::from(c > 0)).collect();
    let one = vec![0; 8];
    let named = |maps: Vec<Vec<u32>>| maps.into_iter().map(|m| (String::new(), m)).collect();
    match kind % 4 {
        0 => named(vec![same, pairs, halves, one]),
        1 => named(vec![same, uneven, one]),
        2 => named(vec![pairs, one]),
        _ => named(vec![same]),
    }
}

type Row = (u32, u32, u32, u32, u32);

#[derive(Clone, Debug)]
struct Case {
    rows: Vec<Row>,
    ladders: [u8; 3],
    k: u64,
    limit: u64,
    model: u8,
    persons: bool,
    two_views: bool,
    factor: f64,
}

fn cases() -> impl Strategy<Value = Case> {
    let row = (0..8_u32, 0..8_u32, 0..8_u32, 0..2_u32, 0..9_u32);
    (
        proptest::collection::vec(row, 1..40),
        any::<[u8; 3]>(),
        1..6_u64,
        0..12_u64,
        0..4_u8,
        any::<bool>(),
        any::<bool>(),
        prop_oneof![Just(0.5), Just(0.2), Just(0.9)],
    )
        .prop_map(|(rows, ladders, k, limit, model, persons, two_views, factor)| Case {
            rows,
            ladders,
            k,
            limit,
            model,
            persons,
            two_views,
            factor,
        })
}

fn problem(case: &Case) -> Problem {
    let attributes = case
        .ladders
        .iter()
        .enumerate()
        .map(|(number, &kind)| {
            Attribute::new("a", ladder(kind), &[1.0; 8], 8.0, 1.0 + number as f64).unwrap()
        })
        .collect();
    let column = |f: fn(&Row) -> u32| case.rows.iter().map(f).collect::<Vec<u32>>();
    let (a, b, c, s, p) =
        (column(|r| r.0), column(|r| r.1), column(|r| r.2), column(|r| r.3), column(|r| r.4));
    let setting = || {
        let mut models: Vec<Box<dyn Model>> = vec![Box::new(KAnonymity { k: case.k })];
        match case.model {
            1 => models.push(Box::new(Odd)),
            2 => models.push(Box::new(Balanced)),
            _ => {}
        }
        Setting { models, limit: case.limit }
    };
    let mut problem = Problem::new(attributes);
    let persons = case.persons.then_some(p.as_slice());
    let sensitive = vec![s.as_slice()];
    let first =
        Sample { columns: vec![&a, &b], persons, sensitive: sensitive.clone(), population: None };
    if case.two_views {
        problem.view("one", vec![0, 1], &first, setting()).unwrap();
        let second = Sample { columns: vec![&b, &c], persons, sensitive, population: None };
        problem.view("two", vec![1, 2], &second, setting()).unwrap();
    } else {
        let all = Sample { columns: vec![&a, &b, &c], persons, sensitive, population: None };
        problem.view("all", vec![0, 1, 2], &all, setting()).unwrap();
    }
    problem
}

fn all_nodes(problem: &Problem) -> Vec<Levels> {
    let (_, hi) = problem.corners();
    let mut nodes = vec![Vec::new()];
    for &top in &hi {
        nodes = nodes
            .into_iter()
            .flat_map(|n: Levels| {
                (0..=top).map(move |l| {
                    let mut n = n.clone();
                    n.push(l);
                    n
                })
            })
            .collect();
    }
    nodes
}

/// Persons, rows and what stays, counted from the rows with maps and sets.
fn naive(case: &Case, problem: &Problem, node: &Levels) -> Vec<u64> {
    use std::collections::{BTreeMap, BTreeSet};
    problem
        .views
        .iter()
        .map(|view| {
            let mut classes: BTreeMap<Vec<u32>, Vec<&Row>> = BTreeMap::new();
            for row in &case.rows {
                let cells = [row.0, row.1, row.2];
                let key = view
                    .columns
                    .iter()
                    .map(|&a| {
                        problem.attributes[a].levels[usize::from(node[a])].map[cells[a] as usize]
                    })
                    .collect();
                classes.entry(key).or_default().push(row);
            }
            let mut gone = 0;
            for rows in classes.values() {
                let person = |i: usize, r: &Row| if case.persons { r.4 as usize } else { i };
                let persons: BTreeSet<usize> =
                    rows.iter().enumerate().map(|(i, r)| person(i, r)).collect();
                let with = |value: u32| {
                    rows.iter()
                        .enumerate()
                        .filter(|(_, r)| r.3 == value)
                        .map(|(i, r)| person(i, r))
                        .collect::<BTreeSet<usize>>()
                        .len()
                };
                let holds = persons.len() as u64 >= case.k
                    && match case.model {
                        1 => rows.len() % 3 != 0,
                        2 => with(0) <= 2 * with(1) && with(1) <= 2 * with(0),
                        _ => true,
                    };
                if !holds {
                    gone += rows.len() as u64;
                }
            }
            gone
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    /// Counting from the rows agrees at every node, and no node is better than what the search finds, for every objective.
    #[test]
    fn brute_force_finds_nothing_better(case in cases()) {
        let problem = problem(&case);
        let nodes = all_nodes(&problem);
        prop_assert_eq!(nodes.len() as u128, problem.nodes());
        for key in crate::objective::KEYS {
            for aggregate in [Aggregate::Mean, Aggregate::GeometricMean, Aggregate::Sum, Aggregate::Max, Aggregate::Rank] {
                if aggregate != Aggregate::Mean && !["loss", "precision", "entropy"].contains(key) {
                    continue;
                }
                let objective = by_key(key, aggregate, case.factor).unwrap();
                let solution = solve(&problem, objective.as_ref(), &Limits { runners: 2, ..Limits::default() });
                let mut best: Option<(Cost, u64, u32, Levels)> = None;
                for node in &nodes {
                    let (stats, cost, feasible) = evaluate(&problem, objective.as_ref(), node);
                    let gone: Vec<u64> = stats.iter().map(|s| s.suppressed).collect();
                    if *key == "height" {
                        prop_assert_eq!(&gone, &naive(&case, &problem, node));
                    }
                    if feasible {
                        let sum = node.iter().map(|&l| u32::from(l)).sum();
                        let new = (cost, gone.iter().sum(), sum, node.clone());
                        if best.as_ref().is_none_or(|b| {
                            new.0.order(&b.0).then_with(|| (new.1, new.2, &new.3).cmp(&(b.1, b.2, &b.3))).is_lt()
                        }) {
                            best = Some(new);
                        }
                    }
                }
                let proof = &solution.certificate;
                prop_assert!(proof.exact);
                prop_assert_eq!(proof.visited + proof.pruned_by_bound + proof.pruned_by_models, proof.nodes);
                match (best, solution.best) {
                    (None, None) => {}
                    (Some(expected), Some(found)) => {
                        prop_assert!(
                            (expected.0.figure() - found.cost.figure()).abs() <= 1e-9 * expected.0.figure().abs().max(1.0),
                            "{} {:?}: {:?} is better than {:?}", key, aggregate, expected, found
                        );
                        if found.cost == expected.0 {
                            prop_assert_eq!(&found.levels, &expected.3, "{} {:?}", key, aggregate);
                        }
                    }
                    (expected, found) => prop_assert!(false, "{} {:?} against {:?}", key, expected, found),
                }
            }
        }
    }

    /// A survey of all nodes says of each what its own evaluation says, and of persons what counting them by name says.
    #[test]
    fn a_survey_is_every_evaluation(case in cases()) {
        use std::collections::BTreeSet;
        let problem = problem(&case);
        let grid: Vec<Vec<u8>> = problem.corners().1.iter().map(|&top| (0..=top).collect()).collect();
        for key in ["loss", "ambiguity", "height"] {
            let objective = by_key(key, Aggregate::Mean, case.factor).unwrap();
            let points = survey(&problem, objective.as_ref(), &grid);
            let nodes = all_nodes(&problem);
            prop_assert_eq!(points.iter().map(|p| &p.levels).collect::<Vec<_>>(), nodes.iter().collect::<Vec<_>>());
            for point in &points {
                let (stats, cost, feasible) = evaluate(&problem, objective.as_ref(), &point.levels);
                prop_assert_eq!((&point.cost, point.feasible), (&cost, feasible));
                let gone: Vec<u64> = point.views.iter().map(|f| f.suppressed).collect();
                prop_assert_eq!(&gone, &stats.iter().map(|s| s.suppressed).collect::<Vec<_>>());
            }
            if case.model != 0 || key != "height" {
                continue;
            }
            for point in &points {
                for (v, view) in problem.views.iter().enumerate() {
                    let person = |i: usize| if case.persons { case.rows[i].4 as usize } else { i };
                    let code = |column: usize, row: &Row, level: u8| {
                        let attribute = view.columns[column];
                        let base = [row.0, row.1, row.2][attribute] as usize;
                        problem.attributes[attribute].levels[usize::from(level)].map[base]
                    };
                    let class = |row: &Row| -> Vec<u32> {
                        (0..view.columns.len()).map(|c| code(c, row, point.levels[view.columns[c]])).collect()
                    };
                    let goes: Vec<bool> = case.rows.iter().map(|row| {
                        let same = case.rows.iter().enumerate().filter(|(_, r)| class(r) == class(row));
                        (same.map(|(i, _)| person(i)).collect::<BTreeSet<_>>().len() as u64) < case.k
                    }).collect();
                    let who = |holds: &dyn Fn(usize) -> bool| -> BTreeSet<usize> {
                        (0..case.rows.len()).filter(|&i| holds(i)).map(person).collect()
                    };
                    let (touched, stay) = (who(&|i| goes[i]), who(&|i| !goes[i]));
                    prop_assert_eq!(point.views[v].touched, touched.len() as u64);
                    prop_assert_eq!(point.views[v].lost, touched.difference(&stay).count() as u64);
                    prop_assert_eq!(point.views[v].persons, who(&|_| true).len() as u64);
                    prop_assert_eq!(point.views[v].not_for_k, 0);
                    let top: Vec<u8> = view.columns.iter().map(|&a| problem.corners().1[a]).collect();
                    let told = losers(&problem, objective.as_ref(), &point.levels, v, &top, &[]);
                    for (column, counts) in told.iter().enumerate() {
                        for (label, counts) in counts.iter().enumerate() {
                            let shows = |i: usize| code(column, &case.rows[i], top[column]) as usize == label;
                            let expected = [who(&shows), who(&|i| shows(i) && goes[i])].map(|w| w.len() as u64);
                            prop_assert_eq!(*counts, expected);
                        }
                    }
                }
            }
        }
    }

    /// A bound over a box is never above the cost of a node in it.
    #[test]
    fn no_bound_is_above_a_cost(case in cases(), low in any::<[u8; 3]>(), high in any::<[u8; 3]>()) {
        let problem = problem(&case);
        let (_, top) = problem.corners();
        let pick = |seed: &[u8; 3], from: &Levels| -> Levels {
            top.iter().zip(from).zip(seed).map(|((&t, &f), s)| f + s % (t - f + 1)).collect()
        };
        let lo = pick(&low, &vec![0; 3]);
        let hi = pick(&high, &lo);
        for key in crate::objective::KEYS {
            for aggregate in [Aggregate::Mean, Aggregate::GeometricMean, Aggregate::Max, Aggregate::Rank] {
                let objective = by_key(key, aggregate, case.factor).unwrap();
                let (lo_stats, _, _) = evaluate(&problem, objective.as_ref(), &lo);
                let (hi_stats, _, _) = evaluate(&problem, objective.as_ref(), &hi);
                let Some(bound) = objective.bound(&problem, &lo, Some(&lo_stats), &hi, &hi_stats) else { continue };
                for node in all_nodes(&problem) {
                    if node.iter().zip(&lo).zip(&hi).all(|((n, l), h)| l <= n && n <= h) {
                        let (_, cost, _) = evaluate(&problem, objective.as_ref(), &node);
                        prop_assert!(bound.order(&cost).is_le(), "{} {:?}: {:?} above {:?}", key, aggregate, bound, cost);
                    }
                }
            }
        }
    }

    /// A coarser node never has smaller classes: what a finer node keeps, a coarser one keeps.
    #[test]
    fn coarser_nodes_suppress_no_more(case in cases()) {
        let case = Case { model: 0, ..case };
        let problem = problem(&case);
        let height = by_key("height", Aggregate::Mean, 0.5).unwrap();
        let nodes = all_nodes(&problem);
        let gone: Vec<Vec<u64>> = nodes
            .iter()
            .map(|n| evaluate(&problem, height.as_ref(), n).0.iter().map(|s| s.suppressed).collect())
            .collect();
        for (a, gone_a) in nodes.iter().zip(&gone) {
            for (b, gone_b) in nodes.iter().zip(&gone) {
                if a.iter().zip(b).all(|(x, y)| x <= y) {
                    prop_assert!(gone_a.iter().zip(gone_b).all(|(x, y)| x >= y));
                }
            }
        }
    }
}

#[test]
fn a_time_limit_gives_the_best_so_far_with_its_gap() {
    let rows: Vec<Row> = (0..200).map(|i: u32| (i % 8, i / 8 % 8, i / 3 % 8, 0, i)).collect();
    let case = Case {
        rows,
        ladders: [0, 0, 0],
        k: 3,
        limit: 40,
        model: 0,
        persons: false,
        two_views: false,
        factor: 0.5,
    };
    let problem = problem(&case);
    let loss = by_key("loss", Aggregate::Mean, 0.5).unwrap();
    let limits = Limits { time: Some(std::time::Duration::ZERO), ..Limits::default() };
    let hurried = solve(&problem, loss.as_ref(), &limits);
    assert!(!hurried.certificate.exact && hurried.certificate.open == problem.nodes());
    let proven = solve(&problem, loss.as_ref(), &Limits::default());
    assert!(proven.certificate.exact);
    let (early, best) = (hurried.best.as_ref().unwrap(), proven.best.as_ref().unwrap());
    assert!(early.cost.figure() >= best.cost.figure());
    assert!(hurried.certificate.lower_bound.as_ref().unwrap().figure() <= best.cost.figure());
    assert_eq!(proven.gap(), Some(0.0));
    let without = Limits { excluded: vec![best.levels.clone()], ..Limits::default() };
    assert_ne!(solve(&problem, loss.as_ref(), &without).best.unwrap().levels, best.levels);
}

#[test]
fn levels_that_do_not_nest_are_refused() {
    let crossing = vec![(String::new(), vec![0, 0, 1, 1]), (String::new(), vec![0, 1, 1, 1])];
    assert_eq!(Attribute::new("a", crossing, &[1.0; 4], 4.0, 1.0).unwrap_err().code, "V0101");
    assert_eq!(Attribute::new("a", Vec::new(), &[], 1.0, 1.0).unwrap_err().code, "V0102");
}
