//! Privacy models judged again for the proof: written from their definitions, with no code of `privacy::model`.

use std::collections::HashMap;

use super::structure::ModelShape;
use crate::error::{Error, Name, Result};
use crate::say;

/// One group of rows with equal quasi-identifiers.
pub struct Counted {
    /// Distinct persons.
    pub persons: u64,
    /// By sensitive column: distinct persons by value.
    pub values: Vec<HashMap<u32, u64>>,
}

/// Room for the last digit of a floating-point comparison.
const ROOM: f64 = 1e-9;

/// Whether a model holds for all groups. `whole` counts the same over all rows.
///
/// # Errors
/// `D0901` for a model that is not known here: what cannot be proved is not claimed.
pub fn holds(model: &ModelShape, groups: &[Counted], whole: &Counted) -> Result<bool> {
    let number = |name: &str| model.with.get(name).copied().unwrap_or(f64::NAN);
    let none = HashMap::new();
    let of = |group: &Counted| -> Vec<(u32, f64)> {
        let values = model.sensitive.and_then(|s| group.values.get(s)).unwrap_or(&none);
        let mut values: Vec<(u32, f64)> = values.iter().map(|(&v, &n)| (v, n as f64)).collect();
        values.sort_unstable_by_key(|&(value, _)| value);
        values
    };
    let all: HashMap<u32, f64> = of(whole).into_iter().collect();
    let everybody = whole.persons as f64;
    let share = |value: u32| all.get(&value).copied().unwrap_or(0.0) / everybody;
    let each = |test: &dyn Fn(&[(u32, f64)], f64) -> bool| {
        groups.iter().all(|group| test(&of(group), group.persons as f64))
    };
    let gain = |n: f64, persons: f64, value: u32| n / persons / share(value) - 1.0;
    let at_risk = |risk: f64| {
        let exposed: u64 =
            groups.iter().filter(|g| 1.0 / g.persons as f64 > risk + ROOM).map(|g| g.persons).sum();
        exposed as f64 / groups.iter().map(|g| g.persons).sum::<u64>().max(1) as f64
    };
    Ok(match model.model.as_str() {
        "k" => each(&|_, persons| persons >= number("k")),
        "prosecutor" => each(&|_, persons| 1.0 / persons <= number("risk") + ROOM),
        "prosecutor-share" => at_risk(number("risk")) <= number("share") + ROOM,
        "average-risk" => {
            let persons: u64 = groups.iter().map(|g| g.persons).sum();
            groups.is_empty() || groups.len() as f64 / persons as f64 <= number("risk") + ROOM
        }
        "distinct-l" => each(&|values, _| values.len() as f64 >= number("l")),
        "entropy-l" => each(&|values, _| {
            let sum: f64 = values.iter().map(|v| v.1).sum();
            let entropy: f64 = values.iter().map(|v| -(v.1 / sum) * (v.1 / sum).ln()).sum();
            entropy >= number("l").ln() - ROOM
        }),
        "recursive-cl" => each(&|values, _| {
            let mut counts: Vec<f64> = values.iter().map(|v| v.1).collect();
            counts.sort_unstable_by(|a, b| b.total_cmp(a));
            let from = (number("l") as usize).saturating_sub(1).min(counts.len());
            let tail: f64 = counts[from..].iter().sum();
            counts.first().copied().unwrap_or(0.0) < number("c") * tail
        }),
        "alpha-k" => each(&|values, persons| {
            persons >= number("k") && values.iter().all(|v| v.1 / persons <= number("alpha") + ROOM)
        }),
        "basic-beta" => each(&|values, persons| {
            values.iter().all(|&(value, n)| gain(n, persons, value) <= number("beta") + ROOM)
        }),
        "enhanced-beta" => each(&|values, persons| {
            values.iter().all(|&(value, n)| {
                gain(n, persons, value) <= number("beta").min(-share(value).ln()) + ROOM
            })
        }),
        "delta-disclosure" => each(&|values, persons| {
            values.len() == all.len()
                && values.iter().all(|&(value, n)| {
                    (n / persons / share(value)).ln().abs() < number("delta") + ROOM
                })
        }),
        "t-closeness" => each(&|values, _| {
            // All values are equally far from each other: half the sum of the differences of the shares.
            let here: f64 = values.iter().map(|v| v.1).sum();
            let there: f64 = all.values().sum();
            let own: HashMap<u32, f64> = values.iter().copied().collect();
            let mut known: Vec<u32> = all.keys().copied().collect();
            known.sort_unstable();
            let apart: f64 = known
                .iter()
                .map(|v| (own.get(v).copied().unwrap_or(0.0) / here - all[v] / there).abs())
                .sum();
            here > 0.0 && apart / 2.0 <= number("t") + ROOM
        }),
        _ => {
            return Err(Error::data(
                "D0901",
                say!(
                    "the model `{}` cannot be proved from the files of a release",
                    Name::from_policy(model.model.clone())
                ),
            ));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::privacy::model::{Class, MODELS, Parameters, Remaining, Scope, Whole, make};
    use proptest::prelude::*;

    fn count(rows: &[(u32, u32)]) -> Counted {
        let mut values = HashMap::new();
        for &(_, value) in rows {
            *values.entry(value).or_default() += 1;
        }
        Counted { persons: rows.len() as u64, values: vec![values] }
    }

    fn sorted(counted: &Counted) -> Vec<(u32, u64)> {
        let mut values: Vec<(u32, u64)> = counted.values[0].iter().map(|(&v, &n)| (v, n)).collect();
        values.sort_unstable();
        values
    }

    proptest! {
        /// Two codes written apart judge every model alike (each row is a person here). Numbers are chosen off the grid of
        /// shares, so that no comparison depends on the last digit.
        #[test]
        fn the_engine_and_the_proof_agree(rows in proptest::collection::vec((0..4_u32, 0..4_u32), 1..40), x in 0.011..0.97_f64) {
            let mut by_class: Vec<Vec<(u32, u32)>> = vec![Vec::new(); 4];
            for &row in &rows {
                by_class[row.0 as usize].push(row);
            }
            let groups: Vec<Counted> = by_class.iter().filter(|g| !g.is_empty()).map(|g| count(g)).collect();
            let whole = count(&rows);
            let facts = Whole { rows: whole.persons, persons: whole.persons, sensitive: vec![sorted(&whole)] };
            for doc in MODELS {
                let mut parameters = Parameters::default().about(0);
                let mut with = std::collections::BTreeMap::new();
                for &name in doc.parameters {
                    let value = match name {
                        "k" | "l" => 2.0 + (x * 3.0).floor(),
                        "c" | "beta" | "delta" => x * 4.0 + 0.001_234_567,
                        _ => x + 0.000_012_345,
                    };
                    parameters = parameters.with(name, value);
                    with.insert(name.to_owned(), value);
                }
                let model = make(doc.key, &parameters).unwrap();
                let shape = ModelShape { model: doc.key.to_owned(), sensitive: Some(0), with };
                if model.needs_population() {
                    prop_assert!(holds(&shape, &groups, &whole).is_err());
                    continue;
                }
                let sizes: Vec<u64> = groups.iter().map(|g| g.persons).collect();
                let expected = match model.scope() {
                    Scope::Table => model.table_holds(&Remaining { persons: &sizes, population: None }),
                    Scope::Class => groups.iter().all(|g| {
                        let values = sorted(g);
                        let class = Class { rows: g.persons, persons: g.persons, population: None, sensitive: &[&values] };
                        model.class_holds(&class, &facts)
                    }),
                };
                prop_assert_eq!(holds(&shape, &groups, &whole).unwrap(), expected, "{}", doc.key);
            }
        }
    }
}
