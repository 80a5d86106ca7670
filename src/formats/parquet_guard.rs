//! What a Parquet file says of itself, held against the file before the library believes it: counts of lists in the footer, places
//! and sizes of column chunks and pages, numbers of values. A file of a few bytes may claim what would take all memory, and the
//! library takes memory for what is claimed. Here nothing is taken but the bytes that are there.
//!
//! Both the footer and the headers of pages are structures of Thrift's compact protocol, which is walked generically.

use std::cell::Cell;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};

use polars_parquet::read::{ColumnChunkMetadata, FileMetadata, read_metadata};

/// A footer beyond this is not from an honest writer: a hundred thousand column chunks have a tenth of it.
const LARGEST_FOOTER: u64 = 64 << 20;
/// What a file may always become when its pages are opened.
const ALWAYS: u64 = 256 << 20;
/// What it may become at most for each of its bytes.
const FOLD: u64 = 256;
/// Memory of a cell while it is read.
const CELL: u64 = 20;
/// Memory of a cell that was read.
const CODE: u64 = 4;
/// Structures within structures: the format has six.
const DEPTH: usize = 16;

thread_local! {
    static GUARDED: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread is in the library's hands: a panic there is an error of the file, and is told as one.
pub(super) fn guarded_now() -> bool {
    GUARDED.with(|g| g.get() > 0)
}

/// Runs code of the library on what a file says. None if it panics: the library does that on some damaged files.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Option<T> {
    GUARDED.with(|g| g.set(g.get() + 1));
    let done = catch_unwind(AssertUnwindSafe(run)).ok();
    GUARDED.with(|g| g.set(g.get().saturating_sub(1)));
    done
}

/// Bytes of the compact protocol.
struct Thrift<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Thrift<'_> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }
    fn skip(&mut self, bytes: u64) -> Option<()> {
        let bytes = usize::try_from(bytes).ok().filter(|&n| n <= self.left())?;
        self.at += bytes;
        Some(())
    }
    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                return None;
            }
            value |= bits << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
    fn zigzag(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }
    /// Walks over a value. `told` gets the whole numbers of structures with the ids of the fields that lead to them.
    fn value(
        &mut self,
        kind: u8,
        path: &mut Vec<i16>,
        told: &mut dyn FnMut(&[i16], i64),
    ) -> Option<()> {
        match kind {
            // true, false (their value is in the kind)
            1 | 2 => Some(()),
            3 => self.byte().map(drop),
            4..=6 => {
                let number = self.zigzag()?;
                told(path, number);
                Some(())
            }
            7 => self.skip(8),
            8 => {
                let length = self.varint()?;
                self.skip(length)
            }
            9 | 10 => {
                let head = self.byte()?;
                let (count, kind) = (u64::from(head >> 4), head & 15);
                let count = if count == 15 { self.varint()? } else { count };
                // An element has at least a byte, a structure of the format at least three.
                let least = if kind == 12 { 3 } else { 1 };
                let room = self.left() as u64 / least;
                if count > room {
                    return None;
                }
                for _ in 0..count {
                    match kind {
                        // In lists a truth value is a byte.
                        1 | 2 => self.byte().map(drop)?,
                        kind => self.value(kind, path, &mut |_, _| {})?,
                    }
                }
                Some(())
            }
            11 => {
                let count = self.varint()?;
                if count == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                if count > self.left() as u64 {
                    return None;
                }
                for _ in 0..count {
                    for kind in [kinds >> 4, kinds & 15] {
                        match kind {
                            1 | 2 => self.byte().map(drop)?,
                            kind => self.value(kind, path, &mut |_, _| {})?,
                        }
                    }
                }
                Some(())
            }
            12 => self.structure(path, told),
            _ => None,
        }
    }
    fn structure(&mut self, path: &mut Vec<i16>, told: &mut dyn FnMut(&[i16], i64)) -> Option<()> {
        if path.len() >= DEPTH {
            return None;
        }
        let mut last = 0_i16;
        loop {
            let head = self.byte()?;
            if head == 0 {
                return Some(());
            }
            let id = match head >> 4 {
                0 => i16::try_from(self.zigzag()?).ok()?,
                step => last.checked_add(i16::from(step))?,
            };
            last = id;
            path.push(id);
            self.value(head & 15, path, told)?;
            path.pop();
        }
    }
}

/// Whether the bytes before the end of the file are a footer that claims no more than it holds.
fn footer_holds(file: &File, length: u64) -> Option<()> {
    let mut end = [0; 8];
    crate::system::read_at(file, &mut end, length.checked_sub(8)?).ok()?;
    let (size, magic) = end.split_first_chunk::<4>()?;
    let size = u64::from(u32::from_le_bytes(*size));
    if magic != b"PAR1" || size > LARGEST_FOOTER {
        return None;
    }
    let start = length.checked_sub(8 + size).filter(|&at| at >= 4)?;
    let mut bytes = vec![0; usize::try_from(size).ok()?];
    crate::system::read_at(file, &mut bytes, start).ok()?;
    Thrift { bytes: &bytes, at: 0 }.structure(&mut Vec::new(), &mut |_, _| {})
}

/// Reads what a file says of itself; none if it says what cannot be.
pub(super) fn metadata(file: &mut File) -> Option<FileMetadata> {
    let length = file.metadata().ok()?.len();
    footer_holds(file, length)?;
    let metadata = guarded(|| read_metadata(file))?.ok()?;
    let whole = guarded(|| {
        metadata.row_groups.iter().all(|group| {
            let chunks = group.parquet_columns();
            chunks.iter().all(|chunk| range(chunk, length).is_some())
        })
    })?;
    whole.then_some(metadata)
}

/// Where the bytes of a chunk stand, if that is within the file.
fn range(chunk: &ColumnChunkMetadata, length: u64) -> Option<std::ops::Range<u64>> {
    let start = chunk.dictionary_page_offset().unwrap_or(0);
    let start = if start > 0 { start } else { chunk.data_page_offset() };
    let start = u64::try_from(start).ok().filter(|&at| at >= 4)?;
    let size = u64::try_from(chunk.compressed_size()).ok()?;
    u64::try_from(chunk.uncompressed_size()).ok()?;
    u64::try_from(chunk.num_values()).ok()?;
    let end = start.checked_add(size).filter(|&end| end <= length)?;
    // The library's own answer is the one that is read.
    (chunk.byte_range() == (start..end)).then_some(start..end)
}

/// What a file may become at most in memory, a row group at a time.
pub(super) fn room(length: u64) -> u64 {
    length.saturating_mul(FOLD).max(ALWAYS)
}

/// Whether the cells of all row groups have room as codes: whoever reads a whole file holds that much.
pub(super) fn whole_fits(metadata: &FileMetadata, columns: usize, room: u64) -> bool {
    let rows = metadata.row_groups.iter().map(|group| group.num_rows() as u64);
    let rows = rows.fold(0_u64, u64::saturating_add);
    rows.saturating_mul(columns as u64).saturating_mul(CODE) <= room
}

/// What is left of it for the pages of one row group of which so many columns are read.
pub(super) fn cells(rows: usize, columns: usize, room: u64) -> Option<u64> {
    let cells = (rows as u64).checked_mul(columns as u64)?.checked_mul(CELL)?;
    room.checked_sub(cells)
}

/// How a page may say that it holds codes of the chunk's dictionary (the format's `PLAIN_DICTIONARY` and `RLE_DICTIONARY`).
const CODES: [i64; 2] = [2, 8];

/// What the headers of a chunk's pages say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Pages {
    /// There is one dictionary, and every page of values holds codes of it alone.
    pub coded: bool,
}

/// The pages of a chunk, if they hold as many values as the group has rows, within its bytes, and become no more than `room`.
pub(super) fn pages(bytes: &[u8], rows: usize, room: u64) -> Option<Pages> {
    let rows = rows as u64;
    let mut pages = Thrift { bytes, at: 0 };
    let (mut seen, mut becomes) = (0_u64, 0_u64);
    let (mut dictionaries, mut plain_pages) = (0_u64, 0_u64);
    while seen < rows || pages.at == 0 {
        // By field: 1 kind, 2 and 3 sizes, 5.1, 7.1, 8.1 values of a page, of a dictionary, of a page of the second form; 5.2 and
        // 8.4 how the values are written.
        let (mut kind, mut sizes, mut values) = (None, [None, None], [None, None, None]);
        let mut written = None;
        let mut levels = [0, 0];
        pages.structure(&mut Vec::new(), &mut |path, number| match path {
            [1] => kind = Some(number),
            [2] => sizes[0] = Some(number),
            [3] => sizes[1] = Some(number),
            [5, 1] => values[0] = Some(number),
            [7, 1] => values[1] = Some(number),
            [8, 1] => values[2] = Some(number),
            [5, 2] | [8, 4] => written = Some(number),
            [8, 5] => levels[0] = number,
            [8, 6] => levels[1] = number,
            _ => {}
        })?;
        let plain = u64::try_from(sizes[0]?).ok()?;
        pages.skip(u64::try_from(sizes[1]?).ok()?)?;
        becomes = becomes.checked_add(plain)?;
        if becomes > room {
            return None;
        }
        // Lengths of levels that are negative, or longer than their page, make the library look outside of it.
        let [one, two] = levels;
        if one < 0 || two < 0 || one.checked_add(two)? as u64 > plain {
            return None;
        }
        let [data, dictionary, second] = values;
        match kind? {
            0 => seen = seen.checked_add(u64::try_from(data?).ok()?)?,
            3 => seen = seen.checked_add(u64::try_from(second?).ok()?)?,
            // Every value of a dictionary has at least a byte.
            2 => {
                u64::try_from(dictionary?).ok().filter(|&n| n <= plain)?;
                dictionaries += 1;
            }
            // Pages of an index have no values.
            1 => {}
            _ => return None,
        }
        let of_values = matches!(kind, Some(0 | 3));
        plain_pages += u64::from(of_values && written.is_none_or(|w| !CODES.contains(&w)));
        if seen > rows {
            return None;
        }
    }
    Some(Pages { coded: dictionaries == 1 && plain_pages == 0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn structure(bytes: &[u8]) -> Option<()> {
        Thrift { bytes, at: 0 }.structure(&mut Vec::new(), &mut |_, _| {})
    }

    #[test]
    fn a_list_that_claims_more_than_there_is_is_refused() {
        // Field 2, a list of structures, of 2^40 elements.
        let mut bytes = vec![0x29, 0xfc];
        bytes.extend([0x80, 0x80, 0x80, 0x80, 0x80, 0x20]);
        bytes.extend([0; 2000]);
        assert_eq!(structure(&bytes), None);
        // Of two elements, each a number and an end.
        assert_eq!(structure(&[0x29, 0x2c, 0x15, 0x02, 0, 0x15, 0x04, 0, 0]), Some(()));
        // A text that is longer than the rest, a number without an end, structures without end.
        assert_eq!(structure(&[0x18, 0x7f, 0x41, 0]), None);
        assert_eq!(
            structure(&[0x16, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0]),
            None
        );
        assert_eq!(structure(&[0x1c; 100]), None);
    }

    /// A page: its kind, its sizes, its values.
    fn page(plain: u8, values: u8, body: usize) -> Vec<u8> {
        written(plain, values, body, 0)
    }

    /// The same, with the number of the encoding.
    fn written(plain: u8, values: u8, body: usize, how: u8) -> Vec<u8> {
        let mut bytes = vec![
            0x15,
            0,
            0x15,
            plain << 1,
            0x15,
            (body as u8) << 1,
            0x2c,
            0x15,
            values << 1,
            0x15,
            how << 1,
            0,
            0,
        ];
        bytes.extend(vec![7; body]);
        bytes
    }

    #[test]
    fn pages_are_as_large_and_as_many_as_they_say() {
        let two = [page(20, 3, 10), page(20, 2, 10)].concat();
        assert_eq!(pages(&two, 5, 1000), Some(Pages { coded: false }));
        for (rows, room) in [(4, 1000), (6, 1000), (5, 39)] {
            assert_eq!(pages(&two, rows, room), None, "{rows} {room}");
        }
        assert_eq!(pages(&two[..two.len() - 1], 5, 1000), None);
        assert_eq!(pages(&[], 1, 1000), None);
    }

    #[test]
    fn pages_are_codes_where_all_of_them_say_so() {
        let mut dictionary = vec![0x15, 4, 0x15, 20, 0x15, 8, 0x4c, 0x15, 4, 0, 0];
        dictionary.extend([7; 4]);
        let is_coded = |of: &[&[u8]], rows| pages(&of.concat(), rows, 1000).map(|p| p.coded);
        let (codes, old) = (written(9, 3, 6, 8), written(9, 2, 6, 2));
        assert_eq!(is_coded(&[&dictionary, &codes, &old], 5), Some(true));
        assert_eq!(is_coded(&[&dictionary, &codes, &page(9, 2, 6)], 5), Some(false), "fell back");
        assert_eq!(is_coded(&[&codes], 3), Some(false), "codes of nothing");
        assert_eq!(is_coded(&[&dictionary, &dictionary, &codes], 3), Some(false));
    }
}
