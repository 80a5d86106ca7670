//! Tests about the catalogue itself.

use super::*;

#[test]
fn the_catalogue_is_sorted_documented_and_complete() {
    let names: Vec<&str> = CATALOGUE.iter().map(|d| d.name).collect();
    let mut sorted = names.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(names.len(), sorted.len(), "a technique is there twice");
    for doc in CATALOGUE {
        assert!(doc.name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", doc.name);
        assert!(
            !doc.summary.is_empty() && !doc.summary_ja.is_ascii() && !doc.ja.is_ascii(),
            "{}",
            doc.name
        );
        assert!(doc.example.contains(doc.name), "{}", doc.name);
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Ok(list) = std::fs::read_dir(folder) {
        let files = list
            .flatten()
            .map(|e| e.file_name().to_string_lossy().into_owned())
            .filter(|f| {
                !matches!(
                    f.as_str(),
                    "lib.rs" | "Cargo.toml" | "tails.rs" | "testing.rs" | "tests.rs"
                )
            })
            .count();
        assert_eq!(
            files,
            CATALOGUE.len(),
            "a file of a technique is not in the catalogue, or the other way round"
        );
    }
}

mod laws {
    //! The laws of the techniques that treat every cell alike.

    use proptest::prelude::*;

    use super::super::testing::{Rows, facts, frozen, with_identity};
    use super::super::*;
    use crate::schema::Type;

    fn rows() -> impl Strategy<Value = Vec<(u8, Option<String>)>> {
        proptest::collection::vec((0_u8..6, proptest::option::of("[a-c9]{1,3}")), 0..40)
    }

    fn cells(column: &Column) -> Vec<Option<String>> {
        column.cells().map(|c| c.map(str::to_owned)).collect()
    }

    proptest! {
        #[test]
        fn keep_changes_nothing(data in rows()) {
            let rows = Rows::new(data.clone());
            let (_, output) = frozen(&keep::Keep {}, &rows, &facts(Type::String)).unwrap();
            prop_assert_eq!(cells(&output.cells), cells(&rows.cells));
            prop_assert_eq!((output.tally.changed, output.tally.suppressed), (0, 0));
        }

        #[test]
        fn drop_leaves_nothing(data in rows()) {
            let rows = Rows::new(data);
            let (_, output) = frozen(&drop::Drop {}, &rows, &facts(Type::String)).unwrap();
            prop_assert!(output.cells.cells().all(|c| c.is_none()));
            let gone = drop::Drop {}.output(&facts(Type::String)).is_none();
            prop_assert!(gone);
        }

        #[test]
        fn constant_and_presence_forget_the_value(data in rows()) {
            let rows = Rows::new(data.clone());
            let mut facts = facts(Type::String);
            facts.specials = vec!["999".into()];
            let config = constant::Constant { value: "*".into() };
            let (_, output) = frozen(&config, &rows, &facts).unwrap();
            prop_assert!(output.cells.cells().all(|c| c == Some("*")));
            let (_, output) = frozen(&presence::Presence::default(), &rows, &facts).unwrap();
            for (before, after) in data.iter().zip(output.cells.cells()) {
                prop_assert_eq!(after, Some(if before.1.is_some() { "1" } else { "0" }));
            }
        }

        #[test]
        fn map_gives_its_table_or_refuses(data in rows(), other in any::<bool>()) {
            let rows = Rows::new(data.clone());
            let mut facts = facts(Type::Code);
            facts.specials = vec!["999".into()];
            let config = map_code::Map {
                table: [("a", "A"), ("b", "B")].map(|(k, v)| (k.to_owned(), v.to_owned())).into(),
                otherwise: if other { map_code::Otherwise::Other } else { map_code::Otherwise::Refuse },
                other: "else".into(),
            };
            let covered = |t: &str| matches!(t, "a" | "b" | "999");
            let all = data.iter().all(|(_, t)| t.as_deref().is_none_or(covered));
            match frozen(&config, &rows, &facts) {
                Ok((_, output)) => {
                    prop_assert!(other || all);
                    for (before, after) in data.iter().zip(output.cells.cells()) {
                        let expected = before.1.as_deref().map(|t| match t {
                            "a" => "A",
                            "b" => "B",
                            "999" => "999",
                            _ => "else",
                        });
                        prop_assert_eq!(after, expected);
                    }
                }
                Err(error) => {
                    prop_assert!(!other && !all);
                    prop_assert_eq!(error.code, "C0401");
                }
            }
        }

        #[test]
        fn tokens_are_equal_exactly_for_equal_identities(data in rows()) {
            let rows = Rows::new(data.clone());
            let output = with_identity(&rows, &facts(Type::Code), |input| pseudonym::Pseudonym::default().apply(input));
            let after = cells(&output.cells);
            for (i, a) in data.iter().enumerate() {
                prop_assert_eq!(a.1.is_some(), after[i].as_ref().is_some_and(|t| t.len() == 26));
                for (j, b) in data.iter().enumerate() {
                    prop_assert_eq!(a.1 == b.1, after[i] == after[j]);
                }
            }
            let elsewhere = surrogate::Surrogate { domain: Some("other".into()), ..Default::default() };
            let other = with_identity(&rows, &facts(Type::Code), |input| elsewhere.apply(input));
            for (a, b) in after.iter().zip(other.cells.cells()) {
                prop_assert!(a.is_none() || a.as_deref() != b, "two domains share a token");
            }
        }

        #[test]
        fn suppressed_cells_are_gone_and_others_untouched(data in rows()) {
            let rows = Rows::new(data.clone());
            let config = suppress::Suppress { values: vec!["a".into(), "b9".into()], ..Default::default() };
            let (_, output) = frozen(&config, &rows, &facts(Type::String)).unwrap();
            for (before, after) in data.iter().zip(output.cells.cells()) {
                let expected = before.1.as_deref().filter(|t| !matches!(*t, "a" | "b9"));
                prop_assert_eq!(after, expected);
            }
        }

        #[test]
        fn intervals_between_stays_survive_a_shift(days in proptest::collection::vec((0_u8..3, 0_i32..900, 0_i32..30), 1..20), shift in -400_i32..400, step in 1_u16..10) {
            let text = |day: i32| crate::text::date::date_of(15_000 + day).unwrap().format("%Y%m%d").to_string();
            let show = |by: i32| {
                let rows = Rows::new(days.iter().map(|&(p, d, _)| (p, Some(text(d + by)))));
                let ends: Vec<Option<i32>> = days.iter().map(|&(_, d, l)| Some(15_000 + d + l + by)).collect();
                let config = stay_interval::StayInterval { since: ColumnRef("end".into()), step };
                let (_, output) = super::super::testing::frozen_with_dates(&config, &rows, &facts(Type::Date), &[ends]).unwrap();
                cells(&output.cells)
            };
            let shown = show(0);
            prop_assert_eq!(&shown, &show(shift));
            let firsts = shown.iter().filter(|c| c.as_deref() == Some("first")).count();
            let mut persons: Vec<u8> = days.iter().map(|d| d.0).collect();
            persons.sort_unstable();
            persons.dedup();
            prop_assert_eq!(firsts, persons.len());
            for cell in shown.iter().flatten().filter(|c| *c != "first") {
                prop_assert_eq!(cell.parse::<u32>().unwrap() % u32::from(step), 0);
            }
        }
    }
}
