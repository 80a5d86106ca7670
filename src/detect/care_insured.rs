//! 介護保険 被保険者番号.

use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// 10 digits named as a number of long-term care insurance. The rule of its check digit is not published for all issuers, so only the word tells.
pub struct CareInsured;

const DOC: Doc = Doc {
    name: "care_insured",
    ja: "介護保険 被保険者番号",
    summary: "10 digits named as a number of long-term care insurance",
    summary_ja: "10桁、介護保険の語を伴うもの",
    mark: "【被保険者番号】",
    law: "令1条8号",
    chance: 0.5,
    topics: topic::CARE,
};

impl Detector for CareInsured {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.numbers(&[10], |n| {
            let named = view.context(n.start, n.end, DOC.topics) == Context::Named;
            if named && n.groups == [10] && !n.is_filler() {
                found.push((n.start..n.end, Strength::Strong));
            }
        });
    }
}
