//! Spill: partitions on disk when memory does not hold them, in a private folder that disappears on every way out.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use hashbrown::HashMap;
use rayon::prelude::*;

use crate::claim::{self, Claim};
use crate::error::{Error, Result};
use crate::frame::{Column, Dictionary, MISSING, Table};
use crate::memory::Fleeting;
use crate::say;
use crate::system::{self, Opening as _};

const PREFIX: &str = ".kakou-spill-";
const MAGIC: &[u8; 8] = b"kakouSP2";

/// A private folder for blocks; removed when dropped, or by the next run if this one is killed.
#[derive(Debug)]
pub struct SpillDir {
    path: PathBuf,
    _claim: Claim,
    _fleeting: Fleeting,
    next: AtomicU64,
}

impl SpillDir {
    /// Makes the folder (mode 0700) in `root` and removes what dead owners left there.
    ///
    /// # Errors
    /// I/O.
    pub fn create(root: &Path) -> Result<Self> {
        let fail = |e: &std::io::Error| Error::io("X0601", say!("making the spill folder"), e);
        system::owners_folder().recursive(true).create(root).map_err(|e| fail(&e))?;
        sweep(root)?;
        let claim = Claim::new(root, PREFIX).map_err(|e| fail(&e))?;
        let path = claim.path().to_owned();
        system::owners_folder().create(&path).map_err(|e| fail(&e))?;
        let fleeting = Fleeting::new(&path);
        Ok(SpillDir { path, _claim: claim, _fleeting: fleeting, next: AtomicU64::new(0) })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes columns of any lengths as a block; dictionaries that they share are written once. Only texts that occur in the
    /// columns are written.
    ///
    /// # Errors
    /// I/O.
    pub fn write(&self, columns: &[&Column]) -> Result<Block> {
        let fail = |e: &std::io::Error| Error::io("X0603", say!("writing a spill block"), e);
        let (mut file, path) = self.new_block()?;
        let written = encode(columns, &mut |bytes| file.write_all(bytes)).map_err(|e| fail(&e))?;
        system::write_at(&file, &written.head, 0).map_err(|e| fail(&e))?;
        Ok(Block { path, weight: written.weight, bytes: written.bytes })
    }

    /// Writes rows as a block.
    ///
    /// # Errors
    /// I/O.
    pub fn write_rows(&self, rows: &Table) -> Result<Block> {
        self.write(&rows.columns.iter().collect::<Vec<_>>())
    }

    /// Reads a block back: its columns in the order in which they were given.
    ///
    /// # Errors
    /// I/O, or a block that is not as it was written.
    pub fn read(&self, block: &Block) -> Result<Vec<Column>> {
        let fail = |e: &std::io::Error| Error::io("X0604", say!("reading a spill block"), e);
        let damaged =
            || Error::environment("X0605", say!("a spill block is damaged: is the disk sound?"));
        let file = File::open(&block.path).map_err(|e| fail(&e))?;
        let read = |bytes: &mut [u8], at| system::read_at(&file, bytes, at);
        decode(block.bytes, &read).map_err(|e| fail(&e))?.ok_or_else(damaged)
    }

    /// Reads rows back.
    ///
    /// # Errors
    /// I/O, or a block that is not as it was written.
    pub fn read_rows(&self, block: &Block) -> Result<Table> {
        let columns = self.read(block)?;
        Ok(Table { rows: columns.first().map_or(0, Column::len), columns })
    }

    /// The bytes of a block, as they stand on the disk.
    ///
    /// # Errors
    /// I/O.
    pub fn open(&self, block: &Block) -> Result<File> {
        File::open(&block.path).map_err(|e| Error::io("X0604", say!("reading a spill block"), &e))
    }

    /// A block from such bytes, which `write` puts into its file. What is damaged is told when it is read.
    ///
    /// # Errors
    /// I/O, or what `write` says.
    pub fn adopt(&self, write: impl FnOnce(&mut File) -> Result<()>) -> Result<Block> {
        let (mut file, path) = self.new_block()?;
        write(&mut file)?;
        let length = file.metadata().map(|m| m.len());
        let bytes = length.map_err(|e| Error::io("X0603", say!("writing a spill block"), &e))?;
        Ok(Block { path, weight: bytes, bytes })
    }

    fn new_block(&self) -> Result<(File, PathBuf)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let path = self.path.join(format!("{number:08}.block"));
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .of_owner()
            .open(&path)
            .map_err(|e| Error::io("X0603", say!("writing a spill block"), &e))?;
        Ok((file, path))
    }

    /// Removes a block that is not needed any more: its room on the disk is for others.
    pub fn remove(&self, block: &Block) {
        // Best effort: the folder goes at the end.
        let _ = fs::remove_file(&block.path);
    }
}

/// A block on the disk.
#[derive(Clone, Debug)]
pub struct Block {
    path: PathBuf,
    /// Bytes that its columns take in memory.
    pub weight: u64,
    /// Bytes on the disk.
    pub bytes: u64,
}

/// Long rows of numbers that wait on the disk, in a private folder of their own.
#[derive(Debug)]
pub struct Shelf {
    _directory: SpillDir,
    file: File,
    next: AtomicU64,
}

/// Where numbers stand on a shelf.
#[derive(Clone, Copy, Debug)]
pub struct Shelved {
    at: u64,
    count: usize,
    sum: u32,
}

impl Shelf {
    /// An empty one in `root`.
    ///
    /// # Errors
    /// I/O.
    pub fn create(root: &Path) -> Result<Self> {
        let directory = SpillDir::create(root)?;
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .of_owner()
            .open(directory.path.join("shelf"))
            .map_err(|e| Error::io("X0603", say!("writing a spill block"), &e))?;
        Ok(Shelf { _directory: directory, file, next: AtomicU64::new(0) })
    }

    /// Puts numbers there.
    ///
    /// # Errors
    /// I/O.
    pub fn put(&self, numbers: &[u64]) -> Result<Shelved> {
        let length = size_of_val(numbers) as u64;
        let at = self.next.fetch_add(length, Ordering::Relaxed);
        let mut sum = crc32fast::Hasher::new();
        let mut place = at;
        for some in numbers.chunks(SHELVED) {
            let bytes: Vec<u8> = some.iter().flat_map(|n| n.to_le_bytes()).collect();
            sum.update(&bytes);
            system::write_at(&self.file, &bytes, place)
                .map_err(|e| Error::io("X0603", say!("writing a spill block"), &e))?;
            place += bytes.len() as u64;
        }
        Ok(Shelved { at, count: numbers.len(), sum: sum.finalize() })
    }

    /// Takes them from there.
    ///
    /// # Errors
    /// I/O, or numbers that are not as they were put.
    pub fn get(&self, shelved: Shelved) -> Result<Vec<u64>> {
        let mut numbers = Vec::with_capacity(shelved.count);
        let mut sum = crc32fast::Hasher::new();
        let mut place = shelved.at;
        while numbers.len() < shelved.count {
            let mut bytes = vec![0; 8 * SHELVED.min(shelved.count - numbers.len())];
            system::read_at(&self.file, &mut bytes, place)
                .map_err(|e| Error::io("X0604", say!("reading a spill block"), &e))?;
            sum.update(&bytes);
            place += bytes.len() as u64;
            numbers.extend(bytes.as_chunks().0.iter().map(|n| u64::from_le_bytes(*n)));
        }
        if sum.finalize() != shelved.sum {
            return Err(Error::environment(
                "X0605",
                say!("a spill block is damaged: is the disk sound?"),
            ));
        }
        Ok(numbers)
    }
}

/// Numbers that go to the disk at once.
const SHELVED: usize = 1 << 15;

/// Bytes that are free on the disk of a folder (or of the nearest folder above it that is there).
#[must_use]
pub fn free(folder: &Path) -> Option<u64> {
    let there = folder.ancestors().find(|f| f.exists()).unwrap_or(Path::new("."));
    system::free(there)
}

/// Removes spill folders whose owner is gone.
///
/// # Errors
/// If the folder cannot be listed.
pub fn sweep(root: &Path) -> Result<()> {
    claim::sweep(root, PREFIX)
        .map_err(|e| Error::io("X0606", say!("looking for leftovers of dead runs"), &e))
}

/// Columns as the bytes of a block, without a disk.
#[must_use]
pub fn to_bytes(columns: &[&Column]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let written = encode(columns, &mut |more| {
        bytes.extend_from_slice(more);
        Ok(())
    });
    if let Ok(Encoded { head, .. }) = written {
        bytes[..head.len()].copy_from_slice(&head);
    }
    bytes
}

/// The columns of such bytes; none if they are not as they were made.
#[must_use]
pub fn from_bytes(bytes: &[u8]) -> Option<Vec<Column>> {
    let read = |into: &mut [u8], at: u64| {
        let at = usize::try_from(at).ok();
        let there = at.and_then(|at| bytes.get(at..at.checked_add(into.len())?));
        let there = there.ok_or(std::io::ErrorKind::UnexpectedEof)?;
        into.copy_from_slice(there);
        Ok(())
    };
    decode(bytes.len() as u64, &read).ok()?
}

/// Columns as packed bytes, to be carried.
///
/// # Errors
/// `X0632` if they cannot be packed (a bug).
pub fn pack(columns: &[&Column]) -> Result<Vec<u8>> {
    zstd::stream::encode_all(to_bytes(columns).as_slice(), 1)
        .map_err(|e| Error::io("X0632", say!("packing rows"), &e))
}

/// The columns of packed bytes; none if they are not as they were made.
#[must_use]
pub fn unpack(bytes: &[u8]) -> Option<Vec<Column>> {
    from_bytes(&zstd::stream::decode_all(bytes).ok()?)
}

/// What [`encode`] made: the head, which belongs at the beginning, in place of as many zeros.
struct Encoded {
    head: Vec<u8>,
    weight: u64,
    bytes: u64,
}

fn encode(
    columns: &[&Column],
    write: &mut dyn FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<Encoded> {
    // Columns by their dictionaries.
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let mut known: HashMap<*const Dictionary, usize> = HashMap::new();
    for (at, column) in columns.iter().enumerate() {
        let group = *known.entry(Arc::as_ptr(column.dictionary())).or_insert(groups.len());
        if group == groups.len() {
            groups.push(Vec::new());
        }
        groups[group].push(at);
    }
    let encode = |group: &Vec<usize>| bytes_of(columns, group);
    let mut weight = 0;
    let mut head = Vec::new();
    head.extend_from_slice(MAGIC);
    head.extend_from_slice(&(columns.len() as u64).to_le_bytes());
    head.extend_from_slice(&(groups.len() as u64).to_le_bytes());
    let mut at = (head.len() + groups.len() * GROUP_HEAD + 4) as u64;
    // Small blocks in one go; of large ones a few groups at a time are in memory.
    let mut waiting: Vec<u8> = vec![0; at as usize];
    for some in groups.chunks(4) {
        let parts: Vec<(Vec<u8>, u64)> = some.par_iter().map(encode).collect();
        for (part, of) in parts {
            weight += of;
            head.extend_from_slice(&at.to_le_bytes());
            head.extend_from_slice(&(part.len() as u64).to_le_bytes());
            head.extend_from_slice(&crc32fast::hash(&part).to_le_bytes());
            at += part.len() as u64;
            waiting.extend_from_slice(&part);
            if waiting.len() > 1 << 20 {
                write(&waiting)?;
                waiting.clear();
            }
        }
    }
    write(&waiting)?;
    let sum = crc32fast::hash(&head).to_le_bytes();
    head.extend_from_slice(&sum);
    Ok(Encoded { head, weight, bytes: at })
}

/// Reads so many bytes at a place.
type ReadAt<'a> = &'a (dyn Fn(&mut [u8], u64) -> std::io::Result<()> + Sync);

/// The columns; none if they are damaged.
fn decode(bytes: u64, read: ReadAt<'_>) -> std::io::Result<Option<Vec<Column>>> {
    let Some((columns, groups)) = head_of(bytes, read) else { return Ok(None) };
    let parsed: Vec<Option<Vec<(usize, Column)>>> = groups
        .par_iter()
        .map(|group| {
            let mut bytes = vec![0; group.length];
            read(&mut bytes, group.at)?;
            Ok((crc32fast::hash(&bytes) == group.sum).then(|| parse(&bytes)).flatten())
        })
        .collect::<std::io::Result<_>>()?;
    let mut placed: Vec<Option<Column>> = vec![None; columns];
    for group in parsed {
        let Some(group) = group else { return Ok(None) };
        for (at, column) in group {
            let Some(slot) = placed.get_mut(at) else { return Ok(None) };
            *slot = Some(column);
        }
    }
    Ok(placed.into_iter().collect())
}

/// Where a group stands: its place, its length, its sum.
const GROUP_HEAD: usize = 8 + 8 + 4;

/// The columns of one dictionary, with the bytes that they take in memory. Codes are renumbered in the order of appearance.
fn bytes_of(columns: &[&Column], group: &[usize]) -> (Vec<u8>, u64) {
    let mut bytes = Vec::new();
    let Some(&first) = group.first() else { return (bytes, 0) };
    let dictionary = columns[first].dictionary();
    let cells: usize = group.iter().map(|&at| columns[at].len()).sum();
    let mut order: Vec<u32> = Vec::new();
    // Few rows of a large dictionary (the rows of one partition) do not look at all of it.
    let mut codes: Vec<Vec<u32>> = Vec::with_capacity(group.len());
    if cells * 4 < dictionary.len() {
        let mut map: HashMap<u32, u32> = HashMap::with_capacity(cells);
        for &at in group {
            let new = columns[at].codes().iter().map(|&code| match code {
                MISSING => MISSING,
                code => *map.entry(code).or_insert_with(|| {
                    order.push(code);
                    order.len() as u32 - 1
                }),
            });
            codes.push(new.collect());
        }
    } else {
        let mut map = vec![MISSING; dictionary.len()];
        for &at in group {
            let new = columns[at].codes().iter().map(|&code| {
                if code == MISSING {
                    return MISSING;
                }
                let slot = &mut map[code as usize];
                if *slot == MISSING {
                    *slot = order.len() as u32;
                    order.push(code);
                }
                *slot
            });
            codes.push(new.collect());
        }
    }
    let text: usize = order.iter().map(|&code| dictionary.text(code).len()).sum();
    let width = width_of(order.len());
    bytes.reserve(24 + text + order.len() * 4 + cells * width + group.len() * 16);
    bytes.extend_from_slice(&(order.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&(text as u64).to_le_bytes());
    for &code in &order {
        bytes.extend_from_slice(&(dictionary.text(code).len() as u32).to_le_bytes());
    }
    for &code in &order {
        bytes.extend_from_slice(dictionary.text(code).as_bytes());
    }
    bytes.extend_from_slice(&(group.len() as u64).to_le_bytes());
    for (&at, codes) in group.iter().zip(&codes) {
        bytes.extend_from_slice(&(at as u64).to_le_bytes());
        bytes.extend_from_slice(&(codes.len() as u64).to_le_bytes());
        // A missing cell is the largest number of the width.
        match width {
            1 => bytes.extend(codes.iter().map(|&code| code as u8)),
            2 => bytes.extend(codes.iter().flat_map(|&code| (code as u16).to_le_bytes())),
            _ => bytes.extend(codes.iter().flat_map(|&code| code.to_le_bytes())),
        }
    }
    (bytes, (text + order.len() * size_of::<usize>() + cells * size_of::<u32>()) as u64)
}

/// Bytes of a code where there are so many texts.
fn width_of(texts: usize) -> usize {
    match texts {
        0..=0xff => 1,
        0x100..=0xffff => 2,
        _ => 4,
    }
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }
    fn u64(&mut self) -> Option<usize> {
        usize::try_from(u64::from_le_bytes(self.take(8)?.try_into().ok()?)).ok()
    }
    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }
}

struct Group {
    at: u64,
    length: usize,
    sum: u32,
}

/// The number of columns, and the groups; none if the head is damaged or does not account for the whole file.
fn head_of(bytes: u64, read: ReadAt<'_>) -> Option<(usize, Vec<Group>)> {
    let mut start = [0; 24];
    read(&mut start, 0).ok()?;
    let mut cursor = Cursor(&start);
    (cursor.take(8)? == MAGIC).then_some(())?;
    let (columns, groups) = (cursor.u64()?, cursor.u64()?);
    let length = groups.checked_mul(GROUP_HEAD)?.checked_add(24)?;
    (columns >= groups && length as u64 + 4 <= bytes).then_some(())?;
    let mut head = vec![0; length + 4];
    read(&mut head, 0).ok()?;
    let (head, sum) = head.split_at(length);
    (crc32fast::hash(head).to_le_bytes() == sum).then_some(())?;
    let mut cursor = Cursor(head.get(24..)?);
    let mut next = length as u64 + 4;
    let mut found = Vec::with_capacity(groups);
    for _ in 0..groups {
        let group = Group { at: cursor.u64()? as u64, length: cursor.u64()?, sum: cursor.u32()? };
        (group.at == next).then_some(())?;
        next = next.checked_add(group.length as u64)?;
        found.push(group);
    }
    (next == bytes).then_some((columns, found))
}

fn parse(bytes: &[u8]) -> Option<Vec<(usize, Column)>> {
    let mut cursor = Cursor(bytes);
    let texts = cursor.u64()?;
    let length = cursor.u64()?;
    let lengths = cursor.take(texts.checked_mul(4)?)?;
    let mut end = 0_usize;
    let ends: Vec<usize> = lengths
        .chunks_exact(4)
        .map(|c| {
            end += u32::from_le_bytes([c[0], c[1], c[2], c[3]]) as usize;
            end
        })
        .collect();
    let text = std::str::from_utf8(cursor.take(length)?).ok()?.to_owned();
    let dictionary = Arc::new(Dictionary::from_raw(text, ends)?);
    let missing = width_of(texts);
    let mut columns = Vec::new();
    for _ in 0..cursor.u64()? {
        let (at, rows) = (cursor.u64()?, cursor.u64()?);
        let cells = cursor.take(rows.checked_mul(missing)?)?;
        let codes: Vec<u32> = match missing {
            1 => cells.iter().map(|&c| if c == 0xff { MISSING } else { c.into() }).collect(),
            2 => cells
                .chunks_exact(2)
                .map(|c| match u16::from_le_bytes([c[0], c[1]]) {
                    u16::MAX => MISSING,
                    code => code.into(),
                })
                .collect(),
            _ => cells
                .chunks_exact(4)
                .map(|c| u32::from_le_bytes([c[0], c[1], c[2], c[3]]))
                .collect(),
        };
        codes.iter().all(|&c| c == MISSING || (c as usize) < texts).then_some(())?;
        columns.push((at, Column::new(codes, Arc::clone(&dictionary))));
    }
    cursor.0.is_empty().then_some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_from_the_shelf_or_are_damaged() {
        let root = tempfile::tempdir().unwrap();
        let shelf = Shelf::create(root.path()).unwrap();
        let long: Vec<u64> = (0..SHELVED as u64 * 2 + 7).map(|n| n << 40 | n).collect();
        let (none, all) = (shelf.put(&[]).unwrap(), shelf.put(&long).unwrap());
        let few = shelf.put(&[1, 2]).unwrap();
        assert_eq!(shelf.get(none).unwrap(), [0_u64; 0]);
        assert_eq!(shelf.get(all).unwrap(), long);
        system::write_at(&shelf.file, &[9], few.at).unwrap();
        assert_eq!(shelf.get(few).unwrap_err().code, "X0605");
        drop(shelf);
        assert_eq!(std::fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn blocks_come_back_and_hold_no_more_than_their_rows() {
        let root = tempfile::tempdir().unwrap();
        let directory = SpillDir::create(root.path()).unwrap();
        let column = Column::from_texts([Some("CANARY-山田-7f3a"), Some("a"), None, Some("b")]);
        let other = Column::from_texts([None, Some("c"), Some("c")]);
        // Two columns of one dictionary keep it in common.
        let columns = [&column.take(&[1, 2, 3]), &other, &column.take(&[3])];
        let block = directory.write(&columns).unwrap();
        let bytes = fs::read(&block.path).unwrap();
        assert_eq!(bytes.len() as u64, block.bytes);
        assert!(!bytes.windows(6).any(|w| w == b"CANARY"), "a removed value was spilled");
        let back = directory.read(&block).unwrap();
        assert_eq!(back[0].cells().collect::<Vec<_>>(), [Some("a"), None, Some("b")]);
        assert_eq!(back[1].cells().collect::<Vec<_>>(), [None, Some("c"), Some("c")]);
        assert_eq!(back[2].cells().collect::<Vec<_>>(), [Some("b")]);
        assert!(Arc::ptr_eq(back[0].dictionary(), back[2].dictionary()));
        assert_eq!(back[0].dictionary().len(), 2);
        assert_eq!(to_bytes(&columns), bytes);
        assert!(from_bytes(&bytes).unwrap()[0].cells().eq(back[0].cells()));
        for at in 0..bytes.len() {
            let mut bad = bytes.clone();
            bad[at] ^= 1;
            fs::write(&block.path, &bad).unwrap();
            assert!(directory.read(&block).is_err(), "byte {at} was changed and nobody noticed");
            assert!(from_bytes(&bad).is_none() && from_bytes(&bytes[..at]).is_none());
        }
        let folder = directory.path.clone();
        drop(directory);
        assert!(!folder.exists());
    }

    #[test]
    fn codes_of_every_width_come_back() {
        let root = tempfile::tempdir().unwrap();
        let directory = SpillDir::create(root.path()).unwrap();
        for texts in [0_usize, 1, 254, 255, 256, 65_534, 65_535, 65_536] {
            let column = Column::from_texts((0..=texts).map(|n| (n > 0).then(|| n.to_string())));
            let back = directory.read(&directory.write(&[&column]).unwrap()).unwrap();
            assert!(back[0].cells().eq(column.cells()), "{texts} texts");
        }
        assert!(directory.read(&directory.write(&[]).unwrap()).unwrap().is_empty());
    }

    #[test]
    fn folders_of_dead_owners_are_swept() {
        let root = tempfile::tempdir().unwrap();
        let dead = root.path().join(".kakou-spill-dead");
        fs::create_dir(&dead).unwrap();
        fs::write(dead.join("00000000.block"), b"").unwrap();
        let alive = SpillDir::create(root.path()).unwrap();
        assert!(!dead.exists() && alive.path.exists());
        sweep(root.path()).unwrap();
        assert!(alive.path.exists(), "the folder of a living owner was removed");
    }
}
