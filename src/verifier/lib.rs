//! Verification as a command: what is named, what is told. `kakou verify` and the small `kakou-verify` say the same of a release,
//! because they say it here.

use std::path::PathBuf;

use clap::Args;
use kakou_core::error::{Name, Result};
use kakou_core::{lang, note, words};
use kakou_plan::singled;
use kakou_record::attest;
use kakou_record::stamp::{Anchors, Stamp};
use kakou_record::verify::{Trust, Verified, verify};

/// What is verified, and what is trusted.
#[derive(Args, Debug)]
pub struct Look {
    /// The release folder (`OUT/<release-id>`).
    pub release: PathBuf,
    /// Public keys that may have signed (files of `kakou key public`). Without any it is verified that the record is
    /// whole, but not whose it is.
    #[arg(long, value_name = "FILE")]
    pub public_key: Vec<PathBuf>,
    /// The ledger in which the run must be entered.
    #[arg(long, value_name = "DIR")]
    pub ledger: Option<PathBuf>,
    /// Certificates of time-stamping authorities (PEM or DER): a stamp of the ledger must lead to one of them.
    #[arg(long, value_name = "FILE", requires = "ledger")]
    pub stamp_ca: Vec<PathBuf>,
}

impl Look {
    /// Recomputes everything.
    ///
    /// # Errors
    /// Everything that does not hold.
    pub fn verify(&self) -> Result<Verified> {
        let keys = attest::plain(&attest::read_public(&self.public_key)?);
        let anchors = Anchors::read(&self.stamp_ca)?;
        let mut found =
            verify(&self.release, Trust { keys: &keys, ledger: self.ledger.as_deref() })?;
        found.stamped(self.ledger.as_deref(), &anchors)?;
        Ok(found)
    }
}

/// What people are told of a release that holds, a line each.
#[must_use]
pub fn told(verified: &Verified) -> Vec<String> {
    let mut lines = vec![
        words!("release {}: {} files are as they were sealed", verified.release, verified.files),
        match verified.kind {
            Some(kind) => words!(
                "a recipient's package of one release, {} only: {} rows of {} persons",
                lang::spoken().pick(kind.ja(), kind.word()),
                verified.rows[kind],
                verified.persons[kind]
            ),
            None => words!(
                "pseudonymized: {} rows of {} persons; anonymized: {} rows of {} persons",
                verified.rows.pseudonymized,
                verified.persons.pseudonymized,
                verified.rows.anonymized,
                verified.persons.anonymized
            ),
        },
    ];
    if let Some(tier) = &verified.tier {
        lines.push(words!("tier of the anonymized release: {}", tier));
    }
    let reasons = lang::spoken().pick(&verified.reasons_ja, &verified.reasons);
    lines.extend(reasons.iter().map(|reason| words!("declared: {}", reason)));
    for view in &verified.views {
        lines.push(words!(
            "view {}{}: recounted k = {} in {} classes: holds",
            view.view,
            if view.implied { lang::word(" (implied)") } else { "" },
            view.smallest.map_or_else(|| "-".to_owned(), |s| s.0.to_string()),
            view.classes
        ));
    }
    let (ends, all): (Vec<_>, Vec<_>) = verified.floors.iter().partition(|f| f.tails);
    if !all.is_empty() {
        lines.push(words!(
            "floors: {} columns recounted, every value shown is held by enough persons: holds",
            all.len()
        ));
    }
    if !ends.is_empty() {
        lines.push(words!(
            "measured numbers: {} columns recounted, both ends are held by enough persons: holds; between the ends {} numbers are held by fewer",
            ends.len(),
            ends.iter().map(|f| f.few).sum::<u64>()
        ));
    }
    lines.extend(verified.objections.iter().map(|line| line.shown().into_owned()));
    lines.extend(verified.joins.iter().map(|joins| joins.told()));
    lines.extend(verified.steady.iter().map(|steady| steady.told()));
    for [ja, en] in singled::lines(&verified.unique) {
        lines.push(lang::spoken().pick(ja, en));
    }
    lines.push(match &verified.signed {
        None => words!("not signed: anyone who can write here could have made this record"),
        Some(by) if by.trusted => words!("signed by the given key {}", by.key_id),
        Some(by) => words!(
            "signed by {}: the record is whole; whose key it is was not checked (--public-key)",
            by.key_id
        ),
    });
    if let Some(entered) = &verified.entered {
        lines.push(words!(
            "entry {} of the ledger {} ({}){}",
            entered.index,
            entered.ledger,
            entered.at,
            if entered.checked {
                ""
            } else {
                lang::word(": proved; the ledger itself was not looked into (--ledger)")
            }
        ));
    }
    lines.extend(verified.stamps.first().map(stamp_told));
    let unchecked = if verified.state_checked {
        ""
    } else {
        lang::word(": state not checked, as no ledger is at hand")
    };
    for stranger in &verified.strangers {
        lines.push(words!(
            "approved or sealed by {}, which is none of the given keys (--public-key)",
            stranger
        ));
    }
    let state = lang::spoken().pick(verified.state.ja(), verified.state.word());
    lines.push(words!("state: {}{}", state, unchecked));
    lines
}

/// What people are told of a time stamp.
#[must_use]
pub fn stamp_told(stamp: &Stamp) -> String {
    let whose = if stamp.trusted {
        ""
    } else {
        lang::word("; whose stamp it is was not checked (--stamp-ca)")
    };
    let by = Name::from_policy(stamp.by.as_str());
    words!(
        "stamped at {} by {}: the first {} entries of the ledger stood then{}",
        stamp.at,
        by,
        stamp.entries,
        whose
    )
}

/// The line that ends what is told of a release that must not go out; none of any other.
#[must_use]
pub fn warning(verified: &Verified) -> Option<&'static str> {
    verified
        .not_for_release
        .then(|| lang::word("NOT FOR RELEASE: the record says why (record/statement.json)"))
}

/// Has a panic tell its place and nothing else: its message may quote a cell (slices of text do).
pub fn hide_panics() {
    std::panic::set_hook(Box::new(|info| {
        if kakou_formats::guarded_now() {
            return;
        }
        let place = info
            .location()
            .map(|l| format!("{}:{}", place_of(l.file()), l.line()))
            .unwrap_or_default();
        note!(error, "internal error", place = Name::from_policy(place.as_str()));
        let _ = std::io::Write::write_fmt(
            &mut std::io::stderr(),
            format_args!(
                "kakou: {}\n",
                words!(
                    "internal error at {}; nothing was published. Please report this place.",
                    place
                )
            ),
        );
    }));
}

/// The place of a source file without the folders of whoever built the program: of a library its name and what follows.
fn place_of(file: &str) -> &str {
    let marks = ["/registry/src/", "/git/checkouts/", "/rustc/"];
    for mark in marks {
        if let Some((_, rest)) = file.split_once(mark) {
            return rest.split_once('/').map_or(rest, |(_, rest)| rest);
        }
    }
    match file.rsplit_once("/src/") {
        Some((before, _)) if file.starts_with('/') => {
            let name = before.rsplit('/').next().unwrap_or_default();
            &file[before.len() - name.len()..]
        }
        _ => file,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_tells_nothing_of_the_builder() {
        for (file, told) in [
            ("src/cli/mod.rs", "src/cli/mod.rs"),
            ("/home/b/.cargo/registry/src/index-1/polars-1.0/src/x.rs", "polars-1.0/src/x.rs"),
            ("/rustc/0123/library/core/src/slice.rs", "library/core/src/slice.rs"),
            ("/home/b/kakou/src/cli/mod.rs", "kakou/src/cli/mod.rs"),
        ] {
            assert_eq!(place_of(file), told);
        }
    }
}
