//! `kakou explain`: what each treatment does to a made-up value, and what each view counts.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::check::{data, tell};
use super::progress::Shown;
use super::{Failure, Outcome, Show, prepare_from, size};
use crate::engine::exclude::Lists;
use crate::engine::floors::FloorOutcome;
use crate::engine::freeze::{self, ViewOutcome};
use crate::engine::intake::{self, Store};
use crate::engine::search::{self, Choice, Searched};
use crate::engine::steady::Steady;
use crate::engine::{foreseen, unclaimed, unique};
use crate::error::{Error, Name, Result, small};
use crate::frame::{Column, Interner};
use crate::keys::ReleaseSecrets;
use crate::plan::unique::{Unique, UniquePlan};
use crate::plan::{ColumnPlan, FloorPlan, Join, Plan, ViewColumn, Warning};
use crate::policy::model::Unit;
use crate::proof::detectors;
use crate::report::closure;
use crate::schema::{ByKind, DateKind, Kind, Type};
use crate::technique::{Input, Persons, Secrets};
use crate::{lang, words};

/// Shows per column what its treatments do to a made-up value, and per view what will be counted.
#[derive(Args, Debug)]
pub struct Explain {
    /// The policy.
    #[arg(long)]
    policy: PathBuf,
    /// The folder with the input files: they are read, the declarations are held against them, the levels are searched and explained
    /// where treatments offer several, and it is counted whom facts beside the views single out. Nothing is written.
    #[arg(long)]
    input: Option<PathBuf>,
    /// Read a table from another file of the input folder than the policy says: CSV with a header in UTF-8, Parquet or a workbook.
    #[arg(long = "table", value_name = "NAME=FILE")]
    tables: Vec<crate::run::TableFile>,
    /// Seconds for the search.
    #[arg(long, value_name = "SECONDS")]
    search_seconds: Option<u64>,
    /// Memory to use for the search.
    #[arg(long, default_value = "4G", value_parser = size)]
    memory: u64,
    /// Where to spill (a private folder is made there and removed); by default the system's temporary folder.
    #[arg(long)]
    spill: Option<PathBuf>,
}

/// Secrets of nothing: examples must not look like anybody's token.
struct Example(Kind);

impl Secrets for Example {
    fn token(&self, _: &str, _: &str) -> [u8; 16] {
        match self.0 {
            Kind::Pseudonymized => [0x5a; 16],
            Kind::Anonymized => [0x3c; 16],
        }
    }
    fn draw(&self, _: &str, _: &str) -> u64 {
        60
    }
}

impl Explain {
    /// Runs it.
    ///
    /// # Errors
    /// Everything that is wrong with the policy or the headers.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let prepared = prepare_from(&self.policy, &self.tables)?;
        let plan = &prepared.plan;
        let mut found = Found::default();
        let mut warnings = plan.warnings.clone();
        if let Some(input) = &self.input {
            let look = || -> Result<(Found, Vec<Warning>)> {
                let files = intake::find_files(plan, input)?;
                unclaimed::check(plan, input, &files, &prepared.own([]))?;
                intake::check_headers(plan, &files)?;
                let (store, told) = data(plan, &files, self.memory, self.spill.as_ref(), show)?;
                Ok((self.look(plan, &store, show)?, told))
            };
            let (seen, told) = look().map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
            found = seen;
            warnings.extend(told);
        }
        let mut tables = Vec::new();
        for (t, table) in plan.tables.iter().enumerate() {
            show.line(&format!("\n{}", table.name));
            let mut columns = Vec::new();
            for (c, column) in table.columns.iter().enumerate() {
                let sample = sample(column);
                let mut shown = Vec::new();
                for kind in Kind::BOTH {
                    let (ja, en) = column.treatment(kind).treatment.describe();
                    shown.push((ja, en, example(column, kind, &sample)));
                }
                let [(pja, pen, pex), (aja, aen, aex)] = [&shown[0], &shown[1]];
                show.line(&format!(
                    "  {} ({}, {}), e.g. {}",
                    column.facts.column,
                    lang::spoken().pick(column.facts.role.ja(), column.facts.role.word()),
                    column.facts.ty.word(),
                    sample
                ));
                let lang = lang::spoken();
                show.line(&words!("    pseudonymized  {}: {}", lang.pick(pja, pen), pex));
                show.line(&words!("    anonymized     {}: {}", lang.pick(aja, aen), aex));
                let floor = plan.floor_of(t, c);
                if let Some(floor) = floor {
                    show.line(&format!("                   {}", bound(plan, t, c, floor)));
                }
                columns.push(json!({
                    "column": column.facts.column, "role": column.facts.role, "type": column.facts.ty, "sample": sample,
                    "pseudonymized": { "ja": pja, "en": pen, "example": pex },
                    "anonymized": { "ja": aja, "en": aen, "example": aex },
                    "floor": floor.map(|f| json!({ "persons": f.persons, "tails": f.tails })),
                }));
            }
            tables.push(json!({ "table": table.name, "columns": columns }));
        }
        let views: Vec<_> =
            plan.views.iter().zip(&plan.unique).map(|(v, u)| view(plan, v, u, show)).collect();
        let sets: Vec<_> = plan.sets.iter().map(|s| set(plan, s, show)).collect();
        if let Some(searched) = &found.searched {
            for line in told(plan, searched) {
                show.line(&line);
            }
        } else if self.input.is_none() && !search::offered(plan).is_empty() {
            show.line(&words!("\nSome treatments offer several levels: with --input DIR the search shows which it takes and why."));
        }
        for line in found.kept.iter().flat_map(|kept| kept.lines(plan)) {
            show.line(&line);
        }
        if let Some(unique) = &found.unique {
            show.line(&words!("\nwhat the release would show of single persons:"));
            for line in crate::report::unique::lines(unique) {
                show.line(&format!("  {}", lang::spoken().pick(line.ja, line.en)));
            }
        }
        tell(&warnings, show);
        show.json(&json!({
            "tables": tables, "views": views, "sets": sets, "search": found.searched, "unique": found.unique, "warnings": warnings,
        }));
        // Why a run would be refused is said after everything that can be shown.
        found.refused.map_or(Ok(()), |e| Err(Failure::new(e, &prepared.loaded.sources)))
    }

    /// Does what a run does before it writes; nothing is written but spilled partitions, which are gone afterwards.
    fn look(&self, plan: &Plan, store: &Store, show: Show) -> Result<Found> {
        let progress = Shown::new(show.quiet || show.json);
        let lists = Lists::default();
        // Keys of nothing: no token leaves this command.
        let secrets = ReleaseSecrets::anonymized()?;
        let time = self.search_seconds.map(std::time::Duration::from_secs);
        let seen = foreseen::find(plan, store, &lists, &progress)?;
        let told = seen.iter().map(|f| detectors::foreseen(plan, f.place, f.release, f.counts));
        let mut wrong: Vec<Error> = told.collect();
        let both: ByKind<&dyn Secrets> = ByKind { pseudonymized: &secrets, anonymized: &secrets };
        let frozen = freeze::measure(plan, store, &lists, both, None, &progress)
            .and_then(|found| freeze::freeze(store, &lists, both, found, time, &progress));
        match frozen {
            Ok(outcome) => {
                wrong.extend(unique::judge(&outcome.unique).err());
                Ok(Found {
                    searched: outcome.search,
                    refused: Error::all(wrong),
                    unique: Some(outcome.unique),
                    kept: Some(Kept {
                        views: outcome.views,
                        floors: outcome.floors,
                        steady: outcome.steady,
                    }),
                })
            }
            Err(error) if search::offered(plan).is_empty() => Err(error),
            Err(error) => {
                match freeze::measure(plan, store, &lists, both, None, &progress)?.best(time) {
                    Some(best) => {
                        wrong.push(error);
                        Ok(Found {
                            searched: Some(best),
                            refused: Error::all(wrong),
                            ..Found::default()
                        })
                    }
                    None => Err(error),
                }
            }
        }
    }
}

/// What was found in the data.
#[derive(Default)]
struct Found {
    searched: Option<Searched>,
    unique: Option<Unique>,
    kept: Option<Kept>,
    refused: Option<Error>,
}

/// What it costs that views and floors hold over the rows that are left.
struct Kept {
    views: Vec<ViewOutcome>,
    floors: Vec<FloorOutcome>,
    steady: Vec<Steady>,
}

impl Kept {
    /// A line for each view, and one for each column of which a value is not shown as it is.
    fn lines(&self, plan: &Plan) -> Vec<String> {
        let mut lines = vec![String::new(), words!("what k and the floors cost:")];
        for (view, found) in plan.views.iter().zip(&self.views) {
            let (name, rows, gone) = (&view.name, found.rows, small(found.suppressed));
            let implied = if view.implied { lang::word(" (implied)") } else { "" };
            let table = &plan.tables[view.table].name;
            lines.push(words!(
                "  view {}{}: {} of {} rows of `{}` go",
                name,
                implied,
                gone,
                rows,
                table
            ));
        }
        for floor in self.floors.iter().filter(|f| f.joined + f.rows_removed > 0) {
            let table = &plan.tables[floor.table];
            let column = &table.columns[floor.column].facts.column;
            let (n, joined) = (floor.persons, floor.joined);
            let gone = match floor.rows_removed {
                0 => String::new(),
                rows => words!(", {} rows go", small(rows)),
            };
            // Of measured numbers only the ends are asked for.
            lines.push(if floor.tails {
                words!(
                    "  {}.{}: too few persons stand at the ends, so {} of the values are shown as others or not at all{}; each end is of at least {}, and between them {} numbers are of fewer",
                    table.name,
                    column,
                    joined,
                    gone,
                    n,
                    floor.few
                )
            } else {
                words!(
                    "  {}.{}: too few persons hold {} of the values, so they are shown as others or not at all{}; each value shown is of at least {}",
                    table.name,
                    column,
                    joined,
                    gone,
                    n
                )
            });
        }
        for steady in &self.steady {
            let told = closure::beside(plan, steady);
            lines.push(format!("  {}", lang::spoken().pick(told.ja, told.en).trim_end()));
        }
        lines
    }
}

/// How many persons stand behind what a column shows, and who says so.
fn bound(plan: &Plan, table: usize, column: usize, floor: FloorPlan) -> String {
    let treatment = &plan.tables[table].columns[column].treatment(Kind::Anonymized).treatment;
    let of = match (treatment.persons(), plan.tier) {
        (Some(_), _) => words!("the treatment"),
        (None, Some(tier)) if tier.k() == plan.floor => words!("the tier `{}`", tier.word()),
        _ => words!("the policy"),
    };
    let n = floor.persons;
    match floor.tails {
        true if floor.if_measured => words!(
            "no value of fewer than {} persons among the rows that are left is shown (of {}); of numbers that are plainly measured, neither end",
            n,
            of
        ),
        true => words!(
            "both ends are of at least {} persons among the rows that are left (of {})",
            n,
            of
        ),
        false => words!(
            "no value of fewer than {} persons among the rows that are left is shown (of {})",
            n,
            of
        ),
    }
}

/// The search in words: the choice, its proof, the neighbours and the runners-up. Counts of rows below ten are not told.
fn told(plan: &Plan, found: &Searched) -> Vec<String> {
    let cost = |choice: &Choice| match choice.cost.0.as_slice() {
        [one] => format!("{one:.6}"),
        all => all.iter().map(|f| format!("{f:.4}")).collect::<Vec<_>>().join(" "),
    };
    let gone = |choice: &Choice| {
        let views = plan.views.iter().zip(&choice.suppressed);
        views.map(|(v, &n)| format!("{}: {}", v.name, small(n))).collect::<Vec<_>>().join(", ")
    };
    let mut lines = vec![String::new(), words!("search for levels, smallest {}:", found.objective)];
    for (column, level) in found.columns.iter().zip(&found.chosen.levels) {
        let offered: Vec<&str> = column.levels.iter().map(Name::as_str).collect();
        lines.push(words!("  {} -> {}  (of {})", column.name, level, offered.join(", ")));
    }
    lines.push(words!("  cost {}; rows suppressed {}", cost(&found.chosen), gone(&found.chosen)));
    lines.push(if found.exact {
        words!(
            "  proven best of {} combinations: {} evaluated; {} ruled out by what must hold, {} because they cannot cost less",
            found.nodes, found.evaluated, found.pruned_by_models, found.pruned_by_bound
        )
    } else {
        let gap = found.gap.map_or(words!("not available"), |g| format!("{:.2} %", g * 100.0));
        words!("  the time was over after {} of {} combinations; gap to the proven bound {}", found.evaluated, found.nodes, gap)
    });
    if found.rejected > 0 {
        lines.push(words!("  {} combinations that seemed better are not possible: too many rows go once all tables, floors and forms of facts are taken together", found.rejected));
    }
    if !found.neighbours.is_empty() {
        lines.push(words!("  one level more or less:"));
    }
    for choice in &found.neighbours {
        let changed = found
            .columns
            .iter()
            .zip(&choice.levels)
            .zip(&found.chosen.levels)
            .find(|((_, new), old)| new != old)
            .map_or(String::new(), |((column, new), _)| format!("{} -> {new}", column.name));
        let verdict = if choice.feasible {
            lang::word("possible")
        } else {
            lang::word("not possible: too much suppressed")
        };
        lines.push(words!(
            "    {}: cost {}, suppressed {}, {}",
            changed,
            cost(choice),
            gone(choice),
            verdict
        ));
    }
    if !found.runners.is_empty() {
        lines.push(words!("  runners-up among those evaluated:"));
    }
    for choice in found.runners.iter().take(5) {
        let levels: Vec<&str> = choice.levels.iter().map(Name::as_str).collect();
        lines.push(words!(
            "    {}: cost {}, suppressed {}",
            levels.join(", "),
            cost(choice),
            gone(choice)
        ));
    }
    lines
}

fn view(
    plan: &Plan,
    view: &crate::plan::ViewPlan,
    unique: &UniquePlan,
    show: Show,
) -> serde_json::Value {
    let table = &plan.tables[view.table].name;
    let names: Vec<String> = view
        .quasi
        .iter()
        .map(|c| {
            format!(
                "{}.{}",
                plan.tables[c.table].name, plan.tables[c.table].columns[c.column].facts.column
            )
        })
        .collect();
    show.line(&words!(
        "\nview {}: rows of `{}` are grouped by {}",
        view.name,
        table,
        names.join(", ")
    ));
    if view.implied {
        show.line(&words!("  implied: `{}` releases quasi-identifiers ({}), and no view of the policy counts them at its rows", table, names.join(", ")));
    }
    let facts: Vec<String> = view
        .other_forms()
        .map(|c| {
            let table = &plan.tables[c.table];
            format!("{}.{}", table.name, table.columns[c.column].facts.column)
        })
        .collect();
    if !facts.is_empty() {
        show.line(&words!("  together with other forms of the same facts, as a person shows them over all rows: {}", facts.join(", ")));
    }
    let may_move = |f: &&ViewColumn| !matches!(f.join, Join::SameRow | Join::Beside(_));
    for moving in view.facts.iter().filter(may_move) {
        if view.quasi.iter().any(|q| (q.table, q.column) == (moving.table, moving.column)) {
            let column = &plan.tables[moving.table].columns[moving.column].facts;
            show.line(&words!("  `{}.{}` can change between two rows of a person, which tells more than one row does", plan.tables[moving.table].name, column.column));
        }
    }
    show.line(&words!("  every group must have at least {} distinct persons (not rows); groups below are suppressed by {}, at most {} of the rows", view.k, lang::word(match plan.suppress.unit { Unit::Cell => "cell", Unit::Row => "row", Unit::Person => "person" }), plan.suppress.at_most));
    for model in &view.models {
        let numbers: Vec<String> =
            model.numbers.iter().map(|(n, v)| format!("{n} = {v}")).collect();
        show.line(&words!("  and {} with {}", model.key, numbers.join(", ")));
    }
    for (column, l) in view.sensitive.iter().filter(|(_, l)| *l > 0) {
        let column = &plan.tables[column.table].columns[column.column].facts;
        show.line(&words!(
            "  and at least {} different values of {}.{}",
            l,
            column.table,
            column.column
        ));
    }
    let asked = crate::report::unique::asked(plan, unique);
    show.line(&format!("  {}", lang::spoken().pick(&asked.ja, &asked.en)));
    json!({
        "view": view.name, "grain": table, "quasi": names, "facts": facts, "implied": view.implied, "k": view.k,
        "uniqueWith": { "m": unique.m, "atMost": unique.at_most, "facts": unique.facts.len() },
    })
}

fn set(plan: &Plan, set: &crate::plan::SetPlan, show: Show) -> serde_json::Value {
    let table = &plan.tables[set.table];
    let column = format!("{}.{}", table.name, table.columns[set.column].facts.column);
    show.line(&words!("\nset {}: the values of {} of a person, over all rows", set.name, column));
    show.line(&words!("  whoever knows up to {} of them must be left with at least {} distinct persons; values that stand in rarer combinations go with their rows, at most {} of the rows of `{}`", set.m, set.k, plan.suppress.at_most, table.name));
    json!({ "set": set.name, "column": column, "m": set.m, "k": set.k })
}

/// A made-up value of a column.
fn sample(column: &ColumnPlan) -> String {
    let facts = &column.facts;
    let text = match facts.code.as_ref().map(Name::as_str) {
        Some("icd10") => "E119",
        Some("postal") => "2310023",
        Some("yj") => "2149039F1038",
        Some("jlac10") => "3D0450000019206",
        Some("dpc14") => "010060x099030x",
        Some("prefecture") => "14",
        _ => match facts.ty {
            Type::Date | Type::PartialDate if facts.date == Some(DateKind::Birth) => "1954-12-03",
            Type::Date | Type::PartialDate => "2024-04-15",
            Type::Datetime => "2024-04-15T10:30:00",
            Type::Integer => "67",
            Type::Decimal => "123.45",
            Type::Measured => ">1234(+)",
            Type::Boolean => "true",
            Type::Code => "A0123",
            Type::String => "見本",
        },
    };
    text.to_owned()
}

fn example(column: &ColumnPlan, kind: Kind, sample: &str) -> String {
    let planned = column.treatment(kind);
    if planned.output.is_none() {
        return "(no column)".to_owned();
    }
    let treatment = &planned.treatment;
    let choices = treatment.choices();
    if !choices.is_empty() {
        return format!("(one of {})", choices.join(", "));
    }
    let cells = Column::from_texts([Some(sample)]);
    let mut ids = Interner::new();
    ids.intern("example");
    let ids = ids.finish();
    // The made-up anchor of every date: two weeks before the made-up event.
    let dates: Vec<Vec<Option<i32>>> = planned.dates.iter().map(|_| vec![Some(19_814)]).collect();
    let input = Input {
        facts: &column.facts,
        cells: &cells,
        persons: Persons { of_row: &[0], ids: &ids },
        dates: &dates,
        identity: Some(&cells),
        domain: "example",
        secrets: &Example(kind),
        tokens: &crate::technique::KeyTokens::default(),
        known: &[],
        everyone: None,
    };
    // Without data there are no statistics: a threshold that depends on them is not known yet.
    let depends = treatment.needs().statistics && treatment.outliers();
    let cell = match treatment.freeze(&crate::technique::Measure::Nothing, &column.facts) {
        Ok(frozen) => frozen.apply(&input).cells.text(0).unwrap_or("(empty)").to_owned(),
        Err(_) => "(depends on the data)".to_owned(),
    };
    if depends { format!("{cell} (limits depend on the data)") } else { cell }
}
