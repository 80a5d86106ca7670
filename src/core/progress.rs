//! What the user sees of the work, and how it is stopped.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use crate::error::{Error, Family, Result};
use crate::{say, timings};

/// The flag that Ctrl-C and SIGTERM set.
#[must_use]
pub fn stop_flag() -> Arc<AtomicBool> {
    static STOP: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    Arc::clone(STOP.get_or_init(Arc::default))
}

/// What the user sees of the work.
pub trait Progress: Sync {
    /// A room begins: how it is shown.
    fn stage(&self, name: &'static str);
    /// A room begins: its time is counted, if somebody asked, and it is shown.
    fn room(&self, name: &'static str) {
        timings::room(name);
        self.stage(name);
    }
    /// Rows were read.
    fn rows(&self, rows: u64);
    /// Whether to go on.
    ///
    /// # Errors
    /// If the user stopped the program.
    fn check(&self) -> Result<()> {
        if stop_flag().load(Ordering::Relaxed) {
            return Err(Error::new(
                Family::Interrupted,
                "X0001",
                say!("stopped by the user: nothing was published"),
            ));
        }
        Ok(())
    }
}

/// Says nothing.
#[derive(Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn stage(&self, _: &'static str) {}
    fn rows(&self, _: u64) {}
}
