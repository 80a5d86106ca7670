//! Views: what an attacker may know of a person, as one row a grain; classes of at least k distinct persons.

use indexmap::IndexMap;

use crate::build::{Builder, name};
use crate::error::Name;
use crate::model::Join;
use crate::model::TablePlan;
use crate::policy::model::{Tier, ViewPolicy};
use crate::privacy::model::{self, KAnonymity, Model, Parameters};
use crate::say;
use crate::schema::ColumnAt;

/// A view.
#[derive(Clone, Debug)]
pub struct ViewPlan {
    /// Its name.
    pub name: Name,
    /// The table whose rows are counted.
    pub table: usize,
    /// The database that shows its quasi-identifiers and that the release may be linked with.
    pub visible_in: Option<crate::policy::model::VisibleIn>,
    /// The quasi-identifiers: table, column, and how a row of the grain finds them.
    pub quasi: Vec<ViewColumn>,
    /// Other released forms of facts that stand in `quasi`: they count with them, as what a person (or a stay) shows over all rows.
    pub facts: Vec<ViewColumn>,
    /// Whether the policy names it; otherwise it is implied, as its table releases quasi-identifiers.
    pub implied: bool,
    /// Distinct persons a class at least.
    pub k: u64,
    /// Why its k may be below the tier's.
    pub because: Option<Name>,
    /// Sensitive columns and distinct l (0 for a column that only a model looks at).
    pub sensitive: Vec<(ViewColumn, u64)>,
    /// Further models that every class must satisfy.
    pub models: Vec<ModelPlan>,
}

/// A model of a view.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelPlan {
    /// Its name in the registry of models.
    pub key: &'static str,
    /// Which of the view's sensitive columns it looks at.
    pub sensitive: Option<usize>,
    /// Its numbers.
    pub numbers: std::collections::BTreeMap<String, f64>,
}

impl ViewPlan {
    /// Everything that its classes are made of: the quasi-identifiers, then the other forms of the same facts.
    pub fn counted(&self) -> impl Iterator<Item = &ViewColumn> {
        self.quasi.iter().chain(&self.facts)
    }
    /// The other columns that show the same facts. What other rows show of a quasi-identifier itself is none.
    pub fn other_forms(&self) -> impl Iterator<Item = &ViewColumn> {
        let itself = |f: &ViewColumn| {
            matches!(f.join, Join::Beside(_)) && self.quasi.iter().any(|q| q.at() == f.at())
        };
        self.facts.iter().filter(move |f| !itself(f))
    }
    /// Everything that must hold for the view's classes.
    ///
    /// # Errors
    /// If a model cannot be made (the plan was built with the same call, so not for a plan that was built).
    pub fn all_models(&self) -> crate::error::Result<Vec<Box<dyn Model>>> {
        let mut models: Vec<Box<dyn Model>> = vec![Box::new(KAnonymity { k: self.k })];
        for (column, &(_, l)) in self.sensitive.iter().enumerate() {
            if l > 0 {
                let numbers = Parameters::default().about(column).with("l", l as f64);
                models.push(model::make("distinct-l", &numbers)?);
            }
        }
        for spec in &self.models {
            models.push(model::make(spec.key, &spec.parameters())?);
        }
        Ok(models)
    }
}

impl ModelPlan {
    /// For the registry of models.
    #[must_use]
    pub fn parameters(&self) -> Parameters {
        Parameters { numbers: self.numbers.clone(), sensitive: self.sensitive, distance: None }
    }
}

/// A column of a view.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ViewColumn {
    /// Table index.
    pub table: usize,
    /// Column index.
    pub column: usize,
    /// How a row of the view's grain finds it. `Join::Person` needs one row a person in that table
    /// or the same value in all of them; otherwise all distinct values of the person, as a set.
    pub join: Join,
}

impl ViewColumn {
    /// The column, however a row finds it.
    #[must_use]
    pub const fn at(&self) -> ColumnAt {
        ColumnAt { table: self.table, column: self.column }
    }
}

impl Builder<'_> {
    /// The views that a policy names.
    pub(crate) fn views(&mut self, tables: &[TablePlan]) -> Vec<ViewPlan> {
        let policy = &self.loaded.policy;
        let mut views = Vec::new();
        let mut names = IndexMap::new();
        for (index, view) in policy.anonymized.views.iter().enumerate() {
            let index = index.to_string();
            let path = ["anonymized", "view", index.as_str()];
            if names.insert(view.name.clone(), ()).is_some() {
                self.error("P0101", &path, say!("two views are named `{}`", name(&view.name)));
            }
            let Some(table) = grain_of(&view.grain, tables) else {
                self.error(
                    "P0102",
                    &path,
                    say!("view `{}`: there is no table `{}`", name(&view.name), name(&view.grain)),
                );
                continue;
            };
            let quasi = self.quasi(&index, view, tables, table);
            if view.quasi.is_empty() {
                self.error(
                    "P0108",
                    &path,
                    say!("view `{}` names no quasi-identifiers", name(&view.name)),
                );
            }
            let k = self.k(&path, view);
            let mut sensitive = self.sensitive(&index, view, tables, table);
            let models = self.models(&index, view, tables, table, &mut sensitive);
            views.push(ViewPlan {
                name: name(&view.name),
                visible_in: view.visible_in,
                table,
                quasi,
                k: k.unwrap_or(u64::MAX),
                because: view.because.as_deref().map(name),
                sensitive,
                models,
                facts: Vec::new(),
                implied: false,
            });
        }
        views
    }

    fn quasi(
        &mut self,
        index: &str,
        view: &ViewPolicy,
        tables: &[TablePlan],
        table: usize,
    ) -> Vec<ViewColumn> {
        let mut quasi = Vec::new();
        for (at, text) in view.quasi.iter().enumerate() {
            let at = at.to_string();
            let path = ["anonymized", "view", index, "quasi", at.as_str()];
            if let Some(at) = self.resolve(tables, Some(table), text, &path) {
                quasi.push(Self::seen_from(tables, table, at));
            }
        }
        quasi
    }

    /// A column as the rows of a view's table find it.
    fn seen_from(tables: &[TablePlan], view_table: usize, at: ColumnAt) -> ViewColumn {
        let join = Self::join(tables, view_table, at.table);
        ViewColumn { table: at.table, column: at.column, join }
    }

    /// Persons in a class, at least.
    fn k(&mut self, path: &[&str], view: &ViewPolicy) -> Option<u64> {
        // A class of n persons has risk 1 / n: the limit asks for the next whole number of persons.
        let by_risk = view.risk.map(|r| r.prosecutor);
        if by_risk.is_some_and(|r| !(r > 0.0 && r < 1.0)) {
            let wrong = say!("view `{}`: risk.prosecutor is above 0 and below 1", name(&view.name));
            self.error("P0108", path, wrong);
        }
        let by_risk =
            by_risk.filter(|&r| r > 0.0 && r < 1.0).map(|r| (1.0 / r - 1e-9).ceil() as u64);
        let k = view.k.or(self.loaded.policy.anonymized.tier.map(Tier::k)).max(by_risk);
        match k {
            None => self.advise(
                "P0108",
                path,
                say!("view `{}` has no k, and there is no tier", name(&view.name)),
                say!("anonymized.tier = \"research\" means k = 10; or give the view its k"),
            ),
            Some(k) if k < 2 => {
                self.error(
                    "P0108",
                    path,
                    say!("view `{}`: k must be at least 2", name(&view.name)),
                );
            }
            Some(_) => {}
        }
        k
    }

    /// Sensitive columns, with how many values a class has at least.
    fn sensitive(
        &mut self,
        index: &str,
        view: &ViewPolicy,
        tables: &[TablePlan],
        table: usize,
    ) -> Vec<(ViewColumn, u64)> {
        let mut sensitive = Vec::new();
        for (at, s) in view.sensitive.iter().enumerate() {
            let at = at.to_string();
            let path = ["anonymized", "view", index, "sensitive", at.as_str()];
            if let Some(at) = self.resolve(tables, Some(table), &s.column, &path) {
                sensitive.push((Self::seen_from(tables, table, at), s.l));
            }
            if s.l < 2 {
                self.error("P0108", &path, say!("l must be at least 2"));
            }
        }
        sensitive
    }

    /// Models beside k and l; a column that one is about is sensitive too.
    fn models(
        &mut self,
        index: &str,
        view: &ViewPolicy,
        tables: &[TablePlan],
        table: usize,
        sensitive: &mut Vec<(ViewColumn, u64)>,
    ) -> Vec<ModelPlan> {
        let mut models = Vec::new();
        for (at, spec) in view.models.iter().enumerate() {
            let at = at.to_string();
            let path = ["anonymized", "view", index, "models", at.as_str()];
            let mut about = None;
            if let Some(text) = &spec.column {
                let Some(at) = self.resolve(tables, Some(table), text, &path) else {
                    continue;
                };
                let known = sensitive.iter().position(|(s, _)| s.at() == at);
                about = known.or_else(|| {
                    sensitive.push((Self::seen_from(tables, table, at), 0));
                    Some(sensitive.len() - 1)
                });
            }
            let numbers = spec.with.clone();
            let parameters =
                Parameters { numbers: numbers.clone(), sensitive: about, distance: None };
            match model::make(&spec.model, &parameters) {
                Err(error) => self.errors.push(error.at_opt(self.loaded.place(&path))),
                Ok(made) if made.needs_population() => self.advise(
                    "P0130",
                    &path,
                    say!(
                        "view `{}`: model `{}` needs a population table, which a run does not have",
                        name(&view.name),
                        name(&spec.model)
                    ),
                    say!("`kakou risk --population FILE` checks it for a released table"),
                ),
                Ok(made) => models.push(ModelPlan { key: made.key(), sensitive: about, numbers }),
            }
        }
        models
    }
}

/// The table whose rows a view counts: by its name, or a part of a long table by a value.
fn grain_of(grain: &str, tables: &[TablePlan]) -> Option<usize> {
    let part = || {
        let (of, value) = grain.split_once('.')?;
        tables.iter().position(|t| {
            t.part.as_ref().is_some_and(|p| {
                p.of.as_str() == of
                    && p.matching.iter().any(|(_, values)| values.iter().any(|v| v == value))
            })
        })
    };
    let named = tables.iter().position(|t| t.name.as_str() == grain);
    named.or_else(part)
}
