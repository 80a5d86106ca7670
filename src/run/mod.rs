//! A run as typed stages: what one stage gives is what the next one asks for, so no step can be left out, taken twice or taken in
//! another order, and every gate of the law stands in a transition, whoever drives it.
//!
//! ```text
//! Checked ─read→ Read ─measure→ Measured ─freeze→ Frozen ─apply→ Staged ─prove→ Proved ─seal→ Sealed ─publish→ Released
//! ```
//!
//! | transition | refuses |
//! | --- | --- |
//! | [`Run::check`] | a release id that was used (C0902), link keys outside their profile (C0701) or without their views (C0702, C0703), a policy that is not approved, unknown files and headers, a key that does not open |
//! | [`Run::read`] | defects of the data, declarations that the data contradict, objections that match nobody |
//! | [`Run::measure`], [`Run::freeze`] | promises that cannot be kept within the suppression that the policy allows |
//! | [`Run::apply`] | a disk that does not take the files |
//! | [`Run::prove`] | staged files of which a promise does not hold; only here [`crate::release::Cleared`] is made |
//! | [`Run::seal`] | accounts that do not balance |
//! | [`Run::publish`] | a file that changed after its proof, an id that exists by now |
//!
//! A run that is dropped on the way leaves nothing but its ticket in the ledger, which the next writer finds; one that ends with an
//! error enters that.
//!
//! # A whole run, with tables in memory
//!
//! ```
//! use kakou::error::Error;
//! use kakou::keys::{ProjectKey, Suite};
//! use kakou::progress::Silent;
//! use kakou::record::verify::{Trust, verify};
//! use kakou::run::{Policy, Request, Run, Tables};
//!
//! let policy = r#"
//! [policy]
//! id = "stays"
//! version = "1"
//! profile = "ngmia"
//! [person]
//! key = "patient"
//! [pseudonymized]
//! project = "p"
//! recipient = "university"
//! [anonymized]
//! tier = "controlled"
//! [[anonymized.view]]
//! name = "stay"
//! grain = "stays"
//! quasi = ["stays.sex"]
//! [not_applicable]
//! "18-2" = "no codes that link tables"
//! "33-2" = "no codes that identify"
//! "33-3" = "no card numbers"
//! [tables.stays]
//! grain = "event"
//! source = { path = "stays.parquet" }
//! keys = { patient = "id" }
//! [tables.stays.columns]
//! id = { role = "link", type = "code", pseudonymized = "pseudonym", anonymized = "surrogate" }
//! name = { role = "direct", pseudonymized = "drop", anonymized = "drop" }
//! sex = { role = "quasi", type = "code", pseudonymized = "keep", anonymized = "keep" }
//! "#;
//! let policy = Policy::from_text("policy.toml", policy).map_err(|failed| failed.error)?;
//!
//! let work = tempfile::tempdir().unwrap();
//! let ids: Vec<String> = (0..60).map(|n| format!("P{n:05}")).collect();
//! let names: Vec<String> = (0..60).map(|n| format!("患者{n:03}番さん")).collect();
//! let mut tables = Tables::new(work.path())?;
//! tables.add(
//!     "stays.parquet",
//!     &[
//!         ("id", &ids.iter().map(|id| Some(id.as_str())).collect::<Vec<_>>()),
//!         ("name", &names.iter().map(|name| Some(name.as_str())).collect::<Vec<_>>()),
//!         ("sex", &(0..60).map(|n| Some(["F", "M"][n % 2])).collect::<Vec<_>>()),
//!     ],
//! )?;
//! let key = work.path().join("project.key");
//! ProjectKey::create(&key, None, Suite::default(), 1, std::time::SystemTime::now())?;
//!
//! let request =
//!     Request { key: Some(key), ..Request::new(tables.into(), work.path().join("releases")) };
//! let run = Run::check(policy, request, &Silent)?.read()?.measure()?.freeze()?.apply()?;
//! let released = run.prove()?.seal()?.publish()?;
//!
//! let folder = released.folder.unwrap();
//! assert_eq!(verify(&folder, Trust::default())?.persons.anonymized, 60);
//! assert!(folder.join("anonymized/stays.csv").is_file());
//! # Ok::<(), Error>(())
//! ```
//!
//! The rooms as calls on batches of persons, for whoever carries the parts between machines: [`parts`]. A whole run with rows on
//! other machines: [`apart`].
//!
//! A stage cannot be left out: what was not proved has no `seal`.
//!
//! ```compile_fail
//! fn skip(run: kakou::run::Run<'_, kakou::run::Staged>) {
//!     let _ = run.seal();
//! }
//! ```

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::digest;
use crate::engine::exclude::Lists;
use crate::engine::explore::Explored;
use crate::engine::intake::{self, Limits};
use crate::engine::{self, Job, Made, Outcome, genome, unclaimed};
use crate::error::{Error, Family, Name, Result, small};
use crate::keys::{Destruction, Hygiene, ReleaseSecrets, Sign as _, harden};
use crate::plan::{self, Plan, Warning};
use crate::progress::Progress;
use crate::proof::forbidden::Forbidden;
use crate::proof::links;
use crate::proof::prove;
use crate::record::statement::Statement;
use crate::record::{balance, book, seal, statement};
use crate::release::Staging;
use crate::schema::ByKind;
use crate::{note, report, say, text, timings};

pub mod again;
pub mod apart;
#[cfg(feature = "polars")]
pub mod frames;
mod input;
pub mod link_keys;
pub mod parts;
pub mod persons;
mod policy;
pub mod project_key;
pub mod recording;
mod resume;

pub use input::{Input, Tables};
pub use policy::{Failed, Policy, TableFile};

use link_keys::LinkKeys;
use persons::Persons;
use project_key::{Chosen, KeyUsed, Wanted};
use recording::{Recorder, Recording};
use resume::Work;

/// What a run is asked for, beside its policy.
#[derive(Clone, Debug)]
pub struct Request {
    /// Where the tables are.
    pub input: Input,
    /// The folder in which the release folder is made.
    pub out: PathBuf,
    /// The id of the release; by default policy id, time and a random part. An id is never used twice.
    pub release_id: Option<String>,
    /// Who must not be in the releases.
    pub persons: Persons,
    /// Keys that a linking body gave back.
    pub link_keys: Option<LinkKeys>,
    /// The project key file; without it the project's own, made at its first use.
    pub key: Option<PathBuf>,
    /// A file whose first line is the passphrase of the key file.
    pub passphrase_file: Option<PathBuf>,
    /// Memory to use, in bytes; beyond it partitions are spilled to disk. The result does not depend on it.
    pub memory: u64,
    /// Where to spill; by default in `out`.
    pub spill: Option<PathBuf>,
    /// A folder in which finished work is kept, encrypted, until a run has come to its end, and from which a later run with the same
    /// policy, input, key, lists and program goes on. A dry run keeps nothing.
    pub resume: Option<PathBuf>,
    /// Seconds after which the search for levels takes the best node so far.
    pub search_seconds: Option<u64>,
    /// Nothing will be published: no key is made for it. Such a run ends with [`Run::discard`].
    pub dry_run: bool,
    /// No key is looked for: for a dry run that ends before anything is written ([`Run::explore`]).
    pub without_key: bool,
    /// Whether the record tells where the time went ([`crate::timings::ask`] begins to count).
    pub timings: bool,
    /// Who signs, and which ledger it is entered in.
    pub recording: Recording,
}

impl Request {
    /// The defaults: 4 GiB, no exclusion, the project's own key, no signature.
    #[must_use]
    pub fn new(input: Input, out: impl Into<PathBuf>) -> Self {
        Request {
            input,
            out: out.into(),
            release_id: None,
            persons: Persons::default(),
            link_keys: None,
            key: None,
            passphrase_file: None,
            memory: 4 << 30,
            spill: None,
            resume: None,
            search_seconds: None,
            dry_run: false,
            without_key: false,
            timings: false,
            recording: Recording::default(),
        }
    }

    fn spill_root(&self) -> PathBuf {
        self.spill.clone().unwrap_or_else(|| self.out.clone())
    }

    /// Files and folders that are named beside the input, and are none of it.
    fn named(&self) -> impl Iterator<Item = &PathBuf> {
        let some = [
            &self.key,
            &self.passphrase_file,
            &self.spill,
            &self.resume,
            &self.recording.sign,
            &self.recording.sign_passphrase_file,
            &self.recording.ledger,
            &self.recording.approved,
        ];
        let link = self.link_keys.as_ref().map(|l| &l.path);
        some.into_iter().flatten().chain(link).chain(self.persons.files()).chain([&self.out])
    }
}

/// A run that has come as far as `Stage` says.
#[must_use = "a run that is not driven on publishes nothing"]
pub struct Run<'p, Stage> {
    common: Box<Common<'p>>,
    stage: Stage,
}

/// What all stages share.
struct Common<'p> {
    policy: Policy,
    request: Request,
    id: String,
    policy_digest: [u8; 32],
    recorder: Recorder,
    started: SystemTime,
    hygiene: Hygiene,
    lists: Lists,
    link_keys: Option<link_keys::Given>,
    files: Vec<Vec<PathBuf>>,
    pseudonymized: ReleaseSecrets,
    key: KeyUsed,
    work: Option<Work>,
    progress: &'p dyn Progress,
}

impl Common<'_> {
    fn plan(&self) -> &Plan {
        &self.policy.plan
    }
    fn job<'a>(&'a self, staging: &Staging, anonymized: &'a ReleaseSecrets) -> Job<'a> {
        Job {
            plan: self.plan(),
            files: &self.files,
            lists: &self.lists,
            limits: Limits { memory: self.request.memory, spill_root: self.request.spill_root() },
            search_limit: self.request.search_seconds.map(std::time::Duration::from_secs),
            secrets: ByKind { pseudonymized: &self.pseudonymized, anonymized },
            link_keys: self.link_keys.as_ref().map(|given| &given.keys),
            policy: self.policy_digest,
            keep: self.work.as_ref().map(|work| work as &dyn engine::kept::Keep),
            staging: staging.path().to_owned(),
        }
    }
}

/// The key of the anonymized release: it is of one run, and dies when the files are written.
struct Once(ReleaseSecrets);

/// Policy, lists, files, headers and key are in order; no row was read.
pub struct Checked(Once);
/// The rows are there, as partitions of whole persons.
pub struct Read {
    staging: Staging,
    once: Once,
    read: engine::Read,
}
/// What the treatments ask for was measured over all persons.
pub struct Measured {
    read: Read,
    measured: engine::Measured,
}
/// Every level, threshold and suppression is fixed.
pub struct Frozen {
    read: Read,
    outcome: Outcome,
}
/// Both releases are written into the staging folder; nothing is proved.
pub struct Staged {
    staging: Staging,
    made: Made,
    forbidden: Forbidden,
    end: KeyEnd,
}
/// What became of the key of the anonymized release.
struct KeyEnd {
    destruction: Destruction,
    for_release: bool,
}

/// What was promised holds of the staged files.
pub struct Proved {
    staging: Staging,
    made: Made,
    proved: prove::Proved,
    end: KeyEnd,
}
/// Statement, report and signatures are staged too.
pub struct Sealed {
    staging: Staging,
    proved: prove::Proved,
    statement: Statement,
    manifest: Vec<statement::Listed>,
    entry: Option<serde_json::Value>,
}

/// What was published, or would have been.
pub struct Released {
    /// The release folder; none after a dry run.
    pub folder: Option<PathBuf>,
    /// The statement of the run.
    pub statement: Statement,
    /// Which project key was used.
    pub key: KeyUsed,
}

impl<'p, S> Run<'p, S> {
    /// The id of the release.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.common.id
    }
    /// The plan.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        self.common.plan()
    }
    /// Which project key is used.
    #[must_use]
    pub fn key(&self) -> &KeyUsed {
        &self.common.key
    }

    /// The next stage; an error ends the run and is entered in its ledger.
    fn step<T>(self, next: impl FnOnce(&Common<'p>, S) -> Result<T>) -> Result<Run<'p, T>> {
        let Run { common, stage } = self;
        match next(&common, stage) {
            Ok(stage) => Ok(Run { common, stage }),
            Err(error) => {
                // What the user stopped or the machine did not give can go on; what was refused would be refused again.
                let again = matches!(error.family, Family::Interrupted | Family::Environment);
                if let Some(work) = common.work.as_ref().filter(|_| !again) {
                    work.end();
                }
                Err(common.recorder.ended(error))
            }
        }
    }
}

impl<'p> Run<'p, Checked> {
    /// Begins a run: everything that can be judged before a row is read.
    ///
    /// # Errors
    /// See the table above.
    pub fn check(policy: Policy, request: Request, progress: &'p dyn Progress) -> Result<Self> {
        timings::room("check");
        let hygiene = harden();
        let id = new_id(&policy.plan, &request)?;
        let policy_digest = seal::policy_digest(&policy.loaded)?;
        let chosen = request.release_id.is_some();
        let recorder = request.recording.begin((&id, chosen), &policy_digest, &request.out)?;
        let started = SystemTime::now();
        match Gates::pass(&policy, &request, &policy_digest) {
            Ok(Gates { lists, link_keys, files, pseudonymized, once, key, work }) => Ok(Run {
                common: Box::new(Common {
                    policy,
                    request,
                    id,
                    policy_digest,
                    recorder,
                    started,
                    hygiene,
                    lists,
                    link_keys,
                    files,
                    pseudonymized,
                    key,
                    work,
                    progress,
                }),
                stage: Checked(once),
            }),
            Err(error) => Err(recorder.ended(error)),
        }
    }

    /// Reads the files into partitions of whole persons.
    ///
    /// # Errors
    /// Any defect of the data that the policy does not set aside; a declaration that the data contradict; I/O; the user's stop.
    pub fn read(self) -> Result<Run<'p, Read>> {
        self.step(|common, Checked(once)| {
            let staging = Staging::create(&common.request.out)?;
            // What a killed run spilled goes at the next start, whether this run spills or not.
            crate::formats::spill::sweep(&common.request.spill_root())?;
            let read = engine::read(&common.job(&staging, &once.0), common.progress)?;
            Ok(Read { staging, once, read })
        })
    }

    /// All stages up to the seal.
    ///
    /// # Errors
    /// Those of the stages.
    pub fn to_seal(self) -> Result<Run<'p, Sealed>> {
        self.read()?.measure()?.freeze()?.apply()?.prove()?.seal()
    }
}

/// What stands between a request and the first row.
struct Gates {
    lists: Lists,
    link_keys: Option<link_keys::Given>,
    files: Vec<Vec<PathBuf>>,
    pseudonymized: ReleaseSecrets,
    once: Once,
    key: KeyUsed,
    work: Option<Work>,
}

impl Gates {
    fn pass(policy: &Policy, request: &Request, digest: &[u8; 32]) -> Result<Gates> {
        let plan = &policy.plan;
        let lists = request.persons.read(plan)?;
        let link_keys = request.link_keys.as_ref().map(|l| l.open(plan)).transpose()?;
        let input = request.input.folder();
        crate::release::apart(input, &request.out)?;
        let files = intake::find_files(plan, input)?;
        unclaimed::check(plan, input, &files, &policy.own(request.named()))?;
        intake::check_headers(plan, &files)?;
        genome::check(plan, &files)?;
        let (pseudonymized, key) = pseudonyms(plan, request)?;
        let once = Once(ReleaseSecrets::anonymized()?);
        let of = resume::Of {
            policy: digest,
            lists: &lists,
            memory: request.memory,
            secrets: &pseudonymized,
        };
        let folder = request.resume.as_ref().filter(|_| !request.dry_run);
        let work = folder
            .map(|folder| {
                crate::release::apart(input, folder)?;
                Work::open(folder, &of)
            })
            .transpose()?;
        Ok(Gates { lists, link_keys, files, pseudonymized, once, key, work })
    }
}

/// The secrets of the pseudonymized release, and which key they are of.
fn pseudonyms(plan: &Plan, request: &Request) -> Result<(ReleaseSecrets, KeyUsed)> {
    if request.dry_run && request.without_key {
        return Ok((ReleaseSecrets::anonymized()?, KeyUsed::ThrownAway { file: PathBuf::new() }));
    }
    let wanted = Wanted {
        given: request.key.as_ref(),
        passphrase_file: request.passphrase_file.as_ref(),
        project: &plan.project,
        out: &request.out,
    };
    let chosen = if request.dry_run { wanted.open()? } else { Some(wanted.open_or_make()?) };
    let Some(chosen) = chosen else {
        // A dry run before the first run leaves no key behind: any fresh one serves, as nothing is published.
        let file = project_key::own_file(&plan.project)?;
        return Ok((ReleaseSecrets::anonymized()?, KeyUsed::ThrownAway { file }));
    };
    let secrets = secrets_of(&chosen, plan);
    Ok((secrets, chosen.used()))
}

fn secrets_of(chosen: &Chosen, plan: &Plan) -> ReleaseSecrets {
    ReleaseSecrets::pseudonymized(
        &chosen.key,
        plan.project.as_str(),
        plan.recipient.as_str(),
        text::identifier::DERIVATION,
    )
}

impl<'p> Run<'p, Read> {
    /// What a reader should know of the data.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        self.stage.read.warnings()
    }

    /// Measures what the treatments ask for, over all persons.
    ///
    /// # Errors
    /// If a technique cannot be fixed on these data; I/O of spilled partitions; the user's stop.
    pub fn measure(self) -> Result<Run<'p, Measured>> {
        self.step(|common, read| {
            let job = common.job(&read.staging, &read.once.0);
            let measured = engine::measure(&job, &read.read, common.progress)?;
            Ok(Measured { read, measured })
        })
    }
}

impl<'p> Run<'p, Measured> {
    /// Looks at all levels that the policy offers, freezes as a run would, and ends there: nothing is written.
    ///
    /// # Errors
    /// `P0354` if no treatment offers several levels; the user's stop. That no levels are good enough is told, not an error.
    pub fn explore(self, most: usize) -> Result<Explored> {
        let Run { common, stage: Measured { read, measured } } = self;
        let job = common.job(&read.staging, &read.once.0);
        let explored = engine::explore::explore(&job, &read.read, measured, most, common.progress);
        explored.map_err(|error| common.recorder.ended(error))
    }

    /// Fixes every level, threshold and suppression.
    ///
    /// # Errors
    /// If a promise of the policy cannot be kept within the suppression that it allows; the user's stop.
    pub fn freeze(self) -> Result<Run<'p, Frozen>> {
        self.step(|common, Measured { read, measured }| {
            let job = common.job(&read.staging, &read.once.0);
            let outcome = engine::freeze(&job, &read.read, measured, common.progress)?;
            Ok(Frozen { read, outcome })
        })
    }
}

impl<'p> Run<'p, Frozen> {
    /// Applies what was fixed, partition by partition, writes both releases into the staging folder and destroys the key of the
    /// anonymized one.
    ///
    /// # Errors
    /// I/O, the user's stop.
    pub fn apply(self) -> Result<Run<'p, Staged>> {
        self.step(|common, Frozen { read: Read { staging, once: Once(key), read }, outcome }| {
            let mut forbidden = Forbidden::default();
            let job = common.job(&staging, &key);
            let made = engine::write(&job, read, outcome, &mut forbidden, common.progress)?;
            forbidden.settle();
            // No other token of the release will ever be made.
            let for_release = key.is_for_release();
            let end = KeyEnd { destruction: key.destroy(), for_release };
            if common.link_keys.is_some() {
                let mut text = format!("{}\n", links::HEADER);
                for (token, key) in &made.links {
                    text.push_str(&format!("{token},{key}\n"));
                }
                staging.put(links::FILE, text.as_bytes())?;
            }
            Ok(Staged { staging, made, forbidden, end })
        })
    }
}

impl<'p> Run<'p, Staged> {
    /// Reads the staged files again with code that shares nothing with what wrote them, and recomputes every promise.
    ///
    /// # Errors
    /// The promises that do not hold of the files.
    pub fn prove(self) -> Result<Run<'p, Proved>> {
        self.step(|common, Staged { staging, made, forbidden, end }| {
            let claims = made.claims(common.plan());
            let path = staging.path();
            // What did not fit into memory at once does not in the proof.
            let spill = (made.partitions > 1).then(|| common.request.spill_root());
            let spill = spill.as_deref();
            let proved =
                prove::prove(common.plan(), path, &claims, &forbidden, spill, common.progress)?;
            Ok(Proved { staging, made, proved, end })
        })
    }
}

impl<'p> Run<'p, Proved> {
    /// Stages the dictionaries, the statement, the facts of the report and, with a signing key, the signatures.
    ///
    /// # Errors
    /// Accounts that do not balance; I/O.
    pub fn seal(self) -> Result<Run<'p, Sealed>> {
        self.step(sealed)
    }
}

fn sealed(common: &Common<'_>, stage: Proved) -> Result<Sealed> {
    let Proved { staging, made, proved, end } = stage;
    let (plan, id, recorder) = (common.plan(), common.id.as_str(), &common.recorder);
    common.progress.room("seal");
    let for_release = end.for_release
        && common.pseudonymized.is_for_release()
        && *recorder.approval() != statement::ApprovalTold::Unapproved;
    let evidence = plan::legal_evidence(plan);
    let links = match &common.link_keys {
        Some(given) => Some(statement::LinkKeys {
            release: id.to_owned(),
            source: given.source.clone(),
            file: seal::commit(&given.digests.sha3_256)?,
            returned: small(given.keys.len() as u64).to_string(),
            persons: small(made.links.len() as u64).to_string(),
        }),
        None => None,
    };
    let mut statement = statement::build(
        plan,
        &made,
        &proved.proof,
        &statement::Facts {
            id,
            started: common.started,
            finished: SystemTime::now(),
            policy_digest: common.policy_digest,
            approval: recorder.approval().clone(),
            signer: recorder.key().map(|key| key.public()),
            ledger: recorder.origin(),
            evidence: &evidence,
            lists: &common.lists,
            pseudonymized_key: common.pseudonymized.key_id(),
            suite: common.pseudonymized.suite().word(),
            destruction: &end.destruction,
            for_release,
            hygiene: &common.hygiene,
            links,
        },
    )?;
    if common.request.timings {
        statement.timings = timings::told().and_then(|told| serde_json::to_value(told).ok());
    }
    for &kind in &plan.releases {
        if !for_release {
            staging.put(&seal::stamp_file(kind), seal::STAMP.as_bytes())?;
        }
        for (name, bytes) in book::all(plan, kind, &made.files, for_release) {
            staging.put(&format!("{}/{name}", kind.word()), &bytes)?;
        }
    }
    staging.put(statement::STATEMENT, &statement.to_bytes())?;
    // False accounts are neither signed nor published.
    balance::check(&statement)?;
    let mut extra = report::search::extra(plan, made.search.as_ref());
    report::objections::add(&mut extra, &common.lists, &made);
    extra.sections.push(report::closure::section(plan, &made));
    report::joins::add(&mut extra, &proved.proof.joins);
    let seen = report::facts::of_run(
        plan,
        &made,
        &proved.proof,
        &evidence,
        &report::facts::Identity {
            id,
            started: common.started,
            finished: SystemTime::now(),
            policy_digest: common.policy_digest,
            for_release,
        },
        report::unique::added(extra, plan, &proved.proof.unique),
    );
    staging.put(report::REPORT, &pretty(&serde_json::to_value(&seen).unwrap_or_default()))?;
    let mut manifest = statement::manifest(
        staging.path(),
        &statement::NOT_LISTED,
        &[proved.anonymized.digests(), proved.pseudonymized.digests()].concat(),
    )?;
    let mut entry = None;
    if let Some(key) = recorder.key() {
        let files = manifest.clone();
        let signing = seal::Run {
            statement: &statement,
            files: &files,
            materials: seal::materials(&common.policy.loaded)?,
            operator: common.request.recording.operator.as_deref(),
            deletion_by_two: common.policy.loaded.policy.policy.deletion_by_two,
        };
        for (path, envelope) in seal::releases(&signing, key)? {
            staging.put(&path, envelope.as_bytes())?;
            let digests = digest::bytes(envelope.as_bytes());
            manifest.push(statement::Listed { path, digests });
        }
        manifest.sort_by(|a, b| a.path.cmp(&b.path));
        let text = statement::manifest_text(&manifest);
        let envelope = seal::run(&signing, &manifest, &text, key)?;
        staging.put(seal::RUN_FILE, envelope.as_bytes())?;
        entry = Some(seal::ledger_body(&signing, &envelope, &text));
    }
    staging.put(statement::MANIFEST, statement::manifest_text(&manifest).as_bytes())?;
    common.progress.check()?;
    Ok(Sealed { staging, proved, statement, manifest, entry })
}

impl Run<'_, Sealed> {
    /// The statement of the run.
    #[must_use]
    pub fn statement(&self) -> &Statement {
        &self.stage.statement
    }

    /// Enters the run in its ledger and publishes the release by one rename. A request for a dry run publishes nothing.
    ///
    /// # Errors
    /// A ledger that does not take the entry; a file that changed after its proof; an id that exists by now; I/O.
    pub fn publish(self) -> Result<Released> {
        if self.common.request.dry_run {
            return self.discard();
        }
        let Run { common, stage } = self;
        let Sealed { staging, proved, statement, manifest, entry } = stage;
        let Common { recorder, id, key, work, .. } = *common;
        let publish = || {
            if let Some(body) = entry
                && let Some(appended) = recorder.enter(&body)?
            {
                staging.put(seal::ENTRY_FILE, appended.line.as_bytes())?;
                staging.put(seal::PROOF_FILE, appended.proof.as_bytes())?;
            }
            staging.publish(&id, &manifest, proved.anonymized, proved.pseudonymized)
        };
        match publish() {
            Ok(folder) => {
                recorder.done();
                if let Some(work) = work {
                    work.end();
                }
                note!(info, "published", release = Name::from_policy(id));
                Ok(Released { folder: Some(folder), statement, key })
            }
            Err(error) => Err(recorder.ended(error)),
        }
    }

    /// Publishes nothing: what was staged goes.
    ///
    /// # Errors
    /// If the ledger does not take the entry that a run has seen the data.
    pub fn discard(self) -> Result<Released> {
        let Run { common, stage } = self;
        let dry = Error::new(Family::Interrupted, "X0002", say!("dry run: nothing was published"));
        if let Some(error) = common.recorder.ended(dry).others.into_iter().next() {
            return Err(error);
        }
        Ok(Released { folder: None, statement: stage.statement, key: common.key })
    }
}

/// Uses `threads` threads; the result does not depend on it.
///
/// # Errors
/// If there are none.
pub fn threads(threads: Option<usize>) -> Result<()> {
    match threads {
        None => Ok(()),
        Some(0) => Err(Error::policy("P0305", say!("--threads must be at least 1"))),
        Some(threads) => {
            // Fails only if the pool exists already (several runs in one process): then its size stays.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
            Ok(())
        }
    }
}

/// The id of the release: the one that is asked for, or a new one; never one that was used.
fn new_id(plan: &Plan, request: &Request) -> Result<String> {
    let id = match &request.release_id {
        Some(id) => id.clone(),
        None => {
            let mut noise = [0_u8; 3];
            getrandom::fill(&mut noise).map_err(|_| {
                Error::environment("X0302", say!("the system gives no random numbers"))
            })?;
            let now = statement::rfc3339(SystemTime::now()).replace(['-', ':'], "");
            format!("{}-{now}-{}", plan.id, digest::hex(&noise))
        }
    };
    let plain = id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    if id.is_empty() || id.len() > 128 || !plain || id.starts_with('.') {
        return Err(Error::policy(
            "P0306",
            say!("a release id has letters, digits, `-`, `_` and `.`, and does not begin with `.`"),
        ));
    }
    if request.out.join(&id).exists() {
        return Err(Error::refused(
            "C0902",
            say!(
                "a release with the id {} exists already: ids are never used twice",
                Name::from_policy(id)
            ),
        ));
    }
    Ok(id)
}

fn pretty(value: &serde_json::Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// A path as the user wrote it, for messages.
#[must_use]
pub fn shown(path: &Path) -> Name {
    Name::from_policy(path.to_string_lossy().into_owned())
}

/// Reads a passphrase file: its first line.
///
/// # Errors
/// If it cannot be read or is empty, or others may read it.
pub fn passphrase(path: Option<&PathBuf>) -> Result<Option<crate::keys::Passphrase>> {
    path.map(|path| crate::keys::Passphrase::read(path)).transpose()
}
