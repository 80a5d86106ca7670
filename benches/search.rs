//! The exact search on ARX's adult data: nine quasi-identifiers, 12,960 nodes, k = 5, with loading, beside a brute force over the
//! same lattice by the same code without bounds (and, where Java and ARX's library are there, ARX: see docs/search.md).
//!
//! `cargo bench --bench search` prints seconds and ratios; it never fails on a time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use kakou::privacy::model::{KAnonymity, Model};
use kakou::privacy::objective::{Aggregate, by_key};
use kakou::privacy::search::{Attribute, Levels, Limits, Problem, Sample, Setting, solve};

#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a part of tests")]
#[path = "../tests/common/fixtures.rs"]
mod fixtures;

const COLUMNS: [&str; 9] = [
    "sex",
    "age",
    "race",
    "marital-status",
    "education",
    "native-country",
    "workclass",
    "occupation",
    "salary-class",
];

fn rows(path: &Path) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .delimiter(b';')
        .has_headers(false)
        .from_path(path)
        .unwrap()
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

fn load(arx: &Path) -> (Vec<Attribute>, Vec<Vec<u32>>) {
    let data = rows(&arx.join("adult.csv"));
    let mut attributes = Vec::new();
    let mut codes = Vec::new();
    for name in COLUMNS {
        let ladder = rows(&arx.join(format!("adult_hierarchy_{name}.csv")));
        let of: BTreeMap<&str, u32> =
            ladder.iter().enumerate().map(|(i, l)| (l[0].as_str(), i as u32)).collect();
        let levels = (0..ladder[0].len())
            .map(|level| {
                let mut numbers: BTreeMap<&str, u32> = BTreeMap::new();
                let map = ladder
                    .iter()
                    .map(|line| {
                        let next = numbers.len() as u32;
                        *numbers.entry(&line[level]).or_insert(next)
                    })
                    .collect();
                (level.to_string(), map)
            })
            .collect();
        let leaves = ladder.len();
        attributes
            .push(Attribute::new(name, levels, &vec![1.0; leaves], leaves as f64, 1.0).unwrap());
        let column = data[0].iter().position(|h| h == name).unwrap();
        codes.push(data[1..].iter().map(|row| of[row[column].as_str()]).collect());
    }
    (attributes, codes)
}

fn problem(attributes: &[Attribute], codes: &[Vec<u32>], share: f64) -> Problem {
    let mut problem = Problem::new(attributes.to_vec());
    let sample = Sample { columns: codes.iter().map(Vec::as_slice).collect(), ..Sample::default() };
    let models: Vec<Box<dyn Model>> = vec![Box::new(KAnonymity { k: 5 })];
    let limit = (share * codes[0].len() as f64).floor() as u64;
    problem.view("adult", (0..9).collect(), &sample, Setting { models, limit }).unwrap();
    problem
}

fn main() {
    let arx = fixtures::fixture("arx");
    for threads in [1, 2] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            println!("{threads} thread(s): objective, suppression: seconds with loading / evaluated nodes of 12,960 / brute force ratio");
            for key in ["loss", "discernibility", "class-size"] {
                for share in [0.0, 0.05, 1.0] {
                    let start = Instant::now();
                    let (attributes, codes) = load(&arx);
                    let made = problem(&attributes, &codes, share);
                    let objective = by_key(key, Aggregate::Mean, 0.5).unwrap();
                    let solution = solve(&made, objective.as_ref(), &Limits::default());
                    let seconds = start.elapsed().as_secs_f64();
                    // All nodes are evaluated for an objective without bounds: what pruning saves.
                    let start = Instant::now();
                    let all = by_key("kl-divergence", Aggregate::Mean, 0.5).unwrap();
                    let brute = if key == "loss" {
                        let _ = solve(&made, all.as_ref(), &Limits::default());
                        start.elapsed().as_secs_f64()
                    } else {
                        f64::NAN
                    };
                    let best: Levels = solution.best.map(|b| b.levels).unwrap_or_default();
                    println!(
                        "  {key:15} {:>3.0} %: {seconds:.3} s / {} / {:.1} {best:?}",
                        share * 100.0,
                        solution.certificate.evaluated,
                        brute / seconds,
                    );
                }
            }
        });
    }
    wide();
}

/// A lattice of 24 columns with three levels each (2.8e11 nodes) over 20,000 made-up rows, within five seconds: the gap.
fn wide() {
    let mut state = 88_172_645_463_325_252_u64;
    let mut draw = |below: u32| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % u64::from(below)) as u32
    };
    let attributes: Vec<Attribute> = (0..24)
        .map(|column| {
            let levels = vec![
                ("0".to_owned(), (0..8).collect()),
                ("1".to_owned(), (0..8).map(|c| c / 4).collect()),
                ("2".to_owned(), vec![0; 8]),
            ];
            Attribute::new(&format!("c{column}"), levels, &[1.0; 8], 8.0, 1.0).unwrap()
        })
        .collect();
    // Values that hang together, as in real tables: a hidden group moves all columns.
    let mut codes: Vec<Vec<u32>> = vec![Vec::new(); 24];
    for _ in 0..20_000 {
        let group = draw(40);
        for (number, column) in codes.iter_mut().enumerate() {
            let own = (group * (number as u32 + 3)) % 8;
            column.push(if draw(100) < 4 { draw(8) } else { own });
        }
    }
    let mut problem = Problem::new(attributes);
    let sample = Sample { columns: codes.iter().map(Vec::as_slice).collect(), ..Sample::default() };
    let models: Vec<Box<dyn Model>> = vec![Box::new(KAnonymity { k: 5 })];
    problem.view("wide", (0..24).collect(), &sample, Setting { models, limit: 1000 }).unwrap();
    let objective = by_key("loss", Aggregate::Mean, 0.5).unwrap();
    for seconds in [1, 5, 20] {
        let limits =
            Limits { time: Some(std::time::Duration::from_secs(seconds)), ..Limits::default() };
        let found = solve(&problem, objective.as_ref(), &limits);
        println!(
            "24 columns, {:e} nodes, {seconds} s: cost {:?}, gap {:?}, {} evaluated, exact {}",
            problem.nodes() as f64,
            found.best.as_ref().map(|b| b.cost.figure()),
            found.gap(),
            found.certificate.evaluated,
            found.certificate.exact,
        );
    }
}
