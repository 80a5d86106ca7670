//! Names of the files of a release in the form of its source: the rows of a table stand in files by what they show.
//!
//! A name is made of the released cells of its rows, so it tells nothing that they do not; the proof makes it again from them.

use super::model::TablePlan;
use crate::error::{Name, Said};
use crate::policy::model::{self as written, ReleaseForm};
use crate::say;
pub use crate::schema::file::{Month, NamePart};
use crate::schema::{ByKind, Kind};

/// Reads a template; the column by its name. What is wrong with it, if something is.
fn parse(text: &str, column: impl Fn(&str) -> Option<usize>) -> Result<Vec<NamePart>, Said> {
    let plain =
        |text: &str| text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let mut parts = Vec::new();
    let mut rest = text;
    let odd = || {
        say!(
            "`{}` is no name of a file: letters, digits, `-`, `_`, `.` and columns in braces",
            Name::from_policy(text)
        )
    };
    while !rest.is_empty() {
        let (literal, behind) = rest.split_once('{').unwrap_or((rest, ""));
        if !plain(literal) || literal.len() == rest.len() - 1 {
            return Err(odd());
        }
        if !literal.is_empty() {
            parts.push(NamePart::Text(literal.to_owned()));
        }
        if literal.len() == rest.len() {
            break;
        }
        let Some((hole, behind)) = behind.split_once('}') else { return Err(odd()) };
        let (name, by) = match hole.rsplit_once(':') {
            Some((name, word)) => (
                name,
                Some(Month::of_word(word).ok_or_else(|| {
                    say!(
                        "`{}` is no part of a date: `yyyy`, `yyyymm` or `yymm`",
                        Name::from_policy(word)
                    )
                })?),
            ),
            None => (hole, None),
        };
        let at =
            column(name).ok_or_else(|| say!("there is no column `{}`", Name::from_policy(name)))?;
        // Two holes without anything between them could not be told apart.
        if matches!(parts.last(), Some(NamePart::Column(..))) {
            return Err(say!(
                "`{}`: something must stand between two columns",
                Name::from_policy(text)
            ));
        }
        parts.push(NamePart::Column(at, by));
        rest = behind;
    }
    let first = matches!(parts.first(), Some(NamePart::Text(text)) if !text.starts_with('.'));
    if !first || text.len() > 200 {
        return Err(say!(
            "`{}`: a name of files begins with letters, and has at most 200 bytes",
            Name::from_policy(text)
        ));
    }
    Ok(parts)
}

/// How the files of a table are named; where none are named, and what is wrong, by kind.
pub(super) fn of(
    table: &written::TablePolicy,
    form: ReleaseForm,
) -> (Vec<(Kind, Said)>, ByKind<Vec<NamePart>>) {
    let mut wrong = Vec::new();
    let Some(files) = &table.files else { return (wrong, Default::default()) };
    let parts = ByKind::of(|kind| {
        let text = match kind {
            Kind::Pseudonymized => files.pseudonymized.as_deref(),
            Kind::Anonymized => files.anonymized.as_deref(),
        };
        let Some(text) = text else { return Vec::new() };
        if form != ReleaseForm::Source {
            wrong.push((kind, say!("names of files are for a release in the form of its source")));
        }
        parse(text, |column| table.columns.get_index_of(column)).unwrap_or_else(|what| {
            wrong.push((kind, what));
            Vec::new()
        })
    });
    (wrong, parts)
}

/// What is wrong with the columns that name files.
pub(super) fn faults(table: &TablePlan, kind: Kind) -> Vec<Said> {
    let mut faults = Vec::new();
    if !table.is_released(kind) {
        return faults;
    }
    for part in &table.files[kind] {
        let NamePart::Column(c, by) = part else { continue };
        let column = &table.columns[*c];
        let treatment = column.treatment(kind);
        let token = treatment.treatment.shows().token() && treatment.output.is_some();
        let date = treatment.output.is_some_and(crate::schema::Type::is_date);
        if column.made || (by.is_none() && !token) || (by.is_some() && !date) {
            faults.push(say!("a name of files is made of columns with tokens, and of the months of dates that the {} release shows: `{}` is none of them", kind, column.facts.column));
        }
    }
    faults
}

/// The name of the files as it is told: `EFn_{施設コード}.txt`.
#[must_use]
pub fn template(table: &TablePlan, parts: &[NamePart]) -> String {
    let of = |part: &NamePart| match part {
        NamePart::Text(text) => text.clone(),
        NamePart::Column(c, None) => format!("{{{}}}", table.columns[*c].facts.column.as_str()),
        NamePart::Column(c, Some(by)) => {
            format!("{{{}:{}}}", table.columns[*c].facts.column.as_str(), by.word())
        }
    };
    parts.iter().map(of).collect()
}

/// Whether one file could have the names of both: what stands before the first column of one begins the other.
pub(super) fn meet(a: &[NamePart], b: &[NamePart]) -> bool {
    let head = |parts: &[NamePart]| match parts {
        [NamePart::Text(text)] => (text.to_lowercase(), true),
        [NamePart::Text(text), ..] => (text.to_lowercase(), false),
        _ => (String::new(), false),
    };
    let ((a, whole_a), (b, whole_b)) = (head(a), head(b));
    match (whole_a, whole_b) {
        (true, true) => a == b,
        (true, false) => a.starts_with(&b),
        (false, true) => b.starts_with(&a),
        (false, false) => a.starts_with(&b) || b.starts_with(&a),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_or_refused() {
        let column = |name: &str| ["施設", "日"].iter().position(|c| *c == name);
        let read = |text: &str| parse(text, column);
        assert_eq!(
            read("EFn_{施設}_{日:yymm}.txt").unwrap(),
            [
                NamePart::Text("EFn_".into()),
                NamePart::Column(0, None),
                NamePart::Text("_".into()),
                NamePart::Column(1, Some(Month::Short)),
                NamePart::Text(".txt".into()),
            ]
        );
        assert_eq!(read("ef.txt").unwrap(), [NamePart::Text("ef.txt".into())]);
        for text in [
            "",
            "{施設}.txt",
            "../a.txt",
            "a{施設",
            "a{x}",
            "a{日:dd}",
            "a{",
            "a{施設}{日:yyyy}",
            ".a",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_that_a_file_could_share_meet() {
        let of = |text: &str| parse(text, |_| Some(0)).unwrap();
        for (a, b, both) in [
            ("EFn_{a}.txt", "EFg_{a}.txt", false),
            ("EF_{a}.txt", "EF_x_{a}.txt", true),
            ("a.txt", "a.txt", true),
            ("a.txt", "b_{a}.txt", false),
            ("b_x.txt", "b_{a}.txt", true),
        ] {
            assert_eq!(meet(&of(a), &of(b)), both, "{a} {b}");
        }
    }
}
