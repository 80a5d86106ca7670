//! The statement of a run: `record/statement.json`. The processor's own, complete record; it holds no cell value.

use std::time::SystemTime;

use crate::digest::{self, hex};
use crate::error::{Error, Result};
use crate::say;

#[cfg(feature = "make")]
mod build;
mod model;

#[cfg(feature = "make")]
pub use build::{Facts, build};
pub use model::*;

/// RFC 3339 in UTC, whole seconds.
#[must_use]
pub fn rfc3339(time: SystemTime) -> String {
    chrono::DateTime::<chrono::Utc>::from(time).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// All files with both digests, in the order of their names; as text one a line: `sha256  sha3-256  bytes  path`.
///
/// Of a file whose digests are known (it was proved), SHA-256 is computed again: if it is the same, the bytes are, and its
/// SHA3-256 too. Otherwise both are computed, and publishing sees that the file is another one.
///
/// # Errors
/// I/O.
pub fn manifest(
    folder: &std::path::Path,
    except: &[&str],
    known: &[(String, digest::Digests)],
) -> Result<Vec<Listed>> {
    use rayon::prelude::*;
    let mut files = Vec::new();
    crate::release::each_file(folder, &mut |path| {
        let relative =
            path.strip_prefix(folder).ok().and_then(|p| p.to_str()).ok_or_else(|| {
                Error::environment(
                    "X0402",
                    say!("a file of the release has a name that is not text"),
                )
            })?;
        if !except.contains(&relative) {
            files.push(relative.to_owned());
        }
        Ok(())
    })?;
    files.sort();
    files
        .into_par_iter()
        .map(|path| {
            let file = folder.join(&path);
            let digests = match known.iter().find(|(proved, _)| *proved == path) {
                Some((_, proved)) if digest::sha256_file(&file)? == proved.sha256 => *proved,
                _ => digest::file(&file)?,
            };
            Ok(Listed { path, digests })
        })
        .collect()
}

/// A file of the manifest.
#[derive(Clone, Debug)]
pub struct Listed {
    /// Relative to the release folder.
    pub path: String,
    /// Its digests.
    pub digests: digest::Digests,
}

/// The manifest as text.
#[must_use]
pub fn manifest_text(files: &[Listed]) -> String {
    files
        .iter()
        .map(|f| {
            let d = &f.digests;
            format!("{}  {}  {}  {}\n", hex(&d.sha256), hex(&d.sha3_256), d.bytes, f.path)
        })
        .collect()
}

/// The name of the manifest.
pub const MANIFEST: &str = "record/MANIFEST";

/// The name of the lock file of staging, which is not part of a release.
pub const NOT_LISTED: [&str; 1] = [MANIFEST];

/// The name of the statement.
pub const STATEMENT: &str = "record/statement.json";
