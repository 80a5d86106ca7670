//! Keys that a linking body gave back (法31条): who may use them, and how they are read.

use std::path::{Path, PathBuf};

use hashbrown::{HashMap, HashSet};

use super::shown;
use crate::digest::{self, Digests};
use crate::error::{Error, Result};
use crate::law::Profile;
use crate::plan::Plan;
use crate::plan::promise::links;
use crate::say;

/// A file of link keys, and who gave it.
#[derive(Clone, Debug)]
pub struct LinkKeys {
    /// The file: `link_id,link_key`, ids of `kakou link export`.
    pub path: PathBuf,
    /// Who gave the keys and when, for the record.
    pub source: Option<String>,
}

/// Link keys that may be used.
pub(super) struct Given {
    pub(super) keys: HashMap<[u8; 16], String>,
    pub(super) source: String,
    pub(super) digests: Digests,
}

impl LinkKeys {
    /// Reads the keys, if the policy may use them: only under the profile `ngmia-linkable`, with a source, and with views of what
    /// the other database shows.
    pub(super) fn open(&self, plan: &Plan) -> Result<Given> {
        if plan.profile != Profile::NgmiaLinkable {
            return Err(Error::refused(
                "C0701",
                say!("link keys are released under the profile `ngmia-linkable` alone; the policy has `{}`", plan.profile),
            )
            .advice(say!("法31条 allows linkable anonymized information for its recipients only")));
        }
        let Some(source) = self.source.clone() else {
            return Err(Error::policy(
                "P0309",
                say!("--link-keys needs --link-source: who gave the keys, and when"),
            ));
        };
        links::required(plan)?;
        let digests = digest::file(&self.path)?;
        Ok(Given { keys: returned(&self.path)?, source, digests })
    }
}

/// The keys that a linking body gave back, by link id.
///
/// # Errors
/// A file that is not `link_id,link_key`, an id that is no token, an id or key that stands there twice.
pub fn returned(path: &Path) -> Result<HashMap<[u8; 16], String>> {
    let name = shown(path);
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::io("X0102", say!("reading the link keys {}", name), &e))?;
    let mut keys = HashMap::new();
    let mut seen = HashSet::new();
    let mut lines = text.lines().map(|l| l.trim_start_matches('\u{feff}').trim_end());
    if lines.next() != Some("link_id,link_key") {
        return Err(Error::data(
            "D0304",
            say!("the first line of {} must be `link_id,link_key`", name),
        ));
    }
    for (index, line) in lines.enumerate().filter(|(_, l)| !l.is_empty()) {
        let bad = |what: &'static str| {
            Error::data("D0304", say!("the link keys {}, line {}: {}", name, index + 2, what))
        };
        let (id, key) = line.split_once(',').ok_or_else(|| bad("not two fields"))?;
        let id = crate::token::parse_token(id).ok_or_else(|| bad("the id is none of ours"))?;
        let plain = !key.is_empty()
            && key.len() <= 128
            && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=+/.".contains(&b));
        if !plain {
            return Err(bad("a key has letters, digits and - _ = + / . only"));
        }
        if !seen.insert(key.to_owned()) {
            return Err(bad("the key stands for two persons"));
        }
        if keys.insert(id, key.to_owned()).is_some() {
            return Err(bad("the id stands there twice"));
        }
    }
    Ok(keys)
}
