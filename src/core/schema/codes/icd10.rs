//! ICD-10, WHO edition of 2013 (ICD-10（2013年版）準拠): the ranges of its 22 chapters and of its blocks.
//!
//! A block is the smallest range that the WHO gives (C15-C26, not C00-C75; M05-M14, not M00-M25). A category that no
//! block holds (A10) is not a code of the classification.

use super::{CodeSystem, Level, plain};

/// 国際疾病分類第10版.
///
/// Read: `A41`, `A419`, `A41.9`, `M5499`, full-width, with `*` or `†` or kana after the code.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Icd10;

const LEVELS: &[Level] = &[
    Level { name: "character4", ja: "4桁分類" },
    Level { name: "category", ja: "3桁分類" },
    Level { name: "block", ja: "中間分類" },
    Level { name: "chapter", ja: "章" },
];

/// The chapters in order: number, blocks.
#[rustfmt::skip]
const CHAPTERS: [(&str, &[&str]); 22] = [
    ("I", &["A00-A09", "A15-A19", "A20-A28", "A30-A49", "A50-A64", "A65-A69", "A70-A74", "A75-A79", "A80-A89", "A90-A99",
        "B00-B09", "B15-B19", "B20-B24", "B25-B34", "B35-B49", "B50-B64", "B65-B83", "B85-B89", "B90-B94", "B95-B98", "B99-B99"]),
    ("II", &["C00-C14", "C15-C26", "C30-C39", "C40-C41", "C43-C44", "C45-C49", "C50-C50", "C51-C58", "C60-C63", "C64-C68",
        "C69-C72", "C73-C75", "C76-C80", "C81-C96", "C97-C97", "D00-D09", "D10-D36", "D37-D48"]),
    ("III", &["D50-D53", "D55-D59", "D60-D64", "D65-D69", "D70-D77", "D80-D89"]),
    ("IV", &["E00-E07", "E10-E14", "E15-E16", "E20-E35", "E40-E46", "E50-E64", "E65-E68", "E70-E90"]),
    ("V", &["F00-F09", "F10-F19", "F20-F29", "F30-F39", "F40-F48", "F50-F59", "F60-F69", "F70-F79", "F80-F89", "F90-F98", "F99-F99"]),
    ("VI", &["G00-G09", "G10-G14", "G20-G26", "G30-G32", "G35-G37", "G40-G47", "G50-G59", "G60-G64", "G70-G73", "G80-G83", "G90-G99"]),
    ("VII", &["H00-H06", "H10-H13", "H15-H22", "H25-H28", "H30-H36", "H40-H42", "H43-H45", "H46-H48", "H49-H52", "H53-H54", "H55-H59"]),
    ("VIII", &["H60-H62", "H65-H75", "H80-H83", "H90-H95"]),
    ("IX", &["I00-I02", "I05-I09", "I10-I15", "I20-I25", "I26-I28", "I30-I52", "I60-I69", "I70-I79", "I80-I89", "I95-I99"]),
    ("X", &["J00-J06", "J09-J18", "J20-J22", "J30-J39", "J40-J47", "J60-J70", "J80-J84", "J85-J86", "J90-J94", "J95-J99"]),
    ("XI", &["K00-K14", "K20-K31", "K35-K38", "K40-K46", "K50-K52", "K55-K64", "K65-K67", "K70-K77", "K80-K87", "K90-K93"]),
    ("XII", &["L00-L08", "L10-L14", "L20-L30", "L40-L45", "L50-L54", "L55-L59", "L60-L75", "L80-L99"]),
    ("XIII", &["M00-M03", "M05-M14", "M15-M19", "M20-M25", "M30-M36", "M40-M43", "M45-M49", "M50-M54", "M60-M63", "M65-M68",
        "M70-M79", "M80-M85", "M86-M90", "M91-M94", "M95-M99"]),
    ("XIV", &["N00-N08", "N10-N16", "N17-N19", "N20-N23", "N25-N29", "N30-N39", "N40-N51", "N60-N64", "N70-N77", "N80-N98", "N99-N99"]),
    ("XV", &["O00-O08", "O10-O16", "O20-O29", "O30-O48", "O60-O75", "O80-O84", "O85-O92", "O94-O99"]),
    ("XVI", &["P00-P04", "P05-P08", "P10-P15", "P20-P29", "P35-P39", "P50-P61", "P70-P74", "P75-P78", "P80-P83", "P90-P96"]),
    ("XVII", &["Q00-Q07", "Q10-Q18", "Q20-Q28", "Q30-Q34", "Q35-Q37", "Q38-Q45", "Q50-Q56", "Q60-Q64", "Q65-Q79", "Q80-Q89", "Q90-Q99"]),
    ("XVIII", &["R00-R09", "R10-R19", "R20-R23", "R25-R29", "R30-R39", "R40-R46", "R47-R49", "R50-R69", "R70-R79", "R80-R82",
        "R83-R89", "R90-R94", "R95-R99"]),
    ("XIX", &["S00-S09", "S10-S19", "S20-S29", "S30-S39", "S40-S49", "S50-S59", "S60-S69", "S70-S79", "S80-S89", "S90-S99",
        "T00-T07", "T08-T14", "T15-T19", "T20-T25", "T26-T28", "T29-T32", "T33-T35", "T36-T50", "T51-T65", "T66-T78", "T79-T79",
        "T80-T88", "T90-T98"]),
    ("XX", &["V01-V09", "V10-V19", "V20-V29", "V30-V39", "V40-V49", "V50-V59", "V60-V69", "V70-V79", "V80-V89", "V90-V94",
        "V95-V97", "V98-V99", "W00-W19", "W20-W49", "W50-W64", "W65-W74", "W75-W84", "W85-W99", "X00-X09", "X10-X19", "X20-X29",
        "X30-X39", "X40-X49", "X50-X57", "X58-X59", "X60-X84", "X85-Y09", "Y10-Y34", "Y35-Y36", "Y40-Y59", "Y60-Y69", "Y70-Y82",
        "Y83-Y84", "Y85-Y89", "Y90-Y98"]),
    ("XXI", &["Z00-Z13", "Z20-Z29", "Z30-Z39", "Z40-Z54", "Z55-Z65", "Z70-Z76", "Z80-Z99"]),
    ("XXII", &["U00-U49", "U82-U85"]),
];

/// The letter and the digits of a code, without the dot; `None` if it is no code.
fn read(code: &str) -> Option<String> {
    let code = plain(code);
    let is_mark = |c: char| matches!(c, '*' | '+' | '\u{2020}' | '\u{30a1}'..='\u{30fa}');
    let code = code.trim_end_matches(is_mark).trim_end();
    let (category, rest) = code.split_at_checked(3)?;
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    let letter = category.as_bytes()[0];
    let valid = letter.is_ascii_uppercase()
        && category[1..].bytes().chain(rest.bytes()).all(|b| b.is_ascii_digit())
        && rest.len() <= 3
        && !code.ends_with('.');
    valid.then(|| format!("{category}{rest}"))
}

/// Chapter and block of a category.
fn place(category: &str) -> Option<(&'static str, &'static str)> {
    CHAPTERS.iter().find_map(|(chapter, blocks)| {
        let block = blocks.iter().find(|b| (&b[..3]..=&b[4..]).contains(&category))?;
        Some((*chapter, *block))
    })
}

impl CodeSystem for Icd10 {
    fn name(&self) -> &'static str {
        "icd10"
    }
    fn ja(&self) -> &'static str {
        "国際疾病分類第10版（ICD-10）"
    }
    fn version(&self) -> &'static str {
        "WHO 2013"
    }
    fn source(&self) -> &'static str {
        "World Health Organization: ranges of chapters and blocks"
    }
    fn levels(&self) -> &'static [Level] {
        LEVELS
    }
    fn up(&self, code: &str, level: &str) -> Option<String> {
        let code = read(code)?;
        let (chapter, block) = place(&code[..3])?;
        match level {
            "character4" => Some(code[..code.len().min(4)].to_owned()),
            "category" => Some(code[..3].to_owned()),
            "block" => Some(block.to_owned()),
            "chapter" => Some(chapter.to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixtures::fixture;

    fn all(code: &str) -> Option<Vec<String>> {
        LEVELS.iter().map(|l| Icd10.up(code, l.name)).collect()
    }

    #[test]
    fn spellings() {
        let expected = Some(["A419", "A41", "A30-A49", "I"].map(str::to_owned).to_vec());
        for code in ["A419", "A41.9", "a41.9", "Ａ４１．９", " A41.90 ", "A419ｱ", "A41.9†", "A419*"]
        {
            assert_eq!(all(code), expected, "{code}");
        }
        assert_eq!(all("I10").unwrap(), ["I10", "I10", "I10-I15", "IX"]);
        for code in [
            "",
            "A",
            "A4",
            "A4X",
            "41A",
            "A41.",
            "A41-9",
            "A419999",
            "A10",
            "山田太郎",
            "ア",
            "E91",
        ] {
            assert_eq!(all(code), None, "{code}");
            assert!(!Icd10.validate(code));
        }
    }

    #[test]
    fn blocks_are_disjoint_and_in_order() {
        let ranges: Vec<&str> =
            CHAPTERS.iter().flat_map(|(_, blocks)| blocks.iter().copied()).collect();
        // U stands last in the classification, and Chapter XX comes before XXI.
        for pair in ranges.windows(2).filter(|p| !p[1].starts_with('U')) {
            assert!(pair[0][4..] < pair[1][..3], "{pair:?}");
        }
        assert!(ranges.iter().all(|r| r.len() == 7 && r[..3] <= r[4..]));
    }

    // Besides these tests the table was compared with the WHO's edition of 2019: all 2,050 categories have the same chapter and
    // block, but for A92 to A99, whose block began at A90 until the edition of 2013.
    #[test]
    fn chapters_reach_as_far_as_the_who_says() {
        let published = [
            "A00-B99", "C00-D48", "D50-D89", "E00-E90", "F00-F99", "G00-G99", "H00-H59", "H60-H95",
            "I00-I99", "J00-J99", "K00-K93", "L00-L99", "M00-M99", "N00-N99", "O00-O99", "P00-P96",
            "Q00-Q99", "R00-R99", "S00-T98", "V01-Y98", "Z00-Z99",
        ];
        for ((chapter, blocks), range) in CHAPTERS.iter().zip(published) {
            let (first, last) = (blocks[0], blocks[blocks.len() - 1]);
            assert_eq!(format!("{}-{}", &first[..3], &last[4..]), range, "{chapter}");
        }
    }

    /// Every code of the outside list and every diagnosis of the simulated hospital is covered, but for the codes of the
    /// American modification (`W19.XXXA`), which are not codes of the WHO's classification.
    #[test]
    fn codes_that_others_wrote_are_covered() {
        let list = fixture("japan").join("icd-10.yaml");
        let list = std::fs::read_to_string(list).unwrap();
        let american = |code: &str| code.bytes().skip(3).any(|b| b.is_ascii_alphabetic());
        let codes = list.lines().skip_while(|l| *l != "codes:").skip(1);
        let codes: Vec<&str> = codes
            .filter(|l| {
                l.starts_with("  ") && l.as_bytes().get(2).is_some_and(u8::is_ascii_uppercase)
            })
            .map(|l| l.trim().trim_end_matches(':'))
            .collect();
        assert!(codes.len() > 50);
        for code in codes {
            assert_eq!(all(code).is_some(), !american(code), "{code}");
        }
        let mut reader =
            csv::Reader::from_path(fixture("clinosim-csv").join("diagnoses.csv")).unwrap();
        let column =
            reader.headers().unwrap().iter().position(|h| h == "admission_diagnosis_code").unwrap();
        for record in reader.records() {
            let record = record.unwrap();
            let code = &record[column];
            assert!(code.is_empty() || all(code).is_some() != american(code), "{code}");
        }
    }
}
