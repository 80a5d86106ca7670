//! Whether the columns of a file are those of the policy.

use std::borrow::Cow;

use hashbrown::{HashMap, HashSet};

use super::ReadSpec;
use crate::error::{Error, Name, Result};
use crate::say;

/// Among so many missing columns one is looked for that an unknown one may have been.
const NEAR: usize = 200;

/// A name as it is compared: blanks around it do not count.
fn folded<'n>(spec: &ReadSpec<'_>, name: &'n str) -> Cow<'n, str> {
    let name = name.trim();
    if spec.ignore_case { name.to_lowercase().into() } else { name.into() }
}

/// The names of the policy as they are compared, and how many columns have each.
fn of_policy<'s>(spec: &ReadSpec<'s>) -> HashMap<Cow<'s, str>, usize> {
    let mut names = HashMap::new();
    for column in spec.columns {
        *names.entry(folded(spec, column.name.as_str())).or_default() += 1;
    }
    names
}

/// Whether names are, by and large, those of the policy.
pub(super) fn fits(spec: &ReadSpec<'_>, names: &[String]) -> bool {
    let known = of_policy(spec);
    let found = names.iter().filter(|n| known.contains_key(&folded(spec, n))).count();
    found * 2 >= spec.columns.len().max(1)
}

/// Names of which none is there twice: the second `a` is `a_2`.
pub(super) fn numbered(names: &mut [String]) {
    let mut there: HashSet<String> = names.iter().map(|n| n.trim().to_owned()).collect();
    let mut before: HashSet<String> = HashSet::new();
    // The last number that a name was given.
    let mut given: HashMap<String, usize> = HashMap::new();
    for name in names {
        let bare = name.trim();
        if bare.is_empty() || before.insert(bare.to_owned()) {
            continue;
        }
        let number = given.entry(bare.to_owned()).or_insert(1);
        let new = loop {
            *number += 1;
            let new = format!("{bare}_{number}");
            if there.insert(new.clone()) {
                break new;
            }
        };
        before.insert(new.clone());
        *name = new;
    }
}

/// Which of the first rows is the header, by how many cells of each hold something: the first that is not far below what rows have.
pub(super) fn first_of(filled: &[usize]) -> usize {
    let mut sorted = filled.to_vec();
    sorted.sort_unstable();
    let usual = sorted.get(sorted.len() / 2).copied().unwrap_or(0);
    filled.iter().position(|&n| n > 1 && n * 2 > usual).unwrap_or(0)
}

/// For each column of the policy its position in the file.
///
/// A column that the policy does not know is named only if the header otherwise fits: in a file without its header a
/// patient's record would stand where the names are.
pub(super) fn positions(spec: &ReadSpec<'_>, names: &[String]) -> Result<Vec<usize>> {
    let mut errors = Vec::new();
    let known = of_policy(spec);
    let fits = fits(spec, names);
    let mut places: HashMap<Cow<'_, str>, Vec<usize>> = HashMap::new();
    for (at, name) in names.iter().enumerate() {
        places.entry(folded(spec, name)).or_default().push(at);
    }
    let mut missing: Vec<&Name> = Vec::new();
    let mut positions = Vec::new();
    for column in spec.columns {
        let wanted = column.name.as_str();
        // A name as it is written counts only where the policy tells two apart by their blanks.
        let wanted_folded = folded(spec, wanted);
        let exactly = known.get(&wanted_folded).is_some_and(|&n| n > 1);
        let found = places.get(&wanted_folded).into_iter().flatten().copied();
        let mut found = found.filter(|&at| !exactly || names[at] == wanted);
        match (found.next(), found.next()) {
            (Some(at), None) => positions.push(at),
            (Some(_), Some(again)) => errors.push(Error::data(
                "D0013",
                say!(
                    "table `{}`: the column `{}` is there twice (again as column {})",
                    spec.table,
                    column.name,
                    again + 1
                ),
            )
            .advice(say!(
                "if both are wanted, `number_repeats = true` in `source` names the second `{}_2`, the third `{}_3`",
                column.name,
                column.name
            ))),
            (None, _) => missing.push(&column.name),
        }
    }
    for (index, name) in names.iter().enumerate() {
        let name = name.trim();
        if name.is_empty() {
            errors.push(Error::data(
                "D0012",
                say!("table `{}`: column {} has no name", spec.table, index + 1),
            )
            .advice(if index + 1 == names.len() {
                say!("does every line end in a separator? take it away, or name the column in the file")
            } else {
                say!("name the column in the file; are there titles above the header (`skip_lines`)?")
            }));
        } else if !known.contains_key(&folded(spec, name)) {
            let what = if fits {
                say!(
                    "table `{}`: the column `{}` (column {}) is not in the policy",
                    spec.table,
                    Name::from_policy(name),
                    index + 1
                )
            } else {
                say!("table `{}`: column {} is not in the policy", spec.table, index + 1)
            };
            // A renamed column is looked for among a few, not among thousands that another file has.
            let near = missing
                .iter()
                .take(NEAR)
                .map(|m| (strsim::normalized_damerau_levenshtein(m.as_str(), name), *m))
                .filter(|(score, _)| *score >= 0.5)
                .max_by(|a, b| a.0.total_cmp(&b.0));
            errors.push(Error::data("D0010", what).advice(match near {
                Some((_, name)) => say!("the policy expects `{}`, which the file does not have: was it renamed?", name),
                None => say!("add it to the policy with a role and two treatments (`\"drop\"` if it is not needed)"),
            }));
        }
    }
    // Every column of the file is one of the policy's, once.
    if errors.is_empty() && missing.is_empty() && positions.len() < names.len() {
        errors.push(Error::data(
            "D0013",
            say!(
                "table `{}`: a column is there twice, with other blanks or letters in its name",
                spec.table
            ),
        ));
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

/// The error for a row that is the header once more.
pub(super) fn again(at: Error) -> Error {
    at.advice(say!("are two files one behind the other here? Such lines are set aside and counted by set_aside = [\"blank\"]"))
}

/// The error for a file without any content.
pub(super) fn empty(spec: &ReadSpec<'_>) -> Error {
    Error::data("D0014", say!("table `{}`: the file is empty", spec.table))
}

/// The error for names that stand in another line than the first that is read.
pub(super) fn elsewhere(spec: &ReadSpec<'_>, line: u64, first: u64) -> Error {
    Error::data(
        "D0019",
        say!(
            "table `{}`: the names of the columns stand in line {} of the file; what stands above it is no header",
            spec.table,
            line
        ),
    )
    .advice(say!("leave out the lines above it: `skip_lines = {}` in `source` (now {})", line - 1, first - 1))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ColumnSpec;
    use crate::schema::file::InputFormat;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|n| (*n).to_owned()).collect()
    }

    #[test]
    fn titles_are_no_header() {
        for (filled, first) in [
            (&[5, 5, 4][..], 0),
            (&[1, 5, 5, 5], 1),
            (&[1, 2, 6, 6, 5, 6], 2),
            (&[1, 1, 1], 0),
            (&[2, 2], 0),
            (&[], 0),
        ] {
            assert_eq!(first_of(filled), first);
        }
    }

    #[test]
    fn repeats_are_numbered() {
        let mut found = names(&["a", "b", "a", " a", "a_2", "", ""]);
        numbered(&mut found);
        assert_eq!(found, ["a", "b", "a_3", "a_4", "a_2", "", ""]);
    }

    #[test]
    fn blanks_around_a_name_do_not_count_unless_they_tell_two_apart() {
        let table = Name::fixed("t");
        let columns: Vec<ColumnSpec> =
            ["a", " b", "c"].map(|n| ColumnSpec::text(Name::fixed(n))).into();
        let spec = ReadSpec::new(&table, InputFormat::Csv, &columns);
        assert_eq!(positions(&spec, &names(&["c ", "a", " b"])).unwrap(), [1, 2, 0]);
        let columns: Vec<ColumnSpec> = ["b", " b"].map(|n| ColumnSpec::text(Name::fixed(n))).into();
        let spec = ReadSpec::new(&table, InputFormat::Csv, &columns);
        assert_eq!(positions(&spec, &names(&[" b", "b"])).unwrap(), [1, 0]);
        for more in [["b", " b", "  b"], ["b", " b", "b"]] {
            assert!(positions(&spec, &names(&more)).is_err());
        }
    }
}
