//! Postal codes.

use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};
use crate::schema::codes;

/// Seven digits, 3-4, that are in the table of Japan Post. Beside a place name, 〒 or 郵便番号 it is one; alone it may be a
/// part number. A released column of full postal codes is found too: generalize it.
pub struct PostalCode;

const DOC: Doc = Doc {
    name: "postal_code",
    ja: "郵便番号",
    summary: "7 digits (3-4) of the postal table, named or beside a place",
    summary_ja: "7桁（3-4）、郵便番号表にあり語又は地名を伴うもの",
    mark: "【郵便番号】",
    law: "規則18条1号・33条1号",
    chance: 0.02,
    topics: topic::POSTAL | topic::ADDRESS,
};

impl Detector for PostalCode {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.numbers(&[7], |n| {
            if !matches!(n.groups, [7] | [3, 4]) || n.is_filler() {
                return;
            }
            let known = codes::system("postal").is_some_and(|postal| postal.validate(n.digits));
            let hyphen = n.groups.len() == 2 && n.hyphens;
            let behind: String = view.text[n.end..].chars().take(6).collect();
            let place =
                ["都", "道", "府", "県", "市", "区", "町", "村"].iter().any(|p| behind.contains(p));
            let strength = match view.context(n.start, n.end, DOC.topics) {
                Context::Named if known || hyphen => Strength::Strong,
                Context::Silent if known && hyphen && place => Strength::Strong,
                Context::Silent if known && hyphen && n.start == 0 && n.end == view.text.len() => {
                    Strength::Fair
                }
                _ if hyphen => Strength::Weak,
                _ => return,
            };
            found.push((n.start..n.end, strength));
        });
    }
}
