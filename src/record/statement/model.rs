//! The form of `record/statement.json`: these structs write it and every room reads it through them. Its JSON Schema,
//! `docs/statement.schema.json`, is made from them.
//!
//! Whatever changes the meaning or the name of a field makes another [`Version`]; what came later within a version has a default.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::small;
use crate::lang::Lang;
use crate::law::{Item, Profile};
use crate::plan::eligible::Why;
use crate::plan::steady::Divided;
use crate::plan::unique::Unique;
use crate::policy::model::{Form, Normalize, Order, Tier, VisibleIn};
use crate::proof::floors::FloorRecount;
use crate::proof::joins::Joins;
use crate::proof::receipts::ReceiptRecount;
use crate::proof::recount::Recount;
use crate::proof::sets::SetRecount;
use crate::proof::structure::Structure;
use crate::schema::file::Defect;
use crate::schema::{ByKind, Kind, Role};
use crate::words;

/// The version of the form.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum Version {
    /// With the key `left out`. Read, no longer written.
    #[serde(rename = "kakou-statement-1")]
    One,
    /// `left out` is `leftOut`.
    #[serde(rename = "kakou-statement-2")]
    Two,
}

/// The complete record of a run. Confidential; it holds no cell value.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Statement {
    /// The version of this form.
    pub schema: Version,
    /// The id of the release.
    pub release: String,
    /// A test switch was used, or the policy ran unapproved.
    pub not_for_release: bool,
    /// The key id of the run's signer; null if nobody signed.
    pub signed_by: Option<String>,
    /// The ledger that the run is entered in; null if in none.
    pub ledger: Option<String>,
    /// The program.
    pub engine: Engine,
    /// When the run began (RFC 3339, UTC).
    pub started_at: String,
    /// When the files were proved.
    pub finished_at: String,
    /// The policy.
    pub policy: PolicyTold,
    /// The frozen plan: levels, thresholds, suppressed classes.
    pub frozen_plan: FrozenPlan,
    /// The releases that were made: what stands under the other is empty.
    #[serde(default = "both")]
    pub releases: Vec<Kind>,
    /// The legal profile.
    pub profile: Profile,
    /// The input files.
    pub inputs: Vec<Input>,
    /// The account of persons.
    pub persons: Persons,
    /// The exclusion lists, in the order of the command line.
    #[serde(default)]
    pub exclusion_lists: Vec<ExclusionList>,
    /// The eligibility file; null without one.
    pub eligibility: Option<EligibilityFile>,
    /// The account of rows, and what was done to the columns.
    pub tables: Vec<TableTold>,
    /// The views of the anonymized release.
    pub views: Vec<ViewTold>,
    /// The sets of items of the anonymized release.
    #[serde(default)]
    pub sets: Vec<SetTold>,
    /// By column: how many persons stand behind what is shown.
    #[serde(default)]
    pub floors: Vec<FloorTold>,
    /// Facts outside the views that are the same in all rows of a person.
    #[serde(default)]
    pub steady: Vec<SteadyTold>,
    /// Whom facts beside the views single out. Records made before this was measured have none.
    pub unique: Option<Unique>,
    /// How levels were chosen; null if the policy offers none.
    pub search: Option<Search>,
    /// Keys that a linking body gave back; null if there are none.
    pub link_keys: Option<LinkKeys>,
    /// The receipt file; null without one.
    pub receipt_file: Option<ReceiptFile>,
    /// What was recomputed from the files.
    pub proof: ProofTold,
    /// How each legal item is answered.
    pub law: Vec<LawTold>,
    /// What a reader should know.
    #[serde(default)]
    pub warnings: Vec<Warning>,
    /// The keys.
    pub keys: Keys,
    /// By key: identifiers of nines alone.
    #[serde(default)]
    pub identifiers_of_nines: Vec<Nines>,
    /// What the tokens of the pseudonymized release depend on beside the key.
    pub pseudonyms: Option<Pseudonyms>,
    /// The state of the process.
    pub process: Option<Process>,
    /// Where the time went, if it was asked for (`kakou run --timings=record`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timings: Option<serde_json::Value>,
    /// How the files of the releases are written: enough to count them again.
    pub structure: ByKind<Structure>,
}

fn both() -> Vec<Kind> {
    Kind::BOTH.to_vec()
}

/// The program that made the releases.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A hiding commitment to bytes.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Commitment {
    /// What is committed to: `sha3_256` for the digest of the bytes; not there for the bytes themselves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,
    /// The commitment, which may be shown.
    pub digest: String,
    /// The nonce, which may not.
    pub nonce: String,
}

/// The policy of the run.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct PolicyTold {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA3-256 of the resolved policy.
    pub sha3_256: String,
    /// A commitment to that digest.
    pub commitment: Commitment,
    /// Who receives the anonymized release.
    pub tier: Option<Tier>,
    /// Why less is asked than the tier asks.
    pub because: Option<String>,
    /// What was found of its approval.
    pub approval: ApprovalTold,
}

/// What was found of a policy's approval.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(tag = "state", rename_all = "camelCase", deny_unknown_fields)]
pub enum ApprovalTold {
    /// Nobody asked for one.
    #[default]
    #[serde(rename = "not checked")]
    NotChecked,
    /// There is none, and the run was made all the same: not for release.
    Unapproved,
    /// It is there, and its signature holds.
    #[serde(rename_all = "camelCase")]
    Approved {
        /// Who approved.
        by: String,
        /// When.
        at: String,
        /// The decision.
        reference: String,
        /// The approver's key.
        key_id: String,
        /// SHA-256 of the approval's file.
        sha256: String,
    },
}

/// The frozen plan.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FrozenPlan {
    /// Its digest.
    pub sha3_256: String,
}

/// An input file.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// The table that it is read into.
    pub table: String,
    /// Its size.
    pub bytes: u64,
    /// Its rows.
    pub rows: u64,
    /// Its digest.
    pub sha3_256: String,
    /// A commitment to that digest.
    pub commitment: Commitment,
    /// Whether it begins with a byte order mark.
    #[serde(rename = "byteOrderMark")]
    pub byte_order_mark: bool,
}

/// The account of persons: `read = excluded + withoutRows + released` for each release.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Persons {
    /// Distinct persons read.
    pub read: u64,
    /// Persons whose number is written in more than one spelling.
    #[serde(default)]
    pub in_several_spellings: u64,
    /// What linkage (`person.same`) did, if the policy asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub linked: Option<Linked>,
    /// Persons who must not be in the release.
    pub excluded: ByKind<u64>,
    /// Persons who may, but of whom no row is left.
    pub without_rows: ByKind<u64>,
    /// Persons in the release.
    pub released: ByKind<u64>,
}

/// Numbers that were taken as those of one person (`person.same`).
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Linked {
    /// Persons with more than one number.
    pub persons: u64,
    /// Numbers with a link identity.
    pub numbers: u64,
}

/// An exclusion list.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ExclusionList {
    /// The releases that it is for.
    #[serde(rename = "for")]
    pub kinds: Vec<Kind>,
    /// Identifiers on it.
    pub listed: u64,
    /// Of them, those of a person of the input.
    pub matched: u64,
    /// Of them, those of nobody.
    pub matched_nobody: u64,
    /// Their lines, the first hundred.
    #[serde(default)]
    pub unmatched_lines: Vec<u64>,
    /// Lines spelled otherwise than in the input.
    #[serde(default)]
    pub spelled_otherwise: u64,
    /// Lines that name the key's columns.
    #[serde(default)]
    pub header_lines: u64,
    /// Lines that are no identifier.
    #[serde(default)]
    pub unusable_lines: u64,
    /// Whether the run was allowed to go on all the same.
    #[serde(default)]
    pub unmatched_allowed: bool,
    /// A commitment to its bytes.
    pub commitment: Commitment,
}

/// The eligibility file.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct EligibilityFile {
    /// Commitments to the bytes of its files.
    pub files: Vec<Commitment>,
    /// The day of reference.
    pub as_of: Option<String>,
    /// Days that must have passed since the notification.
    pub notice_days: u64,
    /// Its rows.
    pub rows: u64,
    /// Persons that it names.
    pub named: u64,
    /// Of them, those of the input.
    pub matched: u64,
    /// Of them, those not in it.
    pub matched_nobody: u64,
    /// Lines spelled otherwise than in the input.
    pub spelled_otherwise: u64,
    /// Lines without a usable identifier.
    pub unusable_lines: u64,
    /// The articles that it answers.
    pub articles: Vec<String>,
    /// Persons by reason.
    pub persons: ByKind<Reasons>,
}

/// Persons of the input by what the eligibility file and the lists say of them; each counts once.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Reasons {
    /// May be in the release.
    pub eligible: u64,
    /// On an exclusion list.
    pub on_list: u64,
    /// Asked that it stop.
    pub stopped: u64,
    /// Not in the file.
    pub not_in_file: u64,
    /// Not notified.
    pub not_notified: u64,
    /// Notified too recently.
    pub notice_too_recent: u64,
}

impl Reasons {
    /// How many are left out for this reason.
    #[must_use]
    pub const fn of(&self, why: Why) -> u64 {
        match why {
            Why::Listed => self.on_list,
            Why::Stopped => self.stopped,
            Why::NotInFile => self.not_in_file,
            Why::NotNotified => self.not_notified,
            Why::TooRecent => self.notice_too_recent,
        }
    }
}

/// A table: `rowsIn = setAside + excluded + removed + rowsOut` for each release.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableTold {
    /// Its name.
    pub table: String,
    /// Rows read.
    pub rows_in: u64,
    /// Rows set aside, by defect.
    pub set_aside: BTreeMap<Defect, u64>,
    /// Cells with a moment of another zone, which were written in the policy's.
    #[serde(default)]
    pub moments_of_other_zones: u64,
    /// By column: cells that were not of its type.
    #[serde(default)]
    pub cells_blanked: BTreeMap<String, u64>,
    /// What became of it.
    pub releases: ByKind<TableReleased>,
}

/// What became of a table in one release.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TableReleased {
    /// Rows written; null if the table is left out.
    pub rows_out: Option<u64>,
    /// Characters that the encoding lacks, and that were replaced.
    #[serde(default)]
    pub characters_replaced: Option<u64>,
    /// Characters that the encoding spells otherwise.
    #[serde(default)]
    pub characters_respelled: Option<u64>,
    /// Cells with an apostrophe before what looks like a formula.
    #[serde(default)]
    pub cells_prefixed: Option<u64>,
    /// Distinct persons with a row in it; null if the table is left out.
    pub persons: Option<u64>,
    /// Rows of persons who must not be in the release.
    pub excluded: u64,
    /// Rows removed by treatments and suppression.
    pub removed: u64,
    /// Whether the release has no such table.
    // Version 1 has a blank in the key.
    #[serde(alias = "left out")]
    pub left_out: bool,
    /// Its file; null if the table is left out.
    pub file: Option<String>,
    /// How it stands in a long file; null if it has a file of its own.
    pub long: Option<LongTold>,
    /// Its columns.
    pub columns: Vec<ColumnTold>,
}

/// A table in a long file.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LongTold {
    /// What the file looks like.
    pub form: Form,
    /// How the rows of a person stand.
    pub order: Order,
    /// Why the order of the source may be told.
    pub reason: Option<String>,
}

/// What was done to a column.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnTold {
    /// The column of the source.
    pub column: String,
    /// Its name in the release; null if it is not released.
    pub name: Option<String>,
    /// What it means for identification.
    pub role: Role,
    /// The technique.
    pub treatment: String,
    /// Its legal or guideline term.
    pub term: String,
    /// What it does, in English.
    pub description: String,
    /// In Japanese.
    pub ja: String,
    /// Why.
    pub reason: Option<String>,
    /// Why it is right as declared although a check would refuse it.
    #[serde(default)]
    pub because: Option<String>,
    /// Whether it is released.
    pub released: bool,
    /// Cells.
    pub cells: u64,
    /// Cells changed.
    pub changed: u64,
    /// Cells suppressed.
    pub suppressed: u64,
    /// Cells whose value was joined with others.
    #[serde(default)]
    pub floored: u64,
    /// What was replaced in free text, by kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub marks: Vec<Mark>,
}

/// What was replaced in free text by one mark. Counts below 10 are `<10`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The mark.
    pub mark: String,
    /// Places where it was set.
    pub places: String,
    /// Persons in whose texts.
    pub persons: String,
}

/// A view: what was asked, what was measured, what was recounted.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ViewTold {
    /// Its name.
    pub view: String,
    /// The table whose rows are counted.
    pub grain: String,
    /// Whether the engine added it.
    #[serde(default)]
    pub implied: bool,
    /// `table.column`.
    pub quasi_identifiers: Vec<String>,
    /// Other released forms of the same facts, which count with them.
    #[serde(default)]
    pub facts: Vec<String>,
    /// Distinct persons a class at least.
    pub k: u64,
    /// Why its k may be below the tier's.
    #[serde(default)]
    pub because: Option<String>,
    /// The database that shows its quasi-identifiers and that the release may be linked with.
    #[serde(default)]
    pub visible_in: Option<VisibleIn>,
    /// Distinct values asked for, by sensitive column.
    pub l: Vec<u64>,
    /// Further models.
    #[serde(default)]
    pub models: Vec<ModelTold>,
    /// Rows before suppression.
    pub rows: u64,
    /// Rows that suppression removed or blanked.
    pub suppressed: u64,
    /// Classes of the source.
    pub source: Classes,
    /// Classes after the treatments.
    pub treated: Classes,
    /// Classes as released.
    pub released: Classes,
    /// The recount from the files.
    pub recounted: Recount,
}

/// A model of a view.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTold {
    /// Its name.
    pub model: String,
    /// Its numbers.
    pub with: BTreeMap<String, f64>,
}

/// Equivalence classes at one stage.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Classes {
    /// Classes.
    pub classes: u64,
    /// Persons of the smallest; null without classes.
    pub smallest: Option<u64>,
    /// Rows.
    pub rows: u64,
    /// Persons, summed over the classes.
    pub persons: u64,
    /// By sensitive column: distinct values in the poorest class.
    pub l: Vec<Option<u64>>,
    /// Classes by size in persons.
    pub histogram: Vec<Bin>,
}

/// Classes of one range of sizes.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Bin {
    /// The smallest size; the range ends before the next bin's.
    pub from: u64,
    /// Classes.
    pub classes: u64,
    /// Persons in them, summed over the classes.
    pub persons: u64,
}

/// A set of items a person.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetTold {
    /// Its name.
    pub set: String,
    /// `table.column` of the items.
    pub column: String,
    /// Items that an attacker may know.
    pub m: usize,
    /// Distinct persons at least.
    pub k: u64,
    /// Why its k may be below the tier's.
    #[serde(default)]
    pub because: Option<String>,
    /// Rows of its table before suppression.
    pub rows: u64,
    /// Rows and cells that went.
    pub suppressed: u64,
    /// Items before suppression.
    pub items: u64,
    /// Items of which all rows went.
    pub items_suppressed: u64,
    /// Combinations before suppression, by number of items.
    pub before: Vec<SizeTold>,
    /// The recount from the files.
    pub recounted: SetRecount,
}

/// Combinations of one number of items.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SizeTold {
    /// Items.
    pub items: usize,
    /// Combinations that at least one person has.
    pub present: u64,
    /// Of them, those of fewer than k persons.
    pub below: u64,
}

/// The floor of a column.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FloorTold {
    /// `table.column`.
    pub column: String,
    /// What became of its values.
    pub outcome: FloorOutcome,
}

/// What a floor did.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct FloorOutcome {
    /// Distinct persons asked for.
    pub persons: u64,
    /// Asked of the ends of measured numbers only.
    #[serde(default)]
    pub tails: bool,
    /// Labels that are shown as others or not at all.
    pub joined: u64,
    /// Rows that went because what they show could be hidden nowhere.
    pub rows_removed: u64,
    /// Labels shown.
    pub labels: u64,
    /// Of measured numbers between the ends: labels shown for fewer persons than the floor.
    #[serde(default)]
    pub few: u64,
}

/// A fact outside the views that is the same in all rows of a person.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct SteadyTold {
    /// `table.column`; the quasi-identifiers of other views together as `table.column + table.column`.
    pub column: String,
    /// Persons of the smallest class with it; below 10 `<10`.
    pub smallest: String,
    /// The view that it splits most.
    pub split: Split,
}

impl SteadyTold {
    /// In words.
    #[must_use]
    pub fn told(&self) -> String {
        words!(
            "beside the views: {} is the same in all rows of a person; for who knows it too the smallest class of view {} has {} persons (k = {})",
            self.column,
            self.split.view,
            self.smallest,
            self.split.k
        )
    }
    /// Of what was counted in the files.
    #[must_use]
    pub fn of(found: &Divided) -> Self {
        SteadyTold {
            column: found.columns.clone(),
            smallest: small(found.smallest).to_string(),
            split: Split {
                view: found.view.clone(),
                k: found.k,
                classes: found.classes,
                below: found.below,
                sure: found.sure,
                because: found.because.clone(),
            },
        }
    }
}

/// How a fact splits a view.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The view.
    pub view: String,
    /// Distinct persons that it asks for.
    pub k: u64,
    /// Classes with the fact.
    pub classes: u64,
    /// Of them, those of fewer persons than k.
    pub below: u64,
    /// Whether enough persons have several rows, or a row is a person.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub sure: bool,
    /// Why the policy accepts it.
    pub because: Option<String>,
}

/// How levels were chosen.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Search {
    /// The columns with the levels that the policy offers.
    pub columns: Vec<Offered>,
    /// The objective.
    pub objective: String,
    /// The chosen levels.
    pub chosen: Choice,
    /// The next best.
    pub runners: Vec<Choice>,
    /// What one level more or less would cost or give.
    pub neighbours: Vec<Choice>,
    /// Combinations of levels.
    pub nodes: u64,
    /// Of them, those whose classes were computed.
    pub evaluated: u64,
    /// Of them, those in boxes that suppress too much.
    pub pruned_by_models: u64,
    /// Of them, those in boxes that cannot cost less.
    pub pruned_by_bound: u64,
    /// Whether it is proven that none is better.
    pub exact: bool,
    /// Cost over the proven lower bound, minus one; null if there is no bound.
    pub gap: Option<f64>,
    /// Choices that suppress too much once the tables are taken together.
    pub rejected: u64,
}

/// A column that offers levels.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Offered {
    /// `table.column`.
    pub name: String,
    /// The levels, finest first.
    pub levels: Vec<String>,
}

/// One combination of levels.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// The level of each column.
    pub levels: Vec<String>,
    /// Its cost, figure by figure; null for what is not finite.
    pub cost: Vec<Option<f64>>,
    /// By view: rows that suppression removes.
    pub suppressed: Vec<u64>,
    /// By view: classes that stay.
    pub classes: Vec<u64>,
    /// Whether models and limits hold.
    pub feasible: bool,
}

/// Keys that a linking body gave back. Counts below 10 are `<10`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LinkKeys {
    /// The release that they are of.
    pub release: String,
    /// Who gave them, and when.
    pub source: String,
    /// A commitment to the digest of their file.
    pub file: Commitment,
    /// Keys given back.
    pub returned: String,
    /// Persons of the release with one.
    pub persons: String,
}

/// A receipt file of the pseudonymized release.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptFile {
    /// The file.
    pub file: String,
    /// Characters that the encoding lacks, and that were replaced.
    pub characters_replaced: u64,
    /// Characters that the encoding spells otherwise.
    #[serde(default)]
    pub characters_respelled: u64,
    /// The recount from the file.
    pub recounted: Option<ReceiptRecount>,
}

/// What the proof found.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ProofTold {
    /// Distinct source identifiers that were searched for.
    pub identifiers_searched: u64,
    /// Those too short to be told from other content.
    pub identifiers_too_short: u64,
    /// Distinct cells searched.
    pub cells_searched: u64,
    /// Tokens.
    pub tokens: Tokens,
    /// What the detectors found.
    pub detectors: Option<Detectors>,
    /// The floors, recounted from the files.
    #[serde(default)]
    pub floors: Vec<FloorRecount>,
    /// How far the two releases join by content. Records made before this was measured have none.
    pub joins: Option<Joins>,
}

/// Distinct tokens.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Tokens {
    /// In the pseudonymized release.
    pub pseudonymized: u64,
    /// In the anonymized release.
    pub anonymized: u64,
    /// In both: none, or nothing is published.
    pub shared: u64,
}

/// The detectors of identifiers and what they found.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Detectors {
    /// Their version.
    pub version: String,
    /// The rules under which text was normalized.
    pub normalization: String,
    /// Their names.
    pub detectors: Vec<String>,
    /// Columns looked at, over both releases.
    pub columns: u64,
    /// Findings: all waived.
    pub findings: Vec<Detected>,
}

/// A detector's finding in a released column. Counts below 10 are `<10`.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Detected {
    /// The release.
    pub release: Kind,
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The detector.
    pub detector: String,
    /// Rows with a hit.
    pub rows: String,
    /// Distinct persons with a hit.
    pub persons: String,
    /// Hits among filled cells, in percent; null for fewer than ten rows.
    pub percent: Option<u64>,
    /// The policy's reason why it does not stop the release.
    pub waived: Option<String>,
}

/// How a legal item is answered.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LawTold {
    /// The item.
    pub item: Item,
    /// Its citation.
    pub cite: String,
    /// Columns with their treatments.
    pub answered_by: Vec<Answer>,
    /// Views (規則18条5号).
    pub views: Vec<String>,
    /// Why there is nothing to answer.
    pub reason: Option<String>,
}

/// A column with its treatment.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The technique.
    pub treatment: String,
    /// In words, Japanese.
    pub ja: String,
    /// In words, English.
    pub en: String,
}

/// Something that a reader should know.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Warning {
    /// Its code.
    pub code: String,
    /// English.
    pub text: String,
    /// Japanese.
    pub ja: String,
}

/// The keys of the run; no key bytes.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Keys {
    /// How tokens are derived.
    pub suite: String,
    /// The version of the rules by which identifiers are normalized.
    pub identifier_rules: String,
    /// The id of the pseudonymized release's key.
    pub pseudonymized: String,
    /// What became of the anonymized release's key.
    pub anonymized: Destroyed,
}

/// A key that was destroyed.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Destroyed {
    /// Its id.
    pub key_id: String,
    /// When.
    pub at: String,
    /// How.
    pub how: String,
    /// Whether its memory could not have reached the swap space.
    pub memory_was_locked: bool,
    /// Whether nothing that is kept can make it again.
    #[serde(rename = "final")]
    pub final_: bool,
}

/// Identifiers of nines alone, by key.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Nines {
    /// The key.
    pub key: String,
    /// Taken for numbers.
    pub numbers: u64,
    /// Taken for fillers.
    pub fillers: u64,
}

/// What the tokens of the pseudonymized release depend on beside the key.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Pseudonyms {
    /// The project.
    pub project: String,
    /// The recipient.
    pub recipient: String,
    /// The name of the person's key.
    pub domain: String,
    /// The columns that it is made of.
    #[serde(default = "one")]
    pub parts: usize,
    /// How identifiers are normalized.
    pub normalize: Normalize,
}

const fn one() -> usize {
    1
}

/// The state of the process.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// No core file would have been written.
    pub core_limit_zero: bool,
    /// It could not be dumped.
    pub non_dumpable: bool,
    /// Whether the machine had swap space in use; null if it does not say.
    pub swap_on: Option<bool>,
    /// Memory could be locked.
    pub memlock_ok: bool,
}

/// Why a statement cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Unread {
    /// It is of a version that this program does not know.
    Version,
    /// It is no statement.
    Damaged,
}

impl Statement {
    /// Reads a statement of any version that this program knows.
    ///
    /// # Errors
    /// If it is none, or of another version.
    pub fn parse(bytes: &[u8]) -> Result<Statement, Unread> {
        #[derive(Deserialize)]
        struct Head {
            schema: serde_json::Value,
        }
        match serde_json::from_slice(bytes) {
            Ok(statement) => Ok(statement),
            Err(_) => Err(match serde_json::from_slice::<Head>(bytes) {
                Ok(head) if serde_json::from_value::<Version>(head.schema.clone()).is_err() => {
                    Unread::Version
                }
                _ => Unread::Damaged,
            }),
        }
    }

    /// Reads the statement of a release folder.
    ///
    /// # Errors
    /// If there is none that this program can read.
    pub fn read(release: &std::path::Path) -> Result<Statement, Unread> {
        let bytes = std::fs::read(release.join(super::STATEMENT)).map_err(|_| Unread::Damaged)?;
        Self::parse(&bytes)
    }

    /// As it stands in the file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = serde_json::to_vec_pretty(self).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    }

    /// What speaks against the declarations of the policy and stays with its reason.
    pub fn reasons(&self, lang: Lang) -> impl Iterator<Item = &str> {
        let told = |w: &&Warning| w.code.starts_with("W015") || w.code.starts_with("W016");
        self.warnings.iter().filter(told).map(move |w| lang.pick(w.ja.as_str(), w.text.as_str()))
    }

    /// The account of a table.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&TableTold> {
        self.tables.iter().find(|t| t.table == name)
    }
}

/// The JSON Schema of `record/statement.json`.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(Statement).to_value();
    schema["title"] = serde_json::json!("kakou statement");
    schema
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    /// Written by a program before the form was these types.
    const OLD: &str = include_str!("../../../tests/fixtures/record-1/r1/record/statement.json");

    #[test]
    fn a_statement_of_the_first_version_is_read_and_nothing_of_it_is_lost() {
        let statement = Statement::parse(OLD.as_bytes()).unwrap();
        assert_eq!(statement.schema, Version::One);
        // One table is left out, or the only changed key would not be looked at.
        assert!(statement.tables.iter().any(|t| t.releases.anonymized.left_out));
        let told: Value = serde_json::to_value(&statement).unwrap();
        let old = OLD.replace("\"left out\"", "\"leftOut\"");
        assert_eq!(told, serde_json::from_str::<Value>(&old).unwrap());
        // The order of the keys is theirs, too.
        let old: Value = serde_json::from_str(&old).unwrap();
        assert_eq!(told.to_string(), old.to_string());
    }

    #[test]
    fn what_is_no_statement_is_told_from_what_is_a_later_one() {
        let with = |change: &dyn Fn(&mut Value)| {
            let mut value: Value = serde_json::from_str(OLD).unwrap();
            change(&mut value);
            Statement::parse(value.to_string().as_bytes()).err()
        };
        assert_eq!(with(&|_| {}), None);
        assert_eq!(with(&|v| v["schema"] = json!("kakou-statement-3")), Some(Unread::Version));
        assert_eq!(with(&|v| v["schema"] = json!(2)), Some(Unread::Version));
        assert_eq!(with(&|v| v["persons"]["read"] = json!(-1)), Some(Unread::Damaged));
        assert_eq!(with(&|v| v["persons"]["more"] = json!(1)), Some(Unread::Damaged));
        let without = |v: &mut Value| drop(v.as_object_mut().unwrap().shift_remove("tables"));
        assert_eq!(with(&without), Some(Unread::Damaged));
        // Both spellings of the key that changed.
        let twice = |v: &mut Value| {
            v["tables"][0]["releases"]["anonymized"]["leftOut"] = json!(true);
        };
        assert_eq!(with(&twice), Some(Unread::Damaged));
        assert_eq!(Statement::parse(b"[").err(), Some(Unread::Damaged));
    }

    #[test]
    fn the_schema_names_what_is_written() {
        let schema = json_schema();
        let released = &schema["$defs"]["TableReleased"];
        assert!(released["properties"]["leftOut"].is_object(), "{released}");
        assert_eq!(released["additionalProperties"], false);
    }
}
