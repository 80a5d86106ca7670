//! Names and passwords of accounts.

use std::ops::Range;
use std::sync::OnceLock;

use aho_corasick::{AhoCorasick, MatchKind};

use super::{Detector, Doc, Found, Prepared, Strength, topic};

/// What follows the words for a password (`パスワード: abc123`, `暗証番号は1234`), with the name of the account before it
/// (`ID:taro PW:abc123`); and every cell of a column of that name.
///
/// Behind a blank alone a word of letters is the rest of the sentence (`password reset`).
/// `PW`, `PASS` and `PIN` are other things too (a wall's thickness in echocardiography): they need the name of an account
/// before them.
pub struct Login;

const DOC: Doc = Doc {
    name: "login",
    ja: "ログインID・パスワード",
    summary: "what follows the words for a password, with the account before it",
    summary_ja: "パスワード・暗証番号の語に続くものとその前のID",
    mark: "【ログイン情報】",
    law: "規則33条3号",
    chance: 0.5,
    topics: topic::LOGIN,
};

/// Words for a password, in folded form; with whether they say so alone.
#[rustfmt::skip]
const SECRETS: &[(&str, bool)] = &[
    ("パスワード", true), ("パスコード", true), ("暗証番号", true), ("暗証", true), ("password", true), ("passwd", true), ("passcode", true), ("passphrase", true),
    ("パス", false), ("pass", false), ("pswd", false), ("pwd", false), ("pw", false), ("pin", false), ("p/w", false),
];
/// Words for an account's name.
#[rustfmt::skip]
const ACCOUNTS: &[&str] = &[
    "ログインid", "ログイン名", "ログイン", "ユーザーid", "ユーザid", "ユーザー名", "ユーザ名", "ユーザー", "ユーザ", "アカウント", "login id", "login_id", "login", "user id", "user_id", "userid",
    "username", "user name", "user", "account", "uid", "id",
];
/// How far behind the account's name a password is looked for, in bytes.
const REACH: usize = 80;
/// What stands between a word and its value.
const BETWEEN: [char; 12] = [' ', ':', '=', '(', '「', '[', '【', 'は', '>', '】', ']', '/'];
/// Of these one must stand there behind a short word.
const SIGNS: [char; 7] = [':', '=', '(', '「', '[', 'は', '】'];

pub(super) fn finder(words: impl Iterator<Item = &'static str>) -> AhoCorasick {
    #[expect(clippy::expect_used, reason = "the words are part of the program; a test builds them")]
    AhoCorasick::builder()
        .match_kind(MatchKind::LeftmostLongest)
        .ascii_case_insensitive(true)
        .build(words)
        .expect("the words make an automaton")
}

fn finders() -> &'static [AhoCorasick; 2] {
    static FINDERS: OnceLock<[AhoCorasick; 2]> = OnceLock::new();
    FINDERS.get_or_init(|| [finder(SECRETS.iter().map(|s| s.0)), finder(ACCOUNTS.iter().copied())])
}

/// Whether a word of ASCII letters is part of a longer one.
pub(super) fn is_part(text: &str, start: usize, end: usize) -> bool {
    let bytes = text.as_bytes();
    let letter = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    bytes[start].is_ascii_alphabetic() && letter(start.checked_sub(1).and_then(|at| bytes.get(at)))
        || bytes[end - 1].is_ascii_alphabetic() && letter(bytes.get(end))
}

/// The value behind a word: its bytes, and whether a sign stands before it.
fn value(text: &str, from: usize, shortest: usize) -> Option<(Range<usize>, bool)> {
    let rest = &text[from..];
    let skipped = rest.len() - rest.trim_start_matches(BETWEEN).len();
    let signed = rest[..skipped].contains(SIGNS);
    let start = from + skipped;
    let length = text[start..]
        .bytes()
        .take_while(|b| b.is_ascii_graphic() && !b",;)]}>\"'".contains(b))
        .count();
    let length = text[start..start + length].trim_end_matches(['.', ':', '/']).len();
    let told = (shortest..=64).contains(&length)
        && skipped > 0
        && skipped <= 9
        && text[start..start + length].bytes().any(|b| b.is_ascii_alphanumeric());
    told.then(|| (start..start + length, signed))
}

impl Detector for Login {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        let text = view.text;
        if view.column() & topic::LOGIN != 0 {
            let trimmed = text.trim();
            let start = text.len() - text.trim_start().len();
            if (4..=64).contains(&trimmed.len()) && trimmed.bytes().all(|b| b.is_ascii_graphic()) {
                found.push((start..start + trimmed.len(), Strength::Strong));
                return;
            }
        }
        let [secrets, accounts] = finders();
        let mut names: Option<Vec<Range<usize>>> = None;
        for secret in secrets.find_iter(text) {
            if is_part(text, secret.start(), secret.end()) {
                continue;
            }
            let alone = SECRETS[secret.pattern().as_usize()].1;
            let Some((word, signed)) = value(text, secret.end(), 3) else { continue };
            // Three letters behind a sign and an account's name: def, but not 9mm.
            let short = word.len() == 3;
            if short
                && !(signed && text[word.clone()].starts_with(|c: char| c.is_ascii_alphabetic()))
            {
                continue;
            }
            let letters = text[word.clone()].bytes().all(|b| b.is_ascii_alphabetic() || b == b'-');
            if letters && !signed {
                continue;
            }
            let names = names.get_or_insert_with(|| {
                accounts
                    .find_iter(text)
                    .filter(|m| !is_part(text, m.start(), m.end()))
                    .filter_map(|m| {
                        // `ID 12345` is a number of much; `ログインID hanako` is none but this.
                        let told = !matches!(m.len(), 2..=4);
                        let (mut name, signed) = value(text, m.end(), 3)?;
                        // ID=taro/PW=abc: the name ends before the next word.
                        let rest = &text[name.clone()];
                        let cut = rest.match_indices(['/', '|', '&']).find(|(at, _)| {
                            let next = name.start + at + 1;
                            secrets.find(&text[next..]).is_some_and(|m| m.start() == 0)
                        });
                        if let Some((at, _)) = cut {
                            name.end = name.start + at;
                        }
                        (!name.is_empty() && (signed || told)).then_some(name)
                    })
                    .collect()
            });
            let account = names
                .iter()
                .rev()
                .find(|n| n.end <= secret.start() && secret.start() - n.end <= REACH);
            let mixed = !letters && text[word.clone()].bytes().any(|b| b.is_ascii_alphabetic());
            if short && account.is_none() {
                continue;
            }
            if !(alone || account.is_some() && (signed || mixed)) {
                continue;
            }
            found.extend(account.map(|account| (account.clone(), Strength::Strong)));
            found.push((word, Strength::Strong));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_alone_and_words_that_need_an_account() {
        let of = |text: &str| {
            let view = Prepared::new(text, 0, None);
            let mut found = Found::new();
            Login.scan(&view, &mut found);
            found.into_iter().map(|f| text[f.0].to_owned()).collect::<Vec<_>>().join("|")
        };
        for (text, values) in [
            ("ID:taro PW:abc123", "taro|abc123"),
            ("id=hanako_s / pass=Secret!9", "hanako_s|Secret!9"),
            ("ログインID:k.sato、パスワード:p@ssw0rd", "k.sato|p@ssw0rd"),
            ("ユーザー名(y-mori)PIN(1234)", "y-mori|1234"),
            ("暗証番号は1234です", "1234"),
            ("ログインID hanako、パスワード:abc123", "hanako|abc123"),
            ("パスワード:qwerty", "qwerty"),
            ("password hunter2", "hunter2"),
            ("ID:taro PW abc123", "taro|abc123"),
            ("ID=taro01/PW=hogehoge9", "taro01|hogehoge9"),
            ("id:abc|pass:x1y2", "abc|x1y2"),
            ("ID:abc PW:def", "abc|def"),
            ("PW:def", ""),
            ("パスワード:無", ""),
            ("ID:12345 PW:9mm", ""),
            ("ID:12345/PW:11", ""),
            ("ID:12345 PW 12 mm", ""),
            ("PW:10mm", ""),
            ("PW 12 mmHg", ""),
            ("PASS", ""),
            ("password reset", ""),
            ("パスワードを忘れた", ""),
            ("暗証番号4桁", ""),
            ("バイパス:1234", ""),
            ("ID:12345 患者は pass した", ""),
            ("spin:12345", ""),
        ] {
            assert_eq!(of(text), values, "{text}");
        }
    }
}
