//! `kakou schema`: the JSON Schemas of what people and their tools write and read.

use clap::Args;

use super::Show;
use crate::error::Result;
use crate::{policy, record};

/// Prints a JSON Schema.
#[derive(Args, Debug)]
pub struct Schema {
    /// That of `record/statement.json`, instead of that of policies.
    #[arg(long)]
    statement: bool,
}

impl Schema {
    /// Runs it.
    ///
    /// # Errors
    /// None.
    pub fn run(&self, show: Show) -> Result<()> {
        let schema =
            if self.statement { record::statement::json_schema() } else { policy::json_schema() };
        let text = serde_json::to_string_pretty(&schema).unwrap_or_default();
        show.raw(format!("{text}\n").as_bytes());
        Ok(())
    }
}
