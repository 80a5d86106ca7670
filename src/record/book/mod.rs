//! The recipient's data dictionary: columns, meaning, type, unit, how missing looks, what joins. It is derived from the treatments that
//! made the release, so that it cannot say something else than the files. No parameter of the processing: recipients must not obtain
//! the method (法30条).
//!
//! The same facts as JSON, as CSV, as a page, and as two records for catalogues of data ([`catalogue`]).

use serde_json::{Value, json};

use crate::engine::emit::OutputFile;
use crate::error::{Name, Tell};
use crate::plan::shape::Released;
use crate::plan::{ColumnPlan, Grain, Plan, TablePlan, shape};
use crate::policy::model::OutputFormat;
use crate::schema::codes;
use crate::schema::file::{Encoding, OutType, Parts};
use crate::schema::{Kind, Type};
use crate::technique::Treatment;

pub mod catalogue;
mod page;

/// The forms of the dictionary of a release: file name and content.
#[must_use]
pub fn all(
    plan: &Plan,
    kind: Kind,
    files: &[OutputFile],
    for_release: bool,
) -> Vec<(&'static str, Vec<u8>)> {
    let mut book = dictionary(plan, kind, files);
    if !for_release {
        book["notForRelease"] = json!(true);
    }
    let pretty = |value: &Value| {
        let mut bytes = serde_json::to_vec_pretty(value).unwrap_or_default();
        bytes.push(b'\n');
        bytes
    };
    vec![
        (crate::plan::shape::DICTIONARY, pretty(&book)),
        // No table has a dot in its name.
        ("dictionary.columns.csv", page::csv(&book).into_bytes()),
        ("dictionary.html", page::html(&book).into_bytes()),
        ("datapackage.json", pretty(&catalogue::package(&book))),
        ("dcat.jsonld", pretty(&catalogue::dcat(&book))),
    ]
}

/// Something in Japanese and in English.
type Both = [String; 2];

fn both(ja: impl Into<String>, en: impl Into<String>) -> Both {
    [ja.into(), en.into()]
}

/// The data dictionary of a release as JSON.
#[must_use]
pub fn dictionary(plan: &Plan, kind: Kind, made: &[OutputFile]) -> Value {
    let files = shape::files(plan, kind);
    let tables: Vec<Value> = plan
        .tables
        .iter()
        .enumerate()
        .filter_map(|(t, table)| {
            let released = shape::released(plan, t, kind);
            let file = files.iter().find(|f| f.tables.contains(&t))?;
            let columns: Vec<Value> =
                released.iter().flat_map(|r| columns(plan, kind, t, r)).collect();
            let name = file.relative.rsplit('/').next();
            let written = made.iter().find(|f| f.kind == kind && f.table == t);
            let mut told = json!({
                "table": table.name,
                "file": name,
                "rows": written.map(|f| f.written.rows),
                "persons": written.map(|f| persons(f.persons)),
                "rowOf": row_of(plan, table),
                "columns": columns,
            });
            if let (Some(_), Some(part)) = (file.long, &table.part) {
                let rows: serde_json::Map<String, Value> = part
                    .matching
                    .iter()
                    .map(|(c, v)| (table.columns[*c].facts.column.as_str().to_owned(), json!(v)))
                    .collect();
                // Several tables are in the file: which rows are this one's, and what stands in a row.
                told["rowsOf"] = json!(rows);
            }
            if file.fhir.is_some() {
                told["format"] = json!(file.format(plan));
                told["resource"] = json!(table.source.record);
                let paths = released.iter().map(|r| {
                    let column = &table.columns[r.column];
                    (column.facts.column.as_str().to_owned(), json!(column.path))
                });
                told["paths"] = Value::Object(paths.collect());
            } else if file.long.is_some() || file.own {
                let dialect = file.dialect(plan);
                told["format"] = json!(file.format(plan));
                told["fileColumns"] =
                    file.columns.iter().map(|&c| json!(table.columns[c].facts.column)).collect();
                told["separator"] = json!(char::from(dialect.delimiter));
                told["header"] = json!(dialect.header);
                if let Some(written) = written.filter(|_| !file.names.is_empty()) {
                    let names = written.paths.iter().filter_map(|p| p.rsplit('/').next());
                    told["files"] = json!(names.collect::<Vec<_>>());
                }
                told["lineEnds"] = json!(dialect.ends);
                told["quotes"] = json!(dialect.quotes);
                told["encoding"] = json!(file.encoding(plan));
                let fillers: serde_json::Map<String, Value> = file
                    .fillers(plan, t, kind)
                    .into_iter()
                    .map(|(at, text)| {
                        let column = &table.columns[file.columns[at]].facts.column;
                        (column.as_str().to_owned(), json!(text))
                    })
                    .collect();
                if !fillers.is_empty() {
                    told["fillers"] = json!(fillers);
                }
            }
            Some(told)
        })
        .collect();
    let zone = zone_of(plan.zone);
    json!({
        "release": kind.word(),
        "kind": kind.ja(),
        "policy": plan.id,
        "policyVersion": plan.version,
        "format": crate::plan::shape::extension(plan.output.format),
        "encoding": match plan.output.format { OutputFormat::Csv => plan.output.encoding, OutputFormat::Parquet | OutputFormat::Xlsx | OutputFormat::Ndjson => Encoding::Utf8 },
        "typed": plan.output.typed(),
        "zone": zone,
        "missing": "an empty cell (CSV, workbook) or null (Parquet); a suppressed cell looks the same",
        "missingJa": "空のセル（CSV、ブック）または null（Parquet）。伏せたセルも同じ",
        "tokens": "26 characters (Crockford base32); equal tokens of one column domain stand for the same person, stay or code within this release only",
        "tokensJa": "26字の符号。同じ符号は、この提供データの中で同じ人・入院・コードを表す",
        "tables": tables,
    })
}

/// A number of persons; fewer than ten are not told.
fn persons(n: u64) -> Value {
    match n {
        1..=9 => json!("<10"),
        _ => json!(n),
    }
}

/// What a row is of: the key that each row has alone.
fn row_of(plan: &Plan, table: &TablePlan) -> Value {
    match table.grain {
        Grain::Person => json!(plan.person_key),
        Grain::Key(key) => json!(table.keys[key].name),
        Grain::Event => Value::Null,
    }
}

fn zone_of(seconds: i32) -> String {
    match seconds {
        32_400 => "Asia/Tokyo".to_owned(),
        0 => "UTC".to_owned(),
        other => {
            let (sign, ahead) = (if other < 0 { '-' } else { '+' }, other.abs());
            format!("{sign}{:02}:{:02}", ahead / 3600, ahead / 60 % 60)
        }
    }
}

/// What a policy says a column means, for one release: `仮名: …、匿名: …` has a part for each.
fn meaning_of(text: &str, kind: Kind) -> Option<String> {
    let marks = [("仮名:", Kind::Pseudonymized), ("匿名:", Kind::Anonymized)];
    let mut places: Vec<(usize, usize, Kind)> = marks
        .iter()
        .filter_map(|(mark, of)| text.find(mark).map(|at| (at, at + mark.len(), *of)))
        .collect();
    places.sort_unstable_by_key(|p| p.0);
    let trim = |text: &str| text.trim_matches([' ', '、', '。', '，', '（', '）', '　']).to_owned();
    let first = places.first().map_or(text.len(), |p| p.0);
    let mut parts = vec![trim(&text[..first])];
    for (index, (_, from, of)) in places.iter().enumerate() {
        let to = places.get(index + 1).map_or(text.len(), |next| next.0);
        if *of == kind {
            parts.push(trim(&text[*from..to]));
        }
    }
    parts.retain(|p| !p.is_empty());
    (!parts.is_empty()).then(|| parts.join("。"))
}

/// The columns of the file that a released column becomes.
fn columns(plan: &Plan, kind: Kind, t: usize, r: &Released) -> Vec<Value> {
    let table = &plan.tables[t];
    let column = &table.columns[r.column];
    let treatment = &column.treatment(kind).treatment;
    let shows = treatment.shows();
    let token = shows.token();
    let name = table.name_in(kind, r.column).as_str();
    let system = column.facts.code.as_ref().filter(|_| !token);
    let format = format_of(plan, column, treatment, r);
    let unit = column.unit.as_ref().map(|u| u.as_str().to_owned()).or_else(|| unit_of(treatment));
    let keeps = treatment.keeps_codes();
    let hidden = token || shows.gone();
    let specials: &[String] = if hidden { &[] } else { &column.facts.specials };
    let mut first = json!({
        "name": name,
        "label": column.alias,
        "meaning": column.meaning.as_ref().and_then(|m| meaning_of(m.as_str(), kind)),
        "unit": unit,
        "type": crate::proof::structure::type_word(r.out),
        "content": if token { "token" } else if shows.kept() { "as collected" } else { "processed" },
        "formatJa": format[0],
        "format": format[1],
        "codeSystem": system,
        "codeSystemJa": system.and_then(|s| codes::system(s.as_str())).map(codes::CodeSystem::ja),
        "codeVersion": system.and_then(|s| codes::system(s.as_str())).map(codes::CodeSystem::version),
        // The special values are codes of the source system; they pass through untouched.
        "specialValues": specials,
        "other": treatment.remainder(),
        "labels": if keeps { json!(column.labels) } else { json!({}) },
    });
    if let Some(key) = column.key.filter(|_| token) {
        let word = &table.keys[key].name;
        first["key"] = json!(word);
        first["joins"] = json!(joins(plan, kind, t, word));
    }
    let beside = r.in_file(name).into_iter().skip(1).zip(r.parts.endings());
    let beside = beside.map(|((own, out), ending)| {
        let format = beside_of(ending, name);
        json!({
            "name": own,
            "beside": name,
            "unit": if matches!(r.parts, Parts::Bounds) { json!(unit) } else { Value::Null },
            "type": crate::proof::structure::type_word(out),
            "content": "processed",
            "formatJa": format[0],
            "format": format[1],
            "specialValues": if *ending == ".note" { json!(specials) } else { json!([]) },
            "labels": if *ending == ".note" && keeps { json!(column.labels) } else { json!({}) },
        })
    });
    let beside: Vec<Value> = beside.collect();
    std::iter::once(first).chain(beside).collect()
}

/// The other tables of the release with tokens of the same key: which column of which table.
fn joins(plan: &Plan, kind: Kind, t: usize, key: &Name) -> Vec<String> {
    let shows = |table: &TablePlan, c: usize| {
        let column = &table.columns[c];
        column.key.is_some_and(|k| table.keys[k].name == *key)
            && column.treatment(kind).output.is_some()
    };
    let others = plan.tables.iter().enumerate().filter(|(other, _)| *other != t);
    others
        .flat_map(|(_, table)| {
            let columns = (0..table.columns.len()).filter(|&c| shows(table, c));
            columns.map(|c| format!("{}.{}", table.name, table.name_in(kind, c)))
        })
        .collect()
}

fn unit_of(treatment: &Treatment) -> Option<String> {
    match treatment {
        Treatment::AgeBand(_) => Some("年 / years".to_owned()),
        Treatment::DaysSince(_) | Treatment::StayInterval(_) => Some("日 / days".to_owned()),
        _ => None,
    }
}

/// What stands in a column beside another.
fn beside_of(ending: &str, name: &str) -> Both {
    match ending {
        ".op" => both(
            format!("{name} の前の記号: < <= > >=。あれば、値はその数より小さい（大きい）"),
            format!(
                "the operator before {name}: < <= > >=; where there is one, the value is below (above) the number"
            ),
        ),
        ".note" => both(
            format!("{name} の値でないもの: 定性の結果（(+) など）、特別な値"),
            format!("what is no value of {name}: a class such as (+), a special value"),
        ),
        ".from" => both(
            format!("{name} の下端。空は下に開いている"),
            format!("the lower end of {name}; empty where it is open below"),
        ),
        _ => both(
            format!("{name} の上端。空は上に開いている"),
            format!("the upper end of {name}; empty where it is open above"),
        ),
    }
}

/// How the cells of a column look.
fn format_of(plan: &Plan, column: &ColumnPlan, treatment: &Treatment, r: &Released) -> Both {
    let joined = |[ja, en]: Both| match r.parts {
        Parts::Bounds => both(
            format!("{ja}。5-8 は両端を含む、>=30・30+ は30以上、<5 は5未満"),
            format!("{en}; 5-8 is with both ends, >=30 and 30+ are 30 and over, <5 is below 5"),
        ),
        _ => [ja, en],
    };
    let system = column.facts.code.as_ref();
    let coded = |group: bool| {
        let ja = system.and_then(|s| codes::system(s.as_str())).map_or_else(
            || system.map_or_else(|| "コード".to_owned(), Tell::tell),
            |s| s.ja().to_owned(),
        );
        let en = system.map_or_else(|| "code".to_owned(), Tell::tell);
        if group {
            both(format!("{ja}、またはそれをまとめた区分"), format!("{en}, or a group of them"))
        } else {
            both(ja, en)
        }
    };
    match treatment {
        Treatment::Pseudonym(_) | Treatment::Surrogate(_) => {
            both("符号（26字）", "token (26 characters)")
        }
        Treatment::AgeBand(_) => both(
            "年齢の階級: 60-79 は60歳以上80歳未満、90+ は90歳以上",
            "band of ages: 60-79 is from 60 to 79 years, 90+ is 90 and over",
        ),
        Treatment::Band(_) | Treatment::StayInterval(_) => both(
            "数の区間: 10-19 は両端を含む、90+ は90以上、[0.5,1) は0.5以上1未満",
            "interval of numbers: 10-19 is with both ends, 90+ is 90 and over, [0.5,1) is from 0.5 to below 1",
        ),
        Treatment::DaysSince(with) => joined(both(
            format!("{} からの日数（前は負の数）", with.anchor.0),
            format!("days since {} (negative before it)", with.anchor.0),
        )),
        Treatment::TruncateDate(_) => both(
            "日付を含む期間: 2026、FY2026（4月から）、2026H1、2026Q1、2026-01、2026-01-31",
            "a period: 2026, FY2026 (from April), 2026H1, 2026Q1, 2026-01, 2026-01-31",
        ),
        Treatment::Presence(_) => both("1 あり、0 なし", "1 present, 0 absent"),
        Treatment::Redact(_) => {
            both("文章。一部は印に置き換わっている", "text, parts of which are marks")
        }
        Treatment::Constant(_) => both("すべて同じ語", "one word in all rows"),
        Treatment::Generalize(_) | Treatment::Rare(_) | Treatment::Prefix(_) => coded(true),
        Treatment::Map(_) => both("区分", "category"),
        _ => value_of(plan, r, &coded(false)),
    }
}

/// How values look that are shown as such.
fn value_of(plan: &Plan, r: &Released, code: &Both) -> Both {
    let zone = zone_of(plan.zone);
    match (r.out, r.ty) {
        (OutType::Date, _) => both("日付 2026-01-31", "date 2026-01-31"),
        (OutType::Timestamp, _) => both(
            format!("日時 2026-01-31T09:30:00（{zone} の時計。時刻のないものは0時）"),
            format!(
                "moment 2026-01-31T09:30:00 (clocks of {zone}; midnight where no time is known)"
            ),
        ),
        (OutType::Integer, _) => both("整数", "whole number"),
        (OutType::Decimal, _) => both("数", "number"),
        (OutType::Boolean, _) => both("true（はい）・false（いいえ）", "true, false"),
        (OutType::Text, ty) if ty.is_date() => {
            both("日付。収集時の書き方のまま", "date, written as it was collected")
        }
        (OutType::Text, Type::Integer | Type::Decimal) => {
            both("数。収集時の書き方のまま", "number, written as it was collected")
        }
        (OutType::Text, Type::Measured) => both(
            "数。記号（> など）や定性の結果（(+) など）が付くことがある",
            "number, which may have an operator (>) or a class ((+))",
        ),
        (OutType::Text, Type::Boolean) => both("はい・いいえ", "yes or no"),
        (OutType::Text, Type::Code) => code.clone(),
        (OutType::Text, _) => both("文字", "text"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// No parameter of any technique is a key of the dictionary.
    #[test]
    fn the_dictionary_has_no_field_for_parameters() {
        let source = include_str!("mod.rs");
        // What separates the cells of a file tells nothing of a technique.
        let body = source.split("#[cfg(test)]").next().unwrap().replace("delimiter", "");
        for word in ["describe(", "frozen", "limit", "weeks", "key_id"] {
            assert!(!body.contains(word), "{word}");
        }
    }

    #[test]
    fn a_meaning_is_told_to_the_release_that_it_is_of() {
        let text = "生年月日。仮名: 生年月、匿名: 年齢階級";
        assert_eq!(meaning_of(text, Kind::Pseudonymized).unwrap(), "生年月日。生年月");
        assert_eq!(meaning_of(text, Kind::Anonymized).unwrap(), "生年月日。年齢階級");
        assert_eq!(meaning_of("匿名: 在院日数", Kind::Pseudonymized), None);
        assert_eq!(meaning_of("JLAC10", Kind::Pseudonymized).unwrap(), "JLAC10");
    }
}
