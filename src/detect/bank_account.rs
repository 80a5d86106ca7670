//! Numbers of bank accounts.

use super::{Context, Detector, Doc, Found, Prepared, Strength, topic};

/// Six to eight digits behind the kind of an account (`普通 1234567`) of a bank and its branch (`銀行…支店`), or behind 口座番号; and the
/// symbol and number of ゆうちょ.
///
/// Seven digits behind 普通 or 当座 without a bank are a fair hit.
pub struct BankAccount;

const DOC: Doc = Doc {
    name: "bank_account",
    ja: "預貯金口座の番号",
    summary: "6 to 8 digits behind bank, branch and kind of account, or named",
    summary_ja: "銀行・支店・口座種別に続く6〜8桁、又は語を伴うもの",
    mark: "【口座番号】",
    law: "規則33条3号",
    chance: 0.5,
    topics: topic::ACCOUNT,
};

const BANKS: &[&str] = &[
    "銀行",
    "バンク",
    "信用金庫",
    "信金",
    "信用組合",
    "信組",
    "労働金庫",
    "労金",
    "農協",
    "農業協同組合",
    "漁協",
    "JA",
    "bank",
    "Bank",
    "BANK",
];
const BRANCHES: &[&str] = &["支店", "本店", "出張所", "営業部", "支所", "代理店", "店番"];
/// Kinds of accounts; the longest first.
const KINDS: &[&str] = &[
    "普通預金",
    "当座預金",
    "貯蓄預金",
    "総合口座",
    "普通",
    "当座",
    "貯蓄",
    "総合",
    "(普)",
    "(当)",
];
/// Words between the kind and the number.
const BETWEEN: &[&str] =
    &["預金", "口座", "番号", "No.", "No", "#", "(", ")", ":", " ", "/", "・", "-", "、", ","];
/// How far before the number the bank stands, in characters.
const REACH: usize = 60;

impl Detector for BankAccount {
    fn doc(&self) -> &'static Doc {
        &DOC
    }
    fn scan(&self, view: &Prepared<'_>, found: &mut Found) {
        let text = view.text;
        let named = view.column() & topic::ACCOUNT != 0;
        if text.is_ascii() && !named && view.named(DOC.topics).next().is_none() {
            return;
        }
        view.numbers(&[6, 7, 8, 11, 12, 13], |n| {
            if n.is_filler() {
                return;
            }
            let head = before(text, n.start);
            if let [5, 6..=8] = n.groups {
                if head.contains("ゆうちょ") || head.contains("郵便貯金") {
                    found.push((n.start..n.end, Strength::Strong));
                }
                return;
            }
            if n.groups.len() != 1 || n.digits.len() > 8 {
                return;
            }
            let mut rest = head;
            while let Some(shorter) = BETWEEN.iter().find_map(|word| rest.strip_suffix(word)) {
                rest = shorter;
            }
            let kind = KINDS.iter().any(|kind| {
                rest.ends_with(kind) || kind.starts_with('(') && head.trim_end().ends_with(kind)
            }) || [" 普", " 当", ")普", ")当"].iter().any(|kind| rest.ends_with(kind));
            let bank = BANKS.iter().filter_map(|bank| head.find(bank)).min();
            let branch = bank
                .is_some_and(|bank| BRANCHES.iter().any(|branch| head[bank..].contains(branch)));
            let strength = match view.context(n.start, n.end, DOC.topics) {
                Context::Named => Strength::Strong,
                _ if kind && bank.is_some() || branch && n.digits.len() == 7 => Strength::Strong,
                Context::Silent if kind && n.digits.len() == 7 => Strength::Fair,
                _ => return,
            };
            found.push((n.start..n.end, strength));
        });
    }
}

/// What stands before a place.
fn before(text: &str, at: usize) -> &str {
    let head = &text[..at];
    let from = head.char_indices().rev().nth(REACH - 1).map_or(0, |(from, _)| from);
    &head[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banks_kinds_and_words() {
        let of = |text: &str| {
            let view = Prepared::new(text, 0, None);
            let mut found = Found::new();
            BankAccount.scan(&view, &mut found);
            found.into_iter().map(|f| text[f.0].to_owned()).collect::<Vec<_>>().join("|")
        };
        for (text, values) in [
            ("みらい銀行 本町支店 普通 1234567", "1234567"),
            ("みらい銀行本町支店(普)1234567", "1234567"),
            ("はまなす信用金庫 港支店(012)普通預金 口座番号:7654321", "7654321"),
            ("海山銀行 本店営業部 当座No.123456", "123456"),
            ("口座番号は1234567", "1234567"),
            ("振込先:普通1234567", "1234567"),
            ("ゆうちょ銀行 10120-12345671", "10120-12345671"),
            ("JA海山 本町支店 1234567", "1234567"),
            ("普通 1234567", "1234567"),
            ("みらい 本町 普 1234567", "1234567"),
            ("Bank account 1234567", "1234567"),
            ("便は普通、WBC 123456", ""),
            ("銀行へ行く途中に転倒、ロット 1234567", ""),
            ("銀行員、20240401入院", ""),
            ("普通食 1234567", ""),
        ] {
            assert_eq!(of(text), values, "{text}");
        }
    }
}
