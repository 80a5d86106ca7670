//! What the record says of the exclusion lists and the eligibility file of a run, from the lists themselves.

use super::statement::{self, EligibilityFile, ExclusionList, Reasons, Statement};
use crate::digest;
use crate::engine::Made;
use crate::engine::exclude::Lists;
use crate::error::{Result, Said};
use crate::keys::Commitment;
use crate::plan::eligible::Why;
use crate::say;
use crate::schema::{ByKind, Kind};
use crate::text::date;

/// Lines that stand in the record one by one.
const LINES: usize = 100;

fn commitment(bytes: &[u8]) -> Result<statement::Commitment> {
    // A plain hash of a short list could be found by trying; the commitment hides it.
    let commitment = Commitment::to(bytes)?;
    Ok(statement::Commitment {
        of: None,
        digest: commitment.digest_hex(),
        nonce: commitment.nonce_hex(),
    })
}

/// The exclusion lists of a run.
///
/// # Errors
/// If the system gives no random numbers for the commitments.
pub fn lists(lists: &Lists) -> Result<Vec<ExclusionList>> {
    lists
        .lists
        .iter()
        .map(|list| {
            let unmatched = list.roll.unmatched();
            let spelled: usize = list.roll.spelled().iter().map(|(_, lines)| lines.len()).sum();
            Ok(ExclusionList {
                kinds: list.kinds.clone(),
                listed: list.roll.len(),
                matched: list.roll.matched(),
                matched_nobody: unmatched.len() as u64,
                unmatched_lines: unmatched.iter().take(LINES).copied().collect(),
                spelled_otherwise: spelled as u64,
                header_lines: list.header_lines(),
                unusable_lines: list.unusable.len() as u64,
                unmatched_allowed: lists.allow_unmatched,
                commitment: commitment(&list.bytes)?,
            })
        })
        .collect()
}

/// Persons by reason, for a kind of release.
fn reasons(made: &Made, kind: Kind) -> Reasons {
    let why = &made.intake.why[kind];
    let excluded: u64 = why.iter().sum();
    let of = |reason: Why| why[reason as usize];
    Reasons {
        eligible: made.intake.persons.saturating_sub(excluded),
        on_list: of(Why::Listed),
        stopped: of(Why::Stopped),
        not_in_file: of(Why::NotInFile),
        not_notified: of(Why::NotNotified),
        notice_too_recent: of(Why::TooRecent),
    }
}

/// The eligibility file of a run; none without one.
///
/// # Errors
/// If the system gives no random numbers for the commitments.
pub fn eligibility(lists: &Lists, made: &Made) -> Result<Option<EligibilityFile>> {
    let Some(file) = &lists.eligibility else { return Ok(None) };
    let unmatched = file.roll.unmatched();
    let spelled: usize = file.roll.spelled().iter().map(|(_, lines)| lines.len()).sum();
    Ok(Some(EligibilityFile {
        files: file.files.iter().map(|bytes| commitment(bytes)).collect::<Result<_>>()?,
        as_of: date::date_of(file.as_of).map(|d| d.format("%Y-%m-%d").to_string()),
        notice_days: u64::from(file.notice_days),
        rows: file.rows,
        named: file.roll.len(),
        matched: file.roll.matched(),
        matched_nobody: unmatched.len() as u64,
        spelled_otherwise: spelled as u64,
        unusable_lines: file.unusable,
        articles: ["法52条", "法56条", "法57条"].map(str::to_owned).to_vec(),
        persons: ByKind::of(|kind| reasons(made, kind)),
    }))
}

/// Whether a commitment of the record was made to these bytes.
fn opens(told: &statement::Commitment, bytes: &[u8]) -> bool {
    let (nonce, digest) = (digest::unhex(&told.nonce), digest::unhex(&told.digest));
    nonce.zip(digest).is_some_and(|(n, d)| Commitment::recorded(n, d).opens_to(bytes))
}

/// What differs between the lists of a run and those of its replay.
#[must_use]
pub fn differences(statement: &Statement, lists: &Lists, made: &Made) -> Vec<Said> {
    let mut found = Vec::new();
    for (at, list) in lists.lists.iter().enumerate() {
        let told = statement.exclusion_lists.get(at);
        let told = told.filter(|t| opens(&t.commitment, &list.bytes) && t.kinds == list.kinds);
        match told {
            None => found.push(say!("exclusion list {} is not the one of the run", at + 1)),
            Some(told) if told.matched != list.roll.matched() => {
                found.push(say!("exclusion list {} matches other persons than in the run", at + 1));
            }
            Some(_) => {}
        }
    }
    if let Some(file) = &lists.eligibility {
        let told = statement.eligibility.as_ref();
        for (at, bytes) in file.files.iter().enumerate() {
            if !told.and_then(|t| t.files.get(at)).is_some_and(|t| opens(t, bytes)) {
                found.push(say!("eligibility file {} is not the one of the run", at + 1));
            }
        }
        if told.map(|t| t.persons) != Some(ByKind::of(|kind| reasons(made, kind))) {
            found.push(say!("other persons are eligible than in the run"));
        }
    }
    found
}
