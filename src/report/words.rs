//! The words of the page in both languages.

use std::borrow::Cow;

use super::facts::Both;

/// The language of a page.
#[derive(Clone, Copy, Debug, Eq, PartialEq, clap::ValueEnum)]
pub enum Lang {
    /// Japanese.
    Ja,
    /// English.
    En,
    /// Japanese, then English.
    Both,
}

impl Lang {
    /// Picks the text: both are joined by ` / ` where they differ.
    #[must_use]
    pub fn pick<'a>(self, ja: &'a str, en: &'a str) -> Cow<'a, str> {
        match self {
            Lang::Ja => Cow::Borrowed(ja),
            Lang::En => Cow::Borrowed(en),
            Lang::Both if ja == en => Cow::Borrowed(ja),
            Lang::Both => Cow::Owned(format!("{ja} / {en}")),
        }
    }
    /// The same of a text in both languages.
    #[must_use]
    pub fn of(self, text: &Both) -> String {
        self.pick(&text.ja, &text.en).into_owned()
    }
    /// A word of the list; an unknown key gives itself (a test renders all pages and finds it).
    #[must_use]
    pub fn t(self, key: &str) -> Cow<'static, str> {
        find(key).map_or_else(|| Cow::Owned(key.to_owned()), |(_, ja, en)| self.pick(ja, en))
    }
    /// The value of the page's `lang` attribute.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Lang::Ja | Lang::Both => "ja",
            Lang::En => "en",
        }
    }
    /// The languages of paragraphs, one after the other.
    #[must_use]
    pub const fn each(self) -> &'static [Lang] {
        match self {
            Lang::Ja => &[Lang::Ja],
            Lang::En => &[Lang::En],
            Lang::Both => &[Lang::Ja, Lang::En],
        }
    }
}

/// The entry of a key.
#[must_use]
pub fn find(key: &str) -> Option<&'static (&'static str, &'static str, &'static str)> {
    WORDS.iter().find(|(k, ..)| *k == key)
}

/// Key, Japanese, English.
pub const WORDS: &[(&str, &str, &str)] = &[
    ("title", "加工報告書", "Processing report"),
    ("title.policy", "加工方針の説明", "Description of a policy"),
    ("title.compare", "比較報告書", "Comparison report"),
    (
        "confidential",
        "内部資料 — 加工の方法に関する情報を含む。提供先に渡さないこと。",
        "Internal — contains information on the processing method. Not for recipients.",
    ),
    ("not_for_release", "提供禁止", "NOT FOR RELEASE"),
    ("release", "リリース", "Release"),
    ("policy", "方針", "Policy"),
    ("version", "版", "version"),
    ("digest", "方針のダイジェスト（SHA3-256）", "Digest of the policy (SHA3-256)"),
    ("run", "実行（日本時間）", "Run (Japan time)"),
    ("state", "状態", "State"),
    ("by", "誰が", "By"),
    (
        "persons.all",
        "人数（読込み / 仮名加工 / 匿名加工）",
        "Persons (read / pseudonymized / anonymized)",
    ),
    ("verdict.title", "判断", "Verdict"),
    ("waived", "除いたもの・理由を付けて認めたもの", "Left out, and accepted for a stated reason"),
    ("waived.none", "ない。", "Nothing."),
    (
        "unverified",
        "このページは署名もファイルも検証しない。kakou verify で確かめる。",
        "This page verifies neither signatures nor files: kakou verify does.",
    ),
    ("annex", "付属資料", "Annex"),
    (
        "annex.text",
        "ここから先は、列・値ごとの詳細。",
        "From here on: details by column and value.",
    ),
    ("engine", "加工プログラム", "Program"),
    ("recipient", "仮名加工の提供先", "Recipient of the pseudonymized release"),
    ("tier", "匿名加工の提供先の段階", "Tier of the recipients of the anonymized release"),
    ("contents", "目次", "Contents"),
    ("warnings", "注意", "Warnings"),
    ("warnings.none", "注意はない。", "There are no warnings."),
    ("summary", "要点", "Summary"),
    ("pseudonymized", "仮名加工", "pseudonymized"),
    ("anonymized", "匿名加工", "anonymized"),
    ("source", "加工前", "before"),
    ("treated", "加工後・抑制前", "treated"),
    ("released", "提供データ", "released"),
    ("persons", "人数", "persons"),
    ("rows", "行数", "rows"),
    ("persons.unit", "人", "persons"),
    ("rows.unit", "行", "rows"),
    ("persons.read", "読み込んだ人", "persons read"),
    ("flow", "人と行の流れ", "Flow of persons and rows"),
    (
        "flow.text",
        "左が読み込んだ全体、右がそれぞれの提供データ。帯の太さは数に比例する（0でないものは見えるように最低の太さで描く）。除外は除外リスト（オプトアウト等）、抑制は加工方法または k・l の要件による。",
        "On the left everything that was read, on the right each release. The width of a band is proportional to its number (never so thin that it cannot be seen). Excluded: by an exclusion list (opt-out). Suppressed: by a treatment, or for k and l.",
    ),
    ("flow.persons", "人の流れ", "Flow of persons"),
    ("flow.rows", "行の流れ（全表の合計）", "Flow of rows (all tables together)"),
    ("flow.table", "表ごとの行数", "Rows by table"),
    ("in", "入力", "in"),
    ("excluded", "除外", "excluded"),
    ("suppressed", "抑制", "suppressed"),
    ("set_aside", "取り置き（欠陥行）", "set aside (defects)"),
    ("left_out", "表ごと除く", "table left out"),
    ("left_out.short", "除く", "left out"),
    ("in.neither", "どちらにも出さない列", "Columns in neither release"),
    ("out", "出力", "out"),
    ("table", "表", "table"),
    ("column", "列", "column"),
    ("role", "役割", "role"),
    ("type", "型", "type"),
    ("treatment", "加工", "treatment"),
    ("item", "条項", "item"),
    ("changed", "変更", "changed"),
    ("cells", "セル", "cells"),
    ("dropped", "列を削除", "left out"),
    ("reason", "理由", "reason"),
    ("risk", "リスクとしきい値", "Risk against threshold"),
    (
        "risk.text",
        "横軸は対数目盛り。白丸が加工前、黒丸が提供データ、縦線がしきい値。黒丸が縦線の左か線上にあれば要件を満たす。",
        "Logarithmic scale. Hollow circle: before; filled circle: released; vertical mark: threshold. The requirement holds if the filled circle is left of the mark or on it.",
    ),
    ("measure", "尺度", "measure"),
    ("place", "対象", "where"),
    ("before", "加工前", "before"),
    ("after", "提供データ", "released"),
    ("threshold", "しきい値", "threshold"),
    ("verdict", "判定", "verdict"),
    ("holds", "満たす", "holds"),
    ("fails", "満たさない", "does not hold"),
    ("none_set", "しきい値なし", "no threshold"),
    ("not_available", "得られない", "not available"),
    ("classes", "同値クラスの大きさ（ビュー別）", "Sizes of equivalence classes, by view"),
    (
        "classes.text",
        "同じ準識別子の組を持つ人数ごとの、人の分布。破線より上（k 人未満のクラス）の人は一意に近く、提供データでは0でなければならない。人数は一つのクラスの中では同一人を一度だけ数える（複数のクラスに行がある人はそれぞれで数える）。",
        "How many persons are in classes of which size (persons with the same quasi-identifiers). Above the dashed line classes have fewer than k persons: there must be nobody in the released data. Within a class a person is counted once (a person with rows in several classes counts in each).",
    ),
    ("class.size", "クラスの人数", "persons in class"),
    ("view", "ビュー", "View"),
    ("quasi", "準識別子", "Quasi-identifiers"),
    ("sensitive", "機微属性（l）", "Sensitive (l)"),
    ("unit.of", "数える単位", "Rows counted"),
    ("n.classes", "クラス数", "classes"),
    ("smallest", "最小クラス", "smallest class"),
    ("below_k", "k 未満のクラスにいる割合", "share in classes below k"),
    ("average", "平均リスク", "average risk"),
    ("l.poorest", "最少の l", "poorest l"),
    ("at_least", "以上", "at least"),
    ("strata", "誰が抑制されたか（匿名加工）", "Who was suppressed (anonymized)"),
    (
        "strata.text",
        "元の値で分けた群ごとの、削除または空欄にされた行の割合。特定の年齢・性別・施設に偏っていれば、提供データはその群を過小に代表する。白抜きの棒は10行未満で、その上限を示す。10人未満の群はまとめた。",
        "By groups of the source values: the share of rows removed or blanked. If it is concentrated on an age, a sex or a facility, the release represents that group less than it should. A hollow bar stands for fewer than ten rows and shows their upper bound. Groups of fewer than ten persons are pooled.",
    ),
    ("strata.none", "抑制された行はない。", "No rows were suppressed."),
    ("share_gone", "抑制された行の割合", "share of rows suppressed"),
    ("rows_gone", "抑制された行", "rows suppressed"),
    ("persons_gone", "影響を受けた人", "persons affected"),
    ("age", "年齢", "age"),
    ("tradeoff", "探索の損失曲線", "The search's trade-off"),
    (
        "tradeoff.text",
        "方針が許す水準の組合せごとの情報の損失。黒く塗った点が選ばれたもの。",
        "The loss of information of the combinations of levels that the policy offers. The filled square is the one that was taken.",
    ),
    ("chosen", "採用", "taken"),
    ("columns", "列ごとの加工", "Columns and treatments"),
    (
        "columns.text",
        "全ての列の役割、二つのリリースでの加工、その根拠となる条項（規則18条: 匿名加工、規則33条: 仮名加工）。割合は対象者のセルのうち変更・抑制されたもの。",
        "Every column with its role, its treatment in both releases and the legal items that it answers (規則18条: anonymized, 規則33条: pseudonymized). Shares: cells of the release's persons that were changed or suppressed.",
    ),
    ("distributions", "列ごとの分布", "Distributions by column"),
    (
        "distributions.text",
        "10人以上が持つ値だけを示し、残りは「その他」にまとめる。カテゴリは人数、数値と日付は行数（「a – b」は a 以上 b 未満）。「<10」はその値を持つ人が10人未満、「その他」の「≥ 10」はまとめた値を持つ人が10人以上であることを示す。棒の長さはその側の最大に対する比。識別子・符号・自由記載の列は示さない。",
        "Only values held by at least ten persons; the rest is pooled as “other”. Categories count persons, numbers and dates count rows (“a – b”: from a to below b). “<10”: fewer than ten persons hold it; “≥ 10” for “other”: at least ten persons hold one of the pooled values. Bars are relative to the largest of their column. Identifiers, codes that link and free text are not shown.",
    ),
    ("too_many", "値の種類が多すぎるため図はない。", "Too many different values for a picture."),
    (
        "no_room",
        "ページの大きさの都合で図を省いた列",
        "Columns without a picture, to keep the page small",
    ),
    ("same_as_source", "変更なし（加工前と同じ）", "unchanged"),
    ("law", "法令の条項ごとの対応", "Legal items"),
    ("law.asks", "求めるもの", "asks for"),
    ("law.answer", "対応", "answer"),
    ("law.columns", "列", "columns"),
    ("law.not_applicable", "該当なし", "not applicable"),
    ("law.open", "対応する列がない", "nothing answers it"),
    ("proof", "検証", "Proof"),
    (
        "proof.text",
        "両リリースのファイルを書き終えた後に別のコードで読み直し、k・l と人数を数え直し、元の識別子が一つも残っていないことを確かめた。",
        "After both releases were written, their files were read again by separate code: k, l and persons were counted again, and no source identifier was found in any cell.",
    ),
    ("proof.identifiers", "探した識別子", "identifiers searched for"),
    ("proof.short", "短すぎて探せない識別子", "identifiers too short to search for"),
    ("proof.cells", "調べた異なるセル", "distinct cells searched"),
    ("other", "その他", "other"),
    ("other.kinds", "種", "values"),
    ("missing", "欠測", "missing"),
    ("outside", "範囲外", "outside"),
    ("year_suffix", "年", ""),
    ("page.notes", "読み方", "How to read this"),
    (
        "notes.small",
        "1〜9 の人数・行数は全て「<10」と表示する。元の数はこのファイルにも report.json にも含まれない。",
        "Counts of persons and rows from 1 to 9 are shown as “<10”. The numbers themselves are neither in this page nor in report.json.",
    ),
    (
        "notes.persons",
        "k、l および「10人以上」は延べ件数ではなく異なる人で数える。欠測と特別な値はそれぞれ一つの区分である。",
        "k, l and “at least ten” count distinct persons, not rows. Missing and special values are categories of their own.",
    ),
    ("compare.a", "A（基準）", "A (base)"),
    ("compare.b", "B（比較対象）", "B"),
    ("compare.policy", "方針の違い", "Differences of the policies"),
    ("compare.same_policy", "方針の内容は同じである。", "The policies say the same."),
    ("compare.what", "項目", "item"),
    ("compare.numbers", "数の比較", "Numbers"),
    ("compare.views", "ビューごとの比較", "Views"),
    (
        "compare.distance",
        "分布の違い（匿名加工、全変動距離）",
        "Distance of distributions (anonymized, total variation)",
    ),
    (
        "compare.distance.text",
        "同じ列の匿名加工後の分布が A と B でどれだけ違うか。0 は同じ、1 は重なりがない。10人以上が持つ値と区分だけで測る。",
        "How much the anonymized distribution of a column differs between A and B: 0 is the same, 1 no overlap. Measured on the shown groups only.",
    ),
    ("compare.added", "追加", "added"),
    ("compare.removed", "削除", "removed"),
    ("compare.difference", "差", "difference"),
    ("x.title", "水準の検討", "Exploring levels"),
    ("x.objective", "損失の尺度", "Measure of loss"),
    ("x.combinations", "計算した組合せ / 方針が挙げる組合せ", "Combinations evaluated / offered"),
    (
        "x.text",
        "方針が匿名加工に挙げる水準（階級の幅、日付の単位、地域の粗さなど）を決める前に、どの組合せで何が残り、誰が失われるかを見る。何も公開されず、鍵も残らない。",
        "Before levels are decided (widths of bands, units of dates, sizes of areas): what stays and who would be lost with each combination that the policy offers for the anonymized release. Nothing was released and no key was left.",
    ),
    (
        "x.refused",
        "この方針のままの実行は拒否される",
        "A run of this policy as it is would be refused",
    ),
    (
        "x.subset",
        "組合せが多すぎるため、一部だけを計算した。最初に示す組合せ、その隣、そこから一列だけを変えた組合せは全て含まれる。計算していない組合せではその旨を表示する。",
        "There are too many combinations: a part of them was evaluated. The one shown first, its neighbours and every change of a single column from it are among them. Where a combination was not evaluated, the page says so.",
    ),
    (
        "x.rejected",
        "可能に見えるが、表どうしの関係や下限を合わせると削除が多すぎた組合せの数:",
        "Combinations that look possible, but of which too many rows go once all tables and floors are taken together:",
    ),
    (
        "x.noscript",
        "このブラウザではスクリプトが動かないため、スライダーと図は表示されない。下の表に、他の組合せに両面で劣らない組合せを示す。",
        "Without scripts there are no sliders and no picture. The table below has the combinations that no other one beats.",
    ),
    ("x.choose", "水準を選ぶ", "Choose levels"),
    (
        "x.choose.text",
        "スライダーを動かすと数字がすぐに変わる。右へ行くほど粗い。赤い行は、方針が許す数を超えて行が削除されるビュー。",
        "Move a slider and the figures follow. To the right is coarser. Red: a view that would lose more rows than the policy allows.",
    ),
    ("x.back", "最初の組合せに戻す", "Back to the first combination"),
    ("x.picture", "損失と残る行", "Loss against rows kept"),
    (
        "x.picture.text",
        "点は一つの組合せ。右ほど行が多く残り、下ほど情報の損失が小さい。緑の線上はどの組合せにも両面で劣らない。青は可能、灰色は削除が多すぎる。四角は最初の組合せ、赤い輪は今の選択。点に触れると内容、押すと選択。",
        "A point is a combination. Further right more rows stay, further down less information is lost. Nothing beats those on the green line in both. Blue is possible, grey loses too many rows. The square is the first combination, the red ring your choice. Point at one to read it, click to take it.",
    ),
    ("x.steps", "一段変えるといくらか", "What one step costs"),
    (
        "x.steps.text",
        "今の選択から一つの列を一段だけ細かく、または粗くしたとき。括弧内は損失の差。",
        "One column one level finer or coarser than your choice. In brackets: the difference of the loss.",
    ),
    ("x.lost", "誰が失われるか", "Who would be lost"),
    (
        "x.lost.text",
        "値を持つ人と、そのうち行が一つでも削除される人。10人以上が持つ値だけを示し、残りはまとめる。特定の群に偏っていれば、提供データはその群を過小に代表する。",
        "Persons who show a value, and those of them of whom a row would go. Only values of at least ten persons; the rest is pooled. If it falls on one group, the release represents that group less than it should.",
    ),
    (
        "x.lost.unknown",
        "この内訳は最初の組合せとその隣（一列を一段変えたもの）だけについて計算してある。",
        "This is told for the first combination and its neighbours (one column, one level) only.",
    ),
    ("x.toml", "方針への書き方", "For the policy"),
    (
        "x.toml.text",
        "選んだ水準。方針の末尾に貼るか、extends で方針を継承する新しいファイルに書く（前に貼ったものがあれば置き換える）。kakou check で確かめられる。",
        "The levels of your choice. Paste it at the end of the policy, or write it into a new file that extends the policy (it replaces an older one). kakou check looks at it.",
    ),
    ("x.copy", "コピー", "Copy"),
    ("x.copied", "コピーしました。", "Copied."),
    ("x.marked", "選択しました。Ctrl+C でコピーしてください。", "Marked: copy it with Ctrl+C."),
    ("x.front", "どの組合せにも劣らないもの", "What nothing beats"),
    (
        "x.front.text",
        "これより多くの行を残し、かつ損失の小さい組合せはない（全ビューの合計）。行を押すとその組合せを選ぶ。",
        "No combination keeps more rows (all views together) and loses less. Click a row to take it.",
    ),
    ("x.thinned", "数が多いため間引いて示す。", "There are many: some of them are shown."),
    ("x.run", "実行したときの結果（最初の組合せ）", "What a run would give (first combination)"),
    (
        "x.run.text",
        "上の数字はビューごとに数えたもの。実行では、別のビューや下限のために除かれる行も加わる。ここはその全てを含む。",
        "The figures above count each view by itself. In a run, rows go with other views and for floors too; they are all in these.",
    ),
    (
        "x.notes",
        "損失は方針の目的関数の値で、小さいほどよい。k は異なる人で数える。「削除前の k」は最も小さい群の人数、群が k 人に足りない行と、方針の他の条件（l など）を満たさない行が削除される。「全て失う人」はそのビューの行が一つも残らない人。",
        "Loss is the figure of the policy's objective; less is better. k counts distinct persons. “k before” is the smallest group; rows of groups with fewer than k persons go, and those of groups for which something else that the policy asks (such as l) does not hold. “Lost wholly”: persons of whom the view keeps no row.",
    ),
    (
        "x.notes.small",
        "1〜9 の人数・行数は「<10」と表示し、元の数はこのファイルに含まれない。図では 10 として描く。",
        "Counts of 1 to 9 persons or rows are shown as “<10”; the numbers are not in this file. In the picture they are drawn as ten.",
    ),
    ("x.loss", "損失", "loss"),
    ("x.gone", "削除行: ", "rows lost: "),
    ("x.persons_of", "全て失う人: ", "lost wholly: "),
    ("x.rows_gone", "削除される行", "rows lost"),
    ("x.persons_lost", "全て失う人", "persons lost wholly"),
    ("x.kept", "残る行", "rows kept"),
    ("x.k_asked", "求める k", "k asked"),
    ("x.k_before", "削除前の k", "k before"),
    ("x.k_after", "達した k", "k reached"),
    ("x.other", "うち k 以外の条件", "not for k"),
    ("x.ok", "可能", "possible"),
    ("x.too_much", "削除が多すぎる", "too many rows lost"),
    ("x.ok_all", "方針の範囲で可能", "Possible within the policy"),
    ("x.fails_all", "方針の許す削除を超える", "More rows lost than the policy allows"),
    ("x.limit", "上限", "limit"),
    ("x.start", "最初の組合せ", "first combination"),
    ("x.take", "選ぶ", "take"),
    ("x.change", "変更", "change"),
    ("x.unknown", "この組合せは計算していない", "This combination was not evaluated"),
    ("x.labels", "値 {} 種", "{} different values"),
    ("x.finer", "細かい", "finer"),
    ("x.coarser", "粗い", "coarser"),
    ("x.all", "全て", "all together"),
    ("x.comma", "、", ", "),
    ("x.axis.kept", "残る行の割合", "share of rows kept"),
    ("x.value", "値", "value"),
    ("x.share", "割合", "share"),
    ("x.level.years", "{} 歳幅", "{} years"),
    ("x.level.width", "幅 {}", "width {}"),
    ("x.level.full", "そのまま", "as it is"),
    ("x.level.all", "区別なし", "one value for all"),
    ("x.level.day", "日", "day"),
    ("x.level.month", "月", "month"),
    ("x.level.quarter", "四半期", "quarter"),
    ("x.level.half", "半期", "half-year"),
    ("x.level.year", "年", "year"),
    ("x.level.fiscal_year", "年度", "fiscal year"),
    ("x.level.municipality", "市区町村", "municipality"),
    ("x.level.prefecture", "都道府県", "prefecture"),
    ("x.level.region", "地方", "region"),
    ("skip", "本文へ", "Skip to the content"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_there_once() {
        let mut keys: Vec<&str> = WORDS.iter().map(|w| w.0).collect();
        keys.sort_unstable();
        assert!(keys.windows(2).all(|w| w[0] != w[1]));
        assert_eq!(Lang::Both.t("table"), "表 / table");
    }
}
