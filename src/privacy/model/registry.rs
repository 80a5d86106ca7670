//! From a word and numbers of a policy to a model.

use std::collections::BTreeMap;

use super::{Distance, Model};
use crate::error::{Error, Name, Result};
use crate::say;

/// What a policy says about a model.
#[derive(Clone, Debug, Default)]
pub struct Parameters {
    /// Numbers by name, such as `k`, `l`, `c`, `t`, `alpha`, `beta`, `delta`, `min`, `max`, `risk`, `share`.
    pub numbers: BTreeMap<String, f64>,
    /// Which sensitive column of the view.
    pub sensitive: Option<usize>,
    /// The distance between sensitive values, for t-closeness; equal if not said.
    pub distance: Option<Distance>,
}

impl Parameters {
    /// One number.
    #[must_use]
    pub fn with(mut self, name: &str, value: f64) -> Self {
        self.numbers.insert(name.to_owned(), value);
        self
    }
    /// The sensitive column.
    #[must_use]
    pub fn about(mut self, sensitive: usize) -> Self {
        self.sensitive = Some(sensitive);
        self
    }
    pub(super) fn number(
        &self,
        model: &'static str,
        name: &'static str,
        range: &'static str,
        valid: impl Fn(f64) -> bool,
    ) -> Result<f64> {
        let Some(&value) = self.numbers.get(name) else {
            return Err(Error::policy("V0201", say!("model `{}` needs `{}`", model, name)));
        };
        if value.is_finite() && valid(value) {
            Ok(value)
        } else {
            Err(Error::policy(
                "V0202",
                say!("`{}` of model `{}` is {}: it must be {}", name, model, value, range),
            ))
        }
    }
    pub(super) fn count(
        &self,
        model: &'static str,
        name: &'static str,
        range: &'static str,
        least: f64,
    ) -> Result<u64> {
        let value = self.number(model, name, range, |v| {
            v >= least && v.fract() == 0.0 && v <= f64::from(u32::MAX)
        })?;
        Ok(value as u64)
    }
    pub(super) fn column(&self, model: &'static str) -> Result<usize> {
        self.sensitive.ok_or_else(|| {
            Error::policy("V0203", say!("model `{}` needs a sensitive column", model))
        })
    }
}

/// What a policy and the documentation know about a model.
#[derive(Clone, Copy, Debug)]
pub struct ModelDoc {
    /// The word in policies.
    pub key: &'static str,
    /// In Japanese.
    pub ja: &'static str,
    /// What must hold.
    pub summary: &'static str,
    /// The same in Japanese.
    pub summary_ja: &'static str,
    /// The numbers it takes.
    pub parameters: &'static [&'static str],
    /// Where it comes from.
    pub source: &'static str,
    /// Makes it.
    pub make: fn(&Parameters) -> Result<Box<dyn Model>>,
}

/// All models over classes, by key.
pub const MODELS: &[ModelDoc] = &[
    super::alpha_k::DOC,
    super::average_risk::DOC,
    super::beta_likeness::BASIC,
    super::delta_disclosure::DOC,
    super::delta_presence::DOC,
    super::beta_likeness::ENHANCED,
    super::journalist::HIGHEST,
    super::journalist::SHARE,
    super::k_anonymity::DOC,
    super::k_map::DOC,
    super::l_diversity::DISTINCT,
    super::l_diversity::ENTROPY,
    super::l_diversity::RECURSIVE,
    super::marketer::DOC,
    super::prosecutor::HIGHEST,
    super::prosecutor::SHARE,
    super::t_closeness::DOC,
];

/// The model with a key.
///
/// # Errors
/// `V0200` for an unknown key, `V0201` to `V0204` if a parameter is missing, out of range or unknown.
pub fn make(key: &str, parameters: &Parameters) -> Result<Box<dyn Model>> {
    let Some(doc) = MODELS.iter().find(|doc| doc.key == key) else {
        let known = MODELS.iter().map(|doc| doc.key).collect::<Vec<_>>().join(", ");
        return Err(Error::policy(
            "V0200",
            say!("there is no privacy model `{}`", Name::from_policy(key)),
        )
        .advice(say!("the models are {}", Name::from_policy(known))));
    };
    if let Some(odd) =
        parameters.numbers.keys().find(|name| !doc.parameters.contains(&name.as_str()))
    {
        return Err(Error::policy(
            "V0204",
            say!("model `{}` has no parameter `{}`", doc.key, Name::from_policy(odd.as_str())),
        )
        .advice(say!("it takes {}", Name::from_policy(doc.parameters.join(", ")))));
    }
    (doc.make)(parameters)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_by_file_and_its_keys_are_unique() {
        let mut keys: Vec<_> = MODELS.iter().map(|d| d.key).collect();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), MODELS.len());
        assert!(MODELS.iter().all(|d| !d.ja.is_empty() && !d.source.is_empty()));
    }

    #[test]
    fn every_model_can_be_made_and_bears_its_key() {
        for doc in MODELS {
            let mut parameters = Parameters::default().about(0);
            for &name in doc.parameters {
                let value = match name {
                    "k" | "l" => 3.0,
                    "max" => 0.5,
                    "min" => 0.0,
                    _ => 0.25,
                };
                parameters = parameters.with(name, value);
            }
            let model = make(doc.key, &parameters).unwrap();
            assert_eq!(model.key(), doc.key);
            assert!(model.shown().contains(|c: char| c.is_ascii_digit()), "{}", model.shown());
        }
    }

    #[test]
    fn wrong_parameters_are_refused() {
        let code = |key, p: Parameters| make(key, &p).unwrap_err().code;
        assert_eq!(code("kk", Parameters::default()), "V0200");
        assert_eq!(code("k", Parameters::default()), "V0201");
        assert_eq!(code("k", Parameters::default().with("k", 1.0)), "V0202");
        assert_eq!(code("k", Parameters::default().with("k", f64::NAN)), "V0202");
        assert_eq!(code("distinct-l", Parameters::default().with("l", 2.0)), "V0203");
        assert_eq!(code("k", Parameters::default().with("k", 2.0).with("q", 1.0)), "V0204");
    }
}
