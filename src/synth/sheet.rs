//! What the layouts write into: rows of files as text, encoded once a chunk of persons is done.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use super::prose::{Note, Planted};

/// In a text: the running number of the receipt in its file, known only when chunks are put in order.
pub(super) const SERIAL: char = '\u{1}';
/// In a text: a 外字 of the hospital (F040 in CP932).
pub(super) const GAIJI: char = '\u{2}';
/// In a text: a byte that is no character.
pub(super) const BAD_BYTE: char = '\u{3}';

/// Encoding of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Charset {
    Cp932,
    Iso2022Jp,
    Utf8,
}

/// Year, month, day of a number of days since 1970-01-01.
pub(super) fn civil(days: i32) -> (i32, u32, u32) {
    // Counted from 1 March of a year divisible by 400, so that the leap day is a year's last.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let day = doy - (153 * mp + 2) / 5 + 1;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i32::from(month <= 2), month.unsigned_abs(), day.unsigned_abs())
}

fn digits(text: &mut String, number: u64, width: usize) {
    let mut buffer = [b'0'; 20];
    let mut at = buffer.len();
    let mut rest = number;
    while rest > 0 || at == buffer.len() {
        at -= 1;
        buffer[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    at = at.min(buffer.len() - width.min(20));
    for byte in &buffer[at..] {
        text.push(char::from(*byte));
    }
}

/// Appends YYYYMMDD.
pub(super) fn push_day(text: &mut String, days: i32) {
    let (year, month, day) = civil(days);
    digits(text, u64::from(year.unsigned_abs()), 4);
    digits(text, u64::from(month), 2);
    digits(text, u64::from(day), 2);
}

/// YYYYMMDD.
pub(super) fn day8(days: i32) -> String {
    let mut text = String::with_capacity(8);
    push_day(&mut text, days);
    text
}

/// YYYYMMDD, or 00000000 where there is none (yet).
pub(super) fn day8_or_none(days: Option<i32>) -> String {
    days.map_or_else(|| "00000000".to_owned(), day8)
}

/// YYMM of a day: the month of a DPC file.
pub(super) fn month4(days: i32) -> String {
    let (year, month, _) = civil(days);
    format!("{:02}{month:02}", year % 100)
}

/// Something planted, before the place of its piece in the file is known.
#[derive(Clone, Debug)]
pub(super) struct Label {
    pub row: u64,
    pub column: &'static str,
    pub kind: Planted,
    pub value: String,
    pub person: u64,
}

/// One chunk's part of a file.
#[derive(Default)]
pub(super) struct Piece {
    pub text: String,
    pub rows: u64,
    /// Sums for the file's last record.
    pub tally: [u64; 2],
    pub labels: Vec<Label>,
    pub bytes: Vec<u8>,
}

impl Piece {
    /// Begins a row.
    pub(super) fn row(&mut self, separator: char) -> Row<'_> {
        Row { piece: self, separator, first: true }
    }
    /// Labels what a note brings to the row that is written next.
    pub(super) fn plant(&mut self, person: u64, column: &'static str, note: Option<&Note>) {
        let row = self.rows + 1;
        for (kind, value) in note.map(|n| n.planted.as_slice()).unwrap_or_default() {
            self.labels.push(Label { row, column, kind: *kind, value: value.clone(), person });
        }
    }
}

/// A row being written.
pub(super) struct Row<'a> {
    piece: &'a mut Piece,
    separator: char,
    first: bool,
}

impl Row<'_> {
    fn next(&mut self) -> &mut String {
        if self.first {
            self.first = false;
        } else {
            self.piece.text.push(self.separator);
        }
        &mut self.piece.text
    }
    /// A cell.
    pub(super) fn s(mut self, cell: &str) -> Self {
        let quoted = self.separator == ',' && cell.contains([',', '"', '\n']);
        let text = self.next();
        if quoted {
            text.push('"');
            text.push_str(&cell.replace('"', "\"\""));
            text.push('"');
        } else {
            text.push_str(cell);
        }
        self
    }
    /// Several cells.
    pub(super) fn all(mut self, cells: &[&str]) -> Self {
        for cell in cells {
            self = self.s(cell);
        }
        self
    }
    /// A number.
    pub(super) fn n(mut self, number: u64) -> Self {
        digits(self.next(), number, 1);
        self
    }
    /// A number with leading zeros.
    pub(super) fn w(mut self, number: u64, width: usize) -> Self {
        digits(self.next(), number, width);
        self
    }
    /// A day as YYYYMMDD.
    pub(super) fn day(mut self, days: i32) -> Self {
        push_day(self.next(), days);
        self
    }
    /// Empty cells.
    pub(super) fn e(mut self, count: usize) -> Self {
        for _ in 0..count {
            self.next();
        }
        self
    }
    /// Text that holds the separators already.
    pub(super) fn raw(mut self, cells: &str) -> Self {
        self.next().push_str(cells);
        self
    }
    /// Ends the row with CRLF.
    pub(super) fn end(self) {
        self.piece.text.push_str("\r\n");
        self.piece.rows += 1;
    }
    /// Ends the row with LF.
    pub(super) fn end_lf(self) {
        self.piece.text.push('\n');
        self.piece.rows += 1;
    }
}

/// A small file that one person alone fills.
pub(super) struct Whole {
    pub path: String,
    pub text: String,
    /// What it is counted as.
    pub count: &'static str,
    pub labels: Vec<Label>,
}

/// Parts of all files of one layout.
#[derive(Default)]
pub(super) struct Sheet {
    pub pieces: IndexMap<String, Piece>,
    pub wholes: Vec<Whole>,
    pub counts: BTreeMap<&'static str, u64>,
}

impl Sheet {
    /// The part of a file.
    pub(super) fn file(&mut self, path: &str) -> &mut Piece {
        if !self.pieces.contains_key(path) {
            self.pieces.insert(path.to_owned(), Piece::default());
        }
        &mut self.pieces[path]
    }
    /// A file of its own.
    pub(super) fn whole(&mut self, whole: Whole) {
        *self.counts.entry(whole.count).or_default() += 1;
        self.wholes.push(whole);
    }
}

/// Bytes of a text; `None` if a character has none in this encoding.
pub(super) fn encode(text: &str, charset: Charset) -> Option<Vec<u8>> {
    let bytes = match charset {
        Charset::Utf8 => return Some(text.as_bytes().to_vec()),
        Charset::Cp932 => encoding_rs::SHIFT_JIS.encode(text),
        Charset::Iso2022Jp => encoding_rs::ISO_2022_JP.encode(text),
    };
    let (bytes, _, lossy) = bytes;
    if lossy {
        return None;
    }
    let marks = [GAIJI as u8, BAD_BYTE as u8];
    if charset != Charset::Cp932 || memchr::memchr2(marks[0], marks[1], &bytes).is_none() {
        return Some(bytes.into_owned());
    }
    let mut out = Vec::with_capacity(bytes.len() + 16);
    for &byte in bytes.iter() {
        match byte {
            b if b == marks[0] => out.extend([0xF0, 0x40]),
            b if b == marks[1] => out.push(0x81),
            b => out.push(b),
        }
    }
    Some(out)
}

/// A name as SS-MIX2 can hold it: half-width kana in full width, 旧字体 of the vendors' sets replaced, 外字 a ■.
pub(super) fn plain(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '髙' => out.push('高'),
            '﨑' => out.push('崎'),
            '邊' => out.push('辺'),
            GAIJI | BAD_BYTE => out.push('■'),
            c if ('\u{FF61}'..='\u{FF9F}').contains(&c) => out.push(c),
            '①'..='⑳' => {
                let number = u32::from(c) - u32::from('①') + 1;
                out.push('(');
                out.push_str(&number.to_string());
                out.push(')');
            }
            '㈱' => out.push_str("(株)"),
            c => out.push(c),
        }
    }
    if out.chars().any(|c| ('\u{FF61}'..='\u{FF9F}').contains(&c)) {
        // Composed, so that ｱﾍﾞ is アベ and not アヘ with a mark.
        return out
            .split_inclusive(|c: char| !('\u{FF61}'..='\u{FF9F}').contains(&c))
            .map(|part| {
                let (kana, rest): (String, String) =
                    part.chars().partition(|c| ('\u{FF61}'..='\u{FF9F}').contains(c));
                format!("{}{rest}", kana.nfkc().collect::<String>())
            })
            .collect();
    }
    out
}

/// Full-width kana as half-width.
pub(super) fn half_kana(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization as _;
    static TABLE: std::sync::LazyLock<BTreeMap<char, char>> = std::sync::LazyLock::new(|| {
        ('\u{FF61}'..='\u{FF9F}')
            .filter_map(|half| {
                let mut full =
                    String::from(half).nfkc().collect::<String>().chars().collect::<Vec<_>>();
                (full.len() == 1).then(|| full.pop().map(|f| (f, half)))?
            })
            .collect()
    });
    text.nfd()
        .map(|c| match c {
            '\u{3099}' => '\u{FF9E}',
            '\u{309A}' => '\u{FF9F}',
            '　' => ' ',
            c => TABLE.get(&c).copied().unwrap_or(c),
        })
        .collect()
}

/// ASCII digits as full-width.
pub(super) fn wide(text: &str) -> String {
    text.chars()
        .map(
            |c| if c.is_ascii_digit() { char::from_u32(c as u32 + 0xFEE0).unwrap_or(c) } else { c },
        )
        .collect()
}
