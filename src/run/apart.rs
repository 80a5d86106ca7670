//! A run whose rows are worked on several machines: a cluster, several processes. The gates are those of every run; between them the
//! rooms are worked by hands ([`Hand`]) that a driver of somebody's ([`Far`]) sends tasks to.
//!
//! ```text
//! Run::check ─▶ Run::apart(far) ─▶ Staged ─prove→ Proved ─seal→ Sealed ─publish→ Released
//!                    │ read, measure, apply, sort: sealed bytes to and fro
//!                    ▼
//!      hands: each opens the project key itself and asks for the keys of the run (keys::Giver)
//! ```
//!
//! All that goes through `far` is encrypted under a key of the run ([`crate::keys::Wire`]): rows, statistics, drafts and the frozen
//! plan. What is left of it on disks opens for nobody when the run has ended. A hand may do a task twice, die in it, or be one of
//! two that do the same: the result of one of them is taken. Why so: docs/adr/0015-rows-on-other-machines.md.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use super::project_key::{KeyUsed, Wanted};
use super::{Checked, Common, KeyEnd, Once, Policy, Request, Run, Staged, secrets_of};
use crate::engine::apart::{self, Files, Look, Rest, Task};
use crate::engine::exclude::Lists;
use crate::engine::freeze::Outcome;
use crate::engine::intake;
use crate::engine::parts::Parts;
use crate::error::{Error, Result};
use crate::keys::{Asker, Giver, ReleaseSecrets, Wire, harden};
use crate::proof::forbidden::Forbidden;
use crate::record::seal;
use crate::release::Staging;
use crate::say;
use crate::schema::ByKind;
use crate::technique::Secrets;

const ROWS: &str = "rows";
const TOLD: &str = "told";
const DRAFT: &str = "draft";
const STATISTICS: &str = "statistics";
const FROZEN: &str = "frozen";
const RELEASED: &str = "released";
const SORTED: &str = "sorted";

/// What takes pieces as they come.
pub type Take<'a> = &'a mut dyn FnMut(Vec<u8>) -> Result<()>;

/// What takes the blocks of a part.
pub type TakePart<'a> = &'a mut dyn FnMut(usize, Vec<Vec<u8>>) -> Result<()>;

/// Whoever carries tasks and their results between this machine and the hands. All that it is given and gives is sealed.
pub trait Far {
    /// Lets hands ask for the keys of the run, and every file be read into blocks of `parts` parts. Gives what the reading told.
    ///
    /// # Errors
    /// Those of the hands; whatever goes wrong on the way.
    fn read(&mut self, giver: &std::sync::Arc<Giver>, tasks: &[Task]) -> Result<Vec<Vec<u8>>>;
    /// How many parts there are.
    fn parts(&self) -> usize;
    /// Gives all blocks of every part, part by part.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn each(&mut self, take: TakePart<'_>) -> Result<()>;
    /// Lets every part be measured with a draft; gives the statistics, some or all of them merged.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn measure(&mut self, draft: &[u8]) -> Result<Vec<Vec<u8>>>;
    /// Lets the frozen plan be applied to every part and the released rows be sorted; gives what applying told.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn apply(&mut self, frozen: &[u8]) -> Result<Vec<Vec<u8>>>;
    /// Gives the sorted rows, in any order.
    ///
    /// # Errors
    /// As [`Self::read`].
    fn sorted(&mut self, take: Take<'_>) -> Result<()>;
    /// Lets the hands forget their keys. Comes back when none is left that has not, but those whose process ended; says whether
    /// all had them in locked memory.
    ///
    /// # Errors
    /// If it is not known of one.
    fn forget(&mut self) -> Result<bool>;
}

impl<'p> Run<'p, Checked> {
    /// Reads, measures, freezes and applies with hands elsewhere: both releases stand in the staging folder afterwards.
    ///
    /// # Errors
    /// As the stages of a run on one machine; `C0407` to `C0409` for what only one machine can do; those of `far`.
    pub fn apart(self, far: &mut dyn Far) -> Result<Run<'p, Staged>> {
        self.step(|common, Checked(once)| worked(common, once, far))
    }
}

fn refuse(what: crate::error::Said) -> Error {
    Error::refused("C0418", say!("{}: that is done on one machine alone", what))
        .advice(say!("run it on one machine: `kakou run`"))
}

fn worked(common: &Common<'_>, Once(key): Once, far: &mut dyn Far) -> Result<Staged> {
    let (plan, request) = (common.plan(), &common.request);
    if common.link_keys.is_some() {
        return Err(refuse(say!("keys of a linking body")));
    }
    if common.work.is_some() {
        return Err(refuse(say!("going on with a killed run")));
    }
    let parts = Parts::new(plan, common.policy_digest, &common.lists)?;
    let progress = common.progress;
    let staging = Staging::create(&request.out)?;
    crate::formats::spill::sweep(&request.spill_root())?;
    let giver = std::sync::Arc::new(Giver::new(&common.pseudonymized, &key, &common.id)?);
    let wire = giver.wire();
    let open = |what, all: Vec<Vec<u8>>| -> Result<Vec<Vec<u8>>> {
        all.iter().map(|bytes| wire.open(what, bytes)).collect()
    };
    progress.room("intake");
    let tasks = apart::tasks(plan, &common.files)?;
    let told = open(TOLD, far.read(&giver, &tasks)?)?;
    let mut forbidden = Forbidden::default();
    let mut look = Look::new(plan, &common.lists);
    far.each(&mut |part, blocks| {
        progress.check()?;
        look.add(part, &open(ROWS, blocks)?, &mut forbidden)
    })?;
    let read = look.end(&common.files, &told, far.parts())?;
    forbidden.settle();
    progress.room("measure");
    let outcome = frozen(common, &parts, wire, far)?;
    progress.room("apply");
    let mut frozen = outcome.attempt().to_le_bytes().to_vec();
    frozen.extend(parts.write_frozen(&outcome.frozen)?);
    let frozen = wire.seal(FROZEN, frozen)?;
    let accounts = open(TOLD, far.apply(&frozen)?)?;
    let mut files = Files::new(plan, &request.spill_root())?;
    far.sorted(&mut |bytes| files.add(&wire.open(SORTED, &bytes)?))?;
    // No other token of the release will ever be made, here or elsewhere.
    let for_release = key.is_for_release();
    let locked = far.forget()?;
    if std::sync::Arc::into_inner(giver).is_none() {
        return Err(Error::environment(
            "K0165",
            say!("the keys of the run are still held by who answers for them"),
        ));
    }
    let end = KeyEnd { destruction: key.destroy_everywhere(locked), for_release };
    progress.room("write");
    let path = staging.path().to_owned();
    let made = apart::write(&parts, &files, &path, read, outcome, &accounts, progress)?;
    Ok(Staged { staging, made, forbidden, end })
}

/// The rounds of freezing.
fn frozen(
    common: &Common<'_>,
    parts: &Parts<'_>,
    wire: &Wire,
    far: &mut dyn Far,
) -> Result<Outcome> {
    let mut freezing = parts.begin()?;
    freezing.limit(common.request.search_seconds.map(std::time::Duration::from_secs));
    while let Some(draft) = freezing.draft() {
        common.progress.check()?;
        let mut all = None;
        for bytes in far.measure(&wire.seal(DRAFT, parts.write_draft(draft)?)?)? {
            let here = parts.read_statistics(draft, &wire.open(STATISTICS, &bytes)?)?;
            all = Some(match all {
                None => here,
                Some(before) => parts.merge(draft, before, here)?,
            });
        }
        freezing.next(all.unwrap_or_default())?;
    }
    freezing.finish()
}

impl Run<'_, Checked> {
    /// The file of the project key that hands open.
    #[must_use]
    pub fn key_file(&self) -> Option<PathBuf> {
        match &self.common.key {
            KeyUsed::Named => self.common.request.key.clone(),
            KeyUsed::Own { file, .. } => Some(file.clone()),
            KeyUsed::ThrownAway { .. } => None,
        }
    }
}

/// A hand that has opened the project key and asks for the keys of the run.
pub struct Asking {
    policy: Policy,
    files: Vec<Vec<PathBuf>>,
    lists: Lists,
    project: ReleaseSecrets,
    asker: Asker,
}

impl Asking {
    /// Opens what a hand needs, from the same request as the run: policy, lists, project key.
    ///
    /// # Errors
    /// As [`Run::check`], but for what only the run itself looks at.
    pub fn new(policy: Policy, request: &Request, run: &str) -> Result<Self> {
        let _ = harden();
        let plan = &policy.plan;
        let lists = request.persons.read(plan)?;
        let files = intake::find_files(plan, request.input.folder())?;
        let wanted = Wanted {
            given: request.key.as_ref(),
            passphrase_file: request.passphrase_file.as_ref(),
            project: &plan.project,
            out: &request.out,
        };
        let chosen = wanted.open()?.ok_or_else(|| {
            Error::environment(
                "K0163",
                say!("the project key is not there on a machine of the run"),
            )
            .advice(say!(
                "all machines need the key under the same path, readable for the run's user alone"
            ))
        })?;
        let project = secrets_of(&chosen, plan);
        let asker = Asker::new(&project, run)?;
        Ok(Asking { policy, files, lists, project, asker })
    }

    /// What to send to the run.
    #[must_use]
    pub fn hello(&self) -> Vec<u8> {
        self.asker.hello()
    }

    /// Takes the answer. The hand keeps parts that it worked on as far as they take `keep` bytes.
    ///
    /// # Errors
    /// K0161 if it is none.
    pub fn enter(self, reply: &[u8], keep: u64) -> Result<Hand> {
        let Asking { policy, files, lists, project, asker } = self;
        let digest = seal::policy_digest(&policy.loaded)?;
        let (once, wire) = asker.take(reply)?;
        let kept = Mutex::new(KeptParts { parts: BTreeMap::new(), bytes: 0, most: keep });
        Ok(Hand { policy, digest, files, lists, secrets: [project, once].into(), wire, kept })
    }
}

/// A machine, or a process of one, that works on rows. Its keys are overwritten when it is dropped.
pub struct Hand {
    policy: Policy,
    digest: [u8; 32],
    files: Vec<Vec<PathBuf>>,
    lists: Lists,
    secrets: ByKind<ReleaseSecrets>,
    wire: Wire,
    kept: Mutex<KeptParts>,
}

fn nothing() -> Error {
    Error::environment("K0164", say!("a frozen plan came without its attempt"))
}

/// Parts that a hand has worked on: it may be given them again in the next round.
struct KeptParts {
    parts: BTreeMap<usize, Rest>,
    bytes: u64,
    most: u64,
}

impl KeptParts {
    fn take(&mut self, part: usize) -> Option<Rest> {
        let rest = self.parts.remove(&part)?;
        self.bytes -= rest.weight();
        Some(rest)
    }
    fn put(&mut self, part: usize, rest: Rest) {
        let weight = rest.weight();
        if self.bytes + weight <= self.most && !self.parts.contains_key(&part) {
            self.bytes += weight;
            self.parts.insert(part, rest);
        }
    }
}

impl Hand {
    /// Whether its keys are in locked memory.
    #[must_use]
    pub fn in_locked_memory(&self) -> bool {
        self.secrets.iter().all(ReleaseSecrets::in_locked_memory)
    }

    fn parts(&self) -> Result<Parts<'_>> {
        Parts::new(&self.policy.plan, self.digest, &self.lists)
    }

    fn secrets(&self) -> ByKind<&dyn Secrets> {
        ByKind { pseudonymized: &self.secrets.pseudonymized, anonymized: &self.secrets.anonymized }
    }

    /// The part that these blocks make, or what this hand kept of it.
    fn rest(&self, part: usize, blocks: &[impl AsRef<[u8]>]) -> Result<Option<Rest>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take(part);
        if kept.is_some() {
            return Ok(kept);
        }
        let open = |block: &_| self.wire.open(ROWS, AsRef::as_ref(block));
        let blocks: Vec<Vec<u8>> = blocks.iter().map(open).collect::<Result<_>>()?;
        Rest::new(&self.policy.plan, &self.lists, &blocks)
    }

    /// Reads files of a table that follow one another into blocks of `parts` parts; what comes back tells of them.
    ///
    /// # Errors
    /// As [`apart::read`].
    pub fn read(
        &self,
        tasks: &[Task],
        parts: usize,
        emit: &mut dyn FnMut(usize, Vec<u8>) -> Result<()>,
    ) -> Result<Vec<u8>> {
        let mut sealed = |part, bytes| emit(part, self.wire.seal(ROWS, bytes)?);
        let place = |identity: &str| self.wire.place(identity);
        let plan = &self.policy.plan;
        let told = apart::read(plan, &self.files, tasks, parts, &place, &mut sealed)?;
        self.wire.seal(TOLD, told)
    }

    /// Measures a part, which these blocks make; nothing if nobody is in it.
    ///
    /// # Errors
    /// If a draft or a block is not of this run.
    pub fn measure(
        &self,
        draft: &[u8],
        part: usize,
        blocks: &[impl AsRef<[u8]>],
    ) -> Result<Option<Vec<u8>>> {
        let parts = self.parts()?;
        let draft = parts.read_draft(&self.wire.open(DRAFT, draft)?)?;
        let Some(mut rest) = self.rest(part, blocks)? else { return Ok(None) };
        let statistics = rest.measure(&self.policy.plan, &draft, self.secrets())?;
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).put(part, rest);
        Ok(Some(self.wire.seal(STATISTICS, parts.write_statistics(&statistics)?)?))
    }

    /// Merges statistics that answer a draft; nothing if there are none.
    ///
    /// # Errors
    /// If they are not of this run.
    pub fn merge(&self, draft: &[u8], all: &[impl AsRef<[u8]>]) -> Result<Option<Vec<u8>>> {
        let parts = self.parts()?;
        let draft = parts.read_draft(&self.wire.open(DRAFT, draft)?)?;
        let mut merged = None;
        for bytes in all {
            let here =
                parts.read_statistics(&draft, &self.wire.open(STATISTICS, bytes.as_ref())?)?;
            merged = Some(match merged {
                None => here,
                Some(before) => parts.merge(&draft, before, here)?,
            });
        }
        merged
            .map(|statistics| self.wire.seal(STATISTICS, parts.write_statistics(&statistics)?))
            .transpose()
    }

    /// Applies the frozen plan to the part that these blocks make: its released rows by range of tokens, of `ranges`. What comes back
    /// tells of it; nothing if nobody is in it.
    ///
    /// # Errors
    /// If the plan or a block is not of this run.
    pub fn apply(
        &self,
        frozen: &[u8],
        part: usize,
        blocks: &[impl AsRef<[u8]>],
        ranges: usize,
        emit: &mut dyn FnMut(usize, Vec<u8>) -> Result<()>,
    ) -> Result<Option<Vec<u8>>> {
        let frozen = self.wire.open(FROZEN, frozen)?;
        let (attempt, frozen) = frozen.split_first_chunk().ok_or_else(nothing)?;
        let frozen = (&self.parts()?.read_frozen(frozen)?, u32::from_le_bytes(*attempt));
        let Some(rest) = self.rest(part, blocks)? else { return Ok(None) };
        let mut sealed = |range, bytes| emit(range, self.wire.seal(RELEASED, bytes)?);
        let plan = &self.policy.plan;
        let secrets = self.secrets();
        let told = apart::apply(plan, part, rest, frozen, secrets, ranges, &mut sealed)?;
        Ok(Some(self.wire.seal(TOLD, told)?))
    }

    /// Sorts the released rows of a range.
    ///
    /// # Errors
    /// If a block is not of this run.
    pub fn sort(&self, blocks: &[impl AsRef<[u8]>]) -> Result<Vec<Vec<u8>>> {
        let open = |block: &_| self.wire.open(RELEASED, AsRef::as_ref(block));
        let blocks: Vec<Vec<u8>> = blocks.iter().map(open).collect::<Result<_>>()?;
        let sorted = apart::sort(&self.policy.plan, &blocks)?;
        sorted.into_iter().map(|bytes| self.wire.seal(SORTED, bytes)).collect()
    }
}
