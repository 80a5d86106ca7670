//! The receipt file of a release, read again with the reader of receipts and compared with the released tables: line for
//! line and day for day, no code of what put it together is used. What holds of the tables holds of the file then.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Name, Result, Said};
use crate::formats::{self, ColumnSpec, ReadSpec, uke};
use crate::frame::{Column, MISSING};
use crate::plan::Plan;
use crate::policy::model::{Encoding, InputFormat, Unencodable};
use crate::recount::Cells;
use crate::say;
use crate::schema::Kind;
use crate::structure::Structure;
use crate::text::date;

/// A receipt file that belongs to a release.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ReceiptShape {
    /// The file, relative to the release folder.
    pub file: String,
    /// Tables of the structure with their record types.
    pub tables: Vec<(usize, String)>,
    /// What stands for a character that CP932 lacks.
    pub unencodable: Unencodable,
}

/// A receipt file as it was recounted.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptRecount {
    /// Its receipts.
    pub receipts: u64,
    /// Its lines, header and end record included.
    pub lines: u64,
    /// The sum of the points of its health insurance records.
    pub points: u64,
}

impl ReceiptShape {
    /// The receipt file of a plan. `place` gives the index of a plan's table in the structure.
    #[must_use]
    pub fn of(plan: &Plan, kind: Kind, place: &[Option<usize>]) -> Option<ReceiptShape> {
        let receipts = plan.receipts.as_ref().filter(|_| kind == Kind::Pseudonymized)?;
        Some(ReceiptShape {
            file: format!("{}/{}", kind.word(), receipts.file),
            tables: receipts
                .tables
                .iter()
                .filter_map(|(t, record)| Some((place[*t]?, record.clone())))
                .collect(),
            unencodable: plan.output.unencodable,
        })
    }
}

/// Fields of a receipt's head that count for the whole receipt: in one of its months only.
const COUNTS: [&str; 3] = ["診療実日数", "合計点数", "処方箋受付回数"];
const MONTHS: [&str; 3] = ["診療年月", "調剤年月", "指定訪問看護年月"];
const NUMBER: &str = "レセプト番号";

type Month = (i32, u8);
type Row = Vec<Option<String>>;

fn wrong(what: Said) -> Error {
    Error::refused("C0207", what)
}

fn broken() -> Error {
    Error::data("D0901", say!("the record's description of the release does not fit its tables"))
}

fn month_of(text: Option<&str>) -> Option<Month> {
    let when = date::parse(text?)?;
    when.month.map(|month| (when.year, month))
}

/// A table of the release as rows of texts.
struct Released<'a> {
    names: Vec<&'a str>,
    cells: &'a Cells,
}

impl Released<'_> {
    fn at(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| *n == name)
    }
    fn cell(&self, column: Option<usize>, row: usize) -> Option<&str> {
        let column = column?;
        match self.cells.columns[column][row] {
            MISSING => None,
            code => Some(self.cells.texts[column].dictionary().text(code)),
        }
    }
}

/// What a receipt of the release must have become: its numbers in the file with their months.
struct Receipt {
    parts: Vec<(String, Option<Month>)>,
    /// Whether it has days in several months, or in another one than its own.
    moved: bool,
}

/// Reads the receipt file and compares it with the tables. Gives the digest of the bytes that were read, too.
///
/// # Errors
/// The first thing in which they differ; a file that is no receipt file.
pub fn recount(
    folder: &Path,
    structure: &Structure,
    shape: &ReceiptShape,
    tables: &[Cells],
) -> Result<(ReceiptRecount, [u8; 32])> {
    let path = folder.join(&shape.file);
    let mut released: BTreeMap<&'static str, (Released<'_>, &'static uke::Record)> =
        BTreeMap::new();
    let mut form: Option<&'static uke::Form> = None;
    let mut person = None;
    for (t, record) in &shape.tables {
        let of = structure.tables.get(*t).ok_or_else(broken)?;
        let name = Name::from_policy(of.name.clone());
        let (own, kind, layout) = uke::record(&name, Some(record))?;
        form = Some(own);
        if kind == "RE" {
            person = of.columns.get(of.person).map(|c| c.name.as_str());
        }
        let names = of.columns.iter().map(|c| c.name.as_str()).collect();
        let cells = tables.get(*t).ok_or_else(broken)?;
        released.insert(kind, (Released { names, cells }, layout));
    }
    let (form, person) = form.zip(person).ok_or_else(broken)?;
    let prefix = shape
        .tables
        .first()
        .and_then(|(_, record)| record.split_once('/'))
        .map_or(String::new(), |(form, _)| format!("{form}/"));
    let expected = expected(&released, person)?;
    let by_number: HashMap<&str, (&str, Option<Month>)> = expected
        .iter()
        .flat_map(|(token, r)| r.parts.iter().map(|(n, m)| (n.as_str(), (token.as_str(), *m))))
        .collect();
    let moved: BTreeMap<&str, &Receipt> = expected.iter().map(|(t, r)| (t.as_str(), r)).collect();
    let against = Against { shape, expected: &expected, by_number, moved };
    let mut seen = ReceiptRecount { receipts: 0, lines: 0, points: 0 };
    let mut told_end: Row = Vec::new();
    let mut digest = [0; 32];
    for (kind, layout) in &form.records {
        let (file, sha3_256) = Filed::read(&path, &prefix, form, kind, layout)?;
        digest = sha3_256;
        let table = released.get(kind.as_str()).map(|(r, _)| r);
        seen.lines += file.lines();
        if file.plain {
            if file.rows != 1 && table.is_none() {
                return Err(file.differs("its one record"));
            }
            if kind == "GO" {
                told_end = (0..file.names.len())
                    .map(|c| file.cell(Some(c), 0).map(str::to_owned))
                    .collect();
            }
            file.fields(table, shape)?;
            continue;
        }
        let Some(table) = table else {
            if file.rows > 0 {
                return Err(file.differs("records that no table holds"));
            }
            continue;
        };
        against.lines(&file, table, &mut seen)?;
    }
    if !released.contains_key("GO") {
        let told = |at: usize| told_end.get(at).and_then(|t| t.as_ref()?.parse::<u64>().ok());
        if told(0) != Some(seen.receipts) || told(1) != Some(seen.points) {
            return Err(wrong(say!(
                "the receipt file: its GO record does not count what is there"
            )));
        }
    }
    if seen.receipts != against.by_number.len() as u64 {
        return Err(wrong(say!(
            "the receipt file: {} receipts instead of {}",
            seen.receipts,
            against.by_number.len()
        )));
    }
    Ok((seen, digest))
}

/// The records of one type as they stand in the file.
struct Filed<'a> {
    kind: &'a str,
    layout: &'a uke::Record,
    names: Vec<String>,
    columns: Vec<Column>,
    rows: usize,
    /// Whether it belongs to the whole file, not to a receipt.
    plain: bool,
}

impl<'a> Filed<'a> {
    /// Gives the digest of the bytes that were read, too.
    fn read(
        path: &Path,
        prefix: &str,
        form: &uke::Form,
        kind: &'a str,
        layout: &'a uke::Record,
    ) -> Result<(Self, [u8; 32])> {
        let plain = form.begins_with(kind) || kind == "GO";
        let mut names: Vec<String> = layout.columns.clone();
        if !plain {
            names.push(uke::SEQUENCE.to_owned());
            if kind != "RE" {
                names.push(format!("RE.{NUMBER}"));
            }
        }
        if layout.days {
            names.extend([uke::DAY.to_owned(), uke::TIMES.to_owned()]);
        }
        let (columns, sha3_256) = read(path, &format!("{prefix}{kind}"), &names)?;
        let rows = columns.first().map_or(0, |c| c.codes().len());
        Ok((Filed { kind, layout, names, columns, rows, plain }, sha3_256))
    }

    fn differs(&self, what: &'static str) -> Error {
        wrong(say!(
            "the receipt file and the tables differ: {}, {}",
            Name::from_policy(self.kind),
            what
        ))
    }

    fn at(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }

    fn cell(&self, column: Option<usize>, row: usize) -> Option<&str> {
        self.columns[column?].text(row)
    }

    /// How many lines it has in the file: a line with several days is one line.
    fn lines(&self) -> u64 {
        let (at, cell) = (|name: &str| self.at(name), |column, row| self.cell(column, row));
        let mut lines: BTreeSet<(&str, &str)> = BTreeSet::new();
        for row in 0..self.rows {
            let number = cell(at(&format!("RE.{NUMBER}")).or_else(|| at(NUMBER)), row);
            lines.insert((
                number.unwrap_or_default(),
                cell(at(uke::SEQUENCE), row).unwrap_or_default(),
            ));
        }
        if self.plain { self.rows as u64 } else { lines.len() as u64 }
    }

    /// Compares the fields of records that belong to the whole file.
    fn fields(&self, table: Option<&Released<'_>>, shape: &ReceiptShape) -> Result<()> {
        let Filed { kind, layout, names, rows, .. } = self;
        match table {
            None if *kind != "GO" && (0..names.len()).any(|c| self.cell(Some(c), 0).is_some()) => {
                return Err(self.differs("a field that no table holds"));
            }
            None => {}
            Some(table) => {
                let own = own_fields(table, layout);
                let mut here: Vec<Row> =
                    (0..*rows).map(|row| texts(&own, |n| self.cell(self.at(n), row))).collect();
                let mut there: Vec<Row> = (0..table.cells.rows as usize)
                    .map(|row| fitted(texts(&own, |n| table.cell(table.at(n), row)), shape))
                    .collect::<Result<_>>()?;
                here.sort();
                there.sort();
                if here != there {
                    return Err(self.differs("fields"));
                }
            }
        }
        Ok(())
    }
}

/// Rows by content, counts of the head apart: (receipt or its part, fields), with how often they occur.
type Contents = HashMap<(String, Row), u64>;
/// What is told once a receipt: the receipt, the field and its text.
type Counts<'a> = Vec<(String, &'a str, String)>;

/// What the lines of receipts are held against.
struct Against<'a> {
    shape: &'a ReceiptShape,
    expected: &'a [(String, Receipt)],
    /// By its number in the file: the receipt of the tables, and the month.
    by_number: HashMap<&'a str, (&'a str, Option<Month>)>,
    moved: BTreeMap<&'a str, &'a Receipt>,
}

impl Against<'_> {
    /// Compares the lines of a record type with their table, and counts receipts and points.
    fn lines(
        &self,
        file: &Filed<'_>,
        table: &Released<'_>,
        seen: &mut ReceiptRecount,
    ) -> Result<()> {
        let own = own_fields(table, file.layout);
        let days = file.layout.days && table.at(uke::DAY).is_some();
        let mut counts: [Counts<'_>; 2] = [Vec::new(), Vec::new()];
        let here = self.in_file(file, (&own, days), &mut counts[0], seen)?;
        let there = self.in_table(file, table, (&own, days), &mut counts[1])?;
        if here != there {
            return Err(file.differs("what its lines hold"));
        }
        let [mut here, mut there] = counts;
        here.sort();
        there.sort();
        if here != there {
            return Err(file.differs("days and points of a receipt"));
        }
        if file.kind == "HO" {
            let points = here.iter().filter(|(_, name, _)| *name == "合計点数");
            seen.points = points.filter_map(|(_, _, text)| text.parse::<u64>().ok()).sum();
        }
        Ok(())
    }

    /// What the lines of the file hold.
    fn in_file<'t>(
        &self,
        file: &Filed<'_>,
        (own, days): (&[&'t str], bool),
        counts: &mut Counts<'t>,
        seen: &mut ReceiptRecount,
    ) -> Result<Contents> {
        let Filed { kind, layout, names, .. } = file;
        let (at, cell) = (|name: &str| file.at(name), |column, row| file.cell(column, row));
        let differs = |what| file.differs(what);
        let mut here = Contents::new();
        let mut next = self.expected.iter().flat_map(|(_, r)| &r.parts);
        for row in 0..file.rows {
            let number = match *kind {
                "RE" => cell(at(NUMBER), row),
                _ => cell(at(&format!("RE.{NUMBER}")), row),
            };
            let number = number.ok_or_else(|| differs("a receipt without a number"))?;
            let &(token, month) = self
                .by_number
                .get(number)
                .ok_or_else(|| differs("a receipt that no table holds"))?;
            if *kind == "RE" {
                seen.receipts += 1;
                if next.next().map(|(n, _)| n.as_str()) != Some(number) {
                    return Err(differs("the order of receipts"));
                }
                let told = MONTHS.iter().find_map(|m| cell(at(m), row));
                if month.is_some() && month_of(told) != month {
                    return Err(differs("the month of a receipt"));
                }
            }
            let given = |name: &str| {
                own.contains(&name) || name == NUMBER || *kind == "RE" && MONTHS.contains(&name)
            };
            if (0..layout.columns.len()).any(|c| !given(&names[c]) && cell(Some(c), row).is_some())
            {
                return Err(differs("a field that the table does not hold"));
            }
            let split = self.moved.get(token).is_some_and(|r| r.moved);
            let day = cell(at(uke::DAY).filter(|_| days), row);
            if let (Some(day), Some(month)) = (day, month)
                && month_of(Some(day)) != Some(month)
            {
                return Err(differs("a day in another month than its receipt's"));
            }
            let mut fields = texts(own, |n| cell(at(n), row));
            mask(own, layout.head, split, &mut fields, token, counts);
            fields.extend(day_fields(days, day, cell(at(uke::TIMES), row)));
            // A record of the head is repeated in every part of its receipt.
            let place = if layout.head { number } else { token };
            *here.entry((place.to_owned(), fields)).or_default() += 1;
        }
        Ok(here)
    }

    /// What the rows of the table must have become.
    fn in_table<'t>(
        &self,
        file: &Filed<'_>,
        table: &Released<'_>,
        (own, days): (&[&'t str], bool),
        counts: &mut Counts<'t>,
    ) -> Result<Contents> {
        let head = file.layout.head;
        let mut there = Contents::new();
        for row in 0..table.cells.rows as usize {
            let number = table.at(NUMBER).filter(|_| file.kind == "RE");
            let number = number.or_else(|| table.at(&format!("RE.{NUMBER}")));
            let token =
                table.cell(number, row).ok_or_else(|| file.differs("a row without its receipt"))?;
            let split = self.moved.get(token).is_some_and(|r| r.moved);
            let day = table.cell(table.at(uke::DAY).filter(|_| days), row);
            let mut fields = fitted(texts(own, |n| table.cell(table.at(n), row)), self.shape)?;
            mask(own, head, split, &mut fields, token, counts);
            let times = table.cell(table.at(uke::TIMES), row);
            fields.extend(day_fields(days, day, times));
            let parts = self.moved.get(token).map_or(&[][..], |r| &r.parts);
            if head {
                for (number, _) in parts {
                    *there.entry((number.clone(), fields.clone())).or_default() += 1;
                }
            } else {
                *there.entry((token.to_owned(), fields)).or_default() += 1;
            }
        }
        Ok(there)
    }
}

/// The receipts of the tables, in the order of the file: by person, month and token; a receipt with days in several months
/// is one receipt a month. They are numbered anew if their numbers are none, or one was divided.
fn expected(
    released: &BTreeMap<&'static str, (Released<'_>, &'static uke::Record)>,
    person: &str,
) -> Result<Vec<(String, Receipt)>> {
    let (re, _) = released.get("RE").ok_or_else(broken)?;
    let mut months: HashMap<&str, BTreeSet<Month>> = HashMap::new();
    for (table, _) in released.values().filter(|(_, record)| record.days) {
        let (number, day) = (table.at(&format!("RE.{NUMBER}")), table.at(uke::DAY));
        for row in 0..table.cells.rows as usize {
            if let (Some(number), Some(month)) =
                (table.cell(number, row), month_of(table.cell(day, row)))
            {
                months.entry(number).or_default().insert(month);
            }
        }
    }
    let (number, person) = (re.at(NUMBER), re.at(person));
    let own = MONTHS.iter().find_map(|m| re.at(m));
    let mut order = Vec::with_capacity(re.cells.rows as usize);
    for row in 0..re.cells.rows as usize {
        let token = re.cell(number, row).ok_or_else(broken)?;
        let when = date::parse(re.cell(own, row).unwrap_or_default()).map(|w| (w.year, w.month));
        order.push((
            re.cell(person, row).unwrap_or_default(),
            when,
            token,
            month_of(re.cell(own, row)),
        ));
    }
    order.sort();
    let none = BTreeSet::new();
    let total: usize = order.iter().map(|o| months.get(o.2).unwrap_or(&none).len().max(1)).sum();
    let small = |t: &str| t.len() <= 6 && t.bytes().all(|b| b.is_ascii_digit());
    let anew = total != order.len() || !order.iter().all(|o| small(o.2));
    let mut at = 0;
    let mut expected = Vec::new();
    for (_, _, token, own) in order {
        let in_file = months.get(token).unwrap_or(&none);
        let months: Vec<Option<Month>> = if in_file.is_empty() {
            vec![own]
        } else {
            in_file.iter().copied().map(Some).collect()
        };
        let moved = months.len() > 1 || months[0] != own;
        let parts = months
            .into_iter()
            .map(|month| {
                at += 1;
                (if anew { at.to_string() } else { token.to_owned() }, month)
            })
            .collect();
        expected.push((token.to_owned(), Receipt { parts, moved }));
    }
    Ok(expected)
}

/// The released columns that are fields of the record, but for the receipt's number.
fn own_fields<'a>(table: &Released<'a>, layout: &uke::Record) -> Vec<&'a str> {
    let field = |n: &&&str| layout.columns.iter().any(|c| c == **n) && **n != NUMBER;
    table.names.iter().filter(field).copied().collect()
}

fn texts<'a>(names: &[&str], cell: impl Fn(&str) -> Option<&'a str>) -> Row {
    names.iter().map(|n| cell(n).map(str::to_owned)).collect()
}

fn day_fields(days: bool, day: Option<&str>, times: Option<&str>) -> Vec<Option<String>> {
    match (days, day) {
        (true, Some(day)) => {
            let when = date::parse(day).map(|w| format!("{}-{:?}-{:?}", w.year, w.month, w.day));
            vec![when, Some(times.unwrap_or("1").to_owned())]
        }
        _ => Vec::new(),
    }
}

/// Takes out what is told once a receipt, and the month of a receipt whose days moved.
fn mask<'a>(
    own: &[&'a str],
    head: bool,
    moved: bool,
    fields: &mut Row,
    token: &str,
    counts: &mut Vec<(String, &'a str, String)>,
) {
    for (name, field) in own.iter().zip(fields.iter_mut()) {
        if head && COUNTS.contains(name) {
            counts.extend(field.take().map(|text| (token.to_owned(), *name, text)));
        } else if moved && MONTHS.contains(name) {
            *field = None;
        }
    }
}

/// The texts as CP932 holds them.
fn fitted(row: Row, shape: &ReceiptShape) -> Result<Row> {
    row.into_iter()
        .map(|text| match text {
            Some(text) => formats::fitted(&text, Encoding::Cp932, shape.unencodable)
                .map(|t| Some(t).filter(|t| !t.is_empty()))
                .ok_or_else(|| {
                    wrong(say!("the receipt file and the tables differ: a character CP932 lacks"))
                }),
            None => Ok(None),
        })
        .collect()
}

/// The columns of a record type, with the digest of the file.
fn read(path: &Path, record: &str, names: &[String]) -> Result<(Vec<Column>, [u8; 32])> {
    let name = Name::fixed("receipt file");
    let columns: Vec<ColumnSpec> =
        names.iter().map(|n| ColumnSpec::text(Name::from_policy(n.clone()))).collect();
    let spec = ReadSpec {
        encoding: Encoding::Cp932,
        header: false,
        record: Some(record),
        ..ReadSpec::new(&name, InputFormat::Uke, &columns)
    };
    let mut reader = formats::open(path, &spec)?;
    let mut parts = Vec::new();
    while let Some(batch) = reader.next(1 << 18)? {
        parts.push(batch.table);
    }
    let columns = (0..names.len())
        .map(|c| Column::concat(&parts.iter().map(|p| &p.columns[c]).collect::<Vec<_>>()))
        .collect();
    Ok((columns, reader.facts().sha3_256))
}
