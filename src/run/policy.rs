//! A policy that was judged: what a run begins with.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::project_key;
use crate::error::{Error, Name};
use crate::plan::{self, Plan};
use crate::policy::model::{InputFormat, Source};
use crate::{policy, say};

/// Why a policy is refused, with the texts that its places point into.
pub type Failed = Box<policy::Failed>;

/// A table that is read from another file than the policy says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct TableFile {
    /// The table's name in the policy.
    pub table: String,
    /// A file, or a pattern of files, of the input folder: CSV with a header in UTF-8, Parquet, or a workbook with one sheet.
    pub file: String,
}

impl FromStr for TableFile {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((table, file)) if !table.is_empty() && !file.is_empty() => {
                Ok(TableFile { table: table.to_owned(), file: file.to_owned() })
            }
            _ => Err("a table and its file: stays=stays.parquet".to_owned()),
        }
    }
}

fn replace(loaded: &mut policy::Loaded, files: &[TableFile]) -> Result<(), Error> {
    let mut errors = Vec::new();
    for (index, TableFile { table, file }) in files.iter().enumerate() {
        let name = Name::from_policy(table.clone());
        if files[..index].iter().any(|before| before.table == *table) {
            errors.push(Error::policy("P0348", say!("--table names the table `{}` twice", name)));
            continue;
        }
        let place = loaded.place(&["tables", table]);
        let Some(found) = loaded.policy.tables.get_mut(table) else {
            let known: Vec<&str> = loaded.policy.tables.keys().map(String::as_str).collect();
            errors.push(
                Error::policy("P0345", say!("the policy has no table `{}`", name))
                    .advice(say!("it has {}", Name::from_policy(known.join(", ")))),
            );
            continue;
        };
        let old = &found.source;
        let of_tree = old.record.is_some()
            || matches!(
                old.format,
                Some(InputFormat::Uke | InputFormat::Ssmix2 | InputFormat::Fhir)
            );
        if of_tree {
            errors.push(
                Error::policy(
                    "P0346",
                    say!("table `{}` is a part of records that are read as a whole: it cannot come from a file of its own", name),
                )
                .at_opt(place),
            );
            continue;
        }
        found.source =
            Source { per_folder: old.per_folder, dates: old.dates, ..Source::file(file.clone()) };
    }
    Error::all(errors).map_or(Ok(()), Err)
}

/// A policy as read, and the plan that was made of it and judged against the law.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The policy as read.
    pub loaded: policy::Loaded,
    /// The plan.
    pub plan: Plan,
}

impl Policy {
    /// Reads a policy file with all that it extends; `kakou:dpc-hub` is a shipped one.
    ///
    /// # Errors
    /// Everything that is wrong with it, with places.
    pub fn load(path: &Path) -> Result<Policy, Failed> {
        Policy::judge(policy::load(path)?)
    }

    /// Reads a policy from a text; it cannot extend another. `name` is the file's name in messages.
    ///
    /// # Errors
    /// Everything that is wrong with it, with places.
    pub fn from_text(name: &str, text: &str) -> Result<Policy, Failed> {
        Policy::judge(policy::load_text(name, text)?)
    }

    /// As [`Policy::load`], but the tables that are named are read from other files of the input folder: what a program hands over
    /// in memory, or an extract in another form. Everything else the policy says of them stays.
    ///
    /// # Errors
    /// As [`Policy::load`]; a table that the policy does not have, or that is a part of a tree of messages or records.
    pub fn load_from(path: &Path, files: &[TableFile]) -> Result<Policy, Failed> {
        let mut loaded = policy::load(path)?;
        match replace(&mut loaded, files) {
            Ok(()) => Policy::judge(loaded),
            Err(error) => Err(Box::new(policy::Failed { error, sources: loaded.sources })),
        }
    }

    fn judge(loaded: policy::Loaded) -> Result<Policy, Failed> {
        let plan = plan::ladders(&loaded).and_then(|ladders| Plan::build(&loaded, &ladders));
        match plan {
            Ok(plan) => Ok(Policy { loaded, plan }),
            Err(error) => Err(Box::new(policy::Failed { error, sources: loaded.sources })),
        }
    }

    /// Files and folders of the run itself, which are no input although they may stand in the input folder: the policy with what
    /// it extends and names, and what the request names.
    #[must_use]
    pub fn own<'a>(&self, named: impl IntoIterator<Item = &'a PathBuf>) -> Vec<PathBuf> {
        let mut own: Vec<PathBuf> = named.into_iter().cloned().collect();
        let key = project_key::own_file(&self.plan.project).ok();
        own.extend(key.and_then(|file| file.parent().map(Path::to_owned)));
        for (name, _) in &self.loaded.sources.files {
            own.push(PathBuf::from(name.as_str()));
        }
        for folder in self.loaded.folders() {
            own.push(folder.join("layouts"));
            for (name, _) in &self.loaded.sources.files {
                own.extend(Path::new(name.as_str()).file_name().map(|f| folder.join(f)));
            }
        }
        for (name, hierarchy) in &self.loaded.policy.hierarchies {
            let folder = self.loaded.folder_of(&["hierarchies", name]);
            own.push(folder.unwrap_or(Path::new("")).join(&hierarchy.path));
        }
        own
    }
}
