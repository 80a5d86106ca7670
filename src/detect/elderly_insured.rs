//! 後期高齢者医療 被保険者番号.

use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// 8 digits named as a number of the medical care system for the elderly. The rule of its check digit is not published for all issuers, so only the word tells.
pub struct ElderlyInsured;

const DOC: Doc = Doc {
    name: "elderly_insured",
    ja: "後期高齢者医療 被保険者番号",
    summary: "8 digits named as a number of the medical care system for the elderly",
    summary_ja: "8桁、後期高齢者医療の語を伴うもの",
    mark: "【被保険者番号】",
    law: "令1条7号",
    chance: 0.5,
    topics: topic::ELDERLY,
};

impl Detector for ElderlyInsured {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.numbers(&[8], |n| {
            let named = view.context(n.start, n.end, DOC.topics) == Context::Named;
            if named && n.groups == [8] && !n.is_filler() {
                found.push((n.start..n.end, Strength::Strong));
            }
        });
    }
}
