//! Memory that is kept out of the swap space and overwritten when it is given back.

use zeroize::Zeroize;

use crate::system::lock_memory;

/// A value on pages of its own, so that unlocking it never unlocks a neighbour.
/// 4 KiB are a page on x86-64; elsewhere pages have up to 64 KiB.
#[cfg_attr(target_arch = "x86_64", repr(align(4096)))]
#[cfg_attr(not(target_arch = "x86_64"), repr(align(65536)))]
struct Page<T>(T);

/// A secret on locked pages. Cannot be copied or shown; overwritten when dropped.
pub(super) struct Locked<T: Zeroize> {
    page: Box<Page<T>>,
    locked: bool,
}

impl<T: Zeroize> Locked<T> {
    /// Puts a value on locked pages. Where the system refuses to lock, it works all the same: see [`Self::is_locked`].
    pub(super) fn new(value: T) -> Self {
        let page = Box::new(Page(value));
        let locked = lock_memory(&*page, true);
        Locked { page, locked }
    }
    /// Whether the pages are locked in memory.
    pub(super) fn is_locked(&self) -> bool {
        self.locked
    }
    /// The secret.
    pub(super) fn get(&self) -> &T {
        &self.page.0
    }
}

impl Locked<[u8; 32]> {
    /// Locks first and lets the bytes be written in place, so that no copy of them is left elsewhere.
    ///
    /// # Errors
    /// Those of `fill`.
    pub(super) fn fill<E>(fill: impl FnOnce(&mut [u8; 32]) -> Result<(), E>) -> Result<Self, E> {
        let mut key = Self::new([0; 32]);
        fill(&mut key.page.0)?;
        Ok(key)
    }
    /// Lets the bytes be written in place.
    pub(super) fn with(&mut self, write: impl FnOnce(&mut [u8; 32])) {
        write(&mut self.page.0);
    }
}

impl<T: Zeroize> Drop for Locked<T> {
    fn drop(&mut self) {
        self.page.0.zeroize();
        if self.locked {
            lock_memory(&*self.page, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_has_pages_of_its_own() {
        let secret = Locked::new([7_u8; 32]);
        let page = if cfg!(target_arch = "x86_64") { 4096 } else { 65536 };
        assert_eq!(size_of_val(&*secret.page), page);
        assert_eq!(std::ptr::from_ref(&*secret.page) as usize % page, 0);
        assert_eq!(secret.get(), &[7; 32]);
    }

    #[test]
    fn locking_is_seen_by_the_system() {
        // "VmLck" counts the locked pages of this process; other tests lock too, so only the presence is checked.
        let secret = Locked::new([7_u8; 32]);
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("VmLck:")).unwrap();
        let kilobytes: u64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
        if secret.is_locked() {
            assert!(kilobytes >= 4);
        } else {
            println!("skipped: this machine does not let memory be locked");
        }
    }

    #[test]
    fn filling_may_fail() {
        assert!(Locked::fill(|_| Err(())).is_err());
        let key = Locked::fill(|key| {
            key[31] = 9;
            Ok::<(), ()>(())
        });
        assert_eq!(key.unwrap().get()[31], 9);
    }
}
