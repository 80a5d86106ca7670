//! Lists of persons who must not be in a release: opt-out (停止の求め) and other reasons, one list a release kind.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use hashbrown::HashMap;

use super::identity;
use crate::error::{Error, Name, Result};
use crate::policy::model::Normalize;
use crate::say;
use crate::schema::Kind;
use crate::text::identifier;

/// One list as it was read.
#[derive(Debug)]
pub struct List {
    /// Which releases it is for.
    pub kinds: Vec<Kind>,
    /// The bytes of the file, for a hiding commitment in the record.
    pub bytes: Vec<u8>,
    /// Identities on it, and whether one of the input's persons has it.
    identities: HashMap<String, AtomicBool>,
    /// Lines that are no identifier (blank after normalization, or a filler).
    pub unusable: u64,
}

impl List {
    /// The number of distinct identities.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.identities.len() as u64
    }
    /// Whether the list names nobody.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.identities.is_empty()
    }
    /// Identities that a person of the input has.
    #[must_use]
    pub fn matched(&self) -> u64 {
        self.identities.values().filter(|m| m.load(Ordering::Relaxed)).count() as u64
    }
}

/// All lists of a run.
#[derive(Debug, Default)]
pub struct Lists {
    /// In the order of the command line.
    pub lists: Vec<List>,
    /// Persons with the local identities that lists name, where several hospitals know one person.
    locals: std::sync::OnceLock<HashMap<String, Vec<String>>>,
}

impl Lists {
    /// Reads a list: one identifier a line; the parts of a key of several columns are separated by a TAB or a comma.
    /// Lines that start with `#` are comments.
    ///
    /// # Errors
    /// If the file cannot be read, is not text, or a line has the wrong number of parts.
    pub fn add(
        &mut self,
        path: &Path,
        shown: &Name,
        kinds: &[Kind],
        parts: usize,
        normalize: &Normalize,
    ) -> Result<()> {
        let bytes = std::fs::read(path)
            .map_err(|e| Error::io("X0101", say!("reading the exclusion list {}", shown), &e))?;
        let text = decode(&bytes).ok_or_else(|| {
            Error::data("D0301", say!("the exclusion list {} is neither UTF-8 nor CP932", shown))
        })?;
        let mut identities = HashMap::new();
        let mut unusable = 0;
        for (index, line) in text.lines().enumerate() {
            let line = line.trim_matches(['\u{feff}', '\r']);
            if line.trim().is_empty() || line.starts_with('#') {
                continue;
            }
            let fields: Vec<&str> =
                if parts == 1 { vec![line] } else { line.split(['\t', ',']).collect() };
            if fields.len() != parts {
                return Err(Error::data(
                    "D0302",
                    say!(
                        "the exclusion list {}, line {}: {} parts, but the person's key has {} columns",
                        shown,
                        index + 1,
                        fields.len(),
                        parts
                    ),
                )
                .advice(say!("separate the parts by a TAB or a comma, in the order of the key's columns")));
            }
            let normal: Vec<Option<String>> =
                fields.iter().map(|f| identity::part(f.trim_matches('"'), normalize)).collect();
            if normal.iter().any(Option::is_none) {
                unusable += 1;
                continue;
            }
            let normal: Vec<&str> = normal.iter().flatten().map(String::as_str).collect();
            identities.insert(identifier::compose(&normal), AtomicBool::new(false));
        }
        if identities.is_empty() && unusable > 0 {
            return Err(Error::data(
                "D0303",
                say!("the exclusion list {} holds no usable identifier", shown),
            ));
        }
        self.lists.push(List { kinds: kinds.to_vec(), bytes, identities, unusable });
        Ok(())
    }

    /// Whether a person must not be in a release; remembers that the list matched.
    #[must_use]
    pub fn excludes(&self, kind: Kind, identity: &str) -> bool {
        let mut found = false;
        let others = self.locals.get().and_then(|l| l.get(identity));
        for list in self.lists.iter().filter(|l| l.kinds.contains(&kind)) {
            let local = others.into_iter().flatten().map(String::as_str);
            for identity in local.chain([identity]) {
                if let Some(matched) = list.identities.get(identity) {
                    matched.store(true, Ordering::Relaxed);
                    found = true;
                }
            }
        }
        found
    }

    /// Says which local identities a person has: who is on a list with one of them is on it with all.
    pub fn tell_locals(&self, locals: HashMap<String, Vec<String>>) {
        // A second intake of one run reads the same files.
        let _ = self.locals.set(locals);
    }
}

fn decode(bytes: &[u8]) -> Option<String> {
    if let Ok(text) = std::str::from_utf8(bytes) {
        return Some(text.to_owned());
    }
    encoding_rs::SHIFT_JIS
        .decode_without_bom_handling_and_without_replacement(bytes)
        .map(std::borrow::Cow::into_owned)
}
