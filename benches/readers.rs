//! Claim: receipts are read at more than 250,000 rows a second and table, and a storage of a million small files is extracted at
//! the speed of opening them, in memory that does not grow with the storage.
//!
//! `readers FOLDER RECEIPTS PATIENTS` makes a receipt file and a storage in FOLDER (once) and reads them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark"
)]

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use kakou::error::Name;
use kakou::formats::{self, ColumnSpec, ReadSpec, ssmix2, uke};
use kakou::policy::model::{Encoding, InputFormat};

fn columns(names: &[String]) -> Vec<ColumnSpec> {
    names.iter().map(|n| ColumnSpec::text(Name::from_policy(n.clone()))).collect()
}

fn read(path: &Path, format: InputFormat, record: &str, names: &[String]) -> (usize, u64) {
    let columns = columns(names);
    let table = Name::fixed("t");
    let spec = ReadSpec {
        encoding: Encoding::Cp932,
        record: Some(record),
        ..ReadSpec::new(&table, format, &columns)
    };
    let mut reader = formats::open(path, &spec).unwrap();
    let mut rows = 0;
    while let Some(batch) = reader.next(1 << 18).unwrap() {
        rows += batch.table.rows;
    }
    (rows, reader.facts().bytes)
}

/// Peak memory of this process in MiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() / 1024
}

fn receipts(path: &Path, count: u64) {
    let mut file = std::io::BufWriter::new(std::fs::File::create(path).unwrap());
    let days = |first: u64| -> String {
        (0..31).map(|d| if (d + first).is_multiple_of(10) { ",1" } else { "," }).collect()
    };
    let mut put = |text: String| file.write_all(&encoding_rs::SHIFT_JIS.encode(&text).0).unwrap();
    put("IR,1,14,1,1234567,,病院,202405,00,\r\n".to_owned());
    for n in 1..=count {
        put(format!(
            "RE,{n},1111,202403,加工　太郎,1,1950{:02}03,,20240301,,,,,{n:010},,,,,,,,,,,,,,,,,,,,,,,カコウタロウ,\r\nHO,06140012,１２３,{n},2,900,,,,,,,,,\r\n",
            n % 12 + 1
        ));
        for i in 0..20 {
            put(format!(
                "SI,{},1,11{:07},,{},3,,,,,,{}\r\n",
                11 + i,
                (n * 7 + i) % 4000,
                50 + i * 13,
                days(n + i)
            ));
        }
        for i in 0..20 {
            put(format!(
                "IY,21,1,62{:07},{},{},3,,,,,,{}\r\n",
                (n * 3 + i) % 9000,
                i + 1,
                10 + i,
                days(n + i)
            ));
        }
    }
    put(format!("GO,{count},{},99\r\n", count * 900));
}

fn storage(root: &Path, patients: u64) {
    for n in 0..patients {
        let id = format!("{:010}", 1_000_000_000 + n * 977);
        let folder = root.join(&id[..3]).join(&id[3..6]).join(&id);
        let head = |kind: &str| {
            format!(
                "MSH|^~\\&|HIS|S|GW|R|20250101120000||{kind}|1|P|2.5||||||~ISO IR87||ISO 2022-1994\rPID|0001||{id}||加工^太郎^^^^^L^I~カコウ^タロウ^^^^^L^P||19700101|M\rPV1|0001|I|7A^6^4^^^N\r"
            )
        };
        let put = |day: &str, kind: &str, number: u64, message: String| {
            let place = folder.join(day).join(kind);
            std::fs::create_dir_all(&place).unwrap();
            let name = format!("{id}_{day}_{kind}_{number:015}_20250101120000000_01_1");
            std::fs::write(place.join(name), encoding_rs::ISO_2022_JP.encode(&message).0).unwrap();
        };
        put("-", "ADT-00", 1, head("ADT^A08"));
        for i in 0..50 {
            let mut message = format!(
                "{}SPM|1|S{i}||023^血清^JC10|||||||||||||202501010830\rOBR|1|A{i}|B{i}|3^生化学的検査^JC10|||202501010800\rORC|SC|A{i}|B{i}||CM||||20250101\r",
                head("OUL^R22")
            );
            for x in 0..6 {
                message.push_str(&format!(
                    "OBX|{x}|NM|3C0{:02}000000127201^検査項目^JC10||{}.5|mg/dL^mg/dL^99XYZ|||||F\r",
                    x * 5,
                    (n + i + x) % 90
                ));
            }
            put("20250101", "OML-11", i, message);
        }
    }
}

fn main() {
    let arguments: Vec<String> = std::env::args().filter(|a| a != "--bench").skip(1).collect();
    let [folder, receipts_asked, patients] = arguments.as_slice() else {
        println!("readers FOLDER RECEIPTS PATIENTS");
        return;
    };
    let folder = Path::new(folder);
    std::fs::create_dir_all(folder).unwrap();
    let (file, root) = (folder.join("RECEIPTC.UKE"), folder.join("storage"));
    if !file.exists() {
        receipts(&file, receipts_asked.parse().unwrap());
    }
    if !root.exists() {
        storage(&root, patients.parse().unwrap());
    }
    for kind in ["RE", "SI"] {
        let layout = &uke::form("ika").unwrap().records[kind];
        let mut names = layout.columns.clone();
        if kind == "SI" {
            names.extend(
                ["RE.カルテ番号等", "RE.レセプト番号", uke::SEQUENCE, uke::DAY, uke::TIMES]
                    .map(str::to_owned),
            );
        }
        let started = Instant::now();
        let (rows, bytes) = read(&file, InputFormat::Uke, kind, &names);
        let seconds = started.elapsed().as_secs_f64();
        println!(
            "uke {kind}: {rows} rows of {} MB in {seconds:.2} s: {:.0} rows/s, {:.0} MB/s; peak {} MiB",
            bytes / 1_000_000,
            rows as f64 / seconds,
            bytes as f64 / 1e6 / seconds,
            peak()
        );
    }
    let names: Vec<String> =
        ssmix2::columns("laboratory").unwrap().into_iter().map(str::to_owned).collect();
    let started = Instant::now();
    let (rows, bytes) = read(&root, InputFormat::Ssmix2, "laboratory", &names);
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "ssmix2 laboratory: {rows} rows of {} MB in {seconds:.2} s: {:.0} rows/s; peak {} MiB",
        bytes / 1_000_000,
        rows as f64 / seconds,
        peak()
    );
    let out = folder.join("extract");
    let _ = std::fs::remove_dir_all(&out);
    let started = Instant::now();
    let extracted = ssmix2::extract(&root, &out, &[], &mut |_, _, _| Ok(())).unwrap();
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "ssmix2 extract: {} messages of {} patients in {seconds:.2} s: {:.0} files/s; peak {} MiB",
        extracted.messages,
        extracted.patients,
        extracted.messages as f64 / seconds,
        peak()
    );
}
