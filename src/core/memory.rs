//! Memory: how much the program holds, and a clean end when the system gives no more.
//!
//! The allocator of the system is used as it is. Large blocks are counted, so that partitions are sized by what was really read
//! and `run --timings` can say what a room took. Where the system refuses memory (a control group does not: it kills; a limit
//! such as `prlimit --data` does), Rust would abort with a message of its own and leave what the run wrote. Instead the
//! folders of the run are removed and the user is told, with the exit code of an error of the environment.

use std::alloc::{GlobalAlloc, Layout, System};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::error::Error;
use crate::say;

/// Smaller blocks are not counted: they are many, and little.
const COUNTED: usize = 1 << 12;
/// Kept back, to have something left for the end.
const RESERVE: usize = 4 << 20;

/// What is told where nobody said how.
const NO_MORE: &[u8] = b"error[X0607]: the system gives no more memory\n";

static LIVE: AtomicI64 = AtomicI64::new(0);
static PEAK: AtomicI64 = AtomicI64::new(0);
static OUT: AtomicBool = AtomicBool::new(false);
static ENDING: AtomicI32 = AtomicI32::new(0);
static KEPT_BACK: Mutex<Vec<u8>> = Mutex::new(Vec::new());
static FOLDERS: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());
static TELL: Mutex<Option<fn(&Error)>> = Mutex::new(None);
static ASKED: AtomicUsize = AtomicUsize::new(0);

/// The allocator of the system, counted. A program makes it its own with `#[global_allocator]`; a library must not choose for those
/// who use it. Without it nothing is counted, and partitions are sized by estimates alone.
#[derive(Debug)]
pub struct Counted;

#[cfg(test)]
#[global_allocator]
static ALLOCATOR: Counted = Counted;

fn count(bytes: i64) {
    let now = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    if now > PEAK.load(Ordering::Relaxed) {
        PEAK.fetch_max(now, Ordering::Relaxed);
    }
}

#[expect(
    unsafe_code,
    reason = "an allocator has no safe form; this one hands everything to that of the system"
)]
// SAFETY: every call goes to `System` with the very arguments; what stands around it neither reads nor writes the block.
unsafe impl GlobalAlloc for Counted {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let block = unsafe { System.alloc(layout) };
        if block.is_null() {
            refused(layout.size());
        }
        if layout.size() >= COUNTED {
            count(layout.size() as i64);
        }
        block
    }
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let block = unsafe { System.alloc_zeroed(layout) };
        if block.is_null() {
            refused(layout.size());
        }
        if layout.size() >= COUNTED {
            count(layout.size() as i64);
        }
        block
    }
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if layout.size() >= COUNTED {
            count(-(layout.size() as i64));
        }
        unsafe { System.dealloc(block, layout) }
    }
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let moved = unsafe { System.realloc(block, layout, size) };
        if moved.is_null() {
            refused(size);
        }
        let counted = |size: usize| if size >= COUNTED { size as i64 } else { 0 };
        let more = counted(size) - counted(layout.size());
        if more != 0 {
            count(more);
        }
        moved
    }
}

/// Bytes held now in large blocks.
#[must_use]
pub fn held() -> u64 {
    u64::try_from(LIVE.load(Ordering::Relaxed)).unwrap_or(0)
}

/// The most bytes held since the last call, and begins anew.
pub fn peak() -> u64 {
    let now = LIVE.load(Ordering::Relaxed);
    u64::try_from(PEAK.swap(now, Ordering::Relaxed).max(now)).unwrap_or(0)
}

/// Keeps some memory back for a clean end, and says how the end is told.
pub fn prepare(tell: fn(&Error)) {
    if let Ok(mut how) = TELL.lock() {
        *how = Some(tell);
    }
    if let Ok(mut kept) = KEPT_BACK.lock() {
        *kept = Vec::with_capacity(RESERVE);
    }
}

/// A bound below which the arenas of the allocator count: one a thread, each with some ten MiB that are free and stay.
const SMALL: u64 = 1 << 30;

/// Prepares for a bound of so many bytes. Before there are threads: each keeps the arena that it has.
pub fn prepare_for(bound: u64) {
    if bound < SMALL {
        crate::system::share_arenas();
    }
}

/// Gives blocks of `large` bytes and more (within bounds) back to the system as soon as they are free. It costs time (their pages are made anew each time), so it is done
/// where the bound is tight: many freed blocks among those in use would be held, and count.
pub fn tight(large: u64) {
    let large = i32::try_from(large.clamp(512 << 10, 8 << 20)).unwrap_or(1 << 20);
    crate::system::share_arenas();
    crate::system::give_back(large);
}

/// A folder that is removed if the program ends for want of memory.
#[derive(Debug)]
pub struct Fleeting(PathBuf);

impl Fleeting {
    /// Remembers it.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        if let Ok(mut folders) = FOLDERS.lock() {
            folders.push(folder.to_owned());
        }
        Fleeting(folder.to_owned())
    }
}

impl Drop for Fleeting {
    fn drop(&mut self) {
        if let Ok(mut folders) = FOLDERS.lock() {
            folders.retain(|f| *f != self.0);
        }
    }
}

/// The system gives no more: cleans up and ends. Whoever else asks meanwhile waits for the end.
#[cold]
fn refused(bytes: usize) -> ! {
    let this = crate::system::thread();
    if OUT.swap(true, Ordering::SeqCst) {
        if ENDING.load(Ordering::SeqCst) == this {
            // Not even for the end: what stays is swept by the next run.
            std::process::exit(4);
        }
        loop {
            std::thread::sleep(Duration::from_secs(3600));
        }
    }
    ENDING.store(this, Ordering::SeqCst);
    ASKED.store(bytes, Ordering::SeqCst);
    // Locks are only tried: this thread may hold one of them.
    if let Ok(mut kept) = KEPT_BACK.try_lock() {
        *kept = Vec::new();
    }
    let folders = FOLDERS.try_lock().map(|mut f| std::mem::take(&mut *f)).unwrap_or_default();
    for folder in folders {
        // A file may be made while others are removed: once more.
        if std::fs::remove_dir_all(&folder).is_err() {
            let _ = std::fs::remove_dir_all(&folder);
        }
        crate::claim::let_go(&folder);
    }
    let tell = TELL.try_lock().ok().and_then(|tell| *tell);
    match tell {
        Some(tell) => tell(&out()),
        // A program that did not say how: never without a word.
        None => crate::system::error_at_once(NO_MORE),
    }
    std::process::exit(4)
}

/// The error of a program that got no more memory.
fn out() -> Error {
    let asked = ASKED.load(Ordering::SeqCst) as u64;
    Error::environment(
        "X0607",
        say!(
            "the system gives no more memory: {} MiB were held and {} KiB more asked for; nothing was published",
            held() >> 20,
            asked >> 10
        ),
    )
    .advice(say!("set --memory below what the system gives (64 MiB are for the program itself): then partitions are spilled to disk"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_blocks_are_counted_while_they_live() {
        let before = held();
        let block = vec![1_u8; 64 << 20];
        assert!(held() >= before + (60 << 20) && peak() >= 60 << 20, "{}", block.len());
        drop(block);
        // Other tests run beside this one: they hold little.
        assert!(held() < before + (32 << 20));
    }
}
