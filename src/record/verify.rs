//! Verify: recomputes every digest and every count of a release from its folder alone.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::attest::{self, Subject};
use super::stamp::{self, Anchors, Stamp};
use super::state::{self, State};
use super::statement::{MANIFEST, STATEMENT, Statement, SteadyTold, Unread};
use super::{balance, ledger, objections, seal};
use crate::digest::{self, hex};
use crate::error::{Error, Name, Result, Said, small};
use crate::keys::PublicKey;
use crate::lang::Lang;
use crate::plan::unique::Unique;
use crate::policy::model::Tier;
use crate::proof::floors::{self, FloorRecount};
use crate::proof::joins::{self, Joins};
use crate::proof::links::Links;
use crate::proof::receipts;
use crate::proof::recount::{self, Cells, Recount};
use crate::proof::sets;
use crate::proof::steady;
use crate::proof::structure::Structure;
use crate::proof::unique;
use crate::release::Thing;
use crate::say;
use crate::schema::{ByKind, Kind};

/// What verify found when everything holds.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verified {
    /// The id of the release as the statement names it.
    pub release: String,
    /// Files whose digests were recomputed.
    pub files: u64,
    /// Rows counted, by release kind.
    pub rows: ByKind<u64>,
    /// Distinct persons counted, by release kind.
    pub persons: ByKind<u64>,
    /// The floors as recounted.
    pub floors: Vec<FloorRecount>,
    /// The views as recounted.
    pub views: Vec<Recount>,
    /// Whom facts beside the views single out, as recounted.
    pub unique: Unique,
    /// What facts that are the same in all rows of a person make of the views, as recounted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steady: Vec<SteadyTold>,
    /// Who receives the anonymized release, as the statement says; none if it says nothing.
    pub tier: Option<String>,
    /// What speaks against declarations, and stays with the policy's reason, as the statement says.
    pub reasons: Vec<String>,
    /// The same in Japanese.
    #[serde(skip)]
    pub reasons_ja: Vec<String>,
    /// Whether the record says that this is not for release.
    pub not_for_release: bool,
    /// Who signed; nobody if the run was not signed.
    pub signed: Option<SignedBy>,
    /// Whether this is what a recipient has: one release with its public statement, without the confidential record.
    pub package: bool,
    /// Which of the two releases a package has; none of a release folder, which has both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// The signed statement that was verified.
    pub statement_file: String,
    /// How far the release has come.
    pub state: State,
    /// Whether the state was held against the ledger; without one anyone who can write in the folder can take it back.
    pub state_checked: bool,
    /// Ids of keys that approved or sealed a recipient's package and are none of the given ones.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub strangers: Vec<String>,
    /// Where the run is entered; nowhere if it was run without a ledger.
    pub entered: Option<Entered>,
    /// Time stamps of the ledger that count the run's entry, the oldest first.
    pub stamps: Vec<Stamp>,
    /// How far the two releases join by content, measured again; none for a recipient's package, which has one of them.
    pub joins: Option<Joins>,
    /// What the record says of exclusion lists and of the eligibility file.
    pub objections: Vec<Said>,
}

impl Verified {
    /// Adds the time stamps of the ledger that count the run's entry.
    ///
    /// # Errors
    /// If a stamp of the ledger does not hold, or authorities are given and none of theirs is about this run.
    pub fn stamped(&mut self, ledger: Option<&Path>, anchors: &Anchors) -> Result<()> {
        let (Some(folder), Some(entered)) = (ledger, &self.entered) else { return Ok(()) };
        let book = ledger::Ledger::at(folder).read(&[])?;
        let mut stamps = stamp::all(folder, &book, anchors)?;
        stamps.retain(|s| s.entries > entered.index);
        if stamps.is_empty() && !anchors.none() {
            return Err(Error::refused(
                "R0245",
                say!("no time stamp of the ledger counts the entry of this run"),
            )
            .advice(say!("`kakou ledger stamp LEDGER --request FILE` asks for one")));
        }
        self.stamps = stamps;
        Ok(())
    }
}

/// Where a run is entered.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entered {
    /// The name of the ledger.
    pub ledger: String,
    /// The number of the entry, from 0.
    pub index: u64,
    /// When.
    pub at: String,
    /// Whether the ledger itself was looked into.
    pub checked: bool,
}

/// Whose signature holds.
#[derive(Clone, Debug, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SignedBy {
    /// The id of the key.
    pub key_id: String,
    /// Whether the caller named this key.
    pub trusted: bool,
}

fn wrong(what: Said) -> Error {
    Error::refused("C0801", what)
}

/// What the caller trusts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Trust<'a> {
    /// Keys that may have signed; with none, those that the record itself names.
    pub keys: &'a [PublicKey],
    /// The ledger that the run must be in.
    pub ledger: Option<&'a Path>,
}

/// Verifies a release folder. With keys it must be signed by one of them, with a ledger it must be entered there.
///
/// # Errors
/// Everything that does not hold, each named.
pub fn verify(folder: &Path, trust: Trust<'_>) -> Result<Verified> {
    look(folder, trust, false)
}

/// As [`verify`], for the one who brings the release to its next state: a killed one may have entered that state already.
///
/// # Errors
/// As [`verify`].
pub(super) fn verify_behind(folder: &Path, trust: Trust<'_>) -> Result<Verified> {
    look(folder, trust, true)
}

fn look(folder: &Path, trust: Trust<'_>, behind: bool) -> Result<Verified> {
    let keys = trust.keys;
    if !folder.join(MANIFEST).exists()
        && let Some(kind) =
            Kind::BOTH.into_iter().find(|&k| folder.join(seal::release_file(k)).exists())
    {
        return package(folder, kind, trust, &super::package::BESIDE);
    }
    if !folder.is_dir() {
        return Err(Error::environment("X0405", say!("there is no such release folder"))
            .advice(say!("name the folder of the release itself (`OUT/<release-id>`), which `kakou run` printed")));
    }
    let (files, signed) = as_sealed(folder, keys)?;
    let statement = own_statement(folder, signed.as_ref())?;
    let reached = state::state(folder, keys)?;
    let (entered, book) = ledger_entry(folder, trust, &statement)?;
    if let Some(book) = &book {
        state::against(folder, book, &statement.release, reached, behind)?;
    }
    let mut errors = Vec::new();
    if let Err(error) = balance::check(&statement) {
        errors.extend(error.each().cloned());
    }
    let mut verified = Verified {
        package: false,
        kind: None,
        statement_file: seal::RUN_FILE.to_owned(),
        strangers: Vec::new(),
        state: reached,
        state_checked: book.is_some(),
        signed,
        entered,
        joins: None,
        stamps: Vec::new(),
        objections: Vec::new(),
        release: statement.release.clone(),
        files,
        rows: ByKind::default(),
        persons: ByKind::default(),
        views: Vec::new(),
        floors: Vec::new(),
        unique: Unique::default(),
        steady: Vec::new(),
        tier: statement.policy.tier.map(|tier| tier.word().to_owned()),
        reasons: statement.reasons(Lang::En).map(str::to_owned).collect(),
        reasons_ja: statement.reasons(Lang::Ja).map(str::to_owned).collect(),
        not_for_release: statement.not_for_release,
    };
    let structures = ByKind::of(|kind| statement.structure[kind].clone());
    let common = joins::Common::of(&structures);
    let mut signatures: ByKind<Vec<joins::Signatures>> = ByKind::default();
    let linked = Links::read(folder)?;
    let told = statement.link_keys.as_ref();
    let persons = linked.as_ref().map(|l| small(l.persons()));
    if told.map(|t| t.persons.as_str()) != persons.as_ref().map(Name::as_str)
        || told.is_some_and(|t| t.release != statement.release)
    {
        errors.push(wrong(say!("the link keys are not those that the record tells of")));
    }
    let statement = &statement;
    let recounting = Recounting { folder, statement, linked: linked.as_ref(), common: &common };
    for kind in Kind::BOTH {
        let found = &mut signatures[kind];
        recounting.release(kind, &structures[kind], found, &mut verified, &mut errors)?;
    }
    let joins = joins::measure(signatures)?;
    // Records of older programs do not tell it.
    if statement.proof.joins.as_ref().is_some_and(|told| *told != joins) {
        errors.push(wrong(say!(
            "how far the two releases join by content is not what the record says"
        )));
    }
    verified.joins = Some(joins);
    verified.objections = objections::told(statement);
    Error::all(errors).map_or(Ok(verified), Err)
}

/// Holds one file of a release folder against its manifest: what is shown of it is as the run wrote it. The others, and who signed the
/// manifest, are for [`verify`].
///
/// # Errors
/// `C0801` if the file is another or the manifest is damaged; I/O.
pub fn as_listed(folder: &Path, path: &str) -> Result<()> {
    let manifest = std::fs::read(folder.join(MANIFEST))
        .map_err(|e| Error::io("X0403", say!("reading {} of the release", MANIFEST), &e))?;
    let listed = parse_manifest(&manifest).ok_or_else(|| wrong(say!("{} is damaged", MANIFEST)))?;
    match listed.get(path) {
        Some(line) => as_line(folder, path, line),
        None => Err(wrong(say!("the file {} is not part of the release", shown(path)))),
    }
}

/// Holds a file against its line of the manifest.
fn as_line(folder: &Path, path: &str, line: &Line) -> Result<()> {
    let d = digest::file(&folder.join(path))?;
    if hex(&d.sha256) != line.0 || hex(&d.sha3_256) != line.1 || d.bytes != line.2 {
        return Err(wrong(say!("the file {} is not as it was sealed", shown(path))));
    }
    Ok(())
}

/// Holds every file of a release folder against its manifest; gives the number of files, and who signed the manifest.
fn as_sealed(folder: &Path, keys: &[PublicKey]) -> Result<(u64, Option<SignedBy>)> {
    let mut errors = Vec::new();
    let manifest = std::fs::read(folder.join(MANIFEST))
        .map_err(|e| Error::io("X0403", say!("reading {} of the release", MANIFEST), &e))?;
    let listed = match parse_manifest(&manifest) {
        Some(listed) => listed,
        None => return Err(wrong(say!("{} is damaged", MANIFEST))),
    };
    let mut present = files(folder, &mut errors)?;
    present.remove(MANIFEST);
    let signed = signature(folder, keys, &listed, &manifest, &mut errors)?;
    for beside in seal::BESIDE_MANIFEST {
        present.remove(beside);
    }
    for path in listed.keys().filter(|p| !present.contains(*p)) {
        errors.push(wrong(say!("the file {} is missing", shown(path))));
    }
    for path in present.iter().filter(|p| !listed.contains_key(*p)) {
        let error = wrong(say!("the file {} is not part of the release", shown(path)));
        errors.push(if path.starts_with("record/.kakou-") {
            error.advice(say!(
                "a command that was stopped left it: give that command again, which takes it away"
            ))
        } else {
            error
        });
    }
    for (path, line) in listed.iter().filter(|(p, _)| present.contains(*p)) {
        errors.extend(as_line(folder, path, line).err());
    }
    // What is not as it was sealed is not read further.
    Error::all(errors).map_or(Ok((listed.len() as u64, signed)), Err)
}

/// The statement of the run, which says that it is signed as it is, and is of the release whose name the folder has.
fn own_statement(folder: &Path, signed: Option<&SignedBy>) -> Result<Statement> {
    let statement = Statement::read(folder).map_err(|unread| {
        wrong(match unread {
            Unread::Version => {
                say!("{} is of a form that this program does not know", STATEMENT)
            }
            Unread::Damaged => say!("{} cannot be read", STATEMENT),
        })
    })?;
    if statement.signed_by.as_deref() != signed.map(|s| s.key_id.as_str()) {
        return Err(wrong(say!(
            "the record says that it is signed, but {} is missing or another's",
            seal::RUN_FILE
        )));
    }
    let id = statement.release.as_str();
    let place = std::fs::canonicalize(folder).ok();
    if place.as_ref().and_then(|p| p.file_name()).is_none_or(|name| name != id) {
        return Err(wrong(say!(
            "the folder does not have the name of its release, which is {}",
            shown(id)
        ))
        .advice(say!(
            "it was renamed, or the record is of another release: give it its name back"
        )));
    }
    Ok(statement)
}

/// What both releases are recounted against.
struct Recounting<'a> {
    folder: &'a Path,
    statement: &'a Statement,
    linked: Option<&'a Links>,
    common: &'a joins::Common,
}

impl Recounting<'_> {
    /// Recounts one release from its files: what is found goes into `verified`, what the record says otherwise into `errors`.
    fn release(
        &self,
        kind: Kind,
        structure: &Structure,
        signatures: &mut Vec<joins::Signatures>,
        verified: &mut Verified,
        errors: &mut Vec<Error>,
    ) -> Result<()> {
        let tables = self.tables(kind, structure, signatures, errors)?;
        verified.rows[kind] = tables.iter().map(|cells| cells.rows).sum();
        if let Some(links) = self.linked {
            errors.extend(links.check(kind, structure, &tables));
        }
        self.receipts(structure, &tables, errors);
        verified.persons[kind] = recount::persons(structure, &tables);
        if self.statement.persons.released[kind] != verified.persons[kind] {
            errors.push(wrong(say!(
                "the {} release does not have the number of persons that the record says",
                kind
            )));
        }
        verified.views.extend(self.views(structure, &tables, errors)?);
        verified.floors.extend(self.floors(structure, &tables, errors));
        let found = self.unique(kind, structure, &tables, errors)?;
        if kind == Kind::Anonymized {
            verified.unique = found;
        }
        verified.steady.extend(self.steady(structure, &tables, errors)?);
        self.sets(structure, &tables, errors)
    }

    /// The tables of a release, whose rows and persons are held against the record.
    fn tables(
        &self,
        kind: Kind,
        structure: &Structure,
        signatures: &mut Vec<joins::Signatures>,
        errors: &mut Vec<Error>,
    ) -> Result<Vec<Cells>> {
        let mut tables = Vec::new();
        for (shape, cells) in structure.tables.iter().zip(recount::read(self.folder, structure)?) {
            signatures.extend(self.common.of_table(shape, &cells));
            let told = self.statement.table(&shape.name).map(|t| &t.releases[kind]);
            let rows = told.and_then(|t| t.rows_out);
            let persons = told.and_then(|t| t.persons);
            if rows != Some(cells.rows) {
                errors.push(wrong(say!(
                    "table `{}`, {} release: {} rows, the record says {}",
                    Name::from_policy(shape.name.clone()),
                    kind,
                    cells.rows,
                    rows
                )));
            }
            if persons != Some(recount::persons_of(shape, &cells)) {
                errors.push(wrong(say!(
                    "table `{}`, {} release: the number of persons is not what the record says",
                    Name::from_policy(shape.name.clone()),
                    kind
                )));
            }
            tables.push(cells);
        }
        Ok(tables)
    }

    fn receipts(&self, structure: &Structure, tables: &[Cells], errors: &mut Vec<Error>) {
        let Some(shape) = &structure.receipts else { return };
        match receipts::recount(self.folder, structure, shape, tables) {
            Ok((found, _)) => {
                let told = self.statement.receipt_file.as_ref();
                if told.and_then(|t| t.recounted.as_ref()) != Some(&found) {
                    errors.push(wrong(say!(
                        "the receipt file: the recount is not what the record says"
                    )));
                }
            }
            Err(error) => errors.extend(error.each().cloned()),
        }
    }

    fn views(
        &self,
        structure: &Structure,
        tables: &[Cells],
        errors: &mut Vec<Error>,
    ) -> Result<Vec<Recount>> {
        let mut recounted = Vec::new();
        for (index, view) in structure.views.iter().enumerate() {
            let recount = recount::recount(structure, tables, view)?;
            if !recount.holds {
                errors.push(wrong(say!(
                    "view `{}`: k or l does not hold",
                    Name::from_policy(view.name.clone())
                )));
            }
            if self.statement.views.get(index).map(|v| &v.recounted) != Some(&recount) {
                errors.push(wrong(say!(
                    "view `{}`: the recount is not what the record says",
                    Name::from_policy(view.name.clone())
                )));
            }
            recounted.push(recount);
        }
        Ok(recounted)
    }

    fn floors(
        &self,
        structure: &Structure,
        tables: &[Cells],
        errors: &mut Vec<Error>,
    ) -> Vec<FloorRecount> {
        let mut recounted = Vec::new();
        let mut told = self.statement.proof.floors.iter();
        for floor in &structure.floors {
            let found = structure.tables.get(floor.table).zip(tables.get(floor.table));
            let found = found.and_then(|(shape, cells)| floors::recount(shape, cells, floor));
            let Some(found) = found else {
                errors.push(wrong(say!("a floor is of a column that is not there")));
                continue;
            };
            if !found.holds {
                errors.push(floors::broken(&found));
            }
            if told.next() != Some(&found) {
                errors.push(wrong(say!(
                    "table `{}`, column `{}`: the recount of its floor is not what the record says",
                    Name::from_policy(found.table.clone()),
                    Name::from_policy(found.column.clone())
                )));
            }
            recounted.push(found);
        }
        recounted
    }

    /// Whom facts beside the views single out.
    fn unique(
        &self,
        kind: Kind,
        structure: &Structure,
        tables: &[Cells],
        errors: &mut Vec<Error>,
    ) -> Result<Unique> {
        let found = unique::measure(structure, tables)?;
        errors.extend(unique::exceeding(&found));
        // Records that were made before this was measured have none.
        let told = self.statement.unique.as_ref().filter(|_| kind == Kind::Anonymized);
        if told.is_some_and(|told| *told != found) {
            errors.push(wrong(say!(
                "the rows that further facts single out are not those that the record says"
            )));
        }
        Ok(found)
    }

    /// What facts that are the same in all rows of a person make of the views.
    fn steady(
        &self,
        structure: &Structure,
        tables: &[Cells],
        errors: &mut Vec<Error>,
    ) -> Result<Vec<SteadyTold>> {
        let found = steady::recount(structure, tables)?;
        if self.statement.policy.tier == Some(Tier::Public) {
            errors.extend(steady::without_reason(&found));
        }
        let found: Vec<SteadyTold> = found.iter().map(SteadyTold::of).collect();
        // Records of older programs do not say which columns it is counted of.
        if !structure.steady.is_empty() && found != self.statement.steady {
            errors.push(wrong(say!(
                "what facts that are the same in all rows of a person make of the views is not what the record says"
            )));
        }
        Ok(found)
    }

    /// The sets of items of a person.
    fn sets(&self, structure: &Structure, tables: &[Cells], errors: &mut Vec<Error>) -> Result<()> {
        for (index, set) in structure.sets.iter().enumerate() {
            let recount = sets::recount(tables, structure, set)?;
            let shown = Name::from_policy(set.name.clone());
            if !recount.holds {
                errors.push(wrong(say!("set `{}`: k does not hold", shown)));
            }
            if self.statement.sets.get(index).map(|s| &s.recounted) != Some(&recount) {
                errors
                    .push(wrong(say!("set `{}`: the recount is not what the record says", shown)));
            }
        }
        Ok(())
    }
}

/// Verifies the statement of the run: its signature, and that it is about this manifest and its files.
fn signature(
    folder: &Path,
    keys: &[PublicKey],
    listed: &BTreeMap<String, Line>,
    manifest: &[u8],
    errors: &mut Vec<Error>,
) -> Result<Option<SignedBy>> {
    let name = Name::fixed(seal::RUN_FILE);
    let bytes = match std::fs::read(folder.join(seal::RUN_FILE)) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            if !keys.is_empty() {
                errors.push(wrong(say!("{} is missing: nobody has signed this", name)));
            }
            return Ok(None);
        }
        Err(e) => return Err(Error::io("X0403", say!("reading {}", name), &e)),
    };
    let opened = match attest::open(&bytes, &name, attest::RUN, keys) {
        Ok(opened) => opened,
        Err(error) => {
            errors.push(error);
            return Ok(None);
        }
    };
    let mut expected: Vec<Subject> = listed
        .iter()
        .map(|(path, (sha256, sha3_256, _))| Subject {
            name: path.clone(),
            sha256: sha256.clone(),
            sha3_256: sha3_256.clone(),
        })
        .collect();
    expected.push(Subject::of(MANIFEST, manifest));
    for subject in &expected {
        match opened.subjects.iter().find(|s| s.name == subject.name) {
            Some(signed) if signed == subject => {}
            Some(_) => errors.push(wrong(say!(
                "the file {} is not the one that was signed",
                shown(&subject.name)
            ))),
            None => errors.push(wrong(say!("the file {} was not signed", shown(&subject.name)))),
        }
    }
    for subject in &opened.subjects {
        if !expected.iter().any(|e| e.name == subject.name) {
            errors.push(wrong(say!("the signed file {} is missing", shown(&subject.name))));
        }
    }
    Ok(Some(SignedBy { key_id: opened.signer.id(), trusted: opened.trusted }))
}

/// Verifies what a recipient has: one release and its public statement (`record/<kind>.dsse.json`), which names every
/// file. `beside` are further files that may be there (relative to the folder).
///
/// # Errors
/// Everything that does not hold, each named.
pub fn package(folder: &Path, kind: Kind, trust: Trust<'_>, beside: &[&str]) -> Result<Verified> {
    let file = seal::release_file(kind);
    let name = Name::from_policy(file.clone());
    let bytes = std::fs::read(folder.join(&file))
        .map_err(|e| Error::io("X0403", say!("reading {}", name), &e))?;
    let opened = attest::open(&bytes, &name, attest::RELEASE, trust.keys)?;
    if trust.ledger.is_some() {
        return Err(Error::policy(
            "R0311",
            say!("a recipient's package does not say where the run is entered"),
        )
        .advice(say!("verify the whole release folder with --ledger")));
    }
    let told = &opened.predicate;
    let mut errors = Vec::new();
    let mut present = files(folder, &mut errors)?;
    present.remove(&file);
    for subject in &opened.subjects {
        if !present.remove(&subject.name) {
            errors.push(wrong(say!("the file {} is missing", shown(&subject.name))));
        } else if Subject::new(&subject.name, &digest::file(&folder.join(&subject.name))?)
            != *subject
        {
            errors.push(wrong(say!("the file {} is not as it was signed", shown(&subject.name))));
        }
    }
    let statement = Subject::of(&file, &bytes);
    let about = (kind, &opened.signer);
    let (reached, strangers) = match state::of_package(folder, &statement, about, trust.keys) {
        Ok(found) => found,
        Err(error) => {
            errors.push(error);
            (State::Staged, Vec::new())
        }
    };
    for path in present.iter().filter(|p| !beside.contains(&p.as_str())) {
        errors.push(wrong(say!("the file {} is not part of the release", shown(path))));
    }
    sums(folder, &mut errors);
    if let Some(error) = Error::all(std::mem::take(&mut errors)) {
        return Err(error);
    }
    let structure: Structure = serde_json::from_value(told["structure"].clone())
        .map_err(|_| wrong(say!("{} does not describe the release", name)))?;
    let mut verified = Verified {
        release: told["release"].as_str().unwrap_or_default().to_owned(),
        files: opened.subjects.len() as u64,
        rows: ByKind::default(),
        persons: ByKind::default(),
        views: Vec::new(),
        floors: Vec::new(),
        unique: Unique::default(),
        steady: Vec::new(),
        tier: None,
        reasons: Vec::new(),
        reasons_ja: Vec::new(),
        not_for_release: told["notForRelease"].as_bool().unwrap_or(true),
        package: true,
        kind: Some(kind),
        statement_file: file,
        state: reached,
        state_checked: false,
        strangers,
        signed: Some(SignedBy { key_id: opened.signer.id(), trusted: opened.trusted }),
        entered: None,
        joins: None,
        stamps: Vec::new(),
        objections: Vec::new(),
    };
    let mut tables = Vec::new();
    let read = recount::read(folder, &structure)?;
    for (index, (shape, cells)) in structure.tables.iter().zip(read).enumerate() {
        let table = &told["tables"][index];
        let persons = recount::persons_of(shape, &cells);
        // Counts below ten are told as "<10".
        for (field, counted) in [("rows", cells.rows), ("persons", persons)] {
            if table[field] != small(counted).as_str() {
                errors.push(wrong(say!(
                    "table `{}`: the number of {} is not what the statement says",
                    shown(&shape.name),
                    field
                )));
            }
        }
        verified.rows[kind] += cells.rows;
        tables.push(cells);
    }
    if let Some(links) = Links::read(folder)?.filter(|_| kind == Kind::Anonymized) {
        errors.extend(links.check(kind, &structure, &tables));
    }
    if let Some(shape) = &structure.receipts
        && let Err(error) = receipts::recount(folder, &structure, shape, &tables)
    {
        errors.extend(error.each().cloned());
    }
    verified.persons[kind] = recount::persons(&structure, &tables);
    if told["persons"] != small(verified.persons[kind]).as_str() {
        errors.push(wrong(say!("the number of persons is not what the statement says")));
    }
    Error::all(errors).map_or(Ok(verified), Err)
}

/// Whether the list of digests of a package is that of its files. Nobody signed it; the statement's own digests are what counts, but
/// a recipient may look at the list alone, and the covering note stands in no other.
fn sums(folder: &Path, errors: &mut Vec<Error>) {
    let name = super::package::DIGESTS;
    let Ok(text) = std::fs::read_to_string(folder.join(name)) else { return };
    let mut noted = !folder.join(super::package::NOTE).exists();
    for line in text.lines() {
        let told = line.split_once("  ");
        let same = told.is_some_and(|(sha256, path)| {
            noted |= path == super::package::NOTE;
            digest::sha256_file(&folder.join(path)).is_ok_and(|d| hex(&d) == sha256)
        });
        if !same {
            errors.push(wrong(say!("{} is not of these files", name)));
            return;
        }
    }
    if !noted {
        errors.push(wrong(say!("{} does not list the covering note", name)));
    }
}

/// Verifies that the run is in its ledger: from the files of the release alone, and in the ledger itself if it is there.
fn ledger_entry(
    folder: &Path,
    trust: Trust<'_>,
    statement: &Statement,
) -> Result<(Option<Entered>, Option<ledger::Book>)> {
    let read = |name: &'static str| match std::fs::read(folder.join(name)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(Error::io("X0403", say!("reading {}", name), &e)),
    };
    let release = statement.release.as_str();
    let files = (read(seal::ENTRY_FILE)?, read(seal::PROOF_FILE)?);
    let (line, proof) = match (statement.ledger.as_deref(), files) {
        (None, (None, None)) if trust.ledger.is_none() => return Ok((None, None)),
        (None, _) => {
            return Err(wrong(say!(
                "the record does not say that this run is in a ledger{}",
                if trust.ledger.is_some() { "" } else { ", but proofs of one are there" }
            )));
        }
        (Some(_), (Some(line), Some(proof))) => (line, proof),
        (Some(_), (line, _)) => {
            let name = if line.is_some() { seal::PROOF_FILE } else { seal::ENTRY_FILE };
            return Err(wrong(say!("the file {} is missing", name)));
        }
    };
    let name = Name::fixed(seal::ENTRY_FILE);
    let (entry, origin) = ledger::entry_alone(&line, &name, trust.keys)?;
    let envelope = read(seal::RUN_FILE)?.unwrap_or_default();
    let digest = hex(&digest::bytes(&envelope).sha256);
    if entry.kind != ledger::EntryKind::Run
        || entry.body["release"] != release
        || entry.body["statement"]["sha256"] != digest.as_str()
        || statement.ledger.as_deref() != Some(origin.as_str())
    {
        return Err(wrong(say!("{} is not the entry of this run", name)));
    }
    let proof = ledger::Proof::parse(&proof)
        .map_err(|_| wrong(say!("{} was changed, or is no proof", seal::PROOF_FILE)))?;
    let signers = if trust.keys.is_empty() { &[entry.signer][..] } else { trust.keys };
    if proof.checkpoint.origin != origin || proof.index != entry.index {
        return Err(wrong(say!("{} is not of this run's entry", seal::PROOF_FILE)));
    }
    proof.verify(&entry.leaf, signers)?;
    let run = attest::open(&envelope, &Name::fixed(seal::RUN_FILE), attest::RUN, trust.keys)?;
    if run.signer != entry.signer {
        return Err(wrong(say!("{} is signed by another key than the run", name)));
    }
    let mut checked = None;
    if let Some(path) = trust.ledger {
        let book = ledger::Ledger::at(path).read(&[])?;
        if book.origin != origin {
            return Err(wrong(say!("the run is in another ledger than the given one")));
        }
        // A ledger that was set back to an earlier day is older than the proof.
        book.consistency(&proof.checkpoint.head)?;
        let there = usize::try_from(entry.index).ok().and_then(|i| book.entries.get(i));
        if there.is_none_or(|e| e.leaf != entry.leaf) {
            return Err(wrong(say!("the ledger has another entry in the place of this run's")));
        }
        let first = book.entries.first().map(|e| e.signer);
        if !trust.keys.is_empty() && !first.is_some_and(|k| trust.keys.contains(&k)) {
            return Err(wrong(say!("the ledger does not begin with one of the given keys")));
        }
        checked = Some(book);
    }
    let entered =
        Entered { ledger: origin, index: entry.index, at: entry.at, checked: checked.is_some() };
    Ok((Some(entered), checked))
}

/// The files below a folder, relative to it. What no run makes is named: empty folders, links, second names of a file, rights that
/// let everybody write or a program run as another.
fn files(folder: &Path, errors: &mut Vec<Error>) -> Result<BTreeSet<String>> {
    let found = crate::release::inventory(folder)?;
    let mut wrong_about = |path: &str, what: Said, advice: Said| {
        errors.push(wrong(say!("{} {}", shown(path), what)).advice(advice));
    };
    let mut present = BTreeSet::new();
    for item in found {
        let path = item.path.as_str();
        match item.what {
            Thing::Other => wrong_about(
                path,
                say!("is a link or a device, not a file of the release"),
                say!("take it away"),
            ),
            Thing::EmptyFolder => {
                wrong_about(path, say!("is an empty folder"), say!("take it away"));
            }
            Thing::Folder => {}
            Thing::File => {
                present.insert(item.path.clone());
                if item.names > 1 {
                    wrong_about(
                        path,
                        say!("has {} names (hard links): it can be changed elsewhere", item.names),
                        say!("copy the folder"),
                    );
                }
                if item.mode & 0o7000 != 0 {
                    wrong_about(path, say!("runs with another's rights"), say!("chmod u-s,g-s,-t"));
                }
            }
        }
        if item.mode & 0o002 != 0 && item.what != Thing::Other {
            wrong_about(
                if path.is_empty() { "." } else { path },
                say!("can be written by everybody"),
                say!("chmod -R o-w; on a disk without rights (FAT, NTFS) verify a copy"),
            );
        }
    }
    Ok(present)
}

fn shown(path: &str) -> Name {
    // Names of files of a release come from the policy; an extra file's name is the finder's own.
    Name::from_policy(path)
}

type Line = (String, String, u64);

fn parse_manifest(bytes: &[u8]) -> Option<BTreeMap<String, Line>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut listed = BTreeMap::new();
    let mut last = "";
    for line in text.strip_suffix('\n')?.split('\n') {
        let mut parts = line.splitn(4, "  ");
        let (sha256, sha3, size, path) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let plain = |t: &str| {
            t.len() == 64 && t.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        };
        let size_ok = size.parse::<u64>().ok().filter(|n| n.to_string() == size)?;
        (plain(sha256) && plain(sha3) && path > last).then_some(())?;
        last = path;
        listed.insert(path.to_owned(), (sha256.to_owned(), sha3.to_owned(), size_ok));
    }
    Some(listed)
}
