//! Search for levels: the treatments that offer several are applied at each of them, the rows of the views become codes, and
//! the exact search of [`crate::privacy::search`] chooses.

use std::sync::Arc;

use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

use super::apply::{Surviving, Treatments, apply};
use super::explore::Space;
use super::partition::Partition;
use super::views::{Cells, column_codes};
use crate::error::{Error, Name, Result};
use crate::frame::{Interner, MISSING};
use crate::plan::{Plan, ViewColumn};
use crate::privacy::objective::{self, Cost, Objective};
use crate::privacy::search::{
    Attribute, Levels, Limits, Problem, Sample, Setting, evaluate, solve,
};
use crate::say;
use crate::schema::{ColumnAt, Kind};
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
            if !choices.is_empty() && column.tied[Kind::Anonymized].is_none() {
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

/// What columns of the views show, by attribute of the problem: at each level, and by base code which of them at each.
pub(super) struct Shown {
    pub(super) levels: Vec<Interner>,
    pub(super) tuples: Vec<Box<[u32]>>,
}

/// A search that can be asked for its best node, and for the next one after a node was rejected.
pub struct Search {
    problem: Arc<Problem>,
    objective: Arc<dyn Objective>,
    shown: Arc<Vec<Shown>>,
    /// The attributes of the problem that are searched come first, in the order of the offered columns.
    offered: Vec<Offered>,
    excluded: Vec<Levels>,
    time: Option<std::time::Duration>,
}

/// Codes of a column of the views at each of its levels.
#[derive(Debug, Serialize, Deserialize)]
struct Gathered {
    levels: Vec<Interner>,
    /// By code: what the column shows at each level.
    tuples: Vec<Box<[u32]>>,
    #[serde(skip)]
    base: HashMap<Box<[u32]>, u32>,
}

impl Gathered {
    fn code(&mut self, tuple: Box<[u32]>) -> u32 {
        let next = self.tuples.len() as u32;
        *self.base.entry(tuple).or_insert_with_key(|tuple| {
            self.tuples.push(tuple.clone());
            next
        })
    }
}

/// The rows of the views at every level that is offered, over all batches.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rows {
    gathered: Vec<Gathered>,
    /// By view, by column: a code a row.
    codes: Vec<Vec<Vec<u32>>>,
    /// By view, by sensitive column: a code a row.
    sensitive: Vec<Vec<Vec<u32>>>,
    values: Vec<Vec<Interner>>,
    /// By view: the person of each row.
    of: Vec<Vec<u32>>,
    persons: u32,
}

/// One attribute for each column of the views and way to find it; the same column in two views is the same attribute. And by view
/// the attributes of its columns.
fn attributes(plan: &Plan) -> (Vec<ViewColumn>, Vec<Vec<usize>>) {
    let mut found: Vec<ViewColumn> = Vec::new();
    let mut columns_of: Vec<Vec<usize>> = Vec::new();
    for view in &plan.views {
        let mut columns = Vec::new();
        for quasi in &view.quasi {
            // A column and those that repeat it are one attribute.
            let tied = plan.column(quasi.at()).tied;
            let of = tied[Kind::Anonymized].unwrap_or(quasi.at());
            let known = found.iter().position(|column| column.at() == of);
            columns.push(known.unwrap_or_else(|| {
                found.push(ViewColumn {
                    table: of.table,
                    column: of.column,
                    join: quasi.join.clone(),
                });
                found.len() - 1
            }));
        }
        columns_of.push(columns);
    }
    (found, columns_of)
}

/// Refuses levels that no view would judge.
///
/// # Errors
/// `P0308` for a column that offers levels and stands in no view.
pub fn check(plan: &Plan) -> Result<()> {
    for column in offered(plan) {
        let in_view = plan.views.iter().any(|v| {
            v.quasi.iter().any(|q| {
                let tied = plan.column(q.at()).tied;
                let of = tied[Kind::Anonymized].unwrap_or(q.at());
                of == ColumnAt { table: column.table, column: column.column }
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
    Ok(())
}

/// For each step from the finest level up: the level of every offered column (its coarsest once it has no more).
#[must_use]
pub fn steps(offered: &[Offered]) -> Vec<Vec<(usize, usize, Name)>> {
    let steps = offered.iter().map(|o| o.levels.len()).max().unwrap_or(1);
    let level = |o: &Offered, step: usize| o.levels[step.min(o.levels.len() - 1)].clone();
    (0..steps)
        .map(|step| offered.iter().map(|o| (o.table, o.column, level(o, step))).collect())
        .collect()
}

impl Rows {
    /// None yet, of so many steps.
    #[must_use]
    pub fn new(plan: &Plan, steps: usize) -> Rows {
        let none = || Gathered {
            levels: (0..steps).map(|_| Interner::new()).collect(),
            tuples: Vec::new(),
            base: HashMap::new(),
        };
        Rows {
            gathered: attributes(plan).0.iter().map(|_| none()).collect(),
            codes: plan.views.iter().map(|v| vec![Vec::new(); v.quasi.len()]).collect(),
            sensitive: plan.views.iter().map(|v| vec![Vec::new(); v.sensitive.len()]).collect(),
            values: plan
                .views
                .iter()
                .map(|v| v.sensitive.iter().map(|_| Interner::new()).collect())
                .collect(),
            of: vec![Vec::new(); plan.views.len()],
            persons: 0,
        }
    }

    /// Adds the rows of a batch (of those who may be in the anonymized release), with the treatments of each step.
    pub fn add(
        &mut self,
        plan: &Plan,
        partition: &Partition,
        steps: &[Treatments],
        secrets: &dyn Secrets,
    ) {
        let (_, columns_of) = attributes(plan);
        let mut at_step: Vec<Vec<Vec<Vec<u32>>>> =
            plan.views.iter().map(|v| vec![Vec::new(); v.quasi.len()]).collect();
        let mut found: Vec<Vec<Vec<u32>>> = vec![Vec::new(); plan.views.len()];
        let mut surviving = Surviving::all(partition);
        for (step, treatments) in steps.iter().enumerate() {
            let kind = Kind::Anonymized;
            let applied = apply(plan, treatments, partition, kind, secrets, None, &mut surviving);
            let cells = Cells::Applied(&applied);
            for (v, view) in plan.views.iter().enumerate() {
                for (q, quasi) in view.quasi.iter().enumerate() {
                    let texts = &mut self.gathered[columns_of[v][q]].levels[step];
                    at_step[v][q]
                        .push(column_codes(plan, view, quasi, partition, cells, &surviving, texts));
                }
                if step > 0 {
                    continue;
                }
                for (s, (column, _)) in view.sensitive.iter().enumerate() {
                    let texts = &mut self.values[v][s];
                    found[v].push(column_codes(
                        plan, view, column, partition, cells, &surviving, texts,
                    ));
                }
            }
        }
        for (v, view) in plan.views.iter().enumerate() {
            let there = &surviving.rows[view.table];
            let rows: Vec<usize> = (0..there.len()).filter(|&row| there[row]).collect();
            let persons = &partition.tables[view.table].persons;
            self.of[v].extend(rows.iter().map(|&row| self.persons + persons[row]));
            for (q, by_step) in at_step[v].iter().enumerate() {
                let gathered = &mut self.gathered[columns_of[v][q]];
                for &row in &rows {
                    let tuple: Box<[u32]> = by_step.iter().map(|codes| codes[row]).collect();
                    self.codes[v][q].push(gathered.code(tuple));
                }
            }
            for (all, codes) in self.sensitive[v].iter_mut().zip(&found[v]) {
                // A missing value is not a value.
                let value = |&row: &usize| if codes[row] == 0 { MISSING } else { codes[row] };
                all.extend(rows.iter().map(value));
            }
        }
        self.persons += partition.ids.len() as u32;
    }

    /// Attributes, steps, and by view its columns.
    fn shape(&self) -> (Vec<usize>, Vec<[usize; 2]>) {
        let views = self.codes.iter().zip(&self.sensitive);
        let steps = self.gathered.iter().map(|g| g.levels.len());
        (steps.collect(), views.map(|(c, s)| [c.len(), s.len()]).collect())
    }

    /// After a journey: numbers the codes again; nothing if it is not what such a thing is.
    #[must_use]
    pub fn arrived(mut self, plan: &Plan, steps: usize) -> Option<Rows> {
        let (found, columns_of) = attributes(plan);
        let mut like = Rows::new(plan, steps);
        let known = |tuple: &[u32], levels: &[Interner]| {
            tuple.len() == levels.len()
                && tuple.iter().zip(levels).all(|(c, l)| *c as usize <= l.dictionary().len())
        };
        let sound = self.gathered.len() == found.len()
            && self.shape() == like.shape()
            && self.gathered.iter().all(|g| g.tuples.iter().all(|t| known(t, &g.levels)))
            && self.of.len() == plan.views.len()
            && self.of.iter().flatten().all(|&person| person < self.persons)
            && (0..plan.views.len()).all(|v| {
                let rows = self.of[v].len();
                let codes = self.codes[v].iter().zip(&columns_of[v]).all(|(codes, &g)| {
                    let tuples = self.gathered[g].tuples.len();
                    codes.len() == rows && codes.iter().all(|&code| (code as usize) < tuples)
                });
                let values = self.values.get(v).filter(|of| of.len() == self.sensitive[v].len());
                codes
                    && values.is_some_and(|values| {
                        self.sensitive[v].iter().zip(values).all(|(codes, values)| {
                            let value = |&c: &u32| {
                                c == MISSING
                                    || (1..=values.dictionary().len()).contains(&(c as usize))
                            };
                            codes.len() == rows && codes.iter().all(value)
                        })
                    })
            });
        if !sound {
            return None;
        }
        for (mine, empty) in self.gathered.iter_mut().zip(&mut like.gathered) {
            for (code, tuple) in mine.tuples.iter().enumerate() {
                if empty.code(tuple.clone()) as usize != code {
                    return None;
                }
            }
            mine.base = std::mem::take(&mut empty.base);
        }
        Some(self)
    }

    /// Takes in the rows of other persons.
    ///
    /// # Errors
    /// If they are of other views or levels.
    pub fn merge(&mut self, plan: &Plan, other: &Rows) -> Result<()> {
        if self.shape() != other.shape() {
            return Err(super::statistics::other());
        }
        let maps: Vec<Vec<u32>> = self
            .gathered
            .iter_mut()
            .zip(&other.gathered)
            .map(|(mine, theirs)| {
                let levels: Vec<Vec<u32>> = mine
                    .levels
                    .iter_mut()
                    .zip(&theirs.levels)
                    .map(|(mine, theirs)| mine.renumbered(theirs))
                    .collect();
                let here = |(&code, map): (&u32, &Vec<u32>)| match code {
                    0 => 0,
                    _ => 1 + map[code as usize - 1],
                };
                let tuples = theirs.tuples.iter();
                tuples
                    .map(|tuple| mine.code(tuple.iter().zip(&levels).map(here).collect()))
                    .collect()
            })
            .collect();
        let (_, columns_of) = attributes(plan);
        for (v, columns) in other.codes.iter().enumerate() {
            for (q, codes) in columns.iter().enumerate() {
                let map = &maps[columns_of[v][q]];
                self.codes[v][q].extend(codes.iter().map(|&code| map[code as usize]));
            }
            for (s, codes) in other.sensitive[v].iter().enumerate() {
                let map = self.values[v][s].renumbered(&other.values[v][s]);
                let here = |&code: &u32| match code {
                    MISSING => MISSING,
                    _ => 1 + map[code as usize - 1],
                };
                self.sensitive[v][s].extend(codes.iter().map(here));
            }
            self.of[v].extend(other.of[v].iter().map(|&person| self.persons + person));
        }
        self.persons += other.persons;
        Ok(())
    }
}

impl Search {
    /// The search over the rows of the views.
    ///
    /// # Errors
    /// If levels do not nest.
    pub fn over(plan: &Plan, rows: Rows) -> Result<Search> {
        let (found, columns_of) = attributes(plan);
        let Rows { gathered, codes, sensitive, of, .. } = rows;
        let shown = |g: Gathered| Shown { levels: g.levels, tuples: g.tuples };
        let gathered: Vec<(ViewColumn, Shown)> =
            found.into_iter().zip(gathered).map(|(at, g)| (at, shown(g))).collect();
        Self::problem(plan, offered(plan), gathered, &columns_of, &codes, &sensitive, &of)
    }

    fn problem(
        plan: &Plan,
        offered: Vec<Offered>,
        gathered: Vec<(ViewColumn, Shown)>,
        columns_of: &[Vec<usize>],
        codes: &[Vec<Vec<u32>>],
        sensitive: &[Vec<Vec<u32>>],
        persons: &[Vec<u32>],
    ) -> Result<Search> {
        // The offered columns first, so that a node of the lattice begins with their levels.
        let place = |at: &ViewColumn| {
            offered.iter().position(|o| ColumnAt { table: o.table, column: o.column } == at.at())
        };
        let mut order: Vec<usize> = (0..gathered.len()).collect();
        order.sort_by_key(|&g| (place(&gathered[g].0).unwrap_or(usize::MAX), g));
        let mut number = vec![0; gathered.len()];
        for (attribute, &g) in order.iter().enumerate() {
            number[g] = attribute;
        }
        let mut attributes = Vec::new();
        for &g in &order {
            let (at, Shown { tuples, .. }) = &gathered[g];
            let levels = place(at).map_or(1, |o| offered[o].levels.len());
            let maps: Vec<(String, Vec<u32>)> = (0..levels)
                .map(|level| {
                    let mut numbers: HashMap<u32, u32> = HashMap::new();
                    let map = tuples
                        .iter()
                        .map(|tuple| {
                            let next = numbers.len() as u32;
                            *numbers.entry(tuple[level]).or_insert(next)
                        })
                        .collect();
                    (format!("{level}"), map)
                })
                .collect();
            let facts = &plan.tables[at.table].columns[at.column].facts;
            let weight = plan.search.weights.get(&at.at()).copied().unwrap_or(1.0);
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
        let mut by_attribute: Vec<(usize, Shown)> =
            gathered.into_iter().zip(number).map(|((_, shown), at)| (at, shown)).collect();
        by_attribute.sort_by_key(|(at, _)| *at);
        Ok(Search {
            problem: Arc::new(problem),
            objective: objective.into(),
            shown: Arc::new(by_attribute.into_iter().map(|(_, shown)| shown).collect()),
            offered,
            excluded: Vec::new(),
            time: None,
        })
    }

    /// The search among all of a space.
    pub(super) fn of(space: &Space) -> Search {
        Search {
            problem: Arc::clone(&space.problem),
            objective: Arc::clone(&space.objective),
            shown: Arc::clone(&space.shown),
            offered: space.offered.clone(),
            excluded: Vec::new(),
            time: None,
        }
    }

    /// All that it chooses among.
    pub(super) fn space(&self) -> Space {
        Space {
            problem: Arc::clone(&self.problem),
            objective: Arc::clone(&self.objective),
            shown: Arc::clone(&self.shown),
            offered: self.offered.clone(),
        }
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
