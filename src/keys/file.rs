//! The sealed key file.
//!
//! A text of nine or ten lines (`kakou-key-v1`): suite, id, purpose, time and version of the key, how it is wrapped,
//! the key and a checksum of all lines before. The checksum tells damage from a wrong passphrase; it protects nothing.
//! There is one way to write a given content, and reading accepts no other.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use argon2::{Algorithm, Argon2, Block, Params};
use chacha20poly1305::aead::AeadInPlace as _;
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305};
use chrono::{DateTime, Utc};
use sha3::{Digest as _, Sha3_256};
use zeroize::{Zeroize as _, Zeroizing};

use super::locked::Locked;
use super::suite::Suite;
use super::{hex, id_of, random};
use crate::claim;
use crate::error::{Error, Name, Result};
use crate::say;
use crate::system::{self, Facts, Opening as _};

const MAGIC: &str = "kakou-key-v1\n";
/// A key file has less than 500 bytes.
const SIZE_CAP: usize = 2048;
/// `sum `, 64 digits, line end.
const SUM_LINE: usize = 4 + 64 + 1;

/// What a key is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// The root of the tokens and random choices of the pseudonymized releases of a project.
    ProjectRoot,
    /// The seed of an Ed25519 key that signs records. The suite of such a file only makes its id.
    #[serde(rename = "signing-ed25519")]
    Signing,
    /// One of two shares that open a sealed project key together (`keys::RevealShare`).
    #[serde(rename = "reveal-share")]
    Share,
}

impl Purpose {
    /// The word in key files.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Purpose::ProjectRoot => "project-root",
            Purpose::Signing => "signing-ed25519",
            Purpose::Share => "reveal-share",
        }
    }
    fn parse(word: &str) -> Option<Self> {
        [Purpose::ProjectRoot, Purpose::Signing, Purpose::Share]
            .into_iter()
            .find(|purpose| purpose.word() == word)
    }
}

/// What may be known of a key: for the record and for `kakou key show`.
#[derive(Clone, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyFacts {
    /// Its id, 13 characters.
    pub id: String,
    /// The keyed function that it is used with.
    pub suite: Suite,
    /// What it is for.
    pub purpose: Purpose,
    /// When it was made, RFC 3339, seconds, UTC.
    pub created: String,
    /// The version of the key in its project, from 1. Another version gives other tokens.
    pub version: u32,
    /// Whether a passphrase protects the file.
    pub passphrase: bool,
}

/// A passphrase: at least 8 bytes. Overwritten when dropped, never shown.
pub struct Passphrase(Zeroizing<Vec<u8>>);

impl Passphrase {
    /// Takes a passphrase over. Line ends are the caller's matter.
    ///
    /// # Errors
    /// If it has fewer than 8 bytes or more than 1024.
    pub fn new(bytes: Zeroizing<Vec<u8>>) -> Result<Self> {
        if !(8..=1024).contains(&bytes.len()) {
            return Err(Error::policy("K0102", say!("the passphrase has {} bytes", bytes.len()))
                .advice(say!("choose one of 8 to 1024 bytes, better 20 or more")));
        }
        Ok(Passphrase(bytes))
    }
}

/// What guessing a passphrase costs (Argon2id, RFC 9106).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory: u32,
    /// Passes.
    pub passes: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for Cost {
    fn default() -> Self {
        Cost { memory: 256 * 1024, passes: 3, lanes: 1 }
    }
}

impl Cost {
    /// What a file may ask of the machine that reads it: at most 2 GiB, 16 passes, 16 lanes, and 8 GiB over all passes.
    fn is_bearable(self) -> bool {
        (1..=16).contains(&self.lanes)
            && (1..=16).contains(&self.passes)
            && (8 * self.lanes..=2 << 20).contains(&self.memory)
            && u64::from(self.memory) * u64::from(self.passes) <= 8 << 20
    }
}

/// How the key stands in the file.
enum Wrap {
    Bare,
    Argon2id { cost: Cost, salt: [u8; 16], nonce: [u8; 24] },
}

/// The lines before the key.
struct Header {
    facts: KeyFacts,
    wrap: Wrap,
}

impl Header {
    fn text(&self) -> String {
        let KeyFacts { id, suite, purpose, created, version, passphrase: _ } = &self.facts;
        let mut text = format!(
            "{MAGIC}suite {}\nid {id}\npurpose {}\ncreated {created}\nversion {version}\n",
            suite.word(),
            purpose.word()
        );
        match &self.wrap {
            Wrap::Bare => text.push_str("wrap none\n"),
            Wrap::Argon2id { cost: Cost { memory, passes, lanes }, salt, nonce } => {
                text.push_str(&format!(
                    "wrap argon2id m={memory} t={passes} p={lanes} salt={}\nnonce {}\n",
                    hex::encode(salt),
                    hex::encode(nonce)
                ));
            }
        }
        text
    }

    /// Reads the lines before the key, and gives the text of the key line. `None` if anything is not as it is written.
    fn parse(body: &str) -> Option<(Header, &str)> {
        let mut lines = body.strip_prefix(MAGIC)?.strip_suffix('\n')?.split('\n');
        let mut field = |name: &str| lines.next()?.strip_prefix(name)?.strip_prefix(' ');
        let suite = Suite::parse(field("suite")?)?;
        let id = field("id")?.to_owned();
        let purpose = Purpose::parse(field("purpose")?)?;
        let created = field("created")?.to_owned();
        let version = field("version")?.parse().ok()?;
        let wrap = match field("wrap")? {
            "none" => Wrap::Bare,
            argon2id => {
                let mut words = argon2id.strip_prefix("argon2id ")?.split(' ');
                let mut word = |name: &str| words.next()?.strip_prefix(name);
                let cost = Cost {
                    memory: word("m=")?.parse().ok()?,
                    passes: word("t=")?.parse().ok()?,
                    lanes: word("p=")?.parse().ok()?,
                };
                let (mut salt, mut nonce) = ([0; 16], [0; 24]);
                hex::decode_into(word("salt=")?, &mut salt)?;
                hex::decode_into(field("nonce")?, &mut nonce)?;
                Wrap::Argon2id { cost, salt, nonce }
            }
        };
        let key = field("key")?;
        let passphrase = matches!(wrap, Wrap::Argon2id { .. });
        let facts = KeyFacts { id, suite, purpose, created, version, passphrase };
        let header = Header { facts, wrap };
        // One content, one text: what was read must be written in the same way.
        let text = header.text();
        let same =
            body.strip_prefix(text.as_str())?.strip_prefix("key ")?.strip_suffix('\n')? == key;
        let valid = header.facts.version > 0
            && is_rfc3339(&header.facts.created)
            && header.facts.id.len() == 13
            && lines.next().is_none();
        (same && valid).then_some((header, key))
    }
}

/// A time as RFC 3339 in UTC with whole seconds.
pub(super) fn rfc3339(time: SystemTime) -> String {
    DateTime::<Utc>::from(time).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn is_rfc3339(text: &str) -> bool {
    text.len() == 20
        && DateTime::parse_from_rfc3339(text)
            .is_ok_and(|time| rfc3339(SystemTime::from(time)) == text)
}

/// The root key of a project. Cannot be copied, written elsewhere or shown; overwritten when dropped.
pub struct ProjectKey {
    facts: KeyFacts,
    key: Locked<[u8; 32]>,
}

impl std::fmt::Debug for ProjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ProjectKey({})", self.facts.id)
    }
}

impl ProjectKey {
    /// Makes a new root key and its file: readable by the owner only, on the disk when this returns.
    ///
    /// # Errors
    /// If the file exists, the folder can be written by everyone, or the system does not let it be written.
    pub fn create(
        path: &Path,
        passphrase: Option<&Passphrase>,
        suite: Suite,
        version: u32,
        now: SystemTime,
    ) -> Result<Self> {
        Self::create_at_cost(path, passphrase, suite, version, now, Cost::default())
    }

    /// As [`Self::create`], with another cost of guessing the passphrase: for tests.
    ///
    /// # Errors
    /// Those of [`Self::create`].
    #[doc(hidden)]
    pub fn create_at_cost(
        path: &Path,
        passphrase: Option<&Passphrase>,
        suite: Suite,
        version: u32,
        now: SystemTime,
        cost: Cost,
    ) -> Result<Self> {
        let (facts, key) =
            create(path, passphrase, Purpose::ProjectRoot, suite, version, now, cost)?;
        Ok(ProjectKey { facts, key })
    }

    /// Reads a root key.
    ///
    /// # Errors
    /// If others could read or replace the file, it is damaged, or the passphrase is missing, wrong or not called for.
    /// Each says what to do.
    pub fn open(path: &Path, passphrase: Option<&Passphrase>) -> Result<Self> {
        let (facts, key) = open(path, passphrase, Purpose::ProjectRoot)?;
        Ok(ProjectKey { facts, key })
    }

    /// What may be known of it.
    #[must_use]
    pub fn facts(&self) -> &KeyFacts {
        &self.facts
    }

    /// Whether the key is locked in memory.
    #[must_use]
    pub fn in_locked_memory(&self) -> bool {
        self.key.is_locked()
    }

    pub(super) fn bytes(&self) -> &[u8; 32] {
        self.key.get()
    }

    pub(super) fn opened(facts: KeyFacts, key: Locked<[u8; 32]>) -> Self {
        ProjectKey { facts, key }
    }
}

/// What may be known of the key in a file, without its passphrase.
///
/// # Errors
/// Those of [`ProjectKey::open`], except those about the passphrase.
pub fn inspect(path: &Path) -> Result<KeyFacts> {
    let (_, content) = read(path)?;
    Ok(parse(path, &content)?.0.facts)
}

pub(super) fn shown(path: &Path) -> Name {
    Name::from_policy(path.display().to_string())
}

/// Makes a key and its file.
pub(super) fn create(
    path: &Path,
    passphrase: Option<&Passphrase>,
    purpose: Purpose,
    suite: Suite,
    version: u32,
    now: SystemTime,
    cost: Cost,
) -> Result<(KeyFacts, Locked<[u8; 32]>)> {
    if version == 0 {
        return Err(Error::policy("K0103", say!("the version of a key is at least 1")));
    }
    let folder = check_folder(path)?;
    // Whether it exists is decided below; asking first only saves the time that a passphrase takes.
    if system::there(path).map_err(|e| {
        Error::io("K0109", say!("the folder `{}` cannot be looked at", shown(&folder)), &e)
    })? {
        return Err(exists(path));
    }
    let key = Locked::fill(|bytes| random(bytes))?;
    let (mut salt, mut nonce) = ([0; 16], [0; 24]);
    random(&mut salt)?;
    random(&mut nonce)?;
    let facts = KeyFacts {
        id: id_of(suite, key.get()),
        suite,
        purpose,
        created: rfc3339(now),
        version,
        passphrase: passphrase.is_some(),
    };
    let wrap = match passphrase {
        None => Wrap::Bare,
        Some(_) => Wrap::Argon2id { cost, salt, nonce },
    };
    let header = Header { facts, wrap };
    let content = write_text(&header, passphrase, &key)?;
    write_new(path, &folder, &content)?;
    Ok((header.facts, key))
}

/// The text of a key file. Its room is taken at once, so that growing leaves no copy behind.
fn write_text(
    header: &Header,
    passphrase: Option<&Passphrase>,
    key: &Locked<[u8; 32]>,
) -> Result<Zeroizing<String>> {
    let head = header.text();
    let mut content = Zeroizing::new(String::with_capacity(SIZE_CAP));
    content.push_str(&head);
    content.push_str("key ");
    match (&header.wrap, passphrase) {
        (Wrap::Argon2id { cost, salt, nonce }, Some(passphrase)) => {
            let mut bytes = Zeroizing::new([0; 32]);
            bytes.copy_from_slice(key.get());
            let tag = wrapping(passphrase, *cost, salt)?
                .encrypt_in_place_detached(nonce.into(), head.as_bytes(), bytes.as_mut_slice())
                .map_err(|_| Error::environment("K0104", say!("the key cannot be wrapped")))?;
            hex::push(&mut content, bytes.as_slice());
            hex::push(&mut content, &tag);
        }
        _ => hex::push(&mut content, key.get()),
    }
    content.push('\n');
    let sum = Sha3_256::digest(content.as_bytes());
    content.push_str("sum ");
    hex::push(&mut content, &sum);
    content.push('\n');
    Ok(content)
}

/// The cipher under a passphrase.
fn wrapping(passphrase: &Passphrase, cost: Cost, salt: &[u8; 16]) -> Result<XChaCha20Poly1305> {
    let too_much = || {
        Error::environment(
            "K0105",
            say!(
                "the passphrase needs {} MiB of memory, which the system does not give",
                cost.memory / 1024
            ),
        )
        .advice(say!("close other programs or raise the limit of memory"))
    };
    let refused =
        |_| Error::environment("K0106", say!("the cost of the passphrase is out of bounds"));
    let params = Params::new(cost.memory, cost.passes, cost.lanes, Some(32)).map_err(refused)?;
    let mut blocks: Vec<Block> = Vec::new();
    blocks.try_reserve_exact(params.block_count()).map_err(|_| too_much())?;
    blocks.resize(params.block_count(), Block::default());
    let mut key = Zeroizing::new([0; 32]);
    let done = Argon2::new(Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password_into_with_memory(&passphrase.0, salt, key.as_mut_slice(), &mut blocks);
    blocks.iter_mut().for_each(|block| block.zeroize());
    done.map_err(refused)?;
    Ok(XChaCha20Poly1305::new((&*key).into()))
}

fn exists(path: &Path) -> Error {
    Error::policy("K0107", say!("`{}` exists already and is not overwritten", shown(path)))
        .advice(say!("name a new file; a lost key cannot be made again, so nothing replaces one"))
}

/// Writes a new file and waits until it and its name are on the disk.
pub(super) fn write_new(path: &Path, folder: &Path, content: &str) -> Result<()> {
    let failed = |error: &std::io::Error| {
        Error::io("K0108", say!("the key file `{}` cannot be written", shown(path)), error)
            .advice(say!("choose a folder of yours with free space"))
    };
    // What killed programs left of keys that never were.
    let _ = claim::sweep_files(folder, MAKING);
    // Whole before it has its name: a killed program leaves no empty file that stops every later one.
    let (making, mut file) = claim::file(folder, MAKING, "", OpenOptions::new().of_owner())
        .map_err(|error| failed(&error))?;
    let written = (|| {
        // The mask of the process may have taken rights away.
        file.set_permissions(system::owner())?;
        file.write_all(content.as_bytes())?;
        file.sync_all()?;
        system::give_name(&making, path)?;
        system::sync_folder(folder)
    })();
    written.map_err(|error: std::io::Error| {
        let _ = std::fs::remove_file(&making);
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            exists(path)
        } else {
            failed(&error)
        }
    })
}

/// How a key file is called until it is whole.
const MAKING: &str = ".kakou-key-";
/// How a key file is called while it is destroyed.
const GOING: &str = ".kakou-purge";

/// The folder of a key file, if not everyone can write there.
pub(super) fn check_folder(path: &Path) -> Result<PathBuf> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let meta = std::fs::metadata(&folder).map_err(|error| {
        Error::io("K0109", say!("the folder `{}` cannot be looked at", shown(&folder)), &error)
    })?;
    if Facts::of(&meta).everyone_may_remove() {
        return Err(Error::environment(
            "K0110",
            say!(
                "everyone can replace files in the folder `{}`, so no secret belongs there",
                shown(&folder)
            ),
        )
        .advice(say!("chmod o-w {}", shown(&folder))));
    }
    Ok(folder)
}

/// A file that holds a secret, as messages call it, and how one comes by such a file.
#[derive(Clone, Copy)]
struct Secret {
    what: &'static str,
    made: &'static str,
}

/// Reads a key file: only its owner can read it, and that is checked on the open file, not on its name.
pub(super) fn read(path: &Path) -> Result<(File, Zeroizing<Vec<u8>>)> {
    let secret = Secret { what: "key file", made: "`kakou key new FILE` makes a key" };
    read_secret(path, &secret)
}

impl Passphrase {
    /// Reads a passphrase file: its first line. It is held to what a key file is held to, for whoever reads it opens the key.
    ///
    /// # Errors
    /// If others could read or replace the file, it cannot be read, or its first line is no passphrase.
    pub fn read(path: &Path) -> Result<Self> {
        let secret = Secret {
            what: "passphrase file",
            made: "write the passphrase into a file of your own (umask 077)",
        };
        let (_, mut bytes) = read_secret(path, &secret)?;
        if let Some(end) = bytes.iter().position(|&b| b == b'\n' || b == b'\r') {
            bytes[end..].zeroize();
            bytes.truncate(end);
        }
        Passphrase::new(bytes)
    }
}

fn read_secret(path: &Path, secret: &Secret) -> Result<(File, Zeroizing<Vec<u8>>)> {
    let name = shown(path);
    check_folder(path)?;
    // Without O_NONBLOCK the program would wait for the other end of a pipe.
    let file = OpenOptions::new().read(true).no_link_no_wait().open(path).map_err(|error| {
        if system::is_link(&error) {
            return Error::environment(
                "K0111",
                say!("the {} `{}` is a symbolic link", secret.what, name),
            )
            .advice(say!("name the file that it leads to"));
        }
        Error::io("K0112", say!("the {} `{}` cannot be opened", secret.what, name), &error)
            .advice(say!("{}; the owner of the file must run this program", secret.made))
    })?;
    let meta = file.metadata().map_err(|error| {
        Error::io("K0113", say!("the {} `{}` cannot be looked at", secret.what, name), &error)
    })?;
    let refuse = |code, what| Err(Error::environment(code, what));
    if !meta.is_file() {
        return refuse("K0114", say!("`{}` is not a regular file", name))
            .map_err(|error| error.advice(say!("{}", secret.made)));
    }
    let (own, facts) = (system::user(), Facts::of(&meta));
    if facts.user != own {
        return refuse(
            "K0115",
            say!(
                "the {} `{}` belongs to user {}, this program runs as user {}",
                secret.what,
                name,
                facts.user,
                own
            ),
        )
        .map_err(|error| error.advice(say!("run as the owner, or: chown {} {}", own, name)));
    }
    if facts.others_may() {
        return refuse("K0116", say!("others have rights on the {} `{}`", secret.what, name))
            .map_err(|error| error.advice(say!("chmod 600 {}", name)));
    }
    if facts.names != 1 {
        return refuse("K0117", say!("the {} `{}` has {} names", secret.what, name, facts.names))
            .map_err(|error| {
                error.advice(say!(
                    "remove the other names (find them with: find / -samefile {})",
                    name
                ))
            });
    }
    let mut content = Zeroizing::new(Vec::with_capacity(SIZE_CAP + 1));
    let read = (&file).take(SIZE_CAP as u64 + 1).read_to_end(&mut content);
    read.map_err(|error| {
        Error::io("K0113", say!("the {} `{}` cannot be read", secret.what, name), &error)
    })?;
    Ok((file, content))
}

fn damaged(path: &Path) -> Error {
    Error::environment("K0118", say!("the key file `{}` is damaged", shown(path))).advice(say!(
        "take it from the backup: tokens made with it cannot be made again without it"
    ))
}

/// Destroys a key file (or an escrow file): overwrites it in place, waits for the disk, removes it. What a disk keeps
/// elsewhere (copies, journals, worn-out cells) is out of reach: a file protected by a passphrase is as good as
/// destroyed there too, a bare one is not.
///
/// It loses its name first, so that nobody takes a half destroyed key for a damaged one; a destruction that was killed is gone on
/// with. A file that is not there is destroyed.
///
/// # Errors
/// Those of reading a key file, and I/O. The file may then still be there.
pub fn destroy(path: &Path) -> Result<()> {
    let failed = |error: &std::io::Error| {
        Error::io("K0124", say!("the key file `{}` cannot be destroyed", shown(path)), error)
    };
    let folder = check_folder(path)?;
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(GOING);
    let going = folder.join(name);
    // What cannot be looked at is not gone.
    let there = |path: &Path| system::there(path).map_err(|e| failed(&e));
    if there(path)? && !there(&going)? {
        // The same rules as for reading: an owned regular file with one name.
        drop(read(path)?);
        system::give_name(path, &going)
            .and_then(|()| system::sync_folder(&folder))
            .map_err(|e| failed(&e))?;
    }
    if !there(&going)? {
        return Ok(());
    }
    let (_, content) = read(&going)?;
    let mut noise = vec![0; content.len().max(64)];
    random(&mut noise)?;
    let mut file = OpenOptions::new().write(true).no_link().open(&going).map_err(|e| failed(&e))?;
    (|| {
        file.write_all(&noise)?;
        file.sync_all()?;
        file.set_len(0)?;
        file.sync_all()?;
        std::fs::remove_file(&going)?;
        system::sync_folder(&folder)
    })()
    .map_err(|e: std::io::Error| failed(&e))?;
    // A file of this name that came while the first one went.
    if there(path)? { destroy(path) } else { Ok(()) }
}

/// The header and the key line of a file, if its checksum holds and it says nothing that it must not.
fn parse<'a>(path: &Path, content: &'a [u8]) -> Result<(Header, &'a str)> {
    if !content.starts_with(MAGIC.as_bytes()) {
        return Err(Error::environment("K0119", say!("`{}` is not a key file", shown(path)))
            .advice(say!(
                "a key file begins with `kakou-key-v1`; if this was one, take it from the backup"
            )));
    }
    let text = (content.len() <= SIZE_CAP)
        .then(|| std::str::from_utf8(content).ok())
        .flatten()
        .ok_or_else(|| damaged(path))?;
    let cut = text.len().checked_sub(SUM_LINE).filter(|cut| text.is_char_boundary(*cut));
    let (body, sum) = text.split_at(cut.ok_or_else(|| damaged(path))?);
    let right = Sha3_256::digest(body.as_bytes());
    let sum = sum.strip_prefix("sum ").and_then(|sum| sum.strip_suffix('\n'));
    let mut said = [0; 32];
    if sum.and_then(|sum| hex::decode_into(sum, &mut said)).is_none() || said != *right {
        return Err(damaged(path));
    }
    let (header, key) = Header::parse(body).ok_or_else(|| {
        Error::environment(
            "K0120",
            say!(
                "the key file `{}` is whole, but says something that this version does not know",
                shown(path)
            ),
        )
        .advice(say!("use the version of the program that made it"))
    })?;
    if let Wrap::Argon2id { cost, .. } = &header.wrap
        && !cost.is_bearable()
    {
        return Err(Error::environment(
            "K0106",
            say!(
                "the key file `{}` asks for {} KiB, {} passes and {} lanes, which is out of bounds",
                shown(path),
                cost.memory,
                cost.passes,
                cost.lanes
            ),
        )
        .advice(say!("this program makes no such file; take it from the backup")));
    }
    Ok((header, key))
}

/// Reads a key.
pub(super) fn open(
    path: &Path,
    passphrase: Option<&Passphrase>,
    purpose: Purpose,
) -> Result<(KeyFacts, Locked<[u8; 32]>)> {
    let (_file, content) = read(path)?;
    let (header, line) = parse(path, &content)?;
    let name = shown(path);
    if header.facts.purpose != purpose {
        return Err(Error::policy(
            "K0121",
            say!(
                "the key in `{}` is for `{}`, here one for `{}` is needed",
                name,
                header.facts.purpose.word(),
                purpose.word()
            ),
        )
        .advice(say!("name the other key file")));
    }
    let key = match (&header.wrap, passphrase) {
        (Wrap::Bare, None) => {
            Locked::fill(|key| hex::decode_into(line, key).ok_or_else(|| damaged(path)))?
        }
        (Wrap::Bare, Some(_)) => {
            return Err(Error::policy(
                "K0122",
                say!("a passphrase was given, but the key file `{}` is not protected by one", name),
            )
            .advice(say!("look whether it is the right file; if it is, give no passphrase")));
        }
        (Wrap::Argon2id { .. }, None) => {
            return Err(Error::policy(
                "K0123",
                say!("the key file `{}` is protected by a passphrase", name),
            )
            .advice(say!("give the passphrase")));
        }
        (Wrap::Argon2id { cost, salt, nonce }, Some(passphrase)) => {
            let mut wrapped = Zeroizing::new([0; 48]);
            hex::decode_into(line, wrapped.as_mut_slice()).ok_or_else(|| damaged(path))?;
            let (bytes, tag) = wrapped.split_at_mut(32);
            wrapping(passphrase, *cost, salt)?
                .decrypt_in_place_detached(nonce.into(), header.text().as_bytes(), bytes, (&*tag).into())
                .map_err(|_| {
                    Error::policy("K0124", say!("wrong passphrase for the key file `{}`", name)).advice(say!(
                        "the file is whole (its checksum holds); if the passphrase is right, someone altered the file on purpose"
                    ))
                })?;
            Locked::fill(|key| {
                key.copy_from_slice(bytes);
                Ok::<(), Error>(())
            })?
        }
    };
    if id_of(header.facts.suite, key.get()) != header.facts.id {
        return Err(Error::environment(
            "K0125",
            say!("the key in `{}` is not the one that its id names", name),
        )
        .advice(say!("take the file from the backup")));
    }
    Ok((header.facts, key))
}

#[cfg(test)]
pub(super) mod tests_support {
    use super::*;

    /// A root key with known bytes.
    pub(crate) fn project_key(suite: Suite, version: u32, bytes: [u8; 32]) -> ProjectKey {
        let facts = KeyFacts {
            id: id_of(suite, &bytes),
            suite,
            purpose: Purpose::ProjectRoot,
            created: "2026-01-02T03:04:05Z".to_owned(),
            version,
            passphrase: false,
        };
        ProjectKey { facts, key: Locked::new(bytes) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ReleaseSecrets;
    use super::*;
    use crate::token::Secrets as _;
    use crate::token::token_text;
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
    use std::time::Duration;

    const CHEAP: Cost = Cost { memory: 64, passes: 1, lanes: 1 };

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.as_bytes().to_vec())).unwrap()
    }

    fn new_key(path: &Path, passphrase: Option<&Passphrase>) -> ProjectKey {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_323_045);
        ProjectKey::create_at_cost(path, passphrase, Suite::default(), 1, now, CHEAP).unwrap()
    }

    fn code(result: Result<ProjectKey>) -> &'static str {
        let error = result.unwrap_err();
        assert!(error.advice.is_some(), "{} says nothing about what to do", error.code);
        error.code
    }

    /// Replaces the content, checksum included, as someone would who does it on purpose.
    fn rewrite(path: &Path, change: impl Fn(&str) -> String) {
        let text = std::fs::read_to_string(path).unwrap();
        let mut body = change(&text[..text.len() - SUM_LINE]);
        let sum = Sha3_256::digest(body.as_bytes());
        body.push_str(&format!("sum {}\n", hex::encode(&sum)));
        std::fs::write(path, body).unwrap();
    }

    /// Whoever reads the passphrase opens the key: the same rules.
    #[test]
    fn a_passphrase_file_that_others_could_reach_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pass");
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let refused = |path: &Path| {
            let error = Passphrase::read(path).err().unwrap();
            assert!(!error.what.as_str().contains("key file"), "{}", error.what);
            error.code
        };
        std::fs::write(&path, "正しい馬の電池\r\nsecond line\n").unwrap();
        for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601] {
            set(&path, mode);
            assert_eq!(refused(&path), "K0116");
        }
        set(&path, 0o600);
        assert_eq!(&*Passphrase::read(&path).unwrap().0, "正しい馬の電池".as_bytes());
        let link = folder.path().join("symbolic");
        symlink(&path, &link).unwrap();
        assert_eq!(refused(&link), "K0111");
        let hard = folder.path().join("hard");
        std::fs::hard_link(&path, &hard).unwrap();
        assert_eq!(refused(&path), "K0117");
        std::fs::remove_file(&hard).unwrap();
        set(folder.path(), 0o777);
        assert_eq!(refused(&path), "K0110");
        set(folder.path(), 0o700);
        assert_eq!(refused(&folder.path().join("absent")), "K0112");
        std::fs::write(&path, "\nshort first line").unwrap();
        assert_eq!(refused(&path), "K0102");
        if system::user() == 0 {
            std::os::unix::fs::chown(&path, Some(1), None).unwrap();
            assert_eq!(refused(&path), "K0115");
        }
    }

    #[test]
    fn a_key_is_read_as_it_was_made() {
        let folder = tempfile::tempdir().unwrap();
        for (name, passphrase) in [("bare", None), ("wrapped", Some(passphrase("正しい馬の電池")))]
        {
            let path = folder.path().join(name);
            let made = new_key(&path, passphrase.as_ref());
            let read = ProjectKey::open(&path, passphrase.as_ref()).unwrap();
            assert_eq!(made.facts(), read.facts());
            assert_eq!(made.bytes(), read.bytes());
            assert_eq!(read.facts().created, "2026-01-02T03:04:05Z");
            assert_eq!(read.facts().passphrase, passphrase.is_some());
            assert_eq!(inspect(&path).unwrap(), *made.facts());
            let meta = std::fs::metadata(&path).unwrap();
            assert_eq!(meta.mode() & 0o7777, 0o600);
            assert!(meta.len() < 500);
            let key_in_file =
                std::fs::read_to_string(&path).unwrap().contains(&hex::encode(made.bytes()));
            assert_eq!(key_in_file, passphrase.is_none());
        }
        assert_ne!(
            new_key(&folder.path().join("a"), None).bytes(),
            new_key(&folder.path().join("b"), None).bytes()
        );
    }

    /// Key files of this version stay readable. Both were checked outside of this program: the first was written there,
    /// the second unwrapped there with another Argon2id and ChaCha20-Poly1305, down to the token.
    #[test]
    fn key_files_of_this_version_stay_readable() {
        let bare = "kakou-key-v1\nsuite hmac-sha3-256\nid 83J2Q2PR0W2H9\npurpose project-root\n\
            created 2026-01-02T03:04:05Z\nversion 3\nwrap none\n\
            key 4242424242424242424242424242424242424242424242424242424242424242\n\
            sum 3faea451343c2ad1e703dfddace0eb4027c20942b422a4165511f0fef7434925\n";
        let wrapped = "kakou-key-v1\nsuite kmac256\nid 4NYTXDFBS94CB\npurpose project-root\n\
            created 2026-01-02T03:04:05Z\nversion 7\n\
            wrap argon2id m=64 t=1 p=1 salt=877d195b167efd70b85cff22c3c6c486\n\
            nonce fc467a4d1d34b6e9bbc1e65d2b63d86c920f3afa7f3dc768\n\
            key e72ade2d6e779261d701a8b24eb743b2aad10a34c6a0ea6f807e739344668fdd\
            bc30a260efa934aa1cd26702ef4ead7b\n\
            sum 8e1ca598d6b6a566caa83a7a66005839c56430d33d1d17ab608ed8c0f9b6628d\n";
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str, text: &str, passphrase: Option<&Passphrase>| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
            ProjectKey::open(&path, passphrase).unwrap()
        };
        assert_eq!(open("bare", bare, None).bytes(), &[0x42; 32]);
        let key = open("wrapped", wrapped, Some(&passphrase("正しい馬の電池")));
        let secrets = ReleaseSecrets::pseudonymized(&key, "p", "r", "1");
        assert_eq!(token_text(&secrets.token("patient", "1")), "31TJM0E4E940FJSWZR05VG3C79");
    }

    #[test]
    fn a_file_is_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let create = |path: &Path| {
            ProjectKey::create(path, None, Suite::default(), 1, SystemTime::UNIX_EPOCH)
        };
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(code(create(&path)), "K0107");
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        let link = folder.path().join("link");
        symlink(folder.path().join("nowhere"), &link).unwrap();
        assert_eq!(code(create(&link)), "K0107");
        assert!(!folder.path().join("nowhere").exists());
        assert_eq!(create(&folder.path().join("x/key")).unwrap_err().code, "K0109");
        let zero = ProjectKey::create(
            &folder.path().join("v0"),
            None,
            Suite::default(),
            0,
            SystemTime::UNIX_EPOCH,
        );
        assert_eq!(zero.unwrap_err().code, "K0103");
    }

    #[test]
    fn a_file_that_others_could_reach_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        new_key(&path, None);
        for mode in [0o640, 0o604, 0o620, 0o602, 0o610, 0o601] {
            set(&path, mode);
            assert_eq!(code(ProjectKey::open(&path, None)), "K0116");
        }
        let error = ProjectKey::open(&path, None).unwrap_err();
        assert_eq!(error.advice.unwrap().as_str(), format!("chmod 600 {}", path.display()));
        set(&path, 0o400);
        assert!(ProjectKey::open(&path, None).is_ok());

        let link = folder.path().join("symbolic");
        symlink(&path, &link).unwrap();
        assert_eq!(code(ProjectKey::open(&link, None)), "K0111");
        let hard = folder.path().join("hard");
        std::fs::hard_link(&path, &hard).unwrap();
        assert_eq!(code(ProjectKey::open(&path, None)), "K0117");
        std::fs::remove_file(&hard).unwrap();

        set(folder.path(), 0o777);
        assert_eq!(code(ProjectKey::open(&path, None)), "K0110");
        assert_eq!(
            code(ProjectKey::create(
                &folder.path().join("new"),
                None,
                Suite::default(),
                1,
                SystemTime::UNIX_EPOCH
            )),
            "K0110"
        );
        set(folder.path(), 0o1777);
        assert!(ProjectKey::open(&path, None).is_ok());
        set(folder.path(), 0o700);

        assert_eq!(code(ProjectKey::open(folder.path(), None)), "K0114");
        assert_eq!(code(ProjectKey::open(&folder.path().join("absent"), None)), "K0112");
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(code(ProjectKey::open(&pipe, None)), "K0114");
        if system::user() == 0 {
            std::os::unix::fs::chown(&path, Some(1), None).unwrap();
            assert_eq!(code(ProjectKey::open(&path, None)), "K0115");
        } else {
            println!("skipped: only root can give a file away");
        }
    }

    #[test]
    fn the_passphrase_must_be_the_right_one() {
        let folder = tempfile::tempdir().unwrap();
        let (bare, wrapped) = (folder.path().join("bare"), folder.path().join("wrapped"));
        new_key(&bare, None);
        new_key(&wrapped, Some(&passphrase("correct horse")));
        assert_eq!(code(ProjectKey::open(&wrapped, Some(&passphrase("correct horsf")))), "K0124");
        assert_eq!(code(ProjectKey::open(&wrapped, None)), "K0123");
        assert_eq!(code(ProjectKey::open(&bare, Some(&passphrase("correct horse")))), "K0122");
        let short = Passphrase::new(Zeroizing::new(b"1234567".to_vec()));
        assert_eq!(short.map(|_| ()).unwrap_err().code, "K0102");
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let right = passphrase("correct horse");
        for passphrase in [None, Some(&right)] {
            if path.exists() {
                std::fs::remove_file(&path).unwrap();
            }
            new_key(&path, passphrase);
            let whole = std::fs::read(&path).unwrap();
            for place in 0..whole.len() {
                for bit in 0..8 {
                    let mut bytes = whole.clone();
                    bytes[place] ^= 1 << bit;
                    std::fs::write(&path, &bytes).unwrap();
                    let expected = if place < MAGIC.len() { "K0119" } else { "K0118" };
                    assert_eq!(code(ProjectKey::open(&path, passphrase)), expected, "byte {place}");
                }
                std::fs::write(&path, &whole[..place]).unwrap();
                let expected = if place < MAGIC.len() { "K0119" } else { "K0118" };
                assert_eq!(code(ProjectKey::open(&path, passphrase)), expected, "cut at {place}");
            }
            for extra in ["\n".to_owned(), " ".repeat(SIZE_CAP)] {
                std::fs::write(&path, [&whole, extra.as_bytes()].concat()).unwrap();
                assert_eq!(code(ProjectKey::open(&path, passphrase)), "K0118");
            }
        }
    }

    #[test]
    fn what_is_altered_on_purpose_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let right = passphrase("correct horse");
        let original = |passphrase| {
            if path.exists() {
                std::fs::remove_file(&path).unwrap();
            }
            new_key(&path, passphrase);
        };
        // The header is sealed with the key.
        let changes: [(&str, &str, &str); 11] = [
            ("version 1\n", "version 2\n", "K0124"),
            ("suite kmac256", "suite hmac-sha3-256", "K0124"),
            ("created 2026", "created 2025", "K0124"),
            ("purpose project-root", "purpose signing-ed25519", "K0121"),
            ("version 1\n", "version 01\n", "K0120"),
            ("version 1\n", "version 0\n", "K0120"),
            ("T03:04:05Z", "T03:04:61Z", "K0120"),
            ("suite kmac256", "suite sha1", "K0120"),
            ("m=64 ", "m=4194304 ", "K0106"),
            ("t=1 ", "t=4294967295 ", "K0106"),
            ("p=1 ", "p=0 ", "K0106"),
        ];
        for (from, to, expected) in changes {
            original(Some(&right));
            rewrite(&path, |text| {
                assert!(text.contains(from));
                text.replace(from, to)
            });
            assert_eq!(code(ProjectKey::open(&path, Some(&right))), expected, "{to}");
        }
        // Without a passphrase the id still has to belong to the key.
        original(None);
        rewrite(&path, |text| text.replace("suite kmac256", "suite hmac-sha3-256"));
        assert_eq!(code(ProjectKey::open(&path, None)), "K0125");
        original(None);
        rewrite(&path, |text| format!("{text}more\n"));
        assert_eq!(code(ProjectKey::open(&path, None)), "K0120");
    }

    #[test]
    fn the_default_cost_is_bearable() {
        assert!(Cost::default().is_bearable());
        let params = Params::new(Cost::default().memory, 3, 1, Some(32)).unwrap();
        assert_eq!(params.block_count(), 256 * 1024);
        assert!(!Cost { memory: 2 << 20, passes: 5, lanes: 1 }.is_bearable());
        assert!(Cost { memory: 2 << 20, passes: 4, lanes: 4 }.is_bearable());
        assert!(!Cost { memory: 8, passes: 1, lanes: 2 }.is_bearable());
    }

    #[test]
    fn nothing_secret_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        let key = new_key(&path, None);
        assert_eq!(format!("{key:?}"), format!("ProjectKey({})", key.facts().id));
        let secret = hex::encode(key.bytes());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let shown = ProjectKey::open(&path, None).unwrap_err().to_string();
        assert!(!shown.contains(&secret));
    }
}
