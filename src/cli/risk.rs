//! `kakou risk`: how exposed the persons of a table are, for any CSV or Parquet file.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{Failure, Outcome, Show, prepare, shown};
use crate::error::{Error, Name, Result, small};
use crate::formats::any::{self, Hints};
use crate::frame::{Column, MISSING};
use crate::privacy::model::measure::Counted;
use crate::privacy::model::{Absent, Distance};
use crate::privacy::risk::{
    CATALOGUE, Doc, Spread, highest_by_person, household, individual, journalist, marketer, panel,
    population, prosecutor, subsets, suda, sum, unique_sets,
};
use crate::privacy::{Estimate, Reading, View};
use crate::say;

/// Measures the risk of re-identification in files: ours or another tool's.
#[derive(Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Risk {
    /// The files (CSV, TSV, Parquet); several files of the same columns count as one table.
    #[arg(required = true)]
    files: Vec<PathBuf>,
    /// What an attacker may know: column names, separated by commas (`'"a, b",c'` for a name with one). Without it, columns are proposed.
    #[arg(long, value_parser = columns)]
    quasi: Vec<Columns>,
    /// Columns whose values must not become known, separated by commas: l, t, α, β and δ that the classes reach.
    #[arg(long, value_parser = columns)]
    sensitive: Vec<Columns>,
    /// Takes the columns, k and the sensitive columns from a policy.
    #[arg(long, conflicts_with = "quasi")]
    policy: Option<PathBuf>,
    /// The view of the policy; not needed if it has one.
    #[arg(long, requires = "policy")]
    view: Option<String>,
    /// The column that says which person a row belongs to. Without it every row is taken as a person.
    #[arg(long)]
    person: Option<String>,
    /// The column with the sampling weight of each row (persons of the population that it stands for).
    #[arg(long)]
    weights: Option<String>,
    /// The column with the household of each row.
    #[arg(long)]
    household: Option<String>,
    /// A file of the population with the same columns: journalist risk.
    #[arg(long)]
    population: Option<PathBuf>,
    /// Persons in the population, for the estimates of population uniqueness and DIS.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    population_size: Option<u64>,
    /// Columns of a wide table whose values somebody may know singly, such as laboratory results.
    #[arg(long, value_parser = columns)]
    panel_wide: Vec<Columns>,
    /// Columns that together are one known value of a long table, such as test and result.
    #[arg(long, value_parser = columns)]
    panel_long: Vec<Columns>,
    /// Field separator of CSV; found by itself if not given. `tab` for TAB.
    #[arg(long, value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The first record of CSV is data; columns are named 1, 2, ….
    #[arg(long)]
    no_header: bool,
    /// The sheet of a workbook (.xlsx, .ods); not needed if it has one.
    #[arg(long)]
    sheet: Option<String>,
    /// A text that means "missing", besides the empty cell. May be given several times.
    #[arg(long)]
    missing: Vec<String>,
    /// Fails (exit code 1) if fewer persons than this share the values of somebody.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..))]
    k: Option<u64>,
    /// A risk from 0 to 1. Fails (exit code 1) if the highest prosecutor risk is above it.
    #[arg(long, value_parser = fraction)]
    threshold: Option<f64>,
    /// Fails (exit code 1) if the average prosecutor risk is above it.
    #[arg(long, value_parser = fraction)]
    average: Option<f64>,
    /// Largest column sets that are listed and searched.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=12))]
    set_size: u8,
    /// A proposed column set makes at least this share of the rows unique.
    #[arg(long, default_value_t = 0.9, value_parser = fraction)]
    unique_share: f64,
    /// Dear analyses that run whatever they cost: special uniques, figures of all sets of columns. Without it they run where
    /// they take seconds, and where they do not, it is said.
    #[arg(long, value_delimiter = ',')]
    also: Vec<Dear>,
    /// Dear analyses look at so many persons, drawn at random (the same ones each time); the error is told.
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..))]
    sample: Option<u64>,
    /// No explanations.
    #[arg(long)]
    brief: bool,
}

/// An analysis that looks at many sets of columns.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
enum Dear {
    /// Special uniques (SUDA2).
    Suda,
    /// Distinction, separation and uniqueness of every set of columns.
    Sets,
}

impl Dear {
    const fn word(self) -> &'static str {
        match self {
            Dear::Suda => "suda",
            Dear::Sets => "sets",
        }
    }
    /// Where it stands in the JSON.
    const fn key(self) -> &'static str {
        match self {
            Dear::Suda => "suda",
            Dear::Sets => "subsets",
        }
    }
}

/// Rows times sets of columns that a dear analysis looks at without being asked: some seconds.
const UNASKED: u64 = 40_000_000;

/// Largest minimal unique sets that are searched: large sets of many columns are many, and what singles out by few matters most.
const fn special_sets(columns: usize) -> usize {
    if columns <= 12 { columns } else { 5 }
}

/// A number whose low bits say nothing of the order of persons (SplitMix64; Steele, Lea & Flood, OOPSLA 2014).
const fn mixed(number: u64) -> u64 {
    let z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ z >> 31
}

const EXAMPLES: &str = "Examples:
  kakou risk table.csv                                        which columns single out persons
  kakou risk table.csv --person id --quasi age,sex,zip --k 10 exit code 1 if k is below 10
  kakou risk sample.csv --quasi age,sex --weights w --population-size 120000 --json
  kakou risk labs.csv --person id --panel-long test,result
  kakou risk big.parquet --person id --quasi a,b,c,d,e,f --also suda --sample 100000";

/// Names of columns as one argument gives them.
#[derive(Clone, Debug)]
struct Columns(Vec<String>);

fn names(given: &[Columns]) -> Vec<String> {
    given.iter().flat_map(|c| c.0.iter().cloned()).collect()
}

/// Names between commas; one that has a comma stands in quotes, as in CSV.
fn columns(text: &str) -> std::result::Result<Columns, String> {
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut names = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|_| "names between commas".to_owned())?;
        names.extend(record.iter().map(str::to_owned));
    }
    Ok(Columns(names))
}

fn delimiter(text: &str) -> std::result::Result<u8, String> {
    match text.as_bytes() {
        [one] => Ok(*one),
        b"tab" | b"\\t" => Ok(b'\t'),
        _ => Err("one character, or `tab`".to_owned()),
    }
}

fn fraction(text: &str) -> std::result::Result<f64, String> {
    text.parse()
        .ok()
        .filter(|f| (0.0..=1.0).contains(f))
        .ok_or_else(|| "a number from 0 to 1".to_owned())
}

/// The columns that are used, by their place in what was read.
#[derive(Default)]
struct Used {
    names: Vec<String>,
}

impl Used {
    fn place(&mut self, name: &str) -> usize {
        match self.names.iter().position(|n| n == name) {
            Some(at) => at,
            None => {
                self.names.push(name.to_owned());
                self.names.len() - 1
            }
        }
    }
}

/// What was read.
struct Data {
    rows: usize,
    columns: Vec<Column>,
}

/// What is printed: a text for people and values for machines, side by side.
struct Page {
    show: Show,
    brief: bool,
    json: serde_json::Map<String, Value>,
    explained: Vec<&'static Doc>,
}

impl Page {
    fn section(&mut self, doc: &'static Doc) {
        self.show.line(&format!("\n{} / {}", doc.title, doc.title_ja));
        if !self.brief {
            self.show.line(&format!("  {}", doc.definition));
            self.show.line(&format!("  {}", doc.definition_ja));
        }
        self.explained.push(doc);
    }
    fn figure(&self, name: &str, value: impl std::fmt::Display) {
        self.show.line(&format!("    {name:<46} {value}"));
    }
    fn put(&mut self, key: &str, value: impl serde::Serialize) {
        self.json.insert(key.to_owned(), json!(value));
    }
}

fn told(estimate: Estimate) -> String {
    match estimate {
        Estimate::Value(value) => value.to_string(),
        Estimate::NotAvailable(why) => format!("not available: {why}"),
    }
}

impl Risk {
    /// Runs it.
    ///
    /// # Errors
    /// Unknown columns, a file that cannot be read, or (exit code 1) a limit that does not hold.
    pub fn run(&self, show: Show) -> Outcome<()> {
        match &self.policy {
            None => Ok(self.measure(&names(&self.quasi), &names(&self.sensitive), self.k, show)?),
            Some(path) => {
                let prepared = prepare(path)?;
                let with = |e: Error| Failure::new(e, &prepared.loaded.sources);
                let views = &prepared.plan.views;
                let view = match &self.view {
                    Some(name) => views.iter().find(|v| v.name.as_str() == name),
                    None if views.len() == 1 => views.first(),
                    None => None,
                };
                let Some(view) = view else {
                    let names: Vec<Name> = views.iter().map(|v| v.name.clone()).collect();
                    let names = list(&names);
                    return Err(with(Error::policy(
                        "V0322",
                        say!("name a view of the policy with --view: it has {}", names),
                    )));
                };
                let tables = &prepared.plan.tables;
                let quasi: Vec<String> = view
                    .quasi
                    .iter()
                    .map(|q| tables[q.table].columns[q.column].facts.column.to_string())
                    .collect();
                let mut sensitive: Vec<String> = view
                    .sensitive
                    .iter()
                    .map(|(s, _)| tables[s.table].columns[s.column].facts.column.to_string())
                    .collect();
                sensitive.extend(names(&self.sensitive));
                self.measure(&quasi, &sensitive, self.k.or(Some(view.k)), show).map_err(with)
            }
        }
    }

    fn hints(&self) -> Hints {
        Hints {
            delimiter: self.delimiter,
            no_header: self.no_header,
            missing: self.missing.clone(),
            sheet: self.sheet.clone(),
            ..Hints::default()
        }
    }

    /// The columns of all files: the same names in any order. Unknown wanted columns are an error before any row is read.
    fn read(&self, paths: &[PathBuf], wanted: &Used) -> Result<Data> {
        let hints = self.hints();
        let mut places = Vec::new();
        for path in paths {
            let shape = any::shape(path, &hints)?;
            places.push((find(&shape, path, &wanted.names)?, shape));
        }
        let mut parts = Vec::new();
        for (path, (wanted, shape)) in paths.iter().zip(&places) {
            parts.push(any::read(path, &shown(path), shape, &hints, wanted)?);
        }
        Ok(Data {
            rows: parts.iter().map(|p| p.rows).sum(),
            columns: (0..wanted.names.len())
                .map(|c| Column::concat(&parts.iter().map(|p| &p.columns[c]).collect::<Vec<_>>()))
                .collect(),
        })
    }

    fn measure(
        &self,
        quasi: &[String],
        sensitive: &[String],
        k: Option<u64>,
        show: Show,
    ) -> Result<()> {
        if quasi.is_empty() && !sensitive.is_empty() {
            return Err(Error::policy("V0323", say!("--sensitive needs --quasi")));
        }
        let mut used = Used::default();
        let panel_wide: Vec<usize> =
            names(&self.panel_wide).iter().map(|n| used.place(n)).collect();
        let panel_long: Vec<usize> =
            names(&self.panel_long).iter().map(|n| used.place(n)).collect();
        let quasi_places: Vec<usize> = quasi.iter().map(|n| used.place(n)).collect();
        let sensitive_places: Vec<usize> = sensitive.iter().map(|n| used.place(n)).collect();
        let propose = quasi.is_empty() && panel_wide.is_empty() && panel_long.is_empty();
        if propose {
            let shape = any::shape(&self.files[0], &self.hints())?;
            for name in &shape.names {
                used.place(name);
            }
        }
        let person = self.person.as_ref().map(|n| used.place(n));
        let weights = self.weights.as_ref().map(|n| used.place(n));
        let home = self.household.as_ref().map(|n| used.place(n));
        let data = self.read(&self.files, &used)?;
        if data.rows == 0 {
            return Err(Error::data("V0311", say!("the files have no rows")));
        }
        let persons = match person {
            None => None,
            Some(at) => {
                let codes = data.columns[at].codes();
                if let Some(row) = codes.iter().position(|&c| c == MISSING) {
                    return Err(Error::data("V0312", say!("row {} names no person", row + 1)));
                }
                Some(codes.to_vec())
            }
        };
        let mut page =
            Page { show, brief: self.brief, json: serde_json::Map::new(), explained: Vec::new() };
        let count = match &persons {
            None => data.rows as u64,
            Some(codes) => {
                let mut codes = codes.clone();
                codes.sort_unstable();
                codes.dedup();
                codes.len() as u64
            }
        };
        page.put("rows", data.rows);
        page.put("persons", small(count));
        show.line(&format!("{} rows, {} persons", data.rows, small(count)));
        if persons.is_none() {
            show.line("every row is taken as a person; name the column of persons with --person if a person can have several");
        }
        let made = Made { risk: self, data: &data, persons, weights, home };
        let mut broken = Vec::new();
        if !quasi.is_empty() {
            show.line(&format!("quasi-identifiers: {}", quasi.join(", ")));
            page.put("quasi", quasi);
            let view = made.view(&quasi_places)?;
            broken = made.exposure(&view, &quasi_places, quasi, k, &mut page)?;
            made.attributes(&view, &sensitive_places, sensitive, &mut page)?;
        } else if propose {
            let without: Vec<usize> =
                (0..used.names.len()).filter(|&c| Some(c) != person).collect();
            made.proposals(&without, &used.names, &mut page)?;
        }
        if !panel_wide.is_empty() || !panel_long.is_empty() {
            made.panels(&panel_wide, &panel_long, &mut page)?;
        }
        if !self.brief {
            show.line("\nWhat these figures do not cover / 対象外");
            for doc in &page.explained {
                show.line(&format!("    {}: {}", doc.title, doc.limits));
                show.line(&format!("    {}: {}", doc.title_ja, doc.limits_ja));
            }
            for limit in LIMITS {
                show.line(&format!("    {limit}"));
            }
        }
        page.put("limits", LIMITS);
        page.put(
            "definitions",
            CATALOGUE
                .iter()
                .filter(|d| page.explained.iter().any(|e| e.name == d.name))
                .collect::<Vec<_>>(),
        );
        page.put("holds", broken.is_empty());
        page.put("broken", &broken);
        show.json(&Value::Object(page.json));
        Error::all(broken).map_or(Ok(()), Err)
    }
}

/// Limits of all figures, said in every result.
const LIMITS: [&str; 4] = [
    "k on the named columns says nothing about the others: a few laboratory values often single out a person (--panel-wide, --panel-long)",
    "releases add up: two tables that hold each for itself can single out a person together",
    "data-minimal generalization can be undone in part by who knows the method (downcoding, Cohen 2022): declared levels are safer",
    "指定した列の k は他の列(検査値など)を守らない。複数の公開物は組み合わさる。データに合わせた最小の一般化は逆算され得る",
];

fn list(names: &[Name]) -> Name {
    Name::from_policy(names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", "))
}

/// The places of the wanted columns in a file. A name of the file is shown only if it is near to one that the user wrote.
fn find(shape: &any::Shape, path: &Path, wanted: &[String]) -> Result<Vec<usize>> {
    let mut errors = Vec::new();
    let mut places = Vec::new();
    for name in wanted {
        let mut found = shape.names.iter().enumerate().filter(|(_, n)| *n == name);
        match (found.next(), found.next()) {
            (Some((at, _)), None) => places.push(at),
            (Some(_), Some(_)) => errors.push(Error::data(
                "D0013",
                say!("{}: the column `{}` is there twice", shown(path), Name::from_policy(name)),
            )),
            (None, _) => {
                let near = shape
                    .names
                    .iter()
                    .map(|n| {
                        let (a, b) = (n.to_lowercase(), name.to_lowercase());
                        (strsim::normalized_damerau_levenshtein(&a, &b), n)
                    })
                    .filter(|(score, _)| *score >= 0.6)
                    .max_by(|a, b| a.0.total_cmp(&b.0));
                let what = say!("{} has no column `{}`", shown(path), Name::from_policy(name));
                errors.push(Error::policy("V0321", what).advice(match near {
                    Some((_, near)) => say!("did you mean `{}`?", Name::from_policy(near)),
                    None if shape.names.len() == 1 => {
                        say!("the file has one column: is the field separator another one (--delimiter)?")
                    }
                    None if shape.names_look_like_data => {
                        say!("the first record looks like data: is there no header (--no-header)?")
                    }
                    None => say!("the file has {} columns", shape.names.len()),
                }));
            }
        }
    }
    Error::all(errors).map_or(Ok(places), Err)
}

struct Made<'a> {
    risk: &'a Risk,
    data: &'a Data,
    persons: Option<Vec<u32>>,
    weights: Option<usize>,
    home: Option<usize>,
}

impl Made<'_> {
    fn view(&self, places: &[usize]) -> Result<View<'_>> {
        let columns: Vec<&[u32]> = places.iter().map(|&c| self.data.columns[c].codes()).collect();
        let cards: Vec<u32> =
            places.iter().map(|&c| self.data.columns[c].dictionary().len() as u32).collect();
        match &self.persons {
            Some(persons) => View::new(columns, &cards, persons.as_slice()),
            None => View::of_rows(columns, &cards),
        }
    }

    /// The person of each row; each row is one if no column says it.
    fn own_persons(&self) -> Vec<u32> {
        self.persons.clone().unwrap_or_else(|| (0..self.data.rows as u32).collect())
    }

    fn exposure(
        &self,
        view: &View<'_>,
        places: &[usize],
        names: &[String],
        k: Option<u64>,
        page: &mut Page,
    ) -> Result<Vec<Error>> {
        let (_, classes) = view.assign();
        let threshold = self.risk.threshold.or(k.map(|k| 1.0 / k as f64)).unwrap_or(0.2);
        let holes = (0..classes.len()).filter(|&c| classes.codes(c).contains(&MISSING)).count();
        let mut broken = Vec::new();

        page.section(&prosecutor::DOC);
        page.figure("classes", classes.len());
        page.put("classes", classes.len());
        let mut readings =
            vec![("own-category", "a missing cell is a value of its own", Reading::OwnCategory)];
        // Patterns with holes are compared with all others.
        let affordable = (holes as u64).saturating_mul(classes.len() as u64) <= 500_000_000;
        if holes > 0 && affordable {
            readings.push((
                "matches-everything",
                "a missing cell matches everything",
                Reading::MatchesEverything,
            ));
            readings.push((
                "matches-nothing",
                "a missing cell matches nothing",
                Reading::MatchesNothing,
            ));
        }
        let mut by_reading = serde_json::Map::new();
        for &(key, text, reading) in &readings {
            let Some(spread) = prosecutor::prosecutor(view, reading, threshold) else { continue };
            if holes > 0 {
                page.show.line(&format!("  {text}:"));
            }
            let smallest = (1.0 / spread.highest).round();
            page.figure("k (persons in the smallest class)", smallest);
            shown_spread(page, &spread);
            by_reading.insert(key.to_owned(), json!({ "k": smallest, "risk": spread }));
            if reading == Reading::OwnCategory {
                let wanted = k.map_or(0.0, |k| k as f64);
                if smallest < wanted {
                    broken.push(Error::refused(
                        "V0301",
                        say!("k is {} on the named columns; {} is required", smallest, wanted),
                    ));
                }
                if self.risk.threshold.is_some_and(|t| spread.highest > t * (1.0 + 1e-12)) {
                    broken.push(Error::refused(
                        "V0302",
                        say!(
                            "the highest prosecutor risk is {}; at most {} is allowed",
                            spread.highest,
                            threshold
                        ),
                    ));
                }
                if let Some(most) = self.risk.average
                    && spread.average > most * (1.0 + 1e-12)
                {
                    broken.push(Error::refused(
                        "V0303",
                        say!(
                            "the average prosecutor risk is {}; at most {} is allowed",
                            spread.average,
                            most
                        ),
                    ));
                }
            }
        }
        if holes == 0 {
            page.show.line("    no missing cells: the three readings of missing cells agree");
        } else if !affordable {
            page.show.line(
                "    too many patterns with missing cells: the other readings are not computed",
            );
        }
        page.put("missing_cells", holes > 0);
        page.put("prosecutor", by_reading);

        let (matched, mut population) = match &self.risk.population {
            None => (None, None),
            Some(path) => {
                let (view, other) = self.with_population(path, names, places)?;
                let matched = journalist::matched(&view, &other)?;
                page.section(&journalist::DOC);
                if let Some(found) = journalist::journalist(&view, &matched, threshold) {
                    shown_spread(page, &found.spread);
                    page.figure("share of persons whom the population lacks", found.share_lacking);
                    page.put("journalist", found);
                }
                (Some(matched), Some(other.rows() as u64))
            }
        };
        page.section(&marketer::DOC);
        let found = marketer::marketer(view, matched.as_ref());
        page.figure("expected share of right matches", told(found));
        page.put("marketer", found);

        let weights = self.weights(page)?;
        population = self.risk.population_size.or(population);
        if let (None, Some(weights)) = (population, &weights) {
            population = Some(sum(weights.iter().copied()).round() as u64);
        }
        self.uniqueness(classes, population, page);
        let rows = self.individual(view, weights.as_deref(), &readings, threshold, page);
        if let Some(home) = self.home {
            self.households(home, &rows, view, threshold, page)?;
        }
        let fraction = population.map(|p| (view.rows() as f64 / p as f64).min(1.0));
        let drawn = self.drawn(view, places)?;
        let part = drawn.as_ref().map_or(view, |(view, _)| view);
        let share = drawn.as_ref().map_or(1.0, |(_, share)| *share);
        // What is known of a sample of the table: the table itself is one of the population.
        let fraction = match drawn {
            Some(_) => Some(fraction.unwrap_or(1.0) * share),
            None => fraction,
        };
        let n = names.len();
        let suda = subsets::count(n, special_sets(n));
        if self.affordable(Dear::Suda, part, suda, &suda::DOC, page) {
            self.sampled(part, share, page);
            self.special(part, names, fraction, page)?;
        }
        let sets = subsets::count(n, self.largest_sets(n));
        if self.affordable(Dear::Sets, part, sets, &subsets::DOC, page) {
            self.sampled(part, share, page);
            self.sets(part, names, page)?;
        }
        Ok(broken)
    }

    /// The rows of persons drawn at random, and their share of all persons; none without `--sample` or of fewer persons.
    fn drawn(&self, view: &View<'_>, places: &[usize]) -> Result<Option<(View<'static>, f64)>> {
        let Some(wanted) = self.risk.sample else { return Ok(None) };
        let persons = self.own_persons();
        let mut order: Vec<u64> = persons.iter().map(|&p| u64::from(p)).collect();
        order.sort_unstable();
        order.dedup();
        let all = order.len() as u64;
        if all <= wanted {
            return Ok(None);
        }
        let mut draws: Vec<u64> = order.into_iter().map(mixed).collect();
        let (_, &mut last, _) = draws.select_nth_unstable(wanted as usize - 1);
        let rows: Vec<u32> = (0..view.rows() as u32)
            .filter(|&row| mixed(u64::from(persons[row as usize])) <= last)
            .collect();
        let mut columns = Vec::new();
        let mut cards = Vec::new();
        for &place in places {
            let column = self.data.columns[place].take(&rows);
            cards.push(column.dictionary().len() as u32);
            columns.push(column.codes().to_vec());
        }
        let persons: Vec<u32> = rows.iter().map(|&row| persons[row as usize]).collect();
        Ok(Some((View::new(columns, &cards, persons)?, wanted as f64 / all as f64)))
    }

    /// Whether a dear analysis is asked for or takes seconds; if not, it is said how to ask for it.
    fn affordable(
        &self,
        dear: Dear,
        view: &View<'_>,
        sets: u64,
        doc: &'static Doc,
        page: &mut Page,
    ) -> bool {
        let cost = (view.rows() as u64).saturating_mul(sets);
        if self.risk.also.contains(&dear) || cost <= UNASKED {
            if cost > UNASKED && !page.show.quiet {
                use std::io::Write as _;
                let _ = writeln!(
                    std::io::stderr(),
                    "kakou: {}: {} rows times {sets} sets of columns",
                    doc.title,
                    view.rows()
                );
            }
            return true;
        }
        page.section(doc);
        let how = format!(
            "not computed: {} rows times {sets} sets of columns; --also {} computes it, with --sample 100000 on some of the persons",
            view.rows(),
            dear.word()
        );
        page.figure("figures", how);
        page.put(dear.key(), Estimate::NotAvailable("not asked for, and dear"));
        false
    }

    /// Says that figures are of a sample, and how far a share may be off.
    fn sampled(&self, view: &View<'_>, share: f64, page: &mut Page) {
        if share < 1.0 {
            let persons = self.risk.sample.unwrap_or_default();
            // Half the width of a 95 % interval of a share, at its widest (one half).
            let off = 1.96 * 0.5 / (persons as f64).sqrt();
            page.show.line(&format!(
                "\nOf a sample: {persons} persons ({:.3} % of all), {} rows. A share is off by at most ±{:.2} percentage points (95 %), and more rows are unique among few persons than among all: an upper bound.",
                100.0 * share,
                view.rows(),
                100.0 * off
            ));
            page.put(
                "sample",
                json!({ "persons": persons, "rows": view.rows(), "share": share, "margin": off }),
            );
        }
    }

    fn largest_sets(&self, columns: usize) -> usize {
        let mut most = usize::from(self.risk.set_size);
        while most > 1 && subsets::count(columns, most) > 100_000 {
            most -= 1;
        }
        most
    }

    /// What the classes give away about sensitive columns, in distinct persons; a missing cell is a value of its own.
    fn attributes(
        &self,
        view: &View<'_>,
        sensitive: &[usize],
        names: &[String],
        page: &mut Page,
    ) -> Result<()> {
        if sensitive.is_empty() {
            return Ok(());
        }
        let (class, classes) = view.assign();
        let codes: Vec<&[u32]> = sensitive.iter().map(|&c| self.data.columns[c].codes()).collect();
        let counted = Counted::new(class, classes.len(), view.persons(), &codes)?;
        page.show.line("\nAttribute disclosure / 属性の開示");
        let mut all = serde_json::Map::new();
        for (at, name) in names.iter().enumerate() {
            page.show.line(&format!("  {name}:"));
            let distinct = counted
                .distinct_l(at)
                .map_or(Estimate::NotAvailable("there are no classes"), |l| {
                    Estimate::Value(l as f64)
                });
            let mut figures = serde_json::Map::new();
            for (key, text, figure) in [
                ("distinct_l", "distinct l (fewest different values)", distinct),
                ("entropy_l", "entropy l", counted.entropy_l(at)),
                ("recursive_c_2", "recursive (c, 2): c must exceed", counted.recursive_c(2, at)),
                ("alpha", "alpha (largest share of a value)", counted.alpha(at)),
                ("basic_beta", "beta (largest relative gain)", counted.basic_beta(at)),
                ("enhanced_beta", "beta, enhanced", counted.enhanced_beta(at)),
                (
                    "delta_disclosure",
                    "delta (largest |ln(q/p)|, of values present)",
                    counted.delta_disclosure(at, Absent::Ignored),
                ),
                ("closeness", "t (equal distance)", counted.closeness(at, &Distance::Equal)),
            ] {
                page.figure(text, told(figure));
                figures.insert(key.to_owned(), json!(figure));
            }
            all.insert(name.clone(), Value::Object(figures));
        }
        page.put("sensitive", all);
        Ok(())
    }

    /// The table and the population with common codes.
    fn with_population(
        &self,
        path: &Path,
        names: &[String],
        places: &[usize],
    ) -> Result<(View<'static>, View<'static>)> {
        let mut wanted = Used { names: names.to_vec() };
        let person = match (&self.risk.person, &self.persons) {
            (Some(name), Some(_)) if any::shape(path, &self.risk.hints())?.names.contains(name) => {
                Some(wanted.place(name))
            }
            _ => None,
        };
        let other = self.risk.read(&[path.to_owned()], &wanted)?;
        let (mut mine, mut theirs, mut cards) = (Vec::new(), Vec::new(), Vec::new());
        for (c, &place) in places.iter().enumerate() {
            let both = Column::concat(&[&self.data.columns[place], &other.columns[c]]);
            cards.push(both.dictionary().len() as u32);
            mine.push(both.codes()[..self.data.rows].to_vec());
            theirs.push(both.codes()[self.data.rows..].to_vec());
        }
        let view = match &self.persons {
            Some(persons) => View::new(mine, &cards, persons.clone())?,
            None => View::of_rows(mine, &cards)?,
        };
        let other = match person {
            Some(at) => View::new(theirs, &cards, other.columns[at].codes().to_vec())?,
            None => View::of_rows(theirs, &cards)?,
        };
        Ok((view, other))
    }

    fn weights(&self, page: &mut Page) -> Result<Option<Vec<f64>>> {
        let Some(at) = self.weights else { return Ok(None) };
        let column = &self.data.columns[at];
        let by_code: Vec<Option<f64>> = column
            .dictionary()
            .texts()
            .map(|t| t.parse::<f64>().ok().filter(|w| w.is_finite() && *w > 0.0))
            .collect();
        let mut weights = Vec::with_capacity(self.data.rows);
        for (row, &code) in column.codes().iter().enumerate() {
            match by_code.get(code as usize).copied().flatten() {
                Some(weight) => weights.push(weight),
                None => {
                    return Err(Error::data(
                        "V0313",
                        say!("row {}: the weight is not a positive number", row + 1),
                    ));
                }
            }
        }
        page.put("weights_sum", sum(weights.iter().copied()));
        Ok(Some(weights))
    }

    fn uniqueness(
        &self,
        classes: &crate::privacy::ClassTable,
        population: Option<u64>,
        page: &mut Page,
    ) {
        let Some(size) = population else {
            page.show.line("\nPopulation uniqueness / 母集団一意率");
            page.figure("all estimates", "not available: the population is not known (--population-size, --population or --weights)");
            page.put(
                "population_uniqueness",
                Estimate::NotAvailable("the population is not known"),
            );
            return;
        };
        let found = population::uniqueness(&population::Sample::of(classes, size));
        page.show
            .line(&format!("\nPopulation of {size} persons; sampling fraction {}", found.fraction));
        for (name, estimate) in [
            ("pitman", found.pitman),
            ("zayatz", found.zayatz),
            ("snb", found.snb),
            ("dankar", found.dankar),
        ] {
            if let Some(doc) = CATALOGUE.iter().find(|d| d.name == name) {
                page.section(doc);
            }
            page.figure("share of unique persons in the population", told(estimate));
        }
        page.put("population_size", size);
        page.put("population_uniqueness", found);
    }

    /// Individual risk by row: with weights as Benedetti and Franconi have it, else 1 / persons.
    fn individual(
        &self,
        view: &View<'_>,
        weights: Option<&[f64]>,
        readings: &[(&str, &str, Reading)],
        threshold: f64,
        page: &mut Page,
    ) -> Vec<f64> {
        let Some(weights) = weights else {
            return view.matches(Reading::OwnCategory).iter().map(|&f| 1.0 / f as f64).collect();
        };
        page.section(&individual::DOC);
        let mut strict = Vec::new();
        let mut by_reading = serde_json::Map::new();
        for &(key, text, reading) in readings {
            let matched = view.matched_weights(reading, weights);
            let mut by_method = serde_json::Map::new();
            for (method, f) in [
                ("exact", individual::exact as fn(u64, f64) -> Estimate),
                ("approximate", individual::approximate),
            ] {
                let risks: Vec<f64> =
                    matched.iter().map(|&(n, w)| f(n, w).value().unwrap_or(1.0)).collect();
                let Some(spread) = Spread::of(&highest_by_person(view, &risks), threshold) else {
                    continue;
                };
                if method == "exact" {
                    if readings.len() > 1 {
                        page.show.line(&format!("  {text}:"));
                    }
                    shown_spread(page, &spread);
                    page.figure("expected re-identifications", sum(risks.iter().copied()));
                }
                by_method.insert(
                    method.to_owned(),
                    json!({ "risk": spread, "expected_reidentifications": sum(risks.iter().copied()) }),
                );
                if reading == Reading::OwnCategory && method == "exact" {
                    strict = risks;
                }
            }
            by_reading.insert(key.to_owned(), Value::Object(by_method));
        }
        page.put("individual", by_reading);
        strict
    }

    fn households(
        &self,
        home: usize,
        rows: &[f64],
        view: &View<'_>,
        threshold: f64,
        page: &mut Page,
    ) -> Result<()> {
        // Who names no household is one alone.
        let column = &self.data.columns[home];
        let mut next = column.dictionary().len() as u32;
        let codes: Vec<u32> = column
            .codes()
            .iter()
            .map(|&code| match code {
                MISSING => {
                    next += 1;
                    next
                }
                named => named,
            })
            .collect();
        page.section(&household::DOC);
        let risks = household::household(&codes, rows);
        if let Some(spread) = Spread::of(&highest_by_person(view, &risks), threshold) {
            shown_spread(page, &spread);
            page.figure("expected re-identifications", sum(risks.iter().copied()));
            page.put(
                "household",
                json!({ "risk": spread, "expected_reidentifications": sum(risks.iter().copied()) }),
            );
        }
        Ok(())
    }

    fn special(
        &self,
        view: &View<'_>,
        names: &[String],
        fraction: Option<f64>,
        page: &mut Page,
    ) -> Result<()> {
        page.section(&suda::DOC);
        if names.len() > suda::MOST_COLUMNS {
            page.figure("scores", "not available: more than 32 columns");
            page.put("suda", Estimate::NotAvailable("more than 32 columns"));
            return Ok(());
        }
        let most = special_sets(names.len());
        let found = suda::suda(view, Reading::OwnCategory, fraction.unwrap_or(0.01), most)?;
        let with = found.score.iter().filter(|&&s| s > 0.0).count();
        page.figure("share of rows with a minimal unique set", with as f64 / view.rows() as f64);
        page.figure("largest set searched", found.most);
        for (size, &count) in found.msus.iter().enumerate() {
            if count > 0 {
                page.figure(&format!("minimal unique sets of {} columns", size + 1), count);
            }
        }
        let highest = found.score.iter().copied().max_by(f64::total_cmp).unwrap_or(0.0);
        page.figure("highest score", highest);
        let dis = found.dis.iter().copied().max_by(f64::total_cmp).unwrap_or(0.0);
        match fraction {
            Some(_) => {
                page.figure("expected share of right among unique matches", told(found.match_risk));
                page.figure("highest DIS-SUDA score", dis);
            }
            None => page.figure("DIS-SUDA", "not available: the sampling fraction is not known"),
        }
        page.show.line("  share of the scores in sets with the column:");
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|&a, &b| found.contribution[b].total_cmp(&found.contribution[a]));
        for &c in &order {
            page.figure(&names[c], format!("{:.1} %", 100.0 * found.contribution[c]));
        }
        let available = |value: f64| match fraction {
            Some(_) => Estimate::Value(value),
            None => Estimate::NotAvailable("the sampling fraction is not known"),
        };
        page.put(
            "suda",
            json!({
                "rows_with_msu": with as f64 / view.rows() as f64, "largest_set": found.most, "msus_by_size": found.msus,
                "highest_score": highest, "highest_dis": available(dis),
                "match_risk": if fraction.is_some() { found.match_risk } else { available(0.0) },
                "contribution": names.iter().zip(&found.contribution).map(|(n, c)| json!({ "column": n, "share": c })).collect::<Vec<_>>(),
            }),
        );
        Ok(())
    }

    fn sets(&self, view: &View<'_>, names: &[String], page: &mut Page) -> Result<()> {
        let most = self.largest_sets(names.len());
        page.section(&subsets::DOC);
        let all = subsets::subsets(view, most)?;
        page.show.line(&format!(
            "    {:<46} {:>12} {:>12} {:>12}",
            "", "distinction", "separation", "unique"
        ));
        for size in 1..=most {
            let mut of_size: Vec<&subsets::Subset> =
                all.iter().filter(|s| s.columns.len() == size).collect();
            of_size.sort_by(|a, b| {
                b.unique.total_cmp(&a.unique).then(b.separation.total_cmp(&a.separation))
            });
            for set in of_size.iter().take(if size == 1 { names.len() } else { 5 }) {
                let columns: Vec<&str> = set.columns.iter().map(|&c| names[c].as_str()).collect();
                page.show.line(&format!(
                    "    {:<46} {:>12.6} {:>12.6} {:>12.6}",
                    columns.join(", "),
                    set.distinction,
                    set.separation,
                    set.unique
                ));
            }
        }
        page.put(
            "subsets",
            all.iter()
                .map(|s| {
                    let columns: Vec<&str> = s.columns.iter().map(|&c| names[c].as_str()).collect();
                    json!({ "columns": columns, "distinction": s.distinction, "separation": s.separation, "unique": s.unique })
                })
                .collect::<Vec<_>>(),
        );
        Ok(())
    }

    fn proposals(&self, places: &[usize], names: &[String], page: &mut Page) -> Result<()> {
        page.section(&unique_sets::DOC);
        // A column whose values are all equal singles out nobody.
        let places: Vec<usize> = places
            .iter()
            .copied()
            .filter(|&c| self.data.columns[c].dictionary().len() > 1)
            .collect();
        let share = self.risk.unique_share;
        let persons = self.own_persons();
        let codes = |c: usize| self.data.columns[c].codes();
        let mut found = Vec::new();
        let mut rest = Vec::new();
        for &place in &places {
            match unique_sets::unique_sets(&[codes(place)], &persons, 1, share).first() {
                Some(set) => found.push((vec![place], set.unique)),
                None => rest.push(place),
            }
        }
        // Larger sets of many columns are too many to look at.
        let mut most = usize::from(self.risk.set_size);
        while most > 1
            && subsets::count(rest.len(), most).saturating_mul(self.data.rows as u64)
                > 20_000_000_000
        {
            most -= 1;
        }
        if most > 1 {
            let columns: Vec<&[u32]> = rest.iter().map(|&c| codes(c)).collect();
            let sets = unique_sets::unique_sets(&columns, &persons, most, share);
            found.extend(
                sets.into_iter().map(|s| (s.columns.iter().map(|&c| rest[c]).collect(), s.unique)),
            );
        }
        page.show.line(&format!(
            "  sets of up to {most} columns by which at least {} % of the rows belong to one person:",
            100.0 * self.risk.unique_share
        ));
        if found.is_empty() {
            page.show.line("    none; try a lower --unique-share or a larger --set-size");
        }
        for (columns, unique) in found.iter().take(50) {
            let columns: Vec<&str> = columns.iter().map(|&c| names[c].as_str()).collect();
            page.figure(&columns.join(", "), format!("{:.4}", unique));
        }
        if found.len() > 50 {
            page.show.line(&format!("    … and {} more (--json lists all)", found.len() - 50));
        }
        page.show.line("  A single column is an identifier. For the others: name what an attacker may know with --quasi.");
        page.put("largest_set", most);
        page.put(
            "unique_sets",
            found
                .iter()
                .map(|(columns, unique)| {
                    let columns: Vec<&str> = columns.iter().map(|&c| names[c].as_str()).collect();
                    json!({ "columns": columns, "unique": unique })
                })
                .collect::<Vec<_>>(),
        );
        Ok(())
    }

    fn panels(&self, wide: &[usize], long: &[usize], page: &mut Page) -> Result<()> {
        let own = self.own_persons();
        let (mut persons, mut items) = (Vec::new(), Vec::new());
        let mut offset = 0_u32;
        for &place in wide {
            let column = &self.data.columns[place];
            persons.extend_from_slice(&own);
            items.extend(
                column.codes().iter().map(|&c| if c == MISSING { MISSING } else { c + offset }),
            );
            offset += column.dictionary().len() as u32;
        }
        if !long.is_empty() {
            let columns: Vec<&[u32]> = long.iter().map(|&c| self.data.columns[c].codes()).collect();
            let cards: Vec<u32> =
                long.iter().map(|&c| self.data.columns[c].dictionary().len() as u32).collect();
            let known = View::of_rows(columns, &cards)?;
            let (class, classes) = known.assign();
            let empty: Vec<bool> =
                (0..classes.len()).map(|c| classes.codes(c).contains(&MISSING)).collect();
            persons.extend_from_slice(&own);
            items.extend(
                class.iter().map(|&c| if empty[c as usize] { MISSING } else { c + offset }),
            );
        }
        page.section(&panel::DOC);
        let panels = panel::Panels::new(&persons, &items);
        let mut found = Vec::new();
        for known in [1, 3, 5, 7] {
            let figure = panels.unicity(known);
            page.show
                .line(&format!("  {known} known: {} persons have as many", small(figure.persons)));
            page.figure("singled out by values drawn at random", told(figure.random));
            page.figure("singled out by the rarest values", told(figure.rarest));
            found.push(json!({
                "known": known, "persons": small(figure.persons), "random": figure.random, "rarest": figure.rarest,
            }));
        }
        page.put("panel", found);
        Ok(())
    }
}

fn shown_spread(page: &Page, spread: &Spread) {
    page.figure("highest risk", spread.highest);
    page.figure("average risk", spread.average);
    page.figure("lowest risk", spread.lowest);
    page.figure("share of persons at the highest risk", spread.share_highest);
    page.figure(&format!("share of persons above {}", spread.threshold), spread.share_above);
}
