//! URLs, and other addresses on the net behind the words that name them.

use std::sync::OnceLock;

use aho_corasick::AhoCorasick;

use super::login::{finder, is_part};
use super::{Detector, Doc, Found, Prepared, Strength, topic};

/// `http://`, `https://` or `www.` and what follows: a page of a person, a login, a record. And an IPv4 address or the name of
/// an account (`IP: 192.168.10.25`, `LINE ID: taro123`) behind the word that names it, or in a column of that name.
///
/// Four numbers alone are a version, a section or an object identifier as well: without the word they are nothing.
pub struct Url;

const DOC: Doc = Doc {
    name: "url",
    ja: "URL・IPアドレス・SNSのID",
    summary: "http://, https://, www. and what follows; IPv4 addresses and accounts (LINE ID) behind their words",
    summary_ja: "http://・https://・www. に続く文字列、語に続くIPv4アドレスとSNSのID（LINE ID等）",
    mark: "【URL】",
    law: "規則33条3号",
    chance: 0.5,
    topics: topic::NET,
};

impl Detector for Url {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        let text = view.text;
        let mut from = 0;
        while let Some(start) = next(text, from) {
            let length = text[start..]
                .bytes()
                .take_while(|b| b.is_ascii_graphic() && !b"\"<>".contains(b))
                .count();
            let address = text[start..start + length].trim_end_matches([',', '.', ')', ';']);
            let host = address.split("://").last().unwrap_or_default();
            if host.contains('.') && host.len() >= 4 {
                found.push((start..start + address.len(), Strength::Strong));
            }
            from = start + length.max(1);
        }
        if view.column() & topic::NET != 0 {
            let start = text.len() - text.trim_start().len();
            let length = four_parts(&text[start..]);
            if let Some(length) = length.filter(|length| text[start + length..].trim().is_empty()) {
                found.push((start..start + length, Strength::Strong));
            }
        }
        for word in words().find_iter(text) {
            let (_, what) = WORDS[word.pattern().as_usize()];
            if is_part(text, word.start(), word.end()) {
                continue;
            }
            let rest = &text[word.end()..];
            let value = rest.trim_start_matches(BETWEEN);
            let skipped = rest.len() - value.len();
            let signed = rest[..skipped].contains([':', '=', 'は', '(', '@', '「']);
            if skipped == 0 && word_is_ascii(text, word.end()) || skipped > BETWEEN_MOST {
                continue;
            }
            let length = match what {
                Named::Ip => four_parts(value),
                Named::Id => handle(value, false),
                // discord: mild; twitter: @taro.
                Named::Net if signed => handle(value, !rest[..skipped].contains('@')),
                Named::Net => None,
            };
            if let Some(length) = length {
                let start = word.end() + skipped;
                found.push((start..start + length, Strength::Strong));
            }
        }
    }
}

/// What a word names.
#[derive(Clone, Copy)]
enum Named {
    /// An IPv4 address.
    Ip,
    /// The name of an account.
    Id,
    /// A service on the net: the account behind a sign.
    Net,
}

/// Words in folded form.
#[rustfmt::skip]
const WORDS: &[(&str, Named)] = &[
    ("ipアドレス", Named::Ip), ("ip address", Named::Ip), ("ip_address", Named::Ip), ("ipaddress", Named::Ip), ("ip addr", Named::Ip), ("ipv4", Named::Ip), ("ip", Named::Ip),
    ("接続元", Named::Ip), ("アクセス元", Named::Ip), ("client_ip", Named::Ip), ("src_ip", Named::Ip), ("remote_addr", Named::Ip),
    ("line id", Named::Id), ("line_id", Named::Id), ("lineid", Named::Id), ("lineのid", Named::Id), ("ラインid", Named::Id), ("skype id", Named::Id), ("skypeid", Named::Id),
    ("twitter id", Named::Id), ("instagram id", Named::Id), ("wechat id", Named::Id), ("sns id", Named::Id), ("snsid", Named::Id), ("カカオid", Named::Id), ("kakao id", Named::Id),
    ("twitter", Named::Net), ("instagram", Named::Net), ("インスタグラム", Named::Net), ("インスタ", Named::Net), ("ツイッター", Named::Net), ("facebook", Named::Net), ("フェイスブック", Named::Net),
    ("skype", Named::Net), ("wechat", Named::Net), ("tiktok", Named::Net), ("discord", Named::Net),
];
/// What stands between a word and its value.
const BETWEEN: [char; 10] = [' ', ':', '=', '(', '「', '[', 'は', '】', ']', '@'];
/// How many bytes of it.
const BETWEEN_MOST: usize = 6;
/// Letters of a name of an account.
const HANDLE: std::ops::RangeInclusive<usize> = 4..=30;

fn words() -> &'static AhoCorasick {
    static WORDS_OF_NETS: OnceLock<AhoCorasick> = OnceLock::new();
    WORDS_OF_NETS.get_or_init(|| finder(WORDS.iter().map(|w| w.0)))
}

/// Whether the word before a place is of ASCII letters.
fn word_is_ascii(text: &str, end: usize) -> bool {
    text[..end].ends_with(|c: char| c.is_ascii_alphanumeric())
}

/// The bytes of an IPv4 address at the beginning of a text.
fn four_parts(text: &str) -> Option<usize> {
    let length = text.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').take(17).count();
    let address = text[..length].trim_end_matches('.');
    let mut parts = 0;
    for part in address.split('.') {
        let whole = part.len() == 1 || !part.starts_with('0');
        if !whole || part.parse::<u8>().is_err() {
            return None;
        }
        parts += 1;
    }
    (parts == 4).then_some(address.len())
}

/// The bytes of the name of an account at the beginning of a text: ASCII with a letter; perhaps with something else too.
fn handle(text: &str, mixed: bool) -> Option<usize> {
    let length =
        text.bytes().take_while(|b| b.is_ascii_alphanumeric() || b"._-".contains(b)).count();
    let name = text[..length].trim_end_matches(['.', '-', '_']);
    let letter = name.bytes().any(|b| b.is_ascii_alphabetic());
    let other = name.bytes().any(|b| !b.is_ascii_alphabetic());
    let none = ["none", "unknown", "null"].iter().any(|word| name.eq_ignore_ascii_case(word));
    (HANDLE.contains(&name.len()) && letter && (other || !mixed) && !none).then_some(name.len())
}

fn next(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    ["http://", "https://", "www.", "HTTP://", "HTTPS://", "WWW."]
        .iter()
        .filter_map(|prefix| rest.find(prefix))
        .min()
        .map(|at| from + at)
}
