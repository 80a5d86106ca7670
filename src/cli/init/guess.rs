//! What a column may be: role, type and treatments, from its name and a sample of its cells.

use super::Draft;
use crate::frame::Column;
use crate::schema::Type;
use crate::schema::names::{Meaning, suggests};
use crate::text::spelled::{Calendar, MOMENTS};
use crate::text::{date, number};

/// Role and type of a column from its name and a sample of its cells. Order matters: what identifies comes first.
pub(super) fn guess(name: &str, cells: &Column) -> Draft {
    let (ty, others) = guess_type(name, cells);
    let mut draft = by_name(name, cells, ty);
    unreadable(&mut draft, ty, cells);
    if draft.ty == ty {
        let specials: Vec<&str> = FILLERS.iter().copied().filter(|f| others.contains(f)).collect();
        if !specials.is_empty() {
            let list: Vec<String> = specials.iter().map(|s| format!("\"{s}\"")).collect();
            let comma = if draft.extra.is_empty() { "" } else { ", " };
            draft.extra = format!("{}{comma}specials = [{}]", draft.extra, list.join(", "));
        }
        let missing: Vec<&str> = texts(cells).filter(|t| is_none_word(t, ty)).collect();
        if !missing.is_empty() {
            let list: Vec<String> = missing.iter().map(|s| super::quoted(s)).collect();
            let comma = if draft.extra.is_empty() { "" } else { ", " };
            draft.extra = format!("{}{comma}missing = [{}]", draft.extra, list.join(", "));
        }
        if others.len() > specials.len() {
            draft.seen.push(format!(
                "型 {} でない値がある / some values are not of type {}: 表に set_aside = [\"type\"] / on the table",
                ty.word(),
                ty.word()
            ));
        }
    }
    draft
}

/// Values that mean "none" in the layouts of hospitals; no person's data, so they may be shown.
const FILLERS: &[&str] =
    &["00000000", "99999999", "0000000", "9999999", "000", "999", "0000", "9999"];

/// Words for "no value" in cells; no person's data, so they may be shown.
const NONE_WORDS: &[&str] = &[
    "-",
    "--",
    "－",
    "ー",
    "―",
    ".",
    "NULL",
    "null",
    "(null)",
    "NA",
    "N/A",
    "#N/A",
    "NaN",
    "nan",
    "None",
    "\\N",
    "不明",
    "未測定",
    "未検",
    "未実施",
    "検体不良",
    "検体なし",
    "測定不能",
    "溶血",
    "欠測",
    "なし",
    "再検",
    "保留",
];

/// Whether a text says that there is no value, in a column of a type. In texts and codes `-` and なし may be a value.
fn is_none_word(text: &str, ty: Type) -> bool {
    let sure = matches!(text, "NULL" | "null" | "(null)" | "#N/A" | "NaN" | "nan" | "\\N");
    let class = ty == Type::Measured && matches!(text, "-" | "－");
    NONE_WORDS.contains(&text) && !class && (sure || ty.is_number() || ty.is_date())
}

fn by_name(name: &str, cells: &Column, ty: Type) -> Draft {
    const DECIDE: (&str, &str) = ("\"decide\"", "\"decide\"");
    const DROP: (&str, &str) = ("\"drop\"", "\"drop\"");
    let make = |role, ty, extra: &str, why, suggestion| Draft {
        role,
        ty,
        extra: extra.to_owned(),
        why,
        suggestion,
        names_person: false,
        seen: Vec::new(),
    };
    let code = Type::Code;
    let meaning = suggests(name).map(|s| s.meaning);
    match meaning {
        Some(Meaning::IdCode) => {
            let why = "個人識別符号と思われる名称 / the name suggests an identification code";
            make("id_code", code, "", why, DROP)
        }
        Some(Meaning::Financial) => {
            let why = "財産的被害のおそれ / may cause financial damage";
            make("financial", code, "", why, DROP)
        }
        Some(Meaning::Name | Meaning::Address | Meaning::Contact) => {
            let why = "氏名・住所・連絡先と思われる名称 / the name suggests a direct identifier";
            make("direct", Type::String, "", why, DROP)
        }
        Some(Meaning::Patient) => {
            let why = "患者番号と思われる名称 / the name suggests a person's number";
            let tokens = ("\"pseudonym\"", "\"surrogate\"");
            Draft { names_person: true, ..make("link", code, "", why, tokens) }
        }
        Some(Meaning::Number) => {
            let why = "番号と思われる名称 / the name suggests a number of something";
            make("link", code, "", why, ("\"pseudonym\"", "\"decide\""))
        }
        Some(Meaning::Staff | Meaning::Facility) => {
            let why = "医療者・施設と思われる名称 / the name suggests staff or a facility";
            make("third_party", code, "", why, DROP)
        }
        _ if meaning == Some(Meaning::Text) || guess_free_text(cells) => {
            let why = "自由記載と思われる。仮名加工では \"redact\"（墨消し、docs/detectors.ja.md）も選べる / looks like free text; pseudonymized = \"redact\" replaces identifiers by marks (docs/detectors.md)";
            make("text", Type::String, "", why, DROP)
        }
        // A year, a month, an era alone: no date that could be cut.
        Some(Meaning::BirthPart) if !ty.is_date() => {
            let why = "生年月日の一部と思われる名称 / the name suggests a part of a birth date";
            make("quasi", ty, "", why, DECIDE)
        }
        Some(Meaning::Birth | Meaning::BirthPart) => {
            let ty = if ty.is_date() { ty } else { Type::PartialDate };
            let treatments = ("{ truncate_date = \"month\" }", "\"decide\"");
            make("quasi", ty, "kind = \"birth\"", "生年月日 / a birth date", treatments)
        }
        _ if ty.is_date() => make("quasi", ty, "kind = \"event\"", "日付 / a date", DECIDE),
        Some(Meaning::Postal) => {
            let why = "準識別子と思われる名称 / the name suggests a quasi-identifier";
            make("quasi", code, "code = \"postal\"", why, DECIDE)
        }
        Some(Meaning::Sex | Meaning::Age | Meaning::Area) => {
            let why = "準識別子と思われる名称 / the name suggests a quasi-identifier";
            make("quasi", ty, "", why, DECIDE)
        }
        Some(Meaning::Diagnosis | Meaning::Outcome) => {
            let why = "傷病・転帰と思われる名称 / the name suggests a diagnosis or outcome";
            make("sensitive", code, "", why, ("\"keep\"", "\"decide\""))
        }
        _ => {
            let why = "その他の項目 / other content";
            make("payload", ty, "", why, ("\"keep\"", "\"decide\""))
        }
    }
}

/// Days that no treatment of dates reads (24/09/30, 5月7日, R060507), numbers that count days, years of decades: nothing is kept.
fn unreadable(draft: &mut Draft, ty: Type, cells: &Column) {
    if ty.is_date() || !matches!(draft.role, "payload" | "quasi" | "sensitive") {
        return;
    }
    let mut calendar = Calendar::default();
    let mut numbers: Vec<f64> = Vec::new();
    let mut filled = 0;
    for text in cells.cells().flatten().filter(|t| !NONE_WORDS.contains(t)) {
        let read = (text.len() >= 6).then(|| date::parse(text)).flatten();
        calendar.add(text, 1, read.and_then(|when| Some((when.month?, when.day?))));
        filled += 1;
        numbers.extend(text.parse::<f64>().ok().filter(|n| n.is_finite()));
    }
    let all = numbers.len() == filled && filled >= 20;
    numbers.sort_by(f64::total_cmp);
    let range = numbers.first().copied().zip(numbers.last().copied()).filter(|_| all);
    let within = |low: f64, high: f64, spread: f64| {
        range.is_some_and(|(first, last)| first >= low && last < high && last - first >= spread)
    };
    // Spread over some months at least.
    let moments = MOMENTS.iter().any(|&(_, from, to)| {
        let (from, to) = (from as f64, to as f64);
        within(from, to, (to - from) / 100.0)
    });
    if moments || calendar.held(None).is_some() {
        draft.role = "quasi";
        draft.ty = if ty.is_number() { ty } else { Type::String };
        draft.extra = String::new();
        draft.why = "日付だが、日付の加工では読めない書き方。元データで 2024-05-07 のように書けば加工できる / dates in a spelling that no treatment of dates reads: written as 2024-05-07 at the source they can be treated";
        draft.suggestion = ("\"drop\"", "\"drop\"");
    } else if ty == Type::Integer && within(1900.0, 2100.0, 20.0) && draft.role == "payload" {
        draft.role = "quasi";
        draft.why = "数十年にわたる西暦年（生年か） / years of decades: years of birth?";
        draft.suggestion = ("\"decide\"", "\"decide\"");
    }
}

/// Dates of decades, or of which most lie 20 to 100 years before the other dates of the table: births, whatever the column is called.
pub(super) fn births(columns: &mut [(String, Draft)], cells: &[Column]) {
    let years: Vec<Vec<i32>> = columns
        .iter()
        .zip(cells)
        .map(|((_, draft), cells)| {
            let read = |t: &str| date::parse(t).map(|when| when.year);
            let dated = draft.ty.is_date() && draft.extra.contains("kind = \"event\"");
            let mut years: Vec<i32> = match dated {
                true => cells.cells().flatten().filter_map(read).collect(),
                false => Vec::new(),
            };
            years.sort_unstable();
            years
        })
        .collect();
    let latest = years.iter().filter_map(|y| y.get(y.len() / 2)).max().copied().unwrap_or(0);
    for ((_, draft), years) in columns.iter_mut().zip(&years).filter(|(_, y)| y.len() >= 3) {
        let at = |tenth: usize| years[(years.len() - 1) * tenth / 10];
        let decades = years.len() >= 10 && at(9) - at(1) >= 20;
        let before = years.iter().filter(|y| (20..=100).contains(&(latest - **y))).count();
        if decades || before * 2 > years.len() {
            draft.extra = "kind = \"birth\"".to_owned();
            draft.why = "値が数十年にわたるか、他の日付の20〜100年前: 生年月日と思われる / dates of decades, or 20 to 100 years before the others: a birth date";
            draft.suggestion = ("{ truncate_date = \"month\" }", "\"decide\"");
        }
    }
}

/// A date in several columns: month and day of which nothing is kept though each is a small number, with the year and the era beside
/// them. They stand next to each other, or their names are one but for what they are.
pub(super) fn apart(columns: &mut [(String, Draft)], cells: &[Column]) {
    let open = |draft: &Draft| draft.role == "payload";
    let numbers: Vec<Vec<i128>> = cells
        .iter()
        .map(|cells| {
            let texts: Vec<&str> = texts(cells).filter(|t| !NONE_WORDS.contains(t)).collect();
            let read: Vec<i128> =
                texts.iter().filter_map(|text| number::parse_integer(text)).collect();
            if read.len() == texts.len() { read } else { Vec::new() }
        })
        .collect();
    let within = |at: usize, low: i128, high: i128, different: usize| {
        let numbers = &numbers[at];
        numbers.len() >= different && numbers.iter().all(|n| (low..=high).contains(n))
    };
    let part = |name: &str, words: &[&str]| words.iter().any(|w| name.to_lowercase().ends_with(w));
    let named = |at: usize, words: &[&str]| part(&columns[at].0, words);
    let month = |at: usize| {
        within(at, 1, 12, 6)
            || within(at, 1, 12, 1) && named(at, &["月", "month", "_m", "mm", "tsuki"])
    };
    let day = |at: usize| {
        let many = within(at, 1, 31, 13) && numbers[at].iter().any(|n| *n > 12);
        many || within(at, 1, 31, 1) && named(at, &["日", "day", "_d", "dd", "hi"])
    };
    let year = |at: usize| {
        let words = ["年", "year", "_y", "yy", "nen"];
        within(at, 1850, 2100, 2) || within(at, 0, 99, 2) && named(at, &words)
    };
    let era = |at: usize| {
        let eras = [
            "明治", "大正", "昭和", "平成", "令和", "明", "大", "昭", "平", "令", "M", "T", "S",
            "H", "R",
        ];
        let mut all = texts(&cells[at]).peekable();
        all.peek().is_some() && all.all(|text| eras.contains(&text.to_uppercase().as_str()))
            || named(at, &["元号", "年号", "gengo", "gengou", "era"])
    };
    let mut found = vec![false; columns.len()];
    for at in 0..columns.len().saturating_sub(1) {
        let pair = month(at) && day(at + 1) || day(at) && month(at + 1);
        // Two small numbers are a day where the year or an era stands beside them, or their names say it.
        let around = [at.checked_sub(1), at.checked_sub(2), Some(at + 2), Some(at + 3)];
        let beside: Vec<usize> = around
            .into_iter()
            .flatten()
            .filter(|&other| other < columns.len() && (year(other) || era(other)))
            .collect();
        let says = |at: usize| named(at, &["月", "日", "month", "day", "_m", "_d", "mm", "dd"]);
        if pair && (!beside.is_empty() || says(at) && says(at + 1)) {
            found[at] = true;
            found[at + 1] = true;
            beside.into_iter().for_each(|other| found[other] = true);
        }
    }
    for ((_, draft), _) in columns.iter_mut().zip(found).filter(|((_, d), found)| *found && open(d))
    {
        draft.role = "quasi";
        draft.why = "年・月・日が列に分かれた日付と思われる / part of a date in several columns";
        draft.suggestion = ("\"decide\"", "\"decide\"");
    }
}

fn texts(cells: &Column) -> impl Iterator<Item = &str> {
    cells.dictionary().texts()
}

/// The type that most values have, and the values that are of another one.
fn guess_type<'a>(name: &str, cells: &'a Column) -> (Type, Vec<&'a str>) {
    if cells.dictionary().is_empty() {
        return (Type::String, Vec::new());
    }
    let mut rows = vec![0_usize; cells.dictionary().len()];
    for &code in cells.codes() {
        if let Some(n) = rows.get_mut(code as usize) {
            *n += 1;
        }
    }
    let filled: usize = rows.iter().sum();
    let others = |f: &dyn Fn(&str) -> bool| -> (usize, Vec<&'a str>) {
        let mut list = Vec::new();
        let mut count = 0;
        for (text, n) in texts(cells).zip(&rows) {
            if !f(text) && !NONE_WORDS.contains(&text) {
                count += n;
                list.push(text);
            }
        }
        (count, list)
    };
    let leading_zero = texts(cells).any(|t| {
        t.len() > 1
            && t.starts_with('0')
            && t.bytes().all(|b| b.is_ascii_digit())
            && !FILLERS.contains(&t)
    });
    let lower = name.to_lowercase();
    let dated = lower.contains('日') || lower.contains("date") || lower.contains("time");
    // Few digits alone are codes too: a handful of them says nothing.
    let many = cells.dictionary().len() >= 10;
    let long = |t: &str| {
        let digits = t.bytes().all(|b| b.is_ascii_digit());
        t.len() >= 8 || t.len() >= 6 && !digits || t.len() == 7 && many
    };
    let day =
        |t: &str| long(t) && date::parse(t).is_some_and(|w| w.days().is_some() && !w.has_time());
    let moment = |t: &str| long(t) && date::parse(t).is_some_and(|w| w.days().is_some());
    let month = |t: &str| {
        t.len() >= 6
            && date::parse(t).is_some_and(|w| w.month.is_some() && (1900..=2100).contains(&w.year))
    };
    let boolean = |t: &str| matches!(t.to_ascii_lowercase().as_str(), "true" | "false");
    let integer = |t: &str| !leading_zero && number::parse_integer(t).is_some();
    let decimal = |t: &str| !leading_zero && number::Decimal::parse(t).is_some();
    let measured = |t: &str| !leading_zero && number::Measured::parse(t).is_some();
    let tries: [(Type, &dyn Fn(&str) -> bool); 7] = [
        (Type::Boolean, &boolean),
        (Type::Date, &day),
        (Type::Datetime, &moment),
        (Type::PartialDate, &month),
        (Type::Integer, &integer),
        (Type::Decimal, &decimal),
        (Type::Measured, &measured),
    ];
    for (ty, f) in tries {
        let (count, list) = others(f);
        // Words for "none" alone are of no type.
        if texts(cells).all(|t| NONE_WORDS.contains(&t)) {
            break;
        }
        // Dirt does not make a column of dates one of codes: that would be treated far too mildly.
        let most = if ty.is_date() || dated { 10 } else { 50 };
        if count == 0 || count * most <= filled && (ty.is_date() || ty == Type::Measured) {
            return (ty, list);
        }
    }
    (if leading_zero { Type::Code } else { Type::String }, Vec::new())
}

fn guess_free_text(cells: &Column) -> bool {
    let distinct = cells.dictionary().len();
    let long = texts(cells).filter(|t| t.chars().count() > 20).count();
    distinct > 5 && long * 3 > distinct
}
