//! The first page: what was promised, whether it holds and by what margin, what was left out or waived, and the five figures on
//! which a board decides.

use super::facts::{Both, Count, Facts, MeasureOf, Run, grouped};
use super::page::percent;
use crate::schema::Kind;

/// How far a release has come, and by whose word: read beside the facts, which were written before anybody signed.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The state (`Staged`, `Approved`, ...).
    pub state: Both,
    /// Who did what, and when.
    pub by: Vec<Both>,
}

/// A figure with what it means.
pub(super) struct Headline {
    pub(super) number: String,
    pub(super) what: Both,
    pub(super) means: Both,
}

/// What the first page says of a run.
pub(super) struct Verdict {
    pub(super) holds: bool,
    pub(super) sentences: Vec<Both>,
    pub(super) waived: Vec<Both>,
    pub(super) figures: Vec<Headline>,
}

/// Names in a line at most.
const MOST_NAMES: usize = 8;

/// Whether the run made this release.
pub(super) fn made(run: &Run, kind: Kind) -> bool {
    run.tables.iter().any(|table| table.releases[kind as usize].out.is_some())
}

/// The view whose smallest class has the fewest persons for the k that it was promised: its number, and that class.
fn tightest(facts: &Facts, run: &Run) -> Option<(usize, Count)> {
    let margin = |&(v, smallest): &(usize, Count)| {
        let k = facts.policy.views[v].k.max(1) as f64;
        match smallest {
            Count::Exact(persons) => persons as f64 / k,
            // One to nine: k or a little more, or it would not hold.
            Count::Few => 1.0,
        }
    };
    let all = run.views.iter().enumerate().take(facts.policy.views.len());
    // Records of before have the count of the engine alone.
    all.filter_map(|(v, view)| Some((v, view.recounted.or(view.stages[2].smallest)?)))
        .min_by(|a, b| margin(a).total_cmp(&margin(b)))
}

/// A smallest class in words: fewer than ten are not told, but k are there.
fn at_least(smallest: Count, k: u64) -> String {
    match smallest {
        Count::Exact(persons) => grouped(persons),
        Count::Few => format!("{k}–9"),
    }
}

fn few_names(names: &[String]) -> String {
    let shown = names[..names.len().min(MOST_NAMES)].join(", ");
    if names.len() > MOST_NAMES { format!("{shown}, …") } else { shown }
}

impl Verdict {
    pub(super) fn of(facts: &Facts, run: &Run) -> Verdict {
        Verdict {
            holds: !run.not_for_release && run.views.iter().all(|view| view.holds),
            sentences: sentences(facts, run),
            waived: waived(facts, run),
            figures: figures(facts, run),
        }
    }
}

fn sentences(facts: &Facts, run: &Run) -> Vec<Both> {
    let views = &facts.policy.views;
    let mut all = Vec::new();
    if run.not_for_release {
        all.push(Both::new(
            "この結果は提供できない。試験用の設定で作られたか、承認された方針によるものではない。",
            "This must not be provided: it was made with a test switch or without an approved policy.",
        ));
    }
    let failing: Vec<String> = run
        .views
        .iter()
        .zip(views)
        .filter(|(r, _)| !r.holds)
        .map(|(_, v)| v.name.clone())
        .collect();
    if !failing.is_empty() {
        let names = failing.join(", ");
        all.push(Both::new(
            format!("約束した k が満たされていないビューがある: {names}"),
            format!("The promised k does not hold in: {names}"),
        ));
    } else if let Some((v, smallest)) = tightest(facts, run) {
        let (view, count) = (&views[v], views.len());
        let persons = at_least(smallest, view.k);
        all.push(Both::new(
            format!(
                "匿名加工: 約束した k は、{count} のビュー全てで満たされている（提供するファイルから別のコードで数え直した）。最も余裕が少ないのはビュー「{}」で、k = {} に対し最小のクラスは {persons} 人。",
                view.name, view.k
            ),
            format!(
                "Anonymized: the promised k holds in all views ({count}), recounted from the released files by separate code. The tightest is `{}`: k = {}, and its smallest class has {persons} persons.",
                view.name, view.k
            ),
        ));
    } else if made(run, Kind::Anonymized) {
        all.push(Both::new(
            "匿名加工: 数えるべきクラスがない（ビューがないか、行が残っていない）。",
            "Anonymized: there is no class to count (no view, or no row is left).",
        ));
    }
    let searched = grouped(run.proof.identifiers_searched);
    all.push(Both::new(
        format!("元の識別子 {searched} 個を提供するファイルの全てのセルで探し、一つも見つからなかった。"),
        format!("Every cell of the released files was searched for {searched} source identifiers; none was found."),
    ));
    all
}

fn waived(facts: &Facts, run: &Run) -> Vec<Both> {
    let policy = &facts.policy;
    let mut all = Vec::new();
    let [pseudonymized, anonymized] = run.persons.excluded;
    if !(pseudonymized.is_zero() && anonymized.is_zero()) {
        all.push(Both::new(
            format!("除外した人（求め・通知）: 仮名加工 {pseudonymized} 人、匿名加工 {anonymized} 人"),
            format!("persons excluded (requests, notifications): pseudonymized {pseudonymized}, anonymized {anonymized}"),
        ));
    }
    let gone = run.persons.suppressed[Kind::Anonymized as usize];
    if made(run, Kind::Anonymized) && !gone.is_zero() {
        all.push(Both::new(
            format!("匿名加工で行が一つも残らない人: {gone} 人"),
            format!("persons of whom the anonymized release keeps no row: {gone}"),
        ));
    }
    if !run.rows.set_aside.is_zero() {
        all.push(Both::new(
            format!("欠陥のため取り置いた行: {} 行", run.rows.set_aside),
            format!("rows set aside for defects: {}", run.rows.set_aside),
        ));
    }
    let because: Vec<String> = policy
        .tables
        .iter()
        .flat_map(|t| t.columns.iter().map(move |c| (t, c)))
        .filter(|(_, c)| c.because.is_some())
        .map(|(t, c)| format!("{}.{}", t.name, c.shown()))
        .collect();
    if !because.is_empty() {
        let (count, names) = (because.len(), few_names(&because));
        all.push(Both::new(
            format!("理由を記して認めた列: {count}（{names}）"),
            format!("columns accepted for a stated reason: {count} ({names})"),
        ));
    }
    let open: Vec<String> =
        policy.law.iter().filter(|l| l.reason.is_some()).map(|l| l.cite.clone()).collect();
    if !open.is_empty() {
        let cites = open.join(", ");
        all.push(Both::new(
            format!("該当なしとした条項: {cites}"),
            format!("legal items said to be not applicable: {cites}"),
        ));
    }
    if run.proof.identifiers_too_short > 0 {
        let short = grouped(run.proof.identifiers_too_short);
        all.push(Both::new(
            format!("短すぎて探せない識別子: {short} 個"),
            format!("identifiers too short to search for: {short}"),
        ));
    }
    all
}

/// The share of rows that a release keeps of those that it could have.
fn kept(run: &Run, kind: Kind) -> Option<String> {
    let (out, removed) = (run.rows.out[kind as usize], run.rows.removed[kind as usize]);
    match (out, removed) {
        (Count::Exact(0), _) => None,
        (Count::Exact(out), Count::Exact(removed)) => {
            Some(percent(out as f64 / (out + removed) as f64))
        }
        (Count::Exact(out), Count::Few) => {
            Some(format!("≥ {}", percent(out as f64 / (out + 9) as f64)))
        }
        (Count::Few, _) => Some(Count::Few.to_string()),
    }
}

fn figures(facts: &Facts, run: &Run) -> Vec<Headline> {
    let none = || "–".to_owned();
    let mut all = Vec::new();
    if made(run, Kind::Pseudonymized) && !made(run, Kind::Anonymized) {
        all.push(Headline {
            number: run.persons.released[Kind::Pseudonymized as usize].to_string(),
            what: Both::new("仮名加工に含まれる人", "persons in the pseudonymized release"),
            means: Both::new("符号は本人ごとに一つ", "one token a person"),
        });
        all.push(Headline {
            number: kept(run, Kind::Pseudonymized).unwrap_or_else(none),
            what: Both::new(
                "仮名加工に残った行（取り置きと除外の後）",
                "rows kept in the pseudonymized release, after defects and exclusions",
            ),
            means: Both::new("匿名加工は作らない方針", "the policy makes no anonymized release"),
        });
    } else {
        of_anonymized(facts, run, &mut all);
    }
    if let Some(joined) = &run.joined {
        all.push(Headline {
            number: joined.replace(" %", "%"),
            what: Both::new(
                "内容だけで仮名加工の一人と結び付く人",
                "persons found one to one in the pseudonymized release by content",
            ),
            means: Both::new("同じ相手に両方を渡さない", "never give both to one recipient"),
        });
    }
    all.push(Headline {
        number: grouped(run.proof.identifiers_searched),
        what: Both::new("探した元の識別子", "source identifiers searched for"),
        means: Both::new("一つも見つからなかった", "none was found"),
    });
    all
}

fn of_anonymized(facts: &Facts, run: &Run, all: &mut Vec<Headline>) {
    let none = || "–".to_owned();
    if let Some((v, smallest)) = tightest(facts, run) {
        let k = facts.policy.views[v].k;
        all.push(Headline {
            number: at_least(smallest, k),
            what: Both::new(
                format!("最小のクラスの人数（k = {k}）"),
                format!("persons in the smallest class (k = {k})"),
            ),
            means: Both::new(
                "ビューの事実だけを知る者は、誰もこれより少ない人数には絞れない",
                "who knows the facts of a view narrows nobody down further",
            ),
        });
    }
    let persons = run.persons.released[Kind::Anonymized as usize];
    all.push(Headline {
        number: kept(run, Kind::Anonymized).unwrap_or_else(none),
        what: Both::new(
            "匿名加工に残った行（取り置きと除外の後）",
            "rows kept in the anonymized release, after defects and exclusions",
        ),
        means: if run.rows.removed[Kind::Anonymized as usize].is_zero() {
            Both::new(format!("{persons} 人"), format!("{persons} persons"))
        } else {
            Both::new(
                format!("{persons} 人。他の行は k などのために除かれた"),
                format!("{persons} persons; the other rows went for k or other limits"),
            )
        },
    });
    let unique = run.measures.iter().filter(|m| m.of == MeasureOf::UniqueWith);
    let worst = unique.max_by(|a, b| a.after.unwrap_or(0.0).total_cmp(&b.after.unwrap_or(0.0)));
    if let Some(worst) = worst {
        all.push(Headline {
            number: worst.after.map_or_else(none, percent),
            what: Both::new(
                "ほかの事実も知る者に、一人へ絞られる行（最悪の組）",
                "rows that fit one person, for who knows further facts (worst combination)",
            ),
            means: match worst.threshold.map(percent) {
                Some(limit) => Both::new(
                    format!("方針の上限 {limit}"),
                    format!("limit of the policy: {limit}"),
                ),
                None => Both::new(
                    "方針に上限なし。k の約束の外",
                    "no limit in the policy; outside the promise of k",
                ),
            },
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_persons_are_not_told() {
        assert_eq!(at_least(Count::of(12), 10), "12");
        assert_eq!(at_least(Count::of(4), 3), "3–9");
        let names: Vec<String> = (0..10).map(|n| n.to_string()).collect();
        assert_eq!(few_names(&names), "0, 1, 2, 3, 4, 5, 6, 7, …");
        assert_eq!(few_names(&names[..2]), "0, 1");
    }
}
