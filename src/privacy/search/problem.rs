//! What is searched: attributes with ladders of levels, and views of them with their rows.

use super::super::key::{Key, Layout, Numbering};
use super::super::model::{Model, Scope, Whole};
use crate::error::{Error, Result};
use crate::frame::MISSING;
use crate::say;

/// One level of an attribute.
#[derive(Clone, Debug)]
pub struct Level {
    /// Its name.
    pub name: String,
    /// The code at this level of each base code. The codes are `0..card`.
    pub map: Vec<u32>,
    /// How many codes there are.
    pub card: u32,
    /// By code: the share of the attribute's leaves that it may stand for, 0..=1.
    pub share: Vec<f64>,
}

/// A column whose level is searched. A column with a fixed treatment has one level.
#[derive(Clone, Debug)]
pub struct Attribute {
    /// Its name.
    pub name: String,
    /// From fine to coarse; each is a function of the one before.
    pub levels: Vec<Level>,
    /// Leaves of the ladder: values that the column may have.
    pub leaves: f64,
    /// Weight in objectives that average over columns.
    pub weight: f64,
    steps: Vec<Vec<u32>>,
}

impl Attribute {
    /// An attribute from its levels, given as maps from base codes. `leaves_under[base]` is how many leaves of the ladder a
    /// base code stands for (1 for a ladder whose lowest level is the source values).
    ///
    /// # Errors
    /// `V0101` if a level is not a function of the one before, `V0102` if a map has the wrong length or there are none or more
    /// than 255 levels.
    pub fn new(
        name: &str,
        levels: Vec<(String, Vec<u32>)>,
        leaves_under: &[f64],
        leaves: f64,
        weight: f64,
    ) -> Result<Self> {
        let bases = leaves_under.len();
        if levels.is_empty()
            || levels.len() > 255
            || levels.iter().any(|(_, map)| map.len() != bases)
        {
            return Err(Error::policy(
                "V0102",
                say!("the levels of a column do not fit its {} values", bases),
            ));
        }
        let mut made: Vec<Level> = Vec::with_capacity(levels.len());
        for (name, map) in levels {
            let card = map.iter().max().map_or(0, |m| m + 1);
            let mut share = vec![0.0; card as usize];
            for (&code, &leaves_here) in map.iter().zip(leaves_under) {
                share[code as usize] += leaves_here / leaves.max(1.0);
            }
            share.iter_mut().for_each(|s: &mut f64| *s = s.min(1.0));
            made.push(Level { name, map, card, share });
        }
        let mut steps = Vec::new();
        for (number, pair) in made.windows(2).enumerate() {
            let mut step = vec![u32::MAX; pair[0].card as usize];
            for (&fine, &coarse) in pair[0].map.iter().zip(&pair[1].map) {
                let slot = &mut step[fine as usize];
                if *slot != u32::MAX && *slot != coarse {
                    return Err(Error::policy(
                        "V0101",
                        say!("level {} of a column is not a function of the level before it", number + 1),
                    )
                    .advice(say!("order the levels from fine to coarse; bands must nest (5 years, then 10, not 5 then 7)")));
                }
                *slot = coarse;
            }
            steps.push(step);
        }
        Ok(Attribute {
            name: name.to_owned(),
            levels: made,
            leaves: leaves.max(1.0),
            weight,
            steps,
        })
    }
    /// Sets the shares of a level's codes, where they are known better than by counting base codes (a hierarchy file lists
    /// leaves that do not occur in the data).
    pub fn set_shares(&mut self, level: usize, share: Vec<f64>) {
        if share.len() == self.levels[level].card as usize {
            self.levels[level].share = share;
        }
    }
    /// The map from codes of one level to codes of a coarser one.
    pub(super) fn step(&self, from: u8, to: u8) -> Vec<u32> {
        let mut map: Vec<u32> = (0..self.levels[usize::from(from)].card).collect();
        for step in &self.steps[usize::from(from)..usize::from(to)] {
            for code in &mut map {
                *code = step.get(*code as usize).copied().unwrap_or(u32::MAX);
            }
        }
        map
    }
}

/// The rows of a view: base codes by column.
#[derive(Debug, Default)]
pub struct Sample<'a> {
    /// By column of the view: base codes.
    pub columns: Vec<&'a [u32]>,
    /// The person of each row; none if every row is a person.
    pub persons: Option<&'a [u32]>,
    /// Sensitive columns: codes by row; [`MISSING`] for a row without a value.
    pub sensitive: Vec<&'a [u32]>,
    /// Further rows that are not released but that an attacker sees (the source database or a population table), by column.
    pub population: Option<Vec<&'a [u32]>>,
}

/// What must hold for a view.
#[derive(Debug, Default)]
pub struct Setting {
    /// The models; all must hold.
    pub models: Vec<Box<dyn Model>>,
    /// Rows that may be suppressed.
    pub limit: u64,
}

/// Rows with equal base codes, counted.
#[derive(Debug)]
pub(super) struct Base {
    pub(super) tuples: Vec<Key<16>>,
    pub(super) rows: Vec<u32>,
    pub(super) population: Option<Vec<u32>>,
    /// (person, tuple), distinct, ascending; none if every row is a person.
    pub(super) pairs: Option<Vec<(u32, u32)>>,
    /// By sensitive column: (tuple, code, person), distinct, ascending by tuple and code.
    pub(super) sensitive: Vec<Vec<(u32, u32, u32)>>,
}

/// A view to search.
#[derive(Debug)]
pub struct SearchView {
    /// Its name.
    pub name: String,
    /// By column: which attribute of the problem it is.
    pub columns: Vec<usize>,
    /// Rows.
    pub rows: u64,
    /// Rows that a class must have to stay, whatever else must hold.
    pub least_rows: u64,
    /// Σ over rows of p · log2 p with p the share of the row's source tuple (see the divergence objective).
    pub source_information: f64,
    /// What must hold.
    pub setting: Setting,
    /// The whole view, for models.
    pub whole: Whole,
    pub(super) base: Base,
    pub(super) layout: Layout,
    marginals: Vec<Vec<Vec<u64>>>,
    source: Vec<Vec<u64>>,
}

/// Attributes and views.
#[derive(Debug)]
pub struct Problem {
    /// The attributes; a node has a level for each.
    pub attributes: Vec<Attribute>,
    /// The views, which may share attributes.
    pub views: Vec<SearchView>,
}

impl SearchView {
    /// Whether a person may have several rows.
    #[must_use]
    pub fn shares_persons(&self) -> bool {
        self.base.pairs.is_some()
    }
}

impl Problem {
    /// A problem without views.
    #[must_use]
    pub fn new(attributes: Vec<Attribute>) -> Self {
        Problem { attributes, views: Vec::new() }
    }
    /// Adds a view. `columns[c]` is the attribute of column `c`.
    ///
    /// # Errors
    /// `V0002` if columns differ in length or a code is out of range; `V0001` if they are too wide together; `V0103` if a
    /// model needs a sensitive column or a population that is not there.
    pub fn view(
        &mut self,
        name: &str,
        columns: Vec<usize>,
        sample: &Sample<'_>,
        setting: Setting,
    ) -> Result<()> {
        self.fits(&columns, sample, &setting)?;
        let rows = sample.columns.first().map_or(0, |c| c.len());
        let population = sample.population.as_ref().map_or(0, |p| p.first().map_or(0, |c| c.len()));
        // The codes of level 0 are the finest that the search sees; base codes may be finer.
        let cards: Vec<u32> = columns.iter().map(|&a| self.attributes[a].levels[0].card).collect();
        let layout = Layout::new(&cards)?;
        let maps: Vec<&[u32]> =
            columns.iter().map(|&a| self.attributes[a].levels[0].map.as_slice()).collect();
        let pack = |columns: &[&[u32]], row: usize| {
            let mut key = Key::<16>::ZERO;
            for (column, codes) in columns.iter().enumerate() {
                key.set(layout.place(column), maps[column][codes[row] as usize]);
            }
            key
        };
        let mut numbering = Numbering::<16>::with_capacity(1024);
        let tuple_of: Vec<u32> =
            (0..rows).map(|row| numbering.number(pack(&sample.columns, row))).collect();
        let mut counts = vec![0_u32; numbering.keys.len()];
        for &tuple in &tuple_of {
            counts[tuple as usize] += 1;
        }
        let everybody = sample.population.as_ref().map(|other| {
            // Whoever is released is in the population, too.
            let mut all = counts.clone();
            for row in 0..population {
                let tuple = numbering.number(pack(other, row)) as usize;
                if tuple == all.len() {
                    all.push(0);
                }
                all[tuple] += 1;
            }
            all
        });
        counts.resize(numbering.keys.len(), 0);
        let pairs = sample.persons.map(|persons| {
            let mut pairs: Vec<(u32, u32)> =
                persons.iter().copied().zip(tuple_of.iter().copied()).collect();
            pairs.sort_unstable();
            pairs.dedup();
            pairs
        });
        let (whole, sensitive) = sensitive(sample, &tuple_of, pairs.as_deref());
        let (source, marginals) = self.marginals(&columns, sample);
        let all = rows.max(1) as f64;
        let source_information = counts
            .iter()
            .filter(|&&c| c > 0)
            .map(|&c| f64::from(c) * (f64::from(c) / all) * (f64::from(c) / all).log2())
            .sum();
        let least_rows = setting
            .models
            .iter()
            .filter(|m| m.scope() == Scope::Class)
            .map(|m| m.least_persons())
            .max()
            .unwrap_or(1)
            .max(1);
        self.views.push(SearchView {
            name: name.to_owned(),
            columns,
            rows: rows as u64,
            least_rows,
            source_information,
            setting,
            whole,
            base: Base {
                tuples: numbering.keys,
                rows: counts,
                population: everybody,
                pairs,
                sensitive,
            },
            layout,
            marginals,
            source,
        });
        Ok(())
    }
    /// Whether the columns of a sample fit each other and the attributes, and a view's models have what they need.
    fn fits(&self, columns: &[usize], sample: &Sample<'_>, setting: &Setting) -> Result<()> {
        let rows = sample.columns.first().map_or(0, |c| c.len());
        let fits = |codes: &[u32], attribute: usize, rows: usize| {
            let bases = self.attributes[attribute].levels[0].map.len();
            codes.len() == rows && codes.iter().all(|&c| (c as usize) < bases)
        };
        let population = sample.population.as_ref().map_or(0, |p| p.first().map_or(0, |c| c.len()));
        if columns.len() != sample.columns.len()
            || columns.iter().any(|&a| a >= self.attributes.len())
            || !columns.iter().zip(&sample.columns).all(|(&a, codes)| fits(codes, a, rows))
            || sample.persons.is_some_and(|p| p.len() != rows)
            || sample.sensitive.iter().any(|s| s.len() != rows)
            || sample.population.as_ref().is_some_and(|p| {
                p.len() != columns.len()
                    || !columns.iter().zip(p).all(|(&a, codes)| fits(codes, a, population))
            })
            || rows + population >= u32::MAX as usize
        {
            return Err(Error::data(
                "V0002",
                say!("the columns of view {} do not fit each other", self.views.len() + 1),
            ));
        }
        for model in &setting.models {
            if model.sensitive().is_some_and(|s| s >= sample.sensitive.len())
                || (model.needs_population() && sample.population.is_none())
            {
                return Err(Error::policy(
                    "V0103",
                    say!(
                        "a model of view {} needs a sensitive column or a population that is not there",
                        self.views.len() + 1
                    ),
                ));
            }
        }
        Ok(())
    }
    /// For each column: rows by base code, and rows by code of each level.
    fn marginals(
        &self,
        columns: &[usize],
        sample: &Sample<'_>,
    ) -> (Vec<Vec<u64>>, Vec<Vec<Vec<u64>>>) {
        let mut source = Vec::new();
        let mut marginals = Vec::new();
        for (&attribute, codes) in columns.iter().zip(&sample.columns) {
            let levels = &self.attributes[attribute].levels;
            let mut by_base = vec![0_u64; levels[0].map.len()];
            for &code in *codes {
                by_base[code as usize] += 1;
            }
            marginals.push(
                levels
                    .iter()
                    .map(|level| {
                        let mut by_code = vec![0_u64; level.card as usize];
                        for (&code, &rows) in level.map.iter().zip(&by_base) {
                            by_code[code as usize] += rows;
                        }
                        by_code
                    })
                    .collect(),
            );
            source.push(by_base);
        }
        (source, marginals)
    }
    /// Rows by code of a column of a view at a level.
    #[must_use]
    pub fn marginal(&self, view: usize, column: usize, level: usize) -> &[u64] {
        &self.views[view].marginals[column][level]
    }
    /// Rows by base code of a column of a view.
    #[must_use]
    pub fn source_marginal(&self, view: usize, column: usize) -> &[u64] {
        &self.views[view].source[column]
    }
    /// Nodes of the lattice.
    #[must_use]
    pub fn nodes(&self) -> u128 {
        self.attributes.iter().map(|a| a.levels.len() as u128).fold(1, u128::saturating_mul)
    }
    /// The finest and the coarsest node.
    #[must_use]
    pub fn corners(&self) -> (super::Levels, super::Levels) {
        (
            vec![0; self.attributes.len()],
            self.attributes.iter().map(|a| (a.levels.len() - 1) as u8).collect(),
        )
    }
}
/// What a view's data are at all, and for each sensitive column the distinct (tuple, code, person).
fn sensitive(
    sample: &Sample<'_>,
    tuple_of: &[u32],
    pairs: Option<&[(u32, u32)]>,
) -> (Whole, Vec<Vec<(u32, u32, u32)>>) {
    let rows = tuple_of.len();
    let person = |row: usize| sample.persons.map_or(row as u32, |p| p[row]);
    let mut whole = Whole { rows: rows as u64, persons: rows as u64, sensitive: Vec::new() };
    if let Some(pairs) = pairs {
        whole.persons = pairs.chunk_by(|a, b| a.0 == b.0).count() as u64;
    }
    let mut sensitive = Vec::new();
    for codes in &sample.sensitive {
        let mut of_tuple: Vec<(u32, u32, u32)> = (0..rows)
            .filter(|&row| codes[row] != MISSING)
            .map(|row| (tuple_of[row], codes[row], person(row)))
            .collect();
        of_tuple.sort_unstable();
        of_tuple.dedup();
        let mut persons: Vec<(u32, u32)> =
            of_tuple.iter().map(|&(_, code, person)| (code, person)).collect();
        persons.sort_unstable();
        persons.dedup();
        whole.sensitive.push(
            persons
                .chunk_by(|a, b| a.0 == b.0)
                .map(|same| (same[0].0, same.len() as u64))
                .collect(),
        );
        sensitive.push(of_tuple);
    }
    (whole, sensitive)
}
