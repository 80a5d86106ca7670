//! URLs.

use super::{Detector, Doc, Found, Prepared, Strength, topic};

/// `http://`, `https://` or `www.` and what follows: a page of a person, a login, a record.
pub struct Url;

const DOC: Doc = Doc {
    name: "url",
    ja: "URL",
    summary: "http://, https://, www. and what follows",
    summary_ja: "http://・https://・www. に続く文字列",
    mark: "【URL】",
    law: "規則33条3号",
    chance: 0.5,
    topics: topic::OTHER,
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
    }
}

fn next(text: &str, from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    ["http://", "https://", "www.", "HTTP://", "HTTPS://", "WWW."]
        .iter()
        .filter_map(|prefix| rest.find(prefix))
        .min()
        .map(|at| from + at)
}
