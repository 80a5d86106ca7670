//! The dictionary as CSV for spreadsheets and as one page without scripts, in Japanese and English.

use std::fmt::Write as _;

use serde_json::Value;

/// The columns of the CSV: head, and the field of the dictionary.
const HEADS: [(&str, &str); 9] = [
    ("column", "name"),
    ("type", "type"),
    ("meaning", "meaning"),
    ("unit", "unit"),
    ("format_ja", "formatJa"),
    ("format_en", "format"),
    ("code_system", "codeSystem"),
    ("code_version", "codeVersion"),
    ("other", "other"),
];

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join("; "),
        Value::Object(map) => {
            map.iter().map(|(k, v)| format!("{k} = {}", text(v))).collect::<Vec<_>>().join("; ")
        }
        other => other.to_string(),
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// A row a column of each file. It begins with the mark by which spreadsheets know UTF-8.
pub(crate) fn csv(book: &Value) -> String {
    let quoted = |cell: String| format!("\"{}\"", cell.replace('"', "\"\""));
    let mut out = "\u{feff}table,file,".to_owned();
    out.push_str(&HEADS.map(|h| h.0).join(","));
    out.push_str(",special_values,labels,key,joins\r\n");
    for table in list(&book["tables"]) {
        for column in list(&table["columns"]) {
            let mut cells = vec![text(&table["table"]), text(&table["file"])];
            cells.extend(HEADS.iter().map(|(_, field)| text(&column[*field])));
            cells.extend(["specialValues", "labels", "key", "joins"].map(|f| text(&column[f])));
            let cells: Vec<String> = cells.into_iter().map(quoted).collect();
            out.push_str(&cells.join(","));
            out.push_str("\r\n");
        }
    }
    out
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const STYLE: &str = "body{font-family:sans-serif;margin:2rem;line-height:1.5;color:#222}table{border-collapse:collapse;width:100%;margin-bottom:2rem}\
th,td{border:1px solid #bbb;padding:.3rem .5rem;text-align:left;vertical-align:top}th{background:#f2f2f2}caption{text-align:left;font-weight:bold;padding:.4rem 0}\
.en{color:#555;font-size:.9em}code{white-space:nowrap}@media print{body{margin:0}tr{break-inside:avoid}}";

/// One page: a table for each file, Japanese first, English beside it.
pub(crate) fn html(book: &Value) -> String {
    let told = |value: &Value| escaped(&text(value));
    let kind = told(&book["kind"]);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"ja\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width\">\n<title>データ項目表 {kind}</title>\n<style>{STYLE}</style>\n\
         <h1>データ項目表 <span class=\"en\">Data dictionary</span></h1>\n<p>{kind} <span class=\"en\">{}</span></p>\n",
        told(&book["release"])
    );
    if book["notForRelease"] == true {
        out.push_str("<p><strong>提供してはならない（試し）</strong> <span class=\"en\">not for release: a trial</span></p>\n");
    }
    for (ja, en) in [("missingJa", "missing"), ("tokensJa", "tokens")] {
        let _ = writeln!(
            out,
            "<p>{}。<br><span class=\"en\">{}</span></p>",
            told(&book[ja]),
            told(&book[en])
        );
    }
    for table in list(&book["tables"]) {
        let _ = writeln!(
            out,
            "<table>\n<caption>{} <code>{}</code>: {} 行、{} 人 <span class=\"en\">{} rows, {} persons</span></caption>\n\
             <tr><th>列<br><span class=\"en\">column</span></th><th>型<br><span class=\"en\">type</span></th><th>意味<br><span class=\"en\">meaning</span></th><th>単位<br><span class=\"en\">unit</span></th><th>書き方<br><span class=\"en\">form</span></th><th>符号・特別な値<br><span class=\"en\">codes, special values</span></th></tr>",
            told(&table["table"]),
            told(&table["file"]),
            told(&table["rows"]),
            told(&table["persons"]),
            told(&table["rows"]),
            told(&table["persons"]),
        );
        for column in list(&table["columns"]) {
            let label = text(&column["label"]);
            let name = text(&column["name"]);
            let shown = if label.is_empty() || label == name {
                String::new()
            } else {
                format!("<br>{}", escaped(&label))
            };
            let mut more = Vec::new();
            for (field, ja, en) in [
                ("codeSystemJa", "コード体系", "code system"),
                ("codeVersion", "版", "edition"),
                ("specialValues", "特別な値", "special values"),
                ("other", "その他の語", "what stands for all others"),
                ("labels", "値", "values"),
                ("key", "キー", "key"),
                ("joins", "つながる列", "joins"),
            ] {
                let value = text(&column[field]);
                if !value.is_empty() {
                    more.push(format!("{ja} <span class=\"en\">{en}</span>: {}", escaped(&value)));
                }
            }
            let _ = writeln!(
                out,
                "<tr><td><code>{}</code>{shown}</td><td>{}</td><td>{}</td><td>{}</td><td>{}<br><span class=\"en\">{}</span></td><td>{}</td></tr>",
                escaped(&name),
                told(&column["type"]),
                told(&column["meaning"]),
                told(&column["unit"]),
                told(&column["formatJa"]),
                told(&column["format"]),
                more.join("<br>")
            );
        }
        out.push_str("</table>\n");
    }
    out.push_str("</html>\n");
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_are_text_on_the_page_and_in_the_table() {
        let book = json!({
            "kind": "k", "release": "r", "missing": "m", "missingJa": "m", "tokens": "t", "tokensJa": "t",
            "tables": [{ "table": "<b>", "file": "a\"b.csv", "rows": 3, "persons": "<10",
                "columns": [{ "name": "x<script>", "type": "text", "labels": { "1": "a&b" } }] }],
        });
        let page = html(&book);
        assert!(!page.contains("<script") && !page.contains("<b>"));
        assert!(page.contains("1 = a&amp;b") && page.contains("&lt;10 人"));
        assert!(csv(&book).contains("\"a\"\"b.csv\""));
    }
}
