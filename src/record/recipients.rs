//! Who is who among the recipients of a ledger, and what they must not have together: both kinds of release, which join by
//! content, or the tokens that another recipient has.

use std::collections::BTreeSet;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::ledger::{Book, Entry, EntryKind};
use super::statement::Statement;
use crate::schema::Kind;

/// Forms of companies and bodies that some write and some do not, folded; a longer one before what is a part of it.
#[rustfmt::skip]
const FORMS: &[&str] = &[
    "株式会社", "(株)", "有限会社", "(有)", "合同会社", "(同)", "合資会社", "(資)", "合名会社", "(名)", "相互会社", "(相)",
    "一般社団法人", "公益社団法人", "社団法人", "(一社)", "(公社)", "(社)", "一般財団法人", "公益財団法人", "財団法人", "(一財)", "(公財)", "(財)",
    "国立大学法人", "公立大学法人", "学校法人", "(大)", "(学)", "地方独立行政法人", "独立行政法人", "(地独)", "(独)", "国立研究開発法人", "(国研)",
    "特定非営利活動法人", "npo法人", "(特非)", "社会医療法人財団", "社会医療法人社団", "社会医療法人", "特定医療法人", "医療法人社団", "医療法人財団", "医療法人", "(医)",
    "社会福祉法人", "(福)", "宗教法人", "(宗)", "カブシキガイシャ", "カブシキカイシャ",
];
/// The same in English, as last words, and as first ones.
const ENDINGS: &[&str] = &[
    "co",
    "ltd",
    "inc",
    "corp",
    "corporation",
    "incorporated",
    "kk",
    "gk",
    "llc",
    "llp",
    "plc",
    "gmbh",
    "ag",
    "bv",
    "pte",
    "pty",
    "limited",
    "company",
    "kabushiki",
    "kaisha",
    "kabushikigaisha",
    "kabushikikaisha",
];
const BEGINNINGS: &[&str] =
    &["the", "kk", "kabushiki", "kaisha", "kabushikigaisha", "kabushikikaisha"];
/// Variants of characters that one name is written with.
const VARIANTS: &[(char, char)] = &[
    ('髙', '高'),
    ('﨑', '崎'),
    ('嵜', '崎'),
    ('齋', '斎'),
    ('齊', '斎'),
    ('斉', '斎'),
    ('邊', '辺'),
    ('邉', '辺'),
    ('濱', '浜'),
    ('濵', '浜'),
    ('澤', '沢'),
    ('國', '国'),
    ('學', '学'),
    ('醫', '医'),
    ('藥', '薬'),
    ('廣', '広'),
    ('ヶ', 'ケ'),
    ('ヵ', 'カ'),
];

/// A name as it is compared: width, case, blanks, marks and the form of the company do not matter.
fn folded(name: &str) -> String {
    // Accents of Latin letters do not matter; the marks of kana are letters.
    let plain = name.nfkc().nfd().filter(|c| !('\u{300}'..='\u{36f}').contains(c)).nfc();
    let variant = |c: char| VARIANTS.iter().find(|(old, _)| *old == c).map_or(c, |(_, new)| *new);
    let mut name: String = plain.map(variant).flat_map(char::to_lowercase).collect();
    if !name.is_ascii() {
        // A form with blanks within (株 式 会 社, ( 株 )) is one as well; blanks part words of Latin letters only.
        name = bare(&name).concat();
    }
    for form in FORMS {
        // A body that is named by its form alone keeps it.
        let rest = name.replace(form, "");
        if rest.chars().any(char::is_alphanumeric) {
            name = rest;
        }
    }
    name.retain(|c| c.is_alphanumeric() || is_break(c));
    bare(&name).concat()
}

/// Whether it parts words.
fn is_break(c: char) -> bool {
    c.is_whitespace() || matches!(c, ',' | '\u{200b}')
}

/// The words of a name without English forms of companies at its ends.
fn bare(name: &str) -> Vec<&str> {
    let plain = |word: &str| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let mut words: Vec<&str> = name.split(is_break).filter(|word| !word.is_empty()).collect();
    while words.len() > 1 && words.last().is_some_and(|w| ENDINGS.contains(&plain(w).as_str())) {
        words.pop();
    }
    // University of Tokyo, The.
    if words.len() > 1 && words.last().is_some_and(|w| plain(w) == "the") {
        words.pop();
    }
    let begins = |w: &&str| BEGINNINGS.contains(&plain(w).as_str());
    while words.len() > 1 && words.first().is_some_and(begins) {
        words.remove(0);
    }
    words
}

/// What a recipient is known by: names and certification number, and (if `contracts`) the contract.
fn known_by(recipient: &Value, contracts: bool) -> BTreeSet<(u8, String)> {
    let names = recipient["alsoKnownAs"].as_array().into_iter().flatten();
    let mut known: BTreeSet<(u8, String)> = names
        .chain([&recipient["name"]])
        .filter_map(Value::as_str)
        .map(|name| (0, folded(name)))
        .collect();
    for (field, mark) in [("certification", 1), ("contract", 2)] {
        if let Some(text) = recipient[field].as_str().filter(|_| mark == 1 || contracts) {
            known.insert((mark, folded(text)));
        }
    }
    known.retain(|(_, text)| !text.is_empty());
    known
}

/// Whether an entry is a provision: one that was begun counts until another entry says that it was taken back.
fn given(book: &Book, entry: &Entry) -> bool {
    let back = |e: &Entry| {
        e.kind == EntryKind::Provision
            && e.body["state"] == "aborted"
            && e.body["begun"] == entry.index
    };
    entry.kind == EntryKind::Provision
        && match entry.body["state"].as_str() {
            None | Some("done") => true,
            Some("begun") => !book.entries.iter().any(back),
            Some(_) => false,
        }
}

/// The provisions of a ledger to a recipient and to all whom the ledger knows as the same: those who share a name, a
/// certification number or (if `contracts`) a contract, directly or through others.
fn provisions<'a>(book: &'a Book, recipient: &Value, contracts: bool) -> Vec<&'a Entry> {
    let all: Vec<&Entry> = book.entries.iter().filter(|e| given(book, e)).collect();
    let mut known = known_by(recipient, contracts);
    let mut same = vec![false; all.len()];
    loop {
        let mut grown = false;
        for (entry, same) in all.iter().zip(&mut same).filter(|(_, same)| !**same) {
            let theirs = known_by(&entry.body["recipient"], contracts);
            if !known.is_disjoint(&theirs) {
                known.extend(theirs);
                *same = true;
                grown = true;
            }
        }
        if !grown {
            break;
        }
    }
    all.into_iter().zip(same).filter(|(_, same)| *same).map(|(entry, _)| entry).collect()
}

/// Whether the recipient, or one whom the ledger knows as the same, has a release of the other kind: the number of the entry.
#[must_use]
pub fn has_other_kind(book: &Book, recipient: &Value, kind: Kind) -> Option<u64> {
    let other = |entry: &&Entry| entry.body["kind"].as_str().is_some_and(|k| k != kind.word());
    provisions(book, recipient, true).into_iter().find(other).map(|entry| entry.index)
}

/// Where the ledger has the recipient's name in another spelling or at another address, which is one recipient all the same: the
/// number of the last such entry.
#[must_use]
pub fn otherwise(book: &Book, name: &str, address: &str) -> Option<u64> {
    let own = folded(name);
    let other = |entry: &&Entry| {
        let theirs = &entry.body["recipient"];
        let spelled = theirs["name"].as_str().unwrap_or_default();
        let place = theirs["address"].as_str().unwrap_or_default();
        !own.is_empty() && folded(spelled) == own && (spelled != name || place != address)
    };
    let last = book.entries.iter().filter(|entry| given(book, entry)).rfind(other);
    last.map(|entry| entry.index)
}

/// Whether another recipient has the tokens of a release: the same release, or a pseudonymized one of the same derivation.
/// Gives the number of the entry.
#[must_use]
pub fn has_same_tokens(
    book: &Book,
    recipient: &Value,
    kind: Kind,
    statement: &Statement,
) -> Option<u64> {
    let own: Vec<u64> = provisions(book, recipient, false).iter().map(|e| e.index).collect();
    let key = Some(statement.keys.pseudonymized.as_str());
    let same = |entry: &Entry| {
        if entry.body["kind"] != kind.word() {
            return false;
        }
        let release = entry.body["release"].as_str().unwrap_or_default();
        let of_run =
            || book.run(release).and_then(|run| run.body["keys"]["pseudonymized"].as_str());
        statement.release == release || kind == Kind::Pseudonymized && of_run() == key
    };
    book.entries
        .iter()
        .filter(|e| given(book, e) && !own.contains(&e.index))
        .find(|e| same(e))
        .map(|e| e.index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_company_are_one() {
        let one = folded("創薬研究株式会社");
        for name in ["創薬研究（株）", "㈱創薬研究", "株式会社 創薬研究", "創薬　研究", "創薬研究"]
        {
            assert_eq!(folded(name), one, "{name}");
        }
        for name in ["東京大学 ", " 東京 大学", "東京大学\u{3000}", "国立大学法人東京大学"]
        {
            assert_eq!(folded(name), folded("東京大学"), "{name}");
        }
        assert_eq!(folded("ＴＯＫＹＯ　ＵＮＩＶＥＲＳＩＴＹ"), folded("Tokyo University"));
        assert_eq!(folded("Tokyo\u{200b} University"), folded("Tokyo University"));
        assert_eq!(folded("Research Co., Ltd."), folded("ＲＥＳＥＡＲＣＨ"));
        for name in [
            "The University of Tokyo",
            "University of Tokyo, The",
            "ＵＮＩＶＥＲＳＩＴＹ ｏｆ ＴＯＫＹＯ",
        ] {
            assert_eq!(folded(name), folded("University of Tokyo"), "{name}");
        }
        for name in ["株 式 会 社 創薬研究", "創薬研究( 株 )", "創薬研究 ㈱", "ＫＫ 創薬研究"]
        {
            assert_eq!(folded(name), one, "{name}");
        }
        assert_eq!(folded("K.K. Soyaku"), folded("Soyaku Kabushiki Kaisha"));
        assert_eq!(folded("Soyaku GmbH"), folded("SOYAKU"));
        assert_eq!(folded("Soyaku Ltd. -"), folded("SOYAKU"));
        assert_eq!(folded("髙﨑醫學研究所"), folded("高崎医学研究所"));
        assert_eq!(folded("社会医療法人財団 大和会"), folded("大和会"));
        assert_eq!(folded("独立行政法人国立病院機構"), folded("国立病院機構"));
        assert_eq!(folded("ﾃﾞｰﾀ研究所"), folded("データ研究所"));
        assert_eq!(folded("Hôpital Général"), folded("Hopital General"));
        assert_ne!(folded("株式会社"), "");
        assert_ne!(folded("がん研究所"), folded("かん研究所"));
        assert_ne!(folded("創薬研究第二株式会社"), one);
        // A name that is nothing but such words stays one.
        assert_ne!(folded("Company"), "");
    }
}
