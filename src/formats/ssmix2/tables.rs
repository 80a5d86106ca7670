//! The tables of an SS-MIX2 standardized storage: which data types they are made from, what a row is, and where each
//! column stands (HL7 v2.5 positions as used in the SS-MIX2 guidelines).

/// Where a cell comes from.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum At {
    /// The data type (`ADT-22`).
    DataType,
    /// The day of the path; `-` is missing.
    Day,
    /// The order number in the file name.
    Order,
    /// The time in the file name.
    Occurred,
    /// The department in the file name.
    Department,
    /// Segment, field: the whole field as it stands.
    Field(&'static str, usize),
    /// Segment, field, component of each repetition.
    Part(&'static str, usize, usize),
    /// Segment, field, component, subcomponent of the first repetition.
    Sub(&'static str, usize, usize, usize),
    /// Segment, field, number of the repetition.
    Repetition(&'static str, usize, usize),
    /// Segment, field: a person's name in letters (`I`, ideographic) or sounds (`P`, phonetic).
    PersonName(&'static str, usize, &'static str),
    /// Segment, field: an address without postal code, country and type.
    Address(&'static str, usize),
    /// The value of an OBX by its type: the code of a coded value, the number with its operator, else the text.
    Value,
    /// The text of a coded value of an OBX.
    ValueName,
    /// The NTE comments behind the row's segment.
    Notes,
}

/// A column: its name and where its cells come from (the first that is not empty).
pub(super) type SegmentColumn = (&'static str, &'static [At]);

/// A table.
#[derive(Debug)]
pub(super) struct SegmentTable {
    pub(super) name: &'static str,
    /// Data types, each with the message type of its MSH-9.
    pub(super) types: &'static [(&'static str, &'static str)],
    /// Segments that begin a group of segments that belong together, outer ones first.
    pub(super) groups: &'static [&'static str],
    /// The segment of a row: the first of these that occurs in the group.
    pub(super) rows: &'static [&'static str],
    pub(super) columns: &'static [SegmentColumn],
}

use At::{
    Address, DataType, Day, Department, Field, Notes, Occurred, Order, Part, PersonName,
    Repetition, Sub, Value, ValueName,
};

const PATIENT: SegmentColumn = ("患者ID", &[Part("PID", 3, 1)]);
/// Which system of which hospital wrote the message: with it patient numbers of several hospitals stay apart.
const SENDER: SegmentColumn = ("送信施設", &[Part("MSH", 4, 1)]);
const TYPE: SegmentColumn = ("データ種別", &[DataType]);
const DAY: SegmentColumn = ("診療日", &[Day]);
const ORDER: SegmentColumn = ("オーダ番号", &[Order]);
const OCCURRED: SegmentColumn = ("発生日時", &[Occurred]);
const DEPARTMENT: SegmentColumn = ("診療科コード", &[Department]);
const ORC_PLACER: SegmentColumn = ("依頼者オーダ番号", &[Field("ORC", 2)]);
const ORC_FILLER: SegmentColumn = ("実施者オーダ番号", &[Field("ORC", 3)]);
const ORC_GROUP: SegmentColumn = ("オーダグループ番号", &[Field("ORC", 4)]);
const ORC_CONTROL: SegmentColumn = ("オーダ制御", &[Field("ORC", 1)]);
const ORC_TIME: SegmentColumn = ("依頼日時", &[Part("ORC", 9, 1)]);
const ORC_ENTERED: SegmentColumn = ("入力者", &[Field("ORC", 10)]);
const ORC_DOCTOR: SegmentColumn = ("依頼医師", &[Field("ORC", 12), Field("OBR", 16)]);
const ORC_UNIT: SegmentColumn = ("依頼科", &[Part("ORC", 17, 1)]);
const ORC_FACILITY: SegmentColumn = ("依頼施設", &[Field("ORC", 21)]);
const ORC_CLASS: SegmentColumn = ("患者区分", &[Part("ORC", 29, 1), Field("PV1", 2)]);
const WARD: SegmentColumn = ("病棟", &[Part("PV1", 3, 1)]);

const RXE_CODE: SegmentColumn = ("薬剤コード", &[Part("RXA", 5, 1), Part("RXE", 2, 1)]);
const RXE_NAME: SegmentColumn = ("薬剤名", &[Part("RXA", 5, 2), Part("RXE", 2, 2)]);
const RXE_SYSTEM: SegmentColumn = ("薬剤コード体系", &[Part("RXA", 5, 3), Part("RXE", 2, 3)]);
const RXE_LEAST: SegmentColumn = ("用量", &[Field("RXA", 6), Field("RXE", 3)]);
const RXE_MOST: SegmentColumn = ("用量_最大", &[Field("RXE", 4)]);
const RXE_UNIT_CODE: SegmentColumn = ("単位コード", &[Part("RXA", 7, 1), Part("RXE", 5, 1)]);
const RXE_UNIT: SegmentColumn = ("単位", &[Part("RXA", 7, 2), Part("RXE", 5, 2)]);
const RXE_FORM: SegmentColumn = ("剤形コード", &[Part("RXE", 6, 1)]);
const RXE_ORDER_TEXT: SegmentColumn = ("投薬指示", &[Field("RXE", 7)]);
const RXE_DISPENSED: SegmentColumn = ("調剤量", &[Field("RXE", 10)]);
const RXE_DISPENSED_UNIT: SegmentColumn = ("調剤単位コード", &[Part("RXE", 11, 1)]);
const RXE_NUMBER: SegmentColumn = ("処方箋番号", &[Field("RXE", 15)]);
const RXE_DAILY: SegmentColumn = ("一日量", &[Part("RXE", 19, 1)]);
const RXE_DISPENSE_TEXT: SegmentColumn = ("調剤指示", &[Field("RXE", 21)]);
const TQ1_CODE: SegmentColumn = ("用法コード", &[Sub("TQ1", 3, 1, 1)]);
const TQ1_NAME: SegmentColumn = ("用法", &[Sub("TQ1", 3, 1, 2)]);
const TQ1_LENGTH: SegmentColumn = ("投与期間", &[Part("TQ1", 6, 1)]);
const TQ1_LENGTH_UNIT: SegmentColumn = ("投与期間単位", &[Part("TQ1", 6, 2)]);
const TQ1_START: SegmentColumn = ("開始日時", &[Part("RXA", 3, 1), Part("TQ1", 7, 1)]);
const TQ1_END: SegmentColumn = ("終了日時", &[Part("RXA", 4, 1), Part("TQ1", 8, 1)]);
const TQ1_TEXT: SegmentColumn = ("用法補足", &[Field("TQ1", 11)]);
const RXR_CODE: SegmentColumn = ("投与経路コード", &[Part("RXR", 1, 1)]);
const RXR_NAME: SegmentColumn = ("投与経路", &[Part("RXR", 1, 2)]);
const RXR_SITE: SegmentColumn = ("投与部位コード", &[Part("RXR", 2, 1)]);
const RXA_BY: SegmentColumn = ("実施者", &[Field("RXA", 10)]);
const NOTES: SegmentColumn = ("コメント", &[Notes]);

const OBX_TYPE: SegmentColumn = ("値型", &[Field("OBX", 2)]);
const OBX_CODE: SegmentColumn = ("項目コード", &[Part("OBX", 3, 1)]);
const OBX_NAME: SegmentColumn = ("項目名", &[Part("OBX", 3, 2)]);
const OBX_SYSTEM: SegmentColumn = ("項目コード体系", &[Part("OBX", 3, 3)]);
const OBX_VALUE: SegmentColumn = ("値", &[Value]);
const OBX_VALUE_NAME: SegmentColumn = ("値名称", &[ValueName]);
const OBX_UNIT: SegmentColumn = ("単位", &[Part("OBX", 6, 1)]);
const OBX_STATE: SegmentColumn = ("結果状態", &[Field("OBX", 11)]);
const OBX_TIME: SegmentColumn = ("検査日時", &[Part("OBX", 14, 1)]);

/// The tables.
pub(super) const TABLES: &[SegmentTable] = &[
    SegmentTable {
        name: "person",
        types: &[("ADT-00", "ADT")],
        groups: &[],
        rows: &["PID"],
        columns: &[
            PATIENT,
            SENDER,
            ("漢字氏名", &[PersonName("PID", 5, "I")]),
            ("カナ氏名", &[PersonName("PID", 5, "P")]),
            ("生年月日", &[Part("PID", 7, 1)]),
            ("性別", &[Part("PID", 8, 1)]),
            ("郵便番号", &[Part("PID", 11, 5)]),
            ("住所", &[Address("PID", 11)]),
            ("電話番号", &[Field("PID", 13)]),
            ("勤務先電話番号", &[Field("PID", 14)]),
            ("死亡日時", &[Part("PID", 29, 1)]),
            ("死亡表示", &[Field("PID", 30)]),
            ("更新日時", &[Part("PID", 33, 1)]),
            ("患者区分", &[Field("PV1", 2)]),
            WARD,
            ("担当医", &[Field("PV1", 7)]),
        ],
    },
    SegmentTable {
        name: "family",
        types: &[("ADT-00", "ADT")],
        groups: &[],
        rows: &["NK1"],
        columns: &[
            PATIENT,
            SENDER,
            ("漢字氏名", &[PersonName("NK1", 2, "I")]),
            ("カナ氏名", &[PersonName("NK1", 2, "P")]),
            ("続柄", &[Part("NK1", 3, 1)]),
            ("郵便番号", &[Part("NK1", 4, 5)]),
            ("住所", &[Address("NK1", 4)]),
            ("電話番号", &[Field("NK1", 5)]),
            ("勤務先電話番号", &[Field("NK1", 6)]),
            ("勤務先", &[Field("NK1", 13)]),
        ],
    },
    SegmentTable {
        name: "insurance",
        types: &[("ADT-00", "ADT")],
        groups: &[],
        rows: &["IN1"],
        columns: &[
            PATIENT,
            SENDER,
            ("保険種別コード", &[Part("IN1", 2, 1)]),
            ("保険種別", &[Part("IN1", 2, 2)]),
            ("保険者番号", &[Part("IN1", 3, 1)]),
            ("保険者名", &[Field("IN1", 4)]),
            ("記号", &[Repetition("IN1", 10, 1)]),
            ("番号", &[Repetition("IN1", 10, 2)]),
            ("枝番", &[Repetition("IN1", 10, 3)]),
            ("雇用者名", &[Field("IN1", 11)]),
            ("有効開始日", &[Part("IN1", 12, 1)]),
            ("有効終了日", &[Part("IN1", 13, 1)]),
            ("被保険者氏名", &[Field("IN1", 16)]),
            ("本人家族区分", &[Part("IN1", 17, 1)]),
        ],
    },
    SegmentTable {
        name: "allergy",
        types: &[("ADT-00", "ADT"), ("ADT-61", "ADT")],
        groups: &[],
        rows: &["IAM", "AL1"],
        columns: &[
            PATIENT,
            SENDER,
            TYPE,
            ("アレルギー種別コード", &[Part("IAM", 2, 1), Part("AL1", 2, 1)]),
            ("アレルギー種別", &[Part("IAM", 2, 2), Part("AL1", 2, 2)]),
            ("アレルゲンコード", &[Part("IAM", 3, 1), Part("AL1", 3, 1)]),
            ("アレルゲン", &[Part("IAM", 3, 2), Part("AL1", 3, 2)]),
            ("アレルゲンコード体系", &[Part("IAM", 3, 3), Part("AL1", 3, 3)]),
            ("重症度", &[Part("IAM", 4, 1), Part("AL1", 4, 1)]),
            ("反応", &[Field("IAM", 5), Field("AL1", 5)]),
            ("確認日", &[Part("IAM", 13, 1), Part("IAM", 11, 1), Part("AL1", 6, 1)]),
        ],
    },
    SegmentTable {
        name: "observation",
        types: &[("ADT-00", "ADT")],
        groups: &[],
        rows: &["OBX"],
        columns: &[
            PATIENT,
            SENDER,
            OBX_TYPE,
            OBX_CODE,
            OBX_NAME,
            OBX_SYSTEM,
            OBX_VALUE,
            OBX_VALUE_NAME,
            OBX_UNIT,
            OBX_STATE,
            OBX_TIME,
        ],
    },
    SegmentTable {
        name: "visit",
        types: &[("ADT-12", "ADT"), ("ADT-22", "ADT"), ("ADT-52", "ADT")],
        groups: &[],
        rows: &["PV1"],
        columns: &[
            PATIENT,
            SENDER,
            TYPE,
            DAY,
            ORDER,
            OCCURRED,
            DEPARTMENT,
            ("患者区分", &[Field("PV1", 2)]),
            WARD,
            ("病室", &[Part("PV1", 3, 2)]),
            ("病床", &[Part("PV1", 3, 3)]),
            ("担当医", &[Field("PV1", 7)]),
            ("紹介医", &[Field("PV1", 8)]),
            ("診療科", &[Part("PV1", 10, 1)]),
            ("入院経路", &[Part("PV1", 14, 1)]),
            ("入院担当医", &[Field("PV1", 17)]),
            ("来院番号", &[Part("PV1", 19, 1)]),
            ("転帰", &[Part("PV1", 36, 1)]),
            ("退院先", &[Field("PV1", 37)]),
            ("来院日時", &[Part("PV1", 44, 1)]),
            ("退院日時", &[Part("PV1", 45, 1)]),
        ],
    },
    SegmentTable {
        name: "diagnosis",
        types: &[("PPR-01", "PPR")],
        groups: &["PRB"],
        rows: &["PRB"],
        columns: &[
            PATIENT,
            SENDER,
            ORDER,
            OCCURRED,
            ("動作", &[Field("PRB", 1)]),
            ("動作日時", &[Part("PRB", 2, 1)]),
            ("病名コード", &[Part("PRB", 3, 1)]),
            ("病名", &[Part("PRB", 3, 2)]),
            ("病名コード体系", &[Part("PRB", 3, 3)]),
            ("病名登録番号", &[Part("PRB", 4, 1)]),
            ("エピソード番号", &[Part("PRB", 5, 1)]),
            ("診断日", &[Part("PRB", 7, 1)]),
            ("転帰予定日", &[Part("PRB", 8, 1)]),
            ("転帰日", &[Part("PRB", 9, 1)]),
            ("ICD10コード", &[Part("PRB", 10, 1)]),
            ("診断区分コード", &[Part("PRB", 10, 4)]),
            ("診断区分", &[Part("PRB", 10, 5)]),
            ("確定区分", &[Part("PRB", 13, 1)]),
            ("転帰区分", &[Part("PRB", 14, 1)]),
            ("発症日", &[Part("PRB", 16, 1)]),
            ("発症記述", &[Field("PRB", 17)]),
            ("順位", &[Part("PRB", 18, 1)]),
            ORC_PLACER,
            ORC_FILLER,
            ORC_TIME,
            ORC_ENTERED,
            ORC_DOCTOR,
            ORC_UNIT,
            ORC_FACILITY,
            ORC_CLASS,
            NOTES,
        ],
    },
    SegmentTable {
        name: "prescription",
        types: &[("OMP-01", "RDE"), ("OMP-11", "RAS")],
        groups: &["ORC"],
        rows: &["RXA", "RXE"],
        columns: &[
            PATIENT,
            SENDER,
            TYPE,
            DAY,
            ORDER,
            OCCURRED,
            DEPARTMENT,
            ORC_CONTROL,
            ORC_PLACER,
            ORC_FILLER,
            ORC_GROUP,
            ORC_TIME,
            ORC_ENTERED,
            ORC_DOCTOR,
            ORC_UNIT,
            ORC_FACILITY,
            ORC_CLASS,
            WARD,
            RXE_CODE,
            RXE_NAME,
            RXE_SYSTEM,
            RXE_LEAST,
            RXE_MOST,
            RXE_UNIT_CODE,
            RXE_UNIT,
            RXE_FORM,
            RXE_ORDER_TEXT,
            RXE_DISPENSED,
            RXE_DISPENSED_UNIT,
            RXE_NUMBER,
            RXE_DAILY,
            RXE_DISPENSE_TEXT,
            TQ1_CODE,
            TQ1_NAME,
            TQ1_LENGTH,
            TQ1_LENGTH_UNIT,
            TQ1_START,
            TQ1_END,
            TQ1_TEXT,
            RXR_CODE,
            RXR_NAME,
            RXR_SITE,
            RXA_BY,
            NOTES,
        ],
    },
    SegmentTable {
        name: "injection",
        types: &[("OMP-02", "RDE"), ("OMP-12", "RAS")],
        groups: &["ORC"],
        rows: &["RXA", "RXC", "RXE"],
        columns: &[
            PATIENT,
            SENDER,
            TYPE,
            DAY,
            ORDER,
            OCCURRED,
            DEPARTMENT,
            ORC_CONTROL,
            ORC_PLACER,
            ORC_FILLER,
            ORC_GROUP,
            ORC_TIME,
            ORC_ENTERED,
            ORC_DOCTOR,
            ORC_UNIT,
            ORC_FACILITY,
            ORC_CLASS,
            WARD,
            RXE_CODE,
            RXE_NAME,
            RXE_SYSTEM,
            RXE_LEAST,
            RXE_MOST,
            RXE_UNIT_CODE,
            RXE_UNIT,
            RXE_FORM,
            RXE_ORDER_TEXT,
            RXE_DISPENSED,
            RXE_DISPENSED_UNIT,
            RXE_NUMBER,
            RXE_DISPENSE_TEXT,
            ("成分種別", &[Field("RXC", 1)]),
            ("成分コード", &[Part("RXC", 2, 1)]),
            ("成分名", &[Part("RXC", 2, 2)]),
            ("成分コード体系", &[Part("RXC", 2, 3)]),
            ("成分量", &[Field("RXC", 3)]),
            ("成分単位コード", &[Part("RXC", 4, 1)]),
            TQ1_CODE,
            TQ1_NAME,
            TQ1_LENGTH,
            TQ1_LENGTH_UNIT,
            TQ1_START,
            TQ1_END,
            TQ1_TEXT,
            RXR_CODE,
            RXR_NAME,
            RXR_SITE,
            RXA_BY,
            NOTES,
        ],
    },
    SegmentTable {
        name: "laboratory",
        types: &[("OML-11", "OUL")],
        groups: &["SPM", "OBR"],
        rows: &["OBX"],
        columns: &[
            PATIENT,
            SENDER,
            DAY,
            ORDER,
            OCCURRED,
            DEPARTMENT,
            ("検体番号", &[Field("SPM", 2)]),
            ("検体種別コード", &[Part("SPM", 4, 1)]),
            ("検体種別", &[Part("SPM", 4, 2)]),
            ("採取日時", &[Part("SPM", 17, 1), Part("OBR", 7, 1)]),
            ("依頼番号", &[Field("OBR", 2)]),
            ("実施番号", &[Field("OBR", 3)]),
            ("検査区分コード", &[Part("OBR", 4, 1)]),
            ("検査区分", &[Part("OBR", 4, 2)]),
            ("報告日時", &[Part("OBR", 22, 1)]),
            ORC_TIME,
            ORC_ENTERED,
            ORC_DOCTOR,
            ORC_UNIT,
            ORC_FACILITY,
            ORC_CLASS,
            WARD,
            OBX_TYPE,
            OBX_CODE,
            OBX_NAME,
            OBX_SYSTEM,
            ("院内項目コード", &[Part("OBX", 3, 4)]),
            ("院内項目名", &[Part("OBX", 3, 5)]),
            ("副番号", &[Field("OBX", 4)]),
            OBX_VALUE,
            OBX_VALUE_NAME,
            OBX_UNIT,
            ("基準値", &[Field("OBX", 7)]),
            ("異常フラグ", &[Field("OBX", 8)]),
            OBX_STATE,
            OBX_TIME,
            ("実施者", &[Field("OBX", 16)]),
            NOTES,
        ],
    },
];

/// The message type of a data type that some table is made from.
pub(super) fn message_type(data_type: &str) -> Option<&'static str> {
    TABLES.iter().flat_map(|t| t.types).find(|(name, _)| *name == data_type).map(|(_, m)| *m)
}

/// The table with a name.
pub(super) fn table(name: &str) -> Option<&'static SegmentTable> {
    TABLES.iter().find(|t| t.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_knows_its_person_and_names_each_column_once() {
        for table in TABLES {
            let mut names: Vec<&str> = table.columns.iter().map(|c| c.0).collect();
            assert_eq!(names[0], "患者ID");
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), table.columns.len(), "{}", table.name);
        }
    }
}
