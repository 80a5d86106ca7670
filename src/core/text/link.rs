//! The parts of a link identity (名寄せ): birth date, kana name, sex, insurer's numbers, made equal before they are compared.
//!
//! Two systems write one person differently: half-width kana, blanks between the names, small letters that a card printer
//! lacks. What is folded here is a rule with a version; another version is another identity.

use unicode_normalization::UnicodeNormalization;

use super::{date, identifier};

/// The version of the rules: part of every link identity and of every link token.
pub const VERSION: &str = "kakou-link-1";

/// What a part of a link identity is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Part {
    /// A full date; partial dates and fillers do not identify.
    Date,
    /// A name in kana.
    Kana,
    /// Male or female.
    Sex,
    /// A number or code.
    Identifier,
}

/// The normal form of a part; `None` for what must never match: blank, all nines or zeros, undecodable, unreadable.
#[must_use]
pub fn normalize(part: Part, text: &str) -> Option<String> {
    match part {
        Part::Date => {
            identifier::normalize(text, false, None)?;
            let day = date::date_of(date::parse(text)?.days()?)?;
            Some(day.format("%Y%m%d").to_string())
        }
        Part::Kana => kana(text),
        Part::Sex => sex(text).map(str::to_owned),
        Part::Identifier => identifier::normalize(text, false, None),
    }
}

/// A kana name: NFKC, hiragana to katakana, small letters large, without blanks, dots and dashes; only kana is a name.
fn kana(text: &str) -> Option<String> {
    let mut name = String::with_capacity(text.len());
    for c in text.nfkc() {
        let c = match c {
            'ぁ'..='ゖ' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
            c => c,
        };
        let c = match c {
            'ァ' => 'ア',
            'ィ' => 'イ',
            'ゥ' => 'ウ',
            'ェ' => 'エ',
            'ォ' => 'オ',
            'ッ' => 'ツ',
            'ャ' => 'ヤ',
            'ュ' => 'ユ',
            'ョ' => 'ヨ',
            'ヮ' => 'ワ',
            'ヵ' => 'カ',
            'ヶ' => 'ケ',
            c => c,
        };
        match c {
            'ア'..='ヺ' => name.push(c),
            // The long vowel mark is typed as many dashes, or left out.
            'ー' | '-' | '・' | '.' | ',' => {}
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{30a0}' => {}
            c if c.is_whitespace() || c.is_control() => {}
            _ => return None,
        }
    }
    // What is typed where the name is not known would make one person of all of them.
    const NOBODY: [&str; 6] = ["フメイ", "ミシヨウ", "ナシ", "ミトウロク", "ダミ", "テスト"];
    (!name.is_empty() && !NOBODY.contains(&name.as_str())).then_some(name)
}

fn sex(text: &str) -> Option<&'static str> {
    let plain: String = text.trim().nfkc().collect::<String>().to_ascii_lowercase();
    match plain.as_str() {
        "1" | "m" | "male" | "男" | "男性" => Some("1"),
        "2" | "f" | "female" | "女" | "女性" => Some("2"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_person_in_many_spellings() {
        for text in ["ｱﾍﾞ ﾕｳｺ", "アベ　ユウコ", "あべ ゆうこ", "アベユゥコ", "アベ・ユウコ"]
        {
            assert_eq!(normalize(Part::Kana, text).as_deref(), Some("アベユウコ"), "{text}");
        }
        for text in ["19500210", "1950-02-10", "S25.2.10", "昭和25年2月10日", "３２５０２１０"]
        {
            assert_eq!(normalize(Part::Date, text).as_deref(), Some("19500210"), "{text}");
        }
        assert_eq!(normalize(Part::Sex, "女性"), normalize(Part::Sex, "２"));
        assert_eq!(normalize(Part::Identifier, "１２－３４"), normalize(Part::Identifier, "1234"));
    }

    #[test]
    fn what_cannot_identify_never_matches() {
        for (part, text) in [
            (Part::Date, "00000000"),
            (Part::Date, "99999999"),
            (Part::Date, "19500200"),
            (Part::Date, "1950"),
            (Part::Kana, ""),
            (Part::Kana, "  "),
            (Part::Kana, "阿部"),
            (Part::Kana, "ｱ\u{fffd}"),
            (Part::Kana, "ふめい"),
            (Part::Identifier, "NULL"),
            (Part::Identifier, "不明"),
            (Part::Identifier, "1.2E+11"),
            (Part::Sex, "9"),
            (Part::Sex, ""),
            (Part::Identifier, "99999999"),
            (Part::Identifier, "９９９９９９９９"),
            (Part::Identifier, " 　"),
            (Part::Identifier, "00000000"),
        ] {
            assert_eq!(normalize(part, text), None, "{text}");
        }
    }
}
