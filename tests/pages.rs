//! Pages: what goes in and what comes out, as a hospital's data manager reads it (`tests/pages/README.md`).

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;
use std::path::Path;

use crate::common::{error_of, files, kakou, new_key, records, releases, repo, text};

/// A table as a page shows it.
#[derive(Clone, Default)]
struct Shown {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A case: what goes in, and what must come out.
#[derive(Clone, Default)]
struct Case {
    title: String,
    policy: String,
    /// Contents of files by name.
    inputs: BTreeMap<String, Vec<u8>>,
    /// Words after `kakou run`, besides the usual ones.
    more: Vec<String>,
    /// Released tables by path.
    expected: BTreeMap<String, Shown>,
    /// Files that must not be there.
    absent: Vec<String>,
    /// Exit code, code of the error, and words that stand in it.
    refused: Option<(i32, String, Vec<String>)>,
}

/// The texts between backticks of a line.
fn quoted(line: &str) -> Vec<String> {
    line.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// `{01-30}` counts, `{F,M}` alternates; a row stands for as many as its longest list has, the others begin again.
fn expanded(row: &[String]) -> Vec<Vec<String>> {
    let list = |inner: &str| -> Vec<String> {
        if let Some((from, to)) = inner.split_once('-')
            && let (Ok(first), Ok(last)) = (from.parse::<u64>(), to.parse::<u64>())
        {
            return (first..=last).map(|n| format!("{n:0width$}", width = from.len())).collect();
        }
        inner.split(',').map(str::to_owned).collect()
    };
    let parts: Vec<Vec<(String, Vec<String>)>> = row
        .iter()
        .map(|cell| {
            let mut parts = Vec::new();
            let mut rest = cell.as_str();
            while let Some((before, after)) = rest.split_once('{') {
                let (inner, behind) = after.split_once('}').unwrap();
                parts.push((before.to_owned(), list(inner)));
                rest = behind;
            }
            parts.push((rest.to_owned(), Vec::new()));
            parts
        })
        .collect();
    let rows = parts.iter().flatten().map(|(_, list)| list.len()).max().unwrap_or(0).max(1);
    (0..rows)
        .map(|n| {
            let cell = |parts: &Vec<(String, Vec<String>)>| {
                parts.iter().fold(String::new(), |mut all, (before, list)| {
                    all.push_str(before);
                    all.push_str(list.get(n % list.len().max(1)).map_or("", String::as_str));
                    all
                })
            };
            parts.iter().map(cell).collect()
        })
        .collect()
}

/// What a page has after a heading of a file: a table, or a block of text.
fn shown(lines: &mut std::iter::Peekable<std::str::Lines<'_>>) -> Shown {
    let cells = |line: &str| -> Vec<String> {
        line.trim().trim_matches('|').split('|').map(|c| c.trim().to_owned()).collect()
    };
    while lines.next_if(|line| !line.starts_with('|')).is_some() {}
    let header = cells(lines.next().unwrap());
    assert!(lines.next().unwrap().starts_with("| -"), "a table has its line of dashes");
    let mut rows = Vec::new();
    while let Some(line) = lines.next_if(|line| line.starts_with('|')) {
        rows.push(cells(line));
    }
    Shown { header, rows }
}

/// The bytes of a file as its heading has it: `(tabs, no header, CP932)`.
fn bytes(shown: &Shown, how: &str) -> Vec<u8> {
    let between = if how.contains("tabs") { "\t" } else { "," };
    let mut all = String::new();
    if !how.contains("no header") {
        writeln!(all, "{}", shown.header.join(between)).unwrap();
    }
    for row in shown.rows.iter().flat_map(|row| expanded(row)) {
        writeln!(all, "{}", row.join(between)).unwrap();
    }
    if how.contains("CP932") {
        let (bytes, _, bad) = encoding_rs::SHIFT_JIS.encode(&all);
        assert!(!bad, "{all}");
        return bytes.into_owned();
    }
    all.into_bytes()
}

fn block(lines: &mut std::iter::Peekable<std::str::Lines<'_>>) -> String {
    let mut all = String::new();
    for line in lines.by_ref() {
        if line == "```" {
            break;
        }
        all.push_str(line);
        all.push('\n');
    }
    all
}

/// The cases of a page. One that does not say its policy or a file has those of the case before.
fn cases(page: &str, head: &str) -> Vec<Case> {
    let mut all: Vec<Case> = Vec::new();
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(title) = line.strip_prefix("## ") {
            let mut before = all.last().cloned().unwrap_or_default();
            // A list of persons is of its own case.
            before.inputs.retain(|name, _| !before.more.contains(name));
            all.push(Case {
                title: title.to_owned(),
                policy: before.policy,
                inputs: before.inputs,
                ..Case::default()
            });
            continue;
        }
        let Some(case) = all.last_mut() else { continue };
        if line == "```toml" {
            case.policy = block(&mut lines);
            if !case.policy.contains("[policy]") && !case.policy.contains("extends") {
                case.policy = format!("{head}{}", case.policy);
            }
        } else if let Some(heading) = line.strip_prefix("### ") {
            let name = quoted(heading).remove(0);
            if heading.starts_with("No ") {
                case.absent.push(name);
            } else if name.starts_with("pseudonymized/") || name.starts_with("anonymized/") {
                case.expected.insert(name, shown(&mut lines));
            } else {
                let content = shown(&mut lines);
                case.inputs.insert(name, bytes(&content, heading));
            }
        } else if let Some(words) = line.strip_prefix("Run with `") {
            let words = words.split('`').next().unwrap();
            case.more = words.split(' ').map(str::to_owned).collect();
        } else if let Some(rest) = line.strip_prefix("**Refused**") {
            let exit = rest.split("exit code ").nth(1).unwrap();
            let exit = exit.split(|c: char| !c.is_ascii_digit()).next().unwrap();
            let mut said = quoted(rest);
            case.refused = Some((exit.parse().unwrap(), said.remove(0), said));
        }
    }
    all
}

fn is_token(cell: &str) -> bool {
    cell.len() == 26 && cell.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase())
}

/// The name in `‹name›`.
fn name_of(want: &str) -> Option<&str> {
    want.strip_prefix('‹').and_then(|w| w.strip_suffix('›'))
}

/// What is known while rows of a page are looked for in a file.
#[derive(Clone)]
struct Found {
    /// Rows of the file that are left.
    left: Vec<Vec<String>>,
    /// Tokens that a row has alone, by column.
    once: Vec<BTreeSet<String>>,
    /// Tokens of names.
    named: HashMap<String, String>,
}

impl Found {
    fn fits(&self, row: &[String], wanted: &[String]) -> bool {
        row.iter().zip(wanted).enumerate().all(|(c, (cell, want))| match name_of(want) {
            _ if want == "…" => true,
            Some("token") => is_token(cell) && !self.once[c].contains(cell),
            Some(name) => match self.named.get(name) {
                Some(token) => token == cell,
                None => is_token(cell) && !self.named.values().any(|token| token == cell),
            },
            None => cell == want,
        })
    }
    fn take(&mut self, at: usize, wanted: &[String]) {
        for (c, (cell, want)) in self.left.swap_remove(at).into_iter().zip(wanted).enumerate() {
            match name_of(want) {
                Some("token") => drop(self.once[c].insert(cell)),
                Some(name) => drop(self.named.insert(name.to_owned(), cell)),
                None => {}
            }
        }
    }
    /// A way to find all rows; which token is a name's is tried out. The row that was not found otherwise.
    fn all<'r>(mut self, wanted: &[&'r [String]]) -> Result<Found, &'r [String]> {
        let Some((first, rest)) = wanted.split_first() else { return Ok(self) };
        let places: Vec<usize> =
            (0..self.left.len()).filter(|&at| self.fits(&self.left[at], first)).collect();
        let open = |want: &String| {
            name_of(want).is_some_and(|n| n != "token" && !self.named.contains_key(n))
        };
        if !first.iter().any(open) {
            let Some(&at) = places.first() else { return Err(first) };
            self.take(at, first);
            return self.all(rest);
        }
        let mut missing = *first;
        for at in places {
            let mut next = self.clone();
            next.take(at, first);
            match next.all(rest) {
                Ok(found) => return Ok(found),
                Err(row) => missing = row,
            }
        }
        Err(missing)
    }
}

/// Holds a released table against the one of the page: the same rows in any order. `‹token›` is a token that no other row of the table
/// has, `‹A›` the token of A in all tables of the release, `…` anything. A first column `rows` says how many such rows there are.
fn compare(at: &str, shown: &Shown, file: &Path, named: &mut HashMap<String, String>) {
    let (header, left) = records(file);
    let counted = shown.header.first().is_some_and(|h| h == "rows");
    let skip = usize::from(counted);
    assert_eq!(header, shown.header[skip..], "{at}: columns");
    let mut wanted: Vec<&[String]> = Vec::new();
    for row in &shown.rows {
        let times = if counted { row[0].parse().unwrap() } else { 1 };
        wanted.extend(std::iter::repeat_n(&row[skip..], times));
    }
    assert_eq!(left.len(), wanted.len(), "{at}: rows");
    // Names first, then what says most.
    wanted.sort_by_key(|row| {
        let names = row.iter().any(|c| name_of(c).is_some_and(|name| name != "token"));
        (!names, row.iter().filter(|c| *c == "…").count())
    });
    let once = vec![BTreeSet::new(); header.len()];
    match (Found { left, once, named: named.clone() }).all(&wanted) {
        Ok(found) => *named = found.named,
        Err(row) => panic!("{at}: no row is {row:?}"),
    }
}

fn check(page: &str, case: &Case) {
    let at = format!("{page}, {}", case.title);
    let work = tempfile::tempdir().unwrap();
    let path = |name: &str| work.path().join(name);
    let policy = path("policy.toml");
    std::fs::write(&policy, &case.policy).unwrap();
    let output = if case.inputs.is_empty() {
        kakou(&["check", "--policy", text(&policy)])
    } else {
        for (name, bytes) in &case.inputs {
            // Lists of persons stand beside the data.
            let file = if case.more.contains(name) { path(name) } else { path("in").join(name) };
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, bytes).unwrap();
        }
        let key = new_key(work.path());
        let (input, out) = (path("in"), path("out"));
        let mut words = vec!["run", "--quiet", "--policy", text(&policy), "--input", text(&input)];
        words.extend(["--key", text(&key), "--out", text(&out)]);
        let paths: Vec<String> = case
            .more
            .iter()
            .map(
                |w| if case.inputs.contains_key(w) { text(&path(w)).to_owned() } else { w.clone() },
            )
            .collect();
        words.extend(paths.iter().map(String::as_str));
        kakou(&words)
    };
    let said = error_of(&output);
    if let Some((exit, code, words)) = &case.refused {
        assert_eq!(output.status.code(), Some(*exit), "{at}: {said}");
        assert!(said.contains(code), "{at}: {code}: {said}");
        for word in words {
            assert!(said.contains(word), "{at}: {word}: {said}");
        }
        assert!(releases(&path("out")).is_empty(), "{at}");
        // No cell of the data is in what was said.
        for (name, bytes) in &case.inputs {
            let (whole, _, _) = encoding_rs::SHIFT_JIS.decode(bytes);
            for cell in whole.lines().skip(1).flat_map(|l| l.split([',', '\t'])) {
                let long = cell.len() >= 6 && !case.policy.contains(cell);
                assert!(!long || !said.contains(cell), "{at}: a cell of {name} is shown");
            }
        }
        return;
    }
    assert!(output.status.success(), "{at}: {said}");
    assert!(case.inputs.is_empty() == case.expected.is_empty(), "{at}: nothing is expected");
    if case.inputs.is_empty() {
        return;
    }
    let release = releases(&path("out")).pop().unwrap();
    for kind in ["pseudonymized/", "anonymized/"] {
        let mut named = HashMap::new();
        for (file, shown) in case.expected.iter().filter(|(file, _)| file.starts_with(kind)) {
            compare(&format!("{at}, {file}"), shown, &release.join(file), &mut named);
        }
    }
    for file in &case.absent {
        assert!(!release.join(file).exists(), "{at}: {file} is there");
    }
    let verified = kakou(&["verify", "--quiet", text(&release)]);
    assert!(verified.status.success(), "{at}: {}", error_of(&verified));
}

/// The head of every policy that does not bring its own.
fn head() -> String {
    let page = std::fs::read_to_string(repo("tests/pages/README.md")).unwrap();
    let mut lines = page.lines().peekable();
    while lines.next_if(|line| *line != "```toml").is_some() {}
    lines.next();
    block(&mut lines)
}

#[test]
fn every_page_holds() {
    let head = head();
    let pages: Vec<_> =
        files(&repo("tests/pages")).into_iter().filter(|p| !p.ends_with("README.md")).collect();
    assert!(pages.len() >= 15, "{}", pages.len());
    let only = std::env::var("PAGE").ok();
    let (mut cases_held, mut failed) = (0, Vec::new());
    for path in pages {
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if only.as_ref().is_some_and(|only| !name.contains(only.as_str())) {
            continue;
        }
        let page = std::fs::read_to_string(&path).unwrap();
        let cases = cases(&page, &head);
        assert!(!cases.is_empty(), "{name} has no case");
        for case in &cases {
            let held = std::panic::catch_unwind(|| check(&name, case));
            if held.is_err() {
                failed.push(format!("{name}, {}", case.title));
            }
            cases_held += 1;
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(only.is_some() || cases_held >= 30, "{cases_held}");
}

#[test]
fn the_marks_of_pages_mean_what_their_page_says() {
    let row = |cells: &[&str]| cells.iter().map(|c| (*c).to_owned()).collect::<Vec<_>>();
    assert_eq!(
        expanded(&row(&["P{08-11}", "{F,M}", "x"])),
        [["P08", "F", "x"], ["P09", "M", "x"], ["P10", "F", "x"], ["P11", "M", "x"]]
            .map(|r| row(&r))
    );
    let work = tempfile::tempdir().unwrap();
    let file = work.path().join("t.csv");
    let (a, b) = ("A".repeat(26), "B".repeat(26));
    std::fs::write(&file, format!("id,sex\n{a},1\n{a},2\n{b},1\n")).unwrap();
    let holds = |rows: &[[&str; 3]]| {
        let header = row(&["rows", "id", "sex"]);
        let shown = Shown { header, rows: rows.iter().map(|r| row(r)).collect() };
        std::panic::catch_unwind(|| compare("t", &shown, &file, &mut HashMap::new())).is_ok()
    };
    assert!(holds(&[["1", "‹X›", "2"], ["1", "‹X›", "1"], ["1", "‹Y›", "1"]]));
    assert!(!holds(&[["1", "‹X›", "2"], ["2", "‹X›", "1"]]), "one name is one token");
    assert!(holds(&[["3", "…", "…"]]) && !holds(&[["2", "…", "…"]]) && !holds(&[["4", "…", "…"]]));
    assert!(!holds(&[["3", "‹token›", "…"]]), "tokens of rows differ");
    assert!(!holds(&[["1", "‹X›", "3"], ["2", "…", "…"]]));
}
