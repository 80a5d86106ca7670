//! `kakou detect`: the detectors, and how well they do on a corpus with known answers.

use clap::{Args, Subcommand};

use super::Show;
use crate::detect::{CATALOGUE, Scanner, VERSION, measure};
use crate::error::Result;
use crate::synth::notes;

/// Lists the detectors, or measures them.
#[derive(Args, Debug)]
pub struct Detect {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The detectors: name, what each looks for, legal item.
    List,
    /// Precision and recall on made-up notes with planted identifiers; the table of docs/detectors.md.
    Measure(Measure),
}

/// The seed of the corpus whose figures stand in the documentation. Detectors are worked on with other seeds.
pub const SEED: u64 = 20_261_121;
/// Notes of that corpus.
pub const NOTES: u64 = 20_000;

/// Options of `measure`.
#[derive(Args, Debug)]
struct Measure {
    /// The seed of the notes.
    #[arg(long, default_value_t = SEED)]
    seed: u64,
    /// How many notes.
    #[arg(long, default_value_t = NOTES)]
    notes: u64,
    /// Column heads and descriptions in Japanese.
    #[arg(long)]
    ja: bool,
    /// Show the made-up notes in which something was missed or wrongly found, instead of the table.
    #[arg(long)]
    misses: bool,
    /// Also measure the speed.
    #[arg(long)]
    speed: bool,
}

impl Detect {
    /// Runs it.
    ///
    /// # Errors
    /// None.
    pub fn run(&self, show: Show) -> Result<()> {
        match &self.what {
            What::List => {
                let docs: Vec<_> = CATALOGUE.iter().map(|d| d.doc()).collect();
                show.json(&serde_json::json!({ "version": VERSION, "detectors": docs.iter().map(|d| serde_json::json!({ "name": d.name, "ja": d.ja, "summary": d.summary, "summaryJa": d.summary_ja, "law": d.law, "chance": d.chance })).collect::<Vec<_>>() }));
                for doc in docs {
                    show.line(&format!(
                        "{:<20} {} ({}; {})",
                        doc.name, doc.summary, doc.ja, doc.law
                    ));
                }
            }
            What::Measure(m) => m.run(show),
        }
        Ok(())
    }
}

impl Measure {
    fn run(&self, show: Show) {
        if self.misses {
            return self.misses(show);
        }
        let counts = measure::measure(notes::notes(self.seed, self.notes));
        show.line(measure::table(&counts, self.ja).trim_end());
        show.json(&serde_json::json!(
            counts.iter().zip(CATALOGUE).map(|(c, d)| serde_json::json!({
                "detector": d.doc().name, "named": c.named, "bare": c.bare, "covered": c.covered, "hits": c.hits, "falseAlarms": c.false_alarms,
            })).collect::<Vec<_>>()
        ));
        if self.speed {
            let texts: Vec<String> = notes::notes(self.seed, self.notes).map(|s| s.text).collect();
            let bytes: usize = texts.iter().map(String::len).sum();
            let scanner = Scanner::new();
            let started = std::time::Instant::now();
            let hits: usize = texts.iter().map(|t| scanner.scan(t).len()).sum();
            let seconds = started.elapsed().as_secs_f64();
            show.line(&format!(
                "notes: {:.1} MB/s, one thread ({hits} hits)",
                bytes as f64 / 1e6 / seconds
            ));
            let cells: Vec<String> =
                (0..1_000_000_u32).map(|i| format!("{}.{}", i % 977, i % 10)).collect();
            let bytes: usize = cells.iter().map(String::len).sum();
            let started = std::time::Instant::now();
            let hits: usize = cells.iter().map(|t| scanner.scan(t).len()).sum();
            let seconds = started.elapsed().as_secs_f64();
            show.line(&format!(
                "short numbers: {:.1} MB/s, {:.1} million distinct cells/s ({hits} hits)",
                bytes as f64 / 1e6 / seconds,
                1.0 / seconds
            ));
        }
    }

    /// The corpus is made up: its texts may be shown.
    fn misses(&self, show: Show) {
        for sample in notes::notes(self.seed, self.notes) {
            let hits: Vec<_> = Scanner::new()
                .scan(&sample.text)
                .into_iter()
                .filter(|h| h.strength >= crate::detect::Strength::Fair)
                .collect();
            for label in &sample.labels {
                let found = hits.iter().any(|h| {
                    CATALOGUE[h.detector].doc().name == label.detector
                        && h.start < label.end
                        && label.start < h.end
                });
                if !found {
                    show.line(&format!(
                        "missed {}: {:?} in {:?}",
                        label.detector,
                        &sample.text[label.start..label.end],
                        sample.text
                    ));
                }
            }
            for label in &sample.labels {
                let open: String = sample.text[label.start..label.end]
                    .char_indices()
                    .filter(|(at, c)| {
                        let at = label.start + at;
                        c.is_alphanumeric() && !hits.iter().any(|h| h.start <= at && at < h.end)
                    })
                    .map(|(_, c)| c)
                    .collect();
                if !open.is_empty() && open.chars().count() < label.end - label.start {
                    show.line(&format!(
                        "not covered {}: {open:?} in {:?}",
                        label.detector, sample.text
                    ));
                }
            }
            for hit in hits {
                if !sample.labels.iter().any(|l| hit.start < l.end && l.start < hit.end) {
                    show.line(&format!(
                        "on nothing {}: {:?} in {:?}",
                        CATALOGUE[hit.detector].doc().name,
                        &sample.text[hit.start..hit.end],
                        sample.text
                    ));
                }
            }
        }
    }
}
