//! Hierarchy tables: `value;level1;level2;...`, one line a value.

use std::collections::BTreeMap;
use std::fmt;

use super::CodeSystem;
use crate::error::{Name, Said};
use crate::frame::Interner;
use crate::say;

/// How many line numbers an error names.
const NAMED: usize = 5;

/// A table of values and what they become on each level.
///
/// Checked when it is read: every value stands once, every line has as many columns, and values that agree on a level
/// agree on the next one. Blanks around a value do not count.
#[derive(Clone)]
pub struct Hierarchy {
    name: Name,
    levels: Vec<Name>,
    version: Name,
    source: Name,
    values: Interner,
    /// The texts of the levels.
    texts: Interner,
    /// For each value (by its code) its texts, one a level.
    rows: Vec<Vec<u32>>,
    /// The code system and level whose values the table begins with: cells are brought there first.
    over: Option<(&'static dyn CodeSystem, &'static str)>,
}

impl fmt::Debug for Hierarchy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hierarchy")
            .field("name", &self.name)
            .field("levels", &self.levels)
            .field("values", &self.rows.len())
            .finish_non_exhaustive()
    }
}

impl Hierarchy {
    /// Reads a table. `levels` are the names of the columns after the first, finest first. With `header`, the first
    /// line is skipped. A byte order mark is skipped.
    ///
    /// # Errors
    /// If the text is not such a table. The text of the error names line numbers, never values.
    pub fn parse(
        name: Name,
        text: &str,
        delimiter: u8,
        header: bool,
        levels: Vec<Name>,
        version: Name,
        source: Name,
    ) -> Result<Self, Said> {
        let wrong = |what: Said| say!("hierarchy `{}`: {}", name, what);
        check_levels(&levels).map_err(wrong)?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(header)
            .flexible(true)
            .from_reader(text.as_bytes());
        let mut values = Interner::new();
        let mut texts = Interner::new();
        let mut rows: Vec<Vec<u32>> = Vec::new();
        let mut lines: Vec<u64> = Vec::new();
        let mut broken = Broken::default();
        let mut record = csv::StringRecord::new();
        loop {
            match reader.read_record(&mut record) {
                Ok(true) => {}
                Ok(false) => break,
                // The error's own text may quote the table.
                Err(_) => {
                    let line = lines.last().copied().unwrap_or(0);
                    return Err(wrong(say!("the text after line {} is not CSV", line)));
                }
            }
            let line = record.position().map_or(0, csv::Position::line);
            if record.len() != levels.len() + 1 {
                broken.width.push(line);
                continue;
            }
            let mut cells = record.iter().map(str::trim);
            let value = cells.next().unwrap_or_default();
            let row: Vec<u32> = cells.map(|cell| texts.intern(cell)).collect();
            if value.is_empty() || row.iter().any(|&code| texts.dictionary().text(code).is_empty())
            {
                broken.empty.push(line);
            }
            if values.find(value).is_some() {
                broken.twice.push(line);
                continue;
            }
            values.intern(value);
            rows.push(row);
            lines.push(line);
        }
        for level in 1..levels.len() {
            let mut parent: BTreeMap<u32, u32> = BTreeMap::new();
            for (row, &line) in rows.iter().zip(&lines) {
                if *parent.entry(row[level - 1]).or_insert(row[level]) != row[level] {
                    broken.split.push(line);
                }
            }
        }
        if rows.is_empty() && broken.width.is_empty() {
            return Err(wrong(say!("it holds no value")));
        }
        match broken.said(levels.len() + 1) {
            Some(what) => Err(wrong(what)),
            None => {
                Ok(Hierarchy { name, levels, version, source, values, texts, rows, over: None })
            }
        }
    }

    /// The same table for cells that are codes of a system: a table of 市区町村 to 二次医療圏 for postal codes.
    ///
    /// # Errors
    /// If there is no such code system or level.
    pub fn over(mut self, code: &Name, level: &Name) -> Result<Self, Said> {
        let system = super::system(code.as_str())
            .ok_or_else(|| say!("hierarchy `{}`: there is no code system `{}`", self.name, code))?;
        let found = system.levels().iter().find(|l| l.name == level.as_str());
        let found = found.ok_or_else(|| {
            let known: Vec<Said> = system.levels().iter().map(|l| say!("`{}`", l.name)).collect();
            say!(
                "hierarchy `{}`: `{}` has no level `{}`; there are {}",
                self.name,
                code,
                level,
                Said::join(&known, ", ")
            )
        })?;
        self.over = Some((system, found.name));
        Ok(self)
    }

    /// The value of the table that a cell stands for.
    fn find(&self, value: &str) -> Option<u32> {
        match self.over {
            None => self.values.find(value.trim()),
            Some((system, level)) => self.values.find(&system.up(value, level)?),
        }
    }

    /// Its name in the policy.
    #[must_use]
    pub fn name(&self) -> &Name {
        &self.name
    }
    /// The names of its levels, finest first.
    #[must_use]
    pub fn levels(&self) -> &[Name] {
        &self.levels
    }
    /// Version or year.
    #[must_use]
    pub fn version(&self) -> &Name {
        &self.version
    }
    /// Where it comes from.
    #[must_use]
    pub fn source(&self) -> &Name {
        &self.source
    }
    /// The number of values.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }
    /// Whether there is no value (never, after `parse`).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
    /// The place of a level, finest first.
    #[must_use]
    pub fn position(&self, level: &str) -> Option<usize> {
        self.levels.iter().position(|l| l.as_str() == level)
    }
    /// Whether a value stands in the table.
    #[must_use]
    pub fn covers(&self, value: &str) -> bool {
        self.find(value).is_some()
    }
    /// The value on a level; `None` if the value or the level is not in the table.
    #[must_use]
    pub fn up(&self, value: &str, level: &str) -> Option<&str> {
        let row = &self.rows[self.find(value)? as usize];
        Some(self.texts.dictionary().text(row[self.position(level)?]))
    }
    /// The values, in the order of the table.
    pub fn values(&self) -> impl ExactSizeIterator<Item = &str> + '_ {
        self.values.dictionary().texts()
    }
}

fn check_levels(levels: &[Name]) -> Result<(), Said> {
    if levels.is_empty() {
        return Err(say!("`levels` names no level"));
    }
    for (index, level) in levels.iter().enumerate() {
        let reserved = [super::ALL, super::FULL].contains(&level.as_str());
        if reserved || level.as_str().trim().is_empty() {
            return Err(say!("`{}` cannot be the name of a level", level));
        }
        if levels[..index].contains(level) {
            return Err(say!("level `{}` is named twice", level));
        }
    }
    Ok(())
}

/// Line numbers by what is wrong with the line.
#[derive(Default)]
struct Broken {
    width: Vec<u64>,
    empty: Vec<u64>,
    twice: Vec<u64>,
    split: Vec<u64>,
}

impl Broken {
    fn said(mut self, width: usize) -> Option<Said> {
        self.split.sort_unstable();
        self.split.dedup();
        let width = say!("not {} columns (the value and a column a level)", width);
        let kinds = [
            (width, self.width),
            (say!("an empty cell"), self.empty),
            (say!("a value that stands further up already"), self.twice),
            (
                say!("not nested (a value of a level has another parent than further up)"),
                self.split,
            ),
        ];
        let parts: Vec<Said> = kinds
            .into_iter()
            .filter(|(_, lines)| !lines.is_empty())
            .map(|(what, lines)| {
                let named: Vec<Said> = lines.iter().take(NAMED).map(|l| say!("{}", *l)).collect();
                let more = lines.len().saturating_sub(NAMED);
                let more = if more > 0 { say!(" and {} more", more) } else { say!("") };
                say!("{}: line {}{}", what, Said::join(&named, ", "), more)
            })
            .collect();
        if parts.is_empty() { None } else { Some(Said::join(&parts, "; ")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(levels: usize) -> Vec<Name> {
        (1..=levels).map(|l| Name::from_policy(format!("level{l}"))).collect()
    }
    fn parse(text: &str, levels: usize) -> Result<Hierarchy, Said> {
        let fixed = Name::fixed;
        Hierarchy::parse(fixed("t"), text, b';', false, names(levels), fixed("1"), fixed("test"))
    }

    #[test]
    fn areas_of_municipalities_serve_postal_codes() {
        // Invented areas: no published table may be shipped.
        let text = "13101;A1;east\n13102;A1;east\n27127;B1;west\n";
        let levels = vec![Name::fixed("area"), Name::fixed("side")];
        let table = Hierarchy::parse(
            Name::fixed("iryoken"),
            text,
            b';',
            false,
            levels,
            Name::fixed("2026"),
            Name::fixed("test"),
        )
        .unwrap()
        .over(&Name::fixed("postal"), &Name::fixed("municipality"))
        .unwrap();
        assert_eq!(table.up("100-0001", "area"), Some("A1"));
        assert_eq!(table.up("１０００００１", "side"), Some("east"));
        assert!(!table.covers("0600000") && !table.covers("01101"));
        assert_eq!(table.up("13101", "area"), Some("A1"), "as a release shows it");
        let again = table.clone();
        assert!(again.clone().over(&Name::fixed("post"), &Name::fixed("area")).is_err());
        assert!(again.over(&Name::fixed("postal"), &Name::fixed("town")).is_err());
    }

    #[test]
    fn a_table_is_read_and_climbed() {
        let table = parse("\u{feff}a; ab ;*\r\nb;ab;*\n\nc;c;*\n", 2).unwrap();
        assert_eq!(table.up(" b ", "level1"), Some("ab"));
        assert_eq!(table.up("c", "level2"), Some("*"));
        assert_eq!(table.up("d", "level1"), None);
        assert_eq!(table.up("a", "level3"), None);
        assert_eq!(table.len(), 3);
        assert!(!format!("{table:?}").contains("ab"));
    }

    #[test]
    fn errors_name_lines_and_never_values() {
        for (text, levels, expected) in [
            ("secret;x\nsecret;x\n", 1, "line 2"),
            ("secret;x\nother;x;y\n", 1, "line 2"),
            ("secret;;y\n", 2, "an empty cell: line 1"),
            ("secret;x;y\nother;x;z\n", 2, "not nested"),
            ("", 1, "holds no value"),
            ("secret;x\n", 0, "names no level"),
        ] {
            let error = parse(text, levels).unwrap_err();
            assert!(error.as_str().contains(expected), "{error}");
            assert!(!error.as_str().contains("secret") && !error.as_str().contains("other;"));
        }
        let many: String = (0..9).map(|_| "v;x\n").collect();
        assert!(parse(&many, 1).unwrap_err().as_str().contains("line 2, 3, 4, 5, 6 and 3 more"));
    }

    #[test]
    fn the_hierarchies_of_arx_load() {
        let root = crate::fixtures::fixture("arx");
        let entries = std::fs::read_dir(&root).unwrap();
        let mut seen = 0;
        for entry in entries {
            let path = entry.unwrap().path();
            let file = path.file_name().unwrap().to_str().unwrap().to_owned();
            let Some((data, rest)) = file.split_once("_hierarchy_") else { continue };
            let attribute = rest.trim_end_matches(".csv");
            let text = std::fs::read_to_string(&path).unwrap();
            let width = text.lines().next().unwrap().split(';').count();
            let table = parse(&text, width - 1).unwrap_or_else(|e| panic!("{file}: {e}"));
            assert_eq!(table.len(), text.lines().filter(|l| !l.is_empty()).count());
            seen += 1;
            // Every value of the data set is covered on every level.
            let data = std::fs::read_to_string(root.join(format!("{data}.csv"))).unwrap();
            let mut rows = data.lines().map(|l| l.trim_end().split(';').collect::<Vec<_>>());
            let header = rows.next().unwrap();
            let column = header.iter().position(|c| c.eq_ignore_ascii_case(attribute));
            let Some(column) = column else { continue };
            let ladder = super::super::Ladder::Table(std::sync::Arc::new(table));
            let cells: Vec<&str> = rows.map(|r| r[column]).collect();
            for level in ladder.levels() {
                assert_eq!(ladder.uncovered(cells.iter().copied(), &level), 0, "{file}");
            }
        }
        assert_eq!(seen, 15);
    }
}
