//! `kakou link`: what a linking body gets, and nothing else.
//!
//! Two holders that must be linked give the body tokens of the same persons, made with one link key from the fields of
//! `person.same`; the content goes to the recipient under other tokens. The body answers with keys by `link_id`.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::json;

use super::persons::Persons;
use super::{Failure, Outcome, Show, passphrase, prepare, shown};
use crate::engine::linkage::{LINK_DOMAIN, Linkage};
use crate::engine::{Silent, intake};
use crate::error::Error;
use crate::keys::{ProjectKey, ReleaseSecrets, harden};
use crate::run::project_key::Wanted;
use crate::say;
use crate::schema::Kind;
use crate::text::{identifier, link};
use crate::token::Secrets as _;
use crate::token::token_text;
use crate::words;

/// Makes the file for a linking body (link_only).
#[derive(Args, Debug)]
#[command(after_help = "Example:
  kakou link export --policy policy.toml --input DATA --link-key link.key --body ndb --out link.csv

The link key is a key file (`kakou key new link.key`) that all who are linked share and the linking body does not have.")]
pub struct Link {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes link_id and link_token of every person who can be linked, and nothing else.
    Export(Export),
}

#[derive(Args, Debug)]
struct Export {
    /// The policy; its `person.same` says what a link token is made of.
    #[arg(long)]
    policy: PathBuf,
    /// The folder with the input files.
    #[arg(long)]
    input: PathBuf,
    /// The project key file: the link ids are made with it. Without it the project's own, which `kakou run` made.
    #[arg(long)]
    key: Option<PathBuf>,
    /// The passphrase file of the project key.
    #[arg(long)]
    passphrase_file: Option<PathBuf>,
    /// The link key file, the same for all who are to be linked.
    #[arg(long)]
    link_key: PathBuf,
    /// The passphrase file of the link key.
    #[arg(long)]
    link_passphrase_file: Option<PathBuf>,
    /// The linking body: part of the derivation, so that two bodies cannot compare.
    #[arg(long)]
    body: String,
    /// Persons who are to be left out: those who must not be in the anonymized release.
    #[command(flatten)]
    persons: Persons,
    /// The file to make.
    #[arg(long)]
    out: PathBuf,
}

impl Link {
    /// Runs it.
    ///
    /// # Errors
    /// A policy without `person.same`, defects of the data, I/O.
    pub fn run(&self, show: Show) -> Outcome<()> {
        match &self.command {
            Command::Export(export) => export.run(show),
        }
    }
}

impl Export {
    fn run(&self, show: Show) -> Outcome<()> {
        let prepared = prepare(&self.policy)?;
        let plan = &prepared.plan;
        let fail = |e: Error| Failure::new(e, &prepared.loaded.sources);
        if plan.linkage.is_empty() {
            return Err(fail(
                Error::policy("P0111", say!("the policy has no `person.same`: nothing says what a link token is made of"))
                    .advice(say!("same = [{{ table = \"...\", fields = [{{ column = \"...\", as = \"date\" }}, ...] }}] under [person]")),
            ));
        }
        let _ = harden();
        let lists = self.persons.lists().read(plan).map_err(fail)?;
        let files = intake::find_files(plan, &self.input).map_err(fail)?;
        intake::check_headers(plan, &files).map_err(fail)?;
        let wanted = Wanted {
            given: self.key.as_ref(),
            passphrase_file: self.passphrase_file.as_ref(),
            project: &plan.project,
            out: &self.out,
        };
        let chosen = wanted.open()?.ok_or_else(|| {
            Error::environment("K0147", say!("the project `{}` has no key yet", plan.project))
                .advice(say!("`kakou run` makes one at its first use; or name one: --key FILE"))
        })?;
        super::run::tell_key(&chosen.used(), show);
        let ids = ReleaseSecrets::pseudonymized(
            &chosen.key,
            plan.project.as_str(),
            plan.recipient.as_str(),
            identifier::DERIVATION,
        );
        let tokens = ReleaseSecrets::pseudonymized(
            &ProjectKey::open(
                &self.link_key,
                passphrase(self.link_passphrase_file.as_ref())?.as_ref(),
            )?,
            "link",
            &self.body,
            link::VERSION,
        );
        let linkage = Linkage::read(plan, &files, &Silent)?;
        lists.tell_locals(linkage.locals());
        // Sorted by id: a keyed value, so the order of the file tells nothing.
        let mut lines: BTreeSet<(String, String)> = BTreeSet::new();
        linkage
            .links(plan, &files, &Silent, &mut |person, identity| {
                lists.compare(person);
                // Every list is looked into; what is linked is the anonymized release.
                let [_, excluded] = Kind::BOTH.map(|kind| lists.excludes(kind, person));
                if !excluded {
                    lines.insert((
                        token_text(&ids.token(LINK_DOMAIN, person)),
                        token_text(&tokens.token("link", identity)),
                    ));
                }
            })
            .and_then(|()| lists.judge())
            .map_err(fail)?;
        let mut text = String::from("link_id,link_token\n");
        for (id, token) in &lines {
            text.push_str(&format!("{id},{token}\n"));
        }
        write_new(&self.out, text.as_bytes())?;
        let persons = lines.iter().map(|(id, _)| id).collect::<BTreeSet<_>>().len() as u64;
        show.json(&json!({ "out": self.out.to_string_lossy(), "version": link::VERSION, "rows": lines.len(), "persons": crate::error::small(persons) }));
        show.line(&words!(
            "{}: {} rows of {} persons ({}): tokens only",
            self.out.display(),
            lines.len(),
            crate::error::small(persons),
            link::VERSION
        ));
        Ok(())
    }
}

/// Makes a file that only its owner reads; an existing one is never replaced.
///
/// # Errors
/// I/O.
pub fn write_new(path: &std::path::Path, bytes: &[u8]) -> crate::error::Result<()> {
    use crate::system::Opening as _;
    use std::io::Write as _;
    let doing = || say!("making {}", shown(path));
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .of_owner()
        .open(path)
        .map_err(|e| Error::io("X0503", doing(), &e))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(|e| Error::io("X0508", doing(), &e))
}
