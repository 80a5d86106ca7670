//! Text to bytes and back: CP932 (Windows-31J), ISO-2022-JP (RFC 1468, JIS X 0208 strictly) and UTF-8.
//!
//! A text is first made one that the encoding can hold ([`fit`]) and then written, so that what is replaced is known before
//! a cell is quoted, and no encoder ever puts a reference (`&#...;`) into a name. What comes of it, reads back as it is:
//! `decode(encode(fit(text))) == fit(text)`.
//!
//! ISO-2022-JP here is ASCII and the 6,879 characters of JIS X 0208 (rows 1 to 8 and 16 to 84). Row 13 and rows 89 to 92
//! (①, ㈱, 髙), which the Encoding Standard allows, are not in it: strict readers refuse them. Half-width kana, which it
//! lacks too, become full-width ones with their voiced marks put together (ｱﾍﾞ: アベ, never アヘ゛). Every cell begins and
//! ends in ASCII, so lines, quotes and separators are never inside two-byte text.

use std::borrow::Cow;

use unicode_normalization::UnicodeNormalization;

use super::{ReadSpec, Written};
use crate::error::Error;
use crate::say;
use crate::schema::file::{Encoding, Unencodable};
use crate::text::normalize;

/// A character that the encoding lacks, where the policy says `fail` or `map` knows no other.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Lacking;

/// Characters for which tables differ: the one of JIS X 0208 or Unicode, and the one that CP932 and the Encoding Standard
/// have in the same cell.
const TWINS: [(char, char); 10] = [
    ('\u{301c}', '\u{ff5e}'),
    ('\u{2016}', '\u{2225}'),
    ('\u{2212}', '\u{ff0d}'),
    ('\u{00a2}', '\u{ffe0}'),
    ('\u{00a3}', '\u{ffe1}'),
    ('\u{00ac}', '\u{ffe2}'),
    ('\u{2014}', '\u{2015}'),
    ('\u{00a5}', '\u{ffe5}'),
    ('\u{203e}', '\u{ffe3}'),
    ('\u{00a6}', '\u{ffe4}'),
];

/// So many of them, from the first on, are what strict tables of JIS X 0208 read in the cell.
const OF_JIS: usize = 6;

fn twin(c: char) -> Option<char> {
    TWINS.iter().find(|t| t.0 == c).map(|t| t.1)
}

/// The row-cell pair of a character of JIS X 0208 as 7-bit bytes.
fn jis(c: char) -> Option<[u8; 2]> {
    let mut text = [0; 4];
    let mut bytes = [0; 8];
    // EUC-JP writes JIS X 0208 with the high bits set, and everything else in another form.
    let (result, _, wrote) = encoding_rs::EUC_JP
        .new_encoder()
        .encode_from_utf8_without_replacement(c.encode_utf8(&mut text), &mut bytes, true);
    match (result, wrote, bytes) {
        (encoding_rs::EncoderResult::InputEmpty, 2, [row, cell, ..])
            if row > 0xa0 && cell > 0xa0 =>
        {
            matches!(row - 0xa0, 1..=8 | 16..=84).then_some([row & 0x7f, cell & 0x7f])
        }
        _ => None,
    }
}

/// Whether the encoding has a character, and reads it back as the same.
fn has(c: char, encoding: Encoding) -> bool {
    match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Utf16 => true,
        Encoding::Cp932 => {
            let mut text = [0; 4];
            let mut bytes = [0; 8];
            let (result, _, _) = encoding_rs::SHIFT_JIS
                .new_encoder()
                .encode_from_utf8_without_replacement(c.encode_utf8(&mut text), &mut bytes, true);
            result == encoding_rs::EncoderResult::InputEmpty && !one_way(c)
        }
        // ESC, SO and SI switch character sets.
        Encoding::Iso2022Jp => match c {
            '\u{0e}' | '\u{0f}' | '\u{1b}' => false,
            '\0'..='\u{7f}' => true,
            _ => !one_way(c) && jis(c).is_some(),
        },
    }
}

/// Characters that the encoders take and that come back as others.
const fn one_way(c: char) -> bool {
    matches!(c, '\u{a5}' | '\u{203e}' | '\u{2212}')
}

/// What is written for a character that the encoding has under another code point, without asking the policy.
fn same_cell(c: char, encoding: Encoding) -> Option<char> {
    match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Utf16 => None,
        // A yen sign and an overline are the bytes of \ and ~, and always were.
        Encoding::Cp932 => match c {
            '\u{a5}' => Some('\\'),
            '\u{203e}' => Some('~'),
            '\u{2212}' => Some('\u{ff0d}'),
            _ => None,
        },
        Encoding::Iso2022Jp => TWINS[..OF_JIS].iter().find(|t| t.0 == c).map(|t| t.1),
    }
}

/// Another way to write a character: its twin, the common form of an ideograph (髙 to 高), its compatible form (① to 1,
/// ㈱ to (株)); nothing for what is not seen (variation selectors).
fn mapped(c: char, encoding: Encoding) -> Option<String> {
    if normalize::is_invisible(c) && c != '\0' {
        return Some(String::new());
    }
    let compatible: String = std::iter::once(c).nfkc().collect();
    let common: String = compatible.chars().map(normalize::variant).collect();
    [
        twin(c).map(String::from),
        Some(normalize::variant(c).to_string()),
        Some(compatible),
        Some(common),
    ]
    .into_iter()
    .flatten()
    .find(|t| t.chars().all(|c| has(c, encoding)))
}

/// Half-width kana and their marks.
const fn is_half_kana(c: char) -> bool {
    matches!(c, '\u{ff61}'..='\u{ff9f}')
}

/// The text as the encoding can hold it. Counted: characters replaced as the policy says, and characters respelled because
/// the encoding has them under another code point or width.
///
/// # Errors
/// A character that the encoding lacks and for which the policy has nothing.
pub(super) fn fit<'a>(
    text: &'a str,
    encoding: Encoding,
    unencodable: Unencodable,
    written: &mut Written,
) -> Result<Cow<'a, str>, Lacking> {
    let plain = match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Utf16 => true,
        Encoding::Cp932 => text.is_ascii(),
        Encoding::Iso2022Jp => {
            text.bytes().all(|b| matches!(b, b'\t' | b'\n' | b'\r' | b' '..=b'~'))
        }
    };
    if plain || text.chars().all(|c| has(c, encoding)) {
        return Ok(Cow::Borrowed(text));
    }
    let mut fitted = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if has(c, encoding) {
            fitted.push(c);
        } else if encoding == Encoding::Iso2022Jp && is_half_kana(c) {
            // A kana with its mark is one; what NFKC makes of them is in JIS X 0208, a lone mark apart.
            let mut kana = String::from(c);
            while let Some(mark) = rest.next_if(|&n| matches!(n, '\u{ff9e}' | '\u{ff9f}')) {
                kana.push(mark);
            }
            written.respelled += kana.chars().count() as u64;
            fitted.extend(kana.nfkc().map(|c| match c {
                '\u{3099}' => '\u{309b}',
                '\u{309a}' => '\u{309c}',
                c => c,
            }));
        } else if let Some(other) = same_cell(c, encoding) {
            written.respelled += 1;
            fitted.push(other);
        } else {
            written.unencodable += 1;
            match unencodable {
                Unencodable::Fail => return Err(Lacking),
                Unencodable::Geta => fitted.push('〓'),
                Unencodable::QuestionMark => fitted.push('?'),
                Unencodable::Map => fitted.push_str(&mapped(c, encoding).ok_or(Lacking)?),
            }
        }
    }
    Ok(Cow::Owned(fitted))
}

/// The bytes of a text that [`fit`] gave.
pub(super) fn put(text: &str, encoding: Encoding, bytes: &mut Vec<u8>) {
    match encoding {
        Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Utf16 => {
            bytes.extend_from_slice(text.as_bytes())
        }
        Encoding::Cp932 if text.is_ascii() => bytes.extend_from_slice(text.as_bytes()),
        Encoding::Cp932 => {
            let mut encoder = encoding_rs::SHIFT_JIS.new_encoder();
            let mut rest = text;
            let mut buffer = [0; 512];
            loop {
                let (result, read, wrote) =
                    encoder.encode_from_utf8_without_replacement(rest, &mut buffer, true);
                bytes.extend_from_slice(&buffer[..wrote]);
                rest = &rest[read..];
                match result {
                    encoding_rs::EncoderResult::InputEmpty => return,
                    encoding_rs::EncoderResult::OutputFull => {}
                    // Not after `fit`; never a reference.
                    encoding_rs::EncoderResult::Unmappable(_) => bytes.push(b'?'),
                }
            }
        }
        Encoding::Iso2022Jp => {
            let mut wide = false;
            for c in text.chars() {
                let pair = if c.is_ascii() { None } else { jis(c) };
                if wide != pair.is_some() {
                    wide = !wide;
                    bytes.extend_from_slice(if wide { b"\x1b$B" } else { b"\x1b(B" });
                }
                match pair {
                    Some(pair) => bytes.extend_from_slice(&pair),
                    // Not ASCII: not after `fit`.
                    None => bytes.push(if c.is_ascii() { c as u8 } else { b'?' }),
                }
            }
            if wide {
                bytes.extend_from_slice(b"\x1b(B");
            }
        }
    }
}

/// A byte that is in no UTF-8 text: it stands for bytes that could not be decoded, so that their cell is found bad.
const BAD: u8 = 0xff;

/// What makes UTF-8 of bytes that cannot be split before they are decoded.
pub(super) enum Decoder {
    Lines(Lines),
    Utf16(Utf16),
}

impl Decoder {
    /// The one that an encoding needs.
    pub(super) fn of(encoding: Encoding) -> Option<Self> {
        match encoding {
            Encoding::Iso2022Jp => Some(Decoder::Lines(Lines::default())),
            Encoding::Utf16 => Some(Decoder::Utf16(Utf16::default())),
            Encoding::Utf8 | Encoding::Utf8Bom | Encoding::Cp932 => None,
        }
    }
    /// Bytes that wait for the end of their line.
    pub(super) fn waiting(&self) -> usize {
        match self {
            Decoder::Lines(lines) => lines.begun.len(),
            Decoder::Utf16(_) => 0,
        }
    }
    /// Whether a byte order mark stood at the beginning.
    pub(super) fn marked(&self) -> bool {
        matches!(self, Decoder::Utf16(Utf16 { decoder: Some(_), .. }))
    }
    /// Decodes what was read; `all` says that no more comes.
    pub(super) fn decode(&mut self, bytes: &[u8], all: bool, out: &mut Vec<u8>) {
        match self {
            Decoder::Lines(lines) => lines.decode(bytes, all, out),
            Decoder::Utf16(text) => text.decode(bytes, all, out),
        }
    }
}

/// UTF-16 with a mark that tells the order of its bytes, as UTF-8. Halves of a character become [`BAD`]; without a mark nothing is
/// decoded.
#[derive(Default)]
pub(super) struct Utf16 {
    decoder: Option<encoding_rs::Decoder>,
    begun: bool,
}

impl Utf16 {
    fn decode(&mut self, bytes: &[u8], all: bool, out: &mut Vec<u8>) {
        let mut rest = bytes;
        if !std::mem::replace(&mut self.begun, true) {
            let order = match bytes {
                [0xff, 0xfe, ..] => encoding_rs::UTF_16LE,
                [0xfe, 0xff, ..] => encoding_rs::UTF_16BE,
                _ => return,
            };
            self.decoder = Some(order.new_decoder_without_bom_handling());
            rest = &bytes[2..];
        }
        let Some(decoder) = &mut self.decoder else { return };
        decode_all(decoder, rest, all, out);
    }
}

fn decode_all(decoder: &mut encoding_rs::Decoder, bytes: &[u8], last: bool, out: &mut Vec<u8>) {
    let mut rest = bytes;
    let mut buffer = [0; 4096];
    loop {
        let (result, read, wrote) =
            decoder.decode_to_utf8_without_replacement(rest, &mut buffer, last);
        out.extend_from_slice(&buffer[..wrote]);
        rest = &rest[read..];
        match result {
            encoding_rs::DecoderResult::InputEmpty => break,
            encoding_rs::DecoderResult::OutputFull => {}
            encoding_rs::DecoderResult::Malformed(..) => out.push(BAD),
        }
    }
}

/// What a file is, where its first bytes say that it is not text in the encoding of the policy.
pub(super) fn foreign(
    spec: &ReadSpec<'_>,
    decoder: Option<&Decoder>,
    beginning: &[u8],
) -> Option<Error> {
    let is = |mark: &[u8]| beginning.starts_with(mark);
    let utf16 = spec.encoding == Encoding::Utf16;
    if utf16 && !decoder.is_some_and(Decoder::marked) {
        return Some(
            Error::data("D0018", say!("table `{}`: the file does not begin as UTF-16 does, with its mark", spec.table))
                .advice(say!("set `encoding = \"utf-8\"` or `\"cp932\"` in `source`, or save it as Unicode text with a byte order mark")),
        );
    }
    if !utf16 && (is(b"\xff\xfe") || is(b"\xfe\xff")) {
        return Some(
            Error::data("D0018", say!("table `{}`: the file is UTF-16", spec.table))
                .advice(say!("set `encoding = \"utf-16\"` in `source`")),
        );
    }
    if spec.encoding == Encoding::Cp932 && is(b"\xef\xbb\xbf") {
        return Some(
            Error::data(
                "D0018",
                say!(
                    "table `{}`: the file begins with the mark of UTF-8, the policy says CP932",
                    spec.table
                ),
            )
            .advice(say!("set `encoding = \"utf-8\"` in `source`")),
        );
    }
    // ASCII text in UTF-16 has a NUL for every other byte.
    let first = &beginning[..beginning.len().min(64)];
    let nuls = |at: usize| first.iter().skip(at).step_by(2).filter(|&&b| b == 0).count();
    if !utf16 && first.len() >= 8 && nuls(0).max(nuls(1)) * 4 > first.len() {
        return Some(
            Error::data("D0018", say!("table `{}`: the file looks like UTF-16 without its mark", spec.table))
                .advice(say!("save it as UTF-8, or as Unicode text with a byte order mark and `encoding = \"utf-16\"`")),
        );
    }
    let (what, advice) = if is(b"PK\x03\x04") {
        ("a workbook (.xlsx, .ods) or a .zip file", ", or give the file the ending that it had")
    } else if is(b"\x1f\x8b") {
        ("packed with gzip", ": its name must end in `.gz`")
    } else if is(b"\x28\xb5\x2f\xfd") {
        ("packed with zstd", ": its name must end in `.zst`")
    } else if is(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1") {
        (
            "an old workbook (.xls) or one with a password",
            ": save it as .xlsx without a password, or as CSV",
        )
    } else if is(b"PAR1") {
        ("Parquet", ": set `format = \"parquet\"` in `source`")
    } else if is(b"%PDF-") {
        ("a PDF", ": export the table as CSV")
    } else if is(b"SQLite format 3\0") {
        (
            "a database (SQLite)",
            ": export its tables, `sqlite3 -header -csv FILE 'select * from TABLE'`",
        )
    } else {
        return None;
    };
    Some(
        Error::data(
            "D0029",
            say!("table `{}`: the file is no delimited text but {}", spec.table, what),
        )
        .advice(say!("look what it is{}", advice)),
    )
}

/// Lines of ISO-2022-JP as UTF-8. In two-byte text a comma or a quote is half of a character, a line end never is: the
/// bytes are split at line ends, each line is decoded from ASCII on, and what cannot be decoded becomes [`BAD`].
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// The beginning of a line whose end was not read yet.
    begun: Vec<u8>,
}

impl Lines {
    /// Decodes the whole lines of what was read; at the end of the file, or on demand, the last one too.
    pub(super) fn decode(&mut self, bytes: &[u8], all: bool, out: &mut Vec<u8>) {
        let whole = match memchr::memrchr(b'\n', bytes) {
            _ if all => bytes.len(),
            Some(end) => end + 1,
            None => 0,
        };
        let (lines, rest) = bytes.split_at(whole);
        if !lines.is_empty() || all {
            self.begun.extend_from_slice(lines);
            for line in self.begun.split_inclusive(|&b| b == b'\n') {
                decode_line(line, out);
            }
            self.begun.clear();
        }
        self.begun.extend_from_slice(rest);
    }
}

fn decode_line(line: &[u8], out: &mut Vec<u8>) {
    let end = line.len() - line.iter().rev().take_while(|b| matches!(b, b'\n' | b'\r')).count();
    let (text, end) = line.split_at(end);
    let ascii = memchr::memrchr(0x1b, text)
        .is_none_or(|at| matches!(text.get(at + 1..at + 3), Some(b"(B" | b"(J")));
    match encoding_rs::ISO_2022_JP.decode_without_bom_handling_and_without_replacement(text) {
        Some(text) if ascii => out.extend_from_slice(text.as_bytes()),
        _ => {
            let mut decoder = encoding_rs::ISO_2022_JP.new_decoder_without_bom_handling();
            decode_all(&mut decoder, text, true, out);
            if !ascii {
                // RFC 1468: a line ends in ASCII.
                out.push(BAD);
            }
        }
    }
    out.extend_from_slice(end);
}

/// Whether the beginning of a file is ISO-2022-JP: seven bits, and escapes to two-byte text.
pub(super) fn is_iso_2022_jp(beginning: &[u8]) -> bool {
    beginning.is_ascii()
        && memchr::memmem::find_iter(beginning, b"\x1b$")
            .any(|at| matches!(beginning.get(at + 2), Some(b'@' | b'B')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ENCODINGS: [Encoding; 4] =
        [Encoding::Utf8, Encoding::Utf8Bom, Encoding::Cp932, Encoding::Iso2022Jp];

    fn written(
        text: &str,
        encoding: Encoding,
        unencodable: Unencodable,
    ) -> Option<(Vec<u8>, Written)> {
        let mut counts = Written::default();
        let text = fit(text, encoding, unencodable, &mut counts).ok()?.into_owned();
        let mut bytes = Vec::new();
        put(&text, encoding, &mut bytes);
        Some((bytes, counts))
    }

    fn back(bytes: &[u8]) -> Option<String> {
        let mut out = Vec::new();
        Lines::default().decode(bytes, true, &mut out);
        String::from_utf8(out).ok()
    }

    /// All 94 x 94 pairs by the decoder of the Encoding Standard; those of JIS X 0208 and no other are written, as they
    /// were. JIS X 0208:1997 has 6,879 characters: 524 in rows 1 to 8, 2,965 in 16 to 47, 3,390 in 48 to 84.
    #[test]
    fn iso_2022_jp_is_jis_x_0208_and_nothing_else() {
        let mut counts = [0; 4];
        for row in 1..=94_u8 {
            for cell in 1..=94_u8 {
                let bytes = [0x1b, b'$', b'B', row + 0x20, cell + 0x20, 0x1b, b'(', b'B'];
                let Some(text) = encoding_rs::ISO_2022_JP
                    .decode_without_bom_handling_and_without_replacement(&bytes)
                else {
                    continue;
                };
                let ours = written(&text, Encoding::Iso2022Jp, Unencodable::Fail);
                let part = match row {
                    1..=8 => 0,
                    16..=47 => 1,
                    48..=84 => 2,
                    _ => 3,
                };
                if part < 3 {
                    assert_eq!(ours.unwrap().0, bytes, "{row}-{cell}");
                    assert_eq!(back(&bytes).unwrap(), text);
                    counts[part] += 1;
                } else if ours.is_some() {
                    // NEC's rows repeat a few characters of row 2.
                    let pair = jis(text.chars().next().unwrap()).unwrap();
                    assert_eq!(pair[0] - 0x20, 2, "{row}-{cell}");
                    counts[3] += 1;
                }
            }
        }
        assert_eq!((counts[0], counts[1], counts[2]), (524, 2965, 3390));
        assert_eq!(counts[0] + counts[1] + counts[2], 6879);
        assert!(counts[3] > 0 && counts[3] < 12, "{}", counts[3]);
        // No character outside of ASCII and JIS X 0208 gets out, but for the twins of its own.
        let all = (0..=0x10_ffff).filter_map(char::from_u32);
        let written = all.filter(|&c| has(c, Encoding::Iso2022Jp)).count();
        assert_eq!(written, 128 - 3 + 6879);
    }

    /// The bytes that Python's `iso2022_jp`, which is strict, gives for the same texts.
    #[test]
    fn the_hazards_of_iso_2022_jp() {
        let strict = |text: &str| written(text, Encoding::Iso2022Jp, Unencodable::Fail);
        for (text, bytes, respelled) in [
            ("a山b", &b"a\x1b$B;3\x1b(Bb"[..], 0),
            ("〜", b"\x1b$B!A\x1b(B", 1),
            ("～", b"\x1b$B!A\x1b(B", 0),
            ("−", b"\x1b$B!]\x1b(B", 1),
            ("－", b"\x1b$B!]\x1b(B", 0),
            ("‖¢£¬", b"\x1b$B!B!q!r\"L\x1b(B", 4),
            ("ｱﾍﾞ", b"\x1b$B%\"%Y\x1b(B", 3),
            ("ﾊﾟ｡", b"\x1b$B%Q!#\x1b(B", 3),
            ("ｱﾞ", b"\x1b$B%\"!+\x1b(B", 2),
            ("ﾞ", b"\x1b$B!+\x1b(B", 1),
            ("山\n川", b"\x1b$B;3\x1b(B\n\x1b$B@n\x1b(B", 0),
        ] {
            let (found, counts) = strict(text).unwrap();
            assert_eq!(found, bytes, "{text}");
            assert_eq!((counts.respelled, counts.unencodable), (respelled, 0), "{text}");
        }
        for lacking in
            ["髙", "①", "㈱", "𠮷", "葛\u{e0100}", "é", "—", "¥", "‾", "\u{1b}", "\u{0e}", "\u{0f}"]
        {
            assert!(strict(lacking).is_none(), "{lacking:?}");
            for (word, mark) in [(Unencodable::Geta, "〓"), (Unencodable::QuestionMark, "?")] {
                let (bytes, counts) = written(lacking, Encoding::Iso2022Jp, word).unwrap();
                assert!(back(&bytes).unwrap().ends_with(mark), "{lacking:?}");
                assert_eq!(counts.unencodable, 1);
            }
        }
        for (text, becomes) in [
            ("髙①㈱𠮷", Some("高1(株)吉")),
            ("葛\u{e0100}", Some("葛")),
            ("—¥‾¦", Some("―￥￣")),
            ("＂", Some("\"")),
            ("é", None),
            ("\u{1b}", None),
        ] {
            let found = written(text, Encoding::Iso2022Jp, Unencodable::Map);
            let found = found.map(|(bytes, _)| back(&bytes).unwrap());
            // The broken bar is in no cell.
            let becomes = if text.contains('¦') { None } else { becomes.map(str::to_owned) };
            assert_eq!(found, becomes, "{text}");
        }
        let found = written("〜—𠮷①", Encoding::Cp932, Unencodable::Map).unwrap();
        assert_eq!(encoding_rs::SHIFT_JIS.decode(&found.0).0, "～―吉①");
        assert_eq!((found.1.unencodable, found.1.respelled), (3, 0));
    }

    /// Python's codec takes what we write and writes the same, all 6,879 of them; skipped where there is no Python.
    #[test]
    fn a_strict_codec_agrees() {
        let all: Vec<char> =
            ('\u{80}'..=char::MAX).filter(|&c| has(c, Encoding::Iso2022Jp)).collect();
        let mut bytes = Vec::new();
        for c in all {
            let mut text = [0; 4];
            put(c.encode_utf8(&mut text), Encoding::Iso2022Jp, &mut bytes);
            bytes.push(b'\n');
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.txt");
        std::fs::write(&path, &bytes).unwrap();
        let script = "import sys\n\
            data = open(sys.argv[1], 'rb').read()\n\
            text = data.decode('iso2022_jp')\n\
            lines = text.split('\\n')[:-1]\n\
            assert len(lines) == 6879 == len(set(lines)) and all(len(l) == 1 for l in lines), len(lines)\n\
            assert '\\n'.join(lines).encode('iso2022_jp') + b'\\n' == data\n";
        match std::process::Command::new("python3").arg("-c").arg(script).arg(&path).output() {
            Ok(output) => {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr))
            }
            Err(_) => eprintln!("skipped: no python3"),
        }
    }

    #[test]
    fn lines_are_decoded_before_they_are_split() {
        // 、 is "!\"" and ， is "!$": both hold bytes that a splitter would take.
        let text = "id,メモ\n1,\"あ、い，う\"\n2,三\n";
        let (bytes, _) = written(text, Encoding::Iso2022Jp, Unencodable::Fail).unwrap();
        let mut lines = Lines::default();
        let mut out = Vec::new();
        for byte in &bytes {
            lines.decode(std::slice::from_ref(byte), false, &mut out);
        }
        assert!(lines.begun.is_empty());
        assert_eq!(String::from_utf8(out).unwrap(), text);
        // Bytes that are none stay in their line, and the next one is whole.
        for bad in
            [&b"1,\x1b$B;"[..], b"1,\x1b$B;3", b"1,\xb1", b"1,\x1b$", b"1,\x1b$B;3\x1b(B\x0e"]
        {
            let mut bytes = bad.to_vec();
            bytes.extend_from_slice(b"\r\n2,x\r\n");
            let mut out = Vec::new();
            Lines::default().decode(&bytes, true, &mut out);
            assert!(out.contains(&BAD) && out.ends_with(b"\r\n2,x\r\n"), "{bad:?}");
            assert!(out.starts_with(b"1,"));
        }
        assert!(is_iso_2022_jp(b"a,\x1b$B;3\x1b(B\n"));
        assert!(!is_iso_2022_jp("a,山\n".as_bytes()) && !is_iso_2022_jp(b"a,b\n"));
    }

    proptest! {
        #[test]
        fn what_is_fitted_is_read_back(text in "[ -~\t\nｦ-ﾟ０-９ー一-龠ぁ-んァ-ン゛゜㈱①髙𠮷〜～−－—¥‾¢￠é\u{e0100}\u{1b}]{0,24}") {
            for encoding in ENCODINGS {
                for unencodable in [Unencodable::Geta, Unencodable::QuestionMark, Unencodable::Map, Unencodable::Fail] {
                    let mut counts = Written::default();
                    let Ok(fitted) = fit(&text, encoding, unencodable, &mut counts) else { continue };
                    let again = fit(&fitted, encoding, Unencodable::Fail, &mut Written::default()).unwrap();
                    prop_assert_eq!(&again, &fitted);
                    prop_assert_eq!(counts.unencodable + counts.respelled == 0, fitted == text);
                    let mut bytes = Vec::new();
                    put(&fitted, encoding, &mut bytes);
                    let read = match encoding {
                        Encoding::Cp932 => encoding_rs::SHIFT_JIS
                            .decode_without_bom_handling_and_without_replacement(&bytes)
                            .map(Cow::into_owned),
                        Encoding::Iso2022Jp => back(&bytes),
                        _ => String::from_utf8(bytes.clone()).ok(),
                    };
                    prop_assert_eq!(read.as_deref(), Some(&*fitted));
                    // No reference to a number of a character stands for it (a sign may be dropped between two that stay).
                    let plain = text.replace(['\u{e0100}', '\u{1b}'], "");
                    prop_assert!(plain.contains("&#") || !bytes.windows(2).any(|w| w == b"&#") || encoding == Encoding::Iso2022Jp);
                }
            }
        }
    }
}
