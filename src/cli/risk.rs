//! `kakou risk`: how exposed the persons of a table are, for any CSV or Parquet file.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::{Failure, Outcome, Show, prepare, shown};
use crate::error::{Error, Name, Result, small};
use crate::formats::any::{self, Hints};
use crate::frame::{Column, MISSING, Table};
use crate::privacy::risk::figure::{Dear, Figure, Line, Open, Subject, Told};
use crate::privacy::risk::{self, Doc, FIGURES, journalist, sum};
use crate::privacy::{Estimate, View};
use crate::say;
use crate::{lang, words};

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
    #[arg(long, value_delimiter = ',', value_parser = dear_figures())]
    also: Vec<String>,
    /// Dear analyses look at so many persons, drawn at random (the same ones each time); the error is told.
    #[arg(long, value_parser = clap::value_parser!(u64).range(100..))]
    sample: Option<u64>,
    /// No explanations.
    #[arg(long)]
    brief: bool,
}

/// The words of the figures that must be asked for.
fn dear_figures() -> clap::builder::PossibleValuesParser {
    let words = FIGURES.iter().filter_map(|figure| {
        let title = figure.docs().first().map_or("", |doc| doc.title);
        Some(clap::builder::PossibleValue::new(figure.dear()?.word).help(title))
    });
    words.collect::<Vec<_>>().into()
}

/// Rows times sets of columns that a dear analysis looks at without being asked: some seconds.
const UNASKED: u64 = 40_000_000;

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
    /// How many rows and persons there are.
    fn counts(&mut self, rows: usize, persons: Option<&[u32]>) {
        let count = match persons {
            None => rows as u64,
            Some(codes) => {
                let mut there = vec![false; codes.iter().max().map_or(0, |&c| c as usize + 1)];
                codes.iter().for_each(|&code| there[code as usize] = true);
                there.iter().filter(|&&there| there).count() as u64
            }
        };
        self.put("rows", rows);
        self.put("persons", small(count));
        self.show.line(&words!("{} rows, {} persons", rows, small(count)));
        if persons.is_none() {
            self.show.line(&words!("every row is taken as a person; name the column of persons with --person if a person can have several"));
        }
    }
    /// What the figures do not cover, and whether the limits hold.
    fn close(&mut self, broken: &[Error]) {
        if !self.brief {
            self.show.line(&words!("\nWhat these figures do not cover"));
            for doc in &self.explained {
                let lang = lang::spoken();
                let (title, limits) = (doc.title_ja, doc.limits_ja);
                self.show.line(&format!(
                    "    {}: {}",
                    lang.pick(title, doc.title),
                    lang.pick(limits, doc.limits)
                ));
            }
            for limit in LIMITS {
                self.show.line(&format!("    {}", lang::word(limit)));
            }
        }
        self.put("limits", LIMITS);
        self.put(
            "definitions",
            risk::docs()
                .filter(|d| self.explained.iter().any(|e| e.name == d.name))
                .collect::<Vec<_>>(),
        );
        self.put("holds", broken.is_empty());
        self.put("broken", broken);
    }
    fn section(&mut self, doc: &'static Doc) {
        self.show.line(&format!("\n{}", lang::spoken().pick(doc.title_ja, doc.title)));
        if !self.brief {
            let definition = lang::spoken().pick(doc.definition_ja, doc.definition);
            self.show.line(&format!("  {definition}"));
        }
        self.explained.push(doc);
    }
    fn figure(&self, name: &str, value: impl std::fmt::Display) {
        self.show.line(&format!("    {name:<46} {value}"));
    }
    fn tell(&mut self, told: Told) {
        for line in told.lines {
            match line {
                Line::Section(doc) => self.section(doc),
                Line::Text(text) => self.show.line(&text),
                Line::Figure(name, value) => self.figure(&name, value),
            }
        }
        self.json.extend(told.values);
    }
    fn put(&mut self, key: &str, value: impl serde::Serialize) {
        self.json.insert(key.to_owned(), json!(value));
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
        if parts.len() == 1
            && let Some(Table { rows, columns }) = parts.pop()
        {
            return Ok(Data { rows, columns });
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
        let persons = person.map(|at| person_codes(&data, at)).transpose()?;
        let mut page =
            Page { show, brief: self.brief, json: serde_json::Map::new(), explained: Vec::new() };
        page.counts(data.rows, persons.as_deref());
        let made = Made { risk: self, data: &data, persons };
        if !quasi.is_empty() {
            show.line(&words!("quasi-identifiers: {}", quasi.join(", ")));
            page.put("quasi", quasi);
        }
        let view = if quasi.is_empty() { None } else { Some(made.view(&quasi_places)?) };
        let weights = weights.map(|at| made.weights(at)).transpose()?;
        let households = home.map(|at| made.households(at));
        let own = made.own_persons();
        let (matched, other) = match (&view, &self.population) {
            (Some(_), Some(path)) => {
                let (view, other) = made.with_population(path, quasi, &quasi_places)?;
                (Some(journalist::matched(&view, &other)?), Some(other.rows() as u64))
            }
            _ => (None, None),
        };
        let weighed = weights.as_ref().map(|w| sum(w.iter().copied()).round() as u64);
        let population = self.population_size.or(other).or(weighed);
        let rows = data.rows as f64;
        let codes = |c: usize| data.columns[c].codes();
        // A column whose values are all equal singles out nobody.
        let open = propose.then(|| {
            let columns = (0..used.names.len())
                .filter(|&c| Some(c) != person && data.columns[c].dictionary().len() > 1);
            let columns = columns.map(|c| (used.names[c].as_str(), codes(c))).collect();
            Open { columns, persons: &own, share: self.unique_share }
        });
        let sensitive = sensitive.iter().zip(&sensitive_places);
        let known = !panel_wide.is_empty() || !panel_long.is_empty();
        let subject = Subject {
            view: view.as_ref(),
            names: quasi,
            threshold: self.threshold.or(k.map(|k| 1.0 / k as f64)).unwrap_or(0.2),
            matched,
            population,
            weights: weights.as_deref(),
            households: households.as_deref(),
            fraction: population.map(|p| (rows / p as f64).min(1.0)),
            set_size: usize::from(self.set_size),
            sensitive: sensitive.map(|(name, &c)| (name.as_str(), codes(c))).collect(),
            open,
            known: if known { Some(made.known(&panel_wide, &panel_long)?) } else { None },
            ..Subject::default()
        };
        let drawn = made.drawn(&quasi_places, view.as_ref())?;
        for figure in FIGURES {
            match figure.dear() {
                None => {
                    let mut told = Told::default();
                    figure.measure(&subject, &mut told)?;
                    page.tell(told);
                }
                Some(dear) if view.is_some() => {
                    self.dear(figure, dear, &subject, drawn.as_ref(), &mut page)?;
                }
                Some(_) => {}
            }
        }
        let broken = self.broken(&subject, k);
        page.close(&broken);
        show.json(&Value::Object(page.json));
        Error::all(broken).map_or(Ok(()), Err)
    }

    /// A figure that looks at many sets of columns: told where it is asked for or takes seconds; where not, it is said how to ask
    /// for it.
    fn dear(
        &self,
        figure: &dyn Figure,
        dear: Dear,
        subject: &Subject<'_>,
        drawn: Option<&Drawn>,
        page: &mut Page,
    ) -> Result<()> {
        let fraction = match drawn {
            // What is known of a sample of the table: the table itself is one of the population.
            Some(drawn) => Some(subject.fraction.unwrap_or(1.0) * drawn.share),
            None => subject.fraction,
        };
        let part = Subject {
            view: drawn.map(|d| &d.view).or(subject.view),
            names: subject.names,
            fraction,
            set_size: subject.set_size,
            ..Subject::default()
        };
        let rows = part.view.map_or(0, |view| view.rows());
        let sets = (dear.sets)(&part);
        let cost = (rows as u64).saturating_mul(sets);
        if cost > UNASKED && !self.also.iter().any(|word| word == dear.word) {
            for doc in figure.docs() {
                page.section(doc);
            }
            let how = format!(
                "not computed: {rows} rows times {sets} sets of columns; --also {} computes it, with --sample 100000 on some of the persons",
                dear.word
            );
            page.figure("figures", how);
            page.put(dear.key, Estimate::NotAvailable("not asked for, and dear"));
            return Ok(());
        }
        if cost > UNASKED && !page.show.quiet {
            use std::io::Write as _;
            let title = figure.docs().first().map_or("", |doc| doc.title);
            let _ = writeln!(
                std::io::stderr(),
                "kakou: {title}: {rows} rows times {sets} sets of columns"
            );
        }
        if let Some(drawn) = drawn {
            self.sampled(drawn, page);
        }
        let mut told = Told::default();
        figure.measure(&part, &mut told)?;
        page.tell(told);
        Ok(())
    }

    /// The limits that do not hold.
    fn broken(&self, subject: &Subject<'_>, k: Option<u64>) -> Vec<Error> {
        let Some(spread) = subject.strict() else { return Vec::new() };
        let mut broken = Vec::new();
        let smallest = (1.0 / spread.highest).round();
        let wanted = k.map_or(0.0, |k| k as f64);
        if smallest < wanted {
            broken.push(Error::refused(
                "V0301",
                say!("k is {} on the named columns; {} is required", smallest, wanted),
            ));
        }
        if self.threshold.is_some_and(|t| spread.highest > t * (1.0 + 1e-12)) {
            broken.push(Error::refused(
                "V0302",
                say!(
                    "the highest prosecutor risk is {}; at most {} is allowed",
                    spread.highest,
                    subject.threshold
                ),
            ));
        }
        if let Some(most) = self.average
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
        broken
    }

    /// Says that figures are of a sample, and how far a share may be off.
    fn sampled(&self, drawn: &Drawn, page: &mut Page) {
        let persons = self.sample.unwrap_or_default();
        // Half the width of a 95 % interval of a share, at its widest (one half).
        let off = 1.96 * 0.5 / (persons as f64).sqrt();
        let (rows, share) = (drawn.view.rows(), drawn.share);
        page.show.line(&words!("\nOf a sample: {} persons ({} % of all), {} rows. A share is off by at most ±{} percentage points (95 %), and more rows are unique among few persons than among all: an upper bound.", persons, format_args!("{:.3}", 100.0 * share), rows, format_args!("{:.2}", 100.0 * off)));
        let sample = json!({ "persons": persons, "rows": rows, "share": share, "margin": off });
        page.put("sample", sample);
    }
}

/// The rows of persons drawn at random, and their share of all persons.
struct Drawn {
    view: View<'static>,
    share: f64,
}

/// Limits of all figures, said in every result.
const LIMITS: [&str; 3] = [
    "k on the named columns says nothing about the others: a few laboratory values often single out a person (--panel-wide, --panel-long)",
    "releases add up: two tables that hold each for itself can single out a person together",
    "data-minimal generalization can be undone in part by who knows the method (downcoding, Cohen 2022): declared levels are safer",
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

/// The code of the person of each row.
fn person_codes(data: &Data, at: usize) -> Result<Vec<u32>> {
    let codes = data.columns[at].codes();
    if let Some(row) = codes.iter().position(|&c| c == MISSING) {
        return Err(Error::data("V0312", say!("row {} names no person", row + 1)));
    }
    Ok(codes.to_vec())
}

struct Made<'a> {
    risk: &'a Risk,
    data: &'a Data,
    persons: Option<Vec<u32>>,
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
    fn own_persons(&self) -> Cow<'_, [u32]> {
        match &self.persons {
            Some(persons) => Cow::Borrowed(persons),
            None => Cow::Owned((0..self.data.rows as u32).collect()),
        }
    }

    /// The rows of persons drawn at random; none without `--sample` or of fewer persons.
    fn drawn(&self, places: &[usize], view: Option<&View<'_>>) -> Result<Option<Drawn>> {
        let (Some(wanted), Some(view)) = (self.risk.sample, view) else { return Ok(None) };
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
        let view = View::new(columns, &cards, persons)?;
        Ok(Some(Drawn { view, share: wanted as f64 / all as f64 }))
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

    fn weights(&self, at: usize) -> Result<Vec<f64>> {
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
        Ok(weights)
    }

    /// The household of each row. Who names none is one alone.
    fn households(&self, home: usize) -> Vec<u32> {
        let column = &self.data.columns[home];
        let mut next = column.dictionary().len() as u32;
        let of_row = |&code: &u32| match code {
            MISSING => {
                next += 1;
                next
            }
            named => named,
        };
        column.codes().iter().map(of_row).collect()
    }

    /// Values that may be known singly: the person and the value of each.
    fn known(&self, wide: &[usize], long: &[usize]) -> Result<(Vec<u32>, Vec<u32>)> {
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
        Ok((persons, items))
    }
}
