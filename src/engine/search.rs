//! Search for levels: the treatments that offer several are applied at each of them, the rows of the views become codes, and
//! the exact search of [`crate::privacy::search`] chooses.

use hashbrown::HashMap;
use serde::Serialize;

use super::Progress;
use super::apply::{Alive, Frozen, apply};
use super::exclude::Lists;
use super::intake::Store;
use super::views::{Cells, column_codes};
use crate::error::{Error, Name, Result};
use crate::frame::{Interner, MISSING};
use crate::plan::{Plan, ViewColumn};
use crate::privacy::objective::{self, Cost, Objective};
use crate::privacy::search::{
    Attribute, Levels, Limits, Problem, Sample, Setting, evaluate, solve,
};
use crate::say;
use crate::schema::Kind;
use crate::token::Secrets;

/// A column whose treatment offers several levels.
#[derive(Clone, Debug, Serialize)]
pub struct Offered {
    /// Table index.
    #[serde(skip)]
    pub table: usize,
    /// Column index.
    #[serde(skip)]
    pub column: usize,
    /// `table.column`.
    pub name: Name,
    /// The levels, finest first.
    pub levels: Vec<Name>,
}

/// A node with the names of its levels.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Choice {
    /// Which level of each offered column.
    #[serde(skip)]
    pub node: Levels,
    /// Their names, by offered column.
    pub levels: Vec<Name>,
    /// The cost, figure by figure.
    pub cost: Cost,
    /// By view: rows that suppression removes at these levels.
    pub suppressed: Vec<u64>,
    /// By view: classes that stay.
    pub classes: Vec<u64>,
    /// Whether the models and the limits of suppression hold.
    pub feasible: bool,
}

/// What the search found, for the record, `explain` and the report.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Searched {
    /// The columns.
    pub columns: Vec<Offered>,
    /// The objective's name.
    pub objective: &'static str,
    /// The chosen node.
    pub chosen: Choice,
    /// The next best, best first.
    pub runners: Vec<Choice>,
    /// What one level more or less of each column would cost or give.
    pub neighbours: Vec<Choice>,
    /// Nodes of the lattice.
    pub nodes: u64,
    /// Nodes whose classes were computed.
    pub evaluated: u64,
    /// Nodes in boxes that suppress too much, as merging cannot heal.
    pub pruned_by_models: u64,
    /// Nodes in boxes that cannot cost less.
    pub pruned_by_bound: u64,
    /// Whether it is proven that no node is better.
    pub exact: bool,
    /// Cost over the proven lower bound, minus one; none if there is no bound.
    pub gap: Option<f64>,
    /// Nodes that the search liked but that suppress too much once the tables are taken together.
    pub rejected: u64,
}

/// The columns of the anonymized release that offer levels.
#[must_use]
pub fn offered(plan: &Plan) -> Vec<Offered> {
    let mut found = Vec::new();
    for (t, table) in plan.tables.iter().enumerate() {
        for (c, column) in table.columns.iter().enumerate() {
            let choices = column.treatment(Kind::Anonymized).treatment.choices();
            // A column that repeats another one gets the level that is chosen for that.
            if !choices.is_empty() && column.tied[Kind::Anonymized as usize].is_none() {
                found.push(Offered {
                    table: t,
                    column: c,
                    name: Name::from_policy(format!("{}.{}", table.name, column.facts.column)),
                    levels: choices.into_iter().map(Name::from_policy).collect(),
                });
            }
        }
    }
    found
}

/// A search that can be asked for its best node, and for the next one after a node was rejected.
pub struct Search {
    problem: Problem,
    objective: Box<dyn Objective>,
    /// The attributes of the problem that are searched come first, in the order of the offered columns.
    offered: Vec<Offered>,
    excluded: Vec<Levels>,
    time: Option<std::time::Duration>,
}

/// Codes of a column of the views at each of its levels.
struct Gathered {
    at: ViewColumn,
    levels: Vec<Interner>,
    base: HashMap<Box<[u32]>, u32>,
    tuples: Vec<Box<[u32]>>,
}

impl Search {
    /// Applies the treatments at every level and collects the rows of the views. `with_levels` fixes the treatments of the
    /// anonymized release for given levels (an index by offered column).
    ///
    /// # Errors
    /// If levels do not nest; what fixing the treatments reports.
    pub fn prepare(
        plan: &Plan,
        store: &Store,
        lists: &Lists,
        secrets: &dyn Secrets,
        progress: &dyn Progress,
        with_levels: &dyn Fn(&[usize]) -> Result<Frozen>,
    ) -> Result<Search> {
        progress.stage("search");
        let offered = offered(plan);
        for column in &offered {
            let in_view = plan.views.iter().any(|v| {
                v.quasi.iter().any(|q| {
                    let tied = plan.tables[q.table].columns[q.column].tied;
                    let of = tied[Kind::Anonymized as usize].unwrap_or((q.table, q.column));
                    of == (column.table, column.column)
                })
            });
            if !in_view {
                return Err(Error::policy(
                    "P0308",
                    say!("column `{}` offers several levels, but no view names it", column.name),
                )
                .advice(say!("name it under `quasi` of a view, or give it one level")));
            }
        }
        let steps = offered.iter().map(|o| o.levels.len()).max().unwrap_or(1);
        let frozen: Vec<Frozen> = (0..steps)
            .map(|step| {
                let levels: Vec<usize> =
                    offered.iter().map(|o| step.min(o.levels.len() - 1)).collect();
                with_levels(&levels)
            })
            .collect::<Result<_>>()?;
        // One attribute for each column and way to find it; the same column in two views is the same attribute.
        let mut gathered: Vec<Gathered> = Vec::new();
        let mut columns_of: Vec<Vec<usize>> = Vec::new();
        for view in &plan.views {
            let mut columns = Vec::new();
            for quasi in &view.quasi {
                // A column and those that repeat it are one attribute.
                let tied = plan.tables[quasi.table].columns[quasi.column].tied;
                let of = tied[Kind::Anonymized as usize].unwrap_or((quasi.table, quasi.column));
                let known = gathered.iter().position(|g| (g.at.table, g.at.column) == of);
                columns.push(known.unwrap_or_else(|| {
                    gathered.push(Gathered {
                        at: ViewColumn { table: of.0, column: of.1, join: quasi.join.clone() },
                        levels: (0..steps).map(|_| Interner::new()).collect(),
                        base: HashMap::new(),
                        tuples: Vec::new(),
                    });
                    gathered.len() - 1
                }));
            }
            columns_of.push(columns);
        }
        let mut codes: Vec<Vec<Vec<u32>>> =
            plan.views.iter().map(|v| vec![Vec::new(); v.quasi.len()]).collect();
        let mut sensitive: Vec<Vec<Vec<u32>>> =
            plan.views.iter().map(|v| vec![Vec::new(); v.sensitive.len()]).collect();
        let mut values: Vec<Vec<Interner>> = plan
            .views
            .iter()
            .map(|v| v.sensitive.iter().map(|_| Interner::new()).collect())
            .collect();
        let mut persons: Vec<Vec<u32>> = vec![Vec::new(); plan.views.len()];
        let mut before: u32 = 0;
        store.each(plan, lists, |_, partition| {
            progress.check()?;
            let partition = partition.of_kind(Kind::Anonymized);
            let mut at_step: Vec<Vec<Vec<Vec<u32>>>> =
                plan.views.iter().map(|v| vec![Vec::new(); v.quasi.len()]).collect();
            let mut alive = Alive::all(&partition);
            for (step, frozen) in frozen.iter().enumerate() {
                let applied =
                    apply(plan, frozen, &partition, Kind::Anonymized, secrets, None, &mut alive);
                for (v, view) in plan.views.iter().enumerate() {
                    for (q, quasi) in view.quasi.iter().enumerate() {
                        let texts = &mut gathered[columns_of[v][q]].levels[step];
                        let cells = Cells::Applied(&applied);
                        at_step[v][q].push(column_codes(
                            plan, view, quasi, &partition, cells, &alive, texts,
                        ));
                    }
                    if step == 0 {
                        for (s, (column, _)) in view.sensitive.iter().enumerate() {
                            let cells = Cells::Applied(&applied);
                            // A missing value is not a value.
                            let found = column_codes(
                                plan,
                                view,
                                column,
                                &partition,
                                cells,
                                &alive,
                                &mut values[v][s],
                            );
                            sensitive[v][s].extend(
                                found.into_iter().map(|c| if c == 0 { MISSING } else { c }),
                            );
                        }
                    }
                }
            }
            for (v, view) in plan.views.iter().enumerate() {
                let there = &alive.rows[view.table];
                let start = persons[v].len();
                persons[v].extend(
                    partition.tables[view.table]
                        .persons
                        .iter()
                        .zip(there)
                        .filter(|(_, alive)| **alive)
                        .map(|(&person, _)| before + person),
                );
                for (q, by_step) in at_step[v].iter().enumerate() {
                    let gathered = &mut gathered[columns_of[v][q]];
                    for row in (0..there.len()).filter(|&row| there[row]) {
                        let tuple: Box<[u32]> = by_step.iter().map(|codes| codes[row]).collect();
                        let next = gathered.tuples.len() as u32;
                        let code = *gathered.base.entry(tuple).or_insert_with_key(|tuple| {
                            gathered.tuples.push(tuple.clone());
                            next
                        });
                        codes[v][q].push(code);
                    }
                }
                for of_column in &mut sensitive[v] {
                    let mut row = 0;
                    let mut seen = 0;
                    of_column.retain(|_| {
                        if seen < start {
                            seen += 1;
                            return true;
                        }
                        row += 1;
                        there[row - 1]
                    });
                }
            }
            before += partition.ids.len() as u32;
            Ok(())
        })?;
        Self::problem(plan, offered, gathered, &columns_of, &codes, &sensitive, &persons)
    }

    fn problem(
        plan: &Plan,
        offered: Vec<Offered>,
        gathered: Vec<Gathered>,
        columns_of: &[Vec<usize>],
        codes: &[Vec<Vec<u32>>],
        sensitive: &[Vec<Vec<u32>>],
        persons: &[Vec<u32>],
    ) -> Result<Search> {
        // The offered columns first, so that a node of the lattice begins with their levels.
        let place = |at: &ViewColumn| {
            offered.iter().position(|o| (o.table, o.column) == (at.table, at.column))
        };
        let mut order: Vec<usize> = (0..gathered.len()).collect();
        order.sort_by_key(|&g| (place(&gathered[g].at).unwrap_or(usize::MAX), g));
        let mut number = vec![0; gathered.len()];
        for (attribute, &g) in order.iter().enumerate() {
            number[g] = attribute;
        }
        let mut attributes = Vec::new();
        for &g in &order {
            let column = &gathered[g];
            let levels = place(&column.at).map_or(1, |o| offered[o].levels.len());
            let maps: Vec<(String, Vec<u32>)> = (0..levels)
                .map(|level| {
                    let mut numbers: HashMap<u32, u32> = HashMap::new();
                    let map = column
                        .tuples
                        .iter()
                        .map(|tuple| {
                            let next = numbers.len() as u32;
                            *numbers.entry(tuple[level]).or_insert(next)
                        })
                        .collect();
                    (format!("{level}"), map)
                })
                .collect();
            let facts = &plan.tables[column.at.table].columns[column.at.column].facts;
            let weight = plan
                .search
                .weights
                .get(&(column.at.table, column.at.column))
                .copied()
                .unwrap_or(1.0);
            // Leaves are the distinct values of the finest level offered.
            let finest = maps[0].1.iter().max().map_or(1.0, |&m| f64::from(m) + 1.0);
            let mut of_code = vec![0.0_f64; finest as usize];
            for &code in &maps[0].1 {
                of_code[code as usize] += 1.0;
            }
            let leaves: Vec<f64> =
                maps[0].1.iter().map(|&code| 1.0 / of_code[code as usize]).collect();
            let name = format!("{}.{}", facts.table, facts.column);
            let attribute =
                Attribute::new(&name, maps, &leaves, finest, weight).map_err(|mut error| {
                    error.what = say!("column `{}.{}`: {}", facts.table, facts.column, error.what);
                    error
                })?;
            attributes.push(attribute);
        }
        let mut problem = Problem::new(attributes);
        for (v, view) in plan.views.iter().enumerate() {
            let rows = persons[v].len() as f64;
            let share = plan.suppress.at_most.min(1.0 - plan.search.keep_at_least);
            let sample = Sample {
                columns: codes[v].iter().map(Vec::as_slice).collect(),
                persons: Some(&persons[v]),
                sensitive: sensitive[v].iter().map(Vec::as_slice).collect(),
                population: None,
            };
            let setting =
                Setting { models: view.all_models()?, limit: (share * rows + 1e-9).floor() as u64 };
            let columns = columns_of[v].iter().map(|&g| number[g]).collect();
            problem.view(view.name.as_str(), columns, &sample, setting)?;
        }
        let objective =
            objective::by_key(plan.search.objective, plan.search.aggregate, plan.search.factor)
                .map_err(|_| Error::policy("P0108", say!("the objective is not known")))?;
        Ok(Search { problem, objective, offered, excluded: Vec::new(), time: None })
    }

    /// Gives up after a time and takes the best node so far.
    #[must_use]
    pub fn within(mut self, time: Option<std::time::Duration>) -> Self {
        self.time = time;
        self
    }

    fn choice(
        &self,
        node: &Levels,
        cost: Cost,
        suppressed: Vec<u64>,
        classes: Vec<u64>,
        feasible: bool,
    ) -> Choice {
        let levels = self
            .offered
            .iter()
            .zip(node)
            .map(|(o, &level)| o.levels[usize::from(level)].clone())
            .collect();
        Choice { node: node.clone(), levels, cost, suppressed, classes, feasible }
    }

    /// The best node that was not rejected; none if no node is feasible.
    #[must_use]
    pub fn best(&self) -> Option<Searched> {
        let limits = Limits { time: self.time, excluded: self.excluded.clone(), runners: 10 };
        let solution = solve(&self.problem, self.objective.as_ref(), &limits);
        let best = solution.best.as_ref()?;
        let of = |c: &crate::privacy::search::Candidate| {
            self.choice(&c.levels, c.cost.clone(), c.suppressed.clone(), c.classes.clone(), true)
        };
        let mut neighbours = Vec::new();
        for column in 0..self.offered.len() {
            for up in [false, true] {
                let mut node = best.levels.clone();
                let top = self.offered[column].levels.len() - 1;
                match (up, usize::from(node[column])) {
                    (false, 0) => continue,
                    (true, level) if level == top => continue,
                    (false, _) => node[column] -= 1,
                    (true, _) => node[column] += 1,
                }
                let (stats, cost, feasible) =
                    evaluate(&self.problem, self.objective.as_ref(), &node);
                let feasible = feasible && !self.excluded.contains(&node);
                let suppressed = stats.iter().map(|s| s.suppressed).collect();
                let classes = stats.iter().map(|s| s.kept_classes).collect();
                neighbours.push(self.choice(&node, cost, suppressed, classes, feasible));
            }
        }
        let small = |n: u128| u64::try_from(n).unwrap_or(u64::MAX);
        let proof = &solution.certificate;
        Some(Searched {
            columns: self.offered.clone(),
            objective: self.objective.key(),
            chosen: of(best),
            runners: solution.runners.iter().map(of).collect(),
            neighbours,
            nodes: small(proof.nodes),
            evaluated: proof.evaluated,
            pruned_by_models: small(proof.pruned_by_models),
            pruned_by_bound: small(proof.pruned_by_bound),
            exact: proof.exact,
            gap: solution.gap(),
            rejected: self.excluded.len() as u64,
        })
    }

    /// Rules a node out.
    pub fn reject(&mut self, choice: &Choice) {
        self.excluded.push(choice.node.clone());
    }

    /// For an error when no node is feasible: rows that remain to be suppressed at the coarsest node, by view, with the limit.
    #[must_use]
    pub fn at_the_top(&self) -> Vec<(String, u64, u64)> {
        let (_, top) = self.problem.corners();
        let (stats, _, _) = evaluate(&self.problem, self.objective.as_ref(), &top);
        stats
            .iter()
            .zip(&self.problem.views)
            .map(|(s, v)| (v.name.clone(), s.suppressed, v.setting.limit))
            .collect()
    }
}
