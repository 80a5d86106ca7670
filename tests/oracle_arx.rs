//! The search against ARX's own numbers (fixture `arx`).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test"
)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use kakou::privacy::model::{KAnonymity, Model};
use kakou::privacy::objective::{self, Aggregate, Objective};
use kakou::privacy::search::{
    Attribute, Levels, Limits, Problem, Sample, Setting, evaluate, solve,
};

fn fixtures() -> Option<PathBuf> {
    let root = std::env::var_os("KAKOU_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/fixtures"),
        PathBuf::from,
    );
    let arx = root.join("arx");
    if arx.is_dir() {
        Some(arx)
    } else {
        eprintln!("skipped: the fixture `arx` was not found (KAKOU_FIXTURES)");
        None
    }
}

fn rows(path: &Path) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .delimiter(b';')
        .has_headers(false)
        .flexible(true)
        .from_path(path)
        .unwrap()
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

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

struct Adult {
    attributes: Vec<Attribute>,
    codes: Vec<Vec<u32>>,
}

fn attribute(arx: &Path, name: &str, weight: f64) -> (Attribute, BTreeMap<String, u32>) {
    let ladder = rows(&arx.join(format!("adult_hierarchy_{name}.csv")));
    let codes: BTreeMap<String, u32> =
        ladder.iter().enumerate().map(|(i, line)| (line[0].clone(), i as u32)).collect();
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
            (format!("{level}"), map)
        })
        .collect();
    let leaves = ladder.len() as f64;
    (Attribute::new(name, levels, &vec![1.0; ladder.len()], leaves, weight).unwrap(), codes)
}

fn adult(arx: &Path, names: &[&str]) -> Adult {
    let data = rows(&arx.join("adult.csv"));
    let mut made = Adult { attributes: Vec::new(), codes: Vec::new() };
    for name in names {
        let (attribute, codes) = attribute(arx, name, 1.0);
        let column = data[0].iter().position(|h| h == name).unwrap();
        made.codes.push(data[1..].iter().map(|row| codes[&row[column]]).collect());
        made.attributes.push(attribute);
    }
    made
}

fn problem(adult: &Adult, models: Vec<Box<dyn Model>>, share: f64) -> Problem {
    let rows = adult.codes[0].len();
    let mut problem = Problem::new(adult.attributes.clone());
    let sample =
        Sample { columns: adult.codes.iter().map(Vec::as_slice).collect(), ..Sample::default() };
    let limit = (share * rows as f64).floor() as u64;
    problem
        .view("adult", (0..adult.codes.len()).collect(), &sample, Setting { models, limit })
        .unwrap();
    problem
}

fn levels(text: &str) -> Levels {
    text.split(',').map(|part| part.rsplit(':').next().unwrap().trim().parse().unwrap()).collect()
}

fn objective_of(metric: &str) -> Box<dyn Objective> {
    let by = |key, aggregate| objective::by_key(key, aggregate, 0.5).unwrap();
    match metric {
        "loss_mean" => by("loss", Aggregate::Mean),
        "loss_rank" => by("loss", Aggregate::Rank),
        "loss_gmean" => by("loss", Aggregate::GeometricMean),
        "dm" => by("discernibility", Aggregate::Mean),
        "dm_monotonic" => by("discernibility-monotone", Aggregate::Mean),
        "aecs" => by("class-size", Aggregate::Mean),
        "nuentropy_normalized" => by("entropy", Aggregate::Mean),
        "precision" => by("precision", Aggregate::Mean),
        "height" => by("height", Aggregate::Mean),
        "ambiguity" => by("ambiguity", Aggregate::Mean),
        "kl" => by("kl-divergence", Aggregate::Mean),
        other => panic!("{other}"),
    }
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * b.abs().max(1.0)
}

/// Every optimum that ARX found on adult: the same score at 1e-9, and ARX's node has that score here, too.
#[test]
fn every_optimum_of_arx() {
    let Some(arx) = fixtures() else { return };
    let adult = adult(&arx, &COLUMNS);
    let text = std::fs::read_to_string(arx.join("arx_oracle_adult.tsv")).unwrap();
    let (mut compared, mut figures, mut same) = (0, 0, 0);
    let mut times: BTreeMap<String, (f64, u64, u64)> = BTreeMap::new();
    for line in text.lines().filter(|l| l.starts_with("OPT\t")) {
        let facts: BTreeMap<&str, &str> =
            line.split('\t').filter_map(|part| part.split_once('=')).collect();
        let metric = facts["metric"];
        let k = facts["k"].parse().unwrap();
        let problem =
            problem(&adult, vec![Box::new(KAnonymity { k })], facts["supp"].parse().unwrap());
        let objective = objective_of(metric);
        let start = std::time::Instant::now();
        let solution =
            solve(&problem, objective.as_ref(), &Limits { runners: 3, ..Limits::default() });
        let entry = times.entry(metric.to_owned()).or_default();
        entry.0 += start.elapsed().as_secs_f64();
        entry.1 += solution.certificate.evaluated;
        entry.2 += 1;
        let best = solution.best.as_ref().unwrap_or_else(|| panic!("{line}"));
        let proof = &solution.certificate;
        assert!(proof.exact && proof.open == 0);
        assert_eq!(
            proof.visited + proof.pruned_by_bound + proof.pruned_by_models,
            12_960,
            "{line}: {proof:?}"
        );
        let node = levels(facts["levels"]);
        let (stats, cost, feasible) = evaluate(&problem, objective.as_ref(), &node);
        let expected: Vec<f64> = facts["score"]
            .trim_matches(['[', ']'])
            .split(',')
            .map(|x| x.trim().parse().unwrap())
            .collect();
        for (ours, theirs) in cost.0.iter().zip(&expected) {
            // A rank is printed with ten digits.
            assert!((ours - theirs).abs() <= 1e-9 * theirs.abs().max(1.0), "{line}\n{cost:?}");
            figures += 1;
        }
        assert!(feasible, "{line}");
        assert_eq!(stats[0].suppressed.to_string(), facts["suppressed"], "{line}");
        assert_eq!(stats[0].kept_classes.to_string(), facts["classes"], "{line}");
        figures += 2;
        assert!(
            best.cost.0.iter().zip(&expected).all(|(a, b)| near(*a, *b))
                || best.cost.order(&cost) == std::cmp::Ordering::Less && metric == "loss_rank",
            "{line}\nours {best:?}"
        );
        same += u32::from(best.levels == node);
        compared += 1;
    }
    for (metric, (seconds, evaluated, runs)) in times {
        eprintln!(
            "{metric}: {:.3} s and {} evaluated nodes a run",
            seconds / runs as f64,
            evaluated / runs
        );
    }
    eprintln!(
        "arx_oracle_adult.tsv: {compared} optima compared ({figures} figures), {same} with the same levels"
    );
    assert!(compared > 180);
}
