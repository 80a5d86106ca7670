//! The facts of a run for its report: `report.json`. Internal (加工の方法に関する情報), made of counts and policy words.
//!
//! Counts of persons and rows from 1 to 9 are stored as `<10` already: what is not in the file cannot leak from it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::panel::{self, Panel};
use crate::engine::Made;
use crate::engine::observe::{By, ENOUGH, Group, Held};
use crate::engine::views::Summary;
use crate::error::{Error, Name, Result};
use crate::law::Item;
use crate::plan::{Grain, ItemEvidence, Plan};
use crate::policy::model::Unit;
use crate::proof::prove::Proof;
use crate::say;
use crate::schema::{ColumnAt, DateKind, Kind};

/// The form of the file.
pub const SCHEMA: &str = "kakou-report-1";

/// A count as it may be shown: exact from 10 on (and 0), otherwise "fewer than 10".
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Count {
    /// 0, or at least 10.
    Exact(u64),
    /// 1 to 9.
    Few,
}

impl Count {
    /// Hides 1 to 9.
    #[must_use]
    pub const fn of(count: u64) -> Self {
        match count {
            1..=9 => Count::Few,
            _ => Count::Exact(count),
        }
    }
    /// For the length of a bar: few counts as 5.
    #[must_use]
    pub const fn drawn(self) -> f64 {
        match self {
            Count::Exact(count) => count as f64,
            Count::Few => 5.0,
        }
    }
    /// Whether it is nothing.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        matches!(self, Count::Exact(0))
    }
}

impl std::fmt::Display for Count {
    /// With separators: `12,345`; `<10` for few.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Count::Exact(count) => f.write_str(&grouped(*count)),
            Count::Few => f.write_str("<10"),
        }
    }
}

/// A number with a comma every three digits.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Count::Exact(count) => serializer.serialize_u64(*count),
            Count::Few => serializer.serialize_str("<10"),
        }
    }
}

impl<'de> Deserialize<'de> for Count {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Number(u64),
            Text(String),
        }
        match Either::deserialize(deserializer)? {
            Either::Number(count) => Ok(Count::of(count)),
            Either::Text(text) if text == "<10" => Ok(Count::Few),
            Either::Text(_) => Err(serde::de::Error::custom("not a count")),
        }
    }
}

/// A text in both languages.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Both {
    /// Japanese.
    pub ja: String,
    /// English.
    pub en: String,
}

impl Both {
    /// From two texts.
    #[must_use]
    pub fn new(ja: impl Into<String>, en: impl Into<String>) -> Self {
        Both { ja: ja.into(), en: en.into() }
    }
}

/// Everything that the page shows.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Facts {
    /// [`SCHEMA`].
    pub schema: String,
    /// Version of the program.
    pub engine: String,
    /// The policy part: all that is known before a run.
    pub policy: Policy,
    /// The run part; none when a policy is described.
    pub run: Option<Run>,
}

/// What a policy says.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// SHA3-256 of the resolved policy, in hexadecimal.
    pub digest: String,
    /// The recipient of the pseudonymized release.
    pub recipient: String,
    /// Who receives the anonymized release, with the k that this asks for; none if the policy names no tier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<(String, u64)>,
    /// The tables.
    pub tables: Vec<TableFigures>,
    /// The views.
    pub views: Vec<ViewFigures>,
    /// What suppression removes: `cell`, `row`, `person`.
    pub suppress_unit: String,
    /// The largest share that it may remove.
    pub suppress_at_most: f64,
    /// How each legal item is answered.
    pub law: Vec<Law>,
    /// Warnings of the plan.
    pub warnings: Vec<Warning>,
}

/// A warning.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
pub struct Warning {
    /// Its code.
    pub code: String,
    /// Its text.
    pub text: Both,
}

/// A table of the policy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableFigures {
    /// Its name.
    pub name: String,
    /// What a row is: a key's name, `person` or `event`.
    pub grain: String,
    /// Its columns.
    pub columns: Vec<ColumnFigures>,
}

/// A column of the policy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnFigures {
    /// Its name.
    pub name: String,
    /// Another name, where the file's own says little (`ペイロード1`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Its role.
    pub role: String,
    /// The role's Japanese term.
    pub role_ja: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: String,
    /// Why.
    pub reason: Option<String>,
    /// Why it is right as declared although a check would refuse it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// By release kind.
    pub treatments: [Treated; 2],
}

impl ColumnFigures {
    /// Its name, with the other one that says more.
    #[must_use]
    pub fn shown(&self) -> String {
        match &self.alias {
            Some(alias) => format!("{}（{alias}）", self.name),
            None => self.name.clone(),
        }
    }
}

/// A treatment of a column.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Treated {
    /// The technique.
    pub technique: String,
    /// The legal or guideline term.
    pub term: String,
    /// In words.
    pub text: Both,
    /// Whether the column is in the release.
    pub released: bool,
    /// The legal items that it answers.
    pub items: Vec<String>,
    /// The level that the search took, where the treatment offers several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<Chosen>,
}

/// A level that was taken.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Chosen {
    /// The word of the policy (`20`, `quarter`).
    pub level: String,
    /// Whether widths are years of age; none if levels are no widths.
    pub years: Option<bool>,
}

/// A view of the policy.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewFigures {
    /// Its name.
    pub name: String,
    /// The table whose rows are counted.
    pub table: String,
    /// `table.column`.
    pub quasi: Vec<String>,
    /// Persons a class at least.
    pub k: u64,
    /// `table.column` and distinct values a class at least.
    pub sensitive: Vec<(String, u64)>,
}

/// How a legal item is answered.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Law {
    /// Its citation.
    pub cite: String,
    /// What it asks for.
    pub title: Both,
    /// Columns that answer it.
    pub columns: u64,
    /// Views that answer it.
    pub views: Vec<String>,
    /// Why there is nothing to answer.
    pub reason: Option<String>,
}

/// What a run did.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Run {
    /// The release.
    pub release: String,
    /// A test switch was used or the policy is not approved.
    pub not_for_release: bool,
    /// RFC 3339.
    pub started_at: String,
    /// RFC 3339.
    pub finished_at: String,
    /// Input files.
    pub files: u64,
    /// Persons.
    pub persons: Persons,
    /// Rows of all tables.
    pub rows: RowsRun,
    /// By table, in the order of the policy's.
    pub tables: Vec<TableRun>,
    /// By view, in the order of the policy's.
    pub views: Vec<ViewRun>,
    /// Who is gone from the anonymized release.
    pub strata: Vec<StratumRun>,
    /// What was proved.
    pub proof: ProofRun,
    /// Risk against thresholds.
    #[serde(default)]
    pub measures: Vec<Measure>,
    /// The search's curve.
    #[serde(default)]
    pub tradeoff: Option<Tradeoff>,
    /// Further sections.
    #[serde(default)]
    pub sections: Vec<Section>,
    /// The share of persons that content joins to one person of the other release; none if one release was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joined: Option<String>,
}

/// Persons of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Persons {
    /// Read.
    pub read: Count,
    /// Excluded by lists, by release kind.
    pub excluded: [Count; 2],
    /// With no row left after treatment and suppression, by release kind.
    pub suppressed: [Count; 2],
    /// Released, by release kind.
    pub released: [Count; 2],
}

/// Rows of a run, all tables together. What was read is the sum of the others, for each release kind.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RowsRun {
    /// Read.
    pub read: Count,
    /// Set aside for defects.
    pub set_aside: Count,
    /// Of excluded persons, by release kind.
    pub excluded: [Count; 2],
    /// Of tables that are left out, by release kind.
    pub left_out: [Count; 2],
    /// Removed by treatments and suppression, by release kind.
    pub removed: [Count; 2],
    /// Written, by release kind.
    pub out: [Count; 2],
}

/// A table of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TableRun {
    /// Rows read.
    pub rows_in: u64,
    /// Rows set aside by defect.
    pub set_aside: BTreeMap<String, Count>,
    /// By release kind.
    pub releases: [Flow; 2],
    /// By column.
    pub columns: Vec<ColumnRun>,
}

/// Rows of a table in a release.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Flow {
    /// Rows of excluded persons.
    pub excluded: Count,
    /// Rows removed by treatments and suppression.
    pub removed: Count,
    /// Rows out; none if the table is left out.
    pub out: Option<Count>,
    /// Persons in the file.
    pub persons: Option<Count>,
}

/// A column of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ColumnRun {
    /// Cells, changed and suppressed by the treatment, by release kind.
    pub tallies: [Tally; 2],
    /// Distributions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub panels: Vec<Panel>,
    /// There are too many different values to count them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub too_many: bool,
}

/// What a treatment did to cells.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Cells.
    pub seen: Count,
    /// Changed.
    pub changed: Count,
    /// Suppressed.
    pub suppressed: Count,
}

/// A view of a run.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ViewRun {
    /// Rows before suppression.
    pub rows: Count,
    /// Rows suppressed for k and l.
    pub suppressed: Count,
    /// Classes of the source, after the treatments, as released.
    pub stages: [ClassRun; 3],
    /// Persons in the smallest class as the proof recounted them from the files; none without classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recounted: Option<Count>,
    /// Whether the recount from the files holds.
    pub holds: bool,
}

/// Classes of a view at one stage.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClassRun {
    /// Classes.
    pub classes: u64,
    /// Persons in the smallest; none without classes.
    pub smallest: Option<Count>,
    /// Whether the smallest has k persons.
    pub reaches_k: bool,
    /// Share of person-class pairs in classes below k (0 to 1); none if it cannot be told.
    pub below_k: Option<f64>,
    /// Mean of 1/size over persons: average risk of being picked out; none without persons.
    pub average_risk: Option<f64>,
    /// Distinct values of each sensitive column in the poorest class.
    pub l: Vec<Option<u64>>,
    /// By size: from, classes, persons.
    pub histogram: Vec<(u64, u64, Count)>,
}

/// Rows and persons gone, by groups of one column.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StratumRun {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// What the groups are.
    pub by: By,
    /// Groups with at least ten persons; the others in one group without a label.
    pub groups: Vec<GroupRun>,
}

/// A group of a stratum.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GroupRun {
    /// What it is.
    pub label: panel::Label,
    /// Rows.
    pub rows: Count,
    /// Rows removed or blanked.
    pub rows_gone: Count,
    /// Distinct persons; none for the pool of small groups (they may overlap).
    pub persons: Option<Count>,
    /// Distinct persons with a row removed or blanked.
    pub persons_gone: Option<Count>,
}

/// What was proved.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ProofRun {
    /// Source identifiers searched for in every cell.
    pub identifiers_searched: u64,
    /// Identifiers too short to be told from other content.
    pub identifiers_too_short: u64,
    /// Distinct cells searched.
    pub cells_searched: u64,
}

/// A measured risk (or loss) against its threshold.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Measure {
    /// What is measured, with its source.
    pub name: Both,
    /// Where: a view, a release.
    pub place: String,
    /// Before (source), if it is known. 0 to 1.
    pub before: Option<f64>,
    /// After (released); none if it is not available.
    pub after: Option<f64>,
    /// At most this; none if the policy sets none.
    pub threshold: Option<f64>,
    /// Which figure it is, for who looks for one.
    #[serde(default)]
    pub of: MeasureOf,
}

/// What a measure measures.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasureOf {
    /// The largest risk of being picked out.
    LargestRisk,
    /// The average one.
    AverageRisk,
    /// Rows that one person alone fits, with further facts.
    UniqueWith,
    /// Another one.
    #[default]
    Other,
}

/// The search's curve: what less loss costs.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Tradeoff {
    /// What the horizontal axis is (`k`, share of suppressed rows).
    pub across: Both,
    /// What the vertical axis is (loss, 0 to 1).
    pub up: Both,
    /// The points in the order of the horizontal axis.
    pub points: Vec<Point>,
}

/// A point of the curve.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Point {
    /// Horizontal.
    pub x: f64,
    /// Vertical.
    pub y: f64,
    /// The one that was taken.
    #[serde(default)]
    pub chosen: bool,
    /// What it is (levels).
    #[serde(default)]
    pub note: String,
}

/// A section that another part of the engine wants on the page: a heading, paragraphs, a table.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Section {
    /// The heading.
    pub title: Both,
    /// Paragraphs.
    pub text: Vec<Both>,
    /// Column heads of the table.
    pub head: Vec<Both>,
    /// Rows of it.
    pub rows: Vec<Vec<String>>,
    /// Whether it is a detail that stands behind the rest.
    pub annex: bool,
}

/// What other parts of the engine add to the report of a run.
#[derive(Clone, Debug, Default)]
pub struct Extra {
    /// Measures beside those of k.
    pub measures: Vec<Measure>,
    /// The search's curve.
    pub tradeoff: Option<Tradeoff>,
    /// Sections at the end.
    pub sections: Vec<Section>,
    /// Warnings beside those of the plan; they stand first on the page.
    pub warnings: Vec<Warning>,
    /// See [`Run::joined`].
    pub joined: Option<String>,
}

/// What identifies the run.
pub struct Identity<'a> {
    /// The id of the release.
    pub id: &'a str,
    /// Beginning.
    pub started: SystemTime,
    /// End.
    pub finished: SystemTime,
    /// SHA3-256 of the resolved policy.
    pub policy_digest: [u8; 32],
    /// Whether it is fit for release.
    pub for_release: bool,
}

/// The facts of a policy alone.
#[must_use]
pub fn of_policy(plan: &Plan, evidence: &[ItemEvidence], digest: [u8; 32]) -> Facts {
    let answering = |kind: Kind, table: &Name, column: &Name| -> Vec<String> {
        evidence
            .iter()
            .filter(|e| Item::of(kind).contains(&e.item))
            .filter(|e| e.answered_by.iter().any(|a| a.table == *table && a.column == *column))
            .map(|e| e.cite.to_owned())
            .collect()
    };
    let tables = plan
        .tables
        .iter()
        .map(|table| TableFigures {
            name: table.name.to_string(),
            grain: match table.grain {
                Grain::Person => "person".to_owned(),
                Grain::Key(k) => table.keys[k].name.to_string(),
                Grain::Event => "event".to_owned(),
            },
            columns: table
                .columns
                .iter()
                .map(|column| ColumnFigures {
                    name: column.facts.column.to_string(),
                    alias: column.alias.as_ref().map(Name::to_string),
                    role: column.facts.role.word().to_owned(),
                    role_ja: column.facts.role.ja().to_owned(),
                    ty: column.facts.ty.word().to_owned(),
                    reason: column.reason.as_ref().map(Name::to_string),
                    because: column.because.as_ref().map(Name::to_string),
                    treatments: Kind::BOTH.map(|kind| {
                        let planned = column.treatment(kind);
                        let doc = planned.treatment.doc();
                        let (ja, en) = planned.treatment.describe();
                        Treated {
                            technique: doc.name.to_owned(),
                            term: doc.ja.to_owned(),
                            text: Both { ja, en },
                            released: planned.output.is_some(),
                            items: answering(kind, &table.name, &column.facts.column),
                            chosen: None,
                        }
                    }),
                })
                .collect(),
        })
        .collect();
    let path = |t: usize, c: usize| {
        format!("{}.{}", plan.tables[t].name, plan.tables[t].columns[c].facts.column)
    };
    let views = plan
        .views
        .iter()
        .map(|view| ViewFigures {
            name: view.name.to_string(),
            table: plan.tables[view.table].name.to_string(),
            quasi: view.quasi.iter().map(|q| path(q.table, q.column)).collect(),
            k: view.k,
            sensitive: view.sensitive.iter().map(|(s, l)| (path(s.table, s.column), *l)).collect(),
        })
        .collect();
    Facts {
        schema: SCHEMA.to_owned(),
        engine: env!("CARGO_PKG_VERSION").to_owned(),
        policy: Policy {
            id: plan.id.to_string(),
            version: plan.version.to_string(),
            digest: digest.iter().map(|b| format!("{b:02x}")).collect(),
            recipient: plan.recipient.to_string(),
            tier: plan.tier.map(|t| (t.word().to_owned(), t.k())),
            tables,
            views,
            suppress_unit: match plan.suppress.unit {
                Unit::Cell => "cell",
                Unit::Row => "row",
                Unit::Person => "person",
            }
            .to_owned(),
            suppress_at_most: plan.suppress.at_most,
            law: evidence
                .iter()
                .map(|e| {
                    let (ja, en) = e.item.title();
                    Law {
                        cite: e.cite.to_owned(),
                        title: Both::new(ja, en),
                        columns: e.answered_by.len() as u64,
                        views: e.views.iter().map(Name::to_string).collect(),
                        reason: e.reason.as_ref().map(Name::to_string),
                    }
                })
                .collect(),
            warnings: plan.warnings.iter().map(warning).collect(),
        },
        run: None,
    }
}

fn warning(warning: &crate::plan::Warning) -> Warning {
    Warning {
        code: warning.code.to_owned(),
        text: Both::new(warning.text_ja.as_str(), warning.text.as_str()),
    }
}

/// The facts of a run.
#[must_use]
pub fn of_run(
    plan: &Plan,
    made: &Made,
    proof: &Proof,
    evidence: &[ItemEvidence],
    identity: &Identity<'_>,
    extra: Extra,
) -> Facts {
    let mut facts = of_policy(plan, evidence, identity.policy_digest);
    chosen(&mut facts.policy, plan, made);
    facts.policy.warnings.splice(0..0, extra.warnings);
    facts.policy.warnings.extend(made.declared.iter().map(warning));
    let time = |t: SystemTime| {
        chrono::DateTime::<chrono::Utc>::from(t).format("%Y-%m-%dT%H:%M:%SZ").to_string()
    };
    let intake = &made.intake;
    let persons = Persons {
        read: Count::of(intake.persons),
        excluded: Kind::BOTH.map(|kind| Count::of(intake.excluded_persons[kind])),
        suppressed: Kind::BOTH.map(|k| {
            let left = intake.persons.saturating_sub(intake.excluded_persons[k]);
            Count::of(left.saturating_sub(made.persons[k]))
        }),
        released: Kind::BOTH.map(|kind| Count::of(made.persons[kind])),
    };
    let tables = tables_run(plan, made);
    let rows = rows_run(made);
    let mut measures = Vec::new();
    let views = views_run(plan, made, proof, &mut measures);
    measures.extend(extra.measures);
    let strata = made
        .observed
        .strata
        .iter()
        .filter_map(|stratum| {
            let column = &plan.tables[stratum.table].columns[stratum.column];
            let groups = groups(&stratum.groups, stratum.by)?;
            Some(StratumRun {
                table: plan.tables[stratum.table].name.to_string(),
                column: column.facts.column.to_string(),
                by: stratum.by,
                groups,
            })
        })
        .collect();
    facts.run = Some(Run {
        release: identity.id.to_owned(),
        not_for_release: !identity.for_release,
        started_at: time(identity.started),
        finished_at: time(identity.finished),
        files: intake.files.len() as u64,
        persons,
        rows,
        tables,
        views,
        strata,
        proof: ProofRun {
            identifiers_searched: proof.identifiers_searched,
            identifiers_too_short: proof.identifiers_too_short,
            cells_searched: proof.cells_searched,
        },
        measures,
        tradeoff: extra.tradeoff,
        sections: extra.sections,
        joined: extra.joined,
    });
    facts
}

/// Says of each column that offers levels which one was taken; columns that are tied to it have the same.
fn chosen(policy: &mut Policy, plan: &Plan, made: &Made) {
    let Some(searched) = &made.search else { return };
    let kind = Kind::Anonymized;
    for (offered, level) in searched.columns.iter().zip(&searched.chosen.levels) {
        let at = ColumnAt { table: offered.table, column: offered.column };
        let tied = |other: ColumnAt| plan.column(other).tied[kind] == Some(at);
        let all: Vec<ColumnAt> = plan.columns_at().filter(|&o| o == at || tied(o)).collect();
        for column in all {
            let of = plan.column(column);
            let birth = of.facts.date == Some(DateKind::Birth);
            let years = of.treatment(kind).treatment.ordered().then_some(birth);
            let treated = &mut policy.tables[column.table].columns[column.column].treatments;
            let level = level.as_str().to_owned();
            treated[kind as usize].chosen = Some(Chosen { level, years });
        }
    }
}

fn tables_run(plan: &Plan, made: &Made) -> Vec<TableRun> {
    let intake = &made.intake;
    plan.tables
        .iter()
        .enumerate()
        .map(|(t, table)| TableRun {
            rows_in: intake.tables[t].rows_in,
            set_aside: intake.tables[t]
                .set_aside
                .iter()
                .map(|(defect, &rows)| (defect.word().to_owned(), Count::of(rows)))
                .collect(),
            releases: Kind::BOTH.map(|kind| {
                let file = made.files.iter().find(|f| f.kind == kind && f.table == t);
                Flow {
                    excluded: Count::of(intake.tables[t].excluded[kind]),
                    removed: Count::of(made.removed[kind][t]),
                    out: file.map(|f| Count::of(f.written.rows)),
                    persons: file.map(|f| Count::of(f.persons)),
                }
            }),
            columns: (0..table.columns.len())
                .map(|c| {
                    let sides = &made.observed.columns[t][c];
                    ColumnRun {
                        tallies: Kind::BOTH.map(|kind| {
                            let tally = made.tallies[kind][t][c];
                            Tally {
                                seen: Count::of(tally.seen),
                                changed: Count::of(tally.changed),
                                suppressed: Count::of(tally.suppressed),
                            }
                        }),
                        panels: panel::panels(sides),
                        too_many: sides.iter().flatten().any(|d| d.overflow),
                    }
                })
                .collect(),
        })
        .collect()
}

/// The views of a run, whose risks are measures.
fn views_run(plan: &Plan, made: &Made, proof: &Proof, measures: &mut Vec<Measure>) -> Vec<ViewRun> {
    plan.views
        .iter()
        .zip(&made.views)
        .zip(&proof.views)
        .map(|((view, outcome), recount)| {
            let stages = [&outcome.source, &outcome.treated, &outcome.released]
                .map(|s| class_run(s, view.k));
            let largest = |s: &Summary| s.smallest.map(|p| 1.0 / p.0.max(1) as f64);
            // Below ten persons the exact figure would be a small count; k is then the bound that holds.
            let after = largest(&outcome.released).map(|risk| match outcome.released.smallest {
                Some(p) if p.0 < ENOUGH && p.0 >= view.k => 1.0 / view.k as f64,
                _ => risk,
            });
            measures.push(Measure {
                name: Both::new(
                    "最大の再識別リスク（1/最小クラスの人数）",
                    "largest risk of being picked out (1 / persons in the smallest class)",
                ),
                place: view.name.to_string(),
                before: largest(&outcome.source),
                after,
                threshold: Some(1.0 / view.k as f64),
                of: MeasureOf::LargestRisk,
            });
            measures.push(Measure {
                name: Both::new(
                    "平均の再識別リスク（クラス数/人数）",
                    "average risk of being picked out (classes / persons)",
                ),
                place: view.name.to_string(),
                before: stages[0].average_risk,
                after: stages[2].average_risk,
                threshold: None,
                of: MeasureOf::AverageRisk,
            });
            ViewRun {
                rows: Count::of(outcome.rows),
                suppressed: Count::of(outcome.suppressed),
                stages,
                recounted: recount.smallest.map(|persons| Count::of(persons.0)),
                holds: recount.holds,
            }
        })
        .collect()
}

fn rows_run(made: &Made) -> RowsRun {
    let tables = &made.intake.tables;
    let read: u64 = tables.iter().map(|t| t.rows_in).sum();
    let aside: u64 = tables.iter().flat_map(|t| t.set_aside.values()).sum();
    let by_kind = Kind::BOTH.map(|kind| {
        let (mut excluded, mut left_out, mut removed, mut out) = (0, 0, 0, 0);
        for (t, table) in tables.iter().enumerate() {
            excluded += table.excluded[kind];
            removed += made.removed[kind][t];
            let aside: u64 = table.set_aside.values().sum();
            match made.files.iter().find(|f| f.kind == kind && f.table == t) {
                Some(file) => out += file.written.rows,
                None => {
                    let gone = aside + table.excluded[kind] + made.removed[kind][t];
                    left_out += table.rows_in.saturating_sub(gone);
                }
            }
        }
        [excluded, left_out, removed, out].map(Count::of)
    });
    let of = |index: usize| [by_kind[0][index], by_kind[1][index]];
    RowsRun {
        read: Count::of(read),
        set_aside: Count::of(aside),
        excluded: of(0),
        left_out: of(1),
        removed: of(2),
        out: of(3),
    }
}

fn class_run(summary: &Summary, k: u64) -> ClassRun {
    let persons = summary.persons.0;
    // The bins end at the usual thresholds; where k is inside a bin the share is not known.
    let ends = crate::engine::views::is_bin(k);
    let below: u64 = summary.histogram.iter().filter(|b| b.from < k).map(|b| b.persons).sum();
    ClassRun {
        classes: summary.classes,
        smallest: summary.smallest.map(|p| Count::of(p.0)),
        reaches_k: summary.smallest.is_none_or(|p| p.0 >= k),
        below_k: (ends && persons > 0).then(|| below as f64 / persons as f64),
        average_risk: (persons > 0).then(|| summary.classes as f64 / persons as f64),
        l: summary.l.clone(),
        histogram: summary
            .histogram
            .iter()
            .map(|b| (b.from, b.classes, Count::of(b.persons)))
            .collect(),
    }
}

/// Groups of a stratum on a page at most.
const MOST_GROUPS: usize = 12;

fn groups(found: &BTreeMap<Group, (Held, Held)>, by: By) -> Option<Vec<GroupRun>> {
    let mut shown: Vec<(&Group, &(Held, Held))> =
        found.iter().filter(|(_, (all, _))| all.persons >= ENOUGH).collect();
    if by == By::Value && shown.len() > 4 {
        shown.sort_by(|a, b| b.1.0.persons.cmp(&a.1.0.persons).then(a.0.cmp(b.0)));
    }
    shown.truncate(MOST_GROUPS);
    let all_rows: u64 = found.values().map(|(all, _)| all.rows).sum();
    let shown_rows: u64 = shown.iter().map(|(_, (all, _))| all.rows).sum();
    // A column of many values says nothing about groups of persons.
    if all_rows == 0 || shown_rows * 2 < all_rows {
        return None;
    }
    let mut list: Vec<GroupRun> = shown
        .iter()
        .map(|(group, (all, gone))| GroupRun {
            label: panel::group_label(group, by),
            rows: Count::of(all.rows),
            rows_gone: Count::of(gone.rows),
            persons: Some(Count::of(all.persons)),
            persons_gone: Some(Count::of(gone.persons)),
        })
        .collect();
    let rest: Vec<&(Held, Held)> = found
        .iter()
        .filter(|(group, _)| !shown.iter().any(|(s, _)| s == group))
        .map(|(_, held)| held)
        .collect();
    if !rest.is_empty() {
        let rows: u64 = rest.iter().map(|(all, _)| all.rows).sum();
        let gone: u64 = rest.iter().map(|(_, gone)| gone.rows).sum();
        list.push(GroupRun {
            label: panel::Label::Other(rest.len() as u64),
            rows: Count::of(rows),
            rows_gone: Count::of(gone),
            persons: None,
            persons_gone: None,
        });
    }
    Some(list)
}

/// Reads the facts of a release folder.
///
/// # Errors
/// If the folder has none or they are of another form.
pub fn read(folder: &std::path::Path) -> Result<Facts> {
    let bytes = std::fs::read(folder.join(super::REPORT)).map_err(|e| {
        Error::io("X0501", say!("reading {} of the release", super::REPORT), &e)
            .advice(say!("the folder must be a whole release; a recipient's package has no report"))
    })?;
    serde_json::from_slice::<Facts>(&bytes).ok().filter(|facts| facts.schema == SCHEMA).ok_or_else(
        || {
            Error::refused(
                "C0501",
                say!("{} is damaged or of a form that this program does not know", super::REPORT),
            )
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_counts_are_not_in_the_file() {
        for (count, text) in
            [(0, "0"), (1, "\"<10\""), (9, "\"<10\""), (10, "10"), (12345, "12345")]
        {
            let json = serde_json::to_string(&Count::of(count)).unwrap();
            assert_eq!(json, text);
            assert_eq!(serde_json::from_str::<Count>(&json).unwrap(), Count::of(count));
        }
        assert_eq!(Count::of(1_234_567).to_string(), "1,234,567");
        assert_eq!(Count::of(123).to_string(), "123");
    }
}
