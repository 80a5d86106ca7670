//! `kakou run`: the six rooms, then the seal.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::Args;
use serde_json::json;

use super::keys::{self, Chosen, Wanted};
use super::persons::Persons;
use super::progress::Shown;
use super::recording::{Recorder, Recording};
use super::{Failure, Outcome, Prepared, Show, prepare, shown, size};
use crate::digest;
use crate::engine::intake::{self, Limits};
use crate::engine::{Job, Progress, make, unclaimed};
use crate::error::{Error, Family, Name, Result, small};
use crate::keys::{ReleaseSecrets, Sign, harden};
use crate::proof::forbidden::Forbidden;
use crate::proof::joins::Joins;
use crate::proof::links;
use crate::proof::prove::prove;
use crate::record::{balance, book, objections, seal, statement};
use crate::release::Staging;
use crate::schema::Kind;
use crate::{note, plan, say, text};

/// Makes both releases and the record.
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  kakou run --policy policy.toml --input DATA --out OUT --exclude-anonymized optout.txt\n\n\
An exclusion list has one identifier a line, as in the column of the person's key; the parts of a key of several columns are separated by a TAB or a comma. \
A header line that names the key's columns is recognized and says where they stand. A list that matches nobody is refused.\n\
An eligibility file (docs/eligibility.md) says who was notified and who asked that it stop; whoever is not in it is in no release."
)]
pub struct Run {
    /// The policy.
    #[arg(long)]
    pub policy: PathBuf,
    /// The folder with the input files.
    #[arg(long)]
    pub input: PathBuf,
    /// The project key file (`kakou key new`). Without it the project's own in your folder of keys (`$KAKOU_KEYS`, else
    /// `$XDG_DATA_HOME/kakou/keys`, else `~/.local/share/kakou/keys`), made at its first use.
    #[arg(long)]
    pub key: Option<PathBuf>,
    /// A file whose first line is the passphrase of the key file.
    #[arg(long)]
    pub passphrase_file: Option<PathBuf>,
    /// The folder in which the release folder is made.
    #[arg(long)]
    pub out: PathBuf,
    /// The id of the release; by default policy id, time and a random part. An id is never used twice.
    #[arg(long)]
    pub release_id: Option<String>,
    /// Who must not be in the releases.
    #[command(flatten)]
    pub persons: Persons,
    /// Keys that a linking body gave back (`link_id,link_key`, ids of `kakou link export`): a file `links.csv` with the
    /// persons' tokens stands in the anonymized release. Only under the profile `ngmia-linkable`.
    #[arg(long, value_name = "FILE")]
    pub link_keys: Option<PathBuf>,
    /// Who gave the link keys and when, for the record.
    #[arg(long, value_name = "TEXT", requires = "link_keys")]
    pub link_source: Option<String>,
    /// Memory to use; beyond it partitions are spilled to disk. The result does not depend on it.
    #[arg(long, default_value = "4G", value_parser = size)]
    pub memory: u64,
    /// Threads; by default all cores. The result does not depend on it.
    #[arg(long)]
    pub threads: Option<usize>,
    /// Where to spill (a private folder is made there); by default in the output folder.
    #[arg(long)]
    pub spill: Option<PathBuf>,
    /// Seconds after which the search for levels takes the best node so far, with its proven gap; without, until the best is
    /// proven. With it, the choice depends on the speed of the machine.
    #[arg(long, value_name = "SECONDS")]
    pub search_seconds: Option<u64>,
    /// Do everything but publish.
    #[arg(long)]
    pub dry_run: bool,
    /// How the run is recorded.
    #[command(flatten)]
    pub recording: Recording,
}

/// What was published.
pub struct Published {
    /// The release folder; none after a dry run.
    pub folder: Option<PathBuf>,
    /// The statement.
    pub statement: serde_json::Value,
    /// The project's own key file and whether it is new; null if the user named the key.
    pub key: serde_json::Value,
}

impl Run {
    /// Runs it.
    ///
    /// # Errors
    /// See the exit codes.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let prepared = prepare(&self.policy)?;
        let published =
            self.publish(&prepared, show).map_err(|e| Failure::new(e, &prepared.loaded.sources))?;
        report(&published, show);
        Ok(())
    }

    /// Makes the releases of a prepared policy.
    ///
    /// # Errors
    /// See the exit codes.
    pub fn publish(&self, prepared: &Prepared, show: Show) -> Result<Published> {
        let _ = harden();
        if let Some(threads) = self.threads {
            if threads == 0 {
                return Err(Error::policy("P0305", say!("--threads must be at least 1")));
            }
            // Fails only if the pool exists already (several runs in one process): then its size stays.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        }
        let plan = &prepared.plan;
        let id = self.id(plan)?;
        let policy_digest = seal::policy_digest(&prepared.loaded)?;
        let recorder = self.recording.begin(&id, &policy_digest, &self.out)?;
        match self.make_and_publish(prepared, show, &id, policy_digest, &recorder) {
            Ok(published) => {
                if published.folder.is_some() {
                    recorder.done();
                } else {
                    // A dry run leaves an entry too: it has seen the data.
                    let dry = say!("dry run: nothing was published");
                    let dry = Error::new(Family::Interrupted, "X0002", dry);
                    let entered = recorder.ended(dry);
                    if let Some(error) = entered.others.into_iter().next() {
                        return Err(error);
                    }
                }
                Ok(published)
            }
            Err(error) => Err(recorder.ended(error)),
        }
    }

    fn make_and_publish(
        &self,
        prepared: &Prepared,
        show: Show,
        id: &str,
        policy_digest: [u8; 32],
        recorder: &Recorder,
    ) -> Result<Published> {
        let started = SystemTime::now();
        let hygiene = harden();
        let plan = &prepared.plan;
        let lists = self.persons.read(plan)?;
        if self.link_keys.is_some() && plan.profile != crate::law::Profile::NgmiaLinkable {
            return Err(Error::refused(
                "C0701",
                say!("link keys are released under the profile `ngmia-linkable` alone; the policy has `{}`", plan.profile),
            )
            .advice(say!("法31条 allows linkable anonymized information for its recipients only")));
        }
        let link_source = match (&self.link_keys, &self.link_source) {
            (Some(_), None) => {
                return Err(Error::policy(
                    "P0309",
                    say!("--link-keys needs --link-source: who gave the keys, and when"),
                ));
            }
            (Some(path), Some(source)) => {
                links::required(plan)?;
                Some((source, digest::file(path)?))
            }
            (None, _) => None,
        };
        let link_keys = self.link_keys.as_deref().map(super::link::returned).transpose()?;
        crate::release::apart(&self.input, &self.out)?;
        let files = intake::find_files(plan, &self.input)?;
        unclaimed::check(plan, &self.input, &files, &prepared.own(self.named()))?;
        intake::check_headers(plan, &files)?;
        let chosen = self.project_key(plan)?;
        let (pseudonymized, key_used) = match chosen {
            Some(chosen) => {
                chosen.tell(show);
                let secrets = ReleaseSecrets::pseudonymized(
                    &chosen.key,
                    plan.project.as_str(),
                    plan.recipient.as_str(),
                    text::identifier::DERIVATION,
                );
                (secrets, chosen.json())
            }
            // A dry run before the first run leaves no key behind: any fresh one serves, as nothing is published.
            None => {
                show.line(&format!(
                    "no key yet: a run would make {}; this dry run uses one that is thrown away",
                    shown(&keys::own_file(&plan.project)?)
                ));
                (ReleaseSecrets::anonymized()?, serde_json::Value::Null)
            }
        };
        let anonymized = ReleaseSecrets::anonymized()?;
        let staging = Staging::create(&self.out)?;
        let spill_root = self.spill.clone().unwrap_or_else(|| self.out.clone());
        // What a killed run spilled goes at the next start, whether this run spills or not.
        crate::formats::spill::sweep(&spill_root)?;
        let progress = Shown::new(show.quiet || show.json);
        let job = Job {
            plan,
            files: &files,
            lists: &lists,
            limits: Limits { memory: self.memory, spill_root },
            search_limit: self.search_seconds.map(std::time::Duration::from_secs),
            secrets: [&pseudonymized, &anonymized],
            link_keys: link_keys.as_ref(),
            staging: staging.path().to_owned(),
        };
        let mut forbidden = Forbidden::default();
        let made = make(&job, &mut forbidden, &progress)?;
        drop(job);
        show.warn(&made.intake.warnings);
        if link_keys.is_some() {
            let mut text = format!("{}\n", links::HEADER);
            for (token, key) in &made.links {
                text.push_str(&format!("{token},{key}\n"));
            }
            staging.put(links::FILE, text.as_bytes())?;
        }
        let proved = prove(plan, staging.path(), &made.claims(), &forbidden, &progress)?;
        progress.stage("seal");
        let key_id = pseudonymized.key_id().to_owned();
        let suite = pseudonymized.suite().word();
        let for_release = pseudonymized.is_for_release()
            && anonymized.is_for_release()
            && recorder.approval()["state"] != "unapproved";
        let destruction = anonymized.destroy();
        let evidence = plan::legal_evidence(plan);
        let link_record = match (&link_keys, link_source) {
            (Some(returned), Some((source, digests))) => Some(json!({
                "release": id,
                "source": source,
                "file": seal::commit(&digests.sha3_256)?,
                "returned": small(returned.len() as u64),
                "persons": small(made.links.len() as u64),
            })),
            _ => None,
        };
        let statement = statement::build(
            plan,
            &made,
            &proved.proof,
            &statement::Facts {
                id,
                started,
                finished: SystemTime::now(),
                policy_digest,
                approval: recorder.approval().clone(),
                signer: recorder.key().map(Sign::public),
                ledger: recorder.origin(),
                evidence: &evidence,
                lists: &lists,
                pseudonymized_key: &key_id,
                suite,
                destruction: &destruction,
                for_release,
                hygiene: &hygiene,
                links: link_record,
            },
        )?;
        for &kind in &plan.releases {
            let mut dictionary = book::dictionary(plan, kind);
            if !for_release {
                dictionary["notForRelease"] = json!(true);
                staging.put(&seal::stamp_file(kind), seal::STAMP.as_bytes())?;
            }
            staging.put(&statement::dictionary_path(kind), &pretty(&dictionary))?;
        }
        staging.put(statement::STATEMENT, &pretty(&statement))?;
        // False accounts are neither signed nor published.
        balance::check(&statement)?;
        let mut extra = crate::report::search::extra(plan, made.search.as_ref());
        crate::report::objections::add(&mut extra, &lists, &made);
        extra.sections.push(crate::report::closure::section(plan, &made));
        extra.sections.push(crate::report::joins::section(&proved.proof.joins));
        let seen = crate::report::facts::of_run(
            plan,
            &made,
            &proved.proof,
            &evidence,
            &crate::report::facts::Identity {
                id,
                started,
                finished: SystemTime::now(),
                policy_digest,
                for_release,
            },
            crate::report::unique::added(extra, plan, &proved.proof.unique),
        );
        staging.put(
            crate::report::REPORT,
            &pretty(&serde_json::to_value(&seen).unwrap_or_default()),
        )?;
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
                materials: seal::materials(&prepared.loaded)?,
                operator: self.recording.operator.as_deref(),
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
        progress.check()?;
        let folder = if self.dry_run {
            None
        } else {
            if let Some(body) = entry
                && let Some(appended) = recorder.enter(&body)?
            {
                staging.put(seal::ENTRY_FILE, appended.line.as_bytes())?;
                staging.put(seal::PROOF_FILE, appended.proof.as_bytes())?;
            }
            Some(staging.publish(id, &manifest, proved.anonymized, proved.pseudonymized)?)
        };
        note!(info, "published", release = Name::from_policy(id), dry_run = self.dry_run);
        progress.end();
        Ok(Published { folder, statement, key: key_used })
    }

    /// Files and folders that the command line names beside the input.
    fn named(&self) -> impl Iterator<Item = &PathBuf> {
        let some = [
            &self.key,
            &self.passphrase_file,
            &self.link_keys,
            &self.spill,
            &self.recording.sign,
            &self.recording.sign_passphrase_file,
            &self.recording.ledger,
            &self.recording.approved,
        ];
        let lists = self.persons.files();
        some.into_iter().flatten().chain(lists).chain([&self.out])
    }

    /// The project key; none in a dry run before the project's own was made.
    fn project_key(&self, plan: &plan::Plan) -> Result<Option<Chosen>> {
        let wanted = Wanted {
            given: self.key.as_ref(),
            passphrase_file: self.passphrase_file.as_ref(),
            project: &plan.project,
            out: &self.out,
        };
        if self.dry_run { wanted.open() } else { wanted.open_or_make().map(Some) }
    }

    fn id(&self, plan: &plan::Plan) -> Result<String> {
        let id = match &self.release_id {
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
        let plain =
            id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        if id.is_empty() || id.len() > 128 || !plain || id.starts_with('.') {
            return Err(Error::policy(
                "P0306",
                say!(
                    "a release id has letters, digits, `-`, `_` and `.`, and does not begin with `.`"
                ),
            ));
        }
        if self.out.join(&id).exists() {
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
}

fn pretty(value: &serde_json::Value) -> Vec<u8> {
    let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// Shows what was published.
pub fn report(published: &Published, show: Show) {
    let s = &published.statement;
    show.json(&json!({
        "release": published.folder.as_deref().map(Path::to_string_lossy),
        "key": published.key,
        "statement": s,
    }));
    if let Some(tables) = s["tables"].as_array() {
        show.line(&format!(
            "{:<28} {:>10} {:>10} {:>14} {:>14}",
            "table", "rows in", "set aside", "pseudonymized", "anonymized"
        ));
        for table in tables {
            let aside: u64 = table["setAside"]
                .as_object()
                .map_or(0, |o| o.values().filter_map(serde_json::Value::as_u64).sum());
            let out = |kind: Kind| match table["releases"][kind.word()]["rowsOut"].as_u64() {
                Some(rows) => rows.to_string(),
                None => "left out".to_owned(),
            };
            show.line(&format!(
                "{:<28} {:>10} {:>10} {:>14} {:>14}",
                table["table"].as_str().unwrap_or(""),
                table["rowsIn"].as_u64().unwrap_or(0),
                aside,
                out(Kind::Pseudonymized),
                out(Kind::Anonymized)
            ));
        }
    }
    let persons = &s["persons"];
    show.line(&format!(
        "persons: {} read, {} pseudonymized, {} anonymized",
        persons["read"], persons["released"]["pseudonymized"], persons["released"]["anonymized"]
    ));
    for line in objections::told(s) {
        show.line(&line);
    }
    if let Some(views) = s["views"].as_array() {
        for view in views {
            show.line(&format!(
                "view {}{}: k = {} asked, {} reached in {} classes; {} of {} rows suppressed",
                view["view"].as_str().unwrap_or(""),
                if view["implied"] == true { " (implied)" } else { "" },
                view["k"],
                view["recounted"]["smallest"],
                view["recounted"]["classes"],
                view["suppressed"],
                view["rows"]
            ));
        }
    }
    for set in s["sets"].as_array().into_iter().flatten() {
        let rarest = set["recounted"]["sizes"].as_array().into_iter().flatten();
        let rarest = rarest.filter_map(|size| size["smallest"].as_u64()).min();
        show.line(&format!(
            "set {}: k = {} asked for {} known items, {} reached; {} of {} rows suppressed",
            set["set"].as_str().unwrap_or(""),
            set["k"],
            set["m"],
            rarest.map_or("-".to_owned(), |n| n.to_string()),
            set["suppressed"],
            set["rows"]
        ));
    }
    let floors: Vec<&serde_json::Value> =
        s["floors"].as_array().into_iter().flatten().map(|f| &f["outcome"]).collect();
    if !floors.is_empty() {
        let sum = |key: &str| floors.iter().filter_map(|f| f[key].as_u64()).sum::<u64>();
        show.line(&format!(
            "floors: every value shown is held by enough persons in {} columns; {} values were joined with others or blanked, {} rows removed",
            floors.len(),
            sum("joined"),
            sum("rowsRemoved")
        ));
    }
    for steady in s["steady"].as_array().into_iter().flatten() {
        show.line(&format!(
            "outside the views: {} is the same in all rows of a person; with it the smallest class of view {} has {} persons (k = {})",
            steady["column"].as_str().unwrap_or(""),
            steady["split"]["view"].as_str().unwrap_or(""),
            steady["smallest"].as_str().unwrap_or(""),
            steady["split"]["k"]
        ));
    }
    let both = s["releases"].as_array().is_none_or(|kinds| kinds.len() > 1);
    if both && let Ok(joins) = serde_json::from_value::<Joins>(s["proof"]["joins"].clone()) {
        show.line(&joins.told());
    }
    if let Ok(unique) = serde_json::from_value(s["unique"].clone()) {
        for line in crate::report::unique::lines(&unique) {
            show.line(&line.en);
            show.line(&format!("  {}", line.ja));
        }
    }
    if let Some(tier) = s["policy"]["tier"].as_str() {
        show.line(&format!("tier of the anonymized release: {tier}"));
    }
    for reason in statement::reasons(s) {
        show.line(&format!("declared: {reason}"));
    }
    if let Some(warnings) = s["warnings"].as_array()
        && !warnings.is_empty()
    {
        let codes: Vec<&str> = warnings.iter().filter_map(|w| w["code"].as_str()).collect();
        show.line(&match codes.as_slice() {
            [one] => format!("one warning is in the record: {one}"),
            several => {
                format!("{} warnings are in the record: {}", several.len(), several.join(", "))
            }
        });
    }
    match &published.folder {
        Some(folder) => {
            show.line(&format!("published: {}", folder.display()));
            show.line(&format!("next: kakou verify {}", folder.display()));
        }
        None => show.line("dry run: everything holds; nothing was published"),
    }
}
