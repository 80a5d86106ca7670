//! `kakou extract`: a storage of many small files becomes a few columnar ones, which policies then read.

use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;

use super::Show;
use crate::engine::stop_flag;
use crate::error::{Error, Family, Result};
use crate::formats::ssmix2;
use crate::say;
use crate::words;

/// Reads a storage of many small files once into Parquet.
#[derive(Args, Debug)]
pub struct Extract {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// An SS-MIX2 standardized storage.
    #[command(
        after_help = "Example:\n  kakou extract ssmix2 /storage --out EXTRACT --ignore OMG-01\n\n\
The extract holds names and numbers of patients as the storage does. A stopped extract continues when the same command is given again, \
and ends with the same bytes. A policy reads it with\n  source = { path = \"laboratory/*.parquet\" }"
    )]
    Ssmix2(Ssmix2),
}

#[derive(Args, Debug)]
struct Ssmix2 {
    /// The root of the storage.
    root: PathBuf,
    /// The folder of the extract; new, or that of a stopped extract.
    #[arg(long)]
    out: PathBuf,
    /// Data types or entries to leave unread (`OMG-01`).
    #[arg(long)]
    ignore: Vec<String>,
}

impl Extract {
    /// Runs it.
    ///
    /// # Errors
    /// Anything that is not a standardized storage; I/O; a stop by the user.
    pub fn run(&self, show: Show) -> Result<()> {
        let What::Ssmix2(args) = &self.what;
        crate::release::apart(&args.root, &args.out)?;
        let bar = ProgressBar::new(0);
        if show.quiet || show.json {
            bar.set_draw_target(ProgressDrawTarget::hidden());
        }
        if let Ok(style) = ProgressStyle::with_template(
            "{spinner} {elapsed_precise} {wide_bar} {pos}/{len} patients, {msg} messages, {eta} left",
        ) {
            bar.set_style(style);
        }
        let started = Instant::now();
        let stop = stop_flag();
        let extracted =
            ssmix2::extract(&args.root, &args.out, &args.ignore, &mut |done, all, messages| {
                bar.set_length(all);
                bar.set_position(done);
                bar.set_message(messages.to_string());
                if stop.load(std::sync::atomic::Ordering::Relaxed) {
                    return Err(Error::new(
                        Family::Interrupted,
                        "X0814",
                        say!("stopped; the same command continues behind the last finished piece"),
                    ));
                }
                Ok(())
            });
        bar.finish_and_clear();
        let extracted = extracted?;
        let seconds = started.elapsed().as_secs_f64();
        let rows: serde_json::Map<String, serde_json::Value> =
            extracted.rows.iter().map(|(name, rows)| ((*name).to_owned(), json!(rows))).collect();
        show.json(&json!({
            "extract": args.out.to_string_lossy(),
            "patients": extracted.patients,
            "messages": extracted.messages,
            "bytes": extracted.bytes,
            "piecesOfEarlierRuns": extracted.resumed,
            "rows": rows,
        }));
        for (name, rows) in &extracted.rows {
            show.line(&words!(
                "{} {} rows",
                format_args!("{:<14}", name),
                format_args!("{:>12}", rows)
            ));
        }
        show.line(&words!(
            "{} patients, {} messages in {} s: {}",
            extracted.patients,
            extracted.messages,
            format_args!("{:.1}", seconds),
            args.out.display()
        ));
        Ok(())
    }
}
