//! Every reader with changed inputs: none may panic or take long. The seeds are small real files (`fuzz/seeds/`); the changes are the
//! same every time. `KAKOU_MUTANTS=N` tries N of them a target and prints a table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::common::targets::{TARGETS, root};

/// Numbers that follow from a first one (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

const WORDS: [&[u8]; 18] = [
    b"\0",
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff\xff\xff\xff\xff",
    b"\n",
    b"\r\n",
    b"\"",
    b",",
    b"\t",
    b"{",
    b"}",
    b"[[",
    b"=",
    b"99999999999999999999",
    b"-1",
    b"\xef\xbb\xbf",
    b"\xff\xfe",
    b"\xe3\x81\x82",
    b"\x1b$B",
];

/// One to six changes.
fn changed(seed: &[u8], others: &[Vec<u8>], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(6) {
        let at = chance.below(bytes.len());
        let most = 1 << chance.below(9);
        let length = 1 + chance.below(most);
        let end = (at + length).min(bytes.len());
        match chance.below(9) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << chance.below(8),
            1 if !bytes.is_empty() => bytes[at] = chance.next() as u8,
            2 => drop(bytes.drain(at..end)),
            3 => bytes.truncate(at),
            4 => {
                let word = WORDS[chance.below(WORDS.len())];
                bytes.splice(at..at, word.iter().copied());
            }
            5 => {
                let word = WORDS[chance.below(WORDS.len())];
                let end = (at + word.len()).min(bytes.len());
                bytes.splice(at..end, word.iter().copied());
            }
            6 => {
                let piece = bytes[at..end].to_vec();
                let times = 1 + chance.below(20);
                bytes.splice(at..at, piece.repeat(times));
            }
            7 => {
                let other = &others[chance.below(others.len())];
                let from = chance.below(other.len());
                let to = (from + length).min(other.len());
                bytes.splice(at..end, other[from..to].iter().copied());
            }
            _ => {
                let to = chance.below(bytes.len());
                bytes[at.min(to)..end.max(to)].reverse();
            }
        }
        bytes.truncate(1 << 16);
    }
    bytes
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = root().join("fuzz/seeds").join(target);
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .unwrap_or_else(|_| panic!("no seeds for {target}"))
        .map(|e| e.unwrap().path())
        .collect();
    paths.sort();
    paths.iter().map(|path: &std::path::PathBuf| std::fs::read::<&Path>(path).unwrap()).collect()
}

#[test]
fn no_input_breaks_a_reader() {
    let asked = std::env::var("KAKOU_MUTANTS").ok().map(|n| n.parse::<usize>().unwrap());
    let mut broken = Vec::new();
    for (number, (target, run)) in TARGETS.into_iter().enumerate() {
        let seeds = seeds(target);
        let mut chance = Chance(number as u64);
        let (mut tried, mut slowest, before) = (0, Duration::ZERO, Instant::now());
        let most = asked.unwrap_or(150);
        let plain = seeds.iter().cloned();
        let mut inputs = plain.chain([Vec::new()]).collect::<Vec<_>>();
        while tried < most + seeds.len() + 1 {
            let bytes = if inputs.is_empty() {
                changed(&seeds[chance.below(seeds.len())], &seeds, &mut chance)
            } else {
                inputs.remove(0)
            };
            let since = Instant::now();
            let held = catch_unwind(AssertUnwindSafe(|| run(&bytes))).is_ok();
            let took = since.elapsed();
            tried += 1;
            slowest = slowest.max(took);
            if !held || took > Duration::from_secs(120) {
                broken.push(format!(
                    "{target}, input {tried}: {}",
                    if held { "slow" } else { "panic" }
                ));
                if let Ok(folder) = std::env::var("KAKOU_MUTANTS_KEEP") {
                    std::fs::write(format!("{folder}/{target}-{tried}"), &bytes).unwrap();
                }
            }
        }
        if asked.is_some() {
            println!(
                "{target:<12} {tried:>8} tried, slowest {slowest:>8.1?}, {:>6.1?}",
                before.elapsed()
            );
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
}
