//! `kakou layout join`: the tables of a long layout as one long file again, for programs that read nothing else.
//!
//! For a release made code by code; one that is to be long from the beginning says so in its policy (`long`), and the record
//! covers it. The rows of a person stand together, stay by stay, in the order of the policy's `when` and of their content. The order
//! of the source is not kept on purpose: what order tells is not part of a release.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::link::write_new;
use super::{Failure, Outcome, Show, prepare, shown};
use crate::error::{Error, Name};
use crate::formats;
use crate::frame::MISSING;
use crate::plan::shape;
use crate::plan::{Plan, TablePlan};
use crate::proof::recount;
use crate::proof::structure::Structure;
use crate::say;
use crate::schema::Kind;
use crate::words;

/// Puts the tables of a long layout together again.
#[derive(Args, Debug)]
pub struct Join {
    /// The folder of one release: `OUT/<release-id>/pseudonymized` or `.../anonymized`.
    folder: PathBuf,
    /// The policy that made it.
    #[arg(long)]
    policy: PathBuf,
    /// The long table: `ff1`.
    #[arg(long)]
    table: String,
    /// The file to make, in the encoding and with the separator of the layout.
    #[arg(long)]
    out: PathBuf,
}

/// A row on its way: what it is sorted by, then its cells in the order of the layout.
type Row = (Vec<String>, usize, Vec<String>);

impl Join {
    /// Runs it.
    ///
    /// # Errors
    /// A table that is not long, files that are not those of the policy, a character that the encoding lacks, I/O.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let prepared = prepare(&self.policy)?;
        let plan = &prepared.plan;
        let fail = |e: Error| Failure::new(e, &prepared.loaded.sources);
        let kind = match self.folder.file_name().and_then(|n| n.to_str()) {
            Some("pseudonymized") => Kind::Pseudonymized,
            Some("anonymized") => Kind::Anonymized,
            _ => {
                return Err(fail(
                    Error::policy(
                        "P0307",
                        say!("{} is not the folder of a release", shown(&self.folder)),
                    )
                    .advice(say!(
                        "give OUT/<release-id>/pseudonymized or OUT/<release-id>/anonymized"
                    )),
                ));
            }
        };
        let parts: Vec<&TablePlan> = plan
            .tables
            .iter()
            .filter(|t| t.part.as_ref().is_some_and(|p| p.of.as_str() == self.table))
            .collect();
        let Some(first) = parts.first() else {
            let what = say!("the policy has no long table `{}`", Name::from_policy(&self.table));
            return Err(fail(Error::policy("P0102", what)));
        };
        if first.long(kind).is_some() {
            return Err(fail(
                Error::policy(
                    "P0307",
                    say!(
                        "`{}` is one long file of the release already",
                        Name::from_policy(&self.table)
                    ),
                )
                .advice(say!("it stands in the folder of the release, and the record covers it")),
            ));
        }
        let mut rows: Vec<Row> = Vec::new();
        for (order, part) in parts.iter().enumerate() {
            read(plan, part, kind, &self.folder, order, &mut rows).map_err(fail)?;
        }
        rows.sort();
        let source = &first.source;
        let delimiter = source.delimiter.as_deref().unwrap_or(",");
        let mut bytes = Vec::new();
        let mut replaced = 0;
        let mut put = |cells: &mut dyn Iterator<Item = &str>| -> crate::error::Result<()> {
            for (at, cell) in cells.enumerate() {
                if at > 0 {
                    bytes.extend_from_slice(delimiter.as_bytes());
                }
                if cell.contains(['\r', '\n', '"']) || cell.contains(delimiter) {
                    let name = first.in_file().nth(at).map(|c| c.facts.column.clone());
                    return Err(Error::refused(
                        "C0503",
                        say!(
                            "table `{}`, column `{}`: a cell holds a separator, a quote or a line break, which this layout cannot write",
                            first.name,
                            name
                        ),
                    ));
                }
                let unencodable = plan.output.unencodable;
                if !formats::encode(cell, source.encoding, unencodable, &mut bytes, &mut replaced) {
                    let what = say!(
                        "table `{}`: a character does not exist in the encoding of the layout",
                        Name::from_policy(&self.table)
                    );
                    return Err(Error::refused("C0501", what).advice(say!(
                        "output.unencodable = \"map\", \"geta\" or \"question-mark\" in the policy"
                    )));
                }
            }
            bytes.extend_from_slice(b"\r\n");
            Ok(())
        };
        if source.header {
            put(&mut first.in_file().map(|c| c.facts.column.as_str())).map_err(fail)?;
        }
        for (_, _, cells) in &rows {
            put(&mut cells.iter().map(String::as_str)).map_err(fail)?;
        }
        write_new(&self.out, &bytes).map_err(fail)?;
        show.json(
            &json!({ "out": self.out.to_string_lossy(), "rows": rows.len(), "replaced": replaced }),
        );
        show.line(&words!("{}: {} rows, {} characters replaced; this copy is not covered by the record of the release", self.out.display(), rows.len(), replaced));
        Ok(())
    }
}

/// Reads one part of a release as rows of the layout; columns that are left out are empty.
fn read(
    plan: &Plan,
    part: &TablePlan,
    kind: Kind,
    folder: &Path,
    order: usize,
    rows: &mut Vec<Row>,
) -> crate::error::Result<()> {
    let Some(t) = plan.tables.iter().position(|t| t.name == part.name) else { return Ok(()) };
    let released = shape::released(plan, t, kind);
    if released.is_empty() {
        return Ok(());
    }
    let structure = Structure::of(plan, kind);
    let Some(at) = structure.tables.iter().position(|s| s.name == part.name.as_str()) else {
        return Ok(());
    };
    let root = folder.parent().unwrap_or(Path::new(""));
    let found = recount::read_file(root, &structure, &[at])?;
    let Some(cells) = found.first() else { return Ok(()) };
    // The places of the layout's columns; a made column has none.
    let place: Vec<Option<usize>> = {
        let mut next = 0..;
        part.columns.iter().map(|c| if c.made { None } else { next.next() }).collect()
    };
    let width = part.in_file().count();
    let person = part.keys[part.person_key].token;
    let keys: Vec<usize> = std::iter::once(person)
        .chain(part.keys.iter().map(|k| k.token).filter(|&t| t != person))
        .filter_map(|t| released.iter().position(|r| r.column == t))
        .collect();
    for row in 0..cells.rows as usize {
        let cell = |at: usize| match cells.columns[at][row] {
            MISSING => String::new(),
            code => cells.texts[at].dictionary().text(code).to_owned(),
        };
        let mut own = vec![String::new(); width];
        // The value that decides the meaning of the row is known even where it is not released as a column.
        for (column, values) in part.part.iter().flat_map(|p| &p.matching) {
            if let (Some(at), [value]) = (place[*column], values.as_slice()) {
                own[at].clone_from(value);
            }
        }
        for (at, r) in released.iter().enumerate() {
            if let Some(place) = place[r.column] {
                own[place] = cell(at);
            }
        }
        rows.push((keys.iter().map(|&k| cell(k)).collect(), order, own));
    }
    Ok(())
}
