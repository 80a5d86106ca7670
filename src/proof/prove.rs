//! Prove: the staged files are read again from the disk and what was promised is recomputed from them.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use super::detectors::{Detected, Detectors};
use super::floors::FloorRecount;
use super::forbidden::Forbidden;
use super::joins::{self, Joins};
use super::links::Links;
use super::pass::{Hits, Known, Passed, TablePass};
use super::receipts::{self, ReceiptRecount};
use super::recount::{self, Recount};
use super::sets::{self, SetRecount};
use super::steady;
use super::structure::Structure;
use super::unique;
use crate::digest::{self, Digests};
use crate::error::{Error, Name, Result};
use crate::plan::claims::{ClaimedFile, Claims};
use crate::plan::steady::Divided;
use crate::plan::{Plan, shape};
use crate::policy::model::{InputFormat, OutputFormat, Tier};
use crate::progress::Progress;
pub mod cleared;

use crate::formats;
use crate::formats::spill::Shelf;
use crate::say;
use crate::schema::{ByKind, Kind};
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
    /// What facts that are the same in all rows of a person make of the views, as recounted.
    #[serde(skip)]
    pub steady: Vec<Divided>,
    /// Distinct source identifiers that were searched for.
    pub identifiers_searched: u64,
    /// Distinct source identifiers too short to be told from other content.
    pub identifiers_too_short: u64,
    /// Distinct cells that were searched.
    pub cells_searched: u64,
    /// Tokens in the pseudonymized and in the anonymized release; none is in both.
    pub tokens: ByKind<u64>,
    /// By kind: distinct persons recounted.
    pub persons: ByKind<u64>,
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
/// With `spill`, a folder, memory is scarce: files are proved one after the other, and what waits for the other release waits
/// there.
///
/// # Errors
/// The first promises that do not hold; nothing is published then.
pub fn prove(
    plan: &Plan,
    staging: &Path,
    claims: &Claims,
    forbidden: &Forbidden,
    spill: Option<&Path>,
    progress: &dyn Progress,
) -> Result<Proved> {
    progress.room("prove");
    let shelf = spill.map(Shelf::create).transpose()?.map(Arc::new);
    let proving = Proving { plan, staging, claims, forbidden, shelf, progress };
    let mut errors = Vec::new();
    let mut proof = Proof {
        views: Vec::new(),
        floors: Vec::new(),
        sets: Vec::new(),
        unique: Default::default(),
        steady: Vec::new(),
        identifiers_searched: forbidden.searched,
        identifiers_too_short: forbidden.too_short,
        cells_searched: 0,
        tokens: ByKind::default(),
        persons: ByKind::default(),
        receipts: None,
        joins: Joins::default(),
        detectors: Detectors::new(plan),
    };
    let structures = ByKind::of(|kind| Structure::of(plan, kind));
    let common = joins::Common::of(&structures);
    let mut signatures: ByKind<Vec<joins::Signatures>> = ByKind::default();
    let mut tokens: ByKind<Vec<[u8; 16]>> = ByKind::default();
    let mut digests: ByKind<Vec<(String, Digests)>> = ByKind::default();
    let links = Links::read(staging)?;
    if links.as_ref().is_some_and(|l| l.persons() != claims.links) {
        errors.push(Error::refused(
            "C0704",
            say!("the file of link keys does not have as many persons as were given keys"),
        ));
    }
    for kind in Kind::BOTH {
        let structure = &structures[kind];
        let read = proving.files(kind, structure, &common, links.as_ref(), &mut tokens[kind])?;
        let mut by_table: Vec<(usize, TableProof)> = Vec::new();
        for file in read {
            errors.extend(file.errors);
            digests[kind].extend(file.digests);
            by_table.extend(file.tables);
        }
        by_table.sort_by_key(|(t, _)| *t);
        let mut tables = Vec::new();
        for (_, table) in by_table {
            let passed = table.passed;
            proof.cells_searched += passed.searched;
            proof.detectors.add(table.detected);
            errors.extend(passed.errors);
            proof.floors.extend(passed.floors);
            signatures[kind].extend(passed.signatures);
            tables.push(passed.cells);
        }
        if let Some(links) = &links {
            errors.extend(links.check(kind, structure, &tables));
        }
        if let Some(shape) = &structure.receipts {
            let (recount, digest) =
                proving.receipts(kind, structure, shape, &tables, &mut errors)?;
            digests[kind].push((shape.file.clone(), digest));
            proof.receipts = Some(recount);
        }
        proof.views.extend(proving.views(structure, &tables, &mut errors)?);
        proof.sets.extend(proving.sets(structure, &tables, &mut errors)?);
        if kind == Kind::Anonymized {
            progress.check()?;
            proof.unique = unique::measure(structure, &tables)?;
            let exact = as_measured(plan, claims);
            errors.extend(unique::judge(&proof.unique, &claims.unique, exact));
            progress.check()?;
            proof.steady = steady::recount(structure, &tables)?;
            errors.extend(steady::judge(&proof.steady, &claims.steady, exact));
            if plan.tier == Some(Tier::Public) {
                errors.extend(steady::without_reason(&proof.steady));
            }
        }
        proof.persons[kind] = recount::persons(structure, &tables);
        if proof.persons[kind] != claims.persons[kind] {
            errors.push(Error::refused(
                "C0203",
                say!("the {} release does not have as many persons as were processed", kind),
            ));
        }
    }
    let ByKind { pseudonymized, anonymized } = &tokens;
    if pseudonymized.iter().any(|token| anonymized.binary_search(token).is_ok()) {
        errors.push(Error::refused("C0302", say!("the two releases share a token")));
    }
    proof.tokens = tokens.each_ref().map(|tokens| tokens.len() as u64);
    proof.joins = joins::measure(signatures)?;
    proof.detectors.finish(plan);
    // The same finding in many cells of one column is one error.
    let mut seen = BTreeSet::new();
    errors.retain(|e| seen.insert((e.code, e.what.as_str().to_owned())));
    if let Some(error) = Error::all(errors) {
        return Err(error);
    }
    let ByKind { pseudonymized, anonymized } = digests;
    Ok(Proved {
        proof,
        anonymized: Cleared::proved(anonymized),
        pseudonymized: Cleared::proved(pseudonymized),
    })
}

/// What both releases are proved with.
struct Proving<'a> {
    plan: &'a Plan,
    staging: &'a Path,
    claims: &'a Claims,
    forbidden: &'a Forbidden,
    /// Where signatures wait for the other release, if memory is scarce.
    shelf: Option<Arc<Shelf>>,
    progress: &'a dyn Progress,
}

impl Proving<'_> {
    /// Proves each file by itself; their tokens go into `tokens`, sorted, each once.
    fn files(
        &self,
        kind: Kind,
        structure: &Structure,
        common: &joins::Common,
        links: Option<&Links>,
        tokens: &mut Vec<[u8; 16]>,
    ) -> Result<Vec<FileProof>> {
        let Proving { plan, staging, claims, forbidden, shelf, progress } = self;
        // Files are proved side by side; what is found is put together in the order of the tables.
        let all_tokens = Mutex::new(Vec::new());
        let prove_file = |tables| {
            progress.check()?;
            let persons = claims.persons[kind];
            let known = Known { plan, kind, structure, forbidden, links, common, persons };
            let mut proof = file_proof(staging, claims, known, tables)?;
            for (_, table) in &mut proof.tables {
                merge(&all_tokens, std::mem::take(&mut table.passed.tokens));
                if let (Some(shelf), Some(signatures)) = (shelf, &mut table.passed.signatures) {
                    signatures.shelve(shelf)?;
                }
            }
            Ok(proof)
        };
        let files = recount::by_file(structure);
        let read: Vec<FileProof> = match shelf {
            Some(_) => files.into_iter().map(prove_file).collect::<Result<_>>()?,
            None => files.into_par_iter().map(prove_file).collect::<Result<_>>()?,
        };
        *tokens = all_tokens.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(read)
    }

    /// The receipt file as recounted, and its digests.
    fn receipts(
        &self,
        kind: Kind,
        structure: &Structure,
        shape: &receipts::ReceiptShape,
        tables: &[recount::Cells],
        errors: &mut Vec<Error>,
    ) -> Result<(ReceiptRecount, Digests)> {
        let Proving { staging, claims, forbidden, .. } = self;
        let (recount, read) = receipts::recount(staging, structure, shape, tables)?;
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
        Ok((recount, found))
    }

    fn views(
        &self,
        structure: &Structure,
        tables: &[recount::Cells],
        errors: &mut Vec<Error>,
    ) -> Result<Vec<Recount>> {
        let mut recounted = Vec::new();
        for view in &structure.views {
            self.progress.check()?;
            let recount = recount::recount(structure, tables, view)?;
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
            recounted.push(recount);
        }
        Ok(recounted)
    }

    /// The sets of items of a person.
    fn sets(
        &self,
        structure: &Structure,
        tables: &[recount::Cells],
        errors: &mut Vec<Error>,
    ) -> Result<Vec<SetRecount>> {
        let mut recounted = Vec::new();
        for set in &structure.sets {
            self.progress.check()?;
            let recount = sets::recount(tables, structure, set)?;
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
            recounted.push(recount);
        }
        Ok(recounted)
    }
}

/// Puts tokens among those that are there already: sorted, each once.
fn merge(all: &Mutex<Vec<[u8; 16]>>, mut more: Vec<[u8; 16]>) {
    more.par_sort_unstable();
    more.dedup();
    // Nothing panics while it is held.
    let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
    more.retain(|token| all.binary_search(token).is_err());
    all.extend(more);
    all.par_sort_unstable();
}

/// Whether the files of the anonymized release hold the cells as they were measured, with no character replaced.
fn as_measured(plan: &Plan, claims: &Claims) -> bool {
    let mut files = claims.files.iter().filter(|f| f.kind == Kind::Anonymized);
    let mut written = shape::files(plan, Kind::Anonymized).into_iter();
    written.all(|f| f.format(plan) == OutputFormat::Csv) && files.all(|f| !f.respelled)
}

struct FileProof {
    digests: Vec<(String, Digests)>,
    errors: Vec<Error>,
    /// Each table of it by its number in the structure.
    tables: Vec<(usize, TableProof)>,
}

struct TableProof {
    passed: Passed,
    detected: (u64, Vec<Detected>),
}

/// Everything that is proved of one file: each of its tables by itself, and its bytes.
fn file_proof(
    staging: &Path,
    claims: &Claims,
    known: Known<'_>,
    numbers: Vec<usize>,
) -> Result<FileProof> {
    let Known { plan, kind, structure, forbidden, .. } = known;
    let mut errors = Vec::new();
    let mut files = Vec::new();
    let mut passes = Vec::new();
    for &t in &numbers {
        let shape = &structure.tables[t];
        let table = Name::from_policy(shape.name.as_str());
        crate::note!(debug, "proving", table = table, kind = kind);
        let file = claims
            .files
            .iter()
            .find(|f| f.relative == shape.file && plan.tables[f.table].name == table)
            .ok_or_else(|| missing_file(&shape.name, kind))?;
        passes.push(TablePass::new(known, t, file));
        files.push(file);
    }
    let paths = recount::paths(staging, &structure.tables[numbers[0]])?;
    let first = files.first().map(|file| file.table);
    // The reader hashes what it reads: the digest is of the very bytes that are proved.
    let (digests, scanned) = rayon::join(
        || recount::stream(staging, structure, &numbers, &mut |t, rows| passes[t].see(&rows)),
        || {
            let format = structure.tables[numbers[0]].format(structure);
            paths.iter().try_for_each(|path| {
                formats::scan_bytes(&staging.join(path), format, &mut |bytes| {
                    if let (true, Some(table)) = (forbidden.in_file(bytes), first) {
                        errors.push(leak(plan, kind, table, None));
                    }
                })
            })
        },
    );
    scanned?;
    let digests = digests?;
    let passed: Vec<Passed> = passes.into_iter().map(TablePass::finish).collect();
    // Whose the findings of the detectors are is asked of the file again: there is seldom one.
    let mut hits: Vec<Hits> = numbers.iter().map(|_| Hits::default()).collect();
    if passed.iter().any(|p| !p.findings.is_empty()) {
        let again = recount::stream(staging, structure, &numbers, &mut |t, rows| {
            hits[t].see(&rows, structure.tables[numbers[t]].person, &passed[t].findings);
            Ok(())
        })?;
        if again != digests {
            return Err(Error::refused(
                "C0207",
                say!("a file of the {} release changed while it was proved", kind),
            ));
        }
    }
    let mut tables = Vec::new();
    for (((t, mut passed), hits), file) in numbers.iter().copied().zip(passed).zip(hits).zip(files)
    {
        let mut found = Vec::new();
        account(plan, claims, file, passed.cells.rows, &mut found);
        let detected = hits.told((plan, kind, file), &passed.findings, &mut found);
        passed.findings = Vec::new();
        passed.errors.splice(..0, found);
        let detected = (passed.looked, detected);
        tables.push((t, TableProof { passed, detected }));
    }
    Ok(FileProof { digests, errors, tables })
}

pub(super) fn missing_file(table: &str, kind: Kind) -> Error {
    Error::refused(
        "C0204",
        say!("table `{}` of the {} release was not written", Name::from_policy(table), kind),
    )
}

/// rows in = rows out + set aside + removed + excluded, table by table.
fn account(plan: &Plan, claims: &Claims, file: &ClaimedFile, rows: u64, errors: &mut Vec<Error>) {
    let t = file.table;
    let said = &claims.tables[t];
    let (excluded, removed) = (said.excluded[file.kind], said.removed[file.kind]);
    let expected = said.read.checked_sub(said.aside + excluded + removed);
    if expected != Some(rows) || file.rows != rows {
        errors.push(Error::refused(
            "C0205",
            say!(
                "table `{}`, {} release: the rows do not balance (in {} = out {} + set aside {} + excluded {} + removed {})",
                plan.tables[t].name,
                file.kind,
                said.read,
                rows,
                said.aside,
                excluded,
                removed
            ),
        ));
    }
}

pub(super) fn leak(plan: &Plan, kind: Kind, table: usize, column: Option<usize>) -> Error {
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
