//! The search against ARX's own numbers (fixture `arx`).

use std::collections::BTreeMap;
use std::path::Path;

use crate::common;

use kakou::privacy::model::{self, KAnonymity, Model};
use kakou::privacy::objective::{self, Aggregate, Objective};
use kakou::privacy::search::{
    Attribute, Levels, Limits, Problem, Sample, Setting, evaluate, solve,
};

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
#[ignore = "takes minutes: cargo test -- --ignored"]
fn every_optimum_of_arx() {
    optima_of_adult(1);
}

#[test]
fn an_optimum_of_arx_in_twenty() {
    optima_of_adult(20);
}

fn optima_of_adult(one_in: usize) {
    let arx = common::fixture("arx");
    let adult = adult(&arx, &COLUMNS);
    let text = std::fs::read_to_string(arx.join("arx_oracle_adult.tsv")).unwrap();
    let (mut compared, mut figures, mut same) = (0, 0, 0);
    let mut times: BTreeMap<String, (f64, u64, u64)> = BTreeMap::new();
    for line in text.lines().filter(|l| l.starts_with("OPT\t")).step_by(one_in) {
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
    assert!(compared > 180 / one_in);
}

/// One of ARX's own test cases, as far as it concerns what is built here.
struct Case {
    suppression: f64,
    objective: Box<dyn Objective>,
    models: Vec<Box<dyn Model>>,
    subset: bool,
}

/// What a case needs that is not built here (or not told by the file), by words of its configuration.
const ELSEWHERE: [(&str, &str); 9] = [
    ("Profitability", "game-theoretic models with monetary gains are no models of this engine"),
    ("PublisherPayout", "a monetary objective"),
    ("EntropyBasedInformationLoss", "an objective of the game-theoretic models"),
    ("DifferentialPrivacy", "a random release, not a search"),
    ("Inclusion", "the file does not say which rows are in the subset"),
    ("GRASSBERGER", "a bias-corrected estimator of entropy, which is not the entropy of the class"),
    ("Uniqueness", "an estimator as a model; `kakou risk` gives its figure"),
    ("ClassificationMetric", "a workload, not a measure of a table"),
    ("ARXPopulationModel", "estimated from a region's inhabitants, which the file does not give"),
];

fn numbers(text: &str) -> Vec<f64> {
    text.split(',').filter_map(|n| n.trim().trim_end_matches('d').parse().ok()).collect()
}

fn aggregate_of(text: &str, default: Aggregate) -> Aggregate {
    match text {
        t if t.contains("RANK") => Aggregate::Rank,
        t if t.contains("GEOMETRIC") => Aggregate::GeometricMean,
        t if t.contains("ARITHMETIC") => Aggregate::Mean,
        t if t.contains("MAX") => Aggregate::Max,
        t if t.contains("SUM") => Aggregate::Sum,
        _ => default,
    }
}

/// The arguments of the first call of `name` in a configuration.
fn call<'a>(config: &'a str, name: &str) -> Option<&'a str> {
    let start = config.find(&format!("{name}("))? + name.len() + 1;
    let mut depth = 1;
    for (at, c) in config[start..].char_indices() {
        depth += i32::from(c == '(') - i32::from(c == ')');
        if depth == 0 {
            return Some(&config[start..start + at]);
        }
    }
    None
}

/// A case from its configuration, or why it is left out. ARX orders the values of the sensitive column by their names.
fn case(arx: &Path, test: &str, config: &str) -> std::result::Result<Case, &'static str> {
    if let Some((_, why)) = ELSEWHERE.iter().find(|(word, _)| config.contains(word)) {
        return Err(why);
    }
    let factors =
        |text: &str| objective::Factors::new(numbers(text).first().copied().unwrap_or(0.5));
    let objective: Box<dyn Objective> = if let Some(text) = call(config, "createLossMetric") {
        let aggregate = aggregate_of(text, Aggregate::GeometricMean);
        Box::new(objective::loss::Loss { aggregate, factors: factors(text) })
    } else if let Some(text) = call(config, "createPrecomputedEntropyMetric")
        .or_else(|| call(config, "createEntropyMetric"))
    {
        Box::new(objective::entropy::Entropy {
            aggregate: aggregate_of(text, Aggregate::Sum),
            factors: objective::Factors::new(0.5),
            normalized: false,
            suppression: !text.contains("true"),
        })
    } else if let Some(text) = call(config, "createPrecisionMetric") {
        Box::new(objective::precision::Precision {
            aggregate: aggregate_of(text, Aggregate::Mean),
            factors: objective::Factors::new(0.5),
            suppression: !text.contains("true"),
        })
    } else if let Some(text) = call(config, "createDiscernabilityMetric") {
        Box::new(objective::discernibility::Discernibility { penalty: !text.contains("true") })
    } else if call(config, "createAECSMetric").is_some() {
        Box::new(objective::class_size::ClassSize)
    } else if call(config, "createHeightMetric").is_some() {
        Box::new(objective::height::Height)
    } else {
        return Err("no objective is named");
    };
    let ladder = rows(&arx.join("adult_hierarchy_occupation.csv"));
    let number = |level: usize| -> Vec<u32> {
        let mut names: Vec<&str> = ladder.iter().map(|l| l[level].as_str()).collect();
        names.sort_unstable();
        names.dedup();
        ladder.iter().map(|l| names.binary_search(&l[level].as_str()).unwrap() as u32).collect()
    };
    let distance = |which: &str| match which {
        "ordered" => {
            let mut order: Vec<u32> = (0..ladder.len() as u32).collect();
            order.sort_by_key(|&c| ladder[c as usize][0].clone());
            model::Distance::Ordered(order)
        }
        "tree" => {
            let levels: Vec<Vec<u32>> = (1..ladder[0].len()).map(number).collect();
            model::Distance::Hierarchical(model::Tree::new(&levels).unwrap())
        }
        _ => model::Distance::Equal,
    };
    let closeness = |t: f64, which: &str| -> Box<dyn Model> {
        Box::new(model::TCloseness { t, sensitive: 0, distance: distance(which) })
    };
    let last = |text: &str| numbers(text).last().copied().unwrap();
    let mut models: Vec<Box<dyn Model>> = Vec::new();
    if let Some(text) = call(config, "KAnonymity") {
        models.push(Box::new(KAnonymity { k: last(text) as u64 }));
    }
    if let Some(text) = call(config, "HierarchicalDistanceTCloseness") {
        models.push(closeness(numbers(text)[0], "tree"));
    } else if test == "TestAnonymizationTCloseness" && !config.contains("TCloseness(") {
        // The file lost the model of these cases; their scores are those of the same model in TestAnonymizationCombinations.
        models.push(closeness(0.2, "tree"));
    }
    if let Some(text) = call(config, "EqualDistanceTCloseness") {
        models.push(closeness(last(text), "equal"));
    }
    if let Some(text) = call(config, "OrderedDistanceTCloseness") {
        models.push(closeness(last(text), "ordered"));
    }
    if let Some(text) = call(config, "RecursiveCLDiversity") {
        let n = numbers(text);
        models.push(Box::new(model::RecursiveCL { c: n[0], l: n[1] as u64, sensitive: 0 }));
    }
    if let Some(text) = call(config, "EntropyLDiversity") {
        models.push(Box::new(model::EntropyL { l: numbers(text)[0], sensitive: 0 }));
    }
    if let Some(text) = call(config, "BasicBLikeness") {
        models.push(Box::new(model::BasicBeta { beta: last(text), sensitive: 0 }));
    }
    if let Some(text) = call(config, "EnhancedBLikeness") {
        models.push(Box::new(model::EnhancedBeta { beta: last(text), sensitive: 0 }));
    }
    if let Some(text) = call(config, "DPresence") {
        let n = numbers(text);
        models.push(Box::new(model::DeltaPresence::new(n[0], n[1])));
    }
    if let Some(text) = call(config, "KMap") {
        models.push(Box::new(model::KMap { k: numbers(text)[0] as u64 }));
    }
    if let Some(text) = call(config, "AverageReidentificationRisk") {
        models.push(Box::new(model::AverageRisk { risk: last(text) }));
    }
    if models.is_empty() {
        return Err("no model is named");
    }
    Ok(Case {
        suppression: numbers(call(config, "cfg").unwrap())[0],
        objective,
        models,
        subset: config.contains("DataSubset"),
    })
}

/// The rows of adult that are in the research subset, and the others.
fn split(arx: &Path, adult: &Adult, sensitive: &[u32]) -> [Part; 2] {
    let mut wanted: BTreeMap<Vec<String>, u32> = BTreeMap::new();
    for row in &rows(&arx.join("adult_subset.csv"))[1..] {
        *wanted.entry(row.clone()).or_default() += 1;
    }
    let mut parts = [
        (vec![Vec::new(); adult.codes.len()], Vec::new()),
        (vec![Vec::new(); adult.codes.len()], Vec::new()),
    ];
    for (number, row) in rows(&arx.join("adult.csv"))[1..].iter().enumerate() {
        let part = match wanted.get_mut(row) {
            Some(left) if *left > 0 => {
                *left -= 1;
                &mut parts[0]
            }
            _ => &mut parts[1],
        };
        for (column, codes) in part.0.iter_mut().zip(&adult.codes) {
            column.push(codes[number]);
        }
        part.1.push(sensitive[number]);
    }
    parts
}

struct Tables {
    eight: Adult,
    nine: Adult,
    occupation: Vec<u32>,
    parts: [Part; 2],
}

/// Quasi-identifiers by column, and the sensitive column.
type Part = (Vec<Vec<u32>>, Vec<u32>);

fn tables(arx: &Path) -> Tables {
    let eight: Vec<&str> = COLUMNS.into_iter().filter(|c| *c != "occupation").collect();
    let nine = adult(arx, &COLUMNS);
    let occupation = nine.codes[7].clone();
    let eight_table = adult(arx, &eight);
    let parts = split(arx, &eight_table, &occupation);
    Tables { eight: eight_table, nine, occupation, parts }
}

fn problem_of(tables: &Tables, case: Case, about: bool) -> (Problem, Box<dyn Objective>) {
    let data = if about { &tables.eight } else { &tables.nine };
    let mut problem = Problem::new(data.attributes.clone());
    let sample = if case.subset {
        Sample {
            columns: tables.parts[0].0.iter().map(Vec::as_slice).collect(),
            sensitive: vec![&tables.parts[0].1],
            population: Some(tables.parts[1].0.iter().map(Vec::as_slice).collect()),
            persons: None,
        }
    } else {
        Sample {
            columns: data.codes.iter().map(Vec::as_slice).collect(),
            sensitive: if about { vec![&tables.occupation] } else { Vec::new() },
            ..Sample::default()
        }
    };
    let rows = sample.columns[0].len() as f64;
    let setting = Setting { models: case.models, limit: (case.suppression * rows).floor() as u64 };
    problem.view("adult", (0..data.codes.len()).collect(), &sample, setting).unwrap();
    (problem, case.objective)
}

fn expectations(arx: &Path) -> Vec<Vec<String>> {
    csv::ReaderBuilder::new()
        .delimiter(b'\t')
        .from_path(arx.join("arx_test_expectations.tsv"))
        .unwrap()
        .records()
        .map(|r| r.unwrap().iter().map(str::to_owned).collect())
        .collect()
}

/// The optima that ARX's own tests expect, with l-diversity, t-closeness, β-likeness, δ-presence, k-map and average risk.
#[test]
#[ignore = "takes minutes: cargo test -- --ignored"]
fn optima_of_the_tests_of_arx() {
    optima_of_tests(1);
}

#[test]
fn an_optimum_of_the_tests_of_arx_in_fifteen() {
    optima_of_tests(15);
}

fn optima_of_tests(one_in: usize) {
    let arx = common::fixture("arx");
    let tables = tables(&arx);
    let (mut compared, mut better, mut empty) = (0, 0, 0);
    let mut left_out: BTreeMap<&str, u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    let mut cases = 0_usize;
    let rows = expectations(&arx).into_iter().filter(|row| row[0].starts_with("TestAnonymization"));
    for row in rows {
        let made = match case(&arx, &row[0], &row[3]) {
            Ok(made) => made,
            Err(why) => {
                *left_out.entry(why).or_default() += 1;
                continue;
            }
        };
        cases += 1;
        if !(cases - 1).is_multiple_of(one_in) {
            continue;
        }
        let parts: Vec<&str> = row[4].split('|').map(|p| p.trim().trim_matches('"')).collect();
        let about = parts[0] == "occupation";
        let parts = &parts[usize::from(about)..];
        let (problem, objective) = problem_of(&tables, made, about);
        let solution = solve(&problem, objective.as_ref(), &Limits::default());
        let shown = format!("{} {} {}", row[0], row[1], row[3]);
        if parts[1] == "null" {
            if solution.best.is_some() {
                wrong.push(format!("{shown}: ARX finds none, we {:?}", solution.best));
            }
            compared += 1;
            continue;
        }
        let score: f64 = parts[0].trim_end_matches('d').parse().unwrap();
        let inner = parts[1].split_once('{').unwrap().1.trim_end_matches('}').trim();
        let node: Levels = inner.split(',').map(|n| n.trim().parse().unwrap()).collect();
        let (stats, cost, feasible) = evaluate(&problem, objective.as_ref(), &node);
        compared += 1;
        if near(cost.figure(), score) && stats[0].impossible && row[3].contains("DPresence(0.05") {
            // A class of the population without anybody of the release has presence 0, below the 0.05 asked for. With a
            // second model ARX suppresses that class of nobody and goes on; alone, DPresence refuses as we do.
            assert!(row[3].contains("KAnonymity") || row[3].contains("RecursiveCL"), "{shown}");
            empty += 1;
            continue;
        }
        if !near(cost.figure(), score) || !feasible {
            wrong.push(format!("{shown}: their node costs {score}, here {cost:?}, feasible {feasible}, suppressed {}", stats[0].suppressed));
            continue;
        }
        let best = solution.best.unwrap();
        // Heuristic searches, and searches that assume monotonicity where it is not given, may miss the optimum.
        let heuristic =
            row[0].contains("Heuristic") || row[0].contains("Genetic") || parts[2] == "true";
        if !near(best.cost.figure(), score) {
            if best.cost.figure() < score && heuristic {
                better += 1;
            } else {
                wrong.push(format!("{shown}: ARX's optimum {score} at {node:?}, ours {best:?}"));
            }
        }
    }
    for (why, count) in &left_out {
        eprintln!("left out {count}: {why}");
    }
    eprintln!(
        "arx_test_expectations.tsv: {compared} optima compared, {better} of ARX's heuristics beaten by the exact search, {empty} that forget classes of nobody"
    );
    assert!(wrong.is_empty(), "{}\n{}", wrong.len(), wrong.join("\n"));
    assert!(compared >= 70 / one_in);
}

/// Costs of named nodes in ARX's utility tests.
#[test]
fn costs_of_named_nodes() {
    let arx = common::fixture("arx");
    let tables = tables(&arx);
    let (mut cases, mut compared, mut infinite) = (0, 0, 0);
    let mut left_out: BTreeMap<&str, u32> = BTreeMap::new();
    let mut wrong = Vec::new();
    for row in expectations(&arx) {
        if !row[0].starts_with("TestUtilityMetrics") || row[0].ends_with("Precomputation") {
            continue;
        }
        let made = match case(&arx, &row[0], &row[3]) {
            Ok(made) => made,
            Err(why) => {
                *left_out.entry(why).or_default() += 1;
                continue;
            }
        };
        cases += 1;
        let (mut problem, objective) = problem_of(&tables, made, true);
        if row[0] == "TestUtilityMetricsLoss" && row[1].parse::<u32>().unwrap() >= 50 {
            // The second half of these cases weighs the columns of adult by their place, 1/9 to 9/9.
            for (place, attribute) in problem.attributes.iter_mut().enumerate() {
                attribute.weight = if place == 7 { 9.0 } else { place as f64 + 1.0 } / 9.0;
            }
        }
        let mut parts: Vec<&str> =
            row[4].split(" | ").map(|p| p.trim().trim_matches('"')).collect();
        parts.remove(0);
        if row[0] == "TestUtilityMetricsLoss" {
            // Score and optimum instead of nodes and scores.
            parts.swap(0, 1);
            parts.truncate(2);
        }
        for pair in parts.chunks(2) {
            let [node, score] = pair else { continue };
            let node: Levels = node
                .trim_start_matches("new int[]")
                .trim()
                .trim_matches(['[', ']', '{', '}', ' '])
                .split(',')
                .map(|n| n.trim().parse().unwrap())
                .collect();
            let expected: Vec<f64> = numbers(score.trim_matches(['[', ']']));
            let (_, cost, _) = evaluate(&problem, objective.as_ref(), &node);
            if expected.iter().any(|e| !e.is_finite()) {
                infinite += 1;
                continue;
            }
            compared += expected.len();
            if !cost.0.iter().zip(&expected).all(|(a, b)| near(*a, *b))
                || cost.0.len() != expected.len()
            {
                wrong.push(format!(
                    "{} {} {} {node:?}: {expected:?}, here {cost:?}",
                    row[0], row[1], row[3]
                ));
            }
        }
    }
    for (why, count) in &left_out {
        eprintln!("left out {count}: {why}");
    }
    eprintln!(
        "arx_test_expectations.tsv: {compared} costs of named nodes compared in {cases} cases ({infinite} infinite)"
    );
    assert!(
        wrong.is_empty(),
        "{} of {compared}\n{}",
        wrong.len(),
        wrong[..wrong.len().min(40)].join("\n")
    );
    assert!(compared > 1000);
}
