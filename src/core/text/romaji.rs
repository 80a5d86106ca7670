//! Names in Latin letters: one form for all spellings of a Japanese name, and the same form from its reading.
//!
//! `SATO TARO`, `Satou Tarou`, `SATOH TAROH` and `Satō Tarō` are サトウ タロウ. The form is no spelling that anybody uses: Kunrei
//! syllables without long vowels and doubled letters. Two names may share it; two spellings of one name do.

use unicode_normalization::UnicodeNormalization;

use super::normalize::fold;

/// Syllables as Hepburn and others write them, and as they are here; the longest first.
#[rustfmt::skip]
const SPELLINGS: &[(&str, &str)] = &[
    ("TCH", "TY"), ("SSH", "SY"), ("CCH", "TY"), ("DZ", "Z"), ("TS", "T"), ("SH", "SY"), ("CH", "TY"), ("JY", "ZY"), ("J", "ZY"), ("DY", "ZY"),
    ("F", "H"), ("L", "R"), ("V", "B"), ("C", "K"), ("Q", "K"),
];

/// The one form of a word of Latin letters; `None` if other characters stand in it.
#[must_use]
pub fn key(word: &str) -> Option<String> {
    let mut plain = String::with_capacity(word.len());
    if word.is_ascii() {
        plain.push_str(word);
    } else {
        // Macrons and circumflexes of long vowels go.
        plain.extend(word.nfkd().filter(|c| !matches!(c, '\u{300}'..='\u{36f}')));
    }
    plain.make_ascii_uppercase();
    plain.retain(|c| !matches!(c, '\'' | '-' | '\u{2019}'));
    if plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    Some(canonical(&plain))
}

/// The one form of what stands in upper-case ASCII letters.
fn canonical(plain: &str) -> String {
    let mut spelled = String::with_capacity(plain.len() + 4);
    let mut rest = plain;
    while let Some(first) = rest.chars().next() {
        if let Some((from, to)) = SPELLINGS.iter().find(|(from, _)| rest.starts_with(from)) {
            spelled.push_str(to);
            rest = &rest[from.len()..];
        } else {
            spelled.push(first);
            rest = &rest[first.len_utf8()..];
        }
    }
    let letters: Vec<u8> = spelled.into_bytes();
    let vowel = |c: Option<&u8>| c.is_some_and(|c| b"AIUEO".contains(c));
    let mut form = Vec::with_capacity(letters.len());
    for (at, &letter) in letters.iter().enumerate() {
        let (last, next) = (form.last().copied(), letters.get(at + 1));
        let gone = match letter {
            // SATOH, OHTA: a long vowel; OHARA is not.
            b'H' => last == Some(b'O') && !vowel(next),
            b'U' => last == Some(b'O'),
            // SHI is SYI by now.
            b'Y' => next == Some(&b'I'),
            _ => false,
        };
        if gone || last == Some(letter) {
            continue;
        }
        form.push(match letter {
            // NAMBA is NANBA, MIDUKI is MIZUKI.
            b'M' if next.is_some_and(|n| b"BMP".contains(n)) => b'N',
            b'D' if next.is_some_and(|n| b"IU".contains(n)) => b'Z',
            other => other,
        });
        // Small kana are often written large: キヨウコ is キョウコ.
        if let [.., before, b'I', b'Y'] = form.as_slice()
            && !vowel(Some(before))
        {
            form.remove(form.len() - 2);
        }
    }
    String::from_utf8(form).unwrap_or_default()
}

/// The one form of a reading in kana, one word; `None` if other characters stand in it.
#[must_use]
pub fn of_kana(word: &str) -> Option<String> {
    let folded = fold(word);
    let mut plain = String::with_capacity(word.len());
    for c in folded.text().chars() {
        let kana = match c {
            '\u{3041}'..='\u{3096}' => char::from_u32(c as u32 + 0x60).unwrap_or(c),
            _ => c,
        };
        let small = match kana {
            'ャ' => Some("YA"),
            'ュ' => Some("YU"),
            'ョ' => Some("YO"),
            'ァ' => Some("A"),
            'ィ' => Some("I"),
            'ゥ' => Some("U"),
            'ェ' => Some("E"),
            'ォ' => Some("O"),
            'ヮ' => Some("WA"),
            _ => None,
        };
        if let Some(small) = small {
            // キョ is KI and small YO, ファ is HU and small A.
            if plain.ends_with(['A', 'I', 'U', 'E', 'O']) {
                plain.pop();
            }
            plain.push_str(small);
            continue;
        }
        match kana {
            'ー' | 'ッ' => {}
            _ => plain.push_str(syllable(kana)?),
        }
    }
    (!plain.is_empty()).then(|| canonical(&plain))
}

/// A large kana in Kunrei.
#[rustfmt::skip]
fn syllable(kana: char) -> Option<&'static str> {
    const ROWS: &[(&str, &[&str])] = &[
        ("アイウエオ", &["A", "I", "U", "E", "O"]), ("カキクケコ", &["KA", "KI", "KU", "KE", "KO"]), ("サシスセソ", &["SA", "SI", "SU", "SE", "SO"]),
        ("タチツテト", &["TA", "TI", "TU", "TE", "TO"]), ("ナニヌネノ", &["NA", "NI", "NU", "NE", "NO"]), ("ハヒフヘホ", &["HA", "HI", "HU", "HE", "HO"]),
        ("マミムメモ", &["MA", "MI", "MU", "ME", "MO"]), ("ヤユヨ", &["YA", "YU", "YO"]), ("ラリルレロ", &["RA", "RI", "RU", "RE", "RO"]),
        ("ワヰヱヲン", &["WA", "I", "E", "O", "N"]), ("ガギグゲゴ", &["GA", "GI", "GU", "GE", "GO"]), ("ザジズゼゾ", &["ZA", "ZI", "ZU", "ZE", "ZO"]),
        ("ダヂヅデド", &["DA", "ZI", "ZU", "DE", "DO"]), ("バビブベボ", &["BA", "BI", "BU", "BE", "BO"]), ("パピプペポ", &["PA", "PI", "PU", "PE", "PO"]),
        ("ヴヵヶ", &["BU", "KA", "KE"]),
    ];
    ROWS.iter().find_map(|(row, latin)| row.chars().position(|c| c == kana).and_then(|at| latin.get(at).copied()))
}

/// A word of Latin letters in a text: where it stands.
pub type Word = std::ops::Range<usize>;

/// The words of Latin letters of a folded text: `Jun-ichi` and `O'Brien` are one each.
#[must_use]
pub fn words(text: &str) -> Vec<Word> {
    let mut all: Vec<Word> = Vec::new();
    if !text.bytes().any(|b| b.is_ascii_alphabetic()) {
        return all;
    }
    let mut open = None;
    let letter = |c: char| c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}');
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|c| c.1);
        let joint = matches!(c, '\'' | '-' | '\u{2019}') && next.is_some_and(letter);
        match open {
            None if letter(c) => open = Some(at),
            Some(start) if !letter(c) && !joint => {
                all.push(start..at);
                open = None;
            }
            _ => {}
        }
    }
    if let Some(start) = open {
        all.push(start..text.len());
    }
    // What touches a digit is a code.
    let digit = |c: Option<char>| c.is_some_and(|c| c.is_ascii_digit() || c == '_');
    all.retain(|w| {
        !digit(text[..w.start].chars().next_back()) && !digit(text[w.end..].chars().next())
    });
    all
}

/// Whether what stands between two words may stand between the parts of a name: `SATO TARO`, `SATO, Taro`, `sato.taro`.
#[must_use]
pub fn may_join(between: &str) -> bool {
    matches!(between, " " | ", " | "," | "." | ". " | "  " | "/" | " / " | "・" | "_" | "\n")
}

/// The one form of a full name in Latin letters, family and given name together in both orders; nothing for what is no name of
/// two words in kana or Latin letters.
#[must_use]
pub fn full_names(name: &str) -> Vec<String> {
    let folded = fold(name);
    let parts: Vec<&str> =
        folded.text().split([' ', '・', ',', '.']).filter(|p| !p.is_empty()).collect();
    let [one, two] = parts.as_slice() else { return Vec::new() };
    let form =
        |part: &str| if part.is_ascii() { key(part) } else { of_kana(part).or_else(|| key(part)) };
    match (form(one), form(two)) {
        (Some(one), Some(two)) if one.len() >= 2 && two.len() >= 2 => {
            vec![format!("{one}{two}"), format!("{two}{one}")]
        }
        _ => Vec::new(),
    }
}

/// Calls `f` for two words that stand beside each other in a folded text, and for single long ones, in their one form.
pub fn pairs(text: &str, f: &mut dyn FnMut(Word, &str)) {
    let words = words(text);
    let forms: Vec<Option<String>> = words.iter().map(|w| key(&text[w.clone()])).collect();
    for (at, (word, form)) in words.iter().zip(&forms).enumerate() {
        let Some(form) = form else { continue };
        if form.len() >= LONG_WORD {
            f(word.clone(), form);
        }
        if let (Some(next), Some(Some(second))) = (words.get(at + 1), forms.get(at + 1))
            && form.len() >= 2
            && second.len() >= 2
            && may_join(&text[word.end..next.start])
        {
            f(word.start..next.end, &format!("{form}{second}"));
        }
    }
}

/// Letters of a word that may be a whole name: `satotaro`.
const LONG_WORD: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_form_for_many_spellings() {
        for (kana, spellings) in [
            ("サトウ", &["SATO", "Satou", "SATOH", "Satō", "satoo", "SATÔ"][..]),
            ("タロウ", &["TARO", "Tarou", "TAROH"]),
            ("オオタ", &["OTA", "OHTA", "Oota", "Ōta"]),
            ("オハラ", &["OHARA"]),
            ("ジュンイチ", &["JUNICHI", "Jun-ichi", "Jun'ichi", "Zyuniti"]),
            ("ｼﾝｲﾁ", &["SHINICHI", "Sin'iti"]),
            ("ﾂﾁﾔ", &["TSUCHIYA", "Tutiya"]),
            ("しょうじ", &["SHOJI", "Shouji", "SYOZI"]),
            ("キョウコ", &["KYOKO", "Kyouko"]),
            ("キヨウコ", &["KYOKO"]),
            ("ナンバ", &["NAMBA", "Nanba"]),
            ("ハットリ", &["HATTORI", "Hatori"]),
            ("ハッチョウ", &["HATCHO", "Haccho", "Hattyo"]),
            ("フジワラ", &["FUJIWARA", "Huziwara"]),
            ("コイズミ", &["KOIZUMI"]),
            ("ミヅキ", &["MIZUKI", "Miduki"]),
            ("ユウキ", &["YUKI", "YUUKI"]),
            ("ファン", &["FAN"]),
            ("イノウエ", &["INOUE", "Inoue"]),
            ("ジョー", &["JO"]),
            ("オオヤマ", &["OHYAMA", "Oyama"]),
        ] {
            let form = of_kana(kana).unwrap();
            for spelling in spellings {
                assert_eq!(key(spelling).unwrap(), form, "{kana} {spelling}");
            }
        }
        for (one, other) in
            [("SATO", "SAITO"), ("ONO", "OHNA"), ("KATO", "KANTO"), ("OHARA", "OARA")]
        {
            assert_ne!(key(one), key(other));
        }
        assert_eq!(of_kana("佐藤"), None);
        assert_eq!(of_kana(""), None);
        assert_eq!(key("A1"), None);
        assert_eq!(key(""), None);
    }

    #[test]
    fn words_of_latin_letters() {
        let of = |text: &str| {
            words(text).into_iter().map(|w| text[w].to_owned()).collect::<Vec<_>>().join("|")
        };
        assert_eq!(of("SATO, Jun-ichi 様 A1 x2y O'Brien-"), "SATO|Jun-ichi|O'Brien");
        assert_eq!(of("佐藤satō"), "satō");
        assert_eq!(of(""), "");
    }

    #[test]
    fn names_of_two_words() {
        assert_eq!(full_names("ｻﾄｳ　ﾀﾛｳ"), ["SATOTARO", "TAROSATO"]);
        assert_eq!(full_names("Satoh, Taro"), ["SATOTARO", "TAROSATO"]);
        assert!(full_names("佐藤 太郎").is_empty() && full_names("サトウ").is_empty());
        let mut found = Vec::new();
        pairs("Pt. SATO TARO, k-satotaro", &mut |range, form| found.push((range, form.to_owned())));
        assert!(found.contains(&(4..13, "SATOTARO".to_owned())), "{found:?}");
    }

    proptest::proptest! {
        #[test]
        fn nothing_panics(text in "\\PC{0,16}", latin in "[A-Za-zāô'’-]{0,12}") {
            let _ = (words(&text), of_kana(&text), key(&text), key(&latin), full_names(&text));
            pairs(&text, &mut |range, _| assert!(text.get(range).is_some()));
        }
    }
}
