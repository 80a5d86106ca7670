//! What a column is: its role, its type, its special values.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::{Name, Tell};

mod by_kind;
pub mod codes;
mod column_at;
pub mod file;
pub mod layout;
pub mod names;

pub use by_kind::ByKind;
pub use column_at::ColumnAt;

/// Which of the two releases.
#[derive(
    Clone,
    Copy,
    Debug,
    Eq,
    Hash,
    Ord,
    PartialEq,
    PartialOrd,
    Serialize,
    Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// 仮名加工医療情報 (規則33条).
    Pseudonymized,
    /// 匿名加工医療情報 (規則18条).
    Anonymized,
}

impl Kind {
    /// Both, in the order in which everything is done.
    pub const BOTH: [Kind; 2] = [Kind::Pseudonymized, Kind::Anonymized];
    /// The word used in policies, folders and records.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Kind::Pseudonymized => "pseudonymized",
            Kind::Anonymized => "anonymized",
        }
    }
    /// The legal term.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Kind::Pseudonymized => "仮名加工医療情報",
            Kind::Anonymized => "匿名加工医療情報",
        }
    }
}
impl Tell for Kind {
    fn tell(&self) -> String {
        self.word().to_owned()
    }
    fn part(&self) -> crate::error::Said {
        crate::error::Tell::part(&self.word())
    }
}

/// What a column means for identification.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Identifies by itself: name, address, telephone, card number printed on a letter (識別記述等).
    Direct,
    /// 個人識別符号: insured number, 個人番号, passport, ... (施行令1条).
    IdCode,
    /// Could cause financial damage if misused: payment card, login, password (規則33条3号).
    Financial,
    /// A linking code: patient number, stay number, order number (連結する符号).
    Link,
    /// A quasi-identifier (準識別子): birth date, sex, postal code, dates of stays, facility.
    Quasi,
    /// A sensitive attribute (機微属性) whose value must not become certain: diagnosis, outcome.
    Sensitive,
    /// Identifies another person or a body: physician, facility, insurer.
    ThirdParty,
    /// Free text.
    Text,
    /// Analytic content: laboratory value, dose, flag.
    Payload,
}

impl Role {
    /// Whether values of such columns must stand nowhere in a release (規則18条1号 to 3号, 33条1号 to 3号).
    #[must_use]
    pub const fn must_vanish(self) -> bool {
        matches!(self, Role::Direct | Role::IdCode | Role::Financial | Role::Link)
    }
    /// The word in a policy.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Role::Direct => "direct",
            Role::IdCode => "id_code",
            Role::Financial => "financial",
            Role::Link => "link",
            Role::Quasi => "quasi",
            Role::Sensitive => "sensitive",
            Role::ThirdParty => "third_party",
            Role::Text => "text",
            Role::Payload => "payload",
        }
    }
    /// The Japanese term.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Role::Direct => "直接識別子",
            Role::IdCode => "個人識別符号",
            Role::Financial => "財産的被害が生じるおそれのある記述等",
            Role::Link => "連結する符号",
            Role::Quasi => "準識別子",
            Role::Sensitive => "機微属性",
            Role::ThirdParty => "第三者の識別子",
            Role::Text => "自由記載",
            Role::Payload => "分析項目",
        }
    }
}
impl Tell for Role {
    fn tell(&self) -> String {
        self.word().to_owned()
    }
    fn part(&self) -> crate::error::Said {
        crate::error::Tell::part(&self.word())
    }
}

/// How the text of a cell is read. A cell that cannot be read so is an error (or its row is set aside).
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// Any text.
    #[default]
    String,
    /// A code of a code system; leading zeros matter.
    Code,
    /// A whole number; full-width digits are read.
    Integer,
    /// A decimal number; full-width digits are read.
    Decimal,
    /// A number that may carry an operator and a class: `>1000(+)`, `<0.5`, `3+`.
    Measured,
    /// A full calendar date, western or 和暦, with or without separators.
    Date,
    /// A date of which the day, or the month and day, may be unknown (`20240400`, `2024-04`).
    PartialDate,
    /// A date with a time of day.
    Datetime,
    /// True or false in the usual spellings.
    Boolean,
}

impl Type {
    /// The word in a policy.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Type::String => "string",
            Type::Code => "code",
            Type::Integer => "integer",
            Type::Decimal => "decimal",
            Type::Measured => "measured",
            Type::Date => "date",
            Type::PartialDate => "partial_date",
            Type::Datetime => "datetime",
            Type::Boolean => "boolean",
        }
    }
    /// Whether cells of this type are dates.
    #[must_use]
    pub const fn is_date(self) -> bool {
        matches!(self, Type::Date | Type::PartialDate | Type::Datetime)
    }
    /// Whether cells of this type are numbers.
    #[must_use]
    pub const fn is_number(self) -> bool {
        matches!(self, Type::Integer | Type::Decimal | Type::Measured)
    }
}
impl Tell for Type {
    fn tell(&self) -> String {
        self.word().to_owned()
    }
    fn part(&self) -> crate::error::Said {
        crate::error::Tell::part(&self.word())
    }
}

/// What a date is the date of.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DateKind {
    /// A birth date: generalized, never shifted.
    Birth,
    /// Admission, examination, prescription, ...
    Event,
    /// Death.
    Death,
    /// An administrative date.
    Admin,
}

/// What a technique must know about the column that it treats.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
pub struct ColumnFacts {
    /// The table's name in the policy.
    pub table: Name,
    /// The column's name in the policy.
    pub column: Name,
    /// Its role.
    pub role: Role,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Type,
    /// What kind of date it is, if it is one.
    pub date: Option<DateKind>,
    /// The code system, if it has one (a name of `schema::codes`, or of a hierarchy of the policy).
    pub code: Option<Name>,
    /// Values with a meaning of their own: they pass through every technique untouched (except those that
    /// remove a column or replace every cell) and are categories of their own in every check.
    pub specials: Vec<String>,
}

impl ColumnFacts {
    /// Whether a text is one of the special values.
    #[must_use]
    pub fn is_special(&self, text: &str) -> bool {
        self.specials.iter().any(|s| s == text)
    }
}
