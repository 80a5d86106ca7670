//! Claim: intake of EF inpatient files in CP932 (decoding, splitting, types and special values, dictionaries) takes at most 1.5
//! times a plain polars scan of the same rows in UTF-8. `benches/ef.sh` runs both sides; this is ours.
//!
//! `ef write FOLDER ROWS` makes `ef.txt` (CP932) and `ef_utf8.txt`; `ef read FILE [drop]` takes a CP932 file in and keeps the
//! columns in memory, as the engine does (with `drop`, as far as the next batch).
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::time::Instant;

use kakou::engine::validate;
use kakou::error::Name;
use kakou::formats::{self, ColumnSpec, ReadSpec};
use kakou::policy::layout::read_pack;
use kakou::policy::model::{Encoding, InputFormat};
use kakou::schema::{ColumnFacts, layout::shipped};
use kakou::synth::{SynthConfig, write};

/// Rows of a batch, as the engine takes them.
const BATCH: usize = 262_144;

fn make(folder: &Path, rows: usize) {
    let config = SynthConfig {
        persons: 6000,
        years: 1,
        layouts: vec!["dpc".to_owned()],
        dirt: false,
        ..SynthConfig::default()
    };
    let synth = folder.join("synth");
    write(&config, &synth).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(synth.join("dpc"))
        .unwrap()
        .map(|e| e.unwrap().path())
        .filter(|p| p.file_name().unwrap().to_str().unwrap().starts_with("EFn_"))
        .collect();
    files.sort();
    let once: Vec<u8> = files.iter().flat_map(|f| std::fs::read(f).unwrap()).collect();
    let lines: Vec<&[u8]> = once.split_inclusive(|&b| b == b'\n').collect();
    let utf8: Vec<String> = lines
        .iter()
        .map(|l| encoding_rs::SHIFT_JIS.decode_without_bom_handling(l).0.into_owned())
        .collect();
    let create = |name: &str| BufWriter::new(std::fs::File::create(folder.join(name)).unwrap());
    let mut cp932 = create("ef.txt");
    let mut text = create("ef_utf8.txt");
    for row in 0..rows {
        cp932.write_all(lines[row % lines.len()]).unwrap();
        text.write_all(utf8[row % lines.len()].as_bytes()).unwrap();
    }
    cp932.flush().unwrap();
    text.flush().unwrap();
    std::fs::remove_dir_all(synth).unwrap();
    println!("{}", lines.len());
}

/// Peak memory of this process in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn read(file: &Path, keep: bool) {
    let id = "dpc/ef-inpatient";
    let pack = read_pack(Name::fixed(id), shipped(id).unwrap().text.to_owned())
        .map_err(|f| f.error)
        .unwrap();
    let table = Name::fixed("ef");
    let columns: Vec<ColumnSpec> = pack
        .columns
        .list
        .iter()
        .map(|c| ColumnSpec {
            ty: c.ty,
            specials: c.specials.clone(),
            ..ColumnSpec::text(Name::from_policy(c.name.clone()))
        })
        .collect();
    let facts: Vec<ColumnFacts> = pack
        .columns
        .list
        .iter()
        .map(|c| ColumnFacts {
            table: table.clone(),
            column: Name::from_policy(c.name.clone()),
            role: c.role,
            ty: c.ty,
            date: None,
            code: None,
            specials: c.specials.clone(),
        })
        .collect();
    let spec = ReadSpec {
        encoding: Encoding::Cp932,
        delimiter: b'\t',
        header: false,
        trim: true,
        ..ReadSpec::new(&table, InputFormat::Csv, &columns)
    };
    let start = Instant::now();
    let mut reader = formats::open(file, &spec).unwrap();
    let mut rows = 0;
    let mut bad = 0;
    let mut kept = Vec::new();
    while let Some(batch) = reader.next(BATCH).unwrap() {
        rows += batch.table.rows;
        for (cells, facts) in batch.table.columns.iter().zip(&facts) {
            bad += cells.dictionary().texts().filter(|t| !validate::reads(facts, t)).count();
        }
        if keep {
            kept.push(batch);
        }
    }
    let took = start.elapsed().as_secs_f64();
    assert_eq!(bad, 0, "the file has the layout");
    let bytes = reader.facts().bytes;
    println!("{took:.3} {rows} {bytes} {}", peak());
}

fn main() {
    let arguments: Vec<String> = std::env::args().filter(|a| a != "--bench").skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["write", folder, rows] => make(Path::new(folder), rows.parse().unwrap()),
        ["read", file] => read(Path::new(file), true),
        ["read", file, "drop"] => read(Path::new(file), false),
        _ => println!("run benches/ef.sh"),
    }
}
