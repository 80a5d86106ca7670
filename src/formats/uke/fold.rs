//! From tables back to a receipt file: days into their 31 fields, lines into their receipts, and a receipt whose days have moved
//! into another month into one receipt a month.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashMap;

use super::pack::{Form, Record};
use super::{DAY, MONTHS, SEQUENCE, TIMES};
use crate::Written;
use crate::encode::{Lacking, fit, put};
use crate::error::{Error, Name, Result};
use crate::frame::Table;
use crate::say;
use crate::schema::file::{Encoding, Output};
use crate::text::date;

/// The rows of one record type, as the reader gives them or as a release holds them.
#[derive(Clone, Debug)]
pub struct Records {
    /// The record type (`SI`).
    pub kind: String,
    /// The names of the columns.
    pub names: Vec<String>,
    /// The rows.
    pub table: Table,
}

impl Records {
    fn at(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|n| n == name)
    }
    fn cell(&self, at: Option<usize>, row: usize) -> Option<&str> {
        self.table.columns[at?].text(row)
    }
}

/// One line of a receipt before it is written.
struct Line {
    sequence: u64,
    records: usize,
    row: usize,
    /// Year, month, day, what stands there.
    days: Vec<(i32, u8, u8, String)>,
}

type Month = (i32, u8);

fn unusable(what: crate::error::Said) -> Error {
    Error::data("D0320", what)
}

/// Writes a receipt file. Receipts come in the order of the `RE` rows, lines by `レセプト内行番号`; fields that the tables do not
/// have stay empty. Without `IR` (`YK`) or `GO` rows these records are made: the header with the type alone, `GO` with the number of
/// receipts and the sum of their points.
///
/// If a receipt has days in several months, its head (`head = true` in the layout) is repeated for each, with the month as 診療年月 and
/// without points and days in the later ones; a line without days goes with the line before it. Receipts are numbered anew when
/// their numbers are no longer numbers (tokens) or a receipt was divided.
///
/// # Errors
/// Tables without the columns that tie them (`RE.レセプト番号`, `レセプト内行番号`), a comma or line break in a cell, a
/// character that CP932 lacks where `output.unencodable` is `fail`.
pub fn fold(form: &Form, tables: &[Records], output: &Output) -> Result<(Vec<u8>, Written)> {
    let Some(re) = tables.iter().position(|t| t.kind == "RE") else {
        return Err(unusable(say!("a receipt file needs the table of RE records")));
    };
    let number_at = tables[re].at("レセプト番号");
    let mut order: Vec<&str> = Vec::new();
    let mut receipts: HashMap<&str, Vec<Line>> = HashMap::new();
    for row in 0..tables[re].table.rows {
        let Some(id) = tables[re].cell(number_at, row) else {
            return Err(unusable(say!(
                "RE, row {}: the column `レセプト番号` is not there or empty",
                row + 1
            )));
        };
        let first = Line { sequence: 1, records: re, row, days: Vec::new() };
        if receipts.insert(id, vec![first]).is_some() {
            return Err(unusable(say!("RE, row {}: two receipts have one number", row + 1)));
        }
        order.push(id);
    }
    for (index, records) in tables.iter().enumerate() {
        let Some(layout) = form.records.get(&records.kind) else {
            return Err(unusable(say!("table {}: not a record type of this form", index + 1)));
        };
        if index == re || form.begins_with(&records.kind) || records.kind == "GO" {
            continue;
        }
        lines_of(index, records, layout, &mut receipts)?;
    }
    let mut file = File { form, tables, output, bytes: Vec::new(), written: Written::default() };
    for kind in form.opens.iter().chain([&form.header]) {
        file.plain(kind, &[])?;
    }
    let numbered = order.iter().all(|id| id.len() <= 6 && id.bytes().all(|b| b.is_ascii_digit()));
    let mut parts: Vec<(&str, Option<Month>, Vec<Line>, bool)> = Vec::new();
    for id in &order {
        let Some(mut lines) = receipts.remove(id) else { continue };
        lines.sort_by_key(|l| l.sequence);
        let own = tables[re]
            .cell(month_at(&tables[re]), lines[0].row)
            .and_then(date::parse)
            .and_then(|w| w.month.map(|m| (w.year, m)));
        let months: BTreeSet<Month> =
            lines.iter().flat_map(|l| l.days.iter().map(|d| (d.0, d.1))).collect();
        if months.len() <= 1 {
            let month = months.first().copied().filter(|m| Some(*m) != own);
            parts.push((id, month, lines, true));
            continue;
        }
        let base = own.filter(|m| months.contains(m)).or(months.first().copied());
        for month in &months {
            let main = Some(*month) == base;
            parts.push((id, Some(*month), part_of(form, tables, &lines, *month, base), main));
        }
    }
    let renumber = !numbered || parts.len() != order.len();
    let mut points = 0_u64;
    for (index, (id, month, lines, main)) in parts.iter().enumerate() {
        let number = if renumber { (index + 1).to_string() } else { (*id).to_owned() };
        for line in lines {
            if *main && tables[line.records].kind == "HO" {
                let records = &tables[line.records];
                points += records
                    .cell(records.at("合計点数").or_else(|| records.at("合計金額")), line.row)
                    .and_then(|t| t.parse::<u64>().ok())
                    .unwrap_or(0);
            }
            file.line(line, &number, *month, *main)?;
        }
    }
    let total = [parts.len().to_string(), points.to_string(), "99".to_owned()];
    file.plain("GO", &total)?;
    file.written.bytes = file.bytes.len() as u64;
    Ok((file.bytes, file.written))
}

fn month_at(records: &Records) -> Option<usize> {
    MONTHS.into_iter().find_map(|month| records.at(month))
}

/// The lines of one type, put to their receipts.
fn lines_of<'a>(
    index: usize,
    records: &'a Records,
    layout: &Record,
    receipts: &mut HashMap<&'a str, Vec<Line>>,
) -> Result<()> {
    let kind = Name::from_policy(records.kind.clone());
    let (id_at, sequence_at) = (records.at("RE.レセプト番号"), records.at(SEQUENCE));
    let (day_at, times_at) = (records.at(DAY), records.at(TIMES));
    let mut seen: HashMap<(&str, u64), usize> = HashMap::new();
    for row in 0..records.table.rows {
        let wrong = |what: &'static str| unusable(say!("{}, row {}: {}", kind, row + 1, what));
        let id = records
            .cell(id_at, row)
            .ok_or_else(|| wrong("the column `RE.レセプト番号` is not there or empty"))?;
        let sequence = records
            .cell(sequence_at, row)
            .and_then(|t| t.parse().ok())
            .ok_or_else(|| wrong("the column `レセプト内行番号` is not there or not a number"))?;
        let Some(lines) = receipts.get_mut(id) else {
            return Err(wrong("its receipt has no RE record"));
        };
        let at = *seen.entry((id, sequence)).or_insert_with(|| {
            lines.push(Line { sequence, records: index, row, days: Vec::new() });
            lines.len() - 1
        });
        let (Some(day), true) = (records.cell(day_at, row), layout.days) else { continue };
        let when = date::parse(day).ok_or_else(|| wrong("`算定日` is not a date"))?;
        let (Some(month), Some(day)) = (when.month, when.day) else {
            return Err(wrong("`算定日` is not a full date"));
        };
        let times = records.cell(times_at, row).unwrap_or("1");
        let days = &mut lines[at].days;
        match days.iter_mut().find(|d| (d.0, d.1, d.2) == (when.year, month, day)) {
            None => days.push((when.year, month, day, times.to_owned())),
            Some(there) => {
                let sum = there.3.parse::<u64>().ok().zip(times.parse::<u64>().ok());
                let (a, b) =
                    sum.ok_or_else(|| wrong("a day occurs twice and has no counts to add"))?;
                there.3 = (a + b).to_string();
            }
        }
    }
    Ok(())
}

/// The lines of a receipt that belong to one of its months.
fn part_of(
    form: &Form,
    tables: &[Records],
    lines: &[Line],
    month: Month,
    base: Option<Month>,
) -> Vec<Line> {
    let mut part = Vec::new();
    let mut last = base;
    for line in lines {
        let days: Vec<_> = line.days.iter().filter(|d| (d.0, d.1) == month).cloned().collect();
        let head = form.records.get(&tables[line.records].kind).is_some_and(|r| r.head);
        if let Some(first) = line.days.iter().map(|d| (d.0, d.1)).min() {
            last = Some(first);
        }
        let here =
            if line.days.is_empty() { head || last == Some(month) } else { !days.is_empty() };
        if here {
            part.push(Line { sequence: line.sequence, records: line.records, row: line.row, days });
        }
    }
    part
}

struct File<'a> {
    form: &'a Form,
    tables: &'a [Records],
    output: &'a Output,
    bytes: Vec<u8>,
    written: Written,
}

impl File<'_> {
    /// A header or end record: the rows that were given, or one made from `fields`.
    fn plain(&mut self, kind: &str, fields: &[String]) -> Result<()> {
        let tables = self.tables;
        if let Some(index) = tables.iter().position(|t| t.kind == kind) {
            for row in 0..tables[index].table.rows {
                let line = Line { sequence: 1, records: index, row, days: Vec::new() };
                self.line(&line, "", None, true)?;
            }
            return Ok(());
        }
        let width = self.form.records.get(kind).map_or(1, Record::width);
        self.bytes.extend_from_slice(kind.as_bytes());
        for at in 0..width - 1 {
            self.bytes.push(b',');
            if let Some(field) = fields.get(at) {
                self.bytes.extend_from_slice(field.as_bytes());
            }
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.written.rows += 1;
        Ok(())
    }

    fn line(&mut self, line: &Line, number: &str, month: Option<Month>, main: bool) -> Result<()> {
        let records = &self.tables[line.records];
        let Some(layout) = self.form.records.get(&records.kind) else { return Ok(()) };
        self.bytes.extend_from_slice(records.kind.as_bytes());
        for column in &layout.columns {
            let cell = records.cell(records.at(column), line.row);
            let re = records.kind == "RE";
            let text = match column.as_str() {
                "レセプト番号" if re => number.to_owned(),
                column if re && MONTHS.contains(&column) && month.is_some() => {
                    month_text(month, cell).unwrap_or_default()
                }
                // The counts of the whole receipt stay with its main month.
                "診療実日数" | "合計点数" | "処方箋受付回数" | "実日数" | "合計金額"
                    if layout.head && !main =>
                {
                    String::new()
                }
                _ => cell.unwrap_or_default().to_owned(),
            };
            self.bytes.push(b',');
            self.cell(&records.kind, column, &text)?;
        }
        if layout.days {
            let by_day: BTreeMap<u8, &str> =
                line.days.iter().map(|d| (d.2, d.3.as_str())).collect();
            for day in 1..=31_u8 {
                self.bytes.push(b',');
                if let Some(times) = by_day.get(&day) {
                    self.cell(&records.kind, TIMES, times)?;
                }
            }
        }
        self.bytes.extend_from_slice(b"\r\n");
        self.written.rows += 1;
        Ok(())
    }

    fn cell(&mut self, kind: &str, column: &str, text: &str) -> Result<()> {
        if text.contains([',', '\r', '\n', '\0']) {
            return Err(comma(kind, column));
        }
        let fitted = fit(text, Encoding::Cp932, self.output.unencodable, &mut self.written)
            .map_err(|Lacking| {
                Error::refused(
                    "C0501",
                    say!(
                        "{}, field `{}`: a character does not exist in CP932",
                        Name::from_policy(kind),
                        Name::from_policy(column)
                    ),
                )
                .advice(say!("output.unencodable = \"map\", \"geta\" or \"question-mark\""))
            })?;
        if fitted.contains(',') {
            return Err(comma(kind, column));
        }
        put(&fitted, Encoding::Cp932, &mut self.bytes);
        Ok(())
    }
}

fn comma(kind: &str, column: &str) -> Error {
    Error::refused(
        "C0503",
        say!(
            "{}, field `{}`: a comma or a line break cannot stand in a receipt file",
            Name::from_policy(kind),
            Name::from_policy(column)
        ),
    )
}

/// A month in the form of another: `GYYMM` if that has five digits, else `YYYYMM`.
fn month_text(month: Option<Month>, like: Option<&str>) -> Option<String> {
    let (year, month) = month?;
    if like.is_some_and(|t| t.len() == 5) {
        let first = date::parse(&format!("{year:04}{month:02}01"))?.days()?;
        // Any date in GYYMMDD lends its form.
        let text = date::parse("5010501")?.written_as(first)?;
        return text.get(..5).map(str::to_owned);
    }
    Some(format!("{year:04}{month:02}"))
}
