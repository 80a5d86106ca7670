//! Prove: the staged files are read again from the disk and what was promised is recomputed from them.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;

use super::detectors::{self, Detected, Detectors};
use super::floors::{self, FloorRecount};
use super::forbidden::{Forbidden, Searched};
use super::joins::{self, Joins};
use super::links::Links;
use super::receipts::{self, ReceiptRecount};
use super::recount::{self, Cells, Recount};
use super::sets::{self, SetRecount};
use super::structure::{Structure, TableShape};
use super::unique;
use crate::digest::{self, Digests};
use crate::error::{Error, Name, Result};
use crate::plan::claims::{ClaimedFile, Claims};
use crate::plan::{Plan, shape};
use crate::policy::model::{InputFormat, OutputFormat};
use crate::progress::Progress;
pub mod cleared;

use crate::formats;
use crate::say;
use crate::schema::Kind;
use cleared::{Anonymized, Cleared, Pseudonymized};

/// What was proved, for the record.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Proof {
    /// Views of the anonymized release as recounted.
    pub views: Vec<Recount>,
    /// Floors of the anonymized release as recounted.
    pub floors: Vec<FloorRecount>,
    /// Sets of items of the anonymized release as recounted.
    pub sets: Vec<SetRecount>,
    /// Whom facts beside the views of the anonymized release single out, as recounted.
    pub unique: crate::plan::unique::Unique,
    /// Distinct source identifiers that were searched for.
    pub identifiers_searched: u64,
    /// Distinct source identifiers too short to be told from other content.
    pub identifiers_too_short: u64,
    /// Distinct cells that were searched.
    pub cells_searched: u64,
    /// Tokens in the pseudonymized and in the anonymized release; none is in both.
    pub tokens: [u64; 2],
    /// By kind: distinct persons recounted.
    pub persons: [u64; 2],
    /// The receipt file as recounted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipts: Option<ReceiptRecount>,
    /// How far the two releases join by content.
    pub joins: Joins,
    /// What the detectors found.
    pub detectors: Detectors,
}

/// Both capabilities, and what they rest on.
pub struct Proved {
    /// For the record.
    pub proof: Proof,
    /// May be published.
    pub anonymized: Cleared<Anonymized>,
    /// May be published.
    pub pseudonymized: Cleared<Pseudonymized>,
}

/// Reads both staged releases and recomputes every promise.
///
/// # Errors
/// The first promises that do not hold; nothing is published then.
pub fn prove(
    plan: &Plan,
    staging: &Path,
    claims: &Claims,
    forbidden: &Forbidden,
    progress: &dyn Progress,
) -> Result<Proved> {
    progress.stage("prove");
    let mut errors = Vec::new();
    let mut proof = Proof {
        views: Vec::new(),
        floors: Vec::new(),
        sets: Vec::new(),
        unique: Default::default(),
        identifiers_searched: forbidden.searched,
        identifiers_too_short: forbidden.too_short,
        cells_searched: 0,
        tokens: [0; 2],
        persons: [0; 2],
        receipts: None,
        joins: Joins::default(),
        detectors: Detectors::new(plan),
    };
    let structures = Kind::BOTH.map(|kind| Structure::of(plan, kind));
    let common = joins::Common::of(&structures);
    let mut signatures: [Vec<joins::Signatures>; 2] = [Vec::new(), Vec::new()];
    let mut tokens: [Vec<[u8; 16]>; 2] = [Vec::new(), Vec::new()];
    let mut digests: [Vec<(String, Digests)>; 2] = [Vec::new(), Vec::new()];
    let links = Links::read(staging)?;
    if links.as_ref().is_some_and(|l| l.persons() != claims.links) {
        errors.push(Error::refused(
            "C0704",
            say!("the file of link keys does not have as many persons as were given keys"),
        ));
    }
    for kind in Kind::BOTH {
        let k = kind as usize;
        let structure = &structures[k];
        // Files are proved side by side; what is found is put together in the order of the tables.
        let read: Vec<FileProof> = recount::by_file(structure)
            .into_par_iter()
            .map(|tables| {
                progress.check()?;
                file_proof(plan, staging, (claims, forbidden), kind, (structure, &common), tables)
            })
            .collect::<Result<_>>()?;
        let mut by_table: Vec<(usize, TableProof)> = Vec::new();
        for file in read {
            errors.extend(file.errors);
            digests[k].push(file.digest);
            by_table.extend(file.tables);
        }
        by_table.sort_by_key(|(t, _)| *t);
        let mut tables = Vec::new();
        for (_, table) in by_table {
            proof.cells_searched += table.searched;
            proof.detectors.add(table.detected);
            errors.extend(table.errors);
            tokens[k].extend(table.tokens);
            proof.floors.extend(table.floors);
            signatures[k].extend(table.signatures);
            tables.push(table.cells);
        }
        if let Some(links) = &links {
            errors.extend(links.check(kind, structure, &tables));
        }
        if let Some(shape) = &structure.receipts {
            let (recount, read) = receipts::recount(staging, structure, shape, &tables)?;
            formats::scan_bytes(&staging.join(&shape.file), InputFormat::Uke, &mut |bytes| {
                if forbidden.in_file(bytes) {
                    errors.push(Error::refused(
                        "C0303",
                        say!("the receipt file of the {} release holds a source value of a direct, id_code, financial or link column", kind),
                    ));
                }
            })?;
            if claims.receipt_lines != Some(recount.lines) {
                errors.push(Error::refused(
                    "C0207",
                    say!("the receipt file does not have as many lines as were written"),
                ));
            }
            // Both digests are of the bytes that were compared.
            let found = digest::file(&staging.join(&shape.file))?;
            if found.sha3_256 != read {
                errors.push(Error::refused(
                    "C0207",
                    say!("the receipt file changed while it was proved"),
                ));
            }
            digests[k].push((shape.file.clone(), found));
            proof.receipts = Some(recount);
        }
        for view in &structure.views {
            progress.check()?;
            let recount = recount::recount(structure, &tables, view)?;
            if !recount.holds {
                errors.push(Error::refused(
                    "C0202",
                    say!(
                        "view `{}`: recounted from the files, a class has fewer than {} persons or too few sensitive values, or another model of the view does not hold",
                        Name::from_policy(view.name.clone()),
                        view.k
                    ),
                ));
            }
            proof.views.push(recount);
        }
        for set in &structure.sets {
            progress.check()?;
            let recount = sets::recount(&tables, structure, set)?;
            if !recount.holds {
                errors.push(Error::refused(
                    "C0206",
                    say!(
                        "set `{}`: recounted from the files, {} items or fewer are shared by fewer than {} persons",
                        Name::from_policy(set.name.clone()),
                        set.m,
                        set.k
                    ),
                ));
            }
            proof.sets.push(recount);
        }
        if kind == Kind::Anonymized {
            progress.check()?;
            proof.unique = unique::measure(structure, &tables)?;
            errors.extend(unique::judge(&proof.unique, &claims.unique, as_measured(plan, claims)));
        }
        proof.persons[k] = recount::persons(structure, &tables);
        if proof.persons[k] != claims.persons[k] {
            errors.push(Error::refused(
                "C0203",
                say!("the {} release does not have as many persons as were processed", kind),
            ));
        }
    }
    for list in &mut tokens {
        list.sort_unstable();
        list.dedup();
    }
    let [pseudonymized, anonymized] = &tokens;
    if pseudonymized.iter().any(|token| anonymized.binary_search(token).is_ok()) {
        errors.push(Error::refused("C0302", say!("the two releases share a token")));
    }
    proof.tokens = [pseudonymized.len() as u64, anonymized.len() as u64];
    proof.joins = joins::measure(signatures);
    proof.detectors.finish(plan);
    // The same finding in many cells of one column is one error.
    let mut seen = BTreeSet::new();
    errors.retain(|e| seen.insert((e.code, e.what.as_str().to_owned())));
    if let Some(error) = Error::all(errors) {
        return Err(error);
    }
    let [pseudonymized, anonymized] = digests;
    Ok(Proved {
        proof,
        anonymized: Cleared::proved(anonymized),
        pseudonymized: Cleared::proved(pseudonymized),
    })
}

/// Whether the files of the anonymized release hold the cells as they were measured, with no character replaced.
fn as_measured(plan: &Plan, claims: &Claims) -> bool {
    let mut files = claims.files.iter().filter(|f| f.kind == Kind::Anonymized);
    plan.output.format == OutputFormat::Csv && files.all(|f| !f.respelled)
}

struct FileProof {
    digest: (String, Digests),
    errors: Vec<Error>,
    /// Each table of it by its number in the structure.
    tables: Vec<(usize, TableProof)>,
}

struct TableProof {
    cells: Cells,
    tokens: Vec<[u8; 16]>,
    searched: u64,
    errors: Vec<Error>,
    detected: (u64, Vec<Detected>),
    floors: Vec<FloorRecount>,
    signatures: Option<joins::Signatures>,
}

/// Everything that is proved of one file: each of its tables by itself, and its bytes.
fn file_proof(
    plan: &Plan,
    staging: &Path,
    (claims, forbidden): (&Claims, &Forbidden),
    kind: Kind,
    (structure, common): (&Structure, &joins::Common),
    numbers: Vec<usize>,
) -> Result<FileProof> {
    let mut errors = Vec::new();
    // The reader hashes what it reads: the digest is of the very bytes that are proved.
    let cells = recount::read_file(staging, structure, &numbers)?;
    let shape = &structure.tables[numbers[0]];
    let digest = (shape.file.clone(), cells[0].digests);
    let path = staging.join(&shape.file);
    let mut made_tables = Vec::new();
    for t in numbers {
        let shape = &structure.tables[t];
        let table = Name::from_policy(shape.name.as_str());
        crate::note!(debug, "proving", table = table, kind = kind);
        let file = claims
            .files
            .iter()
            .find(|f| f.relative == shape.file && plan.tables[f.table].name == table)
            .ok_or_else(|| missing_file(&shape.name, kind))?;
        made_tables.push((t, shape, file));
    }
    let first = made_tables.first().map(|(_, _, file)| file.table);
    let (tables, scanned) = rayon::join(
        || {
            let each = made_tables.into_iter().zip(cells).map(|((t, shape, file), cells)| {
                let mut proof = table_proof(plan, (claims, forbidden), file, kind, shape, cells);
                let of_table = structure.floors.iter().filter(|f| f.table == t);
                for floor in of_table {
                    match floors::recount(shape, &proof.cells, floor) {
                        Some(found) => {
                            if !found.holds {
                                proof.errors.push(floors::broken(&found));
                            }
                            proof.floors.push(found);
                        }
                        None => proof.errors.push(missing_file(&shape.name, kind)),
                    }
                }
                proof.signatures = common.of_table(shape, &proof.cells);
                proof.cells.keep(&structure.counted(t));
                (t, proof)
            });
            each.collect()
        },
        || {
            formats::scan_bytes(&path, structure.format.input(), &mut |bytes| {
                if let (true, Some(table)) = (forbidden.in_file(bytes), first) {
                    errors.push(leak(plan, kind, table, None));
                }
            })
        },
    );
    scanned?;
    Ok(FileProof { digest, errors, tables })
}

/// Everything that is proved of one table by itself.
fn table_proof(
    plan: &Plan,
    (claims, forbidden): (&Claims, &Forbidden),
    file: &ClaimedFile,
    kind: Kind,
    shape: &TableShape,
    cells: Cells,
) -> TableProof {
    let mut errors = Vec::new();
    account(plan, claims, file, &cells, &mut errors);
    let searched = search(plan, kind, file, &cells, forbidden, &mut errors);
    let detected = detectors::detect(plan, kind, file.table, &cells, shape.person, &mut errors);
    let mut tokens = Vec::new();
    for (column, texts) in shape.columns.iter().zip(&cells.texts) {
        if !column.token {
            continue;
        }
        for text in texts.dictionary().texts() {
            match crate::token::parse_token(text) {
                Some(token) => tokens.push(token),
                None => errors.push(Error::refused(
                    "C0301",
                    say!(
                        "table `{}`, column `{}`, {} release: a cell is not a token",
                        Name::from_policy(shape.name.clone()),
                        Name::from_policy(column.name.clone()),
                        kind
                    ),
                )),
            }
        }
    }
    TableProof { cells, tokens, searched, errors, detected, floors: Vec::new(), signatures: None }
}

fn missing_file(table: &str, kind: Kind) -> Error {
    Error::refused(
        "C0204",
        say!("table `{}` of the {} release was not written", Name::from_policy(table), kind),
    )
}

/// rows in = rows out + set aside + removed + excluded, table by table.
fn account(
    plan: &Plan,
    claims: &Claims,
    file: &ClaimedFile,
    cells: &Cells,
    errors: &mut Vec<Error>,
) {
    let t = file.table;
    let k = file.kind as usize;
    let said = &claims.tables[t];
    let (excluded, removed) = (said.excluded[k], said.removed[k]);
    let expected = said.read.checked_sub(said.aside + excluded + removed);
    if expected != Some(cells.rows) || file.rows != cells.rows {
        errors.push(Error::refused(
            "C0205",
            say!(
                "table `{}`, {} release: the rows do not balance (in {} = out {} + set aside {} + excluded {} + removed {})",
                plan.tables[t].name,
                file.kind,
                said.read,
                cells.rows,
                said.aside,
                excluded,
                removed
            ),
        ));
    }
}

fn search(
    plan: &Plan,
    kind: Kind,
    file: &ClaimedFile,
    cells: &Cells,
    forbidden: &Forbidden,
    errors: &mut Vec<Error>,
) -> u64 {
    let table = &plan.tables[file.table];
    let released = shape::released(table, kind, &plan.output);
    let found: Vec<(usize, u64, bool)> = released
        .par_iter()
        .zip(&cells.texts)
        .map(|(r, texts)| {
            let column = &table.columns[r.column];
            let name = column.treatment(kind).treatment.doc().name;
            if name == "pseudonym" || name == "surrogate" {
                // Tokens are checked for their form; their letters are random.
                return (r.column, 0, false);
            }
            let searched = Searched {
                ty: r.ty,
                coded: column.facts.code.is_some(),
                coincides: column.coincides.is_some(),
                ranges: shape::RANGES.contains(&name),
            };
            let hit = texts
                .dictionary()
                .texts()
                .any(|text| !column.facts.is_special(text) && forbidden.in_cell(text, searched));
            (r.column, texts.dictionary().len() as u64, hit)
        })
        .collect();
    let mut all = 0;
    for (column, searched, hit) in found {
        all += searched;
        if hit {
            errors.push(leak(plan, kind, file.table, Some(column)));
        }
    }
    all
}

fn leak(plan: &Plan, kind: Kind, table: usize, column: Option<usize>) -> Error {
    let table = &plan.tables[table];
    let place = match column {
        Some(column) => {
            say!("table `{}`, column `{}`", table.name, table.columns[column].facts.column)
        }
        None => say!("the file of table `{}`", table.name),
    };
    Error::refused(
        "C0303",
        say!("{} of the {} release holds a source value of a direct, id_code, financial or link column", place, kind),
    )
    .advice(say!(
        "drop or generalize the column; if its values only coincide with names (prefectures that are family names too), say so with `coincides = \"why\"`"
    ))
}
