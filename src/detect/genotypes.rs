//! Tables of genotypes: columns (or rows) of single nucleotide polymorphisms and of short tandem repeats.
//!
//! 施行令1条1号イ with the guideline of the PPC (通則編 2-2): 40 or more independent SNPs, or 9 or more loci of STRs of four bases, are
//! an individual identification code (個人識別符号). Whether SNPs are independent is not looked at: 40 columns of them are taken for it.

use std::collections::BTreeSet;

use crate::frame::{Column, MISSING};

/// SNPs from which on they are a code.
pub const SNPS: usize = 40;
/// Loci of STRs from which on they are a code.
pub const LOCI: usize = 9;

/// What was found in the columns of a table.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Genotypes {
    /// Columns (or rows, where a column names them) of SNPs.
    pub snps: usize,
    /// Distinct loci of STRs.
    pub loci: usize,
    /// The columns, by their place.
    pub columns: Vec<usize>,
}

impl Genotypes {
    /// Whether there are so many that they are an individual identification code.
    #[must_use]
    pub fn identify(&self) -> bool {
        self.snps >= SNPS || self.loci >= LOCI
    }
    /// Looks at the columns of a table, with a sample of their cells.
    pub fn of<'a>(columns: impl IntoIterator<Item = (&'a str, &'a Column)>) -> Genotypes {
        let mut found = Genotypes::default();
        let mut loci = BTreeSet::new();
        let mut rows = BTreeSet::new();
        for (at, (name, cells)) in columns.into_iter().enumerate() {
            if let Some(locus) = locus(name).filter(|_| mostly(cells, repeats)) {
                loci.insert(locus);
                found.columns.push(at);
            } else if mostly(cells, genotype) || snp(name) && mostly(cells, allele) {
                found.snps += 1;
                found.columns.push(at);
            } else if mostly(cells, rs) {
                // A row a SNP: this column says which.
                let texts = cells.dictionary().texts().map(str::trim).filter(|t| rs(t));
                rows.extend(texts.map(str::to_ascii_lowercase));
                found.columns.push(at);
            }
        }
        if found.snps > 0 {
            found.snps = found.snps.max(rows.len());
        }
        found.loci = loci.len();
        found
    }
}

/// Whether nine of ten cells are such, calls that were not made apart: a word for a failed call, or an error, hides no genotypes.
fn mostly(cells: &Column, is: impl Fn(&str) -> bool) -> bool {
    // By text: whether it is a call, and one of these.
    let texts = cells.dictionary().texts().map(str::trim);
    let judged: Vec<(bool, bool)> = texts.map(|text| (!unknown(text), is(text))).collect();
    let called = cells.codes().iter().filter(|&&code| code != MISSING);
    let called = called.map(|&code| judged[code as usize]).filter(|(called, _)| *called);
    let (all, such) =
        called.fold((0_u64, 0_u64), |(all, such), (_, is)| (all + 1, such + u64::from(is)));
    all > 0 && such * 10 >= all * 9
}

/// A call that was not made.
fn unknown(text: &str) -> bool {
    let missing = ["", "-", "--", "NN", "N/N", "00", "./.", ".", ".|.", "NC", "NA", "na", "I", "D"];
    missing.contains(&text)
}

fn rs(text: &str) -> bool {
    let digits = text.strip_prefix("rs").or_else(|| text.strip_prefix("RS")).unwrap_or_default();
    (3..=12).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit())
}

/// A name of a SNP: `rs12345`, `rs12345_A`, `chr1:12345`, `snp17`.
fn snp(name: &str) -> bool {
    let name = name.trim().to_ascii_lowercase();
    let head = name.split(['_', '.', '-', ' ']).next().unwrap_or_default();
    let place = |rest: &str| {
        let mut parts = rest.split([':', '_', '.', '-']);
        let numbers = |part: Option<&str>, least: usize| {
            part.is_some_and(|p| p.len() >= least && p.bytes().all(|b| b.is_ascii_digit()))
        };
        let chromosome = parts.next();
        (numbers(chromosome, 1) || matches!(chromosome, Some("x" | "y" | "mt")))
            && numbers(parts.next(), 4)
    };
    let numbered = |rest: &str| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit());
    rs(head)
        || name.strip_prefix("chr").is_some_and(place)
        || head.strip_prefix("snp").is_some_and(numbered)
}

/// A genotype that nothing else is written like: `A/G`, `AG`, `0|1`.
fn genotype(text: &str) -> bool {
    let bytes = text.as_bytes();
    let base = |b: u8| b"ACGT".contains(&b);
    let number = |b: u8| b"0123.".contains(&b);
    match *bytes {
        [a, b] => base(a) && base(b),
        [a, b'/' | b'|', b] if number(a) => number(b),
        [a, b'/' | b'|' | b':' | b' ', b] => base(a) && base(b),
        // With what a VCF writes behind it.
        [a, b'/' | b'|', b, b':', ..] => number(a) && number(b),
        _ => false,
    }
}

/// What stands for a SNP in a column that is named like one: a genotype, a base, or how often the rarer one is there.
fn allele(text: &str) -> bool {
    genotype(text)
        || ["A", "C", "G", "T", "0", "1", "2", "AA", "AB", "BB", "9", "-9"].contains(&text)
}

/// Loci that are named otherwise than by their place (CODIS and the sets that are sold).
const LOCI_BY_NAME: &[&str] = &[
    "CSF1PO", "FGA", "TH01", "TPOX", "VWA", "PENTAD", "PENTAE", "SE33", "F13A01", "F13B", "FESFPS",
    "LPL",
];

/// The locus that a column is named after, without the number of the allele: `D3S1358_1`, `vWA`.
fn locus(name: &str) -> Option<String> {
    let upper = name.trim().to_ascii_uppercase();
    let mut head = upper.as_str();
    for ending in ["_1", "_2", ".1", ".2", "-1", "-2", "_A", "_B", " 1", " 2", "(1)", "(2)"] {
        head = head.strip_suffix(ending).unwrap_or(head);
    }
    let plain: String = head.chars().filter(|c| !matches!(c, ' ' | '_')).collect();
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let placed =
        plain.strip_prefix('D').and_then(|rest| rest.split_once('S')).is_some_and(|(c, n)| {
            (digits(c) && c.len() <= 2 || matches!(c, "X" | "Y")) && digits(n) && n.len() >= 2
        });
    (placed || LOCI_BY_NAME.contains(&plain.as_str())).then_some(plain)
}

/// One number of repeats or two: `12`, `9.3`, `12,14`, `9.3/10`.
fn repeats(text: &str) -> bool {
    let one = |text: &str| {
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        whole.parse::<u8>().is_ok_and(|n| n <= 70) && matches!(part, "0" | "1" | "2" | "3")
    };
    let parts: Vec<&str> =
        text.split([',', '/', '-', ';', ' ']).filter(|p| !p.is_empty()).collect();
    (1..=2).contains(&parts.len()) && parts.into_iter().all(one)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(columns: &[(String, Vec<&str>)]) -> Genotypes {
        let made: Vec<(&str, Column)> = columns
            .iter()
            .map(|(name, cells)| (name.as_str(), Column::from_texts(cells.iter().map(Some))))
            .collect();
        Genotypes::of(made.iter().map(|(name, cells)| (*name, cells)))
    }

    #[test]
    fn snps_are_counted_by_name_or_by_cells() {
        let of = |n: usize, cells: &[&'static str], name: &dyn Fn(usize) -> String| {
            found(&(0..n).map(|i| (name(i), cells.to_vec())).collect::<Vec<_>>())
        };
        let rs = |i: usize| format!("rs{}", 1000 + i);
        let plain = |i: usize| format!("col{i}");
        for cells in
            [&["AG", "GG", "--"][..], &["A/G", "G/G"], &["0/1", "1|1", "./."], &["0", "1", "2"]]
        {
            assert!(of(40, cells, &rs).identify(), "{cells:?}");
            assert!(!of(39, cells, &rs).identify(), "{cells:?}");
        }
        assert!(of(40, &["AG", "CT"], &plain).identify());
        assert!(of(40, &["0/1:35:99"], &plain).identify());
        // A failed call in another word, or a typing error, makes no difference.
        let mut noisy = vec!["AG"; 18];
        noisy.extend(["failed", "A6"]);
        assert!(of(40, &noisy, &rs).identify() && of(40, &noisy, &plain).identify());
        // Scores, answers and blood groups are none.
        for cells in [&["0", "1", "2"][..], &["A", "B", "O"], &["はい"], &["1/2026"], &["", "--"]]
        {
            assert_eq!(of(60, cells, &plain).snps, 0, "{cells:?}");
        }
        assert_eq!(of(50, &["12.5"], &rs).snps, 0);
    }

    #[test]
    fn a_row_a_snp_is_the_same() {
        let names: Vec<String> = (0..60).map(|i| format!("rs{}", 5000 + i)).collect();
        let long = |n: usize| {
            found(&[
                ("patient".into(), vec!["1"; n]),
                ("snp".into(), names[..n].iter().map(String::as_str).collect()),
                ("genotype".into(), vec!["AG"; n]),
            ])
        };
        assert!(long(40).identify() && !long(39).identify());
        assert_eq!(long(40).columns, [1, 2]);
    }

    #[test]
    fn loci_are_counted_once() {
        let names =
            ["D3S1358", "vWA", "FGA", "TH01", "TPOX", "CSF1PO", "D5S818", "D13S317", "D7S820"];
        let both: Vec<(String, Vec<&str>)> = names
            .iter()
            .flat_map(|n| ["_1", "_2"].map(|a| (format!("{n}{a}"), vec!["12", "9.3", ""])))
            .collect();
        let nine = found(&both);
        assert_eq!((nine.loci, nine.columns.len()), (9, 18));
        assert!(nine.identify() && !found(&both[..16]).identify());
        let pairs: Vec<_> =
            names.iter().map(|n| ((*n).to_owned(), vec!["12,14", "9.3/10"])).collect();
        assert!(found(&pairs).identify());
        // Names that only look like it.
        assert_eq!(found(&[("D10S".into(), vec!["1"]), ("DS1".into(), vec!["1"])]).loci, 0);
        assert_eq!(found(&[("D3S1358".into(), vec!["陽性"])]).loci, 0);
    }
}
