//! Days and months of the calendar in text: what would tell by how much the dates beside it were moved.
//!
//! What is a date alone (2024年4月12日, R6.4.12, 25.02.27, 四月三日, 7-May-24) goes wherever it stands. What may be something else
//! is judged by its neighbours: `5/7` is a day unless a unit of doses stands behind it (1/2錠) or a scale before it (MMT 4/5);
//! three numbers with hyphens (24-05-07) only in two digits each, because doses of insulin are written `6-4-6`; six digits
//! (240507) only if they are a day of the years 01 to 35; `5-7` before a weekday or a word as 入院, `5.7` so only behind a mark.
//! What is counted from an event (術後3日, 第3日) is a length of time; R5-6肋骨 and S5-6 are places of the body, no months of an era.

use super::birth_date::{can_begin, day_from};
use crate::text::date;
use crate::text::spelled::{self, Form, Spelled};

/// The longest year and month: 令和12年12月 in bytes, with blanks.
const LONGEST: usize = 24;
/// What stands behind a number of days that is a length of time (3日間, 3日後).
const LENGTHS: &[&str] = &[
    "間",
    "後",
    "前",
    "目",
    "分",
    "毎",
    "以",
    "ぶり",
    "連",
    "おき",
    "程",
    "ほど",
    "くらい",
    "ぐらい",
];

fn number(text: &str, at: usize, most: u32) -> Option<(usize, u32)> {
    let digits = text[at..].bytes().take_while(u8::is_ascii_digit).count();
    let number = text.get(at..at + digits).filter(|t| (1..=2).contains(&t.len()))?.parse().ok()?;
    (1..=most).contains(&number).then_some((at + digits, number))
}

/// A year with its month: 2024年4月, R6.4, 2024/04, 202404.
fn month_of_year(text: &str, start: usize) -> Option<usize> {
    let rest = &text[start..];
    let ends = rest.char_indices().map(|(at, c)| at + c.len_utf8()).take_while(|&at| at <= LONGEST);
    let mut ends: Vec<usize> = ends.collect();
    ends.reverse();
    ends.into_iter().find_map(|end| {
        let (word, behind) = rest.split_at(end);
        let closed = !behind.starts_with(|c: char| c.is_ascii_digit());
        let last = word.ends_with(|c: char| c.is_ascii_digit() || c == '月');
        // Five digits and fewer are numbers (50604 is GYYMM as well).
        let plain = word.bytes().all(|b| b.is_ascii_digit()) && word.len() < 6;
        if !closed || !last || plain {
            return None;
        }
        let squeezed: String = word.chars().filter(|c| *c != ' ').collect();
        let month =
            date::parse(&squeezed)?.month.is_some() && !is_of_body(&text[..start], word, behind);
        month.then_some(start + end)
    })
}

/// What has numbers in a body, behind them.
const BODY: &[&str] = &[
    "肋",
    "椎",
    "腰",
    "頸",
    "頚",
    "胸",
    "仙",
    "番",
    "趾",
    "指",
    "歯",
    "区",
    "亜区",
    "枝",
    "髄",
    "神経",
    "領域",
    "レベル",
    "間",
    "度",
];

/// Whether a letter of an era with two numbers is a place of the body: R5-6肋骨, S5/6, T11-12, H2-3.
fn is_of_body(before: &str, word: &str, behind: &str) -> bool {
    let mut parts = word.split(['-', '/', '.']);
    let (Some(first), Some(last), None) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let mut letters = first.chars();
    let letter = letters.next().map(|c| c.to_ascii_uppercase());
    let numbers = (letters.as_str().trim().parse::<u32>(), last.trim().parse::<u32>());
    let (Some('R' | 'H' | 'S' | 'T' | 'M'), (Ok(first), Ok(last))) = (letter, numbers) else {
        return false;
    };
    let tail = behind.trim_start_matches(' ');
    let head = before.trim_end_matches(' ');
    let named = BODY.iter().any(|word| tail.starts_with(word))
        || ["肋骨", "肋間", "椎", "区域", "歯"].iter().any(|word| head.ends_with(word));
    // Segments and vertebrae from one to another; of 昭和 and before nobody writes a month alone, but that of a birth.
    let neighbours = last > first && !word.contains('.') && matches!(letter, Some('S' | 'T' | 'M'));
    named || neighbours && !["生", "年", "頃"].iter().any(|word| tail.starts_with(word))
}

/// Units of doses and parts, behind a fraction.
const UNITS: &[&str] = &[
    "T", "t", "tab", "Tab", "錠", "A", "V", "C", "mg", "g", "mL", "ml", "L", "U", "u", "単位",
    "包", "枚", "本", "個", "量", "杯", "切", "周", "以下", "以上", "程", "ずつ", "横指", "点",
    "回", "割", "倍", "列", "指", "趾", "例", "mmHg", "cmH2O", "筋層",
];
/// Scales and parts of the body, before a fraction.
const SCALES: &[&str] = &[
    "levine",
    "mmt",
    "nrs",
    "vas",
    "gcs",
    "jcs",
    "apgar",
    "アプガー",
    "アプガースコア",
    "grade",
    "グレード",
    "スコア",
    "score",
    "hds-r",
    "mmse",
    "fim",
    "nihss",
    "ps",
    "class",
    "クラス",
    "視力",
    "主食",
    "副食",
    "食事",
    "摂取",
    "摂取量",
    "徒手筋力",
    "反射",
    "雑音",
    "収縮期雑音",
    "筋力",
    "約",
    "各",
    "半量",
    "週",
    "ecog",
    "kps",
    "asa",
    "borg",
    "ボルグ",
    "asia",
    "mrs",
    "brs",
    "mas",
    "nyha",
    "yahr",
    "ヤール",
    "face",
    "フェイス",
    "フェイススケール",
    "スケール",
    "scale",
    "stage",
    "ステージ",
    "adl",
    "iadl",
    "正答",
    "得点",
    "課題",
    "自立度",
    "介助量",
    "陽性",
    "gr",
    "歯",
    "双胎",
    "ln",
    "リンパ節",
    "コア",
    "眼圧",
    "fab",
    "ivc",
    "e/e'",
];
/// What is graded from 0 to 5 or 10, though often written beside a day as well.
const GRADED: &[&str] = &[
    "疼痛",
    "痛み",
    "pain",
    "倦怠感",
    "しびれ",
    "痺れ",
    "嘔気",
    "食欲",
    "満足度",
    "理解度",
    "達成度",
    "呼吸苦",
];
/// Shares that are written far more often than the days.
const SHARES: &[&str] = &["1/2", "1/3", "2/3", "1/4", "3/4", "1/5", "1/8", "1/10"];
/// What makes a share of these, behind and before it.
const SHARED: [&str; 10] =
    ["に減", "へ減", "に増", "に縮", "を占", "が", "を", "に短", "サイズ", "の大"];
const SIDES: [char; 8] = ['左', '右', '上', '下', '遠', '近', '肺', '胃'];
/// What stands behind a day, so that fewer digits are one.
const DATED: &[&str] = &[
    "入院", "退院", "手術", "受診", "来院", "採血", "撮影", "実施", "施行", "検査", "再診", "転院",
    "転棟", "外来", "より", "から", "まで", "頃", "付", "OP", "Op", "op", "ope", "Ope", "OPE",
    "オペ", "抜糸", "抜釘", "分娩", "初診", "紹介", "救急", "発症", "受傷",
];

/// Words that begin as a unit does and are none.
const NO_UNITS: &[&str] = &[
    "点滴", "点眼", "本人", "本日", "本院", "個室", "個別", "切開", "切除", "切断", "周術", "周囲",
    "包交", "包帯",
];

/// Whether a word stands before a place, blanks and marks between them.
fn is_behind(text: &str, words: &[&str]) -> bool {
    let text = text.trim_start_matches(' ');
    if NO_UNITS.iter().any(|word| text.starts_with(word)) {
        return false;
    }
    words.iter().any(|word| {
        text.strip_prefix(word).is_some_and(|rest| {
            // A unit in Latin letters is a word: 5/7 CT is a day.
            !word.is_ascii() || !rest.starts_with(|c: char| c.is_ascii_alphanumeric())
        })
    })
}

/// As much of a text as words at its end can take, in small letters: the whole of a long text for each of its numbers would be slow.
fn lower_end(text: &str) -> String {
    const LONGEST: usize = 64;
    let from = (text.len().saturating_sub(LONGEST)..).find(|&at| text.is_char_boundary(at));
    text[from.unwrap_or(0)..].to_ascii_lowercase()
}

fn is_weekday(behind: &str) -> bool {
    let Some(inner) = behind.trim_start_matches(' ').strip_prefix('(') else { return false };
    let end = inner.char_indices().nth(8).map_or(inner.len(), |(at, _)| at);
    let inner = &inner[..end];
    let Some((inner, _)) = inner.split_once(')') else { return false };
    spelled::is_weekday(inner.trim_end_matches('曜'))
}

/// Shares in a row that are looked back at.
const FOLLOWED: u8 = 8;

/// Whether two numbers with a slash are a share, a grade or a dose. Of those before it so many more are asked.
fn is_share(text: &str, start: usize, end: usize, more: u8) -> bool {
    let (before, behind) =
        (text[..start].trim_end_matches([' ', ':', '=', '(', 'は', 'が']), &text[end..]);
    if is_weekday(behind) || is_behind(behind, DATED) {
        return false;
    }
    let lower = lower_end(before);
    // 予約 5/7 is a day.
    let booked = before.ends_with("予約");
    let scale = !booked
        && SCALES.iter().any(|word| {
            lower.strip_suffix(word).is_some_and(|rest| {
                !word.is_ascii() || !rest.ends_with(|c: char| c.is_ascii_alphanumeric())
            })
        });
    let word: String = text[start..end].split(' ').collect();
    let share =
        SHARES.contains(&word.as_str()) && (is_behind(behind, &SHARED) || before.ends_with(SIDES));
    let graded = GRADED.iter().any(|word| lower.ends_with(word)) && {
        let parts: Vec<u32> = word.split('/').filter_map(|part| part.parse().ok()).collect();
        matches!(*parts, [of, 5 | 10] if of <= parts[1])
    };
    scale || share || graded || is_behind(behind, UNITS) || follows_share(text, start, &word, more)
}

/// Whether a share stands before, of the same whole: NRS 4/10→2/10, MMT 3/5、左4/5.
fn follows_share(text: &str, start: usize, word: &str, more: u8) -> bool {
    let Some(more) = more.checked_sub(1) else { return false };
    let before =
        text[..start].trim_end_matches([' ', '→', '⇒', '>', '、', ',', '左', '右', '-', '~', '〜']);
    let marks = text[before.len()..start].chars().any(|c| c != ' ');
    let number = |c: char| c.is_ascii_digit() || c == '/';
    let from = before.trim_end_matches(number).len();
    let own = word.split_once('/').map(|(_, whole)| whole);
    let theirs = before[from..].split_once('/').map(|(_, whole)| whole);
    marks && own.is_some() && own == theirs && is_share(text, from, before.len(), more)
}

/// Further days behind a day (5/7-9, 5月7、8日), with what ends them.
fn further(text: &str, end: usize, last: &str) -> Option<usize> {
    let mut at = end;
    loop {
        let rest = &text[at..];
        let mark =
            rest.chars().next().filter(|c| matches!(c, '-' | '~' | '〜' | '・' | ',' | '、'))?;
        let (behind, _) = number(text, at + mark.len_utf8(), 31)?;
        let tail = &text[behind..];
        if !last.is_empty() && tail.starts_with(last) {
            return Some(behind + last.len());
        }
        if last.is_empty() {
            let closed = !tail.starts_with(|c: char| {
                c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '月' | '時' | ':')
            });
            return (closed && mark != ',' && mark != '、').then_some(behind);
        }
        at = behind;
    }
}

/// A day or month without a year: 4月12日, 4月, 4/12, 12日. `joined`: a day stands just before it.
fn day_of_month(text: &str, start: usize, joined: bool) -> Option<usize> {
    if let Some((end, _)) = number(text, start, 12) {
        if let Some(behind) = text[end..].strip_prefix('月') {
            let at = text.len() - behind.trim_start_matches(' ').len();
            let day = number(text, at, 31).and_then(|(end, _)| {
                if text[end..].starts_with('日') {
                    return Some(end + '日'.len_utf8());
                }
                further(text, end, "日")
            });
            return Some(day.unwrap_or(text.len() - behind.len()));
        }
        // 5 / 7 too.
        let day = text[end..].trim_start_matches(' ').strip_prefix('/').and_then(|rest| {
            let rest = rest.trim_start_matches(' ');
            number(text, text.len() - rest.len(), 31)
        });
        let closed = |at: usize| !text[at..].starts_with(['/', '.']);
        let inside = text[..start].ends_with(['/', '.', '-']) && !joined;
        if let Some((end, _)) = day.filter(|&(end, _)| closed(end) && !inside)
            && !is_share(text, start, end, FOLLOWED)
        {
            return Some(further(text, end, "").unwrap_or(end));
        }
    }
    let (end, number) = number(text, start, 31)?;
    let behind = text[end..].strip_prefix('日')?;
    let length = LENGTHS.iter().any(|word| behind.starts_with(word));
    // 5-6日で改善: so many days.
    let head = text[..start].strip_suffix(['-', '~', '〜']);
    let range = head.is_some_and(|head| head.ends_with(|c: char| c.is_ascii_digit()));
    // 3日に1回.
    let often = behind.strip_prefix('に').is_some_and(|rest| {
        let times = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        times.len() < rest.len() && times.starts_with(['回', '度'])
    });
    let lasts = ["で", "続", "持", "ごと"].iter().any(|word| behind.starts_with(word));
    let length = length || range && lasts || often;
    let length = length || number == 1 && is_daily(behind) || is_counted(&text[..start]);
    (!length).then_some(text.len() - behind.len())
}

/// What days are counted from or how, before their number: 術後3日, 第3日, 計3日, 週3日.
const COUNTED: &[&str] = &[
    "第", "約", "計", "全", "毎", "各", "残", "残り", "あと", "過去", "直近", "ここ", "最大",
    "最低", "最長", "最短", "合計", "週", "中", "隔", "連続", "数", "延べ", "のべ", "丸", "まる",
    "day", "pod", "病日",
];

/// Whether days are counted from an event before their number, or are so many.
fn is_counted(before: &str) -> bool {
    let before = lower_end(before.trim_end_matches([' ', ':', '=', '(']));
    // その後3日に is a day: 後 of an event only.
    let other = ["その後", "以後", "今後", "午後", "最後", "前後"];
    let event = before.ends_with('後') && !other.iter().any(|word| before.ends_with(word));
    event || COUNTED.iter().any(|word| before.ends_with(word))
}

/// 1日3回, 1日量: a day is as long as that.
fn is_daily(behind: &str) -> bool {
    let rest = behind.trim_start_matches(' ');
    let digits = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    if digits.len() < rest.len() {
        return !digits.starts_with(['時', ':', '/', '月']);
    }
    let counted =
        spelled::kanji_number(rest).is_some_and(|(_, length)| rest[length..].starts_with('回'));
    counted
        || ["量", "あたり", "当", "最大", "尿量", "おき"].iter().any(|word| rest.starts_with(word))
}

/// Whether a word that ends in Latin letters is a day with the name of its month (7 May, 7th of May) or an ordinal (May 7th): may is
/// a verb as well.
fn ends_named(word: &str, form: Form) -> bool {
    let body = word.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let tail = &word[body.len()..];
    let ordinal = |text: &str| ["st", "nd", "rd", "th"].iter().any(|o| text.ends_with(o));
    let counted = body.trim_end_matches([' ', '-']).trim_end_matches(" of");
    match form {
        Form::Sure => {
            tail.starts_with(|c: char| c.is_ascii_uppercase()) || ordinal(counted) || ordinal(tail)
        }
        Form::Named => ordinal(tail),
        _ => false,
    }
}

/// The longest word from a place that a date can be, read as days and months are spelled, which `taken` takes (with what stands behind).
pub(crate) fn spelled_from(
    text: &str,
    start: usize,
    taken: &dyn Fn(&Spelled, &str, &str) -> bool,
) -> Option<usize> {
    let rest = &text[start..];
    // What no date is written with ends the word.
    let written = |c: char| {
        c.is_ascii_alphanumeric()
            || "/-.,、_ '年月日元和治正成".contains(c)
            || spelled::kanji_number(c.encode_utf8(&mut [0; 4])).is_some()
    };
    let mut ends: Vec<usize> = rest
        .char_indices()
        .take_while(|&(at, c)| at == 0 || written(c))
        .map(|(at, c)| at + c.len_utf8())
        .take_while(|&at| at <= super::birth_date::LONGEST)
        .collect();
    ends.reverse();
    ends.into_iter().find_map(|end| {
        let (word, behind) = rest.split_at(end);
        let last = word.chars().next_back()?;
        let digit = |c: char| {
            c.is_ascii_digit() || spelled::kanji_number(c.encode_utf8(&mut [0; 4])).is_some()
        };
        // 7th May, May 7th.
        let letters = last.is_ascii_alphabetic();
        let whole = matches!(last, '日' | '月') || digit(last) || letters;
        let cut = digit(last) && behind.starts_with(digit)
            || last.is_ascii_digit() && behind.starts_with(|c: char| c.is_ascii_alphabetic())
            || letters && behind.starts_with(|c: char| c.is_ascii_alphanumeric());
        if !whole || cut {
            return None;
        }
        let mut found = false;
        spelled::each(word, &mut |one| {
            found |= (!letters || ends_named(word, one.form)) && taken(&one, word, behind);
        });
        found.then_some(start + end)
    })
}

/// Whether a reading of a word in running text is a date.
fn is_date(text: &str, start: usize, one: &Spelled, word: &str, behind: &str) -> bool {
    let before = &text[..start];
    let open = behind.starts_with(['/', '.', '-'])
        && behind[1..].starts_with(|c: char| c.is_ascii_digit())
        || before.ends_with(['/', '.', '-']);
    let recent = one.year.is_some_and(|year| (1..=35).contains(&year));
    let dated = is_weekday(behind) || is_behind(behind, DATED);
    let padded = word.bytes().filter(u8::is_ascii_digit).count() == 6;
    let thirds = |c: char| word.contains(c) && word.len() - word.rfind(c).unwrap_or(0) == 3;
    let spaced =
        word.starts_with(|c: char| c.is_ascii_digit()) && word.contains(' ') && word.is_ascii();
    match one.form {
        Form::Sure if word.contains('月') => word.ends_with('日'),
        // 2024、5、7 with its year only.
        Form::Sure if word.contains('、') => one.year.is_some() && !one.short && !open,
        Form::Sure | Form::Month | Form::Named => {
            // May is a word as well.
            let capital = !word
                .starts_with(|c: char| c.is_ascii_lowercase() && c != 'r' && c != 'h' && c != 's');
            let letters = word.chars().any(|c| c.is_ascii_alphabetic());
            // 2024 5 7.
            let year = word.bytes().take_while(u8::is_ascii_digit).count() == 4
                && one.year.is_some_and(|year| (1990..=2035).contains(&year));
            capital && !open && (!spaced || letters || year)
        }
        Form::ShortYmd => {
            let years = word.bytes().take_while(u8::is_ascii_digit).count();
            !open
                && match () {
                    () if word.contains('-') => padded && recent && !is_behind(behind, UNITS),
                    () if word.contains('.') => years == 2 || dated,
                    () => !is_behind(behind, UNITS),
                }
        }
        Form::ShortDmy | Form::ShortMdy => {
            let late = one.year.is_some_and(|year| (15..=35).contains(&year));
            !open && late && (thirds('/') || thirds('.')) && !is_behind(behind, UNITS)
        }
        Form::EraDigits => true,
        Form::PairMd => !open && (is_weekday(behind) || dated && is_free(before, word)),
        Form::SixYmd => {
            word.len() == 6
                && recent
                && !open
                && !is_behind(behind, &["点", "円", "個", "件", "mL", "ml", "/"])
        }
        Form::EightDmy | Form::EightMdy => {
            !open && one.year.is_some_and(|year| (2000..=2035).contains(&year))
        }
        Form::FourMd => word.len() == 4 && dated && !is_behind(behind, &["検査"]) && !open,
        _ => false,
    }
}

/// Whether two numbers with a hyphen or point may be a day: a value with a point stands behind its name (Hb 5.7), a place of the
/// body behind a letter.
fn is_free(before: &str, word: &str) -> bool {
    let before = before.trim_end_matches(' ');
    let marked =
        before.is_empty() || before.ends_with(|c: char| "。、,.:;()[]/\n\t「」・→".contains(c));
    let letter = before.ends_with(|c: char| c.is_ascii_alphanumeric());
    marked || word.contains('-') && !letter
}

/// Days and months in ideographs: 四月三日, 四月, 三日に.
fn in_kanji(text: &str, start: usize) -> Option<usize> {
    let before = text[..start].chars().next_back();
    let joined = before.is_some_and(|c| {
        c.is_numeric() || matches!(c, '第' | '約' | '計' | '全' | '毎' | '数' | '十' | '〇' | '何')
    });
    if joined {
        return None;
    }
    let (number, length) = spelled::kanji_number(&text[start..])?;
    let behind = &text[start + length..];
    if let Some(rest) = behind.strip_prefix('月')
        && (1..=12).contains(&number)
    {
        let at = text.len() - rest.len();
        let day = spelled::kanji_number(rest).filter(|(day, _)| (1..=31).contains(day));
        let day = day.filter(|(_, length)| rest[*length..].starts_with('日'));
        return Some(day.map_or(at, |(_, length)| at + length + '日'.len_utf8()));
    }
    let rest = behind.strip_prefix('日').filter(|_| (2..=31).contains(&number))?;
    let next = |c: char| {
        "に、。,はのよかまと・)(」~-〜 朝昼夜夕晩頃入退手受来再転外採撮検実施付現".contains(c)
    };
    let length = LENGTHS.iter().any(|word| rest.starts_with(word));
    (!length && (rest.is_empty() || rest.starts_with(next))).then_some(text.len() - rest.len())
}

/// Where one day (since 1970-01-01) stands in a folded text with its year, in any spelling: 19580405, 33.4.5, 昭和三十三年四月五日.
#[must_use]
pub fn of_day(text: &str, day: i32) -> Vec<(usize, usize)> {
    let this = |one: &Spelled, _: &str, _: &str| one.year.is_some() && one.may_be(day);
    let mut found: Vec<(usize, usize)> = Vec::new();
    for (start, c) in text.char_indices() {
        let kanji = spelled::kanji_number(&text[start..]).is_some();
        let joined = kanji && text[..start].ends_with(|c: char| c.is_numeric());
        if found.last().is_some_and(|last| start < last.1)
            || joined
            || !kanji && !can_begin(text, start, c)
        {
            continue;
        }
        let end = match day_from(text, start) {
            Some((end, days)) => (days == day).then_some(end),
            None => spelled_from(text, start, &this),
        };
        found.extend(end.map(|end| (start, end)));
    }
    found
}

/// Where days and months stand in a folded text, in order: byte ranges. A year alone and a length of time (`3日間`) are none.
#[must_use]
pub fn spans(text: &str) -> Vec<(usize, usize)> {
    let mut found: Vec<(usize, usize)> = Vec::new();
    let mut from = 0;
    for (start, c) in text.char_indices() {
        if start < from {
            continue;
        }
        let named =
            c.is_ascii_uppercase() && !text[..start].ends_with(|b: char| b.is_ascii_alphanumeric());
        let kanji = spelled::kanji_number(&text[start..]).is_some();
        let begins = can_begin(text, start, c);
        if !begins && !named && !kanji {
            continue;
        }
        let joined = found.last().is_some_and(|&(_, end)| {
            text.get(end..start).is_some_and(|mark| matches!(mark, "-" | "~" | "〜"))
        });
        let taken =
            |one: &Spelled, word: &str, behind: &str| is_date(text, start, one, word, behind);
        let end = begins
            .then(|| {
                day_from(text, start).map(|(end, _)| end).or_else(|| month_of_year(text, start))
            })
            .flatten()
            .or_else(|| spelled_from(text, start, &taken))
            .or_else(|| begins.then(|| day_of_month(text, start, joined)).flatten())
            .or_else(|| in_kanji(text, start));
        if let Some(end) = end {
            found.push((start, end));
            from = end;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_shares_alone_ends() {
        let many = format!("MMT {}", "3/5、".repeat(100_000));
        assert!(spans(&many).len() > 90_000, "those far from the scale are days");
    }

    #[test]
    fn days_and_months_are_found_and_lengths_of_time_are_not() {
        let found = |text: &str| -> Vec<String> {
            spans(text).into_iter().map(|(a, b)| text[a..b].to_owned()).collect()
        };
        for (text, expected) in [
            ("2024年4月12日に入院", vec!["2024年4月12日"]),
            ("R6.4.12入院、5月3日退院", vec!["R6.4.12", "5月3日"]),
            ("2024/04/12 CT, 4/15 MRI", vec!["2024/04/12", "4/15"]),
            ("令和6年4月より", vec!["令和6年4月"]),
            ("2024/04頃", vec!["2024/04"]),
            ("6月に再診、12日に電話", vec!["6月", "12日"]),
            ("20240412の検査", vec!["20240412"]),
            ("3日間投与、7日後に再検、6か月後", vec![]),
            ("血圧120/80、Hb 12.5、WBC 6500", vec![]),
            ("2024年の検診", vec![]),
            ("25.02.27に入院、24/4/10よりCT", vec!["25.02.27", "24/4/10"]),
            ("5/7 本人へ説明、5/8包交、5/9 切開排膿", vec!["5/7", "5/8", "5/9"]),
            ("R6.5.7 入院、R060508手術", vec!["R6.5.7", "R060508"]),
            ("四月三日に入院、令和六年五月七日退院", vec!["四月三日", "令和六年五月七日"]),
            ("5/7 採血、5/8~5/10 点滴", vec!["5/7", "5/8", "5/10"]),
            ("5/7-9 絶食、5月7、8日に", vec!["5/7-9", "5月7、8日"]),
            ("5/7-5/9 入院", vec!["5/7", "5/9"]),
            ("240507 採血", vec!["240507"]),
            ("20240507093000 採血", vec!["20240507093000"]),
            ("7-May-24 CT, May 7 MRI", vec!["7-May-24", "May 7"]),
            ("07/05/2024 CT", vec!["07/05/2024"]),
            ("5-7(火)再診", vec!["5-7"]),
            ("24-05-07 再診", vec!["24-05-07"]),
            ("四月より通院、三日に電話", vec!["四月", "三日"]),
            ("ヒューマログ6-4-6単位、1日3回、1日1回、1日量", vec![]),
            ("ロキソニン1/2錠、1/2T、1/2 T、1/4に減量", vec![]),
            ("MMT 4/5、Levine 3/6、NRS 3/10、主食 5/10", vec![]),
            ("NRS 4/10→2/10→1/10", vec![]),
            ("三日間、二日酔い、三日月、五十嵐様、一般病棟", vec![]),
            ("血圧 128/78、Ver. 1.2.3、SpO2 98%、HbA1c 6.5", vec![]),
            ("第1.2.3節、CK 123456、K 4.5", vec![]),
            ("I may 7 times", vec![]),
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }

    /// What may be a day by its form alone, in the sentences of a ward: how much of it is found, and how much of what is found is one.
    /// The figures stand in `docs/detectors.md`.
    #[test]
    fn days_without_a_year_are_told_from_shares_and_doses() {
        let mut days = (0, 0);
        let mut others = (0, 0);
        for month in 1..=12 {
            for day in 1..=28 {
                for (before, behind) in [
                    ("", "に入院"),
                    ("", " CT"),
                    ("次回", "受診"),
                    ("前医で", "手術"),
                    ("", "~抗菌薬"),
                    ("最終排便", ""),
                    ("(", "退院)"),
                    ("", "血液培養陰性"),
                    ("", "夜に発熱"),
                    ("術後", "に抜糸"),
                    ("PSA ", "採血"),
                    ("", "主治医より説明"),
                    ("", "まで内服"),
                    ("", "(火)再診"),
                    ("CRP(", ")2.1"),
                    ("入院日:", "。"),
                ] {
                    let text = format!("{before}{month}/{day}{behind}");
                    days.1 += 1;
                    days.0 +=
                        usize::from(spans(&text).iter().any(|&(a, b)| text[a..b].contains('/')));
                }
            }
        }
        for (a, b) in [
            (1, 2),
            (1, 3),
            (2, 3),
            (1, 4),
            (3, 4),
            (1, 5),
            (2, 5),
            (4, 5),
            (1, 6),
            (2, 6),
            (3, 6),
            (5, 6),
            (1, 10),
            (3, 10),
            (8, 10),
            (10, 10),
            (8, 9),
        ] {
            for (before, behind) in [
                ("ラシックス ", "錠"),
                ("", "T分1"),
                ("ハルシオン", " T 眠前"),
                ("MMT ", ""),
                ("MMT:", "、左は弱い"),
                ("Levine ", "の収縮期雑音"),
                ("NRS ", "で自制内"),
                ("主食", "摂取"),
                ("食事 ", "、副食"),
                ("Apgar ", "点"),
                ("", "包"),
                ("約", "が壊死"),
                ("", "以下に"),
                ("視力 ", ""),
                ("各", "ずつ"),
                ("", "量で開始"),
                ("腫瘍は", "程度に"),
                ("疼痛スコア", ""),
                ("右", "に浸潤"),
                ("主食は", "、全量摂取できず"),
            ] {
                let text = format!("{before}{a}/{b}{behind}");
                others.1 += 1;
                others.0 += usize::from(!spans(&text).is_empty());
            }
        }
        println!("days found {} of {}; others taken {} of {}", days.0, days.1, others.0, others.1);
        assert!(days.0 * 1000 >= days.1 * 995, "{days:?}");
        assert!(others.0 * 100 <= others.1 * 8, "{others:?}");
    }
}
