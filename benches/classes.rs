//! Claim: the classes of 10 million rows are counted at least 3 times faster than by polars' streaming group_by of the same
//! columns in memory, within half its memory. `benches/classes.sh` runs both sides; this is ours.
//!
//! `classes write DIR ROWS` makes the columns, `classes count DIR COLUMNS [several]` counts (with `several`, five rows a person).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::path::Path;
use std::time::Instant;

use kakou::privacy::View;

/// Values by column: birth year, sex, postal area, month, year, three-character diagnosis, department, outcome, ward.
const CARDS: [u32; 9] = [100, 2, 1000, 12, 10, 1500, 40, 5, 60];

fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn path(folder: &Path, column: usize) -> std::path::PathBuf {
    folder.join(format!("{column}.u32"))
}

fn main() {
    let arguments: Vec<String> = std::env::args().filter(|a| a != "--bench").skip(1).collect();
    let Some(folder) = arguments.get(1).map(Path::new) else {
        println!("run benches/classes.sh");
        return;
    };
    match arguments[0].as_str() {
        "write" => {
            let rows: usize = arguments[2].parse().unwrap();
            for (column, &card) in CARDS.iter().enumerate() {
                let mut state = column as u64;
                let bytes: Vec<u8> = (0..rows)
                    .flat_map(|_| {
                        // The square of a uniform number: some values are common, most are rare.
                        let uniform = (next(&mut state) >> 11) as f64 / (1_u64 << 53) as f64;
                        ((uniform * uniform * f64::from(card)) as u32).to_le_bytes()
                    })
                    .collect();
                std::fs::write(path(folder, column), bytes).unwrap();
            }
        }
        "count" => {
            let columns: usize = arguments[2].parse().unwrap();
            let codes: Vec<Vec<u32>> = (0..columns)
                .map(|c| {
                    let bytes = std::fs::read(path(folder, c)).unwrap();
                    bytes
                        .chunks_exact(4)
                        .map(|b| u32::from_le_bytes(b.try_into().unwrap()))
                        .collect()
                })
                .collect();
            let rows = codes[0].len() as u32;
            let several = arguments.get(3).is_some_and(|a| a == "several");
            let persons: Vec<u32> = (0..rows)
                .map(|r| if several { r.wrapping_mul(2_654_435_761) % (rows / 5) } else { r })
                .collect();
            let start = Instant::now();
            let view = View::new(codes, &CARDS[..columns], persons).unwrap();
            let checked = start.elapsed().as_secs_f64();
            let start = Instant::now();
            let table = view.classes();
            let counted = start.elapsed().as_secs_f64();
            println!(
                "{:.3} {} {} {:.1} {checked:.3}",
                counted + checked,
                table.len(),
                table.smallest().map_or(0, |k| k.0),
                table.bytes() as f64 / table.len() as f64,
            );
        }
        _ => println!("run benches/classes.sh"),
    }
}
