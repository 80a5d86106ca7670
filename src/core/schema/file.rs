//! What is said of files: how they are read and written, and what may be wrong in their rows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A defect of a row that a policy may allow to set aside.
#[derive(
    Clone, Copy, Debug, Deserialize, Eq, Hash, JsonSchema, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Defect {
    /// Too few or too many fields.
    Ragged,
    /// Bytes that are not text in the file's encoding, or a NUL.
    Bytes,
    /// A cell that is not of the column's type.
    Type,
    /// A person key that is blank, a filler (all nines), a word for missing (NULL, 不明) or for a total (合計), or a number that was cut
    /// (1.2E+11).
    Key,
    /// A row that repeats another of its person or stay cell by cell (the grain says that there is one), or a file that is there twice.
    Duplicate,
    /// A line that is no row: a blank line, separators and blanks only, or the header once more.
    Blank,
    /// A cell that is not of the column's type: only the cell goes, and is missing; it is counted by column.
    Cell,
}

impl Defect {
    /// The word in a policy.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Defect::Ragged => "ragged",
            Defect::Bytes => "bytes",
            Defect::Type => "type",
            Defect::Key => "key",
            Defect::Duplicate => "duplicate",
            Defect::Blank => "blank",
            Defect::Cell => "cell",
        }
    }
}

impl crate::error::Tell for Defect {
    fn tell(&self) -> String {
        self.word().to_owned()
    }
}

/// Text encodings that are read and written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Encoding {
    /// UTF-8, with or without a byte order mark when read, without when written.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-8 with a byte order mark when written (spreadsheets ask for it).
    #[serde(rename = "utf-8-bom")]
    Utf8Bom,
    /// CP932 (Windows-31J).
    Cp932,
    /// ISO-2022-JP (RFC 1468): ASCII and JIS X 0208 when written; every line ends in ASCII.
    #[serde(rename = "iso-2022-jp")]
    Iso2022Jp,
    /// UTF-16 with a byte order mark ("Unicode text" of spreadsheets): read only.
    #[serde(rename = "utf-16")]
    Utf16,
}

/// What is in a source of a format, as far as rooms that open none need to know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holds {
    /// Lines of cells; what separates them, and which encoding they have, the file does not say.
    Text,
    /// One table that says the names of its columns.
    Table,
    /// Sheets, each a table.
    Sheets,
    /// Records of several kinds, whose columns a layout knows.
    Records,
    /// A folder with all that is in it: the same as records.
    Tree,
}

/// The facts of a format that are known without opening a file.
#[derive(Clone, Copy, Debug)]
pub struct FormatFacts {
    /// The word in a policy.
    pub word: &'static str,
    /// Endings of its files in small letters, the usual one first.
    pub endings: &'static [&'static str],
    /// What is in it.
    pub holds: Holds,
    /// What a release writes in its form ([`ReleaseForm::Source`]); nothing if it writes tables alone.
    pub back: Option<OutputFormat>,
}

macro_rules! input_formats {
    ($($(#[$doc:meta])* $format:ident = $word:literal, $endings:expr, $holds:ident, $back:expr;)*) => {
        /// Input formats.
        #[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
        #[serde(rename_all = "kebab-case")]
        pub enum InputFormat { $($(#[$doc])* $format,)* }

        impl InputFormat {
            /// All of them.
            pub const ALL: &'static [InputFormat] = &[$(InputFormat::$format,)*];
            /// What is known of it.
            #[must_use]
            pub const fn facts(self) -> FormatFacts {
                match self {
                    $(InputFormat::$format => FormatFacts {
                        word: $word,
                        endings: &$endings,
                        holds: Holds::$holds,
                        back: $back,
                    },)*
                }
            }
        }
    };
}

// A new one: its line here, its reader in `formats`, its line in the registry there.
input_formats! {
    /// Delimited text.
    Csv = "csv", ["csv", "tsv", "txt"], Text, Some(OutputFormat::Csv);
    /// Apache Parquet.
    Parquet = "parquet", ["parquet", "pq"], Table, Some(OutputFormat::Parquet);
    /// Receipts of the receipt system (`*.UKE`): CP932, one record type a line.
    Uke = "uke", ["uke"], Records, None;
    /// SS-MIX2 standardized storage: a folder with a file a message.
    Ssmix2 = "ssmix2", [], Tree, None;
    /// HL7 FHIR R4: a resource or Bundle a line (`*.ndjson`, `*.ndjson.gz`), or one a file (`*.json`).
    Fhir = "fhir", ["ndjson", "json"], Records, Some(OutputFormat::Ndjson);
    /// A sheet of an Office Open XML workbook (`*.xlsx`, `*.xlsm`).
    Xlsx = "xlsx", ["xlsx", "xlsm"], Sheets, None;
    /// A sheet of an OpenDocument spreadsheet (`*.ods`).
    Ods = "ods", ["ods"], Sheets, None;
}

/// Endings of packed files: the file in it has an ending of its own.
pub const PACKED: [&str; 3] = ["gz", "zst", "zip"];

impl InputFormat {
    /// The format of files with an ending (small letters); none if no format has it.
    #[must_use]
    pub fn of_ending(ending: &str) -> Option<InputFormat> {
        Self::ALL.iter().copied().find(|format| format.facts().endings.contains(&ending))
    }
    /// The format that a name or a pattern of names tells, packed or not; none if it tells none.
    #[must_use]
    pub fn of_name(name: &str) -> Option<InputFormat> {
        let name = name.rsplit('/').next()?.to_lowercase();
        let (mut stem, mut ending) = name.rsplit_once('.')?;
        if PACKED.contains(&ending) {
            (stem, ending) = stem.rsplit_once('.')?;
        }
        Self::of_ending(ending).filter(|_| !stem.is_empty())
    }
    /// The format with a word in a policy.
    #[must_use]
    pub fn of_word(word: &str) -> Option<InputFormat> {
        Self::ALL.iter().copied().find(|format| format.facts().word == word)
    }
}

/// How files are written.
#[derive(Clone, Debug, Deserialize, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Output {
    /// CSV, Parquet or a workbook.
    pub format: OutputFormat,
    /// Whether the files of a release are tables of `format`, or have the form that their sources have: all columns in their order,
    /// header or none, separator, encoding, line ends, quotes. `format`, `encoding` and `cells` then say nothing.
    #[serde(skip_serializing_if = "ReleaseForm::is_table")]
    pub form: ReleaseForm,
    /// Encoding of CSV.
    pub encoding: Encoding,
    /// What to do with a character that the encoding lacks.
    pub unencodable: Unencodable,
    /// What to do with a cell that a spreadsheet would run as a formula (`= + - @` TAB CR at its start; numbers are never touched).
    pub formula: Formula,
    /// Whether cells of CSV stay as they were collected or are written plainly. Parquet is always typed.
    #[serde(skip_serializing_if = "CellForm::is_kept")]
    pub cells: CellForm,
    /// What becomes of a number that may have an operator, a class or a special value, where columns are typed; without it, it is
    /// split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub measured: Option<MeasuredForm>,
    /// Whether bands of ages and numbers get their ends in two columns beside the label (`age.from`, `age.to`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub bounds: bool,
}

impl Output {
    /// Whether numbers, dates and truth values are written as such.
    #[must_use]
    pub fn typed(&self) -> bool {
        matches!(self.format, OutputFormat::Parquet | OutputFormat::Xlsx)
            || self.cells == CellForm::Normalized
    }
    /// Whether measured numbers become a number beside what else stands in the cell.
    #[must_use]
    pub fn splits(&self) -> bool {
        self.typed() && self.measured != Some(MeasuredForm::Text)
    }
}

/// What the files of a release look like.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseForm {
    /// Tables with the released columns.
    #[default]
    Table,
    /// Files in the form of their sources; columns that are left out are empty, or have the layout's filler.
    Source,
}

impl ReleaseForm {
    const fn is_table(&self) -> bool {
        matches!(self, ReleaseForm::Table)
    }
}

/// How lines end.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum LineEnds {
    /// LF.
    #[default]
    Lf,
    /// CR LF.
    Crlf,
}

impl LineEnds {
    /// The bytes.
    #[must_use]
    pub const fn bytes(self) -> &'static [u8] {
        match self {
            LineEnds::Lf => b"\n",
            LineEnds::Crlf => b"\r\n",
        }
    }
}

/// Which cells are quoted.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quotes {
    /// Those that hold a separator, a quote, a line break, or a blank at an end.
    #[default]
    Needed,
    /// All, empty ones too.
    All,
    /// All that are no numbers, the header too; empty ones are not.
    Text,
    /// None: a cell that would need quotes is refused.
    Never,
}

impl Quotes {
    /// The word in a policy.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Quotes::Needed => "needed",
            Quotes::All => "all",
            Quotes::Text => "text",
            Quotes::Never => "never",
        }
    }
}

/// How cells of CSV are written.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellForm {
    /// As they were collected, to the byte, where the treatment keeps them.
    #[default]
    Kept,
    /// Dates as 2026-01-31, moments as 2026-01-31T09:30:00, numbers without thousands separators and full-width digits, true and false.
    Normalized,
}

impl CellForm {
    const fn is_kept(&self) -> bool {
        matches!(self, CellForm::Kept)
    }
}

/// What becomes of a number that may have an operator or a class.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum MeasuredForm {
    /// A column of the number, one of the operator (`CRP.op`) and one of what else is in the cell (`CRP.note`).
    Split,
    /// One column of text.
    Text,
}

/// Which columns of a file a released column becomes.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Parts {
    /// One.
    #[default]
    Whole,
    /// A number, and the operator before it.
    Op,
    /// A value, and what is none.
    Note,
    /// A number, the operator before it, and what else is in the cell.
    OpNote,
    /// A label, and the numbers at its ends.
    Bounds,
}

impl Parts {
    /// What is put behind the column's name to name the columns beside it.
    #[must_use]
    pub const fn endings(self) -> &'static [&'static str] {
        match self {
            Parts::Whole => &[],
            Parts::Op => &[".op"],
            Parts::Note => &[".note"],
            Parts::OpNote => &[".op", ".note"],
            Parts::Bounds => &[".from", ".to"],
        }
    }
    /// Whether it is one column.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        matches!(self, Parts::Whole)
    }
    /// Whether there is a column of operators.
    #[must_use]
    pub const fn has_op(self) -> bool {
        matches!(self, Parts::Op | Parts::OpNote)
    }
    /// Whether there is a column of what is no value.
    #[must_use]
    pub const fn has_note(self) -> bool {
        matches!(self, Parts::Note | Parts::OpNote)
    }
}

impl Default for Output {
    fn default() -> Self {
        Output {
            format: OutputFormat::Csv,
            form: ReleaseForm::Table,
            encoding: Encoding::Utf8,
            unencodable: Unencodable::Fail,
            formula: Formula::Fail,
            cells: CellForm::Kept,
            measured: None,
            bounds: false,
        }
    }
}

/// Output formats.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OutputFormat {
    /// Delimited text with a header.
    Csv,
    /// Apache Parquet, zstd.
    Parquet,
    /// Office Open XML workbook, a sheet with numbers and dates as such: for tables of at most a million rows.
    Xlsx,
    /// HL7 FHIR R4, a resource or a Bundle a line: what a source of FHIR becomes, nothing that tables could be.
    #[serde(skip_deserializing, rename = "ndjson")]
    #[schemars(skip)]
    Ndjson,
}

/// What to do with a character that the encoding lacks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unencodable {
    /// The run stops.
    Fail,
    /// `〓` is written and counted.
    Geta,
    /// `?` is written and counted.
    QuestionMark,
    /// Another way to write it is taken and counted (髙 as 高, ① as 1, ㈱ as (株)); without one the run stops.
    Map,
}

/// What to do with a cell that a spreadsheet would run as a formula.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Formula {
    /// The run stops.
    Fail,
    /// An apostrophe is put before it.
    Prefix,
    /// It is written as it is (readers are programs, not spreadsheets).
    Keep,
}

/// Types of output columns: decided by the policy, never by the data.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum OutType {
    /// Text.
    Text,
    /// 64-bit integer.
    Integer,
    /// 64-bit floating point, the nearest to the decimal text.
    Decimal,
    /// Calendar day; cells are ISO dates.
    Date,
    /// A day and a time of day as the clocks of the policy's zone show it; cells are `2026-01-31T09:30:00`.
    Timestamp,
    /// true or false.
    Boolean,
}

/// The form of delimited text.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dialect {
    /// Field separator.
    pub delimiter: u8,
    /// Whether the first line names the columns.
    pub header: bool,
    /// How lines end.
    pub ends: LineEnds,
    /// Which cells are quoted.
    pub quotes: Quotes,
}

impl Default for Dialect {
    fn default() -> Self {
        Dialect { delimiter: b',', header: true, ends: LineEnds::Lf, quotes: Quotes::Needed }
    }
}

/// What a date gives to the name of a file.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Month {
    /// The year: 2026.
    #[serde(rename = "yyyy")]
    Year,
    /// Year and month: 202604.
    #[serde(rename = "yyyymm")]
    Long,
    /// The same without the century: 2604.
    #[serde(rename = "yymm")]
    Short,
}

impl Month {
    /// All of them.
    pub const ALL: [Month; 3] = [Month::Year, Month::Long, Month::Short];
    /// The word in a policy.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Month::Year => "yyyy",
            Month::Long => "yyyymm",
            Month::Short => "yymm",
        }
    }
    /// By its word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Month> {
        Self::ALL.into_iter().find(|m| m.word() == word)
    }
    /// What a cell gives, by a rule that is plain enough for any verifier: its first four digits, and the two behind them (`-`, `/` or
    /// `.` may stand between) if they are a month; zeros for what is not there.
    #[must_use]
    pub fn of(self, cell: Option<&str>) -> String {
        let cell = cell.unwrap_or_default();
        let digits = |text: &str, n: usize| {
            text.get(..n).filter(|t| t.bytes().all(|b| b.is_ascii_digit())).map(str::to_owned)
        };
        let year = digits(cell, 4);
        let rest = year.as_ref().map_or("", |_| cell[4..].trim_start_matches(['-', '/', '.']));
        let month = digits(rest, 2).filter(|m| ("01"..="12").contains(&m.as_str()));
        let year = year.unwrap_or_else(|| "0000".to_owned());
        let month = month.unwrap_or_else(|| "00".to_owned());
        match self {
            Month::Year => year,
            Month::Long => year + &month,
            Month::Short => year[2..].to_owned() + &month,
        }
    }
}

/// A part of the name of a file.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NamePart {
    /// Letters.
    Text(String),
    /// What its rows show in a column: a token, or the month of a date.
    Column(usize, Option<Month>),
}

/// What was written.
#[derive(Clone, Debug, Default)]
pub struct Written {
    /// Bytes.
    pub bytes: u64,
    /// Rows.
    pub rows: u64,
    /// Characters that the encoding lacks and that were replaced.
    pub unencodable: u64,
    /// Characters that the encoding has in another form, which was written (half-width kana and the twins of JIS X 0208
    /// in ISO-2022-JP; U+2212 and the yen sign in CP932).
    pub respelled: u64,
    /// Formula-like cells that were prefixed.
    pub formula: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_format_is_told_by_its_ending_whatever_packs_it() {
        for (name, format) in [
            ("a/b.csv", Some(InputFormat::Csv)),
            ("EF_*.TXT", Some(InputFormat::Csv)),
            ("x.pq", Some(InputFormat::Parquet)),
            ("Patient*.ndjson.gz", Some(InputFormat::Fhir)),
            ("RECEIPT.UKE", Some(InputFormat::Uke)),
            ("r.uke.zip", Some(InputFormat::Uke)),
            ("x.xlsm", Some(InputFormat::Xlsx)),
            ("x.gz", None),
            (".csv", None),
            ("storage.csv/x", None),
            (".", None),
        ] {
            assert_eq!(InputFormat::of_name(name), format, "{name}");
        }
    }

    #[test]
    fn months_of_cells_are_plain() {
        let of = |cell| Month::ALL.map(|month| month.of(cell));
        assert_eq!(of(Some("20260405")), ["2026", "202604", "2604"]);
        assert_eq!(of(Some("2026-04-05T10:00")), ["2026", "202604", "2604"]);
        assert_eq!(of(Some("2026")), ["2026", "202600", "2600"]);
        assert_eq!(of(Some("20261905")), ["2026", "202600", "2600"]);
        assert_eq!(of(Some("00000000")), ["0000", "000000", "0000"]);
        assert_eq!(of(Some("令和6年")), ["0000", "000000", "0000"]);
        assert_eq!(of(None), ["0000", "000000", "0000"]);
    }

    #[test]
    fn words_are_those_of_policies_and_endings_are_one_formats_each() {
        let mut endings: Vec<&str> = Vec::new();
        for &format in InputFormat::ALL {
            let facts = format.facts();
            assert_eq!(serde_json::to_value(format).unwrap(), facts.word);
            assert_eq!(InputFormat::of_word(facts.word), Some(format));
            assert_eq!(facts.endings.is_empty(), facts.holds == Holds::Tree);
            endings.extend(facts.endings);
        }
        let all = endings.len();
        endings.sort_unstable();
        endings.dedup();
        assert_eq!(endings.len(), all);
        assert!(PACKED.iter().all(|packed| !endings.contains(packed)));
    }
}
