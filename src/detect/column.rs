//! From hits in cells to a finding about a column: a detector must not cry wolf over every order number of twelve digits.
//!
//! Each distinct text of the column is judged once. A detector's finding about the column holds if
//!
//! 1. a cell has a strong hit, or a fair hit inside other text (a note with a bare 12-digit number whose check digit is right
//!    is a finding); or
//! 2. cells that are nothing but a number of the right form pass the check digit more often than chance explains: of n
//!    distinct texts of the form v pass, and the probability that v or more of n pass at 1.5 times the chance rate
//!    ([`super::Doc::chance`]) is below [`SIGNIFICANCE`]. Of 10,000 order numbers about 909 pass as 個人番号 and there is no finding; four
//!    cells, all passing, are one.
//!
//! What this cannot see: one real number among thousands of order numbers in one column of bare numbers, and telephone
//! numbers whose leading zero was lost in a number column.

use super::{CATALOGUE, Scanner, Strength};

/// A share of passing cells that chance gives in fewer than one of a thousand columns is no chance.
pub const SIGNIFICANCE: f64 = 1e-3;
/// Margin over the chance rate, for numbers that are not drawn evenly (fixed prefixes).
pub const MARGIN: f64 = 1.5;

/// What one detector found in a column.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Finding {
    /// The index of the detector in [`CATALOGUE`].
    pub detector: usize,
    /// By distinct text: whether it is a hit.
    pub hits: Vec<bool>,
}

#[derive(Clone, Copy, Default)]
struct Count {
    /// Distinct texts with a strong hit, or a fair one inside other text.
    sure: u64,
    /// Distinct texts that are wholly of the form.
    formed: u64,
    /// Of these: those that pass.
    passed: u64,
}

/// Judges a column by its distinct texts.
pub fn judge<'t>(scanner: &Scanner<'_>, texts: impl Iterator<Item = &'t str>) -> Vec<Finding> {
    let mut counts = vec![Count::default(); CATALOGUE.len()];
    let mut hits: Vec<Vec<u32>> = vec![Vec::new(); CATALOGUE.len()];
    let mut number = 0_u32;
    for text in texts {
        let found = scanner.scan(text);
        for (detector, count) in counts.iter_mut().enumerate() {
            let of = |s: &dyn Fn(&super::Hit) -> bool| {
                found.iter().any(|h| h.detector == detector && s(h))
            };
            let sure =
                of(&|h| h.strength == Strength::Strong || h.strength == Strength::Fair && !h.whole);
            let passed = of(&|h| h.strength == Strength::Fair && h.whole);
            let formed = passed || of(&|h| h.strength == Strength::Weak && h.whole);
            count.sure += u64::from(sure);
            count.passed += u64::from(passed);
            count.formed += u64::from(formed);
            if sure || passed {
                hits[detector].push(number);
            }
        }
        number += 1;
    }
    let mut findings = Vec::new();
    for (detector, (count, hit)) in counts.iter().zip(hits).enumerate() {
        let rate = (CATALOGUE[detector].doc().chance * MARGIN).min(0.9);
        if count.sure > 0 || tail(count.formed, count.passed, rate) < SIGNIFICANCE {
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
    use crate::detect::{find, my_number};

    fn found(texts: &[String]) -> Vec<&'static str> {
        judge(&Scanner::new(), texts.iter().map(String::as_str))
            .iter()
            .map(|f| CATALOGUE[f.detector].doc().name)
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
            let orders: Vec<String> =
                (0..3000_u64).map(|i| format!("{:012}", 202_401_000_001 + i * step)).collect();
            assert_eq!(found(&orders), Vec::<&str>::new(), "step {step}");
        }
        assert!(found(&my_numbers(4)).contains(&"my_number"));
        assert!(!found(&my_numbers(1)).contains(&"my_number"), "one bare number may be chance");
        assert_eq!(found(&[format!("番号は{}です", my_numbers(1)[0])]), ["my_number"]);
    }

    #[test]
    fn the_tail_of_a_binomial() {
        assert!((tail(1, 1, 0.25) - 0.25).abs() < 1e-12);
        assert!((tail(4, 4, 0.5) - 0.0625).abs() < 1e-12);
        assert!((tail(10, 0, 0.5) - 1.0).abs() < 1e-12);
        assert!(find("my_number") == Some(0) && find("nothing").is_none());
    }
}
