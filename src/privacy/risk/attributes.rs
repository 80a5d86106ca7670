//! Attribute disclosure: what the classes give away about sensitive columns, in distinct persons; a missing cell is a value of its
//! own.

use serde_json::{Map, Value, json};

use super::Doc;
use super::figure::{Figure, Subject, Told};
use crate::Estimate;
use crate::error::Result;
use crate::model::measure::Counted;
use crate::model::{Absent, Distance};

/// The figure.
pub(super) struct Attributes;

impl Figure for Attributes {
    // Each of them is a model's parameter, which docs/models.md defines.
    fn docs(&self) -> &'static [&'static Doc] {
        &[]
    }
    fn measure(&self, of: &Subject<'_>, told: &mut Told) -> Result<()> {
        let Some(view) = of.view.filter(|_| !of.sensitive.is_empty()) else { return Ok(()) };
        let (class, classes) = view.assign();
        let codes: Vec<&[u32]> = of.sensitive.iter().map(|s| s.1).collect();
        let counted = Counted::new(class, classes.len(), view.persons(), &codes)?;
        told.text("\nAttribute disclosure / 属性の開示");
        let mut all = Map::new();
        for (at, (name, _)) in of.sensitive.iter().enumerate() {
            told.text(format!("  {name}:"));
            let distinct = counted
                .distinct_l(at)
                .map_or(Estimate::NotAvailable("there are no classes"), |l| {
                    Estimate::Value(l as f64)
                });
            let mut figures = Map::new();
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
                told.figure(text, figure);
                figures.insert(key.to_owned(), json!(figure));
            }
            all.insert((*name).to_owned(), Value::Object(figures));
        }
        told.put("sensitive", all);
        Ok(())
    }
}
