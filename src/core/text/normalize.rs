//! Normalized text: one spelling for what people write in many, with the way back to the original bytes.
//!
//! The rules are versioned ([`VERSION`]) and named in the record, because a detector, a redaction or a link key made
//! under other rules would be another one. What [`fold`] does, in this order:
//!
//! 1. zero-width characters, soft hyphens and variation selectors go (an IVS sequence is its base character);
//! 2. every kind of blank is a space, every kind of hyphen and dash is `-`; `ー` and `一` are hyphens between digits
//!    or letters (`090ー1234ー5678`);
//! 3. NFKC for everything else: width, half-width kana with their voiced marks put together, `㈱`, `①`;
//! 4. variants of ideographs become one form ([`VARIANTS`]: 髙 to 高, 﨑 to 崎, 邊 and 邉 to 辺).
//!
//! [`name_key`] goes further, for names that are compared as a whole: no blanks and marks, katakana, small kana large, upper case.

use std::ops::Range;
use std::sync::OnceLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The version of the rules of this file, as it stands in records.
pub const VERSION: &str = "kakou-text-1";

/// Variants of ideographs as they occur in names and addresses, and the form they become. 斉 and 斎 stay two
/// characters (their old forms 齊 and 齋 go to their own); so do pairs that are different words (畑 and 畠, 阿 and 安).
#[rustfmt::skip]
pub const VARIANTS: &[(char, &str)] = &[
    ('高', "髙"), ('崎', "﨑嵜"), ('辺', "邊邉"), ('斎', "齋"), ('斉', "齊"), ('沢', "澤"), ('浜', "濱濵"), ('広', "廣"), ('国', "國"),
    ('桜', "櫻"), ('恵', "惠"), ('真', "眞"), ('徳', "德"), ('島', "嶋嶌"), ('富', "冨"), ('峰', "峯"), ('岳', "嶽"), ('瀬', "瀨"),
    ('滝', "瀧"), ('栄', "榮"), ('竜', "龍"), ('蔵', "藏"), ('条', "條"), ('関', "關"), ('円', "圓"), ('学', "學"), ('宝', "寶寳"),
    ('寛', "寬"), ('将', "將"), ('寿', "壽"), ('増', "增"), ('曽', "曾"), ('児', "兒"), ('豊', "豐"), ('鉄', "鐵鐡銕"), ('静', "靜"),
    ('青', "靑"), ('清', "淸"), ('糸', "絲"), ('県', "縣"), ('聡', "聰"), ('総', "總"), ('館', "舘"), ('万', "萬"), ('芸', "藝"),
    ('号', "號"), ('与', "與"), ('誉', "譽"), ('譲', "讓"), ('頼', "賴"), ('村', "邨"), ('郷', "鄕鄉"), ('釈', "釋"), ('録', "錄"),
    ('鎮', "鎭"), ('塩', "鹽"), ('麦', "麥"), ('黒', "黑"), ('黄', "黃"), ('内', "內"), ('宜', "冝"), ('涼', "凉"), ('剣', "劍劔"),
    ('勲', "勳"), ('巻', "卷"), ('呉', "吳"), ('啓', "啟"), ('喜', "㐂"), ('囲', "圍"), ('野', "埜"), ('壮', "壯"), ('奥', "奧"),
    ('姫', "姬"), ('嬢', "孃"), ('実', "實"), ('尚', "尙"), ('峡', "峽"), ('巌', "巖"), ('弥', "彌"), ('恒', "恆"), ('戸', "戶"),
    ('教', "敎"), ('数', "數"), ('晋', "晉"), ('暁', "曉"), ('昇', "曻"), ('松', "枩"), ('柳', "栁"), ('柏', "栢"), ('桑', "桒"),
    ('桧', "檜"), ('槙', "槇"), ('横', "橫"), ('歩', "步"), ('毎', "每"), ('気', "氣"), ('沖', "冲"), ('浅', "淺"), ('淵', "渕渊"),
    ('渋', "澁"), ('渓', "溪"), ('満', "滿"), ('熙', "煕凞"), ('灯', "燈"), ('為', "爲"), ('画', "畫"), ('当', "當"), ('皐', "皋"),
    ('祢', "禰"), ('礼', "禮"), ('稲', "稻"), ('穂', "穗"), ('穣', "穰"), ('薮', "籔藪"), ('緒', "緖"), ('縁', "緣"), ('縄', "繩"),
    ('声', "聲"), ('粛', "肅"), ('台', "臺"), ('荘', "莊"), ('萌', "萠"), ('園', "薗"), ('薫', "薰"), ('薬', "藥"), ('芦', "蘆"),
    ('蘇', "蘓"), ('衛', "衞"), ('裏', "裡"), ('覚', "覺"), ('観', "觀"), ('証', "證"), ('賛', "贊"), ('遥', "遙"), ('郎', "郞"),
    ('医', "醫"), ('鉤', "鈎"), ('錬', "鍊"), ('鉱', "鑛"), ('間', "閒"), ('随', "隨"), ('隠', "隱"), ('双', "雙"), ('鶴', "靏靍"),
    ('靭', "靱"), ('顔', "顏"), ('顕', "顯"), ('餅', "餠"), ('騨', "驒"), ('駅', "驛"), ('体', "體"), ('鯵', "鰺"), ('雁', "鳫鴈"),
    ('鴎', "鷗"), ('麹', "麴"), ('点', "點"), ('党', "黨"), ('亀', "龜"), ('吉', "𠮷"), ('土', "圡𡈽"), ('仏', "佛"), ('来', "來"),
    ('伝', "傳"),
];

/// The variants sorted for the search, with one bit a character of the basic plane so that most are passed over.
struct VariantTable {
    pairs: Vec<(char, char)>,
    bits: Vec<u64>,
}

fn table() -> &'static VariantTable {
    static TABLE: OnceLock<VariantTable> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut pairs: Vec<(char, char)> =
            VARIANTS.iter().flat_map(|&(to, from)| from.chars().map(move |c| (c, to))).collect();
        pairs.sort_unstable();
        let mut bits = vec![0; 1024];
        for &(from, _) in &pairs {
            let code = from as usize & 0xFFFF;
            bits[code >> 6] |= 1 << (code & 63);
        }
        VariantTable { pairs, bits }
    })
}

/// The one form of an ideograph.
#[must_use]
pub fn variant(c: char) -> char {
    let table = table();
    let code = c as usize & 0xFFFF;
    if table.bits[code >> 6] & (1 << (code & 63)) == 0 {
        return c;
    }
    table.pairs.binary_search_by_key(&c, |p| p.0).map_or(c, |at| table.pairs[at].1)
}

/// A folded text and where each of its bytes comes from.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Folded {
    text: String,
    /// For each byte of `text`: the range of the original that it comes from. Empty if the two are the same text.
    from: Vec<(u32, u32)>,
}

impl Folded {
    /// The folded text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
    /// The bytes of the original that a range of the folded text comes from.
    #[must_use]
    pub fn original(&self, range: Range<usize>) -> Range<usize> {
        if self.from.is_empty() || range.is_empty() {
            return range;
        }
        match (self.from.get(range.start), self.from.get(range.end - 1)) {
            (Some(first), Some(last)) => first.0 as usize..last.1 as usize,
            _ => range,
        }
    }
    fn push(&mut self, c: char, start: usize, end: usize) {
        let before = self.text.len();
        self.text.push(c);
        let range = (start as u32, end as u32);
        self.from.extend(std::iter::repeat_n(range, self.text.len() - before));
    }
}

/// What is written nowhere: zero-width characters, marks of direction, soft hyphens, variation selectors, NUL.
#[must_use]
pub fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}' | '\u{feff}' | '\u{00ad}' | '\u{180b}'..='\u{180e}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\0')
}

/// Hyphens, dashes and minus signs of every kind.
#[must_use]
pub fn is_dash(c: char) -> bool {
    matches!(
        c,
        '-' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2043}'
                | '\u{2212}'
                | '\u{2500}'
                | '\u{2501}'
                | '\u{fe58}'
                | '\u{fe63}'
                | '\u{ff0d}'
                | '\u{02d7}'
    )
}

/// The first character that is left of one after folding.
fn first_of(c: char) -> char {
    std::iter::once(c).nfkc().next().unwrap_or(c)
}

/// A voiced or semi-voiced mark in any of its forms, as the combining one.
fn voiced_mark(c: char) -> Option<char> {
    match c {
        '\u{3099}' | '\u{309b}' | '\u{ff9e}' => Some('\u{3099}'),
        '\u{309a}' | '\u{309c}' | '\u{ff9f}' => Some('\u{309a}'),
        _ => None,
    }
}

/// Folds a text (rules of this file's head).
#[must_use]
pub fn fold(text: &str) -> Folded {
    if text.bytes().all(|b| matches!(b, b' '..=b'~' | b'\n')) {
        return Folded { text: text.to_owned(), from: Vec::new() };
    }
    let mut out =
        Folded { text: String::with_capacity(text.len()), from: Vec::with_capacity(text.len()) };
    let mut chars = text.char_indices().peekable();
    let mut last = ' ';
    while let Some((start, c)) = chars.next() {
        if is_invisible(c) {
            continue;
        }
        let end = start + c.len_utf8();
        let next = chars.clone().map(|(_, n)| n).find(|&n| !is_invisible(n)).unwrap_or(' ');
        let plain = match c {
            '\n' | '!'..='~' => Some(c),
            _ if c.is_whitespace() || c.is_control() => Some(' '),
            _ if is_dash(c) => Some('-'),
            'ー' | 'ｰ'
                if last.is_ascii_alphanumeric() && first_of(next).is_ascii_alphanumeric() =>
            {
                Some('-')
            }
            '一' if last.is_ascii_digit() && first_of(next).is_ascii_digit() => Some('-'),
            '〜' | '～' | '∼' => Some('~'),
            '\u{3005}'..='\u{3007}' | '\u{3041}'..='\u{3096}' | '\u{30a1}'..='\u{30fc}'
                if voiced_mark(next).is_none() =>
            {
                Some(c)
            }
            '\u{3400}'..='\u{9fff}' => Some(variant(c)),
            _ => None,
        };
        if let Some(plain) = plain {
            out.push(plain, start, end);
            last = plain;
            continue;
        }
        // A character with the marks that belong to it is normalized as one.
        let mut end = end;
        let mut cluster: Vec<char> = vec![voiced_mark(c).unwrap_or(c)];
        while let Some(&(at, n)) = chars.peek() {
            // What is written nowhere does not part a mark from its character.
            if is_invisible(n) {
                chars.next();
                continue;
            }
            let mark = voiced_mark(n);
            if mark.is_none() && !is_combining_mark(n) {
                break;
            }
            cluster.push(mark.unwrap_or(n));
            end = at + n.len_utf8();
            chars.next();
        }
        for folded in cluster.into_iter().nfkc() {
            let folded = match folded {
                f if is_invisible(f) => continue,
                f if is_dash(f) => '-',
                f if f.is_whitespace() => ' ',
                f => variant(f),
            };
            out.push(folded, start, end);
            last = folded;
        }
    }
    out
}

/// Hiragana as katakana, small kana as large.
#[must_use]
pub fn large_katakana(c: char) -> char {
    let c = match c {
        '\u{3041}'..='\u{3096}' | '\u{309d}' | '\u{309e}' => {
            char::from_u32(c as u32 + 0x60).unwrap_or(c)
        }
        _ => c,
    };
    match c {
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
        _ => c,
    }
}

/// The form under which names are compared: folded, without blanks, hyphens and dots, katakana with large kana, upper case.
/// `None` for what names nobody: nothing left, or undecodable characters.
#[must_use]
pub fn name_key(text: &str) -> Option<String> {
    if text.contains('\u{fffd}') {
        return None;
    }
    let key: String = fold(text)
        .text()
        .chars()
        .filter(|&c| c.is_alphanumeric() || matches!(c, 'ー' | '々'))
        .flat_map(|c| large_katakana(c).to_uppercase())
        .collect();
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_spelling_for_many() {
        for (written, folded) in [
            ("１３１", "131"),
            ("ｱﾍﾞ ﾀﾛｳ", "アベ タロウ"),
            ("カ\u{3099}", "ガ"),
            ("か゛", "が"),
            ("ﾊﾟ", "パ"),
            ("㈱", "(株)"),
            ("①", "1"),
            ("０９０－１２３４−５６７８", "090-1234-5678"),
            ("090ー1234ー5678", "090-1234-5678"),
            ("０９０ー１２３４ー５６７８", "090-1234-5678"),
            ("3一2一1", "3-2-1"),
            ("第一病棟", "第一病棟"),
            ("コーヒー", "コーヒー"),
            ("髙﨑　渡邉", "高崎 渡辺"),
            ("葛\u{e0100}飾", "葛飾"),
            ("𠮷野", "吉野"),
            ("1\u{200b}2\u{a0}3\t4", "12 3 4"),
            ("神\u{fa19}", "神神"),
        ] {
            assert_eq!(fold(written).text(), folded, "{written}");
        }
    }

    #[test]
    fn names_are_compared_in_one_form() {
        assert_eq!(name_key("ｷｮｳｺ"), name_key("きょうこ"));
        assert_eq!(name_key("キヨウコ"), name_key("きょうこ"));
        assert_eq!(name_key("髙橋　惠子"), name_key("高橋恵子"));
        assert_eq!(name_key("Smith, John"), name_key("ＳＭＩＴＨ　ｊｏｈｎ"));
        assert_ne!(name_key("カギ"), name_key("ガキ"));
        assert_ne!(name_key("斉藤"), name_key("斎藤"));
        assert_eq!(name_key(" 　・"), None);
        assert_eq!(name_key("山\u{fffd}"), None);
    }

    #[test]
    fn the_variants_are_one_step_each() {
        for &(to, from) in VARIANTS {
            assert_eq!(variant(to), to, "{to} is a variant itself");
            for c in from.chars() {
                assert_eq!(variant(c), to);
            }
        }
        let all: usize = VARIANTS.iter().map(|v| v.1.chars().count()).sum();
        assert_eq!(table().pairs.len(), all);
        assert!(table().pairs.windows(2).all(|w| w[0].0 != w[1].0), "a variant has two forms");
    }

    #[test]
    fn spans_lead_back() {
        let text = "電話：０９０−１２３４ー５６７８（自宅）ｶﾞｷﾞ";
        let folded = fold(text);
        let at = folded.text().find("090-1234-5678").unwrap();
        assert_eq!(&text[folded.original(at..at + 13)], "０９０−１２３４ー５６７８");
        let at = folded.text().find('ギ').unwrap();
        assert_eq!(&text[folded.original(at..at + 3)], "ｷﾞ");
        // A part of what one character became leads back to the whole character.
        let folded = fold("㈱");
        assert_eq!(folded.original(1..4), 0..3);
        assert_eq!(fold("か\u{200b}゛").text(), "が");
    }

    proptest! {
        #[test]
        fn folding_is_idempotent_and_spans_are_characters(text in "[ -~ｦ-ﾟ０-９ー一-龠ぁ-んァ-ン゛゜\u{3099}㈱①髙\u{200b}　−]{0,24}") {
            let folded = fold(&text);
            let again = fold(folded.text());
            prop_assert_eq!(again.text(), folded.text());
            for (at, c) in folded.text().char_indices() {
                let original = folded.original(at..at + c.len_utf8());
                prop_assert!(text.is_char_boundary(original.start) && text.is_char_boundary(original.end));
                prop_assert!(!original.is_empty());
            }
        }
        #[test]
        fn folding_never_panics(text in "\\PC{0,24}") {
            let folded = fold(&text);
            prop_assert_eq!(folded.original(0..folded.text().len()).end <= text.len(), true);
        }
    }
}
