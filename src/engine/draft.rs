//! The draft of a frozen plan: what is decided so far, and what is to be measured next. It goes to whoever has the persons' rows;
//! statistics come back; they make the next draft, until nothing is left to be decided.

use serde::{Deserialize, Serialize};

use super::apply::Treatments;
use super::cells::Blanked;
use super::floors::Step;
use crate::error::{Error, Result, Said};
use crate::plan::Plan;
use crate::schema::{ColumnAt, Kind};
use crate::technique::Treatment;
use crate::{digest, say};

/// Version of everything here that is written. Another one is refused: what it means may have changed.
pub const VERSION: u32 = 1;

/// What a frozen plan is called where it is written.
pub(super) const FROZEN: &str = "frozen plan";
/// What a draft is called there.
pub(super) const DRAFT: &str = "draft";
/// What statistics are called there.
pub(super) const STATISTICS: &str = "statistics";

/// One step of suppression; each is about what the steps before it left. Protected data (加工の方法に関する情報).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The rows of these classes go, of all views at once.
    Classes(Vec<Round>),
    /// The rows with these items go, of all sets at once.
    Items(Vec<Round>),
    /// Labels are shown otherwise; rows whose labels can be hidden nowhere go.
    Floors(Step),
}

/// What goes for one view or set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// The name of the view or set.
    pub view: String,
    /// The values of the suppressed classes, sorted; of a set the items.
    pub classes: Vec<Vec<Option<String>>>,
}

/// What is to be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Ask {
    /// What the techniques of these columns ask for.
    Columns(Vec<At>),
    /// The rows of the views at every level that is offered.
    Levels,
    /// Classes of the source, and what the techniques remove.
    Source,
    /// The cells of one view's rows; first the classes before any suppression.
    Cells { view: usize, treated: bool },
    /// Classes of what is left; where a pass over the rows is dear, also what may be asked next.
    Classes { values: Option<Vec<bool>>, unique: bool },
    /// The items of every person.
    Items,
    /// Who holds the values of these tables.
    Values(Vec<bool>),
    /// Facts beside the views.
    Last { splits: Vec<(ColumnAt, bool)>, unique: bool },
}

/// A column of one of a draft's sets of treatments.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq, Serialize, Deserialize)]
pub(super) struct At {
    pub set: usize,
    pub table: usize,
    pub column: usize,
}

/// A draft. Protected data, as the frozen plan that it becomes.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// From 1.
    pub(super) number: u32,
    /// From 1; a new one begins with other levels, and forgets all decisions.
    pub(super) attempt: u32,
    /// Those of the pseudonymized release, then those of the anonymized one: one, or one for each step of levels while they are chosen.
    pub(super) treatments: Vec<Treatments>,
    pub(super) decisions: Vec<Decision>,
    pub(super) blanked: Vec<Blanked>,
    pub(super) ask: Ask,
}

impl Draft {
    /// Its number, from 1: statistics answer one draft.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn treatment(&self, at: At) -> &Treatment {
        &self.treatments[at.set][at.table][at.column]
    }

    pub(super) fn written(&self) -> Written {
        Written {
            number: self.number,
            attempt: self.attempt,
            treatments: self.treatments.iter().map(values).collect(),
            decisions: self.decisions.clone(),
            ask: Some(self.ask.clone()),
        }
    }

    pub(super) fn read(plan: &Plan, written: Written) -> Option<Draft> {
        let Written { number, attempt, treatments, decisions, ask } = written;
        let kind = |set: usize| Kind::BOTH[set.min(1)];
        let restored = |(set, values): (usize, &Values)| restore(plan, kind(set), values);
        let treatments: Vec<Treatments> =
            treatments.iter().enumerate().map(restored).collect::<Option<_>>()?;
        let draft =
            Draft { number, attempt, treatments, decisions, blanked: Vec::new(), ask: ask? };
        let tables = |t: &[bool]| t.len() == plan.tables.len();
        let column =
            |t: usize, c: usize| plan.tables.get(t).is_some_and(|table| c < table.columns.len());
        let sound = match &draft.ask {
            Ask::Columns(at) => {
                at.iter().all(|at| at.set < draft.treatments.len() && column(at.table, at.column))
            }
            Ask::Cells { .. } => false,
            Ask::Classes { values, .. } => values.as_deref().is_none_or(tables),
            Ask::Values(values) => tables(values),
            Ask::Last { splits, .. } => splits.iter().all(|(at, _)| column(at.table, at.column)),
            Ask::Levels | Ask::Source | Ask::Items => true,
        };
        let known = draft.treatments.len() >= 2 && decisions_fit(plan, &draft.decisions);
        (sound && known && draft.attempt > 0).then_some(draft)
    }
}

/// Whether decisions name columns of the plan.
pub(super) fn decisions_fit(plan: &Plan, decisions: &[Decision]) -> bool {
    let column =
        |t: usize, c: usize| plan.tables.get(t).is_some_and(|table| c < table.columns.len());
    decisions.iter().all(|decision| match decision {
        Decision::Classes(of) => {
            of.iter().all(|r| plan.views.iter().any(|v| v.name.as_str() == r.view))
        }
        Decision::Items(of) => {
            of.iter().all(|r| plan.sets.iter().any(|s| s.name.as_str() == r.view))
        }
        Decision::Floors(step) => {
            step.labels.iter().all(|r| column(r.table, r.column))
                && step.remove.iter().all(|r| column(r.table, r.column))
        }
    })
}

type Values = Vec<Vec<serde_json::Value>>;

/// How a draft, or a frozen plan, is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Written {
    #[serde(default, skip_serializing_if = "is_zero")]
    pub number: u32,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub attempt: u32,
    pub treatments: Vec<Values>,
    pub decisions: Vec<Decision>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ask: Option<Ask>,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// Treatments as they stand in a policy, with what freezing fixed.
pub(super) fn values(treatments: &Treatments) -> Values {
    // A treatment is plain data: writing it as a value does not fail.
    let value = |t: &Treatment| serde_json::to_value(t).unwrap_or_default();
    treatments.iter().map(|table| table.iter().map(value).collect()).collect()
}

/// Reads treatments back; nothing if they are not of the columns of the plan.
pub(super) fn restore(plan: &Plan, kind: Kind, values: &Values) -> Option<Treatments> {
    if values.len() != plan.tables.len() {
        return None;
    }
    plan.tables
        .iter()
        .zip(values)
        .map(|(table, values)| {
            if values.len() != table.columns.len() {
                return None;
            }
            let columns = table.columns.iter().zip(values);
            columns.map(|(c, value)| c.treatment(kind).treatment.restore(value)).collect()
        })
        .collect()
}

/// What is written stands behind what it is, its version and the digest of the policy.
#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    kakou: String,
    version: u32,
    policy: String,
    content: T,
}

/// The first look at what came: the content may be of another version.
#[derive(Deserialize)]
struct Head {
    kakou: String,
    version: u32,
    policy: String,
}

/// Writes a value that travels.
///
/// # Errors
/// `X0201` if it cannot be written (a bug).
pub(super) fn write<T: Serialize>(
    what: &'static str,
    policy: &[u8; 32],
    content: &T,
) -> Result<Vec<u8>> {
    let envelope =
        Envelope { kakou: what.to_owned(), version: VERSION, policy: digest::hex(policy), content };
    serde_json::to_vec(&envelope).map_err(|_| {
        Error::environment("X0201", say!("{}: cannot be written as JSON", named(what)))
    })
}

/// What travels, in words.
fn named(what: &str) -> Said {
    match what {
        FROZEN => say!("frozen plan"),
        DRAFT => say!("draft"),
        _ => say!("statistics"),
    }
}

/// The error for what is no such thing.
pub(super) fn unreadable(what: &'static str) -> Error {
    Error::data("D0452", say!("{}: this is none, or it is damaged", named(what)))
}

/// Reads a value that travelled.
///
/// # Errors
/// `D0452` if it is none, `C0405` if it is of another version or policy.
pub(super) fn read<T: serde::de::DeserializeOwned>(
    what: &'static str,
    policy: &[u8; 32],
    bytes: &[u8],
) -> Result<T> {
    let head: Head = serde_json::from_slice(bytes).map_err(|_| unreadable(what))?;
    if head.kakou != what {
        return Err(unreadable(what));
    }
    if head.version != VERSION {
        return Err(Error::refused(
            "C0405",
            say!("{}: made by another version of this program", named(what)),
        )
        .advice(say!("freeze again with this program")));
    }
    if head.policy != digest::hex(policy) {
        return Err(Error::refused(
            "C0406",
            say!("{}: made for another policy (its digest differs)", named(what)),
        )
        .advice(say!("`kakou policy diff` tells in words what changed between two policies")));
    }
    // The messages of the reader may show what stands there: they are dropped.
    let envelope: Envelope<T> = serde_json::from_slice(bytes).map_err(|_| unreadable(what))?;
    Ok(envelope.content)
}
