//! What the process does to keep secrets out of core dumps, other processes and the swap space.

use super::locked::Locked;
use crate::system;

/// What could be done, for the record: each is a fact that was read back, not a wish.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Deserialize, serde::Serialize)]
pub struct Hygiene {
    /// No core file will be written.
    pub core_limit_zero: bool,
    /// The process cannot be dumped, nor looked into by other processes of the same user.
    pub non_dumpable: bool,
    /// Whether the machine has swap space in use; `None` if it does not say.
    pub swap_on: Option<bool>,
    /// Memory can be locked.
    pub memlock_ok: bool,
}

/// Hardens the process; call it first of all, before threads start and before any key is read.
/// What the system refuses is reported, not fatal.
///
/// Afterwards files in `/proc/self` belong to root, so that programs run by other users cannot read them.
#[must_use]
pub fn harden() -> Hygiene {
    Hygiene {
        core_limit_zero: system::no_core_files(),
        non_dumpable: system::no_dumps(),
        swap_on: std::fs::read_to_string("/proc/swaps").ok().as_deref().and_then(swap_in),
        memlock_ok: Locked::new([0; 32]).is_locked(),
    }
}

/// Whether a text of `/proc/swaps` names a swap space: a title line, then a line each.
fn swap_in(text: &str) -> Option<bool> {
    text.starts_with("Filename").then(|| text.lines().count() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_is_read_from_the_table_of_the_system() {
        let title = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        assert_eq!(swap_in(title), Some(false));
        assert_eq!(swap_in(&format!("{title}/dev/dm-1 partition 1000 0 -2\n")), Some(true));
        assert_eq!(swap_in(""), None);
    }

    #[test]
    fn hardening_takes_effect() {
        let hygiene = harden();
        assert!(hygiene.core_limit_zero && hygiene.non_dumpable);
        let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().filter(|word| *word == "0").count(), 2);
    }
}
