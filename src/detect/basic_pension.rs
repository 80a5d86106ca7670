//! 基礎年金番号.

use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// Ten digits, 4-6. There is no check digit, and `2024-000123` is how hospitals number orders too: only the word tells.
pub struct BasicPension;

const DOC: Doc = Doc {
    name: "basic_pension",
    ja: "基礎年金番号",
    summary: "10 digits (4-6) named as a pension number",
    summary_ja: "10桁（4-6）、年金番号の語を伴うもの",
    mark: "【年金番号】",
    law: "令1条4号",
    chance: 0.5,
    topics: topic::PENSION,
};

impl Detector for BasicPension {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        view.numbers(&[10], |n| {
            if !matches!(n.groups, [10] | [4, 6]) || n.is_filler() {
                return;
            }
            let strength = match view.context(n.start, n.end, DOC.topics) {
                Context::Named => Strength::Strong,
                _ => Strength::Weak,
            };
            found.push((n.start..n.end, strength));
        });
    }
}
