//! Packed files: text in `.gz`, `.zst` or `.zip` is unpacked as it is read, and nothing of it is written to the disk.
//!
//! What such a file says of its own size is not believed: the bytes are counted as they come, and reading ends where they are more
//! than any honest file unpacks to. Digests are of the file as it lies on the disk.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use super::{Hashing, Wanted};
use crate::error::{Error, Name, Result};
use crate::say;
use crate::schema::file::{Holds, InputFormat};

/// A packed file may become as large in any case.
const FLOOR: u64 = 1 << 30;
/// A larger one has at most so many bytes for each of its own. Tables of repeated codes come to 100.
const RATIO: u64 = 250;
/// Windows of a zstd frame above this are asked for by no honest writer (`--ultra --long=27`).
const WINDOW_LOG: u32 = 27;

/// How a file is packed, by its ending.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Packing {
    Gzip,
    Zstd,
    Zip,
}

fn lower(path: &Path) -> String {
    path.extension().and_then(|e| e.to_str()).unwrap_or("").to_ascii_lowercase()
}

fn packing(path: &Path) -> Option<Packing> {
    match lower(path).as_str() {
        "gz" => Some(Packing::Gzip),
        "zst" => Some(Packing::Zstd),
        "zip" => Some(Packing::Zip),
        _ => None,
    }
}

/// Whether the ending says that a file is packed.
pub(super) fn is_packed(path: &Path) -> bool {
    packing(path).is_some()
}

/// The ending of a file in small letters; of a packed one, of the file in it.
pub(super) fn ending(path: &Path) -> String {
    match packing(path) {
        None => lower(path),
        Some(Packing::Zip) => only(path).map(|m| lower(Path::new(&m.name))).unwrap_or_default(),
        Some(_) => path.file_stem().map(|s| lower(Path::new(s))).unwrap_or_default(),
    }
}

/// Why a file cannot be unpacked.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Why {
    Damaged,
    Large,
    Several(usize),
    Locked,
    Method,
}

impl Why {
    fn error(self, table: &Name) -> Error {
        match self {
            Why::Damaged => Error::data(
                "D0024",
                say!("table `{}`: the packed file is damaged or ends early", table),
            )
            .advice(say!("copy it again from where it was made")),
            Why::Large => Error::data(
                "D0025",
                say!(
                    "table `{}`: the packed file becomes larger than any honest one: more than {} bytes for each of its own",
                    table,
                    RATIO
                ),
            )
            .advice(say!("if it is what it should be, unpack it and read the unpacked file")),
            Why::Several(count) => Error::data(
                "D0026",
                say!("table `{}`: {} files are in the .zip file, where one is read", table, count),
            )
            .advice(say!("unpack it into the input folder; `source.path` may be a pattern")),
            Why::Locked => Error::data(
                "D0026",
                say!("table `{}`: the .zip file is locked with a password", table),
            )
            .advice(say!("unpack it into the input folder")),
            Why::Method => Error::data(
                "D0026",
                say!("table `{}`: the .zip file is packed in a way that is not read", table),
            )
            .advice(say!("unpack it into the input folder, or pack it anew (deflate)")),
        }
    }
}

/// A file in an archive: where its bytes are.
pub(super) struct Member {
    /// Its name in the archive. It comes from data.
    pub(super) name: String,
    start: u64,
    length: u64,
    packed: bool,
    crc: u32,
    size: u64,
}

impl Member {
    /// Its bytes in the archive.
    pub(super) fn packed_length(&self) -> u64 {
        self.length
    }
}

fn archive(path: &Path) -> std::result::Result<Vec<Member>, Why> {
    let file = File::open(path).map_err(|_| Why::Damaged)?;
    let mut archive = zip::ZipArchive::new(BufReader::new(file)).map_err(|_| Why::Damaged)?;
    let mut members = Vec::new();
    for index in 0..archive.len() {
        let entry = archive.by_index_raw(index).map_err(|_| Why::Damaged)?;
        if !entry.is_file() {
            continue;
        }
        if entry.encrypted() {
            return Err(Why::Locked);
        }
        let packed = match entry.compression() {
            zip::CompressionMethod::Stored => false,
            zip::CompressionMethod::DEFLATE => true,
            _ => return Err(Why::Method),
        };
        members.push(Member {
            name: entry.name().map_err(|_| Why::Damaged)?.into_owned(),
            start: entry.data_start().ok_or(Why::Damaged)?,
            length: entry.compressed_size(),
            packed,
            crc: entry.crc32(),
            size: entry.size(),
        });
    }
    Ok(members)
}

/// The files of an archive (a workbook is one).
pub(super) fn members(path: &Path, table: &Name) -> Result<Vec<Member>> {
    archive(path).map_err(|why| why.error(table))
}

/// The one file of an archive; notes of the system that packed it do not count.
fn only(path: &Path) -> std::result::Result<Member, Why> {
    let beside = |name: &str| {
        name.split('/').any(|part| part.starts_with('.') || part == "__MACOSX")
            || name.to_lowercase().ends_with("thumbs.db")
    };
    let mut files: Vec<Member> = archive(path)?.into_iter().filter(|m| !beside(&m.name)).collect();
    match (files.pop(), files.len()) {
        (Some(member), 0) => Ok(member),
        (None, _) => Err(Why::Several(0)),
        (Some(_), others) => Err(Why::Several(others + 1)),
    }
}

/// Reads a file of an archive; `most` bytes at most.
pub(super) fn unpack(path: &Path, member: &Member, most: u64) -> io::Result<Box<dyn Read + Send>> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(member.start))?;
    let raw = file.take(member.length);
    let plain: Box<dyn Read + Send> = if member.packed {
        Box::new(flate2::read::DeflateDecoder::new(raw))
    } else {
        Box::new(raw)
    };
    let checked = Checked { inner: plain, crc: crc32fast::Hasher::new(), wanted: member.crc };
    Ok(Box::new(Bounded { inner: Box::new(checked), left: most }))
}

/// Ends with an error where the bytes are not those of the checksum.
struct Checked {
    inner: Box<dyn Read + Send>,
    crc: crc32fast::Hasher,
    wanted: u32,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        if count == 0 && !buffer.is_empty() && self.crc.clone().finalize() != self.wanted {
            return Err(io::ErrorKind::InvalidData.into());
        }
        self.crc.update(&buffer[..count]);
        Ok(count)
    }
}

/// Ends with an error where there are more bytes than an honest file has.
struct Bounded {
    inner: Box<dyn Read + Send>,
    left: u64,
}

impl Read for Bounded {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        match self.left.checked_sub(count as u64) {
            Some(left) => self.left = left,
            None => return Err(io::ErrorKind::FileTooLarge.into()),
        }
        Ok(count)
    }
}

/// So many bytes may come out of a file of this length.
pub(super) fn most(length: u64) -> u64 {
    length.saturating_mul(RATIO).max(FLOOR)
}

/// Opens a file for its text, unpacked where its ending says that it is packed.
pub(super) fn open(path: &Path, table: &Name) -> Result<Box<dyn Read + Send>> {
    let fail = |e: &io::Error| Error::io("X0504", say!("opening a file of table `{}`", table), e);
    let file = File::open(path).map_err(|e| fail(&e))?;
    let Some(packing) = packing(path) else { return Ok(Box::new(file)) };
    let most = most(file.metadata().map_err(|e| fail(&e))?.len());
    let inner: Box<dyn Read + Send> = match packing {
        Packing::Gzip => Box::new(flate2::read::MultiGzDecoder::new(BufReader::new(file))),
        Packing::Zstd => {
            let mut decoder = zstd::Decoder::new(file).map_err(|e| fail(&e))?;
            decoder.window_log_max(WINDOW_LOG).map_err(|e| fail(&e))?;
            Box::new(decoder)
        }
        Packing::Zip => {
            let member = only(path).map_err(|why| why.error(table))?;
            return unpack(path, &member, most).map_err(|e| fail(&e));
        }
    };
    Ok(Box::new(Bounded { inner, left: most }))
}

/// What a failure to read means: of a packed file that it is damaged or too large.
pub(super) fn failed(path_is_packed: bool, table: &Name, e: &io::Error) -> Error {
    match (path_is_packed, e.kind()) {
        (true, io::ErrorKind::FileTooLarge) => Why::Large.error(table),
        (true, _) => Why::Damaged.error(table),
        (false, _) => Error::io("X0505", say!("reading a file of table `{}`", table), e),
    }
}

/// Digests of a file as it lies on the disk, and its length.
pub(super) fn digests(
    path: &Path,
    wanted: Wanted,
) -> io::Result<([u8; 32], Option<[u8; 32]>, u64)> {
    let mut file = File::open(path)?;
    let mut hashing = Hashing::new(wanted);
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        match file.read(&mut buffer)? {
            0 => break,
            read => {
                hashing.update(&buffer[..read]);
                bytes += read as u64;
            }
        }
    }
    let (sha3, sha2) = hashing.finish();
    Ok((sha3, sha2, bytes))
}

/// How large a file is without its packing, as far as it can be known beforehand; for estimates of memory.
pub(super) fn size(path: &Path, length: u64) -> u64 {
    let guess = length.saturating_mul(10);
    // A workbook is an archive itself.
    let format = InputFormat::of_ending(&lower(path));
    if format.is_some_and(|format| format.facts().holds == Holds::Sheets) {
        return guess;
    }
    match packing(path) {
        None => length,
        Some(Packing::Zstd) => guess,
        // A gzip file ends with its size, of which the highest bits are missing.
        Some(Packing::Gzip) => {
            let mut last = [0; 4];
            let told = File::open(path).and_then(|mut file| {
                file.seek(SeekFrom::End(-4))?;
                file.read_exact(&mut last)
            });
            told.map_or(guess, |()| u64::from(u32::from_le_bytes(last)).max(length))
        }
        Some(Packing::Zip) => only(path).map_or(guess, |m| m.size),
    }
}

/// A .zip file, for tests.
#[cfg(test)]
pub(super) fn zip_of(files: &[(&str, &[u8])]) -> Vec<u8> {
    // Local headers, then the central directory: stored, as the format says.
    let (mut bytes, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let offset = bytes.len() as u32;
        let crc = crc32fast::hash(content);
        let mut common = Vec::new();
        common.extend(20_u16.to_le_bytes());
        common.extend([0; 2 + 2 + 4]);
        common.extend(crc.to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((content.len() as u32).to_le_bytes());
        common.extend((name.len() as u16).to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        bytes.extend(b"PK\x03\x04");
        bytes.extend(&common);
        bytes.extend(name.as_bytes());
        bytes.extend(*content);
        directory.extend(b"PK\x01\x02");
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&common);
        directory.extend([0; 2 + 2 + 2 + 4]);
        directory.extend(offset.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let start = bytes.len() as u32;
    bytes.extend(&directory);
    bytes.extend(b"PK\x05\x06");
    bytes.extend([0; 4]);
    bytes.extend((files.len() as u16).to_le_bytes());
    bytes.extend((files.len() as u16).to_le_bytes());
    bytes.extend((directory.len() as u32).to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend(0_u16.to_le_bytes());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(content).unwrap();
        packer.finish().unwrap()
    }

    fn read(name: &str, bytes: &[u8]) -> std::result::Result<Vec<u8>, &'static str> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let table = Name::fixed("t");
        let mut out = Vec::new();
        let mut reader = open(&path, &table).map_err(|e| e.code)?;
        reader.read_to_end(&mut out).map_err(|e| failed(true, &table, &e).code)?;
        Ok(out)
    }

    #[test]
    fn packed_text_is_the_text() {
        let text = "id,sex\n1,男\n".as_bytes();
        assert_eq!(read("a.csv.gz", &gzip(text)).unwrap(), text);
        // Several members one behind the other are one file.
        assert_eq!(
            read("a.csv.gz", &[gzip(text), gzip(b"2,f\n")].concat()).unwrap(),
            [text, b"2,f\n"].concat()
        );
        assert_eq!(read("a.csv.zst", &zstd::encode_all(text, 3).unwrap()).unwrap(), text);
        assert_eq!(
            read("a.zip", &zip_of(&[("x/a.csv", text), ("__MACOSX/._a.csv", b"note")])).unwrap(),
            text
        );
    }

    #[test]
    fn what_cannot_be_unpacked_is_refused() {
        let text = "id,sex\n1,男\n".repeat(100);
        let packed = gzip(text.as_bytes());
        assert_eq!(read("a.csv.gz", &packed[..packed.len() / 2]), Err("D0024"));
        assert_eq!(read("a.csv.gz", b"id,sex\n"), Err("D0024"));
        assert_eq!(read("a.csv.zst", b"id,sex\n"), Err("D0024"));
        assert_eq!(read("a.zip", b"id,sex\n"), Err("D0024"));
        assert_eq!(read("a.zip", &zip_of(&[("a.csv", b"1"), ("b.csv", b"2")])), Err("D0026"));
        assert_eq!(read("a.zip", &zip_of(&[])), Err("D0026"));
        // A checksum that is another.
        let mut broken = zip_of(&[("a.csv", b"id\n1\n")]);
        let at = broken.windows(5).position(|w| w == b"id\n1\n").unwrap();
        broken[at + 3] = b'7';
        assert_eq!(read("a.zip", &broken), Err("D0024"));
    }

    #[test]
    fn bombs_are_refused() {
        let inner: Box<dyn Read + Send> = Box::new(io::repeat(b','));
        assert_eq!([most(10), most(1 << 40)], [FLOOR, RATIO << 40]);
        let mut bounded = Bounded { inner, left: 1000 };
        let e = io::copy(&mut bounded, &mut io::sink()).unwrap_err();
        assert_eq!(failed(true, &Name::fixed("t"), &e).code, "D0025");
    }

    #[test]
    fn endings_are_those_inside() {
        for (name, wanted) in
            [("A.CSV.GZ", "csv"), ("a.ndjson.zst", "ndjson"), ("a.txt", "txt"), ("a.gz", "")]
        {
            assert_eq!(ending(Path::new(name)), wanted);
        }
    }
}
