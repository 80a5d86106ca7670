//! Whether the columns of a file are those of the policy.

use super::ReadSpec;
use crate::error::{Error, Name, Result};
use crate::say;

/// For each column of the policy its position in the file.
///
/// A column that the policy does not know is named only if the header otherwise fits: in a file without its header a
/// patient's record would stand where the names are.
pub(super) fn positions(spec: &ReadSpec<'_>, names: &[String]) -> Result<Vec<usize>> {
    let mut errors = Vec::new();
    let same =
        |a: &str, b: &str| a == b || spec.ignore_case && a.to_lowercase() == b.to_lowercase();
    let known = |name: &str| spec.columns.iter().any(|c| same(c.name.as_str(), name));
    let fits = names.iter().filter(|n| known(n)).count() * 2 >= spec.columns.len().max(1);
    let mut missing: Vec<&Name> = Vec::new();
    let mut positions = Vec::new();
    for column in spec.columns {
        let mut found = names.iter().enumerate().filter(|(_, n)| same(n, column.name.as_str()));
        match (found.next(), found.next()) {
            (Some((at, _)), None) => positions.push(at),
            (Some(_), Some((again, _))) => errors.push(Error::data(
                "D0013",
                say!(
                    "table `{}`: the column `{}` is there twice (again as column {})",
                    spec.table,
                    column.name,
                    again + 1
                ),
            )),
            (None, _) => missing.push(&column.name),
        }
    }
    for (index, name) in names.iter().enumerate() {
        if name.is_empty() {
            errors.push(Error::data(
                "D0012",
                say!("table `{}`: column {} has no name", spec.table, index + 1),
            ));
        } else if !known(name) {
            let what = if fits {
                say!(
                    "table `{}`: the column `{}` (column {}) is not in the policy",
                    spec.table,
                    Name::from_policy(name.clone()),
                    index + 1
                )
            } else {
                say!("table `{}`: column {} is not in the policy", spec.table, index + 1)
            };
            let near = missing
                .iter()
                .map(|m| (strsim::normalized_damerau_levenshtein(m.as_str(), name), *m))
                .filter(|(score, _)| *score >= 0.5)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            errors.push(Error::data("D0010", what).advice(match near {
                Some((_, name)) => say!("the policy expects `{}`, which the file does not have: was it renamed?", name),
                None => say!("add it to the policy with a role and two treatments (`\"drop\"` if it is not needed)"),
            }));
        }
    }
    for name in &missing {
        errors.push(Error::data("D0011", say!("table `{}`: the file has no column `{}`", spec.table, name)).advice(
            if fits {
                say!("the policy must name exactly the columns of the file")
            } else {
                say!("few columns fit: is the header missing (`header = false`), the delimiter or the encoding another one?")
            },
        ));
    }
    Error::all(errors).map_or(Ok(positions), Err)
}

/// The error for a file without any content.
pub(super) fn empty(spec: &ReadSpec<'_>) -> Error {
    Error::data("D0014", say!("table `{}`: the file is empty", spec.table))
}

/// The error for a wrong number of columns in a file without a header.
pub(super) fn width(spec: &ReadSpec<'_>, found: usize) -> Error {
    Error::data(
        "D0015",
        say!(
            "table `{}`: the file has {} columns, the policy {}",
            spec.table,
            found,
            spec.columns.len()
        ),
    )
}
