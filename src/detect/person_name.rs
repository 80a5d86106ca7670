//! Names of persons: patients, families, staff.

use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::latin_name;
use super::lexicon::names;
use super::{Detector, Doc, Found, Prepared, Strength, topic};
use crate::text::normalize::large_katakana;

/// A family name of the list beside a word of address or office (`山田様`, `佐藤看護師`, `Dr. 鈴木`, `主治医:田中`, `氏名 山本和花`), in
/// ideographs, katakana or hiragana; a whole word of family and given name, both of the lists and of two ideographs or more; or a
/// cell that is nothing but family and given name of the lists. In Latin letters (`SATO TARO`, `Hanako Yamada`): family and given
/// name by the readings of the lists, each with a capital or in capitals; a family name of the readings beside an initial
/// (`S. Takahashi`).
///
/// A family name alone in running text is not a finding: 橋本病 and 川崎病 are diseases, 山口 and 福島 places. Foreign names, given
/// names alone and nicknames are not found.
pub struct PersonName;

const DOC: Doc = Doc {
    name: "person_name",
    ja: "氏名",
    summary: "family names of a list beside titles; family with given name of the lists",
    summary_ja: "姓の一覧と敬称・職名、一覧の姓と名の組",
    mark: "【氏名】",
    law: "規則18条1号・33条1号",
    chance: 0.05,
    topics: topic::NAME,
};

/// Words behind a name.
#[rustfmt::skip]
const BEHIND: &[&str] = &[
    "様", "さま", "さん", "氏", "殿", "先生", "ちゃん", "くん", "君", "医師", "看護師", "助産師", "保健師", "薬剤師", "技師", "療法士", "栄養士", "相談員", "主任", "師長", "部長", "科長",
    "医長", "院長", "教授", "准教授", "講師", "助教", "ケアマネ", "ケアマネジャー", "ヘルパー", "MSW", "Dr", "DR", "Ns", "NS", "PT", "OT", "ST", "記", "夫妻", "クリニック", "医院",
];
/// Words that only look like these, or are part of longer ones.
#[rustfmt::skip]
const NOT_BEHIND: &[&str] = &[
    "様子", "様々", "様式", "様態", "様相",  "医師会", "医師法", "氏名", "先生方", "記載", "記録", "記入", "記憶", "記号", "記事", "記述", "記念", "記銘", "看護師長", "君臨", "講師陣", "PTSD", "PTCA", "PT-INR", "STEMI", "殿部", "主任者", "部長会",
    "教授会",
];
/// Words before a name; with whether the family name alone is enough behind them.
#[rustfmt::skip]
const BEFORE: &[(&str, bool)] = &[
    ("Dr.", true), ("Dr", true), ("DR", true), ("Ns.", true), ("Ns", true), ("主治医", true), ("担当医", true), ("執刀医", true), ("麻酔科医", true), ("麻酔医", true), ("指導医", true), ("当直医", true),
    ("紹介医", true), ("術者", true), ("助手", true), ("執刀", true), ("看護師", true), ("薬剤師", true), ("助産師", true), ("保健師", true), ("記載者", true), ("記録者", true), ("担当者", true), ("担当", true), ("報告者", true),
    ("説明者", true), ("確認者", true), ("技師", true), ("医師", true), ("患者氏名", true), ("患者名", true), ("氏名", true), ("姓名", true), ("患者", true), ("カナ", true), ("フリガナ", true), ("ふりがな", true), ("ケアマネ", true), ("ケアマネジャー", true),
    ("キーパーソン", true), ("KP", true), ("保護者", true), ("代理人", true), ("同意者", true), ("連絡者", true), ("紹介元", false), ("家族", false), ("妻", false), ("夫", false), ("長男", false), ("次男", false), ("三男", false), ("長女", false), ("次女", false), ("三女", false),
    ("母", false), ("父", false), ("息子", false), ("娘", false), ("兄", false), ("弟", false), ("姉", false), ("妹", false), ("孫", false), ("本人", false), ("付添", false), ("名前", true),
];
/// Family names of one character that may stand alone before a title.
const SINGLE: &str = "林森原東南西北関谷辻堀岡星畑浜柴沢菅島平泉梶榊橘桂柳滝湯牧秦窪岸奥江池沖城室宮坂土堤杉楠椿神福米脇荒菊角金高黒丹李王朴崔張陳趙姜曹";
/// What stands before a title and is no name although the list has it.
#[rustfmt::skip]
const NO_NAME: &[&str] = &[
    "患者", "家族", "担当", "主治", "内科", "外科", "当直", "皆", "奥", "御家族", "各位", "業者", "先方", "関係", "利用", "入居", "保護", "研修", "専門", "非常勤", "常勤", "同", "多", "仕", "有", "異", "模", "神", "王", "お子", "子", "両", "某", "諸", "彼", "源", "平", "摂", "華",
    "病棟", "外来", "看護", "救急", "手術", "麻酔", "放射線", "検査", "薬剤", "栄養", "相談", "訪問", "管理", "整形", "皮膚", "精神", "小児", "産科", "婦人", "眼科", "耳鼻", "泌尿", "脳外", "循環", "呼吸", "消化", "本院", "当院", "他院", "前医", "近医", "産業", "学校", "臨床", "作業", "理学", "言語", "大学", "医大", "今", "本日", "昨日", "妻", "夫", "母", "父", "長男", "長女", "姉", "妹", "兄", "弟", "娘", "息子", "孫", "嫁", "甥", "姪", "叔父", "叔母",
];

struct Titles {
    behind: AhoCorasick,
    before: AhoCorasick,
}

fn titles() -> &'static Titles {
    static TITLES: OnceLock<Titles> = OnceLock::new();
    TITLES.get_or_init(|| {
        let make = |words: Vec<&str>| {
            #[expect(
                clippy::expect_used,
                reason = "the words are part of the program; a test builds them"
            )]
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(words)
                .expect("the titles make an automaton")
        };
        Titles {
            behind: make(BEHIND.iter().chain(NOT_BEHIND).copied().collect()),
            before: make(BEFORE.iter().map(|b| b.0).collect()),
        }
    })
}

/// Where in a folded text a name may stand, by the titles beside it.
pub(super) struct Places {
    ends: Vec<usize>,
    starts: Vec<usize>,
}

/// What may stand between a word and the name behind it.
const BETWEEN: [char; 15] =
    [' ', ':', '(', ')', '・', 'は', '=', '[', ']', '】', '【', '.', '/', '|', '「'];
/// How many bytes of it.
const BETWEEN_MOST: usize = 9;

impl Places {
    /// Looks for the titles of a folded text.
    pub(super) fn of(text: &str) -> Places {
        let ends = behind(text).map(|(end, _)| end).collect();
        let starts = before(text).map(|(start, ..)| start).collect();
        Places { ends, starts }
    }
    /// Whether a title stands behind a place.
    pub(super) fn ends_at(&self, end: usize) -> bool {
        self.ends.contains(&end)
    }
    /// Whether a word that announces a name stands before a place.
    pub(super) fn begins_at(&self, start: usize) -> bool {
        self.starts.contains(&start)
    }
}

/// Titles behind a name: where the name would end, and the title.
fn behind(text: &str) -> impl Iterator<Item = (usize, &'static str)> + '_ {
    titles().behind.find_iter(text).filter_map(|m| {
        let title = BEHIND.get(m.pattern().as_usize())?;
        let next = text[m.end()..].chars().next();
        if title.is_ascii() && next.is_some_and(|c| c.is_ascii_alphanumeric()) {
            return None;
        }
        let head = &text[..m.start()];
        let gap = head.len() - head.trim_end_matches([' ', '(']).len();
        (gap <= 2).then_some((m.start() - gap, *title))
    })
}

/// Words before a name: where the name would begin, the bytes between, the word, and whether a family name is enough.
fn before(text: &str) -> impl Iterator<Item = (usize, usize, &'static str, bool)> + '_ {
    titles().before.find_iter(text).filter_map(|m| {
        let (word, alone) = BEFORE[m.pattern().as_usize()];
        if word.is_ascii() && text[..m.start()].ends_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let rest = &text[m.end()..];
        let skipped = rest.len() - rest.trim_start_matches(BETWEEN).len();
        (skipped <= BETWEEN_MOST).then_some((m.end() + skipped, skipped, word, alone))
    })
}

fn is_kanji(c: char) -> bool {
    matches!(c, '\u{3005}'..='\u{3007}' | '\u{3400}'..='\u{9fff}' | 'ヶ' | 'ケ' | 'ノ')
}
fn is_katakana(c: char) -> bool {
    matches!(c, '\u{30a1}'..='\u{30fa}' | 'ー')
}
fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{3096}')
}

fn kana_key(text: &str) -> Option<String> {
    text.chars()
        .all(|c| is_katakana(c) || is_hiragana(c))
        .then(|| text.chars().map(large_katakana).collect())
}

fn is_family(text: &str) -> bool {
    let length = text.chars().count();
    if NO_NAME.contains(&text) {
        return false;
    }
    match kana_key(text) {
        // Short kana are words: さん, はら. Three or more may be names.
        Some(kana) => length >= 3 && names().family_kana.contains(&kana),
        None => names().family.contains(text) && (length >= 2 || SINGLE.contains(text)),
    }
}

fn is_given(text: &str) -> bool {
    match kana_key(text) {
        Some(kana) => {
            kana.chars().count() >= 2
                && (names().given_kana.contains(&kana) || names().given.contains(text))
        }
        None => names().given.contains(text),
    }
}

/// A reading of two kana: a name only beside a given name.
fn is_short_reading(text: &str) -> bool {
    kana_key(text)
        .is_some_and(|kana| kana.chars().count() == 2 && names().family_kana.contains(&kana))
}

/// What could be half a name in katakana.
fn is_kana_word(text: &str) -> bool {
    (2..=6).contains(&text.chars().count()) && text.chars().all(is_katakana)
}

/// The word that begins at a place, where it could be a given name that no list has: all letters of one kind up to the
/// first that is of another.
fn given_run(text: &str, from: usize) -> Option<usize> {
    let first = text[from..].chars().next()?;
    let (kind, most): (fn(char) -> bool, usize) = match first {
        c if is_kanji(c) => (is_kanji, 4),
        c if is_katakana(c) => (is_katakana, 6),
        c if is_hiragana(c) => (is_hiragana, 5),
        _ => return None,
    };
    let run: String = text[from..].chars().take_while(|&c| kind(c)).collect();
    let length = run.chars().count();
    let enough = if is_kanji(first) { 1 } else { 2 };
    let named = (enough..=most).contains(&length) && !NO_NAME.contains(&run.as_str());
    named.then_some(from + run.len())
}

/// Family and given name, both of the lists and of two ideographs or more, that are a whole word of running text
/// (`支店の山本大輔が`), with a blank between them or not.
fn full_names(text: &str, found: &mut Found) {
    let part = |c: char| is_kanji(c) || is_katakana(c);
    let listed = |family: &str, given: &str| {
        let two = |t: &str| t.chars().nth(1).is_some();
        two(family)
            && two(given)
            && is_family(family)
            && is_given(given)
            && !NO_NAME.contains(&given)
    };
    let mut words: Vec<(usize, usize)> = Vec::new();
    let mut open = None;
    for (at, c) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        match (open, part(c)) {
            (None, true) => open = Some(at),
            (Some(start), false) => {
                words.push((start, at));
                open = None;
            }
            _ => {}
        }
    }
    for (i, &(start, end)) in words.iter().enumerate() {
        let word = &text[start..end];
        if !word.chars().all(is_kanji) {
            continue;
        }
        let length = word.chars().count();
        if (4..=6).contains(&length)
            && word.char_indices().skip(2).any(|(at, _)| listed(&word[..at], &word[at..]))
        {
            found.push((start..end, Strength::Strong));
        }
        if let Some(&(next, last)) = words.get(i + 1)
            && &text[end..next] == " "
            && listed(word, &text[next..last])
        {
            found.push((start..last, Strength::Strong));
        }
    }
}

/// What could be a given name that no list has: up to three ideographs or five kana of one kind.
fn may_be_given(text: &str) -> bool {
    let length = text.chars().count();
    text.chars().all(is_kanji) && (1..=3).contains(&length)
        || (2..=5).contains(&length)
            && (text.chars().all(is_katakana) || text.chars().all(is_hiragana))
}

/// A family name and perhaps a given name that end at `end`: where they begin. Before a polite title the given name need
/// not be in the list.
fn ending_at(text: &str, end: usize, polite: bool) -> Option<usize> {
    let run: Vec<(usize, char)> = text[..end]
        .char_indices()
        .rev()
        .take(11)
        .take_while(|&(_, c)| {
            is_kanji(c) || is_katakana(c) || is_hiragana(c) || matches!(c, ' ' | '・')
        })
        .collect();
    let starts: Vec<usize> = run.iter().map(|r| r.0).collect();
    let mut best: Option<(u8, usize)> = None;
    for &start in &starts {
        let piece = &text[start..end];
        if piece.starts_with([' ', '・'])
            || piece.ends_with([' ', '・']) && piece.trim_end().is_empty()
        {
            continue;
        }
        // 株式会社山田商事様 is nobody.
        if text[..start].ends_with("会社") {
            continue;
        }
        let piece = piece.trim_end_matches([' ', '・']);
        let before = text[..start].chars().next_back();
        let script = |c: char| (is_kanji(c), is_katakana(c), is_hiragana(c));
        let first = piece.chars().next().unwrap_or(' ');
        let open = before.is_none_or(|b| script(b) != script(first) || is_hiragana(b));
        let grade = match piece.split_once([' ', '・']) {
            Some((family, given))
                if !given.contains([' ', '・'])
                    && !NO_NAME.contains(&given)
                    && (is_family(family)
                        && (is_given(given)
                            || may_be_given(given) && (family.chars().count() >= 2 || polite))
                        || is_short_reading(family) && is_given(given)
                        || polite && open && is_kana_word(family) && is_kana_word(given)) =>
            {
                5
            }
            // A family name that no list has, before a given name that one has.
            Some((family, given))
                if polite
                    && open
                    && is_given(given)
                    && (2..=4).contains(&family.chars().count())
                    && family.chars().all(is_kanji)
                    && !NO_NAME.contains(&family) =>
            {
                4
            }
            Some(_) => 0,
            None if is_family(piece) && piece.chars().count() >= 2 => {
                if open {
                    4
                } else {
                    2
                }
            }
            None if is_family(piece) && open => 3,
            None => {
                let split = piece.char_indices().skip(1).map(|c| c.0).any(|at| {
                    let (family, given) = piece.split_at(at);
                    is_family(family) && is_given(given) && (family.chars().count() >= 2 || open)
                });
                let loose = || {
                    piece.char_indices().skip(2).map(|c| c.0).any(|at| {
                        let (family, given) = piece.split_at(at);
                        is_family(family) && may_be_given(given)
                    })
                };
                match (split, open) {
                    (true, true) => 5,
                    (true, false) => 3,
                    (false, _) if polite && loose() => {
                        if open {
                            3
                        } else {
                            1
                        }
                    }
                    _ => 0,
                }
            }
        };
        // The better grade, then the longer piece (the starts go from short to long).
        if grade > 0 && best.is_none_or(|(g, _)| grade >= g) {
            best = Some((grade, start));
        }
    }
    best.map(|b| b.1)
}

/// A family name and perhaps a given name that begin at `start`: where they end, and whether there is a given name or the
/// family name ends where a word ends, and where the family name ends.
fn beginning_at(text: &str, start: usize) -> Option<(usize, bool, bool, usize)> {
    let ends: Vec<usize> =
        text[start..].char_indices().map(|(at, c)| start + at + c.len_utf8()).take(6).collect();
    let family = ends.iter().rev().find(|&&end| is_family(&text[start..end]))?;
    let family = *family;
    let single = text[start..family].chars().count() == 1;
    let blank = text[family..].starts_with([' ', '・']);
    let from =
        family + usize::from(blank) * text[family..].chars().next().map_or(0, char::len_utf8);
    let given = text[from..]
        .char_indices()
        .map(|(at, c)| from + at + c.len_utf8())
        .take(5)
        .filter(|&end| {
            let piece = &text[from..end];
            let next = text[end..].chars().next();
            let closed = next.is_none_or(|n| !is_kanji(n) || !piece.chars().all(is_kanji));
            is_given(piece) && (closed || blank)
        })
        .last();
    let next = text[family..].chars().next();
    let kanji = text[start..family].chars().all(is_kanji);
    let closed = next.is_none_or(|n| if kanji { !is_kanji(n) } else { !is_katakana(n) });
    match given {
        Some(end) => Some((end, true, closed, family)),
        // A family name of one character needs an end that is no letter at all.
        None if single => {
            let apart = next.is_none_or(|n| !is_kanji(n) && !is_katakana(n));
            (!blank).then_some((family, false, closed && apart, family))
        }
        None => Some((family, false, closed, family)),
    }
}

/// Whether a cell is nothing but a name.
fn whole(text: &str) -> Strength {
    let (family, given) = match text.split_once(' ') {
        Some((family, given)) => (family, given.trim_start()),
        None => {
            let split = text.char_indices().skip(1).map(|c| c.0).any(|at| {
                let (family, given) = text.split_at(at);
                names().family.contains(family) && is_given(given) && kana_key(text).is_none()
            });
            let split = split || reversed(text);
            return if split && text.chars().count() >= 3 {
                Strength::Fair
            } else {
                Strength::Weak
            };
        }
    };
    let listed = is_family(family) || names().family.contains(family);
    let likely = is_given(given) || is_family(family) && may_be_given(given);
    if listed && likely { Strength::Fair } else { Strength::Weak }
}

/// Whether a text without blanks is the given name before the family name, both of two ideographs or more.
fn reversed(text: &str) -> bool {
    (4..=6).contains(&text.chars().count())
        && text.chars().all(is_kanji)
        && text.char_indices().skip(2).any(|(at, _)| {
            let (given, family) = text.split_at(at);
            family.chars().nth(1).is_some()
                && is_family(family)
                && is_given(given)
                && !NO_NAME.contains(&given)
        })
}

impl Detector for PersonName {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    /// Nothing but family and given name, in ideographs or kana, with a blank between them or not.
    fn is_all_of(&self, folded: &str) -> bool {
        let text = folded.trim();
        let length = text.chars().count();
        let letters = text
            .chars()
            .all(|c| is_kanji(c) || is_katakana(c) || is_hiragana(c) || c == ' ' || c == '・');
        if !(2..=14).contains(&length) || !letters {
            return false;
        }
        if let Some((family, given)) = text.split_once([' ', '・']) {
            let (family, given) = (family.trim(), given.trim());
            return (is_family(family) || is_short_reading(family))
                && (is_given(given) || may_be_given(given));
        }
        if kana_key(text).is_none() {
            return whole(text) >= Strength::Fair;
        }
        length >= 4
            && text.char_indices().skip(2).any(|(at, _)| {
                let (first, second) = text.split_at(at);
                (is_family(first) || is_short_reading(first)) && is_given(second)
                    || is_family(second) && is_given(first)
            })
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        let text = view.text;
        for range in latin_name::pairs(text) {
            found.push((range, Strength::Strong));
        }
        for range in latin_name::initials(text) {
            found.push((range, Strength::Strong));
        }
        if text.is_ascii() {
            return;
        }
        let trimmed = text.trim();
        let length = trimmed.chars().count();
        if (2..=12).contains(&length)
            && trimmed.chars().all(|c| is_kanji(c) || is_katakana(c) || is_hiragana(c) || c == ' ')
        {
            let start = text.len() - text.trim_start().len();
            let strength = whole(trimmed);
            let named = view.column() & topic::NAME != 0 && strength == Strength::Fair;
            found.push((
                start..start + trimmed.len(),
                if named { Strength::Strong } else { strength },
            ));
        }
        full_names(text, found);
        for (end, title) in behind(text) {
            let polite = matches!(
                title,
                "様" | "さま" | "さん" | "氏" | "殿" | "ちゃん" | "くん" | "君" | "夫妻"
            );
            if let Some(start) = ending_at(text, end, polite) {
                found.push((start..end, Strength::Strong));
            }
        }
        for (start, skipped, word, alone) in before(text) {
            let Some((end, given, closed, family)) = beginning_at(text, start) else {
                // 氏名: and two words, whatever they are.
                if skipped > 0
                    && is_label(word)
                    && let Some(end) = two_words(text, start)
                {
                    found.push((start..end, Strength::Strong));
                }
                continue;
            };
            let opened = text[..start].ends_with(['(', '「', '[']);
            let label = is_label(word) && skipped > 0;
            let shut = |end: usize| text[end..].starts_with([')', '」', ']']);
            let blank = usize::from(text[family..].starts_with([' ', '・']));
            let gap = text[family..].chars().next().map_or(0, char::len_utf8) * blank;
            // 長女(吉田 寿津子), 氏名 山岡 城史, (川畑清暢): what follows the family name is the given name, listed or not.
            if let Some(run) = given_run(text, family + gap)
                && run >= end
                && (blank == 1 && (label || opened && shut(run)) || opened && shut(run) && !closed)
            {
                found.push((start..run, Strength::Strong));
                continue;
            }
            let single = text[start..end].chars().count() == 1;
            // 患者名：森陽翔 has a given name that no list has.
            let run: usize =
                text[start..].chars().take_while(|&c| is_kanji(c)).map(char::len_utf8).sum();
            let rest = text.get(end..start + run).unwrap_or_default();
            if !given && !closed && skipped > 0 && is_label(word) && may_be_given(rest) {
                found.push((start..start + run, Strength::Strong));
                continue;
            }
            if given || alone && closed && (!single || skipped > 0 || word.is_ascii()) {
                found.push((start..end, Strength::Strong));
            }
        }
    }
}

/// Words that are followed by nothing but a name.
fn is_label(word: &str) -> bool {
    matches!(word, "氏名" | "患者氏名" | "患者名" | "姓名" | "フリガナ" | "ふりがな")
}

/// Two words of name characters with a blank between them.
fn two_words(text: &str, start: usize) -> Option<usize> {
    let word = |from: usize| -> usize {
        text[from..]
            .chars()
            .take_while(|&c| is_kanji(c) || is_katakana(c) || is_hiragana(c))
            .map(char::len_utf8)
            .sum()
    };
    let first = word(start);
    let gap = start + first;
    if first == 0 || !text[gap..].starts_with(' ') {
        return None;
    }
    let second = word(gap + 1);
    let short = |a: usize, b: usize| text[a..b].chars().count() <= 6;
    (second > 0 && short(start, gap) && short(gap + 1, gap + 1 + second))
        .then_some(gap + 1 + second)
}
