//! Genome data that are an individual identification code (個人識別符号, 施行令1条1号イ): files of sequences in the input folder, and
//! tables whose released columns hold genotypes at so many places that they name a person. Neither can be processed into a release.

use std::path::{Path, PathBuf};

use super::intake::{columns_of, read_spec};
use crate::detect::genotypes::{Genotypes, LOCI, SNPS};
use crate::error::{Error, Name, Result};
use crate::formats;
use crate::frame::Column;
use crate::plan::{Plan, TablePlan};
use crate::policy::model::Holds;
use crate::say;
use crate::schema::Kind;

/// Rows of a table that are looked at.
const SAMPLE: usize = 2_000;

/// The error of a file of sequences; none if it is none.
#[must_use]
pub fn file(path: &Path) -> Option<Error> {
    let kind = formats::genome::kind(path)?;
    Some(
        Error::data(
            "D0420",
            say!("a file of the input folder holds genome sequences ({}), which are an individual identification code (個人識別符号: 施行令1条1号イ): they cannot be processed into a release", kind),
        )
        .advice(say!("take it out of the input folder")),
    )
}

/// Refuses files of sequences that tables read, and tables with genotypes.
///
/// # Errors
/// Such a file or table.
pub fn check(plan: &Plan, files: &[Vec<PathBuf>]) -> Result<()> {
    let mut errors: Vec<Error> = files.iter().flatten().filter_map(|path| file(path)).collect();
    errors.truncate(1);
    for (table, paths) in plan.tables.iter().zip(files) {
        // The parts of a long table are read with its first.
        let parts: Vec<&TablePlan> = match &table.part {
            None => vec![table],
            Some(part) => plan
                .tables
                .iter()
                .filter(|t| t.part.as_ref().is_some_and(|p| p.of == part.of))
                .collect(),
        };
        let shown = |c: usize| {
            let of = |t: &&TablePlan| {
                Kind::BOTH.iter().any(|&k| {
                    let treatment = t.columns[c].treatment(k);
                    treatment.output.is_some() && !treatment.treatment.shows().gone()
                })
            };
            parts.iter().any(of)
        };
        let Some(columns) = paths.first().and_then(|path| sample(table, path)) else { continue };
        let in_file = (0..table.columns.len()).filter(|&c| !table.columns[c].made);
        let released: Vec<(&Name, &Column)> = in_file
            .zip(&columns)
            .filter(|(c, _)| shown(*c))
            .map(|(c, cells)| (&table.columns[c].facts.column, cells))
            .collect();
        let found = Genotypes::of(released.iter().map(|(name, cells)| (name.as_str(), *cells)));
        if found.identify() {
            errors.push(
                Error::data(
                    "D0421",
                    say!("table `{}`: released columns hold genotypes at {} single nucleotides and {} loci of repeats; {} of the former or {} of the latter are an individual identification code (個人識別符号: 施行令1条1号イ), which no release may have", table.name, found.snps as u64, found.loci as u64, SNPS as u64, LOCI as u64),
                )
                .advice(say!("role = \"id_code\" and \"drop\" for these columns in both releases")),
            );
        }
    }
    Error::all(errors).map_or(Ok(()), Err)
}

/// The first rows of a file, where it is a table; what is wrong with it is told by who reads all of it.
fn sample(table: &TablePlan, path: &Path) -> Option<Vec<Column>> {
    let columns = columns_of(table);
    let spec = read_spec(table, path, &columns).ok()?;
    if !matches!(spec.format.facts().holds, Holds::Text | Holds::Table | Holds::Sheets) {
        return None;
    }
    let batch = formats::open(path, &spec).ok()?.next(SAMPLE).ok()??;
    Some(batch.table.columns)
}
