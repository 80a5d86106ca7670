//! Days and months of the calendar in text: what would tell by how much the dates beside it were moved.

use super::birth_date::{can_begin, day_from};
use crate::text::date;

/// The longest year and month: 令和12年12月 in bytes, with blanks.
const LONGEST: usize = 24;
/// What stands behind a number of days that is a length of time (3日間, 3日後).
const LENGTHS: [&str; 14] = [
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
        date::parse(&squeezed)?.month.map(|_| start + end)
    })
}

/// A day or month without a year: 4月12日, 4月, 4/12, 12日.
fn day_of_month(text: &str, start: usize) -> Option<usize> {
    if let Some((end, _)) = number(text, start, 12) {
        if let Some(behind) = text[end..].strip_prefix('月') {
            let at = text.len() - behind.trim_start_matches(' ').len();
            let day = number(text, at, 31).and_then(|(end, _)| {
                text[end..].starts_with('日').then_some(end + '日'.len_utf8())
            });
            return Some(day.unwrap_or(text.len() - behind.len()));
        }
        let day = text[end..].strip_prefix('/').and_then(|_| number(text, end + 1, 31));
        let closed = |at: usize| !text[at..].starts_with(['/', '.']);
        let inside = text[..start].ends_with(['/', '.', '-']);
        if let Some((end, _)) = day.filter(|&(end, _)| closed(end) && !inside) {
            return Some(end);
        }
    }
    let (end, _) = number(text, start, 31)?;
    let behind = text[end..].strip_prefix('日')?;
    let length = LENGTHS.iter().any(|word| behind.starts_with(word));
    (!length).then_some(text.len() - behind.len())
}

/// Where days and months stand in a folded text, in order: byte ranges. A year alone and a length of time (`3日間`) are none.
#[must_use]
pub fn spans(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut from = 0;
    for (start, c) in text.char_indices() {
        if start < from || !can_begin(text, start, c) {
            continue;
        }
        let end = day_from(text, start)
            .map(|(end, _)| end)
            .or_else(|| month_of_year(text, start))
            .or_else(|| day_of_month(text, start));
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
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
    }
}
