//! `kakou detect`: the detectors, and how well they do on a corpus with known answers.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Deserialize;

use super::Show;
use crate::detect::measure::{Label, Sample};
use crate::detect::{DETECTORS, Scanner, VERSION, measure};
use crate::error::{Error, Family, Result};
use crate::say;
use crate::synth::notes;
use crate::{lang, words};

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
    /// Show the made-up notes in which something was missed or wrongly found, instead of the table.
    #[arg(long)]
    misses: bool,
    /// Measure these texts instead: JSON lines `{"text": "...", "labels": [{"detector": "phone", "start": 0, "end": 12,
    /// "named": true}]}`, places in characters. The texts must not be of real persons: `--misses` shows them.
    #[arg(long)]
    corpus: Option<PathBuf>,
    /// Measure made-up columns of codes instead: how often numbers among them are found, and nothing is taken for them.
    #[arg(long)]
    columns: bool,
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
                let docs: Vec<_> = DETECTORS.iter().map(|d| d.doc()).collect();
                show.json(&serde_json::json!({ "version": VERSION, "detectors": docs.iter().map(|d| serde_json::json!({ "name": d.name, "ja": d.ja, "summary": d.summary, "summaryJa": d.summary_ja, "law": d.law, "chance": d.chance })).collect::<Vec<_>>() }));
                for doc in docs {
                    show.line(&format!(
                        "{:<20} {} ({}; {})",
                        doc.name, doc.summary, doc.ja, doc.law
                    ));
                }
            }
            What::Measure(m) => return m.run(show),
        }
        Ok(())
    }
}

impl Measure {
    fn run(&self, show: Show) -> Result<()> {
        if self.columns {
            show.line(
                measure::columns_table(&measure::all_columns(), lang::spoken() == lang::Lang::Ja)
                    .trim_end(),
            );
            return Ok(());
        }
        let samples: Vec<Sample> = match &self.corpus {
            Some(path) => labelled(path)?,
            None => notes::notes(self.seed, self.notes).collect(),
        };
        if self.misses {
            misses(&samples, show);
            return Ok(());
        }
        let counts = measure::measure(samples.into_iter());
        show.line(measure::table(&counts, lang::spoken() == lang::Lang::Ja).trim_end());
        show.json(&serde_json::json!(
            counts.iter().zip(DETECTORS).map(|(c, d)| serde_json::json!({
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
            show.line(&words!(
                "notes: {} MB/s, one thread ({} hits)",
                format_args!("{:.1}", bytes as f64 / 1e6 / seconds),
                hits
            ));
            let cells: Vec<String> =
                (0..1_000_000_u32).map(|i| format!("{}.{}", i % 977, i % 10)).collect();
            let bytes: usize = cells.iter().map(String::len).sum();
            let started = std::time::Instant::now();
            let hits: usize = cells.iter().map(|t| scanner.scan(t).len()).sum();
            let seconds = started.elapsed().as_secs_f64();
            show.line(&words!(
                "short numbers: {} MB/s, {} million distinct cells/s ({} hits)",
                format_args!("{:.1}", bytes as f64 / 1e6 / seconds),
                format_args!("{:.1}", 1.0 / seconds),
                hits
            ));
        }
        Ok(())
    }
}

/// The corpus is made up: its texts may be shown.
fn misses(samples: &[Sample], show: Show) {
    for sample in samples {
        let hits: Vec<_> = Scanner::new()
            .scan(&sample.text)
            .into_iter()
            .filter(|h| h.strength >= crate::detect::Strength::Fair)
            .collect();
        for label in &sample.labels {
            let found = hits.iter().any(|h| {
                DETECTORS[h.detector].doc().name == label.detector
                    && h.start < label.end
                    && label.start < h.end
            });
            if !found {
                show.line(&words!(
                    "missed {}: {} in {}",
                    label.detector,
                    format_args!("{:?}", &sample.text[label.start..label.end]),
                    format_args!("{:?}", sample.text)
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
                show.line(&words!(
                    "not covered {}: {} in {}",
                    label.detector,
                    format_args!("{:?}", open),
                    format_args!("{:?}", sample.text)
                ));
            }
        }
        for hit in hits {
            if !sample.labels.iter().any(|l| hit.start < l.end && l.start < hit.end) {
                show.line(&words!(
                    "on nothing {}: {} in {}",
                    DETECTORS[hit.detector].doc().name,
                    format_args!("{:?}", &sample.text[hit.start..hit.end]),
                    format_args!("{:?}", sample.text)
                ));
            }
        }
    }
}

/// A text and its labels, places in characters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labelled {
    text: String,
    labels: Vec<Planted>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Planted {
    detector: String,
    start: usize,
    end: usize,
    named: bool,
}

/// Reads a labelled corpus.
fn labelled(path: &Path) -> Result<Vec<Sample>> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| Error::io("X0120", say!("the corpus cannot be read"), &e))?;
    let wrong = |line: usize| {
        Error::new(
            Family::Data,
            "D0120",
            say!("line {} of the corpus is not a text with labels of known detectors", line + 1),
        )
    };
    let mut samples = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let Labelled { text, labels } = serde_json::from_str(line).map_err(|_| wrong(number))?;
        let mut places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        places.push(text.len());
        let mut sample = Sample { labels: Vec::new(), text };
        for label in labels {
            let detector = crate::detect::find(&label.detector).ok_or_else(|| wrong(number))?;
            let (Some(&start), Some(&end)) = (places.get(label.start), places.get(label.end))
            else {
                return Err(wrong(number));
            };
            let detector = DETECTORS[detector].doc().name;
            sample.labels.push(Label { detector, start, end, named: label.named });
        }
        samples.push(sample);
    }
    Ok(samples)
}
