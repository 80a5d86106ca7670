//! What is an identifier and what is not, on columns alone. Whole runs: `tests/declared.rs`.

use proptest::prelude::*;

use super::*;
use crate::testing::facts;

fn column(texts: impl IntoIterator<Item = String>) -> Column {
    Column::from_texts(texts.into_iter().map(Some))
}

/// Judges rows of a person and a value, in two partitions by person.
fn identifies(ty: Type, rows: &[(u32, String)]) -> bool {
    let mut unique = Unique::default();
    for part in 0..2 {
        let here: Vec<&(u32, String)> = rows.iter().filter(|r| r.0 % 2 == part).collect();
        let cells = column(here.iter().map(|r| r.1.clone()));
        let persons: Vec<u32> = here.iter().map(|r| r.0).collect();
        unique.add(&facts(ty), &cells, &persons, &used(&cells));
    }
    let mut all: Vec<u32> = rows.iter().map(|r| r.0).collect();
    all.sort_unstable();
    all.dedup();
    unique.identifies(all.len() as u64, ty)
}

#[test]
fn numbers_of_persons_are_known_and_measurements_are_not() {
    let each = |f: &dyn Fn(u32) -> String| (0..200).map(|p| (p, f(p))).collect::<Vec<_>>();
    assert!(identifies(Type::Code, &each(&|p| format!("A{p:05}"))));
    assert!(identifies(Type::String, &each(&|p| format!("name {p}"))));
    assert!(identifies(Type::Integer, &each(&|p| (p + 1).to_string())), "given one by one");
    assert!(identifies(Type::Integer, &each(&|p| (10_000_000 + p * 7_919).to_string())));
    let twice: Vec<(u32, String)> = (0..400).map(|i| (i / 2, format!("O{:08}", i * 31))).collect();
    assert!(identifies(Type::Code, &twice), "an order number, several a person");
    // Points of claims: all apart, as chance has it.
    let points = each(&|p| (300 + (u64::from(p) * 2_654_435_761 % 90_000)).to_string());
    assert!(!identifies(Type::Integer, &points));
    let codes = each(&|p| format!("C{}", p % 30));
    assert!(!identifies(Type::Code, &codes));
    let few: Vec<(u32, String)> = (0..30).map(|p| (p, format!("A{p}"))).collect();
    assert!(!identifies(Type::Code, &few), "so few differ by chance");
}

#[test]
fn codes_of_a_public_system_are_no_identifiers() {
    let mut unique = Unique::default();
    let facts = ColumnFacts { code: Some(crate::error::Name::fixed("icd10")), ..facts(Type::Code) };
    let texts: Vec<String> = (0..100)
        .map(|i| format!("{}{:02}", char::from(b'A' + (i / 50) as u8 * 2), i % 50))
        .collect();
    let cells = column(texts);
    let persons: Vec<u32> = (0..100).collect();
    unique.add(&facts, &cells, &persons, &used(&cells));
    assert!(!unique.identifies(100, Type::Code));
}

#[test]
fn sentences() {
    for text in ["入院後の経過は良好で、退院した。", "The patient was seen by the family doctor"]
    {
        assert!(is_sentence(text), "{text}");
    }
    for text in
        ["ロキソプロフェン錠６０ｍｇ「サワイ」", "I10", "Type 2 diabetes mellitus", "血液検査"]
    {
        assert!(!is_sentence(text), "{text}");
    }
}

proptest! {
    #[test]
    fn a_recoded_date_is_a_function_of_it(seed in 1_u32..500, days in 25_i32..60) {
        let rows: Vec<(u32, i32)> = (0..600_u32).map(|p| (p, ((p + seed) % days as u32) as i32)).collect();
        let recoded = column(rows.iter().map(|r| format!("k{}", r.1 * 17 % 1009)));
        // A month of the same date is none; a number that counts from another day is one.
        let coarse = column(rows.iter().map(|r| format!("m{}", r.1 / 7)));
        let serial = column(rows.iter().map(|r| (40_000 + r.1).to_string()));
        let hasher = DefaultHashBuilder::default();
        for (cells, is_one) in [(recoded, true), (coarse, false), (serial, true)] {
            // In however many parts the persons come.
            for parts in [1, 7, 60] {
                let mut function = Function::default();
                for part in 0..parts {
                    let here: Vec<u32> = (0..600).filter(|p| p % parts == part).collect();
                    let cells = cells.take(&here);
                    let values = Values {
                        hashes: cells.dictionary().texts().map(|t| hasher.hash_one(t)).collect(),
                        numbers: Some(cells.dictionary().texts().map(|t| t.parse().ok()).collect()),
                    };
                    let dates: Vec<Option<i32>> =
                        here.iter().map(|&p| Some(20_000 + rows[p as usize].1)).collect();
                    function.add(&cells, here.iter().map(|&p| u64::from(p)), &dates, &values);
                }
                prop_assert_eq!(function.holds(), is_one, "{} parts", parts);
            }
        }
    }
}
