//! The folders and file names of a storage. They hold patient numbers, so no message names them: a place is a number in an order
//! that the user can make again.

use std::path::Path;

use crate::error::{Error, Name, Said};
use crate::say;

use super::tables;

/// Where something is wrong.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Where {
    /// An entry of the upper levels: the level, and its number among the names in byte order.
    Level(u8, u64),
    /// A patient's folder; its number is known by the caller.
    Patient,
    /// A message: its number in the patient's folder among those read, from 1.
    Message(u64),
}

/// What is wrong, before the patient's number is known.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) place: Where,
    pub(super) code: &'static str,
    pub(super) what: Said,
    pub(super) advice: Option<Said>,
}

impl Fault {
    pub(super) fn new(place: Where, code: &'static str, what: Said) -> Self {
        Fault { place, code, what, advice: None }
    }
    fn io(place: Where, doing: Said, source: &std::io::Error) -> Self {
        let error = Error::io("X0810", doing, source);
        Fault { place, code: error.code, what: error.what, advice: None }
    }
}

/// What to read and where the error is, once all numbers are known.
pub(super) struct Locator<'a> {
    /// The table (or what is being done).
    pub(super) table: &'a Name,
    /// The data types that are read.
    pub(super) types: &'a [&'static str],
}

impl Locator<'_> {
    /// The error for a fault in the patient's folder with a number (from 1), before which `messages` messages were read.
    pub(super) fn error(&self, fault: Fault, patient: u64, messages: u64) -> Error {
        let family = if fault.code.starts_with('X') { Error::environment } else { Error::data };
        let (what, advice) = match fault.place {
            Where::Level(level, number) => (
                say!(
                    "table `{}`, level {} of the storage, entry {}: {}",
                    self.table,
                    u64::from(level),
                    number,
                    fault.what
                ),
                say!("entries are counted in the byte order of their paths (LC_ALL=C sort)"),
            ),
            Where::Patient => (
                say!("table `{}`, patient folder {}: {}", self.table, patient, fault.what),
                say!(
                    "to find it, in the storage: ls -d */*/* | LC_ALL=C sort | sed -n {}p",
                    patient
                ),
            ),
            Where::Message(number) => {
                let types: Vec<Said> = self.types.iter().map(|t| say!("{}", *t)).collect();
                (
                    say!("table `{}`, message {}: {}", self.table, messages + number, fault.what),
                    say!(
                        "to find it, in the storage: find . -type f -name '*_1' | grep -E '/({})/' | LC_ALL=C sort | sed -n {}p",
                        Said::join(&types, "|"),
                        messages + number
                    ),
                )
            }
        };
        let advice = match fault.advice {
            Some(more) => Said::join(&[more, advice], "; "),
            None => advice,
        };
        family(fault.code, what).advice(advice)
    }
}

/// A message file of a patient.
#[derive(Debug)]
pub(super) struct MessageFile {
    /// Path relative to the storage.
    pub(super) path: String,
    pub(super) data_type: &'static str,
    /// `20250208` or `-`.
    pub(super) day: String,
    pub(super) order: String,
    pub(super) occurred: String,
    pub(super) department: String,
}

struct Entry {
    name: String,
    folder: bool,
}

/// The entries of a folder in byte order. Links are refused: they may lead out of the storage.
fn entries(
    folder: &Path,
    place: &dyn Fn(u64) -> Where,
    ignore: &[String],
) -> Result<Vec<Entry>, Fault> {
    let fail = |e: &std::io::Error| Fault::io(place(0), say!("listing a folder of the storage"), e);
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(|e| fail(&e))? {
        let entry = entry.map_err(|e| fail(&e))?;
        let kind = entry.file_type().map_err(|e| fail(&e))?;
        names.push((entry.file_name(), kind));
    }
    names.sort_by(|a, b| a.0.cmp(&b.0));
    let mut found = Vec::with_capacity(names.len());
    for (index, (name, kind)) in names.into_iter().enumerate() {
        let here = || place(index as u64 + 1);
        let Ok(name) = name.into_string() else {
            return Err(Fault::new(here(), "D0330", say!("a name that is not UTF-8")));
        };
        if ignore.contains(&name) {
            continue;
        }
        if !kind.is_dir() && !kind.is_file() {
            return Err(Fault::new(here(), "D0331", say!("a link or another special file")));
        }
        found.push(Entry { name, folder: kind.is_dir() });
    }
    Ok(found)
}

fn only_folders(entries: Vec<Entry>, place: &dyn Fn(u64) -> Where) -> Result<Vec<String>, Fault> {
    let mut names = Vec::with_capacity(entries.len());
    for (index, entry) in entries.into_iter().enumerate() {
        if !entry.folder {
            let mut fault = Fault::new(
                place(index as u64 + 1),
                "D0332",
                say!("a file where the storage has folders"),
            );
            fault.advice = Some(say!(
                "the source must be the root of the standardized storage alone (no index database, no transaction storage); leave a file unread by its name in `ignore`"
            ));
            return Err(fault);
        }
        names.push(entry.name);
    }
    Ok(names)
}

/// The folders of all patients, relative to the storage (`213/983/2139839073`), in byte order.
pub(super) fn patients(root: &Path, ignore: &[String]) -> Result<Vec<Box<str>>, Fault> {
    let mut found: Vec<Box<str>> = Vec::new();
    let mut seen = [0_u64; 2];
    let first = |n| Where::Level(1, n);
    for a in only_folders(entries(root, &first, ignore)?, &first)? {
        let before = seen[0];
        let second = |n| Where::Level(2, before + n);
        let level = only_folders(entries(&root.join(&a), &second, ignore)?, &second)?;
        seen[0] += level.len() as u64;
        for b in level {
            let before = seen[1];
            let third = |n| Where::Level(3, before + n);
            let folder = root.join(&a).join(&b);
            let level = only_folders(entries(&folder, &third, ignore)?, &third)?;
            for (index, id) in level.iter().enumerate() {
                let fits = id.get(..3) == Some(a.as_str()) && id.get(3..6) == Some(b.as_str());
                if !fits {
                    let mut fault = Fault::new(
                        third(index as u64 + 1),
                        "D0333",
                        say!(
                            "the folder of a patient does not lie under the first three and the next three characters of its number"
                        ),
                    );
                    fault.advice = Some(say!("is the source the root of a standardized storage?"));
                    return Err(fault);
                }
                found.push(format!("{a}/{b}/{id}").into_boxed_str());
            }
            seen[1] += level.len() as u64;
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// The active messages (condition flag 1) of a patient that are of the wanted types, in the byte order of their paths.
///
/// Every entry is checked, whether its type is wanted or not: a data type that is neither known nor ignored is a fault.
pub(super) fn messages(
    root: &Path,
    patient: &str,
    wanted: &dyn Fn(&str) -> bool,
    ignore: &[String],
) -> Result<Vec<MessageFile>, Fault> {
    let here = |_| Where::Patient;
    let id = patient.rsplit('/').next().unwrap_or_default();
    let folder = root.join(patient);
    let mut found = Vec::new();
    for day in only_folders(entries(&folder, &here, ignore)?, &here)? {
        let is_day = day == "-" || (day.len() == 8 && day.bytes().all(|b| b.is_ascii_digit()));
        if !is_day {
            return Err(Fault::new(
                Where::Patient,
                "D0334",
                say!("a folder that is neither a day (YYYYMMDD) nor `-`"),
            ));
        }
        let folder = folder.join(&day);
        for data_type in only_folders(entries(&folder, &here, ignore)?, &here)? {
            let Some(known) = known_type(&data_type) else {
                let mut fault = Fault::new(
                    Where::Patient,
                    "D0335",
                    say!("a data type that is not read{}", shown(&data_type)),
                );
                fault.advice = Some(say!("name it in `source.ignore` to leave it unread"));
                return Err(fault);
            };
            if !wanted(known) {
                continue;
            }
            for entry in entries(&folder.join(&data_type), &here, ignore)? {
                let parts: Vec<&str> = entry.name.split('_').collect();
                let [file_id, file_day, file_type, order, occurred, department @ .., flag] =
                    parts.as_slice()
                else {
                    return Err(Fault::new(
                        Where::Patient,
                        "D0337",
                        say!("a file name that is not made of seven parts"),
                    ));
                };
                let fits = !entry.folder
                    && (*file_id, *file_day, *file_type) == (id, day.as_str(), known)
                    && !department.is_empty();
                if !fits {
                    return Err(Fault::new(
                        Where::Patient,
                        "D0338",
                        say!(
                            "a file whose name does not say the patient, day and data type of its folders"
                        ),
                    ));
                }
                match *flag {
                    "1" => found.push(MessageFile {
                        path: format!("{patient}/{day}/{data_type}/{}", entry.name),
                        data_type: known,
                        day: day.clone(),
                        order: (*order).to_owned(),
                        occurred: (*occurred).to_owned(),
                        department: department.join("_"),
                    }),
                    // Deleted and superseded.
                    "0" | "2" => {}
                    _ => {
                        return Err(Fault::new(
                            Where::Patient,
                            "D0339",
                            say!("a file name whose condition flag is not 0, 1 or 2"),
                        ));
                    }
                }
            }
        }
    }
    found.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

fn known_type(name: &str) -> Option<&'static str> {
    tables::TABLES
        .iter()
        .flat_map(|t| t.types)
        .find(|(known, _)| *known == name)
        .map(|(known, _)| *known)
}

/// The name of a data type if it looks like one of the guideline's (`OMG-01`); nothing else of a path is shown.
fn shown(name: &str) -> Said {
    let looks = match name.as_bytes() {
        [a, b, c, b'-', d, e] => {
            [a, b, c].iter().all(|l| l.is_ascii_uppercase())
                && [d, e].iter().all(|n| n.is_ascii_digit())
        }
        _ => false,
    };
    if looks { say!(": `{}`", Name::from_policy(name)) } else { say!("") }
}
