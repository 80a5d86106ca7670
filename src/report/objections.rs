//! Exclusion lists and the eligibility file on the page: whom they match, and who is left out for which reason.

use super::facts::{Both, Extra, Section, Warning};
use crate::engine::Made;
use crate::engine::exclude::{Lists, Why};
use crate::error::small;
use crate::schema::Kind;
use crate::text::date;

/// Adds what there is to the report of a run.
pub fn add(extra: &mut Extra, lists: &Lists, made: &Made) {
    for (code, en, ja) in lists.warnings() {
        extra
            .warnings
            .push(Warning { code: code.to_owned(), text: Both::new(ja.as_str(), en.as_str()) });
    }
    if !lists.lists.is_empty() {
        extra.sections.push(of_lists(lists));
    }
    if let Some(section) = of_eligibility(lists, made) {
        extra.sections.push(section);
    }
}

fn of_lists(lists: &Lists) -> Section {
    let rows = lists.lists.iter().enumerate().map(|(at, list)| {
        let kinds: Vec<&str> = list.kinds.iter().map(|k| k.ja()).collect();
        let spelled: usize = list.roll.spelled().iter().map(|(_, lines)| lines.len()).sum();
        vec![
            (at + 1).to_string(),
            kinds.join("、"),
            list.roll.len().to_string(),
            small(list.roll.matched()).to_string(),
            list.roll.unmatched().len().to_string(),
            spelled.to_string(),
            list.unusable.len().to_string(),
        ]
    });
    Section {
        annex: false,
        title: Both::new("除外リスト", "Exclusion lists"),
        text: vec![Both::new(
            "誰とも一致しない行は、除外されなかった求めかもしれません。番号の書き方と、対象のファイルを確かめてください。",
            "A line that matches nobody may be a request that was not kept: look at how the number is written and which files were read.",
        )],
        head: vec![
            Both::new("リスト", "list"),
            Both::new("対象", "for"),
            Both::new("記載", "named"),
            Both::new("一致した人", "matched"),
            Both::new("一致しない行", "matches nobody"),
            Both::new("書き方の違う行", "spelled otherwise"),
            Both::new("番号でない行", "no identifier"),
        ],
        rows: rows.collect(),
    }
}

fn of_eligibility(lists: &Lists, made: &Made) -> Option<Section> {
    let file = lists.eligibility.as_ref()?;
    let day = date::date_of(file.as_of).map(|d| d.format("%Y-%m-%d").to_string());
    let day = day.unwrap_or_default();
    let count = |kind: Kind, why: Option<Why>| {
        let found = &made.intake.why[kind];
        small(match why {
            Some(why) => found[why as usize],
            None => made.intake.persons.saturating_sub(found.iter().sum()),
        })
        .to_string()
    };
    let line = |name: String, why: Option<Why>| {
        let mut row = vec![name];
        row.extend(Kind::BOTH.iter().map(|&kind| count(kind, why)));
        row
    };
    let mut rows = vec![line("対象 / eligible".to_owned(), None)];
    for why in Why::ALL {
        let [ja, en] = why.told();
        rows.push(line(format!("{ja} / {en}"), Some(why)));
    }
    Some(Section {
        annex: false,
        title: Both::new("通知と停止の求め", "Notifications and requests to stop"),
        text: vec![Both::new(
            format!(
                "適格者ファイルによる判定（法52条・56条・57条）。基準日 {day}、通知から {} 日以上。入力の誰とも一致しない記載 {} 人。複数の理由がある人は、上の理由に数えます。",
                file.notice_days,
                file.roll.unmatched().len()
            ),
            format!(
                "By the eligibility file (Act, articles 52, 56, 57), as of {day}, at least {} days after the notification. {} persons of the file match nobody in the input. A person with several reasons counts under the first.",
                file.notice_days,
                file.roll.unmatched().len()
            ),
        )],
        head: vec![
            Both::new("理由", "reason"),
            Both::new("仮名加工（人）", "pseudonymized (persons)"),
            Both::new("匿名加工（人）", "anonymized (persons)"),
        ],
        rows,
    })
}
