use super::*;
use crate::packed::zip_of;

const NAMES: [&str; 3] = ["id", "birth", "crp"];

fn columns() -> Vec<ColumnSpec> {
    let of = |(name, ty)| ColumnSpec { ty, ..ColumnSpec::text(Name::fixed(name)) };
    [("id", Type::Code), ("birth", Type::Date), ("crp", Type::Decimal)].map(of).into()
}

/// A workbook of sheets, each the inside of `sheetData`.
fn book(sheets: &[(&str, &str)]) -> Vec<u8> {
    let mut list = String::new();
    let mut rels = String::new();
    let mut parts: Vec<(String, String)> = Vec::new();
    for (at, (name, rows)) in sheets.iter().enumerate() {
        list += &format!("<sheet name=\"{name}\" sheetId=\"{at}\" r:id=\"rId{at}\"/>");
        rels += &format!(
            "<Relationship Id=\"rId{at}\" Type=\"http://x/relationships/worksheet\" Target=\"worksheets/sheet{at}.xml\"/>"
        );
        parts.push((
            format!("xl/worksheets/sheet{at}.xml"),
            format!("<worksheet><sheetData>{rows}</sheetData></worksheet>"),
        ));
    }
    parts.push((
        "xl/workbook.xml".to_owned(),
        format!("<workbook><sheets>{list}</sheets></workbook>"),
    ));
    parts.push((
        "xl/_rels/workbook.xml.rels".to_owned(),
        format!("<Relationships>{rels}</Relationships>"),
    ));
    parts.push((
        "xl/styles.xml".to_owned(),
        "<styleSheet><numFmts><numFmt numFmtId=\"164\" formatCode=\"00000\"/></numFmts><cellStyleXfs><xf numFmtId=\"14\"/></cellStyleXfs><cellXfs><xf numFmtId=\"0\"/><xf numFmtId=\"14\"/><xf numFmtId=\"164\"/></cellXfs></styleSheet>".to_owned(),
    ));
    parts.push((
        "xl/sharedStrings.xml".to_owned(),
        "<sst><si><t>id</t></si><si><t>birth</t></si><si><t>crp</t></si><si><r><t>00</t></r><r><t xml:space=\"preserve\">007</t></r><rPh sb=\"0\" eb=\"1\"><t>カナ</t></rPh></si><si><t>&lt;0.1 &amp; &#x9ad8;</t></si></sst>".to_owned(),
    ));
    let parts: Vec<(&str, &[u8])> = parts.iter().map(|(n, x)| (n.as_str(), x.as_bytes())).collect();
    zip_of(&parts)
}

const HEADER: &str = "<row r=\"1\"><c r=\"A1\" t=\"s\"><v>0</v></c><c r=\"B1\" t=\"s\"><v>1</v></c><c r=\"C1\" t=\"s\"><v>2</v></c></row>";

fn read_of(
    name: &str,
    bytes: &[u8],
    change: impl Fn(&mut ReadSpec<'_>),
) -> std::result::Result<(Vec<Vec<String>>, Vec<u64>, FileFacts), Error> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    let (table, columns) = (Name::fixed("t"), columns());
    let format = crate::format_of(&crate::ending(&path));
    let mut spec = ReadSpec::new(&table, format, &columns);
    change(&mut spec);
    let mut reader = WorkbookReader::open(&path, &spec, Wanted::Sha3)?;
    let (mut rows, mut lines) = (Vec::new(), Vec::new());
    while let Some(batch) = reader.next(2)? {
        lines.extend(&batch.lines);
        for row in 0..batch.table.rows {
            rows.push(
                batch.table.columns.iter().map(|c| c.text(row).unwrap_or("-").to_owned()).collect(),
            );
        }
    }
    assert_eq!(reader.facts().bytes, bytes.len() as u64);
    assert_eq!(reader.facts().sha3_256, crate::digest(&path).unwrap());
    Ok((rows, lines, reader.facts()))
}

fn read(name: &str, bytes: &[u8]) -> std::result::Result<Vec<Vec<String>>, &'static str> {
    read_of(name, bytes, |_| {}).map(|r| r.0).map_err(|e| e.code)
}

#[test]
fn a_sheet_gives_what_it_shows() {
    let rows = format!(
        "{HEADER}<row r=\"2\"><c r=\"A2\" t=\"s\"><v>3</v></c><c r=\"B2\" s=\"1\"><v>44012</v></c><c r=\"C2\"><v>0.1</v></c></row>\
         <row r=\"3\"><c r=\"A3\" s=\"2\"><v>123</v></c><c r=\"C3\" t=\"s\"><v>4</v></c></row>\
         <row r=\"4\"><c r=\"A4\" t=\"inlineStr\"><is><t>00009</t></is></c><c r=\"B4\" t=\"str\"><f>X()</f><v>1955/2/12</v></c><c r=\"C4\"><f>1+1</f><v>2</v></c></row>"
    );
    let (cells, lines, _) = read_of("a.xlsx", &book(&[("x", &rows)]), |_| {}).unwrap();
    assert_eq!(
        cells,
        [["00007", "2020-06-30", "0.1"], ["00123", "-", "<0.1 & 高"], ["00009", "1955/2/12", "2"]]
    );
    assert_eq!(lines, [2, 3, 4]);
    let found = {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.xlsx");
        std::fs::write(&path, book(&[("x", &rows)])).unwrap();
        header_names(&path, InputFormat::Xlsx, None).unwrap()
    };
    assert_eq!(found, (NAMES.map(str::to_owned).to_vec(), 0));
}

#[test]
fn what_a_sheet_lost_is_not_made_up() {
    let number = |line: u32, value: &str| {
        format!("<row r=\"{line}\"><c r=\"A{line}\"><v>{value}</v></c></row>")
    };
    // Leading zeros in one cell, a shorter number in another.
    let text = "<row r=\"2\"><c r=\"A2\" t=\"s\"><v>3</v></c></row>";
    let rows = format!("{HEADER}{text}{}", number(3, "123"));
    assert_eq!(read("a.xlsx", &book(&[("x", &rows)])), Err("D0028"));
    // As long as the others: nothing is lost.
    let rows = format!("{HEADER}{text}{}", number(3, "12345"));
    assert_eq!(read("a.xlsx", &book(&[("x", &rows)])).unwrap()[1][0], "12345");
    // More than fifteen digits are not held by a sheet.
    let rows = format!("{HEADER}{}{}", number(2, "123456789012345"), number(3, "1234567890123456"));
    let cells = read("a.xlsx", &book(&[("x", &rows)])).unwrap();
    assert_eq!((cells[0][0].as_str(), cells[1][0].as_str()), ("123456789012345", "1.23457E15"));
}

#[test]
fn sheets_are_chosen_and_titles_left_out() {
    let data = format!("{HEADER}<row r=\"2\"><c r=\"A2\" t=\"s\"><v>3</v></c></row>");
    let title = "<row r=\"1\"><c r=\"A1\" t=\"inlineStr\"><is><t>検査一覧</t></is></c></row>";
    let titled = format!(
        "{title}{}",
        data.replace("\"1\"", "\"3\"")
            .replace("<row r=\"2\"", "<row r=\"4\"")
            .replace("A1", "A3")
            .replace("B1", "B3")
            .replace("C1", "C3")
            .replace("A2", "A4")
    );
    // An empty sheet beside it is none.
    assert_eq!(read("a.xlsx", &book(&[("notes", ""), ("x", &data)])).unwrap().len(), 1);
    let two = book(&[("a", &data), ("名簿", &titled)]);
    assert_eq!(read("a.xlsx", &two), Err("D0030"));
    let of = |name: &'static str, skip: u32| {
        read_of("a.xlsx", &two, |spec| {
            spec.sheet = Some(name);
            spec.skip_lines = skip;
        })
    };
    assert_eq!(of("a", 0).unwrap().0.len(), 1);
    assert_eq!(of("b", 0).map(|_| ()).unwrap_err().code, "D0030");
    let error = of("名簿", 0).map(|_| ()).unwrap_err();
    assert_eq!(error.code, "D0019");
    assert!(error.advice.as_ref().unwrap().as_str().contains("skip_lines = 2"));
    assert_eq!(of("名簿", 2).unwrap().0.len(), 1);
}

#[test]
fn rows_with_defects_are_told_or_counted() {
    let rows = format!(
        "{HEADER}<row r=\"2\"><c r=\"A2\" t=\"s\"><v>3</v></c></row><row r=\"4\"><c r=\"A4\" t=\"s\"><v>3</v></c></row>\
         <row r=\"5\"><c r=\"A5\" t=\"s\"><v>3</v></c><c r=\"D5\"><v>1</v></c></row><row r=\"9\"><c r=\"A9\" s=\"1\"/></row>"
    );
    let bytes = book(&[("x", &rows)]);
    let error = read_of("a.xlsx", &bytes, |_| {}).map(|_| ()).unwrap_err();
    assert_eq!(error.code, "D0101");
    assert!(error.what.as_str().contains("row 3 of the sheet"));
    let (cells, lines, facts) =
        read_of("a.xlsx", &bytes, |spec| spec.set_aside = &[Defect::Blank, Defect::Ragged])
            .unwrap();
    assert_eq!((cells.len(), lines), (2, vec![2, 4]));
    assert_eq!(facts.set_aside, BTreeMap::from([(Defect::Blank, 1), (Defect::Ragged, 1)]));
    assert_eq!((facts.rows_read, facts.first[&Defect::Blank]), (4, [2, 3]));
}

#[test]
fn what_is_no_workbook_is_refused() {
    assert_eq!(read("a.xlsx", b"id,birth,crp\n1,2,3\n"), Err("D0027"));
    assert_eq!(
        read("a.xlsx", &zip_of(&[("xl/workbook.xml", b"<workbook><sheets>")])),
        Err("D0027")
    );
    assert_eq!(read("a.xlsx", &zip_of(&[("a.csv", b"id")])), Err("D0027"));
    let dtd = "<!DOCTYPE x [<!ENTITY a \"b\">]><workbook/>";
    assert_eq!(read("a.xlsx", &zip_of(&[("xl/workbook.xml", dtd.as_bytes())])), Err("D0027"));
    // A cell beyond the last column, rows that go back.
    let far = format!("{HEADER}<row r=\"2\"><c r=\"XFE2\"><v>1</v></c></row>");
    assert_eq!(read("a.xlsx", &book(&[("x", &far)])), Err("D0027"));
    let back = format!("{HEADER}<row r=\"1\"><c r=\"A1\"><v>1</v></c></row>");
    assert_eq!(read("a.xlsx", &book(&[("x", &back)])), Err("D0027"));
    assert_eq!(read("a.xlsx", &book(&[("x", "")])), Err("D0014"));
}

#[test]
fn open_document_sheets_are_read() {
    let cell = |text: &str| {
        format!(
            "<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>"
        )
    };
    let content = format!(
        "<office:document-content><table:table table:name=\"x\">\
         <table:table-row>{}{}{}</table:table-row>\
         <table:table-row>{}<table:table-cell office:value-type=\"date\" office:date-value=\"2020-06-30\"><text:p>令和2年6月30日</text:p></table:table-cell><table:table-cell office:value-type=\"float\" office:value=\"0.10\"><office:annotation><text:p>山田</text:p></office:annotation><text:p>0.1</text:p></table:table-cell></table:table-row>\
         <table:table-row table:number-rows-repeated=\"2\"><table:table-cell office:value-type=\"float\" office:value=\"123\"><text:p>00123</text:p></table:table-cell><table:table-cell table:number-columns-repeated=\"16382\"/></table:table-row>\
         <table:table-row table:number-rows-repeated=\"1048570\"><table:table-cell table:number-columns-repeated=\"16384\"/></table:table-row>\
         </table:table><table:table table:name=\"empty\"/></office:document-content>",
        cell("id"),
        cell("birth"),
        cell("crp"),
        cell("00007")
    );
    let bytes = zip_of(&[
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet"),
        ("content.xml", content.as_bytes()),
    ]);
    let cells = read("a.ods", &bytes).unwrap();
    assert_eq!(cells, [["00007", "2020-06-30", "0.1"], ["00123", "-", "-"], ["00123", "-", "-"]]);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.ods");
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(sheets(&path, InputFormat::Ods).unwrap(), ["x"]);
}
