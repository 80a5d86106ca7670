//! Detectors: what in a text looks like an identifier of a person. One file each; adding one touches that file and the
//! catalogue below.
//!
//! A detector gives spans and kinds, never the text itself. It looks at the folded text ([`crate::text::normalize`]), so
//! full-width digits, every kind of hyphen and blank, zero-width characters and variants of ideographs make no difference;
//! spans are of the original bytes.
//!
//! # How sure is a hit
//!
//! * [`Strength::Strong`]: the form is unmistakable (an e-mail address, a telephone number with its hyphens), or a number of
//!   the right form stands beside the words that name it (`個人番号 1234 5678 9018`), or in a column of that name.
//! * [`Strength::Good`]: form and check digit are right, and nothing says what the number is; or a form that few other things
//!   have. One such cell among cells of another form is a finding.
//! * [`Strength::Fair`]: the same of a form that much else has (eight digits, a word of three ideographs).
//! * [`Strength::Weak`]: only the form is right (twelve digits with a wrong check digit). A weak hit is no finding; it is
//!   counted, because it says how many of a column's cells could have matched.
//! * [`Strength::Faint`]: not even that, only as many digits: it says what the column is made of.
//!
//! Words that name another thing (`オーダ番号`, `検体番号`, `JAN`) make a hit weak: the nearest word decides.
//! How hits become a finding about a column is in [`mod@column`].

// Other rooms, under the names that they have in the whole.
#[cfg(test)]
use kakou_core::error;
use kakou_core::{frame, schema, text};

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use crate::text::normalize::{self, Folded};

pub mod address;
pub mod bank_account;
pub mod basic_pension;
pub mod birth_date;
pub mod card;
pub mod care_insured;
mod check_digit;
pub mod column;
pub mod dates;
pub mod driver_licence;
pub mod elderly_insured;
pub mod email;
pub mod employment_insured;
pub mod everyone;
pub mod genotypes;
pub mod hospital_number;
pub mod insured_symbol;
pub mod insurer;
pub mod keys;
mod latin_name;
mod lexicon;
pub mod login;
pub mod measure;
pub mod my_number;
pub mod passport;
pub mod person_name;
pub mod phone;
pub mod postal_code;
pub mod residence_card;
pub mod resident_code;
pub mod url;
mod view;

pub use everyone::Everyone;
pub use keys::Keys;
pub use view::{Context, Number, Prepared, topic};

/// The version of the detectors together, as it stands in records. It changes when any of them finds other things.
pub const VERSION: &str = "kakou-detect-4";

/// The page of a detector in the reference.
#[derive(Clone, Copy, Debug)]
pub struct Doc {
    /// The word in a policy (snake_case).
    pub name: &'static str,
    /// The legal or usual Japanese term.
    pub ja: &'static str,
    /// What it looks for: form, check digit, words.
    pub summary: &'static str,
    /// The same in Japanese.
    pub summary_ja: &'static str,
    /// What stands in its place in redacted text.
    pub mark: &'static str,
    /// The legal item that it serves.
    pub law: &'static str,
    /// How often a cell of the right form passes by chance: the rate of its check digit, or 1 in 2 where form alone decides.
    pub chance: f64,
    /// The topics (bits of [`topic`]) whose words name it.
    pub topics: u32,
}

/// How sure a hit is; see the module's text.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strength {
    /// Only the count of digits.
    Faint,
    /// Only the form.
    Weak,
    /// Form and check digit, of a form that much else has.
    Fair,
    /// Form and check digit, of a form that little else has.
    Good,
    /// Unmistakable, or named.
    Strong,
}

/// Where a detector found something.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Hit {
    /// The index of the detector in [`DETECTORS`].
    pub detector: usize,
    /// First byte in the original text.
    pub start: usize,
    /// The byte behind the last one.
    pub end: usize,
    /// How sure.
    pub strength: Strength,
    /// Whether it is the whole cell but for blanks.
    pub whole: bool,
}

/// What a detector gives: bytes of the folded text, and how sure it is.
pub type Found = Vec<(std::ops::Range<usize>, Strength)>;

/// A detector.
pub trait Detector: Sync {
    /// Its page in the reference.
    fn doc(&self) -> &'static Doc;
    /// Looks at one text.
    fn scan(&self, view: &Prepared<'_>, found: &mut Found);
    /// Whether a folded cell is nothing but one of these, as far as its words tell: enough where all other cells are codes.
    fn is_all_of(&self, _folded: &str) -> bool {
        false
    }
}

/// All detectors, in the order of the reference.
pub const DETECTORS: &[&dyn Detector] = &[
    &my_number::MyNumber,
    &basic_pension::BasicPension,
    &passport::Passport,
    &driver_licence::DriverLicence,
    &resident_code::ResidentCode,
    &residence_card::ResidenceCard,
    &insurer::Insurer,
    &insured_symbol::InsuredSymbol,
    &elderly_insured::ElderlyInsured,
    &care_insured::CareInsured,
    &employment_insured::EmploymentInsured,
    &phone::Phone,
    &email::Email,
    &url::Url,
    &card::Card,
    &bank_account::BankAccount,
    &login::Login,
    &postal_code::PostalCode,
    &address::Address,
    &person_name::PersonName,
    &birth_date::BirthDate,
    &hospital_number::HospitalNumber,
];

/// The detector with a name.
#[must_use]
pub fn find(name: &str) -> Option<usize> {
    DETECTORS.iter().position(|d| d.doc().name == name)
}

/// Scans texts of one column, or of no column.
#[derive(Clone, Copy, Default)]
pub struct Scanner<'a> {
    /// The topics that the column's name names.
    column: u32,
    /// Keys of the run: numbers of patients and stays.
    keys: Option<&'a Keys>,
}

impl<'a> Scanner<'a> {
    /// For texts of which nothing is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
    /// For the cells of a column: its name is read like the words beside a number.
    #[must_use]
    pub fn of_column(name: &str) -> Self {
        let folded = normalize::fold(name);
        let column = view::words_in(folded.text()).fold(0, |all, w| all | w.topics);
        // A name that says something else (`オーダ番号`) is no context; it only fails to be one of ours.
        Scanner { column: column & !topic::OTHER, keys: None }
    }
    /// The topics that the column's name names.
    #[must_use]
    pub fn topics(&self) -> u32 {
        self.column
    }
    /// With the keys of the run.
    #[must_use]
    pub fn with_keys(mut self, keys: &'a Keys) -> Self {
        self.keys = Some(keys);
        self
    }

    /// All hits in a text, sorted by where they begin.
    #[must_use]
    pub fn scan(&self, text: &str) -> Vec<Hit> {
        let mut hits = Vec::new();
        if cannot_hold(text) {
            return hits;
        }
        let folded = normalize::fold(text);
        self.scan_folded(text, &folded, &mut hits);
        hits
    }

    fn scan_folded(&self, text: &str, folded: &Folded, hits: &mut Vec<Hit>) {
        let view = Prepared::new(folded.text(), self.column, self.keys);
        let trimmed = folded.text().trim();
        // 983205673214.0 is nothing but a number.
        let trimmed = trimmed.strip_suffix(".0").unwrap_or(trimmed);
        let lead = folded.text().len() - folded.text().trim_start().len();
        let mut found: Found = Vec::new();
        for (detector, d) in DETECTORS.iter().enumerate() {
            d.scan(&view, &mut found);
            for (range, strength) in found.drain(..) {
                let whole = range.start <= lead && range.end >= lead + trimmed.len();
                let original = folded.original(range);
                debug_assert!(
                    text.is_char_boundary(original.start) && text.is_char_boundary(original.end)
                );
                hits.push(Hit {
                    detector,
                    start: original.start,
                    end: original.end,
                    strength,
                    whole,
                });
            }
        }
        hits.sort_by_key(|h| (h.start, h.end, h.detector));
        hits.dedup();
    }
}

/// Most cells of a hospital are short numbers and codes: no detector can find anything in fewer than four ASCII characters,
/// or in ASCII without five digits, `@`, a mark of a login or two words that begin with capitals.
fn cannot_hold(text: &str) -> bool {
    if !text.is_ascii() {
        return text.len() < 6;
    }
    let (mut digits, mut mark, mut capitals, mut before) = (0, false, 0, b' ');
    for b in text.bytes() {
        digits += usize::from(b.is_ascii_digit());
        mark |= matches!(b, b'@' | b':' | b'=' | b'w' | b'(' | b'[');
        capitals += usize::from(b.is_ascii_uppercase() && !before.is_ascii_alphanumeric());
        before = b;
    }
    digits < 5 && !mark && capitals < 2
}

/// The words that name things, with their topics.
fn words() -> &'static AhoCorasick {
    static WORDS: OnceLock<AhoCorasick> = OnceLock::new();
    WORDS.get_or_init(|| {
        #[expect(
            clippy::expect_used,
            reason = "the words are part of the program; a test builds them"
        )]
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .ascii_case_insensitive(true)
            .build(view::WORDS.iter().map(|w| w.0))
            .expect("the words make an automaton")
    })
}

fn topic_of(pattern: aho_corasick::PatternID) -> u32 {
    view::WORDS[pattern.as_usize()].1
}

#[cfg(test)]
mod tests;
