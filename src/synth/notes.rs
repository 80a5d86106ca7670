//! Notes as hospitals write them, with planted identifiers and their labels, and with much that only looks like one.
//!
//! For measuring detectors: same seed, same notes. Check digits are computed here from the published rules, not with the
//! detectors' code; family names are frequent ones and rare ones that were chosen without looking at the detector's list.

use rand_chacha::ChaCha12Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use super::pools::{DRUGS, GIVEN_FEMALE, GIVEN_MALE, LABS, SURNAMES};
use crate::detect::measure::{Label, Sample};
use crate::text::date::date_of;

/// Rare family names.
const RARE: &[&str] = &[
    "小鳥遊",
    "勅使河原",
    "五百旗頭",
    "一ノ瀬",
    "喜屋武",
    "我那覇",
    "比嘉",
    "御手洗",
    "四十万谷",
    "鬼頭",
    "越智",
    "東恩納",
    "仲村渠",
    "京極",
    "伊集院",
    "綾小路",
    "早乙女",
    "鴨志田",
    "蓮沼",
    "印南",
    "月見里",
    "四月一日",
    "薬師寺",
    "雲母",
    "檜垣",
    "猪俣",
    "碓氷",
    "楢崎",
    "鷲尾",
    "纐纈",
    "下釜",
    "土生",
    "樋渡",
    "眞榮田",
    "濵﨑",
    "﨑山",
    "邉見",
    "廣瀨",
    "櫻庭",
    "髙栁",
];
const MODERN: &[&str] = &[
    "陽葵",
    "結愛",
    "蓮",
    "湊",
    "大翔",
    "心結",
    "凛",
    "樹",
    "紬",
    "颯真",
    "悠真",
    "莉子",
    "さくら",
    "ひまり",
    "健太郎",
    "かおり",
];
/// Places with a town, of different prefectures.
const PLACES: &[&str] = &[
    "神奈川県横浜市西区みなとみらい",
    "東京都世田谷区三軒茶屋",
    "大阪府吹田市山田西",
    "北海道札幌市北区北十条西",
    "愛知県名古屋市中区栄",
    "福岡県福岡市博多区博多駅前",
    "沖縄県那覇市首里",
    "京都府京都市左京区吉田本町",
    "千葉県柏市柏の葉",
    "宮城県仙台市青葉区国分町",
    "長野県松本市旭",
    "広島県福山市東桜町",
    "静岡県浜松市中央区幸",
    "新潟県長岡市大手通",
    "埼玉県川越市新富町",
    "高知県吾川郡いの町枝川",
    "神奈川県足柄下郡箱根町湯本",
    "鹿児島県奄美市名瀬",
    "横浜市青葉区美しが丘",
    "川崎市宮前区鷺沼",
    "さいたま市大宮区桜木町",
    "堺市堺区南瓦町",
];
const BUILDINGS: &[&str] = &[
    "",
    "",
    "",
    "コーポ白樺203",
    "メゾン・ド・青葉101号室",
    "ハイツ山手2-B",
    "グリーンマンション1205号室",
];

/// Sentences with something planted: `{kind}` stands beside words that name it, `{kind?}` does not.
#[rustfmt::skip]
const PLANTED: &[&str] = &[
    "個人番号：{my_number}を確認した", "マイナンバー {my_number} の写しを受領", "番号カード裏面 {my_number?} 記載あり", "{my_number?} と記入あり",
    "基礎年金番号は{basic_pension}", "年金手帳（{basic_pension}）持参",
    "旅券番号 {passport}", "パスポート（{passport}）で本人確認", "身分証 {passport?} を提示",
    "運転免許証番号：{driver_licence}", "免許証 {driver_licence} で本人確認", "番号{driver_licence?}のコピーあり",
    "住民票コード {resident_code}", "コード{resident_code?}の記載あり",
    "在留カード {residence_card}", "在留カード番号は{residence_card}、期限に注意", "カード {residence_card?} 確認",
    "保険者番号{insurer}", "保険者番号: {insurer} に変更", "保険変更（{insurer_8?}）",
    "記号・番号 {insured_symbol}", "被保険者証の記号{insured_symbol}", "保険証 記号番号：{insured_symbol}",
    "後期高齢者医療 被保険者番号 {elderly_insured}", "後期高齢（{elderly_insured}）に切替",
    "介護保険 被保険者番号：{care_insured}", "介護保険証 {care_insured} 要介護2",
    "雇用保険 {employment_insured}", "雇用保険被保険者番号 {employment_insured}", "離職票 {employment_insured_h?}",
    "電話番号 {phone}", "TEL:{phone}", "緊急連絡先は長女 {phone}", "携帯 {phone} に架電、不在", "自宅（{phone}）へ連絡", "FAX {phone}", "家族より {phone_h?} に折り返し希望", "夜間は{phone_h?}まで", "{phone_bare?}に伝言", "{phone_dot?} に架電", "携帯 {phone_dot}",
    "連絡は {email?} へ", "メール：{email?}", "予約サイト {url?} を案内", "{url?} 参照",
    "クレジットカード {card} で支払い", "カード番号は{card}", "支払 {card_g?}", "決済 {card_b?} 済",
    "返金先 {bank}普通 {bank_account}", "口座番号は{bank_account}", "{bank}（普）{bank_account}", "還付は{bank}当座 口座番号 {bank_account}",
    "ポータル ID:{login} PW:{login}", "ログインID {login}、パスワード：{login}", "暗証番号は{login}", "アプリのパスワード {login} を再発行",
    "〒{postal_code} に転居", "郵便番号 {postal_code}", "書類送付先 {postal_code?} 神奈川県横浜市",
    "住所は{address?}", "{address?}に独居", "転居先：{address?}", "書類は {address?} 宛て",
    "{name?}様に病状説明", "{name?}さんより電話", "{surname?}様の希望", "{surname?}さん、歩行器で移動", "患者名：{name}", "氏名 {name_sp}", "主治医：{surname?}", "担当は{surname?}医師", "{surname?}先生に申し送り", "Dr.{surname?}に報告", "{surname?}看護師が対応", "看護師 {surname?} 記", "妻 {name?}氏が同席", "長男の{name?}さんに説明", "執刀医 {surname?}", "{kana?}様 本人確認", "カナ氏名：{kana_sp}", "{latin?} と刻印のある所持品", "Name: {latin?}", "{latin?}", "紹介元 {surname?}医院 {surname?}先生",
    "生年月日 {birth}", "生年月日:{birth} 男性", "{birth?}生まれ", "DOB {birth_w}", "（{birth?}生）",
    "患者番号 {hospital}", "ID:{hospital}", "診察券番号は{hospital}", "カルテ番号{hospital}と取り違えに注意", "患者ID {hospital} の検体",
];

/// Sentences with nothing that identifies.
#[rustfmt::skip]
const HARMLESS: &[&str] = &[
    "オーダ番号 {d12} 取消", "オーダー番号：{d12}", "検体番号 {d10} 溶血", "検体 {d11} 再検", "受付番号{d6}", "伝票 {d8} 差し替え", "処方番号 {d8}", "会計番号 {d12}", "ロット {d12} を使用", "ロット番号:{d10}", "JAN {jan} の製品", "バーコード{jan}", "GTIN {d14}",
    "HOTコード {d9}", "薬品コード {d9}", "{drug} 1錠 朝食後", "医薬品コード {drug}", "JLAC10 {lab}", "検査コード{lab} 追加", "{lab} 測定",
    "血圧 {bp}、脈拍 {n2}", "体温 36.{n1}度 SpO2 {n2}%", "WBC {n4} CRP {dec}", "AST {n2} ALT {n2} LDH {n3}", "Hb {dec} Plt {n2}.{n1}万", "尿量 {n4} mL/日", "点滴 {n3} mL/h", "Na {n3} K {dec} Cl {n3}", "eGFR {n2}.{n1}", "BNP {n4}.{n1}",
    "{date} 入院", "{date}の検査で増悪", "{date}〜{date} 抗菌薬", "{datetime} 到着", "手術日{date}", "次回予約 {date} 10:30", "初診 {date}", "{time}に巡視", "20{n2}-{n6} の文書を参照", "管理番号 {y}-{n6}", "文書番号 {y}-{n4}-{n2}", "承認番号 {y}-{n4}", "試験番号 jRCT{d10}", "UMIN{d9}", "PMID {d8}", "法人番号 {d13}", "施設コード {d10}", "医療機関コード {d7}", "事業所番号 {d10}",
    "橋本病の疑い", "川崎病の既往", "高安動脈炎で通院", "原田病", "菊池病と診断", "メニエール病", "パーキンソン病 Yahr {n1}", "アルツハイマー型認知症", "小林病院より転院", "福島県へ帰省予定", "山口県出身", "神奈川県横浜市在住", "東京都より紹介", "千葉市内の施設へ退院調整", "石川島の職場", "宮崎旅行中に発症", "青森から来院",
    "患者様の希望により変更", "ご家族様に説明", "奥様同席", "お子様の発熱", "娘さんに連絡", "皆様へ", "看護師さんに相談", "担当医師より説明", "主治医に報告済", "当直医コール", "麻酔科医立会い", "外科医師と協議", "内科先生コンサルト", "医師会より通知", "様子観察とする", "同様の所見", "多様な訴え", "異様な言動なし", "氏名・生年月日で本人確認", "リストバンドで氏名確認", "看護師長へ報告", "薬剤師による指導", "理学療法士と歩行訓練", "臨床検査技師", "放射線技師に連絡", "管理栄養士が介入", "生活相談員と面談", "病院長承認", "大学教授会", "PT-INR {dec}", "PT {n2}% APTT {n2}秒", "STEMI 疑い", "PTSD の既往",
    "術後 {n1} 日目", "右下葉 S{n1}-{n2} に陰影", "第{n1}-{n1}腰椎", "Stage {n1}", "T{n1}N{n1}M0", "K{n3}-{n1} 施行", "C{n2}.{n1}", "ICD-10 E{n2}.{n1}", "DPC 040080x199x0xx", "単位 10*4/uL", "RR {n2}/分", "GCS E4V5M6", "JCS I-{n1}", "NRS {n1}/10", "BMI {n2}.{n1}", "HbA1c {dec}%", "3-0 バイクリル", "4-0ナイロン {n2}針", "18G 針", "FiO2 0.{n1}", "{n3}-{n3} mg", "{n1}-{n1}-{n1} 分服", "1日{n1}回{n1}日分", "国道{n3}号で受傷", "{n1}階東病棟 {n3}号室", "病棟{n2}-{n2}", "区分2-3に該当", "市中肺炎 A-DROP {n1}点", "町内会の行事で転倒", "予約 {n2}:{n2}",
    "普通食 {n1}割摂取", "銀行員、{date} 初診", "口座の件は事務へ", "PW {n2} mm IVST {n2} mm", "バイパス術後", "パスを適用", "Body Weight {n2} kg", "Mean Arterial Pressure {n2}", "Glasgow Coma Scale {n2}", "Ver. {n1}.{n2}.{n4}",
    "CT Angio 予定", "MRI Brain 施行", "Na K Cl 再検", "Kocher Maneuver", "Hand Foot Syndrome", "Mini Mental State", "No Change", "IP {n3}.{n3}.{n2}.{n1}",
    "家族へ説明済み", "経過良好", "食事摂取不良、補液継続", "疼痛増悪のため鎮痛薬を追加", "明日退院予定", "生活指導を実施", "生検施行", "先生不在", "出生体重 {n4} g", "出生時 仮死なし", "アレルギーなし", "自宅退院", "携帯型心電図を装着", "電話再診", "保険適用外", "カードリーダー不調", "住所変更なし",
];

struct Writer {
    rng: ChaCha12Rng,
    sample: Sample,
}

impl Writer {
    fn below(&mut self, n: u64) -> u64 {
        self.rng.next_u64() % n.max(1)
    }
    fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len() as u64) as usize]
    }
    fn digits(&mut self, n: usize) -> String {
        (0..n)
            .map(|i| {
                char::from(b'0' + if i == 0 { 1 + self.below(9) } else { self.below(10) } as u8)
            })
            .collect()
    }
    /// Another spelling: full-width digits, other hyphens.
    fn spelled(&mut self, text: &str) -> String {
        let wide = self.below(6) == 0;
        let hyphen = match self.below(8) {
            0 => '－',
            1 => '−',
            2 => '‐',
            3 => 'ー',
            _ => '-',
        };
        text.chars()
            .map(|c| match c {
                '-' => hyphen,
                '!'..='~' if wide => char::from_u32(c as u32 + 0xFEE0).unwrap_or(c),
                _ => c,
            })
            .collect()
    }
    fn grouped(&mut self, digits: &str, lengths: &[usize]) -> String {
        let separator = if self.below(3) == 0 { " " } else { "-" };
        let mut at = 0;
        let parts: Vec<&str> = lengths
            .iter()
            .map(|n| {
                at += n;
                &digits[at - n..at]
            })
            .collect();
        parts.join(separator)
    }
    fn my_number(&mut self) -> String {
        let head = self.digits(11);
        let sum: u32 = head
            .bytes()
            .rev()
            .enumerate()
            .map(|(i, b)| {
                let n = i as u32 + 1;
                u32::from(b - b'0') * if n <= 6 { n + 1 } else { n - 5 }
            })
            .sum();
        let check = if sum % 11 <= 1 { 0 } else { 11 - sum % 11 };
        format!("{head}{check}")
    }
    fn licence(&mut self) -> String {
        let commission =
            self.pick(&["10", "20", "30", "43", "45", "48", "54", "62", "72", "90", "97"]);
        let head = format!("{commission}{:02}{}", self.below(100), self.digits(6));
        let sum: u32 = head
            .bytes()
            .zip([5, 4, 3, 2, 7, 6, 5, 4, 3, 2])
            .map(|(b, w)| u32::from(b - b'0') * w)
            .sum();
        let last = (11 - sum % 11) % 10;
        format!("{head}{last}{}", self.below(3))
    }
    fn resident(&mut self) -> String {
        let head = self.digits(10);
        let sum: u32 = head
            .bytes()
            .rev()
            .zip([2, 3, 4, 5, 6, 7, 2, 3, 4, 5])
            .map(|(b, w)| u32::from(b - b'0') * w)
            .sum();
        let check = if sum % 11 <= 1 { 0 } else { 11 - sum % 11 };
        format!("{head}{check}")
    }
    fn mod_10(head: &str) -> u32 {
        let sum: u32 = head
            .bytes()
            .rev()
            .enumerate()
            .map(|(i, b)| {
                let d = u32::from(b - b'0');
                if i % 2 == 1 {
                    d
                } else if d * 2 > 9 {
                    d * 2 - 9
                } else {
                    d * 2
                }
            })
            .sum();
        (10 - sum % 10) % 10
    }
    fn insurer(&mut self, eight: bool) -> String {
        let law = if eight { self.pick(&["01", "06", "31", "34", "39", "63"]) } else { "" };
        let head = format!("{law}{:02}{:03}", 1 + self.below(47), self.below(1000));
        let check = Self::mod_10(&head);
        format!("{head}{check}")
    }
    fn card(&mut self) -> (String, &'static [usize]) {
        let (head, lengths): (String, &'static [usize]) = match self.below(5) {
            0 => (format!("37{}", self.digits(12)), &[4, 6, 5]),
            1 => (format!("35{}{}", 28 + self.below(61), self.digits(11)), &[4, 4, 4, 4]),
            2 => (format!("5{}{}", 1 + self.below(5), self.digits(13)), &[4, 4, 4, 4]),
            _ => (format!("4{}", self.digits(14)), &[4, 4, 4, 4]),
        };
        let check = Self::mod_10(&head);
        (format!("{head}{check}"), lengths)
    }
    fn phone(&mut self, grouped: bool) -> String {
        let fixed = ["03", "06", "045", "052", "0467", "0263", "04992", "098", "011"];
        let area = self.pick(&fixed);
        let exchange = self.digits(6 - area.len());
        let (parts, mobile) = match self.below(8) {
            0..=3 => {
                (vec![format!("0{}0", 7 + self.below(3)), self.digits(4), self.digits(4)], true)
            }
            4 => (vec!["0120".to_owned(), self.digits(3), self.digits(3)], false),
            5 => (vec!["050".to_owned(), self.digits(4), self.digits(4)], true),
            _ => (vec![area.to_owned(), exchange, self.digits(4)], false),
        };
        match self.below(10) {
            0 if grouped && mobile => format!("+81-{}-{}-{}", &parts[0][1..], parts[1], parts[2]),
            1 if grouped => format!("({}){}-{}", parts[0], parts[1], parts[2]),
            2 | 3 if !grouped => parts.concat(),
            _ => parts.join("-"),
        }
    }
    fn surname(&mut self) -> (String, String) {
        if self.below(5) == 0 {
            return (self.pick(RARE).to_owned(), String::new());
        }
        let n = SURNAMES.len() as u64;
        let (kanji, kana) = SURNAMES[self.below(n) as usize];
        (kanji.to_owned(), kana.to_owned())
    }
    fn given(&mut self) -> (String, String) {
        if self.below(5) == 0 {
            return (self.pick(MODERN).to_owned(), String::new());
        }
        let pool = if self.below(2) == 0 { GIVEN_MALE } else { GIVEN_FEMALE };
        let (kanji, kana) = pool[self.below(pool.len() as u64) as usize];
        (kanji.to_owned(), kana.to_owned())
    }
    fn day(&mut self, from: i32, to: i32, form: u64) -> String {
        let days = from + self.below((to - from) as u64) as i32;
        let seeds =
            ["S30.1.2", "昭和30年1月2日", "1955-01-02", "1955/1/2", "1955年1月2日", "19550102"];
        let seed = seeds[(form % 6) as usize];
        crate::text::date::parse(seed)
            .and_then(|when| when.written_as(days))
            .or_else(|| date_of(days).map(|d| d.format("%Y-%m-%d").to_string()))
            .unwrap_or_default()
    }

    #[expect(clippy::too_many_lines, reason = "a table: a kind of value, how it is made up")]
    fn value(&mut self, kind: &str) -> (&'static str, String) {
        let die = self.below(4);
        match kind {
            "my_number" => {
                let number = self.my_number();
                ("my_number", if die == 0 { self.grouped(&number, &[4, 4, 4]) } else { number })
            }
            "basic_pension" => {
                let number = self.digits(10);
                (
                    "basic_pension",
                    if die == 0 {
                        number
                    } else {
                        self.grouped(&number, &[4, 6]).replace(' ', "-")
                    },
                )
            }
            "passport" => {
                let letters = self.pick(&["TK", "TR", "TZ", "TH", "MS", "MU"]);
                ("passport", format!("{letters}{}", self.digits(7)))
            }
            "driver_licence" => ("driver_licence", self.licence()),
            "resident_code" => ("resident_code", self.resident()),
            "residence_card" => {
                let letters = [self.pick(&["AB", "GH", "RE"]), self.pick(&["CD", "EA", "KZ"])];
                ("residence_card", format!("{}{}{}", letters[0], self.digits(8), letters[1]))
            }
            "insurer" => ("insurer", {
                let eight = die > 0;
                self.insurer(eight)
            }),
            "insurer_8" => ("insurer", self.insurer(true)),
            "insured_symbol" => {
                let (symbol, number) = (self.digits(2 + die as usize), self.digits(5));
                (
                    "insured_symbol",
                    match die {
                        0 => format!("{symbol}・{number}"),
                        1 => format!("{symbol}　番号{number}"),
                        2 => format!("{symbol}-{number}"),
                        _ => format!("{symbol}・{number}（枝番）0{}", self.below(4)),
                    },
                )
            }
            "elderly_insured" => ("elderly_insured", self.digits(8)),
            "care_insured" => ("care_insured", format!("000{}", self.digits(7))),
            "employment_insured" | "employment_insured_h" => {
                let number = self.digits(11);
                let bare = kind == "employment_insured" && die == 0;
                (
                    "employment_insured",
                    if bare {
                        number
                    } else {
                        format!("{}-{}-{}", &number[..4], &number[4..10], &number[10..])
                    },
                )
            }
            "phone" => ("phone", {
                let grouped = die > 0;
                self.phone(grouped)
            }),
            "phone_h" => ("phone", {
                loop {
                    let p = self.phone(true);
                    if p.contains('-') {
                        break p;
                    }
                }
            }),
            "phone_bare" => loop {
                let phone = self.phone(true);
                if !phone.starts_with('+') {
                    break ("phone", phone.replace(['-', '(', ')'], ""));
                }
            },
            "phone_dot" => ("phone", {
                let mark = self.pick(&[".", ".", "/", "・", "_"]);
                format!("0{}0{mark}{}{mark}{}", 7 + self.below(3), self.digits(4), self.digits(4))
            }),
            "bank_account" => ("bank_account", self.digits(7)),
            "login" => ("login", {
                let word = self.pick(&["hanako", "k.sato", "tanuki", "Sakura", "neko-2"]);
                match die {
                    0 => self.digits(4),
                    _ => format!("{word}{}", self.digits(3)),
                }
            }),
            "latin" => ("person_name", {
                let (family, given) = self.pick(&[
                    ("Sato", "Taro"),
                    ("Ohno", "Jun-ichi"),
                    ("Tsuchiya", "Kyoko"),
                    ("Itoh", "Shinji"),
                    ("Watanabe", "Hanako"),
                    ("Kobayashi", "Yuko"),
                    ("Hattori", "Ryota"),
                    ("Kudo", "Megumi"),
                ]);
                let (family, given) = match die {
                    0 => (family.to_owned(), given.to_owned()),
                    _ => (family.to_uppercase(), given.to_uppercase()),
                };
                match self.below(3) {
                    0 => format!("{given} {family}"),
                    1 => format!("{family}, {given}"),
                    _ => format!("{family} {given}"),
                }
            }),
            "email" => {
                let user = self.pick(&["taro.y", "hanako_s", "m-suzuki", "kenta1985", "info"]);
                let host = self.pick(&["example.co.jp", "mail.example.jp", "example.com"]);
                ("email", format!("{user}{}@{host}", self.below(100)))
            }
            "url" => {
                let host = self.pick(&[
                    "https://example.jp/",
                    "http://www.example.co.jp/",
                    "www.example.com/",
                ]);
                ("url", format!("{host}p?id={}", self.below(10_000)))
            }
            "card" | "card_g" | "card_b" => {
                let (number, lengths) = self.card();
                let bare = kind == "card_b" || kind == "card" && die == 0;
                ("card", if bare { number } else { self.grouped(&number, lengths) })
            }
            "postal_code" => (
                "postal_code",
                self.pick(&[
                    "220-0006", "154-0024", "565-0824", "060-0810", "460-0008", "812-0011",
                    "252-0141",
                ])
                .to_owned(),
            ),
            "address" => {
                let place = self.pick(PLACES);
                let building = self.pick(BUILDINGS);
                let (a, b, c) = (1 + self.below(8), 1 + self.below(30), 1 + self.below(20));
                let lot = match self.below(5) {
                    0 => format!("{a}丁目{b}番{c}号"),
                    1 => format!("{a}丁目{b}-{c}"),
                    2 => format!("{}番地", b * 37),
                    _ => format!("{a}-{b}-{c}"),
                };
                ("address", format!("{place}{lot}{building}"))
            }
            "name" | "name_sp" => {
                let (family, given) = (self.surname().0, self.given().0);
                let blank = match (kind, die) {
                    ("name_sp", 0) => " ",
                    ("name_sp", _) => "　",
                    (_, 0) => "　",
                    (_, 1) => " ",
                    _ => "",
                };
                ("person_name", format!("{family}{blank}{given}"))
            }
            "surname" => ("person_name", self.surname().0),
            "kana" | "kana_sp" => loop {
                let (family, given) = (self.surname().1, self.given().1);
                if !family.is_empty() && !given.is_empty() {
                    break (
                        "person_name",
                        format!("{family}{}{given}", if die == 0 { "　" } else { " " }),
                    );
                }
            },
            "birth" => ("birth_date", {
                let form = self.below(6);
                self.day(-12_000, 15_000, form)
            }),
            "birth_w" => ("birth_date", {
                let form = 2 + self.below(2);
                self.day(-12_000, 15_000, form)
            }),
            "hospital" => (
                "hospital_number",
                match die {
                    0 => format!("000{}", self.digits(7)),
                    1 => format!("P-{}", self.digits(6)),
                    _ => self.digits(8),
                },
            ),
            _ => ("", String::new()),
        }
    }

    /// Values of harmless sentences.
    fn harmless(&mut self, kind: &str) -> String {
        match kind {
            "jan" => format!("49{}", self.digits(11)),
            "drug" => {
                let n = DRUGS.len() as u64;
                DRUGS[self.below(n) as usize].yj.to_owned()
            }
            "lab" => {
                let n = LABS.len() as u64;
                LABS[self.below(n) as usize].code.to_owned()
            }
            "bp" => format!("{}/{}", 90 + self.below(90), 50 + self.below(50)),
            "dec" => format!("{}.{}", self.below(15), self.below(10)),
            "date" => {
                let form = self.below(6);
                self.day(18_500, 20_400, form)
            }
            "datetime" => {
                let day = self.day(18_500, 20_400, 2);
                format!("{day} {:02}:{:02}", self.below(24), self.below(60))
            }
            "time" => format!("{:02}:{:02}", self.below(24), self.below(60)),
            "y" => format!("{}", 2018 + self.below(8)),
            other => {
                let n = other.trim_start_matches(['d', 'n']).parse().unwrap_or(1);
                self.digits(n)
            }
        }
    }

    fn sentence(&mut self, template: &str, planted: bool) {
        let mut rest = template;
        while let Some((before, after)) = rest.split_once('{') {
            self.sample.text.push_str(before);
            let (kind, tail) = after.split_once('}').unwrap_or((after, ""));
            rest = tail;
            if planted && kind == "bank" {
                let bank = self.pick(&[
                    "みらい銀行 本町支店 ",
                    "はまなす信用金庫港支店",
                    "海山銀行本店営業部 ",
                ]);
                self.sample.text.push_str(bank);
            } else if planted {
                let named = !kind.ends_with('?');
                let (detector, value) = self.value(kind.trim_end_matches('?'));
                let value = self.spelled(&value);
                let start = self.sample.text.len();
                self.sample.text.push_str(&value);
                self.sample.labels.push(Label { detector, start, end: start + value.len(), named });
            } else {
                let value = self.harmless(kind);
                let value = self.spelled(&value);
                self.sample.text.push_str(&value);
            }
        }
        self.sample.text.push_str(rest);
    }
}

/// Notes of one to five sentences; about every second sentence has something planted. Same seed, same notes.
pub fn notes(seed: u64, count: u64) -> impl Iterator<Item = Sample> {
    (0..count).map(move |number| {
        let mut rng = ChaCha12Rng::seed_from_u64(seed);
        rng.set_stream(number);
        let mut writer = Writer { rng, sample: Sample::default() };
        for sentence in 0..1 + writer.below(5) {
            if sentence > 0 {
                let stop = writer.pick(&["。", "。", "、", "\n", "　"]);
                writer.sample.text.push_str(stop);
            }
            if writer.below(2) == 0 {
                let template = writer.pick(PLANTED);
                writer.sentence(template, true);
            } else {
                let template = writer.pick(HARMLESS);
                writer.sentence(template, false);
            }
        }
        writer.sample
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::detect::find;

    #[test]
    fn labels_name_detectors_and_lie_on_characters() {
        let mut seen = std::collections::BTreeSet::new();
        for sample in notes(7, 2_000) {
            for label in sample.labels {
                assert!(find(label.detector).is_some(), "{}", label.detector);
                assert!(sample.text.get(label.start..label.end).is_some_and(|t| !t.is_empty()));
                seen.insert(label.detector);
            }
        }
        assert_eq!(seen.len(), crate::detect::DETECTORS.len(), "a detector has nothing planted");
        let texts = |seed| notes(seed, 20).map(|s| s.text).collect::<Vec<_>>();
        assert!(texts(1) == texts(1) && texts(1) != texts(2));
    }
}
