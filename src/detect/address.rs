//! Postal addresses.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::lexicon::municipalities;
use super::{Detector, Doc, Found, Prepared, Strength, topic};

/// A prefecture or municipality, then a place, then numbers of a lot (`2丁目3番4号`, `2-3-4`, `123番地`), with the building behind it.
///
/// A prefecture or municipality alone is no address: releases may have them.
pub struct Address;

const DOC: Doc = Doc {
    name: "address",
    ja: "住所（番地を含む）",
    summary: "prefecture or municipality with the number of a lot",
    summary_ja: "都道府県又は市区町村と番地",
    mark: "【住所】",
    law: "規則18条1号・33条1号",
    chance: 0.5,
    topics: topic::ADDRESS,
};

const PREFECTURES: &[&str] = &[
    "北海道",
    "青森県",
    "岩手県",
    "宮城県",
    "秋田県",
    "山形県",
    "福島県",
    "茨城県",
    "栃木県",
    "群馬県",
    "埼玉県",
    "千葉県",
    "東京都",
    "神奈川県",
    "新潟県",
    "富山県",
    "石川県",
    "福井県",
    "山梨県",
    "長野県",
    "岐阜県",
    "静岡県",
    "愛知県",
    "三重県",
    "滋賀県",
    "京都府",
    "大阪府",
    "兵庫県",
    "奈良県",
    "和歌山県",
    "鳥取県",
    "島根県",
    "岡山県",
    "広島県",
    "山口県",
    "徳島県",
    "香川県",
    "愛媛県",
    "高知県",
    "福岡県",
    "佐賀県",
    "長崎県",
    "熊本県",
    "大分県",
    "宮崎県",
    "鹿児島県",
    "沖縄県",
];

fn places() -> &'static AhoCorasick {
    static PLACES: OnceLock<AhoCorasick> = OnceLock::new();
    PLACES.get_or_init(|| {
        #[expect(
            clippy::expect_used,
            reason = "the names are part of the program; a test builds them"
        )]
        AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(PREFECTURES.iter().copied().chain(municipalities().iter().map(String::as_str)))
            .expect("the places make an automaton")
    })
}

fn is_place(c: char) -> bool {
    matches!(c, '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fc}' | '\u{3400}'..='\u{9fff}')
}

/// Where the numbers of a lot that begin at `start` end, and whether they are a lot's (not `3回`, `2日`).
fn lot(text: &str, start: usize) -> Option<usize> {
    let mut end = start;
    let mut parts = 0;
    let mut marked = false;
    loop {
        let digits = text[end..].bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > 5 {
            break;
        }
        parts += 1;
        end += digits;
        let mark = ["丁目", "番地の", "番地", "番", "号", "-", "の"]
            .iter()
            .find(|m| text[end..].starts_with(**m));
        let Some(mark) = mark else { break };
        let follows = text[end + mark.len()..]
            .trim_start_matches(' ')
            .starts_with(|c: char| c.is_ascii_digit());
        match *mark {
            "-" | "の" if !follows => break,
            "-" | "の" => {}
            _ => marked = true,
        }
        end += mark.len();
        let blank = text[end..].bytes().take_while(|b| *b == b' ').count();
        if follows && blank <= 1 {
            end += blank;
        }
    }
    // 2024-05-12 is a day.
    let day = crate::text::date::parse(&text[start..end]).is_some_and(|when| when.days().is_some());
    ((marked || parts >= 2) && !day).then_some(end)
}

/// A building's name and room behind the numbers.
fn building(text: &str, from: usize) -> usize {
    let mut end = from;
    let mut named = false;
    for (at, c) in text[from..].char_indices().take(24) {
        if !(is_place(c) || c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '・')) {
            break;
        }
        let behind = from + at + c.len_utf8();
        let so_far = &text[from..behind];
        if [
            "マンション",
            "ハイツ",
            "アパート",
            "コーポ",
            "メゾン",
            "荘",
            "ビル",
            "団地",
            "ハイム",
            "レジデンス",
            "タワー",
            "号棟",
        ]
        .iter()
        .any(|b| so_far.ends_with(b))
        {
            named = true;
            end = behind;
        } else if named && (c.is_ascii_alphanumeric() || c == '号' || so_far.ends_with("号室")) {
            end = behind;
        }
    }
    if end > from { end } else { flat(text, from).unwrap_or(from) }
}

/// A word with two katakana or more and the number of a flat behind a blank: `1-2-3 西川シャルム314`. Not a result (`12.5`, `12%`).
fn flat(text: &str, from: usize) -> Option<usize> {
    let rest = text[from..].strip_prefix(' ')?;
    let word: String = rest
        .chars()
        .take_while(|&c| is_place(c) && !matches!(c, '\u{3041}'..='\u{3096}'))
        .collect();
    let katakana = word.chars().filter(|c| matches!(c, '\u{30a1}'..='\u{30fa}')).count();
    if katakana < 2 || word.chars().count() > 16 {
        return None;
    }
    let behind = &rest[word.len()..];
    let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
    let end = from + 1 + word.len() + digits;
    let result =
        text[end..].starts_with(|c: char| matches!(c, '.' | '%' | '/') || c.is_ascii_alphabetic());
    ((1..=4).contains(&digits) && !result).then_some(end)
}

impl Detector for Address {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        let text = view.text;
        if text.is_ascii() || !text.bytes().any(|b| b.is_ascii_digit()) {
            return;
        }
        let mut done = 0;
        for place in places().find_iter(text) {
            if place.start() < done {
                continue;
            }
            // The names of town and lot follow; a particle or a stop ends the search.
            let mut end = place.end();
            let (mut count, mut town) = (0, false);
            let number = loop {
                let Some(c) = text[end..].chars().next() else { break None };
                if c.is_ascii_digit() {
                    break Some(end);
                }
                count += 1;
                town |= is_place(c);
                if count > 24
                    || !is_place(c)
                    || text[end..].starts_with("から")
                    || ["在住", "出身", "より"].iter().any(|w| text[end..].starts_with(w))
                {
                    break None;
                }
                end += c.len_utf8();
            };
            if let Some(number) = number
                && let Some(end) = lot(text, number)
                && (town || text[number..end].contains(['丁', '番', '号']))
            {
                let end = building(text, end);
                found.push((place.start()..end, Strength::Strong));
                done = end;
            }
        }
    }
}
