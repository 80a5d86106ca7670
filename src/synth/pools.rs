//! Pools for the synthetic hospital: frequent Japanese names, a few postal codes, codes of diseases, tests, drugs and acts.
//!
//! Codes whose masters may not be passed on (傷病名マスター, receipt codes of drugs) are made up in the right form.

/// Family names with kana (some half-width), frequent ones first.
pub(crate) const SURNAMES: &[(&str, &str)] = &[
    ("佐藤", "サトウ"),
    ("鈴木", "スズキ"),
    ("高橋", "タカハシ"),
    ("田中", "タナカ"),
    ("伊藤", "イトウ"),
    ("渡辺", "ワタナベ"),
    ("山本", "ヤマモト"),
    ("中村", "ナカムラ"),
    ("小林", "コバヤシ"),
    ("加藤", "カトウ"),
    ("吉田", "ヨシダ"),
    ("山田", "ヤマダ"),
    ("佐々木", "ササキ"),
    ("山口", "ヤマグチ"),
    ("松本", "マツモト"),
    ("井上", "イノウエ"),
    ("木村", "キムラ"),
    ("林", "ハヤシ"),
    ("斎藤", "サイトウ"),
    ("清水", "シミズ"),
    ("山崎", "ヤマザキ"),
    ("森", "モリ"),
    ("池田", "イケダ"),
    ("橋本", "ハシモト"),
    ("阿部", "アベ"),
    ("石川", "イシカワ"),
    ("山下", "ヤマシタ"),
    ("中島", "ナカジマ"),
    ("石井", "イシイ"),
    ("小川", "オガワ"),
    ("前田", "マエダ"),
    ("岡田", "オカダ"),
    ("長谷川", "ハセガワ"),
    ("藤田", "フジタ"),
    ("後藤", "ゴトウ"),
    ("近藤", "コンドウ"),
    ("村上", "ムラカミ"),
    ("遠藤", "エンドウ"),
    ("青木", "アオキ"),
    ("坂本", "サカモト"),
    ("髙橋", "タカハシ"),
    ("山﨑", "ヤマザキ"),
    ("齋藤", "サイトウ"),
    ("渡邊", "ワタナベ"),
    ("福田", "フクダ"),
    ("太田", "オオタ"),
    ("西村", "ニシムラ"),
    ("藤井", "フジイ"),
    ("金子", "カネコ"),
    ("藤原", "フジワラ"),
    ("岡本", "オカモト"),
    ("三浦", "ミウラ"),
    ("中野", "ナカノ"),
    ("原田", "ハラダ"),
    ("松田", "マツダ"),
    ("竹内", "タケウチ"),
    ("小野", "オノ"),
    ("田村", "タムラ"),
    ("中山", "ナカヤマ"),
    ("和田", "ワダ"),
    ("石田", "イシダ"),
    ("森田", "モリタ"),
    ("上田", "ウエダ"),
    ("原", "ハラ"),
    ("内田", "ウチダ"),
    ("柴田", "シバタ"),
    ("酒井", "サカイ"),
    ("宮崎", "ミヤザキ"),
    ("横山", "ヨコヤマ"),
    ("高木", "タカギ"),
    ("安藤", "アンドウ"),
    ("宮本", "ミヤモト"),
    ("大野", "オオノ"),
    ("小島", "コジマ"),
    ("谷口", "タニグチ"),
    ("工藤", "クドウ"),
    ("今井", "イマイ"),
    ("高田", "タカダ"),
    ("増田", "マスダ"),
    ("丸山", "マルヤマ"),
    ("杉山", "スギヤマ"),
    ("村田", "ムラタ"),
    ("大塚", "オオツカ"),
    ("新井", "アライ"),
    ("小山", "コヤマ"),
    ("平野", "ヒラノ"),
    ("藤本", "フジモト"),
    ("河野", "コウノ"),
    ("上野", "ウエノ"),
    ("野口", "ノグチ"),
];

/// Given names of men with kana.
pub(crate) const GIVEN_MALE: &[(&str, &str)] = &[
    ("太郎", "タロウ"),
    ("一郎", "イチロウ"),
    ("健一", "ケンイチ"),
    ("誠", "マコト"),
    ("茂", "シゲル"),
    ("清", "キヨシ"),
    ("勝", "マサル"),
    ("正", "タダシ"),
    ("進", "ススム"),
    ("実", "ミノル"),
    ("博", "ヒロシ"),
    ("隆", "タカシ"),
    ("豊", "ユタカ"),
    ("修", "オサム"),
    ("浩", "ヒロシ"),
    ("昭", "アキラ"),
    ("和夫", "カズオ"),
    ("幸雄", "ユキオ"),
    ("義雄", "ヨシオ"),
    ("武", "タケシ"),
    ("大輔", "ダイスケ"),
    ("拓也", "タクヤ"),
    ("翔太", "ショウタ"),
    ("健太", "ケンタ"),
    ("直樹", "ナオキ"),
    ("達也", "タツヤ"),
    ("和也", "カズヤ"),
    ("哲也", "テツヤ"),
    ("英樹", "ヒデキ"),
    ("学", "マナブ"),
    ("翔", "ショウ"),
    ("蓮", "レン"),
    ("陽翔", "ハルト"),
    ("悠真", "ユウマ"),
    ("樹", "イツキ"),
    ("大和", "ヤマト"),
    ("俊介", "シュンスケ"),
    ("亮", "リョウ"),
    ("剛", "ツヨシ"),
    ("徹", "トオル"),
];

/// Given names of women with kana.
pub(crate) const GIVEN_FEMALE: &[(&str, &str)] = &[
    ("花子", "ハナコ"),
    ("和子", "カズコ"),
    ("幸子", "サチコ"),
    ("節子", "セツコ"),
    ("洋子", "ヨウコ"),
    ("恵子", "ケイコ"),
    ("京子", "キョウコ"),
    ("美智子", "ミチコ"),
    ("久美子", "クミコ"),
    ("由美子", "ユミコ"),
    ("裕子", "ユウコ"),
    ("直美", "ナオミ"),
    ("智子", "トモコ"),
    ("陽子", "ヨウコ"),
    ("明美", "アケミ"),
    ("文子", "フミコ"),
    ("千代", "チヨ"),
    ("ハル", "ハル"),
    ("キヨ", "キヨ"),
    ("トミ", "トミ"),
    ("美咲", "ミサキ"),
    ("愛", "アイ"),
    ("彩", "アヤ"),
    ("麻衣", "マイ"),
    ("葵", "アオイ"),
    ("結衣", "ユイ"),
    ("陽菜", "ヒナ"),
    ("凛", "リン"),
    ("さくら", "サクラ"),
    ("優子", "ユウコ"),
    ("真由美", "マユミ"),
    ("香織", "カオリ"),
    ("典子", "ノリコ"),
    ("良子", "ヨシコ"),
    ("弘子", "ヒロコ"),
    ("敏子", "トシコ"),
    ("光子", "ミツコ"),
    ("静子", "シズコ"),
    ("芳子", "ヨシコ"),
    ("昌子", "マサコ"),
];

/// A disease: codes of its own and of what is done for it.
#[derive(Debug)]
pub(crate) struct Disease {
    /// ICD-10 without the dot.
    pub icd: &'static str,
    /// Name.
    pub name: &'static str,
    /// 傷病名コード in form only (the master is licensed).
    pub code: &'static str,
    /// 診断群分類番号 (14) in form.
    pub dpc: &'static str,
    /// Index of the usual operation.
    pub operation: Option<usize>,
}

const fn disease(
    icd: &'static str,
    name: &'static str,
    code: &'static str,
    dpc: &'static str,
    operation: Option<usize>,
) -> Disease {
    Disease { icd, name, code, dpc, operation }
}

/// Diseases; children's first, then adults', then of the old.
pub(crate) const DISEASES: &[Disease] = &[
    disease("P073", "その他の早産児", "8840001", "140010x199x0xx", None),
    disease("J189", "肺炎", "8840038", "040081x099x0xx", None),
    disease("J459", "喘息", "8840075", "040100xxxxx00x", None),
    disease("A099", "感染性胃腸炎", "8840112", "060130xx99000x", None),
    disease("J210", "急性細気管支炎", "8840149", "040090xxxxxx0x", None),
    disease("S520", "前腕骨骨折", "8840186", "160740xx97xx0x", Some(2)),
    disease("K358", "急性虫垂炎", "8840223", "060150xx03xx0x", Some(3)),
    disease("O800", "自然分娩", "8840260", "120290xx99xxxx", None),
    disease("O820", "帝王切開", "8840297", "120260x001xxxx", Some(0)),
    disease("K802", "胆石症", "8840334", "060330xx02xxxx", Some(1)),
    disease("S822", "下腿骨骨折", "8840371", "160835xx97xxxx", Some(2)),
    disease("N201", "尿管結石", "8840408", "11012xxx97xx0x", Some(12)),
    disease("F329", "うつ病", "8840445", "180010x0xxx0xx", None),
    disease("C509", "乳癌", "8840482", "090010xx010xxx", Some(5)),
    disease("I10", "本態性高血圧症", "8840519", "050170xx03000x", None),
    disease("E119", "2型糖尿病", "8840556", "10007xxxxxx1xx", None),
    disease("I639", "脳梗塞", "8840593", "010060x2990401", None),
    disease("I500", "うっ血性心不全", "8840630", "050130xx9900xx", None),
    disease("J690", "誤嚥性肺炎", "8840667", "040081x199x00x", None),
    disease("S7200", "大腿骨頸部骨折", "8840704", "160800xx02xx0x", Some(4)),
    disease("N390", "尿路感染症", "8840741", "110310xx99xx0x", None),
    disease("C349", "肺癌", "8840778", "040040xx97x00x", Some(6)),
    disease("C169", "胃癌", "8840815", "060020xx02xx0x", Some(7)),
    disease("C189", "大腸癌", "8840852", "060035xx0100xx", Some(8)),
    disease("I251", "動脈硬化性心疾患", "8840889", "050050xx9910xx", Some(11)),
    disease("I489", "心房細動", "8840926", "050070xx01xx0x", Some(13)),
    disease("E785", "脂質異常症", "8840963", "100202xxxxxxxx", None),
    disease("H259", "白内障", "8841000", "020110xx97xxx0", Some(9)),
    disease("M1719", "変形性膝関節症", "8841037", "070230xx01xxxx", Some(10)),
    disease("N183", "慢性腎臓病", "8841074", "110280xx99000x", None),
    disease("F03", "認知症", "8841111", "01021xxxxx0x0x", None),
    disease("G20", "パーキンソン病", "8841148", "010160xx99x00x", None),
    disease("K565", "腸閉塞", "8841185", "060210xx99000x", None),
    disease("I210", "急性心筋梗塞", "8841222", "050030xx97000x", Some(11)),
    disease("C61", "前立腺癌", "8841259", "110080xx991xxx", Some(14)),
    disease("J449", "慢性閉塞性肺疾患", "8841296", "040120xx99000x", None),
    disease("K746", "肝硬変", "8841333", "060300xx97100x", None),
    disease("B182", "C型慢性肝炎", "8841370", "060295xx99x0xx", None),
    disease("D509", "鉄欠乏性貧血", "8841407", "130090xx97x0xx", None),
    disease("M8199", "骨粗鬆症", "8841444", "070370xx99xxxx", None),
];

/// A rare disease with its 告示番号 (指定難病).
#[derive(Debug)]
pub(crate) struct Rare {
    /// The disease.
    pub disease: Disease,
    /// 告示番号.
    pub notice: &'static str,
}

/// Rare diseases.
pub(crate) const RARE: &[Rare] = &[
    Rare {
        disease: disease("E752", "ゴーシェ病", "8847001", "10021xxxxx000x", None),
        notice: "019",
    },
    Rare {
        disease: disease("G122", "筋萎縮性側索硬化症", "8847042", "010155xxxxx0xx", None),
        notice: "002",
    },
    Rare {
        disease: disease("G35", "多発性硬化症", "8847083", "010090xxxxx00x", None),
        notice: "013",
    },
    Rare {
        disease: disease("G700", "重症筋無力症", "8847124", "010130xx99x0xx", None),
        notice: "011",
    },
    Rare {
        disease: disease("M340", "全身性強皮症", "8847165", "070560xx99x00x", None),
        notice: "051",
    },
    Rare {
        disease: disease("G10", "ハンチントン病", "8847206", "010170xx99x00x", None),
        notice: "008",
    },
    Rare {
        disease: disease("D860", "サルコイドーシス", "8847247", "040110xxxxx0xx", None),
        notice: "084",
    },
    Rare {
        disease: disease("M313", "多発血管炎性肉芽腫症", "8847288", "070560xx99x00x", None),
        notice: "044",
    },
];

/// Postal codes (Japan Post) with their prefecture.
pub(crate) const POSTAL: &[(&str, &str)] = &[
    ("1960004", "東京都"),
    ("1400002", "東京都"),
    ("1138444", "東京都"),
    ("1678555", "東京都"),
    ("1057090", "東京都"),
    ("1006422", "東京都"),
    ("1638019", "東京都"),
    ("1008215", "東京都"),
    ("1940001", "東京都"),
    ("1631526", "東京都"),
    ("1648504", "東京都"),
    ("1698077", "東京都"),
    ("1358139", "東京都"),
    ("1560055", "東京都"),
    ("1920918", "東京都"),
    ("1570077", "東京都"),
    ("1308606", "東京都"),
    ("1006521", "東京都"),
    ("2378510", "神奈川県"),
    ("2200006", "神奈川県"),
    ("2260029", "神奈川県"),
    ("2158509", "神奈川県"),
    ("2140000", "神奈川県"),
    ("2410836", "神奈川県"),
    ("2120012", "神奈川県"),
    ("2390813", "神奈川県"),
    ("2530052", "神奈川県"),
    ("2158588", "神奈川県"),
    ("2518601", "神奈川県"),
    ("2500122", "神奈川県"),
    ("2518513", "神奈川県"),
    ("2520141", "神奈川県"),
    ("2991731", "千葉県"),
    ("2608601", "千葉県"),
    ("2770922", "千葉県"),
    ("2980022", "千葉県"),
    ("3390003", "埼玉県"),
    ("3320024", "埼玉県"),
    ("3400215", "埼玉県"),
    ("3570048", "埼玉県"),
    ("3450047", "埼玉県"),
    ("5731116", "大阪府"),
    ("5960817", "大阪府"),
    ("5798033", "大阪府"),
    ("4260084", "静岡県"),
    ("4311303", "静岡県"),
    ("3091347", "茨城県"),
    ("3140035", "茨城県"),
    ("9871306", "宮城県"),
    ("8240241", "福岡県"),
];

/// A laboratory test.
#[derive(Debug)]
pub(crate) struct Lab {
    /// JLAC10, 17 characters.
    pub code: &'static str,
    /// The code of a hospital that has its own.
    pub local: &'static str,
    /// Name.
    pub name: &'static str,
    /// Unit.
    pub unit: &'static str,
    /// Usual range.
    pub low: f64,
    /// Usual range.
    pub high: f64,
}

const fn lab(
    code: &'static str,
    local: &'static str,
    name: &'static str,
    unit: &'static str,
    low: f64,
    high: f64,
) -> Lab {
    Lab { code, local, name, unit, low, high }
}

/// Laboratory tests.
pub(crate) const LABS: &[Lab] = &[
    lab("3B035000002327201", "L0101", "AST", "U/L", 10.0, 40.0),
    lab("3B045000002327201", "L0102", "ALT", "U/L", 8.0, 45.0),
    lab("3C015000002327101", "L0110", "クレアチニン", "mg/dL", 0.4, 1.2),
    lab("3C025000002327101", "L0111", "尿素窒素", "mg/dL", 8.0, 22.0),
    lab("3H010000002326101", "L0120", "ナトリウム", "mmol/L", 135.0, 146.0),
    lab("3H015000002326101", "L0121", "カリウム", "mmol/L", 3.4, 5.0),
    lab("3D010000002327101", "L0130", "グルコース", "mg/dL", 70.0, 140.0),
    lab("3D046000001920201", "L0131", "HbA1c", "%", 4.8, 7.5),
    lab("2A020000001930101", "L0201", "赤血球数", "10*4/uL", 380.0, 520.0),
    lab("2A030000001930101", "L0202", "ヘモグロビン", "g/dL", 10.5, 16.0),
    lab("2A010000001930101", "L0203", "白血球数", "/uL", 3500.0, 9500.0),
    lab("5C070000002306201", "L0301", "CRP", "mg/dL", 0.1, 3.0),
];

/// A drug.
#[derive(Debug)]
pub(crate) struct Drug {
    /// YJ-like code, 12 characters.
    pub yj: &'static str,
    /// Name.
    pub name: &'static str,
    /// Receipt code in form, 9 digits.
    pub receipt: &'static str,
}

/// Drugs, frequent ones first.
pub(crate) const DRUGS: &[Drug] = &[
    Drug { yj: "2149039F1043", name: "ロサルタンカリウム錠50mg", receipt: "629900001" },
    Drug { yj: "2171022F1030", name: "アムロジピン錠5mg", receipt: "629900102" },
    Drug { yj: "2189015F1041", name: "アトルバスタチン錠10mg", receipt: "629900203" },
    Drug { yj: "2325001F1028", name: "ファモチジン錠20mg", receipt: "629900304" },
    Drug { yj: "2329021F1034", name: "ランソプラゾール錠15mg", receipt: "629900405" },
    Drug { yj: "3969007F1049", name: "メトホルミン塩酸塩錠250mg", receipt: "629900506" },
    Drug { yj: "3399007H1048", name: "クロピドグレル錠75mg", receipt: "629900607" },
    Drug { yj: "1141007F1029", name: "アセトアミノフェン錠200mg", receipt: "629900708" },
    Drug { yj: "1179025F1040", name: "エスゾピクロン錠1mg", receipt: "629900809" },
    Drug { yj: "2144008F1034", name: "カンデサルタン錠4mg", receipt: "629900910" },
    Drug { yj: "6132005F1032", name: "セフジトレン錠100mg", receipt: "629901011" },
    Drug { yj: "6241013F1032", name: "レボフロキサシン錠500mg", receipt: "629901112" },
    Drug { yj: "3961008F1042", name: "アログリプチン錠25mg", receipt: "629901213" },
    Drug { yj: "2119402A1029", name: "ドパミン塩酸塩注100mg", receipt: "629901314" },
    Drug { yj: "2190005F1032", name: "ニコランジル錠5mg", receipt: "629901415" },
    Drug { yj: "1124009F1032", name: "エチゾラム錠0.5mg", receipt: "629901516" },
    Drug { yj: "3112001M1030", name: "硝酸イソソルビド徐放錠", receipt: "629901617" },
    Drug { yj: "2259004R1049", name: "チオトロピウム吸入用", receipt: "629901718" },
    Drug { yj: "4490022F1036", name: "フェキソフェナジン錠60mg", receipt: "629901819" },
    Drug { yj: "8114001F1030", name: "モルヒネ硫酸塩錠10mg", receipt: "629901920" },
];

/// An operation.
#[derive(Debug)]
pub(crate) struct Operation {
    /// K code; the branch may be half-width kana.
    pub k: &'static str,
    /// STEM7 in form.
    pub stem: &'static str,
    /// Name.
    pub name: &'static str,
}

/// Operations.
pub(crate) const OPERATIONS: &[Operation] = &[
    Operation { k: "K8982", stem: "E752000", name: "帝王切開術（選択帝王切開）" },
    Operation { k: "K6722", stem: "A213000", name: "腹腔鏡下胆嚢摘出術" },
    Operation { k: "K0462", stem: "C112000", name: "骨折観血的手術（下腿）" },
    Operation { k: "K718-21", stem: "A181000", name: "腹腔鏡下虫垂切除術" },
    Operation { k: "K0811", stem: "C231000", name: "人工骨頭挿入術（股）" },
    Operation { k: "K4762", stem: "A421000", name: "乳房部分切除術" },
    Operation {
        k: "K514-23", stem: "A331000", name: "胸腔鏡下肺悪性腫瘍手術（肺葉切除）"
    },
    Operation { k: "K654-22", stem: "A123000", name: "腹腔鏡下胃局所切除術" },
    Operation { k: "K719-3", stem: "A184000", name: "腹腔鏡下結腸悪性腫瘍切除術" },
    Operation { k: "K2821ﾛ", stem: "B111000", name: "水晶体再建術（その他）" },
    Operation { k: "K0821", stem: "C233000", name: "人工関節置換術（膝）" },
    Operation {
        k: "K5461", stem: "D111000", name: "経皮的冠動脈形成術（急性心筋梗塞）"
    },
    Operation {
        k: "K7811", stem: "E112000", name: "経尿道的尿路結石除去術（レーザー）"
    },
    Operation { k: "K5951", stem: "D211000", name: "経皮的カテーテル心筋焼灼術" },
    Operation { k: "K843-4", stem: "E233000", name: "腹腔鏡下前立腺悪性腫瘍手術" },
    Operation { k: "K4073ｲ", stem: "B331000", name: "顎骨腫瘍摘出術" },
    Operation { k: "K386", stem: "A291000", name: "気管切開術" },
];

/// Kinds of acts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ActKind {
    /// Room, meals.
    Fee,
    /// Laboratory.
    Test,
    /// Drugs by mouth.
    Drug,
    /// Injections.
    Injection,
    /// Imaging.
    Image,
    /// Treatment, rehabilitation.
    Care,
    /// Surgery and anaesthesia.
    Operation,
}

/// What is charged for.
#[derive(Debug)]
pub(crate) struct Act {
    /// Receipt code, 9 digits.
    pub code: &'static str,
    /// 解釈番号.
    pub interpretation: &'static str,
    /// Name.
    pub name: &'static str,
    /// Points.
    pub points: u32,
    /// データ区分, 2 digits.
    pub section: &'static str,
    /// Kind.
    pub kind: ActKind,
}

const fn act(
    code: &'static str,
    interpretation: &'static str,
    name: &'static str,
    points: u32,
    section: &'static str,
    kind: ActKind,
) -> Act {
    Act { code, interpretation, name, points, section, kind }
}

/// Acts; the first four are the room, a meal and two panels.
pub(crate) static ACTS: &[Act] = &[
    act("190117710", "A1001", "急性期一般入院料１", 1688, "90", ActKind::Fee),
    act("197000970", "A9700", "入院時食事療養（１）", 64, "97", ActKind::Fee),
    act("160000110", "D0001", "血液検査（まとめ）", 144, "60", ActKind::Test),
    act("160000210", "D0002", "生化学検査（まとめ）", 109, "60", ActKind::Test),
    act("160008010", "D0051", "末梢血液一般検査", 21, "60", ActKind::Test),
    act("160022510", "D0071", "ＡＳＴ", 17, "60", ActKind::Test),
    act("160020910", "D0072", "ＡＬＴ", 17, "60", ActKind::Test),
    act("160019210", "D0073", "クレアチニン", 11, "60", ActKind::Test),
    act("160019010", "D0074", "尿素窒素", 11, "60", ActKind::Test),
    act("160021410", "D0075", "ナトリウム及びクロール", 11, "60", ActKind::Test),
    act("160054710", "D0151", "Ｃ反応性蛋白（ＣＲＰ）", 16, "60", ActKind::Test),
    act("160010010", "D0059", "ＨｂＡ１ｃ", 49, "60", ActKind::Test),
    act("629900001", "F2001", "ロサルタンカリウム錠50mg", 9, "21", ActKind::Drug),
    act("629900102", "F2002", "アムロジピン錠5mg", 2, "21", ActKind::Drug),
    act("629900203", "F2003", "アトルバスタチン錠10mg", 3, "21", ActKind::Drug),
    act("629900405", "F2004", "ランソプラゾール錠15mg", 2, "21", ActKind::Drug),
    act("629900708", "F2005", "アセトアミノフェン錠200mg", 1, "21", ActKind::Drug),
    act("629901112", "F2006", "レボフロキサシン錠500mg", 7, "21", ActKind::Drug),
    act("629901213", "F2007", "髙力価プレドニゾロン散①", 4, "21", ActKind::Drug),
    act("640400001", "G1001", "生理食塩液100mL", 13, "33", ActKind::Injection),
    act("640400002", "G1002", "セフトリアキソンナトリウム静注用1g", 36, "33", ActKind::Injection),
    act("640400003", "G1003", "維持液500mL", 15, "33", ActKind::Injection),
    act("640400004", "G1004", "フロセミド注20mg", 6, "31", ActKind::Injection),
    act("640400005", "G1005", "ヘパリンナトリウム注5千単位／5mL", 16, "33", ActKind::Injection),
    act("640400006", "G1006", "アミノ酸・糖・電解質・ビタミン液", 59, "33", ActKind::Injection),
    act("170000410", "E0011", "単純撮影（胸部）写真診断", 85, "70", ActKind::Image),
    act("170011810", "E2001", "ＣＴ撮影（１６列以上６４列未満）", 900, "70", ActKind::Image),
    act(
        "170015210",
        "E2003",
        "電子画像管理加算（コンピューター断層診断料）",
        120,
        "70",
        ActKind::Image,
    ),
    act("170020110", "E2021", "ＭＲＩ撮影（１．５テスラ以上）", 1330, "70", ActKind::Image),
    act("180012810", "H0031", "呼吸器リハビリテーション料（１）", 175, "80", ActKind::Care),
    act("180044110", "H0001", "心大血管疾患リハビリテーション料（１）", 205, "80", ActKind::Care),
    act("140000610", "J0001", "創傷処置（１００ｃｍ２未満）", 52, "40", ActKind::Care),
    act("140005610", "J0241", "酸素吸入", 65, "40", ActKind::Care),
    act("113002310", "B0081", "薬剤管理指導料２", 325, "13", ActKind::Care),
    act("150253010", "K0462", "手術（各区分）", 12100, "50", ActKind::Operation),
    act("150299010", "L0081", "閉鎖循環式全身麻酔５", 6000, "54", ActKind::Operation),
];

/// Towns that do not exist.
pub(crate) const AREAS: &[&str] = &[
    "架空市中町",
    "見本区本町",
    "架空市東町",
    "例示市西",
    "見本市緑が丘",
    "架空町大字上",
    "例示区港町",
    "見本市南",
    "例示町字原",
    "架空村大字沢",
];

/// First syllables of given names.
pub(crate) const SYLLABLES: &[(&str, &str)] = &[
    ("恵", "エ"),
    ("真", "マ"),
    ("由", "ユ"),
    ("直", "ナオ"),
    ("和", "カズ"),
    ("智", "トモ"),
    ("美", "ミ"),
    ("千", "チ"),
    ("明", "アキ"),
    ("春", "ハル"),
    ("秋", "アキ"),
    ("正", "マサ"),
    ("義", "ヨシ"),
    ("文", "フミ"),
    ("幸", "ユキ"),
    ("雅", "マサ"),
    ("敏", "トシ"),
    ("克", "カツ"),
];
