//! Who is who among the recipients of a ledger, and what they must not have together: both kinds of release, which join by
//! content, or the tokens that another recipient has.

use std::collections::BTreeSet;

use serde_json::Value;
use unicode_normalization::UnicodeNormalization;

use super::ledger::{Book, Entry, Kind as Entered};
use super::statement::Statement;
use crate::schema::Kind;

/// Forms of companies that some write and some do not, folded.
const FORMS: [&str; 14] = [
    "株式会社",
    "(株)",
    "有限会社",
    "(有)",
    "合同会社",
    "(同)",
    "一般社団法人",
    "一般財団法人",
    "公益社団法人",
    "公益財団法人",
    "国立大学法人",
    "学校法人",
    "医療法人社団",
    "医療法人",
];
/// The same in English, as last words.
const ENDINGS: [&str; 9] =
    ["co", "ltd", "inc", "corp", "corporation", "kk", "llc", "limited", "company"];

/// A name as it is compared: width, case, blanks, marks and the form of the company do not matter.
fn folded(name: &str) -> String {
    let mut name: String = name.nfkc().flat_map(char::to_lowercase).collect();
    for form in FORMS {
        name = name.replace(form, "");
    }
    let mut words: Vec<String> = name
        .split(|c: char| c.is_whitespace() || c == ',')
        .map(|word| word.chars().filter(|c| c.is_alphanumeric()).collect::<String>())
        .filter(|word| !word.is_empty())
        .collect();
    while words.len() > 1 && words.last().is_some_and(|w| ENDINGS.contains(&w.as_str())) {
        words.pop();
    }
    words.concat()
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
        e.kind == Entered::Provision
            && e.body["state"] == "aborted"
            && e.body["begun"] == entry.index
    };
    entry.kind == Entered::Provision
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
        assert_ne!(folded("創薬研究第二株式会社"), one);
        // A name that is nothing but such words stays one.
        assert_ne!(folded("Company"), "");
    }
}
