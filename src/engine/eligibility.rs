//! The eligibility file: who was notified (通知), when, and who asked that it stop (停止の求め), apart for both kinds of release
//! (法52条, 57条; 法56条 and 58条 forbid to receive data of others). docs/eligibility.md has its format.

use std::path::Path;

use super::exclude::Why;
use super::roll::{self, Key, Near, Roll, folded, lines};
use crate::error::{Error, Name, Result};
use crate::schema::{ByKind, Kind};
use crate::{say, text};

/// The column of the release kind.
const KIND: &[&str] =
    &["kind", "release", "releasekind", "区分", "加工区分", "加工の区分", "種別", "情報の種類"];
/// The column of the day of the notification.
const NOTIFIED: &[&str] = &[
    "notifiedon",
    "notified",
    "notificationdate",
    "通知日",
    "通知年月日",
    "通知した日",
    "通知の日",
];
/// The column of the day of the request to stop.
const STOPPED: &[&str] = &[
    "stoppedon",
    "stopped",
    "stopdate",
    "optoutdate",
    "停止日",
    "停止年月日",
    "停止の求めの日",
    "停止求め日",
    "停止の求め",
    "停止請求日",
    "停止した日",
];
/// The column of the reason; it is never shown.
const REASON: &[&str] = &["reason", "note", "理由", "事由", "備考"];

/// What the file says of a person for one kind of release.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Standing {
    notified: Option<i32>,
    stopped: Option<i32>,
}

/// The file as it was read.
#[derive(Debug, Default)]
pub struct Eligibility {
    /// The bytes of each file, for hiding commitments in the record.
    pub files: Vec<Vec<u8>>,
    /// The reference date, in days since 1970-01-01.
    pub as_of: i32,
    /// Days that must lie between a notification and the reference date.
    pub notice_days: u32,
    /// The zone in which days are counted: seconds ahead of UTC.
    zone: i32,
    /// Rows in the files.
    pub rows: u64,
    /// Persons in them.
    pub roll: Roll,
    /// Lines whose person is blank after normalization, or a filler.
    pub unusable: u64,
    /// By name in the roll, by kind.
    standings: Vec<ByKind<Option<Standing>>>,
}

/// Where the columns stand.
struct Head {
    person: Vec<usize>,
    kind: usize,
    notified: usize,
    stopped: usize,
}

impl Eligibility {
    /// None was read yet.
    #[must_use]
    pub fn new(as_of: i32, notice_days: u32, zone: i32) -> Self {
        Eligibility { as_of, notice_days, zone, ..Eligibility::default() }
    }

    /// Reads a file.
    ///
    /// # Errors
    /// Unknown or missing columns, a kind or date that is none, a person of whom two lines say different things: with the lines.
    pub fn add(&mut self, path: &Path, shown: &Name, key: &Key<'_>) -> Result<()> {
        let bytes = std::fs::read(path)
            .map_err(|e| Error::io("X0102", say!("reading the eligibility file {}", shown), &e))?;
        let text = roll::decode(&bytes).ok_or_else(|| {
            Error::data("D0301", say!("the eligibility file {} is neither UTF-8 nor CP932", shown))
        })?;
        self.read(&text, shown, key)?;
        self.files.push(bytes);
        Ok(())
    }

    fn read(&mut self, text: &str, shown: &Name, key: &Key<'_>) -> Result<()> {
        let first = text.lines().find(|l| !l.trim().is_empty() && !roll::is_comment(l));
        let tabs = first.is_some_and(|l| l.contains('\t') && !l.contains(','));
        // Comments leave an empty line, so that lines keep their numbers.
        let original = text;
        let text: String = text
            .lines()
            .flat_map(|line| [if roll::is_comment(line) { "" } else { line }, "\n"])
            .collect();
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(if tabs { b'\t' } else { b',' })
            .flexible(true)
            .has_headers(false)
            .from_reader(text.as_bytes());
        let mut record = csv::StringRecord::new();
        let mut head: Option<(Head, usize)> = None;
        let [mut ragged, mut kinds, mut dates, mut scientific, mut contradicting] =
            [const { Vec::new() }; 5];
        while reader.read_record(&mut record).map_err(|_| {
            Error::data("D0372", say!("the eligibility file {} cannot be read as CSV", shown))
        })? {
            // The line where it begins: empty lines before it are passed over, cells may hold line ends.
            let within: usize = record.iter().map(|cell| cell.matches('\n').count()).sum();
            let line = reader.position().line().saturating_sub(1 + within as u64);
            let cells: Vec<String> = record.iter().map(|cell| cell.trim().to_owned()).collect();
            if cells.iter().all(String::is_empty) {
                continue;
            }
            let Some((columns, width)) = &head else {
                head = Some((columns_of(&cells, shown, key)?, cells.len()));
                continue;
            };
            self.rows += 1;
            if cells.len() != *width {
                ragged.push(line);
                continue;
            }
            let person: Vec<&str> = columns.person.iter().map(|&at| cells[at].as_str()).collect();
            if person.iter().any(|part| key.is_cut(part)) {
                scientific.push(line);
                continue;
            }
            let Some(of) = kinds_of(&cells[columns.kind]) else {
                kinds.push(line);
                continue;
            };
            let day = |at: usize| day(&cells[at], self.zone);
            let (Some(notified), Some(stopped)) = (day(columns.notified), day(columns.stopped))
            else {
                dates.push(line);
                continue;
            };
            let Some(identity) = key.identity(&person) else {
                self.unusable += 1;
                continue;
            };
            let at = self.roll.add(identity, line, false);
            if self.standings.len() <= at {
                self.standings.resize(at + 1, ByKind::default());
            }
            let told = Standing { notified, stopped };
            for &kind in of {
                match &mut self.standings[at][kind] {
                    Some(before) if *before != told => contradicting.push(line),
                    slot => *slot = Some(told),
                }
            }
        }
        if let Some((columns, _)) = &head {
            let comments = original.lines().enumerate().filter(|(_, line)| roll::is_comment(line));
            for (at, line) in comments {
                self.roll.add_comment(line, at as u64 + 1, &columns.person, key);
            }
        }
        contradicting.dedup();
        let mut errors = Vec::new();
        let mut wrong =
            |code: &'static str, found: &[u64], what: &'static str, advice: &'static str| {
                if !found.is_empty() {
                    let what = say!("the eligibility file {}, {}: {}", shown, lines(found), what);
                    errors.push(Error::data(code, what).advice(say!("{}", advice)));
                }
            };
        wrong(
            "D0373",
            &ragged,
            "another number of cells than the header",
            "quote cells that hold commas",
        );
        wrong(
            "D0371",
            &scientific,
            "a number as a spreadsheet shows a long one (scientific notation): its digits are lost",
            "export the column as text from where the numbers come from",
        );
        wrong(
            "D0374",
            &kinds,
            "the kind is none",
            "匿名, 仮名 or 両方 (anonymized, pseudonymized, both)",
        );
        wrong(
            "D0375",
            &dates,
            "a date is none",
            "whole dates (2026-04-01, 20260401, 令和8年4月1日), or nothing where nobody was notified or stopped",
        );
        wrong(
            "D0376",
            &contradicting,
            "says something else of a person and kind than a line before",
            "one person and kind has one date of notification and at most one of stopping",
        );
        if head.is_none() {
            errors.push(no_header(shown));
        }
        Error::all(errors).map_or(Ok(()), Err)
    }

    /// Why a person with these numbers may not be in a release, if so.
    #[must_use]
    pub fn why(&self, kind: Kind, numbers: &[&str]) -> Option<Why> {
        numbers.iter().filter_map(|number| self.why_number(kind, number)).min()
    }

    fn why_number(&self, kind: Kind, number: &str) -> Option<Why> {
        let Some(standing) = self.roll.find(number).and_then(|at| self.standings[at][kind]) else {
            return Some(Why::NotInFile);
        };
        if standing.stopped.is_some() {
            return Some(Why::Stopped);
        }
        let Some(notified) = standing.notified else { return Some(Why::NotNotified) };
        let days = i64::from(self.as_of) - i64::from(notified);
        (days < i64::from(self.notice_days)).then_some(Why::TooRecent)
    }

    /// Lines of persons who asked that it stop, and whom the input has in another spelling; comments in which a person of the input
    /// stands.
    #[must_use]
    pub fn spelled(&self) -> Vec<(Near, Vec<u64>)> {
        let stopped = |at: usize| {
            self.standings[at].iter().flatten().any(|standing| standing.stopped.is_some())
        };
        let mut found: Vec<(Near, Vec<u64>)> = Vec::new();
        let commented = self.roll.commented();
        if !commented.is_empty() {
            found.push((Near::Marks, commented));
        }
        // No name of this file may be a header: the numbers are those of the roll.
        for (at, entry) in self.roll.names().enumerate() {
            if let Some(near) = entry.near().filter(|_| stopped(at)) {
                match found.iter_mut().find(|(known, _)| *known == near) {
                    Some((_, lines)) => lines.push(entry.line),
                    None => found.push((near, vec![entry.line])),
                }
            }
        }
        found.iter_mut().for_each(|(_, lines)| lines.sort_unstable());
        found
    }
}

/// A day, nothing for an empty cell; none if the cell is no whole date.
fn day(cell: &str, zone: i32) -> Option<Option<i32>> {
    if cell.is_empty() {
        return Some(None);
    }
    text::date::day_in_zone(cell, zone).map(Some)
}

fn kinds_of(cell: &str) -> Option<&'static [Kind]> {
    let word = folded(cell);
    let word = word.strip_suffix("医療情報").or_else(|| word.strip_suffix("情報")).unwrap_or(&word);
    match word.strip_suffix("加工").unwrap_or(word) {
        "匿名" | "anonymized" | "anonymised" => Some(&[Kind::Anonymized]),
        "仮名" | "pseudonymized" | "pseudonymised" => Some(&[Kind::Pseudonymized]),
        "両方" | "双方" | "匿名仮名" | "仮名匿名" | "匿名及び仮名" | "仮名及び匿名" | "both" => {
            Some(&Kind::BOTH)
        }
        _ => None,
    }
}

fn no_header(shown: &Name) -> Error {
    Error::data("D0372", say!("the eligibility file {} has no header line", shown)).advice(say!(
        "the columns of the person's key, kind (区分), notified_on (通知日), stopped_on (停止日), reason (理由)"
    ))
}

/// Finds the columns by their header. A header cell is never shown: a file without one has a person there.
fn columns_of(cells: &[String], shown: &Name, key: &Key<'_>) -> Result<Head> {
    let names: Vec<String> = cells.iter().map(|cell| folded(cell)).collect();
    let find = |words: &[&str]| names.iter().position(|name| words.contains(&name.as_str()));
    let found = (key.places(cells), find(KIND), find(NOTIFIED), find(STOPPED));
    let (Some(person), Some(kind), Some(notified), Some(stopped)) = found else {
        let mut missing = Vec::new();
        for (there, word) in [
            (found.0.is_some(), "the columns of the person's key"),
            (found.1.is_some(), "kind (区分)"),
            (found.2.is_some(), "notified_on (通知日)"),
            (found.3.is_some(), "stopped_on (停止日)"),
        ] {
            if !there {
                missing.push(say!("{}", word));
            }
        }
        return Err(Error::data(
            "D0372",
            say!(
                "the eligibility file {}: its header lacks {}",
                shown,
                crate::error::Said::join(&missing, ", ")
            ),
        )
        .advice(say!(
            "policies/eligibility.csv is a template; docs/eligibility.md has the format"
        )));
    };
    let mut used = person.clone();
    used.extend([kind, notified, stopped]);
    let unknown: Vec<String> = (0..cells.len())
        .filter(|at| !used.contains(at) && !REASON.contains(&names[*at].as_str()))
        .map(|at| (at + 1).to_string())
        .collect();
    let twice = used.iter().any(|&at| names.iter().filter(|n| **n == names[at]).count() > 1);
    if !unknown.is_empty() || twice {
        let what = if twice {
            say!("the eligibility file {}: a column stands twice in its header", shown)
        } else {
            say!(
                "the eligibility file {}: unknown columns in its header (counted from the left: {})",
                shown,
                Name::from_policy(unknown.join(", "))
            )
        };
        return Err(Error::data("D0372", what).advice(say!(
            "the columns of the person's key, kind (区分), notified_on (通知日), stopped_on (停止日), reason (理由), and no others"
        )));
    }
    Ok(Head { person, kind, notified, stopped })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::model::Normalize;
    use crate::text::identifier::compose;

    fn read(text: &str) -> Result<Eligibility> {
        let normalize = Normalize::default();
        let key = Key::with(&["患者ID"], &normalize);
        // 2026-05-01
        let mut file = Eligibility::new(20_574, 30, 9 * 3600);
        file.read(text, &Name::fixed("e.csv"), &key)?;
        Ok(file)
    }

    fn why(file: &Eligibility, kind: Kind, number: &str) -> Option<Why> {
        file.why(kind, &[compose(&[number]).as_str()])
    }

    #[test]
    fn each_kind_has_its_own_notice_and_stop() {
        let file = read(
            "患者ID,区分,通知日,停止日,理由\n\
             1,両方,2026-04-01,,\n\
             2,匿名,2026-04-01,,\n\
             3,匿名,20260401,,\n3,仮名,20260401,R8.4.20,本人\n\
             4,両方,,,\n\
             5,両方,2026-04-02,,\n\
             6,both,2026-05-02,,\n\
             7,仮名加工医療情報,令和8年4月1日,2026-06-01,\"家族,\n電話\"\n",
        )
        .unwrap();
        assert_eq!(file.rows, 8);
        let [p, a] = Kind::BOTH;
        for (number, wanted) in [
            ("1", [None, None]),
            ("2", [Some(Why::NotInFile), None]),
            ("3", [Some(Why::Stopped), None]),
            ("4", [Some(Why::NotNotified); 2]),
            // Thirty days are enough, twenty-nine are not.
            ("5", [Some(Why::TooRecent); 2]),
            ("6", [Some(Why::TooRecent); 2]),
            ("7", [Some(Why::Stopped), Some(Why::NotInFile)]),
            ("8", [Some(Why::NotInFile); 2]),
        ] {
            assert_eq!([why(&file, p, number), why(&file, a, number)], wanted, "{number}");
        }
        // Under several numbers the worst counts.
        let numbers = [compose(&["1"]), compose(&["4"]), compose(&["8"])];
        let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
        assert_eq!(file.why(a, &numbers), Some(Why::NotInFile));
    }

    #[test]
    fn a_moment_of_another_zone_is_a_day_of_the_policys() {
        let file = read(
            "患者ID,区分,通知日,停止日\n\
             1,両方,2026-04-01T14:59:00Z,\n\
             2,両方,2026-04-01T15:00:00Z,\n\
             3,両方,2026-04-02T01:00:00+10:30,\n\
             4,両方,2026-04-01T23:00:00,\n\
             5,両方,20260401200000+0000,\n",
        )
        .unwrap();
        for (number, wanted) in [
            ("1", None),
            ("2", Some(Why::TooRecent)),
            ("3", None),
            ("4", None),
            ("5", Some(Why::TooRecent)),
        ] {
            assert_eq!(why(&file, Kind::Anonymized, number), wanted, "{number}");
        }
        // The same day in two spellings is no contradiction.
        read("患者ID,区分,通知日,停止日\n1,匿名,2026-04-01T20:00:00Z,\n1,匿名,2026-04-02,\n")
            .unwrap();
    }

    #[test]
    fn defects_are_named_by_their_lines_without_a_value() {
        const CANARY: &str = "Q7731";
        for (text, code, line) in [
            ("患者ID,区分,通知日,停止日\nQ7731,匿名,2026-04-31,\n", "D0375", "line 2"),
            (
                "患者ID,区分,通知日,停止日\n1,匿名,2026-04-01,\nQ7731,匿名,2026-04,\n",
                "D0375",
                "line 3",
            ),
            ("患者ID,区分,通知日,停止日\n1,Q7731,2026-04-01,\n", "D0374", "line 2"),
            ("患者ID,区分,通知日,停止日\n1,,2026-04-01,\n", "D0374", "line 2"),
            (
                "患者ID,区分,通知日,停止日\nQ7731,両方,2026-04-01,\nq7731,匿名,2026-04-02,\n",
                "D0376",
                "line 3",
            ),
            ("患者ID,区分,通知日,停止日\nQ7731,匿名,2026-04-01\n", "D0373", "line 2"),
            ("患者ID,区分,通知日,停止日\n1.34227E+07,匿名,2026-04-01,\n", "D0371", "line 2"),
            ("Q7731,匿名,2026-04-01,\n", "D0372", "lacks"),
            ("患者ID,区分,通知日,停止日,Q7731\n1,匿名,2026-04-01,,\n", "D0372", "from the left: 5"),
            ("患者ID,区分,区分,通知日,停止日\n1,匿名,匿名,2026-04-01,,\n", "D0372", "twice"),
            (
                "# Q7731, \"\n\n患者ID,区分,通知日,停止日\n\n# x\n1,Q7731,2026-04-01,\n",
                "D0374",
                "line 6",
            ),
            (
                "患者ID,区分,通知日,停止日,理由\n1,匿名,,,\"a\nb\"\n1,Q7731,2026-04-01,,\n",
                "D0374",
                "line 4",
            ),
            ("", "D0372", "no header"),
        ] {
            let error = read(text).unwrap_err();
            assert_eq!(error.code, code, "{text}");
            let told = format!("{error:?}");
            assert!(told.contains(line) && !told.contains(CANARY), "{told}");
        }
        // The same said twice is no contradiction.
        read("患者ID,区分,通知日,停止日\n1,両方,2026-04-01,\n１,匿名,20260401,\n").unwrap();
    }
}
