//! Readers and writers against each other and against files with every defect.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::frame::{Column, Table};
use crate::schema::file::{Formula, Unencodable};

#[path = "../../tests/common/fixtures.rs"]
mod fixtures;

fn columns(names: &[&str]) -> Vec<ColumnSpec> {
    names.iter().map(|n| ColumnSpec::text(Name::from_policy(*n))).collect()
}

static TABLE: Name = Name::fixed("t");

fn spec<'a>(columns: &'a [ColumnSpec], set_aside: &'a [Defect]) -> ReadSpec<'a> {
    ReadSpec { set_aside, ..ReadSpec::new(&TABLE, InputFormat::Csv, columns) }
}

type Cells = Vec<Vec<Option<String>>>;

fn read_all(
    path: &Path,
    spec: &ReadSpec<'_>,
    batch: usize,
) -> Result<(Cells, Vec<u64>, FileFacts)> {
    let mut reader = open(path, spec)?;
    let mut cells: Cells = Vec::new();
    let mut numbers = Vec::new();
    while let Some(batch) = reader.next(batch)? {
        for row in 0..batch.table.rows {
            cells
                .push(batch.table.columns.iter().map(|c| c.text(row).map(str::to_owned)).collect());
        }
        numbers.extend(batch.row_numbers);
    }
    Ok((cells, numbers, reader.facts()))
}

fn read_text(bytes: &[u8], spec: &ReadSpec<'_>) -> Result<(Cells, Vec<u64>, FileFacts)> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    std::fs::write(&path, bytes).unwrap();
    let result = read_all(&path, spec, 3);
    if let Err(error) = &result {
        assert!(!error.to_string().contains("CANARY"), "{error}");
    }
    result
}

fn refused(bytes: &[u8], code: &str) -> String {
    let columns = columns(&["a", "b"]);
    let error = read_text(bytes, &spec(&columns, &[])).expect_err("it was read");
    assert!(error.each().any(|e| e.code == code), "{error}");
    error.to_string()
}

#[test]
fn every_defect_is_refused_with_its_place() {
    assert!(refused(b"a,b\nCANARY,2\nCANARY\n", "D0101").contains("row 2: 1 fields instead of 2"));
    assert!(refused(b"a,b\n1,\xff\xfeCANARY\n", "D0103").contains("row 1: column `b`"));
    assert!(refused(b"a,b\n1,CAN\0ARY\n", "D0103").contains("row 1"));
    refused(b"a,b\n1,\"CANARY\n2,3\n", "D0102");
    refused(b"a,b\n1,\"CANARY\"x\n", "D0102");
    refused(b"a,b\n1,\"CANARY\nx\"\n", "D0102");
    refused(b"a,b\n1,CAN\rARY\n", "D0102");
    refused(b"", "D0014");
    refused(b"a,a,b\n1,2,3\n", "D0013");
    refused(b"a,,b\n1,2,3\n", "D0012");
    refused(b"a\n1\n", "D0011");
    // A first line without an end is no header; it is not read to its end.
    refused(&vec![b'a'; 24 << 20], "D0016");
    assert!(refused(b"a,b,c\n1,2,3\n", "D0010").contains("column `c`"));
    // A file without a header: a cell is not shown as a column's name.
    refused(b"CANARY,CANARY2\n1,2\n", "D0011");
    assert!(
        read_text(b"a,b\n1,2\n\n", &spec(&columns(&["a", "b"]), &[])).is_ok(),
        "a blank line at the end"
    );
    refused(b"a,b\n\n1,2\n", "D0101");
}

#[test]
fn rows_can_be_set_aside_and_are_counted() {
    let columns = columns(&["a", "b"]);
    let (cells, numbers, facts) =
        read_text(b"a,b\n1,2\n3\n4,\xff\n5,6\n", &spec(&columns, &[Defect::Ragged, Defect::Bytes]))
            .unwrap();
    assert_eq!(cells.len(), 2);
    assert_eq!(numbers, [1, 4]);
    assert_eq!(facts.rows_read, 4);
    assert_eq!(facts.set_aside, BTreeMap::from([(Defect::Ragged, 1), (Defect::Bytes, 1)]));
}

#[test]
fn columns_are_found_by_name_and_missing_is_missing() {
    let mut columns = columns(&["a", "b"]);
    columns[1].missing = vec!["NA".into()];
    let bytes = b"\xef\xbb\xbfb,a\r\nNA,1\r\n,\"x \"\"y\"\"\"\r\n";
    let (cells, _, facts) = read_text(bytes, &spec(&columns, &[])).unwrap();
    assert_eq!(cells, [[Some("1".into()), None], [Some("x \"y\"".into()), None]]);
    assert!(facts.bom);
    assert_eq!(facts.sha3_256, crate::digest::sha3(bytes));
}

#[test]
fn iso_2022_jp_is_read_and_written_without_guesses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let output = Output {
        encoding: Encoding::Iso2022Jp,
        unencodable: Unencodable::Map,
        ..Output::default()
    };
    let out: Vec<OutColumn> = ["名", "メモ"]
        .map(|name| OutColumn { name: name.into(), ty: OutType::Text, ranges: false })
        .into_iter()
        .collect();
    let mut writer = create(
        &path,
        &WriteSpec {
            table: &TABLE,
            columns: &out,
            output: &output,
            dialect: Default::default(),
            resources: None,
        },
    )
    .unwrap();
    let rows = Table {
        rows: 2,
        columns: vec![
            Column::from_texts([Some("髙橋"), Some("ｱﾍﾞ")]),
            // A quote that `map` made is quoted like any other.
            Column::from_texts([Some("あ、い\n＂う＂"), None]),
        ],
    };
    writer.write(&rows).unwrap();
    let written = writer.finish().unwrap();
    assert_eq!((written.unencodable, written.respelled), (3, 3));
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.is_ascii());
    for line in bytes.split(|&b| b == b'\n') {
        let last = line.windows(3).rfind(|w| w[0] == 0x1b).unwrap_or(b"\x1b(B");
        assert_eq!(last, b"\x1b(B");
    }
    let columns = columns(&["名", "メモ"]);
    let mut spec = spec(&columns, &[Defect::Bytes, Defect::Ragged]);
    spec.encoding = Encoding::Iso2022Jp;
    spec.multiline = true;
    let (cells, _, facts) = read_text(&bytes, &spec).unwrap();
    assert_eq!(cells[0], [Some("高橋".into()), Some("あ、い\n\"う\"".into())]);
    assert_eq!(cells[1], [Some("アベ".into()), None]);
    assert_eq!(facts.bytes, bytes.len() as u64);
    assert_eq!(facts.sha3_256, crate::digest::sha3(&bytes));
    // A row that cannot be decoded is one row, counted.
    let mut bytes = bytes;
    bytes.extend_from_slice(b"\x1b$B;3,x\n\x1b$B;3\x1b(B,y\n");
    let (cells, _, facts) = read_text(&bytes, &spec).unwrap();
    assert_eq!(facts.set_aside.values().sum::<u64>(), 1);
    assert_eq!(cells.last().unwrap()[0].as_deref(), Some("山"));
}

#[test]
fn cp932_is_read_and_written_without_guesses() {
    let columns = columns(&["名", "値"]);
    let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode("名,値\n髙橋①㈱,ｱﾍﾞ－～\nソ表能,予\n");
    let mut spec = spec(&columns, &[]);
    spec.encoding = Encoding::Cp932;
    let (cells, _, _) = read_text(&bytes, &spec).unwrap();
    assert_eq!(cells[0], [Some("髙橋①㈱".into()), Some("ｱﾍﾞ－～".into())]);
    assert_eq!(cells[1], [Some("ソ表能".into()), Some("予".into())]);
    // In UTF-8 the same bytes are refused.
    spec.encoding = Encoding::Utf8;
    assert!(read_text(&bytes, &spec).is_err());

    let folder = tempfile::tempdir().unwrap();
    for (unencodable, expected) in [
        (Unencodable::Geta, Some("〓野〓")),
        (Unencodable::QuestionMark, Some("?野?")),
        (Unencodable::Map, Some("吉野～")),
        (Unencodable::Fail, None),
    ] {
        let output = Output { encoding: Encoding::Cp932, unencodable, ..Output::default() };
        let path = folder.path().join(format!("{unencodable:?}.csv"));
        let out = [OutColumn { name: "a".into(), ty: OutType::Text, ranges: false }];
        let mut writer = create(
            &path,
            &WriteSpec {
                table: &TABLE,
                columns: &out,
                output: &output,
                dialect: Default::default(),
                resources: None,
            },
        )
        .unwrap();
        let rows = Table { rows: 1, columns: vec![Column::from_texts([Some("𠮷野〜")])] };
        match (writer.write(&rows), expected) {
            (Ok(()), Some(expected)) => {
                let written = writer.finish().unwrap();
                assert_eq!(written.unencodable, 2);
                let bytes = std::fs::read(&path).unwrap();
                assert!(!bytes.windows(2).any(|w| w == b"&#"));
                assert_eq!(encoding_rs::SHIFT_JIS.decode(&bytes).0, format!("a\n{expected}\n"));
            }
            (Err(error), None) => assert_eq!(error.code, "C0501"),
            _ => panic!("{unencodable:?}"),
        }
    }
}

#[test]
fn formulas_are_handled_and_numbers_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let write_cells =
        |cells: &[&str], ranges: bool, formula: Formula, name: &str| -> Result<String> {
            let out = [OutColumn { name: "a".into(), ty: OutType::Text, ranges }];
            let output = Output { formula, ..Output::default() };
            let path = folder.path().join(name);
            let column = Column::from_texts(cells.iter().copied().map(Some));
            let rows = Table { rows: cells.len(), columns: vec![column] };
            written(&[rows], &out, &output, &path)?;
            Ok(std::fs::read_to_string(path).unwrap())
        };
    let cells = ["-5", "+3.2", "(+)", "-", "+-", "=1+1", "@x"];
    let write = |formula: Formula, name: &str| write_cells(&cells, false, formula, name);
    assert_eq!(write(Formula::Fail, "f").unwrap_err().code, "C0502");
    assert_eq!(write(Formula::Keep, "k").unwrap(), "a\n-5\n+3.2\n(+)\n-\n+-\n=1+1\n@x\n");
    assert_eq!(write(Formula::Prefix, "p").unwrap(), "a\n-5\n+3.2\n(+)\n-\n+-\n'=1+1\n'@x\n");
    // Labels of bands below zero are ranges of numbers; from the source they may be anything.
    let labels = ["-5--1", "-5-10", "-1.5--0.5", "-10+", "-366", "-0.5-0", ">=80", "<=-5"];
    let lines = format!("a\n{}\n", labels.join("\n"));
    assert_eq!(write_cells(&labels, true, Formula::Fail, "lf").unwrap(), lines);
    assert_eq!(write_cells(&labels, true, Formula::Prefix, "lp").unwrap(), lines);
    for (n, (cell, ranges)) in [
        ("-5--1", false),
        ("-10+", false),
        ("-5%", false),
        ("-5%", true),
        ("-5 mg", true),
        ("-1-2-3", true),
        ("-5-A1", true),
        ("-5--10", true),
        ("+5-10", true),
        ("=5-10", true),
        ("-1,000-2", true),
        ("-1+2", true),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(write_cells(&[cell], ranges, Formula::Fail, &format!("x{n}")).is_err(), "{cell}");
    }
}

/// Writes the parts of a table.
fn written(parts: &[Table], out: &[OutColumn], output: &Output, path: &Path) -> Result<()> {
    let spec = WriteSpec {
        table: &TABLE,
        columns: out,
        output,
        dialect: Default::default(),
        resources: None,
    };
    let mut writer = create(path, &spec)?;
    for part in parts {
        writer.write(part)?;
    }
    writer.finish().map(drop)
}

fn parquet(rows: &[Table], out: &[OutColumn], path: &Path) {
    let output = Output { format: OutputFormat::Parquet, ..Output::default() };
    written(rows, out, &output, path).unwrap();
}

/// What a workbook shows is what was written: text as text, whatever it looks like; numbers and days as such.
#[test]
fn a_workbook_keeps_types_and_texts() {
    let folder = tempfile::tempdir().unwrap();
    let out: Vec<OutColumn> = [
        ("名", OutType::Text),
        ("n", OutType::Integer),
        ("d", OutType::Decimal),
        ("日", OutType::Date),
        ("at", OutType::Timestamp),
        ("b", OutType::Boolean),
    ]
    .map(|(name, ty)| OutColumn { name: name.into(), ty, ranges: false })
    .to_vec();
    let output = Output { format: OutputFormat::Xlsx, ..Output::default() };
    let write = |texts: &[Vec<Option<&str>>], name: &str| {
        let path = folder.path().join(name);
        // Row by row or at once: the same bytes.
        let rows = if name.starts_with("parts") { 1 } else { texts.len() };
        let part = |rows: &[Vec<Option<&str>>]| {
            let column = |c: usize| Column::from_texts(rows.iter().map(|row| row[c]));
            Table { rows: rows.len(), columns: (0..6).map(column).collect() }
        };
        let parts: Vec<Table> = texts.chunks(rows).map(part).collect();
        written(&parts, &out, &output, &path)?;
        Ok::<_, crate::error::Error>(path)
    };
    let row = |name, n, d, day, at, b| vec![Some(name), n, d, day, at, b];
    let moment = Some("2026-01-31T09:30:00");
    let rows = [
        row("007", Some("7"), Some("1.5"), Some("2024-02-29"), moment, Some("true")),
        row("=1+1", Some("-3"), Some("0.1"), Some("1900-03-01"), None, Some("false")),
        row(" 花\t\"子\" <&> _x000D_ \r\n2", None, Some("12345.678"), None, moment, None),
        row("1e5", Some("999999999999999"), None, Some("2099-12-31"), None, None),
        vec![None, Some("1"), None, None, None, None],
    ];
    let path = write(&rows, "a.xlsx").unwrap();
    let again = write(&rows, "parts.xlsx").unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), std::fs::read(again).unwrap());
    let names: Vec<&str> = out.iter().map(|c| c.name.as_str()).collect();
    let wanted = columns(&names);
    let spec = ReadSpec { set_aside: &[], ..ReadSpec::new(&TABLE, InputFormat::Xlsx, &wanted) };
    let (cells, ..) = read_all(&path, &spec, 2).unwrap();
    let shown = |text: &str, c: usize| match c {
        5 => text.to_uppercase(),
        _ => text.to_owned(),
    };
    let expected: Cells = rows
        .iter()
        .map(|r| r.iter().enumerate().map(|(c, t)| t.map(|t| shown(t, c))).collect())
        .collect();
    assert_eq!(cells, expected);
    // What a sheet cannot hold is refused, without the cell.
    let long = "あ".repeat(32_768);
    for (n, (bad, code)) in [
        (row("x", Some("1000000000000000"), None, None, None, None), "C0503"),
        (row("x", None, None, Some("1899-12-31"), None, None), "C0503"),
        (row(&long, None, None, None, None, None), "C0507"),
    ]
    .into_iter()
    .enumerate()
    {
        let error = write(&[bad], &format!("bad{n}.xlsx")).unwrap_err();
        assert_eq!(error.code, code);
        assert!(!error.to_string().contains("1899") && !error.to_string().contains('あ'));
    }
}

#[test]
fn parquet_keeps_types_and_carries_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let out: Vec<OutColumn> = [
        ("名", OutType::Text),
        ("n", OutType::Integer),
        ("d", OutType::Decimal),
        ("日", OutType::Date),
        ("b", OutType::Boolean),
    ]
    .map(|(name, ty)| OutColumn { name: name.into(), ty, ranges: false })
    .to_vec();
    let source = Column::from_texts([Some("CANARY-山田-7f3a"), Some("花"), None, Some("花")]);
    let rows = Table {
        rows: 3,
        columns: vec![
            source.take(&[1, 2, 3]),
            Column::from_texts([Some("987654321012"), Some("1"), None]).take(&[1, 2, 1]),
            Column::from_texts([Some("0.1"), None, Some("-2")]),
            Column::from_texts([Some("2024-02-29"), Some("1899-12-31"), None]),
            Column::from_texts([Some("true"), None, Some("false")]),
        ],
    };
    parquet(&[rows], &out, &path);
    assert!(!parquet_read::carries_more_than_cells(&path));
    let mut found = false;
    let mut look = |bytes: &[u8]| {
        found |= bytes.windows(6).any(|w| w == b"CANARY")
            || bytes.windows(8).any(|w| w == 987_654_321_012_i64.to_le_bytes());
    };
    look(&std::fs::read(&path).unwrap());
    scan_bytes(&path, InputFormat::Parquet, &mut look).unwrap();
    assert!(!found, "a removed value was written");
    let mut seen = false;
    scan_bytes(&path, InputFormat::Parquet, &mut |bytes| {
        seen |= bytes.windows(3).any(|w| w == "花".as_bytes())
    })
    .unwrap();
    assert!(seen, "the scan does not look into the pages");

    let columns = columns(&["名", "n", "d", "日", "b"]);
    let mut spec = spec(&columns, &[]);
    spec.format = InputFormat::Parquet;
    let (cells, _, _) = read_all(&path, &spec, 10).unwrap();
    let row = |cells: [Option<&str>; 5]| cells.map(|c| c.map(str::to_owned)).to_vec();
    assert_eq!(
        cells,
        [
            row([Some("花"), Some("1"), Some("0.1"), Some("2024-02-29"), Some("true")]),
            row([None, None, None, Some("1899-12-31"), None]),
            row([Some("花"), Some("1"), Some("-2.0"), None, Some("false")]),
        ]
    );
}

#[test]
fn parquet_bytes_do_not_depend_on_how_rows_are_handed_over() {
    let folder = tempfile::tempdir().unwrap();
    let out = [OutColumn { name: "a".into(), ty: OutType::Text, ranges: false }];
    let whole = Column::from_texts((0..600_000).map(|n| Some(format!("v{}", n % 1000))));
    let part = |from: u32, to: u32| Table {
        rows: (to - from) as usize,
        columns: vec![whole.take(&(from..to).collect::<Vec<_>>())],
    };
    let (one, many) = (folder.path().join("1"), folder.path().join("2"));
    parquet(&[part(0, 600_000)], &out, &one);
    parquet(
        &[part(0, 7), part(7, 250_001), part(250_001, 599_999), part(599_999, 600_000)],
        &out,
        &many,
    );
    assert!(std::fs::read(one).unwrap() == std::fs::read(many).unwrap());
}

#[test]
fn paths_stay_inside_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("b.csv"), "x").unwrap();
    std::fs::write(folder.path().join("a.csv"), "x").unwrap();
    let found = expand(folder.path(), "*.csv").unwrap();
    assert!(found[0].ends_with("a.csv") && found.len() == 2);
    for (pattern, code) in [
        ("../*.csv", "P0302"),
        ("/etc/passwd", "P0302"),
        ("http://x/y", "P0302"),
        ("*.tsv", "D0001"),
    ] {
        assert_eq!(expand(folder.path(), pattern).unwrap_err().code, code, "{pattern}");
    }
    std::os::unix::fs::symlink("/etc/hostname", folder.path().join("c.csv")).unwrap();
    assert_eq!(expand(folder.path(), "*.csv").unwrap_err().code, "D0002");
}

#[test]
fn parquet_fixtures_are_read_like_their_csv() {
    let root = fixtures::fixture("omop");
    for name in ["visit_occurrence", "observation_period"] {
        let path = root.join(format!("{name}.csv"));
        let names = header_names(&path, InputFormat::Csv, Encoding::Utf8, b',').unwrap();
        let columns = columns(&names.iter().map(String::as_str).collect::<Vec<_>>());
        let mut spec = spec(&columns, &[]);
        spec.multiline = true;
        let (csv, _, _) = read_all(&path, &spec, 1000).unwrap();
        spec.format = InputFormat::Parquet;
        let (parquet, _, _) = read_all(&root.join(format!("{name}.parquet")), &spec, 1000).unwrap();
        assert_eq!(csv.len(), parquet.len(), "{name}");
        let number = |t: &Option<String>| t.as_ref().and_then(|t| t.parse::<f64>().ok());
        for (a, b) in csv.iter().zip(&parquet).take(200) {
            for (a, b) in a.iter().zip(b) {
                assert!(
                    a == b
                        || number(a) == number(b) && number(a).is_some()
                        || a.as_ref()
                            .zip(b.as_ref())
                            .is_some_and(|(a, b)| a.starts_with(&b[..10.min(b.len())])),
                    "{name}: another cell"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_written_is_read(rows in proptest::collection::vec(("[ -~あ髙\n\"]{0,6}", proptest::option::of("[a-z,\"\n ]{1,4}")), 0..40)) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let out = [OutColumn { name: "a,\"b".into(), ty: OutType::Text, ranges: false }, OutColumn { name: "c".into(), ty: OutType::Text, ranges: false }];
        let output = Output { formula: Formula::Keep, ..Output::default() };
        let table = Table {
            rows: rows.len(),
            columns: vec![
                Column::from_texts(rows.iter().map(|r| Some(&r.0).filter(|t| !t.is_empty()))),
                Column::from_texts(rows.iter().map(|r| r.1.as_ref())),
            ],
        };
        let mut writer = create(&path, &WriteSpec { table: &TABLE, columns: &out, output: &output, dialect: Default::default(), resources: None }).unwrap();
        writer.write(&table).unwrap();
        writer.finish().unwrap();
        let columns = columns(&["a,\"b", "c"]);
        let mut spec = spec(&columns, &[]);
        spec.multiline = true;
        let (cells, numbers, _) = read_all(&path, &spec, 7).unwrap();
        let expected: Cells = rows.iter().map(|r| vec![Some(r.0.clone()).filter(|t| !t.is_empty()), r.1.clone()]).collect();
        prop_assert_eq!(cells, expected);
        prop_assert_eq!(numbers, (1..=rows.len() as u64).collect::<Vec<_>>());
    }
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let columns = columns(&["a", "b"]);
        let mut whole = b"a,b\n".to_vec();
        whole.extend(bytes);
        let _ = read_text(&whole, &spec(&columns, &[Defect::Bytes, Defect::Ragged]));
    }
}

#[test]
fn dictionaries_are_shared_not_copied() {
    let column = Column::from_texts([Some("a"), Some("b")]);
    assert!(Arc::ptr_eq(column.dictionary(), column.take(&[1]).dictionary()));
}

/// A file that was damaged at any byte is an error of the file or reads as something else; it never ends the program, takes more
/// memory than the file can hold, or shows a panic of the library.
#[test]
fn a_damaged_parquet_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.parquet");
    let [a, b]: [Vec<String>; 2] = [
        (0..40).map(|row| format!("CANARY{}", row % 3)).collect(),
        (0..40).map(|row| row.to_string()).collect(),
    ];
    let column = |texts: &[String]| Column::from_texts(texts.iter().map(|t| Some(t.as_str())));
    let rows = Table { rows: 40, columns: vec![column(&a), column(&b)] };
    let out: Vec<OutColumn> = [("a", OutType::Text), ("b", OutType::Integer)]
        .map(|(name, ty)| OutColumn { name: name.to_owned(), ty, ranges: false })
        .into();
    parquet(&[rows], &out, &path);
    let whole = std::fs::read(&path).unwrap();
    let columns = columns(&["a", "b"]);
    let spec = ReadSpec::new(&TABLE, InputFormat::Parquet, &columns);
    assert_eq!(read_all(&path, &spec, 1000).unwrap().0.len(), 40);
    let other = folder.path().join("y.parquet");
    let mut refused = 0;
    for at in 0..whole.len() {
        for change in [0x00, 0x01, 0x7f, 0x80, 0xff] {
            let mut bytes = whole.clone();
            bytes[at] ^= change;
            if change == 0x00 {
                // Bytes that are missing.
                bytes.remove(at);
            }
            std::fs::write(&other, bytes).unwrap();
            let _ = header_names(&other, InputFormat::Parquet, Encoding::Utf8, b',');
            let _ = weight(&other, 1);
            let _ = parquet_read::scan_bytes(&other, &mut |_| {});
            if let Err(error) = read_all(&other, &spec, 1000) {
                assert!(!error.to_string().contains("CANARY"), "{error}");
                assert!(error.each().all(|e| e.code.starts_with('D')), "{error}");
                refused += 1;
            }
        }
    }
    assert!(refused > whole.len(), "{refused}");
}

/// Files that ended the program, or made the library panic or take all memory.
#[test]
#[ignore = "needs the large fixtures (KAKOU_FIXTURES): cargo test -- --ignored"]
fn damaged_files_that_were_found_are_errors() {
    let root = std::env::var_os("KAKOU_FIXTURES").expect("KAKOU_FIXTURES");
    let root = Path::new(&root);
    let list = std::fs::read_dir(root.join("parquet-damaged")).expect("KAKOU_FIXTURES");
    for path in
        list.map(|e| e.unwrap().path()).filter(|p| p.extension().is_some_and(|e| e == "parquet"))
    {
        let read =
            header_names(&path, InputFormat::Parquet, Encoding::Utf8, b',').and_then(|names| {
                let columns = columns(&names.iter().map(String::as_str).collect::<Vec<_>>());
                read_all(&path, &ReadSpec::new(&TABLE, InputFormat::Parquet, &columns), 1000)
            });
        assert_eq!(read.unwrap_err().code, "D0020", "{}", path.display());
    }
}
