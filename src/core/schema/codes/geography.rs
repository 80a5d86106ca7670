//! Prefectures (JIS X 0401) and the eight regions (八地方区分).

/// The 47 prefectures in the order of their codes (01 to 47).
#[rustfmt::skip]
const PREFECTURES: [&str; 47] = [
    "北海道", "青森県", "岩手県", "宮城県", "秋田県", "山形県", "福島県", "茨城県", "栃木県", "群馬県", "埼玉県", "千葉県",
    "東京都", "神奈川県", "新潟県", "富山県", "石川県", "福井県", "山梨県", "長野県", "岐阜県", "静岡県", "愛知県", "三重県",
    "滋賀県", "京都府", "大阪府", "兵庫県", "奈良県", "和歌山県", "鳥取県", "島根県", "岡山県", "広島県", "山口県", "徳島県",
    "香川県", "愛媛県", "高知県", "福岡県", "佐賀県", "長崎県", "熊本県", "大分県", "宮崎県", "鹿児島県", "沖縄県",
];

/// The regions with the last prefecture code of each; the codes run from north to south.
const REGIONS: [(u8, &str); 8] = [
    (1, "北海道"),
    (7, "東北"),
    (14, "関東"),
    (23, "中部"),
    (30, "近畿"),
    (35, "中国"),
    (39, "四国"),
    (47, "九州・沖縄"),
];

/// The number of a prefecture code of two digits (`01` to `47`).
pub(super) fn number(code: &str) -> Option<u8> {
    if !super::digits(code, &[2]) {
        return None;
    }
    code.parse().ok().filter(|n| (1..=47).contains(n))
}

/// The region of a prefecture code (`01` to `47`).
pub(super) fn region(code: &str) -> Option<&'static str> {
    let number = number(code)?;
    REGIONS.iter().find(|(last, _)| number <= *last).map(|(_, name)| *name)
}

/// The code of a prefecture's name, with or without 都, 府, 県.
pub(super) fn code_of_name(name: &str) -> Option<String> {
    let index = PREFECTURES.iter().position(|full| {
        *full == name || (*full != "北海道" && full.strip_suffix(['都', '府', '県']) == Some(name))
    })?;
    Some(format!("{:02}", index + 1))
}

/// Whether a text is the name of a region.
#[cfg(test)]
pub(super) fn is_region(name: &str) -> bool {
    REGIONS.iter().any(|(_, region)| *region == name)
}
