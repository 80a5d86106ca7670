//! Legal items and profiles, as data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Tell;
use crate::schema::{Kind, Role};

/// The legal profile: which law's names and articles the two releases have. The items are the same; what differs
/// is their place in the law, who may receive what, and what must be published.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// 次世代医療基盤法: 匿名加工医療情報 (規則18条) and 仮名加工医療情報 (規則33条).
    #[default]
    Ngmia,
    /// 次世代医療基盤法31条: as `ngmia`, but the anonymized release may hold keys that a linking body gave back
    /// (連結可能匿名加工医療情報).
    NgmiaLinkable,
    /// 個人情報保護法, private hospitals: 匿名加工情報 (規則34条) and 仮名加工情報 (41条, 規則31条).
    Appi,
    /// 個人情報保護法, national and municipal hospitals (58条): 行政機関等匿名加工情報 (規則62条) and 仮名加工情報 (規則31条).
    AppiPublic,
}

impl Profile {
    /// The word in a policy.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Profile::Ngmia => "ngmia",
            Profile::NgmiaLinkable => "ngmia-linkable",
            Profile::Appi => "appi",
            Profile::AppiPublic => "appi-public",
        }
    }
    /// The legal term of a release.
    #[must_use]
    pub const fn term(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Profile::NgmiaLinkable, Kind::Anonymized) => "連結可能匿名加工医療情報",
            (Profile::Ngmia | Profile::NgmiaLinkable, kind) => kind.ja(),
            (_, Kind::Pseudonymized) => "仮名加工情報",
            (Profile::Appi, Kind::Anonymized) => "匿名加工情報",
            (Profile::AppiPublic, Kind::Anonymized) => "行政機関等匿名加工情報",
        }
    }
    /// How an item is cited.
    #[must_use]
    pub const fn cite(self, item: Item) -> &'static str {
        match (self, item) {
            (Profile::Ngmia | Profile::NgmiaLinkable, item) => item.cite(),
            (_, Item::P1) => "個人情報保護法施行規則31条1号",
            (_, Item::P2) => "個人情報保護法施行規則31条2号",
            (_, Item::P3) => "個人情報保護法施行規則31条3号",
            (Profile::Appi, Item::A1) => "個人情報保護法施行規則34条1号",
            (Profile::Appi, Item::A2) => "個人情報保護法施行規則34条2号",
            (Profile::Appi, Item::A3) => "個人情報保護法施行規則34条3号",
            (Profile::Appi, Item::A4) => "個人情報保護法施行規則34条4号",
            (Profile::Appi, Item::A5) => "個人情報保護法施行規則34条5号",
            (Profile::AppiPublic, Item::A1) => "個人情報保護法施行規則62条1号",
            (Profile::AppiPublic, Item::A2) => "個人情報保護法施行規則62条2号",
            (Profile::AppiPublic, Item::A3) => "個人情報保護法施行規則62条3号",
            (Profile::AppiPublic, Item::A4) => "個人情報保護法施行規則62条4号",
            (Profile::AppiPublic, Item::A5) => "個人情報保護法施行規則62条5号",
        }
    }
    /// What the profile asks beyond the processing, for the reader of a check: English and Japanese.
    #[must_use]
    pub const fn duties(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Profile::Ngmia => &[],
            Profile::NgmiaLinkable => &[(
                "recipients are those of art. 31 (rule 27, 28); have a view with what the other database shows: sex, age band, prefecture, month",
                "提供先は法31条（規則27・28条）の者に限る。相手のデータベースから見える項目（性別、年齢階級、都道府県、月）のビューを置く",
            )],
            Profile::Appi => &[
                (
                    "publish the items of the anonymized information when it is made and before it is provided (art. 43(3), 44)",
                    "匿名加工情報の項目を、作成後遅滞なく、また提供の前に公表する（43条3項、44条）",
                ),
                (
                    "the pseudonymized information must not be given to third parties (art. 41(6), 42(1)); publish its purpose (41(4))",
                    "仮名加工情報は第三者に提供できない（41条6項、42条1項）。利用目的を公表する（41条4項）",
                ),
            ],
            Profile::AppiPublic => &[
                (
                    "anonymized information of administrative organs is provided on proposals and contracts (art. 110 ff.); the rules of art. 43 do not apply to this hospital (art. 58)",
                    "行政機関等匿名加工情報は提案と契約によって提供する（108条以下）。43条は適用されない（58条）",
                ),
                (
                    "the pseudonymized information must not be given to third parties (art. 41(6), 42(1)); publish its purpose (41(4))",
                    "仮名加工情報は第三者に提供できない（41条6項、42条1項）。利用目的を公表する（41条4項）",
                ),
            ],
        }
    }
}
impl Tell for Profile {
    fn tell(&self) -> String {
        self.word().to_owned()
    }
    fn part(&self) -> crate::error::Said {
        crate::error::Tell::part(&self.word())
    }
}

/// An item of the standard of processing. `A`: 規則18条 (anonymized), `P`: 規則33条 (pseudonymized).
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
pub enum Item {
    /// 規則18条1号: descriptions by which a specific individual can be identified.
    A1,
    /// 規則18条2号: individual identification codes, all of them.
    A2,
    /// 規則18条3号: codes that link the medical information with what is made of it.
    A3,
    /// 規則18条4号: singular descriptions (特異な記述等).
    A4,
    /// 規則18条5号: measures that follow from the differences to other records and the nature of the database.
    A5,
    /// 規則33条1号: descriptions by which a specific individual can be identified.
    P1,
    /// 規則33条2号: individual identification codes, all of them.
    P2,
    /// 規則33条3号: descriptions that may cause financial damage when misused.
    P3,
}

impl Item {
    /// All items of a release kind.
    #[must_use]
    pub const fn of(kind: Kind) -> &'static [Item] {
        match kind {
            Kind::Pseudonymized => &[Item::P1, Item::P2, Item::P3],
            Kind::Anonymized => &[Item::A1, Item::A2, Item::A3, Item::A4, Item::A5],
        }
    }
    /// The key of the item in a policy's `not_applicable`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Item::A1 => "18-1",
            Item::A2 => "18-2",
            Item::A3 => "18-3",
            Item::A4 => "18-4",
            Item::A5 => "18-5",
            Item::P1 => "33-1",
            Item::P2 => "33-2",
            Item::P3 => "33-3",
        }
    }
    /// What the item asks for: Japanese, English.
    #[must_use]
    pub const fn title(self) -> (&'static str, &'static str) {
        match self {
            Item::A1 | Item::P1 => (
                "特定の個人を識別することができる記述等の全部又は一部の削除（置換を含む）",
                "delete or replace descriptions by which a specific individual can be identified",
            ),
            Item::A2 | Item::P2 => (
                "個人識別符号の全部の削除（置換を含む）",
                "delete or replace all individual identification codes",
            ),
            Item::A3 => (
                "医療情報と加工後の情報とを連結する符号の削除（連結できない符号への置換を含む）",
                "delete codes that link the medical information with what is made of it, or replace them by codes that cannot link",
            ),
            Item::A4 => {
                ("特異な記述等の削除（置換を含む）", "delete or replace singular descriptions")
            }
            Item::A5 => (
                "他の医療情報に含まれる記述等との差異その他のデータベース等の性質を勘案した適切な措置",
                "take the measures that follow from the differences to other records and the nature of the database",
            ),
            Item::P3 => (
                "不正利用により財産的被害が生じるおそれがある記述等の削除（置換を含む）",
                "delete or replace descriptions that may cause financial damage when misused",
            ),
        }
    }
    /// The roles of columns that the item concerns.
    #[must_use]
    pub const fn roles(self) -> &'static [Role] {
        match self {
            Item::A1 | Item::P1 => {
                &[Role::Direct, Role::Link, Role::Quasi, Role::ThirdParty, Role::Text]
            }
            Item::A2 | Item::P2 => &[Role::IdCode],
            Item::A3 => &[Role::Link],
            Item::A4 => &[Role::Quasi, Role::Sensitive, Role::Payload],
            Item::A5 => &[Role::Quasi, Role::Sensitive],
            Item::P3 => &[Role::Financial],
        }
    }
    /// The item as it is cited under the profile `ngmia`.
    #[must_use]
    pub const fn cite(self) -> &'static str {
        match self {
            Item::A1 => "施行規則18条1号",
            Item::A2 => "施行規則18条2号",
            Item::A3 => "施行規則18条3号",
            Item::A4 => "施行規則18条4号",
            Item::A5 => "施行規則18条5号",
            Item::P1 => "施行規則33条1号",
            Item::P2 => "施行規則33条2号",
            Item::P3 => "施行規則33条3号",
        }
    }
}
impl Tell for Item {
    fn tell(&self) -> String {
        self.cite().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_cites_every_item_once() {
        for profile in [Profile::Ngmia, Profile::NgmiaLinkable, Profile::Appi, Profile::AppiPublic]
        {
            let cited: std::collections::BTreeSet<&str> = Kind::BOTH
                .iter()
                .flat_map(|&k| Item::of(k))
                .map(|&item| profile.cite(item))
                .collect();
            assert_eq!(cited.len(), 8);
        }
        assert_eq!(Profile::AppiPublic.cite(Item::A5), "個人情報保護法施行規則62条5号");
        assert_eq!(Profile::Appi.term(Kind::Pseudonymized), "仮名加工情報");
    }
}
