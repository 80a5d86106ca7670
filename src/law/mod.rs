//! Legal items and profiles, as data.

use serde::Serialize;

use crate::error::Tell;
use crate::schema::{Kind, Role};

/// An item of the standard of processing. `A`: 規則18条 (anonymized), `P`: 規則33条 (pseudonymized).
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
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
