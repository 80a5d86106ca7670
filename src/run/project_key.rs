//! Which project key a command uses: the file that `--key` names, or the project's own in the user's folder of keys.
//!
//! Why there is a default, and why it stands there and nowhere else: docs/adr/0006.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::json;

use super::{passphrase, shown};
use crate::error::{Error, Name, Result};
use crate::keys::{ProjectKey, Suite, inspect};
use crate::system::{self, Facts};
use crate::{note, say};

/// The variable that names the folder of keys.
const KEYS: &str = "KAKOU_KEYS";
/// The longest project word that is a file name.
const LONGEST: usize = 64;

/// A project key and where it came from.
pub struct Chosen {
    /// The key.
    pub key: ProjectKey,
    file: PathBuf,
    project: Name,
    /// None if the user named the file; else whether this run made it.
    made: Option<bool>,
}

impl Chosen {
    /// Which key it is, for people and records.
    #[must_use]
    pub fn used(&self) -> KeyUsed {
        match self.made {
            None => KeyUsed::Named,
            Some(made) => {
                note!(info, "project key", file = shown(&self.file), made = made);
                KeyUsed::Own {
                    file: self.file.clone(),
                    project: self.project.clone(),
                    created: self.key.facts().created.clone(),
                    made,
                }
            }
        }
    }
}

/// Which project key a run uses.
#[derive(Clone, Debug)]
pub enum KeyUsed {
    /// The one that was named.
    Named,
    /// The project's own in the user's folder of keys.
    Own {
        /// The key file.
        file: PathBuf,
        /// The project.
        project: Name,
        /// When the key was made (RFC 3339).
        created: String,
        /// Whether this run made it.
        made: bool,
    },
    /// One of this dry run alone, as there is none yet.
    ThrownAway {
        /// The file that a run would make.
        file: PathBuf,
    },
}

impl KeyUsed {
    /// For machines: which file, and whether it is new; nothing if the user named it.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            KeyUsed::Named | KeyUsed::ThrownAway { .. } => serde_json::Value::Null,
            KeyUsed::Own { file, made, .. } => {
                json!({ "file": file.to_string_lossy(), "made": made })
            }
        }
    }
}

/// What a command wants a key for.
pub struct Wanted<'a> {
    /// `--key`.
    pub given: Option<&'a PathBuf>,
    /// `--passphrase-file`.
    pub passphrase_file: Option<&'a PathBuf>,
    /// The project of the policy.
    pub project: &'a Name,
    /// Where releases go: the folder of keys is neither in there nor around it.
    pub out: &'a Path,
}

impl Wanted<'_> {
    /// Opens the key, or makes the project's own at its first use.
    ///
    /// # Errors
    /// Those of reading and making a key file; a project word or a home folder that makes no safe path.
    pub fn open_or_make(&self) -> Result<Chosen> {
        if let Some(chosen) = self.open()? {
            return Ok(chosen);
        }
        let file = own_file(self.project)?;
        let folder = file.parent().unwrap_or(Path::new("/"));
        apart(folder, self.out)?;
        system::owners_folder().recursive(true).create(folder).map_err(|e| {
            Error::io("K0143", say!("making the folder of keys {}", shown(folder)), &e)
                .advice(elsewhere())
        })?;
        private(folder)?;
        let passphrase = passphrase(self.passphrase_file)?;
        let now = SystemTime::now();
        let key = ProjectKey::create(&file, passphrase.as_ref(), Suite::default(), 1, now)?;
        Ok(Chosen { key, file, project: self.project.clone(), made: Some(true) })
    }

    /// Opens the key if there is one; makes none.
    ///
    /// # Errors
    /// Those of reading a key file; a project word or a home folder that makes no safe path.
    pub fn open(&self) -> Result<Option<Chosen>> {
        let (file, made) = match self.given {
            Some(file) => (file.clone(), None),
            None => match existing(self.project)? {
                Some(file) => (file, Some(false)),
                None => return Ok(None),
            },
        };
        if let (Some(_), Some(folder)) = (made, file.parent()) {
            apart(folder, self.out)?;
            private(folder)?;
        }
        let passphrase = passphrase(self.passphrase_file)?;
        let key = ProjectKey::open(&file, passphrase.as_ref())?;
        Ok(Some(Chosen { key, file, project: self.project.clone(), made }))
    }
}

/// The project's own key file, if there is one that opens with what is given: for commands that do without a key too.
///
/// # Errors
/// If a file of this name cannot be trusted.
pub fn own_if_open(project: &Name, passphrase_file: Option<&PathBuf>) -> Result<Option<PathBuf>> {
    // Without a home folder there is no key of one's own.
    let Ok(Some(file)) = existing(project) else { return Ok(None) };
    Ok((inspect(&file)?.passphrase == passphrase_file.is_some()).then_some(file))
}

/// The project's own key file as a run would make it, for messages.
///
/// # Errors
/// If the project word or the home folder makes no safe path.
pub fn own_file(project: &Name) -> Result<PathBuf> {
    let name = file_name(project)?;
    Ok(folder(|variable| std::env::var_os(variable))?.join(name))
}

/// As [`own_file`], if something of that name is there: whatever it is, it is not written over.
fn existing(project: &Name) -> Result<Option<PathBuf>> {
    let file = own_file(project)?;
    match file.symlink_metadata() {
        Ok(_) => Ok(Some(file)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => {
            let what = say!("the key file `{}` cannot be looked at", shown(&file));
            Err(Error::io("K0144", what, &e).advice(elsewhere()))
        }
    }
}

/// `<project>.key`, if the word is a file name that means the same on every system.
fn file_name(project: &Name) -> Result<String> {
    let word = project.as_str();
    let plain = word.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    let begins = word.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    if !plain || !begins || word.len() > LONGEST {
        return Err(Error::policy(
            "K0141",
            say!("the project `{}` of the policy makes no file name for its own key", project),
        )
        .advice(say!(
            "name the key (--key FILE; `kakou key new FILE` makes one), or a project of at most {} letters a-z, digits, `-`, `_` and `.`",
            LONGEST
        )));
    }
    Ok(format!("{word}.key"))
}

fn elsewhere() -> crate::error::Said {
    say!(
        "name the key (--key FILE; `kakou key new FILE` makes one), or a folder of yours for keys ({}=/path)",
        KEYS
    )
}

/// The user's folder of keys: `$KAKOU_KEYS`, else `$XDG_DATA_HOME/kakou/keys`, else `~/.local/share/kakou/keys`.
fn folder(variable: impl Fn(&str) -> Option<OsString>) -> Result<PathBuf> {
    let set = |name| variable(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let refuse = |what| Err(Error::environment("K0142", what).advice(elsewhere()));
    let (name, base, below) = if let Some(keys) = set(KEYS) {
        (KEYS, keys, "")
    } else if let Some(data) = set("XDG_DATA_HOME") {
        ("XDG_DATA_HOME", data, "kakou/keys")
    } else if let Some(home) = set("HOME") {
        ("HOME", home, ".local/share/kakou/keys")
    } else {
        return refuse(say!(
            "no `--key` is given and HOME is not set: there is no place for a key"
        ));
    };
    if !base.is_absolute() {
        return refuse(say!(
            "no `--key` is given and {} is no absolute path: {}",
            name,
            shown(&base)
        ));
    }
    if name == "HOME" {
        // A home folder is never made; and under another user's the key would be theirs.
        match std::fs::metadata(&base) {
            Ok(meta) if !meta.is_dir() => {
                return refuse(say!("no `--key` is given and HOME is no folder: {}", shown(&base)));
            }
            Ok(meta) if Facts::of(&meta).user != system::user() => {
                return refuse(say!(
                    "no `--key` is given and the home folder {} belongs to user {}, this program runs as user {}",
                    shown(&base),
                    Facts::of(&meta).user,
                    system::user()
                ));
            }
            Ok(_) => {}
            Err(e) => {
                let what = say!(
                    "no `--key` is given and the home folder {} cannot be looked at",
                    shown(&base)
                );
                return Err(Error::io("K0142", what, &e).advice(elsewhere()));
            }
        }
    }
    Ok(if below.is_empty() { base } else { base.join(below) })
}

/// The folder of keys is the user's and closed to others.
fn private(folder: &Path) -> Result<()> {
    let meta = std::fs::metadata(folder).map_err(|e| {
        let what = say!("the folder of keys {} cannot be looked at", shown(folder));
        Error::io("K0144", what, &e).advice(elsewhere())
    })?;
    let what = if !meta.is_dir() {
        say!("the folder of keys {} is no folder", shown(folder))
    } else if Facts::of(&meta).user != system::user() {
        say!(
            "the folder of keys {} belongs to user {}, this program runs as user {}",
            shown(folder),
            Facts::of(&meta).user,
            system::user()
        )
    } else if Facts::of(&meta).others_may() {
        return Err(Error::environment(
            "K0145",
            say!("others have rights on the folder of keys {}", shown(folder)),
        )
        .advice(say!("chmod 700 {}", shown(folder))));
    } else {
        return Ok(());
    };
    Err(Error::environment("K0145", what).advice(elsewhere()))
}

/// A folder that is sent must not have the key in it, nor stand among keys.
fn apart(keys: &Path, out: &Path) -> Result<()> {
    let [keys, out] = [whole(keys)?, whole(out)?];
    if keys.starts_with(&out) || out.starts_with(&keys) {
        return Err(Error::refused(
            "K0146",
            say!(
                "the releases ({}) and the folder of keys ({}) lie in one another: a key never stands beside what is sent",
                shown(&out),
                shown(&keys)
            ),
        )
        .advice(say!("choose another --out, or name the key: --key FILE")));
    }
    Ok(())
}

/// The path without links, as far as it exists.
fn whole(path: &Path) -> Result<PathBuf> {
    let io = |e: &std::io::Error| Error::io("K0144", say!("finding {}", shown(path)), e);
    let path = std::path::absolute(path).map_err(|e| io(&e))?;
    let mut there = path.as_path();
    loop {
        match std::fs::canonicalize(there) {
            Ok(found) => {
                let rest = path.strip_prefix(there).unwrap_or(Path::new(""));
                return Ok(if rest.as_os_str().is_empty() { found } else { found.join(rest) });
            }
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => match there.parent() {
                Some(parent) => there = parent,
                None => return Ok(path),
            },
            Err(e) => return Err(io(&e)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(set: &[(&str, &str)]) -> Result<PathBuf> {
        let get = |name: &str| set.iter().find(|(n, _)| *n == name).map(|(_, v)| OsString::from(v));
        folder(get)
    }

    #[test]
    fn the_first_variable_that_is_set_names_the_folder() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path().to_str().unwrap();
        let all = [("KAKOU_KEYS", "/k"), ("XDG_DATA_HOME", "/x"), ("HOME", home)];
        assert_eq!(of(&all).unwrap(), Path::new("/k"));
        assert_eq!(of(&all[1..]).unwrap(), Path::new("/x/kakou/keys"));
        assert_eq!(of(&all[2..]).unwrap(), Path::new(home).join(".local/share/kakou/keys"));
        assert_eq!(of(&[("KAKOU_KEYS", ""), all[1]]).unwrap(), Path::new("/x/kakou/keys"));
    }

    #[test]
    fn a_bad_home_is_told_with_advice() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for home in ["", "here", "/nowhere/at/all", file.path().to_str().unwrap()] {
            let error = of(&[("HOME", home)]).unwrap_err();
            assert_eq!(error.code, "K0142", "{home}");
            assert!(format!("{error:?}").contains("KAKOU_KEYS"), "{home}");
        }
        assert_eq!(of(&[("KAKOU_KEYS", "keys")]).unwrap_err().code, "K0142");
        assert_eq!(of(&[("XDG_DATA_HOME", "../data"), ("HOME", "/")]).unwrap_err().code, "K0142");
    }

    #[test]
    fn odd_project_words_are_no_file_names() {
        let name = |word: &str| file_name(&Name::from_policy(word));
        assert_eq!(name("dpc-hub").unwrap(), "dpc-hub.key");
        assert_eq!(name("A_1.b").unwrap(), "A_1.b.key");
        for word in ["", ".", "..", ".hidden", "-f", "a/b", "../x", "a b", "事業", "a\0", "a\n"] {
            assert_eq!(name(word).unwrap_err().code, "K0141", "{word:?}");
        }
        assert!(name(&"x".repeat(64)).is_ok() && name(&"x".repeat(65)).is_err());
    }

    #[test]
    fn keys_and_releases_lie_apart() {
        let home = tempfile::tempdir().unwrap();
        let at = |path: &str| home.path().join(path);
        std::fs::create_dir_all(at("share/keys")).unwrap();
        std::os::unix::fs::symlink(at("share"), at("link")).unwrap();
        assert!(apart(&at("share/keys"), &at("out")).is_ok());
        assert!(apart(&at("share/keys"), &at("share/out")).is_ok());
        for (keys, out) in [
            ("share/keys", "share"),
            ("share/keys", "share/keys"),
            ("share/keys", "share/keys/out"),
            ("share/keys", "link"),
            ("link/keys", "share/keys/new/out"),
        ] {
            let error = apart(&at(keys), &at(out)).unwrap_err();
            assert_eq!(error.code, "K0146", "{keys} {out}");
        }
    }
}
