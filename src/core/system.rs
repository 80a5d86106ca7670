//! The calls of the operating system that the standard library does not make the same way everywhere: rights of files, links, names
//! that replace nothing, memory that is not swapped out, limits of the process. They all stand here (`tests/house.rs`), so another
//! system is another file with these functions.

use std::fs::{DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::Path;
use std::time::Duration;

use rustix::fs::{CWD, OFlags, RenameFlags, renameat_with};
use rustix::io::Errno;
use rustix::process::{DumpableBehavior, Resource, Rlimit};

/// The rights of a file for its owner alone.
const OWNER: u32 = 0o600;
/// The rights of a file that the owner's group may read.
const GROUP: u32 = 0o640;
/// The rights of a folder for its owner alone.
const FOLDER: u32 = 0o700;

/// What a file is opened with, beside what the standard library knows.
pub trait Opening {
    /// A file that is made is its owner's alone (0600).
    fn of_owner(&mut self) -> &mut Self;
    /// A file that is made may be read by the owner's group too (0640).
    fn of_group(&mut self) -> &mut Self;
    /// A symbolic link is not followed: opening one fails ([`is_link`]).
    fn no_link(&mut self) -> &mut Self;
    /// As [`Self::no_link`]; and a pipe or a terminal is not waited for.
    fn no_link_no_wait(&mut self) -> &mut Self;
}

impl Opening for OpenOptions {
    fn of_owner(&mut self) -> &mut Self {
        self.mode(OWNER)
    }
    fn of_group(&mut self) -> &mut Self {
        self.mode(GROUP)
    }
    fn no_link(&mut self) -> &mut Self {
        self.custom_flags((OFlags::NOFOLLOW | OFlags::CLOEXEC).bits() as i32)
    }
    fn no_link_no_wait(&mut self) -> &mut Self {
        let flags = OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        self.custom_flags(flags.bits() as i32)
    }
}

/// Whether an error says that what was opened with [`Opening::no_link`] is a symbolic link.
#[must_use]
pub fn is_link(error: &io::Error) -> bool {
    error.raw_os_error() == Some(Errno::LOOP.raw_os_error())
}

/// Makes folders that are their owner's alone (0700).
#[must_use]
pub fn owners_folder() -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.mode(FOLDER);
    builder
}

/// The rights of a file for its owner alone (0600).
#[must_use]
pub fn owner() -> Permissions {
    Permissions::from_mode(OWNER)
}

/// The rights of a file that the owner's group may read (0640).
#[must_use]
pub fn group() -> Permissions {
    Permissions::from_mode(GROUP)
}

/// The rights of a folder for its owner alone (0700).
#[must_use]
pub fn folder() -> Permissions {
    Permissions::from_mode(FOLDER)
}

/// Whose a file is, and who may do what with it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Facts {
    /// The number of the user that it belongs to.
    pub user: u32,
    /// Its kind and rights, as `stat` has them.
    pub mode: u32,
    /// How many names it has.
    pub names: u64,
    /// The number of the disk that it is on.
    pub disk: u64,
}

impl Facts {
    /// Of a file that was looked at.
    #[must_use]
    pub fn of(meta: &Metadata) -> Self {
        Facts { user: meta.uid(), mode: meta.mode(), names: meta.nlink(), disk: meta.dev() }
    }
    /// Whether somebody besides the owner has any right on it.
    #[must_use]
    pub fn others_may(self) -> bool {
        self.mode & 0o077 != 0
    }
    /// Whether two looks were at one file.
    #[must_use]
    pub fn same_file(one: &Metadata, other: &Metadata) -> bool {
        one.dev() == other.dev() && one.ino() == other.ino()
    }
    /// Whether everyone may write in this folder and remove what others made there.
    #[must_use]
    pub fn everyone_may_remove(self) -> bool {
        self.mode & 0o002 != 0 && self.mode & 0o1000 == 0
    }
}

/// The number of the user as whom this program runs.
#[must_use]
pub fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Whether something has a name, be it a link to nowhere. That it could not be looked at is no answer.
///
/// # Errors
/// I/O.
pub fn there(path: &Path) -> io::Result<bool> {
    match path.symlink_metadata() {
        Ok(_) => Ok(true),
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Ok(false)
        }
        Err(e) => Err(e),
    }
}

/// Renames, and never replaces.
///
/// # Errors
/// `AlreadyExists` if something has the new name; [`cannot_promise`] if the disk does not know how; I/O.
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE).map_err(io::Error::from)
}

/// Renames a file, and never replaces, on any disk.
///
/// # Errors
/// `AlreadyExists` if something has the new name; I/O.
pub fn give_name(from: &Path, to: &Path) -> io::Result<()> {
    match rename_new(from, to) {
        // A disk that cannot promise it: a second name never replaces either.
        Err(error) if cannot_promise(&error) => {
            std::fs::hard_link(from, to)?;
            std::fs::remove_file(from)
        }
        done => done,
    }
}

/// As [`rename_new`], of two names in one open folder.
///
/// # Errors
/// As there.
pub fn rename_new_in(folder: &File, from: &Path, to: &Path) -> io::Result<()> {
    renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE).map_err(io::Error::from)
}

/// Whether a disk said that it cannot rename without replacing.
#[must_use]
pub fn cannot_promise(error: &io::Error) -> bool {
    let code = error.raw_os_error();
    [Errno::INVAL, Errno::NOSYS].iter().any(|e| code == Some(e.raw_os_error()))
}

/// Waits until the names in a folder are on the disk.
///
/// # Errors
/// I/O.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Reads so many bytes at a place of a file, whoever else reads it.
///
/// # Errors
/// I/O, and a file that ends before.
pub fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    file.read_exact_at(bytes, at)
}

/// Writes bytes at a place of a file.
///
/// # Errors
/// I/O.
pub fn write_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    file.write_all_at(bytes, at)
}

/// Bytes that are free for this user on the disk of a folder.
#[must_use]
pub fn free(folder: &Path) -> Option<u64> {
    let facts = rustix::fs::statvfs(folder).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

/// Writes to the standard output past every buffer and lock, as far as one call takes it: a thread that was stopped may hold them.
pub fn out_at_once(bytes: &[u8]) {
    let _ = rustix::io::write(io::stdout(), bytes);
}

/// As [`out_at_once`], to the standard error.
pub fn error_at_once(bytes: &[u8]) {
    let _ = rustix::io::write(io::stderr(), bytes);
}

/// A number of the thread that asks.
#[must_use]
pub fn thread() -> i32 {
    rustix::thread::gettid().as_raw_pid()
}

/// The processor time of this process so far, of all threads.
#[must_use]
pub fn processor() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (seconds, more) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), more.unwrap_or(0))
}

/// Asks for no core files. Whether there will be none, as read back.
#[must_use]
pub fn no_core_files() -> bool {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let set = rustix::process::setrlimit(Resource::Core, none).is_ok();
    set && rustix::process::getrlimit(Resource::Core) == none
}

/// Asks that so many files can be open at once, as far as the system's own limit goes (the usual one asked of it is 1,024); how many can.
pub fn open_files(wanted: u64) -> u64 {
    let now = rustix::process::getrlimit(Resource::Nofile);
    let most = now.maximum.map_or(wanted, |most| most.min(wanted));
    if now.current.is_some_and(|current| current < most) {
        let more = Rlimit { current: Some(most), maximum: now.maximum };
        // Where the system does not, the file that cannot be opened says so.
        let _ = rustix::process::setrlimit(Resource::Nofile, more);
    }
    rustix::process::getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Asks that the process is not dumped and that no other process of the user looks into it. Whether it is so, as read back.
#[must_use]
pub fn no_dumps() -> bool {
    let set = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).is_ok();
    set && rustix::process::dumpable_behavior().is_ok_and(|b| b == DumpableBehavior::NotDumpable)
}

/// Keeps the pages of a value out of the swap space, or lets them go again; whether the system did it.
#[expect(unsafe_code, reason = "no maintained crate locks memory that the caller owns")]
pub fn lock_memory<T>(value: &T, lock: bool) -> bool {
    let size = size_of_val(value);
    let start = std::ptr::from_ref(value).cast_mut().cast();
    // SAFETY: `start` and `size` are those of a live value, and neither call reads or writes it or changes what is mapped.
    let done = unsafe {
        if lock { rustix::mm::mlock(start, size) } else { rustix::mm::munlock(start, size) }
    };
    done.is_ok()
}

/// Has the allocator give blocks of `large` bytes and more back to the system as soon as they are free.
pub fn give_back(large: i32) {
    #[cfg(target_env = "gnu")]
    #[expect(
        unsafe_code,
        reason = "the system's allocator is told how to behave; no crate does it"
    )]
    // SAFETY: `mallopt` takes two numbers, locks what it changes, and touches no block that is in use.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, large);
        libc::mallopt(libc::M_TRIM_THRESHOLD, 4 << 20);
    }
    #[cfg(not(target_env = "gnu"))]
    let _ = large;
}

/// Has all threads that come take their small blocks from one arena of the allocator: what is free in a thread's own arena no other
/// thread may use, and it never goes back to the system.
pub fn share_arenas() {
    #[cfg(target_env = "gnu")]
    #[expect(
        unsafe_code,
        reason = "the system's allocator is told how to behave; no crate does it"
    )]
    // SAFETY: `mallopt` takes two numbers, locks what it changes, and touches no block that is in use.
    unsafe {
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(path: &Path) -> u32 {
        Facts::of(&std::fs::symlink_metadata(path).unwrap()).mode & 0o777
    }

    #[test]
    fn what_is_made_is_its_owners() {
        let work = tempfile::tempdir().unwrap();
        let at = |name: &str| work.path().join(name);
        owners_folder().recursive(true).create(at("a/b")).unwrap();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        options.of_owner().open(at("own")).unwrap();
        options.of_group().open(at("group")).unwrap();
        assert_eq!((rights(&at("a")), rights(&at("a/b"))), (0o700, 0o700));
        assert_eq!(rights(&at("own")), 0o600);
        assert!(rights(&at("group")) & 0o137 == 0, "the mask may take more away");
        let facts = Facts::of(&std::fs::metadata(at("own")).unwrap());
        assert_eq!((facts.user, facts.names, facts.others_may()), (user(), 1, false));
    }

    #[test]
    fn a_name_is_never_taken_from_another() {
        let work = tempfile::tempdir().unwrap();
        let at = |name: &str| work.path().join(name);
        std::fs::write(at("a"), "a").unwrap();
        std::fs::write(at("b"), "b").unwrap();
        let kind = |done: io::Result<()>| done.err().map(|e| e.kind());
        assert_eq!(kind(rename_new(&at("a"), &at("b"))), Some(io::ErrorKind::AlreadyExists));
        let folder = File::open(work.path()).unwrap();
        let within = |from: &str, to: &str| rename_new_in(&folder, from.as_ref(), to.as_ref());
        assert_eq!(kind(within("a", "b")), Some(io::ErrorKind::AlreadyExists));
        within("a", "c").unwrap();
        assert_eq!(std::fs::read(at("b")).unwrap(), b"b");
        rename_new(&at("c"), &at("d")).unwrap();
        sync_folder(work.path()).unwrap();
    }

    #[test]
    fn a_link_is_told_from_other_errors() {
        let work = tempfile::tempdir().unwrap();
        let link = work.path().join("link");
        std::os::unix::fs::symlink("nowhere", &link).unwrap();
        let open = |path: &Path| OpenOptions::new().read(true).no_link().open(path).unwrap_err();
        assert!(is_link(&open(&link)));
        assert!(!is_link(&open(&work.path().join("nothing"))));
        assert!(!cannot_promise(&open(&link)));
    }

    #[test]
    fn the_processor_time_grows_with_work() {
        let before = processor();
        let mut sum = 0_u64;
        while processor() == before {
            sum = std::hint::black_box(sum.wrapping_add(1));
        }
        assert!(processor() > before && processor() < Duration::from_secs(100_000));
    }
}
