//! Numbers of patients.

use super::{Detector, Doc, Found, Prepared, Strength, topic};

/// What follows 患者番号, 診察券番号, カルテ番号, ID; and any number that is a key in the same run, where the keys are known.
pub struct HospitalNumber;

const DOC: Doc = Doc {
    name: "hospital_number",
    ja: "患者番号・診察券番号・カルテ番号",
    summary: "what follows the words for a patient's number; keys of the same run",
    summary_ja: "患者番号等の語に続く番号、同じ実行のキーである番号",
    mark: "【患者番号】",
    law: "規則18条3号・33条1号",
    chance: 0.5,
    topics: topic::HOSPITAL,
};

impl Detector for HospitalNumber {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        let text = view.text;
        for word in view.named(DOC.topics) {
            let rest = &text[word.end..];
            let skipped = rest.len()
                - rest
                    .trim_start_matches("番号")
                    .trim_start_matches([
                        ' ', ':', '(', ')', '.', '#', 'は', '=', '[', ']', '】', '|', 'の',
                    ])
                    .trim_start_matches("No.")
                    .trim_start_matches("No")
                    .trim_start_matches([' ', ':', '.'])
                    .len();
            let start = word.end + skipped;
            let code: String = text[start..]
                .chars()
                .take_while(|c| c.is_ascii_alphanumeric() || *c == '-')
                .take(24)
                .collect();
            let code = code.trim_end_matches('-');
            let digits = code.bytes().filter(u8::is_ascii_digit).count();
            if skipped <= 12 && digits >= 4 && digits * 2 >= code.len() {
                found.push((start..start + code.len(), Strength::Strong));
            }
        }
        if let Some(keys) = view.keys() {
            view.codes(|start, code| {
                if keys.contains(code) {
                    found.push((start..start + code.len(), Strength::Strong));
                }
            });
        }
    }
}
