//! `kakou verify`: recomputes every digest and count of a release.

use std::path::PathBuf;

use clap::Args;

use super::Show;
use crate::error::Result;
use crate::record::verify::verify;

/// Recomputes every digest and count of a release.
#[derive(Args, Debug)]
pub struct Verify {
    /// The release folder (`OUT/<release-id>`).
    pub release: PathBuf,
}

impl Verify {
    /// Runs it.
    ///
    /// # Errors
    /// Everything that does not hold.
    pub fn run(&self, show: Show) -> Result<()> {
        let verified = verify(&self.release)?;
        show.json(&serde_json::to_value(&verified).unwrap_or_default());
        show.line(&format!(
            "release {}: {} files are as they were sealed",
            verified.release, verified.files
        ));
        show.line(&format!(
            "pseudonymized: {} rows of {} persons; anonymized: {} rows of {} persons",
            verified.rows[0], verified.persons[0], verified.rows[1], verified.persons[1]
        ));
        for view in &verified.views {
            show.line(&format!(
                "view {}: recounted k = {} in {} classes: holds",
                view.view,
                view.smallest.map_or_else(|| "-".to_owned(), |s| s.0.to_string()),
                view.classes
            ));
        }
        if verified.not_for_release {
            show.line("NOT FOR RELEASE: a test switch was used in this run");
        }
        Ok(())
    }
}
