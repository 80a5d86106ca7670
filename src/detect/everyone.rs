//! Identifiers of all persons of a run, and where they stand in a text.
//!
//! What is looked for is remembered as 64-bit hashes, not as text: 9 bytes and a free slot for each spelling, so memory
//! grows with the distinct identifiers of the run and with nothing else. The hash has no key and the set is filled from all
//! partitions before it is used, so that the same input gives the same marks at any partition count. (Two texts of one
//! hash would only mean that something is marked that need not be.)
//!
//! How a value is looked for depends on what could be coincidence, in the folded text ([`crate::text::normalize`]):
//!
//! * six digits or more: whole numbers of the text, with or without leading zeros; with hyphens between groups, from eight
//!   digits on with blanks or parentheses, by thousands with commas, or with a dot or comma behind zeros (`0066.4557`), from
//!   ten on or in three groups with dots and the like; any of it where the text is nothing but the number; in ideographs
//!   (六六四五五七);
//! * days of columns that must vanish: as digits, or with hyphens, slashes or dots between year, month and day;
//! * other values of four characters or more (`POP-000004`, a full name, an address): anywhere, with blanks, hyphens and dots
//!   or without; ASCII of fewer than six characters and names of fewer than four only where no letter of their kind is beside them;
//! * Japanese of two or three characters that is a cell by itself (a family name): a whole word, or beside a title;
//! * a name of two words the other way round (崎子高橋), where no letter of its kind is beside it;
//! * a name of two words in kana or Latin letters: in any spelling of Latin letters too, in either order (`SATO TARO`);
//! * the family name of a name of two words: only beside a title (様, 先生, 主治医). 橋本病 and 山口県 stay what they are.
//!
//! Shorter values cannot be told from other content.

use std::hash::{DefaultHasher, Hasher};

use hashbrown::{HashMap, HashSet};

use super::view::is_mark;
use super::{DETECTORS, Scanner, person_name, topic};
use crate::frame::{Column, MISSING};
use crate::schema::{ColumnFacts, DateKind, Role};
use crate::text::normalize::{Folded, fold, large_katakana, name_key};
use crate::text::spelled::kanji_runs;
use crate::text::{date, identifier, romaji};

/// Digits of the shortest number that is looked for.
const SHORTEST_NUMBER: usize = 6;
/// Digits from which on groups may stand apart by blanks and parentheses.
const LONG_NUMBER: usize = 8;
/// Digits from which on two groups may stand apart by a dot.
const LONG_MARKED: usize = 10;
/// Letters of the shortest name in Latin letters.
const SHORTEST_LATIN: usize = 5;
/// Groups that a number is written in at most.
const GROUPS: usize = 5;
/// The longest value that is looked for, in characters.
const LONGEST: usize = 256;

/// What a hash is of.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Form {
    /// Digits, as a whole number.
    Number = 1,
    /// Anywhere.
    Anywhere,
    /// Where no letter of its kind is beside it.
    Closed,
    /// A whole word, or beside a title.
    Word,
    /// Beside a title only.
    Titled,
    /// Digits of a day.
    Day,
    /// Family and given name in the one form of Latin letters.
    Latin,
}

/// What a cell is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum What {
    /// A direct identifier or a third party: perhaps a name.
    Name,
    /// A number, a code.
    Number,
    /// A day.
    Day,
}

/// The identifiers of all persons of a run.
#[derive(Default)]
pub struct Everyone {
    /// Hashes to marks, as indices into `marks`.
    set: HashMap<u64, u8>,
    /// The marks.
    marks: Vec<&'static str>,
    /// By the first two characters of a value: the lengths in bytes that begin so.
    lengths: HashMap<[char; 2], Vec<u16>>,
    /// Whether there are names in Latin letters.
    latin: bool,
}

/// The mark of a birth date.
pub const BIRTH: &str = "【生年月日】";
/// The mark of a known identifier whose column says nothing else.
const MARK: &str = "【識別子】";

/// What stands in the place of a cell of an identifying column.
#[must_use]
pub fn mark_of(facts: &ColumnFacts) -> &'static str {
    let topics = Scanner::of_column(facts.column.as_str()).topics();
    let named = DETECTORS
        .iter()
        .map(|d| d.doc())
        .find(|d| d.topics & topics != 0 && d.topics != topic::OTHER);
    match (named, facts.role) {
        (Some(doc), _) => doc.mark,
        (None, Role::Link) => "【患者番号】",
        (None, Role::IdCode) => "【記号番号】",
        _ => MARK,
    }
}

fn hash(form: Form, text: &str) -> u64 {
    let mut state = DefaultHasher::new();
    state.write_u8(form as u8);
    state.write(text.as_bytes());
    state.finish()
}

fn is_kana(c: char) -> bool {
    matches!(c, '\u{3041}'..='\u{30ff}')
}
fn is_name_letter(c: char) -> bool {
    c.is_alphanumeric() && !c.is_ascii()
}
fn first_two(text: &str) -> Option<[char; 2]> {
    let mut chars = text.chars();
    Some([chars.next()?, chars.next()?])
}

impl Everyone {
    /// Adds a cell of an identifying column.
    pub fn learn(&mut self, facts: &ColumnFacts, cell: &str) {
        let what = match facts.role {
            _ if facts.ty.is_date() => What::Day,
            Role::Direct | Role::ThirdParty => What::Name,
            _ => What::Number,
        };
        let birth = facts.date == Some(DateKind::Birth);
        self.add(cell, if birth { BIRTH } else { mark_of(facts) }, what);
    }

    /// Adds a cell, and what stands in its place afterwards.
    pub fn add(&mut self, cell: &str, mark: &'static str, what: What) {
        if identifier::normalize(cell, false, None).is_none() {
            return;
        }
        let Some(key) = name_key(cell) else { return };
        let length = key.chars().count();
        if length > LONGEST {
            return;
        }
        if what == What::Day {
            if key.len() >= SHORTEST_NUMBER && key.is_ascii() {
                self.put(Form::Day, &key, mark);
            }
            return;
        }
        if key.bytes().all(|b| b.is_ascii_digit()) {
            // Numbers are compared without leading zeros if enough is left of them.
            let significant = key.trim_start_matches('0');
            if significant.len() >= SHORTEST_NUMBER {
                self.put(Form::Number, significant, mark);
            } else if key.len() >= SHORTEST_NUMBER {
                self.put(Form::Number, &key, mark);
            }
            return;
        }
        if what == What::Name {
            for form in romaji::full_names(cell) {
                if form.len() >= SHORTEST_LATIN {
                    self.put(Form::Latin, &form, mark);
                    self.latin = true;
                }
            }
        }
        if key.is_ascii() {
            match length {
                0..4 => {}
                4..6 => self.put(Form::Closed, &key, mark),
                _ => self.put(Form::Anywhere, &key, mark),
            }
            return;
        }
        let folded = fold(cell);
        let mut parts = folded.text().split([' ', '・', ',']).filter(|p| !p.is_empty());
        let (family, given) = (parts.next(), parts.next());
        let two = family.zip(given).filter(|_| parts.next().is_none());
        match (length, two) {
            (..2, _) => {}
            (2..4, None) => self.put(Form::Word, &key, mark),
            (2..4, Some(_)) => self.put(Form::Closed, &key, mark),
            _ if length < 5 && key.chars().all(is_kana) => self.put(Form::Closed, &key, mark),
            _ => self.put(Form::Anywhere, &key, mark),
        }
        // 崎子高橋, as forms of other countries have it.
        if what == What::Name
            && length >= 4
            && let Some((family, given)) = two
            && let Some(turned) = name_key(&format!("{given}{family}"))
            && turned.chars().all(is_name_letter)
        {
            self.put(Form::Closed, &turned, mark);
        }
        if what == What::Name
            && let Some((family, _)) = two
            && let Some(key) = name_key(family)
            && key.chars().count() >= if key.chars().all(is_kana) { 3 } else { 2 }
            && key.chars().all(is_name_letter)
        {
            self.put(Form::Titled, &key, mark);
        }
    }

    fn put(&mut self, form: Form, key: &str, mark: &'static str) {
        let at = match self.marks.iter().position(|m| *m == mark) {
            Some(at) => at,
            None => {
                self.marks.push(mark);
                self.marks.len() - 1
            }
        };
        // There are a few dozen marks.
        let at = u8::try_from(at).unwrap_or(u8::MAX);
        // A value of two columns has the same mark whichever was first.
        let marks = &self.marks;
        self.set
            .entry(hash(form, key))
            .and_modify(|old| {
                if mark < marks[usize::from(*old)] {
                    *old = at;
                }
            })
            .or_insert(at);
        if !matches!(form, Form::Number | Form::Day | Form::Latin)
            && let Some(two) = first_two(key)
        {
            let lengths = self.lengths.entry(two).or_default();
            let length = key.len().min(usize::from(u16::MAX)) as u16;
            if let Err(at) = lengths.binary_search_by(|l| length.cmp(l)) {
                // Longest first.
                lengths.insert(at, length);
            }
        }
    }

    fn get(&self, form: Form, key: &str) -> Option<&'static str> {
        let at = self.set.get(&hash(form, key))?;
        self.marks.get(usize::from(*at)).copied()
    }

    /// How many spellings are remembered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.set.len()
    }
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    /// Where identifiers stand: bytes of the original text, with marks.
    pub fn spans(&self, folded: &Folded, spans: &mut Vec<(usize, usize, &'static str)>) {
        if self.set.is_empty() {
            return;
        }
        let text = folded.text();
        let mut put = |start: usize, end: usize, mark: &'static str| {
            let original = folded.original(start..end);
            spans.push((original.start, original.end, mark));
        };
        self.numbers(text, &mut put);
        if !self.lengths.is_empty() {
            self.words(text, &mut put);
        }
        if self.latin {
            romaji::pairs(text, &mut |range, form| {
                if let Some(mark) = self.get(Form::Latin, form) {
                    put(range.start, range.end, mark);
                }
            });
        }
    }

    fn number(&self, digits: &str) -> Option<&'static str> {
        let significant = digits.trim_start_matches('0');
        if significant.len() >= SHORTEST_NUMBER {
            self.get(Form::Number, significant)
        } else if digits.len() >= SHORTEST_NUMBER {
            self.get(Form::Number, digits)
        } else {
            None
        }
    }

    fn numbers(&self, text: &str, put: &mut dyn FnMut(usize, usize, &'static str)) {
        let bytes = text.as_bytes();
        let mut runs: Vec<(usize, usize)> = Vec::new();
        let mut at = 0;
        while let Some(first) = bytes[at..].iter().position(u8::is_ascii_digit) {
            let start = at + first;
            let length = bytes[start..].iter().take_while(|b| b.is_ascii_digit()).count();
            runs.push((start, start + length));
            at = start + length;
        }
        for (range, digits) in kanji_runs(text, SHORTEST_NUMBER) {
            if let Some(mark) = self.number(&digits) {
                put(range.start, range.end, mark);
            }
        }
        let mut digits = String::new();
        let mut next = 0;
        while next < runs.len() {
            let mut found = None;
            digits.clear();
            let (mut hyphens, mut blanks, mut marks) = (true, true, true);
            // 66,455,770 of a spreadsheet; 0066.4557 with zeros that no decimal has.
            let (mut thousands, mut points, mut commas) = (true, true, false);
            let first = runs[next].0;
            let first_length = runs[next].1 - first;
            let zero = first_length >= 2 && bytes[first] == b'0';
            let opened = text[..first].trim_start_matches(['(', ' ']).is_empty();
            for (count, &(start, end)) in runs[next..].iter().take(GROUPS).enumerate() {
                if count > 0 {
                    let between = &bytes[runs[next + count - 1].1..start];
                    let all = |f: fn(&u8) -> bool| between.iter().all(f);
                    hyphens &= between == b"-";
                    let blank =
                        between.len() <= 3 && all(|b| matches!(b, b'-' | b' ' | b'(' | b')'));
                    blanks &= blank;
                    thousands &= between == b"," && end - start == 3 && first_length <= 3;
                    points &= matches!(between, b"," | b".");
                    marks &= blank
                        || between == b","
                        || is_mark(text[runs[next + count - 1].1..start].trim_matches(' '));
                    commas |= between == b",";
                    if !marks {
                        break;
                    }
                }
                digits.push_str(&text[start..end]);
                let day = || self.get(Form::Day, &digits);
                let mark = match count {
                    0 => self.number(&digits).or_else(day),
                    _ if date::parse(&text[first..end]).is_some() => day(),
                    _ if hyphens
                        || blanks && digits.len() >= LONG_NUMBER
                        || thousands && digits.len() >= LONG_NUMBER
                        || points && zero && digits.len() >= LONG_NUMBER
                        || marks
                            && !commas
                            && digits.len()
                                >= if count >= 2 { LONG_NUMBER } else { LONG_MARKED }
                        || opened && (!commas || thousands) && text[end..].trim().is_empty() =>
                    {
                        self.number(&digits)
                    }
                    _ => None,
                };
                if let Some(mark) = mark {
                    found = Some((count, end, mark));
                }
            }
            match found {
                Some((count, end, mark)) => {
                    put(first, end, mark);
                    next += count + 1;
                }
                None => next += 1,
            }
        }
    }

    fn words(&self, text: &str, put: &mut dyn FnMut(usize, usize, &'static str)) {
        let (dense, at) = squeezed(text);
        let titled = std::cell::OnceCell::new();
        let mut free = 0;
        for (from, c) in dense.char_indices() {
            if from < free {
                continue;
            }
            let behind = from + c.len_utf8();
            let Some(second) = dense[behind..].chars().next() else { break };
            let Some(lengths) = self.lengths.get(&[c, second]) else { continue };
            for &length in lengths {
                let to = from + usize::from(length);
                let Some(key) = dense.get(from..to) else { continue };
                let (start, end) = (at[from].0, at[to - 1].1);
                let marks = text[start..end]
                    .chars()
                    .filter(|&c| !(c.is_alphanumeric() || matches!(c, 'ー' | '々')))
                    .count();
                // Between the letters of a name stand at most a blank or two, in an address or `a@b.c` a few more.
                let limit = if key.chars().any(|c| c.is_ascii()) { 8 } else { 3 };
                if marks > limit {
                    continue;
                }
                let before = text[..start].chars().next_back();
                let after = text[end..].chars().next();
                let inside = |c: Option<char>, edge: Option<char>| {
                    c.zip(edge).is_some_and(|(c, edge)| same_kind(c, edge))
                };
                let closed = !inside(before, text[start..end].chars().next())
                    && !inside(after, text[start..end].chars().next_back());
                let whole = !before.is_some_and(char::is_alphanumeric)
                    && !after.is_some_and(char::is_alphanumeric);
                let beside = || {
                    let places: &person_name::Places =
                        titled.get_or_init(|| person_name::Places::of(text));
                    places.ends_at(end) || places.begins_at(start)
                };
                let mark = self
                    .get(Form::Anywhere, key)
                    .filter(|_| {
                        // さとうみ in running hiragana may be anything; in katakana it is the name.
                        !key.chars().all(is_kana)
                            || closed
                            || text[start..end]
                                .chars()
                                .all(|c| !matches!(c, '\u{3041}'..='\u{3096}'))
                    })
                    .or_else(|| {
                        self.get(Form::Closed, key).filter(|_| closed || marks > 0 || beside())
                    })
                    .or_else(|| self.get(Form::Word, key).filter(|_| whole || beside()))
                    .or_else(|| self.get(Form::Titled, key).filter(|_| beside()));
                if let Some(mark) = mark {
                    put(start, end, mark);
                    free = to;
                    break;
                }
            }
        }
    }
}

/// Columns of family and given names of one person, by their names: 姓 and 名, セイ and メイ, family_name and given_name.
#[must_use]
pub fn parts_of_names(columns: &[&ColumnFacts]) -> Vec<(usize, usize)> {
    const FAMILY: [&str; 8] =
        ["姓", "セイ", "苗字", "family", "last_name", "lastname", "surname", "sei"];
    const GIVEN: [&str; 8] =
        ["名", "メイ", "下ノ名前", "given", "first_name", "firstname", "forename", "mei"];
    let is = |facts: &ColumnFacts, words: &[&str]| {
        let folded = fold(facts.column.as_str());
        let name: String = folded.text().chars().map(large_katakana).collect();
        let name = name.to_lowercase();
        let whole = ["氏名", "姓名", "病名", "セイメイ"].iter().any(|w| name.contains(w));
        facts.role == Role::Direct && !whole && words.iter().any(|w| name.contains(w))
    };
    let family = |at: usize| is(columns[at], &FAMILY);
    let all = 0..columns.len();
    all.clone()
        .filter(|&at| family(at))
        .filter_map(|at| {
            let given = all.clone().find(|&g| g > at && is(columns[g], &GIVEN) && !family(g))?;
            Some((at, given))
        })
        .collect()
}

/// The whole names of two columns of their parts, each once.
#[must_use]
pub fn whole_names(family: &Column, given: &Column) -> Vec<String> {
    let mut seen: HashSet<(u32, u32)> = HashSet::new();
    let mut names = Vec::new();
    let pairs = family.codes().iter().copied().zip(given.codes().iter().copied());
    for (row, pair) in pairs.enumerate() {
        if pair.0 != MISSING
            && pair.1 != MISSING
            && seen.insert(pair)
            && let (Some(family), Some(given)) = (family.text(row), given.text(row))
            && !family.trim().contains([' ', '　'])
        {
            names.push(format!("{} {}", family.trim(), given.trim()));
        }
    }
    names
}

/// Whether two letters beside each other may belong to one word: ideographs, kana of one kind, or ASCII.
fn same_kind(a: char, b: char) -> bool {
    let kind = |c: char| match c {
        '0'..='9' | 'a'..='z' | 'A'..='Z' => 1,
        '\u{3041}'..='\u{3096}' => 2,
        '\u{30a1}'..='\u{30fe}' => 3,
        '\u{3005}'..='\u{3007}' | '\u{3400}'..='\u{9fff}' => 4,
        _ => 0,
    };
    kind(a) != 0 && kind(a) == kind(b)
}

/// The letters and digits of a folded text, and for each byte where its character stands in the folded text.
#[must_use]
pub fn squeezed(folded: &str) -> (String, Vec<(usize, usize)>) {
    let mut text = String::with_capacity(folded.len());
    let mut at = Vec::with_capacity(folded.len());
    for (start, c) in folded.char_indices() {
        if c.is_alphanumeric() || matches!(c, 'ー' | '々') {
            for upper in large_katakana(c).to_uppercase() {
                text.push(upper);
                at.resize(text.len(), (start, start + c.len_utf8()));
            }
        }
    }
    (text, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn everyone() -> Everyone {
        let mut all = Everyone::default();
        for (cell, mark, what) in [
            ("0000123456", "【患者番号】", What::Number),
            ("00000012", "【患者番号】", What::Number),
            ("045-987-6543", "【電話番号】", What::Number),
            ("POP-000004", "【患者番号】", What::Number),
            ("AB-12", "【患者番号】", What::Number),
            ("髙橋　麗奈子", "【氏名】", What::Name),
            ("ﾀｶﾊｼ ﾚﾅｺ", "【氏名】", What::Name),
            ("林 薫", "【氏名】", What::Name),
            ("ﾓﾘ ｱｲ", "【氏名】", What::Name),
            ("檜山", "【氏名】", What::Name),
            ("hanako.y@example.jp", "【メールアドレス】", What::Number),
            ("鬼無里 太", "【氏名】", What::Name),
            ("66455770", "【患者番号】", What::Number),
            ("999999", "【識別子】", What::Number),
            ("12", "【識別子】", What::Number),
            ("1955-01-02", "【生年月日】", What::Day),
        ] {
            all.add(cell, mark, what);
        }
        all
    }

    fn marked(text: &str) -> String {
        let mut spans = Vec::new();
        everyone().spans(&fold(text), &mut spans);
        spans.sort_unstable();
        let (mut out, mut from) = (String::new(), 0);
        for (start, end, mark) in spans {
            out.push_str(&text[from..start]);
            out.push_str(mark);
            from = end;
        }
        out + &text[from..]
    }

    #[test]
    fn identifiers_of_others_in_any_spelling() {
        for (text, after) in [
            ("前回 １２３４５６ と 0123456 参照", "前回 【患者番号】 と 【患者番号】 参照"),
            ("00000012と同室、12日", "【患者番号】と同室、12日"),
            ("045(987)6543、0459876543、045−987−6543", "【電話番号】、【電話番号】、【電話番号】"),
            ("pop000004/ENC-POP-000004-7", "【患者番号】/ENC-【患者番号】-7"),
            ("AB12、CAB12", "【患者番号】、CAB12"),
            ("高橋麗奈子と高 橋 麗奈子", "【氏名】と【氏名】"),
            ("たかはしれなこ さん", "【氏名】 さん"),
            ("隣床の林薫様、林 薫、小林薫", "隣床の【氏名】様、【氏名】、小林薫"),
            ("モリアイ様、タモリアイドル", "【氏名】様、タモリアイドル"),
            ("檜山 来院、檜山様、檜山町", "【氏名】 来院、【氏名】様、檜山町"),
            ("鬼無里先生、鬼無里地区", "【氏名】先生、鬼無里地区"),
            ("19550102生、1955/01/02、1955-01-023", "【生年月日】生、【生年月日】、1955-01-023"),
            ("HANAKO.Y@example.jp へ", "【メールアドレス】 へ"),
            ("045.987.6543、045/987/6543", "【電話番号】、【電話番号】"),
            ("66 4557 70 と 12-3456", "【患者番号】 と 【患者番号】"),
            ("12 3456", "【患者番号】"),
            ("12.3456", "【患者番号】"),
            ("TAKAHASHI RENAKO / Renako Takahasi", "【氏名】 / 【氏名】"),
            ("MORI AI", "【氏名】"),
            ("患者 66,455,770 と 0066.4557.70", "患者 【患者番号】 と 【患者番号】"),
            ("0000,1234,56 と 00.123456", "【患者番号】 と 【患者番号】"),
            ("六六四五五七七〇と〇〇〇〇一二三四五六", "【患者番号】と【患者番号】"),
            ("麗奈子高橋、麗奈子 髙橋", "【氏名】、【氏名】"),
        ] {
            assert_eq!(marked(text), after, "{text}");
        }
    }

    #[test]
    fn other_content_stays() {
        for text in [
            "1234567 は別の番号",
            "999999、99-9999",
            "2024-01-23 456",
            "約 12 3456",
            "12.3456 mg",
            "66,45,57,70",
            "123,456円",
            "66.455770 mg",
            "十二万三千四百五十六",
            "一二三四五六七",
            "紗麗奈子高橋",
            "Takahashi Hospital, Mori",
            "林檎、森林、高橋",
            "経過良好",
            "",
        ] {
            assert_eq!(marked(text), text);
        }
    }

    #[test]
    fn names_in_two_columns_are_one() {
        let facts = |name: &'static str| ColumnFacts {
            column: crate::error::Name::fixed(name),
            role: Role::Direct,
            table: crate::error::Name::fixed("t"),
            ty: crate::schema::Type::String,
            date: None,
            code: None,
            specials: Vec::new(),
        };
        let columns =
            ["患者ID", "姓", "名", "セイ", "メイ", "氏名", "病名", "Family_Name", "given name"]
                .map(facts);
        assert_eq!(parts_of_names(&columns.each_ref()), [(1, 2), (3, 4), (7, 8)]);
        let family = Column::from_texts([Some("山田"), Some("山田 "), None, Some("林")]);
        let given = Column::from_texts([Some("太郎"), Some("太郎"), Some("花子"), Some("薫")]);
        assert_eq!(whole_names(&family, &given), ["山田 太郎", "山田 太郎", "林 薫"]);
    }

    #[test]
    fn the_order_of_columns_does_not_matter() {
        let spans = |marks: [&'static str; 2]| {
            let mut all = Everyone::default();
            for mark in marks {
                all.add("1234567", mark, What::Number);
            }
            let mut spans = Vec::new();
            all.spans(&fold("1234567"), &mut spans);
            spans
        };
        assert_eq!(
            spans(["【電話番号】", "【患者番号】"]),
            spans(["【患者番号】", "【電話番号】"])
        );
    }
}
