//! 健康保険 被保険者証の記号・番号, and 公費 受給者番号.

use super::{Detector, Doc, Found, Prepared, Strength, topic};

/// What follows the words 記号 and 番号 (`記号 12 番号 3456`, `記号・番号 1234・567`), and 受給者番号.
///
/// The parts have no form of their own: without the words nothing is found.
pub struct InsuredSymbol;

const DOC: Doc = Doc {
    name: "insured_symbol",
    ja: "被保険者証の記号・番号、公費受給者番号",
    summary: "what follows the words 記号, 番号, 受給者番号",
    summary_ja: "記号・番号・受給者番号の語に続くもの",
    mark: "【記号番号】",
    law: "令1条3号・規則4条1号・5号〜7号",
    chance: 0.5,
    topics: topic::SYMBOL,
};

fn is_value(c: char) -> bool {
    c.is_ascii_alphanumeric()
        || matches!(c, '-' | '・' | '\u{4e00}'..='\u{9fff}' | '\u{30a1}'..='\u{30f6}')
}

/// The value that begins at or shortly behind `from`: its bytes.
fn value(text: &str, from: usize) -> Option<std::ops::Range<usize>> {
    let rest = text.get(from..)?;
    let skipped = rest.len()
        - rest
            .trim_start_matches([' ', ':', '(', ')', '・', '=', '/', 'は', '|', ']', '】', '['])
            .len();
    let start = from + skipped;
    let length: usize = text[start..]
        .chars()
        .scan(0, |count, c| {
            *count += 1;
            (*count <= 16 && is_value(c)).then_some(c.len_utf8())
        })
        .sum();
    // Words follow the number (`番号`, `枝番`): the value ends where they begin.
    let mut end = start + length;
    for word in ["番号", "枝番", "記号", "本人", "家族", "の", "を"] {
        if let Some(at) = text[start..end].find(word) {
            end = start + at;
        }
    }
    let value = text[start..end].trim_end_matches(['・', '-']);
    (skipped <= 8 && value.chars().any(|c| c.is_ascii_digit())).then(|| start..start + value.len())
}

impl Detector for InsuredSymbol {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        let text = view.text;
        for word in view.only(DOC.topics) {
            let mut at = word.end;
            let rest = &text[at..];
            // 記号・番号, 記号番号, 記号及び番号
            for joined in ["・番号", "番号", "及び番号", "、番号", "/番号", "と番号", "等"]
            {
                if rest.starts_with(joined) {
                    at += joined.len();
                    break;
                }
            }
            let Some(first) = value(text, at) else { continue };
            let mut end = first.end;
            // The second part: 番号, 枝番, or a number after a blank or a dot.
            for _ in 0..2 {
                let tail = text[end..].trim_start_matches([' ', '、', ',', '・', '/', ')', '(']);
                let next = text.len() - tail.len();
                let named = ["番号", "枝番"].iter().find(|w| tail.starts_with(**w));
                let from = named.map_or(next, |w| next + w.len());
                let near = next - end <= 4;
                match value(text, from) {
                    Some(second)
                        if near
                            && (named.is_some()
                                || tail.starts_with(|c: char| c.is_ascii_digit())
                                    && next > end) =>
                    {
                        end = second.end;
                    }
                    _ => break,
                }
            }
            found.push((first.start..end, Strength::Strong));
        }
    }
}
