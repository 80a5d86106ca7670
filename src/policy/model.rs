//! The policy as typed data, after `extends` is resolved. No spans here: a value's place is found by its path
//! (`tables.patients.columns.氏名.pseudonymized`) in the tree that it was read from.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use crate::law::Profile;
pub use crate::schema::file::{
    Defect, Encoding, Formula, Holds, InputFormat, LineEnds, Output, OutputFormat, Quotes,
    ReleaseForm, Unencodable,
};
use crate::schema::{DateKind, Kind, Role, Type};
use crate::technique::Treatment;

pub use crate::promise::links::VisibleIn;
pub use crate::promise::sets::ItemSet;
pub use crate::promise::unique::UniqueWith;
pub use crate::promise::views::{ModelSpec, RiskLimits, Sensitive, ViewPolicy};

/// A whole policy.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// A policy file (relative to this one), or a shipped policy (`kakou:dpc-hub`), whose content this one changes.
    /// Tables are merged key by key; other values replace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extends: Option<String>,
    /// Tables of the extended policy that there are no files for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub without: Vec<String>,
    /// Files of the input folder that nobody reads and that may be there: globs relative to it (`*.xlsx`, `old/**`). Any other file that
    /// no table reads stops the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// The zone in which days are counted, `Asia/Tokyo` (the default), `UTC` or `+09:00`: moments that say another zone (`Z`, `+0000`,
    /// timestamps of Parquet with a zone) are written in it. Times that say none are local and stay as they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The releases that are made: both unless one is named. What the policy says of the other is not looked at.
    #[serde(default = "both", skip_serializing_if = "is_both")]
    pub releases: Vec<Kind>,
    /// What this policy is.
    pub policy: Head,
    /// The unit that k counts.
    pub person: Person,
    /// The input tables.
    pub tables: IndexMap<String, TablePolicy>,
    /// Hierarchy tables by name (CSV: value;level1;level2;...), for `generalize` on columns whose `code` names them.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub hierarchies: IndexMap<String, Hierarchy>,
    /// Treatments that depend on what else is released; judged in order before anything else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditional: Vec<Conditional>,
    /// How files are written, for both releases.
    #[serde(default)]
    pub output: Output,
    /// Settings of the pseudonymized release.
    #[serde(default)]
    pub pseudonymized: Pseudonymized,
    /// Settings of the anonymized release.
    #[serde(default)]
    pub anonymized: Anonymized,
    /// Who may be in a release at all: the file of notifications and stops (`--eligibility`).
    #[serde(default, skip_serializing_if = "Eligibility::is_default")]
    pub eligibility: Eligibility,
    /// Legal items that no column answers because there is nothing to answer: item (`18-2`, `33-3`) to reason.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub not_applicable: BTreeMap<String, String>,
    /// Findings of detectors that are no identifiers of a person, with the reason. They stand in the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waive: Vec<Waive>,
}

fn both() -> Vec<Kind> {
    Kind::BOTH.to_vec()
}

fn is_both(kinds: &[Kind]) -> bool {
    Kind::BOTH.iter().all(|kind| kinds.contains(kind))
}

impl Policy {
    /// Whether a release is made.
    #[must_use]
    pub fn makes(&self, kind: Kind) -> bool {
        self.releases.contains(&kind)
    }
}

/// Who may be in a release at all (法52条, 56条, 57条): judged from the eligibility file, apart for both releases.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Eligibility {
    /// Whether a run without an eligibility file is refused.
    pub required: bool,
    /// Days that must lie between a person's notification and the run (`--as-of`).
    pub notice_days: u16,
}

impl Eligibility {
    /// Whether nothing was said.
    #[must_use]
    pub fn is_default(&self) -> bool {
        *self == Eligibility::default()
    }
}

impl Default for Eligibility {
    fn default() -> Self {
        Eligibility { required: false, notice_days: 30 }
    }
}

/// A detector's finding in a column that does not stop the release.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Waive {
    /// The detector's name (`phone`).
    pub detector: String,
    /// `table.column`.
    pub column: String,
    /// Why what it finds is nobody's identifier.
    pub reason: String,
}

/// Identity of the policy.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// A short name: letters, digits, `-`, `_`.
    pub id: String,
    /// The version, as the house counts them.
    pub version: String,
    /// The legal profile.
    pub profile: Profile,
    /// A title for reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Whether releases and keys of this project are deleted by two persons: one asks, another one does it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deletion_by_two: bool,
}

/// The unit that k counts.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name of the key (in the tables' `keys`) that identifies a person.
    pub key: String,
    /// How identifiers are normalized before they are compared.
    #[serde(default)]
    pub normalize: Normalize,
    /// Who is the same person (名寄せ): local numbers that agree on a link identity. Without it the key alone says so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub same: Vec<Same>,
}

/// A rule that ties local numbers of one person.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Same {
    /// The table whose rows tie a local number to the fields.
    pub table: String,
    /// All fields must agree. A row in which one is blank, a filler (all nines, all zeros) or unreadable ties nobody.
    pub fields: Vec<LinkField>,
    /// No person has more local numbers than this; more stops the run.
    #[serde(default = "twenty")]
    pub at_most: usize,
}

fn twenty() -> usize {
    20
}

/// A field of a link identity.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LinkField {
    /// The column.
    pub column: String,
    /// How it is made equal.
    #[serde(rename = "as")]
    pub part: LinkPart,
}

/// How a field of a link identity is made equal before it is compared.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LinkPart {
    /// A full date.
    Date,
    /// A name in kana: width, blanks, small letters and long vowels do not matter.
    Kana,
    /// Sex: 1/男/M, 2/女/F.
    Sex,
    /// A number or code: width, blanks and hyphens do not matter.
    Id,
}

/// How identifiers are normalized: width (NFKC), case, spaces, hyphens; zeros only if asked. Words for missing (NULL, N/A, 不明) and for
/// totals (合計) are never identifiers, and `1234.0` is 1234.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Normalize {
    /// Remove leading zeros of all-digit identifiers. Off: `0012` and `12` are two persons.
    pub drop_leading_zeros: bool,
    /// Pad all-digit identifiers with zeros to this many characters.
    pub pad_to: Option<u8>,
    /// Whether `aB3x` and `Ab3X` are two persons. By default where a table is FHIR or OMOP, whose identifiers are exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_case: Option<bool>,
    /// Whether `3-14` and `314`, and `3 14` and `314`, are two persons. By default where a table is FHIR or OMOP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_hyphens: Option<bool>,
    /// What identifiers of nines or zeros alone are.
    pub fillers: Fillers,
}

/// What identifiers of nines or zeros alone (three or more digits) are.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fillers {
    /// Nines are judged by the column: `999` is a number where 998 or 1000 are there too and it does not stand out, else a filler. Zeros
    /// are fillers.
    #[default]
    Column,
    /// Fillers, whatever the column.
    Always,
    /// Numbers like any other.
    Never,
}

impl Normalize {
    /// The rules of text.
    #[must_use]
    pub fn rules(&self) -> crate::text::identifier::Rules {
        use crate::text::identifier::Nines;
        crate::text::identifier::Rules {
            drop_leading_zeros: self.drop_leading_zeros,
            pad_to: self.pad_to,
            keep_case: self.keep_case.unwrap_or(false),
            keep_hyphens: self.keep_hyphens.unwrap_or(false),
            nines: match self.fillers {
                Fillers::Column => Nines::Judged,
                Fillers::Always => Nines::Filler,
                Fillers::Never => Nines::Number,
            },
            zeros: self.fillers == Fillers::Never,
        }
    }
}

/// One input table.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TablePolicy {
    /// What one row is: `person`, the name of a key (`stay`) whose value is one row's own, or `event`.
    pub grain: String,
    /// Where the files are.
    pub source: Source,
    /// Key name to column(s) of this table. Every table needs the person's key.
    pub keys: IndexMap<String, KeyColumns>,
    /// A published layout with its edition (`dpc/ef-inpatient@2026`): it gives the columns, how files are read, types and
    /// roles; the policy then only chooses treatments. Own packs stand in the folder `layouts` beside the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// What becomes of the layout's columns and row kinds that the policy does not name. Without it, all must be named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlisted: Option<Unlisted>,
    /// Treatments of the layout's columns that the policy does not name, by their role in the layout.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_role: BTreeMap<Role, Both>,
    /// Rows whose meaning depends on a column (a long layout): each `when` becomes a table of its own, `<table>_<value>`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub when: Vec<When>,
    /// Which rows of which long table these are; made from `when`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<Part>,
    /// The parts of a long table as one long file again; without it each `when` is a file of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long: Option<Long>,
    /// What the columns of the released files are called where the layout has a label for them.
    #[serde(default)]
    pub names: Names,
    /// The names of the files of a release in the form of its source; without it the table is one file that bears its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FileNames>,
    /// What must hold in every row; a file in which most rows fail has another layout and always stops the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<RowCheck>,
    /// Rows with these defects are set aside and counted instead of stopping the run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_aside: Vec<Defect>,
    /// Columns that tell apart the rows of one person or one stay, where the grain alone does not (親様式1 and 子様式1 of a stay). Without
    /// them a person or a stay has one row.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeats_by: Vec<String>,
    /// The columns, all of them, in the order of the output.
    pub columns: IndexMap<String, ColumnPolicy>,
}

/// One column or several that together make a key.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(untagged)]
pub enum KeyColumns {
    /// One column.
    One(String),
    /// Several, in order (a patient number that is unique within a facility only).
    Several(Vec<String>),
    /// Several columns of which each keeps its own treatment (an admission date), and a new column for the key's token.
    Token(TokenKey),
}

/// A key with a column of its own for the token.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct TokenKey {
    /// The columns that make the key, in order.
    pub columns: Vec<String>,
    /// The name of the new column; it is not in the file, its role is `link`.
    pub token: String,
    /// The column of the file in which the token stands where the anonymized release has the form of its source (`output.form`) and
    /// leaves that column out. Without it, and in the pseudonymized release, such files have no token of this key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stands_in: Option<String>,
}

impl KeyColumns {
    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[String] {
        match self {
            KeyColumns::One(column) => std::slice::from_ref(column),
            KeyColumns::Several(columns) => columns,
            KeyColumns::Token(key) => &key.columns,
        }
    }
    /// The name of the column made for the token, if there is one.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        match self {
            KeyColumns::Token(key) => Some(&key.token),
            _ => None,
        }
    }
    /// The column in which that token may stand.
    #[must_use]
    pub fn stands_in(&self) -> Option<&str> {
        match self {
            KeyColumns::Token(key) => key.stands_in.as_deref(),
            _ => None,
        }
    }
}

/// What becomes of columns and row kinds that a policy does not name.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unlisted {
    /// Left out of both releases.
    Drop,
}

/// The treatments for both releases.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Both {
    /// For the pseudonymized release.
    pub pseudonymized: Treatment,
    /// For the anonymized release.
    pub anonymized: Treatment,
}

/// Some rows of a long table.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Column to the value, or the values, that these rows have.
    #[serde(rename = "match")]
    pub matching: IndexMap<String, Values>,
    /// The name of the table of these rows; by default `<table>_<value>` in small letters.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What one of these rows is, if not as in the whole table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grain: Option<String>,
    /// The columns that mean something else here.
    #[serde(default)]
    pub columns: IndexMap<String, ColumnPolicy>,
}

/// One value or several.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Values {
    /// One value.
    One(String),
    /// Several values.
    Several(Vec<String>),
}

impl Values {
    /// The values.
    #[must_use]
    pub fn list(&self) -> &[String] {
        match self {
            Values::One(value) => std::slice::from_ref(value),
            Values::Several(values) => values,
        }
    }
}

/// Which rows of which long table a table is.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The long table.
    pub of: String,
    /// Column to values.
    #[serde(rename = "match")]
    pub matching: IndexMap<String, Vec<String>>,
}

/// Names of files, with columns of the release in braces (`EFn_{施設コード}_{実施年月日:yymm}.txt`): rows with other values there stand in
/// other files, so a name says nothing that its rows do not say. A column shows a token, or is a date of which `yyyy`, `yyyymm` or
/// `yymm` is taken.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FileNames {
    /// In the pseudonymized release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonymized: Option<String>,
    /// In the anonymized release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymized: Option<String>,
}

/// In which releases a long table is one long file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Long {
    /// In the pseudonymized release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonymized: Option<LongFile>,
    /// In the anonymized release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymized: Option<LongFile>,
}

/// One long file.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LongFile {
    /// What the file looks like.
    #[serde(default)]
    pub form: Form,
    /// How the rows of a person stand; by default as in the source in the pseudonymized release, by content in the anonymized one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<Order>,
    /// Why the order of the source may be told in the anonymized release (規則18条5号).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a long file looks like.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// As every other file of the release (`[output]`): a header and the released columns; cells that a row does not have are empty.
    #[default]
    Table,
    /// The layout's own form, for programs that read it: its separator, encoding and header or none, lines that end in CR LF, all of its
    /// columns, and those that are left out are empty. The file ends in `.txt`.
    Layout,
}

/// How the rows of a person stand in a long file. Persons are always in the order of the release's tokens.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// As in the source: by file name, then by row, over all row kinds.
    Source,
    /// By stay, by the policy's order of `when`, then by content: tells nothing of the source.
    Content,
}

/// What the columns of released files are called.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Names {
    /// By the layout's label (`alias`) of the column in these rows, such as 生年月日, where it has one and no other column of the table
    /// is called so. One long file has the columns of the layout in any case.
    #[default]
    Label,
    /// As in the file that was read: `ペイロード1`.
    Column,
}

/// What must hold in every row.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct RowCheck {
    /// Two columns of dates: the first is not after the second (where both are full dates).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<[String; 2]>,
    /// A column of dates, and the last day that it may show (`20270331`): a row of a later edition stops the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<[String; 2]>,
}

/// A treatment that depends on what else is released.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Conditional {
    /// `table.column`: the rule applies to a release in which this column's treatment is not `drop`.
    pub released: String,
    /// `table.column` to the treatments that it has then.
    pub then: IndexMap<String, Then>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Treatments of a conditional rule.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Then {
    /// For the pseudonymized release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonymized: Option<Treatment>,
    /// For the anonymized release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymized: Option<Treatment>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_false(value: &bool) -> bool {
    !*value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
const fn is_zero(value: &u32) -> bool {
    *value == 0
}

impl Source {
    /// Where the folder of `per_folder` stands in the path of a file, counted from its end (0 is the file itself, or the
    /// folder of an SS-MIX2 storage). None if the pattern does not tell.
    #[must_use]
    pub fn folder_place(&self) -> Option<usize> {
        let parts: Vec<&str> = self.path.split('/').collect();
        let at = parts.iter().position(|p| p.contains(['*', '?', '[']))?;
        let place = parts.len() - 1 - at;
        let told = !parts[at..].contains(&"**");
        (told && (place > 0 || self.is_tree())).then_some(place)
    }
    /// The format that the policy says, or that the names of the files tell; none if neither does.
    #[must_use]
    pub fn form(&self) -> Option<InputFormat> {
        self.format.or_else(|| InputFormat::of_name(&self.path))
    }
    /// The field separator of its text, as the policy says or as is usual for the ending of its files.
    #[must_use]
    pub fn separator(&self) -> u8 {
        let said = self.delimiter.as_deref().and_then(|d| d.bytes().next());
        said.unwrap_or_else(|| {
            let name = self.path.to_lowercase();
            let packed = crate::schema::file::PACKED;
            let packed = packed.iter().find_map(|p| name.strip_suffix(&format!(".{p}")));
            let ending = packed.unwrap_or(&name).rsplit_once('.').map_or("", |(_, ending)| ending);
            if matches!(ending, "tsv" | "txt") { b'\t' } else { b',' }
        })
    }
    /// Whether it is a folder with all that is in it.
    #[must_use]
    pub fn is_tree(&self) -> bool {
        self.format.is_some_and(|format| format.facts().holds == Holds::Tree)
    }
}

/// Where the files of a table are and how they are read.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// File name or glob, relative to the input folder.
    pub path: String,
    /// Numbers are unique within a folder only (a folder a hospital, files without a facility column): the folder that the
    /// first wildcard of `path` stands for (`*/labs.csv`) is the first part of every key of the table.
    #[serde(default, skip_serializing_if = "is_false")]
    pub per_folder: bool,
    /// Text encoding.
    #[serde(default)]
    pub encoding: Encoding,
    /// Format; by default from the file's ending.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<InputFormat>,
    /// Field separator: one character; by default `,` (`\t` for .tsv and .txt).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delimiter: Option<String>,
    /// Whether the first line names the columns. Without it the columns are those of the policy, in its order.
    #[serde(default = "yes")]
    pub header: bool,
    /// Whether `PERSON_ID` in a header is the column `person_id`.
    #[serde(default)]
    pub ignore_case: bool,
    /// Lines above the header that are no part of the table (titles, `sep=,`), or rows of a sheet.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub skip_lines: u32,
    /// Whether a name that stands twice in the header is numbered: the second `a` is the column `a_2`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub number_repeats: bool,
    /// Whether cells may be quoted behind a blank: `1, "a"`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub quotes_after_blanks: bool,
    /// Whether folders of `path` name columns: `year=2025/*.parquet` has the column `year`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub partitions: bool,
    /// Which sheet of a workbook; not needed where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sheet: Option<String>,
    /// Whether quoted cells may contain line breaks.
    #[serde(default)]
    pub multiline: bool,
    /// Whether blanks around a cell are padding and removed.
    #[serde(default)]
    pub trim: bool,
    /// Which records of a source with several kinds of them: a UKE record (`SI`, `dpc/BU`, `chozai/CZ`), an SS-MIX2 table
    /// (`person`, `laboratory`, ...), a FHIR resource type or a repeated element of one (`Patient`, `Observation/component`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub record: Option<String>,
    /// Kinds of records that are left unread: UKE record types, SS-MIX2 data types (`OMG-01`) and other entries of the tree, FHIR
    /// elements (`text`, `**.display`) and resource types. A kind that is neither known nor named here is refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<String>,
    /// How lines end, for a release in the form of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line_ends: Option<LineEnds>,
    /// Which cells are quoted, for a release in the form of the source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quotes: Option<Quotes>,
    /// How the file writes dates, for a release in the form of the source: dates that a treatment shortened are written so too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dates: Option<Dates>,
}

impl Source {
    /// A file with a header in UTF-8, or whatever its ending says.
    #[must_use]
    pub fn file(path: String) -> Self {
        Source {
            path,
            per_folder: false,
            encoding: Encoding::default(),
            format: None,
            delimiter: None,
            header: true,
            ignore_case: false,
            skip_lines: 0,
            number_repeats: false,
            quotes_after_blanks: false,
            partitions: false,
            sheet: None,
            multiline: false,
            trim: false,
            record: None,
            ignore: Vec::new(),
            line_ends: None,
            quotes: None,
            dates: None,
        }
    }
}

/// How a file writes dates.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dates {
    /// Eight digits, zeros for what is not known: 20260405, 20260400.
    EightDigits,
}

fn yes() -> bool {
    true
}

/// One column: its role, then the two treatments side by side.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnPolicy {
    /// What the column means for identification.
    pub role: Role,
    /// How its text is read.
    #[serde(default, rename = "type")]
    pub ty: Type,
    /// What a date is the date of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<DateKind>,
    /// The code system (`icd10`, `postal`, `yj`, `jlac10`, ...) or the name of a hierarchy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// Values with a meaning of their own that pass through untouched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub specials: Vec<String>,
    /// Values that mean "missing", besides the empty cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// What stands in the column where a release in the form of its source (`output.form`) leaves it out; without it the cells are
    /// empty. One of `specials`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filler: Option<String>,
    /// Values are digits of one of these lengths: a file in which fewer than half of them are has another layout.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub digits: Vec<u8>,
    /// Where its values stand in a FHIR resource (`valueQuantity.comparator+valueQuantity.value`), or several places of which one has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Values>,
    /// Another name for it in references (`ff1.A000010.生年月日` for `ペイロード1`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alias: Option<String>,
    /// Why it has this role and these treatments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Who reviewed that a kept free text names nobody (name and date). Without it free text cannot be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewed: Option<String>,
    /// Why values of this column may be the same words as names of persons (a prefecture 山口 is a family name too). Names of two or
    /// three characters are then not searched for in it; the record says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coincides: Option<String>,
    /// Why the column is right as it is declared although a check of declarations or of the released files would refuse it (its name
    /// suggests another role, its values split a class, its values have no floor). It stands in the record, the report and the approval.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Why the values of this column may be shown in the anonymized release for fewer persons than the floor asks. It stands in the
    /// record; without it no value is shown for fewer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_floor: Option<String>,
    /// Why the numbers of this column are measured, though they are few, or far apart: then not every value has the floor of the
    /// anonymized release but the lowest and the highest, as with all that is plainly measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_only: Option<String>,
    /// What the column means, for the recipient's dictionary; `仮名: …、匿名: …` has a part for each release.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meaning: Option<String>,
    /// What its values stand for (`{ "1" = "男", "2" = "女" }`), for the recipient's dictionary; told where the values are shown.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<String, String>,
    /// The unit, for the recipient's dictionary.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Treatment for the pseudonymized release; needed if the policy makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pseudonymized: Option<Treatment>,
    /// Treatment for the anonymized release; needed if the policy makes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub anonymized: Option<Treatment>,
}

/// A hierarchy table.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Hierarchy {
    /// CSV file relative to the policy: `value;level1;level2;...`, no header unless `header = true`.
    pub path: String,
    /// The names of the levels above the value, finest first; as many as the file has columns after the first.
    pub levels: Vec<String>,
    /// The separator.
    #[serde(default = "semicolon")]
    pub delimiter: String,
    /// Whether the first line is a header.
    #[serde(default)]
    pub header: bool,
    /// The code system and level that the table begins with, where the cells are codes of that system: a table of 市区町村 to
    /// 二次医療圏 serves postal codes with `over = { code = "postal", level = "municipality" }`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub over: Option<Over>,
    /// Version or year of the table.
    pub version: String,
    /// Where it comes from.
    pub source: String,
}

/// A level of a code system.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Over {
    /// The code system.
    pub code: String,
    /// Its level.
    pub level: String,
}

fn semicolon() -> String {
    ";".to_owned()
}

/// Settings of the pseudonymized release.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pseudonymized {
    /// The project: part of the derivation of every token.
    pub project: String,
    /// The recipient: part of the derivation of every token, so that two recipients cannot join.
    pub recipient: String,
    /// Name of a receipt file (`RECEIPTC.UKE`) that the release has beside its tables: the tables of one form of receipts, folded again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receipt_file: Option<String>,
}

/// Settings of the anonymized release.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Anonymized {
    /// Preset of thresholds by recipient (`controlled` k 5, `research` k 10, `public` k 12).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tier: Option<Tier>,
    /// Distinct persons behind every code, category, date and count of days that is shown, and behind both ends of measured numbers;
    /// by default the tier's k (or the views' smallest k, if that is more). A number at a treatment (`below`, `persons`, `tails`)
    /// goes before it in its column.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub floor: Option<u64>,
    /// Views: where k counts distinct persons.
    #[serde(rename = "view")]
    pub views: Vec<ViewPolicy>,
    /// Sets of items a person, of which m known ones must not single out fewer than k persons.
    #[serde(rename = "set", skip_serializing_if = "Vec::is_empty")]
    pub sets: Vec<ItemSet>,
    /// Suppression of rows whose class is too small.
    pub suppress: Suppress,
    /// Why the limits of this release are right although a check of declarations would refuse them (`suppress.at_most` of all rows).
    /// It stands in the record, the report and the approval.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// How levels are chosen where a treatment offers several (`levels`, `widths`, `units`).
    pub search: Search,
}

/// The search for levels.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Search {
    /// What is made as small as possible.
    pub objective: Objective,
    /// How the figures of columns become one.
    pub aggregate: crate::privacy::objective::Aggregate,
    /// Cost of generalization against suppression, 0 to 1: 0.5 weighs both alike, less makes suppression cheaper.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub factor: Option<f64>,
    /// At least this share (0 to 1) of the rows of every view's table stays, whatever the objective says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep_at_least: Option<f64>,
    /// Weights of columns (`table.column`); 1 without.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<String, f64>,
    /// Levels that are decided (`table.column` = one of those that its treatment offers): the search takes no other.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub levels: BTreeMap<String, String>,
}

/// Objectives of the search; see docs/search.md.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objective {
    /// The share of a column's values that a cell may stand for.
    #[default]
    Loss,
    /// Every row costs the size of its class.
    Discernibility,
    /// The same without a price for suppression.
    DiscernibilityMonotone,
    /// Rows by class.
    ClassSize,
    /// Bits that are lost.
    Entropy,
    /// How far up its ladder each cell was taken.
    Precision,
    /// The sum of the levels.
    Height,
    /// Source tuples that a row may stand for.
    Ambiguity,
    /// Distance between the distributions before and after.
    KlDivergence,
}

impl Objective {
    /// Its name in the registry of objectives.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Objective::Loss => "loss",
            Objective::Discernibility => "discernibility",
            Objective::DiscernibilityMonotone => "discernibility-monotone",
            Objective::ClassSize => "class-size",
            Objective::Entropy => "entropy",
            Objective::Precision => "precision",
            Objective::Height => "height",
            Objective::Ambiguity => "ambiguity",
            Objective::KlDivergence => "kl-divergence",
        }
    }
}

/// Who receives (規則6条5号ニ: according to the degree of anonymization).
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// A controlled environment: k 5.
    Controlled,
    /// Research under contract: k 10.
    Research,
    /// Publication: k 12 (maximum risk 0.09).
    Public,
}

impl Tier {
    /// The word in a policy.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Tier::Controlled => "controlled",
            Tier::Research => "research",
            Tier::Public => "public",
        }
    }
    /// The default k.
    #[must_use]
    pub const fn k(self) -> u64 {
        match self {
            Tier::Controlled => 5,
            Tier::Research => 10,
            Tier::Public => 12,
        }
    }
    /// The default of `unique_with.at_most` (docs/risk.md says why).
    #[must_use]
    pub const fn unique_at_most(self) -> Option<f64> {
        match self {
            Tier::Controlled | Tier::Research => None,
            Tier::Public => Some(0.02),
        }
    }
}

/// Suppression.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Suppress {
    /// What is removed.
    pub unit: Unit,
    /// The largest share (0 to 1) of the rows of the view's table that may be removed; more refuses the run.
    pub at_most: f64,
    /// With `unit = "cell"`: columns (`table.column`) of which no single cell is suppressed. Rows may still go.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub never: Vec<String>,
}

impl Default for Suppress {
    fn default() -> Self {
        Suppress { unit: Unit::Row, at_most: 0.05, never: Vec::new() }
    }
}

/// Units of suppression.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// As few cells of the view's own quasi-identifiers as are found to suffice; a suppressed cell is a category of its own.
    /// Rows that this does not help go as a whole.
    Cell,
    /// The row with its child rows.
    Row,
    /// All rows of the person in all tables.
    Person,
}
