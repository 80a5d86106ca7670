//! The generator's files under the shipped layout packs and the readers, from outside.

use std::collections::BTreeSet;
use std::path::Path;

use crate::common::{error_of, files, kakou, records, text};
use kakou::error::Name;
use kakou::formats::{self, ColumnSpec, ReadSpec, uke};
use kakou::frame::{Column, Table};
use kakou::policy::model::{Encoding, InputFormat, Output};

fn made(folder: &Path, more: &[&str]) {
    let mut arguments = vec!["synth", "--quiet", "--patients", "300", "--out", text(folder)];
    arguments.extend(more);
    let output = kakou(&arguments);
    assert!(output.status.success(), "{}", error_of(&output));
}

#[test]
fn every_file_has_the_layout_that_it_is_of_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), &["--layouts", "dpc,lab,omop", "--clean", "--years", "1"]);
    let mut checked = 0;
    for (prefix, layout) in [
        ("dpc/FF1_", "dpc/ff1@2024"),
        ("dpc/FF4_", "dpc/ff4@2024"),
        ("dpc/Dn_", "dpc/d@2024"),
        ("dpc/EFn_", "dpc/ef-inpatient@2024"),
        ("dpc/EFg_", "dpc/ef-outpatient@2024"),
        ("dpc/Hn_", "dpc/h@2024"),
        ("dpc/Kn_", "dpc/k@2024"),
        ("lab/lab_", "lab/long-jlac10@2024"),
        ("omop/person.csv", "omop/person@5.4"),
        ("omop/observation_period", "omop/observation_period@5.4"),
        ("omop/visit_occurrence", "omop/visit_occurrence@5.4"),
        ("omop/condition_occurrence", "omop/condition_occurrence@5.4"),
        ("omop/drug_exposure", "omop/drug_exposure@5.4"),
        ("omop/measurement", "omop/measurement@5.4"),
        ("omop/procedure_occurrence", "omop/procedure_occurrence@5.4"),
        ("omop/observation.csv", "omop/observation@5.4"),
        ("omop/death", "omop/death@5.4"),
        ("omop/note", "omop/note@5.4"),
    ] {
        let of: Vec<_> = files(folder.path())
            .into_iter()
            .filter(|p| {
                let name = p.strip_prefix(folder.path()).unwrap().to_str().unwrap().to_owned();
                // One month is enough: August, in the edition of its fiscal year.
                name.starts_with(prefix) && (!name.starts_with("dpc") || name.contains("_2408"))
            })
            .collect();
        assert!(!of.is_empty(), "{prefix}");
        for path in of.iter().take(2) {
            let output = kakou(&["layout", "check", text(path), "--layout", layout]);
            assert!(output.status.success(), "{} {layout}: {}", path.display(), error_of(&output));
            checked += 1;
        }
        // The wrong layout is refused: outpatients' third column is a date of birth.
        let wrong = match layout {
            "dpc/ef-outpatient@2024" => "dpc/ef-inpatient@2024",
            "dpc/ef-inpatient@2024" => "dpc/ef-outpatient@2024",
            _ => continue,
        };
        let output = kakou(&["layout", "check", text(&of[0]), "--layout", wrong]);
        assert_eq!(output.status.code(), Some(3), "{} is taken for {wrong}", of[0].display());
    }
    assert!(checked >= 25, "{checked}");
}

/// All records of one type of a receipt file, and the numbers of their lines.
fn receipt_records(path: &Path, form: &str, kind: &str) -> (uke::Records, BTreeSet<u64>) {
    let layout = uke::form(form).unwrap();
    let record = &layout.records[kind];
    let mut names = record.columns.clone();
    if kind != "GO" && kind != layout.header {
        names.push(uke::SEQUENCE.to_owned());
        if kind != "RE" {
            names.push("RE.レセプト番号".to_owned());
        }
    }
    if record.days {
        names.extend([uke::DAY.to_owned(), uke::TIMES.to_owned()]);
    }
    let columns: Vec<ColumnSpec> =
        names.iter().map(|n| ColumnSpec::text(Name::from_policy(n.clone()))).collect();
    let record = format!("{form}/{kind}");
    let name = Name::fixed("t");
    let spec = ReadSpec {
        encoding: Encoding::Cp932,
        header: false,
        record: Some(&record),
        ..ReadSpec::new(&name, InputFormat::Uke, &columns)
    };
    let mut reader = formats::open(path, &spec).unwrap();
    let (mut parts, mut lines) = (Vec::new(), BTreeSet::new());
    while let Some(batch) = reader.next(10_000).unwrap() {
        parts.push(batch.table);
        lines.extend(batch.row_numbers);
    }
    let columns = (0..names.len())
        .map(|c| Column::concat(&parts.iter().map(|p| &p.columns[c]).collect::<Vec<_>>()))
        .collect();
    let table = Table { rows: parts.iter().map(|p| p.rows).sum(), columns };
    (uke::Records { kind: kind.to_owned(), names, table }, lines)
}

#[test]
fn receipts_are_read_and_folded_back_byte_for_byte() {
    let folder = tempfile::tempdir().unwrap();
    made(folder.path(), &["--layouts", "uke", "--years", "1", "--hospitals", "6"]);
    let (_, told) = records(&folder.path().join("truth/files.csv"));
    let mut read = 0;
    for path in files(&folder.path().join("uke")) {
        let name = path.strip_prefix(folder.path().join("uke")).unwrap().to_str().unwrap();
        // Two months of every hospital, one of them with 和暦 dates.
        if !name.contains("/202402/") && !name.contains("/202409/") {
            continue;
        }
        let form = if name.ends_with("RECEIPTD.UKE") { "dpc" } else { "ika" };
        let (mut tables, mut lines) = (Vec::new(), 0);
        for kind in uke::form(form).unwrap().records.keys() {
            let (records, numbers) = receipt_records(&path, form, kind);
            lines += numbers.len();
            tables.push(records);
        }
        let rows: usize =
            told.iter().find(|r| r[0] == "uke" && r[1] == name).unwrap()[2].parse().unwrap();
        // The first and the last record belong to no person.
        assert_eq!(lines, rows + 2, "{name}");
        let bytes = std::fs::read(&path).unwrap();
        let bytes = bytes.strip_suffix(b"\x1a").unwrap_or(&bytes);
        let folded = uke::fold(uke::form(form).unwrap(), &tables, &Output::default()).unwrap().0;
        assert!(folded == bytes, "{name}");
        read += 1;
    }
    assert!(read >= 20, "{read}");
}
