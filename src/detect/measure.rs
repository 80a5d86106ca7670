//! Precision and recall of the detectors on texts whose identifiers are known.

use std::fmt::Write as _;

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::{DETECTORS, Hit, Scanner, Strength, card, column, find, my_number};

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

/// Measures every detector; the result is in the order of [`DETECTORS`].
pub fn measure(samples: impl Iterator<Item = Sample>) -> Vec<Counts> {
    let scanner = Scanner::new();
    let mut all = vec![Counts::default(); DETECTORS.len()];
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
    for (counts, d) in counts.iter().zip(DETECTORS) {
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

/// A made-up column: codes of words, random numbers of so many digits, and real ones planted among them.
#[derive(Clone, Copy, Debug)]
pub struct MadeUp {
    /// Digits of the numbers: 12 (個人番号) or 16 (cards).
    pub digits: usize,
    /// Cells that are other codes (`W0001`).
    pub others: u64,
    /// Cells that are random numbers of so many digits.
    pub random: u64,
    /// Cells that are numbers with a right check digit.
    pub planted: u64,
}

/// The columns whose figures stand in the documentation.
#[rustfmt::skip]
pub const COLUMNS: &[(u64, u64, u64)] = &[
    (0, 10, 0), (0, 100, 0), (0, 1000, 0), (0, 100, 3), (0, 100, 10), (0, 100, 20), (0, 100, 40), (0, 1000, 100), (0, 0, 3), (0, 0, 4),
    (100, 0, 1), (100, 0, 3), (100, 1, 0), (100, 3, 0), (100, 10, 0), (100, 10, 1),
];
/// Columns of each kind that are made.
pub const EACH: u64 = 200;

/// In how many of so many made-up columns the detector of the numbers has a finding, and in how many any detector has.
#[must_use]
pub fn columns(of: MadeUp, each: u64) -> (u64, u64) {
    // The same columns everywhere.
    let seed = (of.others << 40) ^ (of.random << 20) ^ (of.planted << 8) ^ of.digits as u64;
    let mut draw = ChaCha12Rng::seed_from_u64(seed);
    let mut random = move |below: u64| draw.next_u64() % below;
    let own = find(if of.digits == 12 { "my_number" } else { "card" });
    let (mut found, mut any) = (0, 0);
    for _ in 0..each {
        let mut number = |right: bool| loop {
            let mut digits: Vec<u32> = (0..of.digits).map(|_| random(10) as u32).collect();
            let right_one = |digits: &[u32]| match digits.len() {
                12 => my_number::is_valid(digits),
                _ => card::is_valid(digits),
            };
            if right {
                if digits.len() == 16 {
                    digits[0] = 4;
                }
                if !right_one(&digits) {
                    continue;
                }
            }
            break digits.iter().map(u32::to_string).collect::<String>();
        };
        let mut cells: Vec<String> = (0..of.others).map(|i| format!("W{i:04}")).collect();
        cells.extend((0..of.random).map(|_| number(false)));
        cells.extend((0..of.planted).map(|_| number(true)));
        let findings = column::judge(&Scanner::new(), cells.iter().map(|c| (c.as_str(), 1)));
        found += u64::from(findings.iter().any(|f| Some(f.detector) == own));
        any += u64::from(!findings.is_empty());
    }
    (found, any)
}

/// What the detectors find in all of [`COLUMNS`]: of twelve digits and of sixteen.
#[must_use]
pub fn all_columns() -> Vec<[(u64, u64); 2]> {
    COLUMNS
        .iter()
        .map(|&(others, random, planted)| {
            [12, 16].map(|digits| columns(MadeUp { digits, others, random, planted }, EACH))
        })
        .collect()
}

/// The same as a table in Markdown.
#[must_use]
pub fn columns_table(found: &[[(u64, u64); 2]], japanese: bool) -> String {
    let mut text = String::from(if japanese {
        "| 他の符号 | その桁数の乱数 | 正しい番号 | 12桁: `my_number` | 12桁: いずれか | 16桁: `card` | 16桁: いずれか |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    } else {
        "| other codes | random numbers | right ones | 12 digits: `my_number` | 12 digits: any | 16 digits: `card` | 16 digits: any |\n| ---: | ---: | ---: | ---: | ---: | ---: | ---: |\n"
    });
    for (&(others, random, planted), [my, card]) in COLUMNS.iter().zip(found) {
        let percent = |n: u64| format!("{:.1} %", n as f64 * 100.0 / EACH as f64);
        let _ = writeln!(
            text,
            "| {others} | {random} | {planted} | {} | {} | {} | {} |",
            percent(my.0),
            percent(my.1),
            percent(card.0),
            percent(card.1)
        );
    }
    text
}
