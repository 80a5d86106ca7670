//! Statutory papers made from the ledger, a release or a policy: the book (規則12条), counts for a leak report (規則23条), the
//! publication of items (個情法43条3項), the table of processing methods (加工方法一覧). Markdown for people, CSV for Excel.

use clap::ValueEnum as _;
use serde_json::Value;

use super::ledger::{Book, EntryKind, retention_until};
use super::statement::Statement;
use super::told::Fact;
use crate::error::{Error, Result};
use crate::law::Profile;
use crate::plan::Plan;
use crate::say;
use crate::schema::Kind;

/// A table for people and for spreadsheets.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paper {
    /// The heading.
    pub title: String,
    /// Paragraphs before the table.
    pub text: Vec<String>,
    /// Column heads.
    pub head: Vec<String>,
    /// Rows.
    pub rows: Vec<Vec<String>>,
}

impl Paper {
    /// As Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let cell = |text: &str| text.replace('|', "｜").replace('\n', "<br>");
        let line = |cells: &[String]| {
            format!("| {} |\n", cells.iter().map(|c| cell(c)).collect::<Vec<_>>().join(" | "))
        };
        let mut text = format!("# {}\n\n", self.title);
        for paragraph in &self.text {
            text.push_str(&format!("{paragraph}\n\n"));
        }
        if !self.head.is_empty() {
            text.push_str(&line(&self.head));
            text.push_str(&line(&vec!["---".to_owned(); self.head.len()]));
            self.rows.iter().for_each(|row| text.push_str(&line(row)));
        }
        text
    }
    /// As CSV with a byte order mark, as Excel wants it.
    ///
    /// # Errors
    /// If a row cannot be written.
    pub fn csv(&self) -> Result<Vec<u8>> {
        let failed = |_| Error::environment("X0411", say!("a row of a paper cannot be written"));
        let mut writer = csv::WriterBuilder::new()
            .terminator(csv::Terminator::CRLF)
            .from_writer(vec![0xEF, 0xBB, 0xBF]);
        writer.write_record(&self.head).map_err(failed)?;
        for row in &self.rows {
            writer.write_record(row).map_err(failed)?;
        }
        writer
            .into_inner()
            .map_err(|_| Error::environment("X0411", say!("a paper cannot be written")))
    }
}

fn owned(words: &[&str]) -> Vec<String> {
    words.iter().map(|w| (*w).to_owned()).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `table: a, b; table: c` from a map of tables to items.
fn items(value: &Value) -> String {
    match value {
        Value::Object(tables) => tables
            .iter()
            .map(|(table, columns)| {
                let columns: Vec<String> =
                    columns.as_array().into_iter().flatten().map(text).collect();
                format!("{table}: {}", columns.join("、"))
            })
            .collect::<Vec<_>>()
            .join("；"),
        Value::Array(all) => all.iter().map(text).collect::<Vec<_>>().join("、"),
        other => text(other),
    }
}

/// Whether a provision was made: entries of older programs have no state.
fn given(body: &Value) -> bool {
    body["state"].is_null() || body["state"] == "done"
}

/// The book that 法14条 and 規則12条 ask for: provisions and deletions, each to be kept for three years.
#[must_use]
pub fn book(ledger: &Book) -> Paper {
    let mut rows = Vec::new();
    for entry in &ledger.entries {
        let body = &entry.body;
        let fact = fact_of(body);
        let word = fact.map_or(entry.kind.ja(), Fact::ja);
        let giver = match fact {
            Some(Fact::Onward) => {
                format!("{} {}", text(&body["from"]["name"]), text(&body["from"]["address"]))
            }
            _ => String::new(),
        };
        // Who received, or where somebody else gave it to the house, who gave.
        let party = [&body["recipient"], &body["to"], &body["from"]];
        let party = party.into_iter().find(|p| !p.is_null()).unwrap_or(&Value::Null);
        let mut row = |release: String, term: String, when: &Value, told: String| {
            let when = text(when);
            rows.push(vec![
                entry.index.to_string(),
                entry.at.clone(),
                word.to_owned(),
                release,
                term,
                text(&party["name"]),
                text(&party["address"]),
                text(&party["representative"]),
                text(&body["recipient"]["certification"]),
                text(&body["recipient"]["contract"]),
                if when.is_empty() { entry.at.clone() } else { when },
                told,
                text(&body["method"]),
                giver.clone(),
                retention_until(&entry.at).unwrap_or_default(),
            ]);
        };
        match entry.kind {
            // Of a package's two entries the second says that it was given.
            EntryKind::Provision if given(body) => {
                row(
                    text(&body["release"]),
                    text(&body["term"]),
                    &body["providedAt"],
                    items(&body["items"]),
                );
            }
            EntryKind::Destruction => {
                row(text(&body["release"]), String::new(), &body["destroyedAt"], "鍵".to_owned());
            }
            // What no program saw: the entry says who says so.
            EntryKind::Told if fact.is_some_and(|f| !matches!(f, Fact::Intake | Fact::Stop)) => {
                row(
                    text(&body["release"]),
                    text(&body["kind"]),
                    &body["on"],
                    items(&body["items"]),
                );
            }
            EntryKind::Reveal => {
                row(text(&body["release"]), String::new(), &Value::Null, text(&body["article"]))
            }
            // A deletion has two entries; only the second says that it was done. One row for each release and kind.
            EntryKind::Deletion if body["state"] == "done" => {
                let when = &body["deletedAt"];
                for release in body["releases"].as_array().into_iter().flatten() {
                    for told in release["releases"].as_object().into_iter().flat_map(|r| r.values())
                    {
                        row(
                            text(&release["release"]),
                            text(&told["kind"]),
                            when,
                            items(&told["items"]),
                        );
                    }
                }
                for source in body["sources"].as_array().into_iter().flatten() {
                    row(String::new(), text(&source["what"]), when, items(&source["items"]));
                }
                if body["keys"].as_array().is_some_and(|keys| !keys.is_empty()) {
                    row(String::new(), String::new(), when, "鍵".to_owned());
                }
            }
            _ => {}
        }
    }
    Paper {
        title: format!("帳簿（{}）", ledger.origin),
        text: vec![
            "次世代医療基盤法14条・施行規則12条（仮名加工は規則37条による準用）による記載事項。台帳から作成。記載の日から3年間保存する（規則12条3項）。".to_owned(),
        ],
        head: owned(&[
            "番号", "記載日時", "区分", "提供番号", "情報の種類", "相手方の氏名又は名称", "相手方の住所", "代表者", "認定番号", "契約", "提供・消去の年月日", "項目", "提供の方法", "提供元（取扱事業者間）", "保存期限",
        ]),
        rows,
    }
}

fn fact_of(body: &Value) -> Option<Fact> {
    let word = body["fact"].as_str()?;
    Fact::value_variants().iter().copied().find(|f| f.word() == word)
}

/// The records of what was taken in (法55条3項, 規則57条).
#[must_use]
pub fn intake(ledger: &Book) -> Paper {
    let rows = told(ledger, Fact::Intake).map(|(at, body)| {
        vec![
            at,
            text(&body["on"]),
            text(&body["from"]["name"]),
            text(&body["from"]["address"]),
            text(&body["how"]),
            items(&body["items"]),
            text(&body["persons"]),
            text(&body["reference"]),
            text(&body["published"]),
            text(&body["toldBy"]),
        ]
    });
    Paper {
        title: format!("医療情報の受領の記録（{}）", ledger.origin),
        text: vec![
            "法55条3項・施行規則57条による記録事項のうち台帳にあるもの。本人の氏名その他本人を特定するに足りる事項は台帳に書かず、「本人の一覧の所在」にある名簿に置く。保存期間は記録の日から3年（反復して受ける場合の一括の記録は、最後に提供を受けた日から3年）。台帳の外で起きたことであり、各行は「申告者」の申告による。".to_owned(),
        ],
        head: owned(&[
            "記載日時", "受領の年月日", "提供者の氏名又は名称", "提供者の住所", "取得の経緯", "項目", "本人の数", "本人の一覧の所在", "公表・届出", "申告者",
        ]),
        rows: rows.collect(),
    }
}

/// The records of requests to stop (法53条, 規則51条).
#[must_use]
pub fn stops(ledger: &Book) -> Paper {
    let rows = told(ledger, Fact::Stop).map(|(at, body)| {
        vec![
            text(&body["on"]),
            text(&body["how"]),
            text(&body["reference"]),
            text(&body["stoppedOn"]),
            text(&body["paperOn"]),
            text(&body["toldBy"]),
            retention_until(&at).unwrap_or_default(),
            at,
        ]
    });
    Paper {
        title: format!("停止の求めの記録（{}）", ledger.origin),
        text: vec![
            "法53条・施行規則51条による記録事項。求めた者の氏名は台帳に書かず、「求めた者を示す書面」にある。各行は「申告者」の申告による。".to_owned(),
        ],
        head: owned(&[
            "求めを受けた年月日", "求めの方法", "求めた者を示す書面", "停止した年月日", "書面を交付した年月日", "申告者", "保存期限", "記載日時",
        ]),
        rows: rows.collect(),
    }
}

fn told(ledger: &Book, fact: Fact) -> impl Iterator<Item = (String, &Value)> {
    let of =
        move |e: &&super::ledger::Entry| e.kind == EntryKind::Told && e.body["fact"] == fact.word();
    ledger.entries.iter().filter(of).map(|e| (e.at.clone(), &e.body))
}

/// What a report of a leak says (規則23条), in its order, and where the ledger knows it.
const LEAK_ITEMS: [(&str, Option<&str>); 9] = [
    ("概要", None),
    (
        "漏えい等が発生し、又は発生したおそれがある情報の項目",
        Some("下の表の「項目」（該当する提供番号の行）"),
    ),
    (
        "漏えい等が発生し、又は発生したおそれがある情報に係る本人の数",
        Some("下の表の「本人の数」（該当する提供番号の行）"),
    ),
    ("原因", None),
    ("二次被害又はそのおそれの有無及びその内容", None),
    ("本人への対応の実施状況", None),
    ("公表の実施状況", None),
    ("再発防止のための措置", None),
    ("その他参考となる事項", Some("下の表の「提供先」のほか［記入］")),
];

/// The draft of a report of a leak (規則23条): its nine items, with the items and the number of persons of every release that was
/// made, and the terms. Confidential.
#[must_use]
pub fn leak(ledger: &Book) -> Paper {
    let mut rows = Vec::new();
    // A run that ended after its entry made no release.
    for entry in ledger.runs() {
        for (kind, told) in entry.body["releases"].as_object().into_iter().flatten() {
            let release = text(&entry.body["release"]);
            let given: Vec<String> = ledger
                .entries
                .iter()
                .filter(|e| {
                    e.kind == EntryKind::Provision
                        && given(&e.body)
                        && e.body["release"] == release.as_str()
                        && e.body["kind"] == kind.as_str()
                })
                .map(|e| text(&e.body["recipient"]["name"]))
                .collect();
            rows.push(vec![
                release,
                text(&told["kind"]),
                text(&told["persons"]),
                items(&told["items"]),
                given.join("、"),
            ]);
        }
    }
    let mut paragraphs = vec![
        "法26条、施行規則22条・23条の報告の下書き。帳簿が知る事項は下の表にあり、そのほかは事業者が書く。本人の数は正確な値であり、事業者の内部の記録に属する。".to_owned(),
        "期限: 速報は知った後速やかに（その時点で把握している事項）。確報は知った日から30日以内、不正の目的をもって行われたおそれがある場合は60日以内。".to_owned(),
    ];
    paragraphs.extend(
        LEAK_ITEMS.iter().enumerate().map(|(n, (item, known))| {
            format!("{}. {item}: {}", n + 1, known.unwrap_or("［記入］"))
        }),
    );
    Paper {
        title: "漏えい等報告のための件数一覧".to_owned(),
        text: paragraphs,
        head: owned(&["提供番号", "情報の種類", "本人の数", "項目", "提供先"]),
        rows,
    }
}

/// The publication of items (個情法43条3項, 規則36条) from the confidential statement of a release.
///
/// # Errors
/// If the profile is not that of anonymized information under the 個人情報保護法.
pub fn publication(statement: &Statement, method: Option<&str>) -> Result<Paper> {
    let profile @ (Profile::Appi | Profile::AppiPublic) = statement.profile else {
        return Err(Error::refused(
            "R0510",
            say!(
                "only 匿名加工情報 under the 個人情報保護法 is published by its items; 次世代医療基盤法19条3項 excludes that publication"
            ),
        ));
    };
    let tables = statement.structure[Kind::Anonymized].tables.iter();
    let rows = tables
        .flat_map(|table| {
            let items = table.columns.iter().filter(|c| !c.token);
            items.map(|column| vec![table.name.clone(), column.name.clone()])
        })
        .collect();
    let (cite, term) = match profile {
        Profile::AppiPublic => ("個人情報保護法109条・施行規則", profile.term(Kind::Anonymized)),
        _ => ("個人情報保護法43条3項・施行規則36条", profile.term(Kind::Anonymized)),
    };
    Ok(Paper {
        title: format!("{term}に含まれる個人に関する情報の項目"),
        text: vec![
            format!("{cite}に基づき、次の{term}を作成したので、含まれる項目を公表します。"),
            "作成の方法: 施行規則で定める基準に従い、個人を識別できる記述等及び個人識別符号の全部を削除し、特異な記述等を削除又は置換し、データベースの性質に応じた措置を講じました。".to_owned(),
            format!("第三者に提供する場合の提供の方法（個人情報保護法43条4項による公表事項）: {}", method.unwrap_or("［記入］")),
        ],
        head: owned(&["表", "項目"]),
        rows,
    })
}

/// The table of processing methods of a policy (加工方法一覧), for the application and the house. Confidential: it is
/// 加工の方法に関する情報.
#[must_use]
pub fn methods(plan: &Plan) -> Paper {
    let mut rows = Vec::new();
    for table in &plan.tables {
        for column in &table.columns {
            let facts = &column.facts;
            let told = |kind: Kind| {
                let treatment = &column.treatment(kind).treatment;
                let items: Vec<&str> = treatment
                    .doc()
                    .items
                    .iter()
                    .filter(|i| crate::law::Item::of(kind).contains(i))
                    .map(|&i| plan.profile.cite(i))
                    .collect();
                (treatment.describe().0, items.join("、"))
            };
            let (pseudonymized, pseudonymized_items) = told(Kind::Pseudonymized);
            let (anonymized, anonymized_items) = told(Kind::Anonymized);
            rows.push(vec![
                table.name.as_str().to_owned(),
                facts.column.as_str().to_owned(),
                facts.role.ja().to_owned(),
                pseudonymized,
                pseudonymized_items,
                anonymized,
                anonymized_items,
                column.reason.as_ref().map_or(String::new(), |r| r.as_str().to_owned()),
            ]);
        }
    }
    Paper {
        title: format!("加工方法一覧（{} {}）", plan.id, plan.version),
        text: vec![format!(
            "仮名: {}。匿名: {}。この一覧は加工の方法に関する情報であり、提供先に渡さない（法30条1項）。",
            plan.profile.term(Kind::Pseudonymized),
            plan.profile.term(Kind::Anonymized)
        )],
        head: owned(&[
            "表",
            "列",
            "区分",
            "仮名加工の方法",
            "仮名加工の根拠",
            "匿名加工の方法",
            "匿名加工の根拠",
            "理由",
        ]),
        rows,
    }
}
