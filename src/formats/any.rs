//! Any CSV or Parquet file, or sheet, as columns of text: ours or another tool's, without a policy.

use std::path::Path;

use rayon::prelude::*;

use super::format::{Look, reader};
use super::{ColumnSpec, ReadSpec, header, open_cells};
use crate::error::{Error, Name, Result};
use crate::frame::{Column, Interner, MISSING, Table};
use crate::say;
use crate::schema::file::{Encoding, Holds, InputFormat, LineEnds, Quotes};

/// Rows a batch.
const BATCH: usize = 1 << 18;

/// How a file is to be read, where the file does not say it itself.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// Field separator of CSV; by default the one of comma, semicolon, TAB and bar that splits the first record most.
    pub delimiter: Option<u8>,
    /// The first record of CSV is data: columns are named `1`, `2`, ….
    pub no_header: bool,
    /// Texts that mean "missing", besides the empty cell.
    pub missing: Vec<String>,
    /// Whether a name that stands twice is numbered; otherwise such a file is refused when it is read.
    pub number_repeats: bool,
    /// The sheet of a workbook; by default the only one that has cells.
    pub sheet: Option<String>,
}

/// How a text is written beside its encoding and separator, found from its beginning.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Habits {
    /// A byte order mark of UTF-8 stands before it.
    pub mark: bool,
    /// How its lines end.
    pub ends: LineEnds,
    /// Which cells are quoted.
    pub quotes: Quotes,
}

/// Finds out how a text is written; none if it cannot be read or its characters hide separators.
#[must_use]
pub fn habits(path: &Path, shape: &Shape) -> Option<Habits> {
    use std::io::Read as _;
    if matches!(shape.encoding, Encoding::Utf16 | Encoding::Iso2022Jp) {
        return None;
    }
    let mut head = Vec::new();
    let text = super::packed::open(path, &Name::fixed("input")).ok()?;
    text.take(1 << 18).read_to_end(&mut head).ok()?;
    let mark = head.starts_with(b"\xef\xbb\xbf");
    let head = if mark { &head[3..] } else { &head };
    let (ends, quotes) = super::csv_read::habits(head, shape.delimiter);
    Some(Habits { mark, ends, quotes })
}

/// What a file is, found from its first record.
#[derive(Clone, Debug)]
pub struct Shape {
    /// CSV or Parquet.
    pub format: InputFormat,
    /// Text encoding of CSV: ISO-2022-JP where its escapes are, UTF-8, or CP932 where the bytes are not UTF-8.
    pub encoding: Encoding,
    /// Field separator of CSV.
    pub delimiter: u8,
    /// The columns. They come from data and must be shown to the user of the file only.
    pub names: Vec<String>,
    /// Whether the names look like data (numbers, empty, twice the same): a file without a header?
    pub names_look_like_data: bool,
    /// Lines above the names that are no part of the table.
    pub skip_lines: u32,
    /// Whether a name stands twice: the second is numbered here.
    pub repeats: bool,
}

/// Finds out what a file is.
///
/// # Errors
/// I/O, or an empty or damaged file.
pub fn shape(path: &Path, hints: &Hints) -> Result<Shape> {
    let format = super::recognized(path);
    let holds = format.facts().holds;
    if matches!(holds, Holds::Table | Holds::Sheets) {
        let sheet = hints.sheet.as_deref();
        let look = Look { encoding: Encoding::Utf8, delimiter: b',', sheet };
        let (names, skip_lines) = reader(format).names(path, &look)?;
        let mut numbered = names.clone();
        header::numbered(&mut numbered);
        let sheet = holds == Holds::Sheets;
        return Ok(Shape {
            format,
            encoding: Encoding::Utf8,
            delimiter: b',',
            repeats: hints.number_repeats && numbered != names,
            names_look_like_data: sheet && !hints.no_header && look_like_data(&names),
            names: shown(hints, names, numbered),
            skip_lines,
        });
    }
    let candidates = match hints.delimiter {
        Some(delimiter) => vec![delimiter],
        None => vec![b',', b';', b'\t', b'|'],
    };
    let mut best: Option<(Encoding, u8, u32, Vec<String>)> = None;
    let mut failed = None;
    let first = if super::is_utf_16(path) {
        Encoding::Utf16
    } else if super::is_iso_2022_jp(path) {
        Encoding::Iso2022Jp
    } else {
        Encoding::Utf8
    };
    for encoding in [first, Encoding::Cp932] {
        for &delimiter in &candidates {
            // In CP932 a bar can be half of a character.
            if encoding == Encoding::Cp932 && delimiter >= 0x40 {
                continue;
            }
            match super::csv_read::header_found(path, encoding, delimiter) {
                Ok((skip, names)) if best.as_ref().is_none_or(|b| names.len() > b.3.len()) => {
                    best = Some((encoding, delimiter, skip, names));
                }
                Ok(_) => {}
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if best.is_some() {
            break;
        }
    }
    let Some((encoding, delimiter, skip_lines, names)) = best else {
        return Err(failed.unwrap_or_else(|| {
            Error::data("D0016", say!("the header line cannot be split into columns"))
        }));
    };
    let names_look_like_data = !hints.no_header && look_like_data(&names);
    let mut numbered = names.clone();
    header::numbered(&mut numbered);
    let repeats = hints.number_repeats && numbered != names;
    let names = shown(hints, names, numbered);
    let skip_lines = if hints.no_header { 0 } else { skip_lines };
    Ok(Shape {
        format: InputFormat::Csv,
        encoding,
        delimiter,
        names,
        names_look_like_data,
        skip_lines,
        repeats,
    })
}

fn shown(hints: &Hints, names: Vec<String>, numbered: Vec<String>) -> Vec<String> {
    match (hints.no_header, hints.number_repeats) {
        (true, _) => (1..=names.len()).map(|n| n.to_string()).collect(),
        (false, true) => numbered,
        (false, false) => names,
    }
}

/// Whether names look like cells of a row.
fn look_like_data(names: &[String]) -> bool {
    let mut before = hashbrown::HashSet::new();
    let data = names
        .iter()
        .filter(|n| !before.insert(n.as_str()) || n.is_empty() || n.parse::<f64>().is_ok())
        .count();
    // One date or patient's number among the names is enough: no header has one.
    let record = |name: &str| {
        let digits = name.bytes().filter(u8::is_ascii_digit).count();
        digits >= 5 && name.bytes().all(|b| b.is_ascii_digit() || b"-/:. T".contains(&b))
    };
    data * 2 >= names.len().max(1) || names.iter().any(|n| record(n))
}

/// Reads the columns with the given numbers, in that order. `name` stands for the file in errors.
///
/// # Errors
/// I/O, or a defect of the file; the first one ends the reading.
pub fn read(
    path: &Path,
    name: &Name,
    shape: &Shape,
    hints: &Hints,
    wanted: &[usize],
) -> Result<Table> {
    encoded(path, name, shape, hints, wanted, None).map(|(_, table)| table)
}

/// As [`read`], but at most the first `rows` rows; with the encoding that the cells turned out to have.
///
/// # Errors
/// As [`read`].
pub fn first(
    path: &Path,
    name: &Name,
    shape: &Shape,
    hints: &Hints,
    wanted: &[usize],
    rows: usize,
) -> Result<(Encoding, Table)> {
    encoded(path, name, shape, hints, wanted, Some(rows))
}

fn encoded(
    path: &Path,
    name: &Name,
    shape: &Shape,
    hints: &Hints,
    wanted: &[usize],
    most: Option<usize>,
) -> Result<(Encoding, Table)> {
    match whole(path, name, shape, hints, wanted, most) {
        Ok(table) => Ok((shape.encoding, table)),
        // The header was plain, the cells are not: the file is in CP932 after all.
        Err(error)
            if shape.encoding == Encoding::Utf8
                && error.code == "D0103"
                && shape.delimiter < 0x40 =>
        {
            let shape = Shape { encoding: Encoding::Cp932, ..shape.clone() };
            whole(path, name, &shape, hints, wanted, most)
                .map(|table| (shape.encoding, table))
                .map_err(|_| error)
        }
        Err(error) => Err(error),
    }
}

fn whole(
    path: &Path,
    name: &Name,
    shape: &Shape,
    hints: &Hints,
    wanted: &[usize],
    most: Option<usize>,
) -> Result<Table> {
    let columns: Vec<ColumnSpec> = shape
        .names
        .iter()
        .map(|n| ColumnSpec {
            missing: hints.missing.clone(),
            ..ColumnSpec::text(Name::from_policy(n.clone()))
        })
        .collect();
    let spec = ReadSpec {
        encoding: shape.encoding,
        delimiter: shape.delimiter,
        header: !hints.no_header,
        skip_lines: shape.skip_lines,
        number_repeats: shape.repeats,
        sheet: hints.sheet.as_deref(),
        set_aside: &[crate::schema::file::Defect::Blank],
        multiline: true,
        trim: true,
        ..ReadSpec::new(name, shape.format, &columns)
    };
    let mut reader = open_cells(path, &spec)?;
    let mut next = move |rows| -> Result<Option<Table>> {
        Ok(reader.next(rows)?.map(|batch| Table {
            rows: batch.table.rows,
            columns: wanted.iter().map(|&c| batch.table.columns[c].clone()).collect(),
        }))
    };
    let mut whole: Vec<Whole> = wanted.iter().map(|_| Whole::default()).collect();
    let mut rows = 0;
    let mut add = |batch: Table| {
        rows += batch.rows;
        whole.par_iter_mut().zip(batch.columns).for_each(|(whole, column)| whole.add(&column));
    };
    if let Some(most) = most {
        next(most)?.into_iter().for_each(add);
    } else {
        // A batch is read while the one before is taken in.
        std::thread::scope(|scope| {
            let (send, receive) = std::sync::mpsc::sync_channel(1);
            let reading = scope.spawn(move || -> Result<()> {
                while let Some(batch) = next(BATCH)? {
                    if send.send(batch).is_err() {
                        break;
                    }
                }
                Ok(())
            });
            receive.iter().for_each(&mut add);
            reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })?;
    }
    Ok(Table { rows, columns: whole.into_iter().map(Whole::finish).collect() })
}

/// A column that grows batch by batch.
#[derive(Default)]
struct Whole {
    codes: Vec<u32>,
    texts: Interner,
}

impl Whole {
    fn add(&mut self, part: &Column) {
        let mut map = vec![MISSING; part.dictionary().len()];
        self.codes.reserve(part.len());
        for &code in part.codes() {
            self.codes.push(match code {
                MISSING => MISSING,
                _ => {
                    let slot = &mut map[code as usize];
                    if *slot == MISSING {
                        *slot = self.texts.intern(part.dictionary().text(code));
                    }
                    *slot
                }
            });
        }
    }
    fn finish(self) -> Column {
        Column::new(self.codes, std::sync::Arc::new(self.texts.finish()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path)
    }

    fn cells(path: &Path, hints: &Hints) -> (Shape, Vec<Vec<Option<String>>>) {
        let shape = shape(path, hints).unwrap();
        let wanted: Vec<usize> = (0..shape.names.len()).collect();
        let table = read(path, &Name::fixed("f"), &shape, hints, &wanted).unwrap();
        let columns = table
            .columns
            .iter()
            .map(|c| c.cells().map(|t| t.map(str::to_owned)).collect())
            .collect();
        (shape, columns)
    }

    #[test]
    fn separators_and_headers_are_found() {
        for (name, text, delimiter) in [
            ("a.csv", "x,y\n1,\n2,b\n", b','),
            ("a.csv", "x;y\n1;NA\n2;b\n", b';'),
            ("a.txt", "x\ty\n1\tNA\n2\tb\n", b'\t'),
            ("a.csv", "x|y\n1|NA\n2|b\n", b'|'),
        ] {
            let (_folder, path) = file(name, text.as_bytes());
            let hints = Hints { missing: vec!["NA".to_owned()], ..Hints::default() };
            let (shape, columns) = cells(&path, &hints);
            assert_eq!(
                (shape.delimiter, shape.names.as_slice()),
                (delimiter, &["x".to_owned(), "y".to_owned()][..])
            );
            assert_eq!(columns[1], [None, Some("b".to_owned())]);
            assert!(!shape.names_look_like_data);
        }
        let (_folder, path) = file("a.csv", b"1,2\n3,4\n");
        let (shape, columns) = cells(&path, &Hints { no_header: true, ..Hints::default() });
        assert_eq!((shape.names, columns[0].len()), (vec!["1".to_owned(), "2".to_owned()], 2));
        assert!(super::shape(&path, &Hints::default()).unwrap().names_look_like_data);
    }

    #[test]
    fn habits_of_writers_are_found() {
        use {LineEnds::*, Quotes::*};
        for (text, found) in [
            ("a,b\n1,x\n", (false, Lf, Needed)),
            ("a,b\r\n1,\"x,y\"\r\n", (false, Crlf, Needed)),
            ("\u{feff}\"a\",\"b\"\r\n\"1\",\"x\"\r\n", (true, Crlf, All)),
            ("\"a\",\"b\"\n1,\"x\"\n2,\n", (false, Lf, Text)),
            ("a,\"b\"\n1,x\n", (false, Lf, Needed)),
        ] {
            let (_folder, path) = file("a.csv", text.as_bytes());
            let shape = shape(&path, &Hints::default()).unwrap();
            let habits = super::habits(&path, &shape).unwrap();
            assert_eq!((habits.mark, habits.ends, habits.quotes), found, "{text}");
        }
    }

    #[test]
    fn cp932_is_found_by_its_bytes() {
        let (text, _, _) = encoding_rs::SHIFT_JIS.encode("id,氏名\n1,山田\n");
        let (_folder, path) = file("a.csv", &text);
        let (shape, columns) = cells(&path, &Hints::default());
        assert_eq!(shape.encoding, Encoding::Cp932);
        assert_eq!(columns[1], [Some("山田".to_owned())]);
        let (text, _, _) = encoding_rs::SHIFT_JIS.encode("id,name\n1,山田\n");
        let (_folder, path) = file("a.csv", &text);
        assert_eq!(cells(&path, &Hints::default()).1[1], [Some("山田".to_owned())]);
        let (text, _, _) = encoding_rs::ISO_2022_JP.encode("id;氏名\n1;山田、花\n");
        let (_folder, path) = file("a.csv", &text);
        let (shape, columns) = cells(&path, &Hints::default());
        assert_eq!((shape.encoding, shape.delimiter), (Encoding::Iso2022Jp, b';'));
        assert_eq!(columns[1], [Some("山田、花".to_owned())]);
        let (_folder, path) = file("a.csv", b"");
        assert!(super::shape(&path, &Hints::default()).is_err());
    }
}
