//! Detectors clean: no released column of text, codes or numbers holds what looks like an identifier of a person.
//!
//! The cells are those of the re-read files. Thresholds are those of [`crate::detect::column`]. A finding refuses the release
//! unless the policy waives it for that column, with a reason; findings and waivers stand in the record, persons and cells
//! below ten as `<10`, and no cell's text ever.

use crate::detect::{self, DETECTORS, Scanner, column};
use crate::error::{Error, Name, small};
use crate::frame::Interner;
use crate::plan::{Plan, Warning};
use crate::say;
use crate::schema::{ColumnFacts, Kind};

/// What the detectors found, for the record.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detectors {
    /// The version of the detectors.
    pub version: &'static str,
    /// The rules under which text was normalized.
    pub normalization: &'static str,
    /// The names of the detectors that ran.
    pub detectors: Vec<&'static str>,
    /// Columns that were looked at, over both releases.
    pub columns: u64,
    /// Findings: all waived, for a release that stands.
    pub findings: Vec<Detected>,
    /// What a reader should know: waivers that nothing needed.
    #[serde(skip)]
    pub warnings: Vec<Warning>,
    #[serde(skip)]
    unused: Vec<(usize, usize, usize)>,
}

/// A detector's finding in a released column.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Detected {
    /// The release.
    pub release: Kind,
    /// The table.
    pub table: Name,
    /// The column.
    pub column: Name,
    /// The detector.
    pub detector: &'static str,
    /// Rows with a hit; `<10` below ten.
    pub rows: Name,
    /// Distinct persons with a hit; `<10` below ten.
    pub persons: Name,
    /// The share of filled cells that are hits, in percent; none for fewer than ten rows.
    pub percent: Option<u64>,
    /// The policy's reason why it does not stop the release.
    pub waived: Option<Name>,
    #[serde(skip)]
    place: (usize, usize, usize),
}

impl Detectors {
    /// Before anything was looked at.
    #[must_use]
    pub fn new(plan: &Plan) -> Self {
        Detectors {
            version: detect::VERSION,
            normalization: crate::text::normalize::VERSION,
            detectors: DETECTORS.iter().map(|d| d.doc().name).collect(),
            columns: 0,
            findings: Vec::new(),
            warnings: Vec::new(),
            unused: plan.waivers.iter().map(|w| (w.detector, w.table, w.column)).collect(),
        }
    }
    /// Adds what was found in a table of a release.
    pub fn add(&mut self, detected: (u64, Vec<Detected>)) {
        self.columns += detected.0;
        for found in detected.1 {
            self.unused.retain(|w| *w != found.place);
            self.findings.push(found);
        }
    }
    /// Adds the warnings about waivers that no finding needed.
    pub fn finish(&mut self, plan: &Plan) {
        for waiver in &plan.waivers {
            if self.unused.contains(&(waiver.detector, waiver.table, waiver.column)) {
                let table = &plan.tables[waiver.table];
                let column = &table.columns[waiver.column].facts.column;
                let detector = DETECTORS[waiver.detector].doc().name;
                self.warnings.push(Warning {
                    code: "W0120",
                    text: say!("the waiver of `{}` for `{}`.`{}` is not needed: the detector finds nothing there", detector, table.name, column),
                    text_ja: say!("`{}`の`{}`.`{}`に対する除外は不要: 検出されなかった", detector, table.name, column),
                    place: waiver.place.clone(),
                });
            }
        }
    }
}

/// Runs the detectors over the texts of a released column; `held` has the cells of each.
#[must_use]
pub fn judge(facts: &ColumnFacts, texts: &Interner, held: &[u64]) -> Vec<column::Finding> {
    let scanner = Scanner::of_column(facts.column.as_str());
    let texts = texts.dictionary().texts().map(|t| if facts.is_special(t) { "" } else { t });
    column::judge(&scanner, texts.zip(held.iter().copied()))
}

/// What is told of a finding: its detector, table and column; rows and persons with a hit, and filled cells.
#[must_use]
pub fn told(
    plan: &Plan,
    kind: Kind,
    place: (usize, usize, usize),
    (rows, persons, filled): (u64, u64, u64),
) -> Detected {
    let waiver = plan.waivers.iter().find(|w| (w.detector, w.table, w.column) == place);
    let table = &plan.tables[place.1];
    Detected {
        release: kind,
        table: table.name.clone(),
        column: table.columns[place.2].facts.column.clone(),
        detector: DETECTORS[place.0].doc().name,
        rows: small(rows),
        persons: small(persons),
        percent: (rows >= 10).then(|| rows * 100 / filled.max(1)),
        waived: waiver.map(|w| w.reason.clone()),
        place,
    }
}

/// The error of a finding, unless the policy waives it.
#[must_use]
pub fn refused(detected: &Detected) -> Option<Error> {
    detected.waived.is_none().then(|| refusal(detected))
}

/// A finding that nothing waives.
fn refusal(detected: &Detected) -> Error {
    let doc = DETECTORS[detected.place.0].doc();
    Error::refused(
        "C0305",
        say!(
            "table `{}`, column `{}`, {} release: detector `{}` ({}) finds something in {} rows of {} persons",
            detected.table,
            detected.column,
            detected.release,
            doc.name,
            doc.ja,
            detected.rows,
            detected.persons
        ),
    )
    .advice(say!(
        "drop or generalize the column; if these are nobody's identifiers, put this into the policy, with the reason:\n\n[[waive]]\ndetector = \"{}\"\ncolumn = {}\nreason = \"\"\n",
        doc.name,
        quoted(&detected.table, &detected.column)
    ))
}

/// What is said of a finding that was seen in the source before a run: rows and persons with a hit.
#[must_use]
pub fn foreseen(
    plan: &Plan,
    place: (usize, usize, usize),
    release: Kind,
    counts: (u64, u64),
) -> Error {
    let table = &plan.tables[place.1];
    refusal(&Detected {
        release,
        table: table.name.clone(),
        column: table.columns[place.2].facts.column.clone(),
        detector: DETECTORS[place.0].doc().name,
        rows: small(counts.0),
        persons: small(counts.1),
        percent: None,
        waived: None,
        place,
    })
}

/// A column as it is named in a policy, as a TOML string.
fn quoted(table: &Name, column: &Name) -> Name {
    let place = format!("{}.{}", table.as_str(), column.as_str());
    // Strings of JSON are strings of TOML.
    Name::from_policy(serde_json::to_string(&place).unwrap_or(place))
}
