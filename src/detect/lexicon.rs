//! Lists that detectors look words up in: family names, given names, their readings, municipalities.
//! Sources and licences: `policies/codes/README.md`.

use std::io::Read;
use std::sync::OnceLock;

use hashbrown::HashSet;

use crate::text::normalize::{large_katakana, variant};
use crate::text::romaji;

static NAMES: &[u8] = include_bytes!("../../policies/codes/names.txt.gz");
static MUNICIPALITIES: &[u8] = include_bytes!("../../policies/codes/municipalities.txt.gz");

fn unpack(packed: &[u8]) -> String {
    let mut text = String::new();
    #[expect(
        clippy::expect_used,
        reason = "the bytes are part of the program; a test unpacks them"
    )]
    flate2::read::GzDecoder::new(packed)
        .read_to_string(&mut text)
        .expect("the shipped list is whole");
    text
}

/// Names of persons, in folded form.
pub(super) struct Names {
    /// Family names as they are written.
    pub(super) family: HashSet<String>,
    /// Given names as they are written.
    pub(super) given: HashSet<String>,
    /// Readings of family names, large katakana.
    pub(super) family_kana: HashSet<String>,
    /// Readings of given names, large katakana.
    pub(super) given_kana: HashSet<String>,
}

/// The names. They are constant, so they are unpacked once for the process.
pub(super) fn names() -> &'static Names {
    static CELL: OnceLock<Names> = OnceLock::new();
    CELL.get_or_init(|| {
        let text = unpack(NAMES);
        let mut lists = text.split("\n\n").map(|list| {
            list.lines()
                .filter(|l| !l.is_empty())
                .map(|l| l.chars().map(variant).collect::<String>())
        });
        let mut list = || lists.next().into_iter().flatten();
        let family = list().collect();
        let given = list().collect();
        let large = |name: String| name.chars().map(large_katakana).collect();
        let family_kana = list().map(large).collect();
        let given_kana = list().map(large).collect();
        Names { family, given, family_kana, given_kana }
    })
}

/// Readings of names in the one form of Latin letters.
pub(super) struct LatinNames {
    /// Of family names.
    pub(super) family: HashSet<String>,
    /// Of given names.
    pub(super) given: HashSet<String>,
}

/// The readings in Latin letters.
pub(super) fn latin_names() -> &'static LatinNames {
    static CELL: OnceLock<LatinNames> = OnceLock::new();
    CELL.get_or_init(|| {
        let text = unpack(NAMES);
        let mut lists = text
            .split("\n\n")
            .skip(2)
            .map(|list| list.lines().filter_map(romaji::of_kana).collect());
        let mut list = || lists.next().unwrap_or_default();
        LatinNames { family: list(), given: list() }
    })
}

/// Municipalities with 市, 区, 町, 村, in folded form; those of a county with and without it.
pub(super) fn municipalities() -> &'static Vec<String> {
    static CELL: OnceLock<Vec<String>> = OnceLock::new();
    CELL.get_or_init(|| {
        let mut all: Vec<String> = Vec::new();
        for line in unpack(MUNICIPALITIES).lines() {
            let name: String = line.chars().map(variant).collect();
            if let Some((_, town)) = name
                .split_once('郡')
                .filter(|(county, town)| !county.is_empty() && town.chars().count() >= 3)
            {
                all.push(town.to_owned());
            }
            if let Some(at) = name
                .find('市')
                .filter(|&at| at > 0 && at + '市'.len_utf8() < name.len() && name.ends_with('区'))
            {
                all.push(name[..at + '市'.len_utf8()].to_owned());
            }
            all.push(name);
        }
        all.sort();
        all.dedup();
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lists_are_whole() {
        let names = names();
        assert!(names.family.len() > 11_000 && names.given.len() > 17_000);
        assert!(names.family_kana.len() > 8_000 && names.given_kana.len() > 6_000);
        for name in ["佐藤", "高橋", "渡辺", "山崎"] {
            assert!(names.family.contains(name), "{name}");
        }
        assert!(names.family_kana.contains("サトウ") && names.given_kana.contains("ハナコ"));
        let latin = latin_names();
        assert!(latin.family.len() > 7_000 && latin.given.len() > 4_000);
        for (list, name) in
            [(&latin.family, "SATOH"), (&latin.family, "Ohno"), (&latin.given, "JUN'ICHI")]
        {
            assert!(list.contains(&romaji::key(name).unwrap()), "{name}");
        }
        let towns = municipalities();
        assert!(towns.len() > 1_900);
        for town in ["横浜市西区", "横浜市", "千代田区", "富士河口湖町"] {
            assert!(towns.binary_search(&town.to_owned()).is_ok(), "{town}");
        }
    }
}
