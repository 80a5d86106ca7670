//! E-mail addresses.

use super::{Detector, Doc, Found, Prepared, Strength, topic};

/// Local part, `@`, a domain with a dot.
pub struct Email;

const DOC: Doc = Doc {
    name: "email",
    ja: "電子メールアドレス",
    summary: "local@domain.tld",
    summary_ja: "local@domain.tld の形",
    mark: "【メール】",
    law: "規則18条1号・33条1号・3号",
    chance: 0.5,
    topics: topic::OTHER,
};

impl Detector for Email {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        let bytes = view.text.as_bytes();
        for at in memchr::memchr_iter(b'@', bytes) {
            let local = bytes[..at]
                .iter()
                .rev()
                .take_while(|b| b.is_ascii_alphanumeric() || b"._%+-".contains(b))
                .count();
            let domain = bytes[at + 1..]
                .iter()
                .take_while(|b| b.is_ascii_alphanumeric() || b".-".contains(b))
                .count();
            let name = view.text[at + 1..at + 1 + domain].trim_end_matches(['.', '-']);
            let top = name.rsplit('.').next().unwrap_or_default();
            let good = local > 0
                && name.contains('.')
                && name.split('.').all(|label| !label.is_empty())
                && top.len() >= 2
                && top.bytes().all(|b| b.is_ascii_alphabetic());
            if good {
                found.push((at - local..at + 1 + name.len(), Strength::Strong));
            }
        }
    }
}
