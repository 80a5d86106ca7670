//! Precision and recall of the detectors on texts whose identifiers are known.

use std::fmt::Write as _;

use super::{CATALOGUE, Hit, Scanner, Strength, find};

/// A text and what is planted in it.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// The text.
    pub text: String,
    /// What is planted.
    pub labels: Vec<Label>,
}

/// An identifier that stands in a text.
#[derive(Clone, Copy, Debug)]
pub struct Label {
    /// The name of the detector that shall find it.
    pub detector: &'static str,
    /// First byte.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
    /// Whether a word beside it names it.
    pub named: bool,
}

/// Counts of one detector.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Planted beside a word that names them, and found by this detector.
    pub named: (u64, u64),
    /// Planted bare, and found.
    pub bare: (u64, u64),
    /// Planted ones of which every character is covered by hits of any detectors: what redaction would leave nothing of.
    pub covered: u64,
    /// Hits (strong and fair), and those on a planted identifier of this kind.
    pub hits: (u64, u64),
    /// Hits on nothing that is planted.
    pub false_alarms: u64,
}

fn share(part: u64, of: u64) -> Option<f64> {
    (of > 0).then(|| part as f64 / of as f64)
}

impl Counts {
    /// The share of the planted ones beside their words that was found; none if none was planted.
    #[must_use]
    pub fn recall_named(&self) -> Option<f64> {
        share(self.named.1, self.named.0)
    }
    /// The share of the planted bare ones that was found.
    #[must_use]
    pub fn recall_bare(&self) -> Option<f64> {
        share(self.bare.1, self.bare.0)
    }
    /// The share of the hits that are on planted identifiers of this kind.
    #[must_use]
    pub fn precision(&self) -> Option<f64> {
        share(self.hits.1, self.hits.0)
    }
}

/// Measures every detector; the result is in the order of [`CATALOGUE`].
pub fn measure(samples: impl Iterator<Item = Sample>) -> Vec<Counts> {
    let scanner = Scanner::new();
    let mut all = vec![Counts::default(); CATALOGUE.len()];
    for sample in samples {
        let hits: Vec<Hit> = scanner
            .scan(&sample.text)
            .into_iter()
            .filter(|h| h.strength >= Strength::Fair)
            .collect();
        let meets = |h: &Hit, l: &Label| h.start < l.end && l.start < h.end;
        for label in &sample.labels {
            let Some(detector) = find(label.detector) else { continue };
            let counts = &mut all[detector];
            let found = hits.iter().any(|h| h.detector == detector && meets(h, label));
            let slot = if label.named { &mut counts.named } else { &mut counts.bare };
            slot.0 += 1;
            slot.1 += u64::from(found);
            let open = sample.text[label.start..label.end].char_indices().any(|(at, c)| {
                let at = label.start + at;
                c.is_alphanumeric() && !hits.iter().any(|h| h.start <= at && at < h.end)
            });
            counts.covered += u64::from(!open);
        }
        for hit in &hits {
            let counts = &mut all[hit.detector];
            let own = |l: &&Label| find(l.detector) == Some(hit.detector) && meets(hit, l);
            counts.hits.0 += 1;
            counts.hits.1 += u64::from(sample.labels.iter().any(|l| own(&l)));
            counts.false_alarms += u64::from(!sample.labels.iter().any(|l| meets(hit, l)));
        }
    }
    all
}

/// The counts as a table in Markdown.
#[must_use]
pub fn table(counts: &[Counts], japanese: bool) -> String {
    let percent =
        |share: Option<f64>| share.map_or("–".to_owned(), |s| format!("{:.1} %", s * 100.0));
    let mut text = String::from(if japanese {
        "| 検出器 | 対象 | 語を伴う数 | 再現率 | 語のない数 | 再現率 | 全体が覆われた割合 | 適合率 | 誤検出 |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    } else {
        "| detector | what | named | recall | bare | recall | wholly covered | precision | on nothing |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    });
    for (counts, d) in counts.iter().zip(CATALOGUE) {
        let doc = d.doc();
        let planted = counts.named.0 + counts.bare.0;
        let _ = writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} |",
            doc.name,
            if japanese { doc.ja } else { doc.summary },
            counts.named.0,
            percent(counts.recall_named()),
            counts.bare.0,
            percent(counts.recall_bare()),
            percent(share(counts.covered, planted)),
            percent(counts.precision()),
            counts.false_alarms
        );
    }
    text
}
