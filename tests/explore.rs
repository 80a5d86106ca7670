//! `kakou explore`: the page says what is counted from the files, hides what few persons hold, and its lines for the policy decide levels.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{error_of, files, kakou, new_key, program, run, text};

const POLICY: &str = r#"
[policy]
id = "t"
version = "1"
profile = "ngmia"
[person]
key = "patient"
[pseudonymized]
project = "p"
recipient = "r"
[anonymized]
tier = "controlled"
suppress = { unit = "row", at_most = 0.1 }
[[anonymized.view]]
name = "person"
grain = "persons"
quasi = ["persons.age", "persons.sex"]
k = 5
[[anonymized.view]]
name = "visit"
grain = "visits"
quasi = ["persons.age", "persons.sex", "visits.day"]
k = 5
[not_applicable]
"18-2" = "none"
"33-2" = "none"
"33-3" = "none"
[tables.persons]
grain = "person"
source = { path = "persons.csv" }
keys = { patient = "id" }
[tables.persons.columns]
id = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
age = { role = "quasi", type = "integer", pseudonymized = "keep", anonymized = { band = { widths = [5, 10, 30] } } }
sex = { role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }
[tables.visits]
grain = "event"
source = { path = "visits.csv" }
keys = { patient = "id" }
[tables.visits.columns]
id = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
day = { role = "quasi", type = "date", kind = "event", pseudonymized = "shift_date", anonymized = { truncate_date = { units = ["month", "quarter", "year"] } } }
"#;

/// What nobody but three persons has.
const CANARY: &str = "ZQ7KANARIE";

struct Case {
    work: tempfile::TempDir,
    /// By person: age and sex.
    persons: Vec<(u32, &'static str)>,
    /// Person and month.
    visits: Vec<(usize, u32)>,
}

impl Case {
    fn new() -> Case {
        Case::with(true)
    }
    /// With the three persons whom nobody is like, or without.
    fn with(canary: bool) -> Case {
        let work = tempfile::tempdir().unwrap();
        std::fs::create_dir(work.path().join("in")).unwrap();
        let mut persons = Vec::new();
        let mut visits = Vec::new();
        // A small generator: the same cases on every machine.
        let mut state = 7_u64;
        let mut next = |below: u64| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % below
        };
        for person in 0..900 {
            let age = 30 + (next(30) + next(31)) as u32;
            let sex =
                if canary && person % 300 == 11 { CANARY } else { ["F", "M"][next(2) as usize] };
            persons.push((age, sex));
            for _ in 0..1 + next(3) {
                visits.push((person, 1 + next(12) as u32));
            }
        }
        let mut csv = "id,age,sex\n".to_owned();
        for (person, (age, sex)) in persons.iter().enumerate() {
            writeln!(csv, "{},{age},{sex}", 70_001 + person * 7).unwrap();
        }
        std::fs::write(work.path().join("in/persons.csv"), csv).unwrap();
        let mut csv = "id,day\n".to_owned();
        for (at, (person, month)) in visits.iter().enumerate() {
            writeln!(csv, "{},2024-{month:02}-{:02}", 70_001 + person * 7, 1 + at % 28).unwrap();
        }
        std::fs::write(work.path().join("in/visits.csv"), csv).unwrap();
        std::fs::write(work.path().join("policy.toml"), POLICY).unwrap();
        Case { work, persons, visits }
    }
    fn at(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }
    fn page(&self, more: &[&str]) -> String {
        explored(&self.at("policy.toml"), &self.at("in"), &self.at("page.html"), more)
    }
}

fn explored(policy: &Path, input: &Path, to: &Path, more: &[&str]) -> String {
    let mut arguments = vec![
        "explore",
        "--quiet",
        "--policy",
        text(policy),
        "--input",
        text(input),
        "--out",
        text(to),
    ];
    arguments.extend(more);
    let output = kakou(&arguments);
    assert!(output.status.success(), "{}", error_of(&output));
    std::fs::read_to_string(to).unwrap()
}

/// What the page's script works with.
fn data(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
    serde_json::from_str(rest.split_once("</script>").unwrap().0).unwrap()
}

/// The lines for the policy, as they stand without a script.
fn toml_of(page: &str) -> String {
    let (_, rest) = page.split_once("<pre id=\"toml\" tabindex=\"0\">").unwrap();
    let text = rest.split_once("</pre>").unwrap().0;
    text.replace("&quot;", "\"").replace("&#x2f;", "/").replace("&amp;", "&")
}

/// All combinations of a grid, in the page's order.
fn nodes(data: &Value) -> Vec<Vec<u64>> {
    let mut nodes: Vec<Vec<u64>> = vec![Vec::new()];
    for levels in data["grid"].as_array().unwrap() {
        nodes = nodes
            .into_iter()
            .flat_map(|node| {
                levels.as_array().unwrap().iter().map(move |level| {
                    let mut node = node.clone();
                    node.push(level.as_u64().unwrap());
                    node
                })
            })
            .collect();
    }
    let extra = data["extra"].as_array().unwrap().iter();
    nodes
        .extend(extra.map(|n| n.as_array().unwrap().iter().map(|l| l.as_u64().unwrap()).collect()));
    nodes
}

fn few(count: u64) -> i64 {
    if (1..=9).contains(&count) { -1 } else { count as i64 }
}

/// Rows as (class, person): smallest class, rows, persons touched and persons lost for k.
fn recount(rows: &[(String, usize)], k: usize) -> [i64; 4] {
    let mut classes: BTreeMap<&str, BTreeSet<usize>> = BTreeMap::new();
    for (class, person) in rows {
        classes.entry(class).or_default().insert(*person);
    }
    let smallest = classes.values().map(BTreeSet::len).min().unwrap();
    let goes = |class: &str| classes[class].len() < k;
    let gone: Vec<_> = rows.iter().filter(|(class, _)| goes(class)).collect();
    let touched: BTreeSet<usize> = gone.iter().map(|(_, p)| *p).collect();
    let stay: BTreeSet<usize> =
        rows.iter().filter(|(class, _)| !goes(class)).map(|(_, p)| *p).collect();
    let lost = touched.iter().filter(|p| !stay.contains(p)).count() as u64;
    let told = match few(smallest as u64) {
        -1 if smallest >= k => -2,
        told => told,
    };
    [told, few(gone.len() as u64), few(touched.len() as u64), few(lost)]
}

#[test]
fn every_combination_is_what_a_recount_of_the_files_says() {
    for canary in [true, false] {
        recounted(&Case::with(canary));
    }
}

fn recounted(case: &Case) {
    let page = case.page(&[]);
    let data = data(&page);
    let names: Vec<&str> =
        data["columns"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["persons.age", "visits.day"]);
    let nodes = nodes(&data);
    assert_eq!(nodes.len(), 9);
    for (at, node) in nodes.iter().enumerate() {
        let width = [5, 10, 30][node[0] as usize];
        let time = |month: u32| match node[1] {
            0 => month,
            1 => (month - 1) / 3,
            _ => 0,
        };
        let of = |person: usize| {
            format!("{}|{}", case.persons[person].0 / width, case.persons[person].1)
        };
        let persons: Vec<_> = (0..case.persons.len()).map(|p| (of(p), p)).collect();
        let visits: Vec<_> = case
            .visits
            .iter()
            .map(|&(p, month)| (format!("{}|{}", of(p), time(month)), p))
            .collect();
        for (view, rows) in [&persons, &visits].into_iter().enumerate() {
            let told = &data["views"][view];
            let figures =
                ["before", "gone", "touched", "lost"].map(|f| told[f][at].as_i64().unwrap());
            assert_eq!(figures, recount(rows, 5), "view {view}, levels {node:?}");
            assert_eq!(told["rows"].as_u64().unwrap(), rows.len() as u64);
            let gone = told["gone"][at].as_i64().unwrap().max(0) as u64;
            let fine = gone <= rows.len() as u64 / 10;
            assert_eq!(&told["ok"].as_str().unwrap()[at..=at], if fine { "1" } else { "0" });
        }
    }
    // Who would be lost at the first combination: by sex, counted again.
    let first = &data["lost"][0];
    let sexes = first["views"][0].as_array().unwrap().iter().find(|d| d["name"] == "persons.sex");
    let rows = sexes.unwrap()["rows"].as_array().unwrap();
    let persons =
        |row: &Value| case.persons.iter().filter(|(_, sex)| row[0] == *sex).count() as u64;
    // The three with the canary, and the smaller of the two others, from which and the sum they would follow.
    let hides = rows.iter().any(|row| row[0].is_null());
    let least = rows.iter().filter(|row| row[0].is_string()).map(persons).min().unwrap();
    for row in rows {
        let told = match row[0].as_str() {
            Some(_) if hides && persons(row) == least => -3,
            Some(_) => few(persons(row)),
            None => -1,
        };
        assert_eq!(row[1], told);
    }
}

#[test]
fn what_few_persons_hold_is_not_in_the_page_and_nothing_is_left_behind() {
    let case = Case::new();
    for lang in ["ja", "en", "both"] {
        let page = case.page(&["--lang", lang]);
        assert!(!page.contains(CANARY), "{lang}");
        // Neither identifiers nor single days or ages of anybody.
        for rare in ["70001", "70008", "2024-"] {
            assert!(!page.contains(rare), "{lang}: {rare}");
        }
        let (_, rest) = page.split_once("<script type=\"application/json\" id=\"data\">").unwrap();
        let (json, _) = rest.split_once("</script>").unwrap();
        let told: Value = serde_json::from_str(json).unwrap();
        for view in told["views"].as_array().unwrap() {
            for figure in ["before", "gone", "other", "touched", "lost"] {
                for count in view[figure].as_array().unwrap() {
                    assert!(!(1..=9).contains(&count.as_i64().unwrap()), "{figure}");
                }
            }
        }
        // One file: no address in it but the namespace of its pictures, and a rule that lets nothing else run.
        assert!(
            page.contains("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
        );
        let addresses: BTreeSet<&str> = page
            .match_indices("http")
            .map(|(at, _)| {
                &page[at..page[at..].find(['"', '<', ' ']).map_or(page.len(), |e| at + e)]
            })
            .filter(|a| a.contains("//"))
            .collect();
        assert_eq!(addresses, BTreeSet::from(["http://www.w3.org/2000/svg"]));
        for attribute in ["src=", "href=\"h", "onclick", "@import", "url("] {
            assert!(!page.contains(attribute), "{attribute}");
        }
    }
    let japanese = case.page(&["--lang", "ja"]);
    assert!(japanese.contains("<html lang=\"ja\">") && japanese.contains("水準を選ぶ"));
    assert!(!japanese.contains("What one step costs"));
    let english = case.page(&["--lang", "en"]);
    assert!(english.contains("<html lang=\"en\">") && english.contains("What one step costs"));
    assert!(!english.contains("水準"));

    // The page and nothing else: no key, no staging, no private folder.
    let spill = case.at("spill");
    let keys = case.at("keys");
    std::fs::create_dir(&spill).unwrap();
    let before = files(case.work.path());
    let output = program()
        .env("KAKOU_KEYS", text(&keys))
        .args(["explore", "--quiet", "--policy", text(&case.at("policy.toml"))])
        .args(["--input", text(&case.at("in")), "--out", text(&case.at("page.html"))])
        .args(["--spill", text(&spill)])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", error_of(&output));
    assert_eq!(files(case.work.path()), before);
    assert!(!keys.exists());
    assert!(std::fs::read_dir(&spill).unwrap().next().is_none());
    // Among the input it would be taken for a table.
    let inside = kakou(&[
        "explore",
        "--policy",
        text(&case.at("policy.toml")),
        "--input",
        text(&case.at("in")),
        "--out",
        text(&case.at("in/page.html")),
    ]);
    assert!(error_of(&inside).contains("P0319"), "{}", error_of(&inside));
}

#[test]
fn the_first_combination_is_what_a_run_takes_and_the_lines_decide_levels() {
    let case = Case::new();
    let key = new_key(case.work.path());
    let policy = case.at("policy.toml");
    let page = case.page(&[]);
    let data = data(&page);
    let nodes = nodes(&data);
    let start = data["start"].as_u64().unwrap() as usize;
    let explained =
        kakou(&["explain", "--json", "--policy", text(&policy), "--input", text(&case.at("in"))]);
    let explained: Value = serde_json::from_slice(&explained.stdout).unwrap();
    let search = &explained["search"];
    let level = |column: usize, at: u64| {
        let key = &data["columns"][column]["levels"][at as usize]["key"];
        serde_json::from_str::<String>(key.as_str().unwrap()).unwrap()
    };
    let mut compared = 0;
    let all = ["runners", "neighbours"].map(|list| search[list].as_array().unwrap().iter());
    for choice in std::iter::once(&search["chosen"]).chain(all.into_iter().flatten()) {
        let at = nodes
            .iter()
            .position(|node| (0..2).all(|c| choice["levels"][c] == level(c, node[c]).as_str()))
            .unwrap();
        let cost = choice["cost"][0].as_f64().unwrap();
        assert!((data["loss"][at].as_f64().unwrap() - cost).abs() <= 1e-5 * cost.max(1e-3));
        for view in 0..2 {
            let gone = choice["suppressed"][view].as_u64().unwrap();
            assert_eq!(data["views"][view]["gone"][at].as_i64().unwrap(), few(gone));
        }
        if compared == 0 {
            assert_eq!(at, start);
        }
        compared += 1;
    }
    assert!(compared > 4);

    // A run states what the page has of the first combination.
    let release = run(&policy, &case.at("in"), &key, &case.at("out"), &[]);
    let of_run = |release: &Path| -> Value {
        serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
            .unwrap()
    };
    let statement = of_run(&release);
    let run_table = page.split_once("id=\"run\"").unwrap().1.split_once("</table>").unwrap().0;
    for view in statement["views"].as_array().unwrap() {
        let row = run_table
            .split("<tr>")
            .find(|row| row.contains(&format!(">{}<", view["view"].as_str().unwrap())))
            .unwrap();
        let suppressed = match view["suppressed"].as_u64().unwrap() {
            1..=9 => "&lt;10".to_owned(),
            many => many.to_string(),
        };
        assert!(row.contains(&format!(">{suppressed}</td></tr>")), "{suppressed}: {row}");
    }

    // The lines of another combination, pasted at the end: no search, and the release shows these levels.
    for (age, day) in [(2, 1), (2, 2)] {
        let toml = toml_of(&page);
        let mut lines: Vec<String> =
            toml.lines().take_while(|l| !l.starts_with('"')).map(str::to_owned).collect();
        assert!(lines.contains(&"[anonymized.search.levels]".to_owned()), "{toml}");
        for (column, at) in [age, day].into_iter().enumerate() {
            let told = &data["columns"][column];
            let line = format!(
                "{} = {}",
                told["key"].as_str().unwrap(),
                told["levels"][at as usize]["key"].as_str().unwrap()
            );
            lines.push(line);
        }
        let decided = case.at("decided.toml");
        std::fs::write(&decided, format!("{POLICY}{}\n", lines.join("\n"))).unwrap();
        let checked =
            kakou(&["check", "--policy", text(&decided), "--input", text(&case.at("in"))]);
        assert!(checked.status.success(), "{}", error_of(&checked));
        // As an extending policy, too.
        let extending = case.at("extending.toml");
        std::fs::write(&extending, format!("extends = \"policy.toml\"\n{}\n", lines.join("\n")))
            .unwrap();
        let checked = kakou(&["check", "--policy", text(&extending)]);
        assert!(checked.status.success(), "{}", error_of(&checked));
        let release = run(&decided, &case.at("in"), &key, &case.at("out"), &[]);
        let (header, rows) = crate::common::records(&release.join("anonymized/visits.csv"));
        let column = header.iter().position(|h| h == "day").unwrap();
        let days: BTreeSet<&str> = rows.iter().map(|r| r[column].as_str()).collect();
        assert_eq!(days.len(), [12, 4, 1][day as usize], "{days:?}");
        let (header, rows) = crate::common::records(&release.join("anonymized/persons.csv"));
        let column = header.iter().position(|h| h == "age").unwrap();
        assert!(rows.iter().any(|r| r[column] == "30-59"), "{:?}", rows[0]);
        // The page of what is decided keeps what was decided; with all of it decided there is nothing to look at.
        let none = kakou(&[
            "explore",
            "--policy",
            text(&decided),
            "--input",
            text(&case.at("in")),
            "--out",
            text(&case.at("none.html")),
        ]);
        assert!(error_of(&none).contains("P0354"), "{}", error_of(&none));
        let half = format!("{POLICY}[anonymized.search.levels]\n\"persons.age\" = \"30\"\n");
        std::fs::write(&decided, half).unwrap();
        let page = explored(&decided, &case.at("in"), &case.at("half.html"), &[]);
        assert!(toml_of(&page).contains("\"persons.age\" = \"30\"\n\"visits.day\" = "));
    }
    // What is not offered is an error with its place.
    for (line, said) in
        [("\"persons.age\" = \"7\"", "`5`, `10`, `30`"), ("\"persons.sex\" = \"F\"", "offers none")]
    {
        let wrong = case.at("wrong.toml");
        std::fs::write(&wrong, format!("{POLICY}[anonymized.search.levels]\n{line}\n")).unwrap();
        let told = error_of(&kakou(&["check", "--policy", text(&wrong)]));
        assert!(
            told.contains("P0353") && told.contains("wrong.toml:") && told.contains(said),
            "{told}"
        );
    }
}

#[test]
fn a_part_of_too_many_combinations_is_said_to_be_one() {
    let case = Case::new();
    let whole = case.page(&[]);
    assert!(!whole.contains("id=\"subset\""));
    let part = case.page(&["--combinations", "4"]);
    assert!(part.contains("id=\"subset\""));
    let (all, some) = (data(&whole), data(&part));
    let nodes_of_all = nodes(&all);
    let nodes_of_some = nodes(&some);
    let start = nodes_of_some[some["start"].as_u64().unwrap() as usize].clone();
    assert_eq!(start, nodes_of_all[all["start"].as_u64().unwrap() as usize]);
    // Each single step is there, and every figure is that of the whole page.
    for column in 0..2 {
        for level in 0..3 {
            let mut node = start.clone();
            node[column] = level;
            assert!(nodes_of_some.contains(&node), "{node:?}");
        }
    }
    for (at, node) in nodes_of_some.iter().enumerate() {
        let there = nodes_of_all.iter().position(|n| n == node).unwrap();
        assert_eq!(some["loss"][at], all["loss"][there]);
        assert_eq!(some["views"][1]["gone"][at], all["views"][1]["gone"][there]);
    }
    assert!(nodes_of_some.len() < nodes_of_all.len());
}

#[test]
fn a_policy_that_cannot_run_has_its_page_too() {
    let case = Case::new();
    let strict = POLICY.replace("at_most = 0.1", "at_most = 0.0");
    let policy = case.at("strict.toml");
    std::fs::write(&policy, strict).unwrap();
    let to = case.at("strict.html");
    let output = kakou(&[
        "explore",
        "--json",
        "--policy",
        text(&policy),
        "--input",
        text(&case.at("in")),
        "--out",
        text(&to),
    ]);
    assert!(output.status.success(), "{}", error_of(&output));
    let told: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(told["refused"]["code"], "C0102", "{told}");
    let page = std::fs::read_to_string(to).unwrap();
    let data = data(&page);
    // One begins at the coarsest.
    assert_eq!(nodes(&data)[data["start"].as_u64().unwrap() as usize], [2, 2]);
    assert!(page.contains("この方針のままの実行は拒否される"));
    assert!(!page.contains("id=\"run\""));
}

/// The shipped policy for plain CSV with levels on three columns, and one that offers levels as it is shipped.
#[test]
fn shipped_policies_have_their_pages() {
    let work = tempfile::tempdir().unwrap();
    let output = kakou(&[
        "synth",
        "--quiet",
        "--patients",
        "1200",
        "--layouts",
        "csv,dpc",
        "--out",
        text(work.path()),
    ]);
    assert!(output.status.success(), "{}", error_of(&output));
    let policy = work.path().join("policy.toml");
    let offering = r#"extends = "kakou:csv"
[anonymized]
suppress = { unit = "row", at_most = 0.3 }
[tables.persons.columns]
"生年月日" = { anonymized = { age_band = { at = "stays.入院日", widths = [5, 10, 30], top = 90 } } }
"郵便番号" = { anonymized = { generalize = { levels = ["prefecture", "region", "*"], otherwise = "other", other = "不明" } } }
[tables.stays.columns]
"入院日" = { anonymized = { truncate_date = { units = ["quarter", "half", "year"] } } }
"#;
    std::fs::write(&policy, offering).unwrap();
    let page = explored(&policy, &work.path().join("csv"), &work.path().join("csv.html"), &[]);
    let told = data(&page);
    assert_eq!(nodes(&told).len(), 27);
    assert!(page.contains("30 歳幅") && page.contains("quarter（四半期）"));
    let key = new_key(work.path());
    let release = run(&policy, &work.path().join("csv"), &key, &work.path().join("out"), &[]);
    let statement: Value =
        serde_json::from_slice(&std::fs::read(release.join("record/statement.json")).unwrap())
            .unwrap();
    let start = told["start"].as_u64().unwrap() as usize;
    let node = &nodes(&told)[start];
    for view in told["views"].as_array().unwrap() {
        let of_run = statement["views"]
            .as_array()
            .unwrap()
            .iter()
            .find(|v| v["view"] == view["name"])
            .unwrap();
        assert_eq!(view["rows"], of_run["rows"], "{}", view["name"]);
        assert!(of_run["recounted"]["smallest"].as_u64().unwrap() >= view["k"].as_u64().unwrap());
        // What the search sees of a view is at most what goes in the run.
        let gone = view["gone"][start].as_i64().unwrap();
        assert!(gone <= of_run["suppressed"].as_i64().unwrap().max(0), "{}", view["name"]);
    }
    assert_eq!(node.len(), 3);

    let page = explored(
        Path::new("kakou:dpc-hub"),
        &work.path().join("dpc"),
        &work.path().join("dpc.html"),
        &["--lang", "en"],
    );
    let told = data(&page);
    assert!(nodes(&told).len() > 20 && page.contains("\"quarter\""));
}
