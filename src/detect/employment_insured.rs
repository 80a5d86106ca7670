//! 雇用保険 被保険者番号.

use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// Eleven digits, 4-6-1. The rule of the check digit is not published: the hyphens or the word tell.
pub struct EmploymentInsured;

const DOC: Doc = Doc {
    name: "employment_insured",
    ja: "雇用保険 被保険者番号",
    summary: "11 digits written 4-6-1, or named",
    summary_ja: "11桁、4-6-1の表記又は語を伴うもの",
    mark: "【被保険者番号】",
    law: "規則4条8号",
    chance: 0.5,
    topics: topic::EMPLOYMENT,
};

impl Detector for EmploymentInsured {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.numbers(&[11], |n| {
            if !matches!(n.groups, [11] | [4, 6, 1]) || n.is_filler() {
                return;
            }
            let strength = match view.context(n.start, n.end, DOC.topics) {
                Context::Named => Strength::Strong,
                Context::Silent if n.groups == [4, 6, 1] && n.hyphens => Strength::Fair,
                _ => Strength::Weak,
            };
            found.push((n.start..n.end, strength));
        });
    }
}
