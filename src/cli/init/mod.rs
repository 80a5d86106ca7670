//! `kakou init`: drafts a policy from the files of a folder. A guess is never enough to run: every column that is not
//! clearly to be dropped has the treatment `decide`, which no policy knows.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use self::files::Group;
use self::guess::guess;
use super::{Show, shown};
use crate::detect::genotypes::Genotypes;
use crate::detect::{Keys, Scanner};
use crate::engine::genome;
use crate::error::{Error, Name, Result};
use crate::formats::any::{self, Hints};
use crate::frame::{Column, MISSING};
use crate::policy::model::{Encoding, Holds, InputFormat, LineEnds, Quotes};
use crate::privacy::risk::unique_sets::unique_sets;
use crate::schema::Type;
use crate::{formats, say};

pub mod decide;
mod files;
mod guess;
mod keys;
mod known;
mod values;
mod views;

/// Rows that are looked at to guess types.
const SAMPLE: usize = 5_000;

/// Drafts a policy from the files of a folder: known layouts (DPC, laboratory, receipts, SS-MIX2, FHIR, OMOP) are recognized, other
/// CSV, TSV and Parquet files are guessed at. The draft goes to standard output.
#[derive(Args, Debug)]
pub struct Init {
    /// The folder.
    input: PathBuf,
    /// Ask for each open decision, one after the other; answers are read from the terminal or from standard input.
    #[arg(long)]
    ask: bool,
}

/// The files that the draft does not read, as a comment.
fn left_unread(found: &files::Found) -> String {
    const SHOWN: usize = 20;
    if found.others.is_empty() {
        return String::new();
    }
    let mut text = "\n# 読まないファイル / files that the draft does not read (ignore = [...] says that they are left out on purpose):\n".to_owned();
    for path in found.others.iter().take(SHOWN) {
        let _ = writeln!(text, "#   {}", Name::from_policy(path.to_string_lossy().into_owned()));
    }
    if found.others.len() > SHOWN {
        let _ = writeln!(text, "#   ほか / further: {}", found.others.len() - SHOWN);
    }
    text
}

struct Draft {
    role: &'static str,
    ty: Type,
    extra: String,
    why: &'static str,
    suggestion: (&'static str, &'static str),
    /// Whether its values are numbers of patients.
    names_person: bool,
    /// What the detectors find in the sample.
    seen: Vec<String>,
}

impl Init {
    /// Runs it.
    ///
    /// # Errors
    /// If the folder has no files that can be read.
    pub fn run(&self, show: Show) -> Result<()> {
        let root = self.input.canonicalize().map_err(|e| {
            Error::io("X0501", say!("opening the folder {}", shown(&self.input)), &e)
        })?;
        let mut found = files::find(&root)?;
        let genome = sequences(&root, &mut found);
        if found.groups.is_empty() && found.storages.is_empty() {
            if let Some(error) = genome.iter().find_map(|path| genome::file(&root.join(path))) {
                return Err(error);
            }
            return Err(Error::data(
                "D0001",
                say!("the folder has no files that are read ({}; packed or not)", readable()),
            ));
        }
        let mut notes = Vec::new();
        if !genome.is_empty() {
            notes.push(format!(
                "ゲノム配列のファイルが{0}個ある。個人識別符号（施行令1条1号イ）なので加工できず、フォルダから除くまで run は止まる / {0} files of genome sequences: an individual identification code, so `kakou run` refuses the folder until they are taken out",
                genome.len()
            ));
        }
        if found.cut {
            notes.push(
                "フォルダが大きいので全部は見ていない / a large folder: not everything was looked at"
                    .to_owned(),
            );
        }
        let recognized = known::recognize(&root, &found, &mut notes);
        let (mut text, covered) = match known::draft(&root, &recognized, &notes) {
            Some(draft) => draft,
            None => {
                let notes: Vec<String> = notes.iter().map(|n| format!("# {n}\n")).collect();
                (format!("{HEAD}{}", notes.concat()), Default::default())
            }
        };
        let alone = covered.is_empty();
        let mut rest: Vec<(usize, Group)> = Vec::new();
        for (index, group) in found.groups.iter().enumerate() {
            if covered.contains(&index) {
                continue;
            }
            let groups =
                if known::alike(&root, group) { vec![group.clone()] } else { files::apart(group) };
            rest.extend(groups.into_iter().map(|g| (index, g)));
        }
        // The numbers of all tables first: they are looked for in the columns of every other.
        let mut numbers = Keys::default();
        for (_, group) in &rest {
            learn(&root, group, &mut numbers);
        }
        let mut drafts = Vec::new();
        for (index, group) in &rest {
            for (at, sheet) in sheets(&root, group).iter().enumerate() {
                drafts.push(draft(&root, group, *index, (at, sheet.as_deref()), &numbers));
            }
        }
        let tables: Vec<&TableDraft> = drafts.iter().filter_map(|d| d.as_ref().ok()).collect();
        let keys = keys::Found::of(&tables);
        for drafted in &drafts {
            match drafted {
                Ok(table) => text.push_str(&table.text(&keys)),
                Err(comment) => text.push_str(comment),
            }
        }
        if alone {
            text.push_str(&views::proposed(&tables, &keys));
        }
        text.push_str(&left_unread(&found));
        if self.ask {
            text = decide::ask(&text, &mut std::io::stdin().lock())?;
        }
        if show.json {
            show.json(&serde_json::json!({ "draft": text }));
        } else {
            show.raw(text.as_bytes());
        }
        Ok(())
    }
}

const HEAD: &str = r#"# 下書き: このままでは動かない。"decide" を人が決めた加工方法に置き換えること。
# A draft: it does not run as it is. Replace every "decide" by a treatment that a person chose.
# The roles and types below are guesses; the reason stands behind each. See policies/template.toml and `kakou check`.

[policy]
id = "draft"
version = "1"
profile = "ngmia"

[person]
key = "patient"

[pseudonymized]
project = ""             # 決める / decide
recipient = ""           # 決める / decide
"#;

/// Takes the files of genome sequences out of what is drafted.
fn sequences(root: &Path, found: &mut files::Found) -> Vec<PathBuf> {
    let is = |path: &PathBuf| formats::genome::kind(&root.join(path)).is_some();
    let mut all: Vec<PathBuf> = found.others.iter().filter(|p| is(p)).cloned().collect();
    found.others.retain(|p| !all.contains(p));
    for group in &mut found.groups {
        let (sequences, rest) = std::mem::take(&mut group.files).into_iter().partition(is);
        group.files = rest;
        all.extend::<Vec<PathBuf>>(sequences);
    }
    found.groups.retain(|group| !group.files.is_empty());
    all
}

/// Columns of genotypes at so many places that they name a person: they are dropped.
fn genotypes(columns: &mut [(String, Draft)], cells: &[Column]) {
    let found = Genotypes::of(columns.iter().map(|(name, _)| name.as_str()).zip(cells));
    for &at in found.columns.iter().filter(|_| found.identify()) {
        let draft = &mut columns[at].1;
        draft.role = "id_code";
        draft.suggestion = ("\"drop\"", "\"drop\"");
        draft.why =
            "遺伝型: 個人識別符号（施行令1条1号イ） / genotypes: an individual identification code";
    }
}

/// The columns and the first rows of a group's first file, with their encoding.
fn sample(
    root: &Path,
    group: &Group,
    sheet: Option<&str>,
) -> Result<Option<(any::Shape, Encoding, Vec<Column>)>> {
    let Some(first) = group.files.first() else { return Ok(None) };
    let file = root.join(first);
    let hints = Hints { sheet: sheet.map(str::to_owned), number_repeats: true, ..Hints::default() };
    let shape = any::shape(&file, &hints)?;
    if shape.names_look_like_data {
        return Ok(Some((shape, Encoding::Utf8, Vec::new())));
    }
    let wanted: Vec<usize> = (0..shape.names.len()).collect();
    let name = Name::fixed("draft");
    let (encoding, rows) = any::first(&file, &name, &shape, &hints, &wanted, SAMPLE)?;
    Ok(Some((shape, encoding, rows.columns)))
}

/// What is read, for people: the usual endings, and trees by their word.
fn readable() -> Name {
    let words = InputFormat::ALL.iter().map(|format| {
        let facts = format.facts();
        let endings: Vec<String> = facts.endings.iter().map(|e| format!(".{e}")).collect();
        if endings.is_empty() { format!("a storage of {}", facts.word) } else { endings.join(", ") }
    });
    Name::from_policy(words.collect::<Vec<_>>().join(", "))
}

/// Remembers the numbers of patients in a table.
fn learn(root: &Path, group: &Group, numbers: &mut Keys) {
    for sheet in sheets(root, group) {
        learn_of(root, group, sheet.as_deref(), numbers);
    }
}

/// The sheets of a group's first file, if it is a workbook with several of them.
fn sheets(root: &Path, group: &Group) -> Vec<Option<String>> {
    let Some(first) = group.files.first() else { return Vec::new() };
    let path = root.join(first);
    match formats::sheets(&path, formats::recognized(&path)) {
        Ok(several) if several.len() > 1 => several.into_iter().map(Some).collect(),
        _ => vec![None],
    }
}

fn learn_of(root: &Path, group: &Group, sheet: Option<&str>, numbers: &mut Keys) {
    let Ok(Some((shape, _, columns))) = sample(root, group, sheet) else { return };
    for (name, cells) in shape.names.iter().zip(&columns) {
        if guess(name, cells).names_person {
            cells.dictionary().texts().for_each(|text| numbers.add(text));
        }
    }
}

/// A table on its way into the draft.
struct TableDraft {
    id: String,
    source: String,
    columns: Vec<(String, Draft)>,
    cells: Vec<Column>,
    /// Whether the sample is the whole table.
    whole: bool,
}

/// A table of the draft; a comment where a file cannot be read for one.
fn draft(
    root: &Path,
    group: &Group,
    index: usize,
    (number, sheet): (usize, Option<&str>),
    numbers: &Keys,
) -> std::result::Result<TableDraft, String> {
    let Some(first) = group.files.first() else { return Err(String::new()) };
    if formats::recognized(&root.join(first)).facts().holds == Holds::Records {
        return Err(format!(
            "\n# {}: 知っている版ではない / no layout that is known ({} files)\n",
            group.pattern,
            group.files.len()
        ));
    }
    let (shape, encoding, cells) = match sample(root, group, sheet) {
        Ok(Some(sample)) => sample,
        Ok(None) => return Err(String::new()),
        Err(error) => return Err(unread(group, &error)),
    };
    if shape.names_look_like_data {
        // What stands there is a person's row: it is not shown.
        return Err(format!(
            "\n# {}: 見出しの行がないようで、知っている版でもない。版を書く（docs/layouts.ja.md）か、header = false と列名を書く。\n\
             # It seems to have no header and no layout that is known: write a layout (docs/layouts.md). {} columns, {} files.\n",
            group.pattern,
            shape.names.len(),
            group.files.len()
        ));
    }
    let names = &shape.names;
    let text = shape.format.facts().holds == Holds::Text;
    let usual = formats::usual_delimiter(&formats::ending(&root.join(first)));
    let delimiter = match shape.delimiter {
        other if text && other != usual => {
            format!(", delimiter = {}", quoted(&char::from(other).to_string()))
        }
        _ => String::new(),
    };
    let stem = group.pattern.rsplit('/').next().unwrap_or_default();
    let stem = stem.rsplit_once('.').map_or(stem, |(stem, _)| stem);
    let id: String = stem
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' })
        .take(48)
        .collect();
    let id = id.trim_matches('_');
    let id = if id.is_empty() { format!("table{}", index + 1) } else { id.to_owned() };
    let id = if sheet.is_some() { format!("{id}_{}", number + 1) } else { id };
    let mut form = String::new();
    if let Some(sheet) = sheet {
        let _ = write!(form, ", sheet = {}", quoted(sheet));
    }
    if shape.skip_lines > 0 {
        let _ = write!(form, ", skip_lines = {}", shape.skip_lines);
    }
    if shape.repeats {
        form.push_str(", number_repeats = true");
    }
    let mut columns: Vec<(String, Draft)> = names
        .iter()
        .zip(&cells)
        .map(|(name, cells)| {
            let mut draft = guess(name, cells);
            let found = looks_like(name, cells, numbers, draft.names_person);
            values::decide(&mut draft, name, cells, &found);
            draft.seen.extend(found.into_iter().map(|f| f.line));
            (name.clone(), draft)
        })
        .collect();
    guess::births(&mut columns, &cells);
    guess::apart(&mut columns, &cells);
    genotypes(&mut columns, &cells);
    let habits = any::habits(&root.join(first), &shape).filter(|_| text);
    if habits.is_some_and(|h| h.ends == LineEnds::Crlf) {
        form.push_str(", line_ends = \"crlf\"");
    }
    if let Some(habits) = habits.filter(|h| h.quotes != Quotes::Needed) {
        let _ = write!(form, ", quotes = {}", quoted(habits.quotes.word()));
    }
    let encoding = match encoding {
        Encoding::Utf8 if habits.is_some_and(|h| h.mark) => ", encoding = \"utf-8-bom\"",
        Encoding::Cp932 => ", encoding = \"cp932\"",
        Encoding::Iso2022Jp => ", encoding = \"iso-2022-jp\"",
        Encoding::Utf16 => ", encoding = \"utf-16\"",
        Encoding::Utf8 | Encoding::Utf8Bom => "",
    };
    let source = format!("{{ path = {}{encoding}{delimiter}{form} }}", quoted(&group.pattern));
    let rows = cells.first().map_or(0, Column::len);
    let whole = rows < SAMPLE && group.files.len() == 1;
    Ok(TableDraft { id, source, columns, cells, whole })
}

impl TableDraft {
    /// As TOML, with the key of a stay where another table has it.
    fn text(&self, keys: &keys::Found) -> String {
        let mut text = String::new();
        let _ = writeln!(text, "\n[tables.{}]", self.id);
        let (grain, why) = keys.grain(self);
        let _ = writeln!(text, "grain = \"{grain}\"          # {why}");
        let _ = writeln!(text, "source = {}", self.source);
        let _ = writeln!(text, "keys = {}", keys.keys(self));
        let _ = writeln!(text, "[tables.{}.columns]", self.id);
        for (name, d) in &self.columns {
            let extra = if d.extra.is_empty() { String::new() } else { format!(", {}", d.extra) };
            let _ = writeln!(
                text,
                "{} = {{ role = \"{}\", type = \"{}\"{extra}, pseudonymized = {}, anonymized = {} }}  # {}",
                quoted(name),
                d.role,
                d.ty.word(),
                d.suggestion.0,
                d.suggestion.1,
                d.why
            );
            for line in &d.seen {
                let _ = writeln!(text, "#   {line}");
            }
        }
        let key = keys.person_of(self).unwrap_or_default();
        for line in singling_out(&self.columns, &self.cells, key) {
            let _ = writeln!(text, "# {line}");
        }
        text
    }
}

fn unread(group: &Group, error: &Error) -> String {
    format!(
        "\n# {}: 読めない / could not be read for a draft: [{}] {}\n",
        group.pattern, error.code, error.what
    )
}

/// Columns that are combined at most, and columns of a combination.
const COMBINED: usize = 24;
const TOGETHER: usize = 3;
/// Share of the sampled rows from which on a combination is told, and combinations that are told.
const SHARE: f64 = 0.8;
const TOLD: usize = 5;
/// Fewer rows say nothing: in a handful of rows everything is alone.
const ENOUGH: usize = 20;

/// Which columns together single out the persons of most sampled rows (rows, where no column names the person), as lines
/// of a comment. Names of columns only: no cell is shown.
fn singling_out(columns: &[(String, Draft)], cells: &[Column], key: &str) -> Vec<String> {
    let rows = cells.first().map_or(0, |c| c.codes().len());
    if rows < ENOUGH {
        return Vec::new();
    }
    let person = columns.iter().position(|(name, d)| d.role == "link" && name == key);
    let persons: Vec<u32> = match person {
        Some(p) => cells[p].codes().to_vec(),
        None => (0..rows as u32).collect(),
    };
    // What is taken out or replaced anyway is no candidate; what looks like a quasi-identifier comes first.
    let of_role = |quasi: bool| {
        columns.iter().enumerate().filter_map(move |(c, (_, d))| {
            let open = !matches!(
                d.role,
                "direct" | "id_code" | "financial" | "link" | "text" | "third_party"
            );
            (open && (d.role == "quasi") == quasi).then_some(c)
        })
    };
    let mut candidates: Vec<usize> = of_role(true).chain(of_role(false)).collect();
    let left = candidates.len().saturating_sub(COMBINED);
    candidates.truncate(COMBINED);
    let codes: Vec<&[u32]> = candidates.iter().map(|&c| cells[c].codes()).collect();
    let found = unique_sets(&codes, &persons, TOGETHER, SHARE);
    if found.is_empty() {
        return Vec::new();
    }
    let (whose_ja, whose) = if person.is_some() {
        ("一人だけの", "one person")
    } else {
        ("一つだけの", "itself")
    };
    let mut lines = vec![format!(
        "準識別子の候補 / candidates for quasi-identifiers (先頭 {rows} 行の標本 / a sample of the first {rows} rows):"
    )];
    for set in found.iter().take(TOLD) {
        let names: Vec<String> =
            set.columns.iter().map(|&c| quoted(&columns[candidates[c]].0)).collect();
        let percent = (set.unique * 100.0).floor();
        lines.push(format!(
            "  {}: 合わせると {percent} % の行が{whose_ja}組合せになる / together single out most rows: {percent} % belong to {whose} alone",
            names.join(", ")
        ));
    }
    if found.len() > TOLD {
        lines.push(format!("  ほか / further: {}", found.len() - TOLD));
    }
    if left > 0 {
        lines.push(format!("  見ていない列 / columns not looked at: {left}"));
    }
    lines
}

/// What a detector finds in the sample of a column.
struct Seen {
    /// The detector.
    detector: &'static str,
    /// Cells, and how many have something at all.
    rows: u64,
    filled: u64,
    /// As a line of a comment. No cell's text is shown.
    line: String,
}

/// What the detectors find in the sample of a column.
fn looks_like(name: &str, cells: &Column, numbers: &Keys, own: bool) -> Vec<Seen> {
    let mut held = vec![0_u64; cells.dictionary().len()];
    for &code in cells.codes().iter().filter(|&&c| c != MISSING) {
        held[code as usize] += 1;
    }
    let texts = cells.dictionary().texts().zip(held);
    let filled = cells.codes().iter().filter(|&&c| c != MISSING).count() as u64;
    let scanner = Scanner::of_column(name);
    // A column of patients' numbers holds them of course.
    let scanner = if own { scanner } else { scanner.with_keys(numbers) };
    crate::detect::column::judge(&scanner, texts)
        .into_iter()
        .map(|finding| {
            let doc = crate::detect::DETECTORS[finding.detector].doc();
            let hit = |&&c: &&u32| c != MISSING && finding.hits[c as usize];
            let rows = cells.codes().iter().filter(hit).count() as u64;
            let line = format!(
                "検出 / looks like: {} ({}), {} / {} セル cells",
                doc.ja,
                doc.name,
                crate::error::small(rows),
                filled
            );
            Seen { detector: doc.name, rows, filled, line }
        })
        .collect()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}
