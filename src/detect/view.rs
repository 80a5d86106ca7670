//! What a detector looks at: the folded text, its numbers with the hyphens between them, and the words that name things.

use super::{Keys, topic_of, words};

/// Topics: what a word beside a number says that the number is.
pub mod topic {
    /// 個人番号.
    pub const MY_NUMBER: u32 = 1 << 0;
    /// 基礎年金番号.
    pub const PENSION: u32 = 1 << 1;
    /// 旅券.
    pub const PASSPORT: u32 = 1 << 2;
    /// 運転免許証.
    pub const LICENCE: u32 = 1 << 3;
    /// 住民票コード.
    pub const RESIDENT: u32 = 1 << 4;
    /// 在留カード.
    pub const RESIDENCE_CARD: u32 = 1 << 5;
    /// 保険者番号.
    pub const INSURER: u32 = 1 << 6;
    /// 被保険者証の記号・番号.
    pub const SYMBOL: u32 = 1 << 7;
    /// 後期高齢者医療の被保険者番号.
    pub const ELDERLY: u32 = 1 << 8;
    /// 介護保険の被保険者番号.
    pub const CARE: u32 = 1 << 9;
    /// 雇用保険の被保険者番号.
    pub const EMPLOYMENT: u32 = 1 << 10;
    /// 電話.
    pub const PHONE: u32 = 1 << 11;
    /// カード番号.
    pub const CARD: u32 = 1 << 12;
    /// 郵便番号.
    pub const POSTAL: u32 = 1 << 13;
    /// 患者番号, 診察券, カルテ番号.
    pub const HOSPITAL: u32 = 1 << 14;
    /// 生年月日.
    pub const BIRTH: u32 = 1 << 15;
    /// 氏名.
    pub const NAME: u32 = 1 << 16;
    /// 住所.
    pub const ADDRESS: u32 = 1 << 17;
    /// 口座.
    pub const ACCOUNT: u32 = 1 << 18;
    /// パスワード.
    pub const LOGIN: u32 = 1 << 19;
    /// An address on the net.
    pub const NET: u32 = 1 << 20;
    /// Something that is nobody's number: an order, a sample, a product.
    pub const OTHER: u32 = 1 << 31;
}

use topic::*;

/// Words in folded form. The longest at a place counts.
#[rustfmt::skip]
pub(super) const WORDS: &[(&str, u32)] = &[
    ("個人番号", MY_NUMBER), ("マイナンバー", MY_NUMBER), ("my number", MY_NUMBER), ("mynumber", MY_NUMBER), ("my_number", MY_NUMBER),
    ("基礎年金番号", PENSION), ("年金番号", PENSION), ("年金手帳", PENSION),
    ("旅券番号", PASSPORT), ("旅券", PASSPORT), ("パスポート", PASSPORT), ("passport", PASSPORT),
    ("運転免許証", LICENCE), ("運転免許", LICENCE), ("免許証", LICENCE), ("免許番号", LICENCE), ("driver_license", LICENCE), ("免許証番号", LICENCE), ("運転免許証番号", LICENCE),
    ("住民票コード", RESIDENT), ("住民票", RESIDENT),
    ("在留カード", RESIDENCE_CARD), ("特別永住者証明書", RESIDENCE_CARD),
    ("保険者番号", INSURER), ("保険者no", INSURER), ("insurer", INSURER),
    ("記号", SYMBOL), ("被保険者証", SYMBOL), ("保険証", SYMBOL), ("受給者番号", SYMBOL), ("insured", SYMBOL),
    ("被保険者番号", SYMBOL | ELDERLY | CARE | EMPLOYMENT),
    ("後期高齢者", ELDERLY), ("後期高齢", ELDERLY), ("後期高齢者医療被保険者番号", ELDERLY), ("後期被保険者番号", ELDERLY),
    ("介護保険", CARE), ("介護保険被保険者番号", CARE), ("介護被保険者番号", CARE), ("要介護", CARE),
    ("雇用保険", EMPLOYMENT), ("雇用保険被保険者番号", EMPLOYMENT), ("雇用保険番号", EMPLOYMENT),
    ("電話番号", PHONE), ("電話", PHONE), ("tel", PHONE), ("携帯", PHONE), ("連絡先", PHONE), ("fax", PHONE), ("ファックス", PHONE), ("ファクス", PHONE),
    ("自宅", PHONE), ("フリーダイヤル", PHONE), ("phone", PHONE), ("☎", PHONE), ("📞", PHONE), ("mobile", PHONE), ("直通", PHONE),
    ("クレジットカード", CARD), ("クレジット", CARD), ("カード番号", CARD), ("card_number", CARD), ("visa", CARD), ("jcb", CARD), ("mastercard", CARD), ("amex", CARD),
    ("口座番号", ACCOUNT), ("口座", ACCOUNT), ("振込先", ACCOUNT), ("振込口座", ACCOUNT), ("普通預金", ACCOUNT), ("account_number", ACCOUNT), ("account number", ACCOUNT), ("account no", ACCOUNT), ("bank_account", ACCOUNT), ("bank account", ACCOUNT),
    ("パスワード", LOGIN), ("password", LOGIN), ("passwd", LOGIN), ("暗証番号", LOGIN), ("ログインid", LOGIN), ("ログイン", LOGIN), ("login", LOGIN), ("login_id", LOGIN),
    ("ipアドレス", NET), ("ip address", NET), ("ip_address", NET), ("ipaddress", NET), ("ip_addr", NET), ("ipaddr", NET), ("ipv4", NET), ("line id", NET), ("line_id", NET), ("lineid", NET),
    ("郵便番号", POSTAL), ("〒", POSTAL), ("postal", POSTAL), ("zip", POSTAL), ("郵便", POSTAL),
    ("患者番号", HOSPITAL), ("患者id", HOSPITAL), ("患者no", HOSPITAL), ("診察券番号", HOSPITAL), ("診察券", HOSPITAL), ("カルテ番号", HOSPITAL), ("カルテno", HOSPITAL),
    ("カルテid", HOSPITAL), ("受診者番号", HOSPITAL), ("入院番号", HOSPITAL), ("patient_id", HOSPITAL), ("patient id", HOSPITAL), ("mrn", HOSPITAL), ("id番号", HOSPITAL),
    ("院内id", HOSPITAL), ("登録id", HOSPITAL), ("id", HOSPITAL),
    ("生年月日", BIRTH), ("誕生日", BIRTH), ("出生日", BIRTH), ("生まれ", BIRTH), ("dob", BIRTH), ("birth", BIRTH), ("birthday", BIRTH), ("date of birth", BIRTH), ("出生", BIRTH),
    ("氏名", NAME), ("患者名", NAME), ("名前", NAME), ("姓名", NAME), ("_name", OTHER), ("patient_name", NAME), ("family_name", NAME), ("given_name", NAME),
    ("住所", ADDRESS), ("居所", ADDRESS), ("address", ADDRESS),
    ("オーダ番号", OTHER), ("オーダー番号", OTHER), ("オーダ", OTHER), ("オーダid", OTHER), ("オーダーid", OTHER), ("order", OTHER), ("order_id", OTHER), ("orderid", OTHER),
    ("検体番号", OTHER), ("検体id", OTHER), ("検体", OTHER), ("specimen", OTHER), ("受付番号", OTHER), ("受付", OTHER), ("伝票番号", OTHER), ("伝票", OTHER),
    ("請求番号", OTHER), ("会計番号", OTHER), ("ロット番号", OTHER), ("ロット", OTHER), ("lot", OTHER), ("jan", OTHER), ("janコード", OTHER), ("gtin", OTHER), ("gs1", OTHER),
    ("バーコード", OTHER), ("製造番号", OTHER), ("シリアル", OTHER), ("serial", OTHER), ("型番", OTHER), ("品番", OTHER), ("薬品コード", OTHER), ("薬剤コード", OTHER),
    ("医薬品コード", OTHER), ("yj", OTHER), ("yjコード", OTHER), ("hot", OTHER), ("hotコード", OTHER), ("レセ電", OTHER), ("レセプト電算", OTHER), ("点数コード", OTHER), ("jlac", OTHER),
    ("検査コード", OTHER), ("項目コード", OTHER), ("検査番号", OTHER), ("検査id", OTHER), ("処方番号", OTHER), ("処方箋番号", OTHER), ("依頼番号", OTHER), ("文書番号", OTHER), ("承認番号", OTHER),
    ("管理番号", OTHER), ("予約番号", OTHER), ("法人番号", OTHER), ("医療機関コード", OTHER), ("施設コード", OTHER), ("事業所番号", OTHER), ("pmid", OTHER),
    ("doi", OTHER), ("試験番号", OTHER), ("jrct", OTHER), ("nct", OTHER), ("umin", OTHER), ("udi", OTHER), ("標本番号", OTHER), ("病理番号", OTHER), ("機器番号", OTHER),
    ("画像番号", OTHER), ("study", OTHER), ("accession", OTHER), ("品名コード", OTHER), ("物品番号", OTHER),
];

/// A word that names something, at bytes of the folded text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word {
    pub(super) topics: u32,
    start: usize,
    end: usize,
}

/// The words of a text.
pub(super) fn words_in(text: &str) -> impl Iterator<Item = Word> + '_ {
    let bytes = text.as_bytes();
    let letter = move |at: Option<usize>| {
        at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphabetic)
    };
    words()
        .find_iter(text)
        .filter(move |m| {
            // `id` in `candida` names nothing.
            let begins = bytes[m.start()].is_ascii_alphabetic();
            let ends = bytes[m.end() - 1].is_ascii_alphabetic();
            let net = begins && m.start() > 0 && b"?&/=".contains(&bytes[m.start() - 1]);
            !(net || begins && letter(m.start().checked_sub(1)) || ends && letter(Some(m.end())))
        })
        .map(|m| Word { topics: topic_of(m.pattern()), start: m.start(), end: m.end() })
}

/// What stands beside a number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Context {
    /// A word (or the column's name) that names what the detector looks for.
    Named,
    /// A word that names another thing.
    Other,
    /// Nothing.
    Silent,
}

/// Digits, perhaps in groups with hyphens, blanks or parentheses between them.
#[derive(Clone, Copy, Debug)]
pub struct Number<'a> {
    /// First byte in the folded text.
    pub start: usize,
    /// The byte behind the last digit.
    pub end: usize,
    /// The digits alone.
    pub digits: &'a str,
    /// The lengths of the groups.
    pub groups: &'a [u8],
    /// Whether every separator is a hyphen (true for a single group).
    pub hyphens: bool,
    /// Whether a separator is a dot, a slash or another mark that few numbers have.
    pub marked: bool,
    /// A `+` stands before it.
    pub plus: bool,
    /// No further group of digits is joined to it by a blank.
    pub alone: bool,
}

impl Number<'_> {
    /// The digits as numbers.
    #[must_use]
    pub fn values(&self) -> Vec<u32> {
        self.digits.bytes().map(|b| u32::from(b - b'0')).collect()
    }
    /// Whether all digits are the same: fillers (`999999999999`) identify nobody.
    #[must_use]
    pub fn is_filler(&self) -> bool {
        let first = self.digits.as_bytes().first();
        self.digits.bytes().all(|b| Some(&b) == first)
    }
}

#[derive(Clone, Copy, Debug)]
struct Run {
    start: usize,
    end: usize,
    /// What stands between this run and the next, if they may belong together: `-`, `(`, blank, or `.` for any other mark.
    joined: Option<u8>,
}

/// The most groups that a number has.
const GROUPS: usize = 5;
/// The most digits of a number that any detector looks for.
const DIGITS: usize = 19;
/// A word names a number that begins at most this many bytes behind it.
const REACH: usize = 54;
/// A word that names another thing is taken for a number's only if it is nearer.
const REACH_OTHER: usize = 30;
/// A word behind a number, in bytes.
const REACH_BEHIND: usize = 18;

/// The folded text of a cell, prepared.
pub struct Prepared<'a> {
    /// The folded text.
    pub text: &'a str,
    runs: Vec<Run>,
    words: Vec<Word>,
    column: u32,
    keys: Option<&'a Keys>,
}

impl<'a> Prepared<'a> {
    pub(super) fn new(text: &'a str, column: u32, keys: Option<&'a Keys>) -> Self {
        let bytes = text.as_bytes();
        let mut runs: Vec<Run> = Vec::new();
        let mut at = 0;
        while let Some(first) = bytes[at..].iter().position(u8::is_ascii_digit) {
            let start = at + first;
            let length = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
            if let Some(last) = runs.last_mut() {
                last.joined = separator(&text[last.end..start]);
            }
            runs.push(Run { start, end: start + length, joined: None });
            at = start + length;
        }
        Prepared { text, runs, words: words_in(text).collect(), column, keys }
    }

    /// The keys of the run, if they are known.
    #[must_use]
    pub fn keys(&self) -> Option<&Keys> {
        self.keys
    }

    /// The topics of the column's name.
    #[must_use]
    pub fn column(&self) -> u32 {
        self.column
    }

    /// Where words of exactly one topic stand.
    pub fn only(&self, topic: u32) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.words.iter().filter(move |w| w.topics == topic).map(|w| w.start..w.end)
    }

    /// Where words of some topics stand.
    pub fn named(&self, topics: u32) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
        self.words.iter().filter(move |w| w.topics & topics != 0).map(|w| w.start..w.end)
    }

    /// What the words beside a number say: the nearest before it in the same sentence that names numbers, else one in
    /// parentheses behind it, else the column's name.
    #[must_use]
    pub fn context(&self, start: usize, end: usize, topics: u32) -> Context {
        let judged = |found: u32| if found & topics != 0 { Context::Named } else { Context::Other };
        let numeric =
            |w: &&Word| w.topics & !(NAME | ADDRESS | BIRTH) != 0 || w.topics & topics != 0;
        let before = self.words.iter().rev().filter(|w| w.end <= start).find(numeric);
        if let Some(word) = before {
            let between = &self.text[word.end..start];
            let said = judged(word.topics);
            let reach = if said == Context::Named { REACH } else { REACH_OTHER };
            // Another number between the two is the one that the word names.
            let taken = between.bytes().filter(u8::is_ascii_digit).count() >= 6;
            if between.len() <= reach && !taken && !between.contains(['。', '\n', ';', '、', ','])
            {
                return said;
            }
        }
        let behind = self.words.iter().filter(|w| w.start > end).find(numeric);
        if let Some(word) = behind
            && word.start - end <= REACH_BEHIND
            && self.text[end..word.start].trim_start().starts_with(['(', '[', '<'])
        {
            return judged(word.topics);
        }
        if self.column & topics != 0 { Context::Named } else { Context::Silent }
    }

    /// Calls `f` for every number whose count of digits is in `digits`.
    pub fn numbers(&self, digits: &[usize], f: impl FnMut(Number<'_>)) {
        self.numbers_with(digits, false, f);
    }

    /// The same, with numbers whose groups are parted by dots, slashes and the like.
    pub fn marked_numbers(&self, digits: &[usize], f: impl FnMut(Number<'_>)) {
        self.numbers_with(digits, true, f);
    }

    fn numbers_with(&self, digits: &[usize], marks: bool, mut f: impl FnMut(Number<'_>)) {
        let bytes = self.text.as_bytes();
        let mut all = String::new();
        let mut groups: Vec<u8> = Vec::with_capacity(GROUPS);
        for (i, first) in self.runs.iter().enumerate() {
            if !self.clean_before(i) {
                continue;
            }
            all.clear();
            groups.clear();
            let (mut hyphens, mut marked, mut j) = (true, false, i);
            loop {
                let run = &self.runs[j];
                if all.len() + (run.end - run.start) > DIGITS {
                    break;
                }
                all.push_str(&self.text[run.start..run.end]);
                groups.push((run.end - run.start) as u8);
                if digits.contains(&all.len()) && self.clean_behind(j) {
                    let plus = first.start > 0 && bytes[first.start - 1] == b'+';
                    // A further group after a blank would make it another number.
                    let blank = |at: Option<usize>, group: Option<usize>| {
                        let joined = at.and_then(|at| self.runs[at].joined) == Some(b' ');
                        joined && group.is_some_and(|g| self.runs[g].end - self.runs[g].start >= 3)
                    };
                    let before = i.checked_sub(1);
                    let alone = !blank(before, before) && !blank(Some(j), Some(j + 1));
                    let number = Number {
                        start: first.start,
                        end: run.end,
                        digits: &all,
                        groups: &groups,
                        hyphens,
                        marked,
                        plus,
                        alone,
                    };
                    f(number);
                }
                match run.joined {
                    Some(b'.') if !marks => break,
                    Some(separator) if groups.len() < GROUPS => {
                        hyphens &= separator == b'-';
                        marked |= separator == b'.';
                    }
                    _ => break,
                }
                j += 1;
            }
        }
    }

    fn clean_before(&self, run: usize) -> bool {
        let bytes = self.text.as_bytes();
        let start = self.runs[run].start;
        let Some(before) = start.checked_sub(1).map(|at| bytes[at]) else { return true };
        let digit_before = start >= 2 && bytes[start - 2].is_ascii_digit();
        match before {
            b'.' | b'/' | b':' => !digit_before,
            b',' => !(digit_before && self.runs[run].end - start == 3),
            b'-' => !(start >= 2 && bytes[start - 2].is_ascii_alphanumeric()),
            b if b.is_ascii_alphabetic() => {
                // Letters that name the number may touch it: `TEL0312345678`.
                self.words.iter().any(|w| w.end == start)
            }
            _ => true,
        }
    }

    fn clean_behind(&self, run: usize) -> bool {
        let bytes = self.text.as_bytes();
        let end = self.runs[run].end;
        let Some(&behind) = bytes.get(end) else { return true };
        let digits = bytes[end + 1..].iter().take_while(|b| b.is_ascii_digit()).count();
        match behind {
            // 983205673214.0 has been through a spreadsheet or a data frame.
            b'.' if digits == 1 && matches!(bytes[end + 1..].trim_ascii_end(), b"0") => true,
            b'.' | b'/' | b':' => digits == 0,
            b',' => digits != 3,
            b'-' => !bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric),
            b => !b.is_ascii_alphabetic() && b != b'_',
        }
    }

    /// Calls `f` for every maximal run of ASCII letters and digits, hyphens inside included.
    pub fn codes(&self, mut f: impl FnMut(usize, &str)) {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while at < bytes.len() {
            if !bytes[at].is_ascii_alphanumeric() {
                at += 1;
                continue;
            }
            let mut end = at;
            while end < bytes.len()
                && (bytes[end].is_ascii_alphanumeric()
                    || matches!(bytes[end], b'-' | b'_')
                        && bytes.get(end + 1).is_some_and(u8::is_ascii_alphanumeric))
            {
                end += 1;
            }
            f(at, &self.text[at..end]);
            at = end;
        }
    }
}

/// Whether two runs of digits may belong together, and by what.
fn separator(between: &str) -> Option<u8> {
    if is_mark(between.trim_matches(' ')) && between.len() <= 5 {
        return Some(b'.');
    }
    let between = between.as_bytes();
    if between.is_empty() || between.len() > 3 {
        return None;
    }
    let all = |f: fn(&u8) -> bool| between.iter().all(f);
    if !all(|b| matches!(b, b'-' | b' ' | b'(' | b')')) {
        return None;
    }
    let has = |c: u8| between.iter().filter(|&&b| b == c).count();
    match (has(b'-'), has(b'(') + has(b')')) {
        // One blank, or the two or three of a column that was typed.
        (0, 0) => Some(b' '),
        (1, 0) => Some(b'-'),
        (0 | 1, 1) => Some(b'('),
        _ => None,
    }
}

/// One mark that stands between the groups of a number now and then: 090.1234.5678.
pub(super) fn is_mark(between: &str) -> bool {
    matches!(between, "." | "/" | "_" | "・" | "·" | "•" | "･" | "~" | "|")
}
