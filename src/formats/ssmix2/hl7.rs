//! HL7 v2.5 messages as SS-MIX2 stores them.
//!
//! The bytes are ISO-2022-JP and must be decoded before anything is split: in two-byte text every delimiter occurs as half of
//! a character. Segments end with CR; LF and CR LF are read too.

use std::borrow::Cow;

/// Why a message cannot be read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Broken {
    /// Not ISO-2022-JP.
    Bytes,
    /// No MSH, or other delimiters than `|^~\&`.
    Header,
}

/// A decoded message, split into segments.
pub(super) struct Message {
    text: String,
    segments: Vec<(usize, usize)>,
}

/// A segment of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Segment<'a>(&'a str);

impl Message {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Broken> {
        // Pure ISO-2022-JP has no high bytes: UTF-8 or CP932 text is found out here.
        if bytes.iter().any(|b| *b >= 0x80 || *b == 0) {
            return Err(Broken::Bytes);
        }
        let text = encoding_rs::ISO_2022_JP
            .decode_without_bom_handling_and_without_replacement(bytes)
            .ok_or(Broken::Bytes)?
            .into_owned();
        let mut segments = Vec::new();
        let mut start = 0;
        for (at, _) in text.match_indices(['\r', '\n']).chain([(text.len(), "")]) {
            if at > start {
                segments.push((start, at));
            }
            start = at + 1;
        }
        let message = Message { text, segments };
        let first = message.segments().next().ok_or(Broken::Header)?;
        if first.0.starts_with("MSH|^~\\&|") { Ok(message) } else { Err(Broken::Header) }
    }
    pub(super) fn segments(&self) -> impl ExactSizeIterator<Item = Segment<'_>> {
        self.segments.iter().map(|&(a, b)| Segment(&self.text[a..b]))
    }
    pub(super) fn segment(&self, index: usize) -> Segment<'_> {
        let (a, b) = self.segments[index];
        Segment(&self.text[a..b])
    }
}

impl<'a> Segment<'a> {
    /// The three letters at its beginning.
    pub(super) fn name(self) -> &'a str {
        self.0.split('|').next().unwrap_or_default()
    }
    /// A field as it stands, numbered as in the standard.
    pub(super) fn field(self, number: usize) -> &'a str {
        // MSH-1 is the separator itself.
        let at = if self.name() == "MSH" { number.saturating_sub(1) } else { number };
        self.0.split('|').nth(at).unwrap_or_default()
    }
    /// The repetitions of a field.
    pub(super) fn repetitions(self, number: usize) -> impl Iterator<Item = &'a str> {
        self.field(number).split('~')
    }
}

/// A component of a repetition, numbered from 1, as it stands.
pub(super) fn component(repetition: &str, number: usize) -> &str {
    repetition.split('^').nth(number.saturating_sub(1)).unwrap_or_default()
}

/// A subcomponent of a component, numbered from 1, as it stands.
pub(super) fn subcomponent(component: &str, number: usize) -> &str {
    component.split('&').nth(number.saturating_sub(1)).unwrap_or_default()
}

/// The text that a piece of a message stands for: escapes resolved, the explicit null (`""`) empty.
pub(super) fn plain(piece: &str) -> Cow<'_, str> {
    if piece == "\"\"" {
        return Cow::Borrowed("");
    }
    if !piece.contains('\\') {
        return Cow::Borrowed(piece);
    }
    let mut text = String::with_capacity(piece.len());
    let mut rest = piece;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        let Some(end) = after.find('\\') else {
            // A lone escape character is a character.
            text.push_str(&rest[at..]);
            return Cow::Owned(text);
        };
        let code = &after[..end];
        match code {
            "F" => text.push('|'),
            "S" => text.push('^'),
            "T" => text.push('&'),
            "R" => text.push('~'),
            "E" => text.push('\\'),
            // Highlighting.
            "H" | "N" => {}
            ".br" | ".sp" | ".ce" => text.push(' '),
            _ => match hex(code) {
                Some(bytes) => text.push_str(&bytes),
                None => {
                    text.push('\\');
                    text.push_str(code);
                    text.push('\\');
                }
            },
        }
        rest = &after[end + 1..];
    }
    text.push_str(rest);
    Cow::Owned(text)
}

/// `X0D0A`: characters by their codes; line ends become a blank.
fn hex(code: &str) -> Option<String> {
    let digits = code.strip_prefix('X')?;
    let even = !digits.is_empty() && digits.len().is_multiple_of(2) && digits.is_ascii();
    if !even {
        return None;
    }
    let bytes: Vec<u8> = (0..digits.len() / 2)
        .map(|i| u8::from_str_radix(&digits[2 * i..2 * i + 2], 16).ok())
        .collect::<Option<_>>()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    Some(text.replace("\r\n", " ").replace(|c: char| c.is_control(), " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn delimiters_inside_two_byte_characters_split_nothing() {
        // 齢 is 4E 70 ... ; of JIS X 0208 sixty-eight characters contain the byte of `|` (7C) and more those of `^~\&`.
        let mut found = 0;
        for code in 0x2121_u16..0x7e7e {
            let bytes = [code.to_be_bytes()[0], code.to_be_bytes()[1]];
            if !bytes.iter().any(|b| b"|^~\\&".contains(b)) {
                continue;
            }
            let mut message = b"MSH|^~\\&|A\rPID|1||".to_vec();
            message.extend_from_slice(b"\x1b$B");
            message.extend_from_slice(&bytes);
            message.extend_from_slice(b"\x1b(B^x|next\r");
            let Ok(message) = Message::parse(&message) else { continue };
            let pid = message.segment(1);
            assert_eq!(component(pid.field(3), 1).chars().count(), 1);
            assert_eq!((component(pid.field(3), 2), pid.field(4)), ("x", "next"));
            found += 1;
        }
        assert!(found > 500, "{found}");
    }

    #[test]
    fn line_ends_and_fields() {
        for end in ["\r", "\n", "\r\n"] {
            let text = format!("MSH|^~\\&|S|H{end}PID|1||123^^^X~456{end}");
            let message = Message::parse(text.as_bytes()).ok().unwrap();
            assert_eq!(message.segments().len(), 2);
            assert_eq!(message.segment(0).field(2), "^~\\&");
            assert_eq!(message.segment(0).field(3), "S");
            assert_eq!(message.segment(1).repetitions(3).collect::<Vec<_>>(), ["123^^^X", "456"]);
        }
        assert!(matches!(Message::parse("MSH|^~\\&|山".as_bytes()), Err(Broken::Bytes)));
        assert!(matches!(Message::parse(b"MSH|^~\\#|"), Err(Broken::Header)));
        assert!(matches!(Message::parse(b""), Err(Broken::Header)));
        assert!(matches!(Message::parse(b"PID|1"), Err(Broken::Header)));
    }

    #[test]
    fn escapes() {
        for (piece, text) in [
            ("a\\F\\b\\S\\\\T\\\\R\\\\E\\", "a|b^&~\\"),
            ("\"\"", ""),
            ("\\H\\high\\N\\", "high"),
            ("1\\.br\\2", "1 2"),
            ("\\X41420D0A43\\", "AB C"),
            ("\\Zx\\", "\\Zx\\"),
            ("C:\\", "C:\\"),
        ] {
            assert_eq!(plain(piece), text);
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut message = b"MSH|^~\\&|".to_vec();
            message.extend(bytes);
            if let Ok(message) = Message::parse(&message) {
                for segment in message.segments() {
                    let _ = plain(segment.field(3));
                }
            }
        }
    }
}
