//! What every detector finds and leaves alone.

use super::*;

/// Names of the detectors with a strong or fair hit, and what they hit.
fn found(text: &str) -> Vec<(&'static str, &str)> {
    let mut all: Vec<(&'static str, &str)> = Scanner::new()
        .scan(text)
        .into_iter()
        .filter(|h| h.strength >= Strength::Fair)
        .map(|h| (DETECTORS[h.detector].doc().name, &text[h.start..h.end]))
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[track_caller]
fn is(text: &str, name: &str, span: &str) {
    let found = found(text);
    assert!(found.contains(&(name, span)), "{text}: {found:?}");
}

#[track_caller]
fn nothing(text: &str) {
    assert_eq!(found(text), [], "{text}");
}

#[test]
fn the_catalogue_is_documented_and_names_are_single() {
    let mut names: Vec<&str> = DETECTORS.iter().map(|d| d.doc().name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), DETECTORS.len());
    for d in DETECTORS {
        let doc = d.doc();
        assert!(
            !doc.summary.is_empty() && !doc.summary_ja.is_ascii() && !doc.ja.is_empty(),
            "{}",
            doc.name
        );
        assert!(doc.chance > 0.0 && doc.chance <= 0.5, "{}", doc.name);
    }
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    if let Ok(list) = std::fs::read_dir(folder) {
        let not = [
            "lib.rs",
            "Cargo.toml",
            "tests.rs",
            "view.rs",
            "keys.rs",
            "latin_name.rs",
            "column.rs",
            "lexicon.rs",
            "check_digit.rs",
            "everyone.rs",
            "measure.rs",
            "dates.rs",
            "genotypes.rs",
        ];
        let files = list
            .flatten()
            .filter(|e| !not.contains(&e.file_name().to_string_lossy().as_ref()))
            .count();
        assert_eq!(files, DETECTORS.len(), "a file of a detector is not in the catalogue");
    }
}

#[test]
fn numbers_of_the_state() {
    is("個人番号：９８３２−０５６７−３２１４", "my_number", "９８３２−０５６７−３２１４");
    is("マイナンバー 983205673214 確認", "my_number", "983205673214");
    is("983205673214を控えた", "my_number", "983205673214");
    is("基礎年金番号1234-567890", "basic_pension", "1234-567890");
    is("旅券番号 ＴＫ１２３４５６７", "passport", "ＴＫ１２３４５６７");
    is("Passport No. AB1234567", "passport", "AB1234567");
    is("免許証番号は309012345620", "driver_licence", "309012345620");
    is("在留カード AB12345678CD", "residence_card", "AB12345678CD");
    is("住民票コード 12345678903", "resident_code", "12345678903");
    is("雇用保険 1234-567890-1", "employment_insured", "1234-567890-1");
}

#[test]
fn numbers_of_insurance() {
    is("保険者番号:33120015", "insurer", "33120015");
    is("保険者番号 138057", "insurer", "138057");
    is("記号 12 番号 3456789", "insured_symbol", "12 番号 3456789");
    is(
        "記号・番号：１２３４・５６７８９０１(枝番)00",
        "insured_symbol",
        "１２３４・５６７８９０１(枝番)00",
    );
    is("介護保険 被保険者番号 0001234567", "care_insured", "0001234567");
    is("後期高齢者医療 12345678", "elderly_insured", "12345678");
    is("受給者番号 1234567", "insured_symbol", "1234567");
}

#[test]
fn telephones() {
    for text in [
        "045-123-4567",
        "03-1234-5678",
        "0467-12-3456",
        "04992-1-2345",
        "090-1234-5678",
        "０７０ー１２３４ー５６７８",
        "050-1234-5678",
        "0120-123-456",
        "0800-123-4567",
        "+81-90-1234-5678",
        "(03)1234-5678",
        "045(123)4567",
    ] {
        let hits = found(text);
        assert!(hits.iter().any(|h| h.0 == "phone"), "{text}: {hits:?}");
    }
    is("電話 09012345678", "phone", "09012345678");
    is("TEL0312345678", "phone", "0312345678");
    is("妻携帯：090 1234 5678", "phone", "090 1234 5678");
    for text in [
        "090.1234.5678",
        "０９０．１２３４．５６７８",
        "03.1234.5678",
        "045・123・4567",
        "090/1234/5678",
        "090_1234_5678",
        "(090)1234.5678",
        "+81.90.1234.5678",
        "0120.123.456",
        "090 - 1234 - 5678",
        "090  1234  5678",
        "03  1234  5678",
        "0081-90-1234-5678",
        "0081 3 1234 5678",
        "010-81-90-1234-5678",
        "81-90-1234-5678",
    ] {
        let hits = found(text);
        assert!(hits.iter().any(|h| h.0 == "phone"), "{text}: {hits:?}");
    }
    for text in [
        "2024-04-01",
        "120/80",
        "03-12-2024",
        "12-34-56",
        "1234-5678",
        "10:30-12:45",
        "090",
        "0.0312345678",
        "03.12345678",
        "03.12.2024",
        "03/12/2024",
        "192.168.10.25",
        "1.2.392.0120.123.456",
        "Ver.090.12.34",
        "3B035000002327201",
        "0081-123-4567",
        "81-12-3456-7890",
        "00812024123456",
    ] {
        nothing(text);
    }
}

#[test]
fn addresses_on_the_net_and_cards() {
    is(
        "連絡はｔａｒｏ．ｙ＠ｅｘａｍｐｌｅ．ｃｏ．ｊｐまで",
        "email",
        "ｔａｒｏ．ｙ＠ｅｘａｍｐｌｅ．ｃｏ．ｊｐ",
    );
    is("https://example.jp/a?b=1 参照", "url", "https://example.jp/a?b=1");
    is("www.example.com", "url", "www.example.com");
    is("IP：192.168.10.25 から", "url", "192.168.10.25");
    is("接続元 203.0.113.9:8080", "url", "203.0.113.9");
    is("LINE ID: taro123", "url", "taro123");
    is("ＬＩＮＥのＩＤは hanako_y です", "url", "hanako_y");
    is("Twitter：@taro", "url", "taro");
    for text in [
        "192.168.10.25",
        "1.2.3.4",
        "IP 1.2.3",
        "IP:300.1.2.3",
        "ip 1.2.840.10008.1.2",
        "CV LINE: right",
        "A line ID 22G",
        "discord: mild",
        "SNS: none",
        "TIP: 10.0.0.1",
    ] {
        nothing(text);
    }
    for (text, name) in [
        ("4532  0151  1283  0366", "card"),
        ("4532 - 0151 - 1283 - 0366", "card"),
        ("9832  0567  3214", "my_number"),
        ("taro @ example.jp", "email"),
        ("taro@ example.co.jp", "email"),
        ("taro(at)example.jp", "email"),
        ("taro [at] example.com", "email"),
    ] {
        let hits = found(text);
        assert!(hits.iter().any(|h| h.0 == name), "{text}: {hits:?}");
    }
    nothing("10 mg @ St.Marianna");
    nothing("5 L @ 0.5.x");
    nothing("10  20  30  40");
    is("カード 4111 1111 1111 1111", "card", "4111 1111 1111 1111");
    is("クレジットカード番号378282246310005", "card", "378282246310005");
    nothing("4111 1111 1111 1112");
    nothing("a@b");
    nothing("20240401123000");
}

#[test]
fn places() {
    is("〒220-0006", "postal_code", "220-0006");
    is("郵便番号２２０－０００６", "postal_code", "２２０－０００６");
    is(
        "住所は神奈川県横浜市西区宮崎町12-3コーポ山田201号室です",
        "address",
        "神奈川県横浜市西区宮崎町12-3コーポ山田201号室",
    );
    is(
        "横浜市西区みなとみらい２丁目３番４号に居住",
        "address",
        "横浜市西区みなとみらい２丁目３番４号",
    );
    nothing("神奈川県横浜市在住");
    nothing("術後区分2-3に該当");
    nothing("東京都より紹介、3回目の入院");
}

#[test]
fn names_beside_titles() {
    is("山本和花様の家族より", "person_name", "山本和花");
    is("本日、佐藤さんが来院", "person_name", "佐藤");
    is("主治医：髙橋", "person_name", "髙橋");
    is("Dr.田中に相談", "person_name", "田中");
    is("鈴木看護師が説明", "person_name", "鈴木");
    is("氏名　檜垣　太郎", "person_name", "檜垣　太郎");
    is("ﾔﾏﾓﾄ ｶｽﾞﾊ様", "person_name", "ﾔﾏﾓﾄ ｶｽﾞﾊ");
    is("林先生", "person_name", "林");
    is("山本 和花", "person_name", "山本 和花");
    for text in [
        "患者様に説明",
        "奥様同席",
        "橋本病の疑い",
        "川崎病",
        "様子観察",
        "同様の所見",
        "担当医師より",
        "お子様",
        "看護師さんへ",
        "模様",
        "山口",
        "内科先生",
        "外科医師",
        "家族さん",
        "皆様",
    ] {
        nothing(text);
    }
}

#[test]
fn names_in_latin_letters() {
    is("SATO TARO", "person_name", "SATO TARO");
    is("担当 Hanako Yamada です", "person_name", "Hanako Yamada");
    is("ＳＡＴＯＨ，ＴＡＲＯ", "person_name", "ＳＡＴＯＨ，ＴＡＲＯ");
    is("Jun-ichi Ōno", "person_name", "Jun-ichi Ōno");
    is("S. Takahashi", "person_name", "S. Takahashi");
    is("紹介 S.TAKAHASHI 先生", "person_name", "S.TAKAHASHI");
    is("Takahashi, S.", "person_name", "Takahashi, S.");
    for text in [
        "S. aureus",
        "E. Coli",
        "V. Cava",
        "A. Carotis",
        "M. Soleus",
        "N. Vagus",
        "C. Difficile",
        "i.v. Dormicum",
        "S. Typhi",
        "B. Cereus",
        "Fig. A. Mri",
        "M. Kansasii",
        "Vit. K. Warfarin",
        "H. Pylori",
        "T. Gondii",
        "Grade A. Normal",
    ] {
        nothing(text);
    }
    for text in [
        "Body Weight",
        "BODY MASS INDEX",
        "CT MRI",
        "sato taro",
        "SATO",
        "Vitamin A",
        "SATO1 TARO2",
        "Mean Arterial Pressure",
        "ACUTE MYOCARDIAL INFARCTION",
        "You CAN",
        "ISO/ITU",
    ] {
        nothing(text);
    }
}

#[test]
fn accounts_and_logins() {
    is("みらい銀行　本町支店　普通　１２３４５６７", "bank_account", "１２３４５６７");
    is("ＩＤ：taro　ＰＷ：abc123", "login", "abc123");
    is("ID:taro PW:abc123", "login", "taro");
    nothing("PW:10mm");
    nothing("銀行へ行く");
}

#[test]
fn births() {
    is("生年月日 S30.1.2", "birth_date", "S30.1.2");
    is("昭和30年1月2日生まれ", "birth_date", "昭和30年1月2日");
    is("DOB: 1955-01-02 男性", "birth_date", "1955-01-02");
    is("１９５５／１／２生", "birth_date", "１９５５／１／２");
    nothing("2024年4月1日入院");
    nothing("生化学 2024-04-01");
}

#[test]
fn hospital_numbers() {
    is("患者番号 0001234567", "hospital_number", "0001234567");
    is("診察券番号：POP-000004", "hospital_number", "POP-000004");
    is("ID:12345678", "hospital_number", "12345678");
    let mut keys = Keys::default();
    keys.add("0001234567");
    let scanner = Scanner::new().with_keys(&keys);
    let hits = scanner.scan("前回の１２３４５６７を参照");
    assert!(hits.iter().any(|h| DETECTORS[h.detector].doc().name == "hospital_number"), "{hits:?}");
    assert!(scanner.scan("前回の1234568を参照").iter().all(|h| h.strength < Strength::Fair));
}

#[test]
fn what_names_another_thing_is_left_alone() {
    for text in [
        "オーダ番号 983205673214",
        "検体番号:983205673214",
        "JAN 4987123456789",
        "ロット 983205673214",
        "薬品コード 620004422",
        "法人番号 1234567890123",
    ] {
        nothing(text);
    }
}

#[test]
fn a_columns_name_is_context() {
    let strong = |column: &str, text: &str| {
        Scanner::of_column(column)
            .scan(text)
            .iter()
            .filter(|h| h.strength == Strength::Strong)
            .map(|h| DETECTORS[h.detector].doc().name)
            .collect::<Vec<_>>()
    };
    assert_eq!(strong("電話番号", "0312345678"), ["phone"]);
    assert_eq!(strong("個人番号", "983205673214"), ["my_number"]);
    assert_eq!(strong("口座番号", "1234567"), ["bank_account"]);
    assert_eq!(strong("パスワード", "qwerty"), ["login"]);
    assert!(strong("オーダ番号", "983205673214").is_empty());
    assert!(strong("candida", "983205673214").is_empty());
}

proptest::proptest! {
    #[test]
    fn scanning_never_panics(text in "\\PC{0,40}") {
        let _ = Scanner::of_column(&text).scan(&text);
    }
    #[test]
    fn scanning_what_looks_right_never_panics(text in "[0-9０-９A-Z@. ()+ー年月日生様氏名番号記号・〒市区町県都-]{0,40}") {
        for hit in Scanner::new().scan(&text) {
            proptest::prop_assert!(text.get(hit.start..hit.end).is_some());
        }
    }
}
