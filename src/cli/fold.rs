//! `kakou fold`: the released tables of receipts become a receipt file again.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::{Failure, Outcome, Show, prepare};
use crate::engine::receipts;
use crate::error::Result;
use crate::formats::uke;
use crate::plan::Plan;
use crate::words;

/// Writes the pseudonymized tables of receipts as a receipt file (UKE).
#[derive(Args, Debug)]
#[command(
    after_help = "Example:\n  kakou fold OUT/<release-id> --policy policies/receipt.toml --out RECEIPTC.UKE\n\n\
Days go back into their 31 fields; a receipt whose days were moved into another month becomes one receipt a month. The tables must hold \
`レセプト番号` and `レセプト内行番号`. Fields that were left out are empty; the header record is empty and the totals are counted. \
The file holds nothing that the tables do not hold, and is not part of the release."
)]
pub struct Fold {
    /// The release folder.
    release: PathBuf,
    /// The policy that it was made with.
    #[arg(long)]
    policy: PathBuf,
    /// The file to make.
    #[arg(long)]
    out: PathBuf,
}

impl Fold {
    /// Runs it.
    ///
    /// # Errors
    /// Tables without what ties them; I/O.
    pub fn run(&self, show: Show) -> Outcome<()> {
        let prepared = prepare(&self.policy)?;
        self.fold(&prepared.plan, show).map_err(|e| Failure::new(e, &prepared.loaded.sources))
    }

    fn fold(&self, plan: &Plan, show: Show) -> Result<()> {
        let (form, tables) = receipts::tables(plan, &self.release)?;
        let (bytes, written) = uke::fold(form, &tables, &plan.output)?;
        receipts::put(&self.out, &bytes)?;
        show.json(&json!({
            "file": self.out.to_string_lossy(),
            "records": written.rows,
            "bytes": written.bytes,
            "unencodable": written.unencodable,
        }));
        show.line(&words!("{} records: {}", written.rows, self.out.display()));
        Ok(())
    }
}
