//! From messages to rows.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use sha3::Digest as _;

use super::hl7::{Broken, Message, Segment, component, plain, subcomponent};
use super::tables;
use super::tables::{At, SegmentTable};
use super::walk::{Fault, MessageFile, Where, messages};
use crate::say;

/// The end of a cell that is missing.
const MISSING: u32 = u32::MAX;

/// Rows of one table of one patient.
#[derive(Debug, Default)]
pub(super) struct Rows {
    text: String,
    /// The end of each cell in `text`, row by row.
    ends: Vec<(u32, u32)>,
    width: usize,
    /// For each row the number of its message in the patient's folder, from 1.
    pub(super) messages: Vec<u64>,
}

impl Rows {
    fn new(width: usize) -> Self {
        Rows { width, ..Rows::default() }
    }
    fn push(&mut self, cell: &str) {
        if cell.is_empty() {
            self.ends.push((0, MISSING));
            return;
        }
        let start = self.text.len() as u32;
        self.text.push_str(cell);
        self.ends.push((start, self.text.len() as u32));
    }
    pub(super) fn cell(&self, row: usize, column: usize) -> Option<&str> {
        match self.ends[row * self.width + column] {
            (_, MISSING) => None,
            (start, end) => Some(&self.text[start as usize..end as usize]),
        }
    }
}

/// A table and which of its columns are wanted, in which order.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    pub(super) table: &'static SegmentTable,
    pub(super) columns: Vec<usize>,
}

/// What one patient's folder gave.
#[derive(Debug)]
pub(super) struct PatientRows {
    pub(super) tables: Vec<Rows>,
    pub(super) messages: u64,
    pub(super) bytes: u64,
    /// Messages set aside because they cannot be decoded.
    pub(super) undecodable: u64,
    /// Over the paths and bytes of the messages read, in order.
    pub(super) digest: [u8; 32],
}

/// Reads a patient's folder.
pub(super) fn read_patient(
    root: &Path,
    patient: &str,
    wanted: &[Wanted],
    ignore: &[String],
    set_aside: bool,
    see: &mut dyn FnMut(&Message),
) -> Result<PatientRows, Fault> {
    let id = patient.rsplit('/').next().unwrap_or_default();
    let takes = |t: &str| wanted.iter().any(|w| w.table.types.iter().any(|(name, _)| *name == t));
    let files = messages(root, patient, &takes, ignore)?;
    let mut hasher = sha3::Sha3_256::default();
    let mut result = PatientRows {
        tables: wanted.iter().map(|w| Rows::new(w.columns.len())).collect(),
        messages: files.len() as u64,
        bytes: 0,
        undecodable: 0,
        digest: [0; 32],
    };
    for (index, file) in files.iter().enumerate() {
        let number = index as u64 + 1;
        let fault = |code, what| Fault::new(Where::Message(number), code, what);
        let bytes = std::fs::read(root.join(&file.path)).map_err(|e| {
            let error = crate::error::Error::io("X0811", say!("reading a message"), &e);
            fault(error.code, error.what)
        })?;
        hasher.update((file.path.len() as u64).to_le_bytes());
        hasher.update(file.path.as_bytes());
        hasher.update((bytes.len() as u64).to_le_bytes());
        hasher.update(&bytes);
        result.bytes += bytes.len() as u64;
        let message = match Message::parse(&bytes) {
            Ok(message) => message,
            Err(Broken::Bytes) if set_aside => {
                result.undecodable += 1;
                continue;
            }
            Err(Broken::Bytes) => {
                let mut fault = fault("D0340", say!("bytes that are not ISO-2022-JP"));
                fault.advice = Some(say!(
                    "correct it, or set such messages aside with set_aside = [\"bytes\"]"
                ));
                return Err(fault);
            }
            Err(Broken::Header) => {
                return Err(fault(
                    "D0341",
                    say!("the message does not begin with MSH and the delimiters |^~\\&"),
                ));
            }
        };
        let kind = component(message.segment(0).field(9), 1);
        if tables::message_type(file.data_type) != Some(kind) {
            return Err(fault(
                "D0342",
                say!("the message type (MSH-9) is not that of the data type {}", file.data_type),
            ));
        }
        let names: Vec<&str> = message.segments().map(Segment::name).collect();
        let inside = names.iter().position(|n| *n == "PID").map(|at| message.segment(at));
        let inside = inside.map(|pid| component(pid.field(3), 1)).unwrap_or_default();
        if inside.trim() != id {
            return Err(fault(
                "D0343",
                say!("the patient number in the message (PID-3) is not that of its folder"),
            ));
        }
        see(&message);
        for (want, rows) in wanted.iter().zip(&mut result.tables) {
            if want.table.types.iter().any(|(name, _)| *name == file.data_type) {
                let mut source = Source { message: &message, names: &names, file };
                source.rows(want, number, rows);
            }
        }
    }
    result.digest = hasher.finalize().into();
    Ok(result)
}

struct Source<'a> {
    message: &'a Message,
    names: &'a [&'a str],
    file: &'a MessageFile,
}

impl Source<'_> {
    fn rows(&mut self, want: &Wanted, number: u64, rows: &mut Rows) {
        let table = want.table;
        let level = |at: usize| table.groups.iter().position(|g| *g == self.names[at]);
        let starts: Vec<usize> = (0..self.names.len()).filter(|&at| level(at).is_some()).collect();
        if table.groups.is_empty() {
            self.group(want, 0..self.names.len(), &[], number, rows);
            return;
        }
        // The header, then for each level the group that is open.
        let header = 0..starts.first().copied().unwrap_or(self.names.len());
        let mut open: Vec<Option<Range<usize>>> = vec![None; table.groups.len()];
        for (index, &start) in starts.iter().enumerate() {
            let end = starts.get(index + 1).copied().unwrap_or(self.names.len());
            let Some(depth) = level(start) else { continue };
            open[depth] = Some(start..end);
            open[depth + 1..].fill(None);
            let outer: Vec<Range<usize>> = open[..depth]
                .iter()
                .rev()
                .flatten()
                .cloned()
                .chain(std::iter::once(header.clone()))
                .collect();
            self.group(want, start..end, &outer, number, rows);
        }
    }

    /// The rows of one group of segments.
    fn group(
        &self,
        want: &Wanted,
        group: Range<usize>,
        outer: &[Range<usize>],
        number: u64,
        rows: &mut Rows,
    ) {
        let Some(own) =
            want.table.rows.iter().find(|name| self.names[group.clone()].contains(*name))
        else {
            return;
        };
        for at in group.clone().filter(|&at| self.names[at] == *own) {
            rows.messages.push(number);
            for &column in &want.columns {
                let cell = want.table.columns[column]
                    .1
                    .iter()
                    .map(|from| self.cell(*from, at, &group, outer))
                    .find(|cell| !cell.is_empty())
                    .unwrap_or_default();
                rows.push(&cell);
            }
        }
    }

    /// The segment with a name that belongs to the row at `at`: in its group the last one up to it, else the next one, else that of
    /// the groups around it.
    fn find(
        &self,
        name: &str,
        at: usize,
        group: &Range<usize>,
        outer: &[Range<usize>],
    ) -> Option<Segment<'_>> {
        let is = |i: &usize| self.names[*i] == name;
        (group.start..=at)
            .rev()
            .find(is)
            .or_else(|| (at..group.end).find(is))
            .or_else(|| outer.iter().find_map(|range| range.clone().rev().find(is)))
            .map(|i| self.message.segment(i))
    }

    fn cell(
        &self,
        from: At,
        at: usize,
        group: &Range<usize>,
        outer: &[Range<usize>],
    ) -> Cow<'_, str> {
        let file = self.file;
        let find = |name: &str| self.find(name, at, group, outer);
        let joined = |parts: &mut dyn Iterator<Item = &str>, separator: &str| -> String {
            let parts: Vec<Cow<'_, str>> = parts.map(plain).filter(|p| !p.is_empty()).collect();
            parts.join(separator)
        };
        match from {
            At::DataType => file.data_type.into(),
            At::Day => (if file.day == "-" { "" } else { file.day.as_str() }).into(),
            At::Order => file.order.as_str().into(),
            // YYYYMMDDHHMMSSFFF, written as HL7 writes it.
            At::Occurred => match file.occurred.split_at_checked(14) {
                Some((seconds, milliseconds)) if milliseconds.len() == 3 => {
                    format!("{seconds}.{milliseconds}").into()
                }
                _ => file.occurred.as_str().into(),
            },
            At::Department => {
                (if file.department == "-" { "" } else { file.department.as_str() }).into()
            }
            At::Field(name, field) => {
                find(name).map_or(Cow::Borrowed(""), |s| plain(s.field(field)))
            }
            At::Part(name, field, part) => {
                let Some(segment) = find(name) else { return "".into() };
                let mut repetitions = segment.repetitions(field);
                if let (Some(only), None) = (repetitions.next(), repetitions.next()) {
                    return plain(component(only, part));
                }
                joined(&mut segment.repetitions(field).map(|r| component(r, part)), "~").into()
            }
            At::Sub(name, field, part, sub) => find(name).map_or(Cow::Borrowed(""), |s| {
                let first = s.repetitions(field).next().unwrap_or_default();
                plain(subcomponent(component(first, part), sub))
            }),
            At::Repetition(name, field, number) => find(name).map_or(Cow::Borrowed(""), |s| {
                plain(s.repetitions(field).nth(number.saturating_sub(1)).unwrap_or_default())
            }),
            At::PersonName(name, field, code) => {
                let Some(segment) = find(name) else { return "".into() };
                let coded = segment.repetitions(field).any(|r| representation(r).is_some());
                let fits =
                    |r: &&str| if coded { representation(r) == Some(code) } else { code == "I" };
                let all: Vec<String> = segment
                    .repetitions(field)
                    .filter(fits)
                    .map(|r| joined(&mut (1..=3).map(|part| component(r, part)), " "))
                    .collect();
                all.join("~").into()
            }
            At::Address(name, field) => {
                let Some(segment) = find(name) else { return "".into() };
                let all: Vec<String> = segment
                    .repetitions(field)
                    .map(|r| joined(&mut [3, 4, 8, 1, 2].iter().map(|&p| component(r, p)), " "))
                    .collect();
                all.join("~").into()
            }
            At::Value => {
                let Some(obx) = find("OBX") else { return "".into() };
                match obx.field(2) {
                    "CE" | "CWE" | "CNE" => {
                        joined(&mut obx.repetitions(5).map(|r| component(r, 1)), "~").into()
                    }
                    // Operator, number, separator, number.
                    "SN" => joined(&mut obx.field(5).split('^'), "").into(),
                    _ => plain(obx.field(5)),
                }
            }
            At::ValueName => {
                let Some(obx) = find("OBX") else { return "".into() };
                match obx.field(2) {
                    "CE" | "CWE" | "CNE" => {
                        joined(&mut obx.repetitions(5).map(|r| component(r, 2)), "~").into()
                    }
                    _ => "".into(),
                }
            }
            At::Notes => {
                let notes = (at + 1..group.end).take_while(|&i| self.names[i] == "NTE");
                joined(&mut notes.map(|i| self.message.segment(i).field(3)), " ").into()
            }
        }
    }
}

/// How a name is written: XPN-8, which some systems put one component too early.
fn representation(name: &str) -> Option<&str> {
    [8, 7].into_iter().map(|at| component(name, at)).find(|c| matches!(*c, "A" | "I" | "P"))
}
