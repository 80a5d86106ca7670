//! 旅券番号.

use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// Two letters and seven digits; Japanese passports begin with T or M. Foreign ones have other forms and are found by the word.
pub struct Passport;

const DOC: Doc = Doc {
    name: "passport",
    ja: "旅券番号",
    summary: "2 letters and 7 digits; other forms when named",
    summary_ja: "英字2字と数字7桁、語を伴えば他の形も",
    mark: "【旅券番号】",
    law: "令1条2号・規則4条3号",
    chance: 0.5,
    topics: topic::PASSPORT,
};

impl Detector for Passport {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.codes(|start, code| {
            let bytes = code.as_bytes();
            let letters = bytes.iter().take_while(|b| b.is_ascii_alphabetic()).count();
            let digits = bytes[letters..].iter().filter(|b| b.is_ascii_digit()).count();
            let japanese = letters == 2 && digits == 7 && bytes.len() == 9;
            let foreign =
                letters <= 2 && (7..=9).contains(&digits) && letters + digits == bytes.len();
            if !(japanese || foreign) {
                return;
            }
            let end = start + code.len();
            let first = bytes[0].to_ascii_uppercase();
            let upper = bytes[..letters].iter().all(u8::is_ascii_uppercase);
            let strength = match view.context(start, end, DOC.topics) {
                Context::Named => Strength::Strong,
                Context::Silent if japanese && upper && matches!(first, b'T' | b'M') => {
                    Strength::Fair
                }
                _ if japanese => Strength::Weak,
                _ => return,
            };
            found.push((start..end, strength));
        });
    }
}
