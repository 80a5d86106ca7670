//! What the name of a column suggests that it holds: names as hospitals write them, in Japanese, romaji and English.
//!
//! One dictionary for all who judge by names: `init` drafts roles with it, the check of declarations holds roles and
//! types against it. A name is read as a compound whose last word says what it is: 医師コード is a doctor's number,
//! 医師区分 a class of doctors; `patient_id` is a number of a patient, `patient_type` is none.

use unicode_normalization::UnicodeNormalization;

/// What a column holds, after its name.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Meaning {
    /// 個人識別符号 or a part of one: 個人番号, 記号, 番号, 旅券番号.
    IdCode,
    /// What can be misused for money: card, account, password.
    Financial,
    /// A person's name or a part of it.
    Name,
    /// An address with more than the area.
    Address,
    /// Telephone, e-mail, where a person is reached.
    Contact,
    /// The number of a patient.
    Patient,
    /// The number of a stay, order, specimen, receipt.
    Number,
    /// A member of the staff: number or name.
    Staff,
    /// A facility, an insurer, a ward.
    Facility,
    /// Free text.
    Text,
    /// A birth date, or the day of birth.
    Birth,
    /// The year or the month of birth.
    BirthPart,
    /// Another date.
    Date,
    /// Sex.
    Sex,
    /// Age.
    Age,
    /// Postal code.
    Postal,
    /// The area of an address.
    Area,
    /// A disease.
    Diagnosis,
    /// Outcome, death.
    Outcome,
}

impl Meaning {
    /// In English: "the name suggests ...".
    #[must_use]
    pub const fn en(self) -> &'static str {
        match self {
            Meaning::IdCode => "an individual identification code",
            Meaning::Financial => "what may cause financial damage",
            Meaning::Name => "a person's name",
            Meaning::Address => "an address",
            Meaning::Contact => "a telephone number or mail address",
            Meaning::Patient => "a patient's number",
            Meaning::Number => "a number of the hospital's systems",
            Meaning::Staff => "a member of the staff",
            Meaning::Facility => "a facility or insurer",
            Meaning::Text => "free text",
            Meaning::Birth => "a birth date",
            Meaning::BirthPart => "the year or month of birth",
            Meaning::Date => "a date",
            Meaning::Sex => "the sex",
            Meaning::Age => "the age",
            Meaning::Postal => "a postal code",
            Meaning::Area => "where a person lives",
            Meaning::Diagnosis => "a disease",
            Meaning::Outcome => "an outcome",
        }
    }
    /// In Japanese.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Meaning::IdCode => "個人識別符号",
            Meaning::Financial => "財産的被害が生じるおそれのある記述",
            Meaning::Name => "氏名",
            Meaning::Address => "住所",
            Meaning::Contact => "連絡先",
            Meaning::Patient => "患者の番号",
            Meaning::Number => "院内システムの番号",
            Meaning::Staff => "医療者",
            Meaning::Facility => "施設・保険者",
            Meaning::Text => "自由記載",
            Meaning::Birth => "生年月日",
            Meaning::BirthPart => "生年・生月",
            Meaning::Date => "日付",
            Meaning::Sex => "性別",
            Meaning::Age => "年齢",
            Meaning::Postal => "郵便番号",
            Meaning::Area => "居住地域",
            Meaning::Diagnosis => "傷病",
            Meaning::Outcome => "転帰",
        }
    }
}

/// How sure a name is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Sure {
    /// A guess for a draft; nothing is refused for it.
    Maybe,
    /// Enough where the declared type claims more than such a column can be (`note` as a code).
    Likely,
    /// The name says it.
    Yes,
}

/// What a name suggests.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Suggestion {
    /// What it holds.
    pub meaning: Meaning,
    /// How sure that is.
    pub sure: Sure,
}

/// A name, taken apart.
struct Words {
    /// All of it in small letters, without separators and without the number behind it.
    joined: String,
    /// Words in ASCII, in order, without digits.
    ascii: Vec<String>,
    /// Without words that say how something is written or whose it is: 姓 of `患者姓（漢字）`.
    bare: String,
    /// Whether it is ASCII alone.
    plain: bool,
}

impl Words {
    fn of(name: &str) -> Words {
        let wide: String = name.nfkc().collect();
        // What stands in brackets behind a name says more about it, not what it is.
        let wide = match wide.split_once('(') {
            Some((before, _)) if !before.trim().is_empty() => before.to_owned(),
            _ => wide,
        };
        let (mut joined, mut ascii, mut word) = (String::new(), Vec::new(), String::new());
        let mut before = ' ';
        for c in wide.chars() {
            let new_word =
                !c.is_ascii_alphabetic() || c.is_ascii_uppercase() && before.is_ascii_lowercase();
            if new_word && !word.is_empty() {
                ascii.push(std::mem::take(&mut word));
            }
            if c.is_ascii_alphabetic() {
                word.push(c.to_ascii_lowercase());
            }
            if c.is_alphanumeric() || matches!(c, 'ー' | '々') {
                joined.extend(c.to_lowercase());
            }
            before = c;
        }
        if !word.is_empty() {
            ascii.push(word);
        }
        let joined = joined.trim_end_matches(|c: char| c.is_ascii_digit());
        let joined = polite(joined);
        let mut bare = joined.clone();
        for word in WRITTEN {
            bare = bare.replace(word, "");
        }
        let plain = wide.is_ascii();
        Words { joined, ascii, bare, plain }
    }
    /// The name with its words spelled out, if they are run together or cut short: `patnm`, `ptAdr`, `mothername`.
    fn spelled(&self) -> Option<Words> {
        let ascii: Vec<String> = self.ascii.iter().flat_map(|word| spelled(word)).collect();
        let other = ascii != self.ascii;
        let (joined, bare) = (self.joined.clone(), self.bare.clone());
        other.then_some(Words { joined, ascii, bare, plain: self.plain })
    }
    /// `a b` as two words one after the other, or as one word `ab`.
    fn has(&self, phrase: &str) -> bool {
        // Most phrases begin with a word that is not there, alone or run together with others.
        let first = phrase.split(' ').next().unwrap_or(phrase);
        if !self.ascii.iter().any(|word| word.starts_with(first)) {
            return false;
        }
        let parts: Vec<&str> = phrase.split(' ').collect();
        let apart =
            self.ascii.windows(parts.len()).any(|w| w.iter().zip(&parts).all(|(a, b)| a == b));
        apart || parts.len() > 1 && self.ascii.contains(&parts.concat())
    }
    /// The whole name is these words.
    fn is(&self, phrase: &str) -> bool {
        let parts: Vec<&str> = phrase.split(' ').collect();
        self.plain
            && (self.ascii.iter().map(String::as_str).eq(parts.iter().copied())
                || self.ascii.len() == 1 && self.ascii[0] == parts.concat())
    }
    fn ends(&self, phrase: &str) -> bool {
        let parts: Vec<&str> = phrase.split(' ').collect();
        let apart = self.ascii.len() >= parts.len()
            && self.ascii[self.ascii.len() - parts.len()..].iter().zip(&parts).all(|(a, b)| a == b);
        apart || parts.len() > 1 && self.ascii.last().is_some_and(|l| *l == parts.concat())
    }
    /// Whether it is a property of something (a class, a flag, a count), not the thing.
    fn property(&self) -> bool {
        let base = ["コード体系", "コード", "cd"]
            .iter()
            .find_map(|tail| self.joined.strip_suffix(tail))
            .unwrap_or(&self.joined);
        CLASSES.iter().chain(PROPERTIES).any(|p| base.ends_with(p))
            || self.joined.ends_with("コード体系")
            || self.ascii.last().is_some_and(|l| {
                self.plain && EN_CLASSES.iter().chain(EN_PROPERTIES).any(|p| p == l)
            })
    }
    /// Ends in what numbers and codes are called.
    fn numbered(&self) -> bool {
        let ja =
            ["番号", "番号等", "id", "no", "コード", "符号", "ナンバー", "cd", "識別子", "キー"];
        ja.iter().any(|t| self.joined.ends_with(t))
            || EN_NUMBERS.iter().any(|n| self.ascii.last().is_some_and(|l| l == n))
    }
}

/// A name without its courtesies: お名前, ご住所, 患者さん番号.
fn polite(name: &str) -> String {
    let mut name = name.to_owned();
    for whom in ["患者", "本人"] {
        for title in ["さん", "さま", "様"] {
            name = name.replace(&format!("{whom}{title}"), whom);
        }
    }
    let bare = name.trim_start_matches(['お', 'ご', '御']);
    if bare.is_empty() { name } else { bare.to_owned() }
}

/// Whose something is, as it stands before a word: in full, and as it is cut short.
#[rustfmt::skip]
const WHOSE: &[(&str, &str)] = &[
    ("patient", "patient"), ("pat", "patient"), ("pt", "patient"), ("ptnt", "patient"), ("kanja", "patient"), ("kanjya", "patient"),
    ("person", "patient"), ("client", "patient"), ("subj", "patient"), ("mother", "mother"), ("father", "father"), ("mat", "mother"),
    ("mom", "mother"), ("dad", "father"), ("parent", "parent"), ("guardian", "guardian"), ("grdn", "guardian"), ("guard", "guardian"),
    ("hogosha", "guardian"), ("spouse", "spouse"), ("husband", "spouse"), ("wife", "spouse"), ("nok", "kin"), ("kin", "kin"), ("family", "family"),
    ("emergency", "emergency"), ("emerg", "emergency"), ("emg", "emergency"), ("contact", "contact"), ("home", "home"), ("guarantor", "guarantor"),
    ("hosho", "guarantor"), ("child", "child"), ("baby", "child"), ("kana", "kana"), ("kanji", "kanji"), ("roma", "roman"), ("first", "first"),
    ("last", "last"), ("given", "given"), ("middle", "middle"), ("maiden", "maiden"), ("full", "full"), ("fst", "first"), ("lst", "last"),
    ("birth", "birth"), ("brth", "birth"),
];
/// What it is.
#[rustfmt::skip]
const WHAT: &[(&str, &str)] = &[
    ("name", "name"), ("nm", "name"), ("nam", "name"), ("names", "name"), ("mei", "name"), ("shimei", "shimei"), ("simei", "shimei"),
    ("kana", "kana"), ("kanji", "kanji"), ("tel", "tel"), ("telno", "tel"), ("phone", "phone"), ("phn", "phone"), ("fax", "fax"),
    ("mobile", "mobile"), ("mob", "mobile"), ("mail", "mail"), ("email", "email"), ("eml", "email"), ("addr", "addr"), ("adr", "addr"),
    ("address", "address"), ("zip", "zip"), ("postal", "postal"), ("dob", "dob"), ("birth", "birth"), ("date", "date"), ("dt", "date"),
    ("day", "day"), ("year", "year"), ("month", "month"), ("id", "id"), ("no", "no"), ("num", "no"), ("nbr", "no"), ("cd", "code"), ("code", "code"),
    ("sex", "sex"), ("age", "age"), ("contact", "contact"), ("relation", "relation"), ("yr", "year"), ("mth", "month"), ("mon", "month"),
    ("dy", "day"),
];

/// A word of a list, spelled out.
fn of(list: &'static [(&str, &str)], word: &str) -> Option<&'static str> {
    list.iter().find(|(short, _)| *short == word).map(|(_, long)| *long)
}

/// A word as the words that it is made of: one whose and one what, or one of them alone spelled out.
fn spelled(word: &str) -> Vec<String> {
    let alone = || of(WHAT, word).or_else(|| of(WHOSE, word)).unwrap_or(word).to_owned();
    for (at, _) in word.char_indices().skip(2) {
        let (head, tail) = word.split_at(at);
        if let Some(whose) = of(WHOSE, head) {
            // Twice whose: patkananm, motherfirstname.
            let rest = spelled_tail(tail);
            if let Some(rest) = rest {
                return std::iter::once(whose.to_owned()).chain(rest).collect();
            }
        }
    }
    vec![alone()]
}

fn spelled_tail(tail: &str) -> Option<Vec<String>> {
    if let Some(what) = of(WHAT, tail) {
        return Some(vec![what.to_owned()]);
    }
    WHOSE.iter().find_map(|(short, whose)| {
        let rest = tail.strip_prefix(short).filter(|rest| !rest.is_empty())?;
        let rest = spelled_tail(rest)?;
        Some(std::iter::once((*whose).to_owned()).chain(rest).collect())
    })
}

/// How something is written, and whose it is.
const WRITTEN: &[&str] = &[
    "全角",
    "半角",
    "漢字",
    "カタカナ",
    "ひらがな",
    "ローマ字",
    "英字",
    "カナ",
    "かな",
    "患者",
    "本人",
    "受診者",
    "利用者",
];

/// Classes: numbers under such a name stand for something.
const CLASSES: &[&str] = &[
    "区分",
    "種別",
    "種類",
    "分類",
    "体系",
    "有無",
    "フラグ",
    "状態",
    "状況",
    "可否",
    "要否",
    "順位",
    "形式",
];
const EN_CLASSES: &[&str] =
    &["type", "kind", "class", "category", "flag", "status", "indicator", "group"];

/// Other properties of a thing.
const PROPERTIES: &[&str] = &[
    "件数", "回数", "日数", "人数", "名数", "点数", "金額", "割合", "率", "係数", "単位", "桁数",
    "版",
];
const EN_PROPERTIES: &[&str] = &[
    "count", "system", "unit", "format", "method", "present", "verified", "valid", "version",
    "level", "score", "ratio", "rate", "length", "weight",
];

/// What has an age that tells nothing of the birth of the person.
const EN_AGES_OF: &[&str] = &[
    "gestational",
    "gestation",
    "menstrual",
    "conceptional",
    "postmenstrual",
    "fetal",
    "foetal",
    "bone",
    "skeletal",
    "dental",
    "mental",
    "developmental",
    "vascular",
    "heart",
    "lung",
    "brain",
    "skin",
    "biological",
    "metabolic",
    "sample",
    "specimen",
    "device",
    "graft",
    "lesion",
    "donor",
    "message",
];

const EN_NUMBERS: &[&str] = &[
    "id",
    "no",
    "num",
    "number",
    "code",
    "cd",
    "key",
    "identifier",
    "bango",
    "bangou",
    "ids",
    "uid",
    "uuid",
];

struct Rule {
    meaning: Meaning,
    sure: Sure,
    /// Anywhere in the name.
    ja: &'static [&'static str],
    /// The name, or what is left of it without [`WRITTEN`].
    whole: &'static [&'static str],
    /// At the end of the name.
    ends: &'static [&'static str],
    /// Words in ASCII, anywhere.
    en: &'static [&'static str],
    /// The whole name in ASCII.
    en_whole: &'static [&'static str],
    /// At the end, in ASCII.
    en_ends: &'static [&'static str],
    /// Only where it ends in what numbers are called, or in the word itself.
    numbers: bool,
}

const NONE: Rule = Rule {
    meaning: Meaning::Text,
    sure: Sure::Yes,
    ja: &[],
    whole: &[],
    ends: &[],
    en: &[],
    en_whole: &[],
    en_ends: &[],
    numbers: false,
};

/// In this order: what identifies comes first.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule { meaning: Meaning::IdCode,
        ja: &["個人番号", "マイナンバー", "被保険者番号", "被保険者記号", "被保険者証等の", "被保険者証等記号", "被保険者証等番号", "被保険者証記号", "被保険者証番号", "被保険者枝番", "保険証番号", "保険証記号", "保険証の記号", "保険証の番号", "記号番号", "記号・番号",
            "受給者番号", "国保番号", "健康保険番号", "介護保険番号", "手帳番号", "保険証no", "証明者番号", "旅券", "パスポート", "運転免許", "免許証番号", "基礎年金番号", "年金番号", "住民票コード", "在留カード", "特別永住者", "資格確認書",
            "免許番号", "公費受給", "指紋", "掌紋", "声紋", "虹彩コード", "虹彩認証", "静脈認証", "顔認証", "顔写真", "顔画像", "塩基配列"],
        whole: &["記号", "枝番", "保険記号", "保険番号", "個番", "個人ナンバー", "マイナ", "マイナ番号", "公費番号", "免許証", "免許証no", "ゲノムデータ"],
        en: &["my number", "kojin bango", "kojin bangou", "insured", "insurance number", "insurance no", "insurance id", "hihokensha", "hokensho", "hoken kigo", "hoken kigou", "hoken no", "hoken bango", "kigo bango", "kigou bangou",
            "passport", "driver license", "driver licence", "drivers license", "drivers licence", "licence number", "license number", "pension number", "pension no", "resident code", "juminhyo",
            "ssn", "social security", "national id", "subscriber id", "nenkin",
            "nhi no", "nhi number", "nhi num", "nhi id", "nhs no", "nhs number", "medicare no", "medicare number", "health card", "insurance card", "kouhi no", "kohi no", "kouhi bango", "kohi bango", "menkyo", "licence no", "license no",
            "fingerprint", "finger print", "voiceprint", "iris scan", "iris code", "face photo", "face image", "facial photo", "facial image", "kaojashin", "kaoshashin", "shimon"],
        en_whole: &["kigo", "kigou", "edaban", "dna", "dna sequence", "genome sequence", "kojinbango"], ..NONE },
    Rule { meaning: Meaning::Financial,
        ja: &["クレジットカード", "カード番号", "カード名義", "口座", "暗証番号", "パスワード", "ログイン"],
        whole: &["カード", "銀行", "銀行名", "銀行支店", "支店名", "金融機関", "金融機関名", "振込先", "引落先"],
        en: &["card number", "card no", "credit card", "account", "iban", "password", "passwd", "pwd", "login", "pin code", "koza", "kouza", "bank name", "bank branch", "ginko", "ginkou"],
        en_whole: &["bank"], ..NONE },
    Rule { meaning: Meaning::Contact,
        ja: &["電話番号", "携帯電話", "携帯番号", "phs番号", "連絡先", "メールアドレス", "メアド", "メルアド", "ラインid", "ipアドレス", "snsアカウント", "snsのid"],
        whole: &["携帯", "メール", "eメール", "ファックス", "ファクス", "電話", "sns"],
        ends: &["電話"],
        en: &["phone", "telephone", "tel", "mobile", "fax", "email", "mail", "denwa", "keitai", "telecom", "renrakusaki", "emergency contact", "line id", "sns id", "twitter", "ip address", "ip addr"],
        en_whole: &["contact", "home contact", "kin contact", "patient contact", "sns"], ..NONE },
    Rule { meaning: Meaning::Name,
        ja: &["氏名", "患者名", "姓名", "フリガナ", "ふりがな", "旧姓", "カナ姓", "カナ名", "姓カナ", "患者カナ", "世帯主名", "保護者名", "配偶者名", "保証人名", "雇用者名", "勤務先名", "苗字", "名字", "通称名", "ファーストネーム", "ラストネーム", "ファミリーネーム", "母の名", "父の名", "母親の名", "父親の名", "夫の名", "妻の名", "配偶者の名", "保護者の名", "家族の名", "親の名", "母親名", "父親名", "世帯主の名", "シメイ", "しめい", "ナマエ", "なまえ"],
        whole: &["姓", "名", "氏", "名前", "セイ", "メイ", "カナ", "カタカナ", "世帯主", "保証人", "保護者", "キーパーソン", "後見人", "身元引受人", "身元保証人", "家族名", "母名", "父名", "親権者", "法定代理人", "の名", "の名前", "子の名", "夫名", "妻名", "子供の名", "子どもの名",
            "学校名", "会社名", "職場名", "事業所名", "通学先", "通学校", "在籍校", "在学校", "出身校", "就業先", "勤め先", "就職先", "保育園名", "幼稚園名", "園名"],
        en: &["patient name", "pt name", "full name", "first name", "last name", "family name", "given name", "middle name", "maiden name", "name kanji", "name kana", "kanji name", "myoji", "myouji",
            "kana name", "surname", "forename", "shimei", "simei", "namae", "furigana", "kanja mei", "kanja name", "person name", "contact name",
            "mother name", "father name", "parent name", "guardian name", "spouse name", "husband name", "wife name", "kin name", "emergency name", "guarantor name", "child name", "name first", "name last", "name middle",
            "name family", "name given", "patient kana", "patient kanji", "name roman", "roman name", "next of kin", "person responsible", "hogosha", "haigusha",
            "seimei", "onamae", "name of mother", "name of father", "name of guardian", "haha no namae", "chichi no namae", "school name", "company name", "employer", "employer name", "workplace", "gakkomei", "kaishamei", "kinmusaki"],
        en_whole: &["name", "kana", "kanji", "sei", "mei", "sei kana", "mei kana", "kana sei", "kana mei", "family", "given", "initials", "name alphabet", "maiden", "guardian", "nok", "key person", "keyperson", "guarantor"], ..NONE },
    // A relative, or whether there is one.
    Rule { meaning: Meaning::Name, sure: Sure::Maybe, whole: &["母", "父", "配偶者", "家族"],
        en_whole: &["mother", "father", "parent", "spouse", "husband", "wife", "kin", "caregiver", "carer", "first", "last", "middle", "alias", "informant", "householder"], ..NONE },
    // The name of a person, or of what was ordered.
    Rule { meaning: Meaning::Name, sure: Sure::Maybe, en: &["display name"], ..NONE },
    Rule { meaning: Meaning::Postal,
        ja: &["郵便番号", "郵便"],
        en: &["zip", "zipcode", "postal", "postcode", "yubin", "yuubin"], ..NONE },
    Rule { meaning: Meaning::Area, ja: &["住所コード", "住所地コード", "居住地コード", "住所区分"], en: &["address code"], ..NONE },
    Rule { meaning: Meaning::Address,
        ja: &["住所", "居所", "番地", "町名", "町域", "丁目", "方書", "建物名", "アパート名", "マンション名", "現住地", "本籍", "住まい"],
        whole: &["勤務先", "所在地", "送付先", "送り先", "届け先", "発送先", "配送先", "宛先", "住居", "居宅", "居住先", "転居先", "帰省先", "入所先"],
        en: &["address", "addr", "street", "jusho", "juusho", "jyusho", "jyusyo", "jusyo", "sofusaki", "soufusaki", "jukyo"], ..NONE },
    Rule { meaning: Meaning::Patient,
        ja: &["患者id", "患者番号", "患者no", "患者コード", "患者識別", "患者キー", "カルテ番号", "カルテid", "カルテno", "診療録番号", "診察券", "受診者番号", "受診者id", "データ識別番号", "個人id", "本人id",
            "利用者番号", "利用者id", "被験者番号", "被験者id", "症例番号", "症例id", "症例no", "診察番号", "患者登録番号", "患者ナンバー", "対象者id", "対象者番号", "社員番号", "従業員番号", "学籍番号", "会員番号", "患者管理番号", "管理患者番号", "院内id", "研究用id", "研究id", "登録患者番号"],
        whole: &["患者"],
        en: &["patient id", "patient no", "patient num", "patient number", "patient code", "patient key", "patient identifier", "pt id", "pt no", "pat id", "pat no", "pid", "person id", "person no", "person number",
            "subject id", "subject no", "mrn", "medical record number", "medical record no", "chart no", "chart number", "chart id", "karte no", "karte id", "karte bango", "karte bangou", "carte no", "kanja id", "kanjya id", "kanjya no", "kanjya bango", "kanja no",
            "kanja bango", "kanja bangou", "kanja code", "kanja cd", "member id", "client id", "case id", "case no", "hospital number", "hosp no", "hosp num", "hosp number", "hosp id", "sinsatuken", "shinsatsuken", "person source value"], ..NONE },
    Rule { meaning: Meaning::Patient, sure: Sure::Maybe, en_whole: &["id"], ..NONE },
    Rule { meaning: Meaning::Number,
        ja: &["入院番号", "入院id", "入院no", "入院符号", "受診番号", "受診id", "オーダ番号", "オーダー番号", "オーダid", "オーダーid", "オーダno", "オーダーno", "検体番号", "検体id", "検体no", "伝票番号",
            "伝票no", "処方箋番号", "処方番号", "予約番号", "予約id", "受付番号", "受付no", "依頼番号", "依頼no", "レセプト番号", "文書番号", "文書id", "会計番号", "請求番号", "紹介状番号"],
        en: &["encounter id", "visit id", "visit no", "admission id", "admission no", "admission number", "stay id", "stay no", "order id", "order no", "order number", "specimen id", "specimen no", "specimen number",
            "sample id", "accession", "prescription id", "prescription no", "prescription number", "claim id", "claim no", "claim number", "receipt no", "appointment id",
            "document id", "document no", "episode id", "nyuin bango", "nyuin bangou", "nyuin no", "kentai bango", "visit occurrence id"], ..NONE },
    Rule { meaning: Meaning::Staff, numbers: true,
        ja: &["医師", "主治医", "担当医", "執刀医", "麻酔医", "判読医", "読影医", "研修医", "看護婦", "術者", "看護師", "薬剤師", "技師", "職員", "担当者", "入力者", "指示者", "実施者", "記載者", "報告者", "依頼医", "紹介医", "操作者", "担当", "ユーザid", "ユーザーid", "ユーザ名", "ユーザー名", "ユーザコード", "ユーザーコード"],
        en: &["doctor", "dr id", "dr no", "dr cd", "dr code", "dr name", "physician", "surgeon", "nurse", "provider", "prescriber", "practitioner", "staff", "operator", "pharmacist", "attending", "performer", "ishi", "isi", "tantoi", "shujii", "employee", "user id", "user no", "user cd", "user code", "user name", "username", "userid", "riyosha id", "riyousha id"], ..NONE },
    Rule { meaning: Meaning::Facility, numbers: true,
        ja: &["施設", "医療機関", "病院", "薬局", "保険者", "紹介元", "紹介先"],
        en: &["facility", "hospital", "clinic id", "clinic code", "clinic name", "institution", "insurer", "payer", "care site", "site id", "byoin", "iryokikan", "shisetsu", "hokensha", "hokenja"], ..NONE },
    Rule { meaning: Meaning::Facility, sure: Sure::Maybe, numbers: true, ja: &["病棟"], en: &["ward", "clinic"], ..NONE },
    Rule { meaning: Meaning::BirthPart,
        en: &["birth yyyy", "birth yyyymm", "birth yymm", "dob yyyy", "dob yyyymm", "year born", "born year", "month born", "umaredoshi", "umare doshi", "umare nen", "umare tsuki", "tanjo nen", "tanjo tsuki", "dob y", "dob m", "dob d", "dob yr", "dob year", "dob month", "dob day", "birth y", "birth m", "birth d", "birth yr", "dob yy", "dob mm", "dob dd", "birth yy", "birth mm", "birth dd"], en_whole: &["seinen"], ..NONE },
    Rule { meaning: Meaning::Birth,
        ja: &["生年月日", "誕生日", "出生日", "生まれた日", "誕生年月日", "出生年月日"], whole: &["生日", "生月日", "出生月日", "誕生月日", "生れ", "生れ日", "生れ月日", "生まれ月日", "生まれ日", "ウマレ", "うまれ", "生まれ"],
        en: &["birth date", "date of birth", "birthday", "birth day", "dob", "birth dt", "birth datetime", "birth ymd", "day of birth", "seinengappi", "seinengapi", "seinengetubi", "seinengetsubi", "bdate", "b date", "tanjobi", "tanjoubi", "born on", "wareki birth", "birth wareki", "seireki birth", "birth seireki", "birth jp", "birth japanese", "birth yyyymmdd", "birth mmdd", "birth yymmdd", "dob yyyymmdd"],
        en_whole: &["birth", "patient birth", "born"], ..NONE },
    Rule { meaning: Meaning::BirthPart,
        ja: &["生年月", "出生年", "誕生年", "誕生月", "生誕年", "生まれた年", "生まれた月"], whole: &["西暦生年", "和暦生年", "生年西暦", "生れ年", "生れ月", "生年", "生月", "生まれ年", "生まれ月", "出生月"],
        en: &["year of birth", "birth year", "birth month", "month of birth", "yob", "birth ym"], ..NONE },
    Rule { meaning: Meaning::BirthPart, sure: Sure::Maybe, whole: &["元号", "和暦元号", "生年元号", "年号", "生年和暦"], en_whole: &["gengo", "gengou", "nengo", "nengou", "wareki", "era"], ..NONE },
    Rule { meaning: Meaning::Birth, sure: Sure::Maybe, ja: &["生年"], en: &["birth"], ..NONE },
    Rule { meaning: Meaning::Date,
        ends: &["年月日", "日付", "日時", "入院日", "退院日", "検査日", "採取日", "採血日", "処方日", "実施日", "開始日", "終了日", "診断日", "手術日", "来院日", "受診日", "投与日", "投薬日", "算定日", "死亡日",
            "転帰日", "予約日", "受付日", "依頼日", "報告日", "登録日", "更新日", "発症日", "初診日", "診療日", "接種日", "交付日", "調剤日", "測定日", "撮影日", "入棟日", "退棟日", "転棟日", "転院日", "紹介日",
            "指示日", "確認日", "記載日", "記録日", "注射日", "分娩日", "再診日", "オーダ日", "オーダー日"],
        en: &["date of death", "date of admission", "date of discharge", "date of visit", "date of surgery", "date of diagnosis", "nyuinbi", "nyuin bi", "taiinbi", "taiin bi", "kensabi", "kensa bi", "jisshibi",
            "start time", "end time", "admission time", "discharge time", "collection time"],
        en_ends: &["date", "datetime", "ymd", "timestamp", "dt"], ..NONE },
    Rule { meaning: Meaning::Text,
        ja: &["自由記載", "自由記述", "フリーテキスト", "フリーコメント", "自由文", "記載内容", "申し送り", "申送"],
        whole: &["経過", "記事", "現症", "摘要"],
        ends: &["備考", "備考欄", "コメント", "コメント欄", "所見", "所見文", "経過記録", "看護記録", "診療記録", "要約", "サマリ", "サマリー", "メモ", "主訴", "現病歴"],
        en: &["free text", "progress note", "clinical note", "nursing note", "note text", "notes text", "chief complaint", "present illness", "narrative", "free comment"],
        en_ends: &["comment", "comments", "remark", "remarks", "memo", "biko", "bikou", "complaint", "shoken", "syoken"], ..NONE },
    Rule { meaning: Meaning::Text, sure: Sure::Likely, whole: &["特記事項", "特記", "特記内容", "注意事項", "連絡事項", "伝達事項", "申送事項"], en_ends: &["note", "notes", "description", "findings", "impression"], ..NONE },
    Rule { meaning: Meaning::Text, sure: Sure::Maybe, ja: &["備考", "コメント", "所見", "特記事項", "既往歴"], en: &["note", "comment", "remark"], ..NONE },
    Rule { meaning: Meaning::Sex,
        ja: &["男女区分"], whole: &["男女", "男女別", "男女コード"], ends: &["性別", "性別コード"],
        en: &["sex", "gender", "seibetsu", "seibetu", "danjo"], ..NONE },
    Rule { meaning: Meaning::Age,
        whole: &["年齢", "年令", "日齢", "月齢", "週齢", "生後日数", "生後月数", "生後週数", "日令", "月令", "週令", "年代", "年齢層", "年齢階級", "年齢階層", "年齢区分", "年齢コード", "年齢群", "歳", "才", "歳数", "数え年", "満年令", "学年", "現在年齢", "現年齢", "今年齢", "実年齢", "歴年齢", "暦年齢"], ends: &["の年齢", "の年令", "時年令", "日年令", "時月令", "時日令", "時年齢", "時年齢階級", "時年齢区分", "時年代", "満年齢", "日年齢", "時日齢", "時月齢"],
        en: &["nenrei", "nendai", "patient age", "age group", "age band", "age class", "age range", "age category", "age years", "age in years", "age at", "age days", "age in days", "age months", "age in months", "age weeks", "age in weeks", "age yrs", "age mths", "days old", "weeks old", "months old", "years old", "day old", "week old", "month old", "year old", "days of age", "weeks of age", "months of age", "years of age", "age y", "age m", "age d", "age w", "age yr", "age mo", "age now", "school grade", "school year", "gakunen", "nenree", "kazoedoshi"],
        en_whole: &["age", "admission age"], en_ends: &["age", "ages"], ..NONE },
    Rule { meaning: Meaning::Area,
        whole: &["都道府県", "都道府県コード", "市区町村", "市区町村コード", "市町村", "市町村コード", "居住地", "住所地"],
        en: &["patient city", "patient prefecture", "todofuken", "shikuchoson"], en_whole: &["city", "prefecture", "municipality", "county", "city code", "prefecture code"], ..NONE },
    Rule { meaning: Meaning::Area, sure: Sure::Maybe, en: &["state"], ..NONE },
    Rule { meaning: Meaning::Diagnosis,
        ends: &["病名", "病名コード", "傷病コード", "診断名", "診断コード", "疾患", "疾患名", "疾患コード", "死因", "死因コード"],
        en: &["icd", "byomei", "byoumei", "cause of death"],
        en_whole: &["dx", "diag"],
        en_ends: &["diagnosis", "diagnosis code", "diagnosis name", "disease", "disease code", "disease name", "disease number"], ..NONE },
    Rule { meaning: Meaning::Diagnosis, sure: Sure::Maybe, ja: &["病名", "傷病", "icd"], en: &["diagnosis", "disease"], ..NONE },
    Rule { meaning: Meaning::Outcome, sure: Sure::Maybe, ja: &["転帰", "死亡"], en: &["outcome", "death"], ..NONE },
];

/// What a name suggests by itself.
#[must_use]
pub fn suggests(name: &str) -> Option<Suggestion> {
    let words = Words::of(name);
    let found = suggested(&words);
    match (found, words.spelled()) {
        (Some(found), _) if found.sure == Sure::Yes => Some(found),
        (found, Some(spelled)) => suggested(&spelled).or(found),
        (found, None) => found,
    }
}

fn suggested(words: &Words) -> Option<Suggestion> {
    let property = words.property();
    // Ids of a public vocabulary are nobody's numbers.
    let concept = words.has("concept");
    for rule in RULES {
        let hit = rule.ja.iter().any(|w| words.joined.contains(w))
            || rule.whole.iter().any(|w| words.joined == *w || words.bare == *w && !words.plain)
            || rule.ends.iter().any(|w| words.joined.ends_with(w))
            || rule.en.iter().any(|p| words.has(p))
            || rule.en_whole.iter().any(|p| words.is(p))
            || rule.en_ends.iter().any(|p| words.ends(p));
        if !hit {
            continue;
        }
        // The age of something else: of a bone, of a pregnancy.
        let of = words.ascii.len().checked_sub(2).and_then(|at| words.ascii.get(at));
        if rule.meaning == Meaning::Age
            && of.is_some_and(|of| words.plain && EN_AGES_OF.contains(&of.as_str()))
        {
            continue;
        }
        // The sex is a class by itself, and a class of areas is an area.
        // So are classes of ages.
        let class = matches!(rule.meaning, Meaning::Sex | Meaning::Area | Meaning::Age);
        if (property || concept) && !class {
            continue;
        }
        if rule.numbers && !words.numbered() {
            let itself = rule.ja.iter().any(|w| words.joined.ends_with(w))
                || rule.en.iter().any(|p| words.ends(p))
                || ["名", "name"].iter().any(|w| words.joined.ends_with(w));
            if !itself {
                continue;
            }
        }
        // A comment that is a code is chosen from a list.
        let coded = rule.meaning == Meaning::Text && words.joined.contains("コード");
        let sure = if coded { Sure::Maybe } else { rule.sure };
        return Some(Suggestion { meaning: rule.meaning, sure });
    }
    if words.numbered_at_all() && !property && !concept {
        return Some(Suggestion { meaning: Meaning::Number, sure: Sure::Maybe });
    }
    None
}

impl Words {
    /// A number of something, for a draft: `番号` or `_id`, but for those of vocabularies.
    fn numbered_at_all(&self) -> bool {
        ["番号", "番号等", "オーダ"].iter().any(|w| self.joined.ends_with(w)) || self.ends("id")
    }
}

/// What else numbers stand for.
const PLACES: &[&str] = &[
    "コード",
    "符号",
    "病棟",
    "病室",
    "病床",
    "診療科",
    "科",
    "階級",
    "階層",
    "段階",
    "群",
    "曜日",
    "パターン",
];
const EN_PLACES: &[&str] = &[
    "code",
    "cd",
    "kbn",
    "kubun",
    "ward",
    "room",
    "bed",
    "department",
    "dept",
    "clinic",
    "specialty",
    "byoto",
    "byoutou",
    "shinryoka",
    "weekday",
];
/// Counts of days.
const DAYS: &[&str] = &["日数", "期間", "泊数", "病日", "経過日", "在院", "入院日目"];
const EN_DAYS: &[&str] =
    &["days", "day", "los", "length of stay", "nights", "nissu", "nissuu", "duration"];

/// Whether a column of this name says at which hospital a row was made: not a hospital that referred the patient, nor an insurer.
#[must_use]
pub fn is_own_facility(name: &str) -> bool {
    let words = Words::of(name);
    let mut joined = words.joined.as_str();
    for tail in ["コード", "番号", "識別子", "id", "no", "cd", "名称", "名"] {
        joined = joined.strip_suffix(tail).unwrap_or(joined);
    }
    let own = ["施設", "医療施設", "医療機関", "保険医療機関", "病院", "自施設", "自院"];
    if own.contains(&joined) {
        return true;
    }
    let [what, rest @ ..] = words.ascii.as_slice() else { return false };
    let own = ["facility", "fac", "hospital", "institution", "shisetsu", "byoin", "iryokikan"];
    let numbered = |word: &String| word == "name" || EN_NUMBERS.contains(&word.as_str());
    words.plain && own.contains(&what.as_str()) && rest.len() <= 1 && rest.iter().all(numbered)
}

/// Whether a number under this name is none that was measured: a code, a class or a count of days, each value of which can tell a
/// person by itself (規則18条4号).
#[must_use]
pub fn tells_by_value(name: &str) -> bool {
    let words = Words::of(name);
    let ja = [CLASSES, PLACES, DAYS].concat();
    let en = [EN_CLASSES, EN_PLACES, EN_DAYS].concat();
    if ja.iter().any(|w| words.joined.ends_with(w)) || en.iter().any(|p| words.ends(p)) {
        return true;
    }
    use Meaning::{
        Age, Area, Birth, BirthPart, Date, Diagnosis, Facility, Outcome, Patient, Postal, Sex,
        Staff,
    };
    suggests(name).is_some_and(|s| {
        matches!(
            s.meaning,
            Age | Area
                | Birth
                | BirthPart
                | Date
                | Diagnosis
                | Facility
                | Outcome
                | Patient
                | Postal
                | Sex
                | Staff
        )
    })
}

/// What a name suggests among the names of its table: 番号 beside 記号 is the other half of the insured number, 名 beside 姓
/// the given name.
#[must_use]
pub fn suggests_among<'a>(
    name: &str,
    mut others: impl Iterator<Item = &'a str>,
) -> Option<Suggestion> {
    let words = Words::of(name);
    let half = matches!(words.bare.as_str(), "番号") || words.is("bango") || words.is("bangou");
    if half {
        let symbol = others.any(|other| {
            let other = Words::of(other);
            other.joined.ends_with("記号") || other.is("kigo") || other.is("kigou")
        });
        if symbol {
            return Some(Suggestion { meaning: Meaning::IdCode, sure: Sure::Yes });
        }
    }
    // The year of a birth whose month stands beside it.
    if matches!(words.joined.as_str(), "西暦" | "西暦年" | "元号年" | "和暦年") {
        let month = others.any(|other| {
            suggests(other) == Some(Suggestion { meaning: Meaning::BirthPart, sure: Sure::Yes })
                && !other.contains('年')
                && other.contains(['月', '日'])
        });
        if month {
            return Some(Suggestion { meaning: Meaning::BirthPart, sure: Sure::Yes });
        }
    }
    suggests(name)
}

/// What the place of a value in a FHIR resource suggests: `name.family`, `telecom.value`, `birthDate`.
#[must_use]
pub fn suggests_path(path: &str) -> Option<Suggestion> {
    let yes = |meaning| Some(Suggestion { meaning, sure: Sure::Yes });
    let parts: Vec<&str> = path.split(['.', '[', ']', '(', ')', '+', '|']).collect();
    let has = |part: &str| parts.contains(&part);
    let last = parts.iter().rev().find(|p| !p.is_empty()).copied().unwrap_or_default();
    if has("birthDate") {
        return yes(Meaning::Birth);
    }
    if has("telecom") && last == "value" {
        return yes(Meaning::Contact);
    }
    if has("name") && matches!(last, "family" | "given" | "text") {
        return yes(Meaning::Name);
    }
    if has("address") {
        return match last {
            "line" | "text" => yes(Meaning::Address),
            "postalCode" => yes(Meaning::Postal),
            "city" | "state" | "district" => yes(Meaning::Area),
            _ => None,
        };
    }
    if has("identifier") && last == "value" {
        return yes(Meaning::Number);
    }
    if has("note") && last == "text" {
        return yes(Meaning::Text);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::layout::{LayoutColumn, Pack, SHIPPED};
    use crate::schema::{Role, Type};

    fn sure(name: &str) -> Option<Meaning> {
        suggests(name).filter(|s| s.sure == Sure::Yes).map(|s| s.meaning)
    }

    #[test]
    fn names_in_three_languages() {
        #[rustfmt::skip]
        let all: &[(Meaning, &[&str])] = &[
            (Meaning::IdCode, &["個人番号", "被保険者証等の記号", "記号", "枝番", "保険証番号", "my_number", "KIGOU", "HIHOKENSHA_BANGO", "PassportNo", "運転免許証番号", "在留カード番号", "公費受給者番号"]),
            (Meaning::Financial, &["カード番号", "口座番号", "card_number", "creditCard", "login_password"]),
            (Meaning::Contact, &["emergency_contact", "emerg_contact", "tel2", "email2", "mobile", "patTel", "nok_phone", "pttelno",
                "電話番号", "自宅電話", "TEL", "tel1", "携帯電話", "e-mail", "メールアドレス", "緊急連絡先", "patient_phone", "FAX", "denwa_bango"]),
            (Meaning::Name, &["patnm", "ptname", "pt_nm", "kanaNm", "motherName", "PATKANANM", "fatherNm", "guardian", "guardian_nm", "nok_name", "emerg_nm", "保護者", "last_nm", "patFirstName", "KANJA_NM",
                "氏名", "姓", "名", "患者姓（漢字）", "カナ氏名", "SHIMEI", "KANA", "kana_shimei", "シメイ氏名", "last_name", "givenName", "患者名", "苗字", "世帯主", "配偶者名", "フリガナ", "name", "ｶﾅ氏名", "旧姓", "セイ"]),
            (Meaning::Postal, &["郵便番号", "zip", "postal_code", "ZipCode", "YUBIN_BANGO"]),
            (Meaning::Address, &["addr1", "patadr", "pt_adr", "home_addr2",
                "住所", "現住所", "JUSHO", "address1", "street_address", "番地", "建物名", "丁目", "方書"]),
            (Meaning::Patient, &["患者ID", "患者番号", "カルテNo", "patient_id", "PatientID", "PATIENTID", "ptid", "KANJA_ID", "KANJYA_ID", "pat_no", "患者管理番号", "院内ID", "karte_no", "MRN", "診察券番号", "データ識別番号", "chart_number", "症例番号"]),
            (Meaning::Number, &["入院番号", "オーダー番号", "検体ID", "encounter_id", "orderNo", "accession_number", "受付番号"]),
            (Meaning::Staff, &["医師コード", "主治医", "DR_CD", "DrCode", "dr_name", "判読医", "doctor_id", "attending_physician", "入力者ID"]),
            (Meaning::Facility, &["施設コード", "医療機関コード", "hospital_id", "病院名", "保険者番号", "facility"]),
            (Meaning::Birth, &["生年月日", "誕生日", "birth_date", "DOB", "date_of_birth", "birthDate", "SEINENGAPPI", "birth", "patient_dob", "生年月日(西暦)", "生まれ日", "BDATE", "SEINENGETUBI"]),
            (Meaning::BirthPart, &["dob_y", "birth_mm", "DOB_D",
                "生まれ年", "生まれ月", "生年", "year_of_birth", "生年月"]),
            (Meaning::Date, &["退院日", "退院年月日", "検査日時", "discharge_date", "admissionDate", "adm_dt", "NYUINBI", "死亡日"]),
            (Meaning::Text, &["備考", "自由記載", "主訴", "読影所見", "free_text", "comment", "BIKO", "看護記録", "コメント1"]),
            (Meaning::Sex, &["性別", "sex", "GENDER", "男女区分", "gender_concept_id"]),
            (Meaning::Age, &["days_old", "age_weeks", "AgeInMonths", "weeksOld", "日齢", "age_d", "ptage",
                "年代", "年齢階級", "年齢区分", "入院時年齢階級", "age_group", "年齢", "入院時年齢", "age", "age_at_admission"]),
            (Meaning::Diagnosis, &["病名", "傷病名コード", "主傷病コード", "ICD10", "icd10_code", "diagnosis", "主病名", "死因"]),
        ];
        for (meaning, names) in all {
            for name in *names {
                assert_eq!(sure(name), Some(*meaning), "{name}");
            }
        }
    }

    #[test]
    fn the_hospital_of_a_row() {
        for name in [
            "施設コード",
            "医療機関コード",
            "病院ID",
            "病院名",
            "保険医療機関番号",
            "facility",
            "FACILITY_ID",
            "hospital_code",
        ] {
            assert!(is_own_facility(name), "{name}");
        }
        for name in [
            "保険者番号",
            "紹介元施設",
            "施設区分",
            "care_site_id",
            "hospital_days",
            "薬局コード",
            "診療科",
        ] {
            assert!(!is_own_facility(name), "{name}");
        }
    }

    /// As an outside tester found them.
    #[test]
    fn names_with_courtesies_and_in_daily_words() {
        #[rustfmt::skip]
        let all: &[(Meaning, &[&str])] = &[
            (Meaning::IdCode, &["被保険者証等記号", "被保険者証番号", "個番", "公費番号", "免許証", "免許番号", "指紋", "DNA", "顔写真", "顔画像", "nhi_no", "NHS_number", "fingerprint", "face_photo"]),
            (Meaning::Financial, &["銀行", "銀行名", "支店名", "bank_name", "お振込先"]),
            (Meaning::Contact, &["SNS", "SNSアカウント", "メアド", "メルアド", "お電話", "お電話番号", "ご連絡先", "IPアドレス", "ip_address", "LINE_ID"]),
            (Meaning::Name, &["お名前", "ご氏名", "患者様名", "患者さん氏名", "seimei", "母の名", "父の名", "夫の名", "患者の名", "学校名", "会社名", "school_name", "employer"]),
            (Meaning::Address, &["送付先", "住居", "ご住所", "お届け先"]),
            (Meaning::Patient, &["患者", "患者さん番号", "患者さんID", "患者様番号", "hospno", "hosp_no", "HospNo"]),
            (Meaning::Staff, &["user_id", "UserID", "ユーザID", "username"]),
            (Meaning::Birth, &["生月日", "誕生月日", "wareki_birth", "ご生年月日", "birth_yyyymmdd"]),
            (Meaning::BirthPart, &["誕生年", "誕生月", "birth_yyyy", "dob_yyyy", "seinen", "西暦生年", "お生まれ年"]),
            (Meaning::Sex, &["男女", "男女別", "danjo"]),
            (Meaning::Age, &["歳", "お歳", "学年", "kotoshi_age", "診断時の年齢", "発症時年令", "current_age", "onset_age", "patient_current_age", "school_grade"]),
        ];
        for (meaning, names) in all {
            for name in *names {
                assert_eq!(sure(name), Some(*meaning), "{name}");
            }
        }
        let year = |others: &[&str]| {
            let found = suggests_among("西暦", others.iter().copied());
            found.filter(|s| s.sure == Sure::Yes).map(|s| s.meaning)
        };
        assert_eq!(year(&["患者ID", "生月"]), Some(Meaning::BirthPart));
        assert_eq!(year(&["患者ID", "生年月日"]), None);
        assert_eq!(year(&["患者ID", "月"]), None);
        let text = suggests("特記事項").unwrap();
        assert_eq!((text.meaning, text.sure), (Meaning::Text, Sure::Likely));
        for name in [
            "抗DNA抗体",
            "HBV_DNA",
            "指紋有無",
            "レセプト特記事項",
            "薬の名",
            "男女比",
            "お薬",
            "御中",
            "精神年齢",
            "血管年齢",
            "bone_age",
            "dosage",
            "average",
            "percentage",
            "hemorrhage",
            "drainage",
            "language",
            "coverage",
            "triage",
            "package",
            "vascular_age",
            "西暦",
            "支店",
            "自宅",
            "学校健診",
            "会社都合",
            "menarche",
            "虹彩",
        ] {
            assert_eq!(sure(name), None, "{name}");
        }
    }

    #[test]
    fn what_is_named_after_something_is_not_the_thing() {
        for name in [
            "患者区分",
            "診断区分コード",
            "医師区分",
            "連番",
            "診療科名",
            "検査項目名",
            "薬剤名",
            "病名コード体系",
            "主傷病",
            "在院日数",
            "曜日",
            "出生時体重",
            "birth_weight",
            "image",
            "usage",
            "stage",
            "update",
            "candidate",
            "drug_name",
            "body_site",
            "reaction_time",
            "自宅退院",
            "コメントコード",
            "骨年齢",
            "gestational_age",
            "patient_type",
            "薬品カナ",
            "傷病名区分",
            "併存傷病名数",
            "operator_concept_id",
            "電話再診",
            // Diabetic retinopathy; an answer of a check-up; who pays, not whom it is paid for.
            "DR",
            "既往歴",
            "公費負担者番号",
            "施設タイプ",
            "n",
            "x",
            "値",
            "value",
            "用量",
            "diagnosis_correct",
            "display_name",
            "低栄養（開始日）",
            "順序番号",
            "診断群分類番号",
            "レセプト内行番号",
            "item_id",
        ] {
            assert_eq!(sure(name), None, "{name}");
        }
    }

    #[test]
    fn what_was_measured_is_told_from_what_stands_for_something() {
        for name in [
            "病棟",
            "病棟コード",
            "在院日数",
            "投与日数",
            "入院区分",
            "転帰フラグ",
            "ward",
            "ward_no",
            "length_of_stay",
            "LOS",
            "days",
            "flg_type",
            "年齢",
            "生年",
            "診療科",
            "都道府県コード",
        ] {
            assert!(tells_by_value(name), "{name}");
        }
        for name in [
            "値",
            "検査値",
            "結果",
            "収縮期血圧",
            "脈拍",
            "点数",
            "金額",
            "用量",
            "体重",
            "出生時体重",
            "スコア",
            "nrs",
            "pulse",
            "systolic",
            "value",
            "weight",
            "score",
            "CRP",
            "レセプト内行番号",
            "回数",
        ] {
            assert!(!tells_by_value(name), "{name}");
        }
    }

    #[test]
    fn halves_are_known_by_the_other_half() {
        let among = |name, others: &[&str]| {
            suggests_among(name, others.iter().copied()).filter(|s| s.sure == Sure::Yes)
        };
        assert!(among("番号", &["患者ID", "記号"]).is_some_and(|s| s.meaning == Meaning::IdCode));
        assert!(among("BANGOU", &["KIGOU"]).is_some());
        assert!(among("番号", &["患者ID", "項目"]).is_none());
        assert_eq!(suggests_path("name.family").map(|s| s.meaning), Some(Meaning::Name));
        assert_eq!(suggests_path("code.coding.display"), None);
    }

    /// What the published layouts say of their columns is never milder than what the names say of them.
    #[test]
    fn names_and_layouts_agree() {
        let mut wrong = Vec::new();
        for shipped in SHIPPED {
            let pack: Pack = toml::from_str(shipped.text).unwrap();
            let rows = pack.when.iter().flat_map(|w| &w.list);
            for column in pack.columns.list.iter().chain(rows) {
                let name = column.alias.as_deref().unwrap_or(&column.name);
                let Some(meaning) = sure(name) else { continue };
                if !agree(meaning, column) {
                    wrong.push(format!(
                        "{} {name}: {meaning:?}, {}",
                        shipped.id,
                        column.role.word()
                    ));
                }
            }
        }
        assert!(wrong.is_empty(), "{wrong:#?}");
    }

    fn agree(meaning: Meaning, column: &LayoutColumn) -> bool {
        let name = column.alias.as_deref().unwrap_or(&column.name);
        match meaning {
            Meaning::IdCode
            | Meaning::Financial
            | Meaning::Name
            | Meaning::Address
            | Meaning::Contact
            | Meaning::Patient
            | Meaning::Number => {
                matches!(
                    column.role,
                    Role::Direct | Role::IdCode | Role::Financial | Role::Link | Role::ThirdParty
                )
            }
            // The number of a doctor in dentists' receipts is one of several within the receipt.
            Meaning::Staff | Meaning::Facility => {
                name == "医師番号"
                    || matches!(
                        column.role,
                        Role::ThirdParty | Role::Direct | Role::Quasi | Role::IdCode
                    )
            }
            Meaning::Text => {
                column.role == Role::Text || column.ty.is_date() || column.ty.is_number()
            }
            Meaning::Birth => {
                column.ty.is_date() && column.kind == Some(crate::schema::DateKind::Birth)
                    || column.ty == Type::Integer
            }
            Meaning::Date => column.ty.is_date(),
            Meaning::BirthPart | Meaning::Sex | Meaning::Age | Meaning::Postal | Meaning::Area => {
                name.ends_with("_source_concept_id")
                    || matches!(column.role, Role::Quasi | Role::Text)
            }
            Meaning::Diagnosis => matches!(column.role, Role::Sensitive | Role::Text),
            Meaning::Outcome => true,
        }
    }
}
