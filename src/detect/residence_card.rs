//! 在留カード番号, 特別永住者証明書番号.

use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// Two letters, eight digits, two letters: nothing else in a hospital is written so.
pub struct ResidenceCard;

const DOC: Doc = Doc {
    name: "residence_card",
    ja: "在留カード番号・特別永住者証明書番号",
    summary: "2 letters, 8 digits, 2 letters",
    summary_ja: "英字2字・数字8桁・英字2字",
    mark: "【在留カード番号】",
    law: "規則4条4号・9号",
    chance: 0.5,
    topics: topic::RESIDENCE_CARD,
};

impl Detector for ResidenceCard {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.codes(|start, code| {
            let bytes = code.as_bytes();
            let form = bytes.len() == 12
                && bytes[..2].iter().chain(&bytes[10..]).all(u8::is_ascii_alphabetic)
                && bytes[2..10].iter().all(u8::is_ascii_digit);
            if !form {
                return;
            }
            let upper = !bytes.iter().any(u8::is_ascii_lowercase);
            let strength = match view.context(start, start + code.len(), DOC.topics) {
                Context::Named => Strength::Strong,
                Context::Silent if upper => Strength::Good,
                _ => Strength::Weak,
            };
            found.push((start..start + code.len(), strength));
        });
    }
}
