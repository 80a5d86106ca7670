//! `kakou init`: drafts a policy from the files of a folder. A guess is never enough to run: every column that is not
//! clearly to be dropped has the treatment `decide`, which no policy knows.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Show, shown};
use crate::error::{Error, Result};
use crate::frame::{Column, MISSING};
use crate::policy::model::{Encoding, InputFormat};
use crate::privacy::risk::unique_sets::unique_sets;
use crate::schema::Type;
use crate::table::{self, ColumnSpec, ReadSpec};
use crate::text::{date, number};
use crate::{error::Name, say};

/// Rows that are looked at to guess types.
const SAMPLE: usize = 5_000;

/// Drafts a policy from the files of a folder (CSV, TSV, Parquet). The draft goes to standard output.
#[derive(Args, Debug)]
pub struct Init {
    /// The folder.
    input: PathBuf,
}

struct Draft {
    role: &'static str,
    ty: Type,
    extra: String,
    why: &'static str,
    suggestion: (&'static str, &'static str),
    /// What the detectors find in the sample.
    seen: Vec<String>,
}

impl Init {
    /// Runs it.
    ///
    /// # Errors
    /// If the folder has no files that can be read.
    pub fn run(&self, show: Show) -> Result<()> {
        let mut files: Vec<PathBuf> = std::fs::read_dir(&self.input)
            .map_err(|e| Error::io("X0501", say!("opening the folder {}", shown(&self.input)), &e))?
            .flatten()
            .map(|e| e.path())
            .filter(|p| {
                let ending =
                    p.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
                p.is_file() && matches!(ending.as_str(), "csv" | "tsv" | "txt" | "parquet")
            })
            .collect();
        files.sort();
        if files.is_empty() {
            return Err(Error::data(
                "D0001",
                say!("the folder has no .csv, .tsv, .txt or .parquet files"),
            ));
        }
        let mut text = String::from(HEAD);
        for (index, file) in files.iter().enumerate() {
            match draft(file, index) {
                Ok(table) => text.push_str(&table),
                Err(error) => {
                    let _ = writeln!(
                        text,
                        "\n# file {} could not be read for a draft: [{}] {}",
                        index + 1,
                        error.code,
                        error.what
                    );
                }
            }
        }
        text.push_str(TAIL);
        if show.json {
            show.json(&serde_json::json!({ "draft": text }));
        } else {
            use std::io::Write as _;
            let _ = std::io::stdout().write_all(text.as_bytes());
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
key = "patient"          # 決める / decide: which key identifies a person

[pseudonymized]
project = ""             # 決める / decide
recipient = ""           # 決める / decide
"#;

const TAIL: &str = r#"
# 規則18条5号: 準識別子を人数で数えるビュー / item 5: views in which k counts distinct persons
# [anonymized]
# tier = "research"
# [[anonymized.view]]
# name = "person"
# grain = "..."
# quasi = ["table.column", ...]
"#;

fn draft(file: &Path, index: usize) -> Result<String> {
    let ending = file.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase();
    let format = if ending == "parquet" { InputFormat::Parquet } else { InputFormat::Csv };
    let delimiter = if matches!(ending.as_str(), "tsv" | "txt") { b'\t' } else { b',' };
    let first = match format {
        InputFormat::Csv if table::is_iso_2022_jp(file) => Encoding::Iso2022Jp,
        _ => Encoding::Utf8,
    };
    let (encoding, names) = match table::header_names(file, format, first, delimiter) {
        Ok(names) => (first, names),
        Err(_) => (Encoding::Cp932, table::header_names(file, format, Encoding::Cp932, delimiter)?),
    };
    let table_name = Name::fixed("draft");
    let specs: Vec<ColumnSpec> = names
        .iter()
        .map(|n| ColumnSpec {
            name: Name::from_policy(n.clone()),
            missing: Vec::new(),
            ty: Type::String,
            specials: Vec::new(),
            path: Vec::new(),
        })
        .collect();
    let open = |encoding| {
        let spec = ReadSpec {
            table: &table_name,
            format,
            encoding,
            delimiter,
            header: true,
            ignore_case: false,
            multiline: true,
            trim: true,
            columns: &specs,
            set_aside: &[],
            record: None,
            ignore: &[],
        };
        table::open(file, &spec)?.next(SAMPLE)
    };
    let (encoding, batch) = match open(encoding) {
        Ok(batch) => (encoding, batch),
        Err(_) if encoding == Encoding::Utf8 => (Encoding::Cp932, open(Encoding::Cp932)?),
        Err(error) => return Err(error),
    };
    let stem = file.file_stem().and_then(|s| s.to_str()).unwrap_or("table");
    let id: String = stem
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' })
        .take(48)
        .collect();
    let id = if id.trim_matches('_').is_empty() { format!("table{}", index + 1) } else { id };
    let columns: Vec<(String, Draft)> = names
        .iter()
        .enumerate()
        .map(|(c, name)| {
            let empty = Column::constant(None, 0);
            let cells = batch.as_ref().map_or(&empty, |b| &b.table.columns[c]);
            let mut draft = guess(name, cells);
            draft.seen = looks_like(name, cells);
            (name.clone(), draft)
        })
        .collect();
    let mut text = String::new();
    let file_name = file.file_name().and_then(|s| s.to_str()).unwrap_or_default();
    let _ = writeln!(text, "\n[tables.{id}]");
    let _ = writeln!(
        text,
        "grain = \"event\"          # 決める / decide: person, event, or a key that each row owns"
    );
    let encoding = match encoding {
        Encoding::Cp932 => ", encoding = \"cp932\"",
        Encoding::Iso2022Jp => ", encoding = \"iso-2022-jp\"",
        Encoding::Utf8 | Encoding::Utf8Bom => "",
    };
    let _ = writeln!(text, "source = {{ path = {}{encoding} }}", quoted(file_name));
    let key = columns.iter().find(|(_, d)| d.role == "link").map_or("", |(n, _)| n.as_str());
    let _ = writeln!(text, "keys = {{ patient = {} }}   # 決める / decide", quoted(key));
    let _ = writeln!(text, "[tables.{id}.columns]");
    for (name, d) in &columns {
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
    if let Some(batch) = &batch {
        for line in singling_out(&columns, &batch.table.columns, key) {
            let _ = writeln!(text, "# {line}");
        }
    }
    Ok(text)
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

/// What the detectors find in the sample of a column, as lines of a comment. No cell's text is shown.
fn looks_like(name: &str, cells: &Column) -> Vec<String> {
    let texts = cells.dictionary().texts();
    let filled = cells.codes().iter().filter(|&&c| c != MISSING).count() as u64;
    crate::detect::column::judge(&crate::detect::Scanner::of_column(name), texts)
        .into_iter()
        .map(|finding| {
            let doc = crate::detect::CATALOGUE[finding.detector].doc();
            let hit = |&&c: &&u32| c != MISSING && finding.hits[c as usize];
            let rows = cells.codes().iter().filter(hit).count() as u64;
            format!(
                "検出 / looks like: {} ({}), {} / {} セル cells",
                doc.ja,
                doc.name,
                crate::error::small(rows),
                filled
            )
        })
        .collect()
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// Role and type of a column from its name and a sample of its cells. Order matters: what identifies comes first.
fn guess(name: &str, cells: &Column) -> Draft {
    let ty = guess_type(cells);
    let lower = name.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|w| lower.contains(w));
    const DECIDE: (&str, &str) = ("\"decide\"", "\"decide\"");
    const DROP: (&str, &str) = ("\"drop\"", "\"drop\"");
    let make = |role, ty, extra: &str, why, suggestion| Draft {
        role,
        ty,
        extra: extra.to_owned(),
        why,
        suggestion,
        seen: Vec::new(),
    };
    if has(&[
        "個人番号",
        "マイナンバー",
        "保険者番号",
        "被保険者",
        "記号",
        "枝番",
        "受給者番号",
        "旅券",
        "免許",
        "my_number",
        "insured",
    ]) {
        make(
            "id_code",
            Type::Code,
            "",
            "個人識別符号と思われる名称 / the name suggests an identification code",
            DROP,
        )
    } else if has(&["カード番号", "口座", "card_number", "account", "password", "login"]) {
        make("financial", Type::Code, "", "財産的被害のおそれ / may cause financial damage", DROP)
    } else if has(&[
        "氏名",
        "患者名",
        "カナ",
        "姓",
        "住所",
        "電話",
        "メール",
        "連絡先",
        "family_name",
        "given_name",
        "display_name",
        "patient_name",
        "phone",
        "address",
        "email",
        "mail",
    ]) {
        make(
            "direct",
            Type::String,
            "",
            "氏名・住所・連絡先と思われる名称 / the name suggests a direct identifier",
            DROP,
        )
    } else if has(&[
        "患者id",
        "患者番号",
        "patient_id",
        "person_id",
        "データ識別番号",
        "カルテ番号",
        "mrn",
    ]) {
        make(
            "link",
            Type::Code,
            "",
            "患者番号と思われる名称 / the name suggests a person's number",
            ("\"pseudonym\"", "\"surrogate\""),
        )
    } else if has(&[
        "入院番号",
        "受診番号",
        "オーダ",
        "encounter_id",
        "visit_id",
        "order_id",
        "_id",
        "番号",
    ]) && guess_unique(cells)
    {
        make(
            "link",
            Type::Code,
            "",
            "値の多くが異なる番号 / a number whose values mostly differ",
            ("\"pseudonym\"", "\"decide\""),
        )
    } else if has(&[
        "医師",
        "看護師",
        "職員",
        "施設",
        "病棟",
        "doctor",
        "physician",
        "surgeon",
        "nurse",
        "provider",
        "prescriber",
        "staff",
        "ward",
        "facility",
        "hospital",
    ]) {
        make(
            "third_party",
            Type::Code,
            "",
            "医療者・施設と思われる名称 / the name suggests staff or a facility",
            ("\"drop\"", "\"drop\""),
        )
    } else if has(&[
        "備考",
        "自由記載",
        "コメント",
        "所見",
        "note",
        "comment",
        "remark",
        "complaint",
    ]) || guess_free_text(cells)
    {
        make(
            "text",
            Type::String,
            "",
            "自由記載と思われる。仮名加工では \"redact\"（墨消し、docs/detectors.ja.md）も選べる / looks like free text; pseudonymized = \"redact\" replaces identifiers by marks (docs/detectors.md)",
            DROP,
        )
    } else if ty.is_date() && has(&["生年", "birth"]) {
        make(
            "quasi",
            ty,
            "kind = \"birth\"",
            "生年月日 / a birth date",
            ("{ truncate_date = \"month\" }", "\"decide\""),
        )
    } else if ty.is_date() {
        make("quasi", ty, "kind = \"event\"", "日付 / a date", DECIDE)
    } else if has(&[
        "性別",
        "sex",
        "gender",
        "年齢",
        "age",
        "郵便",
        "zip",
        "postal",
        "都道府県",
        "市区町村",
    ]) {
        let extra = if has(&["郵便", "zip", "postal"]) { "code = \"postal\"" } else { "" };
        make(
            "quasi",
            ty,
            extra,
            "準識別子と思われる名称 / the name suggests a quasi-identifier",
            DECIDE,
        )
    } else if has(&["icd", "病名", "傷病", "diagnosis", "転帰", "outcome", "死亡", "death"])
    {
        make(
            "sensitive",
            Type::Code,
            "",
            "傷病・転帰と思われる名称 / the name suggests a diagnosis or outcome",
            ("\"keep\"", "\"decide\""),
        )
    } else {
        make("payload", ty, "", "その他の項目 / other content", ("\"keep\"", "\"decide\""))
    }
}

fn texts(cells: &Column) -> impl Iterator<Item = &str> {
    cells.dictionary().texts()
}

fn guess_type(cells: &Column) -> Type {
    if cells.dictionary().is_empty() {
        return Type::String;
    }
    let all = |f: &dyn Fn(&str) -> bool| texts(cells).all(f);
    if all(&|t| matches!(t.to_ascii_lowercase().as_str(), "true" | "false")) {
        Type::Boolean
    } else if all(&|t| {
        t.len() >= 8 && date::parse(t).is_some_and(|w| w.days().is_some() && !w.has_time())
    }) {
        Type::Date
    } else if all(&|t| t.len() >= 8 && date::parse(t).is_some_and(|w| w.days().is_some())) {
        Type::Datetime
    } else if texts(cells)
        .any(|t| t.len() > 1 && t.starts_with('0') && t.bytes().all(|b| b.is_ascii_digit()))
    {
        Type::Code
    } else if all(&|t| number::parse_integer(t).is_some()) {
        Type::Integer
    } else if all(&|t| number::Decimal::parse(t).is_some()) {
        Type::Decimal
    } else if all(&|t| number::Measured::parse(t).is_some()) {
        Type::Measured
    } else {
        Type::String
    }
}

fn guess_unique(cells: &Column) -> bool {
    let filled = cells.codes().iter().filter(|&&c| c != MISSING).count();
    filled > 0 && cells.dictionary().len() * 10 >= filled * 3
}

fn guess_free_text(cells: &Column) -> bool {
    let distinct = cells.dictionary().len();
    let long = texts(cells).filter(|t| t.chars().count() > 20).count();
    distinct > 5 && long * 3 > distinct
}
