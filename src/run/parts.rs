//! Parts that travel, for a policy: the rooms as calls on batches of whole persons (see [`crate::engine::parts`]).
//!
//! Two batches that are measured apart give the frozen plan of all persons; it is applied where the rows are.
//!
//! ```
//! use kakou::engine::exclude::Lists;
//! use kakou::error::Error;
//! use kakou::frame::{Column, Table};
//! use kakou::keys::ReleaseSecrets;
//! use kakou::run::{Policy, parts};
//! use kakou::schema::ByKind;
//! use kakou::technique::Secrets;
//!
//! let policy = r#"
//! [policy]
//! id = "stays"
//! version = "1"
//! profile = "ngmia"
//! [person]
//! key = "patient"
//! [pseudonymized]
//! project = "p"
//! recipient = "university"
//! [anonymized]
//! tier = "controlled"
//! [[anonymized.view]]
//! name = "stay"
//! grain = "stays"
//! quasi = ["stays.sex"]
//! [not_applicable]
//! "18-2" = "no codes that link tables"
//! "33-2" = "no codes that identify"
//! "33-3" = "no card numbers"
//! [tables.stays]
//! grain = "event"
//! source = { path = "stays.parquet" }
//! keys = { patient = "id" }
//! [tables.stays.columns]
//! id = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
//! sex = { role = "quasi", type = "code", pseudonymized = "keep", anonymized = { rare = { below = 10 } } }
//! name = { role = "direct", pseudonymized = "drop", anonymized = "drop" }
//! "#;
//! let policy = Policy::from_text("policy.toml", policy).map_err(|failed| failed.error)?;
//! let lists = Lists::default();
//! let parts = parts::parts(&policy, &lists)?;
//!
//! // Few persons have the code `X`; no batch knows that of the others.
//! let table = |persons: std::ops::Range<usize>| {
//!     let column = |cell: &dyn Fn(usize) -> String| Column::from_texts(persons.clone().map(|n| Some(cell(n))));
//!     let sex = |n: usize| ["F", "M", "X"][if n % 75 == 0 { 2 } else { n % 2 }].to_owned();
//!     let columns = vec![column(&|n| format!("P{n:05}")), column(&sex), column(&|n| format!("患者{n:03}番さん"))];
//!     vec![Table { rows: persons.len(), columns }]
//! };
//! let keys = [ReleaseSecrets::anonymized()?, ReleaseSecrets::anonymized()?];
//! let secrets: ByKind<&dyn Secrets> = ByKind { pseudonymized: &keys[0], anonymized: &keys[1] };
//!
//! let plan_of = |batches: &[kakou::engine::parts::Batch]| -> Result<Vec<u8>, Error> {
//!     let mut freezing = parts.begin()?;
//!     while let Some(draft) = freezing.draft() {
//!         let mut all = None;
//!         for batch in batches {
//!             // As bytes, as it would come from another machine.
//!             let bytes = parts.write_statistics(&parts.measure(batch, draft, secrets)?)?;
//!             let here = parts.read_statistics(draft, &bytes)?;
//!             all = Some(match all {
//!                 None => here,
//!                 Some(before) => parts.merge(draft, before, here)?,
//!             });
//!         }
//!         freezing.next(all.unwrap_or_default())?;
//!     }
//!     parts.write_frozen(&freezing.finish()?.frozen)
//! };
//! let two = [parts.batch(table(0..170))?, parts.batch(table(170..300))?];
//! let frozen = plan_of(&two)?;
//! assert_eq!(frozen, plan_of(&[parts.batch(table(0..300))?])?);
//!
//! let frozen = parts.read_frozen(&frozen)?;
//! let released = parts.apply(&two[0], &frozen, secrets);
//! let anonymized = released.tables.anonymized[0].as_ref().unwrap();
//! assert!((160..=170).contains(&anonymized.rows));
//! assert!(anonymized.columns[1].cells().all(|sex| sex != Some("X")));
//! # Ok::<(), Error>(())
//! ```

use super::Policy;
use crate::engine::exclude::Lists;
use crate::engine::parts::Parts;
use crate::error::Result;
use crate::record::seal;

/// The calls for a policy; its digest stands on all that they write. `lists` says who must not be in a release.
///
/// # Errors
/// As [`Parts::new`]; if a hierarchy of the policy cannot be read.
pub fn parts<'a>(policy: &'a Policy, lists: &'a Lists) -> Result<Parts<'a>> {
    Parts::new(&policy.plan, seal::policy_digest(&policy.loaded)?, lists)
}
