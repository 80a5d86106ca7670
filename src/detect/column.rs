//! From hits in cells to a finding about a column: a detector must not cry wolf over every order number of twelve digits.
//!
//! Each distinct text of the column is judged once. A detector's finding about the column holds if
//!
//! 1. a cell has a strong hit, or a fair hit inside other text (a note with a bare 12-digit number whose check digit is right
//!    is a finding); or
//! 2. a cell that is nothing but such a number passes ([`Strength::Good`]), and most cells of the column are of another form:
//!    three 個人番号 among codes of wards are three findings; or
//! 3. cells that are nothing but a number of the right form pass the check digit more often than chance explains: of n
//!    distinct texts of the form v pass, and the probability that v or more of n pass at 1.5 times the chance rate
//!    ([`super::Doc::chance`]) is below [`SIGNIFICANCE`]. Of 10,000 order numbers about 909 pass as 個人番号 and there is no finding; four
//!    cells, all passing, are one.
//!
//! 4. a cell that is nothing but one of these ([`super::Detector::is_all_of`]: a name in ideographs or kana) is the only kind of word
//!    among codes: nine of ten distinct texts, and ten or more, have no Japanese letter, and every other one is such a cell.
//!
//! "Most" is more than half of the filled cells, or of the distinct texts. What this cannot see: one real number among
//! thousands of order numbers in one column of bare numbers of that length ([`super::measure::columns`] says how often), and
//! telephone numbers whose leading zero was lost in a number column.

use super::{DETECTORS, Scanner, Strength};

/// A share of passing cells that chance gives in fewer than one of a thousand columns is no chance.
pub const SIGNIFICANCE: f64 = 1e-3;
/// Margin over the chance rate, for numbers that are not drawn evenly (fixed prefixes).
pub const MARGIN: f64 = 1.5;

/// What one detector found in a column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The index of the detector in [`DETECTORS`].
    pub detector: usize,
    /// By distinct text: whether it is a hit.
    pub hits: Vec<bool>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    /// Distinct texts with a strong hit, or a fair one inside other text.
    sure: u64,
    /// Distinct texts, and cells, that are wholly as long as the form.
    long: [u64; 2],
    /// Distinct texts that pass where the form is a rare one.
    rare: u64,
    /// Distinct texts that are wholly of the form.
    formed: u64,
    /// Of these: those that pass.
    passed: u64,
}

/// Judges a column by its distinct texts, each with the cells that hold it.
pub fn judge<'t>(
    scanner: &Scanner<'_>,
    texts: impl Iterator<Item = (&'t str, u64)>,
) -> Vec<Finding> {
    let mut counts = vec![Count::default(); DETECTORS.len()];
    let mut hits: Vec<Vec<u32>> = vec![Vec::new(); DETECTORS.len()];
    let mut number = 0_u32;
    let mut filled = [0_u64; 2];
    // Texts with Japanese letters, and by detector those of them that are nothing else.
    let (mut worded, mut all_of) = (0_u64, vec![Vec::new(); DETECTORS.len()]);
    for (text, cells) in texts {
        number += 1;
        if cells == 0 || text.is_empty() {
            continue;
        }
        filled[0] += 1;
        filled[1] += cells;
        let found = scanner.scan(text);
        if !text.is_ascii() && text.chars().any(|c| c >= '\u{3041}') {
            let folded = crate::text::normalize::fold(text);
            let letters = folded.text().chars().any(|c| !c.is_ascii() && c.is_alphabetic());
            worded += u64::from(letters);
            for (detector, all_of) in DETECTORS.iter().zip(&mut all_of) {
                if letters && detector.is_all_of(folded.text()) {
                    all_of.push(number - 1);
                }
            }
        }
        if found.is_empty() {
            continue;
        }
        for (detector, count) in counts.iter_mut().enumerate() {
            let [mut sure, mut rare, mut passed, mut formed, mut long] = [false; 5];
            for hit in found.iter().filter(|h| h.detector == detector) {
                let fair = hit.strength >= Strength::Fair;
                sure |= hit.strength == Strength::Strong || fair && !hit.whole;
                rare |= hit.strength >= Strength::Good && hit.whole;
                passed |= fair && hit.strength < Strength::Strong && hit.whole;
                formed |= hit.strength >= Strength::Weak && hit.whole;
                long |= hit.whole;
            }
            count.sure += u64::from(sure);
            count.rare += u64::from(rare);
            count.passed += u64::from(passed);
            count.formed += u64::from(formed);
            count.long[0] += u64::from(long);
            count.long[1] += u64::from(long) * cells;
            if sure || passed {
                hits[detector].push(number - 1);
            }
        }
    }
    let mut findings = Vec::new();
    for (detector, ((count, mut hit), all_of)) in counts.iter().zip(hits).zip(all_of).enumerate() {
        let rate = (DETECTORS[detector].doc().chance * MARGIN).min(0.9);
        let few = count.long.iter().zip(filled).any(|(&long, filled)| long * 2 < filled);
        let codes = filled[0] - worded;
        let lone =
            worded > 0 && all_of.len() as u64 == worded && codes >= 10 && codes >= worded * 9;
        if lone {
            hit.extend(all_of);
        }
        let alone = count.rare > 0 && few || lone;
        if count.sure > 0 || alone || tail(count.formed, count.passed, rate) < SIGNIFICANCE {
            let mut hits = vec![false; number as usize];
            for at in hit {
                hits[at as usize] = true;
            }
            findings.push(Finding { detector, hits });
        }
    }
    findings
}

/// The probability that `passed` or more of `formed` pass when each does with probability `rate`.
fn tail(formed: u64, passed: u64, rate: f64) -> f64 {
    use statrs::distribution::{Binomial, DiscreteCDF};
    if passed == 0 {
        return 1.0;
    }
    Binomial::new(rate, formed).map_or(1.0, |b| b.sf(passed - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{find, my_number};

    fn found(texts: &[String]) -> Vec<&'static str> {
        judge(&Scanner::new(), texts.iter().map(|t| (t.as_str(), 1)))
            .iter()
            .map(|f| DETECTORS[f.detector].doc().name)
            .collect()
    }

    fn my_numbers(n: u64) -> Vec<String> {
        (0..)
            .map(|i: u64| format!("{:012}", 123_456_000_000 + i * 7_919))
            .filter(|t| {
                my_number::is_valid(&t.bytes().map(|b| u32::from(b - b'0')).collect::<Vec<_>>())
            })
            .take(n as usize)
            .collect()
    }

    #[test]
    fn order_numbers_are_left_alone_and_my_numbers_are_not() {
        for step in [1, 7, 10, 13, 100] {
            for float in ["", ".0"] {
                let orders =
                    (0..3000_u64).map(|i| format!("{}{float}", 202_401_000_001 + i * step));
                assert_eq!(found(&orders.collect::<Vec<_>>()), Vec::<&str>::new(), "step {step}");
            }
        }
        assert!(found(&my_numbers(4)).contains(&"my_number"));
        assert!(!found(&my_numbers(1)).contains(&"my_number"), "one bare number may be chance");
        assert_eq!(found(&[format!("番号は{}です", my_numbers(1)[0])]), ["my_number"]);
    }

    #[test]
    fn one_number_among_other_codes_is_found() {
        let grouped = |n: &String| format!("{} {} {}", &n[..4], &n[4..8], &n[8..]);
        let cards = ["4111111111111111", "378282246310005", "5555555555554444"].map(str::to_owned);
        let mine = my_numbers(3);
        for codes in [
            (0..57).map(|i| format!("W{i:03}")).collect::<Vec<_>>(),
            (0..57).map(|i| format!("{:08}", 51_000_001 + i * 17)).collect(),
            (0..57).map(|i| format!("{:013}", 4_912_345_000_000_u64 + i * 7)).collect(),
        ] {
            assert_eq!(found(&codes), Vec::<&str>::new());
            for planted in 1..=3 {
                for (numbers, name) in [
                    (mine[..planted].to_vec(), "my_number"),
                    (mine[..planted].iter().map(grouped).collect(), "my_number"),
                    (cards[..planted].to_vec(), "card"),
                ] {
                    let all: Vec<String> = codes.iter().chain(&numbers).cloned().collect();
                    assert!(found(&all).contains(&name), "{planted} {name}");
                }
            }
        }
        // Most cells are of two codes; the distinct texts are mostly numbers.
        let few = ["A", "B", mine[0].as_str(), mine[1].as_str(), mine[2].as_str()];
        let judged = judge(&Scanner::new(), few.into_iter().zip([30, 27, 1, 1, 1]));
        assert_eq!(judged.len(), 1);
        assert_eq!(judged[0].hits, [false, false, true, true, true]);
        // The only words among codes.
        for name in [
            "サトウ タロウ",
            "ｻﾄｳﾀﾛｳ",
            "さとう　たろう",
            "山本大輔",
            "林 薫",
            "高橋 崎子",
            "大輔山本",
            "タロウサトウ",
        ] {
            let codes = (0..57).map(|i| format!("W{i:03}"));
            let all: Vec<String> = codes.clone().chain([name.to_owned()]).collect();
            assert!(found(&all).contains(&"person_name"), "{name}");
            let words: Vec<String> =
                codes.chain(["ソノタ", "ナシ", name].map(str::to_owned)).collect();
            let found = found(&words);
            assert!(name.contains("大輔") || !found.contains(&"person_name"), "{name}");
        }
        for word in [
            "ソノタ",
            "アムロジピン",
            "ナシ",
            "アリ",
            "不明",
            "病棟",
            "外来",
            "手術室",
            "エイズ",
            "テスト",
        ] {
            let all: Vec<String> =
                (0..57).map(|i| format!("W{i:03}")).chain([word.to_owned()]).collect();
            assert!(!found(&all).contains(&"person_name"), "{word}");
        }
        // Names among other words, in ideographs and in Latin letters.
        for name in ["山本大輔", "SATO TARO"] {
            let words = ["入院", "外来", "救急", "CT Angio", "MRI"].map(str::to_owned);
            assert!(!found(&words).contains(&"person_name"));
            let all: Vec<String> = words.into_iter().chain([name.to_owned()]).collect();
            assert!(found(&all).contains(&"person_name"), "{name}");
        }
    }

    #[test]
    fn moments_and_long_codes_are_no_numbers_of_persons() {
        let mixed = |codes: Vec<String>| {
            let words = (0..300).map(|i| format!("W{i:03}"));
            found(&words.chain(codes).collect::<Vec<_>>())
        };
        let moments = (0..200)
            .map(|i| format!("2024{:02}{:02}{:02}{:02}", i % 12 + 1, i % 28 + 1, i % 24, i % 60));
        assert_eq!(mixed(moments.collect()), Vec::<&str>::new());
        // Sixteen digits outside of the ranges of cards.
        let long = (0..200_u64).map(|i| format!("{:016}", 8_000_000_000_000_000 + i * 7_919));
        assert_eq!(mixed(long.clone().collect()), Vec::<&str>::new());
        let cards =
            long.chain((0..20).map(|i| format!("{:016}", 4_000_000_000_000_000_u64 + i * 7_919)));
        assert_eq!(
            found(&cards.collect::<Vec<_>>()),
            Vec::<&str>::new(),
            "two of twenty pass by chance"
        );
    }

    #[test]
    fn the_tail_of_a_binomial() {
        assert!((tail(1, 1, 0.25) - 0.25).abs() < 1e-12);
        assert!((tail(4, 4, 0.5) - 0.0625).abs() < 1e-12);
        assert!((tail(10, 0, 0.5) - 1.0).abs() < 1e-12);
        assert!(find("my_number") == Some(0) && find("nothing").is_none());
    }
}
